"""Ejected scripts: trained and asked by themselves, they answer as the model does."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.artifact import eject
from wholefit.artifact.eject._linked import Part, linked
from wholefit.artifact.eject._pieces import Pieces
from wholefit.base.errors import ExportError, WholefitError

pytestmark = pytest.mark.filterwarnings("ignore")


def table(rows: int = 220) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    x, yes = rng.normal(size=rows), rng.random(rows) < 0.5
    kind = rng.choice(["a", "b", "None", "c d"], rows)
    days = (np.datetime64("2020-01-05") + rng.integers(0, 900, rows)).astype(str)
    good = 2 * x + 2 * (kind == "a") + yes + 0.2 * rng.normal(size=rows)
    text = [f"{word} thing {word}" for word in np.where(good > 1, "fine", "poor")]
    gaps = pl.Series(rng.random(rows) < 0.1)
    frame = pl.DataFrame({"x": x, "yes": yes, "kind": kind, "day": days, "text": text,
                          "label": np.where(good > 0.9, "in", "out"), "size": 30 + 9 * good})
    return frame.with_columns(x=pl.when(gaps).then(None).otherwise(pl.col("x")))


def fit(model: str, target: str, **options: Any) -> Any:
    others = {"label", "size"} - {target}
    return wf.fit(table().drop(*others), target=target, models=[model], folds=2, checks=False,
                  choose="best", roles={"text": "text"}, **options)


@pytest.mark.parametrize(("model", "target", "most"), [
    ("logistic", "label", 1e-9), ("polynomial", "size", 1e-9),
    ("hist_gradient_boosting(n_estimators=9)", "size", 1e-9),
    ("lightgbm(n_estimators=9)", "label", 1e-9), *(
        pytest.param(*case, marks=pytest.mark.slow) for case in (
            ("ridge", "size", 1e-9), ("lasso", "size", 1e-9), ("linear_svm", "label", 1e-5),
            ("xgboost(n_estimators=9)", "label", 1e-6), ("catboost(n_estimators=9)", "label", 1e-9),
            ("multinomial_nb", "label", 1e-9)))])
def test_a_script_comes_to_the_same_model(
    model: str, target: str, most: float, tmp_path: Path
) -> None:
    result = fit(model, target)
    assert result.model in model
    found = result.eject(tmp_path / "m.py", rows=table())
    assert found.rows == 220 and found.agreement == 1 and found.most < most
    text = (tmp_path / "m.py").read_text()
    ast.parse(text)
    assert found.lines == text.count("\n") < 350
    assert "import wholefit" not in text and "@" not in text.split('"""')[2].split("def ")[0]


@pytest.mark.parametrize(("model", "target"), [
    ("mlp(epochs=3, width=8, norm='batch', activation='mish', label_smoothing=0.1)", "label"),
    ("real_mlp(epochs=3, layers=1, width=8, patience=1)", "size"), *(
        pytest.param(*case, marks=pytest.mark.slow) for case in (
            ("mlp(epochs=40, patience=3, scaling='robust')", "label"),
            ("mlp(epochs=30, layers=0, learning_rate=0.05, scaling='standard', weight_decay=0)",
             "size"),
            ("mlp(epochs=3, width=8, norm='layer', patience=None, batch=50)", "size"),
            ("mlp(epochs=15, width=8, learning_rate=0.01, validation=0, dropout=0)", "label"),
            ("real_mlp(epochs=3, width=8, embedding='periodic', dropout=0.0)", "label"),
            ("real_mlp(epochs=3, width=8, embedding='none')", "label"),
            ("tabm(epochs=3, width=8, members=4)", "label"),
            ("tabm(epochs=3, width=8, members=4, embedding='none')", "size")))])
def test_a_network_is_taught_the_same_in_plain_torch(
    model: str, target: str, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    result = fit(model, target)
    assert result.model in model
    found = result.eject(tmp_path / "m.py", rows=table())
    assert found.agreement == 1 and found.most < 1e-9
    text = (tmp_path / "m.py").read_text()
    assert "import wholefit" not in text and "torch.optim.AdamW" in text and found.lines < 560


def test_rounds_found_by_stopping_early_are_the_scripts_own(tmp_path: Path) -> None:
    result = fit("lightgbm(n_estimators=99, learning_rate=0.5, early_stopping=3)", "label")
    found = result.eject(tmp_path / "m.py", rows=table())
    assert found.most < 1e-9
    text = (tmp_path / "m.py").read_text()
    assert "num_boost_round=" in text and "num_boost_round=99" not in text


ROWS = table().drop("size")


def blended(*models: str) -> Any:
    return wf.fit(ROWS, target="label", models=list(models), folds=2, jobs=1,
                  checks=False, preset="balanced", budget=f"{len(models)} trials", choose="best",
                  roles={"text": "text"})


def of_folds(monkeypatch: pytest.MonkeyPatch, *models: str) -> Any:
    """A blend whose members are left to the models of their folds."""
    monkeypatch.setattr("wholefit.training.automl._whole.turns", lambda *_, **__: [])
    return blended(*models)


@pytest.mark.parametrize("folded", [True, False])
@pytest.mark.parametrize("models", [
    ("logistic", "lightgbm(n_estimators=99, learning_rate=0.5, early_stopping=3)",
     "extra_trees(n_estimators=9)"),
    pytest.param(("catboost(n_estimators=99, learning_rate=0.1, early_stopping=3)",
                  "hist_gradient_boosting(n_estimators=99, early_stopping=3)",
                  "mlp(epochs=30, width=8, learning_rate=0.02)"), marks=pytest.mark.slow)])
def test_a_blend_is_one_script_of_all_its_members(
    models: tuple[str, ...], folded: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = of_folds(monkeypatch, *models) if folded else blended(*models)
    assert result.model == "ensemble"
    found = wf.load(result.save(tmp_path / "m.wf")).eject(tmp_path / "m.py", rows=ROWS)
    assert found.agreement == 1 and found.most < 1e-6
    text = (tmp_path / "m.py").read_text()
    assert "import wholefit" not in text and text.count("def numbers(") == 1
    assert ("FOLD_OF" in text) == folded


def test_a_member_learnt_twice_stands_twice_in_the_script(tmp_path: Path) -> None:
    result = blended("extra_trees(n_estimators=9)", "knn(k=1)")
    assert result._facts.lineage["decided"]["whole"]["extra_trees"] == [0, 1]
    found = result.eject(tmp_path / "m.py", rows=ROWS)
    assert found.agreement == 1 and found.most < 1e-6
    assert "# extra_trees_2" in (tmp_path / "m.py").read_text()


def test_a_blend_of_folds_is_refused_without_its_rows_or_with_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blended("logistic", "gaussian_nb").eject(tmp_path / "m.py")  # of all rows: needs none
    result = of_folds(monkeypatch, "logistic", "gaussian_nb")
    with pytest.raises(ExportError, match="--rows"):
        result.eject(tmp_path / "m.py")
    with pytest.raises(ExportError, match="rows given are others"):
        result.eject(tmp_path / "m.py", rows=ROWS.reverse())


def test_a_blend_with_a_member_that_has_no_plain_form_says_which(tmp_path: Path) -> None:
    result = blended("rule_list", "logistic")
    with pytest.raises(ExportError, match="member rule_list of the blend"):
        result.eject(tmp_path / "m.py", rows=ROWS)


def test_names_of_parts_are_told_apart_but_equal_parts_stand_once() -> None:
    def part(suffix: str, rounds: int) -> Part:
        return Part(Pieces({"b"}, {"ROUNDS": rounds, "SAME": 1}), suffix)

    texts = {"a": "def read(a):\n    return a\n", "b": "def train(a):\n    # train ROUNDS\n"
             "    return read(a).train, 'train', ROUNDS, SAME, train\n"}
    found = linked([part("x", 1), part("y", 2), part("z", 1)], ["a", "b"],
                   lambda names: [*names, "a"], lambda section, _: texts[section])
    assert found.constants == {"ROUNDS": 1, "SAME": 1, "ROUNDS_Y": 2}
    assert found.blocks == [texts["a"], texts["b"], (
        "def train_y(a):\n    # train ROUNDS\n"
        "    return read(a).train, 'train', ROUNDS_Y, SAME, train_y\n")]


def test_a_script_reads_csv_and_answers_new_rows(tmp_path: Path) -> None:
    result = fit("logistic", "label", threshold=0.7)
    train, new = tmp_path / "train.csv", tmp_path / "new.csv"
    table().write_csv(train)
    table().drop("label").head(30).write_csv(new)
    found = result.eject(tmp_path / "m.py", rows=str(train))
    assert found.agreement == 1 and found.most < 1e-9
    done = subprocess.run([sys.executable, str(tmp_path / "m.py"), str(train), str(new)],
                          capture_output=True, text=True, check=True)
    answers = pl.read_csv(done.stdout.encode())
    assert answers["prediction"].to_list() == list(result.predict(new)["prediction"])
    done = subprocess.run([sys.executable, str(tmp_path / "m.py"), str(train)],
                          capture_output=True, text=True, check=True)
    assert "trained on 220 rows" in done.stdout


def test_nothing_is_overwritten_or_half_written(tmp_path: Path) -> None:
    result, path = fit("logistic", "label"), tmp_path / "m.py"
    path.write_text("mine")
    with pytest.raises(ExportError, match="force"):
        result.eject(path)
    assert path.read_text() == "mine"
    found = result.eject(path, force=True)
    assert found.rows is None and "not run" in found.to_text()
    assert set(found.to_json()) == {"path", "lines", "rows", "most", "agreement"}


def test_a_loaded_model_ejects_the_same_script(tmp_path: Path) -> None:
    result = fit("lightgbm(n_estimators=9)", "label")
    result.eject(tmp_path / "m.py")
    first = (tmp_path / "m.py").read_text()
    wf.load(result.save(tmp_path / "m.wf")).eject(tmp_path / "m.py", force=True)
    assert (tmp_path / "m.py").read_text() == first


def test_what_cannot_be_plain_is_refused_with_the_way_out(tmp_path: Path) -> None:
    for model, options, said in (
            ("additive", {}, "no AdditiveClassifier"),
            ("logistic", {"balance": "weights"}, "balance")):
        result = fit(model, "label", **options)
        with pytest.raises(ExportError, match=said):
            result.eject(tmp_path / "m.py")
    assert not list(tmp_path.iterdir())


def test_every_kept_model_is_ejected_or_refused_in_words(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    made = refused = 0
    for path in sorted((Path(__file__).parents[1] / "museum").glob("*.wf")):
        try:
            result = wf.load(path)
        except WholefitError:  # states alone, and what needs a library of its own
            continue
        if not hasattr(result, "eject"):
            continue
        try:
            result.eject(tmp_path / f"{path.stem}.py")
            made += 1
        except ExportError as error:
            refused += 1
            assert "cannot be ejected as a plain script" in str(error)
    assert made > 40 and refused > 10


def test_words_of_the_data_never_become_code() -> None:
    rng = np.random.default_rng(0)
    names = ['""" + evil() + """', "a\\", "@estimator@", "x\ny", "{name}"]
    frame = pl.DataFrame({name: rng.choice(names, 80) for name in names} | {
        'y"""': rng.choice(["p", 'q"""\nevil()'], 80)})
    result = wf.fit(frame, target='y"""', models=["logistic"], folds=2, checks=False)
    text = eject.script(result._fitted, eject.Origin(
        result._facts.model["name"], result._facts.model["params"], result.lineage), 'm".py')
    calls = {node.func.id for node in ast.walk(ast.parse(text))
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert "evil" not in calls


@pytest.mark.parametrize("option", ["find_rate=True", "precision='bfloat16'", "compiled='auto'"])
def test_what_a_plain_script_cannot_do_alike_is_refused(option: str) -> None:
    """Else it would train otherwise and say nothing."""
    pytest.importorskip("torch")
    from wholefit.artifact.eject._networks import network
    from wholefit.base import tasks

    context = wf.models.Context(100, 4, n_classes=2)
    made = wf.models.make(f"mlp({option})").build(tasks.get("classification"), context)
    with pytest.raises(ExportError, match="find_rate, precision"):
        network(made, 2, 100, [], 4)
    made = wf.models.make("mlp").build(tasks.get("classification"), context)
    assert network(made, 2, 100, [], 4)
