"""The exercises' checks: every verdict, every known mistake, and no false alarm."""

import ast
import inspect
import re
import threading
from pathlib import Path

import numpy as np
import pytest

from backprop_helpers import layers
from backprop_helpers.checking import check, misconceptions
from backprop_helpers.checking.exercises import VERDICTS, solution, solution_source
from backprop_helpers.checking.exercises import _runner as runner

# Mistakes that give the same answers: the plainer diagnosis is true of both.
SAME_NUMBERS = {
    ("relu.no_mask", "relu.mask_from_output"),  # a mask that is always true, and none
    ("conv.overlap_overwritten", "conv.adds_at_index_arrays"),
    ("softmax.no_shift", "softmax.mean_subtracted"),  # the mean of a batch of large scores of both signs
}
LESSONS = {name: exercise for name, exercise in check.exercises.items() if exercise.lesson.isdigit()}


def defined(source, **names):
    """The last function that the source defines, as a cell of a notebook would."""
    namespace = {"np": np, **names}
    exec(source, namespace)
    return [value for value in namespace.values() if inspect.isfunction(value)][-1]


# What a solution calls, as a lesson has it: an import, and the solution of an exercise before it.
WEIGHTS_BACKWARD = defined(solution_source(check.exercises["weights_backward"]))
CALLED = {"resolve_padding": layers.resolve_padding, "weights_backward": WEIGHTS_BACKWARD}


def solved(name):
    return defined(solution_source(check.exercises[name]), **CALLED)


def checked(name, function, **options):
    return getattr(check, name)(function, **options)


@pytest.mark.parametrize("name", LESSONS)
@pytest.mark.parametrize("seed", [0, 7])
def test_the_solution_passes(name, seed):
    result = checked(name, solved(name), seed=seed)
    assert result.passed, result
    assert (result.verdict, result.diagnosis, result.hint) == ("right", None, None)
    assert result.assert_ok() is result
    assert "verified" in str(result)


# What the text of an exercise rules out, and what it asks for: regular expressions.
RULES = {
    "gradients_agree": (r"/", r"\*"),
    "fc_forward": (r"@|\bdot\b|einsum|\bfor\b", r"sum\(axis=1\)"),
    "fc_backward": (r"sum\(", r"np\.ones"),
    "softmax": (r" / ", r"np\.log"),
    "softmax_backward": (r"for .*\n.*for ", r"np\.outer"),
    "cross_entropy_backward": (r"np\.eye", r"np\.arange\(M\), y"),
    "softmax_cross_entropy_backward": (r"np\.eye|log", r"np\.arange\(M\), y\] -= 1"),
    "correlate": (r"in range\(H_out", r"in range\(F_h"),
    "correlate_channels": (r"\bfor\b", r"sliding_window_view"),
    "patches": (r"sliding_window_view|range\(M|append", r"\bfor\b"),
    "weights_backward": (r"reshape|einsum|range\(H_out", r"np\.tensordot"),
    "bias_backward": (r"sum\(|tensordot", r"np\.ones[\s\S]*weights_backward\("),
    "input_backward": (r"range\(M|range\(H_out", r"reshape\(-1, K\) @"),
    "input_backward_same": (r"np\.pad|_padded", r"np\.zeros\(\(M, H, W, C\)\)"),
    "conv_forward": (r"(for .*[\s\S]*){3}", r"np\.pad"),
    "conv_backward": (r"\bfor\b|np\.pad", r"np\.einsum"),
    "pool_forward": (r"range\(H_out|range\(M|window\b", r"np\.maximum"),
    "max_pool_backward": (r"arg|unravel|range\(H_out", r"paid"),
    "average_pool_backward": (r"\bfor\b", r"np\.einsum"),
    "two_layer_backward": (r"\bfor\b", r"np\.exp"),
}


@pytest.mark.parametrize("name", RULES)
def test_the_solution_goes_the_way_that_the_exercise_asks_for(name):
    function = solution(LESSONS[name])
    ruled_out, asked_for = RULES[name]
    code = inspect.getsource(function).replace(function.__doc__, "")
    code = re.sub(r"#.*", "", code)
    assert not re.search(ruled_out, code), code
    assert re.search(asked_for, code), code


@pytest.mark.parametrize("name", LESSONS)
def test_a_stub_is_not_attempted_and_nothing_worse(name):
    exercise = LESSONS[name]
    stub = defined(exercise.stub)
    assert list(inspect.signature(stub).parameters)[: len(exercise.arguments)] == list(exercise.arguments)
    result = checked(name, stub)
    assert not result.passed
    assert not result.attempted
    assert result.verdict == "not attempted"
    with pytest.raises(NotImplementedError, match="not attempted yet"):
        result.assert_ok()


@pytest.mark.parametrize("name", LESSONS)
def test_known_mistakes_fail_and_are_recognised(name):
    suspects = [suspect for suspect in LESSONS[name].suspects if suspect.fit is None]
    if len(suspects) > 100:  # the forms of a mistake that has a hundred
        suspects = [*{suspect.name: suspect for suspect in suspects}.values(), *suspects[::12]]
    for suspect in suspects:
        result = checked(name, suspect.make())
        assert not result.passed, suspect.name
        assert result.verdict in VERDICTS
        if (result.diagnosis, suspect.name) in SAME_NUMBERS:
            continue
        assert result.diagnosis == suspect.name, result
        known = suspect if suspect.hint else misconceptions[suspect.name]
        texts = {s.diagnosis or known.diagnosis for s in LESSONS[name].suspects if s.name == suspect.name}
        assert any(text in str(result) for text in texts) or any("{number}" in text for text in texts)
        assert result.hint == known.hint


def test_every_mistake_of_the_catalogue_about_a_layer_belongs_to_an_exercise():
    known = {suspect.name for exercise in LESSONS.values() for suspect in exercise.suspects}
    for bug in misconceptions.values():
        if bug.function in LESSONS and bug.function != "check_gradients":
            assert bug.name in known, bug.name


def test_numbers_names_and_text():
    numbers = [exercise.number for exercise in LESSONS.values()]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == len(numbers)
    for exercise in LESSONS.values():
        assert exercise.signature.startswith(exercise.name + "(")
        ast.parse(exercise.stub)
        for suspect in exercise.suspects:
            assert (suspect.name in misconceptions) != bool(suspect.hint)
            assert suspect.diagnosis or not suspect.hint
        for line in solution_source(exercise).splitlines():
            assert "backprop_helpers" not in line
        cases = exercise.cases(np.random.default_rng(0))
        assert [case.name for case in exercise.cases(np.random.default_rng(0))] == [c.name for c in cases]


# --- every verdict


def result_of(source, name="fc_backward", **options):
    return checked(name, defined(source), **options)


FC = "def fc_backward(dz, x, w):\n"


def test_raised():
    result = result_of(FC + "    dw = dz @ x\n    return dz @ w.T, dw, dz.sum(0)")
    assert result.verdict == "raised"
    text = str(result)
    assert "ValueError: matmul" in text
    assert "dz (1, 2), x (1, 3), w (3, 2)" in text
    with pytest.raises(AssertionError, match="raised"):
        result.assert_ok()


def test_raised_names_the_line_of_the_learner(tmp_path):
    path = tmp_path / "cell.py"
    path.write_text(FC + "    y = 1\n    return y.no_such_thing\n", encoding="utf-8")
    namespace = {}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
    text = str(check.fc_backward(namespace["fc_backward"]))
    assert "in line 3 of fc_backward: return y.no_such_thing" in text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("return dz @ w.T, x.T @ dz", "it returns 2 results; expected 3: dx, dw, db"),
        ("return", "it returns None"),
        ("return dz @ w.T, x.T @ dz, None", "db is None"),
        ("return dz @ w.T, x.T @ dz, 'b'", "db is 'b' (str)"),
        (
            "return dz @ w.T, (x.T @ dz).T, dz.sum(0)",
            "dw has shape (4, 5); expected (5, 4) as (N, K); it is transposed",
        ),
        (
            "return dz @ w.T, x.T @ dz, dz.sum()",
            "db is a single number; expected an array of shape (4,) as (K,)",
        ),
        ("return dz @ w.T, x.T @ dz + 0j, dz.sum(0)", "dw is complex numbers"),
        ("yield dz", "`yield`"),
    ],
)
def test_wrong_shape(body, text):
    result = result_of(f"{FC}    {body}")
    assert result.verdict == "wrong shape"
    assert text in str(result)


def test_different_says_where_and_how():
    result = result_of(FC + "    return dz @ w.T, 3 * (x.T @ dz), dz.sum(0)")
    assert result.verdict == "different"
    assert "dw is 3 times too large: dw[" in str(result)
    assert "dx and db are right" in str(result)
    assert result.diagnosis is None


def test_no_diagnosis_for_a_bug_hunt():
    bug = misconceptions["conv.no_rotation"]
    result = check.input_backward(lambda dz, w: solved("input_backward")(dz, w[::-1, ::-1]), diagnose=False)
    assert (result.verdict, result.diagnosis, result.hint) == ("different", None, None)
    assert bug.diagnosis not in str(result)
    assert "dx" in str(result)


def test_two_mistakes_are_both_named():
    result = result_of(FC + "    return dz @ w.T, x.T @ dz * 0 + (x[-1:].T @ dz[-1:]), dz.mean(0)")
    assert result.verdict == "recognised"
    assert misconceptions["fc.last_example_only"].diagnosis in str(result)
    assert misconceptions["fc.bias_averaged"].diagnosis in str(result)


def test_writing_to_inputs_is_caught_although_the_answer_is_right():
    result = result_of(
        FC + "    dx = dz @ w.T\n    dw = x.T @ dz\n    dz *= 1.5\n    return dx, dw, dz.sum(0) / 1.5"
    )
    assert result.verdict == "writes to its inputs"
    assert "dz is not what the caller gave" in str(result)


@pytest.mark.parametrize(
    "source",
    [
        "calls = [0]\ndef relu_backward(da, z):\n    calls[0] += 1\n    return da * (z > 0) * calls[0]",
        "kept = {}\ndef relu_backward(da, z):\n    return kept.setdefault('first', da * (z > 0))",
        "def relu_backward(da, z):\n    return da * (z > 0) + np.random.normal()",
    ],
)
def test_state_is_caught(source):
    assert result_of(source, "relu_backward").verdict == "keeps state"


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_results_of_another_form_each_time_are_answers_like_others(calls):
    source = (
        f"calls = [{calls}]\ndef relu_backward(da, z):\n    calls[0] += 1\n"
        "    return ('x',) * (calls[0] % 3) or da"
    )
    assert result_of(source, "relu_backward").verdict in ("wrong shape", "keeps state")


def test_a_buffer_used_again_is_caught():
    source = (
        "buffer = {}\ndef relu_backward(da, z):\n    out = buffer.setdefault(z.size, np.zeros(z.size))\n"
        "    out = out.reshape(z.shape)\n    out[...] = da * (z > 0)\n    return out"
    )
    assert result_of(source, "relu_backward").verdict == "keeps state"


X = np.ones((3, 4))


def reads_a_global(da, z):
    return da * (z > 0) + 0 * X.sum()


def helper(z):
    return X.shape and z


def reads_a_global_in_a_helper(da, z):
    return da * (helper(z) > 0)


def in_a_lambda(da, z):
    return (lambda: da * (z > 0) + 0 * X[0, 0])()


def closed_over():
    X_inside = np.ones(3)

    def relu_backward(da, z):
        return da * (z > 0) + 0 * X_inside[0]

    return relu_backward


@pytest.mark.parametrize("function", [reads_a_global, reads_a_global_in_a_helper, in_a_lambda, closed_over()])
def test_arrays_from_outside_are_told(function):
    result = check.relu_backward(function)
    assert result.passed
    assert "it reads X" in str(result)
    assert "The numbers are right; the rule is" in str(result)

    wrong = check.relu_backward(lambda da, z: 3.7 * function(da, z)[::-1] + 0.5 * da)
    assert wrong.verdict == "reads outside arrays"
    assert "it reads X" in str(wrong)
    assert "is there a slip in a name?" in str(wrong)


SCALE = 1.0


def with_constants_and_attributes(da, z):
    class Holder:
        X = 3

    return SCALE * da * (z > 0) + 0 * Holder.X


def test_constants_functions_and_attributes_of_the_same_name_are_fine():
    assert check.relu_backward(with_constants_and_attributes).passed


def aliased(dz, x, w):
    _, cache = layers.fc_forward(x, w, np.zeros(w.shape[1]))
    return ALIAS(dz, cache)


ALIAS = layers.fc_backward


def by_a_helper(dz, x, w):
    return aliased(dz, x, w)


def by_nudges(dz, x, w):
    from backprop_helpers.checking import numerical_gradient

    db = np.zeros(w.shape[1])
    return (
        numerical_gradient(lambda x: x @ w, x, upstream=dz),
        numerical_gradient(lambda w: x @ w, w, upstream=dz),
        dz.sum(0) + db,
    )


@pytest.mark.parametrize(
    "function", [aliased, by_a_helper, by_nudges, misconceptions["fc.dw_transposed"].right]
)
def test_delegation_does_not_count(function):
    result = check.fc_backward(function)
    assert result.verdict == "delegated"
    assert not result.passed


def test_solutions_and_references_are_no_answers_either():
    from backprop_helpers.checking.solutions import lesson_02

    assert check.fc_backward(lesson_02.fc_backward).verdict == "delegated"
    assert check.fc_backward(check.exercises["fc_backward"].reference).verdict == "delegated"


# --- limits


def test_an_endless_loop_is_stopped(monkeypatch):
    monkeypatch.setattr(runner, "TIME_LIMIT", 0.3)
    for body in (
        "while True: pass",
        "while True:\n        try:\n            z = z + 0\n        except Exception:\n            pass",
    ):
        result = result_of(f"def relu_backward(da, z):\n    {body}", "relu_backward")
        assert result.verdict == "stopped"
        assert "within 0.3 seconds" in str(result)


def test_an_endless_loop_that_catches_everything_is_stopped(monkeypatch):
    monkeypatch.setattr(runner, "TIME_LIMIT", 0.3)
    source = "def relu_backward(da, z):\n    while True:\n        try:\n            z = z + 0\n        except:\n            pass"  # noqa: E501
    assert result_of(source, "relu_backward").verdict == "stopped"


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="the system does not say how large the process is"
)
def test_a_giant_array_is_stopped():
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    result = result_of("def relu_backward(da, z):\n    return np.ones((70000, 70000))", "relu_backward")
    assert result.verdict == "stopped"
    assert "memory" in str(result)
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_deep_recursion_is_an_error_like_others():
    result = result_of("def relu_backward(da, z):\n    return relu_backward(da, z)", "relu_backward")
    assert result.verdict == "raised"
    assert "calls itself again and again" in str(result)


def test_an_interrupt_interrupts():
    with pytest.raises(KeyboardInterrupt):
        result_of("def relu_backward(da, z):\n    raise KeyboardInterrupt", "relu_backward")


def test_leaving_python_does_not(capsys):
    assert result_of("def relu_backward(da, z):\n    raise SystemExit", "relu_backward").verdict == "raised"


def test_printing_comes_through_once(capsys):
    source = "def relu_backward(da, z):\n    print('z', z.shape)\n    return da * (z > 0)"
    assert result_of(source, "relu_backward").passed
    assert capsys.readouterr().out == "z (1, 4)\n"
    assert result_of(source.replace("'z'", "'z' * 10000"), "relu_backward").passed
    assert len(capsys.readouterr().out) < 2200


def test_the_profiler_is_given_back():
    import sys

    def profiler(*_):
        pass

    sys.setprofile(profiler)
    try:
        check.relu_backward(lambda da, z: da * (z > 0))
        assert sys.getprofile() is profiler
    finally:
        sys.setprofile(None)


# --- right answers in other styles

RIGHT = {
    "lists": ("relu_backward", "def f(da, z):\n    return np.where(z > 0, da, 0).tolist()"),
    "a list of results": ("fc_backward", "def f(dz, x, w):\n    return [dz @ w.T, x.T @ dz, dz.sum(0)]"),
    "in place on its own": (
        "relu_backward",
        "def f(da, z):\n    dz = da.copy()\n    dz[z <= 0] = 0\n    dz.setflags(write=False)\n    return dz",
    ),
    "einsum": (
        "fc_backward",
        "def f(dz, x, w):\n    return np.einsum('mk,nk->mn', dz, w), np.einsum('mn,mk->nk', x, dz), np.einsum('mk->k', dz)",  # noqa: E501
    ),
    "matrix form": (
        "weights_backward",
        "def f(dz, x, w):\n    F_h, F_w, C, K = w.shape\n"
        "    v = np.lib.stride_tricks.sliding_window_view(x, (F_h, F_w), axis=(1, 2))\n"
        "    cols = v.transpose(0, 1, 2, 4, 5, 3).reshape(-1, F_h * F_w * C)\n"
        "    return (cols.T @ dz.reshape(-1, K)).reshape(w.shape)",
    ),
    "SciPy": (
        "correlate",
        "from scipy.signal import correlate2d\ndef f(X, W, bias):\n    return correlate2d(X, W, mode='valid') + bias",  # noqa: E501
    ),
    "a layer as a tool": (
        "input_backward",
        "from backprop_helpers.layers import conv_forward\ndef f(dz, w):\n    F_h, F_w = w.shape[:2]\n"
        "    p = np.pad(dz, ((0, 0), (F_h - 1,) * 2, (F_w - 1,) * 2, (0, 0)))\n"
        "    t = w[::-1, ::-1].swapaxes(2, 3)\n"
        "    return conv_forward(p, t, np.zeros(t.shape[3]), stride=1, padding='valid')[0]",
    ),
    "NumPy's int": (
        "output_size",
        "def f(n, f, *, stride, padding, dilation):\n    if padding == 'same':\n        return np.int64(-(-n // stride))\n"  # noqa: E501
        "    return len(range(0, n + 2 * padding - dilation * (f - 1), stride))",
    ),
    "a NumPy bool": (
        "gradients_agree",
        "def f(a, n):\n    small = 1e-6 * np.maximum(np.abs(a), np.abs(n)) + 1e-12\n"
        "    return a.shape == n.shape and np.all(np.abs(a - n) <= small)",
    ),
    "allclose": (
        "gradients_agree",
        "def f(a, n):\n    return a.shape == n.shape and np.allclose(a, n, rtol=1e-6, atol=1e-10)",
    ),
    "uniform weights": (
        "initial_weights",
        "def f(n, k, rng):\n    a = (6 / n) ** 0.5\n    return rng.uniform(-a, a, (n, k)), np.zeros(k)",
    ),
}


@pytest.mark.parametrize("style", RIGHT)
def test_no_false_alarm(style):
    name, source = RIGHT[style]
    for seed in (0, 1):
        result = result_of(source, name, seed=seed)
        assert result.passed, result


def test_float32_passes_with_a_warning():
    result = check.relu_backward(lambda da, z: da.astype(np.float32) * (z > 0))
    assert result.passed
    assert "float32" in str(result)
    assert "float32" not in str(check.relu_backward(lambda da, z: da * (z > 0)))


def test_a_view_passes_with_a_warning():
    result = check.flatten_backward(lambda dy, x: dy.reshape(x.shape))
    assert result.passed
    assert "dx is a view of dy" in str(result)


# --- the namespace, and the texts


def test_a_solution_is_shown_after_an_attempt_only(monkeypatch):
    monkeypatch.setattr(check, "_attempted", set())
    assert "after an attempt" in repr(check.reveal("06.2"))
    check.bias_backward(defined(check.exercises["bias_backward"].stub))
    assert "after an attempt" in repr(check.reveal("06.2"))
    check.bias_backward(lambda dz: dz)
    assert "def bias_backward(dz)" in repr(check.reveal("06.2"))
    assert repr(check.reveal("bias_backward")) == repr(check.reveal("06.2"))
    with pytest.raises(KeyError, match=r"nearest: 05\.2"):
        check.reveal("05.22")


def test_names_that_do_not_exist():
    with pytest.raises(AttributeError, match="nearest: conv_backward"):
        check.conv_bakward  # noqa: B018
    with pytest.raises(TypeError, match="expected your function relu_backward"):
        check.relu_backward(np.ones(3))
    assert "Check conv_backward(dz, x, w" in check.conv_backward.__doc__


def test_texts_are_the_same_every_time_and_hold_no_addresses():
    def wrong(dz, x, w):
        return dz @ w.T, x.T @ dz, dz.sum(0) + 1

    first, second = check.fc_backward(wrong), check.fc_backward(wrong)
    assert str(first) == str(second) == repr(first)
    assert first._repr_html_() == second._repr_html_()
    assert "0x" not in str(first)
    assert "<table" in first._repr_html_()
    assert str(check.fc_backward(wrong, seed=3)) != str(first)


def test_html_is_escaped():
    def relu_backward(da, z):
        raise ValueError("<b>&")

    assert "&lt;b&gt;&amp;" in check.relu_backward(relu_backward)._repr_html_()


def test_one_case_that_fits_by_chance_is_no_recognition():
    """It raises in six of seven cases; the seventh, all open, looks like a backward without a mask."""
    kept = np.ones((3, 5))

    def relu_backward(da, z):
        return da * (kept > 0)

    result = check.relu_backward(relu_backward)
    assert result.verdict == "raised"
    assert result.diagnosis is None


# --- a right answer that goes another way, and a cell that cannot be read


def by_argmax(dz, x, *, size, stride):
    (F_h, F_w), (s_h, s_w) = np.broadcast_to(size, 2), np.broadcast_to(stride, 2)
    dx = np.zeros(x.shape)
    for m, i, j, c in np.ndindex(dz.shape):
        window = x[m, i * s_h : i * s_h + F_h, j * s_w : j * s_w + F_w, c]
        u, v = np.unravel_index(window.argmax(), window.shape)
        dx[m, i * s_h + u, j * s_w + v, c] += dz[m, i, j, c]
    return dx


def by_quotient(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def with_a_loop(da, z):
    return np.stack([a * (b > 0) for a, b in zip(da, z)])


@pytest.mark.parametrize(
    ("name", "function", "text"),
    [
        (
            "max_pool_backward",
            by_argmax,
            "the exercise asked for a loop over the offsets only, without argmax",
        ),
        ("softmax", by_quotient, "the exercise asked for the logarithm first"),
        ("relu_backward", with_a_loop, ""),
    ],
)
def test_a_right_answer_that_goes_another_way_is_right_and_told(name, function, text):
    result = checked(name, function)
    assert result.passed
    assert dict(result.lines).get("but", "").startswith(text)
    assert ("asked for" in str(result)) == bool(text)


@pytest.mark.parametrize("name", RULES)
def test_the_solutions_keep_the_rules_that_are_checked(name):
    from backprop_helpers.checking.exercises._rules import asked_for

    assert asked_for(LESSONS[name], solution(LESSONS[name])) == ""


def test_a_cell_with_a_syntax_error_is_told_and_nothing_is_checked():
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    try:
        right = "def my_relu_backward(da, z):\n    return da * (z > 0)"
        shell.run_cell("from backprop_helpers.checking import check\n" + right, store_history=True)
        assert shell.run_cell("check.relu_backward(my_relu_backward)", store_history=True).result.passed
        shell.run_cell("def my_relu_backward(da, z):\n    return da * (z > 0", store_history=True)
        result = shell.run_cell("check.relu_backward(my_relu_backward)", store_history=True).result
        assert (result.passed, result.attempted, result.verdict) == (False, False, "not read")
        assert "SyntaxError in line 2 of your cell with def my_relu_backward" in str(result)
        with pytest.raises(AssertionError, match="nothing was checked"):
            result.assert_ok()
        shell.run_cell(right, store_history=True)
        assert shell.run_cell("check.relu_backward(my_relu_backward)", store_history=True).result.passed
    finally:
        InteractiveShell.clear_instance()


def test_a_known_mistake_does_not_read_like_praise_and_success_can_be_seen():
    wrong, right = check.relu_backward(lambda da, z: da), check.relu_backward(lambda da, z: da * (z > 0))
    assert wrong.verdict == "recognised"
    assert "recognised" not in str(wrong)
    assert "wrong: a known mistake" in str(wrong)
    page = right._repr_html_()
    assert "<details><summary>10 cases</summary>z of shape (1, 4);" in page
    assert "border-left:8px solid" in page
    assert "border-left" not in wrong._repr_html_()
    assert "<details>" not in wrong._repr_html_()


def test_checks_work_where_no_thread_can_be_started(monkeypatch):
    """As in the Python of a browser: there is no time limit there, and everything else holds."""

    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert check.relu_backward(lambda da, z: da * (z > 0)).passed
    wrong = check.relu_backward(lambda da, z: da * (da > 0))
    assert wrong.attempted
    assert not wrong.passed


def test_no_exercise_hides_another_of_its_name():
    """Exercises are kept by name: a problem set's would take the place of a lesson's."""
    solved_in = {}
    for path in (Path(check.__file__).parent / "solutions").glob("lesson_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in (node.name for node in tree.body if isinstance(node, ast.FunctionDef)):
            solved_in[function] = path.stem.removeprefix("lesson_")
    assert len(set(solved_in) & set(check.exercises)) > 25
    hidden = {
        name
        for name in set(solved_in) & set(check.exercises)
        if check.exercises[name].lesson != solved_in[name]
    }
    assert hidden == set()
