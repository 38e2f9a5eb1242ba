"""How one-line steps are declared, and the worked example of a convolution."""

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._line import Mistake, Step
from backprop_helpers.checking.misconceptions import misconceptions

X = np.array([[3, 1, 2], [0, 4, 1], [5, 2, 6]])
W, DZ = np.array([[1, 2], [3, -1]]), np.array([[1, -2], [3, 2]])


class Steps(list):
    """The steps of a lesson, in its order; a mistake belongs to the step before it."""

    def __init__(self, lesson, example):
        super().__init__()
        self.lesson, self.example = lesson, example

    def asks(self, name, asks, value, given=None):
        """Add a step; `given` are the arrays the answer is made of, if not the lesson's example."""
        given = self.example if given is None else given
        self.append(Step(f"{self.lesson}.{name}", asks, value, [], given))

    def own(self, said, value):
        """Add a mistake of this step alone: ``"name: what to say. And a question?"``, and what it gives."""
        name, _, text = said.partition(": ")
        self[-1].mistakes.append(Mistake(f"{self[-1].number[3:]}.{name}", value, text))

    def itself(self, times, name):
        """Add the mistake of giving dX, where a multiple such as 4 dX is asked for."""
        said = f"itself: this is {name} itself; asked for is {times} {name}"
        self.own(said, self[-1].value / times)

    def one_each(self, said, values, *arrays):
        """Add a mistake for each value, but for those that need no method: see `plain_numbers`."""
        for value in sorted({int(value) for value in values} - plain_numbers(*arrays)):
            self.own(said, value)

    def known(self, name, part, *arrays, times=1, **options):
        """Add a mistake of the catalogue: of what its function returns the part with that index, or all."""

        def value():
            answer = misconceptions[name].wrong(*arrays, **options)
            return times * flat(answer if part is None else answer[part])

        self[-1].mistakes.append(Mistake(name, value))

    def conv_bugs(self, part, *names, dz=DZ, x=X, **geometry):
        """Add mistakes of the catalogue about conv_backward: dx (part 0), dw (1) or db (2)."""
        geometry = {"stride": 1, "padding": 0, "dilation": 1} | geometry
        for name in names:
            self.known(f"conv.{name}", part, image(dz), image(x), W[:, :, None, None], **geometry)


def plain_numbers(*arrays):
    """Return what any slip with the arrays may give: 0, the entries, their sums, and how many there are."""
    numbers = {0}
    for array in arrays:
        numbers |= {*array.ravel().tolist(), array.sum().item(), array.size, *array.shape}
        numbers |= {total for axis in range(array.ndim) for total in np.ravel(array.sum(axis=axis)).tolist()}
    return numbers


def shown(array):
    """Return an array as `asks` shows it: ``[[−2, 5], [4, 3]]``."""
    return str(array.tolist()).replace("-", "−")


def image(matrix):
    """Return a matrix as one image (1, H, W, 1)."""
    return np.asarray(matrix)[None, :, :, None]


def flat(array):
    """Return one image (1, H, W, 1) or one kernel (F_h, F_w, 1, 1) as a matrix; others as they are."""
    return np.squeeze(array, (0, 3) if len(array) == 1 else (2, 3)) if np.ndim(array) == 4 else array


def conv(x=X, w=W, b=1, **geometry):
    """Return Z of one image and one kernel, as a matrix."""
    return flat(layers.conv_forward(image(x), w[:, :, None, None], np.array([b]), **geometry)[0])


def conv_back(dz=DZ, x=X, w=W, **geometry):
    """Return dx, dw and db of one image and one kernel, as two matrices and a number."""
    _, cache = layers.conv_forward(image(x), w[:, :, None, None], np.array([1]), **geometry)
    dx, dw, db = layers.conv_backward(image(dz), cache)
    return flat(dx), flat(dw), db[0]


def touched(x_shape, w_shape, z_shape, **geometry):
    """Return for each pixel how many outputs read it: dx, where dz and w are all ones."""
    return conv_back(np.ones(z_shape), np.zeros(x_shape), np.ones(w_shape), **geometry)[0]


def touched_by_weight(x_shape, w_shape, **geometry):
    """Return for each weight how many products with a pixel its gradient has: dw, where x and dz are ones."""
    x, w = np.ones(x_shape), np.ones(w_shape)
    return conv_back(np.ones(conv(x, w, **geometry).shape), x, w, **geometry)[1]


def whole(array):
    """Return the whole numbers that came out of exponentials, without their rounding errors."""
    assert np.allclose(array, np.rint(array), rtol=0, atol=1e-9)
    return np.rint(array)
