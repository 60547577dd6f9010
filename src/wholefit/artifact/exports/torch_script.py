"""A network as TorchScript (.pt): for LibTorch in C++, and torch without Python code of ours.

It takes the features (rows, p) as float64 and answers probabilities or numbers; the encoder lies in
the file for wholefit, the features' names for others. TorchScript is code: open only files whose
maker you trust.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from wholefit.artifact.exports import _prepared, _torch_files, _torch_module
from wholefit.artifact.exports._subject import Subject
from wholefit.base.optional import need

NAME = "torchscript"
EXTENSION = ".pt"
SAID = "a network as TorchScript, for LibTorch in C++; features in, answers out"
TOLERANCE = 1e-5
NETWORKS = True


def write(fitted: Subject, path: Path) -> list[str]:
    """Write the script; ExportError where torch cannot trace the network."""
    state = _prepared.network_of(fitted, NAME)
    torch = need("torch", extra="deep", user="the TorchScript export")
    module, example = _torch_module.whole(state)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(module, example, check_trace=False)
            torch.jit.save(traced, str(path), _extra_files=_torch_files.beside(fitted))
    except Exception as error:  # torch's tracer raises many kinds
        raise _torch_files.untraced(error, "to='torch' or to='onnx'") from error
    return _torch_files.told("script")


def open(path: Path) -> _torch_files.TorchRunner:
    """What answers from a TorchScript file that `write` wrote."""
    path = Path(path)
    torch = need("torch", extra="deep", user="answering from a TorchScript file")
    extra = _torch_files.asked()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = torch.jit.load(str(path), map_location="cpu", _extra_files=extra)
        kept = _torch_files.encoder(extra)
    except (RuntimeError, ValueError) as error:
        raise _torch_files.unread(path, "TorchScript", error) from error
    return _torch_files.TorchRunner(torch, module, kept)
