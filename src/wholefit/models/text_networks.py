"""Networks that read text columns: bags of word vectors, convolutions, recurrence, attention.

Other columns stand beside the text: what each part found is laid side by side under one head.
Where a table has no text, what is left is a small perceptron of its other columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from wholefit.base.params import param
from wholefit.base.tasks import Task
from wholefit.models._model import Context
from wholefit.models._pacing import paced
from wholefit.models._text_network import TextNetwork

_TOKENS: dict[str, Any] = {"choices": ("word", "character", "bpe")}
_TOKENS_DOC = ("What texts are cut into: words, characters, or byte pairs (pieces of words, "
               "learnt; extra text).")
_LENGTH_DOC = ("Tokens read of each text; None takes what holds 95 % of texts whole, at most 512 "
               "words or 1,024 characters.")
_VOCABULARY_DOC = "Most frequent tokens with a vector of their own."
_VECTORS_DOC = ("File of word vectors (GloVe's text format, or JSON) to begin with; sets the "
                "width; None learns them from nothing.")
_RATE_DOC = "Size of a step at its largest."
_BATCH_DOC = "Rows a step; None takes a thirty-second of the rows, 16 to 64 (a bag 32 to 256)."
_EPOCHS_DOC = "Most times that all rows are seen; None takes 8, and up to 60 where rows are few."
_PATIENCE_DOC = ("Epochs without a better answer on the rows held out before it stops; None takes "
                 "a third of the epochs.")
_BUCKET_DOC = ("Put texts of like length into one batch: a third to two fifths less time where "
               "lengths differ, and a worse answer where length tells the target, as of spam.")
_VALIDATION_DOC = "Share of the rows held out to stop early by (none below 60 rows)."


@dataclass(frozen=True)
class TextEmbedding(TextNetwork):
    """Bags of embeddings of words and of the runs of words that tell the target.

    Joulin et al. (2017); weighed in the spirit of Wang & Manning (2012).
    """

    name: ClassVar[str] = "text_embedding"
    burden: ClassVar[int] = 30
    pace: ClassVar[float] = 10.0
    summary: ClassVar[str] = (
        "The mean of the vectors of a text's words and of runs of two and three words, learnt from "
        "scratch and weighed by how well each tells the target: the first network to try on texts, "
        "quick and hard to beat on opinions; blind to order beyond neighbours.")

    width: int | None = param(
        None, "Numbers in the vector of a word; None takes as many as there are classes, 8 to 64.",
        low=1, high=4096, none=True, search=(4, 64), log=True)
    ngrams: int = param(3, "Longest run of neighbouring tokens with a vector of its own.", low=1,
                        high=5, search=(1, 4))
    buckets: int = param(2_000_000, "Numbers that runs of tokens share by hashing; no more than "
                         "four for each token of the longest training rows.", low=1,
                         high=100_000_000)
    kept: int | None = param(
        200_000, "Runs with a vector: those that tell the target best on training rows, and "
        "everything is weighed by how well it does; None gives every bucket a vector and every "
        "token the same weight.", low=0, none=True)
    skip: float = param(0.0, "Share of tokens and runs left out at random in each step.", low=0,
                        below=1, search=(0.0, 0.5))
    tokens: str = param("word", _TOKENS_DOC, **_TOKENS)
    vocabulary: int = param(30_000, _VOCABULARY_DOC, low=1, high=10_000_000)
    vectors: str | None = param(None, _VECTORS_DOC, none=True)
    frozen: bool = param(False, "Leave the vectors of the file as they are.")
    length: int | None = param(None, _LENGTH_DOC, low=1, high=65_536, none=True)
    learning_rate: float = param(5e-3, _RATE_DOC, above=0, high=10, search=(1e-3, 3e-2), log=True)
    weight_decay: float = param(0.3, "How much weights shrink, times the rate, each step.", low=0,
                                search=(1e-3, 1.0), log=True)
    epochs: int | None = param(
        None, "Times that all rows are seen; None takes 5, and up to 60 where rows are few.",
        low=1, none=True, search=(3, 20), log=True)
    batch: int | None = param(None, _BATCH_DOC, low=1, none=True)

    def network(self, task: Task, context: Context) -> dict[str, Any]:
        """A bag."""
        longest = max((span.shape[0] for span in context.spans if span.kind == "tokens"), default=1)
        buckets = min(self.buckets, max(1000, 4 * context.rows * longest)) * (self.ngrams > 1)
        return self.begun(context, {
            "network": "embedding", "width": self.width or min(max(8, context.n_classes), 64),
            "pooling": "root", "spread": 0.01,
            "ngrams": self.ngrams, "buckets": buckets, "skip": self.skip,
            "kept": None if self.kept is None else min(self.kept, buckets)})

    def recipe(self, task: Task, context: Context) -> dict[str, Any]:
        """AdamW along a straight line down; weights that shrink guard against too much of it."""
        return {"optimizer": "adamw", "rate": self.learning_rate, "schedule": "linear",
                "weight_decay": self.weight_decay, **paced(
                    context.rows, epochs=self.epochs, batch=self.batch, least=5, steps=390,
                    most=60, low=32, high=256)}

    def options(self, task: Task, context: Context) -> dict[str, Any]:
        """All rows are learnt from."""
        return {"validation": 0.0}


@dataclass(frozen=True)
class TextConvolution(TextNetwork):
    """Dilated convolutions over word vectors (Kim 2014; Bai, Kolter & Koltun 2018)."""

    name: ClassVar[str] = "text_convolution"
    burden: ClassVar[int] = 40
    pace: ClassVar[float] = 60.0
    summary: ClassVar[str] = (
        "Filters slide over the text and the strongest match of each counts: phrases of a few "
        "words, wherever they stand; quicker than recurrent networks.")

    width: int = param(64, "Numbers in the vector of a token.", low=1, high=4096, search=(32, 128),
                       log=True)
    hidden: int = param(64, "Filters in each layer.", low=1, high=4096, search=(32, 128), log=True)
    layers: int = param(1, "Pairs of convolutions, each reaching twice as far as the last.",
                        low=1, high=12, search=(1, 3))
    kernel: int = param(3, "Neighbours that a filter sees at once; odd.", low=1, high=31,
                        search=(3, 5))
    dropout: float = param(0.3, "Share of numbers left out at random in each step.", low=0,
                           below=1, search=(0.0, 0.5))
    tokens: str = param("word", _TOKENS_DOC, **_TOKENS)
    vocabulary: int = param(30_000, _VOCABULARY_DOC, low=1, high=10_000_000)
    vectors: str | None = param(None, _VECTORS_DOC, none=True)
    frozen: bool = param(False, "Leave the vectors of the file as they are.")
    length: int | None = param(None, _LENGTH_DOC, low=1, high=65_536, none=True)
    learning_rate: float = param(2e-3, _RATE_DOC, above=0, high=10, search=(3e-4, 1e-2), log=True)
    epochs: int | None = param(None, _EPOCHS_DOC, low=1, none=True, search=(4, 30), log=True)
    patience: int | None = param(None, _PATIENCE_DOC, low=1, none=True)
    batch: int | None = param(None, _BATCH_DOC, low=1, none=True)
    bucket: bool = param(False, _BUCKET_DOC)
    validation: float = param(0.1, _VALIDATION_DOC, low=0, below=1)

    def network(self, task: Task, context: Context) -> dict[str, Any]:
        """A temporal convolution."""
        return self.begun(context, {
            "network": "temporal", "width": self.width, "hidden": self.hidden,
            "layers": self.layers, "kernel": self.kernel | 1, "dropout": self.dropout})

    def recipe(self, task: Task, context: Context) -> dict[str, Any]:
        """AdamW along a cosine, stopped by the rows held out."""
        return _cosine(self, context)


@dataclass(frozen=True)
class TextRecurrent(TextNetwork):
    """Recurrent networks over word vectors, packed by true lengths."""

    name: ClassVar[str] = "text_recurrent"
    burden: ClassVar[int] = 50
    pace: ClassVar[float] = 300.0
    summary: ClassVar[str] = (
        "Reads a text word by word, in both directions: order counts, at the price of one step "
        "after the other; short texts, or where a bag of words is not enough.")

    kind: str = param("gru", "Plain steps, two gates, or long short-term memory.",
                      choices=("rnn", "gru", "lstm"))
    width: int = param(64, "Numbers in the vector of a token.", low=1, high=4096, search=(32, 128),
                       log=True)
    hidden: int = param(64, "Numbers that are carried from step to step.", low=1, high=4096,
                        search=(32, 128), log=True)
    layers: int = param(1, "Networks on top of each other.", low=1, high=8, search=(1, 2))
    bidirectional: bool = param(True, "Read from both ends.")
    head: str = param("max", "What of the steps is used: the last, their mean, their largest "
                      "numbers, or a mean weighed by attention.",
                      choices=("last", "mean", "max", "attention"))
    dropout: float = param(0.3, "Share of numbers left out at random in each step.", low=0,
                           below=1, search=(0.0, 0.5))
    tokens: str = param("word", _TOKENS_DOC, **_TOKENS)
    vocabulary: int = param(20_000, _VOCABULARY_DOC, low=1, high=10_000_000)
    vectors: str | None = param(None, _VECTORS_DOC, none=True)
    frozen: bool = param(False, "Leave the vectors of the file as they are.")
    length: int | None = param(200, _LENGTH_DOC, low=1, high=65_536, none=True)
    learning_rate: float = param(2e-3, _RATE_DOC, above=0, high=10, search=(3e-4, 1e-2), log=True)
    epochs: int | None = param(None, _EPOCHS_DOC, low=1, none=True, search=(4, 30), log=True)
    patience: int | None = param(None, _PATIENCE_DOC, low=1, none=True)
    batch: int | None = param(None, _BATCH_DOC, low=1, none=True)
    bucket: bool = param(False, _BUCKET_DOC)
    validation: float = param(0.1, _VALIDATION_DOC, low=0, below=1)

    def network(self, task: Task, context: Context) -> dict[str, Any]:
        """A recurrent network."""
        return self.begun(context, {
            "network": self.kind, "width": self.width, "hidden": self.hidden,
            "layers": self.layers, "bidirectional": self.bidirectional, "head": self.head,
            "dropout": self.dropout})

    def recipe(self, task: Task, context: Context) -> dict[str, Any]:
        """AdamW along a cosine, large gradients clipped, stopped by the rows held out."""
        return {**_cosine(self, context), "clip": 1.0}


@dataclass(frozen=True)
class TextTransformer(TextNetwork):
    """A small Transformer encoder (Vaswani et al. 2017), from scratch."""

    name: ClassVar[str] = "text_transformer"
    burden: ClassVar[int] = 55
    pace: ClassVar[float] = 400.0
    summary: ClassVar[str] = (
        "Every word looks at every other: relations across a text. From scratch it wants many "
        "texts; with few, a bag of words or a pretrained encoder is better.")

    width: int = param(64, "Numbers in the vector of a token.", low=2, high=4096, search=(32, 128),
                       log=True)
    heads: int = param(4, "Ways of looking, each on its share of the numbers.", low=1, high=64)
    layers: int = param(1, "Layers of attention.", low=1, high=24, search=(1, 3))
    norm: str = param("pre", "Normalise before or after each part.", choices=("pre", "post"))
    positions: str = param("sinusoidal", "How a token knows its place.",
                           choices=("sinusoidal", "learned", "rotary", "none"))
    head: str = param("mean", "What of the tokens is used: their mean, their largest numbers, or "
                      "a mean weighed by attention.", choices=("mean", "max", "attention"))
    dropout: float = param(0.3, "Share of numbers left out at random in each step.", low=0,
                           below=1, search=(0.0, 0.5))
    tokens: str = param("word", _TOKENS_DOC, **_TOKENS)
    vocabulary: int = param(20_000, _VOCABULARY_DOC, low=1, high=10_000_000)
    vectors: str | None = param(None, _VECTORS_DOC, none=True)
    frozen: bool = param(False, "Leave the vectors of the file as they are.")
    length: int | None = param(200, _LENGTH_DOC, low=1, high=65_536, none=True)
    learning_rate: float = param(1e-3, _RATE_DOC, above=0, high=10, search=(1e-4, 3e-3), log=True)
    epochs: int | None = param(None, _EPOCHS_DOC, low=1, none=True, search=(4, 30), log=True)
    patience: int | None = param(None, _PATIENCE_DOC, low=1, none=True)
    batch: int | None = param(None, _BATCH_DOC, low=1, none=True)
    bucket: bool = param(False, _BUCKET_DOC)
    validation: float = param(0.1, _VALIDATION_DOC, low=0, below=1)

    def network(self, task: Task, context: Context) -> dict[str, Any]:
        """A Transformer encoder."""
        return self.begun(context, {
            "network": "transformer_encoder", "width": self.width, "heads": self.heads,
            "layers": self.layers, "norm": self.norm, "positions": self.positions,
            "head": self.head, "dropout": self.dropout})

    def recipe(self, task: Task, context: Context) -> dict[str, Any]:
        """AdamW along a cosine after a warm-up, stopped by the rows held out."""
        return {**_cosine(self, context), "clip": 1.0, "warmup": 0.1}


def _cosine(model: Any, context: Context) -> dict[str, Any]:
    pace = paced(context.rows, epochs=model.epochs, batch=model.batch, least=8, steps=400, most=60,
                 low=16, high=64)
    patience = model.patience or max(3, pace["epochs"] // 3)
    return {"optimizer": "adamw", "rate": model.learning_rate, "weight_decay": 0.01,
            "schedule": "cosine", "patience": patience, "bucket": model.bucket, **pace}
