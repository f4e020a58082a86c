"""A share of images, such as those read right, and how far chance alone may have moved it.

Sources: Wilson (1927), doi:10.1080/01621459.1927.10502953, for the interval.
"""

from dataclasses import dataclass
from math import sqrt

from scipy.stats import norm

LEVEL = 0.95


@dataclass(frozen=True)
class Share:
    """A share of images, with its 95 % interval.

    Parameters
    ----------
    n_right : int
    n : int
        Of all, at least one.

    Examples
    --------
    >>> from equibook.shares import Share
    >>> print(Share(18, 20))
    90.0% (69.9% to 97.2%)
    >>> Share(18, 20).overlaps(Share(13, 20)), Share(180, 200).overlaps(Share(130, 200))
    (True, False)
    """

    n_right: int
    n: int

    def __post_init__(self) -> None:
        if not 0 <= self.n_right <= self.n or self.n < 1:
            hint = "Count them again."
            raise ValueError(f"`n_right` must be from 0 to `n`, got {self.n_right} of {self.n}. {hint}")

    @property
    def value(self) -> float:
        """From 0 to 1."""
        return self.n_right / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval: all shares of which what was seen is not among the rarest 5 %."""
        z = float(norm.ppf((1 + LEVEL) / 2))
        p, n = self.value, self.n
        middle = p + z**2 / (2 * n)
        half = z * sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        low, high = ((middle + sign * half) / (1 + z**2 / n) for sign in (-1, 1))
        return max(low, 0.0), min(high, 1.0)

    def overlaps(self, other: "Share") -> bool:
        """Return whether the two intervals have a number in common: then chance may have made the difference.

        Parameters
        ----------
        other : Share

        Returns
        -------
        bool
        """
        (low, high), (others_low, others_high) = self.interval, other.interval
        return low <= others_high and others_low <= high

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.1%} ({low:.1%} to {high:.1%})"
