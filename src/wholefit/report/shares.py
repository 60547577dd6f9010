"""How much each column adds, on average over many rows: bars, and a table of all of them."""

from __future__ import annotations

from wholefit.explain.shares import Shares
from wholefit.report import _bars
from wholefit.report._html import Html, data, details, el, join, table

_MOST, _ALL = 12, 200


def section(record: Shares) -> Html:
    """The topic's part of a page; it shows no single row."""
    rows = [row for row in record.columns if row[1] > 0]
    title = "Mean absolute contribution of each column to the answer"
    return join([
        el("h3", "How much each column adds to single answers"),
        el("p", _said(record)),
        _bars.ranked(rows[:_MOST], title) if rows else el("p", "No column adds anything."),
        _rest(record) if len(record.columns) > _MOST else None,
        el("p", "Single rows are left out of this page: they are personal data. Ask for them "
           "with values=True (--values).", cls="small"),
    ])


def _said(record: Shares) -> Html:
    return join([f"Each answer is a common start plus what each column adds to it, up or down. "
                 f"This is how much that is, on average over {record.rows:,} of the held-out "
                 f"rows, in units of {record.unit}, with its interval. How it was told: ",
                 data(f"{record.how.rstrip('., ')}, {record.compared.rstrip('., ')}", 600), "."])


def _rest(record: Shares) -> Html:
    cells = [[data(name, 60), *_bars.cells(*three)] for name, *three in record.columns[:_ALL]]
    return details(f"All {len(record.columns)} columns as a table", table(
        ["column", "mean size", "interval"], cells, "How much each column adds on average",
        numbers=(1, 2)))
