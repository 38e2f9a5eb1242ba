"""Lesson 12, fast convolution: bias, ReLU and max pooling in one, of a quarter of the numbers."""

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._exercise import Case, Exercise
from backprop_helpers.checking.exercises._inputs import between, drawn, images, integers, mistakes, normal
from backprop_helpers.checking.solutions import lesson_12


def _cases(rng):
    shapes = [(1, 2, 2, 1), (2, 4, 6, 3), (3, 6, 4, 2), (2, 5, 7, 2), (2, 7, between(rng, 2, 5), 4)]
    cases = [drawn(rng, images(shape), shape, shape[3:]) for shape in shapes]
    cases.append(drawn(rng, "whole numbers, with ties", (2, 6, 8, 3), (3,), numbers=integers))
    low = -5 - np.abs(normal(rng, 2, 4, 4, 3))
    cases.append(Case("z far below 0, one bias above", (low, np.array([0.5, 30, -1]))))
    return cases


def _pooled(z, mode="max"):
    return layers.pool_forward(z, size=2, mode=mode)[0]


def _corners(z):
    """Return the four pixels of every tile, in the order of the lines of a page."""
    rows, columns = z.shape[1] // 2 * 2, z.shape[2] // 2 * 2
    return [z[:, i:rows:2, j:columns:2] for i in (0, 1) for j in (0, 1)]


MISTAKES = """
pooled_relu.bias_forgotten = np.maximum(_pooled(z), 0)
the bias is missing
? what should come out for z = 0 and b = 3?
pooled_relu.relu_forgotten = _pooled(z) + b
some of the numbers are negative: ReLU is missing
? what should come out for z = 0 and b = −3?
pooled_relu.bias_after_relu = np.maximum(_pooled(z), 0) + b
the bias is added behind ReLU
? what should come out for z = −5 and b = 3?
pooled_relu.bias_twice = np.maximum(_pooled(z) + 2 * b, 0)
the bias is added twice
? in which of your lines does b stand?
pooled_relu.average = np.maximum(_pooled(z, "average") + b, 0)
the tiles are averaged
? which of the four numbers does max pooling keep?
pooled_relu.smallest = np.maximum(-_pooled(-z) + b, 0)
the smallest of every tile is kept
? which of the four numbers does max pooling keep?
pooled_relu.first_pixel = np.maximum(_corners(z)[0] + b, 0)
the first pixel of every tile is kept, the other three are not looked at
? how many numbers of z decide about one output?
pooled_relu.diagonal = np.maximum(np.maximum(_corners(z)[0], _corners(z)[3]) + b, 0)
two pixels of every tile are compared; it has four
? which pixels are z[:, 0::2, 0::2], and which z[:, 1::2, 1::2]?
"""

EXERCISES = (
    Exercise.of(
        "12.1 the maxima of 2×2 tiles of ReLU(z + b) -> a (M, H // 2, W // 2, K)",
        lesson_12.pooled_relu,
        _cases,
        mistakes(MISTAKES, "z, b", globals()),
        delegates=("pool_forward", "relu_forward"),
    ),
)
