"""What is told of baskets in plain sentences: on a page and in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wholefit.evaluation import Score
from wholefit.training.association._words import listed
from wholefit.training.found import Found

__all__ = ["first", "limits", "listed", "percent", "steps", "tests", "verdict"]


def first(found: Found, n: int) -> list[dict[str, Any]]:
    """The first rules told, one of each set of items: that of the greatest confidence."""
    best: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in found.told.get("rules", []):
        key = tuple(sorted([*row["antecedent"], *row["consequent"]]))
        if key not in best or row["confidence"] > best[key]["confidence"]:
            best[key] = row
    return list(best.values())[: max(n, 0)]


def verdict(told: Mapping[str, Any]) -> str:
    """How many rules there are, in a sentence."""
    many, baskets = told["kept"], told["baskets"]
    alpha = told["options"].get("alpha")
    if not many:
        return (f"No rule is left among {told['made']:,} in {baskets:,} baskets: what is bought "
                "together here is bought together as often as chance would have it, or too seldom "
                "to tell.")
    sure = " that were asked for" if alpha is None else ""
    return (f"{many:,} rules{sure} in {baskets:,} baskets of {told['items']:,} items "
            f"({told['mean_size']:.1f} to a basket), from {told['made']:,} that could be made.")


def tests(told: Mapping[str, Any]) -> list[str]:
    """What the rules were tested against, and what that changes."""
    options, support = told["options"], told["support"]
    said = [f"A set of items counts where {support['count']:,} baskets hold it "
            f"({percent(support['share'])} of all): {support['why']}."]
    if options.get("alpha") is None:
        return [*said, "No test was asked for: rules are listed whether chance makes them or not."]
    bound = {"holm": f"the chance that even one of them is false is at most {options['alpha']:g}",
             "fdr": f"at most {percent(options['alpha'])} of them are false, on average",
             "none": "the tests are not corrected for their number, so that some are false"}
    said.append(f"Rules are tested among baskets of like size, and against every simpler rule; "
                f"with {told['tests']:,} tests counted, {bound[options['correction']]}.")
    if told["plainly"] > told["significant"]:
        said.append(f"A test that forgets that large baskets hold more of everything would have "
                    f"called {told['plainly']:,} of them significant; {told['significant']:,} "
                    "are.")
    return said


def scored(found: Found) -> list[str]:
    """What the rules came to among baskets that they were not made from."""
    scores = found.chosen.scores
    said = []
    ratio, sure = scores.get("lift_ratio"), scores.get("confirmed")
    if ratio is not None and sure is not None:
        said.append(f"Among baskets that they were not made from, their lift is "
                    f"{ratio} times what it was, and {share(sure)} of them are confirmed by a test "
                    "of their own.")
    hit, common = scores.get("hit_rate@10"), scores.get("popularity@10")
    if hit is not None and common is not None:
        said.append(f"Of an item left out of such a basket the rules name ten guesses, and are "
                    f"right in {share(hit)}; the ten bestsellers in {share(common)}.")
    return said


def steps(told: Mapping[str, Any]) -> list[str]:
    """What to do next."""
    if not told["kept"]:
        return ["Take more baskets, or coarser items (\"bread\" for each kind of bread).",
                "support= lower, if rare ties are wanted, or alpha= higher, if more error is."]
    return ["Choose one or two rules, change one thing in one shop or for one month, and count "
            "against a shop or month without it.",
            "about(ITEM), or wholefit rules MODEL --about ITEM, lists what goes with one item; "
            "complete(baskets) names what else a basket may want.",
            "by= compares segments; time= seasons; amount= tells the money."]


def limits(told: Mapping[str, Any]) -> list[str]:
    """What rules do not tell."""
    said = ["That two items share baskets does not say that one sells the other: a third thing "
            "(a season, a recipe, a promotion, one large customer) may sell both.",
            "Rules at the head of a list look stronger than they are, because they were picked: "
            "judge them by the baskets they were not made from."]
    if told.get("value") is not None:
        said.append("What baskets with a rule are worth is no gain from it: large baskets are "
                    "worth more, and hold more of everything.")
    if any(way["found"] for way in told.get("apart", [])):
        said.append("An item that was not on sale in a season or a country counts as not bought.")
    if (told["layout"] or {}).get("group") is None:
        said.append("Baskets of the same customer are counted as independent of each other; "
                    "groups= names the column of customers, and allows for it.")
    return said


def share(score: Score) -> str:
    """ "21% [19, 23]"."""
    return f"{percent(score.value)} [{score.low * 100:.0f}, {score.high * 100:.0f}]"


def percent(value: float | None) -> str:
    """ "38%", "2.8%", "0.28%"."""
    if value is None:
        return "unknown"
    number = value * 100
    digits = 0 if number >= 9.95 or number == 0 else 1 if number >= 0.95 else 2
    return f"{number:.{digits}f}%"


def short(names: Sequence[str], most: int = 60) -> str:
    """Names in a line, cut where they are long."""
    whole = listed(list(names))
    return whole if len(whole) <= most else whole[: most - 1] + "…"
