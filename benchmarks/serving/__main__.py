"""`python -m benchmarks.serving --peer fastapi=VENV/bin/python ...`: servers, side by side.

The same models behind wholefit's server, others that are named, and the least that ASGI can do
("hello"). Server and client (`wrk`) are pinned to a core each; servers take turns, and the medians
of the repeats are told. Each peer needs an interpreter with its packages: `--peer NAME=PYTHON` for
mlflow, bentoml, litserve, fastapi and flask (all with scikit-learn, lightgbm, pandas, joblib; see
`peers/`). Rows are adult's; a row is asked by its columns' names.

Beside them, in this process: a row by the model library's own call, and by wholefit; what is left
of a request is the server's.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from benchmarks import _tools
from benchmarks.serving import _inside, _load, _servers, _tables

HERE = Path(__file__).parent


def main(words: list[str]) -> None:
    asked = _asked(words)
    pythons = dict(pair.split("=", 1) for pair in asked.peer)
    names = ["wholefit", "hello", *pythons]
    cores = (None, None) if asked.cores == "any" else tuple(map(int, asked.cores.split(",")))
    with tempfile.TemporaryDirectory(prefix="wholefit-serving-") as made:
        folder = Path(asked.folder or made)
        folder.mkdir(parents=True, exist_ok=True)
        _tables.prepared(folder)
        parts, ratios = [], []
        for model in asked.models.split(","):
            _prepare(folder, model, pythons)
            if asked.starts:
                ratios += _ratios(model, started(folder, model, names, pythons, cores, asked))
                continue
            found = measured(folder, model, names, pythons, cores, asked)
            parts += _tell(model, found, asked)
            ratios += _ratios(model, found)
        title = "starts, files in the system's cache" if asked.starts else "side by side"
        text = "\n".join([f"# Serving: {title}", "", "`python -m benchmarks.serving`: "
                          + " ".join((__doc__ or "").split("\n\n", 1)[1].split()), "", *parts,
                          "## Against the best of the others", "", _tools.markdown(
                              ["model", "what", "wholefit", "best other", "times"], ratios), "",
                          _tools.machine("wholefit", "uvicorn", "lightgbm")])
    if asked.save:
        _tools.save("serving_starts" if asked.starts else "serving", text)
    else:
        print(text)


def measured(folder, model, names, pythons, cores, asked):  # type: ignore[no-untyped-def]
    """Everything about each server, by (server, what): a list of one number a repeat."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(asked.repeats):
        for name in names:
            try:
                one = _servers.server(name, model, folder, pythons)
                with _servers.running(one, cores[0], folder / f"{name}.log") as up:
                    found[name, "start"].append(up.started)
                    found[name, "memory"].append(up.memory() / 1e6)
                    _loads(found, one, up, cores[1], asked)
            except RuntimeError as error:
                print(f"{model} {name}: {error}", file=sys.stderr, flush=True)
    for name, value in _inside.measured(folder / f"{model}.wf", folder / "one.json",
                                        asked.seconds).items():
        found["inside", name].append(value)
    return found


def started(folder, model, names, pythons, cores, asked):  # type: ignore[no-untyped-def]
    """The time to the first answer and the memory then, of a second start right after a first.

    The first brings the files into the system's cache; how slowly is the disk's affair.
    """
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(asked.repeats):
        for name in names:
            for kept in (False, True):
                one = _servers.server(name, model, folder, pythons)
                with _servers.running(one, cores[0], folder / f"{name}.log") as up:
                    if kept:
                        found[name, "start"].append(up.started)
                        found[name, "memory"].append(up.memory() / 1e6)
    return found


def _loads(found, server, up, core, asked):  # type: ignore[no-untyped-def]
    _load.load(server, 8, 1, core, False)  # wakes what sleeps
    for connections in map(int, asked.connections.split(",")):
        one = _load.load(server, connections, asked.seconds, core, False)
        for what in ("rate", "p50", "p99", "failed"):
            found[server.name, f"{what} {connections}"].append(getattr(one, what))
    if server.name != "hello":
        many = _load.load(server, 1, asked.seconds, core, True)
        found[server.name, "batch"].append(many.rate * _tables.ASKED)
        found[server.name, "failed batch"].append(many.failed)
    found[server.name, "memory after"].append(up.memory() / 1e6)
    rate = statistics.median(found[server.name, f"rate {asked.connections.split(',')[0]}"])
    print(f"{server.name}: {rate:,.0f}/s", file=sys.stderr, flush=True)


def _tell(model, found, asked):  # type: ignore[no-untyped-def]
    """The tables of one model."""
    counts = asked.connections.split(",")
    header = ["server", *(f"rows/s, {count}" for count in counts),
              *(f"p50 / p99 ms, {count}" for count in counts), "rows/s by 1,000", "first answer s",
              "memory MB", "failed"]
    rows = []
    for name in dict.fromkeys(name for name, _ in found if name != "inside"):
        def middle(what, name=name):  # type: ignore[no-untyped-def]
            return statistics.median(found.get((name, what)) or [float("nan")])

        rows.append([
            name, *(f"{middle(f'rate {c}'):,.0f}" for c in counts),
            *(f"{1e3 * middle(f'p50 {c}'):.2f} / {1e3 * middle(f'p99 {c}'):.2f}" for c in counts),
            f"{middle('batch'):,.0f}", f"{middle('start'):.2f}",
            f"{middle('memory'):.0f} / {middle('memory after'):.0f}",
            str(int(sum(sum(values) for (n, what), values in found.items()
                        if n == name and what.startswith("failed"))))])
    inside = {what: statistics.median(values) for (name, what), values in found.items()
              if name == "inside"}
    return [f"## {model}", "", f"Turns: {asked.repeats}, of {asked.seconds:g} s; medians. Memory: "
            "at the first answer / after the load.", "", _tools.markdown(header, rows), "",
            *(_inside.told(inside, statistics.median(found["wholefit", f"rate {counts[0]}"]),
                           counts[0]) if found["wholefit", f"rate {counts[0]}"] else []), ""]


def _ratios(model, found):  # type: ignore[no-untyped-def]
    """wholefit against the best other, for each thing that is measured."""
    others = [name for name in dict.fromkeys(name for name, _ in found)
              if name not in ("wholefit", "hello", "inside")]
    rows = []
    for what in dict.fromkeys(what for name, what in found if name == "wholefit"):
        if what.startswith(("failed", "p50")):
            continue
        more = what.startswith(("rate", "batch"))
        known = {name: statistics.median(found[name, what]) for name in others
                 if found.get((name, what))}
        if not known or not found["wholefit", what]:
            continue
        best = (max if more else min)(known, key=lambda name: known[name])
        ours = statistics.median(found["wholefit", what])
        a, b = (ours, known[best]) if more else (known[best], ours)
        times = a / b if b else float("nan")
        rows.append([model, what, f"{ours:,.4g}", f"{known[best]:,.4g} ({best})", f"{times:.2f}"])
    return rows


def _prepare(folder: Path, model: str, pythons: dict[str, str]) -> None:
    """The model of every server."""
    _tables.fitted(folder, model)
    for peer, python in pythons.items():
        if not (folder / f"{model}.{peer}.joblib").exists():
            subprocess.run([python, str(HERE / "peers/prepare.py"), str(folder), model, peer],
                           check=True, stdout=sys.stderr)


def _asked(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--models", default=",".join(_tables.MODELS))
    parser.add_argument("--connections", default="1,8,64")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cores", default="0,1",
                        help="of server and client, or 'any' to leave them unpinned")
    parser.add_argument("--folder", help="keep models here, and use those that are there")
    parser.add_argument("--starts", action="store_true", help="starts and memory alone")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/serving.md")
    return parser.parse_args(words)


if __name__ == "__main__":
    main(sys.argv[1:])
