"""What a validation found: each broken expectation with its rows, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.wording import counted

_EXAMPLES = 5


@dataclass(frozen=True)
class Violation:
    """One expectation that is not met.

    `check` is a stable word (type, missing, range, allowed, ...), `rows` the first few 1-based
    data rows and `values` what stands there; `count` of `of` rows do not meet it. `severity` is
    "error", or "warning": worth a look, yet chance could explain it or nothing hangs on it.
    """

    check: str
    severity: str
    columns: tuple[str, ...]
    said: str
    remedy: str
    count: int = 0
    of: int = 0
    rows: tuple[int, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Share of the rows looked at that do not meet it."""
        return self.count / self.of if self.of else 0.0

    def __str__(self) -> str:
        return f"{self.severity}: {self.said}. {self.remedy}"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"check": self.check, "severity": self.severity, "columns": list(self.columns),
                "said": self.said, "count": self.count, "of": self.of, "share": self.share,
                "rows": list(self.rows), "values": list(self.values), "remedy": self.remedy}


@dataclass(frozen=True)
class Validation:
    """Every violation, the gravest first, and what could not be checked.

    `drift` is the comparison of the two sets of rows, where there was a second set (or a sketch
    of it) to compare with. `strict`: warnings count too. `hint` says where the expectations can
    be edited, if they came from no file.
    """

    source: str
    rows: int
    against: str
    checks: int
    violations: tuple[Violation, ...]
    strict: bool = False
    unchecked: tuple[str, ...] = ()
    drift: Any = None
    hint: str = ""

    @property
    def errors(self) -> tuple[Violation, ...]:
        """Violations that are no matter of chance."""
        return tuple(found for found in self.violations if found.severity == "error")

    @property
    def warnings(self) -> tuple[Violation, ...]:
        """Violations that chance could explain, or that need not be wrong."""
        return tuple(found for found in self.violations if found.severity == "warning")

    @property
    def ok(self) -> bool:
        """True if there is no error; with `strict`, no warning either."""
        return not (self.violations if self.strict else self.errors)

    def of(self, column: str) -> tuple[Violation, ...]:
        """The violations that concern a column."""
        return tuple(found for found in self.violations if column in found.columns)

    @property
    def verdict(self) -> str:
        """The outcome in one sentence."""
        counts = {"error": len(self.errors), "warning": len(self.warnings)}
        said = " and ".join(counted(count, word) for word, count in counts.items() if count)
        said = said or "nothing to object to"
        word = "valid" if self.ok else "not valid"
        return (f"{word}: {said} in {self.rows:,} {'row' if self.rows == 1 else 'rows'} of "
                f"{self.source}, held against {self.against} ({self.checks:,} checks)")

    def to_text(self) -> str:
        """The verdict, then each violation with examples and the way out."""
        lines = [self.verdict + "."]
        for found in self.violations:
            lines += ["", f"{found.severity}: {found.said}"]
            if found.rows:
                lines.append(f"  {examples(found)}")
            lines.append(f"  {found.remedy}")
        if self.unchecked:
            lines += ["", "Not checked:", *(f"  {said}" for said in self.unchecked)]
        if self.hint and self.violations:
            lines += ["", self.hint]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"ok": self.ok, "source": self.source, "rows": self.rows, "against": self.against,
                "strict": self.strict, "checks": self.checks,
                "violations": [found.to_json() for found in self.violations],
                "unchecked": list(self.unchecked),
                "drift": None if self.drift is None else self.drift.to_json()}

    def __str__(self) -> str:
        return self.to_text()


def ordered(found: list[Violation]) -> tuple[Violation, ...]:
    """Errors first, then by how many rows they concern."""
    return tuple(sorted(found, key=lambda each: (each.severity != "error", -each.share)))


def examples(found: Violation) -> str:
    """Rows and values in a line: "row 3: 'x', row 17: 'y', ..."."""
    pairs = [f"row {row:,}" + (f": {value}" if value else "")
             for row, value in zip(found.rows, found.values or ("",) * len(found.rows),
                                   strict=True)]
    return ", ".join(pairs) + (", ..." if found.count > len(found.rows) else "")
