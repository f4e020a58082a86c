r"""The operations of a CNN one by one, so that it can be measured what each does to equivariance.

Max pooling, average pooling and ReLU are torch's own (`torch.nn.MaxPool2d`, `AvgPool2d`, `ReLU`). Here stand those that
need a word more: a convolution with a given kernel, plain subsampling, pooling behind a blur, and a stack of random
layers. Beside them: kernels made symmetric, shifts around the border, and where a sampling grid has its centre.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from equibook._checks import as_images, as_numbers, as_real_tensor, check_choice, check_positive_int, like
from equibook.actions import act
from equibook.convolution import PADDING_MODES, Windows, as_kernel
from equibook.groups import CyclicGroup

SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))  # answers to edges between left and right


def make_convolution(kernel: Any, *, padding_mode: str = "zeros") -> nn.Conv2d:
    """Return torch's convolution with a given kernel, in float64; its maps are as large as the images.

    Parameters
    ----------
    kernel : array or Tensor of shape (height, width) or (n_out, n_in, height, width)
        Square, with an odd number of taps along each side, so that it has a middle.
    padding_mode : {"zeros", "circular", "reflect"}
        What is read beyond the border.

    Returns
    -------
    torch.nn.Conv2d
        Maps (n_samples, n_in, size, size) to (n_samples, n_out, size, size). Its weights are not learned.

    Notes
    -----
    As everywhere in torch, the kernel is not flipped: a correlation.

    Examples
    --------
    Grey that rises by 1 from pixel to pixel: the edge filter says 8 everywhere but at the border, beyond which is 0.

    >>> import torch
    >>> from equibook.operations import SOBEL, make_convolution
    >>> ramp = torch.arange(5.0, dtype=torch.float64).expand(1, 1, 5, 5)
    >>> make_convolution(SOBEL)(ramp)[0, 0, 2].tolist()
    [4.0, 8.0, 8.0, 8.0, -12.0]
    """
    weights = _as_square_kernel(kernel)
    mode: Any = check_choice(padding_mode, PADDING_MODES, name="padding_mode")
    n_out, n_in, taps, _ = weights.shape
    layer = nn.Conv2d(n_in, n_out, taps, padding=taps // 2, padding_mode=mode, bias=False, dtype=torch.float64)
    layer.weight = nn.Parameter(weights, requires_grad=False)
    return layer


class Subsample(nn.Module):
    """Keep every `stride`-th row and column, and drop the others: a strided layer without anything else.

    Parameters
    ----------
    stride : int
    start : int
        The first row and column that are kept.

    Examples
    --------
    >>> import torch
    >>> from equibook.operations import Subsample
    >>> Subsample(2)(torch.arange(16).view(1, 1, 4, 4)).tolist()
    [[[[0, 2], [8, 10]]]]
    """

    def __init__(self, stride: int, *, start: int = 0) -> None:
        super().__init__()
        self.stride = check_positive_int(stride, name="stride")
        if start not in range(self.stride):
            hint = "A later start drops a row more and no other."
            raise ValueError(f"`start` must be from 0 to {self.stride - 1}, got {start!r}. {hint}")
        self.start = start

    def forward(self, images: Tensor) -> Tensor:
        """Map (n_samples, n_channels, height, width) to about (…, height / stride, width / stride)."""
        return images[..., self.start :: self.stride, self.start :: self.stride]


class BlurPool(nn.Module):
    """Blur each channel, then keep every `stride`-th row and column.

    A grid of every second pixel cannot hold waves shorter than four pixels: they come out as other waves (aliasing),
    and which ones depends on where the grid lies. The blur takes most of them away first. What it takes away is lost.

    Parameters
    ----------
    n_taps : int
        The blur has the binomial weights of n_taps numbers along each side, such as (1, 2, 1) / 4.
    stride : int
    padding_mode : {"zeros", "circular", "reflect"}
        Both sides get (n_taps - 1) // 2 pixels.

    References
    ----------
    Zhang (2019), arXiv:1904.11486.

    Examples
    --------
    Of a chessboard every second pixel is all black. After a blur it is grey.

    >>> import torch
    >>> from equibook.operations import BlurPool, Subsample
    >>> board = ((torch.arange(6)[:, None] + torch.arange(6)) % 2).double()[None, None]
    >>> Subsample(2)(board).unique().tolist(), BlurPool()(board).unique().tolist()
    ([0.0], [0.5])
    """

    weights: Tensor

    def __init__(self, n_taps: int = 3, *, stride: int = 2, padding_mode: str = "reflect") -> None:
        super().__init__()
        self.stride = check_positive_int(stride, name="stride")
        self.padding = (check_positive_int(n_taps, name="n_taps") - 1) // 2
        self.padding_mode = check_choice(padding_mode, PADDING_MODES, name="padding_mode")
        row = torch.ones(1, dtype=torch.float64)
        for _ in range(n_taps - 1):
            row = F.pad(row, (0, 1)) + F.pad(row, (1, 0))
        self.register_buffer("weights", torch.outer(row, row) / 4 ** (n_taps - 1))

    def forward(self, images: Tensor) -> Tensor:
        """Map (n_samples, n_channels, height, width) to about (…, height / stride, width / stride)."""
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        padded = F.pad(images, 4 * (self.padding,), mode=mode)
        n_channels = images.shape[1]
        kernel = self.weights.to(images).expand(n_channels, 1, -1, -1)
        return F.conv2d(padded, kernel, stride=self.stride, groups=n_channels)


def make_stack(
    n_layers: int,
    pool: nn.Module,
    *,
    n_maps: int = 8,
    group: CyclicGroup | None = None,
    padding_mode: str = "zeros",
    random_state: Any = 0,
) -> nn.Sequential:
    """Return layers of random 3 x 3 convolution, ReLU and pooling, for images of one channel, in float64.

    Parameters
    ----------
    n_layers : int
    pool : torch.nn.Module
        Without weights: the same in every layer.
    n_maps : int
        The number of maps after each layer.
    group : CyclicGroup or DihedralGroup, optional
        Every kernel is made symmetric under it; see `symmetrise`.
    padding_mode : {"zeros", "circular", "reflect"}
    random_state : int or numpy.random.Generator

    Returns
    -------
    torch.nn.Sequential
        One part per layer: `stack[:2]` is the first two.

    Examples
    --------
    With symmetric kernels a quarter turn of the image turns the maps, and changes nothing else.

    >>> import torch
    >>> from torch import nn
    >>> from equibook.groups import CyclicGroup
    >>> from equibook.operations import make_stack
    >>> stack = make_stack(2, nn.MaxPool2d(2), group=CyclicGroup(4))
    >>> image = torch.arange(256, dtype=torch.float64).view(1, 1, 16, 16) / 256
    >>> maps, of_turned = stack(image), stack(image.rot90(dims=(2, 3)))
    >>> tuple(maps.shape), torch.allclose(of_turned, maps.rot90(dims=(2, 3)))
    ((1, 8, 4, 4), True)
    """
    rng, layers = np.random.default_rng(random_state), []
    for i in range(check_positive_int(n_layers, name="n_layers")):
        n_in = n_maps if i else 1
        kernel = rng.normal(scale=np.sqrt(2 / (9 * n_in)), size=(n_maps, n_in, 3, 3))
        kernel = kernel if group is None else symmetrise(kernel, group)
        layers.append(nn.Sequential(make_convolution(kernel, padding_mode=padding_mode), nn.ReLU(), pool))
    return nn.Sequential(*layers)


def symmetrise(kernel: Any, group: CyclicGroup) -> Any:
    """Average a kernel over all its turned and reflected copies: what comes out is symmetric under the group.

    Parameters
    ----------
    kernel : array or Tensor of shape (..., size, size)
    group : CyclicGroup or DihedralGroup
        C_1, C_2, C_4, D_1, D_2 or D_4, which only move pixels.

    Returns
    -------
    ndarray or Tensor, as `kernel` and of its shape

    Examples
    --------
    >>> from equibook.groups import CyclicGroup
    >>> from equibook.operations import symmetrise
    >>> symmetrise([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], CyclicGroup(4))
    array([[0.  , 0.25, 0.  ],
           [0.25, 0.  , 0.25],
           [0.  , 0.25, 0.  ]])
    """
    if 4 % group.n:
        hint = "Take `CyclicGroup(4)` or `DihedralGroup(4)`."
        raise ValueError(f"`group` must turn by multiples of 90°, got {group!r}. {hint}")
    values = as_real_tensor(kernel, name="kernel")
    weights = as_kernel(values.reshape(-1, 1, *values.shape[-2:]) if values.ndim >= 2 else values)
    mean = torch.stack([act(g, weights) for g in group]).mean(dim=0)
    return like(mean.reshape(values.shape).to(torch.promote_types(values.dtype, torch.float32)), kernel)


def roll(images: Any, shift: Any) -> Any:
    """Shift images around the border: what leaves on one side enters on the other, so that nothing is lost.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
    shift : pair of floats
        To the right and up, in pixels. Whole pixels are exact; parts of a pixel are read off the Fourier series through
        the pixels, which is exact only for images without their finest waves.

    Returns
    -------
    ndarray or Tensor, as `images` and of its shape

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.operations import roll
    >>> roll(np.eye(3)[None], (1, 0))[0]
    array([[0., 1., 0.],
           [0., 0., 1.],
           [1., 0., 0.]])
    """
    x = as_images(images)
    right, up = (float(part) for part in as_numbers(shift, 0, width=2, name="shift"))
    if right == round(right) and up == round(up):
        moved = torch.roll(x, (-round(up), round(right)), (-2, -1))
    else:
        frequency = torch.fft.fftfreq(x.shape[-1], dtype=x.dtype, device=x.device)
        turns = frequency[None, :] * right - frequency[:, None] * up
        moved = torch.fft.ifft2(torch.fft.fft2(x) * torch.exp(-2j * torch.pi * turns)).real
    return like(moved.reshape(np.shape(images)), images)


def grid_offset(size: int, *, kernel: int = 1, stride: int = 1, padding: int = 0) -> float:
    """Return how far the centre of a layer's windows lies from the centre of the image, in pixels.

    A layer that reads the image by windows of `kernel` pixels, one every `stride` pixels, can commute with turns and
    reflections about the centre only where this is 0: where size + 2 padding - kernel is divisible by the stride.

    Parameters
    ----------
    size : int
        Height or width of the image, in pixels.
    kernel, stride, padding : int
        As in `torch.nn.Conv2d` and `torch.nn.MaxPool2d`, in pixels.

    Returns
    -------
    float
        Below 0 where the windows end before the right and lower border do.

    Examples
    --------
    >>> from equibook.operations import grid_offset
    >>> grid_offset(33, stride=2), grid_offset(32, stride=2), grid_offset(32, kernel=2, stride=2)
    (0.0, -0.5, 0.0)
    """
    windows = Windows(size, kernel, padding, stride, 1, "zeros")
    if windows.number < 1:
        hint = "Take a smaller kernel or more padding."
        need = f"at most {size + 2 * padding} for {size} pixels and their padding"
        raise ValueError(f"`kernel` must be {need}, got {kernel}. {hint}")
    return float(windows.starts.mean() + (kernel - 1) / 2 - (size - 1) / 2)


def error_map(f: Callable[[Any], Any], images: Any, act_in: Callable[[Any], Any], act_out: Callable[[Any], Any]) -> Any:
    """Measure where on the image equivariance is lost: the difference of f(g·x) and ρ(g) f(x), pixel by pixel.

    Parameters
    ----------
    f : callable or torch.nn.Module
        Maps images to maps of shape (n_samples, n_maps, height, width).
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width)
        f gets a Tensor.
    act_in, act_out : callable
        How g acts on images, and on what f returns.

    Returns
    -------
    ndarray of shape (height, width)
        Root mean square over images and maps, in units of the root mean square of all of ρ(g) f(x).

    Examples
    --------
    A convolution with zeros beyond the border, and a shift by one pixel to the right: the error lies where a window
    meets the border, before or after.

    >>> from functools import partial
    >>> import torch
    >>> from equibook.operations import error_map, make_convolution, roll
    >>> image, shift = torch.ones(1, 1, 5, 5, dtype=torch.float64).cumsum(3), partial(roll, shift=(1, 0))
    >>> error_map(make_convolution([[0, 0, 0], [1, 0, 1], [0, 0, 0]]), image, shift, shift).any(axis=0).tolist()
    [True, True, False, False, True]
    """
    x = as_images(images).detach()
    with torch.no_grad():
        moved, expected = f(act_in(x)).double(), act_out(f(x)).double()
    difference = ((moved - expected) ** 2).mean(dim=(0, 1)).sqrt()
    return (difference / (expected**2).mean().sqrt().clamp_min(torch.finfo(expected.dtype).tiny)).numpy()


def _as_square_kernel(kernel: Any) -> Tensor:
    values = as_real_tensor(kernel, name="kernel")
    weights = as_kernel(values[None, None] if values.ndim == 2 else values)
    if weights.shape[2] != weights.shape[3] or weights.shape[2] % 2 == 0:
        hint = "Surround it by zeros."
        got = f"{weights.shape[2]} x {weights.shape[3]}"
        raise ValueError(f"`kernel` must be square with an odd number of taps a side, got {got}. {hint}")
    return weights
