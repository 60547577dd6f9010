"""Audits: rates are those of the rows, intervals cover, chance is not called unfair."""

from __future__ import annotations

import json
import math

import numpy as np
import polars as pl
import pytest
from scipy import stats as scipy_stats

from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.evaluation import score
from wholefit.evaluation.fairness import Audit, audit, disparities, gaps
from wholefit.evaluation.fairness._measures import Rows, Stat, mean, stats
from wholefit.evaluation.fairness.audit import Answers
from wholefit.evaluation.fairness.records import few, hidden
from wholefit.evaluation.score import Score

CLASSES = ("no", "yes")


def world(
    n: int = 4_000, seed: int = 0, gap: float = 0.0, groups: tuple[str, ...] = ("a", "b"),
) -> tuple[Answers, np.ndarray]:
    """Answers to rows of two groups; the second is given lower probabilities by `gap`."""
    random = np.random.default_rng(seed)
    group = random.choice(groups, n)
    p = random.beta(2, 3, n)
    truth = (random.random(n) < p).astype(np.int32)
    said = np.clip(p - gap * (group == groups[1]), 0.001, 0.999)
    return Answers("classification", truth, np.column_stack([1 - said, said]),
                   classes=CLASSES), group


def asked(found: Answers, group: np.ndarray, **words: object) -> Audit:
    return audit(found, {"group": pl.Series(group)}, positive=1, **words)  # type: ignore[arg-type]


def test_rates_are_counts_of_the_rows() -> None:
    answers, group = world(gap=0.1)
    part = asked(answers, group).part("group")
    said = answers.answer[:, 1] > 0.5
    for name in ("a", "b"):
        own = group == name
        yes, chosen = answers.truth[own] == 1, said[own]
        scores = part.group(name).scores
        assert scores["base_rate"].value == pytest.approx(yes.mean())
        assert scores["selection_rate"].value == pytest.approx(chosen.mean())
        assert scores["tpr"].value == pytest.approx(chosen[yes].mean())
        assert scores["fpr"].value == pytest.approx(chosen[~yes].mean())
        assert scores["fnr"].value == pytest.approx(1 - chosen[yes].mean())
        assert scores["precision"].value == pytest.approx(yes[chosen].mean())
        assert scores["accuracy"].value == pytest.approx((yes == chosen).mean())
        assert scores["calibration"].value == pytest.approx(
            (answers.answer[own, 1] - yes).mean())
        alone = score("classification", answers.truth[own], answers.answer[own],
                      metrics=["accuracy", "roc_auc"])
        assert scores["auc"].value == alone["roc_auc"].value
        assert scores["accuracy"].low == pytest.approx(alone["accuracy"].low, abs=2e-4)
        assert scores["accuracy"].high == pytest.approx(alone["accuracy"].high, abs=2e-4)


def test_wilson_is_that_of_scipy_and_means_are_students() -> None:
    random = np.random.default_rng(1)
    hits = (random.random(60) < 0.3).astype(float)
    low, high = mean(hits, None, None, share=True).ends(0.95)
    told = scipy_stats.binomtest(int(hits.sum()), 60).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((told.low, told.high), abs=1e-9)
    numbers = random.normal(size=400)
    stat = mean(numbers, None, None, share=False)
    assert stat.error == pytest.approx(numbers.std(ddof=1) / 20)
    two = mean(np.tile(hits, 2), None, np.tile(np.arange(60), 2), share=True)
    assert two.ends(0.95)[0] == pytest.approx(low, abs=0.01), "each unit twice tells nothing more"
    heavy = mean(hits, np.full(60, 7.0), None, share=True)
    assert heavy.value == pytest.approx(hits.mean())
    assert heavy.rows == pytest.approx(60, rel=0.02)


def test_ratio_covers() -> None:
    """Intervals of the ratio of two shares hold the true one as often as they say."""
    random = np.random.default_rng(2)
    for p, q, n in ((0.1, 0.3, 200), (0.4, 0.5, 80), (0.05, 0.05, 400)):
        held = 0
        for _ in range(400):
            one, other = (Stat(random.binomial(n, each) / n, 0.0, math.inf, n, n).score("", 0.95)
                          for each in (p, q))
            _, low, high = gaps.ratio(one, other)
            held += low <= p / q <= high
        assert held >= 0.92 * 400, (p, q, n, held)


def test_ratio_of_what_is_nothing() -> None:
    none = Score("", 0.0, 0.0, 0.1, 0.95, "", 50)
    some = Score("", 0.5, 0.4, 0.6, 0.95, "", 50)
    value, low, high = gaps.ratio(none, some)
    assert value == 0 == low and 0 < high < 0.4
    assert gaps.ratio(some, none)[0] == math.inf
    assert math.isnan(gaps.ratio(none, none)[0])


def test_a_planted_gap_is_found_and_chance_is_not() -> None:
    answers, group = world(gap=0.15)
    found = asked(answers, group)
    part = found.part("group")
    assert part.criterion("demographic parity").verdict == "unequal"
    assert part.criterion("disparate impact").verdict == "below 0.8"
    assert part.criterion("calibration within groups").verdict == "unequal"
    judged = part.groups[1].against["selection_rate"]
    assert judged.verdict == ("lower" if part.groups[1].name == "b" else "higher")
    alarms = 0
    for seed in range(60):
        fair, who = world(1_200, seed, groups=("a", "b", "c", "d"))
        audited = asked(fair, who)
        alarms += any(gap.verdict in ("higher", "lower") for each in audited.parts[0].groups
                      for gap in each.against.values())
    assert alarms <= 7, f"{alarms} of 60 audits of chance found a difference"


def test_disparate_impact_is_judged_by_its_interval() -> None:
    """Just above 0.8 on few rows is not certain; far above on many is."""
    stat = {"a": Stat(0.50, 0, math.inf, 100, 100), "b": Stat(0.42, 0, math.inf, 100, 100)}
    found = gaps.criterion("disparate impact", "selection_rate", stat, 0.95, 30, ratios=True)
    assert found.value == pytest.approx(0.84) and found.verdict == "not certain"
    many = {name: Stat(each.value, 0, math.inf, 10_000, 10_000) for name, each in stat.items()}
    found = gaps.criterion("disparate impact", "selection_rate", many, 0.95, 30, ratios=True)
    assert found.verdict == "at least 0.8" and (found.lowest, found.highest) == ("b", "a")


def test_odds_fail_where_either_rate_certainly_does() -> None:
    """A small certain gap in false alarms counts before a larger one in TPR that may be chance."""
    def of(rate: float, n: int) -> Stat:
        return Stat(rate, 0, math.inf, n, n)

    same = {"precision": of(0.5, 900), "calibration": of(0.5, 900), "accuracy": of(0.5, 900),
            "selection_rate": of(0.5, 900)}
    groups = {"a": {**same, "tpr": of(0.6, 60), "fpr": of(0.10, 5_000)},
              "b": {**same, "tpr": of(0.5, 60), "fpr": of(0.05, 5_000)}}
    odds = {one.name: one for one in gaps.criteria("classification", groups, 0.95, 30)}[
        "equalised odds"]
    assert odds.verdict == "unequal" and odds.measure == "fpr"


def test_few_rows_are_never_a_bare_number() -> None:
    answers, group = world(400)
    group = group.astype(object)
    group[:12], group[12:15] = "tiny", "hidden"
    found = asked(answers, group)
    stored = json.dumps(found.to_json())
    assert '"hidden"' in stored and '"<5"' in stored
    listed = {each["where"]["group"]: each for each in found.to_json()["parts"][0]["groups"]}
    assert set(listed["hidden"]) == {"where", "n"}
    assert all(each is None or each["value"] is None
               for each in listed["tiny"]["scores"].values())
    assert listed["tiny"]["against"] == {}
    assert "hidden" not in found.to_text() and "few rows" in found.to_text()
    assert all(gap.verdict in ("too few rows", "")
               for gap in found.part("group").group("tiny").against.values())
    assert found.table().filter(pl.col("group") == "tiny")["value"].null_count() == 10
    assert "scores" in {**found.to_json(small=True)["parts"][0]["groups"][-1]}


def test_a_share_of_very_few_people_is_a_range() -> None:
    of_three = Score("fpr", 3 / 500, 0.001, 0.02, 0.95, "", 500)
    assert few(of_three, 30) and not few(of_three, 30, small=True)
    assert not few(Score("fpr", 0.0, 0.0, 0.01, 0.95, "", 500), 30)
    assert not few(Score("calibration", 3 / 500, 0, 1, 0.95, "", 500), 30)
    assert hidden(Score("tpr", 0.5, 0, 1, 0.95, "", 4)) and not hidden(of_three)


def test_intersections_bands_missing_values_and_references() -> None:
    answers, group = world(2_000)
    random = np.random.default_rng(3)
    age = pl.Series(random.integers(18, 80, 2_000)).cast(pl.Float64).set(
        pl.Series(np.arange(2_000) < 50), None)
    found = audit(answers, {"sex": pl.Series(group), "age": age}, positive=1,
                  bands={"age": [30, 50]})
    assert [part.name for part in found.parts] == ["sex", "age", "sex x age"]
    assert {each.name for each in found.part("age").groups} == {
        "(missing)", "under 30", "30 to under 50", "50 and over"}
    assert sum(each.n for each in found.part("sex x age").groups) == 2_000
    own = asked(answers, group, reference={"group": "b"})
    assert own.part("group").reference == "b" and not own.part("group").group("b").against
    rest = asked(answers, group, reference="rest").part("group")
    assert rest.group("a").against["tpr"].difference == pytest.approx(
        -rest.group("b").against["tpr"].difference)
    assert len(audit(answers, {"sex": pl.Series(group), "age": age}, positive=1,
                     together=False).parts) == 2


def test_several_classes_and_numbers() -> None:
    random = np.random.default_rng(4)
    group = pl.Series(random.choice(["a", "b"], 900))
    answer = random.dirichlet([1, 1, 1], 900)
    truth = np.array([random.choice(3, p=row) for row in answer], dtype=np.int32)
    found = audit(Answers("classification", truth, answer, classes=("x", "y", "z")),
                  {"group": group})
    assert [part.outcome for part in found.parts] == ["x", "y", "z"]
    assert found.part("group", "z").groups[0].scores["base_rate"].value == pytest.approx(
        (truth[(group == found.part("group", "z").groups[0].name).to_numpy()] == 2).mean())
    number = random.normal(size=900)
    guess = number + np.where(group == "b", 0.5, 0.0) + random.normal(size=900) * 0.3
    told = audit(Answers("regression", number, guess), {"group": group})
    part = told.part("group")
    assert part.outcome is None and part.criterion("no bias").verdict == "unequal"
    assert part.group("b").scores["bias"].value == pytest.approx(
        (guess - number)[(group == "b").to_numpy()].mean())
    assert part.group("a").scores["rmse"].low > 0
    assert "mean error" in told.to_text()


def test_the_impossible_is_shown_on_the_users_numbers() -> None:
    """Base rates differ: with the reference's precision and misses, fpr must be another."""
    random = np.random.default_rng(5)
    group = random.choice(["a", "b"], 6_000, p=[0.6, 0.4])
    p = random.beta(2, 2, 6_000) * np.where(group == "b", 0.5, 1.0)
    truth = (random.random(6_000) < p).astype(np.int32)
    found = asked(Answers("classification", truth, np.column_stack([1 - p, p]),
                          classes=CLASSES), group)
    one = found.part("group").impossible[0]
    assert one.group == "b" and one.reference == "a"
    wrong = one.base / (1 - one.base) * (1 - one.precision) / one.precision * (1 - one.fnr)
    assert one.needed == pytest.approx(wrong) and one.needed < one.fpr
    same = one.reference_base / (1 - one.reference_base) * (
        1 - one.precision) / one.precision * (1 - one.fnr)
    assert same == pytest.approx(one.fpr), "the identity holds for the reference itself"
    even, who = world(3_000)
    assert asked(even, who).part("group").impossible == ()


def test_shrinkage_draws_small_groups_most() -> None:
    random = np.random.default_rng(6)
    sizes, rates = [2_000, 1_500, 40, 35, 30], [0.3, 0.34, 0.3, 0.34, 0.28]
    group = np.repeat([f"g{at}" for at in range(5)], sizes)
    said = np.concatenate([random.random(n) < r for n, r in zip(sizes, rates, strict=True)])
    p = np.where(said, 0.9, 0.1)
    truth = (random.random(len(p)) < 0.3).astype(np.int32)
    found = asked(Answers("classification", truth, np.column_stack([1 - p, p]),
                          classes=CLASSES), group, shrink=True).part("group")
    whole = said.mean()
    for each in found.groups:
        raw, drawn = each.scores["selection_rate"], each.shrunk["selection_rate"]
        assert min(raw.value, whole) - 1e-9 <= drawn.value <= max(raw.value, whole) + 1e-9
        moved = abs(drawn.value - raw.value) / max(abs(whole - raw.value), 1e-9)
        assert moved > 0.5 if each.n < 100 else moved < 0.9


def test_disparities_are_the_plain_gaps() -> None:
    answers, group = world(gap=0.1)
    by = {name: stats("classification", Rows(
        answers.truth[group == name] == 1, answers.answer[group == name, 1] > 0.5,
        answers.answer[group == name, 1],
        (answers.answer[group == name, 1] > 0.5) == (answers.truth[group == name] == 1),
        None, None)) for name in ("a", "b")}
    found = disparities(by)
    assert found["selection"] == pytest.approx(abs(
        by["a"]["selection_rate"].value - by["b"]["selection_rate"].value))
    assert found["odds"] >= found["opportunity"]


def test_hostile_rows() -> None:
    answers, group = world(50)
    alone = asked(answers, np.full(50, "x"))
    assert alone.unequal == () and "too few rows" in alone.to_text()
    one = Answers("classification", np.array([1], dtype=np.int32), np.array([[0.2, 0.8]]),
                  classes=CLASSES)
    assert asked(one, np.array(["a"])).to_json()["parts"][0]["groups"] == [
        {"where": {"group": "a"}, "n": "<5"}]
    odd = audit(answers, {"^a.*$": pl.Series(group), "": pl.Series([None] * 50),
                          "*": pl.Series(np.arange(50.0))}, positive=1)
    assert odd.part("").groups[0].name == "(missing)"
    never = Answers("classification", np.zeros(100, dtype=np.int32),
                    np.tile([0.9, 0.1], (100, 1)), classes=CLASSES)
    told = asked(never, np.repeat(["a", "b"], 50))
    assert "undefined" in told.to_text() or "too few" in told.to_text()
    json.dumps(told.to_json(), allow_nan=False)


def test_wrong_words() -> None:
    answers, group = world(100)
    with pytest.raises(DataError, match="at least one column"):
        audit(answers, {})
    with pytest.raises(UnknownNameError, match="'z'"):
        asked(answers, group, reference={"group": "z"})
    with pytest.raises(ParameterError, match="reference"):
        asked(answers, group, reference="smallest")
    with pytest.raises(ParameterError, match="thin"):
        asked(answers, group, thin=1)
    with pytest.raises(ParameterError, match="rising"):
        audit(answers, {"n": pl.Series(np.arange(100))}, bands={"n": [3, 1]})
    with pytest.raises(DataError, match="holds none"):
        audit(answers, {"n": pl.Series(["x"] * 100)}, bands={"n": [3]})


def test_criteria_are_corrected_for_all_of_an_audit() -> None:
    """Three groups, two, and both together, all treated alike: 35 % of audits erred without it."""
    alarms = 0
    for seed in range(60):
        answers, three = world(800, seed, groups=("a", "b", "c"))
        two = pl.Series(np.random.default_rng(1_000 + seed).choice(["m", "f"], 800))
        found = audit(answers, {"three": pl.Series(three), "two": two}, positive=1)
        alarms += bool(found.unequal)
    assert alarms <= 7, f"{alarms} of 60"
    part = asked(*world(gap=0.25)).part("group")
    parity, impact = (part.criterion(name) for name in ("demographic parity", "disparate impact"))
    assert parity.p == impact.p < 0.05 and impact.verdict == "below 0.8"
