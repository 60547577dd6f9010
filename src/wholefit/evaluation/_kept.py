"""Records that a file keeps: plain values out, and back in only in the shape that is declared.

A model's file may come from anywhere. What is read from it is rebuilt by the types that the
record's fields declare, a level at a time; TypeError or ValueError where something else is there.
"""

from __future__ import annotations

import math
import types
import typing
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

from wholefit.evaluation.score import Score

Thing = TypeVar("Thing")
# Nothing that is kept has longer lists or texts than these.
_MOST, _LONGEST = 2_000, 2_000


def put(thing: Any) -> Any:
    """As JSON values: records become objects, a number that is not finite becomes null."""
    if isinstance(thing, Score):
        return thing.to_json()
    if is_dataclass(thing) and not isinstance(thing, type):
        return {field.name: put(getattr(thing, field.name)) for field in fields(thing)}
    if isinstance(thing, dict):
        return {str(name): put(value) for name, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [put(value) for value in thing]
    if isinstance(thing, float):
        return float(thing) if math.isfinite(thing) else None
    return thing


def get(kind: type[Thing], stored: Any) -> Thing:
    """The record that `put` wrote; TypeError or ValueError where it is of another shape."""
    if not isinstance(stored, dict):
        raise TypeError(f"{kind.__name__} must be an object")
    hints = _hints(kind)  # type: ignore[arg-type]
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    if not set(stored) <= set(names):
        raise TypeError(f"{kind.__name__} has no {sorted(set(stored) - set(names))[0]!r}")
    return kind(**{name: _value(hints[name], stored[name]) for name in names if name in stored})


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _value(hint: Any, value: Any) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None if type(None) in inner else _refuse(hint, value)
        return _value(next(each for each in inner if each is not type(None)), value)
    if origin is tuple:
        return _tuple(inner, value)
    if origin is dict:
        if not isinstance(value, dict) or len(value) > _MOST:
            _refuse(hint, value)
        return {str(name)[:_LONGEST]: _value(inner[1], each) for name, each in value.items()}
    if hint is Score:  # its interval may be without end, which nothing else may
        try:
            return Score.from_json(value)
        except (KeyError, AttributeError) as error:
            raise TypeError("a score lacks a part") from error
    if isinstance(hint, type) and is_dataclass(hint):
        return get(hint, value)
    return _plain(hint, value)


def _tuple(inner: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list) or len(value) > _MOST:
        _refuse(tuple, value)
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(_value(inner[0], each) for each in value)
    if len(value) != len(inner):
        _refuse(tuple, value)
    return tuple(_value(hint, each) for hint, each in zip(inner, value, strict=True))


def _plain(hint: Any, value: Any) -> Any:
    if hint is float:
        if value is None:
            return math.nan
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300:
            return float(value)
    elif hint is int:
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
            return value
    elif hint is str and isinstance(value, str):
        return value[:_LONGEST]
    elif hint is bool and isinstance(value, bool):
        return value
    return _refuse(hint, value)


def _refuse(hint: Any, value: Any) -> Any:
    raise TypeError(f"{str(value)[:60]!r} cannot be {getattr(hint, '__name__', hint)}")
