"""All text columns of a frame settled, under what the user said about types and missing cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl
import polars.selectors as cs

from wholefit.base.errors import ParameterError, unknown
from wholefit.data import _cells, _dates, _types
from wholefit.data import _words as words
from wholefit.data._types import Rules, Settled
from wholefit.data.notes import Note, info, some, warning

WORDS = ("text", "number", "integer", "boolean", "date", "datetime")
_MOST_NOTES = 20
_MANY_ROWS = 100_000
_TAME = "a column named like a pattern"


@dataclass
class Converted:
    """The frame, what was noted, and the date format found for each text column of dates."""

    frame: pl.DataFrame
    notes: list[Note] = field(default_factory=list)
    formats: dict[str, str] = field(default_factory=dict)


def settle_all(
    frame: pl.DataFrame, rules: Rules, dtypes: Mapping[str, Any], na_values: Any, *,
    keep_text: bool = False,
) -> Converted:
    """Every String column of `frame` settled; `dtypes` overrules, `na_values` counts as missing.

    `keep_text` leaves text as it is, but for `dtypes` and `na_values`.
    """
    check(dtypes, na_values, frame.columns)
    spotless = set() if keep_text else _spotless(frame)
    columns = {column.name: column for column in frame.get_columns()}
    settled = {
        column.name: _one(column, replace(rules, na_values=tokens(na_values, column.name)),
                          dtypes.get(column.name), keep_text, column.name in spotless)
        for column in columns.values() if column.dtype == pl.String or column.name in dtypes}
    _agree(frame, settled, rules, na_values)
    changed = [s.values.alias(n) for n, s in settled.items() if s.values is not columns[n]]
    frame = frame.with_columns(changed) if changed else frame
    frame, nan_notes = no_nan(frame)
    notes = [note for s in settled.values() for note in s.notes] + nan_notes
    formats = {name: s.format for name, s in settled.items() if s.format}
    return Converted(frame, folded(notes), formats)


def check(dtypes: Mapping[str, Any], na_values: Any, names: Sequence[str]) -> None:
    """Refuse columns and type words that name nothing."""
    per_column = na_values if isinstance(na_values, Mapping) else {}
    for name in (*dtypes, *per_column):
        if name not in names:
            raise unknown("column", str(name), names)
    for kind in dtypes.values():
        if isinstance(kind, str) and kind not in WORDS and "%" not in kind:
            raise unknown("type of column", kind, WORDS)


def tokens(na_values: Any, name: str) -> tuple[str, ...]:
    """The user's missing-value tokens for one column."""
    if na_values is None:
        return ()
    if isinstance(na_values, Mapping):
        na_values = na_values.get(name, ())
    if isinstance(na_values, str):
        return (na_values,)
    try:
        return tuple(str(v) for v in na_values)
    except TypeError:
        raise ParameterError(
            f"na_values must be a list of words or a dict of column to list; got {na_values!r}."
        ) from None


def _spotless(frame: pl.DataFrame) -> set[str]:
    """The text columns without a cell that text is searched for: one pass on all threads."""
    text = [name for name, kind in frame.schema.items() if kind == pl.String]
    if not text or frame.height < _MANY_ROWS:
        return set()
    spots = frame.select(cs.by_name(text).is_in(_types.SPOTS).any()).row(0, named=True)
    return {name for name, spotted in spots.items() if not spotted}


def _one(
    column: pl.Series, rules: Rules, stated: Any, keep_text: bool, spotless: bool
) -> Settled:
    if column.name.startswith("^") and column.name.endswith("$"):
        # The engine would take the name for a pattern, and find no column.
        found = _one(column.alias(_TAME), rules, stated, keep_text, spotless)
        return replace(found, values=found.values.alias(column.name),
                       notes=[_about(note, column.name) for note in found.notes])
    if stated is None and keep_text:
        return Settled(_types.own_missing(column, rules.na_values))
    if stated is None:
        return _types.settle(column, rules, spotless=spotless)
    if column.dtype == pl.String:
        column = _types.own_missing(column, rules.na_values)
    return _stated(column, stated, rules)


def _about(note: Note, name: str) -> Note:
    """A note on the column that had another name meanwhile."""
    return replace(note, column=name, message=note.message.replace(repr(_TAME), repr(name)))


def _agree(
    frame: pl.DataFrame, settled: dict[str, Settled], rules: Rules, na_values: Any
) -> None:
    """A column of dates that could go either way follows the columns that are certain."""
    sure = {s.format[:2] for s in settled.values()
            if s.format and not s.ambiguous and s.format[:2] in ("%d", "%m")}
    if len(sure) != 1:
        return
    for name, one in settled.items():
        if one.ambiguous:
            own = replace(rules, na_values=tokens(na_values, name), day_first=sure == {"%d"})
            settled[name] = _one(frame.get_column(name), own, None, False, False)


# Types that the user states ------------------------------------------------------------------

def _stated(column: pl.Series, kind: Any, rules: Rules) -> Settled:
    """`column` as the user wants it; cells that do not fit are missing, with a warning."""
    text = column if column.dtype == pl.String else column.cast(pl.String)
    if kind == "text" or kind == pl.String:
        return Settled(_types.no_empty(text))
    values = _cast(text.str.strip_chars(), kind, rules)
    lost = values.is_null() & text.is_not_null() & ~text.str.strip_chars().is_in(
        [*words.TOKENS, ""])
    notes = []
    if count := int(lost.sum()):
        rows, examples = _types.where(text, lost)
        notes.append(warning(
            "bad_cells", f"column {column.name!r}: {count} cells do not fit dtypes="
            f"{kind!r} and were read as missing (row {some(rows)}: {some(examples)}).",
            column=column.name, rows=rows, count=count))
    return Settled(values.alias(column.name), notes,
                   kind if isinstance(kind, str) and "%" in kind else None)


def _cast(text: pl.Series, kind: Any, rules: Rules) -> pl.Series:
    if isinstance(kind, str) and "%" in kind:
        return _dates.with_format(text, kind)
    if kind in ("date", "datetime"):
        found = _dates.parse(text, day_first=rules.day_first)
        wanted: Any = pl.Date if kind == "date" else pl.Datetime("us")
        if found is None:
            return pl.Series(text.name, [None] * text.len(), dtype=wanted)
        zoned = isinstance(found.values.dtype, pl.Datetime) and found.values.dtype.time_zone
        return found.values if zoned and kind == "datetime" else found.values.cast(wanted)
    if kind == "boolean" or kind == pl.Boolean:
        lower = text.str.to_lowercase()
        known = lower.is_in(["true", "false", "1", "0", "yes", "no", "t", "f", "y", "n"])
        return _types.blank(lower.is_in(["true", "1", "yes", "t", "y"]), ~known.fill_null(False))
    if kind in ("number", "integer"):
        numbers, _ = _types.styled(text, rules)
        if kind == "number":
            return numbers
        exact = text.str.strip_prefix("+").cast(pl.Int64, strict=False)
        whole = _types.blank(numbers, numbers != numbers.floor()).cast(pl.Int64, strict=False)
        return exact.fill_null(whole)
    return text.cast(kind, strict=False)


# Notes and NaN -------------------------------------------------------------------------------

def no_nan(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Note]]:
    """NaN becomes missing: there is one way for a cell to be missing."""
    floats = [n for n, d in frame.schema.items() if d in (pl.Float32, pl.Float64)]
    if not floats:
        return frame, []
    if frame.height <= _cells.SHORT:
        counts = {name: _cells.nans(frame.get_column(name)) for name in floats}
    else:
        counts = frame.select(cs.by_name(floats).is_nan().sum()).row(0, named=True)
    hit = {name: int(count) for name, count in counts.items() if count}
    notes = [info("missing_tokens", f"column {name!r}: {count} NaN read as missing.",
                  column=name, count=count) for name, count in hit.items()]
    return (frame.with_columns(cs.by_name(list(hit)).fill_nan(None)) if hit else frame), notes


def folded(notes: list[Note]) -> list[Note]:
    """At most twenty notes of one kind; the rest are counted in one."""
    kept: list[Note] = []
    more: dict[str, list[Note]] = {}
    seen: dict[str, int] = {}
    for note in notes:
        seen[note.kind] = seen.get(note.kind, 0) + 1
        if seen[note.kind] <= _MOST_NOTES:
            kept.append(note)
        else:
            more.setdefault(note.kind, []).append(note)
    for kind, rest in more.items():
        names = some([repr(n.column) for n in rest])
        kept.append(Note(kind, f"the same holds for {len(rest)} more columns ({names}): {kind}.",
                         count=sum(n.count for n in rest), severity=rest[0].severity))
    return kept
