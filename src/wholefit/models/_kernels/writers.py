"""Writers of texts: a table of runs of tokens, or a network, that says what comes next.

Both answer with `nats` (how surprising texts are) and `sample` (texts of their own). A text ends
with a token of its own, the number after the tokenizer's last, from which the next one begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.features.next_token import Choice, choose
from wholefit.features.tokenizers import PADDING, UNKNOWN, Tokenizer

MOST_ORDER = 20


class Writer(Protocol):
    """A fitted model of texts."""

    def nats(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """-log p of each text (n,), its end included, and of how many tokens that is (n,)."""
        ...

    def sample(self, count: int, seed: int, *, prompt: str = "", length: int = 300,
               choice: Choice | None = None) -> list[str]:
        """`count` texts of at most `length` new tokens that go on from `prompt`."""
        ...


class Runs:
    """Interpolated Kneser-Ney over runs of at most `order` tokens (Kneser and Ney 1995; modified
    and interpolated: Chen and Goodman 1999).

    Arrays for k = 1 .. order: `keys k`, sorted, one a run of k tokens that occurs: the number of
    the run of its first k - 1 tokens times the vocabulary, plus its last token; `shares k`, the
    part of the probability after those k - 1 tokens that it has by itself; `rest k`, one a run of
    k - 1 tokens: the part that is left to runs one token shorter, 1 where nothing was seen.
    """

    def __init__(self, state: State) -> None:
        part = state.parts.get("tokenizer")
        if part is None:
            raise StateError("the stored table of runs is damaged: it needs a tokenizer.")
        self.tokenizer = Tokenizer.from_state(part)
        order = state.config.get("order")
        if not isinstance(order, int) or not 1 <= order <= MOST_ORDER:
            raise StateError("the stored table of runs is damaged: its order must be from 1 to "
                             f"{MOST_ORDER}; got {order!r}."[:300])
        self.order = order
        self.vocabulary = self.tokenizer.size + 1
        names = range(1, self.order + 1)
        self.keys = [_array(state, f"keys {k}", np.int64) for k in names]
        self.shares = [_array(state, f"shares {k}", np.float32) for k in names]
        self.rest = [_array(state, f"rest {k}", np.float32) for k in names]
        before = 1
        for keys, shares, rest in zip(self.keys, self.shares, self.rest, strict=True):
            if not (len(keys) == len(shares) and len(rest) == before and len(keys)
                    and (np.diff(keys) > 0).all() and keys[0] >= 0
                    and keys[-1] < before * self.vocabulary
                    and _whole(keys // self.vocabulary, shares, rest)):
                raise StateError("the stored table of runs is damaged: its runs do not belong "
                                 "together.")
            before = len(keys)

    @property
    def end(self) -> int:
        """The token that ends a text."""
        return self.tokenizer.size

    def nats(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """See `Writer`."""
        rows = self.tokenizer.encode(texts).rows()
        lengths = np.array([len(row) + 1 for row in rows])
        ends = np.array([self.end])
        stream = np.concatenate([ends, *(each for row in rows for each in (row, ends))])
        lost = -np.log(self._of(stream.astype(np.int64)))
        return np.add.reduceat(lost, np.cumsum(lengths) - lengths), lengths

    def _of(self, stream: np.ndarray) -> np.ndarray:
        """The probability of each token but the first, given those before it."""
        found = np.full(len(stream) - 1, 1 / self.vocabulary)
        before = np.zeros(len(stream), dtype=np.int64)  # the run that ends before each token
        for keys, shares, rest in zip(self.keys, self.shares, self.rest, strict=True):
            at = np.where(before >= 0, _places(keys, before * self.vocabulary + stream), -1)
            own = np.where(at >= 0, shares[at], 0.0)[1:]
            found = np.where(before[1:] >= 0, own + rest[before[1:]] * found, found)
            before = np.concatenate([[-1], at[:-1]])
        return found

    def sample(self, count: int, seed: int, *, prompt: str = "", length: int = 300,
               choice: Choice | None = None) -> list[str]:
        """See `Writer`."""
        random, choice = np.random.default_rng(seed), choice or Choice()
        begun = self.tokenizer.encode([prompt]).numbers.tolist()
        rows: list[list[int]] = [list(begun) for _ in range(count)]
        recent = [self.end, *begun][-self.order:]
        runs = [np.full(count, each) for each in self._runs(recent)]
        going = np.ones(count, dtype=bool)
        for _ in range(length if count else 0):
            chances = self._next(runs)
            chances[:, [PADDING, UNKNOWN]] = 0.0
            token = np.where(going, choose(chances, choice, random), self.end)
            going &= token != self.end
            for at in np.flatnonzero(going):
                rows[at].append(int(token[at]))
            if not going.any():
                break
            runs = self._on(runs, token)
        return [self.tokenizer.decode(row) for row in rows]

    def _runs(self, tokens: Sequence[int]) -> list[int]:
        """The numbers of the runs of 0, 1, ... order - 1 tokens that end these tokens; -1: none."""
        runs = [np.array([0]), *(np.array([-1]) for _ in range(self.order - 1))]
        for token in tokens:
            runs = self._on(runs, np.array([token]))
        return [int(each[0]) for each in runs]

    def _on(self, runs: list[np.ndarray], token: np.ndarray) -> list[np.ndarray]:
        """The runs that end one token later."""
        longer = [np.where(run >= 0, _places(keys, run * self.vocabulary + token), -1)
                  for run, keys in zip(runs[:-1], self.keys, strict=False)]
        return [runs[0], *longer]

    def _next(self, runs: list[np.ndarray]) -> np.ndarray:
        """Probabilities (n, vocabulary) of what comes next."""
        found = np.full((len(runs[0]), self.vocabulary), 1 / self.vocabulary)
        for run, keys, shares, rest in zip(runs, self.keys, self.shares, self.rest, strict=True):
            first = np.searchsorted(keys, run * self.vocabulary)
            last = np.searchsorted(keys, (run + 1) * self.vocabulary)
            for row in np.flatnonzero(run >= 0):
                here = slice(first[row], last[row])
                found[row] *= rest[run[row]]
                found[row, keys[here] - run[row] * self.vocabulary] += shares[here]
        return found


def _array(state: State, name: str, kind: Any) -> np.ndarray:
    """An array (m,) of the state; StateError where it is none of the kind."""
    found = state.arrays.get(name)
    if found is None or found.ndim != 1 or found.dtype != kind:
        raise StateError(f"the stored table of runs is damaged: {name!r} must be a column of "
                         f"{np.dtype(kind).name}.")
    return found


def _whole(run: np.ndarray, shares: np.ndarray, rest: np.ndarray) -> bool:
    """Whether the parts of the probability after each run add up to 1, and none is below 0."""
    if not ((shares >= 0).all() and (rest >= 0).all()):
        return False
    parts = np.bincount(run, shares, minlength=len(rest)) + rest
    return bool((np.abs(parts - 1) < 1e-3).all())


def _places(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each wanted key stands; -1 where it does not."""
    at = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)


class Neural:
    """A network that says what comes next; it needs torch."""

    def __init__(self, state: State) -> None:
        from wholefit.nn.sequences.language import LanguageModel

        self.model: Any = LanguageModel.from_state(state)

    def nats(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """See `Writer`; "" has none."""
        lengths = self.model.tokenizer.encode(texts).lengths
        lengths = np.where(lengths > 0, lengths + 1, 0)
        reached = np.concatenate([[0.0], np.cumsum(self.model.surprises(texts))])
        ends = np.cumsum(lengths)
        return reached[ends] - reached[ends - lengths], lengths

    def sample(self, count: int, seed: int, *, prompt: str = "", length: int = 300,
               choice: Choice | None = None) -> list[str]:
        """See `Writer`."""
        words = (choice or Choice()).to_dict()
        made: list[str] = self.model.sample(count, length=length, prompt=prompt, seed=seed, **words)
        return made
