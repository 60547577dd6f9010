"""One runtime measured in a process of its own: `python -m wholefit.api._bench_child`.

A job comes as JSON on standard input; what was measured goes out as one line of JSON, the answers
to the rows into the file that the job names. So memory and the time to start are the runtime's
own, and one that dies takes nobody with it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from wholefit.api._meters import energy, peak, quantiles, resident

# Calls that are not counted: the first ones wake libraries and fill caches.
_WARM, _FEWEST, _MOST = 20, 30, 20_000


def main() -> None:
    """Read a job, measure, tell."""
    job = json.loads(sys.stdin.read())
    try:
        found = measured(job)
    except Exception as error:  # told to the parent, which says it in a sentence
        found = {"error": f"{type(error).__name__}: {str(error)[:400]}"}
    sys.stdout.write("\n" + json.dumps(found) + "\n")


def measured(job: dict[str, Any]) -> dict[str, Any]:
    """What a runtime costs; see `wholefit.api.benching.Row`."""
    import numpy as np
    import polars as pl

    frame = pl.read_ipc(job["rows"])
    if job["runtime"] in ("c", "javascript"):
        from wholefit.api import _bench_other

        return (_bench_other.compiled if job["runtime"] == "c" else _bench_other.javascript)(
            job, frame)
    answer, start = _RUNTIMES[job["runtime"]](job)
    before = resident()
    opened = start(frame)
    opened(answer(frame.head(1)))
    first = time.time() - job["began"]
    if "calls" in job:
        rows = [answer(frame.slice(at, 1)) for at in range(min(frame.height, 512))]
        for at in range(job["calls"]):
            opened(rows[at % len(rows)])
        return {"calls": job["calls"]}
    np.save(job["answers"], np.asarray(opened(answer(frame))), allow_pickle=False)
    return {
        "first": first, "grown": _less(resident(), before),
        **_one(frame, answer, opened, job["seconds"]),
        **_many(frame, answer, opened, job["batch"], job["seconds"]),
        "peak": peak(), "resident": resident()}


def _one(frame: Any, asked: Callable[..., Any], opened: Callable[..., Any], seconds: float
         ) -> dict[str, Any]:
    """Times of single rows, each another one."""
    rows = [asked(frame.slice(at, 1)) for at in range(min(frame.height, 512))]
    taken, spent, ended = _calls(rows, opened, seconds)
    return {"latency": quantiles(taken), "calls": len(taken),
            "cpu_one": spent / max(1, len(taken)), "joules_one": ended}


def _many(frame: Any, asked: Callable[..., Any], opened: Callable[..., Any], batch: int,
          seconds: float) -> dict[str, Any]:
    """Rows a second where they come many at once."""
    import numpy as np

    at = np.arange(batch) % max(1, frame.height)
    rows = asked(frame[at])
    taken, spent, _ = _calls([rows], opened, seconds, warm=2, fewest=5)
    whole = sum(taken)
    return {"throughput": batch * len(taken) / whole if whole > 0 else None,
            "cpu_many": spent / max(1, len(taken)) / batch}


def _calls(rows: list[Any], opened: Callable[..., Any], seconds: float, warm: int = _WARM,
           fewest: int = _FEWEST) -> tuple[list[float], float, float | None]:
    """Seconds of each call, processor seconds of all, joules a call where the machine tells."""
    for at in range(min(warm, 2 * len(rows)) or 1):
        opened(rows[at % len(rows)])
    taken: list[float] = []
    joules, spent, began = energy(), time.process_time(), time.perf_counter()
    while len(taken) < fewest or (time.perf_counter() - began < seconds and len(taken) < _MOST):
        row = rows[len(taken) % len(rows)]
        start = time.perf_counter()
        opened(row)
        taken.append(time.perf_counter() - start)
        if time.perf_counter() - began > 5 * seconds + 5:
            break
    used = time.process_time() - spent
    after = energy()
    each = None if joules is None or after is None or after < joules else (
        (after - joules) / len(taken))
    return taken, used, each


# Runtimes: each gives (rows as it is asked them, (rows) -> what answers) -----------------------

def _whole(job: dict[str, Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The table way: rows brought to the schema, features, the model."""
    from wholefit import data
    from wholefit.api.result import load

    fitted = load(job["path"])._fitted

    def answer(frame: Any) -> Any:
        return fitted.answer(data.conforming(frame, fitted.schema))

    return _same, lambda frame: answer


def _quick(job: dict[str, Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The way of few rows, as a server or a sensor's loop asks them."""
    from wholefit import data
    from wholefit.api.result import load
    from wholefit.base.errors import StateError
    from wholefit.training.quick import Quick

    fitted = load(job["path"])._fitted
    quick = Quick(fitted)
    if not quick.able:
        raise StateError("this model reads columns that plain rows do not give.")

    def answer(rows: Any) -> Any:
        found = quick.answer(rows)
        if found is None:  # as a server does with a row that is not plainly of the schema's types
            found = fitted.answer(data.conforming(rows, fitted.schema))
        return found

    return (lambda frame: frame.to_dicts()), lambda frame: answer


def _file(job: dict[str, Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """An exported file, by the runtime that its target names."""
    from wholefit.artifact import exports

    runner = exports.runner(job["path"], job.get("target"))
    return _same, lambda frame: runner.answer


def _same(frame: Any) -> Any:
    return frame


_RUNTIMES: dict[str, Callable[[dict[str, Any]], tuple[Callable[..., Any], Callable[..., Any]]]] = {
    "wholefit": _whole, "quick": _quick, "file": _file}


def _less(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a - b


if __name__ == "__main__":
    main()
