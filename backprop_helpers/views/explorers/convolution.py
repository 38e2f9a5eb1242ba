"""A convolutional layer, forward and backward, under the pointer (lessons 05 to 08)."""

import ipywidgets as widgets
import numpy as np

from backprop_helpers.layers._validate import as_array, as_pair, described, shown
from backprop_helpers.views.explorers import _conv_terms as terms
from backprop_helpers.views.explorers._base import (
    Mark,
    choice,
    controls,
    guarded,
    int_slider,
    row,
    say,
    set_range,
    sign,
    toggles,
    words,
)
from backprop_helpers.views.explorers._conv_terms import (
    Convolution,
    bracketed,
    equals,
    indexed,
    repeated,
    written,
)
from backprop_helpers.views.explorers._linked import LinkedExplorer
from backprop_helpers.views.matrix_view import Highlight, MatrixView

NAME = "ConvolutionExplorer"
FOCUSES = ("all", "forward", "weights", "input")
READINGS = ("scatter-add", "correlation", "sparse matrix")
LARGEST_IMAGE = 16  # rows or columns: what fits beside its gradients with readable numbers
LARGEST_KERNEL = 7
MOST_CHANNELS = 16
WRITTEN_TERMS = 12  # products in a line; the rest is summed up
NUMBERED_TERMS = 25
CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳㉑㉒㉓㉔㉕"
#: One colour a role, in the cells and in the text.
INPUT, WEIGHT, OUTPUT = "blue", "green", "vermillion"
COLORS = {
    "X": INPUT,
    "dX": INPUT,
    "W": WEIGHT,
    "dW": WEIGHT,
    "W̄": WEIGHT,
    "T": WEIGHT,
    "b": WEIGHT,
    "db": WEIGHT,
}

EXAMPLE_X = np.array([[3, 1, 2], [0, 4, 1], [5, 2, 6]])
EXAMPLE_W = np.array([[1, 2], [3, -1]])
EXAMPLE_B = 1
EXAMPLE_DZ = np.array([[1, -2], [3, 2]])
KINDS = {"X": "value", "Z": "value"}
ROWS = {
    "all": (("X", "W", "b", "Z"), ("dX", "dW", "db", "dZ")),
    "forward": (("X", "W", "b", "Z"), ()),
    "weights": (("X", "W", "b", "Z"), (None, "dW", "db", "dZ")),
    "input": (("X", "W", "b", "Z"), ("dX", None, None, "dZ")),
}
FRAME = "padding"
HINT = "Point at any cell, or Tab into a matrix and use the arrows. A click holds the cell; Escape lets go."


class ConvolutionExplorer(LinkedExplorer):
    """X, W, b and Z, and below each its gradient: point at a cell to see every product it takes part in.

    The formula of the cell is written out with its numbers. The slider "outputs so far" adds up dX, dW and db
    one output after the other. Stride, padding, dilation and kernel size can be changed; each slider ends
    where the window would no longer fit. Where the output grows beyond your dZ, or the kernel beyond your w,
    the given numbers are repeated from the start. dX can be read in three ways: as scatter-add; as a
    correlation of the turned kernel W̄ with D, which is dZ spread out by the stride with zeros around it; as a
    column of the sparse matrix T.

    Parameters
    ----------
    x : array_like, (H, W) or (1, H, W, C), optional
        One image, at most 16×16 pixels and 16 channels. The default is the example of lessons 05 to 08.
    w : array_like, (F_h, F_w) or (F_h, F_w, C, K), optional
        At most 7×7, 16 filters.
    b : number or array_like, (K,), optional
    dz : array_like, (H_out, W_out) or (1, H_out, W_out, K), optional
        The gradient that comes from above.
    stride, dilation : int or (int, int)
    padding : "same", "valid", int or (int, int)
    focus : "all", "forward", "weights" or "input"
        Which matrices are shown: everything, without gradients, without dX, without dW and db.

    Raises
    ------
    TypeError, ValueError
        As `backprop_helpers.layers.conv_forward`; or an array that is too large to be drawn cell by cell.

    See Also
    --------
    backprop_helpers.views.plots.touches : the static picture of a cell; `twin` returns the one in sight.
    backprop_helpers.views.plots.sparse_matrix, backprop_helpers.views.plots.matrices : those of the readings.

    Notes
    -----
    Lesson 05 derives Z, lesson 06 dW and db, lesson 07 dX, lesson 08 the general case.
    """

    def __init__(self, x=None, w=None, b=None, dz=None, *, stride=1, padding=0, dilation=1, focus="all"):
        if not isinstance(focus, str) or focus not in FOCUSES:
            raise ValueError(
                f"{NAME}: focus must be one of {', '.join(map(repr, FOCUSES))}; got {shown(focus)}"
            )
        self.shows = focus
        self._x, self._w, self._b, self._dz = as_arrays(x, w, b, dz)
        if isinstance(padding, str) and padding == "valid":
            padding = 0
        self.setting = Convolution(
            self._x, self._w, self._b, self._dz, stride=stride, padding=padding, dilation=dilation
        )
        if dz is not None and self._dz.shape[:2] != self.setting.windows.count:
            count = self.setting.windows.count
            raise ValueError(
                f"{NAME}: dz must have the shape of the output, {count[0]}×{count[1]} (rows × columns); "
                f"dz is {self._dz.shape[0]}×{self._dz.shape[1]}"
            )
        self._scrubbed = False
        self._shown = {}
        self._make_controls(stride, padding, dilation)
        self._make_views()
        height, width, channels = self._x.shape
        rows, columns, _, filters = self._w.shape
        super().__init__(
            title=TITLES[focus],
            summary=f"{NAME}(x {height}×{width}×{channels}, w {rows}×{columns}×{channels}×{filters}): "
            "run the cell to use it",
            parts=self._parts(),
            lines=6,
        )
        self._observe()
        self._refresh()

    # Making ----------------------------------------------------------------------------------------------

    def _make_controls(self, stride, padding, dilation):
        height, width, channels = self._x.shape
        filters = self._w.shape[3]
        stride, dilation = as_pair(NAME, "stride", stride), as_pair(NAME, "dilation", dilation)
        self._strides = stride  # legal as they are, even beyond the image
        same = isinstance(padding, str)
        padding = self.setting.windows.padding[::2] if same else as_pair(NAME, "padding", padding, 0)
        start = {"kernel": self._w.shape[:2], "stride": stride, "padding": padding, "dilation": dilation}
        self.caps = {
            "kernel": max(terms.LARGEST_KERNEL, *start["kernel"]),
            "stride": max(terms.LARGEST_STEP, *stride),
            "padding": max(terms.LARGEST_PADDING, *padding),
            "dilation": max(terms.LARGEST_STEP, *dilation),
        }
        self.sliders = {}
        for name, pair in start.items():
            both = len(set(pair)) == 1 and (name != "kernel" or height == width or pair[0] == pair[1])
            labels = [name] if both else [f"{name} ↓", f"{name} →"]
            self.sliders[name] = [
                int_slider(
                    label,
                    value,
                    0,
                    99,
                    hint=HINTS[name],
                    width="232px" if both else "200px",
                    described="62px" if both else "78px",
                )
                for label, value in zip(labels, pair)
            ]
        self.same = widgets.ToggleButton(
            value=same,
            description="same",
            tooltip='padding="same": as many outputs as pixels, divided by the stride',
            layout={"width": "64px"},
        )
        steps = len(self.setting.outputs)
        self.steps = int_slider(
            "outputs so far",
            steps,
            0,
            steps,
            width="380px",
            described="105px",
            hint="dX, dW and db after so many outputs have sent their share",
        )
        self.play = widgets.Play(
            value=steps,
            min=0,
            max=steps,
            interval=900,
            show_repeat=False,
            tooltip="add one output after the other",
        )
        self.reading = toggles("dX read as", READINGS, READINGS[0], button="136px", hints=READING_HINTS)
        self.channel = choice("channel c", range(channels), 0, width="150px", described="70px")
        self.filter = choice("filter k", range(filters), 0, width="150px", described="60px")
        self._fit_ranges()
        self.setting = self._chosen_setting()

    def _make_views(self):
        self.cell = self._cell()
        self.views = {}
        for line in ROWS[self.shows]:
            for name in line:
                if name is not None:
                    self.views[name] = self._view(name)
        if "dX" in self.views:
            for name in ("D", "W̄", "T"):
                self.views[name] = self._view(name)

    def _view(self, name):
        values, options = self._content(name)
        return MatrixView(
            values,
            title=options["title"],
            kind=KINDS.get(name, "weight" if name in ("W", "b", "W̄", "T") else "gradient"),
            limit=options["limit"],
            row_labels=options["row_labels"] or None,
            col_labels=options["col_labels"] or None,
            cell=options["cell"],
            description=DESCRIPTIONS[name],
        )

    def _cell(self):
        """Return the side of a cell in CSS pixels: large, but X, W, b and Z fit side by side."""
        left, right = self.setting.windows.padding[2:]
        columns = self._x.shape[1] + left + right + self._w.shape[1] + 1 + self.setting.windows.count[1]
        return int(np.clip((1100 - 390) / columns, 28, 44))

    def _parts(self):
        self.words = words(HINT)
        upper, lower = ROWS[self.shows]
        cells = []
        for line, between in ((upper, ("⊛", "+", "=")), (lower, ("", "", "⟵"))):
            for position, name in enumerate(line):
                if position:
                    cells.append(sign(between[position - 1]))
                cells.append(self.views[name] if name else widgets.HTML(""))
        self.grid = widgets.GridBox(
            cells,
            layout={
                "grid_template_columns": "repeat(7, max-content)",
                "grid_gap": "10px 8px",
                "align_items": "flex-start",
                "justify_items": "flex-start",
                "max_width": "100%",
                "overflow": "auto hidden",  # a wide X scrolls beside an open file browser
            },
        )
        geometry = [*self.sliders["kernel"], *self.sliders["stride"], *self.sliders["padding"], self.same]
        self.side = widgets.VBox([], layout={"min_width": "0"})
        lines = []
        if lower:
            lines += [self.play, self.steps]
        if "dX" in self.views:
            lines.append(self.reading)
        if len(self.channel.options) > 1:
            lines.append(self.channel)
        if len(self.filter.options) > 1:
            lines.append(self.filter)
        # Above the matrices: a reading may add some below, and no button moves away under the pointer.
        above = controls(*geometry, *self.sliders["dilation"], *lines)
        return [above, row(self.grid, self.side, gap="12px 40px"), self.words]

    def _observe(self):
        for pair in self.sliders.values():
            for slider in pair:
                slider.observe(self._on_geometry, "value")
        self.same.observe(self._on_geometry, "value")
        self.steps.observe(self._on_steps, "value")
        self.play.observe(self._on_play, "value")
        self.reading.observe(self._on_view, "value")
        self.channel.observe(self._on_view, "value")
        self.filter.observe(self._on_view, "value")

    # Geometry --------------------------------------------------------------------------------------------

    def _fit_ranges(self):
        """Let every slider end where the window would no longer fit, given all the others."""
        size = self._x.shape[:2]
        kernel, dilation = self.chosen("kernel"), self.chosen("dilation")
        self._fit("padding", [terms.legal_padding(*axis) for axis in zip(size, kernel, dilation)])
        padding = (None, None) if self.same.value else self.chosen("padding")
        # The dilation before the kernel: it may just have gone to 1, because one weight has no gaps.
        gaps = [(1, terms.legal_dilation(*axis)) for axis in zip(size, padding, kernel)]
        if len(self.sliders["dilation"]) == 1 and max(kernel) > 1:  # an axis with one weight has no say
            gaps = [reach for reach, weights in zip(gaps, kernel) if weights > 1] * 2
        self._fit("dilation", gaps[:2])
        dilation = self.chosen("dilation")
        self._fit("kernel", [(1, terms.legal_kernel(*axis)) for axis in zip(size, padding, dilation)])
        self._fit("stride", [(1, max(terms.legal_stride(h), first)) for h, first in zip(size, self._strides)])
        if self.same.value:
            for slider in self.sliders["padding"]:
                slider.disabled = True

    def _fit(self, name, ranges):
        """Set the range of one slider, or of the two; one slider for both axes may go where both may go."""
        pair = self.sliders[name]
        if len(pair) == 1:
            (low, high), (other_low, other_high) = ranges
            ranges = [(max(low, other_low), min(high, other_high))]
        for slider, (low, high) in zip(pair, ranges):
            high = min(high, self.caps[name])
            set_range(slider, low, max(high, low))

    def _chosen_setting(self):
        return Convolution(
            self._x,
            repeated(self._w, self.chosen("kernel")),
            self._b,
            self._dz,
            stride=self.chosen("stride"),
            padding="same" if self.same.value else self.chosen("padding"),
            dilation=self.chosen("dilation"),
        )

    @guarded
    def _on_geometry(self, _change):
        if self._busy:
            return
        self._busy = True
        try:
            self._fit_ranges()
            self.setting = self._chosen_setting()
            steps = len(self.setting.outputs)
            set_range(self.steps, 0, steps)
            self.steps.value = steps
            self.play.max = steps
            self.play.value = steps
            self._scrubbed = False
            self._release()
        finally:
            self._busy = False
        self._refresh()

    # Time, readings, channels ----------------------------------------------------------------------------

    @guarded
    def _on_play(self, change):
        if not self._busy:
            self.steps.value = change["new"]

    @guarded
    def _on_steps(self, change):
        if self._busy:
            return
        self._scrubbed = True
        self._busy = True
        try:
            self.play.value = change["new"]
        finally:
            self._busy = False
        self._refresh()

    # What the matrices hold ------------------------------------------------------------------------------

    def _content(self, name):
        """Return the values of a matrix for the present state, and how to draw them."""
        s, c, k, step = self.setting, self.channel.value, self.filter.value, self.steps.value
        options = {"title": name, "limit": None, "row_labels": (), "col_labels": (), "cell": self.cell}
        if name == "X":
            top, bottom, left, right = s.windows.padding
            values = np.pad(s.x[:, :, c], ((top, bottom), (left, right)))
            options["row_labels"] = [written(i - top) for i in range(len(values))]
            options["col_labels"] = [written(j - left) for j in range(values.shape[1])]
            if top or bottom or left or right:
                options["title"] = "X and its padding"
        elif name == "W":
            values = s.w[:, :, c, k]
        elif name == "b":
            values = s.b[k : k + 1, None]
        elif name == "Z":
            values = s.z[:, :, k]
        elif name == "dZ":
            values = s.dz[:, :, k]
        elif name in ("dX", "dW", "db"):
            grown = s.growth[("dX", "dW", "db").index(name)]
            grown = {
                "dX": lambda: grown[..., c],
                "dW": lambda: grown[..., c, k],
                "db": lambda: grown[:, k, None, None],
            }[name]()
            values = grown[step]
            options["limit"] = float(np.nanmax(np.abs(grown), initial=0)) or 1.0
            if step < len(s.outputs):
                options["title"] = f"{name} so far"
        elif name == "D":
            values = s.surrounded(k)
        elif name == "W̄":
            values = s.turned(c, k)
            options["title"] = "W̄: W turned"
        else:
            values = s.sparse(c, k)
            options["title"] = "T: row = output, column = pixel"
            options["cell"] = int(np.clip(600 / values.shape[1], 9, 36))
        return values, options

    def _refresh(self):
        """Redraw everything."""
        shown_side = self._side()
        for name, view in self.views.items():
            if name in ("D", "W̄", "T") and name not in shown_side:
                continue
            values, options = self._content(name)
            if view.shape == values.shape:
                options.pop("cell")
            else:
                self._shown.pop(name, None)  # a view of another shape forgets its highlights
            view.update(values, **options)
        self._point()

    def _side(self):
        """Put the matrices of the chosen reading of dX beside the others; return their names."""
        if "dX" not in self.views:
            return ()
        names = {"scatter-add": (), "correlation": ("D", "W̄"), "sparse matrix": ("T",)}[self.reading.value]
        before = self.setting.zeros_before
        between = pair_text([s - 1 for s in self.setting.windows.stride])
        notes = {
            "scatter-add": "",
            "correlation": f"D: dZ, {between} zero{'s' * (between != '1')} between its entries, "
            + (
                f"{pair_text(before)} around"
                if min(before) >= 0
                else f"{pair_text(before)} around (below 0: cropped)"
            ),
            "sparse matrix": "Z = T x + b,  dX = Tᵀ dZ: one row an output, one column a pixel",
        }
        children = (
            (words(notes[self.reading.value]), row(*(self.views[n] for n in names), gap="12px 24px"))
            if names
            else ()
        )
        if [getattr(child, "value", None) for child in self.side.children] != [
            getattr(child, "value", None) for child in children
        ] or self._shown.get("side") != names:
            self.side.children = children
            self._shown["side"] = names
        return names

    # Pointing --------------------------------------------------------------------------------------------

    def _point(self):
        """Write out, and mark in every matrix, what the active cell takes part in."""
        name, cell = self._pointed()
        if cell is not None:
            picture = getattr(self, "_at_" + METHODS[name])(cell)
        elif self._scrubbed and self.steps.value:
            picture = self._at_step(self.steps.value - 1)
        else:
            picture = {}, self._at_rest()
        marks, lines = picture
        for other, view in self.views.items():
            if other in ("D", "W̄", "T") and other not in self._shown.get("side", ()):
                continue
            groups = tuple(marks.get(other, ()))
            if other == "X" and any(self.setting.windows.padding):
                groups = (self._frame(), *groups)
            if self._shown.get(other, ()) != groups:
                self._shown[other] = groups
                view.highlights = groups
        self.write(*lines)
        self.words.value = say(HINT)

    def _frame(self):
        """Return the outline of the padding: X's own cells keep the room for the other outlines."""
        (height, width), (top, bottom, left, right) = self.setting.x.shape[:2], self.setting.windows.padding
        padding = [
            (i, j)
            for i, j in np.ndindex(top + height + bottom, left + width + right)
            if not (top <= i < top + height and left <= j < left + width)
        ]
        return Highlight(padding, "black", FRAME)

    def _at_rest(self):
        s = self.setting
        (f_h, f_w), (h, w) = s.windows.size, s.windows.count
        lines = [
            f"{h * w} output{'s' * (h * w > 1)}, each the sum of {f_h * f_w * s.x.shape[2]} "
            f"product{'s' * (f_h * f_w * s.x.shape[2] > 1)} and a bias."
        ]
        unread = [p for p in np.ndindex(s.x.shape[:2]) if p not in s.readers]
        if unread:
            lines.append(
                f"{len(unread)} pixel{'s are' if len(unread) > 1 else ' is'} read by no window: "
                f"{', '.join(indexed('X', p) for p in unread[:8])}{', …' if len(unread) > 8 else ''}. "
                "No gradient arrives there."
            )
        return lines

    def _so_far(self):
        """Return (steps, words): how many outputs have been added up, None when all have."""
        step, all_steps = self.steps.value, len(self.setting.outputs)
        return (None, "") if step == all_steps else (step, f" after {step} of {all_steps} outputs")

    def _pixel_in_view(self, pixel):
        """Return the cell of the drawn, padded X that shows a pixel."""
        return pixel[0] + self.setting.windows.padding[0], pixel[1] + self.setting.windows.padding[2]

    def _at_pixel(self, pixel, own):
        """Return the picture of a pixel of X or dX (`own`): everything that reads it."""
        s, c, k = self.setting, self.channel.value, self.filter.value
        steps, so_far = self._so_far()
        readers = s.readers.get(pixel, [])
        outputs, offsets = [r[0] for r in readers], [r[1] for r in readers]
        numbers = numbered(len(readers))
        marks = {
            "Z": [Highlight(outputs, OUTPUT, "reads it", texts=numbers)],
            "dZ": [Highlight(outputs, OUTPUT, "sends to it", texts=numbers)],
            "W": [Highlight(offsets, WEIGHT, "joins them", texts=numbers)],
        }
        twin = "dX" if own == "X" else "X"
        if s.inside(pixel):
            marks[twin] = [
                Highlight([pixel if twin == "dX" else self._pixel_in_view(pixel)], INPUT, "the same pixel")
            ]
        title = s.name("X", (*pixel, c))
        count = f"{len(readers)} output{'s' * (len(readers) != 1)}"
        if not s.inside(pixel):
            lines = [
                [
                    Mark(title, INPUT),
                    f" is padding, always 0. It is read by {count}; what comes back to it is dropped.",
                ]
            ]
            return marks, lines
        moves = ", ".join(
            f"{s.name('Z', (*output, k))} by {bracketed(s.w[(*offset, c, k)])}·ε"
            for output, offset in readers[:WRITTEN_TERMS]
        )
        lines = [
            [Mark(title, INPUT), f" = {written(s.value(pixel, c))} is read by {count}."]
            + ([f" Nudge it by ε: {moves}{', …' if len(readers) > WRITTEN_TERMS else ''}."] if moves else [])
        ]
        if "dX" not in self.views:
            return marks, lines
        reading = self.reading.value
        if reading == "correlation" and steps is None:
            formula = s.of_pixel_by_correlation(pixel, c, k)
            d_h, d_w = s.windows.dilation
            window = [(pixel[0] + u * d_h, pixel[1] + v * d_w) for u, v in s.windows.offsets()]
            texts = numbered(len(window))
            marks["D"] = [Highlight(window, OUTPUT, "the window at this pixel", texts=texts)]
            marks["W̄"] = [Highlight(s.windows.offsets(), WEIGHT, "", texts=texts)]
        elif reading == "sparse matrix" and steps is None:
            formula = s.of_pixel_by_matrix(pixel, c, k)
            column = pixel[0] * s.x.shape[1] + pixel[1]
            marks["T"] = [Highlight([(q, column) for q in range(len(s.outputs))], INPUT, f"column {column}")]
        else:
            formula = s.of_pixel(pixel, c, k, steps)
        return marks, lines + formula_lines(formula, so_far)

    def _at_x(self, cell):
        top, _, left, _ = self.setting.windows.padding
        return self._at_pixel((cell[0] - top, cell[1] - left), "X")

    def _at_dx(self, cell):
        return self._at_pixel(cell, "dX")

    def _at_w(self, offset, own="W"):
        s, c, k = self.setting, self.channel.value, self.filter.value
        steps, so_far = self._so_far()
        outputs = s.outputs[:steps] if own == "dW" else s.outputs
        pixels = [self._pixel_in_view(s.pixel(output, offset)) for output in outputs]
        numbers = numbered(len(outputs))
        marks = {
            "X": [Highlight(pixels, INPUT, "times this weight", texts=numbers)],
            "Z": [Highlight(outputs, OUTPUT, "", texts=numbers)],
            "dZ": [Highlight(outputs, OUTPUT, "", texts=numbers)],
            ("W" if own == "dW" else "dW"): [Highlight([offset], WEIGHT, "the same weight")],
        }
        (s_h, s_w) = s.windows.stride
        title = s.name("W", (*offset, c, k))
        lines = [
            [
                Mark(title, WEIGHT),
                f" = {written(s.w[(*offset, c, k)])} multiplies {len(s.outputs)} "
                f"entr{'ies' if len(s.outputs) > 1 else 'y'} of X, one for each output, "
                f"{step_text(s_h, s_w)} apart.",
            ]
        ]
        if "dW" in self.views:
            lines += formula_lines(s.of_weight(offset, c, k, steps), so_far)
        else:
            lines += [
                join(
                    [
                        [Mark(s.name("Z", (*o, k)), OUTPUT), " takes ", *product(s_term(s, o, offset, c, k))]
                        for o in s.outputs[:WRITTEN_TERMS]
                    ],
                    ",  ",
                    len(s.outputs) > WRITTEN_TERMS,
                )
            ]
        return marks, lines

    def _at_dw(self, offset):
        return self._at_w(offset, "dW")

    def _window_marks(self, output):
        s = self.setting
        pixels = [s.pixel(output, offset) for offset in s.windows.offsets()]
        numbers = numbered(len(pixels))
        inside = [(p, t) for p, t in zip(pixels, numbers or [None] * len(pixels)) if s.inside(p)]
        return {
            "X": [Highlight([self._pixel_in_view(p) for p in pixels], INPUT, "its window", texts=numbers)],
            "W": [Highlight(s.windows.offsets(), WEIGHT, "", texts=numbers)],
            "dX": [
                Highlight(
                    [p for p, _ in inside],
                    INPUT,
                    "its window",
                    texts=[t for _, t in inside] if numbers else None,
                )
            ],
        }

    def _at_z(self, output):
        s, c, k = self.setting, self.channel.value, self.filter.value
        marks = self._window_marks(output)
        marks.pop("dX")
        marks["b"] = [Highlight([(0, 0)], WEIGHT)]
        marks["dZ"] = [Highlight([output], OUTPUT, "its gradient")]
        row_of_t = s.outputs.index(output)
        marks["T"] = [
            Highlight([(row_of_t, p) for p in range(s.x.shape[0] * s.x.shape[1])], OUTPUT, f"row {row_of_t}")
        ]
        lines = [
            [
                Mark(s.name("Z", (*output, k)), OUTPUT),
                " reads one window",
                ", shifted by its position times the stride" if max(s.windows.stride) > 1 else "",
                ".",
            ]
        ]
        return marks, lines + formula_lines(s.of_output(output, c, k))

    def _at_dz(self, output, title=None):
        s, c, k = self.setting, self.channel.value, self.filter.value
        marks = self._window_marks(output)
        marks["Z"] = [Highlight([output], OUTPUT)]
        if title:
            marks["dZ"] = [Highlight([output], OUTPUT, "sends now")]
        marks["dW"] = [Highlight(s.windows.offsets(), WEIGHT, "all of it")]
        marks["db"] = [Highlight([(0, 0)], WEIGHT)]
        cell_of_d = [output[n] * s.windows.stride[n] + s.zeros_before[n] for n in (0, 1)]
        if s.output_at(cell_of_d) == output and all(
            0 <= at < size for at, size in zip(cell_of_d, s.surrounded(k).shape)
        ):
            marks["D"] = [Highlight([tuple(cell_of_d)], OUTPUT)]
        row_of_t = s.outputs.index(output)
        marks["T"] = [
            Highlight([(row_of_t, p) for p in range(s.x.shape[0] * s.x.shape[1])], OUTPUT, f"row {row_of_t}")
        ]
        value = s.dz[(*output, k)]
        name = Mark(s.name("dZ", (*output, k)), OUTPUT, strong=True)
        lines = [[title or "", name, f" = {written(value)} is multiplied by what its forward window held:"]]
        offsets = s.windows.offsets()
        if "dX" in self.views:
            parts = [
                [
                    Mark(s.name("dX", (*s.pixel(output, offset), c)), INPUT),
                    " += ",
                    Mark(bracketed(value), OUTPUT),
                    "·",
                    Mark(bracketed(s.w[(*offset, c, k)]), WEIGHT),
                ]
                for offset in offsets
                if s.inside(s.pixel(output, offset))
            ]
            dropped = len(offsets) - len(parts)
            lines.append(
                join(parts[:WRITTEN_TERMS], ",  ", len(parts) > WRITTEN_TERMS)
                + ([f"   ({dropped} fall in the padding)"] if dropped else [])
            )
        if "dW" in self.views:
            parts = [
                [
                    Mark(s.name("dW", (*offset, c, k)), WEIGHT),
                    " += ",
                    Mark(bracketed(s.value(s.pixel(output, offset), c)), INPUT),
                    "·",
                    Mark(bracketed(value), OUTPUT),
                ]
                for offset in offsets
            ]
            lines.append(join(parts[:WRITTEN_TERMS], ",  ", len(parts) > WRITTEN_TERMS))
        if "db" in self.views:
            lines.append([Mark(s.bias_name(k, "db"), WEIGHT), " += ", Mark(written(value), OUTPUT)])
        return marks, lines

    def _at_step(self, step):
        return self._at_dz(self.setting.outputs[step], f"Output {step + 1} of {len(self.setting.outputs)}: ")

    def _at_b(self, _cell):
        s, k = self.setting, self.filter.value
        steps, so_far = self._so_far()
        marks = {
            "Z": [Highlight(s.outputs, OUTPUT, "all contain b")],
            "dZ": [Highlight(s.outputs[:steps], OUTPUT, "added up")],
        }
        lines = [
            [Mark(s.bias_name(k), WEIGHT), f" = {written(s.b[k])} stands in every output, with the factor 1."]
        ]
        if "db" in self.views:
            lines += formula_lines(s.of_bias(k, steps), so_far)
        return marks, lines

    def _at_d(self, cell):
        s, k = self.setting, self.filter.value
        output = s.output_at(cell)
        if output is None:
            return {}, [[Mark(indexed("D", cell), OUTPUT), " = 0 was put in: no output stands here."]]
        marks, _ = self._at_dz(output)
        marks["dZ"] = [Highlight([output], OUTPUT, "the same entry")]
        marks.pop("D", None)
        return marks, [
            [Mark(indexed("D", cell), OUTPUT), " = ", Mark(s.name("dZ", (*output, k)), OUTPUT)]
            + [f" = {written(s.dz[(*output, k)])}. The outlined pixels of dX receive it."]
        ]

    def _at_turned(self, cell):
        s, c, k = self.setting, self.channel.value, self.filter.value
        offset = tuple(f - 1 - at for f, at in zip(s.windows.size, cell))
        marks = {"W": [Highlight([offset], WEIGHT, "the same weight")]}
        return marks, [
            [Mark(indexed("W̄", cell), WEIGHT), " = ", Mark(s.name("W", (*offset, c, k)), WEIGHT)]
            + [f" = {written(s.w[(*offset, c, k)])}: counted from the other end, in rows and in columns."]
        ]

    def _at_t(self, cell):
        s, c, k = self.setting, self.channel.value, self.filter.value
        output, pixel = s.outputs[cell[0]], divmod(cell[1], s.x.shape[1])
        offset = s.weight_between(*cell)
        z, x = Mark(s.name("Z", (*output, k)), OUTPUT), Mark(s.name("X", (*pixel, c)), INPUT)
        marks = {
            "Z": [Highlight([output], OUTPUT, f"row {cell[0]}")],
            "dZ": [Highlight([output], OUTPUT, f"row {cell[0]}")],
            "X": [Highlight([self._pixel_in_view(pixel)], INPUT, f"column {cell[1]}")],
            "dX": [Highlight([pixel], INPUT, f"column {cell[1]}")],
        }
        entry = Mark(indexed("T", cell), WEIGHT)
        if offset is None:
            return marks, [[entry, " = 0: ", z, " does not read ", x, ", so nothing flows back either."]]
        marks["W"] = [Highlight([offset], WEIGHT, "stands there")]
        return marks, [
            [
                entry,
                " = ",
                Mark(s.name("W", (*offset, c, k)), WEIGHT),
                f" = {written(s.w[(*offset, c, k)])}: ",
            ]
            + [z, " reads ", x, " through it; on the way back ", x, " receives from ", z, " through it."]
        ]

    # Static ----------------------------------------------------------------------------------------------

    def twin(self):
        """Return the static figure of the present state, from `plots`."""
        from backprop_helpers.views import plots

        s, c, k = self.setting, self.channel.value, self.filter.value
        name, cell = self._pointed()
        x, w = s.x[:, :, c], s.w[:, :, c, k]
        symmetric = (
            s.windows.padding[0] == s.windows.padding[1] and s.windows.padding[2] == s.windows.padding[3]
        )
        geometry = {
            "stride": s.windows.stride,
            "padding": s.windows.padding[::2] if symmetric else "same",
            "dilation": s.windows.dilation,
        }
        if cell is not None and name in ("X", "dX"):
            pixel = cell if name == "dX" else (cell[0] - s.windows.padding[0], cell[1] - s.windows.padding[2])
            if s.inside(pixel):
                return plots.touches(
                    x, w, pixel=pixel, title=f"What {indexed('X', pixel)} touches", **geometry
                )
        if cell is not None and name in ("W", "dW"):
            return plots.touches(x, w, weight=cell, title=f"What {indexed('W', cell)} touches", **geometry)
        if cell is not None and name in ("Z", "dZ"):
            return plots.touches(x, w, output=cell, title=f"What {indexed('Z', cell)} reads", **geometry)
        if "dX" in self.views and self.reading.value == "sparse matrix":
            return plots.sparse_matrix(s.sparse(c, k), title="T: one row an output, one column a pixel")
        if "dX" in self.views and self.reading.value == "correlation":
            return plots.matrices(
                [s.surrounded(k), s.turned(c, k), s.dx[:, :, c]],
                ["D", "W̄", "dX"],
                kinds=["gradient", "weight", "gradient"],
                signs=["⋆", "="] if w.shape[1] and s.w.shape[3] == 1 else None,
                title="dX as a correlation with the turned kernel",
            )
        if self.shows == "forward":
            return plots.matrices(
                [x, w, s.b[k : k + 1, None], s.z[:, :, k]],
                ["X", "W", "b", "Z"],
                kinds=["value", "weight", "weight", "value"],
                title="The forward pass",
            )
        which, letter = (1, "dW") if self.shows == "weights" else (0, "dX")
        grown = s.growth[which][..., c, k] if which else s.growth[which][..., c]
        steps = np.unique(np.linspace(0, len(s.outputs), min(len(s.outputs), 8) + 1).astype(int))
        return plots.matrices(
            [grown[step] for step in steps],
            [f"after {step}" for step in steps],
            kinds="gradient",
            title=f"{letter} grows, one output after the other",
            share=True,
        )


TITLES = {
    "all": "A convolution, forward and backward",
    "forward": "A convolution, forward",
    "weights": "A convolution, backward: the weights and the bias",
    "input": "A convolution, backward: the input",
}
HINTS = {
    "kernel": "rows and columns of the kernel, F",
    "stride": "pixels from one window to the next, s",
    "padding": "zeros around X, p",
    "dilation": "pixels from one weight to the next, d",
}
READING_HINTS = (
    "each output adds its share to the pixels that it read",
    "a window of the turned kernel over dZ with zeros between and around",
    "the columns of the matrix whose rows compute the outputs",
)
DESCRIPTIONS = {
    "X": "X, the input, with its padding",
    "W": "W, the kernel",
    "b": "b, the bias",
    "Z": "Z, the output",
    "dX": "dX, the gradient of the loss with respect to X",
    "dW": "dW, the gradient of the loss with respect to W",
    "db": "db, the gradient of the loss with respect to b",
    "dZ": "dZ, the gradient of the loss with respect to Z",
    "D": "D, dZ spread out by the stride, with zeros around it",
    "W̄": "W̄, the kernel turned by 180 degrees",
    "T": "T, the convolution as a sparse matrix",
}
METHODS = {
    "X": "x",
    "W": "w",
    "b": "b",
    "Z": "z",
    "dX": "dx",
    "dW": "dw",
    "db": "b",
    "dZ": "dz",
    "D": "d",
    "W̄": "turned",
    "T": "t",
}


# Text ------------------------------------------------------------------------------------------------------


def formula_lines(formula, so_far=""):
    """Return two lines, `target = names` and `= numbers = value`, for `Explorer.write`."""
    color = COLORS.get(formula.target.split("[")[0], OUTPUT)
    indent = " " * len(formula.target)
    shown_terms = formula.terms[:WRITTEN_TERMS]
    rest = formula.terms[WRITTEN_TERMS:]
    names, numbers = [], []
    if formula.start is not None:
        names.append([Mark(formula.start[0], WEIGHT)])
        numbers.append([Mark(bracketed(formula.start[1]), WEIGHT)])
    for term in shown_terms:
        names.append(product(term, names=True))
        numbers.append(product(term))
    if rest:
        names.append([f"… {len(rest)} more …"])
        numbers.append([f"[{written(sum(term.value for term in rest))}]"])
    for label, value in formula.others:
        names.append([f"[{label}]"])
        numbers.append([f"[{written(value)}]"])
    head = Mark(formula.target, color, strong=True)
    if not names:
        return [[head, f"{so_far} = 0: nothing is sent here."]]
    total = Mark(written(formula.value), color, strong=True)
    first = [head, f"{so_far} = ", *spread(names)]
    return [first, [f"{indent} = ", *spread(numbers), f" {equals(formula.value)} ", total]]


def product(term, names=False):
    """Return one product as marked pieces: its names, or its numbers."""
    pieces = []
    for side in (term.left, term.right):
        if side is None:
            continue
        name, value, _ = side
        color = COLORS.get(name.split("[")[0], OUTPUT)
        pieces += [Mark(name if names else bracketed(value), color), "·"]
    return pieces[:-1]


def s_term(s, output, offset, c, k):
    """Return X·W, the product that `output` takes through `offset`."""
    return terms.Term(s._x(s.pixel(output, offset), c), s._w(offset, c, k))


def spread(parts):
    """Return the parts with plus signs between them."""
    return join(parts, " + ", False)


def join(parts, between, more):
    """Return the pieces of all parts with `between` between them; `more` ends with an ellipsis."""
    pieces = []
    for part in parts:
        pieces += [*part, between]
    return [*pieces, "…"] if more else pieces[:-1]


def numbered(count):
    """Return ①②③ … for so many cells, or None when there are too many."""
    return list(CIRCLED[:count]) if 1 < count <= NUMBERED_TERMS else None


def pair_text(pair):
    """Return ``"1"`` for (1, 1) and ``"1 and 2"`` for (1, 2): rows and columns."""
    return written(pair[0]) if pair[0] == pair[1] else f"{written(pair[0])} and {written(pair[1])}"


def step_text(rows, columns):
    """Return how far apart neighbours are, in words."""
    if rows == columns:
        return f"{rows} pixel{'s' * (rows > 1)}"
    return f"{rows} rows and {columns} columns"


# Arguments -------------------------------------------------------------------------------------------------


def as_arrays(x, w, b, dz):
    """Check the learner's arrays; return x (H, W, C), w (F_h, F_w, C, K), b (K,), dz (rows, columns, K)."""
    example = x is None and w is None
    x = as_image("x", EXAMPLE_X if x is None else x)
    channels = x.shape[2]
    if w is None:
        w = np.broadcast_to(EXAMPLE_W[:, :, None, None], (2, 2, channels, 1)).copy()
        w = w[: x.shape[0], : x.shape[1]]
    else:
        w = as_array(NAME, "w", w)
        if w.ndim == 2:
            w = w[:, :, None, None]
        if w.ndim != 4:
            raise ValueError(f"{NAME}: w must be (F_h, F_w) or (F_h, F_w, C, K); w has shape {w.shape}")
    real("w", w)
    if max(w.shape[:2]) > LARGEST_KERNEL or w.shape[3] > MOST_CHANNELS:
        raise ValueError(
            f"{NAME}: w has at most {LARGEST_KERNEL}×{LARGEST_KERNEL} entries and {MOST_CHANNELS} filters "
            f"here; "
            f"{described('w', w, ('F_h', 'F_w', 'C', 'K'))}"
        )
    if w.shape[2] != channels:
        raise ValueError(
            f"{NAME}: x has {channels} channels but w expects {w.shape[2]}; w has shape {w.shape}"
        )
    filters = w.shape[3]
    if b is None:
        b = np.full(filters, EXAMPLE_B) if example else np.zeros(filters, dtype=w.dtype)
    b = np.atleast_1d(as_array(NAME, "b", b))
    real("b", b)
    if b.shape != (filters,):
        raise ValueError(f"{NAME}: b must have one entry per filter, ({filters},); b has shape {b.shape}")
    if dz is None:
        dz = np.stack([np.roll(EXAMPLE_DZ, k) for k in range(filters)], axis=2)
    else:
        dz = as_image("dz", dz, letters="(H_out, W_out) or (1, H_out, W_out, K)", limit=None)
        if dz.shape[2] != filters:
            raise ValueError(f"{NAME}: dz must have one channel per filter, {filters}; dz has {dz.shape[2]}")
    return x, w, b, dz


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
