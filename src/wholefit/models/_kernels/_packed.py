"""Weights of a network in fewer bits, and back; numpy alone.

A tensor is kept in one of four ways: "whole" (as it was), "float16", "int8" (whole numbers from
-127 to 127 and one scale for each entry of the first axis; Jacob and others 2018), or "shared"
(each weight is the number of one of a few values; Han, Mao and Dally 2016). Where most weights are
0, a mask of one bit a weight says which are not, and only those are kept.

A tensor's arrays are named by its place in the list: "w0.values", "w0.scale", "w0.book",
"w0.mask". No tensor can claim more than eight weights for each byte that is there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import StateError

WAYS = ("whole", "float16", "int8", "shared")
MOST_SHARED = 256
"""Values that weights can share, at most: a number of them fits in a byte."""
_LEVELS = 127
_STEPS = 255
_HALF = float(np.finfo(np.float16).max)
_SAFETENSORS = {"f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32", "i2": "I16",
                "i1": "I8", "u1": "U8", "b1": "BOOL"}


@dataclass(frozen=True, eq=False)
class Whole:
    """One tensor unpacked: `values` in their shape; of "int8" also the whole numbers and scale."""

    values: np.ndarray
    codes: np.ndarray | None = None
    scale: np.ndarray | None = None


def pack(
    tensors: Mapping[str, np.ndarray], ways: Mapping[str, str], *,
    masks: Mapping[str, np.ndarray] | None = None,
    books: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """What a config lists of the tensors, and their arrays.

    `ways` names the way of a tensor ("whole" where it says nothing), `masks` which of its weights
    are kept, `books` the shared values (k,) and each weight's number among them, for "shared".
    """
    listed: list[dict[str, Any]] = []
    arrays: dict[str, np.ndarray] = {}
    for at, (name, tensor) in enumerate(tensors.items()):
        way = ways.get(name, "whole")
        mask = None if masks is None else masks.get(name)
        pieces = _packed(tensor, way, None if books is None else books.get(name))
        facts: dict[str, Any] = {"name": name, "shape": [int(n) for n in tensor.shape], "way": way}
        if mask is not None:
            kept = np.asarray(mask, dtype=bool).reshape(-1)
            pieces["values"] = pieces["values"].reshape(-1)[kept]
            pieces["mask"] = np.packbits(kept, bitorder="little")
        if way == "shared":
            pieces["values"], facts["bits"] = _bits(pieces["values"].reshape(-1),
                                                    len(pieces["book"]))
            facts["count"] = int(tensor.size if mask is None else kept.sum())
        listed.append(facts)
        arrays |= {f"w{at}.{piece}": np.ascontiguousarray(array)
                   for piece, array in pieces.items()}
    return listed, arrays


def unpack(listed: Any, arrays: Mapping[str, np.ndarray]) -> dict[str, Whole]:
    """Every tensor by name; StateError if they do not hold together."""
    try:
        if not isinstance(listed, list):
            raise TypeError("the list of weights is no list")
        return {str(facts["name"]): _unpacked(facts, at, arrays)
                for at, facts in enumerate(listed)}
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise StateError(f"the packed weights of a network are damaged: {error}") from error


def int8(tensor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers of the tensor's shape, and the scale of each entry of its first axis."""
    flat = np.asarray(tensor, dtype=np.float64).reshape(len(tensor), -1)
    most = np.abs(flat).max(axis=1, initial=0.0)
    scale = np.where(most > 0, most / _LEVELS, 1.0).astype(np.float32)
    codes = np.clip(np.rint(flat / scale[:, None]), -_LEVELS, _LEVELS).astype(np.int8)
    return codes.reshape(tensor.shape), scale


def safetensors(tensors: Mapping[str, np.ndarray]) -> bytes:
    """The tensors as one safetensors file."""
    header, start, data = {}, 0, []
    for name, tensor in tensors.items():
        whole = np.ascontiguousarray(tensor)
        header[name] = {"dtype": _SAFETENSORS[whole.dtype.str[1:]], "shape": list(tensor.shape),
                        "data_offsets": [start, start + whole.nbytes]}
        start += whole.nbytes
        data.append(whole.tobytes())
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(data)


def _packed(
    tensor: np.ndarray, way: str, book: tuple[np.ndarray, np.ndarray] | None
) -> dict[str, np.ndarray]:
    if way == "float16":
        if not (np.abs(tensor) <= _HALF).all():
            raise StateError(f"weights beyond {_HALF:g} do not fit in 16 bits.")
        return {"values": tensor.astype(np.float16)}
    if way == "int8":
        codes, scale = int8(tensor)
        return {"values": codes, "scale": scale}
    if way == "shared":
        assert book is not None
        return {"values": book[1].astype(np.uint8), "book": book[0].astype(np.float32)}
    return {"values": tensor}


def _bits(codes: np.ndarray, levels: int) -> tuple[np.ndarray, int]:
    """Codes (n,) as bits in a row, and how many bits a code takes."""
    wide = max(1, math.ceil(math.log2(max(levels, 2))))
    spread = (codes[:, None] >> np.arange(wide, dtype=np.uint8)) & 1
    return np.packbits(spread.astype(np.uint8).reshape(-1), bitorder="little"), wide


def _codes(packed: np.ndarray, wide: int, count: int) -> np.ndarray:
    if not 1 <= wide <= 8 or not 0 <= count <= 8 * packed.size:
        raise ValueError(f"{count} codes of {wide} bits in {packed.size} bytes")
    spread = np.unpackbits(packed.reshape(-1), count=count * wide, bitorder="little")
    if len(spread) != count * wide:
        raise ValueError(f"{count} codes of {wide} bits do not fit in {packed.size} bytes")
    weights = (1 << np.arange(wide)).astype(np.uint8)
    return np.asarray((spread.reshape(count, wide) * weights).sum(axis=1), dtype=np.intp)


def _unpacked(facts: Mapping[str, Any], at: int, arrays: Mapping[str, np.ndarray]) -> Whole:
    way, shape = facts["way"], tuple(int(n) for n in facts["shape"])
    if way not in WAYS or min(shape, default=0) < 0:
        raise ValueError(f"a tensor is kept as {str(way)[:40]!r}")
    values, mask = arrays[f"w{at}.values"], arrays.get(f"w{at}.mask")
    if way == "shared":
        book = np.asarray(arrays[f"w{at}.book"], dtype=np.float32)
        codes = _codes(np.asarray(values, dtype=np.uint8), int(facts["bits"]),
                       int(facts["count"]))
        if book.ndim != 1 or (len(codes) and codes.max() >= len(book)):
            raise ValueError("a weight shares a value that is not there")
        return Whole(_laid(book[codes], mask, shape))
    if way == "int8":
        codes, scale = _laid(values, mask, shape), arrays[f"w{at}.scale"]
        if codes.dtype != np.int8 or scale.shape != shape[:1] or not np.isfinite(scale).all():
            raise ValueError("int8 weights and their scale do not fit")
        wide = scale.astype(np.float32).reshape(-1, *[1] * (len(shape) - 1))
        return Whole(codes.astype(np.float32) * wide, codes, scale.astype(np.float64))
    laid = _laid(values, mask, shape)
    return Whole(laid.astype(np.float32) if way == "float16" else laid)


def _laid(values: np.ndarray, mask: np.ndarray | None, shape: Sequence[int]) -> np.ndarray:
    """Values in their shape, 0 where the mask leaves them out."""
    size = math.prod(shape)
    if mask is None:
        return values.reshape(shape)
    if mask.dtype != np.uint8 or mask.size != -(-size // 8):
        raise ValueError("the mask of a tensor is of another size")
    kept = np.unpackbits(mask.reshape(-1), count=size, bitorder="little").astype(bool)
    whole = np.zeros(size, dtype=values.dtype)
    whole[kept] = values.reshape(-1)
    return whole.reshape(shape)


def rounded(x: np.ndarray, low: Any, high: Any) -> tuple[np.ndarray, Any]:
    """Whole numbers from -255 to 255 that stand for x, and the size of a step.

    0 is always one of the numbers that can be told: the range is widened to hold it.
    """
    low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
    step = (high - low) / _STEPS
    step = np.where(step > 0, step, 1.0)
    zero = np.rint(-low / step)
    return np.clip(np.rint(x / step) + zero, 0, _STEPS) - zero, step
