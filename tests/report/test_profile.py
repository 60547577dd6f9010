"""The page of a profile: whole, well formed, escaped, self-contained, light, and true."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import data
from wholefit.base.errors import ArtifactError
from wholefit.report import _charts, _profile_style
from wholefit.report import profile as pages

from ._reader import VOID, Reader

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


class PageReader(Reader):
    """The strict reader, which knows fields of forms and takes no script for words."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        if tag == "input":
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "script":
            super().handle_data(data)


def frame(n: int = 400, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    size = rng.gamma(2, 10, n)
    days = np.datetime64("2024-01-01") + rng.integers(0, 500, n)
    return pl.DataFrame({
        "size": size, "twice": [None if at % 9 == 0 else 2 * x for at, x in enumerate(size)],
        "half": [None if at % 9 == 0 else x / 2 for at, x in enumerate(size)],
        "town": np.array(["Ely", "Wells", "Rye"])[rng.integers(0, 3, n)], "day": days,
        "said": [f"so many plain words about number {at} that it is a text" for at in range(n)],
        "answer": np.where(size + rng.normal(size=n) > 20, "yes", "no")})


@pytest.fixture(scope="module")
def profiled() -> data.Profile:
    return data.profile(frame(), "answer", against=frame(300, 1).with_columns(
        size=pl.col("size") + 9, town=pl.col("town").replace("Rye", "Bath")))


@pytest.fixture(scope="module")
def read(profiled: data.Profile) -> PageReader:
    return PageReader(pages.page(profiled))


def test_it_is_well_formed_and_has_every_section(read: PageReader) -> None:
    assert read.faults == []
    ids = read.values("id")
    assert len(set(ids)) == len(ids)
    wanted = {"findings", "advice", "target", "against", "columns", "pairs", "missing", "notes"}
    assert wanted <= set(ids)
    links = {value.removeprefix("#") for tag, name, value in read.attributes
             if tag == "a" and name == "href"}
    assert wanted <= links <= set(ids)
    levels = [int(tag[1]) for tag in read.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_pictures_are_told_in_words_too(profiled: data.Profile, read: PageReader) -> None:
    page = pages.page(profiled)
    count = read.tags.count("svg")
    assert count >= 12
    assert len(re.findall(r"<svg[^>]*aria-label=\"[^\"]+\"[^>]*><title>[^<]+</title>", page)) == (
        count)
    assert read.tags.count("caption") == read.tags.count("table")
    assert not re.findall(r"<th(?![^>]*scope=)[ >]", page)
    assert not re.search(r"\bnan\b|\binf\b|None", re.sub(r"<style>.*?</style>", "", page))


def test_nothing_is_fetched_and_only_the_one_script_may_run(profiled: data.Profile) -> None:
    page = pages.page(profiled)
    read = PageReader(page)
    assert read.tags.count("script") == 1 and read.tags.count("style") == 1
    assert not {"link", "img", "iframe", "object", "form", "base"} & set(read.tags)
    assert not [name for _, name, _ in read.attributes if name.startswith("on")]
    assert not {"src", "srcset", "action"} & {name for _, name, _ in read.attributes}
    assert not re.search(r"https?://|file:", page)
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    assert script is not None and script[1] == _profile_style.SCRIPT
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    policy, = [value for _, name, value in read.attributes
               if name == "content" and "default-src" in value]
    assert f"script-src 'sha256-{digest}'" in policy and "default-src 'none'" in policy
    assert "innerHTML" not in script[1] and "eval" not in script[1]


def test_it_says_what_the_profile_says(profiled: data.Profile, read: PageReader) -> None:
    for column in profiled.columns:
        assert column.name in read.text
    for found in profiled.findings:
        if found.severity != "info":
            assert found.evidence[:60] in read.text
    assert "yes" in read.text and "Bath (" in read.text
    assert "r = 1.00" in read.text and "box: middle half" in read.text
    assert "Missing together" in read.text and "shows values of the data" in read.text
    assert "Where cells are missing" in read.text


def test_names_and_cells_are_shown_and_never_run() -> None:
    table = pl.DataFrame({EVIL: [EVIL, "b"] * 30, "x": list(range(60)), "y": [EVIL, "n"] * 30})
    page = pages.page(data.profile(table, "y", against=table))
    read = PageReader(page)
    assert read.faults == [] and read.tags.count("script") == 1 and "img" not in read.tags
    assert EVIL[:20] in read.text


def test_without_values_no_cell_is_on_it(profiled: data.Profile) -> None:
    page = pages.page(profiled, values=False)
    read = PageReader(page)
    assert read.faults == []
    assert "Wells" not in page and "Bath" not in page and "number 17" not in page
    assert "yes" in read.text and "without cells of the data" in read.text


@pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
@pytest.mark.parametrize("table", [
    {"x": [1.0]}, {"x": [None, None]}, {"x": [float("inf")] * 5}, {"x": [1e308, -1e308] * 9},
    {"": [1, 2], "*": ["a", None]}, {"l": [[1], [2]], "b": [b"x", b"y"]},
    {"y": ["a"] * 30, "x": list(range(30))}])
def test_odd_tables_have_a_page(table: dict[str, list[object]]) -> None:
    target = "y" if "y" in table else None
    page = pages.page(data.profile(pl.DataFrame(table, strict=False), target))
    assert PageReader(page).faults == []


def test_a_thousand_columns_are_less_than_three_megabytes() -> None:
    rng = np.random.default_rng(0)
    columns = {f"measured_number_{at}": rng.normal(size=200) for at in range(800)}
    columns |= {f"category_{at}": rng.choice(list("abcdefgh"), 200) for at in range(200)}
    page = pages.page(data.profile(pl.DataFrame(columns)))
    assert len(page.encode()) < 3_000_000 and page.count("<article") == 1000


def test_a_page_is_written_once(profiled: data.Profile, tmp_path: Path) -> None:
    path = tmp_path / "p.html"
    assert pages.write(profiled, path) == path and path.read_text() == pages.page(profiled)
    with pytest.raises(ArtifactError, match="force"):
        pages.write(profiled, path)
    assert pages.write(profiled, path, force=True) == path
    with pytest.raises(ArtifactError, match="does not exist"):
        pages.write(profiled, tmp_path / "no" / "p.html")


def test_the_verb_writes_it_and_a_notebook_shows_it(tmp_path: Path) -> None:
    found = wf.profile(frame(), "answer", out=tmp_path / "p.html", seed=3)
    assert isinstance(found, data.Profile) and (tmp_path / "p.html").exists()
    assert found.to_json() == data.profile(frame(), "answer", seed=3).to_json()
    hidden = found.report(tmp_path / "q.html", values=False).read_text()
    assert "Wells" not in hidden
    shown = PageReader(found._repr_html_())
    assert shown.faults == [] and {"size", "town", "answer"} <= set(shown.words)


def test_a_number_to_predict_is_drawn_too() -> None:
    read = PageReader(pages.page(data.profile(frame(), "size")))
    assert read.faults == [] and "median of bins of equally many rows" in read.text
    titles = read.values("aria-label")
    assert any(title.startswith("Median of size by twice:") for title in titles)
    assert any(title.startswith("size by answer: ") for title in titles)
    assert any(title.startswith("mean of size along day") for title in titles)


def test_points_that_hide_each_other_are_spread_and_others_are_not() -> None:
    spread = _charts.apart([1.0, 2.0] * 50)
    assert len(set(spread)) > 90 and max(abs(a - round(a)) for a in spread) <= 0.25
    many = [at / 7 for at in range(40)]
    assert _charts.apart(many) == many and _charts.apart([3.0] * 5) == [3.0] * 5


def test_paths_of_pictures_stay_inside(profiled: data.Profile) -> None:
    size = profiled.column("size")
    assert size.histogram is not None
    drawn = str(_charts.histogram(size.histogram, "a title"))
    heights = [float(y) for y in re.findall(r"M[\d.]+ \d+V([\d.]+)", drawn)]
    assert len(heights) == sum(count > 0 for count in size.histogram.counts)
    tallest = size.histogram.counts.index(max(size.histogram.counts))
    assert min(heights) >= 3.9 and max(heights) <= 102
    assert heights[[c for c in size.histogram.counts if c].index(max(size.histogram.counts))] == (
        min(heights)) and tallest >= 0


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium to open the page with")
def test_the_script_filters_and_sorts(profiled: data.Profile, tmp_path: Path) -> None:
    """In a browser the finder appears and counts; without the script all columns are there."""
    pages.write(profiled, tmp_path / "p.html")
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
         f"file://{tmp_path / 'p.html'}"], capture_output=True, text=True, timeout=120, check=True)
    assert "7 of 7 columns" in done.stdout and 'class="finder on"' in done.stdout
    assert "7 of 7 columns" not in (tmp_path / "p.html").read_text()


def test_the_reader_of_tests_knows_the_pages_tags() -> None:
    assert "input" not in VOID  # else PageReader would close it twice
