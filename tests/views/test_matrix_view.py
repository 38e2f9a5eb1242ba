"""MatrixView without a browser: what it refuses, what it sends, what explorers observe."""

import doctest
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_helpers.views import matrix_view
from backprop_helpers.views.matrix_view import Highlight, MatrixView, colors, fitted
from backprop_helpers.views.plots import _style

X = [[3, 1, 2], [0, 4, 1], [5, 2, 6]]


@pytest.fixture
def view():
    return MatrixView(X, title="X")


def messages(view):
    """The states sent to the browser from now on, one entry a message."""
    sent = []
    view._send = lambda message, buffers=None: sent.append(message["state"] | {"buffers": buffers})
    return sent


def seen(view, name="active"):
    """What an observer of `name` hears from now on."""
    heard = []
    view.observe(lambda change: heard.append(change.new), name)
    return heard


class TestValues:
    @pytest.mark.parametrize(
        ("values", "kind", "message"),
        [
            (np.zeros(3), ValueError, r"MatrixView: values must be \(rows, columns\) or .*shape is \(3,\)"),
            (np.zeros((1, 2, 3, 4)), ValueError, "shape is"),
            (np.zeros((0, 3)), ValueError, "values is empty"),
            (np.ones((2, 2)) * 1j, TypeError, "values must hold real numbers; its dtype is complex128"),
            ([["a"]], TypeError, "values must hold real numbers"),
            (np.zeros((257, 256)), ValueError, r"at most 65,536 cells.*\(257, 256\) has 65,792"),
            (np.zeros((1, 5000)), ValueError, "4,096 a side"),
            (np.zeros((2, 2, 300)), ValueError, "at most 256 channels"),
        ],
    )
    def test_refused_at_first_and_later(self, view, values, kind, message):
        with pytest.raises(kind, match=message):
            MatrixView(values)
        with pytest.raises(kind, match=message):
            view.values = values
        assert np.array_equal(view.values, X), "a refused matrix leaves the old one in place"

    @pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, np.float64])
    def test_dtypes(self, dtype):
        view = MatrixView(np.eye(3).astype(dtype))
        assert view.values.dtype == dtype
        assert np.frombuffer(view._data).reshape(3, 3).tolist() == np.eye(3).tolist()
        assert view._texts == list("100010001")

    def test_bad_values_are_named(self):
        view = MatrixView([[np.nan, np.inf], [-np.inf, 1]])
        assert view._texts[:3] == ["NaN", "∞", "−∞"]
        assert view._scale == [0.0, 1.0]
        assert "3 not finite" in view.described

    def test_values_are_a_copy_that_cannot_be_written(self):
        array = np.array(X, dtype=float)
        view = MatrixView(array)
        array[0, 0] = 9
        assert view.values[0, 0] == 3
        with pytest.raises(ValueError):
            view.values[0, 0] = 9

    def test_channels_are_last(self):
        a = np.arange(12).reshape(2, 3, 2)
        view = MatrixView(a, channel_titles=["first", "second"])
        assert view.shape == (2, 3, 2)
        assert np.frombuffer(view._data).reshape(2, 3, 2)[..., 1].tolist() == a[..., 1].tolist()
        assert view._texts[:4] == ["0", "1", "2", "3"]

    @pytest.mark.parametrize("kind", _style.KINDS)
    def test_scale_is_that_of_the_figures(self, kind):
        a = np.array([[0.5, 2.0], [0.25, 4.0]])
        assert MatrixView(a, kind=kind)._scale == list(_style.limits(a, kind))
        assert MatrixView(a, kind=kind, limit=8)._scale == list(_style.limits(a, kind, 8))

    def test_gradients_are_symmetric_about_0(self):
        assert MatrixView([[1, -3]], kind="gradient")._scale == [-3, 3]


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"kind": "heat"}, ValueError, "kind must be one of value, gradient"),
            ({"limit": 0}, ValueError, "limit must be a finite number above 0; it is 0"),
            ({"limit": np.nan}, ValueError, "limit must be"),
            ({"limit": "1"}, TypeError, "limit must be a number"),
            ({"decimals": -1}, ValueError, "decimals must be in 0…15; it is -1"),
            ({"cell": 2.5}, TypeError, "cell must be an integer"),
            ({"cell": 0}, ValueError, "cell must be in 1…400"),
            ({"row_labels": "ab"}, TypeError, "row_labels must be a sequence of labels"),
            ({"row_labels": ["a"]}, ValueError, "row_labels must have 3 entries; it has 1"),
            ({"col_labels": list("abcd")}, ValueError, "col_labels must have 3 entries; it has 4"),
            ({"title": 3}, TypeError, "title must be a str; it is 3"),
            ({"paint": True}, ValueError, "values to paint on must be in 0…1"),
        ],
    )
    def test_refused(self, options, error, message):
        with pytest.raises(error, match=message):
            MatrixView(X, **options)

    def test_paint_is_for_a_matrix(self):
        with pytest.raises(ValueError, match=r"must be \(rows, columns\)"):
            MatrixView(np.zeros((2, 2, 2)), paint=True)
        with pytest.raises(ValueError, match="0…1"):
            MatrixView([[np.nan]], paint=True)

    def test_text_form(self, view):
        assert repr(view) == 'MatrixView(3×3, "X", value)'
        assert repr(MatrixView(np.zeros((2, 3, 4)), kind="weight")) == 'MatrixView(2×3×4, "", weight)'
        long = repr(MatrixView(np.zeros((100, 100)), title="x\n" * 100, kind="gradient"))
        assert len(long) <= 110
        assert "\n" not in long

    def test_docstring(self):
        assert doctest.testmod(matrix_view).failed == 0

    def test_described(self, view):
        assert view.described == "3 rows, 3 columns; from 0 to 6"
        assert MatrixView(np.zeros((1, 2, 3))).described == "1 row, 2 columns, 3 channels; from 0 to 0"

    def test_labels_that_no_longer_fit_are_dropped(self):
        view = MatrixView(X, row_labels=["a", "b", "c"], col_labels=["d", "e", "f"])
        view.update(np.zeros((2, 3)))
        assert view.row_labels is None
        assert view.col_labels == ("d", "e", "f")
        view.update(np.zeros((1, 1)), row_labels=["only"], col_labels=())
        assert view.row_labels == ("only",)
        assert view.col_labels is None

    def test_kind_can_change(self, view):
        view.kind = "gradient"
        assert view._scale == [-6, 6]
        assert view._colors == colors("gradient")
        assert repr(view) == 'MatrixView(3×3, "X", gradient)'
        with pytest.raises(ValueError, match="kind"):
            view.kind = "heat"


class TestNumbers:
    def test_a_small_matrix_has_numbers_and_a_large_one_has_none(self):
        assert MatrixView(X)._texts == [str(n) for row in X for n in row]
        assert MatrixView(np.random.default_rng(0).normal(size=(28, 28)))._texts == []

    def test_no_numbers_on_request(self):
        assert MatrixView(X, numbers=False)._texts == []

    def test_numbers_on_request(self):
        view = MatrixView(np.full((30, 30), 0.125), numbers=True)
        assert set(view._texts) == {"0.125"}

    def test_forced_numbers_in_a_small_cell(self):
        assert MatrixView(np.full((3, 3), 0.125), numbers=True, cell=10)._text_size >= 8

    def test_tiny_numbers_are_written_in_one_unit(self):
        view = MatrixView([[1e-5, 2.5e-5]])
        assert view._unit == "all ×10⁻⁵"
        assert view._texts == ["1.0", "2.5"]

    def test_fewer_decimals_before_giving_up(self):
        values = [[0.123, 0.456]]
        assert fitted(values, 60)[0] == ["0.123", "0.456"]
        assert fitted(values, 35)[0] == ["0.12", "0.46"]
        assert fitted(values, 8)[0] == []

    def test_no_number_reads_0_that_is_not(self):
        assert "0.0" not in fitted([[0.004, 0.93]], 30)[0]

    @given(
        st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=6),
        st.integers(10, 80),
    )
    def test_numbers_fit_their_cells(self, values, cell):
        texts, size, _ = fitted(np.array([values]), cell)
        for text in texts:
            assert len(text) * matrix_view.CHARACTER * size <= cell
        if texts:
            assert size >= matrix_view.SMALLEST_TEXT

    @given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=1, max_size=6))
    def test_every_float_can_be_shown(self, values):
        view = MatrixView([values])
        assert np.array_equal(np.frombuffer(view._data), np.array(values, float), equal_nan=True)

    def test_cells_stay_as_large_as_they_were(self, view):
        cell = view.cell
        view.values = np.array(X) * 1234.5678
        assert view.cell == cell
        view.values = np.zeros((28, 28))
        assert view.cell == 10
        view.cell = 33
        assert view.cell == 33
        view.cell = None
        assert view.cell == 10


class TestCells:
    @pytest.mark.parametrize("name", ["hovered", "selected", "pinned"])
    def test_a_cell_is_a_tuple_of_ints(self, view, name):
        setattr(view, name, [np.int64(1), 2])
        assert getattr(view, name) == (1, 2)
        assert type(getattr(view, name)[0]) is int
        view.set_state({name: [0, 1]})  # as the browser sends it
        assert getattr(view, name) == (0, 1)
        view.set_state({name: None})
        assert getattr(view, name) is None

    @pytest.mark.parametrize(
        ("cell", "error", "message"),
        [
            ((3, 0), ValueError, r"hovered is \(3, 0\), outside a matrix of shape \(3, 3\)"),
            ((-1, 0), ValueError, "outside"),
            ((1,), ValueError, "hovered must have 2 integers"),
            ((1, 2, 0), ValueError, "hovered must have 2 integers"),
            ((0.5, 1), ValueError, "integers"),
            (5, TypeError, "hovered must be None or"),
        ],
    )
    def test_refused(self, view, cell, error, message):
        with pytest.raises(error, match=message):
            view.hovered = cell

    def test_rank_3_has_channels(self):
        view = MatrixView(np.zeros((2, 3, 4)))
        view.hovered = (1, 2, 3)
        with pytest.raises(ValueError, match="3 integers"):
            view.hovered = (1, 2)

    def test_active_is_the_pinned_cell_else_the_hovered_one(self, view):
        heard = seen(view)
        view.hovered = (0, 1)
        view.pinned = (1, 1)
        view.hovered = (2, 2)
        view.hovered = None
        view.pinned = None
        assert heard == [(0, 1), (1, 1), None]

    def test_a_click_is_one_change_of_active(self, view):
        heard = seen(view)
        view.set_state({"hovered": [1, 1], "selected": [1, 1], "pinned": [1, 1]})
        assert heard == [(1, 1)]
        view.set_state({"pinned": None})
        assert heard == [(1, 1)], "released while the pointer is still on it: nothing changes"

    def test_active_cannot_be_set(self, view):
        with pytest.raises(Exception, match="read-only"):
            view.active = (0, 0)

    def test_a_new_shape_forgets_the_cells(self, view):
        view.hovered = view.selected = view.pinned = (2, 2)
        view.highlights = [Highlight([(2, 2)])]
        heard = seen(view)
        view.values = np.zeros((2, 2))
        assert (view.hovered, view.selected, view.pinned, view.active) == (None,) * 4
        assert view.highlights == ()
        assert heard[-1] is None

    def test_the_same_shape_keeps_the_cells(self, view):
        view.pinned = (2, 2)
        view.highlights = [Highlight([(2, 2)])]
        view.values = np.zeros((3, 3))
        assert view.pinned == (2, 2)
        assert len(view.highlights) == 1


class TestHighlights:
    def test_sent_as_they_are(self, view):
        view.highlights = [Highlight([(0, 1), (1, 2)], "blue", "reads it", [0.5, 1], ["a", "b"])]
        assert view._groups == [
            {
                "cells": [[0, 1], [1, 2]],
                "color": "blue",
                "label": "reads it",
                "weights": [0.5, 1.0],
                "texts": ["a", "b"],
            }
        ]
        assert view.highlights[0].cells == [(0, 1), (1, 2)]
        view.highlights = ()
        assert view._groups == []

    def test_no_cells_keep_the_place_of_a_group(self, view):
        view.highlights = [Highlight([]), Highlight(np.argwhere(np.eye(3)), "green")]
        assert [group["cells"] for group in view._groups] == [[], [[0, 0], [1, 1], [2, 2]]]

    def test_without_a_channel_every_channel_is_meant(self):
        view = MatrixView(np.zeros((2, 2, 3)))
        view.highlights = [Highlight([(0, 1)]), Highlight([(0, 1, 2)])]
        assert [group["cells"] for group in view._groups] == [[[0, 1]], [[0, 1, 2]]]

    @pytest.mark.parametrize(
        ("highlights", "error", "message"),
        [
            (Highlight([(0, 0)]), TypeError, "it is one Highlight"),
            ([[(0, 0)]], TypeError, "must be a list of Highlight"),
            ([Highlight([(0, 3)])], ValueError, r"the cell \(0, 3\), outside a matrix of shape \(3, 3\)"),
            ([Highlight([(-1, 0)])], ValueError, "outside"),
            ([Highlight([(0, 0, 0)])], ValueError, r"must be a list of \(row, column\), integers"),
            ([Highlight([(0.0, 1.0)])], ValueError, "integers"),
            ([Highlight([(0, 0), (1,)])], ValueError, "must be a list of"),
            ([Highlight([(0, 0)], "red")], ValueError, "color of a highlight must be one of blue.*'red'"),
            ([Highlight([(0, 0)], label=None)], TypeError, "label of a highlight must be a str"),
            ([Highlight([(0, 0)], weights=[0.5, 1])], ValueError, "weights must have 1 entries; it has 2"),
            ([Highlight([(0, 0)], weights=[1.5])], ValueError, "weights of a highlight must be in 0…1"),
            ([Highlight([(0, 0)], weights=[np.nan])], ValueError, "weights"),
            ([Highlight([(0, 0)], texts=[1])], TypeError, "each text of a highlight must be a str"),
            ([Highlight([(0, 0)], texts=[])], ValueError, "texts must have 1 entries; it has 0"),
        ],
    )
    def test_refused_and_nothing_changes(self, view, highlights, error, message):
        view.highlights = [Highlight([(1, 1)])]
        sent = messages(view)
        with pytest.raises(error, match=message):
            view.update(np.ones((3, 3)), highlights=highlights, title="new")
        assert view.highlights == (Highlight([(1, 1)]),)
        assert view.title == "X"
        assert np.array_equal(view.values, X)
        assert sent == []


class TestUpdate:
    def test_everything_is_one_message(self, view):
        sent = messages(view)
        view.update(
            np.ones((3, 3)), highlights=[Highlight([(0, 0)])], title="Y", limit=4, note="below", cell=40
        )
        assert len(sent) == 1
        assert {"_texts", "_scale", "_groups", "title", "note", "_cell"} <= set(sent[0])
        assert [len(buffer) for buffer in sent[0]["buffers"]] == [72]

    def test_a_new_shape_is_one_message(self, view):
        view.hovered = (2, 2)
        sent = messages(view)
        view.update(np.ones((2, 2)), row_labels=["a", "b"])
        assert len(sent) == 1
        assert sent[0]["_shape"] == [2, 2]
        assert sent[0]["hovered"] is None

    def test_highlights_alone_send_no_values(self, view):
        sent = messages(view)
        view.highlights = [Highlight([(0, 0)])]
        assert [set(state) for state in sent] == [{"_groups", "buffers"}]

    def test_nothing_new_sends_nothing(self, view):
        sent = messages(view)
        view.update(np.array(X), highlights=(), title="X", note="")
        assert sent == []

    def test_limit_stays(self, view):
        view.update(limit=10)
        assert view._scale == [0, 10]
        view.values = np.array(X) * 2
        assert view._scale == [0, 10]
        view.limit = None
        assert view._scale == [0, 12]


class TestPaint:
    @pytest.fixture
    def pad(self):
        return MatrixView(np.zeros((28, 28)), paint=True, kind="digit", title="Draw")

    def from_browser(self, pad, values):
        pad.set_state({"_data": memoryview(values.astype("<f8").tobytes()), "strokes": pad.strokes + 1})

    @pytest.mark.parametrize("order", [("_data", "strokes"), ("strokes", "_data")])
    def test_what_is_painted_is_there_when_strokes_change(self, pad, order):
        """From the browser the values come last: they are bytes, and those are put back into the message."""
        found = []
        pad.observe(lambda change: found.append((change.new, pad.values[3, 4])), "strokes")
        values = np.zeros((28, 28))
        values[3, 4] = 0.75
        state = {"_data": memoryview(values.astype("<f8").tobytes()), "strokes": 1}
        pad.set_state({name: state[name] for name in order})
        assert found == [(1, 0.75)]

    def test_painted_values_stay_in_range(self, pad):
        self.from_browser(pad, np.full((28, 28), 7.0))
        assert pad.values.max() == 1
        self.from_browser(pad, np.full((28, 28), np.nan))
        assert pad.values.max() == 0

    def test_a_message_of_another_size_is_not_taken(self, pad):
        pad.set_state({"_data": memoryview(b"12345678")})
        assert pad.values.shape == (28, 28)

    def test_clear(self, pad):
        self.from_browser(pad, np.full((28, 28), 0.5))
        heard = seen(pad, "strokes")
        pad.clear()
        assert pad.values.max() == 0
        assert heard == [2]

    def test_clear_while_empty_sends_what_the_browser_may_not_know(self, pad):
        pad.clear()
        assert pad.strokes == 1

    def test_tools(self, pad):
        assert (pad.tool, pad.brush) == ("brush", 1.5)
        pad.tool = "erase"
        with pytest.raises(Exception, match="tool"):
            pad.tool = "spray"
        with pytest.raises(Exception, match="brush"):
            pad.brush = 0
        with pytest.raises(Exception, match="brush"):
            pad.brush = 100

    def test_no_browser_can_change_a_view_that_is_not_painted(self, view):
        view.set_state({"_data": memoryview(np.zeros(9).tobytes())})
        assert np.array_equal(view.values, X)


class TestColours:
    @pytest.mark.parametrize("kind", _style.KINDS)
    def test_the_browser_has_the_colours_of_the_figures(self, kind):
        table = np.frombuffer(bytes.fromhex(colors(kind)["map"]), dtype=np.uint8).reshape(256, 3)
        for position in (0, 17, 128, 255):
            expected = _style.MAPS[kind](position)[:3]
            assert np.abs(table[position] / 255 - expected).max() <= 0.5 / 255 + 1e-12

    def test_ends_and_middle(self):
        value, gradient = (bytes.fromhex(colors(kind)["map"]) for kind in ("value", "gradient"))
        assert "#" + value[:3].hex() == _style.SEQUENTIAL[0]
        assert "#" + value[-3:].hex() == _style.SEQUENTIAL[-1]
        assert "#" + gradient[:3].hex() == _style.DIVERGING[0]
        assert "#" + gradient[-3:].hex() == _style.DIVERGING[-1]
        assert min(gradient[3 * 127 : 3 * 129]) > 245, "0 is white"

    def test_accents_come_from_the_figures(self):
        assert colors("value")["accents"] == _style.ACCENTS
        assert colors("value")["inks"] == _style.INKS

    def test_no_second_list_in_the_script(self):
        """A colour written in the script or the style sheet would drift from the figures' colours."""
        listed = {c.lower() for c in [*_style.SEQUENTIAL, *_style.DIVERGING, *_style.ACCENTS.values()]}
        listed -= {"#000000", "#ffffff"}
        script = MatrixView._esm._path.read_text(encoding="utf-8").lower()
        assert listed & set(re.findall(r"#[0-9a-f]{6}", script)) == set()

    @pytest.mark.parametrize("kind", _style.KINDS)
    def test_a_number_reads_on_every_colour(self, kind):
        table = bytes.fromhex(colors(kind)["map"])
        for i in range(256):
            background = "#" + table[3 * i : 3 * i + 3].hex()
            assert _style.contrast(background, _style.text_color(background)) >= 4.5


class TestFiles:
    def test_the_script_asks_for_nothing(self):
        script = MatrixView._esm._path.read_text(encoding="utf-8")
        for word in ("fetch(", "XMLHttpRequest", "WebSocket", "import ", "import(", "http://", "https://"):
            assert word not in script, word
        style = MatrixView._css._path.read_text(encoding="utf-8")
        for word in ("url(", "@import", "http"):
            assert word not in style, word

    def test_the_script_reads_only_what_python_sends(self):
        script = MatrixView._esm._path.read_text(encoding="utf-8")
        read = set(re.findall(r'model\.get\("(\w+)"\)', script))
        watched = set(re.findall(r'"(\w+)"', re.search(r"const WATCHED = \[(.*?)\];", script, re.S)[1]))
        sent = {name for name in MatrixView(X).traits(sync=True) if name != "layout"}
        assert read | watched <= sent
        assert read <= watched
