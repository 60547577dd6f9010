"""Does an exported file answer as the model does? Both are asked the same rows."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from wholefit.artifact.exports._subject import Subject
from wholefit.base.errors import ExportError, WholefitError
from wholefit.base.wording import first_line
from wholefit.data import Dataset


class Runner(Protocol):
    """What answers from an exported file."""

    def answer(self, frame: Any) -> np.ndarray:
        """Conforming rows, a polars frame, to what `Fitted.answer` gives for them."""


@dataclass(frozen=True)
class Parity:
    """What the check found.

    `most` is the largest difference of answers: of probabilities as it is, of numbers divided by
    the largest of them. `agreement` is the share of rows that get the same prediction: the same
    class, or a number within `tolerance`. `close` counts rows of another class whose probabilities
    are within the tolerance of a tie. `seconds` are those of the model and of the file.
    """

    rows: int
    most: float
    agreement: float
    tolerance: float
    close: int = 0
    made_up: bool = False
    seconds: tuple[float, float] = (0.0, 0.0)

    @property
    def holds(self) -> bool:
        """True if the file may be used in the model's place."""
        return self.most <= self.tolerance and self.agreement * self.rows >= self.rows - self.close

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    def to_text(self) -> str:
        """In one sentence."""
        kind = "made-up" if self.made_up else "real"
        return (f"parity on {self.rows:,} {kind} row{'s' if self.rows != 1 else ''}: largest "
                f"difference {self.most:.2g} (allowed {self.tolerance:.2g}), the same prediction "
                f"for {100 * self.agreement:.6g} % of them")


def check(
    fitted: Subject, runner: Runner, dataset: Dataset, *, tolerance: float, most: int = 1000,
    made_up: bool = False,
) -> Parity:
    """Answers of `fitted` and of `runner` to at most `most` rows, evenly spread, held together.

    A runner that has `labels(frame)`, codes (n,), is also held to the classes that it decides.
    ExportError where the runner's answer has another shape.
    """
    if len(dataset) > most:
        dataset = dataset.take(np.linspace(0, len(dataset) - 1, most).astype(np.intp))
    started = time.perf_counter()
    ours = fitted.answer(dataset)
    middle = time.perf_counter()
    frame = fitted.frame(dataset)
    theirs = _asked(runner, frame)
    ended = time.perf_counter()
    if theirs.shape != ours.shape:
        raise ExportError(f"the exported file answers with an array of shape {theirs.shape}, the "
                          f"model with {ours.shape}: no file was left; please report it.")
    apart, scale = difference(ours, theirs), 1.0
    if ours.dtype.kind == "f" and not fitted.classes:
        scale = float(np.abs(ours[np.isfinite(ours)]).max(initial=0.0)) or 1.0
    largest = float((apart / scale).max(initial=0.0))
    agreement, close = _agreement(fitted, runner, frame, ours, theirs, apart / scale, tolerance)
    return Parity(len(ours), largest, agreement, tolerance, close, made_up,
                  (middle - started, ended - middle))


def _asked(runner: Runner, frame: Any) -> np.ndarray:
    try:
        return np.asarray(runner.answer(frame))
    except WholefitError:
        raise
    except Exception as error:  # other runtimes have error classes of their own
        raise ExportError(f"the exported file cannot answer ({type(error).__name__}: "
                          f"{first_line(error)}): no file was left; please report it, and use "
                          "another target.") from error


def difference(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """How far each answer is from the other, float64; 0 where both are NaN, infinite where one."""
    a, b = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        apart = np.where(a == b, 0.0, np.abs(a - b))
    both = np.isnan(a) & np.isnan(b)
    return np.where(both, 0.0, np.where(np.isnan(apart), np.inf, apart))


def _agreement(
    fitted: Subject, runner: Runner, frame: Any, ours: np.ndarray, theirs: np.ndarray,
    apart: np.ndarray, tolerance: float,
) -> tuple[float, int]:
    """Share of rows with the same prediction, and how many others are a matter of rounding."""
    mine = fitted.labels(ours)
    if mine is None:
        each = apart if apart.ndim == 1 else apart.max(axis=tuple(range(1, apart.ndim)), initial=0)
        return float((each <= tolerance).mean()), 0
    labels = getattr(runner, "labels", None)
    other = fitted.labels(theirs) if labels is None else np.asarray(labels(frame))
    assert other is not None
    wrong = np.flatnonzero(mine != other)
    close = sum(_is_close(fitted, ours[row], tolerance) for row in wrong)
    return float(1.0 - len(wrong) / len(mine)), int(close)


def _is_close(fitted: Subject, shares: np.ndarray, tolerance: float) -> bool:
    """Whether a change within the tolerance could decide otherwise."""
    steps = np.eye(len(shares)) * 2 * max(tolerance, 1e-12)
    moved = np.concatenate([shares + steps, shares - steps])
    found = fitted.labels(moved)
    return found is not None and len(np.unique(found)) > 1
