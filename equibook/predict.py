"""What a fitted model says of images, and which are unlike all that it has seen: `equibook predict MODEL IMAGE…`."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from equibook.classifiers import PROBABILISTIC
from equibook.folders import read_images, readable
from equibook.glassbox import GlassBoxClassifier
from equibook.image_files import list_images, with_channels
from equibook.persistence import load
from equibook.screening import USUAL, foreignness, is_blank

FOREIGN = "unlike all training images"
BLANK = "blank"
WIDTH = 80
_COLUMNS = ("file", "class", "probability", "novelty", "")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `equibook predict`.

    Parameters
    ----------
    parser : argparse.ArgumentParser

    Examples
    --------
    >>> import argparse
    >>> from equibook.predict import add_arguments
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> args = parser.parse_args(["equibook-model.skops", "one.jpg", "two.jpg"])
    >>> args.model.name, [path.name for path in args.images]
    ('equibook-model.skops', ['one.jpg', 'two.jpg'])
    """
    parser.add_argument("model", type=Path, help="a file that `equibook fit` has written")
    parser.add_argument(
        "images",
        type=Path,
        nargs="+",
        metavar="image",
        help="image files, or folders: all images in them, one level deep",
    )


def run(args: argparse.Namespace) -> int:
    """Print one line for each image; name files that cannot be read.

    Parameters
    ----------
    args : argparse.Namespace

    Returns
    -------
    int

    Examples
    --------
    >>> import contextlib
    >>> import tempfile
    >>> from argparse import Namespace
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> import equibook as eq
    >>> from equibook.predict import run
    >>> from equibook.representation import Pixels
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> model = eq.GlassBoxClassifier(representation=Pixels()).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
    ...     _ = eq.save(model, "model.skops")
    ...     Image.new("L", (16, 16)).save("black.png")
    ...     status = run(Namespace(model=Path("model.skops"), images=[Path("black.png")]))  # doctest: +ELLIPSIS
    file          class  probability  novelty
    black.png     ...  blank
    >>> status
    0
    """
    model = load_model(args.model)
    paths = [path for given in args.images for path in _list(given)]
    images, files, failed = read_images(paths, model.representation_.size_)
    for path, reason in failed.items():
        print(f"equibook predict: {readable(path)} is skipped, {readable(reason)}", file=sys.stderr)
    if not files:
        raise ValueError(
            f"`images` must hold images that can be read, got none of {len(paths)} files. Check the paths."
        )
    X = np.stack([with_channels(image, model.representation_.n_channels_) for image in images])
    print(format_answers(predict_images(model, X), files))
    return 0


def load_model(path: Path) -> GlassBoxClassifier:
    """Load a model that `equibook fit` has written, and try it.

    Parameters
    ----------
    path : Path

    Returns
    -------
    GlassBoxClassifier

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import equibook as eq
    >>> from equibook.predict import load_model
    >>> from equibook.representation import Pixels
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> model = eq.GlassBoxClassifier(representation=Pixels()).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.skops"
    ...     _ = eq.save(model, path)
    ...     (load_model(path).predict(X) == model.predict(X)).all().item()
    True
    """
    model = load(path)
    hint = "Take the file that `equibook fit` has written, or fit again."
    if not isinstance(model, GlassBoxClassifier) or not hasattr(model, "representation_"):
        raise ValueError(f"`model` must hold a fitted GlassBoxClassifier, got another kind in {str(path)!r}. {hint}")
    try:
        layer_1 = model.representation_
        answers = predict_images(model, np.zeros((1, layer_1.n_channels_, layer_1.size_, layer_1.size_), np.float32))
        sound = layer_1.n_channels_ in (1, 3) and len(answers["class"]) == 1
    except Exception as error:  # numbers that do not fit together fail in many ways
        reason = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
        raise ValueError(
            f"`model` must be whole, got parts that do not fit in {str(path)!r} ({reason}). {hint}"
        ) from error
    if not sound:
        raise ValueError(f"`model` must take images of 1 or 3 channels, got {layer_1.n_channels_}. {hint}")
    return model


def predict_images(model: GlassBoxClassifier, X: Any) -> dict[str, np.ndarray]:
    """Return what a model says of images, and whether they are of the kind that it knows.

    Parameters
    ----------
    model : GlassBoxClassifier
        Fitted.
    X : ndarray or Tensor of shape (n_samples, n_channels, height, width)

    Returns
    -------
    dict of ndarrays of shape (n_samples,)
        "class"; "probability", nan where the classifier has none; "novelty", see `equibook.screening`; "note", "" for
        images of the known kind.

    Examples
    --------
    A black image is none of the known kind.

    >>> import numpy as np
    >>> import equibook as eq
    >>> from equibook.predict import predict_images
    >>> from equibook.representation import Pixels
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> model = eq.GlassBoxClassifier(representation=Pixels()).fit(X, y)
    >>> answers = predict_images(model, np.concatenate([X[:2], np.zeros_like(X[:1])]))
    >>> {name: values.shape for name, values in answers.items()}
    {'class': (3,), 'probability': (3,), 'novelty': (3,), 'note': (3,)}
    >>> answers["note"].tolist()
    ['', '', 'blank']
    """
    said, novelty = model.predict(X), foreignness(model, X)
    if model.classifier in PROBABILISTIC:
        probability = model.predict_proba(X).max(axis=1)
    else:
        probability = np.full(len(said), np.nan)
    note = np.where(is_blank(X), BLANK, np.where(novelty > USUAL, FOREIGN, ""))
    return {"class": said, "probability": probability, "novelty": novelty, "note": note}


def format_answers(answers: dict[str, np.ndarray], files: Sequence[Path]) -> str:
    """Return one line an image; names that are long are cut at their beginning.

    Parameters
    ----------
    answers : dict of ndarrays of shape (n_samples,)
        See `predict_images`.
    files : sequence of Path
        One an image.

    Returns
    -------
    str

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from equibook.predict import format_answers
    >>> answers = {"class": np.array(["bar", "ring"]), "probability": np.array([0.987, np.nan])}
    >>> answers |= {"novelty": np.array([0.5, 2.25]), "note": np.array(["", "unlike all training images"])}
    >>> print(format_answers(answers, [Path("one.jpg"), Path("two.jpg")]))
    file          class  probability  novelty
    one.jpg       bar          98.7%     0.50
    two.jpg       ring                   2.25  unlike all training images
    """
    rows = [
        (
            readable(path),
            readable(said),
            "" if np.isnan(probability) else f"{probability:.1%}",
            f"{min(novelty, 999):.2f}",
            str(note),
        )
        for path, said, probability, novelty, note in zip(files, *answers.values(), strict=True)
    ]
    widths = [max(len(row[i]) for row in [_COLUMNS, *rows]) for i in range(len(_COLUMNS))]
    widths[0] = max(12, min(widths[0], WIDTH - sum(widths[1:]) - 2 * (len(widths) - 1)))
    return "\n".join(_line(row, widths) for row in [_COLUMNS, *rows])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    name = row[0] if len(row[0]) <= widths[0] else "…" + row[0][1 - widths[0] :]
    cells = (name.ljust(widths[0]), row[1].ljust(widths[1]), row[2].rjust(widths[2]), row[3].rjust(widths[3]), row[4])
    return "  ".join(cells).rstrip()


def _list(given: Path) -> Iterator[Path]:
    """Yield an image file; or those of a folder and of its sub-folders."""
    if not given.exists():
        raise ValueError(f"`images` must be existing files or folders, got {str(given)!r}. Check the path.")
    if not given.is_dir():
        yield given
        return
    yield from list_images(given)
    for folder in sorted(path for path in given.iterdir() if path.is_dir() and not path.name.startswith(".")):
        yield from list_images(folder)
