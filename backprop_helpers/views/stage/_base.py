"""What every stage shares: arrays as JSON, traits both ways, a picture where no page answers."""

import base64
import json
import math

import anywidget
import numpy as np
import traitlets

from backprop_helpers.views.plots import _style
from backprop_helpers.views.stage import _join

COMMITTED = "application/vnd.backprop.stage+json"
MOST_BYTES = 30_000  # of JSON in a notebook's output; a larger stage lives only while Python runs
MOST_NUMBERS = 65_536
MOST_EXACT = 2**53  # the first integer above which doubles, which a page has, leave some out
BELOW = "A picture. Run All Above, then this cell, and it answers."


class Stage(anywidget.AnyWidget):
    """A composition of the page's modules, its arrays and its options.

    A subclass names its `composition`, the JavaScript function. An option that Python and the page may both
    change is a synced trait of its name.

    Parameters
    ----------
    arrays : dict of array_like
        By name; real numbers, at most 65,536. The page gets six digits of each.
    options : dict
        What else the composition needs, ready for JSON. Those that are traits are set.

    Attributes
    ----------
    selected : dict or None
        What is held in the page, such as ``{"array": "dx", "index": [0, 1]}``.
    arrays : dict of ndarray
        What the page shows now, edits included; assign a dict to show other numbers.
    options : dict
        The options as they are now.
    """

    composition = ""
    spec = traitlets.Dict().tag(sync=True, echo_update=False)
    selected = traitlets.Dict(allow_none=True).tag(sync=True, echo_update=False)

    def __init_subclass__(cls, **options):
        """Join the composition's modules and choose its style sheet."""
        if "composition" in vars(cls):  # anywidget makes a subclass for every instance
            cls._esm, cls._css = _join.for_anywidget(cls.composition), _join.style(cls.composition)
        super().__init_subclass__(**options)

    def __init__(self, arrays, options, **traits):
        arrays = encoded(arrays, type(self).__name__)
        spec = {"composition": self.composition, "arrays": arrays, "options": options}
        traits = {"selected": None} | traits
        traits |= {name: value for name, value in options.items() if name in self.trait_names()}
        super().__init__(spec=spec, **traits)

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
        style = {"fontsize": _style.SMALL, "color": _style.GREY, "ha": "left", "va": "top"}
        figure.text(_style.MARGIN / width, -0.06 / height, BELOW, **style)
        data["image/png"] = base64.b64encode(figure.png()).decode("ascii")
        return data, {**metadata, "image/png": {"alt": figure.alt}}


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
