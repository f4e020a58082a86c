"""What classifiers read off features, by how many images they learn from: the same classifiers for all features."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split
from torch import Tensor
from tqdm.auto import tqdm

from equibook._checks import check_choice, check_labels, check_positive_int
from equibook.classifiers import CLASSIFIERS
from equibook.glassbox import fit_layers
from equibook.sensitivity import Sensitivity

TRAIN = "train"


def read_out(
    features: Mapping[str, Mapping[str, Any]],
    y_train: Any,
    y_test: Any,
    *,
    sizes: Sequence[int],
    classifier: str = "lda",
    n_components: int | None = None,
    n_splits: int = 3,
    random_state: int = 0,
) -> dict[str, Sensitivity]:
    """Measure how well one classifier reads several kinds of features, by the number of images it is trained on.

    All kinds of features get the same training images, as many components, and the same classifier.

    Parameters
    ----------
    features : dict from a kind of features to a dict from "train" and names of tests to arrays
        Each of shape (n_samples, ...), of the same images in the same order for all kinds; all kinds have the same
        tests, such as "upright" and "turned".
    y_train, y_test : array-like of shape (n_samples,)
        The tests share their labels.
    sizes : sequence of int
        How many of the training images, as nearly as many of each class as can be.
    classifier : str
        See `equibook.classifiers`.
    n_components : int, optional
        Of the PCA; by default that of `equibook.reduction.default_n_components`, or as many as all kinds can have.
    n_splits : int
        How many times the images to train on are drawn.
    random_state : int

    Returns
    -------
    dict from the name of a test to a Sensitivity
        Its accuracies go by the kinds of features.

    Examples
    --------
    Two kinds of features of the same 12 images: noise, and one number that tells the class.

    >>> import numpy as np
    >>> from equibook.probes import read_out
    >>> y, noise = np.arange(12) % 2, np.random.default_rng(0).normal(size=(12, 1))
    >>> number = y[:, None] + noise / 100
    >>> features = {"noise": {"train": noise, "test": noise[::-1]}, "number": {"train": number, "test": number}}
    >>> found = read_out(features, y, y, sizes=(6, 12))["test"]
    >>> found.accuracies["number"].shape, float(found.accuracies["number"].mean())  # sizes, splits
    ((2, 3), 1.0)
    """
    check_choice(classifier, CLASSIFIERS, name="classifier")
    rows = _as_rows(features)
    tests = [name for name in next(iter(rows.values())) if name != TRAIN]
    y_train = check_labels(y_train, len(next(iter(rows.values()))[TRAIN]))
    y_test = check_labels(y_test, len(next(iter(rows.values()))[tests[0]]))
    seeds = range(random_state, random_state + check_positive_int(n_splits, name="n_splits"))
    found = {test: {kind: np.zeros((len(sizes), n_splits)) for kind in rows} for test in tests}
    for i, size in enumerate(tqdm(sizes, desc="Reading out", delay=2, leave=False)):
        for j, seed in enumerate(seeds):
            if j and size == len(y_train):  # all images: there is nothing to draw anew
                for test, kind in product(tests, rows):
                    found[test][kind][i, j] = found[test][kind][i, 0]
                continue
            some = choose_rows(y_train, size, seed)
            for kind, values in rows.items():
                data = values[TRAIN][some], y_train[some]
                layer_2, layer_3 = fit_layers(classifier, *data, n_components=n_components, random_state=seed)
                for test in tests:
                    said = layer_3.predict(layer_2.transform(values[test]))
                    found[test][kind][i, j] = np.mean(said == y_test)
    return {test: Sensitivity("n_train", np.array(sizes, dtype=float), found[test]) for test in tests}


def choose_rows(y: Any, size: int, random_state: int = 0) -> np.ndarray:
    """Choose images to train on, with as nearly as many of each class as can be.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
    size : int
        From the number of classes to the number of samples.
    random_state : int

    Returns
    -------
    integer ndarray of shape (size,)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.probes.readouts import choose_rows
    >>> y = np.repeat([3, 8], [30, 10])
    >>> rows = choose_rows(y, 8)
    >>> rows.shape, np.unique(y[rows], return_counts=True)[1].tolist()
    ((8,), [6, 2])
    """
    y = check_labels(y, len(y) if hasattr(y, "__len__") else 0)
    n_classes = len(np.unique(y))
    if not n_classes <= check_positive_int(size, name="sizes") <= len(y):
        hint = "Each class needs an image, and none is taken twice."
        raise ValueError(f"`sizes` must be from {n_classes} to {len(y)}, the images there are, got {size}. {hint}")
    if size > len(y) - n_classes:  # what is left over would be too few for scikit-learn to divide by class
        return np.random.default_rng(random_state).permutation(len(y))[:size]
    chosen, _ = train_test_split(np.arange(len(y)), train_size=size, stratify=y, random_state=random_state)
    return np.asarray(chosen)


def _as_rows(features: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, np.ndarray]]:
    rows: dict[str, dict[str, np.ndarray]] = {}
    for kind, parts in features.items():
        arrays = {name: part.numpy(force=True) if isinstance(part, Tensor) else part for name, part in parts.items()}
        rows[kind] = {name: np.reshape(part, (len(part), -1)).astype(np.float64) for name, part in arrays.items()}
        _check_parts(kind, rows[kind], next(iter(rows.values())))
    if not rows:
        raise ValueError('`features` must hold at least one kind, got none. Pass such as `{"pixels": …}`.')
    return rows


def _check_parts(kind: str, parts: Mapping[str, np.ndarray], first: Mapping[str, np.ndarray]) -> None:
    if TRAIN not in parts or len(parts) < 2:
        hint = 'Pass such as `{"train": …, "upright": …, "turned": …}`.'
        raise ValueError(f"`features` must hold {TRAIN!r} and a test for {kind!r}, got {list(parts)}. {hint}")
    sizes, expected = ({name: len(part) for name, part in one.items()} for one in (parts, first))
    tests = {n for name, n in sizes.items() if name != TRAIN}
    if sizes != expected or len(tests) > 1:
        hint = "Use the same images for all kinds and tests."
        raise ValueError(f"`features` must hold as many images for all, got {sizes} for {kind!r}. {hint}")
