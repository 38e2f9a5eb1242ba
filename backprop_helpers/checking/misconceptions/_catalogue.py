"""What a misconception is, and the catalogue that holds them."""

import ast
import inspect
import linecache
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, wraps

import numpy as np

from backprop_helpers.checking._text import nearest
from backprop_helpers.checking.misconceptions._pairs import pair_for
from backprop_helpers.checking.misconceptions._parse import (
    inputs_of,
    irregular,
    options_of,
    patched,
)
from backprop_helpers.checking.solutions import (
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_04,
    lesson_08,
    lesson_09,
    lesson_10,
)
from backprop_helpers.layers import resolve_padding

EXPECTED = "a slip to be expected"  # where nothing else is said: not seen in print, to be caught all the same

#: What can tell a wrong implementation from a right one; `benchmarks.oracles` asks them.
ORACLES = {
    "gradient check": "gradient_check(*bug.pair(), bug.smallest_input()) fails",
    "complex step": 'the same with method="complex": slopes without rounding error',
    "adjoint identity": "⟨z, dz⟩ and ⟨x, dx⟩ differ, for a layer that is linear, or linear between kinks",
    "reference": "loops over single numbers, as the formula reads, give another answer",
    "SciPy": "SciPy's correlation, filters or softmax give another answer",
    "exact integers": "loops over Python's fractions give another answer, compared with ==",
    "conservation": "pooling hands on all of the gradient, once: dX sums to what dZ sums to",
    "large scores": "softmax of scores of ±1000 is finite",
    "rows sum to 1": "softmax returns probabilities",
    "rows sum to 0": "the gradients of an example's scores sum to 0, as raising all of them changes nothing",
    "first loss": "an untrained network's loss is about ln 10 for ten classes",
    "repeatability": "backward gives the same answer twice, and leaves its arguments alone",
    "wrong code": "a battery of wrong layers that a check must not pass, and of right ones that it must",
    "PyTorch": "PyTorch's autograd gives another answer",
}

_SLOPES = ("gradient check", "complex step")
_ANSWERS = ("reference", "exact integers", "PyTorch")

#: The oracles that see any mistake in a function, but for the exceptions that an entry names.
USUAL_ORACLES = {
    "relu_backward": (*_SLOPES, "adjoint identity", *_ANSWERS),
    "fc_backward": (*_SLOPES, "adjoint identity", *_ANSWERS),
    "conv_forward": (*_SLOPES, "adjoint identity", "SciPy", *_ANSWERS),
    "conv_backward": (*_SLOPES, "adjoint identity", "SciPy", *_ANSWERS),
    "pool_forward": (*_SLOPES, "adjoint identity", "SciPy", *_ANSWERS),
    "pool_backward": (*_SLOPES, "adjoint identity", *_ANSWERS),
    "flatten_backward": (*_SLOPES, "adjoint identity", *_ANSWERS),
    "softmax_forward": (*_SLOPES, "reference", "SciPy", "PyTorch", "rows sum to 1"),
    "softmax_backward": (*_SLOPES, "reference", "PyTorch", "rows sum to 0"),
    "cross_entropy_backward": (*_SLOPES, *_ANSWERS),
    "softmax_cross_entropy_backward": (*_SLOPES, "reference", "SciPy", "PyTorch"),
    "sgd_step": ("reference", "exact integers"),
    "initial_weights": ("reference",),
    "check_gradients": ("wrong code",),
}

#: The keyword arguments of an entry that says nothing else.
USUAL_OPTIONS = {
    "conv_forward": {"stride": 1, "padding": "valid", "dilation": 1},
    "conv_backward": {"stride": 1, "padding": "valid", "dilation": 1},
    "pool_forward": {"size": (1, 2), "stride": (1, 2), "mode": "max"},
    "pool_backward": {"size": (1, 2), "stride": (1, 2), "mode": "max"},
    "cross_entropy_backward": {"y": np.array([1, 0])},
    "softmax_cross_entropy_backward": {"y": np.array([1, 0])},
}

#: The smallest input of an entry that says nothing else.
USUAL_AT = {
    "relu_backward": "[[-2.0, 3.0, -1.0, 0.5]]",
    "fc_backward": "(2, 1); (1, 1)",
    "conv_backward": "(1, 1, 2, 1); (1, 1, 1, 1)",
    "pool_backward": "[[[[2.0], [1.0]]]]",
    "softmax_forward": "[[1.0, -0.5, 0.25], [0.25, 0.75, -1.0]]",
    "cross_entropy_backward": "[[0.25, 0.5, 0.25], [0.5, 0.125, 0.375]]",
    "softmax_cross_entropy_backward": "[[1.0, -0.5, 0.25], [0.25, 0.75, -1.0]]",
    "sgd_step": "[[1.0]]; [1.0]; [[2.0]]; [3.0]; 0.5",
    "initial_weights": '784; 10; "rng"',
}

LESSONS = (lesson_01, lesson_02, lesson_03, lesson_04, lesson_08, lesson_09, lesson_10)


@dataclass(frozen=True, repr=False)
class Misconception:
    """A wrong implementation, as somebody has written it, with what there is to know about it."""

    name: str  # the layer and the mistake, such as "conv.no_rotation"
    base: str  # the right implementation it is made from, a function of a lesson's solutions
    diagnosis: str  # what is wrong, in one line
    hint: str  # where to look, without giving the answer away
    patch: tuple[str, ...]  # what is changed in the right implementation; see `_parse`
    seen: str = EXPECTED  # its rows in notebooks/more/slips_in_print.ipynb, if it has any
    at: str = ""  # the smallest input that exposes it
    options: Mapping = field(default_factory=dict)  # the keyword arguments with which it is exposed
    also_seen_by: tuple[str, ...] = ()  # oracles that see it besides the usual ones for its function
    # Oracles that one would ask and do not, and why.
    unseen_by: Mapping[str, str] = field(default_factory=dict)
    lets_through: "Misconception | None" = None  # for a mistaken check: a wrong layer that it passes

    @classmethod
    def of(cls, fields, layers=()):
        """Return the entry with these fields; `layers` has the wrong ones that a check may pass."""
        oracles, _, why = fields.get("unseen", "").partition(": ")
        function = fields["base"].partition("_by_")[0]
        return cls(
            **{key: fields[key] for key in ("name", "base", "diagnosis", "hint")},
            patch=tuple(fields["patch"]),
            seen=fields.get("seen", EXPECTED),
            at=fields.get("at") or USUAL_AT.get(function, ""),
            options=USUAL_OPTIONS.get(function, {}) | options_of(fields.get("with", "")),
            also_seen_by=_names(fields.get("also", "")),
            unseen_by=dict.fromkeys(_names(oracles), why),
            lets_through=next((entry for entry in layers if entry.name == fields.get("passes")), None),
        )

    @property
    def layer(self):
        """The layer it belongs to, such as "conv"; "training" or "check" where it is none."""
        return self.name.partition(".")[0]

    @property
    def function(self):
        """The name of the function that it implements, such as "conv_backward"."""
        return self.base.partition("_by_")[0]

    @property
    def oracles(self):
        """What sees the mistake, a tuple of keys of `ORACLES`. The kill matrix asks each of them."""
        seen = {*USUAL_ORACLES.get(self.function, ()), *self.also_seen_by} - set(self.unseen_by)
        return tuple(name for name in ORACLES if name in seen)

    @cached_property
    def right_source(self):
        """The code of the right implementation it is made from."""
        return _source_of(self.right).replace(f"def {self.base}(", f"def {self.function}(", 1)

    @cached_property
    def source(self):
        """The code of the wrong implementation, as text."""
        if all(line.startswith("+") for line in self.patch):
            return "".join(f"{line[2:]}\n" for line in self.patch)
        return patched(self.right_source, self.patch, self.name)

    @cached_property
    def right(self):
        """The right implementation, with the same arguments as `wrong`."""
        return next(getattr(lesson, self.base) for lesson in LESSONS if hasattr(lesson, self.base))

    @cached_property
    def wrong(self):
        """The wrong implementation: a function of explicit arrays.

        ``conv_backward(dz, x, w, *, stride, padding, dilation)`` and its like. A mistaken check is a function
        of (forward, backward, inputs) that raises an AssertionError if it finds something. Nested lists do
        for arrays.
        """
        return self.fresh()

    def fresh(self):
        """Return `wrong` compiled anew: one that keeps state between calls has none yet."""
        function = _compiled(self.source, self.function, f"<{self.name}>")
        return function if self.function == "check_gradients" else _accepting_lists(function)

    def pair(self, **options):
        """Return (forward, backward), one of them wrong, for `gradient_check`.

        Options stand instead of the entry's own, to see where the mistake does not show: ``pair(stride=1)``.

        Raises
        ------
        ValueError
            The entry is not a layer (an update rule, an initialisation), so there are no gradients to check.
        """
        if self.lets_through is not None:
            return self.lets_through.pair(**options)
        return pair_for(self.name, self.function, self.fresh(), dict(self.options) | options)

    def smallest_input(self):
        """Return fresh arrays: the smallest input that exposes the mistake, as forward takes it."""
        if self.lets_through is not None:
            return self.lets_through.smallest_input()
        arguments = inputs_of(self.at)
        if self.function.partition("_")[0] in ("conv", "fc"):  # the bias is as long as there are units
            return (*arguments, irregular(arguments[1].shape[-1]))
        return arguments

    def __repr__(self):
        return f"{self.name}: {self.diagnosis}"


class Catalogue(dict):
    """The misconceptions by name, in the order of the lessons."""

    def __init__(self, entries):
        for entry in entries:
            if entry.name in self:
                raise ValueError(f"there are two misconceptions called {entry.name}")
            self[entry.name] = entry

    def __getitem__(self, name):
        try:
            return super().__getitem__(name)
        except (KeyError, TypeError):
            # A name without its layer, or with the wrong one, should still find its entry.
            tail = str(name).rpartition(".")[2]
            tails = [known for known in self if known.partition(".")[2] == tail]
            near = nearest(name, self, tails)
            raise KeyError(f"no misconception called {str(name)!r}; {near}") from None

    def __repr__(self):
        layers = Counter(entry.layer for entry in self.values())
        return f"{len(self)} misconceptions: {', '.join(f'{name} {n}' for name, n in layers.items())}"


def _names(text):
    """Return the names in ``SciPy, PyTorch``."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _source_of(function):
    """Return the code of a function without its docstring, as it would be in the cell of a notebook."""
    source = inspect.getsource(function)
    docstring = ast.parse(source).body[0].body[0]
    lines = source.splitlines(keepends=True)
    return "".join(lines[: docstring.lineno - 1] + lines[docstring.end_lineno :])


def _accepting_lists(function):
    """Return the function with its lists turned into arrays; its name, signature and source stay."""

    @wraps(function)
    def _called_with_arrays(*arguments, **options):
        arguments = [np.array(a) if isinstance(a, list) else a for a in arguments]
        options = {name: np.array(a) if isinstance(a, list) else a for name, a in options.items()}
        return function(*arguments, **options)

    return _called_with_arrays


def _compiled(source, function, filename):
    """Return the function that the code defines; a traceback into it shows its lines."""
    namespace = {"np": np, "resolve_padding": resolve_padding}
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), namespace)
    return namespace[function]
