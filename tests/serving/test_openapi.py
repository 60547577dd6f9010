"""The OpenAPI document is sound, and what it says is what the server does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.serving.served import Client, saved
from tests.unlabelled import CASES

from wholefit.api.serving import serve

pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    models = {kind: saved(kind) for kind in ("classification", "regression", *CASES)}
    with serve(models, port=0, wait=False) as server:
        yield Client(server.url)


@pytest.fixture(scope="module")
def document(client: Client) -> dict[str, Any]:
    return client.get("/openapi.json").json


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_references_lead_somewhere_and_operations_have_names_of_their_own(
    document: dict[str, Any]
) -> None:
    assert document["openapi"] == "3.1.0" and document["info"]["title"] and document["info"][
        "version"]
    for reference in set(references(document)):
        found: Any = document
        for word in reference.removeprefix("#/").split("/"):
            found = found[word.replace("~1", "/")]
    operations = [each for path in document["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]
    assert len(set(names)) == len(names) and all(re.fullmatch(r"[\w.-]+", each) for each in names)
    for each in operations:
        assert all(re.fullmatch("[1-5][0-9]{2}", status) for status in each["responses"])
        for parameter in each.get("parameters", []):
            assert {"name", "in", "schema"} <= parameter.keys()
    json.dumps(document, allow_nan=False)


def test_every_path_answers_and_every_status_is_told(
    client: Client, document: dict[str, Any]
) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            real = path.replace("{name}", "classification")
            got = client.ask(method.upper(), real, {} if method == "post" else None)
            assert str(got.status) in operation["responses"] or (
                path == "/v1/feedback" and got.status == 409), (path, got.status)
            media = got.headers["content-type"].partition(";")[0]
            told = operation["responses"].get(str(got.status), {}).get("content", {})
            assert media in told or got.status == 409, (path, got.status, media)
            other = client.ask("DELETE", real)
            assert other.status == 405


def test_the_row_is_described_by_the_models_columns(document: dict[str, Any]) -> None:
    row = document["components"]["schemas"]["classification.Row"]
    assert set(row["required"]) == {"age", "town", "member", "visits"}
    assert row["properties"]["town"]["examples"] == ["Bath", "Ely", "Wells"]
    assert "id" in row["properties"] and "id" not in row["required"]
    assert row["properties"]["age"]["type"] == ["number", "null"]
    assert "number" in row["properties"]["age"]["description"]


@pytest.mark.parametrize("model", ["classification", "regression"])
@pytest.mark.parametrize("beside, good", [
    ({}, True), ({"level": 0.9}, True), ({"level": 2}, False), ({"explain": "very"}, False),
    ({"hello": 1}, False)])
@pytest.mark.parametrize("word", ["rows", "instances"])
def test_what_may_stand_beside_rows_is_told_and_held(
    client: Client, document: dict[str, Any], model: str, word: str, beside: dict[str, Any],
    good: bool,
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    row = {"age": 41.0, "town": "Ely", "member": True, "visits": 3}
    path = f"/v1/models/{model}:predict"
    schema = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    # A row of its own may have any members more, so that only the envelopes tell.
    envelopes = [each for each in schema["anyOf"] if each.get("additionalProperties") is False]
    checker = jsonschema.Draft202012Validator(
        {"anyOf": envelopes, "components": document["components"]})
    body = {word: [row], **beside}
    assert checker.is_valid(body) is good
    assert client.ask("POST", path, body).status == (200 if good else 400)
