"""Figures of classifiers: regions are where they decide so, rings are mistakes, one curve is in front."""

import re

import numpy as np
import pytest

from equibook import plots
from equibook.classifiers import make_classifier
from equibook.sensitivity import Sensitivity

THREE_PARTS = re.compile(r"^`\w+`.* must .+, got .+\. [A-Z].+\.$", re.DOTALL)
RNG = np.random.default_rng(0)
Y = np.repeat([3, 8], 20)
Z = RNG.normal(size=(40, 2)) + np.where(Y == 8, 0.8, -0.8)[:, None] * [1, 0]
MEANS = make_classifier("nearest_mean").fit(Z, Y)
THREE = np.repeat(["bee", "cat", "dog"], 15)
Z_THREE = RNG.normal(size=(45, 2)) * 0.3 + np.repeat([[0, 0], [4, 0], [0, 4]], 15, axis=0)
FOUND = Sensitivity(
    "noise",
    np.array([0, 0.2, 0.5]),
    {
        "lda": np.array([[1.0, 0.98, 0.99], [0.9, 0.8, 0.85], [0.6, 0.7, 0.65]]),
        "qda": np.array([[1.0, 1.0, 1.0], [0.9, 0.9, 0.9], [0.5, 0.5, 0.5]]),
        "mlp": np.array([[0.9, 0.95, 1.0], [0.9, 0.8, 0.7], [0.6, 0.5, 0.7]]),
    },
)


@pytest.fixture(scope="module")
def figures():
    three = make_classifier("lda").fit(Z_THREE, THREE)
    return {
        "two": plots.plot_decisions(MEANS, Z, Y, title="nearest_mean", unit="σ"),
        "three": plots.plot_decisions(three, Z_THREE, THREE),
        "one among": plots.plot_one_among(FOUND, "qda"),
    }


KINDS = ("two", "three", "one among")


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_has_words_and_nothing_is_cut_off(figures, kind):
    figure = figures[kind]
    assert len(figure.alt) > 20 and figure.alt.endswith(".")
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert max(-box.x0, -box.y0, box.x1 - width, box.y1 - height) < 0.01


def test_the_kinds_are_all(figures):
    assert set(KINDS) == set(figures)


def shown_regions(ax):
    """Return places (n, 2) and the number of the class whose shade is there, as drawn."""
    mesh = ax.collections[0]
    corners = mesh.get_coordinates()
    centres = (corners[:-1, :-1] + corners[1:, 1:]) / 2
    return centres.reshape(-1, 2), np.asarray(mesh.get_array()).ravel()


@pytest.mark.parametrize("name", ["nearest_mean", "lda", "qda", "naive_bayes", "ridge", "linear_svm", "rbf_svm", "mlp"])
def test_a_region_is_where_the_classifier_decides_so(name):
    classifier = make_classifier(name).fit(Z, Y)
    places, number = shown_regions(plots.plot_decisions(classifier, Z, Y).axes[0])
    assert np.array_equal(np.array([3, 8])[number.astype(int)], classifier.predict(places)) and len(set(number)) == 2


def test_the_boundary_is_where_both_means_are_equally_far(figures):
    (ax,) = figures["two"].axes
    line = ax.collections[-1].get_paths()[0].vertices
    far = [np.linalg.norm(line - mean, axis=1) for mean in MEANS.centroids_]
    assert len(line) > 50 and np.abs(far[0] - far[1]).max() < 1e-9
    assert np.abs(np.linalg.norm(line - MEANS.centroids_[0] + 0.5, axis=1) - far[1]).max() > 0.1  # another mean: not


def test_points_are_drawn_by_class_and_mistakes_are_ringed(figures):
    (ax,) = figures["two"].axes
    first, second, rings = (line.get_xydata() for line in ax.lines)
    assert np.array_equal(first, Z[Y == 3]) and np.array_equal(second, Z[Y == 8])
    wrong = MEANS.predict(Z) != Y
    assert 0 < wrong.sum() < 15 and np.array_equal(rings, Z[wrong])
    said = f"nearest_mean: {wrong.sum()} of 40 points in another's region"
    assert ax.get_title(loc="left") == said and said.partition(": ")[2] in figures["two"].alt
    assert ax.get_xlabel() == "component 1 (σ)" and figures["three"].axes[0].get_ylabel() == "component 2"


def test_classes_and_regions_differ_by_more_than_colour(figures):
    for kind, n in (("two", 2), ("three", 3)):
        legend = figures[kind].axes[0].get_legend()
        points, patches = legend.legend_handles[:n], legend.legend_handles[-n:]
        assert len({line.get_marker() for line in points}) == len({patch.get_hatch() for patch in patches}) == n
        hatched = figures[kind].axes[0].collections[1]
        assert hatched.hatches == [patch.get_hatch() for patch in patches]


def test_three_classes_have_three_regions_and_labels_may_be_words(figures):
    _, number = shown_regions(figures["three"].axes[0])
    assert set(number) == {0, 1, 2} and "bee, cat, dog" in figures["three"].alt
    assert "0 of 45 points" in figures["three"].alt


def test_where_all_is_one_region_no_boundary_is_drawn():
    far_away = make_classifier("nearest_mean").fit([[0.0, 0.0], [1.0, 2.0], [90.0, 90.0], [91.0, 92.0]], [3, 3, 8, 8])
    figure = plots.plot_decisions(far_away, Z, Y)
    _, number = shown_regions(figure.axes[0])
    assert set(number) == {0} and "20 of 40 points" in figure.alt
    assert len(figure.axes[0].collections) == 2  # shades and hatches


def test_one_classifier_is_in_front_with_its_interval(figures):
    (ax,) = figures["one among"].axes
    lines = {line.get_label().partition(",")[0]: line for line in ax.lines}
    for name in FOUND.accuracies:
        assert np.allclose(lines[name].get_ydata(), 100 * FOUND.mean(name))
    assert lines["qda"].get_linewidth() > 2 * lines["lda"].get_linewidth()
    assert lines["lda"].get_color() == lines["mlp"].get_color() != lines["qda"].get_color()
    assert len({lines[name].get_marker() for name in FOUND.accuracies}) == 3
    (band,) = plots.plot_one_among(FOUND, "mlp").axes[0].collections
    heights, mean = band.get_paths()[0].vertices[:, 1], 100 * FOUND.mean("mlp")
    assert heights.max() == 100 and np.isclose(heights.min(), (mean - 100 * FOUND.margin("mlp")).min())  # cut at 100
    assert "qda: 100 ± 0 at 0, 90 ± 0 at 0.2, 50 ± 0 at 0.5." in figures["one among"].alt


def test_one_split_has_no_interval():
    one = Sensitivity("noise", np.array([0, 1]), {"lda": np.array([[1.0], [0.5]])})
    (band,) = plots.plot_one_among(one, "lda").axes[0].collections
    assert set(band.get_paths()[0].vertices[:, 1]) == {50.0, 100.0}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.plot_decisions(MEANS, Z[:, :1], Y), "`Z` must have shape (n_samples, 2), got (40, 1). Pass"),
        (lambda: plots.plot_decisions(MEANS, Z[:0], Y[:0]), "`Z` must have shape (n_samples, 2), got (0, 2). Pass"),
        (
            lambda: plots.plot_decisions(make_classifier("lda").fit(np.c_[Z, Z[:, 0] ** 2], Y), Z, Y),
            "`classifier` must be fitted to two numbers, got one of 3. Fit it",
        ),
        (lambda: plots.plot_decisions(make_classifier("lda"), Z, Y), "must be fitted to two numbers, got one that is"),
        (
            lambda: plots.plot_decisions(make_classifier("lda").fit(Z, np.arange(40) // 4), Z, Y),
            "`classifier` must have few classes, got 10. Here at most 7",
        ),
        (lambda: plots.plot_decisions(MEANS, Z, Y[:9]), "`y` must"),
        (lambda: plots.plot_one_among(FOUND, "ridge"), "`classifier` must be one of 'lda', 'qda', 'mlp', got 'ridge'."),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        call()
    assert THREE_PARTS.match(str(caught.value))
