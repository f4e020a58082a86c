"""Exercises with checks that help, quizzes, and how far you are: what the notebooks call.

>>> from equibook import lessons
>>> print(lessons.check("00-1", 90))
✗ Not yet: 00-1 Which way does the arrow turn?
  The size is right. Look at the sign in the exponent, and at the arrows above: which way do they run?
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equibook import progress
from equibook.exercises import find_exercise, list_exercises
from equibook.quizzes import Quiz, find_quiz
from equibook.readers_copy import make_readers_copy
from equibook.summaries import Table, summarise_reader, summarise_readers
from equibook.verdicts import Verdict

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["check", "quiz", "reader_copy", "summary"]


def check(name: str, answer: Any) -> Verdict:
    """Say whether an answer is right, and if it is not, what to try.

    In a folder that `equibook lab` has made, the outcome is kept in the file `equibook-progress.json`.

    Parameters
    ----------
    name : str
        Chapter and number of the exercise, such as "00-1".
    answer : object
        What the exercise asks for; a function is tried on small data. Three dots are an answer not tried yet.

    Returns
    -------
    Verdict
        Whatever the answer is, no error is raised.

    Raises
    ------
    ValueError
        Where there is no exercise of that name.

    Examples
    --------
    >>> from equibook import lessons
    >>> verdict = lessons.check("00-1", "90")
    >>> print(verdict)
    ✗ Not yet: 00-1 Which way does the arrow turn?
      Write a plain number, without quotes and without a unit.
    >>> lessons.check("00-1", ...).state
    'not tried'
    """
    exercise = find_exercise(name)
    verdict = exercise.check(answer)
    progress.record(exercise.name, verdict.state)
    return verdict


def quiz(name: str) -> Quiz:
    """Return a question with answers to choose from; it shows itself in a notebook and in a page.

    Parameters
    ----------
    name : str
        Chapter and word, such as "00-predict".

    Returns
    -------
    Quiz

    Raises
    ------
    ValueError
        Where there is no quiz of that name.

    Examples
    --------
    >>> from equibook import lessons
    >>> print(lessons.quiz("00-predict"))  # doctest: +ELLIPSIS
    A classifier compares images pixel by pixel. It is trained on 100 upright 3s and 8s, and ...
      (a) As often as before: a turned 3 is still a 3.
      (b) On about 8 of 10.
    ...
    """
    return find_quiz(name)


def summary(folder: str | os.PathLike[str] | None = None) -> Table:
    """Return which exercises are done.

    Parameters
    ----------
    folder : str or path, optional
        For teachers: a folder with the folders of readers in it. By default, your own progress.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        Where no reader's progress lies in the folder.

    Examples
    --------
    Over the folders of two readers, as a teacher has collected them:

    >>> import tempfile
    >>> from pathlib import Path
    >>> from equibook import lessons
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, state in (("ada", "done"), ("ben", "not yet")):
    ...         (Path(folder) / name).mkdir()
    ...         known = f'{{"exercises": {{"00-1": {{"state": "{state}", "tries": 2}}}}}}'
    ...         _ = (Path(folder) / name / "equibook-progress.json").write_text(known)
    ...     print(lessons.summary(folder))
    ✓ done, ✗ not yet, ○ not tried; the number says how many answers were checked.
    <BLANKLINE>
    reader   00-1
    ada      ✓ 2
    ben      ✗ 2
    done by  1 of 2
    """
    exercises = list_exercises()
    return summarise_reader(exercises) if folder is None else summarise_readers(Path(folder), exercises)


def reader_copy(notebook: Mapping[str, Any]) -> "NotebookNode":
    """Return a notebook without its solutions: cells with the tag `solution` become stubs with the tag `exercise`.

    Parameters
    ----------
    notebook : dict or NotebookNode
        Of nbformat 4. It stays as it is.

    Returns
    -------
    NotebookNode

    Examples
    --------
    >>> from nbformat import v4
    >>> from equibook import lessons
    >>> notebook = v4.new_notebook(cells=[v4.new_code_cell("n_faces = 6", metadata={"tags": ["solution"]})])
    >>> print(lessons.reader_copy(notebook).cells[0].source)
    # Your turn: put your answer in place of the three dots.
    n_faces = ...
    """
    return make_readers_copy(notebook)
