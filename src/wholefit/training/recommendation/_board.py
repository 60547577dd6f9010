"""From what models were measured at to a leaderboard: ties, and which one answers what."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from wholefit import evaluation
from wholefit.base.errors import ParameterError, unknown
from wholefit.evaluation import Difference, Score
from wholefit.evaluation import recommendation as ranking
from wholefit.training import _judge
from wholefit.training.recommendation._judge import RATINGS, Measured, Trial, scores, truths
from wholefit.training.record import Entry

_COMPARED = ("ndcg", "recall", "map", "hit")
# The model of ratings that knows how high each user and item rates, and nothing else.
PLAIN = "bias"


@dataclass(frozen=True)
class Board:
    """The leaderboard, best first, and who does what.

    `chosen` answers by the metric that was compared; `lists` makes the lists and `rates` predicts
    ratings (None where none of the models does), each the cheapest tied with the best at that.
    """

    entries: tuple[Entry, ...]
    chosen: str
    lists: str
    rates: str | None
    metric: str
    warnings: tuple[str, ...]


def main_metric(asked: object, explicit: bool, k: int) -> str:
    """The metric that models are compared by: RMSE of ratings, NDCG@k of uses, or as asked."""
    if asked is None:
        return "rmse" if explicit else f"ndcg@{k}"
    known = [*(RATINGS if explicit else ()), *(f"{name}@{k}" for name in _COMPARED)]
    word = str(asked)
    word = f"{word}@{k}" if word in _COMPARED else word
    if word in RATINGS and not explicit:
        raise ParameterError(f"metric={word!r} needs ratings, and none are named; say one of "
                             f"{', '.join(known)}.")
    if word not in known:
        raise unknown("metric of recommendation", str(asked), known)
    return word


def board(trial: Trial, found: Mapping[str, Measured], asked: object) -> Board:
    """Score every model that was measured on all parts, and choose."""
    main = main_metric(asked, trial.events.explicit, trial.k)
    done = {label: each for label, each in found.items() if each.status == "ok"}
    scored = {label: scores(trial, each) for label, each in done.items()}
    # A model whose main score is undefined is shown, but compared with nobody.
    able = [label for label in done if _known(scored[label].get(main))]
    if not able:
        return _unjudged(found, main)
    ties = _ties(trial, {label: done[label] for label in able}, main)
    best = _best(ties, main)
    chosen = _cheapest(ties, best, done, _baseline(trial, main))
    at_lists = main if main not in RATINGS else f"ndcg@{trial.k}"
    at_ratings = main if main in RATINGS else "rmse"
    tied = [label for label in able if label == best or ties[label].better == "tied"]
    entries = [_entry(label, done[label], scored[label], ties.get(label), best, tied, chosen)
               for label in done]
    entries.sort(key=lambda entry: _rank(entry, main))
    rest = [_entry(label, each, {}, None, best, [], chosen)
            for label, each in found.items() if label not in done]
    return Board((*entries, *rest), chosen,
                 _other(trial, done, scored, at_lists, main, chosen) or chosen,
                 _other(trial, done, scored, at_ratings, main, chosen), main,
                 _warnings(trial, ties, best, found, main))


def _baseline(trial: Trial, metric: str) -> str:
    """Lists are held against popular items; ratings against the averages of users and items."""
    return PLAIN if metric in RATINGS else trial.task.baseline


def _known(score: Score | None) -> bool:
    return score is not None and math.isfinite(score.value)


def _ties(trial: Trial, found: Mapping[str, Measured], metric: str) -> dict[str, Difference]:
    if metric in RATINGS:
        truth, users = truths(trial)
        answers = {label: np.concatenate(each.predicted) for label, each in found.items()}
        units = users if np.ptp(users) > 0 else None
        return evaluation.ties("regression", metric, truth, answers, units=units,
                               seed=trial.common.seed)
    return ranking.ties(metric, {label: each.values[metric] for label, each in found.items()})


def _better(metric: str) -> str:
    return "lower" if metric in RATINGS else ranking.better(metric)


def _best(ties: Mapping[str, Difference], metric: str) -> str:
    sign = -1.0 if _better(metric) == "lower" else 1.0
    known = {label: diff.value for label, diff in ties.items() if math.isfinite(diff.value)}
    return max(known, key=lambda label: sign * known[label]) if known else next(iter(ties))


def _cheapest(
    ties: Mapping[str, Difference], best: str, found: Mapping[str, Measured], baseline: str
) -> str:
    """Of those tied with the best, and keeping its gain over the baseline, the least burden."""
    near = [label for label in ties if (label == best or ties[label].better == "tied")
            and _judge._keeps_the_gain(dict(ties), label, best, baseline)]
    return min(near, key=lambda label: (found[label].model.burden, label != best))


def _other(
    trial: Trial, done: Mapping[str, Measured], scored: Mapping[str, Mapping[str, Score]],
    metric: str, main: str, chosen: str,
) -> str | None:
    """Which model is the one to use by another metric than the main one; None if none can."""
    able = {label: each for label, each in done.items() if _known(scored[label].get(metric))}
    if metric == main:
        return chosen
    if not able:
        return None
    ties = _ties(trial, able, metric)
    return _cheapest(ties, _best(ties, metric), able, _baseline(trial, metric))


def _entry(
    label: str, found: Measured, scored: Mapping[str, Score], difference: Difference | None,
    best: str, tied: list[str], chosen: str,
) -> Entry:
    asked = sum(len(each) for each in found.predicted) if found.predicted else 0
    lists = int(max((each.sum() for each in found.times.values()), default=0))
    answered = sum(found.answer_seconds) / max(lists or asked, 1) * 1000
    return Entry(
        model=label, params=found.model.to_dict(), status=found.status, reason=found.reason,
        scores=dict(scored), folds=len(found.fit_seconds), traceback=found.traceback,
        fit_seconds=float(np.mean(found.fit_seconds)) if found.fit_seconds else math.nan,
        predict_seconds=answered if found.answer_seconds else math.nan,
        difference=None if difference is None or label == best else _judge._plain(difference),
        best=label == best, tied=label in tied and len(tied) > 1, recommended=label == chosen)


def _rank(entry: Entry, metric: str) -> tuple[bool, float]:
    score = entry.scores.get(metric)
    if score is None or not math.isfinite(score.value):
        return True, 0.0
    return False, score.value if _better(metric) == "lower" else -score.value


def _warnings(
    trial: Trial, ties: Mapping[str, Difference], best: str, found: Mapping[str, Measured],
    main: str,
) -> tuple[str, ...]:
    said = []
    baseline = _baseline(trial, main)
    if len(ties) > 1 and baseline in ties and (
            best == baseline or ties[baseline].better == "tied"):
        what = ("the averages of users and items" if baseline == PLAIN else
                "popularity, which gives everyone the same list")
        said.append(f"no model is significantly better than {what}: users may differ too little, "
                    "or too little is known of each.")
    failed = [label for label, each in found.items() if each.status == "failed"]
    if failed:
        said.append(f"failed and left out: {', '.join(failed)} (see the leaderboard's reason).")
    return tuple(said)


def _unjudged(found: Mapping[str, Measured], main: str) -> Board:
    """Nothing could be held out: the first model that was fitted answers, unscored."""
    usable = [label for label, each in found.items() if each.status == "ok"] or list(found)
    entries = tuple(replace(_entry(label, each, {}, None, "", [], usable[0]),
                            reason=each.reason or "not scored")
                    for label, each in found.items())
    return Board(entries, usable[0], usable[0], None, main,
                 ("nothing could be scored: no user has a held-out item to judge a list by.",))
