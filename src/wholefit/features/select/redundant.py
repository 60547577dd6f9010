"""Features that say again what another says."""

from __future__ import annotations

import numpy as np

from wholefit.features.select._gram import gram
from wholefit.features.select._seen import Scores, Seen
from wholefit.features.select.univariate import f


def correlation(seen: Seen, alike: float = 0.95) -> Scores:
    """Of features that correlate by `alike` or more, either way, the one of the largest F stays.

    From the largest F down, a feature goes if one that stays correlates with it so; `stands`
    says which. Features that do not vary go too. Category codes are compared as their levels'
    mean target.
    """
    values = f(seen).values
    found = gram(seen, values)
    stands = np.arange(len(values))
    varies = np.zeros(len(values), dtype=bool)
    varies[found.where] = True
    taken = np.zeros(len(found.where), dtype=bool)
    near = np.abs(found.among) >= alike - 1e-12
    for at in np.argsort(-values[found.where], kind="stable"):
        if not taken[at]:
            mine = near[at] & ~taken
            stands[found.where[mine]] = found.where[at]
            taken |= mine
            taken[at] = True
    # what could not enter the comparison stays: nothing is known against it
    compared = varies | _beyond(seen, found.where, values)
    chosen = (stands == np.arange(len(values))) & compared
    return Scores(values, chosen, stands=stands, only=True)


def _beyond(seen: Seen, where: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Features that were left out of the comparison for their number, and do vary."""
    found = np.zeros(len(values), dtype=bool)
    if len(values) > len(where):
        for span, block in seen.blocks():
            found[span] = block.min(axis=0) < block.max(axis=0)
        found[where] = False
    return found
