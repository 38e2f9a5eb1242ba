"""One BLAS thread while we compute."""

from __future__ import annotations

import functools

from threadpoolctl import ThreadpoolController


def one_blas_thread():
    """Return a context in which matrix products run on the calling thread alone.

    The matrices of a small network are too small to share: on a busy machine, two threads that wait for each
    other at every product take several times as long as one.
    """
    return _controller().limit(limits=1, user_api="blas")


@functools.cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # finding the loaded libraries takes milliseconds, so we look once
