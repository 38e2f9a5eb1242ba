"""Max and average pooling, forward and backward, under the pointer (lesson 09)."""

import functools

import ipywidgets as widgets
import numpy as np

from backprop_helpers.layers import pool_backward, pool_forward
from backprop_helpers.layers._validate import as_array, as_pair
from backprop_helpers.views.explorers._base import (
    Mark,
    check,
    choice,
    controls,
    guarded,
    int_slider,
    row,
    set_range,
    sign,
    toggles,
    words,
)
from backprop_helpers.views.explorers._linked import LinkedExplorer
from backprop_helpers.views.matrix_view import Highlight, MatrixView

NAME = "PoolingExplorer"
LARGEST = 4  # size and stride
LARGEST_IMAGE = 16  # rows or columns: what fits beside its gradients with readable numbers
MOST_CHANNELS = 16
INPUT, WINNER, OUTPUT, TIED, LEFT_OUT = "blue", "vermillion", "vermillion", "purple", "black"
WRITTEN_WINDOWS = 9

EXAMPLE_X = np.array([[1, 3, 2, 0, 2], [4, 4, 2, 1, 0], [0, 1, 6, 5, 3], [2, 5, 1, 6, 1], [3, 0, 2, 4, 1]])
EXAMPLE_DZ = np.array([[1, -2], [3, 2]])
HINT = "Point at any cell, or Tab into a matrix and use the arrows. A click holds the cell; Escape lets go."


def indexed(letter, cell):
    """Return ``"X[1,−1]"``."""
    return f"{letter}[{','.join(written(index) for index in cell)}]"


def written(number):
    """Return a number as text: integers in full, others with four significant digits; a true minus sign."""
    if isinstance(number, (int, np.integer)):
        text = str(int(number))
    else:
        text = f"{float(number):.4g}".replace("e-0", "e-").replace("e+0", "e+")
        text = "0" if text == "-0" else text
    return text.replace("-", "−")


def bracketed(number):
    """Return a number as a factor: in brackets if it is negative."""
    text = written(number)
    return f"({text})" if text.startswith("−") else text


def equals(number):
    """Return "=" if `written` shows a number to the last digit, else "≈"."""
    exact = isinstance(number, (int, np.integer)) or float(f"{float(number):.4g}") == number
    return "=" if exact else "≈"


def repeated(a, shape):
    """Return `a` cut, or repeated from the start, to `shape` rows and columns."""
    rows, columns = (np.arange(size) % have for size, have in zip(shape, a.shape))
    return a[rows][:, columns]


class Pooling:
    """One setting of the layer: arrays, geometry, and who sends what to whom.

    Parameters
    ----------
    x : ndarray, (H_in, W_in, C)
    dz : ndarray, (rows, columns, C)
        Repeated or cut to the output's size.
    size, stride : (int, int)
    mode : "max" or "average"
    """

    def __init__(self, x, dz, *, size, stride, mode):
        self.x, self.mode = x, mode
        z, cache = pool_forward(x[None], size=size, stride=stride, mode=mode)
        self.windows = cache.windows
        self.z = z[0]
        self.dz = repeated(dz, self.windows.count)
        self.dx = pool_backward(self.dz[None], cache)[0]
        self.winner = None if cache.winner is None else cache.winner[0]
        self.plain = x.shape[2] == 1

    @functools.cached_property
    def outputs(self):
        """All output positions in row-major order."""
        return list(np.ndindex(self.windows.count))

    def window(self, output):
        """Return the pixels that an output reads, in row-major order."""
        (s_h, s_w) = self.windows.stride
        return [(output[0] * s_h + u, output[1] * s_w + v) for u, v in self.windows.offsets()]

    @functools.cached_property
    def readers(self):
        """For each pixel that is read at all: the outputs that read it."""
        found = {}
        for output in self.outputs:
            for pixel in self.window(output):
                found.setdefault(pixel, []).append(output)
        return found

    @property
    def left_over(self):
        """The pixels that no window reads: the remainder, or what lies between windows."""
        return [pixel for pixel in np.ndindex(self.x.shape[:2]) if pixel not in self.readers]

    def winner_of(self, output, c):
        """Return the pixel that was the first maximum of a window."""
        return self.window(output)[self.winner[(*output, c)]]

    def tied(self, output, c):
        """Return every pixel that holds the maximum of a window, the winner first."""
        top = self.z[(*output, c)]
        if top != top:  # NaN equals nothing, not even itself
            return [self.winner_of(output, c)]
        return [pixel for pixel in self.window(output) if self.x[(*pixel, c)] == top]

    def ties(self, c):
        """Return the outputs whose maximum stands more than once."""
        return [output for output in self.outputs if len(self.tied(output, c)) > 1]

    def won(self, pixel, c):
        """Return the outputs of which `pixel` is the first maximum."""
        return [o for o in self.readers.get(pixel, []) if self.winner_of(o, c) == pixel]

    def paid_to_every_tie(self, c):
        """Return dX, (H_in, W_in), if every tied pixel got the whole gradient: not what the layer does."""
        dx = np.zeros(self.x.shape[:2], self.dz.dtype)
        for output in self.outputs:
            for pixel in self.tied(output, c):
                dx[pixel] += self.dz[(*output, c)]
        return dx

    def name(self, letter, cell):
        """Return ``"X[1,1]"``, with the channel if there are several."""
        return indexed(letter, cell[:2] if self.plain else cell)


class PoolingExplorer(LinkedExplorer):
    """Where each unit of gradient goes, in max and in average pooling.

    Point at an entry of Z or dZ to see its window and who receives its gradient; at a pixel of X or dX to see
    the windows that it is in and what it gets. Letters name the windows, as in `plots.routing`. In max
    pooling the first of equals wins, in row-major order; "pay every tie" shows what would happen otherwise.
    Where the output grows beyond your dZ, the given numbers are repeated from the start.

    Parameters
    ----------
    x : array_like, (H, W) or (1, H, W, C), optional
        One image, at most 16×16 pixels and 16 channels. The default has a tie and a remainder.
    dz : array_like, (H_out, W_out) or (1, H_out, W_out, C), optional
        The gradient that comes from above.
    size : int or (int, int)
    stride : int, (int, int) or None
        None: the stride follows the size.
    mode : "max" or "average"

    Raises
    ------
    TypeError, ValueError
        As `backprop_helpers.layers.pool_forward`; or an image that is too large to be drawn cell by cell.

    See Also
    --------
    backprop_helpers.views.plots.routing : the static picture; `twin` returns the one of the present state.

    Notes
    -----
    Lesson 09 derives both modes.
    """

    def __init__(self, x=None, dz=None, *, size=2, stride=None, mode="max"):
        self._x = as_image("x", EXAMPLE_X if x is None else x, function=NAME)
        channels = self._x.shape[2]
        if dz is None:
            self._dz = np.stack([np.roll(EXAMPLE_DZ, c) for c in range(channels)], axis=2)
        else:
            letters = "(H_out, W_out) or (1, H_out, W_out, C)"
            self._dz = as_image("dz", dz, letters=letters, limit=None, function=NAME)
            if self._dz.shape[2] != channels:
                raise ValueError(f"{NAME}: dz must have x's {channels} channels; dz has {self._dz.shape[2]}")
        self.setting = Pooling(self._x, self._dz, size=size, stride=stride, mode=mode)
        count = self.setting.windows.count
        if dz is not None and self._dz.shape[:2] != count:
            raise ValueError(
                f"{NAME}: dz must have the shape of the output, {count[0]}×{count[1]} (rows × columns); "
                f"dz is {self._dz.shape[0]}×{self._dz.shape[1]}"
            )
        self._shown = {}
        self._make_controls(size, stride, mode)
        columns = self._x.shape[1] * 2 + count[1]
        self.cell = int(np.clip((1180 - 300) / columns, 28, 46))
        self.views = {name: self._view(name) for name in ("X", "Z", "dX", "dZ", "every tie")}
        height, width, _ = self._x.shape
        super().__init__(
            title="Pooling: where does each unit of gradient go?",
            summary=f"{NAME}(x {height}×{width}×{channels}, {mode}): run the cell to use it",
            parts=self._parts(),
            lines=4,
        )
        self._observe()
        self._refresh()

    # Making ----------------------------------------------------------------------------------------------

    def _make_controls(self, size, stride, mode):
        size = as_pair(NAME, "size", size)
        follows = stride is None
        stride = size if follows else as_pair(NAME, "stride", stride)
        self.mode = toggles("", [("max", "max"), ("average", "average")], mode, button="90px")
        self._caps = max(LARGEST, *size), max(LARGEST, *stride, *size)
        pairs = len(set(size)) > 1 or len(set(stride)) > 1

        def sliders(name, pair, hint):
            labels = [f"{name} ↓", f"{name} →"] if pairs else [name]
            return [
                int_slider(label, value, 1, 99, hint=hint, width="230px", described="70px")
                for label, value in zip(labels, pair)
            ]

        self.sliders = {
            "size": sliders("size", size, "rows and columns of a window, F"),
            "stride": sliders("stride", stride, "pixels from one window to the next, s"),
        }
        self.follows = widgets.ToggleButton(
            value=follows,
            description="stride = size",
            tooltip="the windows lie side by side",
            layout={"width": "120px"},
        )
        self.pay_every_tie = check(
            "pay every tie",
            hint="what dX would be if every tied pixel got its window's gradient",
            width="130px",
        )
        self.channel = choice("channel c", range(self._x.shape[2]), 0, width="150px", described="70px")
        self._fit_ranges()

    def _view(self, name):
        values, title = self._content(name)
        kind = "value" if name in ("X", "Z") else "gradient"
        return MatrixView(values, title=title, kind=kind, cell=self.cell, description=DESCRIPTIONS[name])

    def _parts(self):
        self.side = widgets.VBox([])
        self.grid = widgets.GridBox(
            [
                self.views["X"],
                sign("⟶"),
                self.views["Z"],
                self.views["dX"],
                sign("⟵"),
                self.views["dZ"],
            ],
            layout={
                "grid_template_columns": "repeat(3, max-content)",
                "grid_gap": "10px 14px",
                "align_items": "flex-start",
                "justify_items": "flex-start",
            },
        )
        line = [self.mode, *self.sliders["size"], *self.sliders["stride"], self.follows, self.pay_every_tie]
        if len(self.channel.options) > 1:
            line.append(self.channel)
        return [controls(*line), row(self.grid, self.side, gap="12px 40px", align="flex-end"), words(HINT)]

    def _observe(self):
        for slider in (*self.sliders["size"], *self.sliders["stride"]):
            slider.observe(self._on_geometry, "value")
        self.follows.observe(self._on_geometry, "value")
        self.mode.observe(self._on_geometry, "value")
        self.channel.observe(self._on_view, "value")
        self.pay_every_tie.observe(self._on_view, "value")

    # Geometry --------------------------------------------------------------------------------------------

    def _fit_ranges(self):
        """Let the sliders end where no window would fit, or no step would make a difference."""
        height, width = self._x.shape[:2]
        for name, cap in zip(("size", "stride"), self._caps):
            pair = self.sliders[name]
            limits = (height, width) if len(pair) == 2 else (min(height, width),)
            for slider, limit in zip(pair, limits):
                start = slider.value if name == "stride" and slider.max == 99 else 1
                set_range(slider, 1, max(min(limit, cap), start))
        if self.follows.value:
            for size, stride in zip(self.sliders["size"], self.sliders["stride"]):
                stride.value = size.value
                stride.disabled = True

    @guarded
    def _on_geometry(self, _change):
        if self._busy:
            return
        self._busy = True
        try:
            self._fit_ranges()
            self.setting = Pooling(
                self._x,
                self._dz,
                size=self.chosen("size"),
                stride=self.chosen("stride"),
                mode=self.mode.value,
            )
            self._release()
        finally:
            self._busy = False
        self._refresh()

    # What the matrices hold ------------------------------------------------------------------------------

    def _content(self, name):
        s, c = self.setting, self.channel.value
        if name == "every tie":
            values = s.paid_to_every_tie(c)
            return values, f"if every tie is paid: sum {written(values.sum())}"
        values = {"X": s.x, "Z": s.z, "dX": s.dx, "dZ": s.dz}[name][:, :, c]
        return values, name if name in "XZ" else f"{name}: sum {written(values.sum())}"

    def _refresh(self):
        """Redraw everything."""
        limit = float(np.nanmax(np.abs(self.setting.dz[:, :, self.channel.value]), initial=0)) or 1.0
        for name, view in self.views.items():
            values, title = self._content(name)
            if view.shape != values.shape:
                self._shown.pop(name, None)  # a view of another shape forgets its highlights
            view.update(values, title=title, limit=limit if name not in ("X", "Z") else None)
        self.pay_every_tie.disabled = self.mode.value != "max"
        children = (self.views["every tie"],) if self._compares() else ()
        if self.side.children != children:
            self.side.children = children
        self._point()

    def _compares(self):
        return self.mode.value == "max" and self.pay_every_tie.value

    # Pointing --------------------------------------------------------------------------------------------

    def _point(self):
        """Write out, and mark in every matrix, what the active cell takes part in."""
        name, cell = self._pointed()
        if cell is None:
            marks, lines = self._at_rest()
        elif name in ("Z", "dZ"):
            marks, lines = self._at_output(cell, name)
        else:
            marks, lines = self._at_pixel(cell, name)
        for other, view in self.views.items():
            groups = tuple(group for group in marks.get(other, ()) if group.cells)
            if self._shown.get(other, ()) != groups:
                self._shown[other] = groups
                view.highlights = groups
        self.write(*lines)

    def _letters(self):
        """Return a letter for each output, or None when there are more windows than letters."""
        outputs = self.setting.outputs
        if len(outputs) > len(LETTERS):
            return None
        return dict(zip(outputs, LETTERS))

    def _at_rest(self):
        s, c, letters = self.setting, self.channel.value, self._letters()
        left_over = s.left_over
        marks = {name: [] for name in self.views}
        lines = []
        if s.mode == "max":
            winners = {}
            for output in s.outputs:
                winners.setdefault(s.winner_of(output, c), []).append(output)
            texts = [senders(outputs, letters) for outputs in winners.values()] if letters else None
            marks["X"].append(Highlight(list(winners), WINNER, "first largest", texts=texts))
            marks["dX"].append(Highlight(list(winners), WINNER, "receives", texts=texts))
            losers = {p for o in s.ties(c) for p in s.tied(o, c)[1:]} - set(winners)
            marks["X"].append(Highlight(sorted(losers), TIED, "tied, not first"))
            marks["every tie"].append(
                Highlight(sorted({p for o in s.ties(c) for p in s.tied(o, c)}), TIED, "tied")
            )
            ties = s.ties(c)
            lines.append(
                f"{count_of(len(s.outputs), 'window')}: each sends its gradient to one pixel. "
                + (
                    f"{count_of(len(ties), 'window')} with a tie: the first in row-major order wins."
                    if ties
                    else "No window has a tie."
                )
            )
        else:
            lines.append(
                f"{count_of(len(s.outputs), 'window')}: each shares its gradient out, one "
                f"{ordinal(len(s.windows.offsets()))} to every pixel it read."
            )
        for name in ("Z", "dZ"):
            if letters:
                marks[name].append(Highlight(s.outputs, OUTPUT, "", texts=list(letters.values())))
        if left_over:
            for name in ("X", "dX"):
                marks[name].append(Highlight(left_over, LEFT_OUT, "read by no window"))
            lines.append(f"{count_of(len(left_over), 'pixel')} read by no window: the gradient there is 0.")
        lines.append(self._sums())
        return marks, lines

    def _sums(self):
        s, c = self.setting, self.channel.value
        sent, received = s.dz[:, :, c].sum(), s.dx[:, :, c].sum()
        line = ["Sum of ", Mark("dZ", OUTPUT), f": {written(sent)}.  Sum of ", Mark("dX", INPUT)]
        line.append(f": {written(received)}.")
        if self._compares():
            paid = s.paid_to_every_tie(c).sum()
            line += [
                f"  If every tie were paid: {written(paid)}",
                ", the same here." if np.isclose(paid, sent) else ", not what came in.",
            ]
        return line

    def _at_output(self, output, own):
        s, c = self.setting, self.channel.value
        window = s.window(output)
        values = [s.x[(*p, c)] for p in window]
        twin = "dZ" if own == "Z" else "Z"
        z, dz = Mark(s.name("Z", (*output, c)), OUTPUT, True), Mark(s.name("dZ", (*output, c)), OUTPUT, True)
        share = s.dz[(*output, c)]
        marks = {twin: [Highlight([output], OUTPUT, "same output")]}
        if s.mode == "max":
            tied = s.tied(output, c)
            winner = s.winner_of(output, c)
            marks["X"] = [
                Highlight(window, INPUT, "its window"),
                Highlight([winner], WINNER, "first largest"),
                Highlight([p for p in tied if p != winner], TIED, "tied, not first"),
            ]
            marks["dX"] = [Highlight(window, INPUT, "its window"), Highlight([winner], WINNER, "receives")]
            marks["every tie"] = [Highlight(tied, TIED, "all receive")]
            lines = [
                [z, " = max(", *listed(values), ") = ", Mark(written(s.z[(*output, c)]), OUTPUT, True)],
                [dz, " = ", Mark(written(share), OUTPUT), " goes to "]
                + [
                    Mark(s.name("X", (*winner, c)), INPUT),
                    f" = {written(s.x[(*winner, c)])}, and to no other.",
                ],
            ]
            if len(tied) > 1:
                others = ", ".join(s.name("X", (*p, c)) for p in tied if p != winner)
                verb = "equals" if len(tied) == 2 else "equal"
                lines.append(
                    [Mark(others, TIED), f" {verb} it; the first in row-major order gets everything."]
                )
                if self._compares():
                    lines.append(
                        f"If every tie were paid: {len(tied)}·{bracketed(share)} = "
                        f"{written(len(tied) * share)} "
                        f"handed on, {written(share)} came in."
                    )
            return marks, lines
        n = len(window)
        marks["X"] = [Highlight(window, INPUT, "its window")]
        marks["dX"] = [Highlight(window, INPUT, f"each gets one {ordinal(n)}")]
        lines = [
            [
                z,
                " = (",
                *listed(values, " + ", bracketed),
                f")/{n} = {written(sum(values))}/{n} {equals(s.z[(*output, c)])} ",
            ]
            + [Mark(written(s.z[(*output, c)]), OUTPUT, True)],
            [dz, " = ", Mark(written(share), OUTPUT), f" is shared out: {bracketed(share)}/{n} "]
            + [f"{equals(share / n)} ", Mark(written(share / n), INPUT), f" to each of the {n} pixels."],
        ]
        return marks, lines

    def _at_pixel(self, pixel, own):
        s, c = self.setting, self.channel.value
        readers = s.readers.get(pixel, [])
        marks = {
            name: [Highlight([pixel], INPUT, "the same pixel")]
            for name in ("X", "dX", "every tie")
            if name != own
        }
        x, dx = Mark(s.name("X", (*pixel, c)), INPUT), Mark(s.name("dX", (*pixel, c)), INPUT, True)
        head = [x, f" = {written(s.x[(*pixel, c)])} "]
        if not readers:
            return marks, [[*head, "is read by no window."], [dx, " = 0"]]
        windows = count_of(len(readers), "window")
        shown_readers = readers[:WRITTEN_WINDOWS]
        more = len(readers) > WRITTEN_WINDOWS
        total = s.dx[(*pixel, c)]
        if s.mode == "average":
            n = len(s.windows.offsets())
            for name in ("Z", "dZ"):
                marks[name] = [Highlight(readers, OUTPUT, "reads it")]
            names = listed([s.name("dZ", (*o, c)) for o in shown_readers], " + ", str, OUTPUT)
            numbers = listed([s.dz[(*o, c)] for o in shown_readers], " + ", bracketed, OUTPUT)
            rest = [f" + … {len(readers) - WRITTEN_WINDOWS} more"] if more else []
            part = sum(s.dz[(*o, c)] for o in readers)
            return marks, [
                [
                    *head,
                    f"is in {windows}, which {'send' if len(readers) > 1 else 'sends'} it one {ordinal(n)} "
                    f"of {'their gradients' if len(readers) > 1 else 'its gradient'}.",
                ],
                [dx, " = (", *names, *rest, f")/{n}"],
                [
                    " " * len(dx.text),
                    " = (",
                    *numbers,
                    *rest,
                    f")/{n} = {written(part)}/{n} {equals(total)} ",
                ]
                + [Mark(written(total), INPUT, True)],
            ]
        won = s.won(pixel, c)
        tied = [o for o in readers if o not in won and pixel in s.tied(o, c)]
        lost = [o for o in readers if o not in won and o not in tied]
        for name in ("Z", "dZ"):
            marks[name] = [
                Highlight(won, WINNER, "it wins"),
                Highlight(tied, TIED, "it ties"),
                Highlight(lost, LEFT_OUT, "it loses"),
            ]
        verdicts = []
        for outputs, verdict in ((won, "wins "), (tied, "ties, but is not first, in "), (lost, "loses ")):
            if outputs:
                listing = ", ".join(s.name("Z", (*o, c)) for o in outputs[:WRITTEN_WINDOWS])
                verdicts.append(f"{verdict}{listing}{', …' if len(outputs) > WRITTEN_WINDOWS else ''}")
        lines = [[*head, f"is in {windows}. It {'; '.join(verdicts)}."]]
        if won:
            shown_won = won[:WRITTEN_WINDOWS]
            rest = [f" + … {len(won) - len(shown_won)} more"] if len(won) > len(shown_won) else []
            lines.append(
                [dx, " = ", *listed([s.name("dZ", (*o, c)) for o in shown_won], " + ", str, OUTPUT), *rest]
            )
            if len(won) > 1:
                numbers = listed([s.dz[(*o, c)] for o in shown_won], " + ", bracketed, OUTPUT)
                lines.append([" " * len(dx.text), " = ", *numbers, *rest])
            lines[-1] = [*lines[-1], f" {equals(total)} ", Mark(written(total), INPUT, True)]
        else:
            lines.append([dx, " = ", Mark("0", INPUT, True), ": no window chose it."])
        if self._compares() and tied:
            paid = s.paid_to_every_tie(c)[pixel]
            lines.append(f"If every tie were paid it would get {written(paid)}.")
        return marks, lines

    # Static ----------------------------------------------------------------------------------------------

    def twin(self):
        """Return the static figure of the present state: `plots.routing`."""
        from backprop_helpers.views import plots

        s, c = self.setting, self.channel.value
        return plots.routing(
            s.x[:, :, c],
            s.dz[:, :, c],
            size=s.windows.size,
            stride=s.windows.stride,
            mode=s.mode,
            title="Who gets which gradient?",
        )


LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
DESCRIPTIONS = {
    "X": "X, the input",
    "Z": "Z, one number a window",
    "dX": "dX, the gradient of the loss with respect to X",
    "dZ": "dZ, the gradient of the loss with respect to Z",
    "every tie": "dX if every tied pixel got its window's gradient",
}


# Text ------------------------------------------------------------------------------------------------------


def listed(items, between=", ", text=written, color=INPUT):
    """Return the items as marked pieces with `between` between them."""
    pieces = []
    for item in items:
        pieces += [Mark(text(item), color), between]
    return pieces[:-1]


def senders(outputs, letters):
    """Return the letters of a pixel's windows: ``"ab"``; more than three are counted, ``"5×"``."""
    return "".join(letters[o] for o in outputs) if len(outputs) <= 3 else f"{len(outputs)}×"


def count_of(number, noun):
    """Return ``"1 window"`` or ``"4 windows"``."""
    return f"{number} {noun}{'s' * (number != 1)}"


def ordinal(n):
    """Return the name of the share: ``"quarter"``, ``"ninth"``, or ``"12th"``."""
    names = {1: "whole", 2: "half", 3: "third", 4: "quarter", 6: "sixth", 8: "eighth", 9: "ninth"}
    return names.get(n, f"{n}th")


def as_image(name, a, letters="(H, W) or (1, H, W, C)", limit=LARGEST_IMAGE, function=NAME):
    """Return one image as (H, W, C)."""
    a = as_array(function, name, a)
    if a.ndim == 2:
        a = a[None, :, :, None]
    if a.ndim != 4 or len(a) != 1:
        raise ValueError(
            f"{function}: {name} must be one example, {letters}; {name} has shape {a.shape}"
            + (f"; take one, such as {name}[:1]" if a.ndim == 4 else "")
        )
    real(name, a, function)
    if limit and max(a.shape[1:3]) > limit:
        raise ValueError(
            f"{function}: {name} has at most {limit}×{limit} pixels here, so that every number can be read; "
            f"{name} is {a.shape[1]}×{a.shape[2]}. Cut out a part, such as {name}[:, 8:18, 8:18]"
        )
    if a.shape[3] > MOST_CHANNELS:
        raise ValueError(f"{function}: {name} has at most {MOST_CHANNELS} channels here; it has {a.shape[3]}")
    return a[0].copy()


def real(name, a, function=NAME):
    """Reject complex numbers: they have no colour."""
    if a.dtype.kind == "c":
        raise TypeError(f"{function}: {name} must be real; its dtype is {a.dtype}")
