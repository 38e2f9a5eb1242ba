"""`Predict`: a question before the answer."""

import numbers

import numpy as np

from backprop_helpers.views.plots import _style
from backprop_helpers.views.stage._base import Stage, as_json

LONGEST = 80  # characters of a question in the text form
MOST_CELLS = 144
WIDTH = 6.6  # inches
LINE = 0.2


class Predict(Stage):
    """Asks for a guess, keeps the answer until there is one, and says how far off it was.

    The guess is a number, one of `options`, or a cell of a small grid (`shape`, or `grid` with its numbers).
    It stays in the page: nobody is told, not even Python.

    Parameters
    ----------
    question : str
        Without "Predict first", which stands before it. `code` in backquotes.
    answer : float, str, or (int, int)
        The number; the right one of `options`; the (row, column), or a list of them where several are right.
    unit : str
        What is counted, such as "outputs".
    tolerance : float
        How far a guess may be off and still count as right.
    options : sequence of str, optional
        The choices.
    shape : (int, int), optional
        Rows and columns of an empty grid.
    grid : array_like, optional
        The numbers of the grid, in place of `shape`.
    name : str
        The grid's, such as "dX".
    then : str
        What is said after any guess.

    Examples
    --------
    >>> Predict("You nudge the pixel in the middle. How many outputs move?", 9, unit="outputs")
    Predict("You nudge the pixel in the middle. How many outputs move?")
    """

    composition = "predict"

    def __init__(
        self,
        question,
        answer,
        *,
        unit="",
        tolerance=0,
        options=None,
        shape=None,
        grid=None,
        name="",
        then="",
    ):
        if sum(given is not None for given in (options, shape, grid)) > 1:
            raise TypeError("Predict: options, shape and grid ask for different guesses; give one of them")
        spec = {"question": question, "then": then}
        arrays = {}
        if options is not None:
            spec |= _choice(list(options), answer)
        elif shape is None and grid is None:
            spec |= _number(answer, unit, tolerance)
        else:
            arrays = {} if grid is None else {"grid": np.asarray(grid)}
            spec |= _cell(shape if grid is None else np.shape(grid), answer) | {"name": name}
        super().__init__(arrays, {key: value for key, value in spec.items() if value != ""})

    def twin(self):
        """Return the question as a picture."""
        return _picture(self.options, self.arrays.get("grid"))

    def __repr__(self):
        question = self.spec["options"]["question"]
        return f'Predict("{question if len(question) <= LONGEST else question[: LONGEST - 1] + "…"}")'


def _number(answer, unit, tolerance):
    if not isinstance(answer, numbers.Real) or isinstance(answer, bool) or not np.isfinite(answer):
        raise TypeError(f"Predict: answer must be a finite number, or give options or shape; got {answer!r}")
    if not tolerance >= 0:
        raise ValueError(f"Predict: tolerance must be at least 0; got {tolerance!r}")
    answer = as_json(np.asarray(answer).item())
    return {"kind": "number", "answer": answer, "unit": unit, "tolerance": tolerance}


def _choice(options, answer):
    if len(options) < 2 or len(set(options)) < len(options):
        raise ValueError(f"Predict: options must be at least two different texts; got {options!r}")
    if answer not in options:
        raise ValueError(f"Predict: answer must be one of the options, {options!r}; got {answer!r}")
    return {"kind": "choice", "choices": options, "answer": options.index(answer)}


def _cell(shape, answer):
    if len(shape) != 2 or min(shape) < 1 or shape[0] * shape[1] > MOST_CELLS:
        raise ValueError(
            f"Predict: a grid has rows and columns, at most {MOST_CELLS} cells; got {tuple(shape)}"
        )
    cells = np.atleast_2d(answer)
    inside = cells.ndim == 2 and cells.shape[1] == 2 and cells.dtype.kind in "iu"
    if not inside or not ((cells >= 0) & (cells < shape)).all():
        raise ValueError(
            f"Predict: answer must be a cell (row, column) of the {shape[0]}×{shape[1]} grid; got {answer!r}"
        )
    return {"kind": "cell", "shape": [int(n) for n in shape], "answer": cells.tolist()}


@_style.drawing
def _picture(options, grid):
    question = _style.wrapped("Predict first. " + options["question"].replace("`", ""), WIDTH - 0.4)
    lines = question.count("\n") + 1
    high = 0.34 * options["shape"][0] if options["kind"] == "cell" else 0.34
    if options["kind"] == "choice":
        *_, (_, last, _, text) = _laid(options["choices"])
        high = last + _height(text) + 0.05
    figure = _style.page(
        WIDTH, 0.1 + LINE * lines + high + 0.16, alt=question + " A guess is asked for here."
    )
    ax = _style.canvas(figure)
    top = 0.1 + LINE * lines + 0.08
    ax.plot([0.06, 0.06], [0.06, top + high], color=_style.ACCENTS["orange"], lw=2)
    ax.text(0.2, 0.06, question, fontsize=_style.NORMAL, va="top", linespacing=1.35)
    draw = {"number": _draw_number, "choice": _draw_choices, "cell": _draw_grid}[options["kind"]]
    draw(ax, top, options, grid)
    return figure


def _box(ax, left, top, width, height, text=""):
    ax.plot(
        [left, left + width, left + width, left, left],
        [top, top, top + height, top + height, top],
        color=_style.FRAME,
        lw=0.8,
    )
    ax.text(
        left + width / 2, top + height / 2, text, fontsize=_style.NORMAL, ha="center", va="center_baseline"
    )


def _draw_number(ax, top, options, grid):
    _box(ax, 0.2, top + 0.03, 0.8, 0.26)
    ax.text(1.1, top + 0.16, options.get("unit", ""), fontsize=_style.NORMAL, va="center_baseline")


def _laid(choices):
    """Yield (left, top, width, text) of each: side by side while there is room; a long one is folded."""
    left, top, high = 0.2, 0.03, 0
    for text in (_style.wrapped(choice, WIDTH - 0.9) for choice in choices):
        width = _style.text_width(text) + 0.24
        if left > 0.2 and left + width > WIDTH:
            left, top, high = 0.2, top + high + 0.08, 0
        yield left, top, width, text
        left, high = left + width + 0.12, max(high, _height(text))


def _height(text):
    return 0.26 + LINE * text.count("\n")


def _draw_choices(ax, top, options, grid):
    for left, down, width, text in _laid(options["choices"]):
        _box(ax, left, top + down, width, _height(text), text)


def _draw_grid(ax, top, options, grid):
    name = options.get("name", "")
    left = 0.2 + (_style.text_width(name) + 0.12 if name else 0)
    ax.text(0.2, top + 0.17, name, fontsize=_style.NORMAL, va="center_baseline", weight="bold")
    for i, j in np.ndindex(*options["shape"]):
        text = "" if grid is None else _style.number(grid[i, j])
        _box(ax, left + 0.34 * j, top + 0.34 * i, 0.34, 0.34, text)
