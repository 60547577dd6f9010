"""Networks that a user brings: a torch module, or a compiled Keras model, as a Model.

    wf.fit("iris.csv", target="species", models=[module])
    wf.fit("iris.csv", target="species", models=[brought(module, epochs=20)])

A function of (inputs, outputs) that gives a module is taken too, where sizes are not known before.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from wholefit.base.errors import ParameterError, StateError
from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding
from wholefit.models._model import Context, Model
from wholefit.models._network_entry import Trained, for_networks, given


def is_module(value: Any) -> bool:
    """True for a torch module; wakes no library."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def is_keras(value: Any) -> bool:
    """True for a Keras model; wakes no library."""
    keras = sys.modules.get("keras")
    kind = getattr(keras, "Model", None)
    return kind is not None and isinstance(value, kind)


def is_factory(value: Any) -> bool:
    """True for a function, not a class, whose first two arguments are inputs and outputs."""
    import inspect

    if not inspect.isfunction(value):
        return False
    words = list(inspect.signature(value).parameters)
    return words[:2] == ["inputs", "outputs"]


def is_brought(value: Any) -> bool:
    """True for what `brought` takes."""
    return is_module(value) or is_keras(value) or is_factory(value)


def brought(estimator: Any, **options: Any) -> Model:
    """The Model of a torch module, of a function that makes one, or of a compiled Keras model.

    `options` are those of the Model (epochs, learning_rate, batch, ...). Raises ParameterError for
    anything else.
    """
    if is_keras(estimator):  # first: with torch behind it, a Keras model is a torch module as well
        from wholefit.models._keras_guest import KerasModel

        return KerasModel(estimator=estimator, **options)
    if is_module(estimator) or is_factory(estimator):
        return BroughtModule(estimator=estimator, **options)
    raise ParameterError("brought takes a torch module, a function of (inputs, outputs) that makes "
                         f"one, or a Keras model; got {type(estimator).__name__}.")


@dataclass(frozen=True)
class BroughtModule(Trained):
    """A torch module of the user's: each fold begins from a copy of it as it was brought.

    It is given numbers (n, features), on one scale and 0/1 for categories; or, where the data are
    pictures alone, (n, channels, height, width). It gives logits (n, classes), or numbers (n,).
    """

    name = "module"
    family = "guest"
    tasks = ("classification", "regression")
    summary = "A torch module brought in by the user."
    weighted = True
    burden = 60
    pace = 30.0

    estimator: Any = None
    epochs: int = param(100, "Most times that all rows are seen.", low=1)
    learning_rate: float = param(1e-3, "Size of a step at its largest.", above=0, high=10)
    batch: int | None = param(None, "Rows a step; None takes a thirty-second of the rows, from 32 "
                              "to 128.", low=1, none=True)
    optimizer: str = param("adamw", "How steps are made of gradients.",
                           choices=("sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"))
    schedule: str = param("cosine", "How the rate goes over the steps.",
                          choices=("constant", "step", "cosine", "one_cycle", "linear", "plateau"))
    loss: str | None = param(
        None, "What is made small: for classes 'cross_entropy' or 'focal', for numbers 'squared', "
        "'absolute' or 'huber', or the name that layers.add('loss', ...) entered a function under; "
        "None takes the first.", none=True)
    patience: int | None = param(
        12, "Epochs without a better answer on the rows held out before it stops; None never "
        "stops.", low=1, none=True)
    validation: float = param(0.15, "Share of the rows held out to stop early by (none below 60 "
                              "rows).", low=0, below=1)

    def __post_init__(self) -> None:
        if callable(self.loss):
            raise ParameterError(
                f"{type(self).__name__}.loss must be a name, as a run that is repeated names it; "
                "got a function: enter it by @layers.add('loss', 'mine') (from wholefit.nn import "
                "layers), and say loss='mine'.")
        super().__post_init__()
        made = self.estimator
        name = made.__name__ if is_factory(made) else type(made).__name__
        object.__setattr__(self, "name", name)

    def to_dict(self) -> dict[str, Any]:
        """The options of its training; the module itself is no plain value."""
        return super().to_dict()

    def replace(self, **changes: Any) -> BroughtModule:
        """A copy with some options of the training changed."""
        return BroughtModule(**{"estimator": self.estimator, **self.to_dict(), **changes})

    def encoding(self, task: Task) -> Encoding:
        """Numbers without gaps, categories 0/1, pictures as pixels."""
        return for_networks(categories="onehot", images="pixels", single=True)

    def build(self, task: Task, context: Context) -> Any:
        """An estimator that trains a copy of the module."""
        from wholefit.models._networks._brought import ModuleClassifier, ModuleRegressor

        kind = ModuleClassifier if context.n_classes else ModuleRegressor
        recipe = {"rate": self.learning_rate, "optimizer": self.optimizer, "epochs": self.epochs,
                  "schedule": self.schedule, "patience": self.patience, "weight_decay": 1e-4}
        recipe |= given(batch=self.batch, loss=self.loss) | self.engine()
        made = kind({"network": "module", "made": self.estimator}, recipe,
                    spans=context.spans or None, jobs=context.jobs, seconds=context.seconds,
                    validation=self.validation, random_state=context.seed)
        made.by_count = context.counted
        return made

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "network" where its class is in the registry; StateError says how to enter it."""
        from wholefit.models._networks import state_of

        if hasattr(estimator, "module_") and not estimator.made_of_:
            from wholefit.models._networks._brought import stranger

            raise StateError(stranger(self.name))
        return state_of(estimator, context.n_classes)
