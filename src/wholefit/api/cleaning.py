"""`wf.clean`: a table by a recipe, and everything that was changed, for review."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wholefit.api._tables import as_table
from wholefit.base.errors import ParameterError, unknown
from wholefit.base.events import emit
from wholefit.data.clean import Change, FittedRecipe, Ran, Recipe
from wholefit.data.clean._changes import different
from wholefit.data.clean.propose import propose
from wholefit.data.write import give_back

_SHOWN = 3
_DIFF = 200


@dataclass(frozen=True)
class Cleaned:
    """A cleaned table beside the table it was, and what each step changed.

    `recipe` was followed (`proposed` says that it was drawn up from the table itself), `fitted`
    holds what it learnt and cleans other rows in the same way.
    """

    recipe: Recipe
    fitted: FittedRecipe
    changes: tuple[Change, ...]
    source: str
    guest: str
    proposed: bool
    dry_run: bool
    _before: pl.DataFrame = field(repr=False)
    _ran: Ran = field(repr=False)

    @property
    def frame(self) -> Any:
        """The cleaned table in the frame type of the source; the table as it was on a dry run."""
        return give_back(self.before if self.dry_run else self.after, self.guest)

    @property
    def after(self) -> pl.DataFrame:
        """The cleaned table as a polars frame, also on a dry run."""
        return self._ran.frame

    @property
    def before(self) -> pl.DataFrame:
        """The table as it was, as a polars frame."""
        return self._before

    @property
    def rows(self) -> np.ndarray:
        """The data row of the source (from 1) that each cleaned row was."""
        return self._ran.rows

    @property
    def removed(self) -> pl.DataFrame:
        """The rows left out: "row" of the source, "step" that did it, "like row" that stays."""
        if not self._ran.gone:
            return pl.DataFrame(schema={"row": pl.Int64, "step": pl.Int64, "like row": pl.Int64})
        return pl.concat(self._ran.gone, how="diagonal_relaxed")

    def undo(self, last: int | None = None) -> Any:
        """The table before the `last` steps were done, or before all of them.

        In the frame type of the source. Nothing is read anew: the original rows are kept.
        """
        steps = len(self.recipe)
        if last is not None and not 0 <= last <= steps:
            raise ParameterError(f"undo takes back from 0 to {steps} steps; got {last}.")
        kept = 0 if last is None else steps - last
        part = FittedRecipe(Recipe(self.recipe.steps[:kept]), self.fitted.learnt[:kept])
        return give_back(part.apply(self._before), self.guest)

    def diff(self, most: int = _DIFF) -> pl.DataFrame:
        """Changed cells, at most `most`: row of the source, column, before, after (as text).

        Every column that was changed has its share. A column that was renamed is shown under its
        new name.
        """
        pairs = self._pairs()
        places = self.rows - 1
        hits = {}
        for old, new in pairs:
            was = self._before.get_column(old).alias("column").gather(places)
            now = self.after.get_column(new).alias("column")
            hit = np.flatnonzero(different(was, now))
            if len(hit):
                hits[new] = (was, now, hit)
        each = max(1, most // max(len(hits), 1))
        found = [(int(self.rows[at]), name, _text(was[int(at)]), _text(now[int(at)]))
                 for name, (was, now, hit) in hits.items() for at in hit[:each]][:most]
        found.sort(key=lambda line: line[0])
        return pl.DataFrame(found, schema={"row": pl.Int64, "column": pl.String,
                                           "before": pl.String, "after": pl.String}, orient="row")

    def _pairs(self) -> list[tuple[str, str]]:
        """Name before and after of each column that is still there."""
        names = {name: name for name in self._before.columns}
        for change in self.changes:
            gone = set(change.removed)
            names = {old: change.renamed.get(new, new) for old, new in names.items()
                     if new not in gone}
        there = set(self.after.columns)
        return [(old, new) for old, new in names.items() if new in there]

    def to_json(self) -> dict[str, Any]:
        """Source, shapes, recipe and changes as plain JSON values."""
        return {"source": self.source, "dry_run": self.dry_run, "proposed": self.proposed,
                "rows": [self._before.height, self.after.height],
                "columns": [self._before.width, self.after.width],
                "recipe": self.recipe.to_dict(),
                "changes": [change.to_json() for change in self.changes]}

    def to_text(self) -> str:
        """What was changed, step by step, with examples."""
        lines = [f"{self.source}: {self._before.height:,} rows x {self._before.width} columns -> "
                 f"{self.after.height:,} rows x {self.after.width} columns"
                 + (" (dry run: nothing was written)" if self.dry_run else "")]
        if not self.changes:
            lines.append("nothing to clean was found." if self.proposed
                         else "the recipe has no steps.")
        for change, why in zip(self.changes, self.recipe.why, strict=True):
            lines += _change_lines(change, why)
        return "\n".join(lines)

    def __repr__(self) -> str:
        return (f"<Cleaned {self.source}: {len(self.changes)} steps, {self._before.height:,} -> "
                f"{self.after.height:,} rows>")


def clean(
    source: Any, recipe: Any = None, *, target: str | None = None, dry_run: bool = False,
    **reading: Any,
) -> Cleaned:
    """Clean a table by a recipe, and say what was changed.

    Parameters
    ----------
    source: whatever `wf.read` reads.
    recipe: a Recipe, the path of a .toml or .json file, or a list of steps such as
        {"do": "fill", "strategy": "median"}; left out, a conservative recipe is proposed from
        what the table shows (spaces, spellings, types, stand-ins, repeated rows).
    target: a column that is never filled, clipped or otherwise changed unless a step names it;
        spaces and unseen letters are tidied there too.
    dry_run: `frame` stays the table as it was; the changes are counted and shown all the same.
    reading: options of `wf.read`.

    Raises DataError for a recipe that cannot be read or done, UnknownNameError for a step or a
    column that is not there, ParameterError for a wrong parameter; each names the step.
    """
    made = None if recipe is None else Recipe.of(recipe)
    table = as_table(source, reading)
    if target is not None and target not in _known(table.frame, made):
        raise unknown("column", target, table.frame.columns)
    followed = propose(table.frame, target) if made is None else made
    emit("cleaning", source=table.source, steps=len(followed), rows=table.frame.height)
    ran = followed.run(table.frame, protected=() if target is None else (target,))
    return Cleaned(followed, ran.fitted, ran.changes, table.source, table.guest, made is None,
                   dry_run, table.frame, ran)


def save_report(cleaned: Cleaned, path: str | Path, *, force: bool = False) -> None:
    """Write what was changed as JSON."""
    import json

    place = Path(path)
    if place.exists() and not force:
        raise ParameterError(f"{place.name!r} exists already: force=True (--force) replaces it.")
    place.write_text(json.dumps(cleaned.to_json(), indent=2, ensure_ascii=False) + "\n",
                     encoding="utf-8")


def _known(frame: pl.DataFrame, recipe: Recipe | None) -> set[str]:
    """The columns of a frame, and those that a recipe makes."""
    names = set(frame.columns)
    for step in () if recipe is None else recipe.steps:
        names |= set((getattr(step, "names", None) or {}).values())
        names |= {getattr(step, "column", "")}
    return names


def _change_lines(change: Change, why: str) -> list[str]:
    lines = [f"{change.step}. {change.do}: {change.summary()}."]
    if why:
        lines.append(f"   why: {why}")
    seen: dict[str, list[str]] = {}
    for example in change.examples:
        seen.setdefault(example.column, []).append(str(example))
    lines += [f"   {column}: {'; '.join(said[:_SHOWN])}" for column, said in seen.items()]
    if change.gone:
        shown = [f"{row}" + (f" (like {like})" if like else "") for row, like in change.gone[:8]]
        more = ", ..." if change.dropped > 8 else ""
        lines.append(f"   rows left out: {', '.join(shown)}{more}")
    said = [sentence for sentence in change.said if sentence not in why]
    lines += [f"   {sentence}" for sentence in said[:5]]
    lines += [f"   ... and {len(said) - 5} more"] if len(said) > 5 else []
    return lines


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
