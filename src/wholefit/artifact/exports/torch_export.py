"""A network as torch's exported program (.pt2): its graph and weights, for torch and what reads it.

The program takes the features (rows, p) as float64 and answers probabilities or numbers. The file
also holds the encoder, for wholefit, and the features' names (`features.json`), for others. Torch's
reader trusts what it opens: open only files whose maker you trust.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from wholefit.artifact.exports import _prepared, _torch_module
from wholefit.artifact.exports._subject import Subject
from wholefit.base.errors import ArtifactError, ExportError
from wholefit.base.optional import need

NAME = "torch"
EXTENSION = ".pt2"
SAID = "a network as torch's exported program, features in, answers out"
TOLERANCE = 1e-5
_FACTS = "features.json"


def write(fitted: Subject, path: Path) -> list[str]:
    """Write the program; ExportError where torch cannot trace the network."""
    state = _prepared.network_of(fitted, NAME)
    torch = need("torch", extra="deep", user="the torch export")
    module, example = _torch_module.whole(state)
    rows = torch.export.Dim("rows", min=1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.export(module, (example,), dynamic_shapes=({0: rows},))
            with path.open("wb") as file:
                torch.export.save(program, file, extra_files={
                    _prepared.MEMBER: _prepared.packed(fitted).hex(),
                    _FACTS: _prepared.facts(fitted)})
    except Exception as error:  # torch's tracer raises many kinds, some with pages of text
        said = (str(error).strip() or "no more is known").splitlines()[0][:200]
        raise ExportError(f"torch cannot trace this network ({type(error).__name__}: {said}): "
                          "export with to='torchscript' or to='onnx'.") from error
    return ["the program takes the features that the encoder makes; their names lie in the file "
            f"({_FACTS})"]


class _Runner:
    """Answers by torch on the processor."""

    def __init__(self, path: Path) -> None:
        torch = need("torch", extra="deep", user="answering from a .pt2 file")
        extra = {_prepared.MEMBER: "", _FACTS: ""}
        try:
            with path.open("rb") as file:
                program = torch.export.load(file, extra_files=extra)
            kept = bytes.fromhex(_text(extra[_prepared.MEMBER]))
        except Exception as error:  # torch raises many kinds for a damaged file
            raise ArtifactError(f"{path.name} cannot be read as a program of torch: "
                                f"{str(error).splitlines()[0][:200]}") from error
        self._torch, self._module = torch, program.module()
        self.features = _prepared.Features(kept)

    def answer(self, frame: Any) -> np.ndarray:
        """Conforming rows to probabilities (n, classes) or numbers (n,)."""
        X = self._torch.from_numpy(self.features.of(frame).astype(np.float64))
        with self._torch.inference_mode():
            return np.asarray(self._module(X).numpy())


def _text(found: Any) -> str:
    return found.decode() if isinstance(found, bytes) else str(found)


def open(path: Path) -> _Runner:
    """What answers from a .pt2 file that `write` wrote."""
    return _Runner(Path(path))
