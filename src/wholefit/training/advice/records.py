"""Advice as a record: what to do, why, what it is worth, and what it was checked by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Advice:
    """One piece: `do` this, `because` of this evidence, `worth` so much if that is known.

    `rule` is the rule's name, `checked` the rows of the table of claims (or the benchmark) that
    it rests on. `rank` orders: 0 what makes scores untrue, 1 what gains most, 2 what is nice.
    """

    rule: str
    do: str
    because: str
    worth: str
    checked: str
    rank: int

    @property
    def said(self) -> str:
        """In a sentence or two."""
        worth = f" Worth: {self.worth}." if self.worth else ""
        return f"{self.do}, because {self.because}.{worth} (checked by {self.checked})"

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Advised:
    """What the evidence advises, the gravest first.

    `silent` names rules that were asked and found no evidence; `wanting` says what evidence was
    not given, and which rules want it; `unchecked` rules are of kinds of models that are not here
    yet.
    """

    target: str
    model: str
    advice: tuple[Advice, ...]
    silent: tuple[str, ...]
    wanting: tuple[str, ...]
    unchecked: tuple[str, ...]

    def __iter__(self) -> Iterator[Advice]:
        return iter(self.advice)

    def __len__(self) -> int:
        return len(self.advice)

    @property
    def said(self) -> str:
        """The outcome in a sentence."""
        if not self.advice:
            return (f"{self.model} for {self.target!r}: nothing in the evidence at hand asks for "
                    "anything.")
        return (f"{self.model} for {self.target!r}: {len(self.advice)} "
                f"{'thing' if len(self.advice) == 1 else 'things'} to do, the gravest first.")

    def to_text(self) -> str:
        """Each piece in its sentences, and what could not be looked at."""
        lines = [self.said]
        lines += [f"{at}. {each.said}" for at, each in enumerate(self.advice, 1)]
        if self.silent:
            lines.append(f"Looked at and found no reason to speak: {', '.join(self.silent)}.")
        lines += [f"Not looked at: {each}." for each in self.wanting]
        if self.unchecked:
            lines.append(f"Not checked yet, for want of networks: {', '.join(self.unchecked)}.")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"target": self.target, "model": self.model, "said": self.said,
                "advice": [each.to_json() for each in self.advice],
                "silent": list(self.silent), "wanting": list(self.wanting),
                "unchecked": list(self.unchecked)}

    def table(self) -> pl.DataFrame:
        """One row for each piece."""
        names = ("rank", "rule", "do", "because", "worth", "checked")
        return pl.DataFrame({name: [getattr(each, name) for each in self.advice]
                             for name in names},
                            schema_overrides={"rank": pl.Int64, **dict.fromkeys(
                                names[1:], pl.String)})

    def __str__(self) -> str:
        return self.to_text()
