"""What a kernel may not do while a notebook is tested: reach the network, write elsewhere, warn.

IPython runs `guard` at the start of each kernel. As a plugin of pytest (`-p tests.notebook_guard`) this file prepares
that, hands the notebooks out in a random order, and fails the run where a kernel has tried what it may not, even if
the notebook did not mind. What the kernels may use stands in `environment`.
"""

import ipaddress
import os
import random
import shutil
import socket
import sys
import tempfile
import warnings
from pathlib import Path

LOG = "EQUIBOOK_GUARD_LOG"  # a file: what was refused, a line each
ORDER = "EQUIBOOK_ORDER"  # the number that gives the order of the notebooks
NOWHERE = "/dev/null/home"  # below a file there can never be a folder, not even for root
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {"os.mkdir": 0, "os.rename": 1, "os.remove": 0, "os.rmdir": 0, "os.symlink": 1, "os.link": 1}
IGNORED = (
    {"message": r"'\w+' (deprecated|argument is deprecated)[, -]+use"},  # as in pyproject.toml: older matplotlib's
    {"message": "Implicitly cleaning up"},  # a notebook's folder for a moment, when the notebook is run again
    {"message": r"subprocess \d+ is still running"},  # it was killed, with the cell that was interrupted
    {"module": r"ipykernel\."},  # the kernel's own
)


class RefusedError(RuntimeError):
    """No OSError: code that is prepared for a full disk or for being off line must not swallow it."""


def environment(folder: Path) -> dict[str, str]:
    """Return what kernels that start in a guarded run find, and make it: all their folders are in this one.

    There is no home and so no cache in it; only weights that torch has cached are still found.
    """
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-guard.py").write_text(f"__import__('runpy').run_path({__file__!r})['guard']()\n")
    names = {"IPYTHONDIR": "ipython", "MPLCONFIGDIR": "matplotlib", "JUPYTER_RUNTIME_DIR": "runtime", "TMPDIR": "tmp"}
    for name in names.values():
        (folder / name).mkdir(exist_ok=True)
    cache = os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")
    found = {name: str(folder / value) for name, value in names.items()}
    found |= {LOG: str(folder / "refused.txt"), "TORCH_HOME": os.environ.get("TORCH_HOME", str(Path(cache) / "torch"))}
    if os.name == "posix":
        places = {"DATA": ".local/share", "CONFIG": ".config", "CACHE": ".cache", "STATE": ".local/state"}
        found |= {"HOME": NOWHERE} | {f"XDG_{name}_HOME": f"{NOWHERE}/{place}" for name, place in places.items()}
    return found


def guard() -> None:
    """Refuse, in this process and from now on, the network and files elsewhere; make errors of warnings."""
    log = Path(os.environ[LOG])
    cache = os.environ.get("EQUIBOOK_CACHE") or log.parent
    places = (log.parent, cache, "/dev/null", "/dev/shm", "/dev/tty", "/proc/self")
    allowed = [os.path.realpath(folder) for folder in places]

    def refuse(what: str) -> None:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(descriptor, f"{what}\n".encode())
        os.close(descriptor)
        raise RefusedError(f"a notebook tried to {what}")

    def hook(event: str, args: tuple) -> None:
        if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
            host = _host(event, args)
            if not _is_local(host):
                refuse(f"reach {host!r}")
        elif event == "open" or event in CHANGES:
            path = _written(event, args)
            if path is not None and not _is_allowed(path, allowed):
                refuse(f"{event} {path}")

    sys.addaudithook(hook)
    warnings.simplefilter("error")
    for which in IGNORED:
        warnings.filterwarnings("ignore", **which)


def _host(event: str, args: tuple) -> object:
    if event == "socket.getaddrinfo":
        return args[0]
    sends_nothing = event == "socket.connect" and args[0].type == socket.SOCK_DGRAM  # so Dask asks for its own address
    return args[1][0] if isinstance(args[1], tuple) and not sends_nothing else None


def _is_local(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return False


def _written(event: str, args: tuple) -> str | None:
    """Return the path that an event would change, or None."""
    path = args[CHANGES.get(event, 0)]
    if event == "open":
        mode, flags = args[1], args[2]
        reads = not set(mode) & set("wax+") if isinstance(mode, str) else not (flags or 0) & WRITES
        if reads:
            return None
    if isinstance(path, int):
        return None
    folder = next((value for value in args[::-1] if type(value) is int and value >= 0), None)  # an open one
    is_relative = event in CHANGES and event != "os.mkdir" and folder is not None
    return os.path.join(os.readlink(f"/proc/self/fd/{folder}") if is_relative else "", os.fsdecode(path))


def _is_allowed(path: str, allowed: list[str]) -> bool:
    """Say whether a path lies in a folder that is allowed, or in one that can never be; compiled code may be kept."""
    if path.startswith(NOWHERE) or "__pycache__" in path:
        return True
    real = os.path.join(os.path.realpath(os.path.dirname(path) or "."), os.path.basename(path))
    return any(real == folder or real.startswith(folder + os.sep) for folder in allowed)


def pytest_configure(config):
    if hasattr(config, "workerinput"):  # a worker of xdist: it inherits what the first process has prepared
        return
    folder = Path(tempfile.mkdtemp(prefix="equibook_guard_"))
    os.environ.setdefault(ORDER, str(random.SystemRandom().randrange(10**6)))
    os.environ.update(environment(folder))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    if hasattr(config.option, "loadscopereorder"):  # xdist would hand out the longest first
        config.option.loadscopereorder = False


def pytest_report_header():
    return f"notebooks: guarded, in the order {ORDER}={os.environ[ORDER]}"


def pytest_collection_modifyitems(items):
    shuffle(items, int(os.environ[ORDER]))


def shuffle(items: list, order: int) -> None:
    """Bring the items of the files into a random order of files, and leave each file whole."""
    files = list(dict.fromkeys(str(item.path) for item in items))
    random.Random(order).shuffle(files)
    items.sort(key=lambda item: files.index(str(item.path)))


def pytest_sessionfinish(session):
    if not hasattr(session.config, "workerinput") and refused():
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter):
    for line in refused():
        terminalreporter.write_line(f"REFUSED: a notebook tried to {line}", red=True)


def refused() -> list[str]:
    """Return what kernels have tried in vain, each once."""
    log = Path(os.environ[LOG])
    return sorted(set(log.read_text().splitlines())) if log.exists() else []
