"""Oracles: the ways to find out that an implementation is wrong, each with what it cannot see.

``judge(misconceptions["conv.no_rotation"], "gradient check")`` tries the wrong implementation on the entry's
smallest input and returns a `Verdict`: killed, survived or blind, with the reason. Every oracle first tries
the *right* implementation in the same way: one that rejects it, or finds nothing to compare, has no say.

`TOGETHER` are forward and backward functions that are wrong together, to which a gradient check is blind.
"""

from benchmarks.oracles._judge import ORACLES, Oracle, Verdict, judge
from benchmarks.oracles._together import TOGETHER
from benchmarks.oracles._trial import Mistake, Trial

__all__ = ["ORACLES", "TOGETHER", "Oracle", "Mistake", "Trial", "Verdict", "judge"]
