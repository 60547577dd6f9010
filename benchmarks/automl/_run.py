"""One run: one tool, one table, one seed, one budget, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.automl import _score
from benchmarks.automl._tables import Split, Table

RUNNERS = Path(__file__).parent / "runners"
# A peer's name to the systems that it stands for: name, preset.
PRESETS = {
    "autogluon": (("autogluon_best", "best"), ("autogluon_medium", "medium")),
    "flaml": (("flaml", "default"),), "lightgbm": (("lightgbm", "default"),),
    "mljar": (("mljar", "default"),), "h2o": (("h2o", "default"),),
}


@dataclass(frozen=True)
class System:
    """A tool with a preset, and the Python that has it."""

    name: str
    runner: str
    python: str
    preset: str


@dataclass(frozen=True)
class Case:
    """What is asked of every system alike."""

    table: Table
    seed: int
    budget: float

    @property
    def key(self) -> tuple[str, int, float]:
        return self.table.name, self.seed, self.budget


def systems(ours: Sequence[str], peers: Sequence[str]) -> list[System]:
    """wholefit with each preset of `ours`, and each peer given as name=python."""
    found = [System("wholefit" if preset == "default" else f"wholefit_{preset}", "wholefit",
                    sys.executable, preset) for preset in ours]
    for each in peers:
        name, _, python = each.partition("=")
        if name not in PRESETS or not Path(python).exists():
            raise SystemExit(f"--peer {each}: want NAME=/path/to/python, NAME one of "
                             f"{', '.join(PRESETS)}, and a Python that exists")
        found += [System(label, name, python, preset) for label, preset in PRESETS[name]]
    return found


def turns(members: Sequence[System], at: int) -> list[System]:
    """The systems in turn, begun by another one for each case."""
    return [members[(at + step) % len(members)] for step in range(len(members))]


def run(system: System, case: Case, outer: Split, cores: int, losses: Path) -> dict[str, Any]:
    """Fit, answer, judge; a failure is a line like any other, with its last words."""
    line: dict[str, Any] = {
        "kind": "run", "table": case.table.name, "task": case.table.task, "seed": case.seed,
        "budget": case.budget, "system": system.name, "cores": cores, "rows": outer.rows,
        "test_rows": outer.test_rows, "load": round(os.getloadavg()[0], 2),
        "when": time.strftime("%Y-%m-%d %H:%M")}
    with tempfile.TemporaryDirectory(prefix="automl-") as folder:
        start = time.perf_counter()
        said = _process(system, case, outer, cores, Path(folder))
        line["wall"] = round(time.perf_counter() - start, 2)
        facts = Path(folder) / "facts.json"
        if not facts.exists():
            return {**line, "status": "failed", "error": said}
        line.update(json.loads(facts.read_text()))
        try:
            found = _score.row_losses(case.table.task, outer.truth(),
                                      np.load(Path(folder) / "answer.npy"))
        except ValueError as error:
            return {**line, "status": "failed", "error": str(error)}
    losses.parent.mkdir(parents=True, exist_ok=True)
    np.save(losses, found)
    return {**line, "status": "ok", "value": _score.metric(case.table.task, found),
            "se": _score.error(case.table.task, found)}


def _process(system: System, case: Case, outer: Split, cores: int, folder: Path) -> str:
    """Run it to its end, or to far beyond its budget; what it said last."""
    order = {"train": str(outer.train), "test": str(outer.test), "target": case.table.target,
             "task": case.table.task, "classes": list(outer.classes), "budget": case.budget,
             "seed": case.seed, "cores": cores, "folder": str(folder), "preset": system.preset}
    (folder / "order.json").write_text(json.dumps(order))
    command = [system.python, str(RUNNERS / f"with_{system.runner}.py"), str(folder / "order.json")]
    with (folder / "said.txt").open("w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, cwd=folder,
                                   start_new_session=True, env=_environment(cores))
        late = ""
        try:
            process.wait(timeout=4 * case.budget + 600)
        except subprocess.TimeoutExpired:
            late = f"not done after {4 * case.budget + 600:g} seconds; "
        finally:
            _end(process)
        said.seek(0)
        return late + said.read()[-1500:]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it with everything that it began."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(cores: int) -> dict[str, str]:
    """No more threads than cores, for each; each tool finds its own packages only."""
    mine = {name: value for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "OMP_", "OPENBLAS_", "MKL_"))}
    return {**mine, "OMP_NUM_THREADS": str(cores), "TOKENIZERS_PARALLELISM": "false"}


def pairs(case: Case, members: Sequence[str], cache: Path) -> Iterator[dict[str, Any]]:
    """Each two systems on the same rows: the difference of their scores with its interval."""
    found = {name: np.load(losses_file(cache, case, name)) for name in members
             if losses_file(cache, case, name).exists()}
    names = list(found)
    for at, a in enumerate(names):
        for b in names[at + 1:]:
            value, low, high = _score.compare(case.table.task, found[a], found[b])
            yield {"kind": "pair", "table": case.table.name, "seed": case.seed,
                   "budget": case.budget, "a": a, "b": b, "value": value, "low": low,
                   "high": high}


def losses_file(cache: Path, case: Case, system: str) -> Path:
    """Where the losses of the outer rows are kept between runs, for the pairs."""
    return (cache / case.table.name / f"seed{case.seed}" / f"budget{case.budget:g}"
            / f"{system}.npy")


