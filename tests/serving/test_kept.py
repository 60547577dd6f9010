"""What stands behind a server: the log, truths, shadows, the registry, keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.serving.served import Client, rows, saved

from wholefit.api.serving import serve, served
from wholefit.artifact.registry import Registry
from wholefit.base.errors import ParameterError, WholefitError
from wholefit.data.predictions import open_log

pytest.importorskip("uvicorn")


def wait_for(what: Callable[[], bool], seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)


def test_answers_are_kept_and_truths_find_them(tmp_path: Path) -> None:
    log = str(tmp_path / "answers.db")
    asked = rows("classification", 3)
    with serve({"churn": saved("classification")}, log=log, keep_rows=True, port=0,
               wait=False) as server:
        client = Client(server.url)
        first = client.post("/predict", asked[0], x_request_id="order-1")
        client.post("/predict", asked, x_request_id="order-2")
        csv = pl.DataFrame(asked).write_csv().encode()
        client.post("/predict", csv, content_type="text/csv", x_request_id="order-3")
        told = client.post("/v1/feedback", [
            {"id": "order-1", "truth": "yes"}, {"id": "order-2/3", "truth": "no", "at": 1.7e9},
            {"id": "nobody", "truth": 1}])
        assert told.status == 202 and told.json["taken"] == 3 and told.json["known"] == 2
        assert client.post("/v1/feedback", {"id": "order-1"}).json["column"] == "truth"
        for wrong in (b"", b"[]", b"3", b'{"id": 7, "truth": 1}', b'{"id": "a", "truth": null}',
                      b'{"id": "a", "truth": [1]}', b'{"id": "a", "truth": 1, "at": "now"}',
                      b'{"id": "a", "truth": 1, "at": 1e300}'):
            assert client.post("/v1/feedback", wrong).status in (400, 422), wrong
    kept = open_log(log).read(model="churn")
    assert kept.height == 7
    by_id = {row["id"]: row for row in kept.to_dicts()}
    assert set(by_id) == {"order-1", *(f"order-{n}/{at}" for n in (2, 3) for at in (1, 2, 3))}
    assert by_id["order-1"]["truth"] == "yes" and by_id["order-2/3"]["truth"] == "no"
    assert by_id["order-1"]["answer.prediction"] == first.json["prediction"]
    assert by_id["order-1"]["row.age"] == asked[0]["age"]
    assert by_id["order-1"]["confidence"] == first.json["confidence"]
    assert by_id["order-1"]["version"] == "1" and not by_id["order-1"]["shadow"]


def test_rows_are_not_kept_unless_that_is_asked(tmp_path: Path) -> None:
    log = tmp_path / "answers.db"
    with serve({"churn": saved("classification")}, log=str(log), port=0, wait=False) as server:
        Client(server.url).post("/predict", {**rows("classification", 1)[0], "age": 41.125})
    kept = open_log(log).read(model="churn")
    assert kept.height == 1 and not [name for name in kept.columns if name.startswith("row.")]
    assert b"41.125" not in log.read_bytes()
    counted = open_log(log).counted("churn", "1")
    assert counted is not None, "but they are counted, so that drift can be seen"


def test_shadows_answer_unseen_and_a_share_is_sticky(tmp_path: Path) -> None:
    log = str(tmp_path / "answers.db")
    row = rows("classification", 1)[0]
    with serve({"churn": saved("classification"), "churn@2": saved("boosted")}, log=log, port=0,
               wait=False) as server:
        routes, client = server.app.routes, Client(server.url)
        routes.shadow("churn", ["2"])
        told = [client.post("/predict", row).headers["x-model-version"] for _ in range(3)]
        assert told == ["1"] * 3
        routes.shadow("churn", [])
        routes.split("churn", {"1": 0.5, "2": 0.5})
        found = {key: {client.post("/predict", row, x_key=key).headers["x-model-version"]
                       for _ in range(3)} for key in map(str, range(12))}
    assert all(len(versions) == 1 for versions in found.values())
    assert {next(iter(versions)) for versions in found.values()} == {"1", "2"}
    unseen = open_log(log).read(shadow=True)
    assert unseen.height == 3 and set(unseen["version"]) == {"2"}


def test_a_column_keeps_a_row_with_its_version(tmp_path: Path) -> None:
    with serve({"churn": saved("classification"), "churn@2": saved("boosted")}, port=0, wait=False,
               key_column="id") as server:
        server.app.routes.split("churn", {"1": 0.5, "2": 0.5})
        client = Client(server.url)
        seen = [{client.post("/predict", row).headers["x-model-version"] for _ in range(3)}
                for row in rows("classification", 10)]
    assert all(len(versions) == 1 for versions in seen)
    assert set().union(*seen) == {"1", "2"}


def test_a_registry_is_followed(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    first = registry.add(saved("classification"), "churn")
    row = rows("classification", 1)[0]
    with pytest.raises(WholefitError, match="nothing is promoted"):
        serve(registry=tmp_path / "registry", port=0, wait=False)
    registry.promote("churn", first.number, "test", "the first")
    with serve(registry=tmp_path / "registry", port=0, wait=False) as server:
        client = Client(server.url)

        def version() -> str:
            got = client.post("/v1/models/churn:predict", row)
            assert got.status == 200
            return got.headers["x-model-version"]

        assert version() == str(first.number)
        second = registry.add(saved("boosted"), "churn", parent=first.number)
        registry.promote("churn", second.number, "test", "the second")
        wait_for(lambda: version() == str(second.number))
        registry.rollback("churn", "test", "back")
        wait_for(lambda: version() == str(first.number))


def test_keys_are_asked_for(tmp_path: Path) -> None:
    from wholefit.serving.access import KeyFile, guard

    keys = KeyFile(tmp_path / "keys.json")
    made = keys.add("shop", ["predict"])
    token = next(each for each in (made if isinstance(made, tuple) else (made,))
                 if isinstance(each, str))
    with serve({"churn": saved("classification")}, port=0, wait=False,
               access=guard(tmp_path / "keys.json")) as server:
        client, row = Client(server.url), rows("classification", 1)[0]
        assert client.post("/predict", row).status == 401
        assert client.post("/predict", row, authorization=f"Bearer {token}").status == 200
        assert client.post("/predict", row, x_api_key=token).status == 200
        assert client.post("/predict", row, x_api_key=token + "x").status == 401
        assert client.get("/metrics", x_api_key=token).status == 403
        assert client.get("/livez").status == 200


def test_names_and_models_that_cannot_be_served() -> None:
    with pytest.raises(ParameterError, match="letters, digits"):
        served(saved("classification"), "a/b")
    with pytest.raises(ParameterError, match="said twice"):
        serve({"churn": saved("classification"), "churn@1": saved("boosted")}, port=0, wait=False)
    with pytest.raises(ParameterError, match="must be told what"):
        serve(port=0, wait=False)
    with pytest.raises(ParameterError, match="is a file"):
        served(object())
    with pytest.raises(WholefitError, match="did you mean 'reading'"):
        serve(saved("classification"), raeding=3, port=0, wait=False)
