"""How near counts as equal: one table for all tests.

Moved pixels are compared by `torch.equal` or `numpy.array_equal`, with no tolerance. What was computed again is
compared to rounding. What was interpolated is held to a number measured and rounded up; the measured one stands beside.
"""

import torch

ROUNDING = {torch.float64: 1e-12, torch.float32: 1e-5}

# Relative distances on digits of 24 x 24 pixels in 32 x 32, one number an image; measured on 200 of them.
FAST_AGAINST_PLAIN = {1.6: (0.015, 0.03), 3.2: (0.0035, 0.006)}  # median, worst; measured 0.013, 0.027; 0.0030, 0.0045
FAST_FEATURES_AGAINST_PLAIN = (0.0022, 0.006)  # median, worst of the default features; measured 0.0018, 0.0051
TURNED_DIGITS = {
    "plain": (0.003, 0.008),
    "fast": (0.004, 0.009),
}  # mean, worst; measured 0.0026, 0.0063; 0.0032, 0.0074
DIFFERENT_DIGITS = 0.25  # at least this far apart; measured mean 0.40


def gap(found, expected):
    """Return the largest difference over the largest number."""
    return float((found - expected).abs().max() / expected.abs().max())
