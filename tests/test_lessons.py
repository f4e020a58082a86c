"""Lessons: what the notebooks call, and the guard that notebooks, exercises and quizzes agree."""

import ast
import json
import re
from pathlib import Path

import pytest

import equibook
from equibook import lessons, progress, quizzes
from equibook.exercises import find_exercise, list_exercises
from equibook.verdicts import DONE, NOT_TRIED, NOT_YET

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(ROOT.glob("notebooks/*.ipynb"))}
HEADING = re.compile(
    r"^### (?P<number>\d+)\. (?P<title>.+) \((?P<level>\w+), (?P<minutes>\d+) minutes?\)$", re.MULTILINE
)


@pytest.fixture(autouse=True)
def checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "_unwritten", {})


def source_of(cell):
    """Return the source of a cell, without magics."""
    source = "".join(cell["source"])
    return re.sub(r"^(\s*)[%!].*", r"\1pass", source, flags=re.MULTILINE) if cell["cell_type"] == "code" else source


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def is_answer(cell):
    return bool({"solution", "exercise"} & {*cell["metadata"].get("tags", [])})


def calls_in(code, function):
    """Return the first argument of every call of `lessons.check` or `lessons.quiz` in Python source."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    return [ast.literal_eval(call.args[0]) for call in calls if ast.unparse(call.func) == f"lessons.{function}"]


def calls_of(notebook, function):
    return [name for cell in code_cells(notebook) for name in calls_in(source_of(cell), function)]


def imports_in(code):
    nodes = [node for node in ast.parse(code).body if isinstance(node, ast.Import | ast.ImportFrom)]
    return "\n".join(map(ast.unparse, nodes))


def run_exercises(notebook):
    """Run the imports, the answers and the checks of a notebook in order; return what each check says."""
    namespace, verdicts = {}, {}
    for cell in code_cells(notebook):
        code = source_of(cell)
        exec(code if is_answer(cell) else imports_in(code), namespace)
        for name in calls_in(code, "check"):
            verdicts[name] = eval(code, namespace)
    return verdicts


def faults_of_exercises(chapter, notebook):
    """Return where the exercises of a notebook and those of the library disagree, a sentence each."""
    cells = notebook["cells"]
    asked, faults = calls_of(notebook, "check"), []
    known = {found.name: found for found in list_exercises(chapter)}
    if asked != list(known):
        faults.append(f"the notebook checks {asked}, the library knows {list(known)}")
    if sum(map(is_answer, cells)) != len(asked):
        faults.append("there is not one answer for each check")
    for place, cell in enumerate(cells):
        for name in calls_in(source_of(cell), "check") if cell["cell_type"] == "code" else []:
            text, answer = cells[place - 2 : place] if place >= 2 else ({"cell_type": "", "source": ""}, cell)
            headings = [match.groupdict() for match in HEADING.finditer(source_of(text))]
            said = {key: str(getattr(known.get(name), key, "")) for key in ("title", "level", "minutes")}
            if not is_answer(answer) or headings != [said | {"number": name.partition("-")[2]}]:
                faults.append(f"{name} must follow its answer, and this the text of {said}, got {headings}")
            if len(source_of(cell).splitlines()) != 1:
                faults.append(f"the check of {name} must be alone in its cell")
    return faults


def names_used_outside(notebook):
    """Return the names that solutions define and that cells other than their checks use."""
    own = set()
    answers = [ast.parse(source_of(cell)).body for cell in filter(is_answer, code_cells(notebook))]
    for statement in (statement for body in answers for statement in body):
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):  # what it names within is its own
            own.add(statement.name)
        else:
            names = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
            own |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
    others = [source_of(cell) for cell in code_cells(notebook) if not is_answer(cell)]
    trees = [ast.parse(code) for code in others if not calls_in(code, "check")]
    return {node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name)} & own


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_solution_is_right(name):
    verdicts = run_exercises(NOTEBOOKS[name])
    assert {exercise: str(verdict) for exercise, verdict in verdicts.items() if verdict.state != DONE} == {}
    assert list(verdicts) == [found.name for found in list_exercises(name[:2])]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_in_a_readers_copy_nothing_is_tried_and_nothing_fails(name):
    verdicts = run_exercises(lessons.reader_copy(NOTEBOOKS[name]))
    assert {exercise: str(verdict) for exercise, verdict in verdicts.items() if verdict.state != NOT_TRIED} == {}
    assert list(verdicts) == [found.name for found in list_exercises(name[:2])]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_and_library_know_the_same_exercises(name):
    assert faults_of_exercises(name[:2], NOTEBOOKS[name]) == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_other_cell_needs_a_solution(name):
    assert names_used_outside(NOTEBOOKS[name]) == set()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_chapter_has_two_exercises_and_a_quiz(name):
    assert len(list_exercises(name[:2])) >= 2 and f"{name[:2]}-predict" in calls_of(NOTEBOOKS[name], "quiz")


def test_every_exercise_has_its_notebook():
    assert {found.name[:2] for found in list_exercises()} <= {name[:2] for name in NOTEBOOKS}


def test_every_quiz_is_shown_once_in_its_chapter():
    shown = {name[:2]: calls_of(notebook, "quiz") for name, notebook in NOTEBOOKS.items()}
    stored = {path.stem[-2:]: list(quizzes.load_quizzes(path)) for path in quizzes.FOLDER.glob("*.json")}
    assert shown == {chapter: [] for chapter in shown} | stored


TEXT, ANSWER, CHECK = "### 1. Which way does the arrow turn? (easy, 3 minutes)", "x = -90", 'lessons.check("00-1", x)'


def made_up(text=TEXT, answer=ANSWER, check=CHECK, *others, tags=("solution",)):
    first = {"cell_type": "code", "source": "from equibook import lessons\n1 / 0", "metadata": {}}
    cells = [
        {"cell_type": "markdown", "source": text, "metadata": {}},
        {"cell_type": "code", "source": answer, "metadata": {"tags": list(tags)}},
        {"cell_type": "code", "source": check, "metadata": {}},
    ]
    return {"cells": [first, *cells, *({"cell_type": "code", "source": code, "metadata": {}} for code in others)]}


def test_the_guard_sees_a_wrong_solution_and_a_stub():
    assert run_exercises(made_up())["00-1"].state == DONE
    assert run_exercises(made_up(answer="x = 90"))["00-1"].state == NOT_YET
    assert run_exercises(made_up(answer="x = ..."))["00-1"].state == NOT_TRIED


def test_the_guard_sees_a_solution_that_needs_other_cells():
    with pytest.raises(NameError):
        run_exercises(made_up(answer="x = -3 * angle"))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, "the library knows ['00-1', '00-2']"),
        ({"text": TEXT.replace("easy", "hard")}, "00-1 must follow its answer, and this the text of"),
        ({"text": TEXT.replace("3 minutes", "4 minutes")}, "00-1 must follow its answer"),
        ({"text": TEXT.replace("arrow", "needle")}, "00-1 must follow its answer"),
        ({"text": TEXT.replace("1.", "2.")}, "00-1 must follow its answer"),
        ({"text": f"{TEXT}\n{TEXT}"}, "00-1 must follow its answer"),
        ({"tags": ()}, "there is not one answer for each check"),
        ({"check": f"{CHECK}\nprint(x)"}, "the check of 00-1 must be alone in its cell"),
        ({"check": 'lessons.check("00-7", x)'}, "the notebook checks ['00-7']"),
    ],
)
def test_the_guard_sees_what_does_not_agree(changes, fault):
    faults = faults_of_exercises("00", made_up(**changes))
    assert any(fault in found for found in faults)
    assert len(faults) == 1 + bool(changes) or "00-7" in fault or "not one answer" in fault


def test_the_guard_sees_a_cell_that_needs_a_solution():
    assert names_used_outside(made_up(TEXT, ANSWER, CHECK, "y = 2 * x")) == {"x"}
    assert names_used_outside(made_up(TEXT, "def x():\n    return 1", CHECK, "x()")) == {"x"}
    assert names_used_outside(made_up()) == set()


def test_a_check_is_noted():
    for answer in (..., 90, -90, 90):
        lessons.check("00-1", answer)
    assert progress.load() == {"00-1": progress.Tried("done", 2)}
    assert "1 of" in lessons.summary().caption and lessons.summary().rows[0][3:] == ["✓ done", "2"]


def test_an_unknown_exercise_is_not_noted():
    with pytest.raises(ValueError, match=r"`name` must be one of 00-1, 00-2, got '00-3'. Write chapter and number"):
        lessons.check("00-3", 1)
    assert progress.load() == {}


def test_in_a_readers_folder_progress_outlives_the_kernel(tmp_path):
    (tmp_path / progress.MANIFEST).write_text("{}")
    lessons.check("09-1", lambda why, i: 0)
    progress._unwritten.clear()
    assert "kept in equibook-progress.json" in lessons.summary().caption
    row = next(row for row in lessons.summary().rows if row[0] == "09-1")
    assert row == ["09-1", find_exercise("09-1").title, "easy", "✗ not yet", "1"]


def test_a_teacher_names_a_folder(tmp_path):
    (tmp_path / "class" / "anna").mkdir(parents=True)
    (tmp_path / "class" / "anna" / progress.FILE).write_text('{"exercises": {"00-1": {"state": "done", "tries": 3}}}')
    assert lessons.summary(str(tmp_path / "class")).rows == [["anna", "✓ 3"], ["done by", "1 of 1"]]


def test_a_quiz_is_found():
    assert lessons.quiz("00-predict").question.endswith("How often is it right?")


def test_lessons_belongs_to_the_package():
    assert equibook.lessons is lessons
