"""Explorers in JupyterLab and Notebook 7: what keys, clicks and cells do, in the page and in Python."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from driver import PLACES, wait_until
from explorer_page import FIELD, find_in_notebook
from quiz_page import answer_all
from small_notebook import NAMES, write_notebook

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CHAPTERS = ["00_start_here.ipynb", "09_glass_box.ipynb"]
if os.environ.get("EQUIBOOK_EVERY_CHAPTER"):  # minutes more
    CHAPTERS = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
LIST = "[name for name, value in globals().items() if name[0] != '_' and isinstance(value, Explorer)]"
NOT_OURS = {
    "JupyterLab": [],
    "Notebook 7": [
        "error: Cannot read properties of undefined (reading 'schema')",  # with any notebook
        "error: Command 'filebrowser:open-path' not registered.",  # where JupyterLab's server serves it, as here
    ],
}
SHORTCUTS = "a b c d d v x z m y r j k l s Enter Delete Shift+m Shift+l ArrowUp ArrowDown Control+Shift+ArrowUp".split()


@pytest.fixture(scope="module", params=PLACES)
def small(request, jupyter, run_notebook):
    """The notebook with explorers of every kind."""
    write_notebook(jupyter.folder / "small.ipynb")
    notebook, log = run_notebook("small.ipynb", request.param)
    yield notebook
    assert [fault for fault in log.faults if fault not in NOT_OURS[request.param]] == []
    notebook.page.context.close()


@pytest.fixture(scope="module", params=CHAPTERS)
def chapter(request, jupyter, run_notebook):
    """A chapter of the book, as a reader runs it."""
    shutil.copy(NOTEBOOKS / request.param, jupyter.folder)
    notebook, log = run_notebook(request.param)
    yield notebook
    assert log.faults == []
    notebook.page.context.close()


@pytest.fixture
def explorer(small):
    """Return a function that gives the explorer with a name."""
    return lambda name, **more: find_in_notebook(small, name, NAMES.index(name), **more)


def follow(notebook, explorer, name, *, patience=60):
    """Wait until Python has the values that are chosen in the page."""
    values = notebook.read(f"[control.values for control in {name}.controls.values()]")
    chosen = [of_control[place] for of_control, place in zip(values, explorer.chosen, strict=True)]
    read = f"list({name}.values.values())"
    wait_until(lambda: notebook.read(read) == chosen, f"{name} is {chosen} in Python", patience=patience)


def walk_and_follow(notebook, explorer, name, i, **more):
    """Move a control through its range, and see that the page follows, and Python."""
    for _ in explorer.walk(i):
        follow(notebook, explorer, name, **more)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "mute"])
def test_every_control_moves_its_picture_and_python(small, explorer, name):
    shown = explorer(name)
    for i in range(len(shown.controls)):
        walk_and_follow(small, shown, name, i)


def test_a_control_that_python_does_not_hear_is_found(small, explorer):
    with pytest.raises(TimeoutError, match="in Python"):
        walk_and_follow(small, explorer("mute"), "mute", 0, patience=2)


def test_a_cell_moves_the_page(small, explorer):
    slider, place = explorer("slider"), small.state()["activeCellIndex"]
    assert small.run_cell("slider.set(angle=20)\nprint(slider.values)") == "{'angle': 20}"
    slider.chosen = [2]
    slider.check()
    before = slider.seen()
    assert small.run_cell("slider.set(angle=50)\nprint(slider.values)") == "{'angle': 50}"
    slider.chosen = [5]
    slider.check()
    assert not np.array_equal(before, slider.seen())
    assert small.state()["activeCellIndex"] == place + 2


def test_the_buttons_step_and_stop_at_the_ends(small, explorer):
    small.run("slider.set(angle=40)")
    slider = explorer("slider")
    slider.chosen = [4]
    slider.check()
    for words, act, place in [
        ("one step on", "click", 5),
        ("one step on", "Enter", 5),
        ("one step back", "Space", 4),
        ("one step back", "Enter", 3),
        *[("one step back", "click", place) for place in (2, 1, 0, 0)],
    ]:
        button = slider.node.get_by_role("button", name=f"angle: {words}")
        button.click() if act == "click" else button.press(act)
        slider.chosen = [place]
        slider.check()
    follow(small, slider, "slider")


def test_a_choice_and_a_toggle_answer_to_clicks(small, explorer):
    three = explorer("three")
    for words, i, place in [("far", 0, 1), ("near", 0, 0), ("with a bar", 2, 1 - three.chosen[2])]:
        three.node.get_by_label(words).click()
        three.chosen[i] = place
        three.check()
    follow(small, three, "three")


def test_values_are_shown_with_their_units(explorer):
    assert explorer("slider").said()[0] in ["0°", "10°", "20°", "30°", "40°", "50°"]
    assert explorer("choice").said()[0] in ["none sight", "near sight", "far sight"]
    assert explorer("failing").said()[0] in ["0 pieces", "1 pieces", "2 pieces", "3 pieces"]


def test_tab_goes_through_all_controls_in_order(small, explorer):
    explorer("three").node.get_by_label("near").click()
    page = small.page
    explorer("choice").part(0, FIELD).focus()
    labels = []
    for _ in range(6):
        page.keyboard.press("Tab")
        labels.append(
            page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.labels?.[0].textContent")
        )
    on_three = ["near", "angle: one step back", "angle", "angle: one step on", "with a bar"]
    assert labels == ["crossed", *on_three]


def test_no_shortcut_of_the_notebook_acts(small, explorer):
    three = explorer("three")
    fields = [*three.node.locator("input").all(), *three.node.locator("button").all()]
    fields[0].focus()
    before = small.state()
    for field in fields:
        for key in SHORTCUTS:
            field.press(key)
    assert small.state() == before


def test_shortcuts_act_elsewhere(small):
    """A negative control of the one before."""
    small.page.locator(".jp-Notebook-cell .jp-InputPrompt").first.click()
    before = small.state()
    small.page.keyboard.press("b")
    assert len(small.state()["cells"]) == len(before["cells"]) + 1


def test_an_error_is_said_in_place_of_its_picture_and_the_page_lives(small, explorer):
    small.run("failing.set(n=2)")
    failing = explorer("failing")
    failing.check()
    assert failing.stage.text_content() == "Not drawn. n 2 pieces: ValueError: there is no <b>two</b> here"
    failing.part(0, FIELD).press("ArrowRight")
    failing.chosen = [3]
    failing.check()
    assert failing.stage.locator("img").is_visible()
    assert small.page.get_by_text("the end", exact=True).count() == 1


def test_every_control_of_a_chapter_moves_its_picture_and_python(chapter):
    names = chapter.read(LIST)
    assert names
    shown = chapter.page.locator(".equibook")
    wait_until(lambda: shown.count() == len(names), f"{len(names)} explorers in the page", patience=60)
    for place, name in enumerate(names):
        explorer = find_in_notebook(chapter, name, place)
        for i in range(len(explorer.controls)):
            walk_and_follow(chapter, explorer, name, i)


def test_the_quizzes_of_a_chapter_answer(chapter):
    assert answer_all(chapter.page) > 0
