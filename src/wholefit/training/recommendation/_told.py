"""What text and pages tell of a recommender: sizes, who is served how well, examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.data import Dataset
from wholefit.evaluation import recommendation as ranking
from wholefit.training.recommendation._board import Board
from wholefit.training.recommendation._engine import Engine
from wholefit.training.recommendation._judge import Measured, Trial
from wholefit.training.recommendation._split import Split

_SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)
_GROUPS, _EXAMPLES, _LISTED, _HAD = 4, 4, 5, 6


def told(
    dataset: Dataset, trial: Trial, options: Any, parts: Split, measured: Mapping[str, Measured],
    judged: Board, states: Mapping[str, State], said: str,
) -> dict[str, Any]:
    """Everything that a report draws, as JSON."""
    events = trial.events
    pairs = events.pairs
    per_user = np.bincount(pairs.users, minlength=pairs.n_users)
    having = np.bincount(pairs.items, minlength=pairs.n_items)
    facts: dict[str, Any] = {
        "feedback": "explicit" if events.explicit else "implicit", "said": said,
        "k": options.k, "again": options.again, "rows": len(events), "pairs": len(pairs),
        "users": int((per_user > 0).sum()), "items": int((having > 0).sum()),
        "catalogue": len(events.items), "all_users": len(events.users),
        "density": len(pairs) / max((per_user > 0).sum() * (having > 0).sum(), 1),
        "per_user": _quartiles(per_user[per_user > 0]),
        "per_item": _quartiles(having[having > 0]), "one_only": int((per_user == 1).sum()),
        "columns": {role: dataset.schema.having(role)[0]
                    for role in ("user", "item", "rating", "time", "amount")
                    if dataset.schema.having(role)},
        "guest": dataset.guest, "split": parts.kind, "lists": judged.lists, "rates": judged.rates,
        "scale": _scale(pairs) if events.explicit else None,
        "liked": trial.parts[0].liked if trial.parts and events.explicit else None,
        "asked": int(max((len(part.users) for part in trial.parts), default=0)),
    }
    if judged.lists in measured and measured[judged.lists].tops is not None:
        facts["curve"] = _curve(trial, measured[judged.lists])
        facts["groups"] = _groups(trial, measured, judged)
    facts |= _shown(Engine.of(states, facts), facts)
    return facts


def _quartiles(counts: np.ndarray) -> list[float]:
    """Least, quartiles and most."""
    return [float(value) for value in np.quantile(counts, [0, 0.25, 0.5, 0.75, 1])]


def _scale(pairs: Any) -> dict[str, Any]:
    values, counts = np.unique(pairs.values, return_counts=True)
    few = len(values) <= 20
    return {"low": float(values[0]), "high": float(values[-1]), "mean": float(pairs.values.mean()),
            "values": values.tolist() if few else [], "counts": counts.tolist() if few else []}


def _curve(trial: Trial, found: Measured) -> list[list[float]]:
    """Shares of the catalogue, most popular first; of all uses, and of all places in lists."""
    having = trial.parts[0].having
    order = np.argsort(-having, kind="stable")
    order = order[:int((having > 0).sum())]
    assert found.tops is not None
    listed = np.bincount(found.tops[found.tops >= 0], minlength=len(having))[order]
    used, placed = np.cumsum(having[order]), np.cumsum(listed)
    rows = []
    for share in _SHARES:
        at = round(share * len(order))
        rows.append([share, float(used[at - 1] / used[-1]) if at else 0.0,
                     float(placed[at - 1] / max(placed[-1], 1)) if at else 0.0])
    return rows


def _groups(trial: Trial, measured: Mapping[str, Measured], judged: Board) -> list[dict[str, Any]]:
    """How well lists serve users who have few and many things, and how well popular ones do."""
    metric = f"ndcg@{trial.k}"
    own = measured[judged.lists].values.get(metric)
    base = measured.get(trial.task.baseline)
    if own is None:
        return []
    learnt = trial.parts[0].learnt
    counts = np.bincount(learnt.users, minlength=learnt.n_users)
    judgedable = np.isfinite(own)
    cuts = np.unique(np.quantile(counts[judgedable], np.linspace(0, 1, _GROUPS + 1)))
    bins = np.clip(np.searchsorted(cuts, counts, side="right") - 1, 0, max(len(cuts) - 2, 0))
    rows = []
    for group in range(max(len(cuts) - 1, 1)):
        rowed = judgedable & (bins == group)
        if rowed.sum() < 2:
            continue
        score = ranking.mean(metric, own[rowed])
        row = {"low": int(counts[rowed].min()), "high": int(counts[rowed].max()),
               "users": int(rowed.sum()), "score": score.to_json()}
        if base is not None and base.values.get(metric) is not None:
            row["baseline"] = ranking.mean(metric, base.values[metric][rowed]).to_json()
        rows.append(row)
    return rows


def _shown(engine: Engine, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Examples: users of little to much activity with their lists and why, and items alike."""
    counts = np.diff(engine.seen.indptr)
    active = np.flatnonzero(counts)
    order = active[np.argsort(counts[active], kind="stable")]
    places = np.unique(np.linspace(0.1, 0.95, _EXAMPLES) * (len(order) - 1)).astype(int)
    codes = np.unique(order[places]) if len(order) else order
    codes = codes[np.argsort(counts[codes], kind="stable")]
    tops, scores = engine.lists(codes, min(_LISTED, facts["k"]), not facts["again"])
    examples = [_example(engine, int(code), top, score)
                for code, top, score in zip(codes, tops, scores, strict=True)]
    popular = np.argsort(-engine.having, kind="stable")[:3]
    return {"examples": examples,
            "alike": [each for each in (_alike(engine, int(code)) for code in popular) if each],
            "popular": [{"item": engine.named(int(code)), "users": int(engine.having[code])}
                        for code in np.argsort(-engine.having, kind="stable")[:5]]}


def _example(engine: Engine, code: int, top: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    had, values = engine.seen.of_user(code)
    order = np.lexsort((engine.rank[had], -values))[:_HAD]
    return {
        "user": engine.users.labels[code], "count": len(had),
        "had": [engine.named(int(had[at])) for at in order],
        "values": [float(values[at]) for at in order] if engine.seen.explicit else [],
        "gets": [{"item": engine.named(int(item)), "score": float(score),
                  "why": [engine.named(each) for each, _ in engine.why(code, int(item))]}
                 for item, score in zip(top.tolist(), scores.tolist(), strict=True) if item >= 0]}


def _alike(engine: Engine, code: int) -> dict[str, Any] | None:
    top, near = engine.best(np.where(engine.open, engine.near(code), -np.inf)[None, :], 3, None)
    pairs = [(int(item), float(value)) for item, value in zip(top[0], near[0], strict=True)
             if item >= 0 and value > 0]
    return {"item": engine.named(code), "near": [engine.named(item) for item, _ in pairs]} \
        if pairs else None
