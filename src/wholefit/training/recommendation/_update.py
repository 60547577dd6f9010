"""More ratings or uses for a fitted recommender: learnt anew, or taken in without learning.

Folding in keeps the models as they are: users who met something new are answered from all that
they have by now, as a new user is. Learning anew fits the same models, with the same parameters,
on all pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit import models
from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import ArtifactError, DataError
from wholefit.base.state import State
from wholefit.base.wording import counted
from wholefit.data import Dataset, Note
from wholefit.data.notes import warning
from wholefit.evaluation import Score
from wholefit.models._recommend.base import Interactions
from wholefit.training import found as _found
from wholefit.training.found import Common, Found
from wholefit.training.recommendation import _judge as judging
from wholefit.training.recommendation._data import Events, read_events
from wholefit.training.recommendation._engine import Engine, Seen
from wholefit.training.recommendation._ids import Ids
from wholefit.training.recommendation._score import score_events
from wholefit.training.recommendation._tables import read_features

# Folding in is taken by itself while what is new is at most this share of what was learnt.
_LITTLE = 0.05


@dataclass(frozen=True, eq=False)
class _Grown:
    """The names and pairs after the new rows: `new` events have the grown codes."""

    users: Ids
    items: Ids
    new: Events
    pairs: Interactions


def update(found: Found, engine: Engine, dataset: Dataset, how: str | None) -> Found:
    """The Found after more rows; scored on the new rows before they were learnt.

    `how` is "fold_in" or "refit"; None takes folding in where it suffices: little is new and no
    item is. Raises DataError where the rows cannot be learnt.
    """
    feedback = "explicit" if engine.seen.explicit else "implicit"
    has = "rating" if engine.seen.explicit and dataset.schema.having("rating") else None
    if engine.seen.explicit and has is None:
        raise DataError("new rows must have the column of ratings that the model was fitted with.")
    events, notes, _ = read_events(dataset, feedback, settle=False)
    notes += _out_of_scale(events, found.told.get("scale"))
    scores = score_events(engine, events, found.told)
    grown = _grown(engine, events)
    fresh_items = len(grown.items) - len(engine.items)
    small = len(events) <= _LITTLE * max(len(engine.seen.items), 1)
    fold = how == "fold_in" or (how is None and small and not fresh_items)
    states = dict(found.states)
    states |= {"users": grown.users.state(), "items": grown.items.state()}
    if "titles" in states:
        states["titles"] = _titles(engine, grown.items)
    seen = _seen(engine, grown, fold)
    states["seen"] = seen.state()
    if fold:
        states.pop("open", None) if fresh_items else None
    else:
        _relearn(found, states, grown, seen)
    said = _said(engine, grown, events, fold)
    return _told(found, dataset, engine, grown, states, scores, said, tuple(notes), fold)


def _out_of_scale(events: Events, scale: Mapping[str, Any] | None) -> list[Note]:
    """A note on ratings beyond those that the model was fitted on."""
    if scale is None or events.value is None:
        return []
    odd = np.flatnonzero((events.value < scale["low"]) | (events.value > scale["high"]))
    if not len(odd):
        return []
    return [warning("rating_out_of_scale", f"{counted(len(odd), 'rating')} beyond {scale['low']:g} "
                    f"to {scale['high']:g}, between which the model was fitted, such as "
                    f"{events.value[odd[0]]:g}: taken as they are; is it the same scale?",
                    count=len(odd))]


def _grown(engine: Engine, events: Events) -> _Grown:
    users = engine.users.extended(events.users.labels)
    items = engine.items.extended(events.items.labels)
    to_user, to_item = users.codes(events.users.labels), items.codes(events.items.labels)
    new = replace(events, users=users, items=items, user=to_user[events.user],
                  item=to_item[events.item], strength=engine.seen.strength)
    old = replace(engine.seen.pairs(), n_users=len(users), n_items=len(items))
    return _Grown(users, items, new, _joined(old, new))


def _joined(old: Interactions, new: Events) -> Interactions:
    """All pairs: a new rating takes the place of an old one, amounts add up."""
    fresh = new.pairs
    keys = [each.users.astype(np.int64) * fresh.n_items + each.items for each in (old, fresh)]
    if new.explicit:
        newer = np.ones(len(fresh), dtype=bool)
        if old.times is not None and fresh.times is not None:
            spot = np.minimum(np.searchsorted(keys[0], keys[1]), len(keys[0]) - 1)
            newer = (keys[0][spot] != keys[1]) | (old.times[spot] <= fresh.times)
        fresh, key = fresh.take(np.flatnonzero(newer)), keys[1][newer]
        old = old.take(np.flatnonzero(~np.isin(keys[0], key)))
    values = [np.ones(len(each)) if each.values is None else each.values for each in (old, fresh)]
    times = None if old.times is None or fresh.times is None else np.concatenate(
        [old.times, fresh.times])
    whole = Events(new.users, new.items, np.concatenate([old.users, fresh.users]),
                   np.concatenate([old.items, fresh.items]), np.concatenate(values), times,
                   new.explicit, new.strength)
    return whole.pairs


def _seen(engine: Engine, grown: _Grown, fold: bool) -> Seen:
    made = Seen.of(grown.pairs, engine.seen.strength)
    if not fold:
        return made
    folded = np.zeros(len(made), dtype=bool)
    folded[:len(engine.seen)] = engine.seen.folded
    folded[np.unique(grown.new.user)] = True
    return replace(made, folded=folded, model_users=engine.seen.model_users,
                   model_items=engine.seen.model_items)


def _relearn(found: Found, states: dict[str, State], grown: _Grown, seen: Seen) -> None:
    """The same models on all pairs."""
    common = Common(seed=int(found.lineage.get("seed", 0)), clock=Clock(Budget()))
    learnt = replace(grown.new, strength=seen.strength).learnt(
        grown.pairs, _features(states, "item", len(grown.items)),
        _features(states, "user", len(grown.users)))
    params = found.told.get("params", {})
    roles = {"model": found.model["name"], "lists": found.told.get("lists"),
             "ratings": found.told.get("rates")}
    for role, label in roles.items():
        if role not in states or not isinstance(label, str):
            continue
        stored = params.get(label, {"name": label, "params": {}})
        model = models.get(stored["name"]).from_dict(stored["params"])
        states[role] = judging.fitted(model, learnt, found.task, common)[0]
        if role == ("lists" if "lists" in states else "model") and "open" in states:
            states["open"] = State("open", {}, {"open": judging.open_items(model, learnt)})


def _features(states: Mapping[str, State], role: str, count: int) -> Any:
    """The CSR of features kept, with empty rows for those that came since."""
    from scipy.sparse import csr_matrix, vstack

    state = states.get(f"{role}_features")
    if state is None:
        return None
    known = read_features(state)
    if known.shape[0] > count:
        raise ArtifactError("the model file's table of what items are like has too many rows: it "
                            "was altered; save the model anew.")
    more = csr_matrix((count - known.shape[0], known.shape[1]))
    return csr_matrix(vstack([known, more]))


def _titles(engine: Engine, items: Ids) -> State:
    from wholefit.training.recommendation._engine import titles_state

    known = engine.titles or []
    return titles_state([*known, *items.labels[len(known):]])


def _said(engine: Engine, grown: _Grown, events: Events, fold: bool) -> str:
    users, items = len(grown.users) - len(engine.users), len(grown.items) - len(engine.items)
    parts = [counted(len(events), "new row")]
    parts += [counted(users, "new user")] if users else []
    parts += [counted(items, "new item")] if items else []
    if not fold:
        return f"{', '.join(parts)}: the models were learnt anew on all rows"
    later = "; new items wait for the next learning" if items else ""
    return (f"{', '.join(parts)}: taken in without learning anew: their users are answered from "
            f"all that they have by now{later}")


def _told(
    found: Found, dataset: Dataset, engine: Engine, grown: _Grown, states: dict[str, State],
    scores: dict[str, Score], said: str, notes: tuple[Any, ...], fold: bool,
) -> Found:
    chosen = found.chosen
    entry = replace(chosen, scores=scores, difference=None, tied=False, best=True, status="ok",
                    reason="" if scores else "the new rows could not judge it")
    before = found.lineage
    lineage = {**before, **{name: value for name, value in _found.lineage(
        dataset, None, before.get("options", {}), Common(seed=int(before.get("seed", 0)))).items()
        if name in ("made", "source", "data_hash")},
        "rows": int(before.get("rows", 0)) + len(dataset), "update": said,
        "parents": [*before.get("parents", []), before.get("data_hash")]}
    per_user = np.bincount(grown.pairs.users, minlength=grown.pairs.n_users)
    having = np.bincount(grown.pairs.items, minlength=grown.pairs.n_items)
    told = {**found.told, "rows": found.told["rows"] + len(grown.new), "pairs": len(grown.pairs),
            "users": int((per_user > 0).sum()), "items": int((having > 0).sum()),
            "catalogue": len(grown.items), "updated": said}
    metric = found.metric if found.metric in scores or not scores else next(iter(scores))
    return replace(found, states=states, leaderboard=(entry,), told=told, lineage=lineage,
                   metric=metric, notes=notes, warnings=(),
                   split=f"scored on {counted(len(dataset), 'new row')} before they were learnt")
