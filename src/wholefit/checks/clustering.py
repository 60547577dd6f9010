"""Promises of models that cluster: answers are memberships, the state is the model."""

from __future__ import annotations

import numpy as np
import polars as pl

from wholefit import artifact
from wholefit.base.errors import WholefitError
from wholefit.base.state import State, same
from wholefit.base.tasks import Task
from wholefit.checks import _data
from wholefit.data import Dataset, Policies, conforming, dataset_of
from wholefit.evaluation.partitions import adjusted_rand
from wholefit.features.encoder import Encoder
from wholefit.models import Context, Model, scorer
from wholefit.models._kernels.clusters import labels_of
from wholefit.training.clustering import _space as spaces


def answers_are_memberships(model: Model, task: Task) -> None:
    """A row belongs to clusters in shares that sum to 1, or to none at all; never to half a one."""
    frame = _data.table(task)
    _valid(_answer(_fitted(model, task, frame), frame), len(frame))


def two_far_heaps_are_told_apart(model: Model, task: Task) -> None:
    """A family that does not see what anybody sees has no place in the catalog."""
    if model.name == task.baseline:
        return
    rng = np.random.default_rng(0)
    known = np.arange(300) % 2
    frame = pl.DataFrame({name: rng.normal(size=300) + 12 * known for name in "abc"})
    made = model.replace(clusters=2) if "clusters" in model.to_dict() else model
    found = labels_of(_answer(_fitted(made, task, frame), frame))
    agreed = adjusted_rand(found, known).value
    assert agreed > 0.8, f"adjusted Rand index {agreed:.3f} with two heaps 12 spreads apart"


def training_rows_are_answered_as_they_were_labelled(model: Model, task: Task) -> None:
    """What is told of the clusters of the rows learnt from must be what the model answers."""
    dataset = dataset_of(_data.table(task))
    space = spaces.learn(dataset, task, model, {}, 0)
    context = Context(len(space.Z), space.Z.shape[1])
    made = model.build(task, context).fit(space.Z)
    found = labels_of(scorer(model.state(made, task, context)).answer(space.Z))
    assert np.array_equal(found, made.labels_), "labels of training rows are not its answers"


def the_same_seed_gives_the_same_answer(model: Model, task: Task) -> None:
    """A result that cannot be had again cannot be trusted."""
    frame = _data.table(task)
    first, second = (_answer(_fitted(model, task, frame, seed=3), frame) for _ in range(2))
    assert np.array_equal(first, second), "two fits with one seed answer differently"


def inputs_are_left_untouched(model: Model, task: Task) -> None:
    """Fitting and answering must not change the user's rows, nor the hyper-parameters."""
    frame = _data.table(task)
    before, said = frame.clone(), repr(model)
    _answer(_fitted(model, task, frame), frame)
    assert frame.equals(before), "the table was changed"
    assert repr(model) == said, "the hyper-parameters were changed"


def one_row_equals_the_batch(model: Model, task: Task) -> None:
    """A row's answer must not hang on the rows asked about beside it."""
    frame = _data.table(task)
    made = _fitted(model, task, frame)
    whole = _answer(made, frame)
    for at in (0, 7, len(frame) - 1):
        alone = _answer(made, frame[at])
        assert np.allclose(alone[0], whole[at], atol=1e-12), f"row {at} answers differently alone"


def a_round_trip_is_bit_equal(model: Model, task: Task) -> None:
    """A saved model must answer exactly as it did before it was saved."""
    frame = _data.table(task)
    made = _fitted(model, task, frame)
    states = {"encoder": made[1], "model": made[2]}
    package = artifact.from_bytes(artifact.to_bytes({"task": task.name}, states))
    for name, state in states.items():
        assert same(package.states[name], state), f"the {name} state came back altered"
    loaded = (made[0], package.states["encoder"], package.states["model"])
    assert np.array_equal(_answer(made, frame), _answer(loaded, frame)), "the answers differ"


def missing_values_get_an_answer(model: Model, task: Task) -> None:
    """Rows arrive with holes, also in columns that had none in training."""
    frame = _data.table(task)
    made = _fitted(model, task, frame)
    empty = frame.head(20).with_columns(
        pl.lit(None).cast(frame[name].dtype).alias(name) for name in made[0].schema.features)
    _valid(_answer(made, empty), 20)


def infinite_and_huge_numbers_get_an_answer(model: Model, task: Task) -> None:
    """A division by zero upstream must not become a crash downstream."""
    frame = _data.table(task)
    made = _fitted(model, task, frame)
    name = next(c.name for c in made[0].schema.columns if c.role == "numeric")
    wild = frame.head(6).with_columns(
        pl.Series(name, [np.inf, -np.inf, 1e300, -1e300, np.nan, 1e308]))
    _valid(_answer(made, wild), 6)


def constant_and_repeated_rows_do_no_harm(model: Model, task: Task) -> None:
    """Tables have columns that say nothing, and rows that are there many times."""
    frame = _data.table(task).head(5)
    frame = pl.concat([frame] * 12).with_columns(pl.lit(1.0).alias("always one"))
    _valid(_answer(_fitted(model, task, frame), frame), len(frame))


def few_rows_are_learnt_or_refused(model: Model, task: Task) -> None:
    """Too few rows may be refused, in one sentence; they must not crash."""
    for rows in (1, 2, 3):
        frame = pl.DataFrame({"a": [1.0, 2.5, 9.0][:rows], "b": [3.0, 1.0, 4.0][:rows]})
        try:
            made = _fitted(model, task, frame)
        except WholefitError:
            continue
        _valid(_answer(made, frame), rows)


def more_columns_than_rows_are_learnt(model: Model, task: Task) -> None:
    """Wide tables are common where measuring is cheap and cases are rare."""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({f"w{at}": rng.normal(size=40) for at in range(150)})
    _valid(_answer(_fitted(model, task, frame), frame), 40)


_Made = tuple[Dataset, State, State]


def _fitted(model: Model, task: Task, frame: pl.DataFrame, seed: int = 0) -> _Made:
    dataset = dataset_of(frame)
    space = spaces.learn(dataset, task, model, {}, seed)
    context = Context(len(space.Z), space.Z.shape[1], seed=seed)
    made = model.build(task, context).fit(space.Z)
    state = space.state(model.state(made, task, context))
    return dataset, space.encoder.state(), state


def _answer(made: _Made, frame: pl.DataFrame) -> np.ndarray:
    dataset, encoder, model = made
    asked = conforming(frame, dataset.schema, Policies())
    return scorer(model).answer(Encoder.from_state(encoder).transform(asked))


def _valid(found: np.ndarray, rows: int) -> None:
    assert found.ndim == 2 and len(found) == rows, f"shape {found.shape} for {rows} rows"
    assert np.isfinite(found).all() and (found >= 0).all(), "a membership is no share"
    sums = found.sum(axis=1)
    assert np.all((np.abs(sums - 1) < 1e-9) | (sums == 0)), "memberships do not sum to 1 or 0"
