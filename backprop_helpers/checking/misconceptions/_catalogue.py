"""What a misconception is, and the catalogue that holds them."""

import difflib
import inspect
import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from backprop_helpers.checking.misconceptions import _right
from backprop_helpers.checking.misconceptions._pairs import pair_for
from backprop_helpers.layers import resolve_padding

POST = "a blog post on backpropagation in a CNN (Demystifying Deep Learning, part 9)"
SECOND_POST = "a blog post on the backward pass of a CNN (Backward Pass of CNN)"
EXPECTED = "a slip to be expected"  # not seen in print; the checks must catch it all the same

#: What can tell a wrong implementation from a right one. Each entry names those that see it.
ORACLES = {
    "gradient check": "gradient_check(*bug.pair(), bug.smallest_input()) fails",
    "reference": "the right function gives another answer to the same input, or the wrong one raises an "
    "error",
    "conservation": "pooling hands on all of the gradient, once: dX sums to what dZ sums to",
    "large scores": "softmax of scores of ±1000 is finite",
    "rows sum to 1": "softmax returns probabilities",
    "first loss": "an untrained network's loss is about ln 10 for ten classes",
    "wrong code": "the check passes a layer that is known to be wrong",
}

LAYER_NAMES = {"pooling": "pool", "fully_connected": "fc"}  # the modules' names, for the functions' prefixes


@dataclass(frozen=True, repr=False)
class Misconception:
    """A wrong implementation, as somebody has written it, with what there is to know about it.

    Attributes
    ----------
    name : str
        The layer and the mistake, such as ``"conv.no_rotation"``.
    base : str
        The right implementation it is made from, a function of `_right`.
    diagnosis : str
        What is wrong, in one line.
    hint : str
        Where to look, without giving the answer away.
    seen : str
        Where it was seen.
    example : callable
        Makes the smallest input that exposes it.
    changes : mapping of str to str
        The lines of the right implementation that are replaced, and by what.
    code : str
        The whole wrong implementation, where it is not a change of a few lines.
    options : mapping
        The keyword arguments, such as ``{"stride": 2, "padding": "valid", "dilation": 1}``, with which it is
        exposed.
    oracles : tuple of str
        What sees the mistake; keys of `ORACLES`.
    lets_through : Misconception or None
        For a mistaken check: a wrong layer that it passes.
    """

    name: str
    base: str
    diagnosis: str
    hint: str
    seen: str
    example: Callable = field(default=tuple)
    changes: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    options: Mapping = field(default_factory=dict)
    oracles: tuple[str, ...] = ("gradient check", "reference")
    lets_through: "Misconception | None" = None

    @property
    def layer(self):
        """The layer it belongs to, such as "conv"; "training" or "check" where it is none."""
        return self.name.partition(".")[0]

    @property
    def function(self):
        """The name of the function that it implements, such as "conv_backward"."""
        return self.base.partition("_by_")[0]

    @cached_property
    def right_source(self):
        """The code of the right implementation it is made from."""
        return _source_of(self.base, self.function)

    @cached_property
    def source(self):
        """The code of the wrong implementation, as text."""
        if self.code:
            return inspect.cleandoc(self.code) + "\n"
        text = self.right_source
        for right, wrong in self.changes.items():
            if text.count(right) != 1:
                raise ValueError(f"{self.name}: {right!r} stands {text.count(right)} times in {self.base}")
            text = text.replace(right, wrong)
        return text

    @cached_property
    def right(self):
        """The right implementation, with the same arguments as `wrong`."""
        return getattr(_right, self.base)

    @cached_property
    def wrong(self):
        """The wrong implementation: a function of explicit arrays.

        ``conv_backward(dz, x, w, *, stride, padding, dilation)`` and its like. A mistaken check is a function
        of (forward, backward, inputs) that raises an AssertionError if it finds something.
        """
        return _compiled(self.source, self.function, f"<{self.name}>")

    def pair(self, **options):
        """Return (forward, backward), one of them wrong, for `gradient_check`.

        Parameters
        ----------
        **options
            Instead of the entry's own, to see where the mistake does not show: ``pair(stride=1)``.

        Raises
        ------
        ValueError
            The entry is no layer (an update rule, an initialisation), so there are no gradients to check.
        """
        if self.lets_through is not None:
            return self.lets_through.pair(**options)
        fresh = _compiled(self.source, self.function, f"<{self.name}>")  # one that keeps state starts anew
        return pair_for(self.name, self.function, fresh, dict(self.options) | options)

    def smallest_input(self):
        """Return fresh arrays: the smallest input that exposes the mistake, as forward takes it."""
        if self.lets_through is not None:
            return self.lets_through.smallest_input()
        return tuple(self.example())

    def __repr__(self):
        return f"{self.name}: {self.diagnosis}"


class Catalogue(Mapping):
    """The misconceptions by name, in the order of the lessons."""

    def __init__(self, entries):
        self._entries = {}
        for entry in entries:
            if entry.name in self._entries:
                raise ValueError(f"there are two misconceptions called {entry.name}")
            self._entries[entry.name] = entry

    def __getitem__(self, name):
        try:
            return self._entries[name]
        except (KeyError, TypeError):
            raise KeyError(_unknown("misconception", name, self._entries)) from None

    def __iter__(self):
        return iter(self._entries)

    def __len__(self):
        return len(self._entries)

    @property
    def layers(self):
        """The layers that have entries, in the order of the lessons."""
        return tuple(dict.fromkeys(entry.layer for entry in self.values()))

    def for_layer(self, layer):
        """Return the misconceptions about one layer, as a tuple.

        Parameters
        ----------
        layer : str
            Such as "conv"; see `layers`. A module's name, "pooling" or "fully_connected", does as well.

        Raises
        ------
        KeyError
            There is no such layer; the message has the nearest names.
        """
        prefix = LAYER_NAMES.get(layer, layer) if isinstance(layer, str) else layer
        if prefix not in self.layers:
            raise KeyError(_unknown("layer", layer, self.layers))
        return tuple(entry for entry in self.values() if entry.layer == prefix)

    def __repr__(self):
        counts = ", ".join(f"{layer} {len(self.for_layer(layer))}" for layer in self.layers)
        return f"{len(self)} misconceptions: {counts}"


def _unknown(what, name, known):
    """Return the message about a name that does not exist, with the nearest ones that do."""
    text = str(name)
    # A name without its layer, or with the wrong one, should still find its entry.
    tails = [entry for entry in known if entry.partition(".")[2] == text.rpartition(".")[2]]
    near = list(dict.fromkeys(tails + difflib.get_close_matches(text, known, n=3, cutoff=0.5)))
    hint = f"nearest: {', '.join(near)}" if near else f"there are {', '.join(list(known)[:12])}"
    return f"no {what} called {text!r}; {hint}"


def _source_of(base, function):
    """Return the code of a right implementation, under the name of the function it implements."""
    source = inspect.getsource(getattr(_right, base))
    return source.replace(f"def {base}(", f"def {function}(", 1)


def _compiled(source, function, filename):
    """Return the function that the code defines; a traceback into it shows its lines."""
    namespace = {"np": np, "resolve_padding": resolve_padding}
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), namespace)
    return namespace[function]
