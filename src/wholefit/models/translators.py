"""Models that write a text for a text: two to beat, and a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.errors import ParameterError
from wholefit.base.params import param
from wholefit.base.tasks import Task
from wholefit.models._model import Context
from wholefit.models._pairs import PairModel


@dataclass(frozen=True)
class FrequentTarget(PairModel):
    """The same text for every text: the one most often wanted, of several the first learnt."""

    name = "frequent_target"
    family = "baselines"
    burden = 0
    pace = 0.1
    summary = "The least that a model of pairs must beat."

    def build(self, task: Task, context: Context) -> Any:
        """The estimator."""
        from wholefit.models._pairs_learn import FrequentEstimator

        return FrequentEstimator(self, context)


@dataclass(frozen=True)
class NearestPair(PairModel):
    """The target of the most alike source: a translation memory.

    Alike is the cosine of runs of three characters, small letters, weighed by how few texts hold
    them (TF-IDF; Salton and Buckley 1988).
    """

    name = "nearest_pair"
    family = "neighbours"
    burden = 10
    pace = 0.5
    keeps_rows = True
    summary = ("Copies the target of the training source most alike: right where questions come "
               "again, and it writes nothing new. Its file holds the pairs.")

    most: int = param(50_000, "Pairs kept, where there are more: spread evenly over them.", low=1)

    def build(self, task: Task, context: Context) -> Any:
        """The estimator."""
        from wholefit.models._pairs_learn import NearestEstimator

        return NearestEstimator(self, context)


@dataclass(frozen=True)
class Seq2Seq(PairModel):
    """A Transformer that reads the source and writes the target (Vaswani et al. 2017).

    Byte pairs (Sennrich et al. 2016) or characters are learnt on the training pairs alone.
    """

    name = "seq2seq"
    family = "networks"
    requires = "torch"
    extra = "deep"
    burden = 40
    pace = 120.0
    summary = ("Learns how texts turn into texts: rules of writing from some thousand pairs; a "
               "language needs very many more than a file on a desk holds.")

    tokens: str = param("character", "What texts are made of; 'bpe', byte pairs, needs the extra "
                        "'text' and is quicker on sentences.", choices=("character", "bpe"))
    vocabulary: int = param(4000, "Most different tokens of each side.", low=300, high=1_000_000)
    length: int = param(128, "Tokens of a text that are read, and that are written, at most.",
                        low=2, high=4096)
    width: int = param(128, "Numbers that stand for a token; a multiple of heads.", low=2,
                       high=4096, search=(64, 512), log=True)
    heads: int = param(4, "Places that each token looks at, at once.", low=1, high=64)
    layers: int = param(2, "Layers of the reader, and of the writer.", low=1, high=48,
                        search=(1, 6))
    dropout: float = param(0.1, "Share of numbers left out at random while it learns.", low=0,
                           below=1, search=(0.0, 0.4))
    smoothing: float = param(0.1, "Probability given to tokens that are not the right one.", low=0,
                             below=1)
    steps: int = param(3000, "Steps; as many epochs as come nearest, fewer where pairs held out "
                       "come out no better.", low=1, search=(500, 50_000), log=True)
    batch: int = param(64, "Pairs a step.", low=1, search=(16, 256), log=True)
    rate: float = param(1e-3, "Size of the steps at their largest.", above=0, search=(1e-4, 5e-3),
                        log=True)
    beams: int = param(1, "Texts that are kept in mind while one is written; 1 takes the likeliest "
                       "token at each step.", low=1, high=64)
    device: str = param("auto", "Where to train.", choices=("auto", "cpu", "cuda", "mps"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % self.heads:
            raise ParameterError("Seq2Seq.width must be a multiple of heads; got "
                                 f"width={self.width} and heads={self.heads}.")

    def build(self, task: Task, context: Context) -> Any:
        """The estimator."""
        from wholefit.models._pairs_learn import Seq2SeqEstimator

        return Seq2SeqEstimator(self, context)
