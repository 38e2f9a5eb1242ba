"""How long does it take to grade a class? ``python -m benchmarks.grading`` grades 50 submissions of ps1.

Half of them are right, half have a mistake, which takes the checks longer. Sandbox included, one at a time
for each core, as `tools/grade` does it.
"""

import argparse
import tempfile
import time
from pathlib import Path

from tests.classroom.marks import SCALE_FORGOTTEN
from tests.classroom.submissions import Course, answer, solved


def main(arguments=None):
    """Print seconds a submission."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submissions", type=int, default=50)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        course = Course(Path(folder) / "course", "ps1")
        for number in range(options.submissions):
            notebook = solved("ps1")
            if number % 2:
                answer(notebook, "scaled_fc_backward", SCALE_FORGOTTEN)
            course.submit(f"student{number:03d}", "ps1", notebook)
        start = time.perf_counter()
        if course.grade("ps1"):
            raise SystemExit(course.said)
        seconds = (time.perf_counter() - start) / options.submissions
    print(f"{options.submissions} submissions of ps1: {seconds:.1f} s each")
    print(f"200 submissions would take {seconds * 200 / 60:.0f} min")


if __name__ == "__main__":
    main()
