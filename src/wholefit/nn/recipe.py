"""A recipe: how a module is trained, as plain words that are stored with what it made."""

from __future__ import annotations

from dataclasses import dataclass

from wholefit.base.params import Params, param


@dataclass(frozen=True)
class Recipe(Params):
    """Everything that decides a training besides the module and the data."""

    epochs: int = param(30, "Most times that all rows are seen.", low=1, search=(5, 200), log=True)
    batch: int = param(128, "Rows a step; at most the rows there are.", low=1,
                       search=(16, 1024), log=True)
    optimizer: str = param(
        "adamw", "How steps are made of gradients.",
        choices=("sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "lbfgs"))
    rate: float = param(1e-3, "Size of a step at its largest.", above=0, search=(1e-4, 1e-1),
                        log=True)
    weight_decay: float = param(0.0, "How much weights shrink, times the rate, each step; offsets "
                                "and norms are spared.", low=0, search=(1e-6, 1e-1), log=True)
    momentum: float = param(0.9, "Share of the last step kept (momentum, nesterov).", low=0,
                            below=1)
    schedule: str = param(
        "constant", "How the rate goes over the steps.",
        choices=("constant", "step", "cosine", "one_cycle", "linear", "plateau", "coslog4"))
    warmup: float = param(0.0, "Share of the steps in which the rate rises from nothing.", low=0,
                          below=1)
    loss: str = param(
        "cross_entropy", "What is made small.",
        choices=("cross_entropy", "binary", "multilabel", "squared", "absolute", "huber", "focal"))
    label_smoothing: float = param(0.0, "Probability given to the other classes (cross_entropy, "
                                   "binary, multilabel).", low=0, below=1)
    clip: float | None = param(None, "Largest norm of a gradient; None leaves it.", above=0,
                               none=True)
    accumulate: int = param(1, "Batches whose gradients make one step.", low=1)
    ema: float | None = param(None, "Keep a mean of the weights with this decay, and answer with "
                              "it; None does not.", above=0, below=1, none=True)
    patience: int | None = param(None, "Epochs without a better judgement before it stops; the "
                                 "best weights are put back. None never stops early.", low=1,
                                 none=True)
    precision: str = param(
        "float32", "Numbers of the forward pass; 'auto' takes bfloat16 where it is measured to "
        "be quicker.", choices=("float32", "bfloat16", "float16", "auto"))
    compiled: str = param("no", "torch.compile: 'auto' only where it is measured to pay.",
                          choices=("no", "yes", "auto"))
    device: str = param("auto", "Where to train: 'auto' is the first of cuda, mps, cpu.",
                        choices=("auto", "cpu", "cuda", "mps"))
    seed: int = param(0, "Everything random follows from it.", low=0)
    watch: str = param("loss", "Figure of the rows held out that 'patience' and 'plateau' look "
                       "at: 'loss' (of the training where none are) or the name of a metric.")
    drop: float = param(0.1, "What the rate is multiplied with at a drop (step, plateau).",
                        above=0, below=1)
    every: float = param(1 / 3, "Share of the steps between two drops (step).", above=0, high=1)
    wait: int = param(5, "Epochs without a better judgement before a drop (plateau).", low=0)
    huber: float = param(1.0, "Error from which the Huber loss grows straight.", above=0)
    focus: float = param(2.0, "How little the focal loss counts what is already sure.", low=0)
    replay: str = param("auto", "Record a step once and replay it with less overhead: 'auto' "
                        "where steps are small and many, and the result is the same bit for bit.",
                        choices=("no", "yes", "auto"))
    layout: str = param("auto", "Memory order of images: 'auto' puts channels last where a module "
                        "convolves on a CPU or a GPU.",
                        choices=("auto", "plain", "channels_last"))
    find: bool = param(False, "Try rates before learning, and take the one at which the loss falls "
                       "fastest in place of 'rate'.")
    bucket: bool = param(False, "Put sequences of like length together and cut their padding "
                         "(token numbers (n, length), padding 0).")
