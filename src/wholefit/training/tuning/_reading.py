"""Dimensions from what users write, and from the search ranges of the catalog."""

from __future__ import annotations

import ast
import numbers
from typing import Any

from wholefit.base.errors import ParameterError
from wholefit.base.params import Spec
from wholefit.models import Model
from wholefit.training.tuning.dimensions import Choice, Dimension, Distribution, Real, Whole

_KINDS = (Choice, Real, Whole, Distribution)


def dimension(name: str, wanted: Any, spec: Spec | None) -> Dimension:
    """The dimension that a user means; ParameterError if the parameter cannot have its values.

    `wanted`: a dimension; a scipy distribution; a list, tuple or range of values; (low, high) of
    two numbers, on the scale that the catalog has for it; or one value, which is then fixed.
    """
    try:
        found = _meant(wanted, spec)
        _check(found, spec)
    except ParameterError as error:
        raise ParameterError(f"space {name!r}: {error}") from None
    return found


def of_catalog(model: Model) -> dict[str, Dimension]:
    """The search ranges of the parameters that are at their defaults; others were chosen."""
    found: dict[str, Dimension] = {}
    for spec in model.specs():
        if spec.search is None or getattr(model, spec.name) != spec.default:
            continue
        if spec.search.choices is not None:
            if len(spec.search.choices) > 1:
                found[spec.name] = Choice(spec.search.choices)
        elif spec.search.low is not None and spec.search.high is not None:
            found[spec.name] = _interval(spec.search.low, spec.search.high, spec)
    return found


def read(text: str) -> Any:
    """What a user writes on a command line: "0.01..0.3", "0.01..0.3 log", "3..9", "a,b,c", "5".

    Values are Python literals; a word that is none is taken as text. ParameterError for a range
    that is not of two numbers.
    """
    body, _, scale = text.strip().partition(" ")
    if ".." in body:
        ends = [_literal(part) for part in body.split("..")]
        if len(ends) != 2 or scale.strip() not in ("", "log", "even") or not all(
                _is_number(end) for end in ends):
            raise ParameterError("a range must be written as LOW..HIGH, 'LOW..HIGH log' or "
                                 f"'LOW..HIGH even'; got {text!r}.")
        if not scale:
            return tuple(ends)
        low, high = ends
        kind = Whole if isinstance(low, int) and isinstance(high, int) else Real
        return kind(low, high, scale.strip() == "log")
    if "," in text and text.strip()[:1] not in "([":
        return [_literal(part.strip()) for part in text.split(",")]
    found = _literal(text.strip())
    return found


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {"true": True, "false": False, "none": None}.get(text.lower(), text)


def _meant(wanted: Any, spec: Spec | None) -> Dimension:
    if isinstance(wanted, _KINDS):
        return wanted
    if hasattr(wanted, "ppf"):
        return Distribution(wanted, whole=spec is not None and spec.type is int)
    if isinstance(wanted, tuple) and len(wanted) == 2 and all(_is_number(end) for end in wanted):
        return _interval(*wanted, spec)
    if hasattr(wanted, "tolist"):  # numpy's arrays and numbers
        wanted = wanted.tolist()
    if isinstance(wanted, (list, tuple, range, frozenset, set)):
        listed = sorted(wanted, key=str) if isinstance(wanted, (set, frozenset)) else wanted
        return Choice(tuple(_plain(option, spec) for option in listed))
    return Choice((_plain(wanted, spec),))


def _plain(option: Any, spec: Spec | None) -> Any:
    """Numpy's numbers as Python's; a list as a tuple, where that is what the parameter wants."""
    option = option.item() if hasattr(option, "item") else option
    return tuple(option) if isinstance(option, list) else option


def _interval(low: Any, high: Any, spec: Spec | None) -> Dimension:
    low = low.item() if hasattr(low, "item") else low
    high = high.item() if hasattr(high, "item") else high
    log = spec is not None and spec.search is not None and spec.search.log
    both = isinstance(low, int) and isinstance(high, int)
    if both and (spec is None or spec.type is int or (
            isinstance(spec.type, tuple) and int in spec.type)):
        return Whole(low, high, log and low > 0)
    return Real(float(low), float(high), log and low > 0)


def _check(dim: Dimension, spec: Spec | None) -> None:
    if spec is None:
        return
    tried = dim.options if isinstance(dim, Choice) else (
        dim.steps(9) if isinstance(dim, Distribution) else (dim.at(0.0), dim.at(1.0)))
    for value in tried:
        if not spec.accepts(value):
            raise ParameterError(f"{spec.name} {spec.rule()}; got {value!r}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
