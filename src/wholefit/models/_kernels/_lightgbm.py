"""LightGBM's model text answered by LightGBM's C interface, past its Python package.

To answer, the package needs nothing of what it imports (scikit-learn, SciPy, pandas: more than a
second, and 140 MB of a server that holds nothing else), and it reads its parameters anew at each
call, which takes five times as long as a row does. The C functions are documented and stable
(https://lightgbm.readthedocs.io/en/latest/C-API.html); where the library lies in the package is
not, so the package is asked where it is not found.

The trees of a large model are asked in blocks. The library lets each row visit all trees before
the next row: every visit then waits for memory, where a block of trees stays near while all rows
visit it. One row visits the same blocks, so that its answer is the same to the last bit.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import math
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from ctypes import byref, c_int, c_int64, c_void_p
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.optional import need, patient
from wholefit.models._kernels._links import link

# Of the C interface: cells are double precision; answers, sums of trees before the link, or
# contributions are asked for.
_DOUBLE, _ROW_MAJOR = 1, 1
_ANSWERS, _SUMS, _CONTRIBUTIONS = 0, 1, 3
# Leaves that a block's trees may have, and its fewest trees: near the fastest for trees of 31 to
# 255 leaves. A row is laid out anew for each block, which takes some 2.5 ns a feature, a tree some
# 30: so a block has no fewer trees than there are features. What is less than two blocks is whole.
_LEAVES, _FEWEST = 16_384, 64
# From sums of trees to answers, by what was boosted for. Models of any other are asked whole, and
# so are means of trees, and those told apart by `_ODD` among their parameters.
_LINKS = {"regression": "identity", "regression_l1": "identity", "huber": "identity",
          "poisson": "exp", "binary": "sigmoid", "multiclass": "softmax"}
_ODD = {"boosting", "boosting_type", "boost", "sigmoid", "reg_sqrt"}
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
    """A booster of so many `trees` that answers, read from LightGBM's model text; thread-safe.

    StateError where the text's head is not as LightGBM writes it, or its trees lie elsewhere than
    that says: it would end the process.
    """

    _lock: Any = nullcontext()
    _live: Any = None
    _lone: _Row | None = None

    def __init__(self, text: bytes) -> None:
        self._library, self._handles = _library(), []
        self._link, parts = _parted(text)
        for part in parts:
            handle = c_void_p()
            _do(self._library.LGBM_BoosterLoadModelFromString, part, byref(c_int()),
                byref(handle))
            self._handles.append(handle)
        kind = _ANSWERS if len(self._handles) == 1 else _SUMS
        self._settle([_Block(handle, kind) for handle in self._handles])

    @classmethod
    def of(cls, live: Any, begin: int = 0) -> Booster:
        """What answers as `live` does, a booster that LightGBM's package trained and keeps.

        Of the rounds that it was cut to, those from `begin` on. The package does not promise to
        show its handle: where it does not, `live` is written and read.
        """
        handle, params = getattr(live, "_handle", None), live.params
        if handle is None:
            return cls(live.model_to_string(start_iteration=begin).encode())
        made = cls.__new__(cls)
        made._library, made._handles, made._lock = _library(), [], _turns(live)
        made._live = live  # which frees its handle when it goes
        rounds = made._count(handle, "LGBM_BoosterGetCurrentIteration")
        if live.best_iteration > 0:
            rounds = min(live.best_iteration, rounds)
        made._link = None if _ODD & set(params) else _LINKS.get(params.get("objective"))
        outputs, rounds = len(made._room(handle)), rounds - begin
        step = _rounds_of(rounds, outputs, int(params.get("num_leaves", 0)), live.num_feature())
        if made._link is None or step >= rounds:
            made._settle([_Block(handle, _SUMS if begin else _ANSWERS, begin, rounds)])
        else:
            made._settle([_Block(handle, _SUMS, at, min(step, begin + rounds - at))
                          for at in range(begin, begin + rounds, step)])
        return made

    def _settle(self, blocks: Sequence[_Block]) -> None:
        self._blocks = blocks
        self._outputs = len(self._room(blocks[0].handle))
        self.trees = sum(self._count(handle, "LGBM_BoosterNumberOfTotalModel")
                         for handle in self._handles or [blocks[0].handle])

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
        if len(X) == 1 and self._handles:
            if self._lone is None or len(self._lone.cells) != X.shape[1]:
                self._lone = _Row(self._library, self._blocks, X.shape[1], self._outputs)
            found = self._lone.answer(X[0])
        else:
            found = self._ask(X, self._blocks, num_threads)
        if self._blocks[0].kind == _SUMS and self._link is not None:
            found = link(self._link, found)
            found = found[:, 1:] if self._link == "sigmoid" else found
        return found[:, 0] if self._outputs == 1 else found

    def sums(self, X: np.ndarray) -> np.ndarray:
        """What the trees add, before any link: (n,) or (n, classes)."""
        found = self._ask(X, [replace(block, kind=_SUMS) for block in self._blocks], 1)
        return found[:, 0] if self._outputs == 1 else found

    def contributions(self, X: np.ndarray, num_threads: int = 1) -> np.ndarray:
        """Cells (n, p) to what each feature adds and, last, the start: (n, outputs * (p + 1))."""
        return self._ask(X, [replace(block, kind=_CONTRIBUTIONS) for block in self._blocks],
                         num_threads)

    def _ask(self, X: np.ndarray, blocks: Sequence[_Block], threads: int) -> np.ndarray:
        """What the blocks answer, added up: (n, numbers a row)."""
        cells = np.ascontiguousarray(X, dtype=np.float64)
        wide = self._outputs * (cells.shape[1] + 1 if blocks[0].kind == _CONTRIBUTIONS else 1)
        total = np.zeros(0)
        with self._lock:
            for number, block in enumerate(blocks):
                found = self._room(block.handle, len(X), block.kind)
                _do(self._library.LGBM_BoosterPredictForMat, block.handle,
                    c_void_p(cells.ctypes.data), c_int(_DOUBLE), c_int(cells.shape[0]),
                    c_int(cells.shape[1]), c_int(_ROW_MAJOR), c_int(block.kind),
                    c_int(block.begin), c_int(block.rounds), _words(threads), byref(c_int64()),
                    c_void_p(found.ctypes.data))
                total = found if number == 0 else np.add(total, found, out=total)
        return total.reshape(-1, wide)

    def __del__(self) -> None:
        self._lone = None  # its configurations go before the boosters
        for handle in getattr(self, "_handles", ()):
            self._library.LGBM_BoosterFree(handle)


class _Row:
    """Answers one row, by the functions that are made for it; in turns."""

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


_LOCKS: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def _turns(live: Any) -> Any:
    """One lock for all who ask of a live booster: it keeps the range of rounds that is asked."""
    return _LOCKS.setdefault(live, threading.Lock())


def _rounds_of(rounds: int, outputs: int, leaves: int, features: int) -> int:
    """Rounds of a block, of a model of so many; all of them where blocks would gain nothing."""
    trees = max(_LEAVES // max(leaves, 1), _FEWEST, features) if leaves > 0 else math.inf
    step = trees / outputs
    return rounds if rounds < 2 * step else max(1, int(step))


def _parted(text: bytes) -> tuple[str | None, Iterator[bytes]]:
    """The link of a model's text, and texts of its blocks in order: itself where it has but one.

    A text says in its head how many bytes each tree takes, and the library trusts it: where trees
    do not lie there it ends the process, so StateError is raised before.
    """
    if b"\nend of trees" not in text:
        raise StateError("LightGBM's model text does not have its end: it is cut short.")
    start, end = text.find(b"\nTree=") + 1, text.find(b"\nend of trees") + 1
    head, tail = text[:start or end], text[end:]
    said = _said(head)
    if "tree_sizes" not in said or not start:
        return None, iter([text])
    at = _places(said["tree_sizes"], start, end, text)
    aim = re.fullmatch(rb"(\w+)(?: (?:sigmoid:1|num_class:\d+))?", said.get("objective", b""))
    leaves = re.findall(rb"^\[num_leaves: (\d{1,9})\]$", tail, re.MULTILINE)
    link = _LINKS.get(aim[1].decode()) if aim and "average_output" not in said else None
    if link is None or len(leaves) != 1:
        return None, iter([text])
    outputs, features = said["num_tree_per_iteration"], int(said["max_feature_idx"]) + 1
    rounds = (len(at) - 1) // int(outputs)
    step = _rounds_of(rounds, int(outputs), int(leaves[0]), features)
    if step >= rounds or len(at) - 1 != rounds * int(outputs):
        return link, iter([text])
    step *= int(outputs)
    before, _, after = head.partition(b"\ntree_sizes=" + said["tree_sizes"])
    return link, (b"%b\ntree_sizes=%b%b%b%b" % (
        before, b" ".join(b"%d" % (two - one) for one, two in pairwise(at[first:first + step + 1])),
        after, text[at[first]:at[min(first + step, len(at) - 1)]], tail)
        for first in range(0, len(at) - 1, step))


# What a head says once, and of these what it must say in a number; at least so much.
_COUNTS = {"num_class": 1, "num_tree_per_iteration": 1, "max_feature_idx": 0}
_FACTS = {*_COUNTS, "tree_sizes", "objective", "average_output"}


def _said(head: bytes) -> dict[str, bytes]:
    """The facts of a text's head by name; StateError where the library might read it otherwise.

    It ends lines at a lone carriage return too, passes over signs of equality at their start and
    takes the last of what is said twice.
    """
    said: dict[str, bytes] = {}
    odd = re.search(rb"[\r\0]|^=", head, re.MULTILINE) is not None
    for line in head.split(b"\n"):
        name, _, value = line.partition(b"=")
        if (fact := name.decode(errors="replace")) in _FACTS:
            odd, said[fact] = odd or fact in said, value
    for fact, least in _COUNTS.items() if said else ():  # where it says nothing, none is read
        number = re.fullmatch(rb"\d{1,9}", said.get(fact, b""))
        odd = odd or number is None or int(number[0]) < least
    if odd:
        raise StateError("LightGBM's model text has a head that LightGBM does not write.")
    return said


def _places(said: bytes, start: int, end: int, text: bytes) -> list[int]:
    """Where each tree begins and, last, where they end, by what the head says of their bytes."""
    words = said.split()
    if any(re.fullmatch(rb"\d{1,12}", word) is None for word in words):
        raise StateError("LightGBM's model text does not say in numbers how long its trees are.")
    at = list(accumulate((int(word) for word in words), initial=start))
    if text[at[-1]:end].strip() or at[-1] > end or any(
            one >= two or text[one:one + 5] != b"Tree=" for one, two in pairwise(at)):
        raise StateError("LightGBM's model text has no trees where its head says that they are.")
    return at


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
