r"""Layer 1, equivariant part: the image is lifted to places and orientations, then read in polar harmonics.

Three blocks, in their plain form: `Lifting`, `PolarHarmonics`, and `EquivariantLayer`, which puts them together.
A turn of the image by α multiplies every coefficient by :math:`e^{-ik\alpha}`, with a frequency k known beforehand.
(torch's `conv2d` is a correlation, which is what is meant throughout.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from equibook._checks import check_positive_int
from equibook.colour import OPPONENT_CHANNELS
from equibook.filters import check_orientations, circular_harmonics, disc_window, morlet_bank, ring_radii, ring_windows

BAND_LIMIT = 1.6  # pixels: on a ring of radius r, harmonics with |m| > r + 1.6 are sampling noise


@dataclass(frozen=True)
class CoefficientTable:
    """What each coefficient is: five arrays of one length.

    Parameters
    ----------
    channel, ring, m, l : int ndarrays of shape (n_coefficients,)
    scale : float ndarray of shape (n_coefficients,)
        In pixels; 0 for the image itself, read without a filter.

    Examples
    --------
    >>> from equibook.equivariant import EquivariantLayer
    >>> table = EquivariantLayer(16, scales=(1.6,)).table
    >>> table.names[0], int(table.k[0])
    ('image ring=0 m=0', 0)
    >>> table.names[-1], int(table.k[-1])
    ('scale=1.6 ring=5 m=1 l=2', 5)
    """

    channel: np.ndarray
    scale: np.ndarray
    ring: np.ndarray
    m: np.ndarray
    l: np.ndarray

    def __len__(self) -> int:
        return len(self.m)

    @cached_property
    def k(self) -> np.ndarray:
        """Angular frequency m + 2l of each coefficient; orientations have the period 180°, so l counts twice."""
        return self.m + 2 * self.l

    @cached_property
    def names(self) -> list[str]:
        """One name a coefficient, such as `scale=1.6 ring=3 m=-2 l=1`; the channel where there are several."""
        channels = _name_channels(int(self.channel.max()) + 1)
        return [channels[self.channel[i]] + self._name(i) for i in range(len(self))]

    def _name(self, i: int) -> str:
        source = f"scale={self.scale[i]:g}" if self.scale[i] else "image"
        orientation = f" l={self.l[i]}" if self.scale[i] else ""
        return f"{source} ring={self.ring[i]} m={self.m[i]}{orientation}"


def _name_channels(n_channels: int) -> list[str]:
    """Return how the names of coefficients begin; three channels are opponent colours, a single one goes unnamed."""
    if n_channels == 1:
        return [""]
    names = OPPONENT_CHANNELS if n_channels == 3 else range(n_channels)
    return [f"channel={name} " for name in names]


class Lifting(nn.Module):
    r"""Correlate images with Morlet wavelets at all scales and orientations, and take the modulus.

    .. math:: U_j(\theta, u) = |x \star \psi_{j,\theta}|(u), \qquad U[g x](\theta, u) = U[x](g^{-1}(\theta, u))

    Parameters
    ----------
    scales : sequence of float
        In pixels.
    n_orientations : int
        Even.
    frequency : float
        Radians per scale.

    Examples
    --------
    >>> import torch
    >>> from equibook.equivariant import Lifting
    >>> lift, x = Lifting((0.8, 1.6)), torch.eye(16, dtype=torch.float64)[None, None]  # a line that falls at 135°
    >>> maps = lift(x)
    >>> tuple(maps.shape)
    (1, 2, 8, 16, 16)
    >>> maps[0, 1].sum(dim=(1, 2)).argmax().item() * 180 / 8  # the waves across it see it best: those at 45°
    45.0
    """

    def __init__(self, scales: Sequence[float], n_orientations: int = 8, *, frequency: float = 1.3) -> None:
        super().__init__()
        self.scales = tuple(scales)
        self.n_orientations = n_orientations
        self.frequency = frequency
        for j, scale in enumerate(self.scales):
            bank = morlet_bank(scale, n_orientations, frequency=frequency)
            self.register_buffer(f"filters_{j}", torch.cat([bank.real, bank.imag])[:, None])

    def forward(self, images: Tensor) -> Tensor:
        """Return lifted maps.

        Parameters
        ----------
        images : Tensor of shape (n_samples, n_channels, height, width)

        Returns
        -------
        Tensor of shape (n_samples, n_channels * n_scales, n_orientations, height, width), in the unit of the images
            Filters run through the scales of the first channel, then of the second.
        """
        n, c, h, w = images.shape
        lifted = [modulus(self._correlate(images.reshape(n * c, 1, h, w), j)) for j in range(len(self.scales))]
        return torch.stack(lifted, dim=1).reshape(n, c * len(self.scales), self.n_orientations, h, w)

    def _correlate(self, x: Tensor, j: int) -> Tensor:
        filters = self.get_buffer(f"filters_{j}")
        return F.conv2d(x, filters, padding=filters.shape[-1] // 2)  # (n, 2 * n_orientations, h, w)


class PolarHarmonics(nn.Module):
    r"""Read maps by angular frequency around the centre (m) and around the orientations (l).

    .. math:: C_{r,m,l} = \tfrac{1}{L} \sum_\theta \sum_u U(\theta, u) h_r(|u|) e^{-im \arg u} e^{-2il\theta}

    where :math:`2\theta` runs once around while the orientation θ runs through its period of 180°. A turn by α
    multiplies it by :math:`e^{-ik\alpha}`, k = m + 2l. U is real, so of the pair C(m, l), C(−m, −l) one is kept: the
    one with k > 0, or k = 0 and l ≥ 0.

    Parameters
    ----------
    size : int
        Height and width of the maps.
    n_orientations : int
        1 for an image, which has no orientation axis.
    n_rings : int
    max_frequency : int
        Largest k.
    max_orientation_frequency : int
        Largest size of l, less than half the number of orientations.
    pooled : bool
        Read means over all places instead of rings: m = 0 alone, one "ring".

    Examples
    --------
    >>> import torch
    >>> from equibook.equivariant import PolarHarmonics
    >>> read = PolarHarmonics(16, 1, n_rings=3, max_frequency=2, max_orientation_frequency=0)
    >>> len(read.readings), read.readings[1]  # (ring, m, l)
    (9, (0, 1, 0))
    >>> grey = torch.full((1, 1, 1, 16, 16), 0.5, dtype=torch.float64)
    >>> [round(size, 9) for size in read(grey).abs().flatten().tolist()[:3]]  # grey has a mean, and no frequency
    [0.5, 0.0, 0.0]
    """

    places: Tensor
    orientations: Tensor

    def __init__(
        self,
        size: int,
        n_orientations: int,
        *,
        n_rings: int = 6,
        max_frequency: int = 5,
        max_orientation_frequency: int = 2,
        pooled: bool = False,
    ) -> None:
        super().__init__()
        _check_orientation_frequency(max_orientation_frequency, n_orientations)
        if pooled:
            rings, radii, band = torch.ones(1, size, size, dtype=torch.float64) / size**2, [0.0], 0.0
        else:
            rings, radii, band = windowed_rings(size, n_rings), ring_radii(size, n_rings).tolist(), BAND_LIMIT
        self.readings = list_readings(radii, max_frequency, max_orientation_frequency, band=band)
        self.register_buffer("places", torch.view_as_real(self._places(rings)))
        self.register_buffer("orientations", torch.view_as_real(self._orientations(n_orientations)))

    def _places(self, rings: Tensor) -> Tensor:
        """Return h_r(|u|) e^{-im arg u} of every reading: complex, (n_readings, size, size)."""
        ring, m, _ = torch.tensor(self.readings).T
        waves = circular_harmonics(rings.shape[-1], int(m.abs().max()))[m.abs()]
        return rings[ring] * torch.where(m[:, None, None] < 0, waves.conj(), waves)

    def _orientations(self, n_orientations: int) -> Tensor:
        """Return e^{-2ilθ} / L of every reading: complex, (n_readings, n_orientations)."""
        l = torch.tensor(self.readings)[:, 2]
        return orientation_waves(n_orientations)[(l[:, None] * torch.arange(n_orientations)) % n_orientations]

    def forward(self, maps: Tensor) -> Tensor:
        """Return coefficients.

        Parameters
        ----------
        maps : Tensor of shape (n_samples, n_filters, n_orientations, height, width)

        Returns
        -------
        complex Tensor of shape (n_samples, n_filters, n_readings), in the unit of the maps
        """
        places = torch.view_as_complex(self.places)
        orientations = torch.view_as_complex(self.orientations)
        by_orientation = torch.einsum("nfthw,khw->nftk", maps.to(places.dtype), places)
        return torch.einsum("nftk,kt->nfk", by_orientation, orientations)


class EquivariantLayer(nn.Module):
    """Window, lift, read: from images to coefficients with known angular frequencies. The plain form.

    It is built in float64; `.to(torch.float32)` moves it. Built with `pooled`, it has one "ring", the whole image.

    Parameters
    ----------
    size : int
        Height and width of the images.
    n_channels : int
    scales : sequence of float
        In pixels.
    n_orientations, n_rings, max_frequency, max_orientation_frequency : int
        See `PolarHarmonics`.
    pooled : bool
        Read means over all places instead of rings.

    Examples
    --------
    >>> import torch
    >>> from equibook.equivariant import EquivariantLayer, turn_coefficients
    >>> layer, x = EquivariantLayer(16, scales=(1.6,)), torch.eye(16, dtype=torch.float64)[None, None]
    >>> x[..., 8:] = 0  # half a diagonal
    >>> turned, k = layer(torch.rot90(x, dims=(-2, -1))), torch.tensor(layer.table.k)
    >>> torch.allclose(turned, layer(x)), torch.allclose(turned, turn_coefficients(layer(x), k, 90))
    (False, True)
    """

    window: Tensor

    def __init__(
        self,
        size: int,
        n_channels: int = 1,
        *,
        scales: Sequence[float] = (0.8, 1.6, 3.2),
        n_orientations: int = 8,
        n_rings: int = 6,
        max_frequency: int = 5,
        max_orientation_frequency: int = 2,
        pooled: bool = False,
    ) -> None:
        super().__init__()
        check_positive_int(size, name="size")
        check_orientations(n_orientations)
        self.register_buffer("window", disc_window(size))
        self.lifting = Lifting(scales, n_orientations)
        read = partial(PolarHarmonics, size, n_rings=n_rings, max_frequency=max_frequency, pooled=pooled)
        self.image_harmonics = read(1, max_orientation_frequency=0)
        self.map_harmonics = read(n_orientations, max_orientation_frequency=max_orientation_frequency)
        self.image_shape = (check_positive_int(n_channels, name="n_channels"), size, size)
        self.table = self._tabulate(n_channels)

    def _tabulate(self, n_channels: int) -> CoefficientTable:
        sources = [(channel, 0.0, self.image_harmonics) for channel in range(n_channels)]
        sources += [(c, scale, self.map_harmonics) for c in range(n_channels) for scale in self.lifting.scales]
        rows = [(c, scale, *reading) for c, scale, harmonics in sources for reading in harmonics.readings]
        channel, scale, ring, m, l = map(np.array, zip(*rows, strict=True))
        return CoefficientTable(channel, scale, ring, m, l)

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
        seen = images * self.window
        from_image = self.image_harmonics(seen[:, :, None])
        from_maps = self.map_harmonics(self.lifting(seen))
        return torch.cat([from_image.flatten(1), from_maps.flatten(1)], dim=1)


def modulus(pairs: Tensor) -> Tensor:
    """Return the absolute values of complex numbers whose real parts stand before their imaginary parts on axis 1.

    The derivative at 0 is 0, in both modes: black gives no NaN, which a plain square root would. What is small enough
    to be the rounding of a 0, beside the largest number of a sample, counts as 0: its direction says nothing.

    Parameters
    ----------
    pairs : Tensor of shape (n_samples, 2 * n, ...)

    Returns
    -------
    Tensor of shape (n_samples, n, ...)

    Examples
    --------
    >>> import torch
    >>> from equibook.equivariant import modulus
    >>> modulus(torch.tensor([[3.0, 0.0, 4.0, 0.0]])).tolist()  # of 3 + 4i and of 0
    [[5.0, 0.0]]
    """
    real, imaginary = pairs.chunk(2, dim=1)
    energy = real.square().addcmul(imaginary, imaginary)
    if not torch.compiler.is_compiling() and torch.is_inference_mode_enabled():
        return energy.sqrt_()  # nothing is derived here: fewer passes over memory
    smallest = 8 * torch.finfo(energy.dtype).eps
    largest = energy.detach().amax(dim=tuple(range(1, energy.ndim)), keepdim=True)
    counts = energy > smallest**2 * largest
    return torch.where(counts, energy, 1).sqrt() * counts


def turn_coefficients(coefficients: Tensor, k: Tensor, angle: float) -> Tensor:
    r"""Return what the coefficients become when the image is turned: each times :math:`e^{-ik\alpha}`.

    Parameters
    ----------
    coefficients : complex Tensor of shape (n_samples, n_coefficients)
    k : int Tensor of shape (n_coefficients,)
        Their angular frequencies.
    angle : float
        In degrees, counter-clockwise.

    Returns
    -------
    complex Tensor of shape (n_samples, n_coefficients)

    Examples
    --------
    >>> import torch
    >>> from equibook.equivariant import turn_coefficients
    >>> ones, k = torch.ones(1, 3, dtype=torch.complex128), torch.tensor([0, 2, 4])
    >>> turn_coefficients(ones, k, 90).real.round().tolist()  # times 1, e^(-iπ) and e^(-2iπ)
    [[1.0, -1.0, 1.0]]
    """
    phase = -np.deg2rad(angle) * k.to(torch.float64)
    return coefficients * torch.polar(torch.ones_like(phase), phase).to(coefficients.dtype)


def reflect_coefficients(coefficients: Tensor, k: Tensor, axis: float = 90.0) -> Tensor:
    r"""Return what the coefficients become when the image is reflected about an axis through its centre.

    :math:`C_{m,l} \to e^{-2i\beta k} C_{-m,-l}`, and :math:`C_{-m,-l}` is the conjugate of :math:`C_{m,l}`.

    Parameters
    ----------
    coefficients : complex Tensor of shape (n_samples, n_coefficients)
    k : int Tensor of shape (n_coefficients,)
    axis : float
        Angle β of the axis in degrees; 90 is the left-right flip.

    Returns
    -------
    complex Tensor of shape (n_samples, n_coefficients)

    Examples
    --------
    >>> import torch
    >>> from equibook.equivariant import reflect_coefficients
    >>> C, k = torch.tensor([[1 + 2j]], dtype=torch.complex128), torch.tensor([1])
    >>> torch.allclose(reflect_coefficients(C, k, axis=0), torch.tensor([[1 - 2j]], dtype=torch.complex128))
    True
    >>> torch.allclose(reflect_coefficients(reflect_coefficients(C, k), k), C)  # twice: nothing
    True
    """
    return turn_coefficients(coefficients.conj(), k, 2 * axis)


def list_readings(
    radii: Sequence[float], max_frequency: int, max_orientation_frequency: int, *, band: float
) -> list[tuple[int, int, int]]:
    """Return the triples (ring, m, l) that are read: 0 ≤ k = m + 2l ≤ max_frequency within the band limit.

    Parameters
    ----------
    radii : sequence of float
        Of the rings, in pixels.
    max_frequency : int
        Largest k.
    max_orientation_frequency : int
        Largest size of l.
    band : float
        In pixels: the size of m stays below the radius plus this.

    Returns
    -------
    list of tuples of three int

    Examples
    --------
    >>> from equibook.equivariant import list_readings
    >>> list_readings([1.0], 1, 1, band=1.6)  # (0, 3, -1) has k = 1, too; m = 3 is too fine for so small a ring
    [(0, 0, 0), (0, -2, 1), (0, 1, 0), (0, -1, 1)]
    """
    orders = range(-max_orientation_frequency, max_orientation_frequency + 1)
    return [
        (ring, k - 2 * l, l)
        for ring, radius in enumerate(radii)
        for k in range(max_frequency + 1)
        for l in orders
        if abs(k - 2 * l) <= radius + band and (k > 0 or l >= 0)
    ]


def windowed_rings(size: int, n_rings: int) -> Tensor:
    """Return rings faded at the rim, where a square grid holds more places in its corners; each of sum 1.

    Parameters
    ----------
    size : int
    n_rings : int

    Returns
    -------
    float64 Tensor of shape (n_rings, size, size)

    Examples
    --------
    >>> from equibook.equivariant import windowed_rings
    >>> rings = windowed_rings(16, 4)
    >>> tuple(rings.shape), float(rings[:, 0, 0].sum())  # no corner is seen
    ((4, 16, 16), 0.0)
    """
    rings = ring_windows(size, n_rings) * disc_window(size)
    return rings / rings.sum(dim=(1, 2), keepdim=True)


def orientation_waves(n_orientations: int) -> Tensor:
    """Return e^{-2πit/L} / L for t = 0 … L − 1.

    Parameters
    ----------
    n_orientations : int
        L.

    Returns
    -------
    complex128 Tensor of shape (n_orientations,)

    Examples
    --------
    >>> import torch
    >>> from equibook.equivariant import orientation_waves
    >>> once_around = torch.tensor([1, -1j, -1, 1j], dtype=torch.complex128)
    >>> torch.allclose(4 * orientation_waves(4), once_around)
    True
    """
    angles = torch.arange(n_orientations, dtype=torch.float64) * (-2 * torch.pi / n_orientations)
    return torch.polar(torch.full_like(angles, 1 / n_orientations), angles)


def check_input(images: Tensor, image_shape: tuple[int, int, int]) -> None:
    """Raise an error unless images have the channels and the size that a layer was built for.

    Parameters
    ----------
    images : Tensor of shape (n_samples, n_channels, height, width)
    image_shape : tuple of int
        (n_channels, height, width).

    Raises
    ------
    ValueError
        Where they differ.

    Examples
    --------
    >>> import torch
    >>> from equibook.equivariant import check_input
    >>> check_input(torch.zeros(2, 1, 16, 16), (1, 16, 16))
    >>> check_input(torch.zeros(2, 3, 16, 16), (1, 16, 16))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: `images` must have shape (n_samples, 1, 16, 16), got (2, 3, 16, 16). ...
    """
    if tuple(images.shape[1:]) != image_shape:
        need = f"`images` must have shape (n_samples, {', '.join(map(str, image_shape))})"
        raise ValueError(f"{need}, got {tuple(images.shape)}. Build the layer for their size and channels.")


def _check_orientation_frequency(max_orientation_frequency: int, n_orientations: int) -> None:
    """Raise an error unless 0 ≤ l < L / 2: at L / 2 and above, one number would have two frequencies."""
    if not 0 <= max_orientation_frequency < max(n_orientations / 2, 1):
        need = f"`max_orientation_frequency` must be from 0 to less than half of {n_orientations} orientations"
        raise ValueError(f"{need}, got {max_orientation_frequency}. Lower it, or lift with more orientations.")
