"""Writing a bundle: every file of its targets, whole, into one folder."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wholefit.artifact.dependencies import sbom
from wholefit.artifact.packaging.needs import Needs
from wholefit.artifact.packaging.plan import Plan
from wholefit.artifact.packaging.targets import Files, Target
from wholefit.base.errors import WholefitError

SBOM = "sbom.cdx.json"


@dataclass(frozen=True)
class Written:
    """A bundle on the disk: its folder, its files with their sizes, and what to type next."""

    folder: Path
    files: dict[str, int]
    commands: dict[str, list[str]]


def write(
    folder: str | Path, plan: Plan, targets: Sequence[Target], needs: Needs, model: bytes,
    wheel: bytes, facts: sbom.ModelFacts, hashes: Mapping[str, tuple[str, ...]], *,
    force: bool = False,
) -> Written:
    """Write the files of the targets; nothing that is there is replaced without `force`.

    Each file is written beside its place and renamed into it. Raises WholefitError where
    something is in the way.
    """
    root = Path(folder)
    found: Files = {}
    for target in targets:
        found |= target.files(plan, model)
    found["requirements.txt"] = needs.requirements(hashes)
    found[f"wheels/{plan.wheel}"] = wheel
    found[SBOM] = _json(sbom.document(facts, needs.packages, hashes))
    found["PACKAGE.md"] = readme(plan, targets, found)
    taken = [name for name in found if (root / name).exists()]
    if taken and not force:
        raise WholefitError(f"{root / taken[0]} exists; say force to overwrite it, or name another "
                            "folder.")
    for name, data in sorted(found.items()):
        _put(root / name, data.encode() if isinstance(data, str) else data,
             script=name.endswith(".sh"))
    sizes = {name: (root / name).stat().st_size for name in sorted(found)}
    return Written(root, sizes, {target.NAME: target.commands(plan) for target in targets})


def readme(plan: Plan, targets: Sequence[Target], files: Files) -> str:
    """What lies in the folder, and the commands in order."""
    lines = [f"# {plan.name}", "",
             f"A wholefit model of {plan.task}, ready to run elsewhere. Image: "
             f"`{plan.image}:{plan.tag}`; the tag is made of what the image holds.", ""]
    lines += [f"- {sentence}" for sentence in plan.said]
    for target in targets:
        lines += ["", f"## {target.NAME}: {target.SAID}", "", "```",
                  *target.commands(plan), "```"]
    lines += ["", "## Files", ""]
    lines += [f"- `{name}`" for name in sorted(files)]
    return "\n".join(lines) + "\n"


def _put(path: Path, data: bytes, *, script: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            beside.write_bytes(data)
            beside.chmod(0o755 if script else 0o644)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise WholefitError(f"{path} cannot be written: {error.strerror or error}.") from error


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
