"""The network is cut, figures are closed, Hypothesis draws the same examples in every run."""

import socket
from urllib.request import urlopen

import pytest
from hypothesis import settings

FOREIGN = "192.0.2.1"  # reserved for documentation: nobody is there


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_connecting_elsewhere_is_refused(method):
    with (
        socket.socket() as client,
        pytest.raises(RuntimeError, match=r"tried to reach '192\.0\.2\.1'.*without network"),
    ):
        getattr(client, method)((FOREIGN, 80))


def test_looking_up_a_name_is_refused():
    with pytest.raises(RuntimeError, match=r"tried to reach 'example\.org'"):
        urlopen("https://example.org")


def test_this_machine_is_reachable():
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(("localhost", server.getsockname()[1]), timeout=5)
        assert client.getpeername() == server.getsockname()
        client.close()


@pytest.mark.parametrize("turn", [1, 2])
def test_figures_are_closed_after_each_test(turn):
    plt = pytest.importorskip("matplotlib.pyplot")
    assert plt.get_fignums() == []
    plt.figure()


def test_hypothesis_is_deterministic():
    assert settings.default.derandomize
    assert settings.default.deadline is None
