"""Reader's copies: the solution is gone, what the reader needs to write an answer stays, and every stub runs."""

import ast
import copy

import nbformat
import pytest

from equibook.readers_copy import FIRST_LINE, make_readers_copy, make_stub

STUBS = {
    "a number": ("turn = -90\nassert turn == -90\nprint(turn)", "turn = ..."),
    "an expression over lines": ("x = [\n    1,  # secret\n]", "x = ..."),
    "several names": ("a, (b, *c) = 1, (2, 3)\nu = v = 4", "a, b, c = ..., ..., ...\nu = ...\nv = ..."),
    "an annotation": ("n: int = 3\nm: int", "n: int = ...\nm: int = ..."),
    "a name twice": ("x = 1\nx = x + 1", "x = ..."),
    "no name": ("d = {}\nd['k'] = 3\nd.k = 4\nx = 1\nx += 1", "d = ...\nx = ..."),
    "what is not kept": (
        "x = 1\nfor i in []:\n    x = i\nif x:\n    y = 2\nwith open('f') as f:\n    z = 1",
        "x = ...",
    ),
    "imports": (
        "import numpy as np\nfrom os import (\n    path,  # why\n)\n\nx = 1",
        "import numpy as np\nfrom os import (\n    path,  # why\n)\n\nx = ...",
    ),
    "semicolons": ("import os; x = 1; y: int = 2", "import os\n\nx = ...\ny: int = ..."),
    "semicolons in a class": ("class A: n = 1; m = 2", "class A:\n         n = ...\n\n         m = ..."),
    "a function": ("def f(x):\n    # secret\n    y = x\n\n    return y", "def f(x):\n    ..."),
    "a docstring": (
        'def f(x):\n    """Say.\n\n    More.\n    """\n    # secret\n    return x  # secret',
        'def f(x):\n    """Say.\n\n    More.\n    """\n    ...',
    ),
    "nothing but a docstring": ('def f(x):\n    """Say."""', 'def f(x):\n    """Say."""\n    ...'),
    "a signature": (
        "@first\n@second(3)\ndef f(\n    x,  # shape (n,)\n    *,\n    y: int = 3,\n) -> int:  # of it\n\n    return x",
        "@first\n@second(3)\ndef f(\n    x,  # shape (n,)\n    *,\n    y: int = 3,\n) -> int:  # of it\n    ...",
    ),
    "one line": ('def f(α="é"): return α', 'def f(α="é"):\n    ...'),
    "one line after a long signature": ("def f(\n    x,\n): return x", "def f(\n    x,\n):\n    ..."),
    "several functions": (
        "def f(x):\n    return x\n\n\nasync def g(x):\n    return x\n\n\nf(1)\ny = 1",
        "def f(x):\n    ...\n\n\nasync def g(x):\n    ...\n\n\ny = ...",
    ),
    "a decorated function within": (
        "def f(x):\n    @cache\n    def g():\n        return x\n    return g",
        "def f(x):\n    ...",
    ),
    "a class": (
        'class A(B):\n    """A."""\n\n    n = 3\n\n    @property\n    def k(self):\n        """K."""\n        return 3',
        'class A(B):\n    """A."""\n    n = ...\n\n    @property\n    def k(self):\n        """K."""\n        ...',
    ),
    "an empty class": ("class A:\n    pass", "class A:\n    ..."),
    "a lambda": ("f = lambda x: x", "f = ..."),
}


@pytest.mark.parametrize(("solution", "stub"), STUBS.values(), ids=STUBS.keys())
def test_what_remains_of_a_solution(solution, stub):
    made = make_stub(solution)
    assert made == f"{FIRST_LINE}\n{stub}"
    ast.parse(made)
    assert "secret" not in made


@pytest.mark.parametrize("solution", [solution for solution, _ in STUBS.values()], ids=STUBS.keys())
def test_a_stub_of_a_stub_is_itself(solution):
    assert make_stub(make_stub(solution)) == make_stub(solution)


@pytest.mark.parametrize(
    ("solution", "message"),
    [
        (
            "%matplotlib inline\nx = 1",
            "a cell tagged `solution` must hold Python, got invalid syntax .* Put magics and",
        ),
        ("assert True", "must define a function or a variable, got 'assert True'. Give what the check takes a name"),
        ("import numpy", "must define a function or a variable, got 'import numpy'."),
        ("", "must define a function or a variable, got ''."),
        ("if True:\n    x = 1", "at the top level of the cell"),
    ],
)
def test_a_solution_without_a_stub(solution, message):
    with pytest.raises(ValueError, match=message):
        make_stub(solution)


def code(source, *tags, **changes):
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {})
    cell.update(changes)
    return cell


def made_up(*cells):
    return nbformat.v4.new_notebook(cells=list(cells), metadata={"language_info": {"name": "python"}})


def test_only_solutions_are_replaced():
    output = nbformat.v4.new_output("stream", text="-90")
    text = nbformat.v4.new_markdown_cell("# solution\nx = 3")
    solution = code("x = 3", "hide-input", "solution", outputs=[output], execution_count=7)
    notebook = made_up(text, code("y = 4", "extra", outputs=[output]), solution)
    before = copy.deepcopy(notebook)
    made = make_readers_copy(notebook)
    assert notebook == before
    assert made.cells[:2] == before.cells[:2] and made.metadata == before.metadata
    changed = made.cells[2]
    assert changed.source == f"{FIRST_LINE}\nx = ..." and changed.metadata.tags == ["hide-input", "exercise"]
    assert changed.outputs == [] and changed.execution_count is None and changed.id == before.cells[2].id
    nbformat.validate(made)
    assert make_readers_copy(made) == made


def test_what_installs_on_colab_is_left_out():
    cells = [code("x = 1"), code("%pip install equibook", "colab", "remove-cell"), code("# colab")]
    assert make_readers_copy(made_up(*cells)).cells == [cells[0], cells[2]]


def test_a_notebook_as_it_is_stored_will_do():
    stored = {
        "cells": [dict(code(["def f(x):\n", "    return x"], "solution"))],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    made = make_readers_copy(stored)
    assert made.cells[0].source == f"{FIRST_LINE}\ndef f(x):\n    ..."
    assert stored["cells"][0]["source"] == ["def f(x):\n", "    return x"]
    nbformat.validate(made)


@pytest.mark.parametrize("notebook", [3, "text", {}, {"worksheets": []}])
def test_what_is_no_notebook(notebook):
    with pytest.raises(
        TypeError, match=r"`notebook` must be a notebook with cells, got .* Read it with `nbformat.read"
    ):
        make_readers_copy(notebook)
