"""What to do when something does not work: what the page quotes is said, and what it advises can be done."""

import argparse
import re
import shlex

import numpy as np
import pytest
import skops.io
from PIL import Image
from test_repository import ROOT

from equibook import alexnet, cli, doctor, folders, lab, persistence, pretrained
from equibook.doctor import find_page

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| what you see")]
QUOTED = [found for row in ROWS for found in re.findall(r'"([^"]+)"', row.split(" | ")[0])]
CODE = re.findall(r"`([^`]+)`", PAGE.replace("`folder` ", "").replace("`path` ", ""))
JUPYTERS = "Running as root is not recommended"
N_CHAPTERS = len(list(ROOT.glob("notebooks/*.ipynb")))


def fits(quoted, said):
    """Say whether a message of the page, with … for what differs, is in what was said."""
    return re.search(re.escape(quoted).replace("…", ".+"), " ".join(said.split())) is not None


def no_python(folder):
    return (ROOT / "Makefile").read_text(encoding="utf-8")


def cut_off(folder):
    path = pretrained.cached_file(alexnet.IMAGENET)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"the beginning of a download")
    alexnet.load("imagenet")


def no_weights(folder):
    alexnet.load("imagenet", progress=False)


def no_model(folder):
    (folder / "model.skops").write_text("another file")
    persistence.load(folder / "model.skops")


def foreign_type(folder):
    (folder / "model.skops").write_bytes(persistence._with_format(skops.io.dumps(argparse.Namespace(harm=1))))
    persistence.load(folder / "model.skops")


def images_side_by_side(folder):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "1.png")
    folders.read_folder(folder, 8)


def one_class(folder):
    (folder / "a").mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "a" / "1.png")
    folders.read_folder(folder, 8)


def file_in_the_way(folder):
    (folder / "mine").write_text("")
    return cli.main(["lab", str(folder / "mine")])


def copied(folder):
    return lab.describe(lab.copy_notebooks(lab.find_notebooks(), folder))


PROVOKED = {
    "No working Python": no_python,
    "cannot write the notebooks": file_in_the_way,
    f"{N_CHAPTERS} copied": copied,
    "The weights must be cached": no_weights,
    "The cached file": cut_off,
    "`path` must be a file written": no_model,
    "`path` must hold known types only": foreign_type,
    "`folder` must hold one sub-folder": images_side_by_side,
    "`folder` must hold images of at least": one_class,
}


@pytest.mark.parametrize("quoted", [quoted for quoted in QUOTED if quoted != JUPYTERS])
def test_what_the_page_quotes_is_said(quoted, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    (provoke,) = (provoke for begins, provoke in PROVOKED.items() if quoted.startswith(begins))
    try:
        said = provoke(tmp_path)
    except (OSError, ValueError) as error:
        said = error
    printed = capsys.readouterr()
    assert fits(quoted, f"{said} {printed.out} {printed.err}")
    assert not fits(f"{quoted} and more", f"{said} {printed.out} {printed.err}")


def test_every_message_that_can_be_provoked_is_on_the_page():
    assert sorted(begins for begins in PROVOKED if not any(quoted.startswith(begins) for quoted in QUOTED)) == []


@pytest.mark.parametrize("command", [found for found in CODE if found.startswith("equibook ")])
def test_what_it_advises_is_a_command(command):
    parser = argparse.ArgumentParser(exit_on_error=False)
    words = shlex.split(command)[1:]
    module = cli.import_module(f"equibook.{words[0]}")
    module.add_arguments(parser)
    parser.parse_args(words[1:])


def test_what_make_is_told_is_in_the_makefile():
    targets = {found.split()[1] for found in CODE if found.startswith("make ")}
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets and [target for target in targets if not re.search(rf"^{target}:", text, re.MULTILINE)] == []


def test_the_doctor_says_the_same():
    assert doctor.REINSTALL_PAIR in CODE
    assert f"{doctor.NEEDED_MEMORY / 1e9:.1f} GB" in PAGE


def test_every_row_has_three_cells():
    assert len(ROWS) >= 20 and {len(row.strip("| ").split(" | ")) for row in ROWS} == {3}


def test_the_doctor_names_the_page(capsys):
    cli.main(["doctor"])
    assert capsys.readouterr().out.splitlines()[-2].endswith(str(find_page()))
    assert find_page().read_text(encoding="utf-8") == PAGE


def test_an_installation_without_the_page_is_no_error(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "__file__", str(tmp_path / "equibook" / "doctor.py"))
    assert find_page() is None
