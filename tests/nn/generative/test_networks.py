"""Generative networks: how many numbers they learn, what shapes they give."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from wholefit.base.errors import ParameterError, UnknownNameError
from wholefit.nn import networks


@pytest.mark.parametrize(("name", "options", "count"), [
    ("autoencoder", {"inputs": 784, "hidden": [128], "code": 32}, 209_968),
    ("generator", {}, 247_952),
    ("discriminator", {}, 108_801),
    ("discriminator", {"spectral": True}, 108_801),
    ("rbm", {"visible": 784, "hidden": 128}, 784 * 128 + 784 + 128),
    ("vae", {"inputs": 784}, 2 * 784 * 400 + 784 + 400 + 2 * (400 * 20 + 20) + 20 * 400 + 400),
])
def test_parameter_counts(name: str, options: dict[str, Any], count: int) -> None:
    assert networks.parameters(networks.make(name, **options)) == count


@pytest.mark.parametrize("size", [(1, 28, 28), (3, 13, 10), (1, 8, 32)])
@pytest.mark.parametrize("name", ["conv_autoencoder", "conv_vae"])
def test_pictures_come_back_in_their_shape(name: str, size: tuple[int, int, int]) -> None:
    channels, height, width = size
    module = networks.make(name, channels=channels, height=height, width=width)
    flat = torch.rand(2, channels * height * width)
    assert module(flat).shape == flat.shape
    assert module(flat.reshape(2, *size)).shape == (2, *size)


@pytest.mark.parametrize("classes", [0, 4])
def test_a_convolutional_pair_fits_together(classes: int) -> None:
    sizes = {"channels": 1, "height": 12, "width": 9, "classes": classes}
    made = networks.make("conv_generator", inputs=5, **sizes)
    told = networks.make("conv_discriminator", **sizes)
    label = [torch.tensor([0, 3, 1])] if classes else []
    rows = made(torch.randn(3, 5), *label)
    assert rows.shape == (3, 108) and rows.abs().max() <= 1
    assert told(rows, *label).shape == (3,)


def test_spectral_normalisation_holds_the_largest_singular_value_at_one() -> None:
    module = networks.make("discriminator", inputs=6, hidden=[8], spectral=True)
    for _ in range(30):
        module(torch.randn(4, 6))
    module.eval()
    weight = module.layers[0].weight
    assert float(torch.linalg.svdvals(weight.detach())[0]) == pytest.approx(1.0, abs=1e-2)


def test_a_conditional_one_says_that_it_needs_labels() -> None:
    module = networks.make("generator", inputs=4, outputs=3, classes=2)
    with pytest.raises(ParameterError, match="label"):
        module(torch.randn(2, 4))


def test_wrong_words_are_corrected() -> None:
    with pytest.raises(UnknownNameError, match="sigmoid"):
        networks.make("autoencoder", inputs=4, output="sigmoidd")
    with pytest.raises(ParameterError, match="halved"):
        networks.make("conv_vae", channels=1, height=2, width=2, filters=[4, 4, 4])


def test_the_free_energy_is_that_of_summed_out_hidden_units() -> None:
    machine = networks.make("rbm", visible=3, hidden=4)
    torch.nn.init.normal_(machine.weight)
    torch.nn.init.normal_(machine.visible)
    torch.nn.init.normal_(machine.hidden)
    v = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    states = torch.tensor([[(at >> bit) & 1 for bit in range(4)] for at in range(16)]).float()
    energy = -(v @ machine.weight @ states.T) - (v @ machine.visible)[:, None] \
        - (states @ machine.hidden)[None]
    assert torch.allclose(machine.free_energy(v), -torch.logsumexp(-energy, dim=1), atol=1e-5)
