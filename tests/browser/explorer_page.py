"""An explorer in a page, as a reader with a keyboard meets it, compared with what Python has made it from.

The state is what Python gave to the page: its `controls`, its `frames`, and the places of the `chosen` values.
"""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from driver import wait_until
from PIL import Image

NEXT = {"slider": "ArrowRight", "choice": "ArrowRight", "toggle": "Space"}
TEXT = {"slider": "output", "choice": "label:has(input:checked)", "toggle": "label"}
FIELD = {"slider": "input", "choice": "input:checked", "toggle": "input"}  # what takes the keyboard


class ShownExplorer:
    """An explorer in a page: its element, and the state that it was made from."""

    def __init__(self, node: Any, state: dict[str, Any], *, patience: float = 20) -> None:
        self.node = node
        self.stage = node.locator(".equibook-stage")
        self.controls = state["controls"]
        self.frames = state["frames"]
        self.chosen = list(state["chosen"])
        self.patience = patience

    def part(self, i: int, selectors: dict[str, str]) -> Any:
        """Return the element of control i that a table names for its kind."""
        return self.node.locator(".equibook-control").nth(i).locator(selectors[self.controls[i]["kind"]])

    def frame(self) -> dict[str, Any]:
        """Return the picture that should be seen."""
        return self.frames[int(np.ravel_multi_index(self.chosen, [len(c["texts"]) for c in self.controls]))]

    def seen(self) -> np.ndarray:
        """Return the pixels of the stage, as they are on the screen."""
        return decode(self.stage.screenshot())

    def said(self) -> list[str]:
        """Return the values that the controls say they have."""
        return [self.part(i, TEXT).text_content() for i in range(len(self.controls))]

    def wanted(self) -> list[str]:
        """Return the values that they should say."""
        return [control["texts"][place] for control, place in zip(self.controls, self.chosen, strict=True)]

    def check(self) -> None:
        """Compare what the page says and shows with what it should."""
        about = ", ".join(f"{c['label']} {text}" for c, text in zip(self.controls, self.wanted(), strict=True))
        try:
            wait_until(lambda: self.said() == self.wanted(), about, patience=self.patience)
        except TimeoutError:
            raise AssertionError(f"{about}: the controls say {self.said()}") from None
        for i, control in enumerate(self.controls):
            spoken = self.part(i, FIELD).get_attribute("aria-valuetext")
            assert control["kind"] != "slider" or spoken == self.wanted()[i], f"{about}: it is spoken as {spoken}"
        self.check_picture(about)

    def check_picture(self, about: str) -> None:
        frame, image = self.frame(), self.stage.locator("img")
        if "error" in frame:
            assert frame["error"] in self.stage.text_content(), f"{about}: the message is not shown"
        else:
            assert image.get_attribute("alt") == frame["alt"], f"{about}: another alternative text"
            width = image.evaluate("image => image.complete && image.naturalWidth")
            assert width == frame["width"], f"{about}: the picture is not loaded"

    def press(self, i: int, key: str) -> None:
        """Press a key on control i, which has the focus, and note what should be chosen then."""
        control, place = self.controls[i], self.chosen[i]
        number = len(control["texts"])
        onward = min(place + 1, number - 1) if control["kind"] == "slider" else (place + 1) % number
        assert self.part(i, FIELD).evaluate("node => node === document.activeElement"), "the focus went elsewhere"
        self.node.page.keyboard.press(key)
        self.chosen[i] = {"Home": 0, "ArrowLeft": max(place - 1, 0), NEXT[control["kind"]]: onward}[key]

    def walk(self, i: int) -> Iterator[None]:
        """Move control i by keyboard through its whole range; after every step look at the page, and yield."""
        self.part(i, FIELD).focus()
        self.check()
        frame, pixels = self.frame(), self.seen()
        for key in keys_through(self.controls[i]):
            self.press(i, key)
            self.check()
            old_frame, old_pixels, frame, pixels = frame, pixels, self.frame(), self.seen()
            is_new = not np.array_equal(old_pixels, pixels)
            assert is_new == differ(old_frame, frame), f"{self.wanted()}: {'a' if is_new else 'no'} new picture"
            yield


def keys_through(control: dict[str, Any]) -> list[str]:
    """Return keys that lead through all values of a control, and leave it at another one than the first.

    So the next control is moved where a picture of the first value would be the wrong one.
    """
    step, number = NEXT[control["kind"]], len(control["texts"])
    if control["kind"] == "slider":
        return ["Home", *[step] * (number - 1), "ArrowLeft", step]
    return [step] * (number + 1)


def differ(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Say whether two frames are to be told apart on the screen."""
    if "error" in a or "error" in b:
        return a != b
    return not np.array_equal(decode_source(a["source"]), decode_source(b["source"]))


def decode_source(source: str) -> np.ndarray:
    """Return the pixels of a picture that is written into its address."""
    return decode(base64.b64decode(source.partition(",")[2]))


def decode(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def find_in_page(page: Any, **more: Any) -> list[ShownExplorer]:
    """Return the explorers of a page without a kernel, which carries their states."""
    return [ShownExplorer(node, _read_state(node), **more) for node in page.locator(".equibook").all()]


def _read_state(node: Any) -> dict[str, Any]:
    """Return the state that is written into the page; the picture that is shown first stands only in its element."""
    state = json.loads(node.evaluate("node => document.getElementById(`${node.parentElement.id}-state`).textContent"))
    source = node.locator("img").first.get_attribute("src") if node.locator("img").count() else ""
    state["frames"] = [f | {"source": f["source"] or source} if "source" in f else f for f in state["frames"]]
    return state


def find_in_notebook(notebook: Any, name: str, place: int, **more: Any) -> ShownExplorer:
    """Return the explorer of a running notebook that Python calls `name`, and that is the page's at `place`."""
    state = notebook.read(f"{{key: getattr({name}.widget, key) for key in ('controls', 'frames', 'chosen')}}")
    return ShownExplorer(notebook.page.locator(".equibook").nth(place), state, **more)
