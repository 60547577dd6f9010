"""Requests made at random, to models of several tasks: an answer or a reason, never a fault."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import gzip
import io
import json
import random
from collections import Counter

import polars as pl
import pytest
from tests.serving.served import fitted

from wholefit.serving import _json, replies

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")

ODD = [None, True, False, 0, -1, 1e308, 10**30, 2**63, "", " ", "\0", "é" * 50, "x" * 5_000, [], {},
       [1], {"a": 1}, [[[]]], "NaN", "inf", "1e999", "2020-01-01", "iVBORw0KGgo=", "1_000", "1,5"]
CELLS = [None, True, 5, 2.5, float("nan"), float("inf"), "x", b"\xff\x00", dt.date(2020, 1, 1),
         dt.datetime(1, 1, 1), dt.time(3, 4), dt.timedelta(days=1), [1, 2], [], 2**62]
BODIES = [b"", b"null", b"1", b'"a"', b"[]", b"{}", b"[null]", b"[1]", b"[[]]", b'{"rows": 1}',
          b'{"rows": [null]}', b'{"rows": [[1]]}', b"[" * 100_000 + b"]" * 100_000,
          b'{"rows": ' + b"[" * 900 + b"]" * 900 + b"}", b"\xff\xfe{", b'{"a":1,"a":2}', b"NaN",
          b"1" * 100_000, b'"\\ud800"', b'{"rows": [{}' + b",{}" * 3_000 + b"]}", b"a,b\n1"]
TABLES = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv",
          "file": "application/vnd.apache.arrow.file",
          "stream": "application/vnd.apache.arrow.stream"}
MORE = [{}, {}, {"explain": True}, {"level": 0.9}, {"level": 2}, {"level": "a"}, {"least": 0.8},
        {"k": 10**12}, {"k": "a"}, {"n": -1}, {"n": 10**12}, {"seed": "a"}, {"options": {"k": 3}}]


@pytest.fixture(scope="module")
def app():
    """An application with models of several tasks."""
    from wholefit.api.serving import Server
    from wholefit.serving.options import Options

    models = {kind: fitted(kind) for kind in (
        "classification", "text", "clustering", "recommendation", "association")}
    return Server(models, Options(body=300_000, rows=2_000)).app


def ask(app, method, path, query, headers, body) -> tuple[int, dict, bytes]:
    """One request, straight to the application."""
    sent: list[dict] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": query,
             "headers": headers, "client": ("127.0.0.1", 1), "http_version": "1.1"}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def spoilt(draw: random.Random, body: bytes) -> bytes:
    made = bytearray(body)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(made) + 1)
        made[at:at + draw.randint(0, 6)] = draw.randbytes(draw.randint(0, 6))
    return bytes(made)


def row_of(served) -> dict:
    return {each.name: each.levels[0] if each.role == "categorical" and each.levels else
            (each.low or 0) if each.role in ("numeric", "boolean") else "a text"
            for each in served.inputs}


def as_json(draw: random.Random, served) -> tuple[bytes, str]:
    rows = [row_of(served) for _ in range(draw.randint(1, 3))]
    for row in rows:
        for name in draw.sample(list(row), min(len(row), draw.choice([0, 0, 0, 1, 2]))):
            row[name] = draw.choice(ODD)
    if draw.random() < 0.1:
        return draw.choice(BODIES), "application/json"
    found = draw.choice([rows[0], rows, {"rows": rows, **draw.choice(MORE)}])
    return json.dumps(found).encode(), "application/json"


def as_table(draw: random.Random, served) -> tuple[bytes, str]:
    columns = [pl.Series(name, [draw.choice(CELLS) if draw.random() < 0.15 else value] * 2,
                         strict=False) for name, value in row_of(served).items()]
    kind, sink = draw.choice(list(TABLES)), io.BytesIO()
    try:
        write = {"parquet": "write_parquet", "csv": "write_csv", "file": "write_ipc",
                 "stream": "write_ipc_stream"}[kind]
        getattr(pl.DataFrame(columns), write)(sink)
    except pl.exceptions.PolarsError:
        return b"PAR1", TABLES[kind]
    return sink.getvalue(), TABLES[kind]


def request(draw: random.Random, served) -> tuple:
    body, media = (as_json if draw.random() < 0.6 else as_table)(draw, served)
    if draw.random() < 0.1:
        body = spoilt(draw, body)
    headers = [(b"content-type", media.encode())]
    if draw.random() < 0.05:
        headers.append((b"content-encoding", b"gzip"))
        body = draw.choice([gzip.compress(body), body, gzip.compress(b"0" * 5_000_000),
                            gzip.compress(body)[:-3]])
    if draw.random() < 0.3:
        headers.append((b"accept", draw.choice([*TABLES.values(), "*/*", ",", "a/b;q=x"]).encode()))
    headers += draw.choice([[]] * 8 + [
        [(b"x-key", b"\xff")], [(b"x-request-id", b"a\r\nset-cookie: b")],
        [(b"content-length", b"-1")]])
    verb = draw.choice([*(each.name for each in served.verbs)] * 3 + ["explain", "__init__"])
    path = draw.choice([f"/v1/models/{served.name}:{verb}",
                        f"/v1/models/{served.name}/versions/1:{verb}", f"/{verb}"])
    path = draw.choice([path] * 30 + ["//", "/v1/models/" + "x" * 5_000, "/v1/models/\ud800",
                                      "/v1/models/../x:predict", "/v1/feedback"])
    query = draw.choice([b""] * 4 + [b"explain=1", b"level=nan", b"k=-1", b"%ff=1", b"a=1&" * 200])
    return draw.choice(["POST"] * 30 + ["GET", "FOO"]), path, query, headers, body


@pytest.mark.parametrize("seed", range(3))
def test_every_request_gets_an_answer_or_a_reason(app, seed):
    draw, statuses = random.Random(seed), Counter()
    for _ in range(150):
        asked = request(draw, draw.choice(app.routes.served()))
        status, headers, body = ask(app, *asked)
        statuses[status] += 1
        assert status < 500, (asked[:4], asked[4][:200])
        assert not any(b"\n" in value or b"\r" in value for value in headers.values())
        if status != 200:
            told = json.loads(body)
            assert told["status"] == status and told["detail"].strip()
            assert "Traceback" not in told["detail"]
    assert statuses[200] > 8, "too few of them were well formed to be worth the name"


def test_a_table_of_bytes_can_be_told_as_csv():
    """Found by chance requests: CSV has no way to write bytes."""
    frame = pl.DataFrame({"user": [b"\xff\x00", None], "stars": [1.5, 2.0]})
    body, media = replies.of_frame(frame, "csv")
    assert media == b"text/csv" or media.startswith(b"text/csv")
    found = pl.read_csv(body)
    assert found.columns == ["user", "stars"]
    assert base64.b64decode(json.loads(found["user"][0])) == b"\xff\x00"
    assert found["user"][1] is None


def test_half_letters_in_a_reply_cost_nobody_the_reply():
    """Found by chance requests: a path with one, told in an error, could not be written."""
    told = json.loads(_json.dumps({"detail": "nothing is at '/\ud800'", "n": 10**30}))
    assert told["n"] == 10**30 and told["detail"].startswith("nothing is at")
