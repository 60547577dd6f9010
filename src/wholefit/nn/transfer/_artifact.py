"""The network inside an artifact of ours: its config and weights, and nothing else of the file.

A .wf file is a zip whose wholefit.json lists states and a checksum for every member (its layout is
described with the artifact). Only the one state and the one member that are needed are read here.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

from wholefit.base.errors import ArtifactError

_MANIFEST, _BLOB = "wholefit.json", "weights.safetensors"
_MOST_WORDS, _MOST = 64 * 2**20, 4 * 2**30
_DEEPEST = 32


def network_of(path: Path) -> tuple[dict[str, Any], bytes]:
    """Config and weights of the first network in the file's model.

    Raises ArtifactError for a damaged file, and for one whose model holds no network.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(_member(archive, _MANIFEST, _MOST_WORDS))
            if not isinstance(manifest["format"], int):
                raise TypeError("it states no format")
            state = _network(manifest["states"]["model"])
            if state is None:
                raise ArtifactError(
                    f"{path} holds no network: its model is of kind "
                    f"{str(manifest['states']['model']['kind'])[:60]!r}; a base is a network.")
            name = state["blobs"][_BLOB]
            listed = manifest["members"][name]
            stored = _member(archive, name, min(int(listed["size"]), _MOST))
            config = state["config"]
    except ArtifactError:
        raise
    except (OSError, LookupError, TypeError, ValueError, RuntimeError, AttributeError,
            RecursionError, NotImplementedError, EOFError, zipfile.BadZipFile) as error:
        raise ArtifactError(f"{path} cannot be read as an artifact: {error!r}.") from error
    if hashlib.sha256(stored).hexdigest() != listed["sha256"] or not isinstance(config, dict):
        raise ArtifactError(f"{path} is damaged: its weights do not have their checksum.")
    return config, stored


def _network(state: dict[str, Any], depth: int = 0) -> dict[str, Any] | None:
    """The first state of kind "network": the model's own, or that of one of its parts."""
    if state["kind"] == "network" and "made_of" in state["config"]:
        return state
    parts = state["parts"].values() if depth < _DEEPEST else ()
    return next((found for part in parts if (found := _network(part, depth + 1))), None)


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A member's bytes; never more than `most`, whatever the file says."""
    with archive.open(name) as stream:
        found = stream.read(most + 1)
    if len(found) > most:
        raise ValueError(f"{name} is larger than it may be")
    return found
