"""Recipes: data in, data out; replayable, storable, and hostile ones refused in a sentence."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wholefit as wf
from wholefit.base.errors import (
    ArtifactError,
    DataError,
    ParameterError,
    SchemaError,
    UnknownNameError,
    WholefitError,
)
from wholefit.base.state import State, same
from wholefit.data.clean import STEPS, FittedRecipe, Recipe
from wholefit.data.clean.propose import propose

FRAME = pl.DataFrame({
    "town": ["Ely ", "ely", "Wells", "  Wells", None, "Ely"] * 5,
    "age": [30, 41, None, -999, 25, 38] * 5,
    "^a.*$": [1.5, None, 3.0, 100.0, 2.0, float("nan")] * 5,
    "*": ["2024-01-31", "31/01/2024", None, "1/2/2024", "5/6/2024", "x"] * 5,
})
ALL = [
    {"do": "whitespace"}, {"do": "unicode", "form": "NFKC"},
    {"do": "spellings", "columns": ["town"]}, {"do": "replace", "values": [-999]},
    {"do": "dates", "columns": ["*"]}, {"do": "indicator"},
    {"do": "fill_neighbours", "columns": ["age", "^a.*$"], "k": 2},
    {"do": "outliers", "columns": ["^a.*$"], "method": "robust"},
    {"do": "derive", "column": "ratio", "formula": "`^a.*$` / age"},
    {"do": "rename", "names": {"town": "*2"}},
    {"do": "filter", "where": "age > 1", "unknown": "keep"},
    {"do": "deduplicate", "keep": "last"},
]


def test_every_step_documents_itself_and_survives_the_file(tmp_path: Path) -> None:
    for name, kind in STEPS.items():
        assert kind.name == name and kind.__doc__ and all(s.doc for s in kind.specs())
    recipe = Recipe.of(ALL)
    for ending in ("toml", "json"):
        path = recipe.save(tmp_path / f"r.{ending}")
        assert Recipe.load(path) == recipe
        with pytest.raises(DataError, match="exists already"):
            recipe.save(path)
    with pytest.raises(ParameterError, match=r"\.toml or \.json"):
        recipe.save(tmp_path / "r.yaml")


def test_a_fitted_recipe_is_data_and_repeats_itself() -> None:
    ran = Recipe.of(ALL).run(FRAME)
    again = FittedRecipe.from_state(ran.fitted.state())
    assert same(again.state(), ran.fitted.state())
    assert again.apply(FRAME).equals(ran.frame)
    assert Recipe.of(ALL).run(FRAME).frame.equals(ran.frame)
    json.dumps([change.to_json() for change in ran.changes])
    assert ran.rows.tolist() == sorted(set(ran.rows.tolist()))


def test_each_row_alone_is_cleaned_as_among_others() -> None:
    fitted = Recipe.of(ALL).run(FRAME).fitted
    whole = fitted.apply(FRAME, drop=False)
    assert whole.height == FRAME.height
    for at in range(6):
        alone = fitted.apply(FRAME[at:at + 1], drop=False)
        for mine, theirs in zip(alone.row(0), whole.row(at), strict=True):
            assert mine == theirs or mine == pytest.approx(theirs)


WORDS = st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=12)


@given(st.dictionaries(WORDS.filter(bool), WORDS, min_size=1, max_size=4),
       st.lists(st.one_of(WORDS, st.integers(-2**53, 2**53), st.booleans(),
                          st.floats(allow_nan=False, allow_infinity=False)), min_size=1),
       WORDS)
@settings(max_examples=60, deadline=None)
def test_any_words_survive_toml(mapping, values, why) -> None:
    import tomllib

    recipe = Recipe((STEPS["spellings"](mapping=mapping), STEPS["replace"](values=tuple(values))),
                    (why, ""))
    assert Recipe.from_dict(tomllib.loads(recipe.to_toml())) == recipe


@pytest.mark.parametrize("text, said", [
    ('[[step]]\ndo = "fil"', "did you mean 'fill'"),
    ('[[step]]\ndo = "fill"\nstrategie = "mean"', "did you mean 'strategy'"),
    ('[[step]]\ndo = "fill"\nstrategy = "eval"', "must be one of 'mean'"),
    ('[[step]]\ndo = "fill"\nstrategy = "constant"', "must be given with strategy 'constant'"),
    ('[[step]]\ndo = "filter"\nwhere = "__import__(\'os\')"', "no function is named"),
    ('[[step]]\ndo = "filter"\nwhere = "age >"', "a value was expected; got the end"),
    ('[[step]]\ndo = "filter"\nwhere = ""', "must say something"),
    ('[[step]]\ndo = "filter"\nwhere = "age"', "must say true or false"),
    ('[[step]]\ndo = "derive"\ncolumn = "x"\nformula = "agee * 2"', "did you mean 'age'"),
    ('[[step]]\ndo = "dates"\ncolumns = ["*"]\nformats = ["%n%n"]', "must be date formats"),
    ('[[step]]\ndo = "rename"\nnames = { age = "town" }', "is there already"),
    ('[[step]]\ndo = "rename"\nnames = { age = "x", town = "x" }', "two columns one name"),
    ('[[step]]\ndo = "drop"\ncolumns = ["nope"]', "no column is named 'nope'"),
    ('[[step]]\ndo = "numbers"\nunit = "kgg"', "no unit is named 'kgg'"),
    ('[[step]]\ndo = "outliers"\nmethod = "forest"', "must be 'flag' or 'drop'"),
    ('[[step]]\ndo = "fill"\ncolumns = [3]', "must be a list of words"),
    ('[[step]]\ndo = "fill"\ncolumns = ["town"]', "needs numbers; column 'town' holds text"),
    ('[[step]]\ndo = 3', 'must be a table with do = "..."'),
    ('step = "fill"', "must be a list of tables"),
    ('version = 2', "version 2 is not known"),
    ('stepp = []', "did you mean 'step'"),
    ('[[step]', "is not TOML"),
    ('{"step": [}', "is not JSON"),
    ("[1, 2]", "is not TOML"),
])
def test_hostile_recipes_end_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(WholefitError) as refused:
        Recipe.load(path).run(FRAME)
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_huge_recipes_and_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="at most 500 steps"):
        Recipe.of([{"do": "whitespace"}] * 501)
    path = tmp_path / "r.json"
    path.write_text(" " * 2_000_001)
    with pytest.raises(DataError, match="at most 2,000,000"):
        Recipe.load(path)
    path.write_text("[" * 100_000)
    with pytest.raises(DataError, match=r"not JSON|must hold steps"):
        Recipe.load(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read"):
        Recipe.load(path)
    with pytest.raises(DataError, match="there is no recipe"):
        Recipe.load(tmp_path / "none.toml")
    looped: list[object] = []
    looped.append(looped)
    with pytest.raises(ParameterError, match="must be a table"):
        Recipe.of(looped)


@pytest.mark.parametrize("table", [
    {"a": []}, {"a": [None]}, {"a": [None, None], "b": ["", "x"]}, {"": [1, 2]},
    {"a": [2**63 - 1, -2**63]}, {"a": [float("nan"), float("inf")]}, {"a": [True, None]},
    {"a": [[1], [2, 3]]}, {"^.*$": ["x", "y"], "*": [1, 2]},
])
def test_every_step_meets_odd_tables(table) -> None:
    frame = pl.DataFrame(table, strict=False)
    for name in ("whitespace", "unicode", "case", "spellings", "numbers", "dates", "types", "fill",
                 "indicator", "drop_missing_rows", "drop_missing_columns", "fill_neighbours",
                 "fill_iterative", "outliers", "deduplicate"):
        Recipe.of([{"do": name}]).run(frame)
    for more in ({"do": "outliers", "method": "forest", "action": "flag"},
                 {"do": "fill", "strategy": "mode"}, {"do": "deduplicate", "alike": 0.9}):
        Recipe.of([more]).run(frame)
    propose(frame)


def test_changes_count_rows_and_cells_and_show_them() -> None:
    done = wf.clean(FRAME, [{"do": "whitespace"}, {"do": "replace", "values": [-999]},
                            {"do": "filter", "where": "age > 26"}])
    first, second, third = done.changes
    assert first.cells == {"town": 10} and first.rows == 10
    assert (first.examples[0].row, first.examples[0].before, first.examples[0].after) == (
        1, "Ely ", "Ely")
    assert second.cells == {"age": 5} and third.dropped == 15
    assert "10 cells in 10 rows" in done.to_text() and "15 rows left out" in done.to_text()
    assert done.removed.height == 15 and set(done.removed["step"]) == {3}
    assert done.diff().filter(pl.col("row") == 1).rows() == [(1, "town", "Ely ", "Ely")]


def test_originals_can_be_had_back() -> None:
    steps = [{"do": "whitespace"}, {"do": "deduplicate"}]
    done = wf.clean(FRAME, steps)
    assert done.undo().equals(done.before)
    assert done.before["town"].equals(FRAME["town"]) and done.before["*"].equals(FRAME["*"])
    assert done.undo(last=1).height == 30 and done.frame.height == 6
    assert done.undo(last=0).equals(done.frame)
    with pytest.raises(ParameterError, match="from 0 to 2 steps"):
        done.undo(last=3)
    dry = wf.clean(FRAME, steps, dry_run=True)
    assert dry.frame.height == 30 and dry.after.height == 6 and "dry run" in dry.to_text()


def test_the_frame_type_of_the_user_comes_back() -> None:
    pandas = pytest.importorskip("pandas")
    table = {"a": [" x", "y"], "b": [1, 2]}
    assert wf.clean(table, [{"do": "whitespace"}]).frame == {"a": ["x", "y"], "b": [1, 2]}
    given = pandas.DataFrame(table)
    found = wf.clean(given, [{"do": "whitespace"}]).frame
    assert isinstance(found, pandas.DataFrame) and found["a"].tolist() == ["x", "y"]
    assert given["a"].tolist() == [" x", "y"], "the user's own table is left alone"


def test_the_target_is_only_touched_by_name() -> None:
    frame = pl.DataFrame({"x": [1.0, None, 3.0, 99.0] * 5, "y": [1.0, None, 3.0, 99.0] * 5})
    steps = [{"do": "fill"}, {"do": "outliers", "method": "robust"}]
    done = wf.clean(frame, steps, target="y")
    assert done.frame["y"].equals(frame["y"]) and not done.frame["x"].equals(frame["x"])
    named = wf.clean(frame, [{"do": "fill", "columns": ["y"]}], target="y")
    assert named.frame["y"].null_count() == 0
    with pytest.raises(UnknownNameError, match="'z'"):
        wf.clean(frame, steps, target="z")


def test_new_rows_that_lack_a_column_of_a_formula_say_so() -> None:
    fitted = Recipe.of([{"do": "derive", "column": "r", "formula": "age / `^a.*$`"}]).fit(FRAME)
    with pytest.raises(SchemaError, match=r"step 1 \(derive\).*'age'"):
        fitted.apply(FRAME.drop("age"))


def test_a_fitted_recipe_that_was_altered_is_refused() -> None:
    fitted = Recipe.of([{"do": "fill"}, {"do": "outliers"}]).fit(FRAME)
    for wrong in (State("clean.fill"), State("clean.fill", {"columns": ["age"], "fills": []}),
                  State("clean.fill", {"columns": 3, "fills": 3})):
        with pytest.raises(DataError, match=r"step 1 \(fill\) cannot be done"):
            FittedRecipe(fitted.recipe, (wrong, fitted.learnt[1])).apply(FRAME)
    state = fitted.state()
    for config in ({}, {"recipe": {"step": [{"do": "evil"}]}, "first": 0},
                   {"recipe": state.config["recipe"], "first": "x"}):
        with pytest.raises(ArtifactError, match="stored recipe cannot be read"):
            FittedRecipe.from_state(State("clean.recipe", config, parts=state.parts))


REAL = {"titanic": [], "credit_data": [], "lending_club": [], "ames_housing": ["whitespace"]}


@pytest.mark.skipif(not os.environ.get("WHOLEFIT_DATA"), reason="WHOLEFIT_DATA is not set")
@pytest.mark.parametrize("name", REAL)
def test_real_tables_are_left_as_they_are(name: str) -> None:
    path = Path(os.environ["WHOLEFIT_DATA"]) / name / "data.csv.gz"
    done = wf.clean(path)
    assert [step.name for step in done.recipe.steps] == REAL[name], done.to_text()
    if name == "ames_housing":
        assert done.changes[0].cells == {"Sale_Type": 2536}, "'WD ' is in the source"


def test_rows_that_are_read_as_another_type_are_brought_to_the_one_learnt() -> None:
    fitted = Recipe.of([{"do": "derive", "column": "r", "formula": "a * 2 + year(d)"}]).fit(
        pl.DataFrame({"a": [1, 2], "d": ["2024-01-31", "2023-01-01"]}).with_columns(
            pl.col("d").str.to_date()))
    new = pl.DataFrame({"a": ["3", "x", None], "d": ["2024-05-06", "2020-01-01", "2020-01-01"]})
    assert fitted.apply(new)["r"].to_list() == [2030.0, None, None]
    empty = pl.DataFrame({"a": [None], "d": [None]})
    assert fitted.apply(empty)["r"].to_list() == [None]


def test_columns_can_be_chosen_by_role() -> None:
    frame = pl.DataFrame({"code": [f"A{i}" for i in range(60)], "x": [1.0, None, 3.0] * 20,
                          "flag": [True, None, False] * 20, "town": ["Ely", None, "York"] * 20})
    done = Recipe.of([{"do": "fill", "role": "categorical", "strategy": "mode"}]).apply(frame)
    assert done["town"].null_count() == 0 and done["x"].null_count() == 20
    done = Recipe.of([{"do": "fill", "role": "numeric"}]).apply(frame)
    assert done["x"].null_count() == 0 and done["town"].null_count() == 20


def test_proposals_are_made_from_evidence_and_change_nothing_that_is_sound() -> None:
    rng = np.random.default_rng(0)
    rows = 400
    sound = pl.DataFrame({
        "id": [f"c{i}" for i in range(rows)], "age": rng.integers(18, 80, rows),
        "town": rng.choice(["Chelsea", "Chelwood", "Ashford"], rows).tolist(),
        "spent": rng.lognormal(3, 1, rows).round(2)})
    assert len(propose(sound)) == 0
    town = sound["town"].to_list()
    first, second = [at for at, word in enumerate(town) if word == "Chelsea"][:2]
    town[first], town[second] = "Chelsae", "CHELSEA"
    town[town.index("Ashford")] = " Ashford"
    age = sound["age"].to_list()
    for at in (1, 5, 50, 90):
        age[at] = -999
    spent = [f"£{value:,.2f}" for value in sound["spent"].to_list()]
    broken = sound.with_columns(town=pl.Series(town), age=pl.Series(age), spent=pl.Series(spent))
    broken = pl.concat([broken, broken[10:14]])
    recipe = propose(broken)
    assert [step.name for step in recipe.steps] == [
        "whitespace", "numbers", "spellings", "replace", "deduplicate"]
    cleaned = wf.clean(broken).frame
    assert cleaned["town"].equals(sound["town"])
    assert cleaned["spent"].to_list() == sound["spent"].to_list()
    assert cleaned["age"].null_count() == 4 and all(recipe.why)
