"""Expectations: what a table should be like, as data that a person can read and edit.

>>> expected = wf.expect("old.csv")                       # doctest: +SKIP
>>> expected.save("expected.toml")                        # doctest: +SKIP
>>> wf.validate("new.csv", against="expected.toml").ok    # doctest: +SKIP
True
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wholefit.base.errors import DataError, ParameterError, nearest, unknown
from wholefit.base.params import Params, param
from wholefit.data import formulas
from wholefit.data.validate import _toml

TYPES = ("integer", "number", "boolean", "datetime", "text", "any")
ORDERS = ("increasing", "decreasing")
_LONGEST = 10**9
Bound = float | int | str | None


@dataclass(frozen=True)
class ColumnRule(Params):
    """What one column should be like; what is left out is not asked for."""

    type: str = param("any", "What its cells are.", choices=TYPES)
    required: bool = param(True, "The column must be there.")
    missing: float = param(1.0, "Share of cells that may be missing; 0 is none.", low=0, high=1)
    min: float | int | str | None = param(None, "No value lies below (dates in quotes).", none=True)
    max: float | int | str | None = param(None, "No value lies above.", none=True)
    seen: tuple[Any, ...] | None = param(
        None, "The range of the rows learnt from: more rows outside of it than chance explains "
        "are a warning.", none=True)
    allowed: tuple[Any, ...] | None = param(None, "The values there may be.", none=True)
    other: float = param(0.0, "Share of rows that may have a value not allowed.", low=0, high=1)
    min_length: int | None = param(
        None, "Fewest letters of a text.", low=0, high=_LONGEST, none=True)
    max_length: int | None = param(
        None, "Most letters of a text.", low=0, high=_LONGEST, none=True)
    pattern: str | None = param(
        None, "A regular expression that every text is, from end to end.", none=True)
    unmatched: float = param(0.0, "Share of rows that may not match.", low=0, high=1)
    unique: bool = param(False, "No value comes twice.")
    order: str | None = param(
        None, "Each row's value is at least (increasing) or at most that of the row before.",
        choices=ORDERS, none=True)
    exact: bool = param(
        False, "One row that does not fit is an error, also where chance could explain it.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pattern is not None:
            formulas.check_pattern(self.pattern)
        if self.seen is not None and len(self.seen) != 2:
            raise ParameterError(f"seen must be [lowest, highest]; got {self.seen!r}.")
        for value in (*(self.seen or ()), *(self.allowed or ())):
            if not isinstance(value, (str, int, float)):
                raise ParameterError("seen and allowed must hold numbers, texts, dates or truth "
                                     f"values; got {value!r}.")


@dataclass(frozen=True)
class Rule:
    """A rule across columns: how it is written, and in how many rows it held when it was learnt.

    `text` is a condition of `data.formulas`, or "A determines B": rows with the same value of
    A have the same value of B. A rule that a person wrote has no `rows`: each row must keep it.
    """

    text: str
    rows: int = 0
    broken: int = 0
    severity: str = "error"
    why: str = ""

    def __post_init__(self) -> None:
        if self.severity not in ("error", "warning"):
            raise ParameterError(f"a rule's severity must be 'error' or 'warning'; got "
                                 f"{self.severity!r}.")
        self.parts()

    def parts(self) -> tuple[str, str] | formulas.Predicate:
        """The two columns of "A determines B", or the condition."""
        tree = formulas.predicate(self.text) if " determines " not in self.text else None
        return tree if tree is not None else formulas.two_columns(self.text, "determines")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that it speaks of."""
        parts = self.parts()
        return parts if isinstance(parts, tuple) else parts.columns

    def to_json(self) -> dict[str, Any]:
        """As plain values; what is left at its default is left out."""
        every = {"rule": self.text, "rows": self.rows, "broken": self.broken,
                 "severity": self.severity, "why": self.why}
        plain = {"rows": 0, "broken": 0, "severity": "error", "why": ""}
        return {name: value for name, value in every.items() if value != plain.get(name)}


@dataclass(frozen=True)
class Expectations:
    """What a table should be like: its columns, rules across them, and its number of rows.

    `rows` is how many rows were learnt from (0 where a person wrote it all: then one row that
    does not fit is an error); `confidence` the chance that new rows of the same kind pass all
    checks.
    """

    columns: Mapping[str, ColumnRule]
    rules: tuple[Rule, ...] = ()
    min_rows: int = 0
    max_rows: int | None = None
    extra_columns: str = "warning"
    rows: int = 0
    source: str = ""
    confidence: float = 0.99
    target: str | None = None

    def column(self, name: str) -> ColumnRule:
        """What is expected of that column; a misspelt name gets the nearest right one."""
        if name not in self.columns:
            raise unknown("column", name, self.columns)
        return self.columns[name]

    def with_column(self, name: str, **changes: Any) -> Expectations:
        """A copy with other expectations of one column, or of a new one."""
        rule = self.columns.get(name, ColumnRule()).replace(**changes)
        return replace(self, columns={**self.columns, name: rule})

    def with_rule(self, text: str, *, severity: str = "error") -> Expectations:
        """A copy with one more rule, which every row must keep: "start <= end"."""
        rule = Rule(text, severity=severity)
        lost = [name for name in rule.columns if name not in self.columns]
        if lost:
            raise unknown("column", lost[0], self.columns)
        return replace(self, rules=(*self.rules, rule))

    def without_rule(self, text: str) -> Expectations:
        """A copy without the rule that is written so."""
        kept = tuple(rule for rule in self.rules if rule.text != text)
        if len(kept) == len(self.rules):
            raise unknown("rule", text, [rule.text for rule in self.rules])
        return replace(self, rules=kept)

    def to_toml(self) -> str:
        """TOML to read and edit."""
        return _written(self)

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the TOML file; refuses to overwrite one without `force`."""
        target = Path(path)
        if target.exists() and not force:
            raise DataError(f"{target} exists; pass force=True / --force to overwrite it.")
        try:
            target.write_text(self.to_toml(), encoding="utf-8")
        except OSError as error:
            raise DataError(f"{target} cannot be written: {error.strerror or error}.") from error
        return target

    @classmethod
    def load(cls, path: str | Path) -> Expectations:
        """Read a TOML file; DataError or ParameterError says what in it is not understood."""
        try:
            return cls.from_toml(Path(path).read_text(encoding="utf-8"), Path(path).name)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not a text file of expectations.") from error

    @classmethod
    def from_toml(cls, text: str, where: str = "the expectations") -> Expectations:
        """Back from `to_toml`."""
        try:
            stored = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # too deep, or a number too long
            raise DataError(f"{where} is not TOML: {error}.") from error
        return _of(stored, where)


def _of(stored: dict[str, Any], where: str) -> Expectations:
    table, learnt = _part(stored, "table", where), _part(stored, "learnt", where)
    known = {"table", "learnt", "columns", "rules"}
    for name in stored:
        if name not in known:
            near = nearest(name, known)
            raise DataError(f"{where} has a part {name!r}, which means nothing; parts: table, "
                            f"learnt, columns, rules{f' (perhaps {near}?)' if near else ''}.")
    _only(table, ("min_rows", "max_rows", "extra_columns"), f"[table] of {where}")
    _only(learnt, ("rows", "source", "confidence", "target"), f"[learnt] of {where}")
    try:
        return Expectations(
            columns={name: _column(name, rule, where)
                     for name, rule in _part(stored, "columns", where).items()},
            rules=tuple(_rule(each, where) for each in stored.get("rules", [])),
            min_rows=_count(table.get("min_rows", 0), "min_rows", where),
            max_rows=None if "max_rows" not in table else _count(
                table["max_rows"], "max_rows", where),
            extra_columns=_word(table.get("extra_columns", "warning"), where),
            rows=_count(learnt.get("rows", 0), "rows", where),
            source=str(learnt.get("source", "")), target=learnt.get("target"),
            confidence=_share(learnt.get("confidence", 0.99), where),
        )
    except (TypeError, AttributeError) as error:
        raise DataError(f"{where} does not hold expectations as written by `wholefit expect`: "
                        f"{error}.") from error


def _part(stored: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    found = stored.get(name, {})
    if not isinstance(found, dict):
        raise DataError(f"{name!r} in {where} must be a table [{name}]; got {found!r}.")
    return found


def _only(part: Mapping[str, Any], names: tuple[str, ...], what: str) -> None:
    for name in part:
        if name not in names:
            raise unknown(f"setting in {what}", name, names)


def _column(name: str, stored: Any, where: str) -> ColumnRule:
    if not isinstance(stored, dict):
        raise DataError(f"column {name!r} in {where} must be a table [columns.{name}]; "
                        f"got {stored!r}.")
    try:
        return ColumnRule.from_dict({key: _plain(value) for key, value in stored.items()})
    except (ParameterError, LookupError, DataError) as error:
        raise DataError(f"column {name!r} in {where}: {error}") from error


def _plain(value: Any) -> Any:
    """Lists as tuples; TOML's own dates as text, which is read as a date where one is meant."""
    if isinstance(value, list):
        return tuple(_plain(each) for each in value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _rule(stored: Any, where: str) -> Rule:
    if isinstance(stored, str):
        return Rule(stored)
    if not isinstance(stored, dict) or "rule" not in stored:
        raise DataError(f"a rule in {where} must have a line rule = \"start <= end\"; "
                        f"got {stored!r}.")
    _only(stored, ("rule", "rows", "broken", "severity", "why"), f"[[rules]] of {where}")
    try:
        return Rule(str(stored["rule"]), _count(stored.get("rows", 0), "rows", where),
                    _count(stored.get("broken", 0), "broken", where),
                    str(stored.get("severity", "error")), str(stored.get("why", "")))
    except (ParameterError, LookupError) as error:
        raise DataError(f"{where}: {error}") from error


def _count(value: Any, name: str, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise DataError(f"{name} in {where} must be a whole number >= 0; got {value!r}.")
    return value


def _share(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
        raise DataError(f"confidence in {where} must be above 0 and below 1; got {value!r}.")
    return float(value)


def _word(value: Any, where: str) -> str:
    if value not in ("ignore", "warning", "error"):
        raise DataError(f"extra_columns in {where} must be 'ignore', 'warning' or 'error'; "
                        f"got {value!r}.")
    return str(value)


# As TOML -------------------------------------------------------------------------------------

_HEAD = """\
# What a table should be like. Edit freely: change a bound, delete a line, add a rule.
# `wholefit validate NEW --against THIS` holds new rows against it.
"""


def _written(expected: Expectations) -> str:
    """The whole file."""
    parts = [_HEAD, _learnt_lines(expected), _table_lines(expected)]
    parts += [_column_lines(name, rule) for name, rule in expected.columns.items()]
    if expected.rules:
        parts.append("# Rules across columns, and in how many rows each held. One of your own has "
                     "no rows:\n# every row must keep it.")
    parts += [_toml.lines("[[rules]]", rule.to_json().items()) for rule in expected.rules]
    return "\n".join(parts)


def _learnt_lines(expected: Expectations) -> str:
    facts = {"rows": expected.rows, "source": expected.source, "confidence": expected.confidence,
             "target": expected.target}
    comment = ("# Of how many rows this was learnt; what chance could explain among new rows is a "
               "warning,\n# not an error (rows = 0: every row must fit).\n")
    known = ((name, fact) for name, fact in facts.items() if fact not in (None, ""))
    return comment + _toml.lines("[learnt]", known)


def _table_lines(expected: Expectations) -> str:
    facts: dict[str, Any] = {"min_rows": expected.min_rows}
    if expected.max_rows is not None:
        facts["max_rows"] = expected.max_rows
    facts["extra_columns"] = expected.extra_columns
    return _toml.lines("[table]", facts.items())


def _column_lines(name: str, rule: ColumnRule) -> str:
    plain = type(rule)()
    kept = [(field, given) for field, given in rule.to_dict().items()
            if given != getattr(plain, field) or field == "type"]
    return _toml.lines(f"[columns.{_toml.key(name)}]", kept)
