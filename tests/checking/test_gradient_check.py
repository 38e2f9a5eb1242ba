"""gradient_check: right layers pass, kinks are left out, whatever is no gradient is a clear failure."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backprop_helpers import layers
from backprop_helpers.checking import gradient_check, numerical_gradient
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
    return row.kinks == np.prod(row.shape) and row.passed is None


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
        assert row.passed is not False, report


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


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("score", [8.0, 10.0, 12.0, 14.0, 16.0])
def test_a_saturated_softmax_is_as_right_as_its_rounding(score, method):
    """What is left of the gradient is a difference of numbers a million times as large."""
    z = np.array([[0.3, -0.2, score]])
    for seed in range(12):
        report = gradient_check(
            layers.softmax_forward, layers.softmax_backward, (z,), method=method, seed=seed
        )
        assert report.passed, report


def test_curves_are_no_kinks():
    # Slope zero with curvature, and slope zero without: x² and x³ at 0.
    for power in (2, 3, 4):
        report = gradient_check(
            lambda x, n=power: (x**n, x),
            lambda d, x, n=power: d * n * x ** (n - 1),
            (np.array([0.0, 1e-9, 1.0]),),
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
    assert report.passed is None
    assert not report
    assert str(report).startswith("Gradient check undecided: 0 of 1 gradient right")
    assert (
        "–  nothing to compare: take random numbers, away from kinks and ties; 4 entries sit on a kink"
        in str(report)
    )
    with pytest.raises(AssertionError, match="undecided"):
        report.assert_ok()
    equal = gradient_check(layers.pool_forward, layers.pool_backward, (np.ones((1, 4, 4, 1)),), method=method)
    assert only_kinks(equal)


def test_an_empty_input():
    report = gradient_check(
        lambda x: (x * 2, None), lambda d, _: d * 2, (np.zeros((0, 3)),), upstream=np.zeros((0, 3))
    )
    assert report.rows[0].reading == "nothing to compare: it has no entries"
    assert report.passed is None


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
        (lambda dx, dw, db: (dx, "dw", db), ["", "backward returned 'dw' (str), not an array", ""]),
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
        (
            lambda dx, dw, db: (dx, dw, np.array([1, 2])),
            ["", "", "the upstream gradient is not used (or not its size)"],
        ),
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
    assert 1.0 in seen


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
        ((np.ones(2),), {"tolerance": "1e-7"}, TypeError, r"tolerance must be a number, got '1e-7' \(str\)"),
        ((np.ones(2),), {"tolerance": np.nan}, ValueError, "must be above 0 and below 1"),
    ],
)
def test_bad_arguments(inputs, options, error, message):
    with pytest.raises(error, match=message):
        gradient_check(layers.relu_forward, layers.relu_backward, inputs, **options)


@pytest.mark.parametrize(
    ("forward", "error", "message"),
    [
        (lambda z: z * 2, TypeError, r"forward must return a pair \(out, cache\), got an array of shape"),
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


def routed(*shares):
    """A max pool on one window of two tied pixels, whose backward pays them these shares; and the window."""

    def backward(dz, x):
        dx = np.zeros(x.shape)
        dx[0, 0, :, 0] = np.multiply(shares, dz[0, 0, 0, 0])
        return dx

    window = np.array([[2.0, 2.0], [0.5, 1.0]]).reshape(1, 2, 2, 1)
    return lambda x: (layers.pool_forward(x)[0], x), backward, (window,)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shares", [(1, 0), (0, 1), (0.5, 0.5), (0.3, 0.7)])
def test_any_share_of_a_tie_is_right(shares, method):
    assert gradient_check(*routed(*shares), method=method).passed


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shares", [(-2, 3), (3, -2), (-0.1, 1.1)])
def test_a_tied_entry_lies_between_its_one_sided_slopes(shares, method):
    """The sum alone is right."""
    upstream = np.ones((1, 1, 1, 1))
    (row,) = gradient_check(*routed(*shares), method=method, upstream=upstream).rows
    assert row.passed is False
    assert row.reading == (
        "on a kink the gradient lies between the slopes on its two sides: "
        f"at (0, 0, 0, 0) got {shares[0]}, expected 0 to 1"
    )


def test_a_window_of_equals_is_wrong_if_they_are_paid_wrongly():
    forward, _, _ = routed(1, 0)
    equal = np.ones((1, 2, 2, 1))
    right = gradient_check(forward, routed(1, 0)[1], (equal,))
    assert right.passed is None
    assert gradient_check(forward, routed(-2, 3)[1], (equal,)).passed is False
    assert gradient_check(forward, routed(1, 1)[1], (equal,)).passed is False


def test_at_zero_relu_has_any_slope_from_0_to_1():
    z = np.array([0.0, 1.0, -1.0])

    def backward(slope):
        return lambda da, z: da * np.where(z == 0, slope, z > 0)

    for slope, passed in ((0, True), (0.5, True), (1, True), (2, False), (-1, False)):
        report = gradient_check(lambda z: (np.maximum(z, 0), z), backward(slope), (z,))
        assert report.passed is passed, slope


def test_kinks_of_both_kinds_in_one_output_accuse_nobody():
    """relu(2 x) − relu(−x), made of ReLU's own gradient, says 0 at 0; its two slopes there are 2 and 1."""
    w = np.array([[2.0, -1.0], [0.5, 3.0]])
    c = np.array([1.0, -1.0])

    def forward(x):
        a, cache = layers.relu_forward(x @ w)
        return a @ c, cache

    def backward(dout, cache):
        return layers.relu_backward(dout[:, None] * c, cache) @ w.T

    report = gradient_check(forward, backward, (np.array([[0.0, 0.0], [1.0, 2.0]]),))
    assert report.rows[0].kinks == 2
    assert report.passed, report


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), share=st.sampled_from(["first", "last", "equal"]))
def test_no_convention_for_ties_is_called_wrong(seed, share):
    """Windows that overlap, entries that tie in several of them, upstream gradients of both signs."""
    x = np.random.default_rng(seed).integers(0, 3, (1, 4, 3, 2)).astype(float)

    def backward(dz, x):
        dx = np.zeros(x.shape)
        for m, i, j, c in np.ndindex(dz.shape):
            window, out = x[m, i : i + 2, j : j + 2, c], dx[m, i : i + 2, j : j + 2, c]
            tied = np.argwhere(window == window.max())
            tied = {"first": tied[:1], "last": tied[-1:], "equal": tied}[share]
            for u, v in tied:
                out[u, v] += dz[m, i, j, c] / len(tied)
        return dx

    report = gradient_check(lambda x: (layers.pool_forward(x, stride=1)[0], x), backward, (x,), seed=seed)
    assert report.passed is not False, report


# --- backward is linear in its upstream gradient


def fc_with(change):
    """fc whose backward changes its upstream gradient first."""
    return gradient_check(
        layers.fc_forward,
        lambda dz, cache: layers.fc_backward(change(dz), cache),
        normal((3, 4), (4, 2), (2,)),
    )


def test_clipping_inside_backward_is_found():
    x, w, b = fc_with(lambda dz: np.clip(dz, -5, 5)).rows
    assert (x.passed, w.passed, b.passed) == (False, False, False)
    assert "is it clipped or rescaled inside?" in x.reading
    assert b.reading == "clipped at 5 inside backward, which must be linear in its upstream gradient"
    inputs = (np.array([-1.0, 2.0, 3.0, 0.5]),)
    report = gradient_check(
        layers.relu_forward, lambda da, c: layers.relu_backward(np.clip(da, -3, 3), c), inputs
    )
    assert report.rows[0].reading.startswith("clipped at 3 inside backward")


def test_rescaling_inside_backward_is_found():
    """Clipping by the norm of everything."""
    rows = fc_with(lambda dz: dz * min(1, 5 / np.linalg.norm(dz))).rows
    for row in rows:
        assert row.passed is False
        assert row.reading == (
            "2²⁷ times the upstream gradient gives 5.35 times this: it is clipped or rescaled inside backward"
        )


def test_a_large_upstream_gradient_may_overflow_or_raise():
    def overflows(dz):
        return np.where(np.abs(dz) > 30, np.inf, dz)

    assert fc_with(overflows).rows[2].reading == "2²⁷ times the upstream gradient gives NaN or infinity"

    def raises(dz):
        if np.abs(dz).max() > 30:
            raise FloatingPointError
        return dz

    text = "backward with 2²⁷ times the upstream gradient raises FloatingPointError"
    assert [row.reading for row in fc_with(raises).rows] == [text] * 3


def test_an_upstream_gradient_that_is_not_used():
    def ones(da, cache):
        return layers.relu_backward(np.ones_like(da), cache)

    report = gradient_check(layers.relu_forward, ones, normal((3, 2)))
    assert report.rows[0].reading == "the upstream gradient is not used (or not its size)"
    # Divided by its own norm it is used, but not its size.
    assert fc_with(lambda dz: dz / np.linalg.norm(dz)).rows[0].reading == report.rows[0].reading


def test_backward_in_single_precision_is_linear_enough():
    def backward(dz, cache):
        return tuple(
            gradient.astype(float)
            for gradient in layers.fc_backward(
                dz.astype(np.float32), cache._replace(x=cache.x.astype(np.float32))
            )
        )

    report = gradient_check(layers.fc_forward, backward, normal((30, 40), (40, 20), (20,)), tolerance=1e-4)
    assert report.passed, report


# --- shapes first


def test_a_number_is_no_array_of_one():
    for shape in ((1,), (1, 1)):
        report = gradient_check(
            lambda b: (b * np.ones((3, 1)), None), lambda d, _: d.sum(), (np.ones(shape),)
        )
        assert report.passed is False
        assert report.rows[0].compared == 0
        assert report.rows[0].reading == f"shape () instead of {shape}: the numbers are right"


def test_a_sum_that_is_missing():
    def not_summed(dz, cache):
        return *layers.fc_backward(dz, cache)[:2], dz

    def reading(M):
        return gradient_check(layers.fc_forward, not_summed, normal((M, 4), (4, 2), (2,))).rows[2].reading

    assert reading(3) == "shape (3, 2) instead of (2,): it is not summed over axis 0"
    assert (
        reading(1) == "shape (1, 2) instead of (2,): is the sum over axis 0 missing? One example cannot tell"
    )


# --- a complex step needs an analytic function


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda x: x * np.conj(x), lambda x: 2 * x),
        (lambda x: x * np.abs(x), lambda x: 2 * np.abs(x)),
        (lambda x: 3 * np.conj(x), lambda x: 3 + 0 * x),
        (lambda x: x.real + 0 * x, lambda x: 1 + 0 * x),
        (lambda x: x * np.conj(x), lambda x: 0 * x),
    ],
)
def test_a_function_that_is_not_analytic_is_refused(f, slope):
    inputs = (np.array([1.0, -2.0, 0.5]),)
    with pytest.raises(ValueError, match="takes complex numbers but is not analytic"):
        gradient_check(lambda x: (f(x), x), lambda d, x: d * slope(x), inputs, method="complex")
    with pytest.raises(ValueError, match="takes complex numbers but is not analytic"):
        numerical_gradient(f, *inputs, upstream=np.array([1.0, 2.0, 4.0]), method="complex")


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_steep_curves_and_kinks_near_by_are_analytic_enough(scale):
    x = np.linspace(-1, 1, 21) + 1e-6
    for f in (lambda x: np.sin(500 * x) * scale, lambda x: np.where(x > 0, x, 0) ** 2 * scale, np.exp):
        numerical_gradient(lambda x, f=f: f(x).sum(), x, method="complex")
    numerical_gradient(lambda x: layers.relu_forward(x * scale)[0].sum(), x, method="complex")


def of_matrix(forward, backward, z):
    return gradient_check(lambda z: (forward(z), z), backward, (z,))


@pytest.mark.parametrize("limit", [1e4, 1e5])
def test_a_limit_far_above_the_gradients_is_found(limit):
    report = of_matrix(lambda z: 2 * z, lambda d, z: np.clip(2 * d, -limit, limit), np.ones((2, 3)))
    assert report.rows[0].reading.startswith(f"clipped at {limit:.0f} inside backward")


def test_a_sample_says_how_much_of_the_gradient_it_saw():
    z = np.random.default_rng(0).normal(size=(40, 60))
    report = of_matrix(lambda z: z**2, lambda d, z: 2 * z * d, z)
    assert report.passed
    assert "right in the 500 of 2400 looked at" in str(report)


def test_slopes_below_the_rounding_decide_nothing():
    tiny = of_matrix(lambda z: 1e-14 * z, lambda d, z: 5e-15 * d, np.ones((2, 3)))
    saturated = of_matrix(layers.softmax, lambda d, z: 0 * d, 40 * np.eye(3))
    dead = of_matrix(lambda z: np.maximum(z, 0), lambda d, z: d * (z > 0), -np.ones((2, 3)))
    assert tiny.passed is saturated.passed is None
    assert "undecided" in tiny.rows[0].reading
    assert dead.passed


@pytest.mark.parametrize("k", [1e2, 1e3, 1e4, 1e5, 1e6])
def test_steep_curves_have_slopes(k):
    x = np.random.default_rng(1).normal(size=(4, 3))
    right = of_matrix(lambda z: np.sin(k * z), lambda d, z: k * d * np.cos(k * z), x)
    assert right.passed, right
    assert right.rows[0].kinks == 0
    wrong = of_matrix(lambda z: np.sin(k * z), lambda d, z: 1.01 * k * d * np.cos(k * z), x)
    assert wrong.passed is False


def test_large_arguments_of_a_curve_have_slopes():
    report = of_matrix(np.sin, lambda d, z: d * np.cos(z), np.array([1e6, 2e6, -3e6]))
    assert report.passed
    assert report.rows[0].kinks == 0


def test_a_small_slope_is_not_called_zero():
    sizes = np.array([1e3, 1, 1e-6])
    report = of_matrix(lambda z: sizes * z, lambda d, z: d * sizes * [1, 1, 2], np.ones((3, 3)))
    assert report.rows[0].reading == "wrong in column 2 only (2 times too large there)"


def test_what_is_added_everywhere_is_not_told_of_one_entry():
    x = np.random.default_rng(1).normal(size=(4, 3))
    report = of_matrix(lambda z: z**2 / 2, lambda d, z: d * z + 1e-7, x)
    assert report.rows[0].reading == "off by 1e-7 in every entry: is a number added?"


def test_gradients_may_come_from_a_generator():
    x, w, b = np.ones((4, 3)), np.ones((3, 2)), np.ones(2)

    def backward(dz, cache):
        return (gradient for gradient in layers.fc_backward(dz, cache))

    assert gradient_check(layers.fc_forward, backward, (x, w, b)).passed


def test_two_is_not_taken_for_the_number_of_examples():
    z = np.random.default_rng(1).normal(size=(2, 3))
    assert of_matrix(lambda z: z**2, lambda d, z: d * z, z).rows[0].reading == "2 times too small"
    z = np.random.default_rng(1).normal(size=(4, 3))
    assert "M" in of_matrix(lambda z: z**2, lambda d, z: 8 * d * z, z).rows[0].reading
