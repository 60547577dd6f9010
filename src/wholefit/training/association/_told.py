"""Everything that text and pages tell of baskets, as JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.params import Params
from wholefit.evaluation import Score
from wholefit.evaluation import association as measured
from wholefit.training.association import _facts as facts
from wholefit.training.association import _words as worded
from wholefit.training.association._layout import Layout
from wholefit.training.association._mine import Mined
from wholefit.training.association._read import Read
from wholefit.training.association._rules import Rules

# Rules told with all they have; rules compared by segment; points of the picture; courses.
_RULES, _COMPARED, _POINTS, _COURSES, _APART = 200, 500, 1000, 6, 60


def tell(data: Read, how: Layout, found: Mined, scores: dict[str, Score], options: Params,
         split: str) -> dict[str, Any]:
    """What is told of a fit."""
    rules = found.rules
    return {
        "layout": how.to_json(), "baskets": len(data.baskets), "items": len(data.names),
        "lines": len(data.baskets.item), "mean_size": _mean(data.baskets.sizes),
        "support": {"count": found.support.count, "why": found.support.why,
                    "share": found.support.count / max(len(data.baskets), 1)},
        "sets": [len(level) for level in found.found.levels],
        "tests": found.searched.total, "made": found.searched.rules,
        "significant": found.significant, "plainly": found.plainly, "kept": len(rules),
        "options": {name: value for name, value in options.to_dict().items()
                    if value is not None},
        "value": _values(data), "top_items": _top(data),
        "rules": rows(rules.take(np.arange(min(len(rules), _RULES))), data, found),
        "points": _points(rules, data), "apart": _apart(rules, data, found, options),
        "course": _course(rules, data, found),
        "scores": {name: score.to_json() for name, score in scores.items()}, "split": split,
    }


def rows(rules: Rules, data: Read, found: Mined) -> list[dict[str, Any]]:
    """Each rule with its names, counts, measures, intervals, money and sentence."""
    cash = None if data.value is None else facts.money(rules, found.shelf, data.value)
    columns = table(rules, len(data.baskets))
    out = []
    for at in range(len(rules)):
        row: dict[str, Any] = {
            "antecedent": _names(rules.antecedent[at], data.names),
            "consequent": _names(rules.consequent[at], data.names),
            **{name: _plain(values[at]) for name, values in columns.items()}}
        if cash is not None:
            row |= {"value": _plain(cash.value[at]), "value_low": _plain(cash.low[at]),
                    "value_high": _plain(cash.high[at]), "total": _plain(cash.total[at]),
                    "value_without": _plain(cash.without[at])}
        if data.price is not None:
            items = rules.consequent[at][rules.consequent[at] >= 0]
            row["price"] = _plain(float(data.price[items].sum()))
        row |= {"said": worded.sentence(row), "action": worded.action(row),
                "trial": worded.trial(row)}
        out.append(row)
    return out


def table(rules: Rules, baskets: int) -> dict[str, np.ndarray]:
    """Counts, measures with intervals, and tests of rules, each (rules,).

    `strength` is how many times as often Y comes with X as baskets of that size hold it by
    chance, with the interval of the confidence over what chance makes.
    """
    measures = measured.measures(baskets, rules.x, rules.y, rules.both)
    support = measured.wilson(rules.both, np.full(len(rules), baskets))
    confidence = measured.wilson(rules.both, rules.x)
    lift = measured.lift_interval(baskets, rules.x, rules.y, rules.both)
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = rules.expected / rules.x
        strength = [share / chance for share in (measures.confidence, *confidence)]
    return {
        "both": rules.both, "x": rules.x, "y": rules.y, "expected": rules.expected,
        "support": measures.support, "support_low": support[0], "support_high": support[1],
        "confidence": measures.confidence, "confidence_low": confidence[0],
        "confidence_high": confidence[1], "lift": measures.lift, "lift_low": lift[0],
        "lift_high": lift[1], "strength": strength[0], "strength_low": strength[1],
        "strength_high": strength[2], "leverage": measures.leverage,
        "conviction": measures.conviction, "p": rules.p, "p_adjusted": rules.adjusted,
    }


def _names(side: np.ndarray, names: list[str]) -> list[str]:
    return [names[item] for item in side if item >= 0]


def _plain(value: Any) -> Any:
    if isinstance(value, (np.integer, int)):
        return int(value)
    return facts.finite(float(value))


def _mean(sizes: np.ndarray) -> float:
    return float(sizes.mean()) if len(sizes) else 0.0


def _values(data: Read) -> dict[str, float] | None:
    """What all baskets are worth, with the interval of the mean."""
    if data.value is None or len(data.value) < 2:
        return None
    mean, error = float(data.value.mean()), float(data.value.std(ddof=1) / len(data.value) ** 0.5)
    reach = measured.normal(0.95) * error
    return {"mean": mean, "low": mean - reach, "high": mean + reach,
            "total": float(data.value.sum())}


def _top(data: Read, most: int = 20) -> list[list[Any]]:
    counts = data.baskets.counts()
    order = np.lexsort((np.arange(len(counts)), -counts))[:most]
    return [[data.names[item], int(counts[item])] for item in order]


def _points(rules: Rules, data: Read) -> list[list[Any]]:
    """(support, confidence, strength, words) of the first rules, for the picture."""
    some = rules.take(np.arange(min(len(rules), _POINTS)))
    columns = table(some, len(data.baskets))
    return [[round(float(columns["support"][at]), 6), round(float(columns["confidence"][at]), 4),
             _plain(round(float(columns["strength"][at]), 2)),
             worded.listed(_names(some.antecedent[at], data.names)) + " → "
             + worded.listed(_names(some.consequent[at], data.names))] for at in range(len(some))]


def _apart(rules: Rules, data: Read, found: Mined, options: Params) -> list[dict[str, Any]]:
    """Where and when rules differ: one entry a column of segments, and one for the season."""
    words = options.to_dict()
    alpha = words["alpha"] or 0.05
    ways = [(name, codes, levels) for name, (codes, levels) in data.segments.items()]
    if data.time is not None:
        season = facts.seasons(data.time, words["period"])
        ways += [season] if season is not None else []
    some = rules.take(np.arange(min(len(rules), _COMPARED)))
    return [_one_way(some, data, found, way, alpha) for way in ways if len(some)]


def _one_way(rules: Rules, data: Read, found: Mined, way: tuple[str, np.ndarray, list[str]],
             alpha: float) -> dict[str, Any]:
    name, codes, levels = way
    segments = facts.compared(codes, levels)
    out: dict[str, Any] = {"by": name, "segments": [levels[at] for at in segments],
                           "baskets": [int((codes == at).sum()) for at in segments],
                           "rules": len(rules), "rows": [], "found": 0, "tests": 0}
    if not segments:
        return out
    apart = facts.differing(rules, found.shelf, codes, segments, alpha)
    for at in range(min(len(apart.rule), _APART)):
        rule = int(apart.rule[at])
        row = {"antecedent": _names(rules.antecedent[rule], data.names),
               "consequent": _names(rules.consequent[rule], data.names), "by": name,
               "segment": levels[int(apart.segment[at])], "x": int(apart.x[at]),
               "both": int(apart.both[at]), "confidence": _plain(apart.confidence[at]),
               "elsewhere": _plain(apart.elsewhere[at]), "lift": _plain(apart.lift[at]),
               "p_adjusted": _plain(apart.p[at])}
        out["rows"].append({**row, "said": worded.differs(row)})
    return {**out, "found": len(apart.rule), "tests": apart.tests}


def _course(rules: Rules, data: Read, found: Mined) -> dict[str, Any] | None:
    """The first rules' confidence through the calendar."""
    if data.time is None or not len(rules):
        return None
    stretches = facts.calendar(data.time)
    if stretches is None:
        return None
    _, first = np.unique(rules.whole, axis=0, return_index=True)  # one direction of each set
    some = rules.take(np.sort(first)[:_COURSES])
    return {"names": stretches[1], "rules": [
        {"rule": worded.listed(_names(some.antecedent[at], data.names)) + " → "
         + worded.listed(_names(some.consequent[at], data.names)), "values": values}
        for at, values in enumerate(facts.course(some, found.shelf, stretches[0],
                                                 len(stretches[1])))]}
