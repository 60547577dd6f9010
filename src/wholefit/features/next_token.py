"""From what may come next in a text to what does: the likeliest, or a draw among some."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wholefit.base.params import Params, param


@dataclass(frozen=True)
class Choice(Params):
    """How the next token is chosen."""

    temperature: float = param(1.0, "Below 1 likelier tokens gain, above 1 rarer ones; 0 always "
                               "takes the likeliest.", low=0, high=100)
    top_k: int | None = param(None, "Draw among this many likeliest tokens.", low=1, none=True)
    top_p: float | None = param(None, "Draw among the likeliest tokens that hold this share of "
                                "the probability (Holtzman et al. 2020).", above=0, high=1,
                                none=True)


def shares_of(chances: np.ndarray, choice: Choice) -> np.ndarray:
    """What tokens are drawn with (n, vocabulary), of their probabilities (n, vocabulary).

    A token of no probability has none here either; the likeliest always has some.
    """
    with np.errstate(divide="ignore"):
        logs = np.log(chances)
    with np.errstate(over="ignore"):
        logs = (logs - logs.max(axis=1, keepdims=True)) / choice.temperature
    if choice.top_k is not None and choice.top_k < chances.shape[1]:
        least = -np.partition(-logs, choice.top_k - 1, axis=1)[:, choice.top_k - 1:choice.top_k]
        logs = np.where(logs < least, -np.inf, logs)
    shares = np.exp(logs)
    shares /= shares.sum(axis=1, keepdims=True)
    if choice.top_p is not None:
        order = np.argsort(-shares, axis=1, kind="stable")
        ordered = np.take_along_axis(shares, order, axis=1)
        before = ordered.cumsum(axis=1) - ordered
        kept = np.where(before >= choice.top_p, 0.0, ordered)
        np.put_along_axis(shares, order, kept / kept.sum(axis=1, keepdims=True), axis=1)
    return shares


def choose(chances: np.ndarray, choice: Choice, random: np.random.Generator) -> np.ndarray:
    """One token (n,) for each row of probabilities (n, vocabulary)."""
    if choice.temperature == 0:
        return np.asarray(chances.argmax(axis=1))
    reached = shares_of(chances, choice).cumsum(axis=1)
    whole = reached[:, -1:]
    drawn = np.minimum(random.random((len(chances), 1)) * whole, np.nextafter(whole, 0))
    return np.asarray((reached > drawn).argmax(axis=1))
