"""Two fresh processes give the same results, with one thread and with two; another seed gives others."""

import numpy as np
from harden_runs import in_new_process, largest_difference

ROUNDING_OF_SUMS = 1e-6  # of float32 features, over the largest; measured 4e-8 between one thread and two


def test_one_thread_and_two_give_the_same():
    one, two = in_new_process("glass_box", threads=1), in_new_process("glass_box", threads=2)
    assert np.array_equal(one["predictions"], two["predictions"])
    assert largest_difference(one, two) <= ROUNDING_OF_SUMS


def test_another_start_would_be_seen():
    one, other = in_new_process("small_perceptron"), in_new_process("small_perceptron", seed=1)
    assert largest_difference(one, other) > 1000 * ROUNDING_OF_SUMS
    assert largest_difference(one, in_new_process("small_perceptron")) == 0
