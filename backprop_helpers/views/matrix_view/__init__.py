"""`MatrixView`: a matrix, or a row of channels, drawn as a heat map that answers to the pointer.

It is the one interactive primitive: it says which cell is under the pointer or the keyboard's cursor, which
one was selected or pinned, shows the highlights that Python sends, and can be painted on. It knows nothing of
layers; an explorer links several views through Python.
"""

import functools
import math
import numbers as numeric
from pathlib import Path
from typing import NamedTuple

import anywidget
import numpy as np
import traitlets

from backprop_helpers.views.plots import _style

NAME = "MatrixView"
MOST_CELLS = 65_536
MOST_CHANNELS = 256
LONGEST_SIDE = 4_096  # cells: a canvas can be 16,384 device pixels long
PATTERNS = ("solid", "dashed", "dotted", "double")
TOOLS = ("brush", "erase")

NUMBERED_UP_TO = 26  # rows or columns; beyond, no number would fit
NUMBERED_CELL = 36  # CSS pixels: room for four characters
WIDEST_CELL = 72
SMALLEST_CELL, LARGEST_PLAIN_CELL = 2, 24
PLAIN_SIDE = 280  # CSS pixels that a matrix without numbers fills, roughly
SMALLEST_TEXT, GOOD_TEXT, LARGEST_TEXT = 11, 13, 16  # CSS pixels
CHARACTER = 0.64  # width of a digit in a wide font, relative to the size of the text
ROOM, TIGHT = 12, 5  # CSS pixels beside the text: with room for outlines, and without
BRUSHES = (0.5, 6.0)  # radius in cells


class Highlight(NamedTuple):
    """Cells that belong together: one outline, one colour, one line pattern, one entry in the legend.

    Attributes
    ----------
    cells : list of tuple of int
        (row, column), or (row, column, channel). In a view with channels, (row, column) means every channel.
    color : str
        A key of `plots.ACCENTS`. The line pattern follows from the position in the list of highlights.
    label : str
        What the legend says; without it the group is not in the legend.
    weights : list of float, optional
        One number in 0…1 a cell: how strong its outline is.
    texts : list of str, optional
        One short text a cell, drawn in its corner.
    """

    cells: list
    color: str = "orange"
    label: str = ""
    weights: list | None = None
    texts: list | None = None


class Cell(traitlets.TraitType):
    """None, or the index of a cell of the view's matrix as a tuple of ints."""

    info_text = "None or (row, column), with a channel for a matrix of rank 3"

    def __init__(self, **options):
        super().__init__(default_value=None, allow_none=True, **options)
        self.tag(sync=True, echo_update=False)

    def validate(self, obj, value):
        """Return the cell as a tuple of plain ints, inside the matrix."""
        if value is None:
            return None
        try:
            cell = tuple(value)
        except TypeError:
            raise TypeError(f"{NAME}: {self.name} must be {self.info_text}; it is {value!r}") from None
        shape = obj.shape
        if len(cell) != len(shape) or not all(_is_integer(i) for i in cell):
            raise ValueError(
                f"{NAME}: {self.name} must have {len(shape)} integers, as shape {shape} has axes; "
                f"it is {_brief(cell)}"
            )
        cell = tuple(int(i) for i in cell)
        if not all(0 <= i < n for i, n in zip(cell, shape)):
            raise ValueError(f"{NAME}: {self.name} is {cell}, outside a matrix of shape {shape}")
        return cell


class MatrixView(anywidget.AnyWidget):
    """A matrix, or a row of channels, as a heat map to point at.

    Parameters
    ----------
    values : array_like, shape (R, C) or (R, C, K)
        Booleans, integers or floats; NaN and infinity are hatched and named. At most 65,536 cells.
    title : str
        One line above the matrix.
    kind : {"value", "gradient", "weight", "digit", "mask", "plain"}
        Chooses the colours, as in `plots.matrix`.
    limit : float, optional
        Fixes the colour scale: its upper end, and for gradients and weights the lower end at ``-limit``.
    decimals : int, optional
        Decimals of the numbers. By default as many as show them exactly, or two, or what fits.
    numbers : bool, optional
        Whether the numbers are written in the cells. By default when they fit.
    row_labels, col_labels : sequence, optional
        One label a row or column, in place of the indices.
    channel_titles : sequence of str, optional
        One title a channel.
    indices : bool
        Whether the rows and columns are numbered.
    cell : int, optional
        Side of a cell in CSS pixels. By default the numbers fit if that is possible. It stays the same until
        the shape changes, so that nothing on the page moves.
    paint : bool
        Whether the matrix can be painted on; its values are in 0…1.
    description : str
        What the matrix is, for readers who do not see it.

    Attributes
    ----------
    hovered : tuple of int or None
        The cell under the pointer or the keyboard's cursor.
    selected : tuple of int or None
        The cell last clicked, or chosen with Enter.
    pinned : tuple of int or None
        A click pins a cell; a second click or Escape releases it.
    active : tuple of int or None
        `pinned` if there is one, else `hovered`. Explorers observe this.
    title, note, error : str
        The line above, the line below, and an alert.
    tool : {"brush", "erase"}
        What painting does.
    brush : float
        Radius of the brush in cells.
    strokes : int
        Counts the changes made by painting.

    Raises
    ------
    TypeError
        The values are not real numbers, or an option has a wrong type.
    ValueError
        The rank is wrong, there are no cells or too many, or an option does not fit the values.

    Examples
    --------
    >>> MatrixView([[3, 1, 2], [0, 4, 1], [5, 2, 6]], title="X")
    MatrixView(3×3, "X", value)
    """

    _esm = Path(__file__).parent / "matrix_view.js"
    _css = Path(__file__).parent / "matrix_view.css"

    title = traitlets.Unicode().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    description = traitlets.Unicode().tag(sync=True)
    hovered = Cell()
    selected = Cell()
    pinned = Cell()
    active = traitlets.Any(None, allow_none=True, read_only=True)
    tool = traitlets.Enum(TOOLS, "brush").tag(sync=True)
    brush = traitlets.Float(1.5, min=BRUSHES[0], max=BRUSHES[1]).tag(sync=True)
    strokes = traitlets.Int(0).tag(sync=True, echo_update=False)

    # What the browser draws. One assignment to any of them is one message; `update` sends all in one.
    _data = traitlets.Any(b"").tag(sync=True, echo_update=False, from_json=lambda value, _: bytes(value))
    _shape = traitlets.List(traitlets.Int()).tag(sync=True)
    _scale = traitlets.List(traitlets.Float()).tag(sync=True)
    _texts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _text_size = traitlets.Float(0).tag(sync=True)
    _unit = traitlets.Unicode().tag(sync=True)
    _cell = traitlets.Int(24).tag(sync=True)
    _groups = traitlets.List().tag(sync=True)
    _described = traitlets.Unicode().tag(sync=True)
    # What stays as it was made.
    _kind = traitlets.Unicode("value").tag(sync=True)
    _colors = traitlets.Dict().tag(sync=True)
    _row_labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _col_labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _channel_titles = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _indices = traitlets.Bool(True).tag(sync=True)
    _paint = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        values,
        *,
        title="",
        kind="value",
        limit=None,
        decimals=None,
        numbers=None,
        row_labels=None,
        col_labels=None,
        channel_titles=None,
        indices=True,
        cell=None,
        paint=False,
        description="",
    ):
        _style.as_kind(kind, NAME)
        self._limit = _as_limit(limit)
        self._decimals = _as_count(decimals, "decimals", 0, 15)
        self._numbers = numbers
        self._cell_given = _as_count(cell, "cell", 1, 400)
        self._paints = bool(paint)
        array = self._checked(values)
        self._values = _frozen(array)
        rows, columns, channels = (*array.shape, 1)[:3]
        super().__init__(
            title=_as_text(title, "title"),
            description=_as_text(description, "description"),
            _kind=kind,
            _colors=colors(kind),
            _row_labels=_as_labels(row_labels, "row_labels", rows),
            _col_labels=_as_labels(col_labels, "col_labels", columns),
            _channel_titles=_as_labels(channel_titles, "channel_titles", channels),
            _indices=bool(indices),
            _paint=self._paints,
            **self._drawn(array, kind=kind),
        )
        self.set_trait("active", None)

    # Values ------------------------------------------------------------------------------------------------

    @property
    def values(self):
        """The matrix that is shown, read-only. Assign a new one to show it."""
        return self._values

    @values.setter
    def values(self, values):
        self.update(values)

    @property
    def shape(self):
        """Shape of the matrix: (rows, columns) or (rows, columns, channels)."""
        return self._values.shape

    @property
    def kind(self):
        """Which colours the view has; see the class."""
        return self._kind

    @kind.setter
    def kind(self, kind):
        _style.as_kind(kind, NAME)
        if kind != self._kind:
            with self.hold_sync():
                self._kind = kind
                self._colors = colors(kind)
                self._scale = list(_style.limits(self._values, kind, self._limit))

    @property
    def cell(self):
        """Side of a cell in CSS pixels; None lets the view choose again."""
        return self._cell

    @cell.setter
    def cell(self, cell):
        self.update(cell=self._side(self._values) if cell is None else cell)
        self._cell_given = cell

    @property
    def row_labels(self):
        """Labels of the rows, in place of the indices. They are shown while there is one for every row."""
        return tuple(self._row_labels) or None

    @row_labels.setter
    def row_labels(self, labels):
        self._row_labels = _as_labels(labels)

    @property
    def col_labels(self):
        """Labels of the columns, as those of the rows."""
        return tuple(self._col_labels) or None

    @col_labels.setter
    def col_labels(self, labels):
        self._col_labels = _as_labels(labels)

    @property
    def channel_titles(self):
        """Titles of the channels, as the labels of the rows."""
        return tuple(self._channel_titles) or None

    @channel_titles.setter
    def channel_titles(self, titles):
        self._channel_titles = _as_labels(titles)

    @property
    def limit(self):
        """The upper end of the colour scale if it was fixed, else None."""
        return self._limit

    @limit.setter
    def limit(self, limit):
        self._limit = _as_limit(limit)
        with self.hold_sync():
            self._scale = list(_style.limits(self._values, self.kind, self._limit))

    @property
    def highlights(self):
        """The groups of cells that stand out, as a tuple of `Highlight`; assign ``()`` to clear them."""
        return self._highlights

    @highlights.setter
    def highlights(self, highlights):
        self.update(highlights=highlights)

    @property
    def described(self):
        """What a screen reader says of the matrix."""
        return self._described

    _highlights = ()

    def update(
        self,
        values=None,
        *,
        highlights=None,
        title=None,
        limit=None,
        note=None,
        cell=None,
        row_labels=None,
        col_labels=None,
        channel_titles=None,
    ):
        """Change what is shown, in one message to the browser; what is None stays as it is.

        When the shape changes, highlights, hovered, selected and pinned cells are forgotten.

        Parameters
        ----------
        values : array_like, optional
            The new matrix.
        highlights : sequence of Highlight, optional
            The groups of cells that stand out; ``()`` clears them.
        title, note : str, optional
            The lines above and below.
        limit : float, optional
            The upper end of the colour scale, from now on.
        cell : int, optional
            Side of a cell in CSS pixels, from now on.
        row_labels, col_labels, channel_titles : sequence, optional
            Labels for the new shape; ``()`` removes them. Those that do not fit a new shape are dropped.
        """
        array = self._values if values is None else self._checked(values)
        reshaped = array.shape != self.shape
        groups = () if highlights is None and reshaped else highlights
        if groups is not None:
            groups = tuple(_as_highlight(group, array.shape) for group in _as_sequence(groups))
        title = None if title is None else _as_text(title, "title")
        note = None if note is None else _as_text(note, "note")
        new_limit = self._limit if limit is None else _as_limit(limit)
        new_cell = _as_count(cell, "cell", 1, 400)
        labels = {
            f"_{name}": _as_labels(given, name, count) if len(given) else []
            for name, given, count in (
                ("row_labels", row_labels, array.shape[0]),
                ("col_labels", col_labels, array.shape[1]),
                ("channel_titles", channel_titles, (*array.shape, 1)[2]),
            )
            if given is not None
        }
        # Everything is checked: from here on nothing can fail half way.
        with self.hold_sync():
            if reshaped:
                self.hovered = self.selected = self.pinned = None
                self._forget_labels(array.shape)
            self._limit = new_limit
            if title is not None:
                self.title = title
            if note is not None:
                self.note = note
            for name, value in labels.items():
                setattr(self, name, value)
            if new_cell is not None:
                self._cell_given = new_cell
            if values is not None or new_cell is not None:
                self._values = _frozen(array)
                for name, value in self._drawn(array, reshaped or new_cell is not None).items():
                    setattr(self, name, value)
            elif limit is not None:
                self._scale = list(_style.limits(array, self.kind, self._limit))
            if groups is not None:
                self._highlights = groups
                self._groups = [_packed(group) for group in groups]

    def clear(self):
        """Set every value to 0, as the pad's button does."""
        self.update(np.zeros(self.shape))
        self.strokes += 1

    def _checked(self, values):
        """Return `values` as an array that can be shown, or say what is wrong with it."""
        array = _style.as_array(
            values, "values", NAME, (2, 3), "(rows, columns) or (rows, columns, channels)"
        )
        if array.size > MOST_CELLS or max(array.shape[:2]) > LONGEST_SIDE:
            raise ValueError(
                f"{NAME}: values must have at most {MOST_CELLS:,} cells and {LONGEST_SIDE:,} a side to be "
                f"drawn; shape {array.shape} has {array.size:,}; show a part, such as values[:100, :100]"
            )
        if array.ndim == 3 and array.shape[2] > MOST_CHANNELS:
            raise ValueError(
                f"{NAME}: values must have at most {MOST_CHANNELS} channels (the last axis); "
                f"the shape is {array.shape}"
            )
        if self._paints:
            if array.ndim != 2:
                raise ValueError(f"{NAME}: values to paint on must be (rows, columns); shape {array.shape}")
            if not ((array >= 0) & (array <= 1)).all():
                raise ValueError(f"{NAME}: values to paint on must be in 0…1")
        return array

    def _drawn(self, array, resized=True, kind=None):
        """Return the traits that the browser draws `array` from."""
        cell = self._side(array, self._cell_given) if resized else self._cell
        texts, size, exponent = self._written(array, cell)
        return {
            "_data": np.ascontiguousarray(array, dtype="<f8").tobytes(),
            "_shape": list(array.shape),
            "_scale": list(_style.limits(array, kind or self.kind, self._limit)),
            "_texts": texts,
            "_text_size": size,
            "_unit": f"all {_style.raised(exponent)}" if exponent else "",
            "_cell": cell,
            "_described": self._sentence(array),
        }

    def _side(self, array, given=None):
        """Return the side of a cell in CSS pixels: the numbers fit, or the matrix has a handy size."""
        if given is not None:
            return given
        longest_side = max(array.shape[:2])
        wanted = not self._paints and self._numbers is not False
        if wanted and (self._numbers or longest_side <= NUMBERED_UP_TO // 2):
            longest = max(len(text) for text in written(array, self._decimals)[0])
            side = math.ceil(longest * CHARACTER * GOOD_TEXT) + ROOM
            return max(NUMBERED_CELL, min(side, WIDEST_CELL))
        return max(SMALLEST_CELL, min(LARGEST_PLAIN_CELL, PLAIN_SIDE // longest_side))

    def _written(self, array, cell):
        """Return (texts, size of the text, exponent); no texts when they do not fit."""
        if self._numbers is False or self._paints or (self._numbers is None and array.size > 1_600):
            return [], 0, 0
        return fitted(array, cell, self._decimals, forced=bool(self._numbers))

    def _sentence(self, array):
        rows, columns, channels = (*array.shape, 1)[:3]
        finite = array[np.isfinite(array)]
        words = f"{_counted(rows, 'row')}, {_counted(columns, 'column')}"
        if array.ndim == 3:
            words += f", {_counted(channels, 'channel')}"
        if finite.size:
            words += f"; from {_style.number(finite.min())} to {_style.number(finite.max())}"
        if array.size > finite.size:
            words += f"; {array.size - finite.size} not finite"
        return words

    def _forget_labels(self, shape):
        """Drop labels that do not fit a new shape."""
        for name, count in zip(("_row_labels", "_col_labels", "_channel_titles"), (*shape, 1)):
            if len(getattr(self, name)) != count:
                setattr(self, name, [])

    # Events ------------------------------------------------------------------------------------------------

    @traitlets.observe("hovered", "pinned")
    def _follow(self, _change):
        self.set_trait("active", self.hovered if self.pinned is None else self.pinned)

    @traitlets.observe("_data", "strokes")
    def _painted(self, _change):
        """Take over what was painted in the browser.

        Both come in one message, in either order: whoever observes `strokes` finds the new values.
        """
        if not self._paints or len(self._data) != 8 * self._values.size:
            return
        values = np.frombuffer(self._data, dtype="<f8").reshape(self.shape)
        if not np.array_equal(values, self._values):
            self._values = _frozen(np.clip(np.nan_to_num(values), 0.0, 1.0))

    def __repr__(self):
        size = "×".join(map(str, self.shape))
        # ipywidgets cuts a text form of more than 110 characters.
        title = self.title if len(self.title) <= 60 else self.title[:59] + "…"
        text = f'{NAME}({size}, "{title}", {self.kind}{", paint" if self._paints else ""})'
        return text.replace("\n", " ")


# Small functions -------------------------------------------------------------------------------------------


@functools.cache
def _table(kind):
    """Return the 256 colours of a kind, low to high, as one string of hexadecimal RGB triples."""
    table = _style.MAPS[kind](np.arange(256) / 255)[:, :3]
    return (table * 255).round().astype(np.uint8).tobytes().hex()


def colors(kind):
    """Return all colours that the browser needs: map of a `kind`, accents, inks; and the line patterns."""
    return {
        "map": _table(kind),
        "accents": dict(_style.ACCENTS),
        "inks": dict(_style.INKS),
        "hair": _style.HAIR,
        "frame": _style.FRAME,
        "patterns": list(PATTERNS),
    }


def written(values, decimals=None):
    """Return (texts, exponent): every number in row-major order, in units of 10 to the `exponent`."""
    exponent = 0 if decimals is not None else _style.power_of_ten(values)
    scaled = np.asarray(values, dtype=float) / 10.0**exponent if exponent else np.asarray(values)
    return list(_style.written(scaled, decimals).flat), exponent


def fitted(values, cell, decimals=None, forced=False):
    """Return (texts, size in CSS pixels, exponent) that fit cells of `cell` pixels; ([], 0, 0) if none do.

    Fewer decimals are tried before giving up, but no number other than 0 is written as 0. With `forced` the
    numbers are written at the smallest size.
    """
    exponent = 0 if decimals is not None else _style.power_of_ten(values)
    scaled = np.asarray(values, dtype=float) / 10.0**exponent if exponent else np.asarray(values)
    exact = _style.decimals_for(scaled) if decimals is None else decimals
    tries = sorted({exact, min(exact, 2), min(exact, 1)}, reverse=True) if decimals is None else [decimals]
    for count in tries:
        texts = list(_style.written(scaled, count).flat)
        if count < exact and any(_reads_zero(t) and v for t, v in zip(texts, scaled.flat)):
            break
        longest = CHARACTER * max(map(len, texts))
        roomy, tight = (cell - ROOM) / longest, (cell - TIGHT) / longest
        size = min(LARGEST_TEXT, max(roomy, min(GOOD_TEXT, tight)), cell * 0.5)
        if size >= SMALLEST_TEXT:
            return texts, round(size, 2), exponent
    if forced:
        texts = list(_style.written(scaled, tries[0]).flat)
        return texts, round(max(8.0, (cell - 4) / (CHARACTER * max(map(len, texts)))), 2), exponent
    return [], 0, 0


def _reads_zero(text):
    return not text.strip("−0.")


def _is_integer(value):
    return isinstance(value, numeric.Integral) and not isinstance(value, (bool, np.bool_))


def _counted(count, noun):
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _brief(value):
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _frozen(array):
    array = np.array(array)
    array.setflags(write=False)
    return array


def _as_text(value, name):
    if not isinstance(value, str):
        raise TypeError(f"{NAME}: {name} must be a str; it is {_brief(value)}")
    return value


def _as_limit(limit):
    if limit is None:
        return None
    if isinstance(limit, (bool, np.bool_)) or not isinstance(limit, numeric.Real):
        raise TypeError(f"{NAME}: limit must be a number or None; it is {_brief(limit)}")
    if not (math.isfinite(limit) and limit > 0):
        raise ValueError(f"{NAME}: limit must be a finite number above 0; it is {limit!r}")
    return float(limit)


def _as_count(value, name, least, most):
    if value is None:
        return None
    if not _is_integer(value):
        raise TypeError(f"{NAME}: {name} must be an integer; it is {_brief(value)}")
    if not least <= value <= most:
        raise ValueError(f"{NAME}: {name} must be in {least}…{most}; it is {value}")
    return int(value)


def _as_labels(labels, name="labels", count=None):
    """Return labels as a list of str; with a `count`, there must be so many."""
    if labels is None:
        return []
    if isinstance(labels, str):
        raise TypeError(f"{NAME}: {name} must be a sequence of labels; it is {_brief(labels)}")
    labels = [str(label) for label in labels]
    return labels if count is None else _style.same_length(labels, count, name, NAME)


def _as_sequence(highlights):
    if isinstance(highlights, Highlight):
        raise TypeError(f"{NAME}: highlights must be a list of Highlight; it is one Highlight: write [it]")
    return list(highlights)


def _as_highlight(group, shape):
    """Check one group of cells against the shape of the matrix."""
    if not isinstance(group, Highlight):
        raise TypeError(f"{NAME}: highlights must be a list of Highlight; it holds {_brief(group)}")
    if group.color not in _style.ACCENTS:
        raise ValueError(
            f"{NAME}: color of a highlight must be one of {', '.join(_style.ACCENTS)}; it is {group.color!r}"
        )
    _as_text(group.label, "label of a highlight")
    cells = _as_cells(group.cells, shape)
    weights = texts = None
    if group.weights is not None:
        weights = np.asarray(_style.same_length(group.weights, len(cells), "weights", NAME), dtype=float)
        if not ((weights >= 0) & (weights <= 1)).all():
            raise ValueError(f"{NAME}: weights of a highlight must be in 0…1; got {_brief(group.weights)}")
        weights = weights.tolist()
    if group.texts is not None:
        texts = _style.same_length(group.texts, len(cells), "texts", NAME)
        texts = [_as_text(text, "each text of a highlight") for text in texts]
    return Highlight([tuple(cell) for cell in cells.tolist()], group.color, group.label, weights, texts)


def _as_cells(cells, shape):
    given = list(cells)
    if not given:
        return np.zeros((0, len(shape)), dtype=int)
    try:
        array = np.asarray(given)
    except ValueError:
        array = np.zeros(0)
    if array.ndim != 2 or array.dtype.kind not in "iu" or array.shape[1] not in {2, len(shape)}:
        axes = "(row, column)" if len(shape) == 2 else "(row, column) or (row, column, channel)"
        raise ValueError(
            f"{NAME}: cells of a highlight must be a list of {axes}, integers; it is {_brief(cells)}"
        )
    outside = (array < 0) | (array >= np.array(shape[: array.shape[1]]))
    if outside.any():
        cell = tuple(array[outside.any(axis=1)][0].tolist())
        raise ValueError(f"{NAME}: a highlight has the cell {cell}, outside a matrix of shape {shape}")
    return array


def _packed(group):
    """Return a highlight as the browser reads it."""
    return {
        "cells": [list(cell) for cell in group.cells],
        "color": group.color,
        "label": group.label,
        "weights": group.weights,
        "texts": group.texts,
    }
