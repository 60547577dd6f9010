"""What mistakes cost, as people write it: a dict, a TOML file, or "yes=50, no=1"."""

from __future__ import annotations

import ast
import json
import math
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError, unknown

Costs = dict[str, Any]
# Metrics that cannot be told without costs.
COST_WORDS = ("cost", "expected_cost")


def read_costs(given: Any) -> Costs:
    """Costs as a dict of classes from a dict, the path of a TOML or JSON file, or short text.

    Two forms may be mixed: {"yes": {"no": 50}} is what answering "no" costs where "yes" is
    true, {"yes": 50} what any wrong answer costs there.
    """
    if isinstance(given, Mapping):
        return {_label(name): _row(name, row) for name, row in given.items()}
    if not isinstance(given, (str, os.PathLike)):
        raise _malformed(given)
    if str(given).lstrip().startswith("{"):
        return read_costs(_literal(str(given)))
    path = Path(given)
    if path.suffix in (".toml", ".json"):
        return read_costs(_from_file(path))
    return read_costs(_from_text(str(given)))


def matrix(costs: Costs, classes: Sequence[Any]) -> np.ndarray:
    """The cost matrix (k, k): true class down, answer across.

    A right answer that is not named costs 0, a wrong one 1. Raises UnknownNameError for a class
    that is not one, ParameterError where a wrong answer costs less than the right one.
    """
    names = [_label(label) for label in classes]
    found = np.ones((len(names), len(names))) - np.eye(len(names))
    for name, row in costs.items():
        at = _place(name, names)
        if isinstance(row, Mapping):
            for answer, cost in row.items():
                found[at, _place(answer, names)] = cost
        else:
            found[at, np.arange(len(names)) != at] = row
    _check(found, names)
    return found


def _check(found: np.ndarray, names: Sequence[str]) -> None:
    gap = found - found.diagonal()[:, None]
    if (gap < 0).any():
        at, answer = map(int, np.argwhere(gap < 0)[0])
        raise ParameterError(
            f"costs: where {names[at]!r} is true, answering {names[answer]!r} costs "
            f"{found[at, answer]:g}, less than the right answer ({found[at, at]:g}); a wrong "
            "answer must cost at least as much.")
    idle = np.flatnonzero(gap.sum(axis=1) == 0)
    if len(idle):
        raise ParameterError(
            f"costs: where {names[int(idle[0])]!r} is true, every answer costs the same, so it "
            "would never be worth saying; give its mistakes a cost above 0.")


def _place(name: str, names: Sequence[str]) -> int:
    if _label(name) in names:
        return names.index(_label(name))
    lower = [each.lower() for each in names]
    if lower.count(_label(name).lower()) == 1:
        return lower.index(_label(name).lower())
    raise unknown("class in costs", _label(name), names)


def _row(name: Any, row: Any) -> Any:
    if isinstance(row, Mapping):
        return {_label(answer): _number(f"{name} -> {answer}", cost)
                for answer, cost in row.items()}
    return _number(str(name), row)


def _number(where: str, cost: Any) -> float:
    fine = isinstance(cost, (int, float, np.number)) and not isinstance(cost, bool)
    if not fine or not math.isfinite(cost):
        raise ParameterError(f"costs: {where} must be a finite number; got {cost!r}.")
    return float(cost)


def _label(label: Any) -> str:
    """A class as a file's keys name it: true, 1, yes."""
    if isinstance(label, (bool, np.bool_)):
        return str(bool(label)).lower()
    return str(label)


def _literal(text: str) -> Any:
    """A dict written out, as Python or JSON writes it."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise _malformed(text) from None


def _from_file(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise ParameterError(f"costs: {path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ParameterError(f"costs: {path} is no {path.suffix[1:].upper()} file: {error}.") \
            from error


def _from_text(text: str) -> Costs:
    found: Costs = {}
    for part in text.split(","):
        name, equals, value = part.rpartition("=")
        try:
            if not equals or not name.strip():
                raise ValueError
            found[name.strip()] = float(value)
        except ValueError:
            raise _malformed(text) from None
    return found


def _malformed(given: Any) -> ParameterError:
    return ParameterError(
        "costs must be a dict such as {'no': {'yes': 1}, 'yes': {'no': 50}}, the path of a TOML "
        f"or JSON file of that, or text such as 'yes=50, no=1'; got {str(given)[:80]!r}.")
