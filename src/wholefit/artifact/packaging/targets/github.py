"""GitHub Actions: a gate, an image that is tried, a rollout that undoes itself."""

from __future__ import annotations

from wholefit.artifact.packaging._fill import filled
from wholefit.artifact.packaging._gate import COMMAND
from wholefit.artifact.packaging.plan import Plan
from wholefit.artifact.packaging.targets import Files

NAME = "github"
SAID = "a GitHub Actions workflow: gate, image, rollout"
NEEDS = ("kubernetes",)


def files(plan: Plan, model: bytes) -> Files:
    """The workflow, and what keeps its actions new."""
    words = {**plan.words(), "gate": COMMAND}
    return {f".github/workflows/{plan.name}.yml": filled("github/workflow.yml", words),
            ".github/dependabot.yml": filled("github/dependabot.yml", words)}


def commands(plan: Plan) -> list[str]:
    """What makes it run."""
    return ["git init --initial-branch main", "git add --all", "gh secret set KUBE_CONFIG "
            "--env production < kubeconfig", "git push origin main"]
