"""The package is light to import, and every public name is there on first use."""

import subprocess
import sys

import pytest

import equibook

HEAVY = ("torch", "torchvision", "numpy", "scipy", "sklearn", "matplotlib", "PIL", "anywidget", "ipywidgets")


def loaded_by(code):
    """Return the modules that a fresh Python has loaded after `code`."""
    code += "\nimport sys; print(*sys.modules)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_importing_the_package_loads_nothing_heavy():
    loaded = loaded_by("import equibook")
    assert "equibook" in loaded
    assert [name for name in HEAVY if name in loaded] == []
    assert [name for name in loaded if name.startswith("equibook.")] == []


def test_a_heavy_import_would_be_seen():
    assert "numpy" in loaded_by("import equibook, numpy")


@pytest.mark.parametrize("name", equibook.__all__)
def test_every_public_name_resolves(name):
    assert getattr(equibook, name) is not None
    assert name in dir(equibook)


def test_a_module_is_loaded_on_first_use():
    assert "equibook.cli" in loaded_by("import equibook; equibook.cli")


def test_an_unknown_name_is_an_ordinary_attribute_error():
    with pytest.raises(AttributeError, match="module 'equibook' has no attribute 'nonsense'"):
        _ = equibook.nonsense
    with pytest.raises(ImportError):
        from equibook import nonsense  # noqa: F401


def test_everything_is_star_importable():
    namespace = {}
    exec("from equibook import *", namespace)
    assert namespace["Representation"] is equibook.Representation
