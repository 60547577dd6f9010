"""`wf.bench`: what an answer costs in every runtime that is installed here, side by side.

Each runtime is measured in a process of its own: time to the first answer, single rows (median,
95th and 99th percentile), rows a second in batches, processor seconds (what energy mostly hangs
on), instructions where `perf` may count them, joules where the processor tells, memory, bytes on
disk; and how far its answers lie from those of the model file.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, WholefitError, unknown
from wholefit.base.events import emit
from wholefit.base.params import Params, param
from wholefit.base.wording import aligned, plain
from wholefit.training.distil.record import _bytes

OWN = ("wholefit", "quick")
# How files of other languages end: they are measured where they run, without Python in between.
_LANGUAGES = {".c": "c", ".mjs": "javascript"}
_ROWS = 2_000
# A runtime may take so many times what was asked, and this many seconds to start, before it is
# given up.
_PATIENCE, _STARTS = 30, 120
# Calls of the two processes whose instructions are told apart.
_COUNTED = (50, 550)


@dataclass(frozen=True)
class Options(Params):
    """How long is measured, and with how many threads."""

    seconds: float = param(1.0, "Seconds for single rows, and as many for batches.", above=0,
                           high=600)
    batch: int = param(1000, "Rows of a batch.", low=1, high=1_000_000)
    jobs: int = param(1, "Threads of each runtime.", low=1)
    instructions: bool = param(False, "Count the instructions of a row too, where `perf` may: each "
                               "runtime is then started twice more.")


@dataclass(frozen=True)
class Row:
    """What one runtime costs; `why` says why there is nothing where it could not be measured.

    Seconds: `first` from the start of its process to its first answer, `latency` (median, 95 %,
    99 %) of a single row, `cpu` of the processor for 1,000 single rows. `throughput` in rows a
    second. Bytes: `memory` at most, `grown` by the model and what answers with it, `size` on disk.
    `instructions` and `joules` of a single row, None where the machine does not tell. `most` is
    the largest difference from the model file's own answers.
    """

    runtime: str
    why: str = ""
    first: float = float("nan")
    latency: tuple[float, float, float] = (float("nan"),) * 3
    throughput: float = float("nan")
    cpu: float = float("nan")
    memory: int | None = None
    grown: int | None = None
    size: int = 0
    instructions: float | None = None
    joules: float | None = None
    most: float = float("nan")


@dataclass(frozen=True)
class Bench:
    """A table of runtimes; `found["onnx"]` is a row, `str(found)` the table in text."""

    rows: tuple[Row, ...]
    model: str
    asked: int
    batch: int
    notes: tuple[str, ...] = field(default=())

    def __getitem__(self, runtime: str) -> Row:
        """The row of a runtime; UnknownNameError if it was not measured."""
        for row in self.rows:
            if row.runtime == runtime:
                return row
        raise unknown("runtime", runtime, [row.runtime for row in self.rows])

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of text, those that could be measured."""
        header = ["runtime", "one row: median", "95 %", "99 %", f"rows/s by {self.batch:,}",
                  "CPU s/1,000", "first answer", "memory", "grown by", "on disk", "differs by"]
        more = any(row.instructions is not None for row in self.rows)
        joules = any(row.joules is not None for row in self.rows)
        header += ["instructions"] * more + ["joules"] * joules
        return header, [[
            row.runtime, *(_time(each) for each in row.latency), f"{row.throughput:,.0f}",
            f"{row.cpu:.3f}", _time(row.first), _memory(row.memory), _memory(row.grown),
            _bytes(row.size), f"{row.most:.1g}",
            *([_million(row.instructions)] if more else []),
            *(["" if row.joules is None else f"{row.joules:.2g}"] if joules else [])]
            for row in self.rows if not row.why]

    def to_text(self) -> str:
        """What was measured, the table, and what could not be measured."""
        return "\n".join([
            *self.notes, "", *aligned(*self.table()), "",
            *(f"{row.runtime}: {row.why}" for row in self.rows if row.why)]).rstrip()

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        whole: dict[str, Any] = plain({
            "model": self.model, "rows": self.asked, "batch": self.batch,
            "notes": list(self.notes), "runtimes": [row.__dict__ for row in self.rows]})
        return whole

    def __str__(self) -> str:
        return self.to_text()


def bench(
    model: Any, rows: Any, *, runtimes: Sequence[str] | None = None,
    also: Sequence[str | Path] = (), seconds: float = 1.0, batch: int = 1000, jobs: int = 1,
    instructions: bool = False, **options: Any,
) -> Bench:
    """Time and memory of `model` (a Result, or the path of its file) in every runtime.

    `rows`: real ones, the target may be there; at most 2,000 of them, evenly spread. `runtimes`:
    "wholefit" (rows as a table), "quick" (plain rows, as a server asks them), and the names of
    export targets, which are exported for it; all if None. `also`: other model files (a compressed
    one, say) and exported files, to stand beside. `instructions` counts those of a row by `perf`,
    where it is there. `options` are policies and options of `wf.read`.
    """
    how = Options(seconds=seconds, batch=batch, jobs=jobs, instructions=instructions)
    result, words = _loaded(model), _asked(runtimes)
    for each in map(Path, also):
        if not each.exists():
            raise DataError(f"{each} does not exist: name a model file or an exported one.")
    if not words and not also:
        raise DataError("bench needs a runtime or a file to measure; got none.")
    fitted = result._fitted
    from wholefit.api import _answers

    whole = _answers.dataset(fitted, rows, options)
    if not len(whole):
        raise DataError("bench needs at least one row to ask; got none.")
    picked = whole.take(np.unique(np.linspace(0, len(whole) - 1, min(len(whole), _ROWS)
                                              ).astype(np.intp)))
    frame = picked.frame.select(list(fitted.schema.features))
    with tempfile.TemporaryDirectory(prefix="wholefit-bench-") as place:
        folder = Path(place)
        path = Path(model) if isinstance(model, (str, os.PathLike)) else (
            result.save(folder / "model.wf"))
        frame.write_ipc(folder / "rows.arrow")
        own = fitted.answer(picked)
        found = [_row(job, folder, how, own)
                 for job in _jobs(result, path, folder, words, also, picked)]
    return Bench(tuple(found), result.model, len(picked), batch, _notes(found, len(picked), how))


def _loaded(model: Any) -> Any:
    from wholefit.api.result import load

    result = load(Path(model)) if isinstance(model, (str, os.PathLike)) else model
    if not hasattr(getattr(result, "_fitted", None), "codec"):
        raise DataError("bench measures models of classes and of numbers; this one has no target.")
    return result


def _asked(runtimes: Sequence[str] | None) -> tuple[str, ...]:
    """Names of the runtimes, each known."""
    from wholefit.artifact import exports

    known = (*OWN, *exports.targets())
    words = known if runtimes is None else tuple(dict.fromkeys(runtimes))
    for word in words:
        if word not in known:
            raise unknown("runtime", word, known)
    return words


def _jobs(
    result: Any, path: Path, folder: Path, words: Sequence[str], also: Sequence[str | Path],
    rows: Any,
) -> Iterator[dict[str, Any]]:
    """What each child process is told; `why` in place of a runtime where there can be none."""
    for word in words:
        emit("bench_step", runtime=word)
        if word in OWN:
            yield {"name": word, "runtime": word, "path": str(path)}
        else:
            yield _exported(result, word, folder, rows)
    for each in map(Path, also):
        own = each.suffix == ".wf"
        for word in (OWN if own else (_LANGUAGES.get(each.suffix, "file"),)):
            yield {"name": f"{each.name} ({word})" if own else each.name, "runtime": word,
                   "path": str(each)}


def _exported(result: Any, word: str, folder: Path, rows: Any) -> dict[str, Any]:
    from wholefit.artifact import exports

    target = exports.get(word)
    place = folder / f"{word}{target.EXTENSION}"
    try:
        exports.export(result, word, place, rows.frame.select(list(result.schema.features)),
                       most=200)
    except WholefitError as error:
        return {"name": word, "why": str(error)}
    return {"name": word, "runtime": _LANGUAGES.get(target.EXTENSION, "file"), "path": str(place),
            "target": word}


def _row(job: dict[str, Any], folder: Path, how: Options, own: np.ndarray) -> Row:
    """One runtime in a process of its own."""
    if "why" in job:
        return Row(job["name"], job["why"])
    answers = folder / "answers.npy"
    answers.unlink(missing_ok=True)
    told = {**job, "rows": str(folder / "rows.arrow"), "answers": str(answers),
            "seconds": how.seconds, "batch": how.batch}
    found = _child(told, how)
    if "error" in found or not answers.exists():
        return Row(job["name"], found.get("error", "its process ended without an answer"))
    given = np.load(answers, allow_pickle=False)
    return Row(
        job["name"], first=found["first"], latency=_known(found["latency"]),
        throughput=found["throughput"] or float("nan"), cpu=1000 * found["cpu_one"],
        memory=found["peak"], grown=found["grown"], size=_size(Path(job["path"])),
        instructions=_instructions(told, how) if how.instructions else None,
        joules=found["joules_one"],
        most=float(np.abs(given - own).max()) if given.shape == own.shape else float("nan"))


def _child(told: dict[str, Any], how: Options, before: Sequence[str] = ()) -> dict[str, Any]:
    """What the process tells that is given this job; `before` stands before its command."""
    env = {**os.environ, "OMP_NUM_THREADS": str(how.jobs), "OPENBLAS_NUM_THREADS": str(how.jobs),
           "MKL_NUM_THREADS": str(how.jobs), "POLARS_MAX_THREADS": str(how.jobs)}
    command = [*before, sys.executable, "-m", "wholefit.api._bench_child"]
    limit = _STARTS + _PATIENCE * how.seconds
    try:
        done = subprocess.run(command, input=json.dumps({**told, "began": time.time()}), text=True,
                              capture_output=True, env=env, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return {"error": f"it had not ended after {limit:.0f} s"}
    return _told(done)


def _instructions(told: dict[str, Any], how: Options) -> float | None:
    """Instructions of a single row: what many rows took beyond a few; None where none are told."""
    perf = shutil.which("perf")
    if perf is None:
        return None
    counts = []
    for calls in _COUNTED:
        kept = Path(told["answers"]).with_suffix(".perf")
        found = _child({**told, "calls": calls}, how,
                       (perf, "stat", "-x,", "-e", "instructions:u", "-o", str(kept), "--"))
        said = re.search(r"^(\d+),.*instructions", kept.read_text() if kept.exists() else "", re.M)
        if "error" in found or said is None:
            return None
        counts.append(int(said.group(1)))
    return (counts[1] - counts[0]) / (_COUNTED[1] - _COUNTED[0])


def _told(done: Any) -> dict[str, Any]:
    try:
        found = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        last = done.stderr.strip().splitlines()[-1:] or [f"it ended with code {done.returncode}"]
        return {"error": f"its process said nothing: {last[0][:300]}"}
    return found if isinstance(found, dict) else {"error": "its process said something else"}


def _known(latency: Sequence[float | None]) -> tuple[float, float, float]:
    median, most, last = (float("nan") if each is None else each for each in latency)
    return median, most, last


def _size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    return sum(each.stat().st_size for each in files if each.is_file())


def _notes(found: Sequence[Row], rows: int, how: Options) -> tuple[str, ...]:
    threads = "1 thread" if how.jobs == 1 else f"{how.jobs} threads"
    more = []
    if how.instructions and all(row.instructions is None for row in found):
        more.append("Instructions are not told: perf is not installed here, or may not count "
                    "them.")
    if any((row.runtime == "c" or row.runtime.endswith(".c")) and not row.why for row in found):
        more.append("C is a program that reads rows as text; a row is what many cost less one.")
    return (*more, f"{rows:,} rows; each runtime in a process of its own with {threads}, on "
            f"{platform.machine()}, Python {platform.python_version()}.",
            "Processor seconds stand for energy: what a row costs of them, it costs in power.")


def _time(seconds: float) -> str:
    if not np.isfinite(seconds):
        return "unknown"
    if seconds < 1e-3:
        return f"{seconds * 1e6:,.0f} us"
    return f"{seconds * 1e3:,.2f} ms" if seconds < 1 else f"{seconds:,.2f} s"


def _memory(held: int | None) -> str:
    return "unknown" if held is None else f"{held / 1e6:,.0f} MB"


def _million(count: float | None) -> str:
    return "" if count is None else f"{count / 1e6:,.3f} M"
