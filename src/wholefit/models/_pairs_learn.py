"""Estimators of the models that write a text for a text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from wholefit.base.errors import DataError
from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.models._kernels.translators import PAIRS
from wholefit.models._model import Context

# Pairs from which on some say when a network stops learning; their share, and most of them.
_FEWEST, _SHARE, _MOST = 100, 0.05, 1000
# The share of the epochs, 1 / so many, that pass without a better judgement: less, and a few bad
# epochs at a high rate ended the fit of 500 words turned round half-way (0.52 right for 0.87).
_PATIENT = 3
# Of the texts on each side this share at least should be whole within `length`.
_WHOLE = 0.99


class PairEstimator(BaseEstimator):  # type: ignore[misc]
    """`fit(sources, targets)` leaves `state_`, `history_` and `warnings_`.

    `clock`, if one is set, limits the training of those that need long.
    """

    def __init__(self, model: Any, context: Context) -> None:
        self.model, self.context = model, context
        self.clock: Any = None
        self.history_: list[dict[str, float]] = []
        self.warnings_: tuple[str, ...] = ()

    def fit(self, sources: Sequence[str], targets: Sequence[str]) -> PairEstimator:
        """Learn from pairs; DataError where there is none, or one has no partner."""
        if len(sources) != len(targets) or not len(sources):
            raise DataError(f"{self.model.name} learns from pairs of texts, one at least; got "
                            f"{len(sources):,} texts and {len(targets):,} targets.")
        self.state_ = self.learnt(list(sources), list(targets))
        return self

    def learnt(self, sources: list[str], targets: list[str]) -> State:
        """What is learnt from as many of both."""
        raise NotImplementedError


class FrequentEstimator(PairEstimator):
    """Counts the targets."""

    def learnt(self, sources: list[str], targets: list[str]) -> State:
        """The target most often wanted."""
        return State("translator.frequent", {"text": Counter(targets).most_common(1)[0][0]})


class NearestEstimator(PairEstimator):
    """Keeps the pairs."""

    def learnt(self, sources: list[str], targets: list[str]) -> State:
        """The pairs, at most `most` of them."""
        most = self.model.most
        if len(sources) > most:
            some = np.linspace(0, len(sources) - 1, most).astype(np.int64)
            self.warnings_ += (f"{self.model.name} kept {most:,} of {len(sources):,} pairs, evenly "
                               "spread (most=)",)
            sources, targets = ([texts[at] for at in some] for texts in (sources, targets))
        return State("translator.nearest", blobs={PAIRS: json.dumps([sources, targets]).encode()})


class Seq2SeqEstimator(PairEstimator):
    """Trains an encoder and a decoder.

    Of 100 pairs or more a twentieth, at most 1,000, is not learnt from: they say when to stop.
    """

    def learnt(self, sources: list[str], targets: list[str]) -> State:
        """The translator's state."""
        from wholefit.nn.sequences.translation import Translator

        model, context = self.model, self.context
        learn, held = self._apart(sources)
        epochs = max(1, round(model.steps / -(-len(learn) // model.batch)))
        recipe = {"epochs": epochs, "batch": model.batch, "rate": model.rate, "bucket": True,
                  "label_smoothing": model.smoothing, "device": model.device,
                  **({"patience": max(5, epochs // _PATIENT)} if len(held) else {})}
        made = Translator(
            {"width": model.width, "heads": model.heads, "layers": model.layers,
             "dropout": model.dropout}, tokens=model.tokens, vocabulary=model.vocabulary,
            length=model.length, beams=model.beams, recipe=recipe, seed=context.seed,
            threads=context.jobs)
        pairs, others = (([sources[at] for at in rows], [targets[at] for at in rows])
                         for rows in (learn, held))
        made.fit(*pairs, valid=others if len(held) else None, clock=self.clock)
        self.history_ = made.history
        if made.stopped is not None and "time" in made.stopped:
            self.warnings_ += (f"{model.name} learnt for {len(made.history)} of {epochs} epochs, "
                               f"because {made.stopped}: give it a larger budget",)
        self._tell_cut(made, sources, targets)
        return made.state()

    def _apart(self, sources: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Pairs to learn from, and those that say when to stop: all of a source are on one side."""
        if len(sources) < _FEWEST:
            return np.arange(len(sources)), np.arange(0)
        _, of = np.unique(np.array(sources, dtype=object), return_inverse=True)
        wanted = min(_MOST, int(_SHARE * len(sources)))
        order = generator(self.context.seed, "pairs that stop").permutation(int(of.max()) + 1)
        sizes = np.cumsum(np.bincount(of)[order])
        apart = np.isin(of, order[:int((sizes <= wanted).sum())])
        return np.flatnonzero(~apart), np.flatnonzero(apart)

    def _tell_cut(self, made: Any, sources: list[str], targets: list[str]) -> None:
        """A warning where many texts are longer than what is read or written of one."""
        for which, tokenizer, texts in (("sources", made.source, sources),
                                        ("targets", made.target, targets)):
            whole = float((tokenizer.encode(texts).lengths <= made.length).mean())
            if whole < _WHOLE:
                self.warnings_ += (f"{1 - whole:.0%} of the {which} are longer than "
                                   f"{made.length} tokens, and their ends were not learnt from: "
                                   f"give {self.model.name} a larger length=",)
