"""`wf.glass_boxes`: models that can be read beside the best that cannot, and the price of reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wholefit import data, training
from wholefit import models as catalog
from wholefit.api import _answers
from wholefit.api._shown import as_kind
from wholefit.api.result import Result
from wholefit.base.budget import Budget, Clock
from wholefit.base.cores import cores
from wholefit.base.errors import ParameterError, unknown
from wholefit.base.events import emit
from wholefit.training import glass


@dataclass(frozen=True)
class GlassBoxes(glass.GlassBoxes):
    """Glass and black boxes on the same folds; see `wholefit.training.glass.GlassBoxes`.

    `found["additive"]` is the Result of a glass box, fitted on all rows.
    """

    _results: dict[str, Result] = field(default_factory=dict, repr=False, compare=False)

    def __getitem__(self, model: str) -> Result:
        """The Result of a glass box; UnknownNameError for a model that has none here."""
        if model not in self._results:
            raise unknown("glass box", model, list(self._results))
        return self._results[model]

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the glass boxes that have a Result."""
        return tuple(self._results)

    def report(self, path: str | Path, *, force: bool = False) -> Path:
        """Write one self-contained HTML page: the prices, and each glass box opened."""
        from wholefit.report.inside import glass as pages

        opened = {name: result.inside() for name, result in self._results.items()}
        return pages.write(self, opened, path, force=force)

    def _repr_html_(self) -> str:
        from wholefit.report.inside import glass as pages

        return pages.snippet(self)

    def __str__(self) -> str:
        return self.to_text()


def glass_boxes(
    source: Any,
    *,
    target: str,
    task: str | None = None,
    models: Any = None,
    against: Any = None,
    metric: Any = None,
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
    features: dict[str, Any] | None = None,
    **reading: Any,
) -> GlassBoxes:
    """Score models that can be read beside the best that cannot, on the same folds.

    `models` are the glass boxes: a rule list, a tree of depth 4, a weighted sum and an additive
    model where left out; `against` the black boxes: boosted trees, and a forest where rows allow
    it. All other words are those of `wf.fit`.

    Each row has its score, the paired difference from the best with its interval (the price of
    reading it), and how much there is to read. `found["additive"]` is a Result like any other.
    Raises DataError for a source that cannot be learnt from, ParameterError and UnknownNameError
    for a wrong option, BudgetError if nothing fits the budget.
    """
    from wholefit.api.fitting import _named, choose_task

    clock = Clock(training.DEFAULT_BUDGET if budget is None else Budget.parse(budget))
    _answers.check_options(reading)
    boxes, black = _named(models), _named(against)
    _check_readable(boxes)
    options = training.Options(
        metric=metric, folds=folds, repeats=repeats, jobs=cores() if jobs is None else jobs,
        seed=seed, positive=positive, features=dict(features or {}), checks=False)
    dataset = data.load(source, target=target, roles=roles, time=time, groups=groups,
                        weights=weights, **reading)
    chosen, said = choose_task(dataset, target, task)
    emit("read", source=dataset.source, rows=len(dataset), columns=dataset.frame.width, said=said,
         seconds=clock.spent())
    found, runs = glass.compare(dataset, chosen, options, clock, boxes, black)
    results = {name: Result._of_run(run, said, dataset) for name, run in runs.items()}
    return as_kind(GlassBoxes, found, _results=results)


def _check_readable(boxes: Sequence[catalog.Model] | None) -> None:
    for model in boxes or ():
        if model.name not in glass.READABLE:
            raise ParameterError(
                f"models must be ones that can be read ({', '.join(glass.READABLE)}); got "
                f"{model.name!r}: say it in against=.")
