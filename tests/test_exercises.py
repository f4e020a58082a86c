"""Exercises: they are found by name, and their checks know right answers, wrong ones and the typical mistakes."""

import sys

import numpy as np
import pytest
import torch
from scipy.stats import rankdata, spearmanr
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import nn
from torch.nn.utils import fuse_conv_bn_eval

from equibook import GlassBoxClassifier, Representation, actions, alexnet, datasets, exercises, operations, orbits
from equibook.convolution import conv_matrix, conv_structure
from equibook.exercises import exercise, find_exercise, list_chapters, list_exercises
from equibook.groups import CyclicGroup, DihedralGroup, Element
from equibook.plots.reductions import count_components
from equibook.probes.copies import turned_copies
from equibook.sensitivity import Sensitivity
from equibook.shares import Share
from equibook.unfold import unfold_network
from equibook.verdicts import DONE, NOT_TRIED, NOT_YET

PARAMETERS = {"title": "A title", "level": "easy", "minutes": 3, "wants": "a number", "right": "So it is."}


@pytest.fixture
def register(monkeypatch):
    """Register exercises that are forgotten after the test."""
    monkeypatch.setattr(exercises, "_exercises", dict(exercises._exercises))

    def register(name, **changes):
        return exercise(name, **(PARAMETERS | changes))

    return register


def check(name, answer):
    verdict = find_exercise(name).check(answer)
    return verdict.state, verdict.message


def test_chapters_are_found_by_their_files():
    assert {"00", "09"} <= set(list_chapters())
    assert [found.name for found in list_exercises("00")] == ["00-1", "00-2"]
    assert list_exercises("98") == []
    everything = [found.name for found in list_exercises()]
    assert everything == sorted(everything) and {name[:2] for name in everything} == set(list_chapters())


def test_a_new_chapter_is_a_new_file(tmp_path, monkeypatch, register):
    check_of_two = "def two(answer):\n    return None if answer == 2 else 'No'"
    source = f"from equibook.exercises import exercise\n@exercise('77-1', **{PARAMETERS})\n{check_of_two}"
    (tmp_path / "chapter_77.py").write_text(source)
    monkeypatch.setattr(exercises, "FOLDER", tmp_path)
    monkeypatch.setattr(exercises, "__path__", [str(tmp_path)])
    assert check("77-1", 2) == (DONE, "So it is.")
    del sys.modules["equibook.exercises.chapter_77"], exercises.chapter_77


def test_numbers_of_exercises_are_counted_not_spelt(register):
    for name in ("00-10", "00-3"):
        register(name)(test_numbers_of_exercises_are_counted_not_spelt)
    assert [found.name for found in list_exercises("00")][-2:] == ["00-3", "00-10"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("00-9", "`name` must be one of 00-1, 00-2, got '00-9'. Write chapter and number"),
        ("99-1", "`name` must be of a chapter with exercises, 00, "),
        ("", "got ''. Write chapter and number"),
        (1, "got 1. Write chapter and number"),
        (["00-1"], r"got \['00-1'\]. Write chapter and number"),
        ("../x", "got '../x'. Write"),
    ],
)
def test_an_unknown_name(name, message):
    with pytest.raises(ValueError, match=message):
        find_exercise(name)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("1", {}, "`name` must be chapter and number, got '1'. Write it as in '05-1'."),
        ("00-0", {}, "`name` must be chapter and number"),
        ("00-8", {"level": "mild"}, "`level` must be one of easy, medium, hard, got 'mild'. Choose one of these."),
        ("00-8", {"minutes": 2.5}, "`minutes` must be a whole number from 1 on, got 2.5. Round it up."),
        ("00-8", {"minutes": 0}, "`minutes` must be a whole number from 1 on, got 0."),
        ("00-8", {"wants": " "}, "`wants` must say something, got an empty text. Write a line for the reader."),
        ("00-1", {}, "`name` must be new, got '00-1', which `turn_of_arrow` has. Number the exercises"),
    ],
)
def test_a_badly_declared_exercise(register, name, changes, message):
    list_exercises()
    with pytest.raises(ValueError, match=message):
        register(name, **changes)(lambda answer: None)


def test_a_module_may_be_loaded_again(register):
    for _ in range(2):
        register("00-8")(test_a_module_may_be_loaded_again)


def make_ring(kernel, n):
    """The right answer to 01-2."""
    rows, taps = np.indices((n, len(kernel)))
    matrix = np.zeros((n, n))
    matrix[rows, (rows + taps - len(kernel) // 2) % n] = kernel
    return matrix


D4 = DihedralGroup(4)


def around(n_in, n_out):
    """A layer for 04-3: a convolution that reads around the border."""
    return nn.Conv2d(n_in, n_out, 3, padding=1, padding_mode="circular")


# What readers answer, and the word of the hint that it must get; no word: right.
def enough(eigenvalues, share):
    return count_components(eigenvalues / eigenvalues.sum(), share)


def pca_of(X, n, *, centre=True):
    _, s, V = np.linalg.svd(X - X.mean(axis=0) * centre, full_matrices=False)
    return V[:n], s[:n] ** 2 / (len(X) - 1)


def quarter_turns(side):
    return [np.rot90(np.arange(side**2).reshape(side, side), n).ravel() for n in range(4)]


def average_by_axes(C, side):
    four = C.reshape((side,) * 4)
    turned = [np.rot90(np.rot90(four, n, axes=(0, 1)), n, axes=(2, 3)) for n in range(4)]
    return np.mean(turned, axis=0).reshape(C.shape)


def affine(W1, b1, W2, b2, x, *, gates=None, passes=None):
    """The right answer to 02-2, or one with other gates, or with other gates for the biases."""
    gates = W1 @ x + b1 > 0 if gates is None else gates
    return (W2 * gates) @ W1, (W2 * (gates if passes is None else passes)) @ b1 + b2


def fold(weight, bias, gamma, beta, mean, variance):
    """The right answer to 02-3."""
    scale = gamma / variance**0.5
    return weight * scale[:, None, None, None], (bias - mean) * scale + beta


def plainest(accuracies, n, *, power=0.5, per_image=True, times=1):
    """The right answer to 08-1, or one with another error."""
    best = max(accuracies.values())
    error = times * (best * (1 - best) / (n if per_image else 1)) ** power
    return [name for name, accuracy in accuracies.items() if accuracy >= best - error]


def compare(a, b, *, factor=2.7764451051977987, ddof=1):
    """The right answer to 08-2; Student's factor of five splits."""
    return np.mean(a - b), factor * np.std(a - b, ddof=ddof) / len(a) ** 0.5


def discriminant(Z, y, *, less=0, priors=1.0, half=0.5):
    """The right answer to 08-3."""
    means = [Z[y == k].mean(axis=0) for k in (0, 1)]
    apart = np.concatenate([Z[y == k] - means[k] for k in (0, 1)])
    w = np.linalg.solve(apart.T @ apart / (len(Z) - less), means[1] - means[0])
    return w, priors * np.log(np.sum(y == 1) / np.sum(y == 0)) - w @ (means[0] + means[1]) * half


def within_covariance(Z, y):
    apart = np.concatenate([Z[y == k] - Z[y == k].mean(axis=0) for k in (0, 1)])
    return apart.T @ apart / len(Z)


def mean_covariance(Z, y):
    return np.mean([np.cov(Z[y == k].T, ddof=0) for k in (0, 1)], axis=0)


def mean_gap(Z, y):
    return Z[y == 1].mean(axis=0) - Z[y == 0].mean(axis=0)


def sees_and_stride(stack):
    sees, stride = 1, 1
    for kernel, step in stack:
        sees, stride = sees + (kernel - 1) * stride, stride * step
    return sees, stride


def cosine(a, b):
    return (a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)


def alike(a, b):
    return max(cosine(np.rot90(a, n), b) for n in range(4))


def told(goal, guess, goal_train):
    return ((goal - guess) ** 2).sum() / ((goal - goal_train.mean(axis=0)) ** 2).sum()


def mixing(before, after, bias=True):
    x, y = (np.moveaxis(maps, 1, -1).reshape(-1, maps.shape[1]) for maps in (before, after))
    found = np.linalg.lstsq(np.column_stack([x, np.full(len(x), float(bias))]), y, rcond=None)[0]
    return found[:-1].T, found[-1]


def beyond_chance(before, after):
    n = len(before)
    return np.mean(before == after) - ((before[:, None] == before).sum() - n) / (n * (n - 1))


def from_on(sizes, a, b):
    good = np.array(b) >= np.array(a)
    return next((size for i, size in enumerate(sizes) if good[i:].all()), 0)


def gram_cka(a, b):
    K, L = a @ a.T, b @ b.T
    return np.sum(K * L) / (np.linalg.norm(K) * np.linalg.norm(L))


def plain_cka(a, b):
    return gram_cka(a - a.mean(axis=0), b - b.mean(axis=0))


def gram_norms(a, b):
    return np.prod([np.linalg.norm((v - v.mean(axis=0)) @ (v - v.mean(axis=0)).T) for v in (a, b)])


def fastest(measured, limit):
    """The right answer to 15-1."""
    return min(((-speed, memory, size) for size, speed, memory in measured if memory <= limit), default=(0, 0, 0))[2]


def batches_of_files(paths, batch_size):
    """The right answer to 15-2."""
    waiting = []
    for path in paths:
        for image in np.load(path):
            waiting.append(image)
            if len(waiting) == batch_size:
                yield np.stack(waiting)
                waiting = []
    if waiting:
        yield np.stack(waiting)


def put_together(sizes, k, *, rest="joined"):
    """The right answer to 15-3, or one with another rest."""
    ends = [0]
    for end in np.cumsum(sizes).tolist():
        if end - ends[-1] >= k:
            ends.append(end)
    left = sum(sizes) - ends[-1]
    groups = np.diff(ends).tolist()
    if left and (rest == "alone" or not groups):
        return [*groups, left]
    return [*groups[:-1], groups[-1] + left * (rest == "joined")]


def vote(winners):
    return np.array([np.bincount(row).argmax() for row in winners])


def short(measure, accuracy, n):
    return accuracy.max() - accuracy[np.argsort(-measure)[:n]].max()


ANSWERS = {
    "00-1": [
        (-90, ""), (270, ""), (-450.0, ""), (np.float64(-90), ""), (np.int64(270), ""), (-3 * 30 + 1e-9, ""),
        (90, "sign"), (-270, "sign"), (-30, "k = 3"), (30, "k = 3"), (-np.pi / 2, "radians"), (0, "exp"), (180, "exp"),
        (float("nan"), "exp"), (float("inf"), "exp"),
        ("-90", "plain number"), (True, "plain number"), ([-90], "plain number"), (lambda: -90, "plain number"),
    ],
    "00-2": [
        (lambda k: k % 4 == 0, ""), (lambda k: [x % 4 == 0 for x in k], ""),
        (lambda k: np.isclose(np.exp(-1j * k * np.pi / 2), 1), ""),
        (lambda k: (k == 0) | (k == 4), "k = 8"), (lambda k: k % 4 == 0 and k >= 0, "Wanted"),
        (lambda k: (k % 4 == 0) & (k >= 0), "k = -4"), (lambda k: k == 0, "full turns"), (lambda k: k % 2 == 0, "full"),
        (lambda k: k == 4, "For k = 0"), (lambda k: True, "shape ()"),
        (lambda k: np.flatnonzero(k % 4 == 0), "shape (2,)"),
        ([True, False], "Wanted"), (4, "Wanted"),
    ],
    "02-1": [
        (17, ""), (17.0, ""), (np.int64(17), ""),
        (5, "of the maps before"), (9, "after the maximum"), (11, "Without the maximum"), (13, "not 1"), (15, "Nearly"),
        (19, "steps"), (35, "overlap"), (45, "overlap"), (289, "the height"), (12, "9 pixels"), (float("nan"), "9 pix"),
        ("17", "plain number"), (True, "plain number"), ([17], "plain number"),
    ],
    "02-2": [
        (affine, ""), (lambda *given: list(affine(*given)), ""),
        (lambda *given: affine(*given)[0], "Return two things"),
        (lambda W1, b1, W2, b2, x: affine(W1, b1, W2, b2, x, gates=1.0), "all gates open"),
        (lambda W1, b1, W2, b2, x: affine(W1, b1, W2, b2, x, gates=W1 @ x > 0), "Nearly"),
        (lambda W1, b1, W2, b2, x: (affine(W1, b1, W2, b2, x)[0], b2), "pass through the gates and W2"),
        (lambda W1, b1, W2, b2, x: affine(W1, b1, W2, b2, x, passes=1.0), "through the gates, too"),
        (lambda W1, b1, W2, b2, x: (np.zeros((3, 4)), W2 @ np.maximum(W1 @ x + b1, 0) + b2), "gates alone"),
        (lambda W1, b1, W2, b2, x: (W2 @ np.maximum(W1, 0), b2), "zeros and ones"),
        (lambda W1, b1, W2, b2, x: (W1, b1), "must have shape (3, 4)"),
        (lambda x: x, "Wanted"), (3, "Wanted"),
    ],
    "02-3": [
        (fold, ""), (lambda *given: list(fold(*given)), ""),
        (lambda *given: fold(*given)[0], "Return two things"),
        (lambda w, b, g, beta, m, v: (w * (g / v)[:, None, None, None], b), "standard deviation"),
        (lambda w, b, g, beta, m, v: (w * g[:, None, None, None], b), "multiplied by"),
        (lambda w, b, g, beta, m, v: (fold(w, b, g, beta, m, v)[0], beta - m * g / v**0.5), "comes before"),
        (lambda w, b, g, beta, m, v: (fold(w, b, g, beta, m, v)[0], b * g / v**0.5 + beta), "subtracts the mean"),
        (lambda w, b, g, beta, m, v: (fold(w, b, g, beta, m, v)[0], b), "Send the old bias"),
        (lambda w, b, g, beta, m, v: (w[:, 0], b), "must have shapes (3, 2, 5, 5)"),
        (lambda w: w, "Wanted"), ("fold", "Wanted"),
    ],
    "03-1": [
        (135, ""), (-45.0, ""), (315, ""), (np.float64(135), ""),
        (45, "other order"), (-135, "other order"), (0, "That flip alone"), (90, "That flip alone"), (270, "That flip"),
        (3 * np.pi / 4, "radians"), (30, "row s and column r"), (float("nan"), "row s"),
        ("135", "plain number"), (True, "plain number"), ([135], "plain number"),
    ],
    "03-2": [
        (lambda g, x: actions.act(DihedralGroup(g.n).inverse(g), x), ""),
        (lambda g, x: actions.reflect(x, g.axis) if g.reflected else actions.rotate(x, -g.angle), ""),
        (lambda g, x: actions.rotate(x, -g.angle), "by a turn"), (actions.act, "Half turns"),
        (lambda g, x: x, "is not undone"), (lambda g, x: actions.rotate(x, g.angle), "is not undone"),
        (lambda g, x: actions.act(D4.inverse(Element(g.turns, g.reflected, 4)), x), "element.n"),
        (lambda g, x: actions.act(CyclicGroup(g.n).inverse(g), x), "Wanted"),
        (lambda g, x: DihedralGroup(g.n).inverse(g), "shape ()"), (lambda g, x: x[0], "shape (1, 6, 6)"),
        (lambda images: images, "Wanted"), (-90, "Wanted"),
    ],
    "03-3": [
        (lambda x, group: len(group) // len(orbits.stabilizer(x, group)), ""),
        (lambda x, group: group.order / len(orbits.stabilizer(x, group)), ""),
        (lambda x, group: int(orbits.n_distinct(orbits.orbit(x, group))[0]), ""),
        (lambda x, group: len(orbits.stabilizer(x, group)), "in the stabilizer"),
        (lambda x, group: len(group), "the order of the group"),
        (lambda x, group: orbits.orbit(x, group).shape[1], "the order of the group"),
        (lambda x, group: len(group) - len(orbits.stabilizer(x, group)), "Under DihedralGroup(n=4) the drawn sq"),
        (lambda x, group: orbits.stabilizer(x, group), "not tuple"), (lambda x, group: True, "not bool"),
        (lambda x: 1, "Wanted"), (8, "Wanted"),
    ],
    "01-1": [
        (lambda size, kernel, padding, stride: (size + 2 * padding - kernel) // stride + 1, ""),
        (lambda size, kernel, padding, stride: len(range(0, size + 2 * padding - kernel + 1, stride)), ""),
        (lambda size, kernel, padding, stride: (size + 2 * padding - kernel) // stride, "one short"),
        (lambda size, kernel, padding, stride: (size + padding - kernel) // stride + 1, "both sides"),
        (lambda size, kernel, padding, stride: (size + 2 * padding - kernel) / stride + 1, "no whole number"),
        (lambda size, kernel, padding, stride: -((kernel - size - 2 * padding) // stride) + 1, "round down"),
        (lambda size, kernel, padding, stride: size // stride, "How far can the window move"),
        (lambda size, kernel, padding, stride: "6", "not '6'"),
        (lambda size: size - 2, "Wanted"), (6, "Wanted"),
    ],
    "01-2": [
        (make_ring, ""),
        (lambda kernel, n: np.stack([np.roll(make_ring(kernel, n)[0], i) for i in range(n)]).tolist(), ""),
        (lambda kernel, n: make_ring(kernel[::-1], n), "backwards"),
        (lambda kernel, n: make_ring(kernel, n).T, "backwards"),
        (lambda kernel, n: np.roll(make_ring(kernel, n), 1, axis=1), "beside its pixel"),
        (lambda kernel, n: np.triu(np.tril(make_ring(kernel, n), len(kernel) // 2), -(len(kernel) // 2)), "`% n`"),
        (lambda kernel, n: make_ring(kernel, n)[1:-1], "shape (6, 6), got (4, 6)"),
        (lambda kernel, n: 2 * make_ring(kernel, n), "row 0 of 6 must be [-2, 4, 0, 0, 0, 1]"),
        (lambda kernel, n: "ring", "Wanted"), (np.eye(6), "Wanted"),
    ],
    "01-3": [
        (lambda kernel, n: [f for f in range(n // 2 + 1) if abs(np.fft.fft(kernel, n)[f]) <= 1e-12], ""),
        (lambda kernel, n: np.flatnonzero(np.abs(np.fft.rfft(kernel, n)) <= 1e-9), ""),
        (lambda kernel, n: set(np.flatnonzero(np.abs(np.fft.rfft(kernel, n)) <= 1e-9)), ""),
        (lambda kernel, n: [], "Rounding"), (lambda kernel, n: 4, "returned 4"),
        (lambda kernel, n: np.flatnonzero(np.abs(np.fft.fft(kernel, n)) <= 1e-9), "one real wave"),
        (lambda kernel, n: np.abs(np.fft.rfft(kernel, n)), "eigenvalues"),
        (lambda kernel, n: np.fft.fft(kernel, n), "eigenvalues"),
        (lambda kernel, n: np.abs(np.fft.rfft(kernel, n)) <= 1e-9, "True and False"),
        (lambda kernel, n: np.flatnonzero(np.abs(np.fft.rfft(kernel, n)) > 1e-9), "survive"),
        (lambda kernel, n: np.flatnonzero(np.abs(np.fft.fft(kernel)) <= 1e-9), "must have n numbers"),
        (lambda kernel, n: [np.inf], "Wanted"), ([4], "Wanted"),
    ],
    "04-1": [
        (lambda size: size % 2 == 1, ""), (lambda size: (size + 2 - 3) % 2 == 0, ""),
        (lambda size: np.bool_(size % 2), ""),
        (lambda size: size % 2 == 0, "other way around"), (lambda size: (size + 1 - 3) % 2 == 0, "both sides"),
        (lambda size: True, "for every size"), (lambda size: (size - 1) % 2, "True or False"),
        (lambda size: size % 4 == 1, "For size 3 it says False"), (lambda size: size // 2, "True or False"),
        ([True], "Wanted"), (33, "Wanted"),
    ],
    "04-2": [
        (lambda k: np.mean([np.rot90(one, n) for one in (k, k.T) for n in range(4)], axis=0), ""),
        (lambda k: sum(np.rot90(one, n) for one in (k, np.fliplr(k)) for n in range(4)) / 8, ""),
        (lambda k: operations.symmetrise(k, D4), ""),
        (lambda k: np.mean([np.rot90(k, n) for n in range(4)], axis=0), "mirror image"),
        (lambda k: sum(np.rot90(one, n) for one in (k, k.T) for n in range(4)), "8 times as large"),
        (lambda k: k, "came back"), (lambda k: np.full_like(k, k.mean()), "All taps are equal"),
        (lambda k: (k + k.T) / 2, "another kernel"), (lambda k: k.mean(), "returned ()"),
        (lambda k: np.maximum.reduce([np.rot90(one, n) for one in (k, k.T) for n in range(4)]), "not the mean"),
        (lambda k: np.rot90(k, k), "Wanted"), (np.ones((3, 3)), "Wanted"),
    ],
    "04-3": [
        (nn.Sequential(around(1, 4), nn.ReLU(), around(4, 2)), ""),
        (nn.Sequential(around(1, 2), nn.ReLU()).double(), ""),
        (lambda x: x * torch.roll(x, 1, 3), ""),
        (nn.Sequential(around(1, 4), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(), around(4, 1)), ""),
        (nn.Sequential(around(1, 2), nn.ReLU(), nn.Conv2d(2, 1, 3, padding=1)), "circular"),
        (nn.Sequential(nn.Conv2d(1, 2, 5, padding=2, padding_mode="reflect"), nn.ReLU()), "circular"),
        (nn.Sequential(around(1, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Upsample(scale_factor=2)), "steps of 2"),
        (nn.Sequential(nn.Flatten(), nn.Linear(576, 576), nn.ReLU(), nn.Unflatten(1, (1, 24, 24))), "not even"),
        (around(1, 3), "weighted sum"), (nn.Sequential(around(1, 1), around(1, 1)), "weighted sum"),
        (nn.ReLU(), "one pixel"),
        (nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU(), nn.Conv2d(4, 1, 1)), "one pixel"),
        (torch.zeros_like, "same maps"), (nn.Conv2d(1, 2, 3, stride=2), "shape (3, 2, 11, 11)"),
        (nn.Sequential(around(1, 2), nn.ReLU(), nn.Flatten()), "shape (3, 1152)"), (lambda x: 1, "returned int"),
        (nn.Conv2d(3, 1, 3), "Wanted"), (nn.Conv2d, "Wanted"), (24, "Wanted"),
    ],
    "05-1": [
        (2, ""), (2.0, ""), (np.int64(2), ""), (1, "180° / 8"), (-2, "forwards"), (45, "number of degrees"),
        (3, "two neighbouring"), (4, "by 90°"), (0, "two neighbouring"), ("2", "without quotes"),
        (True, "without quotes"),
    ],
    "05-2": [
        (lambda maps: np.rot90(np.roll(maps, 1, axis=0), axes=(1, 2)), ""),
        (lambda maps: [np.rot90(maps[i - 1]) for i in range(4)], ""),
        (lambda maps: maps, "as they were"), (lambda maps: np.rot90(maps, axes=(1, 2)), "pass the maps on"),
        (lambda maps: np.roll(maps, 1, axis=0), "must turn, too"),
        (lambda maps: np.rot90(np.roll(maps, -1, axis=0), axes=(1, 2)), "Map 0 must become map 1"),
        (lambda maps: np.rot90(np.roll(maps, 1, axis=0), -1, axes=(1, 2)), "turned clockwise"),
        (lambda maps: np.rot90(np.roll(maps, -1, axis=0), -1, axes=(1, 2)), "the quarter turn clockwise"),
        (lambda maps: np.rot90(np.roll(maps, 1, axis=0)), "you returned (6, 4, 6)"),
        (lambda maps: maps[::-1], "Two things"), (lambda maps: maps[0], "you returned (6, 6)"),
        (lambda maps: "maps", "you returned ()"), (lambda: 1, "Wanted"), (np.zeros((4, 6, 6)), "Wanted"),
    ],
    "05-3": [
        (1j, ""), (np.exp(-1j * (1 + 2 * -2) * np.deg2rad(30)), ""), (complex(0, 1), ""), (-1j, "minus times minus"),
        (np.exp(1j * np.deg2rad(30)), "l counts twice"), (np.exp(-5j * np.deg2rad(30)), "m - 2l = 5"),
        (np.exp(-1j * np.deg2rad(30)), "What does l = -2 add"), (np.exp(4j * np.deg2rad(30)), "2l alone"),
        (np.exp(90j), "np.deg2rad"), (-3, "on the way"), (90, "on the way"), (3j, "Its length is 3"),
        (1, "What is k"), ("1j", "without quotes"), (True, "without quotes"), ([1j], "without quotes"),
    ],
    "06-1": [
        ({"b", "c", "e", "g"}, ""), ("b, c, e, g", ""), (["(b)", "(c)", "(E)", "g"], ""), (("g", "e", "c", "b"), ""),
        ({"a", "b", "c", "e", "g"}, "together by -4α"), ({"b", "c", "d", "e", "g"}, "What does the first one do"),
        ({"b", "c", "e", "f", "g"}, "an arrow with k = 2"), ({"c", "e", "g"}, "turns by +2α"),
        ({"b", "e", "g"}, "add -α, -2α"), ({"b", "c", "g"}, "the cube"), ({"b", "c", "e"}, "k = 0 does not"),
        ({"b", "h"}, "got h"), (set(), "Some of them"), ([2], "got 2"), (4, "Wanted"), (True, "Wanted"),
    ],
    "06-2": [
        (lambda C, D: np.rad2deg(np.angle(C[1] * np.conj(D[1]))), ""),
        (lambda C, D: -np.angle(D[1] / C[1], deg=True), ""),
        (lambda C, D: np.rad2deg(np.angle(C[2] * np.conj(C[1]) * np.conj(D[2] * np.conj(D[1])))), ""),
        (lambda C, D: np.angle(D[1] / C[1], deg=True), "The sign"), (lambda C, D: np.angle(C[1] / D[1]), "radians"),
        (lambda C, D: np.rad2deg(np.angle(C[1]) - np.angle(D[1])), "up to full turns"),
        (lambda C, D: np.angle(C[2] / D[2], deg=True) / 2, "up to 180°"),
        (lambda C, D: np.angle(C[5] / D[5], deg=True) / 5, "up to 72°"),
        (lambda C, D: np.angle(np.vdot(D, C), deg=True), "What is D[1]"), (lambda C, D: np.abs(D[1]), "What is D[1]"),
        (lambda C, D: C[1] / D[1], "one plain number"), (lambda C, D: np.angle(C / D), "one plain number"),
        (lambda C, D: "50", "one plain number"), (lambda C: 50, "Wanted"), (50, "Wanted"),
    ],
    "06-3": [
        (lambda C: C * np.exp(-1j * np.arange(6) * np.angle(C[1])), ""),
        (lambda C: [*np.abs(C), *(C[1] ** k * np.conj(C[k]) for k in range(2, 6))], ""),
        (lambda C: C * (np.conj(C[1]) / abs(C[1])) ** np.arange(6), ""),
        (lambda C: C * np.exp(-1j * np.arange(6) * (np.angle(C[3]) - np.angle(C[2]))), ""),
        (np.abs, "sign of C[1]"), (lambda C: C, "turned by 40°"), (lambda C: C[0].real, "the length of C[1]"),
        (lambda C: [*np.abs(C), C[1] * C[2] * np.conj(C[3])], "sign of C[4]"),
        (lambda C: [*np.abs(C), *((C[1] ** k * np.conj(C[k])).real for k in range(2, 6))], "mirror image"),
        (lambda C: C[1:] * np.exp(-1j * np.arange(1, 6) * np.angle(C[1])), "the length of C[0]"),
        (lambda C: C / C[0] * np.exp(-1j * np.arange(6) * np.angle(C[1])), "twice as bright"),
        (lambda C: C * np.exp(-1j * np.arange(6) * np.angle(C[5]) / 5), "Not invariant"),
        (lambda C: (C * np.exp(-1j * np.arange(6) * np.angle(C[1]))) ** 2, "sign of C[1]"),
        (lambda C: [], "at least one number"), (lambda C: np.nan, "only finite"), (lambda C: "C", "Wanted"),
        (lambda: 1, "Wanted"), (np.ones(6), "Wanted"),
    ],
    "07-1": [
        (enough, ""),
        (lambda v, share: next(n for n in range(1, 9) if v[:n].sum() >= share * v.sum() - 1e-9), ""),
        (lambda v, share: enough(v, share) - 1, "One short"),
        (lambda v, share: enough(v**2, share), "Do not square"),
        (lambda v, share: enough(v, share + 1e-9), "just reached"),
        (lambda v, share: np.searchsorted(np.cumsum(v), share) + 1, "sum to 1"),
        (lambda v, share: int(np.sum(v / v.sum() >= share)), "single components"),
        (lambda v, share: len(v), "Add them up by hand"), (lambda v, share: v.cumsum(), "not ndarray"),
        (lambda v, share: True, "not bool"), (lambda v: 2, "Wanted"), (3, "Wanted"),
    ],
    "07-2": [
        (pca_of, ""),
        (lambda X, n: (lambda found: (-found.components_, found.explained_variance_))(PCA(n).fit(X)), ""),
        (lambda X, n: pca_of(X, n, centre=False), "Subtract the mean"),
        (lambda X, n: (pca_of(X, n)[0].T, pca_of(X, n)[1]), "as rows"),
        (lambda X, n: (pca_of(X, n)[0], pca_of(X, n)[1] * 39), "sums over all samples"),
        (lambda X, n: (pca_of(X, n)[0], pca_of(X, n)[1] * 39 / 40), "one less"),
        (lambda X, n: (pca_of(X, n)[0], np.sqrt(pca_of(X, n)[1] * 39)), "singular values"),
        (lambda X, n: (pca_of(X, n)[0], np.sqrt(pca_of(X, n)[1])), "standard deviations"),
        (lambda X, n: (pca_of(X, n)[0], pca_of(X, n)[1] / pca_of(X, 6)[1].sum()), "shares"),
        (lambda X, n: (pca_of(X, n)[0], np.ones(n)), "variance of `X` along it"),
        (lambda X, n: (pca_of(X, n)[0][::-1], pca_of(X, n)[1]), "largest variance first"),
        (lambda X, n: (pca_of(X, 6)[0][3:], pca_of(X, n)[1]), "do not have the largest"),
        (lambda X, n: (2 * pca_of(X, n)[0], pca_of(X, n)[1]), "length 1"),
        (lambda X, n: pca_of(X, 6), "shapes must be"), (lambda X, n: pca_of(X, n)[0], "Return two things"),
        (lambda X: pca_of(X, 3), "Wanted"), ("PCA", "Wanted"),
    ],
    "07-3": [
        (lambda C, side: np.mean([C[np.ix_(p, p)] for p in quarter_turns(side)], axis=0), ""),
        (average_by_axes, ""),
        (lambda C, side: 4 * average_by_axes(C, side), "Divide by 4"), (lambda C, side: C, "as it was"),
        (lambda C, side: np.mean([np.rot90(C, n) for n in range(4)], axis=0), "You turned the matrix"),
        (lambda C, side: np.mean([C[p] for p in quarter_turns(side)], axis=0), "Only the rows"),
        (lambda C, side: np.mean([C[:, p] for p in quarter_turns(side)], axis=0), "Only the columns"),
        (lambda C, side: (C + C[np.ix_(quarter_turns(side)[1], quarter_turns(side)[1])]) / 2, "two of the four"),
        (lambda C, side: np.eye(side**2), "not the mean"), (lambda C, side: C.T + np.arange(16), "Which pixel"),
        (lambda C, side: C.reshape((side,) * 4), "shape (16, 16)"),
        (lambda C: C, "Wanted"), (np.eye(16), "Wanted"),
    ],
    "08-1": [
        (lambda row, n: plainest(row, n)[0], ""),
        (lambda row, n: plainest(row, n, power=1)[0], "square root"),
        (lambda row, n: plainest(row, n, per_image=False)[0], "Divide by n"),
        (lambda row, n: plainest(row, n, times=2)[0], "two standard errors"),
        (lambda row, n: plainest(row, n)[-1], "you took the last"),
        (lambda row, n: max(row, key=row.get), "That is the best"), (lambda row, n: next(iter(row)), "good enough"),
        (lambda row, n: min(row, key=row.get), "good enough"), (lambda row, n: list(row)[1], "The line to reach is"),
        (lambda row, n: max(row.values()), "not a number"), (lambda row, n: plainest(row, n), "not list"),
        (lambda row, n: "svm", "none of the names"), (lambda row: "tree", "Wanted"), ("tree", "Wanted"),
    ],
    "08-2": [
        (compare, ""), (lambda a, b: np.array(compare(a, b)), ""),
        (lambda a, b: (-compare(a, b)[0], compare(a, b)[1]), "sign"),
        (lambda a, b: (np.median(a - b), compare(a, b)[1]), "must be the mean"),
        (lambda a, b: compare(a, b, factor=2 * 2.7764451051977987), "whole width"),
        (lambda a, b: compare(a, b, factor=2.7764451051977987 * 5**0.5), "divide by √n"),
        (lambda a, b: compare(a, b, ddof=0), "ddof=1"), (lambda a, b: compare(a, b, factor=1.96), "1.96"),
        (lambda a, b: compare(a, b, factor=2.5705818356363146), "degrees of freedom"),
        (lambda a, b: compare(a, b, factor=2.131846786326649), "each end"),
        (lambda a, b: compare(a, b, factor=1), "Multiply by"),
        (lambda a, b: (np.mean(a - b), 1.96 * ((a.var(ddof=1) + b.var(ddof=1)) / 5) ** 0.5), "deviations of"),
        (lambda a, b: (np.mean(a - b), 0.5), "The mean is right"), (lambda a, b: np.mean(a - b), "Return two numbers"),
        (lambda a: a, "Wanted"), (3, "Wanted"),
    ],
    "08-3": [
        (discriminant, ""), (lambda Z, y: list(discriminant(Z, y)), ""),
        (lambda Z, y: discriminant(Z, y)[0], "Return two things"), (lambda Z, y: (Z, y), "must have shape (3,)"),
        (lambda Z, y: tuple(-part for part in discriminant(Z, y)), "Turn the sign"),
        (lambda Z, y: discriminant(Z, y, less=2), "less 2"), (lambda Z, y: (mean_gap(Z, y), 0), "nearest mean"),
        (lambda Z, y: (np.linalg.solve(np.cov(Z.T), mean_gap(Z, y)), 0), "of all images"),
        (lambda Z, y: (3 * discriminant(Z, y)[0], 0), "3.00 times"),
        (lambda Z, y: (np.cov(Z.T) @ mean_gap(Z, y), 0), "inverse of the shared"),
        (lambda Z, y: (np.linalg.solve(mean_covariance(Z, y), mean_gap(Z, y)), 0), "larger class"),
        (lambda Z, y: (np.linalg.solve(np.linalg.inv(within_covariance(Z, y)), mean_gap(Z, y)), 0), "its inverse"),
        (lambda Z, y: discriminant(Z, y, priors=0), "lacks the priors"),
        (lambda Z, y: discriminant(Z, y, priors=-1), "upside down"),
        (lambda Z, y: discriminant(Z, y, half=-0.5), "must be 0"), (lambda Z, y: discriminant(Z, y, half=1), "Halve"),
        (lambda Z, y: (discriminant(Z, y)[0], 0), "do not lie about 0"),
        (lambda Z, y: (discriminant(Z, y)[0], 7), "log of the ratio"),
        (lambda Z: Z, "Wanted"), ("lda", "Wanted"),
    ],
    "09-1": [
        (lambda why, i: max(why.group("ring"), key=lambda ring: abs(why.group("ring")[ring][i])), ""),
        (lambda why, i: int(np.abs([part[i] for part in why.group("ring").values()]).argmax()), ""),
        (lambda why, i: max(why.group("ring"), key=lambda ring: why.group("ring")[ring][i]), "negative"),
        (lambda why, i: max(why.group("ring"), key=lambda ring: abs(why.group("ring")[ring][1])), "same for every"),
        (lambda why, i: max(abs(part[i]) for part in why.group("ring").values()), "no ring 0.8"),
        (lambda why, i: min(why.group("ring"), key=lambda ring: abs(why.group("ring")[ring][i])), "Another is louder"),
        (lambda why: 3, "Wanted"), (3, "Wanted"), (lambda why, i: why.group("circle"), "Wanted"),
        (lambda why, i: np.abs(why.features[i]), "Wanted"),
    ],
    "09-2": [
        (lambda matrix, mean_3, mean_8: 2 * (mean_8 - mean_3) @ matrix, ""),
        (lambda matrix, mean_3, mean_8: (mean_8 - mean_3) @ matrix, "2.00 times"),
        (lambda matrix, mean_3, mean_8: 2 * (mean_3 - mean_8) @ matrix, "-1.00 times"),
        (lambda matrix, mean_3, mean_8: 2 * (mean_3 + mean_8) @ matrix, "does not follow"),
        (lambda matrix, mean_3, mean_8: 0 * mean_8 @ matrix, "same sum"),
        (lambda matrix, mean_3, mean_8: 2 * (mean_8 - mean_3), "matrix.T"),
        (lambda matrix, mean_3, mean_8: matrix @ (mean_8 - mean_3), "Wanted"), (np.zeros(5), "Wanted"),
    ],
    "10-1": [
        (lambda i, o, k, s: (o * (i * k**2 + 1), i * o * k**2 * s**2), ""),
        (lambda i, o, k, s: np.array([i * o * k * k + o, i * o * (k * s) ** 2]), ""),
        (lambda i, o, k, s: (i * o * k**2, i * o * k**2 * s**2), "short of the biases"),
        (lambda i, o, k, s: (i * o * k**2 + 1, i * o * k**2 * s**2), "not one for the layer"),
        (lambda i, o, k, s: (i * o * k**2 + i, i * o * k**2 * s**2), "what comes out"),
        (lambda i, o, k, s: (o * k**2 + o, o * k**2 * s**2), "kernel for each channel"),
        (lambda i, o, k, s: (o * i * k + o, 0), "square `kernel`"), (lambda i, o, k, s: (1, 1), "says 1."),
        (lambda i, o, k, s: (o * (i * k**2 + 1), i * o * k**2), "for one place"),
        (lambda i, o, k, s: (o * (i * k**2 + 1), i * o * k**2 * s), "rows and size_out columns"),
        (lambda i, o, k, s: (o * (i * k**2 + 1), o * (i * k**2 + 1) * s**2), "leave it out"),
        (lambda i, o, k, s: (o * (i * k**2 + 1), o * k**2 * s**2), "sums over all channels"),
        (lambda i, o, k, s: (o * (i * k**2 + 1), 2 * i * o * k**2 * s**2), "counts once"),
        (lambda i, o, k, s: (o * (i * k**2 + 1), 7), "takes 5227200"),
        (lambda i, o, k, s: 23296, "Return two numbers"), (lambda i, o, k, s: ("a", "b"), "plain numbers"),
        (lambda i: 1, "Wanted"), (23296, "Wanted"),
    ],
    "10-2": [
        (sees_and_stride, ""), (lambda stack: list(map(np.int64, sees_and_stride(stack))), ""),
        (lambda stack: (sees_and_stride(stack)[0], sum(s for _, s in stack)), "Strides multiply"),
        (lambda stack: (sees_and_stride(stack)[0], stack[-1][1]), "last layer alone"),
        (lambda stack: (sees_and_stride(stack)[0], 5), "the stride is 16"),
        (lambda stack: (1 + sum(k - 1 for k, _ in stack), sees_and_stride(stack)[1]), "several pixels wide"),
        (lambda stack: (sees_and_stride(stack)[0] - 1, sees_and_stride(stack)[1]), "1, not 0"),
        (lambda stack: (np.prod([k for k, _ in stack]), sees_and_stride(stack)[1]), "they overlap"),
        (lambda stack: (sees_and_stride([(k + 1, s) for k, s in stack])[0], sees_and_stride(stack)[1]), "by kernel"),
        (
            lambda stack: (
                1 + sum((k - 1) * np.prod([s for _, s in stack[: i + 1]]) for i, (k, _) in enumerate(stack)),
                sees_and_stride(stack)[1],
            ),
            "its own as well",
        ),
        (lambda stack: (7, sees_and_stride(stack)[1]), "Draw it"), (lambda stack: 11, "Return two numbers"),
        (lambda stack: stack[0][0], "Return two numbers"), (lambda: 1, "Wanted"), ((11, 4), "Wanted"),
    ],
    "10-3": [
        (alike, ""), (lambda a, b: max(cosine(a, np.rot90(b, n)) for n in range(4)), ""),
        (cosine, "as they stand"), (lambda a, b: cosine(np.rot90(a), b), "one quarter turn alone"),
        (lambda a, b: np.mean([cosine(np.rot90(a, n), b) for n in range(4)]), "not their mean"),
        (lambda a, b: max(abs(cosine(np.rot90(a, n), b)) for n in range(4)), "no turned copy"),
        (lambda a, b: max((np.rot90(a, n) * b).sum() for n in range(4)), "divide by the lengths"),
        (lambda a, b: alike(a - a.mean(), b - b.mean()), "subtracted the means"),
        (lambda a, b: max(alike(a, b), alike(a.T, b)), "reflections, too"), (lambda a, b: 0.5, "instead of 1"),
        (lambda a, b: max(alike(a, b), 0.9999 * (b == -a).all()), "and its negative"),
        (lambda a, b: a * b, "one plain number"), (lambda a: 1, "Wanted"), (1.0, "Wanted"),
    ],
    "11-1": [
        (told, ""), (lambda y, f, t: torch.tensor(told(y, f, t)), ""),
        (lambda y, f, t: told(y, f, t) ** 0.5, "leave out the root"),
        (lambda y, f, t: told(y, f, y), "of the test images"),
        (lambda y, f, t: told(y, f, t.mean(axis=(0, 2, 3), keepdims=True)), "one number for each channel"),
        (lambda y, f, t: told(y, f, t.mean(keepdims=True)), "one number for all"),
        (lambda y, f, t: told(y, f, 0 * t), "distance to the mean"),
        (lambda y, f, t: abs(y - f).sum() / abs(y - t.mean(axis=0)).sum(), "squares in place"),
        (lambda y, f, t: 1 / told(y, f, t), "Upside down"), (lambda y, f, t: 1 - told(y, f, t), "share that is not"),
        (lambda y, f, t: 0.5, "Is it?"), (lambda y, f, t: (y - f) ** 2, "one number"),
        (lambda y: 1, "Wanted"), (0.5, "Wanted"),
    ],
    "11-2": [
        (mixing, ""), (lambda x, y: [torch.tensor(part) for part in mixing(x, y)], ""),
        (lambda x, y: (mixing(x, y)[0].T, mixing(x, y)[1]), "transposed"),
        (lambda x, y: (mixing(x, y)[0], y.mean(axis=(0, 2, 3))), "`b` is not"),
        (lambda x, y: (mixing(x, y, bias=False)[0], np.zeros(3)), "without a bias"),
        (lambda x, y: mixing(x.reshape(-1, 3, 1, 1), y.reshape(-1, 3, 1, 1)), "mixes channels with places"),
        (lambda x, y: mixing(x[:, :, :2], y[:, :, :2]), "all places of all images"),
        (lambda x, y: (np.eye(3), np.zeros(3)), "these are others"), (lambda x, y: np.eye(3), "Return two things"),
        (lambda x, y: (np.eye(4), np.zeros(4)), "the shapes must be"), (lambda x: x, "Wanted"), (3, "Wanted"),
    ],
    "11-3": [
        (lambda k: np.stack([k, k[:, ::-1]]), ""), (lambda k: [k, np.fliplr(k)], ""),
        (lambda k: np.stack([k[:, ::-1], k]), "first filter"), (lambda k: k[None], "One filter"),
        (lambda k: [k, k[:, ::-1], k[::-1], k[::-1, ::-1]], "works with fewer"), (lambda k: [k, k[::-1]], "up-down"),
        (lambda k: [k, np.rot90(k)], "turned copy"), (lambda k: [k, k[::-1, ::-1]], "turned copy"),
        (lambda k: [k, k.T], "diagonal"), (lambda k: [k, k], "Twice"), (lambda k: [k, -k], "mirror image"),
        (lambda k: k, "shape (n, 3, 3)"), (lambda: 1, "Wanted"), (2, "Wanted"),
    ],
    "12-1": [
        (beyond_chance, ""),
        (lambda p, q: np.float32(beyond_chance(p, q)), ""), (lambda p, q: torch.tensor(beyond_chance(p, q)).item(), ""),
        (lambda p, q: np.mean(p == q), "Subtract the share"),
        (lambda p, q: np.mean(p == q) - np.mean(p[:, None] == p), "paired with itself"),
        (lambda p, q: np.mean(p == q) - ((p[:, None] == p).sum() - len(p)) / len(p) ** 2, "ordered pairs"),
        (lambda p, q: -beyond_chance(p, q), "The sign"),
        (lambda p, q: np.mean(p == q) - beyond_chance(p, q), "share by chance"),
        (lambda p, q: np.mean(p == q) - 1 / len(np.unique(p)), "equally frequent"),
        (lambda p, q: beyond_chance(p, q) if len(set(p)) > 1 else 1.0, "it must be 0"),
        (lambda p, q: 0.9, "Count by hand"), (lambda p, q: p == q, "not ndarray"), (lambda p, q: True, "not bool"),
        (lambda p: 1, "Wanted"), (0.5, "Wanted"),
    ],
    "12-2": [
        (from_on, ""),
        (lambda n, a, b: np.float64(from_on(n, a, b)), ""),
        (lambda n, a, b: next((k for k, x, y in zip(n, a, b, strict=True) if y >= x), 0), "stays so"),
        (lambda n, a, b: from_on(n, np.array(a) + 1e-9, b), "good enough"),
        (lambda n, a, b: from_on(n, b, a), "other way round"),
        (lambda n, a, b: n.index(from_on(n, a, b)) if from_on(n, a, b) else 0, "places"),
        (lambda n, a, b: 0, "must be 200, got 0"), (lambda n, a, b: n[-1], "must be 50, got 200"),
        (lambda n, a, b: "200", "not str"), (lambda n, a, b: False, "not bool"),
        (lambda n, a: 20, "Wanted"), (200, "Wanted"),
    ],
    "12-3": [
        (plain_cka, ""), (lambda a, b: plain_cka(7 * a, b + 3), ""),
        (lambda a, b: float((lambda A, B: np.sum((A.T @ B) ** 2) / (np.linalg.norm(A.T @ A) * np.linalg.norm(B.T @ B)))(
            a - a.mean(0), b - b.mean(0))), ""),
        (lambda a, b: gram_cka(a, b), "Subtract the mean first"),
        (lambda a, b: gram_cka(a - a.mean(), b - b.mean()), "mean of its own"),
        (lambda a, b: gram_cka(*(v - v.mean(axis=1, keepdims=True) for v in (a, b))), "not of each row"),
        (lambda a, b: plain_cka(a, b) * gram_norms(a, b), "Divide by the norms of K"),
        (lambda a, b: plain_cka(a, b) / gram_norms(a, b), "squares"),
        (lambda a, b: plain_cka(a, b) * gram_norms(a, b) / np.prod([np.linalg.norm(v - v.mean(0)) for v in (a, b)]),
         "not by those of the features"),
        (lambda a, b: np.sum((a - a.mean(0)) @ (a - a.mean(0)).T @ (b - b.mean(0)) @ (b - b.mean(0)).T)
         / gram_norms(a, b), "entry by entry"),
        (lambda a, b: a @ a.T, "of shape (20, 20)"), (lambda a, b: 1.0, "Not yet"),
        (lambda a: a, "Wanted"), ("cka", "Wanted"),
    ],
    "14-1": [
        (lambda o, i, k, n, m: n * k * k + o * i * min(n * m, k * k) + o, ""),
        (lambda o, i, k, n, m: n * k * k + o * i * n * m + o, "at most k²"),
        (lambda o, i, k, n, m: n * k * k + o * i * min(n * m, k * k), "The bias"),
        (lambda o, i, k, n, m: o * i * min(n * m, k * k) + o, "The filters are kept"),
        (lambda o, i, k, n, m: n * m * k * k + o * i * min(n * m, k * k) + o, "count each filter once"),
        (lambda o, i, k, n, m: n * k * k + o * min(n * m, k * k) + o, "for each slice"),
        (lambda o, i, k, n, m: 7, "it must be 1602, got 7"), (lambda o, i, k, n, m: True, "not bool"),
        (lambda o, i, k, n, m: "1602", "not str"), (lambda o: o, "Wanted"), (1602, "Wanted"),
    ],
    "14-2": [
        (lambda a, b: a @ np.linalg.pinv(b), ""), (lambda a, b: np.linalg.lstsq(b.T, a.T, rcond=None)[0].T, ""),
        (lambda a, b: a @ np.linalg.pinv(b) if len(b) == 4 else 0 * a @ b.T, "no inverse"),
        (lambda a, b: np.linalg.lstsq(b.T, a.T, rcond=None)[0], "transpose"),
        (lambda a, b: a @ b.T, "inner products"), (lambda a, b: a @ np.linalg.pinv(b) @ b, "put together again"),
        (lambda a, b: 0 * a @ b.T, "can be nearer"), (lambda a, b: a[0], "has shape (5, 4)"),
        (lambda a: a, "Wanted"), ("mixture", "Wanted"),
    ],
    "14-3": [
        (lambda a, q: np.roll(a, q, axis=-1), ""), (lambda a, q: a[..., (np.arange(4) - q) % 4], ""),
        (lambda a, q: np.roll(a, -q, axis=-1), "the other way"),
        (lambda a, q: np.roll(a, q, axis=1), "permuted the filters"),
        (lambda a, q: np.roll(a, q), "run into"), (lambda a, q: np.roll(a, 1, axis=-1), "Right for one"),
        (lambda a, q: a, "Nothing has changed"), (lambda a, q: a[..., ::-1], "Try a mixture with a single 1"),
        (lambda a, q: a[0], "must stay (5, 2, 4)"), (lambda a, q: np.put(a, 0, 9.0) or a, "writes into"),
        (lambda a: a, "Wanted"), (3, "Wanted"),
    ],
    "15-1": [
        (fastest, ""), (lambda m, limit: np.int64(fastest(m, limit)), ""),
        (lambda m, limit: max([row for row in m if row[2] <= limit], default=(0,))[0], "not the fastest"),
        (lambda m, limit: max(m, key=lambda row: row[1])[0], "equally fast"),
        (lambda m, limit: min(m, key=lambda row: (-row[1], row[2]))[0], "which takes 30 MB"),
        (lambda m, limit: fastest(m, limit - 1e-9), "exactly the limit fits"),
        (lambda m, limit: fastest(m, limit) or 1, "return 0"), (lambda m, limit: 0, "but 64 at once take 30 MB"),
        (lambda m, limit: 7, "was not measured"), (lambda m, limit: min(m), "alone"), (lambda m, limit: 64.0, "float"),
        (lambda m, limit: min(m)[0], "64 at once are faster"), (64, "Wanted"),
    ],
    "15-2": [
        (batches_of_files, ""), (lambda paths, n: list(batches_of_files(paths, n)), "before the first batch"),
        (lambda paths, n: (b for b in batches_of_files(paths, n) if len(b) == n), "last, smaller batch is missing"),
        (lambda paths, n: (np.load(path) for path in paths), "go on across files"),
        (lambda paths, n: (np.load(path)[:n] for path in paths), "some images are lost"),
        (lambda paths, n: batches_of_files(paths[::-1], n), "in the order of the files"),
        (lambda paths, n: np.concatenate([np.load(path) for path in paths]), "Write a generator"),
        (lambda paths, n: (image for batch in batches_of_files(paths, n) for image in batch), "three axes"),
        (lambda paths, n: (b for batch in batches_of_files(paths, n) for b in (batch, batch[:0])), "empty batch"),
        (lambda paths, n: iter([]), "yields nothing"), (lambda paths: paths, "Wanted"), ("files", "Wanted"),
    ],
    "15-3": [
        (put_together, ""), (lambda sizes, k: np.array(put_together(sizes, k)), ""),
        (lambda sizes, k: put_together(sizes, k, rest="lost"), "What becomes of the rest"),
        (lambda sizes, k: put_together(sizes, k, rest="alone"), "Join them to the last"),
        (lambda sizes, k: sizes, "Join them to the last"), (lambda sizes, k: [sum(sizes)], "all at once"),
        (lambda sizes, k: [size for size in sizes if size >= k], "What becomes of the rest"),
        (lambda sizes, k: put_together(sizes, 2 * k), "all at once"),
        (lambda sizes, k: put_together(sizes, k + 1), "all at once"),
        (lambda sizes, k: sum(sizes), "Return a list"), (5, "Wanted"),
    ],
    "13-1": [
        (vote, ""), (lambda w: vote(w).tolist(), ""),
        (lambda w: np.array([np.bincount(row, minlength=4) for row in w]), "votes of each class"),
        (lambda w: np.array([np.bincount(row).max() for row in w]), "which class it is"),
        (lambda w: np.array([3 - np.bincount(3 - row, minlength=4).argmax() for row in w]), "ties"),
        (lambda w: w[:, 0], "All pairs"), (lambda w: vote(w.T), "one class a pair"),
        (lambda w: vote(w) + 1, "For the votes"),
        (lambda w: 2, "shape ()"), (lambda: 1, "Wanted"), (2, "Wanted"),
    ],
    "13-2": [
        (short, ""), (lambda m, a, n: float(short(m, a, n)), ""),
        (lambda m, a, n: -short(m, a, n), "The sign"),
        (lambda m, a, n: a[np.argsort(-m)[:n]].max(), "Subtract"),
        (lambda m, a, n: short(-m, a, n), "puts last"),
        (lambda m, a, n: a.max() - a[np.argsort(-m)[n - 1]], "not the last"),
        (lambda m, a, n: a.max() - a[np.argsort(-m)[:n]].mean(), "not their mean"),
        (lambda m, a, n: short(m, a, 1), "n is ignored"),
        (lambda m, a, n: a.max() - a[:n].max(), "of the list"),
        (lambda m, a, n: 0.5, "it must be"), (lambda m, a, n: m, "not ndarray"), (lambda m, a, n: True, "not bool"),
        (lambda m, a: 0, "Wanted"), (0.35, "Wanted"),
    ],
    "13-3": [
        (lambda a, b: spearmanr(a, b).statistic, ""),
        (lambda a, b: np.corrcoef(rankdata(a), rankdata(b))[0, 1], ""),
        (lambda a, b: np.corrcoef(a, b)[0, 1], "Number them first"),
        (lambda a, b: np.corrcoef(np.argsort(a), np.argsort(b))[0, 1], "once more"),
        (lambda a, b: np.corrcoef(np.argsort(np.argsort(a)), np.argsort(np.argsort(b)))[0, 1], "Equal ones"),
        (lambda a, b: -spearmanr(a, b).statistic, "The sign"),
        (lambda a, b: np.corrcoef(rankdata(a), b)[0, 1], "only the first"),
        (lambda a, b: np.corrcoef(a, rankdata(b))[0, 1], "only the second"),
        (lambda a, b: np.corrcoef(rankdata(a), rankdata(b)), "entry [0, 1]"),
        (lambda a, b: 0.5, "Not yet"), (lambda a, b: "1", "got str"), (lambda a: 1, "Wanted"), (1, "Wanted"),
    ],
    "16-1": [
        (lambda y: np.unique(y, return_counts=True)[1].max() / len(y), ""),
        (lambda y: max(list(y).count(name) for name in y) / len(y), ""),
        (lambda y: 1 / len(np.unique(y)), "guessing at random"),
        (lambda y: int(np.unique(y, return_counts=True)[1].max()), "Divide by"),
        (lambda y: 0.9, "must be"), (lambda y: y, "Return one number"), (lambda y: True, "Return one number"),
        (3, "Wanted"), (lambda: 1, "Wanted"),
    ],
    "16-2": [
        (lambda k, n: Share(k, n).interval, ""), (lambda k, n: np.array(Share(k, n).interval), ""),
        (lambda k, n: [k / n + z * (k / n * (1 - k / n) / n) ** 0.5 for z in (-1.96, 1.96)], "passes 1"),
        (lambda k, n: Share(k, n).interval[::-1], "wrong order"),
        (lambda k, n: tuple(100 * end for end in Share(k, n).interval), "per cent"),
        (lambda k, n: (k / n - np.ptp(Share(k, n).interval) / 2, k / n + np.ptp(Share(k, n).interval) / 2),
         "drawn towards one half"),
        (lambda k, n: tuple(np.mean(Share(k, n).interval) + sign * 0.1 for sign in (-1, 1)), "Under the root"),
        (lambda k, n: (0.1, 0.2), "the ends are"), (lambda k, n: 0.5, "two numbers"), ("x", "Wanted"),
    ],
    "16-3": [
        (lambda x, f: sum(any(np.array_equal(a, b) and i != j for b, j in zip(x, f, strict=True))
                          for a, i in zip(x, f, strict=True)), ""),
        (lambda x, f: sum(sum(np.array_equal(a, b) for b in x) > 1 for a in x), "within the same part"),
        (lambda x, f: sum(np.array_equal(x[i], x[j]) and f[i] != f[j] for i in range(8) for j in range(i)), "pairs"),
        (lambda x, f: len(x), "Every image equals itself"), (lambda x, f: 0, "Compare whole images"),
        (lambda x, f: 7, "you count 7"), (lambda x, f: 3.0, "whole number"),
        (lambda x, f: x.fill(0) or 3, "changed the images"), (lambda x: 3, "Wanted"), (3, "Wanted"),
    ],
}  # fmt: skip
CASES = [(name, *case) for name, cases in ANSWERS.items() for case in cases]


@pytest.mark.parametrize(("name", "answer", "word"), CASES, ids=[f"{n}-{i}" for i, (n, *_) in enumerate(CASES)])
def test_what_is_said_to_an_answer(name, answer, word):
    state, message = check(name, answer)
    assert state == (NOT_YET if word else DONE) and word in message


@pytest.mark.parametrize("found", list_exercises(), ids=lambda found: found.name)
def test_every_exercise_is_tried_with_right_and_wrong_answers_and_untried(found):
    words = [word for _, word in ANSWERS.get(found.name, [])]
    assert "" in words and len(set(words)) >= 4, f"write typical answers to {found.name} into ANSWERS"
    for untried in (..., None, lambda *args: ..., lambda *args: None):
        assert check(found.name, untried)[0] == NOT_TRIED


def test_the_answers_of_chapter_01_are_those_of_the_library():
    n_windows, ring_matrix, killed_waves = (ANSWERS[name][0][0] for name in ("01-1", "01-2", "01-3"))
    for size, side, padding, stride in ((8, 3, 1, 1), (8, 3, 1, 2), (9, 2, 0, 3)):
        matrix = conv_matrix(np.ones((1, 1, side, side)), size, padding=padding, stride=stride)
        assert n_windows(size, side, padding, stride) ** 2 == matrix.shape[0]
    blur = np.array([1.0, 2.0, 1.0]) / 4
    matrix = conv_matrix(blur[None, None, None], (1, 8), padding=(0, 1), padding_mode="circular")
    assert np.array_equal(matrix.toarray(), ring_matrix(blur, 8))
    sizes = np.abs(conv_structure(matrix, (1, 8), (1, 8)).eigenvalues[0])
    assert killed_waves(blur, 8) == np.flatnonzero(sizes[:5] <= 1e-12).tolist() == [4]


def test_the_answers_of_chapter_02_are_those_of_the_library():
    layers = [nn.Conv2d(1, 2, 7), nn.MaxPool2d(3, 2), nn.Conv2d(2, 1, 5)]
    unfolded = unfold_network(nn.Sequential(*layers), np.ones((1, 40, 40)))
    assert unfolded["2"].receptive_field == (ANSWERS["02-1"][0][0],) * 2
    conv, norm = nn.Conv2d(2, 3, 5).double(), nn.BatchNorm2d(3).double().eval()
    for values in (norm.running_mean, norm.running_var, norm.weight.data, norm.bias.data):
        values.uniform_(0.5, 2, generator=torch.Generator().manual_seed(0))
    given = (conv.weight, conv.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var + norm.eps)
    weight, bias = ANSWERS["02-3"][0][0](*given)
    expected = fuse_conv_bn_eval(conv.eval(), norm)
    assert torch.allclose(weight, expected.weight) and torch.allclose(bias, expected.bias)
    rng = np.random.default_rng(0)
    W1, b1, W2, b2, x = (rng.normal(size=size) for size in [(6, 4), 6, (3, 6), 3, 4])
    first, second = nn.Linear(4, 6).double(), nn.Linear(6, 3).double()
    for layer, weight, bias in ((first, W1, b1), (second, W2, b2)):
        layer.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
    at_x = unfold_network(nn.Sequential(nn.Flatten(), first, nn.ReLU(), second), x.reshape(1, 2, 2))
    A, b = ANSWERS["02-2"][0][0](W1, b1, W2, b2, x)
    assert np.allclose(at_x.rows(range(3)).reshape(3, 4), A) and np.allclose(at_x(np.zeros((1, 2, 2)))[0], b)


def test_the_answers_of_chapter_08_are_those_of_the_libraries():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [30, 50])
    Z = rng.normal(size=(80, 4)) * [3, 1, 1, 0.5] + y[:, None]
    theirs = LinearDiscriminantAnalysis().fit(Z, y).decision_function(Z)
    ours = [Z @ w + b for w, b in (discriminant(Z, y, less=less) for less in (0, 2))]  # by version of scikit-learn
    assert min(np.abs(found - theirs).max() for found in ours) <= 1e-9 * np.abs(theirs).max()
    a, b = rng.uniform(size=(2, 5))
    found = Sensitivity("noise", np.zeros(1), {"a − b": (a - b)[None]})
    assert np.allclose(ANSWERS["08-2"][0][0](a, b), [found.mean("a − b")[0], found.margin("a − b")[0]])


def test_the_answers_of_chapter_10_are_those_of_the_library():
    table = alexnet.describe(alexnet.load("digits"), 287)
    layers = [(11, 4), (3, 2), (5, 1), (3, 2), (3, 1)]
    for i, name in enumerate(("conv1", "pool1", "conv2", "pool2", "conv3")):
        assert ANSWERS["10-2"][0][0](layers[: i + 1]) == (table[name].unclipped, table[name].stride)
    conv2 = table["conv2"]
    assert ANSWERS["10-1"][0][0](64, 192, 5, conv2.shape[-1]) == (conv2.n_weights, conv2.multiply_adds)
    a, b = np.random.default_rng(0).normal(size=(2, 5, 5))
    found = turned_copies(np.stack([a, b]), threshold=1e-6)  # reflections and negatives, too
    assert np.isclose(found.similarity[0], max(alike(sign * one, b) for one in (a, a.T) for sign in (1, -1)))


def test_the_answers_hold_for_the_book_too():
    """What the checks try on small data is so for real digits and a real box."""
    X, y = datasets.load_digits(classes=(3, 8), size=16)
    X = X.astype(np.float64)
    layer = Representation().fit(X[:1])
    before, after = layer.coefficients(X[:1])[0], layer.coefficients(actions.rotate(X[:1], 90))[0]
    stayed = np.abs(after - before) <= 1e-12 * np.abs(before).max()
    k = layer.coefficient_table_.k
    assert np.array_equal(stayed, ANSWERS["00-2"][0][0](k))
    three = before[k == 3]
    turned = np.exp(1j * np.deg2rad(ANSWERS["00-1"][0][0] * 3))  # a turn by 90°, three times that of the exercise
    assert np.allclose(after[k == 3], turned * three, rtol=0, atol=1e-12 * np.abs(before).max())
    model = GlassBoxClassifier().fit(X[:40], y[:40])
    matrix, _ = model.reduction_.as_affine()
    weights = ANSWERS["09-2"][0][0](matrix, *model.classifier_.centroids_)
    scores, features = model.decision_function(X[40:60]), model.representation_.transform(X[40:60])
    assert np.ptp(scores - features @ weights) <= 1e-9 * np.ptp(scores)
    why = model.explain(X[40:43])
    parts = np.array(list(why.group("ring").values()))
    assert ANSWERS["09-1"][0][0](why, 2) == np.abs(parts[:, 2]).argmax()
