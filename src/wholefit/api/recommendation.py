"""Recommender: who may like what, answered one user at a time or for all of them."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from wholefit import data
from wholefit.api import _recommending as ask
from wholefit.api._answers import check_options
from wholefit.api._telling import tell
from wholefit.api.found import FoundResult
from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.base.wording import counted
from wholefit.evaluation import Score
from wholefit.training.found import trusting
from wholefit.training.recommendation._data import read_events
from wholefit.training.recommendation._engine import Engine
from wholefit.training.recommendation._score import score_events
from wholefit.training.recommendation._update import update as grow

_MOST_K = 10_000
_SHOWN_REASONS = 5


class Recommender(FoundResult):
    """A fitted recommender: lists for users, ratings of pairs, items alike, and the reasons.

    Users and items are named as they were in the rows; an item also by what it is called, where
    only one is called so.
    """

    @cached_property
    def _engine(self) -> Engine:
        return Engine.of(self._found.states, self._found.told)

    @property
    def _columns(self) -> dict[str, str]:
        with trusting(self._found):
            found = dict(self._found.told["columns"])
            if not all(isinstance(found[role], str) for role in {"user", "item", *found}):
                raise TypeError("its columns of users and items must be named")
            return found

    @property
    def users(self) -> Any:
        """The users known, in their own type."""
        return self._engine.users.values(np.arange(len(self._engine.users))).to_list()

    @property
    def items(self) -> Any:
        """The items known, in their own type."""
        return self._engine.items.values(np.arange(len(self._engine.items))).to_list()

    def recommend(
        self, users: Any = None, k: int | None = None, *, likes: Any = None,
        exclude_seen: bool | None = None, filter: Any = None,
        why: bool = True, **reading: Any,
    ) -> Any:
        """The best k items of each user: user, rank, item, score and why.

        `users` is one name, a list of names, or a table with the column of users; users not met
        before get the popular items, which is said. `likes` instead are the items that a new user
        likes (a list, or a dict of item to rating). `exclude_seen` leaves out what users have, as
        the fit was told by default; `filter` says which items may be offered: their names, or a
        function of a name. Where ratings were learnt, `rating` is the one to be expected.
        """
        engine, size = self._engine, self._k(k)
        exclude = not self._found.told.get("again", False) if exclude_seen is None else exclude_seen
        mask = ask.allowed(engine, filter)
        if likes is not None:
            if users is not None:
                raise ParameterError("recommend takes users= or likes=, not both.")
            return self._for_likes(likes, size, exclude, mask, why)
        if users is None:
            raise ParameterError("recommend needs to know for whom: say users= or likes=; "
                                 "recommend_all(path) writes the lists of everyone.")
        asked, guest = self._asked(users, reading)
        codes = engine.users.codes(asked)
        ask.tell_unknown(asked, codes, "user", "the most popular items are given")
        top, scores = engine.lists(codes, size, exclude, mask)
        said = ask.reasons(engine, codes, top) if why else None
        frame = ask.lists_frame(engine, self._columns, asked, codes, top, scores, said,
                                self._rated)
        return ask.give(frame, guest, self._found.told)

    def _asked(self, users: Any, reading: dict[str, Any]) -> tuple[pl.Series, str | None]:
        """Each user asked for once, and the kind of frame that they came in."""
        if reading:
            check_options(reading)
        asked, guest = ask.asked_users(users, self._columns["user"], reading)
        return (asked.filter(asked.is_first_distinct()) if len(asked) > 1 else asked), guest

    def _for_likes(
        self, likes: Any, k: int, exclude: bool, mask: np.ndarray | None, why: bool
    ) -> Any:
        engine = self._engine
        items, values = ask.liked(engine, likes, self._found.told.get("scale"))
        scores = engine.folded(items, values)
        scores[~engine.open] = -np.inf
        if exclude:
            scores[items] = -np.inf
        top, found = engine.best(scores[None, :], k, mask)
        said = ask.because_of(engine, items, top[0]) if why else None
        nobody = pl.Series([None], dtype=pl.String)
        frame = ask.lists_frame(engine, self._columns, nobody, np.array([-1]), top, found, said,
                                rated=False)
        return ask.give(frame.drop(self._columns["user"]), None, self._found.told)

    def recommend_all(
        self, path: str | os.PathLike[str], k: int | None = None, *, users: Any = None,
        exclude_seen: bool | None = None, filter: Any = None, why: bool = False,
        force: bool = False, **reading: Any,
    ) -> int:
        """Write the lists of all users (or of those named) to a file; gives the number of rows.

        Lists are made and written a few thousand at a time, so that memory does not grow with the
        users: .csv, .tsv or .jsonl.
        """
        engine, size = self._engine, self._k(k)
        exclude = not self._found.told.get("again", False) if exclude_seen is None else exclude_seen
        codes = np.arange(len(engine.users), dtype=np.int32)
        if users is not None:
            asked, _ = self._asked(users, reading)
            codes = engine.users.codes(asked)
            ask.tell_unknown(asked, codes, "user", "left out of the file")
            codes = codes[codes >= 0]
        frames = ask.stream(engine, self._columns, codes, size, exclude,
                            ask.allowed(engine, filter), why, self._rated)
        return data.write_frames(frames, path, force=force)

    def predict(self, pairs: Any, **reading: Any) -> Any:
        """A `prediction` for each row of users and items: a rating, or, of uses, a score.

        One row a row, in order. Users and items not met are answered by what is true of all, and
        counted aloud; a row without a user or an item has no prediction.
        """
        check_options(reading)
        table = ask.table_of(pairs, reading)
        user, item = (ask.column_of(table, self._columns[role], f"{role}s")
                      for role in ("user", "item"))
        users, items = self._engine.users.codes(user), self._engine.items.codes(item)
        empty = ask.missing(user) | ask.missing(item)
        ask.tell_unknown(user.filter(pl.Series(~ask.missing(user))), users[~ask.missing(user)],
                         "user", "answered by what is true of all users")
        found = self._engine.rates(users, items)
        prediction = pl.Series("prediction", found).set(pl.Series(empty), None)
        frame = pl.DataFrame([user.alias(self._columns["user"]), item.alias(self._columns["item"]),
                              prediction])
        return ask.give(frame, table.guest, self._found.told)

    def similar(self, item: Any = None, k: int = 10, *, like: dict[str, Any] | None = None) -> Any:
        """The k items most like one: by who has both or by what they are like, as the model has it.

        `like` instead describes an item that nobody has yet, by columns of the table of items:
        {"title": ..., "genre": ...}; the fit must have been given that table.
        """
        engine, size = self._engine, self._k(k)
        if (item is None) == (like is None):
            raise ParameterError("similar takes an item, or like= its description.")
        if like is not None:
            near, code = self._described(like), -1
        else:
            code = ask.one_item(engine, item)
            near = np.where(engine.open, engine.near(code), -np.inf)
        top, scores = engine.best(near[None, :], size, None)
        frame = ask.near_frame(engine, self._columns, code, top[0], scores[0])
        return ask.give(frame if like is None else frame.drop(frame.columns[0]), None,
                        self._found.told)

    def _described(self, like: dict[str, Any]) -> np.ndarray:
        """Cosine (items,) of a description with every item's, by the table of items."""
        from wholefit.training.recommendation._new import likeness

        return likeness(self._found.states, like, len(self._engine.items))

    def explain(self, user: Any, item: Any) -> ask.Explanation:
        """Why an item is offered to a user, and how high it stands."""
        engine = self._engine
        code, what = int(engine.users.codes([user])[0]), ask.one_item(engine, item)
        scores = engine.scores(np.array([code], dtype=np.int32))[0]
        had = code >= 0 and bool((engine.seen.of_user(code)[0] == what).any())
        if code >= 0:
            own = engine.seen.of_user(code)[0]
            scores[own[own != what]] = -np.inf
        rank = None if not np.isfinite(scores[what]) else int((scores > scores[what]).sum()) + 1
        rating = float(engine.rates(np.array([code]), np.array([what]))[0]) if self._rated else None
        why = tuple((engine.named(each), share) for each, share in
                    engine.why(code, what)[:_SHOWN_REASONS])
        text = self._sentence(user, code, what, rank, rating, why, had)
        return ask.Explanation(str(user), engine.named(what), rank, rating, why, had, text)

    def _sentence(
        self, user: Any, code: int, item: int, rank: int | None, rating: float | None,
        why: tuple[tuple[str, float], ...], had: bool,
    ) -> str:
        engine = self._engine
        name = engine.named(item)
        place = f"{name!r} is number {rank} of {int(engine.open.sum()):,} for {user!r}" if rank \
            else f"{name!r} cannot be offered to {user!r}, for nobody was known to have it"
        rated = f", with a rating of {rating:.2f} expected" if rating is not None else ""
        already = "; it is had already" if had else ""
        verb = "liked" if engine.seen.explicit else "had"
        if why:
            because = f"Because {user!r} {verb}: {'; '.join(each for each, _ in why)}."
        elif code < 0:
            because = "This user was not met in training, and gets what is popular."
        else:
            because = (f"Nothing that {user!r} {verb} speaks for it in particular: "
                       f"{counted(int(engine.having[item]), 'user')} have it.")
        return f"{place}{rated}{already}. {because}"

    def evaluate(
        self, held_out: Any, k: int | None = None, *, metric: str | None = None, **reading: Any,
    ) -> dict[str, Score]:
        """Scores on rows that were not learnt from, each with its interval; `metric` first.

        Ratings are compared with those expected; lists are judged for users met before who turn to
        items new to them.
        """
        dataset = self._rows(held_out, reading)
        events, notes, _ = read_events(dataset, self._feedback, settle=False)
        tell(notes)
        found = score_events(self._engine, events, self._found.told, self._k(k))
        if not found:
            raise DataError("these rows cannot judge the model: none has a user met before and an "
                            "item that is new to that user.")
        if metric is None:
            return found
        first = metric if metric in found else f"{metric}@{self._k(k)}"
        if first not in found:
            raise unknown("metric of these rows", metric, found)
        return {first: found[first], **found}

    def update(self, new: Any, *, how: str | None = None, **reading: Any) -> Recommender:
        """A Recommender that knows these rows too, with this one as its parent in the lineage.

        `how`: "refit" learns the same models anew on all rows; "fold_in" leaves them as they are
        and answers the users of new rows from all that they have by now; left out, folding in is
        taken while little is new and no item is. A rating given anew takes the place of the old.
        """
        if how not in (None, "refit", "fold_in"):
            raise ParameterError(f"how must be 'refit', 'fold_in' or left out; got {how!r}.")
        dataset = self._rows(new, reading)
        with trusting(self._found, "the model file cannot learn more"):
            made = grow(self._found, self._engine, dataset, how)
        tell(made.notes)
        return Recommender(made)

    def answers(self, new: Any, **options: Any) -> Any:
        """Predictions where rows name users and items; lists where they name users alone."""
        k = options.pop("k", None)
        check_options(options)
        table = ask.table_of(new, options)
        if self._columns["item"] in table.frame.columns:
            return ask.give(self.predict(table.frame), table.guest, self._found.told)
        return ask.give(self.recommend(table.frame, k), table.guest, self._found.told)

    @property
    def _feedback(self) -> str:
        return "explicit" if self._engine.seen.explicit else "implicit"

    @property
    def _rated(self) -> bool:
        return self._engine.seen.explicit and self._engine.rater is not None

    def _k(self, k: int | None) -> int:
        with trusting(self._found):
            size = int(self._found.told["k"]) if k is None else k
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or not (
                1 <= size <= _MOST_K):
            raise ParameterError(f"k must be a whole number from 1 to {_MOST_K:,}; got {k!r}.")
        return int(size)

    def _rows(self, source: Any, reading: dict[str, Any]) -> data.Dataset:
        """New rows with the roles of the fit."""
        check_options(reading)
        table = ask.table_of(source, reading)
        needed = {role: name for role, name in self._columns.items()
                  if role in ("user", "item", "rating", "time", "amount")}
        for role, name in needed.items():
            ask.column_of(table, name, f"{role}s")
        frame = table.frame.select(list(dict.fromkeys(needed.values())))
        if not frame.height:
            raise DataError(f"{table.source} must have rows; it has none.")
        roles = {name: role for role, name in needed.items() if role != "time"}
        made = data.dataset_of(frame, roles=roles, time=needed.get("time"), task=self.task)
        made.source = table.source
        return made


RESULT = Recommender
