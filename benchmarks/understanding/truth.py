"""Do explanations find what is there? Tasks whose relevant columns and interactions are known."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks._tools import markdown

_ROWS, _HELD, _COLUMNS, _TASKS, _NOISE = 2_000, 1_500, 12, 20, 100
_MODELS = ("hist_gradient_boosting", "random_forest")
Pair = frozenset[int]


@dataclass(frozen=True)
class _Kind:
    """A way in which the target comes about: which columns it hangs on, which pairs together."""

    name: str
    of: Callable[[np.ndarray], np.ndarray]
    relevant: tuple[int, ...]
    pairs: tuple[Pair, ...]
    noise: float = 0.3


@dataclass
class _Counts:
    """Hits of what there was to find, and false alarms of what there was to be silent about."""

    found: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """One task's share."""
        self.found.setdefault(name, []).append(value)

    def mean(self, name: str) -> str:
        """The mean over tasks, as text."""
        values = self.found.get(name)
        return "-" if not values else f"{np.mean(values):.3f}"


def _kinds() -> list[_Kind]:
    def pair(*both: int) -> Pair:
        return frozenset(both)

    return [
        _Kind("friedman 1", lambda x: (10 * np.sin(np.pi * _u(x[:, 0]) * _u(x[:, 1]))
              + 20 * (_u(x[:, 2]) - 0.5) ** 2 + 10 * _u(x[:, 3]) + 5 * _u(x[:, 4])) / 5,
              (0, 1, 2, 3, 4), (pair(0, 1),)),
        _Kind("products", lambda x: x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3] + x[:, 4],
              (0, 1, 2, 3, 4), (pair(0, 1), pair(2, 3))),
        _Kind("signs that must agree", lambda x: 1.5 * np.sign(x[:, 0] * x[:, 1]) + x[:, 2],
              (0, 1, 2), (pair(0, 1),)),
        _Kind("a gate", lambda x: np.where(x[:, 0] > 0, 2 * x[:, 1], -x[:, 1]) + np.abs(x[:, 2]),
              (0, 1, 2), (pair(0, 1),)),
        _Kind("curves that add up", lambda x: np.sin(2 * x[:, 0]) + np.abs(x[:, 1]) + 0.7 * x[:, 2]
              + 0.7 * (x[:, 3] > 0.5), (0, 1, 2, 3), ()),
    ]


def table(peer: str | None, short: bool) -> list[str]:
    """The lines of this part."""
    tasks, noise = (5, 10) if short else (_TASKS, _NOISE)
    rows = []
    for model in _MODELS:
        for classes in (False, True):
            for shared in (0.0, 0.3):
                rows.append([model, "classes" if classes else "a number", f"{shared:g}",
                             *_recovered(model, classes, tasks, shared)])
    head = ["model", "target", "correlation", "importance, recall", "SHAP, recall",
            "importance: called, relevant", "irrelevant called, any", "pairs, recall",
            "pairs called, real", "pairs called, not there (tasks with any)"]
    return [
        f"{tasks} tasks each ({len(_kinds())} kinds in turn, {_COLUMNS} columns, their names "
        f"shuffled, {_ROWS:,} rows learnt from, {_HELD:,} held out). "
        "Recall: of the k columns that the target hangs on, those among the k first; of the k "
        "pairs that act together, those among the k first. \"Called\" are verdicts at 95 %, of "
        "this model: where columns are correlated a model leans on one for the other, and what is "
        "called then is no false alarm about the model, though the target does not hang on it.", "",
        markdown(head, rows), "",
        "Nothing to find: the target is drawn without regard to any column. Share of tasks in "
        "which anything at all is called; 0.05 is stated.", "",
        markdown(["model", "target", "tasks", "a column matters (or misleads)",
                  "a pair acts together"], list(_silent(noise)))]


def _recovered(model: str, classes: bool, tasks: int, shared: float) -> list[str]:
    counts, kinds = _Counts(), _kinds()
    for number in range(tasks):
        kind = kinds[number % len(kinds)]
        _one(counts, kind, model, classes, number, shared)
    return [counts.mean(name) for name in ("top", "shap", "called", "false", "pairs", "real",
                                           "false pairs")]


def _one(counts: _Counts, kind: _Kind, model: str, classes: bool, number: int,
         shared: float) -> None:
    frame, relevant, pairs = _drawn(kind, classes, number, shared)
    result = _fitted(frame[:_ROWS], model, number)
    held = frame[_ROWS:]
    found = result.importance(held, seed=number)
    first = [each.name for each in found.columns][:len(relevant)]
    counts.add("top", len(relevant & set(first)) / len(relevant))
    called = {each.name for each in found.columns if each.verdict in ("matters", "misleads")}
    counts.add("called", len(called & relevant) / len(relevant))
    counts.add("false", float(bool(called - relevant)))
    shown = dict(_shap(result, held[:300]))
    if shown:
        first = sorted(shown, key=lambda name: -shown[name])[:len(relevant)]
        counts.add("shap", len(relevant & set(first)) / len(relevant))
    acting = result.interactions(held, seed=number)
    ranked = [frozenset(pair.columns) for pair in acting.pairs]
    together = {frozenset(pair.columns) for pair in acting.together}
    if pairs:
        counts.add("pairs", len(pairs & set(ranked[:len(pairs)])) / len(pairs))
        counts.add("real", len(pairs & together) / len(pairs))
    counts.add("false pairs", float(bool(together - pairs)))


def _shap(result: Any, rows: pl.DataFrame) -> list[tuple[str, float]]:
    """Mean size of each column's SHAP values."""
    found = result.explain(rows, method="shap")
    return [(str(name), float(size)) for name, size in found.importance()]


def _silent(tasks: int) -> Iterator[list[str]]:
    for model in _MODELS:
        for classes in (False, True):
            columns = pairs = 0
            for number in range(tasks):
                random = np.random.default_rng(10_000 + number)
                y = random.normal(size=_ROWS // 2)
                x = random.normal(size=(len(y), 8))
                frame = _framed(x, _target(y, classes), [f"c{at}" for at in range(8)])
                half = len(y) // 2
                result = _fitted(frame[:half], model, number)
                found = result.importance(frame[half:], seed=number)
                columns += any(each.verdict in ("matters", "misleads")
                               for each in (*found.columns, *found.together))
                pairs += bool(result.interactions(frame[half:], seed=number, top=5).together)
            yield [model, "classes" if classes else "a number", str(tasks),
                   f"{columns / tasks:.2f}", f"{pairs / tasks:.2f}"]


def _drawn(
    kind: _Kind, classes: bool, number: int, shared: float
) -> tuple[pl.DataFrame, set[str], set[Any]]:
    """A task: the rows, the names of relevant columns, and pairs of names that act together."""
    random = np.random.default_rng(number)
    rows = _ROWS + _HELD
    common = random.normal(size=(rows, 1))
    x = shared**0.5 * common + (1 - shared) ** 0.5 * random.normal(size=(rows, _COLUMNS))
    score = kind.of(x)
    # Logistic noise of classes: what adds up to the score adds up on the scale of log-odds.
    noise = random.logistic(size=rows) / 1.81 if classes else random.normal(size=rows)
    y = score + kind.noise * score.std() * noise
    names = [f"c{at}" for at in random.permutation(_COLUMNS)]
    order = np.argsort(names)
    frame = _framed(x[:, order], _target(y, classes), [names[at] for at in order])
    return (frame, {names[at] for at in kind.relevant},
            {frozenset(names[at] for at in pair) for pair in kind.pairs})


def _framed(x: np.ndarray, y: Any, names: list[str]) -> pl.DataFrame:
    return pl.DataFrame({**{name: x[:, at] for at, name in enumerate(names)}, "target": y})


def _target(y: np.ndarray, classes: bool) -> Any:
    return np.where(y > np.median(y), "yes", "no") if classes else y


def _fitted(frame: pl.DataFrame, model: str, seed: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wf.fit(frame, target="target", models=[model], seed=seed, folds=2, jobs=1)


def _u(x: np.ndarray) -> np.ndarray:
    """A standard normal as a number between 0 and 1."""
    from scipy.special import ndtr

    return ndtr(x)
