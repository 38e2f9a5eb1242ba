"""No false alarms: every right answer passes its check with twenty seeds, a thousand runs and more."""

import numpy as np
import pytest

from backprop_helpers.checking import check

from .right_answers import ANSWERS

SEEDS = range(20)


def test_there_are_a_thousand_runs_over_all_lessons():
    assert len(ANSWERS) * len(SEEDS) >= 1000
    assert len({(answer.exercise, answer.style) for answer in ANSWERS}) == len(ANSWERS)
    lessons = {check.exercises[answer.exercise].lesson for answer in ANSWERS}
    assert lessons == {f"{lesson:02}" for lesson in range(13)}


def test_the_seeds_bring_other_numbers():
    for exercise in {check.exercises[answer.exercise] for answer in ANSWERS}:
        cases = [exercise.cases(np.random.default_rng(seed)) for seed in SEEDS]
        assert len({repr([case.arguments for case in some]) for some in cases}) > 1, exercise.name


@pytest.mark.parametrize(
    "answer", ANSWERS, ids=lambda answer: f"{answer.exercise}: {answer.style}".replace(" ", "_")
)
def test_a_right_answer_passes(answer):
    run = getattr(check, answer.exercise)
    alarms = [result for seed in SEEDS if not (result := run(answer.function, seed=seed)).passed]
    assert alarms == []


def test_the_same_answers_broken_do_not_pass():
    """So that passing means something: the last result, off by one part in a thousand, is refused."""

    def broken(function):
        def off(*arguments, **options):
            result = function(*arguments, **options)
            if isinstance(result, tuple):
                return (*result[:-1], np.multiply(result[-1], 1.001))
            return np.multiply(result, 1.001)

        return off

    passed = [
        answer.exercise
        for answer in ANSWERS
        if answer.exercise != "output_size"  # whole numbers: another test's business
        and getattr(check, answer.exercise)(broken(answer.function), diagnose=False).passed
    ]
    assert passed == []
