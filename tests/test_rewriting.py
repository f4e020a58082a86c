"""Rewriting: the same function by other steps."""

import pytest
import torch
from torch import nn

from equibook.rewriting import conv_as_linear, identity_by_relus, max_pool_by_relus

GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(4, 3, 8, 8, dtype=torch.float64, generator=GENERATOR)


@pytest.mark.parametrize(
    "settings",
    [{}, {"padding": 1, "stride": 2}, {"padding": 2, "padding_mode": "circular"}, {"bias": False, "dilation": 2}],
)
def test_a_convolution_as_a_linear_layer(settings):
    conv = nn.Conv2d(3, 5, 3, **settings).double()
    torch.testing.assert_close(conv_as_linear(conv, 8)(X), conv(X), rtol=1e-12, atol=1e-12)


def test_a_maximum_by_relus():
    network = max_pool_by_relus(3).double()
    torch.testing.assert_close(network(X.abs()), nn.MaxPool2d(2)(X.abs()), rtol=1e-14, atol=1e-15)
    assert (network(X) - nn.MaxPool2d(2)(X)).abs().max() > 0.1  # negative numbers are cut off


def test_the_identity_by_relus():
    assert torch.equal(identity_by_relus(3).double()(X), X)


@pytest.mark.parametrize("settings", [{"groups": 3}, {"padding": "same"}])
def test_a_convolution_that_cannot_be_written_out(settings):
    with pytest.raises(ValueError, match=r"`conv` must have one group and a padding in pixels, got .*\. Write"):
        conv_as_linear(nn.Conv2d(3, 3, 3, **settings), 8)


@pytest.mark.parametrize("rewrite", [max_pool_by_relus, identity_by_relus])
def test_a_number_of_channels_that_is_none(rewrite):
    with pytest.raises(ValueError, match="`n_channels` must be a positive integer, got 0"):
        rewrite(0)
