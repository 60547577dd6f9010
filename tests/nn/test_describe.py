"""Tables of layers: measured figures against closed forms, and nothing left changed."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.nn.describe import describe, field_of, receptive_field
from wholefit.nn.networks import make


def test_a_cnn_layer_by_layer() -> None:
    found = describe(make("cnn", channels=1, height=28, width=28, outputs=10), (1, 28, 28))
    table = {layer.name: layer for layer in found.layers}
    assert table["features.3"].output == (64, 14, 14)
    assert table["features.3"].multiply_adds == 14 * 14 * 64 * 32 * 9
    assert table["features.5"].output == (64, 7, 7)
    assert table["gather"].output == (3136,)
    assert table["head.0"].multiply_adds == 3136 * 128
    assert found.weight_bytes == 4 * 421_642 and found.trainable == 421_642
    assert found.multiply_adds == 28 * 28 * 32 * 9 + 14 * 14 * 64 * 32 * 9 + 3136 * 128 + 1280
    text = found.to_text()
    assert "421,642 parameters" in text and "features.3" in text
    assert json.loads(json.dumps(found.to_dict()))["layers"][0]["kind"] == "Conv2d"


def test_attention_counts_its_products() -> None:
    """Tokens x tokens x size, twice: what each looks at, and what it takes from there."""
    module = make("vision_transformer", channels=1, height=16, width=16, outputs=2, size=8, heads=2,
                  depth=1)
    table = {layer.name: layer for layer in describe(module, (1, 16, 16)).layers}
    assert table["blocks.0"].multiply_adds == 2 * 16 * 16 * 8
    assert table["(itself)"].parameters == 16 * 8


@pytest.mark.parametrize(("kind", "gates"), [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)])
def test_recurrent_layers(kind: type[nn.Module], gates: int) -> None:
    one = describe(kind(10, 20, batch_first=True), (7, 10))
    assert one.multiply_adds == 7 * gates * 20 * (10 + 20)
    assert one.layers[0].output == (7, 20)
    both = describe(kind(10, 20, batch_first=True, bidirectional=True, num_layers=2), (7, 10))
    assert both.multiply_adds == 7 * gates * 20 * 2 * ((10 + 20) + (40 + 20))


def test_packed_sequences() -> None:
    module = make("lstm", vocabulary=50, length=7, outputs=2)
    found = describe(module, torch.ones(2, 7, dtype=torch.int64))
    layer = next(layer for layer in found.layers if layer.kind == "LSTM")
    core = next(part for part in module.modules() if isinstance(part, nn.LSTM))
    assert layer.multiply_adds == 7 * sum(
        p.numel() for name, p in core.named_parameters() if name.startswith("weight"))


def test_saved_for_the_way_back() -> None:
    """A dense layer keeps what comes in, a relu what it gives; nothing is counted twice."""
    module = nn.Sequential(nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 10))
    assert describe(module, (100,)).saved_bytes == 4 * (100 + 50)
    found = describe(module, (100,))
    weights = 4 * (100 * 50 + 50 + 50 * 10 + 10)
    assert found.training_bytes(rows=8, kept=0) == 2 * weights + 8 * 600
    module.requires_grad_(False)
    assert describe(module, (100,)).training_bytes(rows=8) == weights


def test_a_layer_used_twice_counts_once() -> None:
    shared = nn.Linear(4, 4)
    found = describe(nn.Sequential(shared, nn.ReLU(), shared), (4,))
    assert [layer.parameters for layer in found.layers] == [20, 0, 0]
    assert found.parameters == 20 and found.multiply_adds == 32


def test_looking_changes_nothing() -> None:
    module = make("resnet", channels=1, height=8, width=8, outputs=2, depth=8, size=4, drop=0.3)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    describe(module, (1, 8, 8))
    assert torch.equal(torch.rand(1), wanted), "random numbers go on as they were"
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())
    assert module.training and not any(hasattr(m, "name_here") for m in module.modules())


def test_tokens_several_inputs_and_wrong_ones() -> None:
    table = describe(nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(20, 2)),
                     torch.zeros(2, 5, dtype=torch.int64))
    assert [layer.output for layer in table.layers] == [(5, 4), (20,), (2,)]
    two = describe(make("tabm", inputs=3, outputs=2, levels=[4], hidden=[8], members=2), (3,),
                   torch.zeros(2, 1, dtype=torch.int64))
    assert two.parameters == sum(layer.parameters for layer in two.layers)
    with pytest.raises(ParameterError, match=r"does not take inputs of shape \(5,\)"):
        describe(nn.Linear(4, 2), (5,))


@pytest.mark.parametrize("stages", [
    [{"channels": 2}, {"channels": 2}],
    [{"channels": 2, "kernel": 5, "stride": 2, "pool": None}, {"channels": 3, "pool": "average"}],
    [{"channels": 2, "dilation": 2, "pool": None}, {"channels": 2, "pool": None}],
])
def test_receptive_field_measured_and_by_formula(stages: list[dict[str, object]]) -> None:
    module = make("cnn", channels=1, height=40, width=36, outputs=2, stages=stages, hidden=[],
                  gather="average")
    steps = []
    for stage in stages:
        steps.append((stage.get("kernel", 3), stage.get("stride", 1), stage.get("dilation", 1)))
        steps += [(2, 2, 1)] if stage.get("pool", "max") else []
    seen, jump = receptive_field(steps)  # type: ignore[arg-type]
    assert field_of(module.features, 1, 40, 36) == (seen, seen)
    assert jump == 40 // module.features(torch.zeros(1, 1, 40, 36)).shape[2]


def test_field_of_wants_maps() -> None:
    with pytest.raises(ParameterError, match="gives maps"):
        field_of(nn.Flatten(), 1, 4, 4)
