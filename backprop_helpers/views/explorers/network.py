"""A whole network under the pointer: its maps, its gradients, what each cell sees and what it sends back."""

import asyncio
import html

import ipywidgets as widgets
import numpy as np

from backprop_helpers.training import (
    Network,
    forward_and_backward,
    preprocess_digit,
    receptive_field,
    sent_back,
    series_snapshots,
)
from backprop_helpers.training.mnist import load_test_set
from backprop_helpers.training.receptive_field import INPUT
from backprop_helpers.training.series import DIGIT
from backprop_helpers.views import plots
from backprop_helpers.views.explorers import _base as base
from backprop_helpers.views.explorers import _network_maps as maps
from backprop_helpers.views.explorers._base import Explorer, Mark, guarded
from backprop_helpers.views.explorers._numbers import at, signed, written
from backprop_helpers.views.matrix_view import Highlight, MatrixView

LEFT, LABEL, MAPS = 258, 84, 744  # CSS pixels: the digit's column, a layer's name, its maps
MAP_HEIGHT = 84
LARGE = (252, 252)  # width and height of one enlarged map: two stand side by side in a narrow notebook
FIRST_ROW = 118  # the row above the layers' maps: the input and the filters, or the steps of a drawing
STEP = 118  # width of one step of a drawing
TALLEST = 736  # what the parts below the arithmetic need for the series' network, whatever is chosen
PAUSE = 0.08  # seconds between a stroke and the maps that follow it
MOST_SCREENED = 3000  # images that are searched for misread ones
ALL = "all layers"
CELL, FIELD, MORE, LESS = "orange", "purple", "vermillion", "blue"

STYLE = """<style>
.bp-explorer .bp-verdict { font-size: 15px; line-height: 22px; color: var(--bp-ink); height: 44px; }
.bp-explorer .bp-verdict b { font-size: 19px; }
.bp-explorer .bp-bar { display: flex; align-items: center; height: 19px; font-size: 13px; line-height: 19px;
  color: var(--bp-ink); font-variant-numeric: tabular-nums; }
.bp-explorer .bp-best { font-weight: 700; }
.bp-explorer .bp-class { min-width: 18px; text-align: right; padding-right: 6px; }
.bp-explorer .bp-track { flex: 1; height: 12px;
  background: color-mix(in srgb, var(--bp-ink) 12%, transparent); }
.bp-explorer .bp-fill { display: block; height: 100%; background: #0072b2; }
.bp-explorer .bp-number { width: 78px; text-align: right; white-space: nowrap; }
.bp-explorer .bp-footless .bp-matrix-foot, .bp-explorer .bp-compact .bp-matrix-foot,
 .bp-explorer .bp-compact .bp-matrix-title { display: none; }
.bp-explorer .bp-mark { width: 44px; padding-left: 4px; white-space: nowrap; }
.bp-explorer .bp-layer { display: flex; flex-direction: column; align-items: flex-end; font-size: 14px;
  line-height: 17px; padding-right: 8px; white-space: nowrap; color: var(--bp-ink);
  font-variant-numeric: tabular-nums; }
.bp-explorer .bp-layer small { font-size: 12px; line-height: 15px; color: var(--bp-soft); }
.bp-explorer .bp-stays { position: sticky; left: 0; z-index: 2;
  background: var(--jp-layout-color0, var(--vscode-editor-background, #ffffff)); }
.bp-explorer .bp-source .widget-toggle-button { padding: 0 2px; }
.bp-explorer .bp-step .bp-matrix-title { font-size: 12px; padding: 0; white-space: nowrap; }
.bp-explorer .bp-draw .widget-label-basic { font-size: 13px; }
</style>"""


class NetworkExplorer(Explorer):
    """See a network from the pixels to the decision and back, for a digit of the data or one you draw.

    Every layer's maps stand below each other, as activations or as gradients of the loss. Point at a cell:
    the part of the input that it sees is framed, and the cells before it show what it sends back to each.
    The label that the loss asks for can be any class. If there are snapshots of the training, a slider goes
    through them.

    Its static twin is `plots.maps_and_gradients`; `twin` draws it for the present state, ``twin("digit")``
    and ``twin("steps")`` draw the input (`plots.digits`) and a drawing's preparation (`plots.digit_steps`).

    Parameters
    ----------
    network : Network, optional
        By default the series' network, with its snapshots.
    images : array_like, shape (N, *network.input_shape), optional
        By default MNIST's test digits, for networks that take (28, 28, 1).
    labels : array_like of int, shape (N,), optional
        The true classes of `images`.
    snapshots : sequence of (int, Network), optional
        The number of steps done and the network at that moment, all of one architecture. A `network` given
        too comes after them as "now".
    """

    def __init__(self, network=None, images=None, labels=None, *, snapshots=None):
        self._moments = as_moments(network, snapshots)
        self._net = self._moments[-1][1]
        default = images is None
        self._images, self._labels = as_examples(self._net, images, labels)
        self._rows, self._large, self._lit, self._field = {}, {}, {}, None
        self._waiting, self._setting, self._source_of_active = None, False, None
        self._steps, self._run, self._weights_gradient = None, None, None
        self._misread = {}
        first = DIGIT if default else 0

        self._make_controls(first)
        self._make_left()
        self._make_stack()
        super().__init__(
            title="A network, forward and backward",
            summary=self._summarised(),
            parts=[self._toolbar, self._main],
            lines=3,
        )
        # the arithmetic stands above the maps: below them it would be out of sight
        self.children = (self.heading, self._toolbar, self.arithmetic, self._main, self.alert)
        self._observe()
        self._arrange()
        self._new_image()

    def _summarised(self):
        shape = "×".join(map(str, self._net.input_shape))
        moments = f", {len(self._moments)} snapshots" if len(self._moments) > 1 else ""
        return (
            f"NetworkExplorer({len(self._net)} layers, input {shape}, {self._net.classes} classes{moments}): "
            "run the cell to use it"
        )

    # --------------------------------------------------------------------------------------------- the parts

    def _make_controls(self, first):
        self.source = base.toggles("", [("data", "data"), ("draw your own", "draw")], "data", button="125px")
        self.source.add_class("bp-source")
        self.source.tooltips = ["an image of the data", "draw with the mouse, a pen or a finger"]
        self.can_draw = is_drawable(self._net.input_shape)
        self.moment = widgets.SelectionSlider(
            options=[(words, i) for i, (words, _) in enumerate(self._moments)],
            value=len(self._moments) - 1,
            description="training step",
            tooltip="the network as it was at that moment of its training",
            style={"description_width": "90px"},
            layout={"width": "330px"},
        )
        names = [INPUT, *(layer.name for layer in self._net.layers)]
        self.layer = base.choice(
            "show",
            [ALL, *names],
            ALL,
            hint="all layers, or one of them enlarged",
            width="190px",
            described="44px",
        )
        self.shown = base.toggles(
            "",
            [("activations", "activations"), ("gradients", "gradients")],
            "activations",
            hints=("what each layer says", "∂J/∂ each cell: how the loss would answer"),
            button="108px",
        )
        self._toolbar = base.controls(
            *([self.moment] if len(self._moments) > 1 else []), self.shown, self.layer
        )

        count = len(self._images)
        self.index = widgets.BoundedIntText(
            value=first,
            min=0,
            max=count - 1,
            description="image",
            tooltip=f"number of the image, 0 to {count - 1}",
            style={"description_width": "44px"},
            layout={"width": "112px"},
        )
        kinds = [("any", "any")]
        if self._labels is not None:
            present = np.unique(self._labels)
            kinds += [("misread", "misread"), *((f"class {k}", int(k)) for k in present)]
        self.among = base.choice(
            "", kinds, "any", hint="which images ◀ and ▶ go through", width="74px", described="0px"
        )
        self.previous = widgets.Button(
            description="◀", tooltip="the image before", layout={"width": "32px", "padding": "0"}
        )
        self.following = widgets.Button(
            description="▶", tooltip="the next image", layout={"width": "32px", "padding": "0"}
        )
        self.target = widgets.Dropdown(
            options=maps.target_options(self._net.classes, None),
            description="label in J",
            tooltip="the class that the loss asks for: the gradients pull towards it",
            style={"description_width": "72px"},
            layout={"width": f"{LEFT}px"},
        )
        self.copy = widgets.Button(
            description="copy",
            tooltip="draw on a copy of the data's image",
            layout={"width": "44px", "padding": "0"},
        )
        self.prepare = base.check(
            "prepare as MNIST was made",
            True,
            hint="cut out, scale into 20×20, centre; off: the network gets the drawing as it is",
            width=f"{LEFT - 42}px",
        )

    def _make_left(self):
        shape = self._net.input_shape
        self._input_layout = maps.lay_out(shape, width=LEFT, height=LEFT)
        self.input_view = self._view(self._input_layout, INPUT, self._on_input, kind="digit")
        self.verdict, self.bars = widgets.HTML(), widgets.HTML()
        self.bars.layout.width = f"{LEFT}px"
        self._data_controls = base.row(
            self.index, self.among, self.previous, self.following, gap="2px", wrap=False
        )
        parts = [self.source] if self.can_draw else []
        self.pad = None
        if self.can_draw:
            side = shape[0]
            cell = max(4, (LEFT - maps.MARGIN) // side)
            self.pad = MatrixView(
                np.zeros((side, side), np.float32),
                kind="digit",
                limit=1,
                numbers=False,
                indices=False,
                cell=cell,
                paint=True,
                description=f"Drawing pad, {side} by {side} pixels",
            )
            self.pad.add_class("bp-footless")
            self._draw_controls = base.row(self.copy, self.prepare, gap="2px", align="center", wrap=False)
            self._draw_controls.add_class("bp-draw")
            self._step_views = [
                MatrixView(
                    np.zeros((side, side), np.float32),
                    title=words,
                    kind="digit",
                    limit=1,
                    numbers=False,
                    indices=False,
                    cell=max(2, MAP_HEIGHT // side),
                    description=words,
                )
                for words in ("cut out", "scaled", "centred")
            ]
            self._step_words = base.words("")
            self._step_words.layout.width = "250px"
            self._step_parts = []
            for i, view in enumerate(self._step_views):
                view.add_class("bp-footless")
                view.add_class("bp-step")
                holder = widgets.VBox([view], layout={"width": f"{STEP}px", "height": f"{FIRST_ROW}px"})
                self._step_parts += [base.words("→", kind="sign"), holder] if i else [holder]
        self._parts_left = parts
        self._left = widgets.VBox([], layout={"width": f"{LEFT + 8}px", "flex": "0 0 auto"})

    def _view(self, layout, name, callback, *, title="", numbers=False, kind="value"):
        """Return a `MatrixView` for a layer's output, or a line of text if it is too large."""
        if layout.shown == 0:
            return base.words(layout.note())
        picture = layout.picture(np.zeros(layout.shape, np.float32))
        view = MatrixView(
            picture,
            title=title,
            kind=kind,
            numbers=numbers,
            indices=layout.is_strip and layout.columns <= maps.MOST_BARS,
            cell=layout.cell,
            description=f"{name}, {'×'.join(map(str, layout.shape))}",
        )
        view.add_class("bp-compact")
        view.observe(lambda change: callback(name, view, change["new"]), "active")
        return view

    def _make_stack(self):
        self._filters_name, weights = maps.first_weights(self._net)
        self._filters_layout = None
        self.filters, self.filters_label = (
            None,
            widgets.HTML(layout={"width": f"{LABEL + 20}px", "flex": "0 0 auto"}),
        )
        if weights is not None:
            rows, columns, channels, count = weights.shape
            self._filters_layout = maps.lay_out((rows, columns, count), width=440, height=60)
            self.filters = self._view(
                self._filters_layout, f"{self._filters_name}.w", self._on_filter, kind="weight"
            )
            self.from_channel = base.int_slider(
                "from channel", 0, 0, channels - 1, hint="the channel of the input that the weights multiply"
            )
            self.from_channel.observe(lambda _: self._draw_filters(), "value")
        self.channel = base.int_slider("channel", 0, 0, 0, hint="the map that is enlarged", width="330px")
        self._stack = widgets.VBox([], layout={"width": f"{LABEL + MAPS}px"})
        # in a narrow notebook the maps scroll, and the digit stays where it is
        self._right = widgets.VBox(
            [self._stack], layout={"flex": "1 1 0", "min_width": "0", "overflow": "auto hidden"}
        )
        self._main = widgets.HBox(
            [self._left, self._right], layout={"grid_gap": "6px", "min_height": f"{TALLEST}px"}
        )

    def _row(self, name):
        """Return the row of a layer, made when it is first shown: its box, its label, its maps."""
        if name not in self._rows:
            layout = maps.lay_out(maps.output_shape(self._net, name), width=MAPS, height=MAP_HEIGHT)
            label = widgets.HTML(layout={"width": f"{LABEL}px", "flex": "0 0 auto"})
            label.add_class("bp-stays")
            view = self._view(layout, name, self._on_cell)
            box = widgets.HBox([label, view], layout={"align_items": "center", "min_height": "36px"})
            self._rows[name] = box, label, view, layout
        return self._rows[name]

    def _pair(self, name):
        """Return the enlarged map and gradient map of a layer, made when they are first shown."""
        if name not in self._large:
            shape = maps.output_shape(self._net, name)
            strip = len(shape) != 3
            width = MAPS if strip else LARGE[0]
            layout = maps.lay_out(shape if strip else (*shape[:2], 1), width=width, height=LARGE[1])
            if not strip and layout.shown:
                cell = min(LARGE[0] // shape[1], LARGE[1] // shape[0], 46)
                layout = layout._replace(cell=max(cell, 2))
            views = []
            for words in (f"{name}", f"∂J/∂{name}"):
                if layout.shown == 0:
                    views.append(base.words(layout.note()))
                    continue
                picture = layout.picture(np.zeros(layout.shape, np.float32))
                view = MatrixView(
                    picture if strip else picture[..., 0],
                    title=words,
                    kind="gradient" if words.startswith("∂") else "value",
                    indices=not strip,
                    cell=layout.cell,
                    description=words,
                )
                view.observe(lambda change, view=view: self._on_large(name, view, change["new"]), "active")
                views.append(view)
            box = widgets.VBox(views) if strip else base.row(*views, gap="4px")
            self._large[name] = box, views, layout
        return self._large[name]

    # -------------------------------------------------------------------------------------------- the wiring

    def _observe(self):
        self.source.observe(lambda _: self._on_source(), "value")
        self.index.observe(lambda _: self._new_image(), "value")
        self.among.observe(lambda _: self._on_among(), "value")
        self.previous.on_click(lambda _: self._go(-1))
        self.following.on_click(lambda _: self._go(+1))
        self.moment.observe(lambda _: self._on_moment(), "value")
        self.target.observe(lambda _: self._on_target(), "value")
        self.layer.observe(lambda _: self._on_layer(), "value")
        self.shown.observe(lambda _: self._draw_maps(), "value")
        self.channel.observe(lambda _: self._draw_large(), "value")
        if self.pad is not None:
            self.pad.observe(lambda _: self._on_stroke(), "strokes")
            self.copy.on_click(lambda _: self._on_copy())
            self.prepare.observe(lambda _: self._new_image(), "value")

    @property
    def network(self):
        """The network that is shown now."""
        return self._net

    @property
    def image(self):
        """What the network is given now, of shape (1, *input_shape)."""
        return self._image

    @property
    def drawing(self):
        """Whether the image comes from the pad."""
        return self.source.value == "draw"

    @property
    def probabilities(self):
        """The softmax of the logits, of shape (K,)."""
        return self._probabilities

    @property
    def target_label(self):
        """The class that the loss asks for."""
        return self._target

    @guarded
    def refresh(self):
        """Draw everything again: the network has been trained on, or its parameters were written."""
        self._misread.clear()
        self._new_image()

    # --------------------------------------------------------------------------------------------- callbacks

    @guarded
    def _on_source(self):
        self._arrange()
        self._new_image()

    @guarded
    def _on_moment(self):
        self._net = self._moments[self.moment.value][1]
        self._new_image()

    @guarded
    def _on_target(self):
        if not self._setting:
            self._read()
            self._draw_maps()

    @guarded
    def _on_layer(self):
        self._forget_pointer()
        self._arrange()
        self._draw_maps()

    @guarded
    def _on_copy(self):
        self.pad.values = np.clip(self._images[self.index.value][..., 0], 0, 1)
        self._new_image()

    @guarded
    def _on_stroke(self):
        """Answer a stroke at once with the prediction; the maps follow when there is time."""
        self._take_image()
        self._read()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no kernel: nothing to wait for
            self._draw_maps()
            return
        if self._waiting is None:
            self._waiting = loop.call_later(PAUSE, self._after_stroke)

    def _after_stroke(self):
        self._waiting = None
        self._draw_maps()

    @guarded
    def _on_among(self):
        members = self._members()
        if len(members) == 0:
            raise ValueError("the network misreads none of the images")
        if self.index.value not in members:
            self.index.value = maps.next_in(members, self.index.value, +1)

    @guarded
    def _go(self, direction):
        place = maps.next_in(self._members(), self.index.value, direction)
        if place is None:
            raise ValueError("the network misreads none of the images")
        self.index.value = place

    def _members(self):
        """Return the indices of the images that the arrows go through."""
        kind = self.among.value
        if kind == "any":
            return np.arange(len(self._images))
        if kind == "misread":
            moment = self.moment.value
            if moment not in self._misread:
                some = slice(0, MOST_SCREENED)
                wrong = self._net.predict(self._images[some]) != self._labels[some]
                self._misread[moment] = np.flatnonzero(wrong)
            return self._misread[moment]
        return np.flatnonzero(self._labels == kind)

    # ----------------------------------------------------------------------------------- from image to maps

    @guarded
    def _new_image(self):
        self._take_image()
        self._read()
        self._draw_maps()

    def _take_image(self):
        """Set the image and its true label, if it has one, from the data or from the pad."""
        if not self.drawing:
            i = self.index.value
            self._image = self._images[i : i + 1]
            self._label = None if self._labels is None else int(self._labels[i])
            self._steps = None
            if self._input_layout.shown:
                picture = self._input_layout.picture(self._image[0])
                self.input_view.update(picture)
            return
        self._label = None
        values = np.asarray(self.pad.values, np.float32)
        self._blank = not values.any()
        if self._blank or not self.prepare.value:
            self._steps = None
            self._image = values[None, :, :, None]
            shown = [np.zeros((1, 1), np.float32)] * 2 + [values]
            titles = "not cut out", "not scaled", "as it is"
            words = "Blank paper: draw a digit." if self._blank else "The drawing as it is: not prepared."
        else:
            side = self._net.input_shape[0]
            self._steps = preprocess_digit(values, size=side, box=inner_box(side))
            self._image = self._steps.image
            shown = [self._steps.cropped, self._steps.scaled, self._steps.placed]
            sizes = ["×".join(map(str, a.shape)) for a in shown]
            titles = f"cut out {sizes[0]}", f"scaled {sizes[1]}", "centred"
            words = steps_in_words(self._steps)
        for view, values, title in zip(self._step_views, shown, titles):
            view.update(values, title=title)
        self._step_words.value = base.say(words)

    def _read(self):
        """Predict, and write the probabilities and the loss: the cheap part."""
        self._probabilities = self._net.probabilities(self._image)[0]
        options = maps.target_options(self._net.classes, self._label)
        if tuple(self.target.options) != tuple(options):
            value = self.target.value
            if value == "true" or (value == "prediction" and self._label is not None):
                value = "prediction" if self._label is None else "true"
            self._setting = True
            try:
                self.target.options = options
                self.target.value = value if self._run is not None else options[0][1]
            finally:
                self._setting = False
        p = self._probabilities
        self._target = maps.target_class(self.target.value, p, self._label)
        best = int(maps.ranking(p)[0])
        loss = -np.log(max(float(p[self._target]), np.finfo(np.float64).tiny))
        truth = "" if self._label is None else (" ✓" if best == self._label else f" ✗ (a {self._label})")
        self.verdict.value = (
            f'{STYLE}<div class="bp-verdict" role="status" aria-live="polite">reads a <b>{best}</b>'
            f"{truth}, {html.escape(maps.percent(float(p[best])))}<br>"
            f"J = −log p({self._target}) = {written(loss, 3)}</div>"
        )
        self.bars.value = maps.bars(p, self._target, self._label)

    @guarded
    def _draw_maps(self):
        """Run the image forward and backward, and draw what is in sight: the dear part."""
        self._run = forward_and_backward(self._net, self._image, self._target)
        self._weights_gradient = None
        gradients = self.shown.value == "gradients"
        values = self._run.gradients if gradients else self._run.activations
        for name in self._visible:
            _, label, view, layout = self._rows[name]
            a = values[name][0]
            label.value = named(name, a, layout, gradients)
            if layout.shown:
                view.kind = "gradient" if gradients else "digit" if name == INPUT else "value"
                view.update(layout.picture(a))
        self._draw_filters()
        self._draw_large()
        self._point()

    @guarded
    def _draw_filters(self):
        if self.filters is None or self._filters_layout.shown == 0:
            return
        gradients = self.shown.value == "gradients"
        w = self._filter_values(gradients)
        self.filters.kind = "gradient" if gradients else "weight"
        self.filters.update(self._filters_layout.picture(w))
        self.filters_label.value = named(
            f"{self._filters_name}.w", w, self._filters_layout, gradients, shape=False, signed=True
        )

    def _filter_values(self, gradients):
        """Return the first layer's weights, or their gradient, as (R, C, K) from one channel of the input."""
        name, w = maps.first_weights(self._net)
        if gradients:
            if self._weights_gradient is None:
                i = [layer.name for layer in self._net.layers].index(name)
                _, own = self._net.layers[i].backward(self._run.gradients[name], self._run.caches[i])
                self._weights_gradient = own["w"].reshape(w.shape)
            w = self._weights_gradient
        return w[:, :, self.from_channel.value]

    @guarded
    def _draw_large(self):
        name = self.layer.value
        if name == ALL or self._run is None:
            return
        _, views, layout = self._pair(name)
        if layout.shown == 0:
            return
        for view, source in zip(views, (self._run.activations, self._run.gradients)):
            a = source[name][0]
            title = view.title.split("[")[0].rstrip()
            if layout.is_strip:
                view.update(layout.picture(a))
            else:
                k = self.channel.value
                view.update(a[:, :, k], title=f"{title} [channel {k}]")

    # ----------------------------------------------------------------------------------------- what is shown

    def _arrange(self):
        """Put the parts in place for the present source and layer."""
        left = [*self._parts_left]
        if self.drawing:
            left += [self._draw_controls, self.pad]
        else:
            left += [self._data_controls, self.input_view]
        self._left.children = [*left, self.target, self.verdict, self.bars]

        if self.layer.value == ALL:
            self._visible = maps.rows_of(self._net)
            boxes = [self._row(name)[0] for name in self._visible]
            if self.drawing:
                boxes[0] = self._first_row(*self._step_parts, boxes[0], self._step_words)
            elif self.filters is not None:
                extra = [self.filters_label, self.filters]
                if not self.from_channel.disabled:
                    extra = [widgets.VBox([self.filters_label, self.from_channel]), self.filters]
                boxes[0] = self._first_row(boxes[0], *extra)
            left_out = len(self._net) + 1 - len(self._visible)
            if left_out:
                names = [n for n in self._names() if n not in self._visible]
                listed = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
                boxes.append(base.words(f"Not in this list, but under “show”: {listed}."))
        else:
            name = self.layer.value
            names = self._names()
            at_ = names.index(name)
            self._visible = names[max(0, at_ - 1) : at_ + 1]
            shape = maps.output_shape(self._net, name)
            count = shape[2] if len(shape) == 3 else 1
            base.set_range(self.channel, 0, count - 1)
            boxes = [self._first_row(*self._step_parts, self._step_words)] if self.drawing else []
            boxes += [self._row(n)[0] for n in self._visible]
            boxes += [*([self.channel] if count > 1 else []), self._pair(name)[0]]
        self._stack.children = boxes

    def _first_row(self, *parts):
        """Return the row above the layers' maps, as high as it is for every source."""
        return widgets.HBox(parts, layout={"align_items": "center", "min_height": f"{FIRST_ROW}px"})

    def _names(self):
        return [INPUT, *(layer.name for layer in self._net.layers)]

    # ------------------------------------------------------------------------------------------- the pointer

    def _on_cell(self, name, view, place):
        self._pointed(name, view, self._rows[name][3], place)

    def _on_input(self, name, view, place):
        self._pointed(name, view, self._input_layout, place)

    @guarded
    def _on_large(self, name, view, place):
        layout = self._pair(name)[2]
        if place is not None and not layout.is_strip:
            place = (*place, self.channel.value)
        self._pointed(name, view, layout, place)

    @guarded
    def _on_filter(self, name, view, place):
        self._source_of_active = None if place is None else (name, view, "filter", tuple(place))
        self._point()

    @guarded
    def _pointed(self, name, view, layout, place):
        cell = None if place is None else layout.cell_at(place)
        if cell is not None:
            self._source_of_active = (name, view, "cell", cell)
        elif self._source_of_active is None or self._source_of_active[1] is view:
            self._source_of_active = self._pinned_elsewhere(view)
        else:
            return  # the pointer is in another view already
        self._point()

    def _pinned_elsewhere(self, left):
        """Return the cell that is pinned in another view in sight, if there is one."""
        for name in self._visible:
            _, _, view, layout = self._rows[name]
            if view is not left and layout.shown and view.pinned is not None:
                cell = layout.cell_at(view.pinned)
                if cell is not None:
                    return name, view, "cell", cell
        return None

    def _forget_pointer(self):
        """Let go of the cell under the pointer; a view that disappears sends no word that it has left."""
        views = [view for _, _, view, layout in self._rows.values() if layout.shown]
        views += [view for _, views_, layout in self._large.values() if layout.shown for view in views_]
        for view in views:
            view.hovered = None
        self._source_of_active = None

    @guarded
    def _point(self):
        """Draw and write all about the cell under the pointer."""
        if self._run is None:
            return
        if self._source_of_active is None:
            self._light({})
            self._write_idle()
        elif self._source_of_active[2] == "filter":
            self._light({})
            self._write_weight(self._source_of_active[3])
        else:
            name, _, _, cell = self._source_of_active
            self._light_cell(name, cell)

    def _light_cell(self, name, cell):
        lit = {}

        def add(view, highlights):
            if highlights:
                lit.setdefault(id(view), (view, []))[1].extend(highlights)

        field = receptive_field(self._net, name, cell)
        before = self._before(name)
        sent = None if before is None else sent_back(self._net, self._run, name, cell, to=before)
        # what it sees
        frame_in, layout = self._field_view()
        if layout.shown:
            add(frame_in, [self._field_mark(field, layout)])
        # the cell itself
        for view, layout in self._views_of(name):
            place = layout.place_of(cell)
            if place is not None:
                add(view, [Highlight([place], CELL)])
        if self.layer.value == name:
            _, views, layout = self._pair(name)
            for view in views if layout.shown else ():
                if layout.is_strip:
                    add(view, [Highlight([layout.place_of(cell)], CELL)])
                elif cell[2] == self.channel.value:
                    add(view, [Highlight([cell[:2]], CELL)])
        # what it sends back
        if sent is not None:
            for view, layout in self._views_of(before):
                more, less = maps.strongest(sent, layout)
                for (places, weights, _), color in ((more, MORE), (less, LESS)):
                    if places:
                        add(view, [Highlight(places, color, weights=weights)])
        self._light(lit)
        self._write_cell(name, cell, field, before, sent)

    def _field_mark(self, field, layout):
        """Return the frame of a receptive field; the one before if nothing has changed."""
        key = (self.drawing, *(axis.tobytes() for axis in field))
        if self._field is None or self._field[0] != key:
            self._field = key, Highlight(field_cells(field, layout), FIELD)
        return self._field[1]

    def _before(self, name):
        """Return the layer in sight that a layer's cells send their gradient to."""
        place = self._visible.index(name) if name in self._visible else 0
        return self._visible[place - 1] if place > 0 else None

    def _views_of(self, name):
        """Return the views in sight with a layer's maps, each with its layout."""
        _, _, view, layout = self._rows[name]
        return [(view, layout)] if name in self._visible and layout.shown else []

    def _field_view(self):
        """Return the view in which receptive fields are framed, and its layout."""
        if not self.drawing:
            return self.input_view, self._input_layout
        return self._step_views[2], FlatLayout(self._input_layout)

    def _light(self, lit):
        """Set highlights where there are new ones, clear them where there were old ones."""
        for key, (view, _) in self._lit.items():
            if key not in lit:
                view.update(highlights=())
        for key, (view, highlights) in lit.items():
            before = self._lit.get(key, (view, []))[1]
            if len(before) != len(highlights) or any(a is not b for a, b in zip(before, highlights)):
                view.update(highlights=highlights)
        self._lit = lit

    # ------------------------------------------------------------------------------------------- the writing

    def _write_idle(self):
        self.write(
            [
                "Point at a cell of any layer: ",
                Mark("the pixels it sees", FIELD),
                ", and what it sends back: ",
                Mark("+", MORE),
                " or ",
                Mark("−", LESS),
                " to each cell before it.",
            ],
            "A click holds the cell, Escape lets it go.",
        )

    def _write_weight(self, place):
        i, j, k = place
        c = self.from_channel.value
        name = at(f"{self._filters_name}.w", (i, j, c, k))
        w, dw = (self._filter_values(gradients)[i, j, k] for gradients in (False, True))
        self.write(
            [Mark(f"{name} = {written(w)}", CELL), f"   row {i}, column {j} of filter {k}"],
            f"∂J/∂{name} = {signed(dw)}",
        )

    def _write_cell(self, name, cell, field, before, sent):
        value, gradient = self._run.activations[name][(0, *cell)], self._run.gradients[name][(0, *cell)]
        here = at(name, cell)
        pull = "" if gradient == 0 else f"   J {'falls' if gradient < 0 else 'rises'} if it grows"
        first = [Mark(f"{here} = {written(value)}", CELL), f"   ∂J/∂{here} = {signed(gradient)}{pull}"]
        pixels = len(field.rows) * len(field.columns)
        sees = [
            "sees ",
            Mark(field_in_words(field), FIELD),
            f" of the input: {pixels:,} pixel{'s' * (pixels > 1)}",
        ]
        self.write(first, sees, sent_in_words(before, sent, gradient))

    # -------------------------------------------------------------------------------------------------- twin

    def twin(self, what="maps"):
        """Return the static figure of the present state.

        Parameters
        ----------
        what : {"maps", "digit", "steps"}
            The activations and gradients of the layers in sight (`plots.maps_and_gradients`), the input with
            what the network reads (`plots.digits`), or the preparation of a drawing (`plots.digit_steps`).
        """
        if what == "maps":
            names = maps.rows_of(self._net) if self.layer.value == ALL else list(self._visible)
            sources = [
                {name: as_maps(source[name]) for name in names}
                for source in (self._run.activations, self._run.gradients)
            ]
            when = self._moments[self.moment.value][0]
            when = f", {'step ' * when.isdigit()}{when}" if len(self._moments) > 1 else ""
            return plots.maps_and_gradients(
                *sources, layers=names, title=f"Label {self._target}: forward and backward{when}"
            )
        if what == "digit":
            label = None if self._label is None else [self._label]
            best = int(maps.ranking(self._probabilities)[0])
            return plots.digits(self._image[..., 0], label, [best])
        if what == "steps":
            if self._steps is None:
                raise ValueError("NetworkExplorer.twin: no drawing has been prepared; draw one first")
            return plots.digit_steps(self._steps)
        raise ValueError(f'NetworkExplorer.twin: what must be "maps", "digit" or "steps"; got {what!r}')


class FlatLayout:
    """A layout of one channel, drawn as (R, C) instead of (R, C, 1)."""

    def __init__(self, layout):
        self.shown, self.is_strip, self.shape = layout.shown, layout.is_strip, layout.shape

    def place_of(self, index):
        """Return the (row, column) of a cell."""
        return tuple(index[:2])


def as_moments(network, snapshots):
    """Return [(words, Network), …] for the constructor's `network` and `snapshots`.

    Raises
    ------
    TypeError, ValueError
        Not networks, or of different architectures.
    """
    if network is not None and not isinstance(network, Network):
        raise TypeError(f"NetworkExplorer: network must be a Network; got {type(network).__name__}")
    if snapshots is None:
        snapshots = [] if network is not None else series_snapshots()
    moments = []
    try:
        pairs = [(step, net) for step, net in snapshots]
    except (TypeError, ValueError):
        raise TypeError("NetworkExplorer: snapshots must be a list of (step, Network)") from None
    for step, net in pairs:
        if not isinstance(net, Network):
            raise TypeError(
                f"NetworkExplorer: snapshots must be a list of (step, Network); got a {type(net).__name__}"
            )
        moments.append((f"{step}", net))
    if network is not None:
        moments.append(("now", network))
    if not moments:
        raise ValueError("NetworkExplorer: snapshots is empty; expected at least one (step, Network)")
    last = moments[-1][1]
    for words, net in moments:
        if _architecture(net) != _architecture(last):
            raise ValueError(
                f"NetworkExplorer: the snapshot {words} has other layers than the last one: "
                f"{_architecture(net)}, expected {_architecture(last)}"
            )
        if net.dtype.kind == "c":
            raise TypeError("NetworkExplorer: the network computes in complex128; use net.astype(np.float64)")
    return moments


def _architecture(net):
    """Return all shapes of a network as text."""
    layers = ", ".join(f"{layer.name} {net.output_shapes[layer.name]}" for layer in net.layers)
    weights = ", ".join(f"{name} {a.shape}" for name, a in net.parameters.items())
    return f"{net.input_shape} → {layers} with {weights}"


def as_examples(net, images, labels):
    """Return checked images (N, *input_shape) and labels (N,) or None; by default the test digits."""
    if images is None:
        if labels is not None:
            raise ValueError("NetworkExplorer: labels came without images")
        if net.input_shape != (28, 28, 1):
            raise ValueError(
                f"NetworkExplorer: images must be given for a network of {net.input_shape}; "
                "the test digits are (28, 28, 1)"
            )
        images, labels = load_test_set()
        return images, labels if net.classes == 10 else None
    images = net._checked_images("NetworkExplorer", images)
    if labels is None:
        return images, None
    return images, net._checked_labels("NetworkExplorer", labels, len(images))


def is_drawable(shape):
    """Return whether images of that shape can be drawn: square, of one channel, neither tiny nor huge."""
    return len(shape) == 3 and shape[2] == 1 and shape[0] == shape[1] and 8 <= shape[0] <= 64


def inner_box(side):
    """Return the side of the box that a drawing is scaled into: 20 of 28, and in proportion."""
    return max(1, round(side * 20 / 28))


def steps_in_words(steps):
    """Return one line about the preparation of a drawing."""
    rows, columns = steps.cropped.shape
    high, wide = steps.scaled.shape
    row, column = steps.centre
    return (
        f"{rows}×{columns} pixels of ink → {high}×{wide}; its centre of mass, row {row:.1f} and column "
        f"{column:.1f} of that, goes to the middle."
    )


def named(name, values, layout, gradients, *, shape=True, signed=False):
    """Return a row's label: name, shape, range."""
    words = f"∂J/∂{name}" if gradients else name
    size = "×".join(map(str, layout.shape)) if shape else ""
    if gradients or signed:
        text = f"±{written(np.abs(values).max(), 2)}"
    else:
        text = f"{written(values.min(), 2)}…{written(values.max(), 2)}"
    note = layout.note() if 0 < layout.shown < layout.channels else ""
    lines = "".join(f"<small>{html.escape(line)}</small>" for line in (size, note, text) if line)
    return f'<div class="bp-layer"><b>{html.escape(words)}</b>{lines}</div>'


def field_cells(field, layout):
    """Return the places of a receptive field's pixels, as far as their channels are drawn."""
    if layout.is_strip:
        return [layout.place_of((int(j),)) for j in field.columns]
    if isinstance(layout, FlatLayout):
        return field.pixels
    return [(i, j, int(c)) for c in field.channels if c < layout.shown for i, j in field.pixels]


def field_in_words(field):
    """Return ``rows 3–7, columns 5–9``."""
    if len(field.rows) == len(field.channels) == 1 and field.rows[0] == 0 and len(field.columns) > 1:
        return f"row 0, columns {maps.span(field.columns)}"
    rows, columns = (
        f"{word}{'s' if len(indices) > 1 else ''} {maps.span(indices)}"
        for word, indices in (("row", field.rows), ("column", field.columns))
    )
    return f"{rows}, {columns}"


def sent_in_words(before, sent, gradient):
    """Return the line about what a cell sends back, as pieces for `Explorer.write`."""
    if before is None:
        return "sends nothing further back: these are the pixels"
    if gradient == 0:
        return f"sends nothing back to {before}: its own gradient is 0"
    more, less = int((sent > 0).sum()), int((sent < 0).sum())
    if more + less == 0:
        return f"sends nothing back to {before}: every slope is 0, the way is closed"
    place = tuple(int(i) for i in np.unravel_index(np.abs(sent).argmax(), sent.shape))
    most = sent[place]
    parts = []
    for count, sign, color in ((more, "+", MORE), (less, "−", LESS)):
        if count:
            parts += [", " if parts else "", Mark(f"{sign} to {count:,} cell{'s' * (count > 1)}", color)]
    product = f"{signed(most, 3)} = {signed(gradient, 3)} × slope {written(most / gradient, 3)}"
    return [f"sends back to {before}: ", *parts, f"; the most to {at(before, place)}: {product}"]


def as_maps(array):
    """Return an array of a batch of one in a rank that figures take: (1, H, W, C) or (1, N)."""
    return array if array.ndim in (2, 4) else array.reshape(1, -1)
