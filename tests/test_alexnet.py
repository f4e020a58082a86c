"""AlexNet: what its stages return is what a hand computation says, before anything is overwritten in place."""

import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import alexnet as make_theirs

from equibook import actions, alexnet, datasets, networks
from equibook.alexnet import STAGES, stages, until

THREE_PARTS = re.compile(r"^`\w+`.* must .+, got .+\. [A-Z].+\.$", re.DOTALL)
X = networks.preprocess("alexnet_trunk", datasets.load_digits(size=63)[0][:6])


@pytest.fixture(scope="module")
def net():
    return alexnet.load("digits")


@pytest.fixture(scope="module")
def random_net():
    return alexnet.load("random", random_state=3)


def conv1_by_hand(net, image, channel, row, column):
    """Return one value of conv1: a weighted sum of an 11 x 11 window, in steps of 4, with 2 pixels of padding."""
    kernel, padded = net.features[0].weight[channel].double(), F.pad(image.double(), (2, 2, 2, 2))
    window = padded[:, 4 * row : 4 * row + 11, 4 * column : 4 * column + 11]
    return float((kernel * window).sum().detach() + net.features[0].bias[channel].detach())


def test_conv1_is_read_before_its_relu_overwrites_it(net):
    both = stages(net, X, ["conv1", "relu1"])
    assert both["conv1"].min() < -0.1 and both["relu1"].min() == 0
    assert torch.equal(both["conv1"].clamp(min=0), both["relu1"])
    lowest = np.unravel_index(int(both["conv1"][0].argmin()), both["conv1"].shape[1:])
    by_hand = conv1_by_hand(net, X[0], *lowest)
    assert by_hand < 0 and both["conv1"][0][lowest].item() == pytest.approx(by_hand, rel=1e-5)


def test_a_forward_hook_and_a_slice_of_torchvisions_own_do_not(net):
    """The negative control: what the trap looks like."""
    seen = {}
    handle = net.features[0].register_forward_hook(lambda layer, given, values: seen.update(conv1=values))
    with torch.no_grad():
        net.features(X)
        handle.remove()
        step = net.features[0](X)
        net.features[1](step)
    assert seen["conv1"].min() == 0 and step.min() == 0
    assert stages(net, X, "conv1")["conv1"].min() < 0


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_equals_torchvisions_own_layers(random_net, name):
    with torch.no_grad():
        values = X
        layers = [*random_net.features, random_net.avgpool, nn.Flatten(), *random_net.classifier]
        kept = [layer for layer in layers if not isinstance(layer, nn.Dropout)]
        named = [*STAGES[:13], "avgpool", "flatten", *STAGES[13:]]
        for layer in kept[: named.index(name) + 1]:
            values = layer(values.clone())
        found = until(random_net, name)(X)
    assert torch.equal(found, values) and torch.equal(stages(random_net, X, name)[name], values)
    assert list(dict(until(random_net, name).named_children())) == named[: named.index(name) + 1]


def test_the_last_stage_is_the_networks_answer(random_net):
    with torch.no_grad():
        assert torch.equal(stages(random_net, X, "fc8")["fc8"], random_net(X))


def test_the_trunk_is_that_of_the_package(net):
    trunk = networks.load("alexnet_trunk")
    with torch.no_grad():
        expected = trunk.flatten(trunk.pool(trunk.features(X)))
    assert torch.equal(stages(net, X, "pool5")["pool5"].flatten(1), expected)
    assert sum(p.numel() for p in net.parameters()) == sum(p.numel() for p in make_theirs().parameters()) == 61_100_840


def test_nothing_that_until_gives_works_in_place_or_moves_the_networks_own(net):
    layers = until(net, "pool5")
    assert not any(getattr(layer, "inplace", False) for layer in layers)
    assert layers.conv1 is net.features[0] and net.features[1].inplace
    with torch.no_grad():
        first = layers.conv1(X)
        before = first.clone()
        layers.relu1(first)
    assert torch.equal(first, before)


def test_modes_are_left_alone(random_net):
    random_net.train()
    try:
        a, b = (stages(random_net, X, "fc8")["fc8"] for _ in range(2))
        assert torch.equal(a, b)  # no dropout
        assert all(layer.training for layer in random_net.modules())
    finally:
        random_net.eval()


@pytest.mark.parametrize("batch_size", [1, 4, 6, 100])
def test_batches_make_no_difference(net, batch_size):
    found = stages(net, X, ("conv3", "pool1"), batch_size=batch_size)
    expected = stages(net, X, ("conv3", "pool1"))
    assert list(found) == ["conv3", "pool1"]
    for name, values in found.items():
        assert torch.allclose(values, expected[name], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 5e-2), (torch.float32, 1e-4), (torch.float64, 1e-12)])
def test_dtypes(net, dtype, tolerance):
    found = stages(net, X, "conv3", dtype=dtype)["conv3"]
    with torch.no_grad():
        exact = until(alexnet.load("digits").double(), "conv3")(X.double())
    assert found.dtype == dtype and (found - exact).abs().max() <= tolerance
    assert net.features[0].weight.dtype == torch.float32


def test_dtype_and_kind_follow_the_images(net):
    assert stages(net, X.double(), "conv1")["conv1"].dtype == torch.float64
    as_array = stages(net, X.numpy(), "conv1")["conv1"]
    assert isinstance(as_array, np.ndarray) and as_array.dtype == np.float32
    assert np.array_equal(as_array, stages(net, X, "conv1")["conv1"].numpy())


def test_a_device_is_taken_and_no_gradient_is_kept(net):
    found = stages(net, X, device="cpu")
    assert tuple(found) == STAGES[:13] and not any(values.requires_grad for values in found.values())
    layers = until(net, "conv1")
    assert alexnet._as_asked(layers, "cpu", torch.float32) is layers
    moved = alexnet._as_asked(layers, "meta", torch.float16).conv1.weight
    assert (moved.device.type, moved.dtype) == ("meta", torch.float16) and net.features[0].weight.device.type == "cpu"


def test_random_weights_are_those_of_their_seed():
    before = torch.random.get_rng_state()
    one, same, other = (alexnet.load("random", random_state=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(one.classifier[6].weight, same.classifier[6].weight)
    assert not torch.equal(one.features[0].weight, other.features[0].weight)


@pytest.mark.parametrize("weights", ["digits", "random"])
def test_the_network_knows_its_weights(weights):
    found = alexnet.load(weights)
    assert found.weights_name == weights and not found.training


def test_untrained_layers_are_said_to_be_so(net):
    assert alexnet.trained_stages(net) == STAGES[:13]
    for call in (lambda: until(net, "fc6"), lambda: stages(net, X, ["conv1", "fc7"]), lambda: net(X)):
        with pytest.raises(ValueError, match=r"untrained|trained fully connected") as caught:
            call()
        assert THREE_PARTS.match(str(caught.value))


def test_without_a_head_the_same_convolutions_take_no_more_memory_than_they_need():
    whole, trunk = (alexnet.load("random", random_state=4, head=head) for head in (True, False))
    pairs = zip(whole.features.parameters(), trunk.features.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs) and trunk.weights_name == "random" and not trunk.training
    n_bytes = {net: sum(p.untyped_storage().nbytes() for p in net.classifier.parameters()) for net in (whole, trunk)}
    assert n_bytes[whole] > 2e8 and n_bytes[trunk] < 100
    assert alexnet.trained_stages(whole) == STAGES and alexnet.trained_stages(trunk) == STAGES[:13]
    with pytest.raises(ValueError, match="without a head, got 'fc6'"):
        stages(trunk, X, "fc6")


def test_a_new_head_is_trained_by_whoever_puts_it_there():
    net = alexnet.load("digits")
    net.classifier = nn.Sequential(*alexnet.load("random").classifier)
    assert alexnet.trained_stages(net) == STAGES and net(X).shape == (6, 1000)


def test_smallest_sizes_are_those_at_which_the_layers_still_run(net):
    for name in STAGES[:13]:
        smallest, layers = alexnet.smallest_size(name), until(net, name)
        with torch.no_grad():
            assert layers(torch.zeros(1, 3, smallest, smallest)).shape[-1] == 1
            with pytest.raises(RuntimeError):
                layers(torch.zeros(1, 3, smallest - 1, smallest - 1))


def test_preprocessing_for_imagenet_is_torchvisions_but_centred():
    photographs = torch.as_tensor(datasets.load_photographs(size=100)[0][:2])
    found = alexnet.preprocess(photographs, "imagenet")
    theirs = alexnet.IMAGENET.transforms(crop_size=223, resize_size=255)(photographs)
    assert found.shape == (2, 3, 223, 223) and torch.allclose(found, theirs, rtol=0, atol=1e-5)
    turned = alexnet.preprocess(actions.rotate(photographs, 90), "imagenet")
    assert torch.allclose(turned, actions.rotate(found, 90), rtol=0, atol=1e-4)
    off = (
        alexnet.IMAGENET.transforms()
    )  # theirs: 256 and 224; turned, the same pixels remain, so 223 of 256 is the control
    off_centre = alexnet.IMAGENET.transforms(crop_size=223)
    assert off.crop_size == [224]
    gap = off_centre(actions.rotate(photographs, 90)) - actions.rotate(off_centre(photographs), 90)
    assert gap.abs().max() > 0.1


def test_preprocessing_keeps_dtypes_and_repeats_grey():
    grey = torch.rand(2, 1, 63, 63, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for weights in alexnet.WEIGHTS:
        found = alexnet.preprocess(grey, weights)
        assert found.dtype == torch.float64 and found.shape[1] == 3
    assert torch.equal(alexnet.preprocess(grey, "random")[:, 2], grey[:, 0])
    assert alexnet.preprocess(grey[..., :40, :40], "random").shape == (2, 3, 40, 40)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda net: alexnet.load("imagenet1k"), ValueError, "`weights` must be one of 'imagenet', 'digits', 'random'"),
        (lambda net: stages(net, X[:, :1]), ValueError, "`X` must have 3 channels, got 1. Grey images get them by"),
        (lambda net: stages(net, X[..., :62, :62]), ValueError, "at least 63 x 63 pixels for 'pool5', got 62"),
        (lambda net: stages(net, X[..., :6, :6], "conv1"), ValueError, "at least 7 x 7 pixels for 'conv1', got 6"),
        (lambda net: stages(net, X, "conv9"), ValueError, "`names` must be one of 'conv1', 'relu1'"),
        (lambda net: stages(net, X, []), ValueError, "`names` must be some of conv1, relu1"),
        (lambda net: stages(net, X[0], "conv1"), ValueError, "`X` must have 3 channels, got 1"),
        (lambda net: stages(net, X, "conv1", dtype=torch.int64), ValueError, "`dtype` must be float16, float32 or"),
        (lambda net: stages(net, X, "conv1", batch_size=0), ValueError, "`batch_size` must be a positive integer"),
        (lambda net: until(net, "features.0"), ValueError, "`name` must be one of 'conv1', 'relu1'"),
        (lambda net: until(net.features, "conv1"), TypeError, "`net` must be torchvision's AlexNet, got Sequential"),
        (lambda net: stages(None, X), TypeError, "`net` must be torchvision's AlexNet, got NoneType"),
        (lambda net: alexnet.preprocess(X[:, :2], "imagenet"), ValueError, "`X` must have 1 or 3 channels for 'imagen"),
        (lambda net: alexnet.preprocess(X[..., :5, :5], "digits"), ValueError, "must have 63 x 63 pixels"),
        (lambda net: alexnet.preprocess(X, "image"), ValueError, "`weights` must be one of"),
        (lambda net: alexnet.describe(net, 62), ValueError, "`size` must be at least 63 pixels for all stages, got 62"),
        (lambda net: alexnet.smallest_size("conv0"), ValueError, "`name` must be one of 'conv1'"),
    ],
)
def test_bad_input(net, call, error, message):
    with pytest.raises(error, match=re.escape(message)) as caught:
        call(net)
    assert THREE_PARTS.match(str(caught.value))
