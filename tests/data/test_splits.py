"""Splits: whole units, proportions, time, repeatability; compared with a second implementation."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.base.errors import DataError, ParameterError
from wholefit.data.loading import dataset_of
from wholefit.data.splits import holdout, kfold, three_way, time_ordered


def table(n, classes=3, seed=0, repeats=0, group=None, time=None):
    """A dataset of `n` rows, `repeats` of them copies of others, and its class codes."""
    rng = np.random.default_rng(seed)
    x = rng.permutation(n) + 0.5
    if repeats:
        x[rng.choice(n, repeats, replace=False)] = x[rng.integers(0, n, repeats)]
    columns = {"x": x, "y": [f"c{v}" for v in rng.integers(0, classes, n)]}
    if group is not None:
        columns["g"] = rng.integers(0, group, n)
    if time is not None:
        columns["t"] = rng.integers(0, time, n)
    dataset = dataset_of(pl.DataFrame(columns), target="y", groups="g" if group else None,
                         time="t" if time else None)
    return dataset, dataset.codes("y")[0]


def assert_partition(plan, n):
    """Each repeat tests every row once, and train is the rest."""
    tested = np.concatenate([test for _, test in plan.folds])
    assert (np.bincount(tested, minlength=n) == len(tested) // n).all()
    for train, test in plan.folds:
        assert len(train) and len(test)
        assert np.array_equal(np.union1d(train, test), np.arange(n))
        assert len(train) + len(test) == n
        assert (np.diff(train) > 0).all() and (np.diff(test) > 0).all()


def assert_whole(plan, ids):
    """No id lies on both sides of a fold."""
    for train, test in plan.folds:
        assert not np.isin(ids[test], ids[train]).any()


@settings(max_examples=60, deadline=None)
@given(n=st.integers(10, 120), classes=st.integers(2, 6), folds=st.integers(2, 7),
       seed=st.integers(0, 1000), repeats=st.integers(1, 2))
def test_stratified_folds_partition_and_keep_each_class_within_one(
        n, classes, folds, seed, repeats):
    dataset, y = table(n, classes, seed)
    plan = kfold(dataset, y, folds=folds, repeats=repeats, seed=seed, stratify=True)
    assert plan.unit == "row" and plan.units is None
    assert len(plan) == folds * repeats
    assert_partition(plan, n)
    for start in range(0, len(plan), folds):
        tests = [test for _, test in plan.folds[start:start + folds]]
        counts = np.array([np.bincount(y[test], minlength=classes) for test in tests])
        assert (np.ptp(counts, axis=0) <= 1).all()
        assert np.ptp([len(test) for test in tests]) <= 1


@settings(max_examples=60, deadline=None)
@given(n=st.integers(20, 150), folds=st.integers(2, 6), seed=st.integers(0, 1000),
       share=st.floats(0.05, 0.6), stratify=st.booleans())
def test_copies_never_part(n, folds, seed, share, stratify):
    dataset, y = table(n, 3, seed, repeats=max(1, int(n * share)))
    plan = kfold(dataset, y, folds=folds, seed=seed, stratify=stratify)
    assert_partition(plan, n)
    assert_whole(plan, dataset.numeric("x"))
    if plan.units is not None:
        assert_whole(plan, plan.units)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(20, 150), group=st.integers(2, 30), folds=st.integers(2, 6),
       seed=st.integers(0, 1000), stratify=st.booleans())
def test_groups_never_part(n, group, folds, seed, stratify):
    dataset, y = table(n, 3, seed, group=group)
    groups = dataset.groups()
    if len(np.unique(groups)) < 2:
        return
    plan = kfold(dataset, y, folds=folds, seed=seed, stratify=stratify)
    assert plan.unit == "group" and len(plan) == min(folds, len(np.unique(groups)))
    assert_partition(plan, n)
    assert_whole(plan, groups)
    assert_whole(plan, plan.units)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(10, 150), times=st.integers(2, 40), folds=st.integers(1, 6),
       seed=st.integers(0, 1000))
def test_training_lies_strictly_before_the_test(n, times, folds, seed):
    dataset, y = table(n, 2, seed, time=times)
    t = dataset.numeric("t")
    if len(np.unique(t)) < 2:
        return
    plan = time_ordered(dataset, y, folds=folds, seed=seed)
    assert plan.unit == "time block"
    for train, test in plan.folds:
        assert t[train].max() < t[test].min()
    tested = np.concatenate([test for _, test in plan.folds])
    assert len(np.unique(tested)) == len(tested)
    assert len(np.unique(t[tested])) <= len(np.unique(t)) - 1
    # Each block of time is a stretch: no time lies in two blocks.
    assert all(len(np.unique(plan.units[t == at])) == 1 for at in np.unique(t))


@settings(max_examples=40, deadline=None)
@given(n=st.integers(10, 200), seed=st.integers(0, 1000), test=st.floats(0.05, 0.9),
       classes=st.integers(2, 5), stratify=st.booleans())
def test_holdout_has_the_exact_size_and_proportions(n, seed, test, classes, stratify):
    dataset, y = table(n, classes, seed)
    (train, held), = holdout(dataset, y, test=test, seed=seed, stratify=stratify).folds
    wanted = min(max(int(np.floor(n * test + 0.5)), 1), n - 1)
    assert len(held) == wanted
    assert np.array_equal(np.union1d(train, held), np.arange(n))
    if stratify:
        exact = np.bincount(y, minlength=classes) * wanted / n
        assert (np.abs(np.bincount(y[held], minlength=classes) - exact) <= 1 + 1e-9).all()


@pytest.mark.parametrize("n", [5, 10, 50, 100, 150, 1005])
def test_three_way_is_sixty_twenty_twenty(n):
    dataset, y = table(n, 2, seed=n)
    parts = three_way(dataset, y, seed=42, stratify=n > 10)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (
        n - 2 * (n // 5), n // 5, n // 5)
    assert np.array_equal(np.sort(np.concatenate([parts.train, parts.validation, parts.test])),
                          np.arange(n))


def test_the_same_seed_gives_the_same_plan_and_another_seed_another():
    dataset, y = table(200, repeats=20)
    first, again, other = (kfold(dataset, y, seed=s, stratify=True) for s in (1, 1, 2))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(first.folds, again.folds, strict=True))
    assert any(not np.array_equal(a[1], b[1])
               for a, b in zip(first.folds, other.folds, strict=True))


def test_rows_sorted_by_class_are_shuffled():
    frame = pl.DataFrame({"x": np.arange(100) + 0.5, "y": ["a"] * 50 + ["b"] * 50})
    dataset = dataset_of(frame, target="y")
    plan = kfold(dataset, dataset.codes("y")[0], folds=5, seed=3)
    assert all(len(np.unique(dataset.codes("y")[0][test])) == 2 for _, test in plan.folds)


def test_folds_agree_with_scikit_learn_on_sizes_and_class_counts():
    from sklearn.model_selection import StratifiedKFold

    dataset, y = table(137, 4, seed=5)
    ours = kfold(dataset, y, folds=6, seed=0, stratify=True)
    theirs = StratifiedKFold(6, shuffle=True, random_state=0).split(np.zeros(len(y)), y)
    count = [sorted(np.bincount(y[test], minlength=4).tolist() for _, test in folds)
             for folds in (ours.folds, list(theirs))]
    by_class = [np.sort(np.array(c), axis=0) for c in count]
    assert np.array_equal(*by_class)


def test_groups_are_as_balanced_as_scikit_learns():
    from sklearn.model_selection import GroupKFold

    dataset, y = table(600, 2, seed=8, group=25)
    groups = dataset.groups()
    ours = [len(test) for _, test in kfold(dataset, y, folds=5, seed=0).folds]
    theirs = [len(test) for _, test in GroupKFold(5).split(y, y, groups)]
    assert np.ptp(ours) <= np.ptp(theirs) + 5


def test_stratified_groups_are_as_balanced_as_scikit_learns():
    from sklearn.model_selection import StratifiedGroupKFold

    dataset, y = table(900, 3, seed=2, group=60)
    total = np.bincount(y) / 5

    def worst(folds):
        return max(np.abs(np.bincount(y[test], minlength=3) - total).max() for _, test in folds)

    ours = worst(kfold(dataset, y, folds=5, seed=0, stratify=True).folds)
    theirs = worst(StratifiedGroupKFold(5).split(y, y, dataset.groups()))
    assert ours <= theirs + 3


def test_copies_are_balanced_too():
    dataset, y = table(1000, 3, seed=1, repeats=300)
    plan = kfold(dataset, y, folds=5, stratify=True)
    counts = np.array([np.bincount(y[test]) for _, test in plan.folds])
    assert plan.unit == "duplicate group" and "copies kept together" in plan.how
    assert (np.ptp(counts, axis=0) <= 1).all()


def test_coarse_columns_are_not_taken_for_copies():
    frame = pl.DataFrame({"sex": ["f", "m"] * 200, "y": ["n", "y", "y", "y"] * 100})
    dataset = dataset_of(frame, target="y")
    plan = kfold(dataset, dataset.codes("y")[0], stratify=True)
    assert plan.unit == "row" and "too coarse" in plan.how
    assert_partition(plan, 400)


def test_a_rare_class_is_said_and_does_no_harm():
    frame = pl.DataFrame({"x": np.arange(50) + 0.5, "y": ["a"] * 48 + ["b"] * 2})
    dataset = dataset_of(frame, target="y")
    plan = kfold(dataset, dataset.codes("y")[0], folds=5, stratify=True)
    assert "the rarest class has 2 rows" in plan.how
    assert_partition(plan, 50)


def test_three_rows_work_with_fewer_folds_and_one_row_does_not():
    dataset, y = table(3, 2)
    plan = kfold(dataset, y, folds=5, stratify=True)
    assert len(plan) == 3 and "5 asked, 3 rows" in plan.how
    assert_partition(plan, 3)
    with pytest.raises(DataError, match="at least 2 rows; the data has 1"):
        kfold(dataset.take(np.array([0])), y[:1])


def test_one_group_is_refused():
    dataset, y = table(30, 2, group=1)
    with pytest.raises(DataError, match=r"at least 2 groups; the data has 1\. Leave out groups="):
        kfold(dataset, y)


def test_numbers_are_stratified_by_slices_of_their_range():
    n = 1000
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"x": rng.normal(size=n), "y": rng.lognormal(sigma=2, size=n)})
    dataset = dataset_of(frame, target="y")
    y = dataset.numeric("y")
    plan = kfold(dataset, y, stratify=True, seed=1)
    shares = [(y[test] > np.quantile(y, 0.9)).mean() for _, test in plan.folds]
    assert np.ptp(shares) < 0.01 and "slices" in plan.how


def test_time_wins_over_shuffling_wherever_there_is_a_time_column():
    dataset, y = table(100, 2, time=25)
    t = dataset.numeric("t")
    for plan in (kfold(dataset, y), holdout(dataset, y, test=0.25)):
        for train, test in plan.folds:
            assert t[train].max() < t[test].min()
    parts = three_way(dataset, y)
    assert t[parts.train].max() < t[parts.validation].min()
    assert t[parts.validation].max() < t[parts.test].min()


def test_time_and_groups_together_teach_no_tested_group():
    n = 120
    frame = pl.DataFrame({"x": np.arange(n) + 0.5, "t": np.arange(n), "g": np.arange(n) // 7,
                          "y": ["a", "b"] * (n // 2)})
    dataset = dataset_of(frame, target="y", time="t", groups="g")
    groups = dataset.groups()
    for train, test in time_ordered(dataset, folds=4).folds:
        assert not np.isin(groups[test], groups[train]).any()
    spread = dataset_of(frame.with_columns(g=pl.col("t") % 3), target="y", time="t", groups="g")
    with pytest.raises(DataError, match="every group spans all the time"):
        time_ordered(spread)


def test_rows_without_a_time_are_left_out_and_counted():
    frame = pl.DataFrame({"x": np.arange(20) + 0.5, "t": [None, *range(19)], "y": ["a", "b"] * 10})
    dataset = dataset_of(frame, target="y", time="t")
    plan = time_ordered(dataset, folds=3)
    assert "1 row without a time is left out" in plan.how
    assert all(0 not in train and 0 not in test for train, test in plan.folds)


def test_one_time_is_refused():
    frame = pl.DataFrame({"x": [1.5, 2.5, 3.5], "t": [1, 1, 1], "y": ["a", "b", "a"]})
    dataset = dataset_of(frame, target="y", time="t")
    with pytest.raises(DataError, match="at least 2 different times"):
        time_ordered(dataset)
    with pytest.raises(DataError, match="at least 2 different times"):
        holdout(dataset, np.zeros(3))


@pytest.mark.parametrize("wrong", [{"folds": 1}, {"folds": 2.5}, {"repeats": 0}])
def test_impossible_settings_are_refused(wrong):
    dataset, y = table(20)
    with pytest.raises(ParameterError, match="must be a whole number >="):
        kfold(dataset, y, **wrong)
    with pytest.raises(ParameterError, match="must be > 0 and < 1"):
        holdout(dataset, y, test=1.5)
    with pytest.raises(ParameterError, match=r"validation \+ test must be"):
        three_way(dataset, y, validation=0.5, test=0.5)


def test_groups_that_share_a_copy_of_a_row_are_one():
    frame = pl.DataFrame({"x": [0.5, 1.5, 1.5, 2.5, *np.arange(10, 40)],
                          "g": ["a", "a", "b", "b", *(f"g{i // 3}" for i in range(30))],
                          "y": ["p", "q"] * 17})
    dataset = dataset_of(frame, target="y", groups="g")
    plan = kfold(dataset, dataset.codes("y")[0], folds=5)
    assert len(np.unique(plan.units[:4])) == 1 and "copies" in plan.how
    assert_whole(plan, dataset.numeric("x"))
    assert_whole(plan, dataset.groups())


def test_holdout_keeps_some_rows_of_every_side_with_few_units():
    frame = pl.DataFrame({"x": np.arange(10) + 0.5, "g": [0] * 6 + [1] * 4, "y": ["a", "b"] * 5})
    dataset = dataset_of(frame, target="y", groups="g")
    (train, test), = holdout(dataset, dataset.codes("y")[0], stratify=True).folds
    assert len(train) and len(test)


def test_many_mixed_groups_take_the_plain_road_and_stay_whole():
    rng = np.random.default_rng(0)
    n = 60_000
    frame = pl.DataFrame({"x": rng.normal(size=n), "g": rng.integers(0, 8_000, n),
                          "y": rng.integers(0, 40, n).astype(str)})
    dataset = dataset_of(frame, target="y", groups="g")
    y = dataset.codes("y")[0]
    plan = kfold(dataset, y, folds=5, stratify=True)
    assert_whole(plan, dataset.groups())
    assert np.ptp([len(test) for _, test in plan.folds]) < 0.02 * n
