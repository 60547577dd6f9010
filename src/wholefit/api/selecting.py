"""`wf.select`: which columns matter, by several methods side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wholefit import data
from wholefit import models as catalog
from wholefit.api import _answers
from wholefit.base.cores import cores
from wholefit.base.errors import DataError, ParameterError
from wholefit.base.wording import aligned
from wholefit.training.choosing import Chosen, ColumnVerdict, choose
from wholefit.training.stability import ROUNDS

_WIDE = ("column", "verdict", "shuffled: loss added", "half-samples", "alone: p", "information",
         "trees", "L1", "RFE")


class Selected:
    """Verdicts on every column, those that matter most first.

    `columns` are the verdicts (`training.choosing.ColumnVerdict`), `kept` and `dropped` names.
    Choosing columns here and then scoring a model on the same rows flatters that model: to have
    a score that counts, let `wf.fit(..., features={"select": ...})` choose anew in every fold.
    """

    def __init__(self, found: Chosen) -> None:
        self._found = found

    @property
    def columns(self) -> tuple[ColumnVerdict, ...]:
        """One verdict a column."""
        return self._found.columns

    @property
    def kept(self) -> list[str]:
        """The columns that matter, those first whose shuffling costs most."""
        return list(self._found.kept)

    @property
    def dropped(self) -> list[str]:
        """The others."""
        return [c.column for c in self.columns if c.verdict != "matters"]

    def table(self, most: int = len(_WIDE)) -> tuple[list[str], list[list[str]]]:
        """Header and rows of text, of the first `most` things known."""
        return list(_WIDE[:most]), [_row(column)[:most] for column in self.columns]

    def notes(self) -> list[str]:
        """How the figures were come by, and what follows, in sentences."""
        found, stable = self._found, self._found.stable
        part = f"{found.rows:,} of {found.of_rows:,} rows" if found.rows < found.of_rows else (
            f"{found.rows:,} rows")
        unit = "nats of log loss" if found.task == "classification" else (
            "shares of the target's variance")
        return [
            f"{part}; shuffled: what {found.model} loses on rows it was not fitted on, in {unit} "
            f"(loss {found.base:.3g} unshuffled), with 95% intervals.",
            f"half-samples: share of {2 * stable.rounds} that picked the column among "
            f"{stable.picks}; of those at {stable.cutoff:.0%} or more, at most "
            f"{stable.worst:.2g} wrong ones are to be expected ({stable.expected:.2g} if their "
            "shares have one peak).",
            self._advice(),
        ]

    def _advice(self) -> str:
        """How to use what was found without a score that lies."""
        count = len(self.kept)
        if count == len(self.columns):
            return "Every column matters: there is nothing to leave out."
        keep = f" --feature keep={count} --feature whole_columns=true" if count else ""
        return ("A fit on these columns alone would flatter itself, as all rows chose them; choose "
                f"inside its folds: --feature select=tree{keep}")

    def to_text(self) -> str:
        """The table and the notes as lines."""
        return "\n".join([*aligned(*self.table()), "", *self.notes()])

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**self._found.to_json(), "dropped": self.dropped}

    def __repr__(self) -> str:
        return f"Selected({len(self.kept)} of {len(self.columns)} columns: {self.kept})"


def select(
    source: Any,
    *,
    target: str | None = None,
    task: str | None = None,
    model: Any = None,
    folds: int = 5,
    rounds: int = ROUNDS,
    jobs: int | None = None,
    seed: int = 0,
    roles: Any = None,
    groups: str | None = None,
    time: str | None = None,
    weights: str | None = None,
    **reading: Any,
) -> Selected:
    """Judge every column by the target: alone, together with others, and by what a model loses.

    Parameters
    ----------
    source: as for `wf.fit`; of more than 50,000 rows, so many are drawn.
    target: the column to predict.
    model: the one whose loss is measured with each column shuffled, in cross-validation of
        `folds` folds; boosted trees by default. Where there are more than 100 columns, the 100
        that trees use most are shuffled.
    rounds: pairs of half-samples drawn for stability selection.
    task, jobs, seed, roles, groups, time, weights, reading: as for `wf.fit`.

    Raises DataError for a source that cannot be read or learnt from, ParameterError and
    UnknownNameError for a wrong option.
    """
    from wholefit.api.fitting import _which_target, choose_task

    _answers.check_options(reading)
    if folds < 2:
        raise ParameterError(f"folds must be >= 2; got {folds}.")
    if rounds < 1:
        raise ParameterError(f"rounds must be >= 1; got {rounds}.")
    made = None if model is None else catalog.make(model)
    dataset = data.load(source, target=target, roles=roles, time=time, groups=groups,
                        weights=weights, **reading)
    name = dataset.schema.target
    if name is None:
        raise DataError(_which_target(dataset.source, dataset.original.columns)
                        .replace("fit needs", "select needs"))
    chosen, _ = choose_task(dataset, name, task)
    if made is not None and chosen.name not in made.tasks:
        raise ParameterError(f"{made.name} does {' and '.join(made.tasks)}, not {chosen.name}; "
                             f"models for it: {', '.join(catalog.names(chosen.name))}.")
    return Selected(choose(dataset, chosen, model=made, folds=folds, rounds=rounds,
                           jobs=cores() if jobs is None else jobs, seed=seed))


def _row(column: ColumnVerdict) -> list[str]:
    verdict = f"repeats {column.repeats}" if column.verdict == "repeats" else column.verdict
    shuffled = "not tried" if column.loss is None else _interval(
        column.loss, [column.low, column.high])
    return [column.column, verdict, shuffled, f"{column.stable:.0%}", _p(column.p_value),
            f"{column.information:.3f}", f"{column.trees:.3g}", str(column.l1), str(column.rfe)]


def _interval(value: float, ends: Sequence[float | None]) -> str:
    low, high = (f"{end:.3g}" for end in ends if end is not None)
    return f"{value:.3g} [{low}, {high}]"


def _p(value: float) -> str:
    return "< 1e-99" if value < 1e-99 else f"{value:.1g}"
