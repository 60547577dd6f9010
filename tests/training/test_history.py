"""History: what is noted of a run, what a file may hold, and the order that follows from it."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import cli, data, models
from wholefit.base import tasks
from wholefit.base.errors import DataError, ParameterError
from wholefit.training.history import History, Meta, Past, Tried, of, warmed

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
TASK = tasks.get("classification")
HERE = Meta(1000, 10, 1.0, 0.0, 0.0, 0.0, 2, 1.0)
FAR = Meta(2_000_000, 3, 0.0, 0.0, 1.0, 0.4, 0, 0.3)


def past(meta: Meta, tried: list[tuple[str, float]], number: int = 1,
         task: str = "classification") -> Past:
    made = [models.make(name) for name, _ in tried]
    return Past(number, "2026-01-01", task, "log_loss", meta, "", 1.0, "", made[0].name, tuple(
        Tried(model.name, model.name, model.to_dict(), -gain, gain, 1.0)
        for model, (_, gain) in zip(made, tried, strict=True)))


def order(*names: str) -> list[models.Model]:
    return [models.make(name) for name in names]


def names(found: tuple[models.Model, ...]) -> list[str]:
    return [model.name for model in found]


def table(n: int = 120) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    return pl.DataFrame({"x": x, "secret_column": rng.choice(["u", "v"], n),
                         "y": (x + rng.normal(size=n) / 3 > 0).astype(int)})


def test_without_a_past_the_order_stays() -> None:
    asked = order("dummy", "logistic", "decision_tree", "svc")
    assert warmed(asked, HERE, [], TASK) == tuple(asked)
    other = past(HERE, [("decision_tree", 1.0)], task="regression")
    assert warmed(asked, HERE, [other], TASK) == tuple(asked)


def test_what_did_well_on_a_table_like_this_comes_first() -> None:
    asked = order("dummy", "logistic", "decision_tree", "svc")
    near = past(HERE, [("svc", 1.0), ("decision_tree", 0.2), ("logistic", -0.5)])
    # means with a prior of 0.75, 0.375 and 0, by hand: 0.75, 0.24 and -0.19
    assert names(warmed(asked, HERE, [near] * 3, TASK)) == [
        "dummy", "svc", "decision_tree", "logistic"]
    # 0.125 of logistic, 0.64 of the tree, and 0 of svc, of which nothing is known
    once = past(HERE, [("decision_tree", 0.9), ("logistic", -0.5)])
    assert names(warmed(asked, HERE, [once], TASK)) == ["dummy", "decision_tree", "logistic", "svc"]


def test_a_table_far_away_changes_nothing() -> None:
    asked = order("dummy", "logistic", "decision_tree", "svc")
    far = past(FAR, [("svc", 1.0), ("logistic", -1.0)])
    assert warmed(asked, HERE, [far], TASK) == tuple(asked)


def test_a_winner_that_is_not_in_the_portfolio_is_put_in_where_asked() -> None:
    asked = order("dummy", "logistic", "decision_tree")
    near = past(HERE, [("svc(C=3.0)", 1.0), ("logistic", 0.2)])
    assert "svc" in names(warmed(asked, HERE, [near], TASK))
    assert "svc" not in names(warmed(asked, HERE, [near], TASK, more=False))
    assert [m.to_dict()["C"] for m in warmed(asked, HERE, [near], TASK) if m.name == "svc"] == [3.0]
    odd = Past(1, "", "classification", "m", HERE, "", 1.0, "", "gone", (
        Tried("gone", "no_such_model", {"a": 1}, 1.0, 1.0, 1.0),
        Tried("ridge", "ridge", {}, 1.0, 1.0, 1.0),
        Tried("svc", "svc", {"C": "much"}, 1.0, 1.0, 1.0)))
    assert names(warmed(asked, HERE, [odd], TASK)) == names(tuple(asked))


def test_distance_is_a_distance() -> None:
    more = Meta(10_000, 10, 1.0, 0.0, 0.0, 0.0, 2, 1.0)
    assert HERE.apart(HERE) == 0 and HERE.apart(more) == more.apart(HERE) == pytest.approx(
        np.log10(10_001 / 1001))
    assert HERE.apart(FAR) > 3


def test_meta_features_of_a_table() -> None:
    dataset = data.load(table().with_columns(
        x=pl.when(pl.arange(0, 120) < 12).then(None).otherwise(pl.col("x"))), target="y")
    found = of(dataset, np.array([0] * 90 + [1] * 30), 2)
    assert (found.rows, found.columns, found.classes) == (120, 2, 2)
    assert found.missing == pytest.approx(0.05)
    assert found.even == pytest.approx(-(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25)))
    assert found.numeric + found.categorical == 1
    assert Meta.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_fits_note_themselves_and_tell_no_cell(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    for seed in (0, 1):
        wf.fit(table(), target="y", models="logistic, decision_tree(max_depth=2)", folds=3, jobs=1,
               checks=False, seed=seed, history=path)
    found = wf.history(path)
    assert len(found) == 2 and found.runs[0].number == 2
    run = found.runs[0]
    assert run.tried[0].gain == 1.0 and {each.model for each in run.tried} == {
        "logistic", "decision_tree", "dummy"}
    assert next(t for t in run.tried if t.model == "dummy").gain == 0.0
    assert next(t for t in run.tried if t.model == "decision_tree").params["max_depth"] == 2
    assert b"secret_column" not in path.read_bytes()
    assert "won: " in str(found) and len(wf.history(path, task="regression")) == 0
    assert len(wf.history(path, forget=True)) == 0 == len(wf.history(path))


def test_nothing_is_kept_unless_a_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WHOLEFIT_HISTORY", raising=False)
    words = {"target": "y", "models": "dummy", "folds": 2, "jobs": 1, "checks": False}
    wf.fit(table(), **words)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ParameterError, match="WHOLEFIT_HISTORY"):
        wf.history()
    monkeypatch.setenv("WHOLEFIT_HISTORY", str(tmp_path / "mine.db"))
    wf.fit(table(), **words)
    assert len(wf.history()) == 1


def test_a_warm_start_tries_the_winner_first(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    frame = table()
    dataset = data.load(frame, target="y")
    like = of(dataset, dataset.numeric("y").astype(int), 2)
    cold = wf.fit(frame, target="y", folds=2, jobs=1, checks=False)
    tried = [step["model"] for step in cold.lineage["schedule"]]
    forest = next(entry for entry in cold._facts.entries if entry.model == "random_forest")
    won = Tried("random_forest", "random_forest", forest.params, 0.1, 1.0, 1.0)
    with History(path) as kept:
        line = kept._line
        for number in range(1, 5):
            line.execute("INSERT INTO runs VALUES (?, 'x', 'classification', 'log_loss', ?, '', "
                         "1.0, '', 'random_forest')", (number, json.dumps(like.to_json())))
            line.execute("INSERT INTO tried VALUES (?, 0, ?, ?, ?, 0.1, 1.0, 1.0)",
                         (number, won.label, won.model, json.dumps(won.params)))
    warm = wf.fit(frame, target="y", folds=2, jobs=1, checks=False, history=path)
    again = [step["model"] for step in warm.lineage["schedule"]]
    assert tried.index("random_forest") > 1 and again.index("random_forest") == 1
    assert sorted(tried) == sorted(again) and again[0] == "dummy"


@pytest.mark.parametrize("kind", ["text", "foreign", "newer", "meta", "params", "cut", "nan"])
def test_a_foreign_or_damaged_file_is_one_clear_error(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "runs.db"
    if kind == "text":
        path.write_text("no database\n" * 200)
    elif kind == "foreign":
        with sqlite3.connect(path) as line:
            line.execute("CREATE TABLE t (a)")
    else:
        wf.fit(table(), target="y", models="dummy", folds=2, jobs=1, checks=False, history=path)
        _spoil(path, kind)
    with pytest.raises(DataError, match=r"runs\.db"):
        wf.history(path)
    with pytest.raises(DataError):
        wf.fit(table(), target="y", models="dummy", history=path)


def _spoil(path: Path, kind: str) -> None:
    change = {"newer": "PRAGMA user_version = 99", "meta": "UPDATE runs SET meta = '[1'",
              "params": "UPDATE tried SET params = '[1]'",
              "nan": "UPDATE runs SET meta = replace(meta, '120', '-7')"}
    if kind == "cut":
        whole = path.read_bytes()
        path.write_bytes(whole[:len(whole) // 2])
        return
    with sqlite3.connect(path) as line:
        line.execute(change[kind])


def test_several_may_write_at_once(tmp_path: Path) -> None:
    run = wf.fit(table(), target="y", models="dummy", folds=2, jobs=1, checks=False)._run
    failed: list[Exception] = []

    def note() -> None:
        try:
            with History(tmp_path / "runs.db") as kept:
                for _ in range(5):
                    kept.add(HERE, run)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=note) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failed and len(wf.history(tmp_path / "runs.db")) == 20


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                     capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    table().write_csv("t.csv")

    def run(*argv: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(argv))
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    fitted = run("fit", "t.csv", "--target", "y", "--models", "dummy, logistic", "--folds", "2",
                 "--jobs", "1", "--history", "runs.db")
    assert fitted[0] == 0, fitted[2]
    code, out, _ = run("history", "runs.db")
    assert code == 0 and "logistic" in out and "1 run" in out
    assert json.loads(run("history", "runs.db", "--json")[1])["runs"][0]["meta"]["rows"] == 120
    assert run("history", "t.csv")[0] == 1 and run("history", "none.db")[0] == 1
    assert "holds no runs" in run("history", "runs.db", "--forget")[1]
