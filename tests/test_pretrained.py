"""Weights in the cache: whole, truncated, missing, not weights at all; with the network cut, and by a local address."""

import hashlib
import io
import os
import pickle
import re
import socket
import subprocess
import sys
import time
import urllib.request
from functools import partial
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from torchvision.models import AlexNet
from torchvision.models._api import Weights, WeightsEnum

from equibook import alexnet, pretrained

OFF_LINE = URLError("Name or service not known")
X = torch.rand(2, 3, 63, 63, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def content():
    """Return the content of a file with weights for a whole AlexNet: one number, repeated, for each of its tensors."""
    with torch.device("meta"):
        shapes = {name: weights.shape for name, weights in AlexNet().state_dict().items()}
    rng = torch.Generator().manual_seed(0)
    buffer = io.BytesIO()
    torch.save(
        {name: (torch.rand(1, generator=rng) / shape[-1]).expand(shape) for name, shape in shapes.items()}, buffer
    )
    assert len(buffer.getvalue()) < 1e6
    return buffer.getvalue()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return a function that names a file of some content by its checksum as torchvision's entry, and the folder."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)

    def make(content, scheme="https://download.example"):
        name = f"alexnet-made-{hashlib.sha256(content).hexdigest()[:8]}.pth"
        entry = Weights(f"{scheme}/{name}", partial(alexnet.IMAGENET.transforms), {})
        monkeypatch.setattr(alexnet, "IMAGENET", WeightsEnum("Made", {"V1": entry}).V1)
        return folder / name

    return make


def no_network(monkeypatch, error=OFF_LINE):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(torch.hub, "urlopen", fail)


def test_a_good_file_is_loaded(cache, content, monkeypatch):
    no_network(monkeypatch)
    path = cache(content)
    path.write_bytes(content)
    net = alexnet.load("imagenet")
    expected = torch.load(path, weights_only=True)
    assert all(torch.equal(weights, expected[name]) for name, weights in net.state_dict().items())
    assert net.weights_name == "imagenet" and not net.training and alexnet.best_available() == "imagenet"
    assert alexnet.trained_stages(alexnet.load("imagenet", head=False)) == alexnet.STAGES[:13]
    assert alexnet.stages(net, X, "fc8")["fc8"].shape == (2, 1000) and alexnet.trained_stages(net) == alexnet.STAGES


def peak_memory(code):
    """Return the most that a process of its own holds while it runs some code after loading this file, in bytes."""
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("the system does not tell the memory of a process")
    say = "print(*[line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')])"
    reset = "open('/proc/self/clear_refs', 'w').write('5')"
    script = f"import torch\nfrom equibook import pretrained\nfrom pathlib import Path\n{reset}\n{say}\n{code}\n{say}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    return 1000 * (after - before)


def test_what_is_not_used_takes_no_memory(tmp_path):
    path, n_bytes = tmp_path / "large.pth", 200_000_000
    torch.save({"large": torch.ones(n_bytes // 4), "small": torch.ones(2)}, path)
    read = f"state = pretrained._read(Path({str(path)!r}))\nassert state['small'].sum() == 2\n"
    assert peak_memory(read) < n_bytes / 10
    assert peak_memory(read + "state['large'].sum()") > 0.9 * n_bytes  # the negative control


def test_the_format_before_torch_1_6_is_read(tmp_path):
    path = tmp_path / "old.pth"
    torch.save({"a": torch.arange(3.0)}, path, _use_new_zipfile_serialization=False)
    assert pretrained._read(path)["a"].tolist() == [0, 1, 2]


def test_loaded_weights_can_be_changed_and_the_file_stays(tmp_path):
    path = tmp_path / "file.pth"
    torch.save({"a": torch.zeros(3)}, path)
    content, state = path.read_bytes(), pretrained._read(path)
    state["a"] += 1
    assert state["a"].tolist() == [1, 1, 1] and path.read_bytes() == content


@pytest.mark.parametrize(
    "spoil", [lambda content: content[: len(content) // 2], lambda content: content[:-9] + b"otherbits", lambda c: b""]
)
def test_a_truncated_or_altered_file_is_named(cache, content, monkeypatch, spoil):
    no_network(monkeypatch)
    path = cache(content)
    path.write_bytes(spoil(content))
    assert alexnet.best_available() == "digits"
    with pytest.raises(ValueError, match="truncated or altered") as caught:
        alexnet.load("imagenet")
    said = str(caught.value)
    assert f"The cached file {path} must have a sha256 that begins with {path.stem[-8:]}, got " in said
    assert said.endswith('Remove the file and load again, or use `equibook.alexnet.load("digits")`.')
    path.unlink()
    path.write_bytes(content)
    assert alexnet.best_available() == "imagenet"  # nothing stale is remembered


def test_a_file_is_read_again_once_it_has_changed(cache, content):
    path = cache(content)
    path.write_bytes(content)
    os.utime(path, (1, 1))
    assert pretrained.cache_state(alexnet.IMAGENET) == "sound"
    path.write_bytes(content[:-9] + b"otherbits")  # of the same size
    assert pretrained.cache_state(alexnet.IMAGENET) == "altered"


@pytest.mark.parametrize("error", [OFF_LINE, TimeoutError("timed out"), ConnectionResetError("reset")])
def test_off_line_there_is_one_clear_error(cache, content, monkeypatch, error):
    no_network(monkeypatch, error)
    path = cache(content)
    assert alexnet.best_available() == "digits"
    with pytest.raises(
        OSError, match=r"The weights must be cached in .* or come from https://download.example/"
    ) as caught:
        alexnet.load("imagenet")
    said = str(caught.value)
    assert re.search(r"got neither \(.+\)\. Without a network use `equibook.alexnet.load\(\"digits\"\)`\.$", said)
    assert type(caught.value) is OSError and caught.value.__cause__ is None and caught.value.__suppress_context__
    assert f"({getattr(error, 'reason', error)})" in said and "urlopen" not in said
    assert "\n" not in said and list(path.parent.iterdir()) == []


def test_a_host_that_never_answers_is_given_up(cache, content, monkeypatch):
    monkeypatch.setattr(pretrained, "SILENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        cache(content, scheme=f"http://127.0.0.1:{server.getsockname()[1]}")
        start = time.monotonic()
        with pytest.raises(OSError, match="timed out"):
            alexnet.load("imagenet")
    assert time.monotonic() - start < 30  # for ever, without a limit
    assert socket.getdefaulttimeout() is None


def test_a_download_shows_its_progress_and_is_checked(cache, content, tmp_path, capsys):
    (tmp_path / "server").mkdir()
    path = cache(content, scheme=(tmp_path / "server").as_uri())
    (tmp_path / "server" / path.name).write_bytes(content)
    net = alexnet.load("imagenet")
    shown = capsys.readouterr()
    assert "Downloading" in shown.out + shown.err and "100%" in shown.err
    assert path.read_bytes() == content and net.weights_name == "imagenet"
    path.unlink()
    alexnet.load("imagenet", progress=False)
    assert "%" not in capsys.readouterr().err


def test_a_download_that_breaks_off_is_not_kept(cache, content, tmp_path, capsys):
    (tmp_path / "server").mkdir()
    path = cache(content, scheme=(tmp_path / "server").as_uri())
    (tmp_path / "server" / path.name).write_bytes(content[:-1000])
    with pytest.raises(OSError, match="invalid hash value"):
        alexnet.load("imagenet")
    assert not path.exists()


class Trap:
    def __reduce__(self):
        return (exec, ("import builtins; builtins.trap_was_sprung = True",))


def test_no_code_of_a_file_is_run(cache, monkeypatch):
    import builtins

    buffer = io.BytesIO()
    torch.save({"features.0.weight": Trap()}, buffer)
    path = cache(buffer.getvalue())
    path.write_bytes(buffer.getvalue())
    with pytest.raises(
        ValueError, match=re.escape(f"The file {path} must hold weights alone, got something else.")
    ) as e:
        alexnet.load("imagenet")
    assert not hasattr(builtins, "trap_was_sprung") and isinstance(e.value.__cause__, pickle.UnpicklingError)


def test_a_name_without_a_checksum(cache, content):
    entry = Weights("https://download.example/alexnet.pth", partial(alexnet.IMAGENET.transforms), {})
    path = cache(content).with_name("alexnet.pth")
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"`entry` must name a file by its checksum, .* got 'alexnet.pth'"):
        pretrained.cache_state(entry)


def test_the_real_entry_names_its_checksum():
    assert pretrained._expected(pretrained.cached_file(alexnet.IMAGENET)) == "7be5be79"
    assert alexnet.IMAGENET.url.startswith("https://download.pytorch.org/")
    assert urllib.request.urlopen is torch.hub.urlopen  # which the tests replace
