"""Your own images: `equibook fit FOLDER`, one sub-folder per class. A table, a report, and a model to predict with."""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path

from threadpoolctl import threadpool_limits

from equibook._checks import check_positive_int
from equibook._files import whole_file
from equibook.classifiers import CLASSIFIERS
from equibook.folders import keep_usable, natural_size, read_folder, readable
from equibook.invariant import INVARIANTS
from equibook.persistence import save
from equibook.report import to_html
from equibook.representation import SMALLEST, TRANSLATIONS
from equibook.study import study_images

REPORT, MODEL = Path("equibook-report.html"), Path("equibook-model.skops")
MOST_NAMED = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `equibook fit`.

    Parameters
    ----------
    parser : argparse.ArgumentParser

    Examples
    --------
    >>> import argparse
    >>> from equibook.fit import add_arguments
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> args = parser.parse_args(["my_images", "--size", "48"])
    >>> args.folder.name, args.size, args.classifier, args.report.name, args.model.name
    ('my_images', 48, 'nearest_mean', 'equibook-report.html', 'equibook-model.skops')
    """
    parser.add_argument("folder", type=Path, help="with one sub-folder of images per class; nothing in it is changed")
    parser.add_argument(
        "--report", type=Path, default=REPORT, metavar="FILE", help="a page of HTML (default: ./%(default)s)"
    )
    parser.add_argument(
        "--model", type=Path, default=MODEL, metavar="FILE", help="for `equibook predict` (default: ./%(default)s)"
    )
    parser.add_argument(
        "--size", type=int, metavar="PIXELS",
        help="that images are resized to (default: the median of their shorter sides, from 32 to 64)",
    )  # fmt: skip
    parser.add_argument(
        "--classifier", choices=list(CLASSIFIERS), default="nearest_mean", help="Layer 3 (default: %(default)s)"
    )
    parser.add_argument(
        "--translation", choices=["auto", *TRANSLATIONS], default="auto",
        help="where Layer 1 reads: about the fixed centre, about the centre of mass, everywhere (default: the one that "
        "validation on training images favours)",
    )  # fmt: skip
    parser.add_argument(
        "--invariant", choices=list(INVARIANTS), default="cross", help="what Layer 1 keeps (default: %(default)s)"
    )
    parser.add_argument(
        "--random-state", type=int, default=0, metavar="SEED", help="draws parts and angles (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Print the table, write the report and the model, and say where they are.

    Parameters
    ----------
    args : argparse.Namespace

    Returns
    -------
    int

    Examples
    --------
    A folder without sub-folders, one for each class, says nothing about classes:

    >>> import argparse
    >>> import contextlib
    >>> import tempfile
    >>> from pathlib import Path
    >>> from equibook.fit import add_arguments, run
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
    ...     Path("my_images").mkdir()
    ...     run(parser.parse_args(["my_images"]))
    Traceback (most recent call last):
        ...
    ValueError: `folder` must hold one sub-folder per class, got none in 'my_images'. Put the images ... of their own.
    """
    started = time.perf_counter()
    places = (
        whole_file(args.report, suffix=".html", option="report"),
        whole_file(args.model, suffix=".skops", option="model"),
    )
    # The matrices are small: one thread is as quick, and much quicker where other work keeps the other cores busy.
    with places[0] as report, places[1] as model, threadpool_limits(1, user_api="blas"):
        found = keep_usable(read_folder(args.folder, _check_size(args.size) or natural_size(args.folder)))
        study = study_images(
            found.images,
            found.labels,
            classifier=args.classifier,
            translation=args.translation,
            invariant=args.invariant,
            random_state=args.random_state,
            progress=True,
        )
        page = to_html(
            study,
            title=args.folder.resolve().name,
            files=found.files,
            left_out=found.left_out,
            model_file=args.model.name,
        )
        report.write_bytes(page.encode("utf-8", "replace"))
        save(study.model, model)
    print(study)
    _tell_left_out(found.left_out, args.folder)
    print(f"\nTook {time.perf_counter() - started:.1f} s.")
    print(f"The report: {readable(args.report.resolve())}")
    print(f"The model:  {readable(args.model.resolve())}")
    print(f"Try it:     equibook predict {readable(args.model)} IMAGE…")
    return 0


def _check_size(size: int | None) -> int | None:
    if size is not None and check_positive_int(size, name="size") < SMALLEST:
        raise ValueError(f"`size` must be at least {SMALLEST} pixels, got {size}. Leave it out for a size that suits.")
    return size


def _tell_left_out(left_out: Mapping[Path, str], folder: Path) -> None:
    if not left_out:
        return
    print(f"\nLeft out ({len(left_out)} of the files; nothing was changed):")
    for path, reason in list(left_out.items())[:MOST_NAMED]:
        print(f"- {readable(path.relative_to(folder))}: {readable(reason)}")
    if len(left_out) > MOST_NAMED:
        print(f"- and {len(left_out) - MOST_NAMED} more, which the report names")
