"""Report pages in a real browser: how large, how fast, and whether anything breaks.

Each page is made by wholefit from real data, opened in headless Chromium through its own driver,
at 400 and at 1600 pixels, in light and dark, with and without its script, and printed. No peer:
the bars are absolute (under 3 MB, under a second, nothing on the console, nothing beyond the
window's edge).
"""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

import wholefit as wf
from benchmarks import _tools
from benchmarks.understanding._browser import Browser, browser
from wholefit.data import bundled

_REPEATS = 7
_WIDTHS = (400, 1600)
_LOADED = "return performance.getEntriesByType('navigation')[0].loadEventEnd"
# Elements that reach beyond the window, except within boxes that scroll by themselves.
_BEYOND = """
var w = innerWidth, n = 0;
document.querySelectorAll('body *').forEach(function (e) {
  var r = e.getBoundingClientRect();
  if (r.width && (r.right > w + 1 || r.left < -1) && !e.closest('.scroll,.toc,.skip,pre,svg')
      && getComputedStyle(e).position !== 'absolute') n++;
});
return n + Math.max(0, document.documentElement.scrollWidth - w);
"""
_SORTED = """
var t = [].filter.call(document.querySelectorAll('main table'), function (e) {
  return e.querySelector('th.num .sort'); })[0];
if (!t) return null;
var th = t.querySelector('th.num'), at = th.cellIndex;
th.querySelector('.sort').click();
return [th.getAttribute('aria-sort'), [].map.call(t.tBodies[0].rows, function (r) {
  return r.cells[at].textContent; })];
"""
_SHOWN = "return document.body.innerText.length"


def table(peer: str | None, short: bool) -> list[str]:
    """Lines of a Markdown page."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder, browser() as chrome:
        warnings.simplefilter("ignore")
        rows = [_row(name, make, Path(folder), chrome, 2 if short else _REPEATS)
                for name, make in _PAGES.items()]
    header = ["page", "kB", "loaded, ms (median)", "worst", "said on the console",
              "beyond the edge at 400 px", "at 1600 px", "tables that sort",
              "words without script", "pages of paper"]
    return ["Loaded: from the start of the navigation to the end of the load event, of a file on "
            "this machine. Beyond the edge: elements or pixels outside of the window, boxes that "
            "scroll by themselves left out. Words without script: share of the words that the "
            "page shows with it.", "", _tools.markdown(header, rows), "", _verdict(rows)]


def _verdict(rows: list[list[str]]) -> str:
    """Which bars hold, in a sentence."""
    bars = {"under 3 MB": all(float(row[1].replace(",", "")) < 3_000 for row in rows),
            "loaded in under a second": all(float(row[3]) < 1_000 for row in rows),
            "nothing on the console": all(row[4] == "0" for row in rows),
            "nothing beyond the edge": all(row[5] == row[6] == "0" for row in rows)}
    return "; ".join(f"{name}: {'yes' if true else 'NO'}" for name, true in bars.items()) + \
        f" ({len(rows)} pages)."


def _row(
    name: str, make: Callable[[Path], None], folder: Path, chrome: Browser, repeats: int
) -> list[str]:
    page = folder / f"{re.sub('[^a-z]+', '-', name)}.html"
    make(page)
    chrome.said()
    times = []
    for turn in range(repeats):
        chrome.dark(turn % 2 == 1)
        chrome.size(_WIDTHS[turn % 2], 900)
        chrome.open(page)
        times.append(float(chrome.ask(_LOADED)))
    beyond = []
    for width in _WIDTHS:
        chrome.size(width, 900)
        chrome.open(page)
        beyond.append(str(chrome.ask(_BEYOND)))
    chrome.ask("document.querySelectorAll('details').forEach(function (e) { e.open = true; })")
    sorts, shown = _sorting(chrome), int(chrome.ask(_SHOWN))
    paper = len(re.findall(rb"/Type\s*/Page[^s]", chrome.printed()))
    said = chrome.said()
    plain = _plainly(page, folder, chrome) / shown
    return [name, f"{page.stat().st_size / 1e3:,.0f}", f"{_tools.median(times):.0f}",
            f"{max(times):.0f}", f"{len(said)}", *beyond, sorts, f"{plain:.2f}", f"{paper}"]


def _sorting(chrome: Browser) -> str:
    """How many tables can be sorted, and whether a click on one's heading did."""
    found = chrome.ask(_SORTED)
    tables = int(chrome.ask("return document.querySelectorAll('table:has(.sort)').length"))
    if found is None:
        return f"{tables}"
    numbers = [float(match[0].replace(",", "")) for text in found[1]
               if (match := re.search(r"-?[\d,]*\.?\d+(?:e[-+]?\d+)?", text))]
    right = found[0] == "descending" and numbers == sorted(numbers, reverse=True)
    return f"{tables}, in order" if right else f"{tables}, NOT in order"


def _plainly(page: Path, folder: Path, chrome: Browser) -> int:
    """Letters that the page shows without its script: what a reader without one can read."""
    copy = folder / f"{page.stem}-plain.html"
    copy.write_text(re.sub(r"<script>.*?</script>", "", page.read_text(), flags=re.DOTALL))
    chrome.open(copy)
    chrome.ask("document.querySelectorAll('details').forEach(function (e) { e.open = true; })")
    return int(chrome.ask(_SHOWN))


# ---- the pages --------------------------------------------------------------------------


def _supervised(rows: pl.DataFrame, target: str, models: str, page: Path, **more: Any) -> None:
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=0)
    cut = int(0.75 * shuffled.height)
    made = wf.fit(shuffled[:cut], target=target, models=models, jobs=1, seed=0)
    made.report(page, shuffled[cut:], **more)


def _binary(page: Path) -> None:
    rows = wf.read(bundled.path("telco_churn")).frame
    _supervised(rows, "churn", "logistic, lightgbm, random_forest", page, values=True,
                protected=["female", "senior_citizen"])


def _letters(page: Path) -> None:
    rows = pl.read_parquet(_tools.data_folder() / "letter_recognition" / "data.parquet")
    _supervised(rows.head(4_000), "lettr", "random_forest", page)


def _houses(page: Path) -> None:
    rows = wf.read(_tools.data_folder() / "ames_housing" / "data.csv.gz").frame
    _supervised(rows, "Sale_Price", "ridge, lightgbm", page)


def _kept(page: Path) -> None:
    rows = wf.read(bundled.path("credit_data")).frame
    wf.fit(rows, target="Status", models="logistic, decision_tree", jobs=1).report(page)


def _plain_fit(page: Path, rows: pl.DataFrame, task: str, **words: Any) -> None:
    wf.fit(rows, task=task, jobs=1, seed=0, budget="60s", **words).report(page)


def _clusters(page: Path) -> None:
    _plain_fit(page, wf.read(bundled.path("telco_churn")).frame.drop("churn"), "clustering")


def _strange(page: Path) -> None:
    rows = pl.read_parquet(_tools.data_folder() / "shuttle" / "data.parquet")
    _plain_fit(page, rows.head(5_000), "anomaly", label="Class", models="ecod, isolation_forest")


def _baskets(page: Path) -> None:
    rows = pl.read_parquet(_tools.data_folder() / "supermarket_baskets" / "data.parquet")
    _plain_fit(page, rows, "association", basket="basket", item="item")


def _lectures(page: Path) -> None:
    rows = pl.read_parquet(_tools.data_folder() / "lecture_ratings" / "data.parquet")
    _plain_fit(page, rows.head(20_000).select("s", "d", "y"), "recommendation", user="s",
               item="d", rating="y", models="ease, item_knn")


def _map(page: Path) -> None:
    rows = pl.read_parquet(_tools.data_folder() / "letter_recognition" / "data.parquet")
    _plain_fit(page, rows.head(3_000), "reduction", label="lettr", models="pca")


def _wide(page: Path) -> None:
    rows = wf.read(_tools.data_folder() / "spambase" / "data.csv.gz").frame
    many = [pl.col(name).alias(f"{name}_{at}") for at in range(18) for name in rows.columns[:55]]
    some = rows.sample(800, shuffle=True, seed=0).with_columns(many)
    _supervised(some, "type", "logistic", page)


_PAGES: dict[str, Callable[[Path], None]] = {
    "classification, 2 classes, all chapters": _binary,
    "classification, 26 classes": _letters, "regression, 73 columns": _houses,
    "classification, without rows": _kept, "classification, 1,047 columns": _wide,
    "clustering": _clusters, "anomaly": _strange, "association": _baskets,
    "recommendation": _lectures, "reduction": _map,
}


def pages() -> Iterator[str]:
    """The names of the pages, for those who want but one."""
    yield from _PAGES
