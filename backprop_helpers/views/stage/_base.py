"""What every stage shares: arrays as JSON, traits both ways, a picture where no page answers."""

import base64
import json
import math
import numbers
import sys
from typing import ClassVar

import anywidget
import numpy as np
import traitlets

from backprop_helpers.layers._validate import shown
from backprop_helpers.views.plots import _style
from backprop_helpers.views.stage import _join

COMMITTED = "application/vnd.backprop.stage+json"
MOST_BYTES = 30_000  # of JSON in a notebook's output; a larger stage lives only while Python runs
MOST_NUMBERS = 65_536
MOST_FINITE = sys.float_info.max
MOST_EXACT = 2**53  # the first integer above which doubles, which a page has, leave some out
BELOW = "So far a picture. Run All Above, then this cell (Shift-Enter), and it answers."


class Number(traitlets.Float):
    """A number from `low` to `high`, which goes to the page as JSON has it."""

    def __init__(self, default=0.0, low=-MOST_FINITE, high=MOST_FINITE, expected=None):
        super().__init__(default)
        self.low, self.high, self.expected = low, high, expected or f"from {low:g} to {high:g}"

    def validate(self, stage, value):
        """Refuse what is no number, or too small, or too large."""
        if (
            isinstance(value, bool)
            or not isinstance(value, numbers.Real)
            or not self.low <= value <= self.high
        ):
            raise ValueError(
                f"{type(stage).__name__}: {self.name} must be {self.expected}; got {shown(value)}"
            )
        return as_json(value)


class Stage(anywidget.AnyWidget):
    """A composition of the page's modules, its arrays and its options.

    A subclass names its `composition`, the JavaScript function. Its traits are those options that Python and
    the page may both change: give them by name, read what they are in the page now, assign to change it.

    - arrays: {name: array_like} of real numbers, at most 65,536; the page gets six digits of each. The
      attribute is what the page shows now, edits included; assign a dict to show other numbers
    - options: what else the composition needs, ready for JSON but for pairs and NumPy's numbers
    - looks: the traits that are not in `options` and shall not have their default; a trait tagged kept=False
      is not an option
    - selected: what is held in the page, such as ``{"array": "dx", "index": [0, 1]}``, or None
    """

    composition = ""
    _own: ClassVar[dict] = {}
    spec = traitlets.Dict().tag(sync=True, echo_update=False)
    selected = traitlets.Dict(allow_none=True).tag(sync=True, echo_update=False)

    def __init_subclass__(cls, **options):
        """Join the composition's modules, choose its style sheet, and let its traits go both ways."""
        if "composition" in vars(cls):  # anywidget makes a subclass for every instance
            cls._esm, cls._css = _join.for_anywidget(cls.composition), _join.style(cls.composition)
        own = {name: trait for name, trait in vars(cls).items() if isinstance(trait, traitlets.TraitType)}
        cls._own = cls._own | own
        for trait in own.values():
            trait.tag(sync=True, echo_update=False)
        super().__init_subclass__(**options)

    def __init__(self, arrays, options, looks=(), *, selected=None):
        caller = type(self).__name__
        given = options | dict(looks)
        for name, value in given.items():
            if name not in options and name not in self._own:
                raise TypeError(f"{caller}: no option is called {name}; there are {', '.join(self._own)}")
            if isinstance(self._own.get(name), traitlets.Enum):
                one_of(caller, name, value, self._own[name].values)
        kept = {name: t.default() for name, t in self._own.items() if t.metadata.get("kept", True)}
        options = {name: as_option(value) for name, value in (kept | given).items()}
        spec = {"composition": self.composition, "arrays": encoded(arrays, caller), "options": options}
        traits = {name: value for name, value in options.items() if name in self._own}
        super().__init__(spec=spec, selected=selected, **traits)

    def __repr__(self):
        return f"{type(self).__name__}({self._sizes()})"

    def _sizes(self):
        """Return ``x 3×3, w 2×2``, for the arrays that are small enough to be said."""
        arrays = self.spec["arrays"]
        names = [name for name in ("x", "w", "z") if name in arrays]
        return ", ".join(f"{name} {'×'.join(map(str, arrays[name]['shape']))}" for name in names)

    @property
    def options(self):
        """The options as they are now."""
        given = self.spec["options"]
        return {name: getattr(self, name) if self.has_trait(name) else given[name] for name in given}

    @property
    def arrays(self):
        """What the page shows now, as arrays."""
        return {name: decode_array(array) for name, array in self.spec["arrays"].items()}

    @arrays.setter
    def arrays(self, arrays):
        self.spec = self.spec | {"arrays": encoded(arrays, type(self).__name__)}

    def committed(self):
        """Return what is kept of the stage beside its picture: the spec with the options as they are now."""
        return self.spec | {"options": self.options, "selected": self.selected}

    def twin(self):
        """Return the static figure that stands for the stage where no page answers."""
        raise NotImplementedError(f"{type(self).__name__} has no twin yet")

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        committed = self.committed()
        if json_bytes(committed) <= MOST_BYTES:
            data[COMMITTED] = committed
        figure = self.twin()
        width, height = figure.get_size_inches()
        style = {"fontsize": _style.NORMAL, "color": _style.INK, "ha": "left", "va": "top"}
        figure.text(_style.MARGIN / width, -0.06 / height, BELOW, **style)
        data["image/png"] = base64.b64encode(figure.png()).decode("ascii")
        return data, {**metadata, "image/png": {"alt": figure.alt}}


def one_of(caller, name, value, known):
    """Refuse what is not one of the known names."""
    if value not in known:
        raise ValueError(f"{caller}: {name} must be one of {', '.join(known)}; got {shown(value)}")


def as_number(caller, name, value):
    """Refuse what is no finite real number."""
    if np.ndim(value) or np.asarray(value).dtype.kind not in "uif" or not np.isfinite(value):
        raise TypeError(f"{caller}: {name} must be one finite number; got {shown(value)}")


def as_option(value):
    """Return a setting as JSON has it: a pair as a list, NumPy's numbers as Python's."""
    if isinstance(value, tuple | list):
        return [as_option(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value


def encoded(arrays, caller):
    """Return arrays by name as JSON; refuse what is no number, and more numbers than a page can show."""
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "buif":
            raise TypeError(f"{caller}: {name} must hold real numbers; its dtype is {array.dtype}")
    count = sum(array.size for array in arrays.values())
    if count > MOST_NUMBERS:
        shapes = ", ".join(f"{name} is {array.shape}" for name, array in arrays.items())
        raise ValueError(
            f"{caller}: {count:,} numbers, at most {MOST_NUMBERS:,} can be shown; {shapes}; "
            f"show a part, such as {max(arrays, key=lambda name: arrays[name].size)}[:16]"
        )
    return {name: encode_array(array) for name, array in arrays.items()}


def encode_array(array):
    """Return ``{"shape": …, "data": …}``, row-major: integers as they are, other numbers with six digits."""
    return {"shape": list(array.shape), "data": [as_json(value) for value in array.ravel().tolist()]}


def as_json(value):
    """Return a number with six significant digits; NaN and the infinities, which JSON lacks, as text.

    A whole number is an integer, as browsers write it: saving a notebook must not change it.
    """
    if math.isfinite(value):
        short = value if isinstance(value, int) else float(f"{value:.6g}")
        return int(short) if abs(short) < MOST_EXACT and short == int(short) else short
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def decode_array(given):
    """Return the array that `encode_array` was given, to six digits."""
    return np.array([float(v) if isinstance(v, str) else v for v in given["data"]]).reshape(given["shape"])


def json_bytes(content):
    """Return how many bytes `content` takes as JSON without spaces."""
    return len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())
