"""Linear CKA: its invariances, a reference by Gram matrices, exact stacks, and what must not look alike."""

import re
from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import ortho_group
from torch import nn

from equibook import actions
from equibook.groups import CyclicGroup
from equibook.operations import Subsample, make_stack, roll
from equibook.probes.alignment import cka, linear_cka

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(40, 12)), RNG.normal(size=(40, 300))
X = np.random.default_rng(1).random((30, 1, 16, 16))
THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)
turn = partial(actions.rotate, angle=90)


def by_gram_matrices(a, b):
    """Compute the estimate of Song et al. (2012) as their paper writes it."""
    n = len(a)
    K, L = (rows @ rows.T for rows in (a, b))
    for gram in (K, L):
        np.fill_diagonal(gram, 0)

    def hsic(P, Q):
        cross = P.sum() * Q.sum() / ((n - 1) * (n - 2)) - 2 * (P @ Q).sum() / (n - 2)
        return (np.trace(P @ Q) + cross) / (n * (n - 3))

    return hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))


def test_against_the_formula():
    mixed = A @ RNG.normal(size=(12, 20)) + RNG.normal(size=(40, 20))
    for a, b in ((A, mixed), (A, B), (A + 3, mixed - 1)):
        assert linear_cka(a, b) == pytest.approx(by_gram_matrices(a, b), abs=1e-12)
    assert 0.3 < linear_cka(A, mixed) < 0.95


@pytest.mark.parametrize(
    "others",
    [A, -2.5 * A, A @ ortho_group.rvs(12, random_state=0), A + np.arange(12), A[:, ::-1], np.hstack([A, A])],
    ids=["identical", "factor", "orthogonal", "shift", "permuted", "twice"],
)
def test_what_changes_nothing(others):
    assert linear_cka(A, others) == pytest.approx(1, abs=1e-12)


def test_what_changes_it():
    assert linear_cka(A, A * np.geomspace(1, 100, 12)) < 0.6
    assert linear_cka(A, A**3) < 0.95


def test_unrelated_features_are_at_0_however_many_there_are():
    found = [linear_cka(np.random.default_rng(seed).normal(size=(40, 12)), B) for seed in range(30)]
    assert abs(np.mean(found)) < 0.03
    plain = [np.linalg.norm(values - values.mean(0)) for values in (A @ A.T, B @ B.T)]
    assert plain[1] > 0  # the estimate with bias is far above 0 for the same features:
    centred = [values - values.mean(axis=0) for values in (A, B)]
    biased = np.linalg.norm(centred[0].T @ centred[1]) ** 2
    biased /= np.prod([np.linalg.norm(values.T @ values) for values in centred])
    assert biased > 0.3


def test_constant_features_say_nothing():
    assert linear_cka(np.full((10, 3), 0.1), A[:10]) == 0


def test_an_exactly_equivariant_stack_is_at_1_and_a_broken_one_is_not():
    exact = make_stack(2, nn.AvgPool2d(2), group=CyclicGroup(4))
    broken = make_stack(2, Subsample(2), padding_mode="zeros")
    found = cka({"exact": exact, "broken": broken}, X, turn)
    assert found.stages == ("exact", "broken") and found.n_samples == 30
    assert found.similarity[0] == pytest.approx(1, abs=1e-12) and found.similarity[1] < 0.9
    assert np.abs(found.shuffled).max() < 0.2


def test_complex_coefficients_count_with_both_parts():
    phases = np.exp(1j * np.arange(12))
    assert linear_cka(A + 1j * A[::-1], (A + 1j * A[::-1]) * phases) == pytest.approx(1, abs=1e-12)
    assert linear_cka(A + 1j * A[::-1], A) < 0.9


def test_a_permutation_of_places_is_not_seen_and_half_a_pixel_is():
    by_shift = [cka({"x": lambda x: x}, X, partial(roll, shift=(dx, 0))).similarity[0] for dx in (3, 0.5)]
    assert by_shift[0] == pytest.approx(1, abs=1e-12) and by_shift[1] < 0.99


def test_a_map_that_mixes_images_with_noise_is_found_out():
    noise = torch.from_numpy(np.random.default_rng(2).normal(size=(30, 256)))
    calls = []

    def forgetful(images):
        calls.append(1)
        return noise if len(calls) == 1 else noise.flip(0)

    assert abs(cka(forgetful, X, turn).similarity[0]) < 0.2


def test_the_seed_decides_the_control_and_the_table_shows_both():
    net = nn.Sequential(nn.Flatten(), nn.Linear(256, 5, dtype=torch.float64))
    a, b, c = (cka(net, X, turn, random_state=seed) for seed in (0, 0, 1))
    assert np.array_equal(a.shuffled, b.shuffled) and not np.array_equal(a.shuffled, c.shuffled)
    assert np.array_equal(a.similarity, c.similarity)
    assert "linear CKA under" in str(a) and "shuffled" in str(a) and "<th" in a._repr_html_()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: cka(nn.Identity(), X[:3], turn), ValueError, "`X` must hold at least 4 images, got 3"),
        (lambda: cka(nn.Identity(), X, 90), TypeError, "`transform` must act on images, got int"),
        (lambda: linear_cka(A, A[:30]), ValueError, "`others` must fit `features`, both of 4 or more, got 30 and 40"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=re.escape(message)) as caught:
        call()
    assert THREE_PARTS.match(str(caught.value))
