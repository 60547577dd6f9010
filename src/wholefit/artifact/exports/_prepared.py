"""For targets that hold a network alone: the features made outside, by what lies in the file.

A network in a tensor library's format takes the features (rows, p) that the model's encoder makes,
for no such format knows words or dates. The encoder and the schema lie beside it as bytes of a .wf
artifact, so that whoever has wholefit gives it columns, and whoever has not the features.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit import artifact
from wholefit.artifact.exports._subject import Subject
from wholefit.base.errors import ExportError
from wholefit.base.state import State
from wholefit.base.stored import reading
from wholefit.data import Dataset, Schema
from wholefit.features.encoder import Encoder
from wholefit.models._kernels._network_inputs import Inputs

MEMBER = "wholefit.wf"
"""What the encoder and the schema are called beside a network."""


def network_of(fitted: Subject, target: str, kinds: Sequence[str] = ("network",)) -> Any:
    """The state of a network of these kinds; ExportError if it is none, or rows are cleaned."""
    if fitted.recipe:
        raise ExportError(f"the {target} export knows no cleaning recipes: clean first and fit on "
                          "the cleaned rows, or serve the .wf file (`wholefit serve`).")
    if fitted.model.kind not in kinds or fitted.encoder is None:
        others = "'savedmodel' or 'litert'" if fitted.model.kind == "keras" else "'onnx' or 'numpy'"
        raise ExportError(f"the {target} export is for models of kind {' or '.join(kinds)}, and "
                          f"this one is of kind {fitted.model.kind!r}: export to {others} instead.")
    return fitted.model


def packed(fitted: Subject) -> bytes:
    """Schema, classes and encoder as bytes."""
    assert fitted.encoder is not None
    record = {"task": fitted.task.name, "schema": fitted.schema.to_json(),
              "classes": list(fitted.classes), "features": list(fitted.encoder.names)}
    model = fitted.model
    inputs = State("inputs", model.config["inputs"], {
        name: array for name, array in model.arrays.items() if name == "quantiles"})
    kept = {"inputs": inputs} if "quantiles" in inputs.arrays else {}
    return artifact.to_bytes(record, {"encoder": fitted.encoder.state(), **kept})


def facts(fitted: Subject) -> str:
    """For those without wholefit: the features in order, the classes, as JSON."""
    assert fitted.encoder is not None
    return json.dumps({"task": fitted.task.name, "target": fitted.schema.target,
                       "classes": list(fitted.classes), "features": list(fitted.encoder.names)})


class Features:
    """Conforming rows to the features (n, p) of `packed` bytes."""

    def __init__(self, kept: bytes) -> None:
        package = artifact.from_bytes(kept)
        with reading("what lies beside the network cannot be read"):
            self.schema = Schema.from_json(package.record["schema"])
            self.classes = tuple(package.record["classes"])
            self.encoder = Encoder.from_state(package.states["encoder"])
            found = package.states.get("inputs")
            self._inputs = None if found is None else Inputs.of_config(found.config, found.arrays)

    def of(self, frame: Any) -> np.ndarray:
        """Features (n, p), dense, as the encoder makes them."""
        X = self.encoder.transform(Dataset(frame, self.schema))
        return np.ascontiguousarray(X.toarray() if hasattr(X, "toarray") else X)

    def scored(self, frame: Any) -> np.ndarray:
        """The same with numbers as scores where the network learnt on ranks among quantiles."""
        X = self.of(frame).astype(np.float64)
        if self._inputs is not None:
            at = np.concatenate([np.arange(span.start, span.stop)
                                 for span in self._inputs.of("numbers")])
            X[:, at] = self._inputs._scaled(X[:, at])
        return X
