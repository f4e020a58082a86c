"""Operations one by one: each equals torch's or a count by hand, and commutes with what it should and nothing else."""

import re
from functools import partial
from itertools import product

import numpy as np
import pytest
import torch
from layers import noise
from tolerances import ROUNDING
from torch import nn

from equibook import actions, operations
from equibook.groups import CyclicGroup, DihedralGroup
from equibook.measure import equivariance_error, report
from equibook.operations import (
    SOBEL,
    BlurPool,
    Subsample,
    error_map,
    grid_offset,
    make_convolution,
    make_stack,
    roll,
    symmetrise,
)

THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)
EPSILON = ROUNDING[torch.float64]
D4, C4 = DihedralGroup(4), CyclicGroup(4)
KERNEL = np.random.default_rng(0).normal(size=(5, 5))
turn = partial(actions.rotate, angle=90)


def error(f, x, act_in, act_out=None):
    return equivariance_error(f, x, act_in, act_out or act_in).max()


def shift(right, up=0.0):
    return partial(roll, shift=(right, up))


class TestMakeConvolution:
    def test_it_is_torch_s_correlation_with_this_kernel(self):
        x = noise(9)
        found = make_convolution(KERNEL)(x)
        assert found.shape == x.shape
        window = x[1, 0, 2:7, 1:6].numpy()
        assert np.isclose(float(found[1, 0, 4, 3]), (window * KERNEL).sum())

    def test_a_bank_has_one_map_a_kernel(self):
        kernels = np.stack([KERNEL, KERNEL.T])[:, None]
        x = noise(9)
        both = make_convolution(kernels)(x)
        assert both.shape == (2, 2, 9, 9)
        assert torch.allclose(both[:, 1:], make_convolution(KERNEL.T)(x), rtol=0, atol=EPSILON)

    def test_nothing_is_learned(self):
        assert not any(weight.requires_grad for weight in make_convolution(SOBEL).parameters())

    @pytest.mark.parametrize("move", [(1, 0), (-3, 5)])
    def test_circular_commutes_with_every_shift_and_zeros_do_not(self, move):
        x = noise(12)
        assert error(make_convolution(KERNEL, padding_mode="circular"), x, shift(*move)) <= EPSILON
        for mode in ("zeros", "reflect"):
            assert error(make_convolution(KERNEL, padding_mode=mode), x, shift(*move)) >= 0.05

    @pytest.mark.parametrize("group", [CyclicGroup(2), C4, DihedralGroup(1), D4])
    def test_it_commutes_with_an_element_if_and_only_if_its_kernel_is_symmetric(self, group):
        kernel = symmetrise(KERNEL, group)
        for g in D4:
            move = partial(actions.act, g)
            is_symmetric = np.allclose(actions.act(g, kernel[None])[0], kernel)
            assert (error(make_convolution(kernel), noise(12), move) <= EPSILON) == is_symmetric
        assert sum(np.allclose(actions.act(g, kernel[None])[0], kernel) for g in D4) == group.order

    def test_turning_image_and_kernel_turns_the_map(self):
        x, kernel = noise(12), torch.from_numpy(KERNEL)
        turned = make_convolution(turn(kernel[None])[0])(turn(x))
        assert torch.allclose(turned, turn(make_convolution(kernel)(x)), rtol=0, atol=EPSILON)
        assert not torch.allclose(make_convolution(kernel)(turn(x)), turn(make_convolution(kernel)(x)), atol=0.1)

    @pytest.mark.parametrize(
        ("kernel", "mode", "message"),
        [
            (np.ones((2, 2)), "zeros", "`kernel` must be square with an odd number of taps a side, got 2 x 2"),
            (np.ones((3, 5)), "zeros", "`kernel` must be square with an odd number of taps a side, got 3 x 5"),
            (np.ones(3), "zeros", "`kernel` must have shape (n_out, n_in, kernel_height, kernel_width), got (3,)"),
            (np.ones((3, 3)), "mirror", "`padding_mode` must be one of 'zeros', 'circular', 'reflect', got 'mirror'"),
        ],
    )
    def test_bad_input(self, kernel, mode, message):
        with pytest.raises(ValueError, match=re.escape(message)) as caught:
            make_convolution(kernel, padding_mode=mode)
        assert THREE_PARTS.match(str(caught.value))


class TestSubsample:
    def test_it_keeps_every_second_or_third_pixel(self):
        x = torch.arange(49.0).reshape(1, 1, 7, 7)
        assert Subsample(3)(x).tolist() == [[[[0, 3, 6], [21, 24, 27], [42, 45, 48]]]]
        assert Subsample(3, start=1)(x).tolist() == [[[[8, 11], [29, 32]]]]

    @pytest.mark.parametrize("stride", [2, 4])
    def test_it_commutes_with_shifts_by_multiples_of_the_stride_only(self, stride):
        x = noise(16)
        for pixels in range(9):
            found = error(Subsample(stride), x, shift(pixels), shift(pixels / stride))
            assert (found == 0) if pixels % stride == 0 else (found >= 0.1)

    @pytest.mark.parametrize(("stride", "start", "message"), [(0, 0, "`stride` must be"), (2, 2, "`start` must be")])
    def test_bad_input(self, stride, start, message):
        with pytest.raises(ValueError, match=message) as caught:
            Subsample(stride, start=start)
        assert THREE_PARTS.match(str(caught.value))


class TestBlurPool:
    @pytest.mark.parametrize(("n_taps", "row"), [(1, [1]), (2, [1, 1]), (3, [1, 2, 1]), (4, [1, 3, 3, 1])])
    def test_its_weights_are_binomial_and_sum_to_one(self, n_taps, row):
        weights = BlurPool(n_taps).weights
        assert np.array_equal(weights, np.outer(row, row) / np.sum(row) ** 2) and weights.sum() == 1

    def test_it_is_a_blur_and_then_a_stride(self):
        x = noise(13, n_channels=2)
        blur = make_convolution(np.outer([1, 2, 1], [1, 2, 1]) / 16, padding_mode="reflect")
        expected = torch.cat([Subsample(2)(blur(channel)) for channel in x.split(1, dim=1)], dim=1)
        assert torch.allclose(BlurPool(3)(x), expected, rtol=0, atol=EPSILON)
        assert BlurPool(1)(x).equal(Subsample(2)(x))

    @pytest.mark.parametrize(("n_taps", "size", "expected"), [(3, 32, 16), (3, 33, 17), (4, 32, 16), (5, 33, 17)])
    def test_it_pads_both_sides_by_half_a_blur(self, n_taps, size, expected):
        assert BlurPool(n_taps)(noise(size)).shape == (2, 1, expected, expected)

    def test_it_works_in_the_dtype_of_the_images(self):
        assert BlurPool()(noise(8, dtype=torch.float32)).dtype == torch.float32

    def test_the_blur_makes_the_error_of_a_shift_smaller_but_not_zero(self):
        x = noise(16, n=20)
        plain, blurred = (
            error(f, x, shift(1), shift(0.5)) for f in (Subsample(2), BlurPool(3, padding_mode="circular"))
        )
        assert 0.05 <= blurred <= 0.5 * plain

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"n_taps": 0}, "`n_taps` must be a positive integer, got 0"),
            ({"stride": 0}, "`stride` must be a positive integer, got 0"),
            ({"padding_mode": "same"}, "`padding_mode` must be one of"),
        ],
    )
    def test_bad_input(self, options, message):
        with pytest.raises(ValueError, match=message) as caught:
            BlurPool(**options)
        assert THREE_PARTS.match(str(caught.value))


class TestGridOffset:
    LAYERS = ((1, 2, 0), (2, 2, 0), (2, 2, 1), (3, 2, 0), (3, 2, 1), (3, 3, 0), (5, 4, 2), (11, 4, 2), (3, 1, 1))

    @pytest.mark.parametrize(("kernel", "stride", "padding"), LAYERS)
    def test_a_layer_commutes_with_turns_if_and_only_if_its_grid_is_centred(self, kernel, stride, padding):
        pool = nn.AvgPool2d(kernel, stride, padding)
        for size in range(11, 30):
            offset = grid_offset(size, kernel=kernel, stride=stride, padding=padding)
            rest = (size + 2 * padding - kernel) % stride
            assert offset == -rest / 2
            assert (error(pool, noise(size, n=1), turn) <= EPSILON) == (offset == 0)

    @pytest.mark.parametrize(
        ("size", "pools"), [(32, ("max 2", "blur 4", "average 2")), (33, ("plain", "max 3", "blur 3"))]
    )
    def test_the_operations_of_the_chapter(self, size, pools):
        every = {
            "plain": Subsample(2), "max 2": nn.MaxPool2d(2), "max 3": nn.MaxPool2d(3, 2), "blur 3": BlurPool(3),
            "blur 4": BlurPool(4), "average 2": nn.AvgPool2d(2),
        }  # fmt: skip
        for name, pool in every.items():
            found = error(pool, noise(size), turn)
            assert (found <= EPSILON) if name in pools else (found >= 0.05)

    def test_a_start_can_centre_a_grid_where_stride_or_size_is_odd(self):
        for size, stride in product((32, 33), (2, 3, 4)):
            is_found = any(error(Subsample(stride, start=s), noise(size, n=1), turn) == 0 for s in range(stride))
            assert is_found == (size % 2 == 1 or stride % 2 == 1)

    def test_the_kernel_must_fit(self):
        with pytest.raises(
            ValueError, match="`kernel` must be at most 6 for 4 pixels and their padding, got 7"
        ) as caught:
            grid_offset(4, kernel=7, padding=1)
        assert THREE_PARTS.match(str(caught.value))


class TestSymmetrise:
    @pytest.mark.parametrize("group", [CyclicGroup(1), CyclicGroup(2), C4, DihedralGroup(2), D4])
    def test_it_is_symmetric_and_a_projection(self, group):
        made = symmetrise(KERNEL, group)
        assert all(np.allclose(actions.act(g, made[None])[0], made) for g in group)
        assert np.allclose(symmetrise(made, group), made)
        assert np.isclose(made.sum(), KERNEL.sum())

    def test_by_hand(self):
        expected = sum(np.rot90(k, n) for k in (KERNEL, KERNEL.T) for n in range(4)) / 8
        assert np.allclose(symmetrise(KERNEL, D4), expected)

    def test_many_kernels_at_once_as_they_come(self):
        kernels = torch.from_numpy(np.stack([KERNEL, KERNEL.T]))[:, None].float()
        made = symmetrise(kernels, C4)
        assert made.dtype == torch.float32 and made.shape == kernels.shape
        assert np.allclose(made[1, 0], symmetrise(KERNEL.T, C4), atol=1e-6)

    @pytest.mark.parametrize(
        ("kernel", "group", "message"),
        [
            (KERNEL, CyclicGroup(8), "`group` must turn by multiples of 90°, got CyclicGroup(n=8)"),
            (KERNEL, CyclicGroup(3), "`group` must turn by multiples of 90°"),
            (np.ones(3), C4, "`kernel` must have shape"),
        ],
    )
    def test_bad_input(self, kernel, group, message):
        with pytest.raises(ValueError, match=re.escape(message)) as caught:
            symmetrise(kernel, group)
        assert THREE_PARTS.match(str(caught.value))


class TestRoll:
    def test_whole_pixels_run_around_to_the_right_and_up(self):
        x = np.zeros((1, 4, 4))
        x[0, 0, 3] = 1
        assert np.argwhere(roll(x, (1, 0))[0]).tolist() == [[0, 0]]
        assert np.argwhere(roll(x, (0, 1))[0]).tolist() == [[3, 3]]

    @pytest.mark.parametrize("size", [15, 16])
    def test_parts_of_a_pixel_are_exact_for_a_wave(self, size):
        place = np.arange(size)
        wave = np.cos(2 * np.pi * 3 * place / size + 0.4)[None, None, None].repeat(size, axis=2)
        expected = np.cos(2 * np.pi * 3 * (place - 0.3) / size + 0.4)
        assert np.allclose(roll(wave, (0.3, 0.0)), expected)
        assert np.allclose(roll(wave, (0.0, 0.3)), wave)
        upright = wave.swapaxes(2, 3)  # rows run down: what moves up comes from a later row
        assert np.allclose(roll(upright, (0.0, -0.3)), expected[:, None]) and np.allclose(
            roll(upright, (0.3, 0)), upright
        )

    def test_two_halves_are_a_whole_but_for_the_finest_wave(self):
        assert torch.allclose(roll(roll(noise(15), (0.5, 0)), (0.5, 0)), roll(noise(15), (1, 0)), rtol=0, atol=EPSILON)
        assert not torch.allclose(roll(roll(noise(16), (0.5, 0)), (0.5, 0)), roll(noise(16), (1, 0)), atol=1e-3)

    def test_bad_input(self):
        with pytest.raises(ValueError, match="`shift` must have shape") as caught:
            roll(noise(8), 3)
        assert THREE_PARTS.match(str(caught.value))


class TestErrorMap:
    def test_with_zeros_the_border_is_lost_and_the_inside_is_not(self):
        lost = error_map(make_convolution(KERNEL), noise(16), shift(4), shift(4))
        columns = lost.max(axis=0) > EPSILON
        assert np.flatnonzero(columns).tolist() == [0, 1, 2, 3, 4, 5, 14, 15]

    def test_its_mean_square_is_the_error_of_one_image(self):
        x, f = noise(16, n=1), make_convolution(KERNEL)
        assert np.isclose(np.sqrt((error_map(f, x, turn, turn) ** 2).mean()), equivariance_error(f, x, turn, turn)[0])

    def test_a_map_that_is_zero_has_no_error(self):
        assert error_map(torch.zeros_like, noise(8), turn, turn).max() == 0


class TestMakeStack:
    def test_layers_and_maps(self):
        stack = make_stack(3, Subsample(2), n_maps=5)
        assert [tuple(stack[:d](noise(33)).shape) for d in (1, 2, 3)] == [(2, 5, 17, 17), (2, 5, 9, 9), (2, 5, 5, 5)]
        assert stack[0][0].weight.dtype == torch.float64

    def test_seeds_are_arguments(self):
        weights = [make_stack(1, nn.Identity(), random_state=seed)[0][0].weight for seed in (0, 0, 1)]
        assert weights[0].equal(weights[1]) and not weights[0].equal(weights[2])

    def test_symmetric_kernels_on_a_centred_grid_commute_at_every_depth(self):
        stack = make_stack(3, Subsample(2), group=D4)
        for depth in (1, 2, 3):
            assert error(stack[:depth], noise(33), turn) <= EPSILON
            assert error(stack[:depth], noise(32), turn) >= 0.05
            assert error(make_stack(3, Subsample(2))[:depth], noise(33), turn) >= 0.05

    def test_it_does_not_forget(self):
        found = report(make_stack(3, Subsample(2), group=D4), noise(33, n=6) - 0.5, turn, turn)
        assert found.different.min() >= 0.1

    def test_bad_input(self):
        with pytest.raises(ValueError, match="`n_layers` must be a positive integer, got 0"):
            make_stack(0, nn.Identity())


def test_pointwise_maps_commute_with_all_that_moves_pixels_and_others_do_not():
    x = noise(9) - 0.5
    for move in (*(partial(actions.act, g) for g in D4), shift(2, -3)):
        assert torch.equal(torch.relu(move(x)), move(torch.relu(x)))

    def darken(images):
        return images * torch.linspace(0, 1, 9, dtype=torch.float64)

    assert error(darken, x, turn) >= 0.1


def test_sobel_is_what_its_name_says():
    image = torch.zeros(1, 1, 5, 5, dtype=torch.float64)
    image[..., 3:] = 1  # brighter on the right
    assert make_convolution(operations.SOBEL)(image)[0, 0, 2].tolist()[1:4] == [0, 4, 4]
