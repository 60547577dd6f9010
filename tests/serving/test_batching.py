"""Who is asked together, who waits, and who is told to come again."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.serving.fakes import Doubler
from tests.serving.served import Client

from wholefit.base.errors import SchemaError
from wholefit.serving._model import PLAIN
from wholefit.serving.app import App
from wholefit.serving.batching import Batcher
from wholefit.serving.options import Options
from wholefit.serving.problems import Refused
from wholefit.serving.routing import Routes
from wholefit.serving.running import begin


def run(served: Doubler, work: Any, **options: Any) -> Any:
    async def whole() -> Any:
        with ThreadPoolExecutor(2) as pool:
            return await work(Batcher(served, pool, Options(**options)))

    return asyncio.run(whole())


def test_a_quick_model_is_asked_at_once_on_the_loop() -> None:
    served = Doubler()

    async def work(batcher: Batcher) -> Any:
        return await batcher.answer([{"x": 4}], PLAIN)

    assert run(served, work) == {"prediction": [8]}
    assert served.threads == {threading.get_ident()}


def test_requests_of_one_turn_are_asked_together_and_each_gets_its_own() -> None:
    served = Doubler()

    async def work(batcher: Batcher) -> Any:
        return batcher.together([[{"x": 1}], [{"x": 2}, {"x": 3}], [], [{"x": 4}]])

    assert run(served, work) == [{"prediction": each} for each in ([2], [4, 6], [], [8])]
    assert served.batches == [4]


def test_one_bad_row_spoils_nobody_elses_answer() -> None:
    served = Doubler()

    async def work(batcher: Batcher) -> Any:
        assert batcher.together([[{"x": 1}], [{"x": "old"}]]) is None
        return await batcher.answer([{"x": 1}], PLAIN)

    assert run(served, work) == {"prediction": [2]}


def test_what_comes_while_a_slow_model_works_is_its_next_batch() -> None:
    served = Doubler(quick=False, many=True, seconds=0.1)

    async def work(batcher: Batcher) -> Any:
        return await asyncio.gather(*(batcher.answer([{"x": at}], PLAIN) for at in range(9)))

    assert run(served, work) == [{"prediction": [2 * at]} for at in range(9)]
    assert served.batches == [1, 8], "the first alone and at once, the others together"
    assert threading.get_ident() not in served.threads


def test_a_batch_with_a_bad_request_answers_the_others() -> None:
    served = Doubler(quick=False, many=True, seconds=0.05)

    async def work(batcher: Batcher) -> Any:
        rows = [0, 1, "old", 3]
        return await asyncio.gather(*(batcher.answer([{"x": x}], PLAIN) for x in rows),
                                    return_exceptions=True)

    found = run(served, work)
    assert [found[at] for at in (0, 1, 3)] == [{"prediction": [0]}, {"prediction": [2]},
                                               {"prediction": [6]}]
    assert isinstance(found[2], SchemaError)


def test_batches_keep_their_limit() -> None:
    served = Doubler(quick=False, many=True, seconds=0.05)

    async def work(batcher: Batcher) -> Any:
        return await asyncio.gather(*(batcher.answer([{"x": at}] * 3, PLAIN) for at in range(8)))

    run(served, work, batch=6)
    assert max(served.batches) <= 6 and sum(served.batches) == 24


def test_too_much_that_waits_is_told_to_come_again() -> None:
    served = Doubler(quick=False, many=True, seconds=0.1)

    async def work(batcher: Batcher) -> Any:
        return await asyncio.gather(*(batcher.answer([{"x": at}] * 4, PLAIN) for at in range(8)),
                                    return_exceptions=True)

    found = run(served, work, queue=10, batch=4)
    refused = [each for each in found if isinstance(each, Refused)]
    assert refused and all(each.status == 429 for each in refused)
    assert (b"retry-after", b"1") in refused[0].headers
    assert sum(isinstance(each, dict) for each in found) >= 3


def test_an_answer_that_takes_too_long_is_given_up_and_the_next_goes_on() -> None:
    served = Doubler(quick=False, many=True, seconds=0.5)

    async def work(batcher: Batcher) -> Any:
        first = await asyncio.gather(batcher.answer([{"x": 1}], PLAIN), return_exceptions=True)
        served.seconds = 0.0
        await asyncio.sleep(0.6)
        return first[0], await batcher.answer([{"x": 2}], PLAIN)

    late, then = run(served, work, answering=0.2)
    assert isinstance(late, Refused) and late.status == 503 and then == {"prediction": [4]}


def test_a_model_that_has_become_slow_leaves_the_loop_and_comes_back() -> None:
    served = Doubler(seconds=0.05)

    async def work(batcher: Batcher) -> Any:
        for _ in range(6):
            await batcher.answer([{"x": 1}], PLAIN)
        slow = set(served.threads)
        served.seconds = 0.0
        for _ in range(600):
            await batcher.answer([{"x": 1}], PLAIN)
        served.threads.clear()
        await batcher.answer([{"x": 1}], PLAIN)
        return slow

    assert len(run(served, work)) > 1
    assert served.threads == {threading.get_ident()}


def test_requests_beyond_the_limit_of_a_server_get_429() -> None:
    pytest.importorskip("uvicorn")
    served = Doubler(quick=False)
    served.held = threading.Event()
    routes = Routes()
    routes.put(served)
    with begin(App(routes, Options(port=0, concurrent=2, threads=4))) as server:
        client = Client(server.url)
        statuses: list[int] = []

        def ask() -> None:
            statuses.append(client.post("/predict", {"x": 1}).status)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for each in threads:
            each.start()
        until = time.monotonic() + 10
        while len(statuses) < 6 and time.monotonic() < until:
            time.sleep(0.02)
        assert client.get("/livez").status == 200, "health is told whatever waits"
        served.held.set()
        for each in threads:
            each.join(20)
    assert sorted(statuses) == [200] * 2 + [429] * 6


def test_slow_requests_of_one_turn_are_held_to_the_limit_too() -> None:
    pytest.importorskip("uvicorn")

    class Busy(Doubler):
        """Holds up the server's loop for x of 0, so that the next requests come in one turn."""

        def quick(self, rows: Any, wants: Any) -> Any:
            if rows[0]["x"] == 0:
                time.sleep(0.5)
                return self.answer(rows, wants)
            return None

    served = Busy(seconds=0.5)
    routes = Routes()
    routes.put(served)
    with begin(App(routes, Options(port=0, concurrent=2, threads=4))) as server:
        lines = [http.client.HTTPConnection(*urlsplit(server.url).netloc.split(":"), timeout=30)
                 for _ in range(9)]
        for line in lines:  # connected, and kept
            line.request("GET", "/livez")
            line.getresponse().read()
        for at, line in enumerate(lines):
            line.request("POST", "/predict", json.dumps({"x": at}),
                         {"content-type": "application/json"})
            time.sleep(0.1 if at == 0 else 0)
        statuses = [line.getresponse().status for line in lines]
        for line in lines:
            line.close()
    assert sorted(statuses[1:]) == [200] * 2 + [429] * 6
