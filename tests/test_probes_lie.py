"""The Lie derivative: 0 for maps that move along, large for those that do not, and blind where it says so."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter, map_coordinates
from torch import nn

from equibook import actions, datasets, networks
from equibook.equivariant import Lifting
from equibook.measure import equivariance_error
from equibook.probes.lie import lie_derivative, move
from equibook.representation import Representation

DIGITS = torch.from_numpy(datasets.load_digits(size=32)[0][:24]).double()
NOISE = torch.rand(6, 2, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
MOTIONS = {
    "rotation": lambda x, t: actions.rotate(x, t),
    "x": lambda x, t: actions.translate(x, (t, 0.0)),
    "y": lambda x, t: actions.translate(x, (0.0, t)),
}
THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)


def random_layer(kind, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind().double()


def enlarge(x, t):
    """Read a cubic spline by SciPy at places drawn together by t per cent, to first order."""
    places = np.indices(x.shape[-2:]) - (x.shape[-1] - 1) / 2
    read = places * np.exp(-t / 100) + (x.shape[-1] - 1) / 2
    planes = [map_coordinates(plane, read, order=3, mode="grid-constant") for plane in x.flatten(0, 1).numpy()]
    return torch.from_numpy(np.reshape(planes, x.shape))


@pytest.mark.parametrize("by", [*MOTIONS, "scale"])
def test_moving_is_the_derivative_of_the_action(by):
    act = MOTIONS.get(by, enlarge)
    numeric = (act(NOISE, 1e-4) - act(NOISE, -1e-4)) / 2e-4
    assert (move(NOISE, by) - numeric).abs().max() < 1e-6 * numeric.abs().max()


def test_the_spline_has_one_derivative_at_0_where_bilinear_reading_has_two():
    def shift(x, t, mode):
        theta = torch.tensor([[[1.0, 0, -2 * t / 16], [0, 1, 0]]], dtype=x.dtype).expand(len(x), 2, 3)
        return F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), mode, align_corners=False)

    def sides(act):
        return [(act(NOISE, t) - act(NOISE, 0.0)) / t for t in (1e-6, -1e-6)]

    left, right = sides(lambda x, t: shift(x, t, "bilinear"))
    assert (left - right).norm() > 0.5 * left.norm()
    left, right = sides(MOTIONS["x"])
    assert (left - right).norm() < 1e-4 * left.norm()


@pytest.mark.parametrize("by", ["rotation", "x", "y", "scale"])
def test_mixing_channels_moves_along_exactly_and_mixing_places_does_not(by):
    mix = random_layer(lambda: nn.Conv2d(2, 5, 1, bias=False))
    scramble = random_layer(lambda: nn.Sequential(nn.Flatten(2), nn.Linear(256, 256), nn.Unflatten(2, (16, 16))))
    found = lie_derivative({"mix": mix, "scramble": scramble}, NOISE, by)
    assert found.error[0] < 1e-13 * found.control[0] and found.error[1] > 0.5 * found.control[1]
    assert found.stages == ("mix", "scramble") and found.n_samples == 6


def test_a_convolution_moves_along_with_shifts_and_a_plain_stride_with_pooling_less():
    net = random_layer(lambda: nn.Sequential(nn.Conv2d(1, 4, 5, padding=2, bias=False), nn.Conv2d(4, 4, 3, padding=1)))
    strided = random_layer(lambda: nn.Sequential(nn.Conv2d(1, 4, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(2)))
    found = lie_derivative({"convolution": net[0], "strided": strided}, F.pad(DIGITS, (8,) * 4), "x")
    assert found.error[0] < 1e-6 * found.control[0]
    assert found.error[1] > 0.1 * found.control[1]


def test_maps_of_a_stride_move_by_parts_of_a_pixel():
    """Every second pixel of a smooth image still holds it; so do its maps, of a layer and of a plain function."""
    smooth = gaussian_filter(F.pad(NOISE - 0.5, (14, 15, 14, 15)).numpy()[..., :45, :45], 3, axes=(2, 3))
    layer = random_layer(lambda: nn.Conv2d(2, 3, 1, stride=2, bias=False))
    found = lie_derivative({"layer": layer, "function": lambda x: x[..., ::2, ::2]}, smooth, "y")
    assert (found.error < 0.02 * found.control).all()


def test_the_mean_over_all_places_is_invariant_to_shifts_and_not_to_scale():
    def mean(x):
        return x.mean((1, 2, 3))[:, None]

    shift, scale = (lie_derivative(mean, F.pad(DIGITS, (8,) * 4), by) for by in ("x", "scale"))
    assert shift.error[0] < 1e-8
    assert scale.error[0] == pytest.approx(0.02, rel=0.01)  # the area grows by two per cent


def test_the_glass_box_is_nearly_invariant_to_turns_and_its_parts_out_of_order_are_not():
    box = Representation().fit(DIGITS).network(torch.float64)
    scrambled = nn.Sequential(
        nn.Flatten(), random_layer(lambda: nn.Linear(1024, 1024)), nn.Unflatten(1, (1, 32, 32)), box
    )
    found = lie_derivative({"box": box, "scrambled": scrambled}, DIGITS, "rotation")
    assert found.error[0] < 0.03 * found.control[0] and found.error[1] > 0.3 * found.control[1]


def test_it_predicts_the_error_of_a_small_turn():
    net, noise = networks.load("lenet").double(), torch.from_numpy(np.random.default_rng(0).random(DIGITS.shape))
    rough = DIGITS + 0.1 * noise  # on black, maxima of equal numbers would have no derivative
    found = lie_derivative(net, rough, "rotation", "fc3")
    with torch.no_grad():
        change = (net(actions.rotate(rough, 1e-4)) - net(rough)).norm() / net(rough).norm() / 1e-4
    assert found.error[0] == pytest.approx(float(change), rel=0.01)


def test_it_does_not_see_reflections():
    """A map that changes its sign under reflections, and which way round is all that it tells, has no error."""

    def handed(x):
        (a, b), (c, d) = ([move(part, by) for by in ("x", "y")] for part in (x[:, :1], x[:, 1:]))
        return ((a * d - b * c) * (a**2 + b**2)).mean((1, 2, 3))[:, None]  # a cross product of gradients, and a length

    smooth = torch.from_numpy(gaussian_filter(F.pad(NOISE - 0.5, (16,) * 4).numpy(), 3, axes=(2, 3)))
    assert np.median(equivariance_error(handed, smooth, actions.reflect, lambda v: v)) > 1.9
    found = lie_derivative(handed, smooth, "rotation")
    assert found.error[0] < 0.05 * found.control[0]


def test_it_does_not_see_permuted_channels():
    """The lift turns its orientations into each other: quarter turns are exact, the Lie derivative is not small."""
    lift = Lifting((2.0,), 4).double()
    turned = equivariance_error(
        lift,
        DIGITS,
        lambda x: actions.rotate(x, 90),
        lambda u: actions.rotate(u.flatten(1, 2), 90).view_as(u)[:, :, [2, 3, 0, 1]],
    )
    assert turned.max() < 1e-12
    found = lie_derivative(lambda x: lift(x), DIGITS, "rotation")
    assert found.error[0] > 0.1 * found.control[0]
    shuffled = lie_derivative(lambda x: lift(x)[:, :, [3, 1, 0, 2]], DIGITS, "rotation")
    assert shuffled.error[0] == pytest.approx(found.error[0], rel=1e-12)


def test_layers_in_place_pooling_and_modes():
    net = nn.Sequential(
        nn.Conv2d(1, 4, 5), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.BatchNorm2d(4), nn.Dropout()
    ).train()
    before = net[3].running_mean.clone()
    found = lie_derivative(net, DIGITS.float(), "rotation", batch_size=5)
    assert np.isfinite(found.error).all() and (found.error > 0).all()
    assert net.training and net[4].training and torch.equal(net[3].running_mean, before)
    whole = lie_derivative(net, DIGITS.float(), "rotation")
    assert found.error == pytest.approx(whole.error, rel=1e-5)


def test_black_images_and_zeros_have_no_nan():
    blank = torch.cat([DIGITS[:2], torch.zeros(2, 1, 32, 32, dtype=torch.float64)])
    box = Representation().fit(DIGITS).network(torch.float64)
    for f in (box, nn.ReLU(), lambda x: x.abs().flatten(1).sum(1)[:, None]):
        assert np.isfinite(lie_derivative(f, blank, "rotation").error).all()
    found = lie_derivative(lambda x: 0 * x, DIGITS)
    assert found.error[0] == found.control[0] == found.norm[0] == 0


def test_no_warning_reaches_the_reader():
    code = "import torch, equibook.probes.lie as p; print(p.lie_derivative(torch.nn.ReLU(), torch.rand(3, 1, 8, 8)))"
    done = subprocess.run([sys.executable, "-W", "error::FutureWarning", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "local equivariance error by rotation, of the output, per degree" in done.stdout
    assert "Warning" not in done.stderr


def test_the_table():
    found = lie_derivative(nn.ReLU(), NOISE, "scale")
    assert "per per cent of the size" in str(found) and "error / control" in found._repr_html_()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: lie_derivative(nn.ReLU(), NOISE, "shear"), ValueError, "`by` must be one of 'rotation', 'x', 'y'"),
        (lambda: lie_derivative(nn.ReLU(), NOISE[:1]), ValueError, "`X` must hold at least two images, got 1"),
        (lambda: lie_derivative(lambda x: x.mean(0), NOISE), TypeError, "`net` must map 6 images to as many rows"),
        (lambda: lie_derivative(lambda x: x[..., :5], NOISE), ValueError, "`net` must return square maps at"),
        (lambda: lie_derivative(nn.ReLU(), NOISE, batch_size=0), ValueError, "`batch_size` must be a positive integer"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=re.escape(message)) as caught:
        call()
    assert THREE_PARTS.match(str(caught.value))
