"""The pages of curves and cures: what follows, the picture, the table, how it was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wholefit._version import __version__
from wholefit.report import writing
from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report.curves import _pictures

__all__ = ["page", "section", "snippet", "write"]

_PLAIN = ("<style>.wf-curves svg{max-width:34rem;font:12px sans-serif}.wf-curves .tick,"
          ".wf-curves .axis-name,.wf-curves .name,.wf-curves .said{font-size:11px;"
          "fill:currentColor}.wf-curves .field{fill:none;stroke:#8884}"
          ".wf-curves .grid{stroke:#8883}.wf-curves .rule,.wf-curves .axis{stroke:#888}"
          ".wf-curves .bar{stroke:#1d5fbf;stroke-width:3}</style>")


def section(record: Any) -> Html | None:
    """What follows from a curve, a decomposition or cures: sentences, a picture, the table."""
    return join([bullets(data(line, 900) for line in record.said), _picture(record),
                 _table(record)])


def snippet(record: Any) -> str:
    """The same for a notebook, with the little style that the picture needs."""
    return str(el("div", Html(_PLAIN), section(record), cls="wf-curves"))


def page(record: Any) -> str:
    """One self-contained page."""
    title = f"{_title(record)} of {record.target}"

    def top(nav: Html) -> Html:
        return el("header", el("h1", _title(record), " of ", data(record.target, 120)),
                  el("p", data(_of(record), 160), cls="kind"), nav)

    how = [f"Metric: {record.metric} ({record.better} is better)." if hasattr(record, "metric")
           else f"Measured by the {record.measure}.",
           f"Intervals are at {record.level:.0%}."]
    if hasattr(record, "split"):
        how.append(f"Judged by {record.split}.")
    return writing.whole(title, top, [
        ("follows", "What follows", join([bullets(data(line, 900) for line in record.said)])),
        ("picture", "The picture", _picture(record)), ("table", "The table", _table(record)),
        ("how", "How it was measured", bullets(data(line, 400) for line in how))],
        writing.foot({"wholefit": __version__}))


def write(record: Any, path: str | Path, *, force: bool = False) -> Path:
    """Write the page to `path`; returns it. ArtifactError where it cannot be written."""
    return writing.put(lambda: page(record), path, force)


def _picture(record: Any) -> Html:
    if hasattr(record, "points"):
        return _pictures.learning(record)
    if hasattr(record, "settings"):
        return _pictures.validation(record)
    if hasattr(record, "cures"):
        return _pictures.gains(record)
    return _pictures.parts(record)


def _table(record: Any) -> Html:
    header, rows = record.table()
    return table(header, [[data(cell, 80) for cell in row] for row in rows], _title(record))


def _title(record: Any) -> str:
    names = {"points": "Learning curve", "settings": "Validation curve", "cures": "Cures"}
    return next((title for name, title in names.items() if hasattr(record, name)),
                "Bias and variance")


def _of(record: Any) -> str:
    return f"{getattr(record, 'model', 'several models')}, {record.source}"
