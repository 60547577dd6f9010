"""A network as TorchScript (.pt): for LibTorch in C++, and torch without Python code of ours.

It takes the features (rows, p) as float64 and answers probabilities or numbers; the encoder lies in
the file for wholefit, the features' names for others. TorchScript is code: open only files whose
maker you trust.
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

NAME = "torchscript"
EXTENSION = ".pt"
SAID = "a network as TorchScript, for LibTorch in C++; features in, answers out"
TOLERANCE = 1e-5
_FACTS = "features.json"


def write(fitted: Subject, path: Path) -> list[str]:
    """Write the script; ExportError where torch cannot trace the network."""
    state = _prepared.network_of(fitted, NAME)
    torch = need("torch", extra="deep", user="the TorchScript export")
    module, example = _torch_module.whole(state)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(module, example, check_trace=False)
            torch.jit.save(traced, str(path), _extra_files={
                _prepared.MEMBER: _prepared.packed(fitted).hex(),
                _FACTS: _prepared.facts(fitted)})
    except Exception as error:  # torch's tracer raises many kinds, some with pages of text
        said = (str(error).strip() or "no more is known").splitlines()[0][:200]
        raise ExportError(f"torch cannot trace this network ({type(error).__name__}: {said}): "
                          "export with to='torch' or to='onnx'.") from error
    return ["the script takes the features that the encoder makes; their names lie in the file "
            f"({_FACTS})"]


class _Runner:
    """Answers by TorchScript on the processor."""

    def __init__(self, path: Path) -> None:
        torch = need("torch", extra="deep", user="answering from a TorchScript file")
        extra = {_prepared.MEMBER: "", _FACTS: ""}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._module = torch.jit.load(str(path), map_location="cpu", _extra_files=extra)
            found = extra[_prepared.MEMBER]
            kept = bytes.fromhex(found.decode() if isinstance(found, bytes) else found)
        except (RuntimeError, ValueError) as error:
            raise ArtifactError(f"{path.name} cannot be read as TorchScript: "
                                f"{str(error).splitlines()[0][:200]}") from error
        self._torch = torch
        self.features = _prepared.Features(kept)

    def answer(self, frame: Any) -> np.ndarray:
        """Conforming rows to probabilities (n, classes) or numbers (n,)."""
        X = self._torch.from_numpy(self.features.of(frame).astype(np.float64))
        with self._torch.inference_mode():
            return np.asarray(self._module(X).numpy())


def open(path: Path) -> _Runner:
    """What answers from a TorchScript file that `write` wrote."""
    return _Runner(Path(path))
