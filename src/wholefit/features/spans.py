"""Which features of a matrix are what: what a network must know beyond a row of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wholefit.base import steps


@dataclass(frozen=True)
class Span:
    """Features `start` to `stop` of one kind.

    `kind` is "numbers", "codes" (category codes, `levels[i]` different ones of the i-th), "image"
    (pixels of `shape` (channels, height, width), row by row, 0 to 255) or "tokens" (token numbers
    of `shape` (length,), 0 is padding; `levels` is (vocabulary size,); `words`, where tokens are
    words, are those of numbers 2, 3, ...). `column` is where they came from, if one column; of
    numbers given as series see `series_told`.
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


def series_told(spans: Sequence[Span], names: Sequence[str], schema: Any) -> tuple[Span, ...]:
    """The spans; where numbers were given as series, `column` says how many channels a step has.

    It is "series STEPSxCHANNELS" of a span that is the series and nothing else, and "series" where
    other features stand among the numbers, or some of the series do not.
    """
    shape = steps.shape_of(column.format for column in schema.columns)
    if shape is None:
        return tuple(spans)
    whole = len(spans) == 1 and list(names) == steps.names(*shape)
    said = steps.format_of(*shape) if whole else "series"
    return tuple(replace(span, column=said) if span.kind == "numbers" else span for span in spans)
