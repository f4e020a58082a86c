"""The check that the other tests rely on passes an explorer as it is, and finds one that is broken in any way."""

import numpy as np
import pytest
from accessibility import broken_rules
from explorer_page import find_in_page

from equibook.explorers import Choice, Explorer, Slider, Toggle


def fails_at_one(n):
    if n:
        raise ValueError("there is no one here")
    return np.zeros((64, 64))


def bars(angle, lens, crossed):
    image = np.zeros((64, 64))
    image[:, : angle + 1] = 0.5
    image[: lens * 8] = 1
    image[50:] = float(crossed)
    return image


EXPLORER = Explorer(bars, angle=Slider(range(0, 50, 10), unit="°"), lens=Choice([1, 2, 3]), crossed=Toggle())
HEAD = '<html lang="en"><meta charset="utf-8"><title>A page</title><body style="{}"><h1>A page</h1><main>'
BREAKS = {
    "a slider that is not linked": (0, "choose(Number(range.value))", "{}"),
    "a choice that is not linked": (1, "change: () => choose(place)", "change: () => {}"),
    "a toggle that is not linked": (2, "choose(Number(box.checked))", "{}"),
    "a slider that moves while its picture stays": (
        0,
        "stage.replaceChildren(",
        "if (!stage.childNodes.length) stage.append(",
    ),
    "pictures in another order": (0, "sum * controls[i].texts.length + place", "place * 3 + sum"),
    "a value that stays": (0, "value.textContent = texts[place]", "value.textContent = texts[0]"),
    "a value that is not spoken": (0, '"aria-valuetext", texts[place]', '"aria-valuetext", texts[0]'),
    "a picture without words": (0, "{ alt, src", '{ alt: "", src'),
    "a picture that cannot be read": (0, "src: source,", 'src: "data:image/png;base64,AAAA",'),
    "a control that loses the focus": (0, "model.save_changes();\n  };", "document.activeElement.blur();\n  };"),
}


@pytest.fixture
def open_explorer(open_page):
    """Return a function that shows HTML in a page, and returns the explorer there."""
    page, _ = open_page()

    def show(source):
        page.set_content(source)
        page.wait_for_selector(".equibook")
        return find_in_page(page, patience=1)[0]

    yield show
    page.context.close()


def test_an_explorer_as_it_is_passes(open_explorer):
    shown = open_explorer(EXPLORER.to_html())
    for i in range(3):
        assert len(list(shown.walk(i))) == [7, 4, 3][i]
    assert shown.chosen == [4, 1, 1]


@pytest.mark.parametrize(("i", "code", "broken"), BREAKS.values(), ids=BREAKS)
def test_a_broken_explorer_is_found(open_explorer, i, code, broken):
    source = EXPLORER.to_html()
    assert source.count(code) == 1
    shown = open_explorer(source.replace(code, broken))
    with pytest.raises(AssertionError):
        list(shown.walk(i))


@pytest.mark.parametrize(
    "colours", ["", "background: #121212; color: #ced6dd; color-scheme: dark"], ids=["light", "dark"]
)
def test_no_rule_of_accessibility_is_broken(open_page, colours):
    """Not by the controls, and not by the message of an error."""
    with pytest.warns(RuntimeWarning, match="could not be drawn"):
        failing = Explorer(fails_at_one, n=Slider([0, 1])).set(n=1)
    page, _ = open_page()
    page.set_content(HEAD.format(colours) + EXPLORER.to_html() + failing.to_html())
    page.locator(".equibook-error").wait_for()
    assert broken_rules(page) == []
    page.context.close()
