"""A diagnosis as a colleague would tell it, and what to do next."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wholefit.base.wording import counted, figures

if TYPE_CHECKING:
    from wholefit.evaluation._failures_parts import Cell, OverTime
    from wholefit.evaluation.failures import Failures
    from wholefit.evaluation.worst import WorstSlice

# A calibration gap below this is not worth a remedy, whatever the test says.
_GAP = 0.02
_FEW = 1_000


def text(found: Failures) -> str:
    """Paragraphs: the whole, where it fails, how sure it is, thresholds, time, what next."""
    parts = [f"{found.score.metric} {found.score} on {counted(found.rows, 'row')} ({found.of}).",
             found.worst.to_text()]
    if found.confidence is not None:
        parts.append(_confidence(found))
    if found.reliability is not None:
        parts.append(_reliability(found))
    if found.gains is not None:
        parts.append(found.gains.to_text())
    if found.costs is not None:
        parts.append(found.costs.to_text())
    if found.cells:
        parts.append(_mistakes(found))
    if found.residuals is not None:
        parts.append(found.residuals.to_text())
    if found.misses:
        parts.append("Largest misses: " + "; ".join(
            f"row {each.row:,}: {each.truth}, answered {each.answer}"
            for each in found.misses[:5]) + ".")
    if found.over_time is not None:
        parts.append(over_time(found.over_time))
    if found.groups is not None:
        parts.append(found.groups.said)
    parts += found.notes
    parts.append("What to do next:\n" + "\n".join(f"- {said}" for said in advice(found)))
    return "\n\n".join(parts)


def _confidence(found: Failures) -> str:
    known = found.confidence
    assert known is not None
    lines = known.to_text().split("\n")
    if known.classes == 2 and all(each.low >= 0.5 - 1e-9 for each in known.bins):
        lines.append("(Of two classes the one that is said has at least 0.5: a rule such as "
                     "\"below 0.6\" means less than it seems.)")
    return "\n".join(lines)


def _reliability(found: Failures) -> str:
    known = found.reliability
    assert known is not None
    gap = known.gap
    if not math.isfinite(gap.value):
        return "Calibration cannot be judged on these rows."
    verdict = ("probabilities can be taken at their word" if gap.high < 2 * _GAP else
               "probabilities lie beside what comes true" if gap.low > _GAP else
               "whether probabilities can be taken at their word is not settled by these rows")
    return (f"Calibration of {known.of}: the mean gap between probability and truth is {gap}; "
            f"{verdict}.")


def _mistakes(found: Failures) -> str:
    wrong = worst_cells(found)
    if not wrong:
        return "No row is answered wrongly."
    lines = ["The most frequent mistakes:"]
    for cell in wrong[:4]:
        rows = ", ".join(f"{each.row:,} ({each.sure:.2f})" for each in cell.examples)
        lines.append(f"- {cell.truth} answered as {cell.answer}: {counted(cell.rows, 'row')}, "
                     f"{100 * cell.share:.0f}% of {cell.truth} [{100 * cell.low:.0f}%, "
                     f"{100 * cell.high:.0f}%]"
                     + (f"; surest in rows {rows}" if rows else ""))
    return "\n".join(lines)


def worst_cells(found: Failures) -> list[Cell]:
    """Cells of wrong answers, the most rows first."""
    wrong = [cell for cell in found.cells if cell.truth != cell.answer]
    return sorted(wrong, key=lambda cell: -cell.rows)


def over_time(found: OverTime) -> str:
    """Whether errors rise or fall with time."""
    first, last = found.blocks[0], found.blocks[-1]
    begun, ended = (f"{figures(each.error, 3)} [{figures(each.low, 3)}, {figures(each.high, 3)}]"
                    for each in (first, last))
    head = (f"By {found.column}: the {found.error} is {begun} in the first of "
            f"{len(found.blocks)} stretches and {ended} in the last")
    if found.p >= 0.05:
        return head + "; no steady change is certain."
    word = "rises" if found.change > 0 else "falls"
    return (head + f"; it {word} by {figures(abs(found.change), 3)} over the whole time "
            f"[{found.low:+.3g}, {found.high:+.3g}].")


def advice(found: Failures) -> Iterator[str]:
    """What to do, from what was found; never nothing."""
    said = list(_advice(found))
    yield from said
    if not said:
        yield "Nothing found here asks for a remedy: spend the effort on more or better data."
    if found.rows < _FEW:
        yield (f"Judge with more rows before acting on details: {found.rows:,} leave wide "
               "intervals.")


def _advice(found: Failures) -> Iterator[str]:
    for each in found.worst.slices[:2]:
        yield _of_slice(each)
    yield from _of_classes(found)
    if found.residuals is not None:
        yield from _of_numbers(found)
    drift = found.over_time
    if drift is not None and drift.p < 0.05 and drift.change > 0:
        yield ("Errors grow with time: fit anew on recent rows, validate in order of time "
               f"(time={drift.column!r}), and watch for drift.")
    if found.groups is not None and found.groups.worse:
        yield ("It does worse for " + ", ".join(each.name for each in found.groups.worse[:3])
               + ": see to these groups first; if they are groups of people, audit it (audit).")


def _of_slice(each: WorstSlice) -> str:
    if each.foreseen is False:
        return (f"Look at rows where {each.name}: the model errs there more than it says. Check "
                "their labels and cells first; then add columns that tell them apart, or rows of "
                "that kind.")
    if each.foreseen:
        return (f"Rows where {each.name} are hard, and the model says so: more information about "
                "them may help, another model hardly; let people look at them.")
    if each.bias_low > 0 or each.bias_high < 0:
        lean = "low" if each.bias > 0 else "high"
        return (f"Answers where {each.name} are too {lean}: check those cells and targets, and "
                "give the model columns that tell these rows apart.")
    return (f"Errors are larger where {each.name}, and lean neither way: expect wider intervals "
            "there; more information about those rows would help most.")


def _of_classes(found: Failures) -> Iterator[str]:
    gap = None if found.reliability is None else found.reliability.gap
    if gap is not None and math.isfinite(gap.low) and gap.low > _GAP:
        yield ("Do not take probabilities at their word: fit with a calibrated model, or use sets "
               "(predict_set), which need no calibration.")
    if found.costs is not None and found.costs.worth_moving:
        yield (f"Move the threshold to {found.costs.best:.3g} (with_threshold): it costs less "
               "than the one in use.")
    known = found.confidence
    if known is not None and known.chosen is not None and known.chosen.caught > 0.3 \
            and known.chosen.wrong > 1.5 * known.chosen.wrong_kept:
        yield (f"Let people look at answers below a confidence of {known.chosen.below:.2g}: "
               f"{100 * known.chosen.share:.0f}% of the rows hold "
               f"{100 * known.chosen.caught:.0f}% of the errors.")


def _of_numbers(found: Failures) -> Iterator[str]:
    left = found.residuals
    assert left is not None
    if left.left:
        named = ", ".join(each.column for each in left.left[:3])
        yield (f"Columns that still tell something of the errors ({named}) are not fully used: "
               "try a more flexible model, or features made of them (suggest).")
    if left.spread_p < 1 - left.level and left.spread_ratio > 2:
        yield ("Errors are wider for some answers than for others: use intervals "
               "(predict_interval), or fit the logarithm of the target if it is never negative.")
    if left.worst_share[0] > 0.7:
        yield ("A tenth of the rows makes most of the squared error: look at the largest misses "
               "first; compare by mean absolute error if they are not to be learnt.")
