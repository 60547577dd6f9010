"""What is asked of a model for its report: each verb of understanding, each answer or its reason.

Nothing is left out in silence: what cannot be computed becomes a sentence. Held-out rows are read
once; a verb that works on all rows sees at most `MOST_ROWS` of them, drawn with the fit's seed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from wholefit.api import _answers
from wholefit.api._tables import as_table
from wholefit.base.errors import DataError, WholefitError, WholefitWarning, unknown
from wholefit.base.events import emit
from wholefit.base.seeds import some
from wholefit.data import Table
from wholefit.explain.shares import shares
from wholefit.report.understood import Part, Understanding

if TYPE_CHECKING:
    from wholefit.api.result import Result

# Rows that the slower verbs are asked about; scores are of all rows.
MOST_ROWS = 10_000
_EFFECTS, _EXPLAINED, _PICTURES = 4, 300, 12
# Composed rows that may be asked for each of them: a mean over rows needs no one value exact.
_ASKED = 3_000


def understood(
    result: Result, rows: Any, protected: Sequence[str], values: bool, options: dict[str, Any]
) -> Understanding:
    """Everything a report can tell of `result`, with held-out `rows` or without (None).

    `protected` are columns of the rows that make groups of people; `values` lets single rows be
    shown; `options` are those of reading. Raises DataError for rows that cannot be judged and
    UnknownNameError for columns that are not theirs: a misspelt name must not become a page
    without an audit.
    """
    inside = _asked("inside", "What the model is made of", result.inside)
    if rows is None:
        return Understanding((inside, *_advised(result, ())), values=values)
    policies, reading = _answers.asked_for(options)
    table = as_table(rows, reading)
    known = tuple(dict.fromkeys(protected))
    for name in known:
        if name not in table.frame.columns:
            raise unknown("protected column", name, table.frame.columns)
    judged = _answers.dataset(result._fitted, table, policies, with_target=True)
    if not len(judged):
        raise DataError(f"{judged.source} must have rows to judge the model by; it has none.")
    with warnings.catch_warnings():  # they were said when the rows were brought to the schema
        warnings.simplefilter("ignore", WholefitWarning)
        scores = result.evaluate(table, **policies)
        few = _few(table, result.lineage.get("seed"))
        parts = [*_parts(result, few, known, values, policies), inside]
        parts += _advised(result, parts)
    return Understanding(tuple(parts), len(judged), judged.source, known, values, scores)


def _few(table: Table, seed: Any) -> Table:
    """The rows as they were read; a sample of them where they are many."""
    if table.frame.height <= MOST_ROWS:
        return table
    drawn = seed if isinstance(seed, int) else 0  # a file may say anything
    picked = some(table.frame.height, MOST_ROWS, drawn, "report", "rows")
    return replace(table, frame=table.frame[picked])


def _parts(
    result: Result, rows: Table, protected: Sequence[str], values: bool, kept: dict[str, Any]
) -> Iterator[Part]:
    yield _asked("failures", "Where it fails", lambda: _failures(result, rows, values, kept))
    if values and result.classes and result.schema.having("image"):
        yield _asked("images", "Pictures and what they are taken for",
                     lambda: result.pictures(rows, most=_PICTURES, **kept))
    worth = _asked("importance", "What each column is worth",
                   lambda: result.importance(rows, **kept))
    yield worth
    for name in _top(result, worth):
        yield _asked("effects", f"The effect of {name}",
                     partial(result.effect, name, rows, **kept))
    yield from _explained(result, rows, values, kept)
    yield _asked("stress", "Whether it would hold", lambda: result.stress(rows, **kept))
    if protected:
        yield _asked("fairness", "Whether it treats groups alike",
                     lambda: result.audit(rows, list(protected), **kept))


def _asked(topic: str, what: str, ask: Callable[[], Any]) -> Part:
    """The answer as a part, or why there is none."""
    emit("report_step", topic=topic, step=what)
    try:
        return Part(topic, what, ask())
    except WholefitError as error:
        return Part(topic, what, why_not=str(error))
    except Exception as error:  # one fault must not cost the person the rest of the report
        said = f"{type(error).__name__}: {error} (a fault of wholefit, not of your data)"
        emit("warning", message=f"{what} could not be computed: {said}")
        return Part(topic, what, why_not=said)


def _top(result: Result, worth: Part) -> list[str]:
    """The columns worth most; without that, those that the answers lean on most."""
    if worth.record is not None:
        names = [each.name for each in worth.record.columns if each.value == each.value]
    else:
        kept = (result.exhibits.get("reliance") or {}).get("columns", [])
        names = [str(row[0]) for row in kept]
    drawn = result.schema.having("image")  # a picture has no order to move along
    return [name for name in names
            if name in result.schema.features and name not in drawn][:_EFFECTS]


def _explained(
    result: Result, rows: Table, values: bool, kept: dict[str, Any]
) -> Iterator[Part]:
    if values:
        yield from _telling(result, rows, kept)
    else:
        few = replace(rows, frame=rows.frame.head(_EXPLAINED))
        yield _asked("shares", "How much each column adds", lambda: shares(
            result.explain(few, evaluations=_ASKED, **kept)))


def _failures(result: Result, rows: Table, values: bool, kept: dict[str, Any]) -> Any:
    found = result.diagnose(rows, **kept)
    return found if values else found.without_rows()


def _telling(result: Result, rows: Table, kept: dict[str, Any]) -> Iterator[Part]:
    """Explanations of rows that tell most: the surest mistakes, the surest hits, the unsure."""
    judged = _answers.dataset(result._fitted, rows, kept, with_target=True)
    truth, answer = _answers.truth_and_answer(result._fitted, judged)
    numbers = np.arange(len(judged)) if judged._rows is None else judged._rows
    for said, at in _rows_told(truth, answer, result._fitted.codes(answer, judged)):
        row = int(numbers[at])
        yield _asked("attributions", f"Why row {row + 1:,} ({said}) gets its answer",
                     partial(result.explain, rows, only=row, **kept))


def _rows_told(
    truth: np.ndarray, answer: np.ndarray, decided: np.ndarray | None = None
) -> list[tuple[str, int]]:
    """What is telling about a row, and its position; each row once.

    `decided` (n,) are the codes said, of classes the most probable ones where it is None.
    """
    if answer.ndim == 1:
        gap = answer - truth
        found = [("its answer is the most too high", int(np.argmax(gap))),
                 ("its answer is the most too low", int(np.argmin(gap))),
                 ("its answer is the nearest to the truth", int(np.argmin(np.abs(gap))))]
    else:
        own = answer[np.arange(len(truth)), truth]
        right = truth == (answer.argmax(axis=1) if decided is None else decided)
        found = []
        if not right.all():
            found.append(("the surest mistake", int(np.where(right, np.inf, own).argmin())))
        if right.any():
            found.append(("the surest right answer", int(np.where(right, own, -np.inf).argmax())))
        found.append(("the least sure", int(np.argmin(answer.max(axis=1)))))
    seen: dict[int, str] = {}
    for said, row in found:
        seen.setdefault(row, said)
    return [(said, row) for row, said in seen.items()]


def _advised(result: Result, parts: Sequence[Part]) -> list[Part]:
    """What to do next, with what an audit among the parts says."""
    known = [part.record for part in parts if part.topic == "fairness" and not part.why_not]
    return [_asked("advice", "What to do next", lambda: result.advice(known=known))]
