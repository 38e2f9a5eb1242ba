"""The stage of planted bugs: what Python records of every check's verdict."""

import pytest

from backprop_helpers.checking import gradient_check, misconceptions
from backprop_helpers.views.stage import BugStage, bugs
from backprop_helpers.views.stage._base import COMMITTED

WEAK = [check.name for check in misconceptions.for_layer("check")]


def mark_of(marks, check):
    return marks[WEAK.index(check)]


def test_every_layer_of_the_catalogue_has_bugs():
    assert {bug.layer for bug in misconceptions.values()} - {"training", "check"} == set(bugs.LAYERS)
    assert all(bugs.bugs_of(layer) for layer in bugs.LAYERS)


@pytest.mark.parametrize("layer", bugs.LAYERS)
def test_our_check_sees_each_of_them(layer):
    assert [bug.name for bug in bugs.bugs_of(layer) if not bugs.recorded(bug.name)["ours"]] == []


@pytest.mark.parametrize("weak", WEAK)
def test_each_weak_check_is_fooled_by_something(weak):
    record = bugs.recorded(misconceptions[weak].lets_through.name)
    assert mark_of(record["seen"], weak) == "0"


def test_a_bug_is_recorded(capsys):
    record = bugs.recorded.__wrapped__("relu.mask_from_gradient")
    assert record["lines"] == ["−     dz = da * (z > 0)", "+     dz = da * (da > 0)"]
    assert mark_of(record["seen"], "check.prints_only") == "0"
    assert mark_of(bugs.recorded("relu.no_mask")["seen"], "check.upstream_of_ones") == "1"
    assert record["alarms"] == "0" * len(WEAK)
    bug = misconceptions["relu.mask_from_gradient"]
    assert record["report"] == str(gradient_check(*bug.pair(), bug.smallest_input())).splitlines()
    assert capsys.readouterr().out == ""


def test_on_a_tie_a_check_that_knows_no_kinks_cannot_tell():
    record = bugs.recorded("pool.every_tie")
    assert mark_of(record["alarms"], "check.upstream_of_ones") == "1"
    assert mark_of(record["alarms"], "check.prints_only") == "0"


def test_shows():
    stage = BugStage(layers=["flatten"])
    assert repr(stage) == "BugStage(relu.mask_from_output)"
    data, _ = stage._repr_mimebundle_()
    assert data[COMMITTED]["composition"] == "plantedBug"
    assert [layer["layer"] for layer in stage.options["layers"]] == ["relu", "flatten"]
    stage.bug = "flatten.column_by_column"
    assert "column by column" in stage.twin().alt
    with pytest.raises(ValueError, match="bug must be one of those recorded"):
        stage.bug = "conv.x"


def test_the_four_layers_of_the_default_fit_into_the_file():
    assert COMMITTED in BugStage()._repr_mimebundle_()[0]


@pytest.mark.parametrize(
    ("bug", "layers", "message"),
    [
        ("relu.nothing", (), "bug must be a layer's bug that a gradient check sees; got 'relu.nothing'"),
        ("check.prints_only", (), "bug must be a layer's bug"),
        ("relu.no_mask", ["dense"], "layers may be fc, relu, .*; got 'dense'"),
    ],
)
def test_refuses(bug, layers, message):
    with pytest.raises(ValueError, match=message):
        BugStage(bug, layers=layers)
