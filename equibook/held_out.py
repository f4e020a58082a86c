"""Every image is held out once: parts, what is fitted without each part, and the choice of a Layer 1 within it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.model_selection import StratifiedKFold

from equibook.glassbox import fit_layers
from equibook.reduction import Reduction

UPRIGHT, TURNED = "upright", "turned"
MOST_FOLDS = 5
MOST_TO_CHOOSE = 200  # images by which Layer 1 is chosen
CHOOSES = "nearest_mean"  # quick, and content with a single image of a class

Views = Mapping[str, np.ndarray]
"""The features of all images by "upright" and "turned": ndarrays of shape (n_samples, n_features)."""


@dataclass(frozen=True, eq=False)
class Part:
    """What was fitted without one part of the images.

    Parameters
    ----------
    name : str
        Whose features it reads.
    layer_2 : Reduction
    layer_3 : scikit-learn classifier

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.held_out import fit_part
    >>> features, labels = np.array([[0.0, 1.0], [1.0, 0.5], [8.0, 9.0], [9.0, 8.0]]), np.array(["a", "a", "b", "b"])
    >>> part = fit_part({"pixels": {"upright": features}}, labels, np.arange(4), "nearest_mean")
    >>> part.name, part.predict(np.array([[1.0, 1.0], [7.0, 7.0]])).tolist()
    ('pixels', ['a', 'b'])
    """

    name: str
    layer_2: Reduction
    layer_3: ClassifierMixin

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return the class of each row.

        Parameters
        ----------
        features : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.layer_3.predict(self.layer_2.transform(features))


def draw_folds(labels: np.ndarray, classifier: str = CHOOSES, random_state: int = 0) -> np.ndarray:
    """Share images out among at most five parts, each class evenly.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
    classifier : str
        All but nearest mean need two images of a class to learn from.
    random_state : int

    Returns
    -------
    int ndarray of shape (n_samples,), from 0 on

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.held_out import draw_folds
    >>> folds = draw_folds(np.repeat(["bar", "L"], 5))
    >>> np.bincount(folds).tolist(), sorted(folds[:5].tolist())  # one bar in each part
    ([2, 2, 2, 2, 2], [0, 1, 2, 3, 4])
    """
    names, counts = np.unique(labels, return_counts=True)
    least = 2 if classifier == CHOOSES else 3
    if len(names) < 2 or counts.min() < least:
        got = ", ".join(f"{count} of {str(name)!r}" for name, count in zip(names, counts, strict=True))
        need = f"`y` must hold at least two classes, and at least {least} images of each for {classifier!r}"
        raise ValueError(f"{need}, got {got}. Add images, or leave small classes out.")
    folds = np.empty(len(labels), dtype=int)
    parts = StratifiedKFold(min(MOST_FOLDS, int(counts.min())), shuffle=True, random_state=random_state)
    for i, (_, held_out) in enumerate(parts.split(labels, labels)):
        folds[held_out] = i
    return folds


def fit_part(
    candidates: Mapping[str, Views], labels: np.ndarray, rows: np.ndarray, classifier: str, random_state: int = 0
) -> Part:
    """Fit Layers 2 and 3 to some upright images, after one of several Layers 1.

    Parameters
    ----------
    candidates : dict from a name to Views
        Of each, "upright" and "turned": ndarrays of shape (n_samples, n_features).
    labels : ndarray of shape (n_samples,)
    rows : int ndarray of shape (n_training,)
        To learn from, and to choose by.
    classifier : str
    random_state : int

    Returns
    -------
    Part

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.held_out import fit_part
    >>> features, labels = np.array([[0.0, 1.0], [1.0, 0.0], [8.0, 9.0], [9.0, 8.0]]), np.array(["a", "a", "b", "b"])
    >>> candidates = {"pixels": {"upright": features, "turned": features}}
    >>> part = fit_part(candidates, labels, np.array([0, 2]), "nearest_mean")  # the others are held out
    >>> part.predict(features[[1, 3]]).tolist()
    ['a', 'b']
    """
    name = choose_view(candidates, labels, rows, random_state)
    features = candidates[name][UPRIGHT][rows]
    with np.errstate(invalid="ignore"):  # of single images nearest mean has no deviation, and needs none
        return Part(name, *fit_layers(classifier, features, labels[rows], random_state=random_state))


def choose_view(candidates: Mapping[str, Views], labels: np.ndarray, rows: np.ndarray, random_state: int = 0) -> str:
    """Choose the features by which nearest mean reads images right: held out, upright and turned counted alike.

    Of those within two standard errors of the best the first is taken: candidates come in the order of preference.

    Parameters
    ----------
    candidates : dict from a name to Views
        Of each, "upright" and "turned": ndarrays of shape (n_samples, n_features).
    labels : ndarray of shape (n_samples,)
    rows : int ndarray of shape (n_training,)
        Of these, at most 200 are used. Where a class has one image only, the first candidate is taken.
    random_state : int

    Returns
    -------
    str

    Examples
    --------
    Noise tells nothing of the classes; the number, though it is not exact, tells all.

    >>> import numpy as np
    >>> from equibook.held_out import choose_view
    >>> labels, noise = np.repeat([0, 1], 20), np.random.default_rng(0).normal(size=(40, 1))
    >>> found = {"noise": noise, "number": labels[:, None] + noise / 100}
    >>> choose_view({name: {"upright": x, "turned": x} for name, x in found.items()}, labels, np.arange(40))
    'number'
    """
    some = np.random.default_rng(random_state).permutation(rows)[:MOST_TO_CHOOSE]
    if len(candidates) == 1 or np.unique(labels[some], return_counts=True)[1].min() < 2:
        return next(iter(candidates))
    shares = {name: _validate(views, labels, some, random_state) for name, views in candidates.items()}
    best = max(shares.values())
    enough = best - 2 * np.sqrt(best * (1 - best) / len(some))
    return next(name for name, share in shares.items() if share >= enough)


def predict_held_out(
    parts: Sequence[Part], candidates: Mapping[str, Views], view: str, folds: np.ndarray
) -> np.ndarray:
    """Return the class that each image is given by the part's model that has not seen it.

    Parameters
    ----------
    parts : sequence of Part
    candidates : dict from a name to Views
        Of each, "upright" and "turned": ndarrays of shape (n_samples, n_features).
    view : str
    folds : int ndarray of shape (n_samples,)

    Returns
    -------
    ndarray of shape (n_samples,)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.held_out import draw_folds, fit_part, predict_held_out
    >>> labels = np.repeat(["a", "b"], 4)
    >>> features = np.array([[0.0, 1, 2, 3, 10, 11, 12, 13]]).T
    >>> candidates, folds = {"pixels": {"upright": features, "turned": 13 - features}}, draw_folds(labels)
    >>> parts = [fit_part(candidates, labels, np.flatnonzero(folds != i), "nearest_mean") for i in range(4)]
    >>> [predict_held_out(parts, candidates, view, folds).tolist() for view in ("upright", "turned")]
    [['a', 'a', 'a', 'a', 'b', 'b', 'b', 'b'], ['b', 'b', 'b', 'b', 'a', 'a', 'a', 'a']]
    """
    return over_folds(folds, lambda i, rows: parts[i].predict(candidates[parts[i].name][view][rows]))


def over_folds(folds: np.ndarray, compute: Any) -> np.ndarray:
    """Compute something of the rows of each part and put it together in the order of the images.

    Parameters
    ----------
    folds : int ndarray of shape (n_samples,)
    compute : callable
        Takes the number of a part and its rows (n_rows,), and returns an ndarray of shape (n_rows, ...).

    Returns
    -------
    ndarray of shape (n_samples, ...)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.held_out import over_folds
    >>> over_folds(np.array([0, 1, 1, 0]), lambda i, rows: 100 * i + rows).tolist()
    [0, 101, 102, 3]
    """
    places = [np.flatnonzero(folds == i) for i in range(folds.max() + 1)]
    values = np.concatenate([compute(i, rows) for i, rows in enumerate(places) if len(rows)])
    return values[np.argsort(np.concatenate(places))]


def _validate(views: Views, labels: np.ndarray, rows: np.ndarray, random_state: int) -> float:
    """Return the mean share that nearest mean reads right, upright and turned, after learning upright ones."""
    folds = draw_folds(labels[rows], random_state=random_state) % 3  # three parts are enough to choose by
    found = 0
    for i in np.unique(folds):
        learn, test = rows[folds != i], rows[folds == i]
        part = Part("", *fit_layers(CHOOSES, views[UPRIGHT][learn], labels[learn], random_state=random_state))
        found += sum(int((part.predict(views[view][test]) == labels[test]).sum()) for view in (UPRIGHT, TURNED))
    return found / (2 * len(rows))
