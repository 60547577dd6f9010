"""The hands of the loop: model files loaded, judged, fitted anew and taught, through the API."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from wholefit import data
from wholefit import models as catalog
from wholefit.api import _answers
from wholefit.base.errors import ParameterError, StateError, WholefitError, WholefitWarning
from wholefit.data import Policies
from wholefit.evaluation import drift as drifting
from wholefit.monitoring.loop import Known, Retrain, Side
from wholefit.training.replaying.asked import Asked, of_record

if TYPE_CHECKING:
    from wholefit.api.result import Result

_KEPT = 4
# Words of a fit that are told of the model alone, or made anew for each fit.
_OPTIONS = ("folds", "repeats", "jobs", "choose", "positive", "predict_time", "model_size")


class ApiHands:
    """What `wholefit.monitoring.loop.Hands` asks for, with Results."""

    def __init__(self, words: dict[str, Any] | None = None) -> None:
        self._words = dict(words or {})
        self._loaded: OrderedDict[str, Result] = OrderedDict()

    def known(self, path: Path) -> Known:
        """What the model says of itself."""
        result = self._load(path)
        group = next(iter(result.schema.having("group")), None)
        return Known(result.target, group, result._facts.metric, result.score)

    def side(self, path: Path, name: str, rows: pl.DataFrame) -> Side:
        """The model before the gate, with labelled rows as it knows them."""
        with _quiet():
            return side_of(self._load(path), name, rows, path.stat().st_size)

    def fit(self, path: Path, rows: pl.DataFrame, how: Retrain, seed: int, out: Path) -> None:
        """Fit anew with the words of the model at `path`, and save it at `out`."""
        from wholefit.api.fitting import fit

        result = self._load(path)
        rows = rows.select([name for name in rows.columns if name in set(result.schema.names)])
        words = {**fit_words(result, rows.columns, how), "seed": seed, **self._words}
        with _quiet():
            fit(_typed(result, rows), **words).save(out, force=True)

    def update(self, path: Path, batches: Sequence[pl.DataFrame], out: Path) -> None:
        """Teach the model these batches, one after the other, and save it at `out`."""
        result = self._load(path)
        with _quiet():
            for rows in batches:
                result = result.update(rows)
        result.save(out, force=True)

    def drifted(self, path: Path, rows: pl.DataFrame, level: float) -> str | None:
        """What drifted since the model was fitted, in a sentence; None if nothing did."""
        result = self._load(path)
        sketch = result._facts.sketch()
        if sketch is None:
            return None
        with _quiet():
            asked = _answers.dataset(result._fitted, rows, {}, with_target=True)
        found = drifting.drift(asked.frame, sketch, result.schema,
                               drifting.Options(level=level, whole=False))
        return None if found.ok else found.said

    def _load(self, path: Path) -> Result:
        """The Result of a file; files of a registry never change, so that a few are kept."""
        key = str(path)
        if key not in self._loaded:
            self._loaded[key] = supervised(path)
            while len(self._loaded) > _KEPT:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(key)
        return self._loaded[key]


@contextmanager
def _quiet() -> Iterator[None]:
    """What a fit or a question warns of is told by events; a loop has no one who reads along."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WholefitWarning)
        yield


def supervised(model: Any) -> Result:
    """A Result, of itself or of a file; StateError for a model without a target."""
    from wholefit.api.result import Result, load

    found = load(model) if isinstance(model, (str, Path)) else model
    if not isinstance(found, Result):
        raise StateError("only a model that predicts a target can be judged on labelled rows; got "
                         f"one of {getattr(found, 'task', type(found).__name__)}.")
    return found


def side_of(result: Result, name: str, rows: Any, size: int) -> Side:
    """A side of the gate; DataError where rows have classes that the model does not know."""
    fitted = result._fitted
    asked = _answers.dataset(fitted, rows, {}, with_target=True)
    _answers.refuse_unknown(fitted, asked, asked.target(fitted.codec))
    return Side(name, fitted, asked, size)


def fit_words(result: Result, columns: Sequence[str], how: Retrain) -> dict[str, Any]:
    """The words by which the model was fitted, for rows with these columns.

    Roles are those that the champion knows, so that what is asked of the one may be asked of the
    other: a column that was constant then, and was not learnt, is not learnt now.
    """
    from wholefit.data.clean import Recipe
    from wholefit.features import engineer

    facts, schema = result._facts, result.schema
    positive = None if result.classes is None else \
        result.classes[getattr(result._fitted.codec, "positive", 1)]
    asked = of_record({**facts.lineage, "parents": []}, schema, result.task, facts.metric,
                      positive)
    if asked.own:
        raise StateError(f"the model was fitted with {', '.join(asked.own)} of the user's own, "
                         "which no file holds: give the words of the fit, fit={...}.")
    here = set(columns)
    special = {name: column for name, column in asked.special.items() if column in here}
    roles = {column.name: "ignored" if column.role == "constant" else column.role
             for column in schema.columns
             if column.name in here and column.name not in special.values()}
    words: dict[str, Any] = {
        "task": asked.task, "target": special.get("target"), "time": special.get("time"),
        "groups": special.get("group"), "weights": special.get("weight"), "roles": roles,
        "metric": asked.metric, "checks": False,
        **{name: value for name, value in asked.options.items()
           if name in _OPTIONS and value is not None},
        **{name: value for name, value in asked.words.items()
           if name in ("features", "balance", "costs", "threshold")},
        **_models(result, asked, how)}
    if "clean" in asked.words:
        words["clean"] = Recipe.from_dict(asked.words["clean"])
    if asked.words.get("engineer"):
        words["transformers"] = tuple(engineer.parse(asked.words["engineer"]))
    return words


def _models(result: Result, asked: Asked, how: Retrain) -> dict[str, Any]:
    """The same model with the same settings; or the search that the champion came from."""
    named = result._facts.model
    if not how.search and result._fitted.state().kind != "blend":
        try:
            return {"models": [catalog.get(named["name"]).from_dict(dict(named["params"]))],
                    **({} if how.budget is None else {"budget": how.budget})}
        except WholefitError as error:
            raise StateError(f"the model {named['name']!r} is not in the catalog, so that it "
                             "cannot be fitted anew: say [retrain] search = true.") from error
    budget = how.budget or (asked.budget if asked.budget != "no limit" else None)
    preset = asked.options.get("preset")
    return {name: value for name, value in (("budget", budget), ("preset", preset))
            if value is not None}


def _typed(result: Result, rows: pl.DataFrame) -> pl.DataFrame:
    """Times that came as text, as a log of JSON has them, are times again."""
    named = [column.name for column in result.schema.columns if column.role == "datetime"
             and rows.schema.get(column.name) == pl.String]
    if not named:
        return rows
    read = data.conforming(rows, result.schema, Policies(missing_column="impute")).frame
    return rows.with_columns(read.get_column(name) for name in named)


def check_rows(rows: Any, reading: dict[str, Any]) -> pl.DataFrame:
    """Any source as a frame."""
    if rows is None:
        raise ParameterError("labelled rows are needed: a table, or the path of one.")
    _answers.check_options(reading)
    return data.read(rows, **reading).frame
