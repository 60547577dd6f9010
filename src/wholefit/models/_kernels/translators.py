"""What writes a text for a text, made of its state."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State

PAIRS = "pairs.json"
# Runs of characters share so many places; questions are compared at a time with all that is kept.
_PLACES, _RUN, _AT_ONCE = 1 << 18, 3, 256


class Translating(Protocol):
    """A fitted model of pairs."""

    def translate(
        self, texts: Sequence[str], *, beams: int | None = None, length: int | None = None
    ) -> list[str]:
        """One text for each. `beams` and `length` (tokens, at most) are for those that write a
        text token by token; the others have their texts whole.
        """
        ...


class Frequent:
    """The same text for every text."""

    def __init__(self, state: State) -> None:
        text = state.config.get("text")
        if not isinstance(text, str):
            raise StateError("the stored text is damaged: it must be text; got "
                             f"{type(text).__name__}.")
        self.text = text

    def translate(
        self, texts: Sequence[str], *, beams: int | None = None, length: int | None = None
    ) -> list[str]:
        """See `Translating`."""
        return [self.text] * len(texts)


class Nearest:
    """The target of the source most alike, of equals the first; `sources` and `targets` are kept.

    Texts are vectors of their runs of three characters (small letters, a space at both ends),
    hashed, each counted and weighed by log((1 + texts) / (1 + texts that hold it)) + 1; alike is
    the cosine. A text that shares no run with any has the first source's target.
    """

    def __init__(self, state: State) -> None:
        self.sources, self.targets = pairs_of(state)
        kept = _counted(self.sources)
        holding = np.bincount(kept.indices, minlength=_PLACES)
        self._weights = np.log((1 + len(self.sources)) / (1 + holding)) + 1
        self._kept = _unit(kept, self._weights).T.tocsr()

    def translate(
        self, texts: Sequence[str], *, beams: int | None = None, length: int | None = None
    ) -> list[str]:
        """See `Translating`."""
        found: list[str] = []
        for start in range(0, len(texts), _AT_ONCE):
            asked = _unit(_counted(texts[start:start + _AT_ONCE]), self._weights)
            alike = (asked @ self._kept).toarray()
            # Sums of floats in another order must not part what is equally alike.
            found += [self.targets[at] for at in alike.round(9).argmax(axis=1)]
        return found


def pairs_of(state: State) -> tuple[list[str], list[str]]:
    """The texts that a state of kind "translator.nearest" holds; StateError if it is damaged."""
    try:
        sources, targets = json.loads(state.blobs[PAIRS])
        whole = len(sources) == len(targets) > 0 and all(
            isinstance(text, str) for text in (*sources, *targets))
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise StateError("the stored pairs are damaged: they must be two lists of as many texts.")
    return sources, targets


def _counted(texts: Sequence[str]) -> Any:
    """How often each text (n,) holds the runs of each place: sparse rows (n, places)."""
    from scipy.sparse import csr_matrix

    rows = [np.unique(_runs(text), return_counts=True) for text in texts]
    ends = np.cumsum([0, *(len(places) for places, _ in rows)])
    places = np.concatenate([np.zeros(0, dtype=np.int64), *(places for places, _ in rows)])
    times = np.concatenate([np.zeros(0, dtype=np.int64), *(times for _, times in rows)])
    return csr_matrix((times.astype(np.float64), places, ends), shape=(len(texts), _PLACES))


def _runs(text: str) -> np.ndarray:
    """The place of each run of three characters."""
    signs = np.frombuffer(f" {text.lower()} ".encode("utf-32-le", "surrogatepass"), dtype="<u4")
    wide = np.lib.stride_tricks.sliding_window_view(signs.astype(np.uint64), min(_RUN, len(signs)))
    mixed = wide @ np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D][:wide.shape[1]], dtype=np.uint64)
    return ((mixed ^ (mixed >> np.uint64(15))) % np.uint64(_PLACES)).astype(np.int64)


def _unit(counts: Any, weights: np.ndarray) -> Any:
    """Weighed rows of length 1."""
    found = counts.copy()
    found.data = found.data * weights[found.indices]
    lengths = np.sqrt(np.asarray(found.multiply(found).sum(axis=1))).ravel()
    found.data = found.data / np.repeat(np.where(lengths > 0, lengths, 1), np.diff(found.indptr))
    return found


class Network:
    """An encoder that reads and a decoder that writes; it needs torch."""

    def __init__(self, state: State) -> None:
        from wholefit.nn.sequences.translation import Translator

        self.model: Any = Translator.from_state(state)

    def translate(
        self, texts: Sequence[str], *, beams: int | None = None, length: int | None = None
    ) -> list[str]:
        """See `Translating`; `beams` None are those that it was fitted with."""
        written: list[str] = self.model.translate(
            texts, beams=beams, length=length)
        return written
