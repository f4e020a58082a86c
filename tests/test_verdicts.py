"""Verdicts: right, wrong and untried answers are told apart, and nothing that a reader writes ends in a traceback."""

import re

import numpy as np
import pytest

from equibook.verdicts import DONE, NOT_TRIED, NOT_YET, STATES, Verdict, judge

HINT = "Ask for 1."


def only_one(answer):
    """Find fault with every number but 1, and with every function of 1 whose value is not 1."""
    value = answer(1) if callable(answer) else answer
    return None if value == 1 else HINT


def say(answer, find_fault=only_one):
    return judge(answer, find_fault, title="00-1 One", wants="the number 1", right="It is 1.")


def stub(x): ...


def documented_stub(x):
    """Return one."""
    ...


def passing(x):
    """Return one."""
    pass


def returning_dots(x):
    return ...


class EmptyClass:
    """A class with nothing in it."""

    n = ...

    def method(self):
        """Do it."""
        ...


def forgets_return(x):
    x = x + 0


def stops(x):
    return 1 / (x - 1)


def partly_done(x):
    value = x + 1
    return ... if value else value


def test_a_right_answer_is_done():
    assert say(1) == Verdict("00-1 One", DONE, "It is 1.")
    assert say(lambda x: x).state == DONE


def test_a_wrong_answer_gets_the_hint():
    assert say(2) == Verdict("00-1 One", NOT_YET, HINT)
    assert say(lambda x: 2 * x).message == HINT


@pytest.mark.parametrize(
    "answer",
    [
        ..., None, (..., 1), [...], {"a": ...}, stub, documented_stub, passing, returning_dots, partly_done, EmptyClass,
        lambda x: ..., lambda x: None,
    ],
)  # fmt: skip
def test_what_is_not_tried_is_said_to_be_so(answer):
    verdict = say(answer)
    assert verdict.state == NOT_TRIED
    assert "in place of the three dots" in verdict.message and "Wanted: the number 1." in verdict.message


@pytest.mark.parametrize("answer", [0, False, "", [], {}, (None,), np.zeros(1), lambda x: 0, str])
def test_what_is_tried_is_not_taken_for_untried(answer):
    assert say(answer).state == NOT_YET


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (forgets_return, "Let its last line begin with `return`"),
        (stops, "Your function stopped at `return 1 / (x - 1)` with ZeroDivisionError: division by zero."),
        (lambda: 1, "Nothing can be made of this answer (TypeError: "),
        (np.array([1, 2]), "Nothing can be made of this answer (ValueError: The truth value"),
        (np.linalg.inv, "Nothing can be made of this answer (LinAlgError: "),
    ],
)
def test_an_answer_that_stops_the_check_gets_a_hint(answer, part):
    verdict = say(answer)
    assert verdict.state == NOT_YET and part in verdict.message


def test_the_hint_says_what_is_wanted_and_shows_no_traceback():
    message = say(stops).message
    assert message.endswith("Wanted: the number 1.") and "Traceback" not in message and __file__ not in message


def test_code_without_a_file_is_named_without_its_line():
    namespace = {}
    exec("def f(x):\n    return x.nonsense", namespace)
    assert say(namespace["f"]).message.startswith("Your function stopped with AttributeError: 'int' object has no")


def test_ctrl_c_passes():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        say(interrupted)


@pytest.mark.parametrize("state", STATES)
def test_the_state_is_said_by_a_sign_and_by_words(state):
    bundle = Verdict("09-1 <Ring>", state, "Try `a < b` & more.")._repr_mimebundle_()
    sign, words = {NOT_TRIED: "○ Not tried", NOT_YET: "✗ Not yet", DONE: "✓ Done"}[state].split(" ", 1)
    for text in bundle.values():
        assert sign in text and words in text
    assert bundle["text/plain"] == f"{sign} {words}: 09-1 <Ring>\n  Try `a < b` & more."
    assert "09-1 &lt;Ring&gt;" in bundle["text/html"] and ">a &lt; b</code> &amp; more." in bundle["text/html"]


def test_the_text_keeps_the_colour_of_the_page():
    shown = Verdict("t", DONE, "m")._repr_mimebundle_()["text/html"]
    assert "color: inherit" in shown
    assert re.findall(r"background: rgba\([\d, ]+, (\.\d+)\)", shown) == [".12"]
