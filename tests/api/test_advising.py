"""Advice about real fits: Python, notebook, command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import cli
from wholefit.base.errors import ParameterError
from wholefit.data import bundled

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def rows(n: int = 400, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 3))
    y = random.random(n) < 1 / (1 + np.exp(-(2 * x[:, 0] - 3.5)))
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 0] + 0.01 * x[:, 1], "c": x[:, 2],
                         "sex": random.choice(["f", "m"], n),
                         "y": np.where(y, "yes", "no")})


def test_of_a_fit_and_of_its_file(tmp_path: Path) -> None:
    table = rows()
    result = wf.fit(table, target="y", positive="yes", metric="accuracy", jobs=1, folds=3,
                    models="decision_tree(max_depth=None, min_samples_leaf=1)", choose="best")
    found = result.advice(seen=table)
    rules = {each.rule for each in found}
    assert {"few rows", "other families", "accuracy of a rare class"} <= rules
    assert "seen=" not in " ".join(found.wanting)
    loaded = wf.load(result.save(tmp_path / "m.wf")).advice(seen=table)
    assert loaded.to_json() == found.to_json(), "a file gives the same advice"
    assert "<ol>" in found._repr_html_()
    without = result.advice()
    assert "training against validation" not in {*without.silent, *(a.rule for a in without)}


def test_a_sound_fit_is_left_alone() -> None:
    churn = wf.read(bundled.path("telco_churn")).frame
    result = wf.fit(churn, target="churn", models="logistic, hist_gradient_boosting", jobs=1,
                    folds=3)
    assert not {each.rule for each in result.advice(seen=churn)} & {
        "few rows", "other families", "accuracy of a rare class", "better than guessing",
        "a penalty", "grid or random", "stopped by the budget", "rows in time"}


def own_loss(truth: np.ndarray, answer: np.ndarray) -> float:
    """The share of wrong answers."""
    return float(np.mean(np.asarray(truth) != np.asarray(answer)))


own_loss.greater_is_better = False  # type: ignore[attr-defined]


def test_a_loss_of_ones_own_is_less_the_better() -> None:
    from wholefit.api.advising import evidence

    result = wf.fit(rows(300), target="y", metric=own_loss, jobs=1, folds=3,
                    models="decision_tree")
    assert evidence(result).better == "lower"


def test_records_that_are_known() -> None:
    table = rows(1_500).with_columns(pl.when(pl.col("sex") == "m").then(pl.lit("yes")).otherwise(
        pl.col("y")).alias("y"))
    result = wf.fit(table[:800], target="y", positive="yes", models="logistic", jobs=1, folds=3)
    audit = result.audit(table[800:], by="sex", proxies=False)
    assert "groups of people" in {each.rule for each in result.advice(known=[audit])}
    with pytest.raises(ParameterError, match=r"wf\.cures"):
        result.advice(known=[3])


def test_regression_and_an_own_metric() -> None:
    random = np.random.default_rng(1)
    X = random.normal(size=(60, 30))
    table = pl.DataFrame({f"x{at}": X[:, at] for at in range(30)}).with_columns(
        pl.Series("y", X[:, 0] + random.normal(size=60)))
    result = wf.fit(table, target="y", models="linear", jobs=1, folds=3)
    said = {each.rule: each for each in result.advice(seen=table)}
    assert "ridge" in said["a penalty"].do and "rows a feature" in said["a penalty"].because

    def worst(truth: np.ndarray, answer: np.ndarray) -> float:
        return float(np.abs(truth - answer).max())

    own = wf.fit(table, target="y", models="ridge, linear", metric=worst, jobs=1, folds=3)
    assert own.advice(seen=table) is not None


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                 capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    table = rows()
    table.write_csv("rows.csv")
    wf.fit(table, target="y", positive="yes", models="knn", jobs=1, folds=3).save("m.wf")
    assert run("advise m.wf --seen rows.csv --held-out rows.csv --by sex --json") == 0
    told = json.loads(capsys.readouterr().out)
    assert {"few rows", "other families"} <= {each["rule"] for each in told["advice"]}
    assert told["wanting"] and "audit" not in " ".join(told["wanting"])
    assert run("advise m.wf") == 0
    assert "1. " in capsys.readouterr().out
    assert run("advise m.wf --by sex") == 2 and "go together" in capsys.readouterr().err


def run(words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(words.split(" "))
    return int(ended.value.code or 0)
