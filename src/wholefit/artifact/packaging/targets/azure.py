"""Azure Machine Learning: the image as a managed online endpoint, tried before it is asked."""

from __future__ import annotations

import re

from wholefit.artifact.packaging._fill import filled
from wholefit.artifact.packaging.plan import Plan
from wholefit.artifact.packaging.targets import Files

NAME = "azure"
SAID = "a managed online endpoint of Azure Machine Learning"
NEEDS = ("docker",)
# Names of deployments there: 3 to 32 letters, digits and hyphens.
_LONGEST = 32


def files(plan: Plan, model: bytes) -> Files:
    """Endpoint, deployment, and the commands that make them."""
    words = {**plan.words(), "azure": deployment(plan.tag)}
    return {f"azure/{name}": filled(f"azure/{name}", words)
            for name in ("endpoint.yml", "deployment.yml", "deploy.sh")}


def deployment(tag: str) -> str:
    """A tag as the name of a deployment: a new one beside the old for each version."""
    return ("v-" + re.sub(r"[^a-z0-9]+", "-", tag.lower()).strip("-"))[:_LONGEST].strip("-")


def commands(plan: Plan) -> list[str]:
    """Build, push, deploy."""
    image = f"{plan.image}:{plan.tag}"
    return [f"docker build --tag {image} .", f"docker push {image}",
            "RESOURCE_GROUP=... WORKSPACE=... sh azure/deploy.sh 10"]
