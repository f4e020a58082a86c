"""What must hold for the pages of a built site, whatever stands in them: each function returns the faults it finds."""

import re
from functools import cache
from itertools import pairwise
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

# What a browser loads by itself, in contrast to the links that a reader follows.
LOADED = {"src", "srcset", "poster", "data"}
LOADED_LINKS = {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "manifest", "preconnect", "dns-prefetch"}
ELSEWHERE = re.compile(r"""(?:https?:)?//[\w.-]+""")
IN_STYLE = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")
IN_SCRIPT = re.compile(r"https?://(?!www\.w3\.org/)[^\s\"'`]+")  # the addresses of w3.org are names, not files


@cache
def read(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def pages(folder):
    return {path.relative_to(folder).as_posix(): read(path) for path in sorted(folder.rglob("*.html")) if is_page(path)}


def is_page(path):
    return "_static" not in path.parts  # there lie templates of the theme


def broken_links(folder):
    """Return the links and files of all pages that lead nowhere within the folder."""
    found = []
    for page, soup in pages(folder).items():
        for tag in soup.find_all(["a", "link", "script", "img"]):
            target = tag.get("href", tag.get("src", ""))
            if target and not is_reached(folder, folder / page, target):
                found.append(f"{page}: {target}")
    return found


def is_reached(folder, page, target):
    address = urlsplit(target)
    if address.scheme or address.netloc:
        return True  # another site, or data within the page
    path = (page.parent / unquote(address.path)).resolve() if address.path else page
    if not path.is_file() or not path.is_relative_to(folder.resolve()):
        return False
    name = unquote(address.fragment)
    return not name or bool(read(path).find(id=name) or read(path).find("a", attrs={"name": name}))


def loaded_from_elsewhere(folder):
    """Return what the pages and their style sheets would load from another site."""
    found = [f"{page}: {address}" for page, soup in pages(folder).items() for address in addresses(soup)]
    for path in folder.rglob("*.css"):
        found += [f"{path.name}: {address}" for address in IN_STYLE.findall(path.read_text(encoding="utf-8"))]
    return found


def addresses(soup):
    for tag in soup.find_all(True):
        names = LOADED | (
            {"href"} if LOADED_LINKS & {*(tag.get("rel") or [])} or tag.name in ("use", "image") else set()
        )
        yield from (tag[name] for name in names & tag.attrs.keys() if ELSEWHERE.match(tag[name].strip()))
        yield from IN_STYLE.findall(tag.get("style", ""))
        if tag.name == "style":
            yield from IN_STYLE.findall(tag.get_text())
        if tag.name == "script" and tag.get("type") != "application/json":
            yield from IN_SCRIPT.findall(tag.get_text())


def images_without_words(folder):
    """Return the images without alternative text."""
    found = pages(folder).items()
    return [f"{page}: {str(tag)[:80]}" for page, soup in found for tag in soup("img") if not tag.get("alt", "").strip()]


def skipped_headings(folder):
    """Return where the headings of a text do not begin with one of level 1, have another, or skip a level."""
    found = []
    for page, soup in pages(folder).items():
        levels = [int(tag.name[1]) for tag in (soup.article or soup).find_all(re.compile("^h[1-6]$"))]
        steps = pairwise(levels)
        if levels[:1] != [1] or 1 in levels[1:] or any(after > before + 1 for before, after in steps):
            found.append(f"{page}: {levels}")
    return found
