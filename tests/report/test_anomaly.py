"""The page of alarms: one file, no script, everything escaped, each kind with its own words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf

from ._reader import inert

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
BAD = '<b onclick="x">'


def table() -> pl.DataFrame:
    random = np.random.default_rng(0)
    hours = 24 * 40
    return pl.DataFrame({
        "at": pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 12, 1), "1h",
                                eager=True)[:hours],
        BAD: np.sin(np.arange(hours) / 24 * 2 * np.pi) + 0.1 * random.normal(size=hours),
        "kind": random.choice([BAD, "y"], hours, p=[0.01, 0.99]),
        "truth": random.choice(["no", "yes"], hours, p=[0.95, 0.05])})


@pytest.mark.parametrize(("words", "said"), [
    ({}, "Rows that are unlike the other rows."),
    ({"context": "hour"}, "unusual for their context (hour)"),
    ({"window": "24h"}, "Stretches of 24 rows"),
])
def test_each_kind_has_its_page(words: dict[str, Any], said: str, tmp_path: Path) -> None:
    alarms = wf.fit(table(), task="anomaly", time="at", label="truth", alerts="2 per week",
                    models="ecod, hbos", **words)
    assert said in alarms.to_text()
    page = alarms.report(tmp_path / "a.html").read_text()
    for name in ("top", "scores", "time", "label", "agreement", "limits"):
        assert f'id="{name}"' in page
    assert said in page and "<script" not in inert(page) and BAD not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert page.count("<svg") == 2
    changed = alarms.with_alerts("10%").report(tmp_path / "b.html").read_text()
    assert "10%" in changed


def test_a_budget_that_cannot_be_kept_is_said() -> None:
    coarse = pl.DataFrame({"a": [0.0] * 80 + [1.0] * 20, "b": [1.5, 2.5] * 50})
    alarms = wf.fit(coarse, task="anomaly", models="hbos", alerts="5%")
    if alarms.threshold.note:
        assert any("cannot be kept" in sentence for sentence in alarms.warnings)
        assert "cannot be kept" in alarms.to_text()
    few = wf.fit(coarse, task="anomaly", models="hbos", alerts="0.1%")
    assert "so few alarms" in few.to_text()
