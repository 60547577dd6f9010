"""Universal Binary JSON (https://ubjson.org, draft 12), as XGBoost writes it, to Python values."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from wholefit.base.errors import StateError

_WHOLE = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8"}
_NUMBERS = {**_WHOLE, "d": ">f4", "D": ">f8"}
_CONSTANTS = {"T": True, "F": False, "Z": None}
_DEEPEST = 64


def read(data: bytes) -> Any:
    """The value that the bytes hold; StateError where they are damaged."""
    try:
        return _Reader(data).value(0)
    except (IndexError, KeyError, ValueError, struct.error, UnicodeDecodeError) as error:
        raise StateError(f"the booster's UBJSON is damaged: {error}") from error


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def value(self, depth: int, kind: str = "") -> Any:
        """The next value, whose type letter is read unless it is given."""
        if depth > _DEEPEST:
            raise ValueError("it nests too deep")
        kind = kind or self._letter()
        while kind == "N":
            kind = self._letter()
        if kind in _NUMBERS:
            return self._array(_NUMBERS[kind], 1)[0].item()
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind in "SH":
            return self._text()
        if kind == "C":
            return self._take(1).decode()
        if kind == "[":
            return self._list(depth)
        if kind == "{":
            return self._object(depth)
        raise ValueError(f"an unknown type {kind!r}")

    def _list(self, depth: int) -> Any:
        kind, count = self._frame()
        if kind in _NUMBERS and count is not None:
            return self._array(_NUMBERS[kind], count)
        if count is not None:
            return [self.value(depth + 1, kind) for _ in range(count)]
        found = []
        while self._peek() != "]":
            found.append(self.value(depth + 1))
        self._at += 1
        return found

    def _object(self, depth: int) -> dict[str, Any]:
        kind, count = self._frame()
        found = {}
        while count != 0 if count is not None else self._peek() != "}":
            name = self._text()
            found[name] = self.value(depth + 1, kind)
            count = None if count is None else count - 1
        self._at += count is None
        return found

    def _frame(self) -> tuple[str, int | None]:
        """Type and number of the items, where a container states them."""
        kind = ""
        if self._peek() == "$":
            self._at += 1
            kind = self._letter()
        if self._peek() != "#":
            return kind, None
        self._at += 1
        count = int(self.value(_DEEPEST))
        if not 0 <= count <= len(self._data):
            raise ValueError(f"a container of {count} items")
        return kind, count

    def _text(self) -> str:
        return self._take(int(self.value(_DEEPEST))).decode()

    def _array(self, kind: str, count: int) -> np.ndarray:
        dtype = np.dtype(kind)
        return np.frombuffer(self._take(dtype.itemsize * count), dtype).astype(
            dtype.newbyteorder("="))

    def _peek(self) -> str:
        return chr(self._data[self._at])

    def _letter(self) -> str:
        self._at += 1
        return chr(self._data[self._at - 1])

    def _take(self, count: int) -> bytes:
        if not 0 <= count <= len(self._data) - self._at:
            raise ValueError("it is cut short")
        self._at += count
        return self._data[self._at - count:self._at]
