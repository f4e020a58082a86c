"""Make slides of chapters: `python docs/slides.py`, or of some: `python docs/slides.py 00 03 --output FOLDER`.

A chapter is run, and what its cells' metadata name is written to FOLDER/NN_name.slides.html, with all that the slides
load beside them: they open off line. In the metadata of a cell

    "slideshow": {"slide_type": "subslide", "show": ["## Turn", "What moves"], "code": true}

`slide_type` is that of JupyterLab's property inspector; `show` lists how the sentences, items and formulas begin that
stand on the slide, where the whole text becomes the speaker's notes (key S); `code` shows the code above its output;
`pictures` leaves out what is printed.
"""

import argparse
import importlib.util
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import nbformat
from book import ENVIRONMENT, LINK, ROOT, copy_mathjax, number_of
from nbclient import NotebookClient
from nbconvert import SlidesExporter
from traitlets.config import Config

TEMPLATE = Path(__file__).resolve().parent / "slides_template"
WIDTH, HEIGHT = 1280, 720
REVEAL = "_static/revealjs"  # within the package that carries reveal.js
REVEAL_PARTS = [
    "LICENSE",
    "dist/reveal.js",
    "dist/reveal.css",
    "dist/theme/white.css",
    "dist/theme/fonts/source-sans-pro",
]
REVEAL_PARTS += ["plugin/notes/notes.js"]
SHOWN = ("slide", "subslide", "fragment", "-")
SENTENCE_END = re.compile(r"(?:(?<=[.?!])|(?<=[.?!]\*)|(?<=[.?!]\*\*)|(?<=[.?!]\)))\s+")
ITEM = re.compile(r"\n(?=- |\d+\. )")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PICTURES = {"text/html", "image/png", "image/svg+xml"}
NO_CODE = "slide-without-code"  # a tag that cells get on the way
Cell = nbformat.NotebookNode


# --- what stands on a slide ---


def settings_of(cell: Cell) -> dict[str, Any]:
    """Return what the metadata of a cell say about slides; nothing for cells that belong to no page."""
    return {} if "remove-cell" in cell.metadata.get("tags", []) else cell.metadata.get("slideshow", {})


def parts_of(block: str) -> list[str]:
    """Return the items of a list, the sentences of a paragraph, or the whole of anything else."""
    if ITEM.match(f"\n{block}"):
        return ITEM.split(block)
    return [block] if block.startswith(("#", "$$", "|", "<", "    ")) else SENTENCE_END.split(block)


def choose(markdown: str, beginnings: list[str]) -> str:
    """Return the parts of a text that begin as given, in the order of the text."""
    found, left = [], {*beginnings}
    for block in re.split(r"\n\s*\n", markdown.strip()):
        starts = {part: {b for b in beginnings if " ".join(part.split()).startswith(b)} for part in parts_of(block)}
        chosen = [part for part, begun in starts.items() if begun]
        left -= set().union(*starts.values())
        found += [("\n" if ITEM.match(f"\n{block}") else " ").join(chosen)] if chosen else []
    if left:
        hint = "Give the first words of a heading, a sentence, an item or a formula of the cell."
        raise ValueError(
            f"`show` must list how parts of the text begin, got {sorted(left)} for {markdown[:60]!r}. {hint}"
        )
    if (text := "\n\n".join(found)).count("**") % 2:
        raise ValueError(f"`show` must take bold text as a whole, got {text!r}. Name all sentences that are bold.")
    return text


def write_text(cell: Cell) -> Iterator[Cell]:
    """Yield what is shown of a cell of text, and the whole of it as notes if that is more."""
    settings, text = settings_of(cell), LINK.sub(lambda link: link["text"], cell.source)
    shown = choose(text, settings["show"]) if "show" in settings else text
    yield nbformat.v4.new_markdown_cell(shown, metadata={"slideshow": {"slide_type": settings["slide_type"]}})
    if shown != text:
        yield nbformat.v4.new_markdown_cell(text, metadata={"slideshow": {"slide_type": "notes"}})


def write_code(cell: Cell) -> Iterator[Cell]:
    """Yield a cell with what it shows without a kernel, and with its code where that is asked for."""
    cell = nbformat.from_dict(cell)
    kept = is_picture if settings_of(cell).get("pictures") else works_without_kernel
    cell.outputs = [output for output in cell.outputs if kept(output)]
    for output in cell.outputs:
        output.get("data", {}).pop(WIDGET_VIEW, None)
    if not settings_of(cell).get("code"):
        cell.metadata.tags = [*cell.metadata.get("tags", []), NO_CODE]
    yield cell


def works_without_kernel(output: Cell) -> bool:
    """Say whether an output is a result, and no message to the terminal and no bar of progress."""
    kinds = {*output.get("data", {})}
    return output.get("name") != "stderr" and (WIDGET_VIEW not in kinds or is_picture(output))


def is_picture(output: Cell) -> bool:
    """Say whether an output is a figure."""
    return bool({*output.get("data", {})} & PICTURES)


def write_slides(notebook: Cell) -> Cell:
    """Return a notebook of a chapter's slides alone, from a chapter that was run."""
    slides = nbformat.v4.new_notebook(metadata={**notebook.metadata, "title": title_of(notebook)})
    slides.metadata.pop("widgets", None)
    for cell in notebook.cells:
        kind = settings_of(cell).get("slide_type")
        if kind in SHOWN:
            slides.cells += write_text(cell) if cell.cell_type == "markdown" else write_code(cell)
        elif kind == "notes":
            slides.cells.append(cell)
    return slides


def title_of(notebook: Cell) -> str:
    """Return the first heading of a chapter."""
    return re.search(r"^# (.*)$", notebook.cells[0].source, re.MULTILINE).group(1)


def number_of_slides(notebook: Cell) -> int:
    """Return how many slides the metadata of a chapter name."""
    return sum(settings_of(cell).get("slide_type") in ("slide", "subslide") for cell in notebook.cells)


# --- a chapter becomes a page ---


def run(notebook: Cell) -> None:
    """Run a chapter in an empty folder: its cells then hold their outputs."""
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}})
        client.execute(env=os.environ | ENVIRONMENT | {"EQUIBOOK_CACHE": os.environ.get("EQUIBOOK_CACHE", "")})


def export(notebook: Cell) -> str:
    """Return the page of the slides of a chapter that was run."""
    exporter = SlidesExporter(
        template_name=TEMPLATE.name,
        extra_template_basedirs=[str(TEMPLATE.parent)],
        reveal_url_prefix="reveal.js",
        reveal_theme="white",
        reveal_width=str(WIDTH),
        reveal_height=str(HEIGHT),
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        config=Config(TagRemovePreprocessor={"enabled": True, "remove_input_tags": {NO_CODE}}),
    )
    return exporter.from_notebook_node(write_slides(notebook))[0]


def copy_parts(folder: Path) -> None:
    """Put beside the slides what they load: style, reveal.js and MathJax."""
    (package,) = importlib.util.find_spec("sphinx_revealjs").submodule_search_locations
    for part in REVEAL_PARTS:
        source, target = Path(package) / REVEAL / part, folder / "reveal.js" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target, dirs_exist_ok=True) if source.is_dir() else shutil.copy(source, target)
    shutil.copy(TEMPLATE / "slides.css", folder)
    if not (folder / "mathjax").exists():
        copy_mathjax(folder / "mathjax")


def chapters(numbers: Iterable[str]) -> list[Path]:
    """Return the chapters that have slides, or those of them with the given numbers."""
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    with_slides = {number_of(path.name): path for path in paths if number_of_slides(nbformat.read(path, as_version=4))}
    if unknown := {*numbers} - with_slides.keys():
        raise ValueError(f"slides must be of chapters, got {sorted(unknown)}. There are {', '.join(with_slides)}.")
    return [path for number, path in with_slides.items() if number in numbers or not numbers]


def make_slides(paths: Iterable[Path], folder: Path) -> Iterator[Path]:
    """Write the slides of each chapter into a folder, and yield the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    copy_parts(folder)
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        run(notebook)
        page = folder / f"{path.stem}.slides.html"
        page.write_text(export(notebook), encoding="utf-8")
        yield page


def main() -> None:
    """Read the command line and make the slides."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "numbers", nargs="*", metavar="NN", help="chapters by number, as in 00 09; all if none is given"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "_build" / "slides", metavar="FOLDER")
    arguments = parser.parse_args()
    for page in make_slides(chapters(arguments.numbers), arguments.output.resolve()):
        print(page)


if __name__ == "__main__":
    sys.exit(main())
