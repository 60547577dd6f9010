"""Shadows: versions that answer copies of requests in the background, for the log alone.

The request never waits for them: copies go into a queue of a stated length, and what finds no
place there is dropped and counted. A shadow that fails is told of, and hurts nobody.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wholefit.serving._model import Answers, Kept, Row, Served, Wants

Told = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True)
class _Copy:
    id: str
    shadows: tuple[Served, ...]
    rows: Sequence[Row]
    wants: Wants
    keep_rows: bool


class Shadowing:
    """One thread that lets shadows answer, and hands what they say to `keep`.

    `keep` takes a `Kept` with `shadow=True`; `told(event, facts)` hears of shadows that fail;
    `most` copies may wait.
    """

    def __init__(
        self, keep: Callable[[Kept], None], *, most: int = 1_000, told: Told | None = None,
    ) -> None:
        self._keep, self._told = keep, told
        self._waiting: queue.Queue[_Copy | None] = queue.Queue(max(1, most))
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self.answered = self.dropped = self.failed = 0
        """Answers that shadows gave, copies that found no place, and answers that failed."""

    def submit(
        self, shadows: tuple[Served, ...], rows: Sequence[Row], wants: Wants, id: str, *,
        keep_rows: bool = False,
    ) -> bool:
        """Queue a copy; returns at once, False where it was dropped. `rows` must not be altered."""
        if not shadows:
            return True
        self._start()
        try:
            self._waiting.put_nowait(_Copy(id, shadows, rows, wants, keep_rows))
        except queue.Full:
            self.dropped += 1
            return False
        return True

    def close(self, seconds: float = 5.0) -> None:
        """Answer what waits, for at most so many seconds, and end the thread."""
        thread, until = self._thread, time.monotonic() + seconds
        if thread is None:
            return
        try:
            self._waiting.put(None, timeout=max(0.0, seconds))
        except queue.Full:
            return
        thread.join(max(0.0, until - time.monotonic()))

    def _start(self) -> None:
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._work, name="wholefit-shadows", daemon=True)
                    self._thread.start()

    def _work(self) -> None:
        while (copy := self._waiting.get()) is not None:
            for served in copy.shadows:
                self._one(served, copy)

    def _one(self, served: Served, copy: _Copy) -> None:
        start = time.perf_counter()
        try:
            answers: Answers = served.answer(copy.rows, copy.wants)
            self._keep(Kept(copy.id, time.time(), served, copy.rows if copy.keep_rows else None,
                            answers, time.perf_counter() - start, shadow=True))
            self.answered += 1
        except Exception as error:  # whatever a shadow does, those who are answered must not feel
            self.failed += 1
            if self._told is not None:
                self._told("shadow_failed", {
                    "name": served.name, "version": served.version, "id": copy.id,
                    "error": type(error).__name__})
