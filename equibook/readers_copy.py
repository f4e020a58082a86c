'''A reader's copy of a notebook: cells tagged `solution` give way to what remains when the solution is taken out.

Of the code stay imports, the heads and docstrings of functions and classes, and the names of variables. A solution

    def area(radius):
        """Return the area of a disc."""
        return np.pi * radius**2

    n_discs = 3
    assert area(1) == np.pi

leaves the docstring with three dots below it, `n_discs = ...`, and nothing of the assertion. A cell tagged `colab`,
which installs the package on Google Colab, is left out: whoever makes a copy has the package.
'''

import ast
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

FIRST_LINE = "# Your turn: put your answer in place of the three dots."
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def make_readers_copy(notebook: Mapping[str, Any]) -> "NotebookNode":
    """Return a notebook without its solutions; the given one stays as it is.

    Parameters
    ----------
    notebook : dict or NotebookNode
        Of nbformat 4. The source of a cell is a text, or a list of lines.

    Returns
    -------
    NotebookNode
        In it the tag `solution` has become `exercise`, and cells tagged `colab` are left out.

    Examples
    --------
    >>> from nbformat import v4
    >>> from equibook.readers_copy import make_readers_copy
    >>> cells = [v4.new_markdown_cell("How many?"), v4.new_code_cell("n = 6", metadata={"tags": ["solution"]})]
    >>> notebook = v4.new_notebook(cells=cells)
    >>> copy = make_readers_copy(notebook)
    >>> print(copy.cells[1].source)
    # Your turn: put your answer in place of the three dots.
    n = ...
    >>> copy.cells[1].metadata.tags, notebook.cells[1].source
    (['exercise'], 'n = 6')
    """
    import nbformat

    if not isinstance(notebook, Mapping) or "cells" not in notebook:
        hint = "Read it with `nbformat.read(path, as_version=4)`."
        raise TypeError(f"`notebook` must be a notebook with cells, got {type(notebook).__name__}. {hint}")
    result = nbformat.from_dict(dict(notebook))  # a new one, all the way down
    result.cells = [cell for cell in result.cells if "colab" not in cell.metadata.get("tags", [])]
    for cell in result.cells:
        cell.source = cell.source if isinstance(cell.source, str) else "".join(cell.source)
        if "solution" in cell.metadata.get("tags", []):
            cell.metadata.tags = ["exercise" if tag == "solution" else tag for tag in cell.metadata.tags]
            cell.update(source=make_stub(cell.source), outputs=[], execution_count=None)
    return result


def make_stub(solution: str) -> str:
    """Return what remains of a solution for the reader to fill.

    Parameters
    ----------
    solution : str
        Python source that defines, at its top level, what the exercise asks for.

    Returns
    -------
    str
        Python source. It runs wherever the imports do.

    Examples
    --------
    >>> from equibook.readers_copy import make_stub
    >>> print(make_stub("n_discs = 3"))
    # Your turn: put your answer in place of the three dots.
    n_discs = ...
    >>> print(make_stub("def area(radius): return np.pi * radius**2"))
    # Your turn: put your answer in place of the three dots.
    def area(radius):
        ...
    """
    try:
        parts = list(_stub_of(ast.parse(solution).body, solution.splitlines()))
    except SyntaxError as error:
        hint = "Put magics and commands of the shell into another cell."
        raise ValueError(f"a cell tagged `solution` must hold Python, got {error}. {hint}") from error
    if all(kind == "import" for kind, _ in parts):
        hint = "Give what the check takes a name, at the top level of the cell."
        raise ValueError(f"a cell tagged `solution` must define a function or a variable, got {solution!r}. {hint}")
    text, before = FIRST_LINE, ""
    for kind, part in dict.fromkeys(parts):
        text += _space_between(before, kind) + part
        before = kind
    return text


def _stub_of(statements: list[ast.stmt], lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield what remains of each statement: its kind, and its text with the indentation that it had."""
    indent = " " * min((statement.col_offset for statement in statements), default=0)  # of those after a semicolon too
    for statement in statements:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield "import", indent + _source_of(statement, lines)
        elif isinstance(statement, Definition):
            yield "definition", _stub_of_definition(statement, lines)
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield "variable", f"{indent}{statement.target.id}: {ast.unparse(statement.annotation)} = ..."
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                if names := _names_in(target):
                    yield "variable", f"{indent}{', '.join(names)} = {', '.join(['...'] * len(names))}"


def _stub_of_definition(node: Definition, lines: list[str]) -> str:
    """Return decorators, head and docstring as they are written, and below them three dots; of a class its stubs."""
    indent = " " * (node.col_offset + 4)
    has_docstring = ast.get_docstring(node) is not None
    said = [indent + _source_of(node.body[0], lines)] if has_docstring else []
    within = _stub_of(node.body[has_docstring:], lines) if isinstance(node, ast.ClassDef) else []
    below = "\n\n".join(text for _, text in within) or f"{indent}..."
    return "\n".join([*_head_of(node, lines), *said, below])


def _head_of(node: Definition, lines: list[str]) -> list[str]:
    """Return the lines from the first decorator to the colon, without comments that stand below it."""
    line, column = _start_of(node.body[0])
    first, _ = _start_of(node)
    before_body = lines[line - 1].encode()[:column].decode()  # columns are counted in bytes
    head = [*lines[first - 1 : line - 1], before_body.rstrip()]
    while not head[-1].strip() or head[-1].lstrip().startswith("#"):
        head.pop()
    return head


def _start_of(node: ast.stmt) -> tuple[int, int]:
    """Return line and column of a statement or of its first decorator."""
    decorators = node.decorator_list if isinstance(node, Definition) else []
    return min([(node.lineno, node.col_offset), *((part.lineno, part.col_offset - 1) for part in decorators)])


def _source_of(node: ast.stmt, lines: list[str]) -> str:
    return ast.get_source_segment("\n".join(lines), node) or ""


def _names_in(target: ast.expr) -> list[str]:
    """Return the variables that are assigned to; `a[0]` and `a.b` are none."""
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]


def _space_between(before: str, kind: str) -> str:
    if "definition" in (before, kind) and before:
        return "\n\n\n"
    return "\n" if before in ("", kind) else "\n\n"
