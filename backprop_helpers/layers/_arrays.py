"""The dtype of a result, and an array that nobody else can write to."""

import numpy as np


def in_one_dtype(*arrays):
    """Return the arrays in the dtype of a sum of their products: `numpy.result_type`, for integers int64.

    As in `numpy.sum`: two uint8 images would otherwise overflow at 255. uint64 does not fit and stays.
    """
    dtype = np.result_type(*arrays)
    if dtype.kind in "iu" and dtype != np.uint64:
        dtype = np.int64
    return [array.astype(dtype, copy=False) for array in arrays]


def as_floating(array):
    """Return the array ready for a division or an exponential: integers as float64."""
    return array.astype(np.float64) if array.dtype.kind in "iu" else array


def frozen_copy(array):
    """Return a read-only copy: a cache must not change when the caller's array does."""
    copy = np.array(array)
    copy.flags.writeable = False
    return copy
