"""Slides in a page, walked through from the first to the last.

`python tests/browser/slides_page.py FOLDER` does so with all slides in a folder, and prints what is wrong with them.
"""

import sys
from pathlib import Path
from typing import Any

WIDTH, HEIGHT = 1280, 720
# How far what is seen reaches to the right and down, in pixels of a slide; and what its section says of itself.
EXTENT = """() => {
  const slide = Reveal.getCurrentSlide(), scale = Reveal.getScale();
  const origin = document.querySelector(".reveal .slides").getBoundingClientRect();
  const seen = [...slide.querySelectorAll("*")].filter((node) => !node.closest("aside, mjx-assistive-mml"));
  const boxes = seen.map((node) => node.getBoundingClientRect()).filter((box) => box.width * box.height > 0);
  return [
    Math.max(slide.scrollWidth, ...boxes.map((box) => (box.right - origin.left) / scale)),
    Math.max(slide.scrollHeight, ...boxes.map((box) => (box.bottom - origin.top) / scale)),
  ];
}"""
SHOW_FRAGMENTS = """() => {
  for (const node of Reveal.getCurrentSlide().querySelectorAll(".fragment")) node.classList.add("visible");
}"""
NEXT = """() => {
  const { h, v } = Reveal.getIndices();
  Reveal.availableRoutes().down ? Reveal.slide(h, v + 1) : Reveal.slide(h + 1, 0);
}"""


def open_slides(page: Any, path: Path) -> int:
    """Open the slides in a file, wait until formulas are drawn, and return how many slides there are."""
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    page.goto(path.as_uri())
    page.wait_for_function("window.Reveal?.isReady() && window.MathJax?.startup?.promise")
    page.evaluate("() => MathJax.startup.promise")
    return page.evaluate("Reveal.getTotalSlides()")


def too_large(page: Any) -> list[tuple[int, int, int]]:
    """Walk through all slides, and return number, width and height of each that is larger than a slide."""
    found = []
    for number in range(1, page.evaluate("Reveal.getTotalSlides()") + 1):
        page.evaluate(SHOW_FRAGMENTS)
        page.wait_for_function("[...Reveal.getCurrentSlide().querySelectorAll('img')].every((image) => image.complete)")
        width, height = page.evaluate(EXTENT)
        if width > WIDTH + 0.5 or height > HEIGHT + 0.5:
            found.append((number, round(width), round(height)))
        page.evaluate(NEXT)
    return found


def main(folder: Path) -> int:
    """Print what is wrong with the slides in a folder, and return how many faults there are."""
    from driver import open_browser, watch

    faults = []
    with open_browser() as browser:
        for path in sorted(folder.glob("*.slides.html")):
            page = browser.new_context(offline=True).new_page()
            log = watch(page)
            number, larger = open_slides(page, path), too_large(page)
            print(f"{path.name}: {number} slides")
            faults += [f"{path.name}: slide {n} is {w} × {h}" for n, w, h in larger] + log.faults
    print("\n".join(faults) or "no fault")
    return len(faults)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
