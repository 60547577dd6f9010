"""Clusters in words: a name from the strongest traits, and a plain sentence for each trait."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

from wholefit.training._clustering_traits import Trait

# A trait of this effect may name a cluster; the second and third not far behind the first.
_NAMING, _BEHIND = 0.5, 0.45
_LONGEST = 28
_FULL_DAY = 86_400


def name(found: Sequence[Trait], alike: Sequence[frozenset[str]], most: int = 3) -> str:
    """A name from up to `most` clear traits of columns the clustering used, strongest first.

    `alike` are pairs of columns that tell nearly the same: one of each pair is enough.
    """
    parts: list[str] = []
    columns: list[str] = []
    strong = [t for t in found if t.used and t.clear and abs(t.effect) >= _NAMING
              and (t.kind not in ("share", "word") or t.effect > 0 or t.outside >= 0.5)]
    for trait in strong:
        if abs(trait.effect) < _BEHIND * abs(strong[0].effect) or len(parts) == most:
            break
        if trait.column in columns or any(
                frozenset((trait.column, other)) in alike for other in columns):
            continue
        parts.append(_part(trait))
        columns.append(trait.column)
    return ", ".join(parts) or "near the average"


def unique(names: Sequence[str]) -> list[str]:
    """The names, those met before with a number."""
    found: list[str] = []
    for given in names:
        other, number = given, 1
        while other in found:
            number += 1
            other = f"{given} ({number})"
        found.append(other)
    return found


def sentence(trait: Trait) -> str:
    """What a trait says, without its cluster: "spend is 412 (median) against 96 elsewhere"."""
    column = cut(trait.column, 60)
    if trait.kind == "missing":
        return f"{column} is missing in {share(trait.inside)} against {share(trait.outside)}" \
               " elsewhere"
    if trait.kind in ("share", "word"):
        said = f"{column} mentions {trait.level!r}" if trait.kind == "word" else \
            column if trait.level == "yes" else f"{column} is {cut(str(trait.level), 40)}"
        lift = f", {trait.lift:.1f} times as often" \
            if trait.lift is not None and trait.lift >= 1.95 else ""
        return f"{said} in {share(trait.inside)} against {share(trait.outside)} elsewhere{lift}"
    inside, outside = (_value(x, trait.kind) for x in (trait.inside, trait.outside))
    said = f"{column} is {inside} (median) against {outside} elsewhere;"
    if inside == outside:
        said = f"{column} has the same median, {inside}, here and elsewhere, but"
    chance = trait.superiority or 0.0
    above = "later" if trait.kind == "date" else "higher"
    below = "earlier" if trait.kind == "date" else "lower"
    more, often = (above, chance) if chance >= 0.5 else (below, 1 - chance)
    return f"{said} a member is {more} than another row in {share(often)} of pairs"


def size_of(effect: float) -> str:
    """An effect in a word (Cohen, 1988)."""
    size = abs(effect)
    return "negligible" if size < 0.2 else "small" if size < 0.5 else \
        "middling" if size < 0.8 else "large" if size < 1.5 else "very large"


def share(part: float) -> str:
    """A share in percent; never 0 % or 100 % of what is only nearly that."""
    if 0 < part < 0.0005:
        return "under 0.1 %"
    if 0.9995 < part < 1:
        return "over 99.9 %"
    percent = 100 * part
    digits = 1 if 0 < percent < 9.95 or 99.05 < percent < 100 else 0
    return f"{percent:.{digits}f} %"


def number(value: float) -> str:
    """A number for people: three digits; thousands apart from 10,000 on, as 1998 may be a year."""
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size >= 1e15:
        return f"{value:.3g}"
    if value == int(value) and size < 10_000:
        return str(int(value))
    if size >= 1000:
        return f"{value:,.0f}" if size >= 10_000 else f"{value:.0f}"
    return f"{value:.3g}"


def cut(words: str, most: int = _LONGEST) -> str:
    """A name short enough for a sentence, on one line."""
    plain = " ".join(str(words).split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def _part(trait: Trait) -> str:
    column, high = cut(trait.column), trait.effect > 0
    if trait.kind == "missing":
        return f"{column} {'missing' if high else 'known'}"
    if trait.kind == "date":
        return f"{'late' if high else 'early'} {column}"
    if trait.kind == "number":
        return f"{'high' if high else 'low'} {column}"
    if trait.level == "yes":
        return column if high else f"no {column}"
    level = cut(str(trait.level), 20)
    if trait.kind == "word":
        return f"{level!r} in {column}" if high else f"no {level!r} in {column}"
    return f"{column} {level}" if high else f"{column} not {level}"


def _value(value: float, kind: str) -> str:
    if kind != "date":
        return number(value)
    try:
        when = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=value)
    except OverflowError:
        return number(value)
    return when.strftime("%Y-%m-%d") if value % _FULL_DAY == 0 else when.strftime("%Y-%m-%d %H:%M")
