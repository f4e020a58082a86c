"""How sensitive the classifiers are: accuracy against one thing that changes, over several random splits.

What changes is either the test images (angle, noise, shift, scale, occlusion), while training stays upright and clean;
or the training (its number of images, the number of components).
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student
from sklearn.base import clone
from sklearn.model_selection import train_test_split
from torch import Tensor
from tqdm.auto import tqdm

from equibook._checks import as_images, check_choice, check_labels, check_positive_int
from equibook.classifiers import CLASSIFIERS
from equibook.disturbances import DISTURBANCES
from equibook.glassbox import GlassBoxClassifier, fit_layers
from equibook.representation import Representation

UNITS = {
    "angle": "angle (°)",
    "noise": "standard deviation of the noise",
    "shift": "shift (pixels)",
    "scale": "scale factor",
    "occlusion": "side of a black patch, as a part of the image's",
    "n_train": "training images",
    "n_components": "components",
}
AMOUNTS: dict[str, tuple[float, ...]] = {
    "angle": (0, 15, 30, 45, 90, 180),
    "noise": (0, 0.1, 0.2, 0.3, 0.5),
    "shift": (0, 1, 2, 3, 4),
    "scale": (0.7, 0.85, 1, 1.15, 1.3),
    "occlusion": (0, 0.1, 0.2, 0.3, 0.4),
    "n_train": (20, 50, 100, 200),
    "n_components": (2, 5, 10, 20, 40),
}


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Accuracies of classifiers at several amounts of one thing.

    Parameters
    ----------
    by : str
        What changes.
    amounts : ndarray of shape (n_amounts,)
        In the unit that `unit` says.
    accuracies : dict from a classifier's name to an ndarray of shape (n_amounts, n_splits)
        From 0 to 1, on test images.
    what : str
        What the numbers are: accuracies, or differences of them.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.sensitivity import Sensitivity
    >>> made_up = {"lda": np.array([[0.9, 1.0], [0.5, 0.7]]), "ridge": np.array([[0.8, 1.0], [0.5, 0.6]])}
    >>> found = Sensitivity("angle", np.array([0.0, 90.0]), made_up)
    >>> [f"{accuracy:.2f}" for accuracy in found.mean("lda")]
    ['0.95', '0.60']
    >>> [f"{difference:.2f}" for difference in found.above("ridge").mean("lda")]
    ['0.05', '0.05']
    """

    by: str
    amounts: np.ndarray
    accuracies: dict[str, np.ndarray]
    what: str = "accuracy"

    def mean(self, classifier: str) -> np.ndarray:
        """Return the mean accuracy at each amount: ndarray of shape (n_amounts,)."""
        return self.accuracies[check_choice(classifier, self.accuracies, name="classifier")].mean(axis=1)

    def margin(self, classifier: str) -> np.ndarray:
        """Return half the width of each mean's 95 % interval, by Student's t over the splits; nan for one split."""
        rows = self.accuracies[check_choice(classifier, self.accuracies, name="classifier")]
        n_splits = rows.shape[1]
        if n_splits < 2:
            return np.full(len(rows), np.nan)
        return np.asarray(student.ppf(0.975, n_splits - 1) * rows.std(axis=1, ddof=1) / np.sqrt(n_splits))

    def above(self, classifier: str) -> "Sensitivity":
        """Return by how much each other classifier is better than this one, split by split; below 0: worse.

        Differences within splits have narrower intervals than the accuracies: what a split makes easy, it makes easy
        for both.
        """
        reference = self.accuracies[check_choice(classifier, self.accuracies, name="classifier")]
        rows = {name: found - reference for name, found in self.accuracies.items() if name != classifier}
        return Sensitivity(self.by, self.amounts, rows, f"accuracy above {classifier}")

    @property
    def unit(self) -> str:
        """What the amounts are, in words and with their unit."""
        return UNITS[self.by]

    def plot(self) -> Any:
        """Return a Figure; see `equibook.plots.plot_sensitivity`."""
        from equibook.plots import plot_sensitivity

        return plot_sensitivity(self)

    def __str__(self) -> str:
        rows = [[f"{self.what} in %", *(f"{amount:g}" for amount in self.amounts)]]
        rows += [[name, *self._cells(name)] for name in self.accuracies]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if i else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
        return "\n".join([f"by {self.unit}", *lines])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{amount:g}</th>' for amount in self.amounts)
        rows = [
            f'<tr><th scope="row">{html.escape(name)}</th>'
            + "".join(f"<td>{cell}</td>" for cell in self._cells(name))
            + "</tr>"
            for name in self.accuracies
        ]
        caption = f"<caption>{html.escape(self.what)} in %, by {html.escape(self.unit)}</caption>"
        return f"<table>{caption}<thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"

    def _cells(self, name: str) -> list[str]:
        pairs = zip(100 * self.mean(name), 100 * self.margin(name), strict=True)
        return [f"{mean:.1f}" if np.isnan(margin) else f"{mean:.1f} ± {margin:.1f}" for mean, margin in pairs]


def sensitivity(
    model: GlassBoxClassifier,
    X: Any,
    y: Any,
    *,
    by: str,
    amounts: Sequence[float] | None = None,
    classifiers: Sequence[str] = tuple(CLASSIFIERS),
    n_train: int = 100,
    n_splits: int = 5,
    random_state: int = 0,
) -> Sensitivity:
    """Measure how the accuracy of classifiers changes with one thing, over random splits into training and test.

    Parameters
    ----------
    model : GlassBoxClassifier
        Fitted or not: its representation and its number of components are taken, and fitted anew for every split.
    X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
    y : array-like of shape (n_samples,)
    by : {"angle", "noise", "shift", "scale", "occlusion", "n_train", "n_components"}
        What changes. Of the test images: the angle in degrees, to one side or the other; the standard deviation of
        Gaussian noise; the shift in pixels, in a random direction; the factor by which they are enlarged; the side of
        a black patch at a random place, as a part of theirs. Of the training: the number of images, of components.
    amounts : sequence of float, optional
        Those of `AMOUNTS` without.
    classifiers : sequence of str
    n_train : int
        How many images are trained on, where that is not what changes.
    n_splits : int
    random_state : int
        Of the splits, of all that is random about the images, and of the classifiers.

    Returns
    -------
    Sensitivity
        Means with 95 % intervals. Random splits share images: the intervals say how much the split matters, not how
        other data would do.

    Examples
    --------
    >>> import equibook as eq
    >>> from equibook.sensitivity import sensitivity
    >>> X, y = eq.datasets.load_shapes(24, 16, classes=("bar", "ring"), random_state=0)
    >>> model = eq.GlassBoxClassifier(representation=eq.Representation(scales=(1.6,), invariant="k0"))
    >>> found = sensitivity(model, X, y, by="angle", amounts=(0, 90), classifiers=["lda"], n_train=12, n_splits=2)
    >>> found.accuracies["lda"].shape  # amounts, splits
    (2, 2)
    >>> bool(found.mean("lda")[0] == found.mean("lda")[1])  # quarter turns change nothing
    True
    """
    images = as_images(X)
    labels = check_labels(y, len(images))
    if len(np.unique(labels)) < 2:
        raise ValueError(f"`y` must hold at least two classes, got {labels[0]!r} alone. Pass images of others too.")
    check_choice(by, UNITS, name="by")
    names = [check_choice(name, CLASSIFIERS, name="classifiers") for name in classifiers]
    steps = _check_amounts(AMOUNTS[by] if amounts is None else amounts, by, len(images))
    if check_positive_int(n_train, name="n_train") >= len(images):
        hint = "Leave some images to test on."
        raise ValueError(f"`n_train` must be below {len(images)}, the number of images, got {n_train}. {hint}")
    layer_1 = clone(model.representation or Representation()).fit(images)
    run = _Run(layer_1, images, labels, layer_1.transform(images).numpy(), n_train, model.n_components)
    seeds = range(random_state, random_state + check_positive_int(n_splits, name="n_splits"))
    found = [run.measure(by, steps, names, seed) for seed in tqdm(seeds, desc=f"by {by}", delay=2, leave=False)]
    accuracies = {name: np.array([[row[name] for row in rows] for rows in found]).T for name in names}
    return Sensitivity(by, np.array(steps, dtype=float), accuracies)


@dataclass(frozen=True, eq=False)
class _Run:
    """What stays the same over all splits."""

    layer_1: Representation
    images: Tensor
    labels: np.ndarray
    features: np.ndarray
    n_train: int
    n_components: int | None

    def measure(self, by: str, amounts: Sequence[float], names: Sequence[str], seed: int) -> list[dict[str, float]]:
        """Return the accuracies of one split, amount by amount."""
        most = int(max(amounts)) if by == "n_train" else self.n_train
        rows = np.arange(len(self.labels))
        train, test = train_test_split(rows, train_size=most, stratify=self.labels, random_state=seed)
        if by in DISTURBANCES:
            fitted = self._fit(names, train, self.n_components, seed)
            return [self._score(fitted, self._disturb(by, amount, test, seed), test) for amount in amounts]
        return [
            self._score(self._fit(names, *self._train(by, amount, train), seed), self.features[test], test)
            for amount in amounts
        ]

    def _train(self, by: str, amount: float, train: np.ndarray) -> tuple[np.ndarray, int | None]:
        return (train[: int(amount)], self.n_components) if by == "n_train" else (train, int(amount))

    def _disturb(self, by: str, amount: float, test: np.ndarray, seed: int) -> np.ndarray:
        disturbed = DISTURBANCES[by](self.images[test], amount, np.random.default_rng(seed))
        return self.layer_1.transform(disturbed).numpy()

    def _fit(self, names: Sequence[str], train: np.ndarray, n_components: int | None, seed: int) -> dict[str, Any]:
        data = self.features[train], self.labels[train]
        return {name: fit_layers(name, *data, n_components=n_components, random_state=seed) for name in names}

    def _score(self, fitted: dict[str, Any], features: np.ndarray, test: np.ndarray) -> dict[str, float]:
        return {
            name: float(np.mean(layer_3.predict(layer_2.transform(features)) == self.labels[test]))
            for name, (layer_2, layer_3) in fitted.items()
        }


def _check_amounts(amounts: Sequence[float], by: str, n_samples: int) -> list[float]:
    found = [float(amount) for amount in amounts]
    if not found or not np.isfinite(found).all():
        raise ValueError(f"`amounts` must hold finite numbers, got {list(amounts)!r}. Give one at least.")
    lowest = {"scale": np.finfo(float).tiny, "n_train": 2, "n_components": 1}.get(by, 0 if by != "angle" else -np.inf)
    if min(found) < lowest:
        need = "above 0" if by == "scale" else f"at least {lowest:g}"
        raise ValueError(f"`amounts` must be {need} for {by!r}, got {min(found):g}. Leave it out.")
    if by == "occlusion" and max(found) > 1:
        raise ValueError(f"`amounts` must be at most 1 for 'occlusion', got {max(found):g}. Give parts of the side.")
    if by == "n_train" and max(found) >= n_samples:
        need = f"below {n_samples}, the number of images, for 'n_train'"
        raise ValueError(f"`amounts` must be {need}, got {max(found):g}. Leave some images to test on.")
    return found
