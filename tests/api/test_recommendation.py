"""The verbs of a recommender, on planted tastes: each user likes the items of one of four kinds."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.api.recommendation import Recommender
from wholefit.base.errors import DataError, ParameterError, SchemaError, UnknownNameError

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")

KINDS, USERS, ITEMS = 4, 80, 40


def planted(rows: int = 3000, seed: int = 0) -> pl.DataFrame:
    """Users 0..79 of taste user % 4 rate mostly items of kind item % 4, and rate those high."""
    random = np.random.default_rng(seed)
    user = random.integers(0, USERS, rows)
    own = random.random(rows) < 0.7
    item = random.integers(0, ITEMS // KINDS, rows) * KINDS + np.where(
        own, user % KINDS, random.integers(0, KINDS, rows))
    stars = np.clip(np.where(item % KINDS == user % KINDS, 4.5, 2.0)
                    + random.normal(0, 0.5, rows), 1, 5).round(1)
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=int(d)) for d in random.integers(0, 365, rows)]
    return pl.DataFrame({"who": user, "film": [f"f{i:02d}" for i in item], "stars": stars,
                         "day": days}).unique(["who", "film"], maintain_order=True)


def films() -> pl.DataFrame:
    words = ("space robots laser", "love kiss wedding", "murder police clue", "ghost blood scream")
    return pl.DataFrame({"film": [f"f{i:02d}" for i in range(ITEMS + 2)],
                         "title": [f"The Film Number {i}" for i in range(ITEMS + 2)],
                         "plot": [words[i % KINDS] for i in range(ITEMS + 2)]})


@pytest.fixture(scope="module")
def rated() -> Recommender:
    return wf.fit(planted(), task="recommendation", user="who", item="film", rating="stars",
                  models="user_knn, ease, item_knn", k=5)


@pytest.fixture(scope="module")
def used() -> Recommender:
    return wf.fit(planted().drop("stars"), task="recommendation", user="who", item="film",
                  time="day", items=films(), models="ease, als, content", k=5)


def kind(item: str) -> int:
    return int(item[1:]) % KINDS


# ---- what is learnt ---------------------------------------------------------------------


def test_ratings_and_lists_are_each_made_by_the_model_that_is_good_at_it(
        rated: Recommender) -> None:
    assert isinstance(rated, Recommender) and rated.metric == "rmse"
    assert rated.told["rates"] in ("user_knn", "item_knn") and rated.told["lists"] in (
        "ease", "item_knn", "user_knn")
    by_name = {entry.model: entry for entry in rated.leaderboard}
    assert {"popularity", "bias", "user_knn", "ease", "item_knn"} == set(by_name)
    assert by_name[rated.told["rates"]].scores["rmse"].value < by_name["bias"].scores["rmse"].value
    lists = by_name[rated.told["lists"]].scores["ndcg@5"]
    assert lists.low > by_name["popularity"].scores["ndcg@5"].high
    assert str(by_name["popularity"].scores["rmse"]) == "undefined"
    assert sum(entry.recommended for entry in rated.leaderboard) == 1


def test_lists_hold_what_suits_the_taste_and_nothing_that_is_had(rated: Recommender) -> None:
    frame = rated.recommend(list(range(8)), 3)
    had = {(row["who"], row["film"]) for row in planted().to_dicts()}
    assert frame["who"].dtype == pl.Int64 and frame["rank"].to_list() == [1, 2, 3] * 8
    assert not any((row["who"], row["film"]) in had for row in frame.to_dicts())
    assert all(frame["score"].diff()[at] <= 0 for at in range(24) if at % 3)
    seen = rated.recommend(0, 20, exclude_seen=False)
    assert any((0, film) in had for film in seen["film"])
    suits = [kind(film) == 0 for film in rated.recommend(0, 3, exclude_seen=False)["film"]]
    assert sum(suits) >= 2


def test_a_loaded_one_answers_the_same_bit_by_bit(rated: Recommender, used: Recommender,
                                                  tmp_path: Path) -> None:
    for at, result in enumerate((rated, used)):
        again = wf.load(result.save(tmp_path / f"{at}.wf"))
        assert isinstance(again, Recommender)
        assert again.recommend(result.users, 7).equals(result.recommend(result.users, 7))
        pairs = pl.DataFrame({"who": [0, 1, 999], "film": ["f00", "f01", "zz"]})
        assert again.predict(pairs).equals(result.predict(pairs))
        assert again.similar("f00").equals(result.similar("f00"))
        assert again.to_text() == result.to_text() and again.told == result.told
        assert str(again.explain(0, "f04")) == str(result.explain(0, "f04"))


def test_the_same_seed_gives_the_same_result() -> None:
    made = [wf.fit(planted(400), task="recommendation", user="who", item="film", rating="stars",
                   models="svd, als", seed=3) for _ in range(2)]
    assert made[0].recommend(5).equals(made[1].recommend(5))
    assert [e.scores["rmse"].to_json() for e in made[0].leaderboard] == [
        e.scores["rmse"].to_json() for e in made[1].leaderboard]


@pytest.mark.parametrize("seed", range(4))
def test_where_users_do_not_differ_popularity_is_enough(seed: int) -> None:
    random = np.random.default_rng(seed)
    share = 1 / np.arange(1, 61)
    rows = {"who": random.integers(0, 100, 1500),
            "film": random.choice(60, 1500, p=share / share.sum())}
    result = wf.fit(rows, task="recommendation", user="who", item="film", jobs=1,
                    models="ease, item_knn, als")
    assert result.model == result.told["lists"] == "popularity"
    assert any("popularity" in said for said in result.warnings)


def test_where_ratings_are_noise_averages_are_enough() -> None:
    random = np.random.default_rng(0)
    rows = {"who": random.integers(0, 100, 2000), "film": random.integers(0, 60, 2000),
            "stars": random.integers(1, 6, 2000)}
    result = wf.fit(rows, task="recommendation", user="who", item="film", rating="stars", jobs=1,
                    models="svd, svdpp, item_knn, user_knn")
    assert result.model == "bias"
    assert any("averages" in said for said in result.warnings)


def test_nothing_of_the_future_reaches_the_scores() -> None:
    """A drift at the cut cannot be seen before it: items that appear later are never listed."""
    early, late = planted(900, 1), planted(300, 2)
    late = late.with_columns(film=pl.lit("new") + pl.col("film"),
                             day=pl.col("day") + pl.duration(days=400))
    result = wf.fit(pl.concat([early, late]), task="recommendation", user="who", item="film",
                    time="day", models="ease", share=late.height / (early.height + late.height))
    assert result.scores["recall@10"].value == 0
    assert "time" in result.split and result.told["split"] == "time"


# ---- verbs ------------------------------------------------------------------------------


def test_strangers_get_popular_items_and_it_is_said(rated: Recommender) -> None:
    with pytest.warns(wf.base.errors.WholefitWarning, match="1 user not met"):  # type: ignore[attr-defined]
        frame = rated.recommend(["nobody"], 3)
    having = planted()["film"].value_counts().sort("count", descending=True)
    assert set(frame["film"]) <= set(having.head(8)["film"])
    assert all("popular" in why for why in frame["why"])


def test_a_new_user_is_served_by_what_he_likes(rated: Recommender, used: Recommender) -> None:
    for result in (rated, used):
        frame = result.recommend(likes=["f00", "f04", "f08"], k=5)
        assert not {"f00", "f04", "f08"} & set(frame["film"])
        assert sum(kind(film) == 0 for film in frame["film"]) >= 4
        assert all(why.startswith("because of") for why in frame["why"][:3])
    assert set(used.recommend(likes={"The Film Number 1": 1.0}, k=3)["film"].to_list())
    with pytest.raises(DataError, match="no item 'zzz'"):
        rated.recommend(likes=["zzz"])
    with pytest.raises(ParameterError, match="not both"):
        rated.recommend(1, likes=["f00"])
    with pytest.raises(ParameterError, match="at least one"):
        rated.recommend(likes=[])


def test_a_filter_lets_through_what_it_names(rated: Recommender) -> None:
    assert set(rated.recommend(1, 9, filter=["f01", "f02"], exclude_seen=False)["film"]) == {
        "f01", "f02"}
    assert all(film.endswith("3") for film in
               rated.recommend(1, 9, filter=lambda film: film.endswith("3"))["film"])


def test_predictions_come_row_by_row_in_order(rated: Recommender) -> None:
    pairs = pl.DataFrame({"film": ["f00", "f01", None, "f00"], "who": [0, 0, 0, None]})
    found = rated.predict(pairs)
    assert found.columns == ["who", "film", "prediction"] and found.height == 4
    assert found["prediction"].is_null().to_list() == [False, False, True, True]
    assert found["prediction"][0] > found["prediction"][1] + 1
    with pytest.raises(SchemaError, match="must have the column 'who'"):
        rated.predict(pl.DataFrame({"whom": [1], "film": ["f00"]}))


def test_items_alike_share_their_kind(rated: Recommender, used: Recommender) -> None:
    for result in (rated, used):
        frame = result.similar("f00", 4)
        assert set(frame["film"]) == {"f00"} and "f00" not in set(frame["similar"])
        assert sum(kind(film) == 0 for film in frame["similar"]) >= 3
    assert used.similar("The Film Number 0", 4).equals(used.similar("f00", 4))
    with pytest.raises(DataError, match="did you mean"):
        rated.similar("f000")


def test_an_item_that_nobody_has_is_found_by_its_words(used: Recommender) -> None:
    frame = used.similar(like={"plot": "a ghost with blood"}, k=5)
    assert {kind(film) for film in frame["similar"]} == {3}
    with pytest.raises(DataError, match="says nothing"):
        used.similar(like={"plot": "zzz"})
    with pytest.raises(UnknownNameError):
        used.similar(like={"plto": "ghost"})
    with pytest.raises(ParameterError):
        used.similar()


def test_reasons_are_items_that_the_user_has(rated: Recommender) -> None:
    mine = set(planted().filter(pl.col("who") == 6)["film"])
    wanted = rated.recommend(6, 1)["film"][0]
    why = rated.explain(6, wanted)
    assert why.rank == 1 and why.reasons and {name for name, _ in why.reasons} <= mine
    assert "Because 6 liked" in str(why) and not why.had
    assert json.loads(json.dumps(why.to_json()))["rank"] == 1
    assert rated.explain(6, sorted(mine)[0]).had
    assert "not met in training" in str(rated.explain("nobody", "f00"))


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
def test_all_lists_go_to_a_file_as_they_are_made(
        rated: Recommender, tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from wholefit.training.recommendation import _top as top

    monkeypatch.setattr(top, "_BLOCK", 40 * 7)  # seven users at a time
    path = tmp_path / f"all.{ending}"
    assert rated.recommend_all(path, 4) == USERS * 4
    found = wf.read(path).frame
    want = rated.recommend(rated.users, 4, why=False)
    assert found["film"].to_list() == want["film"].to_list()
    assert found["score"].to_list() == pytest.approx(want["score"].to_list())
    with pytest.raises(DataError, match="exists already"):
        rated.recommend_all(path)
    assert rated.recommend_all(path, 4, users=[1, 2, "x"], force=True) == 8


def test_all_lists_need_a_file_that_can_grow(rated: Recommender, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="csv"):
        rated.recommend_all(tmp_path / "all.parquet")
    with pytest.raises(DataError, match="folder"):
        rated.recommend_all(tmp_path / "no" / "all.csv")


def test_all_lists_are_not_written_through_a_link_that_waits_there(
        rated: Recommender, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("kept")
    (tmp_path / ".all.csv.tmp").symlink_to(other)
    rated.recommend_all(tmp_path / "all.csv", 2)
    assert other.read_text() == "kept"
    rated.recommend_all(tmp_path / "all.txt", 2)
    assert "\t" in (tmp_path / "all.txt").read_text().splitlines()[0]


def test_answers_are_lists_or_predictions_as_the_columns_ask(rated: Recommender) -> None:
    assert rated.answers(pl.DataFrame({"who": [1, 2]})).height == 2 * 5
    assert rated.answers(pl.DataFrame({"who": [1], "film": ["f03"]})).columns[-1] == "prediction"
    given = rated.recommend({"who": [1]}, 2)
    assert isinstance(given, dict) and len(given["film"]) == 2


@pytest.mark.parametrize("k", [0, -1, 2.5, True, "3", 10**6])
def test_lengths_that_make_no_sense_are_refused(rated: Recommender, k: object) -> None:
    with pytest.raises(ParameterError, match="k must be"):
        rated.recommend(1, k)  # type: ignore[arg-type]


# ---- held-out rows, more rows -----------------------------------------------------------


def test_held_out_rows_score_it(rated: Recommender) -> None:
    train, test = planted(), planted(600, 9)
    test = test.join(train, on=["who", "film"], how="anti")
    found = rated.evaluate(test)
    assert 0.3 < found["rmse"].value < 1.2 and found["ndcg@5"].value > 0.1
    assert next(iter(rated.evaluate(test, metric="recall"))) == "recall@5"
    by_hand = rated.predict(test)["prediction"].to_numpy() - test["stars"].to_numpy()
    assert found["rmse"].value == pytest.approx(float(np.sqrt((by_hand**2).mean())))
    with pytest.raises(UnknownNameError):
        rated.evaluate(test, metric="recal")


def test_little_that_is_new_is_folded_in(rated: Recommender) -> None:
    new = pl.DataFrame({"who": [500, 500, 0], "film": ["f01", "f05", "f02"],
                        "stars": [5.0, 5.0, 1.0]})
    grown = rated.update(new)
    assert "without learning anew" in grown.lineage["update"]
    assert grown.lineage["parents"] == [rated.lineage["data_hash"]]
    frame = grown.recommend(500, 4)
    assert sum(kind(film) == 1 for film in frame["film"]) >= 3
    assert not {"f01", "f05"} & set(frame["film"])
    assert "f02" not in set(grown.recommend(0, 40)["film"])
    assert 500 not in rated.users, "the parent is as it was"
    assert grown.recommend(7).equals(rated.recommend(7)), "others are answered as before"


def test_those_folded_in_have_ratings_of_their_own(rated: Recommender) -> None:
    films = [f"f{i:02d}" for i in range(0, 40, 3)]
    new = pl.DataFrame({"who": [700] * len(films), "film": films,
                        "stars": [5.0 if kind(film) == 2 else 1.5 for film in films]})
    with pytest.warns(wf.base.errors.WholefitWarning, match="beyond 1 to 5"):  # type: ignore[attr-defined]
        grown = rated.update(new.with_columns(stars=pl.col("stars") + 0.5), how="fold_in")
    asked = pl.DataFrame({"who": [700, 700], "film": ["f02", "f01"]})
    high, low = grown.predict(asked)["prediction"].to_list()
    assert high > low + 1 and 1 <= low <= high <= 5
    assert rated.predict(asked)["prediction"][0] != high


def test_new_items_are_learnt_anew(rated: Recommender) -> None:
    new = pl.DataFrame({"who": list(range(0, 80, 4)), "film": ["extra"] * 20,
                        "stars": [5.0] * 20})
    grown = rated.update(new)
    assert "learnt anew" in grown.lineage["update"]
    asked = pl.DataFrame({"who": [3], "film": ["extra"]})
    assert np.isfinite(grown.predict(asked)["prediction"][0])
    folded = rated.update(new, how="fold_in")
    assert "extra" not in set(folded.recommend(3, 40)["film"])
    with pytest.raises(ParameterError, match="how must be"):
        rated.update(new, how="guess")


def test_learning_anew_is_the_same_as_fitting_on_all(tmp_path: Path) -> None:
    whole = planted(800).drop("day")
    first, second = whole[:400], whole[400:]
    model = "ease"
    options = {"task": "recommendation", "user": "who", "item": "film"}
    grown = wf.fit(first.drop("stars"), models=model, **options).update(
        second.drop("stars"), how="refit")
    at_once = wf.fit(whole.drop("stars"), models=model, **options)
    users = at_once.users
    a, b = (each.recommend(users, 5) for each in (grown, at_once))
    key = ["who", "rank"]
    assert np.allclose(a.sort(key)["score"], b.sort(key)["score"], atol=1e-5)
    again = wf.load(grown.save(tmp_path / "grown.wf"))
    assert again.recommend(users, 5).equals(a)


def test_a_rating_given_anew_takes_the_place_of_the_old(rated: Recommender) -> None:
    row = planted().row(0, named=True)
    new = pl.DataFrame({"who": [row["who"]], "film": [row["film"]], "stars": [1.0]})
    grown = rated.update(new, how="fold_in")
    engine = grown._engine
    items, values = engine.seen.of_user(int(engine.users.codes([row["who"]])[0]))
    code = int(engine.items.codes([row["film"]])[0])
    assert values[items == code].tolist() == [1.0]
    assert grown.told["pairs"] == rated.told["pairs"]
