"""Answers averaged over altered versions of each picture (test-time augmentation)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.nn.augment.changing import Augmenter
from wholefit.nn.augment.settings import Augmentation
from wholefit.nn.predicting import predict


def averaged(
    module: nn.Module, images: Any, words: Augmentation | Mapping[str, Any] | str, *,
    versions: int = 8, seed: int = 0, batch: int = 1024,
) -> np.ndarray:
    """Mean probabilities (n, classes) over each picture as it is and altered versions of it.

    `images` (n, channels, height, width), `module(images)` gives logits. With flip="horizontal"
    alone and two versions, the second is the mirrored picture, not a drawn one.
    """
    if versions < 1:
        raise ParameterError(f"versions must be >= 1; got {versions}.")
    settings = Augmenter(words).settings
    whole = torch.as_tensor(images)
    total = _shares(module, whole, batch)
    if settings == Augmentation(flip="horizontal", fill=settings.fill) and versions == 2:
        return (total + _shares(module, whole.flip(3), batch)) / 2
    generator = torch.Generator().manual_seed(seed)
    change = Augmenter(settings.replace(mixup=0.0, cutmix=0.0))
    for _ in range(versions - 1):
        parts = [change.images(part, generator) for part in whole.split(batch)]
        total = total + _shares(module, torch.cat(parts), batch)
    return np.asarray(total / versions)


def _shares(module: nn.Module, images: torch.Tensor, batch: int) -> np.ndarray:
    logits = torch.from_numpy(predict(module, (images,), batch=batch)).double()
    return np.asarray(torch.softmax(logits, dim=1).numpy())
