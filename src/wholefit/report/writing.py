"""The page as a whole, the file it is written to, and the few lines a notebook shows."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wholefit.base.errors import ArtifactError, ParameterError
from wholefit.report import _facts, as_json, brief, card, leaderboard, words
from wholefit.report._facts import Reported
from wholefit.report._html import Html, data, el, join
from wholefit.report._script import POLICY, SCRIPT
from wholefit.report._style import STYLE
from wholefit.report.sections import sections
from wholefit.report.understood import NOTHING, Understanding

ENDINGS = (".html", ".htm", ".md", ".json")


def page(result: Reported, known: Understanding = NOTHING) -> str:
    """The report of a result, as one self-contained HTML page, with what is `known` beyond it.

    Fetches nothing, and is whole without its one script. The same result gives the same page,
    fresh or loaded.
    """
    drawn = [(section, section.draw(result)) for section in sections(known)]
    shown = [(section, inner) for section, inner in drawn if inner is not None]
    return whole(f"Predicting {result.target}: {result.model}",
                 lambda nav: _top(result, nav, known),
                 [(section.name, section.title, inner) for section, inner in shown],
                 foot(result.lineage))


def whole(
    title: str, top: Callable[[Html], Html], shown: Sequence[tuple[str, str, Html]], end: Html
) -> str:
    """A page: its title, what stands above all else (given the list of sections), the sections.

    `shown` holds each section's name in its address, its heading, and what is in it.
    """
    nav = el("nav", el("ul", *(el("li", el("a", heading, href=f"#{name}"))
                               for name, heading, _ in shown)), aria_label="Sections", cls="toc")
    body = (el("section", el("h2", heading, id=f"{name}-title"), Html(words.spelled(inner)),
               id=name, aria_labelledby=f"{name}-title") for name, heading, inner in shown)
    made = el("html", _head(title), el(
        "body", el("a", "Skip to the report", href="#main", cls="skip"),
        Html(words.spelled(top(Html("")))), nav,
        el("main", *body, id="main"), end, el("script", Html(SCRIPT))), lang="en")
    return f"<!doctype html>\n{made}\n"


def _head(title: str) -> Html:
    """Nothing on the page may load anything, nor run anything but its one script."""
    return el("head", el("meta", charset="utf-8"),
              el("meta", name="viewport", content="width=device-width, initial-scale=1"),
              el("meta", http_equiv="Content-Security-Policy", content=POLICY),
              el("meta", name="referrer", content="no-referrer"),
              el("title", title[:300]), el("style", Html(STYLE)))


def write(
    result: Reported, path: str | os.PathLike[str], *, force: bool = False,
    known: Understanding = NOTHING,
) -> Path:
    """Write the report to `path`, of the kind that its ending names; returns it.

    .html is the page, .md the model card, .json all its facts. An existing file is replaced only
    with `force`, and only once the new one is complete. Raises ArtifactError where the file
    cannot be written, ParameterError for another ending.
    """
    makers: dict[str, Callable[[], str]] = {
        ".html": lambda: page(result, known), ".htm": lambda: page(result, known),
        ".md": lambda: card.card(result, known), ".json": lambda: as_json.text(result, known)}
    return put(lambda: makers[ending(path)](), path, force)


def ending(path: str | os.PathLike[str]) -> str:
    """The ending of a report's file; ParameterError where it names no kind of report."""
    found = Path(path).suffix.lower()
    if found not in ENDINGS:
        raise ParameterError(
            f"a report's file must end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}; got "
            f"{Path(path).name!r}: name it by the kind you want.")
    return found


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


def _top(result: Reported, nav: Html, known: Understanding) -> Html:
    lineage = result.lineage
    score = _facts.main_score(result, _facts.chosen(result))
    base = _facts.baseline(result)
    tiles = [("model", data(result.model, 40)),
             (words.pretty(result.leaderboard.metric), leaderboard.score_cell(score))]
    if base is not None and not _facts.is_baseline(result):
        tiles.append(("the baseline's",
                      leaderboard.score_cell(_facts.main_score(result, base))))
    held = known.scores.get(result.leaderboard.metric)
    if held is not None and known.rows is not None:
        tiles.append((f"on {known.rows:,} held-out rows", leaderboard.score_cell(held)))
    if isinstance(lineage.get("rows"), int):
        tiles.append(("rows", join([f"{lineage['rows']:,}"])))
    tiles.append(("columns learnt from", join([f"{len(result.schema.features):,}"])))
    return el(
        "header", el("h1", "Predicting ", data(result.target, 120)),
        el("p", f"{result.task} of ", data(lineage.get("source", "?")), cls="kind"),
        el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in tiles),
           cls="tiles"), brief.brief(result, known), nav)


def foot(lineage: dict[str, Any]) -> Html:
    """The last line of a page: what made it, and when."""
    when = f", fitted {lineage['made']}" if lineage.get("made") else ""
    return el("footer", el("p", f"wholefit {lineage.get('wholefit', '')}{when}. Nothing on "
                           "this page is fetched from elsewhere."))


def check_place(path: str | os.PathLike[str], force: bool) -> None:
    """ArtifactError where `path` cannot be written, before any work is done for it."""
    _check_place(path, Path(os.path.realpath(path)), force)


def _check_place(path: str | os.PathLike[str], target: Path, force: bool) -> None:
    if target.is_dir():
        raise ArtifactError(f"{path} is a folder; give the name of a file in it.")
    if not target.parent.is_dir():
        raise ArtifactError(f"{path} cannot be written: the folder {str(target.parent)!r} does not "
                            "exist; make it first.")
    if target.exists() and not force:
        raise ArtifactError(f"{target.name} exists; pass force=True / --force to replace it.")
