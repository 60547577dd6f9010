"""The pieces of a diagnosis on a page: each a heading, what it means, a picture or a table."""

from __future__ import annotations

import math
from collections.abc import Callable

from wholefit.base import wording
from wholefit.evaluation.failures import Failures
from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report._svg import Bar, calibration, forest
from wholefit.report.failures import _numbers
from wholefit.report.failures._pictures import banded, dotted

_DIAGONAL = ((0.0, 0.0), (1.0, 1.0))


def pieces(found: Failures) -> list[tuple[str, str, Html]]:
    """(name in the address, heading, what is in it) of everything that was found."""
    made: list[tuple[str, str, Callable[[Failures], Html | None]]] = [
        ("worst", "Where it is worst", worst),
        ("confidence", "How sure it is, and what that is worth", confidence),
        ("abstain", "What it could leave unanswered", abstain),
        ("calibration", "Do its probabilities come true?", reliability),
        ("curves", "How well its scores rank", curves),
        ("costs", "Which threshold is cheapest", costs),
        ("mistakes", "What is taken for what", mistakes),
        ("residuals", "What is left over", _numbers.residuals),
        ("structure", "What columns still tell of the errors", _numbers.structure),
        ("misses", "The largest misses", _numbers.misses),
        ("time", "Errors over time", over_time),
        ("groups", "Errors by group", groups),
        ("next", "What to do next", next_steps)]
    drawn = ((name, heading, draw(found)) for name, heading, draw in made)
    return [(name, heading, inner) for name, heading, inner in drawn if inner is not None]


def worst(found: Failures) -> Html:
    """The worst slices: a sentence, the picture, the figures."""
    known = found.worst
    lines = known.to_text().split("\n")
    if not known.slices:
        return el("p", data(lines[0], 600))
    wrong = not math.isnan(known.slices[0].wrong)
    picture = _rates(found) if wrong else None
    header = ["", "part", "rows", "wrong" if wrong else "worse by", "elsewhere",
              "foreseen" if wrong else "bias", "p, corrected"]
    rows = []
    for at, each in enumerate(known.slices, 1):
        numbers = ([_share(each.wrong, each.wrong_low, each.wrong_high),
                    percent(each.wrong_elsewhere), percent(each.expected)] if wrong else
                   [_numbers.three(each.difference, each.low, each.high),
                    _numbers.figure(each.elsewhere),
                    _numbers.three(each.bias, each.bias_low, each.bias_high)])
        rows.append([str(at), data(each.name, 200), f"{each.n:,} ({percent(each.share)})",
                     *numbers, f"{each.p:.2g}"])
    return join([
        el("p", data(lines[0], 600)), picture,
        table(header, rows, "The worst slices", numbers=(2, 3, 4, 5, 6)),
        el("p", "Every part was found on one half of the rows and measured on the other. "
           + ("Foreseen is the share of wrong answers that its own probabilities announce: where "
              "that is less than what happened, the model does not know that it errs here."
              if wrong else "Loss is the absolute error; bias is truth less answer."),
           cls="small")])


def _rates(found: Failures) -> Html:
    bars = [Bar(f"{at}: {counted}", f"{percent(each.wrong)} wrong", each.wrong, each.wrong_low,
                each.wrong_high, "chosen")
            for at, each in enumerate(found.worst.slices, 1)
            for counted in [f"{each.n:,} rows"]]
    overall = found.confidence.wrong if found.confidence else math.nan
    return el("figure", forest(
        bars, overall, "Share of wrong answers in each of the worst slices, with intervals; the "
        f"rule is that of all rows, {percent(overall)}"))


def confidence(found: Failures) -> Html | None:
    """Error by confidence, and the rules to flag by."""
    known = found.confidence
    if known is None:
        return None
    lines = known.to_text().split("\n")
    points = [(each.said, each.wrong, each.wrong_low, each.wrong_high) for each in known.bins]
    first, last = points[0][0], points[-1][0]
    picture = dotted(points, "Share of wrong answers by how sure the model was, with intervals; "
                     "dashed: what its own probabilities say",
                     "how sure it was (probability of its answer)", "share that is wrong",
                     rule=((first, 1 - first), (last, 1 - last))) if len(points) > 1 else None
    flags = [*([known.chosen] if known.chosen else []), *known.flags]
    rows = [[join([f"below {flag.below:.3g}", el("span", " suggested", cls="badge")
                   if flag is known.chosen else None]), percent(flag.share), percent(flag.caught),
             _share(flag.wrong, flag.wrong_low, flag.wrong_high),
             _share(flag.wrong_kept, flag.wrong_kept_low, flag.wrong_kept_high)]
            for flag in flags]
    return join([
        el("p", lines[0], " ", lines[1]), el("figure", picture) if picture else None,
        el("p", f"A rule to look by: {known.chosen.said()}.") if known.chosen else None,
        table(["look at those", "rows flagged", "of all errors", "wrong among them",
               "wrong among the others"], rows, "Rules that flag answers of low confidence",
              numbers=(1, 2, 3, 4)) if rows else None,
        el("p", "Of two classes the one that is said has at least 0.5, so that 0.6 is hardly "
           "doubt.", cls="small") if known.classes == 2 else None])


def abstain(found: Failures) -> Html | None:
    """The risk-coverage curve and what can be promised."""
    known = found.confidence
    if known is None or len(known.curve) < 2:
        return None
    points = [(each.coverage, each.wrong, each.wrong, each.bound) for each in known.curve]
    return join([
        el("p", "Rows are answered only where the model is sure enough. The line is the error "
           "rate of the rows answered, the edge of the band what it does not exceed: that holds "
           f"for the whole curve together, with a chance of {known.level:.0%}."),
        el("figure", banded(points, "Error rate by the share of rows that are answered, the "
                            "surest first, with an upper bound", "share of rows answered",
                            "error rate of those", least=0.0)),
        bullets(data(said, 300) for said in known.offers()) if known.offers() else None])


def reliability(found: Failures) -> Html | None:
    """The calibration curve and its error."""
    known = found.reliability
    if known is None:
        return None
    picture = calibration(
        known.points, f"How often {known.of} was true, by the probability it was given",
        "probability said", "share that came true") if len(known.points) > 1 else None
    return join([el("figure", picture) if picture else None,
                 el("p", f"The mean gap (expected calibration error, noise taken off) is "
                    f"{known.gap}. On the dashed line a probability of 0.7 comes true seven "
                    "times in ten.")])


def curves(found: Failures) -> Html | None:
    """ROC, precision and recall, gain and lift, each in its band."""
    known = found.gains
    if known is None:
        return None
    base = known.positives / known.rows
    name = found.positive
    shown = [
        banded(known.gain, f"Share of {name} found by the share of rows taken, the surest first",
               "share of rows taken", f"share of {name} found", rule=_DIAGONAL, least=0, most=1),
        banded(known.lift, f"How many times more {name} than at random, by the share of rows",
               "share of rows taken", "lift", rule=((known.lift[0][0], 1.0), (1.0, 1.0)),
               least=0.0) if known.lift else None,
        banded(known.roc, f"Share of {name} found by the share of others taken (ROC)",
               "share of others taken", f"share of {name} found", rule=_DIAGONAL, least=0, most=1),
        banded(known.pr, f"Precision by the share of {name} found", f"share of {name} found",
               "precision", rule=((0.0, base), (1.0, base)), least=0, most=1)]
    return join([el("p", known.to_text() + " Dashed: rows taken at random."),
                 el("div", *(el("figure", each) for each in shown if each), cls="pair")])


def costs(found: Failures) -> Html | None:
    """Cost by threshold, with the best and the one in use."""
    known = found.costs
    if known is None:
        return None
    marks = [(known.best, f"cheapest {known.best:.3g}"), (known.now, f"in use {known.now:.3g}")]
    return join([
        el("p", known.to_text()),
        el("figure", banded(known.points, "Mean cost of a row by the threshold, with a band",
                            f"probability of {found.positive} from which on it is said",
                            "cost of a row", marks=marks, least=0.0)),
        el("p", "The band is pointwise; what the cheapest saves is corrected for its having been "
           "chosen on these rows.", cls="small")])


def mistakes(found: Failures) -> Html | None:
    """Cells of the confusion matrix, with rows to look at."""
    wrong = [cell for cell in found.cells if cell.truth != cell.answer]
    if not wrong:
        return None
    wrong.sort(key=lambda cell: -cell.rows)
    rows = [[join([data(cell.truth, 40), " as ", data(cell.answer, 40)]), f"{cell.rows:,}",
             _share(cell.share, cell.low, cell.high), f"{cell.sure:.2f}",
             join((_example(each) for each in cell.examples), "; ") if cell.examples else "–"]
            for cell in wrong]
    return join([table(["true class, as answered", "rows", "of the true class",
                        "how sure, mean", "surest mistakes: row (how sure)"], rows,
                       "Mistakes by true class and answer", numbers=(1, 2, 3)),
                 _right(found)])


def _example(each: object) -> Html:
    row, sure, shown = each.row, each.sure, each.shown  # type: ignore[attr-defined]
    cells = [join([data(name, 30), "=", data(value, 60)]) for name, value in shown.items()]
    return join([f"{row:,} ({sure:.2f})", *(join([" ", cell]) for cell in cells)])


def _right(found: Failures) -> Html | None:
    cells = [cell for cell in found.cells if cell.truth == cell.answer]
    if not cells:
        return None
    said = (join([data(cell.truth, 40), f": {cell.rows:,} ({percent(cell.share)})"])
            for cell in cells)
    return el("p", "Answered rightly: ", join(said, ", "), ".", cls="small")


def over_time(found: Failures) -> Html | None:
    """Errors in order of time."""
    from wholefit.evaluation._failures_words import over_time as told

    known = found.over_time
    if known is None:
        return None
    points = [(float(at), each.error, each.low, each.high)
              for at, each in enumerate(known.blocks, 1)]
    picture = dotted(points, f"{known.error.capitalize()} in {len(points)} stretches of "
                     f"{known.column}, in order, with intervals",
                     f"stretch of {known.column}, in order", known.error)
    return join([el("p", data(told(known), 600)), el("figure", picture),
                 el("p", "From ", data(known.blocks[0].start, 30), " to ",
                    data(known.blocks[-1].end, 30), ".", cls="small")])


def groups(found: Failures) -> Html | None:
    """Scores of each part by the columns that were named."""
    known = found.groups
    if known is None:
        return None
    rows = [[data(each.name, 80), f"{each.n:,}", str(each.scores[known.metric]),
             _numbers.three(each.difference, each.low, each.high), each.verdict]
            for each in known.slices]
    return join([el("p", data(known.said, 800)),
                 table(["part", "rows", known.metric, "minus the rest", "verdict"], rows,
                       "Scores of each part", numbers=(1, 2, 3))])


def next_steps(found: Failures) -> Html:
    """What to do about it, and what does not allow for weights or groups of rows."""
    return bullets(data(said, 600) for said in (*found.next_steps(), *found.notes))


def percent(share: float) -> str:
    """A share in percent; a dash where it is not known."""
    return wording.percent(share, "–")


def _share(value: float, low: float, high: float) -> Html:
    if math.isnan(value):
        return Html("–")
    return join([percent(value), " ", el("span", f"{percent(low)} to {percent(high)}",
                                         cls="interval")])
