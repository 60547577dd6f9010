"""Words for changes of pictures, as the change of batches that training takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.nn.augment import Augmenter, choose, settle


def change(
    words: Any, pieces: Sequence[np.ndarray], target: np.ndarray, loss: str, seed: int
) -> Augmenter | None:
    """What `nn.augment` makes of the words for the first picture; None where there is none.

    "auto" asks the pictures themselves which changes leave them what they are (for classes; for
    other targets it is none).
    """
    at = next((at for at, piece in enumerate(pieces) if piece.ndim == 4), None)
    if at is None or not words:
        return None
    classes = int(target.max()) + 1 if loss == "cross_entropy" else None
    if words == "auto":
        if classes is None:
            return None
        settings = choose(pieces[at], target, seed=seed % 2**31).augmentation
    else:
        settings = settle(words)
    return None if settings.idle else Augmenter(settings, at=at, classes=classes)
