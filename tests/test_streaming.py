"""Streams of images: the same features as in memory, from every source, with flat memory and no half file."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from test_checks import THREE_PARTS
from torch.utils.data import DataLoader, TensorDataset

from equibook import Representation
from equibook.reduction import Reduction
from equibook.representation import Pixels
from equibook.streaming import fit_reduction, read_batches, save_features, transform_batches

X = np.random.default_rng(0).random((23, 1, 12, 12), dtype=np.float32)
LAYER = Representation(invariant="power").fit(X[:1])
EXPECTED = LAYER.transform(X)


def in_a_file(folder):
    np.save(folder / "images.npy", X)
    return np.load(folder / "images.npy", mmap_mode="r")


SOURCES = {
    "array": lambda folder: X,
    "grey array": lambda folder: X[:, 0],
    "tensor": lambda folder: torch.from_numpy(X),
    "memory map": in_a_file,
    "loader with labels": lambda folder: DataLoader(TensorDataset(torch.from_numpy(X), torch.arange(23)), batch_size=4),
    "batches of many sizes": lambda folder: iter([X[:1], X[1:12], X[12:12], X[12:]]),
    "single grey images": lambda folder: (image for image in X[:, 0]),
}


@pytest.mark.parametrize("batch_size", [5, 23, 100])
@pytest.mark.parametrize("name", SOURCES)
def test_streamed_is_as_in_memory(tmp_path, name, batch_size):
    parts = list(transform_batches(LAYER, SOURCES[name](tmp_path), batch_size))
    assert [len(part) for part in parts] == [batch_size] * (23 // batch_size) + [23 % batch_size] * (
        23 % batch_size > 0
    )
    np.testing.assert_allclose(np.concatenate(parts), EXPECTED, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_change_nothing(workers):
    n_threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        parts = list(transform_batches(LAYER, X, 4, workers=workers))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(n_threads)
    assert [len(part) for part in parts] == [4, 4, 4, 4, 4, 3]
    np.testing.assert_allclose(np.concatenate(parts), EXPECTED, rtol=1e-5, atol=1e-6)


def test_workers_do_not_read_ahead_of_what_they_do():
    taken = []

    def source():
        for i in range(20):
            taken.append(i)
            yield X[:4]

    batches = transform_batches(LAYER, source(), 4, workers=2)
    next(batches)
    assert len(taken) <= 4
    batches.close()
    assert len(taken) <= 4


def test_an_error_of_a_worker_arrives():
    with pytest.raises(ValueError, match="must have"):
        list(transform_batches(LAYER, iter([X[:4], np.zeros((4, 1, 9, 9), dtype=np.float32)]), 4, workers=2))


def test_pixels_stream_too():
    assert np.array_equal(np.concatenate(list(transform_batches(Pixels().fit(X), X, 7))), X.reshape(23, -1))


@pytest.mark.parametrize("name", ["array", "memory map", "loader with labels"])
def test_features_on_the_disk(tmp_path, name):
    assert save_features(LAYER, SOURCES[name](tmp_path), tmp_path / "features.npy", batch_size=6) == 23
    found = np.load(tmp_path / "features.npy", mmap_mode="r")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, EXPECTED, rtol=1e-5, atol=1e-6)
    assert not list(tmp_path.glob("*.part"))


def test_an_interruption_leaves_what_was_there(tmp_path):
    def breaks():
        yield X[:9]
        raise KeyboardInterrupt

    np.save(tmp_path / "features.npy", np.arange(3))
    with pytest.raises(KeyboardInterrupt):
        save_features(LAYER, breaks(), tmp_path / "features.npy", n_samples=23, batch_size=4)
    assert np.load(tmp_path / "features.npy").tolist() == [0, 1, 2] and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("whiten", [False, True])
def test_layer_2_in_two_passes(whiten):
    """With all directions kept it is PCA; with few of them it comes near."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(400, 6)) @ np.diag([9, 5, 3, 1, 0.5, 0.1]) @ rng.normal(size=(6, 6)) + 7

    def batches():
        return np.array_split(rows, 13)

    full, exact = fit_reduction(batches, 6, whiten=whiten), Reduction(6, whiten=whiten).fit(rows)
    np.testing.assert_allclose(full.scaler_.mean_, exact.scaler_.mean_)
    np.testing.assert_allclose(full.pca_.explained_variance_, exact.pca_.explained_variance_)
    np.testing.assert_allclose(abs(full.transform(rows)), abs(exact.transform(rows)), rtol=1e-6, atol=1e-8)
    few = fit_reduction(batches, 2, whiten=whiten)
    assert few.transform(rows).shape == (400, 2)
    assert few.pca_.explained_variance_[0] == pytest.approx(exact.pca_.explained_variance_[0], rel=0.02)
    matrix, offset = few.as_affine()
    np.testing.assert_allclose(few.transform(rows), rows @ matrix.T + offset)
    not_scaled = PCA(6).fit(rows).explained_variance_
    assert not np.allclose(full.pca_.explained_variance_, not_scaled)


@pytest.mark.parametrize("workers", [1, 2])
def test_memory_stays_flat(workers):
    """10,000 images of 32 x 32 that are made on the way, in a process of its own: peak within 300 MB of the start.

    All their features together would take 92 MB, which is more than what is allowed after the first tenth.
    """
    script = """
import sys
import numpy as np, psutil
from equibook import Representation
from equibook.streaming import transform_batches
from equibook.throughput import peak_memory
rng = np.random.default_rng(0)
layer = Representation().fit(np.zeros((1, 32, 32), dtype=np.float32))
start, n, after_a_tenth = psutil.Process().memory_info().rss / 1e6, 0, None
source = (rng.random((100, 32, 32), dtype=np.float32) for _ in range(100))
for part in transform_batches(layer, source, workers=int(sys.argv[1])):
    n += len(part)
    after_a_tenth = after_a_tenth or (peak_memory() if n >= 1000 else None)
print(n, peak_memory() - start, peak_memory() - after_a_tenth)
"""
    command = [sys.executable, "-c", script, str(workers)]
    n, more, grown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(n) == 10_000 and float(more) <= 300 and float(grown) <= 60


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda path: list(read_batches(7)), "`source` must yield images, got int. Pass"),
        (lambda path: list(read_batches("images.npy")), "`source` must yield images, got str"),
        (lambda path: list(transform_batches(LAYER, X, workers=0)), "`workers` must be a positive integer, got 0"),
        (lambda path: list(read_batches(X, 0)), "`batch_size` must be a positive integer, got 0"),
        (lambda path: list(read_batches(np.zeros(4))), "`images` must have"),
        (lambda path: save_features(LAYER, X, path / "features.bin"), "`path` must end in '.npy', got 'features.bin'"),
        (lambda path: save_features(LAYER, iter(X), path / "f.npy"), "`n_samples` must say how many images"),
        (lambda path: save_features(LAYER, X, path / "f.npy", n_samples=9), "`source` must hold 9 images, .*, got 23"),
        (lambda path: fit_reduction(lambda: [EXPECTED], 23), "`n_components` must be below 23, .*, got 23. Lower"),
    ],
)
def test_bad_input(tmp_path, call, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call(tmp_path)
    assert THREE_PARTS.match(str(caught.value))
    assert not list(tmp_path.iterdir())
