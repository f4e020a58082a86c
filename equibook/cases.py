"""The images that tell most about a model: those of each class that it is surest of, and its surest mistakes.

Each is explained by a model that has not seen it: the class it said, against the next one in its score.
"""

from dataclasses import dataclass

import numpy as np

from equibook.explanation import Explanation
from equibook.held_out import UPRIGHT
from equibook.sides import GLASS
from equibook.study import Study

MOST_TELLING = 12
MOST_WRONG = 6
PER_CLASS = 3


@dataclass(frozen=True, eq=False)
class Case:
    """One held-out image and why it was given its class.

    Parameters
    ----------
    row : int
        Of the image in the study.
    truth, said : str
    against : str
        The class that came next.
    why : Explanation
        Of `said` against `against`; image 0 of it.

    Examples
    --------
    >>> from equibook import datasets
    >>> from equibook.cases import explain_case
    >>> from equibook.study import study_images
    >>> X, y = datasets.load_shapes(4, 16, classes=("bar", "L"), random_state=0)
    >>> case = explain_case(study_images(X, y, translation="fixed", weights="digits"), row=0)
    >>> case.truth == y[0], {case.said, case.against} == {"bar", "L"}
    (True, True)

    The parts of all rings make up the score, but for what the average image has:

    >>> total = sum(case.parts()["ring"].values()) + case.why.bias[0] + case.why.reference[0].sum()
    >>> bool(abs(total - case.why.score[0]) < 1e-6)
    True
    """

    row: int
    truth: str
    said: str
    against: str
    why: Explanation

    def parts(self) -> dict[str, dict[float, float]]:
        """Return what features of each scale, ring and angular frequency add to the score, against the average image.

        Returns
        -------
        dict from "scale", "ring" and "k" to a dict from the value to a number in the unit of the score
            Left out where there is one value only.
        """
        groups = {by: self.why.group(by) for by in ("scale", "ring", "k")}
        return {
            by: {value: float(part[0]) for value, part in found.items()}
            for by, found in groups.items()
            if len(found) > 1
        }


def can_explain(study: Study) -> bool:
    """Return whether the scores of the study's models can be split: votes of pairs of classes cannot.

    Parameters
    ----------
    study : Study

    Returns
    -------
    bool

    Examples
    --------
    A study as far as it is looked at: support vectors of three classes vote by pairs.

    >>> from types import SimpleNamespace
    >>> from equibook.cases import can_explain
    >>> classes = {"bar": 8, "L": 8, "J": 8}
    >>> [can_explain(SimpleNamespace(classifier=name, classes=classes)) for name in ("lda", "rbf_svm")]
    [True, False]
    """
    return study.classifier != "rbf_svm" or len(study.classes) == 2


def choose_telling(study: Study) -> list[int]:
    """Choose images that were read right, of each class the surest ones: at most three, and 12 in all.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of int
        Rows of the study.

    Examples
    --------
    A study as far as it is looked at; image 1 was read wrong.

    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from equibook.cases import choose_telling
    >>> said = {"glass box": {"upright": np.array(["a", "b", "a", "b", "b"])}}
    >>> labels, margin = np.array(["a", "a", "a", "b", "b"]), np.array([1.0, 9.0, 2.0, 3.0, 4.0])
    >>> choose_telling(SimpleNamespace(said=said, labels=labels, margin=margin, classes={"a": 3, "b": 2}))
    [2, 0, 4, 3]
    """
    right = study.said[GLASS][UPRIGHT] == study.labels
    names = list(study.classes)
    each = max(1, min(PER_CLASS, MOST_TELLING // len(names)))
    chosen = [_surest(study, right & (study.labels.astype(str) == name), each) for name in names]
    return [row for rows in chosen for row in rows][:MOST_TELLING]


def choose_wrong(study: Study) -> list[int]:
    """Choose images that were read wrong, the surest mistakes first, at most six.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of int
        Rows of the study.

    Examples
    --------
    A study as far as it is looked at:

    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from equibook.cases import choose_wrong
    >>> said = {"glass box": {"upright": np.array(["a", "b", "a", "a"])}}
    >>> labels, margin = np.array(["a", "a", "a", "b"]), np.array([9.0, 1.0, 9.0, 2.0])
    >>> choose_wrong(SimpleNamespace(said=said, labels=labels, margin=margin))
    [3, 1]
    """
    return _surest(study, study.said[GLASS][UPRIGHT] != study.labels, MOST_WRONG)


def explain_case(study: Study, row: int) -> Case:
    """Explain what was said of one image when it was held out.

    Parameters
    ----------
    study : Study
    row : int

    Returns
    -------
    Case

    Examples
    --------
    >>> from equibook import datasets
    >>> from equibook.cases import explain_case
    >>> from equibook.study import study_images
    >>> X, y = datasets.load_shapes(4, 16, classes=("bar", "L"), random_state=0)
    >>> case = explain_case(study_images(X, y, translation="fixed", weights="digits"), row=1)
    >>> case.row, case.truth == y[1], case.why.pixels.shape
    (1, True, (1, 1, 16, 16))
    """
    model = study.models[study.folds[row]]
    image = study.images[row : row + 1]
    said = study.said[GLASS][UPRIGHT][row]
    scores = np.atleast_1d(np.squeeze(model.decision_function(image), axis=0))
    ranked = model.classes_[np.argsort(scores)[::-1]] if len(scores) > 1 else model.classes_
    against = next(name for name in ranked if name != said)
    two = len(model.classes_) == 2
    why = model.explain(image, said) if two else model.explain(image, said, against=against)
    return Case(row, str(study.labels[row]), str(said), str(against), why)


def _surest(study: Study, which: np.ndarray, number: int) -> list[int]:
    rows = np.flatnonzero(which)
    return rows[np.argsort(-study.margin[rows], kind="stable")[:number]].tolist()
