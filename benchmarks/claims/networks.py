"""Claims about neural networks: sizes, gradients, activations, order, cost, speed."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.claims._claim import FALSE, PARTLY, TRUE, Finding, claim

# What the sources' programs have, by what their layers imply.
_SAID = {"cnn (digits)": 421_642, "cnn (colour)": 2_122_186, "transformer layer": 3_152_384,
         "generator": 247_952, "discriminator": 108_801, "autoencoder": 209_968, "rnn": 745,
         "lstm": 2_665, "784-256-64-10": 218_058, "784-128-64-10": 109_386,
         "character lstm": 292_328, "cnn (valid)": 225_034, "4-10-10-3": 193,
         "784-64-64-10": 55_050}


@claim("B78", "The numbers to learn of every architecture",
       "each network built by name, its numbers counted; those that the catalog shapes otherwise, "
       "built in plain PyTorch")
def sizes() -> Finding:
    found = _counts()
    wrong = {name: (found[name], said) for name, said in _SAID.items() if found[name] != said}
    said = ", ".join(f"{name} {count:,}" for name, count in found.items())
    return said, TRUE if not wrong else f"{FALSE}: {wrong}"


def _counts() -> dict[str, int]:
    from benchmarks.neural_programs import _modules as plain
    from wholefit.nn import networks

    def mlp(*sizes: int) -> Any:
        return networks.make("mlp", inputs=sizes[0], outputs=sizes[-1], hidden=list(sizes[1:-1]))

    def cnn(channels: int, side: int, hidden: int) -> Any:
        return networks.make("cnn", channels=channels, height=side, width=side, outputs=10,
                             stages=[32, 64], hidden=[hidden])

    made = {"cnn (digits)": cnn(1, 28, 128), "cnn (colour)": cnn(3, 32, 512),
            "transformer layer": plain.Transformer().layer, "generator": plain.Generator(),
            "discriminator": plain.Discriminator(), "autoencoder": plain.Autoencoder(),
            "rnn": plain.make("simple_rnn", 0), "lstm": plain.make("lstm", 0),
            "784-256-64-10": mlp(784, 256, 64, 10), "784-128-64-10": mlp(784, 128, 64, 10),
            "character lstm": plain.Characters(), "cnn (valid)": plain.Digits(),
            "4-10-10-3": mlp(4, 10, 10, 3), "784-64-64-10": mlp(784, 64, 64, 10)}
    return {name: networks.parameters(module) for name, module in made.items()}


def _lesson(name: str, **options: Any) -> dict[str, float]:
    from wholefit.nn import lessons

    return lessons.run(name, **options).numbers


@claim("M4", "XOR cannot be solved by a perceptron; a multilayer perceptron can",
       "all lines tried on the four cases; a layer of eight with ReLU, sigmoid, none")
def xor() -> Finding:
    found = _lesson("xor")
    said = (f"best line {found['best_line_xor']:.0%}; ReLU {found['network_relu']:.0%}, sigmoid "
            f"{found['network_sigmoid']:.0%}, none {found['network_no_activation']:.0%}")
    holds = found["best_line_xor"] < 1 == found["network_relu"] == found["network_sigmoid"]
    return said, TRUE if holds else FALSE


@claim("CN2", "A convolution's output is (input - kernel) / stride + 1",
       "2,880 shapes with strides, padding and dilation, against torch")
def output_size() -> Finding:
    found = _lesson("output_size")
    share = found["short_formula_wrong"] / found["tried"]
    said = (f"wrong in {share:.0%}; with padding, dilation and a floor wrong in "
            f"{found['wrong']:.0f}")
    return said, TRUE if not share else f"{PARTLY}: stride 1, no padding, no dilation"


@claim("R8, TM34", "Gradients of recurrent networks vanish through time; gates cure it",
       "the gradient 50 steps back over the last one's, untrained")
def through_time() -> Finding:
    found = _lesson("gradient_by_time")
    said = ", ".join(f"{name} {found[key]:.0e}" for name, key in (
        ("RNN", "rnn_back_50"), ("GRU", "gru_back_50"), ("LSTM", "lstm_back_50"),
        ("LSTM with forget bias 3", "lstm_wide_open_back_50")))
    if found["lstm_back_50"] > 1e-2:
        return said, TRUE
    return said, (f"{PARTLY}: gates that begin open" if found["lstm_wide_open_back_50"] > 1e-2
                  else FALSE)


@claim("TM19", "Batch normalisation helps against vanishing gradients",
       "the first of 32 layers' gradient over the last one's, untrained")
def batch_norm() -> Finding:
    found = _lesson("gradient_by_depth")
    said = (f"sigmoid {found['sigmoid_32']:.0e}, with it {found['sigmoid_batch_norm_32']:.2g}; "
            f"ReLU {found['relu_32']:.2g}, with it {found['relu_batch_norm_32']:.3g}")
    helps = found["sigmoid_batch_norm_32"] > 1e6 * found["sigmoid_32"]
    grows = found["relu_batch_norm_32"] > 10 * found["relu_32"]
    if not helps:
        return said, FALSE
    return said, f"{PARTLY}: with sigmoids; with ReLU gradients explode" if grows else TRUE


@claim("M8", "ELU avoids dying units", "one hidden layer of 64, 200 steps at rate 3; units dead")
def elu() -> Finding:
    found = _lesson("dying_relu")
    said = (f"ReLU {found['relu_dead_at_3']:.0%}, ELU {found['elu_dead_at_3']:.0%}, leaky ReLU "
            f"{found['leaky_dead_at_3']:.0%}")
    return said, TRUE if found["elu_dead_at_3"] == 0 < found["relu_dead_at_3"] else FALSE


@claim("M11", "Hard sigmoid and softsign are computationally cheaper than sigmoid and tanh",
       "forward and backward on a million numbers, one thread, least of 15")
def cheaper() -> Finding:
    import torch
    from torch.nn import functional

    def seconds(kind: Any) -> float:
        x = torch.randn(1_000_000, requires_grad=True)
        best = 9.0
        for _ in range(15):
            began = time.perf_counter()
            torch.autograd.grad(kind(x).sum(), x)
            best = min(best, time.perf_counter() - began)
        return best * 1e3

    took = {"sigmoid": seconds(torch.sigmoid), "hard sigmoid": seconds(functional.hardsigmoid),
            "tanh": seconds(torch.tanh), "softsign": seconds(functional.softsign)}
    said = ", ".join(f"{name} {each:.2f} ms" for name, each in took.items())
    first, second = (took["hard sigmoid"] < took["sigmoid"], took["softsign"] < took["tanh"])
    if first and second:
        return said, TRUE
    return said, f"{PARTLY}: hard sigmoid is, softsign is not" if first else FALSE


@claim("TR3", "A Transformer needs positions: it knows no order by itself",
       "'He eats a burger' against 'A burger eats he', and unseen pairs of both")
def positions() -> Finding:
    found = _lesson("word_order")
    said = (f"without, the two differ by {found['differ_without']:.0e} and "
            f"{found['right_without']:.0%} of unseen pairs are right; with, "
            f"{found['right_with']:.0%}")
    return said, TRUE if found["differ_without"] < 1e-5 and found["right_with"] == 1 else FALSE


@claim("CN18", "First layers learn edges", "seven by seven filters on digits, before and after")
def edges() -> Finding:
    found = _lesson("edges")
    said = (f"neighbours correlate by {found['smooth_before']:.2f} before and "
            f"{found['smooth_after']:.2f} after; slopes run along one direction to "
            f"{found['oriented_before']:.0%} and {found['oriented_after']:.0%}")
    more = found["oriented_after"] - found["oriented_before"]
    return said, (TRUE if more > 0.4 else f"{PARTLY}: many filters, not all") if more > 0.05 \
        else FALSE


@claim("TM2", "Cross-entropy penalises confident errors more",
       "cost and pull at 0.1 % for the right class, beside squared error")
def confident() -> Finding:
    found = _lesson("cross_entropy")
    said = (f"1 % for the right class costs {found['loss_sure_and_wrong']:.2f}, 50 % "
            f"{found['loss_unsure']:.2f}; pull {found['pull_sure_and_wrong']:.3f} against "
            f"{found['pull_of_squares']:.3f}")
    return said, TRUE if found["loss_sure_and_wrong"] > found["loss_unsure"] else FALSE
