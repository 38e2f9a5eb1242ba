"""The training loop: what it learns, what it reports, and how it stops."""

import hashlib
import math
import pathlib
import signal
import subprocess
import sys
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_helpers.training import SGD, Adam, EpochRecord, History, Network, OneCycle, fit, reference_cnn
from backprop_helpers.training.mnist import load_test_set

from .examples import CLASSES, digits_network, examples, small_network

ROOT = pathlib.Path(__file__).resolve().parents[2]


def digits(count):
    images, labels = load_test_set()
    return images[:count], labels[:count]


def quick(net=None, *, count=20, epochs=2, batch_size=8, progress=False, **settings):
    """A training of a moment; returns the network and the history."""
    net = small_network() if net is None else net
    return net, fit(
        net, *examples(count), epochs=epochs, batch_size=batch_size, progress=progress, **settings
    )


# ------------------------------------------------------------------------------------------------ learning


def test_twenty_digits_are_learned_by_heart():
    net = reference_cnn()
    images, labels = digits(20)
    history = fit(
        net,
        images,
        labels,
        epochs=25,
        batch_size=20,
        optimizer=SGD(0.05),
        validation=(images, labels),
        progress=False,
    )
    assert abs(history.loss[0] - math.log(10)) < 0.2
    assert history.loss[-1] < 0.05
    assert history.epochs[-1].validation_accuracy == 1.0
    assert net.accuracy(images, labels) == 1.0


@pytest.mark.parametrize("settings", [{}, {"optimizer": Adam(0.003)}, {"optimizer": SGD(0.05, 0.0)}])
def test_a_few_hundred_digits_are_learned_with_any_optimizer(settings):
    net = digits_network()
    images, labels = digits(300)
    history = fit(net, images, labels, epochs=6, batch_size=16, progress=False, **settings)
    assert history.epochs[-1].accuracy > 0.6
    assert history.epochs[-1].loss < history.epochs[0].loss < 2.5


def test_float64_network_learns_too():
    net, history = quick(small_network(dtype=np.float64))
    assert net.parameters.vector.dtype == np.float64
    assert np.isfinite(history.loss).all()


def test_the_defaults_are_nesterov_momentum_and_one_cycle():
    net, history = quick()
    rate = 0.05 / 8  # for batches of 8, an eighth of 64
    explicit, _ = quick(optimizer=SGD(0.1, momentum=0.9, nesterov=True), schedule=OneCycle(rate, warmup=0.3))
    np.testing.assert_array_equal(net.parameters.vector, explicit.parameters.vector)
    np.testing.assert_array_equal(history.rate, [OneCycle(rate)(step, 6) for step in range(6)])


@pytest.mark.parametrize(("batch_size", "rate"), [(1, 0.05 / 64), (32, 0.025), (64, 0.05), (1000, 0.05)])
def test_the_default_rate_follows_the_batch_size(batch_size, rate):
    _, history = quick(count=1, epochs=1000, batch_size=batch_size)
    assert history.rate.max() == pytest.approx(rate, rel=1e-4)


def test_an_optimizer_alone_keeps_its_rate():
    _, history = quick(optimizer=Adam(0.002))
    assert (history.rate == 0.002).all()


def test_a_schedule_alone_keeps_the_default_optimizer():
    net, history = quick(schedule=lambda step, total: 0.01 * (total - step))
    explicit, _ = quick(optimizer=SGD(0.1), schedule=lambda step, total: 0.01 * (total - step))
    np.testing.assert_array_equal(net.parameters.vector, explicit.parameters.vector)
    np.testing.assert_allclose(history.rate, [0.06, 0.05, 0.04, 0.03, 0.02, 0.01])


def test_one_step_is_the_gradient_of_the_batch_times_the_rate():
    net = small_network()
    images, labels = examples(8)
    expected = net.parameters.vector - 0.1 * net.gradients(images, labels).vector
    fit(net, images, labels, epochs=1, batch_size=8, optimizer=SGD(0.1, momentum=0), progress=False)
    np.testing.assert_allclose(net.parameters.vector, expected, rtol=1e-5, atol=1e-6)


# ------------------------------------------------------------------------------------------------- batches


def spied(monkeypatch):
    """Record the labels of every batch, in place of learning; each image's label is its index."""
    batches = []

    def spy(net, images, labels, out):
        batches.append(labels.tolist())
        np.testing.assert_array_equal(images[:, 0, 0, 0], labels.astype(images.dtype))
        out[...] = 0
        return float(len(labels)), 1

    monkeypatch.setattr(Network, "_loss_and_gradients", spy)
    return batches


@pytest.mark.parametrize(("count", "batch_size"), [(10, 4), (10, 5), (10, 10), (10, 99), (1, 1), (7, 1)])
def test_every_epoch_sees_every_example_once(monkeypatch, count, batch_size):
    from backprop_helpers.training import Flatten, FullyConnected

    batches = spied(monkeypatch)
    net = Network([Flatten(), FullyConnected(max(count, 2))], input_shape=(2, 2, 1))
    images = np.arange(count, dtype=np.float32).reshape(-1, 1, 1, 1) * np.ones((1, 2, 2, 1), np.float32)
    history = fit(net, images, np.arange(count), epochs=3, batch_size=batch_size, progress=False)
    steps = math.ceil(count / batch_size)
    assert len(batches) == 3 * steps == len(history.loss)
    epochs = [list(chain(*batches[steps * e : steps * (e + 1)])) for e in range(3)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(count))
    if count == 10:
        assert epochs[0] != epochs[1]
        assert epochs[0] != list(range(count))
    sizes = [len(batch) for batch in batches[:steps]]
    assert sizes[:-1] == [batch_size] * (steps - 1)
    # means over examples, not over batches: the spy's loss is the size of the batch
    assert history.epochs[0].loss == pytest.approx(sum(n * n for n in sizes) / count)
    assert history.epochs[0].accuracy == pytest.approx(steps / count)
    np.testing.assert_allclose(history.accuracy[:steps], [1 / n for n in sizes])


@given(count=st.integers(1, 30), batch_size=st.integers(1, 40))
def test_any_number_of_examples_and_batch_size(count, batch_size):
    _, history = quick(count=count, epochs=1, batch_size=batch_size)
    assert len(history.loss) == math.ceil(count / batch_size)


def test_inputs_of_other_kinds_give_the_same():
    images, labels = examples(20)
    expected, _ = quick()
    for x, y in (
        (images.astype(np.float64), labels),
        (np.asfortranarray(images), labels.astype(np.uint8)),
        (images.tolist(), labels.tolist()),
        (images, np.eye(CLASSES)[labels]),
    ):
        net = small_network()
        fit(net, x, y, epochs=2, batch_size=8, progress=False)
        np.testing.assert_array_equal(net.parameters.vector, expected.parameters.vector)


def test_nothing_given_is_written_to():
    images, labels = examples(20)
    images.flags.writeable = labels.flags.writeable = False
    fit(small_network(), images, labels, epochs=1, batch_size=8, validation=(images, labels), progress=False)


# --------------------------------------------------------------------------------------------- determinism


def test_same_seed_same_result_bit_for_bit():
    first, history = quick(seed=5)
    second, again = quick(seed=5)
    np.testing.assert_array_equal(first.parameters.vector, second.parameters.vector)
    np.testing.assert_array_equal(history.loss, again.loss)
    other, _ = quick(seed=6)
    assert not np.array_equal(first.parameters.vector, other.parameters.vector)


def test_an_optimizer_used_before_gives_the_same_result():
    for optimizer in (SGD(0.05), Adam(0.01)):
        first, _ = quick(optimizer=optimizer)
        second, _ = quick(optimizer=optimizer)
        np.testing.assert_array_equal(first.parameters.vector, second.parameters.vector)


def test_two_processes_agree_bit_for_bit():
    code = """
import hashlib
from backprop_helpers.training import fit, reference_cnn
from backprop_helpers.training.mnist import load_test_set
images, labels = load_test_set()
net = reference_cnn(seed=1)
fit(net, images[:100], labels[:100], epochs=1, batch_size=32, seed=2, progress=False)
print(hashlib.sha256(net.parameters.vector.tobytes()).hexdigest())
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert outputs[0] == outputs[1]
    assert outputs[0][1] == ""
    # and a second training in this process, after whatever it has done before
    net = reference_cnn(seed=1)
    fit(net, *digits(100), epochs=1, batch_size=32, seed=2, progress=False)
    assert hashlib.sha256(net.parameters.vector.tobytes()).hexdigest() == outputs[0][0].strip()


# ------------------------------------------------------------------------------------- history and progress


def test_history_has_one_entry_a_step():
    _, history = quick(validation=examples(12, seed=1))
    assert isinstance(history, History)
    assert not history.interrupted
    for column in (history.loss, history.rate, history.accuracy):
        assert column.shape == (6,)
        assert column.dtype == np.float64
    assert ((history.accuracy >= 0) & (history.accuracy <= 1)).all()
    assert [record.epoch for record in history.epochs] == [1, 2]
    assert all(isinstance(record, EpochRecord) for record in history.epochs)
    assert all(type(number) is float for record in history.epochs for number in record[1:])


def test_validation_is_measured_at_the_end_of_each_epoch():
    validation, measured = examples(12, seed=1), []

    def measure(step, net):
        if step % 3 == 0:
            measured.append((net.loss(*validation), net.accuracy(*validation)))

    _, history = quick(validation=validation, after_step=measure)
    assert [(r.validation_loss, r.validation_accuracy) for r in history.epochs] == measured
    _, history = quick()
    assert [(r.validation_loss, r.validation_accuracy) for r in history.epochs] == [(None, None)] * 2


def test_validation_changes_nothing():
    with_it, _ = quick(validation=examples(12, seed=1))
    without, _ = quick()
    np.testing.assert_array_equal(with_it.parameters.vector, without.parameters.vector)


def test_history_repr_is_one_line():
    _, history = quick(validation=examples(4, seed=1))
    accuracy = history.epochs[-1].validation_accuracy
    assert repr(history) == f"History: 6 steps, 2 complete epochs, validation accuracy {accuracy:.2%}"


def test_after_step_sees_the_network_after_every_step():
    seen = []
    net, _ = quick(after_step=lambda step, net: seen.append((step, net.parameters.vector.copy())))
    assert [step for step, _ in seen] == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(seen[-1][1], net.parameters.vector)
    assert not np.array_equal(seen[0][1], seen[1][1])


def test_progress_bar_is_on_stdout_only(capsys):
    quick(progress=True, validation=examples(4, seed=1))
    out, err = capsys.readouterr()
    assert err == ""
    for words in ("epoch 1/2", "epoch 2/2", "3/3", "loss ", "accuracy ", "rate ", "validation ", "steps/s"):
        assert words in out
    assert len(out) < 3000


def test_progress_off_is_silent(capsys):
    quick(progress=False)
    assert capsys.readouterr() == ("", "")


# ------------------------------------------------------------------------------------------- interruptions


def assert_kept(net, history, vectors):
    """The network holds exactly the steps that the history has, and goes on working."""
    assert history.interrupted
    np.testing.assert_array_equal(net.parameters.vector, vectors[len(history.loss)])
    assert len(history.rate) == len(history.accuracy) == len(history.loss)
    images, labels = examples(20)
    assert np.isfinite(net.loss(images, labels))
    again = fit(net, images, labels, epochs=1, batch_size=8, progress=False)
    assert not again.interrupted
    assert len(again.loss) == 3


@pytest.fixture
def vectors():
    """The parameters after 0, 1, 2, … undisturbed steps of ``quick()``."""
    kept = [small_network().parameters.vector.copy()]
    quick(after_step=lambda step, net: kept.append(net.parameters.vector.copy()))
    return kept


@pytest.fixture
def interruptible():
    """Python's own handling of SIGINT, which a shell switches off for jobs in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_stop_button_keeps_what_was_learned(vectors, capsys):
    def stop(step, net):
        if step == 4:
            signal.raise_signal(signal.SIGINT)  # what the stop button and Ctrl-C send

    net, history = quick(after_step=stop, progress=True)
    assert len(history.loss) == 4
    assert [record.epoch for record in history.epochs] == [1]
    assert_kept(net, history, vectors)
    assert repr(history).endswith("1 complete epochs, interrupted")
    assert capsys.readouterr().err == ""


def test_stopped_before_the_first_step(vectors):
    class Stopped(SGD):
        def _update(self, p, g, rate):
            raise KeyboardInterrupt

    net, history = quick(optimizer=Stopped(0.1))
    assert len(history.loss) == 0
    assert history.epochs == []
    assert_kept(net, history, vectors)


def test_stopped_in_the_middle_of_an_update(vectors):
    class Stopped(SGD):
        steps = 0

        def _update(self, p, g, rate):
            super()._update(p, g, rate)
            self.steps += 1
            if self.steps == 3:
                p[: p.size // 2] = 77
                raise KeyboardInterrupt

    net, history = quick(optimizer=Stopped(0.1), schedule=OneCycle(0.05 / 8))
    assert len(history.loss) == 2
    assert_kept(net, history, vectors)


def test_stopped_in_the_middle_of_a_pass(vectors, monkeypatch):
    original, calls = Network._loss_and_gradients, []

    def stopped(net, images, labels, out):
        calls.append(1)
        if len(calls) == 5:
            out[...] = np.nan
            raise KeyboardInterrupt
        return original(net, images, labels, out)

    monkeypatch.setattr(Network, "_loss_and_gradients", stopped)
    net, history = quick()
    assert len(history.loss) == 4
    assert net._plans == {}
    assert_kept(net, history, vectors)


def test_stopped_during_validation(vectors, monkeypatch):
    def stopped(net, images, labels):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Network, "_evaluate", stopped)
        net, history = quick(validation=examples(4))
    assert len(history.loss) == 3
    assert_kept(net, history, vectors)


def test_other_errors_are_not_swallowed():
    def broken(step, net):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        quick(after_step=broken)


def test_one_blas_thread_during_the_training_and_as_many_as_before_afterwards():
    from threadpoolctl import threadpool_info, threadpool_limits

    def blas():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    during = []
    with threadpool_limits(2, "blas"):
        before = blas()
        quick(after_step=lambda step, net: during.append(blas()))
        assert blas() == before
    assert set(before) == {2}
    assert set(chain(*during)) == {1}


# ------------------------------------------------------------------------------------------------ divergence


def exploding(step, total):
    return 0.01 if step < 3 else 1e30


@pytest.mark.parametrize("count", [3, 4])
def test_a_loss_that_is_not_finite_stops_the_training(count):
    kept = [small_network().parameters.vector.copy()]
    net = small_network()
    with pytest.raises(FloatingPointError) as caught:
        quick(
            net,
            epochs=count,
            schedule=exploding,
            after_step=lambda step, net: kept.append(net.parameters.vector.copy()),
        )
    message = str(caught.value)
    assert "at step 5 (epoch 2), learning rate 1e+30" in message
    assert "Try a learning rate ten times smaller, such as 1e+29" in message
    assert "images are finite" in message
    history = caught.value.history
    assert len(history.loss) == 4
    assert np.isfinite(history.loss).all()
    assert np.abs(kept[4]).max() > 1e20
    np.testing.assert_array_equal(net.parameters.vector, kept[3])
    assert np.isfinite(net.loss(*examples(20)))


def test_a_gradient_that_is_not_finite_stops_the_training(monkeypatch):
    original, calls = Network._loss_and_gradients, []

    def broken(net, images, labels, out):
        loss, correct = original(net, images, labels, out)
        calls.append(net.parameters.vector.copy())
        if len(calls) == 3:
            out[7] = np.inf
        return loss, correct

    monkeypatch.setattr(Network, "_loss_and_gradients", broken)
    net = small_network()
    with pytest.raises(FloatingPointError, match="the gradient is not finite at step 3"):
        quick(net)
    assert np.isfinite(net.parameters.vector).all()
    np.testing.assert_array_equal(net.parameters.vector, calls[1])


def test_divergence_prints_no_warnings(capsys):
    with pytest.raises(FloatingPointError):
        quick(epochs=4, schedule=exploding)
    assert capsys.readouterr() == ("", "")


def test_first_loss_not_finite_leaves_the_parameters():
    net = small_network()
    net.parameters["fc2.b"][0] = np.nan
    before = net.parameters.vector.copy()
    with pytest.raises(
        FloatingPointError, match=r"the loss is nan at step 1 \(epoch 1\), learning rate [\d.]+\. Try"
    ):
        quick(net)
    np.testing.assert_array_equal(net.parameters.vector, before)


# --------------------------------------------------------------------------------------------- bad arguments

IMAGES, LABELS = examples(4)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"net": "net"}, TypeError, "net must be a Network, got str"),
        (
            {"images": (IMAGES * 255).astype(np.uint8)},
            TypeError,
            r"integers \(uint8\).*astype\(np.float32\) / 255",
        ),
        ({"images": IMAGES * 255}, ValueError, r"images reach .* standard deviations .* divide them by 255"),
        (
            {"images": IMAGES[..., :1]},
            ValueError,
            r"images have shape \(4, 6, 7, 1\), expected \(M, 6, 7, 2\)",
        ),
        ({"images": IMAGES[0]}, ValueError, r"images\[np.newaxis\]"),
        ({"images": IMAGES[:0]}, ValueError, "images is empty"),
        ({"images": np.where(IMAGES > 0.9, np.nan, IMAGES)}, ValueError, "images hold NaN or infinity"),
        ({"images": np.where(IMAGES > 0.9, np.inf, IMAGES)}, ValueError, "images hold NaN or infinity"),
        ({"images": IMAGES[:3]}, ValueError, "3 images but 4 labels"),
        ({"labels": LABELS[:3]}, ValueError, "4 images but 3 labels"),
        ({"labels": [0, 1, 2, 4]}, ValueError, r"labels must lie in 0, …, 3; labels\[3\] is 4"),
        ({"labels": [0, -1, 2, 3]}, ValueError, r"labels\[1\] is -1"),
        ({"labels": LABELS.astype(float)}, TypeError, "labels have dtype float64"),
        ({"labels": None}, TypeError, "labels"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1; got 0"),
        ({"epochs": -2}, ValueError, "epochs must be at least 1; got -2"),
        ({"epochs": 1.5}, TypeError, "epochs must be an integer; got 1.5"),
        ({"epochs": True}, TypeError, "epochs must be an integer; got True"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1; got 0"),
        ({"batch_size": "64"}, TypeError, "batch_size must be an integer"),
        ({"seed": -1}, ValueError, "seed must be at least 0; got -1"),
        ({"seed": "a"}, TypeError, "seed must be an integer; got 'a'"),
        ({"optimizer": "sgd"}, TypeError, r"optimizer must be an Optimizer such as SGD\(0.01\), got 'sgd'"),
        ({"optimizer": SGD}, TypeError, r"optimizer must be an Optimizer such as SGD\(0.01\)"),
        ({"schedule": 0.1}, TypeError, r"schedule must be a callable such as OneCycle\(0.05\), got 0.1"),
        ({"schedule": OneCycle}, TypeError, r"schedule must be a callable such as OneCycle\(0.05\)"),
        (
            {"schedule": lambda step, total: -0.1},
            ValueError,
            r"schedule\(0, …\) must be a rate of at least 0",
        ),
        ({"schedule": lambda step, total: math.nan}, ValueError, r"schedule\(0, …\) must be a rate"),
        ({"schedule": lambda step, total: None}, ValueError, r"schedule\(0, …\) must be a rate.*got None"),
        ({"validation": IMAGES}, TypeError, r"validation must be a pair \(images, labels\)"),
        ({"validation": (IMAGES, LABELS[:2])}, ValueError, "validation: 4 images but 2 labels"),
        ({"validation": (IMAGES[:, 0], LABELS)}, ValueError, "validation: images have shape"),
        ({"after_step": 3}, TypeError, "after_step must be a callable"),
        ({"net": small_network(dtype=np.complex128)}, TypeError, "complex"),
    ],
)
def test_bad_arguments_are_named_and_nothing_is_learned(changes, error, message):
    net = small_network()
    arguments = {"net": net, "images": IMAGES, "labels": LABELS, "epochs": 1, "progress": False, **changes}
    with pytest.raises(error, match=f"^fit: .*{message}"):
        fit(**arguments)
    np.testing.assert_array_equal(net.parameters.vector, small_network().parameters.vector)


def test_missing_channel_axis_is_recognised():
    with pytest.raises(ValueError, match=r"^fit: .*images\[..., np.newaxis\]"):
        fit(reference_cnn(), np.zeros((5, 28, 28)), np.zeros(5, int), epochs=1)
