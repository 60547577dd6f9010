"""The lines above a page that say what matters, and numbers as pages write them."""

from __future__ import annotations

import re

import wholefit as wf
from wholefit import report
from wholefit.report import words
from wholefit.report.brief import brief
from wholefit.report.understood import NOTHING, Understanding


def test_a_page_begins_with_what_matters_and_where_it_is_shown(
    binary: wf.Result, known: Understanding
) -> None:
    page = report.page(binary, known)
    lines = re.findall(r'<li><a href="#(\w+)">(.*?)</a>', str(brief(binary, known)))
    assert [name for name, _ in lines] == ["leaderboard", "fails", "why", "hold", "fairness",
                                           "next"]
    assert all(f'id="{name}"' in page for name, _ in lines)
    assert page.index('class="brief"') < page.index('class="toc"') < page.index('id="asked"')


def test_without_rows_only_what_the_fit_kept_is_said(binary: wf.Result) -> None:
    said = str(brief(binary, NOTHING))
    assert re.findall('href="#([a-z]+)"', said)[:3] == ["leaderboard", "fails", "why"]
    assert "#hold" not in said and "#fairness" not in said


def test_numbers_are_told_in_full(number: wf.Result, known_number: Understanding) -> None:
    said = re.sub("<[^>]+>", "", str(brief(number, known_number)))
    assert "e+0" not in said and "[" not in said
    assert "Size" not in said and "size" in said


def test_pages_write_intervals_and_metrics_in_words_and_leave_code_alone() -> None:
    html = ("log_<wbr/>loss rises by 28380 [25437, 32154]; 12% [9%, 15%]; -0.1 [-2e-05, inf]; "
            "['a', 'b']; <code>fit(x=[1, 2], metric='log_loss')</code>")
    assert words.spelled(html, "log_loss") == (
        "log loss rises by 28,380 (25,437 to 32,154); 12% (9% to 15%); -0.1 (-2e-05 to inf); "
        "['a', 'b']; <code>fit(x=[1, 2], metric='log_loss')</code>")
    assert words.spelled("fit(metric='log_loss')", "log_loss") == "fit(metric='log_loss')"
