"""Networks of one cell, repeated: what `wf.architecture_search` finds, as ordinary models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from wholefit.base import cells
from wholefit.base.params import param
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding
from wholefit.models._model import Context
from wholefit.models._network_entry import NetworkModel, for_networks, given

_CELL_DOC = ("The cell, node by node: an operation and the one or two places it reads, 0 being "
             "what comes in and 1 the first node; what no node reads is added up and leaves. ")
_RATE_DOC = "Size of a step at its largest."
_PATIENCE_DOC = ("Epochs without a better answer on the rows held out before it stops; None never "
                 "stops.")
_VALIDATION_DOC = "Share of the rows held out to stop early by (none below 60 rows)."
_ACTIVATIONS = ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "tanh")


@dataclass(frozen=True)
class CellMLP(NetworkModel):
    """Cells over rows: what an architecture search changes about a perceptron."""

    name: ClassVar[str] = "cell_mlp"
    burden: ClassVar[int] = 45
    pace: ClassVar[float] = 60.0
    summary: ClassVar[str] = (
        "A dense network whose shape is said cell by cell: what an architecture search finds; by "
        "hand an mlp or real_mlp is simpler.")

    cell: tuple[str, ...] = param(
        ("dense 0", "identity 0"), _CELL_DOC + f"Operations: {', '.join(cells.ROWS)}.")
    repeat: int = param(2, "Cells behind each other.", low=1, high=12, search=(1, 3))
    width: int = param(128, "Numbers in each cell.", low=1, high=16384, search=(32, 256), log=True)
    embedding: str = param(
        "none", "How each number becomes several: waves of learnt length, how far it has come "
        "through quantile bins, or not at all.", choices=("none", "piecewise", "periodic"),
        search=("none", "piecewise"))
    scaling: str = param(
        "quantile", "Scale of the numbers: normal scores of their ranks; mean and deviation; or "
        "median and quartiles, far values bent in.", choices=("quantile", "standard", "robust"),
        search=("quantile", "robust"))
    activation: str = param("relu", "What bends the sums.", choices=_ACTIVATIONS,
                            search=("relu", "silu", "selu"))
    norm: str = param("layer", "Whether the numbers of each node are brought to one scale, over "
                      "the batch or the row.", choices=("none", "batch", "layer"))
    dropout: float = param(0.1, "Share of a node's numbers left out at random in each step.",
                           low=0, below=1, search=(0.0, 0.4))
    learning_rate: float = param(2e-3, _RATE_DOC, above=0, high=10, search=(5e-4, 1e-2), log=True)
    weight_decay: float = param(1e-2, "How much weights shrink, times the rate, each step.", low=0,
                                search=(1e-4, 0.3), log=True)
    epochs: int = param(60, "Most times that all rows are seen.", low=1, search=(20, 120), log=True)
    batch: int | None = param(None, "Rows a step; None takes a thirty-second of the rows, from 32 "
                              "to 256.", low=1, none=True)
    patience: int | None = param(12, _PATIENCE_DOC, low=1, none=True)
    validation: float = param(0.15, _VALIDATION_DOC, low=0, below=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        cells.parse(self.cell, cells.ROWS)

    def network(self, task: Task, context: Context) -> dict[str, Any]:
        """The cell and what stands around it."""
        return {"network": "cell_mlp", "cell": list(self.cell), "repeat": self.repeat,
                "width": self.width, "embedding": self.embedding, "activation": self.activation,
                "norm": self.norm, "dropout": self.dropout}

    def recipe(self, task: Task, context: Context) -> dict[str, Any]:
        """The network's own recipe, with what is said here."""
        return given(rate=self.learning_rate, weight_decay=self.weight_decay, epochs=self.epochs,
                     batch=self.batch) | {"patience": self.patience}

    def options(self, task: Task, context: Context) -> dict[str, Any]:
        """Scaling, and rows held out."""
        return {"scaling": self.scaling, "validation": self.validation}


@dataclass(frozen=True)
class CellCNN(NetworkModel):
    """Cells over pictures: what an architecture search changes about a convolutional network."""

    name: ClassVar[str] = "cell_cnn"
    burden: ClassVar[int] = 60
    pace: ClassVar[float] = 60.0
    steady: ClassVar[float] = 1e-5
    summary: ClassVar[str] = (
        "A convolutional network whose shape is said cell by cell: what an architecture search "
        "finds; by hand a cnn or residual_cnn is simpler.")

    cell: tuple[str, ...] = param(
        ("conv3 0", "conv3 1", "identity 0"),
        _CELL_DOC + f"Operations: {', '.join(cells.PICTURES)}.")
    repeat: int = param(1, "Cells of each stage.", low=1, high=12, search=(1, 2))
    stages: int = param(3, "Stages, each at half the sides of the one before and with twice the "
                        "filters; fewer for small pictures.", low=1, high=6, search=(2, 3))
    filters: int = param(16, "Filters of the first stage.", low=1, high=1024, search=(8, 32),
                         log=True)
    activation: str = param("relu", "What bends the sums.", choices=_ACTIVATIONS,
                            search=("relu", "silu"))
    norm: str = param("batch", "Whether the numbers of each node are brought to one scale.",
                      choices=("none", "batch", "layer"), search=("batch", "layer"))
    dropout: float = param(0.1, "Share of the last numbers left out at random.", low=0, below=1,
                           search=(0.0, 0.4))
    augment: str = param(
        "none", "Random changes of training pictures: those that do no harm by a quick trial, "
        "none, or a named set of `wholefit.nn.augment`.",
        choices=("auto", "none", "signs", "objects", "photos", "strong"), search=("none",))
    learning_rate: float = param(4e-3, _RATE_DOC, above=0, high=10, search=(1e-3, 2e-2), log=True)
    weight_decay: float = param(1e-2, "How much weights shrink, times the rate, each step.", low=0,
                                search=(1e-4, 0.1), log=True)
    epochs: int = param(12, "Times that all rows are seen; fewer where the time says so.", low=1,
                        search=(5, 40), log=True)
    batch: int | None = param(None, "Rows a step; None takes a thirty-second of the rows, from 32 "
                              "to 128.", low=1, none=True)
    patience: int | None = param(6, _PATIENCE_DOC, low=1, none=True)
    validation: float = param(0.1, _VALIDATION_DOC, low=0, below=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        cells.parse(self.cell, cells.PICTURES)

    def encoding(self, task: Task) -> Encoding:
        """Pictures as pixels, other columns as for other networks."""
        return for_networks(images="pixels", single=True)

    def network(self, task: Task, context: Context) -> dict[str, Any]:
        """As many stages as the picture's sides can be halved; a small mlp without a picture."""
        side = min((side for span in context.spans if span.kind == "image"
                    for side in span.shape[1:]), default=None)
        if side is None:
            return {"network": "mlp", "hidden": [64]}
        stages = max(1, min(self.stages, side.bit_length() - 1))
        return {"network": "cell_cnn", "cell": list(self.cell), "repeat": self.repeat,
                "stages": stages, "filters": self.filters, "activation": self.activation,
                "norm": self.norm, "dropout": self.dropout}

    def recipe(self, task: Task, context: Context) -> dict[str, Any]:
        """The network's own recipe, with what is said here."""
        return given(rate=self.learning_rate, weight_decay=self.weight_decay, epochs=self.epochs,
                     batch=self.batch) | {"patience": self.patience}

    def options(self, task: Task, context: Context) -> dict[str, Any]:
        """Changes of training pictures, rows held out."""
        return {"augment": None if self.augment == "none" else self.augment,
                "validation": self.validation}
