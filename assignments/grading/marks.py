"""What each test asks of a submission, and what it says. All of this runs outside of its kernel."""

import hashlib
from typing import NamedTuple

import numpy as np
from tasks import EXERCISES, concepts

from backprop_helpers import layers
from backprop_helpers.checking.exercises._examine import examine
from backprop_helpers.checking.exercises._run import Trusted
from backprop_helpers.checking.exercises._runner import TIME_LIMIT, OutOfTime
from backprop_helpers.training import load_mnist

from .arrays import BadAnswerError
from .kernel import KernelEndedError, Remote

TASKS = {task.name: task for task in EXERCISES}
SECONDS_TO_TRAIN = 120
SHAPES_OF_WEIGHTS = [(5, 5, 1, 8), (8,), (288, 10), (10,)]


class Mark(NamedTuple):
    """What came of a test.

    Attributes
    ----------
    passed : bool
    said : object
        Shows itself as text; a `CheckResult` as a table, too.
    diagnosis, hint : str
        The name of a known mistake, and where to look; empty if there is none.
    """

    passed: bool
    said: object
    diagnosis: str = ""
    hint: str = ""


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


def mark(name, kernel, secret):
    """Return the mark of a test, by the name of its cell.

    Parameters
    ----------
    name : str
        Such as "skip_backward_more".
    kernel : Kernel
    secret : str
        Of this course: it determines all the numbers.
    """
    asked, _, which = name.rpartition("_")
    if asked in TASKS:
        return _checked(TASKS[asked], kernel, [_seed(secret, name, n) for n in range(1 + (which == "more"))])
    if asked == "train":
        return _trained(kernel, _seed(secret, name, 0), hard=which == "more")
    if asked in concepts.KEYS:
        return _chosen(asked, kernel)
    raise LookupError(f"no test is known by the name {name!r}")


def _seed(secret, name, number):
    """Return a seed that nobody can know who does not know the secret."""
    return int.from_bytes(hashlib.sha256(f"{secret} {name} {number}".encode()).digest()[:4], "big")


def _checked(task, kernel, seeds):
    """Check a function on the numbers of each seed; say what the first one that fails says, else the last."""
    for seed in seeds:
        guard = Outside(TIME_LIMIT)
        result = examine(task, Remote(kernel, task.name, guard.seconds), seed=seed, guard=guard)
        if not result.passed:
            break
    return Mark(result.passed, result, result.diagnosis or "", result.hint or "")


def _chosen(question, kernel):
    """Compare the letter that a function returns with the key."""
    letter, why_not = concepts.KEYS[question]
    try:
        answer = Remote(kernel, question, TIME_LIMIT)()
    except (Exception, OutOfTime) as error:
        said = (
            "not answered" if isinstance(error, NotImplementedError) else f"{type(error).__name__}: {error}"
        )
        return Mark(False, said)
    if type(answer) is not str or answer not in ("a", "b", "c", "d"):
        return Mark(False, 'one letter, such as return "a"')
    return Mark(answer == letter, "right" if answer == letter else why_not[answer])


def _trained(kernel, seed, hard):
    """Train on digits, and look at the network that comes back; `hard` is the test with fewer of them."""
    rng, mnist = np.random.default_rng(seed), load_mnist()
    chosen = rng.permutation(len(mnist.train_labels))[: 4000 if hard else 5000]
    images, labels = _standardized(mnist.train_images[chosen]), mnist.train_labels[chosen]
    train = Remote(kernel, "train", SECONDS_TO_TRAIN)
    seed = int(rng.integers(2**31))
    try:
        weights = _weights(train(images, labels, seed=seed))
        accuracy = _accuracy(weights, mnist, rng)
        wanted = 0.87 if hard else 0.9
        if not accuracy >= wanted:
            return Mark(False, f"{accuracy:.1%} of 2,000 digits it has not seen; asked for is {wanted:.0%}")
        if hard:
            again = [_weights(train(images[:100], labels[:100], seed=seed)) for _ in range(2)]
            if not all(np.array_equal(a, b) for a, b in zip(*again)):
                return Mark(False, "the same seed gave two different networks")
    except NotImplementedError as error:
        return Mark(False, f"not attempted yet: {error}" if str(error) else "not attempted yet")
    except OutOfTime:
        return Mark(False, f"stopped: it did not return within {SECONDS_TO_TRAIN} s")
    except KernelEndedError:
        raise
    except Exception as error:
        return Mark(False, f"{type(error).__name__}: {error}")
    return Mark(True, f"{accuracy:.1%} of 2,000 digits it has not seen")


def _standardized(images):
    return (images.astype(np.float64) - 0.1307) / 0.3081


def _weights(result):
    shapes = [np.shape(part) for part in result] if isinstance(result, (tuple, list)) else type(result)
    if shapes != SHAPES_OF_WEIGHTS or any(np.asarray(part).dtype.kind not in "fiu" for part in result):
        raise BadAnswerError(f"the shapes of the weights are {shapes}, asked for is {SHAPES_OF_WEIGHTS}")
    return [np.asarray(part, np.float64) for part in result]


def _accuracy(weights, mnist, rng):
    """Return the share of 2,000 test digits that a network gets right."""
    w1, b1, w2, b2 = weights
    chosen = rng.permutation(len(mnist.test_labels))[:2000]
    with np.errstate(all="ignore"):
        z, _ = layers.conv_forward(
            _standardized(mnist.test_images[chosen]), w1, b1, stride=2, padding="valid"
        )
        pooled, _ = layers.pool_forward(layers.relu_forward(z)[0], size=2)
        scores, _ = layers.fc_forward(layers.flatten_forward(pooled)[0], w2, b2)
    return np.mean(scores.argmax(axis=1) == mnist.test_labels[chosen])
