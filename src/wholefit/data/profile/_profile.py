"""The Profile: everything that was found out about a table, to read, to draw, to hand on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from wholefit.base.errors import unknown
from wholefit.data.findings import Finding
from wholefit.data.notes import Note
from wholefit.data.profile import _text
from wholefit.data.profile._parts import (
    Advice,
    Against,
    ByTarget,
    ColumnProfile,
    Informs,
    Missing,
    Pairs,
    Scatter,
)
from wholefit.data.profile._words import listed, plain

_FACTS = ("source", "rows", "duplicates", "memory", "target", "sampled", "task", "classes")
_PARTS = ("pairs", "missing", "against")
_LISTS = ("informs", "by_target", "scatters", "advice")


@dataclass(frozen=True)
class Profile:
    """What is in a table: each column, how columns go together, what is odd, what it can carry.

    `sampled` is how many rows the columns' figures come from, None when all of them; `task` is
    what the target asks for and `classes` its classes with their rows; `informs` what each
    column tells of the target; `by_target`, `scatters` and `missing` are there to be drawn;
    `against` compares with another data set; `findings` name what is wrong and its remedy;
    `advice` says what the data can carry; `next` are commands to go on with.
    """

    source: str
    rows: int
    duplicates: int
    memory: int
    target: str | None
    columns: tuple[ColumnProfile, ...]
    notes: tuple[Note, ...] = ()
    sampled: int | None = None
    task: str | None = None
    classes: tuple[tuple[str, int], ...] = ()
    pairs: Pairs = field(default_factory=Pairs)
    informs: tuple[Informs, ...] = ()
    by_target: tuple[ByTarget, ...] = ()
    scatters: tuple[Scatter, ...] = ()
    missing: Missing = field(default_factory=Missing)
    against: Against | None = None
    findings: tuple[Finding, ...] = ()
    advice: tuple[Advice, ...] = ()
    next: tuple[str, ...] = ()

    def column(self, name: str) -> ColumnProfile:
        """The profile of the column of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise unknown("column", name, [column.name for column in self.columns])

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; what is not a finite number is null."""
        facts = {name: plain(getattr(self, name)) for name in _FACTS}
        parts = {name: None if getattr(self, name) is None else plain(asdict(getattr(self, name)))
                 for name in _PARTS}
        lists = {name: [plain(asdict(each)) for each in getattr(self, name)] for name in _LISTS}
        return {**facts, "columns": [plain(asdict(column)) for column in self.columns],
                "notes": [note.to_json() for note in self.notes], **parts, **lists,
                "findings": [finding.to_json() for finding in self.findings],
                "next": list(self.next)}

    def to_text(self, most: int | None = None) -> str:
        """Plain text: a line a column, at most `most` of them, then what else is worth saying."""
        return "\n".join(line for _, line in self.lines(most))

    def lines(self, most: int | None = None) -> Iterator[tuple[bool, str]]:
        """The lines of `to_text`, each with whether it is part of a table and may be cut."""
        return _text.lines(self, most)

    def without_values(self) -> Profile:
        """A copy that shows no cell: no samples, levels, extreme values or points.

        What stays are names of columns and of the target's classes, counts, shares, ranges and
        quantiles. Notes and the wording of findings quote cells, so they are left out too.
        """
        columns = tuple(replace(
            column, samples=(), lowest=(), highest=(),
            top=column.top if column.name == self.target else ()) for column in self.columns)
        findings = tuple(replace(
            found, evidence=f"{found.kind.replace('_', ' ')}: {listed(found.columns)}"
            + (f", {found.count:,} rows" if found.count else "")) for found in self.findings)
        drawn = tuple(each for each in self.by_target if _of_classes(each))
        return replace(self, columns=columns, findings=findings, notes=(), scatters=(),
                       by_target=drawn,
                       against=None if self.against is None else _hidden(self.against))


def _of_classes(each: ByTarget) -> bool:
    """True where the groups are the target's classes, not levels of a column."""
    return each.kind in ("curve", "line") or (each.kind == "spread" and each.of == each.column)


def _hidden(against: Against) -> Against:
    return replace(against, shifts=tuple(
        replace(shift, new=(), lost=(), names=(),
                shares=None if shift.names else shift.shares) for shift in against.shifts))
