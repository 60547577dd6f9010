"""Distilling: what is taught and judged on which rows, and that no row judges what it taught."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import data
from wholefit.base import tasks
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.data import Dataset
from wholefit.training.distil import Options, made, run, teachers
from wholefit.training.distil.lesson import Lesson, Way, crossed
from wholefit.training.distil.students import STUDENTS, Size, Student

RNG = np.random.default_rng(0)
N = 240


def table(n: int = N, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return data.load(pl.DataFrame({
        "x": x, "z": np.where(rng.random(n) < 0.1, None, rng.integers(0, 5, n)),
        "kind": rng.choice(["a", "b", "c"], n),
        "y": np.where(rng.random(n) < 1 / (1 + np.exp(-3 * x)), "yes", "no")}), target="y")


def lesson(dataset: Dataset, **more: object) -> Lesson:
    task, _ = tasks.infer(data.target_facts(dataset.frame, "y"))
    truth = dataset.target(task.codec("y", dataset.target_values(), None))
    p = 1 / (1 + np.exp(-3 * dataset.numeric("x")))
    fold = np.arange(len(dataset)) % 3
    folds = tuple((np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3))
    return Lesson(dataset, np.column_stack([1 - p, p]), truth, None, folds, **more)  # type: ignore


def test_every_row_is_judged_once_by_a_student_not_taught_it() -> None:
    dataset = table()
    whole = lesson(dataset)
    found = crossed(whole, STUDENTS["tree"], Size(leaves=4))
    assert found.seen.all() and np.allclose(found.answer.sum(axis=1), 1)
    # Another truth and other answers in one fold change no answer to that fold.
    test = whole.folds[0][1]
    truth, soft = whole.truth.copy(), whole.soft.copy()  # type: ignore[union-attr]
    truth[test], soft[test] = 1 - truth[test], soft[test][:, ::-1]
    other = Lesson(dataset, soft, truth, None, whole.folds)
    for share in (1.0, 0.5):
        one, two = (crossed(each, _only(share), Size(leaves=4)) for each in (whole, other))
        np.testing.assert_array_equal(one.answer[test], two.answer[test])
        assert not np.array_equal(one.answer, two.answer)


def _only(share: float, made: bool = False) -> Student:
    return dataclasses.replace(STUDENTS["tree"], ways=((share, made),))


def test_the_fold_that_judges_has_no_say_in_the_way() -> None:
    """In folds 1 and 2 the truth is noise: there the teacher must be believed, in fold 0 not."""
    dataset = table(600, seed=4)
    good = lesson(dataset)
    ways = good.ways(STUDENTS["tree"])
    assert Way(1.0) in ways and Way(0.5) in ways and not any(way.made for way in ways)
    found = crossed(good, STUDENTS["tree"], Size(leaves=64))
    cost = {way: [] for way in ways}  # type: ignore[var-annotated]
    for way in ways:
        answer = crossed(good, _only(way.share), Size(leaves=64)).answer
        for number, (_, test) in enumerate(good.folds):
            cost[way].append(good.losses(answer[test], number).sum())
        # each fold's rows are answered in the way that did best on the other two
    for k, (_, test) in enumerate(good.folds):
        best = min(ways, key=lambda way: sum(np.delete(cost[way], k)))
        expected = crossed(good, _only(best.share), Size(leaves=64)).answer[test]
        np.testing.assert_array_equal(found.answer[test], expected)


def test_made_up_rows_of_a_fold_come_from_its_own_rows() -> None:
    teacher = _Teacher()
    dataset = table()
    folds = lesson(dataset).folds
    own = [_Teacher(), _Teacher(), _Teacher()]
    more = run._maker(teacher, dataset, folds, own, 60, Options())  # type: ignore[arg-type]
    whole = lesson(dataset, more=more)
    crossed(whole, _only(1.0, made=True), Size(leaves=4))
    assert more is not None and not teacher.asked
    for (train, test), each in zip(folds, own, strict=True):
        assert [len(asked) for asked in each.asked] == [round(60 * len(train) / N)]
        # noise is small beside the gaps of these numbers: each made row is one that was taught
        whole_kind = dataset.frame["x"].to_numpy()
        near = np.abs(each.asked[0].numeric("x")[:, None] - whole_kind[None]).argmin(axis=1)
        assert np.isin(near, train).mean() > np.isin(near, test).mean()
    more(None)
    assert [len(asked) for asked in teacher.asked] == [60]


class _Teacher:
    """Answers a half to everything, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Dataset] = []

    def answer(self, rows: Dataset) -> np.ndarray:
        self.asked.append(rows)
        return np.full((len(rows), 2), 0.5)

    __call__ = answer


def test_each_fold_is_taught_by_its_own_teacher() -> None:
    """Its answers alone decide what its students learn; the teacher of all is not heard."""
    dataset = table()
    whole = lesson(dataset)
    apart = tuple(np.column_stack([1 - p, p]) for p in (
        np.full(N, 0.2), np.full(N, 0.5), np.full(N, 0.9)))
    told = lesson(dataset, apart=apart)
    found = crossed(told, _only(1.0), Size(leaves=4)).answer
    for number, (_, test) in enumerate(whole.folds):
        np.testing.assert_allclose(found[test], apart[number][test], atol=1e-9)
        np.testing.assert_array_equal(told.own[test], apart[number][test])


def test_an_ensemble_of_all_rows_has_teachers_that_lack_a_fold() -> None:
    frame = table(300).frame
    found = wf.fit(frame, target="y", preset="balanced", jobs=1,
                   models=["extra_trees(n_estimators=9)", "knn(k=5)"], budget="2 trials")
    fitted, lineage = found._fitted, found._facts.lineage
    assert fitted.state().kind == "blend" and lineage["decided"]["whole"]
    fold = np.arange(300) % 3
    folds = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]
    assert teachers.members(fitted, 1) is None and teachers.members(fitted, 3) is None

    def answers(rows: Dataset) -> list[np.ndarray]:
        made = teachers.anew(fitted, {}, lineage, rows, None, folds, 1)
        assert made is not None
        return [each(rows) for each in made]

    dataset = data.load(frame, target="y")
    turned = pl.when(pl.Series(fold == 1)).then(
        pl.col("y").replace({"yes": "no", "no": "yes"})).otherwise("y").alias("y")
    plain, other = answers(dataset), answers(data.load(frame.with_columns(turned), target="y"))
    assert np.array_equal(plain[1], other[1]) and not np.array_equal(plain[0], other[0])
    # What each was not taught it answers about as the whole does.
    whole = fitted.answer(dataset)
    assert all(abs(each - whole).mean() < 0.1 for each in plain)


def test_made_up_rows_fit_the_schema_and_stay_in_range() -> None:
    dataset = table()
    found = made.more(dataset, 200, 7)
    assert len(found) == 200 and set(found.frame.columns) == {"x", "z", "kind"}
    assert set(found.frame["kind"].drop_nulls()) <= {"a", "b", "c"}
    low, high = dataset.numeric("x").min(), dataset.numeric("x").max()
    assert low <= found.numeric("x").min() and found.numeric("x").max() <= high
    assert found.frame.equals(made.more(dataset, 200, 7).frame), "the same seed, the same rows"
    assert not found.frame.equals(made.more(dataset, 200, 8).frame)


def test_texts_are_not_made_up() -> None:
    words = pl.DataFrame({"t": [f"some words number {i} of them all" for i in range(60)],
                          "x": range(60), "y": [0, 1] * 30})
    dataset = data.load(words, target="y", roles={"t": "text"})
    assert "'t'" in made.able(dataset)
    with pytest.raises(DataError, match="made up"):
        made.more(dataset, 5, 0)


@pytest.mark.parametrize(("words", "error"), [
    ({"to": "forest"}, UnknownNameError), ({"leaves": 1}, ParameterError),
    ({"rounds": 0}, ParameterError), ({"more": -1}, ParameterError),
    ({"folds": 1}, ParameterError),
])
def test_wrong_words_are_refused(words: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        Options.from_dict(words)
