"""Rules in plain sentences, with what they are worth and what might be done."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


def sentence(rule: Mapping[str, Any]) -> str:
    """One rule as a person would say it; `rule` is a row of what is told."""
    x, y = listed(rule["antecedent"]), listed(rule["consequent"])
    low, high = rule["confidence_low"], rule["confidence_high"]
    said = (f"Of {rule['x']:,} baskets with {x}, {_percent(rule['confidence'])} [{low * 100:.0f}, "
            f"{high * 100:.0f}] also hold {y}, {times(rule['strength'])} as often as baskets of "
            "their size do by chance")
    if rule.get("value") is None:
        return said + "."
    return (f"{said}; the {rule['both']:,} baskets with all of them are worth "
            f"{cash(rule['value'])} on average [{cash(rule['value_low'])}, "
            f"{cash(rule['value_high'])}], {cash(rule['total'])} in all.")


def action(rule: Mapping[str, Any]) -> str:
    """What a shop might try; an association is no cause, so that it is a trial, not a promise."""
    x, y = listed(rule["antecedent"]), listed(rule["consequent"])
    there, back = rule["confidence"], rule["both"] / max(rule["y"], 1)
    lack = rule["x"] - rule["both"]
    if there >= 0.5 and back >= 0.5:
        return (f"{upper(x)} and {y} mostly leave the shop together: try them as one set or side "
                "by side; a discount on one of them is enough.")
    if there >= 0.35:
        return (f"Who takes {x} often wants {y}: offer it beside {x} or at the till"
                f" ({lack:,} such baskets left without it); do not discount both.")
    if back >= 0.35:
        return (f"{upper(y)} is seldom bought without {x}: show {y} where {x} stands.")
    return f"Try {y} near {x}, and count before and after."


def trial(rule: Mapping[str, Any]) -> str:
    """What a shop might try, in a few words without names."""
    there, back = rule["confidence"], rule["both"] / max(rule["y"], 1)
    lack = rule["x"] - rule["both"]
    if there >= 0.5 and back >= 0.5:
        return "as a set or side by side; discount one, not both"
    if there >= 0.35:
        return f"offer it to who takes the left side ({lack:,} baskets left without it)"
    return "place the right side where the left stands" if back >= 0.35 else \
        "place them near, and count before and after"


def differs(row: Mapping[str, Any]) -> str:
    """One rule in one segment or season."""
    more = "more" if row["confidence"] > row["elsewhere"] else "less"
    return (f"{listed(row['antecedent'])} → {listed(row['consequent'])} holds {more} often "
            f"where {row['by']} is {row['segment']}: in {_percent(row['confidence'])} of "
            f"{row['x']:,} baskets, against {_percent(row['elsewhere'])} elsewhere.")


def listed(items: Sequence[str]) -> str:
    """Names in a sentence: "bread, butter and jam"."""
    return str(items[0]) if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def upper(words: str) -> str:
    """The words with a capital first letter."""
    return words[:1].upper() + words[1:]


def times(strength: float | None) -> str:
    """How many times, in words: "2.9 times", "41 times"."""
    if strength is None or not math.isfinite(strength):
        return "endlessly more times"
    return f"{strength:.0f} times" if strength >= 10 else f"{strength:.1f} times"


def cash(money: float | None) -> str:
    """Money without a currency, which nobody told."""
    if money is None or not math.isfinite(money):
        return "unknown"
    return f"{money:,.0f}" if abs(money) >= 1000 else f"{money:,.2f}"


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{share * 100:.0f}%"
