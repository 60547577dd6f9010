"""What torch's two kinds of program files share: what lies beside the network, and who answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from wholefit.artifact.exports import _prepared
from wholefit.artifact.exports._subject import Subject
from wholefit.base.errors import ArtifactError, ExportError
from wholefit.base.wording import first_line

FACTS = "features.json"


def beside(fitted: Subject) -> dict[str, str]:
    """Members beside the program, by name: the encoder, and the names of its features."""
    return {_prepared.MEMBER: _prepared.packed(fitted).hex(), FACTS: _prepared.facts(fitted)}


def told(what: str) -> list[str]:
    """What to know of the file; `what` it holds."""
    return [f"the {what} takes the features that the encoder makes; their names lie in the file "
            f"({FACTS})"]


def untraced(error: Exception, others: str) -> ExportError:
    """Why torch could not trace a network; `others` are the ways out."""
    return ExportError(f"torch cannot trace this network ({type(error).__name__}: "
                       f"{first_line(error)}): export with {others}.")


def unread(path: Path, what: str, error: Exception) -> ArtifactError:
    """Why a file is none of torch's."""
    return ArtifactError(f"{path.name} cannot be read as {what}: {first_line(error)}")


def asked() -> dict[str, Any]:
    """The members that a reader of torch's is to fill."""
    return {_prepared.MEMBER: "", FACTS: ""}


def encoder(found: dict[str, Any]) -> bytes:
    """The encoder among the members that were read; ValueError if it is none."""
    text = found[_prepared.MEMBER]
    return bytes.fromhex(text.decode() if isinstance(text, bytes) else str(text))


class TorchRunner:
    """Answers by torch on the processor."""

    def __init__(self, torch: Any, module: Any, kept: bytes) -> None:
        self._torch, self._module = torch, module
        self.features = _prepared.Features(kept)

    def answer(self, frame: Any) -> np.ndarray:
        """Conforming rows to probabilities (n, classes) or numbers (n,)."""
        X = self._torch.from_numpy(self.features.of(frame).astype(np.float64))
        with self._torch.inference_mode():
            return np.asarray(self._module(X).numpy())
