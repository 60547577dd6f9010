"""Features of a base, computed once: with the body frozen, only the head need see an epoch."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.base.events import emit
from wholefit.base.spool import Filed
from wholefit.nn import predicting
from wholefit.nn.batches import Arrays
from wholefit.nn.transfer.bodies import fingerprint


def extract(
    module: nn.Module, inputs: Arrays, *, cache: str | os.PathLike[str] | None = None,
    batch: int = 128, memo: bool = False, device: str | None = None,
) -> np.ndarray:
    """`module.features(*inputs)`, (n, feature_width) float32, of the base as it stands.

    `cache` is a folder: features are kept there under the checksum of weights, shape of the network
    and data, and read again when all three are the same. `memo` remembers rows in this process, so
    that folds which share rows compute them once. `device` ("auto", "cpu", "cuda", "mps") is where
    they are computed: the module is taken there and back; None leaves it where it is. Raises
    ParameterError for a module without `features`, and for a device that is not here.
    """
    if not hasattr(module, "features"):
        raise ParameterError(f"{type(module).__name__} gives no features: make it by "
                             "transfer.headed, or give it features(x).")
    place = None if cache is None else Path(cache) / f"{_key(module, inputs)}.npy"
    shape = (len(inputs[0]), int(module.feature_width))
    if place is not None and (found := _read(place, shape)) is not None:
        emit("features_cached", rows=shape[0], width=shape[1])
        return found
    how = _remembered if memo else _computed
    with _on(module, device):
        found = how(module, inputs, batch)
    found = np.ascontiguousarray(found, dtype=np.float32)
    if place is not None:
        _write(place, found)
    return found


@contextmanager
def _on(module: nn.Module, device: str | None) -> Iterator[None]:
    """Inside, the module on the device; afterwards where it was."""
    before = next((p.device for p in module.parameters()), torch.device("cpu"))
    if device is None:
        yield
        return
    module.to(predicting.place(device))
    try:
        yield
    finally:
        module.to(before)


def _computed(module: nn.Module, inputs: Arrays, batch: int) -> np.ndarray:
    if not len(inputs[0]):
        return np.zeros((0, int(module.feature_width)), dtype=np.float32)
    return predicting.predict(_Features(module), inputs, batch=batch)


# Features of rows by the checksum of the row, for the network that was asked last.
_memo: dict[str, dict[bytes, np.ndarray]] = {}
_MOST_BYTES = 512 * 2**20
_PRINTED = 256  # pictures of a file whose checksum is taken at a time


def _remembered(module: nn.Module, inputs: Arrays, batch: int) -> np.ndarray:
    """As `_computed`, but only of rows that this network has not been asked for."""
    name = _key(module, ())
    if name not in _memo:
        _memo.clear()
    known = _memo.setdefault(name, {})
    arrays = [array if isinstance(array, Filed) else np.ascontiguousarray(array)
              for array in inputs]
    keys = [hashlib.blake2b(b"".join(array[row].tobytes() for array in arrays),
                            digest_size=16).digest() for row in range(len(arrays[0]))]
    places = {key: row for row, key in enumerate(keys) if key not in known}
    if places:
        new = list(places.values())
        found = _computed(module, _some(arrays, new), batch).astype(np.float32)
        if (len(known) + len(new)) * found.shape[1] * 4 > _MOST_BYTES:
            return _computed(module, inputs, batch)
        known.update(zip(places, found, strict=True))
    width = int(module.feature_width)
    return np.stack([known[key] for key in keys]) if keys else np.zeros((0, width), np.float32)


def _some(arrays: Arrays, rows: list[int]) -> list[Any]:
    return [array.take(np.array(rows)) if isinstance(array, Filed) else array[rows]
            for array in arrays]


class _Features(nn.Module):
    """A module that answers with its features."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.module.features(*inputs)


def _key(module: nn.Module, inputs: Arrays) -> str:
    """What features hang on: the weights below the head, what is made of them, and the data."""
    found = hashlib.sha256()
    parts = [part for name, part in module.named_children() if name != "head"]
    for part in parts:
        found.update(fingerprint(part).encode())
    made_of = dict(getattr(module, "made_of", {}) or {"class": type(module).__qualname__})
    kept = {name: value for name, value in made_of.items()
            if name not in ("outputs", "hidden", "dropout", "learns", "decay")}
    found.update(repr(sorted(kept.items(), key=lambda item: item[0])).encode())
    for array in inputs:
        if isinstance(array, Filed):
            found.update(f"{array.dtype.str}{array.shape}".encode())
            for start in range(0, len(array), _PRINTED):
                found.update(array[start:start + _PRINTED].data)
            continue
        given = array.detach().cpu().numpy() if isinstance(array, torch.Tensor) else (
            np.asarray(array))
        found.update(f"{given.dtype.str}{given.shape}".encode())
        found.update(np.ascontiguousarray(given).reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def _read(place: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """What is kept there; None where it is absent, damaged or of another shape."""
    try:
        found: Any = np.load(place, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    good = isinstance(found, np.ndarray) and found.shape == shape and found.dtype == np.float32
    return found if good else None


def _write(place: Path, found: np.ndarray) -> None:
    """Whole or not at all: another process may look at the same moment."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=place.parent, suffix=".part", delete=False) as file:
        np.save(file, found, allow_pickle=False)
    os.replace(file.name, place)
