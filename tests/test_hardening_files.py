"""A file that would run something runs nothing, whatever a reader hands over, and no module has the means to.

Models: `test_persistence`; weights that torch has cached: `test_pretrained`. Here the others, and the code itself.
"""

import ast
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

import equibook
from equibook import folders, networks, persistence, predict, progress, quizzes, streaming

PACKAGE = Path(equibook.__file__).parent


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def kinds_of_files(mark):
    """Return files as bytes, by name: pickles in every wrapping that numpy and torch know, and code as text."""
    folder = mark.parent
    np.save(folder / "objects.npy", np.array([Payload(mark)], dtype=object), allow_pickle=True)
    torch.save({"weight": Payload(mark)}, folder / "weights.pth")
    torch.save(Payload(mark), folder / "old.pth", _use_new_zipfile_serialization=False)
    code = f"__import__('pathlib').Path({str(mark)!r}).touch()".encode()
    found = {path.name: path.read_bytes() for path in folder.glob("*.*")}
    return found | {"pickle": pickle.dumps(Payload(mark)), "code": code, "json": b'{"exercises": ' + code + b"}"}


NAMES = ("objects.npy", "weights.pth", "old.pth", "pickle", "code", "json")


def load_network(path):
    """Put the file where the weights of a network are expected, beside its true card."""
    own = path.parent / "networks"
    own.mkdir()
    (own / "lenet.json").write_bytes((PACKAGE / "weights" / "lenet.json").read_bytes())
    (own / "lenet.safetensors").write_bytes(path.read_bytes())
    return networks.load("lenet", own)


LOADERS = {
    "a model": persistence.load,
    "a model for equibook predict": predict.load_model,
    "weights of a network": load_network,
    "progress": progress.read,
    "quizzes": quizzes.load_quizzes,
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("loader", LOADERS)
def test_nothing_runs(tmp_path, loader, name):
    mark = tmp_path / "ran"
    path = tmp_path / "given.skops"
    path.write_bytes(kinds_of_files(mark)[name])
    with pytest.raises((ValueError, OSError)):
        LOADERS[loader](path)
    assert not mark.exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_among_images_is_left_out(tmp_path, name):
    mark = tmp_path / "ran"
    content = kinds_of_files(mark)[name]
    rng = np.random.default_rng(0)
    folders.write_folder(tmp_path / "images", rng.random((4, 1, 16, 16)), np.array([0, 0, 1, 1]))
    wrong = next((tmp_path / "images").glob("*/")) / "wrong.png"
    wrong.write_bytes(content)
    found = folders.read_folder(tmp_path / "images", 16)
    assert [path.name for path in found.left_out] == ["wrong.png"] and len(found.images) == 4
    assert not mark.exists()


@pytest.mark.parametrize("name", ["objects.npy"])
def test_features_with_objects_are_not_read(tmp_path, name):
    mark = tmp_path / "ran"
    kinds_of_files(mark)
    with pytest.raises((ValueError, TypeError)):
        list(streaming.read_batches(np.load(tmp_path / name, mmap_mode="r")))
    assert not mark.exists()


@pytest.mark.parametrize("name", ["objects.npy", "weights.pth", "old.pth", "pickle"])
def test_the_payloads_are_alive(tmp_path, name):
    mark = tmp_path / "ran"
    path = tmp_path / "given"
    path.write_bytes(kinds_of_files(mark)[name])
    if name == "pickle":
        pickle.loads(path.read_bytes())
    elif name == "objects.npy":
        np.load(path, allow_pickle=True)
    else:
        torch.load(path, weights_only=False)
    assert mark.exists()


def dangers(source):
    """Return the calls and imports in source code that could run what a file says."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
            found += [
                name for name in names if name.split(".")[0] in ("pickle", "dill", "cloudpickle", "shelve", "marshal")
            ]
        if isinstance(node, ast.Call):
            name, given = ast.unparse(node.func), {key.arg: ast.unparse(key.value) for key in node.keywords}
            is_loose = given.get("allow_pickle") == "True" or given.get("trusted") == "True"
            unsafe = name in ("eval", "exec", "joblib.load", "pandas.read_pickle") or is_loose
            if unsafe or (name == "torch.load" and given.get("weights_only") != "True"):
                found.append(ast.unparse(node))
    return found


def test_no_module_has_the_means():
    found = {path.name: dangers(path.read_text()) for path in PACKAGE.rglob("*.py")}
    assert len(found) > 50 and not {name: calls for name, calls in found.items() if calls}


@pytest.mark.parametrize(
    "source",
    ["import pickle", "from pickle import loads", "eval(x)", "torch.load(p)", "numpy.load(p, allow_pickle=True)"],
)
def test_the_means_would_be_seen(source):
    assert dangers(source)
    assert not dangers("torch.load(p, weights_only=True); numpy.load(p)")
