"""`Worksheet`: grids of numbers with blanks, to be worked out by hand."""

import warnings

import numpy as np
import traitlets

from backprop_helpers.views.plots import _style
from backprop_helpers.views.stage._base import Stage, as_json

MOST_CELLS = 400
CELL, GAP, NAME = 0.42, 0.36, 0.24  # inches


class Worksheet(Stage):
    """Grids with blanks, lines of formula between them: ✓ for what is right, or the mistake by its name.

    - rows: from top to bottom, a line of text, grids side by side ``{"X": X, "W": W}``, or both in one row,
      ``({"X": X}, "∗", {"W": W}, "=", {"Z": Z})``. A grid is an array with its right numbers, of at most
      three axes (rows, columns, channels)
    - blanks: which numbers of a grid are asked for, True for all of them or a boolean array of its shape
    - mistakes: ``{"the kernel was not turned": array}``, what a known mistake gives in place of a grid; with
      blanks in several grids ``{"…": {"dX": array}}``. It is named when everything written agrees with it,
      and with no other. `mistakes_of` has those of an exercise
    - tolerance: how far a number may be off. One that is not whole may always be rounded, to two digits
    - filled: what the learner has written, ``{"dX": {"0": "3"}}``, by the number's place in row-major order

    Examples
    --------
    >>> X, W = np.array([[3, 1, 2]]), np.array([[1, 2]])
    >>> Worksheet({"X": X, "W": W}, {"Z": np.array([[5, 5]])}, blanks={"Z": True})
    Worksheet(X 1×3, W 1×2, Z 1×2: 2 blanks)
    """

    composition = "worksheet"
    filled = traitlets.Dict()

    def __init__(self, *rows, blanks, mistakes=None, tolerance=0):
        arrays = _arrays_of(rows)
        places = {name: _places(arrays, name, which) for name, which in blanks.items()}
        if not any(len(where) for where in places.values()):
            raise ValueError("Worksheet: blanks leaves nothing to fill in")
        parts = [
            [{"text": part} if isinstance(part, str) else {"grid": part[0]} for part in _parts(row)]
            for row in rows
        ]
        options = {"rows": parts, "blanks": {name: where.tolist() for name, where in places.items()}}
        options |= {
            "mistakes": _mistakes(mistakes or {}, arrays, places),
            "tolerance": tolerance,
            "filled": {},
        }
        super().__init__(arrays, options)

    def twin(self):
        """Return the sheet as a picture, its blanks empty."""
        return _picture(self.options, self.arrays)

    def _sizes(self):
        grids = ", ".join(_size(name, array["shape"]) for name, array in self.spec["arrays"].items())
        return f"{grids}: {sum(map(len, self.spec['options']['blanks'].values()))} blanks"


def mistakes_of(name, *arguments, **options):
    """Return what the known mistakes of an exercise give for these arguments, or those of a one-line step.

    - name: a check's, such as "input_backward", or a step's, such as "07.dx", which has its own numbers
    - arguments, options: as the exercise's function takes them

    They are {diagnosis: array}, or {diagnosis: {part: array}} where the function returns several. Mistakes
    that do not show with these numbers, that fail, or that give another shape are left out.
    """
    from backprop_helpers.checking.exercises import EXERCISES, steps  # what only few lessons load
    from backprop_helpers.checking.misconceptions import misconceptions

    if name in steps.all_steps():
        return {mistake.said: mistake.wrong for mistake in steps.all_steps()[name].mistakes}
    if name not in EXERCISES:
        raise KeyError(f"mistakes_of: no exercise or step called {name!r}; exercises: {', '.join(EXERCISES)}")
    asked = EXERCISES[name]
    right = _returned(asked, asked.reference, arguments, options)
    found = {}
    first = {suspect.name: suspect for suspect in reversed(asked.suspects) if suspect.fit is None}
    for suspect in first.values():
        wrong = _returned(asked, suspect.make(), arguments, options)
        if wrong is None or any(wrong[part].shape != right[part].shape for part in right):
            continue
        parts = {part: wrong[part] for part in right if not np.allclose(wrong[part], right[part])}
        if parts:
            known = misconceptions.get(suspect.name)
            text = known.diagnosis if known else suspect.diagnosis
            found[text] = parts if len(right) > 1 else parts[asked.returns[0].name]
    return found


def _returned(asked, function, arguments, options):
    """Return what a function gives, by the names of the exercise's parts; None if it fails."""
    copies = [np.array(a) if isinstance(a, (list, np.ndarray)) else a for a in arguments]
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = function(*copies, **options)
        parts = result if isinstance(result, tuple) else (result,)
        return {part.name: np.asarray(value, float) for part, value in zip(asked.returns, parts)}
    except Exception:  # a wrong implementation may raise anything
        if function is asked.reference:
            raise
        return None


def _size(name, shape):
    return f"{name} {'×'.join(map(str, shape)) or 'number'}"


# The parts ------------------------------------------------------------------------------------------------


def _parts(row):
    """Return a row as a list of texts and of (name, array)."""
    parts = []
    for part in row if isinstance(row, tuple) else (row,):
        if not isinstance(part, (str, dict)):
            expected = "a text, a dict of arrays by name, or a tuple of these"
            raise TypeError(f"Worksheet: a row is {expected}; got {type(part).__name__}")
        parts += [part] if isinstance(part, str) else part.items()
    return parts


def _arrays_of(rows):
    """Return the grids of all rows by name."""
    arrays = {}
    for name, array in (part for row in rows for part in _parts(row) if not isinstance(part, str)):
        if name in arrays:
            raise ValueError(f"Worksheet: there are two grids called {name}")
        arrays[name] = array = np.asarray(array)
        if array.ndim > 3 or not 1 <= array.size <= MOST_CELLS:
            expected = f"at most three axes and 1 to {MOST_CELLS} numbers"
            raise ValueError(f"Worksheet: {name} must have {expected}; its shape is {array.shape}")
    return arrays


def _places(arrays, name, which):
    """Return where a grid's blanks are, in row-major order."""
    if name not in arrays:
        raise KeyError(f"Worksheet: blanks names {name}; the grids are {', '.join(arrays)}")
    mask = np.full(arrays[name].shape, which) if isinstance(which, bool) else np.asarray(which)
    if mask.dtype != bool or mask.shape != arrays[name].shape:
        expected = f"True or a boolean array of shape {arrays[name].shape}"
        raise ValueError(f"Worksheet: blanks of {name} must be {expected}; got {mask.dtype} {mask.shape}")
    return np.flatnonzero(mask)


def _mistakes(mistakes, arrays, places):
    """Return [{name, blanks: {grid: numbers}}]. Axes of length 1 do not count: (1, 3, 3, 1) fits (3, 3)."""
    found = []
    for text, grids in mistakes.items():
        if not isinstance(grids, dict):
            if len(places) > 1:
                which = " and ".join(places)
                raise TypeError(f"Worksheet: say whether {text!r} is about {which}: {{grid: array}}")
            grids = dict.fromkeys(places, grids)
        blanks = {}
        for name, wrong in grids.items():
            wrong = np.asarray(wrong)
            expected = f"of shape {arrays[name].shape}" if name in places else None
            if expected is None or np.squeeze(wrong).shape != np.squeeze(arrays[name]).shape:
                expected = expected or f"a grid with blanks, {' or '.join(places)}"
                came = f"its shape is {wrong.shape}"
                raise ValueError(f"Worksheet: {name} of {text!r} must be {expected}; {came}")
            blanks[name] = [as_json(value) for value in wrong.ravel()[places[name]].tolist()]
        found.append({"name": text, "blanks": blanks})
    return found


# The picture ----------------------------------------------------------------------------------------------


def tables_of(name, array):
    """Return [(title, matrix)]: the grid as one matrix, or one for each channel."""
    if array.ndim == 3 and array.shape[2] > 1:
        return [(f"{name}[·, ·, {k}]", array[:, :, k]) for k in range(array.shape[2])]
    shape = array.shape[:2] if array.ndim > 1 else (1, array.size)
    return [(name, array.reshape(shape))]


@_style.drawing
def _picture(options, arrays):
    for name, array in arrays.items():
        texts = np.array([_style.number(value) for value in array.ravel()], dtype=object)
        texts[options["blanks"].get(name, [])] = ""
        arrays[name] = texts.reshape(array.shape)
    rows = [_measured(row, arrays) for row in options["rows"]]
    width = min(_style.MAX_WIDTH, max(sum(part[1] + GAP for part in row) for row in rows))
    height = sum(max(part[2] for part in row) + 0.14 for row in rows)
    grids = ", ".join(_size(name, array.shape) for name, array in arrays.items())
    alt = f"A worksheet with the grids {grids}, some of them to be filled in."
    figure = _style.page(width, height + 0.1, alt=alt)
    ax = _style.canvas(figure)
    top = 0.05
    for row in rows:
        left, tallest = _style.MARGIN, max(part[2] for part in row)
        for part, wide, _ in row:
            _draw(ax, part, left, top, tallest)
            left += wide + GAP
        top += tallest + 0.14
    return figure


def _measured(row, arrays):
    """Return [(a text, or (title, matrix); width; height)] of a row, in inches."""
    parts = []
    for part in row:
        if "text" in part:
            text = _style.wrapped(part["text"].replace("`", ""), 6.6) if len(row) == 1 else part["text"]
            parts.append((text, _style.text_width(text), 0.2 * (text.count("\n") + 1)))
            continue
        for title, matrix in tables_of(part["grid"], arrays[part["grid"]]):
            wide = max(CELL * matrix.shape[1], _style.text_width(title))
            parts.append(((title, matrix), wide, NAME + CELL * matrix.shape[0]))
    return parts


def _draw(ax, part, left, top, tallest):
    """Draw a text, or a grid with its name, at a place of the page."""
    if isinstance(part, str):
        beside_grid = tallest > NAME + 0.01
        middle = top + (NAME + tallest) / 2 if beside_grid else top
        ax.text(left, middle, part, fontsize=_style.NORMAL, va="center" if beside_grid else "top")
        return
    title, matrix = part
    ax.text(left, top, title, fontsize=_style.NORMAL, weight="bold", va="top")
    for (i, j), text in np.ndenumerate(matrix):
        x, y = left + CELL * j, top + NAME + CELL * i
        ground = "white" if text else "#fdf3e0"
        ax.fill([x, x + CELL, x + CELL, x], [y, y, y + CELL, y + CELL], fc=ground, ec=_style.FRAME, lw=0.7)
        place = x + CELL / 2, y + CELL / 2
        ax.text(*place, text, fontsize=_style.NORMAL, ha="center", va="center_baseline")
