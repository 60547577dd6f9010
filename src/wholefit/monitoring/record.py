"""What was found: each check of each window, and all of them together."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from wholefit.base.wording import counted, plain
from wholefit.monitoring import _prometheus
from wholefit.monitoring.options import Options
from wholefit.monitoring.windows import Window

# What each kind of check asks, in the order in which they are told.
KINDS = {
    "quality": "do rows keep what the model file says of them?",
    "input": "is each column distributed as in the reference?",
    "missing": "are as many cells missing?",
    "together": "can a model tell the rows from the reference's?",
    "anomalies": "are more rows strange?",
    "prediction": "does it answer the same as often?",
    "confidence": "is it as sure?",
    "unsure": "are as many answers low in confidence?",
    "score": "is it as good, by the truths that came?",
    "estimate": "is it as good, estimated without truths?",
    "concept": "do the truths that came keep what its confidence promised?",
    "slice": "is it as good on each part?",
    "fairness": "do groups get the outcome as before, beside each other?",
    "latency": "does it answer as fast?",
}
# Alarms of one kind that a sentence tells, at most.
_TOLD = 3


@dataclass(frozen=True)
class Check:
    """One question asked of one window.

    `kind` is one of `KINDS`, `what` a column, a metric or a part; `value` with its interval is
    what was measured, `before` the same of the reference; `distance` how far they are apart and
    `p` the chance of that in a stable window, `p_adjusted` corrected for all checks of the window.
    `verdict`: "alarm" (certain, and large enough to matter: `matters`), "slight" (certain, too
    small), "none", "not judged"; `said` tells it in words.
    """

    kind: str
    what: str
    said: str
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    before: float = math.nan
    distance: float = math.nan
    p: float = math.nan
    matters: bool = True
    p_adjusted: float = math.nan
    verdict: str = "none"
    window: int = -1

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; a number that is not known is null."""
        found: dict[str, Any] = plain(asdict(self))
        return found


@dataclass(frozen=True)
class Judged:
    """A window, the level that it was judged at, and its checks; `labels` truths had come."""

    window: Window
    level: float
    checks: tuple[Check, ...]
    labels: int = 0

    @property
    def alarms(self) -> tuple[Check, ...]:
        """What is certain and large enough to matter."""
        return tuple(check for check in self.checks if check.verdict == "alarm")

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**self.window.to_json(), "level": self.level, "labels": self.labels,
                "checks": [check.to_json() for check in self.checks]}


@dataclass(frozen=True)
class Monitored:
    """A log judged window by window.

    `reference` says what windows were compared with, `notes` what could not be judged and why,
    `rows` counts the answers that were read, `since` the first window of the log that is told.
    """

    model: str
    version: str
    task: str
    log: str
    rows: int
    reference: str
    windows: tuple[Judged, ...]
    options: Options
    notes: tuple[str, ...] = ()

    @property
    def alarms(self) -> tuple[Check, ...]:
        """Every alarm, that of the oldest window first."""
        return tuple(check for judged in self.windows for check in judged.alarms)

    @property
    def ok(self) -> bool:
        """True if no window alarms."""
        return not self.alarms

    def series(self, kind: str, what: str | None = None) -> list[Check]:
        """One kind of check over all windows, of one column, metric or part, or of any."""
        return [check for judged in self.windows for check in judged.checks
                if check.kind == kind and what in (None, check.what)]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Every alarm in words, one sentence for each kind in each window."""
        return tuple(f"{when(judged.window)}: {kind}: {_together(found)}"
                     for judged in self.windows for kind in KINDS
                     if (found := [check for check in judged.alarms if check.kind == kind]))

    @property
    def said(self) -> str:
        """The outcome in one sentence."""
        held = {"ever": "the chance of any false alarm, however long it is watched,",
                "window": "the share of stable windows that alarm",
                "discovery": "the share of false ones among the windows that alarm"}
        bad = sum(bool(judged.alarms) for judged in self.windows)
        return (f"{counted(len(self.alarms), 'alarm')} in {bad:,} of "
                f"{counted(len(self.windows), 'window')} of {self.model} version {self.version} "
                f"({counted(self.rows, 'answer')} in {self.log}), compared with {self.reference}; "
                f"{held[self.options.control]} is at most {self.options.level:g}.")

    def to_text(self) -> str:
        """The sentence, each alarm, the newest window, and what could not be judged."""
        lines = [self.said, *(f"ALARM {each}" for each in self.sentences)]
        if self.windows:
            lines += ["", *self._newest()]
        lines += ["", *(f"Note: {note}" for note in self.notes)] if self.notes else []
        return "\n".join(lines)

    def _newest(self) -> list[str]:
        judged = self.windows[-1]
        shown = [check for check in judged.checks if check.verdict == "slight"
                 or (check.kind in ("score", "estimate", "together", "anomalies")
                     and check.verdict != "alarm")
                 or (check.kind == "latency" and check.what == "0.95")]
        rest = len(judged.checks) - len(shown) - len(judged.alarms)
        return [f"The newest window, {when(judged.window)}: {judged.window.rows:,} rows, "
                f"{judged.labels:,} truths.",
                *(f"  {check.kind} {check.what}: {check.said} ({check.verdict})"
                  for check in shown),
                *([f"  {counted(rest, 'other check')}: nothing to tell"] if rest else [])]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"ok": self.ok, "model": self.model, "version": self.version, "task": self.task,
                "log": self.log, "rows": self.rows, "reference": self.reference,
                "alarms": [check.to_json() for check in self.alarms],
                "windows": [judged.to_json() for judged in self.windows],
                "options": {name: list(value) if isinstance(value, tuple) else value
                            for name, value in self.options.to_dict().items()},
                "notes": list(self.notes)}

    def to_prometheus(self) -> str:
        """The newest window in Prometheus's text format, to be scraped or pushed."""
        return _prometheus.text(self)

    def __str__(self) -> str:
        return self.to_text()


def _together(found: list[Check]) -> str:
    """Alarms of one kind in a sentence, the farthest first."""
    first = sorted(found, key=lambda check: -check.distance)[:_TOLD]
    more = len(found) - len(first)
    return "; ".join(f"{check.what}: {check.said}" for check in first) + (
        f"; and {more:,} more" if more else "")


def when(window: Window) -> str:
    """When a window was, in words: "2026-01-31 18:00 to 20:30"."""
    start, end = (datetime.fromtimestamp(at, UTC) for at in (window.start, window.end))
    if end.date() == start.date():
        return f"{start:%Y-%m-%d %H:%M} to {end:%H:%M}"
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
