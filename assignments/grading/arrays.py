"""Arrays to a student's kernel and back: questions that are ours, and answers that a stranger wrote."""

import io
import json
import math
import os
import stat
import zipfile

import numpy as np

from backprop_helpers.checking.exercises.graded import Quadratic

LARGEST_ANSWER = 32 * 2**20  # bytes
MOST_ARRAYS = 400


class BadAnswerError(Exception):
    """An answer that is no file of plain numbers."""


def question(function, calls):
    """Return the bytes of an .npz file that asks for calls of a function, each with (arguments, options)."""
    arrays, asked = {}, []
    for c, (arguments, options) in enumerate(calls):
        places = []
        for n, argument in enumerate(arguments):
            name = f"{c}_{n}"
            if isinstance(argument, Quadratic):
                arrays |= {f"{name}_{m}": array for m, array in enumerate(argument.arrays)}
                places.append(("function", name))
            elif isinstance(argument, np.ndarray):
                arrays[name] = argument
                places.append(("array", name))
            else:
                places.append(("value", argument))
        asked.append({"arguments": places, "options": dict(options)})
    file = io.BytesIO()
    said = json.dumps({"function": function, "calls": asked}).encode()
    np.savez(file, said=np.frombuffer(said, np.uint8), **arrays)
    return file.getvalue()


def read_answer(path):
    """Return what an answer says, a list with a dict for each call, and its arrays by name.

    Raises
    ------
    BadAnswerError
        There is no such file, it is a link or a pipe, too large, or holds something else than plain numbers.
    """
    try:
        arrays = _arrays(plain_file(path, LARGEST_ANSWER))
        said = json.loads(arrays.pop("said").tobytes())
        if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
            raise BadAnswerError("what it says is no list")
    except BadAnswerError:
        raise
    except Exception as error:  # whatever is wrong with it: a stranger wrote it
        raise BadAnswerError(f"{type(error).__name__}: {error}") from None
    return said, arrays


def plain_file(path, largest):
    """Return the content of a stranger's file, which is no link, no pipe, and has at most so many bytes."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise BadAnswerError("it is no plain file")
        content = file.read(largest + 1)
    if len(content) > largest:
        raise BadAnswerError(f"it has more than {largest // 2**20} MB")
    return content


def _arrays(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if len(members) > MOST_ARRAYS or sum(member.file_size for member in members) > LARGEST_ANSWER:
            raise BadAnswerError("it holds too much")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise BadAnswerError("it is compressed")
        return {member.filename.removesuffix(".npy"): _array(archive.read(member)) for member in members}


def _array(content):
    """Return the array of an .npy file whose header promises no more than is there."""
    file = io.BytesIO(content)
    if np.lib.format.read_magic(file) != (1, 0):
        raise BadAnswerError("it has an unknown version")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.kind not in "biufc" or math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise BadAnswerError("it holds something else than plain numbers")
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)
