"""Generators that answer with a network: variational, adversarial, Boltzmann machines.

Random numbers are numpy's, from the seed of the question; the network itself draws none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.optional import need
from wholefit.base.state import State
from wholefit.models._kernels._laid import Laid

_BATCH = 512


class _Deep:
    """What the three share: the network, and how its rows lie."""

    networks: tuple[str, ...]

    def __init__(self, state: State) -> None:
        self.laid = Laid.of(state)
        self.config = state.config
        self.module = loaded(state, self.networks)

    def _made(self, run: Any, noise: np.ndarray, label: np.ndarray | None) -> np.ndarray:
        """What `run(noise, label)` gives, batch by batch, float64."""
        torch: Any = need("torch", extra="deep", user="sampling from a network")
        found = []
        with torch.inference_mode():
            for start in range(0, len(noise), _BATCH):
                some = slice(start, start + _BATCH)
                z = torch.from_numpy(noise[some].astype(np.float32))
                given = [] if label is None else [torch.from_numpy(label[some])]
                found.append(run(z, *given).numpy().astype(np.float64))
        return np.concatenate(found)


class Variational(_Deep):
    """Codes drawn from a normal, and the decoder's rows."""

    networks = ("vae", "conv_vae")

    def sample(self, count: int, seed: int, given: int | None = None) -> np.ndarray:
        """New rows (count, p)."""
        rng = np.random.default_rng(seed)
        label = self.laid.labels(count, given, rng)
        return self.decode(rng.standard_normal((count, self.module.code)), label, rng)

    def decode(
        self, codes: np.ndarray, label: np.ndarray | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Rows (n, p) of codes (n, code)."""
        if self.laid.pixels:
            return self.laid.image(self._made(self.module.decode, codes, label), label)
        from wholefit.nn.generative.mixed import SPREAD

        raw = self._made(self.module.raw, codes, label)
        count = len(self.laid.numbers)
        spread = np.exp(0.5 * np.clip(raw[:, count:2 * count], *SPREAD))
        scores = raw[:, :count] + spread * rng.standard_normal((len(raw), count))
        return self.laid.back(scores, self.laid.picked(raw[:, 2 * count:], rng), label)

    @property
    def code(self) -> int:
        """Numbers in a code."""
        return int(self.module.code)


class Adversarial(_Deep):
    """Noise, and the generator's rows."""

    networks = ("generator", "conv_generator")

    def sample(self, count: int, seed: int, given: int | None = None) -> np.ndarray:
        """New rows (count, p)."""
        rng = np.random.default_rng(seed)
        label = self.laid.labels(count, given, rng)
        return self.decode(rng.standard_normal((count, self.module.inputs)), label, rng)

    def decode(
        self, codes: np.ndarray, label: np.ndarray | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Rows (n, p) of noise (n, inputs)."""
        raw = self._made(self.module, codes, label)
        if self.laid.pixels:
            return self.laid.image((raw + 1) / 2, label)
        count = len(self.laid.numbers)
        return self.laid.back(raw[:, :count], self.laid.picked(raw[:, count:], rng), label)

    @property
    def code(self) -> int:
        """Numbers of noise."""
        return int(self.module.inputs)


class Boltzmann(_Deep):
    """Chains of a Boltzmann machine that begin at chance."""

    networks = ("rbm",)

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.rounds, self.bins = state.config["rounds"], state.config["bins"]
        for name, value, most in (("rounds", self.rounds, MOST_ROUNDS), ("bins", self.bins, 1000)):
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise StateError(f"a Boltzmann machine has from 1 to {most:,} {name}; its state "
                                 f"says {str(value)[:40]}.")

    def sample(self, count: int, seed: int, given: int | None = None) -> np.ndarray:
        """New rows (count, p); rows of other labels than `given` are drawn again."""
        found, left, tries = [], count, 0
        while left > 0:
            rows = self._chains(max(64, left) if given is not None else left, seed + 7919 * tries)
            rows = rows if given is None else rows[rows[:, 0] == given]
            found.append(rows[:left])
            left -= len(found[-1])
            tries += 1
            if tries > 50 and left > 0:
                raise StateError("a Boltzmann machine makes hardly any rows of this label: use "
                                 "models='vae', which is conditioned on it.")
        return np.concatenate(found)

    def _chains(self, count: int, seed: int) -> np.ndarray:
        from wholefit.nn.generative import sample_rbm

        rng = np.random.default_rng(seed)
        visible = self.module.visible.shape[0]
        start = (rng.random((count, visible)) < 0.5).astype(np.float32)
        chance = sample_rbm(self.module, start, rounds=self.rounds,
                            seed=int(rng.integers(2**31))).astype(np.float64)
        return from_bits(self.laid, chance, rng, self.bins)


MOST_ROUNDS = 10_000
"""Most rounds of a chain: a file may not ask for work without end."""


def to_bits(laid: Laid, X: np.ndarray, rng: np.random.Generator, bins: int) -> np.ndarray:
    """Rows as 0 and 1, float32: pixels by chance of their shade, numbers as the bin of their rank,
    codes one-hot, the label among them.
    """
    parts = [] if not laid.first else [np.eye(int(laid.levels[0]))[X[:, 0].astype(np.int64)]]
    if laid.pixels:
        parts.append(laid.out(X, rng))
    else:
        from scipy.special import ndtr

        whole = laid.out(X, rng)
        even = ndtr(whole[:, :len(laid.numbers)].astype(np.float64))
        for column in even.T:
            parts.append(np.eye(bins)[np.minimum((column * bins).astype(np.int64), bins - 1)])
        parts.append(whole[:, len(laid.numbers):])
    return np.concatenate(parts, axis=1).astype(np.float32)


def from_bits(laid: Laid, chance: np.ndarray, rng: np.random.Generator, bins: int) -> np.ndarray:
    """Rows (n, p) from the chances of visible units."""
    from scipy.special import ndtri

    start, label = 0, None
    if laid.first:
        start = int(laid.levels[0])
        label = _draw(chance[:, :start], rng)
    if laid.pixels:
        return laid.image(chance[:, start:], label)
    scores = np.empty((len(chance), len(laid.numbers)))
    for at in range(len(laid.numbers)):
        picked = _draw(chance[:, start:start + bins], rng)
        scores[:, at] = ndtri((picked + np.clip(rng.random(len(chance)), 1e-9, 1 - 1e-9)) / bins)
        start += bins
    picks = np.zeros((len(chance), len(laid.blocks)))
    for at, (_, count) in enumerate(laid.blocks):
        picks[:, at] = _draw(chance[:, start:start + count], rng)
        start += count
    return laid.back(scores, picks, label)


def _draw(chance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A place for each row (n,), by chances that need not sum to one."""
    total = np.cumsum(chance + 1e-9, axis=1)
    return np.asarray((rng.random(len(chance))[:, None] * total[:, -1:] > total).sum(axis=1))


def loaded(state: State, kinds: tuple[str, ...]) -> Any:
    """The network of a state, one of `kinds`, with its weights; StateError unless they fit."""
    need("torch", extra="deep", user="sampling from a network")
    from wholefit.nn.rebuilding import rebuilt

    return rebuilt(state.config["made_of"], state.blobs["weights.safetensors"], kinds)
