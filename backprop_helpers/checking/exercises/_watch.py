"""What a function uses besides its arguments: arrays of the notebook, and layers that do its work."""

import dis
import functools
import sys
import sysconfig
import types
from pathlib import Path

import numpy as np

PACKAGE = Path(__file__).resolve().parents[2]
OURS = {  # every function in there does a learner's work
    PACKAGE / "checking" / "solutions",
    PACKAGE / "checking" / "misconceptions",
    PACKAGE / "training",
}
LAYERS = PACKAGE / "layers"
NUDGES = PACKAGE / "checking" / "gradient_check.py"
CATALOGUE = PACKAGE / "checking" / "misconceptions" / "_catalogue.py"  # only passes arguments on
EXERCISES = PACKAGE / "checking" / "exercises"


class Delegation:
    """Remembers the functions of ours that ran, and do what the exercise asks for.

    `delegates` names functions in `layers`, besides every ``*_backward``; None: all of `layers` may be used.
    Without `watching` nothing is remembered.
    """

    def __init__(self, delegates, watching=True):
        self.delegates, self.watching = delegates, watching
        self.called, self.names = set(), set()  # the functions of ours; what the learner's code names
        self._known = {}

    def __call__(self, code):
        if code not in self._known:
            self._known[code] = self._counts(code)
            self.names |= set() if is_library(code.co_filename) else set(code.co_names)
        if self._known[code]:
            self.called.add(code.co_name)

    def _counts(self, code):
        path, name = Path(code.co_filename), code.co_name
        if not self.watching or name.startswith(("_", "<")) or path == CATALOGUE:
            return False
        if path == NUDGES or OURS.intersection(path.parents):
            return True
        if self.delegates is None or LAYERS not in path.parents:
            return False
        return name.endswith("_backward") or name in self.delegates


def is_known_mistake(function):
    """Whether it is one of the exercises' own wrong functions, which may be made of the layers."""
    function = getattr(function, "func", function)  # of a partial
    code = getattr(function, "__code__", None)
    return code is not None and EXERCISES in Path(code.co_filename).parents


def outside_arrays(function):
    """Return the names of the arrays that a function, or one it calls, reads without being given them.

    Such as ``["x", "cache['x']"]``, in the order in which the code names them. Functions of installed
    packages are not looked into; modules, functions and plain constants are fine.
    """
    found, visited = {}, set()
    _look_into(function, found, visited)
    return list(found)


def _look_into(thing, found, visited):
    if id(thing) in visited:
        return
    visited.add(id(thing))
    if isinstance(thing, functools.partial):
        for value in [*thing.args, *thing.keywords.values()]:
            _look_at("an argument of partial", value, found, visited)
        _look_into(thing.func, found, visited)
    elif isinstance(thing, types.MethodType):
        _look_into(thing.__func__, found, visited)
        used = names_of(thing)  # an attribute that the method does not read is no matter
        own = vars(thing.__self__) if hasattr(thing.__self__, "__dict__") else {}
        _look_at("self", {name: value for name, value in own.items() if name in used}, found, visited)
    elif isinstance(thing, types.FunctionType):
        _look_into_function(thing, found, visited)
    elif hasattr(thing, "__wrapped__"):
        _look_into(thing.__wrapped__, found, visited)
    elif isinstance(vars(type(thing)).get("__call__"), types.FunctionType):
        _look_into(thing.__call__, found, visited)


def _look_into_function(function, found, visited):
    code = function.__code__
    if is_library(code.co_filename):
        return
    for value in [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]:
        _look_at("a default argument", value, found, visited)
    for name, cell in zip(code.co_freevars, function.__closure__ or ()):
        try:
            _look_at(name, cell.cell_contents, found, visited)
        except ValueError:  # not assigned yet
            continue
    for step in (step for inner in _codes(code) for step in dis.get_instructions(inner)):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval in function.__globals__:
            _look_at(step.argval, function.__globals__[step.argval], found, visited)
    if hasattr(function, "__wrapped__"):
        _look_into(function.__wrapped__, found, visited)


def _look_at(name, value, found, visited):
    """Note an array, look into a function, and into what a container holds."""
    if isinstance(value, np.ndarray):
        found[name] = True
    elif isinstance(value, (dict, list, tuple)):
        for key, entry in list(value.items() if isinstance(value, dict) else enumerate(value)):
            if isinstance(entry, np.ndarray):
                found[f"{name}[{key!r}]"] = True
    elif isinstance(value, (types.FunctionType, types.MethodType, functools.partial)):
        _look_into(value, found, visited)


def _codes(code):
    """Yield a code object, and those defined inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def names_of(function):
    """Return the global names and attributes that a function, or one defined inside it, uses."""
    code = getattr(function, "__code__", None)
    return set() if code is None else {name for inner in _codes(code) for name in inner.co_names}


@functools.cache
def _installed_roots():
    paths = sysconfig.get_paths()
    roots = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    return tuple(str(Path(root)) for root in roots) + (str(PACKAGE),)


def is_library(filename):
    """Whether code of that file is somebody else's: Python's, an installed package's, or ours."""
    return filename.startswith((*_installed_roots(), "<frozen", sys.prefix + "/lib"))
