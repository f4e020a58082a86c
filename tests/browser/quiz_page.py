"""The quizzes of a page: every answer is chosen, by a click and by a key, and what is then said is compared."""

from typing import Any

from driver import wait_until

SIGNS = {"true": "✓ Right. ", "false": "✗ Not so. "}


def answer_all(page: Any) -> int:
    """Choose every answer of every quiz in a page, and return the number of quizzes."""
    quizzes = page.locator(".Quiz").all()
    for quiz in quizzes:
        page.wait_for_function("quiz => quiz.querySelector('[role=status]')", arg=quiz.element_handle())
        answers = quiz.locator("label.MCButton").all()
        assert len({answer.get_attribute("data-correct") for answer in answers}) == 2
        for answer in answers:
            answer.click()
            check_feedback(quiz, answer)
        answers[0].click()
        for answer in [*answers[1:], answers[0]]:
            page.keyboard.press("ArrowDown")
            check_feedback(quiz, answer)
    return len(quizzes)


def check_feedback(quiz: Any, answer: Any) -> None:
    """See that the answer is marked, and that its feedback is shown, with a sign besides the colour."""
    wanted = answer.evaluate(
        "node => new DOMParser().parseFromString(node.dataset.feedback, 'text/html').body.textContent"
    )
    about = f"{answer.text_content()}: {wanted}"
    assert wanted.startswith(SIGNS[answer.get_attribute("data-correct")]), about
    wait_until(lambda: quiz.locator("[role=status]").text_content() == wanted, about, patience=20)
    assert answer.locator("input").is_checked(), about
