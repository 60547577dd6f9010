"""Two runs side by side: prints that hang on values alone, and where the first difference is."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from wholefit.base.state import State
from wholefit.training.replaying import Asked, Script, Trace, Turn, compare, prints, reasons
from wholefit.training.replaying.compare import rows


def state(**changes: Any) -> State:
    config = {"n_classes": 2, **changes.get("config", {})}
    return State("linear", config, {"w": changes.get("w", np.arange(3.0))},
                 {"text": changes.get("text", b"one\ntwo\n")})


def blend(first: State) -> State:
    members = [{"encoder": 0, "model": "ridge", "share": 0.5},
               {"encoder": 0, "model": "ridge", "share": 0.5}]
    return State("blend", {"members": members}, parts={
        "encoder 0": State("encoder"), "model 0": first, "model 1": state()})


def trace(model: State, **changes: Any) -> Trace:
    oof = changes.pop("oof", np.array([0.25, np.nan, 0.5]))
    turn = changes.pop("turn", Turn("ridge", "ridge", 5, rounds=(3, 4)))
    states = {"encoder": State("encoder"), "model": model}
    return dataclasses.replace(Trace(
        asked=Asked("regression", {"target": "y"}), script=Script((turn,), "ridge"), lineage={},
        data={"rows": 3, "hash": "a"}, columns={"x": "numeric", "y": "target"}, split="5-fold",
        metric="rmse", scores={"ridge": {"rmse": [1.0, 0.5, None]}},
        answers={"ridge": prints.of_array(oof)}, parts=prints.of_states(states),
        oof={"ridge": oof}, states=states), **changes)


def differing(a: Trace, b: Trace) -> dict[str, str]:
    return {part.name: part.said for part in compare(a, b) if part.equal is not True}


def test_prints_hang_on_values_alone() -> None:
    array = np.arange(6.0).reshape(2, 3)
    assert prints.of_array(array) == prints.of_array(np.asfortranarray(array))
    assert prints.of_array(array) == prints.of_array(array[:, ::-1][:, ::-1])
    assert prints.of_array(array) != prints.of_array(array.reshape(3, 2))
    assert prints.of_array(array) != prints.of_array(array.astype(np.float32))
    assert prints.of_array(np.array(3.0)) != prints.of_array(np.array([3.0]))
    assert prints.of_json({"a": (1, 2), "b": 0.1}) == prints.of_json({"b": 0.1, "a": [1, 2]})


def test_a_run_equals_itself() -> None:
    found = compare(trace(blend(state())), trace(blend(state())))
    assert all(part.equal for part in found)
    assert [part.name for part in found][-4:] == [
        "model", "model/encoder 0", "model/ridge 1", "model/ridge 2"]


@pytest.mark.parametrize(("changed", "said"), [
    (state(w=np.array([0.0, 1.0, 2.5])), "w: 1 of 3 values differ, by 0.5 at most; the first at 2"),
    (state(w=np.array([np.nan, 1.0, 2.0])),
     "w: 1 of 3 values differ (a NaN in one); the first at 0"),
    (state(w=np.arange(4.0)), "w: float64 (3,) then, float64 (4,) now"),
    (state(w=np.array([-0.0, 1.0, 2.0])), "w: zeros of another sign"),
    (state(config={"n_classes": 3}), "n_classes was 2 and is 3"),
    (state(text=b"one\nthree\n"), "text: line 2 was 'two' and is 'three'"),
    (state(text=b"\xff\x00"), "text: 8 bytes then, 2 now"),
    (State("tree"), "linear then, tree now"),
])
def test_where_a_state_differs_is_said(changed: State, said: str) -> None:
    assert said in differing(trace(state()), trace(changed))["model"]
    found = differing(trace(blend(state())), trace(blend(changed)))
    assert list(found) == ["model/ridge 1"] and said in found["model/ridge 1"]


def test_answers_scores_folds_and_columns_differ_apart() -> None:
    was = trace(state())
    assert differing(was, trace(state(), oof=np.array([0.25, np.nan, 0.75]))) == {
        "ridge: answers to unseen rows":
            "1 of 3 values differ, by 0.25 at most; the first at 2"}
    assert differing(was, trace(state(), scores={"ridge": {"rmse": [1.0, 0.6, None]}})) == {
        "ridge: scores": "low end of rmse was 0.5 and is 0.6"}
    assert differing(was, trace(state(), turn=Turn("ridge", "ridge", 4))) == {
        "ridge: folds": "5 then, 4 now"}
    assert "stopped early after [3, 4]" in differing(
        was, trace(state(), turn=Turn("ridge", "ridge", 5, rounds=(3, 5))))["ridge: folds"]
    assert differing(was, trace(state(), columns={"x": "text", "y": "target"})) == {
        "columns": "'x' was numeric and is text"}


def test_what_was_not_kept_is_not_known() -> None:
    bare = dataclasses.replace(trace(state()), answers={}, states={}, oof={})
    found = {part.name: part.equal for part in compare(bare, trace(state()))}
    assert found["ridge: answers to unseen rows"] is None and found["model"] is True
    changed = {part.name: part for part in compare(bare, trace(state(text=b"")))}
    assert changed["model"].equal is False and changed["model"].said == "another print"


def test_rows_are_told_apart_by_number_and_hash() -> None:
    here = {"rows": 3, "hash": "a"}
    assert rows(here, here).equal is True
    assert "3 rows then, 4 now" in rows(here, {"rows": 4, "hash": "b"}).said
    assert "another hash" in rows(here, {"rows": 3, "hash": "b"}).said
    assert rows({"rows": 3}, here).equal is None


def test_reasons_name_what_is_otherwise() -> None:
    was = {"wholefit": "0.1", "python": "3.11", "jobs": 2, "libraries": {"numpy": "1", "gone": "1"},
           "threads": {"cores": "2"}, "machine": {"linear algebra": "openblas Haswell"}}
    now = {"wholefit": "0.2", "python": "3.11", "jobs": 1, "libraries": {"numpy": "2"},
           "threads": {"cores": "4"}, "machine": {"linear algebra": "openblas Zen"}}
    said = " ".join(reasons(was, now))
    for words in ("wholefit was 0.1 and is 0.2", "numpy was 1 and is 2", "2 threads and now on 1",
                  "cores was 2 and is 4", "openblas Haswell and is openblas Zen"):
        assert words in said
    assert "gone" not in said and reasons(was, was) == () and reasons({}, now) == ()
