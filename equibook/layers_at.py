"""What every layer of a model makes of one image, as arrays: the numbers behind a picture of the whole model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from equibook._checks import as_images, check_labels, check_same_shape, check_squares
from equibook.classifiers import AFFINE, as_affine, decision_scores
from equibook.drawing import MOST_POINTS, group_name, strongest_responses, to_plane
from equibook.explanation import Explanation
from equibook.glassbox import GlassBoxClassifier
from equibook.invariant import FeatureTable

GROUPS = ("scale", "ring", "k")
BLANK = 0.02  # an image that is nowhere brighter has nothing to read


@dataclass(frozen=True)
class LayersAt:
    """What the layers make of one image.

    Parameters
    ----------
    strength, orientation : ndarrays of shape (n_scales, height, width)
        Layer 1 lifts: of the strongest response at each place, in the unit of the image and in degrees.
    coefficients : complex ndarray of shape (n_coefficients,)
        Layer 1 reads.
    features : ndarray of shape (n_features,)
        Layer 1 keeps: invariants, in the unit of the image.
    components : ndarray of shape (n_components,)
        Layer 2.
    scores : ndarray of shape (1,) for two classes, otherwise (n_classes,)
        Layer 3.
    predicted : label
    novelty : float
        Above 1: unlike all training images.
    why : Explanation, optional
        None where the score is not affine in the features.
    table : FeatureTable
        What each feature is, and each coefficient.

    Examples
    --------
    >>> import equibook as eq
    >>> from equibook.layers_at import read_layers
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> layer_1 = eq.Representation(scales=(1.6,), invariant="k0")
    >>> found = read_layers(eq.GlassBoxClassifier(representation=layer_1).fit(X, y), X[:1])
    >>> for name in ("strength", "orientation", "coefficients", "features", "scores"):
    ...     print(name, getattr(found, name).shape)
    strength (1, 16, 16)
    orientation (1, 16, 16)
    coefficients (154,)
    features (32,)
    scores (1,)
    """

    strength: np.ndarray
    orientation: np.ndarray
    coefficients: np.ndarray
    features: np.ndarray
    components: np.ndarray
    scores: np.ndarray
    predicted: Any
    novelty: float
    why: Explanation | None
    table: FeatureTable


def read_layers(model: GlassBoxClassifier, image: Any) -> LayersAt:
    """Return what every layer makes of one image, in one pass forward and one back.

    Parameters
    ----------
    model : GlassBoxClassifier
        Fitted, with a `Representation`.
    image : ndarray or Tensor of shape (1, n_channels, height, width) or (1, height, width)

    Returns
    -------
    LayersAt

    Examples
    --------
    >>> import equibook as eq
    >>> from equibook.layers_at import read_layers
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> layer_1 = eq.Representation(scales=(1.6,), invariant="k0")
    >>> model = eq.GlassBoxClassifier(representation=layer_1).fit(X, y)
    >>> found = read_layers(model, X[:1])
    >>> str(found.predicted), bool(found.novelty < 1)
    ('ring', True)
    >>> rest = found.scores[0] - found.why.pixels.sum() - found.why.bias[0]
    >>> bool(abs(rest) < 1e-9)  # pixels and bias make the score
    True
    """
    x = as_images(image, name="image")
    strength, orientation = strongest_responses(model, x)
    seen = _prepare(model, x).requires_grad_()
    coefficients, features = _pass_forward(model, seen)
    rows = features.detach().cpu().numpy()
    components = model.reduction_.transform(rows)
    scores = np.atleast_1d(decision_scores(model.classifier_, components)[0])
    return LayersAt(
        strength=strength,
        orientation=orientation,
        coefficients=coefficients.detach().cpu().numpy()[0],
        features=rows[0],
        components=components[0],
        scores=scores,
        predicted=model.classifier_.predict(components)[0],
        novelty=float(model.novelty_.score(rows)[0]),
        why=_explain(model, seen, features, scores) if model.classifier in AFFINE else None,
        table=model.representation_.table_,
    )


def read_features(model: GlassBoxClassifier, image: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients and the features of one image, (n_coefficients,) and (n_features,), in float64.

    Parameters
    ----------
    model : GlassBoxClassifier
        Fitted, with a `Representation`.
    image : ndarray or Tensor of shape (1, n_channels, height, width) or (1, height, width)

    Returns
    -------
    coefficients : complex ndarray of shape (n_coefficients,)
    features : ndarray of shape (n_features,)

    Examples
    --------
    A turn moves the coefficients and leaves the features.

    >>> import numpy as np
    >>> import equibook as eq
    >>> from equibook.layers_at import read_features
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "L"), random_state=0)
    >>> layer_1 = eq.Representation(scales=(1.6,), invariant="power")
    >>> model = eq.GlassBoxClassifier(representation=layer_1).fit(X, y)
    >>> upright, turned = (read_features(model, eq.actions.rotate(X[:1], angle)) for angle in (0, 90))
    >>> [np.allclose(*pair) for pair in zip(upright, turned)]
    [False, True]
    """
    with torch.inference_mode():
        x = check_squares(as_images(image, name="image"), name="image")
        coefficients, features = _pass_forward(model, _prepare(model, x))
    return coefficients[0].cpu().numpy(), features[0].cpu().numpy()


def _prepare(model: GlassBoxClassifier, x: Tensor) -> Tensor:
    return x.detach().clone().to(model.representation_.device, torch.float64)


def _pass_forward(model: GlassBoxClassifier, x: Tensor) -> tuple[Tensor, Tensor]:
    network = model.representation_.network(torch.float64)
    coefficients = network[:-1](x)
    return coefficients, network[-1](coefficients)


def _explain(model: GlassBoxClassifier, x: Tensor, features: Tensor, scores: np.ndarray) -> Explanation:
    """Return what `model.explain` returns, from features that are there: a second pass would take too long."""
    to_scores, offset = as_affine(model.classifier_)
    to_components, shift = model.reduction_.as_affine()
    column = int(scores.argmax()) if len(scores) > 1 else 0
    weights = to_scores[column] @ to_components
    parts = features * torch.from_numpy(weights).to(features.device)
    (gradient,) = torch.autograd.grad(parts.sum(), x)
    return Explanation(
        features=parts.detach().cpu().numpy(),
        pixels=(gradient * x.detach()).cpu().numpy(),
        bias=to_scores[[column]] @ shift + offset[[column]],
        score=scores[[column]],
        target=model.classes_[[column if len(scores) > 1 else 1]],
        reference=(model.reduction_.scaler_.mean_ * weights)[None],
        table=model.representation_.table_,
    )


def sum_sizes(coefficients: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Return the summed sizes over all coefficients of each angular frequency that there is: (..., n_frequencies).

    Parameters
    ----------
    coefficients : complex ndarray of shape (..., n_coefficients)
    k : int ndarray of shape (n_coefficients,)

    Returns
    -------
    ndarray of shape (..., n_frequencies)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.layers_at import sum_sizes
    >>> sum_sizes(np.array([3.0, -4.0, 2.0j, 1.0]), np.array([0, 1, 1, 2])).tolist()
    [3.0, 6.0, 1.0]
    """
    return np.abs(coefficients) @ (k[:, None] == np.unique(k))


def find_strongest(coefficients: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Return, for each angular frequency from 1 on, the row of the coefficient with the largest size.

    Parameters
    ----------
    coefficients : complex ndarray of shape (n_coefficients,)
    k : int ndarray of shape (n_coefficients,)

    Returns
    -------
    int ndarray of shape (n_frequencies,)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.layers_at import find_strongest
    >>> find_strongest(np.array([9.0, 1.0, -4.0, 2.0j]), np.array([0, 1, 1, 2])).tolist()
    [2, 3]
    """
    frequencies = np.unique(k[k > 0])
    return np.array([np.argmax(np.where(k == one, np.abs(coefficients), -1)) for one in frequencies], dtype=int)


def split_by_kind(table: FeatureTable) -> dict[str, np.ndarray]:
    """Return the features by what was done to the coefficients, in the order of their scales; no kind is empty.

    Parameters
    ----------
    table : FeatureTable

    Returns
    -------
    dict from a kind to an int ndarray of shape (n_features_of_kind,)

    Examples
    --------
    >>> from equibook.equivariant import EquivariantLayer
    >>> from equibook.invariant import Invariants
    >>> from equibook.layers_at import split_by_kind
    >>> table = Invariants(EquivariantLayer(16, scales=(1.6,)).table, "cross").table
    >>> {kind: len(rows) for kind, rows in split_by_kind(table).items()}
    {'k = 0': 32, 'lengths': 132, 'products': 400}
    """
    kinds = {
        "k = 0": table.k == 0,
        "lengths": (table.k != 0) & (table.b < 0),
        "products": table.b >= 0,
    }
    by_scale = np.argsort(table.scale, kind="stable")
    return {name: by_scale[chosen[by_scale]] for name, chosen in kinds.items() if chosen.any()}


@dataclass(frozen=True)
class KnownImages:
    """What the layers make of images with known labels: the scale that another image is drawn on.

    Parameters
    ----------
    points : ndarray of shape (n_samples, 2)
        The first two components; the second is 0 where there is one only.
    labels : ndarray of shape (n_samples,)
    scores : ndarray of shape (n_samples,) for two classes, otherwise (n_samples, n_classes)
    largest_sum : float
        Of the sizes of the coefficients of one angular frequency.
    largest_features : ndarray of shape (n_features,)
        The largest size of a feature of the same kind and scale.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.layers_at import KnownImages
    >>> points, labels, scores = np.array([[0.0, 1.0], [2.0, 0.0]]), np.array([3, 8]), np.array([-1.5, 2.5])
    >>> known = KnownImages(points, labels, scores, largest_sum=7.0, largest_features=np.ones(32))
    >>> dict(zip(known.labels.tolist(), known.points.tolist()))
    {3: [0.0, 1.0], 8: [2.0, 0.0]}
    """

    points: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    largest_sum: float
    largest_features: np.ndarray


def read_known(model: GlassBoxClassifier, X: Any, y: Any) -> KnownImages:
    """Return what the layers make of known images, of at most 200 of them, evenly spaced in their order.

    Parameters
    ----------
    model : GlassBoxClassifier
        Fitted, with a `Representation`.
    X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
    y : array-like of shape (n_samples,)
        Classes that the model was fitted on.

    Returns
    -------
    KnownImages

    Examples
    --------
    >>> import equibook as eq
    >>> from equibook.layers_at import read_known
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> layer_1 = eq.Representation(scales=(1.6,), invariant="k0")
    >>> known = read_known(eq.GlassBoxClassifier(representation=layer_1).fit(X, y), X, y)
    >>> known.points.shape, known.scores.shape, known.largest_features.shape
    ((12, 2), (12,), (32,))
    """
    x = as_images(X, name="X")
    check_same_shape(x, model.representation_.n_channels_, model.representation_.size_, name="X")
    labels = check_labels(y, len(x))
    foreign = sorted({str(label) for label in labels} - {str(name) for name in model.classes_})
    if foreign:
        hint = "Pass images of the classes that the model was fitted on."
        raise ValueError(f"`y` must hold classes of the model, got {', '.join(foreign)} too. {hint}")
    kept = np.unique(np.linspace(0, len(x) - 1, MOST_POINTS).round().astype(int))
    x, labels, layer = x[kept], labels[kept], model.representation_
    components = model.reduce(x)
    return KnownImages(
        points=to_plane(components),
        labels=labels,
        scores=decision_scores(model.classifier_, components),
        largest_sum=float(sum_sizes(layer.coefficients(x).numpy(), layer.coefficient_table_.k).max()),
        largest_features=_spread_largest(layer.transform(x).abs().amax(dim=0).cpu().numpy(), layer.table_),
    )


def _spread_largest(sizes: np.ndarray, table: FeatureTable) -> np.ndarray:
    """Return for each feature the largest size among those of its kind and scale."""
    largest = np.ones_like(sizes)
    for rows in split_by_kind(table).values():
        for scale in np.unique(table.scale[rows]):
            some = rows[table.scale[rows] == scale]
            largest[some] = sizes[some].max() or 1
    return largest


def pack_layers(
    found: LayersAt, image: np.ndarray, upright: tuple[np.ndarray, np.ndarray], known: KnownImages
) -> tuple[dict[str, Any], bytes]:
    """Return what a browser draws of the layers: numbers for JSON, and maps of one byte a value.

    Parameters
    ----------
    found : LayersAt
    image : ndarray of shape (1, 1, height, width)
        That they were found at.
    upright : pair of ndarrays of shape (n_coefficients,) and (n_features,)
        Coefficients and features of the image before it was turned.
    known : KnownImages

    Returns
    -------
    numbers : dict
    maps : bytes
        The image, the strengths and the orientations (in degrees) of all scales, the features, and the parts of the
        pixels: signed ones relative to their largest, features by the square root.

    Examples
    --------
    >>> import equibook as eq
    >>> from equibook.layers_at import pack_layers, read_features, read_known, read_layers
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> layer_1 = eq.Representation(scales=(1.6,), invariant="k0")
    >>> model = eq.GlassBoxClassifier(representation=layer_1).fit(X, y)
    >>> turned = eq.actions.rotate(X[:1], 90)
    >>> found, upright = read_layers(model, turned), read_features(model, X[:1])
    >>> numbers, maps = pack_layers(found, turned, upright, read_known(model, X, y))
    >>> numbers["predicted"], numbers["change"] < 1e-6  # what the turn changes of the features
    ('ring', True)
    >>> len(maps) == 4 * 16 * 16 + len(found.features)  # image, strength, orientation and parts; and the features
    True
    """
    table = found.table
    k, rows = table.coefficients.k, find_strongest(upright[0], table.coefficients.k)
    arrows = np.stack([found.coefficients[rows], upright[0][rows]], axis=1)
    shares = (found.features / known.largest_features)[np.concatenate(list(split_by_kind(table).values()))]
    numbers = {
        "blank": bool(image.max() < BLANK),
        "sums": _shorten(sum_sizes(found.coefficients, k)),
        "arrows": _shorten(arrows.view(arrows.real.dtype)),  # (n_frequencies, 4): now, and upright
        "change": relative_distance(found.features, upright[1]),
        "point": _shorten(to_plane(found.components[None])[0]),
        "scores": _shorten(found.scores),
        "predicted": str(found.predicted),
        "novelty": _shorten(found.novelty),
        "why": None if found.why is None else _sum_up(found.why),
    }
    pixels = np.zeros(image.shape[-2:]) if found.why is None else found.why.pixels[0, 0]
    strongest = found.strength.max(axis=(1, 2), keepdims=True)
    maps = [
        to_bytes(image),
        to_bytes(_divide(found.strength, strongest)),
        found.orientation.round().astype(np.uint8).tobytes(),
        _to_signed_bytes(np.sign(shares) * np.sqrt(np.abs(shares))),
        _to_signed_bytes(_divide(pixels, np.abs(pixels).max())),
    ]
    return numbers, b"".join(maps)


def relative_distance(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the distance of two arrays over the norm of the second, and 0 where both are 0.

    Parameters
    ----------
    found, expected : ndarray of shape (n_features,)

    Returns
    -------
    float
        With five digits.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.layers_at import relative_distance
    >>> relative_distance(np.array([3.0, 5.0]), np.array([3.0, 4.0])), relative_distance(np.zeros(2), np.zeros(2))
    (0.2, 0.0)
    """
    return float(_shorten(_divide(np.linalg.norm(found - expected), np.linalg.norm(expected))))


def to_bytes(values: np.ndarray) -> bytes:
    """Return values from 0 to 1 as bytes; what lies outside is cut off.

    Parameters
    ----------
    values : ndarray of any shape

    Returns
    -------
    bytes
        One a value, in their order.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.layers_at import to_bytes
    >>> list(to_bytes(np.array([[0.0, 0.2], [1.0, 3.0]])))
    [0, 51, 255, 255]
    """
    return (np.clip(values, 0, 1) * 255).round().astype(np.uint8).tobytes()


def _to_signed_bytes(values: np.ndarray) -> bytes:
    return (np.clip(values, -1, 1) * 127).round().astype(np.int8).tobytes()


def name_parts(table: FeatureTable) -> dict[str, list[str]]:
    """Return the names of the groups that a score is split into.

    Parameters
    ----------
    table : FeatureTable

    Returns
    -------
    dict from "scale", "ring" or "k" to a list of str

    Examples
    --------
    >>> from equibook.equivariant import EquivariantLayer
    >>> from equibook.invariant import Invariants
    >>> from equibook.layers_at import name_parts
    >>> names = name_parts(Invariants(EquivariantLayer(16, scales=(0.8, 1.6)).table, "power").table)
    >>> names["scale"], names["k"]
    (['image', '0.8', '1.6'], ['0', '1', '2', '3', '4', '5'])
    """
    return {by: [group_name(by, value) for value in np.unique(getattr(table, by))] for by in GROUPS}


def _sum_up(why: Explanation) -> dict[str, Any]:
    """Return the score and its parts, in the order of `name_parts`."""
    return {
        "target": str(why.target[0]),
        "score": _shorten(why.score[0]),
        "bias": _shorten(why.bias[0]),
        "average": _shorten(why.bias[0] + why.reference[0].sum()),
        "pixel_sum": _shorten(why.pixels[0].sum()),
        "largest_pixel": _shorten(np.abs(why.pixels[0]).max()),
        "parts": {by: [_shorten(part[0]) for part in why.group(by).values()] for by in GROUPS},
    }


def _divide(values: Any, by: Any) -> Any:
    """Return values / by, and 0 where that is 0: a blank image has no largest value."""
    return values / np.where(by > 0, by, 1)


def _shorten(values: Any) -> Any:
    """Return numbers with five digits, nested in lists as the array is: shorter in JSON."""
    values = np.asarray(values)
    return float(f"{values:.5g}") if values.ndim == 0 else [_shorten(value) for value in values]
