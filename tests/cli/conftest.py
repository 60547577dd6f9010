"""A folder with small real tables and a model fitted on one, and two ways to run the commands."""

from __future__ import annotations

import csv
import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

import wholefit
from wholefit.cli import main
from wholefit.data import bundled

SRC = Path(wholefit.__file__).parents[1]
CHEAP = ["--models", "dummy, logistic", "--jobs", "1"]


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line of standard error: the sentence of an error."""
        return self.err.strip().splitlines()[-1] if self.err.strip() else ""


def environment(**more: str) -> dict[str, str]:
    """The environment of a real process: this source, and no word of the tests' own terminal."""
    kept = {name: value for name, value in os.environ.items()
            if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "WHOLEFIT_DEBUG")}
    return {**kept, "PYTHONPATH": str(SRC), "TERM": "xterm-256color", **more}


def process(*argv: str, cwd: Path, stdin: bytes = b"", **more: str) -> Done:
    """Run `python -m wholefit` as a user does; nothing is a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "wholefit", *argv], input=stdin, capture_output=True, cwd=cwd,
        env=environment(**more), timeout=120, check=False)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Run a command in this process, in an empty folder: quick."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)

    def quick(*argv: str) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in argv])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Done(int(ended.value.code or 0), out, err)

    return quick


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """churn.csv (400 rows), new.csv (100 others), loans.csv, and churn.wf, fitted on churn.csv."""
    folder = tmp_path_factory.mktemp("room")
    churn = pl.read_csv(bundled.path("telco_churn"), null_values="NA", infer_schema_length=None)
    churn = churn.with_columns(customer_id=pl.format("C-{}", pl.int_range(pl.len()) + 10_000))
    churn[:400].write_csv(folder / "churn.csv")
    churn[400:500].write_csv(folder / "new.csv")
    loans = pl.read_csv(bundled.path("credit_data"), null_values="NA", infer_schema_length=None)
    loans[:300].write_csv(folder / "loans.csv")
    done = process("fit", "churn.csv", "--target", "churn", *CHEAP, "--choose", "best", cwd=folder)
    assert done.code == 0, done.err
    assert (folder / "churn.wf").exists()  # the default name
    return folder


def table(path: Path, **columns: list[object]) -> Path:
    """A CSV file of columns."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def numbers(count: int, seed: int = 0) -> list[float]:
    """Numbers to learn from."""
    draw = random.Random(seed)
    return [round(draw.random(), 4) for _ in range(count)]
