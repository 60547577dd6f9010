"""The server of the labelling page, for this machine and whoever holds the link.

What guards it: it listens on 127.0.0.1 only; every path begins with a random token, one for
each annotator; the Host header must name this machine and port, so that no foreign name can be
pointed at it (DNS rebinding); what changes something must come from the page itself (Origin,
and a JSON body, which no foreign form can send); bodies are small, and clients may not dawdle. It
serves the page's three files and, by key, pictures that the source names within its folder:
no path from a request ever reaches the disk.
"""

from __future__ import annotations

import hmac
import json
import secrets
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any
from urllib.parse import unquote, urlsplit

from wholefit.base.errors import WholefitError
from wholefit.data.labels._items import PICTURES
from wholefit.training.labelling import Session
from wholefit.web.labelling._desk import Desk

_HOST = "127.0.0.1"
_MOST_BYTES = 16_384
_MOST_PICTURE = 50_000_000
_SECONDS = 20
_FILES = {"": ("page.html", "text/html; charset=utf-8"),
          "page.css": ("page.css", "text/css; charset=utf-8"),
          "page.js": ("page.js", "text/javascript; charset=utf-8")}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
}


class Server(ThreadingHTTPServer):
    """One session's server. `links` gives each annotator's address; `serve_forever` runs it."""

    daemon_threads = True
    # On Windows this would let two servers take turns on one port; elsewhere it lets a server
    # have its port again at once.
    allow_reuse_address = sys.platform != "win32"

    def __init__(self, session: Session, people: list[str], port: int, assist: bool) -> None:
        super().__init__((_HOST, port), _Handler)
        self.port: int = self.server_address[1]
        self.desks = {secrets.token_urlsafe(32): Desk(session, who, assist=assist)
                      for who in people}

    @property
    def links(self) -> dict[str, str]:
        """Annotator to address; who has the address is taken for the annotator."""
        return {desk.who: f"http://{_HOST}:{self.port}/{token}/"
                for token, desk in self.desks.items()}

    def desk(self, token: str) -> Desk | None:
        """The place that a token opens; every token is compared in the same time."""
        found = None
        for known, desk in self.desks.items():
            if hmac.compare_digest(known.encode(), token.encode("utf-8", "replace")):
                found = desk
        return found

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nobody's trouble."""


def serve(
    session: Session, people: list[str], *, port: int = 0, assist: bool = False
) -> Server:
    """A server for these annotators, listening; the caller runs `serve_forever` and closes it.

    `port` 0 takes a free one. OSError if the port is taken.
    """
    return Server(session, people, port, assist)


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    server_version = "wholefit"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = _SECONDS

    def do_GET(self) -> None:
        """The page, its state, or a picture."""
        if self.path == "/favicon.ico" and self._host_is_ours():
            self._send(204, b"", "image/x-icon")  # browsers ask, and there is none
            return
        desk, rest = self._admitted()
        if desk is None:
            return
        if rest in _FILES:
            name, kind = _FILES[rest]
            self._send(200, resources.files(__package__).joinpath(name).read_bytes(), kind)
        elif rest == "state":
            self._said(lambda: desk.state())
        elif rest == "disagreements":
            self._said(lambda: desk.disagreements())
        elif rest.startswith("picture/"):
            self._picture(desk, unquote(rest.removeprefix("picture/")))
        else:
            self._refuse(404, "there is nothing here")

    def do_POST(self) -> None:
        """A deed of the page."""
        desk, rest = self._admitted()
        if desk is None:
            return
        if not self._from_the_page():
            self._refuse(403, "this did not come from the page")
            return
        words = self._body()
        if words is not None:
            self._said(lambda: desk.do(rest, words))

    def log_message(self, format: str, *words: Any) -> None:
        """Requests hold the token: they are written nowhere."""

    # Who may

    def _admitted(self) -> tuple[Desk | None, str]:
        """The annotator's place and the rest of the path; refused requests are answered."""
        if not self._host_is_ours():
            self._refuse(403, "this server answers to its own address only")
            return None, ""
        token, slash, rest = urlsplit(self.path).path.lstrip("/").partition("/")
        desk = self.server.desk(token)
        if desk is None or not slash:
            self._refuse(404, "there is nothing here")
            return None, ""
        return desk, rest

    def _host_is_ours(self) -> bool:
        hosts = self.headers.get_all("Host") or []
        return len(hosts) == 1 and hosts[0].lower() in self._ours()

    def _from_the_page(self) -> bool:
        origin = self.headers.get("Origin")
        site = self.headers.get("Sec-Fetch-Site", "same-origin")
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        origins = {f"http://{host}" for host in self._ours()}
        return (origin is None or origin in origins) and site == "same-origin" and \
            kind == "application/json"

    def _ours(self) -> tuple[str, ...]:
        return f"{_HOST}:{self.server.port}", f"localhost:{self.server.port}"

    # What is said

    def _body(self) -> dict[str, Any] | None:
        """The JSON object sent; None where a refusal was answered instead."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self._refuse(411, "say how long the body is")
            return None
        if int(length) > _MOST_BYTES:
            self._refuse(413, f"a body has at most {_MOST_BYTES:,} bytes")
            return None
        try:
            words = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            words = None
        if not isinstance(words, dict):
            self._refuse(400, "the body is no JSON object")
            return None
        return words

    def _said(self, make: Any) -> None:
        try:
            body = make()
        except WholefitError as error:
            self._refuse(400, str(error))
            return
        self._send(200, json.dumps(body).encode(), "application/json")

    def _picture(self, desk: Desk, key: str) -> None:
        items = desk.session.items
        item = items.places().get(key)
        path = None if item is None else items.picture(item)
        if path is None or path.stat().st_size > _MOST_PICTURE:
            self._refuse(404, "there is no such picture")
            return
        self._send(200, path.read_bytes(), PICTURES[path.suffix.lower()])

    def _refuse(self, code: int, sentence: str) -> None:
        # What was not read of a refused request must not be taken for the next one.
        self.close_connection = True
        self._send(code, json.dumps({"error": sentence}).encode(), "application/json",
                   {"Connection": "close"})

    def _send(
        self, code: int, body: bytes, kind: str, more: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(code)
        for name, value in {**_HEADERS, **(more or {}), "Content-Type": kind,
                            "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
