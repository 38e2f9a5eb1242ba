"""The kill matrix: every mistake is seen by every oracle that applies, and the matrix itself can fail."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from backprop_helpers import layers
from backprop_helpers.checking import misconceptions
from backprop_helpers.checking.misconceptions import ORACLES as DESCRIPTIONS
from backprop_helpers.checking.misconceptions._catalogue import USUAL_ORACLES
from benchmarks import kill_matrix as benchmark
from benchmarks.oracles import ORACLES, TOGETHER, Mistake, Oracle, judge
from benchmarks.oracles import _loops as loops
from benchmarks.oracles import _pytorch as pytorch
from benchmarks.oracles import _scipy as scipy_key
from benchmarks.oracles._judge import NothingToCompare

MISTAKES = {mistake.name: mistake for mistake in [*misconceptions.values(), *TOGETHER]}
ONE_OF_EACH = {mistake.function: name for name, mistake in misconceptions.items()}.values()


@pytest.fixture(scope="module")
def rows():
    """The whole matrix, exercises included: asked once."""
    return benchmark.kill_matrix()


def verdicts(row, *outcomes):
    return {name: verdict for name, verdict in row.verdicts.items() if verdict.outcome in outcomes}


# --- what the matrix says


def test_every_mistake_is_seen_by_every_oracle_that_applies(rows):
    missing = [name for name, verdict in rows[0].verdicts.items() if verdict.outcome == "not installed"]
    for row in rows:
        assert set(verdicts(row, "killed")) == set(row.mistake.oracles) - set(missing), row.name
        assert not row.survived, (row.name, row.survived)


def test_the_totals(rows):
    totals = benchmark.totals(rows)
    assert totals.mistakes == len(misconceptions) >= 120
    assert totals.together == len(TOGETHER) >= 3
    least = 600 if verdicts(rows[0], "not installed") else 700  # PyTorch has 124
    assert totals.killed == totals.asked == sum(len(verdicts(row, "killed")) for row in rows) > least
    assert totals.survived == totals.unseen == totals.passed == 0
    assert totals.is_good


def test_nearly_all_are_recognised_by_name(rows):
    totals = benchmark.totals(rows)
    assert totals.in_exercises >= 0.9 * totals.mistakes
    assert totals.by_name >= 0.9 * totals.in_exercises
    assert totals.by_name + totals.located == totals.in_exercises


def test_every_blind_spot_has_a_reason_and_somebody_who_sees_it(rows):
    for row in rows:
        assert verdicts(row, "killed"), row.name
        for name, verdict in verdicts(row, "blind").items():
            assert len(verdict.reason) > 10, (row.name, name)
            assert "rejects the right" not in verdict.reason, (row.name, name)
    lines = benchmark.blind_spots(rows)
    assert all(". Seen by: " in line and not line.endswith(": ") for line in lines)


def test_where_the_gradient_check_is_blind(rows):
    blind = {row.name for row in rows if row.verdicts["gradient check"].outcome == "blind"}
    assert blind == {
        *(name for name, bug in misconceptions.items() if bug.function in ("sgd_step", "initial_weights")),
        *(name for name in misconceptions if name.startswith("pool.tie")),  # a slope may pay any one
        *(mistake.name for mistake in TOGETHER),
    }
    for row in rows:
        if row.name in blind:
            assert {"reference", "exact integers", "first loss"} & set(verdicts(row, "killed"))


# --- the matrix can fail


def acquitted(mistake):
    """The right implementation, as if it were the mistake."""
    mistake = Mistake.of(mistake) if not isinstance(mistake, Mistake) else mistake
    return replace(mistake, wrong=mistake.right)


@pytest.mark.parametrize("name", [*ONE_OF_EACH, *(mistake.name for mistake in TOGETHER)])
def test_a_right_implementation_is_reported_as_a_survivor(name):
    (row,) = benchmark.kill_matrix([acquitted(MISTAKES[name])], exercises=False)
    installed = {o for o in MISTAKES[name].oracles if row.verdicts[o].outcome != "not installed"}
    assert set(row.survived) == installed
    totals = benchmark.totals([row])
    assert totals.survived == len(installed)
    assert totals.killed == 0
    assert totals.unseen == 1
    assert not totals.is_good
    assert "✗" in benchmark.as_text([row])
    assert "✗" in benchmark.as_markdown([row])


def test_the_exit_status_tells(monkeypatch, capsys):
    found = benchmark.kill_matrix([misconceptions["relu.no_mask"]])
    survivor = benchmark.kill_matrix([acquitted(misconceptions["relu.no_mask"])], exercises=False)
    monkeypatch.setattr(benchmark, "kill_matrix", lambda: found)
    assert benchmark.main([]) == 0
    monkeypatch.setattr(benchmark, "kill_matrix", lambda: survivor)
    assert benchmark.main([]) == 1
    assert "survived" in capsys.readouterr().out


def test_an_oracle_that_rejects_everything_has_no_say():
    grumbler = Oracle("reference", frozenset({"relu_backward"}), lambda trial: "I do not like it", "nothing")
    verdict = judge(misconceptions["relu.no_mask"], grumbler)
    assert verdict == ("blind", "rejects the right version too: I do not like it")


def test_an_oracle_that_compares_nothing_has_no_say():
    def empty(trial):
        raise NothingToCompare

    oracle = Oracle("reference", frozenset({"relu_backward"}), empty, "nothing")
    assert judge(misconceptions["relu.no_mask"], oracle) == ("survived", "nothing is left to compare")


def test_inputs_without_entries_are_nothing_to_compare():
    empty = replace(Mistake.of(misconceptions["relu.no_mask"]), example=lambda: (np.zeros((0, 3)),))
    for oracle in ("reference", "exact integers"):
        assert judge(empty, oracle).outcome == "survived"


def test_an_error_on_legal_input_counts_as_seen():
    verdict = judge(misconceptions["conv.square_slices"], "adjoint identity")
    assert verdict == ("killed", "raises ValueError on legal input")


def test_an_oracle_that_is_not_installed_says_so():
    missing = replace(ORACLES["PyTorch"], available=lambda: False)
    assert judge(misconceptions["relu.no_mask"], missing).outcome == "not installed"
    assert judge(misconceptions["training.bias_never_updated"], missing).outcome == "not applicable"


def test_reasons_give_the_place():
    assert judge(misconceptions["fc.bias_averaged"], "reference").reason.startswith("db[0] is ")
    assert judge(misconceptions["conv.no_dx"], "SciPy").reason == "dx is missing"
    assert "instead of (1, 1, 2, 1)" in judge(misconceptions["conv.height_for_width"], "reference").reason
    assert "it writes to its arguments" == judge(
        misconceptions["training.updates_inside_backward"], "repeatability"
    ).reason  # fmt: skip


# --- the answer keys


def test_oracles_are_described():
    assert set(ORACLES) == set(DESCRIPTIONS)
    assert set(USUAL_ORACLES) == {bug.function for bug in misconceptions.values()}
    for oracle in ORACLES.values():
        assert oracle.blind_to
        assert oracle.functions


GENERAL = [
    {"stride": 1, "padding": "valid", "dilation": 1},
    {"stride": (2, 1), "padding": "same", "dilation": (1, 2)},
    {"stride": (2, 3), "padding": (1, 0), "dilation": 1},
    {"stride": 2, "padding": 2, "dilation": 2},
]
KEYS = {"loops": loops, "scipy": scipy_key, "pytorch": pytorch}


def near(a, b):
    a, b = (r if isinstance(r, tuple) else (r,) for r in (a, b))
    for got, wanted in zip(a, b, strict=True):
        np.testing.assert_allclose(np.asarray(got, float), wanted, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("key", KEYS)
def test_the_keys_agree_with_the_layers(key, request):
    if key == "pytorch":
        request.getfixturevalue("require_tool")("torch")
    key, rng = KEYS[key], np.random.default_rng(3)
    x, w, b = rng.normal(size=(2, 6, 7, 2)), rng.normal(size=(2, 3, 2, 2)), rng.normal(size=2)
    for options in GENERAL:
        z, cache = layers.conv_forward(x, w, b, **options)
        dz = rng.normal(size=z.shape)
        near(key.conv_forward(x, w, b, **options), z)
        near(key.conv_backward(dz, x, w, **options), layers.conv_backward(dz, cache))
    for size, stride in [(2, 2), ((3, 2), (1, 3)), (3, (2, 1)), ((1, 2), 1)]:
        for mode in ("max", "average"):
            options = {"size": size, "stride": stride, "mode": mode}
            z, cache = layers.pool_forward(x, **options)
            dz = rng.normal(size=z.shape)
            near(key.pool_forward(x, **options), z)
            if hasattr(key, "pool_backward"):
                near(key.pool_backward(dz, x, **options), layers.pool_backward(dz, cache))
    scores, labels = rng.normal(size=(4, 3)), np.array([0, 2, 1, 1])
    y_hat, cache = layers.softmax_forward(scores)
    _, of_loss = layers.softmax_cross_entropy_forward(scores, labels)
    near(key.softmax_forward(scores), y_hat)
    near(
        key.softmax_cross_entropy_backward(scores, labels),
        layers.softmax_cross_entropy_backward(1.0, of_loss),
    )
    if hasattr(key, "softmax_backward"):
        upstream = rng.normal(size=y_hat.shape)
        near(key.softmax_backward(upstream, y_hat), layers.softmax_backward(upstream, cache))
        _, cache = layers.cross_entropy_forward(y_hat, labels)
        near(key.cross_entropy_backward(y_hat, labels), layers.cross_entropy_backward(1.0, cache))


def test_fractions_are_exact():
    w, _ = loops.sgd_step(*map(loops.exactly, ([[0.1]], [0.2], [[3.0]], [0.5], 0.5)))
    assert w[0, 0] == Fraction(0.1) - Fraction(3, 2)
    assert w[0, 0] != 0.1 - 1.5 - 1e-16


# --- in the guide


def test_the_table_goes_between_the_markers():
    marker = benchmark.MARKER
    text = f"before\n{marker}\nold\n{marker}\nafter\n"
    once = benchmark.between_markers(text, "| new |\n")
    assert once == f"before\n{marker}\n\n| new |\n\n{marker}\nafter\n"
    assert benchmark.between_markers(once, "| new |\n") == once
    with pytest.raises(ValueError, match="twice"):
        benchmark.between_markers("no marker", "| new |\n")


def test_the_guide_is_in_step(rows, require_tool):
    require_tool("torch")  # one of the columns
    if not benchmark.GUIDE.exists():
        pytest.skip("the kill matrix in the teacher's guide (there is no guide)")
    text = benchmark.GUIDE.read_text(encoding="utf-8")
    assert text == benchmark.between_markers(text, benchmark.as_markdown(rows)), (
        "run python -m benchmarks.kill_matrix --markdown"
    )


def test_markdown_has_a_row_for_each_mistake(rows):
    text = benchmark.as_markdown(rows)
    for row in rows:
        assert text.count(f"| `{row.name}` |") == 1
    for line in benchmark.summary(rows):
        assert line in text
