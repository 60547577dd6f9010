"""Networks that learnt elsewhere, brought to these pictures, texts or numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from wholefit.base.errors import ParameterError
from wholefit.base.params import param
from wholefit.base.tasks import Task
from wholefit.features import tokenizers
from wholefit.features.encoding import Encoding
from wholefit.models._model import Context
from wholefit.models._network_entry import NetworkModel, for_networks, given


@dataclass(frozen=True)
class Pretrained(NetworkModel):
    """Transfer learning: a base, frozen or in part, under a new head (Yosinski et al. 2014)."""

    name: ClassVar[str] = "pretrained"
    burden: ClassVar[int] = 60
    pace: ClassVar[float] = 100.0
    must: ClassVar[tuple[str, ...]] = ("base",)
    summary: ClassVar[str] = (
        "Begins from a network that learnt on other data: the way to good answers from few "
        "pictures or texts, where those resemble what it was taught; needs such a base.")

    base: str = param(
        "", "Where the base is: a .safetensors file of ours, a .wf whose model is a network, a "
        "folder in Hugging Face's layout, or 'timm:...', 'torchvision:...', 'hf:...'.")
    strategy: str = param(
        "auto", "What of the base learns: nothing (frozen), its upper third (top), all but the "
        "lowest third (most), everything (all), one stage more each epoch (gradual), or the whole "
        "shape from nothing (scratch); 'auto' measures how the base serves these rows, and says "
        "why.", choices=("auto", "frozen", "top", "most", "all", "gradual", "scratch"))
    size: int = param(96, "Side in pixels that pictures are read and given at; larger is slower "
                      "and often better.", low=8, high=1024, search=(64, 224))
    hidden: int = param(0, "Numbers in a hidden layer of the new head; 0 has none.", low=0,
                        high=16384)
    dropout: float = param(0.2, "Share of numbers left out at random in the head, each step.",
                           low=0, below=1, search=(0.0, 0.5))
    decay: float = param(2.6, "What the rate is divided by from each stage to the one below.",
                         low=1, high=100, search=(1.0, 4.0))
    learning_rate: float = param(1e-3, "Size of a step at its largest, in the head.", above=0,
                                 high=10, search=(1e-4, 1e-2), log=True)
    epochs: int = param(30, "Most times that all rows are seen.", low=1, search=(5, 60), log=True)
    patience: int | None = param(
        8, "Epochs without a better answer on the rows held out before it stops; None never "
        "stops.", low=1, none=True)
    batch: int | None = param(32, "Rows a step.", low=1, none=True)
    validation: float = param(0.15, "Share of the rows held out to stop early by (none below 60 "
                              "rows).", low=0, below=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.base:
            raise ParameterError("Pretrained.base must name a base: pretrained(base='lite0."
                                 "safetensors'), a folder, a .wf file or an id; see "
                                 "docs/transfer.md.")

    def encoding(self, task: Task) -> Encoding:
        """Pictures as pixels, texts as the base's own tokens, the rest as for other networks."""
        found = for_networks(images="pixels", image_size=self.size, image_colour="rgb",
                             single=True)
        if tokenizers.stored_text(self.base) is not None:
            return found.replace(text="tokens", tokens="pretrained", tokenizer=self.base,
                                 part="head")
        return found

    def network(self, task: Task, context: Context) -> dict[str, Any]:
        """The base and how it is used."""
        return {"base": self.base, "strategy": self.strategy, "size": self.size,
                "hidden": [self.hidden] if self.hidden else [], "dropout": self.dropout,
                "decay": self.decay}

    def recipe(self, task: Task, context: Context) -> dict[str, Any]:
        """AdamW along a cosine, stopped by the rows held out."""
        return given(optimizer="adamw", rate=self.learning_rate, weight_decay=1e-2,
                     schedule="cosine", epochs=self.epochs, batch=self.batch
                     ) | {"patience": self.patience}

    def options(self, task: Task, context: Context) -> dict[str, Any]:
        """Rows held out."""
        return {"validation": self.validation}

    def build(self, task: Task, context: Context) -> Any:
        """PretrainedClassifier or PretrainedRegressor."""
        from wholefit.models._networks._pretrained import PretrainedClassifier, PretrainedRegressor

        kind = PretrainedClassifier if context.n_classes else PretrainedRegressor
        recipe = {**self.recipe(task, context), **self.engine()}
        made = kind(self.network(task, context), recipe,
                    spans=tuple(self.spans(context)) or None, seconds=context.seconds,
                    jobs=context.jobs, random_state=context.seed, **self.options(task, context))
        made.by_count = context.counted
        return made
