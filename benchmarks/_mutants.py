"""Small mistakes in a lesson's code: what `benchmarks.equation_mutants` changes, and where.

`mutants(cells, tag)` finds the call ``holds(tag, left, right)``, follows both sides back to the statements
that compute them, and returns changed copies of the cell, each with one small mistake. A statement on which
both sides depend is the example, not the formula: it is left alone. So are the tag, the tolerance, what is
printed or asserted, imports, random numbers and dtypes.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from hashlib import sha1
from typing import NamedTuple

MOST, LEAST = 12, 8  # mutants of an equation; below LEAST the cells above are looked at, too
KINDS = (
    "index",
    "operator",
    "sign",
    "size",
    "term",
    "reversal",
    "off by one",
    "padding",
    "factor",
    "order",
    "array",
    "comparison",
    "assignment",
    "axis",
    "branch",
)
PAIRS = {  # a name and what a tired author would write for it; the first that exist are used
    "i": "j u i_out row",
    "j": "i v j_out column",
    "u": "v i c",
    "v": "u j k",
    "c": "k l u",
    "k": "c l n m",
    "l": "k m",
    "m": "n k i",
    "n": "m k",
    "i_out": "j_out i",
    "j_out": "i_out j",
    "i_prime": "i k",
    "row": "column i",
    "column": "row j",
    "ROWS": "COLUMNS INNER",
    "COLUMNS": "ROWS INNER",
    "INNER": "COLUMNS ROWS",
    "HEIGHT": "WIDTH HEIGHT_OUT",
    "WIDTH": "HEIGHT WIDTH_OUT",
    "HEIGHT_OUT": "WIDTH_OUT HEIGHT",
    "WIDTH_OUT": "HEIGHT_OUT WIDTH",
    "KERNEL_ROWS": "KERNEL_COLUMNS s_h d_h",
    "KERNEL_COLUMNS": "KERNEL_ROWS s_w d_w",
    "CHANNELS": "FILTERS EXAMPLES",
    "FILTERS": "CHANNELS EXAMPLES",
    "EXAMPLES": "CLASSES OUTPUTS CHANNELS UNITS COLUMNS",
    "STRIDE": "DILATION WINDOW",
    "DILATION": "STRIDE",
    "WINDOW": "STRIDE",
    "s_h": "s_w d_h KERNEL_ROWS F_h",
    "s_w": "s_h d_w KERNEL_COLUMNS F_w",
    "d_h": "d_w s_h KERNEL_ROWS",
    "d_w": "d_h s_w KERNEL_COLUMNS",
    "F_h": "F_w H H_in",
    "F_w": "F_h W W_in",
    "H_in": "W_in H_out F_h",
    "W_in": "H_in W_out F_w",
    "H_out": "W_out H_in",
    "W_out": "H_out W_in",
    "H": "W F h",
    "W": "H F w",
    "F": "s d H",
    "s": "d F",
    "d": "s F",
    "C": "K M",
    "K": "C M",
    "M": "K C N",
    "p_top": "p_bottom p_left",
    "p_bottom": "p_top p_right",
    "p_left": "p_right p_top",
    "p_right": "p_left p_bottom",
    "top": "bottom left",
    "bottom": "top right",
    "left": "right top",
    "right": "left bottom",
    "before": "after",
    "after": "before",
    "above": "below",
    "below": "above",
    "r_h": "r_w",
    "r_w": "r_h",
}
PADDINGS = re.compile(r"(p_)?(top|bottom|left|right)|before|after|above|below|p")
SIZES = re.compile(r"[MNCKHFRsd]|[HWFsdr]_\w+|[A-Z][A-Z_0-9]+")
OPERATORS = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mod,),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
}
COMPARISONS = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
OPPOSITES = {
    "max": "min",
    "min": "max",
    "argmax": "argmin",
    "maximum": "minimum",
    "minimum": "maximum",
    "all": "any",
    "any": "all",
}
ONLY_SHAPE = {"zeros_like", "empty_like", "ones_like"}
PLUMBING = {"reshape", "transpose", "swapaxes", "astype", *ONLY_SHAPE}  # their arguments are no formula
SHAPES = {"shape", "ndim", "size", "dtype"}
DRAWS = re.compile(r"integers|normal|standard_normal|choice|permutation|shuffle|default_rng|random|uniform")
NOT_FORMULA = {"dtype", "tolerance", "keepdims", "method", "optimize", "mode", "seed", "writeable", "strict"}
SILENT = {"print", "display", "holds", "plots", "plt", "check", "np"}  # calls that change nothing of ours
LOOPS = ast.For | ast.While | ast.If | ast.With | ast.Try


class Mutant(NamedTuple):
    """A cell with one small mistake.

    Attributes
    ----------
    text : str
        What was changed: ``line 4: x[m, i + u] -> x[m, j + u]``.
    kind : str
        One of `KINDS`.
    cell : int
        The place of the changed cell in the list of cells.
    source : str
        The cell's code, with the mistake.
    """

    text: str
    kind: str
    cell: int
    source: str


# --- what depends on what


class Step(NamedTuple):
    """A simple statement, or the head of a compound one: what it binds or changes, and what it reads."""

    node: ast.AST
    binds: frozenset
    reads: frozenset
    reads_values: frozenset  # without the names of which only the shape is read
    heads: tuple


def base_name(node):
    """Return the name at the bottom of ``a.b[c].d``, or None."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def target_names(target):
    """Return the names that an assignment to ``target`` binds or changes."""
    if isinstance(target, ast.Tuple | ast.List):
        return {name for part in target.elts for name in target_names(part)}
    name = base_name(target)
    return {name} if name else set()


def read_names(node, *, values_only=False, bound=frozenset()):
    """Return the names that are read in ``node`` and not bound inside it."""
    if isinstance(node, ast.Name):
        return {node.id} - bound if isinstance(node.ctx, ast.Load) else set()
    if values_only:
        if isinstance(node, ast.Attribute) and node.attr in SHAPES:
            return set()
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ONLY_SHAPE or called == "len":
                return read_names(node.func, values_only=True, bound=bound)
    if isinstance(node, ast.Lambda | ast.FunctionDef):
        bound = bound | {arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)}
        bound |= {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and _stores(name)}
    if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
        bound = bound.union(*(target_names(part.target) for part in node.generators))
    found = set()
    for child in ast.iter_child_nodes(node):
        found |= read_names(child, values_only=values_only, bound=bound)
    return found


def _stores(name):
    return isinstance(name.ctx, ast.Store)


def changed_by_calls(node):
    """Return the names that a statement may change through a call: `counted.append(…)`, `step(theta, g)`."""
    found = set()
    for call in [part for part in ast.walk(node) if isinstance(part, ast.Call)]:
        on = base_name(call.func)
        if isinstance(call.func, ast.Attribute) and DRAWS.fullmatch(call.func.attr) and on:
            found.add(on)
        changes = getattr(call.func, "id", None) == "fit"
        changes |= isinstance(node, ast.Expr) and node.value is call
        if changes and on not in SILENT:
            found |= {on} | {arg.id for arg in call.args if isinstance(arg, ast.Name)}
    return found


def steps(body, heads=()):
    """Return the steps of a list of statements, in their order."""
    found = []
    for node in body:
        parts = [node.iter, node.target] if isinstance(node, ast.For) else None
        parts = [node.test] if isinstance(node, ast.If | ast.While) else parts
        binds = set()
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            binds = {node.name}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            binds = {(name.asname or name.name).partition(".")[0] for name in node.names}
        elif isinstance(node, ast.For):
            binds = target_names(node.target)
        elif isinstance(node, ast.Assign):
            binds = set().union(*map(target_names, node.targets))
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            binds = target_names(node.target)
        if not isinstance(node, LOOPS | ast.FunctionDef | ast.ClassDef):
            binds |= changed_by_calls(node)
        parts = parts or ([] if isinstance(node, LOOPS) else [node])
        reads = set().union(*map(read_names, parts))
        values = set().union(*(read_names(part, values_only=True) for part in parts))
        step = Step(node, frozenset(binds), frozenset(reads), frozenset(values), heads)
        found.append(step)
        for name in ("body", "orelse", "finalbody"):
            if isinstance(node, LOOPS):
                found += steps(getattr(node, name, []), (*heads, step))
    return found


def slice_back(cell, needed, *, values_only=False):
    """Return the steps of a cell on which the names depend, and the names that the cells above must give."""
    needed, taken = set(needed), []
    while True:
        more = [step for step in cell if step not in taken and step.binds & needed]
        more += [head for step in more for head in step.heads if head not in taken and head not in more]
        if not more:
            break
        taken += more
        for step in more:  # what the loops around it bind is theirs alone
            around = frozenset().union(*(head.binds for head in step.heads))
            needed |= (step.reads_values if values_only else step.reads) - around
    taken = [step for step in cell if step in taken]
    given, before = set(), set()
    for step in taken:
        before |= step.reads - given
        if not step.heads and isinstance(step.node, ast.Assign | ast.FunctionDef | ast.ClassDef | ast.For):
            plain = getattr(step.node, "targets", [getattr(step.node, "target", None)])
            changed = {base_name(part) for part in plain if isinstance(part, ast.Subscript | ast.Attribute)}
            given |= step.binds - changed - step.reads
    return taken, needed - (given - before)


def called_holds(tree, tag=None):
    """Return the calls of `holds` in a tree, those of one equation or all."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    calls = [call for call in calls if getattr(call.func, "id", None) == "holds" and len(call.args) == 3]
    tags = [call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)]
    return [call for call, found in zip(calls, tags, strict=True) if tag is None or found == tag]


def tags_of(tree):
    """Return the numbers of the equations that a cell checks."""
    return list(dict.fromkeys(call.args[0].value for call in called_holds(tree)))


def needed_cells(trees, wanted):
    """Return the places of the cells that have to run, so that those in ``wanted`` can."""
    needed, run = set(), set()
    for place in reversed(range(max(wanted) + 1)):
        cell = steps(trees[place].body)
        if place in wanted:
            run.add(place)
            needed |= {name for step in cell for name in step.reads}
            needed |= {name for step in cell for name in step.binds}
        elif any(step.binds & needed for step in cell):
            run.add(place)
            needed |= {name for step in cell for name in step.reads}
    return sorted(run)


# --- what can be changed


class Change(NamedTuple):
    """Put ``new`` in the place of a node's field."""

    kind: str
    parent: ast.AST
    field: str
    at: int | None
    new: object
    line: int


class Cell:
    """The tree of a cell, with the way up from every node, and the names that may be exchanged there."""

    def __init__(self, tree, known=()):
        self.tree = tree
        self.known = set(known)
        self.above = {}
        for parent in ast.walk(tree):
            for field, value in ast.iter_fields(parent):
                for at, child in enumerate(value if isinstance(value, list) else [value]):
                    if isinstance(child, ast.AST):
                        self.above[child] = (parent, field, at if isinstance(value, list) else None)
        self.called = {
            node.func.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        self.strings = {}
        for node in ast.walk(tree):
            if _is_key(node):
                keys = self.strings.setdefault(base_name(node.value), [])
                keys += [node.slice.value] if node.slice.value not in keys else []

    def parents(self, node):
        """Yield the nodes above, from the nearest."""
        while node in self.above:
            node = self.above[node][0]
            yield node

    def loop_names(self, node):
        """Return the names of the loops around a node, the innermost first."""
        found, inside = [], node
        for parent in self.parents(node):
            targets = []
            if isinstance(parent, ast.For) and inside is not parent.iter:
                targets = [parent.target]
            elif isinstance(parent, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
                last = parent.generators.index(inside) if inside in parent.generators else None
                targets = [generator.target for generator in parent.generators[:last]]
            found += [name for target in targets for name in sorted(target_names(target)) if name != "_"]
            inside = parent
        return list(dict.fromkeys(found))

    def local_names(self, node):
        """Return what functions and lambdas around a node bind: {name: whether it is an argument}."""
        found = {}
        for parent in self.parents(node):
            if isinstance(parent, ast.FunctionDef | ast.Lambda):
                found |= {n.id: False for n in ast.walk(parent) if isinstance(n, ast.Name) and _stores(n)}
                found |= {arg.arg: True for arg in ast.walk(parent.args) if isinstance(arg, ast.arg)}
        return found

    def function_names(self, node):
        """Return what the functions around a node bind, without the lambdas."""
        functions = [part for part in self.parents(node) if isinstance(part, ast.FunctionDef)]
        return set().union(*(self.local_names(function.body[0]) for function in functions))

    def bound_before(self, node):
        """Return the names that the statements above the one around a node bind."""
        outermost = [node, *self.parents(node)][-2]
        before = self.tree.body[: self.tree.body.index(outermost)]
        return {name for step in steps(before) for name in step.binds}

    def shape_names(self):
        """Return the names that are unpacked from a shape, such as ``M, H, W, C = x.shape``."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
                attributes = {getattr(part, "attr", "") for part in ast.walk(node.value)}
                found |= target_names(node.targets[0]) if "shape" in attributes else set()
        return found

    def family(self, name, node):
        """Return what kind of name it is at this place: index, padding, size, array, or None."""
        loops = self.loop_names(node)
        if name in loops:
            return "index"
        if PADDINGS.fullmatch(name) and not _is_called(self, node):
            return "padding"
        local = self.local_names(node)
        if SIZES.fullmatch(name) or name in self.shape_names():
            return "size"
        if name in local and len(name) == 1 and name in "ijuvckmnl":
            return "index"
        if name in self.called or hasattr(builtins, name) or _is_called(self, node) or name in SILENT:
            return None
        parent, _, _ = self.above[node]
        if isinstance(parent, ast.Call) and parent in called_holds(self.tree):
            return None  # a whole side; the other one in its place would say nothing
        if isinstance(parent, ast.Attribute) and parent.attr in SHAPES:
            return None
        used = isinstance(parent, ast.BinOp | ast.Call | ast.Attribute | ast.Compare | ast.UnaryOp)
        used |= isinstance(parent, ast.Subscript) and parent.value is node
        return "array" if used else None

    def partners(self, name, node, family):
        """Return at most two names that could stand there by mistake, three for a size or a padding."""
        local = self.local_names(node)
        whole_sides = {
            arg.id for call in called_holds(self.tree) for arg in call.args[1:] if hasattr(arg, "id")
        }
        bound = set(local) | self.bound_before(node) | self.known
        bound -= whole_sides if family == "array" else set()
        if name in self.function_names(node):  # the global that is passed for it would be no mistake here
            bound &= set(local)
        loops = self.loop_names(node)
        pairs = [other for other in PAIRS.get(name, "").split() if family != "array"]
        if family == "index":
            args = [other for other, is_arg in local.items() if is_arg and other in PAIRS and len(other) == 1]
            loops = [other for other in loops if other in PAIRS or len(other) == 1]
            others = [other for other in [*pairs, *loops] if other in [*loops, *args]]
        else:
            near = self.neighbours(node)
            others = [other for other in pairs if other in bound]
            for other in near:
                if other.id != name and other.id in bound and self.family(other.id, other) == family:
                    others.append(other.id)
        most = 3 if family in ("size", "padding") else 2
        return list(dict.fromkeys(other for other in others if other != name))[:most]

    def neighbours(self, node):
        """Return the names that are read in the same statement, then those in the rest of the cell."""
        statement = next(parent for parent in self.parents(node) if isinstance(parent, ast.stmt))
        nodes = [*ast.walk(statement), *ast.walk(self.tree)]
        return [found for found in nodes if isinstance(found, ast.Name) and not _stores(found)]


def _is_key(node):
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
        and base_name(node.value) is not None
    )


def _is_called(cell, node):
    parent, field, _ = cell.above[node]
    return isinstance(parent, ast.Call) and field == "func"


def _is_number(node, *values):
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant) and node.value in values and node.value is not True


def changes(cell, root):
    """Yield every change below a node, whether it makes a difference or not."""
    if not isinstance(root, ast.AST) or isinstance(
        root, ast.Import | ast.ImportFrom | ast.Assert | ast.Raise
    ):
        return
    if isinstance(root, ast.Expr) and base_name(root.value) in SILENT:
        return
    if isinstance(root, ast.keyword) and root.arg in NOT_FORMULA | {"axis"}:
        if root.arg == "axis":
            yield from _axis_changes(cell, root)
        return
    if (
        isinstance(root, ast.Call)
        and isinstance(root.func, ast.Attribute)
        and DRAWS.fullmatch(root.func.attr)
    ):
        return
    if isinstance(root, ast.JoinedStr | ast.arguments):
        return
    for change in CHANGES:
        yield from change(cell, root)
    for field, value in ast.iter_fields(root):
        if isinstance(root, ast.Call) and field == "args" and _called(root) in PLUMBING:
            continue
        if isinstance(root, ast.Subscript) and isinstance(root.value, ast.Call) and _is_number(value, 0, 1):
            continue  # which of a function's results: no part of a formula
        for child in value if isinstance(value, list) else [value]:
            yield from changes(cell, child)


def _called(call):
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _here(cell, kind, node, new):
    """Return the change of the whole node."""
    parent, field, at = cell.above[node]
    return Change(kind, parent, field, at, new, node.lineno)


def _operators(cell, node):
    if not isinstance(node, ast.BinOp) or _is_sequence(node.left) or _is_sequence(node.right):
        return
    for new in OPERATORS.get(type(node.op), ()):
        if not (new is ast.Div and _is_number(node.right, 1)):
            yield _here(cell, "operator", node, ast.BinOp(node.left, new(), node.right))
    if isinstance(node.op, ast.Add | ast.Sub):
        if not _is_number(node.right, 0):
            yield _here(cell, "term", node, node.left)
        if isinstance(node.op, ast.Add):
            yield _here(cell, "term", node, node.right)
    elif isinstance(node.op, ast.Mult | ast.Div | ast.FloorDiv | ast.Pow | ast.Mod):
        if not _is_number(node.right, 1) or isinstance(node.right, ast.UnaryOp):
            yield _here(cell, "factor", node, node.left)
        if isinstance(node.op, ast.Mult) and not _is_number(node.left, 1):
            yield _here(cell, "factor", node, node.right)
    if isinstance(node.op, ast.Sub | ast.Div | ast.FloorDiv | ast.Mod | ast.Pow | ast.MatMult):
        yield _here(cell, "order", node, ast.BinOp(node.right, node.op, node.left))


def _is_sequence(node):
    if isinstance(node, ast.List | ast.Tuple | ast.JoinedStr):
        return True
    return getattr(node, "attr", "") == "shape" or (isinstance(node, ast.Call) and _called(node) == "shape")


def _signs(cell, node):
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        parent, field, _ = cell.above[node]
        in_slice = isinstance(parent, ast.Slice)
        plumbing = isinstance(parent, ast.Call) and _called(parent) == "reshape"
        plumbing |= isinstance(parent, ast.Subscript) and field == "slice"
        if not in_slice and not plumbing:
            yield _here(cell, "sign", node, node.operand)
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
        op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield Change("sign", node, "op", None, op, node.lineno)


def _comparisons(cell, node):
    if isinstance(node, ast.Compare):
        for at, op in enumerate(node.ops):
            for new in COMPARISONS.get(type(op), ()):
                yield Change("comparison", node, "ops", at, new(), node.lineno)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield Change("comparison", node, "op", None, other, node.lineno)
        for at in range(len(node.values)):
            rest = [value for place, value in enumerate(node.values) if place != at]
            left = rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
            yield _here(cell, "term", node, left)
    elif isinstance(node, ast.IfExp):
        yield _here(cell, "branch", node, ast.IfExp(node.test, node.orelse, node.body))
        yield _here(cell, "branch", node, node.body)
    elif isinstance(node, ast.Call) and _called(node) in OPPOSITES:
        field = "attr" if isinstance(node.func, ast.Attribute) else "id"
        yield Change("comparison", node.func, field, None, OPPOSITES[_called(node)], node.lineno)


def _numbers(cell, node):
    if not isinstance(node, ast.Constant) or type(node.value) not in (int, float):
        return
    if node.value % 1 or abs(node.value) > 100_000 or _in_step_of_slice(cell, node):
        return
    for shift in (1, -1):
        yield _here(cell, "off by one", node, ast.Constant(node.value + shift))


def _in_step_of_slice(cell, node):
    if isinstance(cell.above[node][0], ast.UnaryOp):
        node = cell.above[node][0]
    return cell.above[node][1] == "step"


def _names(cell, node):
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        family = cell.family(node.id, node)
        for other in cell.partners(node.id, node, family) if family else ():
            yield _here(cell, family, node, ast.Name(other, ast.Load()))
    elif _is_key(node):
        for other in cell.strings[base_name(node.value)]:
            if other != node.slice.value:
                yield Change("array", node, "slice", None, ast.Constant(other), node.lineno)
    elif isinstance(node, ast.Call) and _called(node) == "einsum":
        yield from _letters(node)


def _letters(call):
    """Two letters of one array exchanged in an einsum."""
    text = call.args[0].value
    for at in range(len(text) - 1):
        if text[at].isalpha() and text[at + 1].isalpha() and text[at] != text[at + 1]:
            swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
            yield Change("index", call, "args", 0, ast.Constant(swapped), call.lineno)


def _reversals(cell, node):
    if isinstance(node, ast.Slice) and node.step is not None and _is_number(node.step, 1):
        yield _here_slice(cell, node, ast.Slice(node.lower, node.upper, None))
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield _here(cell, "reversal", node, node.value)
    elif isinstance(node, ast.Call) and _called(node) in ("flip", "rot90", "fliplr", "flipud"):
        yield _here(cell, "reversal", node, node.args[0])
    elif isinstance(node, ast.Call) and _called(node) == "swapaxes":
        yield _here(cell, "reversal", node, node.func.value)


def _here_slice(cell, node, new):
    parent, field, at = cell.above[node]
    return Change("reversal", parent, field, at, new, node.lineno)


def _orders(cell, node):
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
        parts = node.slice.elts
        for at in range(len(parts) - 1):
            if ast.dump(parts[at]) != ast.dump(parts[at + 1]):
                yield Change("order", node.slice, "elts", None, _swapped(parts, at), node.lineno)
    elif isinstance(node, ast.Call) and _called(node) == "transpose" and len(node.args) > 1:
        for at in range(len(node.args) - 1):
            yield Change("axis", node, "args", None, _swapped(node.args, at), node.lineno)
    elif isinstance(node, ast.Call) and _called(node) in (
        "ndindex",
        "zeros",
        "empty",
        "reshape",
        "selection",
    ):
        for at in range(len(node.args) - 1):
            pair = node.args[at : at + 2]
            if all(isinstance(part, ast.Name) for part in pair):
                yield Change("size", node, "args", None, _swapped(node.args, at), node.lineno)


def _swapped(parts, at):
    return [*parts[:at], parts[at + 1], parts[at], *parts[at + 2 :]]


def _assignments(cell, node):
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        yield _here(cell, "assignment", node, ast.Assign([node.target], node.value))
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        target = node.targets[0]
        if not _starts_with_zeros(cell, base_name(target)):  # there, adding is writing
            yield _here(cell, "assignment", node, ast.AugAssign(target, ast.Add(), node.value))


def _starts_with_zeros(cell, name):
    for node in ast.walk(cell.tree):
        if isinstance(node, ast.Assign) and name in set().union(*map(target_names, node.targets)):
            calls = [part for part in ast.walk(node.value) if isinstance(part, ast.Call)]
            if any("zeros" in _called(call) for call in calls):
                return True
    return False


def _axis_changes(cell, keyword):
    """Another axis: 0 for 1, 1 for 0, the next one for the others."""
    axes = keyword.value.elts if isinstance(keyword.value, ast.Tuple) else [keyword.value]
    if not all(_is_number(axis, *range(9)) for axis in axes):
        return
    numbers = [ast.literal_eval(axis) for axis in axes]
    for number in numbers:
        for other in (number - 1, number + 1):
            if other in numbers or other < 0 <= number:
                continue
            new = [other if old == number else old for old in numbers]
            value = [ast.Constant(axis) for axis in new]
            value = ast.Tuple(value, ast.Load()) if len(value) > 1 else value[0]
            yield Change("axis", keyword, "value", None, value, keyword.value.lineno)


CHANGES = (_operators, _signs, _comparisons, _numbers, _names, _reversals, _orders, _assignments)


# --- mutants


def formula_roots(step):
    """Return the parts of a step that may be changed."""
    node = step.node
    if isinstance(node, ast.For):
        return [node.iter]
    if isinstance(node, ast.If | ast.While):
        return [node.test]
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [part for part in node.body if not _is_docstring(part)]
    return [] if isinstance(node, LOOPS) else [node]


def _is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def sides(trees, place, tag):
    """Return (cell, roots) for each cell that computes one side alone, the equation's own cell first."""
    calls = called_holds(trees[place], tag)
    needed = [set().union(*(read_names(call.args[side]) for call in calls)) for side in (1, 2)]
    values = [
        set().union(*(read_names(call.args[side], values_only=True) for call in calls)) for side in (1, 2)
    ]
    found = [(place, [call.args[side] for call in calls for side in (1, 2)])]
    for at in reversed(range(place + 1)):
        cell = steps(trees[at].body)
        both = [slice_back(cell, names)[0] for names in needed]
        read = [slice_back(cell, names, values_only=True)[0] for names in values]
        needed = [slice_back(cell, names)[1] for names in needed]
        values = [slice_back(cell, names, values_only=True)[1] for names in values]
        alone = [step for step in cell if (step in read[0]) != (step in read[1])]
        alone = [step for step in alone if step in both[0] or step in both[1]]
        found.append((at, [root for step in alone for root in formula_roots(step)]))
    own = [(at, roots) for at, roots in found if at == place]
    return [(place, [root for _, roots in own for root in roots]), *found[len(own) :]]


def mutants(trees, place, tag, *, most=MOST, least=LEAST):
    """Return the sample of mutants of one equation.

    Parameters
    ----------
    trees : list of ast.Module
        The code cells of a lesson.
    place : int
        Which of them calls `holds` for the equation.
    tag : str
        The equation's number.
    most, least : int
        How many mutants to take of the cell itself; how many to fill up to from the cells above.

    Returns
    -------
    list of Mutant
    """
    chosen, texts = [], set()
    for at, roots in sides(trees, place, tag):
        wanted = most if at == place else least - len(chosen)
        if wanted <= 0:
            break
        found = [mutant for mutant in all_mutants(trees, at, roots, place) if mutant.text not in texts]
        chosen += sample(found, wanted)
        texts |= {mutant.text for mutant in chosen}
    return chosen


def all_mutants(trees, at, roots, place):
    """Return every mutant of one cell, each once."""
    known = {name for tree in trees[:at] for step in steps(tree.body) for name in step.binds}
    cell = Cell(trees[at], known)
    original = ast.unparse(trees[at])
    found, seen = [], {original}
    texts = Counter()
    for change in [change for root in roots for change in changes(cell, root)]:
        before, after, source = applied(cell, change)
        if source in seen or before == after or is_empty(source):
            continue
        seen.add(source)
        text = f"line {change.line}: {before} -> {after}"
        if at != place:
            text = f"{place - at} cells above, {text}"
        texts[text] += 1
        text += f" ({texts[text]})" if texts[text] > 1 else ""
        found.append(Mutant(text, change.kind, at, source))
    return found


def is_empty(source):
    """Return whether a call of `holds` compares something with itself."""
    calls = called_holds(ast.parse(source)) if "holds" in source else []
    return any(ast.dump(call.args[1]) == ast.dump(call.args[2]) for call in calls)


def applied(cell, change):
    """Return what stood there, what stands there now, and the cell's code."""
    context = _context(cell, change.parent)
    old = getattr(change.parent, change.field)
    context = old[change.at] if isinstance(change.new, ast.stmt) else context
    before = _short(context)
    if change.at is None:
        new = change.new
    else:
        new = [*old[: change.at], change.new, *old[change.at + 1 :]]
    setattr(change.parent, change.field, new)
    ast.fix_missing_locations(cell.tree)
    try:
        after = _short(change.new if isinstance(change.new, ast.stmt) else context)
        return before, after, ast.unparse(cell.tree)
    finally:
        setattr(change.parent, change.field, old)


def _context(cell, node):
    """Return the smallest piece around a change that says something."""
    around = [node, *cell.parents(node)]
    for part in around:
        if isinstance(part, ast.expr) and len(ast.unparse(part)) >= 12:
            return part
        if isinstance(part, ast.stmt) and not isinstance(part, LOOPS | ast.FunctionDef | ast.ClassDef):
            return part
        if isinstance(part, LOOPS | ast.FunctionDef | ast.ClassDef):
            return part
    return node


def _short(node):
    """Return the code on one line, of a compound statement the head."""
    if isinstance(node, ast.Module):
        return "; ".join(ast.unparse(node).splitlines())
    lines = ast.unparse(node).splitlines()
    return lines[0] if isinstance(node, LOOPS | ast.FunctionDef) else " ".join(line.strip() for line in lines)


def sample(found, most):
    """Return at most ``most`` mutants, spread over the kinds and the lines, the same ones every time."""
    waiting = {kind: [m for m in found if m.kind == kind] for kind in KINDS}
    lines, chosen = Counter(), []
    while len(chosen) < most and any(waiting.values()):
        for kind in KINDS:
            if waiting[kind] and len(chosen) < most:
                line = {m: m.text.partition(":")[0] for m in waiting[kind]}
                best = min(waiting[kind], key=lambda m, line=line: (lines[line[m]], _lot(m)))
                waiting[kind].remove(best)
                lines[line[best]] += 1
                chosen.append(best)
    return chosen


def _lot(mutant):
    """Return a number that depends on the mutant's text alone."""
    return sha1(mutant.text.encode()).hexdigest()
