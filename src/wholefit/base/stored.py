"""Reading what a file says of itself: types checked, and every fault told as one kind of error.

A model file holds numbers and words alone, so that reading one runs nothing; but each of them may
have been altered. What is made of them is checked here against the types that were declared, and
whatever goes wrong later because of one is an ArtifactError, never a traceback of another kind.

>>> with reading("the model file cannot be read"):
...     {}["weights"]
Traceback (most recent call last):
    ...
wholefit.base.errors.ArtifactError: the model file cannot be read (KeyError: 'weights'): ...
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

from wholefit.base.errors import ArtifactError, WholefitError
from wholefit.base.wording import first_line

Thing = TypeVar("Thing")
_MOST = 2**63


@contextmanager
def reading(said: str) -> Iterator[None]:
    """Around code that works with what a file holds: errors of wholefit pass, others are told.

    `said` is a clause for what cannot be done. The error itself is kept as the cause.
    """
    try:
        yield
    except WholefitError:
        raise
    except Exception as error:
        raise ArtifactError(
            f"{said} ({type(error).__name__}: {first_line(error)}): it was altered, or not written "
            "by wholefit; save the model anew.") from error


def typed(thing: Thing) -> Thing:
    """The dataclass as it is, if every field holds what it declares; TypeError if one does not.

    Understands text, numbers, truth values, None, unions, tuples, lists and dicts of them; whole
    numbers must fit 64 bits. Fields of any other type are not looked at.
    """
    hints = _hints(type(thing))  # type: ignore[arg-type]
    for field in fields(thing):  # type: ignore[arg-type]
        if not _fits(getattr(thing, field.name), hints[field.name]):
            got = str(getattr(thing, field.name))[:60]
            raise TypeError(f"{type(thing).__name__}.{field.name} cannot be {got!r}")
    return thing


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, each) for each in inner)
    if hint in (int, float):
        return _is_number(value, hint)
    if hint in (str, bool, types.NoneType):
        return isinstance(value, hint)
    if origin in (tuple, list):
        return isinstance(value, origin) and all(_fits(each, inner[0]) for each in value)
    if origin is dict:
        return isinstance(value, dict) and all(
            _fits(key, inner[0]) and _fits(each, inner[1]) for key, each in value.items())
    return True


def _is_number(value: Any, hint: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if isinstance(value, int):
        return -_MOST <= value < _MOST
    return hint is float
