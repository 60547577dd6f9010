"""`result.counterfactuals`: what would have to be otherwise for another answer.

    result.counterfactuals(rows[3:4], want="good", keep=["age"], among=train)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wholefit.api import _answers
from wholefit.api._shown import Noted, as_kind
from wholefit.base.errors import DataError, ParameterError
from wholefit.explain import _otherwise
from wholefit.explain import counterfactuals as records

if TYPE_CHECKING:
    from wholefit.data import Dataset

_OWN = ("among", "within")


@dataclass(frozen=True)
class Counterfactuals(records.Counterfactuals, Noted):
    """Alternatives to one row; see `wholefit.explain.counterfactuals` for its facts."""

    _topic = "counterfactuals"


def counterfactuals(
    result: Any, row: Any, want: Any, change: Sequence[str] | None, keep: Sequence[str],
    options: dict[str, Any],
) -> Counterfactuals:
    """The least changes of one row that make the model answer as wanted.

    `options`: `among`, rows among which the changed row must look real (and whose values it may
    take); `only_up`, `only_down`, numbers that may only grow or shrink; `within`, for some columns
    (low, high) or the levels allowed; `alternatives`, `most` changes at once, `least` probability
    of the wanted class, `budget` of rows for asking all combinations, `seed`; and those of
    reading. Raises DataError unless there is one row, UnknownNameError for other columns and
    classes, ParameterError for what cannot be wanted.
    """
    fitted = result._fitted
    known = [spec.name for spec in _otherwise.Options.specs()]
    reading = {n: value for n, value in options.items() if n not in (*known, *_OWN)}
    _answers.asked_for(reading)
    settings: dict[str, Any] = {
        name: _names(name, value) if name.startswith("only_") else value
        for name, value in options.items() if name in known}
    asked = one_row(_answers.dataset(fitted, as_rows(row), reading))
    among = options.get("among")
    others = None if among is None else _answers.dataset(fitted, among, reading)
    if others is not None and not len(others):
        raise DataError("among must have rows to compare with; it has none.")
    found = _otherwise.find(
        fitted, asked, want, _otherwise.Options(
            change=_names("change", change or ()), keep=_names("keep", keep), **settings),
        sketch=result._facts.sketch(), among=others, within=_within(options.get("within")))
    return as_kind(Counterfactuals, found)


def as_rows(row: Any) -> Any:
    """A single row given as a mapping of column to value, as a table of one row."""
    if isinstance(row, Mapping) and all(
            isinstance(value, str) or not hasattr(value, "__len__") for value in row.values()):
        return {str(name): [value] for name, value in row.items()}
    return row


def one_row(asked: Dataset) -> Dataset:
    """The dataset itself if it has one row; DataError that says how to give one."""
    if len(asked) != 1:
        raise DataError(f"one row is changed at a time; got {len(asked):,}: give a table of one "
                        "row, such as rows[3:4], or a dict of column to value.")
    return asked


def _names(option: str, given: Any) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, Sequence) or not all(isinstance(name, str) for name in given):
        raise ParameterError(f"{option} must be a list of column names; got {given!r}.")
    return tuple(given)


def _within(given: Any) -> Mapping[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise ParameterError(
            f"within must give (low, high) or levels for columns, such as "
            f"{{'age': (18, 60)}}; got {given!r}.")
    return given or {}


__all__ = ["Counterfactuals", "as_rows", "counterfactuals", "one_row"]
