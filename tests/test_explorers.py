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
from ipywidgets import HTML, SelectionSlider, Stack, ToggleButtons
from matplotlib.figure import Figure
from PIL import Image as PillowImage

from equibook.explorers import Choice, Explorer, Slider

WIDGET = "application/vnd.jupyter.widget-view+json"


def grey(angle, digit=0):
    """An array that tells which values it was drawn for."""
    return np.full((8, 8), (angle + int(digit)) / 200)


def pixel(png):
    return PillowImage.open(io.BytesIO(png)).getpixel((0, 0))


def explorer(**more):
    return Explorer(grey, angle=Slider([0, 45, 90], unit="°"), **more)


def shown(widget):
    """Follow the stacks down to the picture that is shown."""
    while isinstance(widget, Stack):
        widget = widget.children[widget.selected_index]
    return widget


def png_of(source):
    return base64.b64decode(Page(source).all("img")[0]["src"].partition(",")[2])


class Page(HTMLParser):
    """Gather the tags of a page with their attributes, and the text of its scripts."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.scripts, self._in_script = [], [], False
        self.feed(source)

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
    stack = figure.widget.children[-1]
    assert "<img" in stack.children[0].value
    assert "ZeroDivisionError: division by zero" in stack.children[1].value
    assert "&lt;i&gt;" in stack.children[2].value
    assert "<i>" not in stack.children[2].value + figure.to_html()
    assert "ZeroDivisionError" in figure.to_html()
    assert "image/png" in figure._repr_mimebundle_()
    assert "image/png" not in figure.set(n=0)._repr_mimebundle_()


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


# --- the live form ---


def test_the_picture_follows_the_controls():
    figure = explorer(digit=Choice([0, 30]))
    stack = figure.widget.children[-1]
    for angle in (0, 45, 90):
        for digit in (0, 30):
            figure.set(angle=angle, digit=digit)
            assert pixel(png_of(shown(stack).value)) == round((angle + digit) / 200 * 255)


def linked(figure):
    """Return, for each stack, the chooser that moves it in the browser."""
    from ipywidgets.widgets.widget import _instances
    from ipywidgets.widgets.widget_link import DirectionalLink

    links = [widget for widget in _instances.values() if isinstance(widget, DirectionalLink)]
    return {
        link.target[0]: link.source[0]
        for link in links
        if any(link.target[0] in stacks for stacks in figure._stacks.values())
        and (link.source[1], link.target[1]) == ("index", "selected_index")
    }


def test_every_stack_is_linked_in_the_browser_to_its_own_control():
    figure = Explorer(
        lambda a, b, c: np.full((2, 2), (a + b + c) / 3), a=Slider([0, 1]), b=Choice([0, 1]), c=Slider([0, 0.5, 1])
    )
    a, b, c = (figure._choosers[name] for name in "abc")
    links = linked(figure)
    outer = figure.widget.children[-1]
    assert links[outer] is a
    assert [links[stack] for stack in outer.children] == [b, b]
    assert [links[stack] for inner in outer.children for stack in inner.children] == [c] * 4
    assert len(links) == 7
    assert isinstance(outer.children[0].children[0].children[2], HTML)


def test_nothing_of_the_live_form_asks_the_kernel():
    """A callback in Python would answer late, and would throw back a slider that has moved on meanwhile."""
    figure = explorer(digit=Choice([0, 30]))
    stack = figure.widget.children[-1]
    figure._choosers["angle"].index = 2  # as the browser does, which moves the stack by itself
    assert stack.selected_index == 0


def test_the_live_controls_have_labels_units_and_buttons():
    figure = explorer(digit=Choice([3, 8], label="which <digit>"))
    slider, choice = figure.widget.children[:2]
    assert isinstance(slider.children[2], SelectionSlider)
    assert list(slider.children[2]._options_labels) == ["0°", "45°", "90°"]
    assert slider.children[0].value == "<b>angle</b>"
    assert "angle: one step back" in slider.children[1].value
    assert "angle: one step on" in slider.children[3].value
    assert isinstance(choice.children[1], ToggleButtons)
    assert choice.children[0].value == "<b>which &lt;digit&gt;</b>"
    assert isinstance(choice.children[0], HTML)


def test_live_pictures_keep_their_place_and_their_words():
    (picture,) = Page(explorer().widget.children[-1].children[1].value).all("img")
    assert (picture["width"], picture["height"], picture["alt"]) == ("256", "256", "angle 45°")


# --- the display bundle ---


def test_the_bundle_holds_all_forms():
    figure = explorer().set(angle=45)
    bundle = figure._repr_mimebundle_()
    assert bundle[WIDGET]["model_id"] == figure.widget.model_id
    assert bundle["text/plain"] == "Explorer(angle: 0° … 90°; 3 pictures)"
    assert pixel(base64.b64decode(bundle["image/png"])) == round(45 / 200 * 255)
    assert bundle["text/html"].startswith("<div id=")
    json.dumps(bundle)


def test_the_page_holds_every_picture_once_and_shows_the_chosen_one():
    figure = explorer(digit=Choice([0, 30])).set(angle=45, digit=30)
    page = Page(figure.to_html())
    pictures = page.all("img")
    assert [base64.b64decode(p["src"].partition(",")[2]) for p in pictures] == [frame.png for frame in figure.frames]
    assert [p["alt"] for p in pictures] == [frame.alt for frame in figure.frames]
    styles = [a["style"] for _, a in page.tags if "data-frame" in a]
    assert styles == [f"display: {'block' if i == 3 else 'none'}" for i in range(6)]


def test_the_page_needs_no_other_file():
    source = re.sub(r"data:image/png;base64,[\w+/=]+", "", explorer().to_html())
    assert not re.search(r"https?:|//[a-z]|<link|@import|src=\"[^\"]", source)


def test_the_page_has_labelled_controls():
    page = Page(explorer(digit=Choice([3, 8], unit="px")).set(angle=90, digit=8).to_html())
    (slider,) = page.all("input", type="range")
    assert (slider["min"], slider["max"], slider["value"], slider["aria-valuetext"]) == ("0", "2", "2", "90°")
    assert page.all("label", **{"for": slider["id"]})
    assert [button["data-step"] for button in page.all("button")] == ["-1", "1"]
    radios = page.all("input", type="radio")
    assert [("checked" in radio, radio["value"]) for radio in radios] == [(False, "0"), (True, "1")]
    texts = [json.loads(a["data-texts"]) for _, a in page.tags if "data-texts" in a]
    assert texts == [["0°", "45°", "90°"], ["3 px", "8 px"]]


def test_every_page_has_names_of_its_own():
    figure = explorer(digit=Choice([3, 8]))
    first, second = Page(figure.to_html()), Page(figure.to_html())
    ids = [{a[key] for _, a in page.tags for key in ("id", "name") if key in a} for page in (first, second)]
    assert len(ids[0]) == 3
    assert not ids[0] & ids[1]
    assert first.tags[0][1]["id"] in first.scripts[0]


# --- bad input ---


def of_size(n):
    return Figure(figsize=(n, 1))


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Explorer(grey), r"`controls` must be one to 3, got 0\. Name them as `draw` does"),
        (lambda: Explorer(grey, **{n: Slider([0, 1]) for n in "abcd"}), r"`controls` must be one to 3, got 4\. Name"),
        (lambda: Explorer(grey, angle=[0, 1]), r"`angle` must be a Slider or a Choice, got list\. Write `Slider"),
        (lambda: Slider([]), r"`values` must hold at least two different values, got \[\]\. Pass what"),
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
