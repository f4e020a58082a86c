"""Quizzes: a faulty file is refused in clear words; what is shown needs no other site, and no colour to be read."""

import copy
import json
import random
import re
from html.parser import HTMLParser

import pytest

from equibook import quizzes
from equibook.quizzes import find_quiz, load_quizzes

GOOD = {
    "05-predict": {
        "question": "How many?",
        "answers": [
            {"answer": "One.", "correct": False, "feedback": "Count again."},
            {"answer": "Two.", "correct": True, "feedback": "One and one."},
        ],
    }
}
ALL = [(name, quiz) for path in sorted(quizzes.FOLDER.glob("*.json")) for name, quiz in load_quizzes(path).items()]


@pytest.fixture
def write(tmp_path):
    def write(stored, name="chapter_05.json"):
        path = tmp_path / name
        path.write_text(stored if isinstance(stored, str) else json.dumps(stored), encoding="utf-8")
        return path

    return write


def changed(**changes):
    quiz = copy.deepcopy(GOOD)
    quiz["05-predict"] |= changes
    return quiz


def with_answer(**changes):
    quiz = copy.deepcopy(GOOD)
    quiz["05-predict"]["answers"][0] |= changes
    return quiz


def test_a_good_file_is_read(write):
    quiz = load_quizzes(write(GOOD))["05-predict"]
    assert quiz.question == "How many?" and [answer.correct for answer in quiz.answers] == [False, True]
    assert str(quiz) == "How many?\n  (a) One.\n  (b) Two."


ONE, TWO = GOOD["05-predict"]["answers"]


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ("{", "`chapter_05.json` must be a JSON file, got Expecting property name"),
        ('{"05-a": 1, "05-a": 2}', "`chapter_05.json` must be a JSON file, got 05-a twice. Mend it there."),
        ([], "`chapter_05.json` must have an object with a quiz for each name, got [].  Mend it"),
        ({"06-predict": {}}, "`chapter_05.json` must have names such as 05-predict, got '06-predict'. Mend it"),
        ({"05-Predict": {}}, "`chapter_05.json` must have names such as 05-predict, got '05-Predict'."),
        ({"05-predict": {}}, "`chapter_05.json: 05-predict` must have `question` and `answers`, got none."),
        ({"05-predict": 3}, "`chapter_05.json: 05-predict` must have `question` and `answers`, got 3."),
        (changed(type="numeric"), "must have `question` and `answers`, got question, answers, type."),
        (changed(question=" "), "`chapter_05.json: 05-predict: question` must have a text, got ' '."),
        (
            changed(question="$k$?"),
            "must have plain text, such as e^(−ikα) for a formula, without the sign $, got '$k$?'",
        ),
        (changed(answers=[TWO]), "must have two to six answers, got [{"),
        (changed(answers="abc"), "must have two to six answers, got 'abc'."),
        (changed(answers=[ONE, ONE]), "`chapter_05.json: 05-predict` must have one correct answer, got 0."),
        (changed(answers=[TWO, TWO]), "`chapter_05.json: 05-predict` must have one correct answer, got 2."),
        (changed(answers=[ONE, ONE, TWO]), "must have answers that differ, got ['One.', 'One.', 'Two.']."),
        (changed(answers=[ONE, 2]), "`chapter_05.json: 05-predict: answer 2` must have just answer, correct, feedback"),
        (with_answer(value=1), "must have just answer, correct, feedback, got answer, correct, feedback, value."),
        (with_answer(correct="false"), "answer 1: correct` must have true or false, got 'false'."),
        (with_answer(feedback=""), "answer 1: feedback` must have a text, got ''. Mend it in that file."),
    ],
)
def test_a_faulty_file_is_refused(write, stored, message):
    with pytest.raises(ValueError, match=re.escape(message.replace("  ", " "))):
        load_quizzes(write(stored))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("00-nonsense", "`name` must be one of 00-predict, got '00-nonsense'. Write chapter and word"),
        ("99-predict", "`name` must be of a chapter with quizzes, 00, "),
        (["00-predict"], "Write chapter and word"),
    ],
)
def test_an_unknown_quiz(name, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        find_quiz(name)


class Elements(HTMLParser):
    """Note whether every element is closed, and what addresses the page would load from."""

    def __init__(self):
        super().__init__()
        self.open, self.closed_wrongly, self.addresses = [], [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.addresses += [value for key, value in attrs if key in ("src", "href")]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.closed_wrongly.append(tag)


@pytest.mark.parametrize(("name", "quiz"), ALL, ids=[name for name, _ in ALL])
def test_what_is_shown_is_closed_and_loads_nothing(name, quiz):
    shown = quiz.to_html()
    elements = Elements()
    elements.feed(shown)
    assert elements.open == elements.closed_wrongly == elements.addresses == []
    assert not re.search(r"https?://(?!www\.w3\.org)", shown)


def test_an_open_element_would_be_seen():
    elements = Elements()
    elements.feed('<div><div><p>text</p><script src="a.js"></script></div>')
    assert elements.open == ["div"] and elements.addresses == ["a.js"]


def test_only_the_marked_answer_is_said_to_be_right():
    quiz = find_quiz("00-predict")
    answers = quiz._for_jupyterquiz()["answers"]
    assert [answer["feedback"].startswith("✓ Right. ") for answer in answers] == [a.correct for a in quiz.answers]
    assert [answer["feedback"].startswith("✗ Not so. ") for answer in answers] == [not a.correct for a in quiz.answers]


def test_without_scripts_the_question_is_shown_and_not_the_answer():
    shown = re.sub(r"<(script|style)>.*?</\1>", "", find_quiz("00-predict").to_html(), flags=re.DOTALL)
    assert "How often is it right?" in shown and shown.count("<li>") == 3
    assert "correct" not in shown and "✓" not in shown and "measurement" not in shown


def test_texts_are_plain(write):
    stored = changed(question="Is `a[0]` < b & [c](d)? </script>")
    shown = load_quizzes(write(stored))["05-predict"].to_html()
    assert "Is <code>a&#91;0&#93;</code> &lt; b &amp; &#91;c&#93;(d)? &lt;/script&gt;" in shown
    assert shown.count("</script>") == 1


def test_random_numbers_stay_as_they_are():
    random.seed(3)
    before = random.getstate()
    first, second = find_quiz("00-predict").to_html(), find_quiz("00-predict").to_html()
    assert random.getstate() == before
    names = [re.search('id="(quiz_[0-9a-f]{32})"', shown).group(1) for shown in (first, second)]
    assert names[0] != names[1]
    assert first.replace(names[0], names[1]) == second


def test_both_forms_are_shown():
    bundle = find_quiz("00-predict")._repr_mimebundle_()
    assert bundle.keys() == {"text/html", "text/plain"} and "(c) On 5 or 6" in bundle["text/plain"]


def test_the_script_reaches_for_nothing_of_the_page():
    """JupyterQuiz would replace the MathJax of JupyterLab, and stay away where a page has a `Question` of its own."""
    (script,) = re.findall(r"<script>(.*?)</script>", find_quiz("00-predict").to_html(), flags=re.DOTALL)
    assert script.strip().startswith("((MathJax, Question) => {") and script.strip().endswith("})();")


def test_each_style_is_for_this_quiz_alone():
    shown = find_quiz("00-predict").to_html()
    (style,) = re.findall(r"<style>(.*?)</style>", shown, flags=re.DOTALL)
    name = re.search('id="(quiz_[0-9a-f]{32})"', shown).group(1)
    selectors = re.findall(r"([^{}]+)\{", style)
    assert len(selectors) >= 5 and all(selector.strip().startswith(f"#{name} ") for selector in selectors)
