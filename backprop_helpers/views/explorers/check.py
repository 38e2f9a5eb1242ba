"""How large a nudge, and what does a check see? Step sizes, planted bugs and weak checks (lesson 01)."""

import contextlib
import difflib
import functools
import html
import io
import math

import ipywidgets as widgets
import numpy as np

from backprop_helpers.checking import gradient_check, misconceptions
from backprop_helpers.checking.misconceptions._pairs import pair_for
from backprop_helpers.views import plots
from backprop_helpers.views.explorers import _base as base
from backprop_helpers.views.explorers._base import Explorer, Mark, guarded
from backprop_helpers.views.explorers._numbers import written

EXPONENTS = tuple(range(-1, -18, -1))
METHODS = {"forward difference": "one-sided", "central difference": "central", "complex step": "complex"}
LOOKS = {  # colour, dash, marker: as in plots.v_curve
    "forward difference": ("blue", "", "circle"),
    "central difference": ("vermillion", "9 4", "square"),
    "complex step": ("green", "2 3", "triangle"),
}
WIDTH, HEIGHT = 500, 300  # of the curve, in CSS pixels
LEFT, RIGHT, TOP, BOTTOM = 66, 14, 12, 46
LAYER_WORDS = {
    "fc": "fully connected",
    "relu": "ReLU",
    "softmax": "softmax",
    "cross_entropy": "cross-entropy",
    "softmax_cross_entropy": "softmax + cross-entropy",
    "conv": "convolution",
    "pool": "pooling",
    "flatten": "flatten",
}


def differences(function, at, epsilon):
    """Return {method: numerical derivative} of a function of one number, by lesson 01's three formulas.

    Forward: (f(x + ε) − f(x))/ε. Central: (f(x + ε) − f(x − ε))/2ε. Complex: Im f(x + iε)/ε, or NaN if f
    takes no complex numbers.
    """
    try:
        sideways = float(np.imag(function(at + 1j * epsilon)) / epsilon)
    except TypeError:  # a function that takes no complex numbers, such as those of `math`
        sideways = np.nan
    return {
        "forward difference": float((function(at + epsilon) - function(at)) / epsilon),
        "central difference": float((function(at + epsilon) - function(at - epsilon)) / (2 * epsilon)),
        "complex step": sideways,
    }


def errors(function, derivative, at, steps):
    """Return {method: relative errors}, one error a step; the absolute error if the derivative is 0."""
    scale = abs(derivative) or 1.0
    found = {method: [] for method in METHODS}
    for step in steps:
        for method, value in differences(function, at, step).items():
            found[method].append(abs(value - derivative) / scale)
    return {method: np.array(values) for method, values in found.items()}


@functools.cache
def bugs(layer):
    """Return the catalogue's bugs of a layer that run and that a gradient check can see.

    Code that stops with an error, or overflows, needs no check to be found.
    """
    return tuple(
        bug for bug in misconceptions.for_layer(layer) if "gradient check" in bug.oracles and _runs(bug)
    )


def _runs(bug):
    forward, backward = bug.pair()
    try:
        with np.errstate(all="ignore"):
            out, cache = forward(*bug.smallest_input())
            backward(np.ones(np.shape(out)), cache)
        return bool(np.isfinite(out).all())
    except Exception:
        return False


@functools.cache
def report(name):
    """Return the gradient check's report on a planted bug, ``"relu.no_mask"``.

    Cached: it is shown again without being computed again.
    """
    bug = misconceptions[name]
    return gradient_check(*bug.pair(), bug.smallest_input())


@functools.cache
def report_on_the_right(name):
    """Return the report on the code before the bug was planted, for the same input."""
    bug = misconceptions[name]
    return gradient_check(*_right_pair(bug), bug.smallest_input())


@functools.cache
def verdicts(name, planted=True):
    """Return {weak check: whether it passes} for a layer with the bug, or before it was planted."""
    bug = misconceptions[name]
    return {weak.name: _passes(weak, bug, planted) for weak in misconceptions.for_layer("check")}


def _passes(weak, bug, planted):
    pair = bug.pair() if planted else _right_pair(bug)
    try:
        # One of them prints, and one divides 0 by 0: that is what is wrong with them.
        with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            weak.wrong(*pair, bug.smallest_input())
    except Exception:
        return False
    return True


def _right_pair(bug):
    return pair_for(bug.name, bug.function, bug.right, dict(bug.options))


def planted_lines(bug):
    """Return [(sign, line), …]: the lines that differ from the right code, "−" right and "+" planted."""
    lines = difflib.ndiff(bug.right_source.splitlines(), bug.source.splitlines())
    return [({"- ": "−", "+ ": "+"}[line[:2]], line[2:]) for line in lines if line[:2] in ("- ", "+ ")]


class CheckExplorer(Explorer):
    """Choose the step of a numerical derivative; plant a bug and watch two kinds of check look for it.

    Above: the error of three numerical derivatives against the step, with the three computations written out
    at the chosen step. Below: a bug from the catalogue of misconceptions, what `gradient_check` says of it,
    and which weak checks, all of them seen in use, are fooled by it.

    Parameters
    ----------
    function : callable, optional
        f(x) of one number, real or complex; `numpy.exp` by default.
    derivative : callable, optional
        The exact derivative f′(x). Needed with a function of your own.
    at : float
        Where to measure.
    bug : str
        The bug that is planted first.
    label : str
        What the function is called.

    Notes
    -----
    The static twin is `plots.v_curve`; `twin()` draws it with the chosen step marked.

    Examples
    --------
    >>> CheckExplorer(lambda x: x * x * x, lambda x: 3 * x * x, at=2.0, label="x³")
    CheckExplorer(x³ at 2): run the cell to use it
    """

    def __init__(
        self, function=None, derivative=None, *, at=1.0, bug="relu.mask_from_output", label=None, title=""
    ):
        if (function is None) != (derivative is None):
            raise ValueError("CheckExplorer: pass function and derivative together, or neither")
        self.function, self.derivative = (np.exp, np.exp) if function is None else (function, derivative)
        for name, given in (("function", self.function), ("derivative", self.derivative)):
            if not callable(given):
                raise TypeError(f"CheckExplorer: {name} must be a function of one number; got {given!r}")
        self.label = label or ("exp" if function is None else "f")
        self.at = float(at)
        self.truth = float(self.derivative(self.at))
        if not math.isfinite(self.truth):
            raise ValueError(f"CheckExplorer: the derivative at {at!r} must be finite; got {self.truth}")
        if bug not in misconceptions or misconceptions[bug] not in bugs(misconceptions[bug].layer):
            raise ValueError(
                f"CheckExplorer: bug must be a layer's misconception that a gradient check sees; got {bug!r}"
            )
        self.steps = 10.0 ** np.array(EXPONENTS)
        with np.errstate(all="ignore"):
            self.errors = errors(self.function, self.truth, self.at, self.steps)
        self._quiet = False
        self._build(misconceptions[bug])
        where = f"{self.label} at {written(self.at)}"
        super().__init__(
            title=title or "How large a nudge, and what does the check see?",
            summary=f"CheckExplorer({where[:60]}): run the cell to use it",
            parts=[],
            lines=12,
        )
        self.arithmetic.layout.width = "545px"
        above = widgets.VBox([self.curve, self.step], layout={"flex": "0 0 auto"})
        self.children = [
            self.heading,
            base.words(f"The relative error of three numerical derivatives of {where}, against the step ε"),
            base.row(above, self.arithmetic, gap="12px"),
            self.controls,
            self.found,
            self.alert,
        ]
        self._draw_step()
        self._draw_bug()

    @property
    def epsilon(self):
        """The chosen step."""
        return self.steps[EXPONENTS.index(self.step.value)]

    @property
    def report(self):
        """The gradient check's report on the code as it stands."""
        return report(self.bug.value) if self.planted.value else report_on_the_right(self.bug.value)

    @property
    def verdicts(self):
        """{weak check: whether it passes the code as it stands}."""
        return verdicts(self.bug.value, self.planted.value)

    def twin(self):
        """Return the static figure of the present state."""
        return plots.v_curve(
            self.steps,
            self.errors,
            title=f"The error of three numerical derivatives of {self.label} at {written(self.at)}",
            mark=float(self.epsilon),
        )

    # The widgets

    def _build(self, bug):
        self.step = widgets.SelectionSlider(
            options=[(f"1e−{-exponent}", exponent) for exponent in reversed(EXPONENTS)],
            value=-5,
            description="step ε",
            continuous_update=True,
            tooltip="the nudge of the numerical derivative, in powers of ten",
            style={"description_width": f"{LEFT - 14}px"},
            layout={"width": f"{WIDTH + 28}px"},
        )
        self.curve = widgets.HTML(layout={"width": f"{WIDTH}px", "height": f"{HEIGHT}px", "margin": "0"})
        self.layer = base.choice(
            "layer",
            [(words, layer) for layer, words in LAYER_WORDS.items()],
            bug.layer,
            width="260px",
            described="46px",
        )
        self.bug = base.choice("bug", _names(bug.layer), bug.name, width="330px", described="36px")
        self.planted = base.toggles(
            "", [("right", False), ("with bug", True)], True, width="220px", button="100px"
        )
        self.controls = base.controls(self.layer, self.bug, base.words("code:"), self.planted)
        self.found = widgets.HTML(layout={"width": "100%", "min_height": "390px"})
        self.found.add_class("bp-found")
        self.step.observe(self._on_step, names="value")
        self.layer.observe(self._on_layer, names="value")
        self.bug.observe(self._on_bug, names="value")
        self.planted.observe(self._on_bug, names="value")

    @guarded
    def _on_step(self, change):
        self._draw_step()

    @guarded
    def _on_layer(self, change):
        self._quiet = True  # new options choose their first one: draw once, when they are all there
        try:
            self.bug.options = _names(change["new"])
            self.bug.value = bugs(change["new"])[0].name
        finally:
            self._quiet = False
        self._draw_bug()

    @guarded
    def _on_bug(self, change):
        if not self._quiet and self.bug.value is not None:
            self._draw_bug()

    @guarded
    def _draw_step(self):
        index = EXPONENTS.index(self.step.value)
        self.curve.value = curve_as_svg(self.steps, self.errors, index)
        with np.errstate(all="ignore"):
            values = differences(self.function, self.at, self.epsilon)
        f, x = self.label if len(self.label) < 12 else "f", written(self.at)
        ε = f"1e−{-self.step.value}"
        formulas = {
            "forward difference": f"({f}({x} + ε) − {f}({x})) / ε",
            "central difference": f"({f}({x} + ε) − {f}({x} − ε)) / 2ε",
            "complex step": f"Im {f}({x} + iε) / ε",
        }
        lines = [f"ε = {ε}       exact derivative {_digits(self.truth)}"]
        for method, value in values.items():
            color = LOOKS[method][0]
            error = self.errors[method][index]
            lines += [
                ["", Mark(METHODS[method], color, True), f"  {formulas[method]}"],
                f"  = {_digits(value)}    relative error {_error(error)}",
            ]
        lines += ["", *_advice(self.errors, index, self.epsilon, self.at)]
        self.write(*lines)

    @guarded
    def _draw_bug(self):
        bug = misconceptions[self.bug.value]
        self.found.value = found_as_html(bug, self.report, self.planted.value)


def curve_as_svg(steps, found, chosen):
    """Return the V-curve as inline SVG, both axes in powers of ten, with the chosen step marked."""
    exponents = np.log10(steps)
    positive = np.concatenate([e[(e > 0) & np.isfinite(e)] for e in found.values()])
    low = math.floor(math.log10(positive.min())) - 1 if positive.size else -17
    high = max(math.ceil(math.log10(positive.max())), low + 2) if positive.size else 0

    def across(exponent):
        span = exponents.max() - exponents.min()
        return LEFT + (exponent - exponents.min()) / span * (WIDTH - LEFT - RIGHT)

    def down(error):
        exponent = math.log10(error) if error > 0 else low
        return TOP + (high - exponent) / (high - low) * (HEIGHT - TOP - BOTTOM)

    bottom = HEIGHT - BOTTOM
    parts = []
    for exponent in range(low, high + 1):
        if (exponent - high) % 2 == 0:
            y = TOP + (high - exponent) / (high - low) * (HEIGHT - TOP - BOTTOM)
            parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
            label = "exact" if exponent == low else f"1e{exponent}".replace("-", "−")
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    for exponent in exponents[::2]:
        parts.append(
            f'<text x="{across(exponent):.1f}" y="{bottom + 18}" text-anchor="middle">'
            f"{f'1e{round(exponent)}'.replace('-', '−')}</text>"
        )
    x = across(exponents[chosen])
    parts.append(f'<path class="mark" d="M{x:.1f} {TOP}V{bottom}"/>')
    for row, (method, (color, dash, marker)) in enumerate(LOOKS.items()):
        fill = plots.ACCENTS[color]
        points = [
            (across(e), down(error)) for e, error in zip(exponents, found[method]) if np.isfinite(error)
        ]
        line = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{fill}" stroke-width="2.2" '
            f'stroke-dasharray="{dash}"/>'
        )
        for at, (error, e) in enumerate(zip(found[method], exponents)):
            if np.isfinite(error):
                size = 7 if at == chosen else 3.6
                parts.append(_marker(marker, across(e), down(error), size, fill, hollow=error == 0))
        ly = TOP + 14 + 19 * row
        lx = (LEFT + WIDTH - RIGHT) / 2 - 60
        parts.append(
            f'<path d="M{lx} {ly - 5}h34" stroke="{fill}" stroke-width="2.2" stroke-dasharray="{dash}"/>'
            + _marker(marker, lx + 17, ly - 5, 4, fill)
            + f'<text x="{lx + 42}" y="{ly}">{html.escape(method)}</text>'
        )
    chosen_words = ", ".join(f"{METHODS[m]} {_error(found[m][chosen])}" for m in METHODS)
    return (
        "<style>.bp-curve text{font:13px sans-serif;fill:var(--bp-ink,currentColor)}"
        ".bp-curve .grid{stroke:var(--bp-line,#ccc);stroke-width:1}"
        ".bp-curve .mark{stroke:var(--bp-ink,currentColor);stroke-width:1.5;stroke-dasharray:4 3}</style>"
        f'<svg class="bp-curve" role="img" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'aria-label="relative error against step; at step 1e{round(exponents[chosen])}: {chosen_words}">'
        + "".join(parts)
        + f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">step ε</text>'
        f'<text transform="translate(14 {(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">'
        "relative error</text></svg>"
    )


def _marker(kind, x, y, size, colour, hollow=False):
    """Return a circle, square or triangle; a hollow one stands for an error of exactly 0."""
    look = f'fill="{"var(--bp-ground, white)" if hollow else colour}" stroke="{colour}" stroke-width="1.4"'
    if kind == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" {look}/>'
    if kind == "square":
        return f'<rect x="{x - size:.1f}" y="{y - size:.1f}" width="{2 * size}" height="{2 * size}" {look}/>'
    return f'<path d="M{x - size:.1f} {y + 0.8 * size:.1f}h{2 * size}l{-size} {-1.8 * size:.1f}z" {look}/>'


def found_as_html(bug, found, planted):
    """Return the code, the report of the gradient check, and the weak checks beside it."""
    if planted:
        lines = "\n".join(f"{sign} {line}" for sign, line in planted_lines(bug))
        code = f"<b>{html.escape(bug.diagnosis)}</b><pre>{html.escape(lines)}</pre>"
    else:
        code = (
            f"<b>the right code of {html.escape(bug.function)}</b><pre>{html.escape(bug.right_source)}</pre>"
        )
    rows = ""
    alarms = verdicts(bug.name, False)
    for name, passed in verdicts(bug.name, planted).items():
        mark, words, colour = _judged(passed, alarms[name], planted)
        rows += (
            f'<tr><td class="bp-verdict"><span style="color:{colour}">{mark}</span> {words}</td>'
            f"<td>{html.escape(name.partition('.')[2].replace('_', ' '))}: "
            f"{html.escape(misconceptions[name].diagnosis)}</td></tr>"
        )
    return (
        "<style>.bp-found{container-type:inline-size;overflow:visible}"
        ".bp-found .widget-html-content{width:100%}"
        ".bp-found .bp-two{display:grid;grid-template-columns:minmax(0,6fr) minmax(0,5fr);gap:0 24px;"
        "height:390px;font-size:14px;line-height:19px;color:var(--bp-ink)}"
        "@container (max-width:1000px){.bp-found .bp-two{grid-template-columns:minmax(0,1fr);"
        "height:auto;gap:12px}}"
        ".bp-found .bp-two>div{overflow:auto;min-width:0}"
        ".bp-found pre{font-size:13px;line-height:18px;margin:4px 0 10px;padding:4px 8px;max-height:112px;"
        "overflow:auto;color:var(--bp-ink);background:none;border-left:4px solid var(--bp-line)}"
        ".bp-found table{font-size:14px!important;width:100%;margin:0}"
        ".bp-found caption{font-weight:600;white-space:normal!important}"
        ".bp-found tr{background:none!important}"
        ".bp-found .bp-weak td{text-align:left;vertical-align:top;padding:2px 8px 4px 0;white-space:normal}"
        ".bp-found .bp-verdict{white-space:nowrap!important;font-weight:600;width:96px}</style>"
        f'<div class="bp-two"><div>{code}{found._repr_html_()}</div>'
        '<div><table class="bp-weak"><caption style="caption-side:top;text-align:left">Weak checks, all seen '
        f"in use, on the same code</caption><tbody>{rows}</tbody></table></div></div>"
    )


def _judged(passed, passes_the_right, planted):
    """Return a mark, words and a colour for a weak check's verdict."""
    right, wrong = plots.ACCENTS["green"], plots.ACCENTS["vermillion"]
    if planted and not passed and not passes_the_right:
        return ("–", "can't tell", wrong)  # it is alarmed by the right code too
    if planted:
        return ("✗", "fooled", wrong) if passed else ("✓", "sees it", right)
    return ("✓", "passes it", right) if passed else ("✗", "false alarm", wrong)


def _names(layer):
    """Return the dropdown's options: the bug in words, and its name."""
    return [(bug.name.partition(".")[2].replace("_", " "), bug.name) for bug in bugs(layer)]


def _digits(value):
    """Return a number with all the digits that a double has, in a fixed width."""
    return f"{value:.16g}".replace("-", "−").ljust(19)


def _error(error):
    """Return an error with one digit: ``7e−12``; 0 is exact."""
    if not np.isfinite(error):
        return "not a number"
    if error >= 0.095:
        return f"{error:.1g}"
    return "exactly 0" if error == 0 else f"{error:.0e}".replace("e-0", "e−").replace("e-", "e−")


def _advice(found, index, epsilon, at):
    """Say what limits the central difference here: its formula, or rounding."""
    central = found["central difference"]
    best = int(np.argmin(np.where(np.isfinite(central), central, np.inf)))
    if at + epsilon == at:
        return [
            f"{written(at)} + ε is {written(at)}: nothing was nudged, and the",
            "differences are 0. The complex step does not mind.",
        ]
    if index < best:
        return [
            "Central: the formula's own error, ε² times a constant.",
            "A smaller step is better, until rounding takes over.",
        ]
    if index > best:
        return [
            "Central: rounding. The two values agree in nearly all",
            "digits; a smaller step makes it worse.",
        ]
    return [
        "Central: the bottom of the V. Here the error of the",
        "formula and that of rounding are about equal.",
    ]
