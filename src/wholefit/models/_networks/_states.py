"""Between estimators and State: what is kept, and a module from it that is safe to build."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base.errors import ParameterError, StateError, WholefitError
from wholefit.base.state import State
from wholefit.models._kernels._network_inputs import Inputs
from wholefit.models._kernels._safetensors import shapes
from wholefit.models._networks._answering import Answering, Figures
from wholefit.nn import networks, weights

KIND, BLOB = "network", "weights.safetensors"
# Bytes that a module may hold beside its weights: tables of positions and the like.
_BESIDE = 64_000_000
_LARGEST = 2**31


def state_of(estimator: Any, n_classes: int = 0) -> State:
    """The fitted estimator as State; `n_classes` in all, of which it may have seen fewer.

    Config: `made_of` (the network), `inputs` (cut and scaling), `link`, `classes` (codes seen) and
    `n_classes`, `updates` so far, `seed`. Arrays: the scaling's, `target`, `mean_i`, `spread_i` of
    pictures. Blob "weights.safetensors".
    """
    classes = getattr(estimator, "classes_", None)
    if classes is not None and not hasattr(estimator, "module_"):
        return State("constant", {"n_classes": n_classes, "classes": [int(classes[0])]},
                     {"value": np.ones(1)})
    inputs: Inputs = estimator.inputs_
    config: dict[str, Any] = {
        "made_of": _plain(estimator.made_of_), "features": inputs.features,
        "inputs": inputs.config(), "n_classes": n_classes,
        "classes": None, "link": "identity", "updates": estimator.updates_,
        "seed": estimator.seed_}
    arrays = dict(inputs.arrays)
    if classes is None:
        arrays["target"] = estimator.target_
        config["flat"] = bool(estimator.flat_)
    elif estimator.multilabel_:
        config["link"] = "labels"
    else:
        config.update(link="softmax", classes=[int(code) for code in classes])
    for at, (mean, spread) in enumerate(estimator.figures_):
        arrays[f"mean_{at}"], arrays[f"spread_{at}"] = mean, spread
    return State(KIND, config, arrays, {BLOB: weights.to_bytes(estimator.module_)})


def restored(estimator: Any, state: State) -> Any:
    """The unfitted `estimator`, with what `state` remembers: ready for `partial_fit`."""
    if state.kind != KIND:
        raise StateError("the model was fitted on one class only and cannot learn on; fit anew.")
    config = state.config
    estimator.inputs_ = Inputs.of_config(config["inputs"], state.arrays)
    estimator.figures_ = figures_of(state)
    estimator.made_of_ = config["made_of"]
    estimator.module_ = module_of(state)
    estimator.seed_, estimator.updates_ = int(config["seed"]), int(config["updates"])
    estimator.n_features_in_ = estimator.inputs_.features
    if config["link"] == "identity":
        estimator.loss_, estimator.flat_ = "squared", bool(config["flat"])
        estimator.target_ = np.array(state.arrays["target"])
    else:
        estimator.multilabel_ = config["link"] == "labels"
        estimator.loss_ = "multilabel" if estimator.multilabel_ else "cross_entropy"
        labels = range(int(estimator.made_of_["outputs"]))
        estimator.classes_ = np.array(config["classes"] or labels, dtype=np.int64)
    estimator._answering = Answering(estimator.module_, estimator.inputs_, estimator.figures_)
    return estimator


def answering(state: State, inputs: Inputs) -> Answering:
    """What answers with the state's network."""
    return Answering(module_of(state), inputs, figures_of(state))


def figures_of(state: State) -> Figures:
    """Mean and spread of each picture's channels."""
    inputs = state.config["inputs"]["spans"]
    pictures = [span for span in inputs if span["kind"] == "image"]
    found = []
    for at, span in enumerate(pictures):
        pair = state.arrays[f"mean_{at}"], state.arrays[f"spread_{at}"]
        if any(each.shape != (span["shape"][0],) for each in pair) or not (pair[1] > 0).all():
            raise StateError("the means and spreads of pictures do not fit their channels.")
        found.append(pair)
    return found


def module_of(state: State) -> nn.Module:
    """The network with its weights; StateError unless they fit.

    The network is first laid out without memory, and its shapes compared with those in the file:
    a file that asks for a network larger than its weights is refused before anything is made.
    """
    made_of, blob = state.config.get("made_of"), state.blobs.get(BLOB)
    if not isinstance(made_of, dict) or blob is None:
        raise StateError("a network's state must hold made_of and its weights.")
    known = shapes(blob)
    _check_words(made_of)
    try:
        with torch.random.fork_rng(devices=[]), _at_most(len(known)):
            with torch.device("meta"):
                planned = networks.make(**made_of)
            _check_sizes(planned, known)
            module = networks.make(**made_of)
    except StateError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError,
            ParameterError, WholefitError, AssertionError) as error:
        raise StateError(f"a network cannot be made of {_short(made_of)}: {error}") from error
    return weights.from_bytes(module, blob).eval()


def _check_words(value: Any) -> None:
    """Refuse numbers that no network of weights in memory can have."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for each in value:
            _check_words(each)
    elif isinstance(value, (int, float)) and not abs(value) < _LARGEST:
        raise StateError(f"a network has a size of {value!r}, which no file of weights fills.")


def _check_sizes(planned: nn.Module, known: Mapping[str, tuple[int, ...]]) -> None:
    wanted = {name: tuple(each.shape) for name, each in planned.state_dict().items()}
    if wanted != known:
        odd = sorted(name for name in {*wanted, *known} if wanted.get(name) != known.get(name))
        raise StateError(f"the weights do not fit the network: {odd[0]!r} is "
                         f"{known.get(odd[0], 'missing')}, not {wanted.get(odd[0], 'wanted')}.")
    beside = sum(each.numel() * each.element_size() for name, each in planned.named_buffers()
                 if name not in wanted)
    if beside > _BESIDE:
        raise StateError(f"the network holds {beside:,} bytes beside its weights.")


@contextmanager
def _at_most(count: int) -> Iterator[None]:
    """No more parameters and modules than a network of `count` tensors has; else StateError."""
    left = {"parameters": 2 * count + 8, "modules": 20 * count + 200}
    mine = threading.get_ident()  # torch tells of what every thread makes

    def count_down(word: str) -> Any:
        def seen(*_: Any) -> None:
            if threading.get_ident() != mine:
                return
            left[word] -= 1
            if left[word] < 0:
                raise StateError(f"the network has more {word} than its weights can fill.")

        return seen

    module = torch.nn.modules.module
    handles = [module.register_module_parameter_registration_hook(count_down("parameters")),
               module.register_module_module_registration_hook(count_down("modules"))]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _plain(value: Any) -> Any:
    """Options as JSON has them."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value


def _short(made_of: Mapping[str, Any]) -> str:
    return str(made_of)[:200]
