"""Nudge one entry, see what moves (lessons 00 and 02).

The arrays are the values of a computation, in its order. A nudge of one entry is followed through all that is
computed from it, and each change stands beside what the derivative promised.
"""

import contextlib
import inspect
import warnings
from collections.abc import Mapping
from typing import NamedTuple

import ipywidgets as widgets
import numpy as np

from backprop_helpers.layers import fc_forward, relu_forward
from backprop_helpers.views import plots
from backprop_helpers.views.explorers import _base as base
from backprop_helpers.views.explorers._base import Explorer, Mark, guarded
from backprop_helpers.views.explorers._numbers import at, factor, signed, written
from backprop_helpers.views.matrix_view import Highlight, MatrixView

SIZES = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10)
BROKEN = 0.05  # a change this far from the promise, as a share of it, no longer follows it
COMPLEX_STEP, CENTRAL_STEP = 1e-30, 1e-6
MOST_ENTRIES = 256  # of one array: more do not fit beside the others with their numbers
SHOWN = {"change Δ": "change", "Δ ÷ ε": "measured", "slope": "promised"}


class Step(NamedTuple):
    """One step of a computation.

    Attributes
    ----------
    name : str
        What its result is called.
    function : callable
    reads : tuple of str
        The names of the values it is given, in order.
    """

    name: str
    function: object
    reads: tuple


def as_steps(steps, inputs):
    """Return `Step`s for [(name, function), …].

    A function of one parameter reads the value before it. One whose parameters are all names of earlier
    values reads those.

    Raises
    ------
    TypeError, ValueError
        No list of pairs, a name that is used twice, parameters that name nothing.
    """
    known, made = list(inputs), []
    if not isinstance(steps, (list, tuple)) or not steps:
        raise ValueError(
            f"NudgeExplorer: steps must be a list of (name, function), at least one; got {steps!r}"
        )
    for entry in steps:
        if not (isinstance(entry, (list, tuple)) and len(entry) == 2 and callable(entry[1])):
            raise TypeError(f"NudgeExplorer: each step must be (name, function); got {entry!r}")
        name, function = entry
        if not isinstance(name, str) or name in known:
            raise ValueError(f"NudgeExplorer: steps must have names of their own; {name!r} is used twice")
        parameters = _parameters(function)
        if parameters and all(parameter in known for parameter in parameters):
            reads = tuple(parameters)
        elif parameters is None or len(parameters) == 1:
            reads = (known[-1],)
        else:
            raise ValueError(
                f"NudgeExplorer: step {name!r} must read one array, or name earlier ones "
                f"({', '.join(known)}); "
                f"its parameters are {', '.join(parameters) or 'none'}"
            )
        made.append(Step(name, function, reads))
        known.append(name)
    return tuple(made)


def _parameters(function):
    """Return the names of a function's parameters without a default; None if it does not tell."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some NumPy functions
        return None
    return [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]


def evaluate(steps, inputs):
    """Return {name: array}: the result of every step, each input in front of the first step that reads it."""
    known, values = dict(inputs), {}
    for step in steps:
        known[step.name] = np.asarray(step.function(*(known[name] for name in step.reads)))
        values |= {name: known[name] for name in (*step.reads, step.name)}
    return values


def downstream(steps, name):
    """Return the names of the values that are computed from `name`, in order."""
    reached = [name]
    for step in steps:
        if any(read in reached for read in step.reads):
            reached.append(step.name)
    return reached[1:]


def evaluate_from(steps, values, name, array):
    """Replace the value called `name`, and compute anew only what comes after it. Nothing is written to."""
    known = dict(values) | {name: array}
    for step in steps:
        if step.name in downstream(steps, name):
            known[step.name] = np.asarray(step.function(*(known[read] for read in step.reads)))
    return known


def nudged(array, index, epsilon):
    """Return a copy of the array with one entry moved by epsilon."""
    moved = np.array(array, dtype=np.result_type(array, epsilon, np.float64))
    moved[index] += epsilon
    return moved


def changes(steps, values, name, index, epsilon):
    """Return {name: after − before} for the nudged value and all that comes after it."""
    after = evaluate_from(steps, values, name, nudged(values[name], index, epsilon))
    return {key: after[key] - values[key] for key in (name, *downstream(steps, name))}


def slopes(steps, values, name, index):
    """Return {name: ∂(value)/∂(entry)} for the entry itself and all that comes after it.

    By the complex step (lesson 01, equation (1.3)); where a function does not take complex numbers, by
    central differences.
    """
    names = (name, *downstream(steps, name))
    # A function that does not take complex numbers raises what it likes, or drops the imaginary part.
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        after = evaluate_from(steps, values, name, nudged(values[name], index, 1j * COMPLEX_STEP))
        if all(np.iscomplexobj(after[key]) for key in names):
            return {key: after[key].imag / COMPLEX_STEP for key in names}
    step = CENTRAL_STEP * max(1.0, abs(float(values[name][index])))
    up, down = (changes(steps, values, name, index, signed_step) for signed_step in (step, -step))
    return {key: (up[key] - down[key]) / (2 * step) for key in names}


def crossings(steps, before, after):
    """Return [(name, index), …]: the entries that crossed 0 on their way into a ReLU.

    A step counts as a ReLU if its result is max(what it reads, 0), before and after.
    """
    found = []
    for step in steps:
        read = step.reads[0]
        pairs = [(values[read], values[step.name]) for values in (before, after)]
        if len(step.reads) == 1 and all(
            z.shape == a.shape and np.array_equal(a, np.maximum(z, 0)) for z, a in pairs
        ):
            crossed = (before[read] > 0) != (after[read] > 0)
            found += [(read, tuple(int(i) for i in index)) for index in np.argwhere(crossed)]
    return found


def off_by(measured, promised):
    """Return the difference as a share of the promise; 0/0 is 0, and a change that nobody promised is inf."""
    scale = abs(promised)
    difference = abs(measured - promised)
    if difference <= 1e-9 * max(scale, 1e-3):
        return 0.0
    return difference / scale if scale else np.inf


def as_view(array):
    """Return what a MatrixView draws: a number as (1, 1), a vector as one row."""
    return array.reshape((1,) * (2 - array.ndim) + array.shape) if array.ndim < 2 else array


def view_index(index):
    """Return where an array's entry stands in its view."""
    return (0,) * (2 - len(index)) + tuple(index) if len(index) < 2 else tuple(index)


def array_index(cell, ndim):
    """Return which entry of the array stands in a cell of its view."""
    return tuple(cell)[max(0, 2 - ndim) :] if ndim < 2 else tuple(cell)


class NudgeExplorer(Explorer):
    """Nudge any entry of a small computation, and see which values move, against the promise of the slope.

    Click an entry of the upper row to choose it, and set the nudge ε. The lower row says by how much each
    value moves. Point at one of them: its promised change (slope × ε) and the measured one are written out.

    Parameters
    ----------
    x : array_like of float, up to rank 3, or mapping of name to array, optional
        The input, or several by name. By default the example below: x, W1, W2.
    steps : list of (name, function), optional
        What is computed, in order. A function of one parameter is given the value before it; one whose
        parameters are names of earlier values is given those.
        By default x → fully connected → ReLU → fully connected → half the squared distance.
    start : (name, index), optional
        The entry that is nudged first.
    epsilon : float
        The first nudge, one of `SIZES` up to its sign.
    title : str

    Notes
    -----
    The static twin is `plots.nudge`; `twin()` draws it for the present state.

    Examples
    --------
    >>> NudgeExplorer([[1.0, -2.0, 3.0]], [("doubled", lambda x: 2 * x), ("J", lambda d: (d**2).sum())])
    NudgeExplorer(x → doubled → J): run the cell to use it
    """

    def __init__(self, x=None, steps=None, *, start=None, epsilon=0.01, title=""):
        if x is None and steps is None:
            x, steps = _two_layers()
            start = start or ("x", (0, 0))
        elif x is None or steps is None:
            raise ValueError("NudgeExplorer: pass both x and steps, or neither")
        inputs = x if isinstance(x, Mapping) else {"x": x}
        inputs = {name: _as_input(name, array) for name, array in inputs.items()}
        self.steps = as_steps(steps, inputs)
        self.before = evaluate(self.steps, inputs)
        for name, array in self.before.items():
            _drawable(name, array)
        self.name, self.index = self._as_entry(start or (next(iter(inputs)), (0,) * _rank(inputs)))
        if abs(epsilon) not in SIZES:
            raise ValueError(
                f"NudgeExplorer: epsilon must be one of {', '.join(f'{e:g}' for e in SIZES)} or its "
                f"negative; got {epsilon!r}"
            )
        self.target = None
        self._quiet = False
        self._build(epsilon)
        chain = " → ".join([next(iter(inputs)), *(step.name for step in self.steps)])
        super().__init__(
            title=title or "Nudge one entry: which values move, and by how much?",
            summary=f"NudgeExplorer({chain if len(chain) < 70 else f'{len(self.before)} arrays'}): "
            "run the cell to use it",
            parts=[self.controls, self.board, self.range_box],
            lines=4,
        )
        self._choose(self.name, self.index)

    @classmethod
    def fully_connected(cls, x=None, w=None, b=None, *, start=("W", (2, 1)), epsilon=1, title=""):
        """Return the explorer of one fully connected layer, Z = X W + b (lesson 02).

        Parameters
        ----------
        x : array_like, (M, N), optional
        w : array_like, (N, K), optional
        b : array_like, (K,), optional
            By default small integers, M = 4, N = 5, K = 3.
        start : (name, index)
            The entry that is nudged first.
        epsilon : float
            The first nudge.
        title : str
        """
        if x is None and w is None and b is None:
            rng = np.random.default_rng(1)
            x, w, b = (rng.integers(-4, 5, size=size) for size in ((4, 5), (5, 3), (3,)))
        inputs = {"X": x, "W": w, "b": b}
        missing = [name for name, array in inputs.items() if array is None]
        if missing:
            raise ValueError(
                f"NudgeExplorer.fully_connected: pass x, w and b, or none of them; {missing[0]} is missing"
            )
        return cls(
            inputs,
            [("Z", lambda X, W, b: fc_forward(X, W, b)[0])],
            start=start,
            epsilon=epsilon,
            title=title or "Z = X W + b: nudge one entry and see which outputs move",
        )

    # What the present state is, in numbers

    @property
    def epsilon(self):
        """The nudge, with its sign."""
        return self.sign.value * self.size.value

    @property
    def measured(self):
        """{name: change} of the nudged entry and of all that comes after it."""
        return changes(self.steps, self.before, self.name, self.index, self.epsilon)

    @property
    def promised(self):
        """{name: slope} of the nudged entry and of all that comes after it."""
        return self._slopes

    def twin(self):
        """Return the static figure of the present state: the target's array before and after."""
        name = self._target()[0]
        before = self.before[name]
        after = before + self.measured.get(name, np.zeros(before.shape))
        before, after = (np.atleast_1d(a) if a.ndim < 3 else a.ravel() for a in (before, after))
        if before.size > 25:
            moved = np.flatnonzero(before.ravel() != after.ravel())[:25]
            moved = moved if moved.size else np.arange(25)
            labels = [str(list(map(int, np.unravel_index(i, before.shape)))) for i in moved]
            before, after = before.ravel()[moved], after.ravel()[moved]
        else:
            labels = [name] if before.size == 1 else None
        return plots.nudge(
            before,
            after,
            labels=labels,
            title=f"{at(self.name, self.index)} nudged by {signed(self.epsilon)}",
            ylabel=name,
        )

    # The widgets

    def _build(self, epsilon):
        self.size = widgets.SelectionSlider(
            options=[(f"{size:g}".replace("e-0", "e−"), size) for size in SIZES],
            value=abs(epsilon),
            description="nudge ε",
            continuous_update=True,
            tooltip="size of the nudge, in powers of ten and a few between",
            style={"description_width": "60px"},
            layout={"width": "340px"},
        )
        self.sign = base.toggles(
            "", [("up, +ε", 1), ("down, −ε", -1)], 1 if epsilon > 0 else -1, width="220px", button="104px"
        )
        self.shown = base.toggles("", list(SHOWN.items()), "change", width="330px", button="102px")
        below = base.row(base.words("shown below:"), self.shown, gap="8px", align="center", wrap=False)
        self.controls = base.controls(self.size, self.sign, below)
        shapes = [as_view(array).shape for array in self.before.values()]
        roomy = sum(shape[1] for shape in shapes) <= 18 and max(shape[0] for shape in shapes) <= 3
        cell = 38 if roomy else 36
        self.values, self.moves = {}, {}
        for name, array in self.before.items():
            options = {"cell": cell, "numbers": True, "indices": _names_indices(array)}
            self.values[name] = MatrixView(
                as_view(array),
                title=name,
                kind="plain",
                description=f"{name}: click an entry to nudge it",
                **options,
            )
            self.moves[name] = MatrixView(
                np.zeros(as_view(array).shape),
                title=f"Δ{name}",
                kind="gradient",
                description=f"how each entry of {name} moves",
                **options,
            )
            self.values[name].observe(self._on_selected, names="selected")
            self.moves[name].observe(self._on_active, names="active")
        self.board = widgets.GridBox(
            [*self.values.values(), *self.moves.values()],
            layout={
                "grid_template_columns": f"repeat({len(shapes)}, max-content)",
                "grid_gap": "4px 14px",
                "overflow": "auto hidden",
            },
        )
        self.sizes = MatrixView(
            np.zeros((2, len(SIZES))),
            title="the same entry for every size of nudge",
            kind="plain",
            cell=54,
            numbers=True,
            decimals=2,
            row_labels=["change ÷ ε", "slope"],
            col_labels=[label for label, _ in self.size.options],
            description="measured change divided by the nudge, for every size, above the promised slope",
        )
        self.sizes.observe(self._on_size_selected, names="selected")
        self.range_box = widgets.VBox([self.sizes])
        for control in (self.size, self.sign, self.shown):
            control.observe(self._on_control, names="value")

    @guarded
    def _on_selected(self, change):
        if change["new"] is None or self._quiet:
            return
        name = next(name for name, view in self.values.items() if view is change["owner"])
        self._choose(name, array_index(change["new"], self.before[name].ndim))

    @guarded
    def _on_active(self, change):
        if self._quiet:
            return
        pointed = {name: view.active for name, view in self.moves.items() if view.active is not None}
        here = next((name for name, view in self.moves.items() if view is change["owner"]), None)
        if here not in pointed:  # the pointer left; a cell may still be pinned in another array
            here = next(iter(pointed), None)
        self.target = None if here is None else (here, array_index(pointed[here], self.before[here].ndim))
        self._write()

    @guarded
    def _on_size_selected(self, change):
        if change["new"] is not None:
            self.size.value = SIZES[change["new"][1]]

    @guarded
    def _on_control(self, change):
        self._draw()

    def choose(self, name, index):
        """Nudge another entry: the array's name and the index in it."""
        self._choose(*self._as_entry((name, index)))

    @guarded
    def _choose(self, name, index):
        self.name, self.index = name, index
        self._quiet = True
        try:
            for other, view in self.values.items():  # one chosen entry in all the arrays
                if other != name:
                    view.selected = view.pinned = None
            for view in self.moves.values():
                view.pinned = None
        finally:
            self._quiet = False
        self.target = None
        self._slopes = slopes(self.steps, self.before, name, index)
        self._draw()

    def _draw(self):
        moved = self.measured
        unit = 10.0 ** np.floor(np.log10(self.size.value)) if self.size.value < 0.01 else 1.0
        power = f", ×{unit:.0e}".replace("1e-0", "10⁻") if unit != 1 else ""
        power = power.translate(str.maketrans("3456", "³⁴⁵⁶")) if power else ""
        for name in self.before:
            change = moved.get(name)
            changed = [] if change is None else [view_index(tuple(i)) for i in np.argwhere(change)]
            chosen = [view_index(self.index)] if name == self.name else []
            downstream_cells = [cell for cell in changed if cell not in chosen]
            groups = [Highlight(chosen, "orange"), Highlight(downstream_cells, "blue")]
            self.values[name].highlights = groups
            shown, title = self._below(name, change, unit, power)
            self.moves[name].update(as_view(shown), highlights=groups, title=title)
        self._write()

    def _below(self, name, change, unit, power):
        """Return what stands below an array, and its title."""
        if self.shown.value == "promised":
            return self._slopes.get(name, np.zeros(self.before[name].shape)), f"slope of {name}"
        change = np.zeros(self.before[name].shape) if change is None else change
        if self.shown.value == "measured":
            return _clean(change / self.epsilon), f"Δ{name} ÷ ε"
        return _clean(change / unit), f"Δ{name}{power}"

    def _target(self):
        """Return the entry that is written out: the one pointed at, or the last array's that moves most."""
        if self.target is not None:
            return self.target
        name = next(reversed(self.before))
        slope = self._slopes.get(name)
        if slope is None:
            name = list(self._slopes)[-1]
            slope = self._slopes[name]
        return name, tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(slope)), slope.shape))

    @guarded
    def _write(self):
        epsilon, moved = self.epsilon, self.measured
        name, index = self._target()
        start = float(self.before[self.name][self.index])
        lines = [
            [
                Mark(at(self.name, self.index), "orange", True),
                f" is nudged by ε = {signed(epsilon)}: {written(start)} → {written(start + epsilon, 8)}.  ",
                "Moved: ",
                Mark(self._counted(moved), "blue"),
                ".",
            ]
        ]
        if name in moved:
            slope, change = float(self._slopes[name][index]), float(moved[name][index])
            share = off_by(change, slope * epsilon)
            lines.append(
                f"{at(name, index)}: promised  slope × ε = {written(slope)} × {factor(epsilon)} = "
                f"{written(slope * epsilon)}      measured  {written(change)}"
            )
            lines.append(_verdict(share, change, slope * epsilon))
        else:
            lines.append(f"{at(name, index)} does not read {at(self.name, self.index)}: it cannot move.")
            lines.append("")
        crossed = crossings(
            self.steps, self.before, self.before | {key: self.before[key] + moved[key] for key in moved}
        )
        if crossed:
            lines.append(
                [
                    "Crossed 0 on the way into ReLU: ",
                    Mark(", ".join(at(*one) for one in crossed), "vermillion"),
                ]
            )
        else:
            lines.append("")
        self.write(*lines)
        self._draw_sizes(name, index)

    def _counted(self, moved):
        """Return ``z 2 of 3, J 1 of 1``."""
        names = [name for name in moved if name != self.name]
        if not names:
            return "nothing, no value is computed from it"
        return ", ".join(f"{name} {np.count_nonzero(moved[name])} of {moved[name].size}" for name in names)

    def _draw_sizes(self, name, index):
        """Draw change ÷ ε of the target for every size of nudge."""
        key = (self.name, self.index, name, index, self.sign.value)
        if key != getattr(self, "_sizes_key", None):
            slope = float(self._slopes[name][index]) if name in self._slopes else 0.0
            table = np.zeros((2, len(SIZES)))
            table[1] = slope
            for j, size in enumerate(SIZES):
                epsilon = self.sign.value * size
                moved = changes(self.steps, self.before, self.name, self.index, epsilon)
                table[0, j] = float(moved[name][index]) / epsilon if name in moved else 0.0
            self._sizes_key, self._table = key, table
        broken = [(0, j) for j in range(len(SIZES)) if off_by(*self._table[:, j]) > BROKEN * (1 + 1e-9)]
        now = [(i, SIZES.index(self.size.value)) for i in range(2)]
        self.sizes.update(
            self._table,
            highlights=[Highlight(now, "orange"), Highlight(broken, "vermillion")],
            title=f"{at(name, index)}: change ÷ ε for every size of nudge, above the slope that promised it",
        )

    def _as_entry(self, start):
        """Check (name, index); return it with an index as a tuple."""
        if not (isinstance(start, (tuple, list)) and len(start) == 2 and start[0] in self.before):
            raise ValueError(
                f"NudgeExplorer: start must be (name, index) with a name from {', '.join(self.before)}; "
                f"got {start!r}"
            )
        name, index = start
        index = (index,) if isinstance(index, (int, np.integer)) else tuple(index)
        shape = self.before[name].shape
        if len(index) != len(shape) or not all(0 <= i < n for i, n in zip(index, shape)):
            raise ValueError(
                f"NudgeExplorer: start must be an index into {name} of shape {shape}; got {index}"
            )
        return name, tuple(int(i) for i in index)


def _two_layers():
    """Return the default example; z[0, 1] is 1 and z[0, 2] is −2, so larger nudges of x cross the kink."""
    inputs = {
        "x": np.array([[2.0, 1.0]]),
        "W1": np.array([[1.0, -1.0, -2.0], [1.0, 3.0, 2.0]]),
        "W2": np.array([[2.0, -1.0], [1.0, 2.0], [-1.0, 1.0]]),
    }
    no_bias = np.zeros
    target = np.array([[4.0, 0.0]])
    steps = [
        ("z", lambda x, W1: fc_forward(x, W1, no_bias(3))[0]),
        ("a", lambda z: relu_forward(z)[0]),
        ("s", lambda a, W2: fc_forward(a, W2, no_bias(2))[0]),
        ("J", lambda s: ((s - target) ** 2).sum() / 2),
    ]
    return inputs, steps


def _as_input(name, array):
    """Return an input as a float64 array of its own."""
    array = np.asarray(array)
    if array.dtype.kind not in "iuf" or array.ndim > 3 or not array.size:
        raise TypeError(
            f"NudgeExplorer: {name} must be an array of real numbers, of rank 3 at most and not empty; "
            f"got {array.dtype} of shape {array.shape}"
        )
    return np.array(array, dtype=np.float64)


def _drawable(name, array):
    """Check that a value is real, and small enough to be drawn with its numbers."""
    if array.dtype.kind not in "iufb" or array.ndim > 3:
        raise TypeError(
            f"NudgeExplorer: step {name!r} must return real numbers, of rank 3 at most; "
            f"got {array.dtype} of shape {array.shape}"
        )
    if array.size > MOST_ENTRIES:
        raise ValueError(
            f"NudgeExplorer: {name} must have at most {MOST_ENTRIES} entries to be read; "
            f"its shape is {array.shape}"
        )


def _rank(inputs):
    return next(iter(inputs.values())).ndim


def _names_indices(array):
    """Whether the view names its rows and columns: a lone number needs none."""
    return array.ndim > 0 and array.size > 1


def _clean(array, digits=9):
    """Return the array to so many digits of its largest entry, so that 0.1 + 0.2 − 0.3 is 0."""
    array = np.asarray(array, dtype=float)
    size = np.abs(array).max(initial=0)
    if not size or not np.isfinite(size):
        return array
    return np.round(array, digits - int(np.ceil(np.log10(size)))) + 0.0


def _verdict(share, change, promised):
    """Return whether the promise is kept, in words."""
    if share == 0:
        return "The promise is kept exactly: on this way everything is a straight line."
    difference = f"off by {signed(change - promised)}"
    if not np.isfinite(share):
        return f"{difference}: nothing was promised."
    percent = f"{difference}, {rounded_percent(share)} of the promise"
    return (
        f"{percent}: still good."
        if share <= BROKEN * (1 + 1e-9)
        else f"{percent}: no longer good, the nudge is too large."
    )


def rounded_percent(share):
    """Return a share in percent with two digits: ``0.05 %``."""
    return f"{written(100 * share, 2)} %"
