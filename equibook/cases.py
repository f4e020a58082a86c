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
    """Return whether the scores of the study's models can be split: votes of pairs of classes cannot."""
    return study.classifier != "rbf_svm" or len(study.classes) == 2


def choose_telling(study: Study) -> list[int]:
    """Return rows of images that were read right, of each class the surest ones: at most three, and 12 in all."""
    right = study.said[GLASS][UPRIGHT] == study.labels
    names = list(study.classes)
    each = max(1, min(PER_CLASS, MOST_TELLING // len(names)))
    chosen = [_surest(study, right & (study.labels.astype(str) == name), each) for name in names]
    return [row for rows in chosen for row in rows][:MOST_TELLING]


def choose_wrong(study: Study) -> list[int]:
    """Return rows of images that were read wrong, the surest mistakes first, at most six."""
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
