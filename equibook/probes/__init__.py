"""Probes: how the layers of a network move when the image moves, measured from outside."""

from equibook.probes.alignment import CKA, cka, linear_cka
from equibook.probes.copies import TurnedCopies, turned_copies
from equibook.probes.finetuning import fine_tune, tune_by_size
from equibook.probes.fitted import FittedEquivariance, FittedMap, fitted_equivariance
from equibook.probes.invariance import InvarianceCount, invariance_count
from equibook.probes.lie import LieDerivative, lie_derivative
from equibook.probes.readouts import read_out
from equibook.probes.shifts import ShiftConsistency, shift_consistency
from equibook.probes.stitch import Stitching, stitching

__all__ = [
    "CKA",
    "FittedEquivariance",
    "FittedMap",
    "InvarianceCount",
    "LieDerivative",
    "ShiftConsistency",
    "Stitching",
    "TurnedCopies",
    "cka",
    "fine_tune",
    "fitted_equivariance",
    "invariance_count",
    "lie_derivative",
    "linear_cka",
    "read_out",
    "shift_consistency",
    "stitching",
    "tune_by_size",
    "turned_copies",
]
