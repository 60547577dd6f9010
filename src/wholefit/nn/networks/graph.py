"""Networks by a plan: several inputs, several answers, layers used more than once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import ParameterError, unknown
from wholefit.nn import layers
from wholefit.nn.networks._registry import REGISTRY, network

_KEYS = ("name", "layer", "from", "same")


@network("graph")
class Graph(nn.Module):
    """Nodes that take what earlier nodes give; any number of inputs and of answers.

        make("graph", inputs=[{"name": "left", "shape": [784]}, {"name": "right", "shape": [784]}],
             nodes=[{"name": "both", "layer": "concatenate", "from": ["left", "right"]},
                    {"name": "digit", "layer": "dense", "size": 10}], outputs=["digit"])

    A node has a name; "layer" with its options, or "same": the name of a node whose weights it
    uses too; and "from": a name or several (else the node before). Layers: dense (size), conv
    (channels, kernel, stride, padding), pool (kind, size), gather (kind), flatten, activation
    (kind), norm (kind), dropout (share), network (made: name and options of any network),
    concatenate, add, multiply, and layers of your own by the name they are entered with, which
    get `inputs=` (the size of the last axis) if they take it. Inputs come in the order of
    `inputs`, (n, *shape) each; one output is a tensor, several are a tuple.
    """

    def __init__(self, inputs: Sequence[Mapping[str, Any]], nodes: Sequence[Mapping[str, Any]],
                 outputs: Sequence[str]) -> None:
        super().__init__()
        if not outputs:
            raise ParameterError("graph.outputs must name a node at least; got none.")
        for each in inputs:
            if not isinstance(each, Mapping) or not {"name", "shape"} <= set(each):
                raise ParameterError("each of graph.inputs needs a name and a shape (without "
                                     f"rows); got {each!r}.")
        self.inputs = [str(each["name"]) for each in inputs]
        self.outputs = list(outputs)
        self.plan: list[tuple[str, str, list[str]]] = []
        self.parts = nn.ModuleDict()
        known = {str(each["name"]): torch.zeros(2, *each["shape"]) for each in inputs}
        before = self.inputs[-1] if self.inputs else ""
        for node in nodes:
            if not isinstance(node, Mapping):
                raise ParameterError(f"each of graph.nodes must be a dict; got {node!r}.")
            name, sources = _name(node, known), _sources(node, before, known)
            values = [known[source] for source in sources]
            part = self._part(name, node, values)
            self.plan.append((name, part, sources))
            known[name] = _run(name, self.parts[part], values)
            before = name
        for name in self.outputs:
            if name not in known:
                raise unknown("node", name, known)
        self.shapes = {name: tuple(value.shape[1:]) for name, value in known.items()}

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """The nodes named in `outputs`."""
        if len(inputs) != len(self.inputs):
            raise ParameterError(f"the network takes {len(self.inputs)} inputs "
                                 f"({', '.join(self.inputs)}); got {len(inputs)}.")
        known = dict(zip(self.inputs, inputs, strict=True))
        for name, part, sources in self.plan:
            known[name] = self.parts[part](*(known[source] for source in sources))
        found = tuple(known[name] for name in self.outputs)
        return found[0] if len(found) == 1 else found

    def _part(self, name: str, node: Mapping[str, Any], values: Sequence[torch.Tensor]) -> str:
        if "same" in node:
            if node["same"] not in self.parts:
                raise unknown("node with a layer", node["same"], list(self.parts))
            return str(node["same"])
        options = {key: value for key, value in node.items() if key not in _KEYS}
        self.parts[name] = _layer(name, node.get("layer"), options, values)
        return name


class Joined(nn.Module):
    """Several tensors made one: laid side by side on axis 1, summed, or multiplied."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def forward(self, *values: torch.Tensor) -> torch.Tensor:
        """One tensor."""
        if self.how == "concatenate":
            return torch.cat(values, 1)
        found = values[0]
        for value in values[1:]:
            found = found + value if self.how == "add" else found * value
        return found


def _dense(x: torch.Tensor, size: int) -> nn.Module:
    return nn.Linear(x.shape[-1], size)


def _conv(x: torch.Tensor, channels: int, kernel: int = 3, stride: int = 1, padding: int = 0
          ) -> nn.Module:
    return nn.Conv2d(x.shape[1], channels, kernel, stride, padding)


def _norm(x: torch.Tensor, kind: str) -> nn.Module:
    return layers.norm(kind, x.shape[1], images=x.dim() == 4)


def _network(x: torch.Tensor, made: Mapping[str, Any]) -> nn.Module:
    options = dict(made)
    name = options.pop("network", None)
    if name not in REGISTRY:
        raise unknown("network", str(name), sorted(REGISTRY))
    return REGISTRY[name](**options)


_LAYERS: dict[str, Callable[..., nn.Module]] = {
    "dense": _dense, "conv": _conv, "norm": _norm, "network": _network,
    "pool": lambda x, kind="max", size=2: layers.pool(kind, size),
    "gather": lambda x, kind="average": layers.GlobalPool(kind),
    "flatten": lambda x: nn.Flatten(),
    "activation": lambda x, kind: layers.activation(kind),
    "dropout": lambda x, share: layers.dropout(share),
    "concatenate": lambda x: Joined("concatenate"),
    "add": lambda x: Joined("add"),
    "multiply": lambda x: Joined("multiply"),
}


def _layer(name: str, kind: Any, options: dict[str, Any], values: Sequence[torch.Tensor]
           ) -> nn.Module:
    own = layers.names("layer")
    if kind not in _LAYERS and kind not in own:
        raise unknown("layer", str(kind), [*_LAYERS, *own])
    try:
        if kind in _LAYERS:
            return _LAYERS[kind](values[0], **options)
        made = layers.get("layer", kind)
        if "inputs" in inspect.signature(made).parameters:
            options = {"inputs": values[0].shape[-1], **options}
        return made(**options)
    except TypeError as error:
        raise ParameterError(f"node {name!r}: the layer {kind!r} does not take {options}: {error}."
                             ) from error


@torch.no_grad()
def _run(name: str, part: nn.Module, values: Sequence[torch.Tensor]) -> torch.Tensor:
    mode = part.training
    try:
        return part.eval()(*values)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        shapes = ", ".join(str(tuple(value.shape[1:])) for value in values)
        raise ParameterError(f"node {name!r} cannot take what comes in, of shape {shapes}: "
                             f"{error}.") from error
    finally:
        part.train(mode)


def _name(node: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    name = node.get("name")
    if not isinstance(name, str) or not name or "." in name or name in known:
        raise ParameterError("each node needs a name of its own, text without dots; got "
                             f"{name!r}.")
    return name


def _sources(node: Mapping[str, Any], before: str, known: Mapping[str, Any]) -> list[str]:
    found = node.get("from", before)
    found = [found] if isinstance(found, str) else list(found)
    for source in found:
        if source not in known:
            raise unknown("node", str(source), known)
    if not found:
        raise ParameterError(f"node {node.get('name')!r} takes nothing in; give 'from'.")
    return found
