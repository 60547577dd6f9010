"""What local surrogates say of rows, and how far they can be believed.

Where `Explanations` (SHAP) share out the whole answer, a surrogate says which way the answer leans
around one row. It has names in common with them: `columns`, `values`, `errors`, `parts`, `frame`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.wording import plain
from wholefit.evaluation import Score
from wholefit.explain import _told
from wholefit.explain._neighbourhood import Term
from wholefit.explain.explanations import Part

_WORDS = 6


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A local linear model of one row.

    `columns` (c, outputs) is what each column adds, compared with typical rows, with standard
    errors `errors` from draw to draw; `base` + the sum over columns is `local`, the surrogate's
    own answer to the row, and `answer` the model's, all (outputs,). `terms` and `weights`
    (terms, outputs) say the same of bins, slopes or words; a slope is per unit of its term.
    `fidelity` is R2 on fresh points of output `main`; `width`, `form` and `penalty` were chosen,
    `points` asked. `refused` says why it should not be believed; None if it may.
    """

    columns: np.ndarray
    errors: np.ndarray
    base: np.ndarray
    local: np.ndarray
    answer: np.ndarray
    terms: tuple[Term, ...]
    weights: np.ndarray
    main: int
    fidelity: Score
    width: float
    form: str
    penalty: float
    points: int
    stable: bool
    refused: str | None = None

    def said(self) -> str:
        """How far it can be trusted, in a sentence."""
        if np.isnan(self.fidelity.value):
            return "The answer does not change around this row, whatever the columns hold."
        if self.refused is not None:
            return f"Not explained: {self.refused}."
        steady = ("the same from draw to draw" if self.stable else
                  "not stable from draw to draw: the order of columns of like size is chance")
        how = "slopes of numbers" if self.form == "values" else "bins of numbers"
        return (f"A linear surrogate (of {how}) answers like the model around this row with R2 "
                f"{self.fidelity} on fresh points (kernel width {self.width:.2g}, "
                f"{self.points:,} points); its weights are {steady}.")

    def named(self) -> list[tuple[str, float]]:
        """Each term and its weight on the explained output, heaviest first; slopes with units."""
        found = []
        for term, weight in zip(self.terms, self.weights[:, self.main], strict=True):
            if weight:
                unit = "" if term.unit is None else f", per {_told.number(term.unit)} more"
                found.append((term.said + unit, float(weight)))
        return sorted(found, key=lambda pair: -abs(pair[1]))


@dataclass(frozen=True, eq=False, repr=False)
class LocalExplanations:
    """Local surrogates of rows; `rows` holds the rows' columns, `numbers` their places from 0.

    `scale` is "probability", "log-odds" or "number"; `background` counts the rows around.
    """

    target: str
    columns: tuple[str, ...]
    outputs: tuple[str, ...]
    scale: str
    background: int
    surrogates: tuple[Surrogate, ...]
    rows: pl.DataFrame
    numbers: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.surrogates)

    def __getitem__(self, row: int) -> LocalExplanations:
        if not -len(self) <= row < len(self):
            raise IndexError(f"row must be >= 0 and < {len(self)}; got {row}")
        at = row % len(self)
        return replace(self, surrogates=(self.surrogates[at],), rows=self.rows[at:at + 1],
                       numbers=(self.numbers[at],))

    def __iter__(self) -> Iterator[LocalExplanations]:
        return (self[row] for row in range(len(self)))

    @property
    def values(self) -> np.ndarray:
        """What each column adds (rows, columns, outputs); zeros where a row is not explained."""
        return self._stacked("columns")

    @property
    def errors(self) -> np.ndarray:
        """Standard errors of `values`, from draw to draw."""
        return self._stacked("errors")

    @property
    def fidelity(self) -> tuple[Score, ...]:
        """R2 of each row's surrogate on fresh points."""
        return tuple(each.fidelity for each in self.surrogates)

    @property
    def refused(self) -> tuple[str | None, ...]:
        """Why a row is not explained; None where it is."""
        return tuple(each.refused for each in self.surrogates)

    def parts(self, row: int, output: int | None = None) -> list[Part]:
        """What each column adds to a row's answer, the largest first."""
        one = self.surrogates[row]
        at = one.main if output is None else output
        found = [Part(name, self.rows.to_series(place)[row], float(one.columns[place, at]),
                      float(one.errors[place, at])) for place, name in enumerate(self.columns)]
        return sorted(found, key=lambda part: -abs(part.adds))

    def to_text(self, most: int = 5, rows: int = 5) -> str:
        """Plain sentences: of each of the first rows what moves it, and how far that is to believe.
        """
        said = [self._row_text(at, most) for at in range(min(rows, len(self)))]
        if len(self) > rows:
            said.append(f"... and {len(self) - rows:,} more.")
        unit = self.target if self.scale == "number" else self.scale
        said.append(f"In {unit}; compared with {self.background:,} rows. A surrogate tells which "
                    "way the answer leans around a row, and does not add up to the answer.")
        return "\n\n".join(said)

    def frame(self) -> pl.DataFrame:
        """One line for each row and column: row, output, column, adds, error, fidelity."""
        lines = [{"row": self.numbers[at], "output": self.outputs[one.main], "column": part.column,
                  "adds": part.adds, "error": part.error, "fidelity": one.fidelity.value,
                  "explained": one.refused is None}
                 for at, one in enumerate(self.surrogates) for part in self.parts(at)]
        return pl.DataFrame(lines, infer_schema_length=None)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"target": self.target, "method": "lime", "outputs": list(self.outputs),
                "scale": self.scale, "background": self.background,
                "rows": [plain(self._row_json(at)) for at in range(len(self))]}

    def headline(self, row: int) -> str:
        """What is answered to a row."""
        one = self.surrogates[row]
        name = self.target if self.scale == "number" else (
            f"{self.target} = {self.outputs[one.main]}")
        unit = " (log-odds)" if self.scale == "log-odds" else ""
        said = _told.number(one.answer[one.main])
        return f"Row {self.numbers[row] + 1}: {name} is put at {said}{unit}."

    def _row_text(self, at: int, most: int) -> str:
        one = self.surrogates[at]
        lines = [self.headline(at)]
        if one.refused is None:
            parts = [part for part in self.parts(at) if part.adds][:most]
            for word, sign in (("raises", 1), ("lowers", -1)):
                chosen = [part for part in parts if part.adds * sign > 0]
                if chosen:
                    said = ", ".join(f"{_told.named(part)} ({_told.signed(part.adds)}"
                                     f" ± {_told.number(1.96 * part.error)})" for part in chosen)
                    lines.append(f"  What {word} it here: {said}.")
            named = one.named()[:_WORDS]
            if named:
                lines.append("  Weights: " + "; ".join(
                    f"{_told.cut(said)} {_told.signed(weight)}" for said, weight in named) + ".")
        lines.append(f"  {one.said()}")
        return "\n".join(lines)

    def _row_json(self, at: int) -> dict[str, Any]:
        one = self.surrogates[at]
        return {
            "row": self.numbers[at], "output": self.outputs[one.main],
            "answer": float(one.answer[one.main]), "local": float(one.local[one.main]),
            "base": float(one.base[one.main]), "fidelity": one.fidelity.to_json(),
            "width": one.width, "form": one.form, "points": one.points, "stable": one.stable,
            "refused": one.refused, "parts": [part.to_json() for part in self.parts(at)],
            "terms": [{"term": said, "weight": weight} for said, weight in one.named()]}

    def _stacked(self, name: str) -> np.ndarray:
        if not self.surrogates:
            return np.zeros((0, len(self.columns), len(self.outputs)))
        return np.stack([getattr(each, name) for each in self.surrogates])

    def __repr__(self) -> str:
        told = sum(each.refused is None for each in self.surrogates)
        return f"<LocalExplanations of {self.target!r}: {len(self):,} rows, {told:,} explained>"
