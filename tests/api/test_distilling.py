"""Distilling real fits: in Python, from a file, on the command line; hostile input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import cli
from wholefit.base.errors import DataError, UnknownNameError
from wholefit.data import bundled

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


@pytest.fixture(scope="module")
def churn() -> pl.DataFrame:
    frame = wf.read(bundled.path("telco_churn")).frame
    return frame.sample(1100, shuffle=True, seed=1)


@pytest.fixture(scope="module")
def teacher(churn: pl.DataFrame) -> wf.Result:
    result: wf.Result = wf.fit(churn[:600], target="churn", checks=False, jobs=1, folds=3,
                               models="random_forest(n_estimators=20)", choose="best")
    return result


def test_all_three_beside_the_teacher(
    teacher: wf.Result, churn: pl.DataFrame, tmp_path: Path
) -> None:
    train, test = churn[:600], churn[600:]
    found = teacher.distil(train, to="all", rounds=20, more=200, jobs=1)
    # The teacher fitted again without each fold is what the fit had cross-validated.
    assert found.scores["log_loss"].value == pytest.approx(teacher.score.value, abs=1e-12)
    assert "fitted again without it" in found.judged
    _, rows = found.table()
    assert [row[0] for row in rows] == ["teacher: random_forest", "tree", "boosted", "linear"]
    for each in found.students:
        student = found[each.word]
        assert student.score.value < 0.6 and each.difference is not None and each.size > 0
        assert each.pace.thousand > 0 and each.agreement > 0.8
        kept = wf.load(student.save(tmp_path / f"{each.word}.wf"))
        assert each.size == pytest.approx((tmp_path / f"{each.word}.wf").stat().st_size, rel=0.02)
        for name in ("p_No", "p_Yes"):
            assert (kept.predict_proba(test)[name] == student.predict_proba(test)[name]).all()
        assert kept.predict_set(test[:5], level=0.9).height == 5, "it is calibrated anew"
        why = kept.explain(test[:2])
        assert len(why) == 2 and kept.inside().to_text()
        assert kept.lineage["distilled"]["teacher"] == "random_forest"
        board = kept.leaderboard.to_dicts()
        assert [entry["model"] for entry in board] == [
            each.word, "random_forest (teacher)", "dummy"]


def test_held_out_rows_judge_both(teacher: wf.Result, churn: pl.DataFrame) -> None:
    test = churn[600:]
    found = teacher.distil(churn[:600], held_out=test, more=0, jobs=1)
    student = found.student
    assert found.scores["log_loss"] == teacher.evaluate(test)["log_loss"]
    assert student.score == student.evaluate(test)["log_loss"]
    apart = wf.compare(student, teacher, test)
    assert found.students[0].difference.value == pytest.approx(apart.value, abs=1e-12)


def test_a_file_knows_the_rows_it_learnt_from(
    teacher: wf.Result, churn: pl.DataFrame, tmp_path: Path
) -> None:
    churn[:600].write_csv(tmp_path / "train.csv")
    fitted = wf.fit(tmp_path / "train.csv", target="churn", checks=False, jobs=1, folds=3,
                    models="decision_tree(max_depth=3)")
    loaded = wf.load(fitted.save(tmp_path / "m.wf"))
    found = loaded.distil(tmp_path / "train.csv", leaves=4, more=0, jobs=1)
    assert "fitted again" in found.judged
    assert found.scores["log_loss"].value == pytest.approx(fitted.score.value, abs=1e-12)
    other = loaded.distil(churn[600:], leaves=4, more=0, jobs=1)
    assert "as long as it has not learnt from these rows" in other.judged


def test_an_ensemble_is_judged_by_its_like_without_a_fold(churn: pl.DataFrame) -> None:
    train = churn[:400]
    result = wf.fit(train, target="churn", checks=False, jobs=1, folds=3, preset="balanced",
                    budget="3 trials", models=None, seed=2)
    assert result._run.lineage["decided"]["whole"]
    found = result.distil(train, leaves=8, more=0, jobs=1)
    assert "fitted again without it" in found.judged
    assert found.scores["log_loss"].value == pytest.approx(result.score.value, abs=0.03)


def test_an_ensemble_of_folds_is_judged_by_them(
    churn: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its members without a fold answer that fold as they did out of fold."""
    from wholefit.training.distil import teachers

    monkeypatch.setattr("wholefit.training.automl._whole.turns", lambda *_, **__: [])
    train = churn[:400]
    result = wf.fit(train, target="churn", checks=False, jobs=1, folds=3, preset="balanced",
                    budget="3 trials", models=None, seed=2)
    if result._fitted.state().kind != "blend":
        pytest.fail("a fit under preset='balanced' answers with a blend")
    parts = teachers.members(result._fitted, 3)
    assert parts is not None and len(parts) == 3
    rows = wf.data.conforming(train, result.schema, None, True)
    fold, own = result._run.held.fold, np.zeros((len(train), 2))
    for number, part in enumerate(parts):
        own[fold == number] = part(rows)[fold == number]
    known = result._run.oof[result._run.chosen.model]
    # out of fold the shares were those that the other folds chose: near, not the same
    assert np.abs(own - known).mean() < 0.05
    found = result.distil(train, leaves=8, more=0, jobs=1)
    assert "fitted without it" in found.judged
    assert found.scores["log_loss"].value == pytest.approx(result.score.value, abs=0.03)


def test_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 3))
    table = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2],
                          "y": x[:, 0] ** 2 + x[:, 1] + rng.normal(size=500) / 5})
    result = wf.fit(table[:300], target="y", models="hist_gradient_boosting(n_estimators=60)",
                    jobs=1, folds=3, checks=False)
    found = result.distil(table[:300], to="all", held_out=table[300:], rounds=60, jobs=1)
    by_word = {each.word: each for each in found.students}
    assert by_word["linear"].difference.better == "b", "a line cannot bend"
    assert by_word["boosted"].agreement > 0.9 > by_word["linear"].agreement
    assert found["tree"].predict_interval(table[300:303], level=0.8).height == 3


def test_without_rows_students_are_taught_on_made_up_ones(
    teacher: wf.Result, churn: pl.DataFrame
) -> None:
    blind = teacher.distil(leaves=8, jobs=1)
    assert "Nothing was judged" in blind.judged and blind.student.score.n == 0
    assert str(blind.student.score) == "undefined"
    seen = teacher.distil(leaves=8, held_out=churn[600:], jobs=1)
    assert np.isfinite(seen.student.score.value) and seen.rows == 10_000


def test_the_same_twice(teacher: wf.Result, churn: pl.DataFrame) -> None:
    from wholefit.base.state import same

    one, two = (teacher.distil(churn[:150], to="all", rounds=3, more=100, folds=3, seed=3, jobs=1)
                for _ in range(2))
    for word in ("tree", "boosted", "linear"):
        assert same(one[word]._fitted.state(), two[word]._fitted.state())


def test_what_cannot_be_done_is_said(teacher: wf.Result, churn: pl.DataFrame) -> None:
    with pytest.raises(UnknownNameError, match="boosted"):
        teacher.distil(churn, to="bosted")
    with pytest.raises(DataError, match="at least 10"):
        teacher.distil(churn[:1])
    with pytest.raises(DataError):
        teacher.distil(churn[:0])
    with pytest.raises(UnknownNameError):
        teacher.distil(churn, lieves=3)
    strange = churn[:50].with_columns(churn=pl.lit("Perhaps"))
    with pytest.raises(DataError, match="not fitted with"):
        teacher.distil(strange)
    one = churn.filter(pl.col("churn") == "No")[:60]
    assert teacher.distil(one, more=0, leaves=4, jobs=1).students[0].agreement > 0.5
    several = teacher.distil(churn[:80], to="all", rounds=3, more=0, jobs=1)
    with pytest.raises(DataError, match="name one"):
        _ = several.student


def test_the_command(
    teacher: wf.Result, churn: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    teacher.save("m.wf")
    churn[:300].write_csv("rows.csv")
    churn[600:].write_csv("held.csv")

    def run(*argv: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(argv))
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    common = ("--held-out", "held.csv", "--more", "0", "--rounds", "5", "--jobs", "1")
    code, out, err = run("distil", "m.wf", "rows.csv", "--to", "all", "--out", "small.wf", *common)
    assert code == 0, err
    assert "minus the teacher's" in out and "saved small-tree.wf" in out
    assert run("predict", "small-boosted.wf", "held.csv")[1].startswith("prediction")
    code, out, _ = run("distil", "m.wf", "rows.csv", "--leaves", "4", "--json", *common)
    told = json.loads(out)
    assert code == 0 and told["students"][0]["params"]["max_leaf_nodes"] == 4
    code, _, err = run("distil", "m.wf", "rows.csv", "--to", "tre")
    assert code == 1 and "did you mean 'tree'" in err
    code, _, err = run("distil", "m.wf", "rows.csv", "--to", "all", "--out", "small.wf", *common)
    assert code == 1 and "exists" in err
