"""Repacked convolutions: exact where the filters suffice, the best space of its kind, and what is kept of a network."""

import re

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import nn

from equibook import datasets, networks, plots
from equibook.actions import act
from equibook.orbit_pca import GROUPS
from equibook.repack import RepackedConv2d, fidelity, find_canonical, repack

THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)


def convolution(size=5, *, n_in=3, n_out=4, seed=0, **settings):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Conv2d(n_in, n_out, size, **settings).double()


def images(n=2, n_channels=3, size=12):
    return torch.rand(n, n_channels, size, size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def distance(a, b):
    return float((a - b).detach().norm() / b.detach().norm())


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"stride": 2, "padding": 2, "dilation": 2, "bias": False},
        {"padding": "same", "padding_mode": "circular"},
        {"padding": 1, "padding_mode": "reflect"},
        {"groups": 1, "padding": (0, 1), "stride": (1, 2)},
    ],
)
def test_with_enough_filters_nothing_is_lost(size, group, settings):
    layer = convolution(size, **settings)
    made, x = repack(layer, group, size**2), images()
    assert made(x).shape == layer(x).shape
    assert distance(made(x), layer(x)) < 1e-12
    assert distance(made.weight, layer.weight) < 1e-12


def test_grouped_convolutions_keep_their_groups():
    layer = convolution(3, n_in=4, n_out=4, groups=2)
    assert distance(repack(layer, "C4", 9)(images(n_channels=4)), layer(images(n_channels=4))) < 1e-12


@pytest.mark.parametrize("group", GROUPS)
def test_kernels_made_of_copies_of_two_filters_need_two(group):
    """And the copies of what is found span the space of the copies of the two."""
    rng = np.random.default_rng(0)
    made_of = rng.normal(size=(2, 1, 5, 5))
    copies = np.concatenate([act(g, made_of) for g in GROUPS[group]])[:, 0]
    layer = convolution(5, n_out=8, n_in=6)
    with torch.no_grad():
        layer.weight[:] = torch.from_numpy(np.einsum("oic,chw->oihw", rng.normal(size=(8, 6, len(copies))), copies))
    assert distance(repack(layer, group, 2).weight, layer.weight) < 1e-10
    assert distance(repack(layer, group, 1).weight, layer.weight) > 0.1


@pytest.mark.parametrize("group", GROUPS)
def test_copies_are_turned_and_reflected_filters(group):
    made = repack(convolution(4), group, 2)
    for element, copies in zip(made.group, made.copies.transpose(0, 1), strict=True):
        assert torch.equal(copies, act(element, made.canonical[:, None])[:, 0])


@pytest.mark.parametrize("group", GROUPS)
def test_no_search_finds_a_nearer_space(group):
    """From the filters found, and from random ones, L-BFGS on the filters themselves gets no nearer."""
    slices = np.random.default_rng(2).normal(size=(12, 3, 3)) * np.array([3, 1, 0.3])[:, None]

    def missed(flat):
        copies = np.concatenate([act(g, flat.reshape(-1, 1, 3, 3)) for g in GROUPS[group]]).reshape(-1, 9)
        basis = np.linalg.svd(copies, full_matrices=False)[2]
        basis = basis[: np.linalg.matrix_rank(copies, tol=1e-8)]
        rows = slices.reshape(12, 9)
        return np.square(rows - rows @ basis.T @ basis).sum()

    found = find_canonical(slices, GROUPS[group], 1)
    best = missed(found.ravel())
    starts = [found.ravel(), *np.random.default_rng(0).normal(size=(6, 9))]
    searched = [minimize(missed, start, method="L-BFGS-B").fun for start in starts]
    assert min(searched) >= best - 1e-6 and min(missed(start) for start in starts[1:]) > 1.05 * best


def test_more_filters_are_nearer_and_cost_more():
    layer = convolution(7)
    made = [repack(layer, "D4", n) for n in (1, 2, 4, 10)]
    errors = [distance(m.weight, layer.weight) for m in made]
    assert errors == sorted(errors, reverse=True) and errors[0] > 0.5 and errors[-1] < 1e-12
    weights = [m.n_weights for m in made]
    assert weights == sorted(weights) and weights[0] == 49 + 8 * 12 + 4


def test_numbers_that_say_nothing_are_not_counted():
    """A 3 x 3 kernel has nine directions, however many copies are mixed."""
    made = repack(convolution(3), "D4", 9)
    assert len(made.canonical) == 3 and made.n_weights == 3 * 9 + 12 * 9 + 4


def test_fitted_to_inputs_the_outputs_are_nearer_and_the_kernel_is_not():
    layer = convolution(5, padding=2)
    seen = torch.cumsum(images(20), dim=3)  # smooth: some patches are more likely than others
    plain, fitted = repack(layer, "C4", 2), repack(layer, "C4", 2, inputs=seen[:10])
    assert distance(fitted(seen[10:]), layer(seen[10:])) < 0.8 * distance(plain(seen[10:]), layer(seen[10:]))
    assert distance(fitted.weight, layer.weight) > distance(plain.weight, layer.weight)


def test_it_is_a_module_that_learns():
    made = repack(convolution(3).float(), "D4", 1)
    assert made.weight.dtype == torch.float32
    made(images().float()).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in made.parameters())
    again = RepackedConv2d(convolution(3), torch.zeros_like(made.canonical), torch.zeros_like(made.mixture), made.group)
    again.load_state_dict(made.state_dict())
    assert torch.equal(again.weight, made.weight)


@pytest.fixture(scope="module")
def digits():
    X, y = datasets.load_digits(size=32)
    return networks.preprocess("lenet", torch.from_numpy(X[1000:1200])), y[1000:1200]


def test_a_trained_network_keeps_its_accuracy(digits):
    network = networks.load("lenet")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = fidelity(network, "conv2", *digits, counts=(1, 2, 9))
    assert found.before >= 0.98 and found.accuracy[-1] == found.before and found.accuracy[1] >= found.before - 0.02
    assert (np.diff(found.kernel_error) < 0).all() and found.output_error[-1] < 1e-5 < found.output_error[0]
    assert found.weights[0] < 0.5 < found.weights[-1]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    random = fidelity(networks.build("lenet"), "conv2", *digits, counts=(1,))
    assert random.before < 0.3


def test_the_table_and_the_figures_show_it(digits):
    found = fidelity(networks.load("lenet"), "conv1", *digits, counts=(1, 3))
    lines = str(found).splitlines()
    assert lines[0].startswith("conv1, D4: accuracy before ") and len(lines) == 4 and lines[2].split()[0] == "1"
    left, right = found.plot().axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), 100 * found.kernel_error)
    np.testing.assert_allclose(right.lines[0].get_ydata(), 100 * found.accuracy)
    made = repack(networks.load("lenet").conv1, "C4", 2)
    figure = plots.plot_canonical(made)
    assert len(figure.axes) == 8 and "2 canonical filters" in figure.alt
    shown = np.array(figure.axes[5].images[0].get_array())
    np.testing.assert_allclose(shown, made.copies[1, 1].detach().numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: repack(nn.Linear(3, 3)), "`layer` must be a Conv2d, got Linear"),
        (lambda: repack(nn.Conv2d(1, 1, (3, 5))), "`layer` must have square kernels, got 3 x 5"),
        (lambda: repack(convolution(), "C8"), "`group` must be one of 'C4', 'D4', got 'C8'"),
        (lambda: repack(convolution(), n_canonical=0), "`n_canonical` must be a positive integer, got 0"),
        (
            lambda: repack(convolution(), inputs=images()[:, :2]),
            "`inputs` must have shape (n_samples, 3, height, width)",
        ),
        (
            lambda: repack(convolution(n_in=4, groups=2), inputs=images(n_channels=4)),
            "`layer` must have one group to be fitted to inputs, got 2",
        ),
    ],
)
def test_bad_input(made, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)) as caught:
        made()
    assert THREE_PARTS.match(str(caught.value))
