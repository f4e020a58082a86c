"""Which Layer 1 to take? Class separation, which needs no classifier, beside cross-validated accuracy and cost.

Separation is quick and ranks without a classifier. How well it ranks is measured each time: by its rank correlation
with the accuracy, over the blocks compared, with an interval. Blocks work in scikit-learn's `GridSearchCV` too.
"""

import html
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from tqdm.auto import tqdm

from equibook._checks import as_images, check_choice, check_labels, check_positive_int
from equibook.classifiers import CLASSIFIERS
from equibook.glassbox import fit_layers
from equibook.measure import Map, class_separation
from equibook.reduction import Reduction
from equibook.representation import Pixels, Representation

MEASURES = {
    "fisher": "Fisher ratio, after Layer 1",
    "fisher_reduced": "Fisher ratio, after Layer 2",
    "ratio": "distance ratio, after Layer 1",
}
N_RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class Comparison:
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

    def rank_correlation(self, by: str = "fisher", *, random_state: int = 0) -> tuple[float, float, float]:
        """Return Spearman's rank correlation of a measure with the accuracy, and a 95 % interval.

        Parameters
        ----------
        by : {"fisher", "fisher_reduced", "ratio"}
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
        found = np.array([_spearman(values[rows], self.accuracy[rows]) for rows in drawn])
        found = found[~np.isnan(found)]
        low, high = np.quantile(found, [0.025, 0.975]) if len(found) else (np.nan, np.nan)
        return _spearman(values, self.accuracy), float(low), float(high)

    def plot(self, by: str = "fisher") -> Any:
        """Return a Figure; see `equibook.plots.plot_comparison`."""
        from equibook.plots import plot_comparison

        return plot_comparison(self, by)

    def _rows(self) -> list[list[str]]:
        head = ["block", "features", *MEASURES.values(), f"accuracy of {self.classifier}", "s / 1000 images"]
        spread = self.accuracies.std(axis=1, ddof=1)
        rows = [
            [
                name,
                str(self.n_features[i]),
                *(f"{values[i]:.3f}" for values in self.separation.values()),
                f"{self.accuracy[i]:.1%} ± {spread[i]:.1%}",
                f"{self.seconds[i]:.2f}",
            ]
            for i, name in enumerate(self.names)
        ]
        return [head, *rows]

    def _summary(self) -> list[str]:
        found = ((label, self.rank_correlation(by)) for by, label in MEASURES.items())
        return [
            f"rank correlation of {label} with accuracy: {r:.2f} ({a:.2f} to {b:.2f})" for label, (r, a, b) in found
        ]

    def __str__(self) -> str:
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if i else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
        return "\n".join([*lines, *self._summary()])

    def _repr_html_(self) -> str:
        head, *rows = self._rows()
        top = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)
        body = "".join(
            f'<tr><th scope="row">{html.escape(name)}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
            for name, *cells in rows
        )
        notes = "".join(f"<p>{html.escape(line)}</p>" for line in self._summary())
        return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>{notes}"


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
    """
    images = as_images(X)
    labels = check_labels(y, len(images))
    check_choice(classifier, CLASSIFIERS, name="classifier")
    if not blocks:
        raise ValueError("`blocks` must hold at least one Representation, got none. Give each a name.")
    smallest = int(np.unique(labels, return_counts=True)[1].min())
    if not 2 <= check_positive_int(n_splits, name="n_splits") <= smallest:
        need = f"`n_splits` must be from 2 to {smallest}, the number of images in the smallest class"
        raise ValueError(f"{need}, got {n_splits}. Lower it, or add images.")
    moved = images if act is None else as_images(act(X))
    folds = StratifiedKFold(n_splits, shuffle=True, random_state=random_state)
    parts = list(folds.split(np.zeros(len(labels)), labels))
    found = [
        _measure(block, images, moved, labels, classifier, parts, random_state)
        for block in tqdm(blocks.values(), desc="blocks", delay=2, leave=False)
    ]
    n_features, separation, accuracies, seconds = zip(*found, strict=True)
    by_measure = {name: np.array([values[name] for values in separation]) for name in MEASURES}
    return Comparison(
        list(blocks), np.array(n_features), by_measure, np.array(accuracies), np.array(seconds), classifier
    )


def _measure(
    block: Representation | Pixels, images: Any, moved: Any, labels: np.ndarray, classifier: str, parts: Any, seed: int
) -> tuple[int, dict[str, float], list[float], float]:
    layer_1 = clone(block).fit(images)
    start = time.perf_counter()
    features = layer_1.transform(images).numpy()
    seconds = 1000 * (time.perf_counter() - start) / len(images)
    of_moved = features if moved is images else layer_1.transform(moved).numpy()
    reduction = Reduction(random_state=seed).fit(features)
    after_1 = class_separation(reduction.scaler_.transform(of_moved), labels)
    after_2 = class_separation(reduction.transform(of_moved), labels)
    separation = {"fisher": after_1.fisher, "fisher_reduced": after_2.fisher, "ratio": after_1.ratio}
    accuracies = []
    for train, held in parts:
        layer_2, layer_3 = fit_layers(classifier, features[train], labels[train], random_state=seed)
        accuracies.append(float(np.mean(layer_3.predict(layer_2.transform(of_moved[held])) == labels[held])))
    return features.shape[1], separation, accuracies, seconds


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Return the rank correlation, nan where one of both does not vary."""
    a, b = rankdata(a), rankdata(b)
    return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) and np.ptp(b) else float("nan")
