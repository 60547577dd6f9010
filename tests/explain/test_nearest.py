"""Nearest examples: by the model's own measure, against brute force, with what speaks against."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import DataError, ParameterError
from wholefit.explain.nearest import Examples
from wholefit.models._kernels.trees import Trees

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def table(rows: int = 400, seed: int = 0, classes: bool = True) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, 4))
    score = X[:, 0] + X[:, 1] ** 2 + 0.3 * random.normal(size=rows)
    frame = pl.DataFrame({f"x{at}": X[:, at] for at in range(4)})
    target = pl.Series(np.where(score > 0.8, "in", "out")) if classes else pl.Series(score)
    return frame.with_columns(y=target)


def fit(model: str, frame: pl.DataFrame):
    return wf.fit(frame, target="y", models=[model], choose="best", jobs=1, folds=2)


def test_a_forest_counts_the_trees_in_whose_leaves_rows_fall_together() -> None:
    frame = table()
    result = fit("random_forest(n_estimators=25)", frame)
    found = result.examples(frame[:4], among=frame, k=6)
    trees = Trees(result._fitted.state())
    leaves = trees.leaves(frame.drop("y").to_numpy()).T
    for at, each in enumerate(found.found):
        share = (leaves == leaves[at]).mean(axis=1)
        order = np.argsort(-share, kind="stable")[:6]
        assert [one.row for one in each.examples] == order.tolist()
        assert [one.alike for one in each.examples] == pytest.approx(share[order].tolist())
        assert each.examples[0].row == at and each.examples[0].alike == 1


def test_leaves_are_those_that_the_library_says() -> None:
    """The values of the leaves found make the answer that the forest itself was proved to give."""
    frame = table(500)
    result = fit("random_forest(n_estimators=25)", frame)
    leaves = Trees(result._fitted.state()).leaves(frame.drop("y").to_numpy())
    value = Trees(result._fitted.state()).value
    assert leaves.shape == (25, 500) and leaves.max() < len(value)
    mean = value[leaves].mean(axis=0)
    proba = result.predict_proba(frame).to_numpy()
    assert np.abs(mean - proba).max() < 1e-6, "the leaves' values are the forest's answer"


def test_boosted_trees_weigh_by_what_they_move() -> None:
    frame = table()
    result = fit("hist_gradient_boosting", frame)
    found = result.examples(frame[:3], among=frame, k=5)
    assert "each weighing by how much it moves the answer" in found.measure
    assert all(each.examples[0].row == at for at, each in enumerate(found.found))
    near = [one.alike for one in found.found[0].examples]
    assert near == sorted(near, reverse=True) and max(near) == pytest.approx(1)


def test_a_weighted_sum_compares_what_features_add() -> None:
    frame = table()
    result = fit("logistic", frame)
    found = result.examples(frame[:5], among=frame, k=4)
    assert found.measure == "what each feature adds to the model's sum"
    state = result._fitted.state()
    X = result._fitted.encoder.transform(result._fitted.cleaned(_dataset(result, frame)))
    added = X * np.sqrt((state.arrays["coef"] ** 2).sum(axis=0))
    for at, each in enumerate(found.found):
        apart = np.linalg.norm(added - added[at], axis=1)
        assert [one.row for one in each.examples] == np.argsort(apart, kind="stable")[:4].tolist()


def test_neighbours_are_the_models_own() -> None:
    frame = table()
    result = fit("knn(k=5)", frame)
    found = result.examples(frame[:5], among=frame, k=5)
    assert found.measure == "the distance of the model's own neighbours"
    proba = result.predict_proba(frame[:5])["p_in"].to_list()
    votes = [np.mean([one.outcome == "in" for one in each.examples]) for each in found.found]
    assert votes == pytest.approx(proba), "uniform votes of the same five rows"


def test_other_models_weigh_columns_by_what_shuffling_them_moves() -> None:
    frame = table()
    result = fit("gaussian_nb", frame)
    found = result.examples(frame[:5], among=frame, k=3)
    assert "when it is shuffled" in found.measure
    assert all(each.examples[0].row == at for at, each in enumerate(found.found))


def test_examples_agree_more_than_chance_and_say_what_speaks_against() -> None:
    frame, new = table(), table(60, seed=9)
    found = fit("random_forest(n_estimators=25)", frame).examples(new, among=frame)
    assert found.agreement > found.chance + 0.1
    others = [each for each in found.found if any(not one.same for one in each.examples)]
    count = sum(not one.same for one in others[0].examples)
    assert f"{count} of the 5 nearest rows had another outcome" in others[0].to_text("y")
    assert "of rows drawn at random" in found.to_text()


def test_numbers_tell_their_range_and_json_comes_back() -> None:
    frame = table(classes=False)
    found = fit("ridge", frame).examples(frame[:2], among=frame, k=3)
    assert "on average" in found.to_text() and found.agreement < found.chance
    back = Examples.from_json(json.loads(json.dumps(found.to_json())))
    assert back.to_text() == found.to_text()
    assert found.table().height == 6 and "<table" in found._repr_html_()


def test_without_outcomes_and_with_fewer_rows_than_asked_for() -> None:
    frame = table(50)
    result = fit("decision_tree", frame)
    found = result.examples(frame[:1], among=frame.drop("y")[:3], k=9)
    assert len(found.found[0].examples) == 3 and found.agreement is None
    assert "is not known" in found.to_text()
    with pytest.raises(DataError, match="at least one row"):
        result.examples(frame[:1], among=frame[:0])
    with pytest.raises(ParameterError, match="k must be"):
        result.examples(frame[:1], among=frame, k=0)


def _dataset(result, frame: pl.DataFrame):
    from wholefit.api import _answers

    return _answers.dataset(result._fitted, frame, {})
