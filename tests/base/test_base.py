"""The words everyone shares."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wholefit.base import budget, errors, events, optional, params, seeds, state, tasks
from wholefit.base.params import Params, param


@dataclass(frozen=True)
class Sample(Params):
    alpha: float = param(1.0, "Strength.", low=0)
    count: int = param(5, "How many.", low=1, high=10, search=(1, 10))
    kind: str = param("a", "Which.", choices=("a", "b"))
    depth: int | None = param(None, "How deep.", low=1, none=True)
    flag: bool = param(True, "Whether.")
    rate: float = param(0.1, "How fast.", above=0, search=(1e-3, 1.0), log=True)


@pytest.mark.parametrize("module", [budget, events, params])
def test_docstring_examples(module: object) -> None:
    failed, tried = doctest.testmod(module, extraglobs={"dataclass": dataclass})  # type: ignore[arg-type]
    assert tried and not failed


@pytest.mark.parametrize(("name", "value", "said"), [
    ("alpha", -1, "Sample.alpha must be >= 0; got -1."),
    ("alpha", float("nan"), "Sample.alpha must be >= 0; got nan."),
    ("count", 2.5, "Sample.count must be >= 1 and <= 10; got 2.5."),
    ("count", True, "Sample.count must be >= 1 and <= 10; got True."),
    ("kind", "c", "Sample.kind must be one of 'a', 'b'; got 'c'."),
    ("depth", 0, "Sample.depth must be >= 1 or None; got 0."),
    ("flag", 1, "Sample.flag must be of type bool; got 1."),
    ("rate", 0, "Sample.rate must be > 0; got 0."),
])
def test_a_bad_value_is_named(name: str, value: object, said: str) -> None:
    with pytest.raises(errors.ParameterError) as caught:
        Sample(**{name: value})  # type: ignore[arg-type]
    assert str(caught.value) == said


def test_good_values_pass_and_specs_tell_them() -> None:
    made = Sample(alpha=2, depth=3, kind="b")
    assert made.to_dict()["alpha"] == 2
    assert made.replace(count=7).count == 7
    specs = {spec.name: spec for spec in Sample.specs()}
    assert specs["rate"].search is not None and specs["rate"].search.log
    assert specs["kind"].search is not None and specs["kind"].search.choices == ("a", "b")
    assert specs["depth"].type is int


def test_a_misspelt_parameter_gets_the_nearest() -> None:
    with pytest.raises(errors.UnknownNameError, match="did you mean 'alpha'"):
        Sample.from_dict({"alfa": 1})


@pytest.mark.parametrize(("text", "seconds", "size"), [
    ("60s", 60.0, None), ("5 min", 300.0, None), (1.5, 1.5, None), ("2GB 30s", 30.0, 2 * 10**9),
    ("1h", 3600.0, None), ("512MiB", None, 512 * 2**20),
])
def test_budgets_are_read(text: object, seconds: float | None, size: int | None) -> None:
    found = budget.Budget.parse(text)  # type: ignore[arg-type]
    assert (found.seconds, found.bytes) == (seconds, size)


@given(st.text(max_size=20))
def test_any_budget_text_is_read_or_refused(text: str) -> None:
    try:
        budget.Budget.parse(text)
    except errors.ParameterError as error:
        assert "budget" in str(error)


def test_clock_counts_down() -> None:
    clock = budget.Clock(budget.Budget(seconds=100))
    assert 99 < clock.left() <= 100
    assert budget.Clock(budget.Budget()).left() == float("inf")


def test_seeds_differ_by_name_and_repeat() -> None:
    assert seeds.derive(0, "split") == seeds.derive(0, "split")
    assert len({seeds.derive(0, "fold", k) for k in range(100)}) == 100
    assert seeds.some(3, 5, 0, "rows").tolist() == [0, 1, 2]
    few = seeds.some(100, 5, 0, "rows")
    assert len(set(few.tolist())) == 5 and (np.diff(few) > 0).all()
    assert few.tolist() == seeds.some(100, 5, 0, "rows").tolist()
    assert seeds.derive(1, "a") != seeds.derive(2, "a")


def test_need_says_what_to_install() -> None:
    with pytest.raises(errors.MissingExtraError, match=r"pip install 'wholefit\[boost\]'"):
        optional.need("no_such_library_at_all", extra="boost", user="Nothing")
    assert optional.available("json") and not optional.available("no_such_library_at_all")


def test_states_compare_bit_by_bit_and_refuse_objects() -> None:
    a = state.State("x", {"k": 1}, {"w": np.array([1.0, np.nan])})
    assert state.same(a, state.State("x", {"k": 1}, {"w": np.array([1.0, np.nan])}))
    assert not state.same(a, state.State("x", {"k": 1}, {"w": np.array([1.0, 2.0])}))
    with pytest.raises(errors.StateError, match="object"):
        state.State("x", {}, {"w": np.array([{}])})
    with pytest.raises(errors.StateError, match="JSON"):
        state.State("x", {"k": float("nan")})


def facts(kind: str, rows: int, distinct: int) -> tasks.TargetFacts:
    return tasks.TargetFacts("y", kind, rows, distinct)


@pytest.mark.parametrize(("kind", "rows", "distinct", "task"), [
    ("text", 100, 3, "classification"), ("boolean", 100, 2, "classification"),
    ("integer", 1000, 2, "classification"), ("integer", 1000, 7, "classification"),
    ("integer", 1000, 300, "regression"), ("number", 1000, 900, "regression"),
    ("number", 50, 2, "classification"), ("integer", 30, 12, "regression"),
])
def test_the_task_is_inferred(kind: str, rows: int, distinct: int, task: str) -> None:
    found, said = tasks.infer(facts(kind, rows, distinct))
    assert found.name == task and said.startswith(task) and "'y'" in said


def test_a_datetime_target_is_asked_about() -> None:
    with pytest.raises(errors.DataError, match=r"holds dates, .* make it a number"):
        tasks.infer(facts("datetime", 100, 100))
    with pytest.raises(errors.UnknownNameError, match="did you mean 'regression'"):
        tasks.get("regresion")


@pytest.mark.parametrize(("values", "classes", "positive"), [
    (["no", "yes"], ("no", "yes"), "yes"), (["bad", "good"], ("bad", "good"), "good"),
    ([1, 0], (0, 1), 1), ([True, False], (False, True), True), ([2.0, 10.0], (2, 10), 10),
    (["Yes", "absent"], ("Yes", "absent"), "Yes"),
])
def test_classes_have_an_order_and_a_positive(
    values: list[object], classes: tuple[object, ...], positive: object
) -> None:
    codec = tasks.get("classification").codec("y", np.array(values))
    assert codec.classes == classes  # type: ignore[attr-defined]
    assert codec.classes[codec.positive] == positive  # type: ignore[attr-defined]
    codes = codec.encode(np.array(values))
    assert list(codec.decode(codes)) == values
    again = tasks.get("classification").codec_from_json(codec.to_json())
    assert again == codec


def test_targets_that_cannot_be_learnt_are_refused() -> None:
    with pytest.raises(errors.DataError, match="at least 2 classes"):
        tasks.get("classification").codec("y", np.array(["a"]))
    with pytest.raises(errors.DataError, match="needs numbers"):
        tasks.get("regression").codec("y", np.array(["a", "b"]))
    with pytest.raises(errors.DataError, match="one value"):
        tasks.get("regression").codec("y", np.array([1.0, 1.0]))
    with pytest.raises(errors.UnknownNameError, match="did you mean 'good'"):
        tasks.get("classification").codec("y", np.array(["good", "bad"]), positive="goood")


def test_scikit_learn_wakes_without_pandas_and_still_takes_frames() -> None:
    code = (
        "import sys; from wholefit.base.optional import wake; wake('sklearn', without='pandas')\n"
        "import sklearn.linear_model\n"
        "assert 'pandas' not in sys.modules\n"
        "import pandas as pd\n"
        "frame = pd.DataFrame({'a': [0.0, 1.0, 2.0], 'b': [1.0, 0.0, 1.0]})\n"
        "model = sklearn.linear_model.LinearRegression().fit(frame, [0.0, 1.0, 2.0])\n"
        "print(*model.feature_names_in_)\n"
        "from sklearn.preprocessing import StandardScaler\n"
        "out = StandardScaler().set_output(transform='pandas').fit_transform(frame)\n"
        "print(type(out).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["a", "b", "DataFrame"], done.stderr


@pytest.mark.parametrize("said, spins", [
    ({}, "3000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "PASSIVE"}, None)])
def test_threads_that_wait_sleep_sooner_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, str], spins: str | None
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    optional.patient()
    assert os.environ.get("GOMP_SPINCOUNT") == spins
