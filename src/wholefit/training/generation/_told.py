"""What is told of made rows: in sentences, as histograms, as sheets of pictures."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from wholefit.base.seeds import derive
from wholefit.data import Dataset, png
from wholefit.models import Model
from wholefit.training.found import Common
from wholefit.training.generation._columns import named
from wholefit.training.generation._judge import Plan, by_label
from wholefit.training.generation._trials import Options, Trial

_COLUMNS, _BINS, _LEVELS, _POINTS = 12, 16, 8, 80
_COPIES = 1.5
"""Made rows that equal learnt ones this many times as often as held-out ones do are copies."""


def told(
    plan: Plan, chosen: Trial, final: Trial, options: Options, common: Common
) -> dict[str, Any]:
    """Everything that text and pages tell."""
    judged, columns = chosen.judged, plan.columns
    found: dict[str, Any] = {
        "picture": None if columns.pixels is None else list(columns.pixels),
        "label": columns.label, "labels": [str(level) for level in columns.labels],
        "left_out": list(columns.left_out), "space": plan.space.name, "near": options.near,
        "marginals": [] if judged is None else [list(pair) for pair in judged.marginals],
        "copies": None if judged is None else judged.copies, "histograms": [], "sheets": {},
        "by_label": None, "history": _history(final), "keeps_rows": bool(
            getattr(final.model, "keeps_rows", False)),
        "codes": list(getattr(final.estimator, "said_", ())),
    }
    if chosen.made is None:
        return found
    held = plan.X[plan.held]
    if columns.pixels is not None:
        found["sheets"] = _sheets(plan, held, chosen.made, options.shown, common.seed)
        found["by_label"] = by_label(plan.space, plan.X[plan.learn], chosen.made,
                                     len(columns.labels), derive(common.seed, "labels"))
    else:
        found["histograms"] = _histograms(plan, held, chosen.made)
    return found


def _history(trial: Trial) -> list[dict[str, float]]:
    """At most `_POINTS` rows of a training's history, evenly drawn."""
    rows = list(getattr(trial.estimator, "history_", ()))
    some = np.linspace(0, max(len(rows) - 1, 0), min(len(rows), _POINTS)).astype(np.int64)
    return [{name: float(value) for name, value in rows[at].items()
             if isinstance(value, (int, float)) and np.isfinite(value)} for at in some]


def _sheets(
    plan: Plan, held: np.ndarray, made: np.ndarray, shown: int, seed: int
) -> dict[str, str]:
    """Sheets of real and of made pictures, as PNG in base64."""
    if not shown:
        return {}
    rng = np.random.default_rng(derive(seed, "sheets"))
    found = {}
    for name, rows in (("real", held), ("made", made)):
        some = np.sort(rng.permutation(len(rows))[:shown])
        pictures = pictures_of(plan.columns.pixels, rows[some], plan.space.first)
        small = max(pictures.shape[1:3])
        found[name] = base64.b64encode(png.encode(png.sheet(
            pictures, across=8, scale=max(1, 64 // small)))).decode()
    return found


def pictures_of(
    shape: tuple[int, int, int] | None, rows: np.ndarray, first: int
) -> np.ndarray:
    """Rows of pixels as uint8 (n, height, width, channels)."""
    assert shape is not None
    shades = np.clip(np.round(rows[:, first:]), 0, 255).astype(np.uint8)
    return shades.reshape(-1, *shape).transpose(0, 2, 3, 1)


def _histograms(plan: Plan, held: np.ndarray, made: np.ndarray) -> list[dict[str, Any]]:
    """Shares of held-out and of made cells in bins or levels, the first columns in order."""
    found = []
    for at, each in enumerate(plan.columns.order[:_COLUMNS]):
        real, new = held[:, at], made[:, at]
        if each.kind == "code":
            top = list(range(min(len(each.levels), _LEVELS)))
            names = [str(each.levels[code]) for code in top]
            shares = [[float((rows == code).mean()) for code in top] for rows in (real, new)]
        else:
            edges = _edges(real, new)
            names = [f"{low:.4g}" for low in edges[:-1]]
            shares = [[float(count) / max(len(rows), 1) for count in np.histogram(
                rows[~np.isnan(rows)], edges)[0]] for rows in (real, new)]
        found.append({"name": each.name, "kind": each.kind, "bins": names, "real": shares[0],
                      "made": shares[1]})
    return found


def _edges(real: np.ndarray, made: np.ndarray) -> np.ndarray:
    """Edges of bins between the first and the last hundredth of real cells."""
    seen = real[~np.isnan(real)]
    if not len(seen):
        seen = made[~np.isnan(made)]
    if not len(seen):
        return np.array([0.0, 1.0])
    low, high = np.quantile(seen, [0.01, 0.99])
    return np.linspace(low, high if high > low else low + 1, _BINS + 1)


def said(dataset: Dataset, plan: Plan, model: Model) -> str:
    """The task and how its data was understood, in a sentence."""
    columns = plan.columns
    if columns.pixels is not None:
        channels, high, wide = columns.pixels
        what = f"pictures of {high} x {wide}{' in colour' if channels == 3 else ''}"
    else:
        count = len(columns.order)
        what = f"rows of {count} column{'' if count == 1 else 's'}"
    under = f", each under its {columns.label!r}" if columns.label is not None else ""
    return f"generation: {what}{under}, made by {model.name} from {len(dataset):,} rows"


def warnings(
    plan: Plan, chosen: Trial, final: Trial, found: dict[str, Any]
) -> tuple[str, ...]:
    """What should be known before made rows are used."""
    out = list(getattr(final.estimator, "warnings_", ()))
    columns = plan.columns
    if columns.left_out:
        what = "free text, columns of over 1,000 levels and ignored ones" \
            if columns.pixels is None else "what is no pixel and no label"
        out.append(f"{named(columns.left_out)} {'is' if len(columns.left_out) == 1 else 'are'} "
                   f"not made: {what} cannot be")
    if found["keeps_rows"]:
        out.append(f"{final.model.name} keeps cells of the rows that it learnt from: what it makes "
                   "is not private, nor is the model file")
    if chosen.judged is None:
        out.append("nothing could be judged: there are too few rows to set some apart")
        return tuple(out)
    out += _memory(chosen)
    score = chosen.entry.scores.get("told_apart")
    if score is not None and score.low > 0.9:
        out.append(f"made rows are easily told from real ones (AUC {score}): use them for tests "
                   "and drafts, not in place of data")
    return tuple(out)


def _memory(chosen: Trial) -> list[str]:
    """Signs that rows were learnt by heart."""
    assert chosen.judged is not None
    copies, out = chosen.judged.copies or {"exact": 0.0, "exact_real": 0.0}, []
    near = chosen.judged.scores.get("nearer_training")
    if copies["exact"] > 0.01 and copies["exact"] > _COPIES * copies["exact_real"]:
        out.append(f"{copies['exact']:.1%} of made rows equal a row that was learnt from (of "
                   f"held-out rows {copies['exact_real']:.1%} do): it has learnt rows by heart")
    elif near is not None and (near.low > 0.55 or copies.get("distance", 1.0) < 0.3 * copies.get(
            "distance_real", 0.0)):
        out.append(f"made rows lie nearer to rows learnt from than to others ({near} of them, 0.5 "
                   "by chance): it has partly learnt rows by heart")
    return out
