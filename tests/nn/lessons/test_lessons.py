"""What is told of neural networks is so: each lesson is run, and its numbers are held."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.nn import lessons
from wholefit.nn.networks import output_size
from wholefit.nn.sequences.positions import sinusoidal


def numbers(name: str, **options: object) -> dict[str, float]:
    found = lessons.run(name, **options)
    assert found.name == name and found.question in found.to_text()
    assert all(line in found.to_text() for line in found.said)
    assert found.to_json()["numbers"] == found.numbers
    return found.numbers


def test_a_line_solves_and_and_or_but_not_xor() -> None:
    found = numbers("xor")
    assert found["perceptron_and"] == found["perceptron_or"] == 1
    assert found["best_line_and"] == found["best_line_or"] == 1
    assert found["perceptron_xor"] <= found["best_line_xor"] == 0.75
    assert found["network_relu"] == found["network_sigmoid"] == 1
    assert found["network_no_activation"] <= 0.75


@pytest.mark.parametrize("depth", [2, 8, 20])
def test_a_linear_stack_is_one_layer(depth: int) -> None:
    found = numbers("linear_stack", depth=depth)
    assert found["difference"] < 1e-12
    assert found["bends_without"] == 0 < found["bends_with_relu"]


def test_slopes_of_activations_are_those_of_calculus() -> None:
    found = numbers("activations")
    assert found["sigmoid_steepest"] == pytest.approx(0.25)
    assert found["tanh_steepest"] == pytest.approx(1)
    assert found["hard_sigmoid_steepest"] == pytest.approx(1 / 6)
    assert found["heaviside_step_steepest"] == found["relu_at_minus_5"] == 0
    assert found["elu_at_minus_5"] == pytest.approx(math.exp(-5))
    assert found["softsign_at_minus_5"] == pytest.approx(1 / 36)


def test_softmax_sums_to_one() -> None:
    found = numbers("softmax")
    assert found["largest_error_of_sum"] < 1e-5
    assert found["plain_formula_broken"] > 1000
    assert found["cold_top"] > 0.999 and found["hot_top"] < 0.35


def test_cross_entropy_punishes_being_sure_and_wrong() -> None:
    found = numbers("cross_entropy")
    assert found["loss_sure_and_wrong"] > 6 * found["loss_unsure"] > 60 * found[
        "loss_sure_and_right"]
    assert found["pull_sure_and_wrong"] == pytest.approx(0.999)
    assert found["pull_of_squares"] == pytest.approx(2 * 0.999 ** 2 * 0.001)
    assert found["log_softmax_then_nll"] < 1e-6


@pytest.mark.parametrize("seed", [0, 1])
def test_gradients_vanish_by_depth_through_sigmoids(seed: int) -> None:
    found = numbers("gradient_by_depth", seed=seed)
    assert found["sigmoid_32"] < 1e-12 < found["sigmoid_8"] < 1e-2
    assert 0.01 < found["relu_32"] < 100
    assert found["sigmoid_batch_norm_32"] > 0.1
    assert found["sigmoid_residual_32"] > 1e-3
    assert found["relu_batch_norm_32"] > 10 * found["relu_32"]


def test_gradients_vanish_by_time_unless_a_gate_is_open() -> None:
    found = numbers("gradient_by_time")
    assert found["rnn_back_50"] < 1e-10
    assert found["lstm_back_50"] < 1e-6, "gates alone are no cure"
    assert found["gru_back_50"] < 1e-6
    assert found["lstm_open_back_50"] > 1e6 * found["rnn_back_50"]
    assert found["lstm_wide_open_back_50"] > 0.05


def test_relu_units_die_of_large_steps() -> None:
    found = numbers("dying_relu")
    assert found["relu_dead_at_3"] > 0.5 > found["relu_dead_at_0.01"]
    assert found["leaky_dead_at_3"] == found["elu_dead_at_3"] == 0


def test_rates_too_high_and_too_low() -> None:
    found = numbers("learning_rate")
    assert found["bowl_best"] == 0
    assert found["bowl_below_bound"] == pytest.approx(0.96 ** 40)
    assert found["bowl_above_bound"] == pytest.approx(1.04 ** 40)
    assert found["bowl_too_low"] == pytest.approx(0.98 ** 40)
    assert found["loss_at_0.0001"] > 0.65 and found["loss_at_1"] < 0.05
    assert not found["loss_at_100"] < 0.6


def test_batches_halve_the_error_for_four_times_the_rows() -> None:
    found = numbers("batch_size")
    assert found["slope"] == pytest.approx(-0.5, abs=0.08)
    assert found["noise_4096"] < 1e-4, "all rows are the true gradient"
    assert found["loss_after_epoch_16"] < found["loss_after_epoch_4096"]


def test_dropout_and_batch_norm_have_two_modes() -> None:
    found = numbers("modes")
    assert found["dropped"] == pytest.approx(0.3, abs=0.02)
    assert found["mean_in_training"] == pytest.approx(1, abs=0.03)
    assert found["eval_leaves"] == 1
    assert found["norm_mean"] == pytest.approx(0, abs=1e-5)
    assert found["norm_spread"] == pytest.approx(1, abs=1e-3)
    assert found["running_mean"] == pytest.approx(20, abs=1)
    assert found["alone_differs"] < 1e-5


def test_the_formula_of_output_sizes_is_what_torch_makes() -> None:
    found = numbers("output_size")
    assert found["wrong"] == 0 and found["tried"] == 32 * 5 * 3 * 3 * 2
    assert (found["28_by_3"], found["28_by_3_stride_2"]) == (26, 13)
    assert found["short_28_by_3_stride_2"] == 13.5
    assert found["same_padding"] == 28
    pool = torch.nn.MaxPool1d(3, 2, 1)
    for size in range(3, 40):
        assert output_size(size, 3, 2, 1) == pool(torch.zeros(1, 1, size)).shape[-1]


def test_pooling_saves_numbers_and_forgets_where() -> None:
    found = numbers("pooling")
    assert (found["flatten"], found["pooling"]) == (1024, 4)
    assert (found["weights_flatten"], found["weights_pooling"]) == (10250, 50)
    assert found["moved_mean"] < 1e-6 < 0.5 < found["moved_flatten"]


def test_a_convolution_moves_with_the_picture() -> None:
    found = numbers("convolution")
    assert found["weights_conv"] == 80 and found["weights_full"] == 784 * 784 * 8 + 784 * 8
    assert found["weights_colour"] == 60
    assert found["conv_follows"] < 1e-5 < 0.5 < found["full_follows"]


@pytest.mark.parametrize("seed", [0, 1])
def test_order_is_known_by_positions_only(seed: int) -> None:
    found = numbers("word_order", seed=seed)
    assert found["differ_without"] < 1e-5
    assert found["right_without"] == 0.5
    assert found["right_with"] == 1
    assert found["burger_with"] > 0.9 > 0.1 > found["burger_turned_with"]


def test_positions_are_those_of_the_formula() -> None:
    made = sinusoidal(50, 16).numpy()
    place, wave = np.mgrid[0:50, 0:8]
    angle = place / 10_000 ** (2 * wave / 16)
    assert np.allclose(made[:, 0::2], np.sin(angle), atol=1e-4)
    assert np.allclose(made[:, 1::2], np.cos(angle), atol=1e-4)


def test_attention_costs_grow_by_the_square() -> None:
    found = numbers("attention_cost")
    assert found["doubling_scores"] == 4 and found["doubling_lstm"] == 2
    assert 2 < found["doubling_layer_short"] < found["doubling_layer_long"] < 4


def test_autograd_gives_what_calculus_gives() -> None:
    found = numbers("autograd")
    assert [found[f"vector_{at}"] for at in (1, 2, 3)] == [4, 6, 8]
    assert found["scalar_error"] == 0 and found["dot"] == 32
    assert (found["hessian_22"], found["hessian_12"]) == (12, 0)
    assert found["view_rows"] == 2 and found["view_shares"] == 1
    assert found["in_place_refused"] == found["detached"] == 1


def test_first_layers_learn_edges_of_real_pictures() -> None:
    found = lessons.run("edges", epochs=3)
    assert found.numbers["accuracy"] > 0.8
    assert found.numbers["smooth_before"] < 0.05
    assert found.numbers["smooth_after"] > found.numbers["smooth_before"] + 0.15
    assert found.numbers["oriented_after"] > found.numbers["oriented_before"] + 0.05
    assert [len(each.pictures) for each in found.pictures] == [16, 16, 17]


def test_pictures_of_ones_own_are_checked() -> None:
    fine = np.zeros((60, 14, 14)), np.arange(60) % 2
    with pytest.raises(ParameterError, match="together"):
        lessons.run("edges", images=fine[0])
    for images, labels in ((fine[0][:5], fine[1][:5]), (np.zeros((60, 4, 4)), fine[1]),
                           (np.zeros((60, 196)), fine[1]), (fine[0], fine[1][:9]),
                           (fine[0], np.zeros(60)), (np.full((60, 14, 14), np.nan), fine[1])):
        with pytest.raises(DataError, match="edges"):
            lessons.run("edges", images=images, labels=labels)


def test_the_same_seed_gives_the_same_numbers_and_leaves_torch_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again = lessons.run("modes", seed=3), lessons.run("modes", seed=3)
    assert torch.equal(torch.rand(3), expected)
    assert first == again and first != lessons.run("modes", seed=4)


def test_wrong_words_are_told() -> None:
    with pytest.raises(UnknownNameError, match="xor"):
        lessons.run("xorr")
    with pytest.raises(ParameterError, match="takes seed"):
        lessons.run("xor", sed=1)
    for seed in (-1, 1.5, True, "0"):
        with pytest.raises(ParameterError, match="whole number"):
            lessons.run("xor", seed=seed)


def test_every_lesson_is_listed_with_a_question() -> None:
    entries = lessons.describe()
    assert len(entries) >= 18
    assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)
    assert all(entry.question.endswith("?") and entry.run.__doc__ for entry in entries)
