"""Which Layer 1 to take? Class separation, which needs no classifier, beside cross-validated accuracy and cost.

Separation is quick and ranks without a classifier. How well it ranks is measured each time: by its rank correlation
with the accuracy, over the blocks compared, with an interval; and by the accuracy that is lost where its first choice
is taken. Blocks work in scikit-learn's `GridSearchCV` too.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import rankdata
from scipy.stats import t as student
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from tqdm.auto import tqdm

from equibook._checks import as_images, as_rows, check_choice, check_labels, check_positive_int
from equibook._tables import Table
from equibook.classifiers import CLASSIFIERS
from equibook.glassbox import fit_layers
from equibook.measure import Map, class_separation
from equibook.reduction import Reduction
from equibook.representation import Pixels, Representation

MEASURES = {
    "fisher": "Fisher ratio, after Layer 1",
    "fisher_reduced": "Fisher ratio, after Layer 2",
    "ratio": "distance ratio, after Layer 1",
    "neighbours": "nearest neighbours alike, after Layer 1",
}
ORDERS = ("accuracy", *MEASURES, "n_features", "seconds")
N_RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class Comparison(Table):
    """Separation, accuracy and cost of several blocks.

    Parameters
    ----------
    names : list of str
    n_features : int ndarray of shape (n_blocks,)
    separation : dict from one of `MEASURES` to an ndarray of shape (n_blocks,)
    accuracies : ndarray of shape (n_blocks, n_splits)
        From 0 to 1, of the parts held back.
    seconds : ndarray of shape (n_blocks,)
        To transform 1000 images; of one run.
    classifier : str

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.design import MEASURES, Comparison
    >>> separation = dict.fromkeys(MEASURES, np.array([3.0, 1.0]))
    >>> accuracies = np.array([[0.7, 0.7, 0.7], [0.9, 0.9, 0.9]])
    >>> n_features, seconds = np.array([1024, 2305]), np.array([0.1, 0.3])
    >>> found = Comparison(["pixels", "glass"], n_features, separation, accuracies, seconds, "lda")
    >>> found.sort("accuracy").names, found.sort("fisher").names
    (['glass', 'pixels'], ['pixels', 'glass'])

    What is lost by who trusts the Fisher ratio here:

    >>> round(found.shortfall("fisher"), 3)
    0.2
    """

    names: list[str]
    n_features: np.ndarray
    separation: dict[str, np.ndarray]
    accuracies: np.ndarray
    seconds: np.ndarray
    classifier: str

    @property
    def accuracy(self) -> np.ndarray:
        """Mean accuracy of each block: ndarray of shape (n_blocks,)."""
        return self.accuracies.mean(axis=1)

    @property
    def margin(self) -> np.ndarray:
        """Half the width of each mean's 95 % interval, by Student's t over the parts: ndarray of shape (n_blocks,).

        The parts share training images: the intervals are a little too narrow.
        """
        n_splits = self.accuracies.shape[1]
        return np.asarray(student.ppf(0.975, n_splits - 1) * self.accuracies.std(axis=1, ddof=1) / np.sqrt(n_splits))

    def select(self, names: Sequence[str]) -> "Comparison":
        """Return the comparison of some of the blocks, in the order given.

        Parameters
        ----------
        names : sequence of str

        Returns
        -------
        Comparison
        """
        rows = [self.names.index(check_choice(name, self.names, name="names")) for name in names]
        separation = {by: values[rows] for by, values in self.separation.items()}
        chosen = self.n_features[rows], separation, self.accuracies[rows], self.seconds[rows]
        return Comparison(list(names), *chosen, self.classifier)

    def sort(self, by: str = "accuracy") -> "Comparison":
        """Return the same blocks, the best first: the most accurate or most separated, or the cheapest.

        Parameters
        ----------
        by : {"accuracy", "fisher", "fisher_reduced", "ratio", "neighbours", "n_features", "seconds"}

        Returns
        -------
        Comparison
        """
        check_choice(by, ORDERS, name="by")
        values = self.separation[by] if by in MEASURES else getattr(self, by)
        order = np.argsort(values if by in ("n_features", "seconds") else -values, kind="stable")
        return self.select([self.names[row] for row in order])

    def shortfall(self, by: str = "fisher") -> float:
        """Return how far the block that a measure puts first stays below the most accurate: from 0 to 1.

        Parameters
        ----------
        by : {"fisher", "fisher_reduced", "ratio", "neighbours"}

        Returns
        -------
        float
        """
        values = self.separation[check_choice(by, MEASURES, name="by")]
        return float(self.accuracy.max() - self.accuracy[values.argmax()])

    def rank_correlation(self, by: str = "fisher", *, random_state: int = 0) -> tuple[float, float, float]:
        """Return Spearman's rank correlation of a measure with the accuracy, and a 95 % interval.

        Parameters
        ----------
        by : {"fisher", "fisher_reduced", "ratio", "neighbours"}
        random_state : int
            Of the resampling: blocks are drawn with replacement, and the middle 95 % of what comes out are kept.

        Returns
        -------
        correlation, low, high : float
            From -1 to 1; nan where all blocks have one accuracy or one separation. The interval speaks of these
            blocks and these images.
        """
        values = self.separation[check_choice(by, MEASURES, name="by")]
        n = len(self.names)
        drawn = np.random.default_rng(random_state).integers(0, n, (N_RESAMPLES, n))
        found = _spearman(values[drawn], self.accuracy[drawn])
        found = found[~np.isnan(found)]
        low, high = np.quantile(found, [0.025, 0.975]) if len(found) else (np.nan, np.nan)
        return float(_spearman(values, self.accuracy)), float(low), float(high)

    def plot(self, by: str = "fisher") -> Any:
        """Return a Figure; see `equibook.plots.plot_comparison`."""
        from equibook.plots import plot_comparison

        return plot_comparison(self, by)

    _look = "white-space: nowrap"

    @property
    def _head(self) -> tuple[str, ...]:
        return "block", "features", *MEASURES.values(), f"accuracy of {self.classifier}", "s / 1000 images"

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for i, (name, margin) in enumerate(zip(self.names, self.margin, strict=True)):
            separation = (f"{values[i]:.3f}" for values in self.separation.values())
            accuracy = f"{self.accuracy[i]:.1%} ± {margin:.1%}"
            yield name, str(self.n_features[i]), *separation, accuracy, f"{self.seconds[i]:.2f}"

    @property
    def _notes(self) -> list[str]:
        lines = []
        for by, label in MEASURES.items():
            r, low, high = self.rank_correlation(by)
            ranks = f"rank correlation of {label} with accuracy: {r:.2f} ({low:.2f} to {high:.2f})"
            first = self.names[int(self.separation[by].argmax())]
            lines.append(f"{ranks}; its first choice, {first}, is {100 * self.shortfall(by):.1f} points below the best")
        return lines


def compare(
    blocks: Mapping[str, Representation | Pixels],
    X: Any,
    y: Any,
    *,
    act: Map | None = None,
    classifier: str = "lda",
    n_splits: int = 5,
    random_state: int = 0,
) -> Comparison:
    """Measure for each block how far it puts the classes apart, how well a classifier reads it, and what it costs.

    Separation is measured by `measure.class_separation` and by `neighbour_share`.

    Parameters
    ----------
    blocks : dict from a name to a Representation or Pixels
        Choices of scales, rings, frequencies, invariants, translation.
    X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
        Images to choose by: training images, never those of the test.
    y : array-like of shape (n_samples,)
    act : callable, optional
        A nuisance, such as a turn of each image by an angle of its own. Layers are fitted to images as they are;
        separation and accuracy are measured on moved ones.
    classifier : str
        See `equibook.classifiers`.
    n_splits : int
        Parts of the images, each held back once.
    random_state : int
        Of the parts, and of classifiers that draw.

    Returns
    -------
    Comparison

    Examples
    --------
    Learned upright, read after a quarter turn:

    >>> from functools import partial
    >>> from equibook import actions, datasets, design
    >>> from equibook.representation import Pixels, Representation
    >>> X, y = datasets.load_shapes(20, 16, classes=("bar", "L"), random_state=0)
    >>> blocks = {"pixels": Pixels(), "glass": Representation()}
    >>> found = design.compare(blocks, X, y, act=partial(actions.rotate, angle=90), n_splits=2)
    >>> found.accuracies.shape, found.sort().names[0]
    ((2, 2), 'glass')
    """
    images = as_images(X)
    labels = check_labels(y, len(images))
    check_choice(classifier, CLASSIFIERS, name="classifier")
    parts = split_parts(blocks, labels, n_splits, random_state)
    moved = images if act is None else as_images(act(X))
    found = [
        _measure(block, images, moved, labels, classifier, parts, random_state)
        for block in tqdm(blocks.values(), desc="blocks", delay=2, leave=False)
    ]
    n_features, separation, accuracies, seconds = zip(*found, strict=True)
    by_measure = {name: np.array([values[name] for values in separation]) for name in MEASURES}
    return Comparison(
        list(blocks), np.array(n_features), by_measure, np.array(accuracies), np.array(seconds), classifier
    )


def neighbour_share(features: Any, y: Any, *, moved: Any = None) -> float:
    """Return the share of samples whose nearest neighbour, itself left out, is of its class.

    Unlike the Fisher ratio, which averages over all features, it asks only what lies next to what. It is the accuracy
    of the nearest-neighbour classifier, which learns nothing.

    Parameters
    ----------
    features : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    moved : array-like of shape (n_samples, n_features), optional
        Features of the same samples, moved: the neighbours of these are sought among `features` of the others.

    Returns
    -------
    float
        From 0 to 1; by chance, the mean share of a sample's class among the others.

    Examples
    --------
    The last sample is the only one whose neighbour, the 6, is of another class.

    >>> from equibook.design import neighbour_share
    >>> neighbour_share([[0.0], [1.0], [5.0], [6.0], [8.0]], [0, 0, 1, 1, 0])
    0.8
    """
    rows = as_rows(features, name="features")
    labels = check_labels(y, len(rows))
    if len(rows) < 2:
        raise ValueError(f"`features` must hold at least two samples, got {len(rows)}. Add some to compare with.")
    others = rows if moved is None else as_rows(moved, name="moved")
    if others.shape != rows.shape:
        need = f"`moved` must have the shape of `features`, {rows.shape}"
        raise ValueError(f"{need}, got {others.shape}. Pass the features of the same images, moved.")
    distances = cdist(others, rows, "sqeuclidean")
    np.fill_diagonal(distances, np.inf)
    return float(np.mean(labels[distances.argmin(axis=1)] == labels))


Parts = list[tuple[np.ndarray, np.ndarray]]


def split_parts(blocks: Mapping[str, Any], labels: np.ndarray, n_splits: int, random_state: int) -> Parts:
    """Return the rows of each part, to train on and held back, after a check of what is to be compared on them.

    Parameters
    ----------
    blocks : dict from a name to a Representation or Pixels
        At least one.
    labels : ndarray of shape (n_samples,)
    n_splits : int
        From 2 to the number of images in the smallest class.
    random_state : int

    Returns
    -------
    list of pairs of int ndarrays, of shape (n_training,) and (n_held_back,)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.design import split_parts
    >>> from equibook.representation import Pixels
    >>> parts = split_parts({"pixels": Pixels()}, np.array([0, 0, 0, 1, 1, 1]), 3, random_state=0)
    >>> [(len(training), len(held_back)) for training, held_back in parts]
    [(4, 2), (4, 2), (4, 2)]
    >>> sorted(int(row) for _, held_back in parts for row in held_back)
    [0, 1, 2, 3, 4, 5]
    """
    if not blocks:
        raise ValueError("`blocks` must hold at least one Representation, got none. Give each a name.")
    smallest = int(np.unique(labels, return_counts=True)[1].min())
    if not 2 <= check_positive_int(n_splits, name="n_splits") <= smallest:
        need = f"`n_splits` must be from 2 to {smallest}, the number of images in the smallest class"
        raise ValueError(f"{need}, got {n_splits}. Lower it, or add images.")
    folds = StratifiedKFold(n_splits, shuffle=True, random_state=random_state)
    return list(folds.split(np.zeros(len(labels)), labels))


def _measure(
    block: Representation | Pixels, images: Any, moved: Any, labels: np.ndarray, classifier: str, parts: Any, seed: int
) -> tuple[int, dict[str, float], list[float], float]:
    layer_1 = clone(block).fit(images)
    start = time.perf_counter()
    features = layer_1.transform(images).numpy()
    seconds = 1000 * (time.perf_counter() - start) / len(images)
    of_moved = features if moved is images else layer_1.transform(moved).numpy()
    reduction = Reduction(random_state=seed).fit(features)
    rows, moved_rows = reduction.scaler_.transform(features), reduction.scaler_.transform(of_moved)
    after_1, after_2 = class_separation(moved_rows, labels), class_separation(reduction.transform(of_moved), labels)
    neighbours = neighbour_share(rows, labels, moved=moved_rows)
    separation = dict(zip(MEASURES, (after_1.fisher, after_2.fisher, after_1.ratio, neighbours), strict=True))
    accuracies = []
    for train, held in parts:
        layer_2, layer_3 = fit_layers(classifier, features[train], labels[train], random_state=seed)
        accuracies.append(float(np.mean(layer_3.predict(layer_2.transform(of_moved[held])) == labels[held])))
    return features.shape[1], separation, accuracies, seconds


def _spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the rank correlation along the last axis, nan where one of both does not vary."""
    a, b = (ranks - ranks.mean(axis=-1, keepdims=True) for ranks in (rankdata(a, axis=-1), rankdata(b, axis=-1)))
    norms = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    return np.divide((a * b).sum(axis=-1), norms, out=np.full(norms.shape, np.nan), where=norms > 0)
