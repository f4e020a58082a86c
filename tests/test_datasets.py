"""Every loader keeps its promises: shapes, ranges, labels, no pixel in two parts, and plain words where it fails."""

import struct
import urllib.error
import warnings

import numpy as np
import pytest
import sklearn.datasets
import torch
import torchvision.datasets
from PIL import Image

from equibook import datasets
from equibook.actions import reflect, rotate
from equibook.datasets import (
    SHAPES,
    draw_shape,
    load_digits,
    load_folder,
    load_photographs,
    load_shapes,
    load_torchvision,
)


def assert_images(X, shape):
    assert X.shape == shape
    assert X.dtype == np.float32
    assert X.min() >= 0
    assert X.max() <= 1


# --- digits ---


def test_digits_keep_their_labels_and_order():
    X, y = load_digits()
    assert_images(X, (1797, 1, 32, 32))
    assert np.array_equal(y, sklearn.datasets.load_digits().target)
    X38, y38 = load_digits(classes=(3, 8))
    assert np.array_equal(X38, X[np.isin(y, (3, 8))])
    assert np.array_equal(y38, y[np.isin(y, (3, 8))])


def test_digits_are_the_originals_enlarged():
    X, _ = load_digits()
    original = sklearn.datasets.load_digits().images / 16
    assert np.allclose(X[:, 0, 5:28:3, 5:28:3], original, atol=1e-6)  # every third of 24 pixels lies on one of 8
    assert not np.allclose(X[:, 0, 4:27:3, 4:27:3], original, atol=0.1)


@pytest.mark.parametrize(("size", "digit"), [(32, 24), (28, 22), (63, 47), (16, 12), (5, 3), (1, 1)])
def test_digits_are_centred_in_a_black_frame(size, digit):
    X, _ = load_digits(classes=(0, 1, 2), size=size)
    assert_images(X, (len(X), 1, size, size))
    border = (size - digit) // 2
    inside = np.zeros((size, size), bool)
    inside[border : size - border, border : size - border] = True
    assert not X[..., ~inside].any()
    assert X[..., border, :].any()


@pytest.mark.parametrize("classes", [(3, 11), (), "three", (None,)])
def test_unknown_digits(classes):
    with pytest.raises(
        ValueError, match=r"`classes` must be some of 0, 1, .*, got .*\. Leave it out for all of them\."
    ):
        load_digits(classes=classes)


# --- photographs ---


def test_photographs():
    X, y = load_photographs(size=32)
    assert_images(X, (520, 3, 32, 32))
    temple, flower = sklearn.datasets.load_sample_images().images
    assert np.array_equal(X[y == "temple"][0], temple[:32, :32].transpose(2, 0, 1).astype(np.float32) / 255)
    assert np.array_equal(X[y == "flower"][21], flower[32:64, 32:64].transpose(2, 0, 1).astype(np.float32) / 255)


@pytest.mark.parametrize("size", [8, 32, 50, 63, 160, 213, 320])
def test_no_pixel_is_in_both_parts(size):
    index = np.arange(427 * 640).reshape(427, 640, 1)
    everything, train, test = (datasets._cut(index, size, part).ravel() for part in ("all", "train", "test"))
    assert len(train) > 0
    assert len(test) > 0
    assert len(set(everything)) == len(everything)
    assert set(train) | set(test) == set(everything)
    assert not set(train) & set(test)


def test_an_overlap_would_be_seen():
    index = np.arange(427 * 640).reshape(427, 640, 1)
    assert set(datasets._cut(index, 32, "all").ravel()) & set(datasets._cut(index, 32, "test").ravel())


def test_the_parts_are_stripes_near_a_quarter_wide():
    columns = np.broadcast_to(np.arange(640)[None, :, None], (427, 640, 1))
    assert set(datasets._cut(columns, 32, "train").ravel() // 160) == {0, 2}
    assert set(datasets._cut(columns, 32, "test").ravel() // 160) == {1, 3}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: load_photographs(428),
            ValueError,
            r'`size` must be at most 427 for part="all", got 428\. Take smaller',
        ),
        (lambda: load_photographs(321, "test"), ValueError, r"`size` must be at most 320 .*, got 321\. Take smaller"),
        (
            lambda: load_photographs(part="validation"),
            ValueError,
            r"`part` must be one of 'all', .*, got 'validation'\.",
        ),
        (lambda: load_photographs(32.0), TypeError, r"`size` must be a positive integer, got 32\.0\. Pass"),
        (lambda: load_digits(size=0), ValueError, r"`size` must be a positive integer, got 0\. Pass"),
        (lambda: load_shapes(0), ValueError, r"`n_samples` must be a positive integer, got 0\. Pass"),
        (lambda: load_shapes(classes=("disc", "blob")), ValueError, r"`classes` must be some of 'disc', .*\. Leave it"),
        (lambda: draw_shape("blob"), ValueError, r"`name` must be one of 'disc', .*, got 'blob'\. Choose"),
        (lambda: load_torchvision("SVHN"), ValueError, r"`name` must be one of 'MNIST', .*, got 'SVHN'\. Choose"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --- shapes ---


def turn_error(image, angle):
    return np.linalg.norm(rotate(image, angle) - image) / np.linalg.norm(image)


@pytest.mark.parametrize("name", SHAPES)
def test_turns_that_leave_a_shape_as_it_is_and_turns_that_do_not(name):
    image, order = draw_shape(name, 64)[None], SHAPES[name].order
    unchanged = [360 / order * i for i in range(order)] if order else np.arange(0, 360, 17)
    assert max(turn_error(image, angle) for angle in unchanged) < 0.1  # measured: 0.06, the edges of the triangle
    for larger in (2, 3, 5):  # no higher order: a part of the turn changes the shape
        assert order == 0 or turn_error(image, 360 / order / larger) > 0.3


@pytest.mark.parametrize("name", SHAPES)
def test_mirror_images(name):
    image = draw_shape(name, 64)[None]
    mirrored = reflect(image)
    nearest = min(np.linalg.norm(rotate(mirrored, angle) - image) for angle in range(0, 360, 15))
    assert (nearest / np.linalg.norm(image) < 0.1) == SHAPES[name].mirror


@pytest.mark.parametrize(("one", "other"), [("S", "Z"), ("L", "J")])
def test_chiral_pairs_are_mirror_images(one, other):
    assert np.allclose(reflect(draw_shape(one)[None])[0], draw_shape(other), atol=1e-6)
    assert not np.allclose(draw_shape(one), draw_shape(other), atol=0.5)


@pytest.mark.parametrize("size", [1, 9, 32, 101])
def test_shapes_have_any_size_and_smooth_edges(size):
    image = draw_shape("disc", size)
    assert_images(image, (size, size))
    assert image.mean() == pytest.approx(np.pi * (0.7 * 0.8) ** 2 / 4, abs=0.02)
    assert size == 1 or ((image > 0) & (image < 1)).any()


def test_parameters_of_a_shape():
    assert np.array_equal(draw_shape("S", 32, position=(0.125, 0.0625)), np.roll(draw_shape("S", 32), (-1, 2), (0, 1)))
    assert draw_shape("ring", stroke=0.2).sum() > 1.5 * draw_shape("ring", stroke=0.1).sum()
    assert draw_shape("star", radius=0.8).sum() == pytest.approx(4 * draw_shape("star", radius=0.4).sum(), rel=0.02)


def test_shapes_are_reproducible_balanced_and_inside_the_frame():
    X, y = load_shapes(44, size=24, random_state=3)
    again, labels = load_shapes(44, size=24, random_state=3)
    assert_images(X, (44, 1, 24, 24))
    assert np.array_equal(X, again)
    assert np.array_equal(y, labels)
    assert sorted(y) == sorted(4 * list(SHAPES))
    assert not np.array_equal(X, load_shapes(44, size=24, random_state=4)[0])
    assert not X[..., 0].any()
    assert not X[:, :, 0].any()


def test_the_global_random_state_is_neither_used_nor_changed():
    before = np.random.get_state()[2]  # noqa: NPY002
    X, _ = load_shapes(5)
    assert np.random.get_state()[2] == before  # noqa: NPY002
    assert not np.array_equal(X, load_shapes(5)[0])


def test_shapes_of_one_class_vary():
    X, y = load_shapes(3, classes=("bar",), random_state=0)
    assert set(y) == {"bar"}
    assert not np.array_equal(X[0], X[1])


# --- torchvision's sets ---

PIXELS = np.random.default_rng(0).integers(0, 256, size=(4, 28, 28), dtype=np.uint8)


@pytest.fixture
def mnist_root(tmp_path):
    """Write four images in MNIST's own file format, for both parts."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, pixels in (("train", PIXELS), ("t10k", PIXELS[:2])):
        header = struct.pack(">IIII", 0x803, len(pixels), 28, 28)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
        labels = np.arange(len(pixels), dtype=np.uint8)
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, len(pixels)) + labels.tobytes())
    return tmp_path


def test_mnist_files_are_read(mnist_root):
    X, y = load_torchvision("MNIST", size=28, root=mnist_root)
    assert_images(X, (4, 1, 28, 28))
    assert np.allclose(X[:, 0], PIXELS / 255)
    assert y.tolist() == [0, 1, 2, 3]


def test_the_test_part_is_read_and_resized(mnist_root):
    X, y = load_torchvision("MNIST", train=False, root=str(mnist_root))
    assert_images(X, (2, 1, 32, 32))
    assert y.tolist() == [0, 1]
    assert load_torchvision("MNIST", size=14, root=mnist_root)[0].shape == (4, 1, 14, 14)


def test_colour_images_get_their_channels_first(monkeypatch, tmp_path):
    data = np.random.default_rng(0).integers(0, 256, size=(2, 32, 32, 3), dtype=np.uint8)

    class Fake:
        def __init__(self, root, train, download):
            self.data, self.targets = data, [3, 5]

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", Fake)
    X, y = load_torchvision("CIFAR10", root=tmp_path)
    assert np.allclose(X, data.transpose(0, 3, 1, 2) / 255)
    assert y.tolist() == [3, 5]


@pytest.mark.parametrize(("name", "embedded"), [("MNIST", "load_digits"), ("CIFAR10", "load_photographs")])
def test_off_line_one_sentence_names_what_needs_no_download(name, embedded, monkeypatch, tmp_path, capsys):
    def cut(*args, **kwargs):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr("urllib.request.urlopen", cut)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    with pytest.raises(
        OSError, match=rf"^{name} is not in .* \(.*no network.*use `equibook\.datasets\.{embedded}\(\)`"
    ) as caught:
        load_torchvision(name)
    assert str(tmp_path / "datasets") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert capsys.readouterr().out == ""


# --- a person's own folder ---


def ramp(width, height, channels=3):
    """Values grow to the right in the first channel and downwards in the second."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0], image[..., 1] = np.linspace(0, 255, width)[None, :], np.linspace(0, 255, height)[:, None]
    return image if channels == 3 else image[..., 0]


@pytest.fixture
def folder(tmp_path):
    for name in ("cat", "apple"):
        (tmp_path / name).mkdir()
    Image.fromarray(ramp(30, 20)).save(tmp_path / "cat" / "b.png")
    Image.fromarray(ramp(20, 20)).save(tmp_path / "cat" / "a.png")
    Image.fromarray(ramp(20, 20)).save(tmp_path / "apple" / "z.png")
    return tmp_path


def test_folders_are_classes_in_sorted_order(folder):
    X, y = load_folder(folder, size=20)
    assert_images(X, (3, 3, 20, 20))
    assert y.tolist() == ["apple", "cat", "cat"]
    assert np.array_equal(X[0], ramp(20, 20).transpose(2, 0, 1).astype(np.float32) / 255)
    assert np.array_equal(X[1], X[0])
    assert np.array_equal(X[2], ramp(30, 20)[:, 5:25].transpose(2, 0, 1).astype(np.float32) / 255)  # centre crop
    assert load_folder(str(folder))[0].shape == (3, 3, 64, 64)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff", "bmp", "gif", "JPEG"])
def test_formats(folder, suffix):
    path = folder / "cat" / f"c.{suffix}"
    smooth = np.full((40, 40, 3), (200, 100, 50), np.uint8)
    Image.fromarray(smooth).save(path)
    X, _ = load_folder(folder, size=8)
    assert X.shape == (4, 3, 8, 8)
    assert np.allclose(X[3], np.array([200, 100, 50])[:, None, None] / 255, atol=0.03)


def write_one(folder, image, name="c.png", **options):
    image.save(folder / "apple" / name, **options)
    X, _ = load_folder(folder, size=20)
    return X[0] if name < "z" else X[1]


def test_exif_orientation_is_applied(folder):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side: the picture is to be turned clockwise
    upright = write_one(folder, Image.fromarray(ramp(20, 20)), exif=exif)
    assert np.allclose(upright, np.rot90(ramp(20, 20), -1).transpose(2, 0, 1) / 255)
    assert not np.allclose(upright, ramp(20, 20).transpose(2, 0, 1) / 255, atol=0.1)


def test_what_is_transparent_becomes_black(folder):
    image = np.full((20, 20, 4), 255, np.uint8)
    image[:, :10, 3] = 0
    result = write_one(folder, Image.fromarray(image))
    assert not result[..., :10].any()
    assert (result[..., 10:] == 1).all()
    grey = write_one(folder, Image.fromarray(image[..., 2:]))
    assert np.array_equal(grey, result)


def test_palettes_and_their_transparency(folder):
    image = Image.new("P", (20, 20), 1)
    image.putpalette([0, 0, 255, 255, 0, 0])
    image.paste(0, (0, 0, 10, 20))
    opaque = write_one(folder, image)
    assert opaque[:, 5, 5].tolist() == [0, 0, 1]
    assert opaque[:, 5, 15].tolist() == [1, 0, 0]
    seen_through = write_one(folder, image, transparency=0)
    assert seen_through[:, 5, 5].tolist() == [0, 0, 0]


def test_moving_pictures_give_their_first_frame(folder):
    frames = [Image.new("L", (20, 20), value) for value in (255, 0)]
    assert (write_one(folder, frames[0], "c.gif", save_all=True, append_images=frames[1:]) == 1).all()


def test_deep_greys_keep_their_depth(folder):
    values = np.tile(np.linspace(20000, 20019, 20, dtype=np.uint16), (20, 1))
    result = write_one(folder, Image.fromarray(values))
    assert np.allclose(result[0], values / 65535, atol=1e-6)
    assert len(np.unique(result[0])) == 20


def test_deep_greys_out_of_range_are_skipped_by_name(folder):
    Image.fromarray(np.full((20, 20), 7.0, np.float32)).save(folder / "apple" / "hot.tiff")
    with pytest.warns(UserWarning, match=r"hot\.tiff is skipped, it cannot be read: its values lie outside the range"):
        X, _ = load_folder(folder)
    assert len(X) == 3


def test_channels_follow_the_majority(folder):
    grey = Image.fromarray(ramp(20, 20, channels=1))
    in_colour = write_one(folder, grey, "c.png")
    assert len(in_colour) == 3
    assert np.array_equal(in_colour[0], in_colour[2])
    for name in "de":
        grey.save(folder / "apple" / f"{name}.png")
        assert load_folder(folder)[0].shape[1] == 3  # at last three of each: no colour is lost
    grey.save(folder / "apple" / "f.png")
    X, _ = load_folder(folder, size=20)
    assert X.shape[1] == 1
    red, green, _ = ramp(20, 20).transpose(2, 0, 1) / 255
    assert np.allclose(X[-2, 0], 0.299 * red + 0.587 * green, atol=1e-6)


def test_side_files_and_deeper_folders_are_passed_over(folder):
    for name in (".DS_Store", "Thumbs.db", "notes.txt", "._a.png"):
        (folder / "cat" / name).write_bytes(b"nothing")
    (folder / ".git").mkdir()
    (folder / "cat" / "deeper.png").mkdir()
    (folder / "readme.txt").write_bytes(b"nothing")
    assert load_folder(folder)[0].shape[0] == 3


def test_damaged_files_are_named_and_skipped_and_nothing_is_written(folder):
    (folder / "cat" / "broken.jpg").write_bytes(b"no picture")
    whole = (folder / "cat" / "b.png").read_bytes()
    (folder / "cat" / "cut.png").write_bytes(whole[: len(whole) // 2])
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        X, _ = load_folder(folder)
    assert len(X) == 3
    assert [path for w in caught for path in ("broken.jpg", "cut.png") if path in str(w.message)] == [
        "broken.jpg",
        "cut.png",
    ]
    assert all(w.filename == __file__ for w in caught)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.parametrize("limit", [1500, 900])  # beyond the limit Pillow warns, beyond twice the limit it refuses
def test_decompression_bombs_are_named_and_skipped(folder, monkeypatch, limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    Image.new("L", (40, 50)).save(folder / "cat" / "large.png")
    with pytest.warns(
        UserWarning, match=r"large\.png is skipped, it cannot be read: Image size \(2000 pixels\) exceeds limit"
    ):
        X, _ = load_folder(folder)
    assert len(X) == 3


def test_bad_folders(tmp_path):
    def refuses(message):
        with pytest.raises(ValueError, match=message):
            load_folder(tmp_path / "images")

    refuses(r"`folder` must be an existing folder, got '.*images'\. Check the path\.")
    (tmp_path / "images").mkdir()
    refuses(r"`folder` must hold one sub-folder per class, got none in '.*images'\. Put the images of each class")
    (tmp_path / "images" / "cat").mkdir()
    refuses(r"`folder` must hold images that can be read, got none in '.*images'\. Put images such as PNG")
    Image.new("L", (4, 4)).save(tmp_path / "images" / "cat" / "a.png")
    refuses(r"`folder` must hold images of at least two classes, got only 'cat'\. Add a second")
