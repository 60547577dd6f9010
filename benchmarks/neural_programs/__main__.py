"""The textbook's programs in every library, side by side: samples a second, whole time, memory.

    python -m benchmarks.neural_programs --peer keras-tf=venv-tf/bin/python --peer skorch=...

Each writing runs in a process of its own, one after the other, round by round, on the same cores.
What is measured is kept line by line in results/neural_programs.jsonl, so a run that was stopped
goes on where it was; --fresh begins anew. --only takes programs, --short small forms (nothing
kept).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import _tools
from benchmarks.neural_programs._data import PROGRAMS, SHORT, write

# A writing: its file, its mode, what stands in its environment.
WRITINGS: dict[str, tuple[str, str, dict[str, str]]] = {
    "by hand": ("by_hand", "", {}),
    "by hand, resident": ("by_hand", "resident", {}),
    "wholefit": ("with_wholefit", "", {}),
    "keras-tf": ("with_keras", "", {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}),
    "keras-jax": ("with_keras", "", {"KERAS_BACKEND": "jax"}),
    "keras-torch": ("with_keras", "", {"KERAS_BACKEND": "torch"}),
    "skorch": ("with_skorch", "", {}),
    "lightning": ("with_lightning", "", {}),
    "fastai": ("with_fastai", "", {}),
}
OWN = ("by hand", "by hand, resident", "wholefit")
# Two modules in turn: no `fit` of these takes that, only a loop of one's own inside them.
NO_PAIR = ("keras-tf", "keras-jax", "keras-torch", "skorch", "fastai")
KEPT = _tools.RESULTS / "neural_programs.jsonl"


def once(program: str, writing: str, python: str, file: Path, seed: int,
         asked: argparse.Namespace) -> dict[str, Any]:
    """One process: what it printed, and its whole seconds."""
    part, mode, env = WRITINGS[writing]
    epochs = SHORT[program][1] if asked.short else PROGRAMS[program].epochs
    command = [python, "-m", f"benchmarks.neural_programs.{part}", program, str(file), str(epochs),
               str(seed), str(asked.threads), mode]
    measured = _tools.run(command, {**env, "OMP_NUM_THREADS": str(asked.threads),
                                    "PYTHONWARNINGS": "ignore"})
    found: dict[str, Any] = json.loads(measured.out.strip().splitlines()[-1])
    seconds = found.pop("seconds")
    steady = seconds[1:] or seconds
    return {"program": program, "writing": writing, "round": seed, "threads": asked.threads,
            "rate": found["rows"] * len(steady) / sum(steady), "whole": measured.wall, **found}


def gather(asked: argparse.Namespace, pythons: dict[str, str]) -> list[dict[str, Any]]:
    """All runs: those kept, and the others now."""
    if asked.fresh:
        KEPT.unlink(missing_ok=True)
    lines = KEPT.read_text().splitlines() if KEPT.exists() and not asked.short else []
    runs = [json.loads(line) for line in lines]
    done = {(run["program"], run["writing"], run["round"]) for run in runs}
    with tempfile.TemporaryDirectory() as folder:
        for program in asked.only or PROGRAMS:
            file = write(program, Path(folder), asked.short)
            for turn in range(asked.rounds):
                for writing, python in pythons.items():
                    if (program, writing, turn) in done or (
                            PROGRAMS[program].loss == "pair" and writing in NO_PAIR):
                        continue
                    runs.append(_tried(program, writing, python, file, turn, asked))
            file.unlink()
    return runs


def _tried(program: str, writing: str, python: str, file: Path, turn: int,
           asked: argparse.Namespace) -> dict[str, Any]:
    """A run, kept; one that fails says why in place of numbers."""
    try:
        found = once(program, writing, python, file, turn, asked)
    except (RuntimeError, ValueError) as error:
        found = {"program": program, "writing": writing, "round": turn,
                 "failed": str(error).strip().splitlines()[-1][:200]}
    print(json.dumps(found), file=sys.stderr, flush=True)
    if not asked.short and "failed" not in found:
        with KEPT.open("a") as file_:
            file_.write(json.dumps(found) + "\n")
    return found


def tables(runs: list[dict[str, Any]]) -> str:
    """One table a program, and what follows over all of them."""
    parts, ratios, wholes = [], {}, []
    for program in PROGRAMS:
        mine = [run for run in runs if run["program"] == program]
        good = {name: [run for run in mine if run["writing"] == name and "failed" not in run]
                for name in WRITINGS}
        good = {name: found for name, found in good.items() if found}
        if "wholefit" not in good:
            continue
        parts += [f"## {program}", "", _words(program), "",
                  _tools.markdown(["writing", "samples/s", "wholefit is", "whole process, s",
                                   "wholefit's share", "peak MB", _quality(program)],
                                  [_row(good, name) for name in good]), ""]
        parts += [f"{name} failed: {why}\n" for name, why in sorted({
            (run["writing"], run["failed"]) for run in mine if "failed" in run})]
        ratios[program] = {name: _paired(good, name, "rate")[0] for name in good
                           if name != "wholefit"}
        others = [_median(found, "whole") for name, found in good.items() if name not in OWN]
        if others:
            wholes.append(_median(good["wholefit"], "whole") / min(others))
    return "\n".join([*_follows(ratios, wholes), "", *parts])


def _follows(ratios: dict[str, dict[str, float]], wholes: list[float]) -> list[str]:
    rows = []
    for program, found in ratios.items():
        peers = {name: ratio for name, ratio in found.items() if name not in OWN}
        best = min(peers, key=peers.__getitem__) if peers else ""
        rows.append([program, f"{found.get('by hand', float('nan')):.2f}",
                     f"{found.get('by hand, resident', float('nan')):.2f}",
                     f"{peers[best]:.2f} ({best})" if best else ""])
    lines = ["Steady samples a second, wholefit over the others (the first epoch, with its "
             "compiling, is left out):", "",
             _tools.markdown(["program", "loop by hand", "resident loop", "best peer"], rows)]
    if wholes:
        lines += ["", "Whole-process time, import included, over the best peer: geometric mean "
                  f"{_tools.geometric_mean(wholes):.2f} of {len(wholes)} programs."]
    return lines


def _row(good: dict[str, list[dict[str, Any]]], name: str) -> list[str]:
    found = good[name]
    rate, share = _paired(good, name, "rate"), _paired(good, name, "whole")
    same = name == "wholefit"
    return [name, f"{_median(found, 'rate'):,.0f}", "" if same else _spread(rate) + "x",
            f"{_median(found, 'whole'):.1f}", "" if same else _spread(share),
            f"{_median(found, 'peak'):,.0f}" if all("peak" in run for run in found) else "",
            f"{min(run['quality'] for run in found):.4f} to "
            f"{max(run['quality'] for run in found):.4f}"]


def _paired(good: dict[str, list[dict[str, Any]]], name: str, key: str) -> list[float]:
    """wholefit over the other, round by round: median, least, most."""
    other = {run["round"]: run[key] for run in good[name]}
    found = [run[key] / other[run["round"]] for run in good["wholefit"] if run["round"] in other]
    return [statistics.median(found), min(found), max(found)] if found else [float("nan")] * 3


def _spread(found: list[float]) -> str:
    return f"{found[0]:.2f} ({found[1]:.2f} to {found[2]:.2f})"


def _median(found: Iterable[dict[str, Any]], key: str) -> float:
    return statistics.median(run[key] for run in found)


def _words(program: str) -> str:
    it = PROGRAMS[program]
    return f"{it.epochs} epochs, batches of {it.batch}, {it.optimizer}, rate {it.rate:g}."


def _quality(program: str) -> str:
    return {"classes": "test accuracy", "pair": "spread of samples"}.get(
        PROGRAMS[program].loss, "test loss")


def peak_shares(runs: list[dict[str, Any]], threads: int) -> str:
    """What the CNN and the Transformer reach of the largest rate of multiplying matrices."""
    code = (
        "import json, sys, time, os\n"
        "os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(sys.argv[1])])\n"
        "import numpy as np, torch\n"
        "from torch.utils.flop_counter import FlopCounterMode\n"
        "from benchmarks.neural_programs import _modules as m\n"
        "torch.set_num_threads(int(sys.argv[1])); a = torch.randn(1024, 1024); best = 9.0\n"
        "for _ in range(60):\n"
        "    t = time.perf_counter(); a @ a; best = min(best, time.perf_counter() - t)\n"
        "work = {}\n"
        "for name, shape in (('mnist_cnn', (8, 1, 28, 28)), ('cifar_cnn', (8, 3, 32, 32)),\n"
        "                    ('transformer', (8, 32, 512))):\n"
        "    net = m.make(name, 0)\n"
        "    with FlopCounterMode(display=False) as count:\n"
        "        net(torch.randn(shape)).sum().backward()\n"
        "    work[name] = count.get_total_flops() / 8\n"
        "print(json.dumps({'peak': 2 * 1024 ** 3 / best, **work}))\n")
    measured = _tools.run([sys.executable, "-c", code, str(threads)],
                          {"OMP_NUM_THREADS": str(threads)})
    known = json.loads(measured.out.strip().splitlines()[-1])
    peak, rows = known.pop("peak"), []
    for program, work in known.items():
        for name in WRITINGS:
            found = [run for run in runs if run["program"] == program and run["writing"] == name
                     and "failed" not in run]
            if found:
                reached = _median(found, "rate") * work
                rows.append([program, name, f"{work / 1e6:,.1f}", f"{reached / 1e9:.1f}",
                             f"{reached / peak:.0%}"])
    return "\n".join([
        f"Multiplying two 1,024 x 1,024 matrices reaches {peak / 1e9:.0f} GFLOP/s here (best of 60,"
        " float32).", "", _tools.markdown(
            ["program", "writing", "MFLOP a sample", "GFLOP/s", "share of that"], rows)])


def peers_of(parser: argparse.ArgumentParser, asked: argparse.Namespace) -> dict[str, str]:
    """The Python of each writing that --peer names; the parser's error for a wrong one."""
    found = {}
    for peer in asked.peer:
        name, _, python = peer.partition("=")
        if name not in WRITINGS or not Path(python).exists():
            parser.error(f"--peer takes NAME=PYTHON with a name of {', '.join(WRITINGS)} and a "
                         f"Python that is there; got {peer!r}")
        found[name] = python
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neural_programs")
    parser.add_argument("--only", nargs="*", choices=list(PROGRAMS), metavar="PROGRAM")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    asked = parser.parse_args()
    pythons = {**dict.fromkeys(OWN, sys.executable), **peers_of(parser, asked)}
    runs = gather(asked, pythons)
    text = "\n".join(["# The textbook's networks in every library", "", tables(runs), "",
                      "## Share of the machine's peak", "", peak_shares(runs, asked.threads), "",
                      f"{_tools.machine('wholefit', 'torch')}; {asked.threads} threads; processes "
                      "in turn, ratios paired by round: median (least to most).", "",
                      "Made by `python -m benchmarks.neural_programs`."])
    if asked.short:
        print(text)
    else:
        _tools.save("neural_programs", text)


if __name__ == "__main__":
    main()
