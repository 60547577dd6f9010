"""What is watched, how often a false alarm is allowed, and what is too small to matter."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wholefit.base.errors import ParameterError
from wholefit.base.params import Params, param

CONTROLS = ("ever", "window", "discovery")
_UNITS = {"s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": 3600.0,
          "hour": 3600.0, "d": 86400.0, "day": 86400.0, "w": 604800.0, "week": 604800.0}
_SAID = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*\Z")


@dataclass(frozen=True)
class Options(Params):
    """How a log of answers is judged."""

    window: str = param(
        "500 rows", "What is judged at once: so many answers (\"500 rows\"), or a stretch of time "
        "(\"1 day\", \"6h\", \"30 min\").")
    level: float = param(
        0.05, "Chance of a false alarm that is allowed; `control` says of what.", above=0, below=1)
    control: str = param(
        "ever", "What the level bounds: \"ever\" the chance of any false alarm, however long it is "
        "watched; \"window\" the share of stable windows that alarm; \"discovery\" the share of "
        "false ones among the windows that alarm.", choices=CONTROLS)
    threshold: float = param(
        0.1, "Smallest drift that matters, as a share of rows; smaller ones are \"slight\".",
        low=0, high=1)
    loss: float = param(
        0.05, "Smallest loss of the score that matters, as a share of the score before.", low=0)
    metric: str | None = param(
        None, "The metric of true answers; that of the model file where left out.", none=True)
    by: tuple[str, ...] = param((), "Columns whose parts are watched each by itself.")
    protected: tuple[str, ...] = param(
        (), "Columns of groups of people: how often each gets the outcome is watched.")
    unsure: float = param(
        0.6, "Answers less sure than this count as low in confidence.", above=0, high=1)
    latency: float | None = param(
        None, "Seconds that at most 5 % of answers may take.", above=0, none=True)
    together: bool = param(
        True, "Also teach a model to tell the window's rows from the reference's.")
    anomalies: bool = param(True, "Also count strange rows.")
    least: int = param(50, "Windows of fewer rows are not judged.", low=10)
    last: int = param(60, "Windows that are judged, the newest.", low=1)
    seed: int = param(0, "Every random choice follows from it.", low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        span(self.window)


def span(said: str) -> tuple[str, float]:
    """("rows", 500) of "500 rows", ("seconds", 86400) of "1 day"; ParameterError for else."""
    found = _SAID.match(said.lower())
    number = float(found.group(1)) if found else 0.0
    unit = found.group(2) if found else ""
    if unit in ("row", "rows", "answer", "answers") and number >= 10 and number.is_integer():
        return "rows", number
    length = _UNITS.get(unit, _UNITS.get(unit.removesuffix("s"), 0.0)) * number
    if length < 1:
        raise ParameterError("window must be a number of rows (at least 10) or a stretch of time "
                             f"(at least a second), such as '500 rows', '1 day' or '6h'; got "
                             f"{said[:40]!r}.")
    return "seconds", length
