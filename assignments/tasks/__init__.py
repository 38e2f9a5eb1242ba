"""The tasks of the problem sets in ``assignments/``: cases, references, and the mistakes that are known.

No solution of a task stands here. Gradients are computed by the complex step through a forward pass, forward
passes by way of another layer, and the known mistakes either change those numbers or are the catalogue's,
seen as a convolution of images.
"""

from . import ps1, ps2, ps3, ps4, ps5

#: In the order of the problem sets.
EXERCISES = tuple(task for problem_set in (ps1, ps2, ps3, ps4, ps5) for task in problem_set.EXERCISES)
