"""The report's text: exactly this, and the same on a machine that rounds differently."""

import hashlib
import html.parser

import numpy as np
import pytest

from backprop_helpers import layers
from backprop_helpers.checking import gradient_check, misconceptions
from backprop_helpers.checking._text import distinct, rounded, short_number, threshold

from .pairs import layer_pairs, normal

FC = normal((3, 4), (4, 2), (2,))


def test_a_report_that_passed():
    report = gradient_check(layers.fc_forward, layers.fc_backward, FC)
    assert str(report) == repr(report)
    assert str(report).splitlines() == [
        "Gradient check passed: 3 of 3 gradients right (central differences, tolerance 1e-7)",
        "   input  shape   entries  relative error  verdict",
        "✓  x      (3, 4)       12          < 1e-8  right",
        "✓  w      (4, 2)        8          < 1e-8  right",
        "✓  b      (2,)          2          < 1e-8  right",
    ]


def test_a_report_that_failed():
    def backward(dz, cache):
        dx, dw, db = layers.fc_backward(dz, cache)
        return -dx, dw / 3, db.sum()

    report = gradient_check(layers.fc_forward, backward, FC, upstream=np.ones((3, 2)))
    assert str(report).splitlines() == [
        "Gradient check failed: 0 of 3 gradients right (central differences, tolerance 1e-7)",
        "   input  shape   entries  relative error  verdict",
        "✗  x      (3, 4)       12               2  sign flipped; at (0, 0) got 2.54, expected -2.54",
        "✗  w      (4, 2)        8             0.7  3 times too small (3 is M, the number of examples); "
        "at (0, 0) got -0.371, expected -1.11",
        "✗  b      (2,)     0 of 2               –  shape () instead of (2,): a single number for all of b",
    ]
    with pytest.raises(AssertionError) as caught:
        report.assert_ok()
    assert str(caught.value) == str(report)


def test_kinks_are_counted_in_words():
    z = np.array([0.0, 1.0, -1.0])
    assert "2 of 3          < 1e-8  right; 1 entry sits on a kink" in str(
        gradient_check(layers.relu_forward, layers.relu_backward, (z,))
    )
    assert "2 entries sit on a kink" in str(
        gradient_check(layers.relu_forward, layers.relu_backward, (np.array([0.0, 0.0, 1.0]),))
    )


class Tags(html.parser.HTMLParser):
    """Collects what a table holds and whether its tags are balanced."""

    def __init__(self, text):
        super().__init__()
        self.open, self.cells, self.styles = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.styles.append(dict(attrs).get("style", ""))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.cells.append(data)


def test_the_table_in_a_notebook():
    def forward(**p):
        return p["<w>"] * 2, None

    report = gradient_check(forward, lambda d, _: {"<w>": -2 * d}, {"<w>": np.array([1.0, 2.0])})
    table = Tags(report._repr_html_())
    for cell in ("✗", "<w>", "(2,)", "2", "relative error", "verdict"):
        assert cell in table.cells
    assert any("sign flipped; at (0,) got" in cell for cell in table.cells)
    # Light or dark is the theme's choice: no background of ours, no colour of ours but for the mark.
    assert all("background:#" not in style for style in table.styles)
    assert sum("color:#" in style for style in table.styles) == len(report.rows)
    assert "✓" in gradient_check(layers.fc_forward, layers.fc_backward, FC)._repr_html_()


# --- the same text on every machine


def rounding_differently(forward, seed):
    """`forward` on another machine: every output off by an ulp or two, always the same for the same input."""

    def elsewhere(*inputs):
        out, cache = forward(*inputs)
        key = hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in inputs)).digest()
        rng = np.random.default_rng([seed, int.from_bytes(key[:4], "little")])
        return out * (1 + 2.2e-16 * rng.integers(-2, 3, np.shape(out))), cache

    return elsewhere


def off_by_rounding(backward, seed):
    """`backward` likewise."""
    rng = np.random.default_rng(seed)
    noise = {}

    def elsewhere(dout, cache):
        result = backward(dout, cache)
        one = not isinstance(result, tuple)
        result = [result] if one else list(result)
        for i, gradient in enumerate(result):
            if isinstance(gradient, np.ndarray) and gradient.dtype == np.float64:
                if i not in noise:
                    noise[i] = 1 + 2.2e-16 * rng.integers(-3, 4, gradient.shape)
                result[i] = gradient * noise[i]
        return result[0] if one else tuple(result)

    return elsewhere


def named_like(forward, wrapped):
    """Keep the input names, which come from the signature."""
    wrapped.__wrapped__ = forward
    return wrapped


@pytest.mark.parametrize("method", ["central", "complex"])
@pytest.mark.parametrize("name", layer_pairs())
def test_rounding_does_not_change_the_text_of_right_layers(name, method):
    forward, backward, inputs = layer_pairs()[name]
    here = str(gradient_check(forward, backward, inputs, method=method))
    for seed in (1, 2):
        there = gradient_check(
            named_like(forward, rounding_differently(forward, seed)),
            off_by_rounding(backward, seed),
            inputs,
            method=method,
        )
        assert str(there) == here


# Two of the mistakes are that scores overflow.
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize(
    "name", [name for name, bug in misconceptions.items() if "gradient check" in bug.oracles]
)
def test_rounding_does_not_change_the_text_of_wrong_layers(name):
    bug = misconceptions[name]

    def text(seed):
        forward, backward = bug.pair()
        if seed:
            forward = named_like(forward, rounding_differently(forward, seed))
            backward = off_by_rounding(backward, seed)
        try:
            return str(gradient_check(forward, backward, bug.smallest_input()))
        except (ValueError, IndexError) as error:
            return str(error)

    assert text(1) == text(2) == text(0)


# --- numbers as text


@pytest.mark.parametrize(
    ("error", "tolerance", "finest", "text"),
    [
        (0.0, 1e-7, 1e-8, "< 1e-8"),
        (9e-10, 1e-7, 1e-8, "< 1e-8"),
        (1.1e-9, 1e-7, 1e-8, "< 1e-7"),
        (5e-8, 1e-7, 1e-8, "< 1e-7"),
        (3e-11, 1e-3, 1e-8, "< 1e-8"),
        (3e-6, 1e-3, 1e-8, "< 0.0001"),
        (2e-4, 1e-3, 1e-8, "< 0.001"),
        (1e-14, 1e-12, 1e-12, "< 1e-12"),
        (1e-14, 1e-14, 1e-12, "= 1e-14"),
        (1e-16, 1e-14, 1e-12, "< 1e-14"),
    ],
)
def test_thresholds(error, tolerance, finest, text):
    assert threshold(error, tolerance, finest) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.125, 2, "0.13"),
        (0.12499999999, 2, "0.13"),
        (0.12500000001, 2, "0.13"),
        (-2.5, 1, "-3"),
        (-2.4999999999, 1, "-3"),
        (1234567.0, 3, "1230000"),
        (9.999e-9, 2, "1e-8"),
        (0.0, 3, "0"),
        (float("nan"), 3, "nan"),
        (float("-inf"), 3, "-inf"),
    ],
)
def test_rounding_in_two_steps(value, digits, text):
    assert rounded(value, digits) == text


def test_two_numbers_show_their_difference():
    assert distinct(1.0, 2.0, 2.0) == ("1", "2")
    assert distinct(1.2341, 1.2349, 2.0) == ("1.234", "1.235")
    assert distinct(1e-12, 0.3, 0.3) == ("0", "0.3")


def test_short_numbers():
    assert [short_number(x) for x in (1e-7, 0.25, 3.0, 2.5e-12, 1e20)] == [
        "1e-7",
        "0.25",
        "3",
        "2.5e-12",
        "1e20",
    ]
