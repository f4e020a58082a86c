"""From a control to the picture, in a real browser: `python benchmarks/latency.py [--book FOLDER]`.

JupyterLab runs on this machine, Chromium shows a notebook in it, and a key is pressed 25 times. The clock is the
browser's: from the key event to the first frame that is painted after the picture has changed. Then the same through a
proxy that holds everything back by 60 ms each way, as a network does. Ways to show one figure are compared:

- explorer: all pictures sent once in one widget, which this package takes (anywidget);
- stack: all pictures sent once, a widget each, in ipywidgets' Stack linked by jsdlink;
- interact: the kernel draws anew after every move (ipywidgets and matplotlib inline);
- live: the reader's own input, computed by the kernel and drawn by the browser.

`--book` names a built book: the size of its pages is stated too.
"""

import argparse
import queue
import socket
import statistics
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from report import print_table, write_json

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from driver import Notebook, open_browser, serve_jupyter, wait_until, what_is_missing  # noqa: E402

MOVES = 25
DELAY = 0.06  # seconds each way
FIGURE = """
import equibook as eq
from equibook.explorers import Choice, Explorer, Slider
X, y = eq.datasets.load_digits(classes=(3, 8))
box = eq.GlassBoxClassifier().fit(X[:100], y[:100])
one = X[:1]
def draw(angle):
    return eq.plots.plot_layers(box, eq.actions.rotate(one, angle), X=X[:40], y=y[:40])
angles = range(0, 360, 12)
"""
ARRAYS = """
import numpy as np
import equibook as eq
from equibook.explorers import Explorer, Slider
X, _ = eq.datasets.load_digits()
def draw(angle):
    return eq.actions.rotate(X[:1], angle * 1.2)[0, 0]
angles = range(300)
"""
MAKE = "Explorer(draw, angle=Slider(angles, unit='°'))"
STACK = """
from base64 import b64encode
from ipywidgets import HTML, HBox, IntSlider, Stack, VBox, jsdlink
press = "this.closest('.row').querySelector('.noUi-target').noUiSlider"
act = f"const s = {press}; s.set((Number(s.get()) + 1) % 30)"
def as_stack(frames):
    sources = ["data:image/png;base64," + b64encode(frame.png).decode() for frame in frames]
    stack = Stack([HTML(f'<img src="{source}" decoding="sync">') for source in sources], selected_index=0)
    slider = IntSlider(max=len(frames) - 1)
    jsdlink((slider, "value"), (stack, "selected_index"))
    row = HBox([slider, HTML(f'<button class="on" onclick="{act}">+</button>')])
    row.add_class("row")
    stack.add_class("stack")
    return VBox([row, stack])
"""
INTERACT = """
import ipywidgets
from IPython.display import Image, display
press = "this.closest('.row').querySelector('.noUi-target').noUiSlider"
act = f"const s = {press}; s.set((Number(s.get()) + 1) % 30)"
slider = ipywidgets.IntSlider(max=29)
row = ipywidgets.HBox([slider, ipywidgets.HTML(f'<button class="on" onclick="{act}">+</button>')])
row.add_class("row")
shown = ipywidgets.interactive_output(lambda i: display(Image(eq.plots.to_png(draw(12 * i)))), {"i": slider})
shown.add_class("shown")
"""
# name: cells before, the cell that shows the figure, what takes the key, the key, where the picture is
WAYS = {
    "explorer, 30 figures": (FIGURE + MAKE, MAKE, ".equibook input[type=range]", "ArrowRight", ".equibook-stage"),
    "stack, 30 figures": (
        FIGURE + STACK + f"frames = {MAKE}.frames",
        "as_stack(frames)",
        ".on",
        "Enter",
        ".stack",
    ),
    "explorer, 300 arrays": (ARRAYS + MAKE, MAKE, ".equibook input[type=range]", "ArrowRight", ".equibook-stage"),
    "stack, 300 arrays": (
        ARRAYS + STACK + f"frames = {MAKE}.frames",
        "as_stack(frames)",
        ".on",
        "Enter",
        ".stack",
    ),
    "interact, one figure": (
        FIGURE + INTERACT,
        "ipywidgets.VBox([row, shown])",
        ".on",
        "Enter",
        ".shown",
    ),
    "live": (
        FIGURE,
        "eq.live.LiveExplorer(box, X[:40], y[:40])",
        ".eqlive input[type=range]",
        "ArrowRight",
        ".eqlive-arrows",
    ),
}
RUN_CELL = "jupyterapp.commands.execute('notebook:run-cell-and-select-next')"
WATCH = """([control, picture]) => {
  window.latencies = [];
  let start = null;
  document.querySelector(control).addEventListener("keydown", (event) => { start = event.timeStamp; }, true);
  const painted = (begin) => requestAnimationFrame(() => {
    const channel = new MessageChannel();  // its message comes after the frame is painted
    channel.port1.onmessage = () => window.latencies.push(performance.now() - begin);
    channel.port2.postMessage(0);
  });
  new MutationObserver(() => {
    if (start !== null) painted(start);
    start = null;
  }).observe(document.querySelector(picture), { subtree: true, childList: true, attributes: true });
}"""


@contextmanager
def delayed(url, seconds):
    """Yield an address at which everything arrives `seconds` later, both ways."""
    target = urlsplit(url)
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        with suppress(OSError):  # closed at the end
            while True:
                here, _ = listener.accept()
                there = socket.create_connection((target.hostname, target.port))
                for source, sink in ((here, there), (there, here)):
                    pipe(source, sink, seconds)

    start_thread(accept)
    yield target._replace(netloc=f"127.0.0.1:{listener.getsockname()[1]}").geturl()
    listener.close()


def pipe(source, sink, seconds):
    """Pass on what arrives, each part so much later: one thread takes it, another gives it."""
    parts = queue.Queue()

    def take():
        with suppress(OSError):
            while data := source.recv(2**16):
                parts.put((time.monotonic() + seconds, data))
        parts.put(None)

    def give():
        with suppress(OSError):
            while part := parts.get():
                time.sleep(max(0, part[0] - time.monotonic()))
                sink.sendall(part[1])
            sink.shutdown(socket.SHUT_WR)

    start_thread(take)
    start_thread(give)


def start_thread(run):
    threading.Thread(target=run, daemon=True).start()


def write_notebook(path, before, show):
    """Write a notebook of two cells, for the Python that runs this."""
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in (before, show)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


def measure(page, jupyter, way):
    """Return seconds from running the last cell to its picture, and milliseconds of every move."""
    before, show, control, key, picture = WAYS[way]
    write_notebook(jupyter.folder / "way.ipynb", before, show)
    Notebook(page).open(jupyter, "way.ipynb")
    page.evaluate(RUN_CELL)
    start = time.perf_counter()
    page.evaluate(RUN_CELL)
    page.locator(picture).first.wait_for(timeout=40_000)
    page.wait_for_function(
        f"document.querySelector('{picture}').querySelector('img, canvas, svg')?.getClientRects().length"
    )
    opening = time.perf_counter() - start
    page.wait_for_timeout(1500)  # what was asked on opening is answered
    page.evaluate(WATCH, [control, picture])
    page.locator(control).first.focus()
    for n in range(MOVES):
        page.keyboard.press(key)
        wait_until(lambda n=n: page.evaluate("latencies.length") > n, f"{way}: move {n + 1}", patience=60)
        page.wait_for_timeout(100)  # a reader's hand is not faster
    return opening, page.evaluate("latencies")


def table(network_delay, found):
    columns = ["way", "opened, s", "median, ms", "p90, ms"]
    rows = [
        [way, f"{opening:.1f}", f"{statistics.median(moves):.0f}", f"{statistics.quantiles(moves, n=10)[8]:.0f}"]
        for way, (opening, moves) in found.items()
    ]
    print_table(f"Control to picture in JupyterLab, {1000 * network_delay:.0f} ms added each way", columns, rows)


def sizes(book):
    """Return the megabytes of every chapter's page."""
    return {page.stem: page.stat().st_size / 1e6 for page in sorted((book / "notebooks").glob("*.html"))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--book", type=Path, help="the folder of a built book, such as _build/html")
    parser.add_argument("--json", type=Path, default=Path("latency.json"))
    arguments = parser.parse_args()
    if missing := what_is_missing():
        sys.exit(missing)
    figures = {}
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser:
        cache = {"EQUIBOOK_CACHE": str(Path(folder) / ".cache")}
        with serve_jupyter(Path(folder), **cache) as jupyter:
            for delay in (0, DELAY):
                with delayed(jupyter.url, delay) as url:
                    found = {}
                    for way in WAYS:
                        with browser.new_context(viewport={"width": 1300, "height": 1000}) as context:
                            found[way] = measure(context.new_page(), jupyter._replace(url=url), way)
                    table(delay, found)
                    figures[f"{1000 * delay:.0f} ms each way"] = found
        print(f"\nChromium {browser.version}, JupyterLab {version('jupyterlab')}, anywidget {version('anywidget')}")
    if arguments.book:
        figures["megabytes"] = sizes(arguments.book)
        print_table("Pages of the book", ["page", "MB"], [[k, f"{v:.2f}"] for k, v in figures["megabytes"].items()])
    write_json(arguments.json, figures)


if __name__ == "__main__":
    main()
