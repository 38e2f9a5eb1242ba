"""`Predict`: what it asks, what it refuses, and how little of a notebook it takes."""

import base64

import numpy as np
import pytest

from backprop_helpers.views.stage import Predict, _base, _join

NUMBER = Predict("How many of the nine outputs move?", 9, unit="outputs", then="Each weight once.")
CHOICE = Predict("Which gradient has the kernel's shape?", "dW", options=["dX", "dW", "dZ"])
CELL = Predict("Which pixel receives the most stamps?", [(1, 1), (1, 2)], shape=(3, 4), name="dX")
GRID = Predict("Where is the largest?", (0, 1), grid=[[1, 7], [np.nan, -2.5]], name="X")
ALL = pytest.mark.parametrize("asked", [NUMBER, CHOICE, CELL, GRID], ids=["number", "choice", "cell", "grid"])


def test_the_kind_follows_from_what_is_given():
    assert NUMBER.options["answer"] == 9
    assert (CHOICE.options["kind"], CHOICE.options["answer"]) == ("choice", 1)
    assert (CELL.options["kind"], CELL.options["answer"]) == ("cell", [[1, 1], [1, 2]])
    assert (GRID.options["shape"], GRID.options["answer"]) == ([2, 2], [[0, 1]])
    assert GRID.spec["arrays"]["grid"]["data"] == [1.0, 7.0, "nan", -2.5]


@pytest.mark.parametrize(("answer", "kept"), [(np.int64(0), 0), (np.float32(0.1), 0.1), (-3.5, -3.5)])
def test_numbers_of_any_type_and_zero(answer, kept):
    assert Predict("?", answer).options["answer"] == kept


def test_the_first_option_may_be_right():
    assert Predict("?", "a", options=("a", "b")).options["answer"] == 0


@ALL
def test_it_is_small(asked):
    """There will be eighty."""
    data, metadata = asked._repr_mimebundle_()
    assert _base.json_bytes(data[_base.COMMITTED]) < 2_000
    assert len(base64.b64decode(data["image/png"])) < 10_000
    assert asked.options["question"] in metadata["image/png"]["alt"]
    assert len((_join.MODULES / "predict.js").read_bytes()) <= 6_000
    assert _join.ordered("predict") == ["page", "predict"]


@ALL
def test_the_picture_does_not_show_the_answer(asked):
    texts = [text.get_text() for ax in asked.twin().axes for text in ax.texts]
    assert any("Predict first" in text for text in texts)
    assert not {"9", "✓"} & set(texts)


@pytest.mark.parametrize("words", [2, 5, 30])
def test_options_of_any_width_stand_in_the_picture(words):
    """Side by side while there is room, then below each other; a long one is folded."""
    options = [" ".join(["option"] * words) + f" {n}" for n in range(4)]
    figure = Predict("Which?", options[0], options=options).twin()
    (width, height), (ax,) = figure.get_size_inches(), figure.axes
    boxes = [line.get_xydata() for line in ax.lines[1:]]
    assert len(boxes) == 4
    assert all((box <= [width, height]).all() for box in boxes)
    tops = [box[:, 1].min() for box in boxes]
    apart = [box[:, 0].min() >= other[:, 0].max() or top >= other[:, 1].max()
             for other, box, top in zip(boxes, boxes[1:], tops[1:])]  # fmt: skip
    assert all(apart)


def test_text_form_is_one_line():
    assert repr(NUMBER) == 'Predict("How many of the nine outputs move?")'
    assert len(repr(Predict("x" * 300, 1))) < 110


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (("?", "9"), {}, TypeError, "answer must be a finite number"),
        (("?", True), {}, TypeError, "answer must be a finite number"),
        (("?", np.nan), {}, TypeError, "answer must be a finite number"),
        (("?", 1), {"tolerance": -1}, ValueError, "tolerance must be at least 0; got -1"),
        (("?", "c"), {"options": ["a", "b"]}, ValueError, "answer must be one of the options"),
        (("?", "a"), {"options": ["a", "a"]}, ValueError, "at least two different"),
        (("?", (3, 0)), {"shape": (3, 3)}, ValueError, "a cell .* of the 3×3 grid; got"),
        (("?", (0, -1)), {"shape": (3, 3)}, ValueError, "a cell"),
        (("?", (0, 0, 0)), {"shape": (3, 3)}, ValueError, "a cell"),
        (("?", (0, 0)), {"shape": (13, 13)}, ValueError, "at most 144 cells"),
        (("?", (0, 0)), {"grid": np.zeros(3)}, ValueError, "rows and columns"),
        (("?", 1), {"options": ["a"], "shape": (1, 1)}, TypeError, "give one of them"),
    ],
)
def test_errors_say_what_was_expected(arguments, options, error, message):
    with pytest.raises(error, match=f"Predict: .*{message}"):
        Predict(*arguments, **options)
