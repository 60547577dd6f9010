"""Whole units of a fully connected network are taken away: it becomes smaller, and quicker.

A unit matters as much as what it says varies and what is made of it: the spread of what it says
over the rows, times the size of the weights that read it. The mean of what a unit said goes into
the offsets of those that read it, so that only its spread is lost (Molchanov and others 2017 rank
by a like first-order measure; the offsets are those of Ye and others 2018).
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._kernels import _layers
from wholefit.training.compress.networks import observe, weights_of, with_weights


def why_not(made_of: dict[str, Any]) -> str:
    """Why units of this network cannot be taken away; "" if they can."""
    if _layers.known(made_of) and made_of.get("hidden", [64]):
        return ""
    return ("units are taken away of plain fully connected networks (mlp without residual layers) "
            f"with hidden layers only, and this is {made_of.get('network')!r}")


def structured(state: State, X: np.ndarray, share: float) -> State:
    """The network without a `share` of each hidden layer, by what rows X (n, features) say."""
    made_of = state.config["made_of"]
    if why := why_not(made_of):
        raise StateError(f"{why}.")
    says: dict[str, list[np.ndarray]] = {}
    observe(state, X, lambda name, entered: says.setdefault(name, []).append(entered))
    tensors = {name: np.array(each) for name, each in weights_of(state).items()}
    dense = sorted((int(name.split(".")[1]) for name, each in tensors.items()
                    if name.endswith(".weight") and each.ndim == 2))
    hidden = []
    for before, after in itertools.pairwise(dense):
        said = np.concatenate(says[f"layers.{after}"])
        keep = _kept(said, tensors[f"layers.{after}.weight"], share)
        _cut(tensors, before, after, keep, said.mean(axis=0))
        hidden.append(len(keep))
    config = {**state.config, "made_of": {**made_of, "hidden": hidden}}
    return with_weights(State(state.kind, config, state.arrays, state.blobs), tensors)


def _kept(said: np.ndarray, reads: np.ndarray, share: float) -> np.ndarray:
    """Places of the units that stay, in order."""
    matters = said.std(axis=0) * np.linalg.norm(reads.astype(np.float64), axis=0)
    count = max(1, round(len(matters) * (1 - share)))
    return np.sort(np.argsort(-matters, kind="stable")[:count])


def _cut(
    tensors: dict[str, np.ndarray], before: int, after: int, keep: np.ndarray, mean: np.ndarray
) -> None:
    """Take the other units away, in place: their rows, their norms, and what reads them."""
    reads = tensors[f"layers.{after}.weight"]
    gone = np.setdiff1d(np.arange(reads.shape[1]), keep)
    bias = tensors[f"layers.{after}.bias"]
    lost = reads[:, gone].astype(np.float64) @ mean[gone]
    tensors[f"layers.{after}.bias"] = (bias + lost).astype(bias.dtype)
    tensors[f"layers.{after}.weight"] = np.ascontiguousarray(reads[:, keep])
    for at in range(before, after):
        for name in [name for name in tensors if name.startswith(f"layers.{at}.")]:
            if tensors[name].ndim:
                tensors[name] = np.ascontiguousarray(tensors[name][keep])
