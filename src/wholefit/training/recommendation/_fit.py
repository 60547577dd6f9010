"""Recommendation: from rows of who rated or used what to ratings expected and lists to offer."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit import models
from wholefit.base.errors import BudgetError, DataError, WholefitError
from wholefit.base.events import emit
from wholefit.base.params import Params, param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.base.wording import counted
from wholefit.data import Dataset, Note
from wholefit.models import Model
from wholefit.training import found as _found
from wholefit.training._search import candidates_by_label
from wholefit.training.found import Common, Found
from wholefit.training.recommendation import _judge as judging
from wholefit.training.recommendation._board import PLAIN, Board, board, main_metric
from wholefit.training.recommendation._data import Events, enough, read_events
from wholefit.training.recommendation._engine import Seen, open_state, titles_state
from wholefit.training.recommendation._judge import Measured, Trial, measure
from wholefit.training.recommendation._split import Split, split
from wholefit.training.recommendation._tables import Described, described, titles_of_rows
from wholefit.training.recommendation._told import told

# Sizes up to which a family that grows with the square of users or items is tried unasked.
_MANY_USERS, _MANY_ITEMS, _MANY_PAIRS = 2_000, 8_000, 300_000


@dataclass(frozen=True)
class Options(Params):
    """The words of recommendation."""

    k: int = param(10, "Length of a list.", low=1, high=1000)
    feedback: str | None = param(
        None, "What rows are: ratings, or uses that only say who met what; ratings where rating= "
        "names a column.", choices=("explicit", "implicit"), none=True)
    split: str | None = param(
        None, "What is held out to judge by: the last rows, an item of each user, or rows by "
        "chance; the last rows where time= names a column, else by chance.",
        choices=("time", "leave_one_out", "random"), none=True)
    share: float = param(0.2, "Share of rows held out by time, or of each user's uses by chance.",
                         above=0, below=1)
    parts: int = param(5, "Parts that ratings are dealt into, each held out in turn.", low=2,
                       high=100)
    liked: float | None = param(
        None, "Ratings from here on count as liked where lists are judged; the mean rating if left "
        "out.", none=True)
    again: bool = param(False, "Recommend also what a user has already: things bought again.")
    min_ratings: int = param(1, "Users of fewer rows are left out.", low=1)
    min_uses: int = param(1, "Items of fewer rows are left out.", low=1)
    items: object = param(None, "A table with a row an item: its attributes and text.", none=True)
    users: object = param(None, "A table with a row a user.", none=True)
    called: str | None = param(None, "Column of what items are called, in the table of items or in "
                               "the rows themselves.", none=True)
    asked: int = param(3000, "Users asked for lists in each part, at most; drawn by chance where "
                       "there are more.", low=1)


def fit(dataset: Dataset, task: Task, options: Options, common: Common) -> Found:
    """Try recommenders on held-out ratings or uses, choose, and fit the chosen on all rows.

    Raises DataError for rows that cannot be learnt from, BudgetError if no model was finished.
    """
    events, notes, said = read_events(dataset, options.feedback)
    events, more = enough(events, options.min_ratings, options.min_uses)
    tables, events, found = _tables(dataset, events, options)
    used = set(_columns(dataset)) | {None}
    notes = [*(note for note in dataset.notes if note.column in used), *notes, *more, *found]
    metric = main_metric(common.metric, events.explicit, options.k)
    titles = _titles(dataset, events, tables, options)
    parts = split(events, options.split, options.share, options.parts, common.seed,
                  again=options.again)
    trial = _trial(events, parts, task, options, common, tables)
    candidates = candidates_by_label(_candidates(events, tables, task, common.models))
    measured = _measure(trial, parts, candidates)
    judged = board(trial, measured, metric)
    states, judged, warnings = _refitted(trial, judged, candidates, tables, titles)
    facts = told(dataset, trial, options, parts, measured, judged, states, said)
    facts["params"] = {label: {"name": candidates[label].name,
                               "params": candidates[label].to_dict()}
                       for label in {judged.chosen, judged.lists, judged.rates or judged.lists}}
    kept = {name: value for name, value in options.to_dict().items() if value is not None}
    kept |= {name: _source(value) for name, value in kept.items() if name in ("items", "users")}
    chosen = candidates[judged.chosen]
    return Found(
        task=task, schema=dataset.schema, metric=judged.metric, leaderboard=judged.entries,
        model={"name": judged.chosen, "params": chosen.to_dict()}, states=states, told=facts,
        said=f"recommendation from {_kind(events)}: {said}.", split=_how(parts, trial, options),
        lineage=_found.lineage(dataset, chosen, kept, common, **_schedule(measured)),
        warnings=(*judged.warnings, *warnings), notes=tuple(notes))


def _columns(dataset: Dataset) -> list[str]:
    """The columns that are learnt from: no other says anything here."""
    return [name for role in ("user", "item", "rating", "amount", "time")
            for name in dataset.schema.having(role)]


def _kind(events: Events) -> str:
    return "ratings" if events.explicit else "uses"


def _source(value: object) -> object:
    """A table as the lineage may hold it: its path, or what kind of table it was."""
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    return {"table": f"memory ({type(value).__module__.partition('.')[0]})"}


def _schedule(measured: Mapping[str, Measured]) -> dict[str, Any]:
    return {"schedule": [{"model": label, "parts": len(each.fit_seconds)}
                         for label, each in measured.items()]}


def _tables(
    dataset: Dataset, events: Events, options: Options
) -> tuple[dict[str, Described], Events, list[Note]]:
    """What is known of items and users, and the events with the items that only tables name."""
    tables: dict[str, Described] = {}
    for role, source in (("item", options.items), ("user", options.users)):
        if source is None:
            continue
        ids = events.items if role == "item" else events.users
        column = dataset.schema.having(role)[0]
        tables[role] = described(source, ids, column, role, options.called)
        ids = ids.extended(tables[role].labels)
        events = replace(events, items=ids) if role == "item" else replace(events, users=ids)
    return tables, events, [note for table in tables.values() for note in table.notes]


def _titles(
    dataset: Dataset, events: Events, tables: Mapping[str, Described], options: Options
) -> list[str] | None:
    item = tables.get("item")
    if options.called is not None and (item is None or item.called != options.called):
        return titles_of_rows(dataset.frame, dataset.schema.having("item")[0], options.called,
                              events.items)
    return None if item is None else item.titles(events.items)


def _trial(
    events: Events, parts: Split, task: Task, options: Options, common: Common,
    tables: Mapping[str, Described],
) -> Trial:
    asked = tuple(
        judging.asked(events, part, tables, common, options.liked, options.again, options.asked, at)
        for at, part in enumerate(parts.parts) if len(part.train))
    return Trial(events, asked, task, options.k, options.again, common, tables)


def _candidates(
    events: Events, tables: Mapping[str, Described], task: Task, named: Sequence[Model] | None
) -> list[Model]:
    """The models asked for, or those that suit the size of the data; the baseline first."""
    known = models.names(task.name)
    if named is None:
        made = [models.get(name)() for name in _default(events, tables) if name in known]
    else:
        made = list(named)
        for model in made:
            _check(model, events, tables)
    wanted = [task.baseline, *([PLAIN] if events.explicit else [])]
    base = [next((model for model in made if model.name == name), None) or models.get(name)()
            for name in wanted]
    return [*base, *(model for model in made if not any(model is each for each in base))]


def _check(model: Model, events: Events, tables: Mapping[str, Described]) -> None:
    if getattr(model, "needs", None) == "item_features" and "item" not in tables:
        raise DataError(f"{model.name} recommends by what items are like: say items= a table with "
                        "a row an item.")
    if getattr(model, "learns", "both") == "ratings" and not events.explicit:
        raise DataError(f"{model.name} learns from ratings, and there are only uses: say rating= "
                        "the column that holds them, or take another model.")


def _default(events: Events, tables: Mapping[str, Described]) -> list[str]:
    users, items = len(events.users), len(events.items)
    fitting = ["popularity"]
    fitting += ["bias", "svd"] if events.explicit else ["als"]
    if items <= 4 * _MANY_ITEMS:
        fitting.append("item_knn")
    if items <= _MANY_ITEMS:
        fitting.append("ease")
    if events.explicit and users <= _MANY_USERS:
        fitting.append("user_knn")
    if events.explicit and len(events) <= _MANY_PAIRS:
        fitting.append("svdpp")
    return fitting + (["content", "hybrid"] if "item" in tables else [])


def _measure(
    trial: Trial, parts: Split, candidates: Mapping[str, Model]
) -> dict[str, Measured]:
    clock = trial.common.clock
    emit("plan", models=list(candidates), split=parts.how, folds=max(len(trial.parts), 1),
         budget=str(clock.budget), estimate_seconds=sum(
             float(model.pace) * len(trial.events) / 1e6 * (len(trial.parts) + 1)
             for model in candidates.values()) + 1)
    found: dict[str, Measured] = {}
    for label, model in candidates.items():
        reserve = max((each.seconds for each in found.values()), default=0.0) * 1.5
        asking = max((s for each in found.values() for s in each.answer_seconds), default=0.0)
        found[label] = measure(trial, model, reserve, asking, first=not found)
        if found[label].reason == "interrupted":
            break
    if not any(each.status == "ok" for each in found.values()):
        reasons = "; ".join(f"{label}: {each.reason}" for label, each in found.items())
        if any(each.reason == "interrupted" for each in found.values()):
            raise KeyboardInterrupt("nothing was finished, and nothing is saved")
        late = any(each.status in ("stopped", "skipped") for each in found.values())
        raise (BudgetError if late else DataError)(f"no recommender could be fitted: {reasons}.")
    return found


def _refitted(
    trial: Trial, judged: Board, candidates: Mapping[str, Model],
    tables: Mapping[str, Described], titles: list[str] | None,
) -> tuple[dict[str, State], Board, list[str]]:
    """The states of the chosen models fitted on all pairs, and all that answering needs."""
    events, common = trial.events, trial.common
    pairs = events.pairs
    features = {role: table.learn(
        events.items if role == "item" else events.users,
        np.unique(pairs.items if role == "item" else pairs.users), common.features, common.seed)
        for role, table in tables.items()}
    learnt = events.learnt(pairs, *(features[role].matrix if role in features else None
                                    for role in ("item", "user")))
    made, warnings = {}, []
    for label in dict.fromkeys((judged.chosen, judged.lists, judged.rates or judged.chosen)):
        emit("refit_start", model=label)
        try:
            made[label] = judging.fitted(candidates[label], learnt, trial.task, common)[0]
        except (WholefitError, ArithmeticError, MemoryError) as error:
            warnings.append(f"{label} could not be fitted on all rows ({error}): "
                            f"{trial.task.baseline} answers instead.")
            baseline = candidates[trial.task.baseline]
            made[label] = judging.fitted(baseline, learnt, trial.task, common)[0]
        emit("refit_done", model=label, seconds=common.clock.spent())
    states = {"model": made[judged.chosen], "seen": Seen.of(pairs, events.strength).state(),
              "users": events.users.state(), "items": events.items.state()}
    states |= {"lists": made[judged.lists]} if judged.lists != judged.chosen else {}
    states |= {} if judged.rates in (None, judged.chosen) else {"ratings": made[judged.rates]}
    states |= {} if titles is None else {"titles": titles_state(titles)}
    for role, each in features.items():
        states |= each.states(role)
    if judging.reads_items(candidates[judged.lists]):
        states["open"] = open_state(judging.open_items(candidates[judged.lists], learnt))
    return states, judged, warnings


def _how(parts: Split, trial: Trial, options: Options) -> str:
    """How the scores were come by, in a sentence."""
    said = parts.how
    if not trial.parts or not any(len(part.users) for part in trial.parts):
        return f"{said}; lists could not be judged, for no user has a held-out item"
    asked = counted(max(len(part.users) for part in trial.parts), "user")
    each = " in each part" if len(trial.parts) > 1 else ""
    said += (f"; lists of {options.k} judged for {asked}{each}, against all "
             f"{len(trial.events.items):,} items (no sample of them: sampled scores put models in "
             "another order)")
    level = trial.parts[0].liked
    if options.again and parts.kind != "time":
        said += ("; what a user has is either learnt or held out, so that nothing bought again "
                 "could be judged (split='time' can)")
    if trial.events.explicit and level is not None:
        said += f"; a held-out rating of {level:.3g} or more counts as liked"
    return said
