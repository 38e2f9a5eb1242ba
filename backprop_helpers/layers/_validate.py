"""Checks of arguments, shared by all layers.

Each takes the name of the public function it works for: an error says who complains, about which argument,
what was expected and what came. Nothing is left for NumPy to complain about in words of its own.
"""

import numbers

import numpy as np

IMAGES = ("M", "H", "W", "C")
ROW_SUM_TOLERANCE = 1e-5  # a float32 softmax row misses 1 by about 1e-7


def as_array(function, name, value, axes=None):
    """Return `value` as a numeric array with the named axes, such as ("M", "K"), none of them empty."""
    if type(value).__module__.startswith("numpy.ma"):  # asked by name: its import takes 40 ms
        raise TypeError(f"{function}: {name} is a masked array; expected a plain one: {name}.filled(0)")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError):
        raise ValueError(f"{function}: {name} is not an array; expected lists of equal lengths") from None
    if array.dtype == np.float16:
        raise TypeError(f"{function}: {name} is float16, too coarse for sums; use {name}.astype(np.float32)")
    if array.dtype.kind not in "iufc":
        expected = "numbers: integers, float32, float64 or complex128"
        raise TypeError(f"{function}: {name} has dtype {array.dtype}; expected {expected}")
    if axes is not None and array.ndim != len(axes):
        fault = f"has rank {array.ndim} but rank {len(axes)} is expected, {axes_text(axes)}"
        raise ValueError(f"{function}: {name} {fault}; {name} has shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{function}: {name} is empty, no axis may be 0; {described(name, array, axes)}")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def as_weighted(function, x, w, b, x_axes, w_axes, words):
    """Return x, w and b as arrays whose sizes fit; `words` say what the last axes of x and w count."""
    x, w = as_array(function, "x", x, x_axes), as_array(function, "w", w, w_axes)
    b = as_array(function, "b", b, ("K",))
    x_text, w_text = described("x", x, x_axes), described("w", w, w_axes)
    if x.shape[-1] != w.shape[-2]:
        fault = f"x has {x.shape[-1]} {words[0]} but w expects {w.shape[-2]}"
        raise ValueError(f"{function}: {fault}; {x_text}, {w_text}")
    if len(b) != w.shape[-1]:
        fault = f"b has {len(b)} entries but w has {w.shape[-1]} {words[1]}"
        raise ValueError(f"{function}: {fault}; {described('b', b, ('K',))}, {w_text}")
    return x, w, b


def as_upstream(function, name, value, shape, axes=None):
    """Return the gradient from above as an array of exactly the forward output's shape."""
    array = as_array(function, name, value)
    if array.shape != tuple(shape):
        expected = f"the shape of the output, {tuple(shape)}" + (f" as {axes_text(axes)}" if axes else "")
        raise ValueError(f"{function}: {name} must have {expected}; {described(name, array)}")
    return array


def check_cache(function, cache, expected):
    """Reject anything but the cache that the matching forward function returns."""
    if not isinstance(cache, expected):
        maker = f"the {expected.__name__} that {function.replace('_backward', '_forward')} returns"
        raise TypeError(f"{function}: cache must be {maker}; got {type(cache).__name__}")


def as_int(function, name, value, minimum, expected="an integer"):
    """Return `value` as an int of at least `minimum`; bools, strings and floats are not integers."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{function}: {name} must be {expected}; got {shown(value)}")
    if value < minimum:
        raise ValueError(f"{function}: {name} must be at least {minimum}; got {shown(value)}")
    return int(value)


def as_pair(function, name, value, minimum=1):
    """Return `value`, one integer or a pair (rows, columns), as a pair of ints of at least `minimum`."""
    expected = "an integer, or a pair of them (rows, columns)"
    if not isinstance(value, (tuple, list)):
        return (as_int(function, name, value, minimum, expected),) * 2
    if len(value) != 2:
        raise ValueError(f"{function}: {name} must be {expected}; got {shown(value)}")
    return tuple(as_int(function, f"{name} ({of})", n, minimum) for of, n in zip(("rows", "columns"), value))


def as_image_shape(function, name, shape):
    """Return a checked (M, H, W, C)."""
    if not isinstance(shape, (tuple, list)) or len(shape) != 4:
        raise ValueError(f"{function}: {name} must be a shape (M, H, W, C); got {shown(shape)}")
    return tuple(as_int(function, f"{name}[{axis}]", n, 1) for axis, n in enumerate(shape))


def as_distributions(function, y, predictions):
    """Return the targets y, labels (M,) or distributions (M, K), as fresh real rows that sum to 1."""
    y, (M, K), real = as_array(function, "y", y), predictions.shape, np.finfo(predictions.dtype).dtype
    if y.dtype.kind == "c":
        raise TypeError(f"{function}: y has dtype {y.dtype}; expected integer labels or real rows")
    if y.ndim == 1:
        return np.eye(K, dtype=real)[_as_labels(function, y, M, K)]
    if y.shape != (M, K):
        raise ValueError(f"{function}: y must be {M} labels or rows {(M, K)} as (M, K); y is {y.shape}")
    y = y.astype(real)
    totals = y.sum(axis=1, keepdims=True)
    right = (y >= 0).all(axis=1) & (np.abs(totals[:, 0] - 1) <= ROW_SUM_TOLERANCE)  # NaN is not
    if not right.all():
        row = int(right.argmin())
        came = f"smallest entry {y[row].min():g}, sum {totals[row, 0]:g}"
        raise ValueError(f"{function}: y row {row} must have entries of at least 0 and sum to 1; {came}")
    return y / totals  # so that ŷ − y is the exact gradient even when y was rounded to float32


def _as_labels(function, y, M, K):
    """Return y as M labels 0 ... K−1."""
    if y.dtype.kind not in "iu":
        raise TypeError(f"{function}: y has dtype {y.dtype}; labels must be integers 0 ... {K - 1}")
    if len(y) != M:
        raise ValueError(f"{function}: y has {len(y)} labels but there are {M} examples (M)")
    wrong = (y < 0) | (y >= K)
    if wrong.any():
        first = int(wrong.argmax())
        raise ValueError(f"{function}: y labels must be 0 ... {K - 1}; y[{first}] is {int(y[first])}")
    return y.astype(np.intp)


def described(name, array, axes=None):
    """Return ``x is (2, 28, 28, 3) as (M, H, W, C)``."""
    return f"{name} is {array.shape}" + (f" as {axes_text(axes)}" if axes else "")


def axes_text(axes):
    """Return ``(M, H, W, C)`` or ``(K,)``, written as Python writes a tuple."""
    return f"({', '.join(axes)}{',' if len(axes) == 1 else ''})" if axes else "a single number"


def shown(value):
    """Return a short, plain text of a wrong value."""
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"
