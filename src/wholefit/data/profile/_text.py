"""A profile as lines of text: the table of columns first, then what is worth a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wholefit.data.profile._parts import ColumnProfile, Shift
from wholefit.data.profile._words import clipped, percent, share, short, size

if TYPE_CHECKING:
    from wholefit.data.profile._profile import Profile

Line = tuple[bool, str]
_STRONGEST, _TELLING, _CLASSES, _SHIFTS = 5, 5, 6, 10
_WORTH = 0.3
_NAME = 32


def lines(profile: Profile, most: int | None) -> Iterator[Line]:
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
