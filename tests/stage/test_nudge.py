"""The graph of nudges: its expressions, its Python side, and what its page computes, by Node.js."""

import re
from pathlib import Path

import numpy as np
import pytest

from backprop_helpers.views.stage import NudgeStage
from backprop_helpers.views.stage._base import COMMITTED
from backprop_helpers.views.stage.nudge import run
from benchmarks.node import lay_out, run_node
from tests.stage.test_compute import failures

SCRIPT = Path(__file__).with_name("nudge.test.js")
UNARY = ("relu({})", "exp({}/4)", "log(3 + {}**2)", "tanh({})", "sigmoid({})", "sqrt(1 + square({}))", "-{}")
BINARY = ("{} + {}", "{} - {}", "{}*{}", "{}/(2 + {}**2)", "max({}, {})", "min({}, {})", "({} - 2*{})**3")


def random_lines(rng):
    """Statements in which every name is read at least once, and the names that need a value."""
    waiting = [f"x{n}" for n in range(rng.integers(1, 5))]
    names, lines = list(waiting), []
    while len(waiting) > 1 or len(lines) < 4:
        kind = BINARY if len(waiting) > 1 or rng.random() < 0.5 else UNARY
        template = kind[rng.integers(len(kind))]
        reads = [waiting.pop() if waiting else str(rng.choice(names)) for _ in range(template.count("{}"))]
        name = f"v{len(lines)}"
        lines.append(f"{name} = {template.format(*reads)}")
        names.append(name)
        waiting.append(name)
    return lines, [name for name in names if name[0] == "x"]


def graph(rng):
    lines, inputs = random_lines(rng)
    values = {name: float(rng.normal()) for name in inputs}
    nodes = NudgeStage("; ".join(lines), **values).options["nodes"]
    found, gradients = run(nodes, values)
    nudged, epsilon = int(rng.integers(len(nodes))), 0.3 * float(rng.normal())
    after = run(nodes, values, nodes[nudged]["name"], epsilon)[0]
    if not np.isfinite([*found.values(), *gradients.values(), *after.values()]).all():
        return graph(rng)  # JSON has no infinity
    scope = {
        "relu": lambda z: max(z, 0),
        "square": lambda a: a * a,
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    }
    scope |= {"exp": np.exp, "log": np.log, "tanh": np.tanh, "sqrt": np.sqrt, "max": max, "min": min} | values
    exec("\n".join(lines), scope)  # Python itself reads the same text
    for line in lines:
        assert found[line.split(" =")[0]] == pytest.approx(scope[line.split(" =")[0]], rel=1e-12)
    common = {"nodes": nodes, "inputs": values, "values": found, "gradients": gradients}
    return common | {"nudged": nudged, "epsilon": epsilon, "after": after}


def verdict(stage, epsilon, says, bent, target=None):
    names = [node["name"] for node in stage.options["nodes"]]
    inputs = {name: float(value) for name, value in stage.arrays.items()}
    given = {"nudged": stage.selected["array"], "target": target or names[-1]}
    return {
        "nodes": stage.options["nodes"],
        "inputs": inputs,
        "epsilon": epsilon,
        "says": says,
        "bent": bent,
    } | given


def test_the_page_computes_values_gradients_and_promises(require_tool, tmp_path):
    """Of 80 expressions; no two nodes lie on each other; what is said of a promise is true."""
    rng = np.random.default_rng(6)
    here, off = {"nudged": "w"}, {"b": -9}
    verdicts = [
        verdict(NudgeStage(**here), 0.5, "moved  7.75", ["s", "r"]),
        verdict(
            NudgeStage(**here),
            0.5,
            "off by +0.75, 11 % of the promise: the nudge is too large; s is the first",
            ["s", "r"],
        ),
        verdict(NudgeStage(**here), 0.1, "still good", ["s", "r"]),
        verdict(NudgeStage(nudged="x"), 0.5, "Kept exactly: between here", ["s"], "z"),
        verdict(NudgeStage(nudged="x", **off), 0.5, "Kept exactly, because a lets nothing through", []),
        verdict(NudgeStage(nudged="x", **off), 5, "a crossed its kink", ["a", "s"], "e"),
        verdict(NudgeStage(nudged="b"), 1, "x does not read b: it cannot move", ["s"], "x"),
        verdict(
            NudgeStage("log(x) + y", x=1, y=2, nudged="x"), -3, "no promise can be compared", ["log(x)", "J"]
        ),
    ]
    data = {"graphs": [graph(rng) for _ in range(80)], "verdicts": verdicts}
    script = lay_out(tmp_path, SCRIPT, data)
    process = run_node(require_tool("node"), ["--test", "--test-reporter=tap", script.name], tmp_path)
    assert process.returncode == 0, failures(process.stdout) + process.stderr
    assert "# pass 168\n" in process.stdout


class TestExpressions:
    @pytest.mark.parametrize(
        ("expression", "labels"),
        [
            ("(w*x - y)**2", ["w", "x", "w·x", "y", "w·x − y", "J = (w·x − y)²"]),
            ("s = w**2/2 - 1", ["w", "s = w²/2 − 1"]),
            ("J = w - (x - y)", ["w", "x", "y", "x − y", "J = w − (x − y)"]),
            ("J = w*w", ["w", "J = w·w"]),
            ({"p": "w*x", "J": "max(p, y)"}, ["w", "x", "p = w·x", "y", "J = max(p, y)"]),
            ([("p", "-w**3"), ("J", "2**p")], ["w", "p = −w³", "J = 2^p"]),
        ],
    )
    def test_gates(self, expression, labels):
        values = {name: value for name, value in {"w": 3, "x": 2, "y": 1}.items() if name in labels}
        assert [node["label"] for node in NudgeStage(expression, **values).options["nodes"]] == labels

    @pytest.mark.parametrize(
        ("expression", "words"),
        [
            ("q(x)", "known are .* got 'q\\(x\\)'"),
            ("x.real", "known are"),
            ("x +", "expression is no Python"),
            ("", "must not be empty"),
            ("import os", "every line must be name = expression"),
            ("J = 3", "J = 3 is a constant"),
            ("q = 2*x; J = x*x", "q is computed, but J does not read it"),
            ("z = x", "one name is enough"),
            ("z = 2*x; z = 3*z", "defined twice"),
            ("+".join(["x*x"] * 25), "at most 40 nodes"),
        ],
    )
    def test_what_is_none_is_refused(self, expression, words):
        with pytest.raises(ValueError, match=words):
            NudgeStage(expression, x=1)


class TestPython:
    def test_lesson_00s_example(self):
        stage = NudgeStage(nudged="w", epsilon=0.5)
        assert repr(stage) == "NudgeStage(J = s + r = 17 at w = 3, x = 2, b = -1, y = 1)"
        assert stage.gradients["w"] == pytest.approx(14)
        assert "w value 3 gradient 14" in stage.twin().alt

    def test_what_is_committed(self):
        data, _ = NudgeStage("w*x", w=2, x=0.5, nudged="w", epsilon=-1, messages=0)._repr_mimebundle_()
        committed = data[COMMITTED]
        assert committed["arrays"]["x"] == {"shape": [], "data": [0.5]}
        assert committed["selected"] == {"array": "w", "index": []}
        assert (committed["options"]["epsilon"], committed["options"]["messages"]) == (-1, 0)

    @pytest.mark.parametrize(
        ("settings", "error", "words"),
        [
            ({}, ValueError, "w needs a value"),
            ({"w": 1, "x": 2, "q": 3}, ValueError, "the expression does not read q; it reads w, x"),
            ({"w": [1, 2], "x": 2}, TypeError, "w must be one finite number"),
            ({"w": 1, "x": 2, "nudged": "z"}, ValueError, "nudged must be one of w, x, J"),
            ({"w": 1, "x": 2, "epsilon": 11}, ValueError, "epsilon must be from -10 to 10"),
            ({"w": 1, "x": 2, "epsilon": np.nan}, ValueError, "epsilon must be from -10 to 10"),
            ({"w": 1, "x": 2, "messages": 2}, ValueError, "messages must be from 0 to 1"),
        ],
    )
    def test_refuses(self, settings, error, words):
        with pytest.raises(error, match=words):
            NudgeStage("w*x", **settings)

    @pytest.mark.parametrize(
        ("messages", "shown"), [(0, "J"), (1, "Jsr"), (2, "Jsr"), (3, "Jesr"), (7, "wxpbzayesrJ")]
    )
    def test_the_twin_shows_what_has_arrived_whole(self, messages, shown):
        """After two messages w has one part of its gradient: it is not shown."""
        words = NudgeStage(messages=messages).twin().alt
        have = [name for name in "wxpbzayesrJ" if re.search(rf"\b{name}\b[^,;]* gradient .?\d", words)]
        assert sorted(have) == sorted(shown)
