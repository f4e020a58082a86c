"""Exercises: they are found by name, and their checks know right answers, wrong ones and the typical mistakes."""

import sys

import numpy as np
import pytest

from equibook import GlassBoxClassifier, Representation, actions, datasets, exercises
from equibook.exercises import exercise, find_exercise, list_chapters, list_exercises
from equibook.verdicts import DONE, NOT_TRIED, NOT_YET

PARAMETERS = {"title": "A title", "level": "easy", "minutes": 3, "wants": "a number", "right": "So it is."}


@pytest.fixture
def register(monkeypatch):
    """Register exercises that are forgotten after the test."""
    monkeypatch.setattr(exercises, "_exercises", dict(exercises._exercises))

    def register(name, **changes):
        return exercise(name, **(PARAMETERS | changes))

    return register


def check(name, answer):
    verdict = find_exercise(name).check(answer)
    return verdict.state, verdict.message


def test_chapters_are_found_by_their_files():
    assert {"00", "09"} <= set(list_chapters())
    assert [found.name for found in list_exercises("00")] == ["00-1", "00-2"]
    assert list_exercises("98") == []
    everything = [found.name for found in list_exercises()]
    assert everything == sorted(everything) and {name[:2] for name in everything} == set(list_chapters())


def test_a_new_chapter_is_a_new_file(tmp_path, monkeypatch, register):
    check_of_two = "def two(answer):\n    return None if answer == 2 else 'No'"
    source = f"from equibook.exercises import exercise\n@exercise('77-1', **{PARAMETERS})\n{check_of_two}"
    (tmp_path / "chapter_77.py").write_text(source)
    monkeypatch.setattr(exercises, "FOLDER", tmp_path)
    monkeypatch.setattr(exercises, "__path__", [str(tmp_path)])
    assert check("77-1", 2) == (DONE, "So it is.")
    del sys.modules["equibook.exercises.chapter_77"], exercises.chapter_77


def test_numbers_of_exercises_are_counted_not_spelt(register):
    for name in ("00-10", "00-3"):
        register(name)(test_numbers_of_exercises_are_counted_not_spelt)
    assert [found.name for found in list_exercises("00")][-2:] == ["00-3", "00-10"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("00-9", "`name` must be one of 00-1, 00-2, got '00-9'. Write chapter and number"),
        ("99-1", "`name` must be of a chapter with exercises, 00, 09"),
        ("", "got ''. Write chapter and number"),
        (1, "got 1. Write chapter and number"),
        (["00-1"], r"got \['00-1'\]. Write chapter and number"),
        ("../x", "got '../x'. Write"),
    ],
)
def test_an_unknown_name(name, message):
    with pytest.raises(ValueError, match=message):
        find_exercise(name)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("1", {}, "`name` must be chapter and number, got '1'. Write it as in '05-1'."),
        ("00-0", {}, "`name` must be chapter and number"),
        ("00-8", {"level": "mild"}, "`level` must be one of easy, medium, hard, got 'mild'. Choose one of these."),
        ("00-8", {"minutes": 2.5}, "`minutes` must be a whole number from 1 on, got 2.5. Round it up."),
        ("00-8", {"minutes": 0}, "`minutes` must be a whole number from 1 on, got 0."),
        ("00-8", {"wants": " "}, "`wants` must say something, got an empty text. Write a line for the reader."),
        ("00-1", {}, "`name` must be new, got '00-1', which `turn_of_arrow` has. Number the exercises"),
    ],
)
def test_a_badly_declared_exercise(register, name, changes, message):
    list_exercises()
    with pytest.raises(ValueError, match=message):
        register(name, **changes)(lambda answer: None)


def test_a_module_may_be_loaded_again(register):
    for _ in range(2):
        register("00-8")(test_a_module_may_be_loaded_again)


# What readers answer, and the word of the hint that it must get; no word: right.
ANSWERS = {
    "00-1": [
        (-90, ""), (270, ""), (-450.0, ""), (np.float64(-90), ""), (np.int64(270), ""), (-3 * 30 + 1e-9, ""),
        (90, "sign"), (-270, "sign"), (-30, "k = 3"), (30, "k = 3"), (-np.pi / 2, "radians"), (0, "exp"), (180, "exp"),
        (float("nan"), "exp"), (float("inf"), "exp"),
        ("-90", "plain number"), (True, "plain number"), ([-90], "plain number"), (lambda: -90, "plain number"),
    ],
    "00-2": [
        (lambda k: k % 4 == 0, ""), (lambda k: [x % 4 == 0 for x in k], ""),
        (lambda k: np.isclose(np.exp(-1j * k * np.pi / 2), 1), ""),
        (lambda k: (k == 0) | (k == 4), "k = 8"), (lambda k: k % 4 == 0 and k >= 0, "Wanted"),
        (lambda k: (k % 4 == 0) & (k >= 0), "k = -4"), (lambda k: k == 0, "full turns"), (lambda k: k % 2 == 0, "full"),
        (lambda k: k == 4, "For k = 0"), (lambda k: True, "shape ()"),
        (lambda k: np.flatnonzero(k % 4 == 0), "shape (2,)"),
        ([True, False], "Wanted"), (4, "Wanted"),
    ],
    "09-1": [
        (lambda why, i: max(why.group("ring"), key=lambda ring: abs(why.group("ring")[ring][i])), ""),
        (lambda why, i: int(np.abs([part[i] for part in why.group("ring").values()]).argmax()), ""),
        (lambda why, i: max(why.group("ring"), key=lambda ring: why.group("ring")[ring][i]), "negative"),
        (lambda why, i: max(why.group("ring"), key=lambda ring: abs(why.group("ring")[ring][1])), "same for every"),
        (lambda why, i: max(abs(part[i]) for part in why.group("ring").values()), "no ring 0.8"),
        (lambda why, i: min(why.group("ring"), key=lambda ring: abs(why.group("ring")[ring][i])), "Another is louder"),
        (lambda why: 3, "Wanted"), (3, "Wanted"), (lambda why, i: why.group("circle"), "Wanted"),
        (lambda why, i: np.abs(why.features[i]), "Wanted"),
    ],
    "09-2": [
        (lambda matrix, mean_3, mean_8: 2 * (mean_8 - mean_3) @ matrix, ""),
        (lambda matrix, mean_3, mean_8: (mean_8 - mean_3) @ matrix, "2.00 times"),
        (lambda matrix, mean_3, mean_8: 2 * (mean_3 - mean_8) @ matrix, "-1.00 times"),
        (lambda matrix, mean_3, mean_8: 2 * (mean_3 + mean_8) @ matrix, "does not follow"),
        (lambda matrix, mean_3, mean_8: 0 * mean_8 @ matrix, "same sum"),
        (lambda matrix, mean_3, mean_8: 2 * (mean_8 - mean_3), "matrix.T"),
        (lambda matrix, mean_3, mean_8: matrix @ (mean_8 - mean_3), "Wanted"), (np.zeros(5), "Wanted"),
    ],
}  # fmt: skip
CASES = [(name, *case) for name, cases in ANSWERS.items() for case in cases]


@pytest.mark.parametrize(("name", "answer", "word"), CASES, ids=[f"{n}-{i}" for i, (n, *_) in enumerate(CASES)])
def test_what_is_said_to_an_answer(name, answer, word):
    state, message = check(name, answer)
    assert state == (NOT_YET if word else DONE) and word in message


@pytest.mark.parametrize("found", list_exercises(), ids=lambda found: found.name)
def test_every_exercise_is_tried_with_right_and_wrong_answers_and_untried(found):
    words = [word for _, word in ANSWERS.get(found.name, [])]
    assert "" in words and len(set(words)) >= 4, f"write typical answers to {found.name} into ANSWERS"
    for untried in (..., None, lambda *args: ..., lambda *args: None):
        assert check(found.name, untried)[0] == NOT_TRIED


def test_the_answers_hold_for_the_book_too():
    """What the checks try on small data is so for real digits and a real box."""
    X, y = datasets.load_digits(classes=(3, 8), size=16)
    X = X.astype(np.float64)
    layer = Representation().fit(X[:1])
    before, after = layer.coefficients(X[:1])[0], layer.coefficients(actions.rotate(X[:1], 90))[0]
    stayed = np.abs(after - before) <= 1e-12 * np.abs(before).max()
    k = layer.coefficient_table_.k
    assert np.array_equal(stayed, ANSWERS["00-2"][0][0](k))
    three = before[k == 3]
    turned = np.exp(1j * np.deg2rad(ANSWERS["00-1"][0][0] * 3))  # a turn by 90°, three times that of the exercise
    assert np.allclose(after[k == 3], turned * three, rtol=0, atol=1e-12 * np.abs(before).max())
    model = GlassBoxClassifier().fit(X[:40], y[:40])
    matrix, _ = model.reduction_.as_affine()
    weights = ANSWERS["09-2"][0][0](matrix, *model.classifier_.centroids_)
    scores, features = model.decision_function(X[40:60]), model.representation_.transform(X[40:60])
    assert np.ptp(scores - features @ weights) <= 1e-9 * np.ptp(scores)
    why = model.explain(X[40:43])
    parts = np.array(list(why.group("ring").values()))
    assert ANSWERS["09-1"][0][0](why, 2) == np.abs(parts[:, 2]).argmax()
