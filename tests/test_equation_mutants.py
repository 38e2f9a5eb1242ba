"""The mutants of the equations' cells: how they are made, what becomes of them, and the benchmark's files."""

import ast
import json
import os
import random

import pytest

from benchmarks import _mutants, equation_mutants
from tests.lesson_rules import Lesson
from tests.tool_loader import ROOT

EQUIVALENT = equation_mutants.read_equivalent()
TABLE = json.loads(equation_mutants.TABLE.read_text(encoding="utf-8"))
CHEAP = ("00", "02", "03", "05", "06", "07", "09")  # their cells take a second or two
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="a mutant runs in a fork, and there is none")

IMPORTS = "import numpy as np\nfrom backprop_helpers.checking import holds"
DATA = (
    "rng = np.random.default_rng(0)\nA, B = rng.integers(1, 9, size=(2, 3)), rng.integers(1, 9, size=(3, 4))"
)
PRODUCT = """
C = np.zeros((2, 4), dtype=int)
for i, j, k in np.ndindex(2, 4, 3):
    C[i, j] += A[i, k] * B[k, j]
print(f"{C.sum() + 1} in all")
holds("9.1", C, A @ B, tolerance=0)
"""


def mutants_of(*cells, tag="9.1", **options):
    trees = [ast.parse(cell) for cell in cells]
    return _mutants.mutants(trees, len(cells) - 1, tag, **options)


def texts_of(*cells, **options):
    return {mutant.text.partition(": ")[2] for mutant in mutants_of(*cells, most=10_000, **options)}


def judged(folder, *cells):
    notebook = {"cells": [{"cell_type": "code", "source": cell} for cell in cells]}
    path = folder / "notebook.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return equation_mutants.judge(path)


MISTAKES = [
    ("2 * n + 1", "2 * n + 1 -> 2 * n - 1"),
    ("2 * n + 1", "2 * n + 1 -> 2 * n"),
    ("2 * n + 1", "2 * n + 1 -> n + 1"),
    ("2 * n + 1", "2 * n + 1 -> 2 * n + 2"),
    ("x[i, j] * w[u, v]", "x[i, j] * w[u, v] -> x[i, j] * w[v, v]"),
    ("x[i, j] + w[u, v]", "w[u, v] -> w[v, u]"),
    ("[x[i + 1] for i in (-4, 4)]", "(-4, 4) -> (4, 4)"),
    ("x[::-1] + w[u, v]", "x[::-1] + w[u, v] -> x[:] + w[u, v]"),
    ("x.T @ w", "x.T @ w -> x @ w"),
    ("np.flip(x)", "np.flip(x) -> x"),
    ("x.sum(axis=0)", "x.sum(axis=0) -> x.sum(axis=1)"),
    ("x.transpose(0, 2, 1)", "x.transpose(0, 2, 1) -> x.transpose(2, 0, 1)"),
    ("i + top - u", "i + top - u -> i + bottom - u"),
    ("i * s_h + u", "i * s_h + u -> i * s_w + u"),
    ("0 <= i + u < n", "0 <= i + u < n -> 0 <= i + u <= n"),
    ("0 <= i + u < n", "0 <= i + u < n -> 0 <= i + u > n"),
    ("max(x[i], 0)", "max(x[i], 0) -> min(x[i], 0)"),
    ("x if i > 0 else w", "x if i > 0 else w -> w if i > 0 else x"),
    ("np.einsum('ij,jk->ik', x, w)", "np.einsum('ij,jk->ik', x, w) -> np.einsum('ij,kj->ik', x, w)"),
    ("values['z1'] - values['z2']", "values['z1'] - values['z2'] -> values['z2'] - values['z1']"),
]
KNOWN = "n = s_h = s_w = top = bottom = x = w = values = None"


@pytest.mark.parametrize(("formula", "mutant"), MISTAKES)
def test_each_kind_of_mistake_is_made(formula, mutant):
    loop = f"y = 0\nfor i, j, u, v in np.ndindex(2, 3, 4, 5):\n    y = {formula}\nholds('9.1', 7, y)"
    texts = texts_of(KNOWN, loop)
    assert mutant in texts or any(mutant.partition(" -> ")[2] in text for text in texts)


def test_plus_equals_is_exchanged_with_equals_but_not_where_that_changes_nothing():
    assert "C[i, j] += A[i, k] * B[k, j] -> C[i, j] = A[i, k] * B[k, j]" in texts_of(IMPORTS, DATA, PRODUCT)
    written = "y = np.empty(3)\nfor i in range(3):\n    y[i] = i\nholds('9.1', 7, y)"
    assert "y[i] = i -> y[i] += i" in texts_of(written)
    assert "y[i] = i -> y[i] += i" not in texts_of(written.replace("empty", "zeros"))


def test_the_example_the_print_and_the_tolerance_stay():
    texts = "\n".join(texts_of(IMPORTS, DATA, PRODUCT, least=0))
    for untouched in ("rng", "in all", "tolerance=1", "'9.2'"):
        assert untouched not in texts
    both = "n = 3 + 4\nholds('9.1', [n, 2 * n], [n, n + n])"  # n is the example
    assert not any("3 + 4" in text for text in texts_of(both))


def test_what_only_the_other_equations_need_stays():
    assert texts_of("y = 3 * 4\nother = 5 * 6\nholds('9.1', 7, y)") == texts_of(
        "y = 3 * 4\nholds('9.1', 7, y)"
    )


def test_a_sample_is_spread_and_the_same_every_time():
    chosen = mutants_of(IMPORTS, DATA, PRODUCT)
    assert len(chosen) == _mutants.MOST
    assert chosen == mutants_of(IMPORTS, DATA, PRODUCT)
    assert len({mutant.kind for mutant in chosen}) >= 7
    assert len({mutant.text for mutant in chosen}) == len(chosen)
    assert all(mutant.source != ast.unparse(ast.parse(PRODUCT)) for mutant in chosen)


def test_a_short_cell_is_filled_up_from_the_cells_above():
    above = PRODUCT.replace("holds", "# holds")
    chosen = mutants_of(IMPORTS, DATA, above, "holds('9.1', C, A @ B)")
    assert len(chosen) == _mutants.LEAST
    assert {mutant.cell for mutant in chosen} == {2, 3}
    assert sum(mutant.text.startswith("1 cells above") for mutant in chosen) >= 4


def test_only_the_cells_that_are_needed_run():
    cells = ["x = 1", "plots.show(3)", "y = x + 1", "z = 5", "holds('9.1', y, 2)"]
    assert _mutants.needed_cells([ast.parse(cell) for cell in cells], {4}) == [0, 2, 4]


@needs_fork
def test_a_good_equation_leaves_no_survivor(tmp_path):
    found = judged(tmp_path, IMPORTS, DATA, PRODUCT)
    assert len(found) == _mutants.MOST
    assert {mutant.outcome for mutant in found} <= {"killed", "error"}


@needs_fork
def test_a_degenerate_equation_leaves_survivors(tmp_path):
    found = judged(tmp_path, IMPORTS, "E = np.ones((3, 3))", "holds('9.1', E.T @ E, 3 * E)")
    survivors = {mutant.text for mutant in found if mutant.outcome == "survived"}
    assert "line 1: E.T @ E -> E @ E" in {
        text.replace("holds('9.1', ", "").replace(", 3 * E)", "") for text in survivors
    }


@needs_fork
def test_a_mutant_that_does_not_end_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(equation_mutants, "SECONDS", 0.3)
    code = [compile("while True: pass", "cell", "exec")]
    assert equation_mutants.run_apart(code, {}, limit=0.3) == "timeout"


@needs_fork
def test_a_mutant_spoils_nothing_for_the_next(tmp_path):
    found = judged(tmp_path, IMPORTS, "y = [1]\nx = 2", "y.append(x * 3)\nholds('9.1', y, [1, 6])")
    assert found
    assert {mutant.outcome for mutant in found} <= {"killed", "error"}


@needs_fork
def test_a_lesson_that_does_not_run_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="does not run"):
        judged(tmp_path, IMPORTS, "holds('9.1', 1 + 1, 3)")


# --- the lessons, and the two files


def lesson_tags():
    lessons = [Lesson.read(path) for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))]
    return [tag for lesson in lessons for tag in dict.fromkeys(lesson.checked_tags())]


def test_every_equation_is_in_the_table():
    assert list(TABLE) == lesson_tags(), "run python -m benchmarks.equation_mutants --write"


def test_what_a_lesson_no_longer_has_leaves_the_table(tmp_path):
    row = {"mutants": 8, "killed": 8, "equivalent": 0}
    path = tmp_path / "table.json"
    equation_mutants.write({"2.1": row, "2.2": row, "3.1": row}, path)
    equation_mutants.write({"2.1": row}, path)
    assert list(json.loads(path.read_text(encoding="utf-8"))) == ["2.1", "2.2", "3.1"]
    equation_mutants.write({"2.1": row}, path, whole=True)
    assert list(json.loads(path.read_text(encoding="utf-8"))) == ["2.1", "3.1"]


def test_every_equivalent_mutant_has_a_reason_and_an_equation():
    for (tag, text), reason in EQUIVALENT.items():
        assert tag in TABLE, f"there is no equation ({tag})"
        assert len(reason.split()) >= 4, f"({tag}) {text}: {reason!r} is no reason"


def test_few_mutants_are_called_equivalent():
    in_the_table = sum(row["equivalent"] for row in TABLE.values())
    mutants = sum(row["mutants"] for row in TABLE.values())
    assert in_the_table == len(EQUIVALENT)
    assert in_the_table <= equation_mutants.MOST_EQUIVALENT * mutants


def test_every_entry_of_the_file_is_a_mutant():
    trees = {}
    for tag, text in EQUIVALENT:
        lesson = equation_mutants.lesson_of(tag)
        if lesson not in trees:
            [path] = (ROOT / "notebooks").glob(f"{lesson}_*.ipynb")
            trees[lesson] = equation_mutants.read_cells(path)
        [place] = [at for at, tree in enumerate(trees[lesson]) if tag in _mutants.tags_of(tree)]
        assert text in {mutant.text for mutant in _mutants.mutants(trees[lesson], place, tag)}, (tag, text)


SAMPLE = sorted(
    random.Random(13).sample([tag for tag in TABLE if equation_mutants.lesson_of(tag) in CHEAP], 6)
)


@needs_fork
@pytest.mark.parametrize("lesson", sorted({equation_mutants.lesson_of(tag) for tag in SAMPLE}))
def test_a_sample_of_the_lessons_is_as_the_table_says(lesson):
    tags = [tag for tag in SAMPLE if equation_mutants.lesson_of(tag) == lesson]
    [path] = (ROOT / "notebooks").glob(f"{lesson}_*.ipynb")
    found, complaints = equation_mutants.with_equivalents(equation_mutants.judge(path, tags), EQUIVALENT)
    assert not complaints
    table = {
        tag: {k: n for k, n in row.items() if k != "survivors"}
        for tag, row in equation_mutants.counts(found).items()
    }
    survivors = [f"({mutant.tag}) {mutant.text}" for mutant in found if mutant.outcome == "survived"]
    assert table == {tag: TABLE[tag] for tag in tags}, survivors


def test_a_stale_entry_is_an_error():
    mutant = equation_mutants.Judged("9.1", "line 1: a -> b", "array", "survived")
    known = {("9.1", "line 1: a -> b"): "b is a"}
    changed, complaints = equation_mutants.with_equivalents([mutant], known)
    assert [m.outcome for m in changed] == ["equivalent"]
    assert not complaints
    for became in (mutant._replace(outcome="killed"), mutant._replace(text="line 2: a -> b")):
        _, complaints = equation_mutants.with_equivalents([became], known)
        assert len(complaints) == 1


def test_without_fork_it_says_so(monkeypatch, capsys):
    monkeypatch.delattr(os, "fork", raising=False)
    assert equation_mutants.main([]) == 2
    assert "os.fork" in capsys.readouterr().err


def test_the_table_by_lesson_and_by_equation():
    row = {"mutants": 10, "killed": 7, "equivalent": 1, "survivors": 2}
    mutant = equation_mutants.Judged("9.1", "line 1: a -> b", "array", "survived")
    text = equation_mutants.as_text({"9.1": row}, [mutant], listed=True)
    assert "77.8 %" in text
    assert "Below 80 %: 9.1 (78 %)" in text
    assert "(9.1) array: line 1: a -> b" in text
