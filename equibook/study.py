"""A person's own images, studied: how well they are told apart, upright and turned, by three ways to see them.

Pixels, the glass box and AlexNet's features get the same Layer 2, the same classifier and the same parts. Every image
is held out once: accuracies are of images that the model of their part has not seen. Which of three Layers 1 serves the
images is chosen within the training part, so that no held-out image has a say in it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from equibook import alexnet
from equibook._checks import as_images, check_choice, check_labels
from equibook.actions import rotate
from equibook.classifiers import CLASSIFIERS, decision_scores
from equibook.glassbox import GlassBoxClassifier
from equibook.held_out import TURNED, UPRIGHT, Part, Views, draw_folds, fit_part, over_folds, predict_held_out
from equibook.measure import ClassSeparation, class_separation
from equibook.novelty import Novelty
from equibook.representation import TRANSLATIONS, Representation
from equibook.screening import USUAL, foreignness_of_features
from equibook.shares import Share
from equibook.sides import ALEXNET, GLASS, PIXELS, SIDES, Reader, alexnet_reader, glass_reader, read_pixels

ANGLES = (0, 30, 60, 90, 120, 150, 180)
MOST_BY_ANGLE = 150  # images that are turned by every angle
FIRST_LAYER = {PIXELS: "pixels", GLASS: "Layer 1", ALEXNET: "pool5"}


@dataclass(frozen=True, eq=False)
class Study:
    """What was found about images.

    Parameters
    ----------
    images : ndarray of shape (n_samples, n_channels, size, size)
    labels : ndarray of shape (n_samples,)
    angles : ndarray of shape (n_samples,)
        By which each image was turned, in degrees.
    folds : int ndarray of shape (n_samples,)
        The part in which each image was held out.
    classifier, invariant, weights : str
        Of Layer 3, of Layer 1, of AlexNet.
    translations : tuple of str
        Which Layer 1 was chosen in each part; `model` has the most frequent one.
    said : dict from a side to a dict from "upright" and "turned" to an ndarray of shape (n_samples,)
        The class that each image was given when it was held out.
    margin : ndarray of shape (n_samples,)
        By how much the glass box put that class above the next one, upright, in the unit of its score.
    by_angle : dict from a side to a tuple of Share
        Read right at each of `ANGLES`, of at most 150 images, held out.
    separation : dict from a side to a dict from a layer to a ClassSeparation
        Of all images, turned; layers fitted to them upright, without their labels.
    flagged : Share
        Of held-out images, upright: those that would be flagged as foreign.
    models : tuple of GlassBoxClassifier
        Of each part; they have not seen it.
    model : GlassBoxClassifier
        Fitted to all images.

    Examples
    --------
    >>> from equibook import datasets
    >>> from equibook.study import study_images
    >>> X, y = datasets.load_shapes(4, 16, classes=("bar", "L"), random_state=0)
    >>> study = study_images(X, y, translation="fixed", weights="digits")
    >>> study.classes, study.guessing, study.said["glass box"]["turned"].shape
    ({'L': 2, 'bar': 2}, 0.5, (4,))
    """

    images: np.ndarray
    labels: np.ndarray
    angles: np.ndarray
    folds: np.ndarray
    classifier: str
    invariant: str
    weights: str
    translations: tuple[str, ...]
    said: dict[str, dict[str, np.ndarray]]
    margin: np.ndarray
    by_angle: dict[str, tuple[Share, ...]]
    separation: dict[str, dict[str, ClassSeparation]]
    flagged: Share
    models: tuple[GlassBoxClassifier, ...]
    model: GlassBoxClassifier

    @property
    def classes(self) -> dict[str, int]:
        """How many images of each class there are."""
        names, counts = np.unique(self.labels, return_counts=True)
        return dict(zip(map(str, names), counts.tolist(), strict=True))

    @property
    def guessing(self) -> float:
        """The accuracy of giving every image the most frequent class."""
        return max(self.classes.values()) / len(self.labels)

    def right(self, side: str, view: str = UPRIGHT) -> Share:
        """Return the share of held-out images that a side read right.

        Parameters
        ----------
        side : {"pixels", "glass box", "AlexNet"}
        view : {"upright", "turned"}

        Returns
        -------
        Share
        """
        check_choice(side, SIDES, name="side")
        check_choice(view, (UPRIGHT, TURNED), name="view")
        return Share(int((self.said[side][view] == self.labels).sum()), len(self.labels))

    def confusions(self) -> dict[tuple[str, str], int]:
        """Return how often the glass box took one class for another, upright.

        Returns
        -------
        dict from a pair (truth, said) to an int, most first
        """
        said = self.said[GLASS][UPRIGHT]
        wrong = zip(self.labels[said != self.labels], said[said != self.labels], strict=True)
        return dict(Counter((str(truth), str(one)) for truth, one in wrong).most_common())

    def __str__(self) -> str:
        from equibook.advice import format_study

        return format_study(self)


def study_images(
    X: Any,
    y: Any,
    *,
    classifier: str = "nearest_mean",
    translation: str = "auto",
    invariant: str = "cross",
    weights: str | None = None,
    random_state: int = 0,
    progress: bool = False,
) -> Study:
    """Study images of two or more classes.

    Parameters
    ----------
    X : ndarray or Tensor of shape (n_samples, n_channels, size, size)
        Of 1 or 3 channels.
    y : array-like of shape (n_samples,)
        At least two images of each class.
    classifier : str
        See `equibook.classifiers`.
    translation : {"auto", "fixed", "centre", "pool"}
        Of Layer 1; "auto" chooses in each part by validation on its training images, upright and turned.
    invariant : str
        Of Layer 1.
    weights : {"imagenet", "digits", "random"}, optional
        Of AlexNet; by default the best that is at hand without a download.
    random_state : int
        Draws parts and angles.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    Study

    Examples
    --------
    Bars and Ls, each read by a model that has not seen it, after a turn by a random angle.

    >>> from equibook import datasets
    >>> from equibook.study import study_images
    >>> X, y = datasets.load_shapes(8, 16, classes=("bar", "L"), random_state=0)
    >>> study = study_images(X, y, translation="fixed", weights="digits")
    >>> study.right("glass box", "turned").value, study.right("glass box", "turned").interval[0] > 0.6
    (1.0, True)
    """
    images = as_images(X, name="X").float().numpy()
    labels = check_labels(y, len(images))
    check_choice(classifier, CLASSIFIERS, name="classifier")
    check_choice(translation, ("auto", *TRANSLATIONS), name="translation")
    folds, rng = draw_folds(labels, classifier, random_state), np.random.default_rng(random_state)
    angles = rng.uniform(0, 360, len(images))
    weights = weights or alexnet.best_available()
    names = TRANSLATIONS if translation == "auto" else (translation,)
    layers = {name: Representation(translation=name, invariant=invariant).fit(images) for name in names}
    glass: dict[str, Reader] = {name: glass_reader(layer) for name, layer in layers.items()}
    readers: dict[str, dict[str, Reader]] = {
        PIXELS: {PIXELS: read_pixels},
        GLASS: glass,
        ALEXNET: {ALEXNET: alexnet_reader(weights)},
    }
    with tqdm(total=len(names) + 5 + len(ANGLES), desc="study", unit="step", leave=False, disable=not progress) as bar:
        views = {side: _read(found, images, rotate(images, angles), bar) for side, found in readers.items()}
        parts, all_of_it = {}, {}
        for side in SIDES:
            parts[side] = [
                fit_part(views[side], labels, np.flatnonzero(folds != i), classifier, random_state)
                for i in range(folds.max() + 1)
            ]
            preferred = _most_frequent([part.name for part in parts[side]], list(readers[side]))
            chosen = {preferred: views[side][preferred]}
            all_of_it[side] = fit_part(chosen, labels, np.arange(len(labels)), classifier, random_state)
            bar.update()
        by_angle = _by_angle(readers, parts, images, labels, folds, rng.permutation(len(images))[:MOST_BY_ANGLE], bar)
    models = [_assemble(part, layers, views[GLASS], folds != i, classifier) for i, part in enumerate(parts[GLASS])]
    return Study(
        images=images,
        labels=labels,
        angles=angles,
        folds=folds,
        classifier=classifier,
        invariant=invariant,
        weights=weights,
        translations=tuple(part.name for part in parts[GLASS]),
        said={s: {v: predict_held_out(parts[s], views[s], v, folds) for v in (UPRIGHT, TURNED)} for s in SIDES},
        margin=_margins(parts[GLASS], views[GLASS], folds),
        by_angle=by_angle,
        separation={side: _separate(side, all_of_it[side], views[side], labels) for side in SIDES},
        flagged=_count_flagged(models, views[GLASS], folds),
        models=tuple(models),
        model=_assemble(all_of_it[GLASS], layers, views[GLASS], np.full(len(labels), True), classifier),
    )


def _read(readers: Mapping[str, Reader], images: np.ndarray, turned: np.ndarray, bar: Any) -> dict[str, Views]:
    found: dict[str, Views] = {}
    for name, read in readers.items():
        found[name] = {UPRIGHT: read(images), TURNED: read(turned)}
        bar.update()
    return found


def _most_frequent(names: list[str], order: list[str]) -> str:
    return max(order, key=names.count)


def _by_angle(
    readers: Mapping[str, Mapping[str, Reader]],
    parts: Mapping[str, list[Part]],
    images: np.ndarray,
    labels: np.ndarray,
    folds: np.ndarray,
    rows: np.ndarray,
    bar: Any,
) -> dict[str, tuple[Share, ...]]:
    """Turn some images by every angle, and have each read by the models that have not seen it."""
    found: dict[str, list[Share]] = {side: [] for side in SIDES}
    for angle in ANGLES:
        turned = rotate(images[rows], angle)
        for side in SIDES:
            used = {part.name for part in parts[side]}
            views = {name: {TURNED: readers[side][name](turned)} for name in used}
            said = predict_held_out(parts[side], views, TURNED, folds[rows])
            found[side].append(Share(int((said == labels[rows]).sum()), len(rows)))
        bar.update()
    return {side: tuple(shares) for side, shares in found.items()}


def _margins(parts: list[Part], views: Mapping[str, Views], folds: np.ndarray) -> np.ndarray:
    def margin(i: int, rows: np.ndarray) -> np.ndarray:
        components = parts[i].layer_2.transform(views[parts[i].name][UPRIGHT][rows])
        scores = decision_scores(parts[i].layer_3, components)
        return np.abs(scores) if scores.ndim == 1 else -np.diff(np.sort(scores)[:, -2:][:, ::-1], axis=1)[:, 0]

    return over_folds(folds, margin)


def _separate(side: str, part: Part, views: Mapping[str, Views], labels: np.ndarray) -> dict[str, ClassSeparation]:
    standardised = part.layer_2.scaler_.transform(views[part.name][TURNED])
    components = part.layer_2.pca_.transform(standardised)
    return {
        FIRST_LAYER[side]: class_separation(standardised, labels),
        "Layer 2": class_separation(components, labels),
    }


def _assemble(
    part: Part, layers: Mapping[str, Representation], views: Mapping[str, Views], rows: np.ndarray, classifier: str
) -> GlassBoxClassifier:
    """Return the model that `fit` would give: its layers are here already."""
    layer_1 = layers[part.name]
    model = GlassBoxClassifier(classifier, representation=Representation(**layer_1.get_params()))
    model.representation_, model.reduction_, model.classifier_ = layer_1, part.layer_2, part.layer_3
    model.classes_ = part.layer_3.classes_
    model.novelty_ = Novelty().fit(views[part.name][UPRIGHT][rows])
    return model


def _count_flagged(models: list[GlassBoxClassifier], views: Mapping[str, Views], folds: np.ndarray) -> Share:
    def read(i: int, rows: np.ndarray) -> np.ndarray:
        return foreignness_of_features(models[i], views[models[i].representation_.translation][UPRIGHT][rows])

    return Share(int((over_folds(folds, read) > USUAL).sum()), len(folds))
