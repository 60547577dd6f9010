"""What a bundle is made for: the model, the image, and how much it may use. Every word is checked.

Words of a plan are put into YAML, JSON, Dockerfiles and shell scripts. Each field has a pattern
that leaves no room for a quote, a space or a new line; what does not fit is refused, never
escaped.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from wholefit.base.errors import ParameterError

PORT = 8080
ROUTES = {"live": "/livez", "ready": "/readyz", "startup": "/startupz", "metrics": "/metrics",
          "predict": "/predict"}
"""Routes of the server that probes, scrapes and checks are pointed at; a test holds them to it."""
KEYS = "/etc/wholefit/keys.json"
"""Where the file of API keys is mounted."""
USER = 10001
"""The user and group in the image: not root, and none that a host is likely to have."""
_MIB = 2**20

# What each field may be, and in words what it must be.
_RULES = {
    "name": (r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?",
             "1 to 40 lower-case letters, digits or hyphens, beginning with a letter (it names "
             "resources of clusters and clouds)"),
    "image": (r"[a-z0-9][a-z0-9._-]*(:[0-9]{1,5})?(/[a-z0-9][a-z0-9._-]*)*",
              "the name of an image without a tag, such as registry.example.com/team/churn"),
    "tag": (r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}", "a tag of at most 63 plain characters"),
    "base": (r"[a-z0-9][A-Za-z0-9._/:-]*(@sha256:[0-9a-f]{64})?",
             "an image with a tag or a digest, such as python:3.12.8-slim-bookworm"),
    "python": (r"3\.[0-9]{1,2}\.[0-9]{1,3}", "a version of Python such as 3.12.8"),
    "cpu": (r"[1-9][0-9]{0,5}m|[1-9][0-9]{0,2}", "cores as Kubernetes counts them: 500m or 2"),
    "memory": (r"[1-9][0-9]{0,6}Mi", "megabytes as Kubernetes counts them: 512Mi"),
    "memory_limit": (r"[1-9][0-9]{0,6}Mi", "megabytes as Kubernetes counts them: 512Mi"),
}
_MOVING = re.compile(r"(^|:)(latest|stable|main|master|edge|nightly)(-|$)")


@dataclass(frozen=True)
class Plan:
    """A bundle's words. Numbers of pods are `low` to `high`; memory is what was measured, raised.

    `tag` is made of what the image holds, so that it never means two things; `keyed` asks callers
    for an API key; `example` is a made
    row that the model answers, or None; `system` names packages of the operating system that its
    libraries need. Raises ParameterError for a word that would not be safe where it is put.
    """

    name: str
    image: str
    tag: str
    base: str
    python: str
    identity: str
    task: str
    low: int = 2
    high: int = 10
    port: int = PORT
    cpu: str = "250m"
    memory: str = "256Mi"
    memory_limit: str = "512Mi"
    wheel: str = "wholefit.whl"
    hashed: bool = False
    keyed: bool = False
    system: tuple[str, ...] = ()
    example: dict[str, Any] | None = None
    said: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        for name, (pattern, must) in _RULES.items():
            value = getattr(self, name)
            if not isinstance(value, str) or not re.fullmatch(pattern, value):
                raise ParameterError(f"{name} of a package must be {must}; got {value!r:.80}.")
        if ":" not in self.base.rpartition("/")[2] or _MOVING.search(self.base.partition("@")[0]):
            raise ParameterError("base of a package must say a version: a tag that moves, or none, "
                                 f"builds another image tomorrow; got {self.base!r}.")
        if not _whole(self.low, self.high) or not 1 <= self.low <= self.high <= 1000:
            raise ParameterError("replicas and most of a package must be 1 <= replicas <= most <= "
                                 f"1000; got {self.low} and {self.high}.")
        if not _whole(self.port) or not 1024 <= self.port <= 65535:
            raise ParameterError("port of a package must be 1024 to 65535, as it does not run as "
                                 f"root; got {self.port}.")

    def arguments(self, *more: str) -> list[str]:
        """What the container is started with, beside `wholefit`."""
        found = ["serve", f"/app/{self.name}.wf", "--host", "0.0.0.0", "--port", str(self.port)]
        # Metrics and the description of the model ask for no key: a cluster's own pods read them.
        return [*found, *(["--keys", KEYS, "--free", "read"] if self.keyed else []), *more]

    def words(self) -> dict[str, str]:
        """What templates may ask for."""
        return {
            "name": self.name, "image": self.image, "tag": self.tag, "base": self.base,
            "python": self.python, "python_short": ".".join(self.python.split(".")[:2]),
            "identity": self.identity, "task": self.task, "low": str(self.low),
            "high": str(self.high), "port": str(self.port), "cpu": self.cpu,
            "memory": self.memory, "memory_limit": self.memory_limit, "wheel": self.wheel,
            "args": json.dumps(self.arguments()), "user": str(USER),
            "hashed": "--require-hashes " if self.hashed else "",
            "system": _system(self.system), **ROUTES,
        }


def label(words: str) -> str:
    """A name made fit for resources: "Churn 2024.wf" is "churn-2024"."""
    found = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    found = re.sub(r"^[0-9-]+", "", found)[:40].strip("-")
    return found or "model"


def megabytes(amount: float) -> str:
    """Bytes rounded up to 64 MiB, as Kubernetes writes them."""
    return f"{max(1, math.ceil(amount / _MIB / 64)) * 64}Mi"


def _whole(*numbers: Any) -> bool:
    return all(isinstance(each, int) and not isinstance(each, bool) for each in numbers)


def _system(packages: tuple[str, ...]) -> str:
    """The step of a Dockerfile that installs packages of Debian; nothing where none is needed."""
    if not packages:
        return ""
    return (
        "\n# Debian keeps one version of a package in a release and only mends it, so that its\n"
        "# version is held by the base image.\n"
        "# hadolint ignore=DL3008\n"
        "RUN apt-get update \\\n"
        f" && apt-get install --yes --no-install-recommends {' '.join(packages)} \\\n"
        " && rm -rf /var/lib/apt/lists/*\n")
