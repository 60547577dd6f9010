"""A network as torch's exported program (.pt2): its graph and weights, for torch and what reads it.

The program takes the features (rows, p) as float64 and answers probabilities or numbers. The file
also holds the encoder, for wholefit, and the features' names (`features.json`), for others. Torch's
reader trusts what it opens: open only files whose maker you trust.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from wholefit.artifact.exports import _prepared, _torch_files, _torch_module
from wholefit.artifact.exports._subject import Subject
from wholefit.base.optional import need

NAME = "torch"
EXTENSION = ".pt2"
SAID = "a network as torch's exported program, features in, answers out"
TOLERANCE = 1e-5
NETWORKS = True


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
                torch.export.save(program, file, extra_files=_torch_files.beside(fitted))
    except Exception as error:  # torch's tracer raises many kinds
        raise _torch_files.untraced(error, "to='torchscript' or to='onnx'") from error
    return _torch_files.told("program")


def open(path: Path) -> _torch_files.TorchRunner:
    """What answers from a .pt2 file that `write` wrote."""
    path = Path(path)
    torch = need("torch", extra="deep", user="answering from a .pt2 file")
    extra = _torch_files.asked()
    try:
        with path.open("rb") as file:
            program = torch.export.load(file, extra_files=extra)
        kept = _torch_files.encoder(extra)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise _torch_files.unread(path, "a program of torch", error) from error
    return _torch_files.TorchRunner(torch, program.module(), kept)
