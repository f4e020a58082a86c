"""The exercises of the book: one module per chapter, found by its name and loaded when it is asked for.

To add an exercise, write into `chapter_05.py` a function that takes the reader's answer and returns a hint, or None
where the answer is right::

    @exercise(
        "05-1",
        title="How many maps?",  # these three as the notebook has them
        level="easy",
        minutes=3,
        wants="a whole number",
        right="Each of the 6 filters is turned into 8 orientations.",
    )
    def number_of_maps(answer):
        if answer == 6:
            return "These are the filters. How many copies of each are there?"
        return None if answer == 48 else "Multiply what is counted in the first two sentences."

The check needs nothing of the notebook: where the answer is a function, it is tried on data that are made here. The
questions of the quizzes lie beside the modules, in `chapter_05.json`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from equibook.verdicts import Verdict, judge

FOLDER = Path(__file__).parent
LEVELS = ("easy", "medium", "hard")

FindFault = Callable[[Any], str | None]

_exercises: dict[str, "Exercise"] = {}


@dataclass(frozen=True)
class Exercise:
    """An exercise and its check.

    Parameters
    ----------
    name : str
        Chapter and number, such as "05-1".
    title : str
    level : {"easy", "medium", "hard"}
    minutes : int
        That it may take.
    wants : str
        What kind of answer is wanted, such as "a number of degrees, such as 45".
    right : str
        What is said to a right answer.
    find_fault : callable
        Takes the answer; returns a hint, or None where the answer is right.

    Examples
    --------
    >>> from equibook.exercises import Exercise
    >>> def find_fault(answer):
    ...     return None if answer == 6 else "Each of the 12 edges belongs to two of them."
    >>> about = {"title": "How many faces has a cube?", "level": "easy", "minutes": 1}
    >>> said = {"wants": "a whole number", "right": "As many as a die has numbers."}
    >>> cube = Exercise("90-1", **about, **said, find_fault=find_fault)
    >>> print(cube.check(4))
    ✗ Not yet: 90-1 How many faces has a cube?
      Each of the 12 edges belongs to two of them.
    >>> cube.check(6).label, cube.check(...).label, cube.check("six").label
    ('✓ Done', '○ Not tried', '✗ Not yet')
    """

    name: str
    title: str
    level: str
    minutes: int
    wants: str
    right: str
    find_fault: FindFault

    def check(self, answer: Any) -> Verdict:
        """Return what is said to an answer; it never raises what the answer is at fault for."""
        return judge(answer, self.find_fault, title=f"{self.name} {self.title}", wants=self.wants, right=self.right)


def exercise(
    name: str, *, title: str, level: str, minutes: int, wants: str, right: str
) -> Callable[[FindFault], FindFault]:
    """Register the decorated function as the check of an exercise; the parameters are those of `Exercise`.

    Parameters
    ----------
    name : str
        Chapter and number, such as "05-1".
    title : str
    level : {"easy", "medium", "hard"}
    minutes : int
        That it may take.
    wants : str
        What kind of answer is wanted, such as "a number of degrees, such as 45".
    right : str
        What is said to a right answer.

    Returns
    -------
    callable
        The decorator, which returns the function that it is given.

    Examples
    --------
    >>> from equibook.exercises import exercise
    >>> said = {"wants": "a whole number", "right": "As many as a die has numbers."}
    >>> @exercise("90-2", title="How many faces has a cube?", level="easy", minutes=1, **said)
    ... def faces_of_cube(answer):
    ...     return None if answer == 6 else "Each of the 12 edges belongs to two of them."
    >>> faces_of_cube(4)
    'Each of the 12 edges belongs to two of them.'
    """
    _check_parameters(name, level, minutes, {"title": title, "wants": wants, "right": right})

    def register(find_fault: FindFault) -> FindFault:
        before = _exercises[name].find_fault.__qualname__ if name in _exercises else find_fault.__qualname__
        if before != find_fault.__qualname__:  # the same one again is a module that was reloaded
            need = f"`name` must be new, got {name!r}, which `{before}` has"
            raise ValueError(f"{need}. Number the exercises of a chapter one after the other.")
        _exercises[name] = Exercise(name, title, level, minutes, wants, right, find_fault)
        return find_fault

    return register


def find_exercise(name: str) -> Exercise:
    """Return the exercise with a name such as "05-1".

    Parameters
    ----------
    name : str

    Returns
    -------
    Exercise

    Examples
    --------
    >>> from equibook.exercises import find_exercise
    >>> found = find_exercise("00-1")
    >>> found.title, found.level, found.minutes
    ('Which way does the arrow turn?', 'easy', 3)
    """
    chapter = str(name)[:2]
    known = {found.name: found for found in list_exercises(chapter)}
    if not isinstance(name, str) or name not in known:
        listed = f"one of {', '.join(known)}" if known else f"of a chapter with exercises, {', '.join(list_chapters())}"
        hint = 'Write chapter and number, as in `lessons.check("00-1", answer)`.'
        raise ValueError(f"`name` must be {listed}, got {name!r}. {hint}")
    return known[name]


def list_exercises(chapter: str | None = None) -> list[Exercise]:
    """Return the exercises of one chapter such as "05", or of all, in their order.

    Parameters
    ----------
    chapter : str, optional

    Returns
    -------
    list of Exercise

    Examples
    --------
    >>> from equibook.exercises import list_exercises
    >>> [exercise.name for exercise in list_exercises("05")]
    ['05-1', '05-2', '05-3']
    """
    chapters = [number for number in list_chapters() if chapter in (None, number)]
    for number in chapters:
        import_module(f"{__name__}.chapter_{number}")
    found = [exercise for name, exercise in _exercises.items() if name[:2] in chapters]
    return sorted(found, key=lambda exercise: (exercise.name[:2], int(exercise.name[3:])))


def list_chapters() -> list[str]:
    """Return the numbers of the chapters with exercises, such as ["00", "09"].

    Returns
    -------
    list of str

    Examples
    --------
    >>> from equibook.exercises import list_chapters
    >>> list_chapters()[:3]
    ['00', '01', '02']
    """
    return sorted(path.stem.removeprefix("chapter_") for path in FOLDER.glob("chapter_*.py"))


def _check_parameters(name: str, level: str, minutes: int, texts: dict[str, str]) -> None:
    if not re.fullmatch(r"\d\d-[1-9]\d?", name):
        raise ValueError(f"`name` must be chapter and number, got {name!r}. Write it as in '05-1'.")
    if level not in LEVELS:
        raise ValueError(f"`level` must be one of {', '.join(LEVELS)}, got {level!r}. Choose one of these.")
    if not isinstance(minutes, int) or minutes < 1:
        raise ValueError(f"`minutes` must be a whole number from 1 on, got {minutes!r}. Round it up.")
    if empty := [key for key, text in texts.items() if not text.strip()]:
        raise ValueError(f"`{empty[0]}` must say something, got an empty text. Write a line for the reader.")
