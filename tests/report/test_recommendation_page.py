"""The page of a recommender says who gets what, is safe, and holds no script."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.report.recommendation import _words as words

from ._reader import inert

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def rows(evil: bool = False) -> pl.DataFrame:
    random = np.random.default_rng(0)
    user = random.integers(0, 40, 900)
    item = random.integers(0, 15, 900) * 2 + (user + (random.random(900) < 0.2)) % 2
    name = "<script>alert(1)</script>{}" if evil else "thing {}"
    return pl.DataFrame({"who": user, "what": [name.format(i) for i in item],
                         "stars": np.where(item % 2 == user % 2, 5, 2), "day": range(900)})


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[wf.api.recommendation.Recommender, str]:
    result = wf.fit(rows(), task="recommendation", user="who", item="what", rating="stars",
                    models="ease, user_knn", k=5)
    path = result.report(tmp_path_factory.mktemp("page") / "page.html")
    return result, path.read_text()


def test_every_section_is_there_and_in_order(page: tuple[object, str]) -> None:
    names = re.findall(r'<section id="([\w-]+)"', page[1])
    assert names[:8] == ["answer", "examples", "lists", "groups", "reach", "ratings", "alike",
                         "limits"]
    assert "<script" not in inert(page[1]) and page[1].count("<svg") >= 4


def test_pictures_stay_within_their_frames(page: tuple[object, str]) -> None:
    box = re.search(r'<svg viewBox="0 0 440 340".*?</svg>', page[1], re.DOTALL)
    assert box is not None
    xs = [float(x) for x in re.findall(r'c?x="([\d.]+)"', box.group())]
    assert max(xs) <= 440 and min(xs) >= 0


def test_examples_name_users_items_and_reasons(
        page: tuple[wf.api.recommendation.Recommender, str]) -> None:
    result, html = page
    for each in result.told["examples"]:
        assert f"<bdi>{each['user']}</bdi>" in html
        had = {row["what"] for row in rows().to_dicts() if str(row["who"]) == each["user"]}
        assert set(each["had"]) <= had
        assert not {item["item"] for item in each["gets"]} & had
        assert all(set(item["why"]) <= had for item in each["gets"])


def test_text_tells_what_the_numbers_are(
        page: tuple[wf.api.recommendation.Recommender, str]) -> None:
    result, _ = page
    text = result.to_text()
    best = next(e for e in result.leaderboard if e.model == result.told["lists"])
    assert f"{words.percent(best.scores['hit@5'].value)} of the users asked" in text
    assert str(best.scores["ndcg@5"]) in text and "popular items for everyone" in text
    assert "wholefit recommend MODEL.wf --user" in text


def test_names_cannot_become_parts_of_the_page(tmp_path: Path) -> None:
    result = wf.fit(rows(evil=True), task="recommendation", user="who", item="what", time="day",
                    models="ease")
    html = result.report(tmp_path / "evil.html").read_text()
    assert "<script" not in inert(html) and "&lt;script&gt;" in html


def test_a_page_without_scores_says_so(tmp_path: Path) -> None:
    alone = wf.fit({"who": [1, 2], "what": ["a", "b"]}, task="recommendation", user="who",
                   item="what")
    html = alone.report(tmp_path / "alone.html").read_text()
    assert "unscored" in html and alone.score is None
    assert any("nothing could be scored" in said for said in alone.warnings)


@pytest.mark.parametrize(("share", "said"), [
    (0.4321, "43%"), (0.022, "2.2%"), (0.0004, "0.04%"), (0.0, "0%")])
def test_shares_keep_a_figure_where_they_are_small(share: float, said: str) -> None:
    assert words.percent(share) == said
