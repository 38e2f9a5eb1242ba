"""A photograph of a digit becomes ink on blank paper."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from backprop_helpers.training import find_ink, preprocess_digit, series_cnn
from backprop_helpers.training.mnist import load_test_set
from backprop_helpers.training.photograph import fit_paper, largest_pieces, otsu

IMAGES = load_test_set()[0][:40]


def photograph(digit, rng, *, size=600, angle=10, paper=(1, 0.97, 0.9), pen=(0.15, 0.15, 0.35), noise=8):
    """A test digit on a sheet of paper: turned, blurred, specked, unevenly lit, noisy; (size, size, 3)."""
    side = int(size * rng.uniform(0.35, 0.6))
    ink = Image.fromarray((255 * digit[..., 0]).astype(np.uint8)).resize(
        (side, side), Image.Resampling.BICUBIC
    )
    sheet = Image.new("L", (size, size), 0)
    sheet.paste(ink, tuple(int(n) for n in rng.integers(size // 10, size - side - size // 10, 2)))
    sheet = sheet.rotate(rng.choice([-angle, angle]), Image.Resampling.BICUBIC)
    sheet = np.asarray(sheet.filter(ImageFilter.GaussianBlur(size / 300)), np.float32) / 255
    i, j = np.mgrid[:size, :size] / size
    for row, column, radius in rng.uniform([0, 0, 0.002], [1, 1, 0.008], (6, 3)):
        sheet = np.maximum(sheet, (i - row) ** 2 + (j - column) ** 2 < radius**2)
    towards = rng.uniform(0, 2 * np.pi)
    light = rng.uniform(0.5, 0.9) * (1 + 0.3 * ((i - 0.5) * np.cos(towards) + (j - 0.5) * np.sin(towards)))
    colours = np.array(paper) + sheet[..., None] * (np.array(pen) - paper)
    picture = 255 * light[..., None] * colours + rng.normal(0, noise, (size, size, 3))
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"paper": (0.2, 0.25, 0.2), "pen": (0.95, 0.95, 0.9)},  # chalk
        {"size": 250},
        {"noise": 20},
        {"paper": (0.9, 0.9, 0.9), "pen": (0.6, 0.6, 0.6)},  # a pencil
    ],
    ids=["pen", "chalk", "small", "noisy", "pencil"],
)
def test_nine_of_ten_photographs_are_read_as_the_clean_digit_is(settings):
    rng, net = np.random.default_rng(0), series_cnn()
    images = np.concatenate([preprocess_digit(photograph(d, rng, **settings)).image for d in IMAGES])
    assert np.mean(net.predict(images) == net.predict(IMAGES)) >= 0.9


def test_3000_pixels_from_a_file(tmp_path):
    picture = photograph(IMAGES[0], np.random.default_rng(1), size=3000)
    Image.fromarray(picture).save(tmp_path / "seven.jpg")
    for source in (tmp_path / "seven.jpg", str(tmp_path / "seven.jpg"), Image.fromarray(picture), picture):
        steps = preprocess_digit(source)
        assert series_cnn().predict(steps.image).tolist() == [7]
        assert max(steps.found.grey.shape) == 256
        np.testing.assert_array_equal(steps.drawing, steps.found.ink)


def test_kinds_of_arrays_mean_the_same():
    picture = photograph(IMAGES[3], np.random.default_rng(2), size=200, paper=(1, 1, 1), pen=(0, 0, 0))
    grey = picture.mean(axis=2).astype(np.uint8)
    expected = find_ink(grey).ink
    assert preprocess_digit(grey).found is not None
    alpha = np.dstack([np.zeros((200, 200, 3), np.uint8), 255 - grey])  # black ink on nothing
    for other in (np.dstack([grey] * 3), np.float64(grey) / 255, 255 - grey, alpha):
        assert np.abs(find_ink(other).ink - expected).mean() < 0.01


def test_the_paper_is_found_under_the_ink():
    i, j = np.mgrid[-1:1:40j, -1:1:50j]
    paper = 0.6 + 0.1 * i - 0.2 * j + 0.05 * i * j - 0.1 * j**2
    grey = paper.copy()
    grey[10:20, 10:25] *= 0.2
    np.testing.assert_allclose(fit_paper(grey), paper, atol=1e-5)


def test_the_threshold_is_otsus():
    rng = np.random.default_rng(3)
    values = np.concatenate([rng.normal(0.2, 0.05, 900), rng.normal(0.8, 0.05, 100)])
    grid = np.linspace(values.min(), values.max(), 257)[1:-1]
    within = [sum(part.size * part.var() for part in (values[values <= t], values[values > t])) for t in grid]
    inside = [
        sum(part.var() * part.size for part in (values[values <= t], values[values > t]))
        for t in (otsu(values),)
    ]
    assert inside[0] == pytest.approx(min(within), rel=1e-3)


def test_a_piece_hangs_together_across_corners_and_a_speck_goes():
    ink = np.zeros((9, 9))
    ink[range(5), range(5)] = 1
    ink[8, 8], ink[8, 0] = 0.24, 0.26
    kept = largest_pieces(ink)
    assert np.argwhere(kept).tolist() == [[n, n] for n in range(5)] + [[8, 0]]


def test_a_spiral_is_one_piece():
    spiral = np.zeros((60, 60), bool)
    for k in range(0, 28, 2):
        spiral[k, k : 60 - k] = spiral[k : 60 - k, 59 - k] = spiral[59 - k, k : 60 - k] = True
        spiral[k + 2 : 60 - k, k] = True
        spiral[k + 2, k + 1] = True
    np.testing.assert_array_equal(largest_pieces(1.0 * spiral), spiral)


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.full((50, 50, 3), 200, np.uint8), "photograph is blank"),
        (np.zeros((50, 50, 2), np.uint8), r"not \(50, 50, 2\)"),
        (np.zeros((0, 50, 3), np.uint8), r"not \(0, 50, 3\)"),
        (np.full((50, 50, 3), 2.0), r"floats in \[0, 1\]"),
        (np.full((50, 50, 3), np.nan), r"floats in \[0, 1\]"),
        (np.full((50, 50, 3), 2), "uint8 from 0 to 255"),
    ],
)
def test_what_is_no_photograph_is_refused(picture, words):
    with pytest.raises(ValueError, match=f"^find_ink: .*{words}"):
        find_ink(picture)
