"""Convolutional networks by a plain list of stages, and the sizes that come of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import ParameterError, unknown
from wholefit.nn import layers
from wholefit.nn.networks._checks import several, whole
from wholefit.nn.networks._registry import network
from wholefit.nn.networks._sizes import output_size

# What a stage may say besides its channels; None takes the network's own.
STAGE: dict[str, Any] = {
    "channels": None, "kernel": 3, "stride": 1, "padding": "same", "dilation": 1, "groups": 1,
    "norm": None, "activation": None, "pool": None, "pool_size": 2, "pool_stride": None,
    "dropout": 0.0,
}


@network("cnn", recipe={"optimizer": "adamw", "rate": 2e-3, "batch": 128, "epochs": 10,
                        "schedule": "one_cycle", "weight_decay": 1e-2})
class CNN(nn.Module):
    """Convolutions, then dense layers; (n, channels, height, width) to (n, outputs).

    Each of `stages` is a number of channels, or a dict: channels, kernel, stride, padding (a
    number, "valid" for 0, or "same", which keeps the sides where the stride is 1), dilation,
    groups, norm, activation, pool ("max", "average" or None), pool_size, pool_stride, dropout. A
    stage that does not say its pool, norm or activation takes the network's. `gather` turns maps
    into features: "flatten", or "average" or "max" over all places. `hidden` are dense layers
    before the answer. Pixels are taken as they come: give them near 0, with deviation near 1.
    """

    def __init__(
        self, channels: int, height: int, width: int, outputs: int,
        stages: Sequence[int | Mapping[str, Any]] = (32, 64), gather: str = "flatten",
        hidden: Sequence[int] = (128,), activation: layers.Activation = "relu", norm: str = "none",
        pool: str | None = "max", dropout: float = 0.0, init: str = "auto",
    ) -> None:
        super().__init__()
        several("cnn", stages=stages, hidden=hidden)
        whole("cnn", channels=channels, height=height, width=width, outputs=outputs, hidden=hidden)
        features: list[Any] = []
        shape = (channels, height, width)
        for at, said in enumerate(stages):
            stage = _read(said, at, {"activation": activation, "norm": norm, "pool": pool})
            made, shape = _stage(stage, shape, at)
            features += made
        self.features = nn.Sequential(*features)
        self.gather, size = _gather(gather, shape)
        dense: list[Any] = []
        for wide in hidden:
            dense += [nn.Linear(size, wide), layers.activation(activation),
                      *([layers.dropout(dropout)] if dropout else [])]
            size = wide
        last = nn.Linear(size, outputs)
        self.head = nn.Sequential(*dense, last)
        layers.initialise(self, activation, scheme=init, last=last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits or numbers."""
        return self.head(self.gather(self.features(x)))


def _read(said: int | Mapping[str, Any], at: int, default: Mapping[str, Any]) -> dict[str, Any]:
    told = dict(said) if isinstance(said, Mapping) else {"channels": said}
    for key in told:
        if key not in STAGE:
            raise unknown(f"option of stage {at}", key, STAGE)
    stage = {**STAGE, **default, **told}
    for key in ("channels", "kernel", "stride", "dilation", "groups", "pool_size"):
        _whole(at, key, stage[key], 1)
    if stage["padding"] in ("same", "valid"):
        wide = stage["dilation"] * (stage["kernel"] - 1)
        stage["padding"] = wide // 2 if stage["padding"] == "same" else 0
    _whole(at, "padding", stage["padding"], 0)
    return stage


def _whole(at: int, key: str, value: Any, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        also = ", or 'same' or 'valid'" if key == "padding" else ""
        raise ParameterError(f"stage {at} needs {key}, a whole number >= {least}{also}; got "
                             f"{value!r}.")


def _stage(stage: Mapping[str, Any], shape: tuple[int, int, int], at: int
           ) -> tuple[list[Any], tuple[int, int, int]]:
    kernel, stride, padding = stage["kernel"], stage["stride"], stage["padding"]
    dilation, groups = stage["dilation"], stage["groups"]
    if shape[0] % groups or stage["channels"] % groups:
        raise ParameterError(f"stage {at}: groups must divide the channels that come in "
                             f"({shape[0]}) and go out ({stage['channels']}); got {groups}.")
    made: list[Any] = [
        nn.Conv2d(shape[0], stage["channels"], kernel, stride, padding, dilation, groups,
                  bias=stage["norm"] != "batch"),
        layers.norm(stage["norm"] or "none", stage["channels"], images=True),
        layers.activation(stage["activation"] or "identity"),
    ]
    sides = [output_size(side, kernel, stride, padding, dilation) for side in shape[1:]]
    if stage["pool"] is not None and min(sides) > 0:
        window, step = stage["pool_size"], stage["pool_stride"] or stage["pool_size"]
        made.append(layers.pool(stage["pool"], window, step))
        sides = [output_size(side, window, step) for side in sides]
    if min(sides) < 1:
        raise ParameterError(f"stage {at} leaves nothing of {shape[1]} x {shape[2]} places: give "
                             "fewer stages, less pooling or larger images.")
    made.append(layers.dropout(stage["dropout"]))
    return ([layer for layer in made if type(layer) is not nn.Identity],
            (stage["channels"], sides[0], sides[1]))


def _gather(how: str, shape: tuple[int, int, int]) -> tuple[Any, int]:
    if how == "flatten":
        return nn.Flatten(), shape[0] * shape[1] * shape[2]
    if how in layers.POOLS:
        return layers.GlobalPool(how), shape[0]
    raise unknown("way to gather maps", how, ("flatten", *layers.POOLS))
