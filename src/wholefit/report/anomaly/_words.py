"""What a fit of anomalies says in plain sentences, for the terminal and for the page."""

from __future__ import annotations

from typing import Any

from wholefit.training.found import Found

_KINDS = {
    "point": "Rows that are unlike the other rows.",
    "contextual": "Values that are unusual for their context ({context}), though they may be "
                  "usual elsewhere.",
    "collective": "Stretches of {window:,} rows that are unlike other stretches{context}, though "
                  "each value in them may be usual.",
}


def kind(told: dict[str, Any]) -> str:
    """What was looked for, in a sentence."""
    context = ", ".join(map(str, told["context"]))
    if told["kind"] == "collective" and context:
        context = f", each value judged by its {context}"
    return _KINDS[told["kind"]].format(context=context, window=told["window"] or 0)


def budget(told: dict[str, Any]) -> list[str]:
    """What the alert budget means, and what may be expected of it."""
    found = told["threshold"]
    units = unit(told, 2)
    said = [
        "Nobody knows how many of these rows are anomalies, and no method can tell. What was said "
        f"is how many can be looked at: {told['budget']}.",
        f"The threshold was set on {found['rows']:,} {_scored(told)} scored by detectors that had "
        f"not learnt from them. Of new {units} like these, {percent(found['share'])} will alarm; "
        f"as far as that can be known from so many, between {percent(found['low'])} and "
        f"{percent(found['high'])} (95%).",
    ]
    if found["worth"] < 0.9 * found["rows"] and told["kind"] != "collective":
        said.append(f"Alarms come in lumps, as neighbours in time or in a group are alike: the "
                    f"{found['rows']:,} rows tell as much of the alert rate as "
                    f"{found['worth']:,.0f} rows that have nothing to do with each other.")
    if found["note"]:
        said.append(f"The budget cannot be kept as asked: {found['note']}.")
    later = told.get("forward")
    if later:
        said.append(
            f"A test of drift: detectors of the first four fifths of the time alarm on "
            f"{percent(later['share'])} of the last fifth ({percent(later['low'])} to "
            f"{percent(later['high'])}).")
    return said


def _scored(told: dict[str, Any]) -> str:
    return "windows" if told["kind"] == "collective" else "rows"


def unit(told: dict[str, Any], count: int) -> str:
    """What alarms: a row or a stretch."""
    words = ("stretch", "stretches") if told["kind"] == "collective" else ("row", "rows")
    return words[count != 1]


def percent(share: float) -> str:
    """A share as a percentage, with the digits it deserves."""
    return f"{100 * share:.3g}%"


def named(one: dict[str, Any]) -> str:
    """A row or stretch by its number and what names it."""
    if "until" in one:
        first, last = (", ".join(str(v) for v in one[key].values() if v != "")
                       for key in ("named", "named_until"))
        where = f"rows {one['row']:,} to {one['until']:,}"
        return f"{where} ({first} to {last})" if first else where
    names = ", ".join(f"{name} {value}" for name, value in one["named"].items() if value != "")
    return f"row {one['row']:,}" + (f" ({names})" if names else "")


def listed(ones: list[dict[str, Any]], most: int = 8) -> str:
    """Several rows or stretches by their numbers."""
    said = ", ".join(f"{one['row']:,}" for one in ones[:most])
    more = f" and {len(ones) - most} more" if len(ones) > most else ""
    return f"row{'s' if len(ones) > 1 else ''} {said}{more}"


def rare(rank: float) -> str:
    """A rank as one in so many."""
    return f"one in {max(1, round(1 / rank)):,}" if rank else "beyond all"


def label(told: dict[str, Any]) -> list[str]:
    """What the few known answers say."""
    found = told.get("label")
    if not found:
        return ["No known answers judge this: name a column with label= if you have some, however "
                "few."]
    said = [found["said"][:1].upper() + found["said"][1:] + "."]
    for one in found["top"]:
        what = f"{one['rows']:,} alarms" if one["name"] == "alarms" else f"{one['name']} rows"
        recall = "" if one["recall"] is None else \
            f", {percent(one['recall'])} of all that are known"
        are = "is an anomaly" if one["odd"] == 1 else "are anomalies"
        said.append(f"Of the {what} with a known answer {one['odd']:,} {are}: "
                    f"{percent(one['value'])} ({percent(one['low'])} to "
                    f"{percent(one['high'])}){recall}.")
    if found.get("favoured"):
        favoured = found["favoured"]["said"]
        said.append(f"{favoured[:1].upper()}{favoured[1:]}.")
    return said


def lines(found: Found) -> list[str]:
    """The whole, in plain sentences."""
    told = found.told
    said = [kind(told), *budget(told)]
    top = [one for one in told["top"] if one["alarm"]][:5]
    if top:
        said.append(f"{told['alarms']:,} of the {told['rows']:,} rows learnt from would have "
                    "alarmed; the strangest:" if told["kind"] != "collective" else
                    f"{told['alarms']:,} stretches of what was learnt from would have alarmed; the "
                    "strangest:")
    for one in top:
        why = "; ".join(str(reason["said"]) for reason in one["why"])
        said.append(f"- {named(one)}: {why}.")
    if told.get("label"):
        said += label(told)
    return said


def limits(told: dict[str, Any]) -> list[str]:
    """What the result does not tell."""
    said = [
        "An alarm says that a row is unusual, not that it is wrong: what is rare may be right, and "
        "fraud that looks like everyone's purchases is not found.",
        "The rows learnt from may hold anomalies themselves. That is allowed; but what is frequent "
        "among them passes for usual.",
        "The alert rate holds for rows that come as those learnt from did. On rows of a later time "
        "it may move: watch it (Stream.drift), and fit anew.",
        "Reasons name the columns without which a row would not be strange. They describe the "
        "row; they are no causes.",
    ]
    if told["kind"] == "point":
        said.append("A value that is usual somewhere and strange here (heating in July) needs "
                    "context=; a strange course of usual values needs window=.")
    return said
