"""The models that were tried: a picture of their intervals, a table, and the metrics of one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from wholefit.evaluation import Score
from wholefit.report import _command, _facts, _svg, words
from wholefit.report._facts import Reported
from wholefit.report._html import Html, data, details, el, join, table
from wholefit.training import Entry

# Models far worse than the baseline would squeeze the rest of the picture to nothing.
_FAR = 3.0
_MOST = 100


def leaderboard(result: Reported) -> Html:
    """The picture of all intervals, and the table with every metric."""
    scored = [entry for entry in result.leaderboard if entry.scores]
    return join([
        el("p", _reading(result)), el("div", forest(result, scored)), _legend(),
        _table(result, scored), _unscored(result),
    ])


def forest(result: Reported, scored: Sequence[Entry]) -> Html:
    """Intervals of the metric that models are compared by, best first."""
    metric = result.leaderboard.metric
    best = next((entry for entry in scored if entry.best), None)
    at = _value(result, best)
    bars = [_bar(result, entry) for entry in scored[:_MOST]]
    values = "; ".join(f"{bar.name} {bar.said}" for bar in bars[:12])
    title = f"{words.pretty(metric)} of each model with its interval: {values}"
    return _svg.forest(bars, at, title, _limit(result, at))


def _reading(result: Reported) -> str:
    way = _facts.metric_of(result, result.leaderboard.metric)
    better = f" ({way.better} is better)" if way is not None else ""
    name = words.pretty(result.leaderboard.metric)
    return (f"Models are compared by {name}{better}, each on rows that it had not seen. A bar "
            "is the interval of one model alone; whether two models differ is judged row by "
            "row on the same rows, so bars may overlap and still differ.")


def _bar(result: Reported, entry: Entry) -> _svg.Bar:
    score = _facts.main_score(result, entry)
    kind = "chosen" if entry.recommended else ("tied" if entry.tied or entry.best else "other")
    if score is None:
        return _svg.Bar(entry.model, "not scored", math.nan, math.nan, math.nan, kind)
    interval = words.span(score)
    said = f"{words.value(score)} ({interval})" if interval else words.value(score)
    return _svg.Bar(entry.model, said, score.value, score.low, score.high, kind)


def _value(result: Reported, entry: Entry | None) -> float:
    score = _facts.main_score(result, entry) if entry is not None else None
    return score.value if score is not None else math.nan


def _limit(result: Reported, best: float) -> float | None:
    """How far from the best the picture reaches: three times as far as the baseline."""
    gap = abs(_value(result, _facts.baseline(result)) - best)
    return _FAR * gap if math.isfinite(gap) and gap > 0 else None


def _legend() -> Html:
    kinds = (("chosen", "recommended: refitted on all rows, and the one that answers"),
             ("tied", "statistically tied with the best"), ("other", "worse than the best"))
    items = (el("li", el("span", cls=f"key {kind}", aria_hidden="true"), said)
             for kind, said in kinds)
    rule = el("li", el("span", cls="key rule", aria_hidden="true"), "the best value")
    far = el("li", "◂ ▸ goes on beyond the picture")
    return el("ul", *items, rule, far, cls="legend")


def _table(result: Reported, scored: Sequence[Entry]) -> Html:
    shown = list(dict.fromkeys([result.leaderboard.metric,
                                *(name for entry in scored for name in entry.scores)]))
    main, *rest = map(words.pretty, shown)
    header = ["model", main, "difference from the best", *rest, "fit, s", "answer 1,000 rows, s"]
    rows = [_row(entry, shown) for entry in scored[:_MOST]]
    if len({entry.folds for entry in scored}) > 1:
        header.append("folds")
        rows = [[*row, entry.folds or "–"] for row, entry in zip(rows, scored, strict=False)]
    return join([table(header, rows, "Leaderboard: every model, every metric",
                       numbers=range(1, len(header)), cls="board"), _more(scored)])


def _more(entries: Sequence[Entry]) -> Html | None:
    """What a long list leaves out, said aloud."""
    rest = len(entries) - _MOST
    return el("p", f"And {rest:,} more models, which the model file holds.", cls="small") \
        if rest > 0 else None


def _row(entry: Entry, shown: Sequence[str]) -> list[Any]:
    marks = [("best" if entry.best else "tied" if entry.tied else None),
             ("recommended" if entry.recommended else None),
             (entry.reason or None if entry.status == "stopped" else None)]
    badges = [el("span", mark, cls="badge") for mark in marks if mark]
    spec = _command.spec(entry)
    named = join([data(entry.model), el("div", data(spec), cls="spec") if spec != entry.model
                  else None, el("div", join(badges, " ")) if badges else None])
    main, *rest = (score_cell(entry.scores.get(name)) for name in shown)
    return [named, main, _gap(entry.difference), *rest, _seconds(entry.fit_seconds),
            _seconds(entry.predict_seconds)]


def score_cell(score: Score | None) -> Any:
    """The value, with the interval below it."""
    if score is None:
        return "–"
    interval = words.span(score)
    return join([words.value(score), el("div", interval, cls="interval") if interval else None])


def _gap(difference: dict[str, Any] | None) -> Any:
    if difference is None or difference.get("value") is None:
        return "–"
    low, high = difference.get("low"), difference.get("high")
    p = difference.get("p")
    if low is None or high is None:
        return words.number(difference["value"], "+")
    said, least, most = words.alike((difference["value"], low, high), (high - low) / 2)
    chance = None if p is None else ("p < 0.0001" if p < 1e-4 else f"p = {p:.2g}")
    return join([said, *(el("div", part, cls="interval")
                         for part in (f"{least} to {most}", chance) if part)])


def _seconds(seconds: float) -> str:
    return "–" if math.isnan(seconds) else f"{seconds:.2g}"


def _unscored(result: Reported) -> Html | None:
    rest = [entry for entry in result.leaderboard if not entry.scores]
    if not rest:
        return None
    rows = [[data(entry.model), entry.status, data(entry.reason, 400)] for entry in rest[:_MOST]]
    shown = table(["model", "status", "why"], rows, "Models that were not scored, and why")
    return details(f"Not scored ({len(rest):,}): which, and why", shown, _more(rest), shown=True)


# ---- one model --------------------------------------------------------------------------


def scores(result: Reported) -> Html:
    """Every metric of the model that answers, with what each number means."""
    rows = [[words.pretty(name), score_cell(score), _meaning(result, name, score)]
            for name, score in result.scores.items()]
    hows = dict.fromkeys(part for score in result.scores.values() if _facts.known(score)
                         for part in score.how.split("; "))
    return join([
        el("p", f"All of them for {result.model}, on {result.score.n:,} rows that it had not seen."
           f"{_expected(result)}{_positive(result)}"),
        table(["metric", "value", "what it means"], rows, f"Metrics of {result.model}",
              numbers=(1,), cls="metrics"),
        el("p", f"How the intervals were made: {'; '.join(hows)}.", cls="small")
        if hows else None,
    ])


def _expected(result: Reported) -> str:
    """What the model that answers should reach, where that differs to the eye."""
    expected = result.expected
    if str(expected) == str(result.score):
        return ""
    return (f" They are those of the folds' models, each of which lacked the rows that it was "
            f"judged by; what answers should do better on new rows: "
            f"{words.pretty(expected.metric)} {expected}.")


def _positive(result: Reported) -> str:
    code = result.exhibits.get("positive")
    if code is None or len(result.classes or ()) != 2:
        return ""
    return f" The class called positive is {_facts.label(result, code)!r}."


def _meaning(result: Reported, name: str, score: Score) -> Html:
    way = _facts.metric_of(result, name)
    if not _facts.known(score):
        return el("span", data(score.how, 400))
    if way is None:
        return el("span", "a metric of your own.")
    said = way.words(score.value)
    return join([said[:1].upper() + said[1:],
                 el("div", f"{way.doc}; {way.unit}; {way.better} is better", cls="small")])
