"""Notes: what reading or cleaning found odd and did about it, said aloud.

Nothing is repaired in silence: every repair leaves a Note, which reports, the command line and
the model's record show in the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from wholefit.base.errors import ParameterError
from wholefit.base.stored import typed

SEVERITIES = ("info", "warning")
_KEPT = 20


@dataclass(frozen=True)
class Note:
    """One thing found and what was done: kind (a stable slug), sentence, column, rows, count.

    `rows` are the 1-based data rows (the header is not counted), of which JSON keeps a few;
    `count` is how many rows or cells were touched in all. `severity` is "info" or "warning".
    """

    kind: str
    message: str
    column: str | None = None
    rows: tuple[int, ...] = ()
    count: int = 0
    severity: str = "info"

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ParameterError(
                f"Note.severity must be one of {SEVERITIES}; got {self.severity!r}."
            )

    def __str__(self) -> str:
        return self.message

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, with the first twenty of the rows."""
        return {**asdict(self), "rows": list(self.rows[:_KEPT])}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Note:
        """Back from `to_json`."""
        return typed(cls(**{**values, "rows": tuple(values.get("rows", ()))}))


def info(kind: str, message: str, **facts: Any) -> Note:
    """A note that asks for no attention: something was recognised."""
    return Note(kind, message, severity="info", **_plain(facts))


def warning(kind: str, message: str, **facts: Any) -> Note:
    """A note that a person should read: something was changed, lost or guessed."""
    return Note(kind, message, severity="warning", **_plain(facts))


def some(values: Sequence[Any], most: int = 5) -> str:
    """The first few values in a sentence: "3, 7, 9, ..."."""
    return ", ".join(str(v) for v in values[:most]) + (", ..." if len(values) > most else "")


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    if "rows" in facts:
        facts["rows"] = tuple(int(row) for row in facts["rows"])
    if "count" in facts:
        facts["count"] = int(facts["count"])
    return facts
