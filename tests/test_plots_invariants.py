"""Figures of invariants: what is drawn is what was given; what is kept has the invariants, and no more."""

import re
from itertools import combinations

import numpy as np
import pytest
import torch

from equibook import datasets, plots
from equibook.equivariant import CoefficientTable
from equibook.invariant import Invariants
from equibook.plots.invariants import KEPT, PARTS
from equibook.reconstruction import STANDARD_FORMS, ImageHarmonics, keep_only

THREE_PARTS = re.compile(r"^`\w+`.* must .+, got .+\. [A-Z].+\.$", re.DOTALL)
X = datasets.load_digits(size=16)[0][:6].astype(np.float64)
HARMONICS = ImageHarmonics(16, n_rings=6, max_frequency=5)
RING, K = HARMONICS.ring, HARMONICS.m
C = HARMONICS.read(X)[:, 0]
ANGLES = {"upright": [0.0, 5.0, -95.0, np.nan], "upside down": [180.0, -175.0]}
PSNR = np.arange(6.0).reshape(2, 3) + 20
ZEROS = np.zeros(len(K), dtype=int)
TABLE = CoefficientTable(ZEROS, ZEROS.astype(float), RING, K, ZEROS)


@pytest.fixture(scope="module")
def figures():
    return {
        "phases": plots.plot_phases(X[:1], C[0], RING, K, frequencies=(1, 2, 5)),
        "kept": plots.plot_kept(X[:1], X[1:2], "cross", title="turned by 30°"),
        "rebuilt": plots.plot_rebuilt(X[:3], X[:3] + 0.1, title="from 9 numbers"),
        "psnr": plots.plot_psnr([3, 6], [1, 3, 5], PSNR, np.arange(6).reshape(2, 3)),
        "angles": plots.plot_angles(ANGLES, limit=90),
    }


KINDS = ("phases", "kept", "rebuilt", "psnr", "angles")


def overlapping(figure):
    """Return the pairs of axes, with all their labels, that cover more than a few pixels of each other."""
    figure.draw_without_rendering()
    boxes = {i: ax.get_tightbbox() for i, ax in enumerate(figure.axes)}

    def shared(a, b):
        return min(min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0))

    return [(i, j) for i, j in combinations(boxes, 2) if shared(boxes[i], boxes[j]) > 3]


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_has_words_and_nothing_is_cut_off_or_covered(figures, kind):
    figure = figures[kind]
    assert len(figure.alt) > 20 and figure.alt.endswith(".")
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert max(-box.x0, -box.y0, box.x1 - width, box.y1 - height) < 0.01
    assert overlapping(figure) == []


def test_the_kinds_are_all(figures):
    assert set(KINDS) == set(figures)


def features(coefficients, invariant):
    return Invariants(TABLE, invariant)(torch.from_numpy(coefficients)).numpy()


@pytest.mark.parametrize("kept", KEPT)
def test_what_is_kept_has_its_invariants_and_no_richer_ones(kept):
    standard, names = keep_only(C, K, kept), list(KEPT)
    for invariant in names:
        gap = np.abs(features(standard, invariant) - features(C, invariant)).max(axis=1)
        if names.index(invariant) <= names.index(kept):
            assert gap.max() <= 1e-14
        else:
            assert gap.min() >= 1e-4


@pytest.mark.parametrize("kept", KEPT)
def test_what_is_forgotten_does_not_count(kept):
    """Change all that a choice forgets, and the standard form stays."""
    rng = np.random.default_rng(0)
    by_frequency = np.exp(1j * rng.uniform(0, 6, size=(1, K.max() + 1)))[:, K]
    changed = {
        "average": C * rng.uniform(1, 2, size=len(K)),
        "power": C * np.exp(1j * rng.uniform(0, 6, size=len(K))),
        "cross": C * by_frequency,
        "bispectrum": C * np.exp(-1j * K * 0.7),
    }[kept]
    changed = np.where(K == 0, C, changed)
    assert np.abs(changed - C).max() > 0.01
    np.testing.assert_allclose(keep_only(changed, K, kept), keep_only(C, K, kept), atol=1e-10)
    poorer = np.abs(keep_only(changed, K, "bispectrum") - keep_only(C, K, "bispectrum")).max()
    assert (poorer <= 1e-10) == (kept == "bispectrum")


def test_black_is_kept_as_it_is():
    for kept in KEPT:
        assert not keep_only(0 * C, K, kept).any()


def test_arrows_point_where_the_coefficients_do(figures):
    seen, *planes = figures["phases"].axes
    assert np.array_equal(seen.images[0].get_array(), X[0, 0])
    for ax, frequency in zip(planes, (1, 2, 5), strict=True):
        expected = C[0, frequency == K]
        tips = [line.get_xydata()[1] for line in ax.lines if len(line.get_xdata()) == 2 and line.get_linewidth() >= 1]
        found = np.array([complex(*tip) for tip in tips[: len(expected)]])
        np.testing.assert_allclose(found, expected / np.abs(expected).max(), atol=1e-12)
        dots = [complex(*line.get_xydata()[0]) for line in ax.lines if len(line.get_xdata()) == 1]
        np.testing.assert_allclose(dots, found, atol=1e-12)
        numbered = [int(text.get_text()) for text in ax.texts]
        assert numbered == RING[frequency == K][np.abs(found) > 0.45].tolist()


def test_what_is_kept_is_said_in_words(figures):
    texts = [text.get_text().strip() for text in figures["kept"].axes[2].texts]
    assert texts == ["✓", PARTS[0], "✓", PARTS[1], "✓", PARTS[2], "✗", PARTS[3], "✗", PARTS[4]]
    assert f"Forgotten: {PARTS[3]}, {PARTS[4]}." in figures["kept"].alt
    assert [sum(kept) for kept in KEPT.values()] == [1, 2, 3, 4] and tuple(KEPT) == STANDARD_FORMS
    assert np.array_equal(figures["kept"].axes[1].images[0].get_array(), X[1, 0])


def test_below_each_image_stands_what_was_rebuilt_and_how_well(figures):
    axes = figures["rebuilt"].axes
    for i, (above, below) in enumerate(zip(axes[:3], axes[3:], strict=True)):
        assert np.array_equal(above.images[0].get_array(), X[i, 0])
        assert np.array_equal(below.images[0].get_array(), X[i, 0] + 0.1)
        assert below.get_title() == "20.0 dB" and not above.get_title()
    assert figures["rebuilt"].get_suptitle() == "from 9 numbers"


def test_ratios_and_numbers_stand_in_their_fields(figures):
    ax, _ = figures["psnr"].axes
    assert np.array_equal(ax.images[0].get_array(), PSNR)
    assert ax.texts[4].get_text() == "24.0 dB\n4" and ax.texts[4].get_position() == (1, 1)
    assert "with 6 rings, frequencies to 5 and 5 numbers" in figures["psnr"].alt


def test_histograms_are_shares_and_leave_out_what_has_no_angle(figures):
    for ax, values in zip(figures["angles"].axes, ANGLES.values(), strict=True):
        heights = np.array([bar.get_height() for bar in ax.patches])
        assert heights.sum() == pytest.approx(100) and f"({np.isfinite(values).sum()})" in ax.get_title(loc="left")
        assert [line.get_xdata()[0] for line in ax.lines] == [-90, 90]
    assert "upright: 67% nearer to 0 than 90 degrees; upside down: 0% nearer" in figures["angles"].alt


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: keep_only(C, K, "k0"), "`invariant` must be one of"),
        (lambda: keep_only(C[0], K, "cross"), f"`coefficients` must have shape (n_samples, {len(K)}), got ({len(K)},)"),
        (lambda: plots.plot_phases(X[:1], C, RING, K), f"`coefficients` must have shape ({len(K)},), got (6, "),
        (
            lambda: plots.plot_phases(X[:1], C[0], RING, K, frequencies=(1, 9)),
            "`frequencies` must be some of 0, 1, 2, 3, 4, 5, got [1, 9]",
        ),
        (lambda: plots.plot_kept(X[:1], X[:1], "all"), "`invariant` must be one of"),
        (
            lambda: plots.plot_rebuilt(X[:3], X[:2], title="a"),
            "`rebuilt` must have shape (3, 1, 16, 16), as the images, got (2, 1, 16, 16)",
        ),
        (
            lambda: plots.plot_psnr([3], [1, 3, 5], PSNR, PSNR),
            "`psnr` and `n_numbers` must have shape (1, 3), got (2, 3) and (2, 3)",
        ),
        (lambda: plots.plot_angles({}), "`angles` must hold 1 to 4 arrays, got 0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        call()
    assert THREE_PARTS.match(str(caught.value))
