"""JSON in and out: orjson where it is installed, else Python's own, with the same meaning.

Numbers that are not finite are written as null; what is no JSON value as its text. Reading
refuses NaN, Infinity, half letters (lone surrogates) and texts nested deeper than a limit.
"""

from __future__ import annotations

import json
import math
from typing import Any

try:
    import orjson as _orjson
except ImportError:  # the extra "serve" brings it; without, everything works and takes longer
    _orjson = None  # type: ignore[assignment]

DEEPEST = 32
"""Lists and objects within each other, at most: the cost of a table grows with their depth."""


def loads(body: bytes) -> Any:
    """The value that the bytes hold; ValueError where they are no JSON."""
    if _orjson is not None:
        return _orjson.loads(body)
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_refuse)
        _whole(found)
    except RecursionError:
        raise ValueError("values are nested too deep") from None
    return found


def dumps(value: Any) -> bytes:
    """The value as UTF-8 JSON."""
    if _orjson is not None:
        try:
            return _orjson.dumps(value, default=_other)
        except TypeError:  # half letters, or numbers of more than 64 bits
            pass
    return json.dumps(_finite(value), default=_other, ensure_ascii=False,
                      separators=(",", ":")).encode("utf-8", "replace")


def deeper(value: Any, most: int = DEEPEST) -> bool:
    """Whether lists and objects lie within each other more than `most` deep."""
    if not isinstance(value, (dict, list)):
        return False
    if most <= 0:
        return True
    inner = value.values() if isinstance(value, dict) else value
    return any(deeper(each, most - 1) for each in inner if isinstance(each, (dict, list)))


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON number")


def _whole(value: Any) -> None:
    """ValueError where a text holds half a letter, which no UTF-8 can."""
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, dict):
        for name, each in value.items():
            _whole(name)
            _whole(each)
    elif isinstance(value, list):
        for each in value:
            _whole(each)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): _finite(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return value


def _other(value: Any) -> Any:
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        return value.tolist()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        from base64 import b64encode

        return b64encode(value).decode("ascii")
    return str(value)
