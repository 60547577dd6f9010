"""From an encoded feature back to the user's column: its units, its levels, its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.explain.inside._numbers import cut
from wholefit.features._categories import OneHot, Ordinal
from wholefit.features._numeric import Numeric

_LISTED = 4
NUMBER, FLAG, PRODUCT, LEVEL, CODE, OTHER = (
    "number", "flag", "product", "level", "code", "other")


@dataclass(frozen=True)
class Feature:
    """One feature of the encoded matrix.

    `kind`: a number as (value - centre) / scale; a flag of missing values; a product of numbers;
    a 0/1 level; a code of `levels`; other (text, components). `gaps` says that values were missing
    in training; `yes_no` that the column holds truth values.
    """

    name: str
    column: str
    kind: str
    centre: float = 0.0
    scale: float = 1.0
    levels: tuple[str, ...] = ()
    gaps: bool = False
    yes_no: bool = False

    def at_most(self, bound: float) -> str:
        """The condition "value <= bound" in words."""
        return self._side(bound, True)

    def above(self, bound: float) -> str:
        """The condition "value > bound" in words."""
        return self._side(bound, False)

    def among(self, codes: Sequence[int]) -> str:
        """The condition that the level is one of these."""
        return listed(self.name, [self.level(code) for code in codes])

    def level(self, code: int) -> str:
        """A level's name."""
        return repr(self.levels[code]) if 0 <= code < len(self.levels) else "(other)"

    def missing(self) -> str:
        """The condition that the value is missing."""
        return f"{self.name} is missing"

    def _side(self, bound: float, low: bool) -> str:
        if self.kind == CODE:
            many = max(len(self.levels), int(np.floor(bound)) + 1)
            last = int(np.floor(bound))
            return self.among(range(last + 1) if low else range(last + 1, many))
        if self.kind == LEVEL:
            column, _, word = self.name.partition("=")
            return f"{column} is {'not ' if low else ''}{word!r}"
        if self.kind == FLAG:
            return f"{self.column} is {'not ' if low else ''}missing"
        if self.yes_no and 0 <= bound < 1:
            return f"{self.name} is {'false' if low else 'true'}"
        return f"{self.name} {'<=' if low else '>'} {cut(bound * self.scale + self.centre)}"


def listed(name: str, words: Sequence[str]) -> str:
    """ "job is 'a'", "job is 'a' or 'b'", "job is one of 'a', 'b', 'c' and 9 more"."""
    if len(words) == 1:
        return f"{name} is {words[0]}"
    if len(words) == 2:
        return f"{name} is {words[0]} or {words[1]}"
    more = f" and {len(words) - _LISTED} more" if len(words) > _LISTED else ""
    return f"{name} is one of {', '.join(words[:_LISTED])}{more}"


def features(encoder: Any, schema: Any, width: int) -> list[Feature]:
    """What each feature of the encoded matrix stands for; by name alone where it is not known."""
    names = list(getattr(encoder, "names", []))
    if len(names) != width:
        return [Feature(f"feature {at + 1}", f"feature {at + 1}", OTHER) for at in range(width)]
    made = {one.name: one for one in _made(encoder, schema)}
    sources = list(encoder.sources)
    return [made.get(name) or Feature(name, source, OTHER)
            for name, source in zip(names, sources, strict=True)]


def _made(encoder: Any, schema: Any) -> list[Feature]:
    """Every feature that the blocks make, before any are selected."""
    found: list[Feature] = []
    for block in getattr(encoder, "_blocks", []):
        if isinstance(block, Numeric):
            found += _numbers(block, schema)
        elif isinstance(block, OneHot):
            found += [Feature(name, source, LEVEL) for name, source in
                      zip(block.names, block.sources, strict=True)]
        elif isinstance(block, Ordinal):
            found += [Feature(levels.column, levels.column, CODE, levels=tuple(levels.kept),
                              gaps=levels.missing) for levels in block.columns]
        else:
            found += [Feature(name, source, OTHER) for name, source in
                      zip(block.names, block.sources, strict=True)]
    names = list(getattr(encoder, "made", encoder.names))
    # A name that stands twice was changed when the blocks were put together.
    return [one if one.name == name else _named(one, name)
            for one, name in zip(found, names, strict=True)] if len(names) == len(found) else found


def _named(one: Feature, name: str) -> Feature:
    import dataclasses

    return dataclasses.replace(one, name=name)


def _numbers(block: Numeric, schema: Any) -> list[Feature]:
    learnt, flags = block.learnt, _truths(schema)
    found = [Feature(name, source, NUMBER, float(centre), float(scale),
                     gaps=bool(missing > 0), yes_no=name in flags)
             for name, source, centre, scale, missing in zip(
                 block._plain, block._owners, learnt.centre, learnt.scale, learnt.missing,
                 strict=True)]
    names, sources = block.names[len(found):], block.sources[len(found):]
    flagged = len(block.flagged)
    found += [Feature(name, source, FLAG if at < flagged else PRODUCT)
              for at, (name, source) in enumerate(zip(names, sources, strict=True))]
    return found


def _truths(schema: Any) -> set[str]:
    return {column.name for column in getattr(schema, "columns", ()) if column.role == "boolean"}
