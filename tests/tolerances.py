"""How near counts as equal: one table for all tests.

Moved pixels are compared by `torch.equal` or `numpy.array_equal`, with no tolerance. What was computed again is
compared to rounding. What was interpolated is held to a number measured and rounded up; the measured one stands beside.
"""

import torch

ROUNDING = {torch.float64: 1e-12, torch.float32: 1e-5}

# Relative distances on digits of 24 x 24 pixels in 32 x 32, one number an image; measured on 200 of them.
FAST_AGAINST_PLAIN = {1.6: (0.015, 0.03), 3.2: (0.055, 0.08)}  # median, worst; measured (0.013, 0.027), (0.047, 0.075)
FAST_FEATURES_AGAINST_PLAIN = (0.009, 0.016)  # median, worst of the default features; measured (0.0080, 0.0142)
TURNED_DIGITS = {
    "plain": (0.003, 0.008),
    "fast": (0.009, 0.02),
}  # mean, worst; measured (0.0023, 0.0063), (0.0073, 0.0156)
DIFFERENT_DIGITS = 0.25  # at least this far apart; measured mean 0.40


def gap(found, expected):
    """Return the largest difference over the largest number."""
    return float((found - expected).abs().max() / expected.abs().max())
