"""A request as the application sees it, and a reply as it leaves; nothing of sockets."""

from __future__ import annotations

import os
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from wholefit.serving.metrics import Meter
from wholefit.serving.problems import Refused

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON = b"application/json"
_ID_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:+=")
_LONGEST_ID = 128


class Request:
    """Method, path, headers and id of a request.

    `target` is set once it was admitted, `meter` and `rows` once a model is chosen, `ready` where
    it was read and has to wait. `headers` are by name in lower case; of two of one name the last
    holds. `client` is the caller's address, "" where it is not known.
    """

    __slots__ = ("_query", "began", "client", "headers", "id", "meter", "method", "path",
                 "query_string", "ready", "rows", "target")

    def __init__(
        self, method: str, path: str, query: bytes, headers: dict[bytes, bytes], client: str,
        began: float,
    ) -> None:
        self.method, self.path, self.query_string = method, path, query
        self.headers, self.client, self.began = headers, client, began
        given = headers.get(b"x-request-id")
        self.id = os.urandom(12).hex() if given is None else _id(given)
        self._query: dict[str, str] | None = None
        self.meter: Meter | None = None
        self.rows = 0
        self.target: Any = None
        self.ready: Any = None

    @classmethod
    def of_scope(cls, scope: Message, began: float) -> Request:
        """The request of an ASGI scope."""
        client = scope.get("client")
        return cls(scope["method"], scope["path"], scope.get("query_string", b""),
                   dict(scope["headers"]), str(client[0]) if client else "", began)

    @property
    def query(self) -> dict[str, str]:
        """The words after the question mark; the last of two of one name holds."""
        if self._query is None:
            try:
                self._query = dict(parse_qsl(
                    self.query_string.decode("ascii"), keep_blank_values=True,
                    max_num_fields=50)) if self.query_string else {}
            except ValueError:
                raise Refused(400, "the words after ? in the address must be at most 50 of the "
                              "kind name=value, in ASCII with % for the rest.") from None
        return self._query

    def header(self, name: bytes) -> str:
        """A header as text; "" where there is none."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def media(self) -> str:
        """The type of the body, without its parameters, in lower case; "" where none is said."""
        return self.header(b"content-type").partition(";")[0].strip().lower()


class Reply:
    """Status, body and headers."""

    __slots__ = ("body", "headers", "media", "status")

    def __init__(
        self, status: int, body: bytes, media: bytes = JSON,
        headers: list[tuple[bytes, bytes]] | None = None,
    ) -> None:
        self.status, self.body, self.media = status, body, media
        self.headers = headers

    async def send(self, send: Send, request_id: str, bare: bool = False) -> None:
        """Send it over ASGI; `bare` without its body, as the answer to HEAD."""
        headers = [(b"content-type", self.media),
                   (b"content-length", b"%d" % len(self.body)),
                   (b"x-request-id", request_id.encode("latin-1"))]
        if self.headers:
            headers += self.headers
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if bare else self.body})


def check_length(headers: dict[bytes, bytes], most: int) -> None:
    """Refused (413) where a request says that its body is larger than `most` bytes."""
    length = headers.get(b"content-length")
    if length is not None and (len(length) > 15 or not length.isdigit() or int(length) > most):
        raise too_large(most)


async def body_of(request: Request, receive: Receive, most: int) -> bytes:
    """The whole body as it came over ASGI; Refused (413) where it is larger than `most` bytes.

    ConnectionError where the caller goes away.
    """
    check_length(request.headers, most)
    parts, size, more = [], 0, True
    while more and size <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
    if size > most:
        raise too_large(most)
    return b"".join(parts)


def unpacked(body: bytes, coding: bytes, most: int) -> bytes:
    """A body that came packed; Refused (400, 413, 415)."""
    coding = coding.strip().lower()
    if coding == b"identity":
        return body
    if coding not in (b"gzip", b"x-gzip"):
        raise Refused(415, f"a body may be packed by gzip; got {coding.decode('latin-1')[:40]!r}.",
                      headers=[(b"accept-encoding", b"gzip")])
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        found = unpack.decompress(body, most + 1)
    except zlib.error as error:
        raise Refused(400, f"the body is no whole gzip ({error}).") from None
    if len(found) > most:
        raise too_large(most)
    if not unpack.eof:
        raise Refused(400, "the body is no whole gzip: its end is missing.")
    return found


def too_large(most: int) -> Refused:
    """The refusal of a body that is too large."""
    return Refused(413, f"a body must be at most {most:,} bytes: send fewer rows, or ask the "
                   "server's keeper for a larger limit (--limit body=BYTES).", close=True)


def _id(given: bytes) -> str:
    """The caller's own request id if it is plain, else a new one that cannot be guessed."""
    if 0 < len(given) <= _LONGEST_ID and _ID_LETTERS.issuperset(given):
        return given.decode("ascii")
    return os.urandom(12).hex()
