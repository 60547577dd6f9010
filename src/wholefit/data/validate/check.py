"""New rows held against expectations: every violation counted, with rows to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from wholefit.base.errors import nearest
from wholefit.data.notes import Note, some
from wholefit.data.validate import _column_checks, _depend
from wholefit.data.validate._weigh import Weigher, rows_of, shown, violation
from wholefit.data.validate.expectations import Expectations, Rule
from wholefit.data.validate.validation import Validation, Violation, ordered


def check(
    frame: pl.DataFrame, expected: Expectations, *, source: str = "memory", against: str = "",
    strict: bool = False, notes: Sequence[Note] = (),
) -> Validation:
    """Hold `frame` against `expected`; `notes` of reading tell which cells it could not read.

    Raises DataError where a rule asks of a column what its type does not have.
    """
    weigher = Weigher.of(expected)
    found = [*_columns_there(frame, expected), *_row_count(frame, expected),
             *_unread(notes, frame, expected)]
    here = {column.name: column.alias("column") for column in frame.get_columns()}
    for name, rule in expected.columns.items():
        if name in here:
            found += _column_checks.checked(name, here[name], rule, weigher)
    skipped = []
    for each in expected.rules:
        lost = [name for name in each.columns if name not in here]
        if lost:
            skipped.append(f"rule {each.text}: there is no column {some([repr(x) for x in lost])}")
        else:
            found += _rule(each, frame, weigher)
    if expected.target is not None and expected.target not in here:
        skipped.append(f"target {expected.target!r}: it is not there")
    return Validation(
        source, frame.height, against or expected.source or "expectations",
        weigher.checks, ordered(found), strict, tuple(skipped))


def _columns_there(frame: pl.DataFrame, expected: Expectations) -> Iterator[Violation]:
    """Columns that are absent, and columns that nobody expected."""
    free = [name for name in frame.columns if name not in expected.columns]
    here = set(frame.columns)
    for name, rule in expected.columns.items():
        if name in here or not rule.required or name == expected.target:
            continue
        near = nearest(name, free)
        perhaps = f" (there is {near!r})" if near else ""
        yield Violation("column", "error", (name,), f"column {name!r} is absent{perhaps}",
                        f"Add or rename it, or say required = false in [columns.{name}].")
    if free and expected.extra_columns != "ignore":
        word = "column" if len(free) == 1 else "columns"
        yield Violation(
            "extra column", expected.extra_columns, tuple(free),
            f"{word} {some([repr(name) for name in free])} not expected",
            "Drop what is not needed, or say extra_columns = \"ignore\" in [table].")


def _row_count(frame: pl.DataFrame, expected: Expectations) -> Iterator[Violation]:
    rows, most = frame.height, expected.max_rows
    if rows >= expected.min_rows and (most is None or rows <= most):
        return
    wanted = f"at least {expected.min_rows:,}" if rows < expected.min_rows else f"at most {most:,}"
    yield Violation("row count", "warning" if expected.rows else "error", (),
                    f"{rows:,} {'row' if rows == 1 else 'rows'}; {wanted} were expected",
                    "See whether the table is whole, or change min_rows, max_rows in [table].")


def _unread(
    notes: Sequence[Note], frame: pl.DataFrame, expected: Expectations
) -> Iterator[Violation]:
    """Cells that reading took for missing, as they were of another type than their column."""
    for note in notes:
        if note.kind == "bad_cells" and note.column in expected.columns:
            yield Violation("type", "error", (str(note.column),), note.message.rstrip("."),
                            "Correct the cells, or name the words that mean missing "
                            "(na_values=, --na-values).", note.count, frame.height, note.rows)


def _rule(rule: Rule, frame: pl.DataFrame, weigher: Weigher) -> Iterator[Violation]:
    parts = rule.parts()
    if isinstance(parts, tuple):
        a, b = (_depend.codes_of(frame.get_column(name)) for name in parts)
        broken = pl.Series(_depend.differing(a, b))
        judged = int(((a >= 0) & (b >= 0)).sum())
    else:
        truth = parts.truth(frame)
        judged, broken = len(truth) - truth.null_count(), (~truth).fill_null(False)
    count = int(broken.sum())
    weight = weigher.rule(count, judged, rule)
    if weight is None:
        return
    rows = rows_of(broken)
    values = tuple(", ".join(f"{name} = {shown(frame.get_column(name)[row - 1])}"
                             for name in rule.columns[:4]) for row in rows)
    held = f", which held in {rule.rows - rule.broken:,} of {rule.rows:,} rows before" \
        if rule.rows else ""
    yield violation("rule", weight, rule.columns, count, judged,
                    f"rows do not keep the rule {rule.text}{held}",
                    "Correct the rows, or change the rule.", rows, values)
