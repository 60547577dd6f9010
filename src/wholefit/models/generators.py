"""Generators that are networks: variational autoencoders, adversarial pairs, Boltzmann machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.tasks import Task
from wholefit.models._generators.base import GeneratorModel
from wholefit.models._model import Context

_DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class VariationalAutoencoder(GeneratorModel):
    """A variational autoencoder (Kingma and Welling 2014)."""

    name = "vae"
    family = "variational"
    requires = "torch"
    extra = "deep"
    burden = 40
    pace = 30.0
    makes = ("table", "image")
    summary = ("Trains steadily, makes every kind of row that it saw, and has codes to walk "
               "among; pictures come out soft.")

    network: str = param("auto", "Layers: 'conv' for images asks for more time than 'dense', which "
                         "'auto' takes.", choices=("auto", "dense", "conv"))
    code: int = param(20, "Numbers in the code.", low=1, search=(2, 64), log=True)
    hidden: tuple[int, ...] = param((400,), "Sizes of dense layers on the way to the code; the way "
                                    "back mirrors them.")
    filters: tuple[int, ...] = param((32, 64), "Filters of the convolutions; each halves the "
                                     "image.")
    steps: int = param(6000, "Steps; as many epochs as come nearest.", low=1,
                       search=(1000, 50_000), log=True)
    batch: int = param(128, "Rows a step.", low=1, search=(32, 512), log=True)
    rate: float = param(1e-3, "Size of the steps.", above=0, search=(1e-4, 1e-2), log=True)
    beta: float = param(1.0, "How much the codes' cost counts (Higgins et al. 2017).", low=0,
                        search=(0.1, 4.0), log=False)
    free: float = param(0.0, "Nats of each number of the code that cost nothing (Kingma et al. "
                        "2016); a cure where codes tell nothing.", low=0)
    device: str = param("auto", "Where to train.", choices=_DEVICES)

    def build(self, task: Task, context: Context) -> Any:
        """The estimator."""
        from wholefit.models._generators.deep import VariationalEstimator

        return VariationalEstimator(self, context)


@dataclass(frozen=True)
class AdversarialPair(GeneratorModel):
    """A generator against a discriminator (Goodfellow et al. 2014), held smooth by a penalty."""

    name = "gan"
    family = "adversarial"
    requires = "torch"
    extra = "deep"
    burden = 45
    pace = 60.0
    makes = ("table", "image")
    summary = ("Sharp pictures, where time is given; watched for mode collapse, which it says. "
               "For tables, look first whether sequential_trees is not better and quicker.")

    network: str = param("auto", "Layers: 'auto' takes 'conv' for images.",
                         choices=("auto", "dense", "conv"))
    noise: int = param(64, "Numbers of noise that a row is made of.", low=1, search=(8, 128),
                       log=True)
    hidden: tuple[int, ...] = param((128, 256), "Sizes of the generator's dense layers; the "
                                    "discriminator has them the other way round.")
    filters: tuple[int, ...] = param((32, 64), "Filters of the convolutions; each halves the "
                                     "image.")
    steps: int = param(4000, "Steps of the generator.", low=1, search=(2000, 50_000), log=True)
    batch: int = param(64, "Rows a step.", low=2, search=(32, 256), log=True)
    rate: float = param(5e-4, "Size of the steps.", above=0, search=(1e-4, 2e-3), log=True)
    loss: str = param("non_saturating", "What the two make small.",
                      choices=("non_saturating", "hinge", "wasserstein"))
    penalty: str = param("r1", "What holds the discriminator smooth: 'gradient' is that of "
                         "WGAN-GP.", choices=("none", "gradient", "r1"))
    weight: float = param(0.3, "How much the penalty counts.", low=0, search=(0.01, 20), log=True)
    spectral: bool = param(False, "Hold the discriminator's layers at 1 (spectral normalisation).")
    discriminator_steps: int = param(1, "Steps of the discriminator for each of the generator.",
                                     low=1, search=(1, 5))
    device: str = param("auto", "Where to train.", choices=_DEVICES)

    def build(self, task: Task, context: Context) -> Any:
        """The estimator."""
        from wholefit.models._generators.deep import AdversarialEstimator

        return AdversarialEstimator(self, context)


@dataclass(frozen=True)
class BoltzmannMachine(GeneratorModel):
    """A restricted Boltzmann machine with persistent chains (Hinton 2002; Tieleman 2008)."""

    name = "rbm"
    family = "boltzmann"
    requires = "torch"
    extra = "deep"
    burden = 50
    pace = 30.0
    makes = ("table", "image")
    summary = ("Bits, categories and black-and-white pictures; numbers are cut into bins. Kept for "
               "lessons and for what is binary by nature: a vae is easier.")

    hidden: int = param(128, "Hidden units.", low=1, search=(32, 512), log=True)
    bins: int = param(12, "Bins that a number is cut into, of equal counts.", low=2, high=1000,
                      search=(4, 32))
    steps: int = param(4000, "Steps; as many epochs as come nearest.", low=1,
                       search=(1000, 50_000), log=True)
    batch: int = param(64, "Rows a step.", low=1, search=(16, 256), log=True)
    rate: float = param(2e-3, "Size of the steps.", above=0, search=(1e-4, 1e-1), log=True)
    rounds: int = param(2, "Rounds of the chains a step: the k of CD-k.", low=1, search=(1, 15))
    persistent: bool = param(True, "Go on with the chains of the step before.")
    chain: int = param(300, "Rounds that a new row's chain runs.", low=1, high=10_000)
    device: str = param("auto", "Where to train.", choices=_DEVICES)

    def build(self, task: Task, context: Context) -> Any:
        """The estimator."""
        from wholefit.models._generators.deep import BoltzmannEstimator

        return BoltzmannEstimator(self, context)
