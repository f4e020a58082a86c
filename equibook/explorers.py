"""Interactive figures that answer in the browser, with no kernel in the loop.

A figure is declared once, as a drawing function and one to three controls. All its pictures are drawn ahead and sent
once. From then on the controls choose among them where they are shown: in a running notebook, in a page of the book,
in a page saved to disk.
"""

import base64
import html
import inspect
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from string import Template
from typing import Any, Self

import numpy as np
from ipywidgets import HTML, HBox, Layout, SelectionSlider, Stack, ToggleButtons, VBox, Widget, jsdlink

from equibook._checks import check_choice
from equibook.pictures import Choice, Control, Frame, Slider, Value, draw_frames

__all__ = ["Choice", "Explorer", "Slider"]

MOST_CONTROLS = 3


class Explorer:
    """An interactive figure: a drawing function, one to three controls, and every picture drawn ahead.

    Parameters
    ----------
    draw : callable
        Takes one value of every control by its name. Returns a matplotlib Figure (60 in all, at most), whose `alt`
        may say in words what it shows; or an array of shape (height, width) or (height, width, 3), uint8 or floats in
        [0, 1] (300 in all, at most). All pictures have one size.
    **controls : Slider or Choice
        In the order in which they are shown.

    Attributes
    ----------
    frames : list of Frame
        The pictures; those of the last control's values follow each other.
    widget : ipywidgets.Widget
        The live form.

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
        self.frames = draw_frames(draw, controls)
        self._choosers = {name: _as_chooser(control) for name, control in controls.items()}
        self._stacks: dict[str, list[Stack]] = {name: [] for name in controls}
        pictures = self._stack([HTML(_frame_as_html(frame)) for frame in self.frames], list(controls))
        self.widget = VBox([*(_as_row(name, c, self._choosers[name]) for name, c in controls.items()), pictures])

    @property
    def values(self) -> dict[str, Value]:
        """What is chosen now: a value for the name of each control."""
        return {name: control.values[self._choosers[name].index] for name, control in self.controls.items()}

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
        for name, place in places.items():
            self._choosers[name].index = place
            for stack in self._stacks[name]:  # in a browser the link does it
                stack.selected_index = place
        return self

    def to_html(self) -> str:
        """Return the figure as one piece of HTML that needs nothing else: no kernel, no network, no other file."""
        name = f"explorer-{uuid.uuid4().hex}"
        chosen = self._chosen_frame()
        return _PAGE.substitute(
            name=name,
            controls="".join(
                _control_as_html(f"{name}-{key}", control.label or key, control, self._choosers[key].index)
                for key, control in self.controls.items()
            ),
            frames="".join(_place_in_page(frame, is_shown=frame is chosen) for frame in self.frames),
        )

    def __repr__(self) -> str:
        offered = ", ".join(f"{name}: {c.texts[0]} … {c.texts[-1]}" for name, c in self.controls.items())
        return f"Explorer({offered}; {len(self.frames)} pictures)"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Return all forms of the figure: each front end shows the first that it can."""
        live = self.widget._repr_mimebundle_() or {}
        bundle = {**live, "text/html": self.to_html(), "text/plain": repr(self)}
        png = self._chosen_frame().png
        return {**bundle, "image/png": base64.b64encode(png).decode("ascii")} if png else bundle

    def _find(self, name: str, value: Any) -> int:
        control = self.controls[check_choice(name, self.controls, name="control")]
        if value not in control.values:
            listed = ", ".join(map(repr, control.values))
            raise ValueError(f"`{name}` must be one of {listed}, got {value!r}. Choose one of these.")
        return control.values.index(value)

    def _chosen_frame(self) -> Frame:
        sizes = [len(control) for control in self.controls.values()]
        return self.frames[int(np.ravel_multi_index([chooser.index for chooser in self._choosers.values()], sizes))]

    def _stack(self, pictures: Sequence[Widget], names: Sequence[str]) -> Stack:
        """Return stacks within stacks, one level a control, each linked to it in the browser."""
        name, *rest = names
        n = len(pictures) // len(self.controls[name])
        parts = [pictures[i : i + n] for i in range(0, len(pictures), n)]
        stack = Stack([self._stack(part, rest) if rest else part[0] for part in parts], selected_index=0)
        jsdlink((self._choosers[name], "index"), (stack, "selected_index"))
        self._stacks[name].append(stack)
        return stack


def _check_controls(draw: Callable[..., Any], controls: Mapping[str, Any]) -> None:
    if not 1 <= len(controls) <= MOST_CONTROLS:
        hint = "Name them as `draw` does, as in `angle=Slider(range(0, 360, 15))`."
        raise ValueError(f"`controls` must be one to {MOST_CONTROLS}, got {len(controls)}. {hint}")
    for name, control in controls.items():
        if not isinstance(control, Control):
            hint = "Write `Slider(values)` or `Choice(values)`."
            raise TypeError(f"`{name}` must be a Slider or a Choice, got {type(control).__name__}. {hint}")
    try:
        inspect.signature(draw).bind(**controls)
    except TypeError as error:
        hint = f"Write `def draw({', '.join(controls)})`."
        raise TypeError(f"`draw` must take each control by its name, got a function with {error}. {hint}") from None


def _as_chooser(control: Control) -> Any:
    """Return the widget whose `index` says which value is chosen."""
    options = [(text, place) for place, text in enumerate(control.texts)]
    if isinstance(control, Choice):
        return ToggleButtons(options=options, index=0, style={"button_width": "auto"})
    return SelectionSlider(options=options, index=0, layout=Layout(width="24em"))


def _as_row(name: str, control: Control, chooser: Widget) -> HBox:
    label = control.label or name
    parts = [chooser] if isinstance(control, Choice) else [_step(label, "−", -1), chooser, _step(label, "+", 1)]
    head = HTML(f"<b>{html.escape(label)}</b>", layout=Layout(min_width="6em"))
    row = HBox([head, *parts], layout=Layout(align_items="center", flex_flow="row wrap"))
    row.add_class("equibook-control")
    return row


def _step(label: str, sign: str, step: int) -> HTML:
    """Return a button that moves the slider beside it: in the browser, as a Button of ipywidgets cannot."""
    slider = "this.closest('.equibook-control').querySelector('.noUi-target').noUiSlider"
    says = html.escape(_describe_step(label, step))
    act = f"const slider = {slider}; slider.set(Number(slider.get()) + {step})"
    shown = 'class="jupyter-button" style="width: 2.5em; padding: 0"'
    return HTML(f'<button type="button" {shown} aria-label="{says}" title="{says}" onclick="{act}">{sign}</button>')


def _describe_step(label: str, step: int) -> str:
    return f"{label}: one step {'on' if step > 0 else 'back'}"


def _frame_as_html(frame: Frame) -> str:
    """Return a picture with its alternative text, which an Image of ipywidgets cannot carry."""
    if not frame.png:
        return f'<pre style="white-space: pre-wrap"><b>not drawn</b> {html.escape(frame.error)}</pre>'
    source = "data:image/png;base64," + base64.b64encode(frame.png).decode("ascii")
    size = 'width="{}" height="{}" style="max-width: 100%; height: auto; margin: 0"'.format(*frame.size)
    return f'<img alt="{html.escape(frame.alt)}" {size} decoding="sync" src="{source}">'


def _place_in_page(frame: Frame, *, is_shown: bool) -> str:
    return f'<div data-frame style="display: {"block" if is_shown else "none"}">{_frame_as_html(frame)}</div>'


def _control_as_html(name: str, label: str, control: Control, chosen: int) -> str:
    texts, label = [html.escape(text) for text in control.texts], html.escape(label)
    attributes = f'data-texts="{html.escape(json.dumps(control.texts))}"'
    if isinstance(control, Choice):
        radios = "".join(
            f'<label><input type="radio" name="{name}" value="{place}" autocomplete="off"'
            f"{' checked' if place == chosen else ''}> {text}</label> "
            for place, text in enumerate(texts)
        )
        return f'<div role="radiogroup" aria-label="{label}" {attributes}><b>{label}</b> {radios}</div>'
    back, on = (
        f'<button type="button" data-step="{step}" aria-label="{_describe_step(label, step)}">{sign}</button>'
        for sign, step in (("−", -1), ("+", 1))
    )
    place = f'min="0" max="{len(texts) - 1}" value="{chosen}" aria-valuetext="{texts[chosen]}" autocomplete="off"'
    slider = f'<input type="range" id="{name}" {place} style="width: 20em; max-width: 60%; vertical-align: middle">'
    return (
        f'<div {attributes}><label for="{name}"><b>{label}</b></label> {back} {slider} {on} '
        f'<output for="{name}">{texts[chosen]}</output></div>'
    )


_PAGE = Template(
    """<div id="$name" role="group" aria-label="interactive figure">
<div style="line-height: 2.2">$controls</div>
<div>$frames</div>
<script>
(() => {
  const root = document.getElementById("$name");
  const controls = root.querySelectorAll("[data-texts]"), frames = root.querySelectorAll("[data-frame]");
  const show = () => {
    let place = 0;
    for (const control of controls) {
      const texts = JSON.parse(control.dataset.texts), slider = control.querySelector("[type=range]");
      const chosen = Number((slider ?? control.querySelector(":checked")).value);
      place = place * texts.length + chosen;
      if (slider) {
        slider.setAttribute("aria-valuetext", texts[chosen]);
        control.querySelector("output").textContent = texts[chosen];
      }
    }
    frames.forEach((frame, i) => { frame.style.display = i === place ? "block" : "none"; });
  };
  root.addEventListener("input", show);
  root.addEventListener("click", (event) => {
    const step = Number(event.target.dataset.step);
    if (!step) return;
    event.target.parentElement.querySelector("[type=range]").stepUp(step);
    show();
  });
  show();
})();
</script>
</div>"""
)
