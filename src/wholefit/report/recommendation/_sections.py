"""The page of a recommender: who gets what and why, how good that is, for whom, and the limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wholefit.evaluation import Score
from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report._svg import Bar, Frame, forest
from wholefit.report.recommendation import _words as words
from wholefit.report.sections import Section
from wholefit.training.found import Found

_MOST_GETS = 5


def lines(found: Found) -> list[str]:
    """What was learnt, in plain sentences."""
    updated = found.told.get("updated")
    return [*words.basis(found), *words.quality(found), *words.reach(found),
            *words.examples(found), *([f"Updated: {updated}."] if updated else []),
            *(f"Mind: {said}" for said in words.limits(found)[:1]),
            *words.steps(found)[:1]]


def sections(found: Found) -> tuple[Section, ...]:
    """The sections of the task's own, in order."""
    return (
        Section("answer", "The answer", _answer),
        Section("examples", "Who gets what, and why", _examples),
        Section("lists", "How good the lists are", _models),
        Section("groups", "For whom they are good", _groups),
        Section("reach", "How far the lists reach", _reach),
        Section("ratings", "The ratings", _ratings),
        Section("alike", "What goes with what", _alike),
        Section("limits", "Limits and next steps", _limits),
    )


def _answer(found: Found) -> Html:
    updated = found.told.get("updated")
    quality = words.quality(found) or ["Nothing could be held out to judge by; the lists are "
                                       "unscored."]
    return join([*(el("p", said, cls="lead") for said in quality[:2]),
                 *(el("p", said) for said in quality[2:]),
                 el("p", data(" ".join(words.basis(found)), 800)),
                 el("p", "Updated: ", data(updated, 300), ".") if updated else None])


def _examples(found: Found) -> Html | None:
    shown = [each for each in found.told.get("examples", []) if each["gets"]]
    if not shown:
        return None
    return join([
        el("p", "Users of little to much activity, taken by their number of items and by nothing "
           "else; these lists come from the model fitted on all rows."),
        *(_example(each, found.told["feedback"] == "explicit") for each in shown)])


def _example(each: Mapping[str, Any], explicit: bool) -> Html:
    values = each["values"] or [None] * len(each["had"])
    had = [join([data(item, 60), f" ({value:g})" if value is not None else None])
           for item, value in zip(each["had"], values, strict=True)]
    more = each["count"] - len(had)
    rows = [[f"{place + 1}", data(item["item"], 80),
             join((data(reason, 60) for reason in item["why"]), "; ") if item["why"]
             else "popular with everyone"] for place, item in enumerate(each["gets"][:_MOST_GETS])]
    verb = "rated highest" if explicit else "has"
    return el("div",
              el("h3", "User ", data(each["user"], 60)),
              el("p", f"{verb[0].upper()}{verb[1:]}: ", join(had, "; "),
                 f"; and {more:,} more." if more > 0 else "."),
              table(["place", "gets", "because of"], rows, f"List of user {each['user'][:60]}"))


def _models(found: Found) -> Html | None:
    metric = f"ndcg@{found.told['k']}"
    entries = [entry for entry in found.leaderboard if words.known(entry.scores.get(metric))]
    if not entries:
        return None
    entries.sort(key=lambda entry: -entry.scores[metric].value)
    bars = [_bar(entry.model, entry.scores[metric], "chosen" if entry.model == found.told["lists"]
                 else "other") for entry in entries]
    title = f"NDCG@{found.told['k']} of each model's lists with its 95% interval"
    rates = found.told.get("rates")
    apart = (f" Ratings are another matter, and are predicted by {rates}."
             if rates and rates != found.told["lists"] else "")
    return join([
        el("p", f"1 would be a list that holds, in its first places, everything of a user that was "
           f"held out; 0 one that holds nothing of it. The lists are made by "
           f"{found.told['lists']}.{apart}"),
        forest(bars, bars[0].value, title)])


def _bar(name: str, score: Score, kind: str) -> Bar:
    return Bar(name, str(score), score.value, score.low, score.high, kind)


def _groups(found: Found) -> Html | None:
    groups = found.told.get("groups", [])
    if len(groups) < 2:
        return None
    bars = []
    for group in groups:
        score = Score.from_json(dict(group["score"]))
        bars.append(_bar(f"{words.span(group)} items", score, "chosen"))
        if "baseline" in group and found.told["lists"] != found.task.baseline:
            bars.append(_bar("   popular items instead", Score.from_json(dict(group["baseline"])),
                             "other"))
    title = "NDCG of the lists by how many items users have, and of popular items for the same"
    return join([
        el("p", "Users by how many items were known of them when the lists were made; below each, "
           "what the popular list gives to the same users."),
        forest(bars, float("nan"), title)])


def _reach(found: Found) -> Html | None:
    curve = found.told.get("curve")
    if not curve:
        return None
    frame = Frame((0.0, 1.0), (0.0, 1.0))
    even = _line(frame, [(0.0, 0.0), (1.0, 1.0)], "rule")
    used = _line(frame, [(row[0], row[1]) for row in curve], "joined soft")
    placed = _line(frame, [(row[0], row[2]) for row in curve], "joined")
    dots = [el("circle", cx=f"{frame.x(row[0]):.1f}", cy=f"{frame.y(row[2]):.1f}", r=3.5,
               cls="mark chosen") for row in curve]
    rings = [el("circle", cx=f"{frame.x(row[0]):.1f}", cy=f"{frame.y(row[1]):.1f}", r=3.5,
                cls="mark other") for row in curve]
    title = "Share of all uses and of all places in lists that the most popular items have"
    drawn = frame.draw(title, "share of the catalogue, most popular first", "share they have",
                       even, used, *rings, placed, *dots)
    return join([
        *(el("p", said) for said in words.reach(found)[-1:]),
        el("figure", drawn),
        el("ul", el("li", el("span", cls="key chosen"), "places in the lists"),
           el("li", el("span", cls="key"), "uses"),
           el("li", el("span", cls="key rule"), "if all items were alike"), cls="legend"),
        el("p", "A curve of lists above that of uses leans on popular items more than users do; "
           "below it, the lists reach farther into the catalogue.", cls="small")])


def _line(frame: Frame, points: Sequence[tuple[float, float]], cls: str) -> Html:
    return el("polyline", points=" ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}"
                                          for x, y in points), cls=cls, fill="none")


def _ratings(found: Found) -> Html | None:
    scale = found.told.get("scale")
    if not scale or not scale["values"]:
        return None
    most, total = max(scale["counts"]), sum(scale["counts"])
    rows = [[f"{value:g}", f"{count:,}", words.percent(count / total), _meter(count / most)]
            for value, count in zip(scale["values"], scale["counts"], strict=True)]
    liked = found.told.get("liked")
    return join([
        table(["rating", "how often", "share", ""], rows, "How often each rating was given",
              numbers=(1, 2)),
        el("p", f"Where lists are judged, a rating of {liked:.3g} or more counts as liked.",
           cls="small") if liked is not None else None])


def _meter(share: float) -> Html:
    width = 160
    return el("svg", el("title", f"{share:.0%} of the most frequent one"),
              el("rect", x=0, y=2, width=f"{max(1.0, share * width):.0f}", height=12, cls="narrow"),
              width=width, height=16, role="img")


def _alike(found: Found) -> Html | None:
    shown = found.told.get("alike", [])
    if not shown:
        return None
    rows = [[data(each["item"], 80), join((data(item, 80) for item in each["near"]), "; ")]
            for each in shown]
    return join([el("p", "The most popular items, and what is most like them by what the model "
                    "learnt:"),
                 table(["item", "most like it"], rows, "Items and what is like them")])


def _limits(found: Found) -> Html:
    return join([bullets(words.limits(found)), el("h3", "Next"),
                 bullets(words.steps(found))])
