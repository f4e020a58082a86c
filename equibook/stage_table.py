"""What the stages of a network are at one size of images: shapes, receptive fields, strides, weights, arithmetic."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

from torch import nn

from equibook._tables import Table
from equibook.receptive_fields import Fields, along, padding_of, see_pixels, see_through

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BETWEEN = ("avgpool", "flatten")  # layers that are no stages of their own
_COLUMNS = ("stage", "shape", "sees", "of", "stride", "centred", "weights", "multiply-adds")


@dataclass(frozen=True)
class Stage:
    """One stage of a network.

    Parameters
    ----------
    name : str
    shape : tuple of int
        Of what it returns for one image: (n_channels, height, width) or (n_units,).
    receptive_field : int
        Width in pixels of what one value can see of the image at most.
    unclipped : int
        The same on an image without borders: it may be larger than the image.
    stride : int
        Pixels of the image from one place of the maps to the next; 0 where there are no places any more.
    centred : bool
        Whether the places lie symmetrically about the centre of the image.
    n_weights : int
        With biases.
    multiply_adds : int
        Multiplications, each with an addition, for one image; biases, maxima and ReLUs are not counted.
    fields : pair of Extents
        What each place sees, as in `equibook.receptive_fields`: pairs of int ndarrays of shape (n_places,).

    Examples
    --------
    >>> from torch import nn
    >>> from equibook.stage_table import measure_stages
    >>> stage = measure_stages([("conv1", nn.Conv2d(3, 4, 5, stride=2))], 17)["conv1"]
    >>> stage.shape, stage.receptive_field, stage.stride, stage.n_weights
    ((4, 7, 7), 5, 2, 304)
    >>> stage.box(0, 1)  # rows 0 to 4, columns 2 to 6
    (0, 4, 2, 6)
    """

    name: str
    shape: tuple[int, ...]
    receptive_field: int
    unclipped: int
    stride: int
    centred: bool
    n_weights: int
    multiply_adds: int
    fields: Fields = field(repr=False, compare=False)

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Return what the value at one place sees: the first and last row, and the first and last column of pixels.

        Of units without places, `box(0, 0)` is what all of them see.

        Parameters
        ----------
        row, column : int
            Of the place, from 0 on.

        Returns
        -------
        top, bottom, left, right : int
        """
        (top, bottom), (left, right) = self.fields
        if not (0 <= row < len(top) and 0 <= column < len(left)):
            need = f"`row` and `column` must be places of {self.name!r}, below {len(top)} and {len(left)}"
            raise ValueError(f"{need}, got {row} and {column}. Count from 0.")
        return int(top[row]), int(bottom[row]), int(left[column]), int(right[column])


@dataclass(frozen=True)
class StageTable(Table):
    """The stages of a network at one size of images, as a table.

    Parameters
    ----------
    size : int
        Of the images, in pixels.
    stages : tuple of Stage
    weights_name : str
        Which weights the network has, for figures to say so.
    untrained : tuple of str
        Stages whose weights have not been trained.

    Examples
    --------
    >>> from torch import nn
    >>> from equibook.stage_table import measure_stages
    >>> print(measure_stages([("conv1", nn.Conv2d(3, 4, 5, stride=2)), ("conv2", nn.Conv2d(4, 8, 3))], 17))
    stage      shape  sees  of  stride  centred  weights  multiply-adds
    conv1  4 × 7 × 7     5   5       2      yes      304         14 700
    conv2  8 × 5 × 5     9   9       2      yes      296          7 200
      all  17 pixels                                 600         21 900
    """

    size: int
    stages: tuple[Stage, ...]
    weights_name: str = ""
    untrained: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Stage:
        found = {stage.name: stage for stage in self.stages}
        if name not in found:
            raise KeyError(f"`name` must be one of {', '.join(found)}, got {name!r}. Choose one of these.")
        return found[name]

    @property
    def n_weights(self) -> int:
        """Weights of all stages together."""
        return sum(stage.n_weights for stage in self.stages)

    @property
    def multiply_adds(self) -> int:
        """Multiplications, each with an addition, of all stages together."""
        return sum(stage.multiply_adds for stage in self.stages)

    def plot(self) -> "Figure":
        """Draw weights, arithmetic and receptive fields by stage; see `equibook.plots.plot_stages`."""
        from equibook.plots import plot_stages

        return plot_stages(self)

    _justify = staticmethod(str.rjust)

    @property
    def _head(self) -> tuple[str, ...]:
        return _COLUMNS

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for s in self.stages:
            shape = " × ".join(map(str, s.shape))
            places = (str(s.stride), "yes" if s.centred else "no") if s.stride else ("", "")
            yield (
                s.name,
                shape,
                str(s.receptive_field),
                str(s.unclipped),
                *places,
                _count(s.n_weights),
                _count(s.multiply_adds),
            )
        yield "all", f"{self.size} pixels", "", "", "", "", _count(self.n_weights), _count(self.multiply_adds)

    @property
    def _notes(self) -> Sequence[str]:
        names = ", ".join(self.untrained)
        return [f"Untrained with these weights ({self.weights_name}): {names}."] if names else []


def measure_stages(layers: Sequence[tuple[str, nn.Module]], size: int, **known: Any) -> StageTable:
    """Follow the shape of an image through layers, and what each place sees.

    Parameters
    ----------
    layers : sequence of (str, nn.Module)
        Conv2d, MaxPool2d, ReLU, AdaptiveAvgPool2d, Flatten and Linear; those in `BETWEEN` get no line of their own.
    size : int
        Of the images, in pixels; large enough for all of them.
    **known
        More attributes of the `StageTable`.

    Returns
    -------
    StageTable

    Examples
    --------
    Each of 4 x 7 x 7 numbers takes 3 x 5 x 5 weights.

    >>> from torch import nn
    >>> from equibook.stage_table import measure_stages
    >>> measure_stages([("conv1", nn.Conv2d(3, 4, 5, stride=2))], 17)["conv1"].multiply_adds == 196 * 75
    True
    """
    fields, unclipped, stride, off = see_pixels(size, size), 1, 1, 0
    shape: tuple[int, ...] = (3, size, size)
    found: list[Stage] = []
    for name, layer in layers:
        before, shape = shape, _shape_after(layer, shape)
        fields = see_through(layer, shape, fields)
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            kernel, step = along(0, layer.kernel_size), along(0, layer.stride)
            off += stride * (before[-1] + 2 * padding_of(layer, 0)[0] - kernel - step * (shape[-1] - 1))
            unclipped, stride = unclipped + (kernel - 1) * stride, stride * step
        elif isinstance(layer, nn.Flatten):  # from here on each value sees what all places see together
            unclipped, stride = unclipped + (_n_places(found) - 1) * stride, 0
        if name not in BETWEEN:
            n_weights = sum(weights.numel() for weights in layer.parameters())
            seen = _widest(fields)
            found.append(
                Stage(name, shape, seen, unclipped, stride, off == 0, n_weights, _multiply_adds(layer, shape), fields)
            )
    return StageTable(size, tuple(found), **known)


def _n_places(found: Sequence[Stage]) -> int:
    return found[-1].shape[-1]


def _shape_after(layer: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    if isinstance(layer, nn.Linear):
        return (layer.out_features,)
    if isinstance(layer, nn.Flatten):
        return (prod(shape),)
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        output: Any = layer.output_size
        return (shape[0], along(0, output), along(1, output))
    if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
        kernel, step, padding = along(0, layer.kernel_size), along(0, layer.stride), padding_of(layer, 0)[0]
        places = (shape[-1] + 2 * padding - kernel) // step + 1
        return (getattr(layer, "out_channels", shape[0]), places, places)
    return shape


def _multiply_adds(layer: Any, shape: tuple[int, ...]) -> int:
    """Count, for each value, the weights that it takes: those of one filter, or of one unit."""
    has_weights = isinstance(layer, nn.Conv2d | nn.Linear)
    return prod(shape) * layer.weight[0].numel() if has_weights else 0


def _widest(fields: Fields) -> int:
    return max(int((last - first).max()) + 1 for first, last in fields)


def _count(number: int) -> str:
    return f"{number:,}".replace(",", " ") if number else ""
