"""Changes under load, on a real server: no request fails, whatever is promoted, broken or ended."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import polars as pl
import pytest

import wholefit as wf
from wholefit.data import bundled

pytest.importorskip("uvicorn")

ROWS = 240


@dataclass
class Load:
    """Clients that ask without a pause, each on a connection of its own that stays open."""

    url: str
    rows: list[dict]
    expected: dict[str, list[str]]
    stop: threading.Event = field(default_factory=threading.Event)
    statuses: Counter = field(default_factory=Counter)
    versions: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    sticky: dict[str, set[str]] = field(default_factory=dict)

    def ask(self, at: int) -> None:
        place = urlsplit(self.url)
        line = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
        number = at
        while not self.stop.is_set():
            row = number % len(self.rows)
            number += 7
            try:
                line.request("POST", "/predict", json.dumps(self.rows[row]),
                             {"content-type": "application/json", "x-key": f"C-{at}"})
                reply = line.getresponse()
                body = json.loads(reply.read())
            except Exception as error:
                self.faults.append(repr(error))
                line.close()
                continue
            self.statuses[reply.status] += 1
            version = reply.headers.get("x-model-version", "none")
            self.versions[version] += 1
            self.sticky.setdefault(f"C-{at}", set()).add(version)
            if reply.status != 200:
                self.faults.append(str(body))
            elif repr(body["p_Yes"]) != self.expected[version][row]:
                self.faults.append(f"version {version} does not answer so: {body}")
        line.close()

    def __enter__(self) -> Load:
        self._threads = [threading.Thread(target=self.ask, args=(at,)) for at in range(4)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture(scope="module")
def fitted(tmp_path_factory) -> tuple[Path, list[dict], dict[str, list[str]]]:
    """Three models of churn in a folder, rows to ask, and what each model answers to each."""
    folder = tmp_path_factory.mktemp("swaps")
    frame = pl.read_csv(bundled.path("telco_churn"), null_values="NA", infer_schema_length=None)
    rows = frame[2_000:2_000 + ROWS].drop("churn")
    expected = {}
    for number in (1, 2, 3):
        result = wf.fit(frame[(number - 1) * 500:number * 500], target="churn",
                        models=["logistic"], jobs=1)
        result.save(folder / f"{number}.wf")
        found = wf.load(folder / f"{number}.wf").predict_proba(rows)
        expected[str(number)] = [repr(value) for value in found["p_Yes"].to_list()]
    return folder, rows.to_dicts(), expected


@pytest.fixture
def running(fitted, tmp_path) -> Iterator[tuple]:
    """A registry with the three versions, the first promoted, and a server that follows it."""
    from wholefit.api.serving import Server
    from wholefit.artifact.registry import Registry
    from wholefit.serving.options import Options

    folder, rows, expected = fitted
    registry = Registry(tmp_path / "registry")
    for number in (1, 2, 3):
        registry.add(folder / f"{number}.wf", "churn")
    registry.promote("churn", 1)
    server = Server(None, Options(port=0), registry=tmp_path / "registry")
    server._follower._every = 0.01
    with server.begin() as at:
        yield registry, server, Load(at.url, rows, expected)
    registry.close()


def until(met, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def served(server) -> str:
    return next(iter(server.routes.shares("churn")))


def test_promotions_and_rollbacks_under_load_lose_no_request(running):
    registry, server, load = running
    with load:
        for number in (2, 3, 1, 2, 3, 1, 2, 3, 1, 2):
            registry.promote("churn", number, why="a test")
            until(lambda number=number: served(server) == str(number))
            time.sleep(0.05)
        for _ in range(5):
            before = served(server)
            registry.rollback("churn", why="a test")
            until(lambda before=before: served(server) != before)
        asked = sum(load.versions.values())
        until(lambda: sum(load.versions.values()) > asked + 50)
    assert load.faults == []
    assert set(load.statuses) == {200} and load.statuses[200] > 200
    assert set(load.versions) == {"1", "2", "3"}
    until(lambda: not server.routes.retiring(), 5)


def test_a_damaged_version_is_never_served_and_hurts_nobody(running):
    registry, server, load = running
    path = Path(registry.version("churn", 3).path)
    whole = path.read_bytes()
    with load:
        for damage in (b"", whole[:len(whole) // 2], b"\0" * 1000):
            registry.promote("churn", 2)
            until(lambda: served(server) == "2")
            path.write_bytes(whole)
            registry.promote("churn", 3)  # it is whole when it is promoted, and spoilt at once
            path.write_bytes(damage)
            time.sleep(0.2)
            registry.promote("churn", 1)
            until(lambda: served(server) == "1")
            path.write_bytes(whole)
    assert load.faults == [] and set(load.statuses) == {200}


def test_a_canary_is_sticky_and_shadows_are_not_seen(running):
    registry, server, load = running
    with load:
        registry.set_traffic("churn", {1: 0.5, 2: 0.5})
        registry.set_shadows("churn", [3])
        until(lambda: len(server.routes.shares("churn")) == 2)
        asked = sum(load.versions.values())
        until(lambda: sum(load.versions.values()) > asked + 60)  # what was under way is answered
        load.sticky.clear()
        asked = sum(load.versions.values())
        until(lambda: len(load.sticky) == 4 and sum(load.versions.values()) > asked + 60)
        kept = {key: set(versions) for key, versions in load.sticky.items()}
        until(lambda: server.app.asking._shadowing.answered > 20)
    assert load.faults == [] and "3" not in load.versions
    # What was under way at the change may still answer by the shares of before.
    assert all(len(versions) == 1 for versions in kept.values()), kept
    assert {key: min(versions) for key, versions in kept.items()} == {
        key: server.routes.choose("churn", key=key).served.version for key in kept}


def test_a_registry_that_goes_away_leaves_what_is_served(running):
    registry, _, load = running
    folder = Path(registry.folder)
    with load:
        until(lambda: load.statuses[200] > 20)
        registry.close()
        (folder / "registry.db").rename(folder / "gone.db")
        time.sleep(0.3)
        asked = load.statuses[200]
        until(lambda: load.statuses[200] > asked + 20)
        (folder / "registry.db").unlink(missing_ok=True)
        (folder / "gone.db").rename(folder / "registry.db")
    assert load.faults == [] and set(load.statuses) == {200}


def test_keys_come_and_go_under_load(fitted, tmp_path):
    from wholefit.api.serving import Server
    from wholefit.serving.access import KeyFile, guard
    from wholefit.serving.options import Options

    folder, rows, _ = fitted
    file = KeyFile(tmp_path / "keys.json")
    _, token = file.add("shop", ["predict:churn"])
    watch = guard(file.path, tmp_path / "audit.db")
    watch.keys._look = 0.02
    server = Server({"churn": folder / "1.wf"}, Options(port=0), access=watch)
    statuses: list[tuple[str, int]] = []
    phase, stop = ["good"], threading.Event()
    with server.begin() as at:
        place = urlsplit(at.url)

        def ask() -> None:
            line = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
            while not stop.is_set():
                before = phase[0]
                line.request("POST", "/predict", json.dumps(rows[0]),
                             {"content-type": "application/json", "x-api-key": token})
                reply = line.getresponse()
                reply.read()
                if before == phase[0]:
                    statuses.append((before, reply.status))
            line.close()

        clients = [threading.Thread(target=ask) for _ in range(3)]
        for client in clients:
            client.start()
        for number in range(20):
            file.add(f"other {number}")
            file.rotate("shop" if number == 0 else f"other {number}")
        until(lambda: len(statuses) > 50)
        phase[0] = "between"
        file.revoke("shop")
        time.sleep(0.3)
        phase[0] = "revoked"
        until(lambda: sum(when == "revoked" for when, _ in statuses) > 20)
        stop.set()
        for client in clients:
            client.join()
    assert {status for when, status in statuses if when == "good"} == {200}
    assert {status for when, status in statuses if when == "revoked"} == {401}
    assert watch.audit is not None and watch.audit.verify()[1] is None
