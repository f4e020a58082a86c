"""Stages are found by name and run as they are; transformations act, undo themselves, and say what they fill."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from equibook import actions, alexnet, networks
from equibook.probes import transforms
from equibook.probes.stages import CONVOLUTIONS, TRUNK, feature_maps, resolve, run, run_all, split, stride

THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)
X = torch.rand(3, 3, 63, 63, generator=torch.Generator().manual_seed(0))
NET = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 5, stride=2), nn.ReLU(inplace=True)), nn.MaxPool2d(3, 2))


@pytest.fixture(scope="module")
def trunk():
    return networks.load("alexnet_trunk")


def test_alexnet_and_its_trunk_have_the_same_stages(trunk):
    net = alexnet.load("digits")
    assert tuple(alexnet.STAGES[: len(TRUNK)]) == TRUNK
    assert tuple(resolve(net)) == tuple(resolve(trunk)) == CONVOLUTIONS
    for name in ("conv1", "relu1", "pool5"):
        first, second = (run(resolve(n, name)[name], X) for n in (net, trunk))
        assert torch.equal(first, second) and (name != "conv1" or first.min() < 0)


def test_a_sequential_is_cut_by_names_places_and_paths(trunk):
    assert list(resolve(NET)) == ["0", "1"]
    assert list(resolve(NET, (1, "0.0"))) == ["1", "0.0"]
    assert torch.equal(run(resolve(NET, "0.0")["0.0"], X), NET[0][0](X))
    assert torch.equal(run(resolve(NET, 1)["1"], X), NET(X))
    assert run(resolve(trunk, "head")["head"], X).shape == (3, 10)
    named = nn.Sequential()
    named.add_module("first", nn.Flatten())
    assert list(resolve(named)) == ["first"] and list(resolve(named, [0])) == ["0"]


def test_maps_and_functions_are_taken_as_they_are():
    def double(x):
        return 2 * x

    assert resolve(double) == {"output": double} and resolve({"a": double, "b": NET}, "b") == {"b": NET}
    assert torch.equal(run(double, X.numpy()), 2 * X)
    assert run(lambda x: x.numpy().mean(axis=(1, 2, 3)), X, 2).shape == (3,)


def test_both_parts_of_a_cut_are_the_whole(trunk):
    for name in ("conv1", "relu3", "pool5", "pool"):
        before, after = split(trunk, name)
        assert torch.allclose(run(after, run(before, X)[..., :, :]), run(trunk, X), atol=1e-6)


def test_running_leaves_images_and_mode_alone():
    net = nn.Sequential(nn.ReLU(inplace=True), nn.Dropout(0.5), nn.BatchNorm2d(3)).train()
    net[1].eval()
    images, mean = X - 0.5, net[2].running_mean.clone()
    kept = images.clone()
    first, second = run(net, images, 2), run(net, images, 3)
    assert torch.equal(images, kept) and torch.equal(first, second) and not first.requires_grad
    assert net.training and not net[1].training and torch.equal(net[2].running_mean, mean)


@pytest.mark.parametrize("training", [True, False])
def test_parts_of_a_network_keep_their_own_modes(training):
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5)).train(training)
    net[1].training = not training  # a frozen batch norm, or one that still learns
    parts = [*resolve(net).values(), *split(net, "1")]
    assert all(part.training == training for part in parts)
    assert (net[0].training, net[1].training, net[2].training) == (training, not training, training)
    assert parts[1][1] is net[1] and parts[-2][1] is net[1]


def test_layers_that_stages_share_run_once(trunk):
    names = ("relu1", "conv3", "conv2", "pool5", "head")
    net, seen = alexnet.load("digits"), []
    net.features[0].register_forward_hook(lambda *given: seen.append(1))
    together = run_all(resolve(net, names[:-1]), X)
    assert len(seen) == 2  # conv2 comes after conv3 here: from the start again
    alone = {name: run(f, X) for name, f in resolve(trunk, names).items()}
    assert all(torch.equal(together[name], alone[name]) for name in names[:-1])
    assert torch.equal(run_all(resolve(trunk, names), X)["head"], alone["head"])
    in_place = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(inplace=True), nn.ReLU6(inplace=True))
    found = run_all(resolve(in_place), X)
    assert found["0"].min() < 0 and torch.equal(found["1"], found["0"].relu())
    other = {"a": in_place, "b": nn.Sequential(nn.Conv2d(3, 2, 3), *in_place[1:], nn.Identity())}
    assert not torch.equal(*run_all(other, X).values())


def test_images_take_the_dtype_of_the_weights():
    assert run(NET, X.double()).dtype == torch.float32
    assert run(nn.Identity(), X.double()).dtype == torch.float64


def test_the_stride_is_the_product():
    found = {name: stride(f) for name, f in resolve(networks.build("alexnet_trunk")).items()}
    assert list(found.values()) == [4, 8, 16, 16, 16]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: resolve(NET, "conv1"), ValueError, "`stages` must be of 0, .*, got 'conv1'"),
        (lambda: resolve(alexnet.load("digits"), "conv6"), ValueError, "got 'conv6'"),
        (lambda: resolve({"a": NET}, ["b"]), ValueError, "`stages` must be of a, got 'b'"),
        (lambda: resolve(NET, []), ValueError, "`stages` must name at least one"),
        (lambda: resolve({"a": 1}), TypeError, "`net` must be a network or a map of images, got int"),
        (lambda: split(nn.Conv2d(3, 3, 3), "0"), TypeError, "`net` must be a torch.nn.Sequential to be cut"),
        (lambda: split(NET, "x"), ValueError, "got 'x'"),
        (lambda: stride(len), TypeError, "`stride` must be given"),
        (lambda: run(NET, X, 0), ValueError, "`batch_size` must be a positive integer"),
        (lambda: run(lambda x: x[:1], X), ValueError, "`net` must give 3 results for as many images, got"),
        (lambda: feature_maps(torch.zeros(2, 3, 4, 5), "a"), ValueError, "`net` must give square maps"),
        (lambda: feature_maps(torch.full((2, 3), torch.nan), "a"), ValueError, "`net` must give finite maps"),
        (lambda: transforms.named("turn"), ValueError, "`name` must be one of 'hflip'"),
        (
            lambda: transforms.as_transformation(90),
            TypeError,
            "`transform` must be a name or a Transformation, got int",
        ),
        (lambda: transforms.scaling(0), ValueError, "`factor` must be above 0"),
        (lambda: transforms.rotation(np.nan), ValueError, "`angle` must be a finite number"),
        (lambda: transforms.translation(1, 0, stride=-1), ValueError, "`stride` must be above 0"),
        (lambda: transforms.Transformation("a", abs, abs).undo(), ValueError, "`transform` must know how to undo"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message) as raised:
        call()
    assert THREE_PARTS.match(str(raised.value))


@pytest.mark.parametrize("name", transforms.NAMES)
def test_flips_and_quarter_turns_only_move_pixels(name):
    g = transforms.named(name)
    assert torch.equal(g.on_images(X).flatten(2).sort().values, X.flatten(2).sort().values)
    assert torch.equal(g.off_maps(g.on_maps(X)), X) and not torch.equal(g.on_maps(X), X)
    assert torch.equal(g.undo().on_maps(g.on_maps(X)), X) and g.undo().undo().on_maps is g.on_maps
    assert g.inside(5).all()


def test_the_actions_are_those_of_the_book():
    assert torch.equal(transforms.named("rot90").on_images(X), actions.rotate(X, 90))
    assert torch.equal(transforms.named("hflip").on_images(X), X.flip(-1))
    assert torch.equal(transforms.named("vflip").on_images(X), X.flip(-2))
    assert torch.equal(transforms.rotation(30).on_maps(X), actions.rotate(X, 30))
    assert torch.equal(transforms.translation(3, 1).on_images(X), actions.translate(X, (3, 1)))


def test_what_undoes_comes_back_but_for_the_border():
    smooth = torch.nn.functional.avg_pool2d(X, 9, 1, 4)
    for g in (transforms.rotation(20), transforms.scaling(1.2), transforms.translation(3, 2)):
        back = g.undo().on_maps(g.on_maps(smooth))[:, :, 16:-16, 16:-16]
        assert (back - smooth[:, :, 16:-16, 16:-16]).abs().max() < 0.02


def test_what_comes_from_beyond_the_border():
    assert transforms.translation(2, 0).inside(5).sum(dim=0).tolist() == [0, 0, 5, 5, 5]
    assert transforms.translation(8, 0).for_stride(8).inside(3).sum() == 6
    assert transforms.translation(8, 0, stride=4).for_stride(8).inside(3).sum() == 3
    assert not transforms.rotation(45).inside(9)[0, 0] and transforms.rotation(45).inside(9)[4].all()
    assert transforms.scaling(0.5).inside(9).sum() == 25 and transforms.scaling(2).inside(9).all()
    shift = transforms.translation(8, 0)
    assert torch.equal(shift.undo().for_stride(4).inside(5).sum(dim=0), torch.tensor([5, 5, 5, 0, 0]))
