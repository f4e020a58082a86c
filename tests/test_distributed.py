"""Dask arrays: the same features as in memory, lazily, on a local cluster too, and after a worker was lost."""

import os
import signal
import sys
import time

import numpy as np
import pytest
from test_checks import THREE_PARTS

from equibook import Representation
from equibook.distributed import read_blocks, transform
from equibook.representation import Pixels
from equibook.streaming import fit_reduction

array = pytest.importorskip("dask.array")
dask = pytest.importorskip("dask")
X = np.random.default_rng(0).random((23, 1, 12, 12), dtype=np.float32)
LAYER = Representation(invariant="power", scales=(0.8, 1.6)).fit(X[:1])


@pytest.mark.parametrize("layer", [LAYER, Pixels().fit(X)])
@pytest.mark.parametrize("chunks", [(7, -1, -1, -1), (23, 1, 6, 5)])
def test_dask_is_as_in_memory(layer, chunks):
    found = transform(layer, array.from_array(X, chunks=chunks))
    assert found.shape == (23, len(layer.get_feature_names_out())) and found.dtype == np.float32
    np.testing.assert_allclose(found.compute(scheduler="threads"), layer.transform(X), rtol=1e-5, atol=1e-6)
    grey = transform(layer, array.from_array(X[:, 0], chunks=(5, -1, -1)))
    np.testing.assert_allclose(grey.compute(scheduler="synchronous"), layer.transform(X), rtol=1e-5, atol=1e-6)


def test_nothing_is_computed_before_it_is_asked_for():
    def fail(block):
        raise RuntimeError("computed")

    images = array.from_array(X, chunks=(7, -1, -1, -1)).map_blocks(fail, dtype=np.float32, meta=X[:0])
    found = transform(LAYER, images)
    with pytest.raises(RuntimeError, match="computed"):
        found.compute(scheduler="synchronous")


def slowly(block, journal):
    """Return a block after a while, and write a line for each time it is worked on."""
    with open(journal, "a") as file:
        file.write("a block\n")
    time.sleep(0.3)
    return block


@pytest.mark.filterwarnings("ignore")  # of dask's own, about ports and lost workers
def test_a_lost_worker_loses_nothing(tmp_path):
    """A local cluster of two processes; one of them, which holds finished blocks, is killed while they work."""
    distributed = pytest.importorskip("distributed")
    journal = tmp_path / "journal"
    journal.touch()
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster) as client:
        pids = client.run(os.getpid)
        images = array.from_array(X, chunks=(1, -1, -1, -1))
        images = images.map_blocks(slowly, str(journal), dtype=X.dtype, meta=X[:0])
        waiting = client.compute(transform(LAYER, images))
        while len(journal.read_text().splitlines()) < 8:
            time.sleep(0.02)
        assert not waiting.done()
        os.kill(next(iter(pids.values())), signal.SIGKILL)
        np.testing.assert_allclose(waiting.result(timeout=90), LAYER.transform(X), rtol=1e-5, atol=1e-6)
    assert len(journal.read_text().splitlines()) > 23  # what was lost was done again


def test_layer_2_from_blocks():
    """The same code as out of memory, and the same result, on whatever scheduler works."""
    features = transform(LAYER, array.from_array(X, chunks=(5, -1, -1, -1)))
    with dask.config.set(scheduler="threads"):
        blocks = list(read_blocks(features, at_once=2))
        assert [len(block) for block in blocks] == [5, 5, 5, 5, 3]
        np.testing.assert_allclose(np.concatenate(blocks), LAYER.transform(X), rtol=1e-5, atol=1e-6)
        found = fit_reduction(lambda: read_blocks(features), 4)
    expected = fit_reduction(lambda: (LAYER.transform(X[i : i + 5]) for i in range(0, 23, 5)), 4)
    np.testing.assert_allclose(found.pca_.explained_variance_, expected.pca_.explained_variance_, rtol=1e-4)


def test_no_more_blocks_are_computed_than_asked_for():
    done = []

    def note(block):
        done.append(len(block))
        return block

    features = array.from_array(X[:, 0, 0], chunks=(5, 4)).map_blocks(note, dtype=X.dtype, meta=X[:0, 0, 0])
    with dask.config.set(scheduler="synchronous"):
        first = next(read_blocks(features, at_once=2))
    assert np.array_equal(first, X[:5, 0, 0]) and len(done) == 2 * 3


@pytest.mark.parametrize(
    ("images", "message"),
    [(X, "`images` must be a Dask array, got ndarray"), (array.zeros((3, 4)), "`images` must have three axes or four")],
)
def test_bad_input(images, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        transform(LAYER, images)
    assert THREE_PARTS.match(str(caught.value))


@pytest.mark.parametrize(
    ("features", "at_once", "message"),
    [
        (X, 2, "`features` must be a Dask array with two axes, got ndarray. Pass"),
        (array.zeros((3, 4, 5)), 2, "`features` must be a Dask array with two axes"),
        (array.zeros((3, 4)), 0, "`at_once` must be a positive integer, got 0"),
    ],
)
def test_bad_blocks(features, at_once, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        next(read_blocks(features, at_once))
    assert THREE_PARTS.match(str(caught.value))


def test_without_dask_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.array", None)
    with pytest.raises(
        ImportError, match=r'`dask` must be installed .*, got none\. Run `pip install "equibook\[dask\]"`'
    ):
        transform(LAYER, None)
