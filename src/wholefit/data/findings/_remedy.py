"""Remedies: the flag of the command line and the line of Python that treat a finding."""

from __future__ import annotations

import json
import shlex
from typing import Any

Remedy = tuple[str, str]


def role(column: str, role: str) -> Remedy:
    """Say what a column is."""
    return (f"--role {shlex.quote(f'{column}={role}')}",
            f"fit(..., roles={{{column!r}: {role!r}}})")


def ignore(*columns: str) -> Remedy:
    """Leave columns out."""
    return (" ".join(role(column, "ignored")[0] for column in columns),
            f"fit(..., roles={dict.fromkeys(columns, 'ignored')!r})")


def column_of(option: str, column: str) -> Remedy:
    """Name the column of groups or of time."""
    return f"--{option} {shlex.quote(column)}", f"fit(..., {option}={column!r})"


def feature(**changes: Any) -> Remedy:
    """Change how columns become features."""
    flags = " ".join(f"--feature {name}={_word(value)}" for name, value in changes.items())
    return flags, f"fit(..., features={changes!r})"


def option(name: str, value: str) -> Remedy:
    """Another option of fit that is a word on both faces."""
    return f"--{name} {shlex.quote(value)}", f"fit(..., {name}={value!r})"


def clean(flags: str, step: str, columns: tuple[str, ...] = (), **options: Any) -> Remedy:
    """A step of cleaning, by flags of the command and as a step of a recipe."""
    made: dict[str, Any] = {"do": step}
    if columns:
        made["columns"] = list(columns)
    return f"wholefit clean SOURCE {flags}", f"wf.clean(source, [{ {**made, **options}!r}])"


def dedupe(keys: list[str] | None = None) -> Remedy:
    """Keep one of each set of equal rows."""
    if keys is None:
        return clean("--dedupe", "deduplicate")
    return clean(f"--dedupe --keys {shlex.quote(','.join(keys))}", "deduplicate", keys=keys)


def alike() -> Remedy:
    """Keep one of each set of rows whose text is nearly equal."""
    return clean("--dedupe --alike 0.95", "deduplicate", alike=0.95)


def repair(column: str, kind: str = "numbers") -> Remedy:
    """Bring the damaged cells of a column into one form."""
    return clean("--tidy", kind, (column,))


def tidy(column: str) -> Remedy:
    """Bring the words of a column into one spelling."""
    return clean("--spellings", "spellings", (column,))


def spaces(column: str) -> Remedy:
    """Take stray spaces away."""
    return clean("--tidy", "whitespace", (column,))


def missing_number(column: str, value: str) -> Remedy:
    """Read one number of a column as missing."""
    number = int(value) if value.lstrip("-").isdigit() else float(value)
    return clean(f"--sentinel {shlex.quote(f'{column}={value}')}", "replace", (column,),
                 values=[number])


def clip(column: str) -> Remedy:
    """Bring far values to the edge of the rest."""
    return clean(f"--outliers {shlex.quote(f'{column}=clip')}", "outliers", (column,),
                 action="clip")


def power(columns: list[tuple[str, float]], target: str | None) -> Remedy:
    """Less skew for columns, given with their smallest values."""
    made = ", ".join(f"wf.feature({'log' if low > 0 else 'power'!r}, {name!r})"
                     for name, low in columns[:5])
    of = shlex.quote(target or "TARGET")
    return f"wholefit suggest SOURCE --target {of}", f"fit(..., transformers=[{made}])"


def dates(column: str, message: str) -> Remedy:
    """Say how dates are written: the way that reading did not take."""
    line = message.partition("dtypes=")[2].partition(" reads")[0]
    return "wholefit clean SOURCE --tidy", f"fit(..., dtypes={line})"


def label_errors(target: str) -> Remedy:
    """Look for wrong labels."""
    return (f"wholefit label-errors SOURCE --target {shlex.quote(target)}",
            f"wf.label_errors(source, target={target!r})")


def none() -> Remedy:
    """Nothing to be done by a flag: the sentence says what to look at."""
    return "", ""


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
