"""What each test asks of a submission, and what it says. All of this runs outside of its kernel."""

import hashlib
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from tasks import EXERCISES, concepts
from tasks.readings import READINGS

from backprop_helpers import layers
from backprop_helpers.checking.exercises._examine import Examination
from backprop_helpers.checking.exercises._result import CheckResult
from backprop_helpers.checking.exercises._run import Trusted
from backprop_helpers.checking.exercises._runner import OutOfTime
from backprop_helpers.training import load_mnist

from .arrays import BadAnswerError
from .challenges import Number, speed, stencil
from .hidden import failing, properties
from .kernel import KernelEndedError, Remote

TASKS = {task.name: task for task in EXERCISES}
SECONDS_TO_TRAIN = 120
SLIM, SLIM_ACCURACY = 800, 0.85
SHAPES_OF_WEIGHTS = [(5, 5, 1, 8), (8,), (288, 10), (10,)]


class Mark(NamedTuple):
    """What came of a test.

    Attributes
    ----------
    earned : float
        The share of the points.
    said : object
        Shows itself as text; a `CheckResult` as a table, too.
    noted : dict
        For the report: "diagnosis" and "hint" of a known mistake, "parts" with (share earned, share,
        properties that it lacks), "letter" of an answer, "misread" reports, "number" and "unit" of a
        challenge.
    """

    earned: float
    said: object
    noted: Mapping = MappingProxyType({})


class Outside:
    """Stands where the checks have a `Guard`: the function runs in a kernel that has its own limits."""

    call = staticmethod(Trusted.call)

    def __init__(self, seconds):
        self.seconds = seconds

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def foresee(self, function, cases):
        """Make all the calls at once: to ask takes longer than to answer."""
        function.foresee([(case.fresh(), case.options) for case in cases])


def mark(name, kernel, secret, assignment):
    """Return the mark of a test, by the name of its cell.

    Parameters
    ----------
    name : str
        Such as "skip_backward_more".
    kernel : Kernel
    secret : str
        Of this course: it determines all the numbers.
    assignment : str
        The name of the set: the questions of the concept test have the same names in both.
    """
    asked, _, which = name.rpartition("_")
    rng = np.random.default_rng(_seed(secret, name, 0))
    if asked in TASKS:
        return _checked(TASKS[asked], kernel, _seed(secret, name, 1), rng if which == "more" else None)
    if asked == "train":
        return _trained(kernel, rng, hard=which == "more")
    if asked in concepts.ORDER:
        return _chosen(asked, kernel, assignment)
    if asked in READINGS:
        return _read(READINGS[asked], Remote(kernel, asked))
    if asked in CHALLENGES:
        return _challenged(CHALLENGES[asked], kernel, rng)
    raise LookupError(f"no test is known by the name {name!r}")


def _seed(secret, name, number):
    """Return a seed that nobody can know who does not know the secret."""
    return int.from_bytes(hashlib.sha256(f"{secret} {name} {number}".encode()).digest()[:4], "big")


OTHERWISE_RIGHT = ("different", "recognised", "wrong shape", "reads outside arrays")  # parts may be right
ALONE = 0.5  # of a part's points in a hidden test: right on other numbers; the rest is for its properties


def _checked(task, kernel, seed, rng):
    """Check a function on the numbers of a seed; with a generator, ask what only hidden tests ask, too."""
    guard = Outside(kernel.seconds_a_test)
    function = Remote(kernel, task.name)
    exam = Examination(task, function, list(task.cases(np.random.default_rng(seed))), True, guard)
    result = exam.result()
    right = _right_parts(exam, result)
    lacking = {part.name: [] for part in task.compared}
    if rng is not None and any(right.values()):
        lacking = failing(task, Remote(kernel, task.name), guard, rng)
    asked = 1 if rng is None else len(properties(task, np.random.default_rng(seed)))
    share, parts = 1 / len(right), {}
    for part, is_right in right.items():
        whole = 1 if rng is None else ALONE + (1 - ALONE) * (1 - len(lacking[part]) / asked)
        parts[part] = share * whole * is_right, share, lacking[part] if is_right else ["other numbers"]
    noted = {"diagnosis": result.diagnosis or "", "hint": result.hint or "", "parts": parts}
    earned = sum(got for got, *_ in parts.values())
    if result.passed and any(lacking.values()):
        result = _without(result, lacking)
    return Mark(earned if earned < 1 - 1e-9 else 1.0, result, noted)


def _right_parts(exam, result):
    """Return for each part of the result whether it is right in every case."""
    names = [part.name for part in exam.exercise.compared]
    if result.passed:
        return dict.fromkeys(names, True)
    evidence = exam.evidence
    if result.verdict not in OTHERWISE_RIGHT or any(got is None for got in evidence.got):
        return dict.fromkeys(names, False)
    wrong = {p for _, p in evidence.wrong or evidence.exactly.wrong}
    return {name: p not in wrong for p, name in enumerate(names)}


def _without(result, lacking):
    """Return a result that is right but for some properties, which it names."""
    by_property = {}
    for part, names in lacking.items():
        for name in names:
            by_property.setdefault(name, []).append(part)
    said = "; ".join(f"{name} ({', '.join(parts)})" for name, parts in by_property.items())
    lines = [("fails for", said), *result.lines]
    return CheckResult(result.exercise, "different", lines)


def _chosen(question, kernel, form):
    """Compare the letter that a function returns with the key; in the first form, do not say it."""
    try:
        letter = Remote(kernel, question)()
    except NotImplementedError:
        return Mark(0, "not answered", {"letter": None})
    except (Exception, OutOfTime) as error:
        return Mark(0, f"{type(error).__name__}: {error}", {"letter": None})
    letter = letter.strip().lower() if type(letter) is str else None
    if letter not in ("a", "b", "c", "d"):
        return Mark(0, 'one letter, such as return "a"', {"letter": None})
    right, mistake = concepts.key(form)(question, letter)
    said = concepts.said(form, question, letter)
    return Mark(float(right), said, {"letter": letter, "diagnosis": "" if right else mistake})


def _read(reports, remote):
    """Compare the letters that a function returns, one for each report; each right one earns its share."""
    try:
        answer = remote()
    except (Exception, OutOfTime) as error:
        return Mark(0, _not_attempted(error))
    answer = answer.strip().lower() if type(answer) is str else ""
    if len(answer) != len(reports):
        return Mark(0, f'{len(reports)} letters, such as return "{"abcdef"[: len(reports)]}"')
    said, misread = [], []
    for number, (given, report) in enumerate(zip(answer, reports), 1):
        right = given == report.letter
        said.append(f"report {number}: {'right' if right else f'not {given}. {report.clue}'}")
        misread += [] if right else [f"report {number} read as {given}"]
    return Mark(1 - len(misread) / len(reports), "\n".join(said), {"misread": misread})


def _not_attempted(error):
    if isinstance(error, NotImplementedError):
        return "not attempted yet"
    return "it takes too long" if isinstance(error, OutOfTime) else f"{type(error).__name__}: {error}"


def _challenged(measure, kernel, rng):
    """Measure the number of an open challenge."""
    try:
        number = measure(kernel, rng)
    except KernelEndedError:
        raise
    except (Exception, OutOfTime) as error:
        return Mark(0, _not_attempted(error))
    return Mark(number.earned, number.said, {"number": number.value, "unit": number.unit})


def _trained(kernel, rng, hard):
    """Train on digits, and look at the network that comes back; `hard` is the test with fewer of them."""
    images, labels = _digits(rng, 4000 if hard else 5000)
    renamed = rng.permutation(10)  # weights that were trained elsewhere know nothing of this
    labels = renamed[labels]
    train = Remote(kernel, "train", SECONDS_TO_TRAIN)
    seed = int(rng.integers(2**31))
    try:
        accuracy = _accuracy(_weights(train(images, labels, seed=seed)), rng, renamed)
        wanted = 0.87 if hard else 0.9
        if not accuracy >= wanted:
            return Mark(0, f"{accuracy:.1%} of 2,000 digits it has not seen; asked for is {wanted:.0%}")
        if hard:
            again = [_weights(train(images[:100], labels[:100], seed=seed)) for _ in range(2)]
            if not all(np.array_equal(a, b) for a, b in zip(*again)):
                return Mark(0.5, "it fails for: the same seed, which gave two different networks")
    except KernelEndedError:
        raise
    except (Exception, OutOfTime) as error:
        return Mark(0, _not_attempted(error))
    return Mark(1, f"{accuracy:.1%} of 2,000 digits it has not seen")


def _slim(kernel, rng):
    """Count the numbers of a trained network that are not zero."""
    images, labels = _digits(rng, 5000)
    renamed = rng.permutation(10)
    train = Remote(kernel, "slim", SECONDS_TO_TRAIN)
    weights = _weights(train(images, renamed[labels], seed=int(rng.integers(2**31))))
    accuracy, count = _accuracy(weights, rng, renamed), sum(int(np.count_nonzero(part)) for part in weights)
    said = f"{count} numbers are not zero, {accuracy:.1%} of 2,000 digits it has not seen"
    if not accuracy >= SLIM_ACCURACY:
        return Number(None, "", 0, f"{said}; asked for is {SLIM_ACCURACY:.0%}")
    earned = 1 if count <= SLIM else 0.5 if count <= 2 * SLIM else 0
    return Number(count, "numbers", earned, f"{said}; {2 * SLIM} earn half of the points, {SLIM} all")


def _digits(rng, count):
    mnist = load_mnist()
    chosen = rng.permutation(len(mnist.train_labels))[:count]
    return _standardized(mnist.train_images[chosen]), mnist.train_labels[chosen]


def _standardized(images):
    return (images.astype(np.float64) - 0.1307) / 0.3081


def _weights(result):
    shapes = [np.shape(part) for part in result] if isinstance(result, (tuple, list)) else type(result)
    if shapes != SHAPES_OF_WEIGHTS or any(np.asarray(part).dtype.kind not in "fiu" for part in result):
        raise BadAnswerError(f"the shapes of the weights are {shapes}, asked for is {SHAPES_OF_WEIGHTS}")
    return [np.asarray(part, np.float64) for part in result]


def _accuracy(weights, rng, renamed):
    """Return the share of 2,000 test digits that a network gets right, by their other names."""
    w1, b1, w2, b2 = weights
    mnist = load_mnist()
    chosen = rng.permutation(len(mnist.test_labels))[:2000]
    with np.errstate(all="ignore"):
        z, _ = layers.conv_forward(
            _standardized(mnist.test_images[chosen]), w1, b1, stride=2, padding="valid"
        )
        pooled, _ = layers.pool_forward(layers.relu_forward(z)[0], size=2)
        scores, _ = layers.fc_forward(layers.flatten_forward(pooled)[0], w2, b2)
    return np.mean(scores.argmax(axis=1) == renamed[mnist.test_labels[chosen]])


#: By the name of the function: what measures it.
CHALLENGES = {
    "stencil": stencil,
    "slim": _slim,
    **{
        f"fast_{name}": partial(speed, TASKS[name])
        for name in ("smoothed_cross_entropy_backward", "sequence_input_backward", "depthwise_backward")
    },
}
