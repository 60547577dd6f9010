"""Texts as counts of words: every text is split once, whatever number of folds reads it."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import chain

import numpy as np

from wholefit.features._picked import Picked

_WORD = re.compile(r"\w\w+")
_BATCH = 2000
"""Texts split at a time: the lists of strings of one batch are all that is held."""


@dataclass(frozen=True, eq=False)
class Tokens:
    """Counts of words, row by row: row i holds entries starts[i]:starts[i + 1].

    `ids` index `words`, which are sorted; they ascend within a row.
    """

    starts: np.ndarray
    ids: np.ndarray
    counts: np.ndarray
    words: list[str]

    def rows(self, where: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(row of each entry among `where`, its word id, its count)."""
        first, lengths = self.starts[where], self.starts[where + 1] - self.starts[where]
        owner = np.repeat(np.arange(len(where)), lengths)
        shift = first - (np.cumsum(lengths) - lengths)
        entries = np.arange(len(owner)) + np.repeat(shift, lengths)
        return owner, self.ids[entries], self.counts[entries]


def tokens(picked: Picked, column: str) -> Tokens:
    """The tokens of all of a dataset's rows, made once and kept as long as the dataset."""
    return picked.once(("tokens", column), lambda: count(picked.dataset.texts(column)))


def count(texts: list[str | None]) -> Tokens:
    """Lower-case the texts and count their words of two characters or more."""
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    empty = (np.zeros(0, np.int64),) * 3
    parts = [_batch(texts[i:i + _BATCH], numbers) for i in range(0, len(texts), _BATCH)]
    lengths, ids, counts = map(np.concatenate, zip(*(parts or [empty]), strict=True))
    return _sorted(lengths, ids, counts, list(numbers))


def _batch(
    texts: list[str | None], numbers: defaultdict[str, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(distinct words of each text, their numbers, their counts)."""
    found = [_WORD.findall(text.lower()) if text else [] for text in texts]
    lengths = np.fromiter(map(len, found), np.int64, len(found))
    ids = np.fromiter(map(numbers.__getitem__, chain.from_iterable(found)), np.int64)
    owner = np.repeat(np.arange(len(found)), lengths)
    width = max(len(numbers), 1)
    keys, counts = np.unique(owner * width + ids, return_counts=True)
    return np.bincount(keys // width, minlength=len(found)), keys % width, counts


def _sorted(
    lengths: np.ndarray, ids: np.ndarray, counts: np.ndarray, words: list[str]
) -> Tokens:
    """Renumber words by name, and put each row's entries in that order."""
    order = sorted(range(len(words)), key=words.__getitem__)
    rank = np.empty(len(words), np.int64)
    rank[order] = np.arange(len(words))
    ids = rank[ids]
    owner = np.repeat(np.arange(len(lengths)), lengths)
    by_row = np.argsort(owner * max(len(words), 1) + ids)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Tokens(starts, ids[by_row].astype(np.int32), counts[by_row].astype(np.int32),
                  [words[i] for i in order])
