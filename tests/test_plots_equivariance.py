"""Figures of equivariance: they show the numbers that were measured, and 0 as what it is."""

import re
from functools import partial

import numpy as np
import pytest
import torch
from layers import noise
from matplotlib.figure import Figure
from test_plots import THREE_PARTS, cut_off, overlapping
from torch import nn

from equibook import actions, plots
from equibook.measure import EquivarianceReport, equivariance_error, report
from equibook.operations import SOBEL, Subsample, make_convolution

turn = partial(actions.rotate, angle=90)
X = noise(16, n=4) - 0.5
CURVES = {"plain stride": [0.0, 0.5, 0.0], "max pooling": [0.0, 0.3, 1e-16], "with a blur": [0.0, 0.1, 0.0]}
MAPS = {name: np.random.default_rng(0).normal(size=(8, 8)) for name in CURVES}
REPORTS = {
    "a step with a long name, 32 px": report(nn.ReLU(), X, turn, turn),
    "stride": report(Subsample(2), X, turn, turn),
    "constant": EquivarianceReport(np.zeros(4), np.zeros(4), np.zeros(4)),
}
KINDS = {
    "square": lambda: plots.plot_square(make_convolution(SOBEL), X[:1], turn, turn),
    "square of a pooled image": lambda: plots.plot_square(Subsample(2), X[:1] + 0.5, turn, turn),
    "reports": lambda: plots.plot_reports(REPORTS),
    "errors": lambda: plots.plot_errors([0, 1, 2], CURVES, xlabel="shift in pixels", different=1.2),
    "errors with maps": lambda: plots.plot_errors([0, 1, 2], CURVES, xlabel="shift in pixels", chosen=1, maps=MAPS),
    "grids": lambda: plots.plot_grids({"8 pixels": np.eye(8), "9 pixels, turned": np.eye(9)}),
    "error maps": lambda: plots.plot_error_maps({"zeros": np.eye(9), "circular": np.zeros((9, 9))}),
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
    return next(ax for ax in figure.axes if ax.get_title(loc="center").startswith(title))


def shown_in(figure, title):
    return np.asarray(panel(figure, title).images[0].get_array())


class TestPlotSquare:
    def test_both_ways_and_their_difference(self):
        sobel = make_convolution(SOBEL)
        figure = plots.plot_square(sobel, X[:1], turn, turn)
        assert np.array_equal(shown_in(figure, "g · f(x)"), turn(sobel(X[:1]))[0, 0])
        assert np.array_equal(shown_in(figure, "f(g · x)"), sobel(turn(X[:1]))[0, 0])
        gap = shown_in(figure, "f(g · x)") - shown_in(figure, "g · f(x)")
        assert np.array_equal(shown_in(figure, "difference"), gap)
        said = f"error {equivariance_error(sobel, X[:1], turn, turn)[0]:.2f}"
        assert said in panel(figure, "difference").get_title(loc="center") and said[6:] in figure.alt

    def test_no_error_is_said_and_shown_as_none(self):
        figure = plots.plot_square(nn.ReLU(), X[:1], turn, turn)
        assert panel(figure, "difference").get_title(loc="center") == "difference: error 0"
        assert not shown_in(figure, "difference").any()

    def test_rounding_is_a_power_of_ten(self):
        figure = plots.plot_square(nn.AvgPool2d(2), X[:1], turn, lambda maps: turn(maps) * (1 + 1e-15))
        assert "error 1e-15" in panel(figure, "difference").get_title(loc="center")

    def test_the_difference_has_the_scale_of_the_maps(self):
        figure = plots.plot_square(Subsample(2), X[:1], turn, turn)
        limits = {name: panel(figure, name).images[0].get_clim() for name in ("f(x)", "f(g · x)", "difference")}
        assert len(set(limits.values())) == 1
        low, high = limits["difference"]
        assert low == -high

    def test_images_without_negative_values_are_grey(self):
        figure = plots.plot_square(nn.Identity(), X[:1] + 0.5, turn, turn)
        assert panel(figure, "x").images[0].get_cmap().name == "gray"
        assert panel(figure, "difference").images[0].get_cmap().name == "RdBu_r"

    @pytest.mark.parametrize(
        ("f", "image", "message"),
        [
            (make_convolution(np.ones((2, 1, 3, 3))), X[:1], "`f` must give one map of one image, got (1, 2, 16, 16)"),
            (nn.ReLU(), X[:2], "`f` must give one map of one image, got (2, 1, 16, 16) for x"),
            (nn.Flatten(), X[:1], "`f` must give one map of one image, got (1, 256) for f(x)"),
        ],
    )
    def test_bad_input(self, f, image, message):
        with pytest.raises(ValueError, match=re.escape(message)) as caught:
            plots.plot_square(f, image, lambda x: x, lambda x: x)
        assert THREE_PARTS.match(str(caught.value))


class TestPlotReports:
    def test_medians_are_drawn_and_said(self):
        figure = plots.plot_reports(REPORTS)
        ax = figure.axes[0]
        error, different = (line for line in ax.lines if line.get_label()[0] != "_")
        assert np.isclose(error.get_xdata()[1], np.median(REPORTS["stride"].error))
        assert np.isclose(different.get_xdata()[1], np.median(REPORTS["stride"].different))
        assert error.get_xdata()[0] == error.get_xdata()[2] == different.get_xdata()[2] < 1e-16
        said = [text.get_text() for text in ax.texts]
        assert said[0].startswith("0  of") and said[2] == "0  of  0"
        assert error.get_marker() != different.get_marker()

    def test_bad_input(self):
        with pytest.raises(ValueError, match="`reports` must hold at least one report, got none") as caught:
            plots.plot_reports({})
        assert THREE_PARTS.match(str(caught.value))


class TestPlotErrors:
    def test_curves_and_the_chosen_place(self):
        ax = plots.plot_errors([0, 1, 2], CURVES, xlabel="shift", chosen=1, different=1.2).axes[0]
        curves = [line for line in ax.lines if line.get_label() in CURVES]
        for line, values in zip(curves, CURVES.values(), strict=True):
            assert np.array_equal(line.get_xydata(), np.stack([[0, 1, 2], values], axis=1))
        marked = [line for line in ax.lines if line.get_markersize() == 10]
        assert [line.get_xydata()[0].tolist() for line in marked] == [[1, v[1]] for v in CURVES.values()]
        assert len({line.get_marker() for line in curves}) == 3
        assert ax.get_ylim()[0] < 0 and ax.get_ylim()[1] > 1.2

    def test_maps_share_one_scale_around_zero(self):
        figure = plots.plot_errors([0, 1, 2], CURVES, xlabel="shift", maps=MAPS)
        limits = {panel(figure, name).images[0].get_clim() for name in MAPS}
        assert len(limits) == 1
        low, high = limits.pop()
        assert low == -high == -max(np.abs(values).max() for values in MAPS.values())

    def test_rounding_does_not_fill_the_scale(self):
        figure = plots.plot_errors([0, 1, 2], CURVES, xlabel="shift", maps={"a": np.full((2, 2), 1e-16)})
        assert panel(figure, "a").images[0].get_clim() == (-1, 1)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"errors": {}}, "`errors` must hold at least one curve, got none"),
            ({"errors": {"a": [1.0]}}, "`errors` must fit the 3 steps, got 1 for 'a'"),
            ({"chosen": 5}, "`chosen` must be one of the steps, got 5"),
        ],
    )
    def test_bad_input(self, changes, message):
        with pytest.raises(ValueError, match=message) as caught:
            plots.plot_errors(**({"steps": [0, 1, 2], "errors": CURVES, "xlabel": "shift"} | changes))
        assert THREE_PARTS.match(str(caught.value))


class TestPlotGrids:
    def test_kept_pixels_are_white_from_the_top(self):
        mask = torch.zeros(3, 3)
        mask[0, 1] = 1
        figure = plots.plot_grids({"a": mask})
        ax = figure.axes[0]
        assert np.array_equal(ax.collections[0].get_array(), mask > 0) and ax.yaxis_inverted()
        assert "a: 1 kept" in figure.alt

    def test_bad_input(self):
        with pytest.raises(ValueError, match="`kept` must hold at least one grid, got none") as caught:
            plots.plot_grids({})
        assert THREE_PARTS.match(str(caught.value))


class TestPlotErrorMaps:
    def test_what_is_exact_is_left_out_and_counted(self):
        values = np.array([[0.0, 1e-15], [0.25, 1.5]])
        figure = plots.plot_error_maps({"zeros": values, "circular": np.zeros((2, 2))})
        image = panel(figure, "zeros").images[0]
        assert np.ma.getmaskarray(image.get_array()).tolist() == [[True, True], [False, False]]
        assert image.get_clim() == (0, 1.5) == panel(figure, "circular").images[0].get_clim()
        assert "zeros: exact on 50%" in figure.alt and "circular: exact on 100%" in figure.alt

    def test_nothing_lost_anywhere(self):
        assert panel(plots.plot_error_maps({"a": np.zeros((2, 2))}), "a").images[0].get_clim() == (0, 1)

    def test_bad_input(self):
        with pytest.raises(ValueError, match="`maps` must hold at least one map, got none") as caught:
            plots.plot_error_maps({})
        assert THREE_PARTS.match(str(caught.value))
