"""Forward and backward wrong together: each half fits the other, and no gradient check can see it.

Made of the catalogue's own mistakes where it has both halves.
"""

import numpy as np

from backprop_helpers.checking.misconceptions import misconceptions
from backprop_helpers.checking.misconceptions._parse import irregular
from backprop_helpers.checking.solutions import lesson_04, lesson_08, lesson_09
from backprop_helpers.layers import resolve_padding
from benchmarks.oracles._trial import Mistake, conv_arrays

PLAIN = {"stride": 1, "padding": "valid", "dilation": 1}
TILES = {"size": 2, "stride": 2, "mode": "max"}


def _flipped_backward(dz, x, w, *, stride, padding, dilation):
    """Return the gradients of a true convolution: no rotation for dx, a rotated dw."""
    dx, _, db = misconceptions["conv.no_rotation"].fresh()(dz, x, w, padding=padding)
    _, dw, _ = misconceptions["conv.dw_rotated"].fresh()(dz, x, w, padding=padding)
    return dx, dw, db


def _bias_in_every_term(dz, x, w, *, stride, padding, dilation):
    dx, dw, db = lesson_08.conv_backward(dz, x, w, stride=stride, padding=padding, dilation=dilation)
    return dx, dw, db * w.shape[0] * w.shape[1]


def _odd_padding_on_top(x, w, b, *, stride, padding, dilation):
    top, bottom, left, right = resolve_padding(padding, x.shape[1:3], w.shape[:2])
    x_padded = np.pad(x, ((0, 0), (bottom, top), (right, left), (0, 0)))
    return lesson_08.conv_forward(x_padded, w, b, stride=stride, padding="valid", dilation=dilation)


def _last_pixel(x, *, size, stride, mode):
    H, W = (x.shape[1] // 2 * 2, x.shape[2] // 2 * 2)
    return x[:, 1:H:2, 1:W:2]


def _windows_of_four(x):
    M, H, W, C = x.shape
    return x.reshape(M, H // 2, W // 2, 4, C)


def _wrong_reshape(dz, x, *, size, stride, mode):
    patches = _windows_of_four(x)
    winners = np.arange(4).reshape(4, 1) == patches.argmax(axis=3)[..., None, :]
    return (winners * dz[:, :, :, None]).reshape(x.shape)


def _summed_loss(z, y):
    y_hat = lesson_04.softmax_forward(z)
    return -np.log(y_hat[np.arange(len(y)), y]).sum()


def _right_loss(z, y):
    y_hat = lesson_04.softmax_forward(z)
    return -np.log(y_hat[np.arange(len(y)), y]).mean()


BLIND = "forward and backward are wrong together, so each fits the other"
CHECKS = ("gradient check", "complex step", "adjoint identity")


def _convolution(name, diagnosis, forward, backward, x_shape, w_shape, **options):
    return Mistake(
        name=name,
        diagnosis=diagnosis,
        wrong=lambda: {"conv_forward": forward, "conv_backward": backward},
        right=lambda: {"conv_forward": lesson_08.conv_forward, "conv_backward": lesson_08.conv_backward},
        options=PLAIN | options,
        example=lambda: conv_arrays(x_shape, w_shape),
        oracles=("reference", "SciPy", "exact integers", "PyTorch"),
        unseen_by=dict.fromkeys(CHECKS, BLIND),
    )


def _pooling(name, diagnosis, forward, backward, x_shape):
    return Mistake(
        name=name,
        diagnosis=diagnosis,
        wrong=lambda: {"pool_forward": forward, "pool_backward": backward},
        right=lambda: {
            "pool_forward": lesson_09.pool_forward_by_reshape,
            "pool_backward": lesson_09.pool_backward_by_windows,
        },
        options=TILES,
        example=lambda: (irregular(*x_shape),),
        oracles=("reference", "SciPy", "exact integers", "PyTorch"),
        unseen_by=dict.fromkeys(CHECKS, BLIND),
    )


TOGETHER = (
    _convolution(
        "together.conv_flipped",
        "both directions turn the kernel: a true convolution, learnt weights included",
        misconceptions["conv.kernel_flipped_forward"].wrong,
        _flipped_backward,
        (1, 2, 3, 1),
        (2, 2, 1, 1),
    ),
    _convolution(
        "together.conv_bias_in_every_term",
        "the bias is added once a kernel element, and its gradient counted as often",
        misconceptions["conv.bias_in_every_term"].wrong,
        _bias_in_every_term,
        (1, 2, 3, 1),
        (1, 2, 1, 1),
    ),
    _convolution(
        "together.conv_odd_padding_on_top",
        'both directions put the odd row of "same" at the top and the left',
        _odd_padding_on_top,
        misconceptions["conv.odd_padding_on_top"].wrong,
        (1, 2, 3, 1),
        (2, 2, 1, 1),
        padding="same",
    ),
    _pooling(
        "together.pool_always_the_last",
        "forward takes the bottom-right pixel for the maximum, and backward pays it",
        _last_pixel,
        misconceptions["pool.always_the_last"].wrong,
        (1, 2, 4, 1),
    ),
    _pooling(
        "together.pool_wrong_reshape",
        "both directions share a reshape whose windows are made of pixels from other windows",
        misconceptions["pool.wrong_reshape"].wrong,
        _wrong_reshape,
        (1, 2, 4, 1),
    ),
    Mistake(
        name="together.loss_summed",
        diagnosis="the loss is a sum over the examples in both directions: the learning rate means M times "
        "as much",
        wrong=lambda: {
            "softmax_cross_entropy_forward": _summed_loss,
            "softmax_cross_entropy_backward": misconceptions["softmax_cross_entropy.not_divided_by_m"].wrong,
        },
        right=lambda: {
            "softmax_cross_entropy_forward": _right_loss,
            "softmax_cross_entropy_backward": lesson_04.softmax_cross_entropy_backward,
        },
        options={"y": np.array([1, 0])},
        example=lambda: (np.array([[1.0, -0.5, 0.25], [0.25, 0.75, -1.0]]),),
        oracles=("reference", "SciPy", "PyTorch"),
        unseen_by=dict.fromkeys(("gradient check", "complex step"), BLIND),
    ),
)
