"""Which switches are open? ReLU forward and backward under a bias that moves (lesson 03)."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from ipywidgets import FloatSlider

from backprop_helpers.layers import relu_backward, relu_forward
from backprop_helpers.views import plots
from backprop_helpers.views.explorers import _base as base
from backprop_helpers.views.explorers._base import Explorer, Mark, guarded
from backprop_helpers.views.explorers._numbers import at, factor, written
from backprop_helpers.views.matrix_view import Highlight, MatrixView

MOST_UNITS, MOST_MAPS = 12, 8  # side by side
MOST_TERMS = 6  # of a sum that is written out
ALL = -1  # the bias is added to every unit; None would leave the dropdown empty


class Switches(NamedTuple):
    """ReLU forward and backward, and what its mask says about the units.

    Attributes
    ----------
    z : ndarray
        The pre-activation, the bias included. The last axis counts the units (or the maps).
    mask : ndarray of bool
        [z > 0].
    a, dz : ndarray
        The activation, and the gradient that is handed down.
    db : ndarray, (K,)
        The gradient of each unit's bias: dz summed over all other axes.
    open, closed : int
        How many entries.
    dead : tuple of int
        The units that are closed for every example (and at every position).
    """

    z: np.ndarray
    mask: np.ndarray
    a: np.ndarray
    dz: np.ndarray
    db: np.ndarray
    open: int
    closed: int
    dead: tuple


def switches(z, da, bias):
    """Return the `Switches` of relu(z + bias).

    Parameters
    ----------
    z, da : ndarray, (M, K) or (M, H, W, K)
        The pre-activation without the bias, and the gradient that arrives from above.
    bias : ndarray, (K,)
    """
    z = z + bias
    a, cache = relu_forward(z)
    dz = relu_backward(da, cache)
    others = tuple(range(z.ndim - 1))
    opened = int(np.count_nonzero(cache.mask))
    dead = tuple(int(k) for k in np.flatnonzero(~cache.mask.any(axis=others)))
    return Switches(z, cache.mask, a, dz, dz.sum(axis=others), opened, z.size - opened, dead)


def as_batch(z, maps):
    """Return z as (M, K) or (M, H, W, K): a map (H, W) gets its axes, maps (H, W, K) become one example."""
    if maps:
        return (
            z.reshape((1,) * (3 - z.ndim) + z.shape + (1,)) if z.ndim == 2 else z[None] if z.ndim == 3 else z
        )
    return z


def bias_steps(z):
    """Return (low, high, step) for a bias that can open everything and close everything.

    Whole numbers move by 1; others by a 32nd of the range, rounded to one digit.
    """
    size = float(np.abs(z).max()) or 1.0
    if np.array_equal(z, np.round(z)) and size <= 60:
        return -int(size) - 1, int(size) + 1, 1
    step = float(f"{size / 32:.0e}")
    reach = step * np.ceil(1.02 * size / step)
    return -reach, reach, step


class ReLUExplorer(Explorer):
    """Add a bias to the pre-activation, and see which switches it opens, forward and backward.

    Point at any cell: its whole way, forward and back, is written out, and the same cell is marked in every
    matrix. The bias is added to all units or to one.

    Parameters
    ----------
    z : array_like, (M, N), (R, C, K) or (M, R, C, K), optional
        The pre-activation: examples × units, or the K maps of one image or of M images. An array (R, C) that
        is a map and no table of units needs ``maps=True``. At most 12 units, 8 maps.
    da : array_like, the shape of z, optional
        The gradient that arrives from above; small whole numbers by default. It is held still.
    maps : bool, optional
        True for maps, False for units. By default: units if z has two axes.
    title : str

    Notes
    -----
    The static twins are `plots.matrices` and `plots.maps_and_gradients`; `twin()` draws the present state.

    Examples
    --------
    >>> ReLUExplorer([[1, -2], [-3, -4]])
    ReLUExplorer(z 2×2): run the cell to use it
    """

    def __init__(self, z=None, da=None, *, maps=None, title=""):
        if z is None:
            if da is not None:
                raise ValueError("ReLUExplorer: da needs the z it belongs to")
            z, da = _on_integers()
        z = _as_numbers("z", z)
        self.maps = z.ndim > 2 if maps is None else bool(maps)
        if z.ndim not in ((2, 3, 4) if self.maps else (2,)):
            raise ValueError(
                "ReLUExplorer: z must be (M, N) for units, (R, C, K) or (M, R, C, K) for maps; "
                f"got shape {z.shape}"
            )
        if da is None:
            da = np.random.default_rng(3).integers(-4, 5, size=z.shape)
        da = _as_numbers("da", da)
        if da.shape != z.shape:
            raise ValueError(f"ReLUExplorer: da must have the shape of z {z.shape}; got {da.shape}")
        shape = "×".join(map(str, z.shape))
        self.z, self.da = as_batch(z, self.maps), as_batch(da, self.maps)
        self.count = self.z.shape[-1]
        most = MOST_MAPS if self.maps else MOST_UNITS
        if self.count > most or self.z.shape[1 if self.maps else 0] > 64:
            raise ValueError(
                f"ReLUExplorer: z must have at most {most} {self.word}s (the last axis) and 64 rows, to be "
                f"drawn side by side; got shape {z.shape}"
            )
        self.bias = np.zeros(self.count)
        self._quiet = False
        self._build()
        super().__init__(
            title=title or "ReLU: a bias opens and closes the switches",
            summary=f"ReLUExplorer(z {shape}): run the cell to use it",
            parts=[self.controls, self.counts, *self.rows],
            lines=4,
        )
        if self.maps:  # the rows are high: the arithmetic stands above them, where it is seen
            self.children = (
                self.heading,
                self.controls,
                self.counts,
                self.arithmetic,
                *self.rows,
                self.alert,
            )
        self._draw()

    @classmethod
    def from_network(cls, network=None, images=None, labels=None, *, layer="conv1", title=""):
        """Return the explorer on what a network's ReLU is given for images.

        Parameters
        ----------
        network : Network, optional
            By default the trained network of the series.
        images : ndarray, (M, H, W, C), optional
            By default the digit of the series.
        labels : ndarray of int, (M,), optional
            The classes the loss is told. By default the digit is called a 9, so that there is a gradient.
        layer : str
            The layer whose output goes into a ReLU, such as "conv1".
        title : str
        """
        from backprop_helpers.training import series_cnn, series_digit

        network = series_cnn() if network is None else network
        if images is None:
            images, labels = series_digit()[0], np.array([9]) if labels is None else labels
        if labels is None:
            raise ValueError("ReLUExplorer.from_network: images need labels, or there is no loss")
        maps = network.activations(images)
        names = list(maps)
        if layer not in names or not names[(names.index(layer) + 1) % len(names)].startswith("relu"):
            fits = [name for name, after in pairwise(names) if after.startswith("relu")]
            raise ValueError(
                f"ReLUExplorer.from_network: layer must feed a ReLU, one of {', '.join(fits)}; got {layer!r}"
            )
        after = names[names.index(layer) + 1]
        z, da = maps[layer], network.gradients_of_activations(images, labels)[after]
        most = MOST_MAPS if z.ndim > 2 else MOST_UNITS
        return cls(
            np.array(z[..., :most], dtype=np.float64),
            np.array(da[..., :most], dtype=np.float64),
            title=title or f"{layer} → {after}: a bias opens and closes the switches",
        )

    @property
    def word(self):
        """What the last axis counts."""
        return "map" if self.maps else "unit"

    @property
    def state(self):
        """The `Switches` at the present bias."""
        whole = self.z.dtype.kind == "i" and np.array_equal(self.bias, np.round(self.bias))
        return switches(self.z, self.da, self.bias.astype(self.z.dtype) if whole else self.bias)

    def twin(self):
        """Return the static figure of the present state."""
        state = self.state
        if self.maps:
            return plots.maps_and_gradients(
                {"Z + bias": state.z, "ReLU": state.a},
                {"Z + bias": state.dz, "ReLU": self.da},
                example=self.example.value if self.example else 0,
            )
        return plots.matrices(
            [state.z, state.a, self.da, state.mask.astype(int), state.dz],
            ["Z + bias", "A", "dA", "[Z + bias > 0]", "dZ"],
            kinds=["value", "value", "gradient", "mask", "gradient"],
            signs=["→", " ", "⊙", "="],
            indices=True,
        )

    # The widgets

    def _build(self):
        low, high, step = bias_steps(self.z)
        self.slider = FloatSlider(
            value=0,
            min=low,
            max=high,
            step=step,
            description="bias",
            readout_format=".0f" if step == 1 else f".{max(0, int(-np.floor(np.log10(step))))}f",
            continuous_update=not self.maps,
            tooltip="added to the pre-activation before ReLU",
            style={"description_width": "40px"},
            layout={"width": "420px"},
        )
        options = [(f"all {self.word}s", ALL)] + [(f"{self.word} {k}", k) for k in range(self.count)]
        self.added_to = base.choice("added to", options, ALL, width="200px", described="70px")
        self.slider.observe(self._on_bias, names="value")
        self.added_to.observe(self._on_added_to, names="value")
        self.example = None
        if self.maps and len(self.z) > 1:
            self.example = base.int_slider("example", 0, 0, len(self.z) - 1, described="60px")
            self.example.observe(self._on_example, names="value")
        self.controls = base.controls(*filter(None, [self.slider, self.added_to, self.example]))
        self.counts = base.words(" ")
        self.views = {}
        names = {
            "z": ("Z + bias", "value", "the pre-activation with the bias"),
            "mask": ("[Z + bias > 0]", "mask", "1 where the switch is open"),
            "a": ("A = ReLU(Z + bias)", "value", "the activation"),
            "da": ("dA, from above", "gradient", "the gradient that arrives"),
            "backward_mask": ("[Z + bias > 0]", "mask", "the same mask again"),
            "dz": ("dZ, handed down", "gradient", "the gradient that is handed down"),
        }
        widest = self.z.shape[-2] * self.count if self.maps else self.count
        if self.maps:
            # Five rows of maps and the arithmetic in one window.
            cell = int(np.clip(720 / widest, 2, 30))
            names.pop("backward_mask")
            options = {"cell": cell, "numbers": cell >= 26, "indices": False}
        else:
            options = {"cell": 36 if self.count <= 6 else 32, "numbers": True, "indices": True}
        state, m = self.state, 0
        limits = {"z": None, "a": None}
        for key, (title, kind, description) in names.items():
            values = self._shown(state, key, m)
            self.views[key] = MatrixView(
                values,
                title=title,
                kind=kind,
                limit=limits.get(key) if kind != "gradient" else float(np.abs(self.da).max()) or None,
                description=description,
                **options,
            )
            self.views[key].observe(self._on_active, names="active")
        self.active = None
        if self.maps:
            self.rows = list(self.views.values())
        else:
            sign = lambda text: base.words(text, kind="sign")  # noqa: E731
            self.rows = [
                base.row(
                    self.views["z"], sign("→"), self.views["mask"], sign("→"), self.views["a"], align="center"
                ),
                base.row(
                    self.views["da"],
                    sign("⊙"),
                    self.views["backward_mask"],
                    sign("="),
                    self.views["dz"],
                    align="center",
                ),
            ]

    def _shown(self, state, key, m):
        """Return what a view draws: one example's maps, or all examples × units."""
        array = self.da if key == "da" else state.mask if key.endswith("mask") else getattr(state, key)
        return array[m] if self.maps else array

    @guarded
    def _on_bias(self, change):
        if self._quiet:
            return
        units = slice(None) if self.added_to.value == ALL else self.added_to.value
        self.bias[units] = change["new"]
        self._draw()

    @guarded
    def _on_added_to(self, change):
        if change["new"] == ALL:
            self.bias[:] = self.slider.value
        else:
            self._quiet = True  # the slider shows the bias of the chosen unit
            try:
                self.slider.value = float(self.bias[change["new"]])
            finally:
                self._quiet = False
        self._draw()

    @guarded
    def _on_example(self, change):
        self._draw()

    @guarded
    def _on_active(self, change):
        self.active = change["new"]
        self._mark(self.state)

    @guarded
    def _draw(self):
        state = self.state
        m = self.example.value if self.example else 0
        for key, view in self.views.items():
            if key != "da" or self.example:
                view.update(self._shown(state, key, m))
        dead = (
            f"dead: {_listed(self.word, state.dead)}, closed for every "
            + ("position of every image" if self.maps else "example")
            if state.dead
            else f"no dead {self.word}"
        )
        self.counts.value = base.say(
            f"Open {state.open} of {self.z.size}, closed {state.closed}.  {dead[0].upper()}{dead[1:]}."
        )
        self._mark(state)

    def _mark(self, state):
        """Mark the dead units and the active cell in every view, and write the cell's way."""
        here = [] if self.active is None else [tuple(self.active)]
        dead = [] if self.maps else [(m, k) for k in state.dead for m in range(len(self.z))]
        for view in self.views.values():
            view.highlights = [Highlight(here, "orange"), Highlight(dead, "vermillion")]
        self._write(state)

    def _write(self, state):
        if self.active is None:
            self.write(*self._about_units(state))
            return
        m = self.example.value if self.example else 0
        cell = tuple(self.active)
        index = (m, *cell) if self.maps else cell
        if self.maps and len(self.z) == 1:
            name = cell
        else:
            name = index
        k = index[-1]
        z, bias, total = self.z[index], self.bias[k], state.z[index]
        opened = bool(state.mask[index])
        switch = "open" if opened else "closed"
        kink = " (on the kink: we chose slope 0)" if total == 0 else ""
        self.write(
            [
                "forward   ",
                Mark(at("Z", name), "blue"),
                f" + bias = {written(z)} + {factor(bias)} = ",
                Mark(written(total), "blue"),
                f",  so [{written(total)} > 0] = {int(opened)}: ",
                Mark(switch, "orange", True),
                kink,
            ],
            f"          {at('A', name)} = {written(total)} · {int(opened)} = {written(state.a[index])}",
            [
                "backward  ",
                Mark(at("dZ", name), "purple"),
                f" = {at('dA', name)} · {int(opened)} = {factor(self.da[index])} · {int(opened)} = ",
                Mark(written(state.dz[index]), "purple"),
            ],
            f"bias      {self._sum_of(state, k)}"
            + (f":  {self.word} {k} is dead, no step can move it" if k in state.dead else ""),
        )

    def _about_units(self, state):
        """Return the lines for no cell: the rule, and the gradient of each bias."""
        sums = ", ".join(written(value, 3) for value in state.db)
        return (
            "A = max(Z + bias, 0)      dZ = dA ⊙ [Z + bias > 0]      dA is held still",
            f"gradient of each {self.word}'s bias, dZ summed over its column: {sums}"
            if not self.maps
            else f"gradient of each map's bias, dZ summed over the map: {sums}",
            f"Dead {self.word}s: {len(state.dead)} of {self.count}; the gradient of their bias is exactly 0."
            if state.dead
            else "",
            "Point at a cell to read its way forward and back.",
        )

    def _sum_of(self, state, k):
        """Return ``db[2] = Σ dZ[:, 2] = 1 + 0 + (−3) = −2``."""
        terms = state.dz[..., k].ravel()
        place = "over the map" if self.maps else "over the examples"
        middle = ""
        if terms.size <= MOST_TERMS:
            middle = f"{written(terms[0])}" + "".join(f" + {factor(term)}" for term in terms[1:]) + " = "
        return f"db[{k}] = Σ dZ {place} = {middle}{written(state.db[k])}"


def _on_integers():
    """Return the default example: unit 1 is dead, unit 4 has one example that opens it, one 0 on the kink."""
    z = np.array([[3, -1, 0, 2, -4, 1], [-2, -3, 5, 4, -1, -2], [1, -2, -3, 6, 2, -5], [-4, -1, 2, 1, -3, 3]])
    da = np.array([[2, 5, -3, 1, 4, -2], [7, -1, 4, -3, 2, 1], [-1, 2, 3, 2, -5, 4], [3, -4, 1, -2, 1, 2]])
    return z, da


def _as_numbers(name, array):
    """Return the array as int64 or float64."""
    array = np.asarray(array)
    if array.dtype.kind not in "iuf" or not array.size:
        raise TypeError(
            f"ReLUExplorer: {name} must be an array of real numbers and not empty; "
            f"got {array.dtype} of shape {array.shape}"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"ReLUExplorer: {name} must be finite; it holds NaN or infinity")
    return array.astype(np.float64 if array.dtype.kind == "f" else np.int64)


def _listed(word, numbers):
    """Return ``unit 3`` or ``units 1 and 3``."""
    if len(numbers) == 1:
        return f"{word} {numbers[0]}"
    return f"{word}s {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
