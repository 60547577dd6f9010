"""`python -m benchmarks.automl [TABLE ...] --budget 60 --peer NAME=/path/to/python ...`.

Each run is a process of its own; the systems take turns on each table, so that none is always
first. Each finished run is a line of results/automl.jsonl, and what is there is not run again:
stop it and go on whenever you like. The page results/automl.md is written anew from all lines.
`--long` takes all twenty tables; `--page` writes the page and runs nothing. Peers need not be
there: `--budget 300 --again wholefit` runs wholefit alone, and holds it against what it did in less
time. Two budgets are compared row by row, as long as --cache keeps the losses of both runs.

A peer's environment is any virtual environment that has the peer, numpy and pandas:
    autogluon  torch==2.13.0 first, then "autogluon.tabular[lightgbm,catboost,xgboost]"
    flaml      "flaml[automl]"
    lightgbm   lightgbm scikit-learn pandas
    mljar      torch==2.13.0 first, then mljar-supervised
    h2o        h2o pandas, and Java
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import _tools
from benchmarks.automl import _longer, _report, _run, _tables

LINES = _tools.RESULTS / "automl.jsonl"


def main(words: Sequence[str] | None = None) -> None:
    asked = _asked(words)
    lines = read(asked.lines)
    if not asked.page:
        members = _run.systems(asked.ours, asked.peer)
        for at, case in enumerate(_cases(asked)):
            _case(case, at, members, asked, lines)
    for line in list(_longer.missing(lines, asked.cache / "losses")):
        add(asked.lines, lines, line)
    page = _report.page(lines)
    if asked.lines == LINES:
        _tools.save("automl", page)
    else:
        print(page)


def _case(
    case: _run.Case, at: int, members: list[_run.System], asked: argparse.Namespace,
    lines: list[dict[str, Any]],
) -> None:
    """Every system that has not yet answered this case, and then the pairs."""
    cache = asked.cache
    outer = _tables.split(case.table, case.seed, cache / "splits")
    new = False
    for system in _run.turns(members, at):
        known = [line for line in lines if line["kind"] == "run" and _key(line) == case.key
                 and line["system"] == system.name]
        if known and not (asked.again == "failed" and known[-1]["status"] == "failed") \
                and asked.again not in ("all", system.name):
            continue
        line = _run.run(system, case, outer, asked.cores,
                        _run.losses_file(cache / "losses", case, system.name))
        new = True
        add(asked.lines, lines, line)
        print(f"{case.table.name:24} seed {case.seed} {case.budget:g} s  {system.name:18} "
              + (f"{line['value']:.6g}  fit {line['fit_seconds']:.1f} s"
                 if line["status"] == "ok" else f"FAILED {line['error'].strip()[-120:]}"),
              file=sys.stderr, flush=True)
    if new:
        names = sorted({line["system"] for line in lines if line["kind"] == "run"
                        and _key(line) == case.key and line["status"] == "ok"})
        for pair in _run.pairs(case, names, cache / "losses"):
            add(asked.lines, lines, pair)


def read(path: Path) -> list[dict[str, Any]]:
    """The lines there are; one that was cut off while it was written is left out."""
    found = []
    for text in path.read_text().splitlines() if path.exists() else ():
        try:
            found.append(json.loads(text))
        except json.JSONDecodeError:
            continue
    return found


def add(path: Path, lines: list[dict[str, Any]], line: dict[str, Any]) -> None:
    """One more line, on disk at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as out:
        out.write(json.dumps(line) + "\n")
    lines.append(line)


def _key(line: dict[str, Any]) -> tuple[str, int, float]:
    return line["table"], line["seed"], line["budget"]


def _cases(asked: argparse.Namespace) -> list[_run.Case]:
    names = asked.tables or [t.name for t in (_tables.ALL.values() if asked.long
                                              else _tables.DEFAULT)]
    return [_run.Case(_tables.ALL[name], seed, budget) for seed in range(asked.seeds)
            for budget in asked.budget for name in names]


def _asked(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.automl", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE")
    parser.add_argument("--budget", type=float, nargs="+", default=[60.0], help="seconds")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--long", action="store_true", help="all twenty tables")
    parser.add_argument("--ours", nargs="+", default=["default"], metavar="PRESET")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--again", metavar="failed|all|SYSTEM", default="")
    parser.add_argument("--page", action="store_true", help="write the page, run nothing")
    parser.add_argument("--lines", type=Path, default=LINES, help="the file of results")
    parser.add_argument("--cache", type=Path,
                        default=Path(tempfile.gettempdir()) / "wholefit-automl",
                        help="where splits and losses of rows are kept between runs")
    asked = parser.parse_args(words)
    wrong = sorted(set(asked.tables) - set(_tables.ALL))
    if wrong:
        parser.error(f"no table is named {', '.join(wrong)}; tables: {', '.join(_tables.ALL)}")
    return asked


if __name__ == "__main__":
    main()
