"""What a text is like, whatever its language: length, words, capitals, digits, readability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from wholefit.base.errors import ParameterError
from wholefit.base.params import param
from wholefit.features.engineer import _cells
from wholefit.features.engineer._step import Step

_WORD = r"[\p{L}\p{M}\p{N}]+(?:['’\-][\p{L}\p{M}\p{N}]+)*"
_LONG = r"[\p{L}\p{M}\p{N}]{7,}"
_CELL = pl.col("column")
_LENGTH = _CELL.str.len_chars()
_WORDS = _CELL.str.count_matches(_WORD)
_SENTENCES = pl.max_horizontal(_CELL.str.count_matches(r"[.!?。！？]+"), pl.lit(1))


def _share(pattern: str) -> pl.Expr:
    return _CELL.str.count_matches(pattern) / pl.max_horizontal(_LENGTH, pl.lit(1))


STATISTICS: dict[str, pl.Expr] = {
    "length": _LENGTH,
    "words": _WORDS,
    "word_length": _CELL.str.count_matches(r"[\p{L}\p{M}\p{N}]")
    / pl.max_horizontal(_WORDS, pl.lit(1)),
    "capitals": _share(r"\p{Lu}"),
    "digits": _share(r"\p{Nd}"),
    "punctuation": _share(r"\p{P}"),
    "unique": _CELL.str.to_lowercase().str.extract_all(_WORD).list.n_unique()
    / pl.max_horizontal(_WORDS, pl.lit(1)),
    "sentences": _SENTENCES,
    "readability": _WORDS / _SENTENCES
    + 100 * _CELL.str.count_matches(_LONG) / pl.max_horizontal(_WORDS, pl.lit(1)),
}
"""Each statistic of a text column "column"; the last is LIX (Björnsson, 1968): words a sentence
plus the percentage of words of more than six letters, which asks no dictionary."""


@dataclass(eq=False, repr=False)
class TextStatistics(Step):
    """Numbers that describe each text; missing where the text is.

    length in characters; words; word_length in letters; the shares of characters that are
    capitals, digits, punctuation; unique, the share of different words; sentences; readability.
    """

    kind: ClassVar[str] = "text"
    summary: ClassVar[str] = "length, words, capitals, digits, punctuation, readability of a text"
    wants: ClassVar[str] = "frame"

    statistics: Sequence[str] | None = param(
        None, f"Some of {', '.join(STATISTICS)}; all.", none=True)

    def _learn(self, values: Any, y: np.ndarray | None) -> None:
        for name in self.statistics or ():
            if name not in STATISTICS:
                raise ParameterError(f"TextStatistics.statistics must be some of "
                                     f"{', '.join(STATISTICS)}; got {name!r}.")

    def _make(self, values: Any) -> np.ndarray:
        made = []
        for column in values.get_columns():
            found = pl.DataFrame({"column": _cells.labels(column)}).select(
                [STATISTICS[name].cast(pl.Float64).alias(name) for name in self._wanted()])
            made.append(found.to_numpy())
        return np.concatenate(made, axis=1)

    def _called(self, names: list[str]) -> list[str]:
        return [f"{name}.{statistic}" for name in names for statistic in self._wanted()]

    def _wanted(self) -> list[str]:
        return list(dict.fromkeys(self.statistics or STATISTICS))
