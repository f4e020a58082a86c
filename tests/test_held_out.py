"""Parts: each image is held out once, by a model that has not seen it, and chosen by nothing but the others."""

import re

import numpy as np
import pytest

from equibook.glassbox import fit_layers
from equibook.held_out import TURNED, UPRIGHT, choose_view, draw_folds, fit_part, over_folds, predict_held_out


@pytest.fixture
def labels():
    return np.repeat(["a", "b", "c"], [12, 9, 7])


def views(labels, shift, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    means = np.unique(labels, return_inverse=True)[1][:, None] * shift * np.eye(1, 6)
    return {view: means + rng.normal(scale=noise, size=(len(labels), 6)) for view in (UPRIGHT, TURNED)}


def test_parts_are_even_and_at_most_five(labels):
    folds = draw_folds(labels)
    counts = np.array([[np.sum((folds == i) & (labels == name)) for name in "abc"] for i in range(5)])
    assert folds.max() == 4 and np.ptp(counts, axis=0).max() <= 1
    assert np.array_equal(folds, draw_folds(labels)) and not np.array_equal(folds, draw_folds(labels, random_state=1))
    assert draw_folds(np.repeat(["a", "b"], [2, 30])).max() == 1


@pytest.mark.parametrize(
    ("y", "classifier", "message"),
    [
        (["a", "a", "b"], "nearest_mean", "at least 2 images of each for 'nearest_mean', got 2 of 'a', 1 of 'b'. Add"),
        (["a", "a", "b", "b"], "lda", "at least 3 images of each for 'lda', got 2 of 'a', 2 of 'b'. Add"),
        (["a", "a"], "nearest_mean", "must hold at least two classes"),
    ],
)
def test_too_few(y, classifier, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        draw_folds(np.array(y), classifier)


def test_no_image_is_read_by_a_model_that_has_seen_it(labels):
    candidates = {"one": views(labels, 1.0)}
    folds = draw_folds(labels)
    parts = [fit_part(candidates, labels, np.flatnonzero(folds != i), "lda") for i in range(5)]
    said = predict_held_out(parts, candidates, UPRIGHT, folds)
    for i in range(5):
        layer_2, layer_3 = fit_layers("lda", candidates["one"][UPRIGHT][folds != i], labels[folds != i])
        assert np.array_equal(
            said[folds == i], layer_3.predict(layer_2.transform(candidates["one"][UPRIGHT][folds == i]))
        )


def test_labels_without_meaning_are_read_at_chance():
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(["a", "b"], 100))
    candidates = {str(i): views(labels, 0.0, seed=i) for i in range(3)}
    folds = draw_folds(labels)
    parts = [fit_part(candidates, labels, np.flatnonzero(folds != i), "nearest_mean") for i in range(5)]
    right = np.mean(predict_held_out(parts, candidates, UPRIGHT, folds) == labels)
    assert 0.35 <= right <= 0.65


def test_the_choice_is_that_of_the_rows_given(labels):
    labels = np.repeat(labels, 6)
    good, bad = views(labels, 6.0), views(labels, 0.0)
    every = np.arange(len(labels))
    assert choose_view({"bad": bad, "good": good}, labels, every) == "good"
    assert choose_view({"first": good, "second": good}, labels, every) == "first"
    rows = np.flatnonzero(np.arange(len(labels)) % 2)
    mixed = {view: np.where(np.isin(every, rows)[:, None], good[view], bad[view]) for view in good}
    others = {view: np.where(np.isin(every, rows)[:, None], bad[view], good[view]) for view in good}
    assert choose_view({"others": others, "mixed": mixed}, labels, rows) == "mixed"


def test_turned_images_have_a_say(labels):
    labels = np.repeat(labels, 6)
    upright_only = views(labels, 6.0) | {TURNED: views(labels, 0.0)[TURNED]}
    assert choose_view({"upright only": upright_only, "both": views(labels, 6.0)}, labels, np.arange(168)) == "both"


def test_with_a_single_image_of_a_class_the_first_is_taken(labels):
    rows = np.array([0, 1, 2, 12])
    assert choose_view({"bad": views(labels, 0.0), "good": views(labels, 6.0)}, labels, rows) == "bad"


def test_over_folds_keeps_the_order():
    folds = np.array([2, 0, 1, 0, 2])
    assert over_folds(folds, lambda i, rows: 10 * rows + i).tolist() == [2, 10, 21, 30, 42]
    some = np.array([2, 2, 1])  # a part may be empty among some images
    assert over_folds(some, lambda i, rows: rows).tolist() == [0, 1, 2]
