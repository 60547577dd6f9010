"""What was found in the data before it was learnt from: a table of findings, the gravest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wholefit.data.findings import Finding
from wholefit.report._facts import Reported
from wholefit.report._html import Html, data, el, join, table

_MOST = 60
_ROWS = 8
_SAID = {"critical": "leak or fault", "warning": "to check", "info": "to know"}


def findings(result: Reported) -> Html | None:
    """The section of a result's report; None where nothing was looked for or found."""
    return listed(result.findings) if result.findings else None


def listed(found: Sequence[Finding]) -> Html:
    """Counts in a sentence, and a line for each finding: what, why, and what treats it."""
    counts = Counter(one.severity for one in found)
    said = ", ".join(f"{counts[name]} {_SAID[name]}" for name in _SAID if counts[name])
    rows = [_line(one) for one in found[:_MOST]]
    more = len(found) - len(rows)
    return join([
        el("p", f"{said}. Nothing was changed or left out because of them."),
        table(["", "what was found", "why it matters", "what treats it"], rows,
              "What was found in the data", cls="findings"),
        el("p", f"And {more:,} more.", cls="small") if more > 0 else None,
    ])


def _line(one: Finding) -> list[Html]:
    treats = [el("code", data(word, 300)) for word in (one.flag, one.line) if word]
    return [el("span", _SAID[one.severity], cls="badge"),
            join([data(one.evidence, 600), _rows(one)]), data(one.why, 400),
            join(treats, el("br")) if treats else Html("–")]


def _rows(one: Finding) -> Html | None:
    """The first rows concerned."""
    if not len(one.rows):
        return None
    shown = ", ".join(f"{row:,}" for row in one.rows[:_ROWS].tolist())
    more = ", ..." if one.count > _ROWS or len(one.rows) > _ROWS else ""
    return join([el("br"), el("span", f"rows {shown}{more}", cls="small")])
