"""From state to answers: the kind of a State names the class that answers with it.

A scorer depends on numpy alone (a few, on the library whose own text format the state holds),
so that a model file answers without the library that trained it.
"""

from __future__ import annotations

import importlib
from importlib import metadata
from typing import Any

from wholefit.base.errors import StateError, nearest
from wholefit.base.state import State
from wholefit.models._model import Scorer

# kind of state -> "module:Class"; the class is called with the state.
KINDS: dict[str, str] = {
    "bernoulli_nb": "wholefit.models._kernels.bayes:Bernoulli",
    "calibrated": "wholefit.models._kernels.calibrated:Calibrated",
    "clusters.centres": "wholefit.models._kernels.clusters:Centres",
    "clusters.mixture": "wholefit.models._kernels.clusters:Mixture",
    "clusters.nearest": "wholefit.models._kernels.clusters:NearestRow",
    "clusters.reached": "wholefit.models._kernels.clusters:Reached",
    "clusters.weighed": "wholefit.models._kernels.clusters:Weighed",
    "constant": "wholefit.models._kernels.constant:Constant",
    "gaussian_nb": "wholefit.models._kernels.bayes:Gaussian",
    "kernel_machine": "wholefit.models._kernels.kernel_machine:KernelMachine",
    "linear": "wholefit.models._kernels.linear:Linear",
    "multinomial_nb": "wholefit.models._kernels.bayes:Multinomial",
    "catboost": "wholefit.models._kernels.native:CatBoost",
    "lightgbm": "wholefit.models._kernels.native:LightGBM",
    "mean": "wholefit.models._kernels.members:Mean",
    "neighbors": "wholefit.models._kernels.neighbors:Neighbors",
    "shifted": "wholefit.models._kernels.shifted:Shifted",
    "steps": "wholefit.models._kernels.steps:Steps",
    "stack": "wholefit.models._kernels.members:Stack",
    "trees": "wholefit.models._kernels.trees:Trees",
    "xgboost": "wholefit.models._kernels.native:XGBoost",
}

# Third parties add kinds of their own here: my_kind = "my_package.kernels:MyScorer".
_GROUP = "wholefit.scorers"


def scorer(state: State) -> Scorer:
    """What answers with `state`: features (n, p), dense or CSR, to probabilities or numbers."""
    return _find(state.kind)(state)


def _find(kind: str) -> Any:
    if kind in KINDS:
        module, _, name = KINDS[kind].partition(":")
        return getattr(importlib.import_module(module), name)
    for point in metadata.entry_points(group=_GROUP, name=kind):
        return point.load()
    close = nearest(kind, KINDS)
    hint = f" Did you mean {close!r}?" if close else ""
    raise StateError(
        f"no scorer answers with state of kind {kind!r}.{hint} It was written by a newer wholefit "
        "or by a plugin that is not installed here: update wholefit, or install the plugin."
    )
