r"""Layer 1, equivariant part, fast: the same coefficients as the plain form in `equivariant`, in fewer steps.

Three things make the difference, and a test holds the result against the plain form:

1. Maps of wide wavelets are smooth, so a coarse grid of places serves them: every second place from a scale of
   1.5 pixels on, every fourth from 6. The wavelets are sampled where that grid needs them, between pixels if need be.
2. Interpolating a coarse map to all pixels is linear, and so is reading it: both are folded into one matrix.
3. Wavelets of 3 pixels and more see a blurred image on that same coarse grid, as weighted sums of blurs: a fourth of
   the weights, or a sixteenth.
4. Images are taken a few at a time, so that their maps stay in the processor's cache.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from scipy.interpolate import make_interp_spline
from torch import Tensor, nn

from equibook.equivariant import EquivariantLayer, Lifting, PolarHarmonics, check_input, modulus, orientation_waves
from equibook.filters import morlet_bank

PIXELS_AT_ONCE = 2**16  # 64 images of 32 x 32; with many more, the same work takes half as long again
BLURRED_FROM = 3.0  # pixels: the scale from which a blurred image serves
BLUR = 0.7  # standard deviation of the blur over the distance between places; it reaches twice that distance


class FastEquivariantLayer(nn.Module):
    """The coefficients of an `EquivariantLayer`, up to the interpolation of its coarse maps.

    Parameters
    ----------
    plain : EquivariantLayer
        In float64, as it is when built.

    Examples
    --------
    >>> import torch
    >>> from equibook.equivariant import EquivariantLayer
    >>> from equibook.fast import FastEquivariantLayer
    >>> plain, x = EquivariantLayer(16), torch.eye(16, dtype=torch.float64)[None, None]
    >>> fast = FastEquivariantLayer(plain)
    >>> bool((fast(x) - plain(x)).norm() < 0.02 * plain(x).norm())
    True
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
            _ScaleReader(size, scale, plain.lifting, plain.map_harmonics) for scale in plain.lifting.scales
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


class _ScaleReader(nn.Module):
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
    columns: Tensor
    signs: Tensor

    def __init__(self, size: int, scale: float, lifting: Lifting, harmonics: PolarHarmonics) -> None:
        super().__init__()
        self.stride = coarse_stride(scale)
        rest = (size - 1) % self.stride  # of the side that the grid leaves over; if odd, it lies between the pixels
        bank = morlet_bank(scale, lifting.n_orientations, frequency=lifting.frequency, even=rest % 2 == 1)
        self.blur = None
        if scale >= BLURRED_FROM:
            self.blur = _Blur(size, self.stride)
            bank = self.blur.express(bank)
        self.padding = bank.shape[-1] // 2 - _Blur.MARGIN if self.blur else (bank.shape[-1] - 1 - rest) // 2
        readings = harmonics.readings
        pairs = list(dict.fromkeys((ring, abs(m)) for ring, m, _ in readings))
        self.register_buffer("filters", torch.cat([bank.real, bank.imag])[:, None])
        self.register_buffer("orientations", _orientation_parts(lifting.n_orientations, readings))
        self.register_buffer("places", _place_parts(harmonics, pairs, interpolation_matrix(size, self.stride)))
        self.splits = (1, (len(self.orientations) + 1) // 2)
        columns = [self._column(m, l) * len(pairs) + pairs.index((ring, abs(m))) for ring, m, l in readings]
        self.register_buffer("columns", torch.tensor(columns))
        signs = [[1, -1 if m < 0 else 1] for _, m, _ in readings]
        self.register_buffer("signs", torch.tensor(signs, dtype=torch.float64))

    def _column(self, m: int, l: int) -> int:
        """Return where l stands among 0, 1, …, -1, …; for m < 0 where -l does, since C(m, l) = conj C(-m, -l)."""
        order = -l if m < 0 else l
        return order if order >= 0 else self.splits[1] - 1 - order

    def forward(self, seen: Tensor) -> Tensor:
        """Return real and imaginary parts, (n, n_readings, 2), of images (n, 1, size, size)."""
        x, stride = (seen, self.stride) if self.blur is None else (self.blur(seen), 1)
        maps = modulus(F.conv2d(x, self.filters, stride=stride, padding=self.padding))
        products = (self.orientations @ maps.flatten(2) @ self.places).unflatten(2, (-1, 2))
        plain, cosines, sines = torch.view_as_complex(products).tensor_split(self.splits, dim=1)
        sines = 1j * sines
        by_order = torch.cat([plain, cosines + sines, cosines - sines], dim=1)
        return torch.view_as_real(by_order.flatten(1)[:, self.columns]) * self.signs


class _Blur(nn.Module):
    """Blur images and keep every stride-th place, on a grid centred on the image and two places larger on each side.

    Parameters
    ----------
    size : int
        Height and width of the images.
    stride : int
        Distance between places, in pixels.
    """

    MARGIN = 2  # places: as far as the blur reaches
    rows: Tensor

    def __init__(self, size: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        n_places = math.ceil(size / stride) + 2 * self.MARGIN
        self.register_buffer("rows", self._bell(_centred(n_places, stride)[:, None] - _centred(size)))

    def _bell(self, u: Tensor) -> Tensor:
        return torch.exp(-0.5 * (u / (BLUR * self.stride)) ** 2) * (u.abs() <= self.MARGIN * self.stride)

    def forward(self, images: Tensor) -> Tensor:
        """Return blurred images (n, 1, n_places, n_places) of images (n, 1, size, size)."""
        return self.rows @ images @ self.rows.T

    def express(self, filters: Tensor) -> Tensor:
        """Return the weights with which blurs at the places around sum to filters, as nearly as they can.

        Parameters
        ----------
        filters : complex Tensor of shape (n_filters, n_pixels, n_pixels)

        Returns
        -------
        complex Tensor of shape (n_filters, n_places, n_places)
            n_places is odd.
        """
        n_pixels = filters.shape[-1]
        n_places = 2 * math.ceil(n_pixels / 2 / self.stride) + 1
        blurs = self._bell(_centred(n_pixels)[:, None] - _centred(n_places, self.stride))
        fit = torch.linalg.pinv(blurs).to(filters.dtype)
        return fit @ filters @ fit.T


def coarse_stride(scale: float) -> int:
    """Return how far apart places may lie for wavelets of a scale: 1, 2 or 4 pixels.

    Parameters
    ----------
    scale : float
        In pixels.

    Returns
    -------
    int

    Examples
    --------
    >>> from equibook.fast import coarse_stride
    >>> [coarse_stride(scale) for scale in (0.8, 1.6, 3.2, 6.4)]
    [1, 2, 2, 4]
    """
    return 4 if scale >= 6 else 2 if scale >= 1.5 else 1


def _centred(n: int, step: int = 1) -> Tensor:
    """Return n positions about 0, a step apart: float64."""
    return (torch.arange(n, dtype=torch.float64) - (n - 1) / 2) * step


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

    Examples
    --------
    >>> import torch
    >>> from equibook.fast import interpolation_matrix
    >>> matrix = interpolation_matrix(9, 2)
    >>> tuple(matrix.shape)
    (9, 5)
    >>> torch.allclose(matrix[::2], torch.eye(5, dtype=torch.float64))  # at the places themselves nothing changes
    True
    """
    if stride == 1:
        return torch.eye(size, dtype=torch.float64)
    n_places = math.ceil(size / stride)
    if n_places == 1:
        return torch.ones(size, 1, dtype=torch.float64)
    spline = make_interp_spline(_centred(n_places, stride).numpy(), np.eye(n_places), k=min(3, n_places - 1))
    return torch.from_numpy(spline(_centred(size).numpy()))


def _orientation_parts(n_orientations: int, readings: Sequence[tuple[int, int, int]]) -> Tensor:
    """Return cosines of all orders l ≥ 0, then sines of those above 0: (1 + 2 * largest l, n_orientations)."""
    orders = torch.arange(1 + max(abs(l) for _, _, l in readings))
    waves = orientation_waves(n_orientations)[(orders[:, None] * torch.arange(n_orientations)) % n_orientations]
    return torch.cat([waves.real, waves.imag[1:]])


def _place_parts(harmonics: PolarHarmonics, pairs: Sequence[tuple[int, int]], interpolation: Tensor) -> Tensor:
    """Return the waves of pairs (ring, m ≥ 0), real and imaginary parts by turns: (n_places², 2 * n_pairs)."""
    waves: dict[tuple[int, int], Tensor] = {}
    for (ring, m, _), wave in zip(harmonics.readings, torch.view_as_complex(harmonics.places), strict=True):
        waves.setdefault((ring, abs(m)), wave.conj() if m < 0 else wave)
    parts = torch.view_as_real(torch.stack([waves[pair] for pair in pairs]).resolve_conj())
    folded = interpolation.T @ parts.permute(0, 3, 1, 2) @ interpolation  # (n_pairs, 2, n_places, n_places)
    return folded.flatten(0, 1).flatten(1).T.contiguous()
