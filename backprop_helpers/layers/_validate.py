"""Checks of arguments, shared by all layers.

Every function here takes the name of the public function it works for, so that an error says who
complains, about which argument, what was expected and what came. Nothing is left for NumPy to
complain about later, in words about broadcasting that name none of the learner's arrays.
"""

import numbers

import numpy as np

ROW_SUM_TOLERANCE = 1e-5  # a float32 softmax row misses 1 by about 1e-7


def as_array(function, name, value, axes=None):
    """Return `value` as a numeric array with the named axes, none of them empty.

    Parameters
    ----------
    function, name : str
        The public function and its argument, for the message.
    value : array_like
        Anything `numpy.asarray` can read.
    axes : tuple of str, optional
        The names of the axes expected, such as ``("M", "H", "W", "C")``. None: any rank.

    Raises
    ------
    TypeError
        The entries are not integers, floats or complex numbers of at least 32 bits.
    ValueError
        The rank is wrong, an axis is empty, or a nested list is ragged.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{function}: {name} is a masked array; expected a plain one, such as {name}.filled(0)"
        )
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError):
        raise ValueError(
            f"{function}: {name} is not an array; expected nested lists of equal lengths"
        ) from None
    check_numeric(function, name, array)
    if axes is not None and array.ndim != len(axes):
        raise ValueError(
            f"{function}: {name} has rank {array.ndim} but rank {len(axes)} is expected, "
            f"{axes_text(axes)}; {name} has shape {array.shape}"
        )
    if array.size == 0:
        raise ValueError(
            f"{function}: {name} is empty, every axis must be at least 1; {described(name, array, axes)}"
        )
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def check_numeric(function, name, array):
    """Reject every dtype but integers and floats or complex numbers of at least 32 bits a part."""
    if array.dtype == np.float16:
        raise TypeError(
            f"{function}: {name} is float16, too coarse for sums; convert it with {name}.astype(np.float32)"
        )
    if array.dtype.kind not in "iufc":
        raise TypeError(
            f"{function}: {name} has dtype {array.dtype}; "
            "expected numbers: integers, float32, float64 or complex128"
        )


def as_upstream(function, name, value, shape, axes):
    """Return the upstream gradient `value` as an array of exactly the forward output's `shape`."""
    array = as_array(function, name, value)
    if array.shape != tuple(shape):
        raise ValueError(
            f"{function}: {name} must have the shape of the forward output, {tuple(shape)}"
            f"{'' if axes is None else ' as ' + axes_text(axes)}; {name} has shape {array.shape}"
        )
    return array


def as_int(function, name, value, minimum):
    """Return `value` as an int of at least `minimum`; bools, strings and floats are no integers."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{function}: {name} must be an integer; got {shown(value)}")
    if value < minimum:
        raise ValueError(f"{function}: {name} must be at least {minimum}; got {shown(value)}")
    return int(value)


def as_pair(function, name, value, minimum=1):
    """Return `value`, one integer or a pair (rows, columns), as a pair of ints of at least `minimum`."""
    expected = f"{function}: {name} must be an integer or a pair (rows, columns); got {shown(value)}"
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ValueError(expected)
        rows = as_int(function, f"{name} (rows)", value[0], minimum)
        columns = as_int(function, f"{name} (columns)", value[1], minimum)
        return rows, columns
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(expected)
    return (as_int(function, name, value, minimum),) * 2


def check_cache(function, cache, expected, maker):
    """Reject anything but the cache that the matching forward function returns."""
    if not isinstance(cache, expected):
        raise TypeError(
            f"{function}: cache must be the {expected.__name__} that {maker} returns; "
            f"got {type(cache).__name__}"
        )


def as_distributions(function, y, shape, dtype):
    """Return the targets `y` as one distribution over the classes a row.

    Parameters
    ----------
    y : array_like, (M,) or (M, K)
        Integer labels 0 ... K−1, or one row of probabilities an example (one-hot, as a rule).
    shape : tuple
        (M, K), the shape of the predictions.
    dtype : dtype
        The floating type of the predictions; the result has its precision.

    Returns
    -------
    ndarray, (M, K)
        A fresh real array whose rows sum to 1.

    Raises
    ------
    TypeError
        Labels that are not integers; rows that are not real numbers.
    ValueError
        A wrong number of labels or rows, a label out of range, a row that is no distribution.
    """
    examples, classes = shape
    y = as_array(function, "y", y)
    if y.dtype.kind == "c":
        raise TypeError(f"{function}: y has dtype {y.dtype}; expected integer labels or real rows")
    if y.ndim == 1:
        return _one_hot(function, y, examples, classes, dtype)
    if y.shape != (examples, classes):
        raise ValueError(
            f"{function}: y must be {examples} integer labels (M,) or rows {(examples, classes)} as (M, K); "
            f"y has shape {y.shape}"
        )
    y = y.astype(np.finfo(dtype).dtype)
    totals = y.sum(axis=1, keepdims=True)
    wrong = ~((y >= 0).all(axis=1) & (np.abs(totals[:, 0] - 1) <= ROW_SUM_TOLERANCE))  # NaN is wrong too
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"{function}: y row {row} is no distribution: its entries must be at least 0 and sum to 1; "
            f"smallest entry {y[row].min():g}, sum {totals[row, 0]:g}"
        )
    return y / totals  # so that ŷ − y is the exact gradient even when y was rounded to float32


def _one_hot(function, labels, examples, classes, dtype):
    """Return one row a label, 1 in the label's column and 0 elsewhere."""
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"{function}: y has dtype {labels.dtype}; labels must be integers 0 ... {classes - 1}"
        )
    if len(labels) != examples:
        raise ValueError(f"{function}: y has {len(labels)} labels but there are {examples} examples (M)")
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        first = int(wrong.argmax())
        raise ValueError(
            f"{function}: y labels must be 0 ... {classes - 1}; y[{first}] is {int(labels[first])}"
        )
    rows = np.zeros((examples, classes), np.finfo(dtype).dtype)
    rows[np.arange(examples), labels.astype(np.intp)] = 1
    return rows


def as_scalar(function, name, value):
    """Return `value` as a Python number, which leaves an array's dtype as it is when multiplied."""
    array = as_array(function, name, value)
    if array.ndim != 0:
        raise ValueError(f"{function}: {name} must be a single number; {name} has shape {array.shape}")
    return array.item()


def described(name, array, axes=None):
    """Return ``x is (2, 28, 28, 3) as (M, H, W, C)``."""
    return f"{name} is {array.shape}" + ("" if axes is None else f" as {axes_text(axes)}")


def axes_text(axes):
    """Return ``(M, H, W, C)`` or ``(K,)``, written as Python writes a tuple."""
    return f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"


def shown(value):
    """Return a short, plain text of a wrong value."""
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"
