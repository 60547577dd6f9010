"""Alarms told elsewhere: whole JSON to a command or an address; faults without secrets."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from wholefit.base.errors import DataError, ParameterError
from wholefit.monitoring import hooks


def test_a_command_gets_the_json(tmp_path: Path) -> None:
    kept = tmp_path / "told.json"
    hooks.command([sys.executable, "-c", f"import sys; open({str(kept)!r}, 'wb').write("
                   "sys.stdin.buffer.read())"], {"alarms": ["größer"]})
    assert json.loads(kept.read_bytes()) == {"alarms": ["größer"]}


def test_a_command_runs_no_shell(tmp_path: Path) -> None:
    mark = tmp_path / "made"
    hooks.command(f"{sys.executable} -c pass ; touch {mark} $(touch {mark})", {})
    assert not mark.exists()


@pytest.mark.parametrize(("words", "error"), [
    (f"{sys.executable} -c 'raise SystemExit(3)'", "ended with code 3"),
    ("no-such-program-at-all", "cannot be run")])
def test_a_command_that_fails_is_told(words: str, error: str) -> None:
    with pytest.raises(DataError, match=error):
        hooks.command(words, {})


def test_a_command_that_takes_too_long_is_ended() -> None:
    with pytest.raises(DataError, match="longer than"):
        hooks.command([sys.executable, "-c", "import time; time.sleep(30)"], {}, seconds=0.5)
    for bad in ("", "'open quote"):
        with pytest.raises(ParameterError):
            hooks.command(bad, {})


@pytest.fixture
def server() -> Iterator[tuple[str, list[Any]]]:
    got: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, json.loads(body)))
            code = int(self.path.strip("/").split("?")[0] or 200)
            self.send_response(code)
            if code == 302:
                self.send_header("Location", "/200")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words: Any) -> None:
            """Nothing is said of a request."""

    made = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_address[1]}", got
    made.shutdown()
    made.server_close()


def test_a_webhook_gets_the_json(server: tuple[str, list[Any]]) -> None:
    address, got = server
    hooks.webhook(f"{address}/200?token=hunter2", {"said": "alarm"})
    assert got == [("/200?token=hunter2", {"said": "alarm"})]
    for code in (302, 404, 500):
        with pytest.raises(DataError) as told:
            hooks.webhook(f"{address}/{code}?token=hunter2", {})
        assert str(code) in str(told.value) and "hunter2" not in str(told.value)
    assert len(got) == 4, "no redirect is followed"


def test_addresses_that_are_none() -> None:
    for bad in ("file:///etc/passwd", "ftp://host/x", "https://", "host", "http://[bad", ""):
        with pytest.raises(ParameterError, match="webhook must be"):
            hooks.webhook(bad, {})
    with pytest.raises(DataError, match="cannot be reached") as told:
        hooks.webhook("http://user:hunter2@127.0.0.1:9/", {}, seconds=2)
    assert "hunter2" not in str(told.value)
