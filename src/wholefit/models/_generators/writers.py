"""Estimators of the models that write texts."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from wholefit.base.errors import DataError
from wholefit.base.state import State
from wholefit.features import tokenizers
from wholefit.models._model import Context

Array = np.ndarray
_VALID, _MOST_VALID = 0.05, 20_000
"""Share of the characters, and most of them, that say when a network stops learning."""
# Tokens that say how long others take, and the share of the time that is planned with: sorting
# takes longer a token the more there are.
_TRIED, _SLACK = 100_000, 0.5
_LETTERS_A_PAIR = 3.5
"""Characters a byte pair stands for, roughly: only how many epochs are asked for hangs on it."""


class RunsEstimator(BaseEstimator):  # type: ignore[misc]
    """`fit(texts)` counts runs of tokens and leaves `state_` (see `_kernels.writers.Runs`).

    `clock`, if one is set, says how many tokens there is time for.
    """

    def __init__(self, model: Any, context: Context) -> None:
        self.model, self.context = model, context
        self.clock: Any = None
        self.history_: list[dict[str, float]] = []
        self.warnings_: tuple[str, ...] = ()

    def fit(self, texts: Sequence[str], y: Any = None) -> RunsEstimator:
        """Learn from texts; DataError where there is no token."""
        model = self.model
        tokenizer = tokenizers.learn(texts, model.tokens, size=model.vocabulary, lower=False)
        ends = np.array([tokenizer.size], dtype=np.int64)
        rows = [row.astype(np.int64) for row in tokenizer.encode(texts).rows() if len(row)]
        if not rows:
            raise DataError(f"{model.name} learns from texts of at least one token; got none.")
        stream = np.concatenate([ends, *(each for row in rows for each in (row, ends))])
        if len(stream) > model.most:
            stream = stream[:model.most]
            self.warnings_ += (f"{model.name} learnt from the first {model.most:,} tokens alone "
                               "(most=)",)
        arrays = self._in_time(stream, tokenizer.size)
        self.state_ = State("writer.runs", {"order": len(arrays) // 3}, arrays,
                            parts={"tokenizer": tokenizer.state()})
        return self

    def _in_time(self, stream: Array, end: int) -> dict[str, Array]:
        """The runs of as many tokens as the clock leaves time for, as some of them say."""
        order, left = self.model.order, math.inf if self.clock is None else self.clock.left()
        if len(stream) > 2 * _TRIED and math.isfinite(left):
            began = time.perf_counter()
            runs_of(stream[:_TRIED], order, end + 1, end)
            spent = time.perf_counter() - began
            most = max(_TRIED, int(_TRIED * _SLACK * (left - spent) / spent))
            if most < len(stream):
                stream = stream[:most]
                self.warnings_ += (f"{self.model.name} learnt from the first {most:,} tokens "
                                   "alone, for the time would not carry more",)
        return runs_of(stream, order, end + 1, end)


def runs_of(stream: Array, order: int, vocabulary: int, end: int) -> dict[str, Array]:
    """The arrays of `Runs`, learnt from texts end to end: `end` before each and after the last.

    A run does not go over the end of a text. Runs of the full length are counted as they occur,
    shorter ones by how many different tokens stand before them, but for those that begin a text,
    before which nothing else can stand. Where no text is so long, `order` is less.
    """
    numbers = [np.zeros(len(stream), dtype=np.int64)]
    keys, first = [], []
    for k in range(1, order + 1):
        before = np.concatenate([[0 if k == 1 else -1], numbers[-1][:-1]])
        able = before >= 0
        if k > 2:
            able &= np.concatenate([[False], stream[:-1] != end])
        if not able.any():
            break
        found, at, own = np.unique((before * vocabulary + stream)[able], return_index=True,
                                   return_inverse=True)
        run = np.full(len(stream), -1, dtype=np.int64)
        run[able] = own
        keys.append(found)
        first.append(np.flatnonzero(able)[at])
        numbers.append(run)
    arrays: dict[str, Array] = {}
    order = len(keys)
    for k in range(1, order + 1):
        seen = numbers[k][1:]  # nothing foretells the first
        counts = np.bincount(seen[seen >= 0], minlength=len(keys[k - 1]))
        begins = stream[first[k - 1] - k + 1] == end if k > 1 else np.zeros(len(counts), bool)
        if k < order:
            shorter = numbers[k][first[k]]
            different = np.bincount(shorter, minlength=len(counts))
            counts = np.where(begins, counts, different)
        left = counts - _discount(counts, counts[~begins])
        context = keys[k - 1] // vocabulary
        runs = len(keys[k - 2]) if k > 1 else 1
        whole = np.bincount(context, counts, minlength=runs)
        shares = left / whole[context]
        rest = np.where(whole > 0, 1 - np.bincount(context, shares, minlength=runs), 1.0)
        arrays |= {f"keys {k}": keys[k - 1], f"shares {k}": shares.astype(np.float32),
                   f"rest {k}": rest.clip(min=0.0).astype(np.float32)}
    return arrays


def _discount(counts: Array, usual: Array) -> Array:
    """What is taken from each count: of 1, of 2 and of more, from how many counts are 1, 2, 3, 4
    (Chen and Goodman 1999); a half of each where there are too few to say.
    """
    n = np.bincount(usual.clip(max=5), minlength=6).astype(float)
    if (n[1:5] < 1).any():
        return np.where(counts > 0, 0.5, 0.0)
    y = n[1] / (n[1] + 2 * n[2])
    taken = [0.0, *(each - (each + 1) * y * n[each + 1] / n[each] for each in (1, 2, 3))]
    held = [float(np.clip(amount, 0.05, 0.95 * max(each, 0.1)))
            for each, amount in enumerate(taken)]
    return np.where(counts > 0, np.array(held)[counts.clip(max=3)], 0.0)


class NeuralEstimator(BaseEstimator):  # type: ignore[misc]
    """`fit(texts)` trains a network and leaves `state_`, `history_` and `warnings_`.

    A twentieth of the texts, at most 20,000 characters, is not learnt from: it says when to stop.
    `clock`, if one is set, stops the training when its time is up.
    """

    def __init__(self, model: Any, context: Context) -> None:
        self.model, self.context = model, context
        self.clock: Any = None
        self.history_: list[dict[str, float]] = []
        self.warnings_: tuple[str, ...] = ()

    def fit(self, texts: Sequence[str], y: Any = None) -> NeuralEstimator:
        """Learn from texts; DataError where they are too short."""
        from wholefit.nn.sequences.language import LanguageModel

        model, context = self.model, self.context
        learnt, held = apart(texts)
        letters = sum(map(len, learnt))
        tokens = letters / (_LETTERS_A_PAIR if model.tokens == "bpe" else 1)
        epochs = max(1, round(model.steps * model.batch * model.length / max(tokens, 1)))
        recipe = {"epochs": epochs, "batch": model.batch, "rate": model.rate,
                  "device": model.device, **({"patience": max(3, epochs // 10),
                                              "watch": "valid_loss"} if held else {})}
        options = {} if model.hidden is None or model.network == "transformer_decoder" \
            else {"hidden": model.hidden}
        made = LanguageModel(
            model.network, options, tokens=model.tokens, vocabulary=model.vocabulary,
            length=model.length, recipe=recipe, seed=context.seed, threads=context.jobs)
        made.fit(learnt, clock=self.clock, valid=held or None)
        self.history_ = made.history
        if made.stopped is not None and "time" in made.stopped:
            self.warnings_ += (f"{model.name} learnt for {len(made.history)} of {epochs} epochs, "
                               f"because {made.stopped}: give it a larger budget",)
        self.state_ = made.state()
        return self


def apart(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Texts to learn from, and some that say when to stop: the last ones, or the end of the last.

    None of the latter where there are fewer than 2,000 characters.
    """
    whole = sum(map(len, texts))
    wanted = min(_MOST_VALID, int(_VALID * whole))
    if whole < 2000:
        return list(texts), []
    kept = list(texts)
    held: list[str] = []
    while kept and wanted > 0:
        last = kept.pop()
        if len(last) > wanted:
            kept.append(last[:-wanted])
            last = last[-wanted:]
        wanted -= len(last)
        held.append(last)
    return kept, held[::-1]
