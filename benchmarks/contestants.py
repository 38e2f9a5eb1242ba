"""Who is measured. Each contestant lives in a process of its own, which ``benchmarks.training`` commands.

A process reads one request a line, ``{"call": "train", "seconds": 3, "batch": 64}``, works for so long and
answers with one line of JSON: how much it did, in what time, and what the processors spent on it. While one
works, the others wait for their next line, so that no thread of theirs is in the way.
"""

from __future__ import annotations

import json
import os
import sys
import time
from itertools import count, islice
from pathlib import Path

import numpy as np

from . import networks

RATE = 0.001  # small, so that thousands of steps keep the loss finite
PREDICTED_AT_ONCE = 1000  # by PyTorch; ours decides for itself


def shuffled(length, batch):
    """Give the indices of one batch after the other, in a new order for every epoch, for ever."""
    for seed in count():
        order = np.random.default_rng(seed).permutation(length)
        yield from (order[start : start + batch] for start in range(0, length - batch + 1, batch))


class Ours:
    """What ``fit`` does in a step: take a batch, forward, backward, update."""

    def __init__(self, network):
        from backprop_helpers.training import SGD, load_mnist
        from backprop_helpers.training.threads import one_blas_thread

        self.network = networks.make_network(network)
        self.optimizer = SGD(RATE)
        self.gradients = np.zeros_like(self.network.parameters.vector)
        self.one_blas_thread = one_blas_thread
        mnist = load_mnist()
        self.labels = mnist.train_labels
        self.images = networks.fitted(mnist.train_images, self.network.input_shape)
        self.test = networks.fitted(mnist.test_images, self.network.input_shape)

    def train(self, batch):
        """Do a training step whenever asked for the next one."""
        with self.one_blas_thread():  # as `fit` does
            for indices in shuffled(len(self.images), batch):
                images, labels = self.images[indices], self.labels[indices]
                self.network._loss_and_gradients(images, labels, self.gradients)
                self.optimizer.step(self.network.parameters.vector, self.gradients)
                yield batch

    def predict(self, batch):
        """Predict the classes of the test digits whenever asked."""
        while True:
            self.network.predict(self.test[:batch])
            yield batch


class NdimageLoops(Ours):
    """The same network in loops over examples and filters around ``scipy.ndimage``."""

    way = "ndimage_loops"

    def train(self, batch):
        """Do a training step whenever asked for the next one."""
        from . import slow

        for indices in shuffled(len(self.images), batch):
            images, labels = self.images[indices], self.labels[indices]
            _, gradients = getattr(slow, self.way)(self.network, images, labels)
            for name, gradient in gradients.items():
                self.network.parameters[name] -= RATE * gradient
            yield batch

    def check(self, batch):
        """Complain unless these loops compute what ``layers`` compute, on the network in float64."""
        from . import slow

        images, labels = self.images[:batch], self.labels[:batch]
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

    def __init__(self, network):
        self.a, self.b, self.out = (np.ones((self.size, self.size), np.float32) for _ in range(3))

    def train(self, batch):
        """Multiply whenever asked, and count the additions and multiplications."""
        while True:
            np.matmul(self.a, self.b, out=self.out)
            yield 2 * self.size**3


class PyTorch:
    """The same network and optimizer in PyTorch's eager mode; its images are standardised beforehand."""

    channels_last = False

    def __init__(self, network):
        import torch

        from backprop_helpers.training import load_mnist

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        self.torch = torch
        self.source = networks.make_network(network)
        self.network = self.formatted(networks.torch_network(self.source))
        self.optimizer = networks.torch_optimizer(self.network, RATE)
        mnist = load_mnist()
        self.labels = torch.from_numpy(mnist.train_labels.copy())  # PyTorch wants to be able to write
        self.images, self.test = map(self.tensor, (mnist.train_images, mnist.test_images))

    def formatted(self, x):
        """Return a tensor or module in this contestant's memory format."""
        last = self.torch.channels_last
        return x.to(memory_format=last if self.channels_last else self.torch.contiguous_format)

    def tensor(self, digits):
        """Return digits as this network's images."""
        images = networks.fitted(digits, self.source.input_shape)
        return self.formatted(networks.torch_images(self.source, images))

    def train(self, batch):
        """Do a training step whenever asked for the next one."""
        for indices in shuffled(len(self.images), batch):
            chosen = self.torch.from_numpy(indices)
            images = self.formatted(self.images[chosen])
            networks.torch_step(self.network, self.optimizer, images, self.labels[chosen])
            yield batch

    def predict(self, batch):
        """Predict the classes of the test digits whenever asked, a thousand at a time."""
        images = self.test[:batch]
        while True:
            with self.torch.inference_mode():
                parts = images.split(PREDICTED_AT_ONCE)
                self.torch.cat([self.network(part).argmax(1) for part in parts])
            yield batch

    def check(self, batch):
        """Complain unless this network starts as ours does."""
        from backprop_helpers.training import load_mnist

        digits = load_mnist().test_images[:batch]
        with self.torch.inference_mode():
            logits = self.network(self.tensor(digits)).numpy()
        expected = self.source.logits(networks.fitted(digits, self.source.input_shape))
        np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-4)


class PyTorchChannelsLast(PyTorch):
    """The same with channels as the fastest axis in memory."""

    channels_last = True


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
    network = networks.torch_network(source).to(memory_format=torch.channels_last)
    optimizer = networks.torch_optimizer(network, 0.01)
    train = networks.torch_images(source, mnist.train_images[:images])
    train = train.contiguous(memory_format=torch.channels_last)
    labels = torch.from_numpy(mnist.train_labels[:images].copy())  # PyTorch wants to be able to write
    schedule, batch = t.OneCycle(), 64
    steps_an_epoch = -(-len(train) // batch)
    generator = torch.Generator().manual_seed(seed)
    for epoch in range(epochs):
        for step, part in enumerate(torch.randperm(len(train), generator=generator).split(batch)):
            rate = schedule(epoch * steps_an_epoch + step, epochs * steps_an_epoch)
            optimizer.param_groups[0]["lr"] = rate
            networks.torch_step(network, optimizer, train[part], labels[part])
    with torch.inference_mode():
        test = networks.torch_images(source, mnist.test_images)
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


def serve(kind, network):
    """Answer requests until the input ends."""
    contestant, works = KINDS[kind](network), {}
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        call, batch = request["call"], request["batch"]
        if call == "check":
            answer = contestant.check(batch)
        elif call == "peak":
            answer = peak(contestant, batch)
        else:
            if (call, batch) not in works:
                works[call, batch] = getattr(contestant, call)(batch)
            answer = work_for(request["seconds"], works[call, batch])
        print(json.dumps(answer), flush=True)


def peak(contestant, batch):
    """Return how many MB five training steps on such batches need at most, if the system tells."""
    list(islice(contestant.train(1), 5))  # what any step loads
    try:
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
        before = _status("VmRSS")
        list(islice(contestant.train(batch), 5))
        return _status("VmHWM") - before
    except OSError:
        return None


def _status(name):
    """Return an entry of this process's table on Linux, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(name))


def work_for(seconds, work):
    """Let somebody work for so many seconds at least; return units done, seconds, and processor seconds."""
    units, cpu, started = 0, time.process_time(), time.perf_counter()
    while not units or time.perf_counter() < started + seconds:
        units += next(work)
    passed = time.perf_counter() - started
    return {"units": units, "seconds": passed, "cpu": time.process_time() - cpu}


def main(argv):
    """``serve KIND NETWORK`` or ``run KIND NETWORK SEED EPOCHS IMAGES``."""
    if argv[0] == "serve":
        serve(argv[1], json.loads(argv[2]))
    else:
        kind, network, *numbers = argv[1:]
        accuracy = RUNS[kind](network, *map(int, numbers))
        print(json.dumps({"accuracy": accuracy, "memory": peak_memory()}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
