"""The exercises' solutions, one file a lesson: NumPy alone, as the lessons write it.

``check.reveal("06.1")`` shows one of them, after an attempt.
"""
