"""Which network the inputs ask for: sizes filled in, several kinds of input joined."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError
from wholefit.features.spans import Span
from wholefit.models._kernels import _network_inputs
from wholefit.models._kernels._network_inputs import Inputs
from wholefit.nn import networks

# What a network's own options say of the kinds of input it takes.
_WORDS = {"numbers": "inputs", "codes": "levels", "image": "channels", "tokens": "vocabulary"}
_SIZES = {"numbers": ("inputs",), "codes": ("levels",), "image": ("channels", "height", "width"),
          "tokens": ("vocabulary", "length")}
# Features that each part gives where several are joined.
_JOINED = 64


def inputs_for(
    network: Mapping[str, Any], X: np.ndarray, spans: Sequence[Span] | None, scaling: str
) -> Inputs:
    """The cut and scaling of X (n, features) that suit the network; DataError if none does.

    ParameterError for a network that no gradient teaches.
    """
    name = str(network["network"])
    known = takes(name)
    if not getattr(networks.get(name), "by_gradient", True):
        raise ParameterError(f"network must be one that gradients teach; {name!r} has none, and "
                             "learns by a rule of its own: take 'mlp' with hidden=[].")
    spans = list(spans or (Span("numbers", 0, X.shape[1]),))
    if "image" not in known:  # pixels are numbers to a network that knows no pictures
        spans = [replace(span, kind="numbers", shape=()) if span.kind == "image" else span
                 for span in spans]
    kinds = {span.kind for span in spans}
    main = known & {"image", "tokens"}
    missing = {"tokens"} & kinds - known or (main - kinds if main else set())
    if missing:
        raise DataError(
            f"network {network['network']!r} takes {', '.join(sorted(known))}, and the features "
            f"are {', '.join(sorted(kinds))}: give spans= that fit, or another network.")
    return _network_inputs.learn(X, spans, scaling, onehot="codes" in kinds and (
        "codes" not in known))


def takes(name: str) -> set[str]:
    """Kinds of input that the network of that name takes."""
    words = inspect.signature(networks.get(name)).parameters
    return {kind for kind, word in _WORDS.items() if word in words}


def complete(
    network: Mapping[str, Any], inputs: Inputs, outputs: int, answers: str
) -> dict[str, Any]:
    """The network's options with the sizes of its inputs; a "joined" one where it needs parts.

    `answers` ("classes", "labels", "numbers") is told to those that ask.
    """
    facts, known = inputs.facts(), takes(str(network["network"]))
    if "answers" in inspect.signature(networks.get(str(network["network"]))).parameters:
        network = {"answers": answers, **network}
    kinds = [kind for kind, sizes in _SIZES.items() if sizes[0] in facts]
    several = len(inputs.of("image")) + len(inputs.of("tokens")) > 1
    if set(kinds) <= known and not several:
        return {**network, **_sizes(kinds, facts), "outputs": outputs}
    parts: list[dict[str, Any]] = []
    if "numbers" in kinds or "codes" in kinds:
        sizes = _sizes(["numbers"], facts)
        parts.append({"network": "mlp", **sizes, "hidden": [_JOINED], "outputs": _JOINED})
    for span in (*inputs.of("image"), *inputs.of("tokens")):
        parts.append({**network, **_of_span(span), "outputs": _JOINED})
    return {"network": "joined", "parts": parts, "outputs": outputs}


def _sizes(kinds: Sequence[str], facts: Mapping[str, Any]) -> dict[str, Any]:
    return {word: facts[word] for kind in kinds for word in _SIZES[kind]}


def _of_span(span: Span) -> dict[str, Any]:
    if span.kind == "image":
        return dict(zip(_SIZES["image"], span.shape, strict=True))
    return {"vocabulary": span.levels[0], "length": span.shape[0]}
