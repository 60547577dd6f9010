"""HTTP on the connection: order, limits, half requests, and a model at fault."""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.serving.fakes import Doubler
from tests.serving.served import Client

from wholefit.serving.app import App
from wholefit.serving.logs import Lines
from wholefit.serving.options import Options
from wholefit.serving.routing import Routes
from wholefit.serving.running import Running, begin

pytest.importorskip("uvicorn")
pytest.importorskip("httptools")


def start(served: Doubler, log: io.BytesIO | None = None, **options: object) -> Running:
    routes = Routes()
    routes.put(served)
    app = App(routes, Options(port=0, **options), lines=Lines(log))
    return begin(app)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with start(Doubler(), reading=0.6, idle=1.2, body=20_000) as running:
        yield running


def line(url: str) -> socket.socket:
    place = urlsplit(url)
    return socket.create_connection((place.hostname, place.port), timeout=10)


def post(value: object, *headers: str) -> bytes:
    body = json.dumps({"x": value}).encode()
    extra = "".join(f"{each}\r\n" for each in headers)
    return (f"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n{extra}\r\n"
            ).encode() + body


def everything(sock: socket.socket) -> bytes:
    found = b""
    while piece := sock.recv(65_536):
        found += piece
    return found


def test_requests_sent_ahead_are_answered_in_order(server: Running) -> None:
    with line(server.url) as sock:
        sock.sendall(b"".join(post(at) for at in range(40)) + post("old")
                     + post(99, "connection: close"))
        found = everything(sock)
    bodies = [each.split(b"\r\n\r\n", 1)[1] for each in found.split(b"HTTP/1.1 ")[1:]]
    assert [json.loads(each)["prediction"] for each in bodies[:40]] == [2 * a for a in range(40)]
    assert json.loads(bodies[40])["status"] == 422
    assert json.loads(bodies[41])["prediction"] == 198
    assert found.count(b"connection: close") == 1


def test_a_request_in_pieces_is_one_request(server: Running) -> None:
    with line(server.url) as sock:
        whole = post(21, "connection: close")
        for at in range(0, len(whole), 7):
            sock.sendall(whole[at:at + 7])
        assert b'"prediction":42' in everything(sock)


def test_chunks_and_expectation_and_head_and_http_1_0(server: Running) -> None:
    with line(server.url) as sock:
        sock.sendall(b"POST /predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n"
                     b"expect: 100-continue\r\nconnection: close\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 100 Continue")
        sock.sendall(b'3\r\n{"x\r\n5\r\n": 4}\r\n0\r\n\r\n')
        assert b'"prediction":8' in everything(sock)
    with line(server.url) as sock:
        sock.sendall(b"HEAD /readyz HTTP/1.0\r\n\r\n")
        found = everything(sock)
        assert found.startswith(b"HTTP/1.1 200") and found.endswith(b"\r\n\r\n")
    with line(server.url) as sock:
        sock.sendall(b"GET http://a/readyz?x=1#part HTTP/1.1\r\nconnection: close\r\n\r\n")
        assert everything(sock).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(("sent", "status"), [
    (b"nonsense\r\n\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00", 400),
    (b"GET / HTTP/1.1\r\n" + b"x: " + b"a" * 40_000 + b"\r\n\r\n", 431),
    (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n", 414),
    (b"POST /predict HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n", 413),
    (b"POST /predict HTTP/1.1\r\ncontent-length: 30000\r\n\r\n" + b"a" * 30_000, 413),
    (b"POST /predict HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n7530\r\n" + b"a" * 30_000, 413),
    (b"POST /predict HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc", 400),
    (b"POST /predict HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400),
    (b"GET /\xff\xfe HTTP/1.1\r\n\r\n", 400),
    (b"GET /%ff HTTP/1.1\r\n\r\n", 400),
])
def test_what_is_no_good_http_is_refused_and_ended(
    server: Running, sent: bytes, status: int
) -> None:
    with line(server.url) as sock:
        sock.sendall(sent)
        found = everything(sock)
    assert found.startswith(b"HTTP/1.1 %d" % status), found[:300]
    head, body = found.split(b"\r\n\r\n", 1)
    assert b"connection: close" in head and json.loads(body)["status"] == status


def test_half_a_request_is_ended_in_time(server: Running) -> None:
    for sent in (b"POST /pre", b"POST /predict HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"):
        began = time.monotonic()
        with line(server.url) as sock:
            sock.sendall(sent)
            found = everything(sock)
        assert found.startswith(b"HTTP/1.1 408") and time.monotonic() - began < 5


def test_an_idle_connection_is_closed(server: Running) -> None:
    with line(server.url) as sock:
        sock.sendall(post(1))
        assert b"200 OK" in sock.recv(4_000)
        began = time.monotonic()
        assert everything(sock) == b"" and 0.5 < time.monotonic() - began < 6


def test_an_upgrade_is_answered_as_plain_http(server: Running) -> None:
    with line(server.url) as sock:
        sock.sendall(b"GET /readyz HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        assert everything(sock).startswith(b"HTTP/1.1 200")


def test_a_fault_of_the_model_is_a_500_that_tells_nothing() -> None:
    log = io.BytesIO()
    with start(Doubler(), log) as server:
        found = Client(server.url).post("/predict", {"x": "boom"})
        assert found.status == 500 and b"secret" not in found.body
        assert Client(server.url).post("/predict", {"x": 2}).json["prediction"] == 4
    lines = [json.loads(each) for each in log.getvalue().splitlines()]
    fault = next(each for each in lines if each["event"] == "fault")
    assert fault["request"] == found.headers["x-request-id"] and fault["error"] == "RuntimeError"
    assert b"secret" not in log.getvalue() and b"boom" not in log.getvalue()
    assert any("fakes.py" in where for where in fault["where"])


def test_lines_of_log_hold_no_rows_and_no_addresses() -> None:
    log = io.BytesIO()
    with start(Doubler(), log) as server:
        Client(server.url).post("/predict?secret=17", {"x": 31337}, authorization="Bearer hidden")
        Client(server.url).get("/livez")
    text = log.getvalue()
    told = [json.loads(each) for each in text.splitlines()]
    assert [each["path"] for each in told if each["event"] == "request"] == ["/predict"]
    assert told[0]["status"] == 400 and told[0]["model"] == "twice"
    for word in (b"31337", b"hidden", b"secret", b"127.0.0.1", b"62674"):
        assert word not in text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow,
          HealthCheck.function_scoped_fixture])
@given(st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=60).map(lambda b: b"POST /predict HTTP/1.1\r\ncontent-length: %d\r\n\r\n"
                               % len(b) + b),
    st.lists(st.sampled_from([b"GET / HTTP/1.1\r\n", b"POST /predict HTTP/1.1\r\n", b"\r\n",
                              b"content-length: 4\r\n", b"transfer-encoding: chunked\r\n",
                              b"connection: close\r\n", b"expect: 100-continue\r\n", b"{}",
                              b"4\r\nabcd\r\n", b"0\r\n\r\n", b"\x00", b"upgrade: h2c\r\n"]),
             max_size=12).map(b"".join)))
def test_no_bytes_whatever_give_a_500_or_stop_the_server(server: Running, sent: bytes) -> None:
    with line(server.url) as sock:
        sock.sendall(sent)
        sock.shutdown(socket.SHUT_WR)
        found = everything(sock)
    assert b"HTTP/1.1 5" not in found
    assert Client(server.url).post("/predict", {"x": 3}).json["prediction"] == 6
