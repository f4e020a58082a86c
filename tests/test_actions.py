"""Turns, reflections and shifts: exact where pixels move, of measured error where they are interpolated."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from equibook.actions import act, act_on_maps, pixel_grid, reflect, rotate, translate
from equibook.groups import CyclicGroup, DihedralGroup, Element

D4 = DihedralGroup(4)
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=(3, 2, 7, 7))


BUMP_ERROR = 5e-4  # of cubic splines on the bump below: measured 3e-4; cubic convolution, as in grid_sample, has 1e-2


def blob(size=33, right=5.0, up=3.0, width=3.0):
    """A smooth bump: band-limited, so that interpolation errors are small and known."""
    line = np.arange(size) - (size - 1) / 2
    return np.exp(-((line[None, :] - right) ** 2 + (-line[:, None] - up) ** 2) / (2 * width**2))[None]


def point(right, up, size=5):
    image = np.zeros((1, size, size))
    image[0, size // 2 - up, size // 2 + right] = 1
    return image


# --- moved pixels: exact ---


def test_directions_by_hand():
    assert np.array_equal(rotate(point(2, 0), 90), point(0, 2))  # counter-clockwise: right -> top
    assert np.array_equal(rotate(point(2, 1), 180), point(-2, -1))
    assert np.array_equal(reflect(point(2, 1)), point(-2, 1))  # left-right flip
    assert np.array_equal(reflect(point(2, 1), 0), point(2, -1))  # up-down flip
    assert np.array_equal(reflect(point(2, 1), 45), point(1, 2))
    assert np.array_equal(reflect(point(2, 1), 135), point(-1, -2))
    assert np.array_equal(translate(point(0, 0), (2, 1)), point(2, 1))


def test_reflections_are_numpy_flips():
    assert np.array_equal(reflect(NOISE), NOISE[..., ::-1])
    assert np.array_equal(reflect(NOISE, 0), NOISE[..., ::-1, :])
    assert np.array_equal(reflect(NOISE, 135), NOISE.swapaxes(-1, -2))
    assert np.array_equal(reflect(NOISE, -45), reflect(NOISE, 135))


@pytest.mark.parametrize("size", [1, 2, 7, 8])
def test_the_action_law_is_exact_in_d4(size):
    x = RNG.normal(size=(2, 1, size, size)).astype(np.float32)
    for a, b in product(D4, repeat=2):
        assert np.array_equal(act(D4.compose(a, b), x), act(a, act(b, x)))
    assert np.array_equal(act(D4.identity, x), x)


def test_the_wrong_order_breaks_the_action_law():
    turn, flip = Element(1, False, 4), Element(0, True, 4)
    assert not np.array_equal(act(D4.compose(turn, flip), NOISE), act(flip, act(turn, NOISE)))


def test_elements_act_as_their_matrices_move_points():
    for g in D4:
        right, up = (int(number) for number in g.matrix @ [2, 1])
        assert np.array_equal(act(g, point(2, 1)), point(right, up))


def test_elements_act_as_rotate_and_reflect():
    for g in DihedralGroup(8):
        expected = reflect(NOISE, g.axis) if g.reflected else rotate(NOISE, g.angle)
        assert np.array_equal(act(g, NOISE), expected)


@given(quarters=st.integers(-9, 9), size=st.integers(1, 9))
def test_multiples_of_90_only_move_pixels(quarters, size):
    x = np.random.default_rng(size).normal(size=(2, size, size))
    assert np.array_equal(rotate(x, 90 * quarters), np.rot90(x, quarters, (-2, -1)))


def test_images_of_one_batch_have_angles_of_their_own():
    angles = np.array([90.0, 0.0, 20.0])
    together = rotate(NOISE, angles)
    alone = np.concatenate([rotate(NOISE[i : i + 1], angles[i]) for i in range(3)])
    assert np.allclose(together, alone, rtol=0, atol=1e-12)
    assert np.array_equal(together[1], NOISE[1])
    assert np.array_equal(together[0], np.rot90(NOISE[0], 1, (-2, -1)))
    assert not np.array_equal(together[2], rotate(NOISE, -20)[2])  # the wrong direction


def test_reflections_of_one_batch_have_axes_of_their_own():
    assert np.array_equal(reflect(NOISE, [90, 0, 45])[1], reflect(NOISE, 0)[1])


@given(right=st.integers(-8, 8), up=st.integers(-8, 8))
def test_whole_pixel_shifts_are_exact(right, up):
    wide = np.pad(NOISE, ((0, 0), (0, 0), (8, 8), (8, 8)))
    expected = np.roll(wide, (-up, right), axis=(-2, -1))[..., 8:15, 8:15]
    assert np.array_equal(translate(NOISE, (right, up)), expected)


def test_shifts_of_one_batch_are_their_own():
    shifts = np.array([[1.0, 0.0], [0.5, -2.0], [90.0, 90.0]])
    together = translate(NOISE, shifts)
    for i in range(3):
        assert np.allclose(together[i], translate(NOISE[i : i + 1], shifts[i])[0], rtol=0, atol=1e-12)
    assert np.array_equal(together[2], np.zeros_like(NOISE[2]))


# --- interpolated: measured ---


@pytest.mark.parametrize("angle", [10, 30, 45, -77, 200.5])
def test_a_turned_bump_is_the_bump_at_the_turned_place(angle):
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    expected = blob(right=5 * c - 3 * s, up=5 * s + 3 * c)
    assert abs(rotate(blob(), angle) - expected).max() < BUMP_ERROR
    assert abs(rotate(blob(), -angle) - expected).max() > 0.3  # the wrong direction is seen


def test_a_shifted_bump_is_the_bump_at_the_shifted_place():
    assert abs(translate(blob(), (1.3, -2.6)) - blob(right=6.3, up=0.4)).max() < BUMP_ERROR
    assert abs(translate(blob(), (-1.3, 2.6)) - blob(right=6.3, up=0.4)).max() > 0.3


def test_a_reflected_bump_is_the_bump_at_the_reflected_place():
    axis, radius, place = 20.0, np.hypot(5, 3), np.arctan2(3, 5)
    mirrored = 2 * np.deg2rad(axis) - place
    expected = blob(right=radius * np.cos(mirrored), up=radius * np.sin(mirrored))
    assert abs(reflect(blob(), axis) - expected).max() < BUMP_ERROR
    assert abs(reflect(blob(), axis + 90) - expected).max() > 0.3


@given(angle=st.floats(-400, 400))
def test_there_and_back_is_near(angle):
    error = np.linalg.norm(rotate(rotate(blob(), angle), -angle) - blob()) / np.linalg.norm(blob())
    assert error < 2 * BUMP_ERROR


@given(angle=st.floats(-180, 180), quarters=st.integers(0, 3))
def test_quarter_turns_and_other_turns_add_up(angle, quarters):
    x = NOISE - NOISE.mean()
    assert np.allclose(rotate(rotate(x, angle), 90 * quarters), rotate(x, angle + 90 * quarters), rtol=0, atol=1e-10)


@pytest.mark.parametrize("angle", [10, 33.3, -45, 77, 130])
def test_interpolation_is_that_of_scipy(angle):
    wide = np.pad(
        NOISE, ((0, 0), (0, 0), (20, 20), (20, 20))
    )  # its splines see the zeros outside only where it has them
    turned = ndimage.rotate(wide, angle, axes=(3, 2), reshape=False, order=3, mode="grid-constant")
    assert np.allclose(rotate(NOISE, angle), turned[..., 20:-20, 20:-20], rtol=0, atol=1e-12)
    assert np.allclose(rotate(NOISE.astype("float32"), angle), turned[..., 20:-20, 20:-20], rtol=0, atol=2e-5)
    shifted = ndimage.shift(wide, (0, 0, -0.3, 1.6), order=3, mode="grid-constant")
    assert np.allclose(translate(NOISE, (1.6, 0.3)), shifted[..., 20:-20, 20:-20], rtol=0, atol=1e-12)


def test_zeros_enter_from_outside():
    turned = rotate(np.ones((1, 9, 9)), 45)[0]
    assert abs(turned[0, 0]) < 0.1
    assert np.isclose(turned[4, 4], 1, atol=0.05)


# --- kinds, shapes and derivatives ---

CALLS = [
    lambda x: rotate(x, 30),
    lambda x: rotate(x, [90, 30]),
    lambda x: reflect(x, 10),
    lambda x: translate(x, (0.5, 1)),
    lambda x: act(Element(1, True, 4), x),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2, 3, 6, 6), (2, 6, 6)])
def test_shape_dtype_and_kind_follow_the_input(call, dtype, shape):
    x = RNG.normal(size=shape).astype(dtype)
    before = x.copy()
    result = call(x)
    assert isinstance(result, np.ndarray)
    assert result.shape == shape
    assert result.dtype == dtype
    assert np.array_equal(x, before)
    tensor = call(torch.from_numpy(x))
    assert isinstance(tensor, torch.Tensor)
    assert np.array_equal(tensor.numpy(), result)


@pytest.mark.parametrize("call", CALLS)
def test_actions_are_differentiable_in_the_images(call):
    x = torch.from_numpy(RNG.normal(size=(2, 1, 3, 3))).requires_grad_()
    assert torch.autograd.gradcheck(call, (x,))


PARAMETERS = [
    (rotate, [0.0, 30.0, 90.0]),
    (rotate, 0.0),
    (reflect, [0.0, 10.0, 45.0]),
    (translate, [[0.0, 0.0], [0.4, -1.3], [2.0, 1.0]]),
]


@pytest.mark.filterwarnings(
    "ignore:.torch.jit.script. is deprecated:FutureWarning"
)  # torch's own, on first forward mode
@pytest.mark.parametrize(("action", "value"), PARAMETERS)
def test_derivatives_pass_through_the_parameter_in_both_modes(action, value):
    x, value = torch.from_numpy(NOISE), torch.tensor(value, dtype=torch.float64)
    direction = torch.ones_like(value)
    result, forward = torch.func.jvp(lambda v: action(x, v), (value,), (direction,))
    numeric = (action(x, value + 1e-4) - action(x, value - 1e-4)) / 2e-4
    assert torch.allclose(result, action(x, value), rtol=0, atol=1e-12)
    assert torch.allclose(forward, numeric, rtol=0, atol=1e-6)
    assert forward.abs().amax() > 0.01
    leaf = value.clone().requires_grad_()
    (backward,) = torch.autograd.grad((action(x, leaf) * forward).sum(), leaf)
    assert torch.allclose(backward.sum(), (forward**2).sum())


def test_pixel_grid_by_hand():
    right, up = pixel_grid(2)
    assert right.tolist() == [[-0.5, 0.5]]
    assert up.tolist() == [[0.5], [-0.5]]


# --- lifted maps ---

MAPS = RNG.normal(size=(2, 3, 4, 5, 5))


@pytest.mark.parametrize(("period", "group"), [(180.0, D4), (360.0, D4), (180.0, CyclicGroup(2))])
def test_maps_obey_the_action_law(period, group):
    for a, b in product(group, repeat=2):
        together = act_on_maps(group.compose(a, b), MAPS, period=period)
        assert np.array_equal(together, act_on_maps(a, act_on_maps(b, MAPS, period=period), period=period))
    assert np.array_equal(act_on_maps(group.identity, MAPS, period=period), MAPS)


def test_moving_the_pixels_alone_is_another_action():
    turn = Element(1, False, 4)
    pixels_alone = act(turn, MAPS.reshape(2, 12, 5, 5)).reshape(MAPS.shape)
    assert not np.array_equal(act_on_maps(turn, MAPS), pixels_alone)
    assert np.array_equal(act_on_maps(turn, MAPS)[:, :, [2, 3, 0, 1]], pixels_alone)  # by 90 of 180 degrees: two steps


def test_orientations_are_permuted_as_directions_are():
    """A map that holds only orientation θ goes to θ + a under a turn, and to 2β - θ under a reflection."""
    for g, i in product(DihedralGroup(8), range(8)):
        maps = np.zeros((1, 1, 8, 3, 3))
        maps[:, :, i, 1, 1] = 1
        theta = 45 * i
        expected = (2 * g.axis - theta if g.reflected else theta + g.angle) % 360
        (found,) = np.nonzero(act_on_maps(g, maps, period=360)[0, 0, :, 1, 1] > 0.5)[0]
        assert 45 * found == expected


def lift(x, period, n=4):
    """Compare two opposite neighbours of each pixel (period 180), or take one of them (period 360): an exact lift."""
    pairs = []
    for i in range(n):
        angle = np.deg2rad(period * i / n)
        ahead = translate(x, (-np.cos(angle), -np.sin(angle)))
        behind = translate(x, (np.cos(angle), np.sin(angle)))
        pairs.append(abs(ahead + behind - 2 * x) if period == 180 else ahead)
    return torch.stack(pairs, dim=2)


@pytest.mark.parametrize("period", [180.0, 360.0])
def test_a_lift_is_equivariant_to_the_action_on_maps(period):
    x = torch.nn.functional.pad(torch.from_numpy(NOISE), (3, 3, 3, 3))
    for g in D4:
        error = (lift(act(g, x), period) - act_on_maps(g, lift(x, period), period=period)).abs().amax()
        assert error < 1e-12
    assert (lift(rotate(x, 90), period) - rotate_pixels_only(lift(x, period))).abs().amax() > 0.1


def rotate_pixels_only(maps):
    return rotate(maps.flatten(1, 2), 90).unflatten(1, maps.shape[1:3])


def test_maps_keep_their_kind():
    assert isinstance(act_on_maps(D4.identity, torch.from_numpy(MAPS).float()), torch.Tensor)
    assert act_on_maps(D4.identity, MAPS.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rotate(NOISE, [1, 2]), r"`angle` must have shape \(\) or \(3,\), got \(2,\)\. Give one"),
        (lambda: rotate(NOISE, np.inf), r"`angle` must hold finite numbers, got NaN or infinite ones\. Remove"),
        (lambda: rotate(NOISE[0, 0], 10), r"`images` must have shape .*, got \(7, 7\)\. For one image"),
        (lambda: reflect(NOISE, [1, 2]), r"`axis` must have shape \(\) or \(3,\), got \(2,\)\. Give one"),
        (lambda: translate(NOISE, 1), r"`shift` must have shape \(2,\) or \(3, 2\), got \(\)\. Give one"),
        (lambda: act_on_maps(Element(1, False, 8), MAPS[:, :, :3]), r"a multiple of 60°, .*, got 45°\. Lift with more"),
        (lambda: act_on_maps(D4.identity, NOISE), r"`maps` must have shape .*, got \(3, 2, 7, 7\)\. The maps of one"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
