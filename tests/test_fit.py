"""`equibook fit`: what it prints and writes; that nothing is lost and nothing is half written."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from equibook import cli, datasets, fit, load

THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)


def export(folder, classes=("L", "stär"), n_samples=16):
    X, y = datasets.load_shapes(n_samples, classes=("L", "star"), random_state=0)
    for i, (image, name) in enumerate(zip(X, y, strict=True)):
        path = folder / classes[int(name == "star")] / f"{i:02} é.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.round(255 * image[0]).astype(np.uint8)).save(path)
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return export(tmp_path / "images")


def never(*args, **kwargs):
    raise AssertionError("the long computation has begun")


def test_it_prints_the_table_and_writes_report_and_model(folder, capsys):
    (folder / "L" / "broken.png").write_text("no picture")
    before = {path: path.read_bytes() for path in folder.rglob("*.png")}
    assert cli.main(["fit", str(folder), "--translation", "fixed"]) == 0
    shown = capsys.readouterr().out
    assert "16 images, grey, 32 x 32 pixels: L (8), stär (8)." in shown and "glass box" in shown
    assert "Left out (1 of the files; nothing was changed):\n- L/broken.png: it cannot be read" in shown
    assert re.search(r"Took \d+\.\d s\.", shown) and str(Path("equibook-report.html").resolve()) in shown
    assert max(map(len, shown.split("\nTook")[0].splitlines())) <= 120
    assert sorted(path.name for path in Path().iterdir()) == ["equibook-model.skops", "equibook-report.html"]
    assert "<!doctype html>" in Path("equibook-report.html").read_text(encoding="utf-8")
    assert load("equibook-model.skops").classes_.tolist() == ["L", "stär"]
    assert {path: path.read_bytes() for path in folder.rglob("*.png")} == before


def test_other_names_and_choices(folder, capsys):
    options = [
        "--report",
        "a.html",
        "--model",
        "b.skops",
        "--size",
        "24",
        "--classifier",
        "lda",
        "--invariant",
        "power",
    ]
    assert cli.main(["fit", str(folder), "--translation", "pool", *options]) == 0
    model = load("b.skops")
    assert (model.classifier, model.representation_.size_) == ("lda", 24)
    assert (model.representation_.translation, model.representation_.invariant) == ("pool", "power")
    assert sorted(path.name for path in Path().iterdir()) == ["a.html", "b.skops"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--report", "report.pdf"], "`report` must end in .html, got 'report.pdf'"),
        (["--model", "model.pkl"], "`model` must end in .skops, got 'model.pkl'"),
        (["--report", "missing/report.html"], "No such file or directory"),
        (["--size", "4"], "`size` must be at least 8 pixels, got 4"),
        (["--size", "-1"], "`size` must be a positive integer, got -1"),
    ],
)
def test_what_cannot_be_is_told_at_once(folder, monkeypatch, capsys, options, message):
    monkeypatch.setattr(fit, "study_images", never)
    assert cli.main(["fit", str(folder), *options]) == 2
    shown = capsys.readouterr().err
    assert message in shown and THREE_PARTS.match(shown.removeprefix("equibook fit: ").strip())
    assert list(Path().iterdir()) == []


def test_a_folder_without_permission(folder, monkeypatch, capsys):
    def refuse(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(fit, "study_images", never)
    monkeypatch.setattr(Path, "touch", refuse)
    assert cli.main(["fit", str(folder)]) == 2
    assert "(Permission denied). Choose another place with --report." in capsys.readouterr().err


def empty(folder):
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


def keep_one_class(folder):
    for path in (folder / "L").iterdir():
        path.unlink()


def keep_one_image(folder):
    for path in sorted((folder / "L").iterdir())[1:]:
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (empty, "`folder` must hold one sub-folder per class, got none"),
        (keep_one_class, "`folder` must hold images of at least two classes, got only 'stär'"),
        (
            keep_one_image,
            "`folder` must hold at least two classes of at least two different images, got 1 of 'L', 8 of",
        ),
    ],
)
def test_too_little_is_told_and_old_files_stay(folder, monkeypatch, capsys, spoil, message):
    monkeypatch.setattr(fit, "study_images", never)
    spoil(folder)
    Path("equibook-report.html").write_text("old report")
    Path("equibook-model.skops").write_text("old model")
    assert cli.main(["fit", str(folder)]) == 2
    shown = capsys.readouterr().err
    assert message in shown and THREE_PARTS.match(shown.removeprefix("equibook fit: ").strip())
    assert {path.name: path.read_text() for path in Path().iterdir()} == {
        "equibook-report.html": "old report",
        "equibook-model.skops": "old model",
    }


@pytest.mark.parametrize("interruption", [ValueError("broken"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["study_images", "to_html", "save"])
def test_what_stops_half_way_leaves_old_files(folder, monkeypatch, interruption, where):
    def stop(*args, **kwargs):
        raise interruption

    Path("equibook-report.html").write_text("old report")
    monkeypatch.setattr(fit, where, stop)
    if where != "study_images":
        monkeypatch.setattr(fit, "study_images", lambda *args, **kwargs: type("Study", (), {"model": None}))
    if where == "save":
        monkeypatch.setattr(fit, "to_html", lambda *args, **kwargs: "page")
    assert cli.main(["fit", str(folder)]) in (2, 130)
    assert [path.read_text() for path in Path().iterdir()] == ["old report"]


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_a_real_ctrl_c(folder):
    listening = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # even where jobs ignore it
    code = f"{listening}; import sys; from equibook.cli import main; sys.exit(main(['fit', {str(folder)!r}]))"
    call = [sys.executable, "-c", code]
    running = subprocess.Popen(call, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    for _ in range(600):  # until it has begun
        if any(Path().iterdir()) or running.poll() is not None:
            break
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 130 and b"Traceback" not in err
    assert list(Path().iterdir()) == []
