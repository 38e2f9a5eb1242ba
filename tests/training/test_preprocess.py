"""A drawing becomes an image as MNIST has them."""

import numpy as np
import pytest
from scipy.ndimage import center_of_mass

from backprop_helpers.training import preprocess_digit, series_cnn
from backprop_helpers.training.mnist import load_test_set
from backprop_helpers.training.preprocess import resampling_weights, scale_to_fit

DIGITS = load_test_set()[0][:300, :, :, 0]


def a_stroke(rows, columns, *places):
    drawing = np.zeros((rows, columns))
    for place in places:
        drawing[place] = 1
    return drawing


def an_ell(rows=40, columns=40, top=5, left=8, scale=1):
    drawing = np.zeros((rows, columns))
    drawing[top : top + 20 * scale, left : left + 4 * scale] = 1
    drawing[top + 16 * scale : top + 20 * scale, left : left + 12 * scale] = 1
    return drawing


def test_digits_of_mnist_stay_as_they_are():
    changed = [np.abs(preprocess_digit(digit).placed - digit).max() for digit in DIGITS]
    assert np.mean(np.array(changed) < 1e-6) > 0.97
    shifted = [d for d, change in zip(DIGITS, changed) if change >= 1e-6]  # half-way cases of the centre
    for digit in shifted:
        moved = preprocess_digit(digit)
        assert moved.scaled.sum() == pytest.approx(digit.sum(), rel=1e-4)


def test_a_shifted_digit_comes_back():
    for digit in DIGITS[:20]:
        wide = np.zeros((60, 50), np.float32)
        wide[29:57, 3:31] = digit
        np.testing.assert_array_equal(preprocess_digit(wide).placed, preprocess_digit(digit).placed)


def test_a_symmetric_drawing_goes_where_its_middle_says():
    """Its centre lies halfway between two pixels; the last rounding error must not choose the side."""
    rng = np.random.default_rng(7)
    for rows, columns in rng.integers(21, 120, (200, 2)):
        half = rng.random((rows, columns))
        steps = preprocess_digit((half + half[:, ::-1] + half[::-1] + half[::-1, ::-1]) / 4)
        expected = np.rint(14 - (np.array(steps.scaled.shape) - 1) / 2)  # halves to the even number
        np.testing.assert_array_equal(steps.corner, expected)


def test_an_enlarged_digit_comes_back_almost():
    for digit in DIGITS[:20]:
        large = np.kron(digit, np.ones((3, 3), np.float32))
        back, straight = preprocess_digit(large).placed, preprocess_digit(digit).placed
        assert np.abs(back - straight).mean() < 0.02
        assert np.corrcoef(back.ravel(), straight.ravel())[0, 1] > 0.97


def test_the_network_reads_shifted_and_enlarged_digits():
    images, labels = load_test_set()
    net, images, labels = series_cnn(), images[:60], labels[:60]
    spoiled = [np.kron(np.pad(d[..., 0], ((3, 25), (0, 40))), np.ones((2, 2))) for d in images]
    mended = np.concatenate([preprocess_digit(d).image for d in spoiled])
    assert net.accuracy(mended, labels) >= 0.95


def test_the_steps_fit_together():
    steps = preprocess_digit(an_ell(scale=1))
    top, left, bottom, right = steps.box
    assert (top, left, bottom, right) == (5, 8, 25, 20)
    np.testing.assert_array_equal(steps.cropped, steps.drawing[5:25, 8:20])
    np.testing.assert_array_equal(steps.scaled, steps.cropped)  # it is 20 high already
    row, column = steps.corner
    np.testing.assert_array_equal(steps.placed[row : row + 20, column : column + 12], steps.scaled)
    assert steps.placed.sum() == steps.scaled.sum()
    assert steps.image.shape == (1, 28, 28, 1)
    assert steps.image.dtype == steps.placed.dtype == np.float32
    np.testing.assert_array_equal(steps.image[0, :, :, 0], steps.placed)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_the_centre_of_mass_is_the_middle(scale):
    steps = preprocess_digit(an_ell(80, 90, 3, 11, scale))
    assert max(steps.scaled.shape) == 20
    assert np.abs(np.array(center_of_mass(steps.placed)) - 14).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("shape", [(10, 10), (3, 7), (100, 60), (41, 40), (1, 30)])
def test_the_ratio_of_the_sides_is_kept(shape):
    scaled = scale_to_fit(np.ones(shape), 20)
    assert max(scaled.shape) == 20
    assert abs(min(scaled.shape) - 20 * min(shape) / max(shape)) <= 0.5
    np.testing.assert_allclose(scaled, 1)


def test_reducing_keeps_thin_strokes_as_grey():
    drawing = a_stroke(200, 200, np.s_[:, 0], np.s_[:, 101], np.s_[0])
    scaled = preprocess_digit(drawing).scaled
    assert (scaled[5:] > 0).sum(axis=1).min() >= 2
    assert 0 < scaled[10].max() < 0.5


@pytest.mark.parametrize(("size_in", "size_out"), [(7, 7), (40, 20), (9, 20), (20, 9), (1, 20), (33, 1)])
def test_each_resampled_pixel_is_an_average(size_in, size_out):
    weights = resampling_weights(size_in, size_out)
    assert weights.shape == (size_out, size_in)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    if size_in == size_out:
        np.testing.assert_array_equal(weights, np.eye(size_in))
    if size_in >= size_out:
        assert (weights.sum(axis=0) > 0).all()  # nothing is skipped


@pytest.mark.parametrize(
    ("places", "shape"),
    [
        ([np.s_[:, 3]], (20, 1)),
        ([np.s_[6, :]], (1, 20)),
        ([np.s_[0, 0]], (20, 20)),
        ([np.s_[27, 27]], (20, 20)),
        ([np.s_[0, 0], np.s_[27, 27]], (20, 20)),
    ],
)
def test_lines_and_single_pixels(places, shape):
    steps = preprocess_digit(a_stroke(28, 28, *places))
    assert steps.scaled.shape == shape
    assert np.isfinite(steps.placed).all()
    assert np.abs(np.array(center_of_mass(steps.placed)) - 14).max() <= 0.5


def test_nothing_is_cut_off_when_the_mass_is_at_one_end():
    drawing = np.zeros((20, 20))
    drawing[0], drawing[:, 0] = 1e-3, 1e-3
    drawing[:3, :3] = 1
    steps = preprocess_digit(drawing)
    assert steps.corner.max() <= 8
    assert steps.placed.sum() == pytest.approx(steps.scaled.sum())


def test_bytes_floats_and_booleans_mean_the_same():
    ell = an_ell()
    expected = preprocess_digit(ell).placed
    for drawing in (ell.astype(bool), (255 * ell).astype(np.uint8), ell.astype(np.float32), ell.tolist()):
        np.testing.assert_array_equal(preprocess_digit(drawing).placed, expected)


def test_other_sizes():
    steps = preprocess_digit(an_ell(), size=14, box=10)
    assert steps.image.shape == (1, 14, 14, 1)
    assert max(steps.scaled.shape) == 10
    assert np.abs(np.array(center_of_mass(steps.placed)) - 7).max() <= 0.5 + 1e-6


@pytest.mark.parametrize(
    ("drawing", "error", "words"),
    [
        (np.zeros((28, 28)), ValueError, "blank"),
        (np.zeros((28, 28), np.uint8), ValueError, "blank"),
        (np.ones((28, 28, 1)), ValueError, r"its shape is \(28, 28, 1\)"),
        (np.ones((0, 5)), ValueError, r"its shape is \(0, 5\)"),
        (np.ones((1, 5000)), ValueError, "4096"),
        (np.full((5, 5), 255.0), ValueError, r"drawing\[0, 0\] is 255; bytes from 0 to 255 must be uint8"),
        (-np.ones((5, 5)), ValueError, r"drawing\[0, 0\] is -1"),
        (np.full((5, 5), np.nan), ValueError, "is nan"),
        (np.ones((5, 5), int), TypeError, "uint8 from 0 to 255; its dtype is int64"),
        ([["a"]], TypeError, "dtype"),
        ([[1.0], [1.0, 0.0]], ValueError, "rows of equal length"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_bad_drawings_are_refused(drawing, error, words):
    with pytest.raises(error, match=words):
        preprocess_digit(drawing)


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match="box must be at most size, 8; got 20"):
        preprocess_digit(an_ell(), size=8)
    with pytest.raises(TypeError, match="size must be an integer"):
        preprocess_digit(an_ell(), size=28.0)


def test_the_drawing_is_left_alone():
    drawing = an_ell().astype(np.float32)
    steps = preprocess_digit(drawing)
    assert not np.shares_memory(steps.drawing, drawing)
    np.testing.assert_array_equal(drawing, an_ell())


def test_ink_everywhere_is_a_drawing_too():
    assert preprocess_digit(np.full((3, 7), 0.5)).scaled.shape == (9, 20)


def test_a_speck_is_no_ink():
    for scale in (1, 40):  # a large drawing is looked at more coarsely
        drawing = np.kron(an_ell(), np.ones((scale, scale)))
        clean = preprocess_digit(drawing)
        drawing[-scale:, -scale:] = 1
        drawing[2 * scale, : scale // 2 + 1] = 1
        np.testing.assert_array_equal(preprocess_digit(drawing).drawing, clean.drawing)


def test_pieces_of_a_digit_stay():
    assert all(np.array_equal(preprocess_digit(digit).drawing, digit) for digit in DIGITS)
