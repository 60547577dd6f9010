"""Several labels at once: words, forms of labels, thresholds, scores, files."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.unlabelled import several

import wholefit as wf
from wholefit.base.errors import DataError, ParameterError, SchemaError, UnknownNameError

LABELS = ["warm", "dry", "late"]
pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def sets(separator: str = "; ") -> pl.DataFrame:
    """The same rows with the labels in one column."""
    table = several()
    held = {"warm": table["warm"] == "yes", "dry": table["dry"] == 1, "late": table["late"]}
    said = [separator.join(name for name in LABELS if held[name][row])
            for row in range(len(table))]
    return table.drop(LABELS).with_columns(tags=pl.Series(said))


@pytest.fixture(scope="module")
def result() -> wf.Multilabel:
    return wf.fit(several(), target=LABELS, models="logistic", jobs=1)


def test_a_list_of_columns_is_several_labels(result: wf.Multilabel) -> None:
    assert isinstance(result, wf.Multilabel) and result.task == "multilabel"
    assert set(result.names) == set(LABELS) and result.metric == "log_loss"
    assert [entry.model for entry in result.leaderboard if entry.best] == [result.model] or \
        any(entry.tied and entry.recommended for entry in result.leaderboard)
    assert result.scores["roc_auc"].value > 0.8
    assert set(result.thresholds.values()) == {0.5}


def test_answers_have_the_form_of_the_rows(result: wf.Multilabel) -> None:
    told = result.predict(several())
    assert told.columns[0] == "key" and set(told["warm"]) == {"yes", "no"}
    assert set(told["dry"]) == {0, 1} and told["late"].dtype == pl.Boolean
    chances = result.predict_proba(several())
    for name, yes in (("warm", "yes"), ("dry", 1), ("late", True)):
        assert ((chances[f"p_{name}"] >= 0.5) == (told[name] == yes)).all()
    frame = result.predict(several().to_pandas().set_index("key", drop=False))
    assert isinstance(frame, pd.DataFrame) and frame.index[3] == "r003"
    whole = result.answers(several())
    assert whole.columns == [*told.columns, *chances.columns[1:]]


def test_rows_alone_are_answered_as_in_a_batch(result: wf.Multilabel) -> None:
    together = result.predict_proba(several())
    alone = pl.concat([result.predict_proba(several()[at:at + 1]) for at in range(8)])
    assert_frame_equal(alone, together.head(8), check_exact=False, rel_tol=1e-12)


@pytest.mark.parametrize("separator", ["; ", "|", ", "])
def test_one_column_of_sets(separator: str) -> None:
    made = wf.fit(sets(separator), target="tags", task="multilabel", models="logistic", jobs=1)
    assert set(made.names) == set(LABELS)
    told = made.predict(sets(separator))["tags"].to_list()
    parts = {part.strip() for cell in told for part in cell.split(separator.strip()) if part}
    assert parts <= set(LABELS) and "" in told
    same = wf.fit(several(), target=LABELS, models="logistic", jobs=1)
    for name in LABELS:
        assert made.predict_proba(sets(separator))[f"p_{name}"].to_list() == pytest.approx(
            same.predict_proba(several())[f"p_{name}"].to_list(), abs=0.05)


def test_lists_in_cells_are_sets_and_come_back_as_json() -> None:
    table = sets()
    lists = table.with_columns(pl.col("tags").str.split("; "))
    made = wf.fit(lists, target="tags", task="multilabel", models="logistic", jobs=1,
                  least=5)
    assert set(made.names) == set(LABELS)
    assert made.predict(lists)["tags"][0].startswith("[")
    own = pd.DataFrame({"a": table["a"], "b": table["b"],
                        "tags": [cell.split("; ") if cell else [] for cell in table["tags"]]})
    assert set(wf.fit(own, target="tags", task="multilabel", models="logistic",
                      jobs=1).names) == set(LABELS)


def test_evaluation_needs_the_labels_and_gives_every_metric(result: wf.Multilabel) -> None:
    found = result.evaluate(several(), "f1")
    assert next(iter(found)) == "f1_macro" and len(found) == 9
    assert all(score.low <= score.value <= score.high for score in found.values())
    each = result.evaluate_labels(several())
    assert each["label"].to_list() == list(result.names) and (each["roc_auc"] > 0.8).all()
    with pytest.raises(SchemaError, match="dry"):
        result.evaluate(several().drop("dry"))
    with pytest.raises(UnknownNameError):
        result.evaluate(several(), "f7x")


def test_labels_that_are_not_known_are_learnt_around() -> None:
    table = several().with_columns(
        dry=pl.when(pl.int_range(pl.len()) % 3 == 0).then(None).otherwise(pl.col("dry")))
    made = wf.fit(table, target=LABELS, models=["logistic", "mlp"], jobs=1)
    by_name = {entry.model: entry for entry in made.leaderboard}
    assert by_name["mlp"].status == "skipped" and "not known" in by_name["mlp"].reason
    assert made.labels.filter(label="dry")["known"][0] == 100
    assert made.scores["roc_auc"].value > 0.8
    assert any(note.kind == "labels_unknown" for note in made.notes)


def test_thresholds_for_f1_are_chosen_on_other_rows_and_can_be_stated(tmp_path: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 2))
    table = pl.DataFrame({"x": x[:, 0], "z": x[:, 1],
                          "rare": (x[:, 0] + rng.normal(size=600) > 2.4).astype(int),
                          "common": (x[:, 1] + rng.normal(size=600) > 0).astype(int)})
    plain = wf.fit(table, target=["rare", "common"], models="logistic", jobs=1)
    tuned = wf.fit(table, target=["rare", "common"], models="logistic", jobs=1, threshold="f1")
    assert tuned.thresholds["rare"] < 0.4
    assert tuned.scores["f1_macro"].value > plain.scores["f1_macro"].value
    assert tuned.scores["log_loss"].value == plain.scores["log_loss"].value
    other = plain.with_thresholds({"rare": 0.2})
    assert other.thresholds["rare"] == 0.2 and other.thresholds["common"] == 0.5
    again = wf.load(other.save(tmp_path / "m.wf"))
    assert again.thresholds == other.thresholds
    assert again.predict(table)["rare"].sum() > plain.predict(table)["rare"].sum()
    for wrong in (0, 1.5, "f2", {"rares": 0.5}):
        with pytest.raises((ParameterError, UnknownNameError)):
            plain.with_thresholds(wrong)


def test_groups_stay_together_and_weights_count() -> None:
    table = several().with_columns(house=pl.int_range(pl.len()) // 5, heavy=pl.lit(1.0))
    made = wf.fit(table, target=LABELS, groups="house", models="logistic", jobs=1)
    assert "group" in made.split and "units" in made.scores["log_loss"].how
    heavy = table.drop("house").with_columns(
        heavy=pl.when(pl.col("late")).then(20.0).otherwise(0.1))
    tilted = wf.fit(heavy, target=LABELS, weights="heavy", models="logistic", jobs=1)
    assert tilted.predict_proba(several())["p_late"].mean() > \
        made.predict_proba(several())["p_late"].mean() + 0.1


def test_past_comes_before_future() -> None:
    table = several().with_columns(at=pl.int_range(pl.len()))
    made = wf.fit(table, target=LABELS, time="at", models="logistic", jobs=1)
    assert "stretches of time" in made.split
    assert made.score is not None and made.score.n < 150


@pytest.mark.parametrize(("words", "said"), [
    ({"target": ["warm", "kind"]}, None),
    ({"target": ["warm", "a"]}, "must have two values"),
    ({"target": ["warm", "wram"]}, "wram"),
    ({"target": ["warm", "warm"]}, "twice"),
    ({"target": []}, "must name columns"),
    ({"task": "multilabel"}, "target="),
    ({"task": "multilabel", "target": "kind"}, "sets of labels"),
    ({"task": "classification", "target": ["warm", "dry"]}, "one column"),
    ({"target": LABELS, "least": 140}, "at least 2 labels"),
    ({"target": LABELS, "threshold": 2}, "threshold"),
    ({"target": LABELS, "separator": ";"}, "separator"),
    ({"target": LABELS, "metric": "rmse"}, "rmse"),
    ({"target": LABELS, "metric": lambda truth, answer: 0.0}, "function"),
    ({"target": LABELS, "models": "ridge"}, "not multilabel"),
    ({"target": LABELS, "positive": "yes"}, "positive"),
])
def test_wrong_words_are_refused_in_a_sentence(words: dict[str, Any], said: str | None) -> None:
    if said is None:  # any two columns of two values will do
        assert set(wf.fit(several(), models="logistic", jobs=1, **words).names) == {"warm", "kind"}
        return
    with pytest.raises((DataError, ParameterError, UnknownNameError), match=said):
        wf.fit(several(), **words)


def test_an_unknown_value_of_a_label_is_named() -> None:
    made = wf.fit(several(), target=LABELS, models="logistic", jobs=1)
    with pytest.raises(DataError, match="label 'warm' must be 'no' or 'yes'"):
        made.evaluate(several().with_columns(warm=pl.lit("perhaps")))


def test_rare_labels_are_left_out_and_said() -> None:
    table = several().with_columns(odd=(pl.int_range(pl.len()) < 3).cast(pl.Int64))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        made = wf.fit(table, target=[*LABELS, "odd"], models="logistic", jobs=1)
    assert "odd" not in made.names and any("'odd'" in str(each.message) for each in said)


def test_a_network_answers_all_labels_at_once(tmp_path: Any) -> None:
    pytest.importorskip("torch")
    made = wf.fit(several(), target=LABELS, models="mlp(epochs=30)", jobs=1)
    entry = next(e for e in made.leaderboard if e.model == "mlp")
    assert entry.status == "ok" and entry.scores["roc_auc"].value > 0.8
    again = wf.load(made.save(tmp_path / "m.wf"))
    assert_frame_equal(again.predict_proba(several()), made.predict_proba(several()))


# -- what a second reader found ---------------------------------------------------------------

class Broken:
    """A user's estimator with a fault of its own."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {}

    def set_params(self, **words: Any) -> Broken:
        return self

    def fit(self, X: Any, y: Any) -> Broken:
        raise TypeError("y is not to my taste")

    def predict(self, X: Any) -> Any:
        return X


def test_the_page_says_a_command_that_works(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    several().write_csv("rows.csv")
    made = wf.fit("rows.csv", target=LABELS, models="logistic", jobs=1, threshold="f1", folds=3)
    command = shlex.split(json.loads(made.report("r.json").read_text())["reproduce"]["shell"])
    assert "--threshold" in command and "--folds" in command
    done = subprocess.run([sys.executable, "-m", "wholefit", *command[1:], "--models", "logistic"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    wrong = subprocess.run(
        [sys.executable, "-m", "wholefit", "fit", "rows.csv", "--task", "multilabel", "--target",
         ",".join(LABELS), "--set", "threshold=f1", "--force"], capture_output=True, text=True,
        check=False)
    assert wrong.returncode and "say --threshold" in wrong.stderr


def test_rows_of_which_nothing_is_known_can_be_among_them(tmp_path: Any) -> None:
    none = pl.int_range(pl.len()) < 12
    table = several().with_columns(
        pl.when(none).then(None).otherwise(pl.col(name)).alias(name) for name in LABELS)
    made = wf.fit(table, target=LABELS, models="logistic", jobs=1)
    again = wf.load(made.save(tmp_path / "m.wf"))
    assert again.importance is not None and again.importance["value"].is_finite().all()
    assert "no row has" not in made.to_text()


def test_arrays_may_be_empty_and_mixtures_are_refused() -> None:
    table = sets()
    arrays = pl.Series([("[" + ", ".join(f'"{part}"' for part in cell.split("; ")) + "]")
                        if cell else "" for cell in table["tags"]])
    made = wf.fit(table.with_columns(tags=arrays), target="tags", task="multilabel",
                  models="logistic", jobs=1)
    assert set(made.names) == set(LABELS)
    mixed = pl.Series([cell if at % 2 else array for at, (cell, array) in enumerate(
        zip(table["tags"], arrays, strict=True))])
    with pytest.raises(DataError, match="written alike"):
        wf.fit(table.with_columns(tags=mixed), target="tags", task="multilabel")


def test_no_answer_hides_another() -> None:
    table = several().rename({"warm": "p_dry"})
    made = wf.fit(table, target=["p_dry", "dry"], models="logistic", jobs=1)
    found = made.answers(table)
    assert found.columns == ["key", "p_dry", "dry", "p_p_dry", "p_p_p_dry"] or \
        set(found["p_dry"]) == {"yes", "no"}
    assert found.width == 5 and set(found["p_dry"]) == {"yes", "no"}


@pytest.mark.parametrize("values", [(0, 0.5), (1.0, 2.0), (1234567, 1234568), ("No ", "yes"),
                                    (-1, 1), (True, False)])
def test_two_values_of_any_kind_are_told_apart(values: tuple[Any, Any]) -> None:
    held = several()["warm"] == "yes"
    table = several().with_columns(warm=pl.Series(
        [values[int(each)] for each in held], strict=False))
    made = wf.fit(table, target=LABELS, models="logistic", jobs=1)
    told = made.predict(table)["warm"]
    assert told.n_unique() == 2 and made.scores["roc_auc"].value > 0.8
    assert len(made.predict(table.head(0))) == 0


def test_labels_of_one_value_are_left_out_by_name() -> None:
    table = several().with_columns(never=pl.lit(0), unknown=pl.lit(None, dtype=pl.Int64))
    made = wf.fit(table, target=[*LABELS, "never", "unknown"], models="logistic", jobs=1)
    assert set(made.names) == set(LABELS)
    assert any("never" in note.message for note in made.notes)


def test_dates_are_no_labels() -> None:
    from datetime import date

    table = several().with_columns(late=pl.when(pl.col("late")).then(date(2020, 1, 1)).otherwise(
        date(2021, 1, 1)))
    with pytest.raises(DataError, match="dates"):
        wf.fit(table, target=LABELS, models="logistic")


@pytest.mark.parametrize("form", [tuple, set, np.array, pd.Index, pd.Series, pl.Series])
def test_columns_may_be_named_in_any_list(form: Any) -> None:
    assert set(wf.fit(several(), target=form(LABELS), models="logistic", jobs=1).names) == \
        set(LABELS)


@pytest.mark.parametrize("wrong", [3, {"warm": 1}, ["warm"], [1, 2]])
def test_what_names_no_columns_is_refused(wrong: Any) -> None:
    with pytest.raises(ParameterError):
        wf.fit(several(), target=wrong)


def test_two_times_are_one_fold() -> None:
    table = several().with_columns(at=(pl.int_range(pl.len()) >= 75).cast(pl.Int64) + 2020)
    made = wf.fit(table, target=LABELS, time="at", models="logistic", jobs=1)
    assert made.score is not None and made.score.n == 75


def test_a_fault_in_one_model_leaves_the_others() -> None:
    made = wf.fit(several(), target=LABELS, models=[Broken(), "logistic"], jobs=1)
    failed = next(entry for entry in made.leaderboard if entry.status == "failed")
    assert "not to my taste" in failed.reason and "logistic" in made.model
    assert any("failed" in sentence for sentence in made.warnings)


def test_a_label_that_one_group_holds_is_left_out_by_name() -> None:
    table = several().with_columns(house=pl.int_range(pl.len()) // 30,
                                   mine=(pl.int_range(pl.len()) < 30).cast(pl.Int64))
    made = wf.fit(table, target=[*LABELS, "mine"], groups="house", models="logistic", jobs=1)
    assert "mine" not in made.names and made.scores["roc_auc"].value > 0.8
    assert any(note.kind == "labels_unjudged" and "mine" in note.message for note in made.notes)


def test_networks_that_cannot_learn_are_said() -> None:
    table = several().with_columns(
        dry=pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise(pl.col("dry")))
    made = wf.fit(table, target=LABELS, models="mlp", jobs=1)
    assert any("mlp" in sentence and "not known" in sentence for sentence in made.warnings)
    chosen = wf.fit(several(), target=LABELS, models="mlp", features={"select": "f"}, jobs=1)
    assert any("choice of features" in sentence for sentence in chosen.warnings)


def test_sets_written_otherwise_are_not_judged() -> None:
    made = wf.fit(sets("; "), target="tags", task="multilabel", models="logistic", jobs=1)
    with pytest.raises(DataError, match="parted by ';'"):
        made.evaluate(sets("|"))
    with pytest.raises(DataError, match="parted by ';'"):
        made.evaluate(sets().with_columns(pl.col("tags").str.split("; ")))


def test_stated_thresholds_are_told() -> None:
    made = wf.fit(several(), target=LABELS, models="logistic", jobs=1)
    other = made.with_thresholds({"dry": np.float32(0.25)})
    row = other.labels.filter(label="dry")
    assert row["threshold"][0] == 0.25 and np.isnan(row["f1"][0])
    assert other.labels.filter(label="late")["f1"].is_finite().all()
    assert "dry from 0.25" in other.to_text()


def test_a_column_that_gives_a_label_away_is_said() -> None:
    table = several().with_columns(copy=pl.col("dry") * 7)
    made = wf.fit(table, target=LABELS, models="logistic", jobs=1)
    assert any("'dry'" in sentence and "'copy'" in sentence for sentence in made.warnings)
    quiet = wf.fit(table, target=LABELS, models="logistic", jobs=1, checks=False)
    assert not any("copy" in sentence for sentence in quiet.warnings)


def test_rows_that_are_not_known_stop_no_booster() -> None:
    pytest.importorskip("lightgbm")
    rng = np.random.default_rng(8)
    x = rng.normal(size=(900, 3))
    a = (x[:, 0] + x[:, 1] * x[:, 2] > -0.4).astype(float)
    b = (x[:, 1] > 0).astype(float)
    hidden = rng.random(900) < 0.7
    table = pl.DataFrame({"x": x[:, 0], "z": x[:, 1], "w": x[:, 2],
                          "a": pl.Series(np.where(hidden, np.nan, a)).fill_nan(None), "b": b})
    made = wf.fit(table, target=["a", "b"], jobs=1, blend=False, stack=False,
                  models="lightgbm(n_estimators=200, early_stopping=20)")
    score = made.labels.filter(label="a")
    assert score["log_loss"][0] < 0.42 and score["known"][0] == int((~hidden).sum())


def test_very_many_rare_labels_do_not_refuse_the_rows_learnt_from() -> None:
    rng = np.random.default_rng(9)
    often = [[f"t{at}" for at in range(3) if rng.random() < 0.5] for _ in range(900)]
    said = ["; ".join([*some, *(f"rare{at}-{place}" for place in range(8))])
            for at, some in enumerate(often)]
    table = pl.DataFrame({"x": [float(len(each)) for each in often], "tags": said})
    made = wf.fit(table, target="tags", task="multilabel", models="logistic", jobs=1)
    assert set(made.names) == {"t0", "t1", "t2"}
    assert made.evaluate(table)["roc_auc"].value > 0.5


def test_each_models_own_reason_is_told() -> None:
    table = several().with_columns(
        dry=pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise(pl.col("dry")))
    made = wf.fit(table, target=LABELS, models=[Broken(), "mlp", "logistic"], jobs=1)
    assert sum("mlp" in sentence for sentence in made.warnings) == 1
    assert any("Broken" in each and "taste" in each for each in made.warnings)


def test_blank_cells_are_not_known() -> None:
    table = several().with_columns(
        warm=pl.when(pl.int_range(pl.len()) % 9 == 0).then(pl.lit("  ")).otherwise(pl.col("warm")))
    made = wf.fit(table, target=LABELS, models="logistic", jobs=1)
    assert made.labels.filter(label="warm")["known"][0] < 150
    with pytest.raises(ParameterError):
        wf.fit(several(), target={"warm", 1})
