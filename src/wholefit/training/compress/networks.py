"""Networks in fewer bits, with fewer weights, or with fewer units."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._kernels import _layers, _packed, _safetensors
from wholefit.models._kernels._network_inputs import Inputs
from wholefit.models._kernels.compressed import BLOB, compressed_state
from wholefit.training.compress.sharing import shared

# Tensors of fewer weights than this are left whole: their scales would be as large as they are.
_FEWEST = 32
# Rows that ranges are learnt from, and numbers of a layer that are looked at, at most.
_ROWS, _LOOKED_AT = 2_000, 200_000


def weights_of(state: State) -> dict[str, np.ndarray]:
    """The tensors of a State of kind "network"."""
    return _safetensors.arrays(state.blobs[BLOB])


def with_weights(state: State, tensors: Mapping[str, np.ndarray]) -> State:
    """The same network with other weights."""
    blob = _packed.safetensors(dict(tensors))
    return State(state.kind, state.config, state.arrays, {**state.blobs, BLOB: blob})


def large(tensors: Mapping[str, np.ndarray]) -> list[str]:
    """Names of the tensors worth packing: weights of layers, not offsets and norms."""
    return [name for name, tensor in tensors.items()
            if tensor.ndim >= 2 and tensor.dtype.kind == "f" and tensor.size >= _FEWEST]


def float32(state: State) -> State:
    """The same weights, added up in 32 bits where it was 64."""
    tensors = weights_of(state)
    return compressed_state(state, *_packed.pack(tensors, {}), arithmetic="float32")


def float16(state: State) -> State:
    """Weights of 16 bits."""
    tensors = weights_of(state)
    ways = {name: "float16" for name, each in tensors.items() if each.dtype.kind == "f"}
    return compressed_state(state, *_packed.pack(tensors, ways), arithmetic="float32")


def int8(state: State, arithmetic: str = "float32") -> State:
    """Weights of 8 bits, each row of a layer with its own scale."""
    tensors = weights_of(state)
    ways = dict.fromkeys(large(tensors), "int8")
    if not ways:
        raise StateError(f"no layer of the network has {_FEWEST} weights: there is nothing to "
                         "keep in 8 bits.")
    return compressed_state(state, *_packed.pack(tensors, ways), arithmetic=arithmetic)


def dynamic(state: State) -> State:
    """Weights of 8 bits, and sums in whole numbers: what enters a layer is rounded row by row."""
    return _whole(state, "dynamic", None)


def static(state: State, X: np.ndarray, coverage: float) -> State:
    """The same, rounded by ranges learnt from rows X (n, features)."""
    return _whole(state, "static", ranges(state, X, coverage))


def _whole(
    state: State, arithmetic: str, known: dict[str, tuple[float, float]] | None
) -> State:
    tensors = weights_of(state)
    # Every dense layer adds up in whole numbers, the small ones too.
    ways = {name: "int8" for name, each in tensors.items()
            if each.ndim >= 2 and each.dtype.kind == "f"}
    return compressed_state(state, *_packed.pack(tensors, ways), arithmetic=arithmetic,
                            ranges=known)


def packed_shared(
    state: State, levels: int, seed: int, masks: Mapping[str, np.ndarray] | None = None
) -> State:
    """Weights that share `levels` values in each tensor; those outside of `masks` are 0."""
    tensors = weights_of(state)
    names = large(tensors)
    books = {name: shared(tensors[name], levels, seed, None if masks is None else masks.get(name))
             for name in names}
    packed = _packed.pack(tensors, dict.fromkeys(names, "shared"), masks=masks, books=books)
    return compressed_state(state, *packed, arithmetic="float32")


def packed_sparse(state: State, masks: Mapping[str, np.ndarray]) -> State:
    """Weights of which only those in `masks` are kept."""
    tensors = {name: np.where(masks[name], each, 0).astype(each.dtype) if name in masks else each
               for name, each in weights_of(state).items()}
    return compressed_state(state, *_packed.pack(tensors, {}, masks=masks), arithmetic="float32")


def ranges(state: State, X: np.ndarray, coverage: float) -> dict[str, tuple[float, float]]:
    """Layer to (smallest, largest) of what enters it, all but a share 1 - coverage of it."""
    seen: dict[str, list[np.ndarray]] = {}

    def note(name: str, entered: np.ndarray) -> None:
        flat = entered.reshape(-1)
        step = max(1, len(flat) // _LOOKED_AT)
        seen.setdefault(name, []).append(np.asarray(flat[::step], dtype=np.float64))

    rows = X[np.linspace(0, len(X) - 1, min(len(X), _ROWS)).astype(np.intp)]
    observe(state, rows, note)
    found = {}
    for name, parts in seen.items():
        low, high = np.quantile(np.concatenate(parts), [1 - coverage, coverage])
        found[name] = (float(low), float(high))
    return found


def observe(state: State, X: np.ndarray, note: Callable[[str, np.ndarray], None]) -> None:
    """Answer X with the network, and `note` what enters each layer by its name."""
    made_of = state.config["made_of"]
    weights = {name: each.astype(np.float64) for name, each in weights_of(state).items()}

    def noting(known: dict[str, np.ndarray], at: int, width: int, size: int) -> _layers.Step:
        step = _layers.dense_layer(known, at, width, size)

        def noted(x: np.ndarray) -> np.ndarray:
            note(f"layers.{at}", x)
            return step(x)

        return noted

    steps = _layers.steps_of(made_of, weights, noting)
    if steps is None:
        from wholefit.models._networks import _compressed

        _compressed.observed(state, X, note)
        return
    x = Inputs.of_config(state.config["inputs"], state.arrays).split(X, np.float64)[0]
    for step in steps:
        x = step(x)
