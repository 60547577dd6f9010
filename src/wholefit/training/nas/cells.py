"""Cells as a dimension of a search: all there are up to a size, each once, and how one changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from wholefit.base import cells
from wholefit.base.cells import Node
from wholefit.base.errors import ParameterError
from wholefit.training.tuning.dimensions import Choice

Cell = tuple[str, ...]
# Operations that learn nothing: a cell must have another.
_IDLE = frozenset({"identity", "max3", "average3"})
_MOST = 3


@dataclass(frozen=True)
class Cells(Choice):
    """Every cell of these operations with at most `most` nodes that is no other one renumbered.

    `changed` and `crossed` are what evolution does to a cell: it alters one operation or one edge,
    adds or takes a node; a child has the first nodes of one parent and the last of the other.
    """

    options: tuple[Cell, ...] = field(default=(), repr=False)
    ops: tuple[str, ...] = cells.ROWS
    most: int = _MOST

    @classmethod
    def of(cls, ops: Sequence[str], most: int = _MOST) -> Cells:
        """The dimension; ParameterError for a size whose cells are too many to list."""
        if not 1 <= most <= _MOST:
            raise ParameterError(f"nodes of a cell must be 1 to {_MOST}; got {most!r}.")
        return cls(listed(tuple(ops), most), tuple(ops), most)

    def steps(self, most: int) -> tuple[Cell, ...]:
        """At most `most` of them, evenly from the list."""
        count = min(most, len(self.options))
        return tuple(self.at((place + 0.5) / count) for place in range(count))

    def to_json(self) -> dict[str, Any]:
        """What is listed, not the list."""
        return {"kind": "cells", "operations": list(self.ops), "nodes": self.most,
                "count": len(self.options)}

    def changed(self, cell: Cell, rng: np.random.Generator) -> Cell:
        """A cell that is one step away."""
        found = sorted(self._near(cell))
        return found[int(rng.integers(len(found)))] if found else cell

    def crossed(self, a: Cell, b: Cell, rng: np.random.Generator) -> Cell:
        """The first nodes of one and those after them of the other."""
        first, second = (a, b) if rng.random() < 0.5 else (b, a)
        cut = int(rng.integers(1, len(first) + 1))
        return self._known((*first[:cut], *second[cut:])) or first

    def place(self, value: Any) -> float:
        """The middle of the cell's share."""
        numbers = _numbers(self.ops, self.most)
        if not isinstance(value, tuple) or value not in numbers:
            raise ParameterError(f"must be a cell of at most {self.most} nodes of the operations "
                                 f"{', '.join(self.ops)}, as the list has it; got {value!r}.")
        return (numbers[value] + 0.5) / len(self.options)

    def _near(self, cell: Cell) -> set[Cell]:
        nodes = list(cells.parse(cell, self.ops))
        made: list[list[Node]] = []
        for at, node in enumerate(nodes):
            others = [Node(op, node.sources) for op in self.ops]
            others += [Node(node.op, sources) for sources in _sources(at + 1)]
            made += [[*nodes[:at], other, *nodes[at + 1:]] for other in others]
        if len(nodes) < self.most:
            made += [[*nodes, Node(op, sources)] for op in self.ops
                     for sources in _sources(len(nodes) + 1)]
        if len(nodes) > 1:
            made.append(nodes[:-1])
        known = {self._known(cells.write(each)) for each in made}
        return {each for each in known if each is not None and each != cell}

    def _known(self, cell: object) -> Cell | None:
        """The cell of the list that this one is; None for what is not in it."""
        try:
            nodes = cells.parse(cell, self.ops)  # type: ignore[arg-type]
        except (ParameterError, LookupError):
            return None
        return _by_shape(self.ops, self.most).get(shape(nodes))


@cache
def listed(ops: tuple[str, ...], most: int) -> tuple[Cell, ...]:
    """All cells, the smallest first."""
    return tuple(_by_shape(ops, most).values())


@cache
def _numbers(ops: tuple[str, ...], most: int) -> dict[Cell, int]:
    return {cell: number for number, cell in enumerate(listed(ops, most))}


@cache
def _by_shape(ops: tuple[str, ...], most: int) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for count in range(1, most + 1):
        for nodes in _all(ops, count):
            if any(node.op not in _IDLE for node in nodes):
                found.setdefault(shape(nodes), cells.write(nodes))
    return found


def _all(ops: tuple[str, ...], count: int) -> Iterator[tuple[Node, ...]]:
    if count == 0:
        yield ()
        return
    for before in _all(ops, count - 1):
        for op in ops:
            for sources in _sources(count):
                yield (*before, Node(op, sources))


def _sources(at: int) -> list[tuple[int, ...]]:
    """What node `at` may read: one place before it, or two."""
    places = range(at)
    return [*((place,) for place in places), *combinations(places, 2)]


def shape(nodes: Sequence[Node]) -> str:
    """Text that is equal for cells that compute the same sums of the same operations.

    How nodes are numbered, in which order two places are read, and what is handed on as it is,
    makes no difference.
    """
    known = ["0"]
    for node in nodes:
        inside = "+".join(sorted(known[source] for source in node.sources))
        handed_on = node.op == "identity" and len(node.sources) == 1
        known.append(inside if handed_on else f"{node.op}({inside})")
    ends: Sequence[int] = cells.ends(nodes)
    if len(ends) == 1 and nodes[-1].op == "identity":
        ends = nodes[-1].sources
    return "+".join(sorted(known[at] for at in ends))
