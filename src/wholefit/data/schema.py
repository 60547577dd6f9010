"""A schema: what each column is for, why, and what training saw in it.

>>> frame = pl.DataFrame({"age": [30, 41, 30], "town": ["Ely", "Wells", "Ely"], "y": [0, 1, 0]})
>>> schema = infer(frame, target="y")
>>> schema.features
['age', 'town']
>>> schema.column("town").levels
('Ely', 'Wells')
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from wholefit.base import errors
from wholefit.base.params import Params, param
from wholefit.base.stored import typed
from wholefit.base.tasks import TargetFacts
from wholefit.data import _cells, _facts, _roles
from wholefit.data._facts import Facts
from wholefit.data.images.cells import are_cells

ROLES = ("numeric", "categorical", "boolean", "datetime", "text", "image", "identifier", "constant",
         "target", "weight", "group", "time", "ignored",
         "label", "labels", "user", "item", "rating", "basket", "amount")
LEARNT = ("numeric", "categorical", "boolean", "datetime", "text", "image")
# One column each; `infer` also takes them as arguments.
_SINGLE = ("target", "weight", "group", "time", "label", "user", "item", "rating", "basket",
           "amount")
_MOST_LEVELS = 1000


@dataclass(frozen=True)
class Column:
    """One column: its role and the reason, and what training saw in it.

    `levels` are the training levels of a category, sorted, at most 1,000 (the most frequent
    ones when `distinct` is larger); `low` and `high` the range of finite numbers; `missing` and
    `distinct` count training rows and different present values; `format` is how dates in text
    were written, or the longer side in pixels that pictures were read at.
    """

    name: str
    role: str
    dtype: str
    reason: str
    levels: tuple[str, ...] | None = None
    low: float | None = None
    high: float | None = None
    missing: int = 0
    distinct: int = 0
    format: str | None = None

    @cached_property
    def known(self) -> frozenset[str]:
        """The training levels, to look one up in."""
        return frozenset(self.levels or ())

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "levels": None if self.levels is None else list(self.levels)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Column:
        """Back from `to_json`."""
        levels = stored.get("levels")
        return typed(cls(**{**stored, "levels": None if levels is None else tuple(levels)}))


@dataclass(frozen=True)
class Schema:
    """The columns in order, which one is the target, and the task."""

    columns: tuple[Column, ...]
    target: str | None = None
    task: str | None = None

    @property
    def names(self) -> list[str]:
        """All column names, in order."""
        return [column.name for column in self.columns]

    @property
    def features(self) -> list[str]:
        """Names of the columns that are learnt from, in order."""
        return [column.name for column in self.columns if column.role in LEARNT]

    def column(self, name: str) -> Column:
        """The column of that name; a misspelt one gets the nearest right name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise errors.unknown("column", name, self.names)

    def role(self, name: str) -> str:
        """The role of the column of that name."""
        return self.column(name).role

    def having(self, role: str) -> list[str]:
        """Names of the columns with that role, in order."""
        return [column.name for column in self.columns if column.role == _known(role)]

    def with_role(self, roles: Mapping[str, str] | None = None, **named: str) -> Schema:
        """A copy with other roles for some columns: `schema.with_role(zip="categorical")`."""
        wanted = {**(roles or {}), **named}
        for name, role in wanted.items():
            self.column(name), _known(role)
        columns = tuple(
            replace(c, role=wanted[c.name], reason="set by the user") if c.name in wanted else c
            for c in self.columns)
        targets = [c.name for c in columns if c.role == "target"]
        if len(targets) > 1:
            raise errors.DataError(f"a schema has one target; got {targets}.")
        return replace(self, columns=columns, target=targets[0] if targets else None)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"target": self.target, "task": self.task,
                "columns": [column.to_json() for column in self.columns]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Schema:
        """Back from `to_json`."""
        return typed(cls(tuple(Column.from_json(c) for c in stored["columns"]),
                         stored["target"], stored["task"]))


@dataclass(frozen=True)
class Policies(Params):
    """What happens when new data does not fit the schema a model was fitted with."""

    missing_column: str = param(
        "error", "A feature column is absent: refuse, or treat every cell of it as missing.",
        choices=("error", "impute"))
    extra_column: str = param(
        "ignore", "A column that training did not have: leave it out, or refuse.",
        choices=("ignore", "error"))
    unseen_category: str = param(
        "fold", "A category that training did not see: treat it as a rare one, or refuse.",
        choices=("fold", "error"))
    wrong_type: str = param(
        "convert", "Cells of another type: convert what converts and miss the rest, or refuse.",
        choices=("convert", "error"))
    swapped: str = param(
        "error", "Two columns that hold each other's values: refuse, or warn.",
        choices=("error", "warn"))


def infer(
    frame: pl.DataFrame,
    *,
    target: str | None = None,
    roles: Mapping[str, str] | str | Path | None = None,
    time: str | None = None,
    groups: str | None = None,
    weights: str | None = None,
    task: str | None = None,
) -> Schema:
    """The schema of a frame: a role and a reason for every column.

    `roles` overrides some columns: a dict of column to role, or the path of a TOML file (see
    `load_roles`). Raises UnknownNameError for a misspelt column or role, and DataError for a
    role that the column's cells cannot play.
    """
    wanted = wanted_roles(frame.columns, roles, target=target, time=time, group=groups,
                          weight=weights)
    facts = _facts.gather(frame)
    verdicts = [_verdict(f, wanted.get(f.name)) for f in facts]
    if not any(role in LEARNT for role, _ in verdicts):
        verdicts = [_spare(f, v, f.name in wanted) for f, v in zip(facts, verdicts, strict=True)]
    columns = tuple(_column(f, *v) for f, v in zip(facts, verdicts, strict=True))
    found = next((c.name for c in columns if c.role == "target"), None)
    return Schema(columns, found, task)


def target_facts(frame: pl.DataFrame, name: str) -> TargetFacts:
    """What a choice of task needs to know of the column `name`."""
    if name not in frame.columns:
        raise errors.unknown("column", name, frame.columns)
    facts = _facts.gather(pl.DataFrame([frame.get_column(name)]))[0]
    return TargetFacts(name, _kind(facts), facts.present, facts.distinct)


def load_roles(path: str | Path) -> dict[str, str]:
    """Roles from a TOML file: a table [roles], or top-level lines, of `column = "role"`."""
    try:
        stored = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise errors.DataError(f"roles file {str(path)!r} cannot be read: {error}.") from error
    except (ValueError, RecursionError) as error:  # too deep, or a number too long
        raise errors.DataError(f"roles file {str(path)!r} is not TOML: {error}.") from error
    found = stored.get("roles", stored)
    for name, role in found.items() if isinstance(found, dict) else [("roles", found)]:
        if not isinstance(role, str):
            raise errors.DataError(
                f"roles file {str(path)!r} must hold lines like zip = \"categorical\"; "
                f"got {name} = {role!r}.")
    return dict(found)


def _known(role: str) -> str:
    if role not in ROLES:
        raise errors.unknown("role", str(role), ROLES)
    return role


def wanted_roles(
    names: list[str], roles: Mapping[str, str] | str | Path | None, **single: str | None
) -> dict[str, str]:
    """Column to role, as the user asked, checked for spelling and contradictions."""
    given = load_roles(roles) if isinstance(roles, (str, Path)) else dict(roles or {})
    for role, name in single.items():
        if name is None:
            continue
        if given.get(name, role) != role:
            raise errors.DataError(
                f"column {name!r} has one role; got {given[name]!r} and {role!r}.")
        given[name] = role
    for name, role in given.items():
        if name not in names:
            raise errors.unknown("column", str(name), names)
        _known(role)
    for role in _SINGLE:
        same = [name for name, r in given.items() if r == role]
        if len(same) > 1:
            raise errors.DataError(f"one column can be the {role}; got {', '.join(same)}.")
    return given


def _verdict(facts: Facts, wanted: str | None) -> tuple[str, str]:
    if wanted is None:
        return _roles.decide(facts)
    _check_possible(facts, wanted)
    return wanted, "set by the user"


def _spare(facts: Facts, verdict: tuple[str, str], fixed: bool) -> tuple[str, str]:
    """With nothing else to learn from, a number that looked like an identifier is learnt from."""
    if verdict[0] == "identifier" and not fixed and facts.column.dtype.is_numeric():
        return "numeric", f"{verdict[1]}, but it is the only thing to learn from"
    return verdict


def _check_possible(facts: Facts, role: str) -> None:
    """A role that the user asked for must be one that the cells can play."""
    if role == "image" and facts.present and not are_cells(facts.column):
        raise errors.DataError(
            f"column {facts.name!r} cannot be image: its cells are no pictures; give encoded "
            "bytes, arrays, or paths of files with image_folder=.")
    change = {"numeric": _cells.to_numbers, "weight": _cells.to_numbers,
              "datetime": _cells.to_times, "boolean": _cells.to_booleans,
              "time": times_or_numbers, "categorical": _cells.to_labels,
              "text": _cells.to_labels, "group": _cells.to_labels}.get(role)
    if change is None or not facts.present:
        return
    bad = _cells.unconverted(facts.column, change(facts.column))
    if len(bad) * 2 > facts.present:
        raise errors.DataError(
            f"column {facts.name!r} cannot be {role}: {len(bad):,} of its {facts.present:,} values "
            f"do not convert, such as {facts.column[int(bad[0])]!r} (row {int(bad[0]) + 1}).")


def times_or_numbers(column: pl.Series) -> pl.Series:
    """What puts rows in order of time: dates in UTC, or numbers such as years."""
    times = _cells.to_times(column, utc=True)
    return times if times.null_count() < len(times) else _cells.to_numbers(column)


def _column(facts: Facts, role: str, reason: str) -> Column:
    low, high = facts.low, facts.high
    if role == "numeric" and facts.column.dtype == pl.String:
        finite = facts.numbers.filter(facts.numbers.is_finite())
        low, high = finite.min(), finite.max()  # type: ignore[assignment]
    levels = _levels(facts.column) if role == "categorical" else None
    dates_in_text = role in ("datetime", "time") and facts.column.dtype == pl.String
    return Column(facts.name, role, str(facts.column.dtype), reason, levels, low, high,
                  facts.missing, facts.distinct, facts.dated[1] if dates_in_text else None)


def _levels(column: pl.Series) -> tuple[str, ...]:
    labels = _cells.to_labels(column).drop_nulls()
    found = labels.unique()
    if len(found) > _MOST_LEVELS:
        counts = labels.rename("level").value_counts(name="n")
        found = counts.sort(["n", "level"], descending=[True, False])["level"].head(_MOST_LEVELS)
    return tuple(found.sort().to_list())


def _kind(facts: Facts) -> str:
    kind = facts.column.dtype
    if kind == pl.Boolean:
        return "boolean"
    if kind.is_temporal():
        return "datetime"
    if kind.is_numeric() or (kind == pl.String and facts.number_share == 1.0):
        return "integer" if facts.whole else "number"
    return "text"
