"""What an exercise asks for besides the right numbers, and whether a right answer keeps to it."""

import ast
import inspect
import textwrap
from typing import NamedTuple


class Rule(NamedTuple):
    """The way that an exercise asks for."""

    text: str  # after "the exercise asked for"
    without: str = ""  # names that are not to be used; @ is the product of matrices
    loops: int | None = None  # how many loops may stand inside each other
    needs: str = ""  # names of which one has to be used


RULES = {
    "gradients_agree": Rule("a comparison without a division", "/ divide true_divide"),
    "fc_forward": Rule(
        "one sum over an array with three axes, without a loop, @, dot or einsum",
        "@ dot matmul einsum tensordot inner",
        0,
    ),
    "fc_backward": Rule(
        "two products, one of them with a column of ones beside x", needs="ones ones_like full"
    ),
    "softmax": Rule(
        "the logarithm first and the exponential last", needs="log logaddexp logsumexp log_softmax"
    ),
    "softmax_backward": Rule("the Jacobian of each example, with one loop over the examples", loops=1),
    "cross_entropy_backward": Rule("M divisions, without one-hot targets", "eye identity"),
    "correlate": Rule("two loops, those over the weights", loops=2),
    "correlate_channels": Rule(
        "no loop: sliding_window_view and einsum", "", 0, "sliding_window_view as_strided"
    ),
    "patches": Rule(
        "the columns filled offset by offset, without sliding_window_view", "sliding_window_view"
    ),
    "weights_backward": Rule("a loop over the offsets only, and no reshape", "reshape", 2),
    "input_backward": Rule("one product of matrices, and a loop over the offsets at most", loops=2),
    "input_backward_same": Rule("dx in its final shape, and no larger array", "pad"),
    "conv_forward": Rule("at most two loops", loops=2),
    "pool_forward": Rule(
        "a loop over the offsets of a window, and none over windows, examples or channels", loops=2
    ),
    "max_pool_backward": Rule(
        "a loop over the offsets only, without argmax and unravel_index", "argmax unravel_index nanargmax", 2
    ),
    "average_pool_backward": Rule(
        "a product of two matrices and dz, without a loop over windows", "repeat", 0
    ),
    "two_layer_backward": Rule("arrays alone, without a loop over the examples", loops=0),
}


def asked_for(exercise, function):
    """Return what the exercise asked for and a right answer does not do; empty if it does, or is not read."""
    rule = RULES.get(exercise.name)
    trees = _trees(function)
    if rule is None or not trees:
        return ""
    used = set().union(*(_names(tree) for tree in trees))
    depth = max(_depth(tree) for tree in trees)
    kept = (
        not used & set(rule.without.split())
        and (rule.loops is None or depth <= rule.loops)
        and (not rule.needs or used & set(rule.needs.split()))
    )
    return "" if kept else f"the exercise asked for {rule.text}"


def _trees(function):
    """Return the code of a function, and of the learner's functions that it calls, as syntax trees."""
    trees, waiting, seen = [], [function], set()
    while waiting:
        function = inspect.unwrap(waiting.pop())
        code = getattr(function, "__code__", None)
        if code is None or code in seen:
            continue
        seen.add(code)
        try:
            source = textwrap.dedent("".join(inspect.getsourcelines(function)[0]))
            trees.append(ast.parse(source))
        except (OSError, TypeError, SyntaxError):
            return []
        known = function.__globals__
        waiting += [
            known[n] for n in code.co_names if getattr(known.get(n), "__module__", "") == function.__module__
        ]
    return trees


def _names(tree):
    """Return the names in a syntax tree, and the operators ``@`` and ``/``."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.MatMult):
            names.add("@")
        elif isinstance(node, ast.Div):
            names.add("/")
    return names


def _depth(tree):
    """Return how many loops stand inside each other; one over pairs of offsets counts as one."""
    inner = max((_depth(child) for child in ast.iter_child_nodes(tree)), default=0)
    return inner + isinstance(tree, (ast.For, ast.While, ast.comprehension))
