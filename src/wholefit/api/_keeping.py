"""The log of answers behind a server: a queue, a thread, and truths as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from wholefit.data.predictions import Record, Writer, open_log
from wholefit.serving._model import Kept, Served
from wholefit.serving.logs import Lines

# Rows of a request that are turned into records at once; more are, on a thread.
_AT_ONCE = 50


class LogKeeper:
    """Keeps answers in a log (see `wholefit.data.predictions.open_log`).

    Rows are given to the log, which keeps them only with `keep_rows`, and else counts them.
    """

    def __init__(
        self, url: str, keep_rows: bool, seal: Any, unseal: Any, lines: Lines,
        served: Callable[[], Sequence[Served]],
    ) -> None:
        self._log = open_log(url, keep_rows=keep_rows, seal=seal, unseal=unseal)
        self._lines = lines
        self.writer = Writer(self._log, told=lambda said: lines.say(
            "log_lost", "warning", message=said))
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="wholefit-keep")
        for each in served():
            self.watch(each)

    def watch(self, served: Served) -> None:
        """Let the log count this model's rows by what it saw in training."""
        sketch = getattr(served, "sketch", None)
        found = sketch() if sketch is not None else None
        if found is not None:
            self._log.watch(served.name, served.version, found)

    def keep(self, kept: Kept) -> None:
        """Take the answers of one request; never waits."""
        if len(kept.rows or ()) <= _AT_ONCE:
            self._put(kept)
        else:
            self._pool.submit(self._put, kept)

    def feedback(self, told: Sequence[tuple[str, Any, float | None]]) -> int:
        """Write truths; how many are of answers that the log knows."""
        self.writer.flush(5.0)
        now = [(name, truth) for name, truth, at in told if at is None]
        known = self._log.feedbacks(now, time.time()) if now else 0
        return known + sum(self._log.feedback(name, truth, at)
                           for name, truth, at in told if at is not None)

    def close(self) -> None:
        """Write what waits."""
        self._pool.shutdown(wait=True)
        self.writer.close()
        self._log.close()

    def gauges(self) -> list[tuple[str, str, Callable[[], float]]]:
        """What a server's metrics tell of the log."""
        return [("wholefit_log_waiting", "Answers that wait to be logged.",
                 lambda: self.writer.waiting),
                ("wholefit_log_written", "Answers logged.", lambda: self.writer.written),
                ("wholefit_log_lost", "Answers that could not be logged.",
                 lambda: self.writer.dropped + self.writer.failed)]

    def _put(self, kept: Kept) -> None:
        answers, served = kept.answers, kept.served
        names = list(answers)
        sizes = max((len(values) for values in answers.values()), default=0)
        rows = kept.rows or []
        rowwise = len(rows) == sizes
        sure = answers.get("confidence")
        for at in range(sizes):
            self.writer.put(Record(
                kept.id if sizes == 1 else f"{kept.id}/{at + 1}", kept.at, served.name,
                served.version, rows[at] if rowwise else {},
                {name: answers[name][at] for name in names},
                None if sure is None else sure[at], kept.seconds / sizes, kept.shadow))
