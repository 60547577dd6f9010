"""Inside a torch network: attention weights, activations and filters, as arrays.

Attention says where a layer looked, not why the network answered: tokens mix from layer to layer,
and quite different weights can give the same answer (Jain & Wallace 2019; Wiegreffe & Pinter 2019).
Rollout (Abnar & Zuidema 2020) follows the mixing through the layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.explain.gradients import at_rest, layer_of, torch_for

CAUTION = ("Attention is where layers looked, not why the network answered: compare it with "
           "integrated gradients or occlusion before it is believed.")


@dataclass(frozen=True, eq=False)
class Attention:
    """Weights of each attention layer, by name: (rows, heads, tokens, tokens looked at).

    `rollout` (rows, tokens, tokens) follows attention through all layers; None where layers do
    not look from tokens to the same tokens.
    """

    weights: dict[str, np.ndarray]
    rollout: np.ndarray | None

    def to_text(self) -> str:
        """Plain sentences."""
        lines = []
        for name, each in self.weights.items():
            spread = -(each * np.log(np.maximum(each, 1e-12))).sum(axis=3).mean()
            lines.append(f"Layer {name}: {each.shape[1]} heads over {each.shape[3]} tokens; "
                         f"attention is spread as over {np.exp(spread):.1f} tokens alike.")
        return "\n".join([*lines, CAUTION])


def attention(module: Any, *inputs: Any, **named: Any) -> Attention:
    """The weights of every nn.MultiheadAttention that the module uses for these inputs."""
    torch = torch_for("attention of a network")
    layers = {name: part for name, part in module.named_modules()
              if isinstance(part, torch.nn.MultiheadAttention)}
    if not layers:
        raise ParameterError("the module has no nn.MultiheadAttention layer whose weights could "
                             "be shown.")
    kept: dict[str, np.ndarray] = {}
    handles: list[Any] = []
    for name, part in layers.items():
        handles.append(part.register_forward_pre_hook(_ask_for_weights, with_kwargs=True))
        handles.append(part.register_forward_hook(_keeper(kept, name)))
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), at_rest(module):
            module(*inputs, **named)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for handle in handles:
            handle.remove()
    return Attention(kept, rollout(list(kept.values())))


def rollout(weights: list[np.ndarray]) -> np.ndarray | None:
    """Attention followed through the layers, each head alike, with the way around each layer."""
    shapes = {each.shape[2:] for each in weights}
    if not weights or len(shapes) != 1 or len(set(next(iter(shapes)))) != 1:
        return None
    tokens = weights[0].shape[2]
    found = np.eye(tokens)[None]
    for each in weights:
        mixed = 0.5 * each.mean(axis=1) + 0.5 * np.eye(tokens)
        found = mixed / mixed.sum(axis=2, keepdims=True) @ found
    return np.asarray(found)


def activations(module: Any, x: Any, layer: str) -> np.ndarray:
    """What a layer gives for these inputs, as an array."""
    torch = torch_for("activations of a network")
    kept: dict[str, Any] = {}
    handle = layer_of(module, layer).register_forward_hook(
        lambda _m, _i, out: kept.update(out=out))
    try:
        with torch.no_grad(), at_rest(module):
            module(torch.as_tensor(x))
    finally:
        handle.remove()
    if not hasattr(kept.get("out"), "detach"):
        raise ParameterError(f"layer {layer!r} must be used and give one tensor.")
    return np.asarray(kept["out"].detach().double().cpu().numpy())


def filters(module: Any, layer: str) -> np.ndarray:
    """The filters of a convolution, (out, in, h, w)."""
    weight = getattr(layer_of(module, layer), "weight", None)
    if weight is None or weight.ndim != 4:
        raise ParameterError(f"layer {layer!r} must be a convolution over pictures to have "
                             "filters to show.")
    return np.asarray(weight.detach().double().cpu().numpy())


def _ask_for_weights(_: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Ask a layer for the weights of each head, whatever its caller asked for."""
    names = ("query", "key", "value", "key_padding_mask", "need_weights", "attn_mask",
             "average_attn_weights", "is_causal")
    whole = {**dict(zip(names, args, strict=False)), **named}
    whole |= {"need_weights": True, "average_attn_weights": False}
    return (), whole


def _keeper(kept: dict[str, np.ndarray], name: str) -> Any:
    def keep(part: Any, _: Any, output: Any) -> None:
        weights = output[1].detach().double().cpu().numpy()
        # A question without an axis of rows has no such axis here either.
        kept[name] = weights if weights.ndim == 4 else weights[None]

    return keep
