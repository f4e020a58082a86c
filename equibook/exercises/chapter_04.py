"""The exercises of chapter 04: a centred grid, a symmetric kernel, a network for images without a border."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from equibook.exercises import exercise
from equibook.groups import CyclicGroup, DihedralGroup
from equibook.operations import grid_offset, symmetrise

SIZE = 24  # pixels, of the images on which networks are tried
CLOSE = 1e-4  # float32, through a few layers


@exercise(
    "04-1",
    title="Which sizes are centred?",
    level="easy",
    minutes=5,
    wants="a function of `size` that returns True or False",
    right="The padding of both sides counts: size + 2 - 3 is even for every odd size.",
)
def is_centred(answer: Callable[[int], Any]) -> str | None:
    """Compare a function with the grids of kernel 3, stride 2, padding 1 on many sizes."""
    sizes = range(3, 65)
    said = [answer(size) for size in sizes]
    if not all(isinstance(one, bool | np.bool_) for one in said):
        return f"For size 5 the function returned {said[2]!r}. Compare with `==`, so that it returns True or False."
    centred = [grid_offset(size, kernel=3, stride=2, padding=1) == 0 for size in sizes]
    if said == centred:
        return None
    if len(set(said)) == 1:
        return f"It says {said[0]} for every size. Which pixels lie in the middle of windows, for 5 and for 6?"
    if [not one for one in said] == centred:
        return "Just the other way around. The padding lies on both sides: 2 pixels more, not 1; the kernel takes 3."
    size, wrong = next((size, a) for size, a, b in zip(sizes, said, centred, strict=True) if a != b)
    return f"For size {size} it says {wrong}. Does the stride divide what is left there beside the first window?"


@exercise(
    "04-2",
    title="Make a kernel symmetric",
    level="medium",
    minutes=10,
    wants="a function of `kernel`, an array of shape (size, size), that returns an array of that shape",
    right="Averaged over the whole group, every copy counts once: turning the sum only changes the order of its terms.",
)
def symmetric_kernel(answer: Callable[[np.ndarray], Any]) -> str | None:
    """Compare a function with the mean over D4 for kernels of two sizes."""
    for size in (3, 5):
        kernel = np.random.default_rng(size).normal(size=(size, size))
        found = np.asarray(answer(kernel.copy()), dtype=float)
        if found.shape != kernel.shape:
            return f"For a kernel of shape {kernel.shape} you returned {found.shape}. Average whole arrays."
        if hint := _compare_kernels(found, kernel):
            return hint
    return None


@exercise(
    "04-3",
    title="A network without a border",
    level="hard",
    minutes=15,
    wants="a torch module that maps images (n, 1, 24, 24) to maps (n, n_maps, 24, 24)",
    right="Every layer commutes with every shift around the border, so the whole network does.",
)
def round_network(answer: Any) -> str | None:
    """Try a network on random images and their shifts."""
    net, images = _prepare(answer)
    before = net(images)
    if not isinstance(before, Tensor) or before.ndim != 4 or tuple(before.shape[2:]) != (SIZE, SIZE):
        got = f"shape {tuple(before.shape)}" if isinstance(before, Tensor) else type(before).__name__
        return f"It returned {got}. Keep one number per place: no stride, no flattening, and half a kernel of padding."
    if _distance(before[:1], before[1:2]) <= 1e-3:
        return "It gives all images the same maps. That commutes with everything, and tells nothing."
    if hint := _find_lost_shift(net, images, before):
        return hint
    return _find_missing_part(net, images, before)


def _compare_kernels(found: np.ndarray, kernel: np.ndarray) -> str | None:
    expected, turns_only = (symmetrise(kernel, group) for group in (DihedralGroup(4), CyclicGroup(4)))
    if np.allclose(found, expected):
        return None
    if np.allclose(found, kernel):
        return "The kernel came back as it was. Add its turned and its reflected copies."
    if np.allclose(found, turns_only):
        return "It is its own quarter turn, but not yet its own mirror image. Add four: flipped, and then turned."
    if np.ptp(found) <= 1e-12:
        return "All taps are equal. That is symmetric, but forgets the kernel: average copies of it, place by place."
    if np.allclose(found * expected.sum(), expected * found.sum()):
        return f"The right pattern, {found.sum() / expected.sum():.3g} times as large. Divide by the number of copies."
    if np.allclose(found, np.rot90(found)) and np.allclose(found, found.T):
        return "It is symmetric, but not the mean of all copies. Count each of the eight once, the kernel itself, too."
    return "Turned by 90° or flipped, the result is another kernel. Take four turns, and four of `kernel.T`."


def _prepare(answer: Any) -> tuple[Callable[[Tensor], Any], Tensor]:
    """Return a copy of a network that is ready to run, and three random images of its dtype."""
    module = copy.deepcopy(answer)
    kept = next(iter(module.parameters()), None) if isinstance(module, nn.Module) else None
    dtype = torch.float32 if kept is None else kept.dtype
    images = torch.randn(3, 1, SIZE, SIZE, dtype=dtype, generator=torch.Generator().manual_seed(0))
    if isinstance(module, nn.Module):
        module.eval()

    def run(x: Tensor) -> Any:
        with torch.no_grad():
            return module(x)

    return run, images


def _find_lost_shift(net: Callable[[Tensor], Any], images: Tensor, before: Tensor) -> str | None:
    for shift in ((2, 4), (0, 1), (5, 0), (7, -11)):
        moved, expected = net(torch.roll(images, shift, (2, 3))), torch.roll(before, shift, (2, 3))
        if _distance(moved, expected) <= CLOSE:
            continue
        if shift != (2, 4):
            return "It commutes with some shifts, but not with all. Where does it still count in steps of 2 pixels?"
        middle = (slice(None), slice(None), slice(8, -4), slice(8, -4))
        if _distance(moved[middle], expected[middle]) <= CLOSE:
            return 'In the middle it commutes, at the border not. Let it read around: `padding_mode="circular"`.'
        return "It does not commute with shifts, not even in the middle. Each place must be treated like every other."
    return None


def _find_missing_part(net: Callable[[Tensor], Any], images: Tensor, before: Tensor) -> str | None:
    touched = images.clone()
    touched[:, :, 12, 12] += 3
    changed = (net(touched) - before).abs().amax(dim=(0, 1)) > CLOSE
    changed[12, 12] = False
    if not changed.any():
        return "It commutes, but every place sees one pixel only. Put in a convolution of 3 x 3 or more."
    a, b = images[:1], images[1:2]
    if _distance(net(a + b) + net(0 * a), before[:1] + before[1:2]) <= CLOSE:
        return "It commutes, but is a weighted sum of pixels plus a constant. Put something bent between: a ReLU."
    return None


def _distance(a: Tensor, b: Tensor) -> float:
    return float((a - b).norm() / b.norm().clamp_min(1e-30))
