"""The table of stages: shapes as they come out, receptive fields by derivative, weights and arithmetic by count."""

import pytest
import torch
from torch import nn
from torchvision.models import AlexNet_Weights

from equibook import alexnet
from equibook.stage_table import measure_stages


@pytest.fixture(scope="module")
def net():
    return alexnet.load("random")


def seen_by_derivative(net, name, size):
    """Return how many pixels wide the value in the middle of a stage's maps depends on the image."""
    layers = alexnet.until(net, name)
    smooth = nn.Sequential(*(average(layer) for layer in layers)).double()
    image = torch.zeros(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    values = smooth(image)
    places = values[0, 0] if values.ndim == 4 else values[0]
    middle = places[places.shape[0] // 2, places.shape[1] // 2] if places.ndim == 2 else places[0]
    middle.backward()
    columns = image.grad[0].abs().sum(dim=(0, 1)).nonzero()
    return int(columns.max() - columns.min()) + 1


def average(layer):
    """Put, for every layer, one of the same windows through which all that is seen has a derivative."""
    if isinstance(layer, nn.MaxPool2d):
        return nn.AvgPool2d(layer.kernel_size, layer.stride)
    if isinstance(layer, nn.Conv2d):
        same = nn.Conv2d(layer.in_channels, 1, layer.kernel_size, layer.stride, layer.padding)
        nn.init.constant_(same.weight, 1 / same.weight[0].numel())
        return nn.Sequential(same, Repeat(layer.out_channels))
    return nn.Identity() if isinstance(layer, nn.ReLU) else layer


class Repeat(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.n = n

    def forward(self, maps):
        return maps.expand(-1, self.n, -1, -1)


@pytest.mark.parametrize("size", [63, 95, 223, 224, 227])
def test_shapes_are_those_that_come_out(net, size):
    table = alexnet.describe(net, size)
    found = alexnet.stages(net, torch.zeros(1, 3, size, size))
    assert {stage.name: stage.shape for stage in table.stages} == {
        name: tuple(v.shape[1:]) for name, v in found.items()
    }


@pytest.mark.parametrize("name", ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5"])
def test_receptive_fields_are_what_has_a_derivative(net, name):
    stage = alexnet.describe(net, 287)[name]
    assert seen_by_derivative(net, name, 287) == stage.receptive_field == stage.unclipped
    small = alexnet.describe(net, 63)[name]
    assert seen_by_derivative(net, name, 63) == small.receptive_field == min(63, stage.unclipped)


def test_what_lies_beyond_the_border_is_not_counted_as_seen(net):
    table = alexnet.describe(net, 63)
    assert (table["conv4"].receptive_field, table["conv4"].unclipped) == (63, 131)
    assert (table["fc6"].receptive_field, alexnet.describe(net, 223)["fc6"].unclipped) == (63, 195 + 5 * 32)


def test_weights_and_arithmetic_are_torchvisions(net):
    table, meta = alexnet.describe(net, 224), AlexNet_Weights.IMAGENET1K_V1.meta
    assert table.n_weights == sum(p.numel() for p in net.parameters()) == meta["num_params"] == 61_100_840
    assert round(table.multiply_adds / 1e9, 3) == meta["_ops"] == 0.714


def test_conv1_by_hand(net):
    conv1 = alexnet.describe(net, 63)["conv1"]
    assert conv1.shape == (64, 15, 15) and (63 + 2 * 2 - 11) // 4 + 1 == 15
    assert conv1.n_weights == 64 * (3 * 11 * 11) + 64 == 23_296
    assert conv1.multiply_adds == 15 * 15 * 64 * (3 * 11 * 11) == 5_227_200
    assert (conv1.receptive_field, conv1.stride) == (11, 4)


def test_most_weights_are_fully_connected_and_most_arithmetic_is_not(net):
    table = alexnet.describe(net, 223)
    fully = [table[name] for name in ("fc6", "fc7", "fc8")]
    assert sum(stage.n_weights for stage in fully) == 58_631_144
    assert sum(stage.multiply_adds for stage in fully) < 0.1 * table.multiply_adds


@pytest.mark.parametrize(("size", "off"), [(63, None), (95, None), (223, None), (224, "conv1"), (227, "pool1")])
def test_grids_are_centred_at_some_sizes_only(net, size, off):
    table = alexnet.describe(net, size)
    first = next((stage.name for stage in table.stages if stage.stride and not stage.centred), None)
    assert first == off


@pytest.mark.parametrize("size", [63, 224])
def test_centred_is_what_a_flip_respects(net, size):
    """An average in place of the weights is symmetric: its maps flip with the image where the grid is centred."""
    image = torch.rand(1, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        layer = average(net.features[0]).double()
        gap = (layer(image.flip(-1)) - layer(image).flip(-1)).abs().max()
    assert (gap <= 1e-12) == alexnet.describe(net, size)["conv1"].centred == (size == 63)


def test_the_table_is_shown(net):
    table = alexnet.describe(alexnet.load("digits"), 63)
    lines = str(table).splitlines()
    assert len({len(line) for line in lines[:-1]}) == 1 and len(lines) == 1 + 18 + 1 + 1
    assert lines[0].split() == ["stage", "shape", "sees", "of", "stride", "centred", "weights", "multiply-adds"]
    assert lines[1].split() == "conv1 64 × 15 × 15 11 11 4 yes 23 296 5 227 200".split()
    assert lines[-1] == "Untrained with these weights (digits): fc6, relu6, fc7, relu7, fc8."
    shown = table._repr_html_()
    assert shown.count("<tr>") == 20 and '<th scope="row">conv1</th>' in shown and "Untrained" in shown
    assert "Untrained" not in str(alexnet.describe(net, 63))


def test_an_unknown_stage(net):
    with pytest.raises(KeyError, match=r"`name` must be one of conv1, relu1, .*, got 'conv9'"):
        alexnet.describe(net, 63)["conv9"]


def test_layers_of_another_network():
    layers = [("a", nn.Conv2d(3, 4, 3)), ("b", nn.MaxPool2d(2)), ("flatten", nn.Flatten()), ("c", nn.Linear(36, 2))]
    a, b, c = measure_stages(layers, 8).stages
    assert (a.shape, b.shape, c.shape) == ((4, 6, 6), (4, 3, 3), (2,))
    assert (a.unclipped, b.unclipped, c.unclipped) == (3, 4, 8) and (b.stride, c.stride) == (2, 0)
    assert (a.multiply_adds, b.multiply_adds, c.multiply_adds) == (4 * 36 * 27, 0, 72)


def test_the_box_of_a_place(net):
    conv1 = alexnet.describe(net, 63)["conv1"]
    assert conv1.box(0, 7) == (0, 8, 26, 36)  # two rows of the window lie in the padding
    assert alexnet.describe(net, 63)["pool5"].box(0, 0) == (0, 62, 0, 62)
    for place in ((15, 0), (0, -1)):
        with pytest.raises(ValueError, match=r"must be places of 'conv1', below 15 and 15, got .* Count from 0."):
            conv1.box(*place)
