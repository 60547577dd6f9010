"""Why a replay may differ: what stands behind two runs, held side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_NAMES = {"wholefit": "wholefit", "python": "Python", "platform": "the system"}
# What the hash of the rows is made with: with another version equal rows may hash otherwise.
HASHES = "polars"


def reasons(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Sentences on what is otherwise: versions, threads, the machine; none where all is alike.

    `before` and `after` are lineages. What one of them does not know is not compared.
    """
    return (*_libraries(before, after), *_threads(before, after), *_places(before, after))


def _libraries(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in ("wholefit", "python"):
        if name in before and before[name] != after.get(name):
            yield f"{_NAMES[name]} was {before[name]} and is {after.get(name)}."
    was, now = before.get("libraries") or {}, after.get("libraries") or {}
    for name in sorted({*was} & {*now}):
        if was[name] != now[name]:
            yield f"{name} was {was[name]} and is {now[name]}."


def _threads(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    was, now = before.get("jobs"), after.get("jobs")
    if was is not None and was != now:
        yield (f"it ran on {was} thread{'s' * (was != 1)} and now on {now}: sums that threads "
               "share are added in another order.")
    was, now = before.get("threads") or {}, after.get("threads") or {}
    for name in sorted({*was} & {*now}):
        if was[name] != now[name]:
            yield (f"{name} was {was[name]} and is {now[name]}, which limits threads or changes "
                   "how sums are added.")


def _places(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    was, now = before.get("machine") or {}, after.get("machine") or {}
    for name in sorted({*was} & {*now}):
        if was[name] != now[name]:
            yield (f"{name} was {was[name]} and is {now[name]}: arithmetic is rounded otherwise by "
                   "other processors.")
    if "platform" in before and before["platform"] != after.get("platform"):
        yield f"{_NAMES['platform']} was {before['platform']} and is {after.get('platform')}."
