"""What the figures of a study support, in plain sentences; and its table of 80 columns."""

import textwrap
from collections.abc import Iterator

from equibook.held_out import TURNED
from equibook.shares import Share
from equibook.sides import ALEXNET, GLASS, PIXELS, SIDES
from equibook.study import Study

WIDTH = 80
WIDE = 0.2  # an interval above this says little
EASY = 0.9  # pixels that read so many tell the classes apart already
MANY_FLAGGED = 0.1
LOPSIDED = 0.7
NAMES = {PIXELS: "pixels", GLASS: "the glass box", ALEXNET: "AlexNet's features"}


def advise(study: Study) -> list[str]:
    """Return what follows from a study, in sentences, the most important first; only what its intervals support.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of str

    Examples
    --------
    A study as far as it is looked at, with figures made up:

    >>> from types import SimpleNamespace
    >>> from equibook.advice import advise
    >>> from equibook.shares import Share
    >>> right = lambda side, view="upright": Share(210 if view == "turned" and side != "glass box" else 380, 400)
    >>> kept = {"labels": [""] * 400, "guessing": 0.5, "flagged": Share(4, 400), "weights": "imagenet"}
    >>> for sentence in advise(SimpleNamespace(right=right, **kept))[:4]:
    ...     print(sentence)
    Turned, pixels fall from 95% to 52%.
    Turned, AlexNet's features fall from 95% to 52%.
    Turned, the glass box reads as well as upright, as far as these images can tell.
    If your images may lie at any angle, the glass box is the one to take: turned, it reads the most.
    """
    return [*_on_turns(study), *_on_upright(study), *_on_numbers(study), *_on_use(study)]


def _on_turns(study: Study) -> Iterator[str]:
    keeps, upright, turned = [], {}, {}
    for side in SIDES:
        upright[side], turned[side] = study.right(side), study.right(side, TURNED)
        if turned[side].overlaps(upright[side]):
            keeps.append(NAMES[side])
        else:
            yield f"Turned, {NAMES[side]} fall{_s(side)} from {upright[side].value:.0%} to {turned[side].value:.0%}."
    if keeps:
        sides = " and ".join([", ".join(keeps[:-1]), keeps[-1]] if len(keeps) > 1 else keeps)
        one = len(keeps) == 1 and keeps[0] == NAMES[GLASS]
        yield f"Turned, {sides} read{'s' * one} as well as upright, as far as these images can tell."
    others = [side for side in SIDES if side != GLASS]
    if all(turned[GLASS].value > turned[side].value and not _alike(turned, GLASS, side) for side in others):
        yield "If your images may lie at any angle, the glass box is the one to take: turned, it reads the most."


def _on_upright(study: Study) -> Iterator[str]:
    shares = {side: study.right(side) for side in SIDES}
    best = max(SIDES, key=lambda side: shares[side].value)
    level = [side for side in SIDES if side != best and _alike(shares, best, side)]
    if len(level) == 2:
        yield "Upright, the three cannot be told apart: their intervals overlap."
    else:
        text = f"Upright, {NAMES[best]} read{_s(best)} the most ({shares[best].value:.0%})"
        yield f"{text}; the interval of {NAMES[level[0]]} overlaps." if level else f"{text}, and no interval overlaps."
    if shares[PIXELS].value >= EASY and (best == PIXELS or PIXELS in level):
        yield "Pixels tell your classes apart already: for images that always stand so, nothing more is needed."


def _on_numbers(study: Study) -> Iterator[str]:
    glass, n = study.right(GLASS), len(study.labels)
    low, high = glass.interval
    if low <= study.guessing:
        yield "The glass box may be no better than always saying the most frequent class: it needs more images."
    if high - low > WIDE:
        width = f"the interval of the accuracy is {100 * (high - low):.0f} points wide"
        yield f"{n} images are few: {width}. Four times as many would halve that."
    if study.guessing > LOPSIDED:
        yield f"{study.guessing:.0%} of the images are of one class: read every accuracy against that figure."


def _on_use(study: Study) -> Iterator[str]:
    if study.flagged.value > MANY_FLAGGED:
        yield (
            f"Of your own images {study.flagged.value:.0%} would be flagged as unlike the others when they are new: "
            "they differ a lot, or they are few."
        )
    if study.weights == "digits":
        yield (
            "AlexNet has here the weights that come with equibook, trained on handwritten digits. `equibook doctor` "
            "says how to fetch ImageNet's, which were trained on photographs."
        )


def format_study(study: Study) -> str:
    """Return the figures of a study as a table of 80 columns, and what follows from them.

    Parameters
    ----------
    study : Study

    Returns
    -------
    str

    Examples
    --------
    >>> from equibook import datasets
    >>> from equibook.advice import format_study
    >>> from equibook.study import study_images
    >>> X, y = datasets.load_shapes(6, 16, classes=("bar", "L"), random_state=0)
    >>> print(format_study(study_images(X, y, translation="fixed", weights="digits")))  # doctest: +ELLIPSIS
    6 images, grey, 16 x 16 pixels: L (3), bar (3).
    ...
      glass box           100.0% (61.0% to 100.0%)        100.0% (61.0% to 100.0%)
    ...
    """
    classes = ", ".join(f"{name} ({count})" for name, count in study.classes.items())
    size, kind = study.images.shape[-1], "colour" if study.images.shape[1] == 3 else "grey"
    n_parts = len(study.models)
    lines = [
        *textwrap.wrap(f"{len(study.labels)} images, {kind}, {size} x {size} pixels: {classes}.", WIDTH),
        "",
        *textwrap.wrap(
            f"Held out: each image was read by a model that had not seen it ({n_parts} parts), upright and "
            f"turned by a random angle. Accuracy, with 95 % intervals; the most frequent class: {study.guessing:.1%}.",
            WIDTH,
        ),
        "",
        f"{'':16}{'upright':>30}{'turned':>32}",
        *(f"  {side:14}{study.right(side)!s:>30}{study.right(side, TURNED)!s:>32}" for side in SIDES),
        "",
        "How far apart the turned images lie after each layer (standardised; PCA):",
        "",
        f"{'':28}{'between/within':>24}{'Fisher ratio':>20}",
    ]
    for side, layers in study.separation.items():
        for layer, found in layers.items():
            lines.append(f"  {side:14}{layer:12}{found.ratio:24.3f}{found.fisher:20.4f}")
    lines += ["", describe_choice(study), ""]
    advice = (textwrap.wrap(text, WIDTH, initial_indent="- ", subsequent_indent="  ") for text in advise(study))
    return "\n".join([*lines, *(line for wrapped in advice for line in wrapped)])


def describe_choice(study: Study) -> str:
    """Return which Layer 1 was chosen in the parts, and for the model of all images.

    Parameters
    ----------
    study : Study

    Returns
    -------
    str

    Examples
    --------
    A study as far as it is looked at:

    >>> from types import SimpleNamespace
    >>> from equibook import Representation
    >>> from equibook.advice import describe_choice
    >>> model, chosen = SimpleNamespace(representation_=Representation()), ("fixed", "centre", "fixed")
    >>> describe_choice(SimpleNamespace(model=model, models=(model,) * 3, translations=chosen))
    'Layer 1: fixed (in the 3 parts: fixed in 2, centre in 1).'
    """
    count = {name: study.translations.count(name) for name in dict.fromkeys(study.translations)}
    parts = ", ".join(f"{name} in {number}" for name, number in count.items())
    return f"Layer 1: {study.model.representation_.translation} (in the {len(study.models)} parts: {parts})."


def _alike(shares: dict[str, Share], one: str, other: str) -> bool:
    return shares[one].overlaps(shares[other])


def _s(side: str) -> str:
    return "s" if side == GLASS else ""
