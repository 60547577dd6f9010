"""What clouds are given, held to what they document, and to the server that answers them."""

from __future__ import annotations

import io
import json
import re
import tarfile
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from tests.artifact.packaging.conftest import MODEL, Bundle
from tests.artifact.packaging.rules import instructions

from wholefit.artifact.packaging.plan import ROUTES


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """The server as SageMaker's image starts it."""
    pytest.importorskip("uvicorn")
    from wholefit.api.serving import serve

    running = serve({"churn": str(MODEL)}, port=0, wait=False, predict_paths=("/invocations",),
                    health_paths=("/ping",))
    assert running is not None
    with running:
        yield running


def ask(server: Any, path: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        text = answer.read().decode()
        return answer.status, text if path == ROUTES["metrics"] else json.loads(text)


def test_every_route_that_a_bundle_names_is_there(server: Any, bundle: Bundle) -> None:
    for word in ("live", "ready", "startup", "metrics"):
        assert ask(server, ROUTES[word])[0] == 200
    status, answer = ask(server, ROUTES["predict"], bundle.json("example.json"))
    assert status == 200 and answer["prediction"] in ("bad", "good")


def test_it_answers_in_the_words_of_each_cloud(server: Any, bundle: Bundle) -> None:
    example = bundle.json("example.json")
    assert ask(server, "/ping")[0] == 200
    sagemaker = ask(server, "/invocations", example)[1]
    vertex = ask(server, ROUTES["predict"], bundle.json("vertex/request.json"))[1]["predictions"]
    kserve = ask(server, "/v1/models/churn:predict", {"instances": [example]})[1]["predictions"]
    azure = ask(server, ROUTES["predict"], example)[1]
    assert vertex == kserve == [sagemaker] and azure == sagemaker


def test_alarms_are_of_metrics_that_there_are(server: Any, bundle: Bundle) -> None:
    from wholefit.monitoring import _prometheus

    ask(server, ROUTES["predict"], bundle.json("example.json"))
    told = {re.split(r"[{ ]", line)[0] for line in ask(server, ROUTES["metrics"])[1].splitlines()
            if line and line[0] != "#"} | set(_prometheus._HELP)
    # Only told once somebody was turned away.
    told |= {"up", "wholefit_refused_total"}
    groups = bundle.yaml("prometheus/alerts.yml")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) >= 8
    for rule in rules:
        named = re.findall(r"\b(wholefit_\w+|up)\b", rule["expr"])
        assert named and set(named) <= told, rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "way_out"}


def test_sagemaker_starts_the_server_on_its_routes(bundle: Bundle) -> None:
    steps = dict(instructions(bundle.text("sagemaker/Dockerfile")))
    words = json.loads(steps["ENTRYPOINT"])
    # SageMaker adds the word "serve": the shell takes it for its own name.
    assert words[:2] == ["/bin/sh", "-c"] and words[2].startswith("exec wholefit serve /opt/ml/")
    assert "--port 8080" in words[2] and "--health-path /ping" in words[2]
    assert "--predict-path /invocations" in words[2]
    assert steps["FROM"] == bundle.done.image


def test_sagemaker_unpacks_the_model_where_the_server_looks(bundle: Bundle) -> None:
    packed = (bundle.done.folder / "sagemaker/model.tar.gz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        assert tar.getnames() == ["churn.wf"]
        member = tar.extractfile("churn.wf")
        assert member is not None and member.read() == MODEL.read_bytes()


def test_sagemaker_is_given_what_its_api_takes(bundle: Bundle) -> None:
    model = bundle.json("sagemaker/model.json")
    config = bundle.json("sagemaker/endpoint-config.json")
    update = bundle.json("sagemaker/deployment-config.json")
    names = [model["ModelName"], config["EndpointConfigName"]]
    assert all(re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name) for name in names)
    assert set(model) <= {"ModelName", "ExecutionRoleArn", "PrimaryContainer", "Tags",
                          "EnableNetworkIsolation"}
    variant, = config["ProductionVariants"]
    assert variant["ModelName"] == model["ModelName"]
    assert update["AutoRollbackConfiguration"]["Alarms"][0]["AlarmName"] == "churn-5xx"
    session = pytest.importorskip("botocore.session", reason="botocore, SageMaker's own schema")
    validate = pytest.importorskip("botocore.validate")
    service = session.get_session().get_service_model("sagemaker")
    model["ExecutionRoleArn"] = "arn:aws:iam::123456789012:role/model"
    for operation, words in (("CreateModel", model), ("CreateEndpointConfig", config), (
            "UpdateEndpoint", {"EndpointName": "churn", "EndpointConfigName": "x",
                               "DeploymentConfig": update})):
        shape = service.operation_model(operation).input_shape
        report = validate.ParamValidator().validate(words, shape)
        assert not report.has_errors(), report.generate_report()


def test_azure_is_pointed_at_the_server(bundle: Bundle) -> None:
    found, endpoint = bundle.yaml("azure/deployment.yml"), bundle.yaml("azure/endpoint.yml")
    routes = found["environment"]["inference_config"]
    assert {name: (route["port"], route["path"]) for name, route in routes.items()} == {
        "liveness_route": (8080, ROUTES["live"]), "readiness_route": (8080, ROUTES["ready"]),
        "scoring_route": (8080, ROUTES["predict"])}
    assert found["endpoint_name"] == endpoint["name"]
    assert re.fullmatch(r"[a-z][a-z0-9-]{1,30}[a-z0-9]", found["name"])
    assert found["environment"]["image"] == bundle.done.image
