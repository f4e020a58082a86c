"""Whatever is missing appears in the table together with its mend."""

import builtins
import hashlib
import sys
import tempfile
import webbrowser
from importlib import metadata
from types import SimpleNamespace

import pytest

from equibook import alexnet, cli, doctor  # alexnet has found the real torch before a stand-in takes its place
from equibook.doctor import Finding


@pytest.fixture
def torch_stand_in(monkeypatch, tmp_path):
    """Stand in for torch and torchvision: no CUDA, an empty cache in `tmp_path`."""
    torch = SimpleNamespace(
        __version__="2.6.0",
        get_num_threads=lambda: 2,
        cuda=SimpleNamespace(is_available=lambda: False, get_device_name=lambda: "a device"),
        hub=SimpleNamespace(get_dir=lambda: str(tmp_path)),
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace(__version__="0.21.0"))
    return torch


def hide(monkeypatch, module, error=ImportError):
    """Let the import of one module fail."""
    real = builtins.__import__

    def importing(name, *args, **kwargs):
        if name.partition(".")[0] == module:
            raise error(f"{module} is broken\nand more")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", importing)


def only(findings, status):
    found = [finding for finding in findings if finding.status == status]
    assert len(found) == 1, f"one finding {status!r} expected, got {found}"
    return found[0]


def test_python_and_equibook():
    version = ".".join(str(number) for number in sys.version_info[:3])
    assert [finding.what for finding in doctor.python()] == [f"Python {version}", f"equibook {doctor.__version__}"]
    assert {finding.status for finding in doctor.python()} == {"ok"}


def test_an_old_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    assert only(doctor.python(), "missing") == ("missing", "Python 3.10.4", "install Python 3.11 or newer")


@pytest.mark.parametrize(
    ("installed", "status", "what"),
    [
        ("2.6.0+cpu", "ok", "torch 2.6.0+cpu (needs >=2.6)"),
        ("2.7.0rc1", "ok", "torch 2.7.0rc1 (needs >=2.6)"),
        ("2.5.1", "missing", "torch 2.5.1 (needs >=2.6)"),
        (None, "missing", "torch (needs >=2.6)"),
    ],
)
def test_a_dependency_is_held_against_its_lower_bound(monkeypatch, installed, status, what):
    def version(name):
        if installed is None:
            raise metadata.PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(metadata, "requires", lambda name: ["torch>=2.6", 'pytest>=8 ; extra == "test"'])
    monkeypatch.setattr(metadata, "version", version)
    mend = "" if status == "ok" else 'python -m pip install --upgrade "torch>=2.6"'
    assert list(doctor.dependencies()) == [Finding(status, what, mend)]


def test_equibook_not_installed(monkeypatch):
    monkeypatch.setattr(metadata, "requires", lambda name: metadata.version("no-such-distribution"))
    assert only(doctor.dependencies(), "missing").mend == "python -m pip install -e ."


def test_without_packaging(monkeypatch):
    hide(monkeypatch, "packaging")
    assert only(doctor.dependencies(), "missing").mend == "python -m pip install packaging"


@pytest.mark.parametrize("error", [ImportError, RuntimeError, OSError])
def test_torch_and_torchvision_that_do_not_match(monkeypatch, error):
    hide(monkeypatch, "torchvision", error)
    finding = only(doctor.torch_pair(), "missing")
    assert finding.what == "torch and torchvision that work together (torchvision is broken)"
    assert finding.mend == "python -m pip install --upgrade --force-reinstall torch torchvision"


def test_the_real_pair_works():
    assert "missing" not in {finding.status for finding in doctor.torch_pair()}


def test_without_cuda_and_without_cached_weights(torch_stand_in):
    ok, threads, cuda, weights = doctor.torch_pair()
    assert ok == ("ok", "torch 2.6.0 and torchvision 0.21.0 work together", "")
    assert threads == ("ok", "2 threads for torch", "")
    assert cuda == ("note", "no CUDA device", "none is needed: everything runs on the processor")
    assert weights.status == "note" and "equibook.alexnet.load('imagenet')" in weights.mend


def test_with_cuda_and_with_cached_weights(torch_stand_in, tmp_path, monkeypatch):
    torch_stand_in.cuda.is_available = lambda: True
    (tmp_path / "checkpoints").mkdir()
    digits = hashlib.sha256(b"weights").hexdigest()[:8]
    path = tmp_path / "checkpoints" / f"alexnet-made-{digits}.pth"
    path.write_bytes(b"weights")
    monkeypatch.setattr(alexnet, "IMAGENET", SimpleNamespace(url=f"https://somewhere/{path.name}"))
    *_, cuda, weights = doctor.torch_pair()
    assert cuda == ("ok", "CUDA: a device", "")
    assert weights == ("ok", f"ImageNet weights of AlexNet in {tmp_path / 'checkpoints'}", "")
    path.write_bytes(b"weight")
    *_, weights = doctor.torch_pair()
    assert (
        weights.status == "note" and "altered" in weights.what and weights.mend.startswith(f"remove {path}; to fetch")
    )


@pytest.mark.parametrize(("free", "limit", "status"), [(8e9, "", "ok"), (1e9, "", "note"), (8e9, "1000000000", "note")])
def test_memory(monkeypatch, free, limit, status):
    stand_in = SimpleNamespace(virtual_memory=lambda: SimpleNamespace(available=free))
    monkeypatch.setitem(sys.modules, "psutil", stand_in)
    monkeypatch.setenv("MEM_LIMIT", limit)
    finding = only(doctor.memory(), status)
    assert finding.what == ("8.0" if status == "ok" else "1.0") + " GB of memory available"
    assert finding.mend == ("" if status == "ok" else "close other programs: a notebook may take 1.5 GB")


def test_without_psutil(monkeypatch):
    hide(monkeypatch, "psutil")
    assert only(doctor.memory(), "missing").mend == "python -m pip install psutil"


def test_the_widget_extensions(monkeypatch, tmp_path):
    paths = pytest.importorskip("jupyter_core.paths")
    monkeypatch.setattr(paths, "jupyter_path", lambda *parts: [str(tmp_path)])
    mends = [finding.mend for finding in doctor.widgets() if finding.status == "missing"]
    assert mends == [f"python -m pip install --force-reinstall {name}" for name in ("jupyterlab_widgets", "anywidget")]
    (tmp_path / "@jupyter-widgets" / "jupyterlab-manager").mkdir(parents=True)
    assert [finding.status for finding in doctor.widgets()] == ["ok", "missing"]
    (tmp_path / "anywidget").mkdir()
    assert [(finding.status, finding.mend) for finding in doctor.widgets()] == [("ok", ""), ("ok", "")]


def test_the_widget_extensions_without_jupyter(monkeypatch):
    hide(monkeypatch, "jupyter_core")
    assert [finding.status for finding in doctor.widgets()] == ["missing", "missing"]


def no_browser():
    raise webbrowser.Error("could not locate runnable browser")


def test_a_browser(monkeypatch):
    monkeypatch.setattr(webbrowser, "get", no_browser)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert "equibook lab --no-browser" in only(doctor.browser(), "note").mend
    monkeypatch.setattr(doctor.shutil, "which", lambda name: name if name == "chromium" else None)
    assert only(doctor.browser(), "ok").what == "a browser"
    monkeypatch.setattr(webbrowser, "get", lambda: "a browser")
    assert only(doctor.browser(), "ok").what == "a browser"


def test_a_current_folder_without_write_permission(monkeypatch):
    def fail(**options):
        raise PermissionError(13, "Permission denied")

    assert only(doctor.current_folder(), "ok").mend == ""
    monkeypatch.setattr(tempfile, "TemporaryFile", fail)
    finding = only(doctor.current_folder(), "missing")
    assert finding.what == "permission to write into the current folder (Permission denied)"
    assert finding.mend == "cd to a folder of yours"


@pytest.mark.parametrize(
    ("status", "exit_status", "last"),
    [
        ("ok", 0, "Nothing necessary is missing."),
        ("note", 0, "Nothing necessary is missing."),
        ("missing", 1, "Missing and necessary: a thing, another thing."),
    ],
)
def test_the_exit_status_says_whether_something_necessary_is_missing(monkeypatch, capsys, status, exit_status, last):
    checks = (lambda: [Finding(status, "a thing", "how to mend it")], lambda: [Finding(status, "another thing")])
    monkeypatch.setattr(doctor, "CHECKS", checks)
    assert cli.main(["doctor"]) == exit_status
    first, second, _, closing = capsys.readouterr().out.splitlines()
    assert first == f"{status:9}a thing        how to mend it"
    assert second == f"{status:9}another thing"
    assert closing == last


def test_every_check_is_in_the_table(torch_stand_in, capsys):
    assert cli.main(["doctor"]) in (0, 1)
    shown = capsys.readouterr().out
    for part in ("Python", "equibook", "work together", "threads", "memory", "anywidget", "browser", "current folder"):
        assert part in shown
