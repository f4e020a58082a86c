"""Explanations: parts that sum to the score, exactly."""

import numpy as np
import pytest

from equibook import GlassBoxClassifier, Representation, actions, datasets
from equibook.classifiers import AFFINE, CLASSIFIERS
from equibook.representation import Pixels


@pytest.fixture(scope="module")
def digits():
    X, y = datasets.load_digits(classes=(3, 6, 8))
    return X, y


@pytest.fixture(scope="module")
def model(digits):
    X, y = digits
    two = y != 6
    return GlassBoxClassifier().fit(X[two][:100], y[two][:100])


def gap(why):
    return why.gap().max() / np.abs(why.score).max()


@pytest.mark.parametrize("translation", ["fixed", "centre", "pool"])
@pytest.mark.parametrize("invariant", ["average", "k0", "power", "cross"])
def test_parts_sum_to_the_score(digits, invariant, translation):
    X, y = digits
    layer = Representation(invariant=invariant, translation=translation)
    why = GlassBoxClassifier(representation=layer).fit(X[:60], y[:60] == 8).explain(X[60:70])
    assert gap(why) < 1e-12


@pytest.mark.parametrize("name", AFFINE)
def test_score_is_the_decision_function(digits, name):
    X, y = digits
    X = X.astype(np.float64)
    for classes in ((3, 8), (3, 6, 8)):
        rows = np.isin(y, classes)
        model = GlassBoxClassifier(name).fit(X[rows][:90], y[rows][:90])
        why, scores = model.explain(X[90:100]), model.decision_function(X[90:100])
        expected = scores if len(classes) == 2 else scores.max(axis=1)
        assert np.allclose(why.score, expected, rtol=1e-12, atol=1e-12)
        assert gap(why) < 1e-12
        predicted = model.predict(X[90:100])
        assert np.array_equal(why.target if len(classes) == 3 else np.where(why.score > 0, 8, 3), predicted)


def test_gap_sees_a_missing_part(model, digits):
    why = model.explain(digits[0][:3])
    why.features[:, 7] += 0.1
    assert gap(why) > 1e-3


def test_target(model, digits):
    X = digits[0][:4]
    for_8, for_3 = model.explain(X, target=8), model.explain(X, target=3)
    assert np.array_equal(for_8.score, -for_3.score)
    assert np.array_equal(for_8.pixels, -for_3.pixels)
    assert set(for_8.target) == {8} and set(for_3.target) == {3}
    assert np.array_equal(model.explain(X).score, for_8.score)


def test_target_of_many_classes(digits):
    X, y = digits
    names = np.array(["three", "six", "eight"])[np.searchsorted([3, 6, 8], y)]
    model = GlassBoxClassifier("lda").fit(X[:100], names[:100])
    why = model.explain(X[100:104], target="six")
    column = list(model.classes_).index("six")
    assert np.allclose(why.score, model.decision_function(X[100:104].astype(np.float64))[:, column])
    assert set(why.target) == {"six"}


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_pixel_map_turns_with_the_image(model, digits, turn):
    X = digits[0][:5].astype(np.float64)
    turned = model.explain(actions.rotate(X, turn)).pixels
    expected = actions.rotate(model.explain(X).pixels, turn)
    assert np.abs(turned - expected).max() < 1e-12 * np.abs(expected).max()
    assert np.abs(turned - model.explain(X).pixels).max() > 0.1 * np.abs(expected).max()


def test_black_pixels_have_no_part(model):
    X = np.zeros((1, 1, 32, 32))
    why = model.explain(X)
    assert np.count_nonzero(why.pixels) == 0
    assert why.score == pytest.approx(why.bias)
    X[0, 0, 10:20, 15:17] = 1
    assert np.count_nonzero(model.explain(X).pixels) == np.count_nonzero(X)


@pytest.mark.parametrize("by", ["scale", "ring", "k"])
def test_groups_are_what_sets_the_image_apart(model, digits, by):
    why = model.explain(digits[0][:3])
    groups = why.group(by)
    mean_score = why.reference.sum(axis=1) + why.bias
    assert np.allclose(sum(groups.values()), why.score - mean_score)
    assert len(groups) == {"scale": 4, "ring": 6, "k": 6}[by]


@pytest.mark.parametrize("name", [name for name in CLASSIFIERS if name not in AFFINE])
def test_others_are_refused_by_name(digits, name):
    X, y = digits
    model = GlassBoxClassifier(name).fit(X[:60], y[:60])
    with pytest.raises(ValueError, match=rf"affine score, got '{name}'\. Explain a model with one of nearest_mean"):
        model.explain(X[:1])


def test_pixels_are_refused(digits):
    X, y = digits
    model = GlassBoxClassifier(representation=Pixels()).fit(X[:60], y[:60])
    with pytest.raises(ValueError, match=r"named features, got a model of pixels\. Fit one"):
        model.explain(X[:1])


def test_unknown_target(model, digits):
    with pytest.raises(ValueError, match=r"`target` must be one of 3, 8, got 5\. Choose"):
        model.explain(digits[0][:1], target=5)
