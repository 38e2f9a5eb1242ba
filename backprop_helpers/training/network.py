"""A network: named layers one after the other, softmax and cross-entropy at the end.

``forward`` and ``backward`` are lesson 10: they call the layers one by one, and what is there to be looked at
comes from them (``activations``, ``gradients``, ``gradients_of_activations``). The *fast path*, ``kernels``,
does the same sums for ``fit`` and for predictions, where it knows the layers; ``summary`` says which it is.
"""

from __future__ import annotations

import copy
import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from backprop_helpers import layers as formulas
from backprop_helpers.layers._validate import as_array, as_int

from . import kernels, network_file
from .modules import Conv, Flatten, FullyConnected, Layer, MaxPool, ReLU, Standardize, run
from .parameters import ParameterViews, parameter_count
from .summary import LayerSummary, Summary
from .threads import one_blas_thread

INPUT = "input"  # the key of the images themselves among the activations
LAST_LAYER_SCALE = 0.1
EVALUATION_BATCH = 250  # enough for matrix products to be efficient, few enough to stay in small memory
PLANS_KEPT = 3  # training batch, last batch of an epoch, evaluation
LARGEST = 10**8  # numbers in one example's activation, or in all parameters: beyond is a slip, or a bad file
MAX_STANDARD_DEVIATIONS = 100  # pixels further than this from their mean were scaled otherwise

_NAMES = {"Conv": "conv", "MaxPool": "pool", "AveragePool": "pool", "FullyConnected": "fc"}
_NAMED_WITHOUT_NUMBER = ("standardize", "flatten")


class Network:
    """Layers in a row, ending in one number a class, the logits; the loss is their softmax cross-entropy.

    Each layer says how its parameters start (``Layer.initial``): weights are drawn from a normal distribution
    with standard deviation √(2 / fan-in), biases are 0. The weights of the last layer are a tenth of that, so
    that all classes start almost equally likely and the first loss is close to ln(number of classes).

    Parameters
    ----------
    layers : sequence of Layer
        Such as ``[Conv(8, 5), ReLU(), MaxPool(), Flatten(), FullyConnected(10)]``. The network makes copies
        and names them by kind and number: conv1, relu1, pool1, flatten, fc1.
    seed : int
        Where the random weights start: the same seed, the same network.
    input_shape : tuple of int
        Shape of one image, (H, W, C).
    dtype : dtype
        float32 to train; float64 or complex128 to check gradients.

    Attributes
    ----------
    layers : list of Layer
        In forward order; ``net["conv1"]`` is the one of that name.
    parameters, statistics : ParameterViews
        ``{"conv1.w": array, "conv1.b": array, …}``, views into ``parameters.vector``. Write into them to
        change them. ``statistics`` is what layers such as batch normalisation gather in training.
    input_shape, dtype, classes, output_shapes
        What the network takes, computes in, tells apart, and the shape of every layer's output.

    Notes
    -----
    ``training=True`` asks for what layers compute in training, where that differs. No method changes the
    parameters or the statistics: only ``fit`` does.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        seed: int = 0,
        input_shape: tuple[int, ...] = (28, 28, 1),
        dtype=np.float32,
    ):
        self._build(layers, input_shape, dtype)
        self._start(np.random.default_rng(as_int("Network", "seed", seed, 0)))

    # ------------------------------------------------------------------------- forward, and backward again

    def forward(self, x, *, training: bool = False) -> tuple[dict, list]:
        """Return every layer's output by name, "input" first, and what each remembers for ``backward``."""
        activations, caches = {INPUT: x}, []
        for layer in self.layers:
            x, cache = run(layer, x, training=training)
            activations[layer.name] = x
            caches.append(cache)
        return activations, caches

    def backward(self, dlogits, caches, *, to_input: bool = True) -> tuple[dict, dict]:
        """Return ∂J/∂ every activation and ∂J/∂ every parameter, by name, given ∂J/∂logits.

        ``to_input=False`` stops at the first layer that learns: nothing below it is needed to train.
        """
        last = 0 if to_input else next(i for i, layer in enumerate(self.layers) if layer.parameters)
        dout, of_activations, of_parameters = dlogits, {}, {}
        for i in reversed(range(last, len(self.layers))):
            layer = self.layers[i]
            of_activations[layer.name] = dout
            dout, gradients = layer.backward(dout, caches[i], need_dx=to_input or i > last)
            of_parameters.update({f"{layer.name}.{name}": array for name, array in gradients.items()})
        of_activations[INPUT] = dout
        return dict(reversed(of_activations.items())), of_parameters

    def _loss_of(self, logits, labels):
        """Return the mean loss, how many are right, and ∂J/∂logits."""
        loss, cache = formulas.softmax_cross_entropy_forward(logits, labels)
        correct = int(np.count_nonzero(logits.real.argmax(axis=1) == labels))
        loss = loss.item() if isinstance(loss, (np.generic, np.ndarray)) else loss
        return loss, correct, formulas.softmax_cross_entropy_backward(1.0, cache)

    # ------------------------------------------------------------------------------ activations, gradients

    def activations(self, images, *, training: bool = False) -> dict[str, np.ndarray]:
        """Return the images and every layer's output: ``{"input": (M, 28, 28, 1), …, "fc2": (M, 10)}``."""
        images = self._as_batch(self._checked_images("activations", images))
        return self.forward(images, training=training)[0]

    def gradients(self, images, labels, *, training: bool = False) -> ParameterViews:
        """Return the gradient of the mean loss at every parameter; ``.vector`` is all of it.

        - images: (M, H, W, C); labels: (M,) integers, or one-hot, (M, K)
        """
        _, gradients = self._gradients("gradients", images, labels, training)
        views = ParameterViews(np.zeros_like(self.parameters.vector), self._shapes)
        views.update(gradients)
        return views

    def gradients_of_activations(self, images, labels, *, training: bool = False) -> dict[str, np.ndarray]:
        """Return the gradient of the mean loss at every array of ``activations``; "input" is the saliency."""
        return self._gradients("gradients_of_activations", images, labels, training)[0]

    def _gradients(self, caller, images, labels, training):
        images, labels = self._checked_examples(caller, images, labels)
        activations, caches = self.forward(self._as_batch(images), training=training)
        _, _, dlogits = self._loss_of(activations[self.layers[-1].name], labels)
        return self.backward(dlogits, caches)

    # ----------------------------------------------------------------------------------------- predicting

    def logits(self, images) -> np.ndarray:
        """Return the last layer's output, (M, K): one number for each image and class, before the softmax."""
        return self._logits_in_batches(self._readable_images("logits", images))

    def probabilities(self, images) -> np.ndarray:
        """Return the softmax of the logits, (M, K): each row is positive and sums to 1."""
        return formulas.softmax(self._logits_in_batches(self._readable_images("probabilities", images)))

    def predict(self, images) -> np.ndarray:
        """Return the most likely class of each image, int64 of shape (M,); the first one of equals."""
        return self._logits_in_batches(self._readable_images("predict", images)).real.argmax(axis=1)

    def accuracy(self, images, labels) -> float:
        """Return the fraction of images whose most likely class is their label, in [0, 1]."""
        return self._evaluate(*self._readable_examples("accuracy", images, labels))[1]

    def loss(self, images, labels, *, training: bool = False):
        """Return the mean cross-entropy of the softmax of the logits, in nats; in training, of one batch."""
        images, labels = self._checked_examples("loss", images, labels)
        if not training:
            return self._evaluate(images, labels)[0]
        activations, _ = self.forward(self._as_batch(images), training=True)
        return self._loss_of(activations[self.layers[-1].name], labels)[0]

    def _evaluate(self, images, labels) -> tuple[float, float]:
        """Return loss and accuracy of examples that have been checked already, from one forward pass."""
        loss, correct, _ = self._loss_of(self._logits_in_batches(images), labels)
        return loss, correct / len(labels)

    def _logits_in_batches(self, images):
        logits = np.empty((len(images), self.classes), self.dtype)
        with one_blas_thread():
            for start in range(0, len(images), EVALUATION_BATCH):
                batch = self._as_batch(images[start : start + EVALUATION_BATCH])
                plan = self._plan(len(batch))
                out = self.forward(batch)[0][self.layers[-1].name] if plan is None else plan.logits(batch)
                logits[start : start + len(batch)] = out
        return logits

    # ------------------------------------------------------------- one batch of training, and the fast path

    def _loss_and_gradients(self, images, labels, gradients_out) -> tuple[float, int]:
        """Do the forward and backward pass of one training batch: ``fit`` calls this and nothing else.

        - images: (M, *input_shape), of the network's dtype, C order; labels: (M,), int64, checked
        - gradients_out: (n,), receives the gradient of the mean loss in the order of ``parameters.vector``

        Returns the mean loss and how many are right. ``kernels.plan(network, batch_size)`` is None for a
        network that it does not know; then the layers do it one by one. A plan has ``loss_and_gradients``,
        with these arguments, and ``logits(images)``, and reads the parameters at every call. Plans are kept
        by batch size, a few at a time; an interrupted ``fit`` throws them away.
        """
        plan = self._plan(len(images))
        if plan is not None:
            return plan.loss_and_gradients(images, labels, gradients_out)
        activations, caches = self.forward(images, training=True)
        loss, correct, dlogits = self._loss_of(activations[self.layers[-1].name], labels)
        _, gradients = self.backward(dlogits, caches, to_input=False)
        ParameterViews(gradients_out, self._shapes).update(gradients)
        for layer, cache in zip(self.layers, caches):
            if layer.statistics:
                layer.update_statistics(cache)
        return loss, correct

    def _plan(self, batch_size):
        if batch_size not in self._plans:
            while len(self._plans) >= PLANS_KEPT:
                del self._plans[next(iter(self._plans))]
            self._plans[batch_size] = kernels.plan(self, batch_size)
        return self._plans[batch_size]

    def _forget_plans(self):
        self._plans.clear()

    @property
    def path(self) -> str:
        """Which code does the sums in ``fit`` and for predictions, in a sentence."""
        reason = kernels.why(self)
        return "computed on the fast path" if reason is None else f"computed layer by layer: {reason}"

    # --------------------------------------------------------------------------------------- construction

    def _build(self, layers, input_shape, dtype):
        self.dtype = _checked_dtype(dtype)
        self.input_shape = _checked_input_shape(input_shape)
        self.layers = _named_copies(layers)
        self.output_shapes: dict[str, tuple[int, ...]] = {}
        learned, gathered, shape = [], [], self.input_shape  # the shapes of each layer's arrays
        _check_size("an image", shape)
        for layer in self.layers:
            try:
                learned.append(layer.parameter_shapes(shape))
                gathered.append(layer.statistics_shapes(shape))
                _check_size("its parameters", *learned[-1].values(), *gathered[-1].values())
                shape = tuple(layer.output_shape(shape))
                _check_size("its output", shape)
            except (ValueError, TypeError) as error:
                message = f"Network: {layer.name} cannot follow an output of shape {shape}: {error}"
                raise type(error)(message) from None
            self.output_shapes[layer.name] = shape
        if len(shape) != 1 or shape[0] < 2:
            raise ValueError(
                "Network: the last layer's output must be one number a class, (K,) with K ≥ 2, but "
                f"{self.layers[-1].name} gives {shape}; end with Flatten() and FullyConnected(10)"
            )
        if not any(learned):
            raise ValueError("Network: no layer has anything to learn; add a FullyConnected or a Conv")
        self.classes = shape[0]
        self._parameters = _hand_out("parameters", self.layers, learned, self.dtype)
        self._statistics = _hand_out("statistics", self.layers, gathered, self.dtype)
        self._shapes = {name: array.shape for name, array in self._parameters.items()}
        self._plans = {}

    def _start(self, rng):
        last = [name for name in self.parameters if name.endswith(".w")][-1:]
        for layer in self.layers:
            for views in (layer.parameters, layer.statistics):
                for name, array in views.items():
                    first = layer.initial(name, array.shape, rng)
                    array[...] = first * (LAST_LAYER_SCALE if last == [f"{layer.name}.{name}"] else 1)

    def copy(self) -> Network:
        """Return an independent network with the same layers and parameters."""
        return self.astype(self.dtype)

    def astype(self, dtype) -> Network:
        """Return an independent network that computes in ``dtype``, with the same parameters."""
        other = Network.__new__(Network)
        other._build(self.layers, self.input_shape, dtype)
        for mine, theirs in ((self.parameters, other.parameters), (self.statistics, other.statistics)):
            theirs.vector[...] = mine.vector if other.dtype.kind == "c" else mine.vector.real
        return other

    __copy__ = copy

    def __deepcopy__(self, memo):
        return self.copy()

    def __reduce__(self):
        raise TypeError("a Network is not pickled: use net.save(path) and Network.load(path)")

    # -------------------------------------------------------------------------------------------- looking

    @property
    def parameters(self) -> ParameterViews:
        """All parameters by name, ``{"conv1.w": array, …}``: views into one vector, ``parameters.vector``."""
        return self._parameters

    @property
    def statistics(self) -> ParameterViews:
        """What layers have gathered in training, by name: views into ``statistics.vector``, often empty."""
        return self._statistics

    def __getitem__(self, name: str) -> Layer:
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = ", ".join(layer.name for layer in self.layers)
        raise KeyError(f"no layer is called {name!r}; the layers are {names}")

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __repr__(self):
        width = max(len(layer.name) for layer in self.layers)
        lines = [f"  {layer.name:<{width}}  {layer!r}" for layer in self.layers]
        size = f"{self.parameters.vector.size:,} parameters, {self.dtype}"
        return "\n".join([f"Network for images {self.input_shape}, {size}", *lines])

    def summary(self) -> Summary:
        """Return a table: each layer's output shape, parameters, multiply-adds and memory for one example."""
        rows, shape = [], self.input_shape
        for layer in self.layers:
            output = self.output_shapes[layer.name]
            size, bytes_out = layer.parameters.vector.size, math.prod(output) * self.dtype.itemsize
            rows.append(LayerSummary(layer.name, output, size, layer.multiply_adds(shape), bytes_out))
            shape = output
        return Summary(tuple(rows), self.path)

    # ------------------------------------------------------------------------------------------- the file

    def save(self, path: str | os.PathLike) -> None:
        """Write layers, parameters and statistics to one ``.npz`` file, under exactly this name.

        The file is complete or not there: it is written beside its place and then moved. No pickle; the
        layers are stored as JSON text, by the names of their classes and their arguments.
        """
        architecture = network_file.encode_architecture(self)
        arrays = {**self.parameters, **self.statistics}
        network_file.write(path, {network_file.ARCHITECTURE: architecture, **arrays})

    @classmethod
    def load(cls, path: str | os.PathLike, *, layers: Sequence[type[Layer]] = ()) -> Network:
        """Read a network that ``save`` has written.

        ``layers`` are the classes of your own that it has, such as ``[Tanh]``: a file holds no code. A file
        that is not a network's, is damaged or does not fit is a ``NetworkFileError``.
        """
        arrays = network_file.read(path)
        net = cls.__new__(cls)
        network_file.build(path, arrays, net._build, layers)
        network_file.copy_parameters(path, arrays, {**net.parameters, **net.statistics})
        return net

    def load_parameters(self, path: str | os.PathLike) -> None:
        """Replace parameters and statistics by those of a file that has them in the same names and shapes.

        After a ``NetworkFileError``, because it has others or is damaged, nothing has changed.
        """
        network_file.copy_parameters(path, network_file.read(path), {**self.parameters, **self.statistics})

    # ----------------------------------------------------------------------------------------- the checks

    def _as_batch(self, images):
        return np.ascontiguousarray(images, dtype=self.dtype)

    def _checked_images(self, caller, images):
        images = as_array(caller, "images", images)
        if images.dtype.kind in "iu":
            raise TypeError(
                f"{caller}: images hold integers ({images.dtype}), expected floats, for digits in [0, 1]; "
                "convert them: images.astype(np.float32) / 255"
            )
        if images.dtype.kind not in ("fc" if self.dtype.kind == "c" else "f"):
            raise TypeError(f"{caller}: images have dtype {images.dtype}, expected {self.dtype}")
        if images.shape[1:] != self.input_shape or images.ndim != 1 + len(self.input_shape):
            hint = "; for one image pass images[np.newaxis]" if images.shape == self.input_shape else ""
            if images.shape[1:] == self.input_shape[:-1] and self.input_shape[-1:] == (1,):
                hint = "; add the axis of the one channel: images[..., np.newaxis]"
            expected = f"(M, {', '.join(map(str, self.input_shape))})"
            raise ValueError(f"{caller}: images have shape {images.shape}, expected {expected}{hint}")
        return images

    def _checked_labels(self, caller, labels, count):
        labels = as_array(caller, "labels", labels)
        if labels.shape == (count, self.classes):
            labels = _from_one_hot(caller, labels)
        if labels.ndim != 1:
            expected = f"({count},) or one-hot ({count}, {self.classes})"
            raise ValueError(f"{caller}: labels have shape {labels.shape}, expected {expected}")
        if len(labels) != count:
            raise ValueError(f"{caller}: {count} images but {len(labels)} labels")
        allowed = f"0, …, {self.classes - 1}"
        if labels.dtype.kind not in "iu":
            raise TypeError(f"{caller}: labels have dtype {labels.dtype}, expected integers {allowed}")
        wrong = (labels < 0) | (labels >= self.classes)
        if wrong.any():
            where = int(wrong.argmax())
            raise ValueError(f"{caller}: labels must lie in {allowed}; labels[{where}] is {labels[where]}")
        return labels.astype(np.int64, copy=False)

    def _checked_examples(self, caller, images, labels):
        images = self._checked_images(caller, images)
        return images, self._checked_labels(caller, labels, len(images))

    def _readable_images(self, caller, images):
        """Check the numbers too: finite, and on the scale that the first layer expects."""
        images = self._checked_images(caller, images)
        smallest, largest = float(images.real.min()), float(images.real.max())
        if not (math.isfinite(smallest) and math.isfinite(largest)):
            raise ValueError(f"{caller}: images hold NaN or infinity")
        first = self.layers[0]
        if isinstance(first, Standardize):
            deviation = max(first.mean - smallest, largest - first.mean) / first.std
            if deviation > MAX_STANDARD_DEVIATIONS:
                raise ValueError(
                    f"{caller}: images reach from {smallest:g} to {largest:g}, up to {deviation:.0f} "
                    f"standard deviations from the mean of {first!r}; if they are pixels from 0 to 255, "
                    "divide them by 255"
                )
        return images

    def _readable_examples(self, caller, images, labels):
        images = self._readable_images(caller, images)
        return images, self._checked_labels(caller, labels, len(images))


def reference_cnn(seed: int = 0) -> Network:
    """Return the series' network: two convolutions of 8 and 16 filters, 5×5, and 64 hidden units."""
    return _two_convolutions(filters=(8, 16), hidden=64, seed=seed)


def lenet(seed: int = 0) -> Network:
    """Return the larger network: 16 and 32 filters, and 128 hidden units."""
    return _two_convolutions(filters=(16, 32), hidden=128, seed=seed)


def _two_convolutions(filters, hidden, seed):
    first, second = ([Conv(count, 5, padding="same"), ReLU(), MaxPool(2)] for count in filters)
    end = [Flatten(), FullyConnected(hidden), ReLU(), FullyConnected(10)]
    return Network([Standardize(), *first, *second, *end], seed=seed)


def _named_copies(layers):
    layers = list(layers)
    if not layers:
        raise ValueError("Network: layers is empty, expected at least one layer")
    copies, numbers = [], Counter()
    for position, layer in enumerate(layers):
        if isinstance(layer, type) and issubclass(layer, Layer):
            name = layer.__name__
            raise TypeError(f"Network: layers[{position}] is the class {name}, expected {name}(…)")
        if not isinstance(layer, Layer):
            raise TypeError(f"Network: layers[{position}] is {layer!r}, expected a layer such as Conv(8, 5)")
        kind = type(layer).__name__
        stem = _NAMES.get(kind, kind.lower())
        numbers[stem] += 1
        number = "" if stem in _NAMED_WITHOUT_NUMBER and numbers[stem] == 1 else numbers[stem]
        named = copy.copy(layer)
        named.name = f"{stem}{number}"
        copies.append(named)
    return copies


def _hand_out(attribute, layers, shapes_of, dtype):
    """Give every layer its part of one vector, as the attribute of this name; return views of the whole."""
    named = [(layer.name, shapes) for layer, shapes in zip(layers, shapes_of)]
    whole = {f"{layer}.{name}": shape for layer, shapes in named for name, shape in shapes.items()}
    views = ParameterViews(np.zeros(parameter_count(whole), dtype), whole)
    start = 0
    for layer, shapes in zip(layers, shapes_of):
        stop = start + parameter_count(shapes)
        setattr(layer, attribute, ParameterViews(views.vector[start:stop], shapes))
        start = stop
    return views


def _check_size(what, *shapes):
    size = sum(map(math.prod, shapes))
    if size > LARGEST:
        raise ValueError(f"{what} would have {size:,} numbers, more than {LARGEST:,}")


def _checked_dtype(dtype):
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64, np.complex128):
        raise TypeError(f"Network: dtype must be float32, float64 or complex128, got {dtype}")
    return dtype


def _checked_input_shape(shape):
    shape = tuple(shape)
    if not shape or not all(isinstance(n, (int, np.integer)) and n > 0 for n in shape):
        raise ValueError(f"Network: input_shape must be positive integers such as (28, 28, 1), got {shape}")
    return tuple(int(n) for n in shape)


def _from_one_hot(caller, rows):
    one_hot = ((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()
    if not one_hot:
        raise ValueError(f"{caller}: labels of shape {rows.shape} must hold one 1 a row, and zeros")
    return rows.argmax(axis=1)
