"""What the benchmark says of longer budgets, on runs and losses that are made up."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.automl import __main__ as study
from benchmarks.automl import _longer, _report, _run, _score, _tables

TABLE = _tables.ALL["german_credit"]


def losses(shift: float, seed: int = 0, rows: int = 400) -> np.ndarray:
    return np.random.default_rng(seed).exponential(0.5, rows) + shift


def ran(cache: Path, budget: float, found: np.ndarray | None, system: str = "wholefit",
        **more: Any) -> dict[str, Any]:
    """The line of a run with these losses, which are kept; of one that failed where None."""
    line = {"kind": "run", "table": TABLE.name, "task": TABLE.task, "seed": 0, "budget": budget,
            "system": system, "when": "2026-01-01 10:00", "fit_seconds": budget - 1,
            "predict_seconds": 0.1, "row_seconds": 0.01, "size": 1000, "test_rows": 400, **more}
    if found is None:
        return {**line, "status": "failed", "error": "no"}
    file = _run.losses_file(cache, _run.Case(TABLE, 0, budget), system)
    file.parent.mkdir(parents=True, exist_ok=True)
    np.save(file, found)
    return {**line, "status": "ok", "value": _score.metric(TABLE.task, found),
            "se": _score.error(TABLE.task, found)}


def verdicts(lines: list[dict[str, Any]], cache: Path) -> list[str]:
    lines = [*lines, *_longer.missing(lines, cache)]
    pairs = {(line["system"], line["shorter"]): line for line in lines
             if line["kind"] == "longer"}
    return [_longer.verdict(runs[a], runs[b], pairs.get((key[0], a)))
            for key, runs in _longer.runs_of(lines).items()
            for a, b in zip(list(runs), list(runs)[1:], strict=False)]


@pytest.mark.parametrize(("shift", "verdict"), [
    (0.02, "worse"), (-0.02, "better"), (0.0, "no difference")])
def test_the_same_rows_decide(tmp_path: Path, shift: float, verdict: str) -> None:
    """Two hundredths are far within one score's own error (0.025): only pairs of rows show it."""
    assert verdicts([ran(tmp_path, 60, losses(0)), ran(tmp_path, 300, losses(shift))],
                    tmp_path) == [verdict]


def test_a_difference_within_its_interval_is_none(tmp_path: Path) -> None:
    noisy = losses(0) + np.random.default_rng(1).normal(0.01, 1.0, 400)
    assert verdicts([ran(tmp_path, 60, losses(0)), ran(tmp_path, 300, noisy)],
                    tmp_path) == ["no difference"]


def test_a_longer_run_that_fails_is_worse(tmp_path: Path) -> None:
    assert verdicts([ran(tmp_path, 60, losses(0)), ran(tmp_path, 300, None)],
                    tmp_path) == ["worse"]
    assert verdicts([ran(tmp_path, 60, None), ran(tmp_path, 300, losses(0))],
                    tmp_path) == ["better"]


def test_each_budget_is_held_against_the_next(tmp_path: Path) -> None:
    lines = [ran(tmp_path, 300, losses(-0.1)), ran(tmp_path, 3600, losses(0.1)),
             ran(tmp_path, 60, losses(0))]
    assert verdicts(lines, tmp_path) == ["better", "worse"]


def test_losses_of_another_run_are_not_taken(tmp_path: Path) -> None:
    """The file is of a later run than the line, or gone: then nothing is known."""
    lines = [ran(tmp_path, 60, losses(0)), ran(tmp_path, 300, losses(0.1))]
    ran(tmp_path, 300, losses(0.2, seed=3))
    assert verdicts(lines, tmp_path) == ["not known"]
    assert verdicts(lines, tmp_path / "elsewhere") == ["not known"]


def test_a_comparison_of_older_runs_is_not_shown(tmp_path: Path) -> None:
    lines = [ran(tmp_path, 60, losses(0)), ran(tmp_path, 300, losses(0.1))]
    lines += _longer.missing(lines, tmp_path)
    assert "| 1 | 0 | 0 | 1 | 0 |" in "\n".join(_longer.section(lines))
    again = [*lines, ran(tmp_path, 300, losses(-0.1))]
    assert "| 1 | 0 | 0 | 0 | 1 |" in "\n".join(_longer.section(again))
    again += _longer.missing(again, tmp_path)
    assert "| 1 | 1 | 0 | 0 | 0 |" in "\n".join(_longer.section(again))
    assert not list(_longer.missing(again, tmp_path))


def test_ours_come_first_and_peers_only_with_both_budgets(tmp_path: Path) -> None:
    lines = [ran(tmp_path, budget, losses(shift), system) for system, budget, shift in [
        ("flaml", 60, 0.0), ("flaml", 300, 0.1), ("lightgbm", 60, 0.0), ("wholefit", 60, 0.0),
        ("wholefit", 300, -0.1)]]
    lines += _longer.missing(lines, tmp_path)
    tools = [row.split(" | ")[0] for row in _longer.section(lines) for row in row.splitlines()
             if re.match(r"\| (wholefit|flaml|lightgbm)", row)]
    assert tools == ["| wholefit", "| flaml", "| wholefit", "| flaml"]
    assert "different days" not in "\n".join(_longer.section(lines))
    later = [{**line, "when": "2026-01-02"} if line.get("budget") == 300 else line
             for line in lines]
    assert "Of 2 the two runs are of different days" in "\n".join(_longer.section(later))


def test_one_budget_alone_has_no_section(tmp_path: Path) -> None:
    assert _longer.section([ran(tmp_path, 60, losses(0))]) == []


def test_wholefit_alone_runs_again_and_is_held_against_its_shorter_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--budget 300 --again wholefit`, with no peers, beside a page of 60 s that has them."""
    cache, lines, asked = tmp_path / "cache" / "losses", tmp_path / "lines.jsonl", []
    for system in ("wholefit", "flaml"):
        study.add(lines, [], ran(cache, 60, losses(0), system))
    for pair in _run.pairs(_run.Case(TABLE, 0, 60.0), ["wholefit", "flaml"], cache):
        study.add(lines, [], pair)

    def run(system: Any, case: Any, outer: Any, cores: int, file: Path) -> dict[str, Any]:
        asked.append((system.name, case.budget))
        return ran(cache, case.budget, losses(-0.1 * len(asked)))

    monkeypatch.setattr(_run, "run", run)
    monkeypatch.setattr(_tables, "split", lambda *_: None)
    words = [TABLE.name, "--budget", "300", "--again", "wholefit", "--lines", str(lines),
             "--cache", str(tmp_path / "cache")]
    study.main(words)
    study.main(words)
    assert asked == [("wholefit", 300.0)] * 2
    page = capsys.readouterr().out.rpartition("# wholefit beside")[2]
    assert "## 300 seconds" in page and "| wholefit | 1 | 1 | 0 | 0 | 0 |" in page
    assert page.count("against each") == 1  # at 300 s there is nobody to be against
    kept = study.read(lines)
    assert [line["kind"] for line in kept].count("longer") == 2
    study.main(["--page", "--lines", str(lines), "--cache", str(tmp_path / "cache")])
    assert study.read(lines) == kept


def test_runs_that_were_never_side_by_side_are_said(tmp_path: Path) -> None:
    """A peer's losses are gone: its score stands on the page, who won is not known."""
    lines = [ran(tmp_path, 60, losses(0)), ran(tmp_path, 60, losses(0.1), "flaml")]
    page = _report.page(lines)
    assert "| flaml | 0 | 0 | 0 |" in page and "Not decided: 1," in page
