"""What every layer needs to know about an array: its dtype rule, its memory order, its owner.

The memory order is the caller's choice. X[m, i, j, c] may be stored with the channel fastest (C order) or
with the example fastest (Fortran order); the formulas are the same, and the outputs are stored as the
input is. Each layer therefore passes ``order`` on to every array it makes and every reshape it does,
so that no array is ever transposed in memory.
"""

import numpy as np


def memory_order(x):
    """Return "F" for an array stored in Fortran order only, else "C"."""
    return "F" if x.flags.f_contiguous and not x.flags.c_contiguous else "C"


def common_dtype(*arrays):
    """Return the dtype of a sum of products of the arrays.

    `numpy.result_type`, except that all integers (but uint64, which does not fit) are summed as int64, as
    `numpy.sum` does: two uint8 images would otherwise overflow at 255.
    """
    dtype = np.result_type(*(array.dtype for array in arrays))
    return np.dtype(np.int64) if dtype.kind in "iu" and dtype != np.uint64 else dtype


def floating_dtype(*arrays):
    """Return the dtype of a result that needs a division: `numpy.result_type`, float64 for integers."""
    dtype = np.result_type(*(array.dtype for array in arrays))
    return np.dtype(np.float64) if dtype.kind in "iu" else dtype


def stored(array, order, dtype=None):
    """Return `array` itself if it is stored like that already, else a copy that is."""
    return np.asarray(array, dtype=dtype, order=order)


def frozen_copy(array):
    """Return a read-only copy in the same memory order: a cache must not change with the caller's array."""
    copy = np.array(array, order=memory_order(array))
    copy.flags.writeable = False
    return copy


def matmul(a, b, order):
    """Return a @ b, stored in `order`.

    ``(b.T @ a.T).T`` is the same product with its result in Fortran order; BLAS reads transposed
    matrices as they are, so nothing is copied.
    """
    return a @ b if order == "C" else (b.T @ a.T).T


def kept_where(mask, array, order):
    """Return a fresh array, `array` where the mask is true and 0 elsewhere, stored in `order`."""
    if not np.isfinite(array).all():  # 0 · ∞ is NaN
        return np.array(np.where(mask, array, 0), order=order)
    kept = np.multiply(array, mask, order=order)  # many times faster than numpy.where
    kept += 0  # −1 · 0 is −0: right, but odd to read
    return kept
