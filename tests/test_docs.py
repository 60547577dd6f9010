"""The pages are true: their Python runs, their commands run, their links and examples exist."""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from wholefit import cli

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text()) if kind == language]


def commands(page: Path) -> Iterator[list[str]]:
    """Every `wholefit ...` line of a page's plain blocks, without the program's name."""
    for text in blocks(page, ""):
        for line in text.replace("\\\n", " ").splitlines():
            if line.startswith("wholefit "):
                yield shlex.split(line, comments=True)[1:]


def run(argv: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(argv)
    return int(ended.value.code or 0)


def test_the_quick_start_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    # Tests beside this one use the other cores.
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)
    page = ROOT / "docs" / "quickstart.md"
    words: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), words)
    assert capsys.readouterr().out.rstrip().endswith("True"), "a loaded model answers the same"
    for argv in commands(page):
        assert run(argv) == 0, f"wholefit {shlex.join(argv)}: {capsys.readouterr().err}"
    assert Path("predictions.csv").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_exist(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for argv in commands(page):
        assert run([argv[0], "--help"]) == 0, f"wholefit has no command {argv[0]}"
        told = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", capsys.readouterr().out))
        for word in (word for word in argv if word.startswith("-") and word != "-"):
            assert word in told, f"wholefit {argv[0]} has no {word}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_names_every_extra() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(listed) == set(declared["optional-dependencies"])


def test_the_index_names_every_example() -> None:
    listed = set(re.findall(r"^\| `(\w+\.py)`", (ROOT / "docs" / "index.md").read_text(), re.M))
    assert listed == {path.name for path in (ROOT / "examples").glob("*.py")}
