"""An audit on a page: what fails, each group with its intervals, proxies, limits."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wholefit.evaluation.fairness import MEASURES, Audit, Criterion, Group, Part
from wholefit.evaluation.fairness._told import cell, shown, word
from wholefit.evaluation.fairness.records import SMALL, few, hidden
from wholefit.report import _svg
from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report._svg import Bar

# Pictures of these measures; the table has all.
_DRAWN = {"classification": ("selection_rate", "tpr", "fpr"), "regression": ("bias", "mae")}
_MEANS = {
    "demographic parity": "is the outcome predicted equally often?",
    "disparate impact": "the lower rate of prediction over the higher; the four-fifths rule asks "
                        "for at least 0.8",
    "equal opportunity": "of those who have the outcome, are equally many found?",
    "equalised odds": "are equally many found, and equally many falsely?",
    "predictive parity": "does a prediction mean the same?",
    "calibration within groups": "do probabilities mean the same?",
    "equal accuracy": "are equally many predictions right?",
    "equal mean answer": "is the predicted number the same on average?",
    "no bias": "are predictions too high or too low by as much?",
    "equal error": "are predictions as far off?",
}
_MOST, _MOST_DRAWN = 24, 10
# Pictures side by side, where there is room.
BESIDE = ("display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));"
          "gap:0 2rem")


def top(audit: Audit) -> tuple[str, list[tuple[str, Html]]]:
    """What the page is about, and the numbers at its head."""
    failed = audit.unequal
    groups = sum(len(part.groups) for part in audit.parts)
    return "Are groups treated alike? Predicting", [
        ("rows judged", join([f"{audit.rows:,}"])), ("groups", join([f"{groups:,}"])),
        ("comparisons, corrected for", join([f"{audit.comparisons:,}"])),
        ("criteria that fail", join([f"{len(failed):,}"]))]


def sections(audit: Audit, small: bool) -> list[tuple[str, str, Html]]:
    """Name, heading and content of each part of a page."""
    found = [(f"by-{at}", f"By {part.name}{_outcome(part)}", _part(audit, part, small))
             for at, part in enumerate(audit.parts)]
    if audit.proxies:
        found.append(("proxies", "Can it be told from other columns?", _proxies(audit)))
    return [*found, ("limits", "What this cannot tell", bullets(
        data(each, 600) for each in (*audit.limits, *audit.notes))),
        ("words", "What the words mean", _words(audit))]


def section(audit: Audit, small: bool) -> Html:
    """All of it, under smaller headings, for a part of a larger page."""
    drawn = sections(audit, small)
    return join([el("p", data(audit.said, 600), cls="lead"),
                 *(join([el("h3", heading), inner]) for name, heading, inner in drawn)])


def _outcome(part: Part) -> str:
    return "" if part.outcome is None else f": predicted {part.outcome}"


def _part(audit: Audit, part: Part, small: bool) -> Html:
    told = [group for group in part.groups if group.n >= SMALL or small]
    untold = len(part.groups) - len(told) + part.left_out
    note = (f"Groups of fewer than {SMALL} rows, or beyond the hundred largest, are not told: "
            f"{untold}. " if untold else "")
    return join([
        _criteria(part), _forests(audit, part, told, small), _groups(audit, told, small),
        el("p", note, f"Compared with: {part.reference}.", cls="small"), _against(told),
        *(el("p", data(each.said, 900)) for each in part.impossible[:1])])


def _criteria(part: Part) -> Html:
    rows = [[join([each.name, el("br"), el("span", _MEANS[each.name], cls="interval",
                                            style="font-weight:400;white-space:normal")]),
             _verdict(each), _number(each), _between(each)] for each in part.criteria]
    return table(["criterion, and what it asks", "verdict", "largest gap (ratio)", "between"],
                 rows, f"Criteria by {part.name}")


def _verdict(each: Criterion) -> Html:
    if each.verdict in ("unequal", "below 0.8"):
        return el("b", f"✗ {each.verdict}")
    mark = "✓ " if each.verdict == "at least 0.8" else ""
    return join([f"{mark}{each.verdict}"])


def _number(each: Criterion) -> str:
    if math.isnan(each.value):
        return "–"
    return f"{each.value:.3f} [{each.low:.3f}, {each.high:.3f}]"


def _between(each: Criterion) -> Html:
    return data(f"{each.lowest} and {each.highest}") if each.lowest else join(["–"])


def _forests(audit: Audit, part: Part, told: Sequence[Group], small: bool) -> Html:
    shown = told[:_MOST_DRAWN]
    drawn = [join([el("h4", f"{word(name)}: {MEASURES[name]}"),
                   _forest(audit, part, name, shown, small)])
             for name in _DRAWN[audit.task] if len(shown) > 1]
    return el("div", *(el("figure", each) for each in drawn), style=BESIDE)


def _forest(
    audit: Audit, part: Part, measure: str, groups: Sequence[Group], small: bool
) -> Html:
    bars = [_bar(audit, part, measure, group, small) for group in groups]
    base = next((bar.value for bar in bars if bar.kind == "chosen"), math.nan)
    spoken = "; ".join(f"{bar.name} {bar.said}" for bar in bars)
    return _svg.forest(bars, base, f"{word(measure)} of each group by {part.name}: {spoken}")


def _bar(audit: Audit, part: Part, measure: str, group: Group, small: bool) -> Bar:
    score = group.scores[measure]
    nan = math.nan
    if hidden(score, small):
        return Bar(group.name, "too few rows", nan, nan, nan, "other")
    said = cell(score, audit.thin, small)
    if few(score, audit.thin, small):
        return Bar(group.name, said, nan, nan, nan, "other")
    kind = "chosen" if group.name == part.reference else "other"
    return Bar(group.name, said, score.value, score.low, score.high, kind)


def _groups(audit: Audit, told: Sequence[Group], small: bool) -> Html:
    names = shown(audit.task)
    rows = [[data(group.name), f"{group.n:,}",
             *(cell(group.scores[name], audit.thin, small) for name in names)]
            for group in told[:_MOST]]
    return table(["group", "rows", *map(word, names)], rows, "Every group with its intervals",
                 numbers=(1,), cls="board")


def _against(told: Sequence[Group]) -> Html | None:
    said = [join([data(group.name), " differs: ", ", ".join(
        f"{word(gap.measure)} {gap.difference:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]"
        for gap in group.against.values() if gap.verdict in ("higher", "lower"))])
        for group in told[:_MOST]
        if any(gap.verdict in ("higher", "lower") for gap in group.against.values())]
    return bullets(said) if said else None


def _proxies(audit: Audit) -> Html:
    return bullets(data(proxy.said, 600) for proxy in audit.proxies)


def _words(audit: Audit) -> Html:
    names = list(shown(audit.task))
    return table(["measure", "what it is"], [[word(name), MEASURES[name]] for name in names],
                 "What each measure is")
