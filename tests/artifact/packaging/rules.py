"""Rules for Dockerfiles, manifests and pipelines: each gives the sentences that it has to say."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MOVING = re.compile(r"^[^@:]+(:(latest|stable|main|master|edge))?$")


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile: word and rest, continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(word.upper(), rest.strip()) for word, _, rest in
            (line.strip().partition(" ") for line in joined.splitlines() if line.strip())]


def dockerfile(text: str, folder: Path, *, root: bool = False) -> list[str]:
    """What is wrong with a Dockerfile whose context is the folder."""
    steps = instructions(text)
    said = [*_bases(steps), *_runs(steps), *_copies(steps, folder), *_start(steps)]
    users = [rest for word, rest in steps if word == "USER"]
    if not users or not re.fullmatch(r"\d+(:\d+)?", users[-1]):
        said.append("the last USER must be a number")
    elif users[-1].startswith("0") and not root:
        said.append("it runs as root")
    if any(word == "ADD" for word, _ in steps):
        said.append("ADD may fetch and unpack: COPY does not")
    for word, rest in steps:
        if word in ("ENV", "ARG") and re.search(r"(?i)(password|secret|token|api_?key)\w*=", rest):
            said.append("a secret would stay in the image")
    return said


def _bases(steps: list[tuple[str, str]]) -> Iterator[str]:
    stages = set()
    for word, rest in steps:
        if word == "FROM":
            base, *alias = re.split(r"(?i)\s+as\s+", rest)
            if base not in stages and MOVING.match(base.rpartition("/")[2]):
                yield f"base {base} has no tag, or one that moves"
            stages |= set(alias)


def _runs(steps: list[tuple[str, str]]) -> Iterator[str]:
    for word, rest in steps:
        if word != "RUN":
            continue
        if "apt-get install" in rest and not (
                "--no-install-recommends" in rest and "rm -rf /var/lib/apt/lists" in rest
                and "apt-get update" in rest and "--yes" in rest):
            yield "apt-get install without update, --yes, --no-install-recommends or cleaning up"
        if "pip install" in rest and "--no-cache-dir" not in rest:
            yield "pip install keeps its cache in the image"
        if re.search(r"\bpip install (?!.*(-r |--no-deps ))", rest):
            yield "pip install of packages without versions"
        if re.search(r"\b(sudo|curl|wget)\b", rest):
            yield "RUN fetches something that nothing checks"


def _copies(steps: list[tuple[str, str]], folder: Path) -> Iterator[str]:
    ignore = folder / ".dockerignore"
    kept = [line[1:].rstrip("/") for line in ignore.read_text().splitlines()
            if line.startswith("!")] if ignore.exists() else None
    for word, rest in steps:
        if word != "COPY" or "--from=" in rest:
            continue
        for source in rest.split()[:-1]:
            if not (folder / source).exists():
                yield f"COPY {source}: there is no such file in the context"
            if kept is not None and not any(fnmatch.fnmatch(source.rstrip("/"), each)
                                            for each in kept):
                yield f"COPY {source}: .dockerignore leaves it out"


def _start(steps: list[tuple[str, str]]) -> Iterator[str]:
    last = dict(steps)
    for word in ("ENTRYPOINT", "CMD"):
        if word in last:
            try:
                json.loads(last[word])
            except ValueError:
                yield f"{word} runs in a shell, which signals do not pass"
    said = " ".join(last.get(word, "") for word in ("ENTRYPOINT", "CMD"))
    port = re.search(r"--port\W+(\d+)", said)
    if last.get("EXPOSE") != (port[1] if port else None):
        yield f"EXPOSE says {last.get('EXPOSE')} and the server listens on {port and port[1]}"
    if "127.0.0.1" in said or "localhost" in said or "0.0.0.0" not in said:
        yield "nobody outside the container reaches the server"
    if "HEALTHCHECK" not in last:
        yield "nothing looks whether it is well"
    elif port and f":{port[1]}/" not in last["HEALTHCHECK"]:
        yield "HEALTHCHECK asks another port"
    if not last.get("WORKDIR", "/").startswith("/"):
        yield "WORKDIR is not absolute"


def manifests(documents: dict[str, Any], routes: set[str]) -> list[str]:
    """What is wrong with a set of manifests that belong together, by their kinds."""
    deployment = documents["Deployment"]
    pod = deployment["spec"]["template"]
    container, = pod["spec"]["containers"]
    labels, name = pod["metadata"]["labels"], deployment["metadata"]["name"]
    said = [*_container(container, routes)]
    if "replicas" in deployment["spec"] and "HorizontalPodAutoscaler" in documents:
        said.append("replicas would reset what the autoscaler set")
    for kind, where in (("Service", ["selector"]), ("PodDisruptionBudget", ["selector",
                        "matchLabels"]), ("NetworkPolicy", ["podSelector", "matchLabels"])):
        selector = documents[kind]["spec"]
        for word in where:
            selector = selector.get(word, {})
        if not selector or not selector.items() <= labels.items():
            said.append(f"the selector of {kind} finds no pod of {name}")
    if not deployment["spec"]["selector"]["matchLabels"].items() <= labels.items():
        said.append("the selector of the Deployment does not find its own pods")
    ports = {port["name"] for port in container["ports"]}
    if not {port["targetPort"] for port in documents["Service"]["spec"]["ports"]} <= ports:
        said.append("the Service sends to a port that the container has not")
    scaler = documents["HorizontalPodAutoscaler"]
    target = scaler["spec"]["scaleTargetRef"]
    if scaler["apiVersion"] != "autoscaling/v2" or (target["kind"], target["name"]) != (
            "Deployment", name):
        said.append("the autoscaler scales something else, or by an old interface")
    if "cpu" not in container.get("resources", {}).get("requests", {}):
        said.append("the autoscaler has nothing to take a percentage of")
    return said


def _container(container: dict[str, Any], routes: set[str]) -> Iterator[str]:
    if MOVING.match(container["image"].rpartition("/")[2]):
        yield "the image's tag moves: it cannot be rolled back to"
    if "memory" not in container.get("resources", {}).get("limits", {}):
        yield "no limit of memory"
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        path = container.get(probe, {}).get("httpGet", {}).get("path")
        if path not in routes:
            yield f"{probe} asks {path}, which the server does not have"
    security = container.get("securityContext", {})
    if security.get("allowPrivilegeEscalation") is not False or not security.get(
            "readOnlyRootFilesystem") or security.get("capabilities", {}).get("drop") != ["ALL"]:
        yield "the container may do more than it needs"


def workflow(found: dict[str, Any], folder: Path) -> list[str]:
    """What is wrong with a workflow of GitHub Actions."""
    said = []
    if not isinstance(found.get("permissions"), dict):
        said.append("its token may do anything")
    for name, job in found["jobs"].items():
        needs = job.get("needs", [])
        for need in [needs] if isinstance(needs, str) else needs:
            if need not in found["jobs"]:
                said.append(f"{name} needs a job {need} that is not there")
        if "timeout-minutes" not in job:
            said.append(f"{name} may run for hours")
        if "latest" in job["runs-on"]:
            said.append(f"{name} runs on a machine that moves")
        for step in job["steps"]:
            if "uses" in step and not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"]):
                said.append(f"{step['uses']} is not held by its commit")
            said += [f"{name}: {each}" for each in script(step.get("run", ""), folder)]
    return said


def script(text: str, folder: Path) -> Iterator[str]:
    """What is wrong with the commands of a step."""
    if "${{" in text:
        yield "what others write would be run: hand it in by env"
    for path in re.findall(r"(?:sh|python3?) ([\w./-]+\.(?:sh|py))", text):
        if not (folder / path).exists():
            yield f"{path} is not in the bundle"


def commands(text: str) -> list[list[str]]:
    """Every `wholefit ...` command in a text, parted into words."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [line.split() for line in re.findall(r"(?:^|exec |[\s;])wholefit ([a-z][^\n|;\"]*)",
                                                joined)]
