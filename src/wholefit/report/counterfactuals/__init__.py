"""Counterfactuals and nearest examples, drawn: as a section of a page, and for a notebook."""

from __future__ import annotations

from wholefit.explain.counterfactuals import Counterfactuals
from wholefit.report._html import el
from wholefit.report._notebook import note
from wholefit.report.counterfactuals._section import board, picture, section

__all__ = ["section", "snippet"]


def snippet(record: Counterfactuals) -> str:
    """The sentences and the table of changes, for a notebook."""
    lines = record.lines()
    return note(el("p", el("b", lines[0])), board(record), picture(record),
                *(el("p", line) for line in lines[1:]))
