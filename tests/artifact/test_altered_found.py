"""Files of tasks without a target, altered: told and asked, they fail in wholefit's own words."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.artifact.test_altered import ALTERED, altered, places, put
from tests.unlabelled import CASES, TASKS

import wholefit as wf
from wholefit.api import _unlabelled
from wholefit.base.errors import ArtifactError, WholefitError
from wholefit.training.found import Found

# One fit for each form of state that a task may leave behind.
MODELS = {
    "anomaly": ["", "isolation_forest", "ecod", "lof", "variational_outliers(epochs=2, draws=2)"],
    "association": [""],
    "clustering": ["kmeans(clusters=2)", "gaussian_mixture(clusters=2)",
                   "agglomerative(clusters=2)", "dbscan"],
    "generation": ["gaussian_copula", "sequential_trees", "smoothed_bootstrap",
                   "vae(steps=20, hidden=[8], code=2)", "gan(steps=20, hidden=[8], noise=4)",
                   "rbm(steps=20, hidden=4)"],
    "multilabel": ["logistic", "decision_tree", "mlp(epochs=2)"],
    "recommendation": ["", "item_knn", "als", "svd"],
    "reduction": ["pca", "nmf", "autoencoder_map"],
    "translation": ["frequent_target", "nearest_pair", "seq2seq(steps=5, width=8, layers=1)"],
}
FORMS = [(task, model) for task in TASKS for model in MODELS[task]] + [
    ("texts", "ngram_language_model(order=3)"), ("texts", "language_model(steps=3, hidden=4)")]


def texts() -> pl.DataFrame:
    return pl.DataFrame({"said": [f"the {'cat' if at % 3 else 'dog'} sat on log number {at}"
                                  for at in range(90)]})


def case(task: str) -> tuple[Any, str, dict[str, Any]]:
    """The table, the task and the words of a form."""
    if task == "texts":
        return texts, "generation", {"text": "said"}
    table, words = CASES[task]
    return table, task, words


@cache
def kept(task: str, model: str) -> tuple[dict[str, Any], dict[str, Any]]:
    table, task, words = case(task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = wf.fit(table(), task=task, budget="20s", jobs=1, **words,
                       **({"models": model} if model else {}))._found
    return found.to_json(), dict(found.states)


def refused(record: dict[str, Any], states: dict[str, Any], task: str, page: Path) -> bool:
    """Load, tell, draw and ask; True if it was refused by an error of wholefit's own."""
    try:
        result = _unlabelled.wrap(Found.from_json(record, states))
        repr(result), str(result.leaderboard), result.to_text()
        result.report(page, force=True)
        result.answers(case(task)[0]().head(12))
    except WholefitError:
        return True
    return False


@pytest.mark.parametrize(("task", "model"), FORMS)
@pytest.mark.filterwarnings("ignore")
def test_an_altered_one_ends_in_an_error_of_our_own_or_in_an_answer(
    task: str, model: str, tmp_path: Path
) -> None:
    record, states = kept(task, model)
    page = tmp_path / "page.html"
    assert not refused(record, states, task, page)
    draw = np.random.default_rng(len(model))
    paths = [path for path in places(record) if path[0] not in ("lineage", "notes")]
    count = 0
    for _ in range(60):
        if draw.random() < 0.5:
            path = paths[draw.integers(len(paths))]
            count += refused(put(record, path, ALTERED[draw.integers(len(ALTERED))]), states,
                             task, page)
        else:
            part = str(draw.choice(sorted(states)))
            count += refused(record, {**states, part: altered(states[part], draw)}, task, page)
    assert count > 8


# What only verbs beyond the first answer read: task, model, place, value, and the verb.
VERBS: list[tuple[str, str, tuple[Any, ...], Any, Any]] = [
    ("anomaly", "ecod", ("told", "histogram"), 0, lambda r, _: r.with_alerts("1%")),
    ("anomaly", "ecod", ("told", "top", 0, "score"), None, lambda r, _: r.with_alerts("1%")),
    ("clustering", "kmeans(clusters=2)", ("schema", "columns"), {},
     lambda r, rows: r.members(rows, 0)),
    ("recommendation", "item_knn", ("told", "columns"), {}, lambda r, rows: r.answers(rows)),
    ("recommendation", "item_knn", ("told", "k"), None, lambda r, _: r.recommend("u1")),
    *[("recommendation", "item_knn", ("lineage", name), value, lambda r, rows: r.update(rows))
      for name, value in (("seed", {}), ("rows", None), ("parents", 1.5), ("options", 1.5))],
    ("association", "apriori", ("lineage", "seed"), {}, lambda r, rows: r.evaluate(rows)),
]


@pytest.mark.parametrize(
    ("task", "model", "path", "value", "verb"), VERBS,
    ids=[f"{task}-{'.'.join(map(str, path))}" for task, _, path, _, _ in VERBS])
@pytest.mark.filterwarnings("ignore")
def test_verbs_of_an_altered_one_end_in_an_error_of_the_file(
    task: str, model: str, path: tuple[Any, ...], value: Any, verb: Any
) -> None:
    record, states = kept(task, model)
    rows = CASES[task][0]().head(12)
    verb(_unlabelled.wrap(Found.from_json(record, states)), rows)
    with pytest.raises(ArtifactError):
        verb(_unlabelled.wrap(Found.from_json(put(record, path, value), states)), rows)
