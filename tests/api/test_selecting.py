"""Selection as Python users see it: what became of each feature, said and kept in the file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.events import listen

DOCS = Path(__file__).parents[2] / "docs" / "select.md"


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    return pl.DataFrame({"x": x, "noise": rng.normal(size=300), "town": ["Ely", "York", None] * 100,
                         "y": np.where(x + rng.normal(size=300) > 0, "yes", "no")})


def told(events, kind="features"):
    return [facts["message"] for name, facts in events if name == "note" and facts["kind"] == kind]


def test_what_was_chosen_is_said_and_kept(table, tmp_path):
    events = []
    with listen(lambda name, facts: events.append((name, facts))):
        result = wf.fit(table, target="y", models="logistic", folds=2, jobs=1,
                        features={"select": "f", "keep": 2, "pca": 1})
    assert told(events)[0].startswith("select='f' kept 2 of 5 features on all rows")
    assert told(events)[1].startswith("1 principal components hold")
    assert next(row["feature"] for row in result.selection if row["kept"]) == "x"
    assert len(result.selection) == 5
    loaded = wf.load(result.save(tmp_path / "m.wf"))
    assert loaded.selection == result.selection


def test_where_nothing_was_chosen_nothing_is_said(table):
    events = []
    with listen(lambda name, facts: events.append((name, facts))):
        result = wf.fit(table, target="y", models="logistic", folds=2, jobs=1)
    assert told(events) == []
    assert result.selection is None


def test_the_page_runs(capsys):
    for block in re.findall(r"^```python\n(.*?)^```", DOCS.read_text(), re.M | re.S):
        quick = block.replace("rounds=10", "rounds=2, folds=2, jobs=1, model='logistic'")
        exec(compile(quick, DOCS.name, "exec"), {})
    assert "half-samples" in capsys.readouterr().out
