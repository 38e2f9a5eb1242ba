"""gradient_check: right layers pass, kinks are left out, whatever is no gradient is a clear failure."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backprop_helpers import layers
from backprop_helpers.checking import gradient_check
from backprop_helpers.checking.gradient_check import GradientReport

from ..layers.cases import conv_cases, pool_cases
from .pairs import layer_pairs, normal

METHODS = ("central", "forward", "complex")


# --- right layers pass


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", layer_pairs())
def test_right_layers_pass(name, method):
    report = gradient_check(*layer_pairs()[name], method=method)
    assert report.assert_ok() is report
    assert all(row.compared == np.prod(row.shape) for row in report.rows)


@settings(max_examples=25)
@given(case=conv_cases(max_channels=2, max_kernel=3), method=st.sampled_from(METHODS))
def test_right_convolutions_pass(case, method):
    x, w, b, dz = case.arrays()
    assume(x.size <= 150)

    def forward(x, w, b):
        return layers.conv_forward(x, w, b, **case.options)

    gradient_check(forward, layers.conv_backward, (x, w, b), method=method, sample=40).assert_ok()
    if np.any(dz):
        gradient_check(forward, layers.conv_backward, (x, w, b), upstream=dz, sample=20).assert_ok()


def only_kinks(report):
    """Whether there was nothing to compare, since every sampled entry sits on a kink."""
    (row,) = report.rows
    return row.kinks == np.prod(row.shape) and row.reading == "nothing to compare"


@settings(max_examples=40)
@given(case=pool_cases(), ties=st.booleans(), method=st.sampled_from(METHODS), seed=st.integers(0, 99))
def test_right_pooling_passes_with_ties_too(case, ties, method, seed):
    x, _ = case.arrays(ties=ties)
    assume(x.size <= 150)

    def forward(x):
        return layers.pool_forward(x, **case.options)

    report = gradient_check(forward, layers.pool_backward, (x,), method=method, seed=seed)
    assert report.passed or only_kinks(report), report


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), method=st.sampled_from(METHODS))
def test_right_relu_passes_with_zeros_too(seed, method):
    z = np.random.default_rng(seed).integers(-2, 3, (3, 4)).astype(float)
    report = gradient_check(layers.relu_forward, layers.relu_backward, (z,), method=method, seed=seed)
    assert report.passed, report
    assert report.rows[0].kinks == np.count_nonzero(z == 0)


@settings(max_examples=12)
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([1e-3, 1.0, 30.0]))
def test_a_stack_of_layers_on_whole_numbers_passes(seed, scale):
    """Ties and zeros deep inside: some entries of x touch a kink only through the layers between."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-1, 2, (2, 4, 5, 1)).astype(float)
    w = rng.integers(-1, 2, (3, 3, 1, 2)) * scale

    def forward(x, w):
        z, conv = layers.conv_forward(x, w, np.zeros(2), padding="same")
        a, relu = layers.relu_forward(z)
        p, pool = layers.pool_forward(a)
        return p, (conv, relu, pool)

    def backward(dp, caches):
        conv, relu, pool = caches
        return layers.conv_backward(layers.relu_backward(layers.pool_backward(dp, pool), relu), conv)[:2]

    report = gradient_check(forward, backward, (x, w), seed=seed, sample=40)
    for row in report.rows:
        assert row.passed or row.reading == "nothing to compare", report


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    scale=st.sampled_from([1e-6, 1e-2, 1.0, 1e3, 1e6]),
    spread=st.sampled_from([0.1, 1.0, 6.0]),
)
def test_right_losses_pass_at_any_scale(seed, scale, spread):
    z = np.random.default_rng(seed).normal(scale=spread, size=(2, 3))
    y = np.array([0, 2])

    def forward(z):
        loss, cache = layers.softmax_cross_entropy_forward(z, y)
        return loss * scale, cache

    def backward(dloss, cache):
        return layers.softmax_cross_entropy_backward(dloss * scale, cache)

    for method in METHODS:
        gradient_check(forward, backward, (z,), method=method).assert_ok()


def test_curves_are_no_kinks():
    # Slope zero with curvature, and slope zero without: x² and x³ at 0.
    for power in (2, 3, 4):
        report = gradient_check(
            lambda x, n=power: (x**n, x), lambda d, x, n=power: d * n * x ** (n - 1), (np.array([0.0, 1e-9]),)
        )
        assert report.passed, report
        assert report.rows[0].kinks == 0
    report = gradient_check(
        lambda x: (np.sin(500 * x), x),
        lambda d, x: d * 500 * np.cos(500 * x),
        (np.linspace(0, 1, 9),),
        method="complex",
    )
    assert report.passed, report
    assert report.rows[0].kinks == 0


@pytest.mark.parametrize("gap", [1e-6, 3e-6, 2e-5, 1e-3])
@pytest.mark.parametrize("method", ["central", "complex"])
def test_close_to_a_kink_there_is_a_gradient(gap, method):
    z = np.array([gap, -gap, 1.0])
    report = gradient_check(layers.relu_forward, layers.relu_backward, (z,), method=method)
    assert report.passed, report
    assert report.rows[0].kinks == 0
    wrong = gradient_check(layers.relu_forward, lambda da, cache: da, (z,), method=method)
    assert wrong.rows[0].reading == "wrong in one entry only (should be zero there)"


def test_a_tie_by_rounding_is_a_kink():
    x = np.array([0.1 + 0.2, 0.3, 0.0, 0.0]).reshape(1, 2, 2, 1)
    assert x[0, 0, 0, 0] != x[0, 0, 1, 0]
    report = gradient_check(layers.pool_forward, layers.pool_backward, (x,))
    assert report.passed
    assert report.rows[0].kinks == 2


# --- nothing to compare is not a pass


@pytest.mark.parametrize("method", METHODS)
def test_only_kinks(method):
    report = gradient_check(layers.relu_forward, layers.relu_backward, (np.zeros(4),), method=method)
    assert only_kinks(report)
    assert not report.passed
    assert not report
    assert "nothing to compare; 4 entries sit on a kink" in str(report)
    equal = gradient_check(layers.pool_forward, layers.pool_backward, (np.ones((1, 4, 4, 1)),), method=method)
    assert only_kinks(equal)


def test_an_empty_input():
    report = gradient_check(
        lambda x: (x * 2, None), lambda d, _: d * 2, (np.zeros((0, 3)),), upstream=np.zeros((0, 3))
    )
    assert report.rows[0].reading == "nothing to compare"
    assert not report.passed


def test_zero_by_zero_is_right_and_said():
    report = gradient_check(layers.relu_forward, layers.relu_backward, (np.full(3, -1.0),))
    assert report.passed
    assert report.rows[0].relative_error == 0
    assert report.rows[0].reading == "zero everywhere, in both"


# --- gradients that cannot be compared


def broken_fc(change):
    """fc with its three gradients changed by `change`."""
    return gradient_check(
        layers.fc_forward,
        lambda dz, cache: change(*layers.fc_backward(dz, cache)),
        normal((3, 4), (4, 2), (2,)),
    )


@pytest.mark.parametrize(
    ("change", "readings"),
    [
        (lambda dx, dw, db: (None, dw, db), ["backward returned None", "", ""]),
        (lambda dx, dw, db: (dx, dw), ["backward returned 2 gradients for 3 inputs, x, w, b"] * 3),
        (lambda dx, dw, db: dx, ["backward returned 1 gradient for 3 inputs, x, w, b"] * 3),
        (lambda dx, dw, db: None, ["backward returned 1 gradient for 3 inputs, x, w, b"] * 3),
        (lambda dx, dw, db: (dx, dw, db, db), ["backward returned 4 gradients for 3 inputs, x, w, b"] * 3),
        (lambda dx, dw, db: (dx, dw.tolist(), db), ["", "backward returned a list of 4, not an array", ""]),
        (lambda dx, dw, db: (dx, "dw", db), ["", "backward returned str, not an array", ""]),
        (
            lambda dx, dw, db: (dx, dw.astype(complex), db),
            ["", "backward returned complex128, not real numbers", ""],
        ),
        (
            lambda dx, dw, db: (dx, dw.astype(object), db),
            ["", "backward returned object, not real numbers", ""],
        ),
        (
            lambda dx, dw, db: (dx, dw, db[None]),
            ["", "", "shape (1, 2) instead of (2,): the numbers are right"],
        ),
        (
            lambda dx, dw, db: (dx, dw, db.sum()),
            ["", "", "shape () instead of (2,): a single number for all of b"],
        ),
        (lambda dx, dw, db: (dx, dw.T, db), ["", "shape (2, 4) instead of (4, 2): it is transposed", ""]),
        (lambda dx, dw, db: (dx[:2], dw, db), ["shape (2, 4) instead of (3, 4)", "", ""]),
        (
            lambda dx, dw, db: (dw, dx, db),
            [
                "shape (4, 2) instead of (3, 4): this is the gradient of w",
                "shape (3, 4) instead of (4, 2): this is the gradient of x",
                "",
            ],
        ),
        (lambda dx, dw, db: (dx * np.nan, dw, db), ["NaN or infinity in 12 entries", "", ""]),
        (lambda dx, dw, db: (dx, dw, np.array([1, np.inf])), ["", "", "NaN or infinity in 1 entry"]),
        (lambda dx, dw, db: (dx, dw, np.array([1, 2])), ["", "", "wrong in every entry"]),
    ],
)
def test_gradients_that_are_none(change, readings):
    report = broken_fc(change)
    assert [row.reading for row in report.rows] == readings
    assert [row.passed for row in report.rows] == [not reading for reading in readings]
    with pytest.raises(AssertionError, match="Gradient check failed"):
        report.assert_ok()


def test_a_forward_that_cannot_be_nudged():
    def forward(x):
        with np.errstate(invalid="ignore"):
            return np.sqrt(x), x

    report = gradient_check(forward, lambda d, x: d / 2 / np.sqrt(np.maximum(x, 1)), (np.array([0.0, 4.0]),))
    assert report.rows[0].reading == "no slope in 1 entry: forward gives NaN or infinity after a small nudge"
    assert not report.passed


# --- side effects


def test_writing_to_the_arguments_is_seen():
    def masks_in_place(da, z):
        da[z <= 0] = 0
        return da

    report = gradient_check(lambda z: (np.maximum(z, 0), z), masks_in_place, (np.array([-1.0, 2.0]),))
    assert report.rows[0].reading == "backward writes to its upstream gradient"

    def updates(dz, cache):
        x, w = cache
        dx, dw = dz @ w.T, x.T @ dz
        w -= 0.1 * dw
        return dx, dw

    report = gradient_check(lambda x, w: (x @ w, (x, w)), updates, normal((2, 3), (3, 2)))
    assert report.rows[0].reading == "a second call of backward gives another answer"
    assert report.rows[1].reading == "backward writes to w"

    def forward(z):
        z[z < 0] = 0
        return z * 1.0, z > 0

    report = gradient_check(forward, lambda da, mask: da * mask, (np.array([-1.0, 2.0]),))
    assert report.rows[0].reading == "forward writes to z"


def test_the_callers_arrays_are_never_written_to():
    z = np.array([-1.0, 2.0])
    upstream = np.array([3.0, 4.0])

    def backward(da, cache):
        da *= 0
        cache *= 0
        return da

    gradient_check(lambda z: (np.maximum(z, 0), z), backward, (z,), upstream=upstream)
    assert z.tolist() == [-1.0, 2.0]
    assert upstream.tolist() == [3.0, 4.0]


def test_a_backward_that_remembers():
    total = []

    def adds_up(d, x):
        total.append(2 * x * d)
        return sum(total)

    report = gradient_check(lambda x: (x**2, x), adds_up, (np.array([1.0, 2.0]),))
    assert report.rows[0].reading == "a second call of backward gives another answer"
    kept = np.zeros(2)

    def adds_in_place(d, x):
        np.add(kept, 2 * x * d, out=kept)
        return kept

    report = gradient_check(lambda x: (x**2, x), adds_in_place, (np.array([1.0, 2.0]),))
    assert report.rows[0].reading == "a second call of backward gives another answer"
    once = [2.0]
    report = gradient_check(lambda x: (x**2, x), lambda d, x: once.pop() * x * d, (np.array([1.0, 2.0]),))
    assert report.rows[0].reading == "a second call of backward raises IndexError"


def test_a_forward_that_remembers_or_draws_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="two different answers to the same inputs"):
        gradient_check(lambda x: (x * rng.normal(size=3), None), lambda d, _: d, (np.ones(3),))


# --- what it accepts and what it refuses


def test_names_come_from_the_signature():
    arrays = normal((2, 3), (3, 2), (2,))
    assert [row.name for row in gradient_check(layers.fc_forward, layers.fc_backward, arrays).rows] == [
        "x",
        "w",
        "b",
    ]

    def forward(*arrays):
        return layers.fc_forward(*arrays)

    names = [row.name for row in gradient_check(forward, layers.fc_backward, arrays).rows]
    assert names == ["input 0", "input 1", "input 2"]


def test_a_mapping_of_inputs():
    x, w, b = normal((2, 3), (3, 2), (2,))

    def forward(**p):
        return layers.fc_forward(x, p["fc.w"], p["fc.b"])

    def backward(dz, cache):
        _, dw, db = layers.fc_backward(dz, cache)
        return {"fc.b": db, "fc.w": dw}

    report = gradient_check(forward, backward, {"fc.w": w, "fc.b": b})
    assert report.passed
    assert [row.name for row in report.rows] == ["fc.w", "fc.b"]
    missing = gradient_check(
        forward, lambda dz, cache: {"fc.w": backward(dz, cache)["fc.w"]}, {"fc.w": w, "fc.b": b}
    )
    assert [row.reading for row in missing.rows] == ["", "backward returned None"]


def test_one_array_needs_no_tuple():
    assert gradient_check(layers.relu_forward, layers.relu_backward, np.array([-1.0, 2.0])).passed


def test_a_loss_gets_a_number():
    seen = []

    def backward(dloss, z):
        seen.append(dloss)
        return 2 * z * dloss

    assert gradient_check(lambda z: ((z**2).sum(), z), backward, (np.arange(3.0),)).passed
    assert all(type(dloss) is float for dloss in seen)
    assert gradient_check(lambda z: ((z**2).sum(), z), backward, (np.arange(3.0),), upstream=1.0).passed
    assert seen[-1] == 1.0


def test_a_loss():
    y = np.array([1, 0])
    report = gradient_check(
        lambda z: layers.softmax_cross_entropy_forward(z, y),
        layers.softmax_cross_entropy_backward,
        normal((2, 3)),
    )
    assert report.passed


def test_float32_is_checked_in_float64():
    arrays = tuple(array.astype(np.float32) for array in normal((2, 3), (3, 2), (2,)))
    assert gradient_check(layers.fc_forward, layers.fc_backward, arrays).passed


def test_sampling():
    (x,) = normal((4, 12, 12, 3))
    calls = []

    def forward(x):
        calls.append(1)
        return layers.relu_forward(x)

    report = gradient_check(forward, layers.relu_backward, (x,), sample=30)
    assert report.passed
    assert report.rows[0].compared == 30
    assert len(calls) < 100
    assert "30 of 1728" in str(report)
    whole = gradient_check(layers.relu_forward, layers.relu_backward, (x,))
    assert whole.rows[0].compared == 500

    def zero_corner(da, cache):
        dz = layers.relu_backward(da, cache)
        dz[-1, -1, -1, -1] += 1
        return dz

    for seed in range(3):
        assert not gradient_check(layers.relu_forward, zero_corner, (x,), sample=32, seed=seed).passed


def test_the_seed_decides_upstream_and_sample():
    (x,) = normal((4, 12, 12, 3))

    def wrong(da, cache):
        return 1.5 * layers.relu_backward(da, cache)

    def row(seed):
        return gradient_check(layers.relu_forward, wrong, (x,), sample=30, seed=seed).rows[0]

    assert row(0) == row(0)
    assert row(0).analytic != row(1).analytic


@pytest.mark.parametrize(
    ("inputs", "options", "error", "message"),
    [
        ((np.array([1, 2]),), {}, TypeError, "z is int64, and whole numbers cannot be nudged"),
        ((np.array([True]),), {}, TypeError, "z is bool"),
        (([1.0, 2.0],), {}, TypeError, "z must be an array of floats, got a list of 2"),
        ((None,), {}, TypeError, "z must be an array of floats, got None"),
        ((np.array([1j]),), {}, TypeError, "z must be an array of floats, got complex128"),
        ((np.array(["a"]),), {}, TypeError, "z must be an array of floats"),
        ((np.array([1.0, np.nan]),), {}, ValueError, "z holds NaN or infinity"),
        ((), {}, ValueError, "inputs is empty"),
        (3.0, {}, TypeError, "inputs must be a tuple of arrays"),
        ({1: np.ones(2)}, {}, TypeError, "names in inputs must be strings"),
        ((np.ones(2),), {"upstream": np.ones(3)}, ValueError, "upstream must have the shape of the output"),
        ((np.ones(2),), {"upstream": np.zeros(2)}, ValueError, "upstream is zero everywhere"),
        ((np.ones(2),), {"method": "backward"}, ValueError, "method must be one of"),
        ((np.ones(2),), {"sample": 0}, ValueError, "sample must be at least 1"),
        ((np.ones(2),), {"sample": 2.0}, TypeError, "sample must be a whole number"),
        ((np.ones(2),), {"sample": True}, TypeError, "sample must be a whole number"),
        ((np.ones(2),), {"tolerance": 10}, ValueError, "must be above 0 and below 1"),
        ((np.ones(2),), {"tolerance": 0}, ValueError, "must be above 0 and below 1"),
        ((np.ones(2),), {"tolerance": "1e-7"}, TypeError, "tolerance must be a number, got str"),
        ((np.ones(2),), {"tolerance": np.nan}, ValueError, "must be above 0 and below 1"),
    ],
)
def test_bad_arguments(inputs, options, error, message):
    with pytest.raises(error, match=message):
        gradient_check(layers.relu_forward, layers.relu_backward, inputs, **options)


@pytest.mark.parametrize(
    ("forward", "error", "message"),
    [
        (lambda z: z * 2, TypeError, r"forward must return a pair \(out, cache\), got ndarray"),
        (lambda z: (z, z, z), TypeError, r"forward must return a pair \(out, cache\), got a tuple of 3"),
        (lambda z: None, TypeError, r"forward must return a pair \(out, cache\), got None"),
        (lambda z: (None, z), TypeError, "forward must return an array, got None"),
        (lambda z: ([1.0], z), TypeError, "forward must return an array, got a list of 1"),
        (lambda z: (z.astype(np.float32), z), TypeError, r"got float32, whose rounding .* \(net\.astype"),
        (lambda z: (z > 0, z), TypeError, "must return float64, got bool"),
        (lambda z: (z * np.inf, z), ValueError, "forward returned NaN or infinity"),
    ],
)
def test_bad_forward_functions(forward, error, message):
    with pytest.raises(error, match=message):
        gradient_check(forward, lambda d, z: d, (np.ones(2),))


def test_an_exception_under_a_nudge_says_so():
    y_hat = np.array([[1e-6, 1 - 1e-6]])
    with pytest.raises(ValueError, match="negative entry") as caught:
        gradient_check(
            lambda y_hat: layers.cross_entropy_forward(y_hat, [1]), layers.cross_entropy_backward, (y_hat,)
        )
    assert caught.value.__notes__ == [
        "gradient_check: forward accepts the input, but not with one entry nudged"
    ]


def test_an_exception_in_backward_is_the_learners_to_see():
    def backward(d, z):
        raise NotImplementedError("your turn")

    with pytest.raises(NotImplementedError, match="your turn"):
        gradient_check(lambda z: (z, z), backward, (np.ones(2),))


def test_a_report_without_rows_has_not_passed():
    assert not GradientReport([], "central", 1e-7).passed


def test_rows_hold_the_exact_numbers():
    report = gradient_check(
        lambda x: (x**2, x),
        lambda d, x: d * x * np.array([2, 2, 3]),
        (np.array([1.0, 2.0, 3.0]),),
        upstream=np.ones(3),
    )
    (row,) = report.rows
    assert row.name == "x"
    assert row.shape == (3,)
    assert row.worst_index == (2,)
    assert row.analytic == 9.0
    assert row.numeric == pytest.approx(6.0, abs=1e-8)
    assert row.relative_error == pytest.approx(1 / 3, abs=1e-8)
    assert row.compared == 3
    assert row.kinks == 0
    assert not row.passed


def test_tolerance_decides():
    def nearly(d, x):
        return d * 2 * x * (1 + 1e-5)

    inputs = (np.array([1.0, 2.0]),)
    assert not gradient_check(lambda x: (x**2, x), nearly, inputs).passed
    assert gradient_check(lambda x: (x**2, x), nearly, inputs, tolerance=1e-4).passed


# --- ties that get too much


@pytest.mark.parametrize("method", METHODS)
def test_a_gradient_handed_to_every_tie_is_seen(method):
    x = np.array([[1.0, 1.0, 0.0, 3.0], [0.0, -1.0, 2.0, 3.0]]).reshape(1, 2, 4, 1)

    def every_maximum(dz, x):
        z = layers.pool_forward(x)[0]
        return (x == z.repeat(2, 1).repeat(2, 2)) * dz.repeat(2, 1).repeat(2, 2)

    def forward(x):
        return layers.pool_forward(x)[0], x

    def the_last_maximum(dz, x):
        dx = layers.pool_backward(dz, layers.pool_forward(x[:, ::-1, ::-1])[1])
        return dx[:, ::-1, ::-1]

    def shared(dz, x):
        ties = x == layers.pool_forward(x)[0].repeat(2, 1).repeat(2, 2)
        number = layers.pool_forward(ties.astype(float), mode="average")[0].repeat(2, 1).repeat(2, 2) * 4
        return every_maximum(dz, x) / number

    report = gradient_check(forward, every_maximum, (x,), method=method)
    assert "entries that tie get more or less than their share" in report.rows[0].reading
    # Who among equals gets the gradient is a convention; that it is handed out once is not.
    upstream = np.array([0.7, 0.7]).reshape(1, 1, 2, 1)
    assert gradient_check(forward, the_last_maximum, (x,), method=method, upstream=upstream).passed
    assert gradient_check(forward, shared, (x,), method=method).passed
