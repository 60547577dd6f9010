"""What is said of a target before anything is learnt from it."""

from __future__ import annotations

import numpy as np

from wholefit.base.tasks import Codec, Task
from wholefit.data.dataset import Dataset
from wholefit.data.splits import Plan

_TINY_CLASS = 10
_FEW_ROWS = 50
_RARE_SHARE = 0.05


def target_warnings(
    dataset: Dataset, task: Task, codec: Codec, y: np.ndarray, plan: Plan
) -> tuple[str, ...]:
    """Sentences on few rows, tiny or rare classes, and a target that never repeats."""
    found = []
    if len(y) < _FEW_ROWS:
        found.append(f"only {len(y)} rows: every score has a wide interval; read that first.")
    classes = getattr(codec, "classes", None)
    if classes is not None:
        found += _class_warnings(classes, np.bincount(y, minlength=len(classes)))
    elif _never_repeats(y):
        found.append(
            f"every value of the target {dataset.schema.target!r} differs and they are whole "
            "numbers: is it an identifier?"
        )
    return tuple(found)


def _class_warnings(classes: tuple[object, ...], counts: np.ndarray) -> list[str]:
    found = []
    tiny = [f"{label!r} ({count})" for label, count in zip(classes, counts, strict=True)
            if count < _TINY_CLASS]
    if tiny:
        listed = ", ".join(tiny[:8]) + (", ..." if len(tiny) > 8 else "")
        found.append(
            f"classes with fewer than {_TINY_CLASS} rows: {listed}; little can be learnt of "
            "them: gather more, merge them, or leave them out."
        )
    share = counts.max() / counts.sum()
    if counts.min() / counts.sum() < _RARE_SHARE and len(classes) == 2:
        found.append(
            f"{share:.1%} of the rows are {classes[int(counts.argmax())]!r}: accuracy says little "
            "here; look at average precision, recall and the balanced accuracy."
        )
    return found


def _never_repeats(y: np.ndarray) -> bool:
    whole = bool(np.all(y == np.round(y)))
    return whole and len(y) > 20 and len(np.unique(y)) == len(y)
