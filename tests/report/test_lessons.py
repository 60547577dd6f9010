"""Pages of lessons: whole, self-contained, with every picture and number."""

from __future__ import annotations

from pathlib import Path

import pytest

import wholefit as wf
from wholefit.api.lessons import lesson, lessons
from wholefit.base.errors import ArtifactError
from wholefit.cli import main
from wholefit.nn.lessons import Chart, Lesson, Plane, Tiles
from wholefit.report import lessons as pages

QUICK = ("activations", "pooling", "attention_cost", "linear_stack")


@pytest.mark.parametrize("name", QUICK)
def test_a_page_holds_what_was_found(name: str, tmp_path: Path) -> None:
    found = lesson(name)
    text = found.report(tmp_path / "page.html").read_text()
    assert text.count("<svg") >= len(found.pictures) and "http://" not in text
    plain = text.replace("<wbr>", "")
    assert all(key in plain for key in found.numbers)
    assert "<svg" in found._repr_html_() and str(found) == found.to_text()
    with pytest.raises(ArtifactError, match="exists"):
        found.report(tmp_path / "page.html")


def test_hostile_words_and_numbers_are_drawn_as_they_are() -> None:
    nan, inf = float("nan"), float("inf")
    pictures = (Chart("<script>", "x", "y", (("<b>", (1.0, 2.0, 3.0), (nan, inf, 1.0)),),
                      log_across=True, log_up=True),
                Chart("empty", "x", "y", ()), Chart("level", "x", "y", (("a", (1.0,), (2.0,)),)),
                Plane("plane", 0, 1, ((0.5, 1.0), (0.0, 0.5)), ((0.0, 1.0, 1),)),
                Tiles("tiles", (("<i>", ((0.0, 0.0),)),), signed=True), Tiles("none", ()))
    record = Lesson("own", "<script>alert(1)</script>?", ("<img src=x>",), {"a": nan},
                    ("<u>",), (("<s>",),), pictures)
    text = pages.page(record)
    for tag in ("<script>alert", "<img", "<u>", "<s>", "<i>"):
        assert tag not in text


def test_the_command_lists_runs_and_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["lesson", *words])
        return (int(ended.value.code or 0), *capsys.readouterr())

    code, out, _ = run()
    assert code == 0 and all(name in out for name in lessons())
    page = tmp_path / "page.html"
    code, out, _ = run("pooling", "--out", str(page))
    assert code == 0 and "1,024" in out and page.exists()
    assert run("pooling", "--out", str(page))[0] == 1
    code, out, _ = run("pooling", "--json")
    assert code == 0 and '"flatten": 1024' in out
    code, _, err = run("poling")
    assert code == 1 and "pooling" in err
    assert run("activations", "--seed", "1")[0] == 1
    assert run("--out", str(page))[0] == 2


def test_lessons_are_public() -> None:
    assert wf.lesson("activations").numbers["sigmoid_steepest"] == pytest.approx(0.25)
    assert "xor" in wf.lessons()
