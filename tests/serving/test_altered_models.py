"""Model files altered by somebody who makes their checksums anew: refused, or they answer.

Nothing that such a file holds may end in an error of another kind than ours, neither when a server
wakes the model nor when it answers.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.serving.served import fitted

import wholefit as wf
from wholefit import artifact
from wholefit.base.errors import ArtifactError, StateError, WholefitError
from wholefit.base.state import State
from wholefit.serving._model import PLAIN, Wants

pytestmark = pytest.mark.filterwarnings("ignore")

ODD = [None, True, 0, 1, -1, 7, 10**6, 2**63 - 1, 1e308, 0.5, "", "x", "../../etc/passwd", [], {},
       [None], [1, "a"], {"a": 1}]


KINDS = ("classification", "regression", "association")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """A model of classes, one of a number, and one of baskets."""
    folder = tmp_path_factory.mktemp("altered")
    return {kind: fitted(kind).save(folder / f"{kind}.wf") for kind in KINDS}


def places(value: Any, at: tuple = ()) -> Iterator[tuple]:
    if at:
        yield at
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(
            value, list) else ():
        yield from places(value[key], (*at, key))


def altered(draw: random.Random, value: dict) -> dict:
    """One place of a JSON object with another value, or gone."""
    made = copy.deepcopy(value)
    where = draw.choice(list(places(made)) or [("new",)])
    inner: Any = made
    for key in where[:-1]:
        inner = inner[key]
    if draw.random() < 0.8 or where == ("new",):
        inner[where[-1]] = copy.deepcopy(draw.choice(ODD))
    else:
        del inner[where[-1]]
    return made


def every(state: State) -> Iterator[State]:
    yield state
    for part in state.parts.values():
        yield from every(part)


def spoilt(draw: random.Random, state: State, which: State) -> State:
    """The state with something in its part `which` altered, dropped, or of another type."""
    if state is not which:
        return State(state.kind, state.config, state.arrays, state.blobs,
                     {name: spoilt(draw, part, which) for name, part in state.parts.items()})
    config, arrays = dict(state.config), dict(state.arrays)
    how = draw.choice(["config", "config", "array", "drop", "kind"])
    if how == "config":
        config = altered(draw, config)
    elif arrays and how in ("array", "drop"):
        name = draw.choice(list(arrays))
        array = arrays.pop(name)
        if how == "array":
            arrays[name] = draw.choice([
                array[:0], array[:max(1, len(array) // 2)], np.concatenate([array, array]),
                array.reshape(-1, 1), np.zeros(array.shape, "<U3"), np.zeros(array.shape, "<M8[s]"),
                np.full(array.shape, np.nan), np.full(array.shape, -1)])
    kind = draw.choice(["linear", "trees", "knn", "none"]) if how == "kind" else state.kind
    return State(kind, config, arrays, state.blobs, state.parts)


def woken(path: Path, row: dict) -> None:
    """Wake the model as a server does, and ask it."""
    from wholefit.api.serving import served

    made = served(path, "m")
    for verb in ["", *(each.name for each in made.verbs)]:
        made.answer([row, row], Wants(verb=verb))
    made.quick([row], PLAIN)
    made.table(pl.DataFrame([row, row]), PLAIN)


@pytest.mark.parametrize("name", KINDS)
def test_whatever_was_altered_is_refused_or_answers(files, name, tmp_path):
    from wholefit.api.serving import served

    package, draw = artifact.read(files[name]), random.Random(name)
    row = {each.name: each.levels[0] if each.levels else each.low if each.low is not None else "p1"
           for each in served(files[name]).inputs}
    states, refused = dict(package.states), 0
    for _ in range(40):
        record, changed = package.record, dict(states)
        if draw.random() < 0.4:
            record = altered(draw, record)
        else:
            which = draw.choice(list(states))
            part = draw.choice(list(every(states[which])))
            changed[which] = spoilt(draw, states[which], part)
        path = tmp_path / "m.wf"
        try:
            artifact.write(path, record, changed, reference=package.reference, force=True)
        except StateError:
            continue
        try:
            woken(path, row)
        except WholefitError:
            refused += 1
    assert refused > 5


def with_state(files, name: str, change) -> bytes:
    package = artifact.read(files[name])
    states = {key: change(key, state) for key, state in package.states.items()}
    return artifact.to_bytes(package.record, states, reference=package.reference)


def replaced(state: State, **changes: Any) -> State:
    return State(state.kind, changes.get("config", state.config),
                 changes.get("arrays", state.arrays), state.blobs, state.parts)


def test_a_model_that_lacks_an_array_is_refused_when_a_server_wakes_it(files, tmp_path):
    """Found by chance alterations: the server told a KeyError."""
    from wholefit.api.serving import served

    (tmp_path / "m.wf").write_bytes(with_state(
        files, "classification",
        lambda name, state: replaced(state, arrays={}) if name == "model" else state))
    with pytest.raises(ArtifactError, match="cannot be made"):
        served(tmp_path / "m.wf")


def test_a_calibration_of_dates_is_refused(files, tmp_path):
    """Found by chance alterations: an interval told a TypeError."""
    (tmp_path / "m.wf").write_bytes(with_state(files, "regression", lambda name, state: replaced(
        state, arrays={**state.arrays, "values": state.arrays["values"].astype("<M8[s]")})
        if name == "calibration" else state))
    with pytest.raises(ArtifactError):
        wf.load(tmp_path / "m.wf")


def test_baskets_whose_column_is_not_named_are_refused(files, tmp_path):
    """Found by chance alterations: reading baskets told a ColumnNotFoundError."""
    package = artifact.read(files["association"])

    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: None if key == "basket" else without(each)
                    for key, each in value.items()}
        return value

    states = {name: replaced(state, config=without(state.config))
              for name, state in package.states.items()}
    data = artifact.to_bytes(without(package.record), states, reference=package.reference)
    (tmp_path / "m.wf").write_bytes(data)
    with pytest.raises(ArtifactError):
        wf.load(tmp_path / "m.wf").complete(pl.DataFrame({"order": [1], "item": ["p1"]}))
