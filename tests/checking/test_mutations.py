"""Every layer's backward, broken in more than ten ways each: the check has to fail every time."""

import numpy as np
import pytest

from backprop_helpers.checking import gradient_check

from .pairs import layer_pairs


def largest(a):
    """The index of the largest entry: a dropped or changed entry must not be a zero."""
    return np.unravel_index(np.abs(a).argmax(), a.shape)


def changed(a, index, value):
    a = a.copy()
    a[index] = value
    return a


def without_border(a):
    """Zero where any axis longer than 2 has its first or last index."""
    a = a.copy()
    for axis, length in enumerate(a.shape):
        if length > 2:
            a.swapaxes(0, axis)[[0, -1]] = 0
    return a


def swapped(a, axis):
    """The first and the last slice along one axis exchanged."""
    a = a.copy()
    view = a.swapaxes(0, axis)
    view[[0, -1]] = view[[-1, 0]]
    return a


MUTATIONS = {
    "sign flipped": lambda a: -a,
    "twice too large": lambda a: 2 * a,
    "M times too small": lambda a: a / len(a),
    "one part in ten thousand too large": lambda a: a * (1 + 1e-4),
    "zero": lambda a: 0 * a,
    "all ones": np.ones_like,
    "absolute value": np.abs,
    "negative entries lost": lambda a: np.maximum(a, 0),
    "squared": lambda a: a * a,
    "transposed": lambda a: a.T,
    "last two axes exchanged": lambda a: a.swapaxes(-1, max(-2, -a.ndim)),
    "rotated": np.flip,
    "rows reversed": lambda a: np.flip(a, min(1, a.ndim - 1)),
    "examples reversed": lambda a: a[::-1],
    "shifted along the first axis": lambda a: np.roll(a, 1, 0),
    "shifted along the last axis": lambda a: np.roll(a, 1, -1),
    "one term dropped": lambda a: changed(a, largest(a), 0),
    "one entry doubled": lambda a: changed(a, largest(a), 2 * a[largest(a)]),
    "border zero": without_border,
    "first example zero": lambda a: changed(a, 0, 0),
    "last channel zero": lambda a: changed(a, (..., -1), 0),
    "two channels exchanged": lambda a: swapped(a, -1),
    "a constant too much": lambda a: a + 0.01,
    "mean over all entries": lambda a: np.full_like(a, a.mean()),
    "sum over all entries": lambda a: a.sum(),
    "one axis lost": lambda a: a[0],
    "one axis too many": lambda a: a[None],
    "one NaN": lambda a: changed(a, largest(a), np.nan),
    "nothing": lambda a: None,
}


def broken(backward, position, mutation):
    """`backward` with one of its gradients changed."""

    def mutant(dout, cache):
        result = backward(dout, cache)
        if not isinstance(result, tuple):
            return mutation(result)
        return tuple(mutation(g) if i == position else g for i, g in enumerate(result))

    return mutant


def differs(a, b):
    """Whether the mutation changed anything: on a symmetric array some do not."""
    return (
        b is None or np.shape(a) != np.shape(b) or not np.allclose(a, b, rtol=1e-5, atol=0, equal_nan=False)
    )


def true_gradients(pair, seed=0):
    """The gradients as the check asks for them."""
    seen = []

    def spy(dout, cache):
        seen.append(pair.backward(dout, cache))
        return seen[-1]

    assert gradient_check(pair.forward, spy, pair.inputs, seed=seed).passed
    return seen[0] if isinstance(seen[0], tuple) else (seen[0],)


@pytest.mark.parametrize("name", layer_pairs())
def test_every_mutant_is_killed(name):
    pair = layer_pairs()[name]
    for position, gradient in enumerate(true_gradients(pair)):
        effective = {text: m for text, m in MUTATIONS.items() if differs(gradient, m(gradient))}
        assert len(effective) >= 10, f"only {len(effective)} of the mutations change anything"
        survivors = []
        for text, mutation in effective.items():
            report = gradient_check(pair.forward, broken(pair.backward, position, mutation), pair.inputs)
            row = report.rows[position]
            if report.passed or row.passed or not row.reading:
                survivors.append(text)
            if any(other.reading for i, other in enumerate(report.rows) if i != position):
                survivors.append(f"{text}: another gradient is accused")
        assert survivors == []


@pytest.mark.parametrize("name", ["conv", "fc"])
@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (1, 2, 0)])
def test_swapped_outputs_are_seen(name, order):
    forward, backward, inputs = layer_pairs()[name]
    report = gradient_check(forward, lambda d, c: tuple(backward(d, c)[i] for i in order), inputs)
    for i, row in enumerate(report.rows):
        assert row.passed == (order[i] == i)
        if order[i] != i:
            assert f"this is the gradient of {report.rows[order[i]].name}" in row.reading


@pytest.mark.parametrize("method", ["forward", "complex"])
@pytest.mark.parametrize("mutation", ["one part in ten thousand too large", "one term dropped", "rotated"])
@pytest.mark.parametrize("name", ["conv", "max pool", "softmax cross-entropy"])
def test_the_other_methods_see_it_too(name, mutation, method):
    forward, backward, inputs = layer_pairs()[name]
    mutant = broken(backward, 0, MUTATIONS[mutation])
    assert not gradient_check(forward, mutant, inputs, method=method).passed
