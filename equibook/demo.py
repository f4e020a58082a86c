"""The main job on real digits: train on upright images, test on turned ones, with and without Layer 1.

Both sides share Layers 2 and 3. "pixels + PCA" has the pixels in the place of Layer 1, "glass box" the representation.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from equibook._checks import as_images, check_choice, check_labels, check_positive_int
from equibook._files import whole_file
from equibook.actions import rotate
from equibook.classifiers import CLASSIFIERS
from equibook.datasets import load_digits
from equibook.glassbox import GlassBoxClassifier
from equibook.measure import ClassSeparation, class_separation, separation_by_layer
from equibook.plots import plot_demo, to_png
from equibook.representation import Pixels, Representation

SIDES = {"pixels + PCA": Pixels, "glass box": Representation}
ANGLES = tuple(range(0, 361, 15))  # degrees
MOST_BY_ANGLE = 200  # test images that are turned by every angle
DIGITS = (3, 8)
N_TRAIN = 100
OUTPUT = Path("equibook-demo.png")


@dataclass(frozen=True, eq=False)
class DemoResult:
    """What `compare` found, for each of the two sides.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    n_train, n_test : int
    angles : ndarray of shape (n_test,)
        By which the test images were turned, in degrees.
    labels : ndarray of shape (n_test,)
    separation : dict from the side to a dict from the layer to a ClassSeparation
        Of the turned test images: as images, before any layer, then as `separation_by_layer` has it.
    accuracy : dict from the side to a dict from the classifier to a pair, tested upright and tested turned
    by_angle : dict from the side to the accuracies of nearest mean at `ANGLES`
    components : dict from the side to an ndarray of shape (n_test, n_components), of the turned test images

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.demo import DemoResult, format_table
    >>> from equibook.measure import class_separation
    >>> points, labels = np.array([0.0, 2.0, 90.0, 92.0]), np.array([3, 3, 8, 8])
    >>> made_up = DemoResult(
    ...     np.array([3, 8]), 100, 4, np.array([15.0, 80.0, 200.0, 310.0]), labels,
    ...     separation={"glass box": {"reduction": class_separation(points, labels)}},
    ...     accuracy={"glass box": {"lda": (1.0, 0.75)}}, by_angle={"glass box": (1.0,)},
    ...     components={"glass box": points[:, None]},
    ... )
    >>> str(made_up) == format_table(made_up)
    True
    """

    classes: np.ndarray
    n_train: int
    n_test: int
    angles: np.ndarray
    labels: np.ndarray
    separation: dict[str, dict[str, ClassSeparation]]
    accuracy: dict[str, dict[str, tuple[float, float]]]
    by_angle: dict[str, tuple[float, ...]]
    components: dict[str, np.ndarray]

    def __str__(self) -> str:
        return format_table(self)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `equibook demo`.

    Parameters
    ----------
    parser : argparse.ArgumentParser

    Examples
    --------
    >>> import argparse
    >>> from equibook.demo import add_arguments
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> args = parser.parse_args(["--classes", "1", "7"])
    >>> args.classes, args.n_train, args.random_state, args.output.name
    ([1, 7], 100, 0, 'equibook-demo.png')
    """
    parser.add_argument(
        "--classes", type=int, nargs="+", default=list(DIGITS), metavar="DIGIT",
        help="two or more digits from 0 to 9 (default: 3 8)",
    )  # fmt: skip
    parser.add_argument(
        "--n-train", type=int, default=N_TRAIN, metavar="N", help="how many images to train on (default: %(default)s)"
    )
    parser.add_argument(
        "--random-state", type=int, default=0, metavar="SEED", help="draws images and angles (default: %(default)s)"
    )
    parser.add_argument(
        "--output", type=Path, default=OUTPUT, metavar="FILE", help="the picture, a PNG file (default: ./%(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Print the table, save the picture and say where it is.

    Parameters
    ----------
    args : argparse.Namespace

    Returns
    -------
    int

    Examples
    --------
    >>> from argparse import Namespace
    >>> from pathlib import Path
    >>> from equibook.demo import run
    >>> run(Namespace(classes=[3], n_train=100, random_state=0, output=Path("demo.png")))
    Traceback (most recent call last):
        ...
    ValueError: `classes` must be two or more digits from 0 to 9, got 3. Choose such as 3 8.
    """
    started = time.perf_counter()
    X_train, X_test, y_train, y_test = load_split(args.classes, args.n_train, random_state=args.random_state)
    # Small matrices are as quick on one thread, and much quicker where other work keeps the other cores busy.
    with whole_file(args.output, suffix=".png") as temporary, threadpool_limits(1):
        result = compare(X_train, y_train, X_test, y_test, random_state=args.random_state)
        picture = plot_result(result, X_train, X_test)
        temporary.write_bytes(to_png(picture, dpi=120))
    print(format_table(result))
    print(f"\nTook {time.perf_counter() - started:.1f} s. The picture: {args.output.resolve()}")
    return 0


def load_split(
    classes: Sequence[int] = DIGITS, n_train: int = N_TRAIN, *, random_state: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Load digits and split them at random.

    Parameters
    ----------
    classes : sequence of int
        Two or more, from 0 to 9.
    n_train : int
        In all; it must leave every class in both parts.
    random_state : int

    Returns
    -------
    X_train, X_test : ndarrays of shape (n_samples, 1, 32, 32)
    y_train, y_test : ndarrays of shape (n_samples,)
        In the order of `train_test_split`: X_train, X_test, y_train, y_test.

    Examples
    --------
    >>> from equibook.demo import load_split
    >>> [part.shape for part in load_split(classes=(3, 8), n_train=100)]
    [(100, 1, 32, 32), (257, 1, 32, 32), (100,), (257,)]
    """
    if len(set(classes)) < 2 or not set(classes) <= set(range(10)):
        got = ", ".join(str(digit) for digit in classes) or "none"
        raise ValueError(f"`classes` must be two or more digits from 0 to 9, got {got}. Choose such as 3 8.")
    X, y = load_digits(classes=sorted(set(classes)))
    n_train = check_positive_int(n_train, name="n_train")
    n_classes = len(set(classes))
    if not 4 * n_classes <= n_train <= len(X) - 4 * n_classes:
        need = f"`n_train` must be from {4 * n_classes} to {len(X) - 4 * n_classes} for {n_classes} classes"
        raise ValueError(f"{need}, got {n_train}. Leave enough images of every class to train and to test on.")
    X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=n_train, stratify=y, random_state=random_state)
    return X_train, X_test, y_train, y_test


def compare(
    X_train: Any,
    y_train: Any,
    X_test: Any,
    y_test: Any,
    *,
    classifiers: Sequence[str] = tuple(CLASSIFIERS),
    random_state: int = 0,
) -> DemoResult:
    """Fit both sides to images as they are, and test them on images turned by uniform random angles.

    Parameters
    ----------
    X_train, X_test : ndarrays or Tensors of shape (n_samples, n_channels, height, width)
    y_train, y_test : array-likes of shape (n_samples,)
    classifiers : sequence of str
        Names of Layer 3.
    random_state : int

    Returns
    -------
    DemoResult
        It prints as a table.

    Examples
    --------
    >>> from unittest import mock
    >>> import equibook as eq
    >>> from equibook.demo import compare
    >>> X, y = eq.datasets.load_shapes(16, 16, classes=("bar", "L"), random_state=0)
    >>> with mock.patch("equibook.demo.accuracy_by_angle"):  # 25 angles would take a while
    ...     found = compare(X[:8], y[:8], X[8:], y[8:], classifiers=["nearest_mean"])
    >>> list(found.accuracy), list(found.separation["glass box"])
    (['pixels + PCA', 'glass box'], ['image', 'representation', 'reduction'])
    >>> found.angles.shape, found.components["glass box"].shape[0]
    ((8,), 8)
    """
    names = [check_choice(name, CLASSIFIERS, name="classifiers") for name in classifiers]
    X_train, X_test = (
        as_images(X, name=name).numpy(force=True) for X, name in ((X_train, "X_train"), (X_test, "X_test"))
    )
    labels = check_labels(y_test, len(X_test))
    angles = np.random.default_rng(random_state).uniform(0, 360, len(X_test))
    turned = rotate(X_test, angles)
    image = class_separation(turned, labels)
    separation, accuracy, by_angle, components = {}, {}, {}, {}
    for side, representation in SIDES.items():
        model = GlassBoxClassifier(representation=representation(), random_state=random_state).fit(X_train, y_train)
        separation[side] = {"image": image, **separation_by_layer(model, turned, labels)}
        components[side] = model.reduce(turned)
        by_angle[side] = accuracy_by_angle(model, X_test[:MOST_BY_ANGLE], labels[:MOST_BY_ANGLE])
        accuracy[side] = _accuracies(model, names, (X_train, y_train), (X_test, turned), labels)
    return DemoResult(
        np.unique(labels), len(X_train), len(X_test), angles, labels, separation, accuracy, by_angle, components
    )


def accuracy_by_angle(
    model: GlassBoxClassifier, X: np.ndarray, y: np.ndarray, angles: Sequence[float] = ANGLES
) -> tuple[float, ...]:
    """Return the accuracy of a fitted model on images turned by each angle.

    Parameters
    ----------
    model : GlassBoxClassifier
    X : ndarray of shape (n_samples, n_channels, height, width)
    y : ndarray of shape (n_samples,)
    angles : sequence of float
        In degrees.

    Returns
    -------
    tuple of float, one an angle

    Examples
    --------
    >>> import equibook as eq
    >>> from equibook.demo import accuracy_by_angle
    >>> X, y = eq.datasets.load_shapes(16, 16, classes=("bar", "ring"), random_state=0)
    >>> layer_1 = eq.Representation(scales=(1.6,), invariant="k0")
    >>> model = eq.GlassBoxClassifier(representation=layer_1).fit(X, y)
    >>> accuracy_by_angle(model, X, y, angles=(0, 90, 180))  # of the images that it was fitted to
    (1.0, 1.0, 1.0)
    """
    y = check_labels(y, len(as_images(X, name="X")))
    return tuple(float(model.score(rotate(X, angle), y)) for angle in angles)


def format_table(result: DemoResult) -> str:
    """Return the separation of the classes after each layer and the accuracies, as a table of 80 columns.

    Parameters
    ----------
    result : DemoResult

    Returns
    -------
    str

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.demo import DemoResult, format_table
    >>> from equibook.measure import class_separation
    >>> points, labels = np.array([0.0, 2.0, 90.0, 92.0]), np.array([3, 3, 8, 8])
    >>> made_up = DemoResult(
    ...     np.array([3, 8]), 100, 4, np.array([15.0, 80.0, 200.0, 310.0]), labels,
    ...     separation={"glass box": {"reduction": class_separation(points, labels)}},
    ...     accuracy={"glass box": {"lda": (1.0, 0.75)}}, by_angle={"glass box": (1.0,)},
    ...     components={"glass box": points[:, None]},
    ... )
    >>> print(format_table(made_up))
    Classes 3, 8: trained on 100 upright images,
    tested on 4 others, each turned by a random angle.
    <BLANKLINE>
    How far apart the turned test images lie after each layer, on average
    (pixels and representation standardised by the training images, reduction:
    PCA, whitened):
    <BLANKLINE>
                                            within    between   between/    Fisher
                                           classes    classes     within     ratio
      glass box       reduction               2.00      90.00     45.000 2025.0000
    <BLANKLINE>
    Accuracy on test images, upright and turned, by classifier:
    <BLANKLINE>
                                         glass box
                                 upright    turned
      lda                         100.0%     75.0%
    """
    classes = ", ".join(str(name) for name in result.classes)
    return "\n".join([
        f"Classes {classes}: trained on {result.n_train} upright images,",
        f"tested on {result.n_test} others, each turned by a random angle.",
        "",
        *_separation_lines(result.separation),
        "",
        *_accuracy_lines(result.accuracy),
    ])  # fmt: skip


def _separation_lines(separation: Mapping[str, Mapping[str, ClassSeparation]]) -> list[str]:
    lines = [
        "How far apart the turned test images lie after each layer, on average",
        "(pixels and representation standardised by the training images, reduction:",
        "PCA, whitened):",
        "",
        f"{'':36}{'within':>10}{'between':>11}{'between/':>11}{'Fisher':>10}",
        f"{'':36}{'classes':>10}{'classes':>11}{'within':>11}{'ratio':>10}",
    ]
    for side, layers in separation.items():
        for layer, found in layers.items():
            numbers = f"{found.intra:10.2f}{found.inter:11.2f}{found.ratio:11.3f}{found.fisher:10.4f}"
            lines.append(f"  {side:16}{layer:18}{numbers}")
    return lines


def _accuracy_lines(accuracy: Mapping[str, Mapping[str, tuple[float, float]]]) -> list[str]:
    lines = [
        "Accuracy on test images, upright and turned, by classifier:",
        "",
        f"{'':18}" + "".join(f"{side:>28}" for side in accuracy),
        f"{'':18}" + f"{'upright':>18}{'turned':>10}" * len(accuracy),
    ]
    for name in next(iter(accuracy.values())):
        pairs = (by_name[name] for by_name in accuracy.values())
        lines.append(f"  {name:16}" + "".join(f"{upright:18.1%}{turned:10.1%}" for upright, turned in pairs))
    return lines


def plot_result(result: DemoResult, X_train: np.ndarray, X_test: np.ndarray) -> Any:
    """Draw a result: images, accuracy by angle, distances, and both planes.

    Parameters
    ----------
    result : DemoResult
    X_train, X_test : ndarrays of shape (n_samples, n_channels, height, width)
        The images that it was computed from.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.demo import ANGLES, DemoResult, plot_result
    >>> from equibook.measure import class_separation
    >>> points, labels = np.array([[0.0, 1.0], [2.0, 1.0], [90.0, 1.0], [92.0, 1.0]]), np.array([3, 3, 8, 8])
    >>> made_up = DemoResult(
    ...     np.array([3, 8]), 100, 4, np.array([15.0, 80.0, 200.0, 310.0]), labels,
    ...     separation={"glass box": {"reduction": class_separation(points, labels)}},
    ...     accuracy={"glass box": {"lda": (1.0, 0.75)}}, by_angle={"glass box": (1.0,) * len(ANGLES)},
    ...     components={"glass box": points},
    ... )
    >>> images = np.zeros((4, 1, 16, 16))
    >>> print(plot_result(made_up, images, images).alt)  # doctest: +NORMALIZE_WHITESPACE
    Trained on upright images, tested on turned ones. Accuracy over all angles, glass box: 100% to 100%. Distance
    between over within classes: glass box, reduction 45.00. Two planes show the test images after Layer 2 of each.
    """
    n_shown = 7
    return plot_demo(
        X_train[:n_shown],
        rotate(X_test[:n_shown], result.angles[:n_shown]),
        angles=ANGLES,
        accuracies=result.by_angle,
        chance=1 / len(result.classes),
        planes=result.components,
        labels=result.labels,
        separation=result.separation,
    )


def _accuracies(
    model: GlassBoxClassifier, names: Sequence[str], train: tuple[Any, Any], tests: Sequence[np.ndarray], y: np.ndarray
) -> dict[str, tuple[float, float]]:
    """Fit every classifier; Layer 1, which learns nothing, reads the test images once for all of them."""
    features = [model.representation_.transform(images) for images in tests]
    found = {}
    for name in names:
        fitted = GlassBoxClassifier(name, representation=model.representation, random_state=model.random_state)
        fitted.fit(*train)
        upright, turned = (float(np.mean(_predict(fitted, rows) == y)) for rows in features)
        found[name] = (upright, turned)
    return found


def _predict(model: GlassBoxClassifier, features: np.ndarray) -> np.ndarray:
    """Apply Layers 2 and 3 alone."""
    return model.classifier_.predict(model.reduction_.transform(features))
