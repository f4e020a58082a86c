"""Begin a chapter: `python docs/new_chapter.py 17 means_over_rings "What do rings see?"`.

Writes a notebook, its checks, its questions and its line in the table of contents: a small chapter that passes every
check, to be rewritten from its first line to its last.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

TITLE = """\
# {title}

One paragraph: the question of this chapter, in words that need no chapter before it.

**In this chapter you will**

- do one thing;
- measure another.

**Needed before:** [chapter 00](00_start_here.ipynb).
**Time:** about 20 minutes."""
PREDICT = """\
## Predict first

Decide before you read on, and choose an answer. It is marked at once, and measured further down."""
TURN_TEXT = """\
## First the picture

What is to be looked at, in a sentence or two. Then a figure that answers; below it, what was to be seen."""
TURN = """\
import equibook as eq
from equibook.explorers import Explorer, Slider

X, y = eq.datasets.load_digits(classes=(3, 8), size=32)
turn = Explorer(lambda angle: eq.actions.rotate(X[0], angle)[0], angle=Slider(range(0, 360, 15), unit="°"))
turn"""
CLAIM_TEXT = """\
**What to see.** The claim, as a plain sentence. The next cell would fail if it were false; pixels are its control."""
CLAIM = """\
def quarter_turn(images):
    return eq.actions.rotate(images, 90)


layers = [layer.fit(X[:20]) for layer in (eq.Representation(), eq.representation.Pixels())]
errors = [eq.measure.invariance_error(layer.transform, X[:20], quarter_turn).max() for layer in layers]
print(f"features {errors[0]:.0e}, pixels {errors[1]:.2f}")
assert errors[0] < 1e-6 < 0.1 < errors[1] and not turn.failures"""
SHIFT_TEXT = """\
## Then the formula

The idea written out once, and compared with the library. A second figure for what changes it."""
SHIFT = """\
shift = Explorer(lambda right: eq.actions.translate(X[0], (right, 0))[0], right=Slider(range(-8, 9), unit="pixels"))
shift"""
SHIFT_CLAIM = """\
back = eq.actions.translate(eq.actions.translate(X[:1], (3, 0)), (-3, 0))
assert abs(back - X[:1]).max() < 1e-12 and not shift.failures"""
EXERCISES = """\
## Exercises

### 1. How often? (easy, 2 minutes)

An image is turned by 90° again and again. After how many turns is it as it was? Call the number `n_turns`."""
SECOND = """\
### 2. Undo it (medium, 5 minutes)

Write a function that brings an angle in degrees to the angle that undoes it, from 0 to below 360."""
UNDO = '''\
def undo(angle):
    """Return the angle of the turn that undoes a turn."""
    return -angle % 360'''
END = """\
## What you can do now

- One line for each goal above.

## Sources

- Cohen and Welling (2016), Group equivariant convolutional networks, arXiv:1602.07576."""

CHECKS = '''\
"""The exercises of chapter {number}."""

from collections.abc import Callable
from typing import Any

from equibook.exercises import exercise


@exercise(
    "{number}-1",
    title="How often?",
    level="easy",
    minutes=2,
    wants="a whole number",
    right="Four quarter turns are a full one.",
)
def count_turns(answer: Any) -> str | None:
    """Compare with the order of the group of quarter turns."""
    if answer == 3:
        return "After three turns it lies on its side. Once more?"
    if answer == 360:
        return "These are degrees. Count the turns."
    return None if answer == 4 else "How many times does 90° go into a full turn?"


@exercise(
    "{number}-2",
    title="Undo it",
    level="medium",
    minutes=5,
    wants="a function that takes an angle and returns an angle",
    right="The inverse of a turn is the turn back.",
)
def undo(answer: Callable[[float], float]) -> str | None:
    """Try a function on three angles."""
    if answer(0) == 360:
        return "A turn by 360° undoes nothing, and so does one by 0°: keep below 360."
    if answer(90) == -90:
        return "That is the turn back. Which positive angle is the same turn?"
    return None if [answer(a) for a in (0, 90, 250)] == [0, 270, 110] else "Turn by 90°. Which turn leads back?"
'''
QUESTION = {
    "question": "How much of an image's features changes when the image is turned?",
    "answers": [
        {"answer": "Nothing that is worth a word.", "correct": True, "feedback": "The measurement follows."},
        {"answer": "Most of it.", "correct": False, "feedback": "Of its pixels, yes. And of the features?"},
    ],
}


def make_notebook(number: str, title: str) -> nbformat.NotebookNode:
    """Return a chapter that runs, with the cell for Colab as the other chapters have it."""
    cells = [
        new_markdown_cell(TITLE.format(title=title), id="title"),
        *_cell_for_colab(),
        new_markdown_cell(PREDICT, id="predict"),
        new_code_cell(f'from equibook import lessons\n\nlessons.quiz("{number}-predict")', id="predict-quiz"),
        new_markdown_cell(TURN_TEXT, id="turn-text"),
        new_code_cell(TURN, id="turn"),
        new_markdown_cell(CLAIM_TEXT, id="turn-claim-text"),
        new_code_cell(CLAIM, id="turn-claim"),
        new_markdown_cell(SHIFT_TEXT, id="shift-text"),
        new_code_cell(SHIFT, id="shift"),
        new_code_cell(SHIFT_CLAIM, id="shift-claim"),
        new_markdown_cell(EXERCISES, id="exercise-1-text"),
        new_code_cell("n_turns = 4", id="exercise-1-solution", metadata={"tags": ["solution"]}),
        new_code_cell(f'lessons.check("{number}-1", n_turns)', id="exercise-1-check"),
        new_markdown_cell(SECOND, id="exercise-2-text"),
        new_code_cell(UNDO, id="exercise-2-solution", metadata={"tags": ["solution"]}),
        new_code_cell(f'lessons.check("{number}-2", undo)', id="exercise-2-check"),
        new_markdown_cell(END, id="end"),
    ]
    notebook = new_notebook(cells=cells, metadata=METADATA)
    notebook.nbformat_minor = 5
    return notebook


def _cell_for_colab() -> list[nbformat.NotebookNode]:
    first = nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", as_version=4)
    return [cell for cell in first.cells if cell.id == "colab"]


def add_to_contents(text: str, name: str) -> str:
    """Return a table of contents with a chapter after the last one."""
    *_, last = re.finditer(r"^ +- file: notebooks/.*\n", text, re.MULTILINE)
    line = re.sub(r"notebooks/.*", f"notebooks/{name}", last.group())
    return text[: last.end()] + line + text[last.end() :]


def write_chapter(root: Path, number: str, name: str, title: str) -> list[Path]:
    """Write the files of a chapter below `root`, never over another, and return their paths."""
    exercises = root / "equibook" / "exercises"
    notebook, checks = root / "notebooks" / f"{number}_{name}.ipynb", exercises / f"chapter_{number}.py"
    taken = [path.name for path in (root / "notebooks").glob(f"{number}_*.ipynb")]
    if taken:
        raise ValueError(f"`number` must be new, got {number}, the number of {taken[0]}. Choose another.")
    questions = checks.with_suffix(".json")
    nbformat.write(make_notebook(number, title), notebook)
    checks.write_text(CHECKS.format(number=number), encoding="utf-8")
    questions.write_text(json.dumps({f"{number}-predict": QUESTION}, indent=2) + "\n", encoding="utf-8")
    contents = root / "_toc.yml"
    contents.write_text(add_to_contents(contents.read_text(encoding="utf-8"), f"{number}_{name}"), encoding="utf-8")
    return [notebook, checks, questions, contents]


def main() -> int:
    """Read the command line and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("number", help="two digits, such as 17")
    parser.add_argument("name", help="of the file, such as means_over_rings")
    parser.add_argument("title", help="a claim or a question")
    asked = parser.parse_args()
    if not re.fullmatch(r"\d\d", asked.number) or not re.fullmatch(r"[a-z0-9_]+", asked.name):
        parser.error("`number` must be two digits, and `name` small letters, digits and underscores")
    try:
        written = write_chapter(ROOT, asked.number, asked.name, asked.title)
    except ValueError as error:
        parser.error(str(error))
    print("written:", *(path.relative_to(ROOT) for path in written), sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
