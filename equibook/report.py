"""A study as one page of HTML: its figures, its pictures inside, no script, nothing loaded from anywhere."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image
from scipy.ndimage import gaussian_filter

from equibook import __version__
from equibook.advice import advise, describe_choice
from equibook.cases import Case, can_explain, choose_telling, choose_wrong, explain_case
from equibook.drawing import PALETTE
from equibook.folders import readable
from equibook.held_out import TURNED, UPRIGHT
from equibook.image_files import read_image
from equibook.sides import GLASS, SIDES
from equibook.study import ANGLES, Study

SIDE = 192  # pixels of a picture in the report
MOST_CLASSES_IN_TABLE = 12
MOST_NAMED = 30  # files that are left out
GROUPS = {"scale": "scale (pixels)", "ring": "ring, from the centre", "k": "angular frequency"}


def to_html(
    study: Study,
    *,
    title: str = "Your images",
    files: Sequence[Path] | None = None,
    left_out: Mapping[Path, str] | None = None,
    model_file: str = "equibook-model.skops",
) -> str:
    """Return the report of a study.

    Parameters
    ----------
    study : Study
    title : str
        Such as the name of the folder.
    files : sequence of Path, optional
        Of the images, one each: pictures are then read anew, larger than they were studied.
    left_out : dict from a Path to a str, optional
        See `equibook.folders.Folder`.
    model_file : str
        Where the fitted model lies, for the page to say how it is used.

    Returns
    -------
    str
        One page of HTML.

    Examples
    --------
    >>> from equibook import datasets
    >>> from equibook.report import to_html
    >>> from equibook.study import study_images
    >>> X, y = datasets.load_shapes(4, 16, classes=("bar", "L"), random_state=0)
    >>> page = to_html(study_images(X, y, translation="fixed", weights="digits"), title="Bars & Ls")
    >>> "Bars &amp; Ls" in page, "<script" in page
    (True, False)
    """
    environment = Environment(
        loader=PackageLoader("equibook"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    named = dict(list((left_out or {}).items())[:MOST_NAMED])
    return environment.get_template("report.html").render(
        title=readable(title),
        study=study,
        sides=SIDES,
        glass=GLASS,
        views=(UPRIGHT, TURNED),
        advice=advise(study),
        choice=describe_choice(study),
        palette=PALETTE,
        angles=ANGLES,
        confusion=_confusion(study),
        telling=_show(study, choose_telling(study), files),
        wrong=_show(study, choose_wrong(study), files),
        left_out={readable(Path(path.parent.name) / path.name): readable(why) for path, why in named.items()},
        n_left_out=len(left_out or {}),
        model_file=readable(model_file),
        version=__version__,
        today=date.today().isoformat(),
        groups=GROUPS,
    )


def as_frame(page: str, *, height: int = 640) -> str:
    """Return a page as a frame for a notebook: HTML that holds all of it.

    Parameters
    ----------
    page : str
        Of `to_html`.
    height : int
        In pixels.

    Returns
    -------
    str

    Examples
    --------
    >>> from equibook.report import as_frame
    >>> as_frame("<p>a page</p>", height=100)  # doctest: +ELLIPSIS
    '<div><iframe title="The report" srcdoc="&lt;p&gt;a page&lt;/p&gt;" style="width: 100%; height: 100px; ...
    """
    look = f"width: 100%; height: {height}px; border: 1px solid #8888; border-radius: 8px"
    return f'<div><iframe title="The report" srcdoc="{html.escape(page)}" style="{look}"></iframe></div>'


def _confusion(study: Study) -> list[tuple[str, list[int]]]:
    """Return the rows of the table of truth against answer, or nothing where it would be too wide."""
    names, said = list(study.classes), study.said[GLASS][UPRIGHT].astype(str)
    if len(names) > MOST_CLASSES_IN_TABLE:
        return []
    truth = study.labels.astype(str)
    return [(name, [int(((truth == name) & (said == other)).sum()) for other in names]) for name in names]


def _show(study: Study, rows: Sequence[int], files: Sequence[Path] | None) -> list[dict[str, Any]]:
    """Return what the page shows of each image: its picture and, where the score can be split, its parts."""
    shown = []
    for row in rows:
        facts: dict[str, Any] = {
            "truth": str(study.labels[row]),
            "said": str(study.said[GLASS][UPRIGHT][row]),
            "turned": str(study.said[GLASS][TURNED][row]),
            "name": readable(files[row].name) if files else f"image {row}",
            "picture": _picture(study, row, files),
        }
        facts["why"] = _why(explain_case(study, row)) if can_explain(study) else None
        shown.append(facts)
    return shown


def _why(case: Case) -> dict[str, Any]:
    pixels = case.why.pixels[0].sum(axis=0)
    parts = case.parts()
    largest = max((abs(value) for found in parts.values() for value in found.values()), default=0.0)
    return {
        "against": case.against,
        "score": float(case.why.score[0]),
        "bias": float(case.why.bias[0]),
        "average": float(case.why.bias[0] + case.why.reference[0].sum()),
        "for": float(pixels[pixels > 0].sum()),
        "minus": float(pixels[pixels < 0].sum()),
        "map": _map(pixels),
        "parts": parts,
        "largest": largest or 1.0,
    }


def _picture(study: Study, row: int, files: Sequence[Path] | None) -> str:
    image = study.images[row]
    if files:
        try:
            image = read_image(files[row], SIDE)
        except Exception:  # it was read before; if it has gone since, the smaller one will do
            image = study.images[row]
    values = np.round(255 * np.clip(image, 0, 1)).astype(np.uint8).transpose(1, 2, 0)
    picture = Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)
    return _as_uri(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC), "JPEG", quality=85)


def _map(pixels: np.ndarray) -> str:
    """Return the parts of pixels as a see-through picture: the more a place counts, the fuller its colour.

    It is smoothed by a pixel for the eye; the sums that are told are not.
    """
    smooth = gaussian_filter(pixels, 1)
    strength = np.clip(np.abs(smooth) / (np.quantile(np.abs(smooth), 0.995) or 1.0), 0, 1)
    colours = [[int(PALETTE[i][j : j + 2], 16) for j in (1, 3, 5)] for i in (0, 1)]
    values = np.empty((*pixels.shape, 4), dtype=np.uint8)
    values[..., :3] = np.where(smooth[..., None] > 0, colours[1], colours[0])
    values[..., 3] = np.round(255 * strength)
    return _as_uri(Image.fromarray(values).resize((SIDE, SIDE), Image.Resampling.BICUBIC), "PNG", optimize=True)


def _as_uri(picture: Image.Image, kind: str, **options: Any) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
