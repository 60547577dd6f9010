"""How long two models take for the same rows, measured in turns so that both meet the same noise.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from wholefit.data import Dataset
from wholefit.training import Fitted

_ONE, _MANY = 1, 1_000
_TURNS = {_ONE: 41, _MANY: 9}
# A model that takes this much longer a call, in seconds, is borne whatever the ratio.
_TRIFLE = 1e-3


def measured(sides: Sequence[tuple[Fitted, Dataset]]) -> list[tuple[float, float]]:
    """Least seconds of a call for one row and for up to a thousand, of each side.

    What else the machine does only ever adds to a time, so that the least of them is the model's.
    """
    found: list[list[float]] = [[] for _ in sides]
    for rows, turns in _TURNS.items():
        asked = [dataset.take(np.arange(min(rows, len(dataset)))) for _, dataset in sides]
        spent: list[list[float]] = [[] for _ in sides]
        for turn in range(turns + 1):
            for at, (fitted, _) in enumerate(sides):
                start = time.perf_counter()
                fitted.answer(asked[at])
                if turn:  # the first call of each is to warm up
                    spent[at].append(time.perf_counter() - start)
        for at, times in enumerate(spent):
            found[at].append(min(times))
    return [(one, many) for one, many in found]


def kept(times: list[tuple[float, float]], limit: float) -> tuple[bool, str]:
    """Whether the first side keeps to `limit` times the second's, and the numbers in words."""
    over = [new > limit * old and new - old > _TRIFLE
            for new, old in zip(*times, strict=True)]
    told = [f"{label} {new * 1e3:.3g} ms ({new / max(old, 1e-12):.2f} times the champion's)"
            for label, new, old in zip(("one row", "many rows"), *times, strict=True)]
    return not any(over), f"{', '.join(told)}; at most {limit:g} times"
