"""Interactive figures that answer in the browser, with no kernel in the loop.

A figure is declared once, as a drawing function and one to three controls. All its pictures are drawn ahead and sent
once. From then on the controls choose among them where they are shown: in a running notebook, in a page of the book,
in a page saved to disk.

The live form is one widget with a script of its own (anywidget), not one widget a picture in ipywidgets' Stack: both
answer a move as quickly, but 300 widgets take several times as long to open as one, a slider of ipywidgets does not
take the arrow keys in JupyterLab, and the script serves the page without a kernel as well. Measured by
`benchmarks/latency.py`.
"""

import base64
import html
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Self

import anywidget
import numpy as np
import traitlets

from equibook._checks import check_choice
from equibook.frame_cache import load_or_draw
from equibook.pages import read_asset, to_html
from equibook.pictures import Choice, Control, Frame, Slider, Toggle, Value

__all__ = ["Choice", "Explorer", "Slider", "Toggle"]

MOST_CONTROLS = 3
SCRIPT = read_asset("explorer.js")
STYLE = read_asset("explorer.css")


class Explorer:
    """An interactive figure: a drawing function, one to three controls, and every picture drawn ahead.

    Parameters
    ----------
    draw : callable
        Takes one value of every control by its name. Returns a matplotlib Figure (60 in all, at most), whose `alt`
        may say in words what it shows; or an array of shape (height, width) or (height, width, 3), uint8 or floats in
        [0, 1] (300 in all, at most). All pictures have one size. It is pure: pictures are kept on disk, and drawn again
        when its code changes or a value that it reads (see `equibook.frame_cache`).
    **controls : Slider, Choice or Toggle
        In the order in which they are shown.

    Attributes
    ----------
    frames : list of Frame
        The pictures; those of the last control's values follow each other.
    widget : anywidget.AnyWidget
        The live form, which shares with the browser the places of the chosen values.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.explorers import Explorer, Slider
    >>> Explorer(lambda shade: np.full((8, 8), shade / 100), shade=Slider(range(0, 101, 10), unit="%"))
    Explorer(shade: 0 % … 100 %; 11 pictures)
    """

    def __init__(self, draw: Callable[..., Any], **controls: Control) -> None:
        _check_controls(draw, controls)
        self.controls = controls
        self.frames = load_or_draw(draw, controls)
        self.widget = _Widget(**_as_state(controls, self.frames))

    @property
    def values(self) -> dict[str, Value]:
        """What is chosen now: a value for the name of each control."""
        chosen = zip(self.controls.items(), self.widget.chosen, strict=True)
        return {name: control.values[place] for (name, control), place in chosen}

    @property
    def failures(self) -> list[str]:
        """The messages of the pictures that could not be drawn."""
        return [frame.error for frame in self.frames if frame.error]

    def set(self, **values: Any) -> Self:
        """Choose values, as in `explorer.set(angle=45)`.

        Parameters
        ----------
        **values : one value for each control that is to change

        Returns
        -------
        Explorer
        """
        places = {name: self._find(name, value) for name, value in values.items()}
        chosen = zip(self.controls, self.widget.chosen, strict=True)
        self.widget.chosen = [places.get(name, place) for name, place in chosen]
        return self

    def to_html(self) -> str:
        """Return the figure as one piece of HTML that needs nothing else: no kernel, no network, no other file."""
        place, frames = self._chosen_place(), list(self.widget.frames)
        shown = frames[place]
        fallback = _as_image(shown) if shown.get("source") else ""
        frames[place] = shown | {"source": ""} if fallback else shown
        state = {"controls": self.widget.controls, "frames": frames, "chosen": self.widget.chosen}
        return to_html(SCRIPT, STYLE, state, fallback=fallback)

    def __repr__(self) -> str:
        offered = ", ".join(f"{name}: {c.texts[0]} … {c.texts[-1]}" for name, c in self.controls.items())
        return f"Explorer({offered}; {len(self.frames)} pictures)"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return all forms of the figure, of which each front end shows the first that it can; and what Colab needs."""
        live, metadata = self.widget._repr_mimebundle_() or ({}, {})
        bundle = {**live, "text/html": self.to_html(), "text/plain": repr(self)}
        png = self.frames[self._chosen_place()].png
        return ({**bundle, "image/png": base64.b64encode(png).decode("ascii")} if png else bundle), metadata

    def _find(self, name: str, value: Any) -> int:
        control = self.controls[check_choice(name, self.controls, name="control")]
        if value not in control.values:
            listed = ", ".join(map(repr, control.values))
            raise ValueError(f"`{name}` must be one of {listed}, got {value!r}. Choose one of these.")
        return control.values.index(value)

    def _chosen_place(self) -> int:
        return int(np.ravel_multi_index(self.widget.chosen, [len(control) for control in self.controls.values()]))


class _Widget(anywidget.AnyWidget):
    """What Python and the browser share; all of it is sent once, and after that only `chosen` moves."""

    _esm = SCRIPT
    _css = STYLE
    controls: traitlets.List = traitlets.List().tag(sync=True)
    frames: traitlets.List = traitlets.List().tag(sync=True)
    chosen: traitlets.List = traitlets.List(traitlets.Int()).tag(sync=True)


def _as_state(controls: Mapping[str, Control], frames: list[Frame]) -> dict[str, Any]:
    """Return what the script in the browser needs to know."""
    return {
        "controls": [{"kind": c.kind, "label": c.label or name, "texts": c.texts} for name, c in controls.items()],
        "frames": [_frame_as_state(frame, _size_of(frames)) for frame in frames],
        "chosen": [0] * len(controls),
    }


def _frame_as_state(frame: Frame, size: tuple[int, int]) -> dict[str, Any]:
    source = "data:image/png;base64," + base64.b64encode(frame.png).decode("ascii")
    content = {"error": frame.error} if frame.error else {"alt": frame.alt, "source": source}
    return {**content, "width": size[0], "height": size[1]}


def _size_of(frames: list[Frame]) -> tuple[int, int]:
    """Return the size of the pictures, which those that failed take up, too."""
    return next(frame.size for frame in frames if frame.png)


def _as_image(frame: Mapping[str, Any]) -> str:
    size = f'width="{frame["width"]}" height="{frame["height"]}" style="max-width: 100%; height: auto"'
    return f'<img alt="{html.escape(frame["alt"])}" {size} decoding="sync" src="{frame["source"]}">'


def _check_controls(draw: Callable[..., Any], controls: Mapping[str, Any]) -> None:
    if not 1 <= len(controls) <= MOST_CONTROLS:
        hint = "Name them as `draw` does, as in `angle=Slider(range(0, 360, 15))`."
        raise ValueError(f"`controls` must be one to {MOST_CONTROLS}, got {len(controls)}. {hint}")
    for name, control in controls.items():
        if not isinstance(control, Control):
            hint = "Write `Slider(values)`, `Choice(values)` or `Toggle()`."
            raise TypeError(f"`{name}` must be a Slider, a Choice or a Toggle, got {type(control).__name__}. {hint}")
    try:
        inspect.signature(draw).bind(**controls)
    except TypeError as error:
        hint = f"Write `def draw({', '.join(controls)})`."
        raise TypeError(f"`draw` must take each control by its name, got a function with {error}. {hint}") from None
