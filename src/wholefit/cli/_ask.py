"""What a person asks of `wholefit label`, and the session that it opens."""

from __future__ import annotations

import getpass
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wholefit.base.errors import DataError, ParameterError
from wholefit.cli._app import importable
from wholefit.cli._progress import told

if TYPE_CHECKING:
    from wholefit.training.labelling import Session


@dataclass
class Ask:
    """The words of the command line."""

    sources: list[str]
    stores: list[Path]
    column: list[str] | None
    classes: str | None
    images: bool
    id: str | None
    ordered: bool | None
    guide: Path | None
    people: list[str]
    order: str
    strategy: str
    random_share: float
    overlap: float
    again: bool
    assist: bool
    model: str | None
    json: bool
    reading: dict[str, Any] = field(default_factory=dict)

    def source(self) -> str:
        """The one table; a refusal where several are given."""
        if len(self.sources) > 1:
            raise ParameterError(f"one table is labelled at a time; got {len(self.sources)} "
                                 "(several journals are for --agreement).")
        return self.sources[0]

    def store(self) -> Path:
        """The one journal that is written to."""
        if len(self.stores) > 1:
            raise ParameterError("one --store is written to; several are for --export.")
        return self.stores[0] if self.stores else self.beside()

    def beside(self) -> Path:
        """The journal of a source where none is named."""
        source = self.source()
        stem = "" if source == "-" or "://" in source else Path(source).resolve().name
        return Path(f"{stem.split('.')[0] or 'data'}.labels.jsonl")

    def person(self) -> str:
        """Who labels in the terminal."""
        if len(self.people) > 1:
            raise ParameterError("one annotator labels in a terminal; several with --web.")
        return self.people[0] if self.people else user()

    def open(self, said: list[str]) -> Session:
        """The session; what was odd is said first."""
        import wholefit as wf

        source = self.source()
        if source == "-" and not sys.stdin.isatty():
            raise ParameterError("standard input cannot be both the table and the answers: save "
                                 "the table to a file first.")
        importable(self.model)
        with told(True) as notes:
            session = wf.label(
                source, column=self.column, classes=self.classes, store=self.store(),
                order=self.order, strategy=self.strategy, random_share=self.random_share,
                overlap=self.overlap, again=self.again, model=self.model,
                guide=_text(self.guide), ordered=self.ordered, id=self.id, images=self.images,
                **self.reading)
        said += notes
        return session


def user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "annotator"


def _text(guide: Path | None) -> str | None:
    if guide is None:
        return None
    try:
        return guide.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DataError(f"the guide {guide} cannot be read: {error.strerror}.") from error
