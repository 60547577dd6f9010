"""The crew: worker processes that read one laid-out problem, each with a share of the threads."""

from __future__ import annotations

import dataclasses
import queue
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from wholefit.training._folds import Problem
from wholefit.training.apart import Apart, Limit
from wholefit.training.bags import Bags

_Thing = TypeVar("_Thing")
# How often, in seconds, it is looked whether all is done.
_GLANCE = 0.05
# More processes than this would hold the table's encodings too often; they get threads instead.
_MOST = 16


class Crew:
    """So many workers; they begin at once, and are ready when the problem is laid out.

    A limit of memory is of all together: then there is one worker, so that it can be watched.
    """

    def __init__(self, jobs: int, limit: Limit, first: Apart | None = None) -> None:
        self.limit = limit
        count = 1 if limit.bytes is not None else max(1, min(jobs, _MOST))
        self.threads = max(1, jobs // count)
        self.workers = [first] if first is not None else [Apart(limit)]
        self.workers += [Apart(limit) for _ in range(count - 1)]

    def load(self, problem: Problem) -> None:
        """Lay the problem out, once for all; `apart.Unsendable` if it cannot be."""
        mine = dataclasses.replace(problem, jobs=self.threads, encoders={})
        self.workers[0].load(mine)
        for worker in self.workers[1:]:
            worker.load(mine, self.workers[0])
        self.bags = Bags(mine, self.workers[0].place)

    def few(self, count: int) -> None:
        """Keep only so many workers, with the more threads each; before `load`."""
        jobs = self.threads * len(self.workers)
        for worker in self.workers[count:]:
            worker.close()
        del self.workers[count:]
        self.threads = max(1, jobs // len(self.workers))

    def told(self) -> dict[str, int]:
        """How many workers there are, and the threads of each."""
        return {"workers": len(self.workers), "threads": self.threads}

    def abandon(self) -> None:
        """End what every worker is doing."""
        for worker in self.workers:
            worker.abandon()

    def close(self) -> None:
        """End the workers and take their files away; again is harmless."""
        for worker in reversed(self.workers):
            worker.close()


def shared(
    workers: Sequence[Apart], things: Sequence[_Thing], do: Callable[[Apart, _Thing], None]
) -> bool:
    """`do` each thing with whichever worker is free, in order; True if the user interrupted it.

    An interrupt ends what every worker is doing, and nothing more is begun.
    """
    left: queue.SimpleQueue[_Thing] = queue.SimpleQueue()
    for thing in things:
        left.put(thing)
    ended = False

    def work(worker: Apart) -> None:
        while not ended:
            try:
                thing = left.get_nowait()
            except queue.Empty:
                return
            do(worker, thing)

    with ThreadPoolExecutor(len(workers)) as pool:
        working: list[Future[None]] = []
        try:
            working += [pool.submit(work, worker) for worker in workers]
            while wait(working, timeout=_GLANCE).not_done:  # so that an interrupt is heard
                pass
        except KeyboardInterrupt:
            ended = True
            while wait(working, timeout=_GLANCE).not_done:  # one may just have begun anew
                for worker in workers:
                    worker.abandon()
    for each in working:
        each.result()
    return ended
