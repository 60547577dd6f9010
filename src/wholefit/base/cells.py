"""Cells of networks as words: what an architecture search changes, and what a model is told.

A cell is a list of nodes. A node is an operation and the one or two places that it reads: 0 is what
comes into the cell, 1 the first node, and so on. Two places are added up. What no node reads leaves
the cell, added up.

>>> [node.sources for node in parse(["dense 0", "gated 1 0", "identity 0"], ROWS)]
[(0,), (1, 0), (0,)]
>>> ends(parse(["dense 0", "gated 1 0", "identity 0"], ROWS))
[2, 3]

The last cell is a residual block of sorts: what came in is added to what was made of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wholefit.base.errors import ParameterError, unknown

ROWS: tuple[str, ...] = ("dense", "gated", "narrow", "identity")
"""Operations on rows of numbers."""
PICTURES: tuple[str, ...] = ("conv3", "conv5", "separable3", "separable5", "max3", "average3",
                             "identity")
"""Operations on pictures."""
MOST = 8
"""Nodes of a cell, at most."""


@dataclass(frozen=True)
class Node:
    """One node: its operation, and the places it reads, of which 0 is the cell's input."""

    op: str
    sources: tuple[int, ...]

    def __str__(self) -> str:
        return " ".join([self.op, *map(str, self.sources)])


def parse(cell: Sequence[str], ops: Sequence[str]) -> tuple[Node, ...]:
    """The nodes of a cell in words; ParameterError for one that cannot be."""
    if isinstance(cell, str) or not isinstance(cell, Sequence) or not 1 <= len(cell) <= MOST:
        raise ParameterError(f"a cell must be a list of 1 to {MOST} nodes, such as "
                             f"('{ops[0]} 0',); got {cell!r}.")
    return tuple(_node(text, at, ops) for at, text in enumerate(cell, 1))


def write(nodes: Sequence[Node]) -> tuple[str, ...]:
    """The words of a cell: what `parse` reads."""
    return tuple(map(str, nodes))


def ends(nodes: Sequence[Node]) -> list[int]:
    """Places that no node reads: their sum leaves the cell."""
    read = {source for node in nodes for source in node.sources}
    return [at for at in range(1, len(nodes) + 1) if at not in read]


def _node(text: str, at: int, ops: Sequence[str]) -> Node:
    words = text.split() if isinstance(text, str) else []
    if not 2 <= len(words) <= 3 or not all(_is_place(word, at) for word in words[1:]) or (
            len(words) == 3 and words[1] == words[2]):
        raise ParameterError(
            f"node {at} of a cell must be an operation and one or two different places before it, "
            f"0 to {at - 1}, such as '{ops[0]} 0'; got {text!r}.")
    if words[0] not in ops:
        raise unknown("operation of a cell", words[0], ops)
    return Node(words[0], tuple(int(word) for word in words[1:]))


def _is_place(word: str, at: int) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 3 and int(word) < at
