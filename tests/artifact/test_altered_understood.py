"""Files of models that can be looked into, altered: asked why, they fail in wholefit's own words.

Their states are read by more than the answer: curves and rules are shown, trees and sums are
taken apart. Kept pictures, failures and groups are read by the page alone.
"""

from __future__ import annotations

import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.artifact.test_altered import ALTERED, altered, kept, places, put, table

import wholefit as wf
from wholefit.api import _coefficients, _record
from wholefit.api.result import Result
from wholefit.base.errors import ArtifactError, WholefitError
from wholefit.base.state import State

WORDS: dict[str, Any] = {"target": "y", "folds": 2, "budget": "20s", "jobs": 1}
FORMS = ["additive", "rule_list", "random_forest(n_estimators=5)", "xgboost(n_estimators=5)",
         "thresholds", "constrained", "grouped"]


@cache
def made(form: str) -> tuple[dict[str, Any], dict[str, State]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if form in ("thresholds", "constrained"):
            found = wf.mitigate(table(300), target="y", by="c", method=form, models="logistic",
                                folds=2, rounds=6, budget="20s", jobs=1)
            return kept(found.results[form])
        if form == "grouped":
            return kept(wf.fit(table(), models="logistic", **WORDS).calibrated(table(240), by="c"))
        return kept(wf.fit(table(), models=form, **WORDS))


def wrapped(record: dict[str, Any], states: dict[str, State]) -> Result:
    facts, fitted = _record.from_json(record, states)
    return Result(fitted, facts)


def refused(record: dict[str, Any], states: dict[str, State], page: Path, asked: str) -> bool:
    """Load, answer and ask one thing more; True if it was refused by an error of wholefit's own."""
    rows = table(12)
    try:
        result = wrapped(record, states)
        result.predict(rows.drop("y"))
        ASKED[asked](result, rows, page)
    except WholefitError:
        return True
    return False


ASKED: dict[str, Any] = {
    "inside": lambda result, rows, page: result.inside().to_text(),
    "explain": lambda result, rows, page: result.explain(rows, background=rows).to_json(),
    "effect": lambda result, rows, page: result.effect("a", rows).to_text(),
    "importance": lambda result, rows, page: result.importance(rows).to_text(),
    "sets": lambda result, rows, page: result.predict_set(rows),
    "page": lambda result, rows, page: result.report(page, force=True),
    "facts": lambda result, rows, page: result.report(page.with_suffix(".json"), force=True),
    "advice": lambda result, rows, page: result.advice().to_text(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.filterwarnings("ignore")
def test_an_altered_one_is_refused_or_told_whatever_it_is_asked(form: str, tmp_path: Path) -> None:
    record, states = made(form)
    page = tmp_path / "page.html"
    for asked in ASKED:
        assert not refused(record, states, page, asked)
    draw = np.random.default_rng(7)
    paths = [path for path in places(record) if path[0] not in ("lineage", "notes")]
    count = 0
    for at in range(96):
        asked = list(ASKED)[at % len(ASKED)]
        if draw.random() < 0.3:
            path = paths[draw.integers(len(paths))]
            count += refused(put(record, path, ALTERED[draw.integers(len(ALTERED))]), states,
                             page, asked)
        else:
            part = str(draw.choice(sorted(states)))
            count += refused(record, {**states, part: altered(states[part], draw)}, page, asked)
    assert count > 20


@pytest.mark.filterwarnings("ignore")
def test_pictures_and_failures_that_were_altered_never_cost_the_page(tmp_path: Path) -> None:
    record, states = made("random_forest(n_estimators=5)")
    assert record["exhibits"]["failures"]
    assert record["exhibits"]["reliance"]
    draw = np.random.default_rng(3)
    paths = list(places(record["exhibits"]))
    for at in range(150):
        path = ("exhibits", *paths[draw.integers(len(paths))])
        changed = put(record, path, ALTERED[draw.integers(len(ALTERED))])
        ending = ("html", "json", "md")[at % 3]
        result = wrapped(changed, states)
        assert result.report(tmp_path / f"page.{ending}", force=True).stat().st_size > 1_000
        result.advice().to_text()
    empty = put(record, ("exhibits", "failures", "gains", "gain"), [])
    wrapped(empty, states).report(tmp_path / "page.html", force=True)


@pytest.mark.filterwarnings("ignore")
def test_kept_errors_of_coefficients_that_were_altered_are_refused_or_shown(
    tmp_path: Path
) -> None:
    result = wf.fit(table(), models="logistic", **WORDS)
    record, states = kept(result)
    whole = json.loads(_record.reference(result._facts)[_coefficients.MEMBER])
    draw = np.random.default_rng(5)
    paths = list(places(whole))
    count = 0
    for _ in range(120):
        changed = put(whole, paths[draw.integers(len(paths))],
                      ALTERED[draw.integers(len(ALTERED))])
        facts, fitted = _record.from_json(record, states)
        stored = {_coefficients.MEMBER: json.dumps(changed).encode()}
        again = Result(fitted, _record.with_reference(facts, stored))
        try:
            again.inside().to_text()
            again.report(tmp_path / "page.html", force=True)
            again.report(tmp_path / "page.json", force=True)
        except ArtifactError:
            count += 1
    assert count > 20
