"""The page of a validation: what does not fit, how much of it, which rows, and the way out.

>>> from wholefit.report import validation as pages
>>> pages.write(wf.validate("new.csv", "old.csv"), "new.html")          # doctest: +SKIP
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from wholefit._version import __version__
from wholefit.data.validate import Validation, Violation
from wholefit.data.validate.validation import examples
from wholefit.evaluation.drift import Drift, Shift
from wholefit.report import writing
from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report._style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_MOST = 500
_MORE_STYLE = (
    ".verdict{font-weight:600}.good{color:var(--tied)}.bad{color:var(--loud)}"
    ".faults td:nth-child(2){min-width:18rem}.faults td:nth-child(4){min-width:14rem}"
    ".faults td:nth-child(5){min-width:14rem}.faults tbody th{white-space:nowrap}"
    ".track{display:block;width:7rem;height:.6rem;background:var(--panel);border-radius:.2rem}"
    ".track i{display:block;height:100%;width:var(--s);background:var(--other);"
    "border-radius:.2rem}.track .drift{background:var(--loud)}")


def page(found: Validation) -> str:
    """The page of a validation, self-contained: it fetches nothing and runs no script."""
    sections = [("violations", "What does not fit", _violations(found)),
                ("drift", "Drift", None if found.drift is None else _drift(found.drift)),
                ("unchecked", "What could not be checked", _unchecked(found))]
    drawn = [(name, title, inner) for name, title, inner in sections if inner is not None]
    head = el("head", el("meta", charset="utf-8"),
              el("meta", name="viewport", content="width=device-width, initial-scale=1"),
              el("meta", http_equiv="Content-Security-Policy", content=_POLICY),
              el("meta", name="referrer", content="no-referrer"),
              el("title", f"Validation of {found.source}"), el("style", Html(STYLE + _MORE_STYLE)))
    body = (el("section", el("h2", title, id=f"{name}-title"), inner, id=name,
               aria_labelledby=f"{name}-title") for name, title, inner in drawn)
    foot = el("footer", el("p", "This page shows values of the data: share it like the data."),
              el("p", f"wholefit {__version__}. Nothing on this page is fetched from elsewhere."))
    whole = el("html", head, el("body", _top(found), el("main", *body), foot), lang="en")
    return f"<!doctype html>\n{whole}\n"


def write(found: Validation, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write the page to `path`; returns it. An existing file is replaced only with `force`."""
    return writing.put(lambda: page(found), path, force)


def _top(found: Validation) -> Html:
    word = el("span", "valid" if found.ok else "not valid", cls="good" if found.ok else "bad")
    drifted = "–" if found.drift is None else f"{len(found.drift.shifted):,}"
    tiles = [("verdict", word), ("errors", f"{len(found.errors):,}"),
             ("warnings", f"{len(found.warnings):,}"), ("drifted", drifted),
             ("rows", f"{found.rows:,}"), ("checks", f"{found.checks:,}")]
    return el("header", el("h1", "Validation of ", data(found.source, 120)),
              el("p", "held against ", data(found.against, 120),
                 "; warnings count as errors" if found.strict else None, cls="kind"),
              el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in tiles),
                 cls="tiles"))


def _violations(found: Validation) -> Html:
    if not found.violations:
        return el("p", f"Nothing: all {found.checks:,} checks were met.")
    shown = [_violation(each) for each in found.violations[:_MOST]]
    more = len(found.violations) - len(shown)
    return join([
        table(["severity", "what", "rows", "such as", "way out"], shown,
              "Violations, the gravest first", numbers=(2,), cls="faults"),
        el("p", f"And {more:,} more.", cls="small") if more > 0 else None])


def _violation(found: Violation) -> list[Any]:
    share = f" ({found.share:.1%})" if found.of else ""
    return [el("span", found.severity, cls="bad" if found.severity == "error" else None),
            data(found.said, 400), f"{found.count:,}{share}" if found.count else "",
            data(examples(found), 300) if found.rows else "", data(found.remedy, 300)]


def _drift(found: Drift) -> Html:
    judged = [shift for shift in found.shifts if shift.verdict != "not judged"]
    skipped = [shift for shift in found.shifts if shift.verdict == "not judged"]
    return join([
        el("p", data(found.said, 1000)),
        el("p", "The distance is a share of rows: how many would have to change for the two sets "
           "to agree. It does not grow with the number of rows, the certainty does; drift is what "
           "is certain and large.", cls="small"),
        table(["column", "verdict", "distance", "", "p, corrected", "what changed", "compared",
               "PSI", "JS", "L-infinity"], [_shift(shift) for shift in judged[:_MOST]],
              "Comparisons of columns, the worst first", numbers=(2, 4, 7, 8, 9)),
        el("h3", "Not judged") if skipped else None,
        bullets(join([data(shift.column, 60), ": ", data(shift.said, 200)])
                 for shift in skipped[:_MOST]) if skipped else None])


def _shift(shift: Shift) -> list[Any]:
    bar = el("span", el("i", cls="drift" if shift.verdict == "drift" else None,
                        style=f"--s:{min(shift.distance, 1.0):.1%}"), cls="track")
    return [data(shift.column, 60),
            el("span", shift.verdict, cls="bad" if shift.verdict == "drift" else None),
            _number(shift.distance), bar, shift.p_said, data(shift.said, 120),
            shift.kind, _number(shift.psi), _number(shift.jensen_shannon),
            _number(shift.l_infinity)]


def _unchecked(found: Validation) -> Html | None:
    return bullets(data(said, 400) for said in found.unchecked) if found.unchecked else None


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
