"""A network as one TensorFlow function of features: its inputs, its layers, its link.

Plain fully connected networks are written from their weights, Keras models rebuilt from their
State. `function(features)`: (rows, p) as the encoder makes them -> probabilities (rows, classes) or
numbers (rows, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wholefit.artifact.exports._onnx_math import AS241
from wholefit.base.errors import ExportError
from wholefit.base.optional import need
from wholefit.base.state import State
from wholefit.models._kernels import _safetensors
from wholefit.models._kernels._layers import _EPSILON
from wholefit.models._kernels._layers import known as is_plain
from wholefit.models._kernels._network_inputs import _FAR, _LEAST, Inputs
from wholefit.models._kernels.compressed import BLOB

Function = Callable[[Any], Any]


def module_of(state: State, single: bool) -> Any:
    """A tf.Module whose `answer` is a tf.function; `single` computes in 32 bits throughout.

    Those have no room for ranks among close quantiles: numbers on that scale are then expected as
    scores already (`_prepared.Features.scored`).
    """
    tf = need("tensorflow", extra="tensorflow", user="exporting a network to TensorFlow")
    inputs = Inputs.of_config(state.config["inputs"], state.arrays)
    if single and inputs.scaling == "quantile":
        inputs = replace(inputs, scaling="none")
    kind = tf.float32 if single or state.kind == "keras" else tf.float64
    module = tf.Module()
    body = _keras(tf, state, inputs, module) if state.kind == "keras" else _plain(
        tf, state, inputs, kind)
    entry = tf.float32 if single else tf.float64

    def answer(features: Any) -> Any:
        return {"answer": tf.cast(body(tf.cast(features, kind)), entry)}

    module.answer = tf.function(answer, input_signature=[
        tf.TensorSpec([None, inputs.features], entry, name="features")])
    return module


def _plain(tf: Any, state: State, inputs: Inputs, kind: Any) -> Function:
    made_of, config = state.config["made_of"], state.config
    if not is_plain(made_of):
        raise ExportError(f"the network {made_of.get('network')!r} cannot be written in "
                          "TensorFlow's formats, which take plain 'mlp' networks and Keras "
                          "models: export to 'onnx' or 'torch'.")
    weights = {name: tf.constant(array.astype(kind.as_numpy_dtype)) for name, array in
               _safetensors.arrays(state.blobs[BLOB]).items()}
    target = state.arrays.get("target")

    def answer(x: Any) -> Any:
        raw = _layers(tf, _numbers(tf, x, inputs), made_of, weights)
        if config["link"] == "softmax":
            return _laid(tf, tf.nn.softmax(raw), config.get("classes"), int(config["n_classes"]))
        if config["link"] == "labels":
            return tf.sigmoid(raw)
        return raw if target is None else raw * tf.constant(target[1], kind) + tf.constant(
            target[0], kind)

    return answer


def _layers(tf: Any, x: Any, made_of: Mapping[str, Any], weights: Mapping[str, Any]) -> Any:
    norm, activation = made_of.get("norm", "none"), made_of.get("activation", "relu")
    at = 0
    for _ in made_of.get("hidden", [64]):
        x, at = _dense(tf, x, weights, at), at + 1
        if norm != "none":
            x, at = _norm(tf, x, weights, at, norm), at + 1
        x = _activation(tf, activation, x)
        at += 1 + (float(made_of.get("dropout", 0.0)) > 0)
    return _dense(tf, x, weights, at)


def _dense(tf: Any, x: Any, weights: Mapping[str, Any], at: int) -> Any:
    return tf.matmul(x, weights[f"layers.{at}.weight"], transpose_b=True) + weights[
        f"layers.{at}.bias"]


def _norm(tf: Any, x: Any, weights: Mapping[str, Any], at: int, norm: str) -> Any:
    weight, bias = weights[f"layers.{at}.weight"], weights[f"layers.{at}.bias"]
    if norm == "layer":
        mean, variance = tf.nn.moments(x, axes=[1], keepdims=True)
    else:
        mean, variance = (weights[f"layers.{at}.running_{word}"] for word in ("mean", "var"))
    return (x - mean) / tf.sqrt(variance + _EPSILON) * weight + bias


def _activation(tf: Any, name: str, x: Any) -> Any:
    if name == "gelu":
        return tf.nn.gelu(x, approximate=False)
    if name == "leaky_relu":
        return tf.nn.leaky_relu(x, alpha=0.01)
    if name == "mish":
        return x * tf.tanh(tf.math.softplus(x))
    return {"relu": tf.nn.relu, "elu": tf.nn.elu, "selu": tf.nn.selu, "silu": tf.nn.silu,
            "sigmoid": tf.sigmoid, "tanh": tf.tanh, "softplus": tf.math.softplus}[name](x)


def _numbers(tf: Any, x: Any, inputs: Inputs) -> Any:
    """Numbers scaled, codes 0/1, side by side, as `Inputs.split` cuts them."""
    parts, arrays = [], inputs.arrays
    at = [place for span in inputs.of("numbers") for place in range(span.start, span.stop)]
    if at:
        found = tf.gather(x, at, axis=1)
        if inputs.scaling == "quantile":
            found = _normal_scores(tf, found, np.asarray(arrays["quantiles"], np.float64))
        elif inputs.scaling != "none":
            found = (found - tf.constant(arrays["centre"], x.dtype)) * tf.constant(
                arrays["factor"], x.dtype)
            found = tf.clip_by_value(found, -_FAR, _FAR)
        if inputs.scaling == "robust":
            found = found / tf.sqrt(1.0 + (found / 3.0) ** 2)
        parts.append(found)
    for span in inputs.of("codes"):
        for place, level in zip(range(span.start, span.stop), span.levels, strict=True):
            codes = x[:, place]
            fine = (codes >= 0) & (codes < level)
            known = tf.cast(tf.where(fine, codes, -tf.ones_like(codes)), tf.int32)
            parts.append(tf.one_hot(known, level, dtype=x.dtype))
    return tf.concat(parts, 1)


def _normal_scores(tf: Any, numbers: Any, known: np.ndarray) -> Any:
    """Numbers (rows, p) as scores of a normal distribution, by quantiles known (q, p)."""
    found = []
    for at, knots in enumerate(known.T):
        x = numbers[:, at:at + 1]
        low, up = _rank(tf, x, knots), _rank(tf, -x, -knots[::-1])
        # both tails apart: near 1 a number of 32 bits has no room for the rest
        found.append(_quantile(tf, (low + (1.0 - up)) / 2, ((1.0 - low) + up) / 2))
    return tf.concat(found, 1)


def _rank(tf: Any, x: Any, knots: np.ndarray) -> Any:
    """The rank 0 to 1 of x (rows, 1) among knots ascending, linear between, as numpy's interp."""
    last, kind = len(knots) - 1, x.dtype
    held = tf.clip_by_value(x, tf.constant(knots[0], kind), tf.constant(knots[-1], kind))
    inner = tf.constant(knots[None, 1:-1], kind)
    below = tf.reduce_sum(tf.cast(held >= inner, tf.int32), axis=1)
    gap = np.diff(knots)
    rise = np.where(gap > 0, 1.0 / np.where(gap > 0, gap, 1.0), 0.0)
    start, slope = (tf.gather(tf.constant(each, kind), below)[:, None]
                    for each in (knots[:-1], rise))
    found = (tf.cast(below, kind)[:, None] + (held - start) * slope) / last
    found = tf.where(held >= tf.constant(knots[-1], kind), tf.ones_like(found), found)
    return tf.where(x < tf.constant(knots[0], kind), tf.zeros_like(found), found)


def _quantile(tf: Any, p: Any, rest: Any) -> Any:
    """The standard normal's quantile of p, where `rest` is 1 - p (Wichura 1988, AS 241)."""
    p, rest = tf.maximum(p, _LEAST), tf.maximum(rest, _LEAST)
    first, second, third, fourth, fifth, sixth = AS241
    q = (p - rest) / 2
    middle = tf.abs(q) <= 0.425
    r = tf.where(middle, 0.180625 - q * q, tf.zeros_like(q))
    centre = q * _polynomial(r, first) / _polynomial(r, second)
    far = tf.sqrt(-tf.math.log(tf.where(middle, 0.5 * tf.ones_like(p), tf.minimum(p, rest))))
    near = far <= 5.0
    s = tf.where(near, far - 1.6, tf.zeros_like(far))
    t = tf.where(near, tf.zeros_like(far), far - 5.0)
    out = tf.where(near, _polynomial(s, third) / _polynomial(s, fourth),
                   _polynomial(t, fifth) / _polynomial(t, sixth))
    return tf.where(middle, centre, tf.where(q < 0.0, -out, out))


def _polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    found = x * coefficients[-1] + coefficients[-2]
    for each in reversed(coefficients[:-2]):
        found = found * x + each
    return found


def _laid(tf: Any, shares: Any, classes: Any, n_classes: int) -> Any:
    """Probabilities of the classes seen laid over all of them."""
    if classes is None or not n_classes or len(classes) == n_classes:
        return shares
    place = {int(code): at for at, code in enumerate(classes)}
    order = [place.get(code, len(classes)) for code in range(n_classes)]
    return tf.gather(tf.concat([shares, tf.zeros_like(shares[:, :1])], 1), order, axis=1)


def _keras(tf: Any, state: State, inputs: Inputs, module: Any) -> Function:
    from wholefit.models._kernels.keras import _count, rebuilt

    arrays = [state.arrays[f"w{at}"] for at in range(_count(state.arrays))]
    model = rebuilt(state.config["keras"], arrays)
    module.network = model  # its variables are saved with the module
    target, classes = state.arrays.get("target"), state.config.get("classes")

    def answer(x: Any) -> Any:
        raw = model(_asked(tf, x, inputs, model), training=False)
        if classes is None:
            assert target is not None
            return tf.reshape(raw, [-1, 1]) * float(target[1]) + float(target[0])
        return _laid(tf, _shares(tf, model, raw), classes, int(state.config["n_classes"]))

    return answer


def _asked(tf: Any, x: Any, inputs: Inputs, model: Any) -> Any:
    """The features cut to the shapes of the model's inputs, as `_kernels.keras.asked` does."""
    if inputs.of("image"):
        found = [tf.transpose(tf.reshape(tf.clip_by_value(tf.round(
            x[:, span.start:span.stop]), 0.0, 255.0), [-1, *span.shape]), [0, 2, 3, 1]) / 255.0
            for span in inputs.of("image")]
        return found[0] if len(found) == 1 else found
    flat = _numbers(tf, x, inputs)
    shapes = [tuple(int(size) for size in each.shape[1:]) if None not in each.shape[1:]
              else (flat.shape[1],) for each in model.inputs]
    if len(shapes) == 1:
        return flat if len(shapes[0]) == 1 else tf.reshape(flat, [-1, *shapes[0]])
    parts = tf.split(flat, [int(np.prod(shape)) for shape in shapes], axis=1)
    found = [tf.reshape(part, [-1, *shape]) for part, shape in zip(parts, shapes, strict=True)]
    return found[0] if len(found) == 1 else found


def _shares(tf: Any, model: Any, raw: Any) -> Any:
    """Probabilities of what a Keras model gives, by its last layer's activation."""
    last = getattr(model.layers[-1], "activation", None)
    named = getattr(last, "__name__", type(model.layers[-1]).__name__.lower())
    if raw.shape[1] == 1:
        one = raw if named == "sigmoid" else tf.sigmoid(raw)
        return tf.concat([1.0 - one, one], 1)
    if named == "sigmoid":
        raw = tf.maximum(raw, 1e-12)
    elif named != "softmax":
        raw = tf.nn.softmax(raw)
    return raw / tf.reduce_sum(raw, axis=1, keepdims=True)
