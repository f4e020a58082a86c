"""Figures of scale: what is drawn is what was measured."""

import numpy as np
import pytest
from test_checks import THREE_PARTS
from test_throughput import MADE_UP

from equibook import plots
from equibook.plots.figures import to_png

TRACES = {
    "let go": np.array([[100, 5.0], [200, 6.0], [300, 6.0]]),
    "kept": np.array([[100, 6.0], [200, 12.0], [300, 18.0]]),
}


def test_lines_are_medians_by_workers():
    speed, memory = plots.plot_throughput(MADE_UP).axes
    one, two = (line.get_ydata().tolist() for line in memory.lines)
    assert (one, two) == ([2, 30], [4, 60])
    drawn = [container.lines[0].get_ydata().tolist() for container in speed.containers]
    assert drawn == [[50, 400], [50, 800]]
    ends = speed.containers[0].lines[2][0].get_segments()[1][:, 1]
    assert sorted(ends) == [200, 1000]
    assert [text.get_text() for text in speed.get_legend().get_texts()] == ["1", "2"]


def test_the_chosen_setting_is_ringed_and_said():
    figure = plots.plot_throughput(MADE_UP, batch_size=64, workers=2)
    assert [ax.lines[-1].get_ydata()[0] for ax in figure.axes] == [800, 60]
    said = "64 at once, 2 workers: 800 images a second, 60 MB above the start; a million images in 21 minutes."
    assert figure.alt == figure.get_suptitle() == said
    assert "50 images a second" in plots.plot_throughput(MADE_UP, workers=2).alt
    assert "the fastest of 4 settings" in MADE_UP.plot().alt and "64 at once, 2 workers" in MADE_UP.plot().alt


def test_all_choices_have_one_size():
    sizes = {to_png(plots.plot_throughput(MADE_UP, batch_size=b, workers=w))[16:24] for b in (1, 64) for w in (1, 2)}
    assert len(sizes) == 1


def test_memory_so_far():
    figure = plots.plot_memory(TRACES, done=200, expected={"features alone": 60_000})
    (ax,) = figure.axes
    by_name = {line.get_label(): line for line in ax.lines}
    assert by_name["kept"].get_ydata().tolist() == [6, 12] and by_name["let go"].get_ydata().tolist() == [5, 6]
    assert by_name["features alone"].get_ydata().tolist() == [0, 18]
    assert "200 of 300 images: let go 6 MB, kept 12 MB." in figure.alt
    assert ax.get_xlim() == plots.plot_memory(TRACES).axes[0].get_xlim()
    assert "nothing yet" in plots.plot_memory(TRACES, done=0).alt


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.plot_throughput(MADE_UP, batch_size=3), "`batch_size` must be one of 1, 64, got 3"),
        (lambda: plots.plot_throughput(MADE_UP, workers=3), "`workers` must be one of 1, 2, got 3"),
        (lambda: plots.plot_memory({}), "`traces` must hold at least one trace, got none"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert THREE_PARTS.match(str(caught.value))
