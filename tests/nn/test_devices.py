"""Devices give what the CPU gives within the stated tolerance; where there is none, stand-ins do.

A GPU is compared wherever one is. Elsewhere the tolerance is held against what is there: float64
in place of the CPU's float32, bfloat16, another number of threads, and a device that is wrong.
"""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from benchmarks import neural_devices
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.nn import Recipe, devices

DOC = Path(__file__).parents[2] / "docs" / "training-loop.md"
NO_GPU = "no GPU (cuda or mps) is on this machine"


@pytest.mark.skipif(not devices.others(), reason=NO_GPU)
@pytest.mark.parametrize("precision", devices.TOLERANCES)
@pytest.mark.parametrize("name", neural_devices.CASES)
def test_each_device_here_keeps_the_tolerance(name: str, precision: str) -> None:
    module, rows, recipe = neural_devices.case(name)
    for device in devices.others():
        found = devices.agreement(module, rows, recipe, device=device, precision=precision)
        assert found.holds, found


@pytest.mark.parametrize("name", neural_devices.CASES)
def test_the_cpu_agrees_with_itself_in_other_threads_and_in_bfloat16(name: str) -> None:
    module, rows, recipe = neural_devices.case(name)
    before = copy.deepcopy(module.state_dict())
    same = devices.agreement(module, rows, recipe, device="cpu", steps=4, threads=2)
    assert same.holds and max(same.answers, same.gradients, same.loss) < 1e-4
    half = devices.agreement(module, rows, recipe, device="cpu", precision="bfloat16", steps=4)
    assert half.holds and half.answers > 1e-4, "bfloat16 was not used"
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


@pytest.mark.parametrize("name", neural_devices.CASES)
def test_float32_is_far_within_its_tolerance_of_float64(name: str) -> None:
    """What a device may be off by is room for its own order of sums: the CPU's takes little of it.
    """
    module, (x, _), _ = neural_devices.case(name)
    module.eval()
    plain = module(x[:64]).detach().double()
    exact = copy.deepcopy(module).double()(
        x[:64].double() if x.is_floating_point() else x[:64]).detach()
    assert float((plain - exact).norm() / exact.norm()) < 1e-2 * devices.TOLERANCES[
        "float32"].answers


@pytest.mark.parametrize("wrong", ["answers", "gradients"])
def test_a_device_that_is_wrong_is_found(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, rows, recipe = neural_devices.case("mlp")
    real = getattr(devices._Side, wrong)

    def off(self: Any) -> torch.Tensor:
        return real(self) * (1.006 if self.threads else 1.0)

    monkeypatch.setattr(devices._Side, wrong, off)
    found = devices.agreement(module, rows, recipe, device="cpu", steps=1, threads=1)
    assert not found.holds
    assert getattr(found, wrong) == pytest.approx(0.006, rel=1e-2)


def test_a_number_that_is_none_is_not_within_any_tolerance() -> None:
    wide = torch.ones(3)
    assert devices._distance(wide * float("nan"), wide) == float("inf")
    assert not devices.Agreement("cuda", "float32", 5, float("nan"), 0.0, 0.0).holds


def test_what_cannot_be_compared_is_said() -> None:
    rows = torch.randn(20, 3), torch.arange(20) % 2
    dropped = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2))
    with pytest.raises(ParameterError, match=r"draws no random numbers .* dropout=0"):
        devices.agreement(dropped, rows, device="cpu", steps=2)
    with pytest.raises(ParameterError, match="float32, float16, bfloat16; got 'half'"):
        devices.agreement(dropped, rows, device="cpu", precision="half")
    with pytest.raises(ParameterError, match="steps must be >= 1; got 0"):
        devices.agreement(dropped, rows, device="cpu", steps=0)
    with pytest.raises(ParameterError, match="needs a GPU"):
        devices.agreement(nn.Linear(3, 2), rows, Recipe(batch=5), device="cpu",
                          precision="float16", steps=2)


def test_the_page_says_so_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "others", list)
    found = neural_devices.compared(1, ("mlp",))
    text, whole = neural_devices.page(found, 1)
    assert whole and "no GPU was compared" in text and "bfloat16" in text
    off = devices.Agreement("cuda", "float32", 1, 0.5, 0.0, 0.0)
    text, whole = neural_devices.page(["mlp", off, "cnn", "mps in float16 failed: none"], 1)
    assert not whole and text.count("NOT MET") == 2


def test_the_docs_state_the_tolerances_that_are_checked() -> None:
    rows = dict(re.findall(r"^\| `(\w+)`[^|]* \|((?: [\d.]+ % \|){3})$", DOC.read_text(), re.M))
    stated = {word: [float(each) / 100 for each in re.findall(r"[\d.]+", cells)]
              for word, cells in rows.items()}
    assert stated == {word: pytest.approx([wide.answers, wide.gradients, wide.loss])
                      for word, wide in devices.TOLERANCES.items()}
