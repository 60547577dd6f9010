"""Pictures of explanations: titles in words, numbers that are the record's, nothing to run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import ArtifactError
from wholefit.report import attributions as pages
from wholefit.report.attributions import _pictures


@pytest.fixture(scope="module")
def rows(churn_file: Path) -> pl.DataFrame:
    return pl.read_csv(churn_file, null_values="NA", infer_schema_length=None).head(60)


def titles(page: str) -> list[str]:
    return re.findall(r"<title>([^<]*)</title>", page)


def test_a_page_of_many_rows(binary: wf.Result, rows: pl.DataFrame, tmp_path: Path) -> None:
    found = binary.explain(rows)
    path = found.report(tmp_path / "why.html")
    page = path.read_text()
    assert len(page) < 3_000_000 and "http" not in page.replace("http-equiv", "")
    told = titles(page)
    assert any(title.startswith("Mean size of contributions") for title in told)
    assert any(title.startswith("Contributions to Yes of each row") for title in told)
    assert sum(title.startswith("Row ") for title in told) == 12
    assert page.count("<svg") == page.count("aria-label=\"") - page.count("role=\"region\"") - \
        page.count("<nav") + page.count("preserveAspectRatio")
    with pytest.raises(ArtifactError):
        found.report(path)
    assert found.report(path, force=True) == path


def test_a_waterfall_goes_from_the_start_to_the_answer(
    binary: wf.Result, rows: pl.DataFrame
) -> None:
    found = binary.explain(rows[:1])
    page = pages.page(found)
    title = next(title for title in titles(page) if title.startswith("Row 1"))
    steps = [float(step) for step in re.findall(r" ([+-]\d\.\d+)", title.split(": ", 2)[2])]
    start = float(re.search(r"start (-?[\d.]+)", title).group(1))  # type: ignore[union-attr]
    answer = float(re.search(r"answer (-?[\d.]+)", title).group(1))  # type: ignore[union-attr]
    assert start + sum(steps) == pytest.approx(answer, abs=0.03)
    assert answer == pytest.approx(found.answers[0, 0], abs=0.006)


def test_all_tasks_have_a_section_and_a_snippet(
    binary: wf.Result, three: wf.Result, number: wf.Result, rows: pl.DataFrame
) -> None:
    rng = np.random.default_rng(5)
    made = {three: {"a": rng.normal(size=30), "b": rng.normal(size=30), "c": rng.normal(size=30)},
            number: {"size": rng.normal(size=30), "age": rng.normal(size=30)}}
    for result, columns in made.items():
        found = result.explain(pl.DataFrame(columns))
        section = pages.section(found)
        assert section is not None and "<svg" in section and "nan" not in section
        assert section.count("Contributions to") >= len(found.outputs)
        assert "wf-why" in found._repr_html_() and "wf-why" in found[0]._repr_html_()
    local = binary.explain(rows[:2], method="lime")
    assert "Row 1" in str(pages.section(local)) and "wf-why" in local._repr_html_()
    assert "local surrogates" in pages.page(local)


def test_names_and_values_cannot_speak_html(rows: pl.DataFrame) -> None:
    wild = "<script>alert(1)</script>"
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({wild: rng.choice([wild, "b"], 100), "x": rng.normal(size=100)})
    frame = frame.with_columns(y=pl.Series(rng.normal(size=100)) +
                               (frame.get_column(wild).alias("v") == "b").cast(pl.Float64) * 3)
    result = wf.fit(frame, target="y", models=["ridge"], choose="best", folds=2, jobs=1)
    assert "<script>a" not in pages.page(result.explain(frame.head(15)))


def test_where_nothing_moves_the_answer_it_is_said() -> None:
    frame = pl.DataFrame({"x": np.arange(60.0), "y": np.random.default_rng(0).normal(size=60)})
    result = wf.fit(frame, target="y", models=["dummy"], jobs=1, folds=2)
    found = result.explain(frame.head(3))
    assert "No column moves the answer" in str(pages.section(found))
    assert "none moves it at all" in found.to_text()


def test_swarms_are_thinned_where_rows_are_many(number: wf.Result) -> None:
    rng = np.random.default_rng(0)
    n = 4000
    found = number.explain(pl.DataFrame({"size": rng.normal(size=n), "age": rng.normal(size=n)}))
    drawn = _pictures.swarm(found, 0, 5)
    assert "1,500 of 4,000 rows" in drawn
    assert drawn.count("h0") <= 2 * 1500
