"""A network as TensorFlow's SavedModel: a folder that TensorFlow Serving and its kin load.

The function "answer" takes the features (rows, p) as float64 under the name "features" and gives
"answer". Plain 'mlp' networks and Keras models can be written. The encoder lies in `assets.extra`,
for wholefit, beside the features' names, for others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from wholefit.artifact.exports import _prepared, _tf_module
from wholefit.artifact.exports._subject import Subject
from wholefit.base.errors import ArtifactError
from wholefit.base.optional import need
from wholefit.base.wording import first_line

NAME = "savedmodel"
EXTENSION = ""
SAID = "a Keras model or a plain network as TensorFlow's SavedModel, features in, answers out"
TOLERANCE = 1e-5
NETWORKS = True
_EXTRA, _FACTS = "assets.extra", "features.json"


def write(fitted: Subject, path: Path) -> list[str]:
    """Write the folder; ExportError for a network that has no form in TensorFlow."""
    state = _prepared.network_of(fitted, NAME, ("network", "keras"))
    tf = need("tensorflow", extra="tensorflow", user="the SavedModel export")
    module = _tf_module.module_of(state, single=False)
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.answer})
    extra = path / _EXTRA
    extra.mkdir()
    (extra / _prepared.MEMBER).write_bytes(_prepared.packed(fitted))
    (extra / _FACTS).write_text(_prepared.facts(fitted), encoding="utf-8")
    return ["the function takes the features that the encoder makes; their names lie in "
            f"{_EXTRA}/{_FACTS}"]


class _Runner:
    """Answers by TensorFlow."""

    def __init__(self, path: Path) -> None:
        tf = need("tensorflow", extra="tensorflow", user="answering from a SavedModel")
        try:
            self.features = _prepared.Features((path / _EXTRA / _prepared.MEMBER).read_bytes())
            self._model = tf.saved_model.load(str(path))
        except (OSError, ValueError) as error:
            raise ArtifactError(f"{path.name} cannot be read as a SavedModel of wholefit: "
                                f"{first_line(error)}") from error
        self._tf = tf

    def answer(self, frame: Any) -> np.ndarray:
        """Conforming rows to probabilities (n, classes) or numbers (n,)."""
        X = self._tf.constant(self.features.of(frame).astype(np.float64))
        found = np.asarray(self._model.signatures["serving_default"](features=X)["answer"])
        return found if self.features.classes else found[:, 0]


def open(path: Path) -> _Runner:
    """What answers from a SavedModel that `write` wrote."""
    return _Runner(Path(path))
