"""Networks as files: what goes in comes out, and damage is said in words."""

import json
import os
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_helpers.training import (
    Conv,
    Flatten,
    FullyConnected,
    Network,
    NetworkFileError,
    ReLU,
    network_file,
    reference_cnn,
)

from .examples import SHAPE, examples, small_network


@pytest.fixture
def path(tmp_path):
    return tmp_path / "network.npz"


def error_text(call, *args):
    with pytest.raises(NetworkFileError) as caught:
        call(*args)
    assert "network.npz cannot be loaded: " in str(caught.value)
    return str(caught.value)


def rewritten(path, **changes):
    """Write the file again with some arrays changed, or left out where the new value is None."""
    arrays = {
        name: array for name, array in {**network_file.read(path), **changes}.items() if array is not None
    }
    network_file.write(path, arrays)


def rewritten_architecture(path, change):
    description = json.loads(str(network_file.read(path)["architecture"]))
    change(description)
    rewritten(path, architecture=np.array(json.dumps(description)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_round_trip(path, dtype):
    net = small_network(seed=7, dtype=dtype)
    net.save(path)
    other = Network.load(path)
    assert repr(other) == repr(net)
    assert other.dtype == dtype
    assert other.input_shape == SHAPE
    np.testing.assert_array_equal(other.parameters.vector, net.parameters.vector)
    images, _ = examples(3)
    np.testing.assert_array_equal(other.logits(images), net.logits(images))
    other.parameters.vector[...] = 0  # not a view into the file
    assert Network.load(path).parameters.vector.any()


@given(
    size=st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3))),
    stride=st.one_of(st.integers(1, 2), st.tuples(st.integers(1, 2), st.integers(1, 2))),
    padding=st.sampled_from(["same", "valid", 1, (0, 2)]),
    filters=st.integers(1, 3),
    shape=st.tuples(st.integers(4, 6), st.integers(4, 6), st.integers(1, 2)),
)
def test_round_trip_of_any_settings(tmp_path_factory, size, stride, padding, filters, shape):
    path = tmp_path_factory.getbasetemp() / "settings.npz"
    layers = [
        Conv(np.int64(filters), size, stride=stride, padding=padding),
        ReLU(),
        Flatten(),
        FullyConnected(3),
    ]
    net = Network(layers, input_shape=shape)
    net.save(path)
    other = Network.load(path)
    assert repr(other) == repr(net)
    np.testing.assert_array_equal(other.parameters.vector, net.parameters.vector)


def test_file_holds_arrays_and_text_only(path):
    reference_cnn().save(path)
    with np.load(path, allow_pickle=False) as archive:
        assert set(archive.files) == {"architecture", *reference_cnn().parameters}
        assert archive["architecture"].dtype.kind == "U"
        assert all(archive[name].dtype == np.float32 for name in reference_cnn().parameters)


def test_same_network_gives_the_same_bytes(path, tmp_path):
    small_network().save(path)
    small_network().save(tmp_path / "again.npz")
    assert path.read_bytes() == (tmp_path / "again.npz").read_bytes()


def test_name_is_taken_as_it_is(tmp_path):
    small_network().save(str(tmp_path / "mine"))
    assert os.listdir(tmp_path) == ["mine"]
    Network.load(str(tmp_path / "mine"))


def test_interrupted_save_leaves_the_old_file(path, monkeypatch):
    small_network(seed=1).save(path)
    before = path.read_bytes()

    def interrupted(file, **arrays):
        file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(network_file.np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        small_network(seed=2).save(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_save_into_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        small_network().save(tmp_path / "nowhere" / "network.npz")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(input_shape=[30_000, 30_000, 2]), "an image would have 1,800,000,000 numbers"),
        (lambda d: d["layers"][1].update(filters=10**9), "its parameters would have"),
        (lambda d: d["layers"][1].update(padding=[10**5, 10**5]), "its output would have"),
        (lambda d: d["layers"][1].update(filters=10**400), "makes no network"),
    ],
)
def test_an_architecture_beyond_all_bounds_is_refused_before_it_is_built(path, change, words):
    small_network().save(path)
    rewritten_architecture(path, change)
    tracemalloc.start()
    assert words in error_text(Network.load, path)
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()


def test_deeply_nested_json(path):
    small_network().save(path)
    rewritten(path, architecture=np.array("[" * 100_000 + "]" * 100_000))
    assert "its architecture makes no network" in error_text(Network.load, path)


# -------------------------------------------------------------------------------------------------- damage


def test_missing_file(path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*network\.npz"):
        Network.load(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x93NUMPY", b"\x80\x04K\x01."])
def test_no_network_file(path, content):
    path.write_bytes(content)
    assert "not an .npz file" in error_text(Network.load, path)


def test_an_array_file(path):
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))
    assert "not an .npz file" in error_text(Network.load, path)


def test_another_npz_file(path):
    np.savez(path, weights=np.zeros(3))
    assert "it has no 'architecture'" in error_text(Network.load, path)


def test_arrays_of_objects_are_not_read(path):
    small_network().save(path)
    arrays = network_file.read(path)
    arrays["fc2.b"] = np.array([1, "a", None, {}], dtype=object)
    np.savez(path, **arrays)
    assert "allow_pickle=False" in error_text(Network.load, path)


@given(kept=st.floats(0.001, 0.999))
def test_truncated_file(tmp_path_factory, kept):
    path = tmp_path_factory.getbasetemp() / "network.npz"
    small_network().save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    error_text(Network.load, path)


@given(where=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_changed_byte_is_seen_or_harmless(tmp_path_factory, where, change):
    path = tmp_path_factory.getbasetemp() / "network.npz"
    net = small_network()
    net.save(path)
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= change
    path.write_bytes(content)
    try:
        other = Network.load(path)
    except NetworkFileError:
        return
    np.testing.assert_array_equal(other.parameters.vector, net.parameters.vector)
    assert repr(other) == repr(net)


def test_damaged_compressed_file(path):
    net = small_network()
    net.save(path)
    np.savez_compressed(path, **network_file.read(path))
    content = path.read_bytes()
    np.testing.assert_array_equal(Network.load(path).parameters.vector, net.parameters.vector)
    refused = 0
    for position in range(0, len(content), 29):
        path.write_bytes(content[:position] + bytes([content[position] ^ 255]) + content[position + 1 :])
        try:
            other = Network.load(path)
        except NetworkFileError:
            refused += 1
        else:
            np.testing.assert_array_equal(other.parameters.vector, net.parameters.vector)
    assert refused > 30


def test_missing_parameter(path):
    small_network().save(path)
    rewritten(path, **{"fc1.w": None, "conv2.b": None})
    assert "it does not fit the network: it has no conv2.b, fc1.w" in error_text(Network.load, path)


def test_unknown_parameter(path):
    small_network().save(path)
    rewritten(path, **{"fc3.w": np.zeros(3)})
    assert "it does not fit the network, which has no fc3.w" in error_text(Network.load, path)


def test_wrong_shape(path):
    small_network().save(path)
    rewritten(path, **{"fc2.b": np.zeros(5, np.float32)})
    message = error_text(Network.load, path)
    assert "fc2.b has shape (5,) in the file, (4,) in the network" in message


def test_wrong_dtype(path):
    small_network().save(path)
    rewritten(path, **{"fc2.b": np.array(["a", "b", "c", "d"])})
    assert "fc2.b has dtype <U1, expected float32" in error_text(Network.load, path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(format=2), "its format is 2, this version reads format 1"),
        (lambda d: d.pop("format"), "its architecture has no 'format'"),
        (lambda d: d.pop("layers"), "its architecture has no 'layers'"),
        (lambda d: d.update(layers=[]), "makes no network: Network: layers is empty"),
        (lambda d: d.update(layers=[3]), "makes no network"),
        (lambda d: d["layers"][1].update(type="Eval"), "unknown layer 'Eval'"),
        (lambda d: d["layers"][1].pop("type"), "its architecture has no 'type'"),
        (lambda d: d["layers"][1].update(filters=-1), "filters must be at least 1"),
        (lambda d: d["layers"][1].update(colour=1), "colour"),
        (lambda d: d["layers"][1].update(size=99), "conv1 cannot follow"),
        (lambda d: d.update(dtype="float99"), "makes no network"),
        (lambda d: d.update(dtype="int32"), "dtype must be float32"),
        (lambda d: d.update(input_shape=[6, 7]), "makes no network"),
        (lambda d: d.update(input_shape=5), "makes no network"),
    ],
)
def test_damaged_architecture(path, change, words):
    small_network().save(path)
    rewritten_architecture(path, change)
    assert words in error_text(Network.load, path)


@pytest.mark.parametrize("text", ["not json", "[]", "3", '{"format": 1'])
def test_architecture_that_is_no_description(path, text):
    small_network().save(path)
    rewritten(path, architecture=np.array(text))
    assert "its architecture" in error_text(Network.load, path)


@pytest.mark.parametrize("array", [np.zeros(3), np.array(["{}", "{}"])])
def test_architecture_that_is_no_text(path, array):
    small_network().save(path)
    rewritten(path, architecture=array)
    assert "its architecture" in error_text(Network.load, path)


# ------------------------------------------------------------------------- parameters into a given network


def test_load_parameters(path):
    small_network(seed=1).save(path)
    net = small_network(seed=2)
    vector = net.parameters.vector
    net.load_parameters(path)
    assert net.parameters.vector is vector
    np.testing.assert_array_equal(vector, small_network(seed=1).parameters.vector)
    double = small_network(seed=2, dtype=np.float64)
    double.load_parameters(path)
    np.testing.assert_array_equal(double.parameters.vector, vector)


def test_load_parameters_of_another_network_changes_nothing(path):
    reference_cnn().save(path)
    net = small_network()
    before = net.parameters.vector.copy()
    assert "it does not fit the network: conv1.w has shape (5, 5, 1, 8) in the file" in error_text(
        net.load_parameters, path
    )
    np.testing.assert_array_equal(net.parameters.vector, before)
