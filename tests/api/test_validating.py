"""expect, validate, drift and evaluate(by=...): one call each, whatever the other side is."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import ArtifactError, DataError, ParameterError, UnknownNameError

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
MUSEUM = Path(__file__).parents[1] / "artifact" / "museum"


def shop(n: int, seed: int, shift: float = 0.0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    age = random.integers(18, 80, n).astype(float) + shift
    plan = random.choice(["basic", "plus", "pro"], n, p=[0.5, 0.3, 0.2])
    spent = random.exponential(20, n)
    left = np.where(random.random(n) < 1 / (1 + np.exp((age - 45) / 10)), "yes", "no")
    return pl.DataFrame({"age": age, "plan": plan, "spent": spent, "left": left})


@pytest.fixture(scope="module")
def old() -> pl.DataFrame:
    return shop(1200, 0)


@pytest.fixture(scope="module")
def result(old: pl.DataFrame) -> wf.Result:
    return wf.fit(old, target="left", models="logistic", jobs=1, folds=2)


def test_a_file_of_expectations(old: pl.DataFrame, tmp_path: Path) -> None:
    path = wf.expect(old, "left").save(tmp_path / "shop.toml")
    assert wf.validate(shop(400, 1), path).ok
    assert wf.validate(shop(400, 1).drop("left"), str(path)).ok, "new rows need no target"
    path.write_text(path.read_text() + '\n[[rules]]\nrule = "age >= 60"\n')
    found = wf.validate(shop(400, 1), wf.Expectations.load(path))
    assert [each.check for each in found.errors] == ["rule"] and found.drift is None
    assert found.against == "memory (polars)"


def test_other_rows(old: pl.DataFrame) -> None:
    assert wf.validate(shop(400, 2), old).ok
    found = wf.validate(shop(400, 2, shift=9.0), old)
    assert found.ok and any(each.check == "drift" for each in found.warnings)
    assert not wf.validate(shop(400, 2, shift=9.0), old, strict=True).ok
    assert found.drift is not None and found.drift.shifted[0].column == "age"
    assert wf.validate(shop(400, 2, shift=9.0), old, drift=False).drift is None
    calm = wf.validate(shop(400, 2, shift=9.0), old, drift={"threshold": 0.9, "whole": False})
    assert not [each for each in calm.violations if each.check == "drift"]


def test_any_source_will_do(old: pl.DataFrame, tmp_path: Path) -> None:
    old.write_csv(tmp_path / "old.csv")
    shop(300, 3).write_parquet(tmp_path / "new.parquet")
    assert wf.validate(tmp_path / "new.parquet", str(tmp_path / "old.csv")).ok
    assert wf.drift(tmp_path / "new.parquet", tmp_path / "old.csv").ok
    pandas = pytest.importorskip("pandas")
    assert wf.drift(pandas.DataFrame(shop(300, 4).to_dict(as_series=False)), old).ok


def test_a_model_and_its_file(result: wf.Result, tmp_path: Path) -> None:
    path = result.save(tmp_path / "m.wf")
    shifted = shop(400, 5, shift=9.0).with_columns(pl.lit("gold").alias("plan"))
    for against in (result, path, wf.load(path)):
        assert wf.validate(shop(400, 6), against).ok
        found = wf.validate(shifted.drop("spent"), against)
        assert {each.check for each in found.errors} == {"column", "allowed"}
        assert {shift.column for shift in wf.drift(shifted, against).shifted} == {
            "age", "plan", "left"}
    assert wf.load(path).predict(shop(5, 7)).height == 5


def test_the_sketch_is_small_and_holds_no_row(result: wf.Result, tmp_path: Path) -> None:
    from wholefit import artifact

    kept = artifact.read(result.save(tmp_path / "m.wf")).reference["sketch.json"]
    assert len(kept) < 2000


def test_sketching_costs_little_beside_a_fit() -> None:
    from wholefit.data import infer
    from wholefit.data.validate.sketch import sketch_of

    random = np.random.default_rng(0)
    frame = pl.DataFrame({f"x{at}": random.normal(size=50_000) for at in range(15)})
    schema = infer(frame)
    start = time.process_time()
    sketch_of(frame, schema)
    assert time.process_time() - start < 2.0, "a generous bound: it takes some 0.05 s"


def test_an_old_file_says_what_cannot_be_checked() -> None:
    path = sorted(MUSEUM.rglob("*.wf"))[0]
    model = wf.load(path)
    rows = pl.DataFrame({name: [None] for name in model.schema.names})
    found = wf.validate(rows, path)
    assert any("no sketch" in said for said in found.unchecked) and found.drift is None
    with pytest.raises(DataError, match="no sketch"):
        wf.drift(rows, path)


def test_updated_and_redecided_models_keep_their_sketch(old: pl.DataFrame) -> None:
    made = wf.fit(old, target="left", models="sgd", jobs=1, folds=2)
    assert wf.drift(shop(300, 8), made.update(shop(300, 9))).ok
    assert wf.drift(shop(300, 8), made.with_threshold(0.3)).ok


def test_the_page_on_validation_is_true(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "validate.md").read_text()
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        if language == "python":
            exec(compile(text, "validate.md", "exec"), {})
        elif language == "toml":
            assert len(wf.Expectations.from_toml(text).rules) == 2
    assert "start <= end" in capsys.readouterr().out


def test_wrong_words(old: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="delimiter"):
        wf.validate(old, old, delimeter=",")
    with pytest.raises(ParameterError, match="correction"):
        wf.drift(old, old, correction="sidak")
    with pytest.raises(UnknownNameError):
        wf.expect(old, "lefft")
    with pytest.raises(DataError, match="cannot be read"):
        wf.validate(old, tmp_path / "none.toml")
    with pytest.raises(ArtifactError):
        wf.validate(old, tmp_path / "none.wf")
    with pytest.raises(DataError, match="no distribution"):
        wf.drift(old, wf.expect(old))
    with pytest.raises(DataError, match="no rows"):
        wf.expect(old.clear())


def test_evaluate_by_parts(result: wf.Result) -> None:
    rows = shop(900, 10).with_columns(pl.Series("shop", ["a", "b", "c"] * 300))
    # In shop b the answer is tossed: the model must be worst there.
    tossed = pl.Series(np.random.default_rng(1).choice(["yes", "no"], 900))
    rows = rows.with_columns(pl.when(pl.col("shop") == "b").then(tossed).otherwise(
        pl.col("left")).alias("left"))
    found = result.evaluate(rows, by="shop")
    assert found.slices[0].where == {"shop": "b"} and found.slices[0].verdict == "worse"
    alone = result.evaluate(rows.filter(pl.col("shop") == "b"))
    assert found.slices[0].scores["log_loss"] == alone["log_loss"]
    both = result.evaluate(rows, by=["shop", "age"], metric="accuracy")
    assert both.metric == "accuracy" and len(both) == 12
    with pytest.raises(UnknownNameError, match="'shop'"):
        result.evaluate(rows, by="shopp")
    assert result.evaluate(rows)["log_loss"] == found.whole["log_loss"]
