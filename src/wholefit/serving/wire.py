"""HTTP/1.1 on a connection, parsed by httptools: from bytes to the application and back.

uvicorn listens, handles signals and TLS, and makes one of these for each connection. Beside ASGI
this saves a task and four messages a request, which cost more than a small model does. It also
keeps limits that must hold before there is a request: the size of headers, and the time that each
may take to come.

Requests that are plain and arrive in the same turn of the loop, over several connections, are
answered together. A connection's requests are answered in order, whatever each takes.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import httptools

from wholefit.serving._http import Reply, Request, check_length, too_large
from wholefit.serving.app import App, late
from wholefit.serving.asking import Ready
from wholefit.serving.problems import Refused

_HEADERS, _URL = 32_768, 8_192
_PIPELINE = 64
_LINES = {status.value: b"HTTP/1.1 %d %s\r\n" % (status.value, status.phrase.encode())
          for status in HTTPStatus}
_IDLE, _READING, _BUSY = range(3)


class Shared:
    """What the connections of a server share: the application, and this turn's questions."""

    def __init__(self, app: App, state: Any) -> None:
        self.app, self.state = app, state
        self.turn: list[tuple[Wire, Ready, bytes]] = []
        self.now = time.perf_counter()
        self._dates: list[tuple[bytes, bytes]] = []
        self._date = b""
        app.ticks.append(self._tick)

    def date(self) -> bytes:
        """The headers that are the same for a second, as they are written."""
        if self.state.default_headers is not self._dates:
            self._dates = self.state.default_headers
            self._date = b"".join(b"%s: %s\r\n" % pair for pair in self._dates)
        return self._date

    def end_turn(self) -> None:
        """Answer together what came in this turn."""
        turn, self.turn = self.turn, []
        replies = self.app.answer([ready for _, ready, _ in turn])
        for (wire, ready, body), reply in zip(turn, replies, strict=True):
            if reply is None:
                reply = self.app.crowded(ready.request)
            if reply is None:
                wire.later(ready.request, body)
            else:
                wire.reply(ready.request, reply)

    def _tick(self, now: float) -> None:
        """Close what is idle for too long; end what does not arrive."""
        self.now, options = now, self.app.options
        for wire in list(self.state.connections):
            if wire.doing == _IDLE and now - wire.since > options.idle:
                wire.transport.close()
            elif wire.doing == _READING and now - wire.since > options.reading:
                wire.refuse(late(options.reading))


class Wire(asyncio.Protocol):
    """One connection. `doing` what since when, as the clock of ticks tells it."""

    shared: Shared

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        self.loop = _loop or asyncio.get_event_loop()
        self.app: App = self.shared.app
        self._parser = httptools.HttpRequestParser(self)
        self.transport: Any = None
        self.client = ""
        self.doing, self.since = _IDLE, self.shared.now
        self._waiting: deque[tuple[Request, bytes]] = deque()
        self._keep = True
        self._closed = self._halted = False
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self._size = self._head = 0

    # ---- the connection --------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """A caller is there."""
        self.transport = transport
        self.shared.state.connections.add(self)
        peer = transport.get_extra_info("peername")
        self.client = str(peer[0]) if isinstance(peer, tuple) and peer else ""

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone."""
        self._closed = True
        self.shared.state.connections.discard(self)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        """Some bytes came."""
        if self._halted:
            return
        if self.doing == _IDLE:
            self.doing, self.since = _READING, self.shared.now
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._halted = True  # nothing else is spoken here; what was asked is answered
            if self.doing == _IDLE:
                self.transport.close()
        except httptools.HttpParserError as error:
            if not self._halted:  # else a refusal of ours, which the parser passes on
                self.refuse(Refused(400, f"this is no HTTP: {str(error)[:100]}.", close=True))

    def pause_writing(self) -> None:
        """The caller does not read: nor do we."""
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """The caller reads again."""
        if not self._closed:
            self.transport.resume_reading()

    def shutdown(self) -> None:
        """The server stops: end after what is being answered."""
        self._keep = False
        if self.doing == _IDLE:
            self.transport.close()

    # ---- what httptools tells --------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begin()

    def on_url(self, url: bytes) -> None:
        """A piece of the address."""
        self._url += url
        if len(self._url) > _URL:
            self._stop(Refused(414, f"an address must be at most {_URL:,} bytes.", close=True))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._head += len(name) + len(value)
        if self._head > _HEADERS:
            self._stop(Refused(431, f"headers must be at most {_HEADERS:,} bytes.", close=True))
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The body follows, if there is one."""
        try:
            check_length(self._headers, self.app.options.body)
        except Refused as error:
            self._stop(error)
        expect = self._headers.get(b"expect")
        if expect is not None and expect.lower() == b"100-continue" and self.doing != _BUSY:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._parts.append(body)
        self._size += len(body)
        if self._size > self.app.options.body:
            self._stop(too_large(self.app.options.body))

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._halted:
            return
        path, _, query = self._url.partition(b"?")
        if not path.startswith(b"/"):
            path = _origin(self._url)
        try:
            plain = path.decode("ascii")
            request = Request(self._parser.get_method().decode("ascii"),
                              unquote(plain, errors="strict") if "%" in plain else plain,
                              query.partition(b"#")[0], self._headers, self.client,
                              time.perf_counter())
        except UnicodeDecodeError:
            self._stop(Refused(400, "an address must be ASCII, with % for the rest of UTF-8.",
                               close=True))
        self._keep = self._keep and self._parser.should_keep_alive()
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        if self.doing == _BUSY:
            self._waiting.append((request, body))
            if len(self._waiting) >= _PIPELINE:
                self.transport.pause_reading()
        else:
            self._ask(request, body)

    # ---- asking ----------------------------------------------------------------------------

    def _ask(self, request: Request, body: bytes) -> None:
        self.doing = _BUSY
        found = self.app.at_once(request, body)
        if found is None:
            self.later(request, body)
        elif isinstance(found, Reply):
            self.reply(request, found)
        else:
            shared = self.shared
            shared.turn.append((self, found, body))
            if len(shared.state.connections) == 1:
                shared.end_turn()
            elif len(shared.turn) == 1:
                self.loop.call_soon(shared.end_turn)

    def later(self, request: Request, body: bytes) -> None:
        """Answer in a task of its own, for it may have to wait."""
        self.app.inside += 1  # now, not when the task begins: the next one is let in by it
        task = self.loop.create_task(self._answered(request, body))
        tasks = self.shared.state.tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _answered(self, request: Request, body: bytes) -> None:
        self.reply(request, await self.app.respond(request, body, entered=True))

    def reply(self, request: Request, reply: Reply) -> None:
        """Write a reply, and take the next request."""
        if self._closed:
            return
        head = [_LINES[reply.status], self.shared.date(),
                b"content-type: %s\r\ncontent-length: %d\r\nx-request-id: %s\r\n"
                % (reply.media, len(reply.body), request.id.encode("ascii"))]
        for pair in reply.headers or ():
            if pair[0] == b"connection":
                self._keep = False
            else:
                head.append(b"%s: %s\r\n" % pair)
        ends = not self._waiting and (self._halted or not self._keep)
        head.append(b"connection: close\r\n\r\n" if ends else b"\r\n")
        if request.method != "HEAD":
            head.append(reply.body)
        self.transport.write(b"".join(head))
        self.shared.state.total_requests += 1
        self.doing, self.since = _IDLE, self.shared.now
        if self._waiting:
            self._next()
        elif ends:
            self.transport.close()

    def _next(self) -> None:
        """The next request of those that came before the last was answered."""
        waiting = self._waiting
        if len(waiting) == _PIPELINE:
            self.transport.resume_reading()
        self.loop.call_soon(self._ask, *waiting.popleft())
        self.doing = _BUSY

    def refuse(self, error: Refused) -> None:
        """Turn away what is being read, and hang up."""
        self._halted = True
        request = Request("POST", "", b"", {}, self.client, time.perf_counter())
        if self.doing != _BUSY:
            self.reply(request, self.app.refused(request, error))
        self._keep = False

    def _stop(self, error: Refused) -> None:
        """Turn away, and let the parser stop."""
        self.refuse(error)
        raise error


def _origin(url: bytes) -> bytes:
    """The path of an address that names its host, too; b"/" where it has none."""
    try:
        return httptools.parse_url(url).path or b"/"
    except httptools.HttpParserInvalidURLError:
        return b"/"


def protocol(app: App, state: Any) -> type[Wire]:
    """The class of a server's connections."""
    return type("BoundWire", (Wire,), {"shared": Shared(app, state)})
