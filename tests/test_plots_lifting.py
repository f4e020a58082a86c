"""Figures of lifting: they show the wavelets, the maps and the coefficients that the library computes."""

import re

import numpy as np
import pytest
import torch
from layers import noise
from matplotlib.figure import Figure
from test_plots import THREE_PARTS, cut_off, overlapping

from equibook import plots
from equibook.equivariant import EquivariantLayer, Lifting
from equibook.filters import morlet_bank
from equibook.plots.lifting import sum_by_ring

X = noise(32, n=1)
LAYER = EquivariantLayer(32)
C = LAYER(X)[0]
MAPS = Lifting((1.6,))(X)[0, 0]
KINDS = {
    "bank": plots.plot_filter_bank,
    "bank of one scale": lambda: plots.plot_filter_bank((2.0,), 4),
    "wavelet": lambda: plots.plot_wavelet(X, 1.6, 22.5),
    "wavelet on a signed image": lambda: plots.plot_wavelet(X - 0.5, 3.2, 112.5),
    "lift": lambda: plots.plot_lift(X, MAPS),
    "lift of black": lambda: plots.plot_lift(0 * X, 0 * MAPS),
    "rings": lambda: plots.plot_rings(C, LAYER.table),
}


@pytest.mark.parametrize("kind", KINDS)
class TestEveryFigure:
    def test_it_has_words_and_becomes_a_png(self, kind):
        figure = KINDS[kind]()
        assert isinstance(figure, Figure) and len(figure.alt) > 20 and figure.alt.endswith(".")
        assert plots.to_png(figure).startswith(b"\x89PNG")

    def test_nothing_is_cut_off_or_covered(self, kind):
        figure = KINDS[kind]()
        assert cut_off(figure) < 0.01 and overlapping(figure) == []


def panel(figure, title):
    return next(ax for ax in figure.axes if ax.get_title(loc="left").startswith(title))


def shown_in(figure, title):
    return np.asarray(panel(figure, title).images[0].get_array())


class TestPlotFilterBank:
    def test_rows_are_scales_and_columns_orientations(self):
        axes = plots.plot_filter_bank((0.8, 1.6), 4).axes
        shown = [np.asarray(ax.images[0].get_array()) for ax in axes]
        expected = [wavelet for scale in (0.8, 1.6) for wavelet in morlet_bank(scale, 4).real.numpy()]
        assert all(np.array_equal(a, b) for a, b in zip(shown, expected, strict=True))
        assert [ax.get_title() for ax in axes[:4]] == ["0°", "45°", "90°", "135°"]
        assert len({ax.get_xlim() for ax in axes}) == 1 and axes[0].images[0].get_extent()[1] == 3.5
        low, high = axes[0].images[0].get_clim()
        assert low == -high

    @pytest.mark.parametrize("scales", [(), (1.6, 0)])
    def test_bad_input(self, scales):
        with pytest.raises(ValueError, match="`scales` must hold positive numbers, got") as caught:
            plots.plot_filter_bank(scales)
        assert THREE_PARTS.match(str(caught.value))


class TestPlotWavelet:
    def test_the_response_is_that_of_the_lift(self):
        figure = plots.plot_wavelet(X, 1.6, 67.5)
        assert np.allclose(shown_in(figure, "modulus"), MAPS[3], rtol=0, atol=1e-14)
        assert np.array_equal(shown_in(figure, "wavelet"), morlet_bank(1.6, 8)[3].real)

    def test_the_wave_passes_in_its_direction(self):
        passed = shown_in(plots.plot_wavelet(X, 1.6, 45), "waves")
        row, column = np.unravel_index(passed.argmax(), passed.shape)
        assert column - 32 == 32 - row > 0  # as far to the right as up

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"orientation": 30}, "`orientation` must be one of 0°, 22.5°, 45°"),
            ({"orientation": 180}, "got 180°"),
            ({"scale": -1}, "`scales` must hold positive numbers, got (-1,)"),
            ({"image": noise(8, 3, n=1)}, "`image` must have shape (1, 1, height, width), got (1, 3, 8, 8)"),
        ],
    )
    def test_bad_input(self, changes, message):
        with pytest.raises(ValueError, match=re.escape(message)) as caught:
            plots.plot_wavelet(**({"image": X, "scale": 1.6, "orientation": 0} | changes))
        assert THREE_PARTS.match(str(caught.value))


class TestPlotLift:
    def test_maps_and_bars_stand_in_one_order(self):
        figure = plots.plot_lift(X, MAPS)
        assert np.array_equal(shown_in(figure, "lifted maps"), np.concatenate(list(MAPS.numpy()), axis=1))
        bars = figure.axes[2].patches
        squares = 1000 * (MAPS**2).mean(dim=(1, 2))
        assert np.allclose([bar.get_height() for bar in bars], squares)
        hatched = [i for i, bar in enumerate(bars) if bar.get_hatch()]
        assert hatched == [int(squares.argmax())] and f"at {22.5 * hatched[0]:g}°" in figure.alt
        middles = [bar.get_x() + bar.get_width() / 2 for bar in bars]
        assert np.allclose(middles, range(8)) and figure.axes[1].get_xlim() == figure.axes[2].get_xlim()

    @pytest.mark.parametrize(("lowest", "colours"), [(-0.1, "gray"), (-0.9, "RdBu_r")])
    def test_a_little_below_0_beside_an_edge_is_still_grey(self, lowest, colours):
        image = X.clip(0, 1).clone()
        image[0, 0, 3, 3] = lowest
        seen = plots.plot_lift(image, MAPS).axes[0].images[0]
        assert seen.get_cmap().name == colours and (seen.get_clim()[0] == 0) == (colours == "gray")

    @pytest.mark.parametrize("maps", [MAPS[None], MAPS[:, 1:], MAPS[0]])
    def test_bad_input(self, maps):
        with pytest.raises(ValueError, match=r"`maps` must have shape \(n_orientations, 32, 32\), got") as caught:
            plots.plot_lift(X, maps)
        assert THREE_PARTS.match(str(caught.value))


class TestPlotRings:
    def test_all_energy_is_shown_once(self):
        figure = plots.plot_rings(C, LAYER.table)
        shown = [np.ma.filled(ax.images[0].get_array(), 0) for ax in figure.axes[:4]]
        total = sum(np.nansum(np.square(values)) for values in shown)
        assert np.isclose(total, (C.abs() ** 2).sum())
        assert panel(figure, "the image").images[0].get_array()[1, 0] == sum_by_ring(C.numpy(), LAYER.table, 0)[1, 0]

    def test_by_hand(self):
        table = LAYER.table
        found = sum_by_ring(np.arange(len(table)) * 1j, table, 1.6)
        rows = np.flatnonzero((table.scale == 1.6) & (table.ring == 2) & (table.k == 3))
        assert found.shape == (6, 6) and np.isclose(found[2, 3], np.sqrt((rows**2).sum()))
        assert np.isnan(sum_by_ring(C.numpy(), table, 0)[0, 3:]).all()  # ring 0 is too small for waves that fine

    def test_bad_input(self):
        with pytest.raises(ValueError, match=r"`coefficients` must have shape \(468,\), got \(1, 468\)") as caught:
            plots.plot_rings(torch.stack([C]), LAYER.table)
        assert THREE_PARTS.match(str(caught.value))
