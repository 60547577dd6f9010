"""Every remedy is one that exists: its flags are the command line's, its lines do run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import cli
from wholefit.data import dataset_of
from wholefit.data.findings import Finding
from wholefit.training import leaks

N = 400


def faulty() -> pl.DataFrame:
    """A table with nearly every fault there is."""
    rng = np.random.default_rng(0)
    x = rng.normal(100, 10, N)
    y = np.where(x + rng.normal(0, 5, N) > 100, "yes", "no")
    damaged: list[Any] = [f"{v:.2f}" for v in rng.normal(50, 5, N)]
    damaged[3] = "12,5"
    far, held = x.copy(), x.round()
    far[5], held[[7, 8, 9]] = 90_000.0, -999
    town = rng.choice(["Ely", "Wells", "Bath"], N).astype(object)
    town[4], town[6] = "ELY ", "Wlels"
    frame = pl.DataFrame({
        "a b": x, "it's": far, "held": held, "damaged": damaged, "town": town.tolist(),
        "twin": -2 * x, "heavy": rng.pareto(1.0, N), "lone": np.arange(N) < 2,
        "order_id": np.arange(N) * 7919 % 100_003, "site": "S", "code": [f"c{i % 150}" for i in
                                                                         range(N)],
        "again": np.where(y == "yes", 1.0, 0.0), "y": y})
    return pl.concat([frame, frame[:4]])


def found() -> list[Finding]:
    every = list(leaks.examine(dataset_of(faulty(), target="y")))
    kinds = {one.kind for one in every}
    assert len(kinds) >= 13, kinds
    return every


EVERY = found()
IDS = [one.key for one in EVERY]


@pytest.mark.parametrize("one", EVERY, ids=IDS)
def test_the_flags_exist(
    one: Finding, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    words = shlex.split(one.flag)
    command = words[1] if words[:1] == ["wholefit"] else "fit"
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0, f"wholefit has no command {command}"
    told = set(re.findall(r"--[a-z][a-z-]*", capsys.readouterr().out))
    assert {word for word in words if word.startswith("--")} <= told


def steps() -> Iterator[tuple[str, str]]:
    for one in EVERY:
        if one.line.startswith("wf.clean("):
            yield one.key, one.line


@pytest.mark.parametrize("line", [line for _, line in steps()], ids=[key for key, _ in steps()])
def test_lines_that_clean_change_what_was_found(line: str) -> None:
    cleaned = eval(line, {"wf": wf, "source": faulty()})
    assert isinstance(cleaned, wf.Cleaned) and cleaned.changes


def test_lines_of_fit_are_options_of_fit() -> None:
    for one in EVERY:
        if one.line.startswith("fit(..., "):
            options = eval(one.line.replace("fit(..., ", "dict(", 1), {"wf": wf})
            options = {**options, "models": "dummy"} if "models" in options else options
            assert wf.fit(faulty(), target="y", jobs=1, checks=False,
                          **{"models": "dummy", **options}).model
