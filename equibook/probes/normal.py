"""Ridge regression from sums: rows come in batches and are forgotten, so that their number costs no memory."""

from collections.abc import Sequence

import torch
from torch import Tensor


class NormalEquations:
    """The sums of which a least-squares fit is made, in float64: of all rows x and y, of x xᵀ, x yᵀ and y².

    They are taken about the mean of the first batch, so that a large mean does not swallow small differences. In memory
    they are (n_features)² + n_features · n_targets numbers.

    Attributes
    ----------
    n_rows : int

    Examples
    --------
    y = 2x + 1, in two batches:

    >>> import torch
    >>> from equibook.probes.normal import NormalEquations
    >>> sums, x = NormalEquations(), torch.arange(6.0)[:, None]
    >>> sums.add(x[:4], 2 * x[:4] + 1)
    >>> sums.add(x[4:], 2 * x[4:] + 1)
    >>> sums.n_rows, round(sums.solve(0.0).item(), 9), [mean.tolist() for mean in sums.means()]
    (6, 2.0, [[2.5], [6.0]])
    """

    def __init__(self) -> None:
        self.n_rows = 0

    def add(self, x: Tensor, y: Tensor) -> None:
        """Take in rows.

        Parameters
        ----------
        x : Tensor of shape (n_rows, n_features)
        y : Tensor of shape (n_rows, n_targets)
        """
        x, y = x.double(), y.double()
        if self.n_rows == 0:
            self._start(x.mean(dim=0), y.mean(dim=0))
        x, y = x - self._origin_x, y - self._origin_y
        self.n_rows += len(x)
        self._sum_x += x.sum(dim=0)
        self._sum_y += y.sum(dim=0)
        self._xx.addmm_(x.T, x)
        self._xy.addmm_(x.T, y)
        self._yy += (y**2).sum(dim=0)

    def __add__(self, other: "NormalEquations") -> "NormalEquations":
        """Return the sums over the rows of both."""
        both = NormalEquations()
        both.n_rows = self.n_rows + other.n_rows
        both._origin_x, both._origin_y = self._origin_x, self._origin_y
        shift_x, shift_y = self._origin_x - other._origin_x, self._origin_y - other._origin_y
        xx, xy, yy = other._about(shift_x, shift_y)
        both._sum_x = self._sum_x + other._sum_x - other.n_rows * shift_x
        both._sum_y = self._sum_y + other._sum_y - other.n_rows * shift_y
        both._xx, both._xy, both._yy = self._xx + xx, self._xy + xy, self._yy + yy
        return both

    def of_targets(self, chosen: slice) -> "NormalEquations":
        """Return the same sums for some of the targets.

        Parameters
        ----------
        chosen : slice
            Of the n_targets columns of y.

        Returns
        -------
        NormalEquations
        """
        part = NormalEquations()
        part.n_rows = self.n_rows
        part._origin_x, part._sum_x, part._xx = self._origin_x, self._sum_x, self._xx
        part._origin_y, part._sum_y, part._yy = (of_y[chosen] for of_y in (self._origin_y, self._sum_y, self._yy))
        part._xy = self._xy[:, chosen]
        return part

    def means(self) -> tuple[Tensor, Tensor]:
        """Return the means of x and y: Tensors of shape (n_features,) and (n_targets,)."""
        return self._origin_x + self._sum_x / self.n_rows, self._origin_y + self._sum_y / self.n_rows

    def solve(self, penalty: float) -> Tensor | None:
        """Return the weights W of shape (n_features, n_targets) that make ‖y - x W - b‖² + α ‖W‖² least.

        Parameters
        ----------
        penalty : float
            α in units of the mean over features of Σ (x - mean)². Then b = mean y - mean x W.

        Returns
        -------
        Tensor of shape (n_features, n_targets), or None where so small a penalty is below the rounding
        """
        xx, xy, _ = self._about(self._sum_x / self.n_rows, self._sum_y / self.n_rows)
        scale = float(xx.diagonal().mean())
        if scale == 0:
            return torch.zeros_like(xy)
        factor, failed = torch.linalg.cholesky_ex(xx + penalty * scale * torch.eye(len(xx), dtype=xx.dtype))
        return None if failed else torch.cholesky_solve(xy, factor)

    def squared_error(self, weights: Tensor, mean_x: Tensor, mean_y: Tensor) -> Tensor:
        """Return Σ (y - mean_y - (x - mean_x) W)² over these rows, without them.

        Parameters
        ----------
        weights : Tensor of shape (n_features, n_targets)
        mean_x, mean_y : Tensor of shape (n_features,) and (n_targets,)
            Of the rows that the weights were fitted to.

        Returns
        -------
        Tensor of shape (n_targets,)
        """
        xx, xy, yy = self._about(mean_x - self._origin_x, mean_y - self._origin_y)
        return yy - 2 * (weights * xy).sum(dim=0) + (weights * (xx @ weights)).sum(dim=0)

    def _start(self, origin_x: Tensor, origin_y: Tensor) -> None:
        self._origin_x, self._origin_y = origin_x, origin_y
        self._sum_x, self._sum_y = torch.zeros_like(origin_x), torch.zeros_like(origin_y)
        self._xx = origin_x.new_zeros(len(origin_x), len(origin_x))
        self._xy = origin_x.new_zeros(len(origin_x), len(origin_y))
        self._yy = torch.zeros_like(origin_y)

    def _about(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the sums of products about other points, a and b away from those about which they are kept."""
        n, sum_x, sum_y = self.n_rows, self._sum_x, self._sum_y
        xx = self._xx - torch.outer(sum_x, a) - torch.outer(a, sum_x) + n * torch.outer(a, a)
        xy = self._xy - torch.outer(sum_x, b) - torch.outer(a, sum_y) + n * torch.outer(a, b)
        return xx, xy, self._yy - 2 * b * sum_y + n * b**2


def fit_ridge(fit: NormalEquations, held: NormalEquations, penalties: Sequence[float]) -> tuple[float, Tensor, Tensor]:
    """Choose the penalty by the rows held back, then fit to all rows.

    Parameters
    ----------
    fit, held : NormalEquations
    penalties : sequence of float

    Returns
    -------
    penalty : float
    weights : Tensor of shape (n_features, n_targets)
    bias : Tensor of shape (n_targets,)

    Examples
    --------
    >>> import torch
    >>> from equibook.probes.normal import NormalEquations, fit_ridge
    >>> fit, held, x = NormalEquations(), NormalEquations(), torch.arange(6.0)[:, None]
    >>> fit.add(x[:4], 2 * x[:4] + 1)
    >>> held.add(x[4:], 2 * x[4:] + 1)
    >>> penalty, weights, bias = fit_ridge(fit, held, penalties=(1e-10, 1.0))
    >>> penalty, round(weights.item(), 6), round(bias.item(), 6)
    (1e-10, 2.0, 1.0)
    """
    means = fit.means()
    errors = {}
    for penalty in penalties:
        weights = fit.solve(penalty)
        errors[penalty] = torch.inf if weights is None else float(held.squared_error(weights, *means).sum())
    everything = fit + held
    for penalty in sorted(errors, key=lambda penalty: errors[penalty]):
        weights = everything.solve(penalty)
        if weights is not None:
            mean_x, mean_y = everything.means()
            return penalty, weights, mean_y - mean_x @ weights
    need = f"`penalties` must hold one above the rounding of float64, got {max(penalties):g} at most"
    raise ValueError(f"{need}. Add a larger one, such as 1e-8.")
