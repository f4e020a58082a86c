"""A live figure of the whole model: draw an image, turn it, and see what every layer makes of it.

Python computes small arrays and the browser draws them. In a page without Python, one drawn image is there at 24
angles, computed ahead.
"""

import base64
import html
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Self

import anywidget
import numpy as np
import traitlets
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import ThreadpoolController

from equibook._checks import as_images, as_numbers, check_same_shape
from equibook.actions import pixel_grid, rotate
from equibook.classifiers import AFFINE
from equibook.drawing import PALETTE, group_name
from equibook.glassbox import GlassBoxClassifier
from equibook.layers_at import (
    LayersAt,
    name_parts,
    pack_layers,
    read_features,
    read_known,
    read_layers,
    split_by_kind,
    to_bytes,
)
from equibook.pages import read_asset, to_html
from equibook.plots import plot_layers, to_png
from equibook.representation import Pixels

STEP = 15  # degrees: how far apart the angles of a page are
BRUSH = 1.8 / 32  # of the side: standard deviation of a stroke; drawn digits are then nearest to scikit-learn's
SCRIPT = "\n".join(map(read_asset, ("live_parts.js", "live_panels.js", "live.js")))
STYLE = read_asset("live.css")

# A 3 as one stroke: its corners, as parts of the side, right of the centre and up from it.
THREE = (
    (-0.17, 0.29), (-0.02, 0.32), (0.10, 0.29), (0.14, 0.21), (0.10, 0.11), (-0.02, 0.04),
    (0.08, 0.0), (0.15, -0.09), (0.13, -0.21), (0.02, -0.30), (-0.09, -0.32), (-0.19, -0.29),
)  # fmt: skip


class LiveExplorer:
    """What every layer of a model makes of an image that the reader draws and turns.

    It needs a running notebook. In a page it is a worked case: the image as it was drawn, to be turned by a slider.

    Parameters
    ----------
    model : GlassBoxClassifier
        Fitted, with a `Representation`, on images of one channel.
    X : ndarray or Tensor of shape (n_samples, 1, height, width) or (n_samples, height, width)
        Known images: at most 200 of them are points in the plane of Layer 2, and the first of each class can be loaded.
    y : array-like of shape (n_samples,)
    image : ndarray or Tensor of shape (1, 1, height, width) or (1, height, width), optional
        To begin with; None means a drawn 3.

    Attributes
    ----------
    widget : anywidget.AnyWidget
        The live form.

    Examples
    --------
    >>> import equibook as eq
    >>> from equibook.live import LiveExplorer
    >>> X, y = eq.datasets.load_digits(classes=(3, 8), size=16)
    >>> model = eq.GlassBoxClassifier(representation=eq.Representation(scales=(1.6,))).fit(X[:40], y[:40])
    >>> LiveExplorer(model, X[:40], y[:40]).set(angle=90)
    LiveExplorer(an image turned by 90°: class 3)
    """

    def __init__(self, model: GlassBoxClassifier, X: Any, y: Any, *, image: Any = None) -> None:
        _check_model(model)
        self.model = model
        self._known = read_known(model, X, y)
        self._X, self._y = X, y
        size = model.representation_.size_
        self._drawn = draw_stroke(THREE, size) if image is None else _check_image(image, size)
        self._angle = 0.0
        self._result: LayersAt | None = None
        self._upright: tuple[np.ndarray, np.ndarray] | None = None
        self._threads = ThreadpoolController()
        self.widget = _Widget(setup=self._describe())
        self.widget.on_msg(self._answer)

    @property
    def values(self) -> dict[str, Any]:
        """What is chosen now: the `image`, as it was drawn, and the `angle` in degrees that it is turned by."""
        return {"image": self._drawn, "angle": self._angle}

    @property
    def image(self) -> np.ndarray:
        """What the model reads: the image, turned; (1, 1, height, width)."""
        return rotate(self._drawn, self._angle)

    @property
    def result(self) -> LayersAt:
        """What every layer makes of it."""
        if self._result is None:
            self._result = read_layers(self.model, self.image)
        return self._result

    def set(self, *, image: Any = None, angle: Any = None) -> Self:
        """Choose an image or an angle, as in `explorer.set(angle=45)`.

        Parameters
        ----------
        image : ndarray or Tensor of shape (1, 1, height, width) or (1, height, width), optional
        angle : float, optional
            In degrees, counter-clockwise.

        Returns
        -------
        LiveExplorer
        """
        drawn = self._drawn if image is None else _check_image(image, self.model.representation_.size_)
        self._choose(drawn, self._angle if angle is None else angle)
        self._send({"view": "", "sequence": 0}, with_drawing=True)
        return self

    def to_html(self) -> str:
        """Return the image as it was drawn, at 24 angles, as one piece of HTML that needs nothing else."""
        return self._to_html(self._to_png())

    def __repr__(self) -> str:
        return f"LiveExplorer(an image turned by {self._angle:g}°: class {self.result.predicted})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return all forms of the figure, of which each front end shows the first that it can; and what Colab needs."""
        live, metadata = self.widget._repr_mimebundle_() or ({}, {})
        png = self._to_png()
        forms = {"text/html": self._to_html(png), "image/png": _as_text(png), "text/plain": repr(self)}
        return {**live, **forms}, metadata

    def _choose(self, drawn: np.ndarray, angle: Any) -> None:
        """Take an image and an angle; what was read upright stays with an image that only turns."""
        self._angle = float(as_numbers(angle, 1, name="angle"))
        if not np.array_equal(drawn, self._drawn):
            self._drawn, self._upright = drawn, None
        self._result = None

    def _answer(self, widget: Any, content: dict[str, Any], buffers: Sequence[Any]) -> None:
        """Answer the browser: it sends what was drawn, and an angle; or neither, to be told both."""
        if "nudge" in content:  # it only keeps the line moving
            return
        about = {"view": content["view"], "sequence": content["sequence"]}
        try:
            with self._threads.limit(limits=1):  # one image is too little work to be shared
                if buffers:
                    self._choose(_from_bytes(buffers[0], self.model.representation_.size_), content["angle"])
                self._send(about, with_drawing=not buffers)
        except Exception as error:  # said in the figure, which goes on with the next drawing
            self.widget.send({**about, "error": f"{type(error).__name__}: {error}"})

    def _send(self, about: dict[str, Any], *, with_drawing: bool) -> None:
        numbers, maps = self._pack(self.image, self.result)
        drawing = [to_bytes(self._drawn)] if with_drawing else []
        self.widget.send({**about, "angle": self._angle, "result": numbers}, [maps, *drawing])

    def _pack(self, image: np.ndarray, found: LayersAt) -> tuple[dict[str, Any], bytes]:
        if self._upright is None:
            is_upright = np.array_equal(image, self._drawn)
            self._upright = (
                (found.coefficients, found.features) if is_upright else read_features(self.model, self._drawn)
            )
        return pack_layers(found, image, self._upright, self._known)

    def _to_html(self, png: bytes) -> str:
        turned = [rotate(self._drawn, angle) for angle in range(0, 360, STEP)]
        numbers, maps = zip(*(self._pack(image, read_layers(self.model, image)) for image in turned), strict=True)
        state = {
            "live": False,
            "setup": {**self.widget.setup, "examples": []},
            "drawing": _as_text(to_bytes(self._drawn)),
            "place": round(self._angle / STEP) % len(turned),
            "results": numbers,
            "maps": _as_text(zlib.compress(b"".join(maps), 9)),
        }
        shown = f'<img alt="{html.escape(repr(self))}" src="data:image/png;base64,{_as_text(png)}">'
        return to_html(SCRIPT, STYLE, state, fallback=shown)

    def _to_png(self) -> bytes:
        return to_png(plot_layers(self.model, self.image, X=self._X, y=self._y))

    def _describe(self) -> dict[str, Any]:
        """Return what the browser is told once, and what does not change while one draws."""
        model, layer, known = self.model, self.model.representation_, self._known
        classes, kinds = [str(name) for name in model.classes_], split_by_kind(layer.table_)
        return {
            "size": layer.size_,
            "step": STEP,
            "brush": BRUSH * layer.size_,
            "classifier": model.classifier,
            "classes": classes,
            "palette": PALETTE,
            "scales": [group_name("scale", scale) for scale in layer.scales],
            "orientations": layer.n_orientations,
            "frequencies": np.unique(layer.coefficient_table_.k).tolist(),
            "kinds": [[name, _count_by_scale(layer.table_.scale[rows])] for name, rows in kinds.items()],
            "parts": name_parts(layer.table_) if model.classifier in AFFINE else None,
            "unit": " (σ)" if model.reduction_.pca_.whiten else "",
            "points": known.points.round(3).tolist(),
            "labels": [classes.index(str(label)) for label in known.labels],
            "scores": known.scores.round(3).tolist() if known.scores.ndim == 1 else [],
            "limits": {
                "score": float(np.abs(known.scores).max()),
                "lowest": float(known.scores.min()),
                "highest": float(known.scores.max()),
                "sum": known.largest_sum,
            },
            "examples": _take_examples(as_images(self._X).detach().cpu().numpy(), np.asarray(self._y)),
        }


class _Widget(anywidget.AnyWidget):
    """What the browser gets once; drawings and what the layers make of them go back and forth as messages."""

    _esm = SCRIPT
    _css = STYLE
    live = traitlets.Bool(True).tag(sync=True)
    setup = traitlets.Dict().tag(sync=True)


def draw_stroke(corners: Sequence[tuple[float, float]], size: int) -> np.ndarray:
    """Draw one stroke with the brush that the browser draws with: a Gaussian of the distance from a broken line.

    Parameters
    ----------
    corners : sequence of pairs
        Two or more, each another than the one before; as parts of the side, right of the centre and up from it.
    size : int

    Returns
    -------
    float32 ndarray of shape (1, 1, size, size), values in [0, 1]

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.live import draw_stroke
    >>> level, upright = draw_stroke([(-0.3, 0), (0.3, 0)], 16), draw_stroke([(0, -0.3), (0, 0.3)], 16)
    >>> level.shape, np.allclose(np.rot90(level, axes=(2, 3)), upright, atol=1e-6)
    ((1, 1, 16, 16), True)
    """
    right, up = (places.numpy() for places in pixel_grid(size))
    places = right + 1j * up
    line = size * (np.array(corners) @ [1, 1j])
    distance = np.full((size, size), np.inf)
    for start, end in pairwise(line):
        along = ((places - start) / (end - start)).real.clip(0, 1)
        distance = np.minimum(distance, np.abs(places - start - along * (end - start)))
    return np.exp(-((distance / (BRUSH * size)) ** 2) / 2).astype(np.float32)[None, None]


def _take_examples(images: np.ndarray, labels: np.ndarray) -> list[list[str]]:
    """Return the first image of each class, with its label."""
    names, firsts = np.unique(labels, return_index=True)
    return [[str(name), _as_text(to_bytes(images[i]))] for name, i in zip(names, firsts, strict=True)]


def _count_by_scale(scales: np.ndarray) -> list[list[Any]]:
    values, counts = np.unique(scales, return_counts=True)
    return [[group_name("scale", value), int(count)] for value, count in zip(values, counts, strict=True)]


def _from_bytes(buffer: Any, size: int) -> np.ndarray:
    """Return what was drawn in the browser: one byte a pixel."""
    return np.frombuffer(buffer, np.uint8).reshape(1, 1, size, size).astype(np.float32) / 255


def _as_text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _check_model(model: Any) -> None:
    if not isinstance(model, GlassBoxClassifier):
        hint = "Pass one that is fitted."
        raise TypeError(f"`model` must be a GlassBoxClassifier, got {type(model).__name__}. {hint}")
    check_is_fitted(model)
    if isinstance(model.representation_, Pixels):
        hint = "Fit one with a Representation."
        raise ValueError(f"`model` must have a Layer 1 to show, got a model of pixels. {hint}")
    n_channels = model.representation_.n_channels_
    if n_channels != 1:
        hint = "Fit it on grey images, such as `X.mean(axis=1)`."
        raise ValueError(f"`model` must read images of one channel, got {n_channels} channels. {hint}")


def _check_image(image: Any, size: int) -> np.ndarray:
    x = as_images(image, name="image")
    if len(x) != 1:
        raise ValueError(f"`image` must hold one image, got {len(x)}. Pass one of them, such as `images[:1]`.")
    check_same_shape(x, 1, size, name="image")
    return x.detach().cpu().numpy()
