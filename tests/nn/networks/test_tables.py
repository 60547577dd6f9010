"""Networks for tables: members against separate networks, answers, scales, what they learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wholefit.base.errors import ParameterError
from wholefit.nn import losses, schedules, train
from wholefit.nn.networks import make, parameter_groups, prepare, recipe_of
from wholefit.nn.networks.tabular import Blend, Shared, Tangent
from wholefit.nn.recipe import Recipe


def test_members_against_separate_layers() -> None:
    torch.manual_seed(0)
    layer = Shared(5, 4, members=3)
    for part in (layer.into, layer.out):
        torch.nn.init.normal_(part)
    x = torch.randn(7, 3, 5)
    for at in range(3):
        weight = layer.out[at][:, None] * layer.dense.weight * layer.into[at]
        alone = x[:, at] @ weight.T + layer.bias[at]
        torch.testing.assert_close(layer(x)[:, at], alone, atol=1e-5, rtol=1e-4)


def test_members_learn_apart() -> None:
    """The loss of one member moves no weight of another's own."""
    module = make("tabm", inputs=4, outputs=2, members=3, hidden=[6], dropout=0.0).train()
    module(torch.randn(8, 4), None)[:, 0].sum().backward()
    for part in (module.signs, module.weight, module.bias, module.layers[0].out):
        assert part.grad[0].any() and not part.grad[1:].any()


def test_one_answer_of_many() -> None:
    numbers = torch.randn(6, 4)
    for answers, together in (
        ("classes", lambda x: x.softmax(-1).mean(1)), ("labels", lambda x: x.sigmoid().mean(1)),
        ("numbers", lambda x: x.mean(1)),
    ):
        torch.manual_seed(0)
        module = make("tabm", inputs=4, outputs=3, members=4, hidden=[6], dropout=0.0,
                      answers=answers)
        wanted = together(module.train()(numbers, None))
        found = module.eval()(numbers, None)
        found = {"classes": found.softmax(-1), "labels": found.sigmoid(), "numbers": found}[answers]
        torch.testing.assert_close(found, wanted)
    with pytest.raises(ParameterError, match="answers must be"):
        make("tabm", inputs=4, outputs=3, answers="ranks")


def test_the_loss_of_members_is_the_mean_of_their_losses() -> None:
    module = make("tabm", inputs=4, outputs=3, members=5, hidden=[6])
    output, target = torch.randn(7, 5, 3), torch.randint(0, 3, (7,))
    weight = torch.rand(7)
    loss = torch.nn.functional.cross_entropy
    rows, wanted = module.apart(output, target)
    by_member = torch.stack([loss(output[:, at], target, reduction="none") for at in range(5)])
    assert float(loss(rows, wanted)) == pytest.approx(float(by_member.mean()), rel=1e-5)
    whole = losses.of(module, losses.make(Recipe(loss="cross_entropy")))
    assert float(whole(output, target)) == pytest.approx(float(by_member.mean()), rel=1e-5)
    assert float(whole(output, target, weight)) == pytest.approx(
        float((by_member.mean(0) * weight).sum() / weight.sum()), rel=1e-5)
    soft = torch.rand(7, 3).softmax(1)
    assert float(whole(output, soft)) == pytest.approx(float(torch.stack(
        [loss(output[:, at], soft) for at in range(5)]).mean()), rel=1e-5)
    assert module.apart(output[:, 0], target)[0].shape == (7, 3), "one answer stays"
    numbers = make("tabm", inputs=4, outputs=1, members=5, hidden=[6])
    squared, wanted = losses.of(numbers, losses.make(Recipe(loss="squared"))), torch.randn(7)
    output = torch.randn(7, 5, 1)
    assert float(squared(output, wanted)) == pytest.approx(
        float((output[:, :, 0] - wanted[:, None]).square().mean()), rel=1e-5)


def test_tangent_weights_do_not_grow_with_width() -> None:
    torch.manual_seed(0)
    for wide in (10, 1000):
        layer = Tangent(wide, 2000)
        found = layer(torch.randn(50, wide)) - layer.bias
        assert float(found.detach().std()) == pytest.approx(1, rel=0.1)


def test_blend_begins_as_the_activation_and_ends_as_nothing() -> None:
    layer, x = Blend(3, "relu"), torch.randn(4, 3)
    torch.testing.assert_close(layer(x), torch.relu(x))
    torch.nn.init.zeros_(layer.share)
    assert torch.equal(layer(x), x)


@pytest.mark.parametrize("name", ["realmlp", "tabm"])
def test_units_do_not_matter(name: str) -> None:
    """Metres or millimetres, from here or from there: the same answers once scales are learnt."""
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(300, 3, generator=rng)
    answers = []
    for moved in (x, x * 1000 + 5000):
        torch.manual_seed(1)
        module = make(name, inputs=3, outputs=2)
        if name == "realmlp":
            torch.nn.init.normal_(module.head.weight)
        prepare(module, moved)
        answers.append(module.eval()(moved).detach())
    torch.testing.assert_close(answers[0], answers[1], atol=2e-2, rtol=0)


@pytest.mark.parametrize("name", ["realmlp", "tabm"])
@pytest.mark.parametrize(("inputs", "levels"), [(3, ()), (0, (3, 20)), (2, (2,))])
def test_any_mix_of_numbers_and_codes(name: str, inputs: int, levels: tuple[int, ...]) -> None:
    module = make(name, inputs=inputs, outputs=1, levels=list(levels), hidden=[8])
    numbers = torch.randn(5, inputs)
    codes = torch.zeros(5, len(levels), dtype=torch.int64)
    assert prepare(module, numbers, codes).eval()(numbers, codes).shape == (5, 1)
    with pytest.raises(ParameterError, match="needs a number or a code"):
        make(name, inputs=0, outputs=1)


@pytest.mark.parametrize("embedding", ["none", "periodic", "piecewise"])
def test_hostile_numbers_give_finite_answers(embedding: str) -> None:
    for name in ("realmlp", "tabm"):
        module = make(name, inputs=3, outputs=2, embedding=embedding, hidden=[8])
        x = torch.tensor([[float("nan"), float("inf"), 1e38], [0.0, -float("inf"), -1e38],
                          [1.0, 2.0, 3.0]])
        assert prepare(module, x).eval()(x).isfinite().all()


@pytest.mark.parametrize("name", ["realmlp", "tabm"])
def test_they_learn_a_table(name: str) -> None:
    """A steep step in one number times a level of a code, which a line cannot say."""
    rng = np.random.default_rng(0)
    numbers = torch.tensor(rng.normal(size=(600, 3)), dtype=torch.float32)
    codes = torch.tensor(rng.integers(0, 2, size=(600, 1)))
    target = ((numbers[:, 0] > 0.3).long() ^ codes[:, 0]).long()
    torch.manual_seed(0)
    module = prepare(make(name, inputs=3, outputs=2, levels=[2], hidden=[32, 32]), numbers, codes)
    recipe = Recipe(**{**recipe_of(name), "epochs": 60, "batch": 100, "device": "cpu"})
    groups = parameter_groups(module, recipe.rate, recipe.weight_decay)
    data = (numbers[:400], codes[:400], target[:400])
    trained = train(module, data, recipe, groups=groups, valid=(numbers[400:], codes[400:],
                                                                target[400:]))
    found = trained.module(numbers[400:], codes[400:]).argmax(1)
    assert (found == target[400:]).float().mean() > 0.9


def test_four_waves_of_growing_length() -> None:
    at = schedules.factor(Recipe(schedule="coslog4"))
    ends = [0.0, 1 / 15, 3 / 15, 7 / 15, 1.0]
    assert [at(end * 1500, 1500) for end in ends] == pytest.approx([0] * 5, abs=1e-9)
    tops = [(2 ** (wave + 0.5) - 1) / 15 for wave in range(4)]
    assert [at(top * 1500, 1500) for top in tops] == pytest.approx([1] * 4)
