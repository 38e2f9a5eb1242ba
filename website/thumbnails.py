"""The pictures on the first page's cards: drawn as SVG from numbers of the layers, in the theme's colours."""

import numpy as np

from backprop_helpers.layers import conv_forward, pool_forward, softmax
from backprop_helpers.training import series_snapshots
from backprop_helpers.training.mnist import load_test_set

WIDE, HIGH = 240, 120  # units of a picture
SVG = '<svg class="front-picture" viewBox="0 0 {} {}" aria-hidden="true">{}</svg>'
EPSILONS = 10.0 ** -np.arange(1, 14)
DIGITS = 200  # of the test set, for the loss of the network that learns


def thumbnail(page):
    """Return the picture of a lesson (0 to 12), or of another page by its address, as SVG."""
    picture = PICTURES[page] if isinstance(page, int) else PAGES[page]
    return SVG.format(WIDE, HIGH, "".join(picture()))


# --- marks: each is a string of SVG; a class gives it its colour


def cells(values, x, y, size, kind="signed"):
    """Yield a grid of squares as strong as its numbers: red above 0, blue below, or in the theme's ink."""
    values = np.atleast_2d(values)
    strength = np.abs(values) / np.abs(values).max()
    rows, columns = values.shape
    for (i, j), value in np.ndenumerate(values):
        colour = "ink" if kind == "ink" else "pos" if value > 0 else "neg"
        place = f'x="{x + j * size:.4g}" y="{y + i * size:.4g}" width="{size}" height="{size}"'
        yield f'<rect class="{colour}" {place} fill-opacity="{strength[i, j]:.2f}"/>'
    edges = "".join(f"M{x} {y + i * size:.4g}h{columns * size}" for i in range(rows + 1))
    edges += "".join(f"M{x + j * size:.4g} {y}v{rows * size}" for j in range(columns + 1))
    yield f'<path class="hair" d="{edges}"/>'


def frame(x, y, wide, high, kind="mark"):
    """Return an outline, as around a window."""
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{wide}" height="{high}"/>'


def line(points, kind="line"):
    """Return a line through points (x, y)."""
    return f'<path class="{kind}" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in points)}"/>'


def arrow(x, y, length, kind="line"):
    """Return a level arrow from (x, y); to the left where ``length`` is negative."""
    end, head = x + length, np.copysign(5, length)
    return line([(x, y), (end, y)], kind) + line([(end - head, y - 4), (end, y), (end - head, y + 4)], kind)


def dots(points, kind="pos"):
    """Return points (x, y), as discs."""
    return "".join(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points)


def sign(x, y, text):
    """Return a few letters around (x, y)."""
    return f'<text x="{x}" y="{y}">{text}</text>'


# --- pictures


def nudges():
    """Draw a loss and its slope at a point."""
    x = np.linspace(-1.6, 1.6, 40)
    at, ends = -1.1, np.array([-1.7, -0.5])

    def place(x, loss):
        return np.column_stack([120 + 62 * np.atleast_1d(x), 102 - 34 * np.atleast_1d(loss)])

    yield line([(14, 110), (226, 110)], "hair") + line(place(x, x**2))
    yield line(place(ends, at**2 + 2 * at * (ends - at)), "mark") + dots(place(at, at**2))


def gradient_checks():
    """Draw the error of a measured slope for smaller and smaller ε: one-sided, and central."""
    exact = np.cos(1.0)
    forward = (np.sin(1 + EPSILONS) - np.sin(1.0)) / EPSILONS
    central = (np.sin(1 + EPSILONS) - np.sin(1 - EPSILONS)) / (2 * EPSILONS)
    for slopes, colour, kind in ((forward, "neg", "low"), (central, "pos", "mark")):
        error = np.log10(np.abs(slopes - exact))
        points = np.column_stack([216 - 16 * np.arange(len(EPSILONS)), 8 - 8.8 * error])
        yield line(points, kind) + dots(points, colour)


def fully_connected():
    """Draw X W = Z."""
    rng = np.random.default_rng(2)
    x, w = rng.standard_normal((3, 4)), rng.standard_normal((4, 2))
    yield from cells(x, 12, 30, 20)
    yield from cells(w, 118, 20, 20)
    yield from cells(x @ w, 188, 30, 20)
    yield sign(105, 65, "·") + sign(173, 65, "=")


def relu():
    """Draw the curve; what comes in below 0 goes out as 0."""
    z = np.array([-1.6, -1.1, -0.5, 0.35, 0.9, 1.5])
    points = np.column_stack([120 + 60 * z, 98 - 52 * np.maximum(z, 0)])
    yield line([(12, 98), (228, 98)], "hair") + line([(120, 12), (120, 108)], "hair")
    yield line([(14, 98), (120, 98), (216, 14.8)])
    yield dots(points[z < 0], "neg") + dots(points[z > 0])


def softmax_layer():
    """Draw probabilities, and what is missing from the true class."""
    probabilities = softmax(np.array([[0.3, 1.0, 2.2, 0.1, 0.8]]))[0]
    for k, p in enumerate(probabilities):
        yield f'<rect class="neg" x="{30 + 38 * k}" y="{108 - 92 * p:.1f}" width="26" height="{92 * p:.1f}"/>'
    yield frame(106, 16, 26, 92) + line([(20, 108), (222, 108)], "hair")
    y = 108 - 92 * probabilities[2]
    yield line([(119, y - 6), (119, 26)], "mark") + line([(114, 32), (119, 26), (124, 32)], "mark")


def edge_image():
    """Return a 5×5 image, dark on the left."""
    return np.pad(np.ones((5, 2)), ((0, 0), (0, 3))) + np.eye(5) * 0.35


def convolution_forward():
    """Draw a window of an image, the kernel, and the number of the map."""
    x, w = edge_image(), np.array([[1, 0, -1]] * 3) / 3
    z = conv_forward(x[None, :, :, None], w[:, :, None, None], np.zeros(1))[0]
    yield from cells(x, 10, 18, 17, "ink")
    yield from cells(w, 114, 34.5, 17)
    yield from cells(np.reshape(z, (3, 3)), 183, 34.5, 17)
    yield frame(27, 18, 51, 51) + frame(200, 34.5, 17, 17) + sign(104.5, 65, "∗") + sign(174, 65, "=")


def convolution_weights():
    """Draw one weight, and all the outputs that it goes into."""
    rng = np.random.default_rng(6)
    yield "".join(line([(59, 51), (151 + 24 * j, 36 + 24 * i)], "low") for i in range(3) for j in range(3))
    yield from cells(rng.standard_normal((2, 2)), 30, 36, 24)
    yield from cells(rng.standard_normal((3, 3)), 139, 24, 24)
    yield frame(54, 36, 24, 24)


def convolution_input():
    """Draw a kernel, and the same turned by 180°."""
    w = np.array([[3, 1, 0.5], [-2, 0.3, 0], [-3, -1, 0]])
    yield from cells(w, 24, 36, 22)
    yield from cells(w[::-1, ::-1], 150, 36, 22)
    yield '<path class="mark" d="M66 26C90 4 150 4 174 24M173 15l1.5 9.5l-9.5 -1.5"/>' + sign(120, 78, "180°")


def general_convolution():
    """Draw where the weights of a dilated kernel fall on a padded image, and its next place."""
    taps = np.zeros((6, 12))
    taps[0:5:2, 0:5:2] = [[0.9, 0.4, -0.5], [0.5, -0.9, 0.3], [-0.4, 0.6, -0.8]]
    yield from cells(taps, 12, 6, 18)
    yield frame(30, 24, 180, 72, "hair thick")
    yield frame(12, 6, 90, 90) + frame(48, 6, 90, 90, "mark dashed")


def pooling():
    """Draw four windows, and the pixel that wins each."""
    x = np.random.default_rng(15).random((4, 4)) ** 1.5
    z = pool_forward(x[None, :, :, None], size=2)[0].reshape(2, 2)
    yield from cells(x, 24, 16, 22, "ink")
    yield from cells(z, 166, 38, 22, "ink")
    for i, j in np.ndindex(2, 2):
        yield frame(24 + 44 * j, 16 + 44 * i, 44, 44, "hair thick")
        window = x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        row, column = np.unravel_index(window.argmax(), (2, 2))
        yield frame(24 + 22 * (2 * j + column), 16 + 22 * (2 * i + row), 22, 22)
    yield arrow(126, 60, 28)


def whole_network():
    """Draw layers, forward above and back below."""
    x = 14
    for size, depth in ((40, 1), (34, 3), (20, 3), (16, 5), (9, 5)):
        for n in range(depth):
            y = 60 - size / 2 - 2 * n
            yield f'<rect class="plate" x="{x + 4 * n}" y="{y}" width="{size}" height="{size}"/>'
        x += size + 4 * depth + 4
    yield f'<rect class="plate" x="{x}" y="32" width="6" height="52"/>'
    yield arrow(18, 16, 204) + arrow(222, 106, -204, "mark")


def mnist_network():
    """Draw the loss of the series' network on test digits as it learns, and the filters it ends with."""
    images, labels = (part[:DIGITS] for part in load_test_set())
    snapshots = series_snapshots()
    losses = np.array([network.loss(images, labels) for _, network in snapshots])
    points = np.column_stack([np.linspace(16, 130, len(losses)), 104 - 90 * losses / losses.max()])
    yield line([(12, 108), (134, 108)], "hair") + line(points) + dots(points)
    w = dict(snapshots)[2580].parameters["conv1.w"]
    for k in range(8):
        yield from cells(w[:, :, 0, k], 160 + 36 * (k % 2), 7 + 27.5 * (k // 2), 8 * 3 / len(w))


def fast_convolution():
    """Draw a window of an image as a row of a matrix."""
    rng = np.random.default_rng(12)
    x = rng.random((4, 4))
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2)).reshape(9, 4)
    yield from cells(x, 20, 20, 20, "ink")
    yield from cells(windows, 160, 6, 12, "ink")
    yield frame(40, 40, 40, 40) + frame(160, 54, 48, 12) + arrow(112, 60, 34)


def formula_sheet():
    """Draw rows of a table: an array, the same shape for its gradient."""
    for row, (rows, columns) in enumerate(((2, 4), (3, 2), (1, 3))):
        y = 12 + 34 * row
        yield line([(16, y + 30), (224, y + 30)], "hair")
        for x, kind in ((40, "neg"), (164, "pos")):
            yield "".join(
                frame(x + 9 * j, y + 13 - 4.5 * rows + 9 * i, 8, 8, kind)
                for i in range(rows)
                for j in range(columns)
            )
        yield arrow(104, y + 13, 28, "low thick")


def glossary():
    """Draw letters, and lines of what they mean."""
    for row, letter in enumerate("XWZJ"):
        y = 24 + 26 * row
        yield sign(40, y + 5, letter) + line([(64, y), (64 + (132, 104, 146, 90)[row], y)], "low thick")


def cards():
    """Draw cards that lie on each other, the top one with its picture."""
    for n in (2, 1, 0):
        yield frame(70 + 14 * n, 22 - 6 * n, 96, 84, "plate")
    rng = np.random.default_rng(3)
    yield from cells(rng.standard_normal((3, 3)), 80, 32, 12)
    yield line([(126, 38), (156, 38)], "low thick") + line([(126, 50), (148, 50)], "low thick")
    yield line([(80, 84), (156, 84)], "mark") + line([(80, 95), (134, 95)], "low thick")


PAGES = {
    "notebooks/formula_sheet.html": formula_sheet,
    "notebooks/glossary.html": glossary,
    "notebooks/cards.html": cards,
}
PICTURES = (
    nudges,
    gradient_checks,
    fully_connected,
    relu,
    softmax_layer,
    convolution_forward,
    convolution_weights,
    convolution_input,
    general_convolution,
    pooling,
    whole_network,
    mnist_network,
    fast_convolution,
)
