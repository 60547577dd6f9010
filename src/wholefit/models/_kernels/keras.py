"""Keras models: rebuilt from JSON and arrays; a config that names code is refused."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.optional import need
from wholefit.base.state import State, as_config
from wholefit.models._kernels._links import dense, sigmoid, softmax, spread
from wholefit.models._kernels._network_inputs import Inputs

# Layers that hold numbers only. Lambda, wrappers of other libraries' modules, and what reads files
# or holds words (lookups, vectorisers) are left out on purpose.
_LAYERS = frozenset((
    "InputLayer", "Dense", "EinsumDense", "Embedding", "Masking", "Activation", "ReLU",
    "LeakyReLU", "PReLU", "ELU", "Softmax", "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D",
    "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D", "Conv1DTranspose", "Conv2DTranspose",
    "Conv3DTranspose", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D",
    "AveragePooling2D", "AveragePooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D",
    "GlobalMaxPooling3D", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
    "GlobalAveragePooling3D", "LSTM", "LSTMCell", "GRU", "GRUCell", "SimpleRNN", "SimpleRNNCell",
    "RNN", "StackedRNNCells", "Bidirectional", "TimeDistributed", "BatchNormalization",
    "LayerNormalization", "GroupNormalization", "UnitNormalization", "SpectralNormalization",
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise",
    "GaussianDropout", "AlphaDropout", "RandomFlip", "RandomRotation", "RandomTranslation",
    "RandomZoom", "RandomContrast", "RandomBrightness", "ActivityRegularization", "Flatten",
    "Reshape", "Permute", "RepeatVector", "Cropping1D", "Cropping2D", "Cropping3D", "ZeroPadding1D",
    "ZeroPadding2D", "ZeroPadding3D", "UpSampling1D", "UpSampling2D", "UpSampling3D", "Add",
    "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot", "Attention",
    "AdditiveAttention", "MultiHeadAttention", "GroupedQueryAttention", "Rescaling",
    "Normalization", "Identity",
    "Sequential", "Functional", "Model",
))
_OTHERS = frozenset((
    "Zeros", "Ones", "Constant", "RandomNormal", "RandomUniform", "TruncatedNormal",
    "VarianceScaling", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal",
    "LecunUniform", "Orthogonal", "OrthogonalInitializer", "Identity", "IdentityInitializer", "L1",
    "L2", "L1L2", "OrthogonalRegularizer", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm",
    "DTypePolicy", "FloatDTypePolicy", "__keras_tensor__", "__tuple__",
))
_ROOMS = ("keras", "keras.layers", "keras.models", "keras.initializers", "keras.regularizers",
          "keras.constraints", "keras.dtype_policies", "keras.src.models.functional",
          "keras.src.models.sequential", "keras.src.models.model", "builtins", None)
_DEEPEST, _LARGEST, _CELLS = 60, 2**20, 2**28


class Keras:
    """Answers with a State of kind "keras"."""

    def __init__(self, state: State) -> None:
        config = state.config
        self._inputs = Inputs.of_config(config["inputs"], state.arrays)
        self._n_classes, self._classes = int(config["n_classes"]), config.get("classes")
        self._target = state.arrays.get("target")
        arrays = [state.arrays[f"w{at}"] for at in range(_count(state.arrays))]
        self._model = rebuilt(config["keras"], arrays)

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to probabilities (n, classes) or numbers (n,)."""
        rows = asked(self._model, self._inputs, dense(X, self._inputs.features))
        raw = np.asarray(self._model.predict(rows, verbose=0, batch_size=256), dtype=np.float64)
        if self._classes is None:
            assert self._target is not None
            return raw.reshape(len(raw)) * self._target[1] + self._target[0]
        return spread(probabilities(self._model, raw), self._classes, self._n_classes)


def serialized(model: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Config and weights ("w0", "w1", ...) of a model; StateError where it holds code."""
    keras = need("keras", extra="tensorflow", user="a Keras model")
    try:
        config = keras.saving.serialize_keras_object(model)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise StateError(f"the Keras model {model.name!r} has no config: {error}") from error
    config = {name: value for name, value in config.items()
              if name not in ("compile_config", "build_config")}
    check(config)
    return as_config(config), {f"w{at}": np.asarray(value)
                            for at, value in enumerate(model.get_weights())}


def rebuilt(config: Any, arrays: list[np.ndarray]) -> Any:
    """The model of a config and its weights; StateError unless both are safe and fit.

    The shapes that the config asks for are found, and held against the weights, before any of them
    is made: a small file can state layers of many gigabytes.
    """
    check(config)
    sizes = sorted((size for array in arrays for size in array.shape), reverse=True)[:2]
    if int(np.prod(sizes, dtype=object)) > _CELLS:
        raise StateError("the Keras model's weights are larger than may be rebuilt.")
    keras = need("keras", extra="tensorflow", user="a Keras model")
    try:
        shapes = _asked_for(keras, config)
        if shapes != [array.shape for array in arrays]:
            raise ValueError(f"weights of shapes {[a.shape for a in arrays][:4]}... do not fit")
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
        model.set_weights(arrays)
    except Exception as error:  # Keras and its backends raise many kinds for a damaged config
        raise StateError(f"the Keras model cannot be rebuilt: {str(error)[:300]}") from error
    return model


def _asked_for(keras: Any, config: Any) -> list[tuple[int, ...]]:
    """Shapes of the weights of a config's model. In a stateless scope Keras makes no numbers."""
    waiting = import_module("keras.src.backend.common.global_state")
    name = "uninitialized_variables"
    before = list(waiting.get_global_attribute(name) or [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            model = keras.saving.deserialize_keras_object(config, safe_mode=True)
            if not model.built:
                raise ValueError("it does not state the shape of its input")
            return [tuple(each.shape) for each in model.weights]
    finally:  # else the next scope would make the numbers after all
        waiting.set_global_attribute(name, before)


def check(config: Any, depth: int = 0) -> None:
    """StateError where a config names a class that is not in the lists above, or a huge size."""
    if depth > _DEEPEST:
        raise StateError("the Keras model's config nests too deep.")
    if isinstance(config, Mapping):
        if "class_name" in config:
            _check_class(config)
        for value in config.values():
            check(value, depth + 1)
    elif isinstance(config, (list, tuple)):
        for value in config:
            check(value, depth + 1)
    elif isinstance(config, int) and not -_LARGEST <= config <= _LARGEST * 4096:
        raise StateError(f"the Keras model's config states a size of {config}.")


def _check_class(config: Mapping[str, Any]) -> None:
    name, room = config["class_name"], config.get("module")
    known = isinstance(name, str) and name in _LAYERS | _OTHERS and room in _ROOMS
    registered = config.get("registered_name")
    if not known or (registered is not None and registered != name):
        raise StateError(
            f"the Keras model holds {str(room or 'a class of its own')[:80]}:{str(name)[:80]}, "
            "which is code, and a file holds none: it can be fitted and used, but not saved or "
            "loaded. Build it of Keras' own layers (no Lambda, no own classes).")


def asked(model: Any, inputs: Inputs, X: np.ndarray) -> Any:
    """Rows as the model takes them: features cut in order to the shapes of its inputs.

    Pictures are (n, height, width, channels), 0 to 1; words are their numbers (n, length).
    StateError where the numbers do not add up.
    """
    pieces = inputs.split(X)
    if inputs.of("tokens"):
        return _words(model, [piece.astype(np.int32) for piece in pieces])
    if inputs.of("image"):
        found = [piece.transpose(0, 2, 3, 1).astype(np.float32) / 255.0 for piece in pieces]
        return found[0] if len(found) == 1 else found
    flat = pieces[0]
    if not model.built or not getattr(model, "inputs", None):
        return flat
    shapes = [tuple(int(size) for size in each.shape[1:]) if None not in each.shape[1:]
              else (flat.shape[1],) for each in model.inputs]
    widths = [int(np.prod(shape)) for shape in shapes]
    if sum(widths) != flat.shape[1]:
        raise StateError(f"the Keras model takes {' + '.join(map(str, widths))} numbers a row, and "
                         f"there are {flat.shape[1]}.")
    parts = np.split(flat, np.cumsum(widths)[:-1], axis=1)
    found = [part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True)]
    return found[0] if len(found) == 1 else found


def _words(model: Any, pieces: list[np.ndarray]) -> Any:
    """Columns of texts as the model's inputs; StateError where they are not as many or as long."""
    shapes = [tuple(each.shape[1:]) for each in getattr(model, "inputs", None) or ()]
    fits = len(shapes) == len(pieces) and all(
        shape in ((None,), piece.shape[1:]) for shape, piece in zip(shapes, pieces, strict=True))
    if shapes and not fits:
        raise StateError(f"the Keras model reads {len(shapes)} texts of shapes {shapes}; there are "
                         f"{len(pieces)}, of {[piece.shape[1] for piece in pieces]} words.")
    return pieces[0] if len(pieces) == 1 else pieces


def reads(model: Any) -> tuple[int, int | None] | None:
    """Vocabulary and length (None: any) of a model that begins with an Embedding; else None.

    Of several Embeddings the smallest counts, so that no word's number lies beyond one of them.
    """
    layers, sizes = list(getattr(model, "layers", ())), []
    if not layers or not getattr(model, "inputs", None):
        return None
    first = [each for each in layers if type(each).__name__ != "InputLayer"][:len(model.inputs)]
    for layer in first:
        if type(layer).__name__ == "Embedding":
            sizes.append(int(layer.input_dim))
    lengths = [each.shape[1] for each in model.inputs if len(each.shape) == 2]
    if not sizes or len(sizes) < len(model.inputs) or len(set(lengths)) != 1:
        return None
    return min(sizes), lengths[0]


def probabilities(model: Any, raw: np.ndarray) -> np.ndarray:
    """Probabilities (n, classes) of what the model gives, by its last layer's activation."""
    last = getattr(model.layers[-1], "activation", None)
    named = getattr(last, "__name__", type(model.layers[-1]).__name__.lower())
    if raw.shape[1] == 1:
        one = raw if named == "sigmoid" else sigmoid(raw)
        return np.concatenate([1 - one, one], axis=1)
    if named == "softmax":
        found = raw
    else:
        found = np.clip(raw, 1e-12, None) if named == "sigmoid" else softmax(raw)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _count(arrays: Mapping[str, np.ndarray]) -> int:
    count = sum(1 for name in arrays if name[:1] == "w" and name[1:].isdigit())
    if any(f"w{at}" not in arrays for at in range(count)):
        raise StateError("a weight of the Keras model is missing.")
    return count
