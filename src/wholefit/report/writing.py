"""The page as a whole, the file it is written to, and the few lines a notebook shows."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wholefit.base.errors import ArtifactError
from wholefit.report import _facts, leaderboard, words
from wholefit.report._facts import Reported
from wholefit.report._html import Html, data, el, join
from wholefit.report._style import STYLE
from wholefit.report.sections import SECTIONS

# Nothing on the page may load or run anything, whatever a column is called.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_SNIPPET_ROWS = 20


def page(result: Reported) -> str:
    """The report of a result, as one self-contained HTML page.

    Fetches nothing and runs no script. The same result gives the same page, fresh or loaded.
    """
    drawn = [(section, section.draw(result)) for section in SECTIONS]
    shown = [(section, inner) for section, inner in drawn if inner is not None]
    return whole(f"Predicting {result.target}: {result.model}", lambda nav: _top(result, nav),
                 [(section.name, section.title, inner) for section, inner in shown],
                 foot(result.lineage))


def whole(
    title: str, top: Callable[[Html], Html], shown: Sequence[tuple[str, str, Html]], end: Html
) -> str:
    """A page: its title, what stands above all else (given the list of sections), the sections.

    `shown` holds each section's name in its address, its heading, and what is in it.
    """
    head = el("head", el("meta", charset="utf-8"),
              el("meta", name="viewport", content="width=device-width, initial-scale=1"),
              el("meta", http_equiv="Content-Security-Policy", content=_POLICY),
              el("meta", name="referrer", content="no-referrer"),
              el("title", title), el("style", Html(STYLE)))
    nav = el("nav", el("ul", *(el("li", el("a", heading, href=f"#{name}"))
                               for name, heading, _ in shown)), aria_label="Sections")
    body = (el("section", el("h2", heading, id=f"{name}-title"), inner,
               id=name, aria_labelledby=f"{name}-title") for name, heading, inner in shown)
    made = el("html", head, el("body", top(nav), el("main", *body), end), lang="en")
    return f"<!doctype html>\n{made}\n"


def write(result: Reported, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write the page to `path`; returns it.

    An existing file is replaced only with `force`, and only once the new page is complete.
    Raises ArtifactError where the file cannot be written.
    """
    return put(lambda: page(result), path, force)


def put(make: Callable[[], str], path: str | os.PathLike[str], force: bool) -> Path:
    """Write the text that `make` gives to `path`, once it is sure that it may be written."""
    target = Path(os.path.realpath(path))
    _check_place(path, target, force)
    content = make().encode("utf-8")
    draft = target.with_name(f".{target.name[:80]}.{secrets.token_hex(6)}.tmp")
    try:
        with open(draft, "xb") as file:
            file.write(content)
        _check_place(path, target, force)
        os.replace(draft, target)
    except OSError as error:
        raise ArtifactError(f"{target.name} cannot be written: {error.strerror or error}.") \
            from error
    finally:
        draft.unlink(missing_ok=True)
    return Path(path)


def snippet(result: Reported) -> str:
    """A heading and the leaderboard, for a notebook; the styles are the notebook's own."""
    metric = result.leaderboard.metric
    shown = list(result.leaderboard)[:_SNIPPET_ROWS]
    header = ["model", metric, ""]
    rows = (el("tr", *(el("td", cell, style="text-align:left") for cell in _line(entry, metric)))
            for entry in shown)
    more = len(result.leaderboard) - len(shown)
    return str(el(
        "div", el("p", el("b", data(result.model)), " predicts ", el("b", data(result.target)),
                  f" ({result.task}): {words.pretty(metric)} {result.score} on unseen rows"),
        el("table", el("thead", el("tr", *(el("th", name, scope="col", style="text-align:left")
                                           for name in header))), el("tbody", *rows)),
        el("p", f"and {more} more") if more > 0 else None))


def _line(entry: Any, metric: str) -> list[Any]:
    score = entry.scores.get(metric)
    marks = [mark for mark, true in (("best", entry.best), ("tied", entry.tied and not entry.best),
                                     ("recommended", entry.recommended)) if true]
    if score is None:
        return [data(entry.model), "–", data(f"{entry.status}: {entry.reason}")]
    return [data(entry.model), str(score), ", ".join(marks)]


def _top(result: Reported, nav: Html) -> Html:
    lineage = result.lineage
    score = _facts.main_score(result, _facts.chosen(result))
    base = _facts.baseline(result)
    tiles = [("model", data(result.model, 40)),
             (words.pretty(result.leaderboard.metric), leaderboard.score_cell(score))]
    if base is not None and not _facts.is_baseline(result):
        tiles.append(("the baseline's",
                      leaderboard.score_cell(_facts.main_score(result, base))))
    if isinstance(lineage.get("rows"), int):
        tiles.append(("rows", join([f"{lineage['rows']:,}"])))
    tiles.append(("columns learnt from", join([f"{len(result.schema.features):,}"])))
    return el(
        "header", el("h1", "Predicting ", data(result.target, 120)),
        el("p", f"{result.task} of ", data(lineage.get("source", "?")), cls="kind"),
        el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in tiles),
           cls="tiles"), nav)


def foot(lineage: dict[str, Any]) -> Html:
    """The last line of a page: what made it, and when."""
    when = f", fitted {lineage['made']}" if lineage.get("made") else ""
    return el("footer", el("p", f"wholefit {lineage.get('wholefit', '')}{when}. Nothing on "
                           "this page is fetched from elsewhere."))


def _check_place(path: str | os.PathLike[str], target: Path, force: bool) -> None:
    if target.is_dir():
        raise ArtifactError(f"{path} is a folder; give the name of a file in it.")
    if not target.parent.is_dir():
        raise ArtifactError(f"{path} cannot be written: the folder {str(target.parent)!r} does not "
                            "exist; make it first.")
    if target.exists() and not force:
        raise ArtifactError(f"{target.name} exists; pass force=True / --force to replace it.")
