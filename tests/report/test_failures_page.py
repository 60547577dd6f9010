"""The page of a diagnosis: every picture says what it shows, nothing in it can do harm."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from wholefit.base.errors import ArtifactError
from wholefit.evaluation.failures import Failures, failures
from wholefit.report import failures as pages

NASTY = "<script>alert(1)</script>"


def made(task: str) -> Failures:
    random = np.random.default_rng(0)
    n = 900
    columns = {NASTY: pl.Series(random.choice([NASTY, "b"], n)), "x": pl.Series(
        random.normal(size=n))}
    bad = (columns[NASTY] == NASTY).to_numpy()
    shown = tuple({NASTY: NASTY} for _ in range(n))
    time = ("day", pl.Series(np.arange(n)))
    if task == "regression":
        answer = random.uniform(0, 5, n)
        truth = answer + random.normal(size=n) * np.where(bad, 6, 1) + columns["x"].to_numpy()
        return failures(task, truth, answer, columns, time=time, shown=shown,
                        by={NASTY: columns[NASTY]})
    chance = random.dirichlet(np.ones(2 if task == "classification" else 4), n)
    truth = np.array([random.choice(len(p), p=p) for p in chance])
    truth = np.where(bad & (random.random(n) < 0.7), (chance.argmax(1) + 1) % 2, truth)
    return failures("classification", truth, chance, columns, time=time, shown=shown,
                    classes=tuple(f"{NASTY}{at}" for at in range(chance.shape[1])))


@pytest.mark.parametrize("task", ["classification", "many classes", "regression"])
def test_every_picture_has_words_and_nothing_runs(task: str) -> None:
    found = made(task)
    page = pages.page(found)
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(pictures) >= 4
    assert all("<title>" in each and "aria-label=" in each for each in pictures)
    assert NASTY not in page and "&lt;script&gt;alert(1)" in page
    assert not re.search(r"\bnan\b", page)
    assert found.worst.slices and "What to do next" in page
    assert str(pages.section(found)).count("<h3>") >= 5 and len(page) < 400_000
    assert "shows cells of single rows" in page and NASTY not in pages.snippet(found)


def test_a_page_without_rows_names_none() -> None:
    found = made("regression").without_rows()
    page = pages.page(found)
    assert "shows no cell" in page and "The largest misses" not in page


def test_it_is_not_written_over_another(tmp_path: object) -> None:
    path = tmp_path / "d.html"  # type: ignore[operator]
    found = made("classification")
    pages.write(found, path)
    with pytest.raises(ArtifactError):
        pages.write(found, path)
    pages.write(replace(found, level=0.9), path, force=True)
