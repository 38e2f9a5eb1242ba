"""`NetworkStage`: a whole network, from the pixels to the decision and back, for a digit given or drawn."""

import base64
import json
import math

import numpy as np
import traitlets

from backprop_helpers.training import Network, network_file, series_snapshots
from backprop_helpers.training.mnist import load_test_set
from backprop_helpers.training.modules import LAYER_TYPES
from backprop_helpers.training.network import INPUT
from backprop_helpers.training.series import DIGIT
from backprop_helpers.views import plots
from backprop_helpers.views.stage._base import MOST_BYTES, Stage, encode_array, json_bytes, one_of
from backprop_helpers.views.stage.receptive_field import forward_and_backward, receptive_field, sent_back

NAME = "NetworkStage"
ALL, NOW = "all", "now"
MOST_ROWS = 16  # layers of a twin
MOST_CELLS = 128  # rows or columns of a layer's maps
MOST_CLASSES = 256
MOST_IMAGE_BYTES = 8_000_000  # sent to the page, when it asks
EXAMPLE_BYTES = 9_000  # of the images that the spec holds
SERIES, SERIES_IMAGES = "series", 1000  # files of the site; the first test digits
FLOAT16_LIMIT = 65520  # halfway from its largest number, 65504, to the next: from here on it rounds to ∞
RENUMBER = ("Standardize", "Flatten")


class NetworkStage(Stage):
    """All maps of a network, forward and backward, for an image of the data or a digit that is drawn.

    Point at a cell: its sum, the sum of its gradient, what it sees and what it sends back. The label in J can
    be any class; a slider goes through snapshots of the training. A layer that the page does not know is
    computed by Python, when the page asks.

    - network: by default the series' network, with its snapshots
    - images, labels: (N, *network.input_shape) and their true classes (N,); by default MNIST's test digits,
      for networks that take (28, 28, 1)
    - snapshots: (steps done, network then), all of one architecture; a `network` given too comes after them
      as "now"
    - index: which image is shown first
    - label: "true", "prediction", "second" or a class, the one that the loss asks for
    - among: "any", "misread" or a class, which images − and + go through
    - layer, channel: "all", or a layer whose maps are shown large, and which of them

    Assign index, label, step (a place in the snapshots), layer, channel, among, drawing or prepared to change
    the page; `image`, (1, *input_shape), and `network` are what it shows now.
    """

    composition = "network"
    index = traitlets.Int()
    label = traitlets.Unicode("true")
    step = traitlets.Int()
    layer = traitlets.Unicode(ALL)
    channel = traitlets.Int()
    among = traitlets.Unicode("any")
    drawing = traitlets.Bool()
    prepared = traitlets.Bool(True)
    drawn = traitlets.Any().tag(kept=False)
    revision = traitlets.Int().tag(kept=False)

    def __init__(self, network=None, images=None, labels=None, *, snapshots=None, index=None, **looks):
        self._moments = as_moments(network, snapshots)
        net = self._moments[-1][1]
        self._of_series = images is None
        self._images, self._labels = as_examples(net, images, labels)
        index = DIGIT if index is None and self._of_series else index or 0
        if not 0 <= index < len(self._images):
            raise ValueError(f"{NAME}: index must be 0 to {len(self._images) - 1}; got {index}")
        options = {
            "network": described(net),
            "steps": [words for words, _ in self._moments],
            "bits": 32,
            "pixels": {"bits": self._bits(), "labelled": self._labels is not None, "count": self._count()},
            "examples": self._examples(index),
            "index": index,
            "step": len(self._moments) - 1,
        }
        super().__init__({}, options, looks | self._checked(looks))
        self.on_msg(self._answer)

    def _checked(self, looks):
        """Return the choices among classes and layers as texts; refuse those that there are not."""
        net = self._moments[-1][1]
        classes = [str(k) for k in range(net.classes)]
        large = (name for name, shape in net.output_shapes.items() if len(shape) == 3)
        known = {"label": ["true", "prediction", "second", *classes], "layer": [ALL, *large]}
        known["among"] = ["any", *(["misread", *classes] if self._labels is not None else [])]
        texts = {name: str(looks[name]) for name in known if name in looks}
        for name, text in texts.items():
            one_of(NAME, name, text, known[name])
        return texts

    def _sizes(self):
        net = self.network
        shape = "×".join(map(str, net.input_shape))
        moments = f", {len(self._moments)} snapshots" if len(self._moments) > 1 else ""
        return f"{len(net)} layers, input {shape}, {net.classes} classes{moments}"

    @property
    def network(self):
        """The network that is shown now."""
        return self._moments[self.step][1]

    @property
    def image(self):
        """What the network is given now, (1, *input_shape); blank paper is all 0."""
        if not self.drawing:
            return self._images[self.index : self.index + 1]
        drawn = np.zeros(math.prod(self.network.input_shape)) if self.drawn is None else np.array(self.drawn)
        return drawn.reshape(1, *self.network.input_shape)

    @property
    def target(self):
        """The class that the loss asks for now."""
        return self._target(self.network, self.image, self.label)

    def refresh(self):
        """Show the network as it is now: it has been trained on, or its parameters were written."""
        self.revision += 1

    def twin(self):
        """Return the static figure: activations and gradients of all layers."""
        run = forward_and_backward(self.network, self.image, self.target)
        names = [
            INPUT,
            *(layer.name for layer in self.network.layers if type(layer).__name__ not in RENUMBER),
        ]
        maps = [{name: _as_maps(of[name]) for name in names} for of in (run.activations, run.gradients)]
        shown = [*names[:1], *names[1:][1 - MOST_ROWS :]]
        when = self._moments[self.step][0]
        when = f", {'step ' * when.isdigit()}{when}" if len(self._moments) > 1 else ""
        title = f"Label {self.target}: forward and backward{when}"
        title += f"; of {len(names)} layers the input and the last" if len(shown) < len(names) else ""
        return plots.maps_and_gradients(*maps, layers=shown, title=title)

    # ------------------------------------------------------------------------------------------- what is kept

    def committed(self):
        """Return the spec that a page needs without Python; what training leaves to chance is not in it.

        The series' snapshots are named, and lie beside the page. Another network's few weights go along as
        float16.
        """
        spec = super().committed()
        options = {**spec["options"], "bits": 16}
        examples = options["examples"]
        options["pixels"] = {**options["pixels"], "count": len(examples["indices"])}
        series = self._steps_of_series()
        if series:
            options |= {"file": SERIES, "steps": series, "step": min(self.step, len(series) - 1)}
            if self._of_series:
                options["pixels"]["count"] = SERIES_IMAGES
        elif not options["network"].get("python"):
            moments = [net for _, net in self._moments]
            count = MOST_BYTES // max(1, json_bytes(base64.b64encode(as_float16(moments[-1])).decode()))
            kept = moments[-max(1, count // 2) :]
            weights = b"".join(map(as_float16, kept))
            options["steps"] = options["steps"][-len(kept) :]
            options["step"] = max(0, self.step - len(moments) + len(kept))
            options["weights"] = base64.b64encode(weights).decode("ascii")
        return spec | {"options": options}

    def _steps_of_series(self):
        """Return the words of the moments that are the series' snapshots, if they are the first of all."""
        known = {(str(step), net.parameters.vector.tobytes()) for step, net in series_snapshots()}
        own = ((words, net.parameters.vector.astype(np.float32).tobytes()) for words, net in self._moments)
        words = [moment[0] for moment in own if moment in known]
        return words if len(words) == len(known) else []

    def _examples(self, first):
        """Return a few images for the spec, the one shown first among them: one of each class."""
        size = self._images[:1].size * self._bits() // 8
        labels = np.arange(len(self._images)) if self._labels is None else self._labels
        _, others = np.unique(labels[:200], return_index=True)
        others = [int(n) for n in others if labels[n] != labels[first]]
        indices = sorted([first, *others[: max(0, min(9, EXAMPLE_BYTES // size - 1))]])
        return {
            "indices": [int(n) for n in indices],
            "pixels": base64.b64encode(self._pixels(indices)).decode("ascii"),
        }

    def _bits(self):
        """Return 8 if the images are bytes, divided by 255; else 32, as float32."""
        some = np.asarray(self._images[:256], np.float64) * 255
        whole = np.allclose(some, np.rint(some), atol=1e-4)
        return 8 if whole and 0 <= some.min() and some.max() <= 255.5 else 32

    def _count(self):
        return min(len(self._images), MOST_IMAGE_BYTES // (self._images[:1].size * self._bits() // 8))

    def _pixels(self, indices):
        """Return images as the page reads them: bytes or float32, then the labels."""
        images = self._images[indices]
        pixels = as_bytes(images) if self._bits() == 8 else images.astype("<f4").tobytes()
        return pixels + (
            b"" if self._labels is None else np.asarray(self._labels[indices], np.uint8).tobytes()
        )

    # -------------------------------------------------------------------------------------- what a page asks

    def _answer(self, _, question, buffers):
        """Answer the page's question with bytes, or with what went wrong in words."""
        answer = {"id": question["id"]}
        try:
            found = getattr(self, f"_ask_{question['ask']}")(question, buffers)
        except Exception as error:  # whatever a layer of one's own raises is shown in the stage
            self.send(answer | {"error": f"{type(error).__name__}: {error}"})
        else:
            self.send(answer, buffers=[found])

    def _ask_last(self, question, buffers):
        return self._moments[-1][1].parameters.vector.astype("<f4").tobytes()

    def _ask_weights(self, question, buffers):
        return b"".join(net.parameters.vector.astype("<f4").tobytes() for _, net in self._moments)

    def _ask_images(self, question, buffers):
        return self._pixels(slice(0, self._count()))

    def _ask_misread(self, question, buffers):
        net = self._moments[question["step"]][1]
        count = self._count()
        return (net.predict(self._images[:count]) != self._labels[:count]).astype(np.uint8).tobytes()

    def _ask_run(self, question, buffers):
        net = self._moments[question["step"]][1]
        image = np.frombuffer(buffers[0], "<f4").reshape(1, *net.input_shape).astype(net.dtype)
        target = self._target(net, image, question["label"])
        self._run = forward_and_backward(net, image, target)
        self._run_net = net
        names = [INPUT, *(layer.name for layer in net.layers)]
        maps = [of[name].ravel() for of in (self._run.activations, self._run.gradients) for name in names]
        loss = net.loss(image, np.array([target]))
        return np.concatenate([*maps, [target, loss]]).astype("<f4").tobytes()

    def _ask_cell(self, question, buffers):
        name, index, before = question["name"], tuple(question["index"]), question["before"]
        field = {
            axis: n.tolist() for axis, n in receptive_field(self._run_net, name, index)._asdict().items()
        }
        sent = None
        if before is not None:
            sent = encode_array(sent_back(self._run_net, self._run, name, index, to=before))
        return json.dumps({"field": field, "sent": sent}).encode()

    def _target(self, net, image, label):
        """Return the class that a choice of label means."""
        if label == "true" and self._labels is not None and not self.drawing:
            return int(self._labels[self.index])
        order = np.argsort(-net.probabilities(image)[0], kind="stable")
        places = {"true": 0, "prediction": 0, "second": 1}
        return int(order[places[label]]) if label in places else int(label)


def described(net):
    """Return the layers for the page: how they are built, or, if it does not know one, their shapes alone."""
    try:
        network = architecture(net)
    except TypeError:
        layers = [{"name": layer.name, "type": type(layer).__name__} for layer in net.layers]
        network = {"input_shape": list(net.input_shape), "layers": layers, "python": True}
    for layer in network["layers"]:
        layer["shape"] = list(net.output_shapes[layer["name"]])
    return network | {"parameters": int(net.parameters.vector.size), "classes": net.classes}


def architecture(net):
    """Return ``{"input_shape": [28, 28, 1], "layers": [{"name": "conv1", "type": "Conv", …}, …]}``.

    A layer of a kind that only Python knows is a TypeError.
    """
    for layer in net.layers:
        if type(layer) not in LAYER_TYPES.values():
            kind = type(layer).__name__
            raise TypeError(f"the page does not know {layer.name}, a {kind}: only Python does")
    description = json.loads(str(network_file.encode_architecture(net)))
    layers = [{"name": layer.name, **entry} for layer, entry in zip(net.layers, description["layers"])]
    return {"input_shape": description["input_shape"], "layers": layers}


def as_float16(net):
    """Return ``net.parameters.vector`` as little-endian float16, which is enough to be looked at.

    NaN and infinities stay what they are; a parameter that would become infinite is a ValueError.
    """
    for name, values in net.parameters.items():
        too_large = values[np.isfinite(values) & (np.abs(values) >= FLOAT16_LIMIT)]
        if too_large.size:
            fault = f"{name} has the entry {too_large[0]:g}"
            raise ValueError(f"a page holds parameters as float16, up to 65504; {fault}")
    return net.parameters.vector.astype("<f2").tobytes()


def as_moments(network, snapshots):
    """Return [(words, Network), …] for the constructor's `network` and `snapshots`, checked."""
    if network is not None and not isinstance(network, Network):
        raise TypeError(f"{NAME}: network must be a Network; got {type(network).__name__}")
    if snapshots is None:
        snapshots = [] if network is not None else series_snapshots()
    try:
        moments = [(f"{step}", net) for step, net in snapshots]
    except (TypeError, ValueError):
        raise TypeError(f"{NAME}: snapshots must be a list of (step, Network)") from None
    moments += [] if network is None else [(NOW, network)]
    if not moments:
        raise ValueError(f"{NAME}: snapshots is empty; expected at least one (step, Network)")
    last = moments[-1][1]
    for words, net in moments:
        if not isinstance(net, Network):
            came = type(net).__name__
            raise TypeError(f"{NAME}: snapshots must be a list of (step, Network); got a {came}")
        if _shapes(net) != _shapes(last):
            fault = f"other layers than the last one: {_shapes(net)}, expected {_shapes(last)}"
            raise ValueError(f"{NAME}: the snapshot {words} has {fault}")
        if net.dtype.kind == "c":
            raise TypeError(f"{NAME}: the network computes in complex128; use net.astype(np.float64)")
    check_size(last)
    return moments


def check_size(net):
    """Refuse maps that no page can show."""
    for name, shape in {INPUT: net.input_shape, **net.output_shapes}.items():
        if len(shape) == 3 and max(shape[:2]) > MOST_CELLS:
            raise ValueError(
                f"{NAME}: at most {MOST_CELLS} rows and columns of a map can be drawn; {name} is {shape}"
            )
    if net.classes > MOST_CLASSES:
        raise ValueError(f"{NAME}: at most {MOST_CLASSES} classes; the network has {net.classes:,}")


def _shapes(net):
    """Return all shapes of a network as text."""
    layers = ", ".join(f"{layer.name} {net.output_shapes[layer.name]}" for layer in net.layers)
    weights = ", ".join(f"{name} {a.shape}" for name, a in net.parameters.items())
    return f"{net.input_shape} → {layers} with {weights}"


def as_examples(net, images, labels):
    """Return checked images (N, *input_shape) and labels (N,) or None; by default the test digits."""
    if images is None:
        if labels is not None:
            raise ValueError(f"{NAME}: labels came without images")
        if net.input_shape != (28, 28, 1):
            raise ValueError(
                f"{NAME}: images must be given for a network of {net.input_shape}; "
                "the test digits are (28, 28, 1)"
            )
        images, labels = load_test_set()
        return images, labels if net.classes == 10 else None
    images = net._checked_images(NAME, images)
    return images, None if labels is None else net._checked_labels(NAME, labels, len(images))


def as_bytes(images):
    """Return images of [0, 1] as bytes, one a pixel."""
    return np.rint(np.asarray(images) * 255).astype(np.uint8).tobytes()


def _as_maps(array):
    """Return an array of a batch of one in a rank that figures take: (1, H, W, C) or (1, N)."""
    return array if array.ndim in (2, 4) else array.reshape(1, -1)


def series_files():
    """Return {name: bytes} of the files that a page without Python fetches for the series' network.

    The weights at the end and at all snapshots, float16; the first of the test digits with their labels.
    """
    nets = [net for _, net in series_snapshots()]
    digits, labels = load_test_set()
    return {
        f"{SERIES}_last.bin": as_float16(nets[-1]),
        f"{SERIES}_weights.bin": b"".join(map(as_float16, nets)),
        f"{SERIES}_images.bin": as_bytes(digits[:SERIES_IMAGES])
        + labels[:SERIES_IMAGES].astype(np.uint8).tobytes(),
    }
