"""Pages of what is inside: every picture in words, nothing fetched, nothing run from a name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wholefit.base import tasks
from wholefit.checks import _data
from wholefit.explain import inside as looking
from wholefit.models import make
from wholefit.report import inside as pages
from wholefit.report.inside import _pictures
from wholefit.training import fit_plain


def _found(text: str, kind: str = "classification") -> looking.Inside:
    task = tasks.get(kind)
    return looking.look(fit_plain(_data.dataset(task), task, make(text)), text)


@pytest.mark.parametrize("text", [
    "logistic", "decision_tree(max_depth=6)", "additive(bags=2)", "rule_list", "knn",
    "random_forest(n_estimators=5)", "stacking"])
def test_a_page_is_whole_and_its_pictures_speak(text: str, tmp_path: Path) -> None:
    found = _found(text)
    page = pages.page(found)
    assert page.startswith("<!doctype html>") and "http" not in page.replace("http-equiv", "")
    for svg in re.findall(r"<svg.*?</svg>", page, re.S):
        assert "aria-label=" in svg and "<title>" in svg
        assert "nan" not in svg and "inf" not in svg.replace("information", "")
    for line in found.said:
        assert line.split(" ")[0] in page
    written = pages.write(found, tmp_path / "page.html")
    assert written.read_text() == page
    assert pages.snippet(found).startswith("<div")


def test_a_number_has_pages_too() -> None:
    for text in ("additive(bags=2)", "ridge", "rule_list", "decision_tree(max_depth=2)"):
        assert "<h2" in pages.page(_found(text, "regression"))


def test_a_tree_is_drawn_down_to_four_questions_and_the_rest_counted() -> None:
    tree = _found("decision_tree(max_depth=7)").tree
    assert tree is not None and tree.depth > 4
    drawn = _pictures.tree(tree)
    assert "leaves below" in drawn
    small = _found("decision_tree(max_depth=2)").tree
    assert small is not None
    shown = _pictures.tree(small)
    assert shown.count("<circle") == len(small.nodes) and "leaves below" not in shown


def test_a_curve_is_as_wide_as_its_rows() -> None:
    one = looking.Curve("age", ("missing", "<= 3", "3 to 5", "> 5"), (0.0, -1.0, 0.5, 2.0),
                        (0.0, 0.1, 0.2, 0.3), (5.0, 10.0, 30.0, 60.0), (3.0, 5.0))
    drawn = _pictures.curve(one)
    starts = [float(x) for x in re.findall(r"M(\d+\.\d) \d", drawn)]
    wide = 440 - 66 - 14
    assert starts[1] - starts[0] == pytest.approx(0.1 * wide, abs=0.2)
    assert starts[2] - starts[1] == pytest.approx(0.3 * wide, abs=0.2)


def test_names_from_data_cannot_become_code() -> None:
    bad = "<script>alert(1)</script>"
    record = looking.Inside(
        bad, "trees", (bad,), curves=(looking.Curve(
            bad, ("missing", bad), (0.0, 1.0), (0.0, 0.1), (0.0, 9.0)),),
        rules=(looking.Rule((bad,), bad, 0.5, 0.4, 0.6, 10.0),),
        shares=(looking.Share(bad, 1.0, 3),))
    assert "<script>alert" not in pages.page(record) + pages.snippet(record)
