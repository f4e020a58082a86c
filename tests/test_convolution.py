"""A convolution as a matrix, by Fourier transforms and by windows: one function, that of torch."""

import numpy as np
import pytest
import scipy.sparse
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import ROUNDING

from equibook.convolution import as_kernel, conv_costs
from equibook.unfold import conv_fft, conv_im2col, conv_matrix, conv_structure

PADDING_MODES = ("zeros", "circular", "reflect")


@st.composite
def convolutions(draw):
    """Return images, kernel and settings of a convolution that there is."""
    size = draw(st.integers(1, 9))
    mode = draw(st.sampled_from(PADDING_MODES))
    most = {"zeros": 4, "circular": size, "reflect": size - 1}[mode]
    padding = tuple(draw(st.integers(0, most)) for _ in range(2))
    dilation = tuple(draw(st.integers(1, 3)) for _ in range(2))
    kernel = [draw(st.integers(1, min(4, (size + 2 * p - 1) // d + 1))) for p, d in zip(padding, dilation, strict=True)]
    stride = tuple(draw(st.integers(1, 3)) for _ in range(2))
    n_in, n_out, n_samples = (draw(st.integers(1, 3)) for _ in range(3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    images = torch.randn(n_samples, n_in, size, size, generator=generator, dtype=torch.float64)
    weights = torch.randn(n_out, n_in, *kernel, generator=generator, dtype=torch.float64)
    return images, weights, {"padding": padding, "stride": stride, "dilation": dilation, "padding_mode": mode}


def by_torch(images, weights, padding=0, stride=1, dilation=1, padding_mode="zeros"):
    """torch's own convolution layer, which pads in all three ways."""
    layer = torch.nn.Conv2d(
        weights.shape[1], weights.shape[0], weights.shape[2:], stride, padding, dilation, 1, False, padding_mode
    ).double()
    layer.weight.data = weights
    with torch.no_grad():
        return layer(images)


def relative(found, expected, images, weights):
    """Return the largest difference over the largest output that such pixels and weights could have."""
    largest = images.abs().max() * weights.abs().sum(dim=(1, 2, 3)).max()
    return float((torch.as_tensor(found) - expected).abs().max() / largest)


@settings(max_examples=150)
@given(convolutions())
def test_all_three_are_the_function_of_torch(convolution):
    images, weights, settings_ = convolution
    expected = by_torch(images, weights, **settings_)
    matrix = conv_matrix(weights, images.shape[-1], **settings_)
    found = torch.as_tensor(matrix @ images.flatten(1).numpy().T).T.reshape(expected.shape)
    for outputs in (found, conv_fft(images, weights, **settings_), conv_im2col(images, weights, **settings_)):
        assert relative(outputs, expected, images, weights) <= ROUNDING[torch.float64]


def test_a_convolution_that_flips_its_kernel_is_another_function():
    images = torch.arange(36, dtype=torch.float64).reshape(1, 1, 6, 6)
    weights = torch.arange(9, dtype=torch.float64).reshape(1, 1, 3, 3)
    assert relative(conv_im2col(images, weights.flip(2, 3)), by_torch(images, weights), images, weights) > 0.01


def test_the_matrix_of_a_hand_computed_case():
    matrix = conv_matrix([[[[1, 2], [3, 4]]]], 3)
    assert scipy.sparse.issparse(matrix)
    assert matrix.toarray().tolist() == [
        [1, 2, 0, 3, 4, 0, 0, 0, 0],
        [0, 1, 2, 0, 3, 4, 0, 0, 0],
        [0, 0, 0, 1, 2, 0, 3, 4, 0],
        [0, 0, 0, 0, 1, 2, 0, 3, 4],
    ]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("convolve", [conv_fft, conv_im2col])
def test_numpy_comes_back_as_numpy_of_its_dtype(convolve, dtype):
    images = np.ones((2, 1, 4, 4), dtype=dtype)
    found = convolve(images, np.ones((1, 1, 2, 2)), padding_mode="circular", padding=1, stride=2)
    assert isinstance(found, np.ndarray)
    assert found.dtype == dtype
    assert np.allclose(found, 4)


def structure(padding_mode="zeros", *, size=6, **settings_):
    kernel = torch.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    matrix = conv_matrix(kernel, size, padding_mode=padding_mode, **settings_)
    out = F.conv2d(torch.zeros(1, 1, size, size), kernel, **settings_).shape[-1]
    return conv_structure(matrix, size, out, stride=settings_.get("stride", 1)), matrix


@pytest.mark.parametrize(
    ("settings_", "is_toeplitz", "is_circulant"),
    [
        ({}, True, False),
        ({"padding": 1}, True, False),
        ({"padding": 1, "stride": 2}, True, False),
        ({"padding": 1, "padding_mode": "circular"}, True, True),
        ({"padding": 1, "padding_mode": "circular", "stride": 2}, True, False),
        ({"padding": 1, "padding_mode": "reflect"}, False, False),
    ],
)
def test_structure(settings_, is_toeplitz, is_circulant):
    found, _ = structure(**settings_)
    assert (found.is_toeplitz, found.is_circulant) == (is_toeplitz, is_circulant)
    assert (found.eigenvalues is not None) == is_circulant


def test_any_other_matrix_has_no_structure():
    matrix = np.random.default_rng(0).normal(size=(9, 9))
    found = conv_structure(matrix, 3, 3)
    assert not found.is_toeplitz
    assert not found.is_circulant


def test_the_eigenvectors_of_a_circulant_matrix_are_waves():
    found, matrix = structure("circular", padding=1)
    for row, column in np.ndindex(6, 6):
        wave = np.fft.ifft2(np.eye(36).reshape(36, 6, 6)[6 * row + column]).ravel()
        assert np.allclose(matrix @ wave, found.eigenvalues[row, column] * wave, rtol=0, atol=1e-12)


def test_costs_are_those_of_the_matrices_that_are_made():
    for settings_ in ({}, {"padding": 2}, {"padding": (1, 0), "stride": 2}, {"dilation": (2, 1), "stride": (1, 3)}):
        kernel = np.random.default_rng(0).normal(size=(2, 3, 3, 4))
        matrix, counted = conv_matrix(kernel, 9, **settings_), conv_costs(kernel.shape, 9, **settings_)
        n_windows = matrix.shape[0] // 2
        assert counted["dense matrix"] == (np.prod(matrix.shape), 0, np.prod(matrix.shape))
        assert counted["sparse matrix"] == (matrix.nnz, 0, matrix.nnz)
        assert counted["im2col"] == (kernel.size, 3 * 12 * n_windows, kernel.size * n_windows)


def test_costs_of_a_hand_counted_fourier_transform():
    # 2 + 3 transforms of 8 x 8 numbers, 6 steps deep; 6 products of 4 multiplications at 32 of 64 frequencies.
    found = conv_costs((3, 2, 3, 3), 6, padding=1)["FFT"]
    assert found == (6 * 64, 5 * 64, 5 * 64 * 6 + 6 * 4 * 32)
    assert conv_costs((3, 2, 3, 3), 6, padding=1, stride=2)["FFT"] == found  # all outputs are made, most are dropped


ONE = np.ones((1, 1, 3, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conv_matrix(ONE, 2), r"`kernel` must fit into the padded image of 2 pixels, got 3 pixels\. Take"),
        (lambda: conv_matrix(ONE, 4, dilation=2), r"`kernel` must fit .* of 4 pixels, got 5 pixels\. Take"),
        (lambda: conv_matrix(ONE, 4, stride=0), r"`stride` must be .*, got 0"),
        (lambda: conv_matrix(ONE, 4, padding=-1), r"`padding` must be .*, got -1"),
        (lambda: conv_matrix(ONE, (4, 4, 4)), r"`image_size` must be a number or a pair, got \(4, 4, 4\)\. Write"),
        (
            lambda: conv_matrix(ONE, 4, padding=4, padding_mode="reflect"),
            r"`padding` must be at most 3 .*, got 4\.",
        ),
        (lambda: conv_matrix(ONE, 4, padding=5, padding_mode="circular"), r"`padding` must be at most 4 .*, got 5\."),
        (lambda: conv_matrix(ONE, 4, padding_mode="replicate"), r"`padding_mode` must be one of .*, got 'replicate'"),
        (lambda: conv_matrix(ONE[0, 0], 4), r"`kernel` must have shape \(n_out, .*, got \(3, 3\)\. For one kernel"),
        (lambda: conv_matrix(ONE * np.nan, 4), r"`kernel` must"),
        (lambda: conv_fft(np.zeros((1, 2, 4, 4)), ONE), r"`kernel` must be of 2 channels, as the images, got 1\. Axis"),
        (lambda: conv_im2col(np.zeros((1, 2, 4, 4)), ONE), r"`kernel` must be of 2 channels, .*, got 1\. Axis"),
        (lambda: conv_structure(np.ones((4, 9)), 4, 2), r"`matrix` must have shape \(4, 16\), .* got \(4, 9\)\. Take"),
    ],
)
def test_errors_say_what_must_hold_what_came_and_what_to_do(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_numbers_in_a_list_keep_their_precision():
    assert as_kernel([[[[0.1]]]]).item() == 0.1
