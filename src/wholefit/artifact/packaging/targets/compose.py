"""Docker Compose: the model, and Prometheus with alert rules beside it."""

from __future__ import annotations

import json

from wholefit.artifact.packaging._fill import filled
from wholefit.artifact.packaging.plan import KEYS, Plan
from wholefit.artifact.packaging.targets import Files

NAME = "compose"
SAID = "Docker Compose with Prometheus and its alert rules"
NEEDS = ("docker",)
_MOUNT = f"""\
      # Made by `wholefit keys add keys.json NAME --scope predict`; user 10001 must read it.
      - ./keys.json:{KEYS}:ro
"""


def files(plan: Plan, model: bytes) -> Files:
    """The Compose file, what Prometheus scrapes, and when it alarms."""
    # Compose writes megabytes with another letter than Kubernetes.
    words = {
        **plan.words(), "memory_docker": plan.memory_limit.replace("Mi", "m"),
        "log_args": json.dumps(plan.arguments("--log", "/var/lib/wholefit/answers.db", "--drift")),
        "keys_mount": _MOUNT if plan.keyed else ""}
    return {
        "compose.yaml": filled("compose/compose.yaml", words),
        "prometheus/prometheus.yml": filled("compose/prometheus.yml", words),
        "prometheus/alerts.yml": filled("compose/alerts.yml", words),
    }


def commands(plan: Plan) -> list[str]:
    """Up, and asked a row."""
    return ["docker compose up --build --detach --wait",
            f"python smoke.py http://127.0.0.1:{plan.port}"]
