"""Random layers, networks and drawings, and what `layers` and `training` make of them, as JSON."""

import math

import numpy as np

from backprop_helpers import layers
from backprop_helpers.training import modules as kinds
from backprop_helpers.training.network import Network
from backprop_helpers.training.preprocess import preprocess_digit
from backprop_helpers.views.stage.receptive_field import forward_and_backward, receptive_field, sent_back
from benchmarks.node import network_json


def encoded(array):
    """An array as `decodeArray` reads it, all digits kept."""
    array = np.asarray(array)
    return {"shape": list(array.shape), "data": [number(value) for value in array.ravel().tolist()]}


def number(value):
    if isinstance(value, int) or math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def encoded_all(arrays):
    return {name: encoded(array) for name, array in arrays.items()}


# ------------------------------------------------------------------------------------------------- layers


def values(rng, shape, exact):
    """Small integers, among which there are ties, or floats."""
    return rng.integers(-4, 5, shape) if exact else rng.standard_normal(shape)


def pair(rng, low, high):
    """An integer or a pair (rows, columns)."""
    if rng.random() < 0.3:
        return int(rng.integers(low, high))
    return [int(n) for n in rng.integers(low, high, 2)]


def convolution(rng, exact):
    """One convolution, forward and backward; `expected` is None where the kernel does not fit."""
    H, W, C, K = rng.integers([3, 3, 1, 1], [10, 10, 4, 4])
    F_h, F_w = rng.integers(1, 5, 2)
    padding = [pair(rng, 0, 4), "same", "valid"][rng.choice(3, p=[0.6, 0.25, 0.15])]
    options = {"stride": pair(rng, 1, 4), "padding": padding, "dilation": pair(rng, 1, 4)}
    x, w, b = (values(rng, shape, exact) for shape in [(1, H, W, C), (F_h, F_w, C, K), (K,)])
    case = {"kind": "conv", "exact": exact, "options": options, "arrays": {"x": x[0], "w": w, "b": b}}
    try:
        z, cache = layers.conv_forward(x, w, b, **options)
    except ValueError as error:
        if "is larger than the padded input" not in str(error):
            raise
        return case | {"arrays": encoded_all(case["arrays"]), "expected": None}
    dz = values(rng, z.shape, exact)
    dx, dw, db = layers.conv_backward(dz, cache)
    expected = {"z": z[0], "dx": dx[0], "dw": dw, "db": db}
    return finished(case, dz, expected, padding=cache.windows.padding)


def pooling(rng, exact):
    """One pooling, forward and backward; remainders, overlap, gaps and ties occur by themselves."""
    H, W, C = rng.integers([2, 2, 1], [10, 10, 4])
    size = pair(rng, 1, min(H, W, 4) + 1)
    stride = None if rng.random() < 0.3 else pair(rng, 1, 5)
    options = {"size": size, "stride": stride, "mode": str(rng.choice(["max", "average"]))}
    x = values(rng, (1, H, W, C), exact)
    z, cache = layers.pool_forward(x, **options)
    # Whole shares, so that averages are handed back exactly.
    dz = values(rng, z.shape, exact) * (math.prod(cache.windows.size) if exact else 1)
    case = {"kind": "pool", "exact": exact, "options": options, "arrays": {"x": x[0]}}
    expected = {"z": z[0], "dx": layers.pool_backward(dz, cache)[0]}
    if cache.winner is not None:
        expected["winners"] = cache.winner[0]
    return finished(case, dz, expected)


def fully_connected(rng, exact):
    """One fully connected layer, forward and backward."""
    M, N, K = rng.integers(1, 7, 3)
    x, w, b = (values(rng, shape, exact) for shape in [(M, N), (N, K), (K,)])
    z, cache = layers.fc_forward(x, w, b)
    dz = values(rng, z.shape, exact)
    dx, dw, db = layers.fc_backward(dz, cache)
    case = {"kind": "fc", "exact": exact, "options": {}, "arrays": {"x": x, "w": w, "b": b}}
    expected = {"z": z, "dx": dx, "dw": dw, "db": db}
    return finished(case, dz[None], expected)


def finished(case, dz, expected, **more):
    case["arrays"] = encoded_all(case["arrays"] | {"dz": dz[0]})
    return case | {"expected": encoded_all(expected)} | more


def with_nan(rng):
    """A pooling and a convolution with a NaN, an infinity, or both."""
    x = rng.standard_normal((1, 6, 7, 2))
    x[0, *rng.integers(0, [6, 7, 2])] = np.nan
    x[0, *rng.integers(0, [6, 7, 2])] = np.inf
    options = {"size": [2, 3], "stride": [1, 2], "mode": str(rng.choice(["max", "average"]))}
    z, cache = layers.pool_forward(x, **options)
    dz = rng.standard_normal(z.shape)
    expected = {"z": z[0], "dx": layers.pool_backward(dz, cache)[0]}
    case = {"kind": "pool", "exact": False, "options": options, "arrays": {"x": x[0]}}
    pool = finished(case, dz, expected)
    w, b = rng.standard_normal((2, 2, 2, 3)), np.zeros(3)
    w[0, 0, 0, 0] = np.nan  # over the padding it meets zeros only, and 0·NaN is NaN
    options = {"stride": 2, "padding": 1, "dilation": 1}
    with np.errstate(invalid="ignore"):
        z, cache = layers.conv_forward(x, w, b, **options)
        dz = rng.standard_normal(z.shape)
        dx, dw, db = layers.conv_backward(dz, cache)
    case = {"kind": "conv", "exact": False, "options": options, "arrays": {"x": x[0], "w": w, "b": b}}
    expected = {"z": z[0], "dx": dx[0], "dw": dw, "db": db}
    return [pool, finished(case, dz, expected, padding=cache.windows.padding)]


# ------------------------------------------------------------------------------------------------ networks


def network(rng):
    """A random network of the series' layers, with parameters that float16 holds exactly."""
    while True:
        try:
            net = Network(random_layers(rng), seed=int(rng.integers(1000)), input_shape=random_shape(rng))
        except ValueError:  # something did not fit: another one
            continue
        break
    net = net.astype(np.float64)
    vector = net.parameters.vector
    vector += 0.1 * rng.standard_normal(vector.size)
    vector[...] = vector.astype(np.float16)
    return net


def random_shape(rng):
    return tuple(int(n) for n in rng.integers([6, 6, 1], [15, 15, 4]))


def random_layers(rng):
    stack = [kinds.Standardize(float(rng.random()), float(rng.random() + 0.2))] * int(rng.integers(2))
    for _ in range(rng.integers(3)):
        padding = ["same", "valid", 1, (2, 0)][rng.integers(4)]
        options = {"stride": as_pair(pair(rng, 1, 3)), "dilation": as_pair(pair(rng, 1, 3))}
        filters = int(rng.integers(1, 7))
        conv = kinds.Conv(filters, as_pair(pair(rng, 1, 4)), padding=padding, **options)
        stack += [conv] * int(rng.random() < 0.8) + [kinds.ReLU()] * int(rng.integers(2))
        pool = [kinds.MaxPool, kinds.AveragePool][rng.integers(2)]
        stride = None if rng.random() < 0.5 else as_pair(pair(rng, 1, 4))
        stack += [pool(as_pair(pair(rng, 1, 4)), stride)] * int(rng.integers(2))
    stack.append(kinds.Flatten())
    for _ in range(rng.integers(2)):
        stack += [kinds.FullyConnected(int(rng.integers(1, 9))), kinds.ReLU()]
    return [*stack, kinds.FullyConnected(int(rng.integers(2, 7)))]


def as_pair(value):
    return tuple(value) if isinstance(value, list) else value


def network_case(net, image, label):
    """What the network makes of one image, and what some cells see and send back."""
    run = forward_and_backward(net, image, label)
    names = list(run.activations)
    rng = np.random.default_rng(label)
    cells = []
    for name in names[1:]:
        cell = [int(n) for n in rng.integers(0, run.activations[name].shape[1:])]
        to = names[rng.integers(names.index(name))]
        field = receptive_field(net, name, cell)
        cells.append(
            {
                "layer": name,
                "cell": cell,
                "field": {axis: indices.tolist() for axis, indices in field._asdict().items()},
                "sentBack": encoded(sent_back(net, run, name, cell)),
                "to": to,
                "sentBackTo": encoded(sent_back(net, run, name, cell, to=to)),
            }
        )
    return {
        "network": network_json(net),
        "image": encoded(image[0]),
        "label": label,
        "loss": number(net.loss(image, np.array([label]))),
        "probabilities": encoded(net.probabilities(image)[0]),
        "activations": {name: encoded(array[0]) for name, array in run.activations.items()},
        "gradients": {name: encoded(array[0]) for name, array in run.gradients.items()},
        "cells": cells,
    }


def random_network_case(rng, nan=False):
    net = network(rng)
    if nan:
        net.parameters.vector[rng.integers(net.parameters.vector.size)] = np.nan
    image = rng.random((1, *net.input_shape))
    with np.errstate(invalid="ignore"):
        return network_case(net, image, int(rng.integers(net.classes)))


# ------------------------------------------------------------------------------------------------ drawings


def drawing(rng, number):
    """Ink on a pad: strokes, or a box or a ring without a tilt, whose middle lies between two pixels."""
    R, C = (28, 28) if number % 3 == 0 else rng.integers(3, 120, 2)
    ink = np.zeros((R, C), np.float32)
    if number % 4 == 3:
        (top, bottom), (left, right) = np.sort(rng.integers(0, R, 2)), np.sort(rng.integers(0, C, 2))
        ink[top : bottom + 1, left : right + 1] = 1
        ink[top + 1 : bottom, left + 1 : right] = number % 8 == 3
        return ink
    i, j = np.mgrid[0:R, 0:C]
    radius = rng.uniform(0.6, 1 + R / 16)
    for _ in range(rng.integers(1, 4)):
        ends = rng.uniform(0, [R, C], (2, 2))
        for row, column in np.linspace(*ends, 60):
            distance = np.hypot(i - row, j - column)
            ink = np.maximum(ink, np.clip(radius + 0.5 - distance, 0, 1))
    return (ink > 0.5).astype(np.float32) if number % 2 else ink.astype(np.float32)


def symmetric(rng):
    """A drawing whose exact centre lies halfway between two pixels or on one."""
    half = rng.random(rng.integers(21, 60, 2))
    whole = ((half + half[:, ::-1] + half[::-1] + half[::-1, ::-1]) / 4).astype(np.float32)
    return np.pad(whole, [(n // 4, n // 4) for n in whole.shape])  # paper, or it would be a photograph


def lopsided():
    """A drawing that would stick out of the image if its centre of mass stood in the middle."""
    ink = np.zeros((60, 30), np.float32)
    ink[:4], ink[59, 3] = 1, 0.1
    return ink


def specked(rng):
    """A thick stroke, and about it dots: some are specks, some are pieces."""
    ink = np.zeros((60, 60), np.float32)
    ink[10:40, 20:26] = 1
    for i, j in rng.integers(0, 56, (6, 2)):
        ink[i : i + rng.integers(1, 5), j : j + rng.integers(1, 5)] = 0.5
    return ink


def digit_case(ink, given=None):
    """A drawing and every step of its preparation; `given`: the drawing as it was, specks included."""
    steps = preprocess_digit(ink)
    return {
        "drawing": encoded(steps.drawing if given is None else given),
        "box": steps.box.tolist(),
        "corner": steps.corner.tolist(),
        "arrays": encoded_all(
            {name: getattr(steps, name) for name in ("cropped", "scaled", "centre", "placed")}
            | {"image": steps.image[0]}
        ),
    }
