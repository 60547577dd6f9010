"""What a run leaves behind: plain records that `api.Result` wraps and an artifact keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from wholefit.base.stored import typed
from wholefit.base.tasks import Codec, Task
from wholefit.data.findings import Finding
from wholefit.evaluation import Score
from wholefit.models import Model
from wholefit.training.fitted import Fitted

if TYPE_CHECKING:
    from wholefit.training.imbalance import Held, Imbalance


@dataclass(frozen=True)
class Entry:
    """One row of the leaderboard.

    `status` is "ok", "failed", "skipped" or "stopped"; `reason` says why when not "ok".
    `fit_seconds` and `predict_seconds` are means over folds; the latter for 1,000 rows.
    `tied` marks models statistically tied with the best; `folds` counts the folds finished.
    `peak` is the most bytes it held above the start of the process that fitted it, 0 where that
    was not watched.
    """

    model: str
    params: dict[str, Any]
    status: str = "ok"
    reason: str = ""
    scores: dict[str, Score] = field(default_factory=dict)
    fit_seconds: float = float("nan")
    predict_seconds: float = float("nan")
    folds: int = 0
    difference: dict[str, Any] | None = None
    tied: bool = False
    best: bool = False
    recommended: bool = False
    traceback: str = ""
    peak: int = 0

    def to_json(self) -> dict[str, Any]:
        """JSON-able form, without the traceback."""
        kept = {name: getattr(self, name) for name in (
            "model", "params", "status", "reason", "folds", "difference", "tied", "best",
            "recommended", "peak")}
        times = {name: _number(getattr(self, name)) for name in ("fit_seconds", "predict_seconds")}
        scores = {name: score.to_json() for name, score in self.scores.items()}
        return {**kept, **times, "scores": scores}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Entry:
        """Read back what `to_json` wrote."""
        values = dict(stored)
        values["scores"] = {n: Score.from_json(s) for n, s in stored["scores"].items()}
        for name in ("fit_seconds", "predict_seconds"):
            values[name] = float("nan") if stored[name] is None else stored[name]
        difference = stored["difference"] or {}
        numbers = [difference.get(name) for name in ("value", "low", "high", "p")]
        if not isinstance(difference, dict) or not all(
                number is None or isinstance(number, (int, float)) for number in numbers):
            raise TypeError("a difference on the leaderboard must be numbers")
        return typed(cls(**values))


def labels(candidates: Sequence[Model]) -> list[str]:
    """A distinct leaderboard name for each candidate: its own, numbered where they repeat."""
    seen: dict[str, int] = {}
    found = []
    for model in candidates:
        seen[model.name] = times = seen.get(model.name, 0) + 1
        found.append(model.name if times == 1 else f"{model.name}_{times}")
    return found


@dataclass
class Run:
    """A finished fit: the fitted thing, how it was chosen, and how it can be repeated.

    `oof` holds each model's out-of-fold answers, in the order of the rows learnt from, NaN
    where no fold answered a row; `truth` the encoded target of those rows. `held` says of each
    row in which fold it was held out; `imbalance` what was done about rare classes; `findings`
    what was found in the data before it was learnt from; `asked` the words of the fit, for a
    replay.
    """

    task: Task
    codec: Codec
    fitted: Fitted
    model: Model
    metric: str
    leaderboard: tuple[Entry, ...]
    split: str
    truth: np.ndarray
    oof: dict[str, np.ndarray]
    warnings: tuple[str, ...]
    lineage: dict[str, Any]
    held: Held | None = None
    imbalance: Imbalance | None = None
    findings: tuple[Finding, ...] = ()
    asked: Any = None

    def predicted(self, answer: np.ndarray) -> np.ndarray | None:
        """Classes decided for out-of-fold answers (n,); None where the most probable ones are."""
        if self.imbalance is None or self.held is None:
            return None
        codes = np.full(len(answer), -1, dtype=np.intp)
        seen = np.flatnonzero(np.isfinite(answer).all(axis=1))
        found = self.imbalance.of(self.model.name).predicted(self.held.take(seen), answer[seen])
        if found is None:
            return None
        codes[seen] = found
        return codes

    @property
    def chosen(self) -> Entry:
        """The leaderboard row of the model that was refitted on all rows."""
        return next(entry for entry in self.leaderboard if entry.recommended)


def _number(value: float) -> float | None:
    return None if value != value else float(value)
