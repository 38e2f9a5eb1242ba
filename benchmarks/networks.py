"""The networks that are measured, by name, and the same ones in PyTorch."""

from __future__ import annotations

import numpy as np

from backprop_helpers.training import (
    AveragePool,
    Conv,
    Flatten,
    FullyConnected,
    MaxPool,
    Network,
    ReLU,
    Standardize,
    lenet,
    reference_cnn,
)

SEED = 0
TWO = {"reference_cnn": reference_cnn, "lenet": lenet}


def _conv(filters, size=3, **options):
    return [Conv(filters, size, **({"padding": "same"} | options)), ReLU()]


def _end(*units):
    hidden = [layer for k in units for layer in (FullyConnected(k), ReLU())]
    return [Flatten(), *hidden, FullyConnected(10)]


TWELVE = {
    "two 3×3 before a pool": [
        *(*_conv(8), *_conv(8), MaxPool(), *_conv(16), *_conv(16), MaxPool()),
        *_end(64),
    ],
    "stride 2, no pools": [*_conv(16, stride=2, padding=1), *_conv(32, stride=2, padding=1), *_end(64)],
    "average pooling": [*_conv(8, 5), AveragePool(), *_conv(16, 5), AveragePool(), *_end(64)],
    "VGG-like, 32×32×3": [
        *(*_conv(16), *_conv(16), MaxPool(), *_conv(32), *_conv(32), MaxPool()),
        *(*_conv(64), *_conv(64), MaxPool(), *_end(128)),
    ],
    "no pooling": [*_conv(8), *_conv(8), *_end(64)],
    "dilation 2": [*_conv(8, dilation=2), MaxPool(), *_conv(16, dilation=2), MaxPool(), *_end(64)],
    "pool 3, stride 2": [*_conv(8, 5), MaxPool(3, 2), *_conv(16, 5), MaxPool(3, 2), *_end(64)],
    "LeNet-5": [*_conv(6, 5), MaxPool(), *_conv(16, 5, padding="valid"), MaxPool(), *_end(120, 84)],
    "MLP": _end(128, 64),
    "one 7×7": [*_conv(8, 7), MaxPool(), *_end(64)],
    "valid padding": [
        *(*_conv(16, padding="valid"), MaxPool(), *_conv(32, padding="valid"), MaxPool()),
        *_end(64),
    ],
    "four convolutions": [
        *(*_conv(8), MaxPool(), *_conv(16), MaxPool(), *_conv(32), *_conv(32)),
        *_end(64),
    ],
}
IMAGE = {"VGG-like, 32×32×3": (32, 32, 3)}


def make_network(name):
    """Return the network of that name, or one of {"filters": …, "hidden": …, "side": …} like the two."""
    if isinstance(name, str) and name in TWO:
        return TWO[name](seed=SEED)
    if isinstance(name, str):
        shape = IMAGE.get(name, (28, 28, 1))
        return Network([Standardize(), *TWELVE[name]], seed=SEED, input_shape=shape)
    blocks = [layer for filters in name["filters"] for layer in (*_conv(filters, 5), MaxPool())]
    shape = (name["side"], name["side"], 1)
    return Network([Standardize(), *blocks, *_end(name["hidden"])], seed=SEED, input_shape=shape)


def fitted(digits, shape):
    """Return digits (M, 28, 28, 1) as images of a network's shape: zeros around them, equal channels."""
    H, W, C = shape
    above, left = (H - 28) // 2, (W - 28) // 2
    if min(above, left) < 0:
        return np.ascontiguousarray(np.repeat(digits[:, :H, :W], C, axis=3))
    around = ((0, 0), (above, H - 28 - above), (left, W - 28 - left), (0, 0))
    return np.repeat(np.pad(digits, around), C, axis=3)


def torch_network(network):
    """Return the same layers, with the same weights, as a PyTorch module for standardised images."""
    from torch import nn

    modules, flattened, shape = [], None, network.input_shape
    for layer in network.layers:
        if isinstance(layer, Conv):
            modules.append(_torch_conv(layer))
        elif isinstance(layer, FullyConnected):
            modules.append(nn.Linear(*layer.parameters["w"].shape))
            w = layer.parameters["w"]
            if flattened:  # the first one: PyTorch flattens (C, H, W), we flatten (H, W, C)
                w = w.reshape(*flattened, -1).transpose(2, 0, 1, 3).reshape(w.shape)
                flattened = None
            _set(modules[-1], w.T, layer.parameters["b"])
        elif isinstance(layer, Flatten):
            flattened = shape
            modules.append(nn.Flatten())
        elif isinstance(layer, MaxPool):
            kind = nn.AvgPool2d if isinstance(layer, AveragePool) else nn.MaxPool2d
            modules.append(kind(layer.size, layer.stride))
        elif isinstance(layer, ReLU):
            modules.append(nn.ReLU())
        shape = network.output_shapes[layer.name]
    return nn.Sequential(*modules)


def _torch_conv(layer):
    from torch import nn

    w = layer.parameters["w"]
    padding = 0 if layer.padding == "valid" else layer.padding
    options = {"stride": layer.stride, "padding": padding, "dilation": layer.dilation}
    module = nn.Conv2d(w.shape[2], w.shape[3], w.shape[:2], **options)
    _set(module, w.transpose(3, 2, 0, 1), layer.parameters["b"])
    return module


def _set(module, weight, bias):
    import torch

    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
        module.bias.copy_(torch.from_numpy(np.ascontiguousarray(bias)))


def torch_images(network, images):
    """Return images as PyTorch wants them: standardised, (M, C, H, W)."""
    import torch

    standardize = network.layers[0]
    standardized = (images - np.float32(standardize.mean)) / np.float32(standardize.std)
    return torch.from_numpy(standardized).permute(0, 3, 1, 2)


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
