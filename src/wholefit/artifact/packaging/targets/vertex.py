"""Google Vertex AI: the image as a model, and a share of an endpoint."""

from __future__ import annotations

import json

from wholefit.artifact.packaging._fill import filled
from wholefit.artifact.packaging.plan import Plan
from wholefit.artifact.packaging.targets import Files

NAME = "vertex"
SAID = "a model and an endpoint on Google Vertex AI"
NEEDS = ("docker",)


def files(plan: Plan, model: bytes) -> Files:
    """The deployment, and a request in Vertex AI's words."""
    request = {"instances": [] if plan.example is None else [plan.example]}
    return {"vertex/deploy.sh": filled("vertex/deploy.sh", plan.words()),
            "vertex/request.json": json.dumps(request, indent=1, ensure_ascii=False) + "\n"}


def commands(plan: Plan) -> list[str]:
    """Build, push, deploy."""
    image = f"{plan.image}:{plan.tag}"
    return [f"docker build --tag {image} .", f"docker push {image}",
            "PROJECT=... REGION=... sh vertex/deploy.sh 10"]
