"""`wholefit registry`, `rollback`, `gate` and `loop`, from add to roll back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import wholefit as wf
from wholefit import cli
from wholefit.data import bundled

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
        models: Path) -> Run:
    monkeypatch.chdir(models)
    monkeypatch.setenv("WHOLEFIT_REGISTRY", str(tmp_path / "reg"))

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(words))
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    rows = wf.read(bundled.path("telco_churn")).frame.sample(fraction=1.0, shuffle=True, seed=1)
    parts = {"train": rows[:1_200], "new": rows[1_200:2_600], "later": rows[2_600:3_400],
             "held": rows[3_400:5_000]}
    for name, part in parts.items():
        part.write_csv(folder / f"{name}.csv")
    for name, part in (("a", parts["train"]), ("b", rows[:2_600])):
        wf.fit(part, target="churn", models="logistic", metric="roc_auc", folds=3, jobs=1,
               checks=False).save(folder / f"{name}.wf")
    return folder


def test_the_registry_by_its_commands(run: Run, tmp_path: Path) -> None:
    assert "is churn version 1" in run("registry", "add", "a.wf", "--name", "churn")[1]
    run("registry", "add", "b.wf", "--name", "churn", "--parent", "1")
    assert run("registry", "promote", "churn", "1", "--why", "first", "--by", "ann")[0] == 0
    assert "1: 0.9, 2: 0.1" in run("registry", "traffic", "churn", "1=90%", "2=0.1")[1]
    run("registry", "promote", "churn", "2")
    told = json.loads(run("registry", "list", "--json")[1])
    assert told == [{"name": "churn", "versions": 2, "served": 2, "traffic": {"2": 1.0},
                     "shadows": []}]
    assert "version 1 is served again" in run("rollback", "churn", "--why", "worse")[1]
    assert run("registry", "shadows", "churn", "2")[1].strip() == "churn: 2"
    assert run("registry", "shadows", "churn", "none")[1].strip() == "churn: no shadows"
    events = json.loads(run("registry", "events", "churn", "--json")[1])
    assert [event["action"] for event in events] == ["add", "add", "promote", "traffic", "promote",
                                                     "rollback", "shadows", "shadows"]
    assert events[2]["by"] == "ann" and events[5]["why"] == "worse"
    assert "ann" in run("registry", "events")[1]
    assert "served" in run("registry", "versions", "churn")[1]
    out = tmp_path / "out.wf"
    assert run("registry", "get", "churn", "2", "--out", str(out))[0] == 0
    assert out.read_bytes() == Path("b.wf").read_bytes()
    assert "all is well" in run("registry", "check")[1]
    assert run("registry", "remove", "churn", "2")[0] == 0
    assert run("registry", "tidy")[0] == 0


def test_mistakes_are_said_in_a_sentence(run: Run, tmp_path: Path) -> None:
    for words, said in (
            (["registry", "list"], "there is no registry"),
            (["registry", "promot"], "did you mean 'promote'"),
            (["rollback", "churn"], "there is no registry"),
            (["loop", "churn"], "there is no registry"),
            (["registry", "add", "train.csv"], "not"),
            (["gate", "a.wf", "b.wf", "no.csv"], "no.csv")):
        code, _, err = run(*words)
        assert code == 1 and said in err and "Traceback" not in err, (words, err)
    run("registry", "add", "a.wf")
    for words, code in ((["registry", "promote", "a"], 2), (["registry", "promote", "a", "one"], 2),
                        (["registry", "traffic", "a", "x"], 2), (["rollback", "a"], 1),
                        (["registry", "promote", "a", "9"], 1), (["loop", "a"], 1)):
        assert run(*words)[0] == code, words
    (tmp_path / "reg" / "files").rename(tmp_path / "reg" / "gone")
    assert run("registry", "check")[0] == 1


def test_the_gate_ends_with_a_code(run: Run) -> None:
    code, out, _ = run("gate", "a.wf", "b.wf", "held.csv", "--latency", "0")
    assert code == 0 and "passes the gate" in out
    code, out, _ = run("gate", "a.wf", "a.wf", "held.csv", "--rule", "better", "--json")
    assert code == 1 and json.loads(out)["passed"] is False
    code, out, _ = run("gate", "none", "a.wf", "held.csv", "--floor", "accuracy >= 0.99")
    assert code == 1 and "REFUSED" in out
    assert run("gate", "none", "a.wf", "held.csv", "--floor", "accuracy > high")[0] == 1


def test_the_loop_from_rows_to_rollback(run: Run, tmp_path: Path) -> None:
    run("registry", "add", "a.wf", "--name", "churn")
    run("registry", "promote", "churn", "1")
    options = ("--set", "gate.latency=none", "--set", "trial.approve=true",
               "--set", "gate.margin_share=0.3")
    code, out, _ = run("loop", "churn", "--data", "train.csv", "--rows", "new.csv", *options)
    assert code == 0 and "passes the gate" in out and "waits for an approval" in out
    told = json.loads(run("loop", "churn", "--status", "--json")[1])
    assert told["served"]["number"] == 1 and told["cycles"][0]["state"] == "approval"
    assert "watched: 0 of 500" in run("loop", "churn", "--approve", *options)[1]
    code, out, _ = run("loop", "churn", "--rows", "later.csv", "--json")
    assert json.loads(out)["cycle"]["state"] in ("kept", "rolled back")
    assert "churn version" in run("loop", "churn", "--status")[1]
    assert run("loop", "churn", "--abandon")[1].strip() == "no cycle is under way"


def test_a_plan_is_printed_and_read(run: Run, tmp_path: Path) -> None:
    run("registry", "add", "a.wf", "--name", "churn")
    run("registry", "promote", "churn", "1")
    code, out, _ = run("loop", "churn", "--show-plan", "--set", "retrain.how=update")
    assert code == 0 and 'how = "update"' in out
    path = tmp_path / "plan.toml"
    path.write_text(out)
    assert run("loop", "churn", "--plan", str(path))[0] == 0
    assert run("loop", "churn", "--set", "gate.rul=better")[0] == 1
    assert run("loop", "churn", "--set", "rule=better")[0] == 2
    assert run("loop", "churn", "--approve", "--abandon")[0] == 2
