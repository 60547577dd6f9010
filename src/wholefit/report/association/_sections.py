"""The page of baskets and its plain sentences: what goes together, how surely, what it is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report.association import _pictures as pictures
from wholefit.report.association import _words as words
from wholefit.report.association._words import first, percent
from wholefit.report.sections import Section
from wholefit.training.association._words import cash
from wholefit.training.found import Found

__all__ = ["first", "lines", "sections"]

_SAID, _ROWS, _APART = 10, 30, 15
_NAMES = "display:block;min-width:min(17rem,42vw)"


def sections(found: Found) -> tuple[Section, ...]:
    """The sections of the page, in order."""
    drawn: tuple[tuple[str, str, Callable[[Found], Html | None]], ...] = (
        ("answer", "The answer", _answer), ("rules", "The rules", _rules),
        ("families", "What hangs together", _families),
        ("picture", "All rules at a glance", _picture),
        ("segments", "Where rules differ", _segments), ("course", "Through the calendar", _course),
        ("trust", "Can they be believed?", _trust), ("next", "Limits and next steps", _next))
    return tuple(Section(name, title, draw) for name, title, draw in drawn)


def lines(found: Found) -> list[str]:
    """The same in plain sentences, for a terminal."""
    told = found.told
    said = [words.verdict(told), *words.tests(told), ""]
    said += [f"- {row['said']}" for row in first(found, _SAID)]
    more = told["kept"] - len(first(found, _SAID))
    if told["kept"] and more > 0:
        said.append(f"And {more:,} more rules.")
    for way in told["apart"]:
        said += ["", _heading(way), *(f"- {row['said']}" for row in way["rows"][:3])]
    return [*said, "", *words.scored(found), *words.limits(told)[:1]]


# ---- sections ---------------------------------------------------------------------------


def _answer(found: Found) -> Html:
    told = found.told
    return join([
        el("p", words.verdict(told), cls="lead"),
        bullets(data(row["said"], 700) for row in first(found, 5)),
        el("p", _worth(told["value"])) if told.get("value") else None,
        *(el("p", said) for said in words.scored(found))])


def _worth(value: Mapping[str, float]) -> str:
    return (f"A basket is worth {cash(value['mean'])} on average [{cash(value['low'])}, "
            f"{cash(value['high'])}], all of them {cash(value['total'])}.")


def _rules(found: Found) -> Html | None:
    told, rows = found.told, first(found, _ROWS)
    if not rows:
        return None
    money = rows[0].get("value") is not None
    head = ["rule", "baskets with it", "confidence", "times chance", "lift",
            *(["mean value", "in all"] if money else []), "what might be tried"]
    numbers = tuple(range(1, 7 if money else 5))
    return join([
        el("p", "Those with most baskets above chance come first; of each set of items the "
           "direction that holds more often is shown. \"Times chance\" compares with baskets of "
           "the same size, \"lift\" with all baskets; in brackets, 95% intervals."),
        table(head, (_row(row, money) for row in rows), "The rules", numbers=numbers,
              cls="board"),
        el("p", f"And {told['kept'] - len(rows):,} more, which the model file holds.",
           cls="small") if told["kept"] > len(rows) else None,
        el("p", "What is suggested here is to be tried, not promised: an association is no "
           "cause.", cls="small")])


def _row(row: Mapping[str, Any], money: bool) -> list[Any]:
    rule = _named(row)
    cells = [rule, f"{row['both']:,}",
             _with(percent(row["confidence"]), row["confidence_low"], row["confidence_high"], 100),
             _with(_number(row["strength"]), row["strength_low"], row["strength_high"]),
             _with(_number(row["lift"]), row["lift_low"], row["lift_high"])]
    if money:
        cells += [_with(cash(row["value"]), row["value_low"], row["value_high"], as_cash=True),
                  cash(row["total"])]
    return [*cells, el("span", data(row["trial"], 200), style="display:block;min-width:12rem")]


def _named(row: Mapping[str, Any]) -> Html:
    """The rule by its items."""
    return el("span", data(words.short(row["antecedent"], 120), 130), " → ",
              data(words.short(row["consequent"], 120), 130), style=_NAMES)


def _with(said: str, low: float | None, high: float | None, scale: float = 1,
          as_cash: bool = False) -> Html:
    """A number and its interval below it."""
    if low is None or high is None:
        return el("span", said)
    ends = (cash(low), cash(high)) if as_cash else (
        (f"{low * scale:.0f}", f"{high * scale:.0f}") if scale == 100 else
        (_number(low), _number(high)))
    return join([said, el("br"), el("span", f"[{ends[0]}, {ends[1]}]", cls="interval")])


def _number(value: float | None) -> str:
    if value is None:
        return "∞"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _families(found: Found) -> Html | None:
    drawn = pictures.families(found.told["rules"])
    return None if drawn is None else join([
        el("p", "Items that stand in a rule together are joined; the darker the line, the more "
           "often beyond chance. Groups are where a bundle or a shelf may be thought of."), drawn])


def _picture(found: Found) -> Html | None:
    drawn = pictures.scatter(found.told["points"])
    return None if drawn is None else join([
        el("p", "To the right, how many baskets hold the rule; upwards, how surely the right side "
           "comes with the left. Rest the pointer on a dot to read its rule."), drawn])


def _segments(found: Found) -> Html | None:
    ways = found.told["apart"]
    return join(_way(way) for way in ways) if ways else None


def _heading(way: Mapping[str, Any]) -> str:
    if not way["segments"]:
        return f"By {way['by']}: no segment has enough baskets to be compared."
    return (f"By {way['by']}: {way['found']:,} of {way['tests']:,} comparisons of a rule in a "
            "segment with the rule elsewhere differ, corrected for their number, among baskets "
            "of like size.")


def _way(way: Mapping[str, Any]) -> Html:
    rows = [[_named(row), data(row["segment"], 40),
             percent(row["confidence"]), percent(row["elsewhere"]), f"{row['x']:,}"]
            for row in way["rows"][:_APART]]
    return join([
        el("h3", "By ", data(way["by"], 60)), el("p", data(_heading(way), 500)),
        table(["rule", data(way["by"], 40), "confidence there", "elsewhere", "baskets there"],
              rows, f"Rules that differ by {way['by']}", numbers=(2, 3, 4))
        if rows else None])


def _course(found: Found) -> Html | None:
    course = found.told.get("course")
    drawn = None if course is None else pictures.courses(course)
    return None if drawn is None else join([
        el("p", "Of the baskets with the left side, the share that holds the right side too; a "
           "gap is where fewer than 20 baskets hold the left side."), drawn])


def _trust(found: Found) -> Html:
    return join([*(el("p", data(said, 900)) for said in (*words.tests(found.told),
                                                         *words.scored(found)))])


def _next(found: Found) -> Html:
    return join([bullets(words.limits(found.told)), el("h3", "Next"),
                 bullets(words.steps(found.told))])
