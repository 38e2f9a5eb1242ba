"""Mistakes of the kinds that other people have made: none is accepted, none misnamed, most are named."""

import numpy as np
import pytest

from backprop_helpers.checking import check

from . import answers, more_answers  # noqa: F401 (the second adds to the first's list)

NAMES = [f"{answer.exercise}: {answer.what}".replace(" ", "_") for answer in answers.WRONG]


@pytest.mark.parametrize("answer", answers.WRONG, ids=NAMES)
@pytest.mark.parametrize("seed", [0, 3])
def test_it_is_told_what_is_wrong(answer, seed):
    result = getattr(check, answer.exercise)(answer.function, seed=seed)
    assert not result.passed
    assert result.diagnosis == answer.diagnosis, result
    assert answer.says in str(result)
    assert not answer.silent or answer.silent not in str(result)
    assert (result.hint is None) == (answer.diagnosis is None)


def test_most_are_named():
    named = [answer for answer in answers.WRONG if answer.diagnosis]
    assert len(answers.WRONG) >= 70
    assert len(named) >= 0.85 * len(answers.WRONG)


def test_the_right_ones_among_them_pass():
    """So that it is the mistake that is seen."""
    assert check.conv_backward(answers.RIGHT_GENERAL).passed
    assert check.input_backward(answers.scattered).passed
    assert check.max_pool_backward(
        lambda dz, x, *, size, stride: answers.pooled_back(dz, x, size, stride)
    ).passed
    average = check.average_pool_backward(
        lambda dz, x, *, size, stride: answers.averaged_back(dz, x, size, stride)
    )
    assert average.passed


RIGHT = {
    "relu_backward": (
        lambda da, z: da * (z >= 0),
        lambda da, z: da * (np.sign(z) + 1) / 2,  # half of it at 0, where all between 0 and da is right
    ),
    "leaky_relu_backward": (lambda da, z, *, slope: da * np.where(z >= 0, 1, slope),),
    "fc_backward": (
        lambda dz, x, w: (g for g in (dz @ w.T, x.T @ dz, dz.sum(axis=0))),
        lambda dz, x, w: map(np.asarray, [dz @ w.T, x.T @ dz, dz.sum(axis=0)]),
    ),
    "initial_weights": (
        lambda inputs, units, rng: (
            rng.spawn(1)[0].normal(0, np.sqrt(2 / inputs), (inputs, units)),
            np.zeros(units),
        ),
        lambda inputs, units, rng: (
            rng.choice([-1.0, 1.0], (inputs, units)) * np.sqrt(2 / inputs),
            np.zeros(units),
        ),
    ),
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("exercise", RIGHT)
def test_right_answers_of_other_forms_pass(exercise, seed):
    for function in RIGHT[exercise]:
        assert getattr(check, exercise)(function, seed=seed).passed


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w: np.negative(w[:, :20], out=w[:, 20:40]), "columns or rows of w is -1, expected 0"),
        (lambda w: np.copyto(w[:, 20:40], w[:, :20]), "columns or rows of w is 1, expected 0"),
        (lambda w: w[:, -1].fill(0), "oddest column of w) / (size of w) is 0, expected 1"),
        (lambda w: w[-5:].fill(0), "oddest row of w) / (size of w) is 0, expected 1"),
        (lambda w: w.__imul__(np.linspace(0.5, 1.5, w.shape[1])), "oddest column"),
        (lambda w: w.sort(axis=0), "columns or rows of w is 0.9"),
    ],
    ids=["negated", "equal", "zero column", "zero rows", "unequal", "sorted"],
)
@pytest.mark.parametrize("seed", [0, 3])
def test_weights_of_the_right_size_in_which_something_is_special(change, told, seed):
    def initial_weights(inputs, units, rng):
        w = rng.normal(0, np.sqrt(2 / inputs), (inputs, units))
        change(w)
        return w, np.zeros(units)

    result = check.initial_weights(initial_weights, seed=seed)
    assert not result.passed
    assert result.diagnosis is None
    assert told in str(result)


def test_shapes_are_compared_first():
    def agree(a, n):
        return bool((np.abs(a - n) <= 1e-6 * np.maximum(np.abs(a), np.abs(n))).all())

    result = check.gradients_agree(agree)
    assert result.diagnosis == "gradients_agree.shapes_not_compared"
    assert "compare the shapes first" in str(result)
    for pressed in (np.ravel, np.squeeze):
        assert not check.gradients_agree(lambda a, n, to=pressed: agree(to(a), to(n))).passed
    assert check.gradients_agree(lambda a, n: a.shape == n.shape and agree(a, n)).passed


def test_a_row_of_numbers_is_as_good_as_several_results():
    assert check.reused_backward(lambda x, y, z: np.array([z + 1, z, x + y])).passed
    assert not check.reused_backward(lambda x, y, z: np.array([z + 1, z])).passed


def test_random_numbers_of_called_code_are_told():
    class Noise:
        def added(self, array):
            return array + 1e-3 * np.random.normal(size=array.shape)  # noqa: NPY002

    result = check.relu_backward(lambda da, z: Noise().added(da * (z > 0)))
    assert "(np.random)" in str(result)
    assert "first call" not in str(result)


def test_another_generator_and_another_variance_are_both_named():
    class Layer:
        def weights(self, inputs, units):
            return np.random.randn(inputs, units) / np.sqrt(inputs)  # noqa: NPY002

    result = check.initial_weights(lambda i, u, rng: (Layer().weights(i, u), np.zeros(u)))
    assert result.diagnosis == "training.rng_not_used"
    assert "the variance is 1/inputs" in str(result)
    assert "first call" not in str(result)


EYE = np.eye(10)


def with_a_constant_outside(y_hat, y):
    return -EYE[y, : y_hat.shape[1]] / y_hat / len(y)


class Layer:
    def __init__(self):
        self.W = np.ones((3, 2))

    def backward(self, dz, x, w):
        return dz @ w.T, x.T @ dz, dz.sum(axis=0)


def test_a_constant_outside_is_told_and_the_numbers_are_right():
    result = check.cross_entropy_backward(with_a_constant_outside)
    assert result.passed
    assert "it reads EYE" in str(result)
    assert "The numbers are right" in str(result)
    assert "W" not in str(check.fc_backward(Layer().backward)).replace("\n", " ").split("and ")[-1]
    assert check.fc_backward(Layer().backward).passed


def test_the_smallest_failing_case_is_given_as_arrays():
    def wrong(dz, x, w):
        return dz @ w.T, x.T @ dz + 0.1 * np.sin(dz).sum(), dz.sum(axis=0)

    result = check.fc_backward(wrong)
    case = result.case
    assert set(case.arguments) == {"dz", "x", "w"}
    _, dw, db = wrong(**case.arguments, **case.options)
    np.testing.assert_array_equal(case.got["dw"], dw)
    np.testing.assert_allclose(case.expected["db"], db)
    assert case.got["dw"][case.look_at] != case.expected["dw"][case.look_at]
    sizes = [
        sum(a.size for a in c.arguments)
        for c in check.exercises["fc_backward"].cases(np.random.default_rng(0))
    ]
    assert sum(a.size for a in case.arguments.values()) == min(sizes)
    assert "[" + ", ".join(map(str, case.look_at)) + "]" in str(result)
    assert check.fc_backward(lambda dz, x, w: (dz @ w.T, x.T @ dz, dz.sum(axis=0))).case is None


@pytest.mark.parametrize("factor", [2.0, -1.0, 0.999])
def test_a_constant_is_told_if_every_case_agrees(factor):
    text = str(check.bias_backward(lambda dz: factor * dz.sum(axis=(0, 1, 2))))
    said = {2.0: "2 times too large", -1.0: "sign flipped", 0.999: "too small by 0.1 %"}
    assert said[factor] in text


def test_a_constant_has_a_name_only_if_it_is_that_in_every_case():
    by_units = str(check.fc_backward(lambda dz, x, w: (dz @ w.T, x.T @ dz / w.shape[1], dz.sum(axis=0))))
    assert "K times too small" in by_units
    assert "M" not in by_units.partition("difference")[2].partition("\n")[0].replace("(M", "")
    by_two = str(check.fc_backward(lambda dz, x, w: (dz @ w.T, x.T @ dz / 2, dz.sum(axis=0))))
    assert "2 times too small" in by_two
    assert "number of examples" not in by_two


def test_mistakes_are_named_in_float32_too():
    for answer in answers.WRONG:
        if (
            answer.exercise not in ("input_backward", "max_pool_backward", "weights_backward")
            or not answer.diagnosis
        ):
            continue

        def single(*arguments, function=answer.function, **options):
            arguments = [a.astype(np.float32) for a in arguments]
            return np.asarray(function(*arguments, **options), np.float32)

        assert getattr(check, answer.exercise)(single).diagnosis == answer.diagnosis, answer.what


def test_a_factor_besides_is_told():
    result = check.input_backward(lambda dz, w: -3 * answers.scattered(dz, w[::-1, ::-1]))
    assert result.diagnosis == "conv.no_rotation"
    assert "besides, dx is sign flipped, and 3 times too large" in str(result)
