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

    Examples
    --------
    >>> from equibook.summaries import Table
    >>> rows = [["00-1", "✓ done"], ["00-2", "✗ not yet"]]
    >>> print(Table("Made up.", ["exercise", "state"], rows, notes=["More to come."]))
    Made up.
    <BLANKLINE>
    exercise  state
    00-1      ✓ done
    00-2      ✗ not yet
    <BLANKLINE>
    More to come.
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

    Examples
    --------
    >>> import contextlib
    >>> import tempfile
    >>> from pathlib import Path
    >>> from equibook import progress
    >>> from equibook.exercises import Exercise
    >>> from equibook.summaries import summarise_reader
    >>> about = {"minutes": 1, "wants": "a whole number", "right": "Right.", "find_fault": lambda answer: None}
    >>> cube = Exercise("90-1", title="Faces of a cube", level="easy", **about)
    >>> ball = Exercise("90-2", title="Symmetries of a ball", level="hard", **about)
    >>> with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
    ...     _ = Path(progress.MANIFEST).write_text("{}")  # as `equibook lab` makes a reader's folder
    ...     progress.record("90-1", "done")
    ...     print(summarise_reader([cube, ball]))
    1 of 2 exercises of the book done; this is kept in equibook-progress.json.
    <BLANKLINE>
    exercise  title                 level  state        tries
    90-1      Faces of a cube       easy   ✓ done       1
    90-2      Symmetries of a ball  hard   ○ not tried  0
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

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from equibook import progress
    >>> from equibook.exercises import list_exercises
    >>> from equibook.summaries import summarise_readers
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, state, tries in (("ada", "done", 2), ("ben", "not yet", 5)):
    ...         (Path(folder) / name).mkdir()
    ...         known = f'{{"exercises": {{"00-1": {{"state": "{state}", "tries": {tries}}}}}}}'
    ...         _ = (Path(folder) / name / progress.FILE).write_text(known)
    ...     print(summarise_readers(Path(folder), list_exercises("00")))
    ✓ done, ✗ not yet, ○ not tried; the number says how many answers were checked.
    <BLANKLINE>
    reader   00-1
    ada      ✓ 2
    ben      ✗ 5
    done by  1 of 2
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
