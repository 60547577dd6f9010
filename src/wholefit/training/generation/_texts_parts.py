"""Texts that are learnt from, and those set apart to judge by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wholefit.base.errors import DataError
from wholefit.data import Dataset
from wholefit.training.generation._trials import JUDGED, Options, parted

PIECE = 300
"""Characters of a text that are compared with made ones."""
# Characters of all texts set apart: at most, where there is little time, and for a second of it.
_MOST, _FEW, _A_SECOND = 200_000, 20_000, 5_000
# Characters from which on the end of a text is set apart; such ends are cut into this many pieces
# at least, of so many characters at most.
_LONG, _PIECES, _LARGE = 1000, 10, 2000
# Copies of a text set apart are not learnt from while models are judged, if they are so long.
_OWN = 40
_NOTHING = "too few texts to set some apart: nothing could be judged"


@dataclass(frozen=True, eq=False)
class Texts:
    """All texts, those to learn on, those set apart, and how they were set apart.

    `begun` is False where those set apart are pieces from the middle of texts; `empty` counts rows
    without text, `known` is the share of texts set apart that were learnt from word for word.
    """

    column: str
    all: list[str]
    learn: list[str]
    held: list[str]
    split: str
    begun: bool = True
    empty: int = 0
    known: float = 0.0


def texts_of(
    dataset: Dataset, column: str, options: Options, seed: int, seconds: float = math.inf
) -> Texts:
    """The texts and their parts; an empty one is none. Of texts to be judged by there are as many
    characters as `seconds` allow. DataError where there are none.
    """
    cells = dataset.texts(column)
    there = np.array([at for at, text in enumerate(cells) if text], dtype=np.int64)
    whole = [str(cells[at]) for at in there]
    empty = len(cells) - len(whole)
    if sum(map(len, whole)) < 20:
        raise DataError(f"{column!r} holds {sum(map(len, whole)):,} characters: there is nothing "
                        "to learn to write from.")
    rows, apart = parted(dataset.take(there), options, seed)
    if len(apart):
        held = at_most([whole[at] for at in apart], seconds)
        asked = {whole[at] for at in apart if len(whole[at]) >= _OWN}
        learn = [whole[at] for at in rows if whole[at] not in asked]
        if len(learn) >= JUDGED:
            seen = set(learn)
            known = float(np.mean([whole[at] in seen for at in apart]))
            return Texts(column, whole, learn, held,
                         f"each model learnt from {len(learn):,} texts and was asked about "
                         f"{len(held):,} others", empty=empty, known=known)
    if dataset.groups() is not None:
        return Texts(column, whole, whole, [], _NOTHING, empty=empty)
    return _tails(column, whole, empty, seconds)


def _tails(column: str, whole: list[str], empty: int, seconds: float) -> Texts:
    """Of few long texts the last fifth, in pieces."""
    cuts = [len(text) - len(text) // 5 if len(text) >= _LONG else len(text) for text in whole]
    learn = [text[:cut] for text, cut in zip(whole, cuts, strict=True)]
    tails = [text[cut:] for text, cut in zip(whole, cuts, strict=True)]
    size = int(np.clip(sum(map(len, tails)) // (4 * _PIECES), PIECE, _LARGE))
    pieces = [tail[at:at + size] for tail in tails for at in range(0, len(tail) - size + 1, size)]
    if len(pieces) < _PIECES:
        return Texts(column, whole, whole, [], _NOTHING, empty=empty)
    count = min(len(pieces), max(_PIECES, _most(seconds) // size))
    some = np.linspace(0, len(pieces) - 1, count).astype(np.int64)
    held = [pieces[at] for at in some]
    return Texts(column, whole, learn, held,
                 f"each model learnt from the first four fifths of {len(whole):,} texts and was "
                 f"asked about {len(held):,} pieces of {size:,} characters of the rest",
                 begun=False, empty=empty)


def at_most(texts: Sequence[str], seconds: float = math.inf) -> list[str]:
    """Texts to be judged by: of all the beginning, where together they are too long."""
    share = _most(seconds) // max(len(texts), 1)
    return [text[:max(share, PIECE)] for text in texts]


def _most(seconds: float) -> int:
    """Characters that there is time to judge by."""
    return int(min(_MOST, max(_FEW, _A_SECOND * seconds)))
