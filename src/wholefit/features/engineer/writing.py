"""Engineered features as words: made by name, read from TOML, written to it, listed.

    [[feature]]
    kind = "lags"
    columns = ["sales"]
    time = "date"
    group = "shop"
    lags = [1, 7]

`kind` and `columns` say what is made of which columns; `name` and `keep` may be given; every
other line is an option of the kind (`describe()` lists them).
"""

from __future__ import annotations

import importlib
import json
import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.features.custom import Custom
from wholefit.features.engineer._kinds import KINDS
from wholefit.features.engineer._step import Step

_LONG = 60


def make(kind: str, **options: Any) -> Step:
    """The transformer of that kind; a misspelt kind or option gets the nearest right one."""
    cls = _class(kind)
    known = [spec.name for spec in cls.specs()]
    for name in options:
        if name not in known:
            raise unknown(f"option of feature kind {kind!r}", name, known)
    made = cls(**options)
    made.check()
    return made


def feature(
    kind: str, columns: str | Sequence[str] = (), *, name: str | None = None,
    keep: bool | None = None, **options: Any,
) -> Custom:
    """One engineered feature of these columns, for `fit(..., transformers=[...])`.

    `keep` says whether the columns stay beside what is made of them (each kind has its own
    default); `options` are those of the kind. Columns that only place a row (time, group) need
    not be listed.
    """
    made = make(kind, **options)
    asked = [columns] if isinstance(columns, str) else [str(column) for column in columns]
    twice = [column for at, column in enumerate(asked) if column in asked[:at]]
    if twice:
        raise ParameterError(f"columns of a feature must differ; got {twice[0]!r} twice.")
    read = made.reads(asked)
    if not read:
        raise ParameterError(f"feature kind {kind!r} must be given columns; got none.")
    return Custom(name or _name(made, asked or read), made, tuple(read),
                  made.beside if keep is None else bool(keep))


def parse(features: Iterable[Mapping[str, Any]]) -> list[Custom]:
    """Features from plain data, as TOML holds it; names that repeat are numbered."""
    found: list[Custom] = []
    for at, given in enumerate(features):
        if not isinstance(given, Mapping) or not isinstance(given.get("kind"), str):
            raise ParameterError(f"feature {at + 1} must have a kind, such as 'ratio'; "
                                 f"got {given!r}.")
        columns = given.get("columns", ())
        if isinstance(columns, Mapping) or not isinstance(columns, (str, Iterable)):
            raise ParameterError(f"feature {at + 1} must name its columns in a list; got "
                                 f"{columns!r}.")
        step = feature(given["kind"], **{k: v for k, v in given.items() if k != "kind"})
        taken = {other.name for other in found}
        found.append(step if step.name not in taken else Custom(
            _free(step.name, taken), step.transformer, step.columns, step.keep))
    return found


def dump(steps: Iterable[Any]) -> list[dict[str, Any]]:
    """Features as plain data: what `parse` reads; ParameterError for a transformer of one's own."""
    found = []
    for step in steps:
        made = step.transformer if isinstance(step, Custom) else step
        if not isinstance(made, Step) or not isinstance(step, Custom):
            raise ParameterError("only engineered features can be written down; got "
                                 f"{getattr(step, 'name', step)!r}.")
        options = {spec.name: getattr(made, spec.name) for spec in made.specs()
                   if getattr(made, spec.name) != spec.default}
        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in options.items()}
        keep = {} if step.keep == made.beside else {"keep": step.keep}
        found.append({"kind": made.kind, "columns": list(step.columns or ()),
                      "name": step.name, **keep, **plain})
    return found


def load(path: str | Path) -> list[Custom]:
    """Features from a TOML file of [[feature]] tables."""
    try:
        stored = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"features file {str(path)!r} cannot be read: {error.strerror}."
                        ) from error
    except (ValueError, RecursionError) as error:  # too deep, or a number too long
        raise DataError(f"features file {str(path)!r} is not TOML: {error}.") from error
    extra = [name for name in stored if name != "feature"]
    if extra or not isinstance(stored.get("feature", []), list):
        raise DataError(f"features file {str(path)!r} must hold [[feature]] tables only; got "
                        f"{(extra or ['feature'])[0]!r}.")
    return parse(stored.get("feature", []))


def save(steps: Iterable[Any], path: str | Path) -> Path:
    """Write features to a TOML file that `load` reads back equal."""
    Path(path).write_text(to_toml(dump(steps)), encoding="utf-8")
    return Path(path)


def to_toml(tables: Iterable[Mapping[str, Any]]) -> str:
    """Features that `dump` gave, as the text of a file that `load` reads."""
    return "\n".join([_table(table) for table in tables] or ["# no feature\n"])


def describe() -> list[dict[str, Any]]:
    """One row for each kind: kind, summary, takes, supervised, and options with their rules."""
    rows = []
    for kind in KINDS:
        cls = _class(kind)
        rows.append({
            "kind": kind, "summary": cls.summary, "keep": cls.beside,
            "takes": "numeric columns" if cls.wants == "matrix" else "columns of any role",
            "options": [{"name": spec.name, "default": spec.default, "doc": spec.doc,
                         "rule": spec.rule()} for spec in cls.specs()],
        })
    return rows


def spec_of(step: Any) -> str:
    """A step as one line that `feature` would take."""
    table = dump([step])[0]
    rest = {k: v for k, v in table.items() if k not in ("kind", "columns", "name")}
    words = [repr(table["kind"]), repr(table["columns"]), *(f"{k}={v!r}" for k, v in rest.items())]
    return f"feature({', '.join(words)})"


def check(transformers: Iterable[Any], schema: Any) -> None:
    """Refuse features of the past where rows are not split in order of time.

    In shuffled folds the past of a tested row lies among rows that were learnt from and others
    that were not, so its lags would not be those it will have when the model is used.
    """
    for given in transformers:
        made = next((part for part in (getattr(given, "transformer", None), given,
                                       *(given if isinstance(given, tuple) else ()))
                     if getattr(part, "ordered", False)), None)
        if made is not None and not schema.having("time"):
            when = getattr(made, "time", "")
            raise ParameterError(
                f"{type(made).__name__} looks at the past, so rows must be split in order of "
                f"time: say time={when!r} (--time {when} on the command line).")


def _class(kind: str) -> type[Step]:
    if kind not in KINDS:
        raise unknown("feature kind", str(kind), KINDS)
    module, _, name = KINDS[kind].partition(":")
    return getattr(importlib.import_module(module), name)


def _name(made: Step, columns: list[str]) -> str:
    """A name that says what is made: "debt/income", "lags(sales)"."""
    if made.kind in ("ratio", "difference", "product") and len(columns) == 2:
        return made._called(columns)[0]
    if made.kind == "expression":
        return made._called(columns)[0][:_LONG]
    whole = ",".join(columns)
    return f"{made.kind}({whole if len(whole) <= _LONG else f'{len(columns)} columns'})"


def _free(name: str, taken: set[str]) -> str:
    at = 2
    while f"{name} #{at}" in taken:
        at += 1
    return f"{name} #{at}"


def _table(table: Mapping[str, Any]) -> str:
    return "[[feature]]\n" + "".join(f"{name} = {_toml(value)}\n" for name, value in table.items())


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):  # JSON's escapes are TOML's, but for the one of DEL
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "inf", -math.inf: "-inf"}.get(value, "nan")
    return repr(value)
