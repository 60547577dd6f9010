"""Networks: plain ones in numpy alone, all others through torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.optional import need
from wholefit.base.state import State
from wholefit.models._kernels import _layers
from wholefit.models._kernels._links import dense, sigmoid, softmax, spread
from wholefit.models._kernels._network_inputs import Inputs

_LINKS = {"identity": lambda raw: raw, "softmax": softmax, "labels": sigmoid}


class Network:
    """Answers with a State of kind "network"; see `models._networks.state_of` for what it holds."""

    def __init__(self, state: State) -> None:
        config = state.config
        made_of = config.get("made_of")
        if not isinstance(made_of, dict) or config.get("link") not in _LINKS:
            raise StateError("a network's state must say what it is made of and how it answers.")
        self._inputs = Inputs.of_config(config.get("inputs"), state.arrays)
        self._n_classes, self._classes = int(config["n_classes"]), config.get("classes")
        self._link, self._target = _LINKS[config["link"]], state.arrays.get("target")
        if self._target is not None and self._target.shape != (2, made_of.get("outputs")):
            raise StateError("the target's offset and scale do not fit the network's outputs.")
        self._raw = self._reader(state)

    def _reader(self, state: State) -> Any:
        plain = _layers.plain(state.config["made_of"], state.blobs.get("weights.safetensors"))
        if plain is not None:
            return lambda X: plain(self._inputs.split(X, np.float64)[0])
        need("torch", extra="deep", user="a network")
        from wholefit.models._networks import _states

        return _states.answering(state, self._inputs).raw

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to probabilities (n, classes), numbers (n,) or (n, outputs)."""
        whole = dense(X, self._inputs.features)
        found = self._link(np.asarray(self._raw(whole)))
        if self._target is not None:
            found = found * self._target[1] + self._target[0]
            return found[:, 0] if found.shape[1] == 1 else found
        return spread(found, self._classes, self._n_classes) if self._classes else found
