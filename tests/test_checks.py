"""What comes in is accepted, converted without writing into it, or refused with a message in three parts."""

import re

import numpy as np
import pytest
import torch
from PIL import Image

from equibook import _checks

GOOD = np.linspace(0, 1, 2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)


def assert_refuses(call, message, error=ValueError):
    with pytest.raises(error, match=re.escape(message)) as caught:
        call()
    assert THREE_PARTS.match(str(caught.value)), str(caught.value)


@pytest.mark.parametrize(
    ("given", "dtype"),
    [("float16", torch.float32), ("float32", torch.float32), ("float64", torch.float64)],
)
def test_floats_keep_their_precision_and_values(given, dtype):
    images = GOOD.astype(given)
    for kind in (images, torch.from_numpy(images), images.astype(images.dtype.newbyteorder(">"))):
        result = _checks.as_images(kind)
        assert result.dtype == dtype
        assert np.array_equal(result.numpy(), images)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "uint16"])
def test_zeros_and_ones_become_floats(dtype):
    images = (GOOD > 0.5).astype(dtype)
    result = _checks.as_images(images)
    assert result.dtype == torch.float32
    assert np.array_equal(result.numpy(), images)
    assert torch.equal(_checks.as_images(torch.from_numpy(images)), result)


def test_three_axes_are_one_channel():
    assert _checks.as_images(GOOD[:, 0]).shape == (2, 1, 4, 4)


def test_nested_lists_will_do():
    assert torch.equal(_checks.as_images(GOOD.tolist()), torch.from_numpy(GOOD))


def test_memory_is_shared_where_it_can_be():
    images = GOOD.copy()
    assert _checks.as_images(images).data_ptr() == images.ctypes.data


def test_read_only_and_reversed_arrays_are_accepted_and_left_alone():
    images = GOOD.copy()
    images.flags.writeable = False
    assert _checks.as_images(images).data_ptr() == images.ctypes.data
    assert np.array_equal(_checks.as_images(images[..., ::-1]).numpy(), GOOD[..., ::-1])
    assert not images.flags.writeable


def test_a_derivative_passes():
    images = torch.tensor(GOOD, requires_grad=True)
    _checks.as_images(images).sum().backward()
    assert torch.equal(images.grad, torch.ones_like(images))


BAD_IMAGES = [
    (GOOD[0, 0], "`images` must have shape (n_samples, n_channels, height, width), got (4, 4). For one image, pass"),
    (GOOD[..., None, None], "got (2, 3, 4, 4, 1, 1). For one image, pass `image[None]`."),
    (GOOD[..., :3], "must be square, of shape (n_samples, n_channels, height, width), got (2, 3, 4, 3). Crop or pad"),
    (GOOD[:0], "`images` must not be empty, got shape (0, 3, 4, 4). Pass at least one image"),
    (np.where(GOOD == 1, np.nan, GOOD), "`images` must hold finite numbers, got NaN or infinite ones. Remove"),
    (np.where(GOOD == 0, -np.inf, GOOD), "`images` must hold finite numbers, got NaN or infinite ones. Remove"),
    (
        (255 * GOOD).astype("uint8"),
        "`images` must hold floats, nominally in [0, 1], got integers from 0 to 255. Divide",
    ),
    (-torch.ones(1, 2, 2, dtype=int), "got integers from -1 to -1. Divide by 255: `images / 255`."),
    ([[[[1.0, 2.0]]], [[[1.0]]]], "`images` must be one array of numbers, got a list of unequal lengths. Give"),
]


@pytest.mark.parametrize(("images", "message"), BAD_IMAGES)
def test_bad_images(images, message):
    assert_refuses(lambda: _checks.as_images(images), message)


BAD_KINDS = [
    ("image.png", "`images` must be an array or a tensor, got str. Convert it"),
    (Image.new("L", (3, 3)), "`images` must be an array or a tensor, got Image. Convert it"),
    (None, "`images` must be an array or a tensor, got NoneType. Convert it"),
    (GOOD.astype(complex), "`images` must hold real numbers, got dtype complex128. Convert it"),
    (GOOD.astype(object), "`images` must hold real numbers, got dtype object. Convert it"),
    (GOOD.astype(str), "`images` must hold real numbers, got dtype <U"),
    (torch.tensor(GOOD).cfloat(), "must hold real numbers, densely stored, got torch.complex64, torch.strided. Try"),
    (torch.eye(3).to_sparse(), "must hold real numbers, densely stored, got torch.float32, torch.sparse_coo. Try"),
    (torch.ones(1, 2, 2, dtype=torch.bfloat16), "must be float16, float32 or float64, got torch.bfloat16. Convert it"),
]


@pytest.mark.parametrize(("images", "message"), BAD_KINDS)
def test_bad_kinds_of_images(images, message):
    assert_refuses(lambda: _checks.as_images(images), message, TypeError)


def test_the_message_names_the_argument():
    assert_refuses(lambda: _checks.as_images(GOOD[0, 0], name="X"), "`X` must have shape")


def test_maps_have_five_axes():
    maps = GOOD[:, None]
    assert torch.equal(_checks.as_maps(maps), torch.from_numpy(maps))
    assert_refuses(lambda: _checks.as_maps(GOOD), "n_orientations, height, width), got (2, 3, 4, 4). The maps of one")
    assert_refuses(lambda: _checks.as_maps(maps[..., :3]), "`maps` must be square")
    assert_refuses(lambda: _checks.as_maps(maps * np.nan), "`maps` must hold finite numbers")


def test_what_comes_out_is_like_what_came_in():
    result = torch.ones(2, requires_grad=True)
    assert _checks.like(result, torch.zeros(1)) is result
    for given in (np.zeros(1), [0.0]):
        assert isinstance(_checks.like(result, given), np.ndarray)


@pytest.mark.parametrize(
    ("numbers", "width", "shape"), [(3, 0, ()), ([1, 2], 0, (2,)), ((1, 2.5), 2, (2,)), (GOOD[0, 0, :2, :2], 2, (2, 2))]
)
def test_one_number_for_all_or_one_each(numbers, width, shape):
    result = _checks.as_numbers(numbers, 2, width=width, name="angle")
    assert result.shape == shape
    assert result.dtype == torch.float64


@pytest.mark.parametrize(
    ("numbers", "width", "message"),
    [
        ([1, 2, 3], 0, "`angle` must have shape () or (2,), got (3,). Give one for all images or one each."),
        (1.0, 2, "`angle` must have shape (2,) or (2, 2), got (). Give one for all images or one each."),
        (np.nan, 0, "`angle` must hold finite numbers, got NaN or infinite ones. Remove"),
    ],
)
def test_bad_numbers(numbers, width, message):
    assert_refuses(lambda: _checks.as_numbers(numbers, 2, width=width, name="angle"), message)


def test_images_unlike_the_fitted_ones():
    images = torch.zeros(1, 3, 4, 4)
    assert _checks.check_same_shape(images, 3, 4) is None
    assert_refuses(lambda: _checks.check_same_shape(images, 1, 4), "must have 1 channels, as in `fit`, got 3. Average")
    assert_refuses(
        lambda: _checks.check_same_shape(images, 3, 8), "must have 8 x 8 pixels, as in `fit`, got 4 x 4. Res"
    )


@pytest.mark.parametrize(
    "y", [[1, 2], ["a", "b"], np.array(["a", "b"], object), [True, False], [1.0, 2.0], torch.arange(2)]
)
def test_labels(y):
    labels = _checks.check_labels(y, 2)
    assert labels.shape == (2,)
    assert list(labels) == list(y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[1], [2]], "`y` must have shape (n_samples,), got (2, 1). Pass one label per image"),
        ([1, 2, 3], "`y` must hold one label per image, got 3 labels for 2 images. Pass the labels"),
        ([1.0, np.nan], "`y` must hold integers or strings, got NaN or infinite ones. Replace missing"),
        ([0.5, 1.0], "`y` must hold integers or strings, got continuous numbers. Replace missing"),
        (["a", None], "`y` must hold integers or strings, got objects of type NoneType, str. Replace missing"),
        ([1j, 2j], "`y` must hold integers or strings, got dtype complex128. Replace missing"),
    ],
)
def test_bad_labels(y, message):
    assert_refuses(lambda: _checks.check_labels(y, 2), message)


def test_choices():
    assert _checks.check_choice(np.str_("lda"), ("lda", "qda"), name="classifier") == "lda"
    assert _checks.check_choice(None, ("lda", None), name="classifier") is None
    for wrong in ("knn", 3, None, ["lda"], np.zeros(2)):
        assert_refuses(
            lambda wrong=wrong: _checks.check_choice(wrong, ("lda", "qda"), name="classifier"),
            f"`classifier` must be one of 'lda', 'qda', got {wrong!r}. Choose one of these.",
        )


def test_positive_integers():
    assert _checks.check_positive_int(np.int32(3), name="size") == 3
    for wrong in (0, -2):
        assert_refuses(
            lambda wrong=wrong: _checks.check_positive_int(wrong, name="size"), f"integer, got {wrong}. Pass"
        )
    for wrong in (2.0, "2", True, np.True_, None):
        message = f"`size` must be a positive integer, got {wrong!r}. Pass"
        assert_refuses(lambda wrong=wrong: _checks.check_positive_int(wrong, name="size"), message, TypeError)
