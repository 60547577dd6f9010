"""What the data can carry, as plain advice: volume, variety, velocity, veracity."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wholefit.data.profile._columns import THIN
from wholefit.data.profile._parts import Advice, ByTarget, ColumnProfile, Missing
from wholefit.data.profile._words import clipped, listed, percent
from wholefit.data.schema import LEARNT

# Rows of the rarest class for each number that a model weighs (Peduzzi and others 1996).
_A_NUMBER = 10
_TEST_SHARE = 5
_MOST_NAMED = 3


@dataclass(frozen=True)
class Grounds:
    """What advice is drawn from."""

    source: str
    rows: int
    duplicates: int
    target: str | None
    task: str | None
    classes: tuple[tuple[str, int], ...]
    columns: tuple[ColumnProfile, ...]
    by_target: tuple[ByTarget, ...]
    missing: Missing

    @property
    def features(self) -> list[ColumnProfile]:
        """Columns that a model would learn from."""
        return [column for column in self.columns if column.role in LEARNT]


def advise(grounds: Grounds) -> tuple[Advice, ...]:
    """The four Vs, each in one to three sentences."""
    parts = (("volume", _volume), ("variety", _variety), ("velocity", _velocity),
             ("veracity", _veracity))
    return tuple(Advice(about, sentence) for about, say in parts for sentence in say(grounds))


def next_steps(grounds: Grounds) -> tuple[str, ...]:
    """Commands to go on with: a profile is looked at more than once."""
    source = shlex.quote(grounds.source) if not grounds.source.startswith("memory") else "DATA"
    if grounds.target is None:
        return (f"wholefit profile {source} --target COLUMN",)
    return (f"wholefit fit {source} --target {shlex.quote(grounds.target)}",)


# ---- volume -----------------------------------------------------------------------------


def _volume(grounds: Grounds) -> Iterator[str]:
    weighed = sum(_weighed(column) for column in grounds.features)
    noun = "column" if len(grounds.features) == 1 else "columns"
    said = f"{grounds.rows:,} rows, {len(grounds.features):,} {noun} to learn from"
    if weighed > len(grounds.features):
        said += f" (about {weighed:,} numbers, a level being one)"
    yield said + _fullness(grounds, weighed)
    test = grounds.rows // _TEST_SHARE
    if grounds.task == "classification" and test >= 10:
        yield (f"a fifth of the rows kept for a test ({test:,}) tells an accuracy to within "
               f"{98 / test**0.5:.2g} percentage points either way.")
    elif grounds.task == "regression" and test >= 10:
        yield (f"a fifth of the rows kept for a test ({test:,}) tells a mean absolute error to "
               f"within about {148 / test**0.5:.2g}% of itself, if errors are bell-shaped.")


def _weighed(column: ColumnProfile) -> int:
    return min(max(column.distinct - 1, 1), 50) if column.kind == "categorical" else 1


def _fullness(grounds: Grounds, weighed: int) -> str:
    """Whether rows are enough for a model that weighs so many numbers."""
    if grounds.target is None or not weighed:
        return "."
    if grounds.classes:
        name, count = min(grounds.classes, key=lambda each: each[1])
        unit = f"row{'s' if count != 1 else ''} of the rarest class, {clipped(name, 30)!r}"
    else:
        count, unit = grounds.rows, "rows"
    enough = count // _A_NUMBER
    if enough >= weighed:
        return (f"; {count:,} {unit}: a common rule asks {_A_NUMBER} for each number a model "
                "weighs, and there are enough.")
    reach = f"about {enough:,}" if enough else "none"
    return (f"; only {count:,} {unit}: a common rule asks {_A_NUMBER} for each number a model "
            f"weighs, which is enough for {reach}. Prefer simple, regularised models, "
            "drop columns, or get more rows of it.")


# ---- variety ----------------------------------------------------------------------------


def _variety(grounds: Grounds) -> Iterator[str]:
    kinds = Counter(column.role for column in grounds.columns)
    yield ", ".join(f"{count:,} {role}" for role, count in kinds.most_common()) + "."
    thin = [column for column in grounds.features if column.counts.get("thin")]
    thin.sort(key=lambda column: -column.counts["thin_rows"])
    for column in thin[:_MOST_NAMED]:
        levels, rows = column.counts["thin"], column.counts["thin_rows"]
        yield (f"thin groups in {clipped(column.name, 40)!r}: {levels:,} of its "
               f"{column.distinct:,} levels have fewer than {THIN} rows ({rows:,} rows in all); "
               "what is said of such a group is mostly chance.")
    if len(thin) > _MOST_NAMED:
        rest = [column.name for column in thin[_MOST_NAMED:]]
        yield f"thin groups also in {listed(rest)}."
    yield from _one_sided(grounds)


def _one_sided(grounds: Grounds) -> Iterator[str]:
    """Groups of some size in which a class of the target never happens."""
    found = [(each.column, level, name) for each in grounds.by_target if each.kind == "shares"
             for level, row in zip(each.names, each.table, strict=True) if row[0] >= THIN
             for name, part in zip(each.classes, row[1:], strict=True) if part == 0]
    for column, level, name in found[:_MOST_NAMED]:
        yield (f"where {clipped(column, 40)!r} is {clipped(level, 30)!r}, no row has "
               f"{clipped(str(grounds.target), 40)!r} = {clipped(name, 30)!r}.")


# ---- velocity ---------------------------------------------------------------------------


def _velocity(grounds: Grounds) -> Iterator[str]:
    dated = [column for column in grounds.columns if column.span is not None]
    if not dated:
        yield ("no column holds dates or times: whether the data changes with time cannot be "
               "seen; if the rows were collected over time, bring that column along.")
    for column in dated[:_MOST_NAMED]:
        first, last = column.span or ("", "")
        said = f"column {clipped(column.name, 40)!r} goes from {first} to {last}"
        if column.dates is not None and column.dates.gap is not None:
            start, end, length = column.dates.gap
            said += f", in steps of typically {column.dates.step}"
            said += f"; the longest gap is {length} ({start} to {end})"
        yield said + "."


# ---- veracity ---------------------------------------------------------------------------


def _veracity(grounds: Grounds) -> Iterator[str]:
    cells = grounds.rows * len(grounds.columns)
    lacking = sum(column.missing for column in grounds.columns)
    said = f"{percent(lacking / cells)} of the cells are missing" if lacking and cells else \
        "no cell is missing"
    repeated = f"{grounds.duplicates:,} rows repeat an earlier one" if grounds.duplicates else \
        "no row repeats another"
    yield f"{said}; {repeated}."
    yield from _named(grounds.columns, "mostly missing",
                      lambda c: c.missing > grounds.rows / 2)
    yield from _named(grounds.columns, "with infinite values",
                      lambda c: c.counts.get("infinite", 0) > 0)
    for column in grounds.columns:
        if column.dates is not None and column.dates.odd:
            odd = ", ".join(f"{count:,} {name}" for name, count in column.dates.odd)
            yield f"suspicious dates in {clipped(column.name, 40)!r}: {odd}."


def _named(columns: Sequence[ColumnProfile], what: str, apt: object) -> Iterator[str]:
    found = [column.name for column in columns if apt(column)]  # type: ignore[operator]
    if found:
        yield f"{len(found):,} column{'s' if len(found) > 1 else ''} {what}: {listed(found)}."
