"""What an explorer is made of: controls to choose with, and a picture for every choice, drawn ahead."""

import io
import itertools
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from equibook.plots import to_png

MOST_FIGURES = 60
MOST_ARRAYS = 300
SIDE = 256  # pixels: smaller arrays are enlarged to about this, every number a square

Value = int | float | str


class Control:
    """One thing to choose; `Slider` and `Choice` say how.

    Parameters
    ----------
    values : sequence of numbers or strings
        At least two, all different.
    unit : str
        Written after each value.
    label : str
        By default the name under which the drawing function takes the value.

    Attributes
    ----------
    kind : str
        How it looks: "slider", "choice" or "toggle".
    texts : list of str
        Each value with its unit.

    Examples
    --------
    >>> from equibook.pictures import Control
    >>> angle = Control(range(0, 360, 90), unit="°")
    >>> len(angle), angle.texts
    (4, ['0°', '90°', '180°', '270°'])
    """

    kind = ""

    def __init__(self, values: Sequence[Any], *, unit: str = "", label: str = "") -> None:
        self.values: tuple[Value, ...] = tuple(v.item() if isinstance(v, np.generic) else v for v in values)
        if len(self.values) < 2 or len(set(self.values)) < len(self.values):
            hint = "Pass what can be chosen, such as `range(0, 360, 15)`."
            raise ValueError(f"`values` must hold at least two different values, got {list(self.values)}. {hint}")
        self.label = label
        space = "" if unit in ("", "°") else " "
        self.texts = [(f"{v:g}" if isinstance(v, float) else str(v)) + space + unit for v in self.values]

    def __len__(self) -> int:
        return len(self.values)


class Slider(Control):
    """Values in an order, gone through by dragging, by the arrow keys, and by the buttons − and +.

    Parameters
    ----------
    values : sequence of numbers or strings
        At least two, all different.
    unit : str
        Written after each value.
    label : str
        By default the name under which the drawing function takes the value.

    Examples
    --------
    >>> from equibook.explorers import Slider
    >>> Slider([0.5, 1, 2], unit="px").texts
    ['0.5 px', '1 px', '2 px']
    """

    kind = "slider"


class Choice(Control):
    """Values side by side, one of which is marked.

    Parameters
    ----------
    values : sequence of numbers or strings
        At least two, all different.
    unit : str
        Written after each value.
    label : str
        By default the name under which the drawing function takes the value.

    Examples
    --------
    >>> from equibook.explorers import Choice
    >>> method = Choice(["pixels", "glass box"], label="seen by")
    >>> method.kind, method.values
    ('choice', ('pixels', 'glass box'))
    """

    kind = "choice"


class Toggle(Control):
    """A switch: False and then True.

    Parameters
    ----------
    texts : pair of str
        What is written beside the switch when it is off, and when it is on.
    label : str
        By default the name under which the drawing function takes the value.

    Examples
    --------
    >>> from equibook.explorers import Toggle
    >>> blur = Toggle(("sharp", "blurred"))
    >>> dict(zip(blur.values, blur.texts))
    {False: 'sharp', True: 'blurred'}
    """

    kind = "toggle"

    def __init__(self, texts: tuple[str, str] = ("off", "on"), *, label: str = "") -> None:
        super().__init__((False, True), label=label)
        if isinstance(texts, str) or len(texts) != 2:
            raise ValueError(f'`texts` must be two, got {texts!r}. Write `("off", "on")`.')
        self.texts = [str(text) for text in texts]


@dataclass(frozen=True)
class Frame:
    """One picture, or the message of the error that stands in its place.

    Parameters
    ----------
    alt : str
        The picture in words.
    png : bytes
        Content of a PNG file; empty where drawing failed.
    size : pair of int
        Width and height in pixels.
    error : str

    Examples
    --------
    >>> from equibook.pictures import Frame
    >>> Frame("angle 45°", error="angle 45°: ValueError: no such angle").png
    b''
    """

    alt: str
    png: bytes = b""
    size: tuple[int, int] = (0, 0)
    error: str = ""


def draw_frames(draw: Callable[..., Any], controls: Mapping[str, Control]) -> list[Frame]:
    """Draw one picture for every choice of values, those of the last control one after the other.

    Parameters
    ----------
    draw : callable
        See `equibook.explorers.Explorer`.
    controls : dict from a name to a Slider or Choice

    Returns
    -------
    list of Frame
        Where `draw` raises an error, its message stands in place of the picture, and a warning is given.

    Examples
    --------
    Two angles and two shades make four pictures; small arrays are enlarged, every number a square.

    >>> import numpy as np
    >>> from equibook.explorers import Choice, Slider
    >>> from equibook.pictures import draw_frames
    >>> def draw(angle, shade):
    ...     return np.rot90([[shade, 0.0], [0.0, 0.0]], angle // 90)
    >>> controls = {"angle": Slider([0, 90], unit="°"), "shade": Choice([0.5, 1.0])}
    >>> for frame in draw_frames(draw, controls):
    ...     print(frame.alt, frame.size)
    angle 0°, shade 0.5 (256, 256)
    angle 0°, shade 1 (256, 256)
    angle 90°, shade 0.5 (256, 256)
    angle 90°, shade 1 (256, 256)
    """
    n_frames = prod(map(len, controls.values()))
    _check_number(n_frames, MOST_ARRAYS, "arrays")
    every = itertools.product(*(zip(c.values, c.texts, strict=True) for c in controls.values()))
    labels = [control.label or name for name, control in controls.items()]
    frames = []
    for chosen in tqdm(every, total=n_frames, desc="Drawing", unit="picture", delay=1, leave=False):
        values, texts = zip(*chosen, strict=True)
        words = ", ".join(f"{label} {text}" for label, text in zip(labels, texts, strict=True))
        frames.append(_draw_frame(draw, dict(zip(controls, values, strict=True)), words, n_frames))
    _check_sizes([frame for frame in frames if frame.png])
    _tell_failures([frame for frame in frames if frame.error], n_frames)
    return frames


def _draw_frame(draw: Callable[..., Any], values: dict[str, Value], words: str, n_frames: int) -> Frame:
    try:
        with _closing_figures():
            drawn = draw(**values)
            png = _compact(to_png(drawn)) if hasattr(drawn, "savefig") else b""
    except Exception as error:  # one picture that fails must not take the others with it
        return Frame(words, error=f"{words}: {type(error).__name__}: {error}")
    if png:
        _check_number(n_frames, MOST_FIGURES, "matplotlib")
    alt = getattr(drawn, "alt", "")
    png = png or _array_as_png(np.asarray(drawn))
    return Frame(f"{words}. {alt}" if alt else words, png, Image.open(io.BytesIO(png)).size)


@contextmanager
def _closing_figures() -> Iterator[None]:
    """Close the figures that were opened through pyplot: a notebook would show them once more."""
    before = _open_figures()
    try:
        yield
    finally:
        for number in _open_figures() - before:
            sys.modules["matplotlib.pyplot"].close(number)


def _open_figures() -> set[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set(pyplot.get_fignums()) if pyplot else set()


def _compact(png: bytes) -> bytes:
    """Return a picture with the 256 colours that serve it best: about a third of the bytes, for all to be sent."""
    with Image.open(io.BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return _as_png(few)


def _as_png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def _array_as_png(array: np.ndarray) -> bytes:
    """Return an array of shape (height, width) or (height, width, 3) as the content of a PNG file."""
    is_shaped = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)
    if not is_shaped or not (array.dtype == np.uint8 or array.dtype.kind == "f"):
        need = "a matplotlib Figure, or an array (height, width) or (height, width, 3), uint8 or floats in [0, 1]"
        hint = "Of a batch of grey images, return `images[i, 0]`."
        raise TypeError(f"`draw` must return {need}, got {array.dtype} of shape {array.shape}. {hint}")
    if array.dtype != np.uint8:
        array = (np.clip(array, 0, 1) * 255).round().astype(np.uint8)
    times = max(1, SIDE // max(array.shape[:2]))
    return _as_png(Image.fromarray(array.repeat(times, axis=0).repeat(times, axis=1)))


def _check_number(n_frames: int, most: int, kind: str) -> None:
    if n_frames > most:
        hint = "Offer fewer values, or one control less."
        raise ValueError(f"`controls` must ask for at most {most} pictures from {kind}, got {n_frames}. {hint}")


def _check_sizes(drawn: Sequence[Frame]) -> None:
    for frame in drawn:
        if frame.size != drawn[0].size:
            need = "{} x {} pixels for all values, as for the first".format(*drawn[0].size)
            hint = 'Fix `figsize`, and do without `bbox_inches="tight"`.'
            raise ValueError(f"`draw` must return {need}, got {frame.size[0]} x {frame.size[1]} ({frame.alt}). {hint}")


def _tell_failures(failed: Sequence[Frame], n_frames: int) -> None:
    if not failed:
        return
    if len(failed) == n_frames:
        hint = "Call `draw` by itself to see where."
        raise ValueError(f"`draw` must draw a picture, got an error for all values, first {failed[0].error}. {hint}")
    said = f"{len(failed)} of {n_frames} pictures could not be drawn, first {failed[0].error}"
    warnings.warn(said, RuntimeWarning, stacklevel=5)
