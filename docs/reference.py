"""The pages of the reference, written from the docstrings: one a topic, as the map in the README orders the modules."""

import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import equibook

ROW = re.compile(r"^\|(?P<topic>[^|`]*)\|(?P<modules>[^|]*`[^|]*)\|(?P<says>[^|]+)\|$", re.MULTILINE)
NOT_SHOWN = re.compile(r"_|chapter_\d\d$")  # the checks of the exercises would give answers away
INTRODUCTION = """\
# The library

`import equibook as eq` is light: each module is loaded on first use. A module uses only modules above it.

| name | is |
|---|---|
"""


@dataclass(frozen=True)
class Topic:
    """One page: a topic of the map, with a line for each of its rows."""

    title: str
    rows: list[tuple[list[str], str]]

    @property
    def page(self) -> str:
        """The name of the page."""
        return "docs/api/" + re.sub(r"\W+", "-", self.title.lower())


def read_topics(readme: str) -> list[Topic]:
    """Return the topics of the map in the README, with their public modules; a row without a topic goes on."""
    topics: list[Topic] = []
    for row in ROW.finditer(readme.partition("## The map of the house")[2]):
        title = row["topic"].strip(" *")
        if title:
            topics.append(Topic(title[0].upper() + title[1:], []))
        modules = [name for name in re.findall(r"`(\w+)`", row["modules"]) if not name.startswith("_")]
        if modules:
            topics[-1].rows.append((modules, row["says"].strip()))
    return topics


def write_page(topic: Topic) -> str:
    """Return the page of a topic: what each module says, then its functions and classes."""
    parts = [f"# {topic.title}"]
    for modules, says in topic.rows:
        parts.append(f"{', '.join(f'{{mod}}`~equibook.{name}`' for name in modules)}: {says}.")
    for name in (name for modules, _ in topic.rows for name in modules):
        parts.append(f"## equibook.{name}\n\n{_show(name)}")
        parts += [f"### equibook.{part}\n\n{_show(part, without)}" for part, without in _list_parts(name)]
    return "\n\n".join(parts) + "\n"


def _show(name: str, without: str = "") -> str:
    """Return the directive that shows a module and its members."""
    options = f"   :exclude-members: {without}\n" if without else ""
    return f"```{{eval-rst}}\n.. automodule:: equibook.{name}\n   :members:\n{options}```"


def _list_parts(name: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a module that is a folder, where they offer more than it does, and what is shown already."""
    folder = Path(equibook.__file__).parent / name
    for part in sorted(module.name for module in pkgutil.iter_modules([str(folder)])):
        if not NOT_SHOWN.match(part):
            offered = getattr(import_module(f"equibook.{name}"), "__all__", ())
            module = import_module(f"equibook.{name}.{part}")
            own = [key for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
            if any(key not in offered and not key.startswith("_") for key in own):
                yield f"{name}.{part}", ", ".join(key for key in own if key in offered)


def write_index(topics: list[Topic]) -> str:
    """Return the first page: the short names of `equibook`, and the map."""
    lines = [f"| `eq.{name}` | {{py:obj}}`equibook.{home}.{name}` |" for name, home in equibook._HOME.items()]
    lines += ["", "| topic | module | says |", "|---|---|---|"]
    for topic in topics:
        for place, (modules, says) in enumerate(topic.rows):
            link = f"[{topic.title}](/{topic.page}.md)" if place == 0 else ""
            lines.append(f"| {link} | {', '.join(f'{{mod}}`~equibook.{name}`' for name in modules)} | {says} |")
    return INTRODUCTION + "\n".join(lines) + "\n"


def write_reference(source: Path, readme: str) -> list[str]:
    """Write all pages of the reference below `source`, and return the names of those after the first."""
    topics = read_topics(readme)
    pages = {"docs/api/index": write_index(topics), **{topic.page: write_page(topic) for topic in topics}}
    for page, text in pages.items():
        path = source / f"{page}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [topic.page for topic in topics]
