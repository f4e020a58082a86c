"""Layer 1 in all sizes, kinds and dtypes, built once, and what the tests feed it."""

from functools import cache

import pytest
import torch

from equibook.actions import act
from equibook.equivariant import EquivariantLayer
from equibook.fast import FastEquivariantLayer
from equibook.groups import CyclicGroup, DihedralGroup

SIZES = (8, 9, 31, 32, 33)
GROUPS = (CyclicGroup(2), CyclicGroup(4), DihedralGroup(2), DihedralGroup(4))
D4 = DihedralGroup(4)
# torch's own, on its first use of forward mode
FORWARD_MODE = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:FutureWarning")


@cache
def layer(kind="plain", size=32, n_channels=1, dtype=torch.float64):
    """Return the plain or the fast form."""
    plain = EquivariantLayer(size, n_channels)
    return (plain if kind == "plain" else FastEquivariantLayer(plain)).to(dtype)


def noise(size=32, n_channels=1, dtype=torch.float64, n=2):
    """Return images without any symmetry: seeded, so that equal calls give equal images."""
    return torch.rand(n, n_channels, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).to(
        dtype
    )


@cache
def orbit_coefficients(kind, size, n_channels, dtype):
    """Return the coefficients of images moved by each element of D4, of shape (8, n_samples, n_coefficients)."""
    x = noise(size, n_channels, dtype, n=1)
    with torch.inference_mode():
        found = layer(kind, size, n_channels, dtype)(torch.cat([act(g, x) for g in D4]))
    return found.unflatten(0, (8, -1)).clone()


def place_in_d4(element):
    """Return the index in D4 of an element of one of its subgroups."""
    return element.turns * 4 // element.n + 4 * element.reflected


def hard_images(size, dtype=torch.float64):
    """Return a black image and one with a single bright pixel: most coefficients are 0, where |C| has a corner."""
    x = torch.zeros(2, 1, size, size, dtype=dtype)
    x[1, 0, size // 2 - 1, size // 2 + 1] = 1
    return x
