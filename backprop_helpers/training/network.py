"""A network: named layers one after the other, softmax and cross-entropy at the end.

Two paths lead through it. The *unfused* path calls the functions of ``layers`` one by one; everything that
is there to be looked at takes it (``activations``, ``gradients``, ``gradients_of_activations``). The *fast*
path, ``kernels``, does the same sums for ``fit`` and for predictions, wherever it knows the sequence of
layers.
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
from .modules import Conv, Flatten, FullyConnected, Layer, MaxPool, ReLU, Standardize
from .parameters import ParameterViews, parameter_count
from .summary import LayerSummary, Summary
from .threads import one_blas_thread

INPUT = "input"  # the key of the images themselves among the activations
LAST_LAYER_SCALE = 0.1
EVALUATION_BATCH = 250  # enough for matrix products to be efficient, few enough to stay in small memory
PLANS_KEPT = 3  # training batch, last batch of an epoch, evaluation

_NAMES = {"Conv": "conv", "MaxPool": "pool", "AveragePool": "pool", "FullyConnected": "fc"}
_NAMED_WITHOUT_NUMBER = ("standardize", "flatten")


class Network:
    """Layers in a row, ending in one number a class, the logits; the loss is their softmax cross-entropy.

    The weights are drawn from a normal distribution with standard deviation √(2 / fan-in) (He et al., 2015,
    for layers followed by ReLU), those of the last layer a tenth of that, so that all classes start almost
    equally likely and the first loss is close to ln(number of classes). Biases start at 0.

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
    parameters : ParameterViews
        ``{"conv1.w": array, "conv1.b": array, …}``, views into ``parameters.vector``. Write into them to
        change them.
    input_shape, dtype, classes
        What the network takes, computes in, and tells apart.
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
        self._draw_weights(np.random.default_rng(as_int("Network", "seed", seed, 0)))

    # --------------------------------------------------------------------------------------- construction

    def _build(self, layers, input_shape, dtype):
        self.dtype = _checked_dtype(dtype)
        self.input_shape = _checked_input_shape(input_shape)
        self.layers = _named_copies(layers)
        self.output_shapes: dict[str, tuple[int, ...]] = {}
        shapes_of = {}
        shape = self.input_shape
        for layer in self.layers:
            try:
                shapes_of[layer.name] = layer.parameter_shapes(shape)
                shape = layer.output_shape(shape)
            except (ValueError, TypeError) as error:
                message = f"Network: {layer.name} cannot follow an output of shape {shape}: {error}"
                raise type(error)(message) from None
            self.output_shapes[layer.name] = shape
        if len(shape) != 1 or shape[0] < 2:
            raise ValueError(
                "Network: the last layer's output must be one number a class, (K,) with K ≥ 2, but "
                f"{self.layers[-1].name} gives {shape}; end with Flatten() and FullyConnected(10)"
            )
        self.classes = shape[0]

        flat_shapes = {f"{name}.{p}": s for name, shapes in shapes_of.items() for p, s in shapes.items()}
        if not flat_shapes:
            raise ValueError("Network: no layer has anything to learn; add a FullyConnected or a Conv")
        self._shapes = flat_shapes
        self._parameters = ParameterViews(np.zeros(parameter_count(flat_shapes), self.dtype), flat_shapes)
        start = 0
        for layer in self.layers:
            stop = start + parameter_count(shapes_of[layer.name])
            layer.parameters = ParameterViews(self._parameters.vector[start:stop], shapes_of[layer.name])
            start = stop
        self._plans = {}

    def _draw_weights(self, rng):
        weights = [name for name in self.parameters if name.endswith(".w")]
        for name in weights:
            shape = self.parameters[name].shape
            fan_in = math.prod(shape[:-1])  # how many products each output adds up
            scale = math.sqrt(2 / fan_in) * (LAST_LAYER_SCALE if name == weights[-1] else 1.0)
            self.parameters[name] = scale * rng.standard_normal(shape)

    def copy(self) -> Network:
        """Return an independent network with the same layers and parameters."""
        return self.astype(self.dtype)

    def astype(self, dtype) -> Network:
        """Return an independent network that computes in ``dtype``, with the same parameters."""
        other = Network.__new__(Network)
        other._build(self.layers, self.input_shape, dtype)
        vector = self.parameters.vector
        other.parameters.vector[...] = vector if other.dtype.kind == "c" else vector.real
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
            rows.append(
                LayerSummary(
                    layer=layer.name,
                    output_shape=output,
                    parameters=parameter_count(layer.parameter_shapes(shape)),
                    multiply_adds=layer.multiply_adds(shape),
                    activation_bytes=math.prod(output) * self.dtype.itemsize,
                )
            )
            shape = output
        return Summary(tuple(rows))

    # ----------------------------------------------------------------------------------------- predicting

    def logits(self, images) -> np.ndarray:
        """Return the last layer's output, (M, K): one number for each image and class, before the softmax."""
        images = self._checked_images("logits", images)
        return self._logits_in_batches(images)

    def probabilities(self, images) -> np.ndarray:
        """Return the softmax of the logits, (M, K): each row is positive and sums to 1."""
        images = self._checked_images("probabilities", images)
        return formulas.softmax(self._logits_in_batches(images))

    def predict(self, images) -> np.ndarray:
        """Return the most likely class of each image, int64 of shape (M,); the first one of equals."""
        images = self._checked_images("predict", images)
        return self._logits_in_batches(images).real.argmax(axis=1)

    def accuracy(self, images, labels) -> float:
        """Return the fraction of images whose most likely class is their label, in [0, 1]."""
        images, labels = self._checked_examples("accuracy", images, labels)
        return float(np.mean(self._logits_in_batches(images).real.argmax(axis=1) == labels))

    def loss(self, images, labels):
        """Return the mean cross-entropy of the softmax of the logits, in nats."""
        images, labels = self._checked_examples("loss", images, labels)
        return self._loss(self._logits_in_batches(images), labels)

    def _evaluate(self, images, labels) -> tuple[float, float]:
        """Return loss and accuracy of examples that have been checked already, from one forward pass."""
        logits = self._logits_in_batches(images)
        return self._loss(logits, labels), float(np.mean(logits.real.argmax(axis=1) == labels))

    def _loss(self, logits, labels):
        loss, _ = formulas.softmax_cross_entropy_forward(logits, labels)
        return loss.item() if isinstance(loss, (np.generic, np.ndarray)) else loss

    def _logits_in_batches(self, images):
        logits = np.empty((len(images), self.classes), self.dtype)
        with one_blas_thread():
            for start in range(0, len(images), EVALUATION_BATCH):
                batch = self._as_batch(images[start : start + EVALUATION_BATCH])
                logits[start : start + len(batch)] = self._logits(batch)
        return logits

    # -------------------------------------------------------------------------------------- the gradients

    def activations(self, images) -> dict[str, np.ndarray]:
        """Return the images, under "input", and every layer's output, in forward order.

        Parameters
        ----------
        images : ndarray, shape (M, H, W, C)

        Returns
        -------
        dict of str to ndarray
            ``{"input": (M, 28, 28, 1), …, "conv1": (M, 28, 28, K), …, "fc2": (M, 10)}``.
        """
        images = self._as_batch(self._checked_images("activations", images))
        activations, _ = self._forward(images)
        return activations

    def gradients(self, images, labels) -> ParameterViews:
        """Return the gradient of the mean loss with respect to every parameter.

        Parameters
        ----------
        images : ndarray, shape (M, H, W, C)
        labels : ndarray of int, shape (M,), or one-hot, shape (M, K)

        Returns
        -------
        ParameterViews
            The names and shapes of ``parameters``; ``.vector`` is the whole gradient.
        """
        images, labels = self._checked_examples("gradients", images, labels)
        gradients = self._new_gradients()
        self._unfused_loss_and_gradients(self._as_batch(images), labels, gradients.vector)
        return gradients

    def gradients_of_activations(self, images, labels) -> dict[str, np.ndarray]:
        """Return the gradient of the mean loss with respect to every array of ``activations``.

        Parameters
        ----------
        images : ndarray, shape (M, H, W, C)
        labels : ndarray of int, shape (M,), or one-hot, shape (M, K)

        Returns
        -------
        dict of str to ndarray
            The keys, shapes and order of ``activations``; "input" is the gradient at the pixels (the
            saliency).
        """
        images, labels = self._checked_examples("gradients_of_activations", images, labels)
        activations, caches = self._forward(self._as_batch(images))
        _, _, dout = self._loss_and_its_gradient(activations[self.layers[-1].name], labels)
        gradients = {self.layers[-1].name: dout}
        names = [INPUT, *(layer.name for layer in self.layers)]
        for i in reversed(range(len(self.layers))):
            dout, _ = self.layers[i].backward(dout, caches[i])
            gradients[names[i]] = dout
        return {name: gradients[name] for name in names}

    def _new_gradients(self) -> ParameterViews:
        return ParameterViews(np.zeros_like(self.parameters.vector), self._shapes)

    # ----------------------------------------------------------------- the hot path, and where to hook in

    def _loss_and_gradients(self, images, labels, gradients_out) -> tuple[float, int]:
        """Do the forward and backward pass of one training batch: ``fit`` calls this and nothing else.

        This is the hook for a fast path. ``kernels.plan(network, batch_size)`` returns None for a network or
        batch size it does not know, and then the unfused path is taken, or a plan with

            plan.loss_and_gradients(images, labels, out) -> (loss, correct)
            plan.logits(images) -> (M, K) array, which may be a buffer the plan uses again

        which read the parameters from ``network.parameters`` (the same memory for the network's whole life)
        at every call. Plans are kept by batch size, a few at a time; an interrupted ``fit`` throws them
        away, so a plan needs no way back from a call that was broken off.

        Parameters
        ----------
        images : ndarray, shape (M, *input_shape), dtype of the network, C order
        labels : ndarray of int64, shape (M,), checked
        gradients_out : ndarray, shape (n,)
            Receives the gradient of the mean loss, in the order of ``parameters.vector``. Overwritten.

        Returns
        -------
        loss : float
            The mean loss of the batch, before any update.
        correct : int
            How many of the images were classified correctly.
        """
        plan = self._plan(len(images))
        if plan is not None:
            return plan.loss_and_gradients(images, labels, gradients_out)
        return self._unfused_loss_and_gradients(images, labels, gradients_out)

    def _logits(self, images):
        plan = self._plan(len(images))
        return self._unfused_logits(images) if plan is None else plan.logits(images)

    def _plan(self, batch_size):
        if batch_size not in self._plans:
            while len(self._plans) >= PLANS_KEPT:
                del self._plans[next(iter(self._plans))]
            self._plans[batch_size] = kernels.plan(self, batch_size)
        return self._plans[batch_size]

    def _forget_plans(self):
        self._plans.clear()

    def _unfused_logits(self, images):
        out = images
        for layer in self.layers:
            out, _ = layer.forward(out)
        return out

    def _unfused_loss_and_gradients(self, images, labels, gradients_out):
        activations, caches = self._forward(images)
        loss, correct, dout = self._loss_and_its_gradient(activations[self.layers[-1].name], labels)
        out = ParameterViews(gradients_out, self._shapes)
        first = next(i for i, layer in enumerate(self.layers) if layer.parameters)
        for i in reversed(range(first, len(self.layers))):
            dout, gradients = self.layers[i].backward(dout, caches[i], need_dx=i > first)
            for name, gradient in gradients.items():
                out[f"{self.layers[i].name}.{name}"] = gradient
        return loss, correct

    def _forward(self, images):
        activations, caches, out = {INPUT: images}, [], images
        for layer in self.layers:
            out, cache = layer.forward(out)
            activations[layer.name] = out
            caches.append(cache)
        return activations, caches

    def _loss_and_its_gradient(self, logits, labels):
        loss, cache = formulas.softmax_cross_entropy_forward(logits, labels)
        correct = int(np.count_nonzero(logits.real.argmax(axis=1) == labels))
        return loss, correct, formulas.softmax_cross_entropy_backward(1.0, cache)

    # ------------------------------------------------------------------------------------------- the file

    def save(self, path: str | os.PathLike) -> None:
        """Write layers and parameters to one ``.npz`` file, under exactly this name.

        The file is complete or not there: it is written beside its place and then moved. No pickle; the
        layers are stored as JSON text.
        """
        network_file.write(
            path, {network_file.ARCHITECTURE: network_file.encode_architecture(self), **self.parameters}
        )

    @classmethod
    def load(cls, path: str | os.PathLike) -> Network:
        """Read a network that ``save`` has written.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        NetworkFileError
            If it is not a network's file, is damaged, or its arrays do not fit its layers.
        """
        arrays = network_file.read(path)
        net = cls.__new__(cls)
        network_file.build(path, arrays, net._build)
        network_file.copy_parameters(path, arrays, net.parameters)
        return net

    def load_parameters(self, path: str | os.PathLike) -> None:
        """Replace this network's parameters by those of a file with parameters of the same names and shapes.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        NetworkFileError
            If it is not a network's file, is damaged, or does not fit this network; nothing has changed then.
        """
        vector = np.empty_like(self.parameters.vector)
        network_file.copy_parameters(path, network_file.read(path), ParameterViews(vector, self._shapes))
        self.parameters.vector[...] = vector

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
        kinds = "fc" if self.dtype.kind == "c" else "f"
        if images.dtype.kind not in kinds:
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


def reference_cnn(seed: int = 0) -> Network:
    """Return the series' network: two convolutions of 8 and 16 filters, 5×5, and 64 hidden units."""
    return _two_convolutions(filters=(8, 16), hidden=64, seed=seed)


def lenet(seed: int = 0) -> Network:
    """Return the larger network: 16 and 32 filters, and 128 hidden units."""
    return _two_convolutions(filters=(16, 32), hidden=128, seed=seed)


def _two_convolutions(filters, hidden, seed):
    return Network(
        [
            Standardize(),
            Conv(filters[0], 5, padding="same"),
            ReLU(),
            MaxPool(2),
            Conv(filters[1], 5, padding="same"),
            ReLU(),
            MaxPool(2),
            Flatten(),
            FullyConnected(hidden),
            ReLU(),
            FullyConnected(10),
        ],
        seed=seed,
    )


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
