"""The page: who is first, by how much, on time or not, how fast, how large, and how honest."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import _tools
from benchmarks.automl import _longer, _score, _tables

Line = dict[str, Any]
PORTFOLIOS = Path(__file__).parents[2] / "src" / "wholefit" / "training" / "portfolios"


def page(lines: Sequence[Line]) -> str:
    """All lines as one page; the last run of a system on a case counts."""
    runs = {(_case(line), line["system"]): line for line in lines if line["kind"] == "run"}
    pairs = {(_case(line), line["a"], line["b"]): line for line in lines
             if line["kind"] == "pair"}
    text = ["# wholefit beside other automatic tools", "", *_preface(runs.values())]
    for budget in sorted({case[2] for case, _ in runs}):
        some = {key: run for key, run in runs.items() if key[0][2] == budget}
        text += _budget(budget, some, pairs)
    text += _longer.section(lines)
    text += _coverage(runs.values())
    text += ["", _tools.machine("wholefit"), "", "Peers: " + _versions(runs.values()), "",
             "Made by `python -m benchmarks.automl`."]
    return "\n".join(text)


def _case(line: Line) -> tuple[str, int, float]:
    return line["table"], line["seed"], line["budget"]


def _preface(runs: Iterable[Line]) -> list[str]:
    covered = sorted({run["table"] for run in runs})
    learnt = _learnt_from(covered)
    missing = [table.name for table in _tables.DEFAULT if table.name not in covered]
    return [
        "Every tool gets the same CSV file, two cores and the same seconds, in a process of its",
        "own; the tools take turns. Two thirds of the rows to fit on, one third to be judged on,",
        "by log loss or RMSE (lower is better). Ties are decided by the 95 % interval of the",
        "difference row by row.", "",
        f"Covered: {len(covered)} of {len(_tables.ALL)} tables ({', '.join(covered)})."
        + (f" Of the default form not yet run: {', '.join(missing)}." if missing else ""), "",
        ("The order of wholefit's portfolio was learnt from public tables, among them "
         f"{', '.join(learnt)}; on these it has met the rows before, in the making of its order "
         "(not of any model)." if learnt else
         "None of these tables is named in wholefit's portfolio as one it was learnt from.")]


def _learnt_from(tables: Sequence[str]) -> list[str]:
    """Tables that the files of the portfolio name."""
    known = "".join(path.read_text() for path in sorted(PORTFOLIOS.glob("*.json")))
    return [name for name in tables if f'"{name}"' in known]


# ---- one budget ---------------------------------------------------------------------------


def _budget(budget: float, runs: dict[Any, Line], pairs: dict[Any, Line]) -> list[str]:
    by_case: dict[Any, dict[str, Line]] = defaultdict(dict)
    for (case, system), run in runs.items():
        by_case[case][system] = run
    systems = sorted({system for _, system in runs})
    full = {case: found for case, found in by_case.items() if len(found) == len(systems)}
    ranks = _ranks(full)
    systems.sort(key=lambda name: ranks.get(name, math.inf))
    text = ["", f"## {budget:g} seconds", "",
            f"{len(full)} tables and seeds that every tool was run on"
            + (f" ({len(by_case) - len(full)} more in part, left out of the ranks)."
               if len(full) < len(by_case) else "."), ""]
    rows = [_summary(name, ranks.get(name), [run for (_, system), run in runs.items()
                                             if system == name]) for name in systems]
    text += [_tools.markdown(
        ["tool", "mean rank", "failures", "late by at most", "runs too late",
         "predict 1,000 rows", "predict one row", "size", "says better than it is"], rows), ""]
    text += ["'Too late': more than the larger of one second and 2 % after its budget, from the",
             "call of its fit to its return (wholefit's call reads the file, the others' do not).",
             "Predict times and size are medians. 'Says better than it is': the median of (outer",
             "score - reported score) / outer score.", ""]
    ours = [name for name in systems if name.startswith("wholefit")]
    for name in ours:
        text += _against(name, [s for s in systems if s != name], by_case, pairs)
    return [*text, *_scores(systems, by_case)]


def _ranks(cases: dict[Any, dict[str, Line]]) -> dict[str, float]:
    """The mean rank of each system; failures share the last places."""
    found: dict[str, list[float]] = defaultdict(list)
    for runs in cases.values():
        values = {name: _value(run) for name, run in runs.items()}
        for name, value in values.items():
            below = sum(other < value for other in values.values())
            same = sum(other == value for other in values.values())
            found[name].append(below + (same + 1) / 2)
    return {name: statistics.mean(each) for name, each in found.items()}


def _value(run: Line) -> float:
    return run["value"] if run["status"] == "ok" else math.inf


def _summary(name: str, rank: float | None, runs: list[Line]) -> list[str]:
    done = [run for run in runs if run["status"] == "ok"]
    if not done:
        return [name, "", f"{len(runs)} of {len(runs)}", *[""] * 6]
    over = [run["fit_seconds"] - run["budget"] for run in done]
    late = sum(o > max(1.0, 0.02 * run["budget"]) for o, run in zip(over, done, strict=True))
    told = [(run["value"] - run["reported"]) / run["value"] for run in done
            if run.get("reported") is not None and run["value"]]
    return [
        name, "" if rank is None else f"{rank:.2f}", f"{len(runs) - len(done)} of {len(runs)}",
        f"{max(over):+.1f} s", f"{late} of {len(done)}",
        f"{1e6 * _median(run['predict_seconds'] / run['test_rows'] for run in done):,.1f} ms",
        f"{1e3 * _median(run['row_seconds'] for run in done):,.1f} ms",
        f"{_median(run['size'] for run in done) / 1e6:,.1f} MB",
        f"{statistics.median(told):+.1%}" if told else ""]


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _against(
    ours: str, others: Sequence[str], by_case: dict[Any, dict[str, Line]], pairs: dict[Any, Line]
) -> list[str]:
    """Won, tied, lost, and how much faster and smaller on the same tables."""
    rows, unknown = [], 0
    for other in others:
        both = [(case, runs[ours], runs[other]) for case, runs in by_case.items()
                if ours in runs and other in runs]
        if not both:
            continue
        tally = [_outcome(a, b, _pair(pairs, case, ours, other)) for case, a, b in both]
        won, tied, lost = (tally.count(word) for word in ("won", "tied", "lost"))
        unknown += tally.count("unknown")
        ok = [(a, b) for _, a, b in both if a["status"] == b["status"] == "ok"]
        rows.append([other, str(won), str(tied), str(lost),
                     f"{(won + tied / 2) / max(won + tied + lost, 1):.0%}",
                     *(_ratio(ok, fact) for fact in ("predict_seconds", "row_seconds", "size"))])
    if not rows:
        return []
    return [f"### {ours} against each", "", _tools.markdown(
        ["against", "won", "tied", "lost", "win rate", "its predict time / ours",
         "its time for one row / ours", "its size / ours"], rows), "",
        "Geometric means over the tables; in brackets the least and the most.", "",
        *([f"Not decided: {unknown}, whose losses of rows were not kept side by side (run the "
           "case again with --again all).", ""] if unknown else [])]


def _outcome(a: Line, b: Line, pair: tuple[float, float] | None) -> str:
    """A failure loses; both failed is a tie; else the interval of the difference decides."""
    if a["status"] != "ok" or b["status"] != "ok":
        return "tied" if a["status"] == b["status"] else (
            "won" if a["status"] == "ok" else "lost")
    if pair is None:
        return "unknown"
    return "won" if pair[1] < 0 else "lost" if pair[0] > 0 else "tied"


def _pair(pairs: dict[Any, Line], case: Any, a: str, b: str) -> tuple[float, float] | None:
    """The interval of a's score minus b's."""
    if (case, a, b) in pairs:
        found = pairs[case, a, b]
        return found["low"], found["high"]
    if (case, b, a) in pairs:
        found = pairs[case, b, a]
        return -found["high"], -found["low"]
    return None


def _ratio(both: Sequence[tuple[Line, Line]], fact: str) -> str:
    ratios = [b[fact] / max(a[fact], 1e-9) for a, b in both]
    if not ratios:
        return ""
    return f"{_tools.geometric_mean(ratios):.2g} ({min(ratios):.2g} to {max(ratios):.2g})"


def _scores(systems: Sequence[str], by_case: dict[Any, dict[str, Line]]) -> list[str]:
    """Every score, the best of a table in bold."""
    rows = []
    for (table, seed, _), runs in sorted(by_case.items()):
        best = min(map(_value, runs.values()))
        cells = [_cell(runs.get(name), best) for name in systems]
        rows.append([table, str(seed), _tables.ALL[table].metric, *cells])
    return ["### Every table", "", _tools.markdown(["table", "seed", "metric", *systems], rows)]


def _cell(run: Line | None, best: float) -> str:
    if run is None:
        return ""
    if run["status"] != "ok":
        return "failed"
    return f"**{run['value']:.5g}**" if run["value"] == best else f"{run['value']:.5g}"


# ---- honesty ------------------------------------------------------------------------------


def _coverage(runs: Iterable[Line]) -> list[str]:
    """(reported - outer) / root of both squared errors, for systems that state an error."""
    rows = []
    known = sorted((run for run in runs if run["status"] == "ok" and run.get("reported_se")),
                   key=lambda run: run["system"])
    for name, some in itertools.groupby(known, key=lambda run: run["system"]):
        z = [surprise(run) for run in some]
        spread = statistics.stdev(z) if len(z) > 1 else math.nan
        rows.append([name, str(len(z)), f"{statistics.mean(z):+.2f}",
                     f"{spread / math.sqrt(len(z)):.2f}", f"{spread:.2f}",
                     f"{sum(abs(each) <= _score.LEVEL for each in z) / len(z):.0%}"])
    if not rows:
        return []
    return ["", "## Is the reported score true?", "",
            "(reported score - outer score) / root of the sum of both squared standard errors,",
            "over all tables, seeds and budgets: below 0 the tool said better than it is. It",
            "should be 0 in the mean, with a spread of 1, and 95 % of it within 1.96.", "",
            _tools.markdown(["tool", "runs", "mean", "its error", "spread", "within 1.96"], rows)]


def surprise(run: Line) -> float:
    """How far the reported score lies from the outer one, in standard errors."""
    return (run["reported"] - run["value"]) / math.hypot(run["reported_se"], run["se"])


def _versions(runs: Iterable[Line]) -> str:
    found = {(run["system"].partition("_")[0], run["version"]) for run in runs
             if run.get("version")}
    return ", ".join(f"{name} {version}" for name, version in sorted(found))
