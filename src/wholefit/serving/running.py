"""Running the application on a socket: in the foreground until a signal, or in a thread."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

from wholefit.base.errors import WholefitError
from wholefit.base.optional import need
from wholefit.serving.app import App

_PATIENCE = 60.0


def run(app: App, ready: Callable[[str], None] = lambda url: None) -> None:
    """Serve until a signal to stop; `ready(url)` is called once requests are taken.

    MissingExtraError without uvicorn; WholefitError where the address cannot be had.
    """
    server = _server(app, ready)
    # What was loaded stays: the collector need not walk through it again and again.
    gc.collect()
    gc.freeze()
    try:
        server.run()
    except SystemExit:
        raise _refused(app) from None
    if not server.started:
        raise _refused(app)


def begin(app: App, after: Callable[[], None] = lambda: None) -> Running:
    """Serve in a thread of its own, and come back once requests are taken.

    `after` is called when it has stopped.
    """
    return Running(app, after)


class Running:
    """A server in a thread: `url`, and `stop`; also a context manager."""

    def __init__(self, app: App, after: Callable[[], None]) -> None:
        self.app, self._after = app, after
        self._up = threading.Event()
        self._server = _server(app, lambda url: self._up.set())
        self._thread = threading.Thread(target=self._run, name="wholefit-server", daemon=True)
        self._thread.start()
        self._up.wait(_PATIENCE)
        if not self._server.started:
            raise _refused(app)
        self.url: str = self._server.url

    def _run(self) -> None:
        try:
            self._server.run()
        except SystemExit:  # uvicorn's word for "the address is taken"
            pass
        finally:
            self._up.set()

    def stop(self, seconds: float = 30.0) -> None:
        """Stop taking requests, finish those that are there, and end the thread."""
        self.app.health.draining = True
        self._server.should_exit = True
        self._thread.join(seconds)
        self._after()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Running {self.url}>"


def _server(app: App, ready: Callable[[str], None]) -> Any:
    need("uvicorn", extra="serve", user="the server")
    from wholefit.serving._uvicorn import Server

    made = Server(app, app.options, ready)
    try:
        made.config.load()  # reads the TLS files
    except OSError:  # SSLError is one
        raise _refused(app) from None
    return made


def _refused(app: App) -> WholefitError:
    return WholefitError(
        f"cannot listen on {app.options.host}:{app.options.port}: the address is taken, is not of "
        "this machine, or its TLS files cannot be read; say another --port or --host.")
