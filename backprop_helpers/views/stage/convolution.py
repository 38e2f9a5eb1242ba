"""`ConvolutionStage`: a convolutional layer, forward and backward, under the pointer (lessons 05 to 08)."""

import numpy as np
import traitlets

from backprop_helpers.layers import conv_backward, conv_forward
from backprop_helpers.layers._validate import IMAGES, as_array, as_upstream, as_weighted, described
from backprop_helpers.layers._windows import place_windows
from backprop_helpers.layers.conv import KERNEL, OUTPUTS
from backprop_helpers.views import plots
from backprop_helpers.views.stage._base import Stage, as_option

NAME = "ConvolutionStage"
SHOWS = ("forward", "weights", "input", "all")
READINGS = ("stamps", "window", "matrix")
LARGEST_IMAGE, LARGEST_KERNEL, MOST_CHANNELS = 32, 7, 64  # what can still be pointed at
GEOMETRY = ("stride", "padding", "dilation")
MOST_LINKED = 60  # products of one cell that a twin can number
MOMENTS = 8  # panels of a growing gradient in the twin

EXAMPLE_X = np.array([[3, 1, 2], [0, 4, 1], [5, 2, 6]])
EXAMPLE_W = np.array([[1, 2], [3, -1]])
EXAMPLE_B = np.array([1])


class ConvolutionStage(Stage):
    """X, W, b and Z beside their gradients: point at a cell to see every product it takes part in.

    Press the outputs one by one and each stamps its kernel, times its dZ, onto dX. Click a pixel of dX to sit
    on it. Every number of X, W, b and dZ can be typed over or dragged; stride, padding, dilation and the
    kernel's size can be changed as far as the kernel fits. What grows beyond the given numbers is invented.

    - x: one image, (H, W) or (1, H, W, C), at most 32×32 with 64 channels; by default lessons 05 to 08's
    - w, b: kernel, (F_h, F_w) or (F_h, F_w, C, K), at most 7×7 with 64 filters, and a number or (K,)
    - dz: (H_out, W_out) or (1, H_out, W_out, K); by default invented small integers, in the corner those of
      the lessons' example
    - stride, padding, dilation: as `conv_forward` takes them
    - show: "forward", "weights", "input" or "all", which gradients stand beside the forward pass
    - reading: how dX is read: "stamps", a sum of them; "window", a window of the padded dZ times the turned
      kernel; "matrix", a column of a sparse matrix
    - channel, filter: the slices that are shown first
    - step: how many outputs have had their turn, None for all

    Assign these options to change the page; `arrays` and `dz` are what it shows now, edits included.
    """

    composition = "convolution"
    stride = traitlets.Any(1)
    padding = traitlets.Any(0)
    dilation = traitlets.Any(1)
    show = traitlets.Enum(SHOWS, "all")
    reading = traitlets.Enum(READINGS, "stamps")
    channel = traitlets.Int(0)
    filter = traitlets.Int(0)
    step = traitlets.Int(None, allow_none=True)
    _page_speaks = False  # what the page sends is legal together, not one by one

    def __init__(self, x=None, w=None, b=None, dz=None, *, stride=1, padding=0, dilation=1, **looks):
        geometry = {"stride": stride, "padding": padding, "dilation": dilation}
        super().__init__(as_arrays(x, w, b, dz, **geometry), geometry, looks)

    def set_state(self, sync_data):
        """Take what the page says."""
        self._page_speaks = True
        try:
            super().set_state(sync_data)
        finally:
            self._page_speaks = False

    @traitlets.validate(*GEOMETRY)
    def _fits(self, proposal):
        if not self._page_speaks and "x" in self.spec.get("arrays", {}):
            self._windows(**self.geometry | {proposal["trait"].name: proposal["value"]})
        return as_option(proposal["value"])

    def _windows(self, **geometry):
        shapes = (self.spec["arrays"][name]["shape"][:2] for name in ("x", "w"))
        return place_windows(NAME, *shapes, **geometry, what="kernel w")

    @property
    def geometry(self):
        """Stride, padding and dilation as `conv_forward` takes them."""
        return {name: getattr(self, name) for name in GEOMETRY}

    @property
    def dz(self):
        """The gradient from above, of the output's size: (1, H_out, W_out, K)."""
        shape = (*self._windows(**self.geometry).count, self.arrays["b"].size)
        given = self.arrays.get("dz", np.zeros((0, 0, shape[2]), int))
        dz = invented_gradient(shape).astype(np.result_type(given, int))
        rows, columns = np.minimum(given.shape[:2], shape[:2])
        dz[:rows, :columns] = given[:rows, :columns]
        return dz[None]

    def twin(self):
        """Return the static figure of what the stage shows now, by `plots`."""
        x, w, (c, k) = self.arrays["x"], self.arrays["w"], (self.channel, self.filter)
        picked = self.selected or {}
        named = {"x": "pixel", "dx": "pixel", "w": "weight", "dw": "weight", "z": "output", "dz": "output"}
        meets = self._windows(**self.geometry).count if picked.get("array") in ("w", "dw") else (1, 1)
        if picked.get("array") in named and meets[0] * meets[1] <= MOST_LINKED:
            chosen = {named[picked["array"]]: tuple(picked["index"][:2])}
            return plots.touches(x[..., c], w[..., c, k], **chosen, **self.geometry)
        if self.show == "forward":
            arrays = [x[..., c], w[..., c, k], self.arrays["b"][[k], None], self._forward()[0][0, ..., k]]
            kinds = ["value", "weight", "weight", "value"]
            return plots.matrices(arrays, ["X", "W", "b", "Z"], kinds=kinds, title="The forward pass")
        if self.show != "weights" and self.reading == "matrix":
            return plots.sparse_matrix(self._matrix(c, k), title="T: one row an output, one column a pixel")
        if self.show != "weights" and self.reading == "window":
            return self._window_twin(c, k)
        return self._growing_twin(c, k)

    def _forward(self):
        x, w = self.arrays["x"], self.arrays["w"]
        return conv_forward(x[None], w, self.arrays["b"], **self.geometry)

    def _growing_twin(self, c, k):
        """DX, or dW, after one output, two, and so on."""
        z, cache = self._forward()
        dz = self.dz
        count = z.shape[1] * z.shape[2]
        moments = np.unique(np.linspace(0, count, min(count, MOMENTS) + 1).astype(int))
        turn = np.arange(count).reshape(1, *z.shape[1:3], 1)
        grown = [conv_backward(np.where(turn < moment, dz, 0), cache) for moment in moments]
        panels = [dw[..., c, k] if self.show == "weights" else dx[0, ..., c] for dx, dw, _ in grown]
        letter = "dW" if self.show == "weights" else "dX"
        title = f"{letter} grows, one output after the other"
        titles = [f"after {moment}" for moment in moments]
        return plots.matrices(panels, titles, kinds="gradient", title=title, share=True)

    def _window_twin(self, c, k):
        """D, the turned kernel and dX."""
        z, cache = self._forward()
        dz, windows = self.dz, cache.windows
        reach = [d * (F - 1) for d, F in zip(windows.dilation, windows.size)]
        before = [r - p for r, p in zip(reach, windows.padding[::2])]
        d = np.zeros([n + r for n, r in zip(self.arrays["x"].shape, reach)], dz.dtype)
        for i, j in np.ndindex(*windows.count):
            row, column = (n * s + b for n, s, b in zip((i, j), windows.stride, before))
            if 0 <= row < d.shape[0] and 0 <= column < d.shape[1]:
                d[row, column] = dz[0, i, j, k]
        arrays = [d, self.arrays["w"][::-1, ::-1, c, k], conv_backward(dz, cache)[0][0, ..., c]]
        signs = ["⋆", "="] if z.shape[3] == 1 else None
        kinds = ["gradient", "weight", "gradient"]
        title = "dX as a window of the padded dZ, times the turned kernel"
        return plots.matrices(arrays, ["D", "W̄", "dX"], kinds=kinds, signs=signs, title=title)

    def _matrix(self, c, k):
        """One row for every output, one column for every pixel."""
        x, w = self.arrays["x"], self.arrays["w"][..., [c], :][..., [k]]
        pixels = np.eye(x.shape[0] * x.shape[1]).reshape(-1, *x.shape[:2], 1)
        return conv_forward(pixels, w, np.zeros(1), **self.geometry)[0].reshape(len(pixels), -1).T


def as_arrays(x, w, b, dz, **geometry):
    """Check the arrays; return x (H, W, C), w (F_h, F_w, C, K), b (K,) and, if given, dz, by their names."""
    example = x is None and w is None
    x, w = as_rank_4("x", EXAMPLE_X if x is None else x), as_rank_4("w", EXAMPLE_W if w is None else w)
    b = np.zeros(w.shape[3], w.dtype) if b is None and not example else EXAMPLE_B if b is None else b
    x, w, b = as_weighted(NAME, x, w, np.atleast_1d(b), IMAGES, KERNEL, ("channels", "filters"))
    if len(x) != 1:
        raise ValueError(f"{NAME}: x must be one example, such as x[:1]; {described('x', x, IMAGES)}")
    check_size("x", x.shape[1:3], LARGEST_IMAGE, x.shape[3:], "channels", "x[:, 8:18, 8:18]")
    check_size("w", w.shape[:2], LARGEST_KERNEL, w.shape[3:], "filters", "w[..., :8]")
    windows = place_windows(NAME, x.shape[1:3], w.shape[:2], **geometry, what="kernel w")
    arrays = {"x": x[0], "w": w, "b": b}
    if dz is None:
        return arrays
    shape = (1, *windows.count, w.shape[3])
    return arrays | {"dz": as_upstream(NAME, "dz", as_rank_4("dz", dz), shape, OUTPUTS)[0]}


def as_rank_4(name, array):
    """Return one image, or one kernel, given as a matrix with all its axes."""
    array = as_array(NAME, name, array)
    if array.ndim != 2:
        return array
    return array[:, :, None, None] if name == "w" else array[None, :, :, None]


def check_size(name, size, largest, depth, axis, part):
    """Refuse what is too large to be pointed at."""
    if max(size) > largest or max(depth) > MOST_CHANNELS:
        expected = f"at most {largest}×{largest} and {MOST_CHANNELS} {axis} can be pointed at"
        came = f"{name} is {size[0]}×{size[1]} with {depth[0]} {axis}"
        raise ValueError(f"{NAME}: {expected}; {came}; take a part, such as {part}")


def invented_gradient(shape):
    """Return the dZ that stands where none is given: small integers without symmetry, as in the page."""
    i, j, k = np.indices(shape)
    return np.array([1, -1, 2, -2, 1, 3, -3])[(5 * i + 3 * j + i * j + 2 * k) % 7]
