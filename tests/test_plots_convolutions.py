"""Figures of convolutions: they show the numbers of the matrix, its rows, windows and waves, and nothing is cut off."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from test_plots import THREE_PARTS, cut_off, overlapping

from equibook import plots
from equibook.convolution import ConvStructure, conv_costs, conv_matrix
from equibook.plots.convolutions import name_structure
from equibook.plots.waves import make_wave

IMAGES = load_digits().images[:, None] / 16
EDGE = np.array([[[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]]]) / 4
BLUR = np.outer([1, 2, 1], [1, 2, 1])[None, None] / 16
TWO_BY_THREE = np.random.default_rng(0).normal(size=(2, 3, 3, 3))
SIDES = (1, 3, 7, 31)


def around(kernel, size=8):
    return conv_matrix(kernel, size, padding=1, padding_mode="circular")


FIGURES = {
    "matrix": lambda: plots.plot_conv_matrix(conv_matrix(EDGE, 8, padding=1), 8, 8),
    "matrix with stride": lambda: plots.plot_conv_matrix(conv_matrix(EDGE, 8, padding=1, stride=3), 8, 3, stride=3),
    "matrix of a line": lambda: plots.plot_conv_matrix(conv_matrix(EDGE[:, :, :1], (1, 9)), (1, 9), (1, 7)),
    "matrix of channels": lambda: plots.plot_conv_matrix(conv_matrix(TWO_BY_THREE, 6), 6, 4),
    "matrix of many outputs": lambda: plots.plot_conv_matrix(conv_matrix(TWO_BY_THREE[:, :1], 6), 6, 4),
    "window": lambda: plots.plot_conv_window(IMAGES[3:4], EDGE, (0, 7), padding=1, padding_mode="reflect"),
    "window with stride": lambda: plots.plot_conv_window(IMAGES[3:4], BLUR, (1, 1), stride=2),
    "window that is dilated": lambda: plots.plot_conv_window(IMAGES[3:4], BLUR, (3, 3), dilation=2),
    "eigenvalues": lambda: plots.plot_eigenvalues(around(EDGE), 8),
    "eigenvalues and a wave": lambda: plots.plot_eigenvalues(around(EDGE), 8, frequency=(-1, 2)),
    "eigenvalues of many pixels": lambda: plots.plot_eigenvalues(around(EDGE, 13), 13, frequency=(6, 0)),
    "products": lambda: plots.plot_conv_fft(IMAGES[:1], EDGE),
    "costs": lambda: plots.plot_conv_costs({n: conv_costs((1, 1, n, n), 32, padding=n // 2) for n in SIDES}, title="T"),
}


@pytest.fixture(scope="module")
def figures():
    return {kind: draw() for kind, draw in FIGURES.items()}


@pytest.mark.parametrize("kind", FIGURES)
class TestEveryFigure:
    def test_it_has_words_and_becomes_a_png(self, figures, kind):
        figure = figures[kind]
        assert isinstance(figure, Figure)
        assert len(figure.alt) > 20 and figure.alt.endswith(".")
        assert plots.to_png(figure).startswith(b"\x89PNG")

    def test_nothing_is_cut_off(self, figures, kind):
        assert cut_off(figures[kind]) < 0.01

    def test_nothing_is_covered(self, figures, kind):
        assert overlapping(figures[kind]) == []


def title_of(figure, place=0):
    return figure.axes[place].get_title(loc="left")


def shown(figure, place=0):
    return np.asarray(figure.axes[place].images[0].get_array())


class TestPlotConvMatrix:
    def test_it_shows_the_matrix_around_zero(self, figures):
        image = figures["matrix"].axes[0].images[0]
        assert np.array_equal(image.get_array(), conv_matrix(EDGE, 8, padding=1).toarray())
        assert image.get_cmap().name == "RdBu_r" and image.get_clim() == (-0.5, 0.5)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"padding": 1}, ": Toeplitz, not circulant"),
            ({"padding": 1, "padding_mode": "circular"}, ": circulant"),
            ({"padding": 1, "padding_mode": "reflect"}, ": neither Toeplitz nor circulant"),
            ({"padding": 1, "stride": 2}, ": Toeplitz in steps of 2, not circulant"),
        ],
    )
    def test_it_says_the_structure(self, options, words):
        stride = options.get("stride", 1)
        figure = plots.plot_conv_matrix(conv_matrix(EDGE, 8, **options), 8, 8 // stride, stride=stride)
        assert title_of(figure).endswith(words) and f"{words}." in figure.alt

    def test_one_block_without_structure_is_enough(self):
        good, bad = ConvStructure(True, True, None), ConvStructure(False, False, None)
        assert name_structure([good, good]) == "circulant"
        assert name_structure([good, bad]) == "neither Toeplitz nor circulant"
        assert (
            name_structure([ConvStructure(True, False, None)], (2, 3)) == "Toeplitz in steps of 2 and 3, not circulant"
        )

    def test_pictures_of_one_channel_have_one_size(self, figures):
        assert tuple(figures["matrix"].get_size_inches()) == tuple(figures["matrix with stride"].get_size_inches())

    def test_thick_lines_part_channels_and_thin_ones_rows(self, figures):
        lines = figures["matrix of channels"].axes[0].lines
        upright = {line.get_xdata()[0]: line.get_linewidth() for line in lines if len(set(line.get_xdata())) == 1}
        assert sorted(upright) == [6 * i - 0.5 for i in range(1, 18)]
        assert [place for place, width in sorted(upright.items()) if width > 1] == [35.5, 71.5]
        assert "2 x 3 blocks of channels" in figures["matrix of channels"].alt

    def test_blocks_are_named_by_the_row_of_their_channel(self, figures):
        labels = [label.get_text() for label in figures["matrix of channels"].axes[0].get_yticklabels()]
        assert labels == ["0", "1", "2", "3"] * 2


class TestPlotConvWindow:
    @pytest.mark.parametrize("padding_mode", ["zeros", "circular", "reflect"])
    @pytest.mark.parametrize("place", [(3, 4), (0, 7)])
    def test_its_parts_belong_together(self, padding_mode, place):
        figure = plots.plot_conv_window(IMAGES[3:4], EDGE, place, padding=1, padding_mode=padding_mode)
        row, matrix, outputs = (shown(figure, i) for i in (1, 2, 3))
        assert np.array_equal(row.ravel(), matrix[8 * place[0] + place[1]])
        assert np.isclose((row * IMAGES[3, 0]).sum(), outputs[place])
        mode = "constant" if padding_mode == "zeros" else padding_mode
        padded = F.pad(torch.tensor(IMAGES[3:4]), (1,) * 4, mode=mode)
        assert np.array_equal(shown(figure), padded[0, 0])
        assert np.allclose(outputs, F.conv2d(padded, torch.tensor(EDGE))[0, 0], rtol=0, atol=1e-14)
        assert f"{outputs[place] + 0:+.2f}" in title_of(figure, 3)

    def test_the_frame_lies_where_the_window_reads(self):
        figure = plots.plot_conv_window(IMAGES[3:4], BLUR, (1, 2), padding=1, stride=2, dilation=2)
        *_, frame = figure.axes[0].patches
        assert (frame.get_xy(), frame.get_width(), frame.get_height()) == ((2.5, 0.5), 5, 5)
        (mark,) = figure.axes[3].patches
        assert mark.get_xy() == (1.5, 0.5)

    def test_a_dashed_line_is_the_border_of_the_image(self, figures):
        assert len(figures["window"].axes[0].patches) == 2 and len(figures["window with stride"].axes[0].patches) == 1

    def test_there_is_no_minus_before_a_zero(self):
        figure = plots.plot_conv_window(np.ones((1, 1, 8, 8)), -1e-9 * BLUR, (0, 0))
        assert "+0.00" in title_of(figure, 3)


class TestWaves:
    def test_magnitudes_stand_at_their_frequencies(self, figures):
        ax = figures["eigenvalues"].axes[0]
        kernel, (rows, columns) = EDGE[0, 0], np.mgrid[-1:2, -1:2]
        numbers = {text.get_position(): text.get_text() for text in ax.texts}
        left, right, low, high = ax.images[0].get_extent()
        assert (left, right, low, high) == (-4.5, 3.5, 3.5, -4.5) and len(numbers) == 64
        for across, down in numbers:
            size = abs((kernel * np.exp(2j * np.pi * (down * rows + across * columns) / 8)).sum())
            assert np.isclose(shown(figures["eigenvalues"])[down + 4, across + 4], size, rtol=0, atol=1e-12)
            assert numbers[across, down] == ("0" if size < 1e-12 else f"{size:.2f}")

    def test_many_frequencies_are_not_written_out(self, figures):
        assert not figures["eigenvalues of many pixels"].axes[0].texts

    @pytest.mark.parametrize("frequency", [(-1, 2), (0, 0), (4, -4), (3, 1)])
    def test_a_wave_before_and_after(self, frequency):
        figure = plots.plot_eigenvalues(around(EDGE), 8, frequency=frequency)
        wave = make_wave(frequency, (8, 8))
        rows, columns = np.mgrid[:8, :8]
        assert np.allclose(wave, np.exp(2j * np.pi * (frequency[0] * rows + frequency[1] * columns) / 8))
        assert np.allclose(shown(figure, 1), wave.real)
        assert np.allclose(shown(figure, 2).ravel(), (around(EDGE) @ wave.ravel()).real)
        (frame,) = figure.axes[0].patches
        place = [(part + 4) % 8 - 4 - 0.5 for part in frequency]
        assert frame.get_xy() == (place[1], place[0])

    def test_what_is_said_of_a_wave(self):
        edge, blur = around(EDGE), around(BLUR)
        assert title_of(plots.plot_eigenvalues(edge, 8, frequency=(0, 2)), 2).endswith("× 2.00, phase +90°")
        assert title_of(plots.plot_eigenvalues(blur, 8, frequency=(0, 0)), 2).endswith("× 1.00, phase +0°")
        killed = plots.plot_eigenvalues(blur, 8, frequency=(4, 0))
        assert title_of(killed, 2).endswith("× 0.00") and killed.alt.endswith("is multiplied by 0.00.")
        assert "15 of them zero" in killed.alt

    def test_the_products_are_the_output(self, figures):
        image, factor, after = (shown(figures["products"], i) for i in (3, 4, 5))
        assert np.allclose(image * factor, after, rtol=0, atol=1e-12)
        assert np.allclose(shown(figures["products"], 2).ravel(), around(EDGE) @ IMAGES[0].ravel())
        assert np.isclose(image[4, 4], IMAGES[0].sum())


def test_costs_are_drawn_as_counted():
    costs = {side: conv_costs((2, 3, side, side), 32, padding=side // 2) for side in SIDES}
    products, numbers = plots.plot_conv_costs(costs).axes[:2]
    for line, other in zip(products.lines, numbers.lines, strict=True):
        counted = [costs[side][line.get_label()] for side in SIDES]
        assert line.get_xydata().tolist() == [[s, c.products] for s, c in zip(SIDES, counted, strict=True)]
        assert other.get_ydata().tolist() == [c.stored + c.copied for c in counted]
    assert len({line.get_marker() for line in products.lines}) == 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: plots.plot_conv_matrix(np.ones((7, 9)), 3, 2),
            "`matrix` must have shape (n_out * 4, n_in * 9), outputs by pixels, got (7, 9). Check",
        ),
        (lambda: plots.plot_conv_matrix(np.ones(9), 3, 3), "got (9,). Check"),
        (lambda: plots.plot_conv_window(IMAGES[:2], EDGE, (0, 0)), "`image` must be one image of one channel, got"),
        (lambda: plots.plot_conv_window(IMAGES[0, 0], EDGE, (0, 0)), "`image` must have shape (n_samples,"),
        (
            lambda: plots.plot_conv_fft(IMAGES[:1], TWO_BY_THREE),
            "`kernel` must be of one channel in and one out, got shape (2, 3, 3, 3). Pass",
        ),
        (
            lambda: plots.plot_conv_window(IMAGES[:1], EDGE, (0, 6)),
            "`place` must be a row below 6 and a column below 6, got (0, 6). Count",
        ),
        (lambda: plots.plot_conv_window(IMAGES[:1], EDGE, (-1, 0)), "got (-1, 0). Count"),
        (lambda: plots.plot_conv_window(IMAGES[:1], EDGE, (0,)), "got (0,). Count"),
        (
            lambda: plots.plot_eigenvalues(conv_matrix(EDGE, 8, padding=1), 8),
            "`matrix` must be circulant, got one that is not. Make it with `padding_mode='circular'`",
        ),
        (
            lambda: plots.plot_eigenvalues(around(EDGE), 8, frequency=(0, 5)),
            "`frequency` must be cycles down and across, at most 4 and 4 either way, got (0, 5). More",
        ),
        (lambda: plots.plot_eigenvalues(around(EDGE), 8, frequency=(1,)), "got (1,). More"),
        (
            lambda: plots.plot_conv_fft(IMAGES[:1], np.ones((1, 1, 2, 3))),
            "`kernel` must have odd sides, got 2 x 3. Fill",
        ),
        (lambda: plots.plot_conv_costs({}), "`costs` must hold at least one size of a kernel, got none. Count one"),
    ],
)
def test_errors_say_what_must_hold_what_came_and_what_to_do(call, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        call()
    assert THREE_PARTS.match(str(caught.value))
