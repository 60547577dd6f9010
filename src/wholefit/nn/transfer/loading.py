"""Where bases come from.

    base = load("lite0.safetensors")

A base comes from a file of ours, an artifact whose model is a network, a folder in Hugging Face's
layout, or an id of a library ("timm:resnet18", "torchvision:resnet18", "hf:owner/name") where that
is installed. Nothing is fetched unless an id or `download` asks for it, and no code is loaded.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from torch import nn

from wholefit.base.errors import DataError
from wholefit.base.wording import cut
from wholefit.nn.transfer import _artifact, folders, libraries
from wholefit.nn.transfer.bases import Base, from_bytes, of_state

_MOST = 4 * 2**30


def load(source: Any, **options: Any) -> Base:
    """The base that `source` names; a Base or a module is taken as it is.

    A path ending in .safetensors (what `Base.save` wrote), in .wf (an artifact of ours), a folder
    with config.json and model.safetensors, or an id: "timm:", "torchvision:", "hf:". `options` go
    to the id's library. Raises DataError, StateError, MissingExtraError.
    """
    if isinstance(source, Base):
        return source
    if isinstance(source, nn.Module):
        return Base(source, name=type(source).__name__)
    text = os.fspath(source) if isinstance(source, (str, os.PathLike)) else None
    if text is None:
        raise DataError(f"a base is a path, an id, a Base or a torch module; got {source!r}.")
    kind, _, name = text.partition(":")
    if name and kind in ("hf", "timm", "torchvision"):
        return libraries.load(kind, name, **options)
    return _of_path(Path(text).expanduser())


def _of_path(path: Path) -> Base:
    if path.is_dir():
        return folders.load(path)
    if not path.is_file():
        raise DataError(
            f"no base is at {cut(str(path), 200)}: give a .safetensors file that Base.save wrote, "
            "a .wf file whose model is a network, a folder with config.json and "
            "model.safetensors, or an id such as 'timm:resnet18'.")
    if path.stat().st_size > _MOST:
        raise DataError(f"{path} is larger than {_MOST / 2**30:.0f} GB; it is not read.")
    if path.suffix == ".wf":
        config, stored = _artifact.network_of(path)
        return of_state(config, stored, name=path.name)
    if path.suffix != ".safetensors":
        raise DataError(f"{path} is no base: its name must end in .safetensors or .wf. Weights "
                        "that torch wrote are read by wholefit.nn.transfer.convert.")
    return from_bytes(path.read_bytes(), str(path))
