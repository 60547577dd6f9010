"""Manifests: that they belong together, fit their schemas, and name what the server has."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.artifact.packaging.conftest import Bundle
from tests.artifact.packaging.rules import manifests

from wholefit.artifact.packaging.plan import ROUTES, USER

PLAIN = ["serviceaccount", "deployment", "service", "hpa", "pdb", "networkpolicy"]


@pytest.fixture
def documents(bundle: Bundle) -> dict[str, Any]:
    found = [bundle.yaml(f"kubernetes/{name}.yaml") for name in PLAIN]
    return {document["kind"]: document for document in found}


def test_the_manifests_belong_together(documents: dict[str, Any]) -> None:
    assert manifests(documents, set(ROUTES.values())) == []


def _container(documents: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = documents["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    return found


# The textbook's manifests, fault by fault.
@pytest.mark.parametrize(("spoil", "said"), [
    (lambda d: _container(d).update(image="ml-model:latest"), "moves"),
    (lambda d: _container(d)["resources"].pop("requests"), "percentage"),
    (lambda d: _container(d)["livenessProbe"]["httpGet"].update(path="/healthz"), "/healthz"),
    (lambda d: _container(d)["readinessProbe"]["httpGet"].update(path="/readiness"), "/readiness"),
    (lambda d: _container(d).pop("startupProbe"), "startupProbe"),
    (lambda d: _container(d)["resources"].pop("limits"), "limit"),
    (lambda d: _container(d)["securityContext"].update(readOnlyRootFilesystem=False), "more"),
    (lambda d: d["HorizontalPodAutoscaler"].update(apiVersion="autoscaling/v1"), "old interface"),
    (lambda d: d["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"].update(name="x"), "else"),
    (lambda d: d["Deployment"]["spec"].update(replicas=3), "reset"),
    (lambda d: d["Service"]["spec"]["selector"].update(app="y"), "Service finds no pod"),
    (lambda d: d["Service"]["spec"]["ports"][0].update(targetPort="web"), "has not"),
    (lambda d: d["PodDisruptionBudget"]["spec"].update(selector={}), "PodDisruptionBudget"),
])
def test_the_rules_catch(
    documents: dict[str, Any], spoil: Callable[[dict[str, Any]], Any], said: str
) -> None:
    spoilt = copy.deepcopy(documents)
    spoil(spoilt)
    found = manifests(spoilt, set(ROUTES.values()))
    assert any(said in sentence for sentence in found), found


@pytest.mark.parametrize("name", PLAIN)
def test_manifests_fit_the_schemas_of_kubernetes(bundle: Bundle, keyed: Bundle, name: str) -> None:
    validate = pytest.importorskip("kubernetes_validate")
    for each in (bundle, keyed):
        document = each.yaml(f"kubernetes/{name}.yaml")
        validate.validate(document, validate.latest_version(), strict=True)


def test_the_schema_is_strict_enough_to_catch_a_misspelt_field(bundle: Bundle) -> None:
    validate = pytest.importorskip("kubernetes_validate")
    document = bundle.yaml("kubernetes/deployment.yaml")
    document["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(validate.ValidationError):
        validate.validate(document, validate.latest_version(), strict=True)


def test_kustomize_is_told_every_file_that_there_is(bundle: Bundle) -> None:
    told = bundle.yaml("kubernetes/kustomization.yaml")["resources"]
    assert sorted(told) == sorted(f"{name}.yaml" for name in PLAIN)


def test_pods_run_as_nobody_and_reach_nobody(documents: dict[str, Any]) -> None:
    pod = documents["Deployment"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == USER
    assert pod["automountServiceAccountToken"] is False
    assert documents["NetworkPolicy"]["spec"]["egress"] == []
    assert set(documents["NetworkPolicy"]["spec"]["policyTypes"]) == {"Ingress", "Egress"}


def test_a_pod_is_given_longer_to_stop_than_the_server_takes(documents: dict[str, Any]) -> None:
    from wholefit.serving.options import Options

    pod = documents["Deployment"]["spec"]["template"]["spec"]
    sleep = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > sleep + Options().drain + Options().grace


def test_memory_is_what_was_measured_raised(documents: dict[str, Any], bundle: Bundle) -> None:
    resources = _container(documents)["resources"]
    request, limit = (int(resources[kind]["memory"].removesuffix("Mi"))
                      for kind in ("requests", "limits"))
    measured = re.search(r"and (\d+) MiB", bundle.done.to_text())
    assert measured is not None and 50 < int(measured[1]) < request < limit <= 2 * request + 64


def test_alerts_are_the_same_for_the_operator(bundle: Bundle) -> None:
    rule = bundle.yaml("kubernetes/prometheusrule.yaml")
    assert rule["spec"] == bundle.yaml("prometheus/alerts.yml")
    monitor = bundle.yaml("kubernetes/servicemonitor.yaml")["spec"]
    service = bundle.yaml("kubernetes/service.yaml")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]


def test_kserve_runs_the_same_image_with_the_same_care(
    bundle: Bundle, documents: dict[str, Any]
) -> None:
    found = bundle.yaml("kserve/inferenceservice.yaml")
    predictor = found["spec"]["predictor"]
    container, = predictor["containers"]
    own = _container(documents)
    assert (found["apiVersion"], found["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert container["name"] == "kserve-container" and container["image"] == own["image"]
    assert container["resources"] == own["resources"]
    assert container["securityContext"] == own["securityContext"]
    assert container["readinessProbe"]["httpGet"]["path"] == ROUTES["ready"]
    assert predictor["minReplicas"] <= predictor["maxReplicas"]
