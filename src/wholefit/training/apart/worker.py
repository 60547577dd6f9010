"""The other process, as seen from here: orders out, answers in, time and memory watched."""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, Listener
from multiprocessing.reduction import ForkingPickler
from typing import IO, Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.events import emit
from wholefit.training._folds import Problem, Validated
from wholefit.training.apart import cargo
from wholefit.training.apart.limits import Limit, held, scarce
from wholefit.training.fitted import Fitted

# How often time and memory are looked at while the other works, in seconds.
_GLANCE = 0.01
# How long it usually takes to start, and the least it must then have to be of any use. (A start on
# two busy cores took 2.4 s of processor time and 7 to 9 s by the clock.)
_STARTUP, _OF_USE = 1.5, 0.5
# How long it may take to start and to import what it needs.
_PATIENCE = 120.0
# How long it has to say where it is, before it is killed.
_LAST_WORDS = 0.3
_MB = 1_000_000
# What is told how much time is left, once the process is there to hear it.
_TIMED = ("validate", "refit")
# What holds less than this is not why the machine's memory is gone.
_MUCH = 500 * _MB


class Stopped(Exception):
    """A trial was ended from here, or its process died; what it had finished is in `found`.

    `limit` says which limit it was: "time", "memory", or "" for a death of its own; `trace` is
    where it was, and `peak` the bytes it held above its start.
    """

    def __init__(self, reason: str, limit: str, peak: int, trace: str) -> None:
        super().__init__(reason)
        self.reason, self.limit, self.peak, self.trace = reason, limit, peak, trace
        self.found: Validated | None = None


class Unsendable(Exception):
    """Something the models need cannot be sent to another process."""


class Apart:
    """Runs trials in another process, begun at once so that it is ready when the data is.

    Give it the problem with `load` before the first order. After a stop the next order begins a
    fresh process. `peak` is the most that the last order held above the process's start, `startup`
    the seconds that a process takes to begin.

    Where `until` (time.perf_counter) is nearer than that and a little more, none is begun: it could
    not answer in time, and would take a core from what can. Orders are then Stopped.
    """

    def __init__(self, limit: Limit, until: float = math.inf) -> None:
        self.limit, self.peak = limit, 0
        self.startup = _STARTUP
        self._folder = tempfile.TemporaryDirectory(prefix="wholefit-", ignore_cleanup_errors=True)
        self.place = self._folder.name
        self._line: Connection | None = None
        self._cargo: dict[str, Any] | None = None
        self._loaded = False
        self._process: subprocess.Popen[str] | None = None
        if time.perf_counter() + _STARTUP + _OF_USE <= until:
            self._begin()

    # What it does

    def load(self, problem: Problem, beside: Apart | None = None) -> None:
        """Lay the problem out where the other process finds it; Unsendable if it cannot be.

        `beside` has it laid out already: both then read the same files.
        """
        self._problem = problem
        if beside is not None:
            self._cargo, self.place = beside._cargo, beside.place
            return
        try:
            self._cargo = cargo.pack(problem, self.place)
        except (OSError, ValueError, TypeError) as error:
            raise Unsendable(f"the data cannot be laid out for it ({error})") from error
        try:
            ForkingPickler.dumps(self._cargo)
        except Exception as error:
            raise Unsendable(f"a transformer cannot be sent to it ({error}); define it in a "
                             "module that can be imported") from error

    def validate(
        self, model: Any, deadline: float, folds: int,
        each: Callable[..., None] | None = None, keep: bool = False,
    ) -> Validated:
        """As `trials.Here.validate`; Stopped (with the folds finished) at a limit.

        With `keep` the models of the folds lie in the folder `place`.
        """
        found = Validated.empty(self._problem)

        def fold(number: int, answer: Any, fit: float, predict: float) -> None:
            found.add(self._problem.plan.folds[number][1], answer, fit, predict)
            emit("fold_done", model=model.name, fold=number + 1, folds=folds, seconds=fit)
            if each is not None:
                each(number, answer, fit, predict)

        try:
            told = self._order("validate", deadline, fold, model=model, folds=folds, keep=keep)
        except Stopped as stop:
            stop.found = found.settled() if found.folds else None
            raise
        found.rounds, found.kept, found.counted = told["rounds"], told["kept"], told["counted"]
        found.predict_seconds = told["predict_seconds"]  # of what was cut, where it was
        if told["answer"] is None:
            return found.settled()
        found.answer = told["answer"]  # settled over there
        return found

    def pilot(self, model: Any, deadline: float = math.inf) -> float:
        """As `trials.Here.pilot`."""
        return float(self._order("pilot", deadline, model=model))

    def refit(self, model: Any, schema: Any, codec: Any, deadline: float = math.inf) -> Fitted:
        """As `trials.Here.refit`."""
        parcel = self._order("refit", deadline, model=model, schema=schema, codec=codec)
        return Fitted.of_parcel(parcel, self._problem.task, schema, codec)

    def beside(self, model: Any, deadline: float = math.inf, **how: Any) -> np.ndarray:
        """As `_beside.beside`; Stopped at a limit."""
        return np.asarray(self._order("beside", deadline, model=model, **how))

    def whole(self, model: Any, deadline: float = math.inf, **how: Any) -> str:
        """As `trials.Here.whole`; Stopped at a limit."""
        return str(self._order("whole", deadline, model=model, **how))

    def abandon(self) -> None:
        """End what it is doing, from another thread; the order then fails as Stopped."""
        if self._process is not None:
            self._process.kill()

    def ready(self, deadline: float) -> bool:
        """Wait for a process, a new one where the last was ended; False if it is not there in time.

        Nor if it should not be, by what the start of one takes: then nothing is waited for.
        """
        if self._is_gone():
            if time.perf_counter() + self.startup > deadline:
                return False
            self._begin()
        try:
            self._answer_the_call(deadline)
        except (Stopped, Unsendable):
            return False
        return True

    @property
    def _there(self) -> subprocess.Popen[str]:
        """The process that was begun."""
        assert self._process is not None
        return self._process

    @property
    def running(self) -> bool:
        """True if the other process is there and listens."""
        return self._line is not None

    def close(self) -> None:
        """End the other process and take its files away; again is harmless."""
        self._end()
        self._folder.cleanup()

    # How it is done

    def _begin(self) -> None:
        """Start a process; it imports what it needs while we do other things."""
        self._begun = time.perf_counter()
        secret = secrets.token_bytes(32)
        self._listener = Listener(authkey=secret)
        self._words: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        told = {"address": self._listener.address, "secret": secret.hex(),
                "path": sys.path, "parent": os.getpid()}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "wholefit.training.apart.child"], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=self._words, text=True, env=_environment(),
            # Ctrl-C in a terminal goes to a whole group of processes; that one ignores it.
        )
        stdin = self._there.stdin
        assert stdin is not None
        stdin.write(json.dumps(told) + "\n")
        stdin.close()
        self._line, self._loaded = None, False

    def _is_gone(self) -> bool:
        """True if there is no process, or it has ended, and a new one is needed."""
        return self._line is None and (self._process is None or self._process.poll() is not None)

    def _answer_the_call(self, deadline: float) -> Connection:
        """The line to a process that is ready, with the problem loaded."""
        if self._line is None:
            self._line = self._accept(deadline)
            self._start = held(self._there.pid)
        if not self._loaded:
            self._loaded = True
            try:
                self._ask("load", deadline, None, folder=self.place, facts=self._cargo)
            except Stopped:
                raise
            except Exception as error:
                raise Unsendable(str(error)) from error
        return self._line

    def _accept(self, deadline: float) -> Connection:
        """Wait for the call, but not beyond the deadline, nor for a process that never calls."""
        asked = time.perf_counter()
        end = asked + _PATIENCE
        waiting = self._listener._listener._socket  # type: ignore[attr-defined]
        waiting.settimeout(0.05)
        while True:
            try:
                line = self._listener.accept()
                break
            except TimeoutError:
                if time.perf_counter() > deadline:
                    raise Stopped("its time was up before it could begin", "time", 0, "") from None
                if self._there.poll() is not None or time.perf_counter() > end:
                    raise Unsendable(
                        f"the second process did not start: {self._said()[-500:]}") from None
        self._listener.close()
        now = time.perf_counter()  # one that was ready before it was wanted took what it may take
        self.startup = now - self._begun if now - asked > 0.1 else min(now - self._begun, _STARTUP)
        return line

    def _order(
        self, order: str, deadline: float, fold: Callable[..., None] | None = None, **given: Any
    ) -> Any:
        if self._process is None and time.perf_counter() + _STARTUP + _OF_USE > deadline:
            raise Stopped("its time was up before it could begin: it is fitted in a second "
                          f"process, which takes about {_STARTUP:g} s to start", "time", 0, "")
        if self._is_gone():
            self._begin()
        self._answer_the_call(deadline)
        if order in _TIMED:
            given["left"] = deadline - time.perf_counter()
        return self._ask(order, deadline, fold, **given)

    def _ask(
        self, order: str, deadline: float, fold: Callable[..., None] | None, **given: Any
    ) -> Any:
        """Send an order and wait for its end, handing finished folds on as they come."""
        assert self._line is not None
        self.peak = 0
        try:
            self._line.send((order, given))
        except (BrokenPipeError, ConnectionResetError):
            raise self._died() from None
        except Exception as error:
            raise Unsendable(f"{type(error).__name__}: {error}") from error
        try:
            while True:
                kind, *facts = self._next(deadline)
                if kind == "done":
                    return facts[0]
                if kind == "unreadable":
                    raise Unsendable(facts[0])
                if kind == "failed":
                    raise _with_trace(*facts)
                if fold is not None:
                    fold(*facts)
        except KeyboardInterrupt:
            self._end()
            raise

    def _next(self, deadline: float) -> tuple[Any, ...]:
        assert self._line is not None
        while True:
            try:
                if self._line.poll(_GLANCE):
                    return tuple(self._line.recv())
            except (EOFError, ConnectionResetError, BrokenPipeError):
                raise self._died() from None
            self._check(deadline)

    def _check(self, deadline: float) -> None:
        used = self._used()
        self.peak = max(self.peak, used)
        if self.limit.bytes is not None and used > self.limit.bytes:
            raise self._stop(f"it held {used / _MB:,.0f} MB of the {self.limit.bytes / _MB:,.0f} "
                             "MB allowed (memory=)", "memory")
        if self.limit.bytes is None and used > _MUCH and scarce():
            raise self._stop(f"it held {used / _MB:,.0f} MB and the machine had next to no memory "
                             "left; say memory= to set a limit", "memory")
        if time.perf_counter() > deadline:
            raise self._stop("its time was up", "time")

    def _used(self) -> int:
        theirs = max(held(self._there.pid) - self._start, 0)
        return theirs + (self.limit.own() if self.limit.bytes is not None else 0)

    def _stop(self, reason: str, limit: str) -> Stopped:
        trace = self._ask_where()
        self._end()
        return Stopped(reason, limit, self.peak, trace)

    def _died(self) -> Stopped:
        self._there.wait(timeout=10)
        code = self._there.returncode
        what = f"was killed by signal {_signal(-code)}" if code < 0 else f"ended with code {code}"
        trace = self._said()
        self._end()
        return Stopped(f"its process {what}", "", self.peak, trace)

    def _ask_where(self) -> str:
        """Where the other process is, by its own words."""
        if not hasattr(signal, "SIGUSR1"):
            return ""
        before = len(self._said())
        with contextlib.suppress(OSError):
            self._there.send_signal(signal.SIGUSR1)
        end = time.perf_counter() + _LAST_WORDS
        while time.perf_counter() < end and not self._said()[before:].rstrip().endswith(_OUTERMOST):
            time.sleep(0.005)
        return self._said()[before:]

    def _said(self) -> str:
        """What it wrote to standard error."""
        size = os.fstat(self._words.fileno()).st_size
        return os.pread(self._words.fileno(), size, 0).decode("utf-8", "replace") \
            if hasattr(os, "pread") else ""

    def _end(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
        self._loaded = False
        if self._process is None:  # none was ever begun
            return
        self._listener.close()
        self._process.kill()
        self._process.wait()
        if not self._words.closed:
            self._words.close()


_OUTERMOST = "in <module>"


def _environment() -> dict[str, str]:
    """Ours; and one table engine thread pool is enough over there."""
    return {**os.environ, "PYTHONSAFEPATH": "1"}


def _signal(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:
        return str(number)


def _with_trace(error: Exception, trace: str) -> Exception:
    error.__dict__["trace"] = trace
    return error if isinstance(error, Exception) else DataError(str(error))
