"""The explorers' frame: arithmetic, alert, ranges."""

import pytest

from backprop_helpers.views import explorers
from backprop_helpers.views.explorers._base import (
    INKS_ON_DARK,
    UNDERLINES,
    Explorer,
    Mark,
    guarded,
    style_sheet,
)
from backprop_helpers.views.plots import ACCENTS


class Small(Explorer):
    def __init__(self, **options):
        super().__init__(title="a < b", summary="Small(): run the cell to use it", parts=[], **options)

    @guarded
    def divide(self, by):
        self.write(f"1/{by} = {1 / by}")

    @guarded
    def inner_fails(self):
        self.divide(0)
        self.write("after")

    @guarded
    def inner_recovers(self):
        self.divide(1)
        raise KeyError("late")


def test_what_a_callback_raises_is_shown_until_the_next_success():
    small = Small()
    small.divide(0)
    assert small.alert_text == "ZeroDivisionError: division by zero"
    assert "division by zero" in small.alert.value
    assert 'role="alert"' in small.alert.value
    small.divide(2)
    assert (small.alert_text, small.alert.value, small.last_error) == ("", "", None)


def test_a_failure_inside_a_callback_is_not_cleared_by_the_outer_one():
    small = Small()
    small.inner_fails()
    assert small.arithmetic_text == "after"
    assert small.alert_text.startswith("ZeroDivisionError")
    small.inner_recovers()
    assert small.alert_text == "KeyError: 'late'"


def test_arithmetic_is_escaped_and_marked():
    small = Small()
    small.write(["a < ", Mark("3", "blue"), " & ", [Mark("4", "green", strong=True)]], "next")
    assert small.arithmetic_text == "a < 3 & 4\nnext"
    assert 'a &lt; <span class="bp-blue">3</span> &amp; <span class="bp-green bp-strong">4</span>\nnext' in (
        small.arithmetic.value
    )


def test_the_text_form_is_stable_and_short():
    assert repr(Small()) == "Small(): run the cell to use it"
    with pytest.raises(ValueError, match="at most 110 characters; got 111"):
        Explorer(title="", summary="x" * 111, parts=[])


def test_the_height_of_the_arithmetic_is_fixed():
    assert Small(lines=3).arithmetic.layout.height == "80px"


def test_every_accent_has_an_ink_for_dark_themes_and_an_underline():
    assert set(INKS_ON_DARK) == set(UNDERLINES) == set(ACCENTS)
    assert all(f".bp-{name} " in style_sheet() for name in ACCENTS)


def test_explorers_are_loaded_when_asked_for():
    assert "CheckExplorer" in dir(explorers)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'; it has Check"):
        _ = explorers.Nothing
