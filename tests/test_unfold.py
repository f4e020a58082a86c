"""A network at one image: the affine map equals the forward pass, its rows are derivatives, its parts sum up."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import AlexNet, vgg11

from equibook import unfold
from equibook.rewriting import conv_as_linear, identity_by_relus, max_pool_by_relus
from equibook.unfold import unfold_network

GENERATOR = torch.Generator().manual_seed(0)


def seeded(make):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make().double().eval()


def make_small():
    network = nn.Sequential(
        nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.LeakyReLU(0.1), nn.MaxPool2d(3, 2, 1)),
        nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular", groups=2),
        nn.ReLU(inplace=True),
        nn.AvgPool2d(2, ceil_mode=True),
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        nn.Dropout(0.4),
        nn.Linear(54, 8),
        nn.ReLU(),
        nn.Linear(8, 3),
    )
    network[0][1].running_mean.normal_()
    network[0][1].running_var.uniform_(0.5, 2)
    return network


NETWORK = seeded(make_small)
IMAGES = torch.randn(3, 2, 15, 15, dtype=torch.float64, generator=GENERATOR)
NAMES = ["0.0", "0.1", "0.2", "0.3", *map(str, range(1, 10))]


@pytest.fixture(scope="module")
def unfolded():
    return unfold_network(NETWORK, IMAGES[:1])


def gradient(network, image, unit):
    x = image.clone().requires_grad_()
    (row,) = torch.autograd.grad(network(x)[(0, *np.atleast_1d(unit))], x)
    return row


def test_the_affine_map_equals_the_forward_pass(unfolded):
    expected = NETWORK(IMAGES[:1].clone()).detach()
    torch.testing.assert_close(unfolded.output, expected, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(unfolded(IMAGES[:1]), expected, rtol=1e-12, atol=1e-13)
    assert unfolded.names == NAMES and unfolded["0.3"].kind == "MaxPool2d"


def test_the_affine_map_of_one_image_is_not_that_of_another(unfolded):
    assert (unfolded(IMAGES[1:]) - NETWORK(IMAGES[1:].clone())).abs().max() > 0.01
    assert sum(unfolded.count_flipped_gates(IMAGES[1:2]).values()) > 10


def test_the_affine_map_is_affine(unfolded):
    a, b = IMAGES[1:2], IMAGES[2:]
    torch.testing.assert_close(unfolded(2 * a - b), 2 * unfolded(a) - unfolded(b), rtol=1e-10, atol=1e-12)


def test_where_no_gate_flips_the_network_is_the_affine_map(unfolded):
    near = IMAGES[:1] + 1e-6 * IMAGES[1:2]
    assert set(unfolded.count_flipped_gates(near)) == {"0.2", "0.3", "2", "8"}
    assert sum(unfolded.count_flipped_gates(near).values()) == 0
    torch.testing.assert_close(unfolded(near), NETWORK(near.clone()).detach(), rtol=1e-12, atol=1e-13)


def test_shares_of_flipped_gates(unfolded):
    n_gates = sum(operator.gate.numel() for operator in unfolded.operators if operator.gate is not None)
    counts = [sum(unfolded.count_flipped_gates(image[None]).values()) for image in IMAGES]
    np.testing.assert_allclose(unfolded.flipped_shares(IMAGES), np.array(counts) / n_gates)
    assert counts[0] == 0 and 0 < counts[1] < n_gates
    without = unfold_network(nn.Sequential(nn.Conv2d(2, 1, 3)).double(), IMAGES[:1])
    assert without.flipped_shares(IMAGES).tolist() == [0, 0, 0]


def test_rows_are_derivatives(unfolded):
    rows = unfolded.rows(range(3))
    expected = torch.cat([gradient(NETWORK, IMAGES[:1], unit) for unit in range(3)])
    torch.testing.assert_close(rows, expected, rtol=1e-11, atol=1e-13)
    matrix = unfolded.rows(range(3)).flatten(1)
    offset = unfolded(torch.zeros_like(IMAGES[:1]))[0]
    torch.testing.assert_close(matrix @ IMAGES[0].flatten() + offset, unfolded.output[0], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("layer", "unit"), [("0.0", (1, 7, 7)), ("0.3", (2, 0, 7)), ("2", (5, 3, 3)), ("7", 4)])
def test_rows_of_inner_units(unfolded, layer, unit):
    network = nn.Sequential(*[operator.layer for operator in unfolded.operators[: NAMES.index(layer) + 1]])
    (row,) = unfolded.rows([unit], layer)
    torch.testing.assert_close(row, gradient(network, IMAGES[:1], unit)[0], rtol=1e-11, atol=1e-13)
    assert unfolded.parts(unit, layer).gap <= 1e-12


def test_many_rows_are_the_rows_one_by_one(unfolded):
    units = [(channel, i, i) for channel in range(4) for i in range(8)]
    together = unfolded.rows(units, "0.3")
    torch.testing.assert_close(together[20], unfolded.rows(units[20:21], "0.3")[0])
    assert together.shape == (32, 2, 15, 15)


@pytest.mark.parametrize("unit", range(3))
def test_parts_sum_to_the_value_and_are_gradient_times_input(unfolded, unit):
    parts = unfolded.parts(unit)
    assert parts.value == pytest.approx(NETWORK(IMAGES[:1].clone())[0, unit].item(), rel=1e-12)
    assert parts.gap <= 1e-12 and parts.total == pytest.approx(parts.value, rel=1e-11)
    torch.testing.assert_close(
        parts.pixels, (gradient(NETWORK, IMAGES[:1], unit) * IMAGES[:1])[0], rtol=1e-11, atol=1e-13
    )


def test_the_bias_terms_are_gradient_times_bias(unfolded):
    network = nn.Sequential(*[operator.layer for operator in unfolded.operators])
    network(IMAGES[:1].clone())[0, 1].backward()
    biases = unfolded.parts(1).biases
    for name, i in {"0.0": 0, "1": 4, "7": 10, "9": 12}.items():
        layer = network[i]
        assert biases[name] == pytest.approx((layer.bias * layer.bias.grad).sum().item(), rel=1e-10)
    assert list(biases) == ["0.0", "0.1", "1", "7", "9"]
    NETWORK.zero_grad()


def test_a_part_that_is_left_out_is_missed(unfolded):
    parts = unfolded.parts(1)
    less = unfold.Parts(parts.pixels, {**parts.biases, "9": 0.0}, parts.value)
    assert less.gap > 1e-3


def test_numpy_in_numpy_out(unfolded):
    from_numpy = unfold_network(NETWORK, IMAGES[:1].numpy())
    assert isinstance(from_numpy.rows([0]), np.ndarray) and isinstance(from_numpy.parts(0).pixels, np.ndarray)
    np.testing.assert_array_equal(from_numpy.rows([0]), unfolded.rows([0]).numpy())
    assert isinstance(from_numpy(IMAGES.numpy()), np.ndarray)


def test_the_network_is_left_as_it_was():
    before = {name: value.clone() for name, value in NETWORK.state_dict().items()}
    image = IMAGES[:1].clone()
    unfold_network(NETWORK, image).parts(0)
    assert torch.equal(image, IMAGES[:1])
    assert all(torch.equal(value, before[name]) for name, value in NETWORK.state_dict().items())
    assert all(parameter.grad is None for parameter in NETWORK.parameters())


def test_a_layer_that_stands_twice_is_found_twice():
    relu = nn.ReLU()
    network = nn.Sequential(nn.Conv2d(1, 2, 3), relu, nn.Conv2d(2, 1, 3), relu).double()
    assert unfold_network(network, IMAGES[:1, :1]).names == ["0", "1", "2", "3"]


def test_the_table_says_what_every_operator_is(unfolded):
    text = repr(unfolded)
    assert text.splitlines()[0].split() == ["operator", "kind", "numbers", "gate", "sees,", "pixels"]
    assert "0.3       MaxPool2d          4 × 8 × 8" in text and "% taken" in text and "% open" in text
    assert unfolded._repr_html_().count("<tr>") == len(NAMES) + 1 and "6 × 8 × 8" in unfolded._repr_html_()


# One function, other steps


def in_two_ways(inner, other, image):
    """Unfold conv → ReLU → (inner or other) → two linear layers, the same but for one part."""
    head, tail = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU()), nn.Sequential(nn.Flatten(), nn.LazyLinear(2))
    networks = [seeded(lambda part=part: nn.Sequential(head, part, tail)) for part in (inner, other)]
    networks[0](image)
    return [unfold_network(network, image) for network in networks]


GREY = IMAGES[:1, :1, :8, :8].abs() + 0.1
PAIRS = {
    "maximum": (nn.MaxPool2d(2), max_pool_by_relus(3)),
    "identity": (nn.Identity(), identity_by_relus(3)),
    "convolution": (nn.Conv2d(3, 2, 3), None),
}


@pytest.mark.parametrize("name", PAIRS)
def test_two_implementations_have_one_attribution(name):
    inner, other = PAIRS[name]
    ours, theirs = in_two_ways(inner, other or conv_as_linear(inner, 8), GREY)
    torch.testing.assert_close(ours.output, theirs.output, rtol=1e-12, atol=1e-13)
    for unit in range(2):
        torch.testing.assert_close(ours.parts(unit).pixels, theirs.parts(unit).pixels, rtol=1e-10, atol=1e-12)


def test_guided_backpropagation_looks_at_the_implementation():
    layers = [nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(192, 2)]
    other = [identity_by_relus(1), *layers]
    ours, theirs = (unfold_network(nn.Sequential(*parts).double(), GREY) for parts in (layers, other))
    torch.testing.assert_close(ours.rows([0]), theirs.rows([0]), rtol=1e-10, atol=1e-12)
    guided, of_other = ours.guided_rows([0]), theirs.guided_rows([0])
    assert (guided - of_other).norm() > 0.1 * guided.norm()


def test_guided_rows_without_a_relu_are_rows():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 2)).double()
    unfolded = unfold_network(network, GREY)
    torch.testing.assert_close(unfolded.guided_rows([0, 1]), unfolded.rows([0, 1]))


def test_at_ties_two_implementations_have_two_attributions():
    flat = torch.ones_like(GREY)  # all pixels of a window are equal: which is the largest?
    ours, theirs = in_two_ways(*PAIRS["maximum"], flat)
    torch.testing.assert_close(ours.output, theirs.output)
    assert (ours.parts(0).pixels - theirs.parts(0).pixels).norm() > 0.1 * ours.parts(0).pixels.norm()
    assert max(ours.parts(0).gap, theirs.parts(0).gap) <= 1e-12


# Networks of others


def test_torchvisions_alexnet_within_its_memory():
    """One image of 224 x 224 pixels, in a process of its own: the parts sum to the logit, within 1.5 GB."""
    script = """
import psutil, torch, torchvision
from equibook.unfold import unfold_network
torch.manual_seed(0)
network = torchvision.models.alexnet(weights=None).eval()
unfolded = unfold_network(network, torch.randn(1, 3, 224, 224))
parts = unfolded.parts(int(unfolded.output.argmax()))
unfolded.rows(range(20))
memory = psutil.Process().memory_info()
peak = getattr(memory, "peak_wset", memory.rss)
try:  # Linux; what getrusage says holds the peak of the process that this one was forked from, too
    peak = next(1024 * int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
except (OSError, StopIteration):
    pass
print(abs(parts.total - parts.value) / abs(parts.value), peak)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    gap, peak = map(float, ran.stdout.split())
    assert gap <= 1e-4
    assert 0.3e9 <= peak <= 1.5e9


@pytest.fixture(scope="module")
def alexnet():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return AlexNet(num_classes=7).eval()


def test_alexnets_operators(alexnet):
    image = torch.randn(1, 3, 224, 224, generator=GENERATOR)
    unfolded = unfold_network(alexnet, image)
    assert len(unfolded.operators) == 22 and unfolded.names[12:15] == ["features.12", "avgpool", "flatten"]
    assert unfolded["features.0"].receptive_field == (11, 11) and unfolded["features.8"].receptive_field == (131, 131)
    assert unfolded["features.12"].output_shape == (256, 6, 6)
    (row,) = unfolded.rows([(17, 20, 31)], "features.0")
    rows, columns = unfolded["features.0"].see(20, 31)
    assert torch.equal(row[:, rows, columns], alexnet.features[0].weight[17]) and row.count_nonzero() == 363
    torch.testing.assert_close(unfolded.rows([3]), gradient(alexnet, image, 3), rtol=1e-3, atol=1e-7)


def test_vgg_is_unfolded_too():
    with torch.random.fork_rng(), torch.no_grad():
        network = vgg11(num_classes=3).eval()
        network.classifier = nn.Sequential(nn.Linear(512 * 49, 3))
    assert unfold_network(network, torch.rand(1, 3, 32, 32, generator=GENERATOR)).parts(0).gap <= 1e-4


# What cannot be unfolded


class Skips(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


def without_statistics():
    return nn.Sequential(nn.BatchNorm2d(2, track_running_stats=False)).eval()


BAD = {
    "no network": (lambda: "net", IMAGES[:1], TypeError, r"`network` must be a torch.nn.Module, got str. Pass"),
    "several images": (lambda: NETWORK, IMAGES, ValueError, r"`image` must hold one image, got 3. Pass one of them"),
    "unknown layer": (
        lambda: nn.Sequential(nn.Conv2d(2, 2, 3), nn.Sequential(nn.GELU())).double(), IMAGES[:1], TypeError,
        r"`network` must be a Sequential of Conv2d, .*, got `1.0` \(GELU\). Replace it by layers of these kinds.",
    ),
    "a network of other parts": (lambda: Skips(nn.Identity()), IMAGES[:1], ValueError, "got Skips, whose"),
    "training mode": (
        lambda: nn.Sequential(nn.BatchNorm2d(2)), IMAGES[:1], ValueError,
        r"`network` must be in evaluation mode, got `0` \(BatchNorm2d\) in training mode. Call `network.eval\(\)`.",
    ),
    "dropout in training": (lambda: nn.Sequential(nn.Dropout()), IMAGES[:1], ValueError, r"got `0` \(Dropout\) in"),
    "no statistics": (without_statistics, IMAGES[:1], ValueError, "`network` must keep running statistics, got `0`"),
    "wrong size for a linear layer": (
        lambda: NETWORK[5:], IMAGES[:1], ValueError,
        r"`image` must bring 54 numbers to `7` \(Linear\), got shape \(450,\) there. Pass an image of the size",
    ),
    "linear before flattening": (
        lambda: nn.Sequential(nn.Linear(15, 2)).double(), IMAGES[:1], ValueError,
        r"`image` must bring 15 numbers to `0` \(Linear\), got shape \(2, 15, 15\) there. .* flatten before",
    ),
    "channels": (
        lambda: NETWORK, IMAGES[:1, :1], ValueError,
        r"`image` must bring 2 channels to `0.0` \(Conv2d\), got 1. Average or repeat the channels.",
    ),
    "channels of batch norm": (
        lambda: nn.Sequential(nn.BatchNorm2d(3)).eval(), IMAGES[:1], ValueError, r"3 channels to `0` \(Batch.*, got 2"
    ),
    "large kernel": (
        lambda: nn.Sequential(nn.Conv2d(2, 1, 9, padding=1, dilation=3)).double(), IMAGES[:1], ValueError,
        r"`image` must leave at least 25 pixels at `0` \(Conv2d\), with its padding, got 17. Pass a larger image.",
    ),
    "stride 0": (
        lambda: nn.Sequential(nn.Conv2d(2, 1, 3, stride=0)).double(), IMAGES[:1], ValueError,
        r"`stride` of `0` \(Conv2d\) must be at least 1, got 0. Give the layer a stride.",
    ),
    "maps after flattening": (
        lambda: nn.Sequential(nn.Flatten(), nn.MaxPool2d(2)), IMAGES[:1], ValueError,
        r"`network` must give maps to `1` \(MaxPool2d\), got shape \(450,\) there. Put it before the flattening.",
    ),
    "what torch refuses": (
        lambda: nn.Sequential(nn.MaxPool2d(2, padding=2)), IMAGES[:1], ValueError,
        r"`image` must fit `0` \(MaxPool2d\), got shape \(1, 2, 15, 15\) there: pad should be .*\. Look at",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_unfolded(name):
    make, image, error, message = BAD[name]
    with pytest.raises(error, match=message):
        unfold_network(make(), image)


@pytest.mark.parametrize("unit", [3, -4, (0, 0), "0", 1.0, None])
def test_a_unit_that_is_none(unfolded, unit):
    with pytest.raises(ValueError, match=r"`unit` must be a place in numbers of shape \(3,\), got .*\. Count from 0"):
        unfolded.parts(unit)


def test_a_layer_that_is_none(unfolded):
    with pytest.raises(ValueError, match=r"`layer` must be one of '0.0', .*, got 'conv1'. Choose one"):
        unfolded.rows([0], "conv1")


@pytest.mark.parametrize("act", [lambda u, x: u(x), lambda u, x: u.count_flipped_gates(x)])
def test_other_images_of_another_shape(unfolded, act):
    with pytest.raises(
        ValueError, match=r"`images` must have shape \(1, 2, 15, 15\), got \(1, 2, 14, 14\). Pass images"
    ):
        act(unfolded, IMAGES[:1, :, :14, :14])
