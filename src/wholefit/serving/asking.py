"""From a request's body to a model and back to a reply.

What is small and plain is answered without leaving the loop: `prepare` reads it, `finish` makes
the reply of its answers. Everything else goes through `reply`, which may wait for threads.
"""

from __future__ import annotations

import time
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from wholefit.base.errors import UnknownNameError
from wholefit.serving import bodies, replies
from wholefit.serving._http import Reply, Request
from wholefit.serving._model import Answers, Choice, Keeper, Kept, Routing, Wants
from wholefit.serving.batching import Batcher
from wholefit.serving.bodies import Asked
from wholefit.serving.metrics import Meter, Metrics
from wholefit.serving.options import Options
from wholefit.serving.problems import Refused
from wholefit.serving.shadowing import Shadowing
from wholefit.serving.targets import Target

# Bytes of a body that are read on the server's own loop; more would hold up others.
_INLINE = 64_000


@dataclass(slots=True)
class Ready:
    """A request that was read: who answers it, what it asks, in which format it is answered."""

    request: Request
    choice: Choice
    batcher: Batcher
    asked: Asked
    kind: str


class Asking:
    """Asks models for requests."""

    def __init__(
        self, routes: Routing, options: Options, pool: Executor, metrics: Metrics,
        keeper: Keeper | None, shadowing: Shadowing,
    ) -> None:
        self._routes, self._options, self._pool = routes, options, pool
        self._metrics, self._keeper, self._shadowing = metrics, keeper, shadowing
        self._batchers: dict[int, Batcher] = {}
        self._revision = routes.revision
        self._key_header = options.key_header.lower().encode("latin-1")

    def waiting_rows(self) -> int:
        """Rows that wait for a model."""
        return sum(each.waiting for each in self._batchers.values())

    def prepare(self, request: Request, target: Target, body: bytes) -> Ready | None:
        """The request, read; None where it is a table, or too long to be read on the loop.

        Refused, WholefitError say what is wrong with it.
        """
        choice, batcher, wants = self._who(request, target)
        media = request.media
        if len(body) > _INLINE or media in bodies.TABLES:
            return None
        return self._ready(request, target, choice, batcher, self._read(body, request, media,
                                                                        wants, choice))

    def now(self, ready: Ready) -> Reply | None:
        """The reply, if the model answers in no time; None to go the slow way (see `reply`)."""
        asked = ready.asked
        began = time.perf_counter()
        answers = ready.batcher.now(asked.rows, asked.wants)
        if answers is None:
            ready.request.ready = ready
            return None
        return self.finish(ready, answers, time.perf_counter() - began)

    async def later(self, ready: Ready) -> Reply:
        """The reply, when the model has answered."""
        asked = ready.asked
        if not asked.rows and ready.batcher.served.rowwise(asked.wants):
            return Reply(200, *self._shaped(ready, {}), ready.batcher.headers)
        began = time.perf_counter()
        answers = await ready.batcher.answer(asked.rows, asked.wants)
        return self.finish(ready, answers, time.perf_counter() - began)

    async def reply(self, request: Request, target: Target, body: bytes) -> Reply:
        """The reply to any request for a model's verb, however long it takes."""
        ready, request.ready = request.ready, None
        if ready is not None:  # it was read when it was seen whether it takes no time
            return await self.later(ready)
        choice, batcher, wants = self._who(request, target)
        media = request.media
        if media in bodies.TABLES:
            return await self._of_table(request, choice, batcher, self._read(
                body, request, media, wants, choice), body)
        asked = self._read(body, request, media, wants, choice) if len(body) <= _INLINE else \
            await batcher.work(lambda: self._read(body, request, media, wants, choice))
        return await self.later(self._ready(request, target, choice, batcher, asked))

    def finish(self, ready: Ready, answers: Answers, seconds: float) -> Reply:
        """The reply that tells these answers, counted and kept."""
        self._answered(ready.request, ready.choice, ready.asked, answers, seconds)
        body, media = self._shaped(ready, answers)
        return Reply(200, body, media, ready.batcher.headers)

    # ---- reading and writing ---------------------------------------------------------------

    def _read(self, body: bytes, request: Request, media: str, wants: Wants, choice: Choice
              ) -> Asked:
        served = choice.served
        return bodies.read(body, media, request.header(b"content-type"), wants, served.inputs,
                           served.rowwise(wants), self._options.rows)

    def _ready(
        self, request: Request, target: Target, choice: Choice, batcher: Batcher, asked: Asked
    ) -> Ready:
        if asked.wants.options:
            batcher.verbs.check(asked.wants)
        kind = "lines" if asked.shape == "lines" else "json"
        accept = request.headers.get(b"accept")
        if accept is not None and accept != b"*/*":
            kind = replies.accepted(accept.decode("latin-1"), kind)
        column = self._options.key_column
        if column is not None and asked.rows and self._key_header not in request.headers:
            choice = self._chosen(target, _key(asked.rows[0].get(column)))
            batcher = self._batcher(choice)
            request.meter = self._meter(batcher, asked.wants)
        request.rows = len(asked.rows)
        return Ready(request, choice, batcher, asked, kind)

    async def _of_table(
        self, request: Request, choice: Choice, batcher: Batcher, asked: Asked, body: bytes
    ) -> Reply:
        packed, most, served = asked.table or "", self._options.rows, choice.served
        kind = replies.accepted(request.header(b"accept"), packed)

        def work() -> tuple[bytes, bytes, Any, Any, float]:
            frame = bodies.table(body, packed, most)
            began = time.perf_counter()
            found = served.table(frame, asked.wants)
            seconds = time.perf_counter() - began
            return (*replies.of_frame(found, kind), frame, found, seconds)

        made, media, frame, found, seconds = await batcher.work(work)
        request.rows = frame.height
        kept = self._keeper is not None or bool(choice.shadows)
        rows = frame.to_dicts() if kept else []
        self._answered(request, choice, Asked(rows, "table", asked.wants),
                       found.to_dict(as_series=False), seconds)
        return Reply(200, made, media, batcher.headers)

    def _shaped(self, ready: Ready, answers: Answers) -> tuple[bytes, bytes]:
        served, shape = ready.choice.served, ready.asked.shape
        beside = {} if shape in ("object", "list") else {
            "model": served.name, "version": served.version, "id": ready.request.id}
        return replies.of_answers(answers, shape, ready.kind, beside)

    # ---- who answers, and who else ---------------------------------------------------------

    def _who(self, request: Request, target: Target) -> tuple[Choice, Batcher, Wants]:
        key = request.headers.get(self._key_header)
        choice = self._chosen(target, None if key is None else key.decode("latin-1"))
        batcher = self._batcher(choice)
        wants = batcher.verbs.wants(target.verb or "", request.query)
        request.meter = self._meter(batcher, wants)
        return choice, batcher, wants

    def _chosen(self, target: Target, key: str | None) -> Choice:
        try:
            return self._routes.choose(target.name, target.version, key)
        except UnknownNameError as error:
            raise Refused(404, str(error)) from None

    def _answered(
        self, request: Request, choice: Choice, asked: Asked, answers: Answers, seconds: float
    ) -> None:
        """Count answers, hand them to who keeps them, and a copy of the question to shadows."""
        if request.meter is not None:
            request.meter.answered(answers, seconds)
        if self._keeper is not None:
            self._keeper.keep(Kept(request.id, time.time(), choice.served, asked.rows, answers,
                                   seconds))
        if choice.shadows:
            self._metrics.shadows += 1
            if not self._shadowing.submit(choice.shadows, asked.rows, asked.wants, request.id,
                                          keep_rows=True):
                self._metrics.shadows_dropped += 1

    def _batcher(self, choice: Choice) -> Batcher:
        if self._routes.revision != self._revision:
            self._revision = self._routes.revision
            there = {id(each) for each in self._routes.served()}
            self._batchers = {at: each for at, each in self._batchers.items() if at in there}
        served = choice.served
        found = self._batchers.get(id(served))
        if found is None:
            found = self._batchers[id(served)] = Batcher(served, self._pool, self._options)
        return found

    def _meter(self, batcher: Batcher, wants: Wants) -> Meter:
        found = batcher.meters.get(id(wants))
        if found is None:
            served, verb = batcher.served, batcher.verbs.named(wants)
            found = self._metrics.meter(served.name, served.version, verb)
            if batcher.verbs.lasting(wants):
                batcher.meters[id(wants)] = found
        return found


def _key(value: Any) -> str | None:
    return None if value is None else str(value)[:500]


