"""Dask arrays: the same features as in memory, lazily, on a local cluster too, and after a worker was lost."""

import sys
import threading
import time

import numpy as np
import pytest
from test_checks import THREE_PARTS

from equibook import Representation
from equibook.distributed import transform
from equibook.representation import Pixels

array = pytest.importorskip("dask.array")
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


def slowly(block):
    time.sleep(0.3)
    return block


@pytest.mark.filterwarnings("ignore")  # of dask's own, about ports and lost workers
def test_a_lost_worker_loses_nothing():
    """A local cluster of two processes; one of them is killed while they work."""
    distributed = pytest.importorskip("distributed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster) as client:
        images = array.from_array(X, chunks=(2, -1, -1, -1)).map_blocks(slowly, dtype=X.dtype, meta=X[:0])
        waiting = client.compute(transform(LAYER, images))
        time.sleep(1)
        first, *_ = client.run(_end_soon, workers=[next(iter(client.scheduler_info()["workers"]))]).values()
        assert first == "ending"
        np.testing.assert_allclose(waiting.result(timeout=90), LAYER.transform(X), rtol=1e-5, atol=1e-6)


def _end_soon():
    """End this process without a word, as if it were killed."""
    import os

    threading.Timer(0.2, lambda: os._exit(1)).start()
    return "ending"


@pytest.mark.parametrize(
    ("images", "message"),
    [(X, "`images` must be a Dask array, got ndarray"), (array.zeros((3, 4)), "`images` must have three axes or four")],
)
def test_bad_input(images, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        transform(LAYER, images)
    assert THREE_PARTS.match(str(caught.value))


def test_without_dask_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.array", None)
    with pytest.raises(
        ImportError, match=r'`dask` must be installed .*, got none\. Run `pip install "equibook\[dask\]"`'
    ):
        transform(LAYER, None)
