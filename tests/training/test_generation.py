"""Generation from a source to made rows: columns kept, scores honest, hostile data refused."""

from __future__ import annotations

import datetime as dt
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import wholefit as wf
from wholefit.base.errors import (
    ArtifactError,
    DataError,
    ParameterError,
    UnknownNameError,
    WholefitError,
)
from wholefit.data import png


def mixed(rows: int = 240) -> pl.DataFrame:
    """Columns of every kind, some cells missing, two that go together."""
    rng = np.random.default_rng(0)
    kind = rng.integers(3, size=rows)
    price = np.round(20 * (kind + 1) + rng.normal(size=rows), 2)
    day = [dt.date(2024, 1, 1) + dt.timedelta(days=int(each))
           for each in rng.integers(200, size=rows)]
    return pl.DataFrame({
        "id": [f"c{at:04d}" for at in range(rows)],
        "kind": [("tea", "coffee", "kakaó")[each] for each in kind],
        "price": price, "count": rng.poisson(3, rows), "sold": day,
        "member": rng.random(rows) < 0.3,
        "note": [None if rng.random() < 0.2 else f"n{each}" for each in rng.integers(4, size=rows)],
        "weight": np.where(rng.random(rows) < 0.15, np.nan, 2 * price + rng.normal(size=rows)),
    }).with_columns(pl.col("weight").fill_nan(None))


def fitted(source: Any, **words: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wf.fit(source, task="generation", **{"budget": "20min", "jobs": 1, **words})


@pytest.fixture(scope="module")
def trees() -> Any:
    return fitted(mixed(), label="kind", models="sequential_trees, independent_columns")


def test_made_rows_come_in_the_same_columns_and_types(trees: Any) -> None:
    real, made = mixed(), trees.sample(400, seed=1)
    assert made.schema == real.schema and len(made) == 400
    assert set(made["kind"]) == {"tea", "coffee", "kakaó"}
    assert made["count"].min() >= real["count"].min()
    assert made["count"].max() <= real["count"].max()
    assert (made["price"] * 100 - (made["price"] * 100).round(0)).abs().max() < 1e-6
    assert real["sold"].min() <= made["sold"].min() and made["sold"].max() <= real["sold"].max()
    assert 0.05 < made["weight"].null_count() / 400 < 0.3
    assert made["id"].n_unique() == 400 and not set(made["id"]) & set(real["id"])
    assert 0.15 < made["member"].mean() < 0.45


def test_what_goes_together_goes_together_in_what_is_made(trees: Any) -> None:
    made = trees.sample(400, seed=1).drop_nulls("weight")
    assert np.corrcoef(made["price"], made["weight"])[0, 1] > 0.95
    by_kind = dict(made.group_by("kind").agg(pl.col("price").mean()).iter_rows())
    assert by_kind["kakaó"] > by_kind["coffee"] > by_kind["tea"]


def test_scores_tell_a_good_one_from_the_baseline(trees: Any) -> None:
    board = {entry.model: entry.scores for entry in trees.leaderboard}
    good, poor = board["sequential_trees"], board["independent_columns"]
    assert good["told_apart"].value < poor["told_apart"].value
    assert poor["told_apart"].low > 0.5 and trees.model == "sequential_trees"
    assert good["usefulness"].value > poor["usefulness"].value
    for name in ("precision", "recall", "coverage", "marginal_distance", "nearer_training"):
        assert 0 <= good[name].low <= good[name].value <= good[name].high <= 1
    assert any("not private" in said for said in trees.warnings)


def test_rows_under_one_label(trees: Any) -> None:
    assert set(trees.sample(30, label="coffee")["kind"]) == {"coffee"}
    with pytest.raises(UnknownNameError, match="coffee"):
        trees.sample(3, label="cofee")
    plain = fitted(mixed(), models="gaussian_copula")
    with pytest.raises(DataError, match="label="):
        plain.sample(3, label="tea")


def test_the_same_seed_makes_the_same_rows_also_from_a_file(trees: Any, tmp_path: Path) -> None:
    again = wf.load(trees.save(tmp_path / "m.wf"))
    assert_frame_equal(again.sample(50, seed=3), trees.sample(50, seed=3), check_exact=True)
    assert not trees.sample(50, seed=4).equals(trees.sample(50, seed=3))
    assert again.sample(3, frame="pandas").shape == (3, 8)


def test_a_twin_of_a_table_has_its_labels(trees: Any) -> None:
    rows = mixed().head(40)
    made = trees.answers(rows)
    assert made["kind"].to_list() == rows["kind"].to_list()
    assert not set(made["id"]) & set(rows["id"])


def test_held_out_rows_judge_it(trees: Any) -> None:
    found = trees.evaluate(mixed(300).tail(60), metric="coverage")
    assert next(iter(found)) == "coverage" and found["told_apart"].n == 120
    with pytest.raises(DataError, match="at least 20"):
        trees.evaluate(mixed().head(5))


def test_rows_learnt_by_heart_are_said() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(size=300).round(3), "b": rng.normal(size=300).round(3)})
    copied = fitted(frame, models="smoothed_bootstrap(noise=0)")
    assert any("by heart" in said for said in copied.warnings), copied.warnings
    assert copied.scores["nearer_training"].value > 0.55
    assert copied.told["copies"]["exact"] > 0.9 > copied.told["copies"]["exact_real"]


@pytest.fixture(scope="module")
def bars() -> Any:
    """Pictures of 4 x 4: a bright half on the left or on the right."""
    rng = np.random.default_rng(0)
    side = rng.integers(0, 2, size=300)
    shade = rng.integers(100, 250, size=(300, 1))
    pixels = np.where((np.arange(16) % 4 // 2) == side[:, None], shade, 0)
    frame = pl.DataFrame({f"p{at}": pixels[:, at] for at in range(16)}).with_columns(
        side=pl.Series(side))
    return fitted(frame, label="side", shape="4x4",
                  models="vae(steps=400, hidden=[32], code=2, batch=64, rate=0.003, beta=0.2)")


def test_pictures_show_the_label_that_was_asked_for(bars: Any) -> None:
    left = bars.pictures(20, label=0).astype(float)
    assert left.shape == (20, 4, 4, 1)
    assert left[:, :, :2].mean() > 4 * left[:, :, 2:].mean()
    assert bars.told["by_label"]["agree"] > 0.75 and "2 of 2 labels" in bars.to_text()
    assert bars.scores["frechet"].value >= 0 and bars.sample(2).shape == (2, 17)


def test_sheets_are_pngs_that_a_second_reader_reads(bars: Any, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for name, more in (("a.png", {}), ("w.png", {"walk": True})):
        path = bars.picture(tmp_path / name, 6, **more)
        with image.open(path) as read:
            assert read.size[0] > 50
    page = bars.report(tmp_path / "r.html").read_text()
    assert "data:image/png;base64," in page and "Made pictures" in page
    with pytest.raises(ArtifactError, match="force"):
        bars.picture(tmp_path / "a.png")
    with pytest.raises(ParameterError, match=r"\.png"):
        bars.picture(tmp_path / "a.jpg")


def test_a_walk_goes_in_small_steps(bars: Any) -> None:
    walked = bars.walk(2, 12, seed=1, label=1).drop("side").to_numpy().reshape(2, 12, 16)
    steps = np.abs(np.diff(walked.astype(float), axis=1)).max()
    assert walked.shape == (2, 12, 16) and steps < 130
    with pytest.raises(ParameterError, match="vae"):
        fitted(mixed(), models="gaussian_copula").walk()


def test_a_png_is_what_another_reader_reads() -> None:
    image = pytest.importorskip("PIL.Image")
    import io

    pixels = np.random.default_rng(0).integers(0, 256, size=(5, 7, 3)).astype(np.uint8)
    with image.open(io.BytesIO(png.encode(pixels))) as read:
        assert np.array_equal(np.asarray(read), pixels)
    assert png.sheet(np.zeros((5, 3, 2, 1), np.uint8), across=2).shape == (17, 10, 1)


@pytest.mark.parametrize(("words", "said"), [
    ({"shape": "4x"}, "28x28"), ({"shape": "5x5"}, "asks for 25"), ({"shape": "2x4x4"}, "channels"),
    ({"useful_for": "pice"}, "price"), ({"metric": "told"}, "told_apart"),
    ({"features": {"impute": "mean"}}, "columns, not features"),
    ({"models": "ridge"}, "not generation"), ({"judge": 4}, "judged"),
])
def test_wrong_words_are_said(words: dict[str, Any], said: str) -> None:
    with pytest.raises(WholefitError, match=said):
        fitted(mixed(80), **words)


@pytest.mark.parametrize("frame", [
    pl.DataFrame({"a": [1.0]}), pl.DataFrame({"a": [1.0, 2.0]}),
    pl.DataFrame({"a": [5, 5, 5, 5]}),
    pl.DataFrame({"a": [None, None, None, None]}, schema={"a": pl.Float64}),
    pl.DataFrame({name: [f"a long text, number {at}, of its own" for at in range(200)]
                  for name in ("t", "u")}),
])
def test_what_cannot_be_learnt_is_refused(frame: pl.DataFrame) -> None:
    with pytest.raises(WholefitError):
        fitted(frame)


@pytest.mark.parametrize("model", ["independent_columns", "gaussian_copula", "sequential_trees",
                                   "smoothed_bootstrap"])
@pytest.mark.parametrize("frame", [
    pl.DataFrame({"a": [1.0, 2.0, None, 4.0, 1e300], "b": ["x", "y", None, "x", "x"]}),
    pl.DataFrame({"a": [1.0, 2.0, float("nan"), float("inf")] * 30,
                  "b": [0.0, -0.0, 1e-9, -1e-9] * 30}),
    pl.DataFrame({f"c{at}": [at, at + 1, at + 2, 0] for at in range(30)}),
], ids=["few", "odd", "wide"])
def test_odd_tables_are_made(model: str, frame: pl.DataFrame) -> None:
    made = fitted(frame, models=model)
    rows = made.sample(25, seed=1)
    assert rows.columns == frame.columns and made.to_text()


@pytest.mark.parametrize("asked", [{"n": 0}, {"n": True}, {"n": 10**9}, {"seed": -1},
                                   {"frame": "panda"}])
def test_wrong_questions_are_refused(trees: Any, asked: dict[str, Any]) -> None:
    with pytest.raises(WholefitError):
        trees.sample(**asked)


def test_groups_stay_on_one_side() -> None:
    frame = mixed().with_columns(team=pl.Series([f"t{at // 6}" for at in range(240)]))
    made = fitted(frame, groups="team", models="gaussian_copula")
    assert "judged against" in made.split and made.sample(5)["team"].dtype == pl.String


def test_columns_are_learnt_on_the_rows_learnt_from_when_judged() -> None:
    """The range that made numbers are cut to must not know the rows set apart; the last one may."""
    from wholefit.training.generation import _rows
    from wholefit.training.generation._trials import Options, parted

    seen: list[Any] = []
    was = _rows.judge

    def watched(columns: Any, *given: Any, **more: Any) -> Any:
        seen.append(columns)
        return was(columns, *given, **more)

    frame = mixed(200)
    _, held = parted(wf.data.load(frame), Options(), 0)
    odd = int(held[0])
    frame = frame.with_columns(pl.Series("lone", np.where(np.arange(200) == odd, 1e6, 0.5)
                                         + np.arange(200) / 8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_rows, "judge", watched)
        found = fitted(frame, models="independent_columns", seed=0)
    high = {made.name: made.high for made in seen[0].made}["lone"]
    assert high < 100
    assert {made.name: made.high for made in found._columns.made}["lone"] > 1e5


def test_the_space_of_many_pixels_is_small_and_right() -> None:
    """Random draws find the axes that the exact way finds; large sides are shrunk first."""
    from wholefit.training.generation import _judge
    from wholefit.training.generation._columns import Columns

    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(120, 5)) * [9, 7, 5, 3, 2]) @ rng.normal(size=(5, 900))
    rows = rows + rng.normal(size=rows.shape) / 50
    exact = np.linalg.svd(rows, full_matrices=False)[2][:5]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_judge, "_EXACT", 10)
        drawn = _judge._axes(rows).T[:5]
    assert np.allclose(np.abs((exact * drawn).sum(axis=1)), 1, atol=1e-4)
    large = Columns((), None, (3, 200, 150))
    pixels = rng.integers(0, 256, (70, 3 * 200 * 150)).astype(np.float64)
    space = _judge.Space(pixels, large)
    assert len(space.middle) == 3 * 50 * 37
    assert space.of(pixels).shape == (70, 50)
    mean = pixels.reshape(70, 3, 200, 150)[:, 0, :4, :4].mean() / 255
    assert space.middle[0] == pytest.approx(mean)
