"""Who is measured. Each contestant lives in a process of its own, which ``benchmarks.training`` commands.

A process reads one request a line, ``{"call": "train", "count": 8, ...}``, and answers with one line of JSON.
While one works, the others wait for their next line, so that no thread of theirs is in the way.
"""

from __future__ import annotations

import json
import os
import sys
import time

import numpy as np

SEED = 0
RATE = 0.01


def make_network(spec):
    """Return the network of that name, or one like them of {"filters": …, "hidden": …, "side": …}."""
    from backprop_helpers import training as t

    if isinstance(spec, str):
        return getattr(t, spec)(seed=SEED)
    blocks = [
        layer for k in spec["filters"] for layer in (t.Conv(k, 5, padding="same"), t.ReLU(), t.MaxPool())
    ]
    dense = [t.Flatten(), t.FullyConnected(spec["hidden"]), t.ReLU(), t.FullyConnected(10)]
    side = spec["side"]
    return t.Network([t.Standardize(), *blocks, *dense], seed=SEED, input_shape=(side, side, 1))


def make_examples(shape, count):
    """Return as many random images and labels."""
    rng = np.random.default_rng(SEED)
    return rng.random((count, *shape), dtype=np.float32), rng.integers(0, 10, count)


class Ours:
    """The fast path: one step is forward, backward and update."""

    def __init__(self, spec):
        from backprop_helpers.training import SGD
        from backprop_helpers.training.threads import one_blas_thread

        self.network = make_network(spec)
        self.optimizer = SGD(RATE)
        self.gradients = np.zeros_like(self.network.parameters.vector)
        self.one_blas_thread = one_blas_thread
        self.examples = {}

    def prepare(self, batch):
        """Make the examples of one batch, once."""
        if batch not in self.examples:
            self.examples[batch] = make_examples(self.network.input_shape, batch)

    def train(self, count, batch):
        """Do ``count`` training steps."""
        images, labels = self.examples[batch]
        with self.one_blas_thread():  # as `fit` does
            for _ in range(count):
                self.network._loss_and_gradients(images, labels, self.gradients)
                self.optimizer.step(self.network.parameters.vector, self.gradients)

    def predict(self, count, batch):
        """Predict the classes of a batch ``count`` times."""
        for _ in range(count):
            self.network.predict(self.examples[batch][0])


class NdimageLoops(Ours):
    """The same network in loops over examples and filters around ``scipy.ndimage``."""

    way = "ndimage_loops"

    def train(self, count, batch):
        """Do ``count`` training steps."""
        from . import slow

        images, labels = self.examples[batch]
        for _ in range(count):
            _, gradients = getattr(slow, self.way)(self.network, images, labels)
            for name, gradient in gradients.items():
                self.network.parameters[name] -= RATE * gradient

    def check(self, batch):
        """Complain unless these loops compute what ``layers`` compute, on the network in float64."""
        from . import slow

        images, labels = self.examples[batch]
        exact = self.network.astype(np.float64)
        _, gradients = getattr(slow, self.way)(exact, images, labels)
        for name, gradient in exact.gradients(images, labels).items():
            np.testing.assert_allclose(gradients[name], gradient, rtol=1e-9, atol=1e-12, err_msg=name)


class PixelLoops(NdimageLoops):
    """The same network in loops over examples, pixels and filters."""

    way = "pixel_loops"


class Products:
    """Large float32 matrix products, the rate that everything else is compared with."""

    size = 1536

    def __init__(self, spec):
        self.a, self.b, self.out = (np.ones((self.size, self.size), np.float32) for _ in range(3))

    def prepare(self, batch):
        """Nothing to do."""

    def train(self, count, batch):
        """Multiply ``count`` times."""
        for _ in range(count):
            np.matmul(self.a, self.b, out=self.out)


class PyTorch:
    """The same network and optimizer in PyTorch's eager mode; its images are standardised beforehand."""

    channels_last = False

    def __init__(self, spec):
        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        self.torch = torch
        self.source = make_network(spec)
        self.network = self.formatted(torch_network(self.source))
        self.optimizer = torch_optimizer(self.network, RATE)
        self.examples = {}

    def formatted(self, x):
        """Return a tensor or module in this contestant's memory format."""
        last = self.torch.channels_last
        return x.to(memory_format=last if self.channels_last else self.torch.contiguous_format)

    def prepare(self, batch):
        """Make the examples of one batch, once."""
        if batch not in self.examples:
            images, labels = make_examples(self.source.input_shape, batch)
            self.examples[batch] = (
                self.formatted(torch_images(self.source, images)),
                self.torch.from_numpy(labels),
            )

    def train(self, count, batch):
        """Do ``count`` training steps."""
        images, labels = self.examples[batch]
        for _ in range(count):
            torch_step(self.network, self.optimizer, images, labels)

    def predict(self, count, batch):
        """Predict the classes of a batch ``count`` times, a thousand images at a time."""
        images, _ = self.examples[batch]
        with self.torch.inference_mode():
            for _ in range(count):
                self.torch.cat([self.network(part).argmax(1) for part in images.split(1000)])

    def check(self, batch):
        """Complain unless this network starts as ours does."""
        images, _ = make_examples(self.source.input_shape, 4)
        with self.torch.inference_mode():
            logits = self.network(self.formatted(torch_images(self.source, images))).numpy()
        np.testing.assert_allclose(logits, self.source.logits(images), rtol=1e-3, atol=1e-4)


class PyTorchChannelsLast(PyTorch):
    """The same with channels as the fastest axis in memory."""

    channels_last = True


def torch_network(network):
    """Return the same layers, with the same weights, as a PyTorch module for standardised images."""
    from torch import nn

    from backprop_helpers import training as t

    modules, flattened = [], None
    for before, layer in zip([None, *network.layers], network.layers):
        if isinstance(layer, t.Conv):
            F_h, _, C, K = layer.parameters["w"].shape
            modules.append(nn.Conv2d(C, K, F_h, padding=F_h // 2))
            _set(modules[-1], layer.parameters["w"].transpose(3, 2, 0, 1), layer.parameters["b"])
        elif isinstance(layer, t.FullyConnected):
            w = layer.parameters["w"]
            modules.append(nn.Linear(*w.shape))
            if flattened:  # the first one: PyTorch flattens (C, H, W), we flatten (H, W, C)
                w = w.reshape(*flattened, -1).transpose(2, 0, 1, 3).reshape(w.shape)
                flattened = None
            _set(modules[-1], w.T, layer.parameters["b"])
        elif isinstance(layer, t.Flatten):
            flattened = network.output_shapes[before.name]
            modules.append(nn.Flatten())
        elif not isinstance(layer, t.Standardize):
            modules.append({t.ReLU: nn.ReLU, t.MaxPool: lambda: nn.MaxPool2d(2)}[type(layer)]())
    return nn.Sequential(*modules)


def _set(module, weight, bias):
    import torch

    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
        module.bias.copy_(torch.from_numpy(np.ascontiguousarray(bias)))


def torch_images(network, images):
    """Return images as PyTorch wants them: standardised, (M, C, H, W)."""
    import torch

    standardize = network.layers[0]
    return torch.from_numpy((images - np.float32(standardize.mean)) / np.float32(standardize.std)).permute(
        0, 3, 1, 2
    )


def torch_optimizer(network, rate):
    """Return SGD with Nesterov momentum 0.9."""
    import torch

    return torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9, nesterov=True)


def torch_step(network, optimizer, images, labels):
    """Do one training step."""
    from torch.nn import functional

    optimizer.zero_grad()
    functional.cross_entropy(network(images), labels).backward()
    optimizer.step()


# --------------------------------------------------------------------------------------- whole trainings


def run_ours(spec, seed, epochs, images):
    """Load MNIST, train by lesson 11's recipe, evaluate; return the accuracy."""
    from backprop_helpers import training as t

    mnist = t.load_mnist()
    network = getattr(t, spec)(seed=seed)
    t.fit(
        network,
        mnist.train_images[:images],
        mnist.train_labels[:images],
        epochs=epochs,
        seed=seed,
        progress=False,
    )
    return network.accuracy(mnist.test_images, mnist.test_labels)


def run_pytorch(spec, seed, epochs, images):
    """Do the same in PyTorch: same data, first weights, optimizer and schedule."""
    import torch

    from backprop_helpers import training as t

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    mnist = t.load_mnist()
    source = getattr(t, spec)(seed=seed)
    network = torch_network(source).to(memory_format=torch.channels_last)
    optimizer = torch_optimizer(network, RATE)
    train = torch_images(source, mnist.train_images[:images])
    train = train.contiguous(memory_format=torch.channels_last)
    labels = torch.from_numpy(mnist.train_labels[:images].copy())  # PyTorch wants to be able to write
    schedule, batch = t.OneCycle(), 64
    steps_an_epoch = -(-len(train) // batch)
    generator = torch.Generator().manual_seed(seed)
    for epoch in range(epochs):
        for step, part in enumerate(torch.randperm(len(train), generator=generator).split(batch)):
            rate = schedule(epoch * steps_an_epoch + step, epochs * steps_an_epoch)
            optimizer.param_groups[0]["lr"] = rate
            torch_step(network, optimizer, train[part], labels[part])
    with torch.inference_mode():
        test = torch_images(source, mnist.test_images)
        predictions = torch.cat([network(part).argmax(1) for part in test.split(1000)]).numpy()
    return float((predictions == mnist.test_labels).mean())


def peak_memory():
    """Return the most memory this process has used, in MB, or None where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


KINDS = {
    "ours": Ours,
    "ndimage": NdimageLoops,
    "pixels": PixelLoops,
    "products": Products,
    "torch": PyTorch,
    "torch channels_last": PyTorchChannelsLast,
}
RUNS = {"ours": run_ours, "torch": run_pytorch}


def serve(kind, spec):
    """Answer requests until the input ends."""
    contestant = KINDS[kind](spec)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        call, batch = request["call"], request["batch"]
        contestant.prepare(batch)
        started = time.perf_counter()
        if call == "check":
            contestant.check(batch)
        else:
            getattr(contestant, call)(request["count"], batch)
        print(json.dumps(time.perf_counter() - started), flush=True)


def main(argv):
    """``serve KIND SPEC`` or ``run KIND NETWORK SEED EPOCHS IMAGES``."""
    if argv[0] == "serve":
        serve(argv[1], json.loads(argv[2]))
    else:
        kind, network, *numbers = argv[1:]
        accuracy = RUNS[kind](network, *map(int, numbers))
        print(json.dumps({"accuracy": accuracy, "memory": peak_memory()}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
