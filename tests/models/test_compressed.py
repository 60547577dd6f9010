"""Packed weights and whole-number sums: exact, bit for bit, and safe to read from any file."""

from __future__ import annotations

import numpy as np
import pytest

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._kernels import _packed, _safetensors
from wholefit.models._kernels._packed import rounded
from wholefit.models._kernels.compressed import compressed_state, network_of, summed
from wholefit.models._scorers import scorer

RNG = np.random.default_rng(0)


def tensors(width: int = 9, hidden: int = 7) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    shapes = {"layers.0.weight": (hidden, width), "layers.0.bias": (hidden,),
              "layers.2.weight": (3, hidden), "layers.2.bias": (3,)}
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def network(width: int = 9, hidden: int = 7) -> State:
    """A network of numbers, as it is stored."""
    made_of = {"network": "mlp", "inputs": width, "outputs": 3, "hidden": [hidden],
               "activation": "relu"}
    inputs = {"features": width, "scaling": "none", "onehot": False, "spans": [
        {"kind": "numbers", "start": 0, "stop": width, "shape": [], "levels": []}]}
    config = {"made_of": made_of, "inputs": inputs, "n_classes": 3, "classes": [0, 1, 2],
              "link": "softmax"}
    return State("network", config,
                 blobs={"weights.safetensors": _packed.safetensors(tensors(width, hidden))})


def test_safetensors_are_those_of_the_library() -> None:
    library = pytest.importorskip("safetensors.numpy")
    kept = {**tensors(), "count": np.array(5, dtype=np.int64), "flags": np.array([True, False])}
    ours = _packed.safetensors(kept)
    for read in (library.load(ours), _safetensors.arrays(ours)):
        assert read.keys() == kept.keys()
        for name, each in kept.items():
            np.testing.assert_array_equal(read[name], each)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("way", _packed.WAYS)
def test_what_is_packed_is_what_comes_back(way: str, masked: bool) -> None:
    tensor = RNG.normal(size=(6, 5, 3)).astype(np.float32)
    mask = RNG.random(tensor.shape) < 0.3 if masked else None
    book = np.sort(RNG.normal(size=13)).astype(np.float32)
    codes = RNG.integers(0, 13, tensor.shape)
    listed, arrays = _packed.pack(
        {"t": tensor}, {"t": way}, masks=None if mask is None else {"t": mask},
        books={"t": (book, codes)})
    back = _packed.unpack(listed, arrays)["t"].values
    if way == "int8":
        scale = np.abs(tensor).reshape(6, -1).max(axis=1) / 127
        near, allowed = tensor, scale[:, None, None] / 2 + 1e-6
    else:
        near = {"whole": tensor, "float16": tensor.astype(np.float16), "shared": book[codes]}[way]
        allowed = 0.0
    kept = np.ones_like(tensor, dtype=bool) if mask is None else mask
    assert (np.abs(back - near)[kept] <= (allowed + np.zeros_like(tensor))[kept]).all()
    assert not back[~kept].any()


def test_bytes_are_what_is_said() -> None:
    """13 values take four bits a weight; a mask takes one bit and leaves the rest out."""
    tensor, codes = np.zeros((100, 80), np.float32), np.zeros((100, 80), int)
    book = np.arange(13, dtype=np.float32)
    _, arrays = _packed.pack({"t": tensor}, {"t": "shared"}, books={"t": (book, codes)})
    assert arrays["w0.values"].nbytes == 8000 * 4 // 8
    mask = np.arange(8000).reshape(100, 80) < 800
    _, arrays = _packed.pack({"t": tensor}, {"t": "int8"}, masks={"t": mask})
    assert arrays["w0.values"].nbytes == 800 and arrays["w0.mask"].nbytes == 1000


@pytest.mark.parametrize("width", [3, 512, 513, 2000])
def test_sums_are_those_of_whole_numbers(width: int) -> None:
    """The largest products there are, so that a sum in float32 would round."""
    codes = RNG.choice([-255, 254, 255], size=(4, width))
    weight = RNG.choice([-127, 126, 127], size=(width, 5))
    found = summed(codes.astype(np.float32), weight.astype(np.float32))
    np.testing.assert_array_equal(found, codes @ weight)


def test_rounding_is_within_half_a_step_and_keeps_zero() -> None:
    x = RNG.normal(size=(50, 20)) + 3
    x[0] = 0
    low, high = x.min(axis=1, keepdims=True), x.max(axis=1, keepdims=True)
    codes, step = rounded(x, low, high)
    assert (np.abs(codes * step - x) <= step * (0.5 + 1e-9)).all()
    assert (codes == np.rint(codes)).all() and np.abs(codes).max() <= 255
    np.testing.assert_array_equal(rounded(np.zeros((2, 3)), 0.0, 9.0)[0], 0)


@pytest.mark.parametrize("arithmetic", ["dynamic", "static"])
def test_answers_are_those_of_integer_arithmetic(arithmetic: str) -> None:
    """The same network computed by hand in int64, row by row."""
    whole, X = network(), RNG.normal(size=(40, 9))
    kept = tensors()
    ranges = {"layers.0": (-2.0, 2.5), "layers.2": (0.0, 4.0)}
    state = compressed_state(
        whole, *_packed.pack(kept, {name: "int8" for name in kept if name.endswith("weight")}),
        arithmetic=arithmetic, ranges=ranges if arithmetic == "static" else None)
    found = scorer(state).answer(X)
    x32 = X.astype(np.float32)
    for row, answer in zip(x32, found, strict=True):
        hidden = by_hand(row, kept, 0, ranges if arithmetic == "static" else None)
        raw = by_hand(np.maximum(hidden, 0), kept, 2, ranges if arithmetic == "static" else None)
        shares = np.exp(raw - raw.max())
        np.testing.assert_allclose(answer, shares / shares.sum(), atol=1e-6)


def by_hand(x, kept, at, ranges):  # type: ignore[no-untyped-def]
    low, high = ranges[f"layers.{at}"] if ranges else (min(x.min(), 0), max(x.max(), 0))
    step = (high - low) / 255
    zero = round(-low / step)
    codes = np.array([min(255, max(0, round(float(v / step)) + zero)) for v in x], dtype=np.int64)
    weight, scale = _packed.int8(kept[f"layers.{at}.weight"])
    sums = weight.astype(np.int64) @ (codes - zero)
    return sums * step * scale + kept[f"layers.{at}.bias"]


def test_a_row_does_not_hang_on_its_neighbours() -> None:
    state = compressed_state(
        network(), *_packed.pack(tensors(), {"layers.0.weight": "int8", "layers.2.weight": "int8"}),
        arithmetic="dynamic")
    X = RNG.normal(size=(30, 9))
    many = scorer(state).answer(X)
    np.testing.assert_array_equal(np.concatenate([scorer(state).answer(row[None]) for row in X]),
                                  many)


def test_unpacked_it_is_the_network_again() -> None:
    whole, X = network(), RNG.normal(size=(20, 9))
    state = compressed_state(whole, *_packed.pack(tensors(), {}))
    np.testing.assert_array_equal(scorer(state).answer(X), scorer(whole).answer(X))
    np.testing.assert_array_equal(scorer(network_of(state)).answer(X), scorer(whole).answer(X))
    assert network_of(state).config == whole.config
    half = compressed_state(whole, *_packed.pack(tensors(), {}), arithmetic="float32")
    np.testing.assert_allclose(scorer(half).answer(X), scorer(whole).answer(X), atol=1e-6)


@pytest.mark.parametrize("change", [
    lambda c, a: c.update(weights="all"), lambda c, a: c.update(arithmetic="int4"),
    lambda c, a: c["weights"].pop(), lambda c, a: c["weights"][0].update(way="pickle"),
    lambda c, a: c["weights"][0].update(shape=[10**9, 10**9]),
    lambda c, a: c["weights"][0].update(shape=[-1, 9]),
    lambda c, a: c["weights"][0].update(name="layers.7.weight"),
    lambda c, a: a.update({"w0.scale": np.ones(2, np.float32)}),
    lambda c, a: a.update({"w0.scale": np.full(7, np.nan, np.float32)}),
    lambda c, a: a.pop("w0.values"), lambda c, a: a.update({"w0.mask": np.zeros(1, np.uint8)}),
    lambda c, a: a.update({"ranges": np.array([[1.0, 0.0], [0.0, 1.0]])}),
    lambda c, a: c.update(observed=["layers.0"]),
], ids=range(13))
def test_a_hostile_file_is_refused_in_a_sentence(change) -> None:  # type: ignore[no-untyped-def]
    state = compressed_state(
        network(), *_packed.pack(tensors(), {"layers.0.weight": "int8", "layers.2.weight": "int8"}),
        arithmetic="static", ranges={"layers.0": (0.0, 1.0), "layers.2": (0.0, 1.0)})
    config = {**state.config, "weights": [dict(each) for each in state.config["weights"]]}
    arrays = dict(state.arrays)
    change(config, arrays)
    with pytest.raises(StateError):
        scorer(State(state.kind, config, arrays)).answer(np.zeros((2, 9)))


def test_codes_cannot_claim_more_than_is_there() -> None:
    book, codes = np.arange(4, dtype=np.float32), np.zeros((8, 8), int)
    listed, arrays = _packed.pack({"t": np.zeros((8, 8), np.float32)}, {"t": "shared"},
                                  books={"t": (book, codes)})
    for change in ({"count": 10**12}, {"bits": 40}, {"bits": 0}, {"shape": [9, 9]}):
        with pytest.raises(StateError):
            _packed.unpack([{**listed[0], **change}], arrays)
    with pytest.raises(StateError):
        _packed.unpack(listed, {**arrays, "w0.book": book[:0]})
