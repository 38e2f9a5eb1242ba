"""The right code with explicit arrays, as a learner writes it: one file a lesson.

First the exercises' solutions, each in the way that its exercise asks for; ``check.reveal("06.1")`` shows one
of them, after an attempt. Then other ways, from which the misconceptions are made by changing a line or two.
"""
