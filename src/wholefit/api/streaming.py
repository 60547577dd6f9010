"""`result.stream`: readings as they come, each answered at once; a bad one never ends the loop."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit import data
from wholefit.base.errors import ParameterError, WholefitError
from wholefit.training.fitted import Fitted
from wholefit.training.quick import Quick


@dataclass(frozen=True)
class Answered:
    """One reading and its answer.

    `row` counts from 0; `sure` is the largest probability, None for a number; `seconds` is how
    long the answer took and `late` whether that was over the deadline. `wrong` says why there is
    no answer, "" where there is one.
    """

    row: int
    prediction: Any
    sure: float | None
    seconds: float
    late: bool = False
    wrong: str = ""


def stream(
    fitted: Fitted, readings: Iterable[Mapping[str, Any]], deadline: float | None,
    policies: Mapping[str, Any],
) -> Iterator[Answered]:
    """Answer each reading, a mapping of column names to values, when it comes."""
    if deadline is not None and not deadline > 0:
        raise ParameterError(f"deadline must be > 0 seconds; got {deadline!r}.")
    quick, how = Quick(fitted), data.Policies.from_dict(dict(policies))
    with fitted.reading("the model file cannot answer"):
        fitted.settle()  # what it needs is woken before the first reading comes
    for at, reading in enumerate(readings):
        start = time.perf_counter()
        wrong, prediction, sure = "", None, None
        try:
            prediction, sure = _answer(fitted, quick, reading, how)
        except WholefitError as error:
            wrong = str(error)
        seconds = time.perf_counter() - start
        late = deadline is not None and seconds > deadline
        yield Answered(at, prediction, sure, seconds, late, wrong)


def _answer(
    fitted: Fitted, quick: Quick, reading: Mapping[str, Any], how: Any
) -> tuple[Any, float | None]:
    """The prediction and how sure it is; the slow way where a value is not plainly of its type."""
    if not isinstance(reading, Mapping):
        raise ParameterError("a reading must map column names to values; got "
                             f"{type(reading).__name__}.")
    raw, asked = quick.answer([reading]), None
    if raw is None or fitted.decision is not None:
        asked = data.conforming([dict(reading)], fitted.schema, how)
        raw = fitted.answer(asked)
    codes = fitted.decided(raw, asked)
    sure = float(np.max(raw)) if raw.ndim == 2 else None
    found = fitted.codec.decode(codes)[0]
    return found.item() if isinstance(found, np.generic) else found, sure
