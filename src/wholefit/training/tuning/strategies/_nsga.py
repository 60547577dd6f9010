"""Choosing by several objectives at once: fronts and crowding (NSGA-II, Deb et al. 2002)."""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = Sequence[float]


def dominates(a: Point, b: Point) -> bool:
    """True if `a` is nowhere worse than `b` and somewhere better; lower is better."""
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(
        x < y for x, y in zip(a, b, strict=True))


def fronts(points: Sequence[Point]) -> list[list[int]]:
    """Places of the points, front by front: those that none dominates, then those that only the
    first dominate, and so on.
    """
    count = len(points)
    below: list[list[int]] = [[] for _ in range(count)]
    above = [0] * count
    for a in range(count):
        for b in range(count):
            if dominates(points[a], points[b]):
                below[a].append(b)
                above[b] += 1
    found = []
    front = [at for at in range(count) if not above[at]]
    while front:
        found.append(front)
        after = []
        for a in front:
            for b in below[a]:
                above[b] -= 1
                if not above[b]:
                    after.append(b)
        front = sorted(after)
    return found


def crowding(points: Sequence[Point]) -> list[float]:
    """How far each point of a front lies from its neighbours; infinity at the ends."""
    found = [0.0] * len(points)
    for axis in range(len(points[0]) if points else 0):
        order = sorted(range(len(points)), key=lambda at: points[at][axis])
        low, high = points[order[0]][axis], points[order[-1]][axis]
        found[order[0]] = found[order[-1]] = math.inf
        if not high > low:
            continue
        for place in range(1, len(order) - 1):
            gap = points[order[place + 1]][axis] - points[order[place - 1]][axis]
            found[order[place]] += gap / (high - low)
    return found


def ranks(points: Sequence[Point]) -> list[tuple[int, float]]:
    """What to sort by, best first: the front, then how lonely a point is in it."""
    found: list[tuple[int, float]] = [(0, 0.0)] * len(points)
    for number, front in enumerate(fronts(points)):
        lonely = crowding([points[at] for at in front])
        for at, width in zip(front, lonely, strict=True):
            found[at] = (number, -width)
    return found
