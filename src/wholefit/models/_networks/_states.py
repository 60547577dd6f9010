"""Between estimators and State: what is kept, and a module from it that is safe to build."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from torch import nn

from wholefit.base.errors import StateError, WholefitWarning
from wholefit.base.state import State, as_config
from wholefit.models._kernels._network_inputs import Inputs
from wholefit.models._networks._answering import Answering, Figures
from wholefit.nn import weights
from wholefit.nn.predicting import here, place
from wholefit.nn.rebuilding import rebuilt

KIND, BLOB = "network", "weights.safetensors"


def state_of(estimator: Any, n_classes: int = 0) -> State:
    """The fitted estimator as State; `n_classes` in all, of which it may have seen fewer.

    Config: `made_of` (the network), `inputs` (cut and scaling), `link`, `classes` (codes seen) and
    `n_classes`, `updates` so far, `seed`, `rate` if one was found. Arrays: the scaling's,
    `target`, `mean_i`, `spread_i` of pictures. Blob "weights.safetensors".
    """
    classes = getattr(estimator, "classes_", None)
    if classes is not None and not hasattr(estimator, "module_"):
        return State("constant", {"n_classes": n_classes, "classes": [int(classes[0])]},
                     {"value": np.ones(1)})
    inputs: Inputs = estimator.inputs_
    config: dict[str, Any] = {
        "made_of": as_config(estimator.made_of_), "features": inputs.features,
        "inputs": inputs.config(), "n_classes": n_classes,
        "classes": None, "link": "identity", "updates": estimator.updates_,
        "seed": estimator.seed_}
    if hasattr(estimator, "rate_"):
        config["rate"] = estimator.rate_
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
    """The unfitted `estimator`, with what `state` remembers: ready for `partial_fit`.

    Where its recipe names a device that this machine has not, it learns on where there is one.
    """
    if state.kind != KIND:
        raise StateError("the model was fitted on one class only and cannot learn on; fit anew.")
    config = state.config
    estimator.inputs_ = Inputs.of_config(config["inputs"], state.arrays)
    estimator.figures_ = figures_of(state)
    estimator.made_of_ = config["made_of"]
    estimator.module_ = module_of(state)
    estimator.seed_, estimator.updates_ = int(config["seed"]), int(config["updates"])
    if "rate" in config:
        estimator.rate_ = float(config["rate"])
    _moved(estimator)
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


def _moved(estimator: Any) -> None:
    device = dict(estimator.recipe or {}).get("device", "auto")
    if here(device):
        return
    warnings.warn(f"the model was taught on {device!r}, which is not on this machine; it learns on "
                  f"with {place('auto').type!r}.", WholefitWarning, stacklevel=2)
    estimator.recipe = {**estimator.recipe, "device": "auto"}


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
    """The network with its weights; StateError unless they fit."""
    made_of, blob = state.config.get("made_of"), state.blobs.get(BLOB)
    if not isinstance(made_of, dict) or blob is None:
        raise StateError("a network's state must hold made_of and its weights.")
    return rebuilt(made_of, blob)
