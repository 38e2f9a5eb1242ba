"""An expression of single numbers as the nodes of a graph, in the order in which they are computed."""

import ast
import re

from backprop_helpers.layers._validate import shown

MOST_NODES = 40
OPERATORS = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power"}
SIGNS = {"add": "+", "subtract": "−", "multiply": "·", "divide": "/", "power": "^"}
UNARY = ("relu", "exp", "log", "tanh", "sigmoid", "sqrt", "square")
BINARY = ("max", "min")
RANK = {"add": 1, "subtract": 1, "multiply": 2, "divide": 2, "negate": 2, "power": 3}
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def nodes_of(expression, caller):
    """Return ``[{"name", "label", "text", "formula", "reads", "steps"}, …]``; an input has no steps.

    A step is (operation, *arguments); an argument is a constant, or None for what is read (later: the
    value so far): e²/2 is one gate of two steps. `formula` is the text with places of `reads` for the names.
    """
    reader = _Reader(caller)
    for name, tree in _statements(expression, caller):
        reader.define(name, tree)
    return reader.finished()


def _statements(expression, caller):
    """Return [(name, syntax tree), …] of a text or of named texts."""
    if not isinstance(expression, str):
        pairs = expression.items() if isinstance(expression, dict) else expression
        try:
            expression = "\n".join(f"{name} = {text}" for name, text in pairs)
        except (TypeError, ValueError):
            wanted = "a text, or a dict or list of (name, text)"
            raise TypeError(f"{caller}: expression must be {wanted}; got {shown(expression)}") from None
    try:
        body = ast.parse(re.sub(r"\s*[;\n]\s*", "\n", expression.strip())).body
    except SyntaxError as error:
        raise ValueError(f"{caller}: expression is no Python: {error.msg} in {shown(expression)}") from None
    if not body:
        raise ValueError(f"{caller}: expression must not be empty")
    found = []
    for place, line in enumerate(body):
        if isinstance(line, ast.Assign) and len(line.targets) == 1 and isinstance(line.targets[0], ast.Name):
            found.append((line.targets[0].id, line.value))
        elif isinstance(line, ast.Expr) and place == len(body) - 1:
            found.append(("J", line.value))
        else:
            raise ValueError(f"{caller}: every line must be name = expression; got {ast.unparse(line)!r}")
    return found


class _Reader:
    """Nodes that are read so far. A value under way is a place among them, or a constant (float or int)."""

    def __init__(self, caller):
        self.caller, self.nodes, self.known = caller, [], {}

    def define(self, name, tree):
        if name in self.known:
            raise ValueError(f"{self.caller}: {name} is defined twice, or read before it is defined")
        place = self.place_of(tree)
        if not isinstance(place, _Place):
            raise ValueError(
                f"{self.caller}: {name} = {place} is a constant: give it as a value, {name}={place}"
            )
        node = self.nodes[place]
        if node["name"] is not None:
            raise ValueError(f"{self.caller}: {name} is {node['name']} again: one name is enough")
        node["name"] = name
        self.known[name] = place

    def place_of(self, tree):
        match tree:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return number
            case ast.Name(id=name):
                if name not in self.known:
                    self.known[name] = self.add({"name": name, "reads": [], "parts": [name], "rank": 9})
                return self.known[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.place_of(operand)
                return self.gate("negate", [inner]) if isinstance(inner, _Place) else -inner
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
                return self.gate(OPERATORS[type(sign)], [self.place_of(left), self.place_of(right)], tree)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if (
                name in UNARY and len(args) == 1
            ) or (name in BINARY and len(args) == 2):
                return self.gate(name, [self.place_of(arg) for arg in args], tree)
        known = f"+ − * / **, {', '.join(BINARY)} of two and {', '.join(UNARY)}"
        raise ValueError(f"{self.caller}: known are {known}; got {ast.unparse(tree)!r}")

    def gate(self, op, arguments, tree=None):
        if not any(isinstance(argument, _Place) for argument in arguments):
            raise ValueError(f"{self.caller}: {ast.unparse(tree)} is a constant: write the number")
        if op == "power" and arguments[1] == 2:
            op, arguments = "square", arguments[:1]
        reads = [argument for argument in arguments if isinstance(argument, _Place)]
        step = [op, *(None if isinstance(argument, _Place) else argument for argument in arguments)]
        inner = self.nodes[reads[0]]
        goes_on = len(reads) == 1 and inner["name"] is None and len(inner["reads"]) == 1 and op not in UNARY
        parts, rank = self.written(op, arguments, goes_on)
        if goes_on:  # a constant more belongs to the gate before it: e²/2
            inner |= {"parts": parts, "rank": rank, "steps": [*inner["steps"], step]}
            return reads[0]
        return self.add({"name": None, "reads": reads, "steps": [step], "parts": parts, "rank": rank})

    def add(self, node):
        if len(self.nodes) == MOST_NODES:
            raise ValueError(
                f"{self.caller}: at most {MOST_NODES} nodes can be read; the expression has more"
            )
        self.nodes.append(node)
        return _Place(len(self.nodes) - 1)

    def written(self, op, arguments, goes_on):
        """Return an operation's text as parts, a name being a node's place; and how strongly it binds."""
        rank = RANK.get(op, 9)
        texts = []
        for n, argument in enumerate(arguments):
            parts, own = self.spoken(argument, goes_on)
            loose = own < rank or (n == 1 and own == rank and op in ("subtract", "divide"))
            brackets = (loose and rank < 9) or (op in ("square", "power") and own < 9)
            texts.append(["(", *parts, ")"] if brackets else parts)
        if op == "square":
            return [*texts[0], "²"], 3
        if op == "negate":
            return ["−", *texts[0]], 2
        if op == "power" and type(arguments[1]) is int and arguments[1] >= 0:
            return [*texts[0], str(arguments[1]).translate(RAISED)], 3
        if op in SIGNS:
            sign = f" {SIGNS[op]} " if rank == 1 else SIGNS[op]
            return [*texts[0], sign, *texts[1]], rank
        return [
            f"{op}(",
            *(part for n, parts in enumerate(texts) for part in ([", "] if n else []) + parts),
            ")",
        ], 9

    def spoken(self, argument, goes_on):
        if not isinstance(argument, _Place):
            return [f"{argument:g}".replace("-", "−")], 9 if argument >= 0 else 0
        node = self.nodes[argument]
        return (node["parts"] if goes_on else [argument]), 9 if node["name"] else node["rank"]

    def finished(self):
        """Return the nodes with all names, and texts made of them; refuse what J does not read."""
        used = {int(place) for node in self.nodes for place in node["reads"]} | {len(self.nodes) - 1}
        for n, node in enumerate(self.nodes):
            if node["name"] is None:
                text, taken = self.text_of(node), {node["name"] for node in self.nodes}
                node["name"] = text if len(text) <= 14 and text not in taken else f"v{n}"
            if n not in used:
                last = self.nodes[-1]["name"]
                raise ValueError(f"{self.caller}: {node['name']} is computed, but {last} does not read it")
        return [self.as_json(node) for node in self.nodes]

    def text_of(self, node):
        return "".join(self.nodes[p]["name"] if isinstance(p, _Place) else p for p in node["parts"])

    def as_json(self, node):
        name, text = node["name"], self.text_of(node)
        if "steps" not in node:
            return {"name": name, "label": name, "text": name, "reads": []}
        label = text if text == name else f"{name} = {text}"
        if len(label) > 15:
            op = node["steps"][0][0]
            label = text[:14] + "…" if text == name else f"{name}: {SIGNS.get(op, op)}"
        formula = [node["reads"].index(part) if isinstance(part, _Place) else part for part in node["parts"]]
        kept = {"name": name, "label": label, "text": text, "formula": formula}
        return kept | {"reads": [int(place) for place in node["reads"]], "steps": node["steps"]}


class _Place(int):
    """The place of a node, to be told from a constant."""
