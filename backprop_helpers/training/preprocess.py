"""From a drawing to an image as MNIST has them: cut out, scaled into 20×20, placed by its centre of mass."""

from typing import NamedTuple

import numpy as np

from backprop_helpers.layers._validate import as_int

SIZE = 28  # rows and columns of an MNIST image
BOX = 20  # rows and columns of the box that the ink is scaled into
LARGEST = 4096  # rows or columns of a drawing


class DigitSteps(NamedTuple):
    """A drawing on its way to an image, every step as an array of float32 in [0, 1].

    Attributes
    ----------
    drawing : ndarray, shape (R, C)
        What was drawn; 0 is paper, 1 is ink.
    box : ndarray of int, shape (4,)
        Where the ink is in `drawing`: ``top, left, bottom, right``, the last two excluded.
    cropped : ndarray, shape (bottom − top, right − left)
        The ink and nothing around it.
    scaled : ndarray, shape (h, w), max(h, w) = 20
        `cropped`, its longer side scaled to 20 pixels, the ratio of the sides kept.
    centre : ndarray, shape (2,)
        Row and column of the centre of mass in `scaled`; pixel (0, 0) has its middle at (0, 0).
    corner : ndarray of int, shape (2,)
        Row and column of `placed` at which `scaled` begins.
    placed : ndarray, shape (28, 28)
        `scaled` on empty paper, its centre of mass within half a pixel of (14, 14).
    image : ndarray, shape (1, 28, 28, 1)
        `placed` as a batch of one, ready for a network.
    """

    drawing: np.ndarray
    box: np.ndarray
    cropped: np.ndarray
    scaled: np.ndarray
    centre: np.ndarray
    corner: np.ndarray
    placed: np.ndarray
    image: np.ndarray


def preprocess_digit(drawing, *, size: int = SIZE, box: int = BOX) -> DigitSteps:
    """Make a drawing comparable with MNIST's digits, in the steps in which MNIST was made.

    Its authors scaled the ink of each digit to fit into 20×20 pixels without changing the ratio of its sides
    (the smoothing made the grey levels), and moved it in a field of 28×28 pixels until its centre of mass was
    in the middle (LeCun, Bottou, Bengio and Haffner, 1998). All 10,000 test digits have their centre within
    half a pixel of (14, 14), so whole pixels were used, and so they are here.

    Parameters
    ----------
    drawing : array_like, shape (R, C)
        Ink on paper: floats in [0, 1], booleans, or uint8 from 0 to 255. Everything above 0 is ink.
    size : int
        Rows and columns of the result.
    box : int
        Longer side of the scaled ink, at most `size`.

    Returns
    -------
    DigitSteps

    Raises
    ------
    TypeError
        `drawing` is neither floats nor booleans nor uint8.
    ValueError
        A wrong rank, numbers outside the range, NaN, or no ink at all.

    Notes
    -----
    A digit whose mass is far from the middle of its box would stick out of the image; it is moved back until
    it touches the edge, and nothing is cut off.
    """
    size = as_int("preprocess_digit", "size", size, 1)
    box = as_int("preprocess_digit", "box", box, 1)
    if box > size:
        raise ValueError(f"preprocess_digit: box must be at most size, {size}; got {box}")
    drawing = _as_ink(drawing)
    edges = ink_box(drawing)
    top, left, bottom, right = edges
    cropped = drawing[top:bottom, left:right]
    scaled = scale_to_fit(cropped, box)
    centre = centre_of_mass(scaled)
    # A symmetric drawing's centre lies halfway between two pixels: the last digits must not choose the side.
    nearest = np.rint(np.round(size / 2 - centre, 6)).astype(int)
    corner = np.clip(nearest, 0, size - np.array(scaled.shape))
    placed = np.zeros((size, size), np.float32)
    placed[corner[0] : corner[0] + scaled.shape[0], corner[1] : corner[1] + scaled.shape[1]] = scaled
    return DigitSteps(drawing, edges, cropped, scaled, centre, corner, placed, placed[None, :, :, None])


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


def centre_of_mass(ink) -> np.ndarray:
    """Return the (row, column) at which `ink` would balance."""
    ink = np.asarray(ink, np.float64)
    row = ink.sum(axis=1) @ np.arange(ink.shape[0])
    column = ink.sum(axis=0) @ np.arange(ink.shape[1])
    return np.array([row, column]) / ink.sum()


def _as_ink(drawing):
    try:
        drawing = np.asarray(drawing)
    except ValueError:
        raise ValueError("preprocess_digit: drawing is not an array; expected rows of equal length") from None
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
