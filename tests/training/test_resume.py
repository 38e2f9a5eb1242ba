"""Going on where a training ended: from memory, from a file, after any interruption; and keeping the best."""

import math
import signal
import threading
import time

import numpy as np
import pytest

from backprop_helpers.training import (
    SGD,
    Adam,
    Network,
    NetworkFileError,
    OneCycle,
    fit,
    history,
    reference_cnn,
)

from .examples import examples, small_network
from .test_own_layers import network as network_with_statistics

VALIDATION = examples(30, seed=1)


def run(net=None, *, epochs=3, batch_size=8, optimizer=Adam, **settings):
    """A training of a moment on 20 images, three steps an epoch."""
    net = small_network() if net is None else net
    optimizer = optimizer(0.01) if isinstance(optimizer, type) else optimizer
    settings = {"schedule": OneCycle(0.05), "progress": False, "validation": VALIDATION, **settings}
    return net, fit(net, *examples(20), epochs=epochs, batch_size=batch_size, optimizer=optimizer, **settings)


def stop_after(count):
    def stop(step, net):
        if step == count:
            raise KeyboardInterrupt

    return stop


def assert_same(first, second):
    """Two trainings have come to the same, bit for bit."""
    (net, course), (other, again) = first, second
    np.testing.assert_array_equal(net.parameters.vector, other.parameters.vector)
    np.testing.assert_array_equal(net.statistics.vector, other.statistics.vector)
    for name in ("loss", "rate", "accuracy"):
        np.testing.assert_array_equal(getattr(course, name), getattr(again, name))
    assert [r._replace(seconds=0) for r in course.epochs] == [r._replace(seconds=0) for r in again.epochs]
    for mine, theirs in zip(course.checkpoint.memory, again.checkpoint.memory, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("make", [small_network, network_with_statistics])
@pytest.mark.parametrize("optimizer", [SGD, Adam])
@pytest.mark.parametrize("steps", [1, 2, 3, 5, 6, 8, 9])
def test_interrupted_and_resumed_is_as_if_it_had_never_stopped(steps, optimizer, make, tmp_path):
    path = tmp_path / "run.npz"
    whole = run(make(), optimizer=optimizer)
    _, half = run(make(), optimizer=optimizer, after_step=stop_after(steps), checkpoint=path)
    assert half.interrupted
    assert len(half.loss) == steps
    for resume in (half, path, str(path)):
        again = run(make(seed=5), optimizer=optimizer, resume=resume)  # another start: all comes from resume
        assert_same(again, whole)
        assert not again[1].interrupted


def test_more_epochs_are_a_longer_training():
    flat = {"schedule": lambda step, total: 0.01}
    whole = run(epochs=5, **flat)
    net, first = run(epochs=2, **flat)
    assert_same(run(net, epochs=5, resume=first, **flat), whole)
    assert_same(run(net, epochs=5, resume=whole[1], **flat), whole)  # nothing is left to do


def test_the_past_is_left_as_it_was():
    net, first = run(epochs=1)
    kept = [array.copy() for array in (*first[:3], *first.checkpoint[:2], *first.checkpoint.memory)]
    run(net, epochs=3, resume=first)
    for array, old in zip((*first[:3], *first.checkpoint[:2], *first.checkpoint.memory), kept, strict=True):
        np.testing.assert_array_equal(array, old)
    assert len(first.epochs) == 1


class Stumbles(SGD):
    """Is interrupted in its third step, when everything has moved already."""

    stumbled = False

    def _update(self, p, g, rate):
        super()._update(p, g, rate)
        self.count = getattr(self, "count", 0) + 1
        if self.count == 3 and not Stumbles.stumbled:
            Stumbles.stumbled = True
            raise KeyboardInterrupt


@pytest.mark.parametrize("make", [small_network, network_with_statistics])
def test_an_update_that_was_broken_off_is_done_again(make):
    Stumbles.stumbled = True
    whole = run(make(), optimizer=Stumbles)
    Stumbles.stumbled = False
    net, half = run(make(), optimizer=Stumbles)
    assert len(half.loss) == 2
    assert_same(run(net, optimizer=Stumbles, resume=half), whole)


@pytest.mark.parametrize("make", [small_network, network_with_statistics])
def test_an_interrupted_validation_is_done_again(make, monkeypatch):
    whole = run(make())
    with monkeypatch.context() as patch:
        patch.setattr(Network, "_evaluate", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        net, half = run(make())
    assert (len(half.loss), half.epochs, half.interrupted) == (3, [], True)
    assert_same(run(net, resume=half), whole)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_second_interruption_loses_nothing(monkeypatch, count):
    original, presses = Network._forget_plans, []

    def pressed_again(net):
        presses.append(1)
        if len(presses) <= count:
            raise KeyboardInterrupt
        original(net)

    monkeypatch.setattr(Network, "_forget_plans", pressed_again)
    _, half = run(after_step=stop_after(4))
    assert (len(half.loss), len(half.epochs), half.interrupted) == (4, 1, True)
    assert len(presses) == count + 1


@pytest.mark.parametrize("attempt", range(6))
def test_pressed_at_any_moment_and_many_times(attempt):
    """Real signals, wherever they come: the history is there; what is resumed equals what never stopped."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    images, labels = examples(120)
    settings = {"epochs": 3, "batch_size": 8, "validation": VALIDATION, "progress": False, "seed": attempt}
    net, main = network_with_statistics(), threading.main_thread().ident
    ready = threading.Event()

    def press():
        ready.wait()
        for pause in np.random.default_rng(attempt).uniform(0.001, 0.02, 3):
            time.sleep(pause)
            if not over.is_set():
                signal.pthread_kill(main, signal.SIGINT)

    over, thread = threading.Event(), threading.Thread(target=press)
    thread.start()
    try:
        course = fit(net, images, labels, after_step=lambda step, net: ready.set(), **settings)
        over.set()
        thread.join()
    except KeyboardInterrupt:
        pytest.skip("the last press came after the training had ended")
    finally:
        over.set()
        thread.join()
        signal.signal(signal.SIGINT, before)
    assert_same(
        (net, fit(net, images, labels, resume=course, **settings)),
        (other := network_with_statistics(), fit(other, images, labels, **settings)),
    )


# ------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"batch_size": 4}, "batch_size must be as in resume, 8; got 4"),
        ({"seed": 3}, "seed must be as in resume, 0; got 3"),
        ({"optimizer": SGD}, "optimizer must be as in resume, Adam; got SGD"),
        ({"epochs": 1}, "epochs must count those of resume, 2; got 1"),
        ({"net": reference_cnn()}, "images have shape"),
        (
            {"net": small_network(dtype=np.float64)},
            "resume is of another network: its parameters are float32",
        ),
    ],
)
def test_another_training_is_not_gone_on_with(changes, words):
    _, first = run(epochs=2)
    net = changes.pop("net", None) or small_network()
    before = net.parameters.vector.copy()
    with pytest.raises(ValueError, match=f"^fit: {words}"):
        run(net, resume=first, **changes)
    np.testing.assert_array_equal(net.parameters.vector, before)


def test_after_an_error_there_is_nothing_to_go_on_from():
    with pytest.raises(FloatingPointError) as caught:
        run(schedule=lambda step, total: 1e30)
    assert len(caught.value.history.loss) >= 1
    with pytest.raises(ValueError, match="resume ended in an error"):
        run(resume=caught.value.history)


def test_another_file_is_refused(tmp_path):
    small_network().save(tmp_path / "network.npz")
    with pytest.raises(NetworkFileError, match="is no checkpoint that fit has written"):
        run(resume=tmp_path / "network.npz")
    with pytest.raises(FileNotFoundError):
        run(resume=tmp_path / "nothing.npz")


def test_a_checkpoint_file_holds_the_whole_history(tmp_path):
    _, course = run(checkpoint=tmp_path / "run.npz", keep_best=True)
    again = history.read(tmp_path / "run.npz")
    assert again.epochs == course.epochs
    assert repr(again) == repr(course)
    assert again.checkpoint.settings == course.checkpoint.settings
    for mine, theirs in zip(again.checkpoint.best, course.checkpoint.best, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    _, bare = run(checkpoint=tmp_path / "run.npz", validation=None)
    assert history.read(tmp_path / "run.npz").epochs == bare.epochs


def test_a_checkpoint_is_written_after_each_epoch(tmp_path):
    seen = []

    def look(step, net):
        if (tmp_path / "run.npz").exists():
            seen.append(len(history.read(tmp_path / "run.npz").epochs))

    run(checkpoint=tmp_path / "run.npz", after_step=look)
    assert seen == [1, 1, 1, 2, 2, 2]


# ------------------------------------------------------------------------------------------------- the best


def worse_at_the_end(step, total):
    return 0.05 if step < 9 else 0.7


@pytest.mark.parametrize("make", [small_network, network_with_statistics])
def test_the_best_network_by_validation_is_kept(make):
    vectors = []

    def keep(step, net):
        if step % 3 == 0:
            vectors.append((net.parameters.vector.copy(), net.statistics.vector.copy()))

    seen = examples(20)  # what is learned is known, until the rate is too large
    settings = {"epochs": 5, "schedule": worse_at_the_end, "optimizer": SGD, "validation": seen}
    net, course = run(make(), keep_best=True, after_step=keep, **settings)
    accuracies = [record.validation_accuracy for record in course.epochs]
    best = int(np.argmax(accuracies))
    assert accuracies[best] > accuracies[-1]
    assert net.accuracy(*seen) == accuracies[best]
    np.testing.assert_array_equal(net.parameters.vector, vectors[best][0])
    np.testing.assert_array_equal(net.statistics.vector, vectors[best][1])
    last, _ = run(make(), **settings)
    np.testing.assert_array_equal(last.parameters.vector, vectors[-1][0])
    # going on goes on from the last, and still knows the best
    _, half = run(make(), keep_best=True, after_step=stop_after(13), **settings)
    again, whole = run(make(), keep_best=True, resume=half, **settings)
    np.testing.assert_array_equal(again.parameters.vector, net.parameters.vector)
    np.testing.assert_array_equal(whole.loss, course.loss)


def test_the_best_needs_a_validation():
    with pytest.raises(ValueError, match="keep_best needs validation"):
        run(keep_best=True, validation=None)


# ------------------------------------------------------------------------------------------- a run that dies


def test_a_run_that_dies_says_what_to_try():
    net = small_network()
    net.parameters["conv1.b"] = -1e3
    with pytest.warns(
        RuntimeWarning, match=r"all units of relu1 are 0, .*ln 4 = 1.39.*at most 0.005"
    ) as seen:
        run(net, epochs=1, optimizer=SGD)
    assert len(seen) == 1
    assert seen[0].filename == __file__


@pytest.mark.parametrize("settings", [{}, {"schedule": lambda step, total: 0.0}])
def test_a_run_that_lives_says_nothing(settings, recwarn):
    _, course = run(**settings)
    assert math.isfinite(course.loss[-1])
    assert not recwarn.list
