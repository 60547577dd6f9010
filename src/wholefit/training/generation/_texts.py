"""Texts like those that were learnt from: which model foretells others best, and what it writes.

A fifth of the texts is set apart (at most `judged`), whole groups where groups are known; of few
but long texts, the last fifth of each. Every model learns on the others, is asked how surprising
those set apart are, and writes as many of its own. The one that answers then learns on all texts.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError, WholefitError, unknown
from wholefit.base.events import emit
from wholefit.base.optional import available
from wholefit.base.seeds import derive
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.data import Dataset
from wholefit.evaluation import Score
from wholefit.evaluation import generation as measures
from wholefit.models import Context, Model, make, scorer
from wholefit.models._kernels.writers import Writer
from wholefit.training.found import Common, Found, lineage
from wholefit.training.generation._texts_parts import PIECE, Texts, texts_of
from wholefit.training.generation._trials import (
    Options,
    Trial,
    labelled,
    metric_of,
    part,
    ranked,
)
from wholefit.training.record import Entry

METRICS = ("bits_per_character", "perplexity", "told_apart", "copied")
_DEFAULT = ("ngram_language_model", "language_model")
# Texts that are written to be compared: at most, where there is little time, and for a second of
# it; how many pieces a long one is cut into.
_WRITTEN, _FEW, _A_SECOND, _CUT = 300, 20, 20, 10
# Characters whose runs are known: at most, and for a second that is left; seconds below which
# nothing is begun.
_READ, _READ_A_SECOND, _LEAST, _LEAST_NETWORK = 20_000_000, 500_000, 1.0, 8.0
# Seconds that telling apart takes at most; the share of the time that models learn in.
_APART, _SHARE = 3.0, 0.4
_SHOWN, _SHOWN_LETTERS = 6, 400
# Share of texts set apart that were learnt from word for word, from which on it is said.
_REPEATED = 0.1
_NO_INPUT = ("identifier", "ignored", "constant", "group", "time", "weight")


def column_of(dataset: Dataset, options: Options) -> str | None:
    """The column of texts to learn from; None where rows are what is learnt."""
    names = [column.name for column in dataset.schema.columns]
    if options.text is not None:
        if options.text not in names:
            raise unknown("column", options.text, names)
        return options.text
    inputs = [column for column in dataset.schema.columns if column.role not in _NO_INPUT]
    if options.shape is None and len(inputs) == 1 and inputs[0].role == "text":
        return inputs[0].name
    return None


def fit(dataset: Dataset, column: str, task: Task, options: Options, common: Common) -> Found:
    """Judge the models, let the best learn on all texts. Raises as `generation.fit` does."""
    _check(dataset, options, common)
    metric = metric_of(common, "bits_per_character", METRICS)
    texts = texts_of(dataset, column, options, common.seed, common.clock.left())
    models = _models(common, metric)
    copies = _Copies(texts, common)
    trials: list[Trial] = []
    for at, (model, name) in enumerate(zip(models, labelled(models), strict=True)):
        emit("model_started", model=name)
        trials.append(_trial(model, name, task, texts, copies, common, trials, len(models) - at))
    trials = ranked(trials, metric)
    chosen = next(trial for trial in trials if trial.entry.recommended)
    final, read = _final(chosen, task, texts, common)
    assert final.state is not None
    told = _told(texts, chosen, final, read, copies)
    return Found(
        task=task, schema=dataset.schema, model={"name": final.model.name,
                                                 "params": final.model.to_dict()},
        metric=metric, leaderboard=tuple(trial.entry for trial in trials),
        states={"model": final.state}, told=told, split=texts.split,
        said=f"generation: texts like those of {column!r}, written by {final.model.name} after "
             f"reading {told['texts']:,}, {told['characters']:,} characters",
        warnings=_warnings(dataset, texts, chosen, final, told),
        lineage=lineage(dataset, final.model, options.to_dict(), common))


def _check(dataset: Dataset, options: Options, common: Common) -> None:
    if common.features:
        raise ParameterError("generation makes texts, not features; got features="
                             f"{common.features!r}: leave it out.")
    usual = Options()
    said = [f"{name}=" for name in ("shape", "useful_for", "near", "shown")
            if getattr(options, name) != getattr(usual, name)]
    if said:
        raise ParameterError("for rows and pictures alone: " + ", ".join(said) + "; texts are "
                             "learnt here: leave them out, or leave out text=.")
    if label := next(iter(dataset.schema.having("label")), None):
        raise ParameterError(f"texts are written under no label: leave out label={label!r}, and "
                             "fit on the rows of one label.")


def _models(common: Common, metric: str) -> list[Model]:
    """Those asked for, or those that can be had; ParameterError for one that writes no texts."""
    if common.models is None:
        return [make(name) for name in _DEFAULT if name != "language_model" or available("torch")]
    for model in common.models:
        if "text" not in getattr(model, "makes", ()):
            raise ParameterError(f"{model.name} writes no texts: choose of "
                                 f"{', '.join(_DEFAULT)}, or name the columns to make rows of by "
                                 "roles=.")
    if metric == "perplexity" and len({getattr(each, "tokens", "") for each in common.models}) > 1:
        raise ParameterError("perplexity is told per token, and these models have different "
                             "tokens: compare them by metric='bits_per_character'.")
    return list(common.models)


def _trial(
    model: Model, name: str, task: Task, texts: Texts, copies: _Copies, common: Common,
    before: Sequence[Trial], more: int,
) -> Trial:
    """Learn and judge one model, with as many to come as `more` says, itself included; a failure
    or a spent budget is a row of the board.
    """
    entry = Entry(name, model.to_dict())
    needed = _LEAST if model.requires is None else _LEAST_NETWORK
    if any(trial.state is not None for trial in before) and common.clock.left() < needed:
        return Trial(model, replace(entry, status="skipped", reason="the budget leaves it no time"))
    start = time.perf_counter()
    try:
        estimator, state = _learnt(model, texts.learn, task, common, share=_SHARE / more)
        spent = time.perf_counter() - start
        if not texts.held:
            return Trial(model, replace(entry, fit_seconds=spent), None, state, estimator)
        writer: Any = scorer(state)
        start = time.perf_counter()
        seed = derive(common.seed, "judge")
        made = written(writer, texts.held, seed, begun=texts.begun, seconds=common.clock.left())
        pace = 1000 * (time.perf_counter() - start) / len(made)
        known = None if common.clock.left() < _LEAST else copies.known
        scores = judged(writer, texts.held, made, known, seed=seed, left=common.clock.left())
    except WholefitError as error:
        if len(common.models or ()) == 1:
            raise
        return Trial(model, replace(entry, status="failed", reason=str(error)))
    return Trial(model, replace(entry, scores=scores, fit_seconds=spent, predict_seconds=pace,
                                folds=1), scores, state, estimator, made)


class _Copies:
    """The runs that stand in the texts learnt from, and the share of texts set apart that hold
    one: found once, when the first model is judged, in as many characters as there is time for.
    """

    def __init__(self, texts: Texts, common: Common) -> None:
        self._texts, self._common = texts, common

    @cached_property
    def known(self) -> measures.KnownRuns:
        """The runs."""
        left = self._common.clock.left()
        return measures.KnownRuns(self._texts.learn, most=int(min(_READ, _READ_A_SECOND * left)))

    @cached_property
    def held(self) -> float:
        """The share of texts set apart."""
        return self.known.copied([text[:PIECE] for text in self._texts.held]).value


def _learnt(
    model: Model, texts: Sequence[str], task: Task, common: Common, share: float
) -> tuple[Any, State]:
    context = Context(rows=len(texts), features=1, jobs=common.jobs,
                      seed=derive(common.seed, "generation", model.name))
    estimator = model.build(task, context)
    if hasattr(estimator, "clock"):
        estimator.clock = part(common, share)
    estimator = estimator.fit(texts)
    return estimator, model.state(estimator, task, context)


def written(
    writer: Writer, held: Sequence[str], seed: int, *, begun: bool = True,
    seconds: float = math.inf,
) -> list[str]:
    """Texts to be compared with those set apart, as many, at most 300 and what `seconds` allow;
    where those are pieces, pieces of longer ones, without the beginning.
    """
    count = int(min(len(held), _WRITTEN, max(_FEW, _A_SECOND * seconds)))
    seed = derive(seed, "written")
    if not begun:
        long = writer.sample(-(-count // _CUT), seed, length=PIECE * (_CUT + 1))
        pieces = [text[at:at + PIECE] for text in long
                  for at in range(PIECE, len(text) - PIECE + 1, PIECE)]
        if len(pieces) >= count // 2:
            return pieces[:count]
    return writer.sample(count, seed, length=PIECE)


def judged(
    writer: Writer, held: Sequence[str], made: Sequence[str] | None = None,
    learnt: measures.KnownRuns | None = None, *, seed: int = 0, left: float = math.inf,
) -> dict[str, Score]:
    """Every measure of a writer on texts set apart, and of what it wrote, None writes some; those
    that there are seconds `left` for.
    """
    nats, tokens = writer.nats(held)
    letters = np.array([len(text) for text in held])
    scores = {"bits_per_character": measures.bits_per_character(nats, letters, seed=seed),
              "perplexity": measures.perplexity(nats, tokens, seed=seed)}
    made = written(writer, held, seed) if made is None else made
    if min(len(made), len(held)) >= 10 and left > _APART:
        scores["told_apart"] = told_apart(held, made, seed)
    if learnt is not None and made:
        scores["copied"] = learnt.copied([text[:PIECE] for text in made], "made texts")
    return scores


def told_apart(held: Sequence[str], made: Sequence[str], seed: int) -> Score:
    """How well a linear model of runs of characters tells made texts from those set apart."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    real = [text[:PIECE] for text in held[:len(made)]]
    y = np.repeat([0, 1], [len(real), len(made)])
    X = HashingVectorizer(analyzer="char", ngram_range=(1, 5), n_features=2**15, lowercase=False
                          ).transform([*real, *(text[:PIECE] for text in made)])
    folds = StratifiedKFold(5, shuffle=True, random_state=seed % 2**31)
    chance = cross_val_predict(LogisticRegression(C=10.0, max_iter=300), X, y, cv=folds,
                               method="predict_proba")[:, 1]
    return measures.told_apart(chance, y, f"a linear model of runs of 1 to 5 characters of the "
                                          f"first {PIECE}, five folds")


def _final(
    chosen: Trial, task: Task, texts: Texts, common: Common
) -> tuple[Trial, Sequence[str]]:
    """The model learnt on all texts, and these; where the budget leaves no time for that, what was
    judged, and what that has read.
    """
    if not texts.held or common.clock.left() < 1.5 * chosen.entry.fit_seconds:
        return chosen, texts.learn
    estimator, state = _learnt(chosen.model, texts.all, task, common, share=0.9)
    return replace(chosen, estimator=estimator, state=state), texts.all


def _told(
    texts: Texts, chosen: Trial, final: Trial, read: Sequence[str], copies: _Copies
) -> dict[str, Any]:
    """Everything that text and pages tell."""
    made: Sequence[str] = chosen.made or ()
    return {
        "writes": texts.column, "texts": len(read), "characters": sum(map(len, read)),
        "made": [text[:_SHOWN_LETTERS] for text in made[:_SHOWN]],
        "copied_held": copies.held if "copied" in chosen.entry.scores else None,
        "by_frequency": _by_frequency(texts),
        "history": [{name: float(value) for name, value in row.items()
                     if isinstance(value, (int, float)) and np.isfinite(value)}
                    for row in getattr(final.estimator, "history_", ())][:200],
        "keeps_texts": bool(getattr(final.model, "keeps_rows", False)),
    }


def _by_frequency(texts: Texts) -> float | None:
    """Bits a character of the texts set apart for one who knows how frequent each is, no more."""
    if not texts.held:
        return None
    seen, asked = Counter("".join(texts.learn)), Counter("".join(texts.held))
    whole = sum(seen.values()) + len(seen) + 1
    bits = -sum(n * math.log2((seen[sign] + 1) / whole) for sign, n in asked.items())
    return float(bits / max(sum(asked.values()), 1))


def _warnings(
    dataset: Dataset, texts: Texts, chosen: Trial, final: Trial, told: dict[str, Any]
) -> tuple[str, ...]:
    """What should be known before made texts are used."""
    out = list(getattr(final.estimator, "warnings_", ()))
    left = [column.name for column in dataset.schema.columns
            if column.name != texts.column and column.role not in ("ignored", "group")]
    if left:
        out.append(f"only {texts.column!r} is learnt; the other columns are left out: "
                   f"{', '.join(left[:5])}{' and more' if len(left) > 5 else ''}")
    if texts.empty:
        out.append(f"{texts.empty:,} rows hold no text and are left out")
    if told["keeps_texts"]:
        out.append(f"runs of the texts that it learnt from are kept by {final.model.name}: what "
                   "it writes is not private, nor is the model file")
    if not texts.held:
        out.append("nothing could be judged: there are too few texts to set some apart")
        return tuple(out)
    if final is chosen:
        out.append("the budget left no time to learn from the texts set apart too")
    if texts.known > _REPEATED:
        out.append(f"{texts.known:.0%} of the texts set apart stand word for word among those "
                   "learnt from: the scores tell little of texts that are new")
    copied, own = chosen.entry.scores.get("copied"), told["copied_held"] or 0.0
    if copied is not None and copied.low > 0.01 and copied.low > 1.5 * own:
        out.append(f"{copied.value:.0%} of made texts hold a long run of characters of a text "
                   f"learnt from (of texts set apart {own:.0%} do): it has partly learnt them by "
                   "heart")
    score = chosen.entry.scores.get("told_apart")
    if score is not None and score.low > 0.9:
        out.append(f"made texts are easily told from real ones (AUC {score})")
    return tuple(out)
