"""Throughput: every setting is measured in a process of its own, bad calls are told, and memory is seen."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from test_checks import THREE_PARTS

from equibook import Representation, throughput
from equibook.throughput import Throughput, follow_memory, measure_throughput, peak_memory

LAYER = Representation(invariant="k0", device="cpu").fit(np.zeros((1, 12, 12), dtype=np.float32))
MADE_UP = Throughput(
    batch_sizes=(1, 1, 64, 64),
    workers=(1, 2, 1, 2),
    seconds=np.array([[1.0, 2.0, 4.0], [2.0, 2.0, 2.0], [0.5, 0.25, 0.1], [0.1, 0.125, 0.2]]),
    memory=np.array([2.0, 4.0, 30.0, 60.0]),
    start=300.0,
    n_images=100,
    size=32,
    n_features=2305,
    device="cpu",
    machine="a machine",
)


@pytest.fixture(scope="module")
def found():
    return measure_throughput(LAYER, batch_sizes=(64, 1), workers=(2, 1), n_images=64, repeats=2)


def test_all_settings_in_rising_order(found):
    assert found.batch_sizes == (1, 1, 64, 64) and found.workers == (1, 2, 1, 2)
    assert found.seconds.shape == (4, 2) and (found.seconds > 0).all() and np.isfinite(found.seconds).all()
    assert (np.diff(found.memory) >= 0).all() and found.start > 50
    assert (found.n_images, found.size, found.device) == (64, 12, "cpu")
    assert found.n_features == len(LAYER.get_feature_names_out())
    assert "torch" in found.machine and "cores" in found.machine


def test_large_batches_take_memory():
    """A batch of 4096 images of 12 x 12 alone is 2.4 MB, and Layer 1 makes maps of it."""
    small, large = measure_throughput(LAYER, batch_sizes=(1, 4096), workers=(1,), n_images=1, repeats=1).memory
    assert large > small + 2.4


def test_medians_and_the_best():
    np.testing.assert_allclose(MADE_UP.images_per_second, [50, 50, 400, 800])
    assert MADE_UP.best() == 3 and MADE_UP.best(30) == 2 and MADE_UP.best(29.9) in (0, 1)
    with pytest.raises(ValueError, match=r"`most_memory` must be at least 2 MB, .*, got 1. Allow") as caught:
        MADE_UP.best(1)
    assert THREE_PARTS.match(str(caught.value))


def test_the_table_is_shown():
    head, *rows, note = str(MADE_UP).splitlines()
    assert re.split(r"\s{2,}", head.strip()) == "images at once,workers,images/s,slowest,fastest,MB more".split(",")
    assert [row.split() for row in rows][2] == ["64", "1", "400", "200", "1000", "30"]
    assert len({len(line) for line in (head, *rows)}) == 1
    assert "above the 300 MB before" in note and note.endswith("a machine.") and "medians of 3 runs" in note
    shown = MADE_UP._repr_html_()
    assert shown.count("<tr>") == 5 and "<td>800</td>" in shown and "a machine" in shown


def test_every_image_is_counted(monkeypatch):
    """The seconds are those of `n_images`, also where whole batches are more."""
    clock = iter([0.0, 8.0])
    monkeypatch.setattr(throughput.time, "perf_counter", lambda: next(clock))
    layer = Representation(invariant="average").fit(np.zeros((1, 12, 12), dtype=np.float32))
    asked = {"shape": (1, 1, 12, 12)}
    assert throughput._run(layer, asked, 32, 1, 40) == 8.0 * 40 / 64


def test_kept_features_fill_memory_and_others_do_not():
    """Of 2000 images of 16 x 16, all features are 18 MB in float32."""
    n_features = len(Representation().fit(np.zeros((1, 16, 16))).get_feature_names_out())
    free, kept = (follow_memory(2000, size=16, batch_size=100, keep=keep) for keep in (False, True))
    assert free.shape == kept.shape == (20, 2) and free[:, 0].tolist() == list(range(100, 2001, 100))
    half = 1000 * n_features * 4 / 1e6
    grown = kept[-1, 1] - kept[9, 1]
    assert grown > 0.8 * half and grown - (free[-1, 1] - free[9, 1]) > 0.5 * half


def test_the_peak_is_seen_after_it_is_past():
    script = """
import numpy as np, psutil
from equibook.throughput import peak_memory
before = peak_memory()
a = np.ones(10_000_000)
del a
print(peak_memory() - before, peak_memory() - psutil.Process().memory_info().rss / 1e6)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    more, past = map(float, ran.stdout.split())
    assert 60 <= more <= 120 and past >= 60


def test_without_the_file_of_linux(monkeypatch, tmp_path):
    if sys.platform != "linux":
        pytest.skip("speaks of Linux")

    usual = peak_memory()
    monkeypatch.setattr(throughput, "_STATUS", tmp_path / "missing")
    assert usual > 50 and peak_memory() >= 0.9 * usual / 1024  # Linux tells kB, macOS bytes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_sizes": ()}, "`batch_sizes` must hold at least one number, got none. Write"),
        ({"workers": (0,)}, "`workers` must be a positive integer, got 0"),
        ({"n_images": 0}, "`n_images` must be a positive integer, got 0"),
        ({"repeats": 1.5}, "`repeats` must be a positive integer, got 1.5"),
    ],
)
def test_bad_input(settings, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        measure_throughput(LAYER, **settings)
    assert THREE_PARTS.match(str(caught.value))


def test_a_child_that_fails_says_why(monkeypatch):
    monkeypatch.setattr(throughput, "_CHILD", "raise MemoryError('too little')")
    with pytest.raises(RuntimeError, match=r"must run in a process of its own, got 'MemoryError: too little'. Try"):
        measure_throughput(LAYER, batch_sizes=(1,), workers=(1,))


def test_the_child_takes_one_thread_of_torch(monkeypatch):
    said = {}

    def run(command, *, input, env, **settings):
        said.update(env=env, asked=json.loads(input))
        return subprocess.CompletedProcess(command, 0, json.dumps({"seconds": [[1.0]], "memory": [0], "start": 1}), "")

    monkeypatch.setattr(throughput.subprocess, "run", run)
    measure_throughput(LAYER, batch_sizes=(8,), workers=(1,))
    assert said["env"]["OMP_NUM_THREADS"] == "1" and said["asked"]["pairs"] == [[8, 1]]
    assert said["asked"]["settings"]["device"] == "cpu" and said["asked"]["shape"] == [1, 1, 12, 12]
