"""Pooling: windows that tile, overlap, leave gaps or remainders, with and without ties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_helpers.layers import pool_backward, pool_forward

from . import reference
from .cases import assert_adjoint, assert_close, assert_same, complex_step, normal, pool_cases


@settings(max_examples=60)
@given(case=pool_cases(), ties=st.booleans())
def test_forward_and_backward_equal_the_loops(case, ties):
    x, dz = case.arrays(ties=ties)
    z, cache = pool_forward(x, **case.options)
    assert_close(z, reference.pool_forward(x, **case.options))
    assert_close(pool_backward(dz, cache), reference.pool_backward(dz, x, **case.options))


@pytest.mark.parametrize("mode", ["max", "average"])
@pytest.mark.parametrize("stride", [1, 2, 3, 4, 5])
def test_every_small_geometry_along_rows_and_columns(stride, mode):
    """All lengths to 9 under all windows to 4, integers with ties: a column of pixels, then a row."""
    rng = np.random.default_rng(0)
    for length, size in np.ndindex(10, 5):
        if size == 0 or size > length:
            continue
        x = rng.integers(0, 3, (2, length, 1, 2))
        z, cache = pool_forward(x, size=(size, 1), stride=(stride, 1), mode=mode)
        assert_close(z, reference.pool_forward(x, size=(size, 1), stride=(stride, 1), mode=mode))
        dz = rng.integers(-9, 10, z.shape)
        dx = pool_backward(dz, cache)
        assert_close(dx, reference.pool_backward(dz, x, size=(size, 1), stride=(stride, 1), mode=mode))
        z_row, cache = pool_forward(x.transpose(0, 2, 1, 3), size=(1, size), stride=(1, stride), mode=mode)
        assert_same(z_row, z.transpose(0, 2, 1, 3))
        assert_same(pool_backward(dz.transpose(0, 2, 1, 3), cache), dx.transpose(0, 2, 1, 3))


@given(case=pool_cases(modes=("max",)))
def test_max_of_integers_is_exact(case):
    x, dz = case.arrays(np.int64)
    z, cache = pool_forward(x, **case.options)
    assert_same(z, reference.pool_forward(x, **case.options))
    assert_same(pool_backward(dz, cache), reference.pool_backward(dz, x, **case.options))


@given(case=pool_cases(modes=("max",)))
def test_max_copies_bits(case):
    """The value at the output is one of the inputs, to the last bit, in float32 too."""
    x, _ = case.arrays(np.float32)
    assert_same(pool_forward(x, **case.options)[0], reference.pool_forward(x, **case.options))


@settings(max_examples=30)
@given(case=pool_cases(), ties=st.booleans())
def test_complex_numbers_compare_by_their_real_part(case, ties):
    """With ties in the real part the first position wins, whatever the imaginary parts are."""
    x, dz = case.arrays(np.complex128, ties=ties)
    x = x + 1j * np.random.default_rng(1).standard_normal(x.shape)
    z, cache = pool_forward(x, **case.options)
    assert_close(z, reference.pool_forward(x, **case.options))
    assert_close(pool_backward(dz, cache), reference.pool_backward(dz, x, **case.options))


@settings(max_examples=30)
@given(case=pool_cases(), ties=st.booleans())
def test_gradient_equals_complex_step_derivative(case, ties):
    """Even at ties: the imaginary step does not move the comparison, so both follow the first position."""
    x, dz = case.arrays(ties=ties)
    _, cache = pool_forward(x, **case.options)
    (numeric,) = complex_step(lambda x: pool_forward(x, **case.options)[0], (x,), dz)
    assert_close(pool_backward(dz, cache), numeric)


@given(case=pool_cases(), ties=st.booleans())
def test_adjoint_identity(case, ties):
    """Max pooling too is linear once it has chosen: Z = S X, dX = Sᵀ dZ."""
    x, dz = case.arrays(ties=ties)
    z, cache = pool_forward(x, **case.options)
    assert_adjoint(z, dz, x, pool_backward(dz, cache))


@given(case=pool_cases(modes=("max",)), ties=st.booleans())
def test_max_conserves_every_channels_gradient_exactly(case, ties):
    x, dz = case.arrays(np.int64, ties=ties)
    dx = pool_backward(dz, pool_forward(x, **case.options)[1])
    np.testing.assert_array_equal(dx.sum(axis=(1, 2)), dz.sum(axis=(1, 2)))


@given(case=pool_cases(modes=("average",)))
def test_average_conserves_every_channels_gradient(case):
    x, dz = case.arrays()
    dx = pool_backward(dz, pool_forward(x, **case.options)[1])
    assert_close(dx.sum(axis=(1, 2)), dz.sum(axis=(1, 2)))


@given(case=pool_cases())
def test_a_batch_is_its_examples_and_a_map_is_its_channels(case):
    x, dz = case.arrays(ties=True)
    z, cache = pool_forward(x, **case.options)
    dx = pool_backward(dz, cache)
    for m, k in np.ndindex(x.shape[0], x.shape[3]):
        one = np.s_[m : m + 1, :, :, k : k + 1]
        z_one, cache_one = pool_forward(x[one], **case.options)
        assert_close(z[one], z_one)
        assert_close(dx[one], pool_backward(dz[one], cache_one))


@given(case=pool_cases(), as_number=st.sampled_from([np.int64, np.int8, np.uint8]))
def test_numpy_integers_are_options_too(case, as_number):
    x, dz = case.arrays()
    options = {**case.options, "size": tuple(map(as_number, case.options["size"]))}
    options["stride"] = tuple(map(as_number, case.options["stride"]))
    z, cache = pool_forward(x, **options)
    expected, expected_cache = pool_forward(x, **case.options)
    assert_same(z, expected)
    assert_same(pool_backward(dz, cache), pool_backward(dz, expected_cache))


@pytest.mark.parametrize("mode", ["max", "average"])
@pytest.mark.parametrize("size", [1, 2, 3, (2, 3), (1, 4)])
def test_stride_none_means_size(size, mode):
    x = normal(np.random.default_rng(0), (2, 7, 8, 3))
    expected, _ = pool_forward(x, size=size, stride=size, mode=mode)
    assert_same(pool_forward(x, size=size, stride=None, mode=mode)[0], expected)
    assert_same(pool_forward(x, size=size, mode=mode)[0], expected)


def test_the_default_is_max_of_2_by_2():
    x = normal(np.random.default_rng(0), (2, 6, 4, 3))
    assert_same(pool_forward(x)[0], reference.pool_forward(x, size=2, stride=2, mode="max"))


def test_an_all_equal_image_sends_each_gradient_to_one_corner():
    """4×4 equal values, dz summing to 4: dx sums to 4, at the first position of each window."""
    x = np.full((1, 4, 4, 1), 3)
    z, cache = pool_forward(x)
    dx = pool_backward(np.ones_like(z), cache)
    assert z[0, ..., 0].tolist() == [[3, 3], [3, 3]]
    assert dx[0, ..., 0].tolist() == [[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]


def test_ties_go_to_the_first_in_row_major_order():
    """The largest value 9 stands at the right of row 0 and at the left of row 1: row 0 comes first."""
    x = np.array([[1, 9], [9, 0]])[None, ..., None]
    dx = pool_backward(np.array([[[[5]]]]), pool_forward(x)[1])
    assert dx[0, ..., 0].tolist() == [[0, 5], [0, 0]]


def test_a_near_tie_is_no_tie():
    """1 and 1 + 5e-6: `isclose` would call them equal."""
    x = np.array([[1.0, 1.0 + 5e-6], [0.0, 1.0]])[None, ..., None]
    dx = pool_backward(np.ones((1, 1, 1, 1)), pool_forward(x)[1])
    assert dx[0, ..., 0].tolist() == [[0, 1], [0, 0]]


def test_overlapping_windows_add_up():
    """The 9 is the largest of all four windows of size 2 and stride 1, so it gets all four gradients."""
    x = np.array([[1, 2, 3], [4, 9, 5], [6, 7, 8]])[None, ..., None]
    dz = np.array([[1, 10], [100, 1000]])[None, ..., None]
    z, cache = pool_forward(x, size=2, stride=1)
    assert z[0, ..., 0].tolist() == [[9, 9], [9, 9]]
    assert pool_backward(dz, cache)[0, ..., 0].tolist() == [[0, 0, 0], [0, 1111, 0], [0, 0, 0]]
    z, cache = pool_forward(x, size=2, stride=1, mode="average")
    assert z[0, ..., 0].tolist() == [[4.0, 4.75], [6.5, 7.25]]
    dx = pool_backward(dz, cache)[0, ..., 0]
    assert dx.tolist() == [[0.25, 2.75, 2.5], [25.25, 277.75, 252.5], [25, 275, 250]]


def test_average_of_integers_is_a_float64():
    z, cache = pool_forward(np.array([[1, 2], [3, 4]])[None, ..., None], mode="average")
    assert z.dtype == np.float64
    assert z.item() == 2.5
    assert pool_backward(np.ones_like(z), cache).ravel().tolist() == [0.25] * 4


@pytest.mark.parametrize("mode", ["max", "average"])
def test_remainders_and_gaps_get_no_gradient(mode):
    """Rows: windows 0–1, 3–4, and row 2 and row 5 between and after; columns: 0–2 only, 3 and 4 left over."""
    x = normal(np.random.default_rng(0), (2, 6, 5, 2))
    z, cache = pool_forward(x, size=(2, 3), stride=(3, 3), mode=mode)
    assert z.shape == (2, 2, 1, 2)
    dx = pool_backward(np.ones_like(z), cache)
    assert not dx[:, [2, 5]].any()
    assert not dx[:, :, 3:].any()
    assert_close(dx.sum(), z.size)


@pytest.mark.parametrize("mode", ["max", "average"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_nan_stays_in_its_windows(mode, stride):
    x = normal(np.random.default_rng(0), (2, 7, 7, 2))
    clean, _ = pool_forward(x, size=2, stride=stride, mode=mode)
    x[1, 3, 4, 0] = np.nan
    z, cache = pool_forward(x, size=2, stride=stride, mode=mode)
    touched = np.zeros(x.shape)
    touched[1, 3, 4, 0] = 1
    has_nan = pool_forward(touched, size=2, stride=stride)[0] == 1
    assert has_nan.any()
    np.testing.assert_array_equal(np.isnan(z), has_nan)
    np.testing.assert_array_equal(z[~has_nan], clean[~has_nan])
    # The gradient is conserved and finite, as dz is. A NaN is the maximum, so it gets what a maximum gets.
    dx = pool_backward(np.ones_like(z), cache)
    assert_close(dx.sum(), z.size)
    assert_close(dx[1, 3, 4, 0], has_nan.sum() / (1 if mode == "max" else 4))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_of_two_nans_in_a_window_the_first_gets_the_gradient(dtype):
    x = np.array([[5, np.nan], [np.nan, 7]], dtype)[None, ..., None]
    z, cache = pool_forward(x)
    assert np.isnan(z).all()
    assert pool_backward(np.ones_like(z), cache)[0, ..., 0].real.tolist() == [[0, 1], [0, 0]]


def test_nan_in_the_gradient_stays_with_its_window():
    x = normal(np.random.default_rng(0), (1, 4, 4, 1))
    dz = np.ones((1, 2, 2, 1))
    dz[0, 1, 0, 0] = np.nan
    for mode, count in (("max", 1), ("average", 4)):
        is_nan = np.isnan(pool_backward(dz, pool_forward(x, mode=mode)[1]))
        assert is_nan.sum() == count
        assert is_nan[0, 2:, :2].sum() == count


@pytest.mark.parametrize(
    "lowest", [-np.inf, np.float32(-np.inf), np.int64(np.iinfo(np.int64).min), np.uint8(0)]
)
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_window_of_the_lowest_value_has_a_maximum_too(lowest, stride):
    x = np.full((1, 5, 5, 1), lowest)
    z, cache = pool_forward(x, size=2, stride=stride)
    assert z.dtype == x.dtype
    assert (z == lowest).all()
    dx = pool_backward(np.ones_like(z), cache)
    assert dx.sum() == z.size
    assert (dx[0, ::stride, ::stride, 0][: z.shape[1], : z.shape[2]] == 1).all()
