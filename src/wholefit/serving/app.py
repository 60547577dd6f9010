"""The server's application: from a request to a reply, with nothing between it and the model.

    app = App(routes, Options())
    await app.respond(request, body)       one request
    uvicorn.run(app)                       plain ASGI; `serving.wire` is the shorter way

What a request costs beside the model is what is written here: one look-up of the path, one of the
model, JSON in, JSON out, some counting. Whatever comes in, a clear answer goes out: a fault of
the caller is a 4xx with a sentence, and no input may end in a 500.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from wholefit.base.errors import WholefitError
from wholefit.serving import _json, problems
from wholefit.serving._http import Message, Receive, Reply, Request, Send, body_of, unpacked
from wholefit.serving._model import PLAIN, Access, Keeper, Routing
from wholefit.serving.asking import Asking, Ready
from wholefit.serving.health import Health
from wholefit.serving.logs import Lines
from wholefit.serving.metrics import Metrics
from wholefit.serving.options import Options
from wholefit.serving.pages import Pages
from wholefit.serving.problems import Refused
from wholefit.serving.shadowing import Shadowing
from wholefit.serving.targets import Target, Targets
from wholefit.serving.tracing import Tracing

_TICK = 0.25


class App:
    """Answers requests with the models of `routes`.

    `access` admits callers, `keeper` keeps answers and truths; without them everybody is answered
    and nothing is kept.
    """

    def __init__(
        self, routes: Routing, options: Options | None = None, *, access: Access | None = None,
        keeper: Keeper | None = None, lines: Lines | None = None,
    ) -> None:
        self.options, self.routes = options or Options(), routes
        self.lines = lines or Lines(None)
        self.health, self.metrics = Health(), Metrics()
        self.pool = ThreadPoolExecutor(self.options.threads, thread_name_prefix="wholefit-model")
        shadowing = Shadowing(keeper.keep if keeper else _nothing, told=self._told)
        self._closing: list[Callable[[], None]] = [shadowing.close]
        self.asking = Asking(routes, self.options, self.pool, self.metrics, keeper, shadowing)
        self._access = access
        self._targets = Targets(self.options)
        self._pages = Pages(routes, self.options, self.health, self.metrics, keeper, self.pool)
        self._tracing = Tracing() if self.options.trace else None
        self.inside = 0
        self.ticks: list[Callable[[float], None]] = []
        self._ticking: asyncio.Task[None] | None = None
        self.metrics.gauges += [
            ("wholefit_in_flight", "Requests being answered.", lambda: self.inside),
            ("wholefit_waiting_rows", "Rows that wait for a model.", self.asking.waiting_rows)]

    # ---- one request ---------------------------------------------------------------------

    async def respond(self, request: Request, body: bytes, entered: bool = False) -> Reply:
        """The reply to a request, counted and logged; never an error.

        `entered` says that it is among those `inside` already; afterwards it is not.
        """
        target: Target | None = None
        self.inside += not entered
        try:
            target = self._admitted(request, self.inside - 1)
            reply = await self._reply(request, target, self._plain(request, body))
        except Exception as error:
            reply = self.problem(error, request)
        except BaseException as error:  # polars tells some damage by an exception of this kind
            if type(error).__name__ != "PanicException":
                raise
            reply = self.problem(error, request)
        finally:
            self.inside -= 1
        self.seen(request, target, reply)
        return reply

    def at_once(self, request: Request, body: bytes) -> Reply | Ready | None:
        """The reply where it takes no time; what was read of a plain question; else None.

        A plain question may be asked together with others: see `answer`.
        """
        target: Target | None = None
        try:
            if self._tracing is not None or b"content-encoding" in request.headers:
                return None
            target = self._admitted(request, self.inside)
            if target.page is not None:
                reply = self._pages.get(target, request)
            elif target.verb is None:
                return None
            else:
                ready = self.asking.prepare(request, target, body)
                if ready is None or ready.asked.wants is PLAIN:
                    return ready
                found = self.asking.now(ready)
                if found is None:
                    return None
                reply = found
        except Exception as error:
            reply = self.problem(error, request)
        self.seen(request, target, reply)
        return reply

    def answer(self, asked: list[Ready]) -> Iterable[Reply | None]:
        """The replies to plain questions that are there at the same time; None for a slow one."""
        if len(asked) == 1:
            return [self._now(asked[0])]
        groups: dict[int, list[int]] = {}
        for at, ready in enumerate(asked):
            groups.setdefault(id(ready.batcher), []).append(at)
        replies: list[Reply | None] = [None] * len(asked)
        for places in groups.values():
            began = time.perf_counter()
            found = asked[places[0]].batcher.together([asked[at].asked.rows for at in places])
            taken = (time.perf_counter() - began) / len(places)
            for order, at in enumerate(places):
                replies[at] = self._now(asked[at]) if found is None else self._finished(
                    asked[at], found[order], taken)
        return replies

    def crowded(self, request: Request) -> Reply | None:
        """The refusal of a request that must wait where too many do already; None if it may.

        Those of one turn were let in together, before any of them was known to be slow.
        """
        try:
            self._check_room(self.inside)
        except Refused as error:
            return self.refused(request, error)
        return None

    def problem(self, error: BaseException, request: Request) -> Reply:
        """The reply that tells an error."""
        status, told, headers = problems.problem(error, request.id)
        if isinstance(error, Refused):
            self.metrics.refuse(str(error.more.get("reason") or status))
        if status >= 500 and not isinstance(error, Refused):
            self.lines.fault(error, request.id, request.path)
        return Reply(status, _json.dumps(told), problems.MEDIA, headers)

    def seen(self, request: Request, target: Target | None, reply: Reply) -> None:
        """Count and log a request that has its answer."""
        seconds = time.perf_counter() - request.began
        probe = target is not None and target.scope is None
        if request.meter is not None:
            request.meter.asked(reply.status, seconds, request.rows)
        elif not probe:
            self.metrics.elsewhere(reply.status)
        if not probe and (self.lines.requests or (reply.status >= 400 and self.lines.on)):
            self.lines.request(request, reply, seconds)

    def _now(self, ready: Ready) -> Reply | None:
        try:
            reply = self.asking.now(ready)
        except Exception as error:
            reply = self.problem(error, ready.request)
        if reply is not None:
            self.seen(ready.request, None, reply)
        return reply

    def _finished(self, ready: Ready, answers: Any, seconds: float) -> Reply:
        try:
            reply = self.asking.finish(ready, answers, seconds)
        except Exception as error:
            reply = self.problem(error, ready.request)
        self.seen(ready.request, None, reply)
        return reply

    def _admitted(self, request: Request, others: int) -> Target:
        """What is asked, by somebody who may ask it (looked at once); Refused otherwise.

        `others` are the requests that are being answered already.
        """
        if request.target is not None:
            return request.target
        target = self._targets.find(request)
        if target.scope is None:
            return target
        self._check_room(others)
        if self._access is not None:
            self._access.admit(_token(request), target.scope, self._model(target), request.client)
        request.target = target
        return target

    def _check_room(self, others: int) -> None:
        if others >= self.options.concurrent:
            raise Refused(429, f"{self.options.concurrent:,} requests are being answered, which is "
                          "as many as the server takes at one time: come again later.",
                          retry_after=1, reason="concurrent")

    def _model(self, target: Target) -> str | None:
        """The model that is asked: the one in the path, else, of a verb, the first."""
        if target.name is None and target.verb is not None:
            with suppress(WholefitError):
                return self.routes.choose(None, None, None).served.name
        return target.name

    def _plain(self, request: Request, body: bytes) -> bytes:
        coding = request.headers.get(b"content-encoding")
        return body if coding is None else unpacked(body, coding, self.options.body)

    async def _reply(self, request: Request, target: Target, body: bytes) -> Reply:
        if target.page is not None:
            return self._pages.get(target, request)
        if target.verb is None:
            return await self._pages.feedback(body, request)
        if self._tracing is None:
            return await self.asking.reply(request, target, body)
        with self._tracing.span(request, target):
            return await self.asking.reply(request, target, body)

    # ---- ASGI ------------------------------------------------------------------------------

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """A request, or the server's beginning and end, as ASGI has them."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        request = Request.of_scope(scope, time.perf_counter())
        try:
            async with asyncio.timeout(self.options.reading):
                body = await body_of(request, receive, self.options.body)
            reply = await self.respond(request, body)
        except ConnectionError:
            self.metrics.refuse("gone")
            return
        except TimeoutError:
            reply = self.refused(request, late(self.options.reading))
        except Refused as error:
            reply = self.refused(request, error)
        with suppress(ConnectionError):
            await reply.send(send, request.id, request.method == "HEAD")

    def refused(self, request: Request, error: Refused) -> Reply:
        """The reply to a request that was turned away before it was read."""
        reply = self.problem(error, request)
        self.seen(request, None, reply)
        return reply

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except WholefitError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def start(self) -> None:
        """Begin: from here the server is started, and ready once it has models."""
        self._ticking = asyncio.get_running_loop().create_task(self._tick())
        self.health.started = True

    async def stop(self) -> None:
        """End: what waits is answered, lines of log are written."""
        self.health.draining = True
        if self._ticking is not None:
            self._ticking.cancel()
        for close in self._closing:
            await asyncio.get_running_loop().run_in_executor(None, close)
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.lines.flush()

    async def _tick(self) -> None:
        """Some times a second: write lines, and whatever else is to be looked after."""
        while True:
            await asyncio.sleep(_TICK)
            self.lines.flush()
            for each in self.ticks:
                each(time.perf_counter())

    def _told(self, event: str, facts: dict[str, Any]) -> None:
        self.lines.say(event, "warning", **facts)


def late(seconds: float) -> Refused:
    """The refusal of a request that does not arrive."""
    return Refused(408, f"the request took longer to arrive than {seconds:g} seconds.", close=True,
                   reason="reading")


def _token(request: Request) -> str | None:
    """The key that a caller shows, from either header that may hold one."""
    bearer = request.headers.get(b"authorization")
    if bearer is not None and bearer[:7].lower() == b"bearer ":
        return bearer[7:].strip().decode("latin-1")
    plain = request.headers.get(b"x-api-key")
    return None if plain is None else plain.strip().decode("latin-1")


def _nothing(kept: Any) -> None:
    """Keeps nothing."""
