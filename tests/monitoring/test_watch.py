"""A log judged: stable windows stay silent, each kind of trouble is told in its place."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from typing import Any

import numpy as np
import polars as pl
import pytest

from wholefit.base import tasks
from wholefit.base.errors import UnknownNameError
from wholefit.data import Dataset
from wholefit.data.predictions import Counted
from wholefit.data.schema import Schema, infer
from wholefit.data.validate.expectations import ColumnRule, Expectations
from wholefit.data.validate.sketch import sketch_of
from wholefit.evaluation import Score, score
from wholefit.evaluation import drift as drifting
from wholefit.monitoring import Monitored, Options, Side, Subject, estimate, labels, watch
from wholefit.monitoring.inputs import of_counts
from wholefit.training import Fitted
from wholefit.training.plain import fit_plain

ROWS = 400


def table(random: np.random.Generator, rows: int, *, move: float = 0.0) -> pl.DataFrame:
    """Two columns that matter, one that does not, groups of people."""
    return pl.DataFrame({
        "x": random.normal(move, 1, rows), "z": random.normal(size=rows),
        "town": random.choice(["Ely", "Wells", "Bath"], rows),
        "sex": random.choice(["f", "m"], rows)})


def answered(frame: pl.DataFrame, random: np.random.Generator, *, flip: float = 0.0
             ) -> pl.DataFrame:
    """Answers of a model that knows the truth's chance, and truths, of which some are turned."""
    chance = 1 / (1 + np.exp(-1.5 * frame["x"].to_numpy()))
    truth = (random.random(frame.height) < chance) ^ (random.random(frame.height) < flip)
    said = chance > 0.5
    n = frame.height
    return pl.DataFrame({
        "confidence": np.where(said, chance, 1 - chance), "seconds": random.gamma(4, 0.01, n),
        "truth": np.where(truth, "yes", "no"),
        **{f"row.{name}": frame[name] for name in frame.columns},
        "answer.prediction": np.where(said, "yes", "no"), "answer.p_no": 1 - chance,
        "answer.p_yes": chance})


def log_of(*parts: pl.DataFrame) -> pl.DataFrame:
    frame = pl.concat(parts)
    times = (np.arange(frame.height) * 60e6).astype(np.int64)
    return frame.with_columns(
        pl.Series("time", times).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        pl.Series("id", [str(at) for at in range(frame.height)]))


@pytest.fixture(scope="module")
def schema() -> Schema:
    random = np.random.default_rng(0)
    frame = table(random, 3_000)
    return infer(frame.with_columns(y=pl.Series(["no", "yes"] * 1_500)), target="y")


@pytest.fixture(scope="module")
def subject(schema: Schema) -> Subject:
    frame = table(np.random.default_rng(0), 3_000)
    codec = tasks.get("classification").codec("y", np.array(["no", "yes"]))
    return Subject("m", "1", "classification", schema, sketch_of(frame, schema), 3_000,
                   Score("accuracy", 0.75, 0.73, 0.77, 0.95, "Wilson", 3_000), codec)


@pytest.fixture(scope="module")
def reference() -> Side:
    random = np.random.default_rng(1)
    return Side.of_log(log_of(answered(table(random, 2_000), random)))


def judged(
    subject: Subject, *parts: pl.DataFrame, reference: Side | None = None, **options: object
) -> Monitored:
    light = {"window": f"{ROWS} rows", "together": False, "anomalies": False}
    asked = Options.from_dict({**light, **options})
    return watch(subject, log_of(*parts), asked, reference=reference)


DEEP = {"together": True, "anomalies": True}


def alarmed(found: Monitored) -> set[tuple[int, str, str]]:
    return {(check.window, check.kind, check.what) for check in found.alarms}


def stable(seed: int, windows: int = 3) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return answered(table(random, ROWS * windows), random)


@pytest.mark.parametrize("with_reference", [True, False])
def test_stable_windows_stay_silent(
    subject: Subject, reference: Side, with_reference: bool
) -> None:
    found = judged(subject, stable(2, 3), reference=reference if with_reference else None,
                   by=("town",), protected=("sex",), **DEEP)
    assert found.ok and len(found.windows) == 3, found.to_text()
    kinds = {check.kind for each in found.windows for check in each.checks}
    assert kinds >= {"input", "prediction", "confidence", "unsure", "score", "slice", "fairness",
                     "latency", "together", "anomalies", "estimate", "concept"}
    assert "the chance of any false alarm" in found.said


def test_a_column_that_moves_is_named(subject: Subject, reference: Side) -> None:
    random = np.random.default_rng(3)
    moved = answered(table(random, ROWS, move=-1.0), random)
    found = judged(subject, stable(4), moved, reference=reference, last=2, **DEEP)
    told = alarmed(found)
    assert {(3, "input", "x"), (3, "together", "all columns")} <= told
    assert not [each for each in told if each[0] < 3 or each[2] in ("z", "town")]
    together = found.series("together")[-1]
    assert "x (" in together.said and together.value > 0.6


def test_columns_that_only_hang_together_otherwise(subject: Subject) -> None:
    random = np.random.default_rng(5)

    def tied(rows: int, sign: float) -> pl.DataFrame:
        frame = table(random, rows)
        return frame.with_columns(z=sign * pl.col("x") + 0.3 * pl.col("z"))

    reference = Side.of_log(log_of(answered(tied(2_000, 1.0), random)))
    found = judged(subject, answered(tied(ROWS, 1.0), random), answered(tied(ROWS, -1.0), random),
                   reference=reference, **DEEP)
    told = alarmed(found)
    assert (1, "together", "all columns") in told
    assert not [each for each in told if each[0] == 0 or each[1] == "input"]


def test_missing_cells_new_levels_and_other_types(subject: Subject, reference: Side) -> None:
    bad = stable(6, 1).with_columns(
        pl.when(pl.int_range(ROWS) % 3 == 0).then(None).otherwise(pl.col("row.z")).alias("row.z"),
        pl.lit("York").alias("row.town"))
    found = judged(subject, stable(7), bad, reference=reference)
    told = alarmed(found)
    assert {(3, "missing", "z"), (3, "input", "town")} <= told
    assert any(kind == "quality" and "town" in what for _, kind, what in told)
    assert not [each for each in told if each[0] < 3]


def test_rows_that_mean_something_else_now(subject: Subject, reference: Side) -> None:
    """Rows as before, truths turned: only truths can tell, and they do."""
    random = np.random.default_rng(8)
    turned = answered(table(random, ROWS), random, flip=0.4)
    found = judged(subject, stable(9), turned, reference=reference, last=2, together=True)
    told = alarmed(found)
    assert {(3, "score", "accuracy"), (3, "concept", "accuracy")} <= told
    assert not [each for each in told if each[1] in ("input", "estimate", "prediction")]
    blind = judged(subject, stable(9), turned.with_columns(truth=pl.lit(None, pl.String)),
                   reference=reference, last=1, together=True)
    assert not [each for each in alarmed(blind) if each[0] == 3]
    nothing = judged(subject, stable(9).with_columns(truth=pl.lit(None, pl.String)))
    assert any("no truths have come" in note for note in nothing.notes)


def test_the_score_falls_and_is_seen_without_truths(subject: Subject, reference: Side) -> None:
    """Rows move to where the model is in doubt, and mean what they meant."""
    random = np.random.default_rng(10)
    frame = table(random, 4 * ROWS)
    near = frame.filter(pl.col("x").abs() < 0.5)[:ROWS]
    moved = answered(near, random).with_columns(truth=pl.lit(None, pl.String))
    found = judged(subject, stable(11), moved, reference=reference, loss=0.02, last=2,
                   together=True)
    told = alarmed(found)
    assert (3, "confidence", "all answers") in told and (3, "unsure", "below 0.6") in told
    assert (3, "estimate", "accuracy") in told
    told_of = found.series("estimate")[-1]
    chance = 1 / (1 + np.exp(-1.5 * near["x"].to_numpy()))
    true = np.maximum(chance, 1 - chance).mean()
    assert told_of.value == pytest.approx(true, abs=0.03)
    assert told_of.before - told_of.value > 0.1


def numbers(random: np.random.Generator, rows: int) -> pl.DataFrame:
    """Answers of a model of a number, whose errors grow with a column, and truths."""
    frame = table(random, rows)
    x = frame["x"].to_numpy()
    return pl.DataFrame({
        "confidence": np.full(rows, np.nan), "seconds": random.gamma(4, 0.01, rows),
        "truth": (x + random.normal(0, np.exp(x / 2))).astype(str),
        **{f"row.{name}": frame[name] for name in frame.columns}, "answer.prediction": x})


def test_what_hangs_on_the_reference_alone_is_made_once(
    schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many windows there are: its score, and the trees that know its errors."""
    fits: list[int] = []
    scores: list[int] = []

    def fitted(dataset: Dataset, *words: Any, **options: Any) -> Fitted:
        fits.append(len(dataset))
        return fit_plain(dataset, *words, **options)

    def scored(task: str, truth: np.ndarray, *words: Any, **options: Any) -> Any:
        scores.append(len(truth))
        return score(task, truth, *words, **options)

    monkeypatch.setattr(estimate, "fit_plain", fitted)
    monkeypatch.setattr(labels, "score", scored)
    random = np.random.default_rng(40)
    reference = Side.of_log(log_of(numbers(random, 600)))
    codec = tasks.get("regression").codec("y", np.arange(9.0))
    subject = Subject("n", "1", "regression", schema, None, 3_000, None, codec)
    found = judged(subject, numbers(random, 3 * ROWS), reference=reference, together=True)
    assert len(found.series("estimate")) == len(found.series("score", "rmse")) == 3
    assert [check.before for check in found.series("score", "rmse")] == [
        found.series("score", "rmse")[0].before] * 3
    assert fits == [600, 600], "the two halves, for three windows"
    assert sorted(scores) == [ROWS, ROWS, ROWS, 600]


def test_one_part_and_one_group_fall_behind(subject: Subject, reference: Side) -> None:
    random = np.random.default_rng(12)
    frame = table(random, ROWS * 3)
    turned = answered(frame, random)
    hit = pl.col("row.sex") == "f"
    turned = turned.with_columns(
        pl.when(hit).then(pl.lit("no")).otherwise(pl.col("answer.prediction"))
        .alias("answer.prediction"))
    found = judged(subject, stable(13, 3), turned, reference=reference, window=f"{3 * ROWS} rows",
                   by=("sex",), protected=("sex",))
    told = alarmed(found)
    assert (1, "slice", "sex = f") in told and (1, "slice", "sex = m") not in told
    assert (1, "fairness", "sex = f (predicted)") in told
    assert not [each for each in told if each[0] == 0]


def test_slow_answers(subject: Subject, reference: Side) -> None:
    slow = stable(14, 1).with_columns(pl.col("seconds") * 3)
    found = judged(subject, stable(15, 2), slow, reference=reference)
    assert alarmed(found) == {(2, "latency", "0.95")}
    limited = judged(subject, stable(15, 2), slow, reference=reference, latency=0.1)
    assert alarmed(limited) == {(2, "latency", "0.95")}
    assert "limit of 100 ms" in limited.alarms[0].said


def test_a_column_of_many_rare_levels_brings_new_ones_for_ever() -> None:
    """Levels drawn from a long tail: new ones in every window, and nothing has changed."""
    random = np.random.default_rng(30)

    def tail(rows: int) -> pl.DataFrame:
        levels = random.zipf(1.3, rows) % 5_000
        return table(random, rows).with_columns(town=pl.Series([f"t{each}" for each in levels]))

    learnt = tail(3_000)
    schema = infer(learnt.with_columns(y=pl.Series(["no", "yes"] * 1_500)), target="y",
                   roles={"town": "categorical"})
    subject = Subject("m", "1", "classification", schema, sketch_of(learnt, schema), 3_000, None,
                      tasks.get("classification").codec("y", np.array(["no", "yes"])))
    usual = answered(tail(4 * ROWS), random)
    found = judged(subject, usual, control="window")
    new = [check for check in found.series("quality") if "town" in check.what]
    assert new and not [check for check in found.alarms if check.kind == "quality"]
    odd = answered(tail(ROWS).with_columns(pl.format("u{}", pl.int_range(ROWS)).alias("town")),
                   random)
    assert any(kind == "quality" and "town" in what
               for _, kind, what in alarmed(judged(subject, usual, odd)))


def test_truths_of_some_rows_rather_than_others_are_told(subject: Subject) -> None:
    rows = stable(31, 2)
    sure = rows.with_columns(pl.when(pl.col("confidence") > 0.8).then(pl.col("truth")))
    found = judged(subject, sure).series("score")
    assert all("surer answers than the others" in check.said for check in found) and found
    half = rows.with_columns(pl.when(pl.int_range(2 * ROWS) % 2 == 0).then(pl.col("truth")))
    assert not [check for check in judged(subject, half).series("score") if "surer" in check.said]


def test_rules_that_a_person_wrote(subject: Subject, reference: Side) -> None:
    rules = Expectations({"x": ColumnRule(max=2.0)}, extra_columns="ignore")
    found = watch(subject, log_of(stable(32, 1)), Options(
        window=f"{ROWS} rows", together=False, anomalies=False), reference=reference, rules=rules)
    assert [(check.kind, check.what) for check in found.alarms] == [("quality", "x (range)")]


def test_strange_rows(subject: Subject, reference: Side) -> None:
    odd = stable(16, 1).with_columns(
        pl.when(pl.int_range(ROWS) < 60).then(40.0).otherwise(pl.col("row.x")).alias("row.x"),
        pl.when(pl.int_range(ROWS) < 60).then(-40.0).otherwise(pl.col("row.z")).alias("row.z"))
    found = judged(subject, stable(17, 1), odd, reference=reference, anomalies=True)
    assert (1, "anomalies", "rows") in alarmed(found)
    strange = found.series("anomalies")[-1]
    assert 0.15 <= strange.value <= 0.22 and strange.before <= 0.03


def test_all_checks_of_a_window_share_its_level(subject: Subject, reference: Side) -> None:
    found = judged(subject, stable(18, 2), reference=reference, control="window", level=0.04)
    for each in found.windows:
        assert each.level == 0.04
        raw = sorted(2 * check.p for check in each.checks
                     if math.isfinite(check.p) and check.kind != "quality")
        brute = [min(1.0, max(raw[j] * (len(raw) - j) for j in range(at + 1)))
                 for at in range(len(raw))]
        shown = sorted(check.p_adjusted for check in each.checks
                       if math.isfinite(check.p) and check.kind != "quality")
        assert shown == pytest.approx(brute)


def test_counts_say_what_rows_say(subject: Subject, schema: Schema) -> None:
    """Every comparison with the sketch is the same, whether rows are kept or counted."""
    frame = table(np.random.default_rng(19), 700, move=0.4).with_columns(
        pl.when(pl.int_range(700) % 9 == 0).then(None).otherwise(pl.col("z")).alias("z"))
    assert subject.sketch is not None
    counted = {(s.column, s.kind): s for s in of_counts(
        Counted.of(frame.to_dicts(), subject.sketch), subject.sketch, set(schema.features))}
    kept = drifting.drift(frame, subject.sketch, schema,
                          drifting.Options(whole=False, correction="none")).shifts
    assert len(counted) == len(kept) >= 5
    for shift in kept:
        own = counted[shift.column, shift.kind]
        assert (own.distance, own.p, own.psi) == pytest.approx(
            (shift.distance, shift.p, shift.psi))


def test_a_log_without_rows_is_judged_by_counts(subject: Subject) -> None:
    assert subject.sketch is not None
    random = np.random.default_rng(20)
    parts = [table(random, 600), table(random, 600, move=1.0)]
    logged = log_of(*(answered(part, random) for part in parts))
    hours = []
    for hour, start in enumerate(range(0, 1_200, 60)):
        rows = pl.concat(parts)[start:start + 60].to_dicts()
        hours.append((hour, Counted.of(rows, subject.sketch)))
    bare = logged.drop([name for name in logged.columns if name.startswith("row.")])
    found = watch(subject, bare, Options(window="600 rows"), counts=(subject.sketch, hours))
    assert [each.window.rows for each in found.windows] == [600, 600]
    assert (1, "input", "x") in alarmed(found)
    assert not [each for each in alarmed(found) if each[0] == 0]
    assert any("keeps no rows" in note for note in found.notes)
    nothing = watch(subject, bare, Options(window="600 rows"))
    assert any("no counts" in note for note in nothing.notes)


def test_windows_that_were_told_before_have_had_their_share(
    subject: Subject, reference: Side
) -> None:
    log = log_of(stable(21, 6))
    options = Options(window=f"{ROWS} rows", together=False, anomalies=False)
    whole = watch(subject, log, options, reference=reference)
    late = watch(subject, log, dataclasses.replace(options, last=2), reference=reference)
    since = watch(subject, log, options, reference=reference, since=whole.windows[4].window.end)
    assert [each.level for each in late.windows] == [each.level for each in whole.windows[-2:]]
    assert [each.window.number for each in since.windows] == [4, 5]
    assert late.windows[-1].to_json() == whole.windows[-1].to_json()


def test_thin_windows_and_empty_logs(subject: Subject) -> None:
    found = judged(subject, stable(22, 1)[:200])
    assert not found.windows and any("no window is full" in note for note in found.notes)
    assert found.ok and found.to_prometheus().count("\n") == 3
    empty = watch(subject, log_of(stable(22, 1))[:0], Options())
    assert empty.ok and not empty.windows


def test_answers_without_a_prediction_are_judged_as_far_as_they_go(subject: Subject) -> None:
    bare = stable(33, 2).drop("answer.prediction", "answer.p_no", "answer.p_yes")
    found = judged(subject, bare, by=("town",), protected=("sex",), together=True)
    assert found.ok and found.series("input") and found.series("confidence")
    assert not found.series("score") and not found.series("slice")


def test_a_misspelt_part_is_told(subject: Subject) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'town'"):
        judged(subject, stable(23, 1), by=("twon",))


def test_a_task_without_truths(schema: Schema) -> None:
    random = np.random.default_rng(24)
    subject = Subject("k", "1", "clustering", schema, None, 3_000)
    logged = log_of(stable(25, 2), answered(table(random, ROWS, move=1.5), random))
    plain = logged.select("id", "time", "confidence", "seconds", "truth", *(
        name for name in logged.columns if name.startswith("row.")),
        pl.when(pl.col("row.x") > 0).then(0).otherwise(1).alias("answer.cluster"))
    found = watch(subject, plain, Options(window=f"{ROWS} rows", together=False))
    told = alarmed(found)
    assert {(2, "input", "x"), (2, "prediction", "cluster")} <= told
    assert not [each for each in told if each[0] < 2 or each[1] in ("score", "estimate")]


def test_prometheus_text_is_well_formed(subject: Subject, reference: Side) -> None:
    hostile = dataclasses.replace(subject, name='m"\n{} 1\\')
    found = judged(hostile, stable(26, 1), reference=reference, **DEEP)
    sample = re.compile(r'[a-z_]+\{([a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+\} -?[0-9.e+-]+\Z')
    text = found.to_prometheus()
    names = set()
    for line in text.splitlines():
        if line.startswith("# "):
            names.add(line.split()[2])
        else:
            assert sample.match(line), line
            assert line.split("{")[0] in names
    assert {"wholefit_drift_distance", "wholefit_score", "wholefit_estimated_score",
            "wholefit_answer_seconds", "wholefit_anomalous_share"} <= names


def test_json_is_strict(subject: Subject, reference: Side) -> None:
    found = judged(subject, stable(27, 1), reference=reference, by=("town",))
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["ok"] is True and told["options"]["by"] == ["town"]
    assert len(told["windows"]) == 1 and told["windows"][0]["checks"]
