"""The rules of accessibility that a page breaks, found by axe-core."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe

OPTIONS = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa"]},
    "resultTypes": ["violations"],  # of the others one example is enough
    "preload": False,  # it would ask for style sheets once more, from the wrong place
}


def broken_rules(page: Any, part: str = "html") -> list[str]:
    """Return a line for every element of a page, or of a part of it, that breaks a rule of WCAG 2, level A or AA."""
    found = Axe().run(page, context=part, options=OPTIONS).response
    assert found["passes"], f"axe-core has looked at nothing in {part}"
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
