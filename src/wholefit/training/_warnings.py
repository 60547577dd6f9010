"""What is said of a target before anything is learnt from it."""

from __future__ import annotations

import shlex

import numpy as np

from wholefit.base.tasks import Codec, Task
from wholefit.data.dataset import Dataset
from wholefit.data.splits import Plan

_TINY_CLASS = 10
_FEW_ROWS = 50
_RARE_SHARE = 0.10


def target_warnings(
    dataset: Dataset, task: Task, codec: Codec, y: np.ndarray, plan: Plan, minded: bool = False
) -> tuple[str, ...]:
    """Sentences on few rows, tiny or rare classes, and a target that never repeats.

    `minded` says that the fit was told what to do about a rare class.
    """
    found = []
    if len(y) < _FEW_ROWS:
        found.append(f"only {len(y)} rows: every score has a wide interval; read that first.")
    classes = getattr(codec, "classes", None)
    if classes is not None:
        counts = np.bincount(y, minlength=len(classes))
        found += [*_class_warnings(classes, counts), *([] if minded else _rare(codec, counts))]
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
    return found


def _rare(codec: Codec, counts: np.ndarray) -> list[str]:
    """What to do about a rare class: of all treatments a moved threshold costs nothing."""
    classes = getattr(codec, "classes", ())
    if len(classes) != 2 or counts.min() / counts.sum() >= _RARE_SHARE:
        return []
    share = counts.max() / counts.sum()
    common, rare = classes[int(counts.argmax())], classes[int(counts.argmin())]
    words, flags = "threshold='f1'", "--threshold f1"
    if getattr(codec, "positive", None) != int(counts.argmin()):
        words = f"positive={rare!r}, {words}"
        flags = f"--positive {shlex.quote(str(rare))} {flags}"
    return [
        f"{share:.1%} of the rows are {common!r}: accuracy says little here, and the most "
        f"probable class is seldom {rare!r}; read the average precision, and decide by "
        f"{words} ({flags}), or by what mistakes cost."]


def _never_repeats(y: np.ndarray) -> bool:
    whole = bool(np.all(y == np.round(y)))
    return whole and len(y) > 20 and len(np.unique(y)) == len(y)
