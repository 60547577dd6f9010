"""Kubernetes: a Deployment with all that keeps it alive, and a rollout that undoes itself."""

from __future__ import annotations

from wholefit.artifact.packaging._fill import filled
from wholefit.artifact.packaging.plan import KEYS, Plan
from wholefit.artifact.packaging.targets import Files

NAME = "kubernetes"
SAID = "Kubernetes manifests, and a rollout that undoes itself"
NEEDS = ("docker",)
_PLAIN = ("kustomization.yaml", "serviceaccount.yaml", "deployment.yaml", "service.yaml",
          "hpa.yaml", "pdb.yaml", "networkpolicy.yaml", "servicemonitor.yaml", "rollout.sh",
          "undo.sh")


_MOUNT = f"""            - name: keys
              mountPath: {KEYS.rpartition("/")[0]}
              readOnly: true
"""
_VOLUME = """        - name: keys
          secret:
            secretName: {name}-keys
            defaultMode: 0440
"""


def files(plan: Plan, model: bytes) -> Files:
    """The manifests, and scripts that roll out and undo."""
    words = {**plan.words(), "keys_mount": _MOUNT if plan.keyed else "",
             "keys_volume": _VOLUME.format(name=plan.name) if plan.keyed else ""}
    found: Files = {f"kubernetes/{name}": filled(f"kubernetes/{name}", words) for name in _PLAIN}
    alerts = filled("compose/alerts.yml", words)
    indented = "".join(f"  {line}\n" for line in alerts.splitlines()).rstrip("\n")
    found["kubernetes/prometheusrule.yaml"] = filled(
        "kubernetes/prometheusrule.yaml", {**words, "alerts": indented})
    return found


def commands(plan: Plan) -> list[str]:
    """Build, push, roll out; undo."""
    image = f"{plan.image}:{plan.tag}"
    secret = [] if not plan.keyed else [
        "wholefit keys add keys.json ci --scope predict",
        f"kubectl create secret generic {plan.name}-keys --from-file=keys.json"]
    return [*secret, f"docker build --tag {image} .", f"docker push {image}",
            "sh kubernetes/rollout.sh default", "sh kubernetes/undo.sh default"]
