"""Figures of AlexNet: what is drawn is what was given, the weights are named, and nothing is cut off or covered."""

import re
from itertools import combinations

import numpy as np
import pytest

from equibook import alexnet, datasets, plots

THREE_PARTS = re.compile(r"^`\w+`.* must .+, got .+\. [A-Z].+\.$", re.DOTALL)
RNG = np.random.default_rng(0)
X = datasets.load_digits(size=63)[0][:8]
COLOURED, GREY = RNG.normal(size=(20, 3, 11, 11)), RNG.normal(size=(20, 1, 11, 11))
MAP = RNG.normal(size=(15, 15))
BOXES = [(i, i + 10, 0, 10) for i in range(8)]
TABLE = alexnet.describe(alexnet.load("digits"), 63)


@pytest.fixture(scope="module")
def figures():
    return {
        "stages": TABLE.plot(),
        "kernels": plots.plot_kernels(GREY, weights="digits", n_columns=8),
        "kernels, coloured": plots.plot_kernels(COLOURED, weights="imagenet"),
        "unit maps": plots.plot_unit_maps(X[0], MAP, BOXES[2], name="conv1", unit=5, weights="digits"),
        "strongest": plots.plot_strongest(X, BOXES, range(8, 0, -1), name="conv5", unit=7, weights="digits"),
        "copy": plots.plot_copy(
            GREY[0], GREY[1], GREY[2], titles=["filter 3", "turned by 90°", "filter 9"], note="alike", weights="digits"
        ),
    }


KINDS = ("stages", "kernels", "kernels, coloured", "unit maps", "strongest", "copy")


def overlapping(figure):
    """Return the pairs of axes, with all their labels, that cover more than a few pixels of each other."""
    boxes = {i: ax.get_tightbbox() for i, ax in enumerate(figure.axes) if ax.axison}

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


@pytest.mark.parametrize("kind", KINDS[1:])
def test_the_weights_are_named_in_picture_and_words(figures, kind):
    figure, name = figures[kind], "ImageNet's weights" if kind == "kernels, coloured" else "the “digits” weights"
    written = [text.get_text() for text in figure.texts] + [figure.get_suptitle()]
    assert any(name in text for text in written) and name in figure.alt


def test_bars_are_those_of_the_table(figures):
    weights, arithmetic, fields = figures["stages"].axes
    with_weights = [stage for stage in TABLE.stages if stage.n_weights]
    assert [label.get_text() for label in weights.get_yticklabels()] == [stage.name for stage in with_weights]
    assert np.allclose([bar.get_width() for bar in weights.patches], [s.n_weights / 1e6 for s in with_weights])
    assert np.allclose([bar.get_width() for bar in arithmetic.patches], [s.multiply_adds / 1e6 for s in with_weights])
    widths = [bar.get_width() for bar in fields.patches]
    assert widths == [s.unclipped for s in with_weights] + [s.receptive_field for s in with_weights]
    assert "96% of the weights" in figures["stages"].alt


def test_kernels_are_drawn_on_one_scale_or_in_colours(figures):
    grey = [ax.images[0] for ax in figures["kernels"].axes[:20]]
    assert all(np.array_equal(drawn.get_array(), kernel[0]) for drawn, kernel in zip(grey, GREY, strict=True))
    assert len({drawn.get_clim() for drawn in grey}) == 1 and grey[0].get_clim()[0] == -np.abs(GREY).max()
    coloured = figures["kernels, coloured"].axes[4].images[0].get_array()
    expected = 0.5 + 0.5 * COLOURED[4] / np.abs(COLOURED[4]).max()
    assert np.allclose(coloured, np.moveaxis(expected, 0, -1)) and coloured.min() >= 0 and coloured.max() <= 1


def test_the_maps_before_and_after_the_relu(figures):
    seen, before, after = figures["unit maps"].axes[:3]
    assert np.array_equal(seen.images[0].get_array(), X[0, 0])
    assert np.array_equal(before.images[0].get_array(), MAP) and sum(before.images[0].get_clim()) == 0
    assert np.array_equal(after.images[0].get_array(), np.maximum(MAP, 0))
    dot = before.lines[0].get_xydata()[0]
    assert MAP[int(dot[1]), int(dot[0])] == MAP.max()
    assert f"{np.mean(MAP > 0):.0%} left" in after.get_title(loc="left")


def test_frames_lie_about_the_pixels_that_are_seen(figures):
    (frame,) = figures["unit maps"].axes[0].patches
    assert frame.get_bbox().extents.tolist() == [-0.5, 1.5, 10.5, 12.5]
    (row,) = figures["strongest"].axes
    assert [(frame.get_x(), frame.get_y()) for frame in row.patches] == [(66 * i - 0.5, i - 0.5) for i in range(8)]
    assert [text.get_text() for text in row.texts] == [f"{value:.2f}" for value in range(8, 0, -1)]
    shown = row.images[0].get_array()
    assert all(np.array_equal(shown[:, 66 * i : 66 * i + 63], image[0]) for i, image in enumerate(X))


def test_a_copy_is_drawn_in_the_order_of_its_titles(figures):
    axes = figures["copy"].axes
    assert [ax.get_title(loc="left") for ax in axes] == ["filter 3", "turned by 90°", "filter 9"]
    for ax, kernel in zip(axes, (GREY[0], GREY[2], GREY[1]), strict=True):
        assert np.array_equal(ax.images[0].get_array(), kernel[0]) and sum(ax.images[0].get_clim()) == 0


def test_a_map_that_is_nowhere_above_zero():
    figure = plots.plot_unit_maps(X[0], -np.ones((3, 3)), BOXES[0], name="conv5", unit=1, weights="random")
    figure.draw_without_rendering()
    assert "0% of them above 0" in figure.alt


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.plot_kernels(np.ones((2, 5, 3, 3)), weights="digits"), "`kernels` must have 1 or 3 channels"),
        (
            lambda: plots.plot_strongest(X, BOXES[:3], [1.0], name="conv1", unit=0, weights="digits"),
            "`boxes` and `values` must be one for each of 8 images, got 3 and 1",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        call()
    assert THREE_PARTS.match(str(caught.value))
