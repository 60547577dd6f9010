"""`Result.label_errors`: rows that a fit's own out-of-fold answers contradict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wholefit.base.errors import ParameterError, StateError
from wholefit.data import Note
from wholefit.data.notes import some
from wholefit.training import Run

if TYPE_CHECKING:
    from wholefit.training.label_errors import LabelErrors


def errors_of_run(
    run: Run | None, target: str, notes: Sequence[Note], score: str
) -> LabelErrors:
    """Label errors by the out-of-fold answers that a fit has made, without fitting again."""
    from wholefit.training import label_errors as finding

    if run is None:
        raise StateError("out-of-fold answers are at hand only where fit was called, not in a "
                         "loaded model: call wf.label_errors(source, target=...).")
    if score not in finding.SCORES:
        raise ParameterError(f"score must be one of {some([*map(repr, finding.SCORES)])}; got "
                             f"{score!r}.")
    model = run.chosen.model
    return finding.judge(
        target, run.task, run.codec, run.truth, run.oof[model], score=score,
        rows=finding.source_rows(len(run.truth), notes),
        how=f"judged by {model}; {run.split}")
