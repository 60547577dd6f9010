"""Networks made for tables: embedded numbers and codes, defaults that hold on most tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from wholefit.base.params import param
from wholefit.base.tasks import Task
from wholefit.models._model import Context
from wholefit.models._network_entry import NetworkModel, given

_EMBEDDING_DOC = ("How each number becomes several: waves of learnt length, how far it has come "
                  "through quantile bins, or not at all.")
_BATCH_DOC = "Rows a step; None takes a thirty-second of the rows, from 32 to 256."
_PATIENCE_DOC = ("Epochs without a better answer on the rows held out before it stops; None never "
                 "stops.")
_VALIDATION_DOC = "Share of the rows held out to stop early by (none below 60 rows)."


@dataclass(frozen=True)
class RealMLP(NetworkModel):
    """A multilayer perceptron with defaults tuned over many tables (Holzmüller et al. 2024)."""

    name: ClassVar[str] = "real_mlp"
    burden: ClassVar[int] = 45
    pace: ClassVar[float] = 60.0
    summary: ClassVar[str] = (
        "A dense network with embedded numbers and well-tried defaults: on tables of some "
        "thousand rows often beside boosted trees, at several times their seconds.")

    layers: int = param(3, "Hidden layers.", low=1, high=20, search=(2, 4))
    width: int = param(256, "Numbers in each hidden layer.", low=1, high=16384, search=(64, 512),
                       log=True)
    embedding: str = param("piecewise", _EMBEDDING_DOC, choices=("periodic", "piecewise", "none"))
    size: int = param(4, "Numbers that each number becomes.", low=2, high=256, search=(2, 16),
                      log=True)
    dropout: float = param(0.15, "Share of a layer's numbers left out at random in each step.",
                           low=0, below=1, search=(0.0, 0.5))
    learning_rate: float | None = param(
        None, "Size of a step at its largest; None takes 0.02 for classes and 0.04 for numbers.",
        above=0, high=10, none=True, search=(0.005, 0.1), log=True)
    weight_decay: float = param(0.02, "How much weights shrink, times the rate, each step.", low=0,
                                search=(1e-4, 0.1), log=True)
    label_smoothing: float = param(0.0, "For classes: probability given to the others; it betters "
                                   "accuracy and spoils probabilities.", low=0, below=1)
    epochs: int = param(64, "Times that all rows are seen; the best is kept.", low=1,
                        search=(32, 256), log=True)
    batch: int | None = param(None, _BATCH_DOC, low=1, none=True)
    patience: int | None = param(24, _PATIENCE_DOC, low=1, none=True)
    validation: float = param(0.15, _VALIDATION_DOC, low=0, below=1)

    def network(self, task: Task, context: Context) -> dict[str, Any]:
        """Robust scaling, embeddings, dense layers."""
        return {"network": "realmlp", "hidden": [self.width] * self.layers, "size": self.size,
                "embedding": self.embedding, "dropout": self.dropout}

    def recipe(self, task: Task, context: Context) -> dict[str, Any]:
        """The network's own recipe, with what is said here."""
        smooth = self.label_smoothing if context.n_classes else 0.0
        return given(optimizer="adamw", rate=self.learning_rate, batch=self.batch,
                     weight_decay=self.weight_decay, epochs=self.epochs,
                     label_smoothing=smooth) | {"patience": self.patience}

    def options(self, task: Task, context: Context) -> dict[str, Any]:
        """Rows held out."""
        return {"validation": self.validation}


@dataclass(frozen=True)
class TabM(NetworkModel):
    """Many perceptrons that share most of their weights (Gorishniy et al. 2025)."""

    name: ClassVar[str] = "tabm"
    burden: ClassVar[int] = 50
    pace: ClassVar[float] = 200.0
    summary: ClassVar[str] = (
        "An ensemble of dense networks in one: among the most accurate on tables, steady from "
        "seed to seed; many times slower than boosted trees without a GPU.")

    members: int = param(16, "Networks in one.", low=1, high=256, search=(8, 32), log=True)
    layers: int = param(2, "Hidden layers.", low=1, high=20, search=(1, 4))
    width: int = param(256, "Numbers in each hidden layer.", low=1, high=16384, search=(64, 512),
                       log=True)
    embedding: str = param("piecewise", _EMBEDDING_DOC, choices=("periodic", "piecewise", "none"))
    size: int = param(8, "Numbers that each number becomes.", low=2, high=256, search=(4, 32),
                      log=True)
    dropout: float = param(0.1, "Share of a layer's numbers left out at random in each step.",
                           low=0, below=1, search=(0.0, 0.5))
    learning_rate: float = param(1e-3, "Size of a step.", above=0, high=10, search=(3e-4, 5e-3),
                                 log=True)
    weight_decay: float = param(3e-4, "How much weights shrink, times the rate, each step.", low=0,
                                search=(1e-5, 0.1), log=True)
    epochs: int = param(60, "Most times that all rows are seen.", low=1, search=(30, 200), log=True)
    batch: int | None = param(None, _BATCH_DOC, low=1, none=True)
    patience: int | None = param(12, _PATIENCE_DOC, low=1, none=True)
    validation: float = param(0.15, _VALIDATION_DOC, low=0, below=1)

    def network(self, task: Task, context: Context) -> dict[str, Any]:
        """Embeddings, and dense layers with factors for each member."""
        return {"network": "tabm", "members": self.members, "hidden": [self.width] * self.layers,
                "embedding": self.embedding, "size": self.size, "dropout": self.dropout}

    def recipe(self, task: Task, context: Context) -> dict[str, Any]:
        """The network's own recipe, with what is said here."""
        return given(rate=self.learning_rate, weight_decay=self.weight_decay, epochs=self.epochs,
                     batch=self.batch) | {"patience": self.patience}

    def options(self, task: Task, context: Context) -> dict[str, Any]:
        """Rows held out."""
        return {"validation": self.validation}
