"""Fitted things without a target as the server asks them: each task's verbs, by name.

Verbs that answer row by row (clusters, scores, coordinates) take rows; the others take what they
need as members of the request's object: users or likes, baskets, how many rows to make.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from wholefit.api._served_rows import checked, inputs_of, refusing
from wholefit.api.found import FoundResult
from wholefit.base import tasks
from wholefit.base.errors import ParameterError, unknown
from wholefit.base.events import listen
from wholefit.serving._model import Answers, Input, Row, Wants

_MOST_MADE = 100_000
# Of translations: texts kept in mind for all rows of a request together.
_MOST_KEPT = 1000
# Of texts: what may be said of how they are written, and tokens of one request together.
_WRITING, _MOST_TOKENS = ("prompt", "length", "temperature", "top_k", "top_p"), 20_000


class ServedFound:
    """A fitted thing whose verbs answer rows: clustering, reduction, anomaly detection."""

    def __init__(
        self, result: Any, name: str, version: str, facts: Mapping[str, Any]
    ) -> None:
        self.name, self.version, self.task, self.facts = name, version, result.task, facts
        self.inputs: Sequence[Input] = inputs_of(result.schema)
        self.verbs = tasks.get(result.task).verbs
        # What a person asks first: whether a row alarms, not how strange it is.
        main = next((verb for verb in self.verbs if verb.name == "predict"), self.verbs[0])
        self.verbs = (main, *(verb for verb in self.verbs if verb is not main))
        self.result: Any = result

    def sketch(self) -> Any:
        """Aggregates of the rows that were learnt from, by which a log counts what is asked."""
        return self.result._sketch()

    def rowwise(self, wants: Wants) -> bool:
        """Whether the verb answers row by row."""
        return True

    def quick(self, rows: Sequence[Row], wants: Wants) -> Answers | None:
        """None: these answer by tables."""
        return None

    def answer(self, rows: Sequence[Row], wants: Wants) -> Answers:
        """The verb's columns, one value a row, identifiers among them; and notes on repairs."""
        self._check(wants)
        with refusing():
            frame = _framed(checked(rows, self.inputs))
        said: list[str] = []
        found = self._told(lambda: self._asked(frame, wants), said)
        columns: Answers = found.to_dict(as_series=False)
        if said and found.height:
            columns["notes"] = [said, *[None] * (found.height - 1)]
        return columns

    def table(self, frame: pl.DataFrame, wants: Wants) -> pl.DataFrame:
        """The verb's columns, one row a row."""
        self._check(wants)
        return self._told(lambda: self._asked(frame, wants), [])

    def _check(self, wants: Wants) -> None:
        if wants.explain or wants.level is not None or wants.least is not None:
            raise ParameterError(f"answers of {self.task} have no explain, level or least; "
                                 "leave them out.")

    def _asked(self, frame: pl.DataFrame, wants: Wants) -> Any:
        return getattr(self.result, wants.verb or self.verbs[0].name)(frame)

    def _told(self, work: Callable[[], Any], said: list[str]) -> Any:
        """What the work gives; what it warns of is put into `said`."""
        def hear(event: str, facts: dict[str, Any]) -> None:
            if event == "note" and facts.get("severity") == "warning":
                said.append(str(facts["message"]))

        with listen(hear):
            return work()


class ServedRecommender(ServedFound):
    """Lists for users, and ratings of pairs of user and item."""

    def __init__(self, result: Any, name: str, version: str, facts: Mapping[str, Any]) -> None:
        super().__init__(result, name, version, facts)
        self.verbs = tasks.get(result.task).verbs
        columns = result._columns
        self._user = columns["user"]
        self.inputs = (Input(columns["user"], "identifier", True),
                       Input(columns["item"], "identifier", True))

    def rowwise(self, wants: Wants) -> bool:
        """A prediction is one a row; a list is several rows for each user."""
        return wants.verb == "predict"

    def answer(self, rows: Sequence[Row], wants: Wants) -> Answers:
        """`users` (or rows with their column), or `likes`; with `k`, `filter`, `exclude_seen`."""
        if wants.verb == "predict":
            return super().answer(rows, wants)
        self._check(wants)
        asked = _options(wants, ("users", "list", "likes", "k", "filter", "exclude_seen", "why"))
        users = asked.pop("users", None)
        users = asked.pop("list", users)
        if rows:
            users = [row.get(self._user) for row in rows]
        if users is not None:
            asked["users"] = _names(users, "users")
        if "filter" in asked and asked["filter"] is not None:
            asked["filter"] = _names(asked["filter"], "filter")
        if isinstance(asked.get("likes"), list):
            asked["likes"] = _names(asked["likes"], "likes")
        return _listed(self._told(lambda: self.result.recommend(**asked), []))

    def _asked(self, frame: pl.DataFrame, wants: Wants) -> Any:
        if wants.verb == "predict":
            return self.result.predict(frame)
        return self.result.recommend(frame)


class ServedRules(ServedFound):
    """What else baskets may hold."""

    def __init__(self, result: Any, name: str, version: str, facts: Mapping[str, Any]) -> None:
        super().__init__(result, name, version, facts)
        self.inputs = tuple(Input(column.name, "identifier", True)
                            for column in result.schema.columns
                            if column.role in ("basket", "item"))

    def rowwise(self, wants: Wants) -> bool:
        """Several items for each basket."""
        return False

    def answer(self, rows: Sequence[Row], wants: Wants) -> Answers:
        """`baskets`, lists of items (a bare list of lists will do), with `k`."""
        self._check(wants)
        asked = _options(wants, ("baskets", "list", "k"))
        baskets = asked.pop("baskets", None)
        baskets = asked.pop("list", baskets)
        if rows:
            with refusing():
                baskets = _framed(list(rows))
        elif not isinstance(baskets, list) or not all(
                isinstance(each, list) and all(_is_name(item) for item in each)
                for each in baskets):
            raise ParameterError("baskets must be a list of lists of items: {\"baskets\": "
                                 "[[\"bread\", \"butter\"]]}.")
        return _listed(self._told(lambda: self.result.complete(baskets, **asked), []))

    def _asked(self, frame: pl.DataFrame, wants: Wants) -> Any:
        return self.result.complete(frame)


class ServedTranslator(ServedFound):
    """A text for each row, by `beams` and of at most `length` tokens where the request says so."""

    def _asked(self, frame: pl.DataFrame, wants: Wants) -> Any:
        beams = wants.options.get("beams")
        if isinstance(beams, int) and beams * frame.height > _MOST_KEPT:
            raise ParameterError(f"beams times rows may be {_MOST_KEPT:,}, so that no other caller "
                                 f"waits; got {beams:,} of {frame.height:,}."[:300])
        return self.result.predict(frame, **wants.options)


class ServedGenerator(ServedFound):
    """New rows."""

    def rowwise(self, wants: Wants) -> bool:
        """It answers no rows: it makes them."""
        return False

    def answer(self, rows: Sequence[Row], wants: Wants) -> Answers:
        """`n` new rows (1 where none is said), by `seed`, of `label`; of texts, see `_texts`."""
        self._check(wants)
        texts = bool(self.result.writes)
        asked = _options(wants, ("n", "seed", *(_WRITING if texts else ("label",))))
        n = asked.get("n", 1)
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= _MOST_MADE:
            raise ParameterError(f"n must be a whole number from 1 to {_MOST_MADE:,}; got {n!r}."
                                 [:300])
        seed = asked.get("seed", 0)
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
            raise ParameterError(f"seed must be a whole number from 0 to 2**32 - 1; got {seed!r}."
                                 [:300])
        if texts:
            return self._texts(n, seed, asked)
        return _listed(self.result.sample(n, seed=seed, label=asked.get("label")))

    def _texts(self, n: int, seed: int, asked: Mapping[str, Any]) -> Answers:
        """Texts that begin with `prompt`, of at most `length` tokens, by `temperature`, `top_k`
        and `top_p`; of all texts together at most so many tokens that one caller keeps no other
        waiting.
        """
        words = {name: asked[name] for name in _WRITING if name in asked}
        prompt, length = words.get("prompt", ""), words.get("length", 300)
        if isinstance(length, int) and n * length > _MOST_TOKENS:
            raise ParameterError(f"n texts of length tokens may be {_MOST_TOKENS:,} tokens "
                                 f"together; got {n:,} of {length:,}.")
        if isinstance(prompt, str) and n * len(prompt) > _MOST_TOKENS:
            raise ParameterError(f"n texts that begin with prompt may be {_MOST_TOKENS:,} "
                                 f"characters together; got {n:,} of {len(prompt):,}.")
        return _listed(self.result.sample(n, seed=seed, **words))

    def table(self, frame: pl.DataFrame, wants: Wants) -> pl.DataFrame:
        """Refused: there is nothing to ask of a table."""
        raise ParameterError("new rows are made, not asked of a table: send {\"n\": 10}.")


def served_found(
    result: FoundResult, name: str, version: str, facts: Mapping[str, Any]
) -> ServedFound:
    """The fitted thing, ready to answer."""
    kinds: dict[str, type[ServedFound]] = {
        "recommendation": ServedRecommender, "association": ServedRules,
        "generation": ServedGenerator, "translation": ServedTranslator}
    return kinds.get(result.task, ServedFound)(result, name, version, facts)


def _framed(rows: list[Row]) -> pl.DataFrame:
    from wholefit import data

    return data.read(rows).frame


def _listed(found: Any) -> Answers:
    columns: Answers = found.to_dict(as_series=False)
    return columns


def _options(wants: Wants, known: Sequence[str]) -> dict[str, Any]:
    for name in wants.options:
        if name not in known:
            raise unknown("option", name, [each for each in known if each != "list"])
    return dict(wants.options)


def _names(given: Any, what: str) -> list[Any]:
    listed = given if isinstance(given, list) else [given]
    if not listed or not all(_is_name(each) for each in listed):
        raise ParameterError(f"{what} must be names, text or whole numbers, at least one; got "
                             f"{given!r}."[:300])
    return listed


def _is_name(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool) \
        and (isinstance(value, str) or abs(value) < 2**63)
