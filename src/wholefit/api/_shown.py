"""What results are asked, as a notebook shows it: the same records and mappings, with a picture."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar

from wholefit import evaluation
from wholefit.data.findings import Finding
from wholefit.evaluation import Score
from wholefit.evaluation import slices as sliced

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Difference(evaluation.Difference):
    """The paired difference of two models; see `wholefit.evaluation.Difference` for its facts."""

    def _repr_html_(self) -> str:
        from wholefit.report import notebook

        return notebook.difference(self)


@dataclass(frozen=True)
class Slices(sliced.Slices):
    """Scores of parts of the rows; see `wholefit.evaluation.slices.Slices` for its facts."""

    def _repr_html_(self) -> str:
        from wholefit.report import notebook

        return notebook.slices(self)

    def __str__(self) -> str:
        return self.to_text()


class Scores(dict[str, Score]):
    """Metrics by name, each with its interval: a dict that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        from wholefit.report import notebook

        return notebook.scores(self)


class Findings(tuple[Finding, ...]):
    """Findings, the gravest first: a tuple that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        from wholefit.report import notebook

        return notebook.findings(self)


def shown(found: evaluation.Difference) -> Difference:
    """The same difference, with a picture."""
    return as_kind(Difference, found)


def shown_slices(found: sliced.Slices) -> Slices:
    """The same slices, with a picture."""
    return as_kind(Slices, found)


def as_kind(kind: type[Kind], found: Any, **more: Any) -> Kind:
    """A record as the kind that shows itself, with the fields that this has more of."""
    return kind(**{**{field.name: getattr(found, field.name) for field in fields(found)}, **more})
