"""The live figure in a page, as a reader meets it who draws, turns and looks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from driver import wait_until
from explorer_page import decode

PANELS = ("lifts", "reads", "keeps", "plane", "decision", "why")
READ_CANVAS = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]);
}"""


class ShownFigure:
    """The live figure of a page; `patience` is how many seconds an answer may take."""

    def __init__(self, page: Any, *, patience: float = 60) -> None:
        self.page = page
        self.node = page.locator(".eqlive")
        self.board = page.locator(".eqlive-board canvas")
        self.slider = self.node.locator("input[type=range]")
        self.patience = patience

    def button(self, words: str) -> Any:
        return self.node.get_by_role("button", name=words, exact=True)

    def said(self) -> str:
        return self.node.locator("[role=status]").text_content()

    def drawing(self) -> list[int]:
        """Return the pixels that are drawn, row by row, from 0 to 255."""
        return self.board.evaluate(READ_CANVAS)

    def seen(self, name: str) -> np.ndarray:
        """Return the pixels of a panel, as they are on the screen."""
        return decode(self.node.locator(f".eqlive-{name}").screenshot())

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.said(), f"{text!r}, but it says {self.said()!r}", patience=self.patience)

    @contextmanager
    def moving(self, *names: str, text: str = "") -> Iterator[None]:
        """Do something within, wait for what is said then, and see that these panels have changed."""
        before = {name: self.seen(name) for name in names}
        yield
        self.wait_for(text)
        stayed = [name for name in names if np.array_equal(before[name], self.seen(name))]
        assert stayed == [], f"these panels stayed at {text!r}"

    def turn_through(self) -> None:
        """Turn the image of a page once around by keyboard, and see that the drawing stays and the maps turn."""
        self.slider.focus()
        self.page.keyboard.press("Home")
        self.wait_for("Turned by 0°, it is read as class")
        drawn = self.drawing()
        for angle in range(15, 360, 15):
            with self.moving("lifts", "reads", text=f"Turned by {angle}°, it is read as class"):
                self.page.keyboard.press("ArrowRight")
        assert self.drawing() == drawn
        self.button("turn on by 15 degrees").click()
        self.wait_for("Turned by 0°")

    def draw(self, *places: tuple[float, float]) -> None:
        """Draw a stroke with the mouse through places that are given as parts of the side, from the upper left."""
        self.board.scroll_into_view_if_needed()
        box = self.board.bounding_box()
        mouse = self.page.mouse
        for i, (x, y) in enumerate(places):
            mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
            if i == 0:
                mouse.down()
        mouse.up()
