"""The page of a comparison of treatments: what follows, the table, precision-recall curves.

>>> from wholefit.report import treatments as pages
>>> pages.write(compared, "treatments.html", notes=[])                # doctest: +SKIP
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wholefit._version import __version__
from wholefit.report import _svg, words, writing
from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report._style import STYLE
from wholefit.training.treatments import MOVED, Compared, Treated

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
# Colours that the usual kinds of colour blindness tell apart (Okabe and Ito 2008); dashes tell
# the rest. Doing nothing is drawn last, in the ink of the page.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_DASHES = ("", "7 4", "2 3")
_MORE_STYLE = """
.curve{fill:none;stroke-width:1.7}.curve.none{stroke:var(--ink);stroke-width:2.4}
.curves{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1.5rem}
.keys{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.1rem 1rem;font-size:.9rem}
.keys svg{display:inline-block;vertical-align:middle;margin-right:.35rem}
.up{color:#007a55;font-weight:600;white-space:nowrap}
.down{color:#b3400f;font-weight:600;white-space:nowrap}
@media (prefers-color-scheme:dark){.up{color:#4cc79a}.down{color:#ff9d6b}}
.same{color:var(--soft)}
"""


def page(compared: Compared, notes: Sequence[str] = ()) -> str:
    """The page, self-contained: it fetches nothing and runs no script."""
    sections = [("follows", "What follows", _follows(compared)),
                ("table", "The table", _table(compared)),
                ("gaps", "Against doing nothing", _gaps(compared)),
                ("curves", "Precision and recall", _curves(compared)),
                ("how", "How it was compared", bullets(data(note, 900) for note in notes
                                                      if not note.startswith("+ and -")))]
    nav = el("nav", el("ul", *(el("li", el("a", title, href=f"#{name}"))
                               for name, title, _ in sections)), aria_label="Sections")
    body = (el("section", el("h2", title, id=f"{name}-title"), inner, id=name,
               aria_labelledby=f"{name}-title") for name, title, inner in sections)
    whole = el("html", _head(compared), el(
        "body", _top(compared, nav), el("main", *body),
        el("footer", el("p", f"wholefit {__version__}. Nothing on this page is fetched from "
                             "elsewhere."))), lang="en")
    return f"<!doctype html>\n{whole}\n"


def write(
    compared: Compared, path: str | os.PathLike[str], *, notes: Sequence[str] = (),
    force: bool = False,
) -> Path:
    """Write the page to `path`; returns it. ArtifactError where it cannot be written."""
    return writing.put(lambda: page(compared, notes), path, force)


def _head(compared: Compared) -> Html:
    return el("head", el("meta", charset="utf-8"),
              el("meta", name="viewport", content="width=device-width, initial-scale=1"),
              el("meta", http_equiv="Content-Security-Policy", content=_POLICY),
              el("meta", name="referrer", content="no-referrer"),
              el("title", f"Treatments of {compared.target}"),
              el("style", Html(STYLE + _MORE_STYLE)))


def _top(compared: Compared, nav: Html) -> Html:
    total = sum(compared.counts)
    rare = min(compared.counts)
    tiles = [("rows", f"{total:,}"), ("classes", f"{len(compared.classes)}"),
             ("rarest class", join([data(compared.classes[compared.counts.index(rare)], 30)])),
             ("its rows", f"{rare:,} ({rare / max(total, 1):.1%})")]
    return el("header", el("h1", "Treating imbalance of ", data(compared.target, 120)),
              el("p", data(compared.source, 160), cls="kind"),
              el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in tiles),
                 cls="tiles"), nav)


def _follows(compared: Compared) -> Html:
    return bullets(data(sentence, 900) for sentence in compared.said)


def _table(compared: Compared) -> Html:
    header = ["treatment", "model", *(_title(name) for name in compared.metrics), "seconds"]
    rows = [[row.treatment, data(row.model), *_cells(row, compared.metrics),
             "–" if row.reason else f"{row.seconds:.2g}"] for row in compared.rows]
    numbers = range(2, len(header))
    return join([
        el("p", "On rows that no model had seen, with 95% intervals. Cost as decided: with the "
           "class that the treatment says; threshold moved: with the threshold of least cost, "
           "chosen on other rows than those scored."),
        table(header, rows, "Scores of every model under every treatment",
              numbers=tuple(numbers), cls="board")])


def _cells(row: Treated, names: Sequence[str]) -> list[Any]:
    if row.reason:
        return [data(row.reason, 200), *("" for _ in names[1:])]
    return [_score(row, name) for name in names]


def _score(row: Treated, name: str) -> Html:
    score = row.scores[name]
    mark = (el("span", " ▲", cls="up") if name in row.better else
            el("span", " ▼", cls="down") if name in row.worse else None)
    value = words.value(score)
    return join([value, mark, el("br"), el("span", words.span(score), cls="interval")])


def _gaps(compared: Compared) -> Html:
    rows = [[row.treatment, data(row.model), *(_gap(row, name) for name in compared.metrics)]
            for row in compared.rows if row.differences]
    header = ["treatment", "model", *(_title(name) for name in compared.metrics)]
    return join([
        el("p", "Paired differences from the same model untreated, on the same rows, with 95% "
           "intervals; p after Holm's correction for all rows of this table. ",
           el("span", "▲", cls="up"), " better, ", el("span", "▼", cls="down"),
           " worse beyond chance."),
        table(header, rows, "Differences from doing nothing",
              numbers=tuple(range(2, len(header))), cls="board")])


def _gap(row: Treated, name: str) -> Html:
    found = row.differences[name]
    if found.value != found.value:
        return el("span", "undefined", cls="same")
    if found.value == found.low == found.high == 0:
        return el("span", "the same", cls="same")
    value, low, high = words.alike((found.value, found.low, found.high), found.high - found.low)
    mark = (el("span", " ▲", cls="up") if name in row.better else
            el("span", " ▼", cls="down") if name in row.worse else None)
    return join([value, mark, el("br"), el("span", f"{low} to {high}", cls="interval"), el("br"),
                 el("span", f"p {row.adjusted[name]:.2g}", cls="interval")])


def _curves(compared: Compared) -> Html:
    models = list(dict.fromkeys(row.model for row in compared.rows))
    drawn = [_curve(model, [row for row in compared.rows if row.model == model and len(row.curve)],
                    compared) for model in models]
    label = data(compared.classes[compared.positive], 40)
    return join([
        el("p", "Going down the list of rows from the one most surely ", el("b", label),
           ": the share of them found so far (recall) and the share of the rows taken that are "
           "of it (precision). Curves that lie on one another rank equally well; the dashed "
           "rule is guessing."),
        el("div", *drawn, cls="curves")])


def _curve(model: str, rows: Sequence[Treated], compared: Compared) -> Html:
    shown = [row for row in rows if row.treatment != "threshold"]
    frame = _svg.Frame((0.0, 1.0), (0.0, 1.0))
    share = compared.counts[compared.positive] / max(sum(compared.counts), 1)
    rule = el("line", x1=f"{frame.x(0):.1f}", x2=f"{frame.x(1):.1f}", y1=f"{frame.y(share):.1f}",
              y2=f"{frame.y(share):.1f}", cls="rule")
    looks = _looks([row.treatment for row in shown])
    order = sorted(shown, key=lambda row: row.treatment == "none")
    lines = (_line(frame, row, looks[row.treatment]) for row in order)
    title = f"Precision by recall of {model}, treated and not"
    keys = (el("li", _key(looks[row.treatment], row.treatment), row.treatment) for row in shown)
    return el("div", el("h3", data(model)),
              el("figure", frame.draw(title, "recall", "precision", rule, *lines)),
              el("ul", *keys, cls="keys"))


def _looks(treatments: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and dashes of each treatment."""
    treated = [name for name in treatments if name != "none"]
    found = {name: (_COLOURS[at % len(_COLOURS)], _DASHES[at // len(_COLOURS) % len(_DASHES)])
             for at, name in enumerate(treated)}
    return {"none": ("", ""), **found}


def _line(frame: _svg.Frame, row: Treated, look: tuple[str, str]) -> Html:
    points = " ".join(f"{frame.x(recall):.1f},{frame.y(precision):.1f}"
                      for recall, precision, _ in row.curve)
    return el("polyline", points=points,
              cls="curve none" if row.treatment == "none" else "curve",
              stroke=look[0] or None, stroke_dasharray=look[1] or None)


def _key(look: tuple[str, str], name: str) -> Html:
    line = el("line", x1=0, x2=26, y1=5, y2=5, cls="curve none" if name == "none" else "curve",
              stroke=look[0] or None, stroke_dasharray=look[1] or None)
    return el("svg", line, width=26, height=10, aria_hidden="true")


def _title(name: str) -> str:
    known = {"expected_cost": "cost as decided", MOVED: "cost, threshold moved"}
    return known.get(name, words.pretty(name).replace("@", " at ").replace("=", " "))
