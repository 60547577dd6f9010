"""`wholefit fit`: what it prints, what it writes, and what it refuses before any work is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import wholefit as wf

from .conftest import CHEAP, numbers, process, table


@pytest.fixture
def simple(run, tmp_path: Path) -> Path:
    """simple.csv: 60 rows, two numbers and a class that follows one of them."""
    a, b = numbers(60), numbers(60, 1)
    y = ["yes" if value > 0.5 else "no" for value in a]
    return table(tmp_path / "simple.csv", a=a, b=b, y=y)


def test_a_fit_in_a_pipe_says_all_on_stdout_and_nothing_else(room: Path, tmp_path: Path) -> None:
    done = process("fit", str(room / "churn.csv"), "--target", "churn", *CHEAP, cwd=tmp_path)
    assert done.code == 0 and done.err == ""
    assert "\x1b" not in done.out and "\r" not in done.out
    lines = done.out.splitlines()
    assert lines[0] == "churn.csv: 400 rows x 21 columns"
    assert lines[1] == "classification: 'churn' has 2 values"
    assert "models: dummy, logistic" in lines
    assert any(line.startswith("model ") and "log_loss" in line for line in lines)
    assert any(line.startswith("logistic ") and "recommended" in line for line in lines)
    assert lines[-2:] == ["saved churn.wf", "next: wholefit predict churn.wf NEW.csv"]
    assert wf.load(tmp_path / "churn.wf").model == "logistic"
    assert len(lines) == len(set(filter(None, lines))) + lines.count("")  # nothing is said twice


def test_the_next_command_that_is_named_works(room: Path) -> None:
    assert process("predict", "churn.wf", "new.csv", cwd=room).code == 0


def test_json_is_one_strict_object_and_the_only_thing_printed(room: Path, tmp_path: Path) -> None:
    done = process("fit", str(room / "loans.csv"), "--target", "Price", "--models",
                   "dummy, ridge, decision_tree", "--jobs", "1", "--json", cwd=tmp_path)
    assert done.code == 0 and done.err == ""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    found = json.loads(done.out, parse_constant=refuse)
    assert found["task"] == "regression" and found["target"] == "Price"
    assert found["saved"] == "loans.wf" and found["report"] is None
    assert {row["model"] for row in found["leaderboard"]} == {"dummy", "ridge", "decision_tree"}
    low, value, high = (found["score"][name] for name in ("low", "value", "high"))
    assert low < value < high
    loaded = wf.load(tmp_path / "loans.wf")
    assert loaded.score.value == value and loaded.lineage["data_hash"]


def test_interpretable_tries_what_a_person_can_read(run, simple: Path) -> None:
    words = ("fit", str(simple), "--target", "y", "--jobs", "1", "--json")
    found = json.loads(run(*words, "--interpretable").out)
    tried = [row["model"].rstrip("_23") for row in found["leaderboard"]]  # "additive_2" is one too
    assert {"logistic", "rule_list"} <= set(tried)
    assert all(wf.models.get(name).readable for name in tried)
    both = run(*words, "--interpretable", "--preset", "interpretable", "--force")
    assert json.loads(both.out)["model"] == found["model"]
    dark = run(*words, "--interpretable", "--models", "logistic, random_forest", "--force")
    assert dark.code != 0 and "that a person can read; got random_forest: " in dark.err
    other = run(*words, "--interpretable", "--preset", "best", "--force")
    assert other.code != 0 and "got preset='best' too" in other.err


def test_a_size_is_asked_for_by_its_own_word(run, simple: Path) -> None:
    done = run("fit", str(simple), "--target", "y", "--model-size", "5XB")
    assert done.code != 0 and "model_size must be a size above 0" in done.err
    assert "budget" not in done.err


def test_standard_input_is_a_source(room: Path, tmp_path: Path) -> None:
    done = process("fit", "-", "--target", "churn", "--models", "dummy", "--jobs", "1", "--quiet",
                   cwd=tmp_path, stdin=(room / "churn.csv").read_bytes())
    assert done.code == 0 and (tmp_path / "model.wf").exists()
    assert "next:" not in done.out and "rows x" not in done.out and "saved model.wf" in done.out


def test_an_own_model_and_metric_of_the_current_folder(simple: Path) -> None:
    (simple.parent / "mine.py").write_text(
        "from sklearn.linear_model import LogisticRegression\n"
        "class Mine(LogisticRegression): pass\n"
        "def misses(truth, answer):\n    return float((truth != answer).mean())\n"
        "misses.better = 'lower'\n")
    done = process("fit", "simple.csv", "--target", "y", "--models", "mine:Mine(C=2)", "--metric",
                   "mine:misses", "--jobs", "1", "--json", cwd=simple.parent)
    assert "Traceback" not in done.err
    found = json.loads(done.out)
    assert found["metric"] == "misses" and found["model"] in ("Mine", "dummy")
    assert any(row["model"] == "Mine" and row["scores"] for row in found["leaderboard"])


def test_what_cannot_be_saved_is_still_shown(simple: Path) -> None:
    (simple.parent / "stateless.py").write_text(
        "from sklearn.base import BaseEstimator, ClassifierMixin\nimport numpy as np\n"
        "class Sure(ClassifierMixin, BaseEstimator):\n"
        "    def fit(self, X, y):\n        self.classes_ = np.unique(y)\n        return self\n"
        "    def predict_proba(self, X):\n"
        "        one = (X[:, 0] > np.median(X[:, 0])) * 0.8 + 0.1\n"
        "        return np.column_stack([1 - one, one])\n"
        "    def predict(self, X):\n"
        "        return self.classes_[self.predict_proba(X).argmax(1)]\n")
    done = process("fit", "simple.csv", "--target", "y", "--models", "stateless:Sure", "--jobs",
                   "1", "--choose", "best", cwd=simple.parent)
    assert done.code == 1 and "Traceback" not in done.err
    assert "Sure: log_loss" in done.out and "saved" not in done.out
    assert done.err.startswith("error: ") and not (simple.parent / "simple.wf").exists()


def test_without_a_target_the_columns_are_listed_and_one_is_suggested(run, simple) -> None:
    done = run("fit", "simple.csv")
    assert done.code == 1
    assert "--target" in done.last and "'a', 'b', 'y'; perhaps 'y'?" in done.last


def test_a_target_may_be_named_by_its_role(run, simple) -> None:
    assert run("fit", "simple.csv", "--role", "y=target", *CHEAP).code == 0


def test_roles_with_an_equals_sign_in_the_name(run, tmp_path) -> None:
    table(tmp_path / "t.csv", **{"a=b": [1, 2, 3] * 20, "c": numbers(60), "y": [0, 1, 1] * 20})
    done = run("fit", "t.csv", "--target", "y", "--role", "a=b=categorical", *CHEAP)
    assert done.code == 0
    assert wf.load("t.wf").schema.role("a=b") == "categorical"


class TestRefusedBeforeTheWork:
    """Nothing is read, nothing is fitted, nothing is written over."""

    def refused(self, run, *argv: str) -> str:
        done = run("fit", "simple.csv", "--target", "y", *CHEAP, *argv)
        assert done.code == 1 and "models:" not in done.out and "rows x" not in done.out
        assert done.err.startswith("error: ") and len(done.err.splitlines()) == 1
        return done.last

    @pytest.mark.parametrize(("argv", "said"), [
        (["--budget", "0s"], "budget must be positive"),
        (["--budget", "soon"], "such as '60s', '5min'"),
        (["--budget", "5"], "got '5'"),
        (["--budget", ""], "got ''"),
        (["--budget", "20 steps"], "fit keeps budgets of time and memory"),
        (["--memory", "much"], "such as"),
        (["--folds", "1"], "folds must be >= 2; got 1"),
        (["--repeats", "0"], "repeats must be >= 1"),
        (["--jobs", "0"], "jobs must be >= 1; got 0"),
        (["--choose", "bset"], "'recommended', 'best'; got 'bset'"),
        (["--models", ","], "at least one model"),
        (["--models", "logistik"], "did you mean 'logistic'?"),
        (["--models", "logistic(C=-1)"], "Logistic.C must be > 0; got -1"),
        (["--models", "logistic("], "must be written as a name with literal values"),
        (["--models", "logistic(D=1)"], "no parameter of Logistic is named 'D'"),
        (["--models", "nowhere:Model"], "cannot be imported"),
        (["--feature", "imput=mean"], "did you mean 'impute'?"),
        (["--feature", "degree=two"], "degree must be >= 1 and <= 5; got 'two'"),
        (["--out", "no/such/m.wf"], "the folder of no/such/m.wf does not exist"),
        (["--out", "."], "is a folder"),
        (["--out", ".", "--force"], "is a folder"),
        (["--out", "-"], "name it instead of -"),
        (["--out", "simple.csv", "--force"], "the source itself"),
        (["--out", "x.wf", "--report", "x.wf"], "cannot both be written"),
    ])
    def test_options(self, run, simple, argv, said) -> None:
        assert said in self.refused(run, *argv)

    def test_what_exists(self, run, simple) -> None:
        (simple.parent / "simple.wf").write_text("precious")
        assert "--force" in self.refused(run)
        (simple.parent / "r.html").write_text("precious")
        assert "r.html exists" in self.refused(run, "--out", "new.wf", "--report", "r.html")
        assert (simple.parent / "simple.wf").read_text() == "precious"
        assert run("fit", "simple.csv", "--target", "y", *CHEAP, "--force").code == 0
        assert wf.load("simple.wf").target == "y"


@pytest.mark.parametrize(("argv", "said"), [
    (["--target", "z"], "no column is named 'z'"),
    (["--task", "clasification"], "did you mean 'classification'?"),
    (["--task", "regression"], "regression needs numbers; target 'y' holds"),
    (["--models", "ridge"], "ridge does regression, not classification"),
    (["--metric", "acuracy"], "did you mean 'accuracy'?"),
    (["--metric", "nowhere:metric"], "cannot be imported"),
    (["--positive", "maybe"], "no class of 'y' is named 'maybe'"),
    (["--groups", "g"], "no column is named 'g'"),
    (["--weights", "y"], "column 'y' has one role"),
    (["--role", "a=numbr"], "did you mean 'numeric'?"),
    (["--role", "a=target"], "one column can be the target"),
    (["--roles", "none.toml"], "cannot be read"),
    (["--encoding", "utf-99"], "not known to Python"),
    (["--query", "select 1"], "has no query"),
    (["--sheet", "one"], "has no sheet"),
    (["--table", "one"], "has no table"),
    (["--delimiter", ";;"], "one character"),
])
def test_wrong_words_are_refused_before_the_search(run, simple, argv, said) -> None:
    done = run("fit", "simple.csv", "--target", "y", *CHEAP, *argv)
    assert done.code == 1 and said in done.last and "judged by" not in done.out


def test_a_report_is_written_beside_the_model(run, simple) -> None:
    done = run("fit", "simple.csv", "--target", "y", *CHEAP, "--report", "r.html")
    assert done.code == 0 and "saved simple.wf and r.html" in done.out
    assert Path("r.html").read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html")
    done = run("report", "simple.wf")
    assert done.code == 0 and Path("simple.html").exists()
    assert "--force" in run("report", "simple.wf").last


def test_a_network_is_kept_and_its_curves_are_written(room: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    words = ["fit", str(room / "churn.csv"), "--target", "churn", "--models", "mlp(epochs=2)",
             "--jobs", "1", "--folds", "2", "--choose", "best", "--checkpoint", "kept",
             "--tensorboard", "curves", "--force"]
    done = process(*words, cwd=tmp_path)
    assert done.code == 0 and done.err == ""
    for folder in ("kept", "curves"):
        (one,) = (tmp_path / folder).iterdir()
        assert {"fold-1", "fold-2"} <= {each.name for each in one.iterdir()}
    other = process(*words, "--seed", "1", cwd=tmp_path)
    assert other.code == 1 and "take another folder" in other.last


@pytest.mark.parametrize(("more", "said"), [
    (["--checkpoint", "kept"], "models= has none (logistic)"),
    (["--tensorboard", "file.csv", "--models", "mlp"], "must name a folder; got 'file.csv'"),
])
def test_what_no_network_is_taught_by_keeps_nothing(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], said: str,
) -> None:
    pytest.importorskip("tensorboard")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.csv").write_text("a,y\n1,2\n")
    done = run("fit", "file.csv", "--target", "y", "--models", "logistic", *more)
    assert done.code == 1 and said in done.last
    assert [path.name for path in tmp_path.iterdir()] == ["file.csv"]
