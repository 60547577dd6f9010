"""What is said of several labels, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wholefit import evaluation
from wholefit.evaluation import Score
from wholefit.training.found import Found

_NAMED, _STATED = 3, 8


def basis(found: Found) -> str:
    """What was learnt from."""
    told = found.told
    said = (f"{len(told['each'])} labels; a row holds {told['cardinality']:.2g} of them on "
            "average")
    if told["empty"] is None:
        return f"{said}; no row has all of them known."
    return (f"{said}, and {percent(told['empty'])} of the rows hold none; {told['distinct']:,} "
            "different sets of labels were seen.")


def quality(found: Found) -> list[str]:
    """The scores that a person asks for first, each as a sentence."""
    made = []
    for name in ("exact_match", "f1_micro", "ranking_precision"):
        score = found.chosen.scores.get(name)
        if score is not None and score.value == score.value:
            said = evaluation.metrics.get("multilabel", name).words(score.value)
            made.append(f"{said[:1].upper()}{said[1:].rstrip('.')} ({name} {score}).")
    return made


def how(found: Found) -> str:
    """Which models answer, in a sentence."""
    members = found.told["members"]
    said = [f"one network, {each['model']}, that answers all labels at once" if each["together"]
            else f"{each['model']}, fitted for each label" for each in members]
    if len(members) == 1:
        mix = said[0][:1].upper() + said[0][1:]
    else:
        mix = "The mean of " + "; ".join(
            f"{one} ({percent(each['share'])})" for one, each in zip(said, members, strict=True))
    after = "; the answers are then corrected by what labels tell of each other"
    return f"{mix}{after if found.told['stacked'] else ''}."


def extremes(found: Found) -> str | None:
    """Which labels are known best and least, by the chance of ranking two rows right."""
    known = [(score(each, "roc_auc"), each["name"]) for each in found.told["each"]]
    known = sorted(((value, name) for value, name in known if value.value == value.value),
                   key=lambda pair: -pair[0].value)
    if len(known) < 2:
        return None
    best, worst = known[0], known[-1]
    return (f"Best known is {best[1]} (AUC {best[0]}), least {worst[1]} (AUC {worst[0]}); 0.5 is "
            "guessing.")


def together(found: Found) -> str | None:
    """The labels that go together most."""
    pairs = [pair for pair in found.told["pairs"] if pair["phi"] > 0.1][:_NAMED]
    if not pairs:
        return None
    said = "; ".join(f"{pair['labels'][0]} with {pair['labels'][1]} ({percent(pair['both'])} of "
                     f"rows hold both, {percent(pair['chance'])} by chance)" for pair in pairs)
    return f"What goes together: {said}."


def telling(found: Found) -> str | None:
    """The columns that tell most."""
    told = found.told["importance"]
    if not told:
        return None
    known = [name for name, low in zip(told["columns"], told["low"], strict=True) if low > 0]
    if not known:
        return "No column by itself tells the labels beyond doubt."
    return f"The most telling columns: {', '.join(known[:5])}."


def decided(found: Found) -> str:
    """How probabilities become labels."""
    rule = found.told["rule"]
    if rule == "f1":
        return "A row is given a label from the probability on at which F1 was highest."
    if rule == "stated":
        each = [f"{one['name']} from {one['threshold']:.3g}" for one in found.told["each"]]
        more = f" and {len(each) - _STATED} more" if len(each) > _STATED else ""
        return ("A row is given a label from the probability on that was stated after the fit: "
                f"{', '.join(each[:_STATED])}{more}.")
    return f"A row is given a label from a probability of {rule:g} on."


def never(found: Found) -> str | None:
    """The labels that were given to no row held out, and the way out."""
    told = found.told
    if told["rule"] in ("f1", "stated"):
        return None
    names = [each["name"] for each in told["each"]
             if each["held"] and score(each, "recall").value == 0]
    if not names:
        return None
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (f"No row that holds {', '.join(names[:_NAMED])}{more} was given it: their "
            "probabilities stay below the threshold. threshold='f1' gives each label its own.")


def score(each: Mapping[str, Any], name: str) -> Score:
    """One score of one label."""
    return Score.from_json(dict(each["scores"][name]))


def percent(share: float) -> str:
    """A share with the figures it deserves."""
    return f"{share:.0%}" if share >= 0.095 else f"{share:.1%}"


def limits(found: Found) -> list[str]:
    """What the answers do not say."""
    said = [decided(found),
            "Each probability is for one label by itself: that two labels are both held is not the "
            "product of their probabilities where they go together."]
    if found.told["importance"] is not None:
        said.append("A column that repeats another may look as if it told nothing: either tells "
                    "what both do.")
    return said
