"""The recipes of docs/extending.md are carried out literally on a copy of the repository: what they run is green."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from test_repository import FILES, ROOT

TEXT = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
STEP = re.compile(
    r"^```(?:bash|\{code-block\} (?P<kind>diff|python)\n:caption: (?P<name>\S+)\n)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
RECIPES = [part for part in re.split(r"^## ", TEXT, flags=re.MULTILINE) if STEP.search(part)]
LEFT_OUT = {"benchmarks", "build", "dist"}  # nothing there is read


def edit(path, lines):
    """Replace, in a file, the lines without + by the lines without -; the former must be there once."""
    before = "\n".join(line[1:] for line in lines if line[0] in " -")
    after = "\n".join(line[1:] for line in lines if line[0] in " +")
    text = path.read_text(encoding="utf-8")
    if text.count(before) != 1:
        raise ValueError(f"{path.name} holds {text.count(before)} times: {before}")
    path.write_text(text.replace(before, after), encoding="utf-8")


def run(root, line):
    """Run a command of a recipe with this Python, and the package of the copy."""
    program, *rest = shlex.split(line)
    call = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *rest] if program == "pytest" else None
    done = subprocess.run(
        call or [sys.executable, *rest],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root), "EQUIBOOK_CACHE": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout[-5000:]}{done.stderr[-2000:]}"


def carry_out(root, recipe):
    """Do every step, and return the names of the files that were written."""
    written = set()
    for step in STEP.finditer(recipe):
        name, kind, body = step["name"], step["kind"], step["body"]
        if kind is None:
            for line in body.splitlines():
                run(root, line)
            continue
        written.add(name)
        if kind == "python":
            assert not (root / name).exists(), f"{name} is there already"
            (root / name).write_text(body, encoding="utf-8")
        else:
            edit(root / name, body.splitlines())
    return {name for name in written if name.endswith(".py")}


@pytest.fixture
def copy(tmp_path):
    for path in FILES:
        place = path.relative_to(ROOT)
        if place.parts[0] not in LEFT_OUT:
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / place)
    return tmp_path


def test_there_are_four_recipes():
    assert [recipe.splitlines()[0] for recipe in RECIPES] == [
        "A classifier",
        "A block of Layer 1",
        "A probe",
        "A chapter",
    ]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.splitlines()[0])
def test_a_recipe_followed_literally_ends_green(copy, recipe):
    written = carry_out(copy, recipe)
    for check in ("check", "format --check"):
        call = [sys.executable, "-m", "ruff", *check.split(), "--no-cache", *written]
        done = subprocess.run(call, cwd=copy, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_a_step_that_does_not_fit_is_found(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("x = 1\ny = 2\n")
    edit(path, [" x = 1", "+z = 3"])
    assert path.read_text() == "x = 1\nz = 3\ny = 2\n"
    with pytest.raises(ValueError, match="holds 0 times: w = 1"):
        edit(path, [" w = 1", "+z = 3"])


def test_a_red_test_of_a_recipe_is_seen(tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it():\n    assert 1 == 2\n")
    with pytest.raises(AssertionError, match="1 failed"):
        run(tmp_path, "pytest test_it.py")


def test_number_and_place_of_a_chapter_are_checked(copy):
    call = [sys.executable, "docs/new_chapter.py", "03", "again", "Again"]
    done = subprocess.run(call, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 2 and "03_symmetries.ipynb" in done.stderr and "must be new" in done.stderr
    done = subprocess.run([*call[:2], "3", "Again", "Again"], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 2 and "two digits" in done.stderr
