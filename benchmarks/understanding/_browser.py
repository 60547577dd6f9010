"""A headless Chromium, driven over plain HTTP by its own driver (W3C WebDriver): no library."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ARGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         "--disable-dev-shm-usage", "--no-first-run")


class Browser:
    """One session: opens pages, asks them in their own language, prints and pictures them."""

    def __init__(self, at: str, session: str) -> None:
        self._at = f"{at}/session/{session}"

    def open(self, path: Path) -> None:
        """Load a file from disk and wait for it."""
        self._post("url", {"url": path.resolve().as_uri()})

    def ask(self, script: str) -> Any:
        """What a function's body returns, run by the driver (not by the page)."""
        return self._post("execute/sync", {"script": script, "args": []})

    def command(self, name: str, **params: Any) -> Any:
        """A command of the developer tools' protocol."""
        return self._post("goog/cdp/execute", {"cmd": name, "params": params})

    def size(self, width: int, height: int) -> None:
        """The size of the window's inside, in pixels."""
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height,
                     deviceScaleFactor=1, mobile=False)

    def dark(self, on: bool) -> None:
        """Ask for dark pages, or light ones."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])

    def scripts(self, on: bool) -> None:
        """Allow pages their scripts, or not."""
        self.command("Emulation.setScriptExecutionDisabled", value=not on)

    def picture(self, path: Path) -> None:
        """The whole page as a PNG."""
        found = self.command("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(found["data"]))

    def printed(self) -> bytes:
        """The page as a PDF, as the printer would have it."""
        return base64.b64decode(self.command("Page.printToPDF", printBackground=True)["data"])

    def said(self) -> list[str]:
        """What the console holds since the last time it was asked."""
        return [str(each["message"]) for each in self._post("se/log", {"type": "browser"})]

    def _post(self, what: str, body: dict[str, Any]) -> Any:
        return _send(f"{self._at}/{what}", body)


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser for as long as the block lasts; RuntimeError where there is none."""
    driver = shutil.which("chromedriver")
    if driver is None or shutil.which("chromium") is None:
        raise RuntimeError("this table needs chromium and chromedriver, and they are not here.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        process = subprocess.Popen([driver, f"--port={port}"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            at = f"http://127.0.0.1:{port}"
            session = _start(at, home)
            yield Browser(at, session)
            _send(f"{at}/session/{session}", None, "DELETE")
        finally:
            process.terminate()
            process.wait(10)


def _start(at: str, home: str) -> str:
    wanted = {"capabilities": {"alwaysMatch": {
        "browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"},
        "goog:chromeOptions": {"binary": shutil.which("chromium"),
                               "args": [*_ARGS, f"--user-data-dir={home}"]}}}}
    for _ in range(50):
        try:
            return str(_send(f"{at}/session", wanted)["sessionId"])
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError("the browser's driver does not answer.")


def _send(url: str, body: dict[str, Any] | None, method: str = "POST") -> Any:
    request = urllib.request.Request(
        url, method=method, data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{url}: {error.read().decode()[:500]}") from error
