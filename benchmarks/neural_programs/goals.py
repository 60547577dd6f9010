"""Seconds until a network answers as well as a goal says, in every library.

    python -m benchmarks.neural_programs.goals --peer keras-tf=venv-tf/bin/python --peer skorch=...

Every writing of a textbook's program trains it as `benchmarks.neural_programs` has it, epoch after
epoch, until the test rows are answered so well; to look at them is not counted. "wholefit, own
recipe" trains the library's network for images instead, once for each count of epochs. Each run is
a process of its own, in turns; what is measured is kept in results/neural_goals.jsonl.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import _tools
from benchmarks.neural_programs.__main__ import OWN, WRITINGS, peers_of
from benchmarks.neural_programs._data import write

# Accuracy on the test rows, and the epochs after which a writing gives up.
GOALS = {"mnist_cnn": (0.99, 12), "cifar_cnn": (0.60, 12), "lstm": (0.85, 30)}
RECIPE = "wholefit, own recipe"
KEPT = _tools.RESULTS / "neural_goals.jsonl"


def once(program: str, writing: str, python: str, file: Path, seed: int) -> dict[str, Any]:
    """One process: seconds of training until the goal, None where it was not reached."""
    part, mode, env = ("with_wholefit", "own", {}) if writing == RECIPE else WRITINGS[writing]
    goal, most = GOALS[program]
    command = [python, "-m", f"benchmarks.neural_programs.{part}", program, str(file), str(most),
               str(seed), "2", mode, "--goal", str(goal)]
    measured = _tools.run(command, {**env, "OMP_NUM_THREADS": "2", "PYTHONWARNINGS": "ignore"})
    seen = json.loads(measured.out.strip().splitlines()[-1])["seen"]
    seconds, quality = seen[-1]
    return {"program": program, "writing": writing, "seed": seed, "epochs": len(seen),
            "quality": quality, "seconds": seconds if quality >= goal else None}


def gather(asked: argparse.Namespace, pythons: dict[str, str]) -> list[dict[str, Any]]:
    """All runs: those kept, and the others now."""
    runs = [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []
    done = {(run["program"], run["writing"], run["seed"]) for run in runs}
    with tempfile.TemporaryDirectory() as folder:
        for program in asked.only or GOALS:
            file = write(program, Path(folder), False)
            for seed in range(asked.seeds):
                for writing, python in pythons.items():
                    if (program, writing, seed) in done or (
                            writing == RECIPE and not program.endswith("_cnn")):
                        continue
                    runs.append(once(program, writing, python, file, seed))
                    print(json.dumps(runs[-1]), file=sys.stderr, flush=True)
                    with KEPT.open("a") as kept:
                        kept.write(json.dumps(runs[-1]) + "\n")
            file.unlink()
    return runs


def tables(runs: list[dict[str, Any]]) -> str:
    """One table a program, the quickest first."""
    parts = []
    for program, (goal, most) in GOALS.items():
        mine = [run for run in runs if run["program"] == program]
        if not mine:
            continue
        good = {name: [run for run in mine if run["writing"] == name]
                for name in dict.fromkeys(run["writing"] for run in mine)}
        rows = [_row(name, found, good["wholefit"]) for name, found in sorted(
            good.items(), key=lambda each: _seconds(each[1]))]
        parts += [f"## {program}: {goal:.0%} of the test rows, in at most {most} epochs", "",
                  _tools.markdown(["writing", "seconds", "over wholefit's", "epochs",
                                   "accuracy then", "seeds"], rows), ""]
    return "\n".join(parts)


def _row(name: str, found: list[dict[str, Any]], ours: list[dict[str, Any]]) -> list[str]:
    seconds, own = _seconds(found), _seconds(ours)
    reached = seconds < float("inf")
    return [name, f"{seconds:.1f}" if reached else "not reached",
            f"{seconds / own:.2f}" if reached and name != "wholefit" else "",
            f"{min(run['epochs'] for run in found)} to {max(run['epochs'] for run in found)}",
            f"{min(run['quality'] for run in found):.4f} to "
            f"{max(run['quality'] for run in found):.4f}", str(len(found))]


def _seconds(found: list[dict[str, Any]]) -> float:
    """The median over seeds; a goal that was not reached counts as never."""
    return statistics.median(
        float("inf") if run["seconds"] is None else run["seconds"] for run in found)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neural_programs.goals")
    parser.add_argument("--only", nargs="*", choices=list(GOALS), metavar="PROGRAM")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    pythons = {**dict.fromkeys((*OWN, RECIPE), sys.executable), **peers_of(parser, asked)}
    text = "\n".join([
        "# Seconds to the same accuracy", "", tables(gather(asked, pythons)),
        "Seconds of training alone (compiling counts, imports and looking at the test rows do "
        "not), the median over seeds. The goals are round numbers that were set before anything "
        "was run. Test rows decide when a run ends, for every writing alike: these are times, no "
        "scores to be expected.", "",
        f"{_tools.machine('wholefit', 'torch')}; 2 threads; processes in turn.", "",
        "Made by `python -m benchmarks.neural_programs.goals`."])
    _tools.save("neural_goals", text)


if __name__ == "__main__":
    main()
