"""`equibook predict`: answers, flags, and files that are not what they should be."""

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
from PIL import Image

from equibook import GlassBoxClassifier, Representation, cli, datasets, save
from equibook.predict import BLANK, FOREIGN, load_model, predict_images
from equibook.representation import Pixels

THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)


def write(image, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)).save(path)


@pytest.fixture(scope="module")
def drawn():
    return datasets.load_shapes(40, classes=("L", "star"), random_state=0)


@pytest.fixture(scope="module")
def fitted(drawn, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.skops"
    save(GlassBoxClassifier().fit(drawn[0], np.where(drawn[1] == "L", "L", "Stérn")), path)
    return path


@pytest.fixture
def images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, y = datasets.load_shapes(6, classes=("L", "star"), random_state=1)
    for i, (image, name) in enumerate(zip(X, y, strict=True)):
        write(image[0], tmp_path / "in" / str(name) / f"{i} é.png")
    write(np.random.default_rng(0).uniform(size=(32, 32)), tmp_path / "in" / "noise.png")
    write(np.zeros((32, 32)), tmp_path / "in" / "black.png")
    return tmp_path / "in"


def test_one_line_an_image(fitted, images, capsys):
    assert cli.main(["predict", str(fitted), str(images)]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["file", "class", "probability", "novelty"] and len(lines) == 8
    by_name = {line.split(".png")[0].split("/")[-1].split("…")[-1]: line for line in lines}
    assert by_name["black"].endswith(BLANK) and by_name["noise"].endswith(FOREIGN)
    for path in images.rglob("*é.png"):
        line = by_name[path.stem]
        assert ("Stérn" in line) == (path.parent.name == "star") and not line.endswith((BLANK, FOREIGN))
        assert re.search(r"\d+\.\d%  +\d+\.\d\d$", line)
    assert max(map(len, lines)) <= 80


def test_answers_are_those_of_the_model(fitted, drawn):
    model = load_model(fitted)
    answers = predict_images(model, drawn[0])
    assert np.array_equal(answers["class"], model.predict(drawn[0]))
    assert np.allclose(answers["probability"], model.predict_proba(drawn[0]).max(axis=1))
    assert set(answers["note"]) == {""}
    without = GlassBoxClassifier("ridge").fit(*drawn)
    assert np.isnan(predict_images(without, drawn[0])["probability"]).all()


def test_any_size_and_mode(fitted, images, capsys):
    first = Image.open(sorted((images / "L").iterdir())[0]).resize((150, 150))
    first.convert("RGBA").save("large.png")
    first.save("large.webp")
    assert cli.main(["predict", str(fitted), "large.png", "large.webp"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert all(line.split()[1] == "L" for line in shown[1:]) and len(shown) == 3


def test_broken_images_are_named_and_skipped(fitted, images, capsys):
    Path("text.png").write_text("no picture")
    assert cli.main(["predict", str(fitted), "text.png", str(images / "black.png")]) == 0
    shown = capsys.readouterr()
    assert "text.png is skipped, it cannot be read" in shown.err and len(shown.out.splitlines()) == 2


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["missing.png"], "`images` must be existing files or folders, got 'missing.png'"),
        (["text.png"], "`images` must hold images that can be read, got none of 1 files"),
        (["empty"], "`images` must hold images that can be read, got none of 0 files"),
    ],
)
def test_nothing_to_read(fitted, images, capsys, names, message):
    Path("text.png").write_text("no picture")
    Path("empty").mkdir()
    assert cli.main(["predict", str(fitted), *names]) == 2
    last = capsys.readouterr().err.splitlines()[-1].removeprefix("equibook predict: ")
    assert message in last and THREE_PARTS.match(last)


def another_version(path):
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("equibook.json", '{"format": 99, "equibook": "9.0"}')


def cut(path):
    path.write_bytes(path.read_bytes()[:-200])


def flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 255
    path.write_bytes(bytes(content))


def foreign_type(path):
    skops.io.dump({"a": np.random.default_rng(0)}, path)


def not_fitted(path):
    save(GlassBoxClassifier(), path)


def other_estimator(path):
    save(Representation(), path)


def parts_that_do_not_fit(path):
    X, y = datasets.load_shapes(20, classes=("L", "star"), random_state=0)
    model = GlassBoxClassifier().fit(X, y)
    model.representation_ = Representation(invariant="k0").fit(X)
    save(model, path)


def two_channels(path):
    X, y = datasets.load_shapes(20, classes=("L", "star"), random_state=0)
    save(GlassBoxClassifier().fit(np.repeat(X, 2, axis=1), y), path)


SPOILT = [another_version, cut, flipped, foreign_type, not_fitted, other_estimator, parts_that_do_not_fit, two_channels]


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_model_that_is_not_sound_is_refused(fitted, images, capsys, spoil):
    path = Path("model.skops")
    path.write_bytes(fitted.read_bytes())
    spoil(path)
    before = path.read_bytes()
    assert cli.main(["predict", str(path), str(images)]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1
    assert THREE_PARTS.match(shown.err.removeprefix("equibook predict: ").strip())
    assert path.read_bytes() == before


def test_a_model_of_pixels_is_as_good(drawn, images, capsys):
    save(GlassBoxClassifier(representation=Pixels()).fit(*drawn), "pixels.skops")
    assert cli.main(["predict", "pixels.skops", str(images / "L")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
