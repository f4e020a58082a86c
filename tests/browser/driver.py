"""A browser, a Jupyter server and a notebook in it, to be used from Python: for tests and for measurements."""

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

NAMES = ("chromium", "chromium-browser", "google-chrome")
HINT = "install it, for example with apt install chromium, or name it in EQUIBOOK_CHROMIUM"
FLAGS = """
    --no-sandbox --disable-gpu --disable-background-networking --disable-quic --no-first-run
    --disable-component-update --disable-sync
""".split()
FLAGS += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"]  # no network
VIEWPORT = {"width": 1300, "height": 1000}
PATIENCE = 300  # seconds: a slow machine that does other things besides
TOKEN = "equibook"  # the server listens on this machine only, and ends with the tests
QUIET = {"fetchNews": "false", "checkForUpdates": False}
OPTIONS = [
    "--no-browser",
    "--allow-root",
    "--ip=127.0.0.1",
    "--port=0",
    f"--IdentityProvider.token={TOKEN}",
    "--LabApp.expose_app_in_browser=True",
    "--JupyterNotebookApp.expose_app_in_browser=True",
    "--LabApp.extension_manager=readonly",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
]
PLACES = {"JupyterLab": "lab/tree", "Notebook 7": "notebooks"}

KERNEL = "jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel"
PATH = "jupyterapp?.shell?.currentWidget?.context?.path"
NOTEBOOK = "jupyterapp.shell.currentWidget.content"
RUN_CODE = f"""async ([code, expression]) => {{
  const future = {KERNEL}.requestExecute({{ code, user_expressions: {{ value: expression }}, store_history: false }});
  const {{ content }} = await future.done;
  const found = content.status === "ok" ? content.user_expressions.value : content;
  if (found.status === "ok") return found.data["text/plain"];
  throw new Error(`${{found.ename}}: ${{found.evalue}}`);
}}"""
PRINTED = f"{NOTEBOOK}.activeCell.model.outputs.toJSON().flatMap((output) => output.text ?? []).join('')"


# --- the browser ---


def find_chromium() -> str | None:
    """Return the path of Chromium: the one that EQUIBOOK_CHROMIUM names, or the first on the path; None if missing."""
    named = os.environ.get("EQUIBOOK_CHROMIUM")
    return next(filter(None, map(shutil.which, [named] if named else NAMES)), None)


def what_is_missing() -> str:
    """Return what a browser cannot be opened without, and how to get it; nothing if it can."""
    if importlib.util.find_spec("playwright") is None:
        return "Playwright not found; install it with python -m pip install playwright"
    return "" if find_chromium() else f"Chromium not found; {HINT}"


@contextmanager
def open_browser() -> Iterator[Any]:
    """Open Chromium without a window, and yield Playwright's browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Log(NamedTuple):
    """What a page has said: all of it, and what went wrong."""

    everything: list[str]
    faults: list[str]


def watch(page: Any) -> Log:
    """Gather what a page says from now on; a fault is an error, a request that failed or that left this machine."""
    log = Log([], [])

    def note(text: str, *, is_fault: bool) -> None:
        log.everything.append(text)
        if is_fault:
            log.faults.append(text)

    page.on("console", lambda m: note(f"console {m.type}: {m.text}", is_fault=m.type == "error"))
    page.on("pageerror", lambda error: note(f"error: {error}", is_fault=True))
    page.on("requestfailed", lambda request: note(f"failed: {request.url} {request.failure}", is_fault=True))
    page.on("response", lambda r: note(f"{r.status}: {r.url}", is_fault=True) if r.status >= 400 else None)
    page.on("request", lambda r: None if is_here(r.url) else note(f"left this machine: {r.url}", is_fault=True))
    return log


def is_here(url: str) -> bool:
    """Say whether an address is a file, or content of the page itself, or served by this machine."""
    parts = urlsplit(url)
    return parts.scheme in ("file", "data", "blob", "about") or parts.hostname in ("127.0.0.1", "localhost")


# --- the server ---


class Jupyter(NamedTuple):
    """A running server: its address, and the folder that it shows."""

    url: str
    folder: Path


@contextmanager
def serve_jupyter(folder: Path, **environment: str) -> Iterator[Jupyter]:
    """Start JupyterLab in `folder`, on this machine only, with settings of its own there, and stop it at the end."""
    own = {name: str(folder / f".{name.lower()}") for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    own |= {"JUPYTER_RUNTIME_DIR": str(folder / ".runtime"), "JUPYTER_PATH": "", "IPYTHONDIR": str(folder / ".ipython")}
    settings = Path(own["JUPYTER_CONFIG_DIR"]) / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(QUIET), encoding="utf-8")
    command = [sys.executable, "-m", "jupyterlab", *OPTIONS]
    with (folder / ".log").open("wb") as log:
        everything = os.environ | own | environment
        process = subprocess.Popen(command, cwd=folder, env=everything, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield Jupyter(_wait_for_server(process, folder), folder)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _wait_for_server(process: subprocess.Popen, folder: Path) -> str:
    """Return the address that the server writes down once it listens."""

    def read() -> str | None:
        if process.poll() is not None:
            raise RuntimeError(f"JupyterLab did not start:\n{(folder / '.log').read_text(encoding='utf-8')}")
        files = list((folder / ".runtime").glob("jpserver-*.json"))
        text = files[0].read_text(encoding="utf-8") if files else ""
        return json.loads(text)["url"] if text.endswith("}") else None

    return wait_until(read, "JupyterLab listens")


def wait_until(holds: Callable[[], Any], what: str, *, patience: float = PATIENCE) -> Any:
    """Ask again and again until the answer is true, and return it."""
    end = time.monotonic() + patience
    while not (answer := holds()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {patience} s in vain: {what}")
        time.sleep(0.05)
    return answer


# --- a notebook ---


class Notebook:
    """A notebook in a page of JupyterLab or Notebook 7, with a kernel."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def open(self, jupyter: Jupyter, name: str, *, app: str = "JupyterLab") -> "Notebook":
        """Open a notebook of the server's folder, and wait for its kernel."""
        self.page.goto(f"{jupyter.url}{PLACES[app]}/{name}?reset&token={TOKEN}")  # without the notebooks of other pages
        self._wait(f"window.jupyterapp && {PATH} === '{name}' && {KERNEL}?.status === 'idle'")
        return self

    def run_all(self) -> "Notebook":
        """Run all cells, and wait until the last one has run and the notebook has put the focus there."""
        self._evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        self._wait("document.activeElement.matches('.jp-Notebook-cell.jp-mod-active')")
        return self

    def run_cell(self, code: str) -> str:
        """Type code into a new cell below the active one, run it, and return the text that it prints."""
        for command in ("notebook:insert-cell-below", "notebook:enter-edit-mode"):
            self._evaluate(f"jupyterapp.commands.execute('{command}')")
        self._wait("document.activeElement.matches('.jp-Notebook-cell.jp-mod-active .cm-content')")
        self.page.keyboard.insert_text(code)
        self._evaluate("jupyterapp.commands.execute('notebook:run-cell')")
        return self.page.evaluate(PRINTED).strip()

    def run(self, code: str) -> None:
        """Run code in the kernel of the notebook, without a cell."""
        self._evaluate(RUN_CODE, [code, "None"])

    def read(self, expression: str) -> Any:
        """Return the value of a Python expression, which must be one that JSON can say."""
        found = self._evaluate(RUN_CODE, ["", f"__import__('json').dumps({expression})"])
        return json.loads(ast.literal_eval(found))

    def state(self) -> dict[str, Any]:
        """Return what the shortcuts of the notebook would change."""
        return self.page.evaluate(
            f"""() => {{
              const {{ activeCellIndex, mode, widgets }} = {NOTEBOOK};
              const cells = widgets.map(({{ model }}) => [model.type, model.sharedModel.source]);
              return {{ activeCellIndex, mode, cells }};
            }}"""
        )

    def errors(self) -> list[str]:
        """Return the errors that cells have ended in."""
        return self.page.locator(".jp-OutputArea-output[data-mime-type*='error']").all_text_contents()

    def _wait(self, condition: str) -> None:
        self.page.wait_for_function(condition, timeout=1000 * PATIENCE)

    def _evaluate(self, script: str, *values: Any) -> Any:
        """Evaluate a script that returns a promise, which is not waited for without end."""
        late = f"new Promise((_, reject) => setTimeout(() => reject(new Error('too slow')), {1000 * PATIENCE}))"
        call = f"({script})(value)" if values else script  # a function of the value, or an expression
        return self.page.evaluate(f"(value) => Promise.race([{call}, {late}])", *values)
