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
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError, WholefitError, unknown
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
from wholefit.training.generation._trials import (
    JUDGED,
    Options,
    Trial,
    labelled,
    metric_of,
    part,
    parted,
    ranked,
)
from wholefit.training.record import Entry

METRICS = ("bits_per_character", "perplexity", "told_apart", "copied")
_DEFAULT = ("ngram_language_model", "language_model")
# Characters of a text that are compared with made ones, and of texts that are cut into pieces.
_PIECE = 300
# Characters of all texts set apart, and texts that are written to be compared.
_MOST, _WRITTEN = 200_000, 300
_SHOWN, _SHOWN_LETTERS = 6, 400
# Characters from which on the end of a text is set apart, and pieces of such ends at least.
_LONG, _PIECES = 1000, 10
# Copies of a text set apart are not learnt from while models are judged, if they are so long.
_OWN = 40
_NO_INPUT = ("identifier", "ignored", "constant", "group", "time", "weight")


@dataclass(frozen=True, eq=False)
class Texts:
    """All texts, those to learn on, those set apart, and how they were set apart."""

    column: str
    all: list[str]
    learn: list[str]
    held: list[str]
    split: str


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
    texts = _texts(dataset, column, options, common.seed)
    models = _models(common)
    trials: list[Trial] = []
    for model, name in zip(models, labelled(models), strict=True):
        emit("model_started", model=name)
        trials.append(_trial(model, name, task, texts, common, trials))
    trials = ranked(trials, metric)
    chosen = next(trial for trial in trials if trial.entry.recommended)
    final = _final(chosen, task, texts, common)
    assert final.state is not None
    told = _told(texts, chosen, final)
    return Found(
        task=task, schema=dataset.schema, model={"name": final.model.name,
                                                 "params": final.model.to_dict()},
        metric=metric, leaderboard=tuple(trial.entry for trial in trials),
        states={"model": final.state}, told=told, split=texts.split,
        said=f"generation: texts like those of {column!r}, written by {final.model.name} after "
             f"reading {len(texts.all):,}, {sum(map(len, texts.all)):,} characters",
        warnings=_warnings(dataset, texts, chosen, final),
        lineage=lineage(dataset, final.model, options.to_dict(), common))


def _check(dataset: Dataset, options: Options, common: Common) -> None:
    if common.features:
        raise ParameterError("generation makes texts, not features; got features="
                             f"{common.features!r}: leave it out.")
    if options.shape is not None or options.useful_for is not None:
        raise ParameterError("shape= and useful_for= are for rows; texts are learnt here: leave "
                             "them out, or leave out text=.")
    if label := next(iter(dataset.schema.having("label")), None):
        raise ParameterError(f"texts are written under no label: leave out label={label!r}, and "
                             "fit on the rows of one label.")


def _texts(dataset: Dataset, column: str, options: Options, seed: int) -> Texts:
    """The texts and their parts; an empty one is none."""
    cells = dataset.texts(column)
    whole = [text for text in cells if text]
    if sum(map(len, whole)) < 20:
        raise DataError(f"{column!r} holds {sum(map(len, whole)):,} characters: there is nothing "
                        "to learn to write from.")
    rows, held = parted(dataset, options, seed)
    if len(held):
        apart = [text for at in held if (text := cells[at])]
        asked = {text for text in apart if len(text) >= _OWN}
        learn = [text for at in rows if (text := cells[at]) and text not in asked]
        if len(learn) >= JUDGED and len(apart) >= JUDGED:
            return Texts(column, whole, learn, _at_most(apart, _MOST),
                         f"each model learnt from {len(learn):,} texts and was asked about "
                         f"{len(apart):,} others")
    return _tails(column, whole)


def _tails(column: str, whole: list[str]) -> Texts:
    """Of few long texts the last fifth, in pieces."""
    cuts = [len(text) - len(text) // 5 if len(text) >= _LONG else len(text) for text in whole]
    learn = [text[:cut] for text, cut in zip(whole, cuts, strict=True)]
    pieces = [text[at:at + _PIECE] for text, cut in zip(whole, cuts, strict=True)
              for at in range(cut, len(text) - _PIECE + 1, _PIECE)]
    if len(pieces) < _PIECES:
        return Texts(column, whole, whole, [],
                     "too few texts to set some apart: nothing could be judged")
    held = _at_most([pieces[int(at)] for at in np.linspace(
        0, len(pieces) - 1, min(len(pieces), _MOST // _PIECE))], _MOST)
    return Texts(column, whole, learn, held,
                 f"each model learnt from the first four fifths of {len(whole):,} texts and was "
                 f"asked about {len(held):,} pieces of {_PIECE} characters of the rest")


def _at_most(texts: Sequence[str], characters: int) -> list[str]:
    """The first texts that together have so many characters; the last of them may be cut."""
    found: list[str] = []
    for text in texts:
        if characters <= 0:
            break
        found.append(text[:characters])
        characters -= len(text)
    return found


def _models(common: Common) -> list[Model]:
    """Those asked for, or those that can be had; ParameterError for one that writes no texts."""
    if common.models is None:
        return [make(name) for name in _DEFAULT if name != "language_model" or available("torch")]
    for model in common.models:
        if "text" not in getattr(model, "makes", ()):
            raise ParameterError(f"{model.name} writes no texts: choose of "
                                 f"{', '.join(_DEFAULT)}, or name the columns to make rows of by "
                                 "roles=.")
    return list(common.models)


def _trial(
    model: Model, name: str, task: Task, texts: Texts, common: Common, before: Sequence[Trial],
) -> Trial:
    """Learn and judge one model; a failure or a spent budget is a row of the board."""
    entry = Entry(name, model.to_dict())
    if any(trial.state is not None for trial in before) and common.clock.left() <= 0:
        return Trial(model, replace(entry, status="skipped", reason="the budget was spent"))
    start = time.perf_counter()
    try:
        estimator, state = _learnt(model, texts.learn, task, common, share=0.5)
        spent = time.perf_counter() - start
        if not texts.held:
            return Trial(model, replace(entry, fit_seconds=spent), None, state, estimator)
        writer: Any = scorer(state)
        start = time.perf_counter()
        made = written(writer, texts.held, derive(common.seed, "judge"))
        pace = 1000 * (time.perf_counter() - start) / len(made)
        scores = judged(writer, texts.held, made, texts.learn, seed=derive(common.seed, "judge"))
    except WholefitError as error:
        if len(common.models or ()) == 1:
            raise
        return Trial(model, replace(entry, status="failed", reason=str(error)))
    return Trial(model, replace(entry, scores=scores, fit_seconds=spent, predict_seconds=pace,
                                folds=1), scores, state, estimator, made)


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


def written(writer: Writer, held: Sequence[str], seed: int) -> list[str]:
    """Texts to be compared with those set apart: as many, and cut where those are."""
    return writer.sample(min(len(held), _WRITTEN), derive(seed, "written"), length=_PIECE)


def judged(
    writer: Writer, held: Sequence[str], made: Sequence[str] | None = None,
    learnt: Sequence[str] = (), *, seed: int = 0,
) -> dict[str, Score]:
    """Every measure of a writer on texts set apart, and of what it wrote: None writes some."""
    held = _at_most(held, _MOST)
    nats, tokens = writer.nats(held)
    letters = np.array([len(text) for text in held])
    scores = {"bits_per_character": measures.bits_per_character(nats, letters, seed=seed),
              "perplexity": measures.perplexity(nats, tokens, seed=seed)}
    made = written(writer, held, seed) if made is None else made
    if len(made) >= 10:
        scores["told_apart"] = told_apart(held, made, seed)
    if learnt:
        scores["copied"] = measures.copied_runs(made, learnt, "made texts")
    return scores


def told_apart(held: Sequence[str], made: Sequence[str], seed: int) -> Score:
    """How well a linear model of runs of characters tells made texts from those set apart."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    real = [text[:_PIECE] for text in held[:len(made)]]
    y = np.repeat([0, 1], [len(real), len(made)])
    X = HashingVectorizer(analyzer="char", ngram_range=(1, 5), n_features=2**18, lowercase=False
                          ).transform([*real, *(text[:_PIECE] for text in made)])
    folds = StratifiedKFold(5, shuffle=True, random_state=seed % 2**31)
    chance = cross_val_predict(LogisticRegression(C=10.0, max_iter=300), X, y, cv=folds,
                               method="predict_proba")[:, 1]
    return measures.told_apart(chance, y, f"a linear model of runs of 1 to 5 characters of the "
                                          f"first {_PIECE}, five folds")


def _final(chosen: Trial, task: Task, texts: Texts, common: Common) -> Trial:
    """The model learnt on all texts; what was judged, where the budget leaves no time for that."""
    if not texts.held or common.clock.left() < 1.5 * chosen.entry.fit_seconds:
        return chosen
    estimator, state = _learnt(chosen.model, texts.all, task, common, share=0.9)
    return replace(chosen, estimator=estimator, state=state)


def _told(texts: Texts, chosen: Trial, final: Trial) -> dict[str, Any]:
    """Everything that text and pages tell."""
    made: Sequence[str] = chosen.made or ()
    own = measures.copied_runs(texts.held, texts.learn, "texts set apart") if texts.held else None
    return {
        "writes": texts.column, "texts": len(texts.all),
        "characters": sum(map(len, texts.all)),
        "made": [text[:_SHOWN_LETTERS] for text in made[:_SHOWN]],
        "copied_held": None if own is None else float(own.value),
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


def _warnings(dataset: Dataset, texts: Texts, chosen: Trial, final: Trial) -> tuple[str, ...]:
    """What should be known before made texts are used."""
    out = list(getattr(final.estimator, "warnings_", ()))
    left = [column.name for column in dataset.schema.columns
            if column.name != texts.column and column.role != "ignored"]
    if left:
        out.append(f"only {texts.column!r} is learnt; the other columns are left out: "
                   f"{', '.join(left[:5])}{' and more' if len(left) > 5 else ''}")
    if getattr(final.model, "keeps_rows", False):
        out.append(f"runs of the texts that it learnt from are kept by {final.model.name}: what "
                   "it writes is not private, nor is the model file")
    if chosen.judged is None:
        out.append("nothing could be judged: there are too few texts to set some apart")
        return tuple(out)
    copied, own = chosen.entry.scores.get("copied"), measures.copied_runs(texts.held, texts.learn)
    if copied is not None and copied.low > 0.01 and copied.low > 1.5 * own.value:
        out.append(f"{copied.value:.0%} of made texts hold a long run of characters of a text "
                   f"learnt from (of texts set apart {own.value:.0%} do): it has partly learnt "
                   "them by heart")
    score = chosen.entry.scores.get("told_apart")
    if score is not None and score.low > 0.9:
        out.append(f"made texts are easily told from real ones (AUC {score})")
    return tuple(out)
