"""Few labels and many rows without: the bound by hand, and what the rows without are worth."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from wholefit.base.errors import DataError
from wholefit.nn import Recipe, networks, predict, train
from wholefit.nn.checkpoints import Checkpoint, steps
from wholefit.nn.generative import FewLabels, train_few_labels
from wholefit.nn.generative.few_labels import Labelled


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network(inputs: int = 20, classes: int = 2, seed: int = 0, code: int = 6) -> Any:
    torch.manual_seed(seed)
    return networks.make("labelled_vae", inputs=inputs, classes=classes, hidden=[32], code=code,
                         upper_hidden=[32], upper_code=2, output="linear")


def two_bands(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two long bands side by side in twenty numbers: few labels do not show which way they run."""
    random = np.random.default_rng(seed)
    y = np.arange(rows) % 2
    flat = np.column_stack([4 * (random.random(rows) - 0.5), 0.7 * y - 0.35])
    flat += 0.08 * random.normal(size=(rows, 2))
    laid = flat @ np.linalg.qr(np.random.default_rng(7).normal(size=(20, 2)))[0].T * 8
    return (laid + 0.1 * random.normal(size=(rows, 20))).astype(np.float32), y


def work(how: FewLabels | None = None) -> Labelled:
    random = torch.Generator().manual_seed(1)
    module = network(classes=3)
    mean, spread = torch.randn(2, 40, 6, generator=random)
    return Labelled(module, (mean[8:], spread[8:]), (mean[:8], spread[:8], torch.arange(8) % 3),
                    how or FewLabels(batch=16, device="cpu"))


def test_the_bound_of_a_known_class_is_torchs() -> None:
    found = work()
    upper: Any = found.module.upper
    rows, label = torch.randn(5, 6), torch.tensor([0, 1, 2, 0, 1])
    ahead = torch.Generator()
    ahead.set_state(found.noise.get_state())
    mine = found._bound(rows, label)
    mean, spread = upper.encode(rows, label)
    code = Normal(mean, torch.exp(0.5 * spread))
    raw = upper.raw(mean + torch.randn(5, 2, generator=ahead) * code.scale, label)
    said = Normal(raw[:, :6], torch.exp(0.5 * raw[:, 6:].clamp(-6, 2)))
    truth = (-said.log_prob(rows).sum(1) - 6 * 0.5 * np.log(2 * np.pi) + np.log(3)
             + kl_divergence(code, Normal(0.0, 1.0)).sum(1))
    assert torch.allclose(mine, truth, atol=1e-4)


def test_an_unknown_class_costs_what_each_costs_by_belief_less_the_doubt() -> None:
    """Class by class, row by row; and never less than the bound of the sum over classes."""
    found = work()
    module: Any = found.module
    rows = torch.randn(4, 6)
    ahead = found.noise.get_state()
    mine = found._unlabelled(rows)
    found.noise.set_state(ahead)
    each = found._bound(rows.repeat(3, 1), torch.arange(3).repeat_interleave(4))
    belief = torch.softmax(module.classifier(rows), dim=1)
    for at in range(4):
        costs = torch.stack([each[kind * 4 + at] for kind in range(3)])
        doubt = -(belief[at] * belief[at].log()).sum()
        assert torch.allclose(mine[at], (belief[at] * costs).sum() - doubt, atol=1e-4)
        assert mine[at] >= -torch.logsumexp(-costs, dim=0) - 1e-4


def test_rows_without_a_label_make_up_for_unlucky_labels() -> None:
    """Three labels a class: a classifier of them alone is misled by one draw of three."""
    found = []
    for seed in range(3):
        x, y = two_bands(900, seed)
        far, truth = two_bands(600, seed + 50)
        labels = np.where(np.arange(len(y)) < 6, y, -1)
        how = FewLabels(epochs=40, lower_epochs=20, batch=64, rate=3e-3, device="cpu", seed=seed)
        learnt = train_few_labels(network(seed=seed), x, labels, how, cost="gaussian")
        torch.manual_seed(seed)
        plain = train(networks.make("mlp", inputs=20, outputs=2, hidden=[32, 32]), (x[:6], y[:6]),
                      Recipe(epochs=80, batch=6, rate=3e-3, device="cpu", seed=seed))
        found.append([float((predict(each.module, [far]).argmax(1) == truth).mean())
                      for each in (learnt, plain)])
    assert min(right for right, _ in found) > 0.95
    assert min(alone for _, alone in found) < 0.9


def test_the_lower_part_is_left_as_it_was_and_the_upper_learns() -> None:
    x, y = two_bands(200)
    labels = np.where(np.arange(200) < 20, y, -1)
    module = network()
    how = FewLabels(epochs=3, lower_epochs=2, batch=32, device="cpu")
    work_: list[Any] = []
    learnt = train_few_labels(module, x, labels, how, cost="gaussian", callbacks=[
        lambda event, loop: work_.append(copy.deepcopy(module.lower.state_dict()))
        if event == "epoch" else None])
    for key, value in work_[0].items():
        assert torch.equal(value, learnt.module.lower.state_dict()[key])
    bounds = [row["bound"] for row in learnt.history]
    assert bounds[-1] < bounds[0]
    assert predict(learnt.module, [x]).shape == (200, 2)


def test_a_run_that_was_killed_goes_on_from_its_checkpoint(tmp_path: Any) -> None:
    class Killed(Exception):
        """Ends a run where a machine would."""

    def killed(event: str, loop: Any) -> None:
        if event == "epoch" and loop.epoch == 2:
            raise Killed

    x, y = two_bands(120)
    labels = np.where(np.arange(120) < 30, y, -1)
    how = FewLabels(epochs=4, lower_epochs=1, batch=32, known=7, device="cpu")

    def weights(*callbacks: Any) -> list[torch.Tensor]:
        found = train_few_labels(network(), x, labels, how, cost="gaussian", callbacks=callbacks)
        return list(found.module.parameters())

    whole = weights()
    place = tmp_path / "run"
    with pytest.raises(Killed):
        weights(Checkpoint(place), killed)
    assert steps(place)
    for mine, theirs in zip(weights(Checkpoint(place)), whole, strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize(("labels", "said"), [
    ([0, 1, -1], "for 4 rows"), ([0.0, 1.0, -1.0, -1.0], "whole number"),
    ([0, 1, 2, -1], "from 0 to 1"), ([0, 1, -2, -1], "from 0 to 1"),
    ([0, 0, -1, -1], "class 1 has none"), ([0, 1, 0, 1], "nothing to gain"),
])
def test_labels_that_cannot_be_learnt_from_are_refused(labels: list[Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        train_few_labels(network(), np.zeros((4, 20), np.float32), np.array(labels), FewLabels())
