"""Trainings killed by SIGKILL at a random step that go on: are the final weights the same bits?

    python -m benchmarks.neural_kills [KIND ...]      twenty kills each, goes on where it was
    python -m benchmarks.neural_kills --kills 2 --short              prints, and keeps nothing
    python -m benchmarks.neural_kills --one KIND FOLDER OUT [STEP]   one training, killed at STEP

Each kill is a run of its own: it is killed once, and then goes on to its end in another
interpreter. Runs that are done are kept in results/neural_kills.jsonl with the hash of the unbroken
run's weights, and made again where that hash is another. Not for Windows, which has no such signal.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import _tools
from benchmarks.neural_kills import _kinds, _runs
from wholefit.nn import checkpoints

Pair = tuple[_runs.Interpreter, _runs.Interpreter]
KEPT = _tools.RESULTS / "neural_kills.jsonl"
HEAD = f"""\
# Killed and gone on

Small trainings are killed by SIGKILL at a step drawn at random, and go on from their checkpoints
(one each {_runs.EVERY} steps) in another interpreter. Equal means: the final weights, buffers and
the history are those of the unbroken run, bit for bit. The bar is every one.
"""


def drawn(kind: str, steps: int, kills: int) -> list[int]:
    """The steps to kill at, of those before the last: without a repeat while there are enough."""
    draw, before = random.Random(f"kills of {kind}"), range(1, steps)
    return sorted(draw.sample(before, kills) if kills <= len(before)
                  else draw.choices(before, k=kills))


def measured(kind: str, kills: int, room: Path, kept: list[dict[str, Any]], keep: Path | None,
             interpreters: Pair) -> list[dict[str, Any]]:
    """One row a kill: step, steps in all, where it went on, whether it is equal."""
    room.mkdir(parents=True, exist_ok=True)
    whole = room / f"{kind}-whole.json"
    if interpreters[0].run(kind, room / f"{kind}-whole", whole) != 0:
        raise RuntimeError(f"the unbroken run of {kind} failed; what it said stands above")
    told = json.loads(whole.read_text())
    found = []
    for number, step in enumerate(drawn(kind, told["steps"], kills)):
        known = {"kind": kind, "step": step, "number": number, "whole": told["weights"]}
        row = next((row for row in kept if known.items() <= row.items()), None)
        if row is None:
            row = {**known, "of": told["steps"],
                   **_killed(kind, step, room / f"{kind}-{number}", whole, interpreters)}
            if keep is not None:
                with keep.open("a") as file:
                    file.write(json.dumps(row) + "\n")
        found.append(row)
        print(kind, row["step"], "of", row["of"], "equal" if row["equal"] else "NOT EQUAL",
              file=sys.stderr, flush=True)
    return found


def _killed(kind: str, step: int, folder: Path, whole: Path,
            interpreters: Pair) -> dict[str, Any]:
    out = folder.with_suffix(".json")
    ended = interpreters[0].run(kind, folder, out, step)
    if ended != -9 or out.exists():
        raise RuntimeError(f"the run of {kind} was to be killed at step {step}; it ended with "
                           f"{ended}")
    from_step = max(checkpoints.steps(folder), default=0)
    if interpreters[1].run(kind, folder, out) != 0:
        raise RuntimeError(f"the run of {kind} killed at step {step} did not go on")
    return {"from": from_step, "equal": out.read_bytes() == whole.read_bytes()}


def page(rows: list[dict[str, Any]]) -> str:
    """The tables: a line a kind, and every kill."""
    lines, each = [], []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        mine = [row for row in rows if row["kind"] == kind]
        equal = sum(row["equal"] for row in mine)
        said = " ".join((_kinds.KINDS[kind].__doc__ or "").split()).rstrip(".")
        lines.append([kind, said, str(mine[0]["of"]), f"{equal} of {len(mine)}",
                      "met" if equal == len(mine) else "NOT MET"])
        each.append([kind, ", ".join(f"{row['step']} ({row['from']})" for row in mine)])
    equal = sum(row["equal"] for row in rows)
    return "\n".join([
        HEAD, f"**{equal} of {len(rows)}** equal.", "",
        _tools.markdown(["kind", "what is in it", "steps", "equal", "bar"], lines), "",
        "The steps killed at, drawn by `random.Random(\"kills of KIND\")`, and in brackets the "
        "step that it went on from (0: there was no checkpoint yet).", "",
        _tools.markdown(["kind", "killed at (went on from)"], each), "",
        _tools.machine("wholefit", "torch") + "; one thread.", "",
        "Made by `python -m benchmarks.neural_kills`."])


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neural_kills",
                                     description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(_kinds.KINDS))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--short", action="store_true", help="print, and keep nothing")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--one", nargs="+", metavar="WORD")
    asked = parser.parse_args(words)
    if asked.serve:
        _runs.serve()
        return
    if asked.one:
        _runs.once(*asked.one[:3], kill=int(asked.one[3]) if len(asked.one) > 3 else None)
        return
    if wrong := set(asked.kinds) - set(_kinds.KINDS):
        parser.error(f"no kind is named {', '.join(sorted(wrong))}; kinds: "
                     f"{', '.join(_kinds.KINDS)}")
    if asked.kills < 1:
        parser.error(f"--kills must be >= 1; got {asked.kills}")
    whole = not (asked.short or asked.kinds or asked.kills != 20)
    kept = [json.loads(line) for line in KEPT.read_text().splitlines()] \
        if KEPT.exists() and not asked.short else []
    rows = []
    with tempfile.TemporaryDirectory() as room, _runs.interpreters() as pair:
        for kind in asked.kinds or _kinds.KINDS:
            rows += measured(kind, asked.kills, Path(room), kept,
                             None if asked.short else KEPT, pair)
    if whole:
        KEPT.write_text("".join(json.dumps(row) + "\n" for row in rows))
        _tools.save("neural_kills", page(rows))
    else:
        print(page(rows))
    sys.exit(0 if all(row["equal"] for row in rows) else 1)


if __name__ == "__main__":
    main()
