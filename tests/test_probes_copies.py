"""Turned copies: found exactly where they were made, not among random kernels, and lost when a kernel is broken."""

import re

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from equibook.actions import act, rotate
from equibook.filters import morlet_bank
from equibook.groups import DihedralGroup
from equibook.probes.copies import turned_copies

RNG = np.random.default_rng(0)
D4 = DihedralGroup(4)
ONE = RNG.normal(size=(1, 3, 5, 5))
COPIES = np.concatenate([act(g, ONE) * sign for g, sign in zip(D4, (1, 1, -1, 1, -1, 1, 1, -1), strict=True)])
THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)


def edges(found):
    return {(int(i), int(j)): k for k, (i, j) in enumerate(zip(found.i, found.j, strict=True))}


def test_every_moved_copy_is_found_with_its_element_and_sign():
    found = turned_copies(COPIES)
    assert len(found.i) == 28 and found.similarity == pytest.approx(np.ones(28), abs=1e-12)
    assert [members.tolist() for members in found.families] == [list(range(8))] and found.share == 1
    for (i, j), edge in edges(found).items():
        moved = act(D4.elements[found.element[edge]], COPIES[i : i + 1]) * found.sign[edge]
        assert np.allclose(moved[0], COPIES[j], rtol=0, atol=1e-12)


def test_edges_are_sorted_and_each_has_its_own_similarity():
    noisy = COPIES + RNG.normal(size=COPIES.shape) * np.linspace(0.6, 0, 8)[:, None, None, None]
    found = turned_copies(noisy, threshold=0.5)
    assert len(found.i) == 28 and (np.diff(found.similarity) <= 0).all()
    for (i, j), edge in edges(found).items():
        moved = act(D4.elements[found.element[edge]], noisy[i : i + 1])[0] * found.sign[edge]
        expected = (moved * noisy[j]).sum() / np.linalg.norm(moved) / np.linalg.norm(noisy[j])
        assert found.similarity[edge] == pytest.approx(expected, abs=1e-12)


def test_a_turn_between_pixels_is_judged_on_the_disc():
    """The corners of a square come from outside it when it turns: they must not count."""
    wide = gaussian_filter(np.random.default_rng(3).normal(size=(41, 41)), 2.5)
    pair = np.stack([wide, rotate(wide[None], 45)[0]])[:, 12:29, 12:29]
    found = turned_copies(pair, n_turns=8, threshold=0.9)
    assert found.describe(0) == "1 is 0 after the rotation by 45°" and found.similarity[0] > 0.98
    assert turned_copies(pair).best[0] < 0.9


def test_another_kernel_stands_alone_and_a_broken_copy_is_none():
    broken = COPIES[1].copy()
    broken[:, :, 2:] = RNG.normal(size=(3, 5, 3))
    found = turned_copies(np.stack([COPIES[0], COPIES[1], RNG.normal(size=(3, 5, 5)), broken]))
    assert list(edges(found)) == [(0, 1)] and found.share == 0.5
    assert found.best[0] == pytest.approx(1) and found.best[2] < found.threshold
    assert found.describe(0) == "1 is 0 after the rotation by 90°"
    assert "the reflection about the axis at" in turned_copies(COPIES[[0, 5]]).describe(0)


def test_channels_are_not_moved():
    found = turned_copies(np.stack([COPIES[0], np.rot90(COPIES[0], axes=(1, 2))[[1, 2, 0]]]))
    assert len(found.i) == 0 and found.families == []


def test_random_kernels_are_near_chance():
    found = [turned_copies(np.random.default_rng(seed).normal(size=(32, 3, 7, 7))) for seed in range(5)]
    assert np.mean([result.share for result in found]) < 0.02
    assert max(result.best.max() for result in found) < 1.15 * max(result.chance.max() for result in found)


def test_smooth_random_kernels_are_near_their_own_chance():
    """Smooth kernels are alike by smoothness: chance must know it, as shuffled pixels would not."""
    smooth = nn.functional.avg_pool2d(torch.from_numpy(RNG.normal(size=(32, 1, 13, 13))), 5, stride=1)
    smooth = smooth - smooth.mean((2, 3), keepdim=True)
    found, shuffled = turned_copies(smooth), turned_copies(RNG.permuted(smooth.flatten(1), axis=1).reshape(32, 9, 9))
    assert found.chance.mean() > 1.3 * shuffled.chance.mean()
    assert found.share < 0.1


@pytest.mark.parametrize("n_turns", [4, 16])
def test_the_morlet_bank_is_one_wavelet_in_many_directions(n_turns):
    found = turned_copies(morlet_bank(2.0, 8), n_turns=n_turns, threshold=0.99)
    sizes = [len(members) for members in found.families]
    assert sizes == ([4, 2, 2] if n_turns == 4 else [8])  # quarter turns and reflections join 22.5° with 67.5°, …
    exact = found.similarity[[edge for (i, j), edge in edges(found).items() if j - i == 4]]
    assert exact == pytest.approx(np.ones(4), abs=1e-12)
    if n_turns == 16:
        assert len(found.i) == 28 and found.similarity.min() > 0.999


def test_a_sine_is_its_own_negative_after_half_a_turn():
    wave = morlet_bank(2.0, 4).imag[:1]
    found = turned_copies(torch.cat([wave, torch.rot90(wave, 1, (1, 2)), -wave]), threshold=0.99)
    assert set(edges(found)) == {(0, 1), (0, 2), (1, 2)}
    assert found.describe(edges(found)[0, 2]) == "2 is 0 as it is, negated"


def test_layers_tensors_and_arrays_are_read_alike_and_kernels_of_zeros_are_no_copies():
    layer = nn.Conv2d(3, 8, 5)
    layer.weight.data = torch.from_numpy(COPIES).float()
    assert turned_copies(layer).similarity == pytest.approx(np.ones(28), abs=1e-6)
    blank = np.concatenate([COPIES[:2], np.zeros((2, 3, 5, 5))])
    assert list(edges(turned_copies(blank))) == [(0, 1)]


def test_the_seed_decides_the_controls_and_the_table_says_what_was_found():
    a, b, c = (turned_copies(COPIES, random_state=seed).chance for seed in (0, 0, 1))
    assert np.array_equal(a, b) and not np.array_equal(a, c)
    text, page = str(turned_copies(COPIES)), turned_copies(COPIES)._repr_html_()
    assert "8 kernels, 8 elements of D_4, both signs" in text and "… 16 more" in text and "100% have a copy" in text
    assert "<td>1.000</td>" in page and "turned_copies" not in page


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: turned_copies(COPIES[:1]), "`kernels` must be at least two, got 1"),
        (lambda: turned_copies(COPIES[..., :3]), "`kernels` must be square"),
        (lambda: turned_copies(COPIES, threshold=1.0), "`threshold` must be above 0 and below 1, got 1.0"),
        (lambda: turned_copies(COPIES, n_turns=0), "`n_turns` must be a positive integer, got 0"),
        (lambda: turned_copies(COPIES).describe(28), "`edge` must be below 28, the number of edges, got 28"),
        (lambda: turned_copies(np.full((2, 3, 3), np.nan)), "`kernels` must hold finite numbers"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        call()
    assert THREE_PARTS.match(str(caught.value))
