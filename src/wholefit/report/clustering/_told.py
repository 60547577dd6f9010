"""What a clustering told, as its page and its sentences read it; parts that it left out are None.

Shapes are those of `training/clustering.py`; what a file holds was not made to be trusted, so
rows that do not fit are left out rather than drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from wholefit.training.found import Found


class Told:
    """Reads `Found.told` of a clustering."""

    def __init__(self, found: Found) -> None:
        self.told = found.told
        self.described: dict[str, Any] = found.told.get("described") or {}

    @property
    def clusters(self) -> list[dict[str, Any]]:
        """Clusters with their sizes and descriptions, by code."""
        described = {c["code"]: c for c in self.described.get("clusters", [])}
        found = []
        for each in self.told.get("clusters") or []:
            code = int(each["code"])
            plain = {"name": f"cluster {code}", "said": "", "traits": [], "sentences": [],
                     "exemplars": [], "borders": [], "cautions": []}
            found.append({**plain, **described.get(code, {}), "code": code,
                          "size": int(each["size"]), "share": float(each["share"])})
        return sorted(found, key=lambda c: c["code"])

    @property
    def none(self) -> bool:
        """Whether the answer is that there are no clusters."""
        return len(self.told.get("clusters") or []) < 2

    @property
    def null(self) -> dict[str, Any]:
        """The test against data without clusters."""
        return self.told.get("null") or {}

    @property
    def points(self) -> list[tuple[float, float, int]]:
        """Sampled rows on two axes: (x, y, cluster)."""
        rows = self.told.get("points") or []
        return [(float(p[0]), float(p[1]), int(p[2])) for p in rows if _numbers(p, 3)]

    @property
    def centroids(self) -> list[tuple[int, float, float]]:
        """(cluster, x, y), in the order of the clusters."""
        rows = self.told.get("centroids") or []
        codes = [c["code"] for c in self.clusters]
        found = []
        for at, row in enumerate(rows):
            if len(row) == 3 and _numbers(row, 3):
                found.append((int(row[2]), float(row[0]), float(row[1])))
            elif _numbers(row, 2) and at < len(codes):
                found.append((codes[at], float(row[0]), float(row[1])))
        return found

    @property
    def axes(self) -> tuple[str, str]:
        """The names of the two axes, with the share of the spread that each shows."""
        shares = self.told.get("axes") or []
        names = ("first principal axis", "second principal axis")
        said = [f"{name} ({100 * float(share):.0f}% of the spread)"
                if isinstance(share, (int, float)) else name
                for name, share in zip(names, [*shares, None, None], strict=False)]
        return said[0], said[1]

    @property
    def choice(self) -> list[tuple[float | None, ...]]:
        """(k, silhouette, low, high, gap, gap_se, bic, inertia, stability, low, high)."""
        rows = self.told.get("choice") or []
        return [tuple(_known(x) for x in row) for row in rows
                if isinstance(row, (list, tuple)) and len(row) >= 11 and _known(row[0])]

    @property
    def tree(self) -> list[list[float]]:
        """Linkage rows (a, b, height, size), those of a whole tree or none."""
        rows = self.told.get("tree") or []
        rows = rows.get("rows") or rows.get("linkage") or [] if isinstance(rows, dict) else rows
        return [list(row) for row in rows] if _is_tree(rows) else []

    @property
    def k_distance(self) -> tuple[list[tuple[float, float]], float | None]:
        """The curve as (share of rows, distance), and eps."""
        stored = self.told.get("k_distance") or {}
        curve = list(stored.get("curve") or [])
        if curve and isinstance(curve[0], (list, tuple)):
            most = max(float(p[0]) for p in curve) or 1.0
            scale = most if most > 1 else 1.0
            points = [(float(p[0]) / scale, float(p[1])) for p in curve if _numbers(p, 2)]
        else:
            last = max(len(curve) - 1, 1)
            points = [(at / last, float(v)) for at, v in enumerate(curve) if _known(v) is not None]
        return sorted(points), _known(stored.get("eps"))

    @property
    def silhouettes(self) -> list[tuple[int, list[float]]]:
        """(cluster, silhouettes of some members, highest first)."""
        codes = [c["code"] for c in self.described.get("clusters", [])]
        bars = self.described.get("silhouettes") or []
        return [(code, list(map(float, values))) for code, values in
                zip(codes, bars, strict=False) if values]


def _known(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _numbers(row: Any, most: int) -> bool:
    return isinstance(row, (list, tuple)) and len(row) >= most and all(
        _known(x) is not None for x in row[:most])


def _is_tree(rows: Sequence[Any]) -> bool:
    """Whether rows join nodes that are there already, each once."""
    n = len(rows) + 1
    joined = [int(x) for row in rows if _numbers(row, 4) for x in row[:2]]
    return 2 <= len(rows) == len(joined) / 2 and sorted(joined) == list(range(2 * n - 2)) and all(
        max(row[:2]) < n + at for at, row in enumerate(rows))
