"""How a network is laid out on the screen: which maps, how large, which cell is where. No widgets here."""

import html
import math
from typing import NamedTuple

import numpy as np

from backprop_helpers.training import Flatten, Standardize
from backprop_helpers.training.receptive_field import INPUT

MOST_DRAWN = 20_000  # numbers in one row of maps: more take too long to send
SMALLEST_CELL, LARGEST_CELL = 2, 24  # CSS pixels
CHANNEL_GAP = 4  # CSS pixels between two small maps of a MatrixView
MARGIN = 8  # CSS pixels of a MatrixView around its cells, both sides together
LONGEST_STRIP = 80  # cells in a row of a layer that has no maps
MOST_ROWS = 14  # layers below each other
MOST_BARS = 10
MOST_MARKED = 1024  # cells of one highlight


class Layout(NamedTuple):
    """A layer's output as it is drawn.

    Attributes
    ----------
    shape : tuple of int
        One example's output: (H, W, C), or (N,).
    rows, columns : int
        Of one map; a layer without maps is a strip, folded into rows when it is long.
    channels : int
        How many maps there are.
    shown : int
        How many of them are drawn; 0 if one alone is too large.
    cell : int
        CSS pixels of a cell.
    """

    shape: tuple
    rows: int
    columns: int
    channels: int
    shown: int
    cell: int

    @property
    def is_strip(self):
        """Whether the layer has no maps."""
        return len(self.shape) != 3

    def picture(self, values):
        """Return one example's output as (R, C, K), or (R, C) for a strip; what a strip lacks is NaN."""
        values = np.asarray(values)
        if not self.is_strip:
            return values[:, :, : self.shown]
        strip = np.full(self.rows * self.columns, np.nan, values.dtype)
        strip[: values.size] = values.ravel()
        return strip.reshape(self.rows, self.columns)

    def cell_at(self, place):
        """Return the index of the cell drawn at a place of the picture, or None if nothing is there."""
        if not self.is_strip:
            return tuple(int(i) for i in place)
        number = place[0] * self.columns + place[1]
        return (
            tuple(int(i) for i in np.unravel_index(number, self.shape))
            if number < math.prod(self.shape)
            else None
        )

    def place_of(self, index):
        """Return where a cell is drawn, or None if its map is not shown."""
        if not self.is_strip:
            return tuple(index) if index[2] < self.shown else None
        return divmod(int(np.ravel_multi_index(index, self.shape)), self.columns)

    def places_of(self, indices):
        """Return the places of many cells, given as an array (n, axes), and which of them are drawn."""
        if not self.is_strip:
            drawn = indices[:, 2] < self.shown
            return list(map(tuple, indices[drawn].tolist())), drawn
        numbers = np.ravel_multi_index(tuple(indices.T), self.shape)
        return list(zip(*(n.tolist() for n in divmod(numbers, self.columns)))), np.ones(len(indices), bool)

    def note(self):
        """Return what the reader has to know about what is missing, or an empty text."""
        if self.shown == self.channels:
            return ""
        if self.shown == 0:
            return f"{math.prod(self.shape):,} numbers: too many to draw"
        return f"first {self.shown} of {self.channels} channels"


def lay_out(shape, *, width, height):
    """Return the `Layout` of a layer's output in so many CSS pixels; maps that do not fit are left out."""
    shape, width = tuple(shape), width - MARGIN
    if len(shape) == 3:
        rows, columns, channels = shape
        fit = int((width + CHANNEL_GAP) // (columns * SMALLEST_CELL + CHANNEL_GAP))
        shown = min(channels, fit, MOST_DRAWN // (rows * columns))
        if shown == 0:
            return Layout(shape, rows, columns, channels, 0, 1)
        cell = min(height // rows, (width - CHANNEL_GAP * (shown - 1)) // (columns * shown))
        return Layout(shape, rows, columns, channels, shown, int(np.clip(cell, SMALLEST_CELL, LARGEST_CELL)))
    columns = strip_length(math.prod(shape))
    rows = -(-math.prod(shape) // columns)
    if rows * columns > MOST_DRAWN:
        return Layout(shape, rows, columns, 1, 0, 1)
    cell = min(width // columns, max(height // rows, SMALLEST_CELL))
    return Layout(shape, rows, columns, 1, 1, int(np.clip(cell, SMALLEST_CELL, LARGEST_CELL)))


def strip_length(count):
    """Return the cells in a row of a strip: all, or a divisor that leaves no gap, or the longest allowed."""
    if count <= LONGEST_STRIP:
        return count
    divisors = [n for n in range(LONGEST_STRIP, LONGEST_STRIP // 3, -1) if count % n == 0]
    return divisors[0] if divisors else LONGEST_STRIP


def rows_of(net):
    """Return the layers that the stack shows: the input and all that do more than rescale or renumber."""
    names = [layer.name for layer in net.layers if not isinstance(layer, (Standardize, Flatten))]
    return [INPUT, *names[: MOST_ROWS - 1]]


def output_shape(net, name):
    """Return the shape of one example's output of a layer, or of the input."""
    return net.input_shape if name == INPUT else net.output_shapes[name]


def first_weights(net):
    """Return ``(name, weights as (R, C, channels in, K))`` of the first layer that has any to look at.

    Those of a convolution are its filters. The columns of a fully connected layer are drawn as pictures of
    the input, if it reads the input's pixels. Otherwise ``(name, None)``, or ``("", None)`` without weights.
    """
    for layer in net.layers:
        if "w" not in layer.parameters:
            continue
        w = layer.parameters["w"]
        if w.ndim == 4:
            return layer.name, w
        if w.ndim == 2 and len(net.input_shape) == 3 and w.shape[0] == math.prod(net.input_shape):
            return layer.name, w.reshape(*net.input_shape, w.shape[1])
        return layer.name, None
    return "", None


def ranking(probabilities):
    """Return the classes, the most likely first; of equals the first."""
    return np.argsort(-np.asarray(probabilities), kind="stable")


def target_class(choice, probabilities, label):
    """Return the class that a choice of label means: "true", "prediction", "second" or a class itself."""
    order = ranking(probabilities)
    if choice == "prediction":
        return int(order[0])
    if choice == "second":
        return int(order[1])
    if choice == "true":
        if label is None:
            raise ValueError("the image has no true label; choose the prediction or a class")
        return int(label)
    return int(choice)


def target_options(classes, label):
    """Return the choices of the label as (words, value); "true" only if the image has a label."""
    truth = [] if label is None else [(f"true label ({label})", "true")]
    return [
        *truth,
        ("the prediction", "prediction"),
        ("the second choice", "second"),
        *((str(k), k) for k in range(classes)),
    ]


def percent(probability):
    """Return a probability in words that never round to a certainty: ``99.97 %``, ``< 0.01 %``."""
    if probability < 1e-4:
        return "< 0.01 %"
    if probability > 0.9999:
        return "> 99.99 %"
    return f"{100 * probability:.2f} %"


def bars(probabilities, target, label=None):
    """Return the probabilities as rows of HTML: class, bar, number; at most ten, then the most likely ones.

    The most likely class is bold, ``◀ J`` marks the class that the loss asks for, ✓ the true one.
    """
    order = ranking(probabilities)
    shown = np.arange(len(probabilities))
    if len(shown) > MOST_BARS:
        shown = order[:MOST_BARS]
        shown = shown if target in shown else np.append(shown[:-1], target)
    rows = []
    for k in shown:
        p = float(probabilities[k])
        marks = ("✓" if label is not None and k == label else "") + (" ◀ J" if k == target else "")
        best = " bp-best" if k == order[0] else ""
        rows.append(
            f'<div class="bp-bar{best}"><span class="bp-class">{k}</span>'
            f'<span class="bp-track"><span class="bp-fill" style="width:{100 * p:.2f}%"></span></span>'
            f'<span class="bp-number">{html.escape(percent(p))}</span>'
            f'<span class="bp-mark">{marks}</span></div>'
        )
    return f'<div class="bp-bars">{"".join(rows)}</div>'


def strongest(values, layout):
    """Return where numbers stand, the ones above 0 and the ones below, as two (places, weights, left out).

    A weight is a number's share of the largest in size, in (0, 1]. Zeros and cells that are not drawn are
    left out; of very many only the strongest are kept.
    """
    values = np.asarray(values)
    if layout.shown == 0:
        return ([], [], 0), ([], [], 0)
    size = np.abs(values).max(initial=0)
    groups = []
    for sign in (1, -1):
        flat = np.flatnonzero(sign * values.ravel() > 0)
        flat = flat[np.argsort(-np.abs(values.ravel()[flat]), kind="stable")]
        kept = flat[:MOST_MARKED]
        places, drawn = layout.places_of(np.stack(np.unravel_index(kept, values.shape), axis=1))
        weights = np.abs(values.ravel()[kept][drawn]) / size
        groups.append((places, weights.tolist(), len(flat) - len(places)))
    return tuple(groups)


def next_in(members, index, direction):
    """Return the member after (+1) or before (−1) an index, going round; None if there are no members."""
    members = np.asarray(members)
    if members.size == 0:
        return None
    if direction > 0:
        return int(members[np.searchsorted(members, index, side="right") % members.size])
    return int(members[np.searchsorted(members, index, side="left") - 1])


def span(indices):
    """Return ``3–7``, or ``3, 5, 7`` if there are gaps, or ``3``."""
    indices = np.asarray(indices)
    first, last = int(indices[0]), int(indices[-1])
    if len(indices) == 1:
        return f"{first}"
    if len(indices) == last - first + 1:
        return f"{first}–{last}"
    step = int(indices[1] - indices[0])
    if len(indices) > 6 and (np.diff(indices) == step).all():
        return f"{first}, {first + step}, …, {last}"
    return ", ".join(map(str, indices)) if len(indices) <= 8 else f"{len(indices)} from {first} to {last}"
