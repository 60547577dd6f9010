"""A server as its callers know it: every shape, format, want and fault, over a real socket."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from tests.serving.served import Client, fitted, people, rows, saved

from wholefit.api.serving import serve

pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with serve({"churn": saved("classification"), "spend": saved("regression"),
                "churn@2": saved("boosted")}, port=0, wait=False, rows=500,
               body=400_000) as server:
        yield Client(server.url)


def expected(kind: str, count: int) -> pl.DataFrame:
    return fitted(kind).answers(pl.DataFrame(rows(kind, count)))


def test_one_row_gives_one_object_that_says_what_the_model_says(client: Client) -> None:
    row = rows("classification", 5)[3]
    found = client.post("/predict", row)
    said = expected("classification", 5).row(3, named=True)
    assert found.status == 200
    assert found.json["id"] == "C-0003" and found.json["prediction"] == said["prediction"]
    assert found.json["p_yes"] == said["p_yes"] and found.json["p_no"] == said["p_no"]
    assert found.json["confidence"] == max(said["p_yes"], said["p_no"])
    assert found.json["low_confidence"] == (found.json["confidence"] < 0.6)
    assert found.headers["x-model"] == "churn" and found.headers["x-model-version"] == "1"
    assert len(found.headers["x-request-id"]) == 24


def test_the_answer_keeps_the_shape_of_the_question(client: Client) -> None:
    asked = rows("classification", 4)
    said = expected("classification", 4)["prediction"].to_list()
    as_list = client.post("/predict", asked).json
    enveloped = client.post("/predict", {"rows": asked}).json
    instances = client.post("/v1/models/churn:predict", {"instances": asked}).json
    columns = client.post("/predict", {"columns": {
        name: [row[name] for row in asked] for name in asked[0]}}).json
    assert [row["prediction"] for row in as_list] == said
    assert enveloped["rows"] == as_list == instances["predictions"] == columns["rows"]
    assert enveloped["model"] == "churn" and enveloped["version"] == "1" and enveloped["id"]
    assert client.post("/predict", []).json == []
    assert client.post("/predict", {"rows": []}).json["rows"] == []


def test_numbers_have_intervals_and_classes_have_sets_on_request(client: Client) -> None:
    row = rows("regression", 1)[0]
    found = client.post("/v1/models/spend:predict?level=0.8", row).json
    told = fitted("regression").answers(pl.DataFrame([row]), level=0.8).row(0, named=True)
    assert (found["prediction"], found["low"], found["high"]) == (
        told["prediction"], told["low"], told["high"])
    in_body = client.post("/v1/models/spend:predict", {"rows": [row], "level": 0.8}).json
    assert in_body["rows"] == [found]
    sets = client.post("/v1/models/churn:predict_set?level=0.5", rows("classification", 3)).json
    assert all(set(each["set"]) <= {"yes", "no"} for each in sets)


def test_verbs_of_the_task_are_routes(client: Client) -> None:
    row = rows("classification", 1)[0]
    assert set(client.post("/v1/models/churn:predict_proba", row).json) == {"id", "p_no", "p_yes"}
    sure = client.post("/v1/models/churn:predict_sure?least=0.9999", row).json
    assert sure["prediction"] is None and 0 < sure["confidence"] < 1
    assert client.post("/predict_proba", row).status == 200
    wrong = client.post("/v1/models/churn:predict_porba", row)
    assert wrong.status == 404 and "did you mean 'predict_proba'" in wrong.json["detail"]


def test_explanations_add_up_to_the_answer(client: Client) -> None:
    found = client.post("/v1/models/churn:explain", rows("classification", 2)).json
    for each in found:
        told = each["explanation"]
        total = told["base"] + sum(part["adds"] for part in told["parts"])
        assert total == pytest.approx(told["answer"], abs=1e-6)
        assert {part["column"] for part in told["parts"]} == {"age", "town", "member", "visits"}


def test_versions_are_asked_by_number(client: Client) -> None:
    row = rows("boosted", 1)[0]
    second = client.post("/v1/models/churn/versions/2:predict", row)
    assert second.headers["x-model-version"] == "2"
    assert second.json["p_yes"] == expected("boosted", 1)["p_yes"][0]
    assert client.post("/v1/models/churn/versions/3:predict", row).status == 404
    assert client.post("/v1/models/chrun:predict", row).json["detail"].endswith(
        "did you mean 'churn'?")


@pytest.mark.parametrize(("media", "write", "read"), [
    ("text/csv", lambda f, s: f.write_csv(s), pl.read_csv),
    ("application/vnd.apache.parquet", lambda f, s: f.write_parquet(s), pl.read_parquet),
    ("application/vnd.apache.arrow.stream", lambda f, s: f.write_ipc_stream(s),
     pl.read_ipc_stream),
    ("application/vnd.apache.arrow.file", lambda f, s: f.write_ipc(s), pl.read_ipc),
])
def test_tables_go_in_and_come_out(client: Client, media: str, write: Any, read: Any) -> None:
    frame, sink = people(30).drop("spent", "churn"), io.BytesIO()
    write(frame, sink)
    found = client.post("/predict", sink.getvalue(), content_type=media)
    assert found.status == 200 and found.headers["content-type"].startswith(media)
    table = read(io.BytesIO(found.body))
    said = expected("classification", 30)
    assert table["prediction"].to_list() == said["prediction"].to_list()
    assert table["id"].to_list() == frame["id"].to_list()
    as_json = client.post("/predict", sink.getvalue(), content_type=media,
                          accept="application/json").json
    assert [row["prediction"] for row in as_json] == said["prediction"].to_list()


def test_json_in_and_a_table_out_and_lines(client: Client) -> None:
    asked = rows("classification", 6)
    table = client.post("/predict", asked, accept="text/csv;q=0.9, application/xml")
    assert pl.read_csv(io.BytesIO(table.body))["prediction"].to_list() == \
        expected("classification", 6)["prediction"].to_list()
    lines = "\n".join(map(json.dumps, asked)).encode()
    found = client.post("/predict", lines, content_type="application/x-ndjson")
    assert found.headers["content-type"] == "application/x-ndjson"
    assert len(found.body.splitlines()) == 6
    assert client.post("/predict", asked, accept="application/xml").status == 406


def test_a_packed_body_is_unpacked(client: Client) -> None:
    body = gzip.compress(json.dumps(rows("classification", 2)).encode())
    assert client.post("/predict", body, content_encoding="gzip").status == 200
    assert client.post("/predict", body[:-9], content_encoding="gzip").status == 400
    bomb = gzip.compress(b" " * 5_000_000)
    assert len(bomb) < 10_000
    assert client.post("/predict", bomb, content_encoding="gzip").status == 413
    assert client.post("/predict", body, content_encoding="br").status == 415


def test_what_is_repaired_is_told(client: Client) -> None:
    row = rows("classification", 1)[0]
    found = client.post("/predict", {**row, "town": "Hull"}).json
    assert "'Hull'" in found["notes"][0] and found["prediction"] in ("yes", "no")
    as_text = client.post("/predict", {**row, "age": str(row["age"])}).json
    assert as_text["p_yes"] == pytest.approx(client.post("/predict", row).json["p_yes"])
    strict = client.post("/predict?unseen_category=error", {**row, "town": "Hull"})
    assert strict.status == 422 and strict.json["rule"] == "level"


def test_what_does_not_fit_is_a_problem_with_its_place(client: Client) -> None:
    asked = rows("classification", 3)
    wrong = client.post("/predict", {**asked[0], "age": "old"})
    assert wrong.status == 422 and wrong.headers["content-type"] == "application/problem+json"
    told = wrong.json
    assert (told["column"], told["rule"], told["rows"]) == ("age", "type", [1])
    assert told["status"] == 422 and told["request"] == wrong.headers["x-request-id"]
    del asked[1]["town"]
    absent = client.post("/predict", asked).json
    assert (absent["column"], absent["rows"], absent["rule"]) == ("town", [2], "present")
    assert client.post("/predict?missing_column=impute", asked).status == 200
    misspelt = client.post("/predict", {("Age" if name == "age" else name): value
                                        for name, value in asked[0].items()}).json
    assert "there is 'Age'" in misspelt["detail"] and misspelt["column"] == "age"


@pytest.mark.parametrize(("path", "body", "headers", "status"), [
    ("/predict", b"", {}, 400),
    ("/predict", b"{", {}, 400),
    ("/predict", b"\xff\xfe", {}, 400),
    ("/predict", b"3", {}, 400),
    ("/predict", b"null", {}, 400),
    ("/predict", b'"text"', {}, 400),
    ("/predict", b"[1, 2]", {}, 400),
    ("/predict", b'[{"age": NaN}]', {}, 400),
    ("/predict", b'{"age": "\\ud800"}', {}, 400),
    ("/predict", b"{}", {}, 422),
    ("/predict", b'{"rows": [{}], "explian": true}', {}, 400),
    ("/predict?levle=0.9", b"{}", {}, 400),
    ("/predict?level=2", b"{}", {}, 400),
    ("/predict?level=nan", b"{}", {}, 400),
    ("/predict?missing_column=maybe", b"{}", {}, 422),
    ("/predict?%ff=1", b"{}", {}, 400),
    ("/predict", b"{}", {"content-type": "application/x-python-pickle"}, 415),
    ("/predict", b"not parquet", {"content-type": "application/vnd.apache.parquet"}, 400),
    ("/predict", b"ARROW1", {"content-type": "application/vnd.apache.arrow.file"}, 400),
    ("/predict", b"", {"content-type": "text/csv"}, 400),
    ("/predict", b"a picture", {"content-type": "image/png"}, 415),
    ("/predict", b"some text", {"content-type": "text/plain"}, 415),
    ("/predict", b"--x", {"content-type": "multipart/form-data; boundary=x"}, 400),
    ("/predict", b"", {"content-type": "multipart/form-data"}, 400),
    ("/v1/feedback", b'{"id": "a", "truth": "yes"}', {}, 409),
    ("/v1/models", b"{}", {}, 405),
    ("/nothing/here", b"{}", {}, 404),
    ("/v1/models/churn/versions/:predict", b"{}", {}, 404),
    ("/v1/models/%C3%BC:predict", b"{}", {}, 404),
])
def test_bad_requests_are_the_callers_fault(
    client: Client, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    found = client.post(path, body, **headers)
    assert found.status == status, found.body
    assert found.headers["content-type"] == "application/problem+json"
    assert found.json["status"] == status and len(found.json["detail"]) > 10
    assert "Traceback" not in found.body.decode()


def test_limits_of_size(client: Client) -> None:
    row = rows("classification", 1)[0]
    many = client.post("/predict", [row] * 501)
    assert many.status == 413 and many.json["rows_allowed"] == 500
    assert client.post("/predict", b" " * 400_001).status == 413
    csv = people(501).drop("spent", "churn").write_csv().encode()
    assert client.post("/predict", csv, content_type="text/csv").status == 413
    deep = b'{"age": ' + b"[" * 100 + b"]" * 100 + b"}"
    assert client.post("/predict", deep).status == 400
    assert client.post("/predict", b"[" * 100_000).status == 400


def test_forms_are_rows(client: Client) -> None:
    row = rows("classification", 1)[0]
    pairs = "&".join(f"{name}={value}" for name, value in row.items()).encode()
    plain = client.post("/predict", pairs, content_type="application/x-www-form-urlencoded")
    assert plain.json["prediction"] == client.post("/predict", row).json["prediction"]
    parts = b"".join(b'--edge\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
                     % (name.encode(), str(value).encode()) for name, value in row.items())
    form = client.post("/predict", parts + b"--edge--\r\n",
                       content_type="multipart/form-data; boundary=edge")
    assert form.json["prediction"] == plain.json["prediction"]


def test_pages_tell_what_is_served(client: Client) -> None:
    assert client.get("/").json["models"] == ["churn", "spend"]
    told = client.get("/v1/models/churn").json
    assert told["ready"] and [each["version"] for each in told["versions"]] == ["1", "2"]
    first = client.get("/v1/models/churn/versions/1").json
    assert first["classes"] == ["no", "yes"] and first["share"] == 1.0
    assert first["score"]["low"] <= first["score"]["value"] <= first["score"]["high"]
    assert {each["name"] for each in first["inputs"]} == {"id", "age", "town", "member", "visits"}
    assert len(client.get("/v1/models").json["models"]) == 3
    assert client.get("/v1/models/chrn").status == 404
    assert client.ask("HEAD", "/v1/models").body == b""
    for path in ("/livez", "/readyz", "/startupz"):
        assert client.get(path).status == 200
    assert client.get("/predict").headers["allow"] == "POST"


def test_request_ids_come_back_if_they_are_plain(client: Client) -> None:
    assert client.get("/", x_request_id="order-17").headers["x-request-id"] == "order-17"
    assert client.get("/", x_request_id="a b").headers["x-request-id"] != "a b"
    assert client.get("/", x_request_id="x" * 200).headers["x-request-id"] != "x" * 200


def test_metrics_count_what_was_asked(client: Client) -> None:
    def count() -> dict[str, float]:
        text = client.get("/metrics").body.decode()
        return {name: float(value) for name, value in
                (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}

    labels = '{model="churn",version="1",verb="predict"'
    before = count()
    client.post("/predict", rows("classification", 7))
    client.post("/predict", {"age": "old"})
    after = count()
    name = f'wholefit_requests_total{labels},status="200"}}'
    assert after[name] == before[name] + 1
    assert after[f"wholefit_rows_total{labels}}}"] == before[f"wholefit_rows_total{labels}}}"] + 8
    assert after[f'wholefit_requests_total{labels},status="422"}}'] >= 1
    bucket = f'wholefit_request_seconds_bucket{labels},le="+Inf"}}'
    assert after[bucket] == after[f"wholefit_request_seconds_count{labels}}}"]
    assert sum(value for name, value in after.items() if name.startswith(
        f"wholefit_predictions_total{labels}")) >= 7
    digest = client.get("/v1/models/spend/versions/1").json["sha256"]
    assert any(f'sha256="{digest}"' in name and value == 1 for name, value in after.items())
