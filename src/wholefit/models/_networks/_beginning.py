"""A network's first lesson: its layers learn rows without their targets, then the targets.

The whole is taught to rebuild its input first, as it is, spoilt or in part left out (Vincent et al.
2008; Erhan et al. 2010); then the layer that rebuilt is put away, and the network learns as always.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from wholefit.base import seeds
from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import ParameterError, unknown
from wholefit.nn import Recipe, Trained
from wholefit.nn.checkpoints import Checkpoint
from wholefit.nn.transfer import pretraining

# What it is called here, and in `nn.transfer`.
WAYS = {"autoencoder": "autoencoder", "denoising": "denoise", "masked": "mask"}
SHARE = 1 / 3
"""What of the seconds of a fit the first lesson may take."""
_WORDS = ("how", "epochs", "rate", "batch")


@dataclass(frozen=True)
class Beginning:
    """What the first lesson is given: rows (n, p), the estimator's words, and what bounds it."""

    rows: np.ndarray
    words: Mapping[str, Any]
    seed: int
    seconds: float | None
    jobs: int | None
    by_count: Mapping[str, Any] | None
    checkpoint: Checkpoint | None
    made_of: str


def rows_of(pieces: Sequence[np.ndarray], more: Sequence[np.ndarray]) -> np.ndarray:
    """All rows (n, p) of a network of one input of numbers; ParameterError for any other."""
    if len(pieces) != 1 or pieces[0].ndim != 2 or pieces[0].dtype.kind != "f":
        raise ParameterError("pretrain is for networks of one input of numbers, as 'mlp' is: this "
                             "one reads pictures, texts, codes or several inputs; leave it out.")
    return np.concatenate([pieces[0], *(each.astype(pieces[0].dtype) for each in more)])


def begin(module: nn.Module, told: Beginning) -> Trained:
    """Teach `module` its first lesson, in place."""
    words = dict(told.words)
    for name in words:
        if name not in _WORDS:
            raise unknown("word of pretrain", name, _WORDS)
    if words.get("how") not in WAYS:
        raise unknown("way to pretrain", str(words.get("how")), WAYS)
    recipe = Recipe(
        epochs=int(words.get("epochs", 20)), batch=int(words.get("batch", 64)), patience=None,
        rate=float(words.get("rate", 1e-3)), optimizer="adamw", schedule="cosine", device="cpu",
        seed=seeds.derive(told.seed, "first lesson") % 2**31)
    how: dict[str, Any] = {"threads": told.jobs}
    if told.seconds is not None:
        how["clock"] = Clock(Budget(seconds=max(SHARE * told.seconds, 1e-3)))
    if told.by_count:
        how["steps"] = told.by_count.get("steps")
        how["plan"] = [(int(at), int(total)) for at, total in told.by_count["plan"]]
    if told.checkpoint is not None:
        found = hashlib.sha256(np.ascontiguousarray(told.rows).view(np.uint8).data).hexdigest()
        how["checkpoint"] = told.checkpoint.alike("before", facts={
            "data": found[:16], "network": told.made_of})
    base, done = pretraining.taught(module, told.rows, recipe, objective=WAYS[words["how"]], **how)
    module.load_state_dict(base.module.state_dict())
    return done
