"""Networks as state: plain ones answer without torch, altered ones are refused before building."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save
from sklearn.datasets import load_iris

from wholefit import artifact
from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._kernels import _layers, _safetensors
from wholefit.models._networks import NetworkClassifier, NetworkRegressor, _states, state_of
from wholefit.models._scorers import scorer
from wholefit.nn import networks, weights

QUICK = {"epochs": 5, "rate": 0.02, "patience": None}


def _state(network: str = "mlp", **options: Any) -> State:
    X, y = load_iris(return_X_y=True)
    made = NetworkClassifier({"network": network, "hidden": [8], **options}, QUICK).fit(X, y)
    return state_of(made, 3)


@pytest.mark.parametrize(("activation", "norm"), [
    *itertools.product(["relu", "mish"], ["none", "batch", "layer"]),
    *((name, "none") for name in sorted(_layers._ACTIVATIONS)), ("gelu", "batch")])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_layers_in_numpy_are_torchs(activation: str, norm: str, dropout: float) -> None:
    made_of = {"network": "mlp", "inputs": 5, "outputs": 3, "hidden": [7, 6, 6],
               "activation": activation, "norm": norm, "dropout": dropout}
    torch.manual_seed(0)
    module = networks.make(**made_of)
    for name, buffer in module.named_buffers():
        if "running" in name:
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    for parameter in module.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    x = np.random.default_rng(0).normal(0, 3, (50, 5))
    plain = _layers.plain(made_of, weights.to_bytes(module))
    assert plain is not None
    with torch.inference_mode():
        expected = module.double().eval()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(plain(x), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("made_of", [
    {"network": "mlp", "inputs": 2, "outputs": 2, "hidden": [2], "residual": True},
    {"network": "mlp", "inputs": 2, "outputs": 2, "hidden": [2], "activation": "softsign"},
    {"network": "tabm", "inputs": 2, "outputs": 2}])
def test_what_numpy_does_not_know_is_left_to_torch(made_of: dict[str, Any]) -> None:
    assert _layers.plain(made_of, weights.to_bytes(networks.make(**made_of))) is None


def test_the_reader_of_safetensors_is_the_librarys() -> None:
    rng = torch.Generator().manual_seed(0)
    held = {"a": torch.rand(3, 4, generator=rng), "b": torch.arange(5), "c": torch.zeros(0, 2),
            "d": torch.tensor(True), "e": torch.rand(2, generator=rng).double()}
    found = _safetensors.arrays(save(held, metadata={"who": "me"}))
    assert found.keys() == held.keys()
    for name, each in held.items():
        np.testing.assert_array_equal(found[name], each.numpy())
    assert _safetensors.shapes(save(held)) == {name: tuple(t.shape) for name, t in held.items()}


@pytest.mark.parametrize("blob", [
    b"", b"1234567", b"\xff" * 20, (9).to_bytes(8, "little") + b"[1, 2, 3]",
    (3).to_bytes(8, "little") + b"{}}", (2).to_bytes(8, "little") + b"[]",
    *((len(text)).to_bytes(8, "little") + text + b"\0" * 8 for text in (
        b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}}',
        b'{"a": {"dtype": "F99", "shape": [2], "data_offsets": [0, 8]}}',
        b'{"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}',
        b'{"a": {"dtype": "F32", "shape": [99999999999, 99999999999], "data_offsets": [0, 8]}}',
        b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]}}', b'{"a": 3}'))])
def test_damaged_weights_are_refused(blob: bytes) -> None:
    with pytest.raises(StateError, match="damaged"):
        _safetensors.arrays(blob)


@pytest.mark.parametrize("network", ["mlp", "tabm", "realmlp"])
def test_a_loaded_network_answers_bit_for_bit(network: str) -> None:
    X, _ = load_iris(return_X_y=True)
    state = _state(network)
    loaded = artifact.from_bytes(artifact.to_bytes({}, {"model": state})).states["model"]
    first = scorer(state).answer(X)
    np.testing.assert_array_equal(scorer(loaded).answer(X), first)
    alone = np.concatenate([scorer(loaded).answer(X[at:at + 1]) for at in range(len(X))])
    np.testing.assert_allclose(alone, first, atol=1e-12)


def test_plain_layers_answer_without_torch(tmp_path: Path) -> None:
    X, _ = load_iris(return_X_y=True)
    state = _state()
    path = tmp_path / "m.wf"
    path.write_bytes(artifact.to_bytes({}, {"model": state}))
    np.save(tmp_path / "x.npy", X)
    code = textwrap.dedent("""
        import sys, json, pathlib
        sys.modules["torch"] = sys.modules["safetensors"] = None
        import numpy as np
        from wholefit import artifact
        from wholefit.models import scorer
        folder = pathlib.Path(sys.argv[1])
        state = artifact.read((folder / "m.wf").read_bytes()).states["model"]
        print(json.dumps(scorer(state).answer(np.load(folder / "x.npy")).tolist()))
    """)
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True,
                          text=True, check=True)
    np.testing.assert_array_equal(np.array(json.loads(done.stdout)), scorer(state).answer(X))


@pytest.mark.parametrize("changes", [
    {"hidden": [10**6, 10**6]}, {"hidden": [10**12]}, {"outputs": 10**9}, {"inputs": 10**9},
    {"hidden": [1] * 5000}, {"hidden": 3}, {"hidden": "x"}, {"network": "mpl"}, {"network": 3},
    {"members": 10**9}, {"odd": 1}, {"hidden": [-3]}, {"hidden": [float("1e300")]},
    {"embedding": "odd"}, {"size": 10**8}, {"levels": [10**9] * 50}, {"levels": [-1]}])
def test_a_file_that_asks_for_more_than_its_weights_is_refused(changes: dict[str, Any]) -> None:
    state = _state("tabm", members=2)
    config = {**state.config, "made_of": {**state.config["made_of"], **changes}}
    with pytest.raises(StateError):
        scorer(State(state.kind, config, state.arrays, state.blobs))


@pytest.mark.parametrize("changes", [
    {"made_of": None}, {"inputs": None}, {"inputs": {}}, {"link": "odd"}, {"features": "x"}])
@pytest.mark.parametrize("network", ["mlp", "tabm"])
def test_altered_words_are_refused(changes: dict[str, Any], network: str) -> None:
    state = _state(network)
    altered = State(state.kind, {**state.config, **changes}, state.arrays, state.blobs)
    if "features" in changes:
        return  # told, not used
    with pytest.raises(StateError):
        scorer(altered)


@pytest.mark.parametrize("network", ["mlp", "tabm"])
def test_weights_of_another_network_are_refused(network: str) -> None:
    state = _state(network)
    for blob in (b"", _state(network, hidden=[9]).blobs[_states.BLOB],
                 state.blobs[_states.BLOB][:-4]):
        with pytest.raises(StateError):
            scorer(State(state.kind, state.config, state.arrays, {_states.BLOB: blob}))
    with pytest.raises(StateError):
        scorer(State(state.kind, state.config, state.arrays, {}))


def test_a_target_of_another_size_is_refused() -> None:
    X, y = load_iris(return_X_y=True)
    state = state_of(NetworkRegressor({"network": "mlp", "hidden": [4]}, QUICK).fit(X, y))
    broken = State(state.kind, state.config, {**state.arrays, "target": np.ones((2, 7))},
                   state.blobs)
    with pytest.raises(StateError):
        scorer(broken)
