"""The exercises of chapter 02: what a unit sees, a network as an affine map, one function in two implementations."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from equibook.exercises import exercise


@exercise(
    "02-1",
    title="How much does a unit see?",
    level="easy",
    minutes=5,
    wants="a whole number of pixels, such as 5",
    right="7 pixels, 2 more by the maximum, and 4 steps of 2 pixels each.",
)
def height_of_field(answer: Any) -> str | None:
    """Compare a number with the receptive field after 7 x 7, a maximum of 3 x 3 by 2, 5 x 5."""
    if isinstance(answer, bool) or not isinstance(answer, Real):
        return "Write a plain number, without quotes and without a unit."
    hints: dict[float, str] = {
        5: "That is what the second kernel sees of the maps before it. How much of the image do these maps see?",
        9: "So much is seen after the maximum. Now let the second kernel look at five of its numbers.",
        11: "Without the maximum it would be 11. After it, neighbours lie 2 pixels of the image apart.",
        13: "Nearly: after the maximum, neighbours lie 2 pixels of the image apart, not 1.",
        15: "Nearly: the maximum not only doubles the step, it also looks at 3 neighbours itself.",
        19: "Count the steps between the 5 places that the second kernel looks at, not the places.",
        35: "That is all that the second kernel could see if windows did not overlap. They do.",
        45: "That is all that the second kernel could see if windows did not overlap. They do.",
        289: "That is the number of pixels in all. Give the height.",
    }
    if answer == 17:
        return None
    return hints.get(
        float(answer), "After the maximum a number sees 9 pixels, and its neighbour lies 2 further. Go on."
    )


@exercise(
    "02-2",
    title="A network as an affine map",
    level="medium",
    minutes=10,
    wants="a function of `W1, b1, W2, b2, x` that returns a matrix A and a vector b",
    right="The gates multiply the rows of the first matrix, and its biases.",
)
def affine_map(answer: Callable[..., Any]) -> str | None:
    """Try a function on a network of two layers, at images that open different gates."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        shapes = [(6, 4), (6,), (3, 6), (3,), (4,)]
        first, offset, second, last, x = (rng.normal(size=shape) for shape in shapes)
        found = answer(first.copy(), offset.copy(), second.copy(), last.copy(), x.copy())
        if not isinstance(found, tuple | list) or len(found) != 2:
            return "Return two things, as in `return A, b`."
        matrix, bias = (np.asarray(part, dtype=float) for part in found)
        hint = _look_at_map(matrix, bias, (first, offset, second, last, x))
        if hint:
            return hint
    return None


def _look_at_map(matrix: np.ndarray, bias: np.ndarray, given: tuple[np.ndarray, ...]) -> str | None:
    first, offset, second, last, x = given
    if matrix.shape != (3, 4) or bias.shape != (3,):
        return f"A must have shape (3, 4) and b shape (3,) here, got {matrix.shape} and {bias.shape}."
    gates = first @ x + offset > 0
    right, constant = (second * gates) @ first, (second * gates) @ offset + last
    if np.allclose(matrix, right) and np.allclose(bias, constant):
        return None
    if np.allclose(matrix, second @ first):
        return "This is the map with all gates open. Which of the hidden numbers does the ReLU let through?"
    if np.allclose(matrix, (second * (first @ x > 0)) @ first):
        return "Nearly. A gate is open where W1 x + b1 is above 0: the bias has its say."
    if np.allclose(matrix, right) and np.allclose(bias, last):
        return "A is right. The biases of the first layer pass through the gates and W2 as well."
    if np.allclose(matrix, right) and np.allclose(bias, second @ offset + last):
        return "A is right. In b the biases of the first layer must pass through the gates, too."
    if np.allclose(matrix @ x + bias, second @ np.maximum(first @ x + offset, 0) + last):
        return "A x + b is the network at x, but not at images with the same gates. Let A depend on the gates alone."
    return "A x + b differs from the network at x. Write the ReLU as a multiplication by zeros and ones."


@exercise(
    "02-3",
    title="Fold a normalisation away",
    level="medium",
    minutes=10,
    wants="a function of `weight, bias, gamma, beta, mean, variance` that returns a new weight and a new bias",
    right="Two layers became one: the same function, and so the same parts.",
)
def fold_normalisation(answer: Callable[..., Any]) -> str | None:
    """Try a function on kernels of several channels."""
    rng = np.random.default_rng(1)
    weight, bias, gamma, beta, mean = (rng.normal(size=shape) for shape in [(3, 2, 5, 5), (3,), (3,), (3,), (3,)])
    variance = rng.uniform(0.5, 2, size=3)
    found = answer(*(part.copy() for part in (weight, bias, gamma, beta, mean, variance)))
    if not isinstance(found, tuple | list) or len(found) != 2:
        return "Return two things, as in `return new_weight, new_bias`."
    new_weight, new_bias = (np.asarray(part, dtype=float) for part in found)
    scale = gamma / np.sqrt(variance)
    if new_weight.shape != weight.shape or new_bias.shape != bias.shape:
        need = f"{weight.shape} and {bias.shape}"
        got = f"{new_weight.shape} and {new_bias.shape}"
        return f"The new ones must have shapes {need}, got {got}. Try scale[:, None, None, None]."
    if np.allclose(new_weight, weight * (gamma / variance)[:, None, None, None]):
        return "Divide by the standard deviation: the square root of the variance."
    if not np.allclose(new_weight, weight * scale[:, None, None, None]):
        return "What number is each output channel multiplied by? The kernel of that channel must be, too."
    if np.allclose(new_bias, beta - mean * scale):
        return "The weight is right. The old bias comes before the normalisation: less the mean, times the scale."
    if np.allclose(new_bias, bias * scale + beta):
        return "The weight is right. The normalisation also subtracts the mean."
    if not np.allclose(new_bias, (bias - mean) * scale + beta):
        return "The weight is right. Send the old bias through the normalisation: what comes out is the new one."
    return None
