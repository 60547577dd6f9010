"""The page of a fit of anomalies: the budget, the scores, the strangest rows, the limits."""

from __future__ import annotations

from typing import Any

from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report.anomaly import _pictures as pictures
from wholefit.report.anomaly import _words as words
from wholefit.report.sections import Section
from wholefit.training.found import Found

lines = words.lines


def sections(found: Found) -> tuple[Section, ...]:
    """The sections of the page, in order."""
    return (
        Section("answer", "The answer", _answer),
        Section("top", "The strangest", _top),
        Section("scores", "How strange the rows are", _scores),
        Section("time", "Alarms over time", _time),
        Section("label", "What known answers say", _label),
        Section("agreement", "Do the detectors agree?", _agreement),
        Section("limits", "What an alarm does not say", _limits),
    )


def _answer(found: Any) -> Html:
    told = found.told
    first, *rest = words.budget(told)
    return join([pictures.style(), el("p", words.kind(told), " ", _counted(told), cls="lead"),
                 el("p", _said(first)), *(el("p", _said(one)) for one in rest)])


def _counted(told: dict[str, Any]) -> str:
    share = f"{told['alarms']:,} of {told['scored']:,}"
    if told["kind"] == "collective":
        return f"{told['alarms']:,} stretches of what was learnt from would have alarmed."
    return f"{share} rows learnt from would have alarmed."


def _top(found: Any) -> Html:
    """The strangest rows or stretches, with the reasons as points."""
    told = found.told
    units = words.unit(told, 2)
    rows = [[data(words.named(one), 160), join([_why(one), _alike(others)]),
             words.rare(one["rank"]), f"{one['score']:.3g}",
             "alarm" if one["alarm"] else "no alarm"] for one, others in _grouped(told)]
    if not rows:
        return el("p", f"No {words.unit(told, 1)} alarms.")
    return join([
        el("p", f"The {len(told['top'])} strangest {units}, each scored by detectors that "
           "had not learnt from it. \"As strange\" is the share of usual "
           f"{'windows' if told['kind'] == 'collective' else 'rows'} that score as high."),
        table([words.unit(told, 1), "why", "as strange", "score", ""], rows,
              f"The strangest {units} and why", numbers=(3,), cls="alarms"),
    ])


def _grouped(told: dict[str, Any]) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Rows that are strange in the same columns together: the first, and the others like it."""
    top = told["top"]
    if told["kind"] == "collective":
        return [(one, []) for one in top]
    found: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for one in top:
        found.setdefault(tuple(sorted(reason["column"] for reason in one["why"])), []).append(one)
    return [(some[0], some[1:]) for some in found.values()]


def _alike(others: list[dict[str, Any]]) -> Html | None:
    """How many more are strange in the same columns, and which."""
    if not others:
        return None
    return el("p", data(f"strange in the same columns: {words.listed(others)}", 300), cls="small")


def _why(one: dict[str, Any]) -> Html:
    """Reasons, the weightiest first."""
    return bullets(_said(reason["said"], 300) for reason in one["why"])


def _said(sentence: str, most: int = 700) -> Html:
    """A sentence of the data's own words, no line broken before a percent sign."""
    return data(sentence.replace(" %", "\u00a0%"), most)


def _scores(found: Any) -> Html:
    told, shape = found.told, found.told["histogram"]
    units = "windows" if told["kind"] == "collective" else "rows"
    return join([
        el("figure", pictures.scores(shape["edges"], shape["counts"], shape["threshold"], units)),
        pictures.legend(),
        el("p", f"Scores of {units} that the detectors had not learnt from. Where a clear gap "
           "parts a few from the rest, those few are worth a look whatever the budget; where the "
           "scores fall off smoothly, the threshold is the budget's and nothing in the data "
           "asks for it."),
    ])


def _time(found: Any) -> Html | None:
    told = found.told
    shape = told["over_time"]
    if not shape:
        return None
    share = told["share"] if told["kind"] != "collective" else 0.0
    picture = pictures.over_time(shape["marks"], shape["rows"], shape["alarms"], share,
                                 "alarms" if share else "rows in alarmed stretches")
    what = "Rows within alarmed stretches" if told["kind"] == "collective" else "Alarms"
    return join([
        el("figure", picture),
        el("p", f"{what} in {len(shape['alarms'])} stretches of equal time. Bars that keep to one "
           "end say that the data drift; single tall ones, that something happened there."),
        el("p", "The threshold was changed after the fit; the picture shows the alarms of the "
           "first.", cls="small") if told.get("changed") else None,
    ])


def _label(found: Any) -> Html:
    said = words.label(found.told)
    return join(el("p", _said(one)) for one in said)


def _agreement(found: Any) -> Html | None:
    told = found.told["agreement"]
    if not told:
        return None
    names = told["names"]
    rows = [[data(name, 40), *(_cell(value, at == place)
                               for place, value in enumerate(told["common"][at]))]
            for at, name in enumerate(names)]
    return join([
        el("p", f"Of each detector's {told['top']:,} strangest "
           f"{'windows' if found.told['kind'] == 'collective' else 'rows'}, the share that another "
           "has among its own. Detectors know different ways of being strange; what several of "
           "them find is rarely an accident of one."),
        table(["", *(data(name, 40) for name in names)], rows,
              "Share of the strangest in common", numbers=tuple(range(1, len(names) + 1)),
              cls="matrix"),
    ])


def _cell(value: float, own: bool) -> Any:
    return el("span", "–", cls="none") if own else f"{value:.0%}"


def _limits(found: Any) -> Html:
    return bullets(words.limits(found.told))
