"""Weights that others published, turned into bases of ours, once.

    convert.efficientnet_lite0("efficientnet-lite0-57934424.pth").save("lite0.safetensors")

Weights that torch wrote are pickles, which can hold code. `torch.load(weights_only=True)` reads
tensors and plain containers and refuses everything else; it stands here and nowhere else, because
many published weights exist in that form alone. What is made is a safetensors file with its
options in JSON, and that is what everything else reads.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from wholefit.base.errors import DataError
from wholefit.base.wording import first_line
from wholefit.nn import networks
from wholefit.nn.transfer.bases import Base, Picture

# ImageNet's means and spreads, in pixels, as most pretrained picture networks were trained with.
_MEAN, _SPREAD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
_MOST = 4 * 2**30
# Where checkpoints hold the weights, beside an optimizer's state and the like.
_INSIDE = ("state_dict", "model_state_dict", "model_state", "model")


def torch_weights(path: str | os.PathLike[str]) -> dict[str, torch.Tensor]:
    """Tensors of a file that torch wrote, by name; no code in it is run.

    Of a training's checkpoint, the weights of its model.

    Raises DataError for a file that holds anything but tensors in plain containers.
    """
    _sized(Path(path))
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds, and its advice is to trust the file
        raise DataError(f"{path} cannot be read as weights alone "
                        f"({first_line(error)}); nothing else is "
                        "read from a file that torch wrote: ask for it as safetensors.") from error
    if isinstance(found, Mapping):
        found = next((found[name] for name in _INSIDE if isinstance(found.get(name), Mapping)),
                     found)
    if not isinstance(found, Mapping) or not all(
            isinstance(name, str) and isinstance(value, torch.Tensor)
            for name, value in found.items()):
        raise DataError(f"{path} must hold tensors by name; it holds something else.")
    return dict(found)


def layers_weights(folder: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Arrays by name of a model in the layers format of TensorFlow.js: model.json and its shards.

    Plain float32 numbers, one after the other, in the order that the JSON states. Raises DataError
    where they do not add up.
    """
    root = Path(folder)
    try:
        stated = json.loads((root / "model.json").read_text())["weightsManifest"]
        groups = [(group["weights"], [root / Path(part).name for part in group["paths"]])
                  for group in stated]
        found: dict[str, np.ndarray] = {}
        for weights, paths in groups:
            data = b"".join(path.read_bytes() for path in paths if _sized(path))
            found |= _cut(weights, data)
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise DataError(f"{folder} holds no whole model.json with its shards: {error}.") from error
    return found


def _cut(weights: list[dict[str, Any]], data: bytes) -> dict[str, np.ndarray]:
    found, at = {}, 0
    for entry in weights:
        if entry["dtype"] != "float32" or "quantization" in entry:
            raise ValueError(f"{entry['name']} is {entry['dtype']}; only float32 is read")
        shape = tuple(int(size) for size in entry["shape"])
        count = math.prod(shape)
        if min(shape, default=1) < 1 or at + 4 * count > len(data):
            raise ValueError(f"{entry['name']} of shape {shape} goes past the end")
        found[str(entry["name"])] = np.frombuffer(data, "<f4", count, at).reshape(shape)
        at += 4 * count
    if at != len(data):
        raise ValueError(f"{len(data) - at} bytes are left over")
    return found


def efficientnet_lite0(path: str | os.PathLike[str]) -> Base:
    """EfficientNet-Lite0 with the weights of a .pth file in the usual names of its layers."""
    given = torch_weights(path)
    module = networks.make("efficientnet_lite0", outputs=1000)
    wanted = module.state_dict()
    renamed = {_lite_name(name): value for name, value in given.items()}
    _fill(module, wanted, renamed, str(path))
    picture = Picture(size=224, mean=(127.0,) * 3, spread=(128.0,) * 3)
    return Base(module, picture=picture, name="efficientnet_lite0")


_LITE_TOP = {"_conv_stem": "stem.conv", "_bn0": "stem.norm", "_conv_head": "top.conv",
             "_bn1": "top.norm", "_fc": "head"}
_LITE_BLOCK = {"_expand_conv": "expand.conv", "_bn0": "expand.norm",
               "_depthwise_conv": "depthwise.conv", "_bn1": "depthwise.norm",
               "_project_conv": "project.conv", "_bn2": "project.norm"}


def _lite_name(name: str) -> str:
    """Ours of the name that the published weights give a layer."""
    layer, _, kind = name.rpartition(".")
    if layer.startswith("_blocks."):
        _, number, part = layer.split(".")
        inside = dict(_LITE_BLOCK)
        return f"blocks.{number}.{inside.get(part, part)}.{kind}"
    return f"{_LITE_TOP.get(layer, layer)}.{kind}"


def resnet50(folder: str | os.PathLike[str]) -> Base:
    """ResNet-50 with the weights of a Keras model in the layers format."""
    from wholefit.nn.transfer._resnet import renamed

    given = renamed(layers_weights(folder))
    module = networks.make("resnet50", outputs=1000)
    _fill(module, module.state_dict(), given, str(folder))
    # Keras' ResNet-50 takes pixels in the order blue, green, red, less their means.
    picture = Picture(size=224, mean=(103.939, 116.779, 123.68), spread=(1.0,) * 3, flipped=True)
    return Base(module, picture=picture, name="resnet50")


def _fill(
    module: Any, wanted: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor], where: str
) -> None:
    """Put weights into the module; DataError names what does not fit."""
    usual = {name: value for name, value in wanted.items() if "num_batches" in name}
    whole = usual | dict(given)
    odd = sorted(set(whole) ^ set(wanted)) or [
        name for name, value in wanted.items() if value.shape != whole[name].shape]
    if odd:
        raise DataError(f"{where} does not hold the weights of this network: {odd[0]!r} is "
                        f"missing, unknown or of another shape ({len(odd)} such).")
    module.load_state_dict(whole)


def _sized(path: Path) -> bool:
    if not path.is_file():
        raise DataError(f"{path} is no file of weights.")
    if path.stat().st_size > _MOST:
        raise DataError(f"{path} is larger than {_MOST / 2**30:.0f} GB; it is not read.")
    return True
