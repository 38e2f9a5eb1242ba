"""holds and the ledger."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_helpers.checking import Held, clear_ledger, holds, ledger


@pytest.fixture(autouse=True)
def empty_ledger():
    clear_ledger()
    yield
    clear_ledger()


@pytest.mark.parametrize(
    ("lhs", "rhs", "options", "text"),
    [
        (np.arange(9).reshape(3, 3), np.arange(9).reshape(3, 3), {}, "(6.3) holds exactly: 9 entries"),
        ([1.0, 2.0], [1.0, 2.0 + 1e-13], {}, "(6.3) holds: 2 entries, to 1e-12"),
        (np.ones(2), np.ones(2, int), {}, "(6.3) holds: 2 entries, to 1e-12"),
        (3, 3, {}, "(6.3) holds exactly: 1 entry"),
        (0.1 + 0.2, 0.3, {}, "(6.3) holds: 1 entry, to 1e-12"),
        (0.5, 0.5, {"tolerance": 0}, "(6.3) holds exactly: 1 entry"),
        (1.0, 1.0005, {"tolerance": 1e-3}, "(6.3) holds: 1 entry, to 0.001"),
        (1e20, 1e20 * (1 + 1e-13), {}, "(6.3) holds: 1 entry, to 1e-12"),
        (1j, 1j, {}, "(6.3) holds: 1 entry, to 1e-12"),
        ([True, False], [1, 0], {}, "(6.3) holds exactly: 2 entries"),
        (
            np.array([2**63 + 1], np.uint64),
            np.array([2**63 + 1], np.uint64),
            {},
            "(6.3) holds exactly: 1 entry",
        ),
    ],
)
def test_what_holds(lhs, rhs, options, text, capsys):
    held = holds("6.3", lhs, rhs, **options)
    assert repr(held) == str(held) == text
    assert text in held._repr_html_()
    assert ledger() == (held,)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("lhs", "rhs", "options", "message"),
    [
        (
            [1, 2, 4],
            [1, 2, 3],
            {},
            r"\(6\.3\) does not hold at \(2,\): left 4, right 3 \(1 of 3 entries differ",
        ),
        (2**60 + 1, 2**60, {}, r"does not hold: left 1152921504606846977, right 1152921504606846976"),
        (np.array([0], np.uint8), np.array([1], np.uint8), {}, "left 0, right 1"),
        ([1.0, 2.0], [1.0, 2.1], {}, r"at \(1,\): left 2\.0, right 2\.1"),
        (
            [[1.0, 5.0]],
            [[2.0, 9.0]],
            {},
            r"at \(0, 0\): left 1\.0, right 2\.0 \(2 of 2 entries differ, compared to 1e-12",
        ),
        (1.0, 1.0 + 1e-11, {}, "does not hold: left 1.0"),
        (0.0, 1e-11, {}, "does not hold"),
        (1.0, 1.0 + 1e-15, {"tolerance": 0}, "compared exactly"),
        (3, 4, {"tolerance": 10}, "left 3, right 4"),
        ([1.0, 1.0], [1.0], {}, r"the left side has shape \(2,\), the right side \(1,\)"),
        (np.ones((1, 3)), np.ones(3), {}, "shape"),
        (np.ones(3), 1.0, {}, "shape"),
        ([], [], {}, "nothing to compare"),
        (np.zeros((0, 2)), np.zeros((0, 2)), {}, "nothing to compare"),
        ([np.nan], [np.nan], {}, r"the left side is not finite at \(0,\)"),
        (1.0, np.nan, {}, "the right side is not finite"),
        (np.inf, np.inf, {}, "not finite"),
        (1 + 1j, 1 - 1j, {}, "does not hold"),
    ],
)
def test_what_does_not_hold(lhs, rhs, options, message):
    with pytest.raises(AssertionError, match=message):
        holds("6.3", lhs, rhs, **options)
    assert ledger() == ()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((6.3, 1, 1), {}, TypeError, "tag must be the equation's number as text"),
        ((" ", 1, 1), {}, TypeError, "tag must be"),
        (("6.3", "1", "1"), {}, TypeError, r"the left side of \(6\.3\) must be numbers, got str"),
        (("6.3", 1, None), {}, TypeError, "the right side of .* must be numbers, got NoneType"),
        (("6.3", [[1], [1, 2]], 1), {}, TypeError, "must be numbers, got list"),
        (("6.3", np.array(["a"]), 1), {}, TypeError, "got ndarray of <U1"),
        (("6.3", 1, 1), {"tolerance": -1}, ValueError, "tolerance must be at least 0"),
        (("6.3", 1, 1), {"tolerance": np.nan}, ValueError, "tolerance must be at least 0"),
        (("6.3", 1, 1), {"tolerance": np.inf}, ValueError, "tolerance must be at least 0"),
        (("6.3", 1, 1), {"tolerance": True}, TypeError, "tolerance must be a number"),
    ],
)
def test_bad_arguments(arguments, options, error, message):
    with pytest.raises(error, match=message):
        holds(*arguments, **options)


def test_the_ledger_keeps_the_order_and_every_call():
    holds("0.2", 1, 1)
    holds("0.1", [1.0, 2.0], [1.0, 2.0])
    holds("0.2", 2, 2)
    assert [held.tag for held in ledger()] == ["0.2", "0.1", "0.2"]
    assert ledger()[1] == Held("0.1", (2,), 1e-12, 0.0)
    kept = ledger()
    clear_ledger()
    assert ledger() == ()
    assert len(kept) == 3


@given(
    seed=st.integers(0, 10**6),
    shape=st.lists(st.integers(1, 3), max_size=3),
    scale=st.sampled_from([1e-9, 1.0, 1e9]),
    tolerance=st.sampled_from([1e-12, 1e-6]),
)
def test_the_tolerance_is_relative_above_one_and_absolute_below(seed, shape, scale, tolerance):
    rng = np.random.default_rng(seed)
    rhs = np.asarray(rng.normal(size=shape) * scale)
    allowed = tolerance * np.maximum(1, np.abs(rhs))
    if tolerance * max(1, scale) > 1e-15 * scale * 1e3:
        holds("1.1", rhs + 0.5 * allowed, rhs, tolerance=tolerance)
    index = tuple(rng.integers(0, n) for n in rhs.shape)
    lhs = rhs.copy()
    lhs[index] += 2 * allowed[index]
    with pytest.raises(AssertionError):
        holds("1.1", lhs, rhs, tolerance=tolerance)
