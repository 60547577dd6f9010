"""Each step against a second implementation: scikit-learn's, scipy's, or plain Python."""

from __future__ import annotations

import datetime as dt
import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wholefit.base.errors import ParameterError
from wholefit.data.clean import (
    Recipe,
    _edits,
    _forest,
    _fuzzy,
    _iterative,
    _neighbours,
)

RNG = np.random.default_rng(0)


def gaps(rows: int = 300, columns: int = 6) -> np.ndarray:
    """Numbers that hang together, a fifth of them missing."""
    table = RNG.normal(size=(rows, columns)) @ RNG.normal(size=(columns, columns))
    table[RNG.random(table.shape) < 0.2] = np.nan
    return table


def one(column: list, **step) -> list:
    """A column after one step."""
    return Recipe.of([step]).apply(pl.DataFrame({"x": column}, strict=False))["x"].to_list()


# Missing values -------------------------------------------------------------------------------

@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("k", [1, 5, 400])
def test_nearest_rows_agree_with_scikit_learn(weights: str, k: int) -> None:
    from sklearn.impute import KNNImputer

    table, new = gaps(), gaps(40)
    table[:, 2][:50] = np.nan
    theirs = KNNImputer(n_neighbors=k, weights=weights).fit(table)
    for rows in (table, new):
        mine = _neighbours.impute(rows, table, np.nanmean(table, axis=0), np.ones(6), k,
                                  weights == "distance")
        np.testing.assert_allclose(mine, theirs.transform(rows), atol=1e-9)


def test_chained_regressions_agree_with_scikit_learn() -> None:
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer
    from sklearn.linear_model import Ridge

    table = gaps()
    table = (table - np.nanmean(table, axis=0)) / np.nanstd(table, axis=0)
    theirs = IterativeImputer(Ridge(alpha=0.5), max_iter=6, tol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = theirs.fit_transform(table)
    chain = _iterative.learn(table, rounds=6, alpha=0.5, most=30, bounded=False)
    np.testing.assert_allclose(chain.fill(table), expected, atol=1e-9)
    new = gaps(50)
    np.testing.assert_allclose(chain.fill(new), theirs.transform(new), atol=1e-9)


def test_imputers_beat_the_mean_where_columns_hang_together() -> None:
    whole = RNG.normal(size=(500, 1)) * np.arange(1, 5) + RNG.normal(size=(500, 4)) * 0.2
    holes = RNG.random(whole.shape) < 0.15
    frame = pl.DataFrame(np.where(holes, np.nan, whole), schema=list("abcd")).fill_nan(None)
    error = {}
    for do in ("fill", "fill_neighbours", "fill_iterative"):
        filled = Recipe.of([{"do": do}]).apply(frame).to_numpy()
        assert (filled[~holes] == whole[~holes]).all(), "what is there stays to the last bit"
        error[do] = np.sqrt(((filled - whole)[holes] ** 2).mean())
    assert error["fill_iterative"] < 0.3 * error["fill"]
    assert error["fill_neighbours"] < 0.4 * error["fill"]


def test_wide_tables_cost_what_they_must() -> None:
    wide = gaps(400, 1000)
    frame = pl.DataFrame(wide, schema=[f"c{i}" for i in range(1000)]).fill_nan(None)
    done = Recipe.of([{"do": "fill_iterative", "rounds": 1, "predictors": 5},
                      {"do": "outliers"}]).run(frame)
    assert sum(done.frame.null_count().row(0)) == 0


def test_simple_fills() -> None:
    column = [1, None, 3, 3, 8]
    assert one(column, do="fill") == [1, 3, 3, 3, 8]
    assert one(column, do="fill", strategy="mean") == [1, 3.75, 3, 3, 8]
    assert one(column, do="fill", strategy="mode") == [1, 3, 3, 3, 8]
    assert one(column, do="fill", strategy="constant", value=-1) == [1, -1, 3, 3, 8]
    assert one(["a", None, "b"], do="fill", strategy="constant", value="?") == ["a", "?", "b"]
    assert one(["a", None, "b", "b"], do="fill", strategy="mode") == ["a", "b", "b", "b"]
    day = dt.date(2024, 1, 2)
    assert one([day, None, day], do="fill", strategy="mode") == [day] * 3
    assert one([None, None], do="fill", strategy="mode") == [None, None]
    assert one([1.0, float("nan"), None], do="indicator", columns=["x"])[0] == 1.0


def test_rows_and_columns_with_gaps_can_go() -> None:
    frame = pl.DataFrame({"a": [1, None, 3, None], "b": [None, None, 1, 2], "c": [1, 2, 3, 4]})
    assert Recipe.of([{"do": "drop_missing_rows"}]).apply(frame)["c"].to_list() == [3]
    part = [{"do": "drop_missing_rows", "above": 0.5}]
    assert Recipe.of(part).apply(frame)["c"].to_list() == [1, 3, 4]
    done = Recipe.of([{"do": "drop_missing_columns", "above": 0.4}]).run(frame)
    assert done.frame.columns == ["c"] and done.changes[0].removed == ("a", "b")


# Outliers -------------------------------------------------------------------------------------

def test_outlier_bounds_are_the_textbook_ones() -> None:
    column = [*RNG.normal(size=500).tolist(), 50.0, -40.0]
    values = np.array(column)
    first, third = np.percentile(values, [25, 75])
    reach = 1.5 * (third - first)
    np.testing.assert_allclose(one(column, do="outliers"),
                               np.clip(values, first - reach, third + reach))
    gone = one(column, do="outliers", method="zscore", action="missing")
    expected = np.abs(stats.zscore(values, ddof=1)) > 3
    assert [cell is None for cell in gone] == expected.tolist()
    far = np.abs(values - np.median(values)) / stats.median_abs_deviation(
        values, scale="normal") > 3.5
    assert len(one(column, do="outliers", method="robust", action="drop")) == int((~far).sum())
    flags = Recipe.of([{"do": "outliers", "action": "flag"}]).apply(pl.DataFrame({"x": column}))
    assert flags["x (outlier)"].to_list()[-2:] == [True, True]


def test_a_column_without_spread_has_no_outliers() -> None:
    assert one([1] * 20 + [9], do="outliers") == [1] * 20 + [9]
    assert one([0, 1, 2, 3, 1000], do="outliers")[-1] == 6
    assert one([None, float("inf"), 1.0, 2.0, 3.0, 4.0, 5.0], do="outliers")[1] == 7.0


def test_the_forest_agrees_with_scikit_learn() -> None:
    from sklearn.ensemble import IsolationForest

    table = RNG.normal(size=(1500, 4))
    table[:20] += 6
    forest = _forest.grow(table, 100, 256, np.random.default_rng(1))
    theirs = -IsolationForest(random_state=0).fit(table).score_samples(table)
    mine = forest.scores(table)
    assert stats.spearmanr(mine, theirs).statistic > 0.93
    assert np.abs(mine - theirs).max() < 0.1
    done = Recipe.of([{"do": "outliers", "method": "forest", "action": "drop", "share": 0.0134}]
                     ).run(pl.DataFrame(table, schema=list("abcd")))
    assert done.changes[0].dropped == 20 and set(range(1, 21)).isdisjoint(done.rows.tolist())


# Duplicates -----------------------------------------------------------------------------------

def test_exact_duplicates_agree_with_plain_python() -> None:
    rows = [(RNG.integers(3), RNG.choice(["a", "b", None]), RNG.choice([0.5, None]))
            for _ in range(60)]
    frame = pl.DataFrame(rows, schema={"i": pl.Int64, "s": pl.String, "f": pl.Float64},
                         orient="row", strict=False)
    done = Recipe.of([{"do": "deduplicate"}]).run(frame)
    plain = frame.rows()
    first = [at for at, row in enumerate(plain) if row not in plain[:at]]
    assert (done.rows - 1).tolist() == first
    last = Recipe.of([{"do": "deduplicate", "keep": "last"}]).run(frame)
    assert (last.rows - 1).tolist() == [at for at, row in enumerate(plain)
                                        if row not in plain[at + 1:]]
    for row, like in done.changes[0].gone:
        assert plain[row - 1] == plain[like - 1] and like < row


def test_by_key_the_most_complete_row_stays_and_missing_keys_match_nothing() -> None:
    frame = pl.DataFrame({"id": ["a", "a", "b", None, None], "x": [None, 2, 3, 4, 4]})
    done = Recipe.of([{"do": "deduplicate", "keys": ["id"], "keep": "most_complete"}]).run(frame)
    assert done.rows.tolist() == [2, 3, 4, 5]
    assert done.changes[0].gone == ((1, 2),)


def aligned(a: str, b: str) -> int:
    """Optimal string alignment, the slow way."""
    table = [[i + j if not i * j else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1,
                              table[i - 1][j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


@given(st.lists(st.text(alphabet="abé", max_size=7), min_size=2, max_size=12),
       st.integers(0, 7))
@settings(max_examples=80, deadline=None)
def test_edits_agree_with_the_slow_way(words: list[str], most: int) -> None:
    codes, lengths = _edits.coded(words)
    left, right = np.divmod(np.arange(len(words) ** 2), len(words))
    found = _edits.distances(codes, lengths, left, right, np.full(len(left), most))
    for a, b, edits in zip(left, right, found, strict=True):
        true = aligned(words[a], words[b])
        assert edits == true if true <= most else edits > most


def people(rows: int, seed: int = 0) -> list[str]:
    """Names with addresses, as different as invented words are."""
    rng = np.random.default_rng(seed)

    def word(least: int, most: int) -> str:
        size = rng.integers(least, most)
        return "".join(rng.choice(list("bdfgklmnprstv")) + rng.choice(list("aeiou"))
                       for _ in range(size))
    surnames, streets = [word(2, 5) for _ in range(500)], [word(3, 6) for _ in range(200)]
    given_names = [word(2, 4) for _ in range(60)]
    return [f"{rng.choice(given_names)} {rng.choice(surnames)}, {rng.integers(1, 200)} "
            f"{rng.choice(streets)} street" for _ in range(rows)]


def slip(text: str, rng: np.random.Generator) -> str:
    """One letter of a word lost, doubled, or swapped with its neighbour; or the case changed."""
    letters = [at for at in range(1, len(text) - 1) if text[at - 1:at + 2].isalpha()]
    at, way = int(rng.choice(letters)), rng.integers(4)
    return [text[:at] + text[at + 1:], text[:at] + text[at] + text[at:],
            text[:at] + text[at + 1] + text[at] + text[at + 2:], text.upper()][way]


def test_near_duplicates_are_found_and_shown() -> None:
    rng = np.random.default_rng(1)
    base = list(dict.fromkeys(people(3000)))
    sources = rng.choice(len(base), 200, replace=False)
    frame = pl.DataFrame({"who": base + [slip(base[at], rng) for at in sources]})
    done = Recipe.of([{"do": "deduplicate", "keys": ["who"], "alike": 0.9}]).run(frame)
    gone = {row - 1: like - 1 for row, like in zip(done.gone[0]["row"], done.gone[0]["like row"],
                                                    strict=True)}
    right = sum(gone.get(len(base) + at) == source for at, source in enumerate(sources))
    assert right >= 190, f"{right} of 200 slips led back to their rows"
    wrong = [row for row in gone if row < len(base)]
    assert len(wrong) <= 5, [(base[row], base[gone[row]]) for row in wrong]
    assert "is like row" in done.changes[0].said[0]


def test_other_numbers_and_other_words_are_other_things() -> None:
    pairs = [("12 high street ely", "13 high street ely"), ("john smith mary", "john smith anne"),
             ("very poor condition", "very good condition")]
    frame = pl.DataFrame({"x": [word for pair in pairs for word in pair]})
    assert Recipe.of([{"do": "deduplicate", "keys": ["x"], "alike": 0.8}]).apply(frame).height == 6
    same = pl.DataFrame({"x": ["Müller, Hans", "hans MULLER", "Hans Mueler"]})
    assert Recipe.of([{"do": "deduplicate", "keys": ["x"], "alike": 0.85}]).apply(same).height <= 2


def test_blocks_keep_rows_apart() -> None:
    frame = pl.DataFrame({"who": ["anna karenina", "anna karenina", "ana karenina"],
                          "town": ["ely", "wells", "ely"]})
    step = {"do": "deduplicate", "keys": ["who"], "alike": 0.9, "block": ["town"]}
    assert Recipe.of([step]).run(frame).rows.tolist() == [1, 2]
    every = Recipe.of([{"do": "deduplicate", "alike": 0.9}]).run(frame)
    assert every.rows.tolist() == [1, 2]


@pytest.mark.slow
def test_near_duplicates_of_a_hundred_thousand_rows() -> None:
    rng = np.random.default_rng(2)
    base = people(98_000)
    frame = pl.DataFrame({"who": base + [slip(base[at], rng) for at in range(2000)]})
    done = Recipe.of([{"do": "deduplicate", "keys": ["who"], "alike": 0.93}]).run(frame)
    gone = set(done.gone[0]["row"].to_list())
    assert sum(98_001 + at in gone for at in range(2000)) >= 1900


def test_pairs_need_no_comparison_of_all_with_all() -> None:
    words = list(dict.fromkeys(people(2000, seed=5)))
    keys = [_fuzzy.folded_key(word) for word in words]
    order = [" ".join(sorted(key.split(" "))) for key in keys]
    few = _fuzzy._candidates(keys, order, np.zeros(len(keys), dtype=np.int64))
    assert len(few) < 0.2 * len(keys) * (len(keys) - 1) / 2


# Formats --------------------------------------------------------------------------------------

def test_numbers_in_their_many_writings() -> None:
    column = ["1,234.50", "$12", "USD 3.5", "(7)", "-£8", "45 %", "2.5k", "1 234", "0.5", "x", None,
              "−3", "3 million", "€ 4,000"]
    assert one(column, do="numbers", columns=["x"]) == [
        1234.5, 12, 3.5, -7, -8, 0.45, 2500, 1234, 0.5, None, None, -3, 3e6, 4000]
    assert one(["1.234,5", "3,5", "1.000"], do="numbers", columns=["x"]) == [1234.5, 3.5, 1000]
    assert one(["12 %", "5"], do="numbers", columns=["x"], percent="points") == [12, 5]
    assert one(["007", "12"] * 5, do="numbers") == ["007", "12"] * 5


def test_units_of_one_measure_become_one() -> None:
    found = one(["70 kg", "154 lb", "70000 g", "11 st"], do="numbers", columns=["x"])
    np.testing.assert_allclose(found, [70, 154 * 0.45359237, 70, 11 * 6.35029318])
    assert one(["70 kg", "3 m"], do="numbers", columns=["x"], unit="kg")[1] is None
    np.testing.assert_allclose(
        one(["32 °F", "100 °C"], do="numbers", columns=["x"], unit="°C"), [0, 100], atol=1e-9)
    np.testing.assert_allclose(
        one(["1 h", "30 min"], do="numbers", columns=["x"], unit="min"), [60, 30])


def test_dates_in_several_writings_and_an_order_that_the_column_tells() -> None:
    column = ["2024-01-31", "31/01/2024", "Feb 3, 2024", "5/6/2024", "nonsense"]
    assert one(column, do="dates", columns=["x"]) == [
        dt.date(2024, 1, 31), dt.date(2024, 1, 31), dt.date(2024, 2, 3), dt.date(2024, 6, 5), None]
    stated = one(["5/6/2024"], do="dates", columns=["x"], formats=["%m/%d/%Y"])
    assert stated == [dt.date(2024, 5, 6)]
    assert one(column[:2], do="dates", columns=["x"], to="text") == ["2024-01-31"] * 2
    guess = Recipe.of([{"do": "dates", "columns": ["x"]}]).run(pl.DataFrame({"x": ["5/6/2024"]}))
    assert "guess" in guess.changes[0].said[0]


def test_types_are_what_the_cells_are() -> None:
    assert one(["1", "2", " 3"], do="types") == [1, 2, 3]
    assert one(["True", "false"], do="types") == [True, False]
    assert one(["01", "02"], do="types") == ["01", "02"]
    assert one(["yes", "no", "?"], do="types", columns=["x"], to="boolean") == [True, False, None]
    assert one([1.0, 2.5], do="types", columns=["x"], to="integer") == [1, None]
    assert one([1.0, 2.0], do="types", columns=["x"], to="text") == ["1", "2"]
    with pytest.raises(ParameterError, match="name the columns"):
        Recipe.of([{"do": "types", "to": "number"}])


def test_text_is_tidied() -> None:
    assert one([" a\u00a0 b ", "", "  "], do="whitespace") == ["a b", None, None]
    assert one([" a  b "], do="whitespace", inner=False) == ["a  b"]
    assert one(["e\u0301\u200b"], do="unicode") == ["é"]
    assert one(["Élan VITAL"], do="case", to="title") == ["Élan Vital"]


def test_spellings_are_merged_with_evidence_and_different_things_are_not() -> None:
    column = ["Chelsea"] * 50 + ["Chelsae", "CHELSEA", "Chel-sea"] + ["Ashford"] * 40
    done = Recipe.of([{"do": "spellings"}]).run(pl.DataFrame({"x": column}))
    assert set(done.frame["x"]) == {"Chelsea", "Ashford"}
    assert any("'Chelsae' (1)" in said and "1 letter away" in said for said in done.changes[0].said)
    apart = ["Very_Poor", "Nigeria", "FuseP", "Grade 2", "Unfinished_Loft", "black", "-5", "Mrs"]
    near = ["Very_Good", "Niger", "FuseA", "Grade 1", "Finished_Loft", "block", "5", "Mr"]
    column = [word for word in near for _ in range(60)] + apart
    assert one(column, do="spellings") == column
    assert one(["St.", "Street"], do="spellings", mapping={"St.": "Street"}) == ["Street"] * 2
