"""Build the book: `python docs/book.py`, or a small one: `python docs/book.py --only 00 09 --output FOLDER`.

The pages are copied into FOLDER/_build/source, those of the reference are written there, and Jupyter Book runs all
notebooks and writes FOLDER/_build/html. Any warning, any broken link and any failing cell ends in exit status 1.
"""

import argparse
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from citations import cite
from reference import write_reference

ROOT = Path(__file__).resolve().parent.parent
STATIC = "docs/static"
MATHJAX = "static/mathjax/tex-svg.js"  # within the package that carries MathJax
# One thread each, and figures shown as in a notebook, whatever the caller has chosen.
ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}
STRICTLY = ["-W", "-n", "--keep-going"]
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<page>[\w./-]+?)(?:\.ipynb|\.md)?(?:#[^)]*)?\)")


def number_of(page: str) -> str:
    """Return the number with which the file of a chapter begins, or nothing for other pages."""
    return re.match(r"\d*", Path(page).name).group()


def choose_chapters(toc: dict[str, Any], only: list[str]) -> list[str]:
    """Take all chapters but those with the numbers `only` out of a table of contents, and return what was left out."""
    pages = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    numbers = [number_of(page) for page in pages if number_of(page)]
    if unknown := set(only) - set(numbers):
        raise ValueError(f"`--only` must name chapters, got {sorted(unknown)}. There are {', '.join(numbers)}.")
    left_out = [page for page in pages if only and number_of(page) and number_of(page) not in only]
    for part in toc["parts"]:
        part["chapters"] = [chapter for chapter in part["chapters"] if chapter["file"] not in left_out]
    toc["parts"] = [part for part in toc["parts"] if part["chapters"]]
    return left_out


def unlink(markdown: str, left_out: list[str]) -> str:
    """Turn links to chapters that are left out into their text; other links stay, and a broken one is found."""
    names = {Path(page).name for page in left_out}
    return LINK.sub(lambda link: link["text"] if Path(link["page"]).name in names else link.group(), markdown)


def copy_notebook(path: Path, target: Path, left_out: list[str]) -> None:
    """Copy a notebook, with its solutions folded, and what the checks say to them."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            cell["source"] = cite(unlink(source, left_out))
        elif "solution" in cell["metadata"].get("tags", []):
            fold(cell["metadata"], "hide-cell", "a solution")
        elif source.startswith("lessons.check("):
            fold(cell["metadata"], "hide-output", "what the check says to the solution")
    target.write_text(json.dumps(notebook), encoding="utf-8")


def fold(metadata: dict[str, Any], tag: str, name: str) -> None:
    """Mark a cell as one that opens on demand."""
    metadata["tags"] = [*metadata.get("tags", []), tag]
    metadata["mystnb"] = {"code_prompt_show": f"Show {name}", "code_prompt_hide": f"Hide {name}"}


def pages_of(toc: dict[str, Any]) -> Iterator[str]:
    """Yield the pages of a table of contents."""
    yield toc["root"]
    yield from (chapter["file"] for part in toc["parts"] for chapter in part["chapters"])


def copy_pages(source: Path, pages: list[str], left_out: list[str]) -> None:
    """Copy the pages, and the pictures that lie beside them."""
    for folder in ("docs", "notebooks"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("*.ipynb", "*.md", ".*", "__*"))
    for page in pages:
        if (path := ROOT / f"{page}.ipynb").exists():
            copy_notebook(path, source / f"{page}.ipynb", left_out)
        elif (path := ROOT / f"{page}.md").exists():
            text = cite(unlink(path.read_text(encoding="utf-8"), left_out))
            (source / f"{page}.md").write_text(text, encoding="utf-8")


def write_source(source: Path, only: list[str]) -> None:
    """Gather all that Jupyter Book reads: pages, reference, table of contents, configuration, MathJax."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    left_out = choose_chapters(toc, only)
    copy_pages(source, list(pages_of(toc)), left_out)
    reference = write_reference(source, (ROOT / "README.md").read_text(encoding="utf-8"))
    for part in toc["parts"]:
        for chapter in part["chapters"]:
            if chapter["file"] == "docs/api/index":
                chapter["sections"] = [{"file": page} for page in reference]
    (source / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
    shutil.copy(ROOT / "_config.yml", source)
    copy_mathjax(source / STATIC / "mathjax")


def copy_mathjax(folder: Path) -> None:
    """Copy the one file of MathJax that the pages load."""
    (package,) = importlib.util.find_spec("sphinx-mathjax-offline").submodule_search_locations
    folder.mkdir()
    shutil.copy(Path(package) / MATHJAX, folder)


def build(folder: Path, only: list[str], pictures: str = "") -> int:
    """Build the book anew in `folder`/_build, and return the exit status of Jupyter Book.

    Pictures of explorers are drawn anew, unless `pictures` names a cache of them.
    """
    import matplotlib.font_manager  # noqa: F401  (the first import tells that it looks for fonts: not in a page)

    for part in ("source", "html", "jupyter_execute", ".doctrees"):
        shutil.rmtree(folder / "_build" / part, ignore_errors=True)
    write_source(folder / "_build" / "source", only)
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", *STRICTLY]
    command += ["--path-output", folder, folder / "_build" / "source"]
    return subprocess.run(command, env=os.environ | ENVIRONMENT | {"EQUIBOOK_CACHE": pictures}).returncode


def main() -> int:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="NN", help="chapters by number, as in 00 09")
    parser.add_argument("--output", type=Path, default=ROOT, metavar="FOLDER", help="for FOLDER/_build/html")
    parser.add_argument("--pictures", default="", metavar="CACHE", help="take pictures of explorers that are there")
    arguments = parser.parse_args()
    return build(arguments.output.resolve(), arguments.only, arguments.pictures)


if __name__ == "__main__":
    sys.exit(main())
