"""`Worksheet`: what is asked for, which mistakes the page knows, and what it refuses."""

import numpy as np
import pytest

from backprop_helpers.checking.misconceptions import misconceptions
from backprop_helpers.layers import conv_backward, conv_forward
from backprop_helpers.views.stage import Worksheet, _base, mistakes_of

X, W = np.array([[3, 1, 2], [0, 4, 1], [5, 2, 6]]), np.array([[1, 2], [3, -1]])
DZ = np.array([[1, -2], [3, 2]])
DX = conv_backward(
    DZ[None, :, :, None],
    conv_forward(X[None, :, :, None], W[:, :, None, None], np.array([0]))[1],
)[0][0, :, :, 0]
TURNED = misconceptions["conv.no_rotation"].diagnosis


def sheet(**options):
    return Worksheet({"dZ": DZ, "W": W}, "Work out dX.", {"dX": DX}, **({"blanks": {"dX": True}} | options))


def test_rows_are_what_was_given():
    made = Worksheet(({"X": X}, "∗", {"W": W}, "="), "by hand", {"dX": DX}, blanks={"dX": DX > 5})
    assert made.options["rows"] == [
        [{"grid": "X"}, {"text": "∗"}, {"grid": "W"}, {"text": "="}],
        [{"text": "by hand"}],
        [{"grid": "dX"}],
    ]
    assert made.options["blanks"] == {"dX": [3, 5, 6]}
    assert repr(made) == "Worksheet(X 3×3, W 2×2, dX 3×3: 3 blanks)"


def test_mistakes_of_an_exercise_fit():
    """The numbers of the turned kernel, written here by hand."""
    found = mistakes_of("input_backward", DZ[None, :, :, None], W[:, :, None, None])
    np.testing.assert_array_equal(found[TURNED].squeeze(), [[-1, 5, -6], [-1, 4, 4], [6, 7, 2]])
    assert all(not np.allclose(wrong.squeeze(), DX) for wrong in found.values())
    made = sheet(mistakes=found)
    names = [mistake["name"] for mistake in made.options["mistakes"]]
    assert names == list(found)
    assert made.options["mistakes"][names.index(TURNED)]["blanks"] == {"dX": [-1, 5, -6, -1, 4, 4, 6, 7, 2]}


def test_mistakes_of_a_step_have_its_numbers():
    found = mistakes_of("07.dx")
    assert any(text.startswith(TURNED) for text in found)
    assert len(sheet(mistakes=found).options["mistakes"]) == len(found)


def test_several_results_keep_their_names():
    rng = np.random.default_rng(0)
    found = mistakes_of(
        "fc_backward", rng.normal(size=(3, 2)), rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
    )
    assert set().union(*found.values()) == {"dx", "dw", "db"}


def test_an_unknown_exercise_is_named():
    with pytest.raises(KeyError, match="no exercise or step called 'convolve'"):
        mistakes_of("convolve")


def test_only_blanks_are_compared():
    corner = np.zeros((3, 3), bool)
    corner[0, 0] = True
    made = sheet(blanks={"dX": corner}, mistakes={"another": DX + 1})
    assert made.options["mistakes"] == [{"name": "another", "blanks": {"dX": [2]}}]


def test_it_goes_into_a_notebook():
    made = sheet(mistakes=mistakes_of("07.dx"))
    data, metadata = made._repr_mimebundle_()
    assert _base.json_bytes(data[_base.COMMITTED]) < 4_000
    assert metadata["image/png"]["alt"].startswith("A worksheet with the grids dZ 2×2, W 2×2, dX 3×3")


def test_the_picture_leaves_the_blanks_empty():
    made = sheet(blanks={"dX": DX == 9})
    (ax,) = made.twin().axes
    texts = [text.get_text() for text in ax.texts]
    assert "9" not in texts
    assert {"−4", "6", "dX", "Work out dX."} <= set(texts)
    assert made.arrays["dX"][2, 0] == 9


def test_what_the_page_filled_in_is_read():
    made = sheet()
    made.set_state({"filled": {"dX": {"0": "1"}}})
    assert made.filled == {"dX": {"0": "1"}}
    assert made.committed()["options"]["filled"] == {"dX": {"0": "1"}}


@pytest.mark.parametrize(
    ("rows", "options", "error", "message"),
    [
        ([{"X": X}], {"blanks": {}}, ValueError, "nothing to fill in"),
        ([{"X": X}], {"blanks": {"X": np.zeros((3, 3), bool)}}, ValueError, "nothing to fill in"),
        ([{"X": X}], {"blanks": {"Z": True}}, KeyError, "blanks names Z; the grids are X"),
        ([{"X": X}], {"blanks": {"X": [0, 1]}}, ValueError, r"boolean array of shape \(3, 3\); got int64"),
        ([{"X": X}, {"X": X}], {"blanks": {"X": True}}, ValueError, "two grids called X"),
        ([{"X": np.zeros((1, 2, 2, 1))}], {"blanks": {"X": True}}, ValueError, "at most three axes"),
        ([X], {"blanks": {"X": True}}, TypeError, "a row is a text, a dict .* got ndarray"),
        (
            [{"X": X, "W": W}],
            {"blanks": {"X": True, "W": True}, "mistakes": {"m": X}},
            TypeError,
            "say whether 'm' is about X and W",
        ),
        ([{"X": X}], {"blanks": {"X": True}, "mistakes": {"m": W}}, ValueError, r"X of 'm' must be of shape"),
        (
            [{"X": X}],
            {"blanks": {"X": True}, "mistakes": {"m": {"W": W}}},
            ValueError,
            "W of 'm' must be a grid with blanks, X",
        ),
    ],
)
def test_errors_say_what_was_expected(rows, options, error, message):
    with pytest.raises(error, match=message):
        Worksheet(*rows, **options)
