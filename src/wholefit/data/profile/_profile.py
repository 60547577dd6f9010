"""The Profile: everything that was found out about a table, to read, to draw, to hand on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from wholefit.base.errors import unknown
from wholefit.base.wording import plain
from wholefit.data.findings import Finding
from wholefit.data.notes import Note
from wholefit.data.profile._parts import (
    Advice,
    Against,
    ByTarget,
    ColumnProfile,
    Informs,
    Missing,
    Pairs,
    Scatter,
    Shift,
)
from wholefit.data.profile._words import clipped, listed, percent, share, short, size

Line = tuple[bool, str]
_STRONGEST, _TELLING, _CLASSES, _SHIFTS = 5, 5, 6, 10
_WORTH = 0.3
_NAME = 32
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
        return _lines(self, most)

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


# As text -------------------------------------------------------------------------------------

def _lines(profile: Profile, most: int | None) -> Iterator[Line]:
    """(True, line of a table) or (False, sentence) in the order of reading."""
    yield True, _head(profile)
    yield True, ""
    yield from _table(profile, most)
    for part in (_target, _pairs, _missing, _against, _findings, _notes, _advice, _next):
        found = list(part(profile))
        if found:
            yield False, ""
            yield from found


def _head(profile: Profile) -> str:
    sampled = f"; figures from {profile.sampled:,} sampled rows" if profile.sampled else ""
    return (f"{profile.source}: {profile.rows:,} rows, {len(profile.columns)} columns, "
            f"{profile.duplicates:,} duplicate rows, {size(profile.memory)}{sampled}")


def _table(profile: Profile, most: int | None) -> Iterator[Line]:
    shown = profile.columns[:most]
    cells = [("column", "role", "missing", "distinct", "values")]
    cells += [_row(column, profile.rows) for column in shown]
    widths = [max(len(row[i]) for row in cells) for i in range(4)]
    for name, role, missing, distinct, values in cells:
        yield True, (f"{name:{widths[0]}}  {role:{widths[1]}}  {missing:>{widths[2]}}  "
                     f"{distinct:>{widths[3]}}  {values}").rstrip()
    more = len(profile.columns) - len(shown)
    if more:
        yield True, f"and {more:,} more columns: --json and --out page.html have them all"


def _row(column: ColumnProfile, rows: int) -> tuple[str, str, str, str, str]:
    return (clipped(column.name, _NAME), column.role, share(column.missing, rows),
            f"{column.distinct:,}", column.summary())


def _target(profile: Profile) -> Iterator[Line]:
    if profile.target is None:
        return
    said = f"target {profile.target}"
    if profile.classes:
        total = sum(count for _, count in profile.classes)
        shown = ", ".join(f"{clipped(name, 30)} {count:,} ({percent(count / total)})"
                          for name, count in profile.classes[:_CLASSES])
        more = len(profile.classes) - _CLASSES
        yield False, f"{said}: {shown}" + (f" and {more:,} more classes" if more > 0 else "")
    elif profile.task:
        yield False, f"{said}: {profile.task}"
    told = [each for each in profile.informs if each.share >= 0.005][:_TELLING]
    if told:
        yield False, ("tells most of it: "
                      + ", ".join(f"{clipped(t.column, _NAME)} {t.share:.0%}" for t in told)
                      + " (mutual information, as a share of the target's entropy)")
    elif profile.informs:
        yield False, "no column by itself tells anything of it"


def _pairs(profile: Profile) -> Iterator[Line]:
    strong = [pair for pair in profile.pairs.found if pair.strength >= _WORTH][:_STRONGEST]
    if strong:
        yield False, "go together most:"
    for pair in strong:
        yield True, (f"  {clipped(pair.a, _NAME)} ~ {clipped(pair.b, _NAME)}  "
                     f"{pair.signed:.2f}  {pair.measure}")
    if strong and profile.pairs.rows < profile.rows:
        yield False, f"  (from {profile.pairs.rows:,} sampled rows)"
    if profile.pairs.why:
        yield False, f"({profile.pairs.why})"


def _missing(profile: Profile) -> Iterator[Line]:
    together = profile.missing.together[:3]
    if together:
        said = "; ".join(f"{clipped(a, _NAME)} and {clipped(b, _NAME)} ({rows:,} rows)"
                         for a, b, _, rows in together)
        yield False, f"missing together: {said}"


def _against(profile: Profile) -> Iterator[Line]:
    found = profile.against
    if found is None:
        return
    yield False, f"beside {found.source} ({found.rows:,} rows), what moved most:"
    moved = [s for s in found.shifts if s.distance > s.chance or s.missing[0] != s.missing[1]
             or s.note]
    for shift in moved[:_SHIFTS]:
        yield True, (f"  {clipped(shift.column, _NAME)}  distance {shift.distance:.3f} "
                     f"(chance {shift.chance:.3f})  {moved_how(shift)}")
    if not moved:
        yield False, "  nothing, beyond what chance gives"
    elif len(moved) > _SHIFTS:
        yield False, f"  and {len(moved) - _SHIFTS:,} more columns moved beyond chance"
    for names, where in ((found.only_here, "is not in the other"), (found.only_there, "is new")):
        if names:
            yield False, f"  {', '.join(clipped(name, _NAME) for name in names[:10])} {where}"


def moved_how(shift: Shift) -> str:
    """How a column differs between the two, in a few words."""
    said = [shift.note] if shift.note else []
    if "median" in shift.here and "median" in shift.there:
        moved = [(name, short(shift.here[name]), short(shift.there[name]))
                 for name in ("median", "mean", "q95", "max")]
        said += [f"{name} {a} -> {b}" for name, a, b in moved if a != b][:1]
    if "first" in shift.here and "first" in shift.there:
        said.append(f"{shift.here['first']} .. {shift.here['last']} -> "
                    f"{shift.there['first']} .. {shift.there['last']}")
    for levels, word in ((shift.new, "new"), (shift.lost, "lost")):
        if levels:
            named = ", ".join(f"{clipped(level, 20)} ({count:,})" for level, count in levels[:2])
            more = f" and {len(levels) - 2} more" if len(levels) > 2 else ""
            said.append(f"{word}: {named}{more}")
    before, after = (percent(part) for part in shift.missing)
    if before != after:
        said.append(f"missing {before} -> {after}")
    return "; ".join(said)


def _findings(profile: Profile) -> Iterator[Line]:
    found = profile.findings
    if found:
        yield False, f"findings ({len(found)}):"
    for each in found:
        mark = {"critical": "!!", "warning": "! "}.get(each.severity, "  ")
        yield False, f"  {mark} {each}"


def _notes(profile: Profile) -> Iterator[Line]:
    for note in profile.notes:
        yield False, str(note)


def _advice(profile: Profile) -> Iterator[Line]:
    if profile.advice:
        yield False, "what the data can carry:"
    for each in profile.advice:
        yield False, f"  {each.about}: {each.sentence}"


def _next(profile: Profile) -> Iterator[Line]:
    for command in profile.next:
        yield False, f"next: {command}"
