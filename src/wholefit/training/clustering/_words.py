"""Clusters in words: a name from the strongest traits, and a plain sentence for each trait."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence

from wholefit.training.clustering._traits import Trait

# A trait of this effect may name a cluster; the second and third not far behind the first.
_NAMING, _BEHIND = 0.5, 0.45
_LONGEST = 28
_FULL_DAY = 86_400


def names(
    clusters: Sequence[Sequence[Trait]], alike: Sequence[frozenset[str]], most: int = 3
) -> list[str]:
    """A name for each cluster, no two the same, from its clear traits, strongest first.

    `alike` are pairs of columns that tell nearly the same: one of each pair is enough. Where two
    clusters would be called the same, what only one of them has is added, else a number.
    """
    parts = [_parts(found, alike) for found in clusters]
    firsts = [_firsts(each, most) for each in parts]
    for twins in _twins(firsts):
        for at, columns in _ends({at: clusters[at] for at in twins}).items():
            parts[at] = _parts(clusters[at], alike, columns)
            firsts[at] = _firsts(parts[at], most)
    for twins in _twins(firsts):
        for at in twins:
            known = {part for other in twins if other != at for part, _ in parts[other]}
            own = [part for part, _ in parts[at] if part not in known and part not in firsts[at]]
            firsts[at] = (*firsts[at], *own[:1])
    found: list[str] = []
    for first in firsts:
        found.append(_numbered(", ".join(first), found))
    return found


def _firsts(parts: Sequence[tuple[str, bool]], most: int) -> tuple[str, ...]:
    return tuple(part for part, strong in parts if strong)[:most] or ("near the average",)


def _twins(firsts: Sequence[tuple[str, ...]]) -> list[list[int]]:
    """Groups of places that would be called the same."""
    groups: dict[frozenset[str], list[int]] = {}
    for at, first in enumerate(firsts):
        groups.setdefault(frozenset(first), []).append(at)
    return [group for group in groups.values() if len(group) > 1]


def _ends(clusters: Mapping[int, Sequence[Trait]]) -> dict[int, frozenset[str]]:
    """The columns of numbers and dates in which a cluster lies farthest out of several."""
    found: dict[tuple[str, bool], list[tuple[float, int]]] = {}
    for at, traits in clusters.items():
        for t in traits:
            if t.used and t.clear and t.kind in ("number", "date"):
                high = t.effect > 0
                found.setdefault((t.column, high), []).append((t.inside if high else -t.inside, at))
    ends: dict[int, set[str]] = {}
    for (column, _), places in found.items():
        (most, at), (next_, _) = [*sorted(places, reverse=True), (math.nan, -1)][:2]
        if most > next_:
            ends.setdefault(at, set()).add(column)
    return {at: frozenset(columns) for at, columns in ends.items()}


def _parts(
    found: Sequence[Trait], alike: Sequence[frozenset[str]],
    ends: frozenset[str] = frozenset(),
) -> list[tuple[str, bool]]:
    """What may name a cluster, one of a column, and whether it is strong enough."""
    fit = [t for t in found if t.used and t.clear
           and (t.kind not in ("share", "word") or t.effect > 0 or t.outside >= 0.5)]
    fit = [t for t in fit if t.kind != "missing"] or [t for t in fit if t.kind == "missing"][:1]
    fit.sort(key=lambda t: t.kind in ("share", "word") and t.effect < 0)  # what is not there last
    parts: list[tuple[str, bool]] = []
    columns: list[str] = []
    for trait in fit:
        if trait.column in columns or any(
                frozenset((trait.column, other)) in alike for other in columns):
            continue
        strong = abs(trait.effect) >= max(_NAMING, _BEHIND * abs(fit[0].effect))
        parts.append((_part(trait, trait.column in ends), strong))
        columns.append(trait.column)
    return parts


def _numbered(said: str, taken: Sequence[str]) -> str:
    other, number = said, 1
    while other in taken:
        number += 1
        other = f"{said} ({number})"
    return other


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
    """A share in percent; never 0% or 100% of what is only nearly that."""
    if 0 < part < 0.0005:
        return "under 0.1%"
    if 0.9995 < part < 1:
        return "over 99.9%"
    percent = 100 * part
    digits = 1 if 0 < percent < 9.95 or 99.05 < percent < 100 else 0
    return f"{percent:.{digits}f}%"


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


def _part(trait: Trait, end: bool) -> str:
    """One trait as a piece of a name; `end` where no other cluster lies as far out."""
    column, high = cut(trait.column), trait.effect > 0
    if trait.kind == "missing":
        return f"{column} {'missing' if high else 'known'}"
    if trait.kind == "date":
        word = "late" if high else "early"
        return f"{'latest' if end and high else 'earliest' if end else word} {column}"
    if trait.kind == "number":
        return f"{'high' if high else 'low'}{'est' if end else ''} {column}"
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
