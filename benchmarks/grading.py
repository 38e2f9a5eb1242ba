"""How long does it take to grade a class? ``python -m benchmarks.grading`` grades 50 submissions of ps1.

Half of them are right, half have a mistake, which takes the checks longer. One process,
as `nbgrader autograde` runs.
"""

import argparse
import tempfile
import time
from pathlib import Path

from tests.classroom.submissions import Course, answer, solved

MISTAKE = """
def scaled_fc_backward(dz, x, w, gamma):
    return dz @ w.T, x.T @ dz, (dz * (x @ w)).sum(axis=0), dz.sum(axis=0)
"""


def main(arguments=None):
    """Print seconds a submission."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submissions", type=int, default=50)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        course = Course(Path(folder) / "course")
        students = [f"student{number:03d}" for number in range(options.submissions)]
        for number, student in enumerate(students):
            notebook = solved(course, "ps1")
            if number % 2:
                answer(notebook, "scaled_fc_backward", MISTAKE)
            course.submit(student, "ps1", notebook)
        start = time.perf_counter()
        for student in students:
            course.grade(student, "ps1")
        seconds = (time.perf_counter() - start) / len(students)
    print(f"{len(students)} submissions of ps1: {seconds:.1f} s each")
    print(f"200 submissions would take {seconds * 200 / 60:.0f} min")


if __name__ == "__main__":
    main()
