"""Odd values, types and layouts for all that is public and takes data: a finite answer, or an error that teaches.

The law: numbers that are fit give finite results of the same shapes as plain ones, numpy in and numpy out; numbers that
are not give ValueError or TypeError in three parts; whatever comes, nothing is written into it and nothing warns.
EQUIBOOK_HYPOTHESIS=thorough tries three times as much.
"""

import dataclasses
import importlib
import inspect
import os
import pkgutil
from collections.abc import Mapping

import hardening_table
import numpy as np
import pytest
import torch
from hardening_table import EXCLUDED, PLOTS, TABLE
from hypothesis import given, settings
from hypothesis import strategies as st
from test_checks import THREE_PARTS

import equibook as eq

FACTOR = 3 if os.environ.get("EQUIBOOK_HYPOTHESIS") == "thorough" else 1
DATA = set(
    "images image X X_train X_test x others reference features coefficients maps y y_train y_test labels predicted"
    " angle angles kernel kernels net network model inputs Z moved orbits matrix shift axis tests known truth".split()
)
STRICT = hardening_table.Entry(None, {})
CASES = [(name, parameter) for name, entry in (TABLE | PLOTS).items() for parameter in entry.kinds]


def public_names():
    """Yield each public function, class and method that takes data it has not checked yet, and those parameters."""
    for module in _modules():
        for name, thing in vars(module).items():
            is_own = getattr(thing, "__module__", None) == module.__name__ and not name.startswith("_")
            if is_own and (inspect.isfunction(thing) or inspect.isclass(thing)):
                short = module.__name__.removeprefix("equibook.")
                yield from _with_methods(f"{short}.{name}", thing)


def _modules():
    for name in eq.__all__:
        module = getattr(eq, name)
        if inspect.ismodule(module):
            yield module
            for part in pkgutil.iter_modules(getattr(module, "__path__", ())):
                yield importlib.import_module(f"{module.__name__}.{part.name}")


def _with_methods(name, thing):
    methods = vars(thing).items() if inspect.isclass(thing) else ()
    for full, function in [(name, thing), *((f"{name}.{key}", value) for key, value in methods if key[0] != "_")]:
        if inspect.isfunction(function) or (function is thing and not dataclasses.is_dataclass(thing)):
            taken = {key for key, p in inspect.signature(function).parameters.items() if _is_unchecked(key, p)}
            if taken:
                yield full, taken


def _is_unchecked(name, parameter):
    """Say whether a parameter is data that may be anything; what is annotated otherwise a caller has checked."""
    text = str(parameter.annotation)
    return name in DATA and "Any" in text and not any(word in text for word in ("Sequence[", "Mapping[str, Sequence"))


def test_everything_public_that_takes_data_has_a_line():
    public = dict(public_names())
    assert len(public) > 100
    missing = {name: taken for name, taken in public.items() if name not in TABLE | PLOTS | EXCLUDED}
    assert not missing, "write a line in tests/hardening_table.py, or a reason in EXCLUDED"
    unknown = (TABLE | PLOTS | EXCLUDED).keys() - public.keys() - hardening_table.CHECKED
    assert not unknown
    assert all(len(reason) > 10 for reason in EXCLUDED.values())
    assert not EXCLUDED.keys() & (TABLE | PLOTS).keys()


@pytest.mark.parametrize("name", TABLE | PLOTS)
def test_every_parameter_with_data_is_tried_or_has_a_reason(name):
    entry = (TABLE | PLOTS)[name]
    taken = dict(public_names()).get(name, set())
    assert taken <= entry.kinds.keys() | entry.left_out.keys()


@pytest.mark.parametrize(("name", "parameter"), CASES)
def test_the_law(name, parameter):
    entry = (TABLE | PLOTS)[name]
    plain = _shapes(_call(entry, parameter, entry.kinds[parameter].plain()))

    @settings(max_examples=entry.examples * FACTOR, database=None, deadline=None, derandomize=True)
    @given(st.data())
    def holds(data):
        hardening_table.COUNT[0] += 1
        fitness, value = data.draw(entry.kinds[parameter].values())
        check_law(lambda: _call(entry, parameter, value), value, fitness, plain, entry)

    holds()


def check_law(call, value, fitness, plain, entry=STRICT):
    """Assert the law for one value; its fitness is "fit", "unfit", or "either" where both answers are right."""
    before = _content(value)
    try:
        result = call()
    except (ValueError, TypeError) as error:
        assert fitness != "fit", f"refused: {error}"
        assert not entry.own_words or THREE_PARTS.match(str(error)), f"{type(error).__name__}: {error}"
    else:
        assert fitness != "unfit", "accepted"
        if fitness == "fit":
            assert _shapes(result) == plain
        for array in _arrays(result):
            assert entry.may_be_nan or np.isfinite(_as_numpy(array)).all(), "not finite"
            assert entry.gives_tensors or isinstance(value, torch.Tensor) or not isinstance(array, torch.Tensor)
    assert _content(value) == before, "written into"


def _call(entry, parameter, value):
    return entry.call(**{**{name: kind.plain() for name, kind in entry.kinds.items()}, parameter: value})


def _content(value):
    if isinstance(value, torch.Tensor):
        return value._version, str(value.detach()), value.grad is None
    return value.tobytes() if isinstance(value, np.ndarray) and value.dtype != object else repr(value)


def _arrays(result):
    """Yield the numbers in a result, however it is built."""
    if isinstance(result, torch.Tensor | np.ndarray | float | np.floating):
        if torch.is_tensor(result) or np.asarray(result).dtype.kind in "fc":
            yield result
    elif isinstance(result, Mapping):
        for value in result.values():
            yield from _arrays(value)
    elif isinstance(result, list | tuple):
        for value in result:
            yield from _arrays(value)
    elif dataclasses.is_dataclass(result) and not isinstance(result, type):
        yield from _arrays([getattr(result, field.name) for field in dataclasses.fields(result)])


def _as_numpy(array):
    return array.detach().numpy() if isinstance(array, torch.Tensor) else np.asarray(array)


def _shapes(result):
    return [tuple(np.shape(array)) for array in _arrays(result) if torch.is_tensor(array) or np.ndim(array)]


PLAIN = hardening_table.IMAGES.plain()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda x: x * np.nan, "not finite"),
        (lambda x: x[:1], "=="),
        (lambda x: x.__imul__(2), "written into"),
        (lambda x: torch.from_numpy(x), "isinstance"),
        (lambda x: 1 / 0, "division"),
        (lambda x: eq.actions.rotate(x, "no"), "refused"),
    ],
)
def test_what_breaks_the_law_is_found(broken, said):
    value = PLAIN.copy()
    with pytest.raises((AssertionError, ZeroDivisionError), match=said):
        check_law(lambda: broken(value), value, "fit", _shapes([PLAIN]))


def test_what_is_swallowed_or_badly_said_is_found():
    with pytest.raises(AssertionError, match="accepted"):
        check_law(lambda: np.zeros(2), None, "unfit", [(2,)])
    with pytest.raises(AssertionError, match="ValueError: oh"):
        check_law(lambda: (_ for _ in ()).throw(ValueError("oh")), None, "unfit", [])
