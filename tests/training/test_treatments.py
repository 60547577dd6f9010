"""Treatments compared: paired, corrected, honest where nothing helps; as text, JSON, a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.api.treating import Treatments
from wholefit.base.errors import ArtifactError, DataError, ParameterError, UnknownNameError
from wholefit.cli import main
from wholefit.evaluation.two_sample import adjusted

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")

WORDS = "none, weights, smote, threshold"


def rare(n: int = 1200, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    y = rng.random(n) < 1 / (1 + np.exp(-(1.5 * x[:, 0] + x[:, 1] - 3.2)))
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2],
                         "y": np.where(y, "yes", "no")})


@pytest.fixture(scope="module")
def found() -> Treatments:
    return wf.treatments(rare(), target="y", models="logistic", treatments=WORDS, jobs=1)


def test_the_rows_and_their_order(found: Treatments) -> None:
    assert [row.treatment for row in found.rows] == ["none", "weights", "smote", "threshold"]
    none, threshold = found.row("logistic", "none"), found.row("logistic", "threshold")
    assert not none.differences and set(threshold.differences) == set(found.metrics)
    for name in ("average_precision", "log_loss", "brier"):
        assert threshold.scores[name] == none.scores[name], "a threshold orders nothing anew"
        assert threshold.differences[name].value == 0
    moved = "cost, threshold moved"
    assert threshold.scores["expected_cost"].value == none.scores[moved].value
    with pytest.raises(DataError, match="logistic/smote"):
        found.row("logistic", "magic")


def test_untreated_is_what_a_plain_fit_gives(found: Treatments) -> None:
    plain = wf.fit(rare(), target="y", models="logistic", jobs=1, choose="best")
    none = found.row("logistic", "none")
    for name in ("average_precision", "log_loss", "brier"):
        assert none.scores[name] == plain.scores[name]
    smote = wf.fit(rare(), target="y", models="logistic", jobs=1, choose="best", balance="smote")
    entry = next(entry for entry in smote.leaderboard if entry.model == "logistic")
    assert found.row("logistic", "smote").scores["log_loss"] == entry.scores["log_loss"]


def test_doing_nothing_is_tied_where_it_is(found: Treatments) -> None:
    """A logistic world needs no treatment: its order cannot be bettered."""
    said = " ".join(found.verdicts)
    assert "average precision" in said and "doing nothing is tied for best" in said
    assert "needs no treatment" in said and "--threshold f1" in said
    assert "expected_cost" in found.row("logistic", "threshold").better
    assert "expected_cost" in found.row("logistic", "weights").better


def test_a_treatment_that_helps_is_said_to() -> None:
    """A model too strictly penalised to rank is one that more rows of the class do help."""
    rng = np.random.default_rng(0)
    n = 1500
    y = rng.random(n) < 0.03
    frame = pl.DataFrame({"a": rng.normal(size=n) + 2.5 * y, "b": rng.normal(size=n),
                          "y": np.where(y, "yes", "no")})
    found = wf.treatments(frame, target="y", models="decision_tree(min_samples_leaf=60)",
                          treatments="none, over(inner=0), threshold", jobs=1)
    row = found.row("decision_tree", "over(inner=0)")
    assert "average_precision" in row.better
    assert "over(inner=0) is better than doing nothing" in " ".join(found.verdicts)


def test_p_values_are_corrected_over_the_table(found: Treatments) -> None:
    for name in found.metrics:
        rows = [row for row in found.rows if row.differences]
        expected = adjusted([row.differences[name].p for row in rows], "holm")
        assert np.allclose([row.adjusted[name] for row in rows], expected, equal_nan=True)
        for row in rows:
            assert row.adjusted[name] >= row.differences[name].p - 1e-15
            assert (name in (*row.better, *row.worse)) == (row.adjusted[name] < 0.05)


def test_a_balanced_forest_stands_beside_a_forest() -> None:
    found = wf.treatments(rare(600), target="y", models="random_forest(n_estimators=10)",
                          treatments="none, balanced_forest, threshold", jobs=1, folds=3)
    assert [row.treatment for row in found.rows] == ["none", "balanced_forest", "threshold"]
    both = wf.treatments(rare(600), target="y", models="logistic",
                         treatments="balanced_forest", jobs=1, folds=3)
    assert [(row.model, row.treatment) for row in both.rows] == [
        ("logistic", "none"), ("random_forest", "none"), ("random_forest", "balanced_forest")]


def test_many_classes_groups_and_stated_costs() -> None:
    rng = np.random.default_rng(0)
    y = rng.choice(["a", "b", "c"], 500, p=[0.8, 0.15, 0.05])
    x = rng.normal(size=500) + 1.5 * (y == "b") + 3 * (y == "c")
    frame = pl.DataFrame({"x": x, "g": np.arange(500) // 3, "y": y})
    found = wf.treatments(frame, target="y", models="logistic", groups="g",
                          treatments="none, weights, threshold", costs={"c": 30}, jobs=1)
    assert all(not row.reason for row in found.rows)
    assert "as stated" in " ".join(found.notes())


def test_what_fails_is_told_in_its_row() -> None:
    found = wf.treatments(rare(300), target="y", models="knn",
                          treatments="none, weights, over", jobs=1, folds=2)
    weights = found.row("knn", "weights")
    assert "takes no weights" in weights.reason and not weights.scores
    assert found.row("knn", "over").scores
    assert "takes no weights" in found.to_text()
    with pytest.raises(DataError, match="did not fit the budget"):
        wf.treatments(rare(300), target="y", models="logistic", jobs=1, budget="0.001s")


@pytest.mark.parametrize(("words", "error"), [
    ({"treatments": "smoote"}, UnknownNameError), ({"treatments": "smote(5)"}, ParameterError),
    ({"precision": 0}, ParameterError), ({"folds": 1}, ParameterError),
    ({"costs": "x"}, ParameterError), ({"models": "ridge"}, ParameterError),
    ({"target": "a"}, DataError), ({"models": "logistik"}, UnknownNameError),
    ({"delimitr": ";"}, UnknownNameError),
])
def test_words_that_are_refused(words: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        wf.treatments(rare(100), **{"target": "y", "jobs": 1, **words})


def test_as_json_and_as_a_page(found: Treatments, tmp_path: Path) -> None:
    stored = json.loads(json.dumps(found.to_json()))
    assert stored["rows"][1]["differences"]["log_loss"]["adjusted"] <= 1
    path = found.report(tmp_path / "t.html")
    page = path.read_text()
    assert page.count("<polyline") == 3, "one curve a treatment that orders anew, and none"
    for word in ("Against doing nothing", "smote", "the dashed", "tied for best"):
        assert word in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert "<script" not in page
    with pytest.raises(ArtifactError, match="--force"):
        found.report(path)


def test_odd_names_do_no_harm(tmp_path: Path) -> None:
    frame = rare(300).rename({"a": "<b>*", "b": "^a.*$", "y": "<script>"}).with_columns(
        pl.col("<script>").replace_strict({"yes": "<i>&", "no": "é\u202e"}))
    found = wf.treatments(frame, target="<script>", models="logistic", treatments="none, over",
                          jobs=1, folds=2)
    page = found.report(tmp_path / "t.html").read_text()
    assert "<script>" not in page and "<i>" not in page and "\u202e" not in page


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(tmp_path)
    rare(400).write_csv("rare.csv")

    def run(*argv: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(argv))
        out = capsys.readouterr()
        return int(ended.value.code or 0), out.out, out.err

    return run


def test_the_command(command: Callable[..., tuple[int, str, str]]) -> None:
    cheap = ["--models", "logistic", "--treat", "none, weights", "--jobs", "1", "--folds", "2"]
    code, out, err = command("treatments", "rare.csv", "--target", "y", *cheap,
                             "--report", "t.html")
    assert code == 0, err
    assert "doing nothing" in out and "saved t.html" in out and err == ""
    assert Path("t.html").exists()
    code, out, _ = command("treatments", "rare.csv", "--target", "y", *cheap, "--json")
    assert code == 0 and json.loads(out)["rows"][0]["treatment"] == "none"
    for bad in (["--treat", "nothing"], ["--costs", "nowhere.toml"], ["--precision", "2"],
                ["--target", "z"]):
        code, _, err = command("treatments", "rare.csv", "--target", "y", *bad)
        assert code == 1 and err.strip().splitlines()[-1].startswith("error: ")


def test_the_words_of_fit_on_the_command_line(
    command: Callable[..., tuple[int, str, str]]
) -> None:
    Path("costs.toml").write_text("[yes]\nno = 20\n")
    cheap = ["--models", "logistic", "--jobs", "1", "--choose", "best", "--force"]
    code, out, err = command("fit", "rare.csv", "--target", "y", *cheap, "--balance", "over",
                             "--costs", "costs.toml")
    assert code == 0, err
    assert "'yes' is predicted from a probability of 0.04762 on" in out
    code, out, err = command("fit", "rare.csv", "--target", "y", *cheap, "--threshold",
                             "recall>=0.8", "--json")
    assert code == 0, err
    assert json.loads(out)["decision"]["asked"] == "recall>=0.8"
    code, out, err = command("predict", "rare.wf", "rare.csv")
    assert code == 0 and "prediction" in out
    code, _, err = command("fit", "rare.csv", "--target", "y", *cheap, "--threshold", "much")
    assert code == 1 and "threshold" in err.strip().splitlines()[-1]


def test_the_rarest_class_is_positive_unless_another_is_named() -> None:
    frame = rare(400).with_columns(pl.col("y").replace_strict({"yes": "bad", "no": "good"}))
    words = {"target": "y", "models": "dummy", "treatments": "none", "jobs": 1, "folds": 2}
    assert "'bad' is positive" in " ".join(wf.treatments(frame, **words).notes())
    named = wf.treatments(frame, positive="good", **words)
    assert "'good' is positive" in " ".join(named.notes())


def test_where_nothing_can_be_fitted_it_is_said() -> None:
    frame = rare(60).with_columns(y=pl.Series(["yes", *["no"] * 59]))
    with pytest.raises(DataError, match="no model could be compared; logistic: "):
        wf.treatments(frame, target="y", models="logistic", jobs=1)
