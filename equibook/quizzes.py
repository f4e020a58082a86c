"""The questions of the quizzes: read from a file per chapter, checked, and shown by JupyterQuiz, with its gaps mended.

Of JupyterQuiz we take the script, and neither its style, which reaches the whole page and tells right from wrong by
colour, nor `display_quiz`, which leaves an element open, draws from the global random numbers and has MathJax fetched
from another site. What a screen reader needs is added.
"""

import html
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

FOLDER = Path(__file__).parent / "exercises"
KEYS = {"answer": str, "correct": bool, "feedback": str}
LETTERS = "abcdef"


@dataclass(frozen=True)
class Answer:
    """One answer to choose.

    Parameters
    ----------
    answer : str
    correct : bool
    feedback : str
        What is said to those who choose it.

    Examples
    --------
    >>> from equibook.quizzes import Answer
    >>> Answer("4", correct=False, feedback="These are the edges of one face.").feedback
    'These are the edges of one face.'
    """

    answer: str
    correct: bool
    feedback: str


@dataclass(frozen=True)
class Quiz:
    """A question with answers of which one is right. In a notebook and in a page it shows itself.

    Parameters
    ----------
    question : str
    answers : tuple of Answer
        Texts are plain; words in backquotes are shown as code.

    Examples
    --------
    >>> from equibook.quizzes import Answer, Quiz
    >>> answers = (Answer("4", False, "These are the edges of one face."), Answer("6", True, "As on a die."))
    >>> quiz = Quiz("How many faces has a cube?", answers)
    >>> print(quiz)
    How many faces has a cube?
      (a) 4
      (b) 6
    >>> "<script>" in quiz.to_html()
    True
    """

    question: str
    answers: tuple[Answer, ...]

    def __str__(self) -> str:
        return "\n".join([self.question, *(f"  {text}" for text in self._texts())])

    def to_html(self) -> str:
        """Return the quiz as one piece of HTML that needs no kernel, no network and no other file."""
        from jupyterquiz.dynamic.loader import load_questions_script
        from jupyterquiz.dynamic.renderer import build_script, render_div

        name = f"quiz_{uuid.uuid4().hex}"
        questions, static, url = load_questions_script([self._for_jupyterquiz()], name)
        code = build_script(questions, static, url, name, True)
        return _PAGE.substitute(
            name=name,
            div=render_div(name, False, False, False, 1, 800, 0, "left"),
            question=_as_html(self.question),
            answers="".join(f"<li>{_as_html(answer.answer)}</li>" for answer in self.answers),
            script=re.sub(r"https://cdn[^']*", "", code),
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.to_html(), "text/plain": str(self)}

    def _texts(self) -> list[str]:
        return [f"({letter}) {answer.answer}" for letter, answer in zip(LETTERS, self.answers, strict=False)]

    def _for_jupyterquiz(self) -> dict[str, Any]:
        answers = [
            {
                "answer": _as_html(text),
                "correct": answer.correct,
                "feedback": ("✓ Right. " if answer.correct else "✗ Not so. ") + _as_html(answer.feedback),
            }
            for text, answer in zip(self._texts(), self.answers, strict=True)
        ]
        return {"question": _as_html(self.question), "type": "multiple_choice", "answers": answers}


def find_quiz(name: str) -> Quiz:
    """Return the quiz with a name such as "00-predict"; it stands in `exercises/chapter_00.json`.

    Parameters
    ----------
    name : str

    Returns
    -------
    Quiz

    Examples
    --------
    >>> from equibook.quizzes import find_quiz
    >>> [answer.answer for answer in find_quiz("00-predict").answers][:2]
    ['As often as before: a turned 3 is still a 3.', 'On about 8 of 10.']
    """
    files = {path.stem.removeprefix("chapter_"): path for path in sorted(FOLDER.glob("chapter_*.json"))}
    chapter = str(name)[:2]
    quizzes = load_quizzes(files[chapter]) if chapter in files else {}
    if not isinstance(name, str) or name not in quizzes:
        listed = f"one of {', '.join(quizzes)}" if quizzes else f"of a chapter with quizzes, {', '.join(files)}"
        hint = 'Write chapter and word, as in `lessons.quiz("00-predict")`.'
        raise ValueError(f"`name` must be {listed}, got {name!r}. {hint}")
    return quizzes[name]


def load_quizzes(path: Path) -> dict[str, Quiz]:
    """Read the quizzes of a chapter.

    Parameters
    ----------
    path : Path
        A JSON file `chapter_05.json`: under names such as "05-predict", objects with `question`, a text, and
        `answers`, two to six objects with `answer`, `correct` and `feedback`. Just one is correct.

    Returns
    -------
    dict from the name to a Quiz

    Examples
    --------
    >>> import json
    >>> import tempfile
    >>> from pathlib import Path
    >>> from equibook.quizzes import load_quizzes
    >>> answers = [{"answer": "4", "correct": False, "feedback": "These are the edges of one face."}]
    >>> answers += [{"answer": "6", "correct": True, "feedback": "As on a die."}]
    >>> quizzes = {"05-cube": {"question": "How many faces has a cube?", "answers": answers}}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "chapter_05.json"
    ...     _ = path.write_text(json.dumps(quizzes))
    ...     print(load_quizzes(path)["05-cube"])
    How many faces has a cube?
      (a) 4
      (b) 6
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_refuse_duplicates)
    except ValueError as error:
        raise ValueError(f"`{path.name}` must be a JSON file, got {error}. Mend it there.") from error
    _need(isinstance(stored, dict), path.name, "an object with a quiz for each name", stored)
    chapter = path.stem.removeprefix("chapter_")
    for name in stored:
        _need(re.fullmatch(rf"{chapter}-[a-z][a-z0-9-]*", name), path.name, f"names such as {chapter}-predict", name)
    return {name: _read_quiz(f"{path.name}: {name}", quiz) for name, quiz in stored.items()}


def _read_quiz(place: str, quiz: Any) -> Quiz:
    _need(isinstance(quiz, dict) and quiz.keys() == {"question", "answers"}, place, "`question` and `answers`", quiz)
    _check_text(f"{place}: question", quiz["question"])
    answers = quiz["answers"]
    _need(isinstance(answers, list) and 2 <= len(answers) <= len(LETTERS), place, "two to six answers", answers)
    for number, answer in enumerate(answers, start=1):
        _check_answer(f"{place}: answer {number}", answer)
    right = sum(answer["correct"] for answer in answers)
    _need(right == 1, place, "one correct answer", right)
    texts = [answer["answer"] for answer in answers]
    _need(len(set(texts)) == len(texts), place, "answers that differ", texts)
    return Quiz(quiz["question"], tuple(Answer(**answer) for answer in answers))


def _check_answer(place: str, answer: Any) -> None:
    _need(isinstance(answer, Mapping) and answer.keys() == KEYS.keys(), place, f"just {', '.join(KEYS)}", answer)
    for key, kind in KEYS.items():
        if kind is str:
            _check_text(f"{place}: {key}", answer[key])
        else:
            _need(isinstance(answer[key], bool), f"{place}: {key}", "true or false", answer[key])


def _check_text(place: str, text: Any) -> None:
    _need(isinstance(text, str) and text.strip(), place, "a text", text)
    _need("$" not in text, place, "plain text, such as e^(−ikα) for a formula, without the sign $", text)


def _need(holds: Any, place: str, what: str, got: Any) -> None:
    if not holds:
        shown = got.keys() if isinstance(got, dict) else got
        listed = ", ".join(shown) or "none" if isinstance(got, dict) else repr(shown)
        raise ValueError(f"`{place}` must have {what}, got {listed}. Mend it in that file.")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{min(twice)} twice")
    return dict(pairs)


def _as_html(text: str) -> str:
    """Return plain text as HTML; brackets are written so that JupyterQuiz does not take them for links."""
    escaped = html.escape(text).replace("[", "&#91;").replace("]", "&#93;")
    return re.sub("`([^`]+)`", r"<code>\1</code>", escaped)


# Within the function, `MathJax` and `Question` are undefined, and the name of the element is this element even if the
# page has it twice. JupyterLab takes the arrow keys for itself unless it is told not to.
_PAGE = Template(
    """<div role="group" aria-label="quiz">
$div<p>$question</p><ol type="a">$answers</ol></div>
<style>
#$name .Answer { display: grid; gap: .4em; margin: .6em 0; }
#$name .MCButton { display: flex; align-items: center; gap: .8em; margin: 0; padding: .4em .8em; font: inherit;
  color: inherit; border: 1px solid rgba(128, 128, 128, .8); border-radius: .3em; cursor: pointer; }
#$name .MCButton:focus-within { outline: 2px solid; outline-offset: -2px; }
#$name .MCButton input { all: unset; appearance: none; flex: none; box-sizing: border-box; width: 1em; height: 1em;
  border: 2px solid; border-radius: 50%; }
#$name .MCButton input:checked { border-width: .35em; }
#$name .correctButton { background: rgba(0, 158, 115, .12); }
#$name .incorrectButton { background: rgba(213, 94, 0, .12); }
#$name .Feedback { min-height: 3em; }
#$name code { color: inherit; background: none; }
</style>
<script>
((MathJax, Question) => {
  const here = document.currentScript?.parentElement.querySelector("[data-numquestions]");
  const $name = here ?? document.getElementById("$name");
  $name.replaceChildren();
  $script
  const mend = () => {
    const [question, answers, feedback] = $name.querySelectorAll(".MultipleChoiceQn > div, .Answer, .Feedback");
    if (!feedback) return setTimeout(mend, 100);
    answers.setAttribute("role", "radiogroup");
    answers.setAttribute("aria-labelledby", question.id);
    feedback.setAttribute("role", "status");
    for (const input of answers.querySelectorAll("input")) input.dataset.lmSuppressShortcuts = "true";
  };
  mend();
})();
</script>
</div>"""
)
