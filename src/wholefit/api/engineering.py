"""`wf.feature`, `load_features`, `suggest`, `join`: columns made of others, and of other tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wholefit import data
from wholefit.base.budget import Budget, Clock
from wholefit.base.cores import cores
from wholefit.base.errors import DataError, ParameterError
from wholefit.base.events import emit
from wholefit.data.joining import Joined
from wholefit.features.custom import Custom
from wholefit.features.engineer import writing

if TYPE_CHECKING:
    from wholefit.training._suggestions import Suggestions


def feature(
    kind: str, columns: str | Sequence[str] = (), *, name: str | None = None,
    keep: bool | None = None, **options: Any,
) -> Custom:
    """One engineered feature, for `fit(..., transformers=[...])`.

    >>> feature("ratio", ["debt", "income"], at_zero="zero").name
    'debt/income'

    `kind` is one of ratio, difference, product, log, polynomial, expression, power, ranks, bins,
    cyclic, elapsed, lags, rolling, aggregate, frequency, target, hashing, text, missing
    (`wholefit features` lists them with their options). `keep` says whether the columns stay
    beside what is made of them. It is learnt on training rows only and stored in the `.wf`.
    """
    return writing.feature(kind, columns, name=name, keep=keep, **options)


def load_features(source: str | Path | Sequence[Mapping[str, Any]]) -> list[Custom]:
    """Engineered features from a TOML file of [[feature]] tables, or from such tables as dicts."""
    return writing.load(source) if isinstance(source, (str, Path)) else writing.parse(source)


def suggest(
    source: Any, *, target: str | None = None, task: str | None = None, metric: Any = None,
    budget: str | float | Budget | None = None, helps: str = "any", alpha: float = 0.05,
    most: int = 10, shortlist: int = 24, folds: int = 5, rows: int = 10_000,
    jobs: int | None = None, seed: int = 0, roles: Any = None, groups: str | None = None,
    time: str | None = None, weights: str | None = None, positive: Any = None, **reading: Any,
) -> Suggestions:
    """Propose engineered features, keep those that gain significantly, and confirm the gain.

    Candidates come from the roles of the columns; each is cross-validated with a linear model
    and with boosted trees. One is accepted when its gain is significant at `alpha` for all
    candidates together, and beside those accepted before it; what all of them are worth is
    measured on rows that had no part in choosing. On noise nothing is accepted, but for about
    `alpha` of such tables at most.

    `helps` says which model must gain: "any", "linear", "tree" or "both". `most` features are
    accepted, `shortlist` fitted, and `rows` chosen on, at most; `budget` is a time, 60 seconds by
    default; other words mean what they mean to `fit`. `.accepted` goes to
    `fit(..., transformers=...)`, `.save("features.toml")` to a file.
    """
    from wholefit.api.fitting import choose_task
    from wholefit.training import suggest as suggesting

    given = suggesting.DEFAULT_BUDGET if budget is None else Budget.parse(budget)
    if given != Budget(seconds=given.seconds):
        raise ParameterError(f"suggest keeps budgets of time, such as '60s'; got {budget!r}.")
    clock = Clock(given)
    options = suggesting.Options(
        metric=metric, positive=positive, folds=folds, alpha=alpha, most=most, rows=rows,
        shortlist=shortlist,
        helps=helps, jobs=cores() if jobs is None else jobs, seed=seed)
    dataset = data.load(source, target=target, roles=roles, time=time, groups=groups,
                        weights=weights, **reading)
    if dataset.schema.target is None:
        raise DataError("suggest needs to know which column to predict: say target= (--target on "
                        "the command line).")
    chosen, said = choose_task(dataset, dataset.schema.target, task)
    emit("read", source=dataset.source, rows=len(dataset), columns=dataset.frame.width, said=said,
         seconds=clock.spent())
    return suggesting.suggest(dataset, chosen, options, clock)


def join(
    left: Any, right: Any, on: str | Sequence[str] | Mapping[str, str], *, how: str = "left",
    as_of: str | tuple[str, str] | None = None, within: str | float | None = None,
    aggregates: Mapping[str, str | Sequence[str]] | None = None, prefix: str = "",
) -> Joined:
    """Bring columns of another table to the rows of `left`; many rows become statistics.

    Without `aggregates`, a key must be unique in `right`: rows of `left` are never multiplied.
    With them, e.g. {"amount": ["mean", "sum"], "*": "count"}, the rows of `right` with the same
    key are summed up; with `as_of`, the column of time (or a pair: left's, right's), only those
    strictly before each row of `left`, and `within` (such as "30d") of it.

    `on` names the key in both tables, or maps left's names to right's. `how` is "left" (rows
    without a match have missing cells) or "inner" (they are left out). Gives `Joined`: the
    `frame`, in the frame type of `left`, in its order, and counts of matched rows.
    """
    from wholefit.data import joining

    one, other = data.read(left), data.read(right)
    found = joining.join(one.frame, other.frame, on, how=how, as_of=as_of, within=within,
                         aggregates=aggregates, prefix=prefix)
    return dataclasses.replace(found, frame=data.give_back(found.frame, one.guest))
