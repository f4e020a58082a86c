"""A Sphinx extension: pages carry what works without a kernel, and the reference what is this package's own."""

import re
from typing import Any

from docutils import nodes
from sphinx.util import logging

WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PROGRESS = re.compile(r"\[\d+:\d+[<,].*\]\s*$")  # how a progress bar ends, as in [00:01<00:04, 4.66picture/s]
LOGGER = logging.getLogger(__name__)


def leave_out_live_widgets(app: Any, document: nodes.document) -> None:
    """Take live widgets out of the outputs; what then has nothing to show was a progress bar, or is told of."""
    for output in [node for node in document.findall(nodes.container) if node.get("nb_element") == "mime_bundle"]:
        forms = {form["mime_type"]: form for form in output.children}
        if WIDGET_VIEW not in forms:
            continue
        output.remove(forms[WIDGET_VIEW])
        if not forms.keys() & {"text/html", "image/png", "image/svg+xml"}:
            output.parent.remove(output)
            said = forms["text/plain"].astext() if "text/plain" in forms else ""
            if not PROGRESS.search(said):
                LOGGER.warning("a live widget has no form that works without a kernel: %s", said, location=output)


def leave_out_widget_state(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Take the JSON of all widgets of a notebook out of the scripts of its page."""
    scripts = context.get("script_files", [])
    context["script_files"] = [s for s in scripts if getattr(s, "attributes", {}).get("type") != WIDGET_STATE]


def leave_out_others_members(app: Any, what: str, name: str, member: Any, skip: bool, options: Any) -> bool | None:
    """Leave out methods that other libraries put into our classes: their docstrings refer to pages of their own."""
    module = getattr(member, "__module__", None) or "equibook"
    return None if module.partition(".")[0] == "equibook" else True


def setup(app: Any) -> dict[str, bool]:
    """Tell Sphinx when to call the functions above; Sphinx itself calls this one."""
    app.connect("doctree-read", leave_out_live_widgets)
    app.connect("html-page-context", leave_out_widget_state)
    app.connect("autodoc-skip-member", leave_out_others_members)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
