"""From a drawing or photograph to an image as MNIST has them: cut out, scaled into 20×20, centred by mass."""

import math
import os
from typing import NamedTuple

import numpy as np
import scipy
from PIL import Image

from backprop_helpers.layers._validate import as_int

from .photograph import InkSteps, find_ink, largest_pieces

SIZE = 28  # rows and columns of an MNIST image
BOX = 20  # rows and columns of the box that the ink is scaled into
LARGEST = 4096  # rows or columns of a drawing
BLANK = 0.3  # the least part of a drawing that is paper, exactly 0; with less it is a photograph
COARSE = 512  # rows or columns at which pieces are told apart


class DigitSteps(NamedTuple):
    """A drawing or photograph on its way to an image, every step as an array of float32 in [0, 1]."""

    drawing: np.ndarray  # (R, C): what was drawn, or found in the photograph; 0 is paper, 1 is ink
    box: np.ndarray  # where the ink is in it: top, left, bottom, right, the last two excluded
    cropped: np.ndarray  # the ink and nothing around it
    scaled: np.ndarray  # (h, w): its longer side scaled to 20 pixels, the ratio of the sides kept
    centre: np.ndarray  # row and column of the centre of mass in `scaled`; pixel (0, 0) has its middle there
    corner: np.ndarray  # row and column of `placed` at which `scaled` begins
    placed: (
        np.ndarray
    )  # (28, 28): `scaled` on empty paper, its centre of mass within half a pixel of (14, 14)
    image: np.ndarray  # (1, 28, 28, 1): `placed` as a batch of one, ready for a network
    found: InkSteps | None = None  # how the ink was found in a photograph; None for a drawing


def preprocess_digit(drawing, *, size: int = SIZE, box: int = BOX) -> DigitSteps:
    """Make a drawing or a photograph comparable with MNIST's digits, in the steps in which MNIST was made.

    Its authors scaled the ink of each digit to fit into 20×20 pixels without changing the ratio of its sides
    (the smoothing made the grey levels), and moved it in a field of 28×28 pixels until its centre of mass was
    in the middle (LeCun, Bottou, Bengio and Haffner, 1998). All 10,000 test digits have their centre within
    half a pixel of (14, 14), so whole pixels were used, and so they are here.

    - drawing: (R, C), floats in [0, 1], booleans, or uint8 from 0 to 255; paper is exactly 0, what is above
      is ink. Or a photograph: an array with colours or with less than three tenths of such paper, a PIL
      image, or a path, such as ``"seven.jpg"``. Then `find_ink` decides what is ink
    - size, box: rows and columns of the result, and the longer side of the scaled ink in it

    A digit whose mass is far from the middle of its box would stick out of the image; it is moved back until
    it touches the edge, and nothing is cut off.
    """
    size = as_int("preprocess_digit", "size", size, 1)
    box = as_int("preprocess_digit", "box", box, 1)
    if box > size:
        raise ValueError(f"preprocess_digit: box must be at most size, {size}; got {box}")
    drawing, found = _as_ink(drawing)
    edges = ink_box(drawing)
    top, left, bottom, right = edges
    cropped = drawing[top:bottom, left:right]
    scaled = scale_to_fit(cropped, box)
    centre = np.array(scipy.ndimage.center_of_mass(np.float64(scaled)))
    # A symmetric drawing's centre lies halfway between two pixels: the last digits must not choose the side.
    nearest = np.rint(np.round(size / 2 - centre, 6)).astype(int)
    corner = np.clip(nearest, 0, size - np.array(scaled.shape))
    placed = np.zeros((size, size), np.float32)
    placed[corner[0] : corner[0] + scaled.shape[0], corner[1] : corner[1] + scaled.shape[1]] = scaled
    image = placed[None, :, :, None]
    return DigitSteps(drawing, edges, cropped, scaled, centre, corner, placed, image, found)


def ink_box(drawing) -> np.ndarray:
    """Return ``top, left, bottom, right`` of the smallest box with all the ink, the last two excluded."""
    rows, columns = np.flatnonzero(drawing.any(axis=1)), np.flatnonzero(drawing.any(axis=0))
    return np.array([rows[0], columns[0], rows[-1] + 1, columns[-1] + 1])


def scale_to_fit(ink, box: int) -> np.ndarray:
    """Return `ink` with its longer side scaled to `box` pixels; the shorter one keeps the ratio.

    Each axis is resampled on its own: a matrix of weights from the left, another from the right.
    """
    rows, columns = (max(1, round(n * box / max(ink.shape))) for n in ink.shape)
    down, across = resampling_weights(ink.shape[0], rows), resampling_weights(ink.shape[1], columns)
    return np.clip(down @ ink @ across.T, 0, 1).astype(np.float32)


def resampling_weights(size_in: int, size_out: int) -> np.ndarray:
    """Return the (size_out, size_in) matrix that resamples one axis; each row is an average, summing to 1.

    Reducing, an output pixel is the mean of the inputs it covers, each weighed by the part that is covered,
    so that no thin stroke falls between two pixels. Enlarging, it lies between two inputs and weighs them by
    their nearness (linear interpolation). Equal sizes give the identity.
    """
    ratio = size_in / size_out
    inputs, outputs = np.arange(size_in)[None, :], np.arange(size_out)[:, None]
    if ratio >= 1:
        first, last = np.maximum(inputs, outputs * ratio), np.minimum(inputs + 1, (outputs + 1) * ratio)
        weights = np.maximum(0, last - first)
    else:
        middles = (outputs + 0.5) * ratio - 0.5  # in input pixels
        weights = np.maximum(0, 1 - np.abs(np.clip(middles, 0, size_in - 1) - inputs))
    return weights / weights.sum(axis=1, keepdims=True)


def without_specks(drawing) -> np.ndarray:
    """Return a drawing without its small pieces; in a large one, pieces are told apart on a coarser grid."""
    step = math.ceil(max(drawing.shape) / COARSE)
    rows, columns = (np.arange(0, n, step) for n in drawing.shape)
    kept = largest_pieces(np.add.reduceat(np.add.reduceat(drawing, rows, axis=0), columns, axis=1))
    mask = kept.repeat(step, axis=0).repeat(step, axis=1)[: drawing.shape[0], : drawing.shape[1]]
    return np.where(mask, drawing, 0)


def _as_ink(drawing):
    """Return what is ink in a drawing or photograph, and how it was found in the latter."""
    if not isinstance(drawing, (str, os.PathLike, Image.Image)):
        try:
            drawing = np.asarray(drawing)
        except ValueError:
            words = "preprocess_digit: drawing is not an array; expected rows of equal length"
            raise ValueError(words) from None
        if drawing.shape[2:] not in ((3,), (4,)):
            drawing = _as_drawing(drawing)
            if np.mean(drawing == 0) >= BLANK or drawing.min() == drawing.max():
                return without_specks(drawing), None
    found = find_ink(drawing)
    return found.ink, found


def _as_drawing(drawing):
    if drawing.ndim != 2 or not 0 < min(drawing.shape) <= max(drawing.shape) <= LARGEST:
        raise ValueError(
            f"preprocess_digit: drawing must have shape (R, C), each from 1 to {LARGEST}; "
            f"its shape is {drawing.shape}"
        )
    if drawing.dtype == np.uint8:
        drawing = drawing / np.float32(255)
    elif drawing.dtype.kind not in "bf":
        raise TypeError(
            "preprocess_digit: drawing must hold floats in [0, 1], booleans or uint8 from 0 to 255; "
            f"its dtype is {drawing.dtype}"
        )
    drawing = drawing.astype(np.float32)
    wrong = ~((drawing >= 0) & (drawing <= 1))  # NaN too
    if wrong.any():
        i, j = np.argwhere(wrong)[0]
        hint = "; bytes from 0 to 255 must be uint8, or divided by 255" if (drawing > 1).any() else ""
        raise ValueError(
            f"preprocess_digit: drawing must lie in [0, 1]; drawing[{i}, {j}] is {drawing[i, j]:g}{hint}"
        )
    if not drawing.any():
        raise ValueError("preprocess_digit: drawing is blank, all its pixels are 0; expected some ink")
    return drawing
