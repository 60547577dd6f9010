"""LightGBM's model text answered by LightGBM's C interface, past its Python package.

To answer, the package needs nothing of what it imports (scikit-learn, SciPy, pandas: more than a
second, and 140 MB of a server that holds nothing else), and it reads its parameters anew at each
call, which takes five times as long as a row does. The C functions are documented and stable
(https://lightgbm.readthedocs.io/en/latest/C-API.html); where the library lies in the package is
not, so the package is asked where it is not found.

Trees are asked in blocks. The library lets each row visit all trees before the next row: of a
large model every visit then waits for memory, where a block of trees stays near while all rows
visit it (1,000 rows of 3,000 trees of 127 leaves: 420 ms became 95 on one core).
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import itertools
import re
import threading
from collections.abc import Sequence
from ctypes import byref, c_int, c_int64, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.optional import need, patient
from wholefit.models._kernels._links import link

# Of the C interface: cells are double precision; answers, sums of trees before the link, or
# contributions are asked for.
_DOUBLE, _ROW_MAJOR = 1, 1
_ANSWERS, _SUMS, _CONTRIBUTIONS = 0, 1, 3
# Trees of a block: near the fastest of 16, 32, ... 512 for trees of 15 to 127 leaves; fewer would
# cost a single row more calls.
_BLOCK = 128
# From sums of trees to answers, by the first word of what was boosted for. Models of any other
# are asked whole, and so are means of trees.
_LINKS = {"regression": "identity", "regression_l1": "identity", "huber": "identity",
          "poisson": "exp", "binary sigmoid:1": "sigmoid", "multiclass": "softmax"}
_PLACES = ("lib/lib_lightgbm.so", "lib/lib_lightgbm.dylib", "lib/lib_lightgbm.dll",
           "bin/lib_lightgbm.dll")


@dataclass(frozen=True)
class _Block:
    """So many rounds of the booster `handle`, from `begin` on, and what of them is asked."""

    handle: Any
    kind: int = _ANSWERS
    begin: int = 0
    rounds: int = -1


class Booster:
    """A booster of so many `trees` that answers, read from LightGBM's model text; thread-safe."""

    _live: Any = None

    def __init__(self, text: bytes) -> None:
        if b"\nend of trees" not in text:  # LightGBM would end the process over a text cut short
            raise StateError("LightGBM's model text does not have its end: it is cut short.")
        self._library, self._own, self._handles = _library(), True, []
        self._link = _link_of(text)
        for part in [text] if self._link is None else _parted(text):
            handle = c_void_p()
            _do(self._library.LGBM_BoosterLoadModelFromString, part, byref(c_int()),
                byref(handle))
            self._handles.append(handle)
        kind = _ANSWERS if len(self._handles) == 1 else _SUMS
        self._blocks = [_Block(handle, kind) for handle in self._handles]
        self._settle()

    @classmethod
    def of(cls, live: Any) -> Booster:
        """What answers as `live` does, a booster of LightGBM's package that is trained and kept.

        It answers with the rounds that `live` was cut to. The package does not promise to show its
        handle: where it does not, `live` is written and read.
        """
        handle = getattr(live, "_handle", None)
        if handle is None:
            return cls(live.model_to_string().encode())
        made = cls.__new__(cls)
        made._library, made._own, made._handles = _library(), False, [handle]
        made._live = live  # which frees the handle when it goes
        aim = live.params.get("objective")
        made._link = _LINKS.get("binary sigmoid:1" if aim == "binary" else aim)
        rounds = made._count(handle, "LGBM_BoosterGetCurrentIteration")
        if live.best_iteration > 0:
            rounds = min(live.best_iteration, rounds)
        block = max(1, _BLOCK // len(made._room(handle)))
        whole = made._link is None or rounds <= block
        made._blocks = [_Block(handle, _ANSWERS, 0, rounds)] if whole else [
            _Block(handle, _SUMS, at, min(block, rounds - at)) for at in range(0, rounds, block)]
        made._settle()
        return made

    def _settle(self) -> None:
        self._lone: _Row | None = None
        self._outputs = len(self._room(self._handles[0]))
        self.trees = sum(self._count(handle, "LGBM_BoosterNumberOfTotalModel")
                         for handle in self._handles)

    def _count(self, handle: Any, function: str) -> int:
        found = c_int()
        _do(getattr(self._library, function), handle, byref(found))
        return found.value

    def _room(self, handle: Any, rows: int = 1, kind: int = _ANSWERS) -> np.ndarray:
        """Room for what is answered to so many rows."""
        size = c_int64()
        _do(self._library.LGBM_BoosterCalcNumPredict, handle, c_int(rows), c_int(kind),
            c_int(0), c_int(-1), byref(size))
        return np.zeros(size.value)

    def predict(self, X: np.ndarray, num_threads: int = 1) -> np.ndarray:
        """Cells (n, p) to numbers or the positive's share (n,), or to shares (n, classes)."""
        if len(X) == 1 and self._own:
            if self._lone is None or len(self._lone.cells) != X.shape[1]:
                self._lone = _Row(self._library, self._blocks, X.shape[1], self._outputs)
            found = self._lone.answer(X[0])
        else:
            found = self._ask(X, self._blocks, num_threads)
        if self._blocks[0].kind == _SUMS and self._link is not None:
            found = link(self._link, found)
            found = found[:, 1:] if self._link == "sigmoid" else found
        return found[:, 0] if self._outputs == 1 else found

    def rest(self, X: np.ndarray, begin: int) -> np.ndarray:
        """What a live booster's trees from round `begin` on add: (n,) or (n, classes)."""
        block, = self._handles
        end = self._blocks[-1].begin + self._blocks[-1].rounds
        step = max(1, _BLOCK // self._outputs)
        found = self._ask(X, [_Block(block, _SUMS, at, min(step, end - at))
                              for at in range(begin, end, step)], 1)
        return found[:, 0] if self._outputs == 1 else found

    def contributions(self, X: np.ndarray, num_threads: int = 1) -> np.ndarray:
        """Cells (n, p) to what each feature adds and, last, the start: (n, outputs * (p + 1))."""
        return self._ask(X, [_Block(handle, _CONTRIBUTIONS) for handle in self._handles],
                         num_threads)

    def _ask(self, X: np.ndarray, blocks: Sequence[_Block], threads: int) -> np.ndarray:
        """What the blocks answer, added up: (n, numbers a row)."""
        cells = np.ascontiguousarray(X, dtype=np.float64)
        total = np.zeros((len(X), self._outputs))
        for number, block in enumerate(blocks):
            found = self._room(block.handle, len(X), block.kind)
            _do(self._library.LGBM_BoosterPredictForMat, block.handle,
                c_void_p(cells.ctypes.data), c_int(_DOUBLE), c_int(cells.shape[0]),
                c_int(cells.shape[1]), c_int(_ROW_MAJOR), c_int(block.kind), c_int(block.begin),
                c_int(block.rounds), _words(threads), byref(c_int64()),
                c_void_p(found.ctypes.data))
            wide = self._outputs * (cells.shape[1] + 1 if block.kind == _CONTRIBUTIONS else 1)
            total = found.reshape(-1, wide) if number == 0 else total + found.reshape(-1, wide)
        return total

    def __del__(self) -> None:
        if getattr(self, "_own", False):
            self._lone = None  # its configurations go before the boosters
            for handle in self._handles:
                self._library.LGBM_BoosterFree(handle)


class _Row:
    """Answers one row, by the functions that are made for it; in turns.

    A booster keeps but one such function: each block must be a booster of its own.
    """

    def __init__(
        self, library: Any, blocks: Sequence[_Block], features: int, outputs: int
    ) -> None:
        self._library, self._lock = library, threading.Lock()
        self.cells, self._found = np.zeros(features), np.zeros(outputs)
        self._ask = library.LGBM_BoosterPredictForMatSingleRowFast
        self._asked: list[tuple[Any, ...]] = []
        for block in blocks:
            config = c_void_p()
            _do(library.LGBM_BoosterPredictForMatSingleRowFastInit, block.handle,
                c_int(block.kind), c_int(block.begin), c_int(block.rounds), c_int(_DOUBLE),
                c_int(features), _words(1), byref(config))
            self._asked.append((config, c_void_p(self.cells.ctypes.data), byref(c_int64()),
                                c_void_p(self._found.ctypes.data)))

    def answer(self, row: np.ndarray) -> np.ndarray:
        """Cells (p,) to what the blocks answer, added up: (1, outputs)."""
        with self._lock:
            self.cells[:] = row
            _do(self._ask, *self._asked[0])
            total = self._found.copy()
            for asked in self._asked[1:]:
                _do(self._ask, *asked)
                total += self._found
        return total[None]

    def __del__(self) -> None:
        for config, *_ in getattr(self, "_asked", ()):
            self._library.LGBM_FastConfigFree(config)


def _link_of(text: bytes) -> str | None:
    """The link that a model's text tells of; None where its trees are no plain sums."""
    head = text[:text.find(b"\nTree=")]
    said = re.search(rb"^objective=(.*)$", head, re.MULTILINE)
    if said is None or re.search(rb"^average_output", head, re.MULTILINE):
        return None
    words = said.group(1).decode(errors="replace").strip()
    return _LINKS.get("multiclass" if re.fullmatch(r"multiclass num_class:\d+", words) else words)


def _parted(text: bytes) -> list[bytes]:
    """The model's text as texts of `_BLOCK` trees each, in order; itself where it has no more.

    A text says in its head how many bytes each tree takes; one that does not is left whole, as is
    one whose trees do not lie where it says: the library says what is wrong with it.
    """
    start, end = text.find(b"\nTree=") + 1, text.find(b"\nend of trees") + 1
    said = re.search(rb"^tree_sizes=([\d ]+)$", text[:start], re.MULTILINE)
    a_round = re.search(rb"^num_tree_per_iteration=(\d+)$", text[:start], re.MULTILINE)
    if said is None or a_round is None:
        return [text]
    sizes = [int(word) for word in said.group(1).split()]
    block = max(1, _BLOCK // max(1, int(a_round.group(1)))) * int(a_round.group(1))
    at = [start, *(start + size for size in itertools.accumulate(sizes))]
    if len(sizes) <= block or at[-1] > end or any(text[one:one + 5] != b"Tree=" for one in at[:-1]):
        return [text]
    head, tail = text[:said.start()], text[end:]
    return [b"%btree_sizes=%b\n\n%b%b" % (
        head, b" ".join(b"%d" % size for size in sizes[one:one + block]),
        text[at[one]:at[min(one + block, len(sizes))]], tail)
        for one in range(0, len(sizes), block)]


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
