"""What runtimes cost: every number is there, and one that cannot be measured says why."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.api import _bench_child, _meters, benching
from wholefit.artifact.exports import _javascript_run
from wholefit.base.errors import DataError, UnknownNameError

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
RNG = np.random.default_rng(0)
TABLE = pl.DataFrame({"x": RNG.normal(size=200), "kind": RNG.choice(["a", "b"], 200)}).with_columns(
    y=pl.col("x") * 2 + (pl.col("kind") == "a"))


@pytest.fixture(scope="module")
def model() -> Any:
    return wf.fit(TABLE, target="y", models="ridge", choose="best", jobs=1, checks=False)


def test_runtimes_side_by_side(model: Any, tmp_path: Any) -> None:
    path = model.save(tmp_path / "m.wf")
    found = wf.bench(path, TABLE, runtimes=("wholefit", "quick"), seconds=0.05, batch=100)
    assert [row.runtime for row in found.rows] == ["wholefit", "quick"]
    for row in found.rows:
        assert not row.why, row.why
        assert row.most == 0 and row.size == path.stat().st_size
        assert 0 < row.latency[0] <= row.latency[1] <= row.latency[2] < 60
        assert row.first > 0 and row.throughput > 0 and row.cpu > 0
    assert found["quick"].latency[0] < found["wholefit"].latency[0]
    whole = found.to_json()
    assert whole["rows"] == 200 and len(whole["runtimes"]) == 2
    assert "quick" in str(found) and "rows/s by 100" in str(found)
    with pytest.raises(UnknownNameError, match="'quick'"):
        found["quik"]


def test_an_exported_runtime_answers_as_the_model_does(model: Any) -> None:
    found = wf.bench(model, TABLE, runtimes=("numpy",), seconds=0.05, batch=50)
    row = found["numpy"]
    assert not row.why, row.why
    assert row.most < 1e-9 and row.size > 0
    assert row.memory is None or row.memory > 1e6


def test_a_runtime_that_fails_is_told_and_the_others_go_on(
    model: Any, tmp_path: Any
) -> None:
    broken = tmp_path / "broken.wf"
    broken.write_bytes(b"no model")
    found = wf.bench(model, TABLE, runtimes=("quick",), also=[broken], seconds=0.02)
    assert not found["quick"].why
    assert "not a wholefit artifact" in found["broken.wf (quick)"].why
    assert math.isnan(found["broken.wf (quick)"].throughput)
    assert "broken.wf (quick): " in found.to_text()


@pytest.mark.skipif(_javascript_run.runtime() is None, reason="no node, bun or deno")
def test_a_file_of_another_language_is_measured_where_it_runs(model: Any, tmp_path: Any) -> None:
    model.export(tmp_path / "m.mjs", rows=TABLE)
    found = wf.bench(model, TABLE, runtimes=(), also=[tmp_path / "m.mjs"], seconds=0.02)
    assert not found["m.mjs"].why and found["m.mjs"].most < 1e-9
    # What is asked through Python starts a process for each row.
    assert found["m.mjs"].latency[0] < 0.005


def test_what_cannot_be_is_said(model: Any, tmp_path: Any) -> None:
    with pytest.raises(UnknownNameError, match="'quick'"):
        wf.bench(model, TABLE, runtimes=("quik",))
    with pytest.raises(DataError, match="got none"):
        wf.bench(model, TABLE, runtimes=())
    with pytest.raises(DataError, match="at least one row"):
        wf.bench(model, TABLE[:0], runtimes=("quick",))
    with pytest.raises(DataError, match="does not exist"):
        wf.bench(model, TABLE, runtimes=("quick",), also=[tmp_path / "none.wf"], seconds=0.02)
    clusters = wf.fit(TABLE.drop("y"), task="clustering", models="kmeans", jobs=1)
    with pytest.raises(DataError, match="no target"):
        wf.bench(clusters, TABLE)


def test_a_child_that_says_nothing_is_no_traceback() -> None:
    class Done:
        stdout, stderr, returncode = "noise\n", "Killed", 137

    assert "Killed" in benching._told(Done())["error"]
    Done.stdout = "[1]"
    assert "something else" in benching._told(Done())["error"]


def test_quantiles_and_calls() -> None:
    taken, spent, _ = _bench_child._calls([1, 2], lambda row: sum(range(1000)), 0.01)
    assert len(taken) >= 30 and spent >= 0 and min(taken) > 0
    assert _meters.quantiles([1.0, 2.0, 3.0])[0] == 2.0
    assert _meters.resident() is None or _meters.peak() >= _meters.resident() > 1e6
