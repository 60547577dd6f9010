"""Rules as a user holds them: tables, sentences, completions; saved, loaded, altered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.api.association import Rules
from wholefit.base.errors import (
    ArtifactError,
    DataError,
    SchemaError,
    UnknownNameError,
    WholefitWarning,
)
from wholefit.base.state import State
from wholefit.training.association._book import Book
from wholefit.training.found import Found

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def lines(n: int = 900, seed: int = 0) -> pl.DataFrame:
    """Orders of eight goods over two years; butter goes with bread, and jam with both."""
    random = np.random.default_rng(seed)
    X = random.random((n, 8)) < 0.3
    X[:, 1] |= X[:, 0] & (random.random(n) < 0.6)
    X[:, 2] |= X[:, 0] & X[:, 1] & (random.random(n) < 0.5)
    order, good = np.nonzero(X)
    names = ["bread", "butter", "<b>jam</b>", "tea", "salt", "milk, whole", "α", "a + b"]
    day = np.datetime64("2022-01-01") + random.integers(0, 700, n)
    return pl.DataFrame({
        "order": order, "good": [names[at] for at in good], "price": 1.0 + good,
        "day": day[order], "shop": [("north", "south")[at] for at in order % 2]})


@pytest.fixture(scope="module")
def result() -> Rules:
    found = wf.fit(lines(), task="association", basket="order", item="good", amount="price",
                   time="day", by="shop")
    assert isinstance(found, Rules)
    return found


def test_rules_are_a_table_in_the_users_own_type(result: Rules) -> None:
    assert {"antecedent", "consequent", "support", "confidence", "lift", "strength", "leverage",
            "conviction", "p", "p_adjusted"} <= set(result.rules.columns)
    assert ("bread", "butter") in set(result.rules.select("antecedent", "consequent").iter_rows())
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(lines().to_dict(as_series=False))
    again = wf.fit(frame, task="association", basket="order", item="good")
    assert isinstance(again.rules, pandas.DataFrame) and len(again.rules)


def test_a_loaded_model_says_and_answers_the_same(result: Rules, tmp_path: Path) -> None:
    loaded = wf.load(result.save(tmp_path / "b.wf"))
    assert isinstance(loaded, Rules)
    assert loaded.rules.equals(result.rules) and loaded.itemsets.equals(result.itemsets)
    assert loaded.sentences() == result.sentences() and loaded.to_text() == result.to_text()
    assert loaded.complete(lines(50, 1)).equals(result.complete(lines(50, 1)))
    assert {n: s.to_json() for n, s in loaded.evaluate(lines(300, 2)).items()} == {
        n: s.to_json() for n, s in result.evaluate(lines(300, 2)).items()}


def test_sentences_name_counts_intervals_and_money(result: Rules) -> None:
    said = next(s for s in result.sentences() if "also hold butter" in s)
    row = result.filter(antecedent="bread", consequent="butter", max_items=2).row(0, named=True)
    assert f"Of {row['x']:,} baskets with bread, {row['confidence'] * 100:.0f}%" in said
    assert "times as often as baskets of their size do by chance" in said
    assert f"the {row['both']:,} baskets with all of them are worth" in said
    assert len(result.sentences(2)) == len(result.actions(2)) == 2 and result.sentences(0) == []


def test_filter_and_about(result: Rules) -> None:
    about = result.about("<B>JAM</B>", min_lift=1.1)
    assert len(about) and all("<b>jam</b>" in [*row[0].split(" + "), row[1]]
                              for row in about.select("antecedent", "consequent").iter_rows())
    assert (about["lift"] >= 1.1).all()
    assert len(result.filter(min_confidence=1.01)) == 0
    with pytest.raises(UnknownNameError, match="did you mean 'bread'"):
        result.about("bred")
    with pytest.raises(UnknownNameError, match="did you mean 'min_lift'"):
        result.filter(min_lfit=2)


def test_complete_names_what_is_likely_and_why(result: Rules) -> None:
    found = result.complete([["bread"], [], ["no such thing"]], k=3)
    first = found.filter(pl.col("basket") == 1)
    assert first["item"][0] == "butter" and first["why"][0] == "bread"
    rule = result.filter(antecedent="bread", consequent="butter", max_items=2)
    assert first["chance"][0] == pytest.approx(rule["confidence"][0])
    empty = found.filter(pl.col("basket") == 2)
    assert empty["why"].null_count() == 3 and empty["chance"].is_sorted(descending=True)
    assert found.filter(pl.col("basket") == 3)["item"].equals(empty["item"])
    everything = result.complete([list(result._book.names)])
    assert len(everything) == 0
    with pytest.raises(DataError, match="a list of lists"):
        result.complete(["bread", "butter"])


def test_complete_equals_brute_force(result: Rules) -> None:
    rows = result.rules.select("antecedent", "consequent", "confidence").rows()
    known = result._book
    random = np.random.default_rng(0)
    for _ in range(30):
        held = set(random.choice(known.names, random.integers(0, 5), replace=False).tolist())
        best = {name: share for name, share in zip(known.names, known.scorer.popularity,
                                                   strict=True) if name not in held}
        for left, right, share in rows:
            if right in best and " + " not in right and _sides(left, known.names) <= held:
                best[right] = max(best[right], share)
        found = result.complete([sorted(held)], k=3)
        wanted = sorted(best.values(), reverse=True)[:3]
        assert found["chance"].to_list() == pytest.approx(wanted)


def _sides(left: str, names: list[str]) -> set[str]:
    """The items of a side; one of them has " + " in its own name."""
    found = {"a + b"} if left == "a + b" or left.startswith("a + b + ") else set()
    rest = left[len("a + b + "):] if found and left != "a + b" else "" if found else left
    if rest.endswith(" + a + b"):
        found, rest = found | {"a + b"}, rest[:-len(" + a + b")]
    return found | {name for name in rest.split(" + ") if name in names}


def test_new_baskets_confirm_or_not(result: Rules) -> None:
    scores = result.evaluate(lines(800, 5))
    assert {"lift", "lift_ratio", "confidence", "support", "confirmed", "hit_rate@10"} <= set(
        scores)
    assert all(score.low <= score.value <= score.high for score in scores.values())
    assert 0.8 < scores["lift_ratio"].value < 1.2
    shuffled = lines(800, 5).with_columns(pl.col("good").shuffle(seed=1))
    assert result.evaluate(shuffled)["lift"].value < scores["lift"].value
    table = result.confirmed(lines(800, 5))
    assert len(table) == len(result.rules)
    row = table.filter((pl.col("antecedent") == "bread") & (pl.col("consequent") == "butter"))
    counts = lines(800, 5).group_by("order").agg(pl.col("good").unique())
    bread = counts.filter(pl.col("good").list.contains("bread"))
    assert row["new_x"][0] == len(bread)
    assert row["new_both"][0] == len(bread.filter(pl.col("good").list.contains("butter")))


def test_strange_items_and_missing_columns_are_told(result: Rules) -> None:
    with pytest.warns(WholefitWarning, match="2 lines name items that no basket held"):
        result.complete([["bread", "x", "y"]])
    with pytest.raises(SchemaError, match="'good'"):
        result.complete(pl.DataFrame({"order": [1], "goods": ["bread"]}))


def test_scores_are_of_baskets_that_made_no_rule(result: Rules) -> None:
    assert "the latest quarter" in result.split
    assert result.score is not None and result.score.low > 1
    assert result.leaderboard[0].model == "eclat"


def test_engines_on_the_leaderboard_agree() -> None:
    frame = lines(300)
    kept = [wf.fit(frame, task="association", basket="order", item="good", models=name)
            for name in ("eclat", "fp_growth", "apriori")]
    assert kept[0].rules.equals(kept[1].rules) and kept[1].rules.equals(kept[2].rules)
    both = wf.fit(frame, task="association", basket="order", item="good",
                  models=["apriori", "eclat(min_count=9)"])
    assert [entry.model for entry in both.leaderboard] == ["apriori", "eclat"]


def test_the_page_and_the_text(result: Rules, tmp_path: Path) -> None:
    page = result.report(tmp_path / "b.html").read_text()
    assert "<b>jam</b>" not in page and "&lt;b&gt;jam" in page
    for words in ("The rules", "What hangs together", "Through the calendar", "By shop",
                  "Can they be believed?", "an association is no cause"):
        assert words in page
    assert "By month" in result.to_text()


def test_noise_has_a_page_too(tmp_path: Path) -> None:
    X = np.random.default_rng(0).random((600, 8)) < 0.3
    result = wf.fit(pl.DataFrame(X), task="association")
    assert len(result.rules) == 0 and result.sentences() == []
    assert "No rule is left" in result.to_text()
    assert "No rule is left" in result.report(tmp_path / "n.html").read_text()
    assert wf.load(result.save(tmp_path / "n.wf")).complete([["column_1"]])["why"][0] is None


@pytest.mark.parametrize("harm", [
    "item", "length", "names", "layout", "counts", "nan", "words for counts", "words for chances",
    "words for counts of sets"])
def test_an_altered_file_is_an_artifact_error(result: Rules, harm: str) -> None:
    found = result._found
    states = dict(found.states)
    kept = states["model"]
    arrays: dict[str, Any] = {name: array.copy() for name, array in kept.arrays.items()}
    blobs, sets = dict(kept.blobs), states["itemsets"]
    if harm == "item":
        arrays["antecedent"][0, 0] = 10**6
    elif harm == "length":
        arrays["both"] = arrays["both"][:-1]
    elif harm == "names":
        blobs["items"] = b'["one"]'
    elif harm == "nan":
        arrays["confidence"][0] = np.nan
    elif harm == "counts":
        states["itemsets"] = State("itemsets", sets.config, {
            **sets.arrays, "items_1": sets.arrays["items_1"] + 100})
    elif harm == "words for counts":
        arrays["both"] = np.array(["x"] * len(arrays["both"]))
    elif harm == "words for chances":
        arrays["expected"] = np.array(["x"] * len(arrays["expected"]))
    elif harm == "words for counts of sets":
        states["itemsets"] = State("itemsets", sets.config, {
            **sets.arrays, "counts_2": np.array(["x"] * len(sets.arrays["counts_2"]))})
    else:
        states["reading"] = State("reading", {"layout": {"kind": 3}, "options": {}})
    states["model"] = State("rules", kept.config, arrays, blobs)
    altered = Found(**{**vars(found), "states": states})
    with pytest.raises(ArtifactError):
        Book(altered)
