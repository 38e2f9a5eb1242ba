"""The data set: what is in it, and what is said when a file is not as it should be."""

import ast
import gzip
import importlib.machinery
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_helpers.training import MnistFileError, load_dataset, load_mnist, mnist

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = [file.name for file in mnist.FILES]
SMALL = [mnist.TEST_LABELS, mnist.TRAIN_LABELS, mnist.TEST_IMAGES]


@pytest.fixture
def folder(tmp_path):
    """A copy of the three small files, to be damaged. The large one is read last, and missing here."""
    for file in SMALL:
        shutil.copy(mnist.DATA_FOLDER / f"{file.name}.gz", tmp_path)
    return tmp_path


def replace(folder, name, content):
    (folder / f"{name}.gz").write_bytes(content)


def content_of(file):
    return gzip.decompress((mnist.DATA_FOLDER / f"{file.name}.gz").read_bytes())


def compressed(content):
    return gzip.compress(content, 1)


def error_text(folder, file):
    with pytest.raises(MnistFileError) as caught:
        load_mnist(folder)
    message = str(caught.value)
    assert f"{file.name}.gz" in message
    assert "git checkout" in message
    assert "data/README.md" in message
    return message


def test_arrays_are_as_the_contract_says():
    digits = load_mnist()
    assert digits._fields == ("train_images", "train_labels", "test_images", "test_labels")
    for images, labels, count in (
        (digits.train_images, digits.train_labels, 60_000),
        (digits.test_images, digits.test_labels, 10_000),
    ):
        assert images.shape == (count, 28, 28, 1)
        assert images.dtype == np.float32
        assert (images.min(), images.max()) == (0, 1)
        assert labels.shape == (count,)
        assert labels.dtype == np.int64
        assert set(labels.tolist()) == set(range(10))


def test_digits_are_the_real_ones():
    digits = load_mnist()
    assert digits.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert digits.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(digits.train_labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    # The first test digit, a 7: its bar, row 8, as bytes.
    assert (digits.test_images[0, 8, 6:14, 0] * 255).round().tolist() == [
        222,
        254,
        254,
        254,
        254,
        241,
        198,
        198,
    ]
    np.testing.assert_allclose(digits.train_images.mean(dtype=np.float64), 0.1307, atol=5e-5)
    np.testing.assert_allclose(digits.train_images.std(dtype=np.float64), 0.3081, atol=5e-5)


def test_pixels_are_bytes_divided_by_255():
    digits = load_mnist()
    pixels = digits.test_images[:100] * np.float32(255)
    np.testing.assert_allclose(pixels, pixels.round(), atol=1e-4)
    assert digits.test_images[0, 8, 6, 0] == np.float32(222) / np.float32(255)


def test_second_call_returns_the_same_read_only_arrays():
    first, second = load_mnist(), load_mnist()
    for a, b in zip(first, second):
        assert a is b
        assert not a.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            a[0] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            a.flags.writeable = True


def test_repr_shows_no_pixels():
    assert repr(load_mnist()).startswith(
        "Mnist(train_images: float32 (60000, 28, 28, 1), train_labels: int64"
    )
    assert len(repr(load_mnist())) < 200


def test_test_set_alone_is_the_same():
    images, labels = mnist.load_test_set()
    np.testing.assert_array_equal(images, load_mnist().test_images)
    np.testing.assert_array_equal(labels, load_mnist().test_labels)


def test_works_from_any_directory(tmp_path):
    code = "from backprop_helpers.training import load_mnist; print(load_mnist().test_labels[:3])"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[7 2 1]"
    assert done.stderr == ""


def test_folder_argument_reads_that_folder(folder):
    shutil.copy(mnist.DATA_FOLDER / f"{mnist.TRAIN_IMAGES.name}.gz", folder)
    assert load_mnist(folder).train_labels[0] == 5
    assert load_mnist(str(folder)).train_labels is not load_mnist().train_labels


@pytest.mark.parametrize("file", mnist.FILES, ids=NAMES)
def test_missing_file(folder, file):
    (folder / f"{file.name}.gz").unlink(missing_ok=True)
    assert "the file is missing" in error_text(folder, file)


def test_missing_folder(tmp_path):
    assert "its folder does not exist" in error_text(tmp_path / "nowhere", mnist.TEST_LABELS)


def test_a_folder_in_place_of_a_file(folder):
    (folder / f"{mnist.TEST_LABELS.name}.gz").unlink()
    (folder / f"{mnist.TEST_LABELS.name}.gz").mkdir()
    assert "cannot be read" in error_text(folder, mnist.TEST_LABELS)


@pytest.mark.parametrize("file", SMALL, ids=lambda file: file.name)
def test_empty_file(folder, file):
    replace(folder, file.name, b"")
    assert "the file is empty" in error_text(folder, file)


@pytest.mark.parametrize(
    "content", [b"<!DOCTYPE html> 403 Forbidden", b"version https://git-lfs.github.com/spec/v1"]
)
def test_not_a_gzip_file(folder, content):
    replace(folder, mnist.TEST_LABELS.name, content)
    message = error_text(folder, mnist.TEST_LABELS)
    assert "not a gzip file" in message
    assert content[:16].decode() in message


def test_not_compressed(folder):
    replace(folder, mnist.TEST_LABELS.name, content_of(mnist.TEST_LABELS))
    assert "not a gzip file" in error_text(folder, mnist.TEST_LABELS)


@pytest.mark.parametrize("file", SMALL, ids=lambda file: file.name)
@pytest.mark.parametrize("kept", [2, 100, -9, -1])
def test_truncated_gzip(folder, file, kept):
    replace(folder, file.name, (mnist.DATA_FOLDER / f"{file.name}.gz").read_bytes()[:kept])
    assert "truncated" in error_text(folder, file)


def test_checksum_of_gzip_fails(folder):
    content = bytearray((mnist.DATA_FOLDER / f"{mnist.TEST_LABELS.name}.gz").read_bytes())
    content[-6] ^= 1  # a bit of the CRC-32
    replace(folder, mnist.TEST_LABELS.name, bytes(content))
    message = error_text(folder, mnist.TEST_LABELS)
    assert "corrupted" in message
    assert "CRC" in message


def test_truncated_content(folder):
    replace(folder, mnist.TEST_LABELS.name, compressed(content_of(mnist.TEST_LABELS)[:-1]))
    message = error_text(folder, mnist.TEST_LABELS)
    assert "the content is truncated: expected 10008 bytes, found 10007" in message


def test_content_too_long(folder):
    replace(folder, mnist.TEST_LABELS.name, compressed(content_of(mnist.TEST_LABELS) + b"\0"))
    assert "too long: expected 10008 bytes, found 10009" in error_text(folder, mnist.TEST_LABELS)


def test_one_label_changed(folder):
    content = bytearray(content_of(mnist.TEST_LABELS))
    content[5000] ^= 1
    replace(folder, mnist.TEST_LABELS.name, compressed(bytes(content)))
    message = error_text(folder, mnist.TEST_LABELS)
    assert "corrupted" in message
    assert "SHA-256" in message


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\0\0\x08\x05" + bytes(100), "found 2053"),
        (b"\0\0\x08\x03" + bytes(100), "found 2051 (images)"),
        (b"\0\0", "found 0"),
    ],
)
def test_wrong_magic_number(folder, content, found):
    replace(folder, mnist.TEST_LABELS.name, compressed(content))
    assert f"wrong magic number: expected 2049 (labels), {found}" in error_text(folder, mnist.TEST_LABELS)


def test_wrong_sizes_in_the_header(folder):
    replace(
        folder, mnist.TEST_LABELS.name, compressed(b"\0\0\x08\x01" + (100).to_bytes(4, "big") + bytes(100))
    )
    assert "wrong sizes in its header: expected (10000,), found (100,)" in error_text(
        folder, mnist.TEST_LABELS
    )


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        (
            mnist.TEST_LABELS,
            mnist.TEST_IMAGES,
            "t10k-images-idx3-ubyte, the test images, where the test labels",
        ),
        (
            mnist.TEST_IMAGES,
            mnist.TEST_LABELS,
            "t10k-labels-idx1-ubyte, the test labels, where the test images",
        ),
        (mnist.TEST_LABELS, mnist.TRAIN_LABELS, "the training labels, where the test labels"),
        (mnist.TRAIN_LABELS, mnist.TEST_LABELS, "the test labels, where the training labels"),
        (mnist.TRAIN_IMAGES, mnist.TEST_IMAGES, "the test images, where the training images"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_swapped_files(folder, file, content, words):
    replace(folder, file.name, (mnist.DATA_FOLDER / f"{content.name}.gz").read_bytes())
    message = error_text(folder, file)
    assert "swapped: this is" in message
    assert words in message


@given(position=st.integers(0, 4516), change=st.integers(1, 255))
def test_any_changed_byte_is_seen_or_harmless(tmp_path_factory, position, change):
    content = bytearray((mnist.DATA_FOLDER / f"{mnist.TEST_LABELS.name}.gz").read_bytes())
    content[position] ^= change
    folder = tmp_path_factory.getbasetemp() / "changed"
    folder.mkdir(exist_ok=True)
    (folder / f"{mnist.TEST_LABELS.name}.gz").write_bytes(content)
    if position in range(
        4, 10
    ):  # bytes of the gzip header that say nothing about the content, such as the time
        np.testing.assert_array_equal(mnist._read(folder, mnist.TEST_LABELS), load_mnist().test_labels)
    else:
        with pytest.raises(MnistFileError, match=mnist.TEST_LABELS.name):
            mnist._read(folder, mnist.TEST_LABELS)


# -------------------------------------------------------- the files in the repository, and their restoration


def load_tool():
    path = str(ROOT / "tools" / "restore_mnist")
    loader = importlib.machinery.SourceFileLoader("restore_mnist", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("restore_mnist", loader))
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


def test_checksums_agree_in_code_tool_and_readme():
    expected = {file.name: file.sha256 for file in mnist.FILES}
    assert load_tool().SHA256 == expected
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    for name, digest in expected.items():
        (line,) = [line for line in readme.splitlines() if line.startswith(f"| `{name}.gz`")]
        assert digest in line


@pytest.mark.parametrize("name", NAMES)
def test_gzip_files_carry_no_name_and_no_time(name):
    header = (mnist.DATA_FOLDER / f"{name}.gz").read_bytes()[:10]
    assert header[3] == 0  # no optional fields, such as a name
    assert header[4:8] == bytes(4)  # no time


@pytest.fixture
def tool(monkeypatch):
    """The tool, expecting four tiny files instead of the real ones; and those files."""
    module = load_tool()
    contents = {name: name.encode() * 50 for name in NAMES}
    digests = {name: mnist.hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setattr(module, "SHA256", digests)
    return module, contents


def packed(path, contents):
    source = path.parent / "unpacked"
    for name, content in contents.items():
        (source / "package" / "data").mkdir(parents=True, exist_ok=True)
        (source / "package" / "data" / name).write_bytes(content)
    with tarfile.open(path, "w:gz") as archive:
        archive.add(source / "package", "package")
    return source


def test_restore_from_the_packed_and_the_unpacked_package(tool, tmp_path, capsys):
    module, contents = tool
    source = packed(tmp_path / "package.tgz", contents)
    module.main([str(tmp_path / "package.tgz"), "--to", str(tmp_path / "a")])
    time.sleep(0.01)
    module.main([str(source), "--to", str(tmp_path / "b")])
    for name, content in contents.items():
        first = (tmp_path / "a" / f"{name}.gz").read_bytes()
        assert first == (tmp_path / "b" / f"{name}.gz").read_bytes()
        assert gzip.decompress(first) == content
        assert first[3:8] == bytes(5)
    assert not list((tmp_path / "a").glob("*.part"))
    assert "restored train-images-idx3-ubyte.gz" in capsys.readouterr().out


def test_restore_writes_nothing_when_a_file_is_wrong_or_missing(tool, tmp_path):
    module, contents = tool
    source = packed(tmp_path / "package.tgz", {**contents, NAMES[-1]: b"something else"})
    with pytest.raises(SystemExit, match=rf"{NAMES[-1]} .* not the original"):
        module.main([str(source), "--to", str(tmp_path / "a")])
    (source / "package" / "data" / NAMES[0]).unlink()
    with pytest.raises(SystemExit, match=f"holds no {NAMES[0]}"):
        module.main([str(source), "--to", str(tmp_path / "a")])
    with pytest.raises(SystemExit, match="cannot read"):
        module.main([str(tmp_path / "missing.tgz"), "--to", str(tmp_path / "a")])
    assert not (tmp_path / "a").exists()


def test_no_pickle_in_the_package():
    for path in (ROOT / "backprop_helpers").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert not {alias.name for alias in node.names} & {"pickle", "shelve", "joblib", "dill"}, path
            if isinstance(node, ast.ImportFrom):
                assert node.module not in ("pickle", "shelve", "joblib", "dill"), path
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert ast.literal_eval(node.value) is False, path
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.load", "numpy.load"):
                assert any(keyword.arg == "allow_pickle" for keyword in node.keywords), path


# ------------------------------------------------------------------------------------ data of the same kind


def idx(array):
    """The bytes of an IDX file, written from the format's description."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.tobytes()


def clothes(count=7, shape=(9, 5)):
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, (count, *shape), np.uint8), rng.integers(0, 3, count, np.uint8)


@pytest.fixture
def wardrobe(tmp_path):
    """A folder as Fashion-MNIST has it, small and not square; two files compressed, two not."""
    for (prefix, count), zipped in zip((("train", 7), ("t10k", 4)), (True, False)):
        images, labels = clothes(count)
        for name, array in ((f"{prefix}-images-idx3-ubyte", images), (f"{prefix}-labels-idx1-ubyte", labels)):
            path = tmp_path / (f"{name}.gz" if zipped else name)
            path.write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
    return tmp_path


def test_another_data_set_from_its_folder(wardrobe):
    data = load_dataset(str(wardrobe))
    images, labels = clothes(7)
    np.testing.assert_array_equal(data.train_images[..., 0], images / np.float32(255))
    np.testing.assert_array_equal(data.train_labels, labels)
    assert data.test_images.shape == (4, 9, 5, 1)
    assert (data.test_images.dtype, data.test_labels.dtype) == (np.float32, np.int64)
    assert not data.train_images.flags.writeable


def test_the_digits_themselves_are_such_a_data_set():
    for mine, theirs in zip(load_dataset(mnist.DATA_FOLDER), load_mnist(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_another_data_set_from_arrays():
    images, labels = clothes(6, (4, 4, 3))
    data = load_dataset((images, labels[:, None], images[:2] / 255.0, labels[:2].tolist()))
    np.testing.assert_array_equal(data.train_images, images / np.float32(255))
    np.testing.assert_allclose(data.test_images, data.train_images[:2], rtol=1e-6)
    np.testing.assert_array_equal(data.train_labels, labels)


@pytest.mark.parametrize(
    ("place", "array", "words"),
    [
        (0, np.zeros((6, 4), np.uint8), r"train_images must be \(N, H, W\)"),
        (0, np.zeros((6, 4, 4), int), "train_images must hold bytes"),
        (0, np.zeros((5, 4, 4), np.uint8), "5 images but 6 labels"),
        (1, np.zeros(6), "train_labels must be integers"),
        (1, np.full(6, -1), "train_labels must be integers from 0"),
        (2, np.zeros((6, 4, 5), np.uint8), r"train_images are \(4, 4, 1\), test_images \(4, 5, 1\)"),
    ],
)
def test_arrays_that_are_no_data_set(place, array, words):
    images, labels = clothes(6, (4, 4))
    arrays = [images, labels, images, labels]
    arrays[place] = array
    with pytest.raises((TypeError, ValueError), match=f"^load_dataset: .*{words}"):
        load_dataset(arrays)


def test_a_folder_that_is_no_data_set(wardrobe):
    with pytest.raises(TypeError, match="a folder or four arrays"):
        load_dataset(clothes(5))
    path = wardrobe / "t10k-labels-idx1-ubyte"
    for content in (b"", b"hello", path.read_bytes()[:-1], path.read_bytes() + b"x"):
        path.write_bytes(content)
        with pytest.raises(MnistFileError, match="t10k-labels-idx1-ubyte: this is no IDX file") as caught:
            load_dataset(wardrobe)
        assert "restore" not in str(caught.value)
    path.unlink()
    with pytest.raises(MnistFileError, match=r"t10k-labels-idx1-ubyte\.gz: the file is missing$"):
        load_dataset(wardrobe)
