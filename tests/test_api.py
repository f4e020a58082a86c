"""Every public name says what it does, what goes in and comes out and in which shape, and shows it: one test a module.

A name is public if it is a function or a class, defined in the package, and neither it nor its module begins with an
underscore. The checks of the exercises are no part of it: their examples would be answers.
"""

import ast
import builtins
import doctest
import inspect
import pkgutil
import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, is_typeddict

import numpy as np
import pytest
from numpydoc.docscrape import NumpyDocString
from torch import Tensor, nn

import equibook

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))
import reference  # noqa: E402

README = (ROOT / "README.md").read_text(encoding="utf-8")
DATA = frozenset(
    "image images X X_train X_test x maps feature_maps features coefficients kernel kernels orbits inputs Z moved"
    " batch".split()
)
ARRAY = re.compile(r"Tensor|[Nn][Dd][Aa]rray|\barrays?\b")
SHAPE = re.compile(r"\bshapes?\b|\(n_\w+,")
PARTS_WITHOUT_CODE = ("Parameters", "Other Parameters", "Attributes", "Returns", "Yields", "Raises", "References")


def public_modules():
    """Return the names of all public modules, those in folders too."""
    names = [module.name for module in pkgutil.walk_packages(equibook.__path__, "equibook.")]
    return [name for name in names if not re.search(r"\._|\.exercises\.chapter_\d\d$", name)]


def public_names(module):
    """Return the functions and classes that a module defines and offers, by name."""
    own = {n: v for n, v in vars(module).items() if getattr(v, "__module__", None) == module.__name__ and n[0] != "_"}
    return {n: v for n, v in own.items() if inspect.isclass(v) or inspect.isfunction(inspect.unwrap(v))}


def faults_of_docstring(thing):
    """Return what is missing in the docstring of a function or a class, in words."""
    text = thing.__doc__ or ""
    if not text.strip() or text.startswith(f"{thing.__name__}("):  # a dataclass without a docstring gets its signature
        return ["has no docstring"]
    parts = NumpyDocString(inspect.cleandoc(text))
    faults = [] if "".join(parts["Summary"]).strip() else ["has no summary"]
    faults += [*_faults_of_parameters(thing, parts), *_faults_of_results(thing, parts)]
    faults += [f"has an example under {name}" for name in PARTS_WITHOUT_CODE if ">>>" in _text(parts[name])]
    return [*faults, *_faults_of_examples(text)]


def _faults_of_parameters(thing, parts):
    documented = {
        name.strip().lstrip("*"): f"{entry.type} {' '.join(entry.desc)}"
        for entry in parts["Parameters"] + parts["Other Parameters"]
        for name in entry.name.split(",")
    }
    taken = _parameters(thing)
    yield from (f"does not say what `{name}` is" for name in taken if name not in documented)
    yield from (f"says what `{name}` is, which it does not take" for name in documented if name not in taken)
    for name in taken.keys() & documented.keys():
        is_data = name in DATA and taken[name] in ("Any", "typing.Any")
        if (is_data or _is_array(taken[name]) or ARRAY.search(documented[name].split(".")[0])) and not SHAPE.search(
            documented[name]
        ):
            yield f"does not say which shape `{name}` has"


def _parameters(thing):
    """Return the parameters of a function, or of a class whose `__init__` is written here, with their annotations."""
    if is_typeddict(thing) or getattr(thing, "_is_protocol", False):
        return {}
    if inspect.isclass(thing):
        maker = next(kind for kind in thing.__mro__ if "__init__" in vars(kind) or "__new__" in vars(kind))
        if maker.__module__.split(".")[0] != thing.__module__.split(".")[0]:
            return {}
    taken = inspect.signature(thing).parameters.values()
    return {p.name: inspect.formatannotation(p.annotation) for p in taken if p.name not in ("self", "cls")}


def _faults_of_results(thing, parts):
    results = [f"{entry.name} : {entry.type} {' '.join(entry.desc)}" for entry in parts["Returns"] + parts["Yields"]]
    annotation = "" if inspect.isclass(thing) else inspect.formatannotation(inspect.signature(thing).return_annotation)
    if _is_array(annotation) and not results:
        yield "does not say what it returns"
    arrays = [result for result in results if ARRAY.search(result)]
    if (_is_array(annotation) or arrays) and not all(SHAPE.search(result) for result in arrays or results):
        yield "does not say which shape its result has"


def _is_array(annotation):
    """Say whether an annotation is an array or holds some; a function of arrays does not count."""
    return bool(ARRAY.search(re.sub(r"Callable\[.*\]", "", annotation)))


def _text(part):
    return " ".join(" ".join(map(str, [*entry]) if isinstance(entry, tuple) else [entry]) for entry in part)


def _faults_of_examples(text):
    """Yield a fault unless some example that is run calls something, and one for each name that comes from nowhere."""
    examples = [e for e in doctest.DocTestParser().get_examples(text) if not e.options.get(doctest.SKIP)]
    nodes = [*ast.walk(ast.parse("".join(e.source for e in examples)))]
    if not any(isinstance(node, ast.Call) for node in nodes):
        yield "has no example"
    made = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    made |= {(node.asname or node.name).partition(".")[0] for node in nodes if isinstance(node, ast.alias)}
    made |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    made |= {node.arg for node in nodes if isinstance(node, ast.arg)} | {*dir(builtins)}
    used = {node.id: None for node in nodes if isinstance(node, ast.Name)}
    yield from (f"uses `{name}` in its example without importing it" for name in used if name not in made)


def names_on_pages(pages):
    """Return the full names that pages show: of each module shown, its `__all__`, or else what it defines itself."""
    found = []
    for name, options in re.findall(r"automodule:: (\S+)\n((?: +:.*\n)*)", "\n".join(pages)):
        module = import_module(name)
        left_out = ", ".join(re.findall(r":exclude-members: (.*)", options)).split(", ")
        names = getattr(module, "__all__", None) or [n for n, v in public_names(module).items() if v.__doc__]
        found += [_home(getattr(module, n)) for n in names if n not in left_out]
    return found


@cache
def _names_in_the_reference():
    return names_on_pages([reference.write_page(topic) for topic in reference.read_topics(README)])


def _home(thing):
    return f"{getattr(thing, '__module__', '')}.{getattr(thing, '__name__', '')}"


def faults(module):
    """Return the faults of all public names of a module, by name."""
    found = {}
    for name, thing in public_names(module).items():
        of_page = [] if _home(thing) in _names_in_the_reference() else ["stands on no page of the reference"]
        if several := [*faults_of_docstring(thing), *of_page]:
            found[name] = several
    return found


@pytest.mark.parametrize("name", public_modules())
def test_every_public_name_is_documented_and_shown(name):
    found = faults(import_module(name))
    assert not found, "\n".join(["", *(f"{name}.{thing} {', '.join(several)}" for thing, several in found.items())])


def test_the_public_names_are_seen():
    modules = public_modules()
    assert {"equibook.groups", "equibook.plots.models", "equibook.exercises"} <= set(modules)
    assert not {"equibook._checks", "equibook.exercises.chapter_00"} & set(modules)
    assert {"Element", "CyclicGroup", "DihedralGroup"} == set(public_names(import_module("equibook.groups")))
    assert sum(len(public_names(import_module(name))) for name in modules) > 400


def whole(images: Any, angle: float = 0.0, *, mask: np.ndarray | None = None) -> Tensor:
    """Do nothing, for the test.

    Parameters
    ----------
    images : ndarray of shape (n_samples, height, width)
    angle : float
    mask : ndarray of shape (height, width), optional

    Returns
    -------
    Tensor of shape (n_samples,)

    Examples
    --------
    >>> from test_api import whole
    >>> whole(3)
    """


@dataclass
class Whole:
    """Hold a row.

    Parameters
    ----------
    row : Tensor of shape (n,)

    Examples
    --------
    >>> from test_api import Whole
    >>> Whole(1).row
    1
    """

    row: Tensor


class Inherits(nn.Module):
    """Take what its parent takes.

    Examples
    --------
    >>> from test_api import Inherits
    >>> len(list(Inherits().parameters()))
    0
    """


@dataclass
class Bare:
    row: Tensor


def test_what_is_whole_has_no_fault():
    assert [faults_of_docstring(thing) for thing in (whole, Whole, Inherits)] == [[], [], []]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("Do nothing, for the test.\n", "", "has no summary"),
        ("    angle : float\n", "", "does not say what `angle` is"),
        ("angle : float", "turn, angle : float", "says what `turn` is, which it does not take"),
        (" of shape (n_samples, height, width)", "", "does not say which shape `images` has"),
        ("ndarray of shape (n_samples, height, width)", "images", "does not say which shape `images` has"),
        (" of shape (height, width)", "", "does not say which shape `mask` has"),
        ("angle : float", "angle : float or array", "does not say which shape `angle` has"),
        ("    Returns\n    -------\n    Tensor of shape (n_samples,)\n", "", "does not say what it returns"),
        ("Tensor of shape (n_samples,)", "Tensor", "does not say which shape its result has"),
        (
            "Tensor of shape (n_samples,)",
            "a : Tensor of shape (1,)\n    b : Tensor",
            "does not say which shape its result has",
        ),
        (">>> whole(3)", "It runs.", "has no example"),
        (">>> whole(3)", ">>> whole(3)  # doctest: +SKIP", "has no example"),
        (">>> whole(3)", ">>> import numpy", "has no example"),
        ("    Examples\n    --------\n", "", "has an example under Returns"),
        ("    >>> from test_api import whole\n", "", "uses `whole` in its example without importing it"),
        ("whole(3)", "whole([x for x in y])", "uses `y` in its example without importing it"),
    ],
)
def test_a_fault_is_found(monkeypatch, old, new, fault):
    assert old in whole.__doc__
    monkeypatch.setattr(whole, "__doc__", whole.__doc__.replace(old, new, 1))
    assert faults_of_docstring(whole) == [fault]


def test_faults_of_classes_are_found(monkeypatch):
    assert faults_of_docstring(Bare) == ["has no docstring"]
    monkeypatch.setattr(Whole, "__doc__", Whole.__doc__.replace(" of shape (n,)", ""))
    assert faults_of_docstring(Whole) == ["does not say which shape `row` has"]


def test_a_section_with_a_wrong_name_is_no_section(monkeypatch):
    wrong = whole.__doc__.replace("Parameters\n    ----------", "Arguments\n    ---------")
    monkeypatch.setattr(whole, "__doc__", wrong)
    with pytest.warns(UserWarning, match="Unknown section Arguments"):
        found = faults_of_docstring(whole)
    assert found == [f"does not say what `{name}` is" for name in ("images", "angle", "mask")]


def test_public_names_are_told_from_others():
    module = SimpleNamespace(__name__=__name__, whole=whole, _hidden=whole, Whole=Whole, foreign=np.zeros, DATA=DATA)
    assert public_names(module).keys() == {"whole", "Whole"}


def test_a_name_on_no_page_is_found():
    page = "```{eval-rst}\n.. automodule:: equibook.groups\n   :members:\n```\n"
    assert "equibook.groups.Element" in names_on_pages([page])
    assert "equibook.groups.Element" not in names_on_pages([page.replace("groups", "frames")])
    without = page.replace(":members:\n", ":members:\n   :exclude-members: Element, CyclicGroup\n")
    assert names_on_pages([without]) == ["equibook.groups.DihedralGroup"]


def test_a_folder_of_modules_shows_all_it_offers_and_no_more():
    shown = names_on_pages(["```{eval-rst}\n.. automodule:: equibook.probes\n   :members:\n```\n"])
    assert "equibook.probes.alignment.cka" in shown and "equibook.probes.stages.split" not in shown


def test_the_reference_shows_the_parts_of_folders_and_nothing_of_them_twice():
    shown = [name for name in _names_in_the_reference() if re.match(r"equibook\.(exercises|plots|probes)\.", name)]
    assert {"equibook.probes.alignment.cka", "equibook.probes.stages.split"} <= set(shown)
    assert len(shown) == len(set(shown))
    assert not any(".chapter_" in name for name in shown)
