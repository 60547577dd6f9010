"""Models that write texts: a table of what follows what, and networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.tasks import Task
from wholefit.models._generators.base import GeneratorModel
from wholefit.models._model import Context

_TOKENS = ("character", "bpe")


@dataclass(frozen=True)
class NgramLanguageModel(GeneratorModel):
    """What follows each run of tokens, smoothed (modified Kneser-Ney; Chen and Goodman 1999)."""

    name = "ngram_language_model"
    family = "ngrams"
    burden = 5
    pace = 2.0
    makes = ("text",)
    keeps_rows = True
    summary = ("Learns in a second, needs no library, and spells; it knows nothing farther back "
               "than its order, and its table holds runs of the texts it learnt from.")

    tokens: str = param("character", "What texts are made of; 'bpe', byte pairs, needs the extra "
                        "'text'.", choices=_TOKENS)
    order: int = param(7, "Tokens of the longest runs that are counted, the one foretold included.",
                       low=1, high=20, search=(3, 10))
    vocabulary: int = param(4000, "Most different tokens.", low=1, high=1_000_000)
    most: int = param(20_000_000, "Tokens learnt from, where there are more: the first.", low=100)

    def build(self, task: Task, context: Context) -> Any:
        """Counts of runs."""
        from wholefit.models._generators.writers import RunsEstimator

        return RunsEstimator(self, context)


@dataclass(frozen=True)
class NeuralLanguageModel(GeneratorModel):
    """A recurrent network (Mikolov et al. 2010) or Transformer that foretells the next token."""

    name = "language_model"
    family = "networks"
    requires = "torch"
    extra = "deep"
    burden = 40
    pace = 60.0
    makes = ("text",)
    summary = ("Remembers more than a few letters, and its file holds no run of the texts as such; "
               "worth its time from some hundred thousand characters on.")

    network: str = param("lstm", "What reads: recurrent networks carry their state along the text.",
                         choices=("rnn", "gru", "lstm", "transformer_decoder"))
    tokens: str = param("character", "What texts are made of; 'bpe', byte pairs, needs the extra "
                        "'text'.", choices=_TOKENS)
    vocabulary: int = param(4000, "Most different tokens.", low=1, high=1_000_000)
    hidden: int | None = param(None, "Units of a recurrent network; None is its usual 256.", low=1,
                               search=(64, 512), log=True, none=True)
    length: int = param(128, "Tokens read at a time.", low=2, search=(32, 256), log=True)
    steps: int = param(1500, "Steps; as many epochs as come nearest, fewer where texts held out "
                       "come out no better.", low=1, search=(300, 20_000), log=True)
    batch: int = param(32, "Stretches of text a step.", low=1, search=(16, 128), log=True)
    rate: float = param(2e-3, "Size of the steps.", above=0, search=(3e-4, 1e-2), log=True)
    device: str = param("auto", "Where to train.", choices=("auto", "cpu", "cuda", "mps"))

    def build(self, task: Task, context: Context) -> Any:
        """The estimator."""
        from wholefit.models._generators.writers import NeuralEstimator

        return NeuralEstimator(self, context)
