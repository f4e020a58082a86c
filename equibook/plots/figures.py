"""What all figures have in common: one style, words for what they show, and no pyplot; and rows of images."""

import base64
import html
import io
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from equibook._checks import as_images, check_positive_int
from equibook.drawing import draw_image, value_limits

_STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "text.color": "black",
    "axes.labelcolor": "black",
    "xtick.color": "black",
    "ytick.color": "black",
    "legend.frameon": False,
}
styled = matplotlib.rc_context(_STYLE)


class Picture(Figure):
    """A matplotlib figure that shows itself in notebooks, without pyplot, and says in words what it shows.

    Attributes
    ----------
    alt : str
        The alternative text, for those who do not see the picture.

    Examples
    --------
    >>> from equibook.plots import Picture
    >>> picture = Picture(figsize=(2, 2))
    >>> picture.alt = "An empty picture."
    >>> data, _ = picture._repr_mimebundle_()  # what a notebook asks it for
    >>> sorted(data), data["text/html"][:28]
    (['image/png', 'text/html', 'text/plain'], '<img alt="An empty picture."')
    """

    alt = ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        png = base64.b64encode(to_png(self)).decode("ascii")
        source = f"data:image/png;base64,{png}"
        shown = f'<img alt="{html.escape(self.alt)}" src="{source}" style="max-width: 100%">'
        return {"text/html": shown, "image/png": png, "text/plain": self.alt}, {"image/png": {"alt": self.alt}}


def to_png(figure: Figure, *, dpi: float = 100) -> bytes:
    """Return a figure as the content of a PNG file.

    Parameters
    ----------
    figure : Figure
    dpi : float
        Dots an inch.

    Returns
    -------
    bytes

    Examples
    --------
    >>> import io
    >>> from PIL import Image
    >>> from equibook.plots import Picture, to_png
    >>> Image.open(io.BytesIO(to_png(Picture(figsize=(2, 1)), dpi=50))).size
    (100, 50)
    """
    buffer, dpi_before = io.BytesIO(), figure.dpi
    figure.dpi = dpi
    try:
        FigureCanvasAgg(figure).print_png(buffer)  # `savefig` would draw twice, the first time for the layout only
    finally:
        figure.dpi = dpi_before
    return buffer.getvalue()


@styled
def show_images(
    images: Any, *, titles: Sequence[Any] | None = None, n_columns: int = 8, signed: bool = False
) -> Figure:
    """Show images side by side, on one scale.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
        Of one channel (black to white) or three (colours).
    titles : sequence, optional
        One per image.
    n_columns : int
    signed : bool
        Blue below 0, white at 0, red above; channels are summed.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import show_images
    >>> digits = np.zeros((2, 1, 8, 8))
    >>> show_images(digits, titles=["upright", "turned"]).alt
    '2 images of 8 x 8 pixels: upright, turned.'
    """
    x = as_images(images).detach().cpu().numpy()
    n_columns = min(check_positive_int(n_columns, name="n_columns"), max(len(x), 1))
    titles = [""] * len(x) if titles is None else [str(title) for title in titles]
    _check_images_to_show(x, titles, signed)
    shown = x.sum(axis=1, keepdims=True) if signed else x
    limits = value_limits(shown, signed)
    n_rows = -(-len(x) // n_columns)
    side, head = min(1.4, 8.5 / n_columns), 0.28 if any(titles) else 0.06
    figure = Picture(figsize=(side * n_columns + (0.8 if signed else 0), (side + head) * n_rows), layout="constrained")
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    for ax in grid.flat:
        ax.axis("off")
    for ax, image, title in zip(grid.flat, shown, titles, strict=False):
        drawn = draw_image(ax, image, limits)
        ax.set_title(title, loc="center")
    if signed:
        figure.colorbar(drawn, ax=grid, fraction=0.03, label="value")
    named = f": {', '.join(titles)}" if any(titles) else ""
    figure.alt = f"{len(x)} image{'s' * (len(x) > 1)} of {x.shape[-1]} x {x.shape[-1]} pixels{named}."
    return figure


def _check_images_to_show(x: np.ndarray, titles: Sequence[str], signed: bool) -> None:
    if not len(x):
        raise ValueError("`images` must hold at least one image, got none. Select some to show.")
    if x.shape[1] not in (1, 3) and not signed:
        hint = "Show one channel, such as `images[:, :1]`."
        raise ValueError(f"`images` must have 1 or 3 channels to be shown, got {x.shape[1]}. {hint}")
    if len(titles) != len(x):
        hint = "Leave them out, or pass as many."
        raise ValueError(f"`titles` must hold one title per image, got {len(titles)} for {len(x)} images. {hint}")
