"""Exported files in other languages, measured where they run: no Python stands in between.

JavaScript is timed inside its own process, call by call. A C program reads rows as text and
answers them: what a row costs is the time of many rows less that of one, its start the time of
one. Reading the text is part of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from wholefit.api._meters import quantiles

_ONE, _MANY, _REPEATS = 1, 50_000, 5
_PATIENCE = 300
_ASK = """
import { readFileSync } from "node:fs";
const { answer } = await import(%s);
const { names, cells } = JSON.parse(readFileSync(%s, "utf8"));
const rows = cells.map((row) => {
  const asked = Object.create(null);
  names.forEach((name, i) => { asked[name] = row[i]; });
  return asked;
});
answer(rows[0]);
const first = Date.now() / 1000;
const calls = %d, seconds = %f, taken = [];
for (let i = 0; i < 200; i++) answer(rows[i %% rows.length]);
const spent = process.cpuUsage(), began = performance.now();
while (taken.length < (calls || 20000) && (calls || performance.now() - began < seconds * 1e3)) {
  const start = performance.now();
  answer(rows[taken.length %% rows.length]);
  taken.push((performance.now() - start) / 1e3);
}
const used = process.cpuUsage(spent), whole = (performance.now() - began) / 1e3;
console.log(JSON.stringify({ first, taken, whole, cpu: (used.user + used.system) / 1e6,
                             peak: process.resourceUsage().maxRSS * 1024 }));
"""


def javascript(job: dict[str, Any], frame: Any) -> dict[str, Any]:
    """What a JavaScript module costs; the same facts as of any other runtime."""
    from wholefit.artifact import exports
    from wholefit.artifact.exports import _javascript_run

    runner: Any = exports.runner(job["path"], "javascript")
    if "calls" not in job:
        np.save(job["answers"], np.asarray(runner.answer(frame)), allow_pickle=False)
    command = _javascript_run.runtime() or []
    with tempfile.TemporaryDirectory(prefix="wholefit-js-") as folder:
        rows, ask = Path(folder, "rows.json"), Path(folder, "ask.mjs")
        rows.write_text(_javascript_run.table(frame), encoding="utf-8")
        ask.write_text(_ASK % (json.dumps(runner.module.as_uri()), json.dumps(str(rows)),
                               job.get("calls", 0), job["seconds"]), encoding="utf-8")
        began = time.time()
        done = subprocess.run([*command, str(ask)], capture_output=True, text=True, check=True,
                              timeout=_PATIENCE)
    told = json.loads(done.stdout.strip().splitlines()[-1])
    taken = told["taken"]
    return {"first": told["first"] - began, "latency": quantiles(taken), "calls": len(taken),
            "cpu_one": told["cpu"] / len(taken), "joules_one": None,
            "throughput": len(taken) / told["whole"], "peak": told["peak"], "grown": None}


def compiled(job: dict[str, Any], frame: Any) -> dict[str, Any]:
    """What a program compiled from the C file costs."""
    from wholefit.artifact import exports
    from wholefit.artifact.exports import _c_run

    runner: Any = exports.runner(job["path"], "c")
    if "calls" in job:  # each row once, as these are counted
        text = _c_run.table(frame[np.arange(job["calls"]) % frame.height])
        _asked(str(runner.program), text, repeats=1)
        return {"calls": job["calls"]}
    np.save(job["answers"], np.asarray(runner.answer(frame)), allow_pickle=False)
    few, many = (_asked(str(runner.program), _c_run.table(frame[np.arange(count) % frame.height]))
                 for count in (_ONE, _MANY))
    rows = _MANY - _ONE
    each = max(0.0, many[0] - few[0]) / rows
    return {"first": few[0], "latency": [each, None, None], "calls": _MANY,
            "cpu_one": max(0.0, many[1] - few[1]) / rows, "joules_one": None,
            "throughput": 1 / each if each else None, "peak": None, "grown": None}


def _asked(program: str, text: bytes, repeats: int = _REPEATS) -> tuple[float, float]:
    """Seconds and processor seconds of a program that answers this text: the quickest of some."""
    found = []
    for _ in range(repeats):
        before, start = _children_cpu(), time.perf_counter()
        subprocess.run([program], input=text, stdout=subprocess.DEVNULL, check=True,
                       timeout=_PATIENCE)
        found.append((time.perf_counter() - start, _children_cpu() - before))
    return min(found)


def _children_cpu() -> float:
    if sys.platform == "win32":
        return float("nan")
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
