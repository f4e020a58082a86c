r"""Layer 1, equivariant readout: which way an image points, and by how much two images are turned against each other.

A turn by α multiplies each coefficient by :math:`e^{-ik\alpha}`, so the angle stands in the phases. Both readings ask
where a periodic curve, :math:`\sum_k \mathrm{Re}(Z_k e^{ik\varphi})`, is largest; a turn only shifts the curve:

- of one image, its profile around the centre: :math:`Z_k` is the sum of its coefficients with that k, each times its
  own length;
- of two images, their correlation at every turn: :math:`Z_k` is the sum of :math:`C'_a \overline{C_a}`.
"""

from dataclasses import dataclass
from functools import reduce
from math import gcd

import numpy as np
import torch
from torch import Tensor

GRID = 720  # half a degree; the largest value is then found between the grid's places
NEWTON_STEPS = 4
FAINT = 1e-3  # of all energy: a frequency with less is not there; the grid of pixels leaves about as much of a disc


@dataclass(frozen=True, eq=False)
class Pose:
    """Angles that were read, and how far to trust them.

    Parameters
    ----------
    angle : ndarray of shape (n_samples,)
        In degrees, from -180 (not included) to 180; nan where there is none. Known up to 360 / symmetry degrees.
    confidence : ndarray of shape (n_samples,)
        How far the curve's highest peak stands above the next one, over its whole height: 0 where both are equal, up
        to 1; 0 where there is no angle.
    symmetry : int ndarray of shape (n_samples,)
        n, where the image looks the same after a turn by 360 / n; 0 where no turn changes it.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook import Representation
    >>> x = np.zeros((2, 16, 16))
    >>> x[0, 7:9, 8:14] = 1  # a bar from the centre to the right
    >>> x[1, 7:9, 2:14] = 1  # a bar across: half a turn gives the same
    >>> pose = Representation(scales=(1.6,), invariant="average").fit(x).pose(x)
    >>> abs(pose.angle).round(1).tolist(), pose.symmetry.tolist()
    ([0.0, 0.0], [1, 2])
    """

    angle: np.ndarray
    confidence: np.ndarray
    symmetry: np.ndarray


def read_pose(coefficients: Tensor, k: np.ndarray) -> Pose:
    """Read from its coefficients which way each image points: where its profile around the centre is largest.

    Parameters
    ----------
    coefficients : complex Tensor of shape (n_samples, n_coefficients)
    k : int ndarray of shape (n_coefficients,)
        Their angular frequencies.

    Returns
    -------
    Pose

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from equibook.equivariant import turn_coefficients
    >>> from equibook.pose import read_pose
    >>> k, C = np.array([1, 2]), torch.ones(1, 2, dtype=torch.complex128)  # points to the right: all phases are 0
    >>> read_pose(turn_coefficients(C, torch.tensor(k), 40), k).angle.round(3).tolist()
    [40.0]
    """
    C = _scale_to_one(coefficients)
    return _find_peak(_sum_by_frequency(C * C.abs(), k), _find_symmetry(C, k))


def compare_poses(coefficients: Tensor, others: Tensor, k: np.ndarray) -> Pose:
    """Read by how much each image must be turned to look like another one: where their correlation is largest.

    Parameters
    ----------
    coefficients, others : complex Tensors of shape (n_samples, n_coefficients)
    k : int ndarray of shape (n_coefficients,)
        Their angular frequencies.

    Returns
    -------
    Pose

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from equibook.equivariant import turn_coefficients
    >>> from equibook.pose import compare_poses
    >>> k, C = np.array([1, 2]), torch.tensor([[3 + 1j, 1 - 2j]], dtype=torch.complex128)
    >>> compare_poses(C, turn_coefficients(C, torch.tensor(k), 40), k).angle.round(3).tolist()
    [40.0]
    """
    C, D = _scale_to_one(coefficients), _scale_to_one(others)
    symmetry = np.gcd(_find_symmetry(C, k), _find_symmetry(D, k))
    return _find_peak(_sum_by_frequency(D * C.conj(), k), symmetry)


def _scale_to_one(coefficients: Tensor) -> Tensor:
    """Return coefficients, the largest part of each sample 1: angles do not need their size, and squares stay in range.

    Real and imaginary parts are divided apart: complex division fails beside the smallest numbers.
    """
    parts = torch.view_as_real(coefficients.detach().to(torch.complex128).resolve_conj())
    largest = parts.abs().amax(dim=(1, 2), keepdim=True)
    return torch.view_as_complex(parts / torch.where(largest > 0, largest, 1))


def _sum_by_frequency(values: Tensor, k: np.ndarray) -> np.ndarray:
    """Return the sums over all coefficients with k = 1, 2, …: complex, (n_samples, n_frequencies)."""
    is_frequency = torch.from_numpy(k == np.arange(1, k.max() + 1)[:, None]).to(values)
    return (values @ is_frequency.T).cpu().numpy()


def _find_symmetry(C: Tensor, k: np.ndarray) -> np.ndarray:
    """Return the greatest common divisor of the frequencies that are there, and 0 where there is none."""
    energy = C.abs().square()
    shares = _sum_by_frequency(energy.to(C), k).real / np.maximum(energy.sum(dim=1).cpu().numpy(), 1e-300)[:, None]
    return np.array([reduce(gcd, (1 + np.flatnonzero(row > FAINT)).tolist(), 0) for row in shares])


def _find_peak(Z: np.ndarray, symmetry: np.ndarray) -> Pose:
    """Return where the curves are largest."""
    k = np.arange(1, Z.shape[1] + 1)
    period = np.maximum(symmetry, 1)
    Z = np.where((k % period[:, None] == 0) & (symmetry > 0)[:, None], Z, 0)
    spectrum = np.concatenate([np.zeros((len(Z), 1)), Z], axis=1)
    curve = np.fft.irfft(spectrum, GRID, axis=1)  # at 2π i / GRID
    angle = _climb(Z, k, 2 * np.pi * curve.argmax(axis=1) / GRID)
    degrees = np.rad2deg(angle)
    turn = 360 / period
    degrees = degrees - turn * np.round(degrees / turn)
    degrees = np.where(np.isclose(degrees, -turn / 2), turn / 2, degrees)
    has_angle = np.ptp(curve, axis=1) > 0
    return Pose(
        angle=np.where(has_angle, degrees, np.nan),
        confidence=np.where(has_angle, _stand_out(curve, period), 0.0),
        symmetry=np.where(has_angle, symmetry, 0),
    )


def _climb(Z: np.ndarray, k: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Go from a place of the grid to the top beside it, by Newton's method."""
    for _ in range(NEWTON_STEPS):
        waves = Z * np.exp(1j * k * angle[:, None])
        slope, bend = -(k * waves).imag.sum(axis=1), -(k**2 * waves).real.sum(axis=1)
        step = np.divide(slope, bend, out=np.zeros_like(slope), where=bend < 0)
        angle = angle - np.clip(step, -np.pi / GRID, np.pi / GRID)
    return angle


def _stand_out(curve: np.ndarray, period: np.ndarray) -> np.ndarray:
    """Return how far the highest peak stands above the next one within a period, over the curve's whole height."""
    is_peak = (curve >= np.roll(curve, 1, axis=1)) & (curve > np.roll(curve, -1, axis=1))
    peaks = np.where(is_peak, curve, curve.min(axis=1, keepdims=True))
    top = curve.max(axis=1)
    # A peak comes back after each period: as many are as high as the highest.
    after = np.take_along_axis(np.sort(peaks, axis=1), GRID - 1 - period[:, None], axis=1)[:, 0]
    return (top - after) / np.maximum(np.ptp(curve, axis=1), 1e-300)
