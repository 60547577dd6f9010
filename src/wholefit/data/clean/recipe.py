"""A recipe: ordered cleaning steps as data, to be read, edited, replayed and stored.

>>> recipe = Recipe.of([{"do": "whitespace"}, {"do": "fill", "strategy": "median"}])
>>> fitted = recipe.fit(train)          # learnt numbers, from these rows only
>>> fitted.apply(new)                   # the same on any other rows

Loading a recipe runs no code: a step is found by its name, its parameters are numbers, words and
lists of them, checked before anything is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import (
    ArtifactError,
    DataError,
    ParameterError,
    SchemaError,
    UnknownNameError,
    WholefitError,
    unknown,
)
from wholefit.base.state import State
from wholefit.base.wording import first_line
from wholefit.data.clean import _changes, _files
from wholefit.data.clean._changes import Change
from wholefit.data.clean._step import STEPS, Step, View

KIND = "clean.recipe"
MOST_STEPS = 500


@dataclass(frozen=True)
class Recipe:
    """Steps in order, and for each the reason why it is there ("" for none).

    `first` counts the steps of a whole recipe that stand before these, so that messages number
    steps as the whole does.
    """

    steps: tuple[Step, ...] = ()
    why: tuple[str, ...] = ()
    first: int = 0

    def __post_init__(self) -> None:
        if len(self.steps) > MOST_STEPS:
            raise ParameterError(f"a recipe has at most {MOST_STEPS} steps; got "
                                 f"{len(self.steps):,}.")
        object.__setattr__(self, "why", (*self.why, *[""] * len(self.steps))[:len(self.steps)])

    def __len__(self) -> int:
        return len(self.steps)

    @classmethod
    def of(cls, given: Any) -> Recipe:
        """A recipe of a Recipe, a path, a dict with "step", or a list of steps or dicts."""
        if isinstance(given, Recipe):
            return given
        if isinstance(given, (str, Path)):
            return cls.load(given)
        if isinstance(given, Mapping):
            return cls.from_dict(given)
        if isinstance(given, Step):
            return cls((given,))
        if isinstance(given, Sequence):
            made = [(each, "") if isinstance(each, Step) else _made(each, at)
                    for at, each in enumerate(given[:MOST_STEPS + 1], 1)]
            return cls(tuple(step for step, _ in made), tuple(why for _, why in made))
        raise ParameterError("a recipe must be a Recipe, a path, a dict, or a list of steps; got "
                             f"{type(given).__name__}.")

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Recipe:
        """From what a TOML or JSON file holds: {"version": 1, "step": [{"do": ...}, ...]}."""
        for name in stored:
            if name not in ("version", "step"):
                raise unknown("entry of a recipe", str(name), ("version", "step"))
        version = stored.get("version", 1)
        if version != 1:
            raise ParameterError(f"a recipe of version {version!r} is not known to this version of "
                                 "wholefit, which reads version 1.")
        steps = stored.get("step", [])
        if not isinstance(steps, list):
            raise ParameterError("a recipe's steps must be a list of tables ([[step]] in TOML); "
                                 f"got {type(steps).__name__}.")
        return cls.of(steps)

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """Read a .toml or .json file; DataError says what is wrong with it."""
        stored = _files.read(Path(path))
        try:
            return cls.from_dict(stored)
        except WholefitError as error:
            raise type(error)(f"recipe {Path(path).name!r}: {error}") from error

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write as .toml or .json; an existing file is replaced only with `force`."""
        return _files.write(Path(path), self.to_dict(), self.to_toml(), force)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data; `from_dict` reads it back."""
        return {"version": 1, "step": [{**step.stored(), **({"why": why} if why else {})}
                                       for step, why in zip(self.steps, self.why, strict=True)]}

    def to_toml(self) -> str:
        """As TOML text, to be edited."""
        return _files.toml(self.to_dict())

    def fit(self, frame: pl.DataFrame, *, protected: Iterable[str] = ()) -> FittedRecipe:
        """Learn what the steps need, one after the other, from the rows of `frame`.

        `protected` columns (a target) are changed only by steps that name them, and by those
        that tidy the spaces and letters of text.
        """
        return self.run(frame, protected=protected, told=False).fitted

    def apply(self, frame: pl.DataFrame, *, protected: Iterable[str] = ()) -> pl.DataFrame:
        """Fit on `frame`, and give it cleaned."""
        return self.run(frame, protected=protected, told=False).frame

    def run(
        self, frame: pl.DataFrame, *, protected: Iterable[str] = (), told: bool = True
    ) -> Ran:
        """Fit and apply at once; with `told`, what each step changed is counted."""
        guarded = frozenset(protected)
        rows = np.arange(1, frame.height + 1)
        learnt, changes, gone = [], [], []
        for number, step in enumerate(self.steps, 1 + self.first):
            with _within(number, step):
                state = step.learn(View(frame, guarded))
                edit = step.apply(frame, state)
                if told:
                    changes.append(_changes.of(number, step.name, frame, edit, rows))
                if edit.kept is not None:
                    gone.append(_gone(frame, edit, rows, number))
                    rows = rows[edit.kept]
                frame = edit.of(frame)
            guarded = frozenset(edit.renamed.get(name, name) for name in guarded)
            learnt.append(state)
        return Ran(frame, FittedRecipe(self, tuple(learnt)), tuple(changes), rows, tuple(gone))


@dataclass(frozen=True)
class Ran:
    """A cleaned frame, the fitted recipe, the changes, and which rows of the source are left.

    `rows` (n,) are numbers of data rows, from 1; `gone` the rows left out, a frame a step, with
    the columns "row", "step" and "like row" beside their own.
    """

    frame: pl.DataFrame
    fitted: FittedRecipe
    changes: tuple[Change, ...]
    rows: np.ndarray
    gone: tuple[pl.DataFrame, ...]


@dataclass(frozen=True, eq=False)
class FittedRecipe:
    """A recipe and what each of its steps learnt."""

    recipe: Recipe = field(default_factory=Recipe)
    learnt: tuple[State, ...] = ()

    def apply(
        self, frame: pl.DataFrame, *, drop: bool = True, spare: str | None = None
    ) -> pl.DataFrame:
        """`frame` cleaned as the rows that the recipe was fitted on.

        With `drop=False`, steps that leave rows out are passed over, and every row is answered.
        Raises SchemaError where a column that a formula needs is absent; a formula that makes
        the column `spare` (a target that is yet to be known) is passed over then.
        """
        steps = zip(self.recipe.steps, self.learnt, strict=True)
        for number, (step, state) in enumerate(steps, 1 + self.recipe.first):
            if step.drops and not drop:
                continue
            with _within(number, step):
                try:
                    frame = step.apply(frame, state).of(frame)
                except UnknownNameError as error:
                    if spare is not None and getattr(step, "column", None) == spare:
                        continue
                    raise SchemaError(f"new data lacks what it needs: {error}") from error
        return frame

    def left(self, frame: pl.DataFrame) -> np.ndarray:
        """Positions of the rows of `frame` that `apply` does not leave out, (n,)."""
        rows = np.arange(frame.height)
        steps = zip(self.recipe.steps, self.learnt, strict=True)
        for number, (step, state) in enumerate(steps, 1 + self.recipe.first):
            with _within(number, step):
                edit = step.apply(frame, state)
                rows = rows if edit.kept is None else rows[edit.kept]
                frame = edit.of(frame)
        return rows

    def state(self) -> State:
        """As plain data, for a model file."""
        parts = {f"step {at}": state for at, state in enumerate(self.learnt)}
        return State(KIND, {"recipe": self.recipe.to_dict(), "first": self.recipe.first},
                     parts=parts)

    @classmethod
    def from_state(cls, state: State) -> FittedRecipe:
        """Back from `state`; ArtifactError where it is not one that `state` gave."""
        try:
            recipe = replace(Recipe.from_dict(state.config["recipe"]),
                             first=int(state.config["first"]))
            learnt = tuple(state.parts[f"step {at}"] for at in range(len(recipe)))
        except (KeyError, TypeError, ValueError, WholefitError) as error:
            raise ArtifactError(f"the stored recipe cannot be read: {error}") from error
        return cls(recipe, learnt)


def _made(each: Any, number: int) -> tuple[Step, str]:
    """A step, and why it is there, of what a file says of it."""
    if not isinstance(each, Mapping) or not isinstance(each.get("do"), str):
        raise ParameterError(f"step {number} of a recipe must be a table with do = \"...\"; got "
                             f"{str(each)[:80]!r}.")
    values = {str(name): value for name, value in each.items() if name not in ("do", "why")}
    if each["do"] not in STEPS:
        error = unknown("cleaning step", each["do"], STEPS)
        raise type(error)(f"step {number}: {error}")
    kind = STEPS[each["do"]]
    with _within(number, each["do"]):
        return kind.from_dict(_settled(kind, values)), str(each.get("why", ""))[:2000]


def _settled(kind: type[Step], values: dict[str, Any]) -> dict[str, Any]:
    """Lists as tuples, and one word as a list of one."""
    lists = {spec.name for spec in kind.specs() if spec.type is tuple}
    found = dict(values)
    for name in lists & set(values):
        value = values[name]
        if isinstance(value, (list, tuple)):
            found[name] = tuple(value)
        elif value is not None:
            found[name] = (value,)
    return found


class _within:
    """Says in an error which step it came from; what polars refuses becomes a DataError."""

    def __init__(self, number: int, step: Step | str) -> None:
        self.said = f"step {number} ({step if isinstance(step, str) else step.name})"

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, WholefitError) and not str(error).startswith("step "):
            raise type(error)(f"{self.said}: {error}") from error
        if isinstance(error, (pl.exceptions.PolarsError, TypeError, ValueError, ArithmeticError,
                              LookupError, np.linalg.LinAlgError)) and not isinstance(
                                  error, WholefitError):
            raise DataError(f"{self.said} cannot be done: {first_line(error)}.") from error


def _gone(frame: pl.DataFrame, edit: Any, rows: np.ndarray, number: int) -> pl.DataFrame:
    """The rows that an edit leaves out."""
    places = np.flatnonzero(~edit.kept)
    like = np.zeros(len(places), dtype=np.int64)
    if edit.twins is not None:
        like = np.where(edit.twins[places] >= 0, rows[edit.twins[places]], 0)
    taken = [column for column in frame[places].get_columns()
             if column.name not in ("row", "step", "like row")]
    return pl.DataFrame([pl.Series("row", rows[places]),
                         pl.Series("step", [number] * len(places), dtype=pl.Int64),
                         pl.Series("like row", like), *taken])
