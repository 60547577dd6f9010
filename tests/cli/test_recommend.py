"""`wholefit recommend` and `similar`: lists on the terminal, as JSON, and in files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import cli

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    user = random.integers(0, 30, 700)
    item = random.integers(0, 12, 700) * 2 + (user + (random.random(700) < 0.2)) % 2
    rows = pl.DataFrame({"who": [f"u{u}" for u in user], "what": [f"thing {i}" for i in item]})
    folder = tmp_path_factory.mktemp("recommend")
    rows.write_csv(folder / "uses.csv")
    wf.fit(rows, task="recommendation", user="who", item="what", models="ease",
           k=4).save(folder / "m.wf")
    return folder


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(word) for word in argv])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


def test_a_fit_and_a_list_from_the_command_line(
        place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "fit", place / "uses.csv", "--task", "recommendation", "--user",
                         "who", "--item", "what", "--models", "item_knn", "--set", "k=3", "--out",
                         place / "cli.wf", "--seed", 5)
    assert code == 0, err
    assert "Lists of 3 are made by" in out and "ndcg@3" in out
    code, out, _ = run(capsys, "recommend", place / "cli.wf", "--user", "u1")
    assert code == 0 and len(out.splitlines()) == 4
    assert out.split()[:4] == ["who", "rank", "what", "score"]


def test_lists_as_json_and_in_a_file(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "recommend", place / "m.wf", "--user", "u1", "--user", "nobody",
                         "-k", 2, "--json")
    found = json.loads(out)
    assert code == 0 and [row["who"] for row in found] == ["u1", "u1", "nobody", "nobody"]
    assert "not met in training" in err
    (place / "some.csv").write_text("who\nu2\nu3\n")
    code, out, _ = run(capsys, "recommend", place / "m.wf", "--users", place / "some.csv", "--out",
                       place / "some.parquet")
    assert code == 0 and pl.read_parquet(place / "some.parquet").height == 8
    code, out, _ = run(capsys, "recommend", place / "m.wf", "--all", "--out", place / "all.csv",
                       "-k", 3)
    assert code == 0 and "90 rows written" in out
    assert pl.read_csv(place / "all.csv")["who"].n_unique() == 30


def test_a_new_user_names_what_he_likes(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "recommend", place / "m.wf", "--like", "thing 0", "--like",
                       "thing 2", "--json", "-k", 4)
    assert code == 0 and sum(int(row["what"].split()[1]) % 2 == 0 for row in json.loads(out)) >= 3
    code, out, _ = run(capsys, "similar", place / "m.wf", "--item", "thing 0", "-k", 3, "--json")
    assert code == 0 and len(json.loads(out)) == 3


@pytest.mark.parametrize(("words", "code", "said"), [
    (["recommend", "m.wf"], 2, "for whom"),
    (["recommend", "m.wf", "--user", "u1", "--all"], 2, "for whom"),
    (["recommend", "m.wf", "--all"], 2, "--out"),
    (["recommend", "m.wf", "--all", "--out", "x.xlsx"], 1, ".csv"),
    (["recommend", "m.wf", "--user", "u1", "-k", "0"], 2, "greater than or equal to 1"),
    (["recommend", "nope.wf", "--user", "u1"], 1, "nope.wf"),
    (["recommend", "m.wf", "--users", "nope.csv"], 1, "nope.csv"),
    (["recommend", "m.wf", "--users", "uses.csv", "--json", "--out", "x.csv"], 2, "--json"),
    (["recommend", "m.wf", "--like", "zzz"], 1, "no item 'zzz'"),
    (["similar", "m.wf", "--item", "thing 99"], 1, "did you mean"),
])
def test_what_is_wrong_is_said_in_a_sentence(
        place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
        words: list[str], code: int, said: str) -> None:
    monkeypatch.chdir(place)
    found, out, err = run(capsys, *words)
    assert found == code and said in " ".join(err.split()) and "Traceback" not in out + err


def test_another_kind_of_model_recommends_nothing(
        place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {"x": list(range(40)), "y": [float(x % 7) for x in range(40)]}
    wf.fit(rows, target="y", models="ridge", folds=2).save(place / "ridge.wf")
    for words in (["recommend", place / "ridge.wf", "--user", "1"],
                  ["similar", place / "ridge.wf", "--item", "1"]):
        code, _, err = run(capsys, *words)
        assert code == 1 and "regression" in err


def test_predict_evaluate_show_and_report_know_it(
        place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "ask.csv").write_text("who\nu2\nu3\n")
    code, out, _ = run(capsys, "predict", place / "m.wf", place / "ask.csv")
    assert code == 0 and len(out.splitlines()) == 9
    (place / "pairs.csv").write_text("who,what\nu2,thing 1\nu3,thing 4\n")
    code, out, _ = run(capsys, "predict", place / "m.wf", place / "pairs.csv")
    assert code == 0 and out.splitlines()[0] == "who,what,prediction"
    held = pl.DataFrame({"who": ["u1"] * 24, "what": [f"thing {i}" for i in range(24)]})
    held.write_csv(place / "held.csv")
    code, out, err = run(capsys, "evaluate", place / "m.wf", place / "held.csv")
    assert code == 0 and "ndcg@4" in out, err
    code, out, _ = run(capsys, "show", place / "m.wf")
    assert code == 0 and "Lists of 4" in out
    code, _, _ = run(capsys, "report", place / "m.wf", "--out", place / "page.html")
    assert code == 0 and (place / "page.html").exists()
