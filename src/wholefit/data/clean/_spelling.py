"""Which words of a column are other writings, or misspellings, of one word; with the evidence."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from wholefit.data.clean import _edits
from wholefit.data.clean._fuzzy import folded_key

# Parts of a word end at punctuation, and where small letters are followed by a capital.
_WORDS = re.compile(r"[^\W\d_A-Z]+|[A-Z]+[^\W\d_A-Z]*|[0-9]+")
_LONGEST = 60
_ONE, _TWO = 5, 9       # letters that a word must have for one edit, and for two


@dataclass(frozen=True)
class Merge:
    """`wrong` (in `rows` rows) is `right` (in `more` rows), and why."""

    wrong: str
    right: str
    rows: int
    more: int
    why: str

    def __str__(self) -> str:
        return f"{self.wrong!r} ({self.rows:,}) is {self.right!r} ({self.more:,}): {self.why}"


def folded(word: str) -> str:
    """A word without case, accents, spaces and punctuation."""
    return folded_key(word).replace(" ", "")


def merges(column: pl.Series, *, near: bool, times: float, most: int) -> list[Merge]:
    """What to merge in a text column; nothing where it has more than `most` different words."""
    counts = column.drop_nulls().alias("word").value_counts(name="rows")
    if counts.height < 2 or counts.height > most:
        return []
    counts = counts.sort(["rows", "word"], descending=[True, False])
    words, rows = counts["word"].to_list(), counts["rows"].to_list()
    found = _same_letters(words, rows)
    if near:
        gone = {merge.wrong for merge in found}
        joined: dict[str, int] = {word: count for word, count in zip(words, rows, strict=True)
                                  if word not in gone}
        for merge in found:
            joined[merge.right] += merge.rows
        misspelt = _misspelt(joined, times)
        onward = {merge.wrong: merge for merge in misspelt}
        found = [Merge(m.wrong, onward[m.right].right, m.rows, onward[m.right].more,
                       f"as {m.right!r}, {onward[m.right].why}") if m.right in onward else m
                 for m in found] + misspelt
    return found


def _same_letters(words: list[str], rows: list[int]) -> list[Merge]:
    """Writings that fold to the same letters; the most frequent one stays."""
    first: dict[str, int] = {}
    found = []
    for at, word in enumerate(words):
        letters = folded(word)
        if not letters or _signed(word):
            continue
        if letters in first:
            best = first[letters]
            found.append(Merge(word, words[best], rows[at], rows[best], "the same letters"))
        else:
            first[letters] = at
    return found


def _signed(word: str) -> bool:
    """Numbers in text: "-5" and "5", "1.5" and "15" have the same letters and are not the same."""
    return not any(letter.isalpha() for letter in word) or bool(re.search(r"[<>+±=#&|%$€£]", word))


def _misspelt(counts: dict[str, int], times: float) -> list[Merge]:
    """Rare words that are one or two edits from a much more frequent one."""
    words = [word for word in counts if _ONE <= len(word) <= _LONGEST]
    if len(words) < 2:
        return []
    rows = np.array([counts[word] for word in words])
    low = [word.casefold() for word in words]
    pairs = _neighbours(low)
    if not len(pairs):
        return []
    lighter = rows[pairs[:, 0]] < rows[pairs[:, 1]]
    wrong = np.where(lighter, pairs[:, 0], pairs[:, 1])
    right = np.where(lighter, pairs[:, 1], pairs[:, 0])
    often = rows[right] >= times * rows[wrong]
    wrong, right = wrong[often], right[often]
    codes, lengths = _edits.coded(low)
    bound = np.where(np.minimum(lengths[wrong], lengths[right]) >= _TWO, 2, 1)
    edits = _edits.distances(codes, lengths, wrong, right, bound)
    best: dict[int, tuple[int, int, int]] = {}
    for w, r, e, b in zip(wrong.tolist(), right.tolist(), edits.tolist(), bound.tolist(),
                          strict=True):
        if e <= b and _alike(words[w], words[r]):
            best[w] = min(best.get(w, (99, 0, 0)), (e, -int(rows[r]), r))
    return [Merge(words[w], words[r], int(rows[w]), int(rows[r]),
                  f"{e} {'letter' if e == 1 else 'letters'} away, and "
                  f"{rows[r] / rows[w]:.0f} times as frequent")
            for w, (e, _, r) in sorted(best.items()) if r not in best]


def _neighbours(words: list[str]) -> np.ndarray:
    """Pairs that may lie within two edits: words that agree once up to two letters are left out.

    For two edits only of long words; so that the number of keys stays small, words of the same
    beginning or the same end are compared, for two edits rarely touch both halves.
    """
    blocks: dict[tuple[str, str], list[int]] = {}
    for at, word in enumerate(words):
        for gone in range(1, len(word)):
            blocks.setdefault(("cut", word[:gone] + word[gone + 1:]), []).append(at)
        blocks.setdefault(("cut", word), []).append(at)
        if len(word) >= _TWO - 2:
            half = len(word) // 2
            for size in {half - 1, half, half + 1}:
                blocks.setdefault((f"{word[0]} start", word[:size]), []).append(at)
                blocks.setdefault((f"{word[0]} end", word[-size:]), []).append(at)
    found: set[tuple[int, int]] = set()
    for members in blocks.values():
        if 1 < len(members) <= 200:
            unique = sorted(set(members))
            found.update((a, b) for i, a in enumerate(unique) for b in unique[i + 1:])
    return np.array(sorted(found), dtype=np.int64).reshape(-1, 2)


def _alike(a: str, b: str) -> bool:
    """False for pairs that are near by letters and yet different things.

    Each part must be the same or a slip by itself: "Very_Poor" is not "Very_Good".
    """
    if _digits(a) != _digits(b):
        return False
    mine, yours = ([part.casefold() for part in _WORDS.findall(word)] for word in (a, b))
    if len(mine) != len(yours):
        # A space was lost or won too: then the letters alone must speak for it.
        return _slip("".join(mine), "".join(yours))
    # Beside other parts that agree, a shorter part may have lost or swapped a letter.
    least = _ONE if len(mine) == 1 or len(a) < _TWO else _ONE - 1
    return all(x == y or _slip(x, y, least) for x, y in zip(mine, yours, strict=True))


def _slip(a: str, b: str, least: int = _ONE) -> bool:
    """True if one may be a misspelling of the other: long enough, and with the same beginning.

    Of up to five letters, only a lost one and a swap of two count, the latter alone where the
    whole word is so short: "black" is not "block". A word with an ending is not a slip:
    "Nigeria" is not "Niger".
    """
    shorter = min(len(a), len(b))
    if shorter < least or a[0] != b[0] or a.startswith(b) or b.startswith(a):
        return False
    if shorter > _ONE:
        return True
    return sorted(a) == sorted(b) or (least < _ONE and len(a) != len(b))


def _digits(word: str) -> str:
    return "".join(letter for letter in word if letter.isdigit())
