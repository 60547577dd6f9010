"""An audit in plain sentences: what was found, what it rests on, and what it cannot tell."""

from __future__ import annotations

import math
from collections.abc import Iterator

from wholefit.base.wording import aligned
from wholefit.evaluation.fairness.records import SMALL, Audit, Group, Part, few, hidden
from wholefit.evaluation.score import Score

_SHOWN = {"classification": ("base_rate", "selection_rate", "tpr", "fpr", "precision",
                             "calibration", "auc"),
          "regression": ("mean_outcome", "mean_answer", "bias", "mae", "rmse")}
_NARROW = {"classification": ("selection_rate", "tpr"), "regression": ("bias", "mae")}
_WORDS = {"base_rate": "base rate", "selection_rate": "selected", "tpr": "TPR", "fpr": "FPR",
          "fnr": "FNR", "auc": "AUC", "mean_score": "mean score", "mean_outcome": "mean outcome",
          "mean_answer": "mean answer", "mae": "mean error", "rmse": "RMSE"}
_MOST = 12


def word(measure: str) -> str:
    """What a measure is called in a table's heading."""
    return _WORDS.get(measure, measure)


def shown(task: str) -> tuple[str, ...]:
    """The measures that a table of groups has."""
    return _SHOWN[task]


def cell(score: Score, thin: int, small: bool = False) -> str:
    """A number with its interval; of few rows the interval alone, of very few nothing."""
    if hidden(score, small):
        return "too few"
    if math.isnan(score.value):
        return "undefined"
    if not few(score, thin, small):
        return str(score)
    if math.isnan(score.low):
        return "too few"
    return f"{score.low:.2f} to {score.high:.2f} (few rows)"


def headline(audit: Audit) -> str:
    """What certainly differs, in a sentence or two."""
    failed = audit.unequal
    whole = f"{audit.rows:,} rows of {audit.target!r}"
    if not failed:
        return (f"{whole}: no criterion fails beyond chance. That is not proof of fairness: see "
                "how wide the intervals are.")
    parts = dict.fromkeys((part.name, part.outcome) for part, _ in failed)
    listed = "; ".join(
        f"by {name}{f' for {outcome!r}' if outcome is not None else ''} "
        + ", ".join(f"{each.name} ({each.value:.2g})" for part, each in failed
                    if (part.name, part.outcome) == (name, outcome))
        for name, outcome in list(parts)[:4])
    more = f"; and {len(parts) - 4} more" if len(parts) > 4 else ""
    return f"{whole}: these are unequal beyond chance: {listed}{more}."


def limits(audit: Audit) -> tuple[str, ...]:
    """What no audit of this kind can tell."""
    said = [
        "Labels are taken as the truth. If they carry old decisions (who was hired, who was "
        "arrested), a model that repeats them looks fair here and is not.",
        "Where no difference is shown, there may be one that these rows are too few to show: the "
        "upper end of each interval is how large it may be.",
        "The rows are those that were given. People who never got into them (refused before, not "
        "counted) are not judged.",
        f"p-values are corrected for {audit.comparisons:,} comparisons (Holm); the intervals of "
        "groups are not, and some of many will miss by chance. Verdicts of criteria are corrected "
        "for all criteria too: where an interval leaves out 0 and no difference is shown, that is "
        "why.",
    ]
    thin = sum(group.n < audit.thin for part in audit.parts for group in part.groups)
    if thin:
        said.append(f"{thin:,} {'group has' if thin == 1 else 'groups have'} fewer than "
                    f"{audit.thin} rows and {'is' if thin == 1 else 'are'} not judged; groups of "
                    f"fewer than {SMALL} are not told at all.")
    said.append(f"A share that fewer than {SMALL} people make up is told as a range: nothing here "
                "is meant to point at a person.")
    said.append("This is a measurement, not a legal opinion: which differences are lawful or "
                "just depends on the use and the country.")
    return tuple(said)


def text(audit: Audit, small: bool = False, narrow: bool = False) -> str:
    """The whole audit as lines."""
    lines = [headline(audit)]
    for part in audit.parts:
        lines += ["", *_part(audit, part, small, narrow)]
    said = [proxy.said for proxy in audit.proxies]
    lines += ["", *said] if said else []
    lines += ["", "What this cannot tell:", *(f"- {each}" for each in audit.limits)]
    return "\n".join([*lines, *(f"- {note}" for note in audit.notes)])


def _part(audit: Audit, part: Part, small: bool, narrow: bool) -> Iterator[str]:
    about = f", selected = predicted {part.outcome!r}" if part.outcome is not None else ""
    yield f"By {part.name}{about} (compared with {part.reference}):"
    for each in part.criteria:
        few = f"; {each.unjudged} of too few rows" if each.unjudged else ""
        yield f"  {each.said}{few}"
    yield ""
    groups = [group for group in part.groups if group.n >= SMALL or small]
    names = _NARROW[audit.task] if narrow else shown(audit.task)
    rows = [[group.name, f"{group.n:,}", *(cell(group.scores[name], audit.thin, small)
                                           for name in names)] for group in groups[:_MOST]]
    for line in aligned(["group", "rows", *map(word, names)], rows):
        yield f"  {line}"
    untold = len(part.groups) - len(groups)
    if len(groups) > _MOST:
        yield f"  and {len(groups) - _MOST} smaller groups"
    if untold or part.left_out:
        yield f"  not told: {untold + part.left_out} groups of very few rows"
    for line in _against(groups):
        yield f"  {line}"
    if part.impossible:
        yield f"  {part.impossible[0].said}"  # of the largest group


def _against(groups: list[Group]) -> Iterator[str]:
    """What certainly differs from the reference."""
    for group in groups[:_MOST]:
        found = [f"{word(gap.measure)} {_signed(gap.difference, gap.low, gap.high)}"
                 for gap in group.against.values() if gap.verdict in ("higher", "lower")]
        if found:
            yield f"{group.name} differs: {', '.join(found)}"


def _signed(value: float, low: float, high: float) -> str:
    return f"{value:+.3g} [{low:+.3g}, {high:+.3g}]"
