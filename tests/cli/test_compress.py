"""compress and bench: tables for people, JSON for machines, files beside each other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import wholefit as wf

from .conftest import Done

Ask = Callable[..., Done]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from wholefit.data import bundled

    rows = wf.read(bundled.path("telco_churn")).frame[:600]
    folder = tmp_path_factory.mktemp("compress")
    rows.write_csv(folder / "rows.csv")
    result = wf.fit(rows, target="churn", jobs=1, choose="best", checks=False,
                    models="random_forest(n_estimators=12, min_samples_leaf=5)")
    return result.save(folder / "m.wf")


def test_ways_side_by_side_and_saved(run: Ask, model: Path, tmp_path: Path) -> None:
    rows = model.with_name("rows.csv")
    done = run("compress", model, rows, "--to", "float16,fewer", "--jobs", "1", "--out",
               tmp_path / "s.wf")
    assert done.code == 0, done.err
    assert "as it was: random_forest" in done.out and "has learnt from them" in done.out
    assert "fewer: 50% of the trees" in done.out
    for word in ("float16", "fewer"):
        path = tmp_path / f"s-{word}.wf"
        assert f"saved {path}" in done.out and word in wf.load(path).model
    again = run("compress", model, rows, "--to", "float16,fewer", "--out", tmp_path / "s.wf")
    assert again.code == 1 and "--force" in again.err


def test_json(run: Ask, model: Path) -> None:
    done = run("compress", model, model.with_name("rows.csv"), "--json", "--jobs", "1", "--trees",
               "0.25")
    found = json.loads(done.out)
    assert {row["way"] for row in found["ways"]} == {"float32", "float16", "fewer", "shallow"}
    assert found["before"]["weights"] > min(row["weights"] for row in found["ways"])
    assert found["saved"] == []


@pytest.mark.parametrize(("words", "said"), [
    (("--to", "int8"), "int8 is not for random_forest"), (("--to", "fwer"), "'fewer'"),
    (("--trees", "2"), "trees must be > 0 and < 1"), (("--to", ","), "name a way")])
def test_what_cannot_be_is_a_sentence(
    run: Ask, model: Path, words: tuple[str, ...], said: str
) -> None:
    done = run("compress", model, model.with_name("rows.csv"), *words)
    assert done.code == 1 and said in done.err and "Traceback" not in done.err


def test_bench(run: Ask, model: Path) -> None:
    rows = model.with_name("rows.csv")
    done = run("bench", model, rows, "--to", "quick", "--seconds", "0.05", "--batch", "50")
    assert done.code == 0, done.err
    assert "rows/s by 50" in done.out and "quick" in done.out
    wrong = run("bench", model, rows, "--to", "quik")
    assert wrong.code == 1 and "'quick'" in wrong.err


def test_a_model_without_a_target_is_not_compressed(run: Ask, tmp_path: Path) -> None:
    from wholefit.data import bundled

    rows = wf.read(bundled.path("telco_churn")).frame[:200].drop("churn")
    rows.write_csv(tmp_path / "rows.csv")
    clusters = wf.fit(rows, task="clustering", models="kmeans(clusters=2)", jobs=1)
    clusters.save(tmp_path / "c.wf")
    for word in ("compress", "bench"):
        done = run(word, tmp_path / "c.wf", tmp_path / "rows.csv")
        assert done.code == 1 and "no target" in done.err, done.err
    done = run("eject", tmp_path / "c.wf")
    assert done.code == 1 and "without a target" in done.err, done.err


def test_what_would_be_overwritten_is_told_before_the_work(run: Ask, model: Path) -> None:
    rows, taken = model.with_name("rows.csv"), model.with_name("small-fewer.wf")
    taken.write_text("mine")
    for ways in ("all", "fewer,float16"):
        done = run("compress", model, rows, "--to", ways, "--out", model.with_name("small.wf"))
        assert done.code == 1 and "small-fewer.wf exists" in done.err, done.err
    taken.unlink()
    for words in (["--to", "fewer,float16", "--out", "."], ["--to", "a/b,fewer", "--jobs", "1"],
                  ["--jobs", "0"]):
        done = run("compress", model, rows, *words)
        assert done.code == 1 and "Traceback" not in done.err, done.err
