"""What a bundle is made of, as a CycloneDX document (JSON, version 1.6).

https://cyclonedx.org/docs/1.6/json/. The model itself is the main component, with its task, its
score and interval as a model card; the packages that answer it are the others. Equal contents
give equal bytes: there is no time in it, and its serial number is made from what it holds.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wholefit._version import __version__
from wholefit.artifact.dependencies.installed import Distribution
from wholefit.base.wording import plain

VERSION = "1.6"


@dataclass(frozen=True)
class ModelFacts:
    """What a document says of the model: its name, file, checksum, and how good it was found."""

    name: str
    version: str
    file: str
    sha256: str
    task: str
    family: str
    scores: Mapping[str, Mapping[str, Any]]


def document(
    model: ModelFacts, packages: Mapping[str, Distribution],
    hashes: Mapping[str, tuple[str, ...]] | None = None,
) -> dict[str, Any]:
    """The bill of materials, as JSON values.

    `hashes` gives the SHA-256 of the files that a package may be installed from, where known.
    """
    main = _model(model)
    parts = [_library(name, one, (hashes or {}).get(name, ())) for name, one in packages.items()]
    found = {
        "bomFormat": "CycloneDX", "specVersion": VERSION, "version": 1,
        "metadata": {
            "tools": {"components": [
                {"type": "application", "name": "wholefit", "version": __version__}]},
            "component": main,
        },
        "components": parts,
        "dependencies": _dependencies(main, packages),
    }
    digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    serial = uuid.uuid5(uuid.NAMESPACE_OID, digest)
    return {"$schema": f"http://cyclonedx.org/schema/bom-{VERSION}.schema.json",
            "serialNumber": f"urn:uuid:{serial}", **found}


def purl(name: str, version: str) -> str:
    """A package's own address: pkg:pypi/numpy@2.4.6."""
    return f"pkg:pypi/{name}@{version.replace('+', '%2B')}"


def _model(model: ModelFacts) -> dict[str, Any]:
    card: dict[str, Any] = {"modelParameters": {"task": model.task,
                                                "architectureFamily": model.family}}
    measured = [_metric(name, score) for name, score in model.scores.items()
                if isinstance(plain(score.get("value")), (int, float))]
    if measured:
        card["quantitativeAnalysis"] = {"performanceMetrics": measured}
    return {
        "type": "machine-learning-model", "bom-ref": f"model:{model.name}@{model.version}",
        "name": model.name, "version": model.version,
        "hashes": [{"alg": "SHA-256", "content": model.sha256}],
        "properties": [{"name": "wholefit:file", "value": model.file}],
        "modelCard": card,
    }


def _metric(name: str, score: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"type": name, "value": f"{score['value']:.6g}"}
    low, high = plain(score.get("low")), plain(score.get("high"))
    if isinstance(low, (int, float)) and isinstance(high, (int, float)):
        found["confidenceInterval"] = {"lowerBound": f"{low:.6g}", "upperBound": f"{high:.6g}"}
    return found


def _library(name: str, one: Distribution, hashes: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "library", "bom-ref": purl(name, one.version), "name": one.name,
        "version": one.version, "purl": purl(name, one.version), "scope": "required",
    }
    if one.summary:
        found["description"] = one.summary
    if one.licence:
        found["licenses"] = [{"expression": one.licence} if one.spdx
                             else {"license": {"name": one.licence}}]
    # One package has a file for each system; CycloneDX takes a hash for what lies here alone.
    if hashes:
        found["properties"] = [{"name": "wholefit:sha256", "value": each} for each in hashes]
    return found


def _dependencies(
    main: dict[str, Any], packages: Mapping[str, Distribution]
) -> list[dict[str, Any]]:
    refs = {name: purl(name, one.version) for name, one in packages.items()}
    needed = {need for one in packages.values() for need in one.needs}
    first = sorted(ref for name, ref in refs.items() if name == "wholefit" or name not in needed)
    found = [{"ref": main["bom-ref"], "dependsOn": first}]
    for name, one in packages.items():
        found.append({"ref": refs[name],
                      "dependsOn": sorted(refs[need] for need in one.needs if need in refs)})
    return found
