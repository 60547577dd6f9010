"""What catalog entries of networks share: options to estimators, state, learning on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding
from wholefit.features.spans import Span
from wholefit.models._model import Context, Model


def for_networks(**changes: object) -> Encoding:
    """Gaps filled with a flag beside them, categories as codes; networks scale inside."""
    base = Encoding(scale="none", categories="ordinal", text="svd", dense=True)
    return base.replace(**changes)


@dataclass(frozen=True)
class Trained(Model):
    """What is taught by the training loop of `nn`: where, in which numbers, at which rate."""

    heard: ClassVar[bool] = True

    find_rate: bool = param(
        False, "Try rates on the training rows before learning, and take the one at which the "
        "loss falls fastest in place of learning_rate (Smith 2017); in a fifth of the time at "
        "most.", last=True)
    device: str = param("auto", "Where to train: 'auto' is the first of cuda, mps, cpu that is "
                        "there. Answers are given on the CPU.",
                        choices=("auto", "cpu", "cuda", "mps"), search=("auto",), last=True)
    precision: str = param(
        "float32", "Numbers of the forward pass while it learns; 'auto' takes bfloat16 where it "
        "is measured to be quicker; float16 needs a GPU.",
        choices=("float32", "bfloat16", "float16", "auto"), search=("float32",), last=True)
    compiled: str = param(
        "no", "Whether torch.compile makes its steps; 'auto' where it is measured to pay.",
        choices=("no", "yes", "auto"), search=("no",), last=True)

    def engine(self) -> dict[str, Any]:
        """What of these is said, as `nn.Recipe` calls it; the rest is left to the recipe."""
        words = {"find_rate": "find", "device": "device", "precision": "precision",
                 "compiled": "compiled"}
        return {words[spec.name]: getattr(self, spec.name) for spec in Trained.specs()
                if getattr(self, spec.name) != spec.default}


@dataclass(frozen=True)
class NetworkModel(Trained):
    """A network as a catalog entry: say what `network` and `recipe` are, and the rest follows."""

    family: ClassVar[str] = "networks"
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")
    requires: ClassVar[str | None] = "torch"
    extra: ClassVar[str | None] = "deep"
    incremental: ClassVar[bool] = True
    clocked: ClassVar[bool] = True
    pace: ClassVar[float] = 30.0

    def network(self, task: Task, context: Context) -> dict[str, Any]:
        """The network's name and options, without the sizes of inputs and outputs."""
        raise NotImplementedError

    def recipe(self, task: Task, context: Context) -> dict[str, Any]:
        """What is said of the training (`nn.Recipe`)."""
        raise NotImplementedError

    def spans(self, context: Context) -> Sequence[Span]:
        """Which features are what; the context's unless a network reads them otherwise."""
        return context.spans

    def options(self, task: Task, context: Context) -> dict[str, Any]:
        """Further options of the estimator: scaling, augment, validation, class_weight."""
        return {}

    def encoding(self, task: Task) -> Encoding:
        """Gaps filled, categories as codes; numbers are scaled inside the network."""
        return for_networks()

    def build(self, task: Task, context: Context) -> Any:
        """NetworkClassifier or NetworkRegressor."""
        from wholefit.models._networks import NetworkClassifier, NetworkRegressor

        kind = NetworkClassifier if context.n_classes else NetworkRegressor
        recipe = {**self.recipe(task, context), **self.engine()}
        made = kind(self.network(task, context), recipe,
                    spans=tuple(self.spans(context)) or None, seconds=context.seconds,
                    jobs=context.jobs, random_state=context.seed, **self.options(task, context))
        made.by_count = context.counted
        return made

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "network": how it is made, its scaling, its weights as safetensors."""
        from wholefit.models._networks import state_of

        return state_of(estimator, context.n_classes)

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """The fitted estimator, so that `partial_fit` goes on from its weights."""
        from wholefit.models._networks import restored

        return restored(self.build(task, context), state)


def given(**words: Any) -> dict[str, Any]:
    """Those that are not None: what is not said is left to the network's own recipe."""
    return {name: value for name, value in words.items() if value is not None}
