"""uvicorn as what listens: signals, TLS, a clean end; uvloop turns the loop where it is there.

Connections are `serving.wire` where httptools is there, else uvicorn's own over h11 and ASGI.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from wholefit.base.errors import WholefitError
from wholefit.base.optional import available
from wholefit.serving.app import App
from wholefit.serving.options import Options


class Server(uvicorn.Server):
    """uvicorn's server, which says where it listens and drains before it stops.

    After the first signal /readyz says no for `options.drain` seconds while requests are still
    taken: a cluster needs that long to send them elsewhere. Then it stops listening and finishes
    what it has.
    """

    def __init__(self, app: App, options: Options, ready: Callable[[str], None]) -> None:
        super().__init__(_config(app, options))
        self._wholefit, self._options, self._ready = app, options, ready
        self._until: float | None = None
        self.url = ""
        if available("httptools"):
            from wholefit.serving.wire import protocol

            self.config.http = protocol(app, self.server_state)

    async def startup(self, sockets: list[Any] | None = None) -> None:
        """Begin to listen; then say where."""
        await super().startup(sockets=sockets)
        if self.started and self.servers:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            scheme = "https" if self._options.certificate else "http"
            self.url = f"{scheme}://{shown}:{port}"
            self._ready(self.url)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to stop: drain first; a second one does not wait."""
        if self._until is None and self._options.drain > 0:
            self._wholefit.health.draining = True
            self._until = time.monotonic() + self._options.drain
            return
        self._wholefit.health.draining = True
        super().handle_exit(sig, frame)
        self._captured_signals.clear()  # a server that was told to stop has done what it should

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to stop."""
        if self._until is not None and time.monotonic() >= self._until:
            self.should_exit = True
        return await super().on_tick(counter)


def _config(app: App, options: Options) -> uvicorn.Config:
    if bool(options.certificate) != bool(options.private_key):
        raise WholefitError("TLS needs a certificate and its private key: say both.")
    import ssl

    return uvicorn.Config(
        app, host=options.host, port=options.port, lifespan="on", ws="none",
        http="h11", proxy_headers=False,
        loop="uvloop" if available("uvloop") else "asyncio",
        log_config=None, access_log=False, server_header=False,
        timeout_keep_alive=max(1, round(options.idle)),
        timeout_graceful_shutdown=max(1, round(options.grace)),
        ssl_certfile=options.certificate, ssl_keyfile=options.private_key,
        ssl_ca_certs=options.clients,
        ssl_cert_reqs=ssl.CERT_REQUIRED if options.clients else ssl.CERT_NONE)
