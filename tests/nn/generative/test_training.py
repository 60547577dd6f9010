"""How generative networks learn: against hand-written loops, closed forms, and known failures."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from wholefit.base import events
from wholefit.nn import networks
from wholefit.nn.checkpoints import Checkpoint, steps
from wholefit.nn.generative import (
    Divergence,
    PairRecipe,
    Rebuilding,
    Variation,
    codes,
    sample,
    train_autoencoder,
    train_pair,
    train_rbm,
    train_vae,
    walk,
)
from wholefit.nn.generative import losses as adversarial_losses
from wholefit.nn.generative._steps import Learning, OneModule
from wholefit.nn.generative.adversarial import Adversarial
from wholefit.nn.generative.rebuild import sparsity
from wholefit.nn.generative.variational import divergence


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def ring(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    angle = 2 * np.pi * rng.integers(8, size=count) / 8
    return (1.4 * np.column_stack([np.cos(angle), np.sin(angle)])
            + 0.02 * rng.normal(size=(count, 2))).astype(np.float32)


def pair(width: int = 32) -> tuple[Any, Any]:
    torch.manual_seed(0)
    return (networks.make("generator", inputs=4, outputs=2, hidden=[width, width],
                          activation="relu", norm="none", output="linear"),
            networks.make("discriminator", inputs=2, hidden=[width, width]))


# ---- adversarial pairs ----------------------------------------------------------------------


def test_a_step_is_that_of_a_hand_written_loop() -> None:
    """Discriminator on real and made rows, then the generator through it; losses of torch's own."""
    rows = torch.from_numpy(ring(64, 0))
    recipe = PairRecipe(steps=3, batch=64, penalty="none", ema=0.0, beta1=0.5, rate=0.01, seed=3)
    made, told = pair(8)
    own_made, own_told = copy.deepcopy(made), copy.deepcopy(told)
    work = Adversarial(made, told, [rows], recipe, epoch_steps=3)
    noise = torch.Generator()
    noise.set_state(work.noise.get_state())
    feed = work.next_batch()
    for_made = torch.optim.Adam(own_made.parameters(), lr=0.01, betas=(0.5, 0.99))
    for_told = torch.optim.Adam(own_told.parameters(), lr=0.01, betas=(0.5, 0.99))
    bce = nn.functional.binary_cross_entropy_with_logits
    work.step(feed)
    real = feed[0][0]
    fake = own_made(torch.randn(64, 4, generator=noise)).detach()
    loss = bce(own_told(real), torch.ones(64)) + bce(own_told(fake), torch.zeros(64))
    for_told.zero_grad()
    loss.backward()
    for_told.step()
    loss = bce(own_told(own_made(torch.randn(64, 4, generator=noise))), torch.ones(64))
    for_made.zero_grad()
    loss.backward()
    for_made.step()
    for mine, theirs in ((made, own_made), (told, own_told)):
        for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
            assert torch.allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("kind", ["gradient", "r1"])
def test_penalties_of_a_line_are_known(kind: str) -> None:
    """The slope of 3x + 4y has length 5 everywhere."""
    rows = torch.randn(7, 2)
    found = adversarial_losses.penalty(kind, lambda x: x @ torch.tensor([3.0, 4.0]), rows,
                                       torch.randn(7, 2), torch.rand(7))
    assert float(found) == pytest.approx((5 - 1) ** 2 if kind == "gradient" else 25 / 2, rel=1e-5)


def test_the_mean_of_the_weights_is_what_answers() -> None:
    made, told = pair(8)
    recipe = PairRecipe(steps=3, batch=16, ema=0.9)
    work = Adversarial(made, told, [torch.from_numpy(ring(64, 0))], recipe, epoch_steps=3)
    expected = [p.detach().clone() for p in made.parameters()]
    for count in range(1, 4):
        work.step(work.next_batch())
        decay = min(0.9, (1 + count) / (10 + count))
        expected = [decay * old + (1 - decay) * new.detach()
                    for old, new in zip(expected, made.parameters(), strict=True)]
    for mine, theirs in zip(work.answering().parameters(), expected, strict=True):
        assert torch.allclose(mine, theirs, atol=1e-6)


def test_going_on_from_a_state_is_bit_equal() -> None:
    rows = torch.from_numpy(ring(100, 0))
    recipe = PairRecipe(steps=10, batch=16)

    def work() -> Adversarial:
        return Adversarial(*pair(8), [rows], recipe, epoch_steps=100)

    whole, first, second = work(), work(), work()
    for _ in range(6):
        whole.step(whole.next_batch())
    for _ in range(3):
        first.step(first.next_batch())
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for _ in range(3):
        second.step(second.next_batch())
    for a, b in zip(whole.answering().parameters(), second.answering().parameters(), strict=True):
        assert torch.equal(a, b)


class Killed(Exception):
    """Ends a run where a machine would."""


def killed(event: str, loop: Any) -> None:
    if event == "epoch" and loop.epoch == 2:
        raise Killed


@pytest.mark.parametrize("kind", ["pair", "vae", "autoencoder", "rbm"])
def test_a_run_that_was_killed_goes_on_from_its_checkpoint(kind: str, tmp_path: Any) -> None:
    def run(*callbacks: Any) -> list[torch.Tensor]:
        torch.manual_seed(0)
        if kind == "pair":
            made: Any = train_pair(*pair(8), ring(100, 0), PairRecipe(
                steps=40, batch=16, device="cpu"), epoch_steps=10, callbacks=callbacks)
            return list(made.generator.parameters())
        if kind == "vae":
            made = train_vae(vae(), line(100), Variation(epochs=4, device="cpu"), cost="gaussian",
                             callbacks=callbacks)
        elif kind == "autoencoder":
            made = train_autoencoder(
                networks.make("autoencoder", inputs=3, hidden=[8], code=1, output="linear"),
                line(100), Rebuilding(epochs=4, noise="gaussian", device="cpu"),
                callbacks=callbacks)
        else:
            made = train_rbm(networks.make("rbm", visible=3, hidden=3), (line(100) > 0) * 1.0,
                             Divergence(epochs=4, persistent=True, device="cpu"),
                             callbacks=callbacks)
        return list(made.module.parameters())

    whole = run()
    with pytest.raises(Killed):
        run(Checkpoint(tmp_path), killed)
    assert steps(tmp_path)
    seen: list[int] = []
    again = run(Checkpoint(tmp_path), lambda event, loop: seen.append(loop.epoch))
    assert min(seen) >= 2, "the first epochs were not made again"
    assert all(map(torch.equal, whole, again))


def dropped() -> torch.nn.Sequential:
    return torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Dropout(0.5),
                               torch.nn.Linear(16, 1))


def test_going_on_from_a_state_is_bit_equal_with_dropout() -> None:
    """Dropout draws from torch's own generator: where that is belongs to the state."""
    rows = torch.from_numpy(ring(100, 0))

    def work() -> Adversarial:
        torch.manual_seed(0)
        return Adversarial(pair(8)[0], dropped(), [rows], PairRecipe(steps=10, batch=16),
                           epoch_steps=100)

    whole, first = work(), work()
    torch.manual_seed(1)
    for _ in range(4):
        whole.step(whole.next_batch())
    torch.manual_seed(1)
    for _ in range(2):
        first.step(first.next_batch())
    state, second = copy.deepcopy(first.state_dict()), work()
    torch.manual_seed(99)
    second.load_state_dict(state)
    for _ in range(2):
        second.step(second.next_batch())
    for a, b in zip(whole.discriminator.parameters(), second.discriminator.parameters(),
                    strict=True):
        assert torch.equal(a, b)


def test_a_step_of_one_module_goes_on_where_torchs_generator_was() -> None:
    """The state of every `OneModule`: variational autoencoders, Boltzmann machines."""
    torch.manual_seed(3)
    work = OneModule(dropped(), [torch.zeros(4, 2)], Learning(device="cpu"))
    state = copy.deepcopy(work.state_dict())
    expected = torch.rand(3)
    torch.manual_seed(99)
    work.load_state_dict(state)
    assert torch.equal(torch.rand(3), expected)


def test_a_critic_has_no_accuracy_and_wins_nothing() -> None:
    """Scores of loss "wasserstein" have no middle: 0 parts nothing."""
    found = train_pair(*pair(8), ring(200, 0), PairRecipe(
        steps=40, batch=32, loss="wasserstein", penalty="gradient", weight=10.0, device="cpu"))
    assert not any("accuracy" in row for row in found.history)
    assert "discriminator_loss" in found.history[-1]
    assert not any("wins" in said for said in found.warnings)


def test_a_collapse_is_warned_of_in_a_sentence_and_the_cure_is_not() -> None:
    """Without a penalty, with quick steps and much momentum, most of the eight modes are lost."""
    rows, heard = ring(2000, 0), []
    with events.listen(lambda event, facts: heard.append(event)):
        sick = train_pair(*pair(), rows, PairRecipe(
            steps=500, batch=64, penalty="none", beta1=0.8, rate=5e-3, device="cpu"),
            epoch_steps=50)
    assert any("mode collapse" in said and "penalty=" in said for said in sick.warnings)
    assert "mode_collapse" in heard
    well = train_pair(*pair(), rows, PairRecipe(steps=500, batch=64, device="cpu"),
                      epoch_steps=50)
    assert not any("collapse" in said for said in well.warnings), well.warnings
    assert well.history[-1]["left_out"] < 0.2 < sick.history[-1]["left_out"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_defaults_find_all_eight_modes(seed: int) -> None:
    from benchmarks.generation.ring import measured

    found = measured(seed)
    assert found["modes"] == 8 and not found["warned"]


def test_looking_does_not_change_what_is_learnt() -> None:
    rows = ring(300, 0)
    plain, watched = (train_pair(*pair(8), rows, PairRecipe(steps=20, batch=32, device="cpu"),
                                 watched=look) for look in (False, True))
    noise = np.random.default_rng(0).normal(size=(5, 4))
    assert np.array_equal(sample(plain.generator, noise), sample(watched.generator, noise))


# ---- variational autoencoders ---------------------------------------------------------------


def test_the_divergence_is_that_of_torchs_distributions() -> None:
    mean, spread = torch.randn(6, 3), torch.randn(6, 3)
    known = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, torch.exp(0.5 * spread)),
        torch.distributions.Normal(torch.zeros(6, 3), torch.ones(6, 3)))
    assert torch.allclose(divergence(mean, spread), known, atol=1e-5)


def line(count: int = 400) -> np.ndarray:
    """Rows that one number decides."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=(count, 1)) * [2.0, -2.0, 1.0]
            + 0.05 * rng.normal(size=(count, 3))).astype(np.float32)


def vae(**more: Any) -> Any:
    torch.manual_seed(0)
    return networks.make("vae", inputs=3, hidden=[16], code=3, output="linear", **more)


def test_codes_tell_how_many_numbers_are_used() -> None:
    rows = line()

    def cost(raw: Any, x: Any) -> Any:
        return 50 * (raw - x).square().sum(dim=1)

    learnt = train_vae(vae(), rows, Variation(epochs=40, batch=32, rate=5e-3, device="cpu"),
                       valid=rows[:50], cost=cost)
    told = codes(learnt.module, rows)
    assert told.kl[0] > 1 and told.kl[0] > 5 * told.kl[1], told
    assert learnt.history[-1]["valid_loss"] < learnt.history[0]["valid_loss"] / 3
    assert "numbers of the code are used" in told.said


def test_posterior_collapse_is_said_and_free_nats_cure_it() -> None:
    rows = line()
    gone = train_vae(vae(), rows, Variation(epochs=15, batch=32, beta=50.0, rate=5e-3, warmup=0,
                                            device="cpu"), cost="gaussian")
    assert codes(gone.module, rows).collapsed == 3
    assert "posterior collapse" in codes(gone.module, rows).said
    kept = train_vae(vae(), rows, Variation(epochs=15, batch=32, beta=50.0, free=0.5, rate=5e-3,
                                            warmup=0, device="cpu"), cost="gaussian")
    assert codes(kept.module, rows).collapsed == 0


def test_a_walk_keeps_the_length_of_codes() -> None:
    first, last = np.array([3.0, 0.0]), np.array([0.0, 3.0])
    found = walk(first, last, 5)
    assert np.allclose(found[[0, -1]], [first, last])
    assert np.allclose(np.linalg.norm(found, axis=1), 3.0)
    assert np.allclose(walk(first, first, 3), first)


def test_training_leaves_torchs_random_numbers_and_repeats_itself() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    found = [train_vae(vae(), line(100), Variation(epochs=2, device="cpu"), cost="gaussian")
             for _ in range(2)]
    assert torch.equal(found[0].module.mean.weight, found[1].module.mean.weight)
    torch.manual_seed(5)
    assert torch.equal(before, torch.get_rng_state())


# ---- autoencoders ---------------------------------------------------------------------------


def test_a_linear_autoencoder_rebuilds_as_principal_components_do() -> None:
    """Baldi and Hornik 1989: the best it can do is the plane of the first components."""
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(300, 2)) @ rng.normal(size=(2, 6))
            + 0.1 * rng.normal(size=(300, 6))).astype(np.float32)
    rows -= rows.mean(axis=0)
    torch.manual_seed(0)
    module = networks.make("autoencoder", inputs=6, hidden=[], code=2, output="linear",
                           bend_code=False)
    learnt = train_autoencoder(module, rows, Rebuilding(epochs=150, batch=50, rate=0.02,
                                                        device="cpu"))
    _, sizes, _ = np.linalg.svd(rows, full_matrices=False)
    best = float((sizes[2:] ** 2).sum() / rows.size)
    assert learnt.history[-1]["reconstruction"] == pytest.approx(best, rel=0.1)


def test_a_denoising_one_takes_noise_away() -> None:
    rng = np.random.default_rng(1)
    clean = line(600)
    noisy = clean + rng.normal(size=clean.shape).astype(np.float32) * 0.7
    torch.manual_seed(0)
    module = networks.make("autoencoder", inputs=3, hidden=[16], code=1, output="linear",
                           bend_code=False)
    learnt = train_autoencoder(module, clean, Rebuilding(
        epochs=60, batch=64, rate=5e-3, noise="gaussian", strength=0.7, device="cpu"))
    with torch.no_grad():
        again = learnt.module(torch.from_numpy(noisy)).numpy()
    assert ((again - clean) ** 2).mean() < 0.6 * ((noisy - clean) ** 2).mean()


def test_sparsity_is_what_the_papers_say() -> None:
    code = torch.tensor([[0.0, 2.0], [0.0, -2.0]])
    assert float(sparsity("l1", code, 0.05)) == pytest.approx(2.0)
    assert float(sparsity("kl", torch.logit(torch.full((4, 3), 0.05)), 0.05)) == pytest.approx(
        0.0, abs=1e-6)
    half = 0.05 * np.log(0.05 / 0.5) + 0.95 * np.log(0.95 / 0.5)
    assert float(sparsity("kl", torch.zeros(4, 3), 0.05)) == pytest.approx(3 * half, rel=1e-5)


def test_a_sparse_code_is_sparser() -> None:
    rows = line(300)

    def active(kind: str) -> float:
        torch.manual_seed(0)
        module = networks.make("autoencoder", inputs=3, hidden=[16], code=8, output="linear")
        learnt = train_autoencoder(module, rows, Rebuilding(
            epochs=20, batch=64, rate=5e-3, sparsity=kind, weight=0.1, device="cpu"))
        with torch.no_grad():
            return float(learnt.module.encode(torch.from_numpy(rows)).abs().mean())

    assert active("l1") < 0.7 * active("none")


# ---- Boltzmann machines ---------------------------------------------------------------------


@pytest.mark.parametrize("persistent", [False, True])
def test_a_boltzmann_machine_learns_which_bits_go_together(persistent: bool) -> None:
    rng = np.random.default_rng(0)
    first = rng.random(500) < 0.5
    rows = np.column_stack([first, first, ~first, rng.random(500) < 0.2]).astype(np.float32)
    torch.manual_seed(0)
    machine = networks.make("rbm", visible=4, hidden=6)
    learnt = train_rbm(machine, rows, Divergence(epochs=60, batch=50, rate=0.05, rounds=2,
                                                 persistent=persistent, device="cpu"),
                       valid=rows[:100])
    states = torch.tensor([[(at >> bit) & 1 for bit in range(4)] for at in range(16)]).float()
    with torch.no_grad():
        chance = torch.softmax(-learnt.module.free_energy(states), dim=0).numpy()
    real = (states[:, 0] == states[:, 1]) & (states[:, 0] != states[:, 2])
    assert chance[real.numpy()].sum() > 0.8  # 4 of the 16 states; by chance 0.25
    assert "free_energy_gap" in learnt.history[-1]
