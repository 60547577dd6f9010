"""`wf.treatments`: what to do about a rare class, compared on the same folds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wholefit import data
from wholefit import models as catalog
from wholefit.api import _answers
from wholefit.base.budget import Budget, Clock
from wholefit.base.cores import cores
from wholefit.base.errors import DataError
from wholefit.base.events import emit
from wholefit.base.wording import aligned
from wholefit.training import treatments as comparing
from wholefit.training.treatments import Compared, Treated


class Treatments:
    """Rows of a comparison: one model under one treatment each, "none" first.

    `verdicts` say in sentences where a treatment is better than doing nothing, beyond chance
    and after correction for having tried several, and where doing nothing is tied for best.
    """

    def __init__(self, found: Compared) -> None:
        self._found = found

    @property
    def rows(self) -> tuple[Treated, ...]:
        """One row a model and treatment, in the order tried."""
        return self._found.rows

    @property
    def verdicts(self) -> tuple[str, ...]:
        """What follows, in sentences."""
        return self._found.said

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is compared, in the order of the columns."""
        return self._found.metrics

    def row(self, model: str, treatment: str) -> Treated:
        """The row of a model under a treatment; DataError if there is none."""
        for row in self.rows:
            if (row.model, row.treatment) == (model, treatment):
                return row
        raise DataError(f"no row is of {model!r} under {treatment!r}; there are "
                        + ", ".join(f"{row.model}/{row.treatment}" for row in self.rows) + ".")

    def table(self, most: int = 9) -> tuple[list[str], list[list[str]]]:
        """Header and rows of text with the first `most` metrics; + better than none, - worse."""
        shown = self.metrics[:most]
        return (["model", "treatment", *shown],
                [[row.model, row.treatment, *_cells(row, shown)] for row in self.rows])

    def notes(self) -> list[str]:
        """How it was compared, in sentences."""
        found = self._found
        counts = ", ".join(f"{label!r} {count:,}" for label, count in
                           zip(found.classes, found.counts, strict=True))
        given = "as stated" if found.stated else "by default, in inverse proportion to frequency"
        return [
            f"{found.target!r}: {counts} rows; {found.classes[found.positive]!r} is positive; "
            f"judged by {found.split}.",
            f"Costs of mistakes ({given}): {costs_said(found)}.",
            "+ and - : better or worse than doing nothing with the same model (paired, Holm's "
            "correction over the table, 5%).",
        ]

    def to_text(self) -> str:
        """Table, verdicts and notes as lines."""
        return "\n".join([*aligned(*self.table()), "", *self.verdicts, "",
                          *self.notes()])

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        found = self._found
        return {
            "target": found.target, "source": found.source, "classes": list(found.classes),
            "positive": found.positive, "counts": [int(count) for count in found.counts],
            "metrics": list(found.metrics), "costs": found.costs.tolist(),
            "split": found.split, "rows": [row.to_json() for row in found.rows],
            "verdicts": list(found.said),
        }

    def report(self, path: str | Path, *, force: bool = False) -> Path:
        """Write one self-contained HTML page with the table and precision-recall curves."""
        from wholefit.report.treatments import write

        return write(self._found, path, notes=self.notes(), force=force)

    def __repr__(self) -> str:
        return self.to_text()


def treatments(
    source: Any,
    *,
    target: str,
    models: str | Sequence[Any] | Any | None = None,
    treatments: str | Sequence[Any] | None = None,
    costs: Any = None,
    precision: float = 0.5,
    folds: int = 5,
    repeats: int = 1,
    budget: str | float | Budget | None = None,
    jobs: int | None = None,
    seed: int = 0,
    roles: Any = None,
    groups: str | None = None,
    time: str | None = None,
    weights: str | None = None,
    positive: Any = None,
    **reading: Any,
) -> Treatments:
    """Compare ways to treat a rare class, each against doing nothing, on the same folds.

    `models` and `costs` are those of `wf.fit`; without models, a linear and a boosted one, and a
    forest beside the balanced one. `treatments` are words of `balance=` ("weights", "over",
    "under", "smote", "near_miss", "adasyn", ...), "threshold" and "balanced_forest". `positive`
    is the rarest class if left out.
    `precision` is the one at which recall is read. Without costs, mistaking a class costs in
    inverse proportion to its frequency. All other words are those of `wf.fit`.

    Raises DataError for a source that cannot be compared on, ParameterError and UnknownNameError
    for a wrong option.
    """
    from wholefit import training
    from wholefit.api.fitting import choose_task

    clock = Clock(training.DEFAULT_BUDGET if budget is None else Budget.parse(budget))
    _answers.check_options(reading)
    plan = comparing.Plan(
        models=_listed(models), treatments=_listed(treatments), costs=costs,
        precision=precision, folds=folds, repeats=repeats,
        jobs=cores() if jobs is None else jobs, seed=seed, positive=positive)
    dataset = data.load(source, target=target, roles=roles, time=time, groups=groups,
                        weights=weights, **reading)
    task, said = choose_task(dataset, target, None)
    emit("read", source=dataset.source, rows=len(dataset), columns=dataset.frame.width, said=said,
         seconds=clock.spent())
    return Treatments(comparing.compare(dataset, task, plan, clock))


def costs_said(found: Compared) -> str:
    """The costs of mistakes in words."""
    classes = found.classes
    if len(classes) > 4:
        return f"a matrix of {len(classes)} classes"
    parts = [f"{classes[i]!r} taken for {classes[j]!r} {found.costs[i, j]:.4g}"
             for i in range(len(classes)) for j in range(len(classes)) if i != j]
    return ", ".join(parts)


def _listed(given: Any) -> list[Any] | None:
    if given is None:
        return None
    found = catalog.split_list(given) if isinstance(given, str) else given
    return list(found) if isinstance(found, (list, tuple)) else [found]


def _cells(row: Treated, shown: Sequence[str]) -> list[str]:
    if row.reason:
        return [row.reason, *("" for _ in shown[1:])]
    return [str(row.scores[name]) + (" +" if name in row.better else
                                     " -" if name in row.worse else "") for name in shown]
