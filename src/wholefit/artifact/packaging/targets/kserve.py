"""KServe: an InferenceService of the image, with its V1 protocol and a canary."""

from __future__ import annotations

from wholefit.artifact.packaging._fill import filled
from wholefit.artifact.packaging.plan import Plan
from wholefit.artifact.packaging.targets import Files

NAME = "kserve"
SAID = "a KServe InferenceService, and a canary rollout"
NEEDS = ("docker",)


def files(plan: Plan, model: bytes) -> Files:
    """The InferenceService and its rollout."""
    words = plan.words()
    return {f"kserve/{name}": filled(f"kserve/{name}", words)
            for name in ("inferenceservice.yaml", "rollout.sh")}


def commands(plan: Plan) -> list[str]:
    """Build, push, roll out."""
    image = f"{plan.image}:{plan.tag}"
    return [f"docker build --tag {image} .", f"docker push {image}",
            "sh kserve/rollout.sh default 10"]
