"""Columns that give the answer away: copies of the target, proxies, gaps that follow it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wholefit.base.wording import counted
from wholefit.data._association import average_ranks
from wholefit.data.findings import _remedy
from wholefit.data.findings._finding import Finding
from wholefit.data.findings._look import Look
from wholefit.data.findings._tests import autocorrelation
from wholefit.data.schema import Column
from wholefit.training._leaks_score import codes_score, numbers_score

_FEWEST = 30
_FEWEST_OF_A_CLASS = 10
# 2 AUC - 1 = 0.98 is an AUC of 0.99.
_PROXY = 0.98
_SURE = 0.995
_SUSPECT = 0.8
# The next best column leaves so many times the doubt: this one stands alone.
_ALONE = 4.0
_GAP = 0.9
_PURE_ROWS = 25
_WINDOW = 20_000
_LATER = re.compile(
    r"(^|[_\W])(outcome|result|resolution|closed?|cancel\w*|churn\w*|default\w*|approved?|reject\w*"
    r"|final|actual|post|after|end|discharge|death|died|paid|payout|settle\w*|refund\w*|total|"
    r"label|target|pred\w*|score)($|[_\W])", re.IGNORECASE)


@dataclass(frozen=True)
class Scored:
    """A column and how well it alone tells the target, from 0 to 1."""

    column: Column
    score: float


def find(look: Look) -> Iterator[Finding]:
    """Copies, proxies, gaps and identifiers that tell the target."""
    if look.y is None or look.n < _FEWEST or not _enough(look, look.y):
        return
    scored = sorted((s for s in (_scored(look, c) for c in look.features) if s is not None),
                    key=lambda s: -s.score)
    look.cache["scores"] = scored
    for one in scored:
        if one.score < _SUSPECT:
            break
        # A second leak beside it does not make a leak look ordinary.
        after = max((other.score for other in scored
                     if other is not one and other.score < _PROXY), default=0.0)
        if one.column.role == "datetime":
            continue  # rows close in time are alike: the order of the rows is the finding
        yield from _proxy(look, one, after)
    yield from _gaps(look, look.y)
    yield from _identifiers(look, look.y)


def _enough(look: Look, y: np.ndarray) -> bool:
    if not look.classes:
        return bool(np.isfinite(y).all() and y.std() > 0)
    return bool(np.sort(np.bincount(y[y >= 0], minlength=len(look.classes)))[-2]
                >= _FEWEST_OF_A_CLASS)


def _scored(look: Look, column: Column) -> Scored | None:
    assert look.y is not None
    rows = look.sample
    y = look.y[rows]
    if column.role == "text" or column.distinct < 2:
        return None
    if column.role in ("numeric", "boolean", "datetime"):
        values = _as_numbers(look, column)[rows]
        return Scored(column, numbers_score(values, y, len(look.classes)))
    if not look.classes and _is_recoded(look, column):
        return Scored(column, 1.0)
    # A code's order means nothing as a rule; where it is the target's, that is the leak.
    ordered = numbers_score(look.numbers(column.name)[rows], y, len(look.classes)) if (
        _is_number(column)) else 0.0
    if column.distinct > len(rows) / 2:
        return Scored(column, ordered) if ordered else None
    levels = look.levels(column.name)[0][rows]
    return Scored(column, max(ordered, codes_score(levels, y, len(look.classes))))


def _is_recoded(look: Look, column: Column) -> bool:
    """True if each level goes with one number of the target and back, and many rows prove it."""
    assert look.y is not None
    codes = look.levels(column.name)[0].astype(np.int64)
    values, numbers = np.unique(look.y, return_inverse=True)
    if (codes < 0).any() or look.n - len(values) < _PURE_ROWS or len(values) < 3:
        return False
    levels = len(np.unique(codes))
    return levels == len(values) == len(np.unique(codes * len(values) + numbers))


def _is_number(column: Column) -> bool:
    """True for a category whose cells are numbers: zip codes, codes of answers."""
    return column.dtype.startswith(("Int", "UInt", "Float"))


def _as_numbers(look: Look, column: Column) -> np.ndarray:
    if column.role == "datetime":
        times = look.dataset.times(column.name)
        return np.where(np.isnat(times), np.nan, times.astype(np.int64).astype(np.float64))
    return look.numbers(column.name)


def _proxy(look: Look, one: Scored, after: float) -> Iterator[Finding]:
    """A column that tells nearly all, said by how near, and by how far the rest is behind."""
    name, score = one.column.name, one.score
    alone = (1 - after) >= _ALONE * max(1 - score, 1e-9)
    copied = _copy(look, one.column) if score > 0.999 else None
    if copied is not None:
        yield Finding(
            "target_copy", "critical", (name,), f"column {name!r} is the target {copied}",
            "a model learns to copy it, and when answers are wanted it will not be there",
            *_remedy.ignore(name), count=look.n, strength=1.0)
    elif score >= _PROXY:
        yield Finding(
            "target_proxy", "critical" if alone and score >= _SURE else "warning", (name,),
            f"column {name!r} alone tells {look.target!r} almost perfectly ({_said(look, score)} "
            f"on rows that did not teach it{_next(look, after)}){_hint(name)}",
            "either the problem is solved by one column, or the column was filled in from the "
            "answer or after it: will it be known when the answer is wanted?",
            *_remedy.ignore(name), count=look.n, strength=score)
    elif alone:
        yield Finding(
            "suspicious_column", "warning", (name,),
            f"column {name!r} alone tells {look.target!r} far better than any other "
            f"({_said(look, score)}{_next(look, after)}){_hint(name)}",
            "it may have been filled in from the answer or after it: will it be known when the "
            "answer is wanted?", *_remedy.ignore(name), count=look.n, strength=score)


def _next(look: Look, after: float) -> str:
    return f"; the next best {_said(look, after)}" if after > 0 else ""


def _hint(name: str) -> str:
    found = _LATER.search(name)
    return f"; its name says {found.group(2)!r}" if found else ""


def _said(look: Look, score: float) -> str:
    """A score in the measure of the task."""
    if len(look.classes) == 2:
        return f"AUC {(1 + score) / 2:.3f}"
    return f"{score:.1%} of the errors avoided" if look.classes else f"R2 {score:.3f}"


def _copy(look: Look, column: Column) -> str | None:
    """How the column is the target, or None if it is not, over every row."""
    assert look.y is not None
    if look.classes:
        # Codes, also for numbers: as many values as classes, one for one.
        codes = look.levels(column.name)[0] if column.role == "categorical" else np.unique(
            look.numbers(column.name) if column.role != "datetime" else
            look.dataset.times(column.name).astype(np.int64), return_inverse=True)[1]
        pairs = len(np.unique(codes.astype(np.int64) * len(look.classes) + look.y))
        if pairs != len(np.unique(codes)):
            return None
        same = pairs == len(np.unique(look.y))
        return "in other words: each of its values goes with one class" if same else (
            "in finer words: no value of it is met with two classes"
            if pairs <= max(20, 3 * len(look.classes)) else None)
    if column.role == "categorical" and _is_recoded(look, column):
        return "in other words: each of its values goes with one number of it"
    if column.role == "categorical" and not _is_number(column):
        return None
    values = _as_numbers(look, column)
    if not np.isfinite(values).all():
        return None
    if np.array_equal(values, look.y):
        return "itself, under another name"
    if abs(_correlation(values, look.y)) > 1 - 1e-9:
        return "times a number, plus a number"
    if abs(_correlation(average_ranks(values), average_ranks(look.y))) > 1 - 1e-9:
        return "put through a function: it rises (or falls) wherever the target does"
    return None


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a / (np.abs(a).max() or 1.0), b / (np.abs(b).max() or 1.0)
    a, b = a - a.mean(), b - b.mean()
    length = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / length if length > 0 else 0.0


def _gaps(look: Look, y: np.ndarray) -> Iterator[Finding]:
    """Columns that are there, or missing, just where the target has one value."""
    for column in look.features:
        if not _PURE_ROWS <= column.missing <= look.n - _PURE_ROWS:
            continue
        missing = look.missing(column.name)
        if look.classes:
            yield from _pure(look, column, missing, y)
        else:
            score = codes_score(missing.astype(np.int64), y, 0)
            if score >= _GAP / 2:
                yield _post_outcome(column, f"whether it is missing tells {look.target!r} "
                                    f"(R2 {score:.2f})", int(missing.sum()), score, "warning")


def _pure(look: Look, column: Column, missing: np.ndarray, y: np.ndarray) -> Iterator[Finding]:
    """All rows with a gap, or all rows without one, of one class; and most of that class."""
    share = np.bincount(y, minlength=len(look.classes)) / len(y)
    for part, word in ((missing, "missing"), (~missing, "there")):
        inside = np.bincount(y[part], minlength=len(look.classes))
        top = int(inside.argmax())
        purity, reach = inside[top] / inside.sum(), inside[top] / (share[top] * len(y))
        # The chance that so many rows are of one class by luck, and how much of it they cover.
        luck = inside.sum() * np.log(max(share[top], 1e-12))
        if purity >= 0.99 and luck < -20 and reach >= 0.2:
            sure = purity >= 0.999 and reach >= _GAP
            yield _post_outcome(
                column, f"it is {word} in {counted(int(inside.sum()), 'row')}, of which "
                f"{purity:.1%} are {look.classes[top]!r} ({reach:.0%} of all of them)",
                int(inside.sum()), float(purity * reach), "critical" if sure else "warning")
            return


def _post_outcome(
    column: Column, said: str, count: int, strength: float, severity: str
) -> Finding:
    return Finding(
        "post_outcome", severity, (column.name,), f"column {column.name!r}: {said}"
        f"{_hint(column.name)}",
        "it seems to be filled in once the answer is known: when answers are wanted, it will "
        "always be in the one state", *_remedy.ignore(column.name), count=count,
        strength=min(strength, 1.0))


def _identifiers(look: Look, y: np.ndarray) -> Iterator[Finding]:
    """The identifier whose order goes most with the target: rows were numbered by or after it."""
    best: tuple[float, str] = (0.0, "")
    for name in look.schema.having("identifier"):
        if not look.plain(name):
            continue
        order = look.series(name).arg_sort().to_numpy()
        start = max(0, (len(order) - _WINDOW) // 2)
        alike, z = autocorrelation(y[order[start:start + _WINDOW]])
        if alike >= 0.2 and z > 6:
            best = max(best, (alike, name))
    alike, name = best
    if not name:
        return
    numbered = look.series(name).dtype.is_numeric()
    yield Finding(
        "telling_identifier", "info", (name,),
        f"in the order of identifier {name!r}, rows next to each other have alike "
        f"{look.target!r} (agreement {alike:.2f} beyond chance)",
        "rows were numbered in time, by place or by the answer: it is not learnt from, but "
        "shuffled test rows lie between rows that were",
        *(_remedy.column_of("time", name) if numbered else _remedy.none()), count=look.n,
        strength=alike)
