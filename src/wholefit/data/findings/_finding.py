"""A Finding: what is wrong with the data, where, why it matters, and the one line that treats it.

>>> found = Finding("constant", "info", ("site",), "column 'site' holds one value", "nothing to "
...                 "learn from it", "--role site=ignored", "fit(..., roles={'site': 'ignored'})")
>>> print(found)
column 'site' holds one value: --role site=ignored
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError

SEVERITIES = ("info", "warning", "critical")
_SHOWN = 10


def no_rows() -> np.ndarray:
    """No row at all."""
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Finding:
    """One thing found in a table.

    `kind` is a stable slug; `severity` "info" (know it), "warning" (look at it) or "critical"
    (scores or answers are wrong unless it is treated). `evidence` is a clause that says what was
    found, `why` one that says what it does to a model. `flag` is the command line's remedy,
    `line` Python's. `rows` int64 are ALL data rows concerned, counted from 1; `count` how many
    rows or cells they are (it may be known where the rows are not). `strength` in 0 .. 1 orders
    findings of one severity.
    """

    kind: str
    severity: str
    columns: tuple[str, ...]
    evidence: str
    why: str
    flag: str
    line: str
    count: int = 0
    rows: np.ndarray = field(default_factory=no_rows)
    strength: float = 0.0

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ParameterError(
                f"Finding.severity must be one of {SEVERITIES}; got {self.severity!r}.")

    @property
    def key(self) -> str:
        """Kind and columns in one word, to refer to this finding of a table by."""
        return f"{self.kind}:{','.join(self.columns)}"

    def __str__(self) -> str:
        return f"{self.evidence}: {self.flag}" if self.flag else self.evidence

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Finding) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.kind, self.columns, self.evidence))

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, with the first ten of the rows."""
        return {
            "kind": self.kind, "severity": self.severity, "columns": list(self.columns),
            "evidence": self.evidence, "why": self.why, "flag": self.flag, "line": self.line,
            "count": int(self.count), "rows": [int(row) for row in self.rows[:_SHOWN]],
            "strength": round(float(self.strength), 6),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Finding:
        """Back from `to_json`, with the rows that it kept; TypeError for what it never wrote."""
        words = ("kind", "severity", "evidence", "why", "flag", "line")
        kept = {name: values[name] for name in words}
        columns, rows = values["columns"], values.get("rows", [])
        count, strength = values.get("count", 0), values.get("strength", 0.0)
        if not all(isinstance(word, str) for word in [*kept.values(), *columns]) \
                or not all(type(n) is int and abs(n) < 2**63 for n in [count, *rows]) \
                or not isinstance(strength, (int, float)) or kept["severity"] not in SEVERITIES:
            raise TypeError("a finding's words must be text, its rows and count whole numbers")
        return cls(**kept, columns=tuple(columns), count=count,
                   rows=np.array(rows, dtype=np.int64), strength=float(strength))


def ordered(found: list[Finding]) -> tuple[Finding, ...]:
    """Critical ones first, then by strength; the order they were found in settles the rest."""
    rank = {name: at for at, name in enumerate(reversed(SEVERITIES))}
    return tuple(sorted(found, key=lambda f: (rank[f.severity], -f.strength)))
