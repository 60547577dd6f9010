"""`wholefit fit --task association`, `rules`, `predict` and `evaluate` of baskets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wholefit import cli

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    X = random.random((600, 5)) < 0.35
    X[:, 1] |= X[:, 0] & (random.random(600) < 0.6)
    order, good = np.nonzero(X)
    folder = tmp_path_factory.mktemp("rules")
    pl.DataFrame({"order": order, "good": [("BREAD", "butter", "jam", "tea", "salt")[at]
                                           for at in good]}).write_csv(folder / "lines.csv")
    with pytest.raises(SystemExit) as ended:
        cli.main(["fit", str(folder / "lines.csv"), "--task", "association", "--basket", "order",
                  "--item", "good", "--set", "confidence=0.2", "--out", str(folder / "m.wf"),
                  "--report", str(folder / "m.html")])
    assert not ended.value.code
    return folder


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(word) for word in argv])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


def test_rules_are_listed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "rules", place / "m.wf", "--about", "bread", "--min-lift", "1.1")
    assert code == 0, err
    assert "BREAD -> butter" in out and "confidence" in out.splitlines()[0]
    assert run(capsys, "rules", place / "m.wf", "--min", "lift=50")[1].strip() == "no rule fits."


def test_rules_for_machines_and_in_files(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "rules", place / "m.wf", "--json")
    rules = json.loads(out)
    assert code == 0 and {"BREAD"} <= {rule["antecedent"] for rule in rules}
    code, out, _ = run(capsys, "rules", place / "m.wf", "--out", place / "rules.csv", "--force")
    assert code == 0 and f"{len(rules)} rules written" in out
    assert pl.read_csv(place / "rules.csv").height == len(rules)


@pytest.mark.parametrize(("words", "said"), [
    (("--about", "bred"), "did you mean 'BREAD'"), (("--min", "lft=2"), "did you mean 'min_lift'"),
    (("--min", "lift"), "NAME=VALUE"), (("--json", "--out", "x.csv"), "say one of them"),
])
def test_wrong_words(place: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...],
                     said: str) -> None:
    code, _, err = run(capsys, "rules", place / "m.wf", *words)
    assert code != 0 and said in err and "Traceback" not in err


def test_predict_and_evaluate(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "predict", place / "m.wf", place / "lines.csv", "--out",
                       place / "more.csv", "--force")
    assert code == 0, err
    assert pl.read_csv(place / "more.csv").columns == ["basket", "rank", "item", "chance",
                                                       "why"]
    code, out, err = run(capsys, "evaluate", place / "m.wf", place / "lines.csv", "--json")
    assert code == 0, err
    assert json.loads(out)["lift"]["value"] > 1
    code, out, _ = run(capsys, "show", place / "m.wf")
    assert code == 0 and "also hold butter" in out
