"""The catalogue's notation: an entry is a change of lines in a right implementation, written as a patch.

    relu.no_mask = relu_backward            the name, and the solution that is changed
    the gradient is handed on unchanged     what is wrong, in one sentence
    ? nudge an entry of z that is −2        where to look
    seen: slips in print, 12                its rows in notebooks/more/slips_in_print.ipynb, if it has any
    with: stride=2                          the keyword arguments that expose it, if not the usual ones
    at: (1, 2); [[1.0, 2.0]]                the smallest input that does, if not the usual: shapes, numbers
    also: conservation                      oracles that see it besides the usual ones
    unseen: SciPy: it has no such function  oracles that do not see it, and why
    passes: conv.no_rotation                for a mistaken check: the wrong layer that it passes
    ~ dz = da.copy()                        takes the place of the line that is most like it
    - dz = da * (z > 0)                     or: lines of the right implementation,
    + dz = da.copy()                        and what stands there instead

Two spaces go on with the line before; ``+`` alone, without a ``-``, is the whole code.
"""

import ast
import difflib
import re

import numpy as np

FIELDS = {"seen", "with", "at", "also", "unseen", "passes", "for", "fit"}


def entries_in(text):
    """Yield the fields of each entry of a text, as a dict of strings and lists of lines."""
    for block in re.split(r"\n\s*(?=\w+\.\w+ = )", text.strip()):
        heading, *lines = block.splitlines()
        name, _, base = heading.partition(" = ")
        fields = {"name": name, "base": base, "diagnosis": "", "hint": "", "patch": []}
        last = None
        for line in lines:
            mark, _, rest = line.partition(" ")
            if line.startswith(("- ", "+", "~ ")):
                fields["patch"].append(line)
            elif line.startswith("  "):
                fields[last] += " " + line.strip()
            elif mark[:-1] in FIELDS and mark.endswith(":"):
                last = mark[:-1]
                fields[last] = rest
            else:
                last = "hint" if mark == "?" else "diagnosis"
                fields[last] = rest if mark == "?" else line
        yield fields


def options_of(text):
    """Return ``{"stride": 2}`` for ``stride=2``."""
    call = ast.parse(f"f({text})").body[0].value
    return {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}


def inputs_of(text):
    """Return fresh arguments for ``(1, 2); [[1.0]]; 0.5; "rng"``: shapes, arrays, numbers, a generator."""
    arguments = []
    for item in map(ast.literal_eval, text.split("; ")):
        if item == "rng":
            item = np.random.default_rng(0)
        elif isinstance(item, tuple):
            item = irregular(*item)
        elif isinstance(item, list):
            item = np.array(item)
        arguments.append(item)
    return tuple(arguments)


def irregular(*shape):
    """Return distinct floats of both signs in a shuffled order, the same on every call."""
    size = int(np.prod(shape))
    return (np.random.default_rng(size).permutation(size) - size / 2 + 0.75).reshape(shape)


def patched(source, patch, name):
    """Return the code of a right implementation with the lines of a patch replaced.

    Raises
    ------
    ValueError
        The lines to replace do not stand in the code exactly once.
    """
    lines = source.splitlines()
    for removed, added in _hunks(patch, [line.strip() for line in lines]):
        places = [
            i
            for i in range(len(lines) - len(removed) + 1)
            if [line.strip() for line in lines[i : i + len(removed)]] == [line.strip() for line in removed]
        ]
        if len(places) != 1:
            raise ValueError(f"{name}: {removed[0]!r} stands {len(places)} times in the right code")
        (i,) = places
        indent = min(
            (line[: len(line) - len(line.lstrip())] for line in lines[i : i + len(removed)]), key=len
        )
        lines[i : i + len(removed)] = [indent + line if line else line for line in added]
    return "\n".join(lines) + "\n"


def _hunks(patch, right):
    """Yield (lines to replace, lines that stand there instead); `right` are the lines of the right code."""
    removed, added = [], []
    for line in patch:
        if line[0] in "-~" and added:
            yield removed, added
            removed, added = [], []
        if line[0] == "~":
            removed = difflib.get_close_matches(line[2:].strip(), right, n=1, cutoff=0)
        (removed if line[0] == "-" else added).append(line[2:])
    yield removed, added
