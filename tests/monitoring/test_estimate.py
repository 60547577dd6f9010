"""Scores without truths: right where rows moved, and silent where nothing can be known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from wholefit.data import dataset_of
from wholefit.monitoring.apart import told_apart
from wholefit.monitoring.estimate import by_columns, estimated, of_window


def logistic(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def world(random: np.random.Generator, rows: int, shift: float) -> tuple[np.ndarray, ...]:
    """A column, how sure the model is (too sure, unevenly so), and whether it is wrong."""
    x = random.normal(shift, 1, rows)
    true = logistic(0.5 + x)  # chance of being right
    sure = np.clip(true**0.5, 0.5, 1.0)
    return x, sure, (random.random(rows) > true).astype(float), 1 - true


def test_known_odds_give_the_mean_loss_there() -> None:
    """Against the truth in closed form: densities are known, so the odds are exact."""
    random = np.random.default_rng(0)
    errors = []
    for _ in range(24):
        x, sure, losses, _ = world(random, 2_000, 0.0)
        x_new, sure_new, _, wrong = world(random, 2_000, -0.8)
        odds, odds_new = (np.exp(-0.8 * each - 0.32) for each in (x, x_new))
        found = estimated(losses, sure, sure_new, odds, odds_new)
        assert found.known and found.low <= found.value <= found.high
        errors.append(((found.value - wrong.mean()) / ((found.high - found.low) / 3.92),
                       found.value - wrong.mean(), losses.mean() - wrong.mean()))
    z, own, before = np.array(errors).T
    assert np.abs(z.mean()) < 0.8 and (np.abs(z) < 1.96).mean() >= 0.8
    assert np.abs(own).mean() < 0.2 * np.abs(before).mean()


def test_each_way_alone_is_mended_by_the_other() -> None:
    """Confidence without worth, but right odds; odds that say nothing, but right confidence."""
    random = np.random.default_rng(1)
    x, _, losses, right = world(random, 6_000, 0.0)
    x_new, _, _, wrong = world(random, 6_000, -0.8)
    odds, odds_new = (np.exp(-0.8 * each - 0.32) for each in (x, x_new))
    blind = estimated(losses, np.full(len(x), 0.9), np.full(len(x_new), 0.9), odds, odds_new)
    assert blind.value == pytest.approx(wrong.mean(), abs=0.02)
    flat = estimated(losses, 1 - right, 1 - wrong, np.ones(len(x)), np.ones(len(x_new)))
    assert flat.value == pytest.approx(wrong.mean(), abs=0.02)


def test_learnt_odds_do_it_too() -> None:
    random = np.random.default_rng(2)
    x, sure, losses, _ = world(random, 2_000, 0.0)
    x_new, sure_new, _, wrong = world(random, 2_000, -0.8)
    frames = [pl.DataFrame({"x": each, "other": random.normal(size=len(each))})
              for each in (x, x_new)]
    old = dataset_of(frames[0].with_columns(y=pl.Series(losses.astype(int))), target="y")
    new = dataset_of(frames[1].with_columns(y=pl.Series(np.arange(2_000) % 2)), target="y")
    apart = told_apart(old, new)
    assert apart is not None and apart.p < 1e-6 and apart.telling[0][0] == "x"
    found = of_window(apart, losses, sure, sure_new, bounded=True)
    assert found.known and abs(found.value - wrong.mean()) < 0.03
    assert abs(losses.mean() - wrong.mean()) > 0.08, "saying what was before is far off"


def test_it_says_when_it_cannot_know() -> None:
    random = np.random.default_rng(3)
    x, sure, losses, _ = world(random, 1_000, 0.0)
    x_new, sure_new, _, _ = world(random, 1_000, -4.0)
    odds, odds_new = (np.exp(-4 * each - 8) for each in (x, x_new))
    assert "unlike" in estimated(losses, sure, sure_new, odds, odds_new).why
    thin = np.where(np.arange(1_000) < 30, 20.0, 1e-3)
    assert "only 30 rows" in estimated(losses, sure, sure_new, thin, np.ones(1_000)).why
    assert "the window has fewer" in estimated(losses, sure, sure_new[:20], odds, odds_new[:20]).why
    assert "the reference has fewer" in estimated(
        losses[:20], sure[:20], sure_new, odds[:20], odds_new).why
    few = estimated(losses[:110], sure[:110], sure_new[:110], np.ones(110), np.ones(110))
    assert "to within" in few.why


def test_errors_of_numbers_by_columns() -> None:
    random = np.random.default_rng(4)
    x, x_new = random.normal(size=3_000), random.normal(0.7, 1, 3_000)

    def losses(at: np.ndarray) -> np.ndarray:
        return np.abs(random.normal(0, np.exp(0.5 * at)))

    old = dataset_of(pl.DataFrame({"x": x, "y": random.normal(size=3_000)}), target="y")
    new = dataset_of(pl.DataFrame({"x": x_new, "y": random.normal(size=3_000)}), target="y")
    apart = told_apart(old, new)
    assert apart is not None
    before, after = losses(x), losses(x_new)
    learnt = by_columns(old, before, ["x"])
    assert learnt is not None
    promised = learnt.of(new)
    assert promised is not None
    found = of_window(apart, before, None, None, bounded=False, promised=(learnt.old, promised))
    assert found.known and found.value == pytest.approx(after.mean(), rel=0.1)
    assert before.mean() < 0.8 * after.mean()


def test_a_question_asked_twice_is_not_known_by_heart() -> None:
    random = np.random.default_rng(6)

    def rows(count: int) -> pl.DataFrame:
        return pl.DataFrame({"x": random.normal(size=count), "z": random.normal(size=count)})

    old, new = rows(1_000), rows(100)
    sides = [dataset_of(each.with_columns(y=pl.int_range(each.height) % 2), target="y")
             for each in (old, pl.concat([new, new, new]))]
    apart = told_apart(*sides)
    assert apart is not None and apart.p > 1e-3 and apart.auc < 0.65


@pytest.mark.study
def test_rows_of_one_distribution_are_told_apart_as_often_as_is_said() -> None:
    random = np.random.default_rng(5)
    chances = []
    for _ in range(200):
        frames = [pl.DataFrame({"a": random.normal(size=300), "b": random.choice(["u", "v"], 300),
                                "y": np.arange(300) % 2}) for _ in range(2)]
        found = told_apart(*(dataset_of(frame, target="y") for frame in frames))
        assert found is not None
        chances.append(found.p)
    assert (np.array(chances) <= 0.05).mean() <= 0.07
    assert (np.array(chances) <= 0.2).mean() <= 0.25
