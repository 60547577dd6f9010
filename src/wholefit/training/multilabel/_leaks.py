"""Columns that give a label away, looked for before anything is learnt."""

from __future__ import annotations

import time

import numpy as np

from wholefit.data.findings import Look
from wholefit.training import _leaks_columns
from wholefit.training.multilabel._learn import Trial

# Share of the time left that looking may take, and seconds that it always may.
_SHARE, _ALWAYS = 0.05, 1.0


def leaks(trial: Trial) -> tuple[str, ...]:
    """What `fit` calls critical of one target, said of each label; and which were not looked at."""
    ends = time.perf_counter() + max(_ALWAYS, _SHARE * min(trial.common.clock.left(), 1e6))
    said = []
    for at, name in enumerate(trial.labels.names):
        if time.perf_counter() > ends:
            rest = len(trial.labels) - at
            said.append(f"{rest} of {len(trial.labels)} labels were not looked at for columns that "
                        "give them away: there was no time.")
            break
        truth = trial.truth[:, at]
        rows = np.flatnonzero(~np.isnan(truth))
        dataset = trial.dataset if len(rows) == len(truth) else trial.dataset.take(rows)
        look = Look(dataset, quick=True, y=truth[rows].astype(np.int32), classes=(0, 1))
        look.target = name
        said += [f"label {name!r}: {finding}" for finding in _leaks_columns.find(look)
                 if finding.severity == "critical"]
    return tuple(said)
