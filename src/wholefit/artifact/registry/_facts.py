"""What a registry says of a version without opening its file: a few plain facts of its record."""

from __future__ import annotations

import math
from typing import Any

from wholefit.artifact.read import Package


def of_record(package: Package) -> dict[str, Any]:
    """Task, target, model, score and lineage of an artifact, as far as its record tells them."""
    record = package.record
    model, schema, lineage = (_dict(record.get(name)) for name in ("model", "schema", "lineage"))
    found = {
        "task": record.get("task"), "target": schema.get("target"), "model": model.get("name"),
        "metric": record.get("metric"), "rows": lineage.get("rows"),
        "data_hash": lineage.get("data_hash"), "made": lineage.get("made"),
        "wholefit": lineage.get("wholefit"), "contents": package.sha256,
        "score": _score(record),
    }
    return {name: value for name, value in found.items() if _plain(value)}


def _score(record: dict[str, Any]) -> dict[str, Any] | None:
    """The comparing metric of the model that answers: value, low, high."""
    for entry in record.get("leaderboard") or ():
        if _dict(entry).get("recommended"):
            score = _dict(_dict(_dict(entry).get("scores")).get(record.get("metric")))
            return {name: score.get(name) for name in ("value", "low", "high")} or None
    return None


def _dict(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _plain(value: Any) -> bool:
    """Text, or a number that JSON has; None is left out."""
    if isinstance(value, dict):
        return all(each is None or isinstance(each, str) or _plain(each)
                   for each in value.values())
    if isinstance(value, bool):
        return False
    return isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))
