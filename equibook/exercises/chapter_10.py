"""The exercises of chapter 10: what a convolution costs, how far a stage sees, how alike two turned filters are."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from equibook.exercises import exercise


@exercise(
    "10-1",
    title="The price of a convolution",
    level="easy",
    minutes=6,
    wants="a function of `n_in, n_out, kernel, size_out` that returns two whole numbers",
    right="The weights do not depend on the size of the maps, the arithmetic does.",
)
def price(answer: Callable[..., Any]) -> str | None:
    """Try a function on two layers of AlexNet."""
    layers = [(3, 64, 11, 15), (64, 192, 5, 7)]
    found = [answer(*layer) for layer in layers]
    for pair in found:
        if not isinstance(pair, tuple | list | np.ndarray) or len(pair) != 2:
            return "Return two numbers, as in `return weights, multiply_adds`."
        if not all(isinstance(number, Real) and not isinstance(number, bool | np.bool) for number in pair):
            return "Both must be plain numbers."
    weights, arithmetic = (np.array(column, dtype=float) for column in zip(*found, strict=True))
    n_in, n_out, kernel, size = np.array(layers, dtype=float).T
    taps = n_in * n_out * kernel**2
    return _look_at_weights(weights, taps, n_in, n_out, kernel) or _look_at_arithmetic(
        arithmetic, taps, n_in, n_out, kernel, size
    )


def _look_at_weights(found: Any, taps: Any, n_in: Any, n_out: Any, kernel: Any) -> str | None:
    if np.array_equal(found, taps + n_out):
        return None
    if np.array_equal(found, taps):
        return "The weights are short of the biases: one for each filter."
    if np.array_equal(found, taps + 1):
        return "There is one bias for each filter, not one for the layer."
    if np.array_equal(found, taps + n_in):
        return "Biases belong to what comes out: one for each filter."
    if np.array_equal(found, n_out * kernel**2 + n_out):
        return "A filter has a kernel for each channel that comes in."
    if np.array_equal(found, n_in * n_out * kernel + n_out):
        return "A kernel has a height and a width: square `kernel`."
    return f"conv1, with (3, 64, 11, 15), has 23296 weights. Your function says {found[0]:g}."


def _look_at_arithmetic(found: Any, taps: Any, n_in: Any, n_out: Any, kernel: Any, size: Any) -> str | None:
    if np.array_equal(found, taps * size**2):
        return None
    if np.array_equal(found, taps):
        return "That is for one place. A filter is applied at every place of the map that comes out."
    if np.array_equal(found, taps * size):
        return "The map has size_out rows and size_out columns."
    if np.array_equal(found, (taps + n_out) * size**2):
        return "A bias is added, not multiplied: leave it out of the multiply-adds."
    if np.array_equal(found, n_out * kernel**2 * size**2):
        return "Each value sums over all channels that come in."
    if np.array_equal(found, 2 * taps * size**2):
        return "A multiplication with its addition counts once here."
    return f"conv1, with (3, 64, 11, 15), takes 5227200 multiply-adds. Your function says {found[0]:g}."


@exercise(
    "10-2",
    title="How far does it see?",
    level="medium",
    minutes=10,
    wants="a function of a list of pairs (kernel, stride) that returns two whole numbers",
    right="Each kernel adds in steps of the strides before it. That is why pooling early makes a network see far.",
)
def receptive_field(answer: Callable[..., Any]) -> str | None:
    """Try a function on three stacks of layers."""
    stacks = [[(11, 4)], [(3, 1), (3, 1)], [(11, 4), (3, 2), (5, 1), (3, 2)], [(2, 2), (3, 3)]]
    found = [answer([*stack]) for stack in stacks]
    for pair in found:
        if not isinstance(pair, tuple | list | np.ndarray) or len(pair) != 2:
            return "Return two numbers, as in `return sees, stride`."
    right = [_follow(stack) for stack in stacks]
    if all(tuple(map(float, pair)) == want for pair, want in zip(found, right, strict=True)):
        return None
    sees, strides = ([float(pair[i]) for pair in found] for i in (0, 1))
    if strides != [stride for _, stride in right]:
        if strides == [sum(s for _, s in stack) for stack in stacks]:
            return "Strides multiply: two steps of 2 are one step of 4."
        if strides == [stack[-1][1] for stack in stacks]:
            return "That is the stride of the last layer alone. It steps over maps that step already."
        return f"For {stacks[2]} the stride is 16. Your function says {strides[2]:g}."
    wrong = {
        "Each layer widens by kernel - 1, times the stride of all layers *before* it. You took its own as well.": (
            lambda stack: _follow(stack, own=True)[0]
        ),
        "A step of a later layer is several pixels wide: multiply kernel - 1 by the stride so far.": (
            lambda stack: 1 + sum(k - 1 for k, _ in stack)
        ),
        "Neighbouring windows overlap: a layer widens by kernel - 1 steps, not by kernel.": (
            lambda stack: _follow(stack, whole=True)[0]
        ),
        "Start from one pixel, which sees itself: 1, not 0.": lambda stack: _follow(stack)[0] - 1,
        "A window of windows is smaller than the product of the kernels: they overlap.": (
            lambda stack: np.prod([k for k, _ in stack])
        ),
    }
    for hint, rule in wrong.items():
        if sees == [float(rule(stack)) for stack in stacks]:
            return hint
    i = next(i for i, (see, want) in enumerate(zip(sees, right, strict=True)) if see != want[0])
    return f"For {stacks[i]} one value sees {right[i][0]:g} pixels. Your function says {sees[i]:g}. Draw it."


def _follow(stack: list[tuple[int, int]], *, own: bool = False, whole: bool = False) -> tuple[float, float]:
    sees, stride = 1, 1
    for kernel, step in stack:
        sees += (kernel if whole else kernel - 1) * (stride * step if own else stride)
        stride *= step
    return float(sees), float(stride)


@exercise(
    "10-3",
    title="Alike after a quarter turn",
    level="hard",
    minutes=12,
    wants="a function of two square arrays that returns a number between -1 and 1",
    right="Four cosines, and the largest of them: that is one edge of the graph.",
)
def likeness(answer: Callable[..., Any]) -> str | None:
    """Try a function on pairs of kernels: turned, scaled, negated, reflected, unrelated."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 5)) + 1
    pairs = [
        (a, 3 * np.rot90(a)),
        (a, b),
        (np.rot90(b, 3), 0.5 * b),
        (a, -a),
        (a, np.fliplr(a)),
        (2 * b, np.rot90(b, 2)),
    ]
    found = [answer(one.copy(), other.copy()) for one, other in pairs]
    if not all(isinstance(value, Real) and not isinstance(value, bool) for value in found):
        return "Return one plain number."
    values = np.array(found, dtype=float)
    cosines = np.array([[_cosine(np.rot90(one, n), other) for n in range(4)] for one, other in pairs])
    if np.allclose(values, cosines.max(axis=1)):
        return None
    wrong = {
        "That compares them as they stand. Turn one of them by 0, 1, 2 and 3 quarters.": cosines[:, 0],
        "That is one quarter turn alone. Take the best of all four.": cosines[:, 1],
        "Take the largest of the four, not their mean.": cosines.mean(axis=1),
        "A negated copy is no turned copy here: take the largest value, not the largest size.": np.abs(cosines).max(
            axis=1
        ),
    }
    for hint, values_then in wrong.items():
        if np.allclose(values, values_then):
            return hint
    plain = [max(float((np.rot90(one, n) * other).sum()) for n in range(4)) for one, other in pairs]
    if np.allclose(values, plain):
        return "A kernel three times as strong is still a copy: divide by the lengths of both."
    centred = [
        max(np.corrcoef(np.rot90(one, n).ravel(), other.ravel())[0, 1] for n in range(4)) for one, other in pairs
    ]
    if np.allclose(values, centred):
        return "You subtracted the means first. The brightness of a kernel belongs to it: do without."
    flips = [max(_cosine(np.rot90(two, n), other) for n in range(4) for two in (one, one.T)) for one, other in pairs]
    if np.allclose(values, flips):
        return "You tried reflections, too. Only the four quarter turns were asked for."
    if values[0] < 0.999:
        return f"Of a kernel and its turned copy, three times as strong, it says {values[0]:.3f} instead of 1."
    return f"Of a kernel and its negative it says {values[3]:.3f} instead of {cosines[3].max():.3f}."


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))
