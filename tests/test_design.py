"""Blocks compared: each figure against the library's own way to it, and rank correlations by hand."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from test_checks import THREE_PARTS

from equibook import GlassBoxClassifier, Representation, actions, datasets, measure
from equibook.design import MEASURES, Comparison, compare
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
    assert len(lines) == 7 and lines[1].startswith("pixels") and "rank correlation of Fisher ratio" in lines[4]
    assert found._repr_html_().count("<tr>") == 4 and "<p>rank correlation" in found._repr_html_()
    figure = found.plot("ratio")
    (ax,) = figure.axes
    np.testing.assert_allclose(ax.containers[0].lines[0].get_ydata(), 100 * found.accuracy)
    np.testing.assert_allclose(ax.containers[0].lines[0].get_xdata(), found.separation["ratio"])
    assert figure.alt.startswith("distance ratio, after Layer 1 against accuracy for 3 blocks")


def test_blocks_can_be_searched_by_scikit_learn():
    model = GlassBoxClassifier("lda", representation=Representation())
    grid = {"representation__invariant": ["average", "power"], "representation__scales": [(0.8,), (0.8, 1.6)]}
    search = GridSearchCV(model, grid, cv=3).fit(X, Y)
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == 4 and np.ptp(scores) > 0 and search.best_score_ == scores.max() > 0.85


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
