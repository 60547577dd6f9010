"""Strict JSON: what is written is plain, and what is read back is exactly what JSON allows.

No NaN, no Infinity (nor a number too large for a float), no repeated key, no bytes that are
not UTF-8, and nesting to a stated depth, so that every reader in every language sees one and
the same value.
"""

from __future__ import annotations

import json
import math
from typing import Any

from wholefit.base.errors import ArtifactError, StateError

MAX_DEPTH = 200


def dumps(value: Any) -> bytes:
    """Compact ASCII JSON; keys keep their order. `value` has passed `check`."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def loads(data: bytes, where: str) -> Any:
    """Parse strictly; `where` names the file in errors. Raises ArtifactError."""
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_object,
                           parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise _too_deep(where) from None
    except (ValueError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{where} is damaged: it is not strict JSON ({error}).") from error
    if _depth_exceeds(value, MAX_DEPTH):
        raise _too_deep(where)
    return value


def check(value: Any, where: str, *, depth: int = 100) -> None:
    """Raise StateError, naming the place, unless `value` can be written as JSON and read back.

    Tuples may be given and come back as lists; keys must be text; numbers must be finite.
    """
    stack = [(value, where, 1)]
    while stack:
        item, place, level = stack.pop()
        if level > depth:
            raise StateError(f"{where} nests deeper than {depth} levels, or contains itself.")
        if isinstance(item, dict):
            for key, inner in item.items():
                if not isinstance(key, str):
                    raise StateError(f"{place} has the key {key!r}; JSON keys must be text.")
                stack.append((inner, f"{place}.{key}", level + 1))
        elif isinstance(item, (list, tuple)):
            stack += [(inner, f"{place}[{i}]", level + 1) for i, inner in enumerate(item)]
        else:
            _check_leaf(item, place)


def _check_leaf(item: Any, place: str) -> None:
    if isinstance(item, float) and not math.isfinite(item):
        raise StateError(f"{place} is {item}, which JSON cannot hold: store None instead, or put "
                         "the numbers in an array.")
    if item is not None and not isinstance(item, (str, int, float)):
        raise StateError(f"{place} must be text, a number, true, false, None, a list or a dict; "
                         f"got {type(item).__name__}.")


def _depth_exceeds(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [inner for item in level if isinstance(item, (dict, list))
                 for inner in (item.values() if isinstance(item, dict) else item)]
        if not level:
            return False
    return any(isinstance(item, (dict, list)) for item in level)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated within one object")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is too large for a float")
    return number


def _too_deep(where: str) -> ArtifactError:
    return ArtifactError(f"{where} is unsafe: its JSON nests deeper than {MAX_DEPTH} levels.")
