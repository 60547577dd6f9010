"""The page of a validation: whole, safe, and it shows what was found."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import ArtifactError
from wholefit.report import validation as pages

OLD = pl.DataFrame({"x": [float(at % 50) for at in range(400)],
                    "<b>name</b>": ["a", "b", "a", "b"] * 100})


def test_the_page_shows_every_violation_and_escapes_names() -> None:
    new = OLD.with_columns((pl.col("x") + 30).alias("x"),
                           pl.lit("<script>alert(1)</script>").alias("<b>name</b>"))
    found = wf.validate(new, OLD)
    page = pages.page(found)
    assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert "<script" not in page and "<b>name" not in page
    assert "http" not in page.split("</style>")[1]
    assert page.count("<tr>") >= len(found.violations) + len(found.drift.shifts)
    assert "not valid" in page and "alert(1)" in page


def test_a_clean_table_says_so(tmp_path: Path) -> None:
    path = pages.write(wf.validate(OLD, OLD), tmp_path / "v.html")
    assert "Nothing: all" in path.read_text()
    with pytest.raises(ArtifactError, match="exists"):
        pages.write(wf.validate(OLD, OLD), path)
