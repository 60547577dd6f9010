"""The clustering recipe: choices argued, one heap told as one, clusters found where there are."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.datasets import make_blobs, make_moons

import wholefit as wf
from wholefit.base import tasks
from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import (
    DataError,
    ParameterError,
    UnknownNameError,
    WholefitError,
    WholefitWarning,
)
from wholefit.data import dataset_of
from wholefit.evaluation.clustering import Distances
from wholefit.models import make
from wholefit.training import clustering as recipe
from wholefit.training.clustering import _board as board
from wholefit.training.clustering import _heaps as heaps
from wholefit.training.clustering import _null as null
from wholefit.training.clustering._choice import Work, elbow, gap_choice, gaps, halves
from wholefit.training.clustering._space import learn, measured
from wholefit.training.found import Common, Rows

TASK = tasks.get("clustering")
X, KNOWN = make_blobs(150, 3, centers=3, cluster_std=1.2, random_state=3)


def frame(X: np.ndarray, **more: object) -> pl.DataFrame:
    return pl.DataFrame({f"x{at}": column for at, column in enumerate(X.T)}).with_columns(
        **{name: pl.Series(values) for name, values in more.items()})


def found(table: pl.DataFrame, models: list[str] | None = None, clock: Clock | None = None,
          seed: int = 0, metric: str | None = None, label: str | None = None, **options: object):
    made = None if models is None else [make(text) for text in models]
    clock = clock or Clock(Budget())
    roles = {} if label is None else {"roles": {label: "label"}}
    words = {"simulations": 19, "most": 4, **options}
    return recipe.fit(dataset_of(table, **roles), TASK, recipe.Options.from_dict(words),
                      Common(models=made, seed=seed, clock=clock, metric=metric))


def work(X: np.ndarray) -> Work:
    return Work(X, Distances.of(X), TASK, 1, 0)


# ---- the whole ----------------------------------------------------------------------------


def test_three_heaps_are_found_and_told() -> None:
    made = found(frame(X, group=[f"g{k}" for k in KNOWN]), ["kmeans", "hdbscan"], label="group",
                 most=10)
    told = made.told
    assert len(told["clusters"]) == 3 and made.chosen.scores["stability"].value > 0.9
    assert told["null"]["p"] <= 0.05 and "not one heap" in told["null"]["verdict"]
    assert told["votes"]["separation"] == 3 and "3 clusters by separation" in told["why"]
    assert [row[0] for row in told["choice"]] == list(range(1, 11))
    assert all(len(row) == 11 for row in told["choice"])
    assert told["known"]["scores"][0]["value"] > 0.95
    assert len(told["points"]) == 150 and len(told["centroids"]) == 3
    assert sum(c["size"] for c in told["clusters"]) == 150
    assert "group" not in " ".join(Rows(made).encoder.names)
    assert sum(entry.recommended for entry in made.leaderboard) == 1


def test_a_known_label_is_never_learnt_from() -> None:
    rng = np.random.default_rng(0)
    table = frame(X, group=rng.permutation([f"g{k}" for k in KNOWN]))
    with_label, without = found(table, ["kmeans"], label="group"), found(frame(X), ["kmeans"])
    assert np.array_equal(with_label.states["model"].parts["model"].arrays["centres"],
                          without.states["model"].parts["model"].arrays["centres"])
    assert abs(with_label.told["known"]["scores"][0]["value"]) < 0.1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_one_heap_is_told_as_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = found(frame(rng.normal(size=(300, 3))), ["kmeans"], level=0.05)
    assert made.model["name"] == "one_cluster" and len(made.told["clusters"]) == 1
    assert made.told["null"]["p"] > 0.05 and "one heap" in made.told["null"]["verdict"]
    assert made.score is None
    assert (Rows(made).answer(dataset_of(frame(rng.normal(size=(5, 3))))) == 1).all()


def test_clusters_that_were_asked_for_are_given_with_a_warning() -> None:
    table = frame(np.random.default_rng(0).normal(size=(200, 3)))
    for made in (found(table, ["kmeans"], clusters=4), found(table, ["agglomerative(clusters=4)"])):
        assert len(made.told["clusters"]) == 4
        assert any("one heap" in warning for warning in made.warnings)
    assert len(found(table, ["kmeans"], always=True).told["clusters"]) > 1


def test_moons_go_to_a_family_that_follows_them() -> None:
    moons, known = make_moons(300, noise=0.05, random_state=0)
    made = found(frame(moons, half=[f"h{k}" for k in known]), label="half", most=2)
    assert made.model["name"] in ("hdbscan", "dbscan", "spectral")
    assert made.told["known"]["scores"][0]["value"] > 0.9


def test_every_family_can_be_asked_for_alone() -> None:
    for name in ("agglomerative(linkage='average')", "dbscan", "one_cluster"):
        made = found(frame(X), [name])
        assert made.model["name"] in (name.split("(")[0], "one_cluster")
        if name.startswith("agglomerative"):
            assert len(made.told["tree"]) == 149 and made.told["tree"][-1][3] == 150
        if name == "dbscan":
            assert made.told["k_distance"]["eps"] > 0
            assert len(made.told["k_distance"]["curve"]) == 400


def test_the_same_seed_gives_the_same_result_and_another_may_not() -> None:
    first, second = (found(frame(X), ["kmeans"], seed=4) for _ in range(2))
    for name in ("null", "choice", "points", "clusters"):
        assert first.told[name] == second.told[name]
    assert found(frame(X), ["kmeans"], seed=5).told["null"]["values"] != first.told["null"][
        "values"]


def test_a_saved_result_answers_the_same(tmp_path) -> None:
    result = wf.fit(frame(X), task="clustering", models=["hdbscan"], simulations=19)
    path = result.save(tmp_path / "m.wf")
    new = frame(np.random.default_rng(0).normal(scale=6, size=(50, 3)))
    assert result.predict(new).equals(wf.load(path).predict(new))


def test_spent_time_leaves_families_out_but_gives_an_answer() -> None:
    made = found(frame(X), clock=Clock(Budget(seconds=1e-9)))
    assert made.told["null"]["simulations"] == 19
    skipped = [entry for entry in made.leaderboard if "budget" in entry.reason]
    assert len(skipped) == 5 and made.model["name"] == "kmeans"


# ---- bad and odd questions ----------------------------------------------------------------


def test_wrong_words_are_refused_in_a_sentence() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'silhouette'"):
        found(frame(X), metric="silhouete")
    with pytest.raises(ParameterError, match="not clustering"):
        found(frame(X), ["ridge"])
    with pytest.raises(ParameterError, match="number of rows"):
        found(frame(X[:5]), clusters=9)
    with pytest.raises(ParameterError, match="by"):
        recipe.Options(by="gut")
    with pytest.raises(DataError, match="no column"):
        found(pl.DataFrame({"a": [None, None], "b": ["x", "x"]}))


@pytest.mark.parametrize("table", [
    pl.DataFrame({"a": [1.0]}), pl.DataFrame({"a": [1.0, 2.0]}),
    pl.DataFrame({"a": [1.0] * 30 + [2.0]}),
    pl.DataFrame({"*": np.arange(20.0), "^a.*$": np.arange(20.0) ** 2, "a b": ["x", "y"] * 10,
                  "": [None, *range(19)]}),
    pl.DataFrame({"big": [10**17 + 3 * at for at in range(40)], "inf": [np.inf, -np.inf] * 20}),
    pl.DataFrame({"word": ["ä", "ß", "…"] * 15, "yes": [True, False, None] * 15}),
])
def test_odd_tables_get_an_answer(table: pl.DataFrame) -> None:
    try:
        made = found(table, ["kmeans", "hdbscan"])
    except WholefitError as error:
        assert len(str(error)) < 300
        return
    assert sum(c["size"] for c in made.told["clusters"]) + made.told["noise"] == len(table)
    assert len(Rows(made).answer(dataset_of(table))) == len(table)


def test_repeated_rows_are_clusters_of_their_own() -> None:
    table = pl.concat([frame(np.array([[1.0, 2], [9, 4], [5, 8]]))] * 40)
    assert len(found(table, ["kmeans"], always=True).told["clusters"]) == 3


# ---- the space ----------------------------------------------------------------------------


def test_every_column_counts_the_same() -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame({
        "number": rng.lognormal(size=2000), "town": rng.choice(["a", "b", "c", "d"], 2000),
        "yes": rng.random(2000) < 0.5, "gaps": np.where(rng.random(2000) < 0.3, np.nan, 1.0 * (
            rng.normal(size=2000)))}).with_columns(pl.col("gaps").fill_nan(None))
    space = learn(dataset_of(table), TASK, make("kmeans"), {}, 0)
    total: dict[str, float] = {}
    for source, variance in zip(space.encoder.sources, space.Z.var(axis=0), strict=True):
        total[source] = total.get(source, 0.0) + variance
    assert {name: round(value, 6) for name, value in total.items()} == dict.fromkeys(total, 1.0)
    assert len(space.groups) == 1 and len(space.groups[0]) == 4


def test_a_category_that_nearly_all_share_is_not_blown_up() -> None:
    table = pl.DataFrame({"x": np.arange(400.0) % 7.5, "rare": ["a"] * 396 + ["b"] * 4})
    space = learn(dataset_of(table), TASK, make("kmeans"), {"rare": 0.0}, 0)
    apart = np.linalg.norm(space.Z[-1, 1:] - space.Z[0, 1:])
    assert apart == pytest.approx(math.sqrt(2 / 0.18))


def test_new_rows_are_measured_as_the_old_ones_were() -> None:
    made = found(frame(X), ["kmeans"])
    space = learn(dataset_of(frame(X)), TASK, make("kmeans"), {}, 0)
    assert np.allclose(measured(Rows(made), dataset_of(frame(X))), space.Z)


def test_wide_tables_are_measured_on_principal_axes() -> None:
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(120, 200)) + 3 * (np.arange(120) % 2)[:, None]
    made = found(frame(wide), ["kmeans"])
    assert made.told["scaling"]["features"] == 30 and 0 < made.told["scaling"]["share"] < 1
    assert len(made.told["clusters"]) == 2


# ---- the choice ---------------------------------------------------------------------------


def test_the_gap_of_a_hand_made_case() -> None:
    """Two points far apart, many times over: with two clusters nothing is left within."""
    rng = np.random.default_rng(0)
    two = np.repeat([[0.0, 0.0], [10.0, 0.0]], 50, axis=0) + rng.normal(scale=0.1, size=(100, 2))
    gap = gaps(work(two), 4)
    one = np.log(((two - two.mean(axis=0)) ** 2).sum())
    # A box of the same length: each side's variance is length squared / 12.
    turned = (two - two.mean(axis=0)) @ np.linalg.svd(two - two.mean(axis=0))[2].T
    box = np.log(100 * (np.ptp(turned, axis=0) ** 2 / 12).sum())
    assert gap[1][0] == pytest.approx(box - one, abs=0.15)
    assert gap_choice(gap) == 2
    assert gap_choice({1: (0.5, 0.1), 2: (0.55, 0.1), 3: (0.2, 0.1)}) == 1
    assert gap_choice({}) is None


def test_the_elbow_is_where_the_curve_bends() -> None:
    assert elbow({1: 100.0, 2: 60.0, 3: 10.0, 4: 8.0, 5: 6.0}) == 3
    assert elbow({1: 1.0, 2: 1.0}) is None
    assert elbow({1: 0.0, 2: 0.0, 3: 0.0}) is None


def test_halves_agree_on_heaps_and_not_on_noise() -> None:
    rng = np.random.default_rng(0)
    assert halves(make("kmeans(clusters=3)"), work(X)).mean() > 0.95
    noise = rng.normal(size=(150, 3))
    assert halves(make("kmeans(clusters=3)"), work(noise)).mean() < 0.7


@pytest.mark.parametrize("way", ["separation", "silhouette", "gap", "bic", "elbow", "stability"])
def test_every_way_of_choosing_can_be_asked_for(way: str) -> None:
    told = found(frame(X), ["kmeans"], by=way).told
    assert len(told["clusters"]) == told["votes"][way]
    # Two of the three heaps in one are steady too, and most of the inertia goes with the first cut.
    assert len(told["clusters"]) == 3 or way in ("elbow", "stability")


def test_the_cheapest_of_the_tied_is_recommended() -> None:
    made = found(frame(X), ["gaussian_mixture", "kmeans", "agglomerative"])
    assert made.model["name"] == "kmeans"
    assert all(entry.tied for entry in made.leaderboard if entry.scores)


def test_unsteady_clusters_are_not_recommended_before_steady_ones() -> None:
    from wholefit.evaluation.score import Score

    def candidate(text: str, separation: float, stability: float) -> board.Candidate:
        made = board.Candidate(make(text))
        made.scores = {name: Score(name, value, value - 0.01, value + 0.01, 0.95, "", 9)
                       for name, value in (("separation", separation), ("stability", stability))}
        return made

    shaky, steady = candidate("spectral", 0.9, 0.1), candidate("kmeans", 0.5, 0.9)
    assert board.recommended([shaky, steady], [True, False]) is steady
    assert board.recommended([shaky], [True]) is shaky
    assert board.recommended([], []) is None
    steady.many = True
    assert board.recommended([steady, shaky], [True, False]) is shaky


# ---- the null -----------------------------------------------------------------------------


def test_what_is_made_unimodal_is_convex_then_concave_and_keeps_what_was() -> None:
    rng = np.random.default_rng(0)
    normal = rng.normal(size=4000)
    at, height, _ = heaps.unimodal(normal)
    slopes = np.diff(height) / np.diff(at)
    top = int(slopes.argmax())
    assert (np.diff(slopes[:top + 1]) >= -1e-9).all() and (np.diff(slopes[top:]) <= 1e-9).all()
    assert np.abs(np.interp(np.sort(normal), at, height) - stats.norm.cdf(np.sort(normal))
                  ).max() < 0.03
    two = np.concatenate([rng.normal(-4, 1, 2000), rng.normal(4, 1, 2000)])
    at, height, _ = heaps.unimodal(two)
    share = np.interp([-1.0, 1.0], at, height)
    assert share[1] - share[0] > 0.1  # the valley is filled


def test_counts_stay_counts_with_their_shares() -> None:
    rng = np.random.default_rng(0)
    counts = rng.poisson(3, 2000).astype(float)[:, None]
    drawn = heaps.Null(counts, [], rng).draw(20_000, rng)[:, 0]
    assert set(np.unique(drawn)) <= set(np.unique(counts))
    for value in range(6):
        assert (drawn == value).mean() == pytest.approx((counts == value).mean(), abs=0.03)


def test_the_null_keeps_correlations_and_categories() -> None:
    rng = np.random.default_rng(0)
    latent = rng.multivariate_normal([0, 0, 0], [[1, 0.8, 0.6], [0.8, 1, 0.5], [0.6, 0.5, 1]],
                                     2000)
    onehot = np.eye(3)[np.digitize(latent[:, 2], (-0.5, 0.8))]
    Z = np.column_stack([latent[:, :2], onehot])
    drawn = heaps.Null(Z, [np.array([2, 3, 4])], rng).draw(8000, rng)
    assert np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1] == pytest.approx(0.8, abs=0.06)
    assert (drawn[:, 2:].sum(axis=1) == 1).all()
    assert np.allclose(drawn[:, 2:].mean(axis=0), onehot.mean(axis=0), atol=0.03)
    means = [drawn[drawn[:, 2 + k] == 1, 0].mean() for k in range(3)]
    true = [Z[Z[:, 2 + k] == 1, 0].mean() for k in range(3)]
    assert np.allclose(means, true, atol=0.2)


def test_an_ellipse_keeps_shape_and_distances_whatever_far_rows_do() -> None:
    rng = np.random.default_rng(0)
    scale = np.array([[2.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.5, 0.5]])
    far = np.sqrt(rng.chisquare(2, size=(3000, 1)) / 2)
    Z = rng.normal(size=(3000, 3)) @ scale.T / far
    found = heaps.shape(Z - np.median(Z, axis=0))
    true = scale @ scale.T
    assert np.allclose(found / np.trace(found), true / np.trace(true), atol=0.03)
    drawn = heaps.Ellipse(Z).draw(3000, rng)
    back = np.linalg.inv(np.linalg.cholesky(true)).T
    shares = [0.1, 0.5, 0.9]
    assert np.allclose(np.quantile(np.linalg.norm(drawn @ back, axis=1), shares),
                       np.quantile(np.linalg.norm(Z @ back, axis=1), shares), rtol=0.12)


def test_the_figures_of_the_tree_are_scikit_learns_silhouettes() -> None:
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import pdist, squareform
    from sklearn.metrics import silhouette_score

    tree = hierarchy.linkage(pdist(X), "ward")
    found = null.straight(squareform(pdist(X)), tree)
    for k in (2, 3, 4):
        labels = hierarchy.cut_tree(tree, k)[:, 0]
        assert np.bincount(labels).min() > 5
        assert found[k - 2] == pytest.approx(silhouette_score(X, labels))


def test_two_dense_places_are_prominent_and_one_is_not() -> None:
    from scipy.spatial.distance import pdist, squareform

    rng = np.random.default_rng(0)
    one = null.prominence(squareform(pdist(rng.normal(size=(300, 2)))))
    two = null.prominence(squareform(pdist(np.vstack([
        rng.normal(size=(150, 2)), rng.normal(8, 1, size=(150, 2))]))))
    assert two > one + 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["normal", "uniform", "skewed", "counts"])
def test_one_heap_is_refused_at_the_stated_rate(kind: str) -> None:
    refused = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        Z = {"normal": lambda r: r.normal(size=(200, 4)), "uniform": lambda r: r.random((200, 4)),
             "skewed": lambda r: r.exponential(size=(200, 4)),
             "counts": lambda r: r.poisson(4, (200, 4)).astype(float)}[kind](rng)
        refused += null.verdict(Z, [], rng, simulations=39).clustered
    assert refused <= 6  # the 0.995 quantile of 40 at 5 %


def test_rows_of_a_group_make_no_cluster_by_being_alike() -> None:
    found = []
    for seed in range(4):
        random = np.random.default_rng(seed)
        who = np.repeat(np.arange(40), 8)
        values = random.normal(size=(40, 3))[who] + 0.05 * random.normal(size=(320, 3))
        frame = pl.DataFrame(values).with_columns(who=pl.Series([f"c{at}" for at in who]))
        with pytest.warns(WholefitWarning, match="rows come in groups"):
            result = wf.fit(frame, task="clustering", groups="who", models="kmeans", seed=seed)
        found.append(result.told["null"])
    assert all(one["rows"] == 40 for one in found)
    assert sum(one["clustered"] for one in found) <= 1, "40 rows of one heap, eight times each"
