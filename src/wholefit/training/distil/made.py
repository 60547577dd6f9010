"""Rows made up to teach on: plausible ones, of which the teacher says what it makes.

A teacher can be asked about any row. Where few rows were given, a generator learns how their
columns go together and makes more (Bucila, Caruana and Niculescu-Mizil 2006). Which one was chosen
by measurement: docs/distil.md.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from wholefit import models
from wholefit.base import seeds, tasks
from wholefit.base.errors import DataError, WholefitError
from wholefit.data import Dataset, Policies, conform
from wholefit.models._model import Context
from wholefit.training.generation import _columns

GENERATOR = "smoothed_bootstrap"
_ROLES = ("numeric", "categorical", "boolean", "datetime", "constant")
_FEWEST = 20


def able(dataset: Dataset) -> str:
    """Why rows like these cannot be made up; "" if they can."""
    schema = dataset.schema
    odd = [name for name in schema.features if schema.role(name) not in _ROLES]
    if odd:
        return f"{odd[0]!r} holds {schema.role(odd[0])}s, which are not made up"
    return "" if len(dataset) >= _FEWEST else f"{len(dataset)} rows are too few to learn from"


def more(dataset: Dataset, count: int, seed: int) -> Dataset:
    """`count` rows like those of `dataset`; DataError where they cannot be made."""
    why = able(dataset)
    if why:
        raise DataError(f"no rows can be made up: {why}.")
    schema = dataset.schema
    features = set(schema.features)
    only = replace(schema, columns=tuple(c for c in schema.columns if c.name in features))
    # Column by column: the engine reads names such as "*" and "^a.*$" as patterns.
    plain = Dataset(pl.DataFrame([dataset.frame.get_column(name) for name in schema.features]),
                    only, source=dataset.source)
    columns = _columns.learn(plain, None)
    X = columns.matrix(plain)
    model = models.make(GENERATOR)
    context = Context(rows=len(X), features=X.shape[1], seed=seeds.derive(seed, "distil", "made"),
                      spans=columns.spans)
    try:
        learnt = model.build(tasks.get("generation"), context).fit(X)
        frame = columns.frame(learnt.sample(count, seeds.derive(seed, "distil", "drawn")))
    except WholefitError:
        raise
    except Exception as error:  # a library's own, on columns that it cannot take
        raise DataError(f"no rows can be made up like those of {dataset.source} "
                        f"({type(error).__name__}: {str(error)[:200]}): say more=0.") from error
    policies = Policies(missing_column="impute", extra_column="ignore", swapped="warn")
    made, _ = conform(schema, frame, policies)
    return Dataset(made, schema, source="made-up rows")
