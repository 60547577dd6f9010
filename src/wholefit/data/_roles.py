"""Which role a column plays, and why, from what was counted about it.

The rules are tried from the surest to the vaguest. A wrong "identifier" loses a feature and a
wrong "numeric" only adds noise, so a column is called an identifier on evidence only: its
values differ almost everywhere and its name, its order or its shape says so.
"""

from __future__ import annotations

import re

import polars as pl

from wholefit.data._facts import Facts
from wholefit.data.images.cells import are_cells

# Fewer rows than this, and "every value differs" says nothing.
_ENOUGH = 20
_MOSTLY = 0.95
_ID_WORDS = frozenset({"id", "ids", "key", "uuid", "guid", "no", "nr", "sku", "isbn", "ssn",
                       "rowid", "rownum", "index", "idx", "pk", "serial"})
_CODE_WORDS = frozenset({"code", "zip", "zipcode", "postcode", "postal"})
_OWNER = ("customer|client|user|passenger|person|patient|employee|member|student|order|invoice|"
          "product|item|ticket|account|transaction|session|row|record|loan|case|store|shop|movie|"
          "film|track|device|event|page|post|sale|booking|claim|policy|house|stock")
_GLUED = re.compile(rf"^({_OWNER})(id|no|nr|key|num|number)$")
_NAMES = frozenset({"name", "email", "mail", "phone", "address", "url", "hash"}) | _ID_WORDS
_CLOCK = frozenset({"year", "month", "day", "date", "time", "hour", "week", "step", "age", "epoch"})
_SPLIT = frozenset({"train", "training", "test", "testing", "valid", "validation", "val", "dev",
                    "holdout"})

Verdict = tuple[str, str]


def decide(facts: Facts) -> Verdict:
    """The role of a column and the reason, in one sentence without a full stop."""
    kind = facts.column.dtype
    if facts.present == 0:
        return "constant", f"all {facts.rows:,} values are missing" if facts.rows else "no rows"
    if kind == pl.Binary and are_cells(facts.column):
        return "image", f"pictures, {facts.present:,} of them"
    if kind.is_nested() or kind in (pl.Object, pl.Binary):
        return "ignored", f"its cells are of type {kind}, which no table model learns from"
    if facts.distinct <= 1 and not facts.missing:
        return "constant", f"one value only in {facts.rows:,} rows"
    if kind == pl.Boolean:
        return "boolean", "true or false"
    if kind.is_temporal() and kind not in (pl.Duration, pl.Time):
        return "datetime", f"its type is {str(kind).split('(')[0]}"
    if kind == pl.String:
        return _text(facts)
    if isinstance(kind, (pl.Categorical, pl.Enum)):
        return "categorical", f"its type is categorical, with {facts.distinct:,} levels"
    return _number(facts, facts.low, facts.high)


def named_like_identifier(facts: Facts) -> str | None:
    """The part of the name that says identifier ("id", "no", "key"), or None."""
    words = facts.words_of_name
    if not words:
        return None
    if words[-1] in _ID_WORDS or (words[0] == "id" and len(words) > 1):
        return words[-1] if words[-1] in _ID_WORDS else "id"
    glued = _GLUED.match(words[-1])
    return glued.group(2) if glued else None


def _number(facts: Facts, low: float | None, high: float | None) -> Verdict:
    if facts.distinct == 2 and (low, high) == (0.0, 1.0):
        return "boolean", "two values, 0 and 1"
    code = _numeric_code(facts)
    if code is not None:
        return code
    if facts.distinct <= 20 and facts.rows >= 100:
        return "numeric", (f"{facts.distinct} different numbers over {facts.rows:,} rows: "
                           "kept numeric because ordered")
    return "numeric", f"numbers, {facts.distinct:,} different over {facts.rows:,} rows"


def _numeric_code(facts: Facts) -> Verdict | None:
    """Whole numbers that name things instead of measuring them."""
    called = named_like_identifier(facts)
    if called is not None and facts.whole:
        if facts.distinct == facts.present:
            return "identifier", f"every value differs and the name says {called!r}"
        if facts.share > 0.5 and facts.rows >= _ENOUGH:
            return "identifier", (f"{facts.share:.0%} of the values differ and the name says "
                                  f"{called!r}")
        return "categorical", (f"the name says {called!r} and values repeat: a code, whose order "
                               "means nothing")
    said = next((word for word in facts.words_of_name if word in _CODE_WORDS), None)
    if said is not None and facts.whole:
        return "categorical", f"the name says {said!r}: a code, whose order means nothing"
    counts_rows = (facts.rows >= 100 and facts.low in (0.0, 1.0)
                   and facts.distinct == facts.rows and facts.sequential)
    if counts_rows and not _CLOCK & set(facts.words_of_name):
        return "identifier", f"counts the rows, from {facts.low:.0f} to {facts.high:.0f}"
    return None


def _text(facts: Facts) -> Verdict:
    hidden = _hidden_type(facts)
    if hidden is not None:
        return hidden
    values = {value.strip().lower() for value in facts.some_values}
    if facts.distinct <= len(_SPLIT) and len(values) > 1 and values <= _SPLIT:
        return "ignored", "marks which part of an earlier split a row was in, nothing about the row"
    if facts.rows >= _ENOUGH and facts.distinct > 1:
        return _worded(facts)
    return "categorical", _levels(facts)


def _hidden_type(facts: Facts) -> Verdict | None:
    """Numbers, dates or truth values that were read as text."""
    values = {value.strip().lower() for value in facts.some_values}
    if facts.distinct <= 4 and values and values <= {"true", "false", ""} and len(values) > 1:
        return "boolean", "text that says true or false"
    if facts.number_share >= _MOSTLY:
        return _numbers_as_text(facts)
    share, form = facts.dated
    if share >= _MOSTLY and form is not None:
        rest = "" if share == 1.0 else f"; {1 - share:.1%} of the cells are not and become missing"
        return "datetime", f"text that holds dates written {form}{rest}"
    return None


def _numbers_as_text(facts: Facts) -> Verdict:
    if facts.leading_zeros:
        if facts.share >= _MOSTLY and facts.rows >= _ENOUGH:
            return "identifier", "digits with leading zeros, nearly all different"
        return "categorical", f"digits with leading zeros are codes: {_levels(facts)}"
    role, reason = _number(facts, facts.numbers.min(), facts.numbers.max())  # type: ignore[arg-type]
    rest = "" if facts.number_share == 1.0 else (
        f"; {1 - facts.number_share:.1%} of the cells are not and become missing")
    return role, f"text that holds {reason}{rest}" if role == "numeric" else reason


def _worded(facts: Facts) -> Verdict:
    """Prose, identifiers and categories: told apart by length, repetition and name."""
    share, words = facts.share, facts.words
    prose = f"average {words:.0f} words a cell, {share:.0%} distinct"
    if words >= 5 and (share >= 0.2 or facts.distinct > 1000):
        return "text", prose
    if share >= 0.9:
        called = next((word for word in facts.words_of_name if word in _NAMES), None)
        called = called or named_like_identifier(facts)
        if words < 2.5 or called or facts.lowercase < 0.5:
            also = f" and the name says {called!r}" if called else ""
            return "identifier", f"{share:.0%} of the values differ, {words:.1f} words each{also}"
        return "text", prose
    if words >= 2.5 and share >= 0.3 and facts.lowercase >= 0.3:
        return "text", prose
    if share > 0.5 and named_like_identifier(facts):
        return "identifier", (f"{share:.0%} of the values differ and the name says "
                              f"{named_like_identifier(facts)!r}")
    return "categorical", _levels(facts)


def _levels(facts: Facts) -> str:
    if facts.distinct == 1:
        return "one value or missing: whether it is there is the information"
    many = " (the rare ones fold together)" if facts.distinct > 100 else ""
    return f"text with {facts.distinct:,} levels over {facts.present:,} values{many}"
