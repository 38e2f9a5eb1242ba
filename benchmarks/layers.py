"""The layers of one checkout, each by itself, and a training step of them all, for ``benchmarks.training``.

It runs as a file, ``python benchmarks/layers.py CHECKOUT NETWORK BATCH`` with ``PYTHONPATH=CHECKOUT``: so one
program measures the layers of any commit. It prints the names of its jobs, then answers each request, a line
``{"job": …, "dtype": …}``, with the seconds of a call: the average over a slice of time.
"""

import json
import math
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

from backprop_helpers import layers

SIZES = {"reference_cnn": (8, 16, 64), "lenet": (16, 32, 128)}  # filters, filters, hidden units
DTYPES = ("float32", "float64")
SLICE_SECONDS, STEP_SECONDS = 0.2, 1.0
RATE = 1e-6  # small: the thousandth step does what the first one does
STEP = "whole step"


def make_network(name, rng, dtype):
    """Return (layer, forward, backward, parameters) for every layer but the loss, in order."""
    first, second, hidden = SIZES[name]

    def parameters(*shape):
        w = rng.normal(scale=math.sqrt(2 / math.prod(shape[:-1])), size=shape)
        return [w.astype(dtype), np.zeros(shape[-1], dtype)]

    conv, conv_backward = partial(layers.conv_forward, padding="same"), layers.conv_backward
    relu = layers.relu_forward, layers.relu_backward, []
    pool = layers.pool_forward, layers.pool_backward, []
    fc = layers.fc_forward, layers.fc_backward
    return [
        ("conv1", conv, partial(conv_backward, need_dx=False), parameters(5, 5, 1, first)),
        ("relu1", *relu),
        ("max pool1", *pool),
        ("conv2", conv, conv_backward, parameters(5, 5, first, second)),
        ("relu2", *relu),
        ("max pool2", *pool),
        ("flatten", layers.flatten_forward, layers.flatten_backward, []),
        ("fc1", *fc, parameters(7 * 7 * second, hidden)),
        ("relu3", *relu),
        ("fc2", *fc, parameters(hidden, 10)),
    ]


def train(network, x, y):
    """Do one step: forward, the loss, backward, the update."""
    caches = []
    for _, forward, _, parameters in network:
        x, cache = forward(x, *parameters)
        caches.append(cache)
    _, cache = layers.softmax_cross_entropy_forward(x, y)
    dx = loss_backward(cache)
    for (_, _, backward, parameters), cache in zip(reversed(network), reversed(caches)):
        dx = backward(dx, cache)
        if parameters:
            dx, *gradients = dx
            for parameter, gradient in zip(parameters, gradients):
                parameter -= RATE * gradient


def loss_backward(cache):
    """Return the loss's gradient; by name, because the two arguments have changed places."""
    return layers.softmax_cross_entropy_backward(dloss=1.0, cache=cache)


def make_jobs(name, batch, dtype):
    """Return {job: a function of no arguments}, in the order of the table."""
    rng = np.random.default_rng(0)
    network, jobs = make_network(name, rng, dtype), {}

    def add(layer, forward, backward, x, *parameters):
        z, cache = forward(x, *parameters)
        dz = rng.normal(size=z.shape).astype(dtype)
        jobs[f"{layer} forward"] = partial(forward, x, *parameters)
        jobs[f"{layer} backward"] = partial(backward, dz, cache)
        return z

    x = images = rng.random((batch, 28, 28, 1)).astype(dtype)
    y = rng.integers(0, 10, batch)
    for layer, forward, backward, parameters in network:
        if layer.startswith("max"):
            add(layer.replace("max", "average"), partial(forward, mode="average"), backward, x)
        x = add(layer, forward, backward, x, *parameters)
        if layer == "conv1":  # what the training step does not need, but a gradient check does
            jobs["conv1 backward, dX too"] = partial(layers.conv_backward, *jobs["conv1 backward"].args)
    jobs["loss forward"] = partial(layers.softmax_cross_entropy_forward, x, y)
    jobs["loss backward"] = partial(loss_backward, jobs["loss forward"]()[1])
    jobs[STEP] = partial(train, network, images, y)
    return jobs


def seconds_a_call(call, least):
    """Return the seconds a call takes on average, over at least so many seconds."""
    count, started, passed = 0, time.perf_counter(), 0.0
    while passed < least:
        call()
        count, passed = count + 1, time.perf_counter() - started
    return passed / count


def main(checkout, network, batch):
    """Answer requests until the input ends."""
    if not Path(layers.__file__).resolve().is_relative_to(Path(checkout).resolve()):
        raise SystemExit(f"the layers of {checkout} were to be measured, but {layers.__file__} was imported")
    jobs = {dtype: make_jobs(network, int(batch), dtype) for dtype in DTYPES}
    print(json.dumps(list(jobs[DTYPES[0]])), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        least = STEP_SECONDS if request["job"] == STEP else SLICE_SECONDS
        print(json.dumps(seconds_a_call(jobs[request["dtype"]][request["job"]], least)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
