"""Rows of any JSON whatever: an answer or a problem, and never a fault of the server."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.serving.served import Client, people, saved
from tests.unlabelled import CASES

from wholefit.api.serving import serve

pytest.importorskip("uvicorn")
pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")

COLUMNS = {
    "classification": ("id", "age", "town", "member", "visits"), "text": ("review",),
    "image": ("shot",), "clustering": ("key", "a", "b", "c", "kind"),
    "anomaly": ("key", "a", "b", "c", "kind"), "reduction": ("key", "a", "b", "c", "kind"),
    "recommendation": ("users", "k", "likes", "filter", "rows"),
    "association": ("baskets", "k", "rows"), "generation": ("n", "seed", "label"),
    "multilabel": ("key", "a", "b", "kind"),
    "translation": ("key", "time")}
CELLS = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers() | st.text(max_size=8) | st.sampled_from([
        "Ely", "1e400", "nan", "2026-01-31", "-0", 10**40, 2**63, 1e308, -1e308, "", " ", "true",
        "u1", "bread", "iVBORw0KGgo=", "\x00", "٣"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner,
                                                               max_size=2), max_leaves=5)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with serve({kind: saved(kind) for kind in COLUMNS}, port=0, wait=False) as server:
        yield Client(server.url)


def rows(names: tuple[str, ...]) -> st.SearchStrategy[Any]:
    row = st.fixed_dictionaries(dict.fromkeys(names, CELLS), optional={"extra": CELLS})
    return row | st.lists(row | st.dictionaries(st.sampled_from(names), CELLS), max_size=4) | CELLS


@pytest.mark.parametrize("kind", COLUMNS)
def test_any_json_gets_an_answer_or_a_problem(client: Client, kind: str) -> None:
    assert set(COLUMNS) >= set(CASES)

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(rows(COLUMNS[kind]))
    def holds(asked: Any) -> None:
        got = client.post(f"/v1/models/{kind}:predict", asked)
        assert got.status in (200, 400, 413, 422), (asked, got.body)
        told = json.loads(got.body)
        assert got.status == 200 or (told["status"] == got.status and told["detail"])

    holds()


def test_a_table_without_rows_is_no_fault_of_the_server(client: Client) -> None:
    sink, frame = io.BytesIO(), people(20).drop("spent", "churn").head(0)
    frame.write_ipc_stream(sink)
    for wants in ("", "?level=0.9", "?explain=true", "?least=0.8"):
        got = client.post(f"/v1/models/classification:predict{wants}", sink.getvalue(),
                          content_type="application/vnd.apache.arrow.stream")
        assert got.status in (200, 400, 422), (wants, got.body)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.sampled_from(["parquet", "arrow.stream", "arrow.file", "csv"]))
def test_damaged_tables_are_the_callers_fault(client: Client, data: Any, kind: str) -> None:
    sink, frame = io.BytesIO(), people(20).drop("spent", "churn")
    {"parquet": frame.write_parquet, "arrow.stream": frame.write_ipc_stream,
     "arrow.file": frame.write_ipc, "csv": frame.write_csv}[kind](sink)
    body = bytearray(sink.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    body = body[:data.draw(st.integers(0, len(body)))]
    media = "text/csv" if kind == "csv" else f"application/vnd.apache.{kind}"
    got = client.post("/v1/models/classification:predict", bytes(body), content_type=media)
    assert got.status in (200, 400, 413, 422), got.body


def test_strange_tables_are_the_callers_fault(client: Client) -> None:
    base = people(5).drop("spent", "churn")
    for name, column in {"age": [[1.0]] * 5, "town": [{"a": 1}] * 5, "member": [b"\xff"] * 5,
                         "visits": [None] * 5}.items():
        sink = io.BytesIO()
        base.with_columns(pl.Series(name, column)).write_parquet(sink)
        got = client.post("/v1/models/classification:predict", sink.getvalue(),
                          content_type="application/vnd.apache.parquet")
        assert got.status == (200 if name == "visits" else 422), (name, got.body)


def test_a_truth_is_no_number_of_items(client: Client) -> None:
    for baskets in ([], [["bread"]]):
        got = client.post("/v1/models/association:predict", {"baskets": baskets, "k": True})
        assert got.status in (400, 422) and "whole number" in json.loads(got.body)["detail"]
