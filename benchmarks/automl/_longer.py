"""Does a longer budget ever answer worse? One system's two budgets, on the same outer rows.

The claim is "never significantly worse". A line is made where the losses of both runs are kept,
and only of runs that are still the last of their system; an interval that lies above 0 is worse.
By chance alone one comparison in forty is, where more time makes no difference at all.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _tools
from benchmarks.automl import _run, _score, _tables

Line = dict[str, Any]
# What scores may differ by where they are of one and the same file of losses.
_SAME = 1e-9


def runs_of(lines: Iterable[Line]) -> dict[tuple[str, str, int], dict[float, Line]]:
    """The last run of each budget, in order, by system, table and seed."""
    found: dict[tuple[str, str, int], dict[float, Line]] = defaultdict(dict)
    for line in lines:
        if line["kind"] == "run":
            found[line["system"], line["table"], line["seed"]][line["budget"]] = line
    return {key: dict(sorted(runs.items())) for key, runs in found.items()}


def missing(lines: Sequence[Line], cache: Path) -> Iterator[Line]:
    """Lines for each budget and the next longer one that have none yet.

    Where a run failed there is nothing to compare; where the losses kept are not those of the
    last run, or are gone, nothing can be.
    """
    known = _known(lines)
    for key, runs in runs_of(lines).items():
        for short, long in itertools.pairwise(runs.values()):
            if _name(key, short, long) in known or "failed" in (short["status"], long["status"]):
                continue
            losses = [_losses(run, cache) for run in (short, long)]
            if losses[0] is None or losses[1] is None or len(losses[0]) != len(losses[1]):
                continue
            value, low, high = _score.compare(long["task"], losses[1], losses[0])
            yield {"kind": "longer", "system": key[0], "table": key[1], "seed": key[2],
                   "shorter": short["budget"], "longer": long["budget"],
                   "of": [short["value"], long["value"]], "value": value, "low": low,
                   "high": high}


def section(lines: Sequence[Line]) -> list[str]:
    """The part of the page: a count for each system, then every comparison, ours first."""
    known = _known(lines)
    rows = [(key, short, long, known.get(_name(key, short, long)))
            for key, runs in sorted(runs_of(lines).items(), key=lambda one: _first(one[0]))
            for short, long in itertools.pairwise(runs.values())]
    if not rows:
        return []
    systems = list(dict.fromkeys(key[0] for key, *_ in rows))
    apart = sum(short.get("when", "")[:10] != long.get("when", "")[:10]
                for _, short, long, _ in rows)
    return [
        "", "## Does a longer budget ever answer worse?", "",
        "Each system against itself with the next longer budget, on the same outer rows. 'Worse':",
        "the 95 % interval of the difference, row by row, lies above 0, or the longer run failed",
        "and the shorter did not. Where more time makes no difference, one comparison in forty is",
        "worse by chance. 'Not known': the losses of rows of one of the two runs are gone.",
        *([f"Of {apart} the two runs are of different days: the code may have changed between "
           "them."] if apart else []), "",
        _tools.markdown(
            ["tool", "comparisons", "better", "no difference", "significantly worse", "not known",
             "score of the longer / of the shorter"],
            [_count(name, [row for row in rows if row[0][0] == name]) for name in systems]), "",
        _tools.markdown(
            ["tool", "table", "seed", "metric", "shorter", "score", "longer", "score",
             "difference", "95 % interval", ""],
            [_row(*row) for row in rows])]


def verdict(short: Line, long: Line, pair: Line | None) -> str:
    """"worse" or "better" of the longer budget, "no difference", or "not known"."""
    ok = [run["status"] == "ok" for run in (short, long)]
    if not all(ok):
        return "no difference" if not any(ok) else "better" if ok[1] else "worse"
    if pair is None:
        return "not known"
    return "worse" if pair["low"] > 0 else "better" if pair["high"] < 0 else "no difference"


def _known(lines: Iterable[Line]) -> dict[Any, Line]:
    """Lines there are, by what they compare: the scores too, so that none is of older runs."""
    return {(line["system"], line["table"], line["seed"], line["shorter"], line["longer"],
             *line["of"]): line for line in lines if line["kind"] == "longer"}


def _name(key: tuple[str, str, int], short: Line, long: Line) -> Any:
    return (*key, short["budget"], long["budget"], short.get("value"), long.get("value"))


def _losses(run: Line, cache: Path) -> np.ndarray | None:
    """The losses of the rows of this very run; None where others are kept, or none."""
    case = _run.Case(_tables.ALL[run["table"]], run["seed"], run["budget"])
    file = _run.losses_file(cache, case, run["system"])
    if not file.exists():
        return None
    found = np.load(file)
    same = math.isclose(_score.metric(run["task"], found), run["value"], rel_tol=_SAME)
    return found if same else None


def _first(key: tuple[str, str, int]) -> Any:
    return not key[0].startswith("wholefit"), key


def _count(name: str, rows: Sequence[Any]) -> list[str]:
    told = [verdict(*row[1:]) for row in rows]
    ratios = [long["value"] / short["value"] for _, short, long, _ in rows
              if short["status"] == long["status"] == "ok"
              and short["value"] > 0 and long["value"] > 0]
    return [name, str(len(rows)), *(str(told.count(word)) for word in (
        "better", "no difference", "worse", "not known")),
        f"{_tools.geometric_mean(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
        if ratios else ""]


def _row(key: tuple[str, str, int], short: Line, long: Line, pair: Line | None) -> list[str]:
    told = verdict(short, long, pair)
    cells = [cell for run in (short, long) for cell in (
        f"{run['budget']:g} s", f"{run['value']:.5g}" if run["status"] == "ok" else "failed")]
    compared = ["", ""] if pair is None else [
        f"{pair['value']:+.3g}", f"{pair['low']:+.3g} to {pair['high']:+.3g}"]
    return [key[0], key[1], str(key[2]), _tables.ALL[key[1]].metric, *cells, *compared,
            "**worse**" if told == "worse" else told]
