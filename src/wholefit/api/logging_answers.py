"""`wf.log_answers`: rows answered, and the answers written to a log."""

from __future__ import annotations

import os
import time as clock
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wholefit import data
from wholefit.api import _answers
from wholefit.api.found import FoundResult
from wholefit.api.result import Result, load
from wholefit.base.errors import DataError, unknown
from wholefit.base.events import emit
from wholefit.data.predictions import Log, Record, moment, open_log
from wholefit.data.predictions.record import Cipher

_BATCH = 5_000


def log_answers(
    model: Any, rows: Any, log: Any, *, name: str | None = None, version: str = "1",
    id: str | None = None, truth: str | None = None, time: str | None = None,
    keep_rows: bool = True, seal: Cipher | None = None, **reading: Any,
) -> int:
    """Answer rows and write the answers to a log, as the server does; gives how many.

    For models that answer in batches, and for past rows. `id` and `time` name columns of the rows
    (else ids are random, and the time is now), `truth` the column of what turned out to be true,
    where it is known. `keep_rows=False` counts the rows by the model's sketch instead.
    """
    _answers.check_options(reading)
    result = load(Path(model)) if isinstance(model, (str, os.PathLike)) else model
    called = stem_of(model, name) or "model"
    own = isinstance(log, Log)
    opened = log if own else open_log(str(log), keep_rows=keep_rows, seal=seal)
    try:
        if not opened.keep_rows:
            opened.watch(called, version, sketch_of(result))
        frame = data.read(rows, **reading).frame
        columns = _named(frame, id, truth, time)
        for at in range(0, frame.height, _BATCH):
            part = frame[at:at + _BATCH]
            opened.write(_records(result, part, columns, called, version, at))
            if truth is not None:
                _truths(opened, part, columns, at)
        return frame.height
    finally:
        if not own:
            opened.close()


def answers_of(result: Any, frame: pl.DataFrame) -> tuple[dict[str, pl.Series], np.ndarray | None]:
    """The columns of a model's answers, and how sure each is (n,), None where there is no such.

    How sure is the probability of the class that is said.
    """
    if not isinstance(result, Result):
        told = result.predict(frame) if hasattr(result, "predict") else pl.DataFrame()
        names = [each for each in told.columns if each not in frame.columns]
        return {each: told.get_column(each) for each in names}, None
    fitted = result._fitted
    asked = _answers.dataset(fitted, frame, {})
    raw = fitted.answer(asked)
    said = {"prediction": _answers._series("prediction",
                                           fitted.codec.decode(fitted.decided(raw, asked)))}
    if raw.ndim == 1:
        return said, None
    for at, column in enumerate(fitted.codec.columns()):  # type: ignore[attr-defined]
        said[column] = pl.Series(column, raw[:, at])
    codes = fitted.codes(raw, asked)
    codes = raw.argmax(axis=1) if codes is None else codes
    return said, raw[np.arange(len(raw)), codes]


def sketch_of(result: Any) -> Any:
    """The sketch of the rows that a model learnt from, or None."""
    if isinstance(result, Result):
        return result._facts.sketch()
    return result._sketch() if isinstance(result, FoundResult) else None


def stem_of(model: Any, name: str | None) -> str | None:
    """What a model is called in a log: as asked, else as its file; None where it has none."""
    if name is None and isinstance(model, (str, os.PathLike)):
        return Path(model).stem
    return name


@dataclass(frozen=True)
class _Columns:
    """Columns of rows that are not asked about: who, what is true, when."""

    id: str | None
    truth: str | None
    time: str | None
    start: float
    mark: str


def _named(
    frame: pl.DataFrame, id: str | None, truth: str | None, time: str | None
) -> _Columns:
    for name in (id, truth, time):
        if name is not None and name not in frame.columns:
            raise unknown("column", name, frame.columns)
    return _Columns(id, truth, time, clock.time(), os.urandom(6).hex())


def _ids(part: pl.DataFrame, columns: _Columns, at: int) -> list[str]:
    if columns.id is None:
        return [f"{columns.mark}-{at + row}" for row in range(part.height)]
    return [str(value) for value in part.get_column(columns.id).to_list()]


def _records(
    result: Any, part: pl.DataFrame, columns: _Columns, name: str, version: str, at: int
) -> list[Record]:
    start = clock.perf_counter()
    said, sure = answers_of(result, part)
    each = (clock.perf_counter() - start) / max(part.height, 1)
    times = _times(part, columns)
    known = set(result.schema.names) - {result.schema.target}
    rows = part.select(column for column in part.columns if column in known).to_dicts()
    told = pl.DataFrame([column.alias(key) for key, column in said.items()]).to_dicts() \
        if said else [{}] * part.height
    return [Record(id_, when, name, version, row, answer,
                   None if sure is None else float(sure[place]), each)
            for place, (id_, when, row, answer) in enumerate(
                zip(_ids(part, columns, at), times, rows, told, strict=True))]


def _times(part: pl.DataFrame, columns: _Columns) -> list[float]:
    if columns.time is None:
        return [columns.start] * part.height
    found = [None if value is None else moment(value)
             for value in part.get_column(columns.time).to_list()]
    if any(value is None for value in found):
        raise DataError(f"column {columns.time!r} must hold a time in every row.")
    return [float(value) for value in found if value is not None]


def _truths(log: Log, part: pl.DataFrame, columns: _Columns, at: int) -> None:
    known = [(id_, value) for id_, value in zip(
        _ids(part, columns, at), part.get_column(str(columns.truth)).to_list(), strict=True)
        if value is not None]
    log.feedbacks(known)
    emit("truths", count=len(known))
