"""A cleaning recipe inside a fit: what is replayed as it stands, what each fold learns anew.

The recipe is cut in two. The steps before the first one that learns from values or leaves rows
out say of each row by itself what it becomes: they are done once, on reading, and again on every
row that is asked. From there on, each fold learns the steps from its own training rows and
applies them to all; rows are left out of the training rows only, because a question must have
its answer, and a score must be that of the questions that will be asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from wholefit.base.errors import ArtifactError, DataError, ParameterError
from wholefit.base.events import emit
from wholefit.base.state import State
from wholefit.data import Policies, Schema, conform, infer
from wholefit.data.dataset import Dataset
from wholefit.data.notes import Note, info, warning
from wholefit.data.table import Table

if TYPE_CHECKING:  # a fit without a recipe must not pay for reading the steps
    from wholefit.data.clean import Change, FittedRecipe, Recipe, Step

KIND = "cleaning"
_LENIENT = Policies(missing_column="impute", swapped="warn")
# Above so many cells only the latest fold's cleaned rows are kept.
_MOST_CELLS = 50_000_000


@dataclass(frozen=True)
class Cleaning:
    """What a fit needs of a recipe: `before` is fitted and done, `within` is for each fold."""

    recipe: Recipe
    before: FittedRecipe
    within: Recipe


@dataclass(frozen=True)
class Replay:
    """What a fitted model repeats: `before` on rows as given, `within` once they conform.

    `schema` is that of the rows after both, `target` the name of the answer.
    """

    before: FittedRecipe
    within: FittedRecipe
    schema: Schema
    target: str | None = None

    def given(self, table: Table) -> Table:
        """A table as the user gave it, with the fixed steps done."""
        frame = self.before.apply(table.frame, drop=False, spare=self.target)
        return _like(table, frame)

    def conformed(self, dataset: Dataset) -> Dataset:
        """Conforming rows, with the learnt steps done; one row for each."""
        if not len(self.within.recipe):
            return dataset
        frame = conform(dataset.schema, dataset.frame, _LENIENT)[0]
        made = self.within.apply(frame, drop=False)
        return Dataset(made, self.schema, source=dataset.source, guest=dataset.guest,
                       notes=dataset.notes, original=dataset.original)

    def taught(self, dataset: Dataset) -> np.ndarray | None:
        """Indices of conforming rows that the recipe does not leave out; None where it keeps all.

        DataError where no row is left.
        """
        if not any(step.drops for step in self.within.recipe.steps):
            return None
        frame = conform(dataset.schema, dataset.frame, _LENIENT)[0]
        kept = self.within.left(frame)
        if not len(kept):
            raise DataError("the recipe that the model was fitted with leaves none of these rows "
                            "to learn from.")
        return kept

    def state(self) -> State:
        """As plain data, for the model file."""
        return State(KIND, {"schema": self.schema.to_json(), "target": self.target},
                     parts={"before": self.before.state(), "within": self.within.state()})

    @classmethod
    def from_state(cls, state: State) -> Replay:
        """Back from `state`."""
        from wholefit.data.clean import FittedRecipe

        try:
            return cls(FittedRecipe.from_state(state.parts["before"]),
                       FittedRecipe.from_state(state.parts["within"]),
                       Schema.from_json(state.config["schema"]), state.config["target"])
        except (KeyError, TypeError) as error:
            raise ArtifactError(f"the stored recipe cannot be read: {error}") from error


@dataclass
class Folds:
    """Cleaned rows of each fold, learnt from its training rows; made once, shared by models."""

    made: dict[Any, tuple[Dataset, np.ndarray | None, Replay]] = field(default_factory=dict)
    conformed: pl.DataFrame | None = None


def prepare(table: Table, recipe: Recipe, special: Mapping[str, str | None]) -> tuple[
        Table, Cleaning]:
    """The table with the fixed steps done, and what is left for the folds.

    `special` names the target and the columns of weights, groups and time, by role.
    """
    from wholefit.data.clean import Recipe

    target = special.get("target")
    cut = next((at for at, step in enumerate(recipe.steps) if step.learns or step.drops),
               len(recipe))
    _check_target(recipe, cut, target)
    before = Recipe(recipe.steps[:cut], recipe.why[:cut])
    within = Recipe(recipe.steps[cut:], recipe.why[cut:], first=cut)
    protected = [name for name in special.values() if name is not None]
    ran = before.run(table.frame, protected=protected)
    notes = [info("cleaned", f"cleaning step {change.step} ({change.do}): {change.summary()}.",
                  count=sum(change.cells.values())) for change in ran.changes if not change.nothing]
    cleaned = _like(table, ran.frame)
    cleaned.notes = [*table.notes, *notes]
    return cleaned, Cleaning(recipe, ran.fitted, within)


def check(cleaning: Cleaning | None, dataset: Dataset) -> None:
    """Do the steps of the folds once on all rows: a wrong one is refused before the search.

    What they change there is noted; nothing that they learn here is used.
    """
    if cleaning is None or not len(cleaning.within):
        return
    frame = conform(dataset.schema, dataset.frame, _LENIENT)[0]
    ran = cleaning.within.run(frame, protected=_protected(dataset.schema))
    if not ran.frame.height:
        raise DataError("the recipe leaves no rows to learn from; ease its steps.")
    found = [_note(change) for change in ran.changes if not change.nothing]
    dataset.notes += found
    for note in found:
        emit("note", kind=note.kind, message=note.message, severity=note.severity)


def _note(change: Change) -> Note:
    said = f"cleaning step {change.step} ({change.do}), on all rows: {change.summary()}"
    if change.dropped:
        return warning("cleaned", f"{said}; they are not learnt from, and are still answered and "
                       "scored.", count=change.dropped)
    return info("cleaned", f"{said}.", count=sum(change.cells.values()))


def of_fold(
    problem: Any, rows: np.ndarray | None, key: Any
) -> tuple[Dataset, np.ndarray | None, Replay | None]:
    """All rows as the steps learnt from the training rows `rows` make them; which rows are left.

    The Dataset has every row, in order, so that indices of rows mean what they meant.
    """
    cleaning, folds = problem.clean, problem.cleaned_folds
    if cleaning is None:
        return problem.dataset, rows, None
    if key not in folds.made:
        found = _learnt(problem.dataset, cleaning, rows, folds)
        _check_left(problem, rows, found[1])
        _make_room(folds, found[0], key)
        folds.made[key] = found
    return folds.made[key]


def _learnt(
    dataset: Dataset, cleaning: Cleaning, rows: np.ndarray | None, folds: Folds
) -> tuple[Dataset, np.ndarray | None, Replay]:
    from wholefit.data.clean import FittedRecipe

    schema = dataset.schema
    if not len(cleaning.within):
        return dataset, rows, Replay(cleaning.before, FittedRecipe(), schema, schema.target)
    if folds.conformed is None:
        folds.conformed = conform(schema, dataset.frame, _LENIENT)[0]
    frame = folds.conformed
    ran = cleaning.within.run(frame if rows is None else frame[rows],
                              protected=_protected(schema), told=False)
    kept = ran.rows - 1 if rows is None else rows[ran.rows - 1]
    made = ran.fitted.apply(frame, drop=False)
    after = _schema_after(schema, frame, made, kept)
    cleaned = Dataset(made, after, source=dataset.source, guest=dataset.guest,
                      notes=dataset.notes)
    return cleaned, kept, Replay(cleaning.before, ran.fitted, after, schema.target)


def _schema_after(
    schema: Schema, before: pl.DataFrame, after: pl.DataFrame, kept: np.ndarray
) -> Schema:
    """Roles of the cleaned columns: new ones, and those of another kind, are looked at anew.

    In the training rows that are left, and in no others.
    """
    from wholefit.data.clean._step import kind_word

    known = {column.name: column for column in schema.columns}
    same, fresh = {}, []
    for name, kind in after.schema.items():
        if name in known and name in before.columns and (
                kind_word(kind) == kind_word(before.schema[name])):
            same[name] = known[name]
        else:
            fresh.append(after.get_column(name).gather(kept))
    if fresh and len(kept):
        same.update((column.name, column) for column in infer(pl.DataFrame(fresh)).columns)
    order = [name for name in schema.names if name in same]
    order += [name for name in after.columns if name in same and name not in set(order)]
    target = schema.target if schema.target in same else None
    return Schema(tuple(same[name] for name in order), target, schema.task)


def _protected(schema: Schema) -> list[str]:
    """Columns that are not learnt from: no step touches them unless it names them."""
    learnt = set(schema.features)
    return [name for name in schema.names if name not in learnt]


def _check_left(problem: Any, rows: np.ndarray | None, kept: np.ndarray | None) -> None:
    if kept is None:
        return
    if not len(kept):
        raise DataError("the recipe leaves no training rows in a fold; ease the steps that leave "
                        "rows out.")
    given = problem.y if rows is None else problem.y[rows]
    if problem.n_classes and len(np.unique(problem.y[kept])) < len(np.unique(given)):
        raise DataError("the recipe leaves a class without training rows in a fold; ease the "
                        "steps that leave rows out.")


def _make_room(folds: Folds, made: Dataset, key: Any) -> None:
    """Forget other folds of a large table, and pilots that are over."""
    cells = made.frame.height * made.frame.width * (len(folds.made) + 1)
    for other in list(folds.made):
        if cells > _MOST_CELLS or isinstance(other, tuple):
            del folds.made[other]


def _check_target(recipe: Recipe, cut: int, target: str | None) -> None:
    """Refuse steps that would change the answers after rows were left out, or leak them."""
    from wholefit.data.formulas import columns_of, parse

    for number, step in enumerate(recipe.steps, 1):
        named = _named(step)
        formula = getattr(step, "formula", None)
        made = getattr(step, "column", None)
        if formula and target is not None and made != target and (
                target in columns_of(parse(formula))):
            raise ParameterError(
                f"step {number} ({step.name}) computes {made!r} from the target {target!r}, which "
                "is not known when it is to be predicted: leave the step out of the fit.")
        if number > cut and target in named and not step.drops:
            raise ParameterError(
                f"step {number} ({step.name}) changes the target {target!r} after step {cut + 1} "
                f"({recipe.steps[cut].name}): put steps on the target first. A fit fills and "
                "clips no answers." if number > cut + 1 else
                f"step {number} ({step.name}) would learn from the target {target!r} and change "
                "it: a fit makes up no answers; leave rows without one out.")


def _named(step: Step) -> set[str]:
    """The columns that a step changes by name."""
    names = {*(getattr(step, "columns", None) or ())} if step.name != "select" else set()
    return names | {getattr(step, "column", "")} | set(getattr(step, "names", None) or ())


def _like(table: Table, frame: pl.DataFrame) -> Table:
    """Another frame from the same source; what was noted of columns that stay is kept."""
    stay = {name: form for name, form in table.formats.items() if name in frame.columns}
    return Table(frame, table.source, table.guest, list(table.notes), stay)
