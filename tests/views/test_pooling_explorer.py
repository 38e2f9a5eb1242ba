"""The pooling explorer: what it writes is what the layer computes, what it marks is what takes part."""

import itertools
import re

import numpy as np
import pytest

from backprop_helpers.layers import pool_backward, pool_forward
from backprop_helpers.views.explorers import PoolingExplorer
from backprop_helpers.views.explorers import pooling as module
from backprop_helpers.views.explorers.pooling import Pooling


def draw(rng):
    """Return a random setting with many ties: x, dz as the explorer takes them, size, stride, mode."""
    height, width, channels = rng.integers([2, 2, 1], [7, 7, 3])
    size = int(rng.integers(1, min(height, 4))), int(rng.integers(1, min(width, 4)))
    stride = None if rng.random() < 0.4 else tuple(int(n) for n in rng.integers(1, 4, size=2))
    mode = rng.choice(["max", "average"]).item()
    x = rng.integers(-2, 3, size=(1, height, width, channels))
    z, _ = pool_forward(x, size=size, stride=stride, mode=mode)
    dz = rng.integers(1, 9, size=z.shape) * rng.choice([-1, 1], size=z.shape)
    return x, dz, {"size": size, "stride": stride, "mode": mode}


def drawn(count, seed=0):
    return [draw(np.random.default_rng([seed, n])) for n in range(count)]


def point(e, name, cell):
    for view in e.views.values():
        view.hovered = None
    e.views[name].hovered = cell
    assert e.alert_text == ""


def marked(e, name, label=""):
    return {tuple(cell) for g in e.views[name].highlights if g.label.startswith(label) for cell in g.cells}


def cells(e, name):
    return list(np.ndindex(e.views[name].values.shape))


def value_of(text):
    """Evaluate a piece of arithmetic as it is written."""
    return eval(text.replace("−", "-").replace("·", "*"), {"max": lambda *numbers: max(numbers)})


def sides(text, start):
    """Return the value of every right-hand side of the formula that begins with `start`, names left out."""
    lines = text.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith(start))
    block = lines[first]
    for line in lines[first + 1 :]:
        if not line.startswith(" "):
            break
        block += line
    words = r": no window.*| goes to.*"
    found = [re.sub(words, "", side) for side in re.split(r" [=≈] ", block)[1:]]
    return [value_of(side) for side in found if "dZ" not in side]


@pytest.mark.parametrize("setting", drawn(16))
def test_every_formula_is_what_the_layer_computes(setting):
    x, dz, options = setting
    z, cache = pool_forward(x, **options)
    dx = pool_backward(dz, cache)
    e = PoolingExplorer(x, dz, **options)
    for c in range(x.shape[3]):
        e.channel.value = c
        np.testing.assert_array_equal(e.views["Z"].values, z[0, :, :, c])
        np.testing.assert_array_equal(e.views["dX"].values, dx[0, :, :, c])
        for output in cells(e, "Z"):
            point(e, "Z", output)
            values = sides(e.arithmetic_text, "Z[")
            assert values
            np.testing.assert_allclose(values, z[0, *output, c], rtol=6e-4)
        for pixel in cells(e, "dX"):
            point(e, "dX", pixel)
            values = sides(e.arithmetic_text, "dX[")
            assert values
            np.testing.assert_allclose(values, dx[0, *pixel, c], rtol=6e-4)


@pytest.mark.parametrize("setting", drawn(10, seed=1))
def test_highlights_are_the_cells_that_a_unit_of_gradient_reaches(setting):
    x, dz, options = setting
    _, cache = pool_forward(x, **options)
    e = PoolingExplorer(x, dz, **options)
    label = "receives" if options["mode"] == "max" else ""
    readers = {}
    for output in cells(e, "Z"):
        unit = np.zeros_like(dz)
        unit[0, *output, 0] = 1
        reached = {
            tuple(int(n) for n in cell) for cell in np.argwhere(pool_backward(unit, cache)[0, :, :, 0])
        }
        for name in ("Z", "dZ"):
            point(e, name, output)
            assert marked(e, "dX", label) == reached
            assert marked(e, "X") >= reached
        for pixel in reached:
            readers.setdefault(pixel, set()).add(output)
    label = "it wins" if options["mode"] == "max" else ""
    for pixel in cells(e, "X"):
        for name in ("X", "dX"):
            point(e, name, pixel)
            assert marked(e, "dZ", label) == marked(e, "Z", label) == readers.get(pixel, set())


@pytest.mark.parametrize("setting", [s for s in drawn(14, seed=2) if s[2]["mode"] == "max"])
def test_windows_losers_and_ties_are_told_apart_by_nudging(setting):
    x, dz, options = setting
    e = PoolingExplorer(x, dz, **options)
    before, _ = pool_forward(x, **options)
    for pixel in cells(e, "X"):
        point(e, "X", pixel)
        pushed = x.copy()
        pushed[0, *pixel, 0] += 100  # whatever window reads the pixel, its maximum is now another
        after, _ = pool_forward(pushed, **options)
        reads = {tuple(int(n) for n in cell) for cell in np.argwhere((before != after)[0, :, :, 0])}
        assert marked(e, "Z") == reads
        holds_it = {o for o in reads if before[0, *o, 0] == x[0, *pixel, 0]}
        assert marked(e, "Z", "it wins") | marked(e, "Z", "it ties") == holds_it


def test_paying_every_tie_is_shown_and_the_sums_differ():
    e = PoolingExplorer([[4, 4, 1, 2], [0, 1, 3, 3]], [[5, -2]])
    assert e.side.children == ()
    assert "Sum of dZ: 3.  Sum of dX: 3." in e.arithmetic_text
    assert "2 windows with a tie: the first in row-major order wins." in e.arithmetic_text
    e.pay_every_tie.value = True
    assert e.side.children == (e.views["every tie"],)
    np.testing.assert_array_equal(e.views["every tie"].values, [[5, 5, 0, 0], [0, 0, -2, -2]])
    np.testing.assert_array_equal(e.views["dX"].values, [[5, 0, 0, 0], [0, 0, -2, 0]])
    assert "If every tie were paid: 6, not what came in." in e.arithmetic_text
    point(e, "dZ", (0, 0))
    assert "dZ[0,0] = 5 goes to X[0,0] = 4, and to no other." in e.arithmetic_text
    assert "X[0,1] equals it; the first in row-major order gets everything." in e.arithmetic_text
    assert "2·5 = 10 handed on, 5 came in." in e.arithmetic_text
    assert marked(e, "X", "tied") == {(0, 1)}
    point(e, "X", (0, 1))
    assert "It ties, but is not first, in Z[0,0]." in e.arithmetic_text
    assert "If every tie were paid it would get 5." in e.arithmetic_text
    e.mode.value = "average"
    assert e.side.children == ()
    assert e.pay_every_tie.disabled


def test_the_lessons_example_overlaps():
    e = PoolingExplorer([[3, 1, 2], [0, 4, 1], [5, 2, 6]], [[1, -2], [3, 2]], stride=1)
    point(e, "dX", (1, 1))
    assert "X[1,1] = 4 is in 4 windows. It wins Z[0,0], Z[0,1]; loses Z[1,0], Z[1,1]." in e.arithmetic_text
    assert "dX[1,1] = dZ[0,0] + dZ[0,1]\n        = 1 + (−2) = −1" in e.arithmetic_text
    e.views["dX"].hovered = None
    (group,) = e.views["dX"].highlights
    assert dict(zip(group.cells, group.texts)) == {(1, 1): "ab", (2, 0): "c", (2, 2): "d"}


def test_pixels_that_no_window_reads_are_named():
    e = PoolingExplorer(np.arange(25).reshape(5, 5))
    assert "9 pixels read by no window: the gradient there is 0." in e.arithmetic_text
    assert marked(e, "X", "read by no window") == {(i, j) for i in range(5) for j in range(5) if 4 in (i, j)}
    point(e, "X", (4, 4))
    assert e.arithmetic_text == "X[4,4] = 24 is read by no window.\ndX[4,4] = 0"


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (1, 4), (6, 6)])
def test_every_reachable_combination_is_legal(shape):
    x = np.random.default_rng(1).integers(-3, 4, size=shape)
    e = PoolingExplorer(x, size=1)
    assert e.follows.value
    (size,), (stride,) = e.sliders["size"], e.sliders["stride"]
    assert (size.min, size.max) == (1, min(*shape, 4))
    for mode, follows in itertools.product(("average", "max"), (False, True)):
        e.mode.value, e.follows.value = mode, follows
        for n in range(size.min, size.max + 1):
            size.value = n
            assert stride.disabled == (follows or stride.min == stride.max)
            for step in [n] if follows else range(stride.min, stride.max + 1):
                stride.value = step
                assert e.alert_text == ""
                assert e.setting.windows[:2] == ((n, n), (step, step))
                z, _ = pool_forward(x[None, :, :, None], size=n, stride=step, mode=mode)
                np.testing.assert_array_equal(e.views["Z"].values, z[0, :, :, 0])
                for name in e.views:
                    point(e, name, (0, 0))


def test_the_learners_own_size_and_stride_are_kept():
    e = PoolingExplorer(np.arange(60).reshape(6, 10), size=(2, 5), stride=(3, 2), mode="average")
    assert e.setting.windows[:2] == ((2, 5), (3, 2))
    assert (e.chosen("size"), e.chosen("stride")) == ((2, 5), (3, 2))
    assert e.alert_text == ""
    e.mode.value = "max"
    assert e.setting.windows[:2] == ((2, 5), (3, 2))


def test_leaving_a_cell_shows_the_winners_again_and_a_pin_holds():
    e = PoolingExplorer()
    rest, winners = e.arithmetic_text, marked(e, "X", "first")
    assert winners == {(1, 0), (0, 2), (3, 1), (2, 2)}
    point(e, "dZ", (0, 0))
    assert e.arithmetic_text != rest
    e.views["dZ"].hovered = None
    assert (e.arithmetic_text, marked(e, "X", "first")) == (rest, winners)
    e.views["X"].pinned = (1, 1)
    e.views["Z"].pinned = (0, 0)
    assert e.views["X"].pinned is None
    assert e.arithmetic_text.startswith("Z[0,0]")


def test_nan_is_shown_as_the_layer_treats_it():
    e = PoolingExplorer(np.array([[1.0, np.nan], [2.0, np.nan]]))
    point(e, "Z", (0, 0))
    assert "goes to X[0,1]" in e.arithmetic_text


def test_an_exception_is_seen_in_the_view(monkeypatch):
    e = PoolingExplorer()
    monkeypatch.setattr(Pooling, "window", lambda *_: 1 / 0)
    e.views["Z"].hovered = (0, 0)
    assert e.alert_text == "ZeroDivisionError: division by zero"
    monkeypatch.undo()
    e.views["Z"].hovered = (0, 1)
    assert e.alert_text == ""


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.zeros((2, 4, 4, 1)),), {}, r"PoolingExplorer: x must be one example.*take one"),
        ((np.zeros((28, 28)),), {}, "at most 16×16 pixels"),
        ((np.zeros((4, 4)), np.zeros((3, 3))), {}, "dz must have the shape of the output, 2×2"),
        ((np.zeros((1, 4, 4, 2)), np.zeros((2, 2))), {}, "dz must have x's 2 channels"),
        ((np.zeros((2, 2)),), {"size": 3}, "larger than the padded input"),
        ((), {"mode": "median"}, 'mode must be "max" or "average"'),
        ((), {"stride": 0}, "stride must be at least 1"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_words(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        PoolingExplorer(*arguments, **options)


def test_the_text_form_and_the_twin():
    e = PoolingExplorer(mode="average")
    assert repr(e) == "PoolingExplorer(x 5×5×1, average): run the cell to use it"
    assert e.twin().axes
    e.mode.value = "max"
    assert e.twin().axes


def test_shares_have_names():
    assert [module.ordinal(n) for n in (1, 4, 9, 12)] == ["whole", "quarter", "ninth", "12th"]
