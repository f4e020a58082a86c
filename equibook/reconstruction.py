r"""What Layer 1 keeps: images rebuilt from coefficients in closed form, and searched from invariants.

From the polar harmonics of the image itself (order 0), with their phases, it is rebuilt by least squares; with what an
invariant forgets brought into a standard form, one sees what it keeps. From the invariants of all of Layer 1 an image
is *searched* that has the same ones. How far it lies from the one that they came from, up to a turn, says what they
forget, as far as the search succeeds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor
from tqdm.auto import tqdm

from equibook._checks import as_images, as_rows, check_choice, check_positive_int, like
from equibook.actions import rotate
from equibook.equivariant import PolarHarmonics
from equibook.pose import read_pose
from equibook.representation import Representation

STANDARD_FORMS = ("average", "power", "cross", "bispectrum")  # of the image itself: "k0" would keep what "average" does


class ImageHarmonics:
    """The image itself read in polar harmonics: order 0, with so many rings and frequencies as one likes.

    Parameters
    ----------
    size : int
        Height and width of the images, in pixels.
    n_rings, max_frequency : int
        Rings, and the largest angular frequency. On small rings high frequencies are left out: pixels cannot hold them.

    Attributes
    ----------
    n_numbers : int
        Real numbers that are kept of each channel: one for m = 0, two for every other coefficient.

    Examples
    --------
    >>> from equibook.reconstruction import ImageHarmonics
    >>> ImageHarmonics(32, n_rings=12, max_frequency=10).n_numbers
    192
    """

    def __init__(self, size: int, *, n_rings: int = 12, max_frequency: int = 10) -> None:
        check_positive_int(size, name="size")
        check_positive_int(max_frequency, name="max_frequency")
        reader = PolarHarmonics(size, 1, n_rings=n_rings, max_frequency=max_frequency, max_orientation_frequency=0)
        self.size = size
        self.ring, self.m = np.array([(ring, m) for ring, m, _ in reader.readings]).T
        waves = torch.view_as_complex(reader.places).flatten(1)
        self._rows = torch.cat([waves.real, waves.imag[self.m != 0]])  # (n_numbers, n_pixels)
        self._inverse = torch.linalg.pinv(self._rows)

    @property
    def n_numbers(self) -> int:
        """Real numbers that are kept of each channel."""
        return len(self._rows)

    def read(self, images: Any) -> Any:
        """Return coefficients of images.

        Parameters
        ----------
        images : ndarray or Tensor of shape (n_samples, n_channels, size, size) or (n_samples, size, size)

        Returns
        -------
        complex ndarray or Tensor of shape (n_samples, n_channels, n_coefficients)
            Of angular frequencies `m`, on rings `ring`.
        """
        x = as_images(images)
        if x.shape[-1] != self.size:
            hint = "Make harmonics of that size."
            raise ValueError(f"`images` must have {self.size} x {self.size} pixels, got {x.shape[-1]}. {hint}")
        numbers = x.flatten(2) @ self._rows.T.to(x)
        real, imaginary = numbers[..., : len(self.m)], torch.zeros_like(numbers[..., : len(self.m)])
        imaginary[..., torch.from_numpy(self.m != 0)] = numbers[..., len(self.m) :]
        return like(torch.complex(real, imaginary), images)

    def rebuild(self, coefficients: Any) -> Any:
        """Return, of all images with these coefficients, the one of least length: the least squares solution.

        Parameters
        ----------
        coefficients : complex ndarray or Tensor of shape (n_samples, n_channels, n_coefficients)

        Returns
        -------
        ndarray or Tensor of shape (n_samples, n_channels, size, size)
        """
        values = torch.as_tensor(coefficients)
        if values.shape[-1] != len(self.m) or values.ndim != 3:
            need = f"shape (n_samples, n_channels, {len(self.m)})"
            raise ValueError(f"`coefficients` must have {need}, got {tuple(values.shape)}. Read them with `read`.")
        numbers = torch.cat([values.real, values.imag[..., torch.from_numpy(self.m != 0)]], dim=-1)
        images = numbers @ self._inverse.T.to(numbers)
        return like(images.unflatten(-1, (self.size, self.size)), coefficients)


def peak_signal_to_noise(images: Any, reference: Any) -> np.ndarray:
    """Return the peak signal-to-noise ratio of images to others, for values in [0, 1].

    Parameters
    ----------
    images, reference : ndarrays or Tensors of shape (n_samples, ...)

    Returns
    -------
    ndarray of shape (n_samples,), in decibels; infinite where both are equal

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.reconstruction import peak_signal_to_noise
    >>> x = np.zeros((2, 1, 8, 8))
    >>> peak_signal_to_noise(x + 0.1, x).round(6).tolist()  # a mean square of 0.01 is 20 dB below 1
    [20.0, 20.0]
    """
    found, expected = as_rows(images, name="images"), as_rows(reference, name="reference")
    if found.shape != expected.shape:
        need = f"`reference` must have the shape of `images`, {len(found)} times {found.shape[1]} numbers"
        raise ValueError(f"{need}, got {len(expected)} times {expected.shape[1]}. Pass one for each image.")
    with np.errstate(divide="ignore"):
        return -10 * np.log10(np.square(found - expected).mean(axis=1))


def keep_only(coefficients: Any, k: np.ndarray, invariant: str) -> np.ndarray:
    r"""Return coefficients with the same invariants, in which all that these forget is put into a standard form.

    They are the same for all coefficients that the invariants do not tell apart. What is no ring mean becomes 0 for
    "average"; all is made positive for "power"; the phase of the sum of :math:`C |C|` over each k is made 0 for
    "cross"; and the pose for "bispectrum".

    Parameters
    ----------
    coefficients : complex ndarray or Tensor of shape (n_samples, n_coefficients)
    k : int ndarray of shape (n_coefficients,)
        Their angular frequencies, from 0 on.
    invariant : {"average", "power", "cross", "bispectrum"}

    Returns
    -------
    complex ndarray of shape (n_samples, n_coefficients)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.reconstruction import keep_only
    >>> k, C = np.array([0, 1, 2]), np.array([[5.0, 2j, -1.0]])
    >>> keep_only(C, k, "average").real.tolist()  # the mean alone
    [[5.0, 0.0, 0.0]]
    >>> keep_only(C, k, "power").real.tolist()  # without phases
    [[5.0, 2.0, 1.0]]
    """
    check_choice(invariant, STANDARD_FORMS, name="invariant")
    C, lengths = np.asarray(coefficients), np.abs(coefficients)
    if C.ndim != 2 or C.shape[1] != len(k):
        hint = "Take one channel, as in `coefficients[:, 0]`."
        raise ValueError(f"`coefficients` must have shape (n_samples, {len(k)}), got {C.shape}. {hint}")
    if invariant == "average":
        return np.where(k == 0, C, 0)
    if invariant == "power":
        return np.where(k == 0, C, lengths)
    if invariant == "cross":
        sums = np.stack([(C * lengths)[:, k == frequency].sum(axis=1) for frequency in range(k.max() + 1)], axis=1)
        return np.where(k == 0, C, C * np.exp(-1j * np.angle(sums))[:, k])
    angle = np.nan_to_num(read_pose(torch.from_numpy(C), k).angle)
    return C * np.exp(1j * k * np.deg2rad(angle)[:, None])


@dataclass(frozen=True, eq=False)
class Search:
    """What was found from invariants.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width)
        Turned so that they come nearest to those that the invariants belong to.
    mismatch : ndarray of shape (n_samples,)
        Distance of the invariants from those searched for, over their length: how far the search came. Of black, whose
        length is 0, the distance itself.
    error : ndarray of shape (n_samples,)
        Distance from the images that they belong to, up to a turn, over their length.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.reconstruction import Search
    >>> found = Search(images=np.zeros((2, 1, 8, 8)), mismatch=np.array([1e-9, 0.2]), error=np.array([0.4, 0.5]))
    >>> bool(found.mismatch[0] < 1e-6 and found.error[0] > 0.1)  # the same invariants, another image: they forget
    True
    """

    images: Any
    mismatch: np.ndarray
    error: np.ndarray


def search_images(representation: Representation, X: Any, *, n_steps: int = 200, random_state: int = 0) -> Search:
    """Search images with values in [0, 1] that have the invariants of given ones: from noise, by L-BFGS.

    Parameters
    ----------
    representation : Representation
        Fitted.
    X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
    n_steps : int
    random_state : int
        Of the noise.

    Returns
    -------
    Search
        Invariants that keep all would be found again up to a turn. A search may also end in another place that fits
        less well: look at `mismatch`, too.

    Examples
    --------
    >>> import equibook as eq
    >>> from equibook.reconstruction import search_images
    >>> X, _ = eq.datasets.load_shapes(1, 8, classes=("bar",), random_state=0)
    >>> layer_1 = eq.Representation(scales=(0.8,), invariant="average").fit(X)
    >>> found = search_images(layer_1, X, n_steps=20)
    >>> found.images.shape
    (1, 1, 8, 8)
    >>> bool(found.mismatch[0] < 0.05), bool(found.error[0] > 0.1)  # the same means, and not the same image
    (True, True)
    """
    check_positive_int(n_steps, name="n_steps")
    x = as_images(X).detach().double()
    network = representation.network(torch.float64)
    with torch.no_grad():
        wanted = network(x)
    lengths = _lengths(wanted)

    def miss(images: Tensor) -> Tensor:
        return (network(images) - wanted).norm(dim=1) / lengths

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        images = torch.from_numpy(flat).reshape(x.shape).requires_grad_()
        total = miss(images).square().sum()
        (slope,) = torch.autograd.grad(total, images)
        return total.item(), slope.numpy().ravel()

    start = np.random.default_rng(random_state).uniform(0, 0.2, x.numel())
    with tqdm(total=n_steps, desc="searching", unit="step", delay=2, leave=False) as bar:
        settings = {"maxiter": n_steps, "maxfun": 3 * n_steps, "ftol": 0, "gtol": 0, "maxcor": 30}
        limits = [(0.0, 1.0)] * x.numel()
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=limits, options=settings,
                         callback=lambda _: bar.update())  # fmt: skip
    images = torch.from_numpy(found.x).reshape(x.shape)
    with torch.no_grad():
        mismatch = miss(images).numpy()
    angle = np.nan_to_num(representation.relative_angle(images, x).angle)
    turned = rotate(images, angle)
    error = ((turned - x).flatten(1).norm(dim=1) / _lengths(x.flatten(1))).numpy()
    return Search(like(turned.to(as_images(X).dtype), X), mismatch, error)


def _lengths(rows: Tensor) -> Tensor:
    """Return the length of each row, and 1 where it is 0: what is compared with black is taken as it is."""
    lengths = rows.norm(dim=1)
    return torch.where(lengths > 0, lengths, 1)
