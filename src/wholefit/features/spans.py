"""Which features of a matrix are what: what a network must know beyond a row of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Span:
    """Features `start` to `stop` of one kind.

    `kind` is "numbers", "codes" (category codes, `levels[i]` different ones of the i-th), "image"
    (pixels of `shape` (channels, height, width), row by row, 0 to 255) or "tokens" (token numbers
    of `shape` (length,), 0 is padding; `levels` is (vocabulary size,); `words`, where tokens are
    words, are those of numbers 2, 3, ...).
    """

    kind: str
    start: int
    stop: int
    shape: tuple[int, ...] = ()
    levels: tuple[int, ...] = ()
    column: str = ""
    words: tuple[str, ...] = field(default=(), compare=False, repr=False)


def runs(features: int, codes: Sequence[int], levels: Sequence[int]) -> tuple[Span, ...]:
    """Spans of `features` features of which those at `codes` hold category codes."""
    known = dict(zip(codes, levels, strict=True))
    found: list[Span] = []
    for at in range(features):
        kind = "codes" if at in known else "numbers"
        sizes = (known[at],) if at in known else ()
        if found and found[-1].kind == kind:
            last = found.pop()
            found.append(Span(kind, last.start, at + 1, levels=last.levels + sizes))
        else:
            found.append(Span(kind, at, at + 1, levels=sizes))
    return tuple(found)
