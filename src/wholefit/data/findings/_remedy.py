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
    return (f"--{option} {shlex.quote(column)}",
            f"fit(..., {option}={column!r})")


def feature(**changes: Any) -> Remedy:
    """Change how columns become features."""
    flags = " ".join(f"--feature {name}={_word(value)}" for name, value in changes.items())
    return (flags,
            f"fit(..., features={changes!r})")


def option(name: str, value: str) -> Remedy:
    """Another option of fit that is a word on both faces."""
    return (f"--{name} {shlex.quote(value)}",
            f"fit(..., {name}={value!r})")


def missing_words(*words: str) -> Remedy:
    """Read some words or numbers as missing."""
    return (f"--na-values {shlex.quote(','.join(words))}",
            f"fit(..., na_values={list(words)!r})")


def dedupe(by: list[str] | None = None) -> Remedy:
    """Keep one of each set of equal rows."""
    subset = "" if by is None else f"subset={by!r}, "
    return ("wholefit clean SOURCE --dedupe",
            f"frame.unique({subset}maintain_order=True)")


def repair(column: str) -> Remedy:
    """Bring the cells of a column into one form."""
    return ("wholefit clean SOURCE --types",
            "wf.clean(source, types=True)")


def tidy(column: str) -> Remedy:
    """Bring the words of a column into one spelling."""
    return ("wholefit clean SOURCE --tidy",
            "wf.clean(source, tidy=True)")


def missing_number(column: str, value: str) -> Remedy:
    """Read one number of a column as missing."""
    return missing_words(value)


def clip(column: str) -> Remedy:
    """Bring far values to the edge of the rest."""
    return ("wholefit clean SOURCE --outliers clip",
            "wf.clean(source, outliers='clip')")


def power(columns: list[tuple[str, float]]) -> Remedy:
    """Less skew for columns, given with their smallest values."""
    return ("wholefit engineer SOURCE --log", "")


def dates(column: str, message: str) -> Remedy:
    """Say how dates are written: the way that reading did not take."""
    line = message.partition("dtypes=")[2].partition(" reads")[0]
    return ("wholefit clean SOURCE --dates",
            f"fit(..., dtypes={line})")


def label_errors() -> Remedy:
    """Look for wrong labels."""
    return ("",
            "")


def none() -> Remedy:
    """Nothing to be done by a flag: the sentence says what to look at."""
    return ("",
            "")


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
