"""From a photograph of a digit to ink on blank paper: which side is ink, how much light, what is a speck."""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np
import scipy
from PIL import Image, ImageOps

SIDE = 256  # pixels of the longer side that are looked at: noise is averaged away on the way there
SMALLEST_PIECE = 0.05  # of the largest piece's ink; less is a speck
MOST_PIXELS = 10**8
EIGHT = np.ones((3, 3), bool)  # neighbours, also across corners


class InkSteps(NamedTuple):
    """How ink was found: arrays of float32, (R, C), whose longer side is at most 256 pixels."""

    grey: np.ndarray  # the photograph, 0 is black, 1 is white
    paper: np.ndarray  # what it would be without ink
    contrast: np.ndarray  # how far grey differs from paper, as a fraction of it, towards the side of the ink
    threshold: float  # Otsu's, between the contrasts of paper and of ink
    ink: np.ndarray  # the contrast in the pieces that were kept, 1 where it is that of a stroke; else 0


def find_ink(photograph) -> InkSteps:
    """Find the ink in a photograph: dark on light or light on dark, in uneven light, among specks and noise.

    - photograph: (R, C), (R, C, 3) or (R, C, 4), the last with opacity, uint8 from 0 to 255 or floats in
      [0, 1]; a PIL image; or a path
    """
    grey = _as_grey(photograph)
    paper = fit_paper(grey)
    contrast = grey / np.maximum(paper, 0.02) - 1
    contrast *= np.sign(np.sum(contrast**3)) or 1.0  # ink is the rarer side, so it has the longer tail
    contrast = np.maximum(contrast, 0)
    if contrast.max() < 0.05:
        raise ValueError("find_ink: photograph is blank, it holds nothing that stands out; expected some ink")
    threshold = otsu(contrast)
    kept = largest_pieces(np.where(contrast > threshold, contrast, 0))
    stroke = np.median(contrast[kept])
    rim = scipy.ndimage.binary_dilation(kept, EIGHT)  # the soft edge of a stroke belongs to it
    ink = np.where(rim & (contrast > threshold / 2), np.minimum(contrast / stroke, 1), 0).astype(np.float32)
    return InkSteps(grey, paper, contrast, threshold, ink)


def fit_paper(grey) -> np.ndarray:
    """Return the surface a + bi + cj + di² + eij + fj² through `grey`, by least squares over what is paper.

    Five times, pixels further from it than twice the median distance are left out: ink, then its edges.
    """
    i, j = np.meshgrid(*(np.linspace(-1, 1, n) for n in grey.shape), indexing="ij")
    terms = np.stack([np.ones_like(i), i, j, i * i, i * j, j * j], axis=-1).reshape(-1, 6)
    values, fits = grey.ravel(), np.ones(grey.size, bool)
    for _ in range(5):
        surface = terms @ np.linalg.lstsq(terms[fits], values[fits], rcond=None)[0]
        distance = np.abs(values - surface)
        fits = distance <= 2 * np.median(distance) + 1e-3
    return surface.reshape(grey.shape).astype(np.float32)


def otsu(values, bins: int = 256) -> float:
    """Return the threshold that splits `values` into two classes whose means lie furthest apart.

    It maximises w₀ w₁ (μ₀ − μ₁)², the variance between the classes, w being their shares (Otsu, *A threshold
    selection method from gray-level histograms*, 1979).
    """
    counts, edges = np.histogram(values, bins)
    middles = (edges[:-1] + edges[1:]) / 2
    w0, sums = np.cumsum(counts)[:-1], np.cumsum(counts * middles)[:-1]
    w1, rest = values.size - w0, np.sum(counts * middles) - sums
    with np.errstate(invalid="ignore", divide="ignore"):
        between = w0 * w1 * (sums / w0 - rest / w1) ** 2
    return float(edges[1 + np.nanargmax(between)])


def largest_pieces(ink) -> np.ndarray:
    """Return the mask of the pieces that have a twentieth of the largest one's ink: less is a speck."""
    labels, _ = scipy.ndimage.label(ink > 0, EIGHT)
    amounts = np.bincount(labels.ravel(), ink.ravel())
    return (ink > 0) & (amounts >= SMALLEST_PIECE * amounts.max())[labels]


def _as_grey(photograph):
    if isinstance(photograph, (str, os.PathLike)):
        photograph = Image.open(photograph)
    if isinstance(photograph, Image.Image):
        image = ImageOps.exif_transpose(photograph)
    else:
        image = Image.fromarray(_as_bytes(np.asarray(photograph)))
    if image.mode in ("RGBA", "LA", "PA"):  # paper shows where nothing was drawn
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    image = image.convert("L")
    if max(image.size) > SIDE:
        size = tuple(max(1, round(n * SIDE / max(image.size))) for n in image.size)
        image = image.resize(size, Image.Resampling.BOX)  # each pixel is the mean of those it covers
    return np.asarray(image, np.float32) / 255


def _as_bytes(array):
    if (
        array.ndim not in (2, 3)
        or array.shape[2:] not in ((), (3,), (4,))
        or not 0 < array.size <= MOST_PIXELS
    ):
        raise ValueError(f"find_ink: photograph must be (R, C), (R, C, 3) or (R, C, 4), not {array.shape}")
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype.kind not in "bf" or not (array.min() >= 0 and array.max() <= 1):
        raise ValueError("find_ink: photograph must hold uint8 from 0 to 255 or floats in [0, 1]")
    return np.rint(255 * array).astype(np.uint8)
