"""The report of a generator: how far what it makes can be trusted, beside what is real."""

from __future__ import annotations

from types import ModuleType

from wholefit.report.generation import _sections, _texts
from wholefit.report.sections import Section
from wholefit.training.found import Found

__all__ = ["lines", "sections"]


def sections(found: Found) -> tuple[Section, ...]:
    """What this task's page has before the frame that all share."""
    drawn: tuple[Section, ...] = _of(found).sections(found)
    return drawn


def lines(found: Found) -> list[str]:
    """The same in plain sentences."""
    told: list[str] = _of(found).lines(found)
    return told


def _of(found: Found) -> ModuleType:
    return _texts if "writes" in found.told else _sections
