"""`result.pictures`: what a model takes pictures for, the surest mistakes first."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wholefit.api import _answers
from wholefit.base.errors import DataError
from wholefit.data.images import cells, resizing, sizing

_SHOWN_AT = 64


@dataclass(frozen=True, eq=False)
class Answered:
    """One picture uint8 (c, h, w), what it is, what it is taken for, and how surely."""

    name: str
    picture: np.ndarray
    truth: str
    answer: str
    sure: float


@dataclass(frozen=True)
class Pictured:
    """Pictures with truth and answer: `wrong`, the surest first; `right`, the least sure first."""

    source: str
    target: str
    rows: int
    mistakes: int
    wrong: tuple[Answered, ...]
    right: tuple[Answered, ...]

    def to_text(self) -> str:
        """How many were taken for something else, and the surest of them."""
        said = f"{self.mistakes:,} of {self.rows:,} pictures are taken for something else"
        if not self.wrong:
            return said + "."
        first = self.wrong[0]
        return (f"{said}; the surest: {first.name}, {first.truth} taken for {first.answer} "
                f"({first.sure:.0%}).")

    def to_json(self) -> dict[str, Any]:
        """Names, truths and answers as plain values, without the pictures."""
        told = {kind: [{"name": each.name, "truth": each.truth, "answer": each.answer,
                        "sure": each.sure} for each in chosen]
                for kind, chosen in (("wrong", self.wrong), ("right", self.right))}
        return {"source": self.source, "target": self.target, "rows": self.rows,
                "mistakes": self.mistakes, **told}

    def write(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write a page (.html) of them."""
        from wholefit.report.images import answered

        return answered.write(self, path, force=force)

    def _repr_html_(self) -> str:
        from wholefit.report.images import answered

        return answered.section(self)


def pictured(result: Any, rows: Any, most: int, options: dict[str, Any]) -> Pictured:
    """Rows with a known target, answered; at most `most` wrong and as many right ones are kept."""
    fitted = result._fitted
    names = fitted.schema.having("image")
    if fitted.task.name != "classification" or not names:
        raise DataError("pictures are shown of models that tell classes of pictures; this one "
                        f"learnt {fitted.task.name} from {len(fitted.schema.features)} columns, "
                        f"{len(names)} of them pictures.")
    asked = _answers.dataset(fitted, rows, options, with_target=True)
    truth, raw = _answers.truth_and_answer(fitted, asked)
    answer, sure = raw.argmax(axis=1), raw.max(axis=1)
    wrong = np.flatnonzero(answer != truth)
    right = np.flatnonzero(answer == truth)
    classes = [str(label) for label in fitted.codec.classes]
    column = asked.frame.get_column(names[0])
    called = _names(fitted, asked)

    def show(at: int) -> Answered:
        cell = column[int(at)]
        pixels = np.zeros((8, 8, 1), np.uint8) if cell is None else cells.unpack(cell)
        high, wide = sizing.usual_size(np.array([[0, *pixels.shape[:2]]]), _SHOWN_AT)
        small = resizing.resize(pixels, high, wide).transpose(2, 0, 1)
        return Answered(called[at], np.ascontiguousarray(small), classes[truth[at]],
                        classes[answer[at]], float(sure[at]))

    return Pictured(
        asked.source, str(fitted.schema.target), len(asked), len(wrong),
        tuple(show(at) for at in wrong[np.argsort(-sure[wrong], kind="stable")][:most]),
        tuple(show(at) for at in right[np.argsort(sure[right], kind="stable")][:most]))


def _names(fitted: Any, asked: Any) -> list[str]:
    """What each row is called: its first identifier, else its number."""
    found = fitted.schema.having("identifier")
    if found and found[0] in asked.original.columns:
        return [str(value) for value in asked.original.get_column(found[0]).to_list()]
    return [f"row {at + 1}" for at in range(len(asked))]
