"""Roles with their reasons, overrides, and what becomes of new data that does not fit."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.base.errors import DataError, ParameterError, SchemaError, UnknownNameError
from wholefit.data import (
    ROLES,
    Policies,
    Schema,
    conform,
    conforming,
    infer,
    load,
    load_roles,
    target_facts,
)

N = 200
RNG = np.random.default_rng(0)
REVIEWS = [f"the {a} was {b} and i {c} it very much"
           for a in ("dress", "shirt", "coat", "hat", "skirt", "scarf", "belt", "glove")
           for b in ("red", "blue", "small", "large", "warm", "soft", "thin", "odd")
           for c in ("like", "love", "hate", "wear")][:N]

COLUMNS = {
    "size": (RNG.normal(size=N), "numeric", "numbers, 200 different"),
    "rooms": (RNG.integers(1, 6, N), "numeric", "kept numeric because ordered"),
    "year": (np.arange(1800, 1800 + N), "numeric", "numbers"),
    "weight_g": (RNG.choice(10**6, N, replace=False), "numeric", "numbers"),
    "smoker": (RNG.integers(0, 2, N), "boolean", "0 and 1"),
    "alive": (RNG.integers(0, 2, N).astype(bool), "boolean", "true or false"),
    "said": (["true", "false"] * (N // 2), "boolean", "text that says true or false"),
    "customer_id": (RNG.choice(10**6, N, replace=False), "identifier", "the name says 'id'"),
    "passengerId": (np.arange(N) + 5, "identifier", "every value differs and the name says 'id'"),
    "row": (np.arange(N), "identifier", "counts the rows, from 0 to 199"),
    "ticketno": (np.arange(N) // 2 * 3 + np.arange(N) % 2, "identifier", "the name says 'no'"),
    "Shop ID": (RNG.integers(0, 9, N), "categorical", "order means nothing"),
    "zip": (RNG.integers(10000, 10050, N), "categorical", "a code"),
    "padded": ([f"{i % 30:05d}" for i in range(N)], "categorical", "leading zeros"),
    "asin": ([f"B00{i:05d}" for i in range(N)], "identifier", "100% of the values differ"),
    "name": ([f"Smith, Mr. John {i}" for i in range(N)], "identifier", "the name says 'name'"),
    "town": ([f"town {i % 12}" for i in range(N)], "categorical", "12 levels"),
    "review": (REVIEWS, "text", "words a cell"),
    "amount": ([str(i / 7) for i in range(N)], "numeric", "text that holds numbers"),
    "charges": ([" ", *(str(i / 7) for i in range(N - 1))], "numeric", "text that holds numbers"),
    "when": ([f"2020-01-{i % 28 + 1:02d}" for i in range(N)], "datetime", "%Y-%m-%d"),
    "born": ([dt.date(2000, 1, 1) + dt.timedelta(days=i) for i in range(N)], "datetime", "Date"),
    "same": (["x"] * N, "constant", "one value only in 200 rows"),
    "never": (pl.Series([None] * N, dtype=pl.Float64), "constant", "all 200 values are missing"),
    "pool": (["yes" if i % 9 == 0 else None for i in range(N)], "categorical",
             "one value or missing"),
    "tags": ([[1, 2]] * N, "ignored", "List"),
    "split": (["train", "test"] * (N // 2), "ignored", "earlier split"),
}


@pytest.mark.parametrize("name", list(COLUMNS))
def test_a_column_gets_the_role_a_person_would_give(name):
    values, role, reason = COLUMNS[name]
    frame = pl.DataFrame({name: values, "beside": RNG.normal(size=N)}, strict=False)
    column = infer(frame).column(name)
    assert column.role == role, column.reason
    assert reason in column.reason


def test_every_reason_is_a_clause_and_every_role_is_known():
    frame = pl.DataFrame({name: values for name, (values, _, _) in COLUMNS.items()}, strict=False)
    for column in infer(frame).columns:
        assert column.role in ROLES and column.reason and not column.reason.endswith(".")


REAL = {
    "titanic": {"name": "identifier", "ticketno": "identifier", "fare": "numeric",
                "country": "categorical", "sibsp": "numeric"},
    "adult": {"fnlwgt": "numeric", "educational-num": "numeric", "native-country": "categorical"},
    "telco_churn": {"female": "boolean", "total_charges": "numeric", "contract": "categorical"},
    "lending_club": {"sub_grade": "categorical", "total_bal_il": "numeric"},
    "fars_injury": {"CASE_STATE": "categorical", "ALCOHOL_TEST_RESULT": "numeric"},
    "ames_housing": {"Year_Built": "numeric", "Longitude": "numeric", "MS_SubClass": "categorical"},
    "appliances_energy": {"date": "datetime", "rv1": "numeric"},
    "nycflights13": {"year": "constant", "tailnum": "categorical", "flight": "numeric"},
    "sms_spam": {"text": "text", "spam": "boolean"},
    "fine_food_reviews": {"product": "identifier", "review": "text", "split": "ignored"},
    "womens_clothing_reviews": {"Clothing ID": "categorical", "Title": "text",
                                "Review Text": "text", "Class Name": "categorical"},
    "metro_traffic": {"holiday": "categorical", "weather_description": "categorical",
                      "date_time": "datetime"},
    "beijing_pm25": {"No": "identifier", "year": "numeric", "pm2.5": "numeric"},
}


@pytest.mark.parametrize("name", list(REAL))
def test_roles_of_real_tables(name):
    root = os.environ.get("WHOLEFIT_DATA")
    if not root:
        pytest.skip("WHOLEFIT_DATA is not set: no real data to read")
    folder = Path(root) / name
    path = next(p for p in (folder / "data.parquet", folder / "data.csv.gz") if p.exists())
    schema = load(path).schema
    assert {column: schema.role(column) for column in REAL[name]} == REAL[name]


def test_few_rows_say_nothing_about_uniqueness():
    schema = infer(pl.DataFrame({"a": ["x", "y", "z"], "b": [1, 2, 3]}))
    assert schema.role("a") == "categorical" and schema.role("b") == "numeric"


def test_a_row_counter_is_learnt_from_when_there_is_nothing_else():
    frame = pl.DataFrame({"row": range(300), "y": RNG.normal(size=300)})
    schema = infer(frame, target="y")
    assert schema.features == ["row"]
    assert "the only thing to learn from" in schema.column("row").reason


def test_levels_ranges_and_counts_are_those_of_training():
    schema = infer(pl.DataFrame({"c": ["b", None, "a", "b"], "n": [1.0, float("inf"), None, -3.0]}))
    assert schema.column("c").levels == ("a", "b")
    assert (schema.column("c").missing, schema.column("c").distinct) == (1, 2)
    assert (schema.column("n").low, schema.column("n").high) == (-3.0, 1.0)


def test_at_most_a_thousand_levels_the_most_frequent_ones():
    cells = [f"v{i}" for i in range(1500)] * 2 + ["often"] * 9
    column = infer(pl.DataFrame({"c": cells})).column("c")
    assert column.role == "categorical" and column.distinct == 1501
    assert len(column.levels) == 1000 and "often" in column.levels


def test_schema_survives_json():
    frame = pl.DataFrame({name: values for name, (values, _, _) in COLUMNS.items()}, strict=False)
    schema = infer(frame, target="town", weights="size", groups="zip", time="when",
                   task="classification")
    assert Schema.from_json(json.loads(json.dumps(schema.to_json(), allow_nan=False))) == schema
    assert schema.having("weight") == ["size"] and schema.target == "town"


# Overrides -----------------------------------------------------------------------------------

FRAME = pl.DataFrame({"zip": [1, 2, 3, 1], "town": ["a", "b", "a", "b"], "y": [0, 1, 0, 1]})


def test_roles_are_overridden_by_a_dict_and_by_a_file(tmp_path):
    file = tmp_path / "roles.toml"
    file.write_text('[roles]\nzip = "categorical"\n', encoding="utf-8")
    for roles in ({"zip": "categorical"}, file, str(file), load_roles(file)):
        column = infer(FRAME, target="y", roles=roles).column("zip")
        assert (column.role, column.reason, column.levels) == (
            "categorical", "set by the user", ("1", "2", "3"))
    assert infer(FRAME, roles={"y": "target"}).target == "y"
    assert infer(FRAME).with_role(zip="ignored").role("zip") == "ignored"


def test_misspelt_roles_and_columns_get_the_nearest_right_word(tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'categorical'"):
        infer(FRAME, roles={"zip": "categoric"})
    with pytest.raises(UnknownNameError, match="no column is named 'zpi'; did you mean 'zip'"):
        infer(FRAME, roles={"zpi": "categorical"})
    with pytest.raises(UnknownNameError, match="did you mean 'town'"):
        infer(FRAME).column("twon")
    with pytest.raises(UnknownNameError, match="did you mean 'numeric'"):
        infer(FRAME).with_role(zip="numerc")


def test_contradictions_are_refused():
    with pytest.raises(DataError, match="one column can be the target; got zip, y"):
        infer(FRAME, target="y", roles={"zip": "target"})
    with pytest.raises(DataError, match="column 'y' has one role; got 'numeric' and 'target'"):
        infer(FRAME, target="y", roles={"y": "numeric"})


@pytest.mark.parametrize("role", ["numeric", "datetime", "boolean", "weight", "time"])
def test_a_role_the_cells_cannot_play_is_refused_with_an_example(role):
    with pytest.raises(DataError, match=f"column 'town' cannot be {role}: .* such as 'a'"):
        infer(FRAME, roles={"town": role})


@pytest.mark.parametrize("text", ["zip = 3", "zip = ", "roles = 7"])
def test_a_bad_roles_file_is_refused(tmp_path, text):
    file = tmp_path / "roles.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="roles file"):
        load_roles(file)
    with pytest.raises(DataError, match="cannot be read"):
        load_roles(tmp_path / "none.toml")


@pytest.mark.parametrize(("values", "kind", "distinct"), [
    ([1, 2, 2], "integer", 2), ([1.0, 2.0, None], "integer", 2), ([1.5, 2.0, 3.0], "number", 3),
    ([True, False, True], "boolean", 2), (["a", "b", "c"], "text", 3),
    (["1", "2", "2"], "integer", 2), ([dt.date(2020, 1, 1)] * 3, "datetime", 1)])
def test_target_facts(values, kind, distinct):
    facts = target_facts(pl.DataFrame({"y": values}), "y")
    assert (facts.kind, facts.distinct) == (kind, distinct)
    assert facts.rows == sum(v is not None for v in values)
    with pytest.raises(UnknownNameError, match="did you mean 'y'"):
        target_facts(pl.DataFrame({"y": values}), "Y")


# New data ------------------------------------------------------------------------------------

TRAIN = pl.DataFrame({
    "age": [20 + i % 50 for i in range(100)],
    "income": [1000.0 + 37 * i for i in range(100)],
    "town": ["Ely", "Wells"] * 50,
    "colour": ["red", "green", "blue", "red"] * 25,
    "seen": [dt.date(2020, 1, 1) + dt.timedelta(days=i % 60) for i in range(100)],
    "member": [True, False] * 50,
    "key": [f"k{i}" for i in range(100)],
    "y": [0, 1] * 50,
})
SCHEMA = infer(TRAIN, target="y")
NEW = TRAIN.head(30)


def test_what_fits_passes_without_a_word_in_any_order():
    frame, notes = conform(SCHEMA, NEW.select(reversed(NEW.columns)))
    assert notes == []
    assert frame.columns == ["age", "income", "town", "colour", "seen", "member", "key", "y"]
    assert frame["key"].equals(NEW["key"])
    assert conform(SCHEMA, NEW.drop("y", "key"))[0].columns == SCHEMA.features


def test_no_rows_and_one_row_are_data_too():
    assert conform(SCHEMA, NEW.head(0))[0].height == 0
    assert conform(SCHEMA, NEW.head(1))[1] == []


def test_an_absent_column_is_refused_with_its_likely_spelling():
    with pytest.raises(SchemaError, match=r"must have column 'town' \(there is 'Town '\): rename"):
        conform(SCHEMA, NEW.rename({"town": "Town "}))
    with pytest.raises(SchemaError, match="must have columns 'age', 'town': rename or add them"):
        conform(SCHEMA, NEW.drop("age", "town"))
    frame, notes = conform(SCHEMA, NEW.drop("age"), Policies(missing_column="impute"))
    assert frame["age"].null_count() == 30 and notes[0].kind == "column_missing"


def test_an_extra_column_is_left_out_or_refused():
    frame, (note,) = conform(SCHEMA, NEW.with_columns(shoe=pl.lit(44)))
    assert "shoe" not in frame.columns and "'shoe'" in note.message and note.severity == "info"
    with pytest.raises(SchemaError, match="got 'shoe'"):
        conform(SCHEMA, NEW.with_columns(shoe=pl.lit(44)), Policies(extra_column="error"))


def test_an_unseen_category_folds_or_is_refused():
    new = NEW.with_columns(town=pl.Series(["Ely", "York", "wells"] * 10))
    frame, (note,) = conform(SCHEMA, new)
    assert frame["town"][1] == "York" and note.count == 20 and note.rows[0] == 2
    assert "2 categories" in note.message and "'wells' (training had 'Wells')" in note.message
    with pytest.raises(SchemaError, match="column 'town' has 2 categories"):
        conform(SCHEMA, new, Policies(unseen_category="error"))


def test_text_numbers_are_converted_and_odd_cells_noted():
    cells = [str(a) for a in NEW["age"]]
    frame, notes = conform(SCHEMA, NEW.with_columns(age=pl.Series(cells)))
    assert frame["age"].to_list() == NEW["age"].to_list() and notes == []
    odd = ["12", "old", None, "n/a", "", *cells[5:]]
    frame, (note,) = conform(SCHEMA, NEW.with_columns(age=pl.Series(odd)))
    assert note.kind == "wrong_type" and note.count == 1 and note.rows == (2,)
    assert "column 'age' must hold numbers" in note.message and "'old' (row 2)" in note.message
    assert frame["age"].to_list()[:5] == [12, None, None, None, None]
    with pytest.raises(SchemaError, match="column 'age' must hold numbers; got type String"):
        conform(SCHEMA, NEW.with_columns(age=pl.Series(cells)), Policies(wrong_type="error"))


def test_a_column_of_another_kind_is_refused():
    with pytest.raises(SchemaError, match="column 'age' must hold numbers; 30 of 30 values"):
        conform(SCHEMA, NEW.with_columns(age=pl.lit("old")))
    with pytest.raises(SchemaError, match="column 'seen' must hold dates"):
        conform(SCHEMA, NEW.with_columns(seen=pl.lit(17)))
    with pytest.raises(SchemaError, match="column 'town' must hold categories"):
        conform(SCHEMA, NEW.with_columns(town=pl.lit([1])))


def test_true_and_false_in_any_spelling():
    new = NEW.with_columns(member=pl.Series(["yes", "FALSE", "1"] * 10))
    assert conform(SCHEMA, new)[0]["member"].to_list()[:3] == [1, 0, 1]
    trained = infer(pl.DataFrame({"c": ["True", "False", "maybe"] * 10}))
    frame, notes = conform(trained, pl.DataFrame({"c": [True, False]}))
    assert frame["c"].to_list() == ["True", "False"] and notes == []


def test_numeric_categories_are_the_same_as_integers_and_floats():
    trained = infer(pl.DataFrame({"c": [1, 2, 3]}), roles={"c": "categorical"})
    frame, notes = conform(trained, pl.DataFrame({"c": [1.0, None, 3.0]}))
    assert frame["c"].to_list() == ["1", None, "3"] and notes == []


def test_swapped_columns_are_found():
    with pytest.raises(SchemaError, match="columns 'town' and 'colour' look swapped"):
        conform(SCHEMA, NEW.rename({"town": "colour", "colour": "town"}))
    with pytest.raises(SchemaError, match="look swapped"):
        conform(SCHEMA, NEW.rename({"town": "age", "age": "town"}))
    with pytest.raises(SchemaError, match="columns 'age' and 'income' look swapped"):
        conform(SCHEMA, NEW.rename({"income": "age", "age": "income"}))
    swapped = NEW.rename({"town": "colour", "colour": "town"})
    _, notes = conform(SCHEMA, swapped, Policies(swapped="warn"))
    assert notes[0].kind == "columns_swapped" and len(notes) == 3


def test_a_single_odd_row_is_not_called_swapped():
    odd = NEW.head(1).with_columns(age=pl.lit(1500), income=pl.lit(45.0))
    assert conform(SCHEMA, odd)[1] == []
    drifted = NEW.with_columns(income=pl.col("income") + 10_000)
    assert conform(SCHEMA, drifted)[1] == []


def test_the_target_comes_back_in_the_kind_it_had():
    frame, _ = conform(SCHEMA, NEW.with_columns(y=pl.col("y").cast(pl.String)))
    assert frame["y"].to_list() == NEW["y"].to_list()


def test_day_first_dates_stay_day_first(tmp_path):
    days = [f"{i % 28 + 1:02d}/03/2020" for i in range(60)]
    pl.DataFrame({"d": days, "x": range(60), "y": [0, 1] * 30}).write_csv(tmp_path / "train.csv")
    pl.DataFrame({"d": ["04/05/2020"], "x": [3]}).write_csv(tmp_path / "new.csv")
    trained = load(tmp_path / "train.csv", target="y", roles={"x": "numeric"})
    asked = conforming(tmp_path / "new.csv", trained.schema)
    assert asked.times("d")[0] == np.datetime64("2020-05-04")
    memory = conforming(pl.DataFrame({"d": ["04/05/2020"], "x": [3]}), trained.schema)
    assert memory.times("d")[0] == np.datetime64("2020-05-04")


def test_policies_are_checked_and_documented():
    with pytest.raises(ParameterError, match="must be one of 'fold', 'error'"):
        Policies(unseen_category="drop")
    with pytest.raises(UnknownNameError, match="did you mean 'extra_column'"):
        Policies.from_dict({"extra_colum": "error"})
    assert all(spec.doc.endswith(".") for spec in Policies.specs())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=6), st.integers(-5, 5).map(str)),
                max_size=30),
       st.sampled_from(["age", "town", "seen", "member", "income"]))
def test_whatever_comes_in_conforms_or_is_refused_in_words(cells, name):
    new = pl.DataFrame({name: pl.Series(cells, dtype=pl.String)})
    others = TRAIN.head(1).select(pl.exclude(name)).select(
        pl.all().repeat_by(len(cells)).explode()) if cells else TRAIN.head(0).select(
        pl.exclude(name))
    try:
        frame, _ = conform(SCHEMA, others.with_columns(new.get_column(name)))
    except SchemaError as error:
        assert str(error).endswith(".") and name in str(error)
    else:
        assert frame.height == len(cells)
        assert frame.columns[:6] == SCHEMA.features
