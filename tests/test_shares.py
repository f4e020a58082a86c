"""Shares of images and their intervals."""

import re

import pytest
from scipy.stats import binomtest

from equibook.shares import Share


@pytest.mark.parametrize(("n_right", "n"), [(0, 1), (1, 1), (0, 20), (18, 20), (20, 20), (731, 1000)])
def test_equals_scipy(n_right, n):
    theirs = binomtest(n_right, n).proportion_ci(0.95, method="wilson")
    assert Share(n_right, n).interval == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert Share(n_right, n).value == n_right / n


def test_four_times_as_many_halve_it():
    widths = [high - low for low, high in (Share(n // 2, n).interval for n in (400, 1600))]
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.02)


def test_overlap():
    assert Share(18, 20).overlaps(Share(14, 20)) and Share(14, 20).overlaps(Share(18, 20))
    assert not Share(180, 200).overlaps(Share(140, 200)) and not Share(140, 200).overlaps(Share(180, 200))


@pytest.mark.parametrize(("n_right", "n"), [(-1, 3), (4, 3), (0, 0)])
def test_bad_input(n_right, n):
    with pytest.raises(ValueError, match=re.escape(f"`n_right` must be from 0 to `n`, got {n_right} of {n}. Count")):
        Share(n_right, n)
