"""An image: two stages, not root, every version pinned, and a check that it answers."""

from __future__ import annotations

import json
from dataclasses import replace

from wholefit.artifact.packaging._fill import filled
from wholefit.artifact.packaging.plan import Plan
from wholefit.artifact.packaging.targets import Files

NAME = "docker"
SAID = "a Dockerfile and all that it copies"
NEEDS: tuple[str, ...] = ()


def files(plan: Plan, model: bytes) -> Files:
    """The Dockerfile, what is sent to its builder, the model, and a check that it answers."""
    # Keys are a matter of where it runs: the image alone asks for none.
    words = {**plan.words(), "plain_args": json.dumps(replace(plan, keyed=False).arguments())}
    return {
        "Dockerfile": filled("docker/Dockerfile", words),
        ".dockerignore": filled("docker/dockerignore", words),
        "smoke.py": filled("docker/smoke", words),
        "example.json": json.dumps(plan.example, indent=1, ensure_ascii=False) + "\n",
        "model.wf": model,
    }


def commands(plan: Plan) -> list[str]:
    """Build it, run it as it will run, ask it a row."""
    image = f"{plan.image}:{plan.tag}"
    return [
        f"docker build --tag {image} .",
        f"docker run --detach --name {plan.name} --read-only --tmpfs /tmp --cap-drop ALL "
        "--security-opt no-new-privileges "
        f"--publish 127.0.0.1:{plan.port}:{plan.port} {image}",
        f"python smoke.py http://127.0.0.1:{plan.port}",
    ]
