"""Memory that a training frees after a step stays with the process for the next one.

The C library of most Linux systems gives blocks above 32 MB back to the system as soon as they are
freed; the next step asks for them again, and the system fills them with zeros, page by page: a
fifth of the time of a convolutional network's steps. Elsewhere nothing is changed, nor where the
environment says how memory is to be handled (MALLOC_..., GLIBC_TUNABLES).
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

# Names and numbers of <malloc.h>. The library's own thresholds grow with what is freed, up to
# the usual ones here.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_KEPT = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1}
_USUAL = {_MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 64 << 20, _MMAP_MAX: 65536}
_lock = threading.Lock()
_inside = 0


@contextmanager
def kept() -> Iterator[None]:
    """Inside, freed memory is not given back; after the last that is inside, all of it is."""
    global _inside
    library = _library()
    if library is None:
        yield
        return
    with _lock:
        _inside += 1
        if _inside == 1:
            _set(library, _KEPT)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _set(library, _USUAL)
                library.malloc_trim(0)


def _set(library: Any, options: dict[int, int]) -> None:
    for option, value in options.items():
        library.mallopt(option, value)


@cache
def _library() -> Any:
    """The process's C library where it is glibc's and ours to tune, else None."""
    told = any(name.startswith("MALLOC_") for name in os.environ) or (
        "malloc" in os.environ.get("GLIBC_TUNABLES", ""))
    if told or not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    known = all(hasattr(library, name) for name in ("gnu_get_libc_version", "mallopt",
                                                    "malloc_trim"))
    return library if known else None
