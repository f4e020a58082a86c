"""Compiled networks: equal results, one shape, and a way on where nothing compiles."""

import numpy as np
import pytest
import torch
from torch import nn

from equibook import Representation
from equibook.compiling import Compiled


@pytest.fixture
def network():
    return nn.Sequential(nn.Flatten(), nn.Linear(9, 4, bias=False)).eval()


def record_shapes(monkeypatch):
    shapes = []

    def compile_nothing(network):
        def run(batch):
            shapes.append(tuple(batch.shape))
            return network(batch)

        return run

    monkeypatch.setattr(torch, "compile", compile_nothing)
    return shapes


def test_every_batch_has_one_shape(network, monkeypatch):
    shapes = record_shapes(monkeypatch)
    compiled, x = Compiled(network, 5), torch.rand(5, 1, 3, 3)
    for n in (5, 2, 1):
        assert torch.allclose(compiled(x[:n]), network(x[:n]))
    assert shapes == [(5, 1, 3, 3)] * 3


def test_where_nothing_compiles_the_network_runs_as_it_is(network, monkeypatch):
    calls = []

    def fail(batch):
        calls.append(batch)
        raise NotImplementedError("no compiler")

    monkeypatch.setattr(torch, "compile", lambda network: fail)
    compiled, x = Compiled(network, 4), torch.rand(3, 1, 3, 3)
    with pytest.warns(RuntimeWarning, match=r"compiler that torch can use, got NotImplementedError\. Layer 1 runs unc"):
        assert torch.equal(compiled(x), network(x))
    assert torch.equal(compiled(x), network(x)) and len(calls) == 1  # no second try, no second warning


def test_errors_of_the_network_are_its_own(network, monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda network: network)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        Compiled(network, 4)(torch.rand(3, 1, 4, 4))


def test_a_compiled_representation_equals_the_plain_one(monkeypatch):
    shapes = record_shapes(monkeypatch)
    X = np.random.default_rng(0).random((7, 1, 16, 16), dtype=np.float32)
    expected = Representation().fit_transform(X)
    model = Representation(compile=True, batch_size=4).fit(X)
    assert np.allclose(model.transform(X), expected, rtol=1e-5, atol=1e-6) and set(shapes) == {(4, 1, 16, 16)}
    assert model.network() is model.network()
    n_calls = len(shapes)
    Representation(batch_size=4).fit_transform(X)
    assert len(shapes) == n_calls


def test_torch_itself_traces_layer_1(monkeypatch):
    by_torch = torch.compile
    monkeypatch.setattr(torch, "compile", lambda network: by_torch(network, backend="eager"))
    X = np.random.default_rng(0).random((3, 1, 9, 9), dtype=np.float32)
    expected = Representation().fit_transform(X)
    assert np.allclose(Representation(compile=True).fit_transform(X), expected, rtol=1e-5, atol=1e-6)
