"""What each equation's cell notices: ``python -m benchmarks.equation_mutants``.

For every numbered equation of the lessons there is a cell that calls ``holds("7.3", left, right)``. Here the
code that computes the two sides is changed in small ways: an operator, an index, a size, a padding side, an
integer off by one, a term, a factor, a sign or a reversal dropped, ``+=`` for ``=``, another axis, two
indices exchanged. The lesson's cells above run once; each mutant then runs in a process of its own (a fork,
so that nothing is spoilt). A mutant is killed if the cell raises: `holds` raises where the sides differ.

What both sides are computed from is the example, not the formula, and is never changed; nor are the tag, the
tolerance, random numbers, dtypes, and what is printed or asserted. At most 12 mutants of an equation's cell
are taken, spread over the kinds and the lines, the same ones every time; ``--most 1000`` takes them all. A
cell with fewer than 8 (``x.T @ dz`` allows no more) is filled up to 8 with mutants of the cells above that
compute its names; then the cells between, as far as they are needed, run again, without their own equations
and assertions.

    mutants      how many were tried
    killed       the cell raised
    equivalent   survivors that compute the same, each with its reason in ``equivalent_mutants.toml``
    survivors    mistakes that the equation does not notice

``--list`` shows the table by equation and every survivor, ``--write`` keeps the counts in
``equation_mutants.json``, with which a test compares a sample. Needs `os.fork`: Linux or macOS.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from benchmarks._mutants import MOST, mutants, needed_cells, tags_of

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.toml")
TABLE = Path(__file__).with_name("equation_mutants.json")
MOST_EQUIVALENT = 0.05
SECONDS, TIMES = 5, 10  # a mutant may take so many seconds, and so many times as long as the cell
PATIENCE = 300  # seconds for a cell as it stands
NO_FORK = "benchmarks.equation_mutants needs os.fork, which this system does not have"
OUTCOMES = {0: "survived", 1: "killed", 2: "error"}


class Judged(NamedTuple):
    """One mutant and what became of it.

    The outcome is "killed" (the sides differ, or an assertion of the cell fails), "error" (the cell raises
    something else, often because shapes do not fit), "timeout", "survived" or "equivalent".
    """

    tag: str
    text: str
    kind: str
    outcome: str


# --- one lesson, in a process of its own


def read_cells(path):
    """Return the code cells of a notebook as trees."""
    notebook = json.loads(Path(path).read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    lines = [source.splitlines() for source in sources]
    return [
        ast.parse("\n".join("" if line.lstrip()[:1] in ("%", "!") else line for line in cell))
        for cell in lines
    ]


def judge_cells(trees, tags=None, most=MOST, report=print):
    """Run the cells of a lesson and every mutant of its equations; report each equation as it is done."""
    plan = {}
    for place, tree in enumerate(trees):
        for tag in tags_of(tree):
            if tags is None or tag in tags:
                plan[tag] = place, mutants(trees, place, tag, most=most)
    if not plan:
        return
    first = {}
    for tag, (place, found) in plan.items():
        for mutant in found:
            first.setdefault(mutant.cell, []).append((tag, place, mutant))
    code = [compile(tree, f"cell {place}", "exec") for place, tree in enumerate(trees)]
    names = {"__name__": "__main__", "display": lambda *things: None}
    outcomes = {}
    for at in needed_cells(trees, {place for place, _ in plan.values()}):
        start = time.monotonic()
        if at in first and run_apart([code[at]], names, limit=PATIENCE) != "survived":
            raise RuntimeError(f"cell {at} raises without any change")
        took = time.monotonic() - start
        for tag, place, mutant in first.get(at, ()):
            between = [] if place == at else rest_of_the_way(trees, at, place, tag)
            limit = SECONDS + TIMES * took * (1 + len(between))
            program = [compile(mutant.source, "mutant", "exec"), *between]
            outcomes[tag, mutant.text] = run_apart(program, names, limit=limit)
        exec(code[at], names)
    for tag, (_, found) in plan.items():
        report(json.dumps([[tag, m.text, m.kind, outcomes[tag, m.text]] for m in found]))


def rest_of_the_way(trees, at, place, tag):
    """Return the code of the cells from ``at`` to the equation's, without other equations and assertions."""
    between = [cell for cell in needed_cells(trees, {place}) if cell > at]
    return [
        compile(
            ast.fix_missing_locations(_Quiet(tag).visit(ast.parse(ast.unparse(trees[cell])))),
            f"cell {cell}",
            "exec",
        )
        for cell in between
    ]


class _Quiet(ast.NodeTransformer):
    """Take out the calls of `holds` for other equations, and the assertions."""

    def __init__(self, tag):
        self.tag = tag

    def visit_Expr(self, node):
        call = node.value
        if isinstance(call, ast.Call) and getattr(call.func, "id", None) == "holds":
            return node if call.args[0].value == self.tag else ast.Pass()
        return node

    def visit_Assert(self, node):
        return ast.Pass()


def run_apart(program, names, *, limit):
    """Run pieces of code in a fork, at most ``limit`` seconds; return what became of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of threads; the child runs NumPy alone
        child = os.fork()
    if child == 0:
        code = 2
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, limit)
            warnings.simplefilter("ignore")
            for piece in program:
                exec(piece, names)
            code = 0
        except AssertionError:
            code = 1
        except BaseException:  # whatever else the mistake raises: it is noticed
            code = 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "timeout" if os.WTERMSIG(status) == signal.SIGALRM else "error"
    return OUTCOMES[os.WEXITSTATUS(status)]


def work(path, tags, most):
    """Be the process of one lesson: silence everything but the reports."""
    reports = os.fdopen(os.dup(1), "w", encoding="utf-8")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    trees = read_cells(path)
    os.chdir(Path(path).parent)
    judge_cells(trees, tags, most, report=lambda line: print(line, file=reports, flush=True))


# --- all lessons


def judge(path, tags=None, most=MOST):
    """Return what became of every mutant of a lesson's equations, as a list of `Judged`.

    Raises
    ------
    RuntimeError
        The lesson does not run.
    """
    command = [sys.executable, "-m", "benchmarks.equation_mutants", "--worker", str(Path(path).resolve())]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [*command, "--most", str(most), *(["--equation", *tags] if tags else [])],
        cwd=ROOT,
        env={**os.environ, **threads, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if done.returncode:
        raise RuntimeError(f"{Path(path).name} does not run:\n{done.stderr[-3000:]}")
    return [Judged(*mutant) for line in done.stdout.splitlines() for mutant in json.loads(line)]


def read_equivalent(path=EQUIVALENT):
    """Return {(tag, text): reason} of the mutants that compute the same."""
    entries = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    return {(tag, text): reason for tag, found in entries.items() for text, reason in found.items()}


def with_equivalents(judged, equivalent):
    """Call the survivors in the file equivalent; return them all, and what is wrong with the file."""
    known = {(mutant.tag, mutant.text): mutant.outcome for mutant in judged}
    tags = {mutant.tag for mutant in judged}
    complaints = []
    for (tag, text), _ in equivalent.items():
        if tag in tags and known.get((tag, text)) != "survived":
            became = known.get((tag, text), "not a mutant any more")
            complaints.append(f"{EQUIVALENT.name}: ({tag}) {text}: {became}")
    changed = [
        mutant._replace(outcome="equivalent")
        if (mutant.tag, mutant.text) in equivalent and mutant.outcome == "survived"
        else mutant
        for mutant in judged
    ]
    return changed, complaints


def counts(judged):
    """Return {tag: {"mutants", "killed", "equivalent", "survivors"}}; whatever raises or hangs is killed."""
    table = {}
    for mutant in judged:
        row = table.setdefault(mutant.tag, dict.fromkeys(("mutants", "killed", "equivalent", "survivors"), 0))
        row["mutants"] += 1
        row[{"survived": "survivors", "equivalent": "equivalent"}.get(mutant.outcome, "killed")] += 1
    return table


def share(row):
    """Return the part of the mutants that is noticed, the equivalent ones left out."""
    possible = row["mutants"] - row["equivalent"]
    return row["killed"] / possible if possible else 0.0


def total(rows):
    """Return the sum of rows."""
    rows = list(rows)
    return {column: sum(row[column] for row in rows) for column in rows[0]} if rows else {}


# --- as a text


def lesson_of(tag):
    """Return the two digits of the lesson of an equation."""
    return f"{int(tag.partition('.')[0]):02d}"


def _line(name, row, equations=""):
    return (
        f"{name:8}{equations!s:>10}{row['mutants']:9}{row['killed']:8}{row['equivalent']:12}"
        f"{row['survivors']:11}{100 * share(row):8.1f} %"
    )


HEADING = (
    f"{'':8}{'equations':>10}{'mutants':>9}{'killed':>8}{'equivalent':>12}{'survivors':>11}{'share':>10}"
)


def as_text(table, judged=(), *, listed=False):
    """Return the table by lesson; with ``listed`` also by equation, and the survivors."""
    lessons = {}
    for tag, row in table.items():
        lessons.setdefault(lesson_of(tag), {})[tag] = row
    lines = [HEADING]
    for lesson, rows in sorted(lessons.items()):
        lines.append(_line(lesson, total(rows.values()), len(rows)))
    lines += ["", _line("all", total(table.values()), len(table))]
    errors = sum(mutant.outcome == "error" for mutant in judged)
    timeouts = sum(mutant.outcome == "timeout" for mutant in judged)
    few = [tag for tag, row in table.items() if row["mutants"] < 8]
    weak = [f"{tag} ({100 * share(row):.0f} %)" for tag, row in table.items() if share(row) < 0.8]
    noticed = sum(mutant.outcome == "killed" for mutant in judged)
    survivors = sum(mutant.outcome == "survived" for mutant in judged)
    lines.append(
        f"{errors} of the killed raise an error before anything is compared, {timeouts} do not end in their "
        f"time. Of the others, {noticed} of {noticed + survivors} are noticed by the comparison."
    )
    lines.append(f"Fewer than 8 mutants: {', '.join(few) or 'none'}.")
    lines.append(f"Below 80 %: {', '.join(weak) or 'none'}.")
    if listed:
        lines += ["", HEADING.replace("equations", "")]
        lines += [_line(tag, row) for tag, row in table.items()]
        for outcome in ("survived", "equivalent"):
            lines += ["", "Survivors" if outcome == "survived" else "Equivalent"]
            lines += [f"({m.tag}) {m.kind}: {m.text}" for m in judged if m.outcome == outcome]
    return "\n".join(lines)


def numbered(judged):
    """Return the mutants in the order of their equations."""
    return sorted(judged, key=lambda mutant: [int(part) for part in mutant.tag.split(".")])


def main(arguments=None):
    """Print the tables; return 0, 2 without fork, 1 if the file of equivalent mutants is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.equation_mutants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", metavar="07", help="these lessons only")
    parser.add_argument("--equation", nargs="+", metavar="7.3", help="these equations only")
    parser.add_argument("--most", type=int, default=MOST, help=f"mutants of an equation's cell ({MOST})")
    parser.add_argument("--jobs", type=int, default=2, help="lessons at a time (2)")
    parser.add_argument("--list", action="store_true", help="also by equation, with the survivors")
    parser.add_argument("--write", action="store_true", help=f"keep the counts in {TABLE.name}")
    parser.add_argument("--worker", metavar="PATH", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not hasattr(os, "fork"):
        print(NO_FORK, file=sys.stderr)
        return 2
    if options.worker:
        work(options.worker, options.equation, options.most)
        return 0
    lessons = options.only or []
    if options.equation and not lessons:
        lessons = [lesson_of(tag) for tag in options.equation]
    paths = [
        path for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")) if not lessons or path.name[:2] in lessons
    ]
    start = time.monotonic()
    with ThreadPoolExecutor(options.jobs) as pool:
        found = pool.map(lambda path: judge(path, options.equation, options.most), reversed(paths))
        judged = numbered(mutant for lesson in found for mutant in lesson)
    if not judged:
        print("no such equation", file=sys.stderr)
        return 2
    judged, complaints = with_equivalents(judged, read_equivalent())
    table = counts(judged)
    print(as_text(table, judged, listed=options.list))
    print(f"{time.monotonic() - start:.0f} s with {options.jobs} jobs")
    if options.write:
        write(table, whole=not options.equation)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


def write(table, path=TABLE, *, whole=False):
    """Keep the counts of these equations; others stay as they are, but for those of `whole` lessons."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    gone = {lesson_of(tag) for tag in table if whole}
    kept = {tag: row for tag, row in kept.items() if lesson_of(tag) not in gone}
    kept |= {
        tag: {name: row[name] for name in ("mutants", "killed", "equivalent")} for tag, row in table.items()
    }
    order = sorted(kept, key=lambda tag: [int(part) for part in tag.split(".")])
    lines = [f"  {json.dumps(tag)}: {json.dumps(kept[tag])}" for tag in order]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main())
