"""What comes out of a network, and how wrong answers are punished."""

from __future__ import annotations

import math

import torch
from torch import nn

from wholefit.nn.lessons._lesson import Chart, Lesson, found, lesson, line


@lesson("softmax", "Does softmax always sum to one, and what does a temperature do?")
def softmax(seed: int = 0) -> Lesson:
    """Sums for logits of all sizes, computed plainly and with the largest taken off first."""
    draw = torch.Generator().manual_seed(seed)
    rows, worst, broken = [], 0.0, 0
    for size in (1.0, 10.0, 100.0, 1e4, 1e30):
        z = torch.randn(1000, 10, generator=draw) * size
        off = float((z.softmax(1).sum(1) - 1).abs().max())
        plain = z.exp() / z.exp().sum(1, keepdim=True)
        bad = int((~torch.isfinite(plain)).any(1).sum())
        worst, broken = max(worst, off), broken + bad
        rows.append([f"{size:g}", f"{off:.1e}", f"{bad / 1000:.0%}"])
    logits = torch.tensor([3.0, 2.0, 1.0, 0.0])
    moved = float(((logits + 100).softmax(0) - logits.softmax(0)).abs().max())
    heats = [10 ** (e / 10) for e in range(-10, 11)]
    shares = torch.stack([(logits / heat).softmax(0) for heat in heats])
    numbers = {"largest_error_of_sum": worst, "plain_formula_broken": broken, "moved": moved,
               "cold_top": float(shares[0, 0]), "hot_top": float(shares[-1, 0])}
    said = [f"Sums differ from one by {worst:.1e} at most, for logits up to 1e30.",
            f"exp(z) / sum exp(z) as it is written fails on {broken:,} of 5,000 rows (infinity "
            "over infinity); taking the largest logit off first cures it and changes nothing.",
            f"Adding the same number to all logits changes the answer by {moved:.1e}.",
            f"Dividing logits by 0.1 gives the first {numbers['cold_top']:.1%}, by 10 gives it "
            f"{numbers['hot_top']:.1%}: a temperature moves between one answer and all alike."]
    chart = Chart("Shares of four classes with logits 3, 2, 1, 0", "temperature", "probability",
                  tuple(line(f"logit {3 - at}", heats, shares[:, at].tolist())
                        for at in range(4)), log_across=True)
    return found("softmax", said, numbers, pictures=[chart], rows=rows,
                 header=("size of logits", "largest error of the sum", "plain formula fails"))


@lesson("cross_entropy", "How does a loss punish an answer that is sure and wrong?")
def cross_entropy(seed: int = 0) -> Lesson:
    """Cross-entropy and squared error of the right class's probability, and their gradients."""
    given = [0.999, 0.99, 0.9, 0.5, 0.1, 0.01, 0.001]
    rows, pull = [], {}
    for p in given:
        logit = torch.tensor(math.log(p / (1 - p)), dtype=torch.float64, requires_grad=True)
        entropy = -torch.nn.functional.logsigmoid(logit)
        square = (1 - torch.sigmoid(logit)) ** 2
        pull[p] = tuple(float(torch.autograd.grad(loss, logit)[0].abs())
                        for loss in (entropy, square))
        rows.append([f"{p:g}", f"{entropy.item():.4f}", f"{square.item():.4f}",
                     *(f"{each:.4f}" for each in pull[p])])
    draw = torch.Generator().manual_seed(seed)
    logits, truth = torch.randn(5, 10, generator=draw), torch.randint(10, (5,), generator=draw)
    same = float(nn.functional.cross_entropy(logits, truth)
                 - nn.functional.nll_loss(logits.log_softmax(1), truth))
    numbers = {"loss_sure_and_wrong": -math.log(0.01), "loss_unsure": -math.log(0.5),
               "loss_sure_and_right": -math.log(0.99), "pull_sure_and_wrong": pull[0.001][0],
               "pull_of_squares": pull[0.001][1], "log_softmax_then_nll": abs(same)}
    said = [f"Giving the right class 1 % costs {numbers['loss_sure_and_wrong']:.2f}, giving it "
            f"50 % costs {numbers['loss_unsure']:.2f}, 99 % {numbers['loss_sure_and_right']:.2f}: "
            "the cost has no bound.",
            f"Sure and wrong (0.1 %), cross-entropy pulls the logit with "
            f"{numbers['pull_sure_and_wrong']:.3f}, squared error of the probability with "
            f"{numbers['pull_of_squares']:.3f}: the sigmoid's flat end eats its gradient.",
            f"Cross-entropy is log-softmax and the negative log-likelihood: they differ by "
            f"{abs(same):.1e}."]
    places = [at / 200 for at in range(1, 200)]
    chart = Chart("Cost by the probability given to the right class", "probability", "cost",
                  (line("cross-entropy", places, [-math.log(p) for p in places]),
                   line("squared error", places, [(1 - p) ** 2 for p in places])))
    return found("cross_entropy", said, numbers, pictures=[chart], rows=rows, header=(
        "given to the right class", "cross-entropy", "squared error", "its pull on the logit",
        "pull of the squared error"))
