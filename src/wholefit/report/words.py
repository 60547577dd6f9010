"""What the numbers say, as sentences: the answer, its limits, and what to do next."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from wholefit.base import tasks
from wholefit.data.schema import LEARNT
from wholefit.evaluation import Score
from wholefit.report import _facts
from wholefit.report._facts import Reported
from wholefit.training import Entry

_FEW_ROWS = 1000
_MANY_MODELS = 10
_WEAK = 0.5
# Code in a page, which is shown as it is typed; and an interval as lines of text have it.
_CODE = re.compile(r"(<(?:pre|code)\b.*?</(?:pre|code)>)", re.DOTALL)
_END = r"[+-]?(?:\d[\d.,]*(?:e[+-]?\d+)?%?|inf)"
_SPAN = re.compile(rf"({_END} )?\[({_END}), ({_END})\]")
_POWER = re.compile(r"-?\d(?:\.\d+)?e\+\d+")
_LONG = re.compile(r"(?<![\d.,])\d{5,}(?![\d,])")


def answer(result: Reported) -> list[str]:
    """Which model, how good, against what, and what that means: one paragraph."""
    own = _facts.chosen(result)
    said = [_first(result, own), *_plainly(result, own), _against(result, own),
            _rivals(result, own)]
    return [sentence for sentence in said if sentence]


def whole_answer(
    result: Reported, scores: Mapping[str, Score] | None = None, rows: int | None = None
) -> list[str]:
    """The answer, what was decided, and what held-out rows say of it, where there are any."""
    decision = getattr(result, "decision", None)
    said = [f"As decided, {decision.said(result.classes or ())}."] if decision else []
    held = (scores or {}).get(result.leaderboard.metric)
    if held is not None and rows is not None:
        said.append(f"On the {rows:,} held-out rows given for this report, its "
                    f"{pretty(result.leaderboard.metric)} is {value(held)}{_held(held)}.")
    return [*answer(result), *said]


def _held(score: Score) -> str:
    interval = span(score)
    return f" ({interval})" if interval else ""


def pretty(metric: str) -> str:
    """A metric's name as words are written."""
    return metric.replace("_", " ") if metric.isidentifier() else metric


def spelled(html: str, metric: str = "") -> str:
    """Text or HTML as pages write it: "(a to b)" for [a, b], `metric` in words, code untouched."""
    pieces = _CODE.split(html)
    pieces[::2] = [_SPAN.sub(_span, piece) for piece in pieces[::2]]
    if "_" in metric:
        written = re.escape(metric).replace("_", "_(?:<wbr/?>)?")
        name = re.compile(rf"(?<![\w'\"=(-]){written}(?![\w'\"=)-])")
        pieces[::2] = [name.sub(pretty(metric), piece) for piece in pieces[::2]]
    return "".join(pieces)


def _span(found: re.Match[str]) -> str:
    """ "28,380 (25,437 to 32,154)"."""
    return plain(f"{found[1] or ''}({found[2]} to {found[3]})")


def plain(sentence: str) -> str:
    """The sentence with large numbers as people write them: 2,803,000,000 for 2.803e+09."""
    sentence = _POWER.sub(lambda found: number(float(found[0])), sentence)
    return _LONG.sub(lambda found: f"{int(found[0]):,}", sentence)


def number(amount: float, sign: str = "") -> str:
    """A number with about four figures, large ones in full; `sign` "+" shows that of all."""
    if 1000 <= abs(amount) < 1e12:
        return f"{amount:{sign},.0f}"
    return f"{amount:{sign}.4g}"


def alike(amounts: tuple[float, ...], reach: float) -> list[str]:
    """Signed numbers with equally many decimals: two figures of `reach`, how far they are known."""
    if not (math.isfinite(reach) and 1e-9 < reach < 1e12):
        return [number(amount, "+") for amount in amounts]
    decimals = max(0, 1 - math.floor(math.log10(reach)))
    return [f"{amount:+,.{decimals}f}" for amount in amounts]


def _first(result: Reported, own: Entry) -> str:
    metric, score = result.leaderboard.metric, _facts.main_score(result, own)
    name = pretty(metric)
    if score is None or not _facts.known(score):
        why = f" ({score.how})" if score is not None else ""
        return f"The model to use is {own.model}, but its {name} could not be told{why}."
    way = _facts.metric_of(result, metric)
    better = f"; {way.better} is better" if way is not None else ""
    return (f"The model to use is {own.model}. On rows that it had not seen, its {name} is "
            f"{value(score)}{_between(score)}{better}.")


def value(score: Score) -> str:
    """The value, with the digits that its interval deserves."""
    return plain(str(score).split(" ")[0])


def ends(score: Score) -> tuple[str, str] | None:
    """The ends of the interval; None where there is none."""
    if not _facts.known(score) or math.isnan(score.low):
        return None
    low, high = str(score).split("[")[1].rstrip("]").split(", ")
    return plain(low), plain(high)


def span(score: Score) -> str:
    """The interval as "0.405 to 0.430"; empty where there is none."""
    return " to ".join(ends(score) or ())


def _between(score: Score) -> str:
    """The interval in words."""
    both = ends(score)
    if both is None:
        return ""
    return (f" (on many more rows like these it would lie between {both[0]} and {both[1]}, "
            f"with {score.level:.0%} confidence)")


def _plainly(result: Reported, own: Entry) -> Iterator[str]:
    """In plain words: the metric compared by, and one more."""
    main = result.leaderboard.metric
    second = next((name for name in own.scores if name != main), None)
    for lead, name in (("That means: ", main), ("Put otherwise: ", second)):
        way = _facts.metric_of(result, name) if name else None
        if way is not None and name is not None and _facts.known(own.scores.get(name)):
            yield lead + way.words(own.scores[name].value)


def _against(result: Reported, own: Entry) -> str:
    """The score beside the baseline's, and whether chance could explain the gap."""
    base = _facts.baseline(result)
    if base is None:
        return ("No baseline was scored beside it, so how much of this is easy to reach is not "
                "known.")
    if base is own:
        return ("It is the baseline, which ignores every column and always gives the same answer: "
                "nothing that was tried did better for certain.")
    own_score, base_score = (_facts.main_score(result, entry) for entry in (own, base))
    if own_score is None or base_score is None or not _facts.known(base_score):
        return "The baseline has no score to compare with."
    verdict = "a gap too large to be chance" if beaten(result) else "a gap that may be chance"
    return (f"The baseline, which ignores every column and always gives the same answer, scores "
            f"{value(base_score)}: {verdict}.")


def beaten(result: Reported) -> bool:
    """Whether the baseline is worse than the model that answers, beyond chance.

    A model tied with the best, where the baseline is not, counts as better than the baseline.
    """
    base, own = _facts.baseline(result), _facts.chosen(result)
    if base is None or base is own or base.difference is None:
        return False
    return base.difference["better"] == "b" and (own.best or own.tied)


def _rivals(result: Reported, own: Entry) -> str:
    scored = [entry for entry in result.leaderboard if entry.scores and entry is not own]
    tied = [entry.model for entry in scored if entry.tied]
    base = tasks.get(result.task).baseline
    if not [entry for entry in scored if entry.model != base]:
        return ""
    if own.tied and tied:
        reason = "is the best of them by value" if own.best else \
            "costs least of those that keep what the best gains over the baseline"
        return (f"It is statistically tied with {listed(tied)}: their differences may be chance. "
                f"It {reason}.")
    return "Every other model that was tried is worse by more than chance." if own.best else ""


def listed(names: list[str], most: int = 6) -> str:
    """Names as a list in a sentence."""
    shown = names[:most] + ([f"{len(names) - most} more"] if len(names) > most else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


# ---- limits -----------------------------------------------------------------------------


def limits(result: Reported) -> list[str]:
    """What this result does not tell, or tells only in part; each from evidence in it."""
    found = [_of_baseline(result), _of_rows(result), _of_split(result), _of_choosing(result),
             _of_classes(result), _of_probabilities(result), _of_spread(result),
             _of_columns(result), _of_gaps(result)]
    return [sentence for sentence in found if sentence]


def _of_baseline(result: Reported) -> str:
    if _facts.baseline(result) is None or beaten(result):
        return ""
    return ("Nothing here is better than the baseline beyond chance: do not act on single "
            "predictions of this model.")


def _of_rows(result: Reported) -> str:
    rows = int(result.lineage.get("rows", 0))
    if not 0 < rows < _FEW_ROWS:
        return ""
    return (f"There were {rows:,} rows. Intervals narrow with the square root of the number of "
            "rows: four times as many would about halve them.")


def _of_split(result: Reported) -> str:
    if "adopted" in result.lineage:
        return "The model was fitted elsewhere: its scores are honest only on rows it never saw."
    if result.schema.having("time"):
        return ("Scores are for rows that come later than those learnt from; how long they hold "
                "depends on how fast the world behind the rows changes.")
    together = "rows of one group were kept together" if result.schema.having("group") else \
        "each row was taken to be independent of the others"
    return (f"Scores hold for new rows that come from the same source as these; {together}. They "
            "say nothing about another place, another population, or a later time.")


def _of_choosing(result: Reported) -> str:
    scored = sum(bool(entry.scores) for entry in result.leaderboard)
    if scored < _MANY_MODELS:
        return ""
    return (f"The best of {scored} models was picked on the same rows that score it, which "
            "flatters it a little; rows held out until now would tell.")


def _of_classes(result: Reported) -> str:
    rows = [row for row in result.exhibits.get("per_class", [])
            if row["support"] and (row["recall"][0] or 0.0) < _WEAK]
    if not rows:
        return ""
    rows = sorted(rows, key=lambda row: row["recall"][0] or 0.0)
    said = [f"{_facts.label(result, row['class'])!r} ({row['recall'][0] or 0.0:.0%})"
            for row in rows]
    return f"Fewer than half of the rows of these classes are found: {listed(said)}."


def _of_probabilities(result: Reported) -> str:
    points = result.exhibits.get("calibration", [])
    off = [point for point in points if not point[2] <= point[0] <= point[3]]
    if len(points) < 3 or len(off) * 3 < len(points):
        return ""
    said = "higher" if sum(point[0] - point[1] for point in off) > 0 else "lower"
    return (f"The probabilities are off in {len(off)} of {len(points)} bins beyond chance, mostly "
            f"{said} than what happens: rank rows by them, but do not read them as frequencies.")


def _of_spread(result: Reported) -> str:
    rows = result.exhibits.get("residuals", [])
    widths = [row[6] - row[2] for row in rows if None not in row]
    if len(widths) < 3 or not min(widths) > 0 or max(widths) < 3 * min(widths):
        return ""
    where = "high" if widths.index(max(widths)) > len(widths) / 2 else "low"
    return (f"Misses are {max(widths) / min(widths):.0f} times as wide in the worst tenth of the "
            f"answers as in the best, and the worst lies among {where} answers: one number for "
            "the error of all of them hides that.")


def _of_columns(result: Reported) -> str:
    out = [column for column in result.schema.columns
           if column.role in ("identifier", "constant", "ignored")
           and column.reason != "set by the user"]
    if not out:
        return ""
    return (f"{_count(len(out), 'column')} learnt nothing from: "
            f"{listed([repr(column.name) for column in out])}. The reasons are in the table of "
            "columns; if one is wrong, set its role.")


def _of_gaps(result: Reported) -> str:
    rows = int(result.lineage.get("rows", 0))
    gappy = [repr(column.name) for column in result.schema.columns
             if column.role in LEARNT and rows and column.missing > rows / 2]
    if not gappy:
        return ""
    return (f"More than half of the cells are missing in {listed(gappy)}: what the model says of "
            "them rests on few rows.")


def _count(number: int, word: str) -> str:
    return f"{number} {word} was" if number == 1 else f"{number} {word}s were"


# ---- next steps -------------------------------------------------------------------------


def steps(result: Reported) -> list[str]:
    """What to do next, most useful first."""
    found = [_better_columns(result), _more_rows(result), _unfinished(result), _weak_class(result),
             "Before it is used, score it on rows that were not here, from the place and time it "
             "will be used in: wholefit evaluate MODEL.wf NEW.csv.",
             "Answer new rows with: wholefit predict MODEL.wf NEW.csv."]
    return [sentence for sentence in found if sentence]


def _better_columns(result: Reported) -> str:
    if _facts.baseline(result) is None or beaten(result):
        return ""
    return ("Look for columns that could know the target: what was known before it was decided, "
            "and is not in the table. More models of the same columns will hardly help.")


def _more_rows(result: Reported) -> str:
    tied = [entry for entry in result.leaderboard if entry.tied]
    if len(tied) < 2:
        return ""
    return (f"To tell the {len(tied)} tied models apart takes more rows; if they are hard to get, "
            "the recommended one is a safe choice.")


def _unfinished(result: Reported) -> str:
    short = [entry.model for entry in result.leaderboard
             if entry.status in ("stopped", "skipped")]
    if not short:
        return ""
    return (f"{listed(short)} did not run in full (the leaderboard says why): a larger --budget, "
            "or naming them in --models, gives them their turn.")


def _weak_class(result: Reported) -> str:
    rows = result.exhibits.get("per_class", [])
    weak = [row for row in rows if row["support"] and (row["recall"][0] or 0.0) < _WEAK]
    if not weak:
        return ""
    worst = min(weak, key=lambda row: row["recall"][0] or 0.0)
    name = _facts.label(result, worst["class"])
    return (f"Look at rows of {name!r} that were missed: what would a person need to "
            "know to tell them, and is it in a column?")
