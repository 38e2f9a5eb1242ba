"""What the contract promises of every layer alike: names, dtypes, memory order, purity, caches."""

import copy
import importlib
import inspect
import re
import subprocess
import sys

import numpy as np
import pytest

from backprop_helpers import layers

from .cases import assert_close, assert_same
from .table import LABELS, LAYERS

every_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)

SIGNATURES = {
    ("conv", "conv_forward"): "(x, w, b, *, stride=1, padding=0, dilation=1)",
    ("conv", "conv_backward"): "(dz, cache, *, need_dx=True)",
    ("patches", "im2col"): "(x, kernel_shape, *, stride=1, padding=0, dilation=1)",
    ("patches", "col2im"): "(columns, x_shape, kernel_shape, *, stride=1, padding=0, dilation=1)",
    ("pooling", "pool_forward"): "(x, *, size=2, stride=None, mode='max')",
    ("pooling", "pool_backward"): "(dz, cache)",
    ("relu", "relu_forward"): "(z)",
    ("relu", "relu_backward"): "(da, cache)",
    ("fully_connected", "fc_forward"): "(x, w, b)",
    ("fully_connected", "fc_backward"): "(dz, cache)",
    ("flatten", "flatten_forward"): "(x)",
    ("flatten", "flatten_backward"): "(dy, cache)",
    ("softmax", "softmax"): "(z)",
    ("softmax", "softmax_forward"): "(z)",
    ("softmax", "softmax_backward"): "(dy_hat, cache)",
    ("softmax", "cross_entropy_forward"): "(y_hat, y)",
    ("softmax", "cross_entropy_backward"): "(dloss, cache)",
    ("softmax", "softmax_cross_entropy_forward"): "(z, y)",
    ("softmax", "softmax_cross_entropy_backward"): "(dloss, cache)",
}


@pytest.mark.parametrize(("where", "signature"), SIGNATURES.items(), ids=lambda value: str(value))
def test_names_and_signatures(where, signature):
    module, name = where
    function = getattr(layers, name)
    assert getattr(importlib.import_module(f"backprop_helpers.layers.{module}"), name) is function
    assert name in layers.__all__
    plain = inspect.signature(function)
    plain = plain.replace(
        parameters=[p.replace(annotation=p.empty) for p in plain.parameters.values()],
        return_annotation=plain.empty,
    )
    assert str(plain) == signature


@pytest.mark.parametrize("name", sorted(name for _, name in SIGNATURES))
def test_docstrings_are_short_and_give_every_array_its_shape(name):
    """One line per argument but a cache; `softmax` is only a second name."""
    function = getattr(layers, name)
    doc = inspect.getdoc(function)
    told = {
        part.strip() for line in re.findall(r"^- ([\w, ]+):", doc, re.MULTILINE) for part in line.split(",")
    }
    if name != "softmax":
        assert told == set(inspect.signature(function).parameters) - {"cache"}
        assert "(M" in doc or "shape" in doc or "dloss" in told
    lines, documented = len(inspect.getsource(function).splitlines()), len(doc.splitlines())
    assert lines - documented <= 30


@every_layer
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_dtype_in_is_dtype_out(layer, dtype):
    out, cache = layer.forward(*layer.inputs(dtype))
    assert np.asarray(out).dtype == dtype
    for gradient in layer.gradients(layer.upstream(out), cache):
        assert gradient.dtype == dtype


@every_layer
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int8, np.uint8, np.uint64])
def test_integers_stay_integers_where_the_formula_allows_it(layer, dtype):
    """They may become wider integers, so that sums do not overflow; a division makes them float64."""
    out, cache = layer.forward(*layer.inputs(dtype))
    results = (np.asarray(out), *layer.gradients(layer.upstream(out), cache))
    for result in results:
        if layer.keeps_integers:
            assert result.dtype.kind in "iu"
            assert dtype != np.int64 or result.dtype == np.int64
        else:
            assert result.dtype == np.float64


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize(
    "layer", [layer for layer in LAYERS if len(layer.shapes) == 3], ids=lambda layer: layer.name
)
def test_sums_of_small_integers_do_not_wrap_around(layer, dtype):
    """Images and weights of bytes at their largest value: the sums exceed the byte, and must be right."""
    largest = np.iinfo(dtype).max
    inputs = tuple(np.full(shape, largest, dtype) for shape in layer.shapes)
    out, cache = layer.forward(*inputs)
    expected, expected_cache = layer.forward(*(array.astype(np.int64) for array in inputs))
    np.testing.assert_array_equal(out, expected)
    dout = np.full(out.shape, largest, dtype)
    for gradient, wide in zip(
        layer.gradients(dout, cache), layer.gradients(dout.astype(np.int64), expected_cache), strict=True
    ):
        np.testing.assert_array_equal(gradient, wide)


@every_layer
@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.int64, np.uint8, ">f8", "<f4"])
def test_values_do_not_depend_on_the_dtype(layer, dtype):
    """Small whole numbers are the same in every dtype, so the results are, to that dtype's rounding."""
    inputs = tuple(np.abs(array) for array in layer.inputs(np.int64))
    out, cache = layer.forward(*(array.astype(np.float64) for array in inputs))
    other, other_cache = layer.forward(*(array.astype(dtype) for array in inputs))
    assert_close(np.asarray(other, float), out, 1e-6)
    # A whole-numbered upstream gradient that every dtype holds, also as the gradient of many terms.
    dout = 1.0 if layer.is_loss else np.indices(out.shape).sum(axis=0) % 2
    other_dout = dout if layer.is_loss else dout.astype(np.asarray(other).dtype)
    gradients = layer.gradients(dout if layer.is_loss else dout.astype(float), cache)
    for gradient, expected in zip(layer.gradients(other_dout, other_cache), gradients, strict=True):
        assert_close(np.asarray(gradient, float), expected, 1e-6)


@pytest.mark.parametrize(
    "layer", [layer for layer in LAYERS if len(layer.shapes) == 3], ids=lambda layer: layer.name
)
@pytest.mark.parametrize(
    "dtypes",
    [
        (np.float32, np.float64, np.float64),
        (np.float64, np.float32, np.float32),
        (np.float32, np.float32, np.float64),
        (np.int64, np.float64, np.float64),
        (np.int64, np.float32, np.float32),
        (np.uint8, np.float32, np.float32),
        (np.float64, np.int64, np.int64),
        (np.complex128, np.float64, np.float64),
        (np.float64, np.complex128, np.float64),
        (np.float64, np.float64, np.complex128),
        (np.int32, np.int64, np.int32),
    ],
    ids=lambda dtypes: "-".join(np.dtype(d).name for d in dtypes),
)
def test_mixed_dtypes_follow_result_type(layer, dtypes):
    inputs = tuple(array.astype(dtype) for array, dtype in zip(layer.inputs(np.int64), dtypes, strict=True))
    inputs = tuple(np.abs(array) if array.dtype == np.uint8 else array for array in inputs)
    out, cache = layer.forward(*inputs)
    assert out.dtype == np.result_type(*dtypes)
    expected, expected_cache = layer.forward(*(array.astype(np.complex128) for array in inputs))
    assert_close(out, expected, 1e-6)
    dout = np.ones_like(out)
    for gradient, reference in zip(
        layer.gradients(dout, cache), layer.gradients(np.ones_like(expected), expected_cache), strict=True
    ):
        assert gradient.dtype == np.result_type(*dtypes)
        assert_close(gradient, reference, 1e-6)


@every_layer
def test_memory_order_changes_no_value(layer):
    inputs = layer.inputs()
    out, cache = layer.forward(*inputs)
    dout = layer.upstream(out)
    gradients = layer.gradients(dout, cache)

    fortran_out, fortran_cache = layer.forward(*(np.asfortranarray(array) for array in inputs))
    fortran_dout = dout if layer.is_loss else np.asfortranarray(dout)
    fortran_gradients = layer.gradients(fortran_dout, fortran_cache)

    assert_close(fortran_out, out)
    for gradient, fortran_gradient in zip(gradients, fortran_gradients, strict=True):
        assert_close(fortran_gradient, gradient)


def _arrays_of(cache):
    """Every array in a cache, however deep, with the path to it."""
    found, stack = [], [("cache", cache)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, np.ndarray):
            found.append((path, value))
        elif isinstance(value, dict):
            stack += [(f"{path}[{key!r}]", item) for key, item in value.items()]
        elif isinstance(value, (tuple, list)):
            names = getattr(value, "_fields", range(len(value)))
            stack += [(f"{path}.{name}", item) for name, item in zip(names, value, strict=True)]
    return found


@every_layer
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_inputs_and_upstream_are_never_written(layer, dtype, order):
    inputs = layer.inputs(dtype, order=order)
    before = [array.tobytes("A") for array in inputs]
    out, cache = layer.forward(*inputs)
    dout = layer.upstream(out)
    dout_before = copy.deepcopy(dout)
    layer.backward(dout, cache)
    assert [array.tobytes("A") for array in inputs] == before
    assert_same(dout, dout_before)


@every_layer
@pytest.mark.parametrize("order", ["C", "F"])
def test_read_only_inputs_work(layer, order):
    inputs = layer.inputs(order=order)
    expected, expected_cache = layer.forward(*inputs)
    for array in inputs:
        array.setflags(write=False)
    out, cache = layer.forward(*inputs)
    assert_same(out, expected)
    dout = layer.upstream(out)
    if not layer.is_loss:
        dout.setflags(write=False)
    for gradient, again in zip(
        layer.gradients(dout, cache), layer.gradients(dout, expected_cache), strict=True
    ):
        assert_same(gradient, again)


@every_layer
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_cache_is_never_mutated_and_backward_twice_is_the_same(layer, order):
    out, cache = layer.forward(*layer.inputs(order=order))
    arrays = _arrays_of(cache)
    before = [(path, array.copy()) for path, array in arrays]
    fields = tuple(cache)
    dout = layer.upstream(out)
    first = layer.gradients(dout, cache)
    kept = [gradient.copy() for gradient in first]
    second = layer.gradients(dout, cache)
    for once, copied, again in zip(first, kept, second, strict=True):
        assert_same(again, copied)
        assert_same(once, copied)  # the second call did not write into the first call's result
        assert not np.shares_memory(once, again)
    assert all(now is then for now, then in zip(cache, fields, strict=True))
    for (path, array), (_, then) in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, then, err_msg=path)


@every_layer
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_results_share_no_memory_with_what_came_in(layer, dtype, order):
    """Writing into a result must not change the caller's arrays, the cache, or another result."""
    inputs = tuple(np.abs(array) for array in layer.inputs(dtype, order=order))
    out, cache = layer.forward(*inputs)
    dout = layer.upstream(out)
    gradients = layer.gradients(dout, cache)
    given = [("input", array) for array in inputs]
    given += [] if layer.is_loss else [("upstream", dout), ("output", out)]
    for position, gradient in enumerate(gradients):
        others = [(f"gradient {i}", other) for i, other in enumerate(gradients) if i != position]
        for name, array in given + others + _arrays_of(cache):
            assert not np.shares_memory(gradient, array), f"gradient {position} shares memory with {name}"
    if not layer.is_loss:
        for array in inputs:
            assert not np.shares_memory(out, array), "the output shares memory with an input"


@pytest.mark.parametrize(
    "layer", [layer for layer in LAYERS if not layer.is_loss], ids=lambda layer: layer.name
)
def test_writing_into_the_output_does_not_change_the_gradient(layer):
    """A caller may reuse the output's memory (an in-place ReLU, say) between forward and backward."""
    out, cache = layer.forward(*layer.inputs())
    dout = layer.upstream(out)
    expected = layer.gradients(dout, cache)
    out[...] = 99
    for gradient, before in zip(layer.gradients(dout, cache), expected, strict=True):
        assert_same(gradient, before)


@every_layer
def test_overwriting_the_inputs_after_forward_does_not_change_the_gradient(layer):
    """A caller may fill the same batch buffer again, or update w in place, between forward and backward."""
    inputs = layer.inputs()
    out, cache = layer.forward(*inputs)
    dout = layer.upstream(out)
    expected = layer.gradients(dout, cache)
    for array in inputs:
        array[...] = 99
    for gradient, before in zip(layer.gradients(dout, cache), expected, strict=True):
        assert_same(gradient, before)


@every_layer
def test_the_cache_is_a_documented_named_tuple(layer):
    _, cache = layer.forward(*layer.inputs())
    kind = type(cache)
    assert isinstance(cache, tuple)
    assert kind._fields
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{kind.__name__}("), "only the docstring that NamedTuple generates"
    for field in kind._fields:
        field_doc = getattr(kind, field).__doc__ or ""
        assert field in kind.__doc__ or not field_doc.startswith("Alias for field"), (
            f"{field} is not documented"
        )


@every_layer
@pytest.mark.parametrize("scale", [0, 2, -3])
def test_backward_is_linear_in_the_upstream_gradient(layer, scale):
    out, cache = layer.forward(*layer.inputs())
    dout = layer.upstream(out)
    for gradient, scaled in zip(
        layer.gradients(dout, cache), layer.gradients(scale * dout, cache), strict=True
    ):
        assert_close(scaled, scale * gradient)


@every_layer
def test_two_calls_do_not_disturb_each_other(layer):
    """The first call's cache is still its own after a second forward with other values."""
    out, cache = layer.forward(*layer.inputs(seed=0))
    out_before = np.copy(out)
    dout = layer.upstream(out)
    expected = layer.gradients(dout, layer.forward(*layer.inputs(seed=0))[1])
    layer.forward(*layer.inputs(seed=7))
    assert_same(out, out_before)
    for gradient, alone in zip(layer.gradients(dout, cache), expected, strict=True):
        assert_same(gradient, alone)


def test_labels_are_never_written_and_may_be_read_only():
    z = np.random.default_rng(0).standard_normal((4, 5))
    for y in (LABELS.copy(), np.eye(5)[LABELS], np.eye(5, dtype=int)[LABELS]):
        before = y.copy()
        y.setflags(write=False)
        _, cache = layers.softmax_cross_entropy_forward(z, y)
        layers.softmax_cross_entropy_backward(1.0, cache)
        _, cache = layers.cross_entropy_forward(layers.softmax(z), y)
        layers.cross_entropy_backward(1.0, cache)
        assert_same(y, before)


def test_importing_the_layers_imports_only_numpy():
    """No plotting, no widgets, no SciPy and none of our own higher rooms, in a fresh interpreter."""
    program = "import sys, backprop_helpers.layers; print(*sorted(sys.modules))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = result.stdout.split()
    heavy = {"matplotlib", "ipywidgets", "scipy", "anywidget", "IPython", "torch", "tqdm", "threadpoolctl"}
    assert "numpy" in loaded
    assert heavy.isdisjoint(loaded)
    ours = {name.split(".")[1] for name in loaded if name.startswith("backprop_helpers.")}
    assert ours == {"layers"}
