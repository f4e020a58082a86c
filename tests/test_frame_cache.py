"""The cache of pictures: what they depend on is drawn anew when it changes, and nothing else is."""

import functools
import json
import math
import os
import subprocess
import sys
import types

import numpy as np
import pytest
import torch

from equibook import frame_cache
from equibook.explorers import Choice, Explorer, Slider
from equibook.frame_cache import fingerprint


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EQUIBOOK_CACHE", str(tmp_path))
    return tmp_path / "frames"


def run_as_notebook(source):
    """Return what the source defines, as the cells of a notebook do."""
    space = {"__name__": "__main__"}
    exec(source, space)
    return space


BASE = """
import math
import numpy as np
shade = 0.5
def bright(n):
    return shade * n
def draw(n):
    return np.full((2, 2), bright(n) + math.floor(0))
"""


def key_of(source):
    return fingerprint(run_as_notebook(source)["draw"])


def test_the_same_code_has_the_same_key_wherever_it_stands():
    assert key_of(BASE) == key_of("\n\n\n# a comment\n" + BASE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("shade = 0.5", "shade = 0.25"),  # a variable that a helper reads
        ("return shade * n", "return shade * n * n"),  # the code of a helper
        ("(2, 2)", "(2, 3)"),  # a constant
        ("math.floor", "math.ceil"),  # a name of a library
        ("shade = 0.5", "shade = np.float32(0.5)"),  # a type
        ("def draw(n):", "def draw(n, m=1):"),  # a default
        ("import math", "import cmath as math"),  # a module
    ],
)
def test_what_a_picture_depends_on_changes_the_key(old, new):
    assert old in BASE
    assert key_of(BASE) != key_of(BASE.replace(old, new))


def test_what_a_picture_does_not_depend_on_leaves_the_key():
    assert key_of(BASE) == key_of(BASE + "other = 3\ndef unused():\n    return other\n")


def draw_with(value):
    return lambda n: value


class Holder:
    def __init__(self, call):
        self.call = call


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        (np.arange(4), np.arange(4), np.arange(4)[::-1]),
        (torch.ones(2), torch.ones(2), torch.zeros(2)),
        ({"a": [1, (2,)]}, {"a": [1, (2,)]}, {"a": [1, (3,)]}),
        (functools.partial(math.pow, 2), functools.partial(math.pow, 2), functools.partial(math.pow, 3)),
        (Holder(draw_with(1)), Holder(draw_with(1)), Holder(draw_with(2))),  # a function deep within
        ({1, 2}, {2, 1}, {1, 3}),
    ],
)
def test_data_are_told_apart_by_content(one, same, other):
    keys = [fingerprint(draw_with(value)) for value in (one, same, other)]
    assert keys[0] == keys[1] != keys[2]


def test_classes_of_a_notebook_are_told_apart_by_their_code():
    source = "class A:\n    def f(self):\n        return {}\nvalue = A()\ndef draw(n):\n    return value.f()\n"
    keys = [key_of(source.format(number)) for number in (1, 1, 2)]
    assert keys[0] == keys[1] != keys[2]


def test_a_function_that_calls_itself_has_a_key():
    source = "def draw(n):\n    return n and draw(n - {})\n"
    assert key_of(source.format(1)) != key_of(source.format(2))


def test_a_module_of_the_readers_own_is_told_apart_by_its_file(tmp_path):
    keys = []
    for number in (1, 2):
        (tmp_path / "own.py").write_text(f"def f():\n    return {number}\n")
        module = types.ModuleType("own")
        module.__file__ = str(tmp_path / "own.py")
        keys.append(fingerprint(module))
    assert keys[0] != keys[1]


COUNTED = """
import sys, numpy as np
import equibook as eq
from equibook.explorers import Choice, Explorer, Slider
box = eq.GlassBoxClassifier().fit(*eq.datasets.load_digits(classes=(3, 8)))
names = {"three", "eight"}
def draw(angle, digit):
    print("drawn")
    return np.full((2, 2), len(box.classes_) * angle / 100)
Explorer(draw, angle=Slider(range(3)), digit=Choice(["3", "8"]))
"""


def test_another_process_finds_the_pictures(folder):
    runs = [
        subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, text=True, check=True, env=os.environ)
        for _ in range(2)
    ]
    assert [run.stdout.count("drawn") for run in runs] == [6, 0]


def make(draw):
    return Explorer(draw, n=Slider([1, 2]), wide=Choice(["yes", "no"])).frames


class Counter:
    """It counts its calls, and has one content whatever it has counted."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1

    def __reduce__(self):
        return (Counter, ())


def test_pictures_from_the_cache_equal_those_drawn(folder):
    count = Counter()

    def draw(n, wide):
        count()
        return np.full((2, 2), n / 10)

    assert make(draw) == make(draw)
    assert count.calls == 4


def test_an_empty_variable_turns_the_cache_off(folder, monkeypatch):
    monkeypatch.setenv("EQUIBOOK_CACHE", "")
    make(lambda n, wide: np.zeros((2, 2)))
    assert not folder.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[{}]", b'[{"alt": "", "png": "?", "size": [1, 1]}]', b"3"])
def test_a_spoiled_file_is_drawn_again_and_replaced(folder, content):
    def draw(n, wide):
        return np.full((2, 2), n / 10)

    frames = make(draw)
    (file,) = folder.iterdir()
    kept = file.read_bytes()
    file.write_bytes(content)
    assert make(draw) == frames
    assert file.read_bytes() == kept


def test_files_are_plain_json(folder):
    make(lambda n, wide: np.zeros((2, 2)))
    (file,) = folder.iterdir()
    assert {tuple(entry) for entry in json.loads(file.read_bytes())} == {("alt", "png", "size")}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_failures_are_not_kept(folder):
    make(lambda n, wide: np.full((2, 2), 1 / (n - 1)))
    assert not folder.exists()


def test_what_cannot_be_hashed_is_drawn_each_time(folder):
    generator = (n for n in range(3))
    for _ in range(2):
        assert len(make(lambda n, wide: np.full((2, 2), float(generator is not None)))) == 4
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_no_hindrance(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EQUIBOOK_CACHE", str(tmp_path / "file"))
    assert len(make(lambda n, wide: np.zeros((2, 2)))) == 4


def test_the_least_recently_used_files_go(folder, monkeypatch):
    monkeypatch.setattr(frame_cache, "MOST_FILES", 2)
    draws = [lambda n, wide: np.full((2, 2), 0.1), lambda n, wide: np.full((2, 2), 0.2)]
    for age, draw in enumerate(draws):
        make(draw)
        (newest,) = [path for path in folder.iterdir() if path.stat().st_mtime > 1000]
        os.utime(newest, (age, age))
    make(draws[0])  # used again
    make(lambda n, wide: np.full((2, 2), 0.3))
    assert sorted(path.stat().st_mtime > 1000 for path in folder.iterdir()) == [True, True]


def test_the_files_of_the_package_count_in_its_folders_too(tmp_path, monkeypatch):
    monkeypatch.setattr(frame_cache, "PACKAGE", tmp_path)
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "models.py").write_text("width = 1")
    before = frame_cache._versions.__wrapped__()
    (tmp_path / "plots" / "models.py").write_text("width = 2")
    assert frame_cache._versions.__wrapped__() != before
