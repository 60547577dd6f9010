"""Trainings in processes of their own: one that may be killed, and interpreters that begin many.

An interpreter imports torch once and never trains: each training is a child that it forks, so that
a hundred of them take no hundred imports. Killed runs and those that go on come from two
interpreters, whose words hash differently: nothing but the files passes from one to the other.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wholefit.nn import weights
from wholefit.nn.checkpoints import Checkpoint

ROOT = Path(__file__).parents[2]
EVERY = 3  # steps between checkpoints: most kills lose one or two steps


class Killer:
    """Ends the process as a power cut would, at a step."""

    def __init__(self, step: int) -> None:
        self._step = step

    def __call__(self, event: str, loop: Any) -> None:
        if event == "step" and loop.step == self._step:
            os.kill(os.getpid(), signal.SIGKILL)


class Counted:
    """The number of steps at the end; it does not listen at steps, so it changes none."""

    every_step, steps = False, 0

    def __call__(self, event: str, loop: Any) -> None:
        self.steps = loop.step


def once(kind: str, folder: str, out: str, kill: int | None = None) -> None:
    """Train, or go on from what `folder` holds; `out` gets steps, hash of weights, and history."""
    import torch

    from benchmarks.neural_kills._kinds import KINDS

    torch.set_num_threads(1)
    counted = Counted()
    heard = [counted, *([] if kill is None else [Killer(kill)])]
    modules, history = KINDS[kind](Checkpoint(folder, steps=EVERY), heard)
    found = hashlib.sha256(b"".join(map(weights.to_bytes, modules))).hexdigest()
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in history]
    Path(out).write_text(json.dumps({"steps": counted.steps, "weights": found, "history": rows}))


class Interpreter:
    """`python -m benchmarks.neural_kills --serve`: trains in a forked child what it is told."""

    def __init__(self, hashing: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.neural_kills", "--serve"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": str(hashing), "OMP_NUM_THREADS": "1"})

    def run(self, kind: str, folder: Path, out: Path, kill: int | None = None) -> int:
        """The exit code of that training: 0, or -9 where it was killed."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps([kind, str(folder), str(out), kill]) + "\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        if not said:
            raise RuntimeError(f"the interpreter ended, with {self._process.wait()}")
        return int(said)

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@contextmanager
def interpreters() -> Iterator[tuple[Interpreter, Interpreter]]:
    """Two, for runs that are killed and runs that go on; they end with the block."""
    first, second = Interpreter(1), Interpreter(2)
    try:
        yield first, second
    finally:
        first.close()
        second.close()


def serve() -> None:
    """Read [kind, folder, out, kill] a line, train in a child, and print how it ended."""
    import benchmarks.neural_kills._kinds  # noqa: F401  (imported before, so that children need not)

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _as_child(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _as_child(words: Any) -> None:
    """Train and leave at once: what the parent has open is not the child's to close."""
    try:
        once(*words)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
