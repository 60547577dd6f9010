"""The process that fits: takes orders from the one that started it, and answers each.

    python -m wholefit.training.apart.child    with one line of JSON on standard input

It speaks over a local connection that its parent made for it and that asks for a secret, loads
nothing but what comes from there, and ends as soon as its parent does.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import sys
import threading
import time
import traceback
from multiprocessing.connection import Client, Connection
from typing import Any


def main() -> None:
    """Get ready, connect, and work until told to stop."""
    told = json.loads(sys.stdin.readline())
    sys.path[:] = told["path"]
    _mind_signals(told["parent"])
    _wake()
    address = told["address"] if isinstance(told["address"], str) else tuple(told["address"])
    with (Client(address, authkey=bytes.fromhex(told["secret"])) as line,
          contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError)):
        _serve(line)


def _mind_signals(parent: int) -> None:
    """Ctrl-C is the parent's to answer; its end is ours; a signal asks where we are."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable(all_threads=False)
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR1, all_threads=False)
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _wake() -> None:
    """Import what every fit needs while the parent is still reading the data."""
    from wholefit.base import optional

    optional.wake("sklearn", without="pandas")
    import sklearn.base

    import wholefit.training.trials  # noqa: F401

    assert sklearn.base


def _serve(line: Connection) -> None:
    problem: Any = None
    bags: Any = None
    found: Any
    while True:
        try:
            order, given = line.recv()
        except (AttributeError, ImportError, TypeError, ValueError) as error:
            line.send(("unreadable", f"{type(error).__name__}: {error}"))
            continue
        if order == "stop":
            return
        try:
            if order == "load":
                problem, bags, found = *_load(**given), None
            elif order == "validate":
                found = _validate(line, problem, bags, **given)
            elif order == "whole":
                found = _whole(problem, bags, **given)
            else:
                found = _ORDERS[order](problem, **given)
        except Exception as error:
            _send_failure(line, error)
            continue
        line.send(("done", found))


def _send_failure(line: Connection, error: Exception) -> None:
    """Send the error itself where it can be sent, else its words."""
    trace = traceback.format_exc()
    try:
        line.send(("failed", error, trace))
    except Exception:
        line.send(("failed", RuntimeError(f"{type(error).__name__}: {error}"), trace))


def _load(folder: str, facts: dict[str, Any]) -> tuple[Any, Any]:
    from wholefit.training.apart import cargo
    from wholefit.training.bags import Bags

    problem = cargo.unpack(folder, facts)
    return problem, Bags(problem, folder)


def _validate(
    line: Connection, problem: Any, bags: Any, model: Any, left: float, folds: int, keep: bool
) -> dict[str, Any]:
    """Folds as they come; at the end what only the whole of them tells."""
    from wholefit.training import trials

    def each(*fold: Any) -> None:
        line.send(("fold", *fold))

    found = trials.Here(problem, bags).validate(
        model, time.perf_counter() + left, folds, each, keep)
    return {"rounds": found.rounds, "kept": found.kept, "counted": found.counted,
            "predict_seconds": found.predict_seconds,
            "answer": found.answer if model.watches else None}


def _whole(problem: Any, bags: Any, **how: Any) -> str:
    from wholefit.training import trials

    return trials.Here(problem, bags).whole(**how)


def _pilot(problem: Any, model: Any) -> float:
    from wholefit.training import trials

    return trials.Here(problem).pilot(model)


def _refit(problem: Any, model: Any, schema: Any, codec: Any, left: float) -> Any:
    from wholefit.training import trials

    fitted = trials.Here(problem).refit(model, schema, codec, time.perf_counter() + left)
    fitted.settle()
    return fitted.parcel()


def _beside(problem: Any, model: Any, **how: Any) -> Any:
    from wholefit.training import _beside

    return _beside.beside(problem, model, **how)


_ORDERS: dict[str, Any] = {"pilot": _pilot, "refit": _refit, "beside": _beside}


if __name__ == "__main__":
    main()
