"""Jenkins: the same steps as on GitHub, as a declarative pipeline."""

from __future__ import annotations

from wholefit.artifact.packaging._fill import filled
from wholefit.artifact.packaging._gate import COMMAND
from wholefit.artifact.packaging.plan import Plan
from wholefit.artifact.packaging.targets import Files

NAME = "jenkins"
SAID = "a Jenkins pipeline: gate, image, rollout"
NEEDS = ("kubernetes",)


def files(plan: Plan, model: bytes) -> Files:
    """The Jenkinsfile."""
    return {"Jenkinsfile": filled("jenkins/Jenkinsfile", {**plan.words(), "gate": COMMAND})}


def commands(plan: Plan) -> list[str]:
    """What makes it run."""
    return ["git add --all", "git push origin main"]
