"""Hyper-parameters: each field carries its default, meaning, bounds and search range.

>>> @dataclass(frozen=True)
... class Ridge(Params):
...     alpha: float = param(1.0, "Strength of the penalty.", low=0, search=(1e-4, 1e4), log=True)
>>> Ridge(alpha=-1)
Traceback (most recent call last):
    ...
wholefit.base.errors.ParameterError: Ridge.alpha must be >= 0; got -1.

Command-line flags, web forms, JSON schema, docs tables and search spaces are all drawn from
`specs`.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, get_type_hints

from wholefit.base.errors import ParameterError, unknown

_KEY = "wholefit"
Self = TypeVar("Self", bound="Params")


@dataclass(frozen=True)
class Search:
    """Where a search may look: an interval (perhaps on a log scale) or a tuple of choices."""

    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Any, ...] | None = None


@dataclass(frozen=True)
class Spec:
    """One hyper-parameter, as every face shows it."""

    name: str
    type: type | tuple[type, ...]
    default: Any
    doc: str
    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[Any, ...] | None = None
    none: bool = False
    search: Search | None = None

    def rule(self) -> str:
        """The bound in words: "must be >= 0", "must be one of 'l1', 'l2'"."""
        if self.choices is not None:
            rule = "one of " + ", ".join(repr(c) for c in self.choices)
        else:
            bounds = [f"{sign} {value:g}" for sign, value in (
                (">=", self.low), (">", self.above), ("<=", self.high), ("<", self.below),
            ) if value is not None]
            rule = " and ".join(bounds) if bounds else f"of type {_type_name(self.type)}"
        return f"must be {rule}" + (" or None" if self.none else "")

    def accepts(self, value: Any) -> bool:
        """True if `value` has the right type and lies within the bounds."""
        if value is None:
            return self.none
        if self.choices is not None:
            return any(value == c and type(value) is type(c) for c in self.choices)
        if not _has_type(value, self.type):
            return False
        if isinstance(value, numbers.Real) and not isinstance(value, bool):
            return self._within(float(value))
        return True

    def _within(self, value: float) -> bool:
        if math.isnan(value):
            return False
        return (
            (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


def param(
    default: Any,
    doc: str,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: tuple[Any, ...] | None = None,
    none: bool = False,
    search: tuple[Any, ...] | None = None,
    log: bool = False,
    last: bool = False,
) -> Any:
    """A dataclass field with meaning, bounds and search range.

    `low`/`high` are inclusive, `above`/`below` exclusive; `none=True` admits None. `search` is
    (low, high) for a number, else the choices to try; with `choices` and no `search`, all of
    the choices are tried. `last=True` is for what many kinds share: it stands behind what each
    has of its own, and is given by name.
    """
    found = _search(search, choices, log)
    meta = {"doc": doc, "low": low, "high": high, "above": above, "below": below,
            "choices": choices, "none": none, "search": found}
    return dataclasses.field(default=default, metadata={_KEY: meta}, kw_only=last)


@dataclass(frozen=True)
class Params:
    """Base of every frozen dataclass of hyper-parameters: values are checked at construction."""

    _specs_cache: ClassVar[tuple[Spec, ...] | None] = None

    def __post_init__(self) -> None:
        for spec in self.specs():
            value = getattr(self, spec.name)
            if not spec.accepts(value):
                raise ParameterError(
                    f"{self._owner()}{spec.name} {spec.rule()}; got {value!r}."
                )

    @classmethod
    def _owner(cls) -> str:
        """What an error says before a field's name: a verb's options are named as they are said."""
        return "" if cls.__name__ == "Options" else f"{cls.__name__}."

    @classmethod
    def specs(cls) -> tuple[Spec, ...]:
        """The hyper-parameters of this class, in order; those given by name alone come last."""
        if "_specs_cache" not in cls.__dict__ or cls._specs_cache is None:
            hints = get_type_hints(cls)
            fields = sorted(dataclasses.fields(cls), key=lambda field: field.kw_only is True)
            cls._specs_cache = tuple(
                _spec(field, hints[field.name]) for field in fields if _KEY in field.metadata
            )
        return cls._specs_cache or ()

    @classmethod
    def from_dict(cls: type[Self], values: dict[str, Any]) -> Self:
        """Build from a dict; a misspelt name gets the nearest right one."""
        names = [spec.name for spec in cls.specs()]
        for name in values:
            if name not in names:
                raise unknown(f"parameter of {cls.__name__}", name, names)
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Name to value, JSON-able where the values are."""
        return {spec.name: getattr(self, spec.name) for spec in self.specs()}

    def replace(self: Self, **changes: Any) -> Self:
        """A copy with some values changed, checked again."""
        return type(self).from_dict({**self.to_dict(), **changes})


def _spec(field: dataclasses.Field[Any], hint: Any) -> Spec:
    return Spec(name=field.name, type=_plain(hint), default=field.default, **field.metadata[_KEY])


def _plain(hint: Any) -> Any:
    """The runtime types in a hint: `float | None` becomes float, `int | str` a tuple."""
    args = [a for a in getattr(hint, "__args__", ()) if a is not type(None)]
    if getattr(hint, "__origin__", None) in (tuple, list, dict):
        return hint.__origin__
    if not args:
        return hint
    return _plain(args[0]) if len(args) == 1 else tuple(_plain(arg) for arg in args)


def _has_type(value: Any, kind: Any) -> bool:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, numbers.Integral):
        return int in kinds or float in kinds
    if isinstance(value, numbers.Real):
        return float in kinds
    plain = tuple(k for k in kinds if isinstance(k, type))
    return isinstance(value, plain)


def _type_name(kind: Any) -> str:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return " or ".join(getattr(k, "__name__", str(k)) for k in kinds)


def _search(
    search: tuple[Any, ...] | None, choices: tuple[Any, ...] | None, log: bool
) -> Search | None:
    if search is None:
        return Search(choices=choices) if choices is not None else None
    is_interval = len(search) == 2 and all(
        isinstance(v, numbers.Real) and not isinstance(v, bool) for v in search
    )
    if is_interval and choices is None:
        return Search(low=search[0], high=search[1], log=log)
    return Search(choices=tuple(search))
