"""`NudgeStage`: a graph of single numbers, drawn from an expression."""

import math

import numpy as np
import traitlets

from backprop_helpers.layers._validate import shown
from backprop_helpers.views import plots
from backprop_helpers.views.stage._base import Number, Stage, as_number, one_of
from backprop_helpers.views.stage._expression import nodes_of

NAME = "NudgeStage"
EXAMPLE = "p = w*x; z = p + b; a = relu(z); e = a - y; s = e**2/2; r = w**2; J = s + r"
VALUES = {"w": 3, "x": 2, "b": -1, "y": 1}
LARGEST = 10  # of a nudge


class NudgeStage(Stage):
    """Nudge any number of a computation, see what moves; send the messages back, gate by gate.

    - expression: as in Python, ``"z = w*x + b; J = max(z, 0)"``, or a dict or list of (name, expression); the
      last one is J. Known are + − * / ** and max, min, relu, exp, log, tanh, sigmoid, sqrt, square. Every
      operation is a gate; constants belong to a gate. By default lesson 00's example
    - nudged, epsilon: the name that is nudged at first, and by how much, from −10 to 10
    - messages: how many gates have sent their message back; by default all
    - values: a number for every name that the expression reads

    Examples
    --------
    >>> NudgeStage("(w*x - y)**2", w=2, x=3, y=5)
    NudgeStage(J = (w·x − y)² = 1 at w = 2, x = 3, y = 5)
    """

    composition = "nudgeGraph"
    epsilon = Number(0.0, -LARGEST, LARGEST)
    messages = traitlets.Int()

    def __init__(self, expression=None, *, nudged=None, epsilon=0.0, messages=None, **values):
        if expression is None:
            expression, values = EXAMPLE, VALUES | values
        nodes = nodes_of(expression, NAME)
        inputs = [node["name"] for node in nodes if "steps" not in node]
        for name in inputs:
            if name not in values:
                raise ValueError(f"{NAME}: {name} needs a value: {NAME}(…, {name}=1)")
        for name, value in values.items():
            if name not in inputs:
                raise ValueError(f"{NAME}: the expression does not read {name}; it reads {', '.join(inputs)}")
            as_number(NAME, name, value)
        names = [node["name"] for node in nodes]
        if nudged is not None:
            one_of(NAME, "nudged", nudged, names)
        gates = len(nodes) - len(inputs)
        messages = gates if messages is None else messages
        if isinstance(messages, bool) or not isinstance(messages, int) or not 0 <= messages <= gates:
            raise ValueError(f"{NAME}: messages must be from 0 to {gates}, the gates; got {shown(messages)}")
        options = {"nodes": nodes, "epsilon": epsilon, "messages": messages}
        selected = {"array": nudged, "index": []} if nudged else None
        super().__init__({name: values[name] for name in inputs}, options, selected=selected)

    def __repr__(self):
        nodes, values = self.options["nodes"], self.values
        inputs = ", ".join(f"{n['name']} = {values[n['name']]:g}" for n in nodes if "steps" not in n)
        last = nodes[-1]
        return f"{NAME}({last['name']} = {last['text']} = {values[last['name']]:.6g} at {inputs})"

    @property
    def values(self):
        """{name: value} before the nudge."""
        return self._run()[0]

    @property
    def gradients(self):
        """{name: dJ/d(name)} before the nudge, when all messages have been sent."""
        return self._run()[1]

    def _run(self):
        return run(self.options["nodes"], {name: float(array) for name, array in self.arrays.items()})

    def twin(self):
        """Return the static figure: the graph with its values, and the gradients that have all arrived."""
        nodes, (values, gradients) = self.options["nodes"], self._run()
        names = [node["name"] for node in nodes]
        silent = [node for node in nodes if "steps" in node][: -self.messages or None]
        waiting = {names[m] for node in silent for m in node["reads"]}
        drawn = {
            name: (node["label"], values[name], None if name in waiting else gradients[name])
            for name, node in zip(names, nodes)
        }
        edges = dict.fromkeys((names[m], node["name"]) for node in nodes for m in node["reads"])
        return plots.graph(drawn, list(edges), title=f"{names[-1]}, and how it answers to every number")


def run(nodes, inputs, nudged=None, epsilon=0.0):
    """Return ({name: value}, {name: gradient of the last}): what the page computes, by other means.

    The gradient is the complex step's: J at name + iε, over ε.
    """

    def values(moved, step):
        found = []
        for node in nodes:
            value = (
                inputs[node["name"]]
                if "steps" not in node
                else _gate(node, [found[m] for m in node["reads"]])
            )
            found.append(value + step if node["name"] == moved else value)
        return found

    names, tiny = [node["name"] for node in nodes], 1e-30
    with np.errstate(all="ignore"):
        gradients = [float(np.imag(values(name, 1j * tiny)[-1])) / tiny for name in names]
        found = [float(np.real(value)) for value in values(nudged, epsilon)]
    return dict(zip(names, found)), dict(zip(names, gradients))


def _gate(node, operands):
    waiting = iter(operands)
    for op, *given in node["steps"]:
        value = GATES[op](*(next(waiting) if number is None else number for number in given))
        waiting = iter([value])
    return value


def _first(a, b, wins):
    return a if wins or math.isnan(np.real(a)) else b


GATES = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: np.divide(a, b),
    "power": lambda a, b: np.power(a + 0j, b) if np.iscomplexobj(a) else np.power(float(a), b),
    "max": lambda a, b: _first(a, b, np.real(a) >= np.real(b)),
    "min": lambda a, b: _first(a, b, np.real(a) <= np.real(b)),
    "negate": lambda a: -a,
    "relu": lambda z: z if math.isnan(np.real(z)) or np.real(z) > 0 else 0.0,
    "square": lambda a: a * a,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
}
