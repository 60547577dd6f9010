"""Several labels at once: words, forms of labels, thresholds, scores, files."""

from __future__ import annotations

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
