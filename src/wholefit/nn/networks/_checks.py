"""Sizes that a network is given: whole numbers of at least so much."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from wholefit.base.errors import ParameterError


def whole(who: str, least: int = 1, **values: Any) -> None:
    """ParameterError unless each value, or each of a list of them, is a whole number >= `least`."""
    for name, value in values.items():
        many = isinstance(value, Sequence) and not isinstance(value, str)
        for each in value if many else [value]:
            if not isinstance(each, Integral) or isinstance(each, bool) or each < least:
                kind = "whole numbers" if many else "a whole number"
                raise ParameterError(f"{who}.{name} must be {kind} >= {least}; got {value!r}.")


def several(who: str, **values: Any) -> None:
    """ParameterError unless each value is a list."""
    for name, value in values.items():
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise ParameterError(f"{who}.{name} must be a list; got {value!r}.")
