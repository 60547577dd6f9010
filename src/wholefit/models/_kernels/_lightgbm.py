"""LightGBM's model text answered by LightGBM's C interface, past its Python package.

To answer, the package needs nothing of what it imports (scikit-learn, SciPy, pandas: more than a
second, and 140 MB of a server that holds nothing else), and it reads its parameters anew at each
call, which takes five times as long as a row does. The C functions are documented and stable
(https://lightgbm.readthedocs.io/en/latest/C-API.html); where the library lies in the package is
not, so the package is asked where it is not found.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import threading
from ctypes import byref, c_int, c_int64, c_void_p
from pathlib import Path
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.optional import need, patient

# Of the C interface: cells are double precision; answers, or contributions, are asked for.
_DOUBLE, _ROW_MAJOR = 1, 1
_ANSWERS, _CONTRIBUTIONS = 0, 3
_PLACES = ("lib/lib_lightgbm.so", "lib/lib_lightgbm.dylib", "lib/lib_lightgbm.dll",
           "bin/lib_lightgbm.dll")


class Booster:
    """A booster of so many `trees` that answers, read from LightGBM's model text; thread-safe."""

    def __init__(self, text: bytes) -> None:
        if b"\nend of trees" not in text:  # LightGBM would end the process over a text cut short
            raise StateError("LightGBM's model text does not have its end: it is cut short.")
        self.library, self.handle, rounds = _library(), c_void_p(), c_int()
        _do(self.library.LGBM_BoosterLoadModelFromString, text, byref(rounds),
            byref(self.handle))
        self._outputs = len(self.numbers(1))
        trees = c_int()
        _do(self.library.LGBM_BoosterNumberOfTotalModel, self.handle, byref(trees))
        self.trees = trees.value
        self._lone: _Row | None = None

    def numbers(self, rows: int, kind: int = _ANSWERS) -> np.ndarray:
        """Room for what is answered to so many rows."""
        size = c_int64()
        _do(self.library.LGBM_BoosterCalcNumPredict, self.handle, c_int(rows), c_int(kind),
            c_int(0), c_int(-1), byref(size))
        return np.zeros(size.value)

    def predict(self, X: np.ndarray, num_threads: int = 1) -> np.ndarray:
        """Cells (n, p) to numbers or the positive's share (n,), or to shares (n, classes)."""
        if len(X) == 1:
            if self._lone is None or len(self._lone.cells) != X.shape[1]:
                self._lone = _Row(self, X.shape[1])
            return self._lone.answer(X[0])
        found = self._ask(X, _ANSWERS, num_threads)
        return found if self._outputs == 1 else found.reshape(-1, self._outputs)

    def contributions(self, X: np.ndarray, num_threads: int = 1) -> np.ndarray:
        """Cells (n, p) to what each feature adds and, last, the start: (n, outputs * (p + 1))."""
        return self._ask(X, _CONTRIBUTIONS, num_threads).reshape(
            len(X), self._outputs * (X.shape[1] + 1))

    def _ask(self, X: np.ndarray, kind: int, threads: int) -> np.ndarray:
        cells, found = np.ascontiguousarray(X, dtype=np.float64), self.numbers(len(X), kind)
        _do(self.library.LGBM_BoosterPredictForMat, self.handle, c_void_p(cells.ctypes.data),
            c_int(_DOUBLE), c_int(cells.shape[0]), c_int(cells.shape[1]), c_int(_ROW_MAJOR),
            c_int(kind), c_int(0), c_int(-1), _words(threads), byref(c_int64()),
            c_void_p(found.ctypes.data))
        return found

    def __del__(self) -> None:
        if getattr(self, "handle", None):
            self._lone = None  # its configuration goes before the booster
            self.library.LGBM_BoosterFree(self.handle)


class _Row:
    """Answers one row, by the functions that are made for it; in turns."""

    def __init__(self, booster: Booster, features: int) -> None:
        library = self._library = booster.library
        self.cells, self._found, self._config = np.zeros(features), booster.numbers(1), c_void_p()
        _do(library.LGBM_BoosterPredictForMatSingleRowFastInit, booster.handle, c_int(_ANSWERS),
            c_int(0), c_int(-1), c_int(_DOUBLE), c_int(features), _words(1), byref(self._config))
        self._ask = library.LGBM_BoosterPredictForMatSingleRowFast
        self._asked = (self._config, c_void_p(self.cells.ctypes.data), byref(c_int64()),
                       c_void_p(self._found.ctypes.data))
        self._lock = threading.Lock()

    def answer(self, row: np.ndarray) -> np.ndarray:
        """Cells (p,) to one number (1,), or shares (1, classes)."""
        with self._lock:
            self.cells[:] = row
            _do(self._ask, *self._asked)
            found = self._found.copy()
        return found if len(found) == 1 else found[None]

    def __del__(self) -> None:
        if getattr(self, "_config", None):
            self._library.LGBM_FastConfigFree(self._config)


def _do(function: Any, *words: Any) -> None:
    """Call a function of the library; StateError says what it says where it fails."""
    if function(*words):
        said = _library().LGBM_GetLastError().decode(errors="replace")
        raise StateError(f"LightGBM does not take its model, or what it is asked: {said}")


def _words(threads: int) -> bytes:
    return b"num_threads=%d verbosity=-1" % threads


@functools.cache
def _library() -> Any:
    """LightGBM's library; MissingExtraError where LightGBM is not installed."""
    patient()
    spec = importlib.util.find_spec("lightgbm")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for place in _PLACES:
            if Path(folder, place).is_file():
                return _told(ctypes.CDLL(str(Path(folder, place))))
    basic = need("lightgbm.basic", extra="boost", user="a LightGBM model")
    return _told(basic.__dict__["_LIB"])


def _told(library: Any) -> Any:
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library
