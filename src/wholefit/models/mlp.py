"""Multilayer perceptrons: the plain network for tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from wholefit.base.params import param
from wholefit.base.tasks import Task
from wholefit.models._model import Context
from wholefit.models._network_entry import NetworkModel, given


@dataclass(frozen=True)
class MLP(NetworkModel):
    """Dense layers with an activation between them, taught by gradient descent."""

    name: ClassVar[str] = "mlp"
    burden: ClassVar[int] = 35
    summary: ClassVar[str] = (
        "The plain neural network: smooth relations of many numeric columns, and rows that keep "
        "coming; on mixed tables boosted trees are usually ahead and quicker.")

    layers: int = param(2, "Hidden layers; 0 makes it a linear model.", low=0, high=20,
                        search=(1, 4))
    width: int = param(128, "Numbers in each hidden layer.", low=1, high=16384, search=(32, 512),
                       log=True)
    activation: str = param(
        "relu", "What bends the sums of each layer.",
        choices=("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "tanh", "sigmoid"),
        search=("relu", "gelu", "mish"))
    dropout: float = param(0.1, "Share of a layer's numbers left out at random in each step.",
                           low=0, below=1, search=(0.0, 0.5))
    norm: str = param("none", "Whether each layer's numbers are brought to one scale, over the "
                      "batch or the row.", choices=("none", "batch", "layer"))
    scaling: str = param(
        "quantile", "Scale of the numbers: normal scores of their ranks; mean and deviation; or "
        "median and quartiles, far values bent in.", choices=("quantile", "standard", "robust"))
    learning_rate: float = param(2e-3, "Size of a step at its largest.", above=0, high=10,
                                 search=(1e-4, 1e-2), log=True)
    weight_decay: float = param(1e-2, "How much weights shrink, times the rate, each step.", low=0,
                                search=(1e-5, 1.0), log=True)
    label_smoothing: float = param(0.0, "For classes: probability given to the others.", low=0,
                                   below=1)
    epochs: int = param(60, "Most times that all rows are seen.", low=1, search=(20, 200), log=True)
    patience: int | None = param(
        12, "Epochs without a better answer on the rows held out before it stops; None never "
        "stops.", low=1, none=True)
    batch: int | None = param(
        None, "Rows a step; None takes a thirty-second of the rows, from 32 to 256.", low=1,
        none=True)
    validation: float = param(0.15, "Share of the rows held out to stop early by (none below 60 "
                              "rows).", low=0, below=1)
    pretrain: str = param(
        "none", "What the layers learn of rows before any target is shown, of rows without a "
        "target too: to rebuild them, as they are, from spoilt ones, or what is left out of them.",
        choices=("none", "autoencoder", "denoising", "masked"), search=("none",))
    pretrain_epochs: int = param(20, "Times that all rows are seen before any target is shown.",
                                 low=1)

    @property
    def unlabelled(self) -> bool:
        """True where the layers learn rows before their targets."""
        return self.pretrain != "none"

    def network(self, task: Task, context: Context) -> dict[str, Any]:
        """Layers of equal width."""
        return {"network": "mlp", "hidden": [self.width] * self.layers,
                "activation": self.activation, "dropout": self.dropout, "norm": self.norm}

    def recipe(self, task: Task, context: Context) -> dict[str, Any]:
        """AdamW along a cosine, stopped by the rows held out."""
        smooth = self.label_smoothing if context.n_classes else 0.0
        return given(
            optimizer="adamw", rate=self.learning_rate, weight_decay=self.weight_decay,
            schedule="cosine", warmup=0.05, epochs=self.epochs, batch=self.batch,
            label_smoothing=smooth, clip=1.0) | {"patience": self.patience}

    def options(self, task: Task, context: Context) -> dict[str, Any]:
        """Scaling, and rows held out."""
        first = {"how": self.pretrain, "epochs": self.pretrain_epochs}
        return {"scaling": self.scaling, "validation": self.validation,
                "pretrain": first if self.unlabelled else None}
