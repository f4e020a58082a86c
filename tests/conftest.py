"""What holds for every test: no network, no open figure left behind, the same Hypothesis examples in every run."""

import ipaddress
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")

BOOK = Path(__file__).resolve().parent.parent / "docs" / "book.py"
PICTURES = os.environ.get("EQUIBOOK_CACHE", "")  # tests/run_all.py puts there what the notebooks have drawn

settings.register_profile("deterministic", derandomize=True, deadline=None)
settings.load_profile("deterministic")


class NetworkUsedError(RuntimeError):
    """No OSError: code that is prepared for being off line must not swallow it."""


def is_local(host: object) -> bool:
    """Say whether an address, or a name still to be looked up, is this machine."""
    if host in (None, "", b"", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def refuse_unless_local(host: object) -> None:
    if not is_local(host):
        raise NetworkUsedError(
            f"a test tried to reach {host!r}: tests run without network; simulate the answer instead"
        )


@pytest.fixture(scope="session", autouse=True)
def no_network():
    """Cut the network: only connections within this machine remain."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded_connect(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo))
        yield


def _guarded_connect(connect):
    def guarded(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            refuse_unless_local(address[0])
        return connect(self, address)

    return guarded


def _guarded_lookup(getaddrinfo):
    def guarded(host, *args, **kwargs):
        refuse_unless_local(host)
        return getaddrinfo(host, *args, **kwargs)

    return guarded


@pytest.fixture(scope="session", autouse=True)
def no_cache_of_pictures():
    """Draw the pictures of explorers anew, whatever lies in a cache; the book and the browser have `pictures`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EQUIBOOK_CACHE", "")
        yield


@pytest.fixture(autouse=True)
def close_figures():
    """Close the figures that a test has opened."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def pictures():
    """The folder of pictures that need not be drawn anew for the book and the browser; empty if there is none."""
    return PICTURES


@pytest.fixture(scope="session")
def book(tmp_path_factory, pictures):
    """Build chapters 00 and 09 and the reference, once for all workers, and return the folder of the pages."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # the folder of this run, which all its workers share
    log, status = folder / "book.log", folder / "book.status"
    with FileLock(folder / "book.lock"):
        if not status.exists():
            call = [sys.executable, BOOK, "--only", "00", "09", "--output", folder / "book", "--pictures", pictures]
            with log.open("w") as file:
                done = subprocess.run(call, stdout=file, stderr=subprocess.STDOUT)
            status.write_text(str(done.returncode))
    if status.read_text() != "0":
        pytest.fail(f"the book was not built:\n{log.read_text()[-5000:]}", pytrace=False)
    return folder / "book" / "_build" / "html"
