"""A trace: what a run left, as far as it is still known, so that two of them can be compared.

A run at hand has all: answers, states. A saved model has the states, and prints of the answers. A
run file has prints alone, which say whether two things are equal, but not by how much they differ.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.base.wording import plain
from wholefit.training.fitted import Fitted
from wholefit.training.record import Entry, Run
from wholefit.training.replaying import prints, script
from wholefit.training.replaying.asked import Asked
from wholefit.training.replaying.script import Script

Numbers = Sequence[float | None]


@dataclass(frozen=True)
class Trace:
    """What was asked, the script, and what came of it.

    `data` holds the rows' number and hash, `columns` each column's role, `scores` by label and
    metric the value and its interval, `answers` a print of each model's answers to unseen rows,
    `parts` one of each part of what was fitted. `oof` and `states` are the things themselves,
    where they are at hand.
    """

    asked: Asked
    script: Script
    lineage: Mapping[str, Any]
    data: Mapping[str, Any]
    columns: Mapping[str, str]
    split: str
    metric: str
    scores: Mapping[str, Mapping[str, Numbers]]
    answers: Mapping[str, str]
    parts: Mapping[str, str]
    decision: Any = None
    oof: Mapping[str, np.ndarray] = field(default_factory=dict)
    states: Mapping[str, State] = field(default_factory=dict)


def of_run(run: Run, asked: Asked) -> Trace:
    """The trace of a run at hand."""
    return dataclasses.replace(
        of_saved(run.fitted, run.lineage, run.leaderboard, run.metric, run.split, asked,
                 answers_of(run)), oof=run.oof)


def answers_of(run: Run) -> dict[str, str]:
    """A print of every model's answers to unseen rows: what a model file keeps of them."""
    return {label: prints.of_array(answer) for label, answer in run.oof.items()}


def of_saved(
    fitted: Fitted, lineage: Mapping[str, Any], entries: Sequence[Entry], metric: str, split: str,
    asked: Asked, answers: Mapping[str, str],
) -> Trace:
    """The trace of a saved model; StateError if it has no stored form."""
    chosen = next(entry.model for entry in entries if entry.recommended)
    found = script.of_run(lineage.get("schedule", ()), entries, chosen,
                          lineage.get("decided"), asked.live)
    try:
        states = fitted.states()
    except StateError:  # a user's own class without state: its answers are compared, it is not
        states = {}
    return Trace(
        asked=asked, script=found, lineage=lineage,
        data={"source": lineage.get("source", ""), "rows": lineage.get("rows"),
              "hash": lineage.get("data_hash", "")},
        columns={column.name: column.role for column in fitted.schema.columns},
        split=split, metric=metric, scores=scores_of(entries), answers=dict(answers),
        parts=prints.of_states(states),
        decision=fitted.decision.to_json() if fitted.decision else None, states=states)


def scores_of(entries: Sequence[Entry]) -> dict[str, dict[str, Numbers]]:
    """By label and metric: the value and its interval, null where there is none."""
    return {entry.model: {name: plain([float(score.value), float(score.low), float(score.high)])
                          for name, score in entry.scores.items()}
            for entry in entries if entry.scores}
