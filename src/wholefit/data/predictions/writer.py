"""A queue before a log: whoever answers never waits for the disk.

What does not fit into the queue is dropped and counted: a log must not be able to stop a server,
nor to fill its memory.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from wholefit.base.errors import ParameterError, WholefitError
from wholefit.data.predictions.record import Record

_BATCH, _PAUSE, _TRIES = 1_000, 0.2, 3


class Kept(Protocol):
    """What records are written to."""

    def write(self, records: list[Record]) -> int:
        """Keep these records."""


class Writer:
    """Writes records in a thread of its own, in batches; see the module's first lines.

    `most` records wait at once. `told(sentence)` is called, at most once a second, when some were
    dropped or could not be written. `written`, `dropped` and `failed` count.
    """

    def __init__(
        self, log: Kept, most: int = 10_000, told: Callable[[str], None] | None = None
    ) -> None:
        if most < 1:
            raise ParameterError(f"most must be >= 1 records that may wait; got {most}.")
        self._log, self._most, self._told = log, most, told
        self._queue: deque[Record] = deque()
        self._wake, self._idle, self._stop = (threading.Event() for _ in range(3))
        self._idle.set()
        self.written = self.dropped = self.failed = 0
        self._said, self._told_at = 0, 0.0
        self._thread = threading.Thread(target=self._run, name="wholefit-log", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Records in the queue."""
        return len(self._queue)

    def put(self, record: Record) -> bool:
        """Queue a record; False where there is no room, and it is dropped. Never waits."""
        if len(self._queue) >= self._most or self._stop.is_set():
            self.dropped += 1
            return False
        self._idle.clear()
        self._queue.append(record)
        if not self._wake.is_set():
            self._wake.set()
        return True

    def flush(self, seconds: float = 10.0) -> bool:
        """Wait until all that was queued is written; False where that took longer."""
        self._wake.set()
        return self._idle.wait(seconds)

    def close(self, seconds: float = 10.0) -> bool:
        """Write what is queued and end the thread; False where that took longer than this.

        What is put afterwards is dropped and counted.
        """
        self._stop.set()
        self._wake.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(_BATCH, len(self._queue)))]
                self._keep(batch)
            self._tell("")
            if not self._queue:
                self._idle.set()
            if self._queue:  # one came between the two lines above
                self._idle.clear()
                self._wake.set()
            elif self._stop.is_set():
                return
            else:
                # A pause makes batches: one transaction costs as much as a hundred records.
                self._stop.wait(_PAUSE)

    def _keep(self, batch: list[Record]) -> None:
        """Write a batch, in three tries; where a record is at fault, the others without it."""
        problem, alone = "", False
        for attempt in range(_TRIES):
            try:
                self._log.write(batch)
                self.written += len(batch)
                return
            except WholefitError as error:
                problem = str(error)
                alone = isinstance(error, ParameterError)  # a record is at fault, not the disk
            except Exception as error:  # a thread that dies would lose all that follows
                problem, alone = f"{type(error).__name__}: {error}", True
            if alone:
                break
            self._stop.wait(_PAUSE * (attempt + 1))
        if alone and len(batch) > 1:
            for record in batch:
                self._alone(record)
        else:
            self.failed += len(batch)
        self._tell(problem)

    def _alone(self, record: Record) -> None:
        try:
            self._log.write([record])
            self.written += 1
        except Exception:  # counted and told; nothing else can be done about it here
            self.failed += 1

    def _tell(self, problem: str) -> None:
        """Say what was lost, where something was since it was last said."""
        lost, at = self.dropped + self.failed, time.monotonic()
        if self._told is None or lost == self._said or (at - self._told_at < 1 and not problem):
            return
        parts = [f"{self.dropped:,} answers were not logged, as the queue was full"
                 if self.dropped else "",
                 f"{self.failed:,} answers could not be logged ({problem or 'see above'})"
                 if self.failed else ""]
        self._said, self._told_at = lost, at
        self._told("; ".join(part for part in parts if part) + ".")
