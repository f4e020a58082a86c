"""The import rule: a module uses only modules before it, and the heavy libraries stay where they belong."""

import ast
from pathlib import Path

import pytest

import equibook

ORDER = """
    _checks _files _tables groups actions orbits frames colour filters equivariant fast invariant pose compiling
    representation reduction streaming throughput distributed irreducibles orbit_pca classifiers
    integrated_gradients novelty explanation glassbox out_of_core networks convolution receptive_fields operators
    layer_list unfold operations rewriting
    measure disturbances sensitivity reconstruction design nuisances repack group_layers learned
    pretrained stage_table alexnet responses probes persistence
    image_files folders shapes datasets shares drawing plots layers_at pictures pages frame_cache explorers live
    screening sides held_out study cases advice report
    verdicts exercises quizzes progress summaries readers_copy lessons train_networks demo fit predict lab doctor cli
""".split()
ONLY_IN = {
    "matplotlib": {"drawing", "plots", "explorers"},
    "anywidget": {"explorers", "live"},
    "torchvision": {"alexnet", "datasets", "doctor"},
}
PACKAGE = Path(equibook.__file__).parent
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")
PARTS = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.glob("*/*.py"))  # of modules that are folders


def statements(tree, *, in_functions, for_types):
    """Yield the nodes of a module; those that run on import, those within functions, those for type checkers only."""
    for node in ast.iter_child_nodes(tree):
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        is_for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if (is_function and not in_functions) or (is_for_types and not for_types):
            continue
        yield node
        yield from statements(node, in_functions=in_functions, for_types=for_types)


def imported(source, **which):
    """Return the full names that a module imports, those of its own package as `equibook.…`."""
    names = set()
    for node in statements(ast.parse(source), **which):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(filter(None, ["equibook" if node.level else "", node.module]))
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def breaches_of_order(module, source):
    """Return what a module imports of the package on loading, or names for its types, without standing after it."""
    before = {"__version__", *ORDER[: ORDER.index(module)]}
    names = imported(source, in_functions=False, for_types=True)
    used = {f"{name}.".split(".")[1] or "equibook itself" for name in names if name.split(".")[0] == "equibook"}
    return used - before


def breaches_of_place(module, source):
    """Return the libraries that a module imports anywhere, though they belong to others."""
    names = imported(source, in_functions=True, for_types=False)
    libraries = {name.split(".")[0] for name in names}
    return {library for library in libraries & ONLY_IN.keys() if module not in ONLY_IN[library]}


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_its_place_and_keeps_the_order(module):
    assert module in ORDER, f"put {module} into ORDER, after the modules that it uses"
    assert breaches_of_order(module, (PACKAGE / f"{module}.py").read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize("module", MODULES)
def test_heavy_libraries_stay_where_they_belong(module):
    assert breaches_of_place(module, (PACKAGE / f"{module}.py").read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize("part", PARTS)
def test_the_parts_of_a_module_keep_its_place(part):
    module, source = part.split("/")[0], (PACKAGE / part).read_text(encoding="utf-8")
    assert breaches_of_order(module, source) <= {module}
    assert breaches_of_place(module, source) == set()


def test_the_modules_are_seen():
    assert {"cli", "doctor", "lab"} <= set(MODULES)
    folders = sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists())
    assert folders == ["exercises", "plots", "probes"] and set(folders) <= set(ORDER)
    assert {"exercises/chapter_00.py", "plots/models.py"} <= set(PARTS)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from .plots import draw", {"plots"}),
        ("from . import actions, cli", {"cli"}),
        ("from equibook.cli import main", {"cli"}),
        ("import equibook.plots as plots", {"plots"}),
        ("import equibook as eq", {"equibook itself"}),
        ("from equibook import Representation", {"Representation"}),
        ("from equibook import measure", {"measure"}),
        ("if True:\n    from .plots import draw", {"plots"}),
        ("try:\n    from .plots import draw\nexcept ImportError:\n    pass", {"plots"}),
        ("class A:\n    from .plots import draw", {"plots"}),
        ("if TYPE_CHECKING:\n    from .plots import Figure", {"plots"}),
        ("def f():\n    from .plots import draw", set()),
        ("import numpy\nfrom . import __version__\nfrom .actions import rotate", set()),
    ],
)
def test_a_breach_of_the_order_is_found(source, found):
    assert breaches_of_order("measure", source) == found


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("measure", "import matplotlib.pyplot as plt", {"matplotlib"}),
        ("measure", "def plot():\n    import matplotlib", {"matplotlib"}),
        ("plots", "from anywidget import AnyWidget", {"anywidget"}),
        ("plots", "import torchvision, matplotlib", {"torchvision"}),
        ("plots", "import matplotlib", set()),
        ("measure", "if TYPE_CHECKING:\n    from matplotlib.figure import Figure", set()),
    ],
)
def test_a_library_out_of_its_place_is_found(module, source, found):
    assert breaches_of_place(module, source) == found
