"""What results are asked, as a notebook shows it: the same records and mappings, with a picture."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from wholefit import evaluation
from wholefit.data.findings import Finding
from wholefit.evaluation import Score
from wholefit.evaluation import slices as sliced

Kind = TypeVar("Kind")


class Noted:
    """Shows itself in a notebook, as the folder of its topic in `wholefit.report` draws it."""

    _topic: ClassVar[str]

    def _repr_html_(self) -> str:
        return str(self._pages().snippet(self))

    def __str__(self) -> str:
        return str(self.to_text())  # type: ignore[attr-defined]

    def _pages(self) -> Any:
        return importlib.import_module(f"wholefit.report.{self._topic}")


class Paged(Noted):
    """Writes itself as a page too."""

    def report(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write one self-contained HTML page to `path`; returns it.

        An existing file is replaced only with `force`; ArtifactError says what cannot be written.
        """
        written: Path = self._pages().write(self, path, force=force)
        return written


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
