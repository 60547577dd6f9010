"""Nearest examples, drawn: a table for each asked row, the asked row first."""

from __future__ import annotations

from wholefit.explain._plausible import number
from wholefit.explain.nearest import Examples, Neighbourhood
from wholefit.report._html import Html, data, el, join, table
from wholefit.report._notebook import note

_MOST_ROWS, _MOST_COLUMNS = 10, 30


def section(record: Examples) -> Html | None:
    """The topic's section of a page; None where no row was asked."""
    if not record.found:
        return None
    more = len(record.found) - _MOST_ROWS
    drawn = [join([el("p", each.to_text(record.target)), _board(record, each)])
             for each in record.found[:_MOST_ROWS]]
    rest = el("p", f"and {more:,} more rows", cls="small") if more > 0 else None
    return join([*drawn, rest, *(el("p", line, cls="small")
                                 for line in record.lines()[len(record.found):])])


def snippet(record: Examples) -> str:
    """The same for a notebook."""
    return note(section(record))


def _board(record: Examples, each: Neighbourhood) -> Html:
    names = [name for name in each.cells if name != record.target][:_MOST_COLUMNS]
    asked = ["asked", "", f"{_plain(each.prediction)} (predicted)",
             *(_cell(each.cells.get(name)) for name in names)]
    rows = [[f"row {one.row + 1:,}", f"{one.alike:.2f}", _outcome(one.outcome, one.same),
             *(_cell(one.cells.get(name)) for name in names)] for one in each.examples]
    return table(["", "alike", record.target, *(data(name, 40) for name in names)],
                 [asked, *rows], f"Rows that the model treats most like row {each.row + 1}")


def _plain(prediction: object) -> str:
    return number(prediction) if isinstance(prediction, float) else str(prediction)


def _outcome(outcome: object, same: bool | None) -> Html | str:
    if outcome is None:
        return "not known"
    said = number(outcome) if isinstance(outcome, float) else str(outcome)
    return el("b", data(said, 60), " (another)") if same is False else data(said, 60)


def _cell(value: object) -> Html | str:
    if value is None:
        return "missing"
    return number(float(value)) if isinstance(value, float) else data(value, 60)
