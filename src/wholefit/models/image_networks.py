"""Networks that look at pictures: convolutions (plain, residual, wide), patches with attention.

Other columns stand beside the picture under one head. Where a table has no picture, what is left
is a small perceptron of its columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import Any, ClassVar

from wholefit.base.params import param
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding
from wholefit.models._model import Context
from wholefit.models._network_entry import NetworkModel, for_networks, given

_AUGMENT: dict[str, Any] = {
    "choices": ("auto", "none", "signs", "objects", "photos", "strong", "keras"),
    "search": ("auto", "none")}
_AUGMENT_DOC = ("Random changes of training pictures: those that do no harm by a quick trial, "
                "none, or a named set of `wholefit.nn.augment`.")
_RATE_DOC = "Size of a step at its largest."
_BATCH_DOC = "Rows a step; None takes a thirty-second of the rows, from 32 to 128."
_PATIENCE_DOC = ("Epochs without a better answer on the rows held out before it stops; None never "
                 "stops.")
_VALIDATION_DOC = "Share of the rows held out to judge by (none below 60 rows)."


@dataclass(frozen=True)
class _Seeing(NetworkModel):
    """What networks of pictures share."""

    steady: ClassVar[float] = 1e-5

    def encoding(self, task: Task) -> Encoding:
        """Pictures as pixels, other columns as for other networks."""
        return for_networks(images="pixels", single=True)

    def options(self, task: Task, context: Context) -> dict[str, Any]:
        """Changes of training pictures, rows held out."""
        said = self.to_dict()
        return {"augment": None if said["augment"] == "none" else said["augment"],
                "validation": said["validation"]}


@dataclass(frozen=True)
class CNN(_Seeing):
    """Convolutions and pooling, then a dense layer (LeCun et al. 1998)."""

    name: ClassVar[str] = "cnn"
    burden: ClassVar[int] = 55
    pace: ClassVar[float] = 8.0
    summary: ClassVar[str] = (
        "Small pictures, quickly: filters that slide over them and pools that make them coarser; "
        "a residual network goes further where time allows.")

    stages: int = param(3, "Convolutions, each with a pool after it that halves the sides.", low=1,
                        high=8, search=(2, 4))
    channels: int = param(32, "Filters of the first stage; each next one has twice as many, up to "
                          "256.", low=1, high=1024, search=(16, 64), log=True)
    dense: int = param(128, "Numbers in the dense layer before the answer; 0 leaves it out.",
                       low=0, high=8192)
    norm: str = param("batch", "Whether each stage's numbers are brought to one scale.",
                      choices=("none", "batch", "layer"))
    dropout: float = param(0.25, "Share of the dense layer's numbers left out at random.", low=0,
                           below=1, search=(0.0, 0.5))
    augment: str = param("auto", _AUGMENT_DOC, **_AUGMENT)
    learning_rate: float = param(4e-3, _RATE_DOC, above=0, high=10, search=(5e-4, 1e-2), log=True)
    weight_decay: float = param(1e-2, "How much weights shrink, times the rate, each step.", low=0,
                                search=(1e-4, 0.1), log=True)
    epochs: int = param(12, "Times that all rows are seen; fewer where the time says so.", low=1,
                        search=(5, 60), log=True)
    batch: int | None = param(None, _BATCH_DOC, low=1, none=True)
    patience: int | None = param(6, _PATIENCE_DOC, low=1, none=True)
    validation: float = param(0.1, _VALIDATION_DOC, low=0, below=1)

    def network(self, task: Task, context: Context) -> dict[str, Any]:
        """Stages as long as the picture's sides allow."""
        side = _side(context)
        if side is None:
            return _without()
        stages = [min(256, self.channels * 2**at) for at in range(self.stages)]
        while len(stages) > 1 and side >> len(stages) < 2:
            stages.pop()
        return {"network": "cnn", "stages": stages, "hidden": [self.dense] if self.dense else [],
                "norm": self.norm, "dropout": self.dropout}

    def recipe(self, task: Task, context: Context) -> dict[str, Any]:
        """AdamW over one cycle."""
        if _side(context) is None:
            return _PLAIN
        return given(optimizer="adamw", rate=self.learning_rate, weight_decay=self.weight_decay,
                     schedule="one_cycle", epochs=self.epochs, batch=self.batch,
                     ) | {"patience": self.patience}


@dataclass(frozen=True)
class ResidualCNN(_Seeing):
    """Convolutions that add to what they got (He et al. 2016)."""

    name: ClassVar[str] = "residual_cnn"
    burden: ClassVar[int] = 65
    pace: ClassVar[float] = 60.0
    summary: ClassVar[str] = (
        "The standard for pictures learnt from scratch: deep, steady, more accurate than a plain "
        "convolutional network and many times slower without a GPU.")

    depth: int = param(20, "Layers: 6 n + 2 with n >= 1; another number is brought to the next "
                       "such below.", low=8, high=110, search=(8, 32))
    channels: int = param(16, "Filters of the first third; the others have two and four times as "
                          "many.", low=1, high=512, search=(16, 64), log=True)
    drop: float = param(0.0, "Share of the rows that leave the last block out.", low=0, below=1)
    augment: str = param("auto", _AUGMENT_DOC, **_AUGMENT)
    label_smoothing: float = param(0.05, "For classes: probability given to the others.", low=0,
                                   below=1)
    learning_rate: float = param(0.1, _RATE_DOC, above=0, high=10, search=(0.02, 0.5), log=True)
    weight_decay: float = param(5e-4, "How much weights shrink, times the rate, each step.", low=0,
                                search=(1e-5, 1e-2), log=True)
    epochs: int = param(20, "Times that all rows are seen; fewer where the time says so.", low=1,
                        search=(10, 100), log=True)
    batch: int | None = param(None, _BATCH_DOC, low=1, none=True)
    patience: int | None = param(8, _PATIENCE_DOC, low=1, none=True)
    validation: float = param(0.1, _VALIDATION_DOC, low=0, below=1)

    def network(self, task: Task, context: Context) -> dict[str, Any]:
        """The residual network for small pictures."""
        if _side(context) is None:
            return _without()
        return {"network": "resnet", "depth": self.depth - (self.depth - 2) % 6,
                "size": self.channels, "drop": self.drop}

    def recipe(self, task: Task, context: Context) -> dict[str, Any]:
        """Nesterov's momentum over one cycle."""
        if _side(context) is None:
            return _PLAIN
        smooth = self.label_smoothing if context.n_classes else 0.0
        return given(optimizer="nesterov", rate=self.learning_rate, schedule="one_cycle",
                     weight_decay=self.weight_decay, epochs=self.epochs, batch=self.batch,
                     label_smoothing=smooth) | {"patience": self.patience}


@dataclass(frozen=True)
class WhitenedCNN(_Seeing):
    """A wide network for small pictures, over patches that are decorrelated (Jordan 2024)."""

    name: ClassVar[str] = "whitened_cnn"
    burden: ClassVar[int] = 60
    pace: ClassVar[float] = 40.0
    summary: ClassVar[str] = (
        "Small pictures and thousands of them: more accurate than a plain convolutional network "
        "in the same minutes, in few epochs of large steps; with few pictures that is too few "
        "steps.")

    sizes: tuple[int, ...] = param((64, 256, 256), "Filters of each group of convolutions, each "
                                   "group at half the side of the one before.")
    augment: str = param("auto", _AUGMENT_DOC, **_AUGMENT)
    label_smoothing: float = param(0.2, "For classes: probability given to the others.", low=0,
                                   below=1)
    learning_rate: float = param(
        1.5, "Size of a step at its largest, of 1,024 rows; of fewer rows it is smaller by as "
        "much.", above=0, high=20, search=(0.3, 3.0), log=True)
    weight_decay: float = param(1.3e-3, "How much weights shrink, times the rate, each step.",
                                low=0, search=(1e-4, 1e-2), log=True)
    epochs: int = param(10, "Times that all rows are seen; fewer where the time says so.", low=1,
                        search=(5, 40), log=True)
    batch: int | None = param(
        None, "Rows a step; None takes a thirty-second of the rows, from 32 to 1,024.", low=1,
        none=True)
    validation: float = param(0.0, _VALIDATION_DOC, low=0, below=1)

    def network(self, task: Task, context: Context) -> dict[str, Any]:
        """As many groups as the picture's sides can be halved."""
        side = _side(context)
        if side is None or side < 4:
            return _without()
        sizes = list(self.sizes)
        while len(sizes) > 1 and side <= 2 ** len(sizes):
            sizes.pop()
        return {"network": "whitened_cnn", "sizes": sizes}

    def recipe(self, task: Task, context: Context) -> dict[str, Any]:
        """Nesterov's momentum up and down a line."""
        side = _side(context)
        if side is None or side < 4:
            return _PLAIN
        batch = self.batch or min(1024, max(32, 2 ** round(log2(max(context.rows, 2) / 32))))
        smooth = self.label_smoothing if context.n_classes else 0.0
        return {"rate": self.learning_rate * batch / 1024, "weight_decay": self.weight_decay,
                "epochs": self.epochs, "batch": batch, "label_smoothing": smooth}


@dataclass(frozen=True)
class VisionTransformer(_Seeing):
    """Patches of a picture that look at each other (Dosovitskiy et al. 2021)."""

    name: ClassVar[str] = "vision_transformer"
    burden: ClassVar[int] = 70
    pace: ClassVar[float] = 120.0
    summary: ClassVar[str] = (
        "Patches with attention; from scratch on few pictures convolutions are better, with very "
        "many, or pretrained, it catches up.")

    patch: int = param(4, "Side of a patch in pixels; where it does not divide the picture, the "
                       "largest below that does.", low=1, high=64, search=(2, 8))
    size: int = param(96, "Numbers that describe a patch; a multiple of heads.", low=4, high=4096,
                      search=(64, 256), log=True)
    depth: int = param(4, "Layers of attention.", low=1, high=48, search=(2, 8))
    heads: int = param(4, "Ways of looking, each on its share of the numbers.", low=1, high=64)
    dropout: float = param(0.1, "Share of numbers left out at random in each step.", low=0,
                           below=1, search=(0.0, 0.3))
    augment: str = param("auto", _AUGMENT_DOC, **_AUGMENT)
    learning_rate: float = param(1e-3, _RATE_DOC, above=0, high=10, search=(1e-4, 3e-3), log=True)
    weight_decay: float = param(0.05, "How much weights shrink, times the rate, each step.", low=0,
                                search=(1e-4, 0.3), log=True)
    epochs: int = param(20, "Times that all rows are seen; fewer where the time says so.", low=1,
                        search=(10, 100), log=True)
    batch: int | None = param(None, _BATCH_DOC, low=1, none=True)
    patience: int | None = param(8, _PATIENCE_DOC, low=1, none=True)
    validation: float = param(0.1, _VALIDATION_DOC, low=0, below=1)

    def network(self, task: Task, context: Context) -> dict[str, Any]:
        """A small vision transformer."""
        if _side(context) is None:
            return _without()
        sides = [side for span in context.spans if span.kind == "image" for side in span.shape[1:]]
        patch = next(size for size in range(self.patch, 0, -1)
                     if not any(side % size for side in sides))
        return {"network": "vision_transformer", "patch": patch, "depth": self.depth,
                "size": -(-self.size // self.heads) * self.heads, "heads": self.heads,
                "dropout": self.dropout}

    def recipe(self, task: Task, context: Context) -> dict[str, Any]:
        """AdamW along a cosine after a warm-up."""
        if _side(context) is None:
            return _PLAIN
        return given(optimizer="adamw", rate=self.learning_rate, weight_decay=self.weight_decay,
                     schedule="cosine", warmup=0.1, clip=1.0, epochs=self.epochs,
                     batch=self.batch) | {"patience": self.patience}


def _side(context: Context) -> int | None:
    """The shortest side of a picture; None where there is none."""
    return min((side for span in context.spans if span.kind == "image"
                for side in span.shape[1:]), default=None)


def _without() -> dict[str, Any]:
    return {"network": "mlp", "hidden": [64]}


# How a table without a picture is learnt.
_PLAIN = {"rate": 4e-3, "epochs": 30}
