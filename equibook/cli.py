"""The command line: `equibook demo`, `equibook fit`, `equibook predict`, `equibook lab`, `equibook doctor`."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from equibook import __version__

# Each command is a module with `add_arguments(parser)` and `run(args) -> int`, loaded when it is called.
COMMANDS = {
    "demo": "train the glass box on upright digits, test it on turned ones: a table and a picture",
    "fit": "learn a person's own images, one folder per class: a table, a report, and a model",
    "predict": "say what a fitted model makes of images, and which are unlike all that it has seen",
    "lab": "copy the notebooks into a folder, never over your own work, and open JupyterLab there",
    "doctor": "say what is installed, what is missing, and how to mend it",
}


def make_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Return the parser, with the arguments of one command filled in.

    Parameters
    ----------
    command : str, optional
        One of `COMMANDS`.

    Returns
    -------
    argparse.ArgumentParser

    Examples
    --------
    >>> from equibook.cli import make_parser
    >>> args = make_parser("demo").parse_args(["demo", "--classes", "1", "7"])
    >>> args.command, args.classes, args.n_train
    ('demo', [1, 7], 100)
    """
    parser = argparse.ArgumentParser(prog="equibook", description="Interpretable CNN design, taught by building it.")
    parser.add_argument("--version", action="version", version=f"equibook {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == command:
            import_module(f"equibook.{name}").add_arguments(subparser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 2, after one clear sentence, for an error that the user can mend.

    Parameters
    ----------
    argv : sequence of str, optional
        By default the arguments that Python was started with.

    Returns
    -------
    int

    Examples
    --------
    >>> from equibook.cli import main
    >>> main(["predict", "no-such-model.skops", "new.jpg"])  # after a sentence on stderr
    2
    """
    argv = sys.argv[1:] if argv is None else argv
    command = next((word for word in argv if word in COMMANDS), None)
    try:
        args = make_parser(command).parse_args(argv)
        return int(import_module(f"equibook.{args.command}").run(args))
    except ImportError as error:
        return _fail(command, f"{error}. `equibook doctor` says what is missing and how to mend it.")
    except (OSError, ValueError) as error:
        return _fail(command, str(error))
    except KeyboardInterrupt:
        return 130


def _fail(command: str | None, message: str) -> int:
    print(f"equibook {command}: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
