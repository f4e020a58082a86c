"""Explorers: every choice has its picture, in the live form and in the HTML form; errors are said in three parts."""

import base64
import io
import json
import re
import subprocess
import sys
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image as PillowImage

from equibook.explorers import Choice, Explorer, Slider, Toggle

WIDGET = "application/vnd.jupyter.widget-view+json"


def grey(angle, digit=0):
    """An array that tells which values it was drawn for."""
    return np.full((8, 8), (angle + int(digit)) / 200)


def pixel(png):
    return PillowImage.open(io.BytesIO(png)).getpixel((0, 0))


def explorer(**more):
    return Explorer(grey, angle=Slider([0, 45, 90], unit="°"), **more)


def png_of(source):
    return base64.b64decode(source.partition(",")[2])


class Page(HTMLParser):
    """Gather the tags of a page with their attributes, the text of its scripts, and the state that they start from."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.scripts, self._in_script = [], [], False
        self.feed(source)
        self.state = json.loads(self.scripts[0])

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_data(self, data):
        if self._in_script:
            self.scripts.append(data)

    def handle_endtag(self, tag):
        self._in_script = False

    def all(self, tag, **wanted):
        return [a for name, a in self.tags if name == tag and wanted.items() <= a.items()]


# --- frames ---


def test_every_choice_has_its_picture():
    figure = explorer(digit=Choice([0, 30]))
    assert [pixel(frame.png) for frame in figure.frames] == [0, 38, 57, 96, 115, 153]
    assert [frame.alt for frame in figure.frames[:3]] == [
        "angle 0°, digit 0",
        "angle 0°, digit 30",
        "angle 45°, digit 0",
    ]
    assert {frame.size for frame in figure.frames} == {(256, 256)}


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[0, 255]], dtype=np.uint8), (0, 255)),
        (np.array([[-0.1, 1.2]], dtype=np.float32), (0, 255)),
        (np.array([[[0, 0.5, 1], [1, 1, 1]]]), ((0, 128, 255), (255, 255, 255))),
    ],
)
def test_arrays_become_pictures(array, expected):
    picture = PillowImage.open(io.BytesIO(Explorer(lambda i: array, i=Slider([0, 1])).frames[0].png))
    assert picture.size == (256, 128)
    assert (picture.getpixel((127, 127)), picture.getpixel((128, 0))) == expected


def test_large_arrays_are_not_enlarged():
    assert explorer_of(np.zeros((200, 300))).frames[0].size == (300, 200)


def explorer_of(drawn):
    return Explorer(lambda i: drawn, i=Slider([0, 1]))


def test_figures_become_pictures_with_their_alternative_text():
    def draw(n):
        figure = Figure(figsize=(2, 1))
        figure.alt = f"nothing, {n} times"
        return figure

    frames = Explorer(draw, n=Slider([1, 2], label="how often")).frames
    assert [frame.alt for frame in frames] == ["how often 1. nothing, 1 times", "how often 2. nothing, 2 times"]
    assert {frame.size for frame in frames} == {(200, 100)}


def test_figures_of_pyplot_are_closed_also_after_an_error():
    import matplotlib.pyplot as plt

    def draw(n):
        figure, ax = plt.subplots(figsize=(1, 1))
        ax.plot([1 / n])
        return figure

    kept = plt.figure()
    with pytest.warns(RuntimeWarning):
        Explorer(draw, n=Slider([0, 1, 2]))
    assert plt.get_fignums() == [kept.number]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_picture_that_fails_shows_its_message_and_the_rest_lives():
    figure = Explorer(lambda n: np.full((4, 4), 1 / int(n)), n=Slider([2, 0, "<i>"], unit="px"))
    assert [pixel(frame.png) if frame.png else None for frame in figure.frames] == [128, None, None]
    assert figure.failures[0] == "n 0 px: ZeroDivisionError: division by zero"
    assert len(figure.failures) == 2
    sent = figure.widget.frames
    assert "source" in sent[0]
    assert sent[1] == {"error": "n 0 px: ZeroDivisionError: division by zero", "width": 256, "height": 256}
    assert "'<i>'" in sent[2]["error"]
    assert "<i>" not in figure.to_html()
    assert Page(figure.to_html()).state["frames"][1] == sent[1]
    assert "image/png" in figure._repr_mimebundle_()[0]
    assert "image/png" not in figure.set(n=0)._repr_mimebundle_()[0]


def test_a_picture_that_fails_is_warned_of():
    said = r"1 of 2 pictures could not be drawn, first n 0: ZeroDivisionError: division by zero"
    with pytest.warns(RuntimeWarning, match=said):
        Explorer(lambda n: np.full((4, 4), 1 / n), n=Slider([2, 0]))


# --- choosing from Python ---


def test_values_are_read_and_set():
    figure = explorer(digit=Choice(["3", "8"]))
    assert figure.values == {"angle": 0, "digit": "3"}
    assert figure.set(angle=90, digit="8") is figure
    assert figure.values == {"angle": 90, "digit": "8"}
    figure.set(digit="3")
    assert figure.values == {"angle": 90, "digit": "3"}


def test_numpy_values_are_plain_ones():
    figure = Explorer(grey, angle=Slider(np.arange(0, 60, 15)), digit=Choice(np.array([3.5, 8.0])))
    assert figure.set(angle=45, digit=np.float64(8.0)).values == {"angle": 45, "digit": 8.0}
    assert figure.controls["digit"].texts == ["3.5", "8"]
    assert {type(value) for value in figure.values.values()} == {int, float}


def test_a_failed_choice_changes_nothing():
    figure = explorer(digit=Choice([3, 8]))
    with pytest.raises(ValueError, match="`digit` must be one of 3, 8, got 4"):
        figure.set(angle=90, digit=4)
    assert figure.values == {"angle": 0, "digit": 3}


def test_a_toggle_is_false_and_then_true():
    figure = Explorer(lambda bright: np.full((2, 2), 0.25 + 0.5 * bright), bright=Toggle())
    assert figure.values == {"bright": False}
    assert figure.set(bright=True).values["bright"] is True
    assert [frame.alt for frame in figure.frames] == ["bright off", "bright on"]
    assert [pixel(frame.png) for frame in figure.frames] == [64, 191]


# --- the live form ---


def test_the_browser_gets_every_picture_and_every_control_once():
    def draw(angle, digit, dark):
        return grey(angle, digit) / (1 + dark)

    switch, choice = Toggle(("day", "night")), Choice([0, 30], label="which <digit>")
    figure = Explorer(draw, angle=Slider([0, 45, 90], unit="°"), digit=choice, dark=switch)
    sent = figure.widget.get_state()
    assert [(c["kind"], c["label"], c["texts"]) for c in sent["controls"]] == [
        ("slider", "angle", ["0°", "45°", "90°"]),
        ("choice", "which <digit>", ["0", "30"]),
        ("toggle", "dark", ["day", "night"]),
    ]
    assert [png_of(frame["source"]) for frame in sent["frames"]] == [frame.png for frame in figure.frames]
    assert [(f["alt"], f["width"], f["height"]) for f in sent["frames"]] == [(f.alt, *f.size) for f in figure.frames]


def test_python_and_the_browser_share_what_is_chosen():
    figure = explorer(digit=Choice([0, 30]))
    assert figure.set(angle=90).widget.chosen == [2, 0]
    figure.widget.set_state({"chosen": [1, 1]})  # as the browser does
    assert figure.values == {"angle": 45, "digit": 30}
    assert Page(figure.to_html()).state["chosen"] == [1, 1]


def test_a_move_in_the_browser_sends_nothing_back(monkeypatch):
    """A callback in Python would answer late, and would throw back a slider that has moved on meanwhile."""
    figure, sent = explorer(), []
    monkeypatch.setattr(figure.widget, "_send", lambda *args, **kwargs: sent.append(args))
    figure.widget.set_state({"chosen": [1]})
    assert [message["state"] for message, *_ in sent if message["method"] == "update"] == []


# --- the display bundle ---


def test_the_bundle_holds_all_forms():
    figure = explorer().set(angle=45)
    bundle, metadata = figure._repr_mimebundle_()
    assert bundle[WIDGET]["model_id"] == figure.widget.model_id
    assert bundle["text/plain"] == "Explorer(angle: 0° … 90°; 3 pictures)"
    assert pixel(base64.b64decode(bundle["image/png"])) == round(45 / 200 * 255)
    assert bundle["text/html"].startswith("<div id=")
    assert metadata == {}
    json.dumps(bundle)


def test_what_colab_needs_is_handed_on(monkeypatch):
    """There anywidget names the widget manager in the metadata of what is shown."""
    figure, manager = explorer(), {WIDGET: {"colab": {"custom_widget_manager": {"url": "an address"}}}}
    monkeypatch.setattr(type(figure.widget), "_repr_mimebundle_", lambda self: ({WIDGET: {}}, manager))
    assert figure._repr_mimebundle_()[1] == manager


def test_the_page_holds_every_picture_once_and_shows_the_chosen_one():
    figure = explorer(digit=Choice([0, 30])).set(angle=45, digit=30)
    page = Page(figure.to_html())
    (shown,) = page.all("img")
    assert (shown["alt"], png_of(shown["src"])) == ("angle 45°, digit 30", figure.frames[3].png)
    sources = [frame["source"] for frame in page.state["frames"]]
    assert [png_of(source) for source in sources] == [f.png if i != 3 else b"" for i, f in enumerate(figure.frames)]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_page_may_start_at_a_picture_that_failed():
    figure = Explorer(lambda n: np.full((4, 4), 1 / n), n=Slider([0, 1]))
    page = Page(figure.to_html())
    assert not page.all("img")
    assert png_of(page.state["frames"][1]["source"]) == figure.frames[1].png


def test_the_page_needs_no_other_file():
    source = re.sub(r"data:image/png;base64,[\w+/=]+", "", explorer().to_html())
    assert not re.search(r"https?:|//[a-z]|<link|@import|src=\"[^\"]", source)


def test_the_page_runs_the_script_of_the_live_form():
    figure = explorer()
    assert figure.widget._esm.rstrip().removesuffix("export default widget;") in figure.to_html()


# --- bad input ---


def of_size(n):
    return Figure(figsize=(n, 1))


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Explorer(grey), r"`controls` must be one to 3, got 0\. Name them as `draw` does"),
        (lambda: Explorer(grey, **{n: Slider([0, 1]) for n in "abcd"}), r"`controls` must be one to 3, got 4\. Name"),
        (
            lambda: Explorer(grey, angle=[0, 1]),
            r"`angle` must be a Slider, a Choice or a Toggle, got list\. Write `Slider",
        ),
        (lambda: Slider([]), r"`values` must hold at least two different values, got \[\]\. Pass what"),
        (lambda: Toggle("on"), r"`texts` must be two, got 'on'\. Write"),
        (lambda: Choice(["a", "a"]), r"`values` must hold at least two different values, got \['a', 'a'\]\. Pass"),
        (
            lambda: Explorer(grey, turn=Slider([0, 1])),
            r"`draw` must take each control by its name, got a function with missing a required argument: 'angle'\. "
            r"Write `def draw\(turn\)`",
        ),
        (
            lambda: Explorer(grey, angle=Slider(range(151)), digit=Choice([0, 1])),
            r"`controls` must ask for at most 300 pictures from arrays, got 302\. Offer fewer",
        ),
        (
            lambda: Explorer(lambda n: of_size(1), n=Slider(range(61))),
            r"`controls` must ask for at most 60 pictures from matplotlib, got 61\. Offer fewer",
        ),
        (
            lambda: Explorer(of_size, n=Slider([1, 2], unit="in")),
            r"`draw` must return 100 x 100 pixels for all values, as for the first, got 200 x 100 \(n 2 in\)\. Fix",
        ),
        (
            lambda: explorer_of(np.zeros((1, 8, 8))),
            r"`draw` must return a matplotlib Figure, or an array .*, got float64 of shape \(1, 8, 8\)\. Of a batch",
        ),
        (lambda: explorer_of(np.zeros((8, 8), dtype=int)), r"`draw` must return .*, got int64 of shape \(8, 8\)\. Of"),
        (lambda: explorer_of(None), r"`draw` must return .*, got object of shape \(\)\. Of a batch"),
        (
            lambda: Explorer(lambda n: 1 / 0, n=Slider([1, 2])),
            r"`draw` must draw a picture, got an error for all values, first n 1: ZeroDivisionError: division by "
            r"zero\. Call `draw` by itself",
        ),
        (lambda: explorer().set(turn=1), r"`control` must be one of 'angle', got 'turn'\. Choose"),
        (lambda: explorer().set(angle=44), r"`angle` must be one of 0, 45, 90, got 44\. Choose"),
    ],
)
def test_errors_say_what_must_hold_what_came_and_what_to_do(declare, message):
    with pytest.raises((TypeError, ValueError), match=message):
        declare()


def test_three_hundred_arrays_are_drawn_quietly():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(Explorer(grey, angle=Slider(range(150)), digit=Choice([0, 1])).frames) == 300


def test_drawing_needs_no_pyplot():
    code = (
        "import sys, numpy as np; from equibook.explorers import Explorer, Slider;"
        "Explorer(lambda n: np.zeros((2, 2)), n=Slider([0, 1])); assert 'matplotlib.pyplot' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
