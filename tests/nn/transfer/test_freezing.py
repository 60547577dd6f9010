"""Frozen weights stay as they are bit for bit, batch norms' statistics included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch (extra deep)")

from wholefit.base.errors import ParameterError, UnknownNameError  # noqa: E402
from wholefit.nn import Recipe, networks, train, transfer  # noqa: E402
from wholefit.nn.transfer.freezing import count_of  # noqa: E402

RECIPE = Recipe(epochs=2, batch=32, rate=1e-2, weight_decay=0.1, device="cpu")


def marks(module: Any) -> list[str]:
    return [transfer.fingerprint(part) for part in transfer.stages(module)]


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "rmsprop"])
@pytest.mark.parametrize("ema", [None, 0.9])
def test_frozen_stages_stay_bit_identical(base: Any, shapes: Any, optimizer: str, ema: Any) -> None:
    x, y = shapes(128, seed=1)
    module = transfer.headed(base, 4)
    transfer.train_top(module, 1)
    before = marks(module)
    groups = transfer.rates(module, 1e-2)
    train(module, (x, y), RECIPE.replace(optimizer=optimizer, ema=ema), groups=groups)
    after = marks(module)
    assert after[:-1] == before[:-1]
    assert after[-1] != before[-1]


def test_without_eval_mode_the_batch_norms_would_have_moved(base: Any, shapes: Any) -> None:
    """What freezing is for: gradients switched off alone do not keep a batch norm still."""
    x, y = shapes(128, seed=1)
    module = transfer.headed(base, 4)
    before = marks(module)
    for parameter in module.body.parameters():
        parameter.requires_grad_(False)
    train(module, (x, y), RECIPE)
    assert marks(module) != before


def test_every_strategy_keeps_what_it_says_it_keeps(base: Any, shapes: Any) -> None:
    x, y = shapes(96, seed=2)
    for name, how in transfer.STRATEGIES.items():
        module = transfer.headed(base, 4, fresh=how.fresh, seed=RECIPE.seed)
        before = marks(module)
        found = transfer.tune(base, (x, y), 4, name, recipe=RECIPE.replace(epochs=1))
        kept = len(before) - count_of(module, how.share)
        after = marks(found.module)
        open_from = len(before) - 1 if name == "gradual" else kept
        assert after[:kept] == before[:kept], name
        assert all(a != b for a, b in zip(after[open_from:], before[open_from:], strict=True)
                   ) or name == "gradual", name
    assert base.sha256 == transfer.load(base).sha256


def test_thawed_parts_learn_again(base: Any, shapes: Any) -> None:
    x, y = shapes(96, seed=2)
    module = transfer.headed(base, 4)
    transfer.freeze(module.body)
    assert len(transfer.frozen(module)) == sum(1 for _ in module.body.parameters())
    before = marks(module)
    transfer.thaw(module.body)
    assert transfer.frozen(module) == []
    train(module, (x, y), RECIPE)
    assert not set(marks(module)) & set(before)


def test_gradual_unfreezing_opens_a_stage_an_epoch_from_the_top(base: Any, shapes: Any) -> None:
    x, y = shapes(64, seed=3)
    module = transfer.headed(base, 4)
    steps: list[Any] = [marks(module)]
    unfreezing = transfer.Gradually(module, first=1)
    count = len(steps[0])

    def look(event: str, loop: Any) -> None:
        if event == "epoch":
            steps.append(marks(module))

    train(module, (x, y), RECIPE.replace(epochs=3, weight_decay=0.0), callbacks=[look, unfreezing],
          groups=transfer.rates(module, 1e-2))
    changed = [[a != b for a, b in zip(steps[at + 1], steps[at], strict=True)] for at in range(3)]
    assert changed[0] == [False] * count
    assert changed[1] == [False] * (count - 1) + [True]
    assert changed[2] == [False] * (count - 2) + [True] * 2


@pytest.mark.parametrize("judged", [True, False])
def test_what_is_thawed_trains_and_its_batch_norms_keep_what_they_counted(
    base: Any, shapes: Any, judged: bool,
) -> None:
    """Whether rows are judged between epochs or not: dropout draws, means and variances stay."""
    x, y = shapes(64, seed=3)
    modes: list[list[bool]] = []

    def look(event: str, loop: Any) -> None:
        if event == "step":
            modes.append([each.training for each in loop.work.module.body.modules()
                          if isinstance(each, torch.nn.ReLU)])

    found = transfer.tune(base, (x, y), 4, "gradual", recipe=RECIPE.replace(epochs=6, batch=32),
                          valid=(x, y) if judged else None, callbacks=[look])
    assert not all(modes[0]) and all(modes[-1])
    stored = transfer.headed(base, 4).body.state_dict()
    counted = [name for name in stored if "running" in name or "batches" in name]
    assert counted
    assert all(torch.equal(found.module.body.state_dict()[name], stored[name]) for name in counted)
    assert not all(torch.equal(found.module.body.state_dict()[name], stored[name])
                   for name in stored), "stages have learnt"


def test_gradual_unfreezing_goes_on_alike_after_a_stop(base: Any) -> None:
    class At:
        epoch = 3

    module = transfer.headed(base, 4)
    again = transfer.Gradually(module, first=1, every=2)
    again("begin", At())
    assert again.open == 2


def test_rates_fall_with_depth_and_hold_every_parameter_once(base: Any) -> None:
    module = transfer.headed(base, 4)
    groups = transfer.rates(module, 1e-2, decay=2.0)
    held = [id(value) for group in groups for value in group["params"]]
    assert sorted(held) == sorted(id(value) for value in module.parameters())
    found = [group["lr"] for group in groups]
    assert found[0] == 1e-2
    np.testing.assert_allclose(np.array(found[:-1]) / np.array(found[1:]), 2.0)
    assert groups[1]["params"][0] is next(transfer.stages(module)[-1].parameters())


def test_what_rates_do_is_what_a_hand_written_step_does(base: Any) -> None:
    module = transfer.headed(base, 4, seed=1)
    x = torch.randint(0, 255, (8, 3, 12, 12), dtype=torch.uint8)
    y = torch.arange(8) % 4
    groups = transfer.rates(module, 0.1, decay=10.0)
    optimizer = torch.optim.SGD(groups)
    start = [value.detach().clone() for value in module.parameters()]
    torch.nn.functional.cross_entropy(module.train()(x), y).backward()
    slopes = [value.grad.clone() for value in module.parameters()]
    optimizer.step()
    rate = {id(value): group["lr"] for group in groups for value in group["params"]}
    for value, old, slope in zip(module.parameters(), start, slopes, strict=True):
        torch.testing.assert_close(value.detach(), old - rate[id(value)] * slope)


@pytest.mark.parametrize(("count", "words"), [(-1, "stages to train"), (99, "stages to train")])
def test_wrong_counts_are_refused(base: Any, count: int, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        transfer.train_top(transfer.headed(base, 4), count)


def test_wrong_words_are_refused(base: Any, shapes: Any) -> None:
    with pytest.raises(ParameterError, match="decay"):
        transfer.rates(transfer.headed(base, 4), 0.1, decay=0.5)
    with pytest.raises(UnknownNameError, match="frozen"):
        transfer.tune(base, shapes(8), 4, "frosen")
    with pytest.raises(ParameterError, match="gradual"):
        transfer.Gradually(transfer.headed(base, 4), every=0)


def test_a_copy_of_a_frozen_network_is_frozen_and_can_be_thawed(base: Any) -> None:
    import copy

    module = transfer.headed(base, 4, learns=0.0)
    again = copy.deepcopy(module)
    assert transfer.frozen(again) == transfer.frozen(module) != []
    again.train()(torch.zeros(2, 3, 12, 12))
    assert marks(again) == marks(module)
    transfer.thaw(again.body)
    again.train()(torch.zeros(2, 3, 12, 12))
    assert marks(again) != marks(module)


def test_freezing_lower_layers_of_any_network(shapes: Any) -> None:
    module = networks.make("mlp", inputs=6, outputs=3, hidden=[8, 8])
    names = [type(part).__name__ for part in transfer.stages(module)]
    assert names == ["Linear"] * 3
    x = np.random.default_rng(0).normal(size=(64, 6)).astype(np.float32)
    before = marks(module)
    transfer.freeze(*transfer.stages(module)[:2])
    train(module, (x, np.arange(64) % 3), RECIPE)
    assert [a == b for a, b in zip(marks(module), before, strict=True)] == [True, True, False]
