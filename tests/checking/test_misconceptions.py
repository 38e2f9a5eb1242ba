"""The catalogue: every mistake is really one, is killed by every oracle it names, and is described."""

import inspect

import numpy as np
import pytest

from backprop_helpers import layers
from backprop_helpers.checking import Misconception, gradient_check, misconceptions
from backprop_helpers.checking.misconceptions import ORACLES, Catalogue
from backprop_helpers.checking.misconceptions._pairs import PAIRS, pair_for
from backprop_helpers.checking.solutions import (
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_04,
    lesson_08,
    lesson_09,
    lesson_10,
)

from ..layers.cases import normal

pytestmark = pytest.mark.filterwarnings(
    "ignore::RuntimeWarning"
)  # overflow and 0/0 are what some entries are about


def entries_with(oracle):
    return [name for name, bug in misconceptions.items() if oracle in bug.oracles]


def explicit_arguments(bug):
    """The positional and keyword arguments of `bug.wrong` for its smallest input."""
    inputs = bug.smallest_input()
    if bug.function not in PAIRS or bug.function.endswith("_forward"):
        return inputs, dict(bug.options)
    if bug.function == "cross_entropy_backward" or bug.function == "softmax_cross_entropy_backward":
        return (inputs[0], bug.options["y"]), {}
    forward, _ = pair_for(bug.name, bug.function, bug.right, dict(bug.options))
    out, _ = forward(*inputs)
    upstream = np.random.default_rng(0).normal(size=np.shape(out))
    if bug.function == "softmax_backward":
        return (upstream, out), {}
    explicit = inputs if len(inputs) == 1 else inputs[:2]  # (z,), (x,) or (x, w): the bias is not needed
    return (upstream, *explicit), dict(bug.options)


def outcome(function, arguments, options):
    """What the function returns, as a tuple of arrays; or the kind of error it raises."""
    try:
        result = function(*(a.copy() if isinstance(a, np.ndarray) else a for a in arguments), **options)
    except (IndexError, ValueError) as error:
        return type(error).__name__
    return tuple(
        None if r is None else np.asarray(r) for r in (result if isinstance(result, tuple) else (result,))
    )


def same(a, b):
    if isinstance(a, str) or isinstance(b, str):
        return a == b
    return len(a) == len(b) and all(
        (x is None and y is None)
        or (
            x is not None
            and y is not None
            and x.shape == y.shape
            and np.allclose(x, y, rtol=1e-9, atol=1e-12)
        )
        for x, y in zip(a, b)
    )


# --- the oracles

CANNOT_BE_CALLED = {  # they raise an error of their own, or return an output that fits no backward or is NaN
    "softmax.mean_subtracted",
    "softmax.no_shift",
    "softmax.running_maximum_from_zero",
    "conv.square_slices",
    "pool.average_over_wrong_axes",
    "softmax.one_maximum_for_all",
    "pool.rows_and_columns_swapped",
    "pool.remainder_overrun",
    "pool.height_and_width_exchanged",
    "pool.counts_by_stride",
}


@pytest.mark.parametrize(
    ("name", "method"),
    [(name, "central") for name in entries_with("gradient check")]
    + [(name, "complex") for name in entries_with("complex step")],
)
def test_the_gradient_check_kills_it(name, method):
    bug = misconceptions[name]
    if name in CANNOT_BE_CALLED:
        with pytest.raises((IndexError, ValueError)):
            gradient_check(*bug.pair(), bug.smallest_input(), method=method)
    else:
        assert not gradient_check(*bug.pair(), bug.smallest_input(), method=method).passed


@pytest.mark.parametrize("name", entries_with("gradient check"))
def test_its_right_version_passes_the_gradient_check(name):
    """So that it is the mistake that is seen, and not the input or the pair."""
    bug = misconceptions[name]
    forward, backward = pair_for(name, bug.function, bug.right, dict(bug.options))
    method = "central" if bug.function == "pool_forward" else "complex"
    report = gradient_check(forward, backward, bug.smallest_input(), method=method)
    assert report.passed, report


@pytest.mark.parametrize("name", entries_with("reference"))
def test_the_right_version_gives_another_answer(name):
    bug = misconceptions[name]
    arguments, options = explicit_arguments(bug)
    if bug.name == "training.rng_not_used":  # as good as the right one, but for whoever gives it a generator
        draws = [bug.wrong(9, 9, np.random.default_rng(seed))[0] for seed in (0, 1)]
        assert np.array_equal(*draws)
        return
    if bug.function == "initial_weights":
        right = bug.right(784, 10, np.random.default_rng(1))
        wrong = bug.wrong(784, 10, np.random.default_rng(1))
        assert not same(right, wrong)
        return
    right = outcome(bug.right, arguments, options)
    assert not isinstance(right, str)
    assert same(right, outcome(bug.right, arguments, options))
    assert not same(right, outcome(bug.wrong, arguments, options))


@pytest.mark.parametrize("name", entries_with("conservation"))
def test_the_gradient_is_not_conserved(name):
    bug = misconceptions[name]
    (dz, x), options = explicit_arguments(bug)
    assert bug.right(dz, x, **options).sum() == pytest.approx(dz.sum())
    if name in CANNOT_BE_CALLED:
        with pytest.raises((IndexError, ValueError)):
            bug.wrong(dz, x, **options)
    else:
        assert bug.wrong(dz, x, **options).sum() != pytest.approx(dz.sum())


@pytest.mark.parametrize("name", entries_with("large scores"))
def test_large_scores_are_not_finite(name):
    bug = misconceptions[name]
    z = np.array([[1000.0, 0.0], [2000.0, -1000.0]])
    assert np.isfinite(bug.right(z)).all()
    assert not np.isfinite(bug.wrong(z)).all()


@pytest.mark.parametrize("name", entries_with("rows sum to 1"))
def test_rows_do_not_sum_to_one(name):
    bug = misconceptions[name]
    (z,) = bug.smallest_input()
    np.testing.assert_allclose(bug.right(z).sum(axis=1), 1)
    assert not np.allclose(bug.wrong(z).sum(axis=1), 1)


@pytest.mark.parametrize("name", entries_with("first loss"))
def test_the_first_loss_is_far_from_ln_10(name):
    bug = misconceptions[name]
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 784)), rng.integers(0, 10, 64)

    def first_loss(initial):
        w, b = initial(784, 10, np.random.default_rng(0))
        return layers.softmax_cross_entropy_forward(0.1 * x @ w + b, y)[0]

    assert abs(first_loss(bug.right) - np.log(10)) < 0.2
    assert first_loss(bug.wrong) > 2 * np.log(10)


@pytest.mark.parametrize("name", entries_with("wrong code"))
def test_the_mistaken_check_passes_wrong_code(name, capsys):
    bug = misconceptions[name]
    forward, backward = bug.pair()
    inputs = bug.smallest_input()
    with pytest.raises(AssertionError):
        bug.right(forward, backward, inputs)
    bug.wrong(forward, backward, inputs)  # raises nothing: that is the mistake
    assert not gradient_check(forward, backward, inputs).passed
    assert ("relative error" in capsys.readouterr().out) == (name == "check.prints_only")


def test_the_right_check_passes_right_code():
    x, w, b = (normal(np.random.default_rng(0), shape) for shape in [(3, 4), (4, 2), (2,)])
    lesson_01.check_gradients(layers.fc_forward, layers.fc_backward, (x, w, b))
    lesson_01.check_gradients(layers.relu_forward, layers.relu_backward, (x,))


# --- the right implementations that the wrong ones are made of

RNG = np.random.default_rng(7)
CONV = normal(RNG, (2, 6, 7, 2)), normal(RNG, (3, 2, 2, 3)), normal(RNG, (3,))
GENERAL = {"stride": (2, 1), "padding": "same", "dilation": (1, 2)}
ONES = {"stride": 1, "padding": (2, 0), "dilation": 1}
LABELS = np.array([0, 2, 1, 1])


def equal(a, b):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-12)


def test_right_convolutions():
    for options, backward in [
        (GENERAL, lesson_08.conv_backward_by_windows),
        (ONES, lesson_08.conv_backward_by_windows),
        (ONES, lesson_08.conv_backward_by_slices),
    ]:
        z, cache = layers.conv_forward(*CONV, **options)
        dz = normal(RNG, z.shape)
        equal([lesson_08.conv_forward(*CONV, **options)], [z])
        equal(backward(dz, *CONV[:2], **options), layers.conv_backward(dz, cache))


def test_right_poolings():
    x = normal(RNG, (2, 6, 4, 3))
    for options in (
        {"size": 2, "stride": 2, "mode": "max"},
        {"size": 2, "stride": 2, "mode": "average"},
        {"size": (3, 2), "stride": (1, 3), "mode": "max"},
        {"size": (3, 2), "stride": (2, 1), "mode": "average"},
    ):
        z, cache = layers.pool_forward(x, **options)
        dz = normal(RNG, z.shape)
        equal([lesson_09.pool_forward_by_windows(x, **options)], [z])
        equal([lesson_09.pool_backward_by_windows(dz, x, **options)], [layers.pool_backward(dz, cache)])
        if options["size"] == 2:
            equal([lesson_09.pool_forward_by_reshape(x, **options)], [z])
            if options["mode"] == "max":
                equal([lesson_09.pool_backward_by_mask(dz, x, **options)], [layers.pool_backward(dz, cache)])


def test_right_ties():
    x = RNG.integers(0, 2, (2, 4, 4, 3)).astype(float)
    z, cache = layers.pool_forward(x)
    dz = normal(RNG, z.shape)
    for backward in (lesson_09.pool_backward_by_windows, lesson_09.pool_backward_by_mask):
        equal([backward(dz, x, size=2, stride=2, mode="max")], [layers.pool_backward(dz, cache)])


def test_right_dense_layers():
    x, w, b, dz = (normal(RNG, shape) for shape in [(4, 3), (3, 2), (2,), (4, 2)])
    z, cache = layers.fc_forward(x, w, b)
    equal([lesson_02.fc_forward(x, w, b)], [z])
    for backward in (lesson_02.fc_backward_by_gradient, lesson_02.fc_backward_by_example):
        equal(backward(dz, x, w), layers.fc_backward(dz, cache))
    a, cache = layers.relu_forward(x)
    equal([lesson_03.relu_backward(a, x)], [layers.relu_backward(a, cache)])
    maps = normal(RNG, (4, 2, 3, 2))
    y, cache = layers.flatten_forward(maps)
    equal([lesson_02.flatten_backward(y, maps)], [layers.flatten_backward(y, cache)])


def test_right_losses():
    z, dy_hat = normal(RNG, (4, 3)), normal(RNG, (4, 3))
    y_hat, cache = layers.softmax_forward(z)
    equal([lesson_04.softmax_forward(z)], [y_hat])
    equal([lesson_04.softmax_backward_by_mean(dy_hat, y_hat)], [layers.softmax_backward(dy_hat, cache)])
    _, cache = layers.cross_entropy_forward(y_hat, LABELS)
    equal(
        [lesson_04.cross_entropy_backward_by_one_hot(y_hat, LABELS)],
        [layers.cross_entropy_backward(1.0, cache)],
    )
    _, cache = layers.softmax_cross_entropy_forward(z, LABELS)
    equal(
        [lesson_04.softmax_cross_entropy_backward(z, LABELS)],
        [layers.softmax_cross_entropy_backward(1.0, cache)],
    )


def test_right_training():
    w, b = lesson_10.sgd_step(np.array([[1.0]]), np.array([2.0]), np.array([[3.0]]), np.array([4.0]), 0.5)
    assert (w.item(), b.item()) == (-0.5, 0.0)
    w, b = lesson_10.initial_weights(784, 1000, np.random.default_rng(0))
    assert w.std() == pytest.approx(np.sqrt(2 / 784), rel=0.01)
    assert not b.any()


# --- what an entry says


@pytest.mark.parametrize("bug", misconceptions.values(), ids=list(misconceptions))
def test_every_entry_is_complete(bug):
    layer, _, mistake = bug.name.partition(".")
    assert bug.layer == layer
    assert mistake
    assert mistake == mistake.lower()
    assert bug.oracles
    assert set(bug.oracles) <= set(ORACLES)
    for text in (bug.diagnosis, bug.hint, bug.seen):
        assert text == text.strip()
        assert len(text) > 3
    assert "\n" not in bug.diagnosis
    assert bug.diagnosis[0].islower() or not bug.diagnosis[0].isalpha() or bug.diagnosis[1] in " ̂"
    assert bug.hint != bug.diagnosis
    assert repr(bug) == f"{bug.name}: {bug.diagnosis}"


@pytest.mark.parametrize("bug", misconceptions.values(), ids=list(misconceptions))
def test_the_source_is_the_code_that_runs(bug):
    assert bug.source != bug.right_source
    assert f"def {bug.function}(" in bug.source
    assert inspect.getsource(bug.wrong).strip() in bug.source
    assert bug.wrong.__name__ == bug.function
    assert list(inspect.signature(bug.wrong).parameters) == list(inspect.signature(bug.right).parameters)
    assert len(bug.source.splitlines()) <= 30
    assert '"""' not in bug.source + bug.right_source
    assert "_by_" not in bug.source + bug.right_source
    for word in ("wrong", "mistake", "bug", "misconception", "#"):
        assert word not in bug.source.lower().replace('"wrong gradient"', "")


@pytest.mark.parametrize("bug", misconceptions.values(), ids=list(misconceptions))
def test_inputs_are_small_and_fresh(bug):
    first, second = bug.smallest_input(), bug.smallest_input()
    for a, b in zip(first, second):
        if isinstance(a, np.ndarray):
            assert a.size <= 8
            assert a is not b
            a += 1  # a caller may do as it likes with its own


def test_a_mistake_that_keeps_state_starts_anew_in_each_pair():
    bug = misconceptions["training.backward_accumulates"]
    reports = [str(gradient_check(*bug.pair(), bug.smallest_input())) for _ in range(2)]
    assert reports[0] == reports[1]


def test_options_show_where_a_mistake_hides():
    bug = misconceptions["conv.stride_ignored"]
    x, w, b = (normal(np.random.default_rng(0), shape) for shape in [(2, 5, 4, 2), (2, 2, 2, 3), (3,)])
    assert gradient_check(*bug.pair(stride=1), (x, w, b)).passed
    assert not gradient_check(*bug.pair(stride=2), (x, w, b)).passed


def test_what_is_no_layer_has_no_pair():
    with pytest.raises(ValueError, match="sgd_step is not a layer, so there are no gradients to check"):
        misconceptions["training.bias_never_updated"].pair()


# --- the catalogue as a mapping


def test_the_catalogue_is_a_mapping():
    assert len(misconceptions) >= 120
    assert list(misconceptions) == [bug.name for bug in misconceptions.values()]
    assert "relu.mask_from_output" in misconceptions
    assert "relu.mask" not in misconceptions
    assert isinstance(misconceptions["relu.mask_from_output"], Misconception)
    assert repr(misconceptions).startswith(f"{len(misconceptions)} misconceptions: fc 17, relu 5")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("conv.no_rotatoin", "no misconception called 'conv.no_rotatoin'; nearest: conv.no_rotation"),
        ("no_rotation", "nearest: conv.no_rotation"),
        ("pool.no_rotation", "nearest: conv.no_rotation"),
        ("xyz", "no misconception called 'xyz'; there are fc.bias_never_moves"),
        (3, "no misconception called '3'"),
        ([], "no misconception called"),
    ],
)
def test_an_unknown_name_gets_the_nearest(name, message):
    with pytest.raises(KeyError) as caught:
        misconceptions[name]
    assert message in caught.value.args[0]


def test_a_name_stands_for_one_entry():
    bug = misconceptions["conv.no_rotation"]
    with pytest.raises(ValueError, match="two misconceptions called"):
        Catalogue([bug, bug])


def test_a_change_that_does_not_fit_is_refused():
    bug = Misconception("relu.x", "relu_backward", "d", "h", ("- nowhere", "+ x"))
    with pytest.raises(ValueError, match="'nowhere' stands 0 times in the right code"):
        bug.source  # noqa: B018
