"""When and where a model is asked: at once, with others, or on a thread.

A request that comes alone is answered at once: nothing waits for company that may not come.
Where several are there in the same turn of the loop, their rows are answered together (`together`).
A model that takes long works on a thread, one batch at a time; what comes meanwhile is its next
batch. So batches grow with the load by themselves, and no time to wait has to be chosen.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from wholefit.serving._model import PLAIN, Answers, Row, Served, Wants
from wholefit.serving.metrics import Meter
from wholefit.serving.options import Options
from wholefit.serving.problems import Refused
from wholefit.serving.verbs import Verbs

# Seconds that a model may hold up the server's own loop.
_INLINE = 0.01
# How fast the estimate of a row's cost follows what is measured.
_FOLLOW = 0.1


@dataclass
class _Job:
    """Work for a thread: `rows` of a plain request, or anything else that can be called."""

    future: asyncio.Future[Any]
    rows: Sequence[Row] = ()
    work: Callable[[], Any] | None = None


class Batcher:
    """Asks one version of a model.

    Requests with other wants than the plain ones and tables are work of their own, in their own
    lane, so that an explanation that takes seconds does not hold up answers. `headers` name the
    version in replies, `meters` count by wants.
    """

    def __init__(self, served: Served, pool: Executor, options: Options) -> None:
        self.served, self._options = served, options
        self.verbs = Verbs(served)
        self.meters: dict[int, Meter] = {}
        self.headers = [(b"x-model", _latin(served.name)),
                        (b"x-model-version", _latin(str(served.version)))]
        self._many = getattr(served, "many", None)
        self._cost = 0.0
        self._plain, self._other = _Lane(pool, options), _Lane(pool, options)

    @property
    def waiting(self) -> int:
        """Rows that wait."""
        return self._plain.waiting + self._other.waiting

    def now(self, rows: Sequence[Row], wants: Wants) -> Answers | None:
        """The answers, if the model gives them in no time; else None."""
        if not rows or len(rows) * self._cost > _INLINE:
            self._cost *= 1 - 0.1 * _FOLLOW  # so that one slow moment does not count for ever
            return None
        began = time.perf_counter()
        found = self.served.quick(rows, wants)
        if found is not None:
            taken = (time.perf_counter() - began) / len(rows)
            self._cost += (taken - self._cost) * _FOLLOW
        return found

    def together(self, asked: Sequence[Sequence[Row]]) -> list[Answers] | None:
        """The plain answers to several requests, asked as one; None where that cannot be."""
        rows = [row for each in asked for row in each]
        if len(rows) > self._options.batch:
            return None
        try:
            found = self.now(rows, PLAIN)
        except Exception:  # told by whichever of them is at fault, when asked alone
            return None
        if found is None:
            return None
        ends = list(accumulate(map(len, asked), initial=0))
        return [{name: values[begin:end] for name, values in found.items()}
                for begin, end in pairwise(ends)]

    async def answer(self, rows: Sequence[Row], wants: Wants) -> Answers:
        """The answers to the rows of one request, however long they take."""
        found = self.now(rows, wants)
        if found is not None:
            return found
        if self._many is not None and wants.plain and len(rows) <= self._options.batch:
            return await self._plain.run(_Job(_future(), rows), self._work)
        return await self.work(lambda: self.served.answer(rows, wants), len(rows))

    async def work(self, work: Callable[[], Any], rows: int = 1) -> Any:
        """What `work` gives, on a thread."""
        return await self._other.run(_Job(_future(), [{}] * min(rows, 1), work), _call)

    # ---- on a thread -------------------------------------------------------------------------

    def _work(self, jobs: Sequence[_Job]) -> list[Any]:
        """The answers of several plain requests, or the error of each that has one."""
        assert self._many is not None
        if len(jobs) == 1:
            return [self.served.answer(jobs[0].rows, PLAIN)]
        return list(self._many([job.rows for job in jobs]))


class _Lane:
    """Work on threads, one after the other, what waits together taken together."""

    def __init__(self, pool: Executor, options: Options) -> None:
        self._pool, self._options = pool, options
        self._jobs: deque[_Job] = deque()
        self._running = False
        self._seconds = 0.05
        self.waiting = 0

    async def run(self, job: _Job, work: Callable[[Sequence[_Job]], list[Any]]) -> Any:
        """What the job gives; Refused (429) where too much waits, (503) where it takes too long."""
        if self.waiting + len(job.rows) > self._options.queue and self._jobs:
            raise Refused(429, "the model has more to answer than it can: come again later.",
                          retry_after=self._seconds * len(self._jobs), reason="queue")
        self._jobs.append(job)
        self.waiting += len(job.rows)
        if not self._running:
            self._next(work)
        try:
            async with asyncio.timeout(self._options.answering):
                return await job.future
        except TimeoutError:
            raise Refused(503, f"the answer took longer than {self._options.answering:g} seconds: "
                          "send fewer rows, or ask for less of each.", retry_after=self._seconds,
                          reason="time") from None

    def _next(self, work: Callable[[Sequence[_Job]], list[Any]]) -> None:
        """Take what waits, up to a batch, and begin it; who has gone away is left out."""
        taken: list[_Job] = []
        rows = 0
        while self._jobs and (not taken or (
                self._jobs[0].work is None and rows + len(self._jobs[0].rows)
                <= self._options.batch)):
            job = self._jobs.popleft()
            self.waiting -= len(job.rows)
            if not job.future.done():
                taken.append(job)
                rows += len(job.rows)
            if job.work is not None and taken:
                break
        self._running = bool(taken)
        if taken:
            began = time.perf_counter()
            doing = asyncio.get_running_loop().run_in_executor(self._pool, _outcomes, work, taken)
            doing.add_done_callback(lambda done: self._done(done, taken, began, work))

    def _done(
        self, done: asyncio.Future[list[Any]], jobs: Sequence[_Job], began: float,
        work: Callable[[Sequence[_Job]], list[Any]],
    ) -> None:
        self._seconds += (time.perf_counter() - began - self._seconds) * _FOLLOW
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        found = [error] * len(jobs) if error is not None else done.result()
        for job, outcome in zip(jobs, found, strict=True):
            if job.future.done():
                continue
            if isinstance(outcome, BaseException):
                job.future.set_exception(outcome)
            else:
                job.future.set_result(outcome)
        self._next(work)


def _outcomes(work: Callable[[Sequence[_Job]], list[Any]], jobs: Sequence[_Job]) -> list[Any]:
    """What each job gives; an error of all is tried again one by one, to find whose it is."""
    try:
        return work(jobs)
    except Exception as error:
        if len(jobs) == 1:
            return [error]
        return [outcome for job in jobs for outcome in _outcomes(work, [job])]


def _call(jobs: Sequence[_Job]) -> list[Any]:
    return [job.work() if job.work is not None else None for job in jobs]


def _future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


def _latin(word: str) -> bytes:
    """A name as a header may hold it."""
    return bytes(letter if 32 < letter < 127 else 63 for letter in word.encode("utf-8"))
