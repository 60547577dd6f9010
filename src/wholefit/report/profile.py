"""The page of a profile: what is in a table, drawn, in one file that fetches nothing.

>>> from wholefit.report import profile as pages
>>> pages.write(profile("churn.csv", "churn"), "churn.html")          # doctest: +SKIP
"""

from __future__ import annotations

import os
from pathlib import Path

from wholefit._version import __version__
from wholefit.data.profile import Profile
from wholefit.data.profile._words import percent, size
from wholefit.report import _profile_columns, writing
from wholefit.report import _profile_sections as sections
from wholefit.report._html import Html, data, el, table
from wholefit.report._notebook import note
from wholefit.report._profile_style import POLICY, SCRIPT
from wholefit.report._profile_style import STYLE as MORE_STYLE
from wholefit.report._style import STYLE

_SNIPPET_COLUMNS = 50


def page(profile: Profile, *, values: bool = True) -> str:
    """The page of a profile, self-contained; without `values` it shows no cell of the data.

    The one script filters and sorts the list of columns; the page is whole without it.
    """
    shown = profile if values else profile.without_values()
    drawn = [(name, title, inner) for name, title, inner in _sections(shown) if inner is not None]
    nav = el("nav", el("ul", *(el("li", el("a", title, href=f"#{name}"))
                               for name, title, _ in drawn)), aria_label="Sections")
    body = (el("section", el("h2", title, id=f"{name}-title"), inner, id=name,
               aria_labelledby=f"{name}-title") for name, title, inner in drawn)
    whole = el("html", _head(shown), el("body", _top(shown, nav), el("main", *body),
                                        _foot(values), el("script", Html(SCRIPT))), lang="en")
    return f"<!doctype html>\n{whole}\n"


def write(
    profile: Profile, path: str | os.PathLike[str], *, force: bool = False, values: bool = True
) -> Path:
    """Write the page to `path`; returns it.

    An existing file is replaced only with `force`, and only once the new page is complete.
    Raises ArtifactError where the file cannot be written.
    """
    return writing.put(lambda: page(profile, values=values), path, force)


def snippet(profile: Profile) -> str:
    """What was found, and the table of columns with a picture of each, for a notebook."""
    rows = [[data(c.name, 40), c.role, f"{c.missing:,}", f"{c.distinct:,}",
             data(c.summary(), 80), _profile_columns.small(c)]
            for c in profile.columns[:_SNIPPET_COLUMNS]]
    header = ("column", "role", "missing", "distinct", "values", "")
    more = len(profile.columns) - _SNIPPET_COLUMNS
    found = (el("li", el("b", each.severity), " ", data(str(each), 300))
             for each in profile.findings if each.severity != "info")
    return note(
        el("p", el("b", data(profile.source)), f": {profile.rows:,} rows, "
           f"{len(profile.columns):,} columns, {profile.duplicates:,} duplicate rows"),
        el("ul", *found), table(header, rows, "Every column, and what is in it", numbers=(2, 3)),
        el("p", f"and {more:,} more columns") if more > 0 else None)


def _sections(profile: Profile) -> list[tuple[str, str, Html | None]]:
    anchors = {column.name: f"c{at}" for at, column in enumerate(profile.columns)}
    return [
        ("findings", "What was found", sections.findings(profile, anchors)),
        ("advice", "What the data can carry", sections.advice(profile)),
        ("target", f"The target: {profile.target}", sections.target(profile)),
        ("against", "Beside the other data", sections.against(profile)),
        ("columns", "The columns", _profile_columns.columns(profile, anchors)),
        ("pairs", "Columns together", sections.pairs(profile)),
        ("missing", "Where cells are missing", sections.missing(profile)),
        ("notes", "How it was read and counted", sections.reading_notes(profile)),
    ]


def _head(profile: Profile) -> Html:
    return el("head", el("meta", charset="utf-8"),
              el("meta", name="viewport", content="width=device-width, initial-scale=1"),
              el("meta", http_equiv="Content-Security-Policy", content=POLICY),
              el("meta", name="referrer", content="no-referrer"),
              el("title", f"Profile of {profile.source}"), el("style", Html(STYLE + MORE_STYLE)))


def _top(profile: Profile, nav: Html) -> Html:
    cells = profile.rows * len(profile.columns)
    lacking = sum(column.missing for column in profile.columns)
    tiles = [("rows", f"{profile.rows:,}"), ("columns", f"{len(profile.columns):,}"),
             ("missing cells", percent(lacking / cells) if cells else "0.0%"),
             ("duplicate rows", f"{profile.duplicates:,}"), ("in memory", size(profile.memory))]
    if profile.sampled:
        tiles.append(("figures from", f"{profile.sampled:,} rows"))
    what = "no target" if profile.target is None else f"target {profile.target}"
    what += f", {profile.task}" if profile.task else ""
    return el("header", el("h1", "What is in ", data(profile.source, 120)),
              el("p", data(what, 160), cls="kind"),
              el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in tiles),
                 cls="tiles"), nav)


def _foot(values: bool) -> Html:
    said = ("This page shows values of the data: samples, levels, extremes and points. Share it "
            "like the data, or make it without them (--no-values)." if values else
            "This page was made without cells of the data; it shows names of columns, classes of "
            "the target, counts, ranges and quantiles.")
    return el("footer", el("p", said), el("p", f"wholefit {__version__}. Nothing on this page is "
                                          "fetched from elsewhere."))
