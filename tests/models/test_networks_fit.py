"""Networks in `wf.fit`: within a budget, updated, saved, and beside other models."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base import tasks
from wholefit.base.budget import Budget
from wholefit.data import dataset_of, splits
from wholefit.models import Context
from wholefit.training import portfolio
from wholefit.training._folds import Problem
from wholefit.training._search import Search
from wholefit.training.trials import Here


def _table(rows: int = 400) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x, word = rng.normal(size=(rows, 3)), rng.choice(["a", "b", "c"], rows)
    return pl.DataFrame({"one": x[:, 0], "two": x[:, 1] * 1e6, "three": x[:, 2], "word": word,
                         "y": np.where(x[:, 0] + (word == "b") + 0.3 * x[:, 2] > 0.4, "yes", "no")})


def test_a_network_without_end_ends_with_its_time() -> None:
    """It shares what there is among folds and a refit, and answers with the best it had."""
    dataset, task = dataset_of(_table(1500), target="y"), tasks.get("classification")
    codec = task.codec("y", dataset.target_values())
    y = dataset.target(codec)
    problem = Problem(dataset, task, y, 2, splits.kfold(dataset, y, folds=3), None, 1, 0, {})
    model = wf.models.make("mlp(epochs=100000, patience=None)")
    wf.models.make("mlp").build(task, Context(10, 2, n_classes=2))  # torch is awake
    start = time.perf_counter()
    found = Here(problem).validate(model, start + 4, 3)
    spent = time.perf_counter() - start
    # Other processes may hold the cores meanwhile; without a clock it would take an hour.
    assert 1 <= found.folds <= 3 and spent < 15
    seen = found.seen > 0
    assert ((found.answer[seen, 1] > 0.5) == y[seen]).mean() > 0.85


def test_several_clocked_models_share_the_time_that_is_left() -> None:
    plan, schema = SimpleNamespace(folds=[(range(9), range(3))]), SimpleNamespace(features=["x"])
    problem: Any = SimpleNamespace(task=tasks.get("classification"), plan=plan, n_classes=2,
                                   learnt_rows=9, dataset=SimpleNamespace(schema=schema))
    clock: Any = SimpleNamespace(left=lambda: 12.0, budget=Budget())
    search = Search(problem, clock, 3, None)  # type: ignore[arg-type]
    search._last, search._clocked, search._clocked_done = "tabm", 2, 0
    model = wf.models.make("mlp")
    assert search._deadline(model, "mlp") - time.perf_counter() == pytest.approx(6, abs=0.5)
    search._clocked_done = 1
    assert search._deadline(model, "tabm") - time.perf_counter() == pytest.approx(12, abs=0.5)


def test_an_update_is_an_update_of_what_was_saved(tmp_path: Path) -> None:
    frame = _table()
    result = wf.fit(frame.head(200), target="y", folds=2, models=["mlp(width=16, epochs=10)"],
                    choose="best")
    result.save(tmp_path / "m.wf")
    first = result.update(frame.slice(200, 100))
    second = wf.load(tmp_path / "m.wf").update(frame.slice(200, 100))
    asked = frame.tail(50)
    assert first.predict_proba(asked).to_dicts() == second.predict_proba(asked).to_dicts()
    assert first.predict_proba(asked).to_dicts() != result.predict_proba(asked).to_dicts()


def test_plain_tables_get_no_network_unless_asked() -> None:
    dataset = dataset_of(_table(), target="y")
    assert portfolio.seen(dataset.schema) == []
    found = portfolio.default(tasks.get("classification"), 400, 4)
    assert not any(model.family == "networks" for model in found.models)


def test_without_torch_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolio, "available", lambda name: name != "torch")
    found = portfolio.default(tasks.get("classification"), 400, 4, ["pictures"])
    assert "wholefit[deep]" in found.left_out["cnn"]
