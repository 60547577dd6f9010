"""Text: words weighted by how telling they are (TF-IDF), or a few directions of them.

The words kept are those in the largest number of training texts, ties by name. Weights follow
Salton & Buckley (1988) with a smooth idf, ln((1 + texts) / (1 + texts with the word)) + 1, and
rows of length one; directions are the leading right singular vectors of the training rows
(Deerwester et al. 1990).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.features._picked import Picked
from wholefit.features._tokens import Tokens, tokens
from wholefit.features.encoding import Encoding

KIND = "encoder.text"
_SMALL = 400
"""Below this many rows or words the whole decomposition is as quick as the truncated one."""

Entries = tuple[np.ndarray, np.ndarray, np.ndarray]


class Text:
    """One text column as TF-IDF weights of `words`, or as their products with `directions`.

    `directions` is (directions, words) or None. A missing text has zeros throughout.
    """

    def __init__(
        self, column: str, words: list[str], idf: np.ndarray, directions: np.ndarray | None,
        density: float,
    ) -> None:
        self.column, self.words, self.idf, self.density = column, words, idf, density
        self.directions = directions
        self._across = None if directions is None else np.ascontiguousarray(directions.T)
        self._known: tuple[list[str], np.ndarray] | None = None

    @property
    def names(self) -> list[str]:
        """"review~word", or "review^3" for the third direction."""
        if self.directions is None:
            return [f"{self.column}~{word}" for word in self.words]
        return [f"{self.column}^{i + 1}" for i in range(len(self.directions))]

    @property
    def sources(self) -> list[str]:
        """The text column, once a feature."""
        return [self.column] * (len(self.words) if self.directions is None
                                else len(self.directions))

    def filled(self) -> float:
        """Expected number of entries of a row that are not zero."""
        return self.density if self.directions is None else float(len(self.directions))

    def entries(self, picked: Picked, span: slice) -> Entries:
        """(row, word, weight) of every word that occurs, row by row, words ascending."""
        found = tokens(picked, self.column)
        owner, ids, counts = found.rows(picked.where(span))
        word = self._places(found).take(ids)
        kept = word >= 0
        owner, word = owner[kept], word[kept]
        weight = counts[kept] * self.idf[word]
        norm = np.sqrt(np.bincount(owner, weight * weight, minlength=span.stop - span.start))
        return owner, word, weight / norm[owner]

    def write(self, picked: Picked, span: slice, out: np.ndarray) -> None:
        """Fill `out` (rows, features)."""
        owner, word, weight = self.entries(picked, span)
        out[:] = 0
        if self._across is None:
            out[owner, word] = weight
        elif len(owner):
            # summed row by row, so that a row's answer never depends on its neighbours
            starts = np.flatnonzero(np.diff(owner, prepend=-1))
            products = self._across[word] * weight[:, None]
            out[owner[starts]] = np.add.reduceat(products, starts, axis=0)

    def _places(self, found: Tokens) -> np.ndarray:
        if self._known is None or self._known[0] is not found.words:
            place = {word: i for i, word in enumerate(self.words)}
            table = np.array([place.get(word, -1) for word in found.words], dtype=np.int64)
            self._known = (found.words, table)
        return self._known[1]

    def state(self) -> State:
        """Words as config, weights and directions as arrays."""
        config: dict[str, Any] = {"column": self.column, "words": self.words,
                                  "density": self.density}
        arrays = {"idf": self.idf}
        if self.directions is not None:
            arrays["directions"] = self.directions
        return State(KIND, config, arrays)

    @classmethod
    def from_state(cls, state: State) -> Text:
        """The block that `state` describes."""
        return cls(state.config["column"], list(state.config["words"]), state.arrays["idf"],
                   state.arrays.get("directions"), state.config["density"])


def learn(picked: Picked, column: str, encoding: Encoding, seed: int) -> Text | None:
    """Words, weights and directions of a column; None when its training rows have no word."""
    found = tokens(picked, column)
    whole = slice(0, picked.size)
    _, ids, _ = found.rows(picked.where(whole))
    texts_with = np.bincount(ids, minlength=len(found.words))
    frequent = np.argsort(-texts_with, kind="stable")[:encoding.words]
    kept = np.sort(frequent[texts_with[frequent] > 0])
    if not len(kept):
        return None
    idf = np.log((1 + picked.size) / (1 + texts_with[kept])) + 1
    density = float(texts_with[kept].sum() / picked.size)
    block = Text(column, [found.words[i] for i in kept], idf, None, density)
    if encoding.text == "tfidf":
        return block
    # several models ask for the same directions of the same fold
    key = ("directions", column, encoding.words, encoding.directions, seed, picked.mark())
    directions = picked.once(key, lambda: _directions(
        block.entries(picked, whole), picked.size, len(kept), encoding.directions,
        generator(seed, "text", column)))
    return Text(column, block.words, idf, directions, density)


def _directions(
    entries: Entries, rows: int, words: int, count: int, random: np.random.Generator
) -> np.ndarray:
    """Leading right singular vectors (at most `count`, words), largest entry positive."""
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import svds

    owner, word, weight = entries
    matrix = csr_array((weight, (owner, word)), shape=(rows, words))
    if min(rows, words) <= max(_SMALL, count + 1):
        _, strength, right = np.linalg.svd(matrix.toarray(), full_matrices=False)
    else:
        start = random.uniform(-1, 1, min(rows, words))
        _, strength, right = svds(matrix, k=count, v0=start)
        strength, right = strength[::-1], right[::-1]
    right = right[:count][strength[:count] > strength[0] * 1e-9]
    largest = right[np.arange(len(right)), np.abs(right).argmax(axis=1)]
    return np.ascontiguousarray(right * np.sign(largest)[:, None])
