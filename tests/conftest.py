"""What holds for every test: no network, no open figure left behind, the same Hypothesis examples in every run."""

import ipaddress
import os
import socket
import sys

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")

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


@pytest.fixture(autouse=True)
def close_figures():
    """Close the figures that a test has opened."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
