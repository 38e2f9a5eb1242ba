"""The formula sheet: in step with the lessons, and true about shapes and costs."""

import math

import numpy as np
import pytest

from backprop_helpers import layers
from backprop_helpers.training import Network, lenet, reference_cnn
from backprop_helpers.training.modules import AveragePool, Conv, Flatten, FullyConnected, MaxPool
from tests.markdown_links import broken_links
from tests.synthetic_lesson import as_lesson, good_notebook
from tests.tool_loader import load_tool

pages = load_tool("_pages.py")
sheet = load_tool("formula_sheet")
BY_NAME = {layer.name: layer for layer in sheet.LAYERS}


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A place of its own for the sheet."""
    monkeypatch.setattr(sheet, "SHEET", tmp_path / "formula_sheet.md")
    return sheet.SHEET


def run(*arguments):
    """Run the command; return its exit code."""
    return pages.write_or_check("formula_sheet", sheet.__doc__, sheet.files, arguments)


def only(tag):
    """A sheet of one layer with one equation."""
    return {"layers": [sheet.Layer("ReLU", "relu", (tag,), (), {})], "whole": {}}


class TestInStep:
    def test_with_the_lessons(self):
        kept = sheet.SHEET.read_text(encoding="utf-8")
        assert kept == sheet.as_text(pages.lessons()), "run tools/formula_sheet"

    def test_check_says_so(self, capsys):
        assert run("--check") == 0
        assert "in step" in capsys.readouterr().out

    def test_check_sees_a_change_and_writes_nothing(self, page, capsys):
        page.write_text("# Formula sheet\n", encoding="utf-8")
        assert run("--check") == 1
        assert page.read_text(encoding="utf-8") == "# Formula sheet\n"
        assert "out of step" in capsys.readouterr().out

    def test_check_sees_a_missing_sheet(self, page):
        assert run("--check") == 1
        assert not page.exists()

    def test_writing_twice_changes_nothing(self, page, capsys):
        assert run() == 0
        first = page.read_bytes()
        assert run() == 0
        assert page.read_bytes() == first
        assert capsys.readouterr().out.endswith("in step with the lessons\n")

    def test_links_lead_to_headings(self):
        text = sheet.SHEET.read_text(encoding="utf-8")
        assert text.count(".ipynb#") > 30
        assert broken_links(text) == []

    def test_every_table_has_whole_rows(self):
        """A vertical bar inside a formula would split its cell."""
        tables = sheet.SHEET.read_text(encoding="utf-8").split("## ")[1:]
        for table in tables:
            rows = [line for line in table.splitlines() if line.startswith("|")]
            assert len({row.count("|") for row in rows}) == 1

    def test_one_page(self):
        assert len(sheet.SHEET.read_text(encoding="utf-8").splitlines()) <= 80


class TestRecords:
    """A synthetic lesson with the equation (6.1), which holds."""

    def test_a_formula_stands_with_its_section_and_record(self):
        text = sheet.as_text({6: as_lesson(good_notebook())}, **only("6.1"))
        link = "[(6.1)](06_synthetic.ipynb#One-element-at-a-time)"
        formula = "$\\displaystyle \\begin{aligned} y &= 2x \\end{aligned}$"
        assert f"| **ReLU** | forward | {formula} | {link} | holds exactly: 1 entry |" in text

    def broken(self, change):
        notebook = good_notebook()
        change(next(cell for cell in notebook.cells if "holds(" in cell.source))
        return {6: as_lesson(notebook)}

    @pytest.mark.parametrize(
        "change",
        [
            lambda cell: cell.update(outputs=[]),
            lambda cell: cell.outputs[0].data.update({"text/plain": "(6.2) holds exactly: 1 entry"}),
            lambda cell: cell.outputs[0].data.update({"text/plain": "(6.1) does not hold: left 1, right 2"}),
            lambda cell: cell.update(source='print("(6.1) holds exactly: 1 entry")'),
        ],
        ids=["not executed", "another equation", "does not hold", "printed, not executed"],
    )
    def test_an_equation_that_does_not_hold_is_an_error(self, change):
        with pytest.raises(pages.PageError, match=r'\(6\.1\): no cell with holds\("6\.1", …\) in 06_synth'):
            sheet.as_text(self.broken(change), **only("6.1"))

    @pytest.mark.parametrize(("tag", "message"), [("6.9", "has no such equation"), ("5.1", "no lesson 05")])
    def test_an_equation_that_is_not_there_is_an_error(self, tag, message):
        with pytest.raises(pages.PageError, match=message):
            sheet.as_text({6: as_lesson(good_notebook())}, **only(tag))

    def test_a_rule_that_its_reading_does_not_have_is_an_error(self, monkeypatch):
        monkeypatch.setattr(
            sheet, "FIRST_WEIGHTS", (*sheet.FIRST_WEIGHTS[:1], "$3/N$", *sheet.FIRST_WEIGHTS[2:])
        )
        with pytest.raises(pages.PageError, match=r"initialisation\.ipynb, He's rule: there is no \$3/N\$"):
            sheet.first_weights()

    def test_the_command_fails_and_leaves_the_sheet(self, page, monkeypatch, capsys):
        monkeypatch.setattr(pages, "lessons", lambda: {6: as_lesson(good_notebook())})
        page.write_text("before", encoding="utf-8")
        assert run() == 1
        assert page.read_text(encoding="utf-8") == "before"
        assert "FAILED: equation (2.2): there is no lesson 02" in capsys.readouterr().out


def number(sizes, values):
    """Return the value of a product such as "2 M N"; 0 for none."""
    factors = [values[name] if name in values else int(name) for name in sizes.split()]
    return math.prod(factors) if factors else 0


def values_of(layer, input_shape, output_shape):
    """Return the symbols of the sheet for one layer of a network, for one example."""
    if isinstance(layer, FullyConnected):
        return {"M": 1, "N": input_shape[0], "K": output_shape[0]}
    rows, columns, channels = input_shape
    F_h, F_w = layer.size if isinstance(layer.size, tuple) else (layer.size, layer.size)
    inside = {"M": 1, "H_in": rows, "W_in": columns, "C": channels, "F_h": F_h, "F_w": F_w}
    return inside | dict(zip(("H_out", "W_out", "K"), output_shape, strict=True))


class TestCost:
    @pytest.mark.parametrize(
        "net",
        [
            reference_cnn(),
            lenet(),
            Network(
                [
                    Conv(3, (3, 2), stride=(2, 1), padding=1, dilation=(1, 2)),
                    AveragePool(2),
                    MaxPool(2),
                    Flatten(),
                    FullyConnected(10),
                ],
                input_shape=(17, 12, 2),
            ),
        ],
        ids=["reference_cnn", "lenet", "general"],
    )
    def test_multiply_adds_are_those_of_the_summary(self, net):
        shape, seen = net.input_shape, set()
        for layer, row in zip(net.layers, net.summary().rows, strict=True):
            if isinstance(layer, (Conv, FullyConnected)):
                values = values_of(layer, shape, row.output_shape)
                names = (
                    ["Fully connected"]
                    if isinstance(layer, FullyConnected)
                    else [name for name, entry in BY_NAME.items() if "F_h F_w C K" in entry.multiply_adds]
                )
                for name in names:
                    assert number(BY_NAME[name].multiply_adds, values) == row.multiply_adds, (name, row)
                    seen.add(name)
            else:
                assert row.multiply_adds == 0, row
            shape = row.output_shape
        assert seen == {name for name, entry in BY_NAME.items() if entry.multiply_adds}

    def test_backward_costs_twice_forward(self):
        for layer in sheet.LAYERS:
            assert layer.multiply_adds_backward == (layer.multiply_adds and f"2 {layer.multiply_adds}")


SIZES = {"M": 2, "H": 7, "W": 6, "H_in": 7, "W_in": 6, "C": 3, "F_h": 3, "F_w": 2, "K": 5}


class TestShapes:
    """Every layer is run, and its arrays measured."""

    def test_every_pair_of_functions_is_on_the_sheet(self):
        pairs = {name.removesuffix("_forward") for name in dir(layers) if name.endswith("_forward")}
        assert {layer.function for layer in sheet.LAYERS} - {""} == pairs

    def run(self, layer):
        """Return the arrays by name, the gradients by name, the cache and the sizes."""
        # Convolutions without padding, the general one with stride (2, 1). Pooling with stride (2, 2).
        general = "general" in layer.name
        s_h, s_w = {"conv": (2, 1) if general else (1, 1), "pool": (2, 2)}.get(layer.function, (1, 1))
        sizes = {**SIZES, "H_out": (7 - 3) // s_h + 1, "W_out": (6 - 2) // s_w + 1}
        sizes["N"] = 7 * 6 * 3 if layer.function == "flatten" else 4
        names = list(layer.shapes)
        shapes = {name: tuple(sizes[s] for s in layer.shapes[name].split()) for name in names}
        random = np.random.default_rng(0)
        inputs = [random.random(shapes[name]) + 0.1 for name in names[:-1]]
        if "Y" in names[:-1]:
            inputs[-1] = np.eye(shapes["Y"][1])[: shapes["Y"][0]]
        if "Ŷ" in names[:-1]:
            inputs[0] /= inputs[0].sum(axis=1, keepdims=True)
        options = {
            "conv": {"stride": (s_h, s_w), "padding": "valid"},
            "pool": {"size": (3, 2), "stride": (2, 2), "mode": layer.name.split()[0].lower()[:7]},
        }.get(layer.function, {})
        out, cache = getattr(layers, f"{layer.function}_forward")(*inputs, **options)
        assert np.shape(out) == shapes[names[-1]]
        gradients = getattr(layers, f"{layer.function}_backward")(np.ones_like(out), cache)
        return inputs, gradients if isinstance(gradients, tuple) else (gradients,), cache, sizes

    @pytest.mark.parametrize("layer", [x for x in sheet.LAYERS if x.function], ids=lambda layer: layer.name)
    def test_shapes_and_memory(self, layer):
        inputs, gradients, cache, sizes = self.run(layer)
        for array, gradient in zip(inputs, gradients):
            assert gradient.shape == array.shape
        weights = getattr(cache, "w", None)
        kept = [a for a in cache if isinstance(a, np.ndarray) and a is not weights]
        measured = sum(a.nbytes if layer.kept_bytes else a.size for a in kept)
        assert number(layer.kept, sizes) == measured
