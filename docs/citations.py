"""Citations: in the book, a link to arXiv or to a DOI is followed by one to the entry of the bibliography.

Notebooks and pages hold plain links, which work in JupyterLab too; references.bib knows the work they lead to.
"""

import re
from functools import cache
from pathlib import Path

from pybtex.database import parse_file

BIBLIOGRAPHY = Path(__file__).with_name("references.bib")
LINK = re.compile(r"\[(?:arXiv|doi):(?P<work>[^\]]+)\]\(https://(?:arxiv\.org/abs|doi\.org)/(?P=work)\)")


@cache
def read_keys(path: Path = BIBLIOGRAPHY) -> dict[str, str]:
    """Return the keys of a bibliography by arXiv's number and by DOI."""
    entries = parse_file(str(path)).entries
    return {e.fields[name]: key for key, e in entries.items() for name in ("eprint", "doi") if name in e.fields}


def cite(markdown: str) -> str:
    """Put a citation behind each link to a work; one that the bibliography does not have is an error."""

    def add(link: re.Match[str]) -> str:
        work = link["work"]
        if work not in read_keys():
            hint = f"Add its entry to {BIBLIOGRAPHY.name}."
            raise ValueError(f"a link must lead to a work of the bibliography, got {work}. {hint}")
        return f"{link.group()} {{cite}}`{read_keys()[work]}`"

    return LINK.sub(add, markdown)
