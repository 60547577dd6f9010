"""The local cache of answers: goes on where it was, never committed."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benchmarks.portfolio._answers import FOLDS, MOST_SECONDS, SEED, Cell, Prepared, dummy
from benchmarks.portfolio._tables import Table
from wholefit.training.portfolios import Configuration, configurations

# Dear ones, which a run may leave for later (--later).
LATER = ("real_mlp", "real_mlp_smooth", "tabm_small", "additive", "extra_trees_wide",
         "lightgbm_slow", "catboost_deep", "xgboost_deep")
# These read pictures or texts, or stand in for a library that is missing; and tabm in full size
# takes a minute of one thread for a thousand rows; the last are for more rows than the study has.
_LEFT_OUT = ("cnn", "whitened_cnn", "residual_cnn", "text_embedding", "text_convolution",
             "hist_quick", "hist_small", "hist_tiny", "rule_list", "tabm", "lightgbm_large_quick",
             "xgboost_quick", "extra_trees_few", "lightgbm_huge")


def candidates(task: str) -> dict[str, Configuration]:
    """The configurations that the study knows, by name, those of the task only."""
    return {name: found for name, found in configurations().items()
            if name not in _LEFT_OUT and _for(found, task)}


def _for(found: Configuration, task: str) -> bool:
    return found.task in (None, task) and task in found.make().tasks


def folder() -> Path:
    """Where answers are kept: PORTFOLIO_CACHE, or a folder in the user's cache."""
    return Path(os.environ.get("PORTFOLIO_CACHE", "~/.cache/wholefit-portfolio")).expanduser()


def path(table: Table, name: str, found: Configuration) -> Path:
    """A cell's file; other parameters, rows, folds or seed have another."""
    said = json.dumps([found.model, dict(found.params), table.most, FOLDS, SEED], sort_keys=True)
    mark = hashlib.sha256(said.encode()).hexdigest()[:10]
    return folder() / table.name / f"{name}-{mark}.npz"


def fill(tables: Iterable[Table], minutes: float, later: bool = False) -> None:
    """Cross-validate what is missing, table by table, and stop when the minutes are over.

    `later` takes up what a first run leaves, the dear configurations of `LATER`.
    """
    end = time.monotonic() + 60 * minutes
    pace: dict[str, float] = {}
    for table in tables:
        wanted = {name: found for name, found in candidates(table.task).items()
                  if (later or name not in LATER) and not path(table, name, found).exists()}
        if not wanted:
            continue
        prepared = Prepared(table)
        _keep_truth(table, prepared)
        for name, found in wanted.items():
            if time.monotonic() > end:
                return
            cell = _cell(prepared, name, found, table, pace)
            print(f"{table.name:20} {name:22} {cell.seconds:7.1f} s"
                  f"{'  too dear' if cell.dear else ''}", file=sys.stderr, flush=True)


def _cell(
    prepared: Prepared, name: str, found: Configuration, table: Table, pace: dict[str, float]
) -> Cell:
    size = len(prepared.y) * (prepared.columns + 5) * max(1, prepared.classes - 1)
    expected = pace.get(name, 0.0) * size
    refused = found.refused(table.task, len(prepared.y), prepared.columns, prepared.classes)
    if expected > FOLDS * MOST_SECONDS or refused is not None:
        cell = Cell(np.zeros(0), expected, dear=True)
    else:
        cell = prepared.cell(found.make())
        rate = cell.seconds / size
        # The mean on a log scale: one odd table must not bar the next ones.
        pace[name] = float(np.sqrt(pace.get(name, rate) * rate))
    cell.save(path(table, name, found))
    return cell


def _keep_truth(table: Table, prepared: Prepared) -> None:
    place = folder() / table.name / f"truth-{table.most}.npz"
    place.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(place, y=prepared.y, fold=prepared.fold, dummy=dummy(prepared),
                        classes=prepared.classes, columns=prepared.columns)


def truth(table: Table) -> dict[str, np.ndarray]:
    """y (rows,), fold (rows,), the baseline's answers (rows,), classes and columns."""
    with np.load(folder() / table.name / f"truth-{table.most}.npz", allow_pickle=False) as kept:
        return dict(kept)
