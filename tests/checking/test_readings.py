"""What a report says about where an error sits, and what the wrong numbers look like."""

import numpy as np
import pytest

from backprop_helpers import layers
from backprop_helpers.checking import gradient_check

from .pairs import normal, scaled_layer


def zeroed(*index):
    def change(a):
        a = a.copy()
        a[index] = 0
        return a

    return change


def border(a):
    inside = np.zeros(a.shape, bool)
    inside[:, 1:-1, 1:-1] = True
    return np.where(inside, a, 0)


def interior(a):
    return a - border(a)


def times(factor, *index):
    def change(a):
        a = a.copy()
        a[index] *= factor
        return a

    return change


def reading(shape, change, name="x"):
    """What the check says about the gradient of one input, changed."""
    forward, broken = scaled_layer(*normal(shape, seed=3), name=name)
    (row,) = gradient_check(forward, broken(change), normal(shape)).rows
    assert not row.passed
    return row.reading


IMAGES, KERNELS, MATRIX = (3, 5, 4, 2), (3, 3, 2, 2), (3, 4)


@pytest.mark.parametrize(
    ("shape", "name", "change", "expected"),
    [
        (IMAGES, "x", lambda a: 0 * a, "zero"),
        (IMAGES, "x", lambda a: -a, "sign flipped"),
        (IMAGES, "x", lambda a: 2 * a, "2 times too large"),
        (IMAGES, "x", lambda a: a / 7, "7 times too small"),
        (IMAGES, "x", lambda a: 1.5 * a, "1.5 times too large"),
        (IMAGES, "x", lambda a: -a / 2, "sign flipped, and 2 times too small"),
        (IMAGES, "x", lambda a: np.pi * a, "about 3.14 times too large"),
        (IMAGES, "x", lambda a: 1.0001 * a, "1.0001 times too large"),
        (IMAGES, "x", lambda a: a / 1.0004, "1.0004 times too small"),
        # Two examples and two channels: nobody knows which.
        ((2, 5, 4, 2), "x", lambda a: 2 * a, "2 times too large"),
        ((2, 5, 4, 3), "x", lambda a: 2 * a, "2 times too large"),
        (IMAGES, "x", lambda a: 3 * a, "3 times too large (3 is M, the number of examples)"),
        (IMAGES, "x", lambda a: a / 3, "3 times too small (3 is M, the number of examples)"),
        (IMAGES, "x", lambda a: 9 * a, "9 times too large (9 is M², M the number of examples)"),
        (IMAGES, "x", lambda a: a / 20, "20 times too small (20 is H_out·W_out, the number of positions)"),
        (IMAGES, "x", lambda a: a / 60, "60 times too small (60 is M·H_out·W_out, examples times positions)"),
        (IMAGES, "x", lambda a: a[:, ::-1, ::-1], "rotated by 180° (rows and columns)"),
        (IMAGES, "x", lambda a: a[:, ::-1], "flipped: the rows are in reversed order"),
        (IMAGES, "x", lambda a: a[:, :, ::-1], "flipped: the columns are in reversed order"),
        (IMAGES, "x", lambda a: a[::-1, ::-1, ::-1, ::-1], "reversed along every axis"),
        (IMAGES, "x", lambda a: a[::-1], "the examples are in reversed order"),
        (IMAGES, "x", lambda a: a[..., ::-1], "the channels are in reversed order"),
        (IMAGES, "x", lambda a: np.roll(a, 1, 1), "shifted down by 1 row"),
        (IMAGES, "x", lambda a: np.roll(a, -2, 1), "shifted up by 2 rows"),
        (IMAGES, "x", lambda a: np.roll(a, 1, 2), "shifted to the right by 1 column"),
        (IMAGES, "x", lambda a: np.roll(a, -1, 2), "shifted to the left by 1 column"),
        (IMAGES, "x", lambda a: np.roll(a, 5), "the right numbers in the wrong places"),
        ((2, 4, 4, 3), "x", lambda a: a.swapaxes(1, 2), "transposed"),
        (IMAGES, "x", border, "missing on the border only (zero there)"),
        (IMAGES, "x", interior, "missing in the interior only (zero there)"),
        (
            IMAGES,
            "x",
            lambda a: border(a) + 2 * interior(a),
            "wrong on the border only (2 times too large there)",
        ),
        # The four corners are on the border, but the border is not what is wrong.
        (
            IMAGES,
            "x",
            zeroed(slice(None), slice(None, None, 4), slice(None, None, 3)),
            "missing in 24 of 120 entries (zero there)",
        ),
        # Small entries are wrong, and the large ones are symmetric: that is no reversal.
        ((2, 5), "x", lambda a: a + 1e-6 * (np.arange(5) == 2), "wrong in column 2 only"),
        (IMAGES, "x", lambda a: a + interior(a) ** 2, "wrong on the border only"),
        (IMAGES, "x", zeroed(1), "missing in example 1 only (zero there)"),
        (IMAGES, "x", times(-1, 2), "wrong in example 2 only (sign flipped there)"),
        (IMAGES, "x", zeroed(..., 0), "missing in channel 0 only (zero there)"),
        (IMAGES, "x", times(1.01, ..., 1), "wrong in channel 1 only (1.01 times too large there)"),
        (IMAGES, "x", zeroed(slice(None), 4), "missing in the last row only (zero there)"),
        (IMAGES, "x", zeroed(slice(None), slice(3, 5)), "missing in the last 2 rows only (zero there)"),
        (IMAGES, "x", zeroed(slice(None), slice(None), 3), "missing in the last column only (zero there)"),
        (IMAGES, "x", zeroed(slice(None), 0), "missing in the first row only (zero there)"),
        (IMAGES, "x", zeroed(slice(None), 2), "missing in row 2 only (zero there)"),
        (IMAGES, "x", zeroed(1, ..., 1), "missing in example 1 and channel 1 only (zero there)"),
        (IMAGES, "x", zeroed(1, 1, 1, 1), "missing in one entry only (zero there)"),
        (IMAGES, "x", lambda a: np.where(a > 0, a, 0), "missing in 66 of 120 entries (zero there)"),
        (IMAGES, "x", np.abs, "wrong in 66 of 120 entries (sign flipped there)"),
        (IMAGES, "x", lambda a: a + 1, "off by 1 in every entry: is a number added?"),
        (KERNELS, "w", lambda a: a[::-1, ::-1], "rotated by 180° (kernel rows and kernel columns)"),
        (KERNELS, "w", lambda a: a.swapaxes(0, 1), "transposed"),
        (KERNELS, "w", lambda a: a.swapaxes(2, 3), "transposed (input channel and filter)"),
        (KERNELS, "w", lambda a: a[..., ::-1], "the filters are in reversed order"),
        (
            KERNELS,
            "w",
            lambda a: a * 9,
            "9 times too large (9 is F_h·F_w, the size of the kernel)",
        ),
        (KERNELS, "w", zeroed(..., 1, slice(None)), "missing in input channel 1 only (zero there)"),
        (MATRIX, "x", zeroed(1), "missing in example 1 only (zero there)"),
        (MATRIX, "x", zeroed(slice(None), 1), "missing in column 1 only (zero there)"),
        ((4, 4), "x", lambda a: a.T, "transposed"),
        ((4, 4), "x", lambda a: a[::-1, ::-1], "rotated by 180° (examples and columns)"),
        ((5,), "b", lambda a: a[::-1], "in reversed order"),
        ((5,), "b", zeroed(2), "missing in one entry only (zero there)"),
        ((5,), "b", lambda a: a[0] * np.ones(5), "wrong in 4 of 5 entries"),
        ((), "b", lambda a: 1.3 * a, "wrong in its only entry"),
        ((), "b", lambda a: -a, "sign flipped"),
    ],
)
def test_readings(shape, name, change, expected):
    assert reading(shape, change, name) == expected


def test_a_gradient_that_should_be_zero():
    report = gradient_check(lambda x: (0 * x, None), lambda d, _: d, normal((3, 2)))
    assert report.rows[0].reading == "wrong in every entry (should be zero there)"
    report = gradient_check(
        layers.relu_forward, lambda da, _: da, (np.array([[-1.0, -2.0, 3.0, 4.0, -1.0]]),)
    )
    assert report.rows[0].reading == "wrong in 3 of 5 entries (should be zero there)"


def test_a_loss_that_forgets_its_upstream_gradient():
    report = gradient_check(lambda z: ((z**2).sum(), z), lambda dloss, z: 2 * z, normal((3, 2)))
    assert report.rows[0].reading == "the upstream gradient is not used (or not its size)"
    report = gradient_check(lambda z: ((z**2).sum(), z), lambda dloss, z: 2 * z, normal((3, 2)), upstream=1.0)
    assert report.passed


def test_a_loss_divided_by_the_classes():
    y = np.array([0, 2, 4])

    def forward(z):
        return layers.softmax_cross_entropy_forward(z, y)

    def over_entries(dloss, cache):
        return layers.softmax_cross_entropy_backward(dloss, cache) / 5

    report = gradient_check(forward, over_entries, normal((3, 5)))
    assert report.rows[0].reading == "5 times too small (5 is K, the number of classes)"


def test_remainder_rows_of_a_real_layer():
    """Seven rows, stride 3, kernel 3, counted from the bottom instead of the top."""
    (x,) = normal((2, 7, 3, 1))
    w = normal((3, 3, 1, 2), seed=5)[0]

    def forward(x):
        return layers.conv_forward(x, w, np.zeros(2), stride=3, padding="valid")

    def from_the_bottom(dz, cache):
        return np.roll(layers.conv_backward(dz, cache)[0], 1, axis=1)

    assert gradient_check(forward, from_the_bottom, (x,)).rows[0].reading == "shifted down by 1 row"
    right = gradient_check(forward, lambda dz, cache: layers.conv_backward(dz, cache)[0], (x,))
    assert right.passed

    def last_rows_missing(dz, cache):
        dx = layers.conv_backward(dz, cache)[0]
        dx[:, 4:] = 0
        return dx

    # Row 6 is a remainder, zero in both, so the rows that are wrong are 4 and 5.
    assert gradient_check(forward, last_rows_missing, (x,)).rows[0].reading.startswith("missing in")


def test_a_picture_without_examples_is_read_as_rows_and_columns():
    (picture,) = normal((5, 4))

    def forward(picture):
        return picture[:3] * 2, None

    def backward(dout, _):
        dx = np.zeros((5, 4))
        dx[:3] = 2 * dout
        dx[[0, 2]] = 0
        dx[1, [0, 3]] = 0
        return dx

    assert (
        gradient_check(forward, backward, (picture,))
        .rows[0]
        .reading.startswith("missing in the first 3 rows")
    )


def test_kinks_do_not_hide_a_reading():
    z = np.array([[0.0, 1.0, -1.0, 2.0], [3.0, 0.0, 2.0, -1.0]])
    report = gradient_check(layers.relu_forward, lambda da, cache: -layers.relu_backward(da, cache), (z,))
    assert report.rows[0].reading == "sign flipped"
    assert report.rows[0].kinks == 2


def test_a_sample_is_enough_for_a_reading():
    (x,) = normal((3, 20, 20, 4))
    report = gradient_check(
        layers.relu_forward, lambda da, c: layers.relu_backward(da, c) / 3, (x,), sample=60
    )
    assert report.rows[0].reading == "3 times too small (3 is M, the number of examples)"


def test_a_loss_with_as_many_classes_as_examples():
    y = np.array([0, 2, 1])

    def forward(z):
        return layers.softmax_cross_entropy_forward(z, y)

    def summed(dloss, cache):
        return 3 * layers.softmax_cross_entropy_backward(dloss, cache)

    assert gradient_check(forward, summed, normal((3, 3))).rows[0].reading == "3 times too large"
