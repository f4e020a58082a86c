"""A folder of images: what is read, what is left out, and that nothing in it is touched."""

import os
import re

import numpy as np
import pytest
from PIL import Image

from equibook.folders import keep_usable, natural_size, read_folder, readable, write_folder


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("apple", "bär", "cat"):
        (tmp_path / name).mkdir()
        for i in range(3):
            pixels = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i} ö.png")
    return tmp_path


def left_out(found):
    return {f"{path.parent.name}/{path.name}": reason for path, reason in found.left_out.items()}


def test_images_stand_with_their_files(folder):
    found = read_folder(folder, 16)
    assert found.images.shape == (9, 3, 16, 16) and found.left_out == {}
    assert found.labels.tolist() == ["apple"] * 3 + ["bär"] * 3 + ["cat"] * 3
    assert [path.parent.name for path in found.files] == found.labels.tolist()
    assert keep_usable(found).labels.tolist() == found.labels.tolist()


def test_odd_files_have_defined_results(folder):
    (folder / "cat" / "text.png").write_text("no picture")
    whole = folder / "cat" / "whole.jpg"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(whole)
    (folder / "cat" / "cut.jpg").write_bytes(whole.read_bytes()[:900])
    Image.new("L", (1, 1), 200).save(folder / "cat" / "one.png")
    Image.new("1", (10000, 10000)).save(folder / "cat" / "vast.png")
    frames = [Image.new("L", (20, 20), value) for value in (250, 0)]
    frames[0].save(folder / "cat" / "moving.gif", save_all=True, append_images=frames[1:])
    found = read_folder(folder, 16)
    told = left_out(found)
    assert set(told) == {"cat/text.png", "cat/cut.jpg", "cat/vast.png"}
    assert "cannot identify image file" in told["cat/text.png"] and "exceeds limit" in told["cat/vast.png"]
    by_name = {path.name: image for path, image in zip(found.files, found.images, strict=True)}
    assert np.allclose(by_name["one.png"], 200 / 255) and np.allclose(by_name["moving.gif"], 250 / 255)


def test_copies_are_counted_once(folder):
    first = Image.open(folder / "cat" / "0 ö.png")
    first.save(folder / "cat" / "x.bmp")  # another file with the same pixels
    found = keep_usable(read_folder(folder, 16))
    assert left_out(found) == {"cat/x.bmp": "it is a copy of 0 ö.png"} and len(found.files) == len(found.images) == 9


def test_a_picture_in_two_classes_is_in_none(folder):
    Image.open(folder / "cat" / "0 ö.png").save(folder / "apple" / "x.png")
    found = keep_usable(read_folder(folder, 16))
    assert set(left_out(found)) == {"cat/0 ö.png", "apple/x.png"}
    assert set(found.left_out.values()) == {"the same picture lies in apple and cat"}
    assert found.labels.tolist().count("cat") == 2


def test_a_class_of_one_image_is_left_out(folder):
    for name in ("1 ö.png", "2 ö.png"):
        (folder / "cat" / name).unlink()
    found = keep_usable(read_folder(folder, 16))
    assert left_out(found) == {"cat/0 ö.png": "it is the only image of its class"}
    assert set(found.labels) == {"apple", "bär"}


def test_too_little_is_told(folder):
    for path in [*(folder / "cat").iterdir(), *(folder / "bär").iterdir()]:
        if not path.name.startswith("0"):
            path.unlink()
    need = "`folder` must hold at least two classes of at least two different images, got 3 of 'apple', 1 of 'bär'"
    with pytest.raises(ValueError, match=re.escape(need)):
        keep_usable(read_folder(folder, 16))


def test_nothing_is_touched(folder):
    def look():
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*.png")}

    before = look()
    keep_usable(read_folder(folder, 16))
    natural_size(folder)
    assert look() == before and len(list(folder.rglob("*"))) == 12


@pytest.mark.parametrize(("side", "size"), [(10, 32), (33, 32), (47, 48), (300, 64)])
def test_natural_size(tmp_path, side, size):
    for name in "ab":
        (tmp_path / name).mkdir()
        Image.new("L", (side, 2 * side)).save(tmp_path / name / "0.png")
    (tmp_path / "a" / "text.png").write_text("no picture")
    assert natural_size(tmp_path) == size


def test_names_that_are_no_utf8_can_be_printed():
    assert readable(os.fsdecode(b"caf\xe9.png")) == "caf\ufffd.png"
    assert readable("bär ☃.png") == "bär ☃.png"


@pytest.mark.parametrize("n_channels", [1, 3])
def test_what_is_written_is_read(tmp_path, n_channels):
    X = np.random.default_rng(0).integers(0, 256, (5, n_channels, 20, 20)).astype(np.float32) / 255
    y = np.array(["b", "a", "b", "a", "b"])
    write_folder(tmp_path / "new", X, y)
    found = read_folder(tmp_path / "new", 20)
    assert found.labels.tolist() == ["a", "a", "b", "b", "b"]
    assert np.array_equal(found.images, X[[1, 3, 0, 2, 4]])
