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
    "additive": "wholefit.models._kernels.additive:Additive",
    "conv_autoencoder": "wholefit.models._kernels.conv_autoencoder:ConvAutoencoder",
    "autoencoder_map": "wholefit.models._kernels.autoencoder_map:Autoencoder",
    "bernoulli_nb": "wholefit.models._kernels.bayes:Bernoulli",
    "blend": "wholefit.models._kernels.blend:Blend",
    "calibrated": "wholefit.models._kernels.calibrated:Calibrated",
    "clusters.centres": "wholefit.models._kernels.clusters:Centres",
    "clusters.mixture": "wholefit.models._kernels.clusters:Mixture",
    "clusters.nearest": "wholefit.models._kernels.clusters:NearestRow",
    "clusters.reached": "wholefit.models._kernels.clusters:Reached",
    "clusters.weighed": "wholefit.models._kernels.clusters:Weighed",
    "compressed": "wholefit.models._kernels.compressed:Compressed",
    "constant": "wholefit.models._kernels.constant:Constant",
    "detector.autoencoder": "wholefit.models._kernels.detectors_spread:Rebuilt",
    "detector.boundary": "wholefit.models._kernels.detectors_spread:Boundary",
    "detector.copod": "wholefit.models._kernels.detectors_tails:Tails",
    "detector.distance": "wholefit.models._kernels.detectors_near:Distance",
    "detector.ecod": "wholefit.models._kernels.detectors_tails:Tails",
    "detector.ellipse": "wholefit.models._kernels.detectors_spread:Ellipse",
    "detector.hbos": "wholefit.models._kernels.detectors_tails:Histograms",
    "detector.isolation": "wholefit.models._kernels.detectors_trees:Isolation",
    "detector.joined": "wholefit.models._kernels.detectors_joined:Joined",
    "detector.lof": "wholefit.models._kernels.detectors_near:LocalDensity",
    "detector.mixture": "wholefit.models._kernels.detectors_spread:Mixture",
    "detector.plane": "wholefit.models._kernels.detectors_spread:Plane",
    "detector.variational": "wholefit.models._kernels.detectors_variational:Variational",
    "generator.again": "wholefit.models._kernels.generators:Again",
    "generator.copula": "wholefit.models._kernels.generators:Copula",
    "generator.gan": "wholefit.models._kernels.deep_generators:Adversarial",
    "generator.independent": "wholefit.models._kernels.generators:Independent",
    "generator.rbm": "wholefit.models._kernels.deep_generators:Boltzmann",
    "generator.sequence": "wholefit.models._kernels.generators:Sequence",
    "generator.vae": "wholefit.models._kernels.deep_generators:Variational",
    "geodesic": "wholefit.models._kernels.geodesic:Geodesic",
    "gaussian_nb": "wholefit.models._kernels.bayes:Gaussian",
    "kernel_projection": "wholefit.models._kernels.projections:KernelProjection",
    "itemsets": "wholefit.models._kernels.rules:Itemsets",
    "keras": "wholefit.models._kernels.keras:Keras",
    "kernel_machine": "wholefit.models._kernels.kernel_machine:KernelMachine",
    "map": "wholefit.models._kernels.maps:Map",
    "linear": "wholefit.models._kernels.linear:Linear",
    "multinomial_nb": "wholefit.models._kernels.bayes:Multinomial",
    "catboost": "wholefit.models._kernels.native:CatBoost",
    "lightgbm": "wholefit.models._kernels.native:LightGBM",
    "mean": "wholefit.models._kernels.members:Mean",
    "network": "wholefit.models._kernels.network:Network",
    "parts": "wholefit.models._kernels.projections:Parts",
    "projection": "wholefit.models._kernels.projections:Linear",
    "neighbors": "wholefit.models._kernels.neighbors:Neighbors",
    "recommend_bias": "wholefit.models._kernels.recommenders_near:Biases",
    "recommend_content": "wholefit.models._kernels.recommenders_items:Content",
    "recommend_ease": "wholefit.models._kernels.recommenders_items:EASE",
    "recommend_factors": "wholefit.models._kernels.recommenders_factors:Factors",
    "recommend_items_near": "wholefit.models._kernels.recommenders_near:ItemNear",
    "recommend_popularity": "wholefit.models._kernels.recommenders:Popularity",
    "recommend_users_near": "wholefit.models._kernels.recommenders_near:UserNear",
    "rule_list": "wholefit.models._kernels.rule_list:RuleList",
    "rules": "wholefit.models._kernels.rules:Rules",
    "shifted": "wholefit.models._kernels.shifted:Shifted",
    "steps": "wholefit.models._kernels.steps:Steps",
    "stack": "wholefit.models._kernels.members:Stack",
    "trees": "wholefit.models._kernels.trees:Trees",
    "language_model": "wholefit.models._kernels.writers:Neural",
    "translator": "wholefit.models._kernels.translators:Network",
    "translator.frequent": "wholefit.models._kernels.translators:Frequent",
    "translator.nearest": "wholefit.models._kernels.translators:Nearest",
    "writer.runs": "wholefit.models._kernels.writers:Runs",
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
