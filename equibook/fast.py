r"""Layer 1, equivariant part, fast: the same coefficients as the plain form in `equivariant`, in fewer steps.

Three things make the difference, and a test holds the result against the plain form:

1. Maps of wide wavelets are smooth, so a coarse grid of places serves them: every second place from a scale of
   1.5 pixels on, every fourth from 6. The wavelets are sampled where that grid needs them, between pixels if need be.
2. Interpolating a coarse map to all pixels is linear, and so is reading it: both are folded into one matrix.
3. Images are taken a few at a time, so that their maps stay in the processor's cache.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from scipy.interpolate import make_interp_spline
from torch import Tensor, nn

from equibook.equivariant import EquivariantLayer, Lifting, PolarHarmonics, check_input, modulus
from equibook.filters import morlet_bank

PIXELS_AT_ONCE = 2**16  # 64 images of 32 x 32; with many more, the same work takes half as long again


class FastEquivariantLayer(nn.Module):
    """The coefficients of an `EquivariantLayer`, up to the interpolation of its coarse maps.

    Parameters
    ----------
    plain : EquivariantLayer
        In float64, as it is when built.
    """

    window: Tensor
    image_reader: Tensor

    def __init__(self, plain: EquivariantLayer) -> None:
        super().__init__()
        self.table, self.image_shape = plain.table, plain.image_shape
        size = self.image_shape[-1]
        places = torch.view_as_complex(plain.image_harmonics.places) * plain.window
        self.register_buffer("window", plain.window.clone())
        self.register_buffer("image_reader", torch.view_as_real(places.flatten(1).T.contiguous()).flatten(1))
        self.readers = nn.ModuleList(
            ScaleReader(size, scale, plain.lifting, plain.map_harmonics) for scale in plain.lifting.scales
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return coefficients.

        Parameters
        ----------
        images : Tensor of shape (n_samples, n_channels, size, size)

        Returns
        -------
        complex Tensor of shape (n_samples, n_coefficients), in the unit of the images; `table` says what each is
        """
        check_input(images, self.image_shape)
        n_at_once = max(1, PIXELS_AT_ONCE // math.prod(self.image_shape))
        return torch.cat([self._read(some) for some in images.split(n_at_once)])

    def _read(self, images: Tensor) -> Tensor:
        x = images.flatten(0, 1)[:, None]  # (n * n_channels, 1, size, size)
        seen = x * self.window
        from_image = x.flatten(1) @ self.image_reader
        from_maps = torch.cat([read(seen) for read in self.readers], dim=1)
        pairs = [part.unflatten(0, images.shape[:2]).flatten(1) for part in (from_image, from_maps)]
        return torch.view_as_complex(torch.cat(pairs, dim=1).unflatten(1, (-1, 2)))


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

    filters: Tensor
    orientations: Tensor
    places: Tensor
    combine: Tensor

    def __init__(self, size: int, scale: float, lifting: Lifting, harmonics: PolarHarmonics) -> None:
        super().__init__()
        self.stride = coarse_stride(scale)
        rest = (size - 1) % self.stride  # of the side that the grid leaves over; if odd, it lies between the pixels
        bank = morlet_bank(scale, lifting.n_orientations, frequency=lifting.frequency, even=rest % 2 == 1)
        self.padding = (bank.shape[-1] - 1 - rest) // 2
        waves, wave_rows = _real_parts(harmonics.orientations, harmonics, 2)
        places, place_rows = _real_parts(harmonics.places, harmonics, 0, 1)
        interpolation = interpolation_matrix(size, self.stride)
        folded = interpolation.T @ places @ interpolation
        self.register_buffer("filters", torch.cat([bank.real, bank.imag])[:, None])
        self.register_buffer("orientations", waves)
        self.register_buffer("places", folded.flatten(1).T.contiguous())
        self.register_buffer("combine", _combine(wave_rows, place_rows, len(waves), len(places)))

    def forward(self, seen: Tensor) -> Tensor:
        """Return real and imaginary parts by turns, (n, 2 * n_readings), of images (n, 1, size, size)."""
        maps = modulus(F.conv2d(seen, self.filters, stride=self.stride, padding=self.padding))
        products = self.orientations @ maps.flatten(2) @ self.places
        return products.flatten(1) @ self.combine


def coarse_stride(scale: float) -> int:
    """Return how far apart places may lie for wavelets of a scale: 1, 2 or 4 pixels."""
    return 4 if scale >= 6 else 2 if scale >= 1.5 else 1


def interpolation_matrix(size: int, stride: int) -> Tensor:
    """Return the matrix of cubic spline interpolation along one side, from every stride-th place to all pixels.

    The places are centred on the image, so that turns and reflections move them onto themselves.

    Parameters
    ----------
    size : int
    stride : int

    Returns
    -------
    float64 Tensor of shape (size, n_places)
    """
    if stride == 1:
        return torch.eye(size, dtype=torch.float64)
    n_places = math.ceil(size / stride)
    if n_places == 1:
        return torch.ones(size, 1, dtype=torch.float64)
    places = (np.arange(n_places) - (n_places - 1) / 2) * stride
    pixels = np.arange(size) - (size - 1) / 2
    return torch.from_numpy(make_interp_spline(places, np.eye(n_places), k=min(3, n_places - 1))(pixels))


def _real_parts(waves: Tensor, harmonics: PolarHarmonics, *columns: int) -> tuple[Tensor, list[tuple[int, int, int]]]:
    """Split the complex waves of all readings into distinct real ones.

    Readings that differ in the sign of m or l have conjugate waves and share both parts. The columns, of (ring, m, l),
    are those that the waves depend on; the last one has the sign.

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
