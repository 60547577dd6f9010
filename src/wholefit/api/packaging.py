"""`wf.package`: a model file made ready for containers, clusters and clouds; `wf.audit_packages`.

>>> wf.package("churn.wf", "deploy", to="kubernetes").said          # doctest: +SKIP
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wholefit import artifact
from wholefit.api._trial import trial
from wholefit.api.result import load
from wholefit.artifact import opening
from wholefit.artifact.dependencies import Audit, audit, closure
from wholefit.artifact.dependencies import _lock as lock
from wholefit.artifact.dependencies.sbom import ModelFacts, document
from wholefit.artifact.packaging import (
    Needs,
    Plan,
    chosen,
    example,
    find,
    label,
    megabytes,
    wheel,
    write,
)
from wholefit.artifact.packaging.plan import PORT
from wholefit.base.errors import AccessError, ArtifactError
from wholefit.base.events import emit
from wholefit.base.wording import counted

# How far a request of memory and its limit lie above what was measured.
_REQUEST, _LIMIT = 1.25, 2.0
_UNKNOWN = 512 * 2**20


@dataclass(frozen=True)
class Packaged:
    """A bundle on the disk: its folder, files with their sizes, what was found, what comes next."""

    folder: Path
    name: str
    image: str
    files: dict[str, int]
    commands: dict[str, list[str]]
    packages: dict[str, str]
    said: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"folder": str(self.folder), "name": self.name, "image": self.image,
                "files": self.files, "commands": self.commands, "packages": self.packages,
                "said": list(self.said)}

    def to_text(self) -> str:
        """The sentences, one a line."""
        return "\n".join(self.said)


def package(
    model: str | Path, folder: str | Path, *, to: str | Sequence[str] = "docker",
    name: str | None = None, image: str | None = None, port: int = PORT, base: str | None = None,
    memory: str | None = None, cpu: str = "250m", replicas: int = 2, most: int = 10,
    hashes: bool = False, keys: bool = False, force: bool = False,
) -> Packaged:
    """Write what runs a model file elsewhere: `to` names one or more targets.

    Targets: docker, compose, kubernetes, kserve, sagemaker, vertex, azure, github, jenkins.
    `name` names the model and its resources (the file's by default), `image` the image without a
    tag. The model is tried with the packages alone that the image will hold; `memory` is what it
    then took, raised, unless said. `hashes` asks the registry for those of every package, so that
    the image takes no other file. `keys` lets only callers with an API key ask (Compose and
    Kubernetes; clouds have keys of their own). Raises ParameterError for words that are not safe
    where they are put, WholefitError where a file is in the way and not `force`.
    """
    path = Path(model)
    targets = chosen([to] if isinstance(to, str) else list(to))
    if opening.sealed(path):
        raise AccessError(f"{path} is sealed, and a bundle would hold it plain: unseal it first.")
    data = _read(path)
    package_, loaded = artifact.read(data), load(path)
    word = name if name is not None else label(path.stem)
    python = platform.python_version()
    row = example.row(loaded.schema) if _answers_rows(loaded) else None
    roles = {column.name: column.role for column in loaded.schema.columns}
    emit("report_step", step="trying the model with the packages of the image alone")
    needs = find(package_, python, lambda modules: trial(path, modules, row), roles)
    built = wheel.build()
    if hashes:
        emit("report_step", step="asking the registry for hashes")
    known = lock.hashes(needs.packages, python) if hashes else {}
    missing = lock.missing(needs.packages, known)
    requirements = needs.requirements(known)
    base = base if base is not None else f"python:{python}-slim-bookworm"
    tag = _tag(package_.sha256, built, requirements, base)
    measured = _memory(needs, len(data))
    limit = memory if memory is not None else megabytes(measured * _LIMIT)
    plan = Plan(
        name=word, image=image if image is not None else word, tag=tag, base=base, python=python,
        identity=package_.sha256, task=loaded.task, low=replicas, high=most, port=port, cpu=cpu,
        memory=memory if memory is not None else megabytes(measured * _REQUEST),
        memory_limit=limit, wheel=wheel.name(), hashed=bool(known) and not missing,
        keyed=keys,
        system=needs.system, example=row if needs.trial.answered else None,
        said=tuple(_said(needs, row, bool(known), missing, base)))
    facts = _facts(word, package_, loaded, path)
    done = write(folder, plan, targets, needs, data, built, facts, known, force=force)
    return Packaged(done.folder, word, f"{plan.image}:{tag}", done.files, done.commands,
                    {name: one.version for name, one in needs.packages.items()}, plan.said)


def audit_packages(
    model: str | Path | None = None, *, database: str | Path | None = None, ask: bool = True,
    seconds: float = 60.0,
) -> Audit:
    """Which packages are out of date, and which are known to be vulnerable.

    Those that answer a `model` file, or all that wholefit needs here. `database` is a file of
    vulnerabilities in OSV format (`wholefit audit-packages --fetch` downloads one); without it
    nothing is said to be safe. `ask` lets pip ask the registry for newer versions. What could not
    be known is told.
    """
    return audit(_packages(model), database=database, ask=ask, seconds=seconds)


def bill_of_materials(model: str | Path) -> dict[str, Any]:
    """The packages that answer a model file, as a CycloneDX document (JSON values)."""
    path = Path(model)
    opened, loaded = artifact.read(_read(path)), load(path)
    return document(_facts(label(path.stem), opened, loaded, path), _packages(model))


def _packages(model: str | Path | None) -> dict[str, Any]:
    if model is None:
        return closure(["wholefit[serve]"])
    path = Path(model)
    opened, loaded = artifact.read(_read(path)), load(path)
    row = example.row(loaded.schema) if _answers_rows(loaded) else None
    roles = {column.name: column.role for column in loaded.schema.columns}
    return find(opened, platform.python_version(),
                lambda modules: trial(path, modules, row), roles).packages


def _read(path: Path) -> bytes:
    """The bytes of a whole, untampered model file; of a sealed one those that it holds."""
    held = opening.source(path)
    for fact in artifact.verify(held):
        if not fact.ok:
            raise ArtifactError(f"{path} is not whole: {fact.message}")
    return held if isinstance(held, bytes) else path.read_bytes()


def _answers_rows(loaded: Any) -> bool:
    """True where a model is asked rows of its own columns; a recommender, say, is not."""
    return hasattr(loaded, "answers") or hasattr(loaded, "predict")


def _tag(*parts: Any) -> str:
    """A tag that stands for the contents: the same again, and another for anything else."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part if isinstance(part, bytes) else part.encode()).digest())
    return f"wf-{digest.hexdigest()[:12]}"


def _memory(needs: Needs, size: int) -> float:
    return needs.trial.peak or _UNKNOWN + 4 * size


def _facts(word: str, opened: Any, loaded: Any, path: Path) -> ModelFacts:
    scores: Mapping[str, Any] = getattr(loaded, "scores", {}) or {}
    return ModelFacts(
        name=word, version=opened.sha256[:12], file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(), task=loaded.task,
        family=loaded.model, scores={name: score.to_json() for name, score in scores.items()})


def _said(
    needs: Needs, row: Any, hashed: bool, missing: Sequence[str], base: str
) -> list[str]:
    count = counted(len(needs.packages) - 1, "package")
    trial_ = needs.trial
    if trial_.answered:
        peak = f" and {trial_.peak / 2**20:.0f} MiB" if trial_.peak else ""
        said = [f"A row was answered here with the {count} of the image alone, in "
                f"{trial_.seconds:.1f} s from the start{peak}."]
    elif row is None:
        said = [f"The model was loaded here with the {count} of the image alone; it is not asked "
                "rows that could be made up, so none was tried."]
    else:
        said = [f"The model was loaded with the {count} of the image alone, but the row that was "
                f"made up was not answered: {trial_.why}"]
    if trial_.peak is None:
        said.append("Memory could not be measured on this system: look at it once it runs.")
    if needs.unpinned:
        said.append("At no version known to answer, as they are not installed here: "
                    f"{', '.join(needs.unpinned)}.")
    if hashed and not missing:
        said.append("Every package is held to the hashes that the registry states.")
    elif hashed:
        said.append(f"The registry stated no hash of {', '.join(missing)}, so that hashes are "
                    "noted and not required.")
    else:
        said.append("Packages are held to their versions; with hashes=True (--hashes) also to "
                    "their files' hashes, which the registry is asked for.")
    if "@sha256:" not in base:
        said.append(f"The base image {base} is held to its tag; its digest is not known here: "
                    f"`docker buildx imagetools inspect {base}` tells it, for base=.")
    return said
