r"""Layer 1, equivariant part, fast: the same coefficients as the plain form in `equivariant`, in fewer steps.

Three things make the difference, and a test holds the result against the plain form:

1. Maps of wide wavelets are smooth, so a coarse grid of places serves them: every second place from a scale of 1.5 pixels
   on, every fourth from 3. The wavelets are sampled where that grid needs them, between pixels if need be.
2. Interpolating a coarse map to all pixels is linear, and so is reading it: both are folded into one matrix.
3. The finest grid is computed as four interleaved coarse ones, the form in which convolutions run quickest.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from scipy.interpolate import make_interp_spline
from torch import Tensor, nn

from equibook.equivariant import EquivariantLayer, Lifting, PolarHarmonics, modulus
from equibook.filters import morlet_bank


class FastEquivariantLayer(nn.Module):
    """The coefficients of an `EquivariantLayer`, up to the interpolation of its coarse maps.

    Parameters
    ----------
    plain : EquivariantLayer
    """

    def __init__(self, plain: EquivariantLayer) -> None:
        super().__init__()
        self.table = plain.table
        size = plain.window.shape[-1]
        places = torch.view_as_complex(plain.image_harmonics.places) * plain.window
        self.register_buffer("window", plain.window)
        self.register_buffer("image_reader", torch.view_as_real(places.flatten(1).T.contiguous()).flatten(1))
        self.readers = nn.ModuleList(
            ScaleReader(size, scale, plain.lifting, plain.map_harmonics) for scale in plain.lifting.scales
        )
        self.double()

    def forward(self, images: Tensor) -> Tensor:
        """Return coefficients.

        Parameters
        ----------
        images : Tensor of shape (n_samples, n_channels, size, size)

        Returns
        -------
        complex Tensor of shape (n_samples, n_coefficients), in the unit of the images; `table` says what each is
        """
        n, c, h, w = images.shape
        x = images.reshape(n * c, 1, h, w)
        seen = x * self.window
        from_image = x.flatten(1) @ self.image_reader
        from_maps = torch.stack([read(seen) for read in self.readers], dim=1)
        pairs = torch.cat([from_image.reshape(n, -1), from_maps.reshape(n, -1)], dim=1)
        return torch.view_as_complex(pairs.reshape(n, -1, 2))


class ScaleReader(nn.Module):
    """Lift to one scale, on a grid as coarse as it allows, and read the map there.

    Parameters
    ----------
    size : int
        Height and width of the images.
    scale : float
        In pixels.
    lifting : Lifting
        Says how many orientations there are, and at what frequency.
    harmonics : PolarHarmonics
        Reads maps on the full grid.
    """

    def __init__(self, size: int, scale: float, lifting: Lifting, harmonics: PolarHarmonics) -> None:
        super().__init__()
        self.n_orientations = lifting.n_orientations
        self.grid = CoarseGrid(size, coarse_stride(scale))
        bank = morlet_bank(scale, lifting.n_orientations, frequency=lifting.frequency, even=self.grid.between_pixels)
        self.pad = self.grid.padding(bank.shape[-1])
        parts = [_real_parts(harmonics.orientations, harmonics, 2), _real_parts(harmonics.places, harmonics, 0, 1)]
        (waves, wave_rows), (places, place_rows) = parts
        self.register_buffer("filters", self.grid.interleave_filters(torch.cat([bank.real, bank.imag]))[:, None])
        self.register_buffer("orientations", waves)
        self.register_buffer("places", self.grid.fold(places).T.contiguous())
        self.register_buffer("combine", _combine(wave_rows, place_rows, len(waves), len(places)))

    def forward(self, seen: Tensor) -> Tensor:
        """Return real and imaginary parts by turns, (n, 2 * n_readings), of images (n, 1, size, size)."""
        maps = modulus(F.conv2d(F.pad(seen, self.pad), self.filters, stride=self.grid.step))
        by_orientation = self.orientations @ maps.reshape(len(maps), self.n_orientations, -1)
        products = by_orientation @ self.places
        return products.flatten(1) @ self.combine


class CoarseGrid:
    """Every stride-th place, centred on the image, so that turns and reflections move the grid onto itself.

    Parameters
    ----------
    size : int
        Height and width of the full grid.
    stride : int
    """

    def __init__(self, size: int, stride: int) -> None:
        self.size, self.stride = size, stride
        self.n_places = math.ceil(size / stride)
        self.interleaved = 2 if stride == 1 else 1
        self.step = stride * self.interleaved
        self.n_steps = math.ceil(self.n_places / self.interleaved)
        self.between_pixels = (size - 1 - (self.n_places - 1) * stride) % 2 == 1

    def padding(self, filter_size: int) -> list[int]:
        """Return what is added on each side so that the first filter stands on the first place."""
        before = (filter_size - 1 + (self.n_places - 1) * self.stride - (self.size - 1)) // 2
        needed = (self.n_steps - 1) * self.step + filter_size + (self.interleaved - 1) * self.stride
        return [before, needed - before - self.size] * 2

    def interleave_filters(self, filters: Tensor) -> Tensor:
        """Give each filter (n, k, k) a copy for each of the interleaved grids, shifted to it."""
        last = (self.interleaved - 1) * self.stride
        shifts = [i * self.stride for i in range(self.interleaved)]
        copies = [F.pad(filters, (right, last - right, down, last - down)) for down in shifts for right in shifts]
        return torch.stack(copies, dim=1).flatten(0, 1)

    def fold(self, readers: Tensor) -> Tensor:
        """Turn readers of the full grid, (n, size, size), into readers of this one: (n, all its places)."""
        interpolation = self._interpolation()
        folded = interpolation.T @ readers @ interpolation
        missing = self.n_steps * self.interleaved - self.n_places
        steps = F.pad(folded, (0, missing, 0, missing)).unflatten(1, (self.n_steps, -1)).unflatten(3, (self.n_steps, -1))
        return steps.permute(0, 2, 4, 1, 3).flatten(1)

    def _interpolation(self) -> Tensor:
        """Return the matrix (size, n_places) of cubic spline interpolation along one side."""
        if self.stride == 1:
            return torch.eye(self.size, dtype=torch.float64)
        places = (np.arange(self.n_places) - (self.n_places - 1) / 2) * self.stride
        pixels = np.arange(self.size) - (self.size - 1) / 2
        spline = make_interp_spline(places, np.eye(self.n_places), k=min(3, self.n_places - 1))
        return torch.from_numpy(spline(pixels))


def coarse_stride(scale: float) -> int:
    """Return how far apart places may lie for wavelets of a scale: 1, 2 or 4 pixels."""
    return 4 if scale >= 3 else 2 if scale >= 1.5 else 1


def _real_parts(waves: Tensor, harmonics: PolarHarmonics, *columns: int) -> tuple[Tensor, list[tuple[int, int, int]]]:
    """Split the complex waves of all readings into distinct real ones.

    Readings that differ in the sign of m or l have conjugate waves and share both parts.

    Returns
    -------
    parts : Tensor of shape (n_parts, ...)
    rows : list of tuples (row of the real part, row of the imaginary part, sign of the imaginary part), one a reading
    """
    parts: list[Tensor] = []
    found: dict[tuple[int, ...], int] = {}
    rows = []
    for reading, wave in zip(harmonics.readings, waves, strict=True):
        sign = -1 if reading[columns[-1]] < 0 else 1
        key = tuple(abs(reading[column]) for column in columns)
        if key not in found:
            found[key] = len(parts)
            parts += [wave[..., 0], sign * wave[..., 1]]
        rows.append((found[key], found[key] + 1, sign))
    return torch.stack(parts), rows


def _combine(
    wave_rows: Sequence[tuple[int, int, int]], place_rows: Sequence[tuple[int, int, int]], n_waves: int, n_places: int
) -> Tensor:
    """Return the matrix of zeros and ±1 that makes complex products out of the products of real parts.

    (a + i s b)(p + i t q) = (ap − st bq) + i (t aq + s bp), with signs s and t.
    """
    combine = torch.zeros(n_waves, n_places, len(wave_rows), 2, dtype=torch.float64)
    for reading, ((a, b, s), (p, q, t)) in enumerate(zip(wave_rows, place_rows, strict=True)):
        combine[a, p, reading, 0] += 1
        combine[b, q, reading, 0] -= s * t
        combine[a, q, reading, 1] += t
        combine[b, p, reading, 1] += s
    return combine.flatten(2).flatten(0, 1)
