"""The alert budget: how many alarms a person can look at, as a share of the rows.

>>> read("20 per day")
Allowance(number=20.0, per=86400.0, unit='day')
>>> settle(read("20 per day"), rows=48_000, seconds=100 * 86_400).share
0.041666666666666664

Nobody knows how many rows of a table are anomalies, and no method can tell. What a person does
know is how many alarms can be looked at; that number sets the threshold.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError

SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0, "week": 604_800.0,
           "month": 30.436875 * 86_400.0, "year": 365.2425 * 86_400.0}
_SHORT = {"s": "second", "sec": "second", "min": "minute", "h": "hour", "hr": "hour", "d": "day",
          "w": "week", "y": "year"}
# A budget that alarms on more rows than this finds what is common, not what is strange.
MOST = 0.5
_WAY_OUT = ("say a share such as '1%' or 0.01, a number such as 20 (for as many rows as were "
            "learnt from), '20 per 1000 rows', or '20 per day' with time= a column")
_NUMBER = r"(\d[\d,_]*(?:\.\d+)?|\.\d+)"
_FORM = re.compile(
    rf"{_NUMBER}\s*(%|percent)?\s*(?:alerts?|alarms?)?\s*"
    rf"(?:(?:per|an?|each|every|in|for|of|/)\s*(?:(?:the|all)\s*)?{_NUMBER}?\s*([a-z]+)?)?",
    re.IGNORECASE)


@dataclass(frozen=True)
class Allowance:
    """What was asked: so many alarms per so many of a unit.

    `unit` is "share" (`number` of each row), "batch" (rows as many as were learnt from), "row"
    (`per` rows), or a unit of time (`per` is in seconds).
    """

    number: float
    per: float
    unit: str

    @property
    def timed(self) -> bool:
        """True if it counts alarms by time."""
        return self.unit in SECONDS


@dataclass(frozen=True)
class Budget:
    """What the allowance comes to: the share of rows that may alarm, and how to say it."""

    share: float
    said: str


def read(alerts: Any) -> Allowance:
    """What `alerts=` means; ParameterError with the way out where it means nothing."""
    if isinstance(alerts, bool) or not isinstance(alerts, (int, float, str)):
        raise ParameterError(f"alerts cannot be {alerts!r}: {_WAY_OUT}.")
    if isinstance(alerts, str):
        return _read_text(alerts)
    if not (math.isfinite(alerts) and alerts > 0):
        raise ParameterError(f"alerts must be above 0; got {alerts!r}: {_WAY_OUT}.")
    if isinstance(alerts, float) and alerts < 1:
        return Allowance(float(alerts), 1.0, "share")
    return Allowance(float(alerts), 1.0, "batch")


def _read_text(text: str) -> Allowance:
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ParameterError(f"alerts cannot be {text!r}: {_WAY_OUT}.")
    number, percent, per, unit = found.groups()
    value = _plain(number) / (100 if percent else 1)
    if value <= 0:
        raise ParameterError(f"alerts must be above 0; got {text!r}: {_WAY_OUT}.")
    if unit is None and per is None:
        return Allowance(value, 1.0, "share" if percent or value < 1 else "batch")
    name = _unit(unit or "rows", text)
    times = _plain(per) if per else 1.0
    if times <= 0:
        raise ParameterError(f"alerts cannot be {text!r}: {_WAY_OUT}.")
    if percent:  # "1% of rows"
        return Allowance(value, 1.0, "share")
    return Allowance(value, times * SECONDS.get(name, 1.0), name)


def _plain(number: str) -> float:
    return float(number.replace(",", "").replace("_", ""))


def _unit(word: str, text: str) -> str:
    word = word.lower()
    word = _SHORT.get(word, word)
    bare = word[:-1] if word.endswith("s") and len(word) > 2 else word
    bare = _SHORT.get(bare, bare)
    if bare in SECONDS or bare == "row":
        return bare
    if bare in ("batch", "table"):
        return "batch"
    raise ParameterError(f"alerts cannot be counted per {word!r} (got {text!r}): {_WAY_OUT}.")


def settle(asked: Allowance, rows: int, seconds: float | None, unit: str = "row") -> Budget:
    """The share of rows that may alarm, of `rows` that came in so many `seconds` (None: unknown).

    `unit` is what alarms: "row", or "stretch" where windows do.

    ParameterError if a rate by time was asked and no time is known, or if most rows would alarm.
    """
    if asked.timed and not seconds:
        raise ParameterError(
            f"alerts={said(asked)!r} counts by time, and the rows have none: name their column "
            "with time=, or say a share such as alerts='1%'.")
    share = _share(asked, rows, seconds)
    if share > MOST:
        raise ParameterError(
            f"alerts={said(asked)!r} would alarm on {share:.0%} of the {unit}s; it must be at most "
            f"{MOST:.0%}: ask for fewer, for what most rows do is not strange.")
    return Budget(share, _told(asked, share, rows, seconds, unit))


def _share(asked: Allowance, rows: int, seconds: float | None) -> float:
    if asked.unit == "share":
        return asked.number
    if asked.unit == "batch":
        return asked.number / max(rows, 1)
    if asked.unit == "row":
        return asked.number / asked.per
    return asked.number * float(seconds or 0.0) / (asked.per * max(rows, 1))


def said(asked: Allowance) -> str:
    """The allowance in the words that `read` understands."""
    number = f"{asked.number:g}"
    if asked.unit == "share":
        return f"{asked.number * 100:.6g}%"
    if asked.unit == "batch":
        return number
    size = asked.per / SECONDS.get(asked.unit, 1.0)
    return f"{number} per {asked.unit}" if size == 1 else f"{number} per {size:g} {asked.unit}s"


def _told(
    asked: Allowance, share: float, rows: int, seconds: float | None, unit: str
) -> str:
    """The budget in words: what was asked, and what it comes to."""
    units = {"stretch": "stretches"}.get(unit, unit + "s")
    parts = f"{share_said(share)} of {units}, one in {max(1, round(1 / share)):,}"
    if asked.unit == "share":
        return parts
    if asked.unit == "batch":
        return (f"{asked.number:,g} for every {rows:,} {units} (as many as were learnt from): "
                f"{parts}")
    if not asked.timed:
        return f"{said(asked)}: {parts}"
    each = rows / float(seconds or 1.0) * SECONDS[asked.unit]
    return f"{said(asked)}, of about {each:,.3g} {units} per {asked.unit}: {parts}"


def share_said(share: float) -> str:
    """A share as a percentage with the digits it deserves."""
    return f"{100 * share:.3g}%"


def elapsed(times: np.ndarray) -> float | None:
    """Seconds that rows with these times (datetime64[us]) took; None where it cannot be known.

    From the first to the last, and one typical step more: 24 hourly rows are a day, not 23 hours.
    """
    known = times[~np.isnat(times)]
    if len(known) < 2:
        return None
    ticks = np.unique(known.astype(np.int64))
    if len(ticks) < 2:
        return None
    step = float(np.median(np.diff(ticks)))
    return (float(ticks[-1] - ticks[0]) + step) / 1e6
