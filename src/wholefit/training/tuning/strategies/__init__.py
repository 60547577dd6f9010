"""The search strategies: one file each in this folder; the folder is the registry."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from wholefit.base.errors import ParameterError, unknown
from wholefit.models._words import parse
from wholefit.training.tuning._strategy import Setting, Strategy

__all__ = ["check", "describe", "make", "names"]


def names() -> list[str]:
    """Names of all strategies, in alphabetical order."""
    return sorted(_all())


def make(words: str, setting: Setting) -> Strategy:
    """The strategy that `words` name, "halving" or "halving(eta=4)", for a search.

    Raises UnknownNameError for a misspelt name or option, ParameterError for a wrong value.
    """
    kind, values = _read(words)
    return kind(setting, kind.Options.from_dict(values))


def check(words: str) -> None:
    """Raise what `make` would of a misspelt name or a wrong option, before anything is read."""
    kind, values = _read(words)
    kind.Options.from_dict(values)


def describe() -> list[dict[str, Any]]:
    """One row for each strategy: name, summary, and its options with their meaning."""
    return [{"name": name, "summary": _all()[name].summary,
             "options": [{"name": spec.name, "default": spec.default, "doc": spec.doc,
                          "rule": spec.rule()} for spec in _all()[name].Options.specs()]}
            for name in names()]


def _read(words: str) -> tuple[Any, dict[str, Any]]:
    try:
        name, values = parse(words)
    except (ParameterError, AttributeError):
        raise ParameterError(
            "strategy must be a name, perhaps with options, such as 'random' or "
            f"'halving(eta=4)'; got {words!r}.") from None
    if name not in _all():
        raise unknown("strategy", name, names())
    return _all()[name], values


@cache
def _all() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("_"):
            continue
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        kinds: list[Any] = [value for value in vars(loaded).values() if isinstance(value, type)
                            and value.__module__ == loaded.__name__ and hasattr(value, "ask")]
        found |= {kind.name: kind for kind in kinds if isinstance(getattr(kind, "name", 0), str)}
    return found
