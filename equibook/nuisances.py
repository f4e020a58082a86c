"""Which block for which nuisance? Accuracy of each block where test images are moved or spoilt and training is not.

A nuisance is what happens to an image and does not change its class. Whether a block is made for one is not a matter of
belief: it is measured, on images held back, beside the same block with nothing disturbed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student
from sklearn.base import clone
from torch import Tensor
from tqdm.auto import tqdm

from equibook._checks import as_images, check_choice, check_labels
from equibook._tables import Table
from equibook.classifiers import CLASSIFIERS
from equibook.design import split_parts
from equibook.disturbances import DISTURBANCES
from equibook.glassbox import fit_layers
from equibook.representation import Pixels, Representation

Nuisance = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class NuisanceTable(Table):
    """Accuracy of several blocks under several nuisances.

    Parameters
    ----------
    names : list of str
        Of the blocks.
    nuisances : list of str
    accuracies : ndarray of shape (n_blocks, n_nuisances, n_splits)
        From 0 to 1, of the parts held back.
    classifier : str

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.nuisances import NuisanceTable
    >>> accuracies = np.array([[[0.9, 1.0], [0.4, 0.6]], [[0.9, 0.9], [0.8, 1.0]]])
    >>> table = NuisanceTable(["pixels", "glass"], ["none", "turns"], accuracies, "lda")
    >>> print(table)
    accuracy of lda in %  none  turns
    pixels                95.0   50.0
    glass                 90.0   90.0
    >>> table.best("none"), table.best("turns")
    ('pixels', 'glass')
    """

    names: list[str]
    nuisances: list[str]
    accuracies: np.ndarray
    classifier: str

    @property
    def accuracy(self) -> np.ndarray:
        """Mean accuracy: ndarray of shape (n_blocks, n_nuisances)."""
        return self.accuracies.mean(axis=2)

    def of(self, block: str, nuisance: str) -> float:
        """Return the mean accuracy of one block under one nuisance.

        Parameters
        ----------
        block, nuisance : str
            Names of the table.

        Returns
        -------
        float from 0 to 1
        """
        row = self.names.index(check_choice(block, self.names, name="block"))
        return float(self.accuracy[row, self.nuisances.index(check_choice(nuisance, self.nuisances, name="nuisance"))])

    def best(self, nuisance: str) -> str:
        """Return the name of the most accurate block under one nuisance; of equal ones the first.

        Parameters
        ----------
        nuisance : str

        Returns
        -------
        str
        """
        column = self.nuisances.index(check_choice(nuisance, self.nuisances, name="nuisance"))
        return self.names[int(self.accuracy[:, column].argmax())]

    def above(self, block: str, other: str, nuisance: str) -> tuple[float, float]:
        """Return by how much one block is better than another under a nuisance, part by part.

        Parameters
        ----------
        block, other, nuisance : str
            Names of the table.

        Returns
        -------
        difference, margin : float
            The mean difference of the accuracies, and half the width of its 95 % interval by Student's t. The parts
            share training images: the interval is a little too narrow.
        """
        a, b = (self.names.index(check_choice(name, self.names, name="block")) for name in (block, other))
        column = self.nuisances.index(check_choice(nuisance, self.nuisances, name="nuisance"))
        found = self.accuracies[a, column] - self.accuracies[b, column]
        margin = student.ppf(0.975, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found))
        return float(found.mean()), float(margin)

    def plot(self) -> Any:
        """Return a Figure; see `equibook.plots.plot_nuisances`."""
        from equibook.plots import plot_nuisances

        return plot_nuisances(self)

    _look = "white-space: nowrap"

    @property
    def _head(self) -> tuple[str, ...]:
        return f"accuracy of {self.classifier} in %", *self.nuisances

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for name, row in zip(self.names, self.accuracy, strict=True):
            yield name, *(f"{100 * accuracy:.1f}" for accuracy in row)


def compare_under(
    blocks: Mapping[str, Representation | Pixels],
    X: Any,
    y: Any,
    nuisances: Mapping[str, Nuisance],
    *,
    classifier: str = "lda",
    n_splits: int = 5,
    random_state: int = 0,
) -> NuisanceTable:
    """Measure the accuracy of each block under each nuisance; all is fitted to images as they are.

    Parameters
    ----------
    blocks : dict from a name to a Representation or Pixels
    X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
        Images to choose by: training images, never those of the test.
    y : array-like of shape (n_samples,)
    nuisances : dict from a name to a callable
        Each takes images of the shape of X and returns as many; see `disturb`. Add `lambda X: X`, for comparison.
    classifier : str
        See `equibook.classifiers`.
    n_splits : int
        Parts of the images, each held back once.
    random_state : int
        Of the parts, and of classifiers that draw.

    Returns
    -------
    NuisanceTable

    Examples
    --------
    >>> from functools import partial
    >>> from equibook import actions, datasets, nuisances
    >>> from equibook.representation import Pixels, Representation
    >>> X, y = datasets.load_shapes(20, 16, classes=("bar", "L"), random_state=0)
    >>> blocks = {"pixels": Pixels(), "glass": Representation()}
    >>> moves = {"none": lambda X: X, "turns": partial(actions.rotate, angle=90)}
    >>> table = nuisances.compare_under(blocks, X, y, moves, n_splits=2)
    >>> table.accuracies.shape, table.best("turns")
    ((2, 2, 2), 'glass')
    >>> table.of("glass", "turns") == table.of("glass", "none")
    True
    """
    images = as_images(X)
    labels = check_labels(y, len(images))
    check_choice(classifier, CLASSIFIERS, name="classifier")
    if not nuisances:
        raise ValueError("`nuisances` must hold at least one callable, got none. Take `disturb`.")
    parts = split_parts(blocks, labels, n_splits, random_state)
    moved = {name: _move(name, act, X, images) for name, act in nuisances.items()}
    found = []
    for block in tqdm(blocks.values(), desc="blocks", delay=2, leave=False):
        layer_1 = clone(block).fit(images)
        features, others = layer_1.transform(images).numpy(), [layer_1.transform(x).numpy() for x in moved.values()]
        scores = []
        for train, held in parts:
            layer_2, layer_3 = fit_layers(classifier, features[train], labels[train], random_state=random_state)
            said = [layer_3.predict(layer_2.transform(other[held])) for other in others]
            scores.append([float(np.mean(answers == labels[held])) for answers in said])
        found.append(np.transpose(scores))
    return NuisanceTable(list(blocks), list(moved), np.array(found), classifier)


def disturb(name: str, amount: float, *, random_state: int = 0) -> Nuisance:
    """Return a nuisance: what `equibook.disturbances` does to images, by one amount.

    Parameters
    ----------
    name : {"angle", "noise", "shift", "scale", "occlusion"}
    amount : float
        In the unit of the disturbance: degrees, standard deviation, pixels, factor, part of the side.
    random_state : int
        The same images are disturbed alike each time.

    Returns
    -------
    callable
        Takes images (n_samples, n_channels, height, width) and returns a Tensor of that shape.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.nuisances import disturb
    >>> tuple(disturb("shift", 2)(np.zeros((3, 1, 32, 32))).shape)
    (3, 1, 32, 32)
    """
    act = DISTURBANCES[check_choice(name, DISTURBANCES, name="name")]
    return lambda images: act(as_images(images), amount, np.random.default_rng(random_state))


def _move(name: str, act: Nuisance, X: Any, images: Tensor) -> Tensor:
    moved = as_images(act(X))
    if moved.shape != images.shape:
        got = f"{tuple(moved.shape)} from {name!r}"
        raise ValueError(f"`nuisances` must return images of shape {tuple(images.shape)}, got {got}. Return as many.")
    return moved
