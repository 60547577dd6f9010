"""One row through LightGBM, by the part of its C interface that is made for it.

Its Python function reads its parameters anew at each call, which takes five times as long as a
row does. The C functions are documented and stable; how Python reaches them is not, so whatever is
missing there means only that the usual way is gone.
"""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import numpy as np

# Of LightGBM's C interface: a probability or number is asked for; cells are double precision.
_NORMAL, _DOUBLE = 0, 1


class Row:
    """Answers one row of `features` numbers with `outputs` numbers; from any thread, in turns."""

    def __init__(self, booster: Any, features: int, outputs: int) -> None:
        self._booster = booster  # must outlive the configuration
        self._lock = threading.Lock()
        self._cells = np.zeros(features)
        self._found = np.zeros(1 if outputs <= 2 else outputs)
        self._config: Any = None
        self._free: Any = None
        try:
            self._begin(features)
        except (ImportError, AttributeError, KeyError, TypeError, ctypes.ArgumentError):
            return

    def _begin(self, features: int) -> None:
        from lightgbm import basic

        library, config = basic.__dict__["_LIB"], ctypes.c_void_p()
        double, long = ctypes.POINTER(ctypes.c_double), ctypes.c_int64(0)
        failed = library.LGBM_BoosterPredictForMatSingleRowFastInit(
            self._booster._handle, _NORMAL, 0, -1, _DOUBLE, features,
            ctypes.c_char_p(b"num_threads=1"), ctypes.byref(config))
        if failed:
            return
        self._free, self._config = library.LGBM_FastConfigFree, config
        self._ask = library.LGBM_BoosterPredictForMatSingleRowFast
        self._length = long
        self._words = (config, ctypes.c_void_p(self._cells.ctypes.data), ctypes.byref(long),
                       self._found.ctypes.data_as(double))

    def raw(self, X: np.ndarray) -> np.ndarray | None:
        """Features (1, p) to numbers (1,) or (1, classes); None where there is no short way."""
        if self._config is None:
            return None
        with self._lock:
            self._cells[:] = X[0]
            if self._ask(*self._words) or self._length.value != len(self._found):
                return None
            found = self._found.copy()
        return found if len(found) == 1 else found[None]

    def __del__(self) -> None:
        if self._config is not None and self._free is not None:
            self._free(self._config)
