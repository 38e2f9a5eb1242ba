"""Random cases for the layer tests, and the oracles that are not a second implementation."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

LAYOUTS = ("C", "F", "strided", "reversed")


def laid_out(array, layout):
    """The same values laid out in memory as "C", "F", every second element of a larger array, or reversed."""
    if layout == "strided":
        larger = np.zeros(tuple(2 * length for length in array.shape), array.dtype)
        view = larger[tuple(slice(None, None, 2) for _ in array.shape)]
        view[...] = array
        return view
    if layout == "reversed":
        flip = (slice(None, None, -1),) * array.ndim
        return np.ascontiguousarray(array[flip])[flip]
    return np.array(array, order=layout)


def normal(rng, shape, dtype=np.float64):
    """Standard normal values of any of the contract's dtypes; small integers for integer dtypes."""
    if np.issubdtype(dtype, np.integer):
        return rng.integers(0 if np.issubdtype(dtype, np.unsignedinteger) else -5, 6, shape).astype(dtype)
    values = rng.standard_normal(shape)
    if np.issubdtype(dtype, np.complexfloating):
        values = values + 1j * rng.standard_normal(shape)
    return np.asarray(values, dtype)


def assert_close(actual, expected, tolerance=1e-12):
    """Same shape, nothing NaN, the largest difference within `tolerance` of the largest expected value."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    assert not np.isnan(actual).any(), "NaN in the result"
    scale = max(1.0, np.abs(expected).max(initial=0.0))
    difference = np.abs(actual - expected)
    worst = np.unravel_index(difference.argmax(), difference.shape) if difference.size else ()
    assert difference.max(initial=0.0) <= tolerance * scale, (
        f"at {tuple(map(int, worst))}: {actual[worst]}, expected {expected[worst]}"
    )


def assert_same(actual, expected):
    """Equal to the last bit in value, shape and dtype (NaN equal to NaN)."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    np.testing.assert_array_equal(actual, expected)


def complex_step(forward, inputs, upstream, step=1e-30):
    """d(Σ upstream · forward(*inputs)) / d(each input), entry by entry.

    The imaginary part carries the derivative. No difference is taken, so nothing cancels and the answer is
    good to rounding.
    """
    gradients = []
    for position, array in enumerate(inputs):
        gradient = np.zeros(array.shape)
        for index in np.ndindex(*array.shape):
            nudged = array.astype(np.complex128)
            nudged[index] += 1j * step
            out = forward(*inputs[:position], nudged, *inputs[position + 1 :])
            gradient[index] = np.sum(upstream * np.imag(out)) / step
        gradients.append(gradient)
    return gradients


def assert_adjoint(output, upstream, argument, gradient, tolerance=1e-12):
    """⟨A x, y⟩ = ⟨x, Aᵀ y⟩ with `output` = A x, `upstream` = y, `argument` = x and `gradient` = Aᵀ y.

    No conjugate is taken: `backward` is the transpose, also for complex numbers. The tolerance is relative to
    the sum of the absolute terms, which is what rounding scales with.
    """
    left, right = np.sum(output * upstream), np.sum(argument * gradient)
    scale = max(1.0, np.sum(np.abs(output * upstream)), np.sum(np.abs(argument * gradient)))
    assert abs(left - right) <= tolerance * scale, f"⟨A x, y⟩ = {left} but ⟨x, Aᵀ y⟩ = {right}"


class ConvCase(NamedTuple):
    """One convolution: the options, the shapes, a seed for the values and the memory layout."""

    x_shape: tuple
    w_shape: tuple
    options: dict
    seed: int
    layout: str

    def arrays(self, dtype=np.float64):
        """x, w, b, the upstream gradient dz, in the case's memory layout."""
        from . import reference

        rng = np.random.default_rng(self.seed)
        *_, h_out, w_out = reference.conv_geometry(self.x_shape, self.w_shape, **self.options)
        z_shape = (self.x_shape[0], h_out, w_out, self.w_shape[3])
        shapes = (self.x_shape, self.w_shape, self.w_shape[3:], z_shape)
        return tuple(laid_out(normal(rng, shape, dtype), self.layout) for shape in shapes)


class PoolCase(NamedTuple):
    """One pooling: the input's shape, the options, a seed and the memory layout."""

    x_shape: tuple
    options: dict
    seed: int
    layout: str

    def arrays(self, dtype=np.float64, ties=False):
        """x and the upstream gradient dz; with `ties`, x holds only −1, 0 and 1, so that most windows tie."""
        rng = np.random.default_rng(self.seed)
        x = rng.integers(-1, 2, self.x_shape).astype(dtype) if ties else normal(rng, self.x_shape, dtype)
        (f_h, f_w), (s_h, s_w) = self.options["size"], self.options["stride"]
        M, H, W, K = self.x_shape
        dz = normal(rng, (M, (H - f_h) // s_h + 1, (W - f_w) // s_w + 1, K), dtype)
        return laid_out(x, self.layout), laid_out(dz, self.layout)


def _int_or_pair(draw, rows, columns):
    """Where both numbers agree, sometimes the short form: one int for both."""
    return rows if rows == columns and draw(st.booleans()) else (rows, columns)


seeds = st.integers(0, 2**32 - 1)


@st.composite
def conv_cases(
    draw, paddings=("same", "valid", "number"), strides=3, dilations=3, max_channels=3, max_kernel=4
):
    """Convolutions of every kind: each axis has its own size, kernel, stride, padding and dilation."""
    kind = draw(st.sampled_from(paddings))
    lengths, kernels, stride, dilation, padding = [], [], [], [], []
    for _ in ("rows", "columns"):
        kernels.append(draw(st.integers(1, max_kernel)))
        stride.append(draw(st.integers(1, strides)))
        dilation.append(draw(st.integers(1, dilations)))
        padding.append(draw(st.integers(0, 4)) if kind == "number" else 0)
        # At least one position for the kernel ("same" always has one), and up to five more: remainders occur.
        reach = dilation[-1] * (kernels[-1] - 1) + 1
        least = 1 if kind == "same" else max(1, reach - 2 * padding[-1])
        lengths.append(least + draw(st.integers(0, 5)))
    channels, filters = draw(st.integers(1, max_channels)), draw(st.integers(1, max_channels))
    options = {
        "stride": _int_or_pair(draw, *stride),
        "padding": _int_or_pair(draw, *padding) if kind == "number" else kind,
        "dilation": _int_or_pair(draw, *dilation),
    }
    examples = draw(st.integers(1, 3))
    x_shape, w_shape = (examples, *lengths, channels), (*kernels, channels, filters)
    return ConvCase(x_shape, w_shape, options, draw(seeds), draw(st.sampled_from(LAYOUTS)))


@st.composite
def pool_cases(draw, modes=("max", "average")):
    """Poolings that tile, overlap, leave gaps and leave remainders."""
    sizes, strides, lengths = [], [], []
    for _ in ("rows", "columns"):
        sizes.append(draw(st.integers(1, 4)))
        strides.append(draw(st.integers(1, 5)))
        lengths.append(sizes[-1] + draw(st.integers(0, 6)))
    x_shape = (draw(st.integers(1, 3)), *lengths, draw(st.integers(1, 3)))
    options = {"size": tuple(sizes), "stride": tuple(strides), "mode": draw(st.sampled_from(modes))}
    return PoolCase(x_shape, options, draw(seeds), draw(st.sampled_from(LAYOUTS)))


@st.composite
def matrix_shapes(draw, axes, largest=7):
    """`axes` lengths from 1 to `largest`."""
    return tuple(draw(st.integers(1, largest)) for _ in range(axes))
