"""Alarms: what is promised of them, on rows made for it and on real ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import (
    DataError,
    ParameterError,
    SchemaError,
    UnknownNameError,
    WholefitError,
)

FEW = "ecod, knn_distance"
pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def rows(n: int = 900, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    a = random.normal(size=n)
    odd = np.zeros(n, dtype=int)
    frame = {"id": [f"r{at}" for at in range(n)], "a": a, "b": 2 * a + 0.3 * random.normal(size=n),
             "c": random.exponential(size=n), "kind": random.choice(["x", "y"], n, p=[0.8, 0.2])}
    odd[:12] = 1
    frame["b"][:6] += 25
    frame["c"][6:12] = 60 + random.random(6)
    order = random.permutation(n)
    return pl.DataFrame({**frame, "truth": odd})[order]


def series(days: int = 60, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    hour = np.arange(24 * days)
    return pl.DataFrame({
        "at": pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2025, 1, 1), "1h",
                                eager=True)[:24 * days],
        "load": 50 + 30 * np.sin(2 * np.pi * hour / 24) + 2 * random.normal(size=24 * days),
        "heat": random.normal(size=24 * days)})


@pytest.fixture(scope="module")
def alarms() -> Any:
    return wf.fit(rows(), task="anomaly", label="truth", alerts="2%", models=FEW)


def test_one_answer_a_row_in_order_with_reasons_for_alarms(alarms: Any) -> None:
    asked = rows(seed=1)
    found = alarms.predict(asked)
    assert found.columns == ["id", "anomaly", "score", "tail", "why"]
    assert found["id"].to_list() == asked["id"].to_list()
    assert ((found["why"] != "") == found["anomaly"]).all()
    assert found["tail"].is_between(0, 1).all()
    order = np.argsort(-found["score"].to_numpy())
    assert (np.diff(found["tail"].to_numpy()[order]) >= 0).all()
    assert np.array_equal(found["anomaly"], found["score"] > alarms.threshold.value)
    assert alarms.score_samples(asked)["score"].equals(found["score"])
    assert found.filter(asked["truth"] == 1)["anomaly"].mean() > 0.9


def test_the_label_judges_and_is_not_learnt_from(alarms: Any) -> None:
    assert alarms.score.value > 0.95 and alarms.score.low < alarms.score.value
    without = wf.fit(rows().drop("truth"), task="anomaly", alerts="2%", models=FEW)
    assert without.score is None
    assert without.predict(rows(seed=1)).equals(alarms.predict(rows(seed=1)))
    told = alarms.told["label"]
    assert told["odd"] == 12 and not told["favoured"]["enough"]
    assert "cannot be told" in told["favoured"]["said"]
    scores = alarms.evaluate(rows(seed=1))
    assert set(scores) == {"roc_auc", "average_precision", "alert_rate", "precision", "recall"}
    assert set(alarms.evaluate(rows(seed=1).drop("truth"))) == {"alert_rate"}


def test_a_loaded_one_answers_the_same_bit_by_bit(alarms: Any, tmp_path: Path) -> None:
    path = alarms.save(tmp_path / "a.wf")
    loaded = wf.load(path)
    assert loaded.predict(rows(seed=2)).equals(alarms.predict(rows(seed=2)))
    assert loaded.to_text() == alarms.to_text()
    assert loaded.threshold == alarms.threshold
    again = wf.fit(rows(), task="anomaly", label="truth", alerts="2%", models=FEW)
    assert again.predict(rows(seed=2)).equals(alarms.predict(rows(seed=2)))


def test_another_budget_needs_no_new_fit(alarms: Any) -> None:
    more = alarms.with_alerts("10%")
    asked = rows(seed=3)
    before, after = (each.predict(asked)["anomaly"] for each in (alarms, more))
    assert after.mean() == pytest.approx(0.1, abs=0.035)
    assert (before & ~after).sum() == 0
    assert "10%" in more.to_text() and alarms.told["share"] == 0.02
    with pytest.raises(ParameterError, match="time="):
        alarms.with_alerts("20 per day")


def test_the_column_that_was_tampered_with_is_named_first(alarms: Any) -> None:
    asked = rows(seed=4).head(60)
    for at, name in enumerate(("a", "b", "c") * 20):
        value = float(asked[name].max()) + 40.0  # type: ignore[arg-type]
        changed = asked.with_columns(pl.Series(name, [
            value if row == at else cell for row, cell in enumerate(asked[name])]))
        why = alarms.explain(changed, at)
        assert why.reasons[0].column == name and why.anomaly
        assert "% of rows are at most" in why.reasons[0].said
    assert "alarms" in str(why)


def test_a_category_never_seen_is_told_as_such(alarms: Any) -> None:
    asked = rows(seed=5).head(5).with_columns(kind=pl.lit("zebra"))
    said = [reason.said for reason in alarms.explain(asked, 0).reasons]
    assert any("'zebra', never seen in 900 rows" in one for one in said)


def test_every_frame_type_comes_back_as_it_was() -> None:
    pandas = pytest.importorskip("pandas")
    table = rows().drop("truth")
    fitted = wf.fit(table, task="anomaly", models="ecod")
    frame = pandas.DataFrame(table.head(4).to_dict(as_series=False), index=[3, 1, 4, 9])
    found = fitted.predict(frame)
    assert list(found.index) == [3, 1, 4, 9] and found["anomaly"].dtype == bool
    numbers = np.random.default_rng(0).normal(size=(200, 3))
    plain = wf.fit(numbers, task="anomaly", models="ecod")
    answer = plain.predict(numbers[:5])
    assert answer.shape == (5, 3) and answer.dtype.kind == "f"


# ---- context and windows ----------------------------------------------------------------


def test_what_is_usual_elsewhere_is_strange_here() -> None:
    frame = series()
    load = frame["load"].to_numpy().copy()
    load[24 * 30 + 18] = 80.0  # the height of day, in the evening's trough
    asked = frame.with_columns(load=pl.Series(load))
    words: dict[str, Any] = {"task": "anomaly", "time": "at", "alerts": "2 per week", "models": FEW}
    plain = wf.fit(frame, **words)
    context = wf.fit(frame, **words, context="hour")
    assert not plain.predict(asked)["anomaly"][24 * 30 + 18]
    found = context.predict(asked)
    assert found["anomaly"][24 * 30 + 18]
    assert "usual for hour 18 is" in found["why"][24 * 30 + 18]
    assert context.kind == "contextual" and "their context (hour)" in context.to_text()


def test_a_strange_stretch_is_told_from_where_to_where() -> None:
    frame = series()
    load = frame["load"].to_numpy().copy()
    load[24 * 40:24 * 41] = load[24 * 40:24 * 41][::-1]
    asked = frame.with_columns(load=pl.Series(load))
    fitted = wf.fit(frame, task="anomaly", time="at", alerts="1 per month", window="24h",
                    models=FEW)
    assert fitted.kind == "collective"
    events = fitted.events(asked)
    hit = events.filter(pl.col("from_row") <= 24 * 41, pl.col("until_row") > 24 * 40)
    assert len(hit) >= 1 and hit["columns"][0].startswith("load")
    assert hit["from"][0].startswith("2024-02-0") and "course" in hit["why"][0]
    told = fitted.predict(asked)
    assert len(told) == len(asked) and told["anomaly"][24 * 40 + 12]
    assert "course" in fitted.explain(asked, 24 * 40 + 12).reasons[0].said
    plain = wf.fit(frame, task="anomaly", time="at", alerts="1 per month", models=FEW)
    assert not plain.predict(asked)["anomaly"][24 * 40:24 * 41].any()
    with pytest.raises(ParameterError, match="window="):
        plain.events(asked)


# ---- streams ----------------------------------------------------------------------------


def test_a_stream_alarms_as_predict_does(alarms: Any) -> None:
    asked = rows(seed=6)
    stream = alarms.stream()
    found = [alarm for at in range(0, 900, 70) for alarm in stream.feed(asked[at:at + 70])]
    told = alarms.predict(asked)
    assert [alarm.row for alarm in found] == np.flatnonzero(told["anomaly"]).tolist()
    assert stream.rows == 900 and stream.alarmed == len(found)
    assert stream.drift() is None
    one = alarms.stream().feed({**asked.row(0, named=True), "c": 500.0})
    assert len(one) == 1 and "c is 500" in one[0].why[0] and one[0].named["id"]


def test_a_stream_speaks_of_drift_and_follows_it_if_told_to(alarms: Any) -> None:
    moved = rows(6000, seed=7).with_columns(pl.col("c") * 8)
    fixed, following = alarms.stream(), alarms.stream(adapt=True)
    for at in range(0, 6000, 100):
        fixed.feed(moved[at:at + 100], reasons=0)
        following.feed(moved[at:at + 100], reasons=0)
    assert "stranger" in str(fixed.drift())
    assert fixed.alarmed > 1.8 * 120
    assert following.alarmed < 0.8 * fixed.alarmed


def test_a_stream_of_stretches_tells_each_once() -> None:
    frame = series()
    fitted = wf.fit(frame, task="anomaly", time="at", alerts="1 per month", window="24h",
                    models="ecod")
    later = series(30, seed=1).with_columns(pl.col("at") + pl.duration(days=60))
    load = later["load"].to_numpy().copy()
    load[240:280] = 120.0
    stream = fitted.stream()
    found = [alarm for at in range(0, 720, 12) for alarm in
             stream.feed(later.with_columns(load=pl.Series(load))[at:at + 12])]
    near = [alarm for alarm in found if 200 <= alarm.row <= 290]
    assert len(near) == 1 and "load" in near[0].why[0]


# ---- hostile input ----------------------------------------------------------------------

NASTY: dict[str, Any] = {
    "all the same": {"a": [1.0] * 50, "b": ["x"] * 50},
    "duplicates": {"a": [1.0, 2.0] * 40},
    "one column missing": {"a": [None] * 60, "b": list(range(30)) * 2, "c": [0.5, 1.5, 9.0] * 20},
    "infinite": {"a": [float("inf"), float("-inf"), float("nan"), 1.0] * 20,
                 "b": np.arange(80) * 0.5},
    "odd names": {"*": np.arange(60) * 1.5, "^a.*$": np.arange(60) % 7 * 1.1, "": [1.5, 2.5] * 30,
                  "a b": ["ü", "\u202ex", "z"] * 20, "a: mean": np.arange(60) ** 2 * 0.1},
    "huge": {"a": [10**15 + at * 10**12 for at in range(60)], "b": [1e300, -1e300, 0.5] * 20},
    "ten rows": {"a": [0.1, 0.4, 0.2, 0.9, 0.3, 5.0, 0.2, 0.1, 0.7, 0.6]},
}


@pytest.mark.parametrize("name", list(NASTY))
def test_hostile_tables_are_answered_or_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    frame = pl.DataFrame(NASTY[name])
    try:
        fitted = wf.fit(frame, task="anomaly", alerts="10%")
    except WholefitError as error:
        assert str(error).endswith(".") and "\n" not in str(error)
        return
    found = fitted.predict(frame)
    assert len(found) == len(frame) and found["score"].is_finite().all()
    fitted.explain(frame, 0)
    fitted.report(tmp_path / "page.html")
    assert wf.load(fitted.save(tmp_path / "m.wf")).predict(frame).equals(found)


@pytest.mark.parametrize("rows_left", [1, 2, 9])
def test_too_few_rows_are_refused(rows_left: int) -> None:
    with pytest.raises(DataError, match="at least 10"):
        wf.fit(rows().head(rows_left), task="anomaly")


def test_words_that_mean_nothing_are_refused(alarms: Any) -> None:
    for words, error in (({"alerts": "many"}, ParameterError), ({"alerts": "90%"}, ParameterError),
                         ({"context": "nothing"}, UnknownNameError),
                         ({"window": 2}, ParameterError), ({"window": 800}, DataError),
                         ({"alrets": 3}, UnknownNameError)):
        with pytest.raises(error):
            wf.fit(rows(), task="anomaly", **words)
    for row in (900, -901, 1.5, "x", True):
        with pytest.raises(ParameterError, match="row must be"):
            alarms.explain(rows(seed=1), row)
    with pytest.raises(SchemaError):
        alarms.predict(rows().drop("a"))
    with pytest.raises(ParameterError, match="reasons"):
        alarms.predict(rows(), reasons=-1)
    assert len(alarms.predict(rows().clear())) == 0
    with pytest.raises(DataError, match="it has none"):
        alarms.evaluate(rows().clear())


# ---- real tables ------------------------------------------------------------------------


@pytest.mark.skipif("WHOLEFIT_DATA" not in os.environ, reason="WHOLEFIT_DATA is not set")
def test_intrusions_are_found_within_the_budget() -> None:
    flows = pl.read_parquet(Path(os.environ["WHOLEFIT_DATA"]) / "kddcup_imbalanced/data.parquet")
    flows = flows.sample(fraction=1.0, shuffle=True, seed=0).drop("set")
    fitted = wf.fit(flows[:4000], task="anomaly", label="Class", alerts="20 per 1000 rows",
                    models="isolation_forest, ecod")
    scores = fitted.evaluate(flows[4000:])
    assert scores["alert_rate"].low < 0.02 < scores["alert_rate"].high + 0.005
    assert scores["roc_auc"].value > 0.97 and scores["recall"].value > 0.6
    assert "'negative' is usual" in fitted.told["label"]["said"]


def test_stretches_of_plain_noise_do_not_drift() -> None:
    for seed in range(3):
        noise = pl.DataFrame({"at": range(4000),
                              "v": np.random.default_rng(seed).normal(size=4000)})
        found = wf.fit(noise, task="anomaly", time="at", window=24, alerts="5%", models=FEW,
                       seed=seed)
        later = found.told["forward"]
        assert later["low"] <= found.threshold.share <= later["high"], "both count by stretch"
        assert not any("drift" in said for said in found.warnings)


def test_rows_of_a_group_are_alike_on_new_rows_too() -> None:
    def grouped(seed: int) -> pl.DataFrame:
        random = np.random.default_rng(seed)
        level = np.repeat(random.normal(size=40), 15)
        return pl.DataFrame({"a": 3 * level + 0.1 * random.normal(size=600),
                             "b": random.normal(size=600),
                             "g": [f"{seed} {at}" for at in np.arange(600) // 15],
                             "y": (np.abs(level) > 1).astype(int)})

    found = wf.fit(grouped(0), task="anomaly", groups="g", label="y", models="knn_distance",
                   alerts="10%")
    seen = [found.evaluate(grouped(seed)) for seed in range(1, 16)]
    for name in ("roc_auc", "alert_rate", "recall"):
        truth = np.mean([one[name].value for one in seen])
        assert sum(one[name].low <= truth <= one[name].high for one in seen) >= 12, name
    plain = found.evaluate(grouped(1).drop("g"))["alert_rate"]
    assert plain.high - plain.low < seen[0]["alert_rate"].high - seen[0]["alert_rate"].low
