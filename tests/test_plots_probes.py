"""Figures of fitted equivariance: what is drawn is what was found, and nothing is cut off."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from equibook import plots, probes
from equibook.operations import Subsample, make_convolution, make_stack

THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)
IMAGES = torch.from_numpy(np.random.default_rng(0).random((60, 1, 17, 17)))
STACK = make_stack(2, Subsample(2), random_state=1)
FOUND = probes.fitted_equivariance(STACK, IMAGES[:40], IMAGES[40:], "rot90")
KERNEL = torch.from_numpy(np.random.default_rng(1).normal(size=(1, 1, 3, 3)))
BANK = torch.cat([KERNEL.rot90(k, (2, 3)) for k in range(4)])
LAYER = make_convolution(BANK)
COPIES = probes.fitted_equivariance({"a": LAYER}, IMAGES[:40], IMAGES[40:], "rot90")
COUNT = probes.invariance_count(STACK, IMAGES, "rot90")
NET = nn.Sequential(LAYER, nn.AdaptiveAvgPool2d(1), nn.Flatten())
STITCHED = probes.stitching(NET, IMAGES[:40], IMAGES[40:], np.arange(20) % 4, "rot90", [0])


@pytest.fixture(scope="module")
def figures():
    return {
        "fitted": plots.plot_fitted(FOUND),
        "errors": plots.plot_fitted_errors({"random": FOUND, "again": FOUND}),
        "maps": plots.plot_fitted_maps(STACK[0], FOUND.maps["0"], IMAGES[:1], stage="0", n_channels=3),
        "one map": plots.plot_fitted_maps(STACK[0], FOUND.maps["0"], IMAGES[:1].numpy(), n_channels=1),
        "partners": plots.plot_filter_partners(BANK, COPIES.maps["a"], 1, n_partners=3),
        "count": plots.plot_invariance_count(COUNT),
        "stitching": plots.plot_stitching([STITCHED, STITCHED]),
    }


@pytest.mark.parametrize("kind", ["fitted", "errors", "maps", "one map", "partners", "count", "stitching"])
def test_every_figure_has_words_and_nothing_is_cut_off(figures, kind):
    figure = figures[kind]
    assert len(figure.alt) > 40 and figure.alt.endswith(".")
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert max(-box.x0, -box.y0, box.x1 - width, box.y1 - height) < 0.01


def test_results_plot_themselves():
    for one in (FOUND, COUNT, STITCHED):
        assert isinstance(one.plot(), plots.Picture)


def test_the_curves_are_the_errors(figures):
    lines = {line.get_label(): line.get_ydata() for line in figures["fitted"].axes[0].lines}
    assert np.array_equal(lines["as it is"], FOUND.identity) and np.array_equal(lines["places moved"], FOUND.spatial)
    assert np.array_equal(lines["fitted map"], FOUND.fitted) and np.array_equal(lines["shuffled pairs"], FOUND.shuffled)
    assert list(lines["the mean: 1"]) == [1, 1]
    several = figures["errors"].axes[0].lines
    assert all(np.array_equal(line.get_ydata(), FOUND.fitted) for line in several[:2])
    tiny = plots.plot_fitted(COPIES).axes[0].lines[2]
    assert COPIES.fitted[0] < 1e-6 and tiny.get_ydata()[0] == 1e-6


def test_the_maps_are_those_of_the_stage(figures):
    drawn = [ax.images[0].get_array() for ax in figures["maps"].axes if ax.images]
    with torch.no_grad():
        before, after = STACK[0](IMAGES[:1])[0], STACK[0](IMAGES[:1].rot90(1, (2, 3)))[0]
    assert np.array_equal(drawn[0], IMAGES[0, 0]) and np.array_equal(drawn[5], IMAGES[0, 0].rot90())
    channel = int(after.flatten(1).std(dim=1).argmax())
    assert figures["maps"].axes[1].texts[0].get_text() == str(channel)
    assert np.array_equal(drawn[1], before[channel]) and np.array_equal(drawn[2], before[channel].rot90())
    assert np.array_equal(drawn[4], after[channel]) and np.array_equal(
        drawn[3], FOUND.maps["0"](before[None])[0, channel]
    )


def test_the_one_partner_of_an_exact_layer(figures):
    figure = figures["partners"]
    wanted, whole, largest = (ax.images[0].get_array() for ax in figure.axes[:3])
    assert (
        np.allclose(wanted, BANK[1, 0])
        and np.allclose(whole, wanted, atol=1e-5)
        and np.allclose(largest, wanted, atol=1e-5)
    )
    assert figure.axes[2].get_title(loc="center").startswith("part of filter 0") and "likeness 1.00" in figure.alt
    blind = plots.plot_filter_partners(BANK, COPIES.maps["a"], 1, seen=np.eye(9)[4:5], n_partners=3)
    assert np.count_nonzero(blind.axes[0].images[0].get_array()) == 1


def test_bars_and_lines_are_the_counts_and_accuracies(figures):
    heights = [bar.get_height() for bar in figures["count"].axes[0].patches]
    counts = [COUNT.count(stage) for stage in COUNT.still]
    assert heights == [count[0] for count in counts] + [count[1] for count in counts]
    lines = {line.get_label(): line.get_ydata() for line in figures["stitching"].axes[1].lines}
    assert lines["fitted map back"][0] == 100 * STITCHED.fitted[0]
    assert lines["places moved back"][0] == 100 * STITCHED.spatial[0]
    assert lines["upright"][0] == 100 * STITCHED.upright and lines["untouched"][0] == 100 * STITCHED.untouched


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.plot_fitted_errors({}), "`found` must hold 1 to 7 results, got 0"),
        (
            lambda: plots.plot_fitted_errors({"a": FOUND, "b": COPIES}),
            "`found` must have the stages 0, 1, got a for 'b'",
        ),
        (lambda: plots.plot_filter_partners(BANK, COPIES.maps["a"], 4), "`channel` must be from 0 to 3, got 4"),
        (lambda: plots.plot_filter_partners(BANK[:2], COPIES.maps["a"], 0), "`fitted` must be of these filters"),
        (lambda: plots.plot_stitching([]), "`found` must hold 1 to 3 results, got 0"),
    ],
)
def test_what_cannot_be_shown(call, message):
    with pytest.raises(ValueError, match=message) as raised:
        call()
    assert THREE_PARTS.match(str(raised.value))


def test_figures_say_whose_features_they_show_named_network():
    plain, named = plots.plot_stitching(STITCHED), plots.plot_stitching(STITCHED, of="AlexNet (digits)")
    assert named.alt == f"AlexNet (digits). {plain.alt}" and named.get_suptitle() == "AlexNet (digits)"
    assert plain.get_suptitle() == ""
