"""Operators: linear at the image, transposed exactly, equal to their layer there."""

import pytest
import torch
from torch import nn

from equibook.operators import KINDS, MaxGate, Operator, ReLUGate
from equibook.receptive_fields import see_pixels

GENERATOR = torch.Generator().manual_seed(0)


def random(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=GENERATOR)


def batch_norm(**settings):
    layer = nn.BatchNorm2d(3, **settings)
    layer.running_mean.copy_(random(3))
    layer.running_var.copy_(random(3) ** 2 + 0.1)
    return layer


LAYERS = {
    "convolution": nn.Conv2d(3, 4, 3, stride=2, padding=1),
    "without bias": nn.Conv2d(3, 4, 3, bias=False),
    "in groups": nn.Conv2d(3, 6, (3, 2), groups=3, dilation=2),
    "same": nn.Conv2d(3, 2, 3, dilation=2, padding="same"),
    "around": nn.Conv2d(3, 2, 3, padding=2, padding_mode="circular"),
    "mirrored": nn.Conv2d(3, 2, 3, padding=2, padding_mode="reflect"),
    "batch norm": batch_norm(),
    "batch norm, not affine": batch_norm(affine=False),
    "average": nn.AvgPool2d(2, ceil_mode=True),
    "average without padding": nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "adaptive average": nn.AdaptiveAvgPool2d((2, 3)),
    "adaptive average, one side": nn.AdaptiveAvgPool2d((None, 2)),
    "flatten": nn.Flatten(),
    "dropout": nn.Dropout(0.3),
    "dropout of maps": nn.Dropout2d(0.3),
    "identity": nn.Identity(),
    "relu": nn.ReLU(),
    "relu in place": nn.ReLU(inplace=True),
    "leaky relu": nn.LeakyReLU(0.1),
    "maximum": nn.MaxPool2d(3, 2, 1),
    "maximum, dilated": nn.MaxPool2d(2, 1, dilation=2),
    "maximum, rounded up": nn.MaxPool2d(2, ceil_mode=True),
}


def at_image(layer, x):
    kind = next(KINDS[cls] for cls in type(layer).__mro__ if cls in KINDS)
    with torch.no_grad():
        return kind("a layer", layer, x, see_pixels(*x.shape[2:]))


@pytest.fixture(params=LAYERS, name="case")
def make_case(request):
    layer = LAYERS[request.param].double().eval()
    x = random(1, 3, 7, 7)
    return layer, x, at_image(layer, x)


@torch.no_grad()
def test_an_operator_is_its_layer_at_the_image(case):
    layer, x, operator = case
    expected = layer(x.clone())
    shift = 0 if operator.shift is None else operator.shift
    torch.testing.assert_close(operator.apply(x) + shift, expected, rtol=1e-13, atol=1e-13)
    assert operator.output_shape == tuple(expected.shape[1:]) and operator.input_shape == (3, 7, 7)


@torch.no_grad()
def test_the_linear_part_is_linear(case):
    _, x, operator = case
    a, b = random(2, 3, 7, 7), random(2, 3, 7, 7)
    torch.testing.assert_close(operator.apply(2 * a - b), 2 * operator.apply(a) - operator.apply(b))
    assert operator.apply(torch.zeros_like(x)).abs().max() == 0


@torch.no_grad()
def test_pulling_back_is_the_transpose(case):
    _, _, operator = case
    v, rows = random(2, 3, 7, 7), random(2, *operator.output_shape)
    forward = (operator.apply(v) * rows).flatten(1).sum(1)
    torch.testing.assert_close((v * operator.pull_back(rows)).flatten(1).sum(1), forward)


def test_a_linear_layer():
    layer, x = nn.Linear(5, 2).double(), random(1, 5)
    operator = Operator("fc", layer, x, see_pixels(4, 4))
    torch.testing.assert_close(operator.pull_back(torch.eye(2).double()), layer.weight.detach())
    torch.testing.assert_close(operator.shift[0], layer.bias)
    assert operator.receptive_field == (4, 4)


def test_gates_by_hand():
    x = torch.tensor([[[[1.0, -2.0], [0.0, 3.0]]]])
    relu, leaky, pool = (at_image(layer, x) for layer in (nn.ReLU(), nn.LeakyReLU(0.25), nn.MaxPool2d(2)))
    assert relu.gate.tolist() == [[[[1, 0], [0, 1]]]] and leaky.gate.tolist() == [[[[1, 0.25], [0.25, 1]]]]
    assert pool.gate.tolist() == [[[[3]]]]
    assert (relu.open_share, leaky.open_share, pool.open_share) == (0.5, 0.5, 0.25)
    assert isinstance(relu, ReLUGate) and isinstance(pool, MaxGate)
    other = torch.tensor([[[[9.0, 8.0], [7.0, 6.0]]]])
    assert relu.apply(other).tolist() == [[[[9, 0], [0, 6]]]] and pool.apply(other).tolist() == [[[[6]]]]


def test_a_gate_is_not_linear_before_the_image_has_set_it():
    a, b = torch.tensor([[[[1.0]]]]), torch.tensor([[[[-1.0]]]])
    relu = nn.ReLU()
    assert relu(a + b) != relu(a) + relu(b)


def test_a_slope_has_the_precision_of_the_image():
    assert at_image(nn.LeakyReLU(0.1), -torch.ones(1, 1, 1, 1, dtype=torch.float64)).gate.item() == 0.1


def test_what_has_no_gate_lets_no_share_through():
    operator = at_image(nn.Identity(), torch.ones(1, 1, 2, 2))
    assert operator.gate is None and operator.open_share is None and operator.shift is None
