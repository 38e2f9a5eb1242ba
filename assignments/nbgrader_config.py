"""The course: where things are, and how a submission is restored, executed and marked.

What is particular to this course stands in grading/, beside this file.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

import grading

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "backpropagation"
c.CourseDirectory.root = str(HERE)
grading.configure(c, HERE)
