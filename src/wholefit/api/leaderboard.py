"""The leaderboard: all models tried, as rows, as dicts, and as a plain table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, overload

from wholefit.base.wording import aligned
from wholefit.training import Entry


class Leaderboard(Sequence[Entry]):
    """Rows best first; models that were not finished come last, with the reason."""

    def __init__(self, entries: Sequence[Entry], metric: str) -> None:
        self._entries, self.metric = tuple(entries), metric

    @overload
    def __getitem__(self, at: int) -> Entry: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Entry]: ...
    def __getitem__(self, at: int | slice) -> Entry | Sequence[Entry]:
        return self._entries[at]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One flat dict a row: every metric as value, low and high."""
        return [_flat(entry) for entry in self._entries]

    def table(self, metrics: Sequence[str] | None = None) -> tuple[list[str], list[list[str]]]:
        """Header and rows of text; `metrics` are those shown, the first four if left out."""
        scored = next((entry for entry in self._entries if entry.scores), None)
        shown = list(metrics or (list(scored.scores)[:4] if scored else []))
        header = ["model", *shown, "fit s", "predict s/1k", ""]
        return header, [_cells(entry, shown) for entry in self._entries]

    def _repr_html_(self) -> str:
        from wholefit.report import notebook

        return notebook.board(self._entries, self.metric)

    def __str__(self) -> str:
        return "\n".join(aligned(*self.table()))

    __repr__ = __str__


def mark(entry: Entry) -> str:
    """What the last column says of a row."""
    if not entry.scores and entry.reason:
        return f"{entry.status}: {entry.reason}"
    words = ["best"] if entry.best else (["tied with the best"] if entry.tied else [])
    if entry.recommended:
        words.append("recommended")
    if entry.reason:  # a part of the folds; more clusters than were looked for
        words.append(entry.reason)
    return ", ".join(words)


def _cells(entry: Entry, shown: Sequence[str]) -> list[str]:
    if not entry.scores:
        return [entry.model, *("" for _ in shown), "", "", mark(entry)]
    values = [str(entry.scores[name]) if name in entry.scores else "–" for name in shown]
    return [entry.model, *values, _seconds(entry.fit_seconds), _seconds(entry.predict_seconds),
            mark(entry)]


def _seconds(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3g}" if value >= 100 else f"{value:.2g}"


def _flat(entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {"model": entry.model, "status": entry.status, "reason": entry.reason}
    for name, score in entry.scores.items():
        row |= {name: score.value, f"{name}_low": score.low, f"{name}_high": score.high}
    row |= {"fit_seconds": entry.fit_seconds, "predict_seconds": entry.predict_seconds,
            "folds": entry.folds, "tied": entry.tied, "best": entry.best,
            "recommended": entry.recommended}
    return row
