"""Who has done what: a table for the reader, and one over many readers for the teacher."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from equibook import progress
from equibook.exercises import Exercise
from equibook.progress import FILE, Tried
from equibook.verdicts import DONE, NOT_TRIED, SIGNS

LOOK = ' style="text-align: left; padding: .2em .8em"'


@dataclass(frozen=True)
class Table:
    """A table of texts. In a notebook it shows itself; printed, it is text.

    Parameters
    ----------
    caption : str
    head : sequence of str
    rows : sequence of sequences of str
        The first entry of each says what the row is about.
    notes : sequence of str
        Written below the table.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (self.head, *self.rows)]
        return "\n".join([self.caption, "", *lines, *(["", *self.notes] if self.notes else [])])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return the table as HTML, with heads of rows and columns marked as such, and as text."""
        head = "".join(f'<th scope="col"{LOOK}>{html.escape(text)}</th>' for text in self.head)
        rows = "".join(f"<tr>{_row_as_html(row)}</tr>" for row in self.rows)
        caption = f'<caption style="color: inherit; text-align: left">{html.escape(self.caption)}</caption>'
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        table = f'<table class="dataframe">{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{notes}'
        return {"text/html": table, "text/plain": str(self)}


def summarise_reader(exercises: Sequence[Exercise]) -> Table:
    """Return how far this reader is: the exercises of all chapters in which one was tried.

    Parameters
    ----------
    exercises : sequence of Exercise
        Those of the book.

    Returns
    -------
    Table
        All exercises where none was tried.
    """
    known = progress.load()
    chapters = {name[:2] for name in known}
    shown = [exercise for exercise in exercises if exercise.name[:2] in chapters] or exercises
    n_done = sum(known.get(exercise.name, Tried()).state == DONE for exercise in exercises)
    where = f"kept in {FILE}" if progress.is_kept() else "remembered until the kernel stops"
    caption = f"{n_done} of {len(exercises)} exercises of the book done; this is {where}."
    return Table(caption, ["exercise", "title", "level", "state", "tries"], [_row(e, known) for e in shown])


def summarise_readers(folder: Path, exercises: Sequence[Exercise]) -> Table:
    """Return how far many readers are, and how many have done each exercise.

    Parameters
    ----------
    folder : Path
        In it the readers' folders, with the progress file in each or one level below.
    exercises : sequence of Exercise
        Those of the book. One column each for those that somebody tried.

    Returns
    -------
    Table
        A row for each reader. Files that cannot be read are named below.
    """
    files = sorted(path for pattern in (f"*/{FILE}", f"*/*/{FILE}") for path in folder.glob(pattern))
    if not files:
        need = f"`folder` must hold folders of readers, each with a file {FILE}"
        raise ValueError(f"{need}, got none in {str(folder)!r}. Put the collected folders side by side into it.")
    readers, notes = _read_all(folder, files)
    tried = {name for known in readers.values() for name in known}
    order = [exercise.name for exercise in exercises]
    names = [name for name in order if name in tried] + sorted(tried - set(order))
    rows = [[reader, *(_mark(known.get(name, Tried())) for name in names)] for reader, known in readers.items()]
    done = [sum(known.get(name, Tried()).state == DONE for known in readers.values()) for name in names]
    rows.append(["done by", *(f"{count} of {len(readers)}" for count in done)])
    caption = "✓ done, ✗ not yet, ○ not tried; the number says how many answers were checked."
    return Table(caption, ["reader", *names], rows, notes)


def _row(exercise: Exercise, known: Mapping[str, Tried]) -> list[str]:
    tried = known.get(exercise.name, Tried())
    return [exercise.name, exercise.title, exercise.level, f"{SIGNS[tried.state]} {tried.state}", str(tried.tries)]


def _mark(tried: Tried) -> str:
    return SIGNS[tried.state] if tried.state == NOT_TRIED else f"{SIGNS[tried.state]} {tried.tries}"


def _read_all(folder: Path, files: Sequence[Path]) -> tuple[dict[str, dict[str, Tried]], list[str]]:
    """Return the progress of each reader, and a note on each file that cannot be read."""
    readers, notes = {}, []
    for path in files:
        reader = path.parent.relative_to(folder).as_posix()
        try:
            readers[reader] = progress.read(path)
        except (OSError, ValueError) as error:
            notes.append(f"{reader} is left out: {error}")
    return readers, notes


def _row_as_html(row: Sequence[str]) -> str:
    head, *rest = (html.escape(text) for text in row)
    return f'<th scope="row"{LOOK}>{head}</th>' + "".join(f"<td{LOOK}>{text}</td>" for text in rest)
