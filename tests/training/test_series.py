"""The files that all lessons share: the trained network, its snapshots, and the digit."""

import os
import pathlib
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from backprop_helpers.training import (
    NetworkFileError,
    load_mnist,
    reference_cnn,
    series,
    series_cnn,
    series_digit,
    series_snapshots,
)
from backprop_helpers.training.mnist import load_test_set

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_series_network_reads_the_test_digits():
    assert series_cnn().accuracy(*load_test_set()) >= 0.99


def test_series_network_is_the_reference_network():
    assert repr(series_cnn()) == repr(reference_cnn())
    assert series_cnn() is not series_cnn()


def test_snapshots_go_from_chance_to_the_trained_network():
    images, labels = load_test_set()
    snapshots = series_snapshots()
    assert [step for step, _ in snapshots] == list(series.SNAPSHOT_STEPS)
    accuracies = [net.accuracy(images, labels) for _, net in snapshots]
    assert 0.05 < accuracies[0] < 0.2
    assert all(later > earlier + 0.005 for earlier, later in pairwise(accuracies))
    np.testing.assert_array_equal(
        snapshots[0][1].parameters.vector, reference_cnn(seed=series.SEED).parameters.vector
    )
    np.testing.assert_array_equal(snapshots[-1][1].parameters.vector, series_cnn().parameters.vector)


def test_series_digit_is_a_test_digit_read_with_confidence():
    image, label = series_digit()
    assert image.shape == (1, 28, 28, 1)
    assert image.dtype == np.float64
    assert label.shape == (1,)
    assert label.dtype == np.int64
    digits = load_mnist()
    np.testing.assert_array_equal(image[0], digits.test_images[series.DIGIT])
    assert label[0] == digits.test_labels[series.DIGIT] == 4
    assert series_cnn().probabilities(image)[0, label[0]] > 0.99


def test_series_digit_has_an_enclosed_region():
    ndimage = pytest.importorskip("scipy.ndimage")
    _, regions = ndimage.label(series_digit()[0][0, :, :, 0] < 0.3)
    assert regions == 2  # outside and inside


def test_series_digit_is_yours_to_change():
    image, label = series_digit(np.float32)
    assert image.dtype == np.float32
    image[...] = 0
    label[...] = 0
    assert series_digit()[0].any()
    assert series_digit()[1][0] == 4


def test_files_are_small():
    assert series.CNN_FILE.stat().st_size < 300_000
    assert series.SNAPSHOTS_FILE.stat().st_size < 1_500_000


@pytest.fixture
def short(monkeypatch, tmp_path):
    """The command, on a few digits, writing elsewhere."""
    digits = load_mnist()
    few = type(digits)(*(array[:200] for array in digits))
    monkeypatch.setattr(series.mnist, "load_mnist", lambda: few)
    monkeypatch.setattr(series.mnist, "load_test_set", lambda: few[2:])
    monkeypatch.setattr(series, "SNAPSHOT_STEPS", (0, 2, 5, 6))
    monkeypatch.setattr(series, "HELD_OUT", 80)
    monkeypatch.setattr(series, "CNN_FILE", tmp_path / "series_cnn.npz")
    monkeypatch.setattr(series, "SNAPSHOTS_FILE", tmp_path / "series_snapshots.npz")
    return tmp_path


def test_command_writes_both_files_and_says_so(short, capsys):
    series.main([])
    out, err = capsys.readouterr()
    assert "after    6 steps" in out
    assert "wrote data/series_cnn.npz and data/series_snapshots.npz" in out
    assert err == ""
    assert sorted(os.listdir(short)) == ["series_cnn.npz", "series_snapshots.npz"]
    first = [(short / name).read_bytes() for name in sorted(os.listdir(short))]
    series.main([])
    assert first == [(short / name).read_bytes() for name in sorted(os.listdir(short))]


def test_command_writes_nothing_when_interrupted(short, monkeypatch):
    monkeypatch.setattr(series.Network, "_evaluate", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(SystemExit, match="nothing written"):
        series.main([])
    assert os.listdir(short) == []


def test_another_file_in_place_of_the_snapshots(short):
    reference_cnn().save(series.SNAPSHOTS_FILE)
    with pytest.raises(NetworkFileError, match="holds no snapshots"):
        series_snapshots()


def test_command_runs_without_a_warning():
    command = [sys.executable, "-W", "error", "-m", "backprop_helpers.training.series", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "data/series_cnn.npz" in done.stdout
    assert done.stderr == ""


def test_unknown_name_is_an_attribute_error():
    import backprop_helpers.training as training

    with pytest.raises(AttributeError, match="no attribute 'series_dog'"):
        _ = training.series_dog
