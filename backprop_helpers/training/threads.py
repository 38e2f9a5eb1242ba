"""One BLAS thread while we compute."""

from __future__ import annotations

import functools
import os
import threading
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController


@contextmanager
def one_blas_thread():
    """Let matrix products run on the calling thread alone, until the last who asked for it is done.

    The matrices of a small network are too small to share: on a busy machine, two threads that wait for each
    other at every product take several times as long as one. The setting is the whole process's, so several
    who ask at once are counted.
    """
    _asked.enter()
    try:
        yield
    finally:
        _asked.leave()


class _Asked:
    def __init__(self):
        self.lock, self.count, self.limit = threading.Lock(), 0, None

    def enter(self):
        with self.lock:
            if self.count == 0:
                self.limit = _controller().limit(limits=1, user_api="blas")
                self.limit.__enter__()  # only now does it hold on any thread but the main one
            self.count += 1

    def leave(self):
        with self.lock:
            self.count -= 1
            if self.count == 0:
                self.limit.__exit__(None, None, None)


_asked = _Asked()


def _renew_lock():
    _asked.lock = threading.Lock()  # in a forked process, whoever held it does not exist


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@functools.cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # finding the loaded libraries takes milliseconds, so we look once
