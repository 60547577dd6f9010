"""Estimators of the generators that are networks."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from wholefit.base.seeds import derive
from wholefit.base.state import State
from wholefit.models._generators.base import checked, condition_of, image_of, levels_of
from wholefit.models._kernels import deep_generators as kernels
from wholefit.models._kernels._laid import Laid
from wholefit.models._kernels._marginals import Marginals
from wholefit.models._model import Context
from wholefit.nn import networks, weights
from wholefit.nn.generative import (
    Divergence,
    PairRecipe,
    Variation,
    codes,
    train_pair,
    train_rbm,
    train_vae,
)
from wholefit.nn.generative.mixed import begin_at, mixed_cost, soft_draw
from wholefit.nn.quiet import quiet

_FEWEST = 20


class Deep(BaseEstimator):  # type: ignore[misc]
    """`fit(X)` trains and leaves `state_`, `history_`, `warnings_` and `said_`.

    `clock`, if one is set, stops the training when its time is up.
    """

    kernel: Any
    kind: str

    def __init__(self, model: Any, context: Context) -> None:
        self.model, self.context = model, context
        self.clock: Any = None
        self.history_: list[dict[str, float]] = []
        self.warnings_: tuple[str, ...] = ()
        self.said_: tuple[str, ...] = ()

    def fit(self, X: Any, y: Any = None) -> Deep:
        """Learn from rows (n, p); `y` is not looked at."""
        rows = checked(X, _FEWEST, self.model.name)
        self.rng = np.random.default_rng(self.context.seed)
        self.classes = condition_of(self.context.spans) or 0
        levels = levels_of(self.context.spans, rows.shape[1])
        self.image = image_of(self.context.spans)
        self.laid = Laid(Marginals.fit(rows, levels > 0), levels, int(self.classes > 0),
                         self.image is not None)
        with quiet(derive(self.context.seed, "weights"), count=self.context.jobs):
            module, more = self.train(rows)
        module = module.cpu()
        config = {"made_of": module.made_of, "classes": self.classes,
                  "pixels": self.image is not None, **more}
        self.state_ = State(self.kind, config, self.laid.arrays(),
                            {"weights.safetensors": weights.to_bytes(module)})
        return self

    def train(self, rows: np.ndarray) -> tuple[Any, dict[str, Any]]:
        """The trained network, and what else its state tells."""
        raise NotImplementedError

    def sample(self, count: int, seed: int, given: int | None = None) -> np.ndarray:
        """New rows (count, p)."""
        made: np.ndarray = self.kernel(self.state_).sample(count, seed, given)
        return made

    def labels(self, rows: np.ndarray) -> np.ndarray | None:
        """The codes that rows are conditioned on."""
        return rows[:, 0].astype(np.int64) if self.classes else None

    def cut_short(self, stopped: str | None) -> None:
        """Warn of a training that ended before its steps were done."""
        if stopped is not None:
            done = int(sum(row.get("steps", 0) for row in self.history_))
            self.warnings_ += (f"{self.model.name} made {done:,} of {self.model.steps:,} steps, "
                               f"because {stopped}: give it a larger budget",)

    def epochs(self, rows: int, batch: int) -> int:
        """Times that all rows are seen, for the steps that were asked for."""
        return max(1, round(self.model.steps / max(1, -(-rows // batch))))

    def by(self, dense: str, conv: str, wide: dict[str, Any], **options: Any) -> Any:
        """The network of the kind asked for: convolutions need an image."""
        wanted = self.model.network
        if wanted == "auto":
            wanted = "conv" if self.image is not None and self.deep_image else "dense"
        if wanted == "conv" and self.image is not None:
            channels, height, width = self.image.shape
            return networks.make(conv, channels=channels, height=height, width=width,
                                 filters=list(self.model.filters), classes=self.classes,
                                 **options)
        return networks.make(dense, classes=self.classes, **wide, **options)

    deep_image = True


class VariationalEstimator(Deep):
    """A variational autoencoder."""

    kernel = kernels.Variational
    kind = "generator.vae"
    deep_image = False

    def train(self, rows: np.ndarray) -> tuple[Any, dict[str, Any]]:
        """Train it on nine rows of ten, and tell what its codes tell of the others."""
        model, laid = self.model, self.laid
        x, label = laid.out(rows, self.rng), self.labels(rows)
        pixels = self.image is not None
        wide = {"inputs": x.shape[1], "hidden": list(model.hidden)}
        if not pixels:
            wide |= {"outputs": x.shape[1] + len(laid.numbers)}
        module = self.by("vae", "conv_vae", wide, code=model.code,
                         output="sigmoid" if pixels else "linear")
        held = np.zeros(len(x), dtype=bool)
        held[self.rng.permutation(len(x))[:min(len(x) // 10, 2000)]] = True
        how = Variation(epochs=self.epochs(int((~held).sum()), model.batch), batch=model.batch,
                        rate=model.rate, beta=model.beta, free=model.free, device=model.device,
                        seed=self.context.seed % 2**31)
        cost: Any = "bernoulli" if pixels else mixed_cost(len(laid.numbers), laid.sizes)
        learnt = train_vae(module, x[~held], how, labels=_of(label, ~held), valid=x[held],
                           valid_labels=_of(label, held), cost=cost, clock=self.clock)
        self.history_ = learnt.history
        self.cut_short(learnt.stopped)
        told = codes(learnt.module, x[held], _of(label, held))
        if told.collapsed == len(told.kl):
            self.warnings_ += (told.said,)
        else:
            self.said_ = (told.said,)
        return learnt.module, {"kl": [round(value, 5) for value in told.kl]}


class AdversarialEstimator(Deep):
    """A generator trained against a discriminator."""

    kernel = kernels.Adversarial
    kind = "generator.gan"

    def train(self, rows: np.ndarray) -> tuple[Any, dict[str, Any]]:
        """Train the pair, watched for collapse."""
        model, laid = self.model, self.laid
        x, label = laid.out(rows, self.rng), self.labels(rows)
        pixels = self.image is not None
        if pixels:
            x = 2 * x - 1
        made = self.by("generator", "conv_generator",
                       {"outputs": x.shape[1], "hidden": list(model.hidden),
                        "activation": "relu"}, inputs=model.noise,
                       output="tanh" if pixels else "linear", norm="batch" if pixels else "none")
        told = self.by("discriminator", "conv_discriminator",
                       {"inputs": x.shape[1], "hidden": list(model.hidden)[::-1]},
                       spectral=model.spectral)
        recipe = PairRecipe(
            steps=model.steps, batch=model.batch, loss=model.loss, penalty=model.penalty,
            weight=model.weight, discriminator_steps=model.discriminator_steps, rate=model.rate,
            device=model.device, seed=self.context.seed % 2**31)
        pair = train_pair(made, told, x, recipe, labels=label, clock=self.clock,
                          finish=None if pixels else soft_draw(
                              len(laid.numbers), laid.sizes))
        self.history_, self.warnings_ = pair.history, pair.warnings
        if sum(row["steps"] for row in pair.history) < recipe.steps:
            self.cut_short(pair.stopped)
        return pair.generator, {}


class BoltzmannEstimator(Deep):
    """A restricted Boltzmann machine over bits."""

    kernel = kernels.Boltzmann
    kind = "generator.rbm"

    def train(self, rows: np.ndarray) -> tuple[Any, dict[str, Any]]:
        """Train it with persistent chains."""
        model = self.model
        bits = kernels.to_bits(self.laid, rows, self.rng, model.bins)
        module = networks.make("rbm", visible=bits.shape[1], hidden=model.hidden)
        begin_at(module, bits.mean(axis=0))
        how = Divergence(epochs=self.epochs(len(bits), model.batch), batch=model.batch,
                         rate=model.rate, rounds=model.rounds, persistent=model.persistent,
                         device=model.device, seed=self.context.seed % 2**31)
        learnt = train_rbm(module, bits, how, clock=self.clock)
        self.history_ = learnt.history
        self.cut_short(learnt.stopped)
        return learnt.module, {"bins": model.bins, "rounds": model.chain}


def _of(label: np.ndarray | None, mask: np.ndarray) -> np.ndarray | None:
    return None if label is None else label[mask]
