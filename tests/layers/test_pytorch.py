"""Every layer against PyTorch's autograd in float64, to 1e-10.

PyTorch puts channels first: x is NCHW there and w is (K, C, F_h, F_w). It is an oracle for tests only.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_helpers import layers

from . import reference
from .cases import assert_close, conv_cases, matrix_shapes, normal, pool_cases, seeds

TOLERANCE = 1e-10


@pytest.fixture(scope="session")
def torch(require_tool):
    torch = require_tool("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # tiny tensors: more threads only wait for each other
    yield torch
    torch.set_num_threads(threads)


def leaf(torch, array):
    return torch.tensor(np.ascontiguousarray(array), dtype=torch.float64, requires_grad=True)


def channels_first(tensor):
    return tensor.permute(0, 3, 1, 2)


def kernel(w):
    """(F_h, F_w, C, K) as a contiguous (K, C, F_h, F_w): PyTorch's backward refuses some other layouts."""
    return w.permute(3, 2, 0, 1).contiguous()


def channels_last(tensor):
    return tensor.permute(0, 2, 3, 1)


def assert_agree(outs, tensors):
    for ours, theirs in zip(outs, tensors, strict=True):
        assert_close(ours, theirs.detach().numpy(), TOLERANCE)


@settings(max_examples=60)
@given(case=conv_cases(max_channels=5))
def test_conv(torch, case):
    x, w, b, dz = case.arrays()
    s_h, s_w, d_h, d_w, top, left, h_out, w_out = reference.conv_geometry(x.shape, w.shape, **case.options)
    # PyTorch's own "same" knows no stride, so "same" goes through an explicit, asymmetric pad here.
    bottom = max(0, (h_out - 1) * s_h + d_h * (w.shape[0] - 1) + 1 - x.shape[1] - top)
    right = max(0, (w_out - 1) * s_w + d_w * (w.shape[1] - 1) + 1 - x.shape[2] - left)
    x_t, w_t, b_t = (leaf(torch, array) for array in (x, w, b))
    padded = torch.nn.functional.pad(channels_first(x_t), (left, right, top, bottom))
    z_t = torch.nn.functional.conv2d(padded, kernel(w_t), b_t, stride=(s_h, s_w), dilation=(d_h, d_w))
    z_t = channels_last(z_t)[:, :h_out, :w_out]
    z_t.backward(torch.tensor(np.ascontiguousarray(dz)))
    z, cache = layers.conv_forward(x, w, b, **case.options)
    assert_agree((z, *layers.conv_backward(dz, cache)), (z_t, x_t.grad, w_t.grad, b_t.grad))


@given(case=conv_cases(paddings=("valid", "number")))
def test_conv_with_pytorchs_own_padding(torch, case):
    """No geometry of ours on PyTorch's side: its own stride, padding and dilation."""
    x, w, b, dz = case.arrays()
    x_t, w_t, b_t = (leaf(torch, array) for array in (x, w, b))
    z_t = channels_last(torch.nn.functional.conv2d(channels_first(x_t), kernel(w_t), b_t, **case.options))
    z_t.backward(torch.tensor(np.ascontiguousarray(dz)))
    z, cache = layers.conv_forward(x, w, b, **case.options)
    assert_agree((z, *layers.conv_backward(dz, cache)), (z_t, x_t.grad, w_t.grad, b_t.grad))


# PyTorch warns that an even kernel with "same" copies the input once: the very case wanted here.
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@given(case=conv_cases(paddings=("same",), strides=1))
def test_conv_same_is_pytorchs_same(torch, case):
    """Even kernels included: both put the odd row and column at the bottom and right."""
    x, w, b, dz = case.arrays()
    x_t, w_t, b_t = (leaf(torch, array) for array in (x, w, b))
    z_t = channels_last(
        torch.nn.functional.conv2d(
            channels_first(x_t),
            kernel(w_t),
            b_t,
            padding="same",
            dilation=case.options["dilation"],
        )
    )
    z_t.backward(torch.tensor(np.ascontiguousarray(dz)))
    z, cache = layers.conv_forward(x, w, b, **case.options)
    assert_agree((z, *layers.conv_backward(dz, cache)), (z_t, x_t.grad, w_t.grad, b_t.grad))


def test_what_lesson_08_says_of_pytorch(torch):
    """The general case: "same" with a stride, F // 2 in its place, and the transposed convolution."""
    F, rng = torch.nn.functional, np.random.default_rng(0)
    x, w, b = normal(rng, (1, 28, 28, 2)), normal(rng, (5, 5, 2, 3)), np.zeros(3)
    x_t, w_t = channels_first(leaf(torch, x)), kernel(leaf(torch, w))
    with pytest.raises(RuntimeError, match="not supported for strided convolutions"):
        F.conv2d(x_t, w_t, padding="same", stride=2)
    z, _ = layers.conv_forward(x, w, b, stride=2, padding="same")
    theirs = channels_last(F.conv2d(x_t, w_t, stride=2, padding=5 // 2)).detach().numpy()
    assert z.shape == theirs.shape == (1, 14, 14, 3)
    assert np.abs(z - theirs).min() > 1e-6
    one_above_two_below = F.pad(x_t, (1, 2, 1, 2))
    assert_close(z, channels_last(F.conv2d(one_above_two_below, w_t, stride=2)).detach().numpy(), TOLERANCE)

    geometry = {"stride": (3, 4), "padding": (1, 2), "dilation": (2, 1)}
    z, cache = layers.conv_forward(x, w, b, **geometry)
    left_over = [(28 + 2 * p - d * 4 - 1) % s for s, p, d in zip(*geometry.values())]
    assert left_over == [0, 3]
    dz_t = channels_first(leaf(torch, z))
    dx_t = F.conv_transpose2d(dz_t, w_t, **geometry, output_padding=left_over)
    assert_close(layers.conv_backward(z, cache)[0], channels_last(dx_t).detach().numpy(), TOLERANCE)


@settings(max_examples=60)
@given(case=pool_cases(), ties=st.booleans())
def test_pool(torch, case, ties):
    """PyTorch's max pooling too sends a tie's gradient to the first position."""
    x, dz = case.arrays(ties=ties)
    x_t = leaf(torch, x)
    pool = {"max": torch.nn.functional.max_pool2d, "average": torch.nn.functional.avg_pool2d}[
        case.options["mode"]
    ]
    z_t = channels_last(
        pool(channels_first(x_t), kernel_size=case.options["size"], stride=case.options["stride"])
    )
    z_t.backward(torch.tensor(np.ascontiguousarray(dz)))
    z, cache = layers.pool_forward(x, **case.options)
    assert_agree((z, layers.pool_backward(dz, cache)), (z_t, x_t.grad))


@given(
    shape=st.integers(1, 4).flatmap(lambda axes: matrix_shapes(axes, largest=6)),
    seed=seeds,
    zeros=st.booleans(),
)
def test_relu(torch, shape, seed, zeros):
    rng = np.random.default_rng(seed)
    z = rng.integers(-1, 2, shape).astype(float) if zeros else normal(rng, shape)
    da = normal(rng, shape)
    z_t = leaf(torch, z)
    a_t = torch.relu(z_t)
    a_t.backward(torch.tensor(da))
    a, cache = layers.relu_forward(z)
    assert_agree((a, layers.relu_backward(da, cache)), (a_t, z_t.grad))


@given(shape=matrix_shapes(3, largest=40), seed=seeds)
def test_fc(torch, shape, seed):
    M, N, K = shape
    rng = np.random.default_rng(seed)
    x, w, b, dz = (normal(rng, s) for s in ((M, N), (N, K), (K,), (M, K)))
    x_t, w_t, b_t = (leaf(torch, array) for array in (x, w, b))
    z_t = torch.nn.functional.linear(x_t, w_t.T, b_t)
    z_t.backward(torch.tensor(dz))
    z, cache = layers.fc_forward(x, w, b)
    assert_agree((z, *layers.fc_backward(dz, cache)), (z_t, x_t.grad, w_t.grad, b_t.grad))


@given(
    size=st.tuples(st.integers(1, 8), st.integers(1, 12)), seed=seeds, scale=st.sampled_from([1, 30, 1000])
)
def test_softmax(torch, size, seed, scale):
    rng = np.random.default_rng(seed)
    z, dy_hat = scale * normal(rng, size), normal(rng, size)
    z_t = leaf(torch, z)
    y_hat_t = torch.softmax(z_t, dim=1)
    y_hat_t.backward(torch.tensor(dy_hat))
    y_hat, cache = layers.softmax_forward(z)
    assert_agree((y_hat, layers.softmax_backward(dy_hat, cache)), (y_hat_t, z_t.grad))


@given(
    size=st.tuples(st.integers(1, 8), st.integers(1, 12)),
    seed=seeds,
    scale=st.sampled_from([1, 30, 1000]),
    kind=st.sampled_from(["integers", "one-hot", "distribution"]),
    dloss=st.sampled_from([1.0, -2.5]),
)
def test_softmax_cross_entropy(torch, size, seed, scale, kind, dloss):
    rng = np.random.default_rng(seed)
    z, labels = scale * normal(rng, size), rng.integers(0, size[1], size[0])
    rows = (
        reference.one_hot(labels, size[1])
        if kind != "distribution"
        else rng.dirichlet(np.ones(size[1]), size[0])
    )
    y = labels if kind == "integers" else rows
    z_t = leaf(torch, z)
    loss_t = torch.nn.functional.cross_entropy(z_t, torch.tensor(y))
    loss_t.backward(torch.tensor(dloss, dtype=torch.float64))
    loss, cache = layers.softmax_cross_entropy_forward(z, y)
    assert_agree((loss, layers.softmax_cross_entropy_backward(dloss, cache)), (loss_t, z_t.grad))


def test_a_whole_network(torch):
    """conv, ReLU, max pool, conv with stride and dilation, average pool, flatten, fc, loss: all gradients."""
    rng = np.random.default_rng(0)
    x, labels = normal(rng, (3, 11, 9, 2)), np.array([1, 0, 3])
    w1, b1, w2, b2 = normal(rng, (3, 2, 2, 4)), normal(rng, 4), normal(rng, (2, 2, 4, 5)), normal(rng, 5)
    w3, b3 = normal(rng, (15, 4)), normal(rng, 4)
    second = {"stride": (1, 2), "padding": (1, 0), "dilation": (2, 1)}

    z1, conv1 = layers.conv_forward(x, w1, b1, padding="same")
    a1, relu1 = layers.relu_forward(z1)
    p1, pool1 = layers.pool_forward(a1)
    z2, conv2 = layers.conv_forward(p1, w2, b2, **second)
    p2, pool2 = layers.pool_forward(z2, size=(3, 2), stride=1, mode="average")
    f, flat = layers.flatten_forward(p2)
    z3, fc = layers.fc_forward(f, w3, b3)
    loss, loss_cache = layers.softmax_cross_entropy_forward(z3, labels)
    df, dw3, db3 = layers.fc_backward(layers.softmax_cross_entropy_backward(1.0, loss_cache), fc)
    dp1, dw2, db2 = layers.conv_backward(
        layers.pool_backward(layers.flatten_backward(df, flat), pool2), conv2
    )
    dx, dw1, db1 = layers.conv_backward(layers.relu_backward(layers.pool_backward(dp1, pool1), relu1), conv1)

    F = torch.nn.functional
    leaves = x_t, w1_t, b1_t, w2_t, b2_t, w3_t, b3_t = [leaf(torch, a) for a in (x, w1, b1, w2, b2, w3, b3)]
    # An even kernel of 2 columns with "same": one column of padding, at the right.
    h = F.conv2d(F.pad(channels_first(x_t), (0, 1, 1, 1)), kernel(w1_t), b1_t)
    h = F.max_pool2d(torch.relu(h), 2)
    h = F.conv2d(h, kernel(w2_t), b2_t, **second)
    h = channels_last(F.avg_pool2d(h, (3, 2), stride=1)).flatten(1)
    loss_t = F.cross_entropy(h @ w3_t + b3_t, torch.tensor(labels))
    loss_t.backward()
    assert_close(loss, loss_t.item(), TOLERANCE)
    assert_agree((dx, dw1, db1, dw2, db2, dw3, db3), [tensor.grad for tensor in leaves])
