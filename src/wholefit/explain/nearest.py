"""Examples: the rows that a model treats most like a row, by its own measure where it has one.

Two rows are alike to trees when they fall into the same leaves (Breiman 2001; of boosted trees each
counts by how much it moves the answer), to neighbours and kernels when they lie near in the space
of features, to a weighted sum when each feature adds as much to both. For other models it is the
distance of columns in shares of the rows, each column weighing as much as the answer moves when it
is shuffled. Alike to the model is not the same as alike: `agreement` says how far it held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.params import Params, param
from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.base.stored import typed
from wholefit.base.wording import counted, plain
from wholefit.data import Dataset
from wholefit.explain import _plausible
from wholefit.explain.counterfactuals import answered
from wholefit.explain.pool import Pool
from wholefit.models._kernels.trees import Trees
from wholefit.training import Fitted

# Rows on which a column's weight is measured, and cells of these, shuffled column by column.
_WEIGHED, _CELLS = 500, 20_000_000


@dataclass(frozen=True)
class Options(Params):
    """How examples are looked for."""

    k: int = param(5, "Examples for each row.", low=1, high=1000)
    seed: int = param(0, "Every random choice follows from it.", low=0)


@dataclass(frozen=True)
class Example:
    """A row of `among`: its number (from 0), how near it is, its outcome and its columns.

    `alike` is 1 for a row that the model cannot tell from the asked one; `same` whether its
    outcome is the prediction of the asked row (None for a number, or where it is not known).
    """

    row: int
    alike: float
    outcome: Any
    same: bool | None
    cells: dict[str, Any]


@dataclass(frozen=True)
class Neighbourhood:
    """The examples of one asked row, nearest first, and what the model predicts of it."""

    row: int
    prediction: Any
    probability: float | None
    cells: dict[str, Any]
    examples: tuple[Example, ...]

    def to_text(self, target: str) -> str:
        """One sentence: the prediction, and what became of rows like it."""
        now = answered(self.prediction, self.probability)
        said = f"Row {self.row + 1}: predicted {target} is {now}. {self.criticism(target)}"
        return said.rstrip()

    def criticism(self, target: str) -> str:
        """What speaks against the prediction: examples with another outcome."""
        known = [each for each in self.examples if each.outcome is not None]
        if not known:
            return f"The {target} of the nearest rows is not known."
        if known[0].same is None:
            values = np.array([float(each.outcome) for each in known])
            return (f"The {counted(len(known), 'nearest row')} had "
                    f"{_plausible.number(float(values.min()))} to "
                    f"{_plausible.number(float(values.max()))}, on average "
                    f"{_plausible.number(float(values.mean()))}.")
        others = sum(not each.same for each in known)
        if not others:
            return f"All {len(known)} nearest rows had that outcome."
        return f"{others} of the {len(known)} nearest rows had another outcome."


@dataclass(frozen=True)
class Examples:
    """Examples of each asked row; `measure` says by what they are alike.

    `agreement` is the share of examples, over all asked rows, whose outcome is the prediction, and
    `chance` that of rows drawn at random; for numbers, both are mean absolute differences. None
    where outcomes are not known.
    """

    target: str
    measure: str
    among: int
    found: tuple[Neighbourhood, ...]
    agreement: float | None
    chance: float | None

    def to_text(self) -> str:
        """Plain sentences."""
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The same, line by line."""
        said = [each.to_text(self.target) for each in self.found]
        said.append(f"Nearest of {self.among:,} rows by {self.measure}.")
        if self.agreement is None or self.chance is None or not self.found:
            return said
        if any(each.same is not None for one in self.found for each in one.examples):
            said.append(f"Of these examples {self.agreement:.0%} had the predicted outcome, of "
                        f"rows drawn at random {self.chance:.0%}.")
        else:
            said.append(f"The examples differ from the prediction by {self.agreement:,.4g} on "
                        f"average, rows drawn at random by {self.chance:,.4g}.")
        return said

    def table(self) -> pl.DataFrame:
        """One row an example: asked row, example's row, how alike, its outcome, its columns."""
        rows = [{"asked": one.row + 1, "row": each.row + 1, "alike": each.alike,
                 self.target: each.outcome,
                 **{name: cell for name, cell in each.cells.items() if name != self.target}}
                for one in self.found for each in one.examples]
        return pl.DataFrame(rows, infer_schema_length=None)

    def to_json(self) -> dict[str, Any]:
        """Plain values; times are text."""
        return plain(_dated(asdict(self)))

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Examples:
        """Back from `to_json`."""
        found = tuple(typed(Neighbourhood(**{**one, "examples": tuple(
            typed(Example(**each)) for each in one["examples"])})) for one in stored["found"])
        return typed(cls(**{**stored, "found": found}))


def nearest(
    fitted: Fitted, rows: Dataset, among: Dataset, outcomes: np.ndarray | None, options: Options,
) -> Examples:
    """The `k` rows of `among` most like each of `rows`; all conform to the schema.

    `outcomes` (n,) is the encoded target of `among` (code -1 or NaN where unknown), or None.
    """
    pool, asked = Pool(fitted, among), Pool(fitted, rows)
    measure, alike = _measure(pool, asked, options.seed)
    k = min(options.k, len(among))
    chosen, near = _first(alike, len(rows), k)
    answer = fitted.answer(rows)
    decided = fitted.decided(answer, rows)
    said = decided.argmax(axis=1) if decided.ndim == 2 else decided
    agreement, chance = _agreement(said, outcomes, chosen)
    found = [_neighbourhood(pool, asked, at, said[at], answer[at], chosen[at], near[at], outcomes)
             for at in range(len(rows))]
    return Examples(str(fitted.schema.target), measure, len(among), tuple(found), agreement,
                    chance)


# ---- what a model finds alike -----------------------------------------------------------

# Likenesses (b, n) of a block of asked rows to all of `among`, 1 the same, lower less so.
Alike = Any


def _measure(pool: Pool, asked: Pool, seed: int) -> tuple[str, Alike]:
    """The measure in words, and what gives likenesses of a block of asked rows."""
    whole = _core(pool)
    if whole is not None:
        state, X, Q = whole, pool.matrix, asked.matrix
        if state.kind == "trees":
            return _leaves(state, X, Q)
        if state.kind == "linear":
            return _sums(state, X, Q)
        if state.kind == "neighbors":
            power = float(state.config["power"])
            return ("the distance of the model's own neighbours", _distance(X, Q, power))
        if state.kind == "kernel_machine" and state.config.get("kernel") == "rbf":
            return ("the model's own kernel", _distance(X, Q, 2.0))
    return _columns(pool, asked, seed)


def _core(pool: Pool) -> State | None:
    """The state that judges an encoded row, inside what only bends its answer."""
    fitted = pool.fitted
    fitted.settle()
    if not hasattr(fitted.encoder, "transform") or fitted._scorer is None or (
            fitted.takes_rows):
        return None
    state = fitted.state()
    while state.kind in ("calibrated", "shifted") and "base" in state.parts:
        state = state.parts["base"]
    return state


def _leaves(state: State, X: Any, Q: Any) -> tuple[str, Alike]:
    trees = Trees(state)
    here, there = trees.leaves(X), trees.leaves(Q)
    boosted = state.config["aggregate"] not in ("mean", "median")
    weight = np.ones(len(here))
    if boosted:  # a tree that hardly moves the answer tells little
        weight = trees.value[here].std(axis=1).mean(axis=1)
        weight = weight if weight.sum() > 0 else np.ones(len(here))
    weight = weight / weight.sum()

    def alike(block: slice) -> np.ndarray:
        questions = there[:, block]
        found = np.zeros((questions.shape[1], here.shape[1]))
        for tree, share in enumerate(weight):
            found += share * (questions[tree][:, None] == here[tree])
        return found

    words = "the share of trees in whose leaves they fall together"
    return (f"{words}, each weighing by how much it moves the answer" if boosted else words, alike)


def _sums(state: State, X: Any, Q: Any) -> tuple[str, Alike]:
    """What each feature adds to the model's sums, side by side."""
    coef = np.asarray(state.arrays["coef"], dtype=np.float64)
    weight = np.sqrt((coef**2).sum(axis=0))
    here, there = (_scaled(each, weight) for each in (X, Q))
    return "what each feature adds to the model's sum", _distance(here, there, 2.0)


def _scaled(X: Any, weight: np.ndarray) -> Any:
    return X.multiply(weight).tocsr() if hasattr(X, "multiply") else np.asarray(X) * weight


def _distance(X: Any, Q: Any, power: float) -> Alike:
    """Likeness 1 / (1 + distance over the usual distance)."""
    sparse = hasattr(X, "tocsr")
    if not sparse:
        X, Q = np.asarray(X, dtype=np.float64), np.asarray(Q, dtype=np.float64)
    usual: list[float] = []

    def alike(block: slice) -> np.ndarray:
        part = Q[block]
        if sparse or power == 2:
            squares = _squares(part)[:, None] + _squares(X) - 2 * _product(part, X)
            apart = np.sqrt(np.maximum(squares, 0))
        else:
            where = np.indices((len(part), len(X))).reshape(2, -1)
            apart = (np.abs(part[where[0]] - X[where[1]]) ** power).sum(axis=1) ** (1 / power)
            apart = apart.reshape(len(part), len(X))
        if not usual:
            usual.append(float(np.median(apart)) or 1.0)
        return 1 / (1 + apart / usual[0])

    return alike


def _squares(X: Any) -> np.ndarray:
    if hasattr(X, "multiply"):
        return np.asarray(X.multiply(X).sum(axis=1)).ravel()
    return np.einsum("ij,ij->i", X, X)


def _product(part: Any, X: Any) -> np.ndarray:
    found = part @ X.T
    return np.asarray(found.toarray() if hasattr(found, "toarray") else found)


def _columns(pool: Pool, asked: Pool, seed: int) -> tuple[str, Alike]:
    """Distances of columns in shares of the rows, weighed by what shuffling each one changes."""
    every = _plausible.grounds(pool.fitted.schema, None, pool.dataset)
    weight = _weights(pool, seed)
    here = [_plausible.cells(pool.dataset, ground) for ground in every]
    there = [_plausible.cells(asked.dataset, ground) for ground in every]

    def alike(block: slice) -> np.ndarray:
        total = np.zeros((len(there[0][block]), len(pool)))
        for at, ground in enumerate(every):
            if weight[at] > 0:
                part = [there[at][block]], [here[at]]
                fixed = ground.kind == "fixed"
                apart = (part[0][0][:, None] != part[1][0]).astype(float) if fixed else (
                    _plausible.distances([ground], *part))
                total += weight[at] * apart
        return 1 - total

    return ("the distance of columns, each weighing as much as the answer moves when it is "
            "shuffled", alike)


def _weights(pool: Pool, seed: int) -> np.ndarray:
    """How far the answer moves, on average, when a column is shuffled (columns,); sums to 1."""
    random = generator(seed, "nearest")
    count = len(pool.columns)
    most = max(_WEIGHED // 10, min(_WEIGHED, _CELLS // max(1, count) ** 2))
    rows = random.choice(len(pool), min(most, len(pool)), replace=False)
    own = pool.own(rows)
    take = np.repeat(own[None], count + 1, axis=0)
    for at in range(count):
        take[at, :, at] = own[random.permutation(len(rows)), at]
    answer = pool.answer(take.reshape(-1, count)).reshape(count + 1, len(rows), -1)
    moved = np.abs(answer[:count] - answer[count]).mean(axis=(1, 2))
    return moved / moved.sum() if moved.sum() > 0 else np.full(count, 1 / count)


# ---- from likenesses to examples --------------------------------------------------------


def _first(alike: Alike, rows: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers (rows, k) of the most alike, and how alike; the first of equals comes first."""
    chosen, near = np.empty((rows, k), dtype=np.intp), np.empty((rows, k))
    step = 64
    for start in range(0, rows, step):
        block = slice(start, min(start + step, rows))
        found = np.round(alike(block), 12)
        order = np.argsort(-found, axis=1, kind="stable")[:, :k]
        chosen[block], near[block] = order, np.take_along_axis(found, order, axis=1)
    return chosen, near


def _agreement(
    said: np.ndarray, outcomes: np.ndarray | None, chosen: np.ndarray
) -> tuple[float | None, float | None]:
    """Of the examples, and of rows drawn at random: the share that agrees, or the difference."""
    if outcomes is None or not len(said):
        return None, None
    if outcomes.dtype.kind == "i":
        known = outcomes >= 0
        of = outcomes[chosen]
        if not known.any() or not (of >= 0).any():
            return None, None
        agreed = float((of == said[:, None])[of >= 0].mean())
        return agreed, float(np.mean([(outcomes[known] == one).mean() for one in said]))
    known = np.isfinite(outcomes)
    if not known.any() or not np.isfinite(outcomes[chosen]).any():
        return None, None
    return (float(np.nanmean(np.abs(outcomes[chosen] - said[:, None]))),
            float(np.mean([np.abs(outcomes[known] - one).mean() for one in said])))


def _neighbourhood(
    pool: Pool, asked: Pool, at: int, said: Any, answer: np.ndarray, chosen: np.ndarray,
    near: np.ndarray, outcomes: np.ndarray | None,
) -> Neighbourhood:
    fitted = pool.fitted
    classes: Sequence[Any] | None = getattr(fitted.codec, "classes", None)
    examples = tuple(
        _example(pool, int(row), float(alike), said, classes, outcomes)
        for row, alike in zip(chosen, near, strict=True))
    cells = _cells(asked.dataset, at)
    if classes is None:
        return Neighbourhood(at, float(said), None, cells, examples)
    return Neighbourhood(at, classes[int(said)], float(answer[int(said)]), cells, examples)


def _example(
    pool: Pool, row: int, alike: float, said: Any, classes: Sequence[Any] | None,
    outcomes: np.ndarray | None,
) -> Example:
    cells = _cells(pool.dataset, row)
    if outcomes is None:
        return Example(row, alike, None, None, cells)
    value = outcomes[row]
    if classes is None:
        return Example(row, alike, float(value) if np.isfinite(value) else None, None, cells)
    if value < 0:
        return Example(row, alike, None, None, cells)
    return Example(row, alike, classes[int(value)], bool(value == said), cells)


def _cells(dataset: Dataset, row: int) -> dict[str, Any]:
    """A row's features as the user gave them."""
    frame = dataset.original
    return {name: frame.get_column(name)[row] for name in dataset.schema.features
            if name in frame.columns}


def _dated(value: Any) -> Any:
    """Times and dates as text, all else as it is."""
    if isinstance(value, dict):
        return {name: _dated(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_dated(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


__all__ = ["Example", "Examples", "Neighbourhood", "Options", "nearest"]
