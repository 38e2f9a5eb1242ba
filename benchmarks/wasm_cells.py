"""The guest of `benchmarks.wasm`: runs a lesson's code cells here and prints what each said, a JSON a line.

``python wasm_cells.py LESSON``, in any Python that has the lessons' packages.
"""

import json
import os
import sys
import time
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output


def main(path):
    """Run the cells of the lesson at `path`, top to bottom."""
    cells = [cell for cell in json.loads(Path(path).read_text())["cells"] if cell["cell_type"] == "code"]
    os.chdir(Path(path).parent)
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    for cell in cells:
        start = time.monotonic()
        with capture_output() as said:
            shell.display_trap.hook = sys.displayhook  # the value of the last line is caught, too
            result = shell.run_cell("".join(cell["source"]))
        error = result.error_before_exec or result.error_in_exec
        line = {
            "id": cell["id"],
            "seconds": time.monotonic() - start,
            "printed": said.stdout,
            "shown": [{kind: out.data[kind] for kind in TEXTS if kind in out.data} for out in said.outputs],
            "error": error and f"{type(error).__name__}: {error}",
        }
        print(json.dumps(line), flush=True)


TEXTS = ("text/plain", "text/html")

if __name__ == "__main__":
    main(sys.argv[1])
