"""Ways to balance as people write them: "smote", "under(ratio=0.5)"."""

from __future__ import annotations

import ast
import re
from typing import Any

from wholefit.base.errors import ParameterError, unknown
from wholefit.training.balance._base import Resampler
from wholefit.training.balance.cleaning import EditedNeighbors, SmoteTomek, Tomek
from wholefit.training.balance.near_miss import NearMiss
from wholefit.training.balance.simple import Over, Under
from wholefit.training.balance.synthetic import Adasyn, BorderlineSmote, Smote

KINDS: dict[str, type[Resampler]] = {kind.name: kind for kind in (
    Over, Under, Smote, BorderlineSmote, Adasyn, NearMiss, Tomek, EditedNeighbors, SmoteTomek)}
WEIGHTS, BY_COST = "weights", "costs"
_LIKE = {"nearmiss": "near_miss", "oversample": "over", "oversampling": "over",
         "undersample": "under", "undersampling": "under", "class_weight": WEIGHTS,
         "balanced": WEIGHTS, "smote_nc": "smote", "smotenc": "smote",
         "edited_nearest_neighbours": "enn", "borderlinesmote": "borderline_smote",
         "smotetomek": "smote_tomek", "tomek_links": "tomek"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def make(asked: Any) -> Resampler | str:
    """A Resampler from its text or itself; the words "weights" and "costs" are given back.

    Raises UnknownNameError for a name that names nothing, ParameterError for other text that
    cannot be read, or a value out of bounds.
    """
    if isinstance(asked, Resampler):
        return asked
    if not isinstance(asked, str):
        raise _malformed(asked)
    name, bracket, rest = asked.strip().partition("(")
    name = name.strip().lower().replace("-", "_")
    name = _LIKE.get(name, name)
    if not _NAME.match(name):
        raise _malformed(asked)
    if name in (WEIGHTS, BY_COST) and not bracket:
        return name
    if name not in KINDS:
        raise unknown("way to balance", name, names())
    return KINDS[name].from_dict(_values(rest, asked) if bracket else {})


def names() -> list[str]:
    """Every word that `balance=` takes."""
    return [WEIGHTS, BY_COST, *KINDS]


def written(asked: Resampler | str) -> str:
    """The word it is asked for by, with the values that are not its defaults."""
    if isinstance(asked, str):
        return asked
    other = [f"{spec.name}={getattr(asked, spec.name)!r}" for spec in asked.specs()
             if getattr(asked, spec.name) != spec.default]
    return f"{asked.name}({', '.join(other)})" if other else asked.name


def _values(rest: str, asked: str) -> dict[str, Any]:
    try:
        call = ast.parse(f"f({rest}", mode="eval").body
        if not isinstance(call, ast.Call) or call.args or not isinstance(call.func, ast.Name):
            raise ValueError("not keywords")
        return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise _malformed(asked) from error


def _malformed(asked: Any) -> ParameterError:
    return ParameterError(
        "balance must be a word with literal values, such as 'weights' or 'smote(ratio=0.5)'; "
        f"got {str(asked)[:80]!r}.")
