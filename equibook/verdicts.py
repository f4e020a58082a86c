"""What is said to an answer: not tried, not yet, or done, in words, by a sign and by a colour.

A check never ends in a traceback: whatever goes wrong with an answer becomes a hint.
"""

import dis
import functools
import html
import inspect
import linecache
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

NOT_TRIED, NOT_YET, DONE = "not tried", "not yet", "done"
STATES = (NOT_TRIED, NOT_YET, DONE)
SIGNS = {NOT_TRIED: "○", NOT_YET: "✗", DONE: "✓"}
COLOURS = {NOT_TRIED: "128, 128, 128", NOT_YET: "213, 94, 0", DONE: "0, 158, 115"}  # of the bar, and faint behind
DOES_NOTHING = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE", "COPY_FREE_VARS"}


@dataclass(frozen=True)
class Verdict:
    """What a check says to an answer. In a notebook it shows itself.

    Parameters
    ----------
    title : str
        The exercise.
    state : {"not tried", "not yet", "done"}
    message : str
        What is wrong and what to try, or what makes the answer right. Words in backquotes are shown as code.

    Examples
    --------
    >>> from equibook.verdicts import Verdict
    >>> verdict = Verdict("00-1 Which way does the arrow turn?", "not yet", "Look at the sign in the exponent.")
    >>> print(verdict)
    ✗ Not yet: 00-1 Which way does the arrow turn?
      Look at the sign in the exponent.
    >>> sorted(verdict._repr_mimebundle_())  # what a notebook asks it for
    ['text/html', 'text/plain']
    """

    title: str
    state: str
    message: str

    @property
    def label(self) -> str:
        """The state as a sign and words, such as `✓ Done`."""
        return f"{SIGNS[self.state]} {self.state.capitalize()}"

    def __str__(self) -> str:
        return f"{self.label}: {self.title}\n  {self.message}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return the verdict as HTML that reads well on light and on dark ground, and as text."""
        colour = COLOURS[self.state]
        look = f"border-left: .4em solid rgb({colour}); background: rgba({colour}, .12); color: inherit"
        code = r'<code style="color: inherit; background: none">\1</code>'
        text = re.sub("`([^`]+)`", code, html.escape(self.message))
        head = f"<b>{self.label}</b> · {html.escape(self.title)}"
        box = f'<div style="{look}; padding: .5em 1em; max-width: 50em">{head}<br>{text}</div>'
        return {"text/html": box, "text/plain": str(self)}


def judge(answer: Any, find_fault: Callable[[Any], str | None], *, title: str, wants: str, right: str) -> Verdict:
    """Return what is said to an answer.

    Parameters
    ----------
    answer : object
        `...`, None, a tuple, list or dict with `...` in it, and a function or class with nothing in it are not tried.
    find_fault : callable
        Takes the answer; returns a hint, or None where the answer is right. It may raise what it likes.
    title : str
        The exercise.
    wants : str
        What kind of answer is wanted, such as "a number of degrees".
    right : str
        The message for a right answer.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> from equibook.verdicts import judge
    >>> def find_fault(square):
    ...     return None if square(3) == 9 else f"Of 3 it makes {square(3)}."
    >>> def divide(x):
    ...     return x / 0
    >>> words = {"title": "Square a number", "wants": "a function", "right": "So it is."}
    >>> for answer in (lambda x: x**2, lambda x: 2 * x, divide, 9, ...):
    ...     verdict = judge(answer, find_fault, **words)
    ...     print(verdict.label, "-", verdict.message)
    ✓ Done - So it is.
    ✗ Not yet - Of 3 it makes 6.
    ✗ Not yet - Your function stopped at `return x / 0` with ZeroDivisionError: division by zero. Wanted: a function.
    ✗ Not yet - Nothing can be made of this answer (TypeError: 'int' object is not callable). Wanted: a function.
    ○ Not tried - Put your answer in place of the three dots and run both cells again. Wanted: a function.
    """
    try:
        if _is_untried(answer):
            raise _UntriedError
        hint = find_fault(_watch(answer) if isinstance(answer, FunctionType) else answer)
    except _UntriedError:
        hint = f"Put your answer in place of the three dots and run both cells again. Wanted: {wants}."
        return Verdict(title, NOT_TRIED, hint)
    except _NothingReturnedError:
        hint = f"Your function ends without a result. Let its last line begin with `return`. Wanted: {wants}."
    except Exception as error:  # a reader's answer may raise anything, and may make the check raise anything
        hint = f"{_describe(error, answer)} Wanted: {wants}."
    return Verdict(title, DONE, right) if hint is None else Verdict(title, NOT_YET, hint)


class _UntriedError(Exception):
    """The answer still holds the three dots."""


class _NothingReturnedError(Exception):
    """A function with something in it returned None."""


def _is_untried(answer: Any) -> bool:
    if isinstance(answer, dict):
        return any(part is ... for part in answer.values())
    if isinstance(answer, tuple | list):
        return any(part is ... for part in answer)
    if inspect.isclass(answer):
        methods = [part for part in vars(answer).values() if isinstance(part, FunctionType)]
        return bool(methods) and all(map(_is_empty, methods))
    return answer is ... or answer is None or (isinstance(answer, FunctionType) and _is_empty(answer))


def _is_empty(function: FunctionType) -> bool:
    """Say whether a function does nothing but return None or `...`."""
    steps = list(dis.get_instructions(function))
    returned = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    return all(step.opname in DOES_NOTHING for step in steps) and all(value in (None, ...) for value in returned)


def _watch(function: FunctionType) -> Callable[..., Any]:
    """Return the function with an eye on its results: neither `...` nor None is one."""

    @functools.wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if result is ...:
            raise _UntriedError
        if result is None:
            raise _NothingReturnedError
        return result

    return watched


def _describe(error: Exception, answer: Any) -> str:
    """Say where the reader's function stopped, or that the check could make nothing of the answer."""
    said = f"{type(error).__name__}: {error}".rstrip(".: ")
    code = getattr(answer, "__code__", None)
    steps = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    if code not in [step for step, _ in steps]:
        return f"Nothing can be made of this answer ({said})."
    number = [number for step, number in steps if step.co_filename == code.co_filename][-1]
    line = linecache.getline(code.co_filename, number).strip()
    return f"Your function stopped{f' at `{line}`' if line else ''} with {said}."
