r"""The analytic filters of Layer 1, built in float64 on grids centred at (size - 1) / 2.

Directions are in degrees counter-clockwise as seen on screen: x runs right along columns, y up against rows.
Where one filter is a turned or reflected copy of another, its pixels are moved, not computed again:
laws about quarter turns and reflections then hold to the last bit.
"""

import math

import torch
from torch import Tensor

from equibook._checks import check_positive_int
from equibook.actions import pixel_grid


def disc_window(size: int, *, taper: float = 0.15) -> Tensor:
    """Return a smooth window on the disc inscribed in the square: 1 inside, sin² down to 0 at the rim.

    Parameters
    ----------
    size : int
    taper : float
        The part of the radius on which the window falls.

    Returns
    -------
    float64 Tensor of shape (size, size), values in [0, 1]

    Examples
    --------
    >>> from equibook.filters import disc_window
    >>> window = disc_window(9)
    >>> float(window[4, 4]), float(window[0, 0])  # the centre, a corner
    (1.0, 0.0)
    """
    x, y = pixel_grid(size)
    radius = size / 2
    inside = ((radius - torch.sqrt(x**2 + y**2)) / (taper * radius)).clamp(0, 1)
    return torch.sin(math.pi / 2 * inside) ** 2


def morlet(size: int, scale: float, angle: float, *, frequency: float = 1.3) -> Tensor:
    r"""Return one Morlet wavelet: a plane wave under a round Gaussian, less the share that would see grey.

    .. math:: \psi(u) = e^{-|u|^2 / 2\sigma^2} (e^{i \xi \cdot u} - \kappa) / \sum_u e^{-|u|^2 / 2\sigma^2}

    with :math:`|\xi| = \mathrm{frequency} / \sigma` in the direction of the angle, and :math:`\kappa` such that
    the sum over pixels is 0.

    Parameters
    ----------
    size : int
        Even sizes sample between the pixels' places: what a grid of half the resolution needs.
    scale : float
        Standard deviation of the Gaussian, in pixels.
    angle : float
        In degrees.
    frequency : float
        Radians per scale.

    Returns
    -------
    complex128 Tensor of shape (size, size)

    References
    ----------
    Bruna and Mallat (2013), arXiv:1203.1513; here without a slant, so that the Gaussian is round.

    Examples
    --------
    >>> import torch
    >>> from equibook.filters import morlet
    >>> level, upright = morlet(13, 2.0, 0), morlet(13, 2.0, 90)
    >>> bool(level.sum().abs() < 1e-12)  # blind to grey
    True
    >>> torch.allclose(upright, torch.rot90(level))
    True
    """
    x, y = pixel_grid(size)
    envelope = torch.exp(-(x**2 + y**2) / (2 * scale**2))
    envelope = envelope / envelope.sum()
    cosine, sine = _cosine_and_sine(angle)
    phase = (frequency / scale) * (cosine * x + sine * y)
    even, odd = torch.cos(phase), torch.sin(phase)  # complex functions would differ in the last bit between places
    return torch.complex(envelope * (even - (envelope * even).sum()), envelope * odd)


def morlet_bank(scale: float, n_orientations: int = 8, *, frequency: float = 1.3, even: bool = False) -> Tensor:
    """Return a Morlet wavelet in all directions of a half turn.

    A real image and the opposite direction give the conjugate, hence the same modulus: a half turn suffices.
    Only directions up to 45 degrees are computed. The others are these, reflected about the diagonal and turned.

    Parameters
    ----------
    scale : float
        Standard deviation in pixels; the support reaches three of them.
    n_orientations : int
        Even. Direction i is at 180 i / n_orientations degrees.
    frequency : float
        Radians per scale.
    even : bool
        Sample on an even number of pixels, half a pixel off the centre.

    Returns
    -------
    complex128 Tensor of shape (n_orientations, size, size)

    Examples
    --------
    >>> import torch
    >>> from equibook.filters import morlet_bank
    >>> bank = morlet_bank(1.6)
    >>> tuple(bank.shape)
    (8, 11, 11)
    >>> torch.equal(bank[6], torch.rot90(bank[2]))  # 135° and 45°: the same numbers in other places
    True
    """
    check_orientations(n_orientations)
    size = 2 * math.ceil(3 * scale) + (0 if even else 1)
    quarter = n_orientations // 2
    bank: list[Tensor] = []
    for i in range(n_orientations):
        if i >= quarter:
            bank.append(torch.rot90(bank[i - quarter]))
        elif 2 * i > quarter:
            bank.append(_reflect_about_diagonal(bank[quarter - i]))
        else:
            bank.append(morlet(size, scale, 180 * i / n_orientations, frequency=frequency))
    return torch.stack(bank)


def ring_radii(size: int, n_rings: int) -> Tensor:
    """Return the radii of equally spaced rings that fill the inscribed disc.

    Parameters
    ----------
    size : int
    n_rings : int

    Returns
    -------
    float64 Tensor of shape (n_rings,), in pixels

    Examples
    --------
    >>> from equibook.filters import ring_radii
    >>> ring_radii(12, 3).tolist()
    [1.0, 3.0, 5.0]
    """
    return (torch.arange(n_rings, dtype=torch.float64) + 0.5) * (size / 2) / n_rings


def ring_windows(size: int, n_rings: int, *, width: float = 0.6) -> Tensor:
    """Return Gaussian windows of the radius, each of sum 1, so that reading with one is taking a mean.

    Parameters
    ----------
    size : int
    n_rings : int
    width : float
        Standard deviation as a part of the distance between rings.

    Returns
    -------
    float64 Tensor of shape (n_rings, size, size)

    Examples
    --------
    >>> import torch
    >>> from equibook.filters import ring_windows
    >>> rings, x = ring_windows(16, 4), torch.full((16, 16), 7.0, dtype=torch.float64)
    >>> [round(mean, 9) for mean in (rings * x).sum(dim=(1, 2)).tolist()]
    [7.0, 7.0, 7.0, 7.0]
    """
    check_positive_int(n_rings, name="n_rings")
    x, y = pixel_grid(size)
    off = torch.sqrt(x**2 + y**2) - ring_radii(size, n_rings)[:, None, None]
    windows = torch.exp(-(off**2) / (2 * (width * size / 2 / n_rings) ** 2))
    return windows / windows.sum(dim=(1, 2), keepdim=True)


def circular_harmonics(size: int, max_frequency: int) -> Tensor:
    r"""Return :math:`e^{-im \arg u}` for m = 0 … max_frequency, by repeated multiplication.

    Multiplying a pixel's direction by i only swaps and negates numbers: a quarter turn changes harmonic m by exactly
    :math:`(-i)^m`. At the centre of an odd grid there is no direction, and all but m = 0 are 0.

    Parameters
    ----------
    size : int
    max_frequency : int

    Returns
    -------
    complex128 Tensor of shape (max_frequency + 1, size, size)

    Examples
    --------
    >>> import torch
    >>> from equibook.filters import circular_harmonics
    >>> waves = circular_harmonics(8, 2)
    >>> torch.equal(torch.rot90(waves[1]), 1j * waves[1]), torch.equal(torch.rot90(waves[2]), -waves[2])
    (True, True)
    """
    x, y = pixel_grid(size)
    radius = torch.sqrt(x**2 + y**2)
    right, up = (along / torch.where(radius > 0, radius, 1.0) for along in (x, y))
    real, imaginary = [torch.ones_like(radius)], [torch.zeros_like(radius)]
    for _ in range(max_frequency):
        a, b = real[-1], imaginary[-1]
        real.append(a * right + b * up)
        imaginary.append(b * right - a * up)
    return torch.complex(torch.stack(real), torch.stack(imaginary))


def check_orientations(n_orientations: int) -> None:
    """Raise an error unless a quarter turn maps the directions of a half turn onto themselves.

    Parameters
    ----------
    n_orientations : int

    Raises
    ------
    ValueError
        Where it is odd, or not positive.

    Examples
    --------
    >>> from equibook.filters import check_orientations
    >>> check_orientations(8)
    >>> check_orientations(5)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: `n_orientations` must be even, got 5. A quarter turn must map the directions onto themselves: ...
    """
    check_positive_int(n_orientations, name="n_orientations")
    if n_orientations % 2:
        hint = "A quarter turn must map the directions onto themselves: choose 4, 6 or 8."
        raise ValueError(f"`n_orientations` must be even, got {n_orientations}. {hint}")


def _cosine_and_sine(angle: float) -> tuple[float, float]:
    """At 45 degrees both are one number, so that the filter equals its own reflection about the diagonal."""
    if angle == 45:
        return math.sqrt(0.5), math.sqrt(0.5)
    return math.cos(math.radians(angle)), math.sin(math.radians(angle))


def _reflect_about_diagonal(filters: Tensor) -> Tensor:
    """Swap right and up: the direction θ becomes 90° − θ."""
    return filters.flip(-1, -2).transpose(-1, -2)
