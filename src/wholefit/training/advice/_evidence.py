"""The evidence: facts of a fit, and what was measured of it since."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wholefit.data.findings import Finding
from wholefit.data.schema import Schema
from wholefit.evaluation import Score
from wholefit.evaluation.fairness import Audit
from wholefit.training.cures import Cures
from wholefit.training.curves import LearningCurve
from wholefit.training.progress import Progress
from wholefit.training.record import Entry


@dataclass(frozen=True)
class Evidence:
    """Facts of one fit, in the words of its record.

    `supports` are rows of each class and `recalls` (value, low, high) of each, where the record
    has them. `own` is the main metric on rows that the model learnt from, and `together` the two
    numeric columns most correlated in them with their correlation; None where no such rows were
    given. `cures`, `curve` and `audit` are records made of the same model, where there are any.
    """

    task: str
    target: str
    metric: str
    better: str
    baseline: str
    model: str
    params: Mapping[str, Any]
    rows: int
    features: int
    schema: Schema
    entries: tuple[Entry, ...]
    lineage: Mapping[str, Any]
    split: str
    classes: tuple[str, ...]
    supports: tuple[int, ...]
    recalls: tuple[tuple[float, float, float], ...]
    decided: bool
    findings: tuple[Finding, ...]
    own: Score | None = None
    together: tuple[str, str, float] | None = None
    cures: Cures | None = None
    curve: LearningCurve | None = None
    audit: Audit | None = None

    @property
    def progress(self) -> Progress | None:
        """What the later half of a search's models added; None where it was not recorded."""
        stored = self.lineage.get("progress")
        return None if not isinstance(stored, Mapping) else Progress.from_json(stored)

    @property
    def chosen(self) -> Entry:
        """The leaderboard row of the model that answers."""
        return next(entry for entry in self.entries if entry.recommended)

    @property
    def done(self) -> tuple[Entry, ...]:
        """Rows of models that were scored, the baseline apart."""
        return tuple(entry for entry in self.entries
                     if entry.status == "ok" and entry.scores and family(entry) != self.baseline)

    @property
    def cut(self) -> tuple[Entry, ...]:
        """Rows of models that the budget cut short or left no time for, the baseline apart."""
        return tuple(entry for entry in self.entries if entry.status in ("stopped", "skipped")
                     and family(entry) != self.baseline)

    @property
    def score(self) -> Score:
        """The main metric of the model that answers, on rows it had not seen."""
        return self.chosen.scores[self.metric]

    @property
    def rare(self) -> tuple[str, float, int] | None:
        """The rarer of two classes, its share and its code; None otherwise."""
        if len(self.supports) != 2 or not sum(self.supports):
            return None
        code = min((0, 1), key=lambda at: self.supports[at])
        return self.classes[code], self.supports[code] / sum(self.supports), code

    @property
    def verdict(self) -> Any:
        """The measured verdict on over- and underfitting, if there is one."""
        if self.cures is not None:
            return self.cures.verdict
        return None if self.curve is None else self.curve.verdict

    @property
    def gap(self) -> float:
        """How much better the model is on its own rows than on others; NaN if not known."""
        if self.own is None or not (math.isfinite(self.own.value)
                                    and math.isfinite(self.score.value)):
            return math.nan
        sign = 1 if self.better == "higher" else -1
        return sign * (self.own.value - self.score.value)


def family(entry: Entry) -> str:
    """The catalog's name of an entry's model: "knn" of "knn_2"."""
    name = entry.model.partition(",")[0]
    head, _, tail = name.rpartition("_")
    return head if head and tail.isdigit() else name
