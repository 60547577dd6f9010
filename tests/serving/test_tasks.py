"""Every task of the catalog answers over HTTP by its own verbs, as its Result does in Python."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import polars as pl
import pytest
from tests.serving.served import Client, fitted, picture, rows, saved
from tests.unlabelled import rows as table

from wholefit.api.serving import serve
from wholefit.base import tasks
from wholefit.serving._model import PLAIN

pytest.importorskip("uvicorn")
pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")

FOUND = tasks.names(supervised=False)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    models = {kind: saved(kind) for kind in (*FOUND, "text", "image", "regression", "writer")}
    with serve(models, port=0, wait=False) as server:
        yield Client(server.url)


def ask(client: Client, task: str, verb: str, body: object) -> object:
    got = client.post(f"/v1/models/{task}:{verb}", body)
    assert got.status == 200, got.body
    return got.json


@pytest.mark.parametrize("task", FOUND)
def test_every_verb_of_every_task_has_a_route(client: Client, task: str) -> None:
    served = next(each for each in client.get("/v1/models").json["models"]
                  if each["name"] == task)
    assert {each["name"] for each in served["verbs"]} == {
        verb.name for verb in tasks.get(task).verbs}
    for verb in tasks.get(task).verbs:
        wrong = client.post(f"/v1/models/{task}:{verb.name}", {"no such": "thing"})
        assert wrong.status in (400, 422) and wrong.json["detail"]


@pytest.mark.parametrize(("task", "verb"), [
    ("clustering", "predict"), ("anomaly", "predict"), ("anomaly", "score_samples"),
    ("reduction", "transform")])
def test_rows_are_answered_as_in_python(client: Client, task: str, verb: str) -> None:
    asked = table().head(7)
    said = getattr(fitted(task), verb)(asked)
    found = ask(client, task, verb, asked.to_dicts())
    assert len(found) == 7
    for row, expected in zip(found, said.to_dicts(), strict=True):
        assert row.keys() == expected.keys()
        for name, value in expected.items():
            assert row[name] == (pytest.approx(value) if isinstance(value, float) else value)
    one = ask(client, task, verb, asked.to_dicts()[2])
    assert one == pytest.approx(found[2]) or one["key"] == found[2]["key"]


def test_short_words_and_predict_for_all(client: Client) -> None:
    asked = table().head(2).to_dicts()
    assert ask(client, "anomaly", "score", asked) == ask(client, "anomaly", "score_samples", asked)
    assert ask(client, "reduction", "predict", asked) == ask(client, "reduction", "transform",
                                                             asked)


def test_recommendations(client: Client) -> None:
    found = ask(client, "recommendation", "recommend", {"users": ["u1", "u2"], "k": 3})["rows"]
    said = fitted("recommendation").recommend(["u1", "u2"], 3).to_dicts()
    assert [(row["user"], row["film"]) for row in found] == [
        (row["user"], row["film"]) for row in said]
    liking = ask(client, "recommendation", "recommend", {"likes": {"f1": 5, "f3": 4}, "k": 2})
    assert len(liking["rows"]) == 2
    by_row = ask(client, "recommendation", "recommend", [{"user": "u1"}])["rows"]
    assert {row["user"] for row in by_row} == {"u1"}
    pairs = ask(client, "recommendation", "predict", [{"user": "u1", "film": "f2"}])
    assert 1 <= pairs[0]["prediction"] <= 5
    for wrong in ({"users": []}, {"users": {"a": 1}}, {"users": ["u1"], "k": 0},
                  {"users": ["u1"], "k": "many"}, {"likes": []}, {"likes": ["none of these"]},
                  {"users": ["u1"], "filter": [[]]}, {"users": ["u1"], "kk": 2}, {}):
        got = client.post("/v1/models/recommendation:recommend", wrong)
        assert got.status in (400, 422), (wrong, got.body)


def test_baskets_are_completed(client: Client) -> None:
    found = ask(client, "association", "complete", {"baskets": [["bread"], ["tea"]], "k": 2})
    said = fitted("association").complete([["bread"], ["tea"]], 2)
    assert [row["item"] for row in found["rows"]] == said["item"].to_list()
    assert ask(client, "association", "complete", [["bread"]])["rows"][0]["item"] == "butter"
    for wrong in ([], {}, ["bread"], {"baskets": "bread"}, {"baskets": [[1.5]]},
                  {"baskets": [["bread"]], "k": -1}):
        got = client.post("/v1/models/association:complete", wrong)
        assert got.status in (200, 400, 422), (wrong, got.body)
        assert got.status != 200 or got.json["rows"] == []


def test_rows_are_made(client: Client) -> None:
    found = ask(client, "generation", "sample", {"n": 5, "seed": 7})["rows"]
    said = fitted("generation").sample(5, seed=7).to_dicts()
    assert [row["a"] for row in found] == pytest.approx([row["a"] for row in said])
    assert len(ask(client, "generation", "predict", {"n": 2})["rows"]) == 2
    for wrong in ({"n": 0}, {"n": 1e9}, {"n": "five"}, {"seed": -1}, {"label": "x"}):
        assert client.post("/v1/models/generation:sample", wrong).status in (400, 422)


def test_texts_are_written(client: Client) -> None:
    asked = {"n": 3, "seed": 7, "prompt": "the c", "length": 30, "temperature": 0.5}
    found = ask(client, "writer", "sample", asked)["rows"]
    said = fitted("writer").sample(3, seed=7, prompt="the c", length=30, temperature=0.5)
    assert [row["said"] for row in found] == said["said"].to_list()
    for wrong in ({"n": 0}, {"label": "x"}, {"length": 0}, {"length": "x"}, {"temperature": "hot"},
                  {"prompt": ["a"]}, {"n": 1000, "length": 1000}, {"n": 2, "prompt": "x" * 15_000},
                  {"top_p": 2}, {"top_k": 1.5}):
        assert client.post("/v1/models/writer:sample", wrong).status in (400, 422), wrong


def test_texts_are_written_for_texts(client: Client) -> None:
    asked = [{"key": "k", "time": "7:30"}, {"key": "l", "time": None}, {"key": "m", "time": "1:15"}]
    found = ask(client, "translation", "predict", asked)
    assert found == fitted("translation").predict(pl.DataFrame(asked)).to_dicts()
    assert [row["words"] for row in found] == ["half past seven", None, "a quarter past one"]
    bare = client.post("/v1/models/translation:predict", b"7:30\n1:15\n",
                       content_type="text/plain")
    assert "half past seven" in bare.body.decode(), bare.body
    beams = client.post("/v1/models/translation:predict?beams=3&length=9", asked)
    assert beams.status == 200 and beams.json == found
    for wrong in ("beams=0", "beams=65", "beams=x", "length=0", "length=1.5", "beam=2"):
        got = client.post(f"/v1/models/translation:predict?{wrong}", asked)
        assert got.status in (400, 422) and got.json["detail"], wrong
    many = client.post("/v1/models/translation:predict?beams=60", asked * 10)
    assert many.status in (400, 422) and "beams times rows" in many.json["detail"]
    for wrong in ({"rows": [{"time": "7:30"}], "beams": 2}, {"rows": [{"time": ["7:30"]}, 3]},
                  {"words": "half past"}, ["7:30"]):
        got = client.post("/v1/models/translation:predict", wrong)
        assert got.status in (400, 422) and got.json["detail"], wrong


def test_texts_come_as_json_or_alone(client: Client) -> None:
    words = "a lovely day in the whole series of reviews"
    found = ask(client, "text", "predict", {"review": words})
    alone = client.post("/v1/models/text:predict", words.encode(), content_type="text/plain")
    assert alone.json == found and found["prediction"] in ("yes", "no")
    said = fitted("text").answers(pl.DataFrame({"review": [words]}))
    assert found["p_yes"] == said["p_yes"][0]
    wrong = client.post("/v1/models/text:predict", b"\xff\xff", content_type="text/plain")
    assert wrong.status == 400


def test_pictures_come_as_base64_as_files_or_alone(client: Client) -> None:
    png = picture(60, 999)
    said = fitted("image").answers(pl.DataFrame({"shot": [png]}))["prediction"][0]
    in_json = ask(client, "image", "predict", {"shot": base64.b64encode(png).decode()})
    alone = client.post("/v1/models/image:predict", png, content_type="image/png")
    part = (b'--edge\r\nContent-Disposition: form-data; name="shot"; filename="a.png"\r\n'
            b"Content-Type: image/png\r\n\r\n" + png + b"\r\n")
    form = client.post("/v1/models/image:predict", part + part + b"--edge--\r\n",
                       content_type="multipart/form-data; boundary=edge")
    assert in_json["prediction"] == alone.json["prediction"] == said == "dark"
    assert [row["prediction"] for row in form.json["rows"]] == ["dark", "dark"]
    for broken in (png[:40], b"not a picture", b""):
        got = client.post("/v1/models/image:predict", broken, content_type="image/png")
        assert got.status in (200, 400, 422), got.body
        assert got.status != 200 or got.json["prediction"] is None


def test_tables_of_tasks_without_a_target(client: Client) -> None:
    csv = table().head(4).write_csv().encode()
    got = client.post("/v1/models/clustering:predict", csv, content_type="text/csv")
    assert got.status == 200 and len(got.body.splitlines()) == 5
    refused = client.post("/v1/models/generation:sample", csv, content_type="text/csv")
    assert refused.status == 422


def test_a_number_answers_as_in_python(client: Client) -> None:
    asked = rows("regression", 20)
    said = fitted("regression").predict(pl.DataFrame(asked))["prediction"].to_list()
    assert [row["prediction"] for row in ask(client, "regression", "predict", asked)] == said


def test_the_quick_way_and_the_table_agree() -> None:
    from wholefit.api.serving import served

    for kind in ("classification", "regression", "boosted"):
        one, asked = served(fitted(kind), kind), rows(kind, 40)
        quick = one.quick(asked, PLAIN)
        assert quick is not None, "plain rows are answered without a table"
        slow = one.table(pl.DataFrame(asked), PLAIN).to_dict(as_series=False)
        assert quick.keys() == slow.keys()
        for name, values in slow.items():
            assert quick[name] == pytest.approx(values) if isinstance(values[0], float) else \
                quick[name] == values
