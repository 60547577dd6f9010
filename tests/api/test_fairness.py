"""Audits and mitigation as a person has them: Python, pages, files, commands."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import cli
from wholefit.base.errors import (
    DataError,
    ParameterError,
    SchemaError,
    UnknownNameError,
)
from wholefit.report import fairness as pages

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def people(n: int = 1_200, seed: int = 0) -> pl.DataFrame:
    """Wages follow from skill and sex; the hobby tells the sex nine times of ten."""
    random = np.random.default_rng(seed)
    sex = random.choice(["f", "m"], n)
    hobby = np.where(random.random(n) < 0.9, sex, random.choice(["f", "m"], n))
    skill = random.normal(size=n)
    good = random.random(n) < 1 / (1 + np.exp(-(1.5 * skill + 1.5 * (sex == "m") - 0.7)))
    return pl.DataFrame({
        "id": [f"person-{at:05d}" for at in range(n)], "sex": sex, "hobby": hobby, "skill": skill,
        "age": random.integers(18, 70, n), "noise": random.normal(size=n),
        "good": np.where(good, "yes", "no")})


@pytest.fixture(scope="module")
def fitted() -> wf.Result:
    return wf.fit(people(), target="good", models="logistic", positive="yes", jobs=1, folds=3)


@pytest.fixture(scope="module")
def mended() -> wf.Mitigated:
    return wf.mitigate(people(), target="good", by="sex", models="logistic", positive="yes",
                       jobs=1, folds=3, rounds=15)


def test_an_audit_tells_itself(fitted: wf.Result, tmp_path: Path) -> None:
    held = people(900, 1)
    found = fitted.audit(held, by=["sex", "age"], bands={"age": [30, 50]})
    assert found.part("sex").criterion("demographic parity").verdict == "unequal"
    assert "below 0.8" in found.to_text() and "What this cannot tell" in found.to_text()
    kept = json.dumps(found.to_json(), allow_nan=False)
    assert not any(name in kept for name in held["id"][:50]), "no person is in it"
    proxy = found.proxies[0]
    assert proxy.column == "sex" and proxy.seen and proxy.telling[0][0] == "hobby"
    assert proxy.score is not None and proxy.score.low > 0.8
    page = found.report(tmp_path / "a.html").read_text()
    assert "<title>Are groups treated alike" in page and "four-fifths" in page
    assert not any(name in page for name in held["id"][:50])
    assert "<svg" in found._repr_html_() and pages.section(found) is not None
    assert found.table().height == 10 * sum(len(part.groups) for part in found.parts)


def test_a_protected_column_need_not_be_learnt_from() -> None:
    rows = people()
    blind = wf.fit(rows, target="good", models="logistic", positive="yes", jobs=1, folds=3,
                   roles={"sex": "ignored"})
    found = blind.audit(people(900, 1), by="sex")
    assert not found.proxies[0].seen
    assert "only in part" in found.proxies[0].said
    assert found.part("sex").criterion("demographic parity").verdict == "unequal", \
        "leaving the column out is no cure where another tells it"
    random = people(900, 1).with_columns(pl.Series("coin", np.arange(900) % 2))
    fair = blind.audit(random, by="coin")
    assert fair.unequal == () and "poorly or not at all" in fair.proxies[0].said
    assert "not proof of fairness" in fair.said


def test_what_is_asked_wrongly(fitted: wf.Result) -> None:
    held = people(200, 1)
    with pytest.raises(UnknownNameError, match="'sexx'"):
        fitted.audit(held, by="sexx")
    with pytest.raises(ParameterError, match="what is predicted"):
        fitted.audit(held, by="good")
    with pytest.raises(ParameterError, match="at least one column"):
        fitted.audit(held, by=[])
    with pytest.raises(UnknownNameError, match="'maybe'"):
        fitted.audit(held, by="sex", positive="maybe")
    with pytest.raises(UnknownNameError, match="thinn"):
        fitted.audit(held, by="sex", thinn=3)
    for words, match in (({"method": "magic"}, "magic"), ({"goal": "all"}, "'all'"),
                         ({"metric": "acuracy"}, "accuracy")):
        with pytest.raises(UnknownNameError, match=match):
            wf.mitigate(people(100), target="good", by="sex", **words)
    with pytest.raises(ParameterError, match="threshold="):
        wf.mitigate(people(100), target="good", by="sex", threshold=0.4)
    with pytest.raises(DataError, match="one group"):
        wf.mitigate(people(200).with_columns(sex=pl.lit("f")), target="good", by="sex",
                    models="logistic", jobs=1, roles={"sex": "ignored"})
    with pytest.raises(ParameterError, match="two classes"):
        wf.mitigate(people(200), target="skill", by="sex", models="ridge", jobs=1)


def test_each_way_has_its_price_on_unseen_rows(mended: wf.Mitigated) -> None:
    assert [way.method for way in mended.ways] == ["blind", "reweighing", "thresholds",
                                                   "constrained"]
    gap = mended.before.gaps["selection"].before
    assert gap.low > 0.15
    for name in ("reweighing", "thresholds", "constrained"):
        way = mended.way(name)
        assert way.price is not None and way.price.low <= way.price.value <= way.price.high
        assert way.gaps["selection"].difference.high < 0, f"{name} makes the gap smaller"
        assert way.curve[0][2] == pytest.approx(gap.value) and way.curve[-1][2] == pytest.approx(
            way.gaps["selection"].after.value)
    assert mended.way("thresholds").gaps["selection"].after.value < gap.value / 3
    assert mended.way("constrained").gaps["selection"].after.value < gap.value / 2
    assert mended.way("blind").gaps["selection"].after.low > 0.1, "the hobby tells the sex"
    assert mended.table().height == 5
    json.dumps(mended.to_json(), allow_nan=False)
    assert "price" not in mended.said or "beyond chance" in mended.said


def test_what_a_method_gives_is_a_result(mended: wf.Mitigated, tmp_path: Path) -> None:
    new = people(400, 2).drop("good")
    for name, result in mended.results.items():
        loaded = wf.load(result.save(tmp_path / f"{name}.wf"))
        assert loaded.predict(new).equals(result.predict(new)), name
        assert loaded.predict_proba(new).equals(result.predict_proba(new)), name
        assert loaded.lineage["mitigation"]["method"] == name
    thresholds = mended.results["thresholds"]
    chances = thresholds.predict_proba(new)["p_yes"].to_numpy()
    said = thresholds.predict(new)["prediction"].to_numpy() == "yes"
    cuts = thresholds.decision.groups.thresholds  # type: ignore[union-attr]
    by = np.array([cuts[each] for each in new["sex"]])
    assert (said == (chances >= by)).all() and cuts["f"] < cuts["m"]
    with pytest.raises(SchemaError):
        thresholds.predict(new.drop("sex"))
    plain = thresholds.with_threshold(0.5)
    assert (plain.predict(new)["prediction"].to_numpy() == "yes").tolist() == (
        chances >= 0.5).tolist()
    held = people(900, 3)
    before = mended.was.audit(held, by="sex", proxies=False)  # type: ignore[union-attr]
    after = thresholds.audit(held, by="sex", proxies=False)
    gaps = [each.part("sex").criterion("demographic parity").value for each in (before, after)]
    assert gaps[1] < gaps[0] / 2, "what was promised on the folds holds on new people"
    assert set(thresholds.evaluate(held)) and len(thresholds.evaluate(held, by="sex"))
    assert wf.compare(thresholds, mended.results["constrained"], held,
                      metric="accuracy").metric == "accuracy"


def test_a_model_that_decides_by_group_is_understood_by_what_it_decides(
    mended: wf.Mitigated
) -> None:
    result, held = mended.results["thresholds"], people(400, 5)
    exact = result.evaluate(held, metric="accuracy")["accuracy"].value
    assert result.importance(held, metric="accuracy", repeats=1).score.value == exact
    assert result.stress(held, metric="accuracy", sizes=[0.5]).score.value == exact
    found = result.diagnose(held)
    assert found.confidence is not None and 1 - found.confidence.wrong == pytest.approx(exact)
    assert found.costs is None, "no one threshold is in use"


def test_thresholds_of_a_column_that_is_not_learnt_from() -> None:
    found = wf.mitigate(people(), target="good", by="sex", models="logistic", positive="yes",
                        jobs=1, folds=3, roles={"sex": "ignored"}, method=["blind", "thresholds"])
    assert "not among those" in found.way("blind").reason and "blind" not in found.results
    result = found.results["thresholds"]
    new = people(50, 5)
    result.predict(new)
    with pytest.raises(SchemaError, match="column 'sex'"):
        result.predict(new.drop("sex"))


def test_a_model_without_weights_is_not_reweighed() -> None:
    found = wf.mitigate(people(300), target="good", by="sex", models="knn", positive="yes",
                        jobs=1, folds=3, choose="best")
    if found.model == "knn":
        assert "takes no weights" in found.way("reweighing").reason
        assert "was not done" in found.to_text()


def test_pages_of_mitigation(mended: wf.Mitigated, tmp_path: Path) -> None:
    page = mended.report(tmp_path / "m.html").read_text()
    assert "Half measures" in page and "polyline" in page and "person-0" not in page
    assert "thresholds" in mended._repr_html_()


def test_commands(fitted: wf.Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                  capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    fitted.save("m.wf")
    people(600, 1).write_csv("held.csv")
    people(500, 2).write_csv("rows.csv")
    assert run("audit m.wf held.csv --by sex --by age --bands age=40 --json --out a.html") == 0
    told = json.loads(capsys.readouterr().out)
    assert [part["by"] for part in told["parts"]] == [["sex"], ["age"], ["sex", "age"]]
    assert Path("a.html").exists()
    assert run("audit m.wf held.csv --by sex --no-proxies --reference sex=f") == 0
    assert "compared with f" in capsys.readouterr().out
    assert run("mitigate rows.csv --target good --positive yes --by sex --models logistic "
               "--method thresholds --save t.wf --out m.html --jobs 1") == 0
    assert "saved t.wf" in capsys.readouterr().out
    assert run("predict t.wf held.csv --out p.csv") == 0
    capsys.readouterr()
    for words, said in (("audit m.wf held.csv --by gender", "'gender'"),
                        ("audit m.wf held.csv --by age --bands age=x", "age=25,40,60"),
                        ("mitigate rows.csv --target good --by sex --save x.wf", "whose model"),
                        ("audit m.wf held.csv --by sex --out a.html", "exists")):
        assert run(words) in (1, 2), words
        assert said in capsys.readouterr().err


def run(words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(words.split(" "))
    return int(ended.value.code or 0)


@pytest.mark.skipif(not os.environ.get("WHOLEFIT_DATA"), reason="WHOLEFIT_DATA is not set")
def test_on_german_credit() -> None:
    """The young repay less often there; the four-fifths rule is judged by its interval."""
    rows = pl.read_csv(Path(os.environ["WHOLEFIT_DATA"]) / "german_credit" / "data.csv.gz")
    result = wf.fit(rows[::2], target="class", positive="good", models="logistic", jobs=1,
                    folds=3)
    part = result.audit(rows[1::2], by="age", bands={"age": [26]}, proxies=False).part("age")
    impact = part.criterion("disparate impact")
    assert impact.low <= impact.value <= impact.high and 0.5 < impact.value <= 1
    bases = [part.group(name).scores["base_rate"].value for name in ("under 26", "26 and over")]
    assert bases[0] < bases[1]
    assert part.group("under 26").n + part.group("26 and over").n == 500
