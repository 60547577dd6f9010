"""The application behind any ASGI server: the same answers as over our own connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.serving.fakes import Doubler
from tests.serving.served import Client

from wholefit.serving.app import App
from wholefit.serving.options import Options
from wholefit.serving.routing import Routes
from wholefit.serving.running import begin


def app(**options: Any) -> App:
    routes = Routes()
    routes.put(Doubler())
    return App(routes, Options(port=0, **options))


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Over uvicorn's own HTTP, as where httptools and uvloop are not installed."""
    pytest.importorskip("uvicorn")
    from wholefit.serving import _uvicorn

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_uvicorn, "available", lambda module: False)
        with begin(app(body=1_000)) as server:
            yield Client(server.url)


def test_the_same_answers_without_httptools(client: Client) -> None:
    got = client.post("/predict", {"x": 4}, x_request_id="order-9")
    assert got.status == 200 and got.json == {"prediction": 8}
    assert got.headers["x-request-id"] == "order-9" and got.headers["x-model"] == "twice"
    assert client.post("/predict", {"x": "old"}).json["column"] == "x"
    assert client.post("/predict", b" " * 1_001).status == 413
    assert client.post("/predict", {"x": "boom"}).status == 500
    assert client.get("/nowhere/at/all").status == 404
    assert client.ask("HEAD", "/readyz").body == b""
    assert client.get("/readyz").json == {"status": "ready"}
    assert b'status="413"' in client.get("/metrics").body


def talk(made: App, messages: list[dict[str, Any]], **scope: Any) -> list[dict[str, Any]]:
    """What an application sends for these messages."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.sleep(60)
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(made({"type": "http", "method": "POST", "path": "/predict", "query_string": b"",
                      "headers": [], **scope}, receive, send))
    return sent


def test_bodies_in_pieces_callers_who_leave_and_who_are_slow() -> None:
    pieces = [{"type": "http.request", "body": b'{"x":', "more_body": True},
              {"type": "http.request", "body": b" 5}", "more_body": False}]
    assert json.loads(talk(app(), pieces)[1]["body"]) == {"prediction": 10}
    gone = [{"type": "http.request", "body": b'{"x":', "more_body": True},
            {"type": "http.disconnect"}]
    made = app()
    assert talk(made, gone) == [] and made.metrics.refused == {"gone": 1}
    slow = talk(app(reading=0.1), [{"type": "http.request", "body": b"{", "more_body": True}])
    assert slow[0]["status"] == 408


def test_the_servers_life_and_other_kinds_of_connection() -> None:
    made = app()
    assert made.health.ready()[0] == 503 and made.health.begun()[0] == 503
    sent = talk(made, [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}],
                type="lifespan")
    assert [each["type"] for each in sent] == ["lifespan.startup.complete",
                                               "lifespan.shutdown.complete"]
    assert made.health.started and made.health.ready()[0] == 503, "it drains"
    closed = talk(app(), [{"type": "websocket.connect"}], type="websocket")
    assert closed == [{"type": "websocket.close", "code": 1000}]
