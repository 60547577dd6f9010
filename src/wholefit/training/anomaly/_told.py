"""What a fit of anomalies tells: histogram, alarms over time, the strangest rows, agreement."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.data import Dataset
from wholefit.training.anomaly._judge import Judge, Verdict
from wholefit.training.anomaly._usual import number, shown
from wholefit.training.anomaly._windows import Cut, spans

_BINS = 48
_PERIODS = 60
SHOWN = 25


def histogram(scores: np.ndarray, threshold: float) -> dict[str, Any]:
    """Counts of scores in equal bins, with the threshold on an edge of view.

    The view ends at the 0.1% and 99.9% marks or the threshold; what lies beyond is in the end
    bins.
    """
    low, high = np.quantile(scores, [0.001, 0.999])
    low, high = min(low, threshold), max(high, threshold)
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high + 0.05 * (high - low), _BINS + 1)
    counts, _ = np.histogram(np.clip(scores, edges[0], edges[-1]), edges)
    return {"edges": [round(float(edge), 6) for edge in edges], "counts": counts.tolist(),
            "threshold": float(threshold)}


def over_time(dataset: Dataset, alarms: np.ndarray, known: np.ndarray) -> dict[str, Any] | None:
    """Rows and alarms in up to 60 stretches of equal time; None without a time column."""
    names = dataset.schema.having("time")
    if not names or names[0] not in dataset.frame.columns:
        return None
    times = dataset.times(names[0])
    ticks = times.astype(np.int64).astype(np.float64)
    ticks[np.isnat(times)] = np.nan
    dated = bool(np.isfinite(ticks).any())
    if not dated:
        ticks = dataset.numeric(names[0]).astype(np.float64)
    use = np.isfinite(ticks) & known
    if use.sum() < 2 or np.ptp(ticks[use]) == 0:
        return None
    edges = np.linspace(ticks[use].min(), ticks[use].max(), _PERIODS + 1)
    rows, _ = np.histogram(ticks[use], edges)
    hits, _ = np.histogram(ticks[use & alarms], edges)
    marks = [str(np.datetime64(int(edge), "us"))[:16] for edge in edges] if dated else \
        [number(float(edge)) for edge in edges]
    return {"marks": marks, "rows": rows.tolist(), "alarms": hits.tolist(), "dated": dated}


def top_rows(
    dataset: Dataset, judge: Judge, verdict: Verdict, scores: np.ndarray, threshold: float
) -> list[dict[str, Any]]:
    """The strangest rows: number, what names them, score, rank, whether they alarm, and why."""
    known = np.flatnonzero(np.isfinite(scores))
    rows = known[np.argsort(-scores[known], kind="stable")][:SHOWN]
    reasons = judge.reasons(dataset, verdict, rows)
    ranks = judge.ladder.rank(scores[rows])
    names = naming(dataset)
    part = dataset.take(rows)
    called = {name: words(part, name) for name in names}
    return [{"row": int(row) + 1, "named": {name: called[name][at] for name in names},
             "score": float(scores[row]), "rank": float(ranks[at]),
             "alarm": bool(scores[row] > threshold), "why": [r.to_json() for r in reasons[at]]}
            for at, row in enumerate(rows)]


def top_stretches(
    dataset: Dataset, judge: Judge, verdict: Verdict, scores: np.ndarray, threshold: float,
    most: int | None = SHOWN,
) -> list[dict[str, Any]]:
    """Alarmed stretches, strangest first: start, end, rows, what names them, score and why."""
    cut = verdict.cut
    assert cut is not None
    filled = np.where(np.isfinite(scores), scores, -np.inf)
    found = sorted(spans(cut, filled > threshold), key=lambda one: -float(filled[one[2]].max()))
    found = found[:most]
    worst = [int(which[np.argmax(filled[which])]) for _, _, which in found]
    reasons = judge.reasons(dataset, verdict, worst)
    return [stretch(dataset, cut, low, high) | {
        "score": float(filled[at]), "rank": float(judge.ladder.rank(filled[[at]])[0]),
        "alarm": True, "why": [r.to_json() for r in why]}
        for (low, high, _), at, why in zip(found, worst, reasons, strict=True)]


def stretch(dataset: Dataset, cut: Cut, low: int, high: int) -> dict[str, Any]:
    """From where to where a stretch goes: row numbers, and the names of its first and last row."""
    first, last = int(cut.order[low]), int(cut.order[high - 1])
    part = dataset.take(np.array([first, last]))
    names = naming(dataset)
    called = {name: words(part, name) for name in names}
    return {"row": first + 1, "until": last + 1, "rows": high - low,
            "named": {name: called[name][0] for name in names},
            "named_until": {name: called[name][1] for name in names}}


def naming(dataset: Dataset) -> list[str]:
    """Columns that name a row to a person: identifiers, group, time; those that are there."""
    roles = ("time", "group", "identifier")
    found = [name for role in roles for name in dataset.schema.having(role)]
    return [name for name in found if name in dataset.frame.columns][:4]


def words(dataset: Dataset, name: str) -> list[str]:
    """Cells of a column as short text."""
    column = dataset.frame.get_column(name).alias("column")
    return ["" if cell is None else shown(str(cell)) for cell in column.to_list()]


def agreement(scores: dict[str, np.ndarray], share: float, chosen: str) -> dict[str, Any] | None:
    """How far detectors agree: of each pair, the share of alarms in common, and rank correlation.

    None where there is one detector only.
    """
    names = [name for name in scores if name != chosen] + [chosen]
    if len(names) < 2:
        return None
    kept = np.all([np.isfinite(scores[name]) for name in names], axis=0)
    if kept.sum() < 20:
        return None
    top = max(1, round(share * int(kept.sum())))
    tops, ranks = {}, []
    for name in names:
        values = scores[name][kept]
        tops[name] = set(np.argsort(-values, kind="stable")[:top].tolist())
        ranks.append(np.argsort(np.argsort(values, kind="stable"), kind="stable"))
    common = [[len(tops[a] & tops[b]) / top for b in names] for a in names]
    return {"names": names, "top": top, "common": [[round(x, 3) for x in row] for row in common],
            "correlation": np.corrcoef(np.array(ranks)).round(3).tolist()}
