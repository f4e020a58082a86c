"""The glass box as a scikit-learn classifier: contract, claims and bad input."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from equibook import GlassBoxClassifier, Representation, actions, datasets
from equibook.classifiers import CLASSIFIERS, PROBABILISTIC
from equibook.representation import Pixels

SMALL = Representation(invariant="power", scales=(1.6,))


@pytest.fixture(scope="module")
def digits():
    X, y = datasets.load_digits(classes=(3, 8))
    rows = np.random.default_rng(0).permutation(len(X))
    return X[rows], y[rows]


@pytest.fixture(scope="module")
def turned(digits):
    return actions.rotate(digits[0][100:], np.random.default_rng(1).uniform(0, 360, len(digits[0]) - 100))


@pytest.fixture(scope="module")
def model(digits):
    return GlassBoxClassifier().fit(digits[0][:100], digits[1][:100])


# --- claims


def test_trained_upright_reads_at_any_angle(digits, turned, model):
    y = digits[1]
    assert model.score(turned, y[100:]) > 0.98
    pixels = GlassBoxClassifier(representation=Pixels()).fit(digits[0][:100], y[:100])
    assert pixels.score(digits[0][100:], y[100:]) > 0.95
    assert pixels.score(turned, y[100:]) < 0.7  # the negative control: nothing else was changed


def test_the_price_6_against_9():
    X, y = datasets.load_digits(classes=(6, 9))
    model = GlassBoxClassifier().fit(X[:100], y[:100])
    upside_down = actions.rotate(X[100:], 180)
    assert np.mean(model.predict(upside_down) == model.predict(X[100:])) == 1  # what a turn cannot change


# --- contract


def test_layers_can_be_used_one_by_one(digits, model):
    X = digits[0][:5]
    components = model.reduction_.transform(model.representation_.transform(X))
    assert np.array_equal(components, model.reduce(X))
    assert np.array_equal(model.classifier_.predict(components), model.predict(X))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier(digits, turned, name):
    X, y = digits
    labels = np.where(y == 8, "eight", "three")
    model = GlassBoxClassifier(name, representation=SMALL).fit(X[:100], labels[:100])
    scores, predicted = model.decision_function(turned), model.predict(turned)
    assert scores.shape == (len(turned),)
    assert np.array_equal(model.classes_[(scores > 0).astype(int)], predicted)
    assert model.score(turned, labels[100:]) == accuracy_score(labels[100:], predicted)
    if name in PROBABILISTIC:
        probabilities = model.predict_proba(turned)
        assert np.allclose(probabilities.sum(axis=1), 1)
        assert np.array_equal(model.classes_[probabilities.argmax(axis=1)], predicted)
    else:
        with pytest.raises(AttributeError, match="predict_proba"):
            model.predict_proba(turned)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_ten_classes(name):
    X, y = datasets.load_digits()
    model = GlassBoxClassifier(name, representation=SMALL).fit(X[:300], y[:300])
    scores = model.decision_function(X[300:500])
    assert scores.shape == (200, 10)
    assert np.array_equal(model.classes_[scores.argmax(axis=1)], model.predict(X[300:500]))
    assert model.score(X[300:500], y[300:500]) > 0.6


def test_clone_and_params(model):
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    assert not hasattr(twin, "classes_")
    nested = GlassBoxClassifier(representation=SMALL).set_params(representation__n_rings=3)
    assert nested.representation.n_rings == 3
    SMALL.set_params(n_rings=6)


def test_given_representation_is_left_alone(digits):
    given = Representation(invariant="k0")
    GlassBoxClassifier(representation=given).fit(digits[0][:40], digits[1][:40])
    assert not hasattr(given, "table_")


def test_input_is_left_alone(digits):
    X, y = digits[0][:40].copy(), digits[1][:40].copy()
    GlassBoxClassifier(representation=SMALL).fit(X, y).predict(X)
    assert np.array_equal(X, digits[0][:40])
    assert np.array_equal(y, digits[1][:40])


def test_tensors_and_arrays_give_the_same(digits):
    X, y = digits[0][:60], digits[1][:60]
    from_tensor = GlassBoxClassifier(representation=SMALL).fit(torch.from_numpy(X), torch.from_numpy(y))
    from_array = GlassBoxClassifier(representation=SMALL).fit(X, y)
    assert np.array_equal(from_tensor.decision_function(torch.from_numpy(X)), from_array.decision_function(X))


def test_one_sample(model, turned):
    together = model.decision_function(turned[:5])
    alone = np.concatenate([model.decision_function(turned[i : i + 1]) for i in range(5)])
    assert np.allclose(alone, together, rtol=1e-4, atol=1e-4)  # float32 images


def test_pickle(model, turned):
    twin = pickle.loads(pickle.dumps(model))
    assert np.array_equal(twin.decision_function(turned), model.decision_function(turned))


def test_fit_twice(digits, turned):
    X, y = digits
    model = GlassBoxClassifier(representation=SMALL).fit(X[:50, :, ::2, ::2], 1 - y[:50])
    again = model.fit(X[:100], y[:100]).decision_function(turned)
    once = GlassBoxClassifier(representation=SMALL).fit(X[:100], y[:100]).decision_function(turned)
    assert np.array_equal(again, once)


def test_pipeline_cross_validation_and_grid_search(digits):
    X, y = digits[0][:80], digits[1][:80]
    pipeline = make_pipeline(FunctionTransformer(np.clip, kw_args={"a_min": 0, "a_max": 1}), GlassBoxClassifier("lda"))
    pipeline.set_params(glassboxclassifier__representation=SMALL)
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.85
    grid = {"classifier": ["nearest_mean", "ridge"], "representation__invariant": ["k0", "power"]}
    search = GridSearchCV(GlassBoxClassifier(representation=SMALL), grid, cv=3).fit(X, y)
    assert search.best_score_ > 0.85
    assert isinstance(pipeline, Pipeline)


def test_novelty(model, turned):
    assert np.mean(model.novelty(turned) > 1) < 0.05
    assert model.novelty(np.zeros((1, 1, 32, 32)))[0] > 1


# --- bad input


def bad_inputs():
    X, y = np.zeros((4, 1, 16, 16)), [0, 1, 0, 1]
    return {
        "axes": (np.zeros((4, 16)), y, r"`images` must have shape .*, got \(4, 16\)\. For one image"),
        "five axes": (X[None], y, r"must have shape .*, got \(1, 4, 1, 16, 16\)\. For one"),
        "not square": (X[..., :12], y, r"must be square, .*, got \(4, 1, 16, 12\)\. Crop"),
        "NaN": (X + np.nan, y, r"must hold finite numbers, got NaN or infinite ones\. Remove"),
        "infinity": (X + np.inf, y, r"must hold finite numbers, got NaN or infinite ones\. Remove"),
        "integers": ((X + 7).astype(int), y, r"must hold floats, .*, got integers from 7 to 7\. Divide by 255"),
        "bytes": ((X + 255).astype(np.uint8), y, r"got integers from 255 to 255\. Divide by 255"),
        "empty": (X[:0], [], r"must not be empty, got shape \(0, 1, 16, 16\)\. Pass"),
        "strings": (np.full(X.shape, "a"), y, r"must hold real numbers, got dtype <U1\. Convert"),
        "objects": (X.astype(object), y, r"must hold real numbers, got dtype object\. Convert"),
        "complex": (X.astype(complex), y, r"must hold real numbers, got dtype complex128\. Convert"),
        "one class": (X, [1, 1, 1, 1], r"`y` must hold at least two classes, got 4 images of class 1\. Add"),
        "labels short": (X, y[:3], r"one label per image, got 3 labels for 4 images\. Pass"),
        "labels missing": (X, [0, 1, np.nan, 1], r"`y` must hold integers or strings, got NaN .*\. Replace"),
        "labels continuous": (X, [0.1, 1, 0, 1], r"got continuous numbers\. Replace"),
        "nothing varies": (X, y, r"`X` must vary, got 4 samples with the same features\. Pass"),
    }


@pytest.mark.parametrize("case", bad_inputs())
def test_bad_input_to_fit(case):
    X, y, message = bad_inputs()[case]
    with pytest.raises((ValueError, TypeError), match=message):
        GlassBoxClassifier().fit(X, y)


def test_fewer_samples_than_components(digits):
    with pytest.raises(ValueError, match=r"`n_components` must be at most 9 for 10 samples .*, got 10\. Lower"):
        GlassBoxClassifier(n_components=10).fit(digits[0][:10], digits[1][:10])


def test_unknown_classifier(digits):
    with pytest.raises(ValueError, match=r"`classifier` must be one of 'nearest_mean', .*, got 'cnn'\. Choose"):
        GlassBoxClassifier("cnn").fit(*digits)


@pytest.mark.parametrize("use", ["predict", "decision_function", "predict_proba", "reduce", "novelty", "explain"])
def test_not_fitted(digits, use):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(GlassBoxClassifier(), use)(digits[0][:1])


@pytest.mark.parametrize("use", ["predict", "explain"])
def test_other_size_than_fitted(model, digits, use):
    with pytest.raises(ValueError, match=r"must have 32 x 32 pixels, as in `fit`, got 16 x 16\. Resize"):
        getattr(model, use)(digits[0][:1, :, ::2, ::2])


def test_a_failed_fit_keeps_the_fitted_model(digits, turned):
    model = GlassBoxClassifier(representation=SMALL).fit(digits[0][:60], digits[1][:60])
    before = model.decision_function(turned)
    with pytest.raises(ValueError, match="finite"):
        model.fit(digits[0][:60] * np.nan, digits[1][:60])
    assert np.array_equal(model.decision_function(turned), before)
