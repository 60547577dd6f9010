"""What answers: names, who has what, and the scorers, put together from states alone.

The same code makes the examples of a report, a single list online, and the lists of a hundred
thousand users in one file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import ArtifactError
from wholefit.base.state import State
from wholefit.base.stored import reading
from wholefit.models import scorer
from wholefit.models._recommend.base import Interactions
from wholefit.training.recommendation._data import strengths
from wholefit.training.recommendation._ids import Ids
from wholefit.training.recommendation._top import masked, popular_first, rows_of, top_k

_MOST_WHY = 3
# Models whose lists hang on nothing that the user has.
_ALIKE = ("popularity", "bias")


@dataclass(frozen=True, eq=False)
class Seen:
    """Who has what: CSR of users, with raw ratings or amounts (None: each is one) and times.

    `model_users` and `model_items` are how many of each the models learnt from; users of `folded`
    have met more since, and are answered from what they have by now. `strength` is a usual amount.
    """

    indptr: np.ndarray
    items: np.ndarray
    values: np.ndarray | None
    times: np.ndarray | None
    n_items: int
    explicit: bool
    strength: float
    folded: np.ndarray
    model_users: int
    model_items: int

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @classmethod
    def of(cls, pairs: Interactions, strength: float) -> Seen:
        """The pairs of one fit, raw."""
        indptr = np.searchsorted(pairs.users, np.arange(pairs.n_users + 1)).astype(np.int64)
        values = pairs.values
        return cls(indptr, pairs.items.astype(np.int32), values, pairs.times, pairs.n_items,
                   pairs.explicit, strength, np.zeros(pairs.n_users, dtype=bool),
                   pairs.n_users, pairs.n_items)

    def pairs(self) -> Interactions:
        """The pairs as they were given, in order of user, then item."""
        users = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.indptr))
        return Interactions(users, self.items, self.values, self.times, len(self), self.n_items,
                            explicit=self.explicit)

    def of_user(self, code: int) -> tuple[np.ndarray, np.ndarray]:
        """Items of one user, and their values as models take them."""
        span = slice(int(self.indptr[code]), int(self.indptr[code + 1]))
        items = self.items[span]
        if self.values is None:
            return items, np.ones(len(items))
        values = self.values[span]
        made = values if self.explicit else strengths(values, self.strength)
        return items, np.asarray(made, dtype=np.float64)

    def having(self) -> np.ndarray:
        """How many users have each item, (items,)."""
        return np.bincount(self.items, minlength=self.n_items)

    def state(self) -> State:
        """As plain data."""
        arrays = {"indptr": self.indptr, "items": self.items, "folded": self.folded}
        arrays |= {} if self.values is None else {"values": self.values}
        arrays |= {} if self.times is None else {"times": self.times}
        config = {name: getattr(self, name) for name in (
            "n_items", "explicit", "strength", "model_users", "model_items")}
        return State("seen", config, arrays)

    @classmethod
    def from_state(cls, state: State) -> Seen:
        """Read back what `state` wrote; ArtifactError if its parts do not belong together."""
        arrays, config = state.arrays, state.config
        made = cls(arrays["indptr"], arrays["items"], arrays.get("values"), arrays.get("times"),
                   int(config["n_items"]), bool(config["explicit"]), float(config["strength"]),
                   arrays["folded"].astype(bool),
                   int(config["model_users"]), int(config["model_items"]))
        size = len(made.items)
        fits = [made.indptr.ndim == 1 and len(made.indptr) >= 1 and made.indptr[0] == 0,
                made.indptr.dtype.kind == "i" and made.items.dtype.kind == "i",
                made.items.ndim == 1 and made.indptr[-1] == size,
                bool((np.diff(made.indptr) >= 0).all()), made.folded.shape == (len(made),),
                not size or (made.items.min() >= 0 and made.items.max() < made.n_items),
                all(each is None or (each.shape == (size,) and each.dtype.kind in kinds)
                    for each, kinds in ((made.values, "biuf"), (made.times, "iufM"))),
                0 < made.strength < float("inf"),
                0 <= made.model_users <= len(made), 0 <= made.model_items <= made.n_items]
        if not all(fits):
            raise ArtifactError("the model file's record of who has what does not fit together: it "
                                "was altered; save the model anew.")
        return made


@dataclass(frozen=True, eq=False)
class Engine:
    """Answers by code; see the module's first lines. `rater` is None where nothing rates."""

    users: Ids
    items: Ids
    seen: Seen
    lister: Any
    rater: Any
    titles: list[str] | None
    rank: np.ndarray
    having: np.ndarray
    open: np.ndarray
    personal: bool = True

    @classmethod
    def of(cls, states: Mapping[str, State], told: Mapping[str, Any]) -> Engine:
        """From the states of a Found; ArtifactError where they were altered."""
        with reading("the model file cannot answer"):
            _check_told(told)
            seen = Seen.from_state(states["seen"])
            users, items = Ids.from_state(states["users"]), Ids.from_state(states["items"])
            if seen.n_items != len(items):  # before room is made for that many
                raise ValueError(f"it has names of {len(items):,} of {seen.n_items:,} items")
            main = scorer(states["model"])
            lister = scorer(states["lists"]) if "lists" in states else main
            rater = scorer(states["ratings"]) if "ratings" in states else (
                main if told.get("rates") else None)
            having = seen.having()
            engine = cls(users, items, seen, lister, rater, _titles(states, len(items)),
                         popular_first(having), having, _open(states, having),
                         str(told.get("lists")).partition("(")[0] not in _ALIKE)
            engine.check()
            return engine

    def check(self) -> None:
        """Refuse parts that do not belong together."""
        seen, scorers = self.seen, [self.lister, *([] if self.rater is None else [self.rater])]
        fits = [len(self.users) == len(seen), len(self.items) == seen.n_items,
                all(each.n_items == seen.model_items for each in scorers),
                all(each.n_users == seen.model_users for each in scorers)]
        if not all(fits):
            raise ArtifactError("the model file's names do not fit its record of who has what: it "
                                "was altered; save the model anew.")

    def named(self, code: int) -> str:
        """What an item is called."""
        return self.items.labels[code] if self.titles is None else self.titles[code]

    def scores(self, users: np.ndarray) -> np.ndarray:
        """(m, items) float64; -inf for what cannot be recommended.

        Users not met have the share of users who have each item.
        """
        found = np.full((len(users), len(self.items)), -np.inf)
        plain = (users >= 0) & (users < self.seen.model_users)
        plain[plain] &= ~self.seen.folded[users[plain]]
        asked = np.where(plain, users, -1)
        with reading("the model file cannot answer"):
            if plain.any():
                found[plain, :self.seen.model_items] = self.lister.scores(asked[plain])
            found[users < 0] = self.having / max(len(self.seen), 1)
            for at in np.flatnonzero((users >= 0) & ~plain):
                items, values = self.seen.of_user(int(users[at]))
                found[at] = self.folded(items, values)
        found[:, ~self.open] = -np.inf
        return found

    def folded(self, items: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Scores (items,) of somebody who has these items, whom the model has not met."""
        found = np.full(len(self.items), -np.inf)
        known = items < self.seen.model_items
        items, values = items[known].astype(np.int32), values[known]
        if not len(items):
            return self.having / max(len(self.seen), 1)
        with reading("the model file cannot answer"):
            made = self.lister.scores_from(self.lister.fold_in(items, values))[0]
        found[:self.seen.model_items] = np.asarray(made, dtype=np.float64)
        return found

    def lists(
        self, users: np.ndarray, k: int, exclude_seen: bool, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Item codes and scores (m, k) of the best for each user; -1 and NaN where there are none.

        `allowed` (items,) says which items may be recommended at all.
        """
        scores = self.scores(users)
        if exclude_seen:
            known = np.flatnonzero(users >= 0)
            starts, items = rows_of(self.seen.indptr, self.seen.items, users[known])
            scores[known] = masked(scores[known], starts, items)
        return self.best(scores, k, allowed)

    def best(
        self, scores: np.ndarray, k: int, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Codes and scores (m, k) of the largest scores; of equals the more popular."""
        if allowed is not None:
            scores = np.where(allowed[None, :], scores, -np.inf)
        top = top_k(scores, min(k, max(scores.shape[1], 1)), self.rank)
        picked = np.take_along_axis(scores, np.maximum(top, 0), axis=1) if scores.shape[1] else (
            np.zeros(top.shape))
        return top, np.where(top >= 0, picked, np.nan)

    def why(self, user: int, item: int) -> list[tuple[int, float]]:
        """Items that the user has and that speak most for this one: (code, contribution)."""
        if user < 0 or not self.personal:
            return []
        if self.seen.folded[user] or user >= self.seen.model_users:
            return self.alike(self.seen.of_user(user)[0], item)
        with reading("the model file cannot answer"):
            made = self.lister.why(user, item)
        found = [(int(code), float(share)) for code, share in made if share > 0][:_MOST_WHY]
        return found or self.alike(self.seen.of_user(user)[0], item)

    def alike(self, had: np.ndarray, item: int) -> list[tuple[int, float]]:
        """Of the items had, those most like this one."""
        if not self.personal or not 0 <= item < self.seen.model_items:
            return []
        with reading("the model file cannot answer"):
            near = np.asarray(self.lister.similar(item), dtype=np.float64)
        had = had[(had < self.seen.model_items) & (had != item)]
        order = np.argsort(-near[had], kind="stable")[:_MOST_WHY]
        return [(int(had[at]), float(near[had[at]])) for at in order if near[had[at]] > 0]

    def near(self, item: int) -> np.ndarray:
        """How like this item each other is, (items,); -inf for itself and the unknown."""
        found = np.full(len(self.items), -np.inf)
        if item < self.seen.model_items:
            with reading("the model file cannot answer"):
                found[:self.seen.model_items] = self.lister.similar(item)
        found[item] = -np.inf
        return found

    def rates(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Ratings (or, of uses, scores) expected of pairs of codes, -1 for the unknown."""
        answering = self.lister if self.rater is None else self.rater
        user = np.where(users < self.seen.model_users, users, -1).astype(np.int32)
        item = np.where(items < self.seen.model_items, items, -1).astype(np.int32)
        with reading("the model file cannot answer"):
            found = np.asarray(answering.predict(user, item), dtype=np.float64)
            known = np.flatnonzero((users >= 0) & (item >= 0))
            late = known[self.seen.folded[users[known]]]
            for code in np.unique(users[late]):
                rows = late[users[late] == code]
                found[rows] = self._rated(answering, int(code), item[rows])
        return found

    def _rated(self, answering: Any, user: int, items: np.ndarray) -> np.ndarray:
        """What a user is expected to rate who met more since the model was fitted."""
        had, values = self.seen.of_user(user)
        known = had < self.seen.model_items
        if not known.any():
            return np.asarray(answering.predict(np.full(len(items), -1), items))
        made = answering.scores_from(answering.fold_in(had[known], values[known]))[0][items]
        ends = (answering.low, answering.high) if answering.answers == "rating" else (None, None)
        return np.asarray(made if ends[0] is None else np.clip(made, *ends))


def titles_state(titles: list[str]) -> State:
    """What items are called, as JSON text."""
    return State("titles", {"count": len(titles)},
                 blobs={"titles": json.dumps(titles, ensure_ascii=False).encode()})


def open_state(open_items: np.ndarray) -> State:
    """Which items may be recommended though nobody has them."""
    return State("open", {}, {"open": open_items})


def _check_told(told: Mapping[str, Any]) -> None:
    """Refuse a record that lacks what answering asks of it."""
    columns, scale = told["columns"], told.get("scale")
    fits = [isinstance(columns, dict) and {"user", "item"} <= set(columns),
            all(isinstance(name, str) for name in columns.values()),
            type(told["k"]) is int and 1 <= told["k"] <= 1000, isinstance(told["lists"], str),
            all(type(told[name]) is int for name in ("rows", "pairs", "users", "items")),
            scale is None or np.isfinite(float(scale["high"])),
            told.get("liked") is None or np.isfinite(float(told["liked"]))]
    if not all(fits):
        raise ValueError("what it says of its columns, its lists or its ratings is odd")


def _titles(states: Mapping[str, State], count: int) -> list[str] | None:
    if "titles" not in states:
        return None
    found = json.loads(states["titles"].blobs["titles"].decode())
    if not isinstance(found, list) or len(found) != count or not all(
            isinstance(each, str) for each in found):
        raise ArtifactError("the model file's names of items cannot be read: they were altered; "
                            "save the model anew.")
    return found


def _open(states: Mapping[str, State], having: np.ndarray) -> np.ndarray:
    met = having > 0
    if "open" not in states:
        return met
    more = states["open"].arrays["open"]
    if more.dtype != bool or more.shape != met.shape:
        raise ValueError("its record of which items may be recommended has another size")
    return met | more
