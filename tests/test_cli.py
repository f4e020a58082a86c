"""The command line: its commands are found, and an error that the user can mend is one sentence, not a traceback."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from equibook import __version__, cli


@pytest.fixture
def command(monkeypatch):
    """Stand a made-up module in for every command; set its `run` to what the test needs."""
    module = SimpleNamespace(add_arguments=lambda parser: parser.add_argument("--number", type=int), run=lambda args: 0)
    monkeypatch.setattr(cli, "import_module", lambda name: module)
    return module


def raising(error):
    def run(args):
        raise error

    return run


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"equibook {__version__}\n"


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in cli.COMMANDS)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_its_own_help(name, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([name, "--help"])
    assert stop.value.code == 0
    assert f"usage: equibook {name}" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["doctor", "--nonsense"]])
def test_a_wrong_call_shows_the_usage(argv, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(argv)
    assert stop.value.code == 2
    assert "usage: equibook" in capsys.readouterr().err


def test_a_command_receives_its_arguments_and_gives_the_status(command):
    command.run = lambda args: args.number
    assert cli.main(["demo", "--number", "7"]) == 7


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("`classes` must be two digits, got (3,)."), "`classes` must be two digits, got (3,)."),
        (PermissionError(13, "Permission denied", "demo.png"), "Permission denied"),
        (ImportError("No module named 'matplotlib'"), "`equibook doctor` says what is missing"),
    ],
)
def test_an_error_to_mend_is_one_sentence_and_status_2(command, capsys, error, message):
    command.run = raising(error)
    assert cli.main(["demo"]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("equibook demo: ") and message in shown
    assert "Traceback" not in shown and shown.count("\n") == 1


def test_a_defect_of_ours_keeps_its_traceback(command):
    command.run = raising(KeyError("defect"))
    with pytest.raises(KeyError, match="defect"):
        cli.main(["demo"])


def test_ctrl_c_is_quiet(command, capsys):
    command.run = raising(KeyboardInterrupt())
    assert cli.main(["demo"]) == 130
    assert capsys.readouterr().err == ""


def test_it_runs_as_a_module():
    call = [sys.executable, "-m", "equibook.cli", "--version"]
    assert subprocess.run(call, capture_output=True, text=True, check=True).stdout == f"equibook {__version__}\n"


def test_version_and_help_load_nothing_heavy():
    code = (
        "import sys; from equibook import cli; cli.make_parser(); print('torch' in sys.modules, 'numpy' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "False False\n"
