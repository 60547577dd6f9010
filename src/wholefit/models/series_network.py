"""Networks for series: rows whose numeric columns are steps of time, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from wholefit.base import steps
from wholefit.base.errors import DataError
from wholefit.base.params import param
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding
from wholefit.models._model import Context
from wholefit.models._network_entry import NetworkModel, for_networks
from wholefit.models._pacing import paced


@dataclass(frozen=True)
class SeriesNetwork(NetworkModel):
    """Temporal convolutions, recurrent networks or attention over the columns in their order."""

    name: ClassVar[str] = "series_network"
    burden: ClassVar[int] = 45
    pace: ClassVar[float] = 200.0
    summary: ClassVar[str] = (
        "Each row is a series, its numeric columns the steps in order (a heartbeat, a sensor's "
        "trace): finds shapes wherever they stand; senseless where the order of columns is.")

    kind: str = param("temporal", "What reads the steps: dilated convolutions, recurrence, or "
                      "attention.",
                      choices=("temporal", "rnn", "gru", "lstm", "transformer_encoder"))
    per_step: int | None = param(
        None, "Neighbouring columns that belong to one step; None is the channels of series given "
        "as an array, else 1.", low=1, high=65_536, none=True)
    hidden: int = param(64, "Numbers that describe a step (with attention, its width).", low=2,
                        high=4096, search=(32, 128), log=True)
    layers: int = param(4, "Layers; of convolutions, each reaches twice as far as the last.",
                        low=1, high=16, search=(2, 6))
    normalise: bool = param(False, "Bring each series to mean 0 and deviation 1 by itself, instead "
                            "of each column.")
    dropout: float = param(0.1, "Share of numbers left out at random in each step.", low=0,
                           below=1, search=(0.0, 0.5))
    learning_rate: float = param(2e-3, "Size of a step at its largest.", above=0, high=10,
                                 search=(3e-4, 1e-2), log=True)
    epochs: int | None = param(None, "Most times that all rows are seen; None takes 40, and up to "
                               "300 where rows are few.", low=1, none=True, search=(20, 200),
                               log=True)
    patience: int | None = param(None, "Epochs without a better answer on the rows held out before "
                                 "it stops; None takes a third of the epochs.", low=1, none=True)
    batch: int | None = param(None, "Rows a step; None takes a thirty-second of the rows, 8 to "
                              "64.", low=1, none=True)
    validation: float = param(0.15, "Share of the rows held out to stop early by (none below 60 "
                              "rows).", low=0, below=1)

    def encoding(self, task: Task) -> Encoding:
        """Numbers alone, gaps filled: an indicator or a category would stand among the steps."""
        return for_networks(indicator=False, categories="drop", text="drop", dates=False,
                            single=True)

    def network(self, task: Task, context: Context) -> dict[str, Any]:
        """The flat row as a series."""
        per_step = self._per_step(context)
        reader: dict[str, Any] = {"network": self.kind, "dropout": self.dropout}
        if self.kind == "transformer_encoder":
            reader |= {"width": self.hidden - self.hidden % 4 or 4, "layers": min(self.layers, 2)}
        else:
            layers = self.layers if self.kind == "temporal" else min(self.layers, 2)
            reader |= {"hidden": self.hidden, "layers": layers}
            reader |= {"head": "mean"} if self.kind == "temporal" else {"bidirectional": True,
                                                                        "head": "max"}
        return {"network": "series", "per_step": per_step, "normalise": self.normalise,
                "reader": reader}

    def _per_step(self, context: Context) -> int:
        """Columns of one step; DataError where what is read is not whole steps."""
        told = {span.column for span in context.spans if span.column.startswith("series")}
        shape = steps.shape_of(told)
        if self.per_step is None and told and shape is None:
            raise DataError(
                "SeriesNetwork reads series alone, and other columns stand beside them: leave "
                "those out (roles={'column': 'ignored'}), or add them to the array as channels.")
        found = self.per_step or (1 if shape is None else shape[1])
        if context.features % found:
            raise DataError(f"SeriesNetwork.per_step must divide the {context.features} numeric "
                            f"columns; got {found}.")
        return found

    def recipe(self, task: Task, context: Context) -> dict[str, Any]:
        """AdamW along a cosine after a warm-up, stopped by the rows held out."""
        pace = paced(context.rows, epochs=self.epochs, batch=self.batch, least=40, steps=800,
                     most=300, low=8, high=64)
        return {"optimizer": "adamw", "rate": self.learning_rate, "weight_decay": 0.01, "clip": 1.0,
                "schedule": "cosine", "warmup": 0.05,
                "patience": self.patience or max(10, pace["epochs"] // 3), **pace}

    def options(self, task: Task, context: Context) -> dict[str, Any]:
        """Series are brought to scale one by one, or columns all together."""
        return {"validation": self.validation,
                "scaling": "none" if self.normalise else "standard"}
