"""The parts of the page: alarms, what moved and when, scores, confidence, latency, words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report.monitoring._pictures import Line, squares, through_time

_MOST_ALARMS, _MOST_ROWS = 200, 40
_DRIFT = ("input", "missing", "together", "prediction", "confidence")
_ASKED = {
    "quality": "do rows keep what the model file says of them?",
    "input": "is each column distributed as in the reference?",
    "missing": "are as many cells missing?",
    "together": "can a model tell the window's rows from the reference's?",
    "anomalies": "are more rows strange?",
    "prediction": "does it answer the same as often?",
    "confidence": "is it as sure?",
    "unsure": "are as many answers low in confidence?",
    "score": "is it as good, by the truths that came?",
    "estimate": "is it as good, estimated without truths?",
    "concept": "do the truths that came keep what its confidence promised?",
    "slice": "is it as good on each part of the rows?",
    "fairness": "do groups get the outcome as before, beside each other?",
    "latency": "does it answer as fast?",
}
_TODO = {
    "quality": "See where the rows come from: a column was renamed, retyped, or lost on the way.",
    "input": "See why the rows changed. If they stay so, fit anew on rows like them.",
    "missing": "See why cells are missing: what fills them in may no longer.",
    "together": "Columns hang together otherwise: compare what goes with what, then fit anew.",
    "anomalies": "Look at the strangest rows: faults of the source, or people not seen before?",
    "prediction": "See whether the rows moved too; if not, the world may have changed.",
    "confidence": "See which rows it is less sure of; ask a person about those.",
    "unsure": "Send answers low in confidence to a person.",
    "score": "Fit anew on newer rows, and promote what passes the gate.",
    "estimate": "Get truths for some of these rows, and see whether it is so.",
    "concept": "Rows mean something else than before: only newer truths can mend that.",
    "slice": "Look at that part of the rows; gather more of them before it is fitted anew.",
    "fairness": "Audit the newest rows (wholefit audit) before more is decided by it.",
    "latency": "Look at the machine and at the size of the questions.",
}


def tiles(found: Any) -> list[tuple[str, Html]]:
    """The numbers at the head of the page."""
    newest = found.windows[-1] if found.windows else None
    said = [("alarms", join([f"{len(found.alarms):,}"])),
            ("windows judged", join([f"{len(found.windows):,}"])),
            ("answers read", join([f"{found.rows:,}"]))]
    if newest is None:
        return said
    said.append(("newest window", join([f"{_when(newest.window.end)} UTC"])))
    for kind, name in (("score", "score by truths"), ("estimate", "score without truths")):
        check = next((each for each in reversed(found.series(kind))
                      if math.isfinite(each.value)), None)
        if check is not None:
            said.append((f"{name}: {check.what}", _interval(check)))
    return said


def sections(found: Any) -> list[tuple[str, str, Html]]:
    """Name, heading and content of each part of the page."""
    drawn = [("alarms", "Alarms", alarms(found)),
             ("moved", "What moved, and when", _moved(found)),
             ("score", "How good it is", _scores(found)),
             ("sure", "How sure it is, and how strange the rows are", _lines(found, (
                 ("confidence", "mean confidence"), ("unsure", "share low in confidence"),
                 ("anomalies", "share of strange rows")))),
             ("parts", "Parts and groups", _parts(found)),
             ("latency", "How fast it answers", _latency(found)),
             ("newest", "The newest window", _newest(found)),
             ("limits", "What could not be judged", bullets(
                 data(note, 500) for note in found.notes) if found.notes else None),
             ("words", "What is asked, and how certain an alarm is", _words(found))]
    return [(name, title, inner) for name, title, inner in drawn if inner is not None]


def alarms(found: Any) -> Html:
    """Every alarm, the newest first, with what to do about it."""
    told = [(judged.window, check) for judged in reversed(found.windows)
            for check in judged.alarms]
    if not told:
        return el("p", "None.")
    rows = [[_when(window.start), check.kind, data(check.what, 80), data(check.said, 300),
             _p(check.p_adjusted), _TODO[check.kind]] for window, check in told[:_MOST_ALARMS]]
    more = len(told) - len(rows)
    return join([table(["window from", "kind", "of", "what was found", "p, corrected",
                        "what to do"], rows, "Alarms, the newest first"),
                 el("p", f"And {more:,} more.", cls="small") if more > 0 else None])


def _moved(found: Any) -> Html | None:
    """A square for each column and window: the darker, the farther; framed where it alarms."""
    names = list(dict.fromkeys((check.kind, check.what) for kind in _DRIFT
                               for check in found.series(kind)))
    if not names:
        return None
    places = {judged.window.number: at for at, judged in enumerate(found.windows)}
    rows = []
    for kind, what in names:
        cells: list[tuple[float, bool]] = [(math.nan, False)] * len(places)
        for check in found.series(kind, what):
            cells[places[check.window]] = (check.distance, check.verdict == "alarm")
        word = what if kind == "input" else f"{what} ({kind})"
        rows.append((word, cells))
    rows.sort(key=lambda row: -max((distance for distance, _ in row[1]
                                    if not math.isnan(distance)), default=0.0))
    more = len(rows) - _MOST_ROWS
    return join([
        el("p", "One line for each comparison, the farthest first; one square for each window, "
           "the oldest on the left. The darker a square, the farther from the reference, as a "
           "share of rows; a ring is an alarm. ", f"Distances below {found.options.threshold:g} "
           "are never one.", cls="small"),
        el("figure", squares(rows[:_MOST_ROWS], [_when(judged.window.start)
                                                 for judged in found.windows]), cls="wide"),
        el("p", f"And {more:,} more that moved less.", cls="small") if more > 0 else None])


def _scores(found: Any) -> Html | None:
    """True and estimated scores through time, and what they were before."""
    parts = []
    for kind, title in (("score", "by the truths that came"), ("estimate", "without truths")):
        for what in dict.fromkeys(check.what for check in found.series(kind)):
            drawn = _through(found, kind, what)
            if drawn is not None:
                parts.append(join([el("h3", what, f", {title}"), drawn]))
    said = [join([_when(_start(found, check)), ": ", data(check.said, 300)])
            for check in found.series("estimate") if check.verdict == "not judged"]
    if said:
        parts.append(join([el("h3", "Windows whose score could not be estimated"),
                           bullets(said[-5:])]))
    return _beside(parts) if parts else None


def _lines(found: Any, kinds: Sequence[tuple[str, str]]) -> Html | None:
    parts = []
    for kind, title in kinds:
        for what in dict.fromkeys(check.what for check in found.series(kind)):
            drawn = _through(found, kind, what)
            if drawn is not None:
                parts.append(join([el("h3", title), drawn]))
    return _beside(parts) if parts else None


def _latency(found: Any) -> Html | None:
    names = [what for what in ("0.5", "0.95", "0.99") if found.series("latency", what)]
    if not names:
        return None
    return _beside([join([el("h3", f"{100 * float(what):g} % of answers are quicker than, ms"),
                          _through(found, "latency", what, 1000)]) for what in names])


def _through(found: Any, kind: str, what: str, times: float = 1.0) -> Html | None:
    by = {check.window: check for check in found.series(kind, what)
          if math.isfinite(check.value)}
    if not by:
        return None
    lines = [Line(times * check.value, times * check.low, times * check.high,
                  times * check.before, check.verdict == "alarm")
             if (check := by.get(judged.window.number)) is not None else None
             for judged in found.windows]
    return el("figure", through_time(lines, [_when(judged.window.start)
                                             for judged in found.windows],
                                     f"{kind} {what} of each window"))


def _parts(found: Any) -> Html | None:
    newest = found.windows[-1] if found.windows else None
    told = [] if newest is None else [check for check in newest.checks
                                      if check.kind in ("slice", "fairness")]
    if not told:
        return None
    return table(["kind", "part", "before -> now", "verdict", "p, corrected"], [
        [check.kind, data(check.what, 80), data(check.said, 200), _verdict(check),
         _p(check.p_adjusted)] for check in told], "Parts and groups in the newest window")


def _newest(found: Any) -> Html | None:
    if not found.windows:
        return None
    judged = found.windows[-1]
    rows = [[check.kind, data(check.what, 80), _verdict(check), data(check.said, 240),
             _number(check.distance), _p(check.p_adjusted)] for check in judged.checks]
    return join([el("p", f"{judged.window.rows:,} answers from {_when(judged.window.start)} to "
                    f"{_when(judged.window.end)} UTC; {judged.labels:,} truths have come. It is "
                    f"judged at a level of {judged.level:.2g}.", cls="small"),
                 table(["kind", "of", "verdict", "what was found", "distance", "p, corrected"],
                       rows, "Every check of the newest window", numbers=(4,))])


def _words(found: Any) -> Html:
    control = {
        "ever": "The chance of any false alarm, in however many windows, is at most {}: each "
                "window has its part of that, the later the smaller.",
        "window": "At most {} of stable windows alarm.",
        "discovery": "Of the windows that alarm, at most {} do so falsely, on average."}
    kinds = dict.fromkeys(check.kind for judged in found.windows for check in judged.checks)
    return join([
        el("p", control[found.options.control].format(f"{found.options.level:g}"), " All checks of "
           "a window share its level (Holm). An alarm is what is certain at that level and large "
           "enough to matter; what is certain and small is called slight."),
        table(["kind", "what is asked", "what to do when it alarms"],
              [[kind, _ASKED[kind], _TODO[kind]] for kind in kinds if kind in _ASKED],
              "What each kind of check asks")])


def _beside(parts: Sequence[Html]) -> Html:
    return el("div", *(el("div", part) for part in parts), style=(
        "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));"
        "gap:0 2rem"))


def _verdict(check: Any) -> Html:
    return el("b", f"✗ {check.verdict}") if check.verdict == "alarm" else join([check.verdict])


def _interval(check: Any) -> Html:
    span = "" if math.isnan(check.low) else f" [{check.low:.3f}, {check.high:.3f}]"
    return join([f"{check.value:.3f}", el("span", span, cls="interval")])


def _start(found: Any, check: Any) -> float:
    return next(judged.window.start for judged in found.windows
                if judged.window.number == check.window)


def _when(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"


def _p(value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.2g}" if value >= 1e-16 else "< 1e-16"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
