"""A network for LiteRT (TensorFlow Lite): phones, boards and microcontrollers, in 32 bits.

It takes the features (rows, p) as float32 and gives the answers. Plain 'mlp' networks and Keras
models can be written. The encoder and the features' names are appended as a zip, as metadata of
TensorFlow Lite are.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from wholefit.artifact.exports import _prepared, _tf_module
from wholefit.artifact.exports._subject import Subject
from wholefit.base.errors import ArtifactError, ExportError
from wholefit.base.optional import available, need
from wholefit.base.wording import first_line

NAME = "litert"
EXTENSION = ".tflite"
SAID = "a Keras model or a plain network for LiteRT (TensorFlow Lite), features in, answers out"
TOLERANCE = 1e-4
NETWORKS = True
_FACTS = "features.json"
_ROWS = 2_000


def write(fitted: Subject, path: Path) -> list[str]:
    """Write the file; ExportError for a network that has no form in TensorFlow Lite."""
    state = _prepared.network_of(fitted, NAME, ("network", "keras"))
    tf = need("tensorflow", extra="tensorflow", user="the LiteRT export")
    module = _tf_module.module_of(state, single=True)
    try:
        # weights become constants: the interpreter would leave variables without their numbers
        frozen = need("tensorflow.python.framework.convert_to_constants", extra="tensorflow",
                      user="the LiteRT export").convert_variables_to_constants_v2(
                          module.answer.get_concrete_function())
        made = tf.lite.TFLiteConverter.from_concrete_functions([frozen], module).convert()
    except Exception as error:  # its converter raises many kinds
        raise ExportError(f"TensorFlow Lite cannot convert this network ({type(error).__name__}: "
                          f"{first_line(error)}): export to 'onnx' instead.") from error
    path.write_bytes(bytes(made) + _zipped(fitted))
    notes = ["it takes the features that the encoder makes, as float32; their names lie in the "
             f"file ({_FACTS} of the zip at its end)"]
    if state.config["inputs"]["scaling"] == "quantile":
        notes.append("its numbers must come as normal scores of their ranks, which 32 bits cannot "
                     "find: fit mlp(scaling='standard') for a file that takes them as they are")
    return notes


def _zipped(fitted: Subject) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, kept in ((_prepared.MEMBER, _prepared.packed(fitted)),
                           (_FACTS, _prepared.facts(fitted).encode())):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), kept)
    return file.getvalue()


class _Runner:
    """Answers by LiteRT's interpreter."""

    def __init__(self, path: Path) -> None:
        try:
            with zipfile.ZipFile(path) as archive:
                self.features = _prepared.Features(archive.read(_prepared.MEMBER))
            self._reader = _interpreter()(model_content=path.read_bytes())
        except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
            raise ArtifactError(f"{path.name} cannot be read as a LiteRT file of wholefit: "
                                f"{first_line(error)}") from error

    def answer(self, frame: Any) -> np.ndarray:
        """Conforming rows to probabilities (n, classes) or numbers (n,)."""
        X = self.features.scored(frame).astype(np.float32)
        found = np.concatenate([self._asked(X[at:at + _ROWS])
                                for at in range(0, max(len(X), 1), _ROWS)]).astype(np.float64)
        return found if self.features.classes else found[:, 0]

    def _asked(self, X: np.ndarray) -> np.ndarray:
        reader = self._reader
        place = reader.get_input_details()[0]["index"]
        reader.resize_tensor_input(place, X.shape)
        reader.allocate_tensors()
        reader.set_tensor(place, X)
        reader.invoke()
        return np.array(reader.get_tensor(reader.get_output_details()[0]["index"]))


def _interpreter() -> Any:
    """LiteRT's own package where it is there, else TensorFlow's."""
    if available("ai_edge_litert"):
        return need("ai_edge_litert.interpreter", extra="tensorflow",
                    user="answering from a LiteRT file").Interpreter
    tf = need("tensorflow", extra="tensorflow", user="answering from a LiteRT file")
    return tf.lite.Interpreter


def open(path: Path) -> _Runner:
    """What answers from a .tflite file that `write` wrote."""
    return _Runner(Path(path))
