"""Blocks compared: each figure against the library's own way to it, and rank correlations by hand."""

import numpy as np
import pytest
from scipy.stats import sem, spearmanr
from scipy.stats import t as student
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import Pipeline
from test_checks import THREE_PARTS

from equibook import GlassBoxClassifier, Representation, actions, datasets, measure
from equibook.design import MEASURES, Comparison, compare, neighbour_share
from equibook.reduction import Reduction
from equibook.representation import Pixels

X, Y = datasets.load_digits(classes=(3, 8), size=16)
X, Y = X[:120], Y[:120]
BLOCKS = {
    "pixels": Pixels(),
    "average": Representation(invariant="average"),
    "power": Representation(invariant="power"),
}


def turn(images):
    return actions.rotate(images, np.random.default_rng(0).uniform(-180, 180, len(images)))


@pytest.fixture(scope="module")
def found():
    return compare(BLOCKS, X, Y, act=turn, n_splits=3)


def made_up(values, accuracies):
    separation = dict.fromkeys(MEASURES, np.array(values, dtype=float))
    names = [f"block {i}" for i in range(len(values))]
    rows = np.array(accuracies)[:, None] + np.array([-0.01, 0.01])
    return Comparison(names, np.arange(len(values)), separation, rows, np.ones(len(values)), "lda")


def test_accuracy_is_that_of_the_glass_box_on_the_parts_held_back(found):
    moved = turn(X)
    folds = StratifiedKFold(3, shuffle=True, random_state=0).split(X, Y)
    for k, (train, held) in enumerate(folds):
        for i, block in enumerate(BLOCKS.values()):
            model = GlassBoxClassifier("lda", representation=block).fit(X[train], Y[train])
            assert found.accuracies[i, k] == pytest.approx(model.score(moved[held], Y[held]))


def test_separation_is_that_of_the_moved_images(found):
    for i, block in enumerate(BLOCKS.values()):
        features = block.fit_transform(X)
        reduction, of_moved = Reduction().fit(features), block.transform(turn(X))
        after_1 = measure.class_separation(reduction.scaler_.transform(of_moved), Y)
        assert found.separation["fisher"][i] == pytest.approx(after_1.fisher)
        assert found.separation["ratio"][i] == pytest.approx(after_1.ratio)
        after_2 = measure.class_separation(reduction.transform(of_moved), Y)
        assert found.separation["fisher_reduced"][i] == pytest.approx(after_2.fisher)
        scaled, moved = reduction.scaler_.transform(features), reduction.scaler_.transform(of_moved)
        assert found.separation["neighbours"][i] == neighbour_share(scaled, Y, moved=moved)
        assert found.n_features[i] == features.shape[1]


def test_turned_digits_are_for_the_glass_box_and_upright_ones_for_both(found):
    pixels, _, power = found.accuracy
    assert power > 0.85 and pixels < 0.7
    upright = compare(BLOCKS, X, Y, n_splits=3)
    assert upright.accuracy[0] > 0.85
    assert found.separation["fisher"][0] < 0.3 * upright.separation["fisher"][0]


def test_rank_correlation_by_scipy():
    rng = np.random.default_rng(0)
    values, accuracies = rng.random(12), rng.random(12)
    r, low, high = made_up(values, accuracies).rank_correlation()
    assert r == pytest.approx(spearmanr(values, accuracies).statistic) and low < r < high
    assert made_up([1, 2, 4, 9], [0.5, 0.6, 0.7, 0.9]).rank_correlation("ratio")[0] == pytest.approx(1)
    assert made_up([1, 2, 4, 9], [0.9, 0.7, 0.6, 0.5]).rank_correlation()[0] == pytest.approx(-1)
    assert made_up(values, accuracies).rank_correlation(random_state=1)[1:] != (low, high)


def test_where_nothing_varies_there_is_no_rank():
    assert np.isnan(made_up([1, 1, 1], [0.5, 0.6, 0.7]).rank_correlation()).all()


def test_tables_and_figure_say_it(found):
    lines = str(found).splitlines()
    assert len(lines) == 8 and lines[1].startswith("pixels") and "rank correlation of Fisher ratio" in lines[4]
    points = 100 * (found.accuracy.max() - found.accuracy[found.separation["fisher"].argmax()])
    assert lines[4].endswith(f"is {points:.1f} points below the best")
    assert found._repr_html_().count("<tr>") == 4 and "<p>rank correlation" in found._repr_html_()
    assert found.plot("ratio").alt.startswith("distance ratio, after Layer 1 against accuracy for 3 blocks")


def test_margin_is_that_of_student(found):
    low, high = student.interval(0.95, 2, found.accuracy[1], sem(found.accuracies[1]))
    assert found.margin[1] == pytest.approx((high - low) / 2)


def test_neighbours_by_scikit_learn():
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(40, 3)), rng.integers(0, 3, 40)
    right = 0
    for i in range(40):
        others = np.arange(40) != i
        nearest = KNeighborsClassifier(1).fit(rows[others], labels[others])
        right += nearest.predict(rows[i : i + 1])[0] == labels[i]
    assert neighbour_share(rows, labels) == right / 40
    assert neighbour_share(rows, labels, moved=rows) == right / 40
    assert neighbour_share(np.eye(4)[[0, 0, 1, 1]], [0, 0, 1, 1], moved=np.eye(4)[[1, 1, 0, 0]]) == 0


def test_blocks_are_sorted_and_selected(found):
    for by, values in {
        "accuracy": -found.accuracy,
        "fisher": -found.separation["fisher"],
        "seconds": found.seconds,
    }.items():
        assert found.sort(by).names == [found.names[i] for i in np.argsort(values, kind="stable")]
    assert found.sort("n_features").n_features.tolist() == sorted(found.n_features)
    two = found.select(["power", "pixels"])
    assert two.names == ["power", "pixels"] and two.accuracy[1] == found.accuracy[0]
    assert two.separation["ratio"][0] == found.separation["ratio"][2] and two.classifier == "lda"


def test_shortfall_is_what_the_first_choice_costs():
    assert made_up([1, 2, 9, 4], [0.5, 0.9, 0.7, 0.6]).shortfall() == pytest.approx(0.2)
    assert made_up([1, 9, 2, 4], [0.5, 0.9, 0.7, 0.6]).shortfall("neighbours") == 0


def test_fisher_ratio_falls_where_weak_features_join_strong_ones_and_neighbours_do_not():
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    strong = labels[:, None] + rng.normal(scale=0.4, size=(200, 1))
    weak = 0.4 * labels[:, None] + rng.normal(scale=0.4, size=(200, 30))
    strong, both = (rows / rows.std(axis=0) for rows in (strong, np.hstack([strong, weak])))
    assert measure.class_separation(both, labels).fisher < 0.5 * measure.class_separation(strong, labels).fisher
    assert neighbour_share(both, labels) > neighbour_share(strong, labels)


def test_blocks_can_be_searched_by_scikit_learn():
    model = GlassBoxClassifier("lda", representation=Representation())
    grid = {"representation__invariant": ["average", "power"], "representation__scales": [(0.8,), (0.8, 1.6)]}
    search = GridSearchCV(model, grid, cv=3).fit(X, Y)
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == 4 and np.ptp(scores) > 0 and search.best_score_ == scores.max() > 0.85


@pytest.mark.parametrize("wrapped", [False, True])
def test_whole_blocks_can_be_searched_too(wrapped):
    blocks = [Pixels(), Representation(invariant="average"), Representation(invariant="power")]
    if wrapped:
        steps = [("block", Pixels()), ("reduction", Reduction(whiten=True)), ("classifier", NearestCentroid())]
        model, name = Pipeline(steps), "block"
    else:
        model, name = GlassBoxClassifier(representation=Pixels()), "representation"
    grid = [{name: blocks}, {name: [Representation()], f"{name}__invariant": ["k0"]}]
    search = GridSearchCV(model, grid, cv=3).fit(X, Y)
    scores = search.cv_results_["mean_test_score"]
    expected = cross_val_score(clone(model).set_params(**{name: blocks[1]}), X, Y, cv=3)
    assert len(scores) == 4 and scores[0] < scores[1] == expected.mean() and search.best_score_ == scores.max()


@pytest.mark.parametrize(
    ("blocks", "settings", "message"),
    [
        ({}, {}, "`blocks` must hold at least one Representation, got none"),
        (BLOCKS, {"n_splits": 1}, "`n_splits` must be from 2 to"),
        (BLOCKS, {"n_splits": 500}, "`n_splits` must be from 2 to"),
        (BLOCKS, {"classifier": "forest"}, "`classifier` must be one of"),
    ],
)
def test_bad_input(blocks, settings, message):
    with pytest.raises(ValueError, match=message) as caught:
        compare(blocks, X, Y, **settings)
    assert THREE_PARTS.match(str(caught.value))


def test_an_unknown_measure(found):
    with pytest.raises(ValueError, match="`by` must be one of 'fisher'"):
        found.rank_correlation("distance")
    with pytest.raises(ValueError, match="`by` must be one of 'fisher'"):
        found.shortfall("distance")
    with pytest.raises(ValueError, match="`by` must be one of 'accuracy'"):
        found.sort("beauty")
    with pytest.raises(ValueError, match="`names` must be one of 'pixels'"):
        found.select(["glass"])


def test_neighbours_need_two_samples():
    with pytest.raises(ValueError, match="`features` must hold at least two samples, got 1") as caught:
        neighbour_share([[1.0]], [0])
    assert THREE_PARTS.match(str(caught.value))
