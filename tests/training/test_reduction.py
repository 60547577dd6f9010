"""The recipe of reductions: what is judged, chosen and said, and when nothing is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.training.reduction._axes import described, laid_out_by, loadings
from wholefit.training.reduction._noise import parallel

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def factors(n: int = 400, seed: int = 0) -> pl.DataFrame:
    """Two factors behind three columns and two, two columns of noise, and a label."""
    rng = np.random.default_rng(seed)
    size, shape = rng.normal(size=(2, n))
    columns = {f"size {i}": 10 * size + 3 * rng.normal(size=n) for i in range(3)}
    columns |= {f"shape {i}": shape + 0.3 * rng.normal(size=n) for i in range(2)}
    columns |= {f"noise {i}": rng.normal(size=n) for i in range(2)}
    return pl.DataFrame(columns).with_columns(kind=pl.Series(np.where(size > 0, "big", "small")))


def fit(frame: pl.DataFrame, **words: Any) -> Any:
    return wf.fit(frame, task="reduction", **words)


def test_default_is_pca_beside_chance_and_says_what_its_axes_mean() -> None:
    result = fit(factors(), label="kind", models="pca, random_projection")
    assert result.model == "pca" and result.axes == ["pc1", "pc2"]
    board = {entry.model: entry for entry in result.leaderboard}
    gap = board["random_projection"].difference
    assert gap is not None and gap["high"] < 0, "chance is worse, row by row"
    assert result.told["noise"]["above"] == 2
    said = result.to_text()
    assert "2 principal axes stand above noise" in said and "kind" not in said.split("size 0")[1]
    first = {name for name, _ in [*result.told["axes"][0]["rising"],
                                  *result.told["axes"][0]["falling"]]}
    assert first == {"size 0", "size 1", "size 2"}
    assert result.scores["label_agreement"].value > 0.8
    assert result.scores["label_agreement"].n == 80


def test_scores_are_those_of_rows_that_were_not_learnt_from() -> None:
    """Noise in many columns: what looks kept on learnt rows is not on others."""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({f"x{i}": rng.normal(size=200) for i in range(60)})
    result = fit(frame, models="pca", components=20)
    kept = result.scores["variance_kept"]
    assert kept.value < 0.45 and kept.n == 40, "40 held rows, 20 of 60 noise directions: a third"
    assert sum(axis["share"] for axis in result.told["axes"]) > 0.5, "of learnt rows over half"


def test_a_share_of_variance_is_kept() -> None:
    result = fit(factors(), components=0.9)
    shares = [axis["share"] for axis in result.told["axes"]]
    assert sum(shares) >= 0.9 > sum(shares[:-1])
    assert result.transform(factors()).columns == result.axes


def test_noise_is_called_noise() -> None:
    rng = np.random.default_rng(3)
    frame = pl.DataFrame({f"x{i}": rng.normal(size=300) for i in range(8)})
    result = fit(frame, models="pca")
    assert result.told["noise"]["above"] == 0
    assert "No axis stands out" in result.to_text()
    assert any("no axis stands out" in warning for warning in result.warnings)


def test_axes_in_noise_are_found_at_the_stated_rate() -> None:
    """5 % of tables of unrelated columns, whatever their shapes; 200 draws, 19 shuffles each."""
    found = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        X = np.column_stack([rng.normal(size=60), rng.exponential(size=60),
                             rng.integers(0, 2, 60), rng.standard_t(3, 60),
                             np.eye(4)[rng.integers(0, 4, 60)]])
        above = parallel(X, ["a", "b", "c", "d", *["e"] * 4], seed, left=0).above
        found += bool(above)
    assert found <= 19, f"{found} of 200 (5 % is 10; 19 is the 99.8 % point)"


def test_parallel_analysis_counts_planted_factors() -> None:
    rng = np.random.default_rng(0)
    for factors_ in (1, 3, 5):
        X = rng.normal(size=(500, factors_)) @ rng.normal(size=(factors_, 20)) * 2 + rng.normal(
            size=(500, 20))
        found = parallel(X, [f"x{i}" for i in range(20)], 0)
        assert found.above == factors_
        shares = np.linalg.svd(X - X.mean(axis=0), compute_uv=False) ** 2
        assert np.allclose(found.share, shares / shares.sum())


def test_levels_of_one_column_are_no_structure() -> None:
    """One-hot features of a column exclude each other; that must not count as an axis."""
    X = np.eye(5)[np.random.default_rng(0).integers(0, 5, 400)]
    whole = np.column_stack([X, np.random.default_rng(1).normal(size=400)])
    assert parallel(whole, [*["a"] * 5, "b"], 0).above == 0


def test_what_cannot_be_tested_says_why() -> None:
    assert "only one column" in parallel(np.random.default_rng(0).normal(size=(50, 3)),
                                         ["a", "a", "a"], 0).why
    assert "more than" in parallel(np.zeros((10, 2000)), ["a"] * 2000, 0).why


def test_loadings_are_correlations() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 4))
    X[:, 3] = 5.0
    Z = X[:, :2] + rng.normal(size=(100, 2))
    found = loadings(X, Z)
    expected = [[np.corrcoef(X[:, i], Z[:, j])[0, 1] for j in range(2)] for i in range(3)]
    assert np.allclose(found[:3], expected) and not found[3].any()
    from scipy.sparse import csr_matrix

    assert np.allclose(loadings(csr_matrix(X), Z)[:3], expected)


def test_words_for_axes() -> None:
    found = np.array([[0.9, 0.8], [0.8, -0.7], [0.7, 0.1], [0.9, 0.0]])
    size, against = described("pca", found, ["a", "b", "c", "d"], [0.6, 0.2])
    assert size["words"].startswith("size: nearly all features rise together")
    assert against["words"] == "a (+0.80) against b (-0.70)"
    assert described("pca", np.zeros((4, 1)), ["a", "b", "c", "d"], None)[0]["words"].startswith(
        "no single feature")


def test_what_lays_a_map_out() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    told = laid_out_by(X, X[:, [2]], ["a", "b", "c", "d"], 10)
    assert [name for name, _ in told] == ["c"] and told[0][1] > 0.9


def test_the_same_seed_gives_the_same_result() -> None:
    first, second = (fit(factors(), seed=5, models="pca, nmf, kernel_pca") for _ in range(2))
    assert first.scores == second.scores and first.told == second.told


def test_a_map_without_new_rows_is_judged_on_its_own() -> None:
    result = fit(factors(160), models="tsne(iterations=250), pca")
    board = {entry.model: entry for entry in result.leaderboard}
    assert "learnt from" in board["tsne"].scores["trustworthiness"].how
    assert "set apart" in board["pca"].scores["trustworthiness"].how
    assert "tsne has no place for others" in result.split


def test_sparse_text_goes_through() -> None:
    words = ["red apple sweet", "green apple sour", "fast car loud", "slow car quiet"]
    frame = pl.DataFrame({"text": [f"{words[i % 4]} number {i} of the list" for i in range(200)]})
    result = fit(frame, models="truncated_svd, nmf, pca", components=3,
                 roles={"text": "text"})
    assert len(result.transform(frame)) == 200
    assert {entry.status for entry in result.leaderboard} == {"ok"}


def test_a_spent_budget_skips_and_says_so() -> None:
    result = fit(factors(), models="pca, autoencoder_map, tsne", budget="0.001s")
    status = {entry.model: entry.status for entry in result.leaderboard}
    assert status["pca"] == "ok" and status["tsne"] == "skipped"
    assert any("budget left no time" in warning for warning in result.warnings)


@pytest.mark.parametrize("words, error, said", [
    ({"components": 0.9, "models": "nmf"}, ParameterError, "must be asked of pca"),
    ({"components": 2.5}, ParameterError, "whole number"),
    ({"metric": "trustworthines"}, UnknownNameError, "'trustworthiness'"),
    ({"models": "ridge"}, ParameterError, "not reduction"),
])
def test_wrong_words_are_refused(words: dict[str, Any], error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        fit(factors(60), **words)


def test_too_little_is_refused() -> None:
    with pytest.raises(DataError, match="at least 3 rows"):
        fit(factors(2))
    with pytest.raises(DataError, match="none is left"):
        fit(pl.DataFrame({"a": [1.0] * 50, "b": ["x"] * 50}))


def test_gaps_and_rows_that_a_library_cannot_take_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn import decomposition

    holed = factors(100).with_columns(
        pl.when(pl.int_range(100) < 5).then(None).otherwise(pl.col("size 0")).alias("size 0"))
    with pytest.raises(DataError, match="without gaps"):
        fit(holed, models="ica", features={"impute": "none"})
    assert fit(holed, models="pca").transform(holed).null_count().sum_horizontal()[0] == 0

    def broken(*_: Any) -> None:
        raise np.linalg.LinAlgError("did not converge")

    monkeypatch.setattr(decomposition.FastICA, "fit", broken)
    with pytest.raises(DataError, match=r"ica cannot learn these rows \(LinAlgError"):
        fit(factors(100), models="ica")
    board = {entry.model: entry for entry in fit(factors(100), models="ica, pca").leaderboard}
    assert board["ica"].status == "failed" and board["pca"].recommended


def test_two_of_a_kind_have_names_of_their_own() -> None:
    result = fit(factors(), models="kernel_pca(gamma=0.01), kernel_pca(gamma=10.0)")
    assert {entry.model for entry in result.leaderboard} == {"kernel_pca", "kernel_pca_2"}
    assert sum(entry.recommended for entry in result.leaderboard) == 1


def test_rows_of_a_group_are_set_apart_together_and_count_as_one() -> None:
    random = np.random.default_rng(0)
    group = np.repeat(np.arange(60), 10)
    values = random.normal(size=(60, 4))[group] + 0.05 * random.normal(size=(600, 4))
    frame = pl.DataFrame(values).with_columns(g=pl.Series([f"g{at}" for at in group]))
    kept = fit(frame, models="pca", groups="g")
    dealt = kept.scores["distance_correlation"]
    assert dealt.n == 120 and "rows of a group together" in dealt.how, "12 groups of 10 rows"
    plain = fit(frame, models="pca", roles={"g": "ignored"}).evaluate(frame)
    apart = kept.evaluate(frame)
    for name in ("distance_correlation", "trustworthiness"):
        wide = [one[name].high - one[name].low for one in (apart, plain)]
        assert wide[0] > 1.5 * wide[1], name


def test_few_or_missing_groups_do_not_leave_too_little_to_judge_by() -> None:
    frame = factors()
    one = fit(frame.with_columns(g=pl.lit("same")), models="pca", groups="g")
    assert one.scores["trustworthiness"].low == 0 and one.scores["trustworthiness"].high == 1
    none = fit(frame.with_columns(g=pl.when(pl.int_range(400) < 300).then(pl.lit(None))
                                  .otherwise(pl.lit("late"))), models="pca", groups="g")
    assert none.scores["trustworthiness"].high < 1
