"""PyTorch's autograd as the answer key: float64, forward in PyTorch's own layers, backward by autograd."""

from importlib import import_module
from importlib.util import find_spec

import numpy as np

from benchmarks.oracles._scipy import _padded


def is_installed():
    """Whether PyTorch can be imported."""
    return find_spec("torch") is not None


def _torch():
    return import_module("torch")  # an optional tool: no requirement of the package


def _leaf(array):
    return _torch().tensor(np.asarray(array, float), requires_grad=True)


def _gradients(out, upstream, *leaves):
    """Return the gradient of Σ upstream · out with respect to each leaf."""
    found = _torch().autograd.grad(out, leaves, _torch().tensor(np.asarray(upstream, float)))
    return tuple(gradient.numpy() for gradient in found)


def _conv(x, w, b, stride, padding, dilation):
    """Return Z as (M, H, W, K), from PyTorch's (M, C, H, W); the zeros around x are added first."""
    functional = _torch().nn.functional
    x_padded, top, left, _, strides, dilations = _padded(
        x.detach().numpy(), w.detach().numpy(), stride, padding, dilation
    )
    bottom = x_padded.shape[1] - top - x.shape[1]
    right = x_padded.shape[2] - left - x.shape[2]
    padded = functional.pad(x.permute(0, 3, 1, 2), (left, right, top, bottom))
    z = functional.conv2d(
        padded,
        w.permute(3, 2, 0, 1).contiguous(),  # backward refuses some other layouts
        b,
        stride=tuple(map(int, strides)),
        dilation=tuple(map(int, dilations)),
    )
    return z.permute(0, 2, 3, 1)


def conv_forward(x, w, b, *, stride, padding, dilation):
    """Return Z."""
    return _conv(_leaf(x), _leaf(w), _leaf(b), stride, padding, dilation).detach().numpy()


def conv_backward(dz, x, w, *, stride, padding, dilation):
    """Return dX, dW, db."""
    x, w, b = _leaf(x), _leaf(w), _leaf(np.zeros(w.shape[3]))
    return _gradients(_conv(x, w, b, stride, padding, dilation), dz, x, w, b)


def _pool(x, size, stride, mode):
    functional = _torch().nn.functional
    run = functional.max_pool2d if mode == "max" else functional.avg_pool2d
    return run(x.permute(0, 3, 1, 2), size, stride).permute(0, 2, 3, 1)


def pool_forward(x, *, size, stride, mode):
    """Return Z."""
    return _pool(_leaf(x), size, stride, mode).detach().numpy()


def pool_backward(dz, x, *, size, stride, mode):
    """Return dX."""
    x = _leaf(x)
    return _gradients(_pool(x, size, stride, mode), dz, x)[0]


def relu_backward(da, z):
    """Return dZ."""
    z = _leaf(z)
    return _gradients(_torch().relu(z), da, z)[0]


def fc_backward(dz, x, w):
    """Return dX, dW, db."""
    x, w, b = _leaf(x), _leaf(w), _leaf(np.zeros(w.shape[1]))
    return _gradients(_torch().nn.functional.linear(x, w.T, b), dz, x, w, b)


def flatten_backward(dy, x):
    """Return dX."""
    x = _leaf(x)
    return _gradients(_torch().flatten(x, start_dim=1), dy, x)[0]


def softmax_forward(z):
    """Return Ŷ."""
    return _torch().softmax(_leaf(z), dim=1).detach().numpy()


def softmax_backward(dy_hat, y_hat):
    """Return dZ. The logarithms of the probabilities are scores that give them."""
    z = _leaf(np.log(y_hat))
    return _gradients(_torch().softmax(z, dim=1), dy_hat, z)[0]


def cross_entropy_backward(y_hat, y):
    """Return dŶ."""
    y_hat = _leaf(y_hat)
    loss = _torch().nn.functional.nll_loss(_torch().log(y_hat), _torch().tensor(y))
    return _gradients(loss, 1.0, y_hat)[0]


def softmax_cross_entropy_backward(z, y):
    """Return dZ."""
    z = _leaf(z)
    return _gradients(_torch().nn.functional.cross_entropy(z, _torch().tensor(y)), 1.0, z)[0]


def softmax_cross_entropy_forward(z, y):
    """Return the mean loss."""
    return _torch().nn.functional.cross_entropy(_leaf(z), _torch().tensor(y)).item()
