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
    """
    return make_readers_copy(notebook)
