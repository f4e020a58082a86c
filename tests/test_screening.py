"""Foreign and blank images are flagged; images of the known kind are not."""

import numpy as np
import pytest

from equibook import GlassBoxClassifier, actions, datasets
from equibook.screening import USUAL, foreignness, foreignness_of_features, is_blank


@pytest.fixture(scope="module")
def photographs():
    X, y = datasets.load_photographs(size=32)
    rows = np.random.default_rng(0).permutation(len(y))
    return GlassBoxClassifier().fit(X[rows[:160]], y[rows[:160]]), X[rows[160:]]


def in_colour(X):
    return np.repeat(X, 3, axis=1)


def test_foreign_images_are_flagged_and_known_ones_are_not(photographs):
    model, others = photographs
    foreign = {
        "noise": np.random.default_rng(0).uniform(size=(10, 3, 32, 32)).astype(np.float32),
        "digits": in_colour(datasets.load_digits()[0][:30]),
        "shapes": in_colour(datasets.load_shapes(30, random_state=0)[0]),
    }
    shares = {name: np.mean(foreignness(model, X) > USUAL) for name, X in foreign.items()}
    assert min(shares.values()) >= 0.9, shares
    assert np.mean(foreignness(model, others) > USUAL) <= 0.06


def test_one_of_the_two_questions_is_not_enough(photographs):
    model, _ = photographs
    noise = np.random.default_rng(0).uniform(size=(10, 3, 32, 32)).astype(np.float32)
    assert np.all(model.novelty(noise) < 1) and np.all(foreignness(model, noise) > 1)


def test_it_never_is_below_novelty_and_bears_turns(photographs):
    model, others = photographs
    some = others[:20]
    found = foreignness(model, some)
    assert np.all(found >= model.novelty(some))
    assert np.array_equal(found, foreignness_of_features(model, model.representation_.transform(some)))
    assert np.allclose(foreignness(model, actions.rotate(some, 90)), found, rtol=1e-3)


def test_training_images_are_not_foreign(photographs):
    X, y = datasets.load_shapes(22, random_state=0)
    model = GlassBoxClassifier().fit(X, y)
    assert foreignness(model, X).max() < 0.01


def test_blank():
    flat = np.stack([np.full((3, 16, 16), value, np.float32) for value in (0, 0.5, 1)])
    assert is_blank(flat).all() and is_blank(flat[:, 0]).all()
    step = flat.copy()
    step[:, 2, :8] += 0.1  # in one channel only
    assert not is_blank(step).any()
    faint = flat + np.random.default_rng(0).normal(scale=0.005, size=flat.shape).astype(np.float32)
    assert is_blank(faint).all()
