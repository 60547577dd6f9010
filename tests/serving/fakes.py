"""A model that doubles a number: quick, slow, or at fault, as a test needs it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import polars as pl

from wholefit.base.errors import SchemaError
from wholefit.base.tasks import Verb
from wholefit.serving._model import Answers, Input, Row, Wants


class Doubler:
    """Answers twice `x`; keeps the sizes of the batches that it was asked."""

    def __init__(self, name: str = "twice", version: str = "1", *, seconds: float = 0.0,
                 quick: bool = True, many: bool = False) -> None:
        self.name, self.version, self.task, self.facts = name, version, "regression", {}
        self.inputs = (Input("x", "numeric"),)
        self.verbs = (Verb("predict", "twice x", "number"),)
        self.seconds, self._quick = seconds, quick
        self.batches: list[int] = []
        self.threads: set[int] = set()
        self.held: threading.Event | None = None
        if many:
            self.many = self._many

    def rowwise(self, wants: Wants) -> bool:
        return True

    def quick(self, rows: Sequence[Row], wants: Wants) -> Answers | None:
        return self.answer(rows, wants) if self._quick else None

    def answer(self, rows: Sequence[Row], wants: Wants) -> Answers:
        self.batches.append(len(rows))
        self.threads.add(threading.get_ident())
        if self.held is not None:
            self.held.wait(20)
        time.sleep(self.seconds)
        for at, row in enumerate(rows, 1):
            if row.get("x") == "boom":
                raise RuntimeError(f"secret row {row}")
            if not isinstance(row.get("x"), (int, float)):
                raise SchemaError("x must be a number", column="x", rows=(at,), rule="type")
        return {"prediction": [2 * row["x"] for row in rows]}

    def _many(self, asked: Sequence[Sequence[Row]]) -> list[Any]:
        rows = [row for each in asked for row in each]
        found = self.answer(rows, Wants())["prediction"]
        answers, at = [], 0
        for each in asked:
            answers.append({"prediction": found[at:at + len(each)]})
            at += len(each)
        return answers

    def table(self, frame: pl.DataFrame, wants: Wants) -> pl.DataFrame:
        return frame.select((pl.col("x") * 2).alias("prediction"))
