"""Texts as token numbers in order: what networks that read sequences take.

A row holds `length` numbers, 0 where its text has ended. Vocabulary and length are learnt on
training rows; texts are cut into words once, whatever number of folds reads them.
"""

from __future__ import annotations

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.features import tokenizers
from wholefit.features._picked import Picked
from wholefit.features.encoding import Encoding
from wholefit.features.spans import Span
from wholefit.features.tokenizers import Pieces, Ragged, Tokenizer

KIND = "encoder.sequences"
_COVERED = 0.95
_LONGEST = {"word": 512, "bpe": 512, "character": 1024, "pretrained": 128}
"""A length that is learnt holds this share of training texts whole, and is at most this."""
_MOST = 1 << 16


class Sequences:
    """One text column as numbers of its tokens, `length` a row, 0 after the end.

    A longer text keeps its "head", its "tail", or half its length of "both".
    """

    def __init__(self, column: str, tokenizer: Tokenizer, length: int, part: str) -> None:
        self.column, self.tokenizer, self.length, self.part = column, tokenizer, length, part
        self._known: tuple[Pieces, Ragged] | None = None

    @property
    def names(self) -> list[str]:
        """"review[0]", the number of the first token kept."""
        return [f"{self.column}[{i}]" for i in range(self.length)]

    @property
    def sources(self) -> list[str]:
        """The text column, once a feature."""
        return [self.column] * self.length

    def span(self, start: int) -> Span:
        """Tokens, from the block's first feature on."""
        words = self.tokenizer.words if self.tokenizer.kind == "word" else ()
        return Span("tokens", start, start + self.length, shape=(self.length,),
                    levels=(self.tokenizer.size,), column=self.column, words=words)

    def filled(self) -> float:
        """Expected number of entries of a row that are not zero."""
        return float(self.length)

    def write(self, picked: Picked, span: slice, out: np.ndarray) -> None:
        """Fill `out` (rows, length)."""
        where = picked.where(span)
        if self.tokenizer.stored:
            texts = _texts(picked, self.column)
            found = self.tokenizer.encode([texts[i] for i in where])
            where = np.arange(len(where))
        else:
            found = self._numbers(_pieces(picked, self.column, self.tokenizer.kind,
                                          self.tokenizer.lower))
        lay(found, where, self.part, out)

    def _numbers(self, pieces: Pieces) -> Ragged:
        if self._known is None or self._known[0] is not pieces:
            self._known = (pieces, self.tokenizer.number(pieces))
        return self._known[1]

    def state(self) -> State:
        """Length and part as config, the tokenizer as a part."""
        return State(KIND, {"column": self.column, "length": self.length, "part": self.part},
                     parts={"tokenizer": self.tokenizer.state()})

    @classmethod
    def from_state(cls, state: State) -> Sequences:
        """The block that `state` describes; StateError for one that is damaged."""
        config, part = state.config, state.parts.get("tokenizer")
        length = config.get("length")
        if part is None or type(length) is not int or not 1 <= length <= _MOST or (
                config.get("part") not in _KEPT):
            raise StateError("the stored token sequences are damaged: they need a tokenizer, a "
                             f"length of 1 to {_MOST:,} and a part of {', '.join(_KEPT)}.")
        return cls(str(config.get("column")), Tokenizer.from_state(part), length, config["part"])


# Share of the length that is kept of a longer text's beginning; the rest comes from its end.
_KEPT = {"head": 1.0, "tail": 0.0, "both": 0.5}


def lay(found: Ragged, where: np.ndarray, part: str, out: np.ndarray) -> None:
    """Write the texts `where` into the rows of `out` (rows, length), 0 after their end."""
    length = out.shape[1]
    first, sizes = found.starts[where], found.lengths[where]
    head = int(np.ceil(length * _KEPT[part]))
    place = np.arange(length)
    if not len(found.numbers):
        out[:] = 0
        return
    over = np.maximum(sizes - length, 0)
    at = first[:, None] + place + np.where(place >= head, over[:, None], 0)
    inside = place < sizes[:, None]
    out[:] = np.where(inside, found.numbers.take(np.where(inside, at, 0)), 0)


def learn(picked: Picked, column: str, encoding: Encoding) -> Sequences | None:
    """Vocabulary and length of a column's training rows; None when they hold no token."""
    kind, rows = encoding.tokens, picked.where(slice(0, picked.size))
    if kind in ("bpe", "pretrained"):
        texts = _texts(picked, column)
        chosen = [texts[i] for i in rows]
        tokenizer = tokenizers.brought(encoding.tokenizer) if kind == "pretrained" else (
            tokenizers.learn(chosen, kind, size=encoding.vocabulary, lower=encoding.lower))
        lengths = tokenizer.encode(chosen).lengths
    else:
        pieces = _pieces(picked, column, kind, encoding.lower)
        tokenizer = tokenizers.learn_pieces(
            pieces, kind, size=encoding.vocabulary, lower=encoding.lower, rows=rows)
        lengths = pieces.codes.lengths[rows]
    if not lengths.any():
        return None
    length = encoding.length
    if length is None:
        held = int(np.quantile(lengths, _COVERED, method="higher"))
        length = int(np.clip(held, 1, _LONGEST[kind]))
    return Sequences(column, tokenizer, length, encoding.part)


def _pieces(picked: Picked, column: str, kind: str, lower: bool) -> Pieces:
    """The column cut into tokens, once for all folds and models."""
    return picked.once(("pieces", column, kind, lower),
                       lambda: tokenizers.cut(_texts(picked, column), kind, lower))


def _texts(picked: Picked, column: str) -> list[str | None]:
    return picked.once(("texts", column), lambda: picked.dataset.texts(column))
