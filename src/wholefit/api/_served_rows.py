"""Rows of requests on their way to a table: what every kind of model checks of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import polars as pl

from wholefit.base.errors import DataError, SchemaError, WholefitError
from wholefit.data import Schema
from wholefit.data.schema import LEARNT
from wholefit.serving import bodies
from wholefit.serving._model import Input, Row

# Columns that a model does not know, of which this many are looked at for misspelt ones.
_STRANGE = 100


def inputs_of(schema: Schema) -> tuple[Input, ...]:
    """The columns that a row has: what the model learnt from, and identifiers, which may lack."""
    return tuple(
        Input(column.name, column.role, column.role in LEARNT, column.levels, column.low,
              column.high, column.dtype.startswith(("Int", "UInt")))
        for column in schema.columns if column.role in LEARNT or column.role == "identifier")


def checked(rows: Sequence[Row], inputs: Sequence[Input], impute: bool = False) -> list[Row]:
    """The rows, each with every column that it must have; SchemaError names what is missing.

    Nothing may stand for a value that is not known, but it must be said: null. With `impute` what
    is not said is null.
    """
    bodies.check_depth(rows)
    needed = [each.name for each in inputs if each.required]
    known = {each.name for each in inputs}
    if len(rows) > 1 and not impute:
        for at, row in enumerate(rows, 1):
            for name in needed:
                if name not in row and any(name in other for other in rows):
                    raise SchemaError(f"each row must have the column {name!r}, null where it is "
                                      f"not known; row {at:,} lacks it.", column=name, rows=(at,),
                                      rule="present")
    if sum(map(len, rows)) <= len(rows) * (len(known) + _STRANGE):
        return list(rows)
    return [_trimmed(row, known) for row in rows]


def _trimmed(row: Row, known: set[str]) -> Row:
    """A row with its own columns and a few of the strange ones."""
    strange = [name for name in row if name not in known][:_STRANGE]
    return {name: row[name] for name in [*(each for each in row if each in known), *strange]}


@contextmanager
def refusing() -> Iterator[None]:
    """Around what reads rows that anybody may have sent: whatever fails is the rows' fault."""
    try:
        yield
    except WholefitError:
        raise
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, TypeError,
            OverflowError, RecursionError, UnicodeError, LookupError) as error:
        raise DataError(f"the rows cannot be read as a table ({type(error).__name__}): each value "
                        "must be a number, text, true, false or null.") from error
