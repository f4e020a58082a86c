r"""How equivariant a map is, how invariant, and how far apart it puts the classes.

The map f may be anything that takes images: a layer, a network, a whole pipeline. numpy arrays or tensors go in, numpy
numbers come out. A network is run in evaluation mode without gradients, and is left in the mode in which it came.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.spatial.distance import cdist
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from equibook._checks import as_real_tensor, as_rows, check_labels
from equibook.glassbox import GlassBoxClassifier
from equibook.representation import Pixels

Map = Callable[[Any], Any]

_DISTANCES_AT_ONCE = 2**20


@dataclass(frozen=True)
class ClassSeparation:
    """Distances within and between classes.

    Parameters
    ----------
    intra, inter : float
        Mean Euclidean distance over the pairs of one class, and over those of different classes.
    ratio : float
        inter / intra: 1 where the classes are not told apart.
    fisher : float
        tr S_B / tr S_W: scatter of the class means over the scatter about them, classes weighted by their size.

    Examples
    --------
    >>> from equibook.measure import class_separation
    >>> class_separation([0.0, 2.0, 1.0, 3.0], ["a", "a", "b", "b"]).ratio  # mixed: 1 or 3 apart, and 2 within
    0.75
    >>> class_separation([0.0, 2.0, 90.0, 92.0], ["a", "a", "b", "b"]).ratio
    45.0
    """

    intra: float
    inter: float
    ratio: float
    fisher: float


@dataclass(frozen=True, eq=False)
class EquivarianceReport:
    """The error of a map beside the two distances without which it says nothing; see `report`.

    Parameters
    ----------
    error : ndarray of shape (n_samples,)
        From f(g·x) to ρ(g) f(x).
    different : ndarray of shape (n_samples,)
        From f of another image to f(x).
    shuffled : ndarray of shape (n_samples,)
        From f(g·x) to ρ(g) f of another image.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.measure import report
    >>> found = report(np.zeros_like, np.eye(4), act_in=np.negative)  # a map that forgets everything
    >>> found.error.tolist(), found.different.tolist()  # has no error, and tells no images apart
    ([0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0])
    """

    error: np.ndarray
    different: np.ndarray
    shuffled: np.ndarray

    def __str__(self) -> str:
        head = "distance / norm".ljust(18) + "".join(f"{name:>10}" for name in _COLUMNS)
        return "\n".join([head, *(name.ljust(18) + "".join(f"{n:10.3g}" for n in row) for name, row in self._rows())])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{name}</th>' for name in ("distance / norm", *_COLUMNS))
        rows = [
            f'<tr><th scope="row">{name}</th>' + "".join(f"<td>{number:.3g}</td>" for number in row) + "</tr>"
            for name, row in self._rows()
        ]
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"

    def _rows(self) -> list[tuple[str, tuple[float, float, float]]]:
        return [
            ("error", _summary(self.error)),
            ("different images", _summary(self.different)),
            ("shuffled pairs", _summary(self.shuffled)),
        ]


_COLUMNS = ("median", "95 %", "largest")


def equivariance_error(f: Map, X: Any, act_in: Map, act_out: Map) -> np.ndarray:
    r"""Measure ‖f(g·x) − ρ(g) f(x)‖ / ‖ρ(g) f(x)‖, one number per image.

    Parameters
    ----------
    f : callable or torch.nn.Module
        Maps images to real or complex numbers of any shape (n_samples, ...).
    X : ndarray or Tensor of shape (n_samples, ...)
        Given to a module as a tensor, and to any other map as it is.
    act_in : callable
        How g acts on images, as in `functools.partial(actions.rotate, angle=90)`.
    act_out : callable
        How g acts on what f returns: ρ(g).

    Returns
    -------
    ndarray of shape (n_samples,)
        0 where both norms are zero, infinite where only the denominator is.

    Notes
    -----
    A map that forgets everything has the error 0: use `report` to see that.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.measure import equivariance_error
    >>> equivariance_error(np.square, np.eye(2), act_in=np.flipud, act_out=np.flipud)
    array([0., 0.])
    """
    original, moved = _values_of_both(f, X, act_in)
    return _relative_distance(moved, _act(act_out, original))


def invariance_error(f: Map, X: Any, act_in: Map) -> np.ndarray:
    r"""Measure ‖f(g·x) − f(x)‖ / ‖f(x)‖, one number per image: the equivariance error with ρ(g) = 1.

    Parameters
    ----------
    f : callable or torch.nn.Module
        Maps images to real or complex numbers of any shape (n_samples, ...).
    X : ndarray or Tensor of shape (n_samples, ...)
    act_in : callable
        How g acts on images.

    Returns
    -------
    ndarray of shape (n_samples,)
        0 where both norms are zero, infinite where only the denominator is.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.measure import invariance_error
    >>> X = np.array([[1.0, 2.0], [3.0, -4.0]])
    >>> invariance_error(np.abs, X, act_in=np.negative).tolist()  # the sign is forgotten
    [0.0, 0.0]
    >>> invariance_error(np.exp, X * 0 + 1, act_in=np.negative).round(3).tolist()  # |1/e - e| / e
    [0.865, 0.865]
    """
    return equivariance_error(f, X, act_in, _identity)


def report(f: Map, X: Any, act_in: Map, act_out: Map | None = None, random_state: Any = 0) -> EquivarianceReport:
    r"""Measure the error of a map, and beside it how far the map keeps different images apart.

    A small error from a map that forgets everything is worth nothing: a constant map is invariant to the last bit. So
    the same distance is taken between f of different images, and between f(g·x) and ρ(g) f of another image. The error
    tells of equivariance where it is small *against these two*.

    Parameters
    ----------
    f : callable or torch.nn.Module
        Maps images to real or complex numbers of any shape (n_samples, ...).
    X : ndarray or Tensor of shape (n_samples, ...)
        At least two images, best of all kinds that f is to tell apart.
    act_in : callable
        How g acts on images.
    act_out : callable, optional
        How g acts on what f returns; without it the invariance error is measured.
    random_state : int or numpy.random.Generator
        Chooses for each image another one.

    Returns
    -------
    EquivarianceReport
        Three numbers per image; it prints as a table.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.measure import report
    >>> print(report(np.square, np.eye(4), act_in=np.negative))
    distance / norm       median      95 %   largest
    error                      0         0         0
    different images        1.41      1.41      1.41
    shuffled pairs          1.41      1.41      1.41
    """
    original, moved = _values_of_both(f, X, act_in)
    expected = _act(act_out or _identity, original)
    rows, other = _as_rows(original, len(moved), "f"), _others(len(moved), random_state)
    return EquivarianceReport(
        error=_relative_distance(moved, expected),
        different=_relative_distance(rows[other], rows),
        shuffled=_relative_distance(moved, expected[other]),
    )


def class_separation(features: Any, y: Any) -> ClassSeparation:
    r"""Measure how far apart the classes lie, against how widely each is spread.

    Parameters
    ----------
    features : ndarray or Tensor of shape (n_samples, ...)
        Images, feature maps or feature vectors; each sample is read as one vector.
    y : array-like of shape (n_samples,)
        At least two classes, and two samples of at least one of them.

    Returns
    -------
    ClassSeparation
        `intra` and `inter`: the mean distance over pairs of distinct samples, each pair counted once.
        `ratio` = inter / intra. `fisher` = Σ n_c ‖μ_c − μ‖² / Σ_c Σ_(i in c) ‖x_i − μ_c‖².
        A quotient is 0 where both of its numbers are zero, and infinite where only the denominator is.

    Notes
    -----
    The time grows with the square of n_samples, the memory does not.

    Examples
    --------
    >>> from equibook.measure import class_separation
    >>> class_separation([0.0, 2.0, 6.0, 8.0], [0, 0, 1, 1])
    ClassSeparation(intra=2.0, inter=6.0, ratio=3.0, fisher=9.0)
    """
    rows = as_rows(features, name="features", or_complex=True)
    classes, sizes = _classes(y, len(rows))
    intra, inter = _mean_distances(rows, classes, sizes)
    between, within = _scatters(rows, classes, sizes)
    return ClassSeparation(intra, inter, float(_quotient(inter, intra)), float(_quotient(between, within)))


def separation_by_layer(model: GlassBoxClassifier, X: Any, y: Any) -> dict[str, ClassSeparation]:
    """Measure how far apart a model puts the classes after Layer 1 and after Layer 2.

    Parameters
    ----------
    model : GlassBoxClassifier
        Fitted; its Layers 1 and 2 are used.
    X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
    y : array-like of shape (n_samples,)

    Returns
    -------
    dict of ClassSeparation
        "representation", or "pixels" where the model has `Pixels` in its place: features, standardised as in `fit`.
        "reduction": components.

    Examples
    --------
    >>> import equibook as eq
    >>> from equibook.measure import separation_by_layer
    >>> X, y = eq.datasets.load_shapes(20, 16, classes=("bar", "ring"), random_state=0)
    >>> layer_1 = eq.Representation(scales=(1.6,), invariant="k0")
    >>> model = eq.GlassBoxClassifier(representation=layer_1).fit(X, y)
    >>> found = separation_by_layer(model, X, y)
    >>> list(found), all(separation.ratio > 1 for separation in found.values())
    (['representation', 'reduction'], True)
    """
    check_is_fitted(model)
    features = _as_rows(model.representation_.transform(X), None, "model")
    standardised = model.reduction_.scaler_.transform(features)
    layer_1 = "pixels" if isinstance(model.representation_, Pixels) else "representation"
    components = model.reduction_.pca_.transform(standardised)
    return {layer_1: class_separation(standardised, y), "reduction": class_separation(components, y)}


def _values_of_both(f: Map, X: Any, act_in: Map) -> tuple[Any, np.ndarray]:
    """Return f(x) as it comes, and f(g·x) as rows."""
    _check_callables(f=f, act_in=act_in)
    X = as_real_tensor(X, name="X") if isinstance(X, list | tuple | Tensor) else np.asarray(X)
    if X.ndim == 0 or len(X) == 0:
        hint = "Pass at least one image; for one image, pass `image[None]`."
        raise ValueError(f"`X` must hold images along its first axis, got shape {tuple(X.shape)}. {hint}")
    return _apply(f, X), _as_rows(_apply(f, act_in(X)), len(X), "f")


def _apply(f: Map, images: Any) -> Any:
    if not isinstance(f, nn.Module):
        return f(images)
    with in_evaluation_mode(f), torch.no_grad():
        return f(torch.as_tensor(images))


@contextmanager
def in_evaluation_mode(net: nn.Module) -> Iterator[None]:
    """Switch off dropout and the updates of batch statistics, and put every part back into its own mode.

    Parameters
    ----------
    net : torch.nn.Module
        Each part may have a mode of its own, such as a frozen batch norm within a network in training.

    Examples
    --------
    >>> from torch import nn
    >>> from equibook.measure import in_evaluation_mode
    >>> net = nn.Sequential(nn.Dropout(), nn.ReLU())
    >>> with in_evaluation_mode(net):
    ...     print(net[0].training)
    False
    >>> net[0].training
    True
    """
    modes = [(part, part.training) for part in net.modules()]
    net.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def _act(act_out: Map, original: Any) -> np.ndarray:
    _check_callables(act_out=act_out)
    return _as_rows(act_out(original), None, "act_out")


def _identity(values: Any) -> Any:
    return values


def _check_callables(**given: Any) -> None:
    for name, value in given.items():
        if not callable(value):
            hint = "Pass a function, such as `functools.partial(actions.rotate, angle=90)`."
            raise TypeError(f"`{name}` must be callable, got {type(value).__name__}. {hint}")


def _as_rows(values: Any, n_samples: int | None, name: str) -> np.ndarray:
    """Return numbers in double precision as an array of shape (n_samples, n_numbers)."""
    array = _as_array(values)
    if array.dtype.kind not in "fbiuc":
        raise TypeError(f"`{name}` must give numbers, got {array.dtype}. Use a map such as `decision_function`.")
    if array.ndim == 0 or len(array) != (len(array) if n_samples is None else n_samples):
        hint = "Keep the samples along the first axis."
        need = f"({'n_samples' if n_samples is None else n_samples}, ...)"
        raise ValueError(f"`{name}` must give shape {need}, got {array.shape}. {hint}")
    if not np.isfinite(array).all():
        raise ValueError(f"`{name}` must give finite numbers, got NaN or infinite ones. Look where they come from.")
    dtype = np.complex128 if array.dtype.kind == "c" else np.float64
    return np.ascontiguousarray(array.reshape(len(array), -1), dtype=dtype)


def _as_array(values: Any) -> np.ndarray:
    if not isinstance(values, Tensor):
        return np.asarray(values)
    return values.to(torch.complex128 if values.is_complex() else torch.float64).numpy(force=True)


def _relative_distance(rows: np.ndarray, reference: np.ndarray) -> np.ndarray:
    if rows.shape != reference.shape:
        got = f"{reference.shape[1]} numbers for {len(reference)} images against {rows.shape[1]} for {len(rows)}"
        hint = "Let both act on one and the same size."
        raise ValueError(f"`act_out` must give as many numbers as f of the moved images, got {got}. {hint}")
    return _quotient(_norms(rows - reference), _norms(reference))


def _norms(rows: np.ndarray) -> np.ndarray:
    """Return the norm of each row; the largest number is taken out first, so that no square over- or underflows."""
    peak = np.abs(rows).max(axis=1, initial=0)
    return peak * np.linalg.norm(rows / np.where(peak > 0, peak, 1)[:, None], axis=1)


def _quotient(numerator: Any, denominator: Any) -> np.ndarray:
    """Divide: 0 where both are zero, infinite where only the denominator is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((numerator == 0) & (denominator == 0), 0.0, np.divide(numerator, denominator))


def _others(n_samples: int, random_state: Any) -> np.ndarray:
    """Choose for each image another one: each is the successor of the one before it on a random round."""
    if n_samples < 2:
        hint = "Pass more images, best of all kinds that the map is to tell apart."
        raise ValueError(f"`X` must hold at least two images to compare, got {n_samples}. {hint}")
    tour = np.random.default_rng(random_state).permutation(n_samples)
    other = np.empty(n_samples, dtype=int)
    other[tour] = np.roll(tour, -1)
    return other


def _summary(numbers: np.ndarray) -> tuple[float, float, float]:
    """Return the median, the number that 95 % do not exceed, and the largest."""
    top = np.quantile(numbers, 0.95, method="inverted_cdf")
    return float(np.median(numbers)), float(top), float(numbers.max())


def _classes(y: Any, n_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the class of each sample as a number from 0 on, and the sizes of the classes."""
    names, classes, sizes = np.unique(check_labels(y, n_samples), return_inverse=True, return_counts=True)
    if len(names) < 2:
        hint = "Pass samples of a second class too."
        raise ValueError(f"`y` must hold at least two classes, got {names.tolist()}. {hint}")
    if sizes.max() < 2:
        hint = "Pass more samples: without pairs of one class there is no distance within it."
        raise ValueError(f"`y` must hold some class twice, got {len(names)} classes of one sample each. {hint}")
    return classes, sizes


def _mean_distances(rows: np.ndarray, classes: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    """Return the mean distance over the pairs of one class, and over those of two: a block of rows at a time."""
    within, between = 0.0, 0.0
    block = max(1, _DISTANCES_AT_ONCE // len(rows))
    for start in range(0, len(rows), block):
        distances = np.triu(cdist(rows[start : start + block], rows[start:]), k=1)
        same = classes[start : start + block, None] == classes[start:]
        within += float(distances[same].sum())
        between += float(distances[~same].sum())
    n_within = int((sizes * (sizes - 1) // 2).sum())
    n_between = len(rows) * (len(rows) - 1) // 2 - n_within
    return within / n_within, between / n_between


def _scatters(rows: np.ndarray, classes: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    """Return tr S_B, the scatter of the class means, and tr S_W, the scatter of the samples about them."""
    means = np.stack([rows[classes == label].mean(axis=0) for label in range(len(sizes))])
    between = sizes @ ((means - rows.mean(axis=0)) ** 2).sum(axis=1)
    within = sum(((rows[classes == label] - mean) ** 2).sum() for label, mean in enumerate(means))
    return float(between), float(within)
