"""Interactive figures as pages: what the browser runs, so wrapped that it needs no kernel, no network, no other file.

An interactive figure is a script that draws a *state* and answers to its controls. In a running notebook anywidget
gives it a model that is shared with Python; in a page it gets the same state, written into the page. So both run the
same code.
"""

import json
import uuid
from pathlib import Path
from string import Template
from typing import Any

FOLDER = Path(__file__).parent / "browser"
LAST_LINE = "export default widget;"


def read_asset(name: str) -> str:
    """Return the text of a script or a style sheet of the package, such as `explorer.js`.

    Parameters
    ----------
    name : str

    Returns
    -------
    str

    Examples
    --------
    >>> from equibook.pages import read_asset
    >>> read_asset("explorer.js").splitlines()[-1]
    'export default widget;'
    """
    return (FOLDER / name).read_text(encoding="utf-8")


def to_html(script: str, style: str, state: dict[str, Any], *, fallback: str = "") -> str:
    """Return an interactive figure as one piece of HTML.

    Parameters
    ----------
    script : str
        A module for anywidget that defines `widget` and ends with `export default widget;`.
    style : str
    state : dict
        What the script gets from `model.get(name)`; to be written as JSON.
    fallback : str
        HTML that is shown where no script runs; the script finds it in its element.

    Returns
    -------
    str

    Examples
    --------
    >>> from equibook.pages import to_html
    >>> script = "const widget = { render({ el }) { el.textContent = 'drawn'; } }; export default widget;"
    >>> page = to_html(script, "p { color: inherit }", {"angle": 45}, fallback="<p>45</p>")
    >>> '{"angle": 45}' in page, "export default" in page
    (True, False)
    """
    body = script.rstrip()
    if not body.endswith(LAST_LINE):
        raise ValueError(f"`script` must end with `{LAST_LINE}`, got {body[-40:]!r}. Define `widget` and export it.")
    return _PAGE.substitute(
        name=f"equibook-{uuid.uuid4().hex}",
        fallback=fallback,
        style=style,
        state=json.dumps(state).replace("<", "\\u003c"),  # no end of the script may stand in a string
        script=body.removesuffix(LAST_LINE),
    )


_PAGE = Template(
    """<div id="$name">$fallback</div>
<style>$style</style>
<script type="application/json" id="$name-state">$state</script>
<script type="module">
$script
const state = JSON.parse(document.getElementById("$name-state").textContent);
const listeners = {};
const model = {
  get: (key) => state[key],
  set(key, value) {
    state[key] = value;
    listeners[`change:$${key}`]?.forEach((listener) => listener());
  },
  save_changes() {},
  on(event, listener) { (listeners[event] ??= new Set()).add(listener); },
  off(event, listener) { listeners[event]?.delete(listener); },
};
widget.render({ model, el: document.getElementById("$name") });
</script>"""
)
