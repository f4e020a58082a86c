"""Sensitivity: the accuracies are those of the model, disturbances cost, invariance saves, and tables say so."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from equibook import GlassBoxClassifier, datasets, plots
from equibook.representation import Pixels, Representation
from equibook.sensitivity import AMOUNTS, UNITS, Sensitivity, sensitivity

X, Y = datasets.load_digits(classes=(3, 8), size=16)
POWER = GlassBoxClassifier(representation=Representation(invariant="power"))
MADE_UP = Sensitivity("noise", np.array([0, 0.5]), {"lda": np.array([[1.0, 0.9, 0.8], [0.5, 0.6, 0.7]])})


def test_accuracies_are_those_of_the_model():
    found = sensitivity(POWER, X, Y, by="noise", amounts=[0], classifiers=["nearest_mean", "qda"], n_splits=2)
    for name in ("nearest_mean", "qda"):
        for seed in (0, 1):
            train, test = train_test_split(np.arange(len(Y)), train_size=100, stratify=Y, random_state=seed)
            model = GlassBoxClassifier(name, representation=Representation(invariant="power"), random_state=seed)
            expected = model.fit(X[train], Y[train]).score(X[test], Y[test])
            assert found.accuracies[name][0, seed] == pytest.approx(expected)


def test_a_quarter_turn_costs_pixels_much_and_the_glass_box_nothing():
    pixels = GlassBoxClassifier(representation=Pixels())
    for model, least, most in ((POWER, 0.0, 1e-12), (pixels, 0.2, 1.0)):
        found = sensitivity(model, X, Y, by="angle", amounts=[0, 90], classifiers=["lda"], n_splits=2)
        upright, turned = found.mean("lda")
        assert least <= upright - turned <= most


@pytest.mark.parametrize("by", UNITS)
def test_everything_can_be_changed(by):
    amounts = {"n_train": (20, 60), "n_components": (2, 10)}.get(by, AMOUNTS[by][::3])
    names = ["nearest_mean", "ridge"]
    found = sensitivity(POWER, X, Y, by=by, amounts=amounts, classifiers=names, n_splits=2, n_train=60)
    assert found.by == by and found.amounts.tolist() == list(amounts) and list(found.accuracies) == names
    for name in names:
        assert found.accuracies[name].shape == (len(amounts), 2)
        assert ((found.accuracies[name] >= 0.3) & (found.accuracies[name] <= 1)).all()


def test_noise_and_few_images_cost():
    noisy = sensitivity(POWER, X, Y, by="noise", amounts=[0, 0.5], classifiers=["lda"], n_splits=3)
    few = sensitivity(POWER, X, Y, by="n_train", amounts=[10, 200], classifiers=["lda"], n_splits=3)
    assert noisy.mean("lda")[0] > noisy.mean("lda")[1] + 0.05
    assert few.mean("lda")[1] > few.mean("lda")[0] + 0.02


def test_seeds_repeat():
    settings = {"by": "occlusion", "amounts": [0.3], "classifiers": ["mlp"], "n_train": 60, "n_splits": 2}
    first, again, other = (sensitivity(POWER, X[:120], Y[:120], **settings, random_state=seed) for seed in (0, 0, 5))
    assert np.array_equal(first.accuracies["mlp"], again.accuracies["mlp"])
    assert not np.array_equal(first.accuracies["mlp"], other.accuracies["mlp"])


def test_means_and_intervals_by_hand():
    np.testing.assert_allclose(MADE_UP.mean("lda"), [0.9, 0.6])
    np.testing.assert_allclose(MADE_UP.margin("lda"), 4.302652729911275 * 0.1 / np.sqrt(3))  # t of 2 degrees of freedom
    assert np.isnan(Sensitivity("noise", np.array([0]), {"lda": np.ones((1, 1))}).margin("lda")).all()


def test_differences_are_taken_split_by_split():
    base = np.array([[0.5, 0.7, 0.9]])
    found = Sensitivity("noise", np.array([0]), {"lda": base, "qda": base + np.array([0.02, 0.03, 0.04])}).above("lda")
    assert list(found.accuracies) == ["qda"] and found.mean("qda") == pytest.approx(0.03)
    assert found.margin("qda") == pytest.approx(4.302652729911275 * 0.01 / np.sqrt(3))
    assert "accuracy above lda in %" in str(found) and "accuracy above lda in %" in found._repr_html_()
    assert found.plot().axes[0].get_ylabel() == "accuracy above lda (%)"


def test_tables_say_it():
    assert str(MADE_UP).splitlines() == [
        "by standard deviation of the noise",
        "accuracy in %            0          0.5",
        "lda            90.0 ± 24.8  60.0 ± 24.8",
    ]
    assert "<caption>accuracy in %, by standard deviation" in MADE_UP._repr_html_()
    assert "<td>60.0 ± 24.8</td>" in MADE_UP._repr_html_()
    assert "90.0" in str(Sensitivity("noise", np.array([0]), {"lda": np.full((1, 1), 0.9)}))


def test_the_figure_shows_it():
    figure = MADE_UP.plot()
    (ax,) = figure.axes
    line = ax.containers[0].lines[0]
    np.testing.assert_allclose(line.get_ydata(), [90, 60])
    assert ax.get_xlabel() == UNITS["noise"] and figure.alt.endswith("from 0 to 0.5: lda 90 to 60 %.")
    assert plots.plot_sensitivity(MADE_UP).alt == figure.alt


def test_curves_differ_by_more_than_colour():
    eight = {f"classifier {i}": np.full((2, 2), 0.5) for i in range(8)}
    ax = plots.plot_sensitivity(Sensitivity("noise", np.array([0, 1]), eight)).axes[0]
    looks = {(c.lines[0].get_marker(), c.lines[0].get_linestyle()) for c in ax.containers}
    assert len(looks) == 8


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"by": "colour"}, "`by` must be one of 'angle', .*, got 'colour'. Choose"),
        ({"by": "angle", "classifiers": ["forest"]}, "`classifiers` must be one of .*, got 'forest'. Choose"),
        ({"by": "angle", "amounts": []}, r"`amounts` must hold finite numbers, got \[\]. Give one"),
        ({"by": "angle", "amounts": [np.nan]}, r"`amounts` must hold finite numbers, got \[nan\]. Give one"),
        ({"by": "noise", "amounts": [-1]}, "`amounts` must be at least 0 for 'noise', got -1. Leave it out."),
        ({"by": "scale", "amounts": [0]}, "`amounts` must be above 0 for 'scale', got 0. Leave it out."),
        ({"by": "occlusion", "amounts": [2]}, "`amounts` must be at most 1 for 'occlusion', got 2. Give parts"),
        ({"by": "n_train", "amounts": [len(Y)]}, f"`amounts` must be below {len(Y)}, the number of images"),
        (
            {"by": "n_components", "amounts": [0]},
            "`amounts` must be at least 1 for 'n_components', got 0. Leave it out.",
        ),
        ({"by": "angle", "n_splits": 0}, "`n_splits` must be a positive integer, got 0"),
        ({"by": "angle", "n_train": 1000}, f"`n_train` must be below {len(Y)}, the number of images, got 1000. Leave"),
        ({"by": "angle", "n_train": 0}, "`n_train` must be a positive integer, got 0"),
    ],
)
def test_bad_input(settings, message):
    with pytest.raises(ValueError, match=message):
        sensitivity(POWER, X, Y, **settings)


def test_an_unknown_classifier_has_no_mean():
    with pytest.raises(ValueError, match="`classifier` must be one of 'lda', got 'qda'"):
        MADE_UP.mean("qda")
