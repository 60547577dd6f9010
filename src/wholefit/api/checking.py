"""`wf.skew`: can a model tell two tables apart, and by which columns?"""

from __future__ import annotations

from typing import Any

from wholefit import data
from wholefit.training.leaks import Skew
from wholefit.training.leaks import skew as _skew


def skew(
    old: Any, new: Any, *, target: str | None = None, roles: Any = None, seed: int = 0,
    **reading: Any,
) -> Skew:
    """How far two tables are apart: adversarial validation of `new` against `old`.

    A model is taught to tell their rows apart; its AUC on rows that did not teach it, with an
    interval, is 0.5 where nothing tells them. `Skew.columns` says which columns give it away;
    `Skew.findings` says so in sentences, with columns that are constant or absent in `new`.
    Sources are anything that `wf.read` reads; `target` and `roles` are as for `wf.fit`, and the
    target is compared where both have it. Raises DataError where either has too few rows.
    """
    first = data.load(old, target=target, roles=roles, **reading)
    second = data.load(new, roles=None, **reading)
    return _skew(first, second, seed=seed)
