"""The convolution explorer: what it writes is what the layer computes, what it marks is what takes part."""

import itertools
import re

import numpy as np
import pytest

from backprop_helpers.layers import conv_backward, conv_forward
from backprop_helpers.views.explorers import ConvolutionExplorer
from backprop_helpers.views.explorers import convolution as module
from backprop_helpers.views.explorers._base import set_range
from backprop_helpers.views.explorers._conv_terms import Convolution, bracketed, repeated, written
from backprop_helpers.views.matrix_view import MatrixView

RNG = np.random.default_rng(46)


def draw(rng):
    """Return a random legal setting: x, w, b, dz as the explorer takes them, and the geometry."""
    while True:
        height, width, channels, filters = rng.integers(1, [7, 7, 4, 4])
        rows, columns = rng.integers(1, 4, size=2)
        stride, dilation = (tuple(int(n) for n in rng.integers(1, 4, size=2)) for _ in range(2))
        padding = "same" if rng.random() < 0.3 else tuple(int(n) for n in rng.integers(0, 3, size=2))
        x = nonzero(rng, (1, height, width, channels))
        w, b = nonzero(rng, (rows, columns, channels, filters)), nonzero(rng, (filters,))
        geometry = {"stride": stride, "padding": padding, "dilation": dilation}
        try:
            z, _ = conv_forward(x, w, b, **geometry)
        except ValueError:
            continue
        return x, w, b, nonzero(rng, z.shape), geometry


def nonzero(rng, shape):
    return rng.integers(1, 6, size=shape) * rng.choice([-1, 1], size=shape)


def drawn(count, seed=0):
    return [draw(np.random.default_rng([seed, n])) for n in range(count)]


def explorer(setting, **options):
    x, w, b, dz, geometry = setting
    return ConvolutionExplorer(x, w, b, dz, **geometry, **options)


def point(e, name, cell):
    """Put the pointer on one cell only."""
    for view in e.views.values():
        view.hovered = None
    e.views[name].hovered = cell
    assert e.alert_text == ""


def marked(e, name):
    """Return the set of highlighted cells of a matrix."""
    groups = [group for group in e.views[name].highlights if group.label != module.FRAME]
    return {tuple(cell) for group in groups for cell in group.cells}


def cells(e, name):
    return list(np.ndindex(e.views[name].values.shape))


def numbers_of(text):
    """Evaluate the line of numbers of a formula: return (its sum, the value written after the last =)."""
    line = next(line for line in text.splitlines() if line.startswith(" "))
    sides = line.replace("−", "-").replace("·", "*").replace("[", "(").replace("]", ")").split("=")
    return eval(sides[1]), int(sides[2])


def names_of(text, arrays):
    """Evaluate the line of names of a formula; None when some terms are only counted."""
    line = next(
        text.splitlines()[n]
        for n in range(len(text.splitlines()))
        if text.splitlines()[n + 1].startswith(" ")
    )
    right = line.split(" = ", 1)[1]
    if "…" in right or re.search(r"\[[ck]=", right):
        return None

    def look_up(found):
        letter, index = found.group(1), tuple(int(n.replace("−", "-")) for n in found.group(2).split(","))
        array = arrays[letter]
        if letter == "X" and not (0 <= index[0] < array.shape[0] and 0 <= index[1] < array.shape[1]):
            return "0"
        return f"({int(array[index].squeeze())})"

    line = re.sub(r"(dZ|dz|W̄|X|W|D|T|b)\[([^\]]*)\]", look_up, right)
    return eval(line.replace("·", "*").replace("b", str(int(arrays["b"][0]))))


# The arithmetic --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", drawn(6))
def test_every_formula_is_what_the_layer_computes(setting):
    x, w, b, dz, geometry = setting
    z, cache = conv_forward(x, w, b, **geometry)
    dx, dw, db = conv_backward(dz, cache)
    e = explorer(setting)
    for c, k in itertools.product(range(x.shape[3]), range(w.shape[3])):
        e.channel.value, e.filter.value = c, k
        arrays = {"X": x[0], "W": w, "b": b, "dZ": dz[0]}
        expected = {"Z": z[0, :, :, k], "dW": dw[:, :, c, k], "db": db[k].reshape(1, 1), "dX": dx[0, :, :, c]}
        for name, values in expected.items():
            np.testing.assert_array_equal(e.views[name].values, values)
            for cell in cells(e, name):
                point(e, name, cell)
                if "nothing is sent" in e.arithmetic_text:
                    assert values[cell] == 0
                    continue
                total, shown = numbers_of(e.arithmetic_text)
                assert total == shown == values[cell]
                assert names_of(e.arithmetic_text, arrays) in (None, shown)


@pytest.mark.parametrize("setting", drawn(6, seed=1))
def test_the_three_readings_of_dx_agree_with_the_layer(setting):
    x, w, b, dz, geometry = setting
    dx = conv_backward(dz, conv_forward(x, w, b, **geometry)[1])[0]
    e = explorer(setting)
    c, k = x.shape[3] - 1, w.shape[3] - 1
    e.channel.value, e.filter.value = c, k
    own = conv_backward(dz[..., [k]], conv_forward(x, w[..., [k]], b[[k]], **geometry)[1])[0][0, :, :, c]
    for reading in module.READINGS:
        e.reading.value = reading
        arrays = {name: e.views[name].values for name in ("D", "W̄", "T")}
        arrays |= {"W": w, "dZ": dz[0], "dz": dz[0, :, :, k].ravel(), "b": b}
        for cell in cells(e, "dX"):
            point(e, "dX", cell)
            if "nothing is sent" in e.arithmetic_text:
                assert dx[0, *cell, c] == 0
                continue
            assert numbers_of(e.arithmetic_text) == (dx[0, *cell, c],) * 2
            assert names_of(e.arithmetic_text, arrays) in (None, dx[0, *cell, c])
    # and the matrices themselves: D correlated with the turned kernel, T transposed times dZ
    e.reading.value = "correlation"
    d, turned = e.views["D"].values, e.views["W̄"].values
    by_layer, _ = conv_forward(
        d[None, :, :, None],
        turned[:, :, None, None],
        np.array([0]),
        padding="valid",
        dilation=geometry["dilation"],
    )
    np.testing.assert_array_equal(by_layer[0, :, :, 0], own)
    e.reading.value = "sparse matrix"
    t = e.views["T"].values
    np.testing.assert_array_equal(t.T @ dz[0, :, :, k].ravel(), own.ravel())


def test_the_worked_example_reads_like_the_lesson():
    e = ConvolutionExplorer()
    point(e, "dX", (1, 1))
    assert "dX[1,1] = dZ[0,0]·W[1,1] + dZ[0,1]·W[1,0] + dZ[1,0]·W[0,1] + dZ[1,1]·W[0,0]" in e.arithmetic_text
    assert "= 1·(−1) + (−2)·3 + 3·2 + 2·1 = 1" in e.arithmetic_text
    point(e, "Z", (0, 1))
    assert "Z[0,1] = b + X[0,1]·W[0,0]" in e.arithmetic_text
    assert "= 1 + 1·1 + 2·2 + 4·3 + 1·(−1) = 17" in e.arithmetic_text


@pytest.mark.parametrize("setting", drawn(4, seed=2))
def test_dx_dw_and_db_grow_one_output_at_a_time(setting):
    x, w, b, dz, geometry = setting
    _, cache = conv_forward(x, w, b, **geometry)
    e = explorer(setting)
    outputs = dz.shape[1] * dz.shape[2]
    assert (e.steps.min, e.steps.max, e.steps.value) == (0, outputs, outputs)
    for step in range(outputs + 1):
        e.steps.value = step
        so_far = dz.copy().reshape(1, outputs, -1)
        so_far[:, step:] = 0
        dx, dw, db = conv_backward(so_far.reshape(dz.shape), cache)
        np.testing.assert_array_equal(e.views["dX"].values, dx[0, :, :, 0])
        np.testing.assert_array_equal(e.views["dW"].values, dw[:, :, 0, 0])
        np.testing.assert_array_equal(e.views["db"].values, db[:1, None])
        if step:
            assert f"Output {step} of {outputs}: dZ[" in e.arithmetic_text
            assert marked(e, "dZ") == {divmod(step - 1, dz.shape[2])}
        cell = (w.shape[0] - 1, 0)
        point(e, "dW", cell)
        if step:
            assert numbers_of(e.arithmetic_text) == (dw[*cell, 0, 0],) * 2
        e.views["dW"].hovered = None
        assert e.alert_text == ""


def test_what_an_output_sends_adds_up_to_dx_and_dw():
    e = ConvolutionExplorer(stride=1, padding=1)
    s = e.setting
    got = {"dX": np.zeros_like(s.dx), "dW": np.zeros_like(s.dw)}
    for output in s.outputs:
        point(e, "dZ", output)
        for name, i, j, product in re.findall(r"(dX|dW)\[(\d),(\d)\] \+= ([^ ,\n]*)", e.arithmetic_text):
            got[name][int(i), int(j)] += eval(product.replace("−", "-").replace("·", "*"))
    np.testing.assert_array_equal(got["dX"], s.dx)
    np.testing.assert_array_equal(got["dW"], s.dw)


# The highlights: exactly what moves when the cell is nudged ------------------------------------------------


@pytest.mark.parametrize("setting", drawn(5, seed=3))
def test_highlights_are_the_cells_that_take_part(setting):
    x, w, b, dz, geometry = setting
    e = explorer(setting)
    c, k = x.shape[3] - 1, w.shape[3] - 1
    e.channel.value, e.filter.value = c, k
    top, _, left, _ = e.setting.windows.padding

    def in_view(pixels):
        return {(i + top, j + left) for i, j in pixels}

    def inside(view_cells):
        pixels = {(i - top, j - left) for i, j in view_cells}
        return {p for p in pixels if 0 <= p[0] < x.shape[1] and 0 <= p[1] < x.shape[2]}

    def moved(before, after):
        return {tuple(int(n) for n in cell) for cell in np.argwhere(before != after)}

    def nudged(a, cell):
        a = a.copy()
        a[cell] += 1
        return a

    def everything(x=x, w=w, dz=dz):
        z, cache = conv_forward(x, w, b, **geometry)
        dx, dw, _ = conv_backward(dz, cache)
        return {"Z": z[0, :, :, k], "dX": dx[0, :, :, c], "dW": dw[:, :, c, k]}

    before = everything()
    for pixel in np.ndindex(x.shape[1:3]):
        after = everything(x=nudged(x, (0, *pixel, c)))
        for name, cell in (("X", next(iter(in_view([pixel])))), ("dX", pixel)):
            point(e, name, cell)
            assert marked(e, "Z") == marked(e, "dZ") == moved(before["Z"], after["Z"])
            assert marked(e, "W") == moved(before["dW"], after["dW"])
    for offset in np.ndindex(w.shape[:2]):
        after = everything(w=nudged(w, (*offset, c, k)))
        for name in ("W", "dW"):
            point(e, name, offset)
            assert inside(marked(e, "X")) == moved(before["dX"], after["dX"])
            assert marked(e, "Z") == marked(e, "dZ") == set(np.ndindex(before["Z"].shape))
    for output in np.ndindex(dz.shape[1:3]):
        after = everything(dz=nudged(dz, (0, *output, k)))
        point(e, "dZ", output)
        assert marked(e, "dX") == moved(before["dX"], after["dX"]) == inside(marked(e, "X"))
        assert moved(before["dW"], after["dW"]) <= marked(e, "dW") == set(np.ndindex(w.shape[:2]))
        point(e, "Z", output)
        assert inside(marked(e, "X")) == moved(before["dX"], after["dX"])


def test_paired_cells_carry_the_same_number():
    e = ConvolutionExplorer(np.arange(1, 26).reshape(5, 5), np.arange(1, 10).reshape(3, 3))
    point(e, "dX", (2, 1))
    (outputs,), (offsets,) = e.views["dZ"].highlights, e.views["W"].highlights
    assert list(outputs.texts) == list(offsets.texts) == list("①②③④⑤⑥")
    for (i, j), (u, v) in zip(outputs.cells, offsets.cells):
        assert (i + u, j + v) == (2, 1)


def test_readings_mark_their_own_matrices():
    e = ConvolutionExplorer()
    e.reading.value = "sparse matrix"
    point(e, "X", (1, 1))
    assert marked(e, "T") == {(row, 4) for row in range(4)}
    point(e, "T", (2, 4))
    assert "T[2,4] = W[0,1] = 2" in e.arithmetic_text
    assert marked(e, "W") == {(0, 1)}
    assert marked(e, "X") == marked(e, "dX") == {(1, 1)}
    assert marked(e, "Z") == {(1, 0)}
    point(e, "T", (0, 2))
    assert "Z[0,0] does not read X[0,2]" in e.arithmetic_text
    e.reading.value = "correlation"
    point(e, "dX", (1, 1))
    assert marked(e, "D") == {(1, 1), (1, 2), (2, 1), (2, 2)}
    point(e, "D", (1, 2))
    assert marked(e, "dZ") == {(0, 1)}
    point(e, "D", (0, 0))
    assert "was put in" in e.arithmetic_text
    point(e, "W̄", (0, 0))
    assert marked(e, "W") == {(1, 1)}


def test_leaving_a_cell_clears_and_a_pin_holds():
    e = ConvolutionExplorer()
    rest = e.arithmetic_text
    point(e, "X", (1, 1))
    assert e.arithmetic_text != rest
    e.views["X"].hovered = None
    assert e.arithmetic_text == rest
    assert all(not marked(e, name) for name in e.views)
    e.views["X"].pinned = (1, 1)
    held = e.arithmetic_text
    e.views["W"].hovered = (0, 0)
    assert "W[0,0]" in e.arithmetic_text.splitlines()[0]
    e.views["W"].hovered = None
    assert e.arithmetic_text == held
    e.views["W"].pinned = (0, 0)
    assert e.views["X"].pinned is None


# The sliders -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 3)])
def test_every_reachable_combination_is_legal_and_no_legal_one_is_shut_out(shape):
    x = RNG.integers(-4, 5, size=shape)
    e = ConvolutionExplorer(x, [[1]])
    names = ("kernel", "padding", "dilation", "stride")
    seen, frontier, queued = set(), [(1, 0, 1, 1)], {(1, 0, 1, 1)}
    while frontier:
        for name, value in zip(names, frontier.pop()):
            e._busy = True  # jump: the state was reached by legal moves before
            set_range(e.sliders[name][0], 0, 99)
            e.sliders[name][0].value = value
            e._busy = False
        e._on_geometry(None)
        assert e.alert_text == ""
        kernel, padding, dilation, stride = state = tuple(e.sliders[name][0].value for name in names)
        if state in seen:
            continue
        seen.add(state)
        assert e.setting.windows[:3] == ((kernel,) * 2, (stride,) * 2, (dilation,) * 2)
        for at, name in enumerate(names):
            slider = e.sliders[name][0]
            reached = [(*state[:at], n, *state[at + 1 :]) for n in range(slider.min, slider.max + 1)]
            frontier += [other for other in reached if other not in queued]
            queued.update(reached)
    caps = e.caps
    legal = set()
    for kernel, padding, dilation in itertools.product(
        range(1, caps["kernel"] + 1), range(caps["padding"] + 1), range(1, caps["dilation"] + 1)
    ):
        if dilation * (kernel - 1) + 1 <= min(shape) + 2 * padding and (kernel > 1 or dilation == 1):
            for stride in range(1, min(*shape, caps["stride"]) + 1):
                legal.add((kernel, padding, dilation, stride))
    assert seen == legal


@pytest.mark.parametrize("setting", drawn(5, seed=4))
def test_a_random_walk_over_all_controls_never_fails(setting):
    e = explorer(setting)
    rng = np.random.default_rng(5)
    sliders = [slider for pair in e.sliders.values() for slider in pair] + [e.steps]
    for _ in range(30):
        which = rng.integers(len(sliders) + 3)
        if which < len(sliders):
            slider = sliders[which]
            slider.value = int(rng.integers(slider.min, slider.max + 1))
        elif which == len(sliders):
            e.same.value = not e.same.value
        elif which == len(sliders) + 1:
            e.reading.value = module.READINGS[rng.integers(3)]
        else:
            e.channel.value = int(rng.integers(len(e.channel.options)))
            e.filter.value = int(rng.integers(len(e.filter.options)))
        assert e.alert_text == ""
        hidden = {"D", "W̄", "T"} - set(e._shown["side"])
        visible = [name for name in e.views if name not in hidden]
        name = visible[rng.integers(len(visible))]
        point(e, name, cells(e, name)[0])
        s = e.setting
        z, cache = conv_forward(
            s.x[None],
            s.w,
            s.b,
            stride=e.chosen("stride"),
            padding="same" if e.same.value else e.chosen("padding"),
            dilation=e.chosen("dilation"),
        )
        np.testing.assert_array_equal(s.z, z[0])
        np.testing.assert_array_equal(s.growth[0][-1], conv_backward(s.dz[None], cache)[0][0])
        assert s.w.shape[:2] == e.chosen("kernel")


def test_the_learners_numbers_are_repeated_not_replaced():
    np.testing.assert_array_equal(
        repeated(np.array([[1, 2], [3, 4]]), (3, 3)), [[1, 2, 1], [3, 4, 3], [1, 2, 1]]
    )
    e = ConvolutionExplorer()
    e.sliders["padding"][0].value = 1
    np.testing.assert_array_equal(e.views["dZ"].values[:2, :2], [[1, -2], [3, 2]])
    assert e.views["dZ"].values.shape == (4, 4)
    assert e.steps.max == e.steps.value == 16


# Arguments, errors, text -----------------------------------------------------------------------------------


def test_the_padding_is_outlined():
    e = ConvolutionExplorer(padding=1)
    (frame,) = e.views["X"].highlights
    assert frame.label == module.FRAME
    image = {(i, j) for i in (1, 2, 3) for j in (1, 2, 3)}
    assert set(frame.cells) == set(np.ndindex(5, 5)) - image
    assert e.views["X"].row_labels == ("−1", "0", "1", "2", "3")
    e.views["X"].hovered = (0, 1)
    assert "X[−1,0] is padding, always 0. It is read by 2 outputs" in e.arithmetic_text


def test_an_exception_is_seen_in_the_view(monkeypatch):
    e = ConvolutionExplorer()

    def broken(*_):
        raise RuntimeError("no such window")

    monkeypatch.setattr(Convolution, "of_output", broken)
    e.views["Z"].hovered = (0, 0)
    assert e.alert_text == "RuntimeError: no such window"
    assert "no such window" in e.alert.value
    e.views["Z"].hovered = None
    assert e.alert_text == ""


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (
            (np.zeros((3, 3, 1)),),
            {},
            r"x must be one example, \(H, W\) or \(1, H, W, C\); x has shape \(3, 3, 1\)",
        ),
        ((np.zeros((2, 3, 3, 1)),), {}, r"take one, such as x\[:1\]"),
        ((np.zeros((28, 28)),), {}, r"x has at most 16×16 pixels here"),
        ((np.zeros((9, 9)), np.zeros((8, 8))), {}, r"w has at most 7×7"),
        ((np.zeros((1, 5, 5, 2)), np.ones((2, 2))), {}, "x has 2 channels but w expects 1"),
        ((np.zeros((2, 2)), np.ones((3, 3))), {}, "larger than the padded input"),
        (
            (np.zeros((3, 3)), np.ones((2, 2)), 0, np.ones((3, 3))),
            {},
            "dz must have the shape of the output, 2×2",
        ),
        ((np.zeros((3, 3)), np.ones((2, 2)), [1, 2]), {}, "b must have one entry per filter"),
        ((), {"focus": "both"}, "focus must be one of 'all', 'forward'"),
        ((), {"stride": 0}, "stride must be at least 1"),
        ((), {"padding": "full"}, 'padding must be "same", "valid"'),
    ],
)
def test_what_cannot_be_shown_is_refused_in_words(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        ConvolutionExplorer(*arguments, **options)


def test_complex_numbers_are_refused():
    with pytest.raises(TypeError, match="x must be real"):
        ConvolutionExplorer(np.ones((3, 3), complex))


@pytest.mark.parametrize(
    ("focus", "names"),
    [
        ("forward", ["X", "W", "b", "Z"]),
        ("weights", ["X", "W", "b", "Z", "dW", "db", "dZ"]),
        ("input", ["X", "W", "b", "Z", "dX", "dZ", "D", "W̄", "T"]),
    ],
)
def test_focus_chooses_what_is_there(focus, names):
    e = ConvolutionExplorer(focus=focus)
    assert list(e.views) == names
    assert all(isinstance(view, MatrixView) for view in e.views.values())
    for name in names:
        for cell in cells(e, name):
            point(e, name, cell)
    for hidden in {"dX", "dW", "db"} - set(names):
        assert f"{hidden}[" not in e.arithmetic_text


def test_the_text_form():
    assert repr(ConvolutionExplorer()) == "ConvolutionExplorer(x 3×3×1, w 2×2×1×1): run the cell to use it"


def test_the_caller_keeps_the_arrays():
    x = np.ones((3, 3))
    e = ConvolutionExplorer(x)
    x[:] = 7
    assert e.views["X"].values.max() == 1


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (3, "3"),
        (-3, "−3"),
        (np.int64(0), "0"),
        (0.25, "0.25"),
        (-0.0, "0"),
        (1e-7, "1e−7"),
        (2 / 3, "0.6667"),
    ],
)
def test_numbers_are_written_exactly_or_with_four_digits(number, text):
    assert written(number) == text


def test_a_negative_factor_stands_in_brackets():
    assert (bracketed(-2), bracketed(2)) == ("(−2)", "2")


def test_floats_say_about():
    e = ConvolutionExplorer(np.array([[0.1, 1 / 3], [0.7, 0.2]]), np.array([[0.3]]))
    point(e, "Z", (0, 1))
    assert e.arithmetic_text.endswith("≈ 0.1")
    assert "0.3333·0.3" in e.arithmetic_text


# Static twins ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("focus", module.FOCUSES)
def test_every_state_has_a_static_twin(focus):
    e = ConvolutionExplorer(focus=focus)
    figures = [e.twin()]
    for name in ("X", "W", "Z") if focus == "all" else ():
        point(e, name, (0, 0))
        figures.append(e.twin())
        e.views[name].hovered = None
    if focus == "all":
        for reading in module.READINGS[1:]:
            e.reading.value = reading
            figures.append(e.twin())
    assert all(figure.axes for figure in figures)
