"""Group correlations: equivariant to the last bits of float64, as the definition says, and a plain layer is not."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from equibook.actions import act, act_on_maps, rotate
from equibook.group_layers import GroupConv2d, LiftingConv2d, OnEveryElement, PoolOverGroup
from equibook.orbit_pca import GROUPS

THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)


def seeded(make, *arguments, **options):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return make(*arguments, **options).double()


def images(n_channels=2, size=8):
    return torch.from_numpy(np.random.default_rng(1).normal(size=(3, n_channels, size, size)))


def move(group, g, maps):
    """Let g act on maps over a group, by the definition: (g·F)(h, u) = F(g⁻¹h, g⁻¹u)."""
    sources = [group.index(group.compose(group.inverse(g), h)) for h in group]
    return torch.stack([act(g, maps[:, :, h]) for h in sources], dim=2)


@pytest.mark.parametrize("name", GROUPS)
def test_both_layers_commute_with_the_group(name):
    lift, group_conv = seeded(LiftingConv2d, 2, 3, 5, name), seeded(GroupConv2d, 3, 4, 3, name)
    x = images()
    with torch.no_grad():
        maps = lift(x)
        assert maps.shape == (3, 3, GROUPS[name].order, 8, 8) and maps.std() > 0.1
        for g in GROUPS[name]:
            torch.testing.assert_close(lift(act(g, x)), move(GROUPS[name], g, maps), rtol=0, atol=1e-12)
            moved = group_conv(move(GROUPS[name], g, maps))
            torch.testing.assert_close(moved, move(GROUPS[name], g, group_conv(maps)), rtol=0, atol=1e-12)


def test_turns_permute_as_act_on_maps_does():
    lift, x = seeded(LiftingConv2d, 2, 3, 3), images()
    with torch.no_grad():
        for g in GROUPS["C4"]:
            expected = act_on_maps(g, lift(x), period=360)
            torch.testing.assert_close(lift(act(g, x)), expected, rtol=0, atol=1e-12)


def test_a_layer_of_four_unrelated_filters_does_not_commute():
    plain, x = seeded(nn.Conv2d, 2, 12, 3, padding=1), images()
    with torch.no_grad():
        maps = plain(x).unflatten(1, (3, 4))
        g = GROUPS["C4"].elements[1]
        moved, expected = plain(act(g, x)).unflatten(1, (3, 4)), move(GROUPS["C4"], g, maps)
    assert (moved - expected).norm() > 0.5 * expected.norm()


@pytest.mark.parametrize("name", GROUPS)
def test_the_definition_by_loops(name):
    """One output value each: a filter's elements g⁻¹h, its pixels moved by g, times what lies below."""
    group, layer = GROUPS[name], seeded(GroupConv2d, 2, 1, 3, name)
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 2, group.order, 3, 3)))
    with torch.no_grad():
        found = layer(x)[0, 0, :, 1, 1]
        for i, g in enumerate(group):
            total = layer.bias[0].clone()
            for channel in range(2):
                for j, h in enumerate(group):
                    k = group.index(group.compose(group.inverse(g), h))
                    total += (act(g, layer.weight[:1, channel, k][None])[0, 0] * x[0, channel, j]).sum()
            assert torch.isclose(found[i], total, rtol=0, atol=1e-12)


def test_pooled_over_the_group_nothing_moves():
    layers = [seeded(LiftingConv2d, 1, 4, 5), nn.ReLU(), OnEveryElement(nn.MaxPool2d(2)), seeded(GroupConv2d, 4, 6, 3)]
    network, x = nn.Sequential(*layers, PoolOverGroup()), images(1)
    with torch.no_grad():
        before = network(x)
        assert before.shape == (3, 6)
        for g in GROUPS["C4"]:
            torch.testing.assert_close(network(act(g, x)), before, rtol=0, atol=1e-12)
        assert (network(rotate(x, 45)) - before).norm() > 0.01 * before.norm()
        assert (before[1:] - before[:-1]).norm() > 0.01 * before.norm()


def test_few_weights_are_learned_and_all_of_them():
    layer = GroupConv2d(2, 3, 3)
    assert sum(p.numel() for p in layer.parameters()) == 3 * 2 * 4 * 9 + 3
    layer(torch.rand(2, 2, 4, 6, 6)).square().sum().backward()
    assert all((parameter.grad != 0).all() for parameter in layer.parameters())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LiftingConv2d(1, 2, 4), "`size` must be odd, got 4"),
        (lambda: LiftingConv2d(1, 2, 3, "C8"), "`group` must be one of 'C4', 'D4', got 'C8'"),
        (lambda: GroupConv2d(0, 2, 3), "`in_channels` must be a positive integer, got 0"),
        (lambda: GroupConv2d(1, 0, 3), "`out_channels` must be a positive integer, got 0"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        make()
    assert THREE_PARTS.match(str(caught.value))
