"""`BugStage`: a bug of the catalogue is planted in a layer; which gradient checks see it (lesson 01)."""

import contextlib
import difflib
import functools
import io
import warnings

import numpy as np
import traitlets

from backprop_helpers.checking import gradient_check, misconceptions
from backprop_helpers.checking.misconceptions._pairs import pair_for
from backprop_helpers.views import plots
from backprop_helpers.views.stage._base import Stage

NAME = "BugStage"
LAYERS = {
    "fc": "fully connected",
    "relu": "ReLU",
    "softmax": "softmax",
    "softmax_cross_entropy": "softmax + cross-entropy",
    "pool": "pooling",
    "cross_entropy": "cross-entropy",
    "flatten": "flatten",
    "conv": "convolution",
}
FIRST = ("fc", "relu", "softmax", "softmax_cross_entropy")


class BugStage(Stage):
    """Plant a bug in a layer and let the checks look for it: ours, and weak ones.

    Every check was run in Python when the stage was made: on the layer with the bug, and on the right layer,
    where it should be silent. The page keeps the verdicts until they are asked for.

    Parameters
    ----------
    bug : str
        The bug that is planted first, such as "relu.mask_from_output"; its layer is always there.
    layers : sequence of str
        Whose bugs can be chosen: "fc", "relu", "softmax", "softmax_cross_entropy" (these by default; they
        take a few seconds), "pool", "cross_entropy", "flatten", "conv".

    Attributes
    ----------
    bug : str
        As it is in the page now; assign to change the page.
    planted : bool
        Whether the layer has the bug now, or is the right one.

    Raises
    ------
    ValueError
        If a layer is not known, or the bug is none that a gradient check sees.
    """

    composition = "plantedBug"
    bug = traitlets.Unicode().tag(sync=True, echo_update=False)
    planted = traitlets.Bool(True).tag(sync=True, echo_update=False)

    def __init__(self, bug="relu.mask_from_output", *, layers=FIRST):
        if bug not in misconceptions or misconceptions[bug] not in bugs_of(misconceptions[bug].layer):
            raise ValueError(f"{NAME}: bug must be a layer's bug that a gradient check sees; got {bug!r}")
        for layer in layers:
            if layer not in LAYERS:
                raise ValueError(f"{NAME}: layers may be {', '.join(LAYERS)}; got {layer!r}")
        names = [layer for layer in LAYERS if layer in (*layers, misconceptions[bug].layer)]
        weak = [[_plain(check.name), check.diagnosis] for check in misconceptions.for_layer("check")]
        found = [
            {"layer": layer, "words": LAYERS[layer], "bugs": [recorded(each.name) for each in bugs_of(layer)]}
            for layer in names
        ]
        super().__init__({}, {"bug": bug, "planted": True, "checks": weak, "layers": found})

    def __repr__(self):
        return f"{NAME}({self.bug})"

    @traitlets.validate("bug")
    def _is_recorded(self, proposal):
        known = [
            bug["name"] for layer in self.spec.get("options", {}).get("layers", ()) for bug in layer["bugs"]
        ]
        if known and proposal["value"] not in known:
            raise ValueError(f"{NAME}: bug must be one of those recorded; got {proposal['value']!r}")
        return proposal["value"]

    def twin(self):
        """Return the static figure: which check sees the bug."""
        record = recorded(self.bug)
        seen = np.array([[True, *(mark == "1" for mark in record["seen"])]], int)
        labels = ["ours", *(_plain(check.name) for check in misconceptions.for_layer("check"))]
        return plots.matrix(
            seen.T,
            kind="mask",
            row_labels=labels,
            col_labels=["sees it"],
            title=f"{_plain(self.bug)}: which checks see it",
        )


def _plain(name):
    return name.partition(".")[2].replace("_", " ")


@functools.cache
def bugs_of(layer):
    """Return the bugs of a layer that run and that a gradient check can see."""
    return tuple(
        bug for bug in misconceptions.for_layer(layer) if "gradient check" in bug.oracles and _runs(bug)
    )


def _runs(bug):
    forward, backward = bug.pair()
    try:
        with np.errstate(all="ignore"):
            out, cache = forward(*bug.smallest_input())
            backward(np.ones(np.shape(out)), cache)
    except Exception:
        return False
    return bool(np.isfinite(out).all())


@functools.cache
def recorded(name):
    """Return a bug as the page needs it: words, lines, and a 1 for every check that complains.

    ``seen``: of the layer with the bug; ``alarms``: of the right layer. The report is our check's.
    """
    bug = misconceptions[name]
    right = pair_for(bug.name, bug.function, bug.right, dict(bug.options))
    report = gradient_check(*bug.pair(), bug.smallest_input())
    return {
        "name": name,
        "words": _plain(name),
        "diagnosis": bug.diagnosis,
        "lines": planted_lines(bug),
        "ours": not report.passed,
        "report": str(report).splitlines(),
        "seen": complaints(bug, bug.pair()),
        "alarms": complaints(bug, right),
    }


def complaints(bug, pair):
    """Return a "1" for each weak check that complains about this layer, a "0" for one that does not."""
    marks = ""
    for check in misconceptions.for_layer("check"):
        try:
            # One of them prints, and some divide 0 by 0: that is what is wrong with them.
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check.wrong(*pair, bug.smallest_input())
            marks += "0"
        except Exception:
            marks += "1"
    return marks


def planted_lines(bug):
    """Return ["− right line", "+ planted line", …]: what differs from the right code."""
    lines = difflib.ndiff(bug.right_source.splitlines(), bug.source.splitlines())
    return [line[0].replace("-", "−") + line[1:] for line in lines if line[:2] in ("- ", "+ ")]
