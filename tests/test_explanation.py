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


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_score_is_the_decision_function(digits, name):
    X, y = digits
    X = X.astype(np.float64)
    for classes in ((3, 8), (3, 6, 8))[: 1 if name == "rbf_svm" else 2]:
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


@pytest.mark.parametrize("name", ["square", "disc", "rounding counts"])
def test_a_symmetric_image_has_a_symmetric_map(model, monkeypatch, name):
    """Its coefficients with k ≠ 0 (but 4) vanish up to rounding, which has no direction that a map could follow."""
    u = np.arange(32) - 15.5
    inside = np.hypot(u, u[:, None]) < 9 if name == "disc" else np.maximum(abs(u), abs(u[:, None])) < 8
    if name == "rounding counts":
        monkeypatch.setattr("equibook.invariant.drop_rounding", lambda coefficients: coefficients)
    pixels = model.explain(inside[None, None].astype(np.float64)).pixels
    difference = np.abs(actions.rotate(pixels, 90) - pixels).max() / np.abs(pixels).max()
    assert difference > 1e-3 if name == "rounding counts" else difference < 1e-9


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


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_one_weight_for_all_images_only_where_the_score_is_affine(digits, name):
    X, y = digits
    two = y != 6
    why = GlassBoxClassifier(name).fit(X[two][:60], y[two][:60]).explain(X[two][60:65])
    spread = np.ptp(why.reference, axis=0).max() / np.abs(why.reference).max()
    assert (spread < 1e-12) == (name in AFFINE)
    assert spread < 1e-12 or spread > 1e-3


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_bias_is_the_score_of_black(digits, name):
    X, y = digits
    two = y != 6
    model = GlassBoxClassifier(name).fit(X[two][:60], y[two][:60])
    of_black = model.decision_function(np.zeros((1, 1, 32, 32)))
    assert np.allclose(model.explain(X[:4]).bias, of_black, rtol=1e-12, atol=1e-12)


def test_why_the_one_and_not_the_other(digits):
    X, y = digits
    X = X.astype(np.float64)
    model = GlassBoxClassifier("qda").fit(X[:100], y[:100])
    why, scores = model.explain(X[100:104], target=6, against=8), model.decision_function(X[100:104])
    assert np.allclose(why.score, scores[:, 1] - scores[:, 2], rtol=1e-12, atol=1e-12) and gap(why) < 1e-12
    assert why.question(1) == "6 against 8" and "6 against 8" in why.plot(1).alt
    for_6, for_8 = (model.explain(X[100:104], target=label) for label in (6, 8))
    assert np.allclose(why.pixels, for_6.pixels - for_8.pixels, rtol=0, atol=1e-12 * np.abs(for_6.pixels).max())


def test_of_two_classes_the_score_is_against_the_other(model, digits):
    X = digits[0][:4]
    assert np.array_equal(model.explain(X, target=8, against=3).score, model.explain(X, target=8).score)
    with pytest.raises(ValueError, match=r"`against` must be another class .*, got 8 for both\. Choose"):
        model.explain(X, target=8, against=8)
    with pytest.raises(ValueError, match=r"`against` must be one of 3, 8, got 5\. Choose"):
        model.explain(X, against=5)


def test_votes_of_pairs_are_refused(digits):
    X, y = digits
    model = GlassBoxClassifier("rbf_svm").fit(X[:60], y[:60])
    need = r"pairs of classes vote in 'rbf_svm' .*, got 3 classes\. Explain a model with one of nearest_mean"
    with pytest.raises(ValueError, match=need):
        model.explain(X[:1])


@pytest.mark.parametrize("angle", [0, 45, 90])
def test_pixel_map_is_reflected_with_the_image(digits, angle):
    X, y = digits
    X, two = X.astype(np.float64), y != 6
    image = X[:3]
    gaps = {}
    for group in ("O(2)", "SO(2)"):
        layer = Representation(group=group)
        model = GlassBoxClassifier(representation=layer).fit(X[two][:60], y[two][:60])
        expected = actions.reflect(model.explain(image).pixels, angle)
        found = model.explain(actions.reflect(image, angle)).pixels
        gaps[group] = np.abs(found - expected).max() / np.abs(expected).max()
    assert gaps["O(2)"] < 1e-10 and gaps["SO(2)"] > 0.01


def test_pixels_are_refused(digits):
    X, y = digits
    model = GlassBoxClassifier(representation=Pixels()).fit(X[:60], y[:60])
    with pytest.raises(ValueError, match=r"named features, got a model of pixels\. Fit one"):
        model.explain(X[:1])


def test_unknown_target(model, digits):
    with pytest.raises(ValueError, match=r"`target` must be one of 3, 8, got 5\. Choose"):
        model.explain(digits[0][:1], target=5)
