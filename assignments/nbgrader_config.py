"""The course: where things are, and how a submission is restored, executed and marked.

What is particular to this course stands in classroom.py, beside this file: limits for the kernels that run
students' code, and rules for submissions that were changed where they may not be.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

import classroom

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "backpropagation"
c.CourseDirectory.root = str(HERE)
classroom.configure(c)
