"""A Sphinx extension: the first use of each glossary term on a page, and in each entry of the glossary, is a link.

The notebooks stay plain: a page is searched when it is written, once code, formulas, links and headings are nodes of
their own. What a link leads to is named by its tooltip, the first sentence of the entry.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.util.nodes import make_refnode

# Forms of a term besides its plural in -s, -es or -ies.
FORMS = {
    "action": ["act on", "acts on", "acting on"],
    "aliasing": ["alias", "aliases"],
    "axioms of a group": ["axiom", "axioms", "closure", "associativity"],
    "centre of mass": ["centres of mass"],
    "circulant matrix": ["circulant"],
    "CKA": ["linear CKA"],
    "commute": ["commutes"],
    "cross-spectrum": ["cross-spectra"],
    "decision region": ["region", "regions", "boundary"],
    "eigenvalue": ["eigenvector", "eigenvectors"],
    "equivariance error": ["invariance error", "invariance errors"],
    "equivariant": ["equivariance"],
    "fine-tuning": ["fine-tune", "fine-tuned"],
    "Fourier transform": ["FFT"],
    "held out": ["held-out"],
    "homogeneous of degree 1": ["homogeneous"],
    "image representation": ["representation"],
    "inter-class distance": ["inter"],
    "interpolation": ["interpolate", "interpolates", "interpolated"],
    "intra-class distance": ["intra"],
    "invariant": ["invariance"],
    "lifting": ["lift", "lifts", "lifted"],
    "Mahalanobis distance": ["Mahalanobis"],
    "modulus": ["moduli"],
    "PCA": ["principal component analysis"],
    "peak signal-to-noise ratio": ["PSNR"],
    "regularisation": ["regularised"],
    "repacked convolution": ["repacked"],
    "shift": ["shifted", "translation"],
    "silent unit": ["silent"],
    "singular value decomposition": ["SVD"],
    "standardisation": ["standardise", "standardises", "standardised"],
    "Toeplitz matrix": ["Toeplitz", "doubly block Toeplitz"],
    "turned copy": ["turned copies"],
    "unfolding": ["unfold", "unfolds", "unfolded"],
    "validation": ["validate", "cross-validation", "cross-validated"],
    "whitening": ["whiten", "whitens", "whitened"],
}
# Where a word is not the term: what is passed over, as regular expressions.
OTHER_SENSES = [
    r"(?:in|this|other|another|the)\s+order(?!\s+of\s+the\s+group)",
    r"(?:the\s+)?frame\s+(?:is|in|or)|frames\s+of",
    r"(?:for|both|its|in|the|at|to)\s+scales?|scales\s+every",
    r"(?:in|different|its)\s+units?",
    r"turns\s+negative|in\s+turns?",
    r"(?:radial|no|a\s+live|without\s+a)\s+kernels?",
    r"on\s+a\s+ring|rings\s+(?:of|mark)|ring(?=:)",
    r"three\s+groups",
    r"shift(?=\+)|removes\s+a\s+bias|correlation\s+of\s+the\s+two|a\s+mixture\s+with|class\s+used\s+here",
    r"(?:the\s+)?identity\s+(?:matrix|map)|internal\s+representation|the\s+same\s+distance",
]
# Where no phrase tells: terms that mean something else on a page.
NOT_ON = {
    "01_convolution": ["ring"],
    "02_unfolded_network": ["turn"],
    "07_dimension_reduction": ["unit"],
    "08_classifiers": ["ring", "scale"],
    "13_many_classes": ["order"],
    "robustness": ["order", "silent unit"],
    "troubleshooting": ["kernel", "window"],
}
# What is not searched: what has a meaning of its own as it stands, and what is no text of the page.
PASSED_OVER = (
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    nodes.reference,
    nodes.title,
    nodes.rubric,
    nodes.strong,
    nodes.term,
    nodes.classifier,
    nodes.field_name,
    nodes.comment,
    nodes.Invisible,
)
PASSED_OVER_CLASSES = {"cell_output", "cell_input", "sig", "toctree-wrapper"}
PLAIN = ("docs/api/", "docs/bibliography")  # there words are those of code, as a class of Python, or of titles
LAST_SECTION, LONGEST_NAME = "sources", 2  # in that section longer emphasised texts are titles of papers
Link = Callable[[str, str], nodes.Node]  # of a term and the text to be shown


class Vocabulary(NamedTuple):
    """The terms of a glossary: how they are found, and which term a form belongs to."""

    pattern: re.Pattern[str]
    term_of: dict[str, str]


def forms(term: str) -> Iterator[str]:
    """Yield a term, its plural, and its other forms, in lower case."""
    yield from (form.lower() for form in (term, *FORMS.get(term, ())))
    word = term.lower()
    if word.endswith("y") and not word.endswith(("ay", "ey", "oy")):
        yield f"{word[:-1]}ies"
    elif word.endswith(("s", "x", "ch", "sh")):
        yield f"{word}es"
    else:
        yield f"{word}s"


def make_vocabulary(terms: Iterable[str]) -> Vocabulary:
    """Return what finds terms in a text, the longest first."""
    term_of = {form: term for term in terms for form in forms(term)}
    longest_first = sorted(term_of, key=len, reverse=True)
    words = "|".join(r"\s+".join(map(re.escape, form.split())) for form in longest_first) or r"(?!)"
    others = "|".join(OTHER_SENSES) or r"(?!)"
    return Vocabulary(re.compile(rf"(?<![\w-])(?:(?:{others})|(?P<form>{words}))(?![\w-])", re.IGNORECASE), term_of)


def texts(root: nodes.Element, *, in_sources: bool = False) -> Iterator[list[nodes.Text]]:
    """Yield what is to be searched: runs of text, which a line break may have cut into several nodes."""
    in_sources = in_sources or LAST_SECTION in root.get("names", [])
    for is_text, run in groupby(list(root.children), lambda child: isinstance(child, nodes.Text)):
        if is_text:
            yield list(run)
        else:
            for child in run:
                if not (is_passed_over(child) or (in_sources and is_title(child))):
                    yield from texts(child, in_sources=in_sources)


def is_passed_over(node: nodes.Node) -> bool:
    """Say whether no link is made within a node."""
    names = {*node.get("classes", []), node.get("nb_element", "")}
    return isinstance(node, PASSED_OVER) or bool(names & PASSED_OVER_CLASSES)


def is_title(node: nodes.Node) -> bool:
    """Say whether a node of a list of sources is the title of a paper."""
    return isinstance(node, nodes.emphasis) and len(node.astext().split()) > LONGEST_NAME


def link_run(run: list[nodes.Text], words: Vocabulary, seen: set[str], link: Link) -> None:
    """Put a link in place of each term of a text that was not seen before."""
    text, parts, end = "".join(node.astext() for node in run), [], 0
    for match in words.pattern.finditer(text):
        term = words.term_of.get(" ".join((match["form"] or "").lower().split()))
        if term and term not in seen:
            seen.add(term)
            parts += [nodes.Text(text[end : match.start()]), link(term, match.group())]
            end = match.end()
    if parts:
        parts = [part for part in (*parts, nodes.Text(text[end:])) if part.astext()]
        parent, places = run[0].parent, [id(node) for node in run]  # texts are equal that are not the same
        children = [(parts if id(c) == places[0] else []) if id(c) in places else [c] for c in parent.children]
        parent.children = []
        parent.extend(child for several in children for child in several)


def link_terms(root: nodes.Element, words: Vocabulary, link: Link, seen: Iterable[str] = ()) -> set[str]:
    """Make the first use of each term below `root` a link, but of those `seen`, and return the terms that got one."""
    before = {*seen}
    now = set(before)
    for run in list(texts(root)):
        link_run(run, words, now, link)
    return now - before


# --- within Sphinx ---


class Entry(NamedTuple):
    """Where a term is explained, and the first sentence there."""

    page: str
    anchor: str
    tooltip: str


def entries_of(env: Any) -> dict[str, Entry]:
    """Return the entries of all glossaries of a book."""
    objects = env.get_domain("std").get_objects()
    places = {name: (page, anchor) for name, _, kind, page, anchor, _ in objects if kind == "term"}
    said = {page: dict(first_sentences(env.get_doctree(page))) for page in {page for page, _ in places.values()}}
    return {term: Entry(page, anchor, said[page].get(anchor, "")) for term, (page, anchor) in places.items()}


def first_sentences(document: nodes.document) -> Iterator[tuple[str, str]]:
    """Yield the name of the place of each entry, and its first sentence, unless that holds a formula to be drawn."""
    for item in document.findall(nodes.definition_list_item):
        definition = " ".join(item.children[-1].astext().split())
        sentence = re.match(r".*?\.(?= |$)|.*", definition).group()
        if "\\" not in sentence:
            yield from ((anchor, sentence) for term in item.findall(nodes.term) for anchor in term["ids"])


def linked_by_hand(root: nodes.Element, entries: dict[str, Entry]) -> Iterator[str]:
    """Yield the terms that an author has linked with the role `term`."""
    term_of = {entry.anchor: term for term, entry in entries.items()}
    for reference in root.findall(nodes.reference):
        anchor = reference.get("refid") or reference.get("refuri", "").partition("#")[2]
        if anchor in term_of:
            yield term_of[anchor]


def link_page(app: Any, page: nodes.document, name: str) -> None:
    """Link the terms of a page that was read; in a glossary, those of each entry."""
    if not hasattr(app.env, "equibook_entries"):
        app.env.equibook_entries = entries_of(app.env)
        app.env.equibook_words = make_vocabulary(app.env.equibook_entries)
    entries, words = app.env.equibook_entries, app.env.equibook_words

    def link(term: str, text: str) -> nodes.Node:
        entry, shown = entries[term], nodes.inline("", text, classes=["std", "std-term"])
        return make_refnode(app.builder, name, entry.page, entry.anchor, shown, entry.tooltip)

    own = {entry.anchor: term for term, entry in entries.items() if entry.page == name}
    for item in page.findall(nodes.definition_list_item):
        if explained := [own[anchor] for term in item.findall(nodes.term) for anchor in term["ids"] if anchor in own]:
            link_terms(item, words, link, [*explained, *linked_by_hand(item, entries)])
    if not own and not name.startswith(PLAIN):
        link_terms(page, words, link, [*NOT_ON.get(PurePosixPath(name).name, []), *linked_by_hand(page, entries)])


def setup(app: Any) -> dict[str, bool]:
    """Tell Sphinx when to call the function above; Sphinx itself calls this one."""
    app.connect("doctree-resolved", link_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
